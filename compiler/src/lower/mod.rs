//! Checked modules to IR.
//!
//! The front stages leave bodies in an order in which every variable is bound before it is needed. So it is
//! known here, without running anything, which occurrence of a variable binds it and which compares. Unification
//! becomes look-ups and guards, and what remains of search is iteration.
//!
//! Functions are made on demand, from the queries: asking for the function of a rule puts the rule on a list
//! (`Task`), and lowering ends when the list is empty. Without queries every rule is lowered.
//!
//! | file | idea |
//! |---|---|
//! | `rule_tree` | rules by path, flattened; functions and packages told apart |
//! | `constants` | ground terms as constants, each once |
//! | `variables` | which operand holds a variable, with closures as marks |
//! | `rules` | complete rules, functions, partial rules, else, defaults |
//! | `body` | expressions |
//! | `call` | built-ins, user functions, comparisons, `walk` |
//! | `unify` | `=` on terms with and without unbound variables |
//! | `term` | terms as operands, comprehensions |
//! | `refs` | references into values, input and data |
//! | `dynamic` | references that enumerate the rule tree |
//! | `extent` | whole packages: virtual documents merged with base documents |
//! | `with` | overlays and mocks |
//! | `query` | rows of a query |
//! | `observe` | all of this for those who look on |
//! | `rule_filter` | which rules OPA's index evaluates |
//! | `preconditions` | what must hold before a rule runs |

mod body;
mod call;
mod constants;
mod dynamic;
mod extent;
mod observe;
mod preconditions;
mod query;
mod refs;
mod rule_filter;
mod rule_tree;
mod rules;
mod term;
mod unify;
mod variables;
mod with;

use std::collections::{HashMap, HashSet, VecDeque};

use regovm_core::builtin::BuiltinId;
use regovm_core::{Code, Diagnostic, Diagnostics, Span};

use crate::ir::builder::{FunctionBuilder, MAX_NESTING};
use crate::ir::{
    Block, Document, FuncId, Function, FunctionKind, Operand, Program, Site, StmtKind,
};
use crate::state::Checked;

pub use observe::Observe;

use constants::Constants;
use dynamic::Shape;
use observe::Comprehensions;
use rule_tree::{NodeId, Tree};
use variables::Variables;

/// How deep terms and closures may nest; deeper ones are an error, not a stack overflow.
const MAX_TERM_DEPTH: u32 = 500;

/// A diagnostic is large and rare.
type Lowered<T> = Result<T, Box<Diagnostic>>;

/// Lowers everything that the queries reach, or all rules if there are no queries.
pub fn lower(checked: &Checked<'_>) -> Result<Program, Diagnostics> {
    lower_for(checked, None)
}

/// As [`lower`], for those who look on if that is asked for. Such a program must not be optimised.
pub fn lower_for(checked: &Checked<'_>, observe: Option<Observe>) -> Result<Program, Diagnostics> {
    let mut lowering = Lowering::new(checked);
    lowering.observe = observe;
    if observe.is_some() {
        lowering.comprehensions = Comprehensions::of(checked);
    }
    let result = lowering.run().and_then(|()| {
        let program = lowering.finish();
        #[cfg(debug_assertions)]
        if let Err(violation) = crate::ir::verify::verify(&program) {
            return Err(internal(Span::NONE, violation));
        }
        Ok(program)
    });
    result.map_err(|diagnostic| {
        let mut diagnostics = Diagnostics::new();
        diagnostics.push(*diagnostic);
        diagnostics
    })
}

/// A function that is needed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Task {
    /// The rules at a node of the tree.
    Rules(NodeId),
    /// All virtual documents of a package, as one object.
    Virtual(NodeId),
    /// A package: virtual and base documents merged.
    Extent(NodeId),
    /// All matches of a reference with unknown keys in the rule tree.
    Dynamic(Shape),
    /// What partial rules give for so many keys.
    Keyed(NodeId, u32),
    /// The index of a comprehension by its number.
    Comprehension(usize),
    /// A query by its number.
    Query(usize),
}

/// The state of one lowering.
struct Lowering<'c> {
    checked: &'c Checked<'c>,
    tree: Tree,
    constants: Constants,
    functions: Vec<Option<Function>>,
    requested: HashMap<Task, FuncId>,
    pending: VecDeque<(FuncId, Task)>,
    queries: Vec<FuncId>,
    /// Built-ins that some `with` replaces: their calls stay calls.
    mocked: HashSet<BuiltinId>,
    /// The function being made.
    b: FunctionBuilder,
    vars: Variables,
    depth: u32,
    /// Whether somebody looks on.
    observe: Option<Observe>,
    sites: Vec<Site>,
    /// See [`Program::documents`].
    documents: Vec<Vec<Document>>,
    /// The comprehensions that are computed once; none unless somebody looks on.
    comprehensions: Comprehensions,
}

impl<'c> Lowering<'c> {
    fn new(checked: &'c Checked<'c>) -> Lowering<'c> {
        Lowering {
            checked,
            tree: Tree::new(&checked.state),
            constants: Constants::default(),
            functions: Vec::new(),
            requested: HashMap::new(),
            pending: VecDeque::new(),
            queries: Vec::new(),
            mocked: with::mocked_builtins(checked),
            b: FunctionBuilder::new(0, Span::NONE),
            vars: Variables::default(),
            depth: 0,
            observe: None,
            sites: Vec::new(),
            documents: Vec::new(),
            comprehensions: Comprehensions::default(),
        }
    }

    fn run(&mut self) -> Lowered<()> {
        for query in 0..self.checked.queries.len() {
            let id = self.request(Task::Query(query));
            self.queries.push(id);
        }
        if self.checked.queries.is_empty() {
            for node in self.tree.rule_nodes() {
                self.request(Task::Rules(node));
            }
        }
        while let Some((id, task)) = self.pending.pop_front() {
            self.vars = Variables::default();
            self.depth = 0;
            let function = match task {
                Task::Rules(node) => self.rules(node),
                Task::Keyed(node, keys) => self.observed_partial(node, keys),
                Task::Virtual(node) => self.virtual_documents(node),
                Task::Extent(node) => self.extent(node),
                Task::Dynamic(shape) => self.dynamic_function(&shape),
                Task::Comprehension(number) => self.comprehension_index(number),
                Task::Query(query) => self.query(query),
            }?;
            if let Some(span) = self.b.too_deep {
                return Err(too_deep(span));
            }
            self.functions[id.0 as usize] = Some(function);
        }
        Ok(())
    }

    fn finish(&mut self) -> Program {
        Program {
            functions: std::mem::take(&mut self.functions)
                .into_iter()
                .flatten()
                .collect(),
            constants: std::mem::take(&mut self.constants).into_vec(),
            queries: std::mem::take(&mut self.queries),
            sites: std::mem::take(&mut self.sites),
            documents: std::mem::take(&mut self.documents),
            written: match self.observe {
                Some(_) => observe::written_names(self.checked),
                None => Vec::new(),
            },
        }
    }

    /// The function for a task; it is made later.
    fn request(&mut self, task: Task) -> FuncId {
        if let Some(id) = self.requested.get(&task) {
            return *id;
        }
        let id = FuncId(self.functions.len() as u32);
        self.functions.push(None);
        self.requested.insert(task.clone(), id);
        self.pending.push_back((id, task));
        id
    }

    /// Starts a function.
    fn start(&mut self, params: u32, span: Span) {
        self.b = FunctionBuilder::new(params, span);
    }

    /// Wraps up the function that was started.
    fn function(
        &mut self,
        kind: FunctionKind,
        name: String,
        blocks: Vec<Block>,
        span: Span,
    ) -> Function {
        Function {
            name,
            path: None,
            kind,
            params: 0,
            locals: self.b.locals(),
            scopes: self.b.scopes(),
            blocks,
            row: Vec::new(),
            span,
        }
    }

    /// The value of a function.
    fn call_function(&mut self, function: FuncId, args: Vec<Operand>) -> Operand {
        self.b.assign(|dst| StmtKind::CallFunction {
            dst,
            function,
            args,
        })
    }

    /// Runs `f` one level deeper.
    fn nested<T>(&mut self, span: Span, f: impl FnOnce(&mut Self) -> Lowered<T>) -> Lowered<T> {
        if self.depth >= MAX_TERM_DEPTH {
            return Err(too_deep(span));
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }
}

fn too_deep(span: Span) -> Box<Diagnostic> {
    let message = format!("expressions are nested too deep (the limit is {MAX_NESTING})");
    Box::new(Diagnostic::new(Code::Compile, span, message))
}

/// Something that the front stages should have rejected or rewritten.
fn internal(span: Span, what: impl std::fmt::Display) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(
        Code::Compile,
        span,
        format!("internal error in lowering: {what}"),
    ))
}
