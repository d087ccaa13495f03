//! Moves what does not depend on a loop's member out of the loop.
//!
//! ```text
//! scan actions as _, a                     t := r["type"]
//!   guard a == "delete"                    guard t == "aws_ebs_volume"
//!   t := r["type"]                   →     scan actions as _, a
//!   guard t == "aws_ebs_volume"              guard a == "delete"
//!   ...                                      ...
//! ```
//!
//! **When it is right.** The loop is the last statement of its block, so that what fails before it leaves out the loop and
//! nothing else. If what is moved fails, it would fail for every member; what would have run before it there must be unseen
//! and without errors ([`Effects`]), and so must be what is moved.
//!
//! **What it costs.** Nothing but a look-up or comparison for a collection without members. Calls stay where they are: see
//! `invariant_motion.rs`.

use std::collections::HashSet;

use super::effects::{Effect, Effects};
use super::{Context, Rewrite};
use crate::ir::visit::{Role, assigned, mentions};
use crate::ir::{Block, Local, Program, Stmt, StmtKind};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "guard-motion",
    about: "look-ups and comparisons that do not depend on a loop's member are made before the loop",
    run,
    repeated: false,
};

fn run(program: &mut Program, context: &Context<'_>) -> bool {
    let effects = Effects::of(program, context.builtins);
    let mut changed = false;
    for block in program
        .functions
        .iter_mut()
        .flat_map(|function| &mut function.blocks)
    {
        changed |= rewrite(block, &effects);
    }
    changed
}

fn rewrite(block: &mut Block, effects: &Effects<'_>) -> bool {
    let mut changed = false;
    // Inner loops first: what leaves them may leave this one too.
    for stmt in block.iter_mut() {
        for block in stmt.kind.blocks_mut() {
            changed |= rewrite(block, effects);
        }
    }
    let Some(Stmt {
        kind:
            StmtKind::Scan {
                key,
                value,
                index: None,
                body,
                ..
            },
        ..
    }) = block.last_mut()
    else {
        return changed;
    };
    let wanted = wanted(
        body,
        [*key, *value].into_iter().flatten().collect(),
        &|stmt| effects.stmt(stmt) == Effect::None,
    );
    let stmts = std::mem::take(body);
    let mut moved = Block::new();
    for (stmt, wanted) in stmts.into_iter().zip(wanted) {
        if wanted {
            moved.push(stmt);
        } else {
            body.push(stmt);
        }
    }
    changed |= !moved.is_empty();
    let at = block.len() - 1;
    block.splice(at..at, moved);
    changed
}

/// Which statements of a block are to be moved before it. `inside` are the locals that are not known there; `is_passed`
/// tells what they may be moved over.
pub(super) fn wanted(
    body: &Block,
    mut inside: HashSet<Local>,
    is_passed: &dyn Fn(&Stmt) -> bool,
) -> Vec<bool> {
    let mut wanted = vec![false; body.len()];
    // What runs for every member is better run once. What runs for some members only is, if it decides about the others.
    let (mut unseen, mut certain) = (true, true);
    let mut uncertain = Vec::new();
    for (at, stmt) in body.iter().enumerate() {
        if unseen && is_movable(stmt) && !reads(stmt, &inside) {
            wanted[at] = certain;
            if !certain {
                uncertain.push(at);
            }
        } else {
            unseen &= is_passed(stmt);
            certain &= matches!(stmt.kind, StmtKind::Get { .. } | StmtKind::Move { .. });
            inside.extend(assigned(&body[at..=at]));
        }
    }
    let mut needed = HashSet::new();
    for at in uncertain.into_iter().rev() {
        let mut needs = is_test(&body[at]);
        mentions(&body[at], &mut |local, role| {
            needs |= role == Role::Assign && needed.contains(&local);
        });
        if needs {
            wanted[at] = true;
            mentions(&body[at], &mut |local, role| {
                if role == Role::Read {
                    needed.insert(local);
                }
            });
        }
    }
    wanted
}

/// True for what is cheap and has no effect.
fn is_movable(stmt: &Stmt) -> bool {
    is_test(stmt)
        || matches!(
            stmt.kind,
            StmtKind::Load { .. } | StmtKind::Get { .. } | StmtKind::GetData { .. }
        )
}

/// True for what only decides whether to go on.
fn is_test(stmt: &Stmt) -> bool {
    matches!(
        stmt.kind,
        StmtKind::Guard { .. }
            | StmtKind::Truthy { .. }
            | StmtKind::IsArray { .. }
            | StmtKind::IsObject { .. }
    )
}

/// True if a statement reads one of these.
fn reads(stmt: &Stmt, locals: &HashSet<Local>) -> bool {
    let mut reads = false;
    mentions(stmt, &mut |local, role| {
        reads |= role == Role::Read && locals.contains(&local);
    });
    reads
}
