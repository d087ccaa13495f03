//! Code of one program in the making: labels that are patched, spans, constants, paths, built-ins.

use std::collections::HashMap;

use regovm_core::builtin::{BuiltinId, Table};
use regovm_core::{Constant, Span};
use regovm_vm::bytecode::{
    BuiltinIndex, ConstIndex, Instruction, Jump, PathIndex, ShortLen, Source,
};
use regovm_vm::observe::Point;
use regovm_vm::program::BuiltinUse;

/// A place in the code that may not be known yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Label(usize);

/// Collects the code of all functions.
pub(super) struct Assembler<'t> {
    table: &'t Table,
    pub(super) code: Vec<Instruction>,
    pub(super) spans: Vec<(u32, Span)>,
    pub(super) constants: Vec<Constant>,
    numbers: HashMap<Constant, ConstIndex>,
    pub(super) paths: Vec<Vec<ConstIndex>>,
    path_numbers: HashMap<Vec<ConstIndex>, PathIndex>,
    pub(super) builtins: Vec<BuiltinUse>,
    builtin_numbers: HashMap<BuiltinId, BuiltinIndex>,
    pub(super) points: Vec<Point>,
    /// Names of variables that points mention.
    pub(super) names: Vec<String>,
    name_numbers: HashMap<String, u32>,
    /// The span of what is added.
    pub(super) span: Span,
    /// Where each label stands; labels live as long as their function.
    labels: Vec<Option<u32>>,
    /// Instructions whose target is a label.
    open: Vec<(usize, Label)>,
}

impl<'t> Assembler<'t> {
    pub(super) fn new(table: &'t Table, constants: &[Constant]) -> Assembler<'t> {
        let numbers = constants
            .iter()
            .enumerate()
            .map(|(number, constant)| (constant.clone(), ConstIndex(number as u32)))
            .collect();
        Assembler {
            table,
            code: Vec::new(),
            spans: Vec::new(),
            constants: constants.to_vec(),
            numbers,
            paths: Vec::new(),
            path_numbers: HashMap::new(),
            builtins: Vec::new(),
            builtin_numbers: HashMap::new(),
            points: Vec::new(),
            names: Vec::new(),
            name_numbers: HashMap::new(),
            span: Span::NONE,
            labels: Vec::new(),
            open: Vec::new(),
        }
    }

    /// The number of a variable's name.
    pub(super) fn name(&mut self, name: &str) -> u32 {
        if let Some(number) = self.name_numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.name_numbers.insert(name.to_owned(), number);
        number
    }

    /// The number of the next instruction.
    pub(super) fn here(&self) -> u32 {
        self.code.len() as u32
    }

    /// Adds an instruction of the current span.
    pub(super) fn add(&mut self, instruction: Instruction) {
        if self.spans.last().map(|(_, span)| *span) != Some(self.span) {
            self.spans.push((self.here(), self.span));
        }
        self.code.push(instruction);
    }

    /// Adds an instruction that jumps to a label.
    pub(super) fn add_jump(&mut self, instruction: Instruction, label: Label) {
        self.open.push((self.code.len(), label));
        self.add(instruction);
    }

    /// The `Else` of the instruction before.
    pub(super) fn otherwise(&mut self, fail: Label) {
        self.otherwise_list(0, fail);
    }

    /// The `Else` of a call with so many arguments.
    pub(super) fn otherwise_list(&mut self, count: u16, fail: Label) {
        let target = Jump(0);
        self.add_jump(
            Instruction::Else {
                count: ShortLen(count),
                target,
            },
            fail,
        );
    }

    pub(super) fn jump(&mut self, label: Label) {
        self.add_jump(Instruction::Jump { target: Jump(0) }, label);
    }

    /// The list of the instruction before.
    pub(super) fn items(&mut self, sources: &[Source]) {
        for part in sources.chunks(3) {
            let at = |index: usize| part.get(index).copied().unwrap_or(Source(0));
            self.add(Instruction::Items {
                a: at(0),
                b: at(1),
                c: at(2),
            });
        }
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// The label stands here.
    pub(super) fn bind(&mut self, label: Label) {
        self.labels[label.0] = Some(self.here());
    }

    /// Ends a function: all its labels are bound now.
    pub(super) fn patch(&mut self) {
        for (at, label) in self.open.drain(..) {
            let place = self.labels[label.0];
            debug_assert!(place.is_some(), "a label was never bound");
            let to = Jump(place.unwrap_or(0));
            match &mut self.code[at] {
                Instruction::Jump { target }
                | Instruction::Case { target }
                | Instruction::Else { target, .. }
                | Instruction::BranchUndefined { target, .. }
                | Instruction::BranchDefined { target, .. }
                | Instruction::BranchFalse { target, .. }
                | Instruction::BranchScalar { target, .. }
                | Instruction::BranchStrict { target } => *target = to,
                other => debug_assert!(false, "{other:?} does not jump"),
            }
        }
        self.labels.clear();
    }

    /// The number of a constant.
    pub(super) fn constant(&mut self, constant: &Constant) -> ConstIndex {
        if let Some(number) = self.numbers.get(constant) {
            return *number;
        }
        let number = ConstIndex(self.constants.len() as u32);
        self.constants.push(constant.clone());
        self.numbers.insert(constant.clone(), number);
        number
    }

    /// The number of a path.
    pub(super) fn path(&mut self, keys: Vec<ConstIndex>) -> PathIndex {
        if let Some(number) = self.path_numbers.get(&keys) {
            return *number;
        }
        let number = PathIndex(self.paths.len() as u32);
        self.paths.push(keys.clone());
        self.path_numbers.insert(keys, number);
        number
    }

    /// The number of a built-in among those that the program needs.
    pub(super) fn builtin(&mut self, id: BuiltinId) -> BuiltinIndex {
        if let Some(number) = self.builtin_numbers.get(&id) {
            return *number;
        }
        let number = BuiltinIndex(self.builtins.len() as u16);
        let function = self.table.function_type(id);
        self.builtins.push(BuiltinUse {
            name: self
                .table
                .get(id)
                .map_or_else(String::new, |decl| decl.name.to_owned()),
            arity: function.map_or(0, |function| function.params.len() as u16),
            variadic: function.is_some_and(|function| function.variadic.is_some()),
        });
        self.builtin_numbers.insert(id, number);
        number
    }
}
