//! What a statement mentions: locals, and the blocks inside it.

use crate::ir::{Block, Local, Operand, Replacement, Stmt, StmtKind};

/// The blocks inside a statement, in the order in which they are emitted.
pub(super) fn blocks_of(kind: &StmtKind) -> &[Block] {
    match kind {
        StmtKind::Scan { body, .. }
        | StmtKind::Walk { body, .. }
        | StmtKind::Collect { body, .. }
        | StmtKind::Exists { body, .. }
        | StmtKind::Not { body, .. }
        | StmtKind::Every { body, .. } => std::slice::from_ref(body),
        StmtKind::Blocks { blocks } => blocks,
        StmtKind::FirstDefined { branches, .. } => branches,
        _ => &[],
    }
}

/// Calls `each` with every local that the statement itself mentions, not those of the blocks inside it.
pub(super) fn mentions(stmt: &Stmt, each: &mut impl FnMut(Local)) {
    fn read(operand: &Operand, each: &mut impl FnMut(Local)) {
        if let Operand::Local(local) = operand {
            each(*local);
        }
    }
    fn read_all<'o>(operands: impl IntoIterator<Item = &'o Operand>, each: &mut impl FnMut(Local)) {
        for operand in operands {
            read(operand, each);
        }
    }
    if let Some(overlay) = stmt.overlay {
        each(overlay);
    }
    match &stmt.kind {
        StmtKind::Move { dst, src } => {
            read(src, each);
            each(*dst);
        }
        StmtKind::Load { dst, .. } => each(*dst),
        StmtKind::Get { dst, base, key } | StmtKind::GetData { dst, base, key } => {
            read_all([base, key], each);
            each(*dst);
        }
        StmtKind::Scan {
            base, key, value, ..
        } => {
            read(base, each);
            key.iter().chain(value).for_each(|local| each(*local));
        }
        StmtKind::Walk {
            base, path, value, ..
        } => {
            read(base, each);
            path.iter().chain(value).for_each(|local| each(*local));
        }
        StmtKind::Every {
            domain, key, value, ..
        } => {
            read(domain, each);
            key.iter().chain(value).for_each(|local| each(*local));
        }
        StmtKind::Guard { lhs, rhs, .. } => read_all([lhs, rhs], each),
        StmtKind::CompareValue { dst, lhs, rhs, .. } => {
            read_all([lhs, rhs], each);
            each(*dst);
        }
        StmtKind::Truthy { value }
        | StmtKind::IsArray { value, .. }
        | StmtKind::IsObject { value, .. } => {
            read(value, each);
        }
        StmtKind::MakeArray { dst, items } | StmtKind::MakeSet { dst, items } => {
            read_all(items, each);
            each(*dst);
        }
        StmtKind::MakeObject { dst, members } => {
            for (key, value) in members {
                read_all([key, value], each);
            }
            each(*dst);
        }
        StmtKind::Collect { dst, .. } => each(*dst),
        StmtKind::Append { key, value, .. } => read_all(key.iter().chain([value]), each),
        StmtKind::FirstDefined { result, .. } => each(*result),
        StmtKind::CallBuiltin { dst, args, .. } | StmtKind::CallFunction { dst, args, .. } => {
            read_all(args, each);
            each(*dst);
        }
        StmtKind::MakeOverlay {
            dst,
            parent,
            replacements,
        } => {
            parent.iter().for_each(|local| each(*local));
            for replacement in replacements {
                match replacement {
                    Replacement::Document { value, .. }
                    | Replacement::FunctionValue { value, .. } => read(value, each),
                    Replacement::Function { .. } => {}
                }
            }
            each(*dst);
        }
        StmtKind::ResetLocal { local }
        | StmtKind::IsDefined { local }
        | StmtKind::IsUndefined { local }
        | StmtKind::OpenObject { local }
        | StmtKind::OpenSet { local } => each(*local),
        StmtKind::SetResult { local, value, .. } => {
            read(value, each);
            each(*local);
        }
        StmtKind::InsertPath { local, path, value }
        | StmtKind::InsertSet { local, path, value } => {
            read_all(path.iter().chain([value]), each);
            each(*local);
        }
        StmtKind::MergeDocuments { dst, base, derived } => {
            read_all([base, derived], each);
            each(*dst);
        }
        StmtKind::Close { dst, local } => {
            each(*local);
            each(*dst);
        }
        StmtKind::Return { value } => read(value, each),
        StmtKind::EmitRow { values } => read_all(values, each),
        StmtKind::Fail
        | StmtKind::Exists { .. }
        | StmtKind::Not { .. }
        | StmtKind::Yield { .. }
        | StmtKind::Blocks { .. }
        | StmtKind::ReturnUndefined => {}
    }
}
