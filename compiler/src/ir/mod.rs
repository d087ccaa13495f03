//! The middle language: loops, look-ups, guards and collectors over numbered locals.
//!
//! A program is a set of functions. A function's body is a list of blocks; a block is a list of
//! statements. A statement **fails** when something is undefined or a guard does not hold: then the rest of
//! its block is skipped. Nothing else can fail; conflicts and errors end the query.
//!
//! Iteration nests: [`StmtKind::Scan`] runs its body once for each member, and what depends on the member stands
//! inside that body. A failure inside the body goes on with the next member. When the members are exhausted,
//! control goes on *after* the scan. So a scan never fails by itself; success is what its body *does*
//! (`Yield`, `Append`, `SetResult`, `EmitRow`).

pub mod builder;
pub mod display;
pub mod verify;
pub mod visit;

use regovm_core::builtin::BuiltinId;
use regovm_core::{Constant, Span};
use regovm_parser::ast::Name;
pub use regovm_vm::observe::{Moment, Site, SiteKind, SiteResult};
pub use regovm_vm::program::FunctionKind;

/// A numbered register of a function, assigned before it is read on every path.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Local(pub u32);

/// A constant of the program, in [`Program::constants`] (deduplicated).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ConstId(pub u32);

/// A function of the program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FuncId(pub u32);

/// A collector or existence scope that is open in the enclosing statements of the same function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ScopeId(pub u32);

/// What a statement reads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operand {
    /// A local.
    Local(Local),
    /// A constant.
    Const(ConstId),
}

/// Statements that run one after another; see the module documentation for failure.
pub type Block = Vec<Stmt>;

/// A statement with the place it came from.
#[derive(Clone, PartialEq, Debug)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// The expression that it belongs to.
    pub span: Span,
    /// The overlay (from [`StmtKind::MakeOverlay`]) under which a load or call runs; `None` is the function's own.
    pub overlay: Option<Local>,
}

/// How two values are compared; never fails on types, Rego's order is total.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Compare {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

/// What a collector makes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CollectKind {
    /// An array in order of production.
    Array,
    /// A set.
    Set,
    /// An object; two values for one key are a conflict (`object keys must be unique`).
    Object,
}

/// Which root document a load starts from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Root {
    /// `input` (undefined when there is none).
    Input,
    /// Base data, without rules.
    Data,
}

/// One replacement of a `with`.
#[derive(Clone, PartialEq, Debug)]
pub enum Replacement {
    /// `with input.a.b as v` and `with data.a.b as v`; the path has constants only.
    Document {
        /// Which document.
        root: Root,
        /// Keys below the root.
        path: Vec<Constant>,
        /// The new value.
        value: Operand,
    },
    /// `with f as v` of a built-in or a user function: calls give this value whatever the arguments.
    FunctionValue {
        /// What is replaced.
        target: Callee,
        /// The value of every call.
        value: Operand,
    },
    /// `with f as g`.
    Function {
        /// What is replaced.
        target: Callee,
        /// What is called instead.
        replacement: Callee,
    },
}

/// Something that can be called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Callee {
    /// A built-in.
    Builtin(BuiltinId),
    /// A function of the program.
    Function(FuncId),
}

/// An index of a program: scans of one collection whose members' keys are computed alike share it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct IndexId(pub u16);

/// How a scan finds the members that matter without looking at all of them. The machine decides whether it is worth it:
/// a scan that does not use its index visits all members.
#[derive(Clone, PartialEq, Debug)]
pub struct ScanIndex {
    /// Which index.
    pub id: IndexId,
    /// A member's key, while the index is built.
    pub key: Option<Local>,
    /// A member, while the index is built.
    pub value: Option<Local>,
    /// Runs once for each member when the index is built and ends with [`StmtKind::IndexKeys`], or with a scan that does: then
    /// the member has the keys of each round. What it assigns depends on the member alone. The index does not have members
    /// for which it fails.
    pub build: Block,
    /// Runs when a scan begins and ends with [`StmtKind::IndexProbe`]. If it fails, no member matters.
    pub probe: Block,
    /// The other way round: members for which `build` fails are found by every probe, and if `probe` fails, all matter.
    pub keyless: bool,
    /// A built-in may have an error in what the scan leaves out: where such errors count, nothing is left out.
    pub fallible: bool,
    /// Where the collection lies in base data, if it is loaded from there: then its index outlives the query.
    pub data: Option<Vec<ConstId>>,
    /// The comparisons that it serves, for people.
    pub serves: Vec<Span>,
}

/// What statements do. "Fails" is explained in the module documentation.
///
/// [`Stmt::overlay`] means something for `Load`, `CallBuiltin` and `CallFunction` only.
#[derive(Clone, PartialEq, Debug)]
#[expect(missing_docs, reason = "the text of a variant explains its fields")]
pub enum StmtKind {
    /// `dst := src`
    Move { dst: Local, src: Operand },
    /// `dst := root.path`; fails if any step is undefined. A path is loaded step by step without copying.
    Load {
        dst: Local,
        root: Root,
        path: Vec<ConstId>,
    },
    /// `dst := base[key]`; fails if undefined. Arrays by integer, objects by key, sets by membership (gives the element).
    Get {
        dst: Local,
        base: Operand,
        key: Operand,
    },
    /// As `Get`, inside base data, whose paths are texts in OPA: a number also finds the member of an object that its text
    /// names, the text of an integer the element of an array. `Load` from [`Root::Data`] does the same.
    GetData {
        dst: Local,
        base: Operand,
        key: Operand,
    },
    /// Runs `body` for each member of an array (index, value), object (key, value) or set (element, element), in order.
    /// Any other base has no members. With an index it may leave out members for which the body would do nothing.
    Scan {
        base: Operand,
        key: Option<Local>,
        value: Option<Local>,
        index: Option<Box<ScanIndex>>,
        body: Block,
    },
    /// Ends [`ScanIndex::build`]: the member is found under these keys.
    IndexKeys { keys: Vec<Operand> },
    /// The last statement of [`ScanIndex::probe`]: members with these keys are looked for.
    IndexProbe { keys: Vec<Operand> },
    /// Runs `body` for each `[path, value]` of `walk(base)`, root first; `path` is built only if asked for.
    Walk {
        base: Operand,
        path: Option<Local>,
        value: Option<Local>,
        body: Block,
    },
    /// Fails unless the comparison holds.
    Guard {
        op: Compare,
        lhs: Operand,
        rhs: Operand,
    },
    /// `dst :=` the comparison as a boolean.
    CompareValue {
        dst: Local,
        op: Compare,
        lhs: Operand,
        rhs: Operand,
    },
    /// Fails if the value is `false` (any other value counts as true).
    Truthy { value: Operand },
    /// Fails unless the value is an array of exactly `len` elements.
    IsArray { value: Operand, len: u32 },
    /// Fails unless the value is an object of exactly `len` members.
    IsObject { value: Operand, len: u32 },
    /// Fails always: what is statically impossible.
    Fail,
    /// Fails if errors of built-ins end the query, or, with `wanted`, if they do not.
    Strict { wanted: bool },
    /// `dst := [items]`
    MakeArray { dst: Local, items: Vec<Operand> },
    /// `dst := {items}` as a set.
    MakeSet { dst: Local, items: Vec<Operand> },
    /// `dst := {members}`; equal keys with different values: the last wins (a literal, not a comprehension).
    MakeObject {
        dst: Local,
        members: Vec<(Operand, Operand)>,
    },
    /// Runs `body` to its end, collecting what its `Append`s say; then `dst` is the collection. Never fails.
    Collect {
        scope: ScopeId,
        kind: CollectKind,
        dst: Local,
        body: Block,
    },
    /// Adds to the open collector `scope`; for objects with a key.
    Append {
        scope: ScopeId,
        key: Option<Operand>,
        value: Operand,
    },
    /// Runs `body` until its first `Yield` of this scope; fails if there is none. Locals assigned in the body are not
    /// visible after it.
    Exists { scope: ScopeId, body: Block },
    /// Runs `body` until its first `Yield` of this scope; fails if there is one.
    Not { scope: ScopeId, body: Block },
    /// For each member of `domain`, `body` must `Yield`; fails if one does not. Fails if `domain` is no collection.
    /// True for empty ones.
    Every {
        scope: ScopeId,
        domain: Operand,
        key: Option<Local>,
        value: Option<Local>,
        body: Block,
    },
    /// Success of the scope: leaves its body at once.
    Yield { scope: ScopeId },
    /// Runs the blocks one after another; a failure in one goes on with the next. Never fails.
    Blocks { blocks: Vec<Block> },
    /// Runs the block of this number, or none if there is none. Never fails.
    Switch { on: Operand, blocks: Vec<Block> },
    /// Marks `result` as undefined, then runs branches in order until one has assigned it (by `Move` or `SetResult`); each
    /// branch runs to its end. Never fails; `result` may stay undefined.
    FirstDefined { result: Local, branches: Vec<Block> },
    /// `dst := f(args)` of a built-in; fails if it is undefined (or has an error in non-strict mode). Checks mocks of the
    /// overlay. A built-in without a result (`print`) gives some value that nobody reads.
    CallBuiltin {
        dst: Local,
        builtin: BuiltinId,
        args: Vec<Operand>,
    },
    /// `dst := f(args)`; for rules `args` is empty. Fails if undefined. Checks replacements of the overlay: function mocks
    /// for user functions, replaced documents for functions that have a [`Function::path`].
    CallFunction {
        dst: Local,
        function: FuncId,
        args: Vec<Operand>,
    },
    /// A new overlay: `parent` (or the function's own) plus replacements, applied together in their order.
    MakeOverlay {
        dst: Local,
        parent: Option<Local>,
        replacements: Vec<Replacement>,
    },
    /// Marks the local as undefined.
    ResetLocal { local: Local },
    /// Fails if the local is undefined / defined.
    IsDefined { local: Local },
    /// See [`StmtKind::IsDefined`].
    IsUndefined { local: Local },
    /// Assigns `local := value`, or, if it has a value already, checks that it is the same. A different value notes a
    /// conflict (the value and this statement's span; one for each `SetResult` statement, the first value and its span
    /// come first) and fails. When a function with noted conflicts ends, in whatever way, that is a conflict error which lists
    /// the values; its place is the span of the first conflicting statement.
    SetResult {
        local: Local,
        value: Operand,
        conflict: Conflict,
    },
    /// Inserts `value` below `path` (one key at least) into the object that `local` holds (an open object builder made by
    /// [`StmtKind::OpenObject`]), making objects on the way. It is a conflict error (`object keys must be unique`) if a
    /// different value is there, or if the path goes through a value or a set that was inserted before (even an object:
    /// only objects made on the way take further members).
    InsertPath {
        local: Local,
        path: Vec<Operand>,
        value: Operand,
    },
    /// Adds `value` to the set below `path` (none for a plain partial set, made by [`StmtKind::OpenSet`]); anything else
    /// than a set there is a conflict as above.
    InsertSet {
        local: Local,
        path: Vec<Operand>,
        value: Operand,
    },
    /// Makes `local` an empty object builder (partial objects, ref heads).
    OpenObject { local: Local },
    /// Makes `local` an empty set builder (partial sets).
    OpenSet { local: Local },
    /// `dst :=` base document and virtual document in one: objects are merged member by member, recursively; wherever one
    /// of the two is no object, `base` wins.
    MergeDocuments {
        dst: Local,
        base: Operand,
        derived: Operand,
    },
    /// `dst :=` the finished value of builder `local`.
    Close { dst: Local, local: Local },
    /// Ends the function with this value.
    Return { value: Operand },
    /// Ends the function as undefined.
    ReturnUndefined,
    /// Tells the observer of a moment of a site ([`Program::sites`]); `variables` are what has values.
    Observe {
        moment: Moment,
        site: u32,
        variables: Vec<(Name, Operand)>,
    },
    /// `dst :=` the value of a rule if it was computed before or an overlay replaces it; fails otherwise, or if undefined.
    Recall { dst: Local, function: FuncId },
    /// `dst :=` the number of the cache of comprehensions that the query, rule or body under way has from those around it,
    /// or of a new one. (Only those who look on can tell.)
    ComprehensionCache { dst: Local },
    /// One solution of the query: the values of its variables and expressions, in the order of [`Function::row`].
    EmitRow { values: Vec<Operand> },
}

/// The text of a conflict; `{name}` is [`Function::name`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Conflict {
    /// `rule {name} produced conflicting values:` and the values with their places.
    CompleteRule,
    /// `function {name} produced conflicting values for the same inputs:` and the values with their places.
    Function,
}

/// A function.
#[derive(Clone, PartialEq, Debug)]
pub struct Function {
    /// For people and profiles: `data.a.p`.
    pub name: String,
    /// The document that this function computes, as a path below `data` (any constants). If an overlay
    /// replaces it or a document around it, a call gives what base data under the overlay has there. `None` for user
    /// functions, queries and helpers: no document replaces those.
    pub path: Option<Vec<Constant>>,
    /// What it stands for.
    pub kind: FunctionKind,
    /// Arguments: locals 0 to `params - 1`.
    pub params: u32,
    /// Number of locals.
    pub locals: u32,
    /// Number of scopes.
    pub scopes: u32,
    /// Blocks run in order; falling off the last one is undefined. A failure in one goes on with the next.
    pub blocks: Vec<Block>,
    /// For queries: the names of what `EmitRow` gives.
    pub row: Vec<String>,
    /// Where it starts.
    pub span: Span,
}

/// A rule whose value a site mentions.
#[derive(Clone, PartialEq, Debug)]
pub struct Document {
    /// The reference as written.
    pub name: String,
    /// Where it begins.
    pub span: Span,
    /// What computes it.
    pub function: FuncId,
    /// With which arguments.
    pub keys: Vec<Constant>,
}

/// The whole program before emission.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Program {
    /// All functions.
    pub functions: Vec<Function>,
    /// All constants.
    pub constants: Vec<Constant>,
    /// Query functions in the order of the queries.
    pub queries: Vec<FuncId>,
    /// What can be observed, if it was asked for.
    pub sites: Vec<Site>,
    /// The rules whose values each site mentions: the reference, where it begins, and what computes it with which keys.
    pub documents: Vec<Vec<Document>>,
    /// For programs that are observed: the names that the author wrote for generated ones.
    pub written: Vec<(String, String)>,
}
