//! Checks that IR keeps its promises; emission and machine trust them.
//!
//! - Locals are assigned before they are read, on every path.
//! - Builders are filled and closed only while they are open, overlays are used only as overlays.
//! - `Append` and `Yield` name an enclosing scope of the right kind.
//! - Constants and functions exist, calls have the right number of arguments.
//! - Rows are emitted by queries only, values are returned by other functions only.
//! - Statements nest no deeper than [`MAX_NESTING`].

use super::builder::MAX_NESTING;
use super::{
    Block, Callee, CollectKind, ConstId, FuncId, Function, FunctionKind, Local, Operand, Program,
    Replacement, ScanIndex, ScopeId, Stmt, StmtKind,
};

/// A broken promise, for developers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The function.
    pub function: String,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.function, self.message)
    }
}

impl std::error::Error for Violation {}

/// Checks a whole program.
pub fn verify(program: &Program) -> Result<(), Violation> {
    for function in &program.functions {
        let mut verifier = Verifier {
            program,
            function,
            states: vec![State::Unassigned; function.locals as usize],
            log: Vec::new(),
            scopes: Vec::new(),
            depth: 0,
        };
        verifier.function().map_err(|message| Violation {
            function: function.name.clone(),
            message,
        })?;
    }
    for query in &program.queries {
        match program.functions.get(query.0 as usize) {
            Some(function) if function.kind == FunctionKind::Query => {}
            _ => {
                return Err(Violation {
                    function: format!("f{}", query.0),
                    message: "is listed as a query but is none".to_string(),
                });
            }
        }
    }
    Ok(())
}

/// What is known of a local at a point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Unassigned,
    /// Reset: may have a value, only `IsDefined` knows.
    Maybe,
    Value,
    OpenObject,
    OpenSet,
    Overlay,
}

/// What may be said to an enclosing scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ScopeKind {
    Collect(CollectKind),
    Yields,
}

type Check = Result<(), String>;

struct Verifier<'p> {
    program: &'p Program,
    function: &'p Function,
    states: Vec<State>,
    /// Changes of `states`, to undo them when a block is left.
    log: Vec<(Local, State)>,
    scopes: Vec<(ScopeId, ScopeKind)>,
    depth: usize,
}

impl Verifier<'_> {
    fn function(&mut self) -> Check {
        let function = self.function;
        if function.params > function.locals {
            return Err("has fewer locals than arguments".to_string());
        }
        if function.kind == FunctionKind::Rule && function.params > 0 {
            return Err("is a rule with arguments".to_string());
        }
        if function.kind != FunctionKind::Query && !function.row.is_empty() {
            return Err("has a row but is no query".to_string());
        }
        for param in 0..function.params {
            self.states[param as usize] = State::Value;
        }
        self.blocks(&function.blocks)
    }

    /// Blocks of which each runs whatever happened in those before.
    fn blocks(&mut self, blocks: &[Block]) -> Check {
        for block in blocks {
            self.block(block, true)?;
        }
        Ok(())
    }

    /// A block; if `keep`, what it assigns before anything can fail is known after it.
    fn block(&mut self, block: &Block, keep: bool) -> Check {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(format!("nests deeper than {MAX_NESTING}"));
        }
        let start = self.log.len();
        let mut certain = None;
        for stmt in block {
            if certain.is_none() && can_leave(&stmt.kind) {
                certain = Some(self.log.len());
            }
            self.stmt(stmt)?;
        }
        if !keep {
            self.rewind(start);
        } else if let Some(certain) = certain {
            self.rewind(certain);
        }
        self.depth -= 1;
        Ok(())
    }

    fn rewind(&mut self, to: usize) {
        while self.log.len() > to {
            if let Some((local, state)) = self.log.pop() {
                self.states[local.0 as usize] = state;
            }
        }
    }

    fn set(&mut self, local: Local, state: State) -> Check {
        let Some(slot) = self.states.get_mut(local.0 as usize) else {
            return Err(format!("l{} is out of range", local.0));
        };
        self.log.push((local, *slot));
        *slot = state;
        Ok(())
    }

    fn assign(&mut self, local: Local) -> Check {
        self.set(local, State::Value)
    }

    fn is(&self, local: Local, wanted: &[State]) -> Check {
        match self.states.get(local.0 as usize) {
            Some(state) if wanted.contains(state) => Ok(()),
            Some(state) => Err(format!(
                "l{} is {state:?} where {wanted:?} is wanted",
                local.0
            )),
            None => Err(format!("l{} is out of range", local.0)),
        }
    }

    fn read(&self, operand: Operand) -> Check {
        match operand {
            Operand::Local(local) => self.is(local, &[State::Value]),
            Operand::Const(id) => self.constant(id),
        }
    }

    fn read_all(&self, operands: &[Operand]) -> Check {
        operands.iter().try_for_each(|operand| self.read(*operand))
    }

    fn constant(&self, id: ConstId) -> Check {
        if (id.0 as usize) < self.program.constants.len() {
            Ok(())
        } else {
            Err(format!("constant {} does not exist", id.0))
        }
    }

    fn call(&self, id: FuncId, args: &[Operand]) -> Check {
        let Some(function) = self.program.functions.get(id.0 as usize) else {
            return Err(format!("function {} does not exist", id.0));
        };
        if function.kind == FunctionKind::Query {
            return Err(format!("calls the query {}", function.name));
        }
        if function.params as usize != args.len() {
            return Err(format!(
                "calls {} with {} arguments",
                function.name,
                args.len()
            ));
        }
        self.read_all(args)
    }

    fn scoped(&mut self, scope: ScopeId, kind: ScopeKind, body: &Block) -> Check {
        if scope.0 >= self.function.scopes {
            return Err(format!("scope #{} is out of range", scope.0));
        }
        if self.scopes.iter().any(|(open, _)| *open == scope) {
            return Err(format!("scope #{} is opened inside itself", scope.0));
        }
        self.scopes.push((scope, kind));
        self.block(body, false)?;
        self.scopes.pop();
        Ok(())
    }

    fn in_scope(&self, scope: ScopeId) -> Result<ScopeKind, String> {
        self.scopes
            .iter()
            .find(|(open, _)| *open == scope)
            .map(|(_, kind)| *kind)
            .ok_or_else(|| format!("scope #{} is not open", scope.0))
    }

    /// The body of an iteration whose variables are assigned in it.
    fn iteration(&mut self, variables: [Option<Local>; 2], body: &Block) -> Check {
        let start = self.log.len();
        for local in variables.into_iter().flatten() {
            self.assign(local)?;
        }
        self.block(body, false)?;
        self.rewind(start);
        Ok(())
    }

    /// The blocks of an index end with what they are for, and have it nowhere else.
    fn index(&mut self, index: &ScanIndex) -> Check {
        let mut build = &index.build;
        // A member may have several keys, those of its own members.
        while let Some(Stmt {
            kind: StmtKind::Scan { body, .. },
            ..
        }) = build.last()
        {
            build = body;
        }
        let last = |block: &Block| block.last().map(|stmt| stmt.kind.clone());
        let (Some(StmtKind::IndexKeys { keys }), Some(StmtKind::IndexProbe { keys: wanted })) =
            (last(build), last(&index.probe))
        else {
            return Err(format!("index {} has no keys", index.id.0));
        };
        if keys.len() != wanted.len() || keys.is_empty() {
            return Err(format!("index {} is asked for other keys", index.id.0));
        }
        self.iteration([index.key, index.value], &index.build)?;
        self.block(&index.probe, false)
    }

    fn stmt(&mut self, stmt: &Stmt) -> Check {
        if let Some(overlay) = stmt.overlay {
            self.is(overlay, &[State::Overlay])?;
        }
        match &stmt.kind {
            StmtKind::Move { dst, src } => {
                self.read(*src)?;
                self.assign(*dst)
            }
            StmtKind::Load { dst, path, .. } => {
                path.iter().try_for_each(|key| self.constant(*key))?;
                self.assign(*dst)
            }
            StmtKind::Get { dst, base, key } | StmtKind::GetData { dst, base, key } => {
                self.read(*base)?;
                self.read(*key)?;
                self.assign(*dst)
            }
            StmtKind::Scan {
                base,
                key,
                value,
                index,
                body,
            } => {
                self.read(*base)?;
                if let Some(index) = index {
                    self.index(index)?;
                }
                self.iteration([*key, *value], body)
            }
            StmtKind::IndexKeys { keys } | StmtKind::IndexProbe { keys } => self.read_all(keys),
            StmtKind::Walk {
                base,
                path,
                value,
                body,
            } => {
                self.read(*base)?;
                self.iteration([*path, *value], body)
            }
            StmtKind::Guard { lhs, rhs, .. } => {
                self.read(*lhs)?;
                self.read(*rhs)
            }
            StmtKind::CompareValue { dst, lhs, rhs, .. } => {
                self.read(*lhs)?;
                self.read(*rhs)?;
                self.assign(*dst)
            }
            StmtKind::Truthy { value }
            | StmtKind::IsArray { value, .. }
            | StmtKind::IsObject { value, .. } => self.read(*value),
            StmtKind::Fail | StmtKind::Strict { .. } => Ok(()),
            StmtKind::MakeArray { dst, items } | StmtKind::MakeSet { dst, items } => {
                self.read_all(items)?;
                self.assign(*dst)
            }
            StmtKind::MakeObject { dst, members } => {
                for (key, value) in members {
                    self.read(*key)?;
                    self.read(*value)?;
                }
                self.assign(*dst)
            }
            StmtKind::Collect {
                scope,
                kind,
                dst,
                body,
            } => {
                self.scoped(*scope, ScopeKind::Collect(*kind), body)?;
                self.assign(*dst)
            }
            StmtKind::Append { scope, key, value } => {
                let ScopeKind::Collect(kind) = self.in_scope(*scope)? else {
                    return Err(format!("scope #{} is no collector", scope.0));
                };
                if key.is_some() != (kind == CollectKind::Object) {
                    return Err(format!(
                        "wrong append to the {kind:?} of scope #{}",
                        scope.0
                    ));
                }
                if let Some(key) = key {
                    self.read(*key)?;
                }
                self.read(*value)
            }
            StmtKind::Exists { scope, body } | StmtKind::Not { scope, body } => {
                self.scoped(*scope, ScopeKind::Yields, body)
            }
            StmtKind::Every {
                scope,
                domain,
                key,
                value,
                body,
            } => {
                self.read(*domain)?;
                let start = self.log.len();
                for local in [*key, *value].into_iter().flatten() {
                    self.assign(local)?;
                }
                self.scoped(*scope, ScopeKind::Yields, body)?;
                self.rewind(start);
                Ok(())
            }
            StmtKind::Yield { scope } => match self.in_scope(*scope)? {
                ScopeKind::Yields => Ok(()),
                ScopeKind::Collect(_) => Err(format!("yields to the collector #{}", scope.0)),
            },
            StmtKind::Blocks { blocks } => self.blocks(blocks),
            StmtKind::Switch { on, blocks } => {
                self.read(*on)?;
                blocks.iter().try_for_each(|block| self.block(block, false))
            }
            StmtKind::FirstDefined { result, branches } => {
                self.set(*result, State::Maybe)?;
                branches
                    .iter()
                    .try_for_each(|branch| self.block(branch, false))
            }
            StmtKind::CallBuiltin { dst, args, .. } => {
                self.read_all(args)?;
                self.assign(*dst)
            }
            StmtKind::CallFunction {
                dst,
                function,
                args,
            } => {
                self.call(*function, args)?;
                self.assign(*dst)
            }
            StmtKind::MakeOverlay {
                dst,
                parent,
                replacements,
            } => {
                if let Some(parent) = parent {
                    self.is(*parent, &[State::Overlay])?;
                }
                replacements
                    .iter()
                    .try_for_each(|replacement| self.replacement(replacement))?;
                self.set(*dst, State::Overlay)
            }
            StmtKind::ResetLocal { local } => self.set(*local, State::Maybe),
            StmtKind::IsDefined { local } => {
                self.is(*local, &[State::Maybe, State::Value])?;
                self.assign(*local)
            }
            StmtKind::IsUndefined { local } => self.is(*local, &[State::Maybe, State::Value]),
            StmtKind::SetResult { local, value, .. } => {
                self.is(*local, &[State::Maybe, State::Value])?;
                self.read(*value)?;
                self.assign(*local)
            }
            StmtKind::InsertPath { local, path, value } => {
                self.is(*local, &[State::OpenObject])?;
                if path.is_empty() {
                    return Err(format!("inserts into l{} without a key", local.0));
                }
                self.read_all(path)?;
                self.read(*value)
            }
            StmtKind::InsertSet { local, path, value } => {
                let wanted = if path.is_empty() {
                    State::OpenSet
                } else {
                    State::OpenObject
                };
                self.is(*local, &[wanted])?;
                self.read_all(path)?;
                self.read(*value)
            }
            StmtKind::OpenObject { local } => self.set(*local, State::OpenObject),
            StmtKind::OpenSet { local } => self.set(*local, State::OpenSet),
            StmtKind::MergeDocuments { dst, base, derived } => {
                self.read(*base)?;
                self.read(*derived)?;
                self.assign(*dst)
            }
            StmtKind::Close { dst, local } => {
                self.is(*local, &[State::OpenObject, State::OpenSet])?;
                self.set(*local, State::Unassigned)?;
                self.assign(*dst)
            }
            StmtKind::Return { value } => {
                if self.function.kind == FunctionKind::Query {
                    return Err("is a query that returns".to_string());
                }
                self.read(*value)
            }
            StmtKind::ReturnUndefined => Ok(()),
            StmtKind::Observe {
                site, variables, ..
            } => {
                if *site as usize >= self.program.sites.len() {
                    return Err(format!("observes site {site}, which does not exist"));
                }
                // What has no value is left out.
                variables.iter().try_for_each(|(_, operand)| match operand {
                    Operand::Local(local) => self.is(*local, &[State::Maybe, State::Value]),
                    constant => self.read(*constant),
                })
            }
            StmtKind::Recall { dst, function } => {
                self.callee(Callee::Function(*function))?;
                self.assign(*dst)
            }
            StmtKind::ComprehensionCache { dst } => self.assign(*dst),
            StmtKind::EmitRow { values } => {
                if self.function.kind != FunctionKind::Query {
                    return Err("emits rows but is no query".to_string());
                }
                if values.len() != self.function.row.len() {
                    return Err("emits a row of the wrong length".to_string());
                }
                self.read_all(values)
            }
        }
    }

    fn replacement(&self, replacement: &Replacement) -> Check {
        match replacement {
            Replacement::Document { value, .. } => self.read(*value),
            Replacement::FunctionValue { target, value } => {
                self.callee(*target)?;
                self.read(*value)
            }
            Replacement::Function {
                target,
                replacement,
            } => {
                self.callee(*target)?;
                self.callee(*replacement)
            }
        }
    }

    fn callee(&self, callee: Callee) -> Check {
        match callee {
            Callee::Function(id) if id.0 as usize >= self.program.functions.len() => {
                Err(format!("function {} does not exist", id.0))
            }
            _ => Ok(()),
        }
    }
}

/// True if control may leave the block at this statement.
fn can_leave(kind: &StmtKind) -> bool {
    match kind {
        StmtKind::Move { .. }
        | StmtKind::CompareValue { .. }
        | StmtKind::MakeArray { .. }
        | StmtKind::MakeSet { .. }
        | StmtKind::MakeObject { .. }
        | StmtKind::Append { .. }
        | StmtKind::MakeOverlay { .. }
        | StmtKind::ResetLocal { .. }
        | StmtKind::InsertPath { .. }
        | StmtKind::InsertSet { .. }
        | StmtKind::OpenObject { .. }
        | StmtKind::OpenSet { .. }
        | StmtKind::MergeDocuments { .. }
        | StmtKind::Close { .. }
        | StmtKind::Observe { .. }
        | StmtKind::EmitRow { .. } => false,
        StmtKind::Scan { .. }
        | StmtKind::Walk { .. }
        | StmtKind::Collect { .. }
        | StmtKind::Blocks { .. }
        | StmtKind::Switch { .. }
        | StmtKind::FirstDefined { .. } => leaves_through(kind),
        _ => true,
    }
}

/// True if control may leave even the iteration or collector around this statement.
fn leaves_through(kind: &StmtKind) -> bool {
    match kind {
        StmtKind::Return { .. } | StmtKind::ReturnUndefined | StmtKind::Yield { .. } => true,
        StmtKind::Scan { body, .. }
        | StmtKind::Walk { body, .. }
        | StmtKind::Collect { body, .. }
        | StmtKind::Exists { body, .. }
        | StmtKind::Not { body, .. }
        | StmtKind::Every { body, .. } => body.iter().any(|stmt| leaves_through(&stmt.kind)),
        StmtKind::Blocks { blocks }
        | StmtKind::Switch { blocks, .. }
        | StmtKind::FirstDefined {
            branches: blocks, ..
        } => blocks
            .iter()
            .flatten()
            .any(|stmt| leaves_through(&stmt.kind)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use regovm_core::{Constant, Span};

    use super::*;
    use crate::ir::{Compare, Conflict};

    fn stmt(kind: StmtKind) -> Stmt {
        Stmt {
            kind,
            span: Span::NONE,
            overlay: None,
        }
    }

    fn check(kind: FunctionKind, blocks: Vec<Vec<StmtKind>>) -> Result<(), String> {
        let function = Function {
            name: "data.a.p".to_string(),
            path: None,
            kind,
            params: 0,
            locals: 4,
            scopes: 2,
            blocks: blocks
                .into_iter()
                .map(|b| b.into_iter().map(stmt).collect())
                .collect(),
            row: Vec::new(),
            span: Span::NONE,
        };
        let program = Program {
            functions: vec![function],
            constants: vec![Constant::Null],
            queries: Vec::new(),
            ..Program::default()
        };
        verify(&program).map_err(|violation| violation.message)
    }

    const C: Operand = Operand::Const(ConstId(0));
    const L0: Operand = Operand::Local(Local(0));

    #[test]
    fn reads_need_an_assignment_on_every_path() {
        let get = StmtKind::Get {
            dst: Local(0),
            base: C,
            key: C,
        };
        let ret = StmtKind::Return { value: L0 };
        assert_eq!(
            check(FunctionKind::Rule, vec![vec![get.clone(), ret.clone()]]),
            Ok(())
        );
        // The look-up may fail, and then the second block runs without it.
        assert!(
            check(
                FunctionKind::Rule,
                vec![vec![get.clone()], vec![ret.clone()]]
            )
            .is_err()
        );
        let inside = StmtKind::Scan {
            base: C,
            key: None,
            value: None,
            index: None,
            body: vec![stmt(get)],
        };
        assert!(check(FunctionKind::Rule, vec![vec![inside, ret.clone()]]).is_err());
        let set = StmtKind::Move {
            dst: Local(0),
            src: C,
        };
        assert_eq!(
            check(FunctionKind::Rule, vec![vec![set], vec![ret]]),
            Ok(())
        );
    }

    #[test]
    fn results_are_read_after_a_test_only() {
        let reset = StmtKind::ResetLocal { local: Local(0) };
        let set = StmtKind::SetResult {
            local: Local(0),
            value: C,
            conflict: Conflict::CompleteRule,
        };
        let guard = StmtKind::Guard {
            op: Compare::Equal,
            lhs: C,
            rhs: C,
        };
        let defined = StmtKind::IsDefined { local: Local(0) };
        let ret = StmtKind::Return { value: L0 };
        let first = vec![reset];
        let second = vec![guard, set];
        let good = vec![first.clone(), second.clone(), vec![defined, ret.clone()]];
        assert_eq!(check(FunctionKind::Rule, good), Ok(()));
        assert!(check(FunctionKind::Rule, vec![first, second, vec![ret]]).is_err());
    }

    #[test]
    fn scopes_builders_and_kinds_are_checked() {
        let yields = StmtKind::Yield { scope: ScopeId(0) };
        assert!(check(FunctionKind::Rule, vec![vec![yields.clone()]]).is_err());
        let exists = StmtKind::Exists {
            scope: ScopeId(0),
            body: vec![stmt(yields.clone())],
        };
        assert_eq!(check(FunctionKind::Rule, vec![vec![exists]]), Ok(()));
        let collect = StmtKind::Collect {
            scope: ScopeId(0),
            kind: CollectKind::Set,
            dst: Local(0),
            body: vec![stmt(yields)],
        };
        assert!(check(FunctionKind::Rule, vec![vec![collect]]).is_err());
        let insert = StmtKind::InsertSet {
            local: Local(0),
            path: vec![],
            value: C,
        };
        assert!(check(FunctionKind::Rule, vec![vec![insert.clone()]]).is_err());
        let open = StmtKind::OpenSet { local: Local(0) };
        assert_eq!(check(FunctionKind::Rule, vec![vec![open, insert]]), Ok(()));
        let row = StmtKind::EmitRow { values: vec![] };
        assert!(check(FunctionKind::Rule, vec![vec![row.clone()]]).is_err());
        assert_eq!(check(FunctionKind::Query, vec![vec![row]]), Ok(()));
        let unknown = Operand::Const(ConstId(9));
        assert!(
            check(
                FunctionKind::Rule,
                vec![vec![StmtKind::Truthy { value: unknown }]]
            )
            .is_err()
        );
    }
}
