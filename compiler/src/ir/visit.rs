//! What statements consist of: the locals that they read and assign, and the blocks inside them.

use std::collections::HashSet;

use super::{Block, Function, Local, Operand, Replacement, Stmt, StmtKind};

impl StmtKind {
    /// The blocks inside a statement, in the order in which they are emitted.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        let (index, blocks): (_, &[Block]) = match self {
            StmtKind::Scan { index, body, .. } => (index.as_deref(), std::slice::from_ref(body)),
            StmtKind::Walk { body, .. }
            | StmtKind::Collect { body, .. }
            | StmtKind::Exists { body, .. }
            | StmtKind::Not { body, .. }
            | StmtKind::Every { body, .. } => (None, std::slice::from_ref(body)),
            StmtKind::Blocks { blocks } | StmtKind::Switch { blocks, .. } => (None, blocks),
            StmtKind::FirstDefined { branches, .. } => (None, branches),
            _ => (None, &[]),
        };
        let index = index.map(|index| [&index.build, &index.probe]);
        index.into_iter().flatten().chain(blocks)
    }

    /// As [`StmtKind::blocks`], to be changed.
    pub fn blocks_mut(&mut self) -> impl Iterator<Item = &mut Block> {
        let (index, blocks): (_, &mut [Block]) = match self {
            StmtKind::Scan { index, body, .. } => {
                (index.as_deref_mut(), std::slice::from_mut(body))
            }
            StmtKind::Walk { body, .. }
            | StmtKind::Collect { body, .. }
            | StmtKind::Exists { body, .. }
            | StmtKind::Not { body, .. }
            | StmtKind::Every { body, .. } => (None, std::slice::from_mut(body)),
            StmtKind::Blocks { blocks } | StmtKind::Switch { blocks, .. } => (None, blocks),
            StmtKind::FirstDefined { branches, .. } => (None, branches),
            _ => (None, &mut []),
        };
        let index = index.map(|index| [&mut index.build, &mut index.probe]);
        index.into_iter().flatten().chain(blocks)
    }
}

/// How a statement mentions a local.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// It needs the value, the builder or the overlay.
    Read,
    /// It gives it a value, or takes its value away.
    Assign,
}

/// Calls `each` with every local that the statement itself mentions, not those of the blocks inside it.
pub fn mentions(stmt: &Stmt, each: &mut impl FnMut(Local, Role)) {
    operands(stmt, &mut |operand| {
        if let Operand::Local(local) = operand {
            each(local, Role::Read);
        }
    });
    let mut assign = |local: &Local| each(*local, Role::Assign);
    match &stmt.kind {
        StmtKind::Move { dst, .. }
        | StmtKind::Load { dst, .. }
        | StmtKind::Get { dst, .. }
        | StmtKind::GetData { dst, .. }
        | StmtKind::CompareValue { dst, .. }
        | StmtKind::MakeArray { dst, .. }
        | StmtKind::MakeSet { dst, .. }
        | StmtKind::MakeObject { dst, .. }
        | StmtKind::Collect { dst, .. }
        | StmtKind::CallBuiltin { dst, .. }
        | StmtKind::CallFunction { dst, .. }
        | StmtKind::MakeOverlay { dst, .. }
        | StmtKind::MergeDocuments { dst, .. }
        | StmtKind::Recall { dst, .. }
        | StmtKind::Close { dst, .. }
        | StmtKind::FirstDefined { result: dst, .. }
        | StmtKind::ResetLocal { local: dst }
        | StmtKind::OpenObject { local: dst }
        | StmtKind::OpenSet { local: dst }
        | StmtKind::SetResult { local: dst, .. } => assign(dst),
        StmtKind::Scan {
            key, value, index, ..
        } => {
            key.iter().chain(value).for_each(&mut assign);
            if let Some(index) = index {
                index.key.iter().chain(&index.value).for_each(assign);
            }
        }
        StmtKind::Walk { path, value, .. } => path.iter().chain(value).for_each(assign),
        StmtKind::Every { key, value, .. } => key.iter().chain(value).for_each(assign),
        _ => {}
    }
}

/// Calls `each` with everything that the statement itself reads, locals of builders and overlays among it.
pub fn operands(stmt: &Stmt, each: &mut impl FnMut(Operand)) {
    if let Some(overlay) = stmt.overlay {
        each(Operand::Local(overlay));
    }
    let mut all = |operands: &[Operand]| operands.iter().copied().for_each(&mut *each);
    match &stmt.kind {
        StmtKind::Move { src: value, .. }
        | StmtKind::Scan { base: value, .. }
        | StmtKind::Walk { base: value, .. }
        | StmtKind::Every { domain: value, .. }
        | StmtKind::Truthy { value }
        | StmtKind::Switch { on: value, .. }
        | StmtKind::IsArray { value, .. }
        | StmtKind::IsObject { value, .. }
        | StmtKind::Append {
            key: None, value, ..
        }
        | StmtKind::Return { value } => all(&[*value]),
        StmtKind::Get { base, key, .. } | StmtKind::GetData { base, key, .. } => {
            all(&[*base, *key])
        }
        StmtKind::Guard { lhs, rhs, .. } | StmtKind::CompareValue { lhs, rhs, .. } => {
            all(&[*lhs, *rhs]);
        }
        StmtKind::MergeDocuments { base, derived, .. } => all(&[*base, *derived]),
        StmtKind::Append {
            key: Some(key),
            value,
            ..
        } => all(&[*key, *value]),
        StmtKind::MakeArray { items, .. }
        | StmtKind::MakeSet { items, .. }
        | StmtKind::IndexKeys { keys: items }
        | StmtKind::IndexProbe { keys: items }
        | StmtKind::CallBuiltin { args: items, .. }
        | StmtKind::CallFunction { args: items, .. }
        | StmtKind::EmitRow { values: items } => all(items),
        StmtKind::MakeObject { members, .. } => {
            members.iter().for_each(|(key, value)| all(&[*key, *value]));
        }
        StmtKind::MakeOverlay {
            parent,
            replacements,
            ..
        } => {
            parent
                .iter()
                .for_each(|local| all(&[Operand::Local(*local)]));
            for replacement in replacements {
                match replacement {
                    Replacement::Document { value, .. }
                    | Replacement::FunctionValue { value, .. } => all(&[*value]),
                    Replacement::Function { .. } => {}
                }
            }
        }
        StmtKind::IsDefined { local }
        | StmtKind::IsUndefined { local }
        | StmtKind::Close { local, .. } => all(&[Operand::Local(*local)]),
        StmtKind::Observe { variables, .. } => {
            variables.iter().for_each(|(_, operand)| all(&[*operand]));
        }
        StmtKind::SetResult { local, value, .. } => all(&[Operand::Local(*local), *value]),
        StmtKind::InsertPath { local, path, value }
        | StmtKind::InsertSet { local, path, value } => {
            all(&[Operand::Local(*local), *value]);
            all(path);
        }
        StmtKind::Load { .. }
        | StmtKind::Recall { .. }
        | StmtKind::Collect { .. }
        | StmtKind::FirstDefined { .. }
        | StmtKind::ResetLocal { .. }
        | StmtKind::OpenObject { .. }
        | StmtKind::OpenSet { .. }
        | StmtKind::Fail
        | StmtKind::Strict { .. }
        | StmtKind::Exists { .. }
        | StmtKind::Not { .. }
        | StmtKind::Yield { .. }
        | StmtKind::Blocks { .. }
        | StmtKind::ReturnUndefined => {}
    }
}

/// Calls `each` with every local that a block mentions, in the blocks inside it too, to be renamed.
pub fn locals_mut(block: &mut Block, each: &mut impl FnMut(&mut Local)) {
    for stmt in block {
        own_locals_mut(stmt, each);
        for block in stmt.kind.blocks_mut() {
            locals_mut(block, each);
        }
    }
}

fn own_locals_mut(stmt: &mut Stmt, each: &mut impl FnMut(&mut Local)) {
    operands_mut(&mut stmt.kind, &mut |operand| {
        if let Operand::Local(local) = operand {
            each(local);
        }
    });
    stmt.overlay.iter_mut().for_each(&mut *each);
    match &mut stmt.kind {
        StmtKind::Move { dst: local, .. }
        | StmtKind::Load { dst: local, .. }
        | StmtKind::Get { dst: local, .. }
        | StmtKind::GetData { dst: local, .. }
        | StmtKind::CompareValue { dst: local, .. }
        | StmtKind::MakeArray { dst: local, .. }
        | StmtKind::MakeSet { dst: local, .. }
        | StmtKind::MakeObject { dst: local, .. }
        | StmtKind::Collect { dst: local, .. }
        | StmtKind::CallBuiltin { dst: local, .. }
        | StmtKind::CallFunction { dst: local, .. }
        | StmtKind::MergeDocuments { dst: local, .. }
        | StmtKind::Recall { dst: local, .. }
        | StmtKind::FirstDefined { result: local, .. }
        | StmtKind::ResetLocal { local }
        | StmtKind::OpenObject { local }
        | StmtKind::OpenSet { local }
        | StmtKind::SetResult { local, .. }
        | StmtKind::InsertPath { local, .. }
        | StmtKind::InsertSet { local, .. }
        | StmtKind::IsDefined { local }
        | StmtKind::IsUndefined { local } => each(local),
        StmtKind::Close { dst, local } => [dst, local].into_iter().for_each(each),
        StmtKind::Scan {
            key, value, index, ..
        } => {
            key.iter_mut().chain(value).for_each(&mut *each);
            if let Some(index) = index {
                index.key.iter_mut().chain(&mut index.value).for_each(each);
            }
        }
        StmtKind::Walk {
            path: key, value, ..
        }
        | StmtKind::Every { key, value, .. } => key.iter_mut().chain(value).for_each(each),
        StmtKind::MakeOverlay { dst, parent, .. } => {
            each(dst);
            parent.iter_mut().for_each(each);
        }
        StmtKind::IndexKeys { .. }
        | StmtKind::IndexProbe { .. }
        | StmtKind::Guard { .. }
        | StmtKind::Truthy { .. }
        | StmtKind::IsArray { .. }
        | StmtKind::IsObject { .. }
        | StmtKind::Fail
        | StmtKind::Strict { .. }
        | StmtKind::Append { .. }
        | StmtKind::Exists { .. }
        | StmtKind::Not { .. }
        | StmtKind::Yield { .. }
        | StmtKind::Blocks { .. }
        | StmtKind::Switch { .. }
        | StmtKind::Return { .. }
        | StmtKind::ReturnUndefined
        | StmtKind::Observe { .. }
        | StmtKind::EmitRow { .. } => {}
    }
}

/// Calls `each` with every value that the statement itself reads, to be replaced: not with builders, overlays, and what is
/// asked whether it is defined, which are locals always.
pub fn operands_mut(kind: &mut StmtKind, each: &mut impl FnMut(&mut Operand)) {
    match kind {
        StmtKind::Move { src: value, .. }
        | StmtKind::Scan { base: value, .. }
        | StmtKind::Walk { base: value, .. }
        | StmtKind::Every { domain: value, .. }
        | StmtKind::Truthy { value }
        | StmtKind::Switch { on: value, .. }
        | StmtKind::IsArray { value, .. }
        | StmtKind::IsObject { value, .. }
        | StmtKind::SetResult { value, .. }
        | StmtKind::Return { value } => each(value),
        StmtKind::Get {
            base: a, key: b, ..
        }
        | StmtKind::GetData {
            base: a, key: b, ..
        }
        | StmtKind::CompareValue { lhs: a, rhs: b, .. }
        | StmtKind::Guard { lhs: a, rhs: b, .. }
        | StmtKind::MergeDocuments {
            base: a,
            derived: b,
            ..
        } => [a, b].into_iter().for_each(each),
        StmtKind::Append { key, value, .. } => key.iter_mut().chain([value]).for_each(each),
        StmtKind::MakeArray { items, .. }
        | StmtKind::MakeSet { items, .. }
        | StmtKind::IndexKeys { keys: items }
        | StmtKind::IndexProbe { keys: items }
        | StmtKind::CallBuiltin { args: items, .. }
        | StmtKind::CallFunction { args: items, .. }
        | StmtKind::EmitRow { values: items } => items.iter_mut().for_each(each),
        StmtKind::MakeObject { members, .. } => {
            for (key, value) in members {
                each(key);
                each(value);
            }
        }
        StmtKind::MakeOverlay { replacements, .. } => {
            for replacement in replacements {
                match replacement {
                    Replacement::Document { value, .. }
                    | Replacement::FunctionValue { value, .. } => each(value),
                    Replacement::Function { .. } => {}
                }
            }
        }
        StmtKind::InsertPath { path, value, .. } | StmtKind::InsertSet { path, value, .. } => {
            path.iter_mut().chain([value]).for_each(each);
        }
        StmtKind::Observe { variables, .. } => {
            variables.iter_mut().for_each(|(_, value)| each(value));
        }
        StmtKind::Load { .. }
        | StmtKind::Recall { .. }
        | StmtKind::Collect { .. }
        | StmtKind::FirstDefined { .. }
        | StmtKind::ResetLocal { .. }
        | StmtKind::OpenObject { .. }
        | StmtKind::OpenSet { .. }
        | StmtKind::IsDefined { .. }
        | StmtKind::IsUndefined { .. }
        | StmtKind::Close { .. }
        | StmtKind::Fail
        | StmtKind::Strict { .. }
        | StmtKind::Exists { .. }
        | StmtKind::Not { .. }
        | StmtKind::Yield { .. }
        | StmtKind::Blocks { .. }
        | StmtKind::ReturnUndefined => {}
    }
}

/// The locals that statements assign, in the blocks inside them too.
pub fn assigned(stmts: &[Stmt]) -> HashSet<Local> {
    fn note(block: &[Stmt], all: &mut HashSet<Local>) {
        for stmt in block {
            mentions(stmt, &mut |local, role| {
                if role == Role::Assign {
                    all.insert(local);
                }
            });
            stmt.kind.blocks().for_each(|block| note(block, all));
        }
    }
    let mut all = HashSet::new();
    note(stmts, &mut all);
    all
}

/// How often each local of a function is read, and how often it is assigned.
pub struct Counts {
    /// Reads by local.
    pub reads: Vec<u32>,
    /// Assignments by local; the parameters have one each.
    pub assigned: Vec<u32>,
}

impl Counts {
    /// Counts what stands in a function.
    pub fn of(function: &Function) -> Counts {
        fn note(block: &Block, counts: &mut Counts) {
            for stmt in block {
                mentions(stmt, &mut |local, role| {
                    let counts = match role {
                        Role::Read => &mut counts.reads,
                        Role::Assign => &mut counts.assigned,
                    };
                    if let Some(count) = counts.get_mut(local.0 as usize) {
                        *count += 1;
                    }
                });
                stmt.kind.blocks().for_each(|block| note(block, counts));
            }
        }
        let locals = function.locals as usize;
        let mut counts = Counts {
            reads: vec![0; locals],
            assigned: vec![0; locals],
        };
        for count in counts.assigned.iter_mut().take(function.params as usize) {
            *count = 1;
        }
        for block in &function.blocks {
            note(block, &mut counts);
        }
        counts
    }

    /// True if what a local holds is used in one place.
    pub fn is_read_once(&self, local: Local) -> bool {
        self.reads.get(local.0 as usize) == Some(&1)
    }

    /// True if a local has one value, wherever it has one.
    pub fn is_assigned_once(&self, local: Local) -> bool {
        self.assigned.get(local.0 as usize) == Some(&1)
    }
}
