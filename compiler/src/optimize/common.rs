//! Computes once what a body computes twice.
//!
//! ```text
//! a := r["change"]                         a := r["change"]
//! b := a["after"]                          b := a["after"]
//! c := b["tags"]                   →       c := b["tags"]
//! ...                                      ...
//! d := r["change"]                         f := b["size"]
//! e := d["after"]
//! f := e["size"]
//! ```
//!
//! Loads, look-ups, comparisons, and calls of built-ins and functions with the same operands. What is assigned from another
//! local is that local.
//!
//! **When it is right.** What is left out has run before, in the same block or in one around it, so it would succeed and
//! give the same again. Calls must be unseen and give the same each time ([`Effects`]); with the same operands a call that
//! succeeded has no error. Loads and calls run under the same overlay.
//!
//! **What it costs.** What is used twice keeps its register for longer. The machine looks up a path in one instruction, and
//! compares a field in one: those are left together unless two look-ups are saved at least.

use std::collections::{HashMap, HashSet};

use regovm_core::Constant;
use regovm_core::builtin::BuiltinId;

use super::effects::{Effect, Effects};
use super::{Context, Rewrite};
use crate::ir::visit::{Counts, locals_mut};
use crate::ir::{
    Block, Compare, ConstId, FuncId, Function, Local, Operand, Program, Root, Stmt, StmtKind,
};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "common-subexpressions",
    about: "look-ups and calls that a body makes twice are made once",
    run,
    repeated: false,
};

fn run(program: &mut Program, context: &Context<'_>) -> bool {
    let effects = Effects::of(program, context.builtins);
    let (functions, constants) = (&mut program.functions, &mut program.constants);
    let mut changed = false;
    for function in functions {
        let mut search = Search {
            effects: &effects,
            constants,
            counts: Counts::of(function),
            known: HashMap::new(),
            log: Vec::new(),
            same: HashMap::new(),
            depth: HashMap::new(),
            names: HashMap::new(),
            again: HashSet::new(),
        };
        for block in &mut function.blocks {
            search.block(block);
        }
        let Search { names, again, .. } = search;
        if names.is_empty() {
            continue;
        }
        changed = true;
        for block in &mut function.blocks {
            locals_mut(block, &mut |local| {
                if let Some(name) = names.get(local) {
                    *local = *name;
                }
            });
        }
        drop_unread(function, &again);
    }
    changed
}

/// Leaves out what has succeeded before and is not read any more.
fn drop_unread(function: &mut Function, again: &HashSet<Local>) {
    fn drop(block: &mut Block, gone: &HashSet<Local>) {
        block.retain(|stmt| !computed(stmt).is_some_and(|dst| gone.contains(&dst)));
        for stmt in block {
            stmt.kind.blocks_mut().for_each(|block| drop(block, gone));
        }
    }
    loop {
        let counts = Counts::of(function);
        let is_gone = |local: &&Local| {
            counts.reads.get(local.0 as usize) == Some(&0) && counts.is_assigned_once(**local)
        };
        let gone: HashSet<Local> = again.iter().filter(is_gone).copied().collect();
        if gone.is_empty() {
            return;
        }
        for block in &mut function.blocks {
            drop(block, &gone);
        }
    }
}

/// How something is computed.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Form {
    Load(Root, Vec<ConstId>, Option<Local>),
    Get(Operand, Operand),
    GetData(Operand, Operand),
    Compare(Compare, Operand, Operand),
    Builtin(BuiltinId, Vec<Operand>),
    Function(FuncId, Vec<Operand>, Option<Local>),
}

/// What is known of a form.
#[derive(Clone, Copy)]
struct Known {
    /// The local that stands for it where forms are compared.
    stands: Local,
    /// A local that holds it and may be read instead of computing it again.
    holds: Option<Local>,
}

struct Search<'s> {
    effects: &'s Effects<'s>,
    constants: &'s [Constant],
    counts: Counts,
    known: HashMap<Form, Known>,
    /// What to restore when a block is left.
    log: Vec<(Form, Option<Known>)>,
    /// Locals that hold the same as another, which stands for them.
    same: HashMap<Local, Local>,
    /// For what stands on the way of a path: how many look-ups it is.
    depth: HashMap<Local, u32>,
    /// New names for what is not computed any more.
    names: HashMap<Local, Local>,
    /// Locals whose value was computed before.
    again: HashSet<Local>,
}

/// The local that a plain computation gives its value.
fn computed(stmt: &Stmt) -> Option<Local> {
    match &stmt.kind {
        StmtKind::Load { dst, .. }
        | StmtKind::Get { dst, .. }
        | StmtKind::GetData { dst, .. }
        | StmtKind::CompareValue { dst, .. }
        | StmtKind::CallBuiltin { dst, .. }
        | StmtKind::CallFunction { dst, .. } => Some(*dst),
        _ => None,
    }
}

impl Search<'_> {
    fn block(&mut self, block: &mut Block) {
        let start = self.log.len();
        let mut kept = Vec::with_capacity(block.len());
        for at in 0..block.len() {
            kept.push(!self.leave_out(block, at));
            // What builds an index stands for itself.
            let stmt = &mut block[at];
            let indexed = matches!(&stmt.kind, StmtKind::Scan { index: Some(_), .. });
            for block in stmt.kind.blocks_mut().skip(usize::from(indexed)) {
                self.block(block);
            }
        }
        let mut kept = kept.into_iter();
        block.retain(|_| kept.next() == Some(true));
        while self.log.len() > start {
            match self.log.pop() {
                Some((form, Some(before))) => {
                    self.known.insert(form, before);
                }
                Some((form, None)) => {
                    self.known.remove(&form);
                }
                None => {}
            }
        }
    }

    /// Notes what a statement computes; true if it need not.
    fn leave_out(&mut self, block: &Block, at: usize) -> bool {
        let stmt = &block[at];
        if let StmtKind::Move {
            dst,
            src: Operand::Local(src),
        } = stmt.kind
        {
            let plain = self.counts.is_assigned_once(dst) && self.counts.is_assigned_once(src);
            if plain {
                let src = self.name(src);
                self.names.insert(dst, src);
                let stands = self.stands(src);
                self.same.insert(dst, stands);
            }
            return plain;
        }
        let Some((dst, form)) = computed(stmt)
            .filter(|dst| self.counts.is_assigned_once(*dst))
            .zip(self.form(stmt))
        else {
            return false;
        };
        let may_hold = self.may_hold(block, at, dst);
        let before = self.known.get(&form).copied();
        let now = match before {
            Some(known) => {
                self.same.insert(dst, known.stands);
                if let Some(holds) = known.holds {
                    self.names.insert(dst, holds);
                    return true;
                }
                self.again.insert(dst);
                Known {
                    holds: may_hold.then_some(dst),
                    ..known
                }
            }
            None => Known {
                stands: dst,
                holds: may_hold.then_some(dst),
            },
        };
        self.log.push((form.clone(), before));
        self.known.insert(form, now);
        false
    }

    /// True if it is worth keeping what a statement computes. One instruction does a path of look-ups, and one a look-up
    /// with the comparison behind it.
    fn may_hold(&mut self, block: &Block, at: usize, dst: Local) -> bool {
        let StmtKind::Get {
            base,
            key: Operand::Const(key),
            ..
        } = block[at].kind
        else {
            return true;
        };
        if !self.is_field(key) {
            return true;
        }
        let depth = match base {
            Operand::Local(base) => self.depth.get(&base).copied().unwrap_or(0) + 1,
            Operand::Const(_) => 1,
        };
        if !self.counts.is_read_once(dst) {
            return true;
        }
        match block.get(at + 1).map(|stmt| &stmt.kind) {
            Some(StmtKind::Get {
                base: Operand::Local(base),
                key: Operand::Const(key),
                ..
            }) if *base == dst && self.is_field(*key) => {
                self.depth.insert(dst, depth);
                depth > 1
            }
            Some(StmtKind::Guard {
                op: Compare::Equal,
                lhs,
                rhs,
            }) => depth > 1 || ![lhs, rhs].contains(&&Operand::Local(dst)),
            _ => true,
        }
    }

    fn is_field(&self, key: ConstId) -> bool {
        matches!(
            self.constants.get(key.0 as usize),
            Some(Constant::String(_))
        )
    }

    fn form(&self, stmt: &Stmt) -> Option<Form> {
        let overlay = match stmt.overlay {
            Some(local) => Some(self.local(local)?),
            None => None,
        };
        Some(match &stmt.kind {
            StmtKind::Load { root, path, .. } => Form::Load(*root, path.clone(), overlay),
            StmtKind::Get { base, key, .. } => Form::Get(self.operand(*base)?, self.operand(*key)?),
            StmtKind::GetData { base, key, .. } => {
                Form::GetData(self.operand(*base)?, self.operand(*key)?)
            }
            StmtKind::CompareValue { op, lhs, rhs, .. } => {
                Form::Compare(*op, self.operand(*lhs)?, self.operand(*rhs)?)
            }
            StmtKind::CallBuiltin { builtin, args, .. }
                if self.effects.stmt(stmt) != Effect::Seen =>
            {
                Form::Builtin(*builtin, self.operands(args)?)
            }
            StmtKind::CallFunction { function, args, .. }
                if self.effects.stmt(stmt) != Effect::Seen =>
            {
                Form::Function(*function, self.operands(args)?, overlay)
            }
            _ => return None,
        })
    }

    fn operands(&self, operands: &[Operand]) -> Option<Vec<Operand>> {
        operands.iter().map(|it| self.operand(*it)).collect()
    }

    /// What stands for an operand; `None` if it has more than one value.
    fn operand(&self, operand: Operand) -> Option<Operand> {
        match operand {
            Operand::Local(local) => self.local(local).map(Operand::Local),
            constant @ Operand::Const(_) => Some(constant),
        }
    }

    fn local(&self, local: Local) -> Option<Local> {
        let local = self.stands(local);
        self.counts.is_assigned_once(local).then_some(local)
    }

    fn stands(&self, local: Local) -> Local {
        self.same.get(&local).copied().unwrap_or(local)
    }

    fn name(&self, local: Local) -> Local {
        self.names.get(&local).copied().unwrap_or(local)
    }
}
