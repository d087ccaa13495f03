//! The statements of a body that compute one operand, taken out of it.

use std::collections::{HashMap, HashSet};

use crate::ir::visit::{Role, mentions};
use crate::ir::{Block, ConstId, Local, Operand, Root, Stmt, StmtKind};

/// Statements that an operand is computed by, at most.
pub(super) const MAX_SLICE: usize = 32;

/// A block, and what it is given.
pub(super) struct Body<'b> {
    /// If it is the body of a scan: a member's key.
    pub(super) key: Option<Local>,
    /// If it is the body of a scan: a member.
    pub(super) value: Option<Local>,
    /// Its statements.
    pub(super) stmts: &'b Block,
}

/// Where a value comes from, seen from a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// From what is known before the scan.
    Outer,
    /// From the member and constants.
    Member,
    /// From both, or from something that is no plain computation.
    Other,
}

impl Origin {
    fn join(self, other: Origin) -> Origin {
        match (self, other) {
            (a, b) if a == b => a,
            _ => Origin::Other,
        }
    }
}

/// Where the locals of a body come from, so far.
pub(super) struct Origins(HashMap<Local, Origin>);

impl Origins {
    /// At the start of a body.
    pub(super) fn of(body: &Body<'_>) -> Origins {
        let members = [body.key, body.value].into_iter().flatten();
        Origins(members.map(|local| (local, Origin::Member)).collect())
    }

    /// Where an operand comes from; `None` for constants.
    pub(super) fn get(&self, operand: Operand) -> Option<Origin> {
        match operand {
            Operand::Const(_) => None,
            Operand::Local(local) => Some(self.local(local)),
        }
    }

    pub(super) fn local(&self, local: Local) -> Origin {
        *self.0.get(&local).unwrap_or(&Origin::Outer)
    }

    /// Goes on behind a statement.
    pub(super) fn note(&mut self, stmt: &Stmt) {
        let mut joined: Option<Origin> = None;
        let mut assigned = Vec::new();
        mentions(stmt, &mut |local, role| match role {
            Role::Read => {
                let origin = self.local(local);
                joined = Some(joined.map_or(origin, |before| before.join(origin)));
            }
            Role::Assign => assigned.push(local),
        });
        let origin = match &stmt.kind {
            StmtKind::Move { .. }
            | StmtKind::Get { .. }
            | StmtKind::GetData { .. }
            | StmtKind::CompareValue { .. }
            | StmtKind::MakeArray { .. }
            | StmtKind::CallBuiltin { .. } => joined.unwrap_or(Origin::Outer),
            // They see the documents under the overlay in force; what comes from a member is for all overlays.
            StmtKind::Load { .. } | StmtKind::CallFunction { .. } => match joined {
                None | Some(Origin::Outer) => Origin::Outer,
                _ => Origin::Other,
            },
            _ => Origin::Other,
        };
        for local in assigned {
            // What is assigned twice is a result in the making.
            if self.0.insert(local, origin).is_some() {
                self.0.insert(local, Origin::Other);
            }
        }
    }
}

/// Statements of a body that compute an operand, by their places. They do nothing else.
pub(super) struct Slice {
    pub(super) stmts: Vec<usize>,
    pub(super) operand: Operand,
    /// How the operand is computed, whatever its locals are called.
    pub(super) form: String,
}

impl Slice {
    pub(super) fn constant(&self) -> Option<ConstId> {
        match self.operand {
            Operand::Const(id) => Some(id),
            Operand::Local(_) => None,
        }
    }
}

impl Body<'_> {
    /// The statements before `end` that compute an operand; `None` if they are no plain computations.
    pub(super) fn slice(&self, end: usize, operand: Operand) -> Option<Slice> {
        let mut wanted: HashSet<Local> = HashSet::new();
        if let Operand::Local(local) = operand {
            wanted.insert(local);
        }
        let mut stmts = Vec::new();
        for at in (0..end).rev() {
            let stmt = &self.stmts[at];
            let mut assigns = false;
            mentions(stmt, &mut |local, role| {
                assigns |= role == Role::Assign && wanted.contains(&local);
            });
            if assigns {
                mentions(stmt, &mut |local, role| {
                    if role == Role::Read {
                        wanted.insert(local);
                    }
                });
                stmts.push(at);
                if stmts.len() > MAX_SLICE {
                    return None;
                }
            }
        }
        stmts.reverse();
        let form = self.form(&stmts, operand)?;
        Some(Slice {
            stmts,
            operand,
            form,
        })
    }
}

impl Body<'_> {
    /// The locals that a slice of this body reads and does not assign.
    pub(super) fn needs(&self, slice: &Slice) -> HashSet<Local> {
        let mut needs = HashSet::new();
        if let Operand::Local(local) = slice.operand {
            needs.insert(local);
        }
        for at in slice.stmts.iter().rev() {
            mentions(&self.stmts[*at], &mut |local, role| {
                if role == Role::Assign {
                    needs.remove(&local);
                }
            });
            mentions(&self.stmts[*at], &mut |local, role| {
                if role == Role::Read {
                    needs.insert(local);
                }
            });
        }
        needs
    }
}

/// Characters of a form, at most: what is used twice stands in it twice.
const MAX_FORM: usize = 4096;

impl Body<'_> {
    /// How statements compute an operand, as text without the names of locals; `None` if they are no plain computations.
    fn form(&self, stmts: &[usize], operand: Operand) -> Option<String> {
        let mut forms: HashMap<Local, String> = HashMap::new();
        for (local, name) in [(self.key, "key"), (self.value, "value")] {
            forms.extend(local.map(|local| (local, name.to_owned())));
        }
        let of = |forms: &HashMap<Local, String>, operand: &Operand| match operand {
            Operand::Const(id) => format!("k{}", id.0),
            Operand::Local(local) => forms
                .get(local)
                .cloned()
                .unwrap_or_else(|| format!("l{}", local.0)),
        };
        let list = |forms: &HashMap<Local, String>, operands: &[Operand]| {
            let operands: Vec<String> = operands.iter().map(|operand| of(forms, operand)).collect();
            operands.join(",")
        };
        for at in stmts {
            let stmt = &self.stmts[*at];
            let (dst, form) = match &stmt.kind {
                StmtKind::Move { dst, src } => (dst, of(&forms, src)),
                // A load of the input and members of what was loaded before are the same.
                StmtKind::Load {
                    dst,
                    root: Root::Input,
                    path,
                } => {
                    let keys = path.iter().map(|key| format!("[k{}]", key.0));
                    (dst, format!("input{}", keys.collect::<String>()))
                }
                StmtKind::Load { dst, root, path } => (dst, format!("{root:?}{path:?}")),
                StmtKind::Get { dst, base, key } => {
                    (dst, format!("{}[{}]", of(&forms, base), of(&forms, key)))
                }
                StmtKind::GetData { dst, base, key } => {
                    let (base, key) = (of(&forms, base), of(&forms, key));
                    (dst, format!("{base}[data {key}]"))
                }
                StmtKind::CompareValue { dst, op, lhs, rhs } => {
                    let (lhs, rhs) = (of(&forms, lhs), of(&forms, rhs));
                    (dst, format!("({lhs} {op:?} {rhs})"))
                }
                StmtKind::MakeArray { dst, items } => (dst, format!("[{}]", list(&forms, items))),
                StmtKind::CallBuiltin { dst, builtin, args } => {
                    (dst, format!("{builtin:?}({})", list(&forms, args)))
                }
                StmtKind::CallFunction {
                    dst,
                    function,
                    args,
                } => (dst, format!("{function:?}({})", list(&forms, args))),
                _ => return None,
            };
            if form.len() > MAX_FORM {
                return None;
            }
            let overlay = stmt.overlay.map(|local| format!(" under l{}", local.0));
            forms.insert(*dst, form + &overlay.unwrap_or_default());
        }
        Some(of(&forms, &operand))
    }
}

/// New names for the member and for what statements assign, given in the order in which they are met. Other locals keep
/// theirs.
pub(super) struct Renaming<F> {
    names: HashMap<Local, Local>,
    count: u32,
    fresh: F,
    /// The new name of the member's key.
    pub(super) key: Option<Local>,
    /// The new name of the member.
    pub(super) value: Option<Local>,
}

impl<F: FnMut(u32) -> Local> Renaming<F> {
    pub(super) fn new(body: &Body<'_>, fresh: F) -> Renaming<F> {
        let mut renaming = Renaming {
            names: HashMap::new(),
            count: 0,
            fresh,
            key: None,
            value: None,
        };
        renaming.key = body.key.map(|local| renaming.assign(local));
        renaming.value = body.value.map(|local| renaming.assign(local));
        renaming
    }

    /// A new local that stands for none of the body.
    pub(super) fn unnamed(&mut self) -> Local {
        self.count += 1;
        (self.fresh)(self.count - 1)
    }

    pub(super) fn assign(&mut self, local: Local) -> Local {
        let name = (self.fresh)(self.count);
        self.count += 1;
        self.names.insert(local, name);
        name
    }

    pub(super) fn operand(&self, operand: Operand) -> Operand {
        match operand {
            Operand::Local(local) => {
                Operand::Local(self.names.get(&local).copied().unwrap_or(local))
            }
            constant @ Operand::Const(_) => constant,
        }
    }

    fn operands(&self, operands: &[Operand]) -> Vec<Operand> {
        operands
            .iter()
            .map(|operand| self.operand(*operand))
            .collect()
    }

    /// The statement under new names; `None` if it is no plain computation or comparison.
    pub(super) fn stmt(&mut self, stmt: &Stmt) -> Option<Stmt> {
        let kind = match &stmt.kind {
            StmtKind::Move { dst, src } => {
                let src = self.operand(*src);
                let dst = self.assign(*dst);
                StmtKind::Move { dst, src }
            }
            StmtKind::Load { dst, root, path } => StmtKind::Load {
                dst: self.assign(*dst),
                root: *root,
                path: path.clone(),
            },
            StmtKind::Get { dst, base, key } => {
                let (base, key) = (self.operand(*base), self.operand(*key));
                let dst = self.assign(*dst);
                StmtKind::Get { dst, base, key }
            }
            StmtKind::GetData { dst, base, key } => {
                let (base, key) = (self.operand(*base), self.operand(*key));
                let dst = self.assign(*dst);
                StmtKind::GetData { dst, base, key }
            }
            StmtKind::CompareValue { dst, op, lhs, rhs } => {
                let (lhs, rhs) = (self.operand(*lhs), self.operand(*rhs));
                StmtKind::CompareValue {
                    dst: self.assign(*dst),
                    op: *op,
                    lhs,
                    rhs,
                }
            }
            StmtKind::MakeArray { dst, items } => {
                let items = self.operands(items);
                let dst = self.assign(*dst);
                StmtKind::MakeArray { dst, items }
            }
            StmtKind::CallBuiltin { dst, builtin, args } => {
                let args = self.operands(args);
                StmtKind::CallBuiltin {
                    dst: self.assign(*dst),
                    builtin: *builtin,
                    args,
                }
            }
            StmtKind::CallFunction {
                dst,
                function,
                args,
            } => {
                let args = self.operands(args);
                StmtKind::CallFunction {
                    dst: self.assign(*dst),
                    function: *function,
                    args,
                }
            }
            StmtKind::Guard { op, lhs, rhs } => StmtKind::Guard {
                op: *op,
                lhs: self.operand(*lhs),
                rhs: self.operand(*rhs),
            },
            StmtKind::Truthy { value } => StmtKind::Truthy {
                value: self.operand(*value),
            },
            StmtKind::IsArray { value, len } => StmtKind::IsArray {
                value: self.operand(*value),
                len: *len,
            },
            StmtKind::IsObject { value, len } => StmtKind::IsObject {
                value: self.operand(*value),
                len: *len,
            },
            _ => return None,
        };
        Some(Stmt {
            kind,
            span: stmt.span,
            overlay: stmt.overlay,
        })
    }
}
