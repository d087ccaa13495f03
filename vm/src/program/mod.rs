//! A compiled program: code and everything that it names.

mod serial;

use std::ops::Range;

use regovm_core::value::{Frozen, Value};
use regovm_core::{Constant, SourceMap, Span};

use crate::bytecode::{ConstIndex, FunctionIndex, Instruction, VerifyError};
use crate::observe::Observed;

pub use serial::LoadError;

/// What a function stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FunctionKind {
    /// A rule, or all rules below a ref: no parameters, one result per query and overlay.
    Rule,
    /// A user function.
    Function,
    /// A query: emits rows.
    Query,
}

/// A function of the program.
#[derive(Clone, PartialEq, Debug)]
pub struct Function {
    /// For people: `data.a.p`.
    pub name: String,
    /// Keys below `data` of the document that it computes and `with` could replace, if it does.
    pub path: Option<Vec<ConstIndex>>,
    /// What it stands for.
    pub kind: FunctionKind,
    /// Arguments; they arrive in the first registers.
    pub params: u32,
    /// Size of its window of registers.
    pub registers: u32,
    /// Iterations that can run at once.
    pub iterators: u16,
    /// Collections that can be open at once.
    pub builders: u16,
    /// Overlays that can exist at once.
    pub overlays: u16,
    /// Its part of the code.
    pub code: Range<u32>,
    /// Where it starts.
    pub span: Span,
}

/// A built-in that the program calls or replaces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuiltinUse {
    /// Its name.
    pub name: String,
    /// How many arguments it takes; a variadic one at least.
    pub arity: u16,
    /// More arguments may follow.
    pub variadic: bool,
}

/// A query of the program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query {
    /// The function that emits its rows.
    pub function: FunctionIndex,
    /// The names of the columns.
    pub row: Vec<String>,
}

/// The parts of a program before it is checked.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// All code; functions lie one after another.
    pub code: Vec<Instruction>,
    /// All functions.
    pub functions: Vec<Function>,
    /// All constants.
    pub constants: Vec<Constant>,
    /// Paths of constants for loads and overlays.
    pub paths: Vec<Vec<ConstIndex>>,
    /// Built-ins needed.
    pub builtins: Vec<BuiltinUse>,
    /// Queries.
    pub queries: Vec<Query>,
    /// The source texts.
    pub sources: SourceMap,
    /// For each instruction where the span changes: the span from there on.
    pub spans: Vec<(u32, Span)>,
    /// What can be observed of it, if it was compiled so.
    pub observed: Observed,
}

/// A verified program. Immutable, so threads can share it.
#[derive(Debug)]
pub struct Program {
    /// All code; functions lie one after another.
    pub code: Vec<Instruction>,
    /// All functions.
    pub functions: Vec<Function>,
    /// Paths of constants for loads and overlays.
    pub paths: Vec<Vec<ConstIndex>>,
    /// Built-ins needed.
    pub builtins: Vec<BuiltinUse>,
    /// Queries.
    pub queries: Vec<Query>,
    /// The source texts.
    pub sources: SourceMap,
    /// For each instruction where the span changes: the span from there on.
    pub spans: Vec<(u32, Span)>,
    /// What can be observed of it, if it was compiled so. Its file form does not have this: a program that is observed
    /// cannot be loaded again.
    pub observed: Observed,
    /// The constants as they were compiled, so that saving needs no way back from values.
    literals: Vec<Constant>,
    frozen: Frozen,
}

impl Program {
    /// Checks the parts and makes them a program.
    pub fn new(parts: Parts) -> Result<Program, VerifyError> {
        let Parts {
            code,
            functions,
            constants,
            paths,
            builtins,
            queries,
            sources,
            spans,
            observed,
        } = parts;
        let frozen =
            Frozen::build_many(|arena| constants.iter().map(|c| arena.constant(c)).collect());
        let program = Program {
            code,
            functions,
            paths,
            builtins,
            queries,
            sources,
            spans,
            observed,
            literals: constants,
            frozen,
        };
        crate::bytecode::verify(&program)?;
        Ok(program)
    }

    /// The constants as values.
    pub fn constants(&self) -> &[Value<'_>] {
        self.frozen.roots()
    }

    /// The constants as they were compiled.
    pub fn literals(&self) -> &[Constant] {
        &self.literals
    }

    /// The expression that an instruction belongs to.
    pub fn span_at(&self, pc: u32) -> Span {
        let after = self.spans.partition_point(|(start, _)| *start <= pc);
        after
            .checked_sub(1)
            .and_then(|at| self.spans.get(at))
            .map_or(Span::NONE, |(_, span)| *span)
    }

    /// The function whose code holds an instruction.
    pub fn function_at(&self, pc: u32) -> Option<&Function> {
        let after = self
            .functions
            .partition_point(|function| function.code.start <= pc);
        self.functions.get(after.checked_sub(1)?)
    }
}
