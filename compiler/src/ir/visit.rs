//! What statements consist of: the locals that they read and assign, and the blocks inside them.

use std::collections::HashSet;

use super::{Block, Local, Operand, Replacement, Stmt, StmtKind};

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
    fn operand(operand: &mut Operand, each: &mut impl FnMut(&mut Local)) {
        if let Operand::Local(local) = operand {
            each(local);
        }
    }
    stmt.overlay.iter_mut().for_each(&mut *each);
    match &mut stmt.kind {
        StmtKind::Load { dst: local, .. }
        | StmtKind::Collect { dst: local, .. }
        | StmtKind::Recall { dst: local, .. }
        | StmtKind::FirstDefined { result: local, .. }
        | StmtKind::ResetLocal { local }
        | StmtKind::OpenObject { local }
        | StmtKind::OpenSet { local }
        | StmtKind::IsDefined { local }
        | StmtKind::IsUndefined { local } => each(local),
        StmtKind::Close { dst, local } => [dst, local].into_iter().for_each(each),
        StmtKind::Move { dst, src: value }
        | StmtKind::SetResult {
            local: dst, value, ..
        } => {
            each(dst);
            operand(value, each);
        }
        StmtKind::Get {
            dst,
            base: a,
            key: b,
        }
        | StmtKind::GetData {
            dst,
            base: a,
            key: b,
        }
        | StmtKind::CompareValue {
            dst,
            lhs: a,
            rhs: b,
            ..
        }
        | StmtKind::MergeDocuments {
            dst,
            base: a,
            derived: b,
        } => {
            each(dst);
            [a, b].into_iter().for_each(|of| operand(of, each));
        }
        StmtKind::Guard { lhs, rhs, .. } => {
            [lhs, rhs].into_iter().for_each(|of| operand(of, each));
        }
        StmtKind::Truthy { value }
        | StmtKind::Switch { on: value, .. }
        | StmtKind::IsArray { value, .. }
        | StmtKind::IsObject { value, .. }
        | StmtKind::Return { value } => operand(value, each),
        StmtKind::Append { key, value, .. } => {
            key.iter_mut()
                .chain([value])
                .for_each(|of| operand(of, each));
        }
        StmtKind::Scan {
            base,
            key,
            value,
            index,
            ..
        } => {
            operand(base, each);
            key.iter_mut().chain(value).for_each(&mut *each);
            if let Some(index) = index {
                index.key.iter_mut().chain(&mut index.value).for_each(each);
            }
        }
        StmtKind::Walk {
            base,
            path: key,
            value,
            ..
        }
        | StmtKind::Every {
            domain: base,
            key,
            value,
            ..
        } => {
            operand(base, each);
            key.iter_mut().chain(value).for_each(each);
        }
        StmtKind::MakeArray { dst, items }
        | StmtKind::MakeSet { dst, items }
        | StmtKind::CallBuiltin {
            dst, args: items, ..
        }
        | StmtKind::CallFunction {
            dst, args: items, ..
        } => {
            each(dst);
            items.iter_mut().for_each(|of| operand(of, each));
        }
        StmtKind::IndexKeys { keys: items }
        | StmtKind::IndexProbe { keys: items }
        | StmtKind::EmitRow { values: items } => {
            items.iter_mut().for_each(|of| operand(of, each));
        }
        StmtKind::MakeObject { dst, members } => {
            each(dst);
            for (key, value) in members {
                operand(key, each);
                operand(value, each);
            }
        }
        StmtKind::MakeOverlay {
            dst,
            parent,
            replacements,
        } => {
            each(dst);
            parent.iter_mut().for_each(&mut *each);
            for replacement in replacements {
                match replacement {
                    Replacement::Document { value, .. }
                    | Replacement::FunctionValue { value, .. } => operand(value, each),
                    Replacement::Function { .. } => {}
                }
            }
        }
        StmtKind::InsertPath { local, path, value }
        | StmtKind::InsertSet { local, path, value } => {
            each(local);
            path.iter_mut()
                .chain([value])
                .for_each(|of| operand(of, each));
        }
        StmtKind::Observe { variables, .. } => {
            for (_, value) in variables {
                operand(value, each);
            }
        }
        StmtKind::Fail
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
