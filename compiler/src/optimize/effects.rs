//! What running something may do beside giving a value.
//!
//! A statement can be left out, or run once more, if nobody can tell: it prints nothing, raises no conflict, and gives the
//! same whenever it runs. Errors of built-ins count only where they end the query, so they are told apart ([`Effect`]).
//! What a budget notices does not count.

use std::collections::HashSet;

use regovm_core::builtin::{BuiltinId, Purity, Table};

use crate::ir::{
    Block, Callee, CollectKind, FuncId, Program, Replacement, ScopeId, Stmt, StmtKind,
};

/// The worst that running something may do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Effect {
    /// It gives a value or fails.
    None,
    /// A built-in may have an error, which is a failure unless such errors end the query.
    Error,
    /// Something that is seen, or another value each time.
    Seen,
}

/// Effects of the built-ins and functions of a program.
pub struct Effects<'t> {
    table: &'t Table,
    /// Built-ins that some `with` replaces.
    replaced: HashSet<BuiltinId>,
    /// Some `with` replaces functions of the program.
    replaces_functions: bool,
    functions: Vec<Effect>,
}

/// Built-ins whose purpose is to be seen.
const SHOWN: &[&str] = &["print", "internal.print", "internal.test_case", "trace"];

/// Built-ins that have no errors, whatever they are given.
pub(crate) const WITHOUT_ERRORS: &[&str] = &[
    "internal.member_2",
    "internal.member_3",
    "is_array",
    "is_boolean",
    "is_null",
    "is_number",
    "is_object",
    "is_set",
    "is_string",
    "type_name",
];

impl<'t> Effects<'t> {
    /// Looks at a whole program.
    pub fn of(program: &Program, table: &'t Table) -> Effects<'t> {
        let mut effects = Effects {
            table,
            replaced: HashSet::new(),
            replaces_functions: false,
            functions: vec![Effect::None; program.functions.len()],
        };
        for function in &program.functions {
            for block in &function.blocks {
                effects.note_replacements(block);
            }
        }
        // Functions call each other, though not in circles: what is found wrong spreads until nothing changes.
        loop {
            let mut changed = false;
            for (number, function) in program.functions.iter().enumerate() {
                let mut scopes = Vec::new();
                let effect = effects.blocks(&function.blocks, &mut scopes, true);
                changed |= effect != effects.functions[number];
                effects.functions[number] = effect;
            }
            if !changed {
                return effects;
            }
        }
    }

    fn note_replacements(&mut self, block: &Block) {
        for stmt in block {
            if let StmtKind::MakeOverlay { replacements, .. } = &stmt.kind {
                for replacement in replacements {
                    match replacement {
                        Replacement::Document { .. } => {}
                        Replacement::FunctionValue { target, .. }
                        | Replacement::Function { target, .. } => match target {
                            Callee::Builtin(id) => {
                                self.replaced.insert(*id);
                            }
                            Callee::Function(_) => self.replaces_functions = true,
                        },
                    }
                }
            }
            for block in stmt.kind.blocks() {
                self.note_replacements(block);
            }
        }
    }

    /// Calling a built-in.
    pub fn builtin(&self, id: BuiltinId) -> Effect {
        match self.table.get(id) {
            Some(decl)
                if decl.purity == Purity::Pure
                    && !decl.relation
                    && !self.replaced.contains(&id)
                    && !SHOWN.contains(&decl.name) =>
            {
                match WITHOUT_ERRORS.contains(&decl.name) {
                    true => Effect::None,
                    false => Effect::Error,
                }
            }
            _ => Effect::Seen,
        }
    }

    /// Calling a function of the program.
    pub fn function(&self, id: FuncId) -> Effect {
        if self.replaces_functions {
            return Effect::Seen;
        }
        let effect = self.functions.get(id.0 as usize);
        effect.copied().unwrap_or(Effect::Seen)
    }

    /// Running a statement of which nothing that goes on around it is known.
    pub fn stmt(&self, stmt: &Stmt) -> Effect {
        self.stmt_in(stmt, &mut Vec::new(), false)
    }

    /// Running a block of a function, where what it does to the result of the function does not count.
    pub fn of_block(&self, block: &Block) -> Effect {
        self.blocks([block], &mut Vec::new(), true)
    }

    /// `whole`: the blocks are a function's, whose result is no effect.
    fn blocks<'b>(
        &self,
        blocks: impl IntoIterator<Item = &'b Block>,
        scopes: &mut Vec<ScopeId>,
        whole: bool,
    ) -> Effect {
        let mut worst = Effect::None;
        for stmt in blocks.into_iter().flatten() {
            worst = worst.max(self.stmt_in(stmt, scopes, whole));
        }
        worst
    }

    fn stmt_in(&self, stmt: &Stmt, scopes: &mut Vec<ScopeId>, whole: bool) -> Effect {
        let inside = |known: bool| if known { Effect::None } else { Effect::Seen };
        match &stmt.kind {
            StmtKind::Move { .. }
            | StmtKind::Load { .. }
            | StmtKind::Get { .. }
            | StmtKind::GetData { .. }
            | StmtKind::Guard { .. }
            | StmtKind::CompareValue { .. }
            | StmtKind::Truthy { .. }
            | StmtKind::IsArray { .. }
            | StmtKind::IsObject { .. }
            | StmtKind::Fail
            | StmtKind::Strict { .. }
            | StmtKind::MakeArray { .. }
            | StmtKind::MakeSet { .. }
            | StmtKind::MakeObject { .. }
            | StmtKind::MergeDocuments { .. }
            | StmtKind::IndexKeys { .. }
            | StmtKind::IndexProbe { .. }
            | StmtKind::IsDefined { .. }
            | StmtKind::IsUndefined { .. } => Effect::None,
            StmtKind::CallBuiltin { builtin, .. } => self.builtin(*builtin),
            StmtKind::CallFunction { function, .. } => self.function(*function),
            StmtKind::Scan { .. }
            | StmtKind::Walk { .. }
            | StmtKind::Blocks { .. }
            | StmtKind::Switch { .. }
            | StmtKind::FirstDefined { .. } => self.blocks(stmt.kind.blocks(), scopes, whole),
            // Two values for one key are a conflict.
            StmtKind::Collect {
                kind: CollectKind::Object,
                ..
            } => Effect::Seen,
            StmtKind::Collect { scope, .. }
            | StmtKind::Exists { scope, .. }
            | StmtKind::Not { scope, .. }
            | StmtKind::Every { scope, .. } => {
                scopes.push(*scope);
                let effect = self.blocks(stmt.kind.blocks(), scopes, whole);
                scopes.pop();
                effect
            }
            StmtKind::Append { scope, .. } | StmtKind::Yield { scope } => {
                inside(scopes.contains(scope))
            }
            StmtKind::ResetLocal { .. }
            | StmtKind::OpenSet { .. }
            | StmtKind::Close { .. }
            | StmtKind::Return { .. }
            | StmtKind::ReturnUndefined => inside(whole),
            StmtKind::InsertSet { path, .. } => inside(whole && path.is_empty()),
            StmtKind::MakeOverlay { .. }
            | StmtKind::Observe { .. }
            | StmtKind::Recall { .. }
            | StmtKind::ComprehensionCache { .. }
            | StmtKind::SetResult { .. }
            | StmtKind::OpenObject { .. }
            | StmtKind::InsertPath { .. }
            | StmtKind::EmitRow { .. } => Effect::Seen,
        }
    }
}
