//! Loops that end with their first success, where nothing that comes after it depends on the member.
//!
//! ```text
//! scan r.actions as _, a                   exists #3
//!   guard a == "delete"                      scan r.actions as _, a
//!   m := r["address"]              →           guard a == "delete"
//!   insert l0 contains m                       yield #3
//!                                          m := r["address"]
//!                                          insert l0 contains m
//! ```
//!
//! **When it is right.** What comes after the last statement that depends on the member would do the same each time, and
//! doing it again is nothing: it adds a value to a set or an object that has it, or sets a result that is set. What it does
//! not reach any more must be unseen ([`Effects`]). Where errors of built-ins end the query, the loop goes on to its end,
//! and a flag remembers whether it had a success; then what comes after must be free of errors, so that they keep their
//! order.
//!
//! **What it costs.** Nothing.

use std::collections::HashSet;

use regovm_core::Constant;

use super::effects::{Effect, Effects};
use super::existence::flagged;
use super::slice::{Body, Renaming};
use super::{Context, Rewrite, constant_id, each_block};
use crate::ir::visit::{Role, assigned, mentions};
use crate::ir::{
    Block, CollectKind, ConstId, Function, Local, Operand, Program, ScopeId, Stmt, StmtKind,
};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "first-success",
    about: "loops end with their first success where nothing after it depends on the member",
    run,
    repeated: false,
};

fn run(program: &mut Program, context: &Context<'_>) -> bool {
    let effects = Effects::of(program, context.builtins);
    let (functions, constants) = (&mut program.functions, &mut program.constants);
    let mut yes = None;
    let mut changed = false;
    for function in functions {
        let mut change = Change {
            effects: &effects,
            arrays: HashSet::new(),
            yes: &mut || {
                *yes.get_or_insert_with(|| constant_id(constants, Constant::Boolean(true)))
            },
        };
        each_block(function, |block, function| {
            changed |= change.block(block, function);
        });
    }
    changed
}

struct Change<'c> {
    effects: &'c Effects<'c>,
    /// Collectors of arrays, where twice is not once.
    arrays: HashSet<ScopeId>,
    /// The constant `true`.
    yes: &'c mut dyn FnMut() -> ConstId,
}

/// Where the body of a loop can be cut.
struct Cut {
    /// What comes after, with what it needs of the part before.
    rest: Block,
    /// Statements that stay in the loop.
    kept: usize,
    /// The loop may have an error.
    fallible: bool,
}

impl Change<'_> {
    fn block(&mut self, block: &mut Block, function: &mut Function) -> bool {
        let mut changed = false;
        // Inner loops first: what leaves them may leave this one too.
        for stmt in block.iter_mut() {
            if let StmtKind::Collect {
                scope,
                kind: CollectKind::Array,
                ..
            } = stmt.kind
            {
                self.arrays.insert(scope);
            }
            for block in stmt.kind.blocks_mut() {
                changed |= self.block(block, function);
            }
        }
        let Some(last) = block.last_mut() else {
            return changed;
        };
        let Some(cut) = self.cut(last, function) else {
            return changed;
        };
        let (StmtKind::Scan { body, .. } | StmtKind::Walk { body, .. }) = &mut last.kind else {
            return changed;
        };
        let span = last.span;
        let like = |kind| Stmt {
            kind,
            span,
            overlay: None,
        };
        let scope = ScopeId(function.scopes);
        function.scopes += 1;
        body.truncate(cut.kept);
        body.push(like(StmtKind::Yield { scope }));
        let Some(whole) = block.pop() else {
            return changed;
        };
        if cut.fallible {
            let flag = Local(function.locals);
            function.locals += 1;
            let yes = Operand::Const((self.yes)());
            block.extend(flagged(vec![whole], scope, flag, yes, true, &like));
            block.push(like(StmtKind::IsDefined { local: flag }));
        } else {
            block.push(like(StmtKind::Exists {
                scope,
                body: vec![whole],
            }));
        }
        block.extend(cut.rest);
        true
    }

    fn cut(&self, stmt: &Stmt, function: &mut Function) -> Option<Cut> {
        let (key, value, stmts) = match &stmt.kind {
            StmtKind::Scan {
                key,
                value,
                index: None,
                body,
                ..
            } => (key, value, body),
            StmtKind::Walk {
                path, value, body, ..
            } => (path, value, body),
            _ => return None,
        };
        let (sink, _) = stmts.split_last()?;
        if !self.is_idempotent(sink) {
            return None;
        }
        let mut inside: HashSet<Local> = key.iter().chain(value).copied().collect();
        let mut kept = 0;
        for (at, stmt) in stmts.iter().enumerate() {
            if reads_any(stmt, &inside) {
                kept = at + 1;
                inside.extend(assigned(std::slice::from_ref(stmt)));
            }
        }
        let sink_at = stmts.len() - 1;
        if kept > sink_at {
            return None;
        }
        let worst = |stmts: &[Stmt]| {
            let effects = stmts.iter().map(|stmt| self.effects.stmt(stmt));
            effects.max().unwrap_or(Effect::None)
        };
        let fallible = match (worst(&stmts[..kept]), worst(&stmts[kept..sink_at])) {
            (Effect::Seen, _) | (_, Effect::Seen) | (Effect::Error, Effect::Error) => return None,
            (before, _) => before == Effect::Error,
        };
        if fallible
            && matches!(
                sink.kind,
                StmtKind::InsertPath { .. } | StmtKind::Append { key: Some(_), .. }
            )
        {
            // A conflict could come before an error.
            return None;
        }
        let rest = needed(stmts, kept, function)?;
        Some(Cut {
            rest,
            kept,
            fallible,
        })
    }

    /// True for what does nothing more if it is done again with the same values.
    fn is_idempotent(&self, stmt: &Stmt) -> bool {
        match &stmt.kind {
            StmtKind::InsertSet { .. }
            | StmtKind::InsertPath { .. }
            | StmtKind::SetResult { .. } => true,
            StmtKind::Append { scope, .. } => !self.arrays.contains(scope),
            _ => false,
        }
    }
}

/// What comes after the part of a body that is kept, and before it copies of what it needs of that part; `None` if those
/// are no plain computations.
fn needed(stmts: &Block, kept: usize, function: &mut Function) -> Option<Block> {
    let before = assigned(&stmts[..kept]);
    let mut wanted = HashSet::new();
    for stmt in &stmts[kept..] {
        reads_of(stmt, &mut |local| {
            if before.contains(&local) {
                wanted.insert(local);
            }
        });
    }
    if wanted.is_empty() {
        return Some(stmts[kept..].to_vec());
    }
    let body = Body {
        key: None,
        value: None,
        stmts,
    };
    let mut places = HashSet::new();
    for local in &wanted {
        places.extend(body.slice(kept, Operand::Local(*local))?.stmts);
    }
    let mut places: Vec<usize> = places.into_iter().collect();
    places.sort_unstable();
    let mut renaming = Renaming::new(&body, |_| {
        function.locals += 1;
        Local(function.locals - 1)
    });
    let mut rest = Block::new();
    for at in places {
        rest.push(renaming.stmt(&stmts[at])?);
    }
    let names = wanted
        .iter()
        .map(|local| (*local, renaming.operand(Operand::Local(*local))));
    let names: std::collections::HashMap<Local, Operand> = names.collect();
    let mut after = stmts[kept..].to_vec();
    crate::ir::visit::locals_mut(&mut after, &mut |local| {
        if let Some(Operand::Local(name)) = names.get(local) {
            *local = *name;
        }
    });
    rest.extend(after);
    Some(rest)
}

/// True if a statement, or what is inside it, reads one of these.
fn reads_any(stmt: &Stmt, locals: &HashSet<Local>) -> bool {
    let mut reads = false;
    reads_of(stmt, &mut |local| reads |= locals.contains(&local));
    reads
}

fn reads_of(stmt: &Stmt, each: &mut impl FnMut(Local)) {
    mentions(stmt, &mut |local, role| {
        if role == Role::Read {
            each(local);
        }
    });
    for stmt in stmt.kind.blocks().flatten() {
        reads_of(stmt, each);
    }
}
