//! Arrays that are only asked for members.
//!
//! ```text
//! l1 := undefined                          l1 := undefined
//! scan rs as _, r                          scan rs as _, r
//!   (once, if l1 is undefined)               (once, if l1 is undefined)
//!     l2 := collect array #0                   l2 := collect set #0
//!       scan xs as _, x                          scan xs as _, x
//!         append x to #0             →             append x to #0
//!     l1 := l2                                 l1 := l2
//!   l3 := l1                                 l3 := l1
//!   l4 := internal.member_2(r, l3)           l4 := internal.member_2(r, l3)
//! ```
//!
//! An array is searched from its start, a set is not.
//!
//! **When it is right.** What is collected is read by `in` alone, as the collection, on whatever way it gets there: a set has the
//! same members. Nothing replaces `in`.
//!
//! **What it costs.** Making a set takes longer. So it is done only where the array was moved out of a loop: it is asked again and
//! again.

use std::collections::HashMap;

use regovm_core::builtin::BuiltinId;

use super::effects::{Effect, Effects};
use super::{Context, Rewrite};
use crate::ir::visit::{Role, has_any, mentions};
use crate::ir::{Block, CollectKind, Function, Local, Operand, Program, StmtKind};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "membership",
    about: "arrays that loops only ask for members are made as sets",
    run,
    repeated: false,
};

fn run(program: &mut Program, context: &Context<'_>) -> bool {
    if !program.functions.iter().any(has_array) {
        return false;
    }
    let effects = Effects::of(program, context.builtins);
    let Some(member) = context.builtins.id("internal.member_2") else {
        return false;
    };
    if effects.builtin(member) != Effect::None {
        return false;
    }
    let mut changed = false;
    for function in &mut program.functions {
        if !has_array(function) {
            continue;
        }
        let uses = Uses::of(function, member);
        for block in &mut function.blocks {
            changed |= change(block, &uses);
        }
    }
    changed
}

fn has_array(function: &Function) -> bool {
    let is_array = |kind: &StmtKind| {
        let kind = match kind {
            StmtKind::Collect { kind, .. } => Some(*kind),
            _ => None,
        };
        kind == Some(CollectKind::Array)
    };
    let mut blocks = function.blocks.iter();
    blocks.any(|block| has_any(block, &is_array))
}

fn change(block: &mut Block, uses: &Uses) -> bool {
    let mut changed = false;
    for stmt in block {
        if let StmtKind::Collect {
            kind: kind @ CollectKind::Array,
            dst,
            ..
        } = &mut stmt.kind
            && uses.only_asked(*dst)
        {
            *kind = CollectKind::Set;
            changed = true;
        }
        for block in stmt.kind.blocks_mut() {
            changed |= change(block, uses);
        }
    }
    changed
}

/// What happens to the value of a local.
#[derive(Default)]
struct Use {
    /// The locals that get it.
    moved: Vec<Local>,
    /// It is read by something else than `in` and what gives it on.
    read: bool,
    /// Times that it is assigned.
    assigned: u32,
    /// Its value is taken away: what was moved out of a loop starts so.
    reset: bool,
}

struct Uses(HashMap<Local, Use>);

impl Uses {
    fn of(function: &Function, member: BuiltinId) -> Uses {
        let mut uses = Uses(HashMap::new());
        for block in &function.blocks {
            uses.note(block, member);
        }
        uses
    }

    fn note(&mut self, block: &Block, member: BuiltinId) {
        for stmt in block {
            let plain = stmt.overlay.is_none();
            mentions(stmt, &mut |local, role| {
                let of = self.0.entry(local).or_default();
                match (role, &stmt.kind) {
                    (Role::Assign, StmtKind::ResetLocal { .. }) => of.reset = true,
                    (Role::Assign, _) => of.assigned += 1,
                    (Role::Read, StmtKind::Move { dst, .. }) => of.moved.push(*dst),
                    (Role::Read, StmtKind::IsDefined { .. } | StmtKind::IsUndefined { .. }) => {}
                    (Role::Read, StmtKind::CallBuiltin { builtin, args, .. })
                        if plain
                            && *builtin == member
                            && matches!(args[..], [first, _] if first != Operand::Local(local)) => {
                    }
                    (Role::Read, _) => of.read = true,
                }
            });
            for block in stmt.kind.blocks() {
                self.note(block, member);
            }
        }
    }

    /// True if a collection is moved out of a loop, and only asked for members wherever it gets.
    fn only_asked(&self, collection: Local) -> bool {
        let mut holders = vec![collection];
        let mut moved_out = false;
        let mut at = 0;
        while let Some(use_of) = holders.get(at).map(|local| self.0.get(local)) {
            let Some(of) = use_of.filter(|of| !of.read && of.assigned == 1) else {
                return false;
            };
            moved_out |= of.reset;
            for local in &of.moved {
                if !holders.contains(local) {
                    holders.push(*local);
                }
            }
            at += 1;
        }
        moved_out
    }
}
