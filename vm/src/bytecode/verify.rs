//! The verifier: after it, the machine need not ask whether a number is in range.
//!
//! It guarantees that every register, slot, constant, path, function and built-in exists; that jumps stay inside their
//! function and reach instructions, not the words that belong to one; that control cannot run off a function's end; that
//! backward jumps reach only instructions that charge fuel; and that calls pass as many arguments as the function has
//! parameters. It does not prove that a register is assigned before it is read: the machine checks that.

use std::fmt;

use super::{Callee, Instruction, OperandView, Reg, list_words};
use crate::program::{FunctionKind, Program};

/// Why a program is not run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyError {
    /// The instruction, if it is about one.
    pub pc: Option<u32>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pc {
            Some(pc) => write!(f, "invalid program: instruction {pc}: {}", self.message),
            None => write!(f, "invalid program: {}", self.message),
        }
    }
}

impl std::error::Error for VerifyError {}

fn wrong(pc: Option<u32>, message: impl Into<String>) -> VerifyError {
    VerifyError {
        pc,
        message: message.into(),
    }
}

/// Checks a whole program.
pub fn verify(program: &Program) -> Result<(), VerifyError> {
    let code_len = program.code.len();
    let mut end_of_last = 0;
    for function in &program.functions {
        let range = &function.code;
        if range.start != end_of_last || range.end <= range.start || range.end as usize > code_len {
            return Err(wrong(
                None,
                format!("the code of {} is out of range", function.name),
            ));
        }
        end_of_last = range.end;
        if function.registers > Reg::LIMIT || function.params > function.registers {
            return Err(wrong(
                None,
                format!("{} has {} registers", function.name, function.registers),
            ));
        }
        if function.kind != FunctionKind::Function && function.params != 0 {
            return Err(wrong(
                None,
                format!("{} has parameters but is no function", function.name),
            ));
        }
        if function
            .path
            .iter()
            .flatten()
            .any(|key| key.index() >= program.constants().len())
        {
            return Err(wrong(
                None,
                format!("the path of {} is out of range", function.name),
            ));
        }
    }
    if end_of_last as usize != code_len {
        return Err(wrong(None, "code belongs to no function"));
    }
    for path in &program.paths {
        if path
            .iter()
            .any(|key| key.index() >= program.constants().len())
        {
            return Err(wrong(None, "a path names a constant that does not exist"));
        }
    }
    for query in &program.queries {
        match program.functions.get(query.function.index()) {
            Some(function) if function.kind == FunctionKind::Query => {}
            _ => return Err(wrong(None, "a query names a function that is no query")),
        }
    }
    let mut previous = None;
    for (pc, _) in &program.spans {
        if previous.is_some_and(|previous| previous >= *pc) {
            return Err(wrong(None, "the span table is not in order"));
        }
        previous = Some(*pc);
    }
    let mut starts = Vec::new();
    for number in 0..program.functions.len() {
        Checker { program, number }.function(&mut starts)?;
    }
    Ok(())
}

struct Checker<'p> {
    program: &'p Program,
    number: usize,
}

impl Checker<'_> {
    fn function(&self, starts: &mut Vec<bool>) -> Result<(), VerifyError> {
        let program = self.program;
        let function = &program.functions[self.number];
        let (start, end) = (function.code.start, function.code.end);
        // First the instruction boundaries, then what depends on them.
        starts.clear();
        starts.resize((end - start) as usize, false);
        let mut pc = start;
        while pc < end {
            let instruction = &program.code[pc as usize];
            let flags = instruction.opcode().flags();
            if flags.word {
                return Err(wrong(
                    Some(pc),
                    format!("{} without an instruction", instruction.opcode().name()),
                ));
            }
            starts[(pc - start) as usize] = true;
            let mut next = pc + 1;
            let mut else_count = 0;
            if flags.branch {
                match program.code.get(next as usize) {
                    Some(Instruction::Else { count, .. }) if next < end => {
                        else_count = count.0;
                        if !flags.list && else_count != 0 {
                            return Err(wrong(Some(next), "a list where none can be"));
                        }
                    }
                    _ => return Err(wrong(Some(pc), "no Else follows")),
                }
                next += 1;
            }
            if flags.list {
                let words = list_words(instruction.list_len(else_count));
                if words > (end - next) as usize {
                    return Err(wrong(Some(pc), "the list is longer than the function"));
                }
                for word in next..next + words as u32 {
                    if !matches!(program.code[word as usize], Instruction::Items { .. }) {
                        return Err(wrong(Some(word), "no Items in a list"));
                    }
                }
                next += words as u32;
            }
            if let Instruction::Switch { count, .. } = instruction {
                if count.0 > end - next {
                    return Err(wrong(Some(pc), "more cases than the function has room for"));
                }
                for word in next..next + count.0 {
                    if !matches!(program.code[word as usize], Instruction::Case { .. }) {
                        return Err(wrong(Some(word), "no Case of a switch"));
                    }
                }
                next += count.0;
            }
            self.arity(pc, instruction, else_count)?;
            if next >= end && !flags.ends {
                return Err(wrong(Some(pc), "the function runs off its end"));
            }
            pc = next;
        }
        for pc in start..end {
            let mut result = Ok(());
            program.code[pc as usize].for_each_operand(|_, operand| {
                if result.is_ok() {
                    result = self.operand(pc, operand, starts);
                }
            });
            result?;
        }
        Ok(())
    }

    fn arity(&self, pc: u32, instruction: &Instruction, count: u16) -> Result<(), VerifyError> {
        let function = &self.program.functions[self.number];
        match instruction {
            Instruction::Call {
                function: callee, ..
            } => {
                if let Some(callee) = self.program.functions.get(callee.index()) {
                    if callee.kind == FunctionKind::Query {
                        return Err(wrong(Some(pc), "a query is called"));
                    }
                    if callee.params != u32::from(count) {
                        return Err(wrong(
                            Some(pc),
                            format!("{count} arguments for {}", callee.name),
                        ));
                    }
                }
            }
            Instruction::CallBuiltin { builtin, .. } => {
                if let Some(builtin) = self.program.builtins.get(builtin.index()) {
                    let min = usize::from(builtin.arity);
                    let given = usize::from(count);
                    if given != min && !(builtin.variadic && given >= min) {
                        return Err(wrong(
                            Some(pc),
                            format!("{count} arguments for {}", builtin.name),
                        ));
                    }
                }
            }
            Instruction::Recall { function, .. } => {
                let callee = self.program.functions.get(function.index());
                if callee.is_some_and(|callee| callee.kind != FunctionKind::Rule) {
                    return Err(wrong(Some(pc), "only rules are recalled"));
                }
            }
            Instruction::SetResult { dst, .. } if u32::from(dst.0) + 1 >= function.registers => {
                return Err(wrong(Some(pc), "no register behind a result"));
            }
            Instruction::MakeObject { count, .. } if count.0 % 2 != 0 => {
                return Err(wrong(Some(pc), "an object of half a member"));
            }
            Instruction::InsertPath { count, .. } if count.0 == 0 => {
                return Err(wrong(Some(pc), "an empty path"));
            }
            Instruction::EmitRow { count } => {
                let expected = self
                    .program
                    .queries
                    .iter()
                    .find(|query| query.function.index() == self.number)
                    .map(|q| q.row.len());
                if function.kind != FunctionKind::Query || expected != Some(count.index()) {
                    return Err(wrong(Some(pc), "a row of the wrong width"));
                }
            }
            Instruction::Return { .. } if function.kind == FunctionKind::Query => {
                return Err(wrong(Some(pc), "a query returns a value"));
            }
            _ => {}
        }
        Ok(())
    }

    fn operand(&self, pc: u32, operand: OperandView, starts: &[bool]) -> Result<(), VerifyError> {
        let program = self.program;
        let function = &program.functions[self.number];
        let start = function.code.start;
        let exists = match operand {
            OperandView::Reg(reg) => u32::from(reg.0) < function.registers,
            OperandView::OptReg(reg) => reg
                .get()
                .is_none_or(|reg| u32::from(reg.0) < function.registers),
            OperandView::Source(source) => match source.split() {
                // The filler of a short list.
                Ok(Reg(0)) if matches!(program.code[pc as usize], Instruction::Items { .. }) => {
                    true
                }
                Ok(reg) => u32::from(reg.0) < function.registers,
                Err(index) => index.index() < program.constants().len(),
            },
            OperandView::Iter(slot) => slot.0 < function.iterators,
            OperandView::Builder(slot) => slot.0 < function.builders,
            OperandView::Overlay(slot) => slot.0 < function.overlays,
            OperandView::Const(index) => index.index() < program.constants().len(),
            OperandView::Path(index) => index.index() < program.paths.len(),
            OperandView::ShortPath(index) => index.index() < program.paths.len(),
            OperandView::Builtin(index) => index.index() < program.builtins.len(),
            OperandView::Function(index) => index.index() < program.functions.len(),
            OperandView::Callee(index) => match index.unpack() {
                Callee::Builtin(builtin) => {
                    u32::from(builtin.0) == index.0 & 0x7fff_ffff
                        && builtin.index() < program.builtins.len()
                }
                Callee::Function(function) => program
                    .functions
                    .get(function.index())
                    .is_some_and(|f| f.kind != FunctionKind::Query),
            },
            OperandView::Jump(target) => {
                let reaches = target
                    .0
                    .checked_sub(start)
                    .and_then(|at| starts.get(at as usize))
                    == Some(&true);
                if reaches && target.0 <= pc && !program.code[target.index()].charges() {
                    return Err(wrong(Some(pc), "a backward jump that charges no fuel"));
                }
                reaches
            }
            OperandView::Point(index) => {
                program
                    .observed
                    .points
                    .get(index.index())
                    .is_some_and(|point| {
                        (point.site as usize) < program.observed.sites.len()
                            && point.variables.iter().all(|(name, source)| {
                                (*name as usize) < program.observed.names.len()
                                    && match source.split() {
                                        Ok(reg) => u32::from(reg.0) < function.registers,
                                        Err(index) => index.index() < program.constants().len(),
                                    }
                            })
                    })
            }
            // Indexes are made when they are first asked for; none has to exist.
            OperandView::Index(_)
            | OperandView::ShortLen(_)
            | OperandView::ListLen(_)
            | OperandView::Number(_)
            | OperandView::Conflict(_) => true,
        };
        if exists {
            Ok(())
        } else {
            Err(wrong(Some(pc), format!("{operand} does not exist")))
        }
    }
}
