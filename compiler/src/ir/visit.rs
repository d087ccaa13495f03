//! What statements consist of: the locals that they read and assign, and the blocks inside them.

use std::collections::HashSet;

use super::{Block, Function, Local, Operand, Replacement, Stmt, StmtKind};

/// True for the body of an [`StmtKind::Every`] that holds for all members: only whether there is a collection matters.
pub fn asks_for_collection(body: &Block) -> bool {
    matches!(
        body[..],
        [Stmt {
            kind: StmtKind::Yield { .. },
            ..
        }]
    )
}

/// Something that a statement itself holds, by what it is for: an operand `V` or a local `L`.
enum Part<V, L> {
    /// A value that it reads.
    Value(V),
    /// A builder, an overlay, or what is asked whether it is defined: a local always.
    Read(L),
    /// It gives it a value, or takes its value away.
    Assign(L),
    /// It looks at its value and may give it another one.
    Update(L),
}

/// Calls `$each` with the parts of a statement, what it reads before what it assigns. `$iter` is `iter` or `iter_mut`: this is the
/// one place that says what statements consist of.
macro_rules! parts {
    ($kind:expr, $each:ident, $iter:ident) => {
        match $kind {
            StmtKind::Load { dst, .. }
            | StmtKind::Recall { dst, .. }
            | StmtKind::ComprehensionCache { dst }
            | StmtKind::Collect { dst, .. }
            | StmtKind::FirstDefined { result: dst, .. }
            | StmtKind::ResetLocal { local: dst }
            | StmtKind::OpenObject { local: dst }
            | StmtKind::OpenSet { local: dst } => $each(Part::Assign(dst)),
            StmtKind::Move { dst, src } => {
                $each(Part::Value(src));
                $each(Part::Assign(dst));
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
                $each(Part::Value(a));
                $each(Part::Value(b));
                $each(Part::Assign(dst));
            }
            StmtKind::MakeArray { dst, items }
            | StmtKind::MakeSet { dst, items }
            | StmtKind::CallBuiltin {
                dst, args: items, ..
            }
            | StmtKind::CallFunction {
                dst, args: items, ..
            } => {
                items.$iter().for_each(|item| $each(Part::Value(item)));
                $each(Part::Assign(dst));
            }
            StmtKind::MakeObject { dst, members } => {
                for (key, value) in members {
                    $each(Part::Value(key));
                    $each(Part::Value(value));
                }
                $each(Part::Assign(dst));
            }
            StmtKind::MakeOverlay {
                dst,
                parent,
                replacements,
            } => {
                parent.$iter().for_each(|local| $each(Part::Read(local)));
                for replacement in replacements {
                    match replacement {
                        Replacement::Document { value, .. }
                        | Replacement::FunctionValue { value, .. } => $each(Part::Value(value)),
                        Replacement::Function { .. } => {}
                    }
                }
                $each(Part::Assign(dst));
            }
            StmtKind::Close { dst, local } => {
                $each(Part::Read(local));
                $each(Part::Assign(dst));
            }
            StmtKind::Scan {
                base,
                key,
                value,
                index,
                ..
            } => {
                $each(Part::Value(base));
                key.$iter().for_each(|local| $each(Part::Assign(local)));
                value.$iter().for_each(|local| $each(Part::Assign(local)));
                if let Some(index) = index {
                    index
                        .key
                        .$iter()
                        .for_each(|local| $each(Part::Assign(local)));
                    index
                        .value
                        .$iter()
                        .for_each(|local| $each(Part::Assign(local)));
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
                $each(Part::Value(base));
                key.$iter().for_each(|local| $each(Part::Assign(local)));
                value.$iter().for_each(|local| $each(Part::Assign(local)));
            }
            StmtKind::Guard { lhs, rhs, .. } => {
                $each(Part::Value(lhs));
                $each(Part::Value(rhs));
            }
            StmtKind::Truthy { value }
            | StmtKind::Switch { on: value, .. }
            | StmtKind::IsArray { value, .. }
            | StmtKind::IsObject { value, .. }
            | StmtKind::Return { value } => $each(Part::Value(value)),
            StmtKind::Append { key, value, .. } => {
                key.$iter().for_each(|key| $each(Part::Value(key)));
                $each(Part::Value(value));
            }
            StmtKind::IndexKeys { keys: items }
            | StmtKind::IndexProbe { keys: items }
            | StmtKind::EmitRow { values: items } => {
                items.$iter().for_each(|item| $each(Part::Value(item)));
            }
            StmtKind::InsertPath { local, path, value }
            | StmtKind::InsertSet { local, path, value } => {
                $each(Part::Read(local));
                path.$iter().for_each(|key| $each(Part::Value(key)));
                $each(Part::Value(value));
            }
            StmtKind::SetResult { local, value, .. } => {
                $each(Part::Value(value));
                $each(Part::Update(local));
            }
            StmtKind::IsDefined { local } | StmtKind::IsUndefined { local } => {
                $each(Part::Read(local));
            }
            StmtKind::Observe { variables, .. } => {
                variables
                    .$iter()
                    .for_each(|(_, value)| $each(Part::Value(value)));
            }
            StmtKind::Fail
            | StmtKind::Strict { .. }
            | StmtKind::Exists { .. }
            | StmtKind::Not { .. }
            | StmtKind::Yield { .. }
            | StmtKind::Blocks { .. }
            | StmtKind::ReturnUndefined => {}
        }
    };
}

fn parts<'s>(kind: &'s StmtKind, mut each: impl FnMut(Part<&'s Operand, &'s Local>)) {
    parts!(kind, each, iter);
}

fn parts_mut<'s>(
    kind: &'s mut StmtKind,
    mut each: impl FnMut(Part<&'s mut Operand, &'s mut Local>),
) {
    parts!(kind, each, iter_mut);
}

/// The blocks inside a statement: those of its index, if it has one, and its own.
macro_rules! blocks {
    ($kind:expr, $deref:ident, $one:path, ($($and:tt)+)) => {{
        let (index, blocks): (_, $($and)+ [Block]) = match $kind {
            StmtKind::Scan { index, body, .. } => (index.$deref(), $one(body)),
            StmtKind::Walk { body, .. }
            | StmtKind::Collect { body, .. }
            | StmtKind::Exists { body, .. }
            | StmtKind::Not { body, .. }
            | StmtKind::Every { body, .. } => (None, $one(body)),
            StmtKind::Blocks { blocks } | StmtKind::Switch { blocks, .. } => (None, blocks),
            StmtKind::FirstDefined { branches, .. } => (None, branches),
            _ => (None, $($and)+ []),
        };
        let index = index.map(|index| [$($and)+ index.build, $($and)+ index.probe]);
        index.into_iter().flatten().chain(blocks)
    }};
}

impl StmtKind {
    /// The blocks inside a statement, in the order in which they are emitted.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        blocks!(self, as_deref, std::slice::from_ref, (&))
    }

    /// As [`StmtKind::blocks`], to be changed.
    pub fn blocks_mut(&mut self) -> impl Iterator<Item = &mut Block> {
        blocks!(self, as_deref_mut, std::slice::from_mut, (&mut))
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
    if let Some(overlay) = stmt.overlay {
        each(overlay, Role::Read);
    }
    parts(&stmt.kind, |part| match part {
        Part::Value(Operand::Const(_)) => {}
        Part::Value(Operand::Local(local)) | Part::Read(local) => each(*local, Role::Read),
        Part::Assign(local) => each(*local, Role::Assign),
        Part::Update(local) => {
            each(*local, Role::Read);
            each(*local, Role::Assign);
        }
    });
}

/// Calls `each` with everything that the statement itself reads, locals of builders and overlays among it.
pub fn operands(stmt: &Stmt, each: &mut impl FnMut(Operand)) {
    if let Some(overlay) = stmt.overlay {
        each(Operand::Local(overlay));
    }
    parts(&stmt.kind, |part| match part {
        Part::Value(operand) => each(*operand),
        Part::Read(local) | Part::Update(local) => each(Operand::Local(*local)),
        Part::Assign(_) => {}
    });
}

/// Calls `each` with every local that a block mentions, in the blocks inside it too, to be renamed.
pub fn locals_mut(block: &mut Block, each: &mut impl FnMut(&mut Local)) {
    for stmt in block {
        stmt.overlay.iter_mut().for_each(&mut *each);
        parts_mut(&mut stmt.kind, |part| match part {
            Part::Value(Operand::Const(_)) => {}
            Part::Value(Operand::Local(local))
            | Part::Read(local)
            | Part::Assign(local)
            | Part::Update(local) => each(local),
        });
        for block in stmt.kind.blocks_mut() {
            locals_mut(block, each);
        }
    }
}

/// Calls `each` with every value that the statement itself reads, to be replaced: not with builders, overlays, and what is
/// asked whether it is defined, which are locals always.
pub fn operands_mut(kind: &mut StmtKind, each: &mut impl FnMut(&mut Operand)) {
    parts_mut(kind, |part| {
        if let Part::Value(operand) = part {
            each(operand);
        }
    });
}

/// True if a block has such a statement, in the blocks inside it too.
pub fn has_any(block: &Block, is: &impl Fn(&StmtKind) -> bool) -> bool {
    let mut stmts = block.iter();
    stmts.any(|stmt| is(&stmt.kind) || stmt.kind.blocks().any(|block| has_any(block, is)))
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
