//! Errors of a run: what the machine notes while it runs, and what its caller gets.

use std::fmt;

use regovm_core::builtin::{BuiltinError, StopReason};
use regovm_core::value::{MemoryExceeded, Value};
use regovm_core::{Code, Span};

use crate::budget::Budget;
use crate::bytecode::ConflictKind;
use crate::program::{FunctionKind, Program};

/// Why a query has no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EvalError {
    /// OPA's code.
    pub code: Code,
    /// OPA's message; for budgets ours, with rule and line.
    pub message: String,
    /// The expression, in the address space of the program's sources.
    pub span: Span,
    /// Set if a budget, the deadline or the caller stopped the query.
    pub stop: Option<StopReason>,
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for EvalError {}

/// What stops the machine, before it is put in words.
#[derive(Debug)]
pub(crate) enum Fault {
    Stop(StopReason),
    /// A function with noted conflicts has ended.
    Conflict(Box<Conflict>),
    /// Two values for one key.
    ObjectKey,
    /// A built-in failed in strict mode.
    Builtin(u16, BuiltinError),
    /// What verified programs made by the compiler never do.
    Internal(&'static str),
}

impl From<StopReason> for Fault {
    fn from(reason: StopReason) -> Fault {
        Fault::Stop(reason)
    }
}

impl From<MemoryExceeded> for Fault {
    fn from(_: MemoryExceeded) -> Fault {
        Fault::Stop(StopReason::Memory)
    }
}

/// Values that OPA lists in the message of a conflict.
const MAX_VALUES: usize = 10;

/// Characters of a value that OPA lists.
const MAX_VALUE_TEXT: usize = 80;

/// Bytes of a value of which those characters are taken.
const MOST_TEXT: usize = 1 << 14;

/// Different values of one rule or function, noted until it ends.
#[derive(Debug)]
pub(crate) struct Conflict {
    /// How many frames were below the function.
    pub(crate) depth: usize,
    kind: ConflictKind,
    function: u32,
    /// Instructions that gave values, with the texts of the values; the first one's value is what the others differ from.
    values: Vec<(u32, String)>,
    more: bool,
}

impl Conflict {
    pub(crate) fn new(
        depth: usize,
        kind: ConflictKind,
        function: u32,
        first: (u32, Value<'_>),
    ) -> Conflict {
        Conflict {
            depth,
            kind,
            function,
            values: vec![(first.0, value_text(first.1))],
            more: false,
        }
    }

    /// Notes a different value; one for each instruction.
    pub(crate) fn add(&mut self, pc: u32, value: Value<'_>) {
        if self.values.iter().skip(1).any(|(other, _)| *other == pc) {
            return;
        }
        if self.values.len() == MAX_VALUES {
            self.more = true;
        } else {
            self.values.push((pc, value_text(value)));
        }
    }

    fn into_error(self, program: &Program) -> EvalError {
        let name = program
            .functions
            .get(self.function as usize)
            .map_or("", |function| function.name.as_str());
        let mut message = match self.kind {
            ConflictKind::CompleteRule => format!("rule {name} produced conflicting values:"),
            ConflictKind::Function => {
                format!("function {name} produced conflicting values for the same inputs:")
            }
        };
        let span = self
            .values
            .get(1)
            .map_or(Span::NONE, |(pc, _)| program.span_at(*pc));
        let mut values = self.values;
        // In the order of the sources, which their spans are not in if there are several: by name, as OPA does.
        values.sort_by_cached_key(|(pc, _)| {
            program
                .sources
                .locate(program.span_at(*pc))
                .map(|at| (at.file, at.row, at.col))
        });
        for (pc, text) in values {
            let place = match program.sources.locate(program.span_at(pc)) {
                None => "<unknown>".to_owned(),
                Some(at) if at.file.is_empty() => format!("{}:{}", at.row, at.col),
                Some(at) => format!("{}:{}", at.file, at.row),
            };
            message.push_str(&format!("\n  {text} at {place}"));
        }
        if self.more {
            message.push_str("\n  ...");
        }
        EvalError {
            code: Code::EvalConflict,
            message,
            span,
            stop: None,
        }
    }
}

/// A value on one line, cut where OPA cuts it.
fn value_text(value: Value<'_>) -> String {
    let text = regovm_core::json::rego_text_start(value, MOST_TEXT)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    match text.char_indices().nth(MAX_VALUE_TEXT) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Puts a fault in words.
pub(crate) fn describe(
    fault: Fault,
    program: &Program,
    pc: u32,
    budget: &Budget,
    memory_limit: usize,
    depth_limit: usize,
) -> EvalError {
    let span = program.span_at(pc);
    let error = |code, message| EvalError {
        code,
        message,
        span,
        stop: None,
    };
    match fault {
        Fault::Conflict(conflict) => conflict.into_error(program),
        Fault::ObjectKey => error(Code::EvalConflict, "object keys must be unique".to_owned()),
        Fault::Internal(what) => error(Code::EvalInternal, what.to_owned()),
        Fault::Builtin(index, cause) => {
            let name = program
                .builtins
                .get(usize::from(index))
                .map_or("", |builtin| builtin.name.as_str());
            let (code, text) = match cause {
                BuiltinError::Type(text) => (Code::EvalType, text),
                BuiltinError::Value(text) => (Code::EvalBuiltin, text),
                BuiltinError::Halt(code, text) => return error(code, text),
                BuiltinError::Stop(reason) => {
                    return describe(
                        Fault::Stop(reason),
                        program,
                        pc,
                        budget,
                        memory_limit,
                        depth_limit,
                    );
                }
            };
            error(code, format!("{name}: {text}"))
        }
        Fault::Stop(reason) => {
            let what = exhausted(reason, budget, memory_limit, depth_limit);
            let message = format!("{what} in {}", part_and_place(program, pc));
            EvalError {
                code: Code::EvalCancel,
                message,
                span,
                stop: Some(reason),
            }
        }
    }
}

/// `step budget of 10 exhausted`
pub(crate) fn exhausted(
    reason: StopReason,
    budget: &Budget,
    memory_limit: usize,
    depth_limit: usize,
) -> String {
    match reason {
        StopReason::Steps => format!("step budget of {} exhausted", budget.limit()),
        StopReason::Deadline => format!("time budget of {:?} exhausted", budget.time()),
        StopReason::Memory if memory_limit == usize::MAX => {
            "the memory of the machine is exhausted".to_owned()
        }
        StopReason::Memory => format!("memory budget of {memory_limit} bytes exhausted"),
        StopReason::Depth => format!("call depth budget of {depth_limit} exhausted"),
        StopReason::Cancelled => "caller cancelled query execution".to_owned(),
    }
}

/// The rule or function that an instruction belongs to, and where it stands: `rule data.p.allow (p.rego:7)`
fn part_and_place(program: &Program, pc: u32) -> String {
    let function = program.function_at(pc);
    let mut text = match function {
        Some(function) if function.kind == FunctionKind::Rule => format!("rule {}", function.name),
        Some(function) if function.kind == FunctionKind::Function => {
            format!("function {}", function.name)
        }
        _ => "the query".to_owned(),
    };
    let place = place(program, pc);
    if !place.is_empty() {
        text.push_str(&format!(" ({place})"));
    }
    text
}

/// Where an instruction stands, as OPA writes it before errors; empty if that is not known.
pub(crate) fn place(program: &Program, pc: u32) -> String {
    let function = program.function_at(pc);
    let span = match program.span_at(pc) {
        Span::NONE => function.map_or(Span::NONE, |function| function.span),
        span => span,
    };
    match program.sources.locate(span) {
        Some(at) if at.file.is_empty() => format!("{}:{}", at.row, at.col),
        Some(at) => format!("{}:{}", at.file, at.row),
        None => String::new(),
    }
}
