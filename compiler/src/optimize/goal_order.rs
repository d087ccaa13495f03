//! Comparisons of fields before calls that cost more.
//!
//! ```text
//! m := regex.match("^a", n)                t := r["type"]
//! guard m                                  guard t == "bucket"
//! t := r["type"]                   →       m := regex.match("^a", n)
//! guard t == "bucket"                      guard m
//! ```
//!
//! Before calls, negations, comprehensions and functions come the look-ups and comparisons behind them that do not depend
//! on them.
//!
//! **When it is right.** All of them are goals of one block, so that it fails if one does. What is passed over is unseen
//! ([`Effects`]). Where it may have an error that ends the query, the order counts: then there are two versions of the
//! block, of which one runs with strict errors.
//!
//! **What it costs.** Where there are two versions, code. If the comparison nearly always holds, nothing is gained.

use std::collections::{HashMap, HashSet};

use regovm_core::builtin::{Cost, Table};

use super::effects::{Effect, Effects};
use super::guard_motion::wanted;
use super::loop_fusion::fresh_copy;
use super::{Context, Rewrite};
use crate::ir::visit::mentions;
use crate::ir::{Block, Local, Program, Stmt, StmtKind};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "goal-order",
    about: "comparisons of fields come before calls that do not decide about them",
    run,
    repeated: false,
};

/// Statements of a block that is there in two versions, at most.
const MAX_COPIED: usize = 100;

fn run(program: &mut Program, context: &Context<'_>) -> bool {
    let effects = Effects::of(program, context.builtins);
    let order = Order {
        effects: &effects,
        table: context.builtins,
    };
    let mut changed = false;
    for function in &mut program.functions {
        let mut made = Vec::with_capacity(function.blocks.len());
        let shared = shared(&function.blocks);
        for mut block in std::mem::take(&mut function.blocks) {
            changed |= order.block(&mut block, false);
            let other = (size(&block) <= MAX_COPIED).then(|| block.clone());
            let other = other.and_then(|mut it| order.block(&mut it, true).then_some(it));
            let Some(mut other) = other else {
                made.push(block);
                continue;
            };
            changed = true;
            let span = function.span;
            let strict = |wanted| Stmt {
                kind: StmtKind::Strict { wanted },
                span,
                overlay: None,
            };
            other.insert(0, strict(false));
            let mut block = fresh_copy(&block, function, &shared);
            block.insert(0, strict(true));
            made.extend([other, block]);
        }
        function.blocks = made;
    }
    changed
}

/// The locals that stand in more than one block.
fn shared(blocks: &[Block]) -> HashSet<Local> {
    fn note(block: &Block, each: &mut impl FnMut(Local)) {
        for stmt in block {
            mentions(stmt, &mut |local, _| each(local));
            stmt.kind.blocks().for_each(|block| note(block, each));
        }
    }
    let mut first: HashMap<Local, usize> = HashMap::new();
    let mut shared = HashSet::new();
    for (number, block) in blocks.iter().enumerate() {
        note(block, &mut |local| {
            if *first.entry(local).or_insert(number) != number {
                shared.insert(local);
            }
        });
    }
    shared
}

fn size(block: &Block) -> usize {
    let inside = |stmt: &Stmt| stmt.kind.blocks().map(size).sum::<usize>();
    block.iter().map(|stmt| 1 + inside(stmt)).sum()
}

struct Order<'o> {
    effects: &'o Effects<'o>,
    table: &'o Table,
}

impl Order<'_> {
    /// `lenient`: errors of built-ins are failures here.
    fn block(&self, block: &mut Block, mut lenient: bool) -> bool {
        let mut changed = false;
        for stmt in block.iter_mut() {
            lenient |= matches!(stmt.kind, StmtKind::Strict { wanted: false });
            for block in stmt.kind.blocks_mut() {
                changed |= self.block(block, lenient);
            }
        }
        let Some(first) = block.iter().position(|stmt| self.is_expensive(stmt)) else {
            return changed;
        };
        let tail = block.split_off(first);
        let worst = match lenient {
            true => Effect::Error,
            false => Effect::None,
        };
        let wanted = wanted(&tail, HashSet::new(), &|stmt| {
            self.effects.stmt(stmt) <= worst
        });
        let mut later = Block::with_capacity(tail.len());
        for (stmt, wanted) in tail.into_iter().zip(wanted) {
            if wanted {
                block.push(stmt);
                changed = true;
            } else {
                later.push(stmt);
            }
        }
        block.append(&mut later);
        changed
    }

    /// True for what costs more than to look up a field and compare it.
    fn is_expensive(&self, stmt: &Stmt) -> bool {
        match &stmt.kind {
            StmtKind::CallBuiltin { builtin, .. } => self
                .table
                .get(*builtin)
                .is_none_or(|decl| decl.cost != Cost::Constant),
            StmtKind::CallFunction { args, .. } => !args.is_empty(),
            StmtKind::Not { body, .. } | StmtKind::Exists { body, .. } => {
                body.iter().any(|stmt| self.is_expensive(stmt))
            }
            StmtKind::Collect { .. } | StmtKind::Every { .. } => true,
            _ => false,
        }
    }
}
