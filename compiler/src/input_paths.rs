//! Which parts of `input` a query can look at.
//!
//! The reader builds only those ([`regovm_core::json::read_projected`]). Every local of every function that the query
//! reaches is given the paths into `input` whose values it may hold; a statement that looks *into* a value (a load, a
//! look-up, an iteration) goes on with the path, and one that uses the value as a whole wants everything below it. So what
//! is not understood wants too much, never too little. The flow of control does not matter: a local holds what any of its
//! assignments gives it.
//!
//! What is found is right for every evaluation, whatever the optimiser did: steps, errors and answers are those of the
//! whole input. Overlays on `input` (`with`) are taken for the input itself.

use hashbrown::{HashMap, HashSet};
use regovm_core::Constant;
use regovm_core::builtin::{BuiltinId, Table};
use regovm_core::json::{ProjectionBuilder, Step};

use crate::ir::visit::operands;
use crate::ir::{
    Block, Callee, CollectKind, ConstId, FuncId, Local, Operand, Program, Replacement, Root,
    ScopeId, Stmt, StmtKind,
};

/// Paths longer than this want everything at their end.
const MAX_DEPTH: u32 = 24;

/// With more paths everything is wanted.
const MAX_PATHS: usize = 4096;

/// Rounds until nothing changes; with more of them everything is wanted.
const MAX_ROUNDS: usize = 64;

/// The name by which it is switched off.
pub const NAME: &str = "input-projection";

/// One line for people.
pub const ABOUT: &str = "of the input only what the query can look at is built";

/// The parts of `input` that a query can look at.
pub fn of_query(program: &Program, query: FuncId, builtins: &Table) -> ProjectionBuilder {
    let mut analysis = Analysis::new(program, query, builtins);
    for _ in 0..MAX_ROUNDS {
        if analysis.paths.len() > MAX_PATHS {
            break;
        }
        if !analysis.round() {
            return analysis.result();
        }
    }
    let mut everything = ProjectionBuilder::new();
    everything.add([]);
    everything
}

/// A path into `input`, by number.
type Path = u32;

/// The whole document.
const WHOLE: Path = 0;

struct Node {
    parent: Path,
    /// `None` for any member or element.
    member: Option<String>,
    depth: u32,
    everything: bool,
}

/// What a local may hold: what is at a path, or an array of such (an array of arrays, and so on).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Held {
    path: Path,
    arrays: u8,
}

/// Arrays around a path that are kept track of.
const MAX_ARRAYS: u8 = 3;

/// The name of the member that a key stands for: those of JSON are strings.
fn name_of(key: &Constant) -> Option<String> {
    match key {
        Constant::String(name) => Some(name.to_string()),
        _ => None,
    }
}

struct Analysis<'p> {
    program: &'p Program,
    builtins: &'p Table,
    /// Whether more than one statement sets the result in a local.
    set_twice: HashMap<(FuncId, Local), bool>,
    paths: Vec<Node>,
    children: HashMap<(Path, Option<String>), Path>,
    held: HashMap<(FuncId, Local), HashSet<Held>>,
    /// What collectors of arrays collect.
    collected: HashMap<(FuncId, ScopeId), HashSet<Held>>,
    returned: HashMap<FuncId, HashSet<Held>>,
    reached: Vec<FuncId>,
    seen: HashSet<FuncId>,
    /// What some `with` replaces; functions that are called instead are reached.
    replaced: HashSet<Callee>,
    changed: bool,
}

impl<'p> Analysis<'p> {
    fn new(program: &'p Program, query: FuncId, builtins: &'p Table) -> Analysis<'p> {
        let whole = Node {
            parent: WHOLE,
            member: None,
            depth: 0,
            everything: false,
        };
        let mut analysis = Analysis {
            program,
            builtins,
            set_twice: HashMap::new(),
            paths: vec![whole],
            children: HashMap::new(),
            held: HashMap::new(),
            collected: HashMap::new(),
            returned: HashMap::new(),
            reached: Vec::new(),
            seen: HashSet::new(),
            replaced: HashSet::new(),
            changed: false,
        };
        analysis.reach(query);
        analysis
    }

    fn result(&self) -> ProjectionBuilder {
        let mut builder = ProjectionBuilder::new();
        for (path, node) in (0..).zip(&self.paths) {
            let steps = self.steps(path);
            if node.everything {
                builder.add(steps);
            } else {
                builder.touch(steps);
            }
        }
        builder
    }

    fn steps(&self, mut path: Path) -> Vec<Step<'_>> {
        let mut steps = Vec::new();
        while path != WHOLE {
            let node = &self.paths[path as usize];
            steps.push(node.member.as_deref().map_or(Step::Any, Step::Member));
            path = node.parent;
        }
        steps.reverse();
        steps
    }

    /// Goes through everything once; true if something was new.
    fn round(&mut self) -> bool {
        self.changed = false;
        let mut next = 0;
        // Functions that are reached on the way are appended.
        while let Some(function) = self.reached.get(next).copied() {
            next += 1;
            let program = self.program;
            if let Some(body) = program.functions.get(function.0 as usize) {
                for block in &body.blocks {
                    self.block(function, block, false);
                }
            }
        }
        self.changed
    }

    fn reach(&mut self, function: FuncId) {
        if self.seen.insert(function) {
            self.reached.push(function);
            self.changed = true;
        }
    }

    fn block(&mut self, function: FuncId, block: &Block, again: bool) {
        for stmt in block {
            self.stmt(function, stmt, again);
        }
    }

    /// `again` tells that the statement may run several times in one call.
    fn stmt(&mut self, function: FuncId, stmt: &Stmt, again: bool) {
        let mut again = again;
        match &stmt.kind {
            StmtKind::Move { dst, src } => {
                let held = self.of(function, *src);
                self.give(function, *dst, held);
            }
            StmtKind::Load {
                dst,
                root: Root::Input,
                path,
            } => {
                let mut at = WHOLE;
                for key in path {
                    let member = self.member(Operand::Const(*key));
                    at = self.below(at, member);
                }
                let held = Held {
                    path: at,
                    arrays: 0,
                };
                self.give(function, *dst, vec![held]);
            }
            StmtKind::Load {
                root: Root::Data, ..
            } => {}
            StmtKind::Get { dst, base, key } => {
                self.want(function, *key);
                let member = self.member(*key);
                let held = self.inside(function, *base, member);
                self.give(function, *dst, held);
            }
            StmtKind::Scan {
                base, value, index, ..
            } => {
                again = true;
                let held = self.inside(function, *base, None);
                let of_index = index.as_ref().and_then(|index| index.value);
                for local in value.iter().chain(&of_index) {
                    self.give(function, *local, held.clone());
                }
            }
            StmtKind::Every { domain, value, .. } => {
                again = true;
                let held = self.inside(function, *domain, None);
                if let Some(value) = value {
                    self.give(function, *value, held);
                }
            }
            StmtKind::Walk { base, .. } => {
                again = true;
                self.want(function, *base);
            }
            // Only whether it is `false`, or how long it is: that is there for all that is loaded.
            StmtKind::Truthy { .. }
            | StmtKind::IsArray { .. }
            | StmtKind::IsDefined { .. }
            | StmtKind::IsUndefined { .. }
            | StmtKind::ResetLocal { .. } => {}
            StmtKind::IsObject { value, .. } => {
                self.inside(function, *value, None);
            }
            StmtKind::MakeArray { dst, items } => {
                for item in items {
                    let held = self.of(function, *item);
                    let held = self.in_array(held);
                    self.give(function, *dst, held);
                }
            }
            StmtKind::Collect {
                scope,
                kind: CollectKind::Array,
                dst,
                ..
            } => {
                let collected = self.collected.entry((function, *scope)).or_default();
                let held = collected.iter().copied().collect();
                let held = self.in_array(held);
                self.give(function, *dst, held);
            }
            StmtKind::Append {
                scope,
                key: None,
                value,
            } => {
                // Of sets too, whose elements are compared: that scope is no array's and has no entry.
                match self.collected.contains_key(&(function, *scope)) {
                    true => {
                        let held = self.of(function, *value);
                        let collected = self.collected.entry((function, *scope)).or_default();
                        let before = collected.len();
                        collected.extend(held);
                        self.changed |= collected.len() > before;
                    }
                    false => self.want(function, *value),
                }
            }
            StmtKind::SetResult { local, value, .. } => {
                // Where there is a value already, both are compared.
                let held = self.of(function, *value);
                if again || self.is_set_twice(function, *local) {
                    self.want(function, *value);
                }
                self.give(function, *local, held);
            }
            StmtKind::CallFunction {
                dst,
                function: callee,
                args,
            } => {
                self.reach(*callee);
                if self.replaced.contains(&Callee::Function(*callee)) {
                    args.iter().for_each(|arg| self.want(function, *arg));
                }
                for (local, arg) in (0..).zip(args) {
                    let held = self.of(function, *arg);
                    self.give(*callee, Local(local), held);
                }
                let held = self.returned.get(callee);
                let held = held.map(|held| held.iter().copied().collect());
                self.give(function, *dst, held.unwrap_or_default());
            }
            StmtKind::CallBuiltin { dst, builtin, args } => {
                let replaced = self.replaced.contains(&Callee::Builtin(*builtin));
                if replaced || !self.builtin(function, *dst, *builtin, args) {
                    self.want_all(function, stmt);
                }
            }
            StmtKind::Return { value } => {
                let held = self.of(function, *value);
                let returned = self.returned.entry(function).or_default();
                let before = returned.len();
                returned.extend(held);
                if returned.len() > before {
                    self.changed = true;
                }
            }
            StmtKind::MakeOverlay { replacements, .. } => {
                self.want_all(function, stmt);
                for replacement in replacements {
                    self.replacement(replacement);
                }
            }
            StmtKind::GetData { .. }
            | StmtKind::IndexKeys { .. }
            | StmtKind::IndexProbe { .. }
            | StmtKind::Guard { .. }
            | StmtKind::CompareValue { .. }
            | StmtKind::Fail
            | StmtKind::Strict { .. }
            | StmtKind::MakeSet { .. }
            | StmtKind::MakeObject { .. }
            | StmtKind::Collect { .. }
            | StmtKind::Append { .. }
            | StmtKind::Exists { .. }
            | StmtKind::Not { .. }
            | StmtKind::Yield { .. }
            | StmtKind::Blocks { .. }
            | StmtKind::Switch { .. }
            | StmtKind::FirstDefined { .. }
            | StmtKind::InsertPath { .. }
            | StmtKind::InsertSet { .. }
            | StmtKind::OpenObject { .. }
            | StmtKind::OpenSet { .. }
            | StmtKind::MergeDocuments { .. }
            | StmtKind::Close { .. }
            | StmtKind::ReturnUndefined
            | StmtKind::Observe { .. }
            | StmtKind::Recall { .. }
            | StmtKind::ComprehensionCache { .. }
            | StmtKind::EmitRow { .. } => self.want_all(function, stmt),
        }
        for block in stmt.kind.blocks() {
            self.block(function, block, again);
        }
    }

    /// A call of a built-in that does not look at all of its arguments; false if it is none.
    fn builtin(
        &mut self,
        function: FuncId,
        dst: Local,
        builtin: BuiltinId,
        args: &[Operand],
    ) -> bool {
        let name = self.builtins.get(builtin).map(|decl| decl.name);
        match (name, args) {
            // The kind is there for all that is loaded.
            (
                Some(
                    "is_array" | "is_boolean" | "is_null" | "is_number" | "is_object" | "is_set"
                    | "is_string" | "type_name",
                ),
                [_],
            ) => true,
            (Some("count" | "object.keys"), [collection]) => {
                self.inside(function, *collection, None);
                true
            }
            (Some("object.get"), [object, Operand::Const(key), default]) => {
                let path = match self.program.constants.get(key.0 as usize) {
                    Some(Constant::Array(path)) => path.as_slice(),
                    Some(key) => std::slice::from_ref(key),
                    None => return false,
                };
                let mut held = self.of(function, *object);
                for key in path {
                    held = self.members(held, name_of(key));
                }
                held.extend(self.of(function, *default));
                self.give(function, dst, held);
                true
            }
            _ => false,
        }
    }

    fn replacement(&mut self, replacement: &Replacement) {
        match replacement {
            Replacement::Document {
                root: Root::Input,
                path,
                ..
            } => {
                // What is there decides what becomes of it.
                let mut at = WHOLE;
                for key in path {
                    at = self.below(at, name_of(key));
                }
            }
            Replacement::Document {
                root: Root::Data, ..
            } => {}
            Replacement::FunctionValue { target, .. } => {
                self.changed |= self.replaced.insert(*target);
            }
            Replacement::Function {
                target,
                replacement,
            } => {
                self.changed |= self.replaced.insert(*target);
                // It is called with arguments that are wanted, and what it gives is not followed.
                if let Callee::Function(function) = replacement {
                    self.reach(*function);
                    self.changed |= self.replaced.insert(*replacement);
                    if let Some(held) = self.returned.get(function) {
                        let held: Vec<Held> = held.iter().copied().collect();
                        held.into_iter().for_each(|held| self.want_path(held.path));
                    }
                }
            }
        }
    }

    /// The name of the member that a key stands for, if that is known.
    fn member(&self, key: Operand) -> Option<String> {
        match key {
            Operand::Const(ConstId(id)) => {
                self.program.constants.get(id as usize).and_then(name_of)
            }
            Operand::Local(_) => None,
        }
    }

    /// The path one step further.
    fn below(&mut self, path: Path, member: Option<String>) -> Path {
        let node = &self.paths[path as usize];
        if node.everything {
            return path;
        }
        if node.depth >= MAX_DEPTH || self.paths.len() > MAX_PATHS {
            self.want_path(path);
            return path;
        }
        let depth = node.depth + 1;
        let key = (path, member);
        if let Some(child) = self.children.get(&key) {
            return *child;
        }
        let child = self.paths.len() as Path;
        self.paths.push(Node {
            parent: path,
            member: key.1.clone(),
            depth,
            everything: false,
        });
        self.children.insert(key, child);
        self.changed = true;
        child
    }

    /// What is held by an operand.
    fn of(&self, function: FuncId, operand: Operand) -> Vec<Held> {
        match operand {
            Operand::Local(local) => {
                let held = self.held.get(&(function, local));
                held.map(|held| held.iter().copied().collect())
                    .unwrap_or_default()
            }
            Operand::Const(_) => Vec::new(),
        }
    }

    /// What is held by a member of an operand, or by any of its members.
    fn inside(&mut self, function: FuncId, base: Operand, member: Option<String>) -> Vec<Held> {
        let base = self.of(function, base);
        self.members(base, member)
    }

    fn members(&mut self, base: Vec<Held>, member: Option<String>) -> Vec<Held> {
        base.into_iter()
            .map(|held| match held.arrays.checked_sub(1) {
                Some(arrays) => Held { arrays, ..held },
                None => Held {
                    path: self.below(held.path, member.clone()),
                    arrays: 0,
                },
            })
            .collect()
    }

    /// What an array holds whose elements hold this.
    fn in_array(&mut self, held: Vec<Held>) -> Vec<Held> {
        held.into_iter()
            .filter_map(|held| {
                if held.arrays == MAX_ARRAYS {
                    self.want_path(held.path);
                    return None;
                }
                Some(Held {
                    path: held.path,
                    arrays: held.arrays + 1,
                })
            })
            .collect()
    }

    fn give(&mut self, function: FuncId, local: Local, held: Vec<Held>) {
        if held.is_empty() {
            return;
        }
        let all = self.held.entry((function, local)).or_default();
        let before = all.len();
        all.extend(held);
        self.changed |= all.len() > before;
    }

    /// Everything that an operand holds is wanted.
    fn want(&mut self, function: FuncId, operand: Operand) {
        for held in self.of(function, operand) {
            self.want_path(held.path);
        }
    }

    /// Everything that a statement reads is wanted.
    fn want_all(&mut self, function: FuncId, stmt: &Stmt) {
        let mut read = Vec::new();
        operands(stmt, &mut |operand| read.push(operand));
        read.into_iter()
            .for_each(|operand| self.want(function, operand));
    }

    fn want_path(&mut self, path: Path) {
        let node = &mut self.paths[path as usize];
        self.changed |= !node.everything;
        node.everything = true;
    }

    /// True if more than one statement sets the result that is in a local.
    fn is_set_twice(&mut self, function: FuncId, local: Local) -> bool {
        fn count(block: &Block, local: Local) -> usize {
            block
                .iter()
                .map(|stmt| {
                    let here = matches!(&stmt.kind, StmtKind::SetResult { local: set, .. } if *set == local);
                    let inside: usize = stmt.kind.blocks().map(|block| count(block, local)).sum();
                    usize::from(here) + inside
                })
                .sum()
        }
        let body = self.program.functions.get(function.0 as usize);
        *self.set_twice.entry((function, local)).or_insert_with(|| {
            let blocks = body.map(|body| body.blocks.as_slice()).unwrap_or_default();
            blocks
                .iter()
                .map(|block| count(block, local))
                .sum::<usize>()
                > 1
        })
    }
}
