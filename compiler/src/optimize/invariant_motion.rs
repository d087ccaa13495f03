//! Computes once what a loop would compute anew for every member though it does not depend on it.
//!
//! ```text
//! scan rs as _, r                          reset c
//!   ...                                    scan rs as _, r
//!   c := collect set (of input only)   →     ...
//!   ...                                      blocks
//!                                              guard undefined c
//!                                              c' := collect set (of input only)
//!                                              c := c'
//!                                            guard defined c
//!                                            ...
//! ```
//!
//! **When it is right.** What is computed reads nothing that the loop assigns, gives the same value each time and shows
//! nothing ([`Effects`]). It is computed where the first member needs it, not before the loop: an error that ends the query
//! is the same error, and what no member needs is not computed. If it fails, it is tried again.
//!
//! **What it costs.** Two checks of a register for each member.

use std::collections::HashSet;

use super::effects::{Effect, Effects};
use super::{Context, Rewrite, each_block};
use crate::ir::visit::{Role, assigned, mentions};
use crate::ir::{Block, Function, Local, Operand, Program, Stmt, StmtKind};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "invariant-motion",
    about: "comprehensions and calls that do not depend on a loop's member are computed once",
    run,
    repeated: false,
};

fn run(program: &mut Program, context: &Context<'_>) -> bool {
    let effects = Effects::of(program, context.builtins);
    let mut changed = false;
    for function in &mut program.functions {
        each_block(function, |block, function| {
            changed |= rewrite(block, function, &effects);
        });
    }
    changed
}

/// Looks for loops, outer ones first: what is moved goes as far out as it can.
fn rewrite(block: &mut Block, function: &mut Function, effects: &Effects<'_>) -> bool {
    let mut changed = false;
    let mut at = 0;
    while at < block.len() {
        let mut resets = Vec::new();
        if is_loop(&block[at].kind) {
            let mut inside = Inside {
                assigned: assigned(&block[at..=at]),
                function,
                effects,
                resets: Vec::new(),
            };
            for block in bodies(&mut block[at]) {
                inside.block(block);
            }
            resets = inside.resets;
        }
        changed |= !resets.is_empty();
        let count = resets.len();
        block.splice(at..at, resets);
        at += count;
        for block in bodies(&mut block[at]) {
            changed |= rewrite(block, function, effects);
        }
        at += 1;
    }
    changed
}

fn is_loop(kind: &StmtKind) -> bool {
    matches!(
        kind,
        StmtKind::Scan { .. } | StmtKind::Walk { .. } | StmtKind::Every { .. }
    )
}

/// The blocks of a statement that are part of the policy: those that build and probe an index stay plain.
fn bodies(stmt: &mut Stmt) -> impl Iterator<Item = &mut Block> {
    let indexed = matches!(&stmt.kind, StmtKind::Scan { index: Some(_), .. });
    stmt.kind.blocks_mut().skip(if indexed { 2 } else { 0 })
}

/// The inside of a loop.
struct Inside<'i> {
    assigned: HashSet<Local>,
    function: &'i mut Function,
    effects: &'i Effects<'i>,
    /// What is to run before the loop.
    resets: Block,
}

impl Inside<'_> {
    fn block(&mut self, block: &mut Block) {
        let mut at = 0;
        while at < block.len() {
            if let Some(dst) = self.invariant(&block[at]) {
                let once = Local(self.function.locals);
                self.function.locals += 1;
                let stmt = |kind| Stmt {
                    kind,
                    span: block[at].span,
                    overlay: None,
                };
                self.resets.push(stmt(StmtKind::ResetLocal { local: once }));
                let (test, is, give) = (
                    stmt(StmtKind::IsUndefined { local: once }),
                    stmt(StmtKind::IsDefined { local: once }),
                    |dst, src| {
                        stmt(StmtKind::Move {
                            dst,
                            src: Operand::Local(src),
                        })
                    },
                );
                let (keep, read) = (give(once, dst), give(dst, once));
                let compute = stmt(StmtKind::Blocks { blocks: Vec::new() });
                let found = std::mem::replace(&mut block[at], compute);
                // Where it is computed it has a register of its own.
                let mut first = vec![test, found, keep];
                let inner = Local(self.function.locals);
                self.function.locals += 1;
                crate::ir::visit::locals_mut(&mut first, &mut |local| {
                    if *local == dst {
                        *local = inner;
                    }
                });
                block[at].kind = StmtKind::Blocks {
                    blocks: vec![first],
                };
                block.splice(at + 1..at + 1, [is, read]);
                at += 3;
                continue;
            }
            for block in bodies(&mut block[at]) {
                self.block(block);
            }
            at += 1;
        }
    }

    /// What a statement computes, if it gives the same for every member and is worth keeping.
    fn invariant(&self, stmt: &Stmt) -> Option<Local> {
        let dst = match &stmt.kind {
            StmtKind::Collect { dst, .. } => *dst,
            StmtKind::CallBuiltin { dst, args, .. } if !args.is_empty() => *dst,
            _ => return None,
        };
        let fits = self.effects.stmt(stmt) != Effect::Seen
            && !self.reads_assigned(stmt, &mut HashSet::new());
        fits.then_some(dst)
    }

    /// True if the statement, or what is inside it, reads what the loop assigns outside of it.
    fn reads_assigned(&self, stmt: &Stmt, own: &mut HashSet<Local>) -> bool {
        let mut reads = false;
        mentions(stmt, &mut |local, role| {
            if role == Role::Read {
                reads |= self.assigned.contains(&local) && !own.contains(&local);
            }
        });
        if reads {
            return true;
        }
        mentions(stmt, &mut |local, role| {
            if role == Role::Assign {
                own.insert(local);
            }
        });
        stmt.kind
            .blocks()
            .flatten()
            .any(|stmt| self.reads_assigned(stmt, own))
    }
}
