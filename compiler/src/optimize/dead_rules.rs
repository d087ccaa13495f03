//! Functions that nothing calls.
//!
//! ```text
//! query 0: calls f2                        query 0: calls f1
//! f1 data.p.small(l0)              →
//! f2 data.p.deny()                         f1 data.p.deny()
//! ```
//!
//! Lowering makes the functions of what the queries reach, and no others (`lower/mod.rs`); here those go that other rewrites
//! have made useless. Without queries all rules are wanted.
//!
//! **When it is right.** Always: what is called, or replaces something under a `with`, is kept.
//!
//! **What it costs.** Nothing.

use super::{Context, Rewrite};
use crate::ir::{Block, Callee, FuncId, Program, Replacement, StmtKind};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "dead-rules",
    about: "rules and functions that nothing calls any more are left out",
    run,
    repeated: false,
};

fn run(program: &mut Program, _: &Context<'_>) -> bool {
    if program.queries.is_empty() {
        return false;
    }
    let mut reached = vec![false; program.functions.len()];
    let mut next = program.queries.clone();
    while let Some(id) = next.pop() {
        let (Some(reached), Some(function)) = (
            reached.get_mut(id.0 as usize),
            program.functions.get_mut(id.0 as usize),
        ) else {
            continue;
        };
        if !std::mem::replace(reached, true) {
            for block in &mut function.blocks {
                each_callee(block, &mut |id| next.push(*id));
            }
        }
    }
    if reached.iter().all(|reached| *reached) {
        return false;
    }
    let mut count = 0;
    let numbers: Vec<FuncId> = reached
        .iter()
        .map(|reached| {
            let number = FuncId(count);
            count += u32::from(*reached);
            number
        })
        .collect();
    let renumber = |id: &mut FuncId| {
        if let Some(number) = numbers.get(id.0 as usize) {
            *id = *number;
        }
    };
    let mut kept = reached.iter();
    program.functions.retain(|_| kept.next() == Some(&true));
    program.queries.iter_mut().for_each(renumber);
    for function in &mut program.functions {
        for block in &mut function.blocks {
            each_callee(block, &mut |id| renumber(id));
        }
    }
    true
}

/// Calls `each` with every function that a block names.
fn each_callee(block: &mut Block, each: &mut impl FnMut(&mut FuncId)) {
    for stmt in block {
        match &mut stmt.kind {
            StmtKind::CallFunction { function, .. } | StmtKind::Recall { function, .. } => {
                each(function);
            }
            StmtKind::MakeOverlay { replacements, .. } => {
                for replacement in replacements {
                    let callees = match replacement {
                        Replacement::Document { .. } => [None, None],
                        Replacement::FunctionValue { target, .. } => [Some(target), None],
                        Replacement::Function {
                            target,
                            replacement,
                        } => [Some(target), Some(replacement)],
                    };
                    for callee in callees.into_iter().flatten() {
                        if let Callee::Function(function) = callee {
                            each(function);
                        }
                    }
                }
            }
            _ => {}
        }
        for block in stmt.kind.blocks_mut() {
            each_callee(block, each);
        }
    }
}
