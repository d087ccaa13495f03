//! The optimiser: a list of rewrites of the IR.
//!
//! Each rewrite is one file that says what it looks for, what it makes of it, and when that is right: undefined values,
//! errors in strict mode, the order of `print` and `trace`, built-ins that do not give the same value twice. Each has a
//! name by which it can be switched off, and every program must answer the same with all of them on and all off.
//!
//! What correctness needs (early exit where all values are equal, memo of rules and functions) is not here but in
//! lowering and in the machine.

mod collection_index;
mod common;
mod dead_rules;
pub mod effects;
mod every;
mod existence;
mod first_success;
mod fold;
mod goal_order;
mod guard_motion;
mod inline;
mod invariant_motion;
mod loop_fusion;
mod loops;
mod membership;
pub mod plan;
mod rule_index;
mod slice;

pub use collection_index::WhyNot;
use regovm_core::Constant;
use regovm_core::builtin::Table;

#[cfg(debug_assertions)]
use crate::ir::verify;
use crate::ir::{Block, ConstId, Function, Program};

/// What rewrites know beside the program.
pub struct Context<'c> {
    /// The built-ins that it calls.
    pub builtins: &'c Table,
}

/// A rewrite of whole programs.
pub struct Rewrite {
    /// The name by which it is switched off.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Changes the program; true if there was anything to do.
    pub run: fn(&mut Program, &Context<'_>) -> bool,
    /// It runs before the others, and again as long as one of its kind changes something.
    pub repeated: bool,
}

/// How often rewrites are repeated, at most.
const ROUNDS: usize = 4;

/// All rewrites in the order in which they run.
pub const REWRITES: &[Rewrite] = &[
    inline::REWRITE,
    fold::REWRITE,
    existence::REWRITE,
    every::REWRITE,
    guard_motion::REWRITE,
    loop_fusion::REWRITE,
    goal_order::REWRITE,
    rule_index::REWRITE,
    first_success::REWRITE,
    collection_index::REWRITE,
    invariant_motion::REWRITE,
    membership::REWRITE,
    common::REWRITE,
    dead_rules::REWRITE,
];

/// Changes the blocks of a function one after another, which may get new locals meanwhile.
fn each_block(function: &mut Function, mut change: impl FnMut(&mut Block, &mut Function)) {
    let mut blocks = std::mem::take(&mut function.blocks);
    for block in &mut blocks {
        change(block, function);
    }
    function.blocks = blocks;
}

/// The number of a constant, which is added if the program does not have it.
fn constant_id(constants: &mut Vec<Constant>, constant: Constant) -> ConstId {
    let known = constants.iter().position(|known| *known == constant);
    let at = known.unwrap_or_else(|| {
        constants.push(constant);
        constants.len() - 1
    });
    ConstId(at as u32)
}

/// Runs all rewrites but those whose names are in `off`; gives the names of those that changed something.
pub fn optimize(program: &mut Program, context: &Context<'_>, off: &[String]) -> Vec<&'static str> {
    run(REWRITES, program, context, off)
}

fn run(
    rewrites: &[Rewrite],
    program: &mut Program,
    context: &Context<'_>,
    off: &[String],
) -> Vec<&'static str> {
    let mut changed = Vec::new();
    let mut run = |rewrite: &Rewrite, program: &mut Program| {
        if off.iter().any(|name| name == rewrite.name) || !(rewrite.run)(program, context) {
            return false;
        }
        if !changed.contains(&rewrite.name) {
            changed.push(rewrite.name);
        }
        #[cfg(debug_assertions)]
        if let Err(violation) = verify::verify(program) {
            panic!(
                "the rewrite {} broke the program: {violation}",
                rewrite.name
            );
        }
        true
    };
    for _ in 0..ROUNDS {
        let mut again = false;
        for rewrite in rewrites.iter().filter(|rewrite| rewrite.repeated) {
            again |= run(rewrite, program);
        }
        if !again {
            break;
        }
    }
    for rewrite in rewrites.iter().filter(|rewrite| !rewrite.repeated) {
        run(rewrite, program);
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add_constant(program: &mut Program, _: &Context<'_>) -> bool {
        program.constants.push(Constant::Null);
        true
    }

    const ONE: &[Rewrite] = &[Rewrite {
        name: "add-constant",
        about: "",
        run: add_constant,
        repeated: false,
    }];

    #[test]
    fn rewrites_are_switched_off_by_name() {
        let mut program = Program::default();
        let context = Context {
            builtins: &Table::new(&[]),
        };
        let off = ["add-constant".to_string()];
        assert!(run(ONE, &mut program, &context, &off).is_empty());
        assert!(program.constants.is_empty());
        assert_eq!(run(ONE, &mut program, &context, &[]), ["add-constant"]);
        assert_eq!(program.constants.len(), 1);
    }
}
