//! The state that the resolve and check stages pass along.

use hashbrown::{HashMap, HashSet};
use regovm_core::builtin::Table;
use regovm_core::{Code, Diagnostic, Diagnostics, SourceMap, Span};
use regovm_parser::ast::{Body, Import, Module, Name, Ref, Rule, Term, TermKind};

use crate::options::Options;
use crate::resolve::graph::Graph;
use crate::rule_tree::{ModuleTree, RuleTree};

/// A rule by its place: the module, the index in [`Module::rules`], and how far down its else chain.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct RuleId {
    /// Index in [`State::modules`].
    pub module: u32,
    /// Index in the module's rules.
    pub rule: u32,
    /// 0 for the rule itself, 1 for its first `else`, and so on.
    pub branch: u32,
}

impl RuleId {
    /// The rule itself, without its else chain.
    pub fn new(module: usize, rule: usize) -> RuleId {
        RuleId {
            module: module as u32,
            rule: rule as u32,
            branch: 0,
        }
    }

    /// A rule of the same chain.
    pub fn with_branch(self, branch: u32) -> RuleId {
        RuleId { branch, ..self }
    }
}

/// Makes names that no text contains: `__local0__`, `__local1__`, ..
#[derive(Clone, Default, Debug)]
pub struct LocalNames {
    prefix: &'static str,
    next: u32,
    /// The latest name, to write the next one there.
    text: String,
    taken: HashSet<Name>,
    /// What a generated variable stands for, so that type errors can show `[1, 2][i]` instead of
    /// `__local0__[i]`.
    pub subjects: HashMap<Name, Term>,
}

impl LocalNames {
    /// Names for the rules of modules.
    pub fn for_modules() -> LocalNames {
        LocalNames {
            prefix: "__local",
            ..LocalNames::default()
        }
    }

    /// Names for a query.
    pub fn for_query() -> LocalNames {
        LocalNames {
            prefix: "__localq",
            ..LocalNames::default()
        }
    }

    /// Names that the author has used up.
    pub fn exclude(&mut self, names: impl IntoIterator<Item = Name>) {
        self.taken
            .extend(names.into_iter().filter(|name| name.starts_with("__local")));
    }

    /// The next name.
    pub fn fresh_name(&mut self) -> Name {
        loop {
            self.text.clear();
            self.text.push_str(self.prefix);
            push_number(&mut self.text, self.next);
            self.text.push_str("__");
            self.next += 1;
            if !self.taken.contains(self.text.as_str()) {
                return self.text.as_str().into();
            }
        }
    }

    /// The next name as a variable.
    pub fn fresh(&mut self, span: Span) -> Term {
        Term::new(TermKind::Var(self.fresh_name()), span)
    }
}

/// A number in decimal; there are tens of thousands of names, and formatting is made for more than this.
fn push_number(text: &mut String, number: u32) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// What a module has somewhere as it was written. A name may be there by chance, as that of a variable.
#[derive(Clone, Copy, Default, Debug)]
pub struct Mentions {
    /// `print(x)`
    pub print: bool,
    /// `rego.metadata.rule()`, `rego.metadata.chain()`
    pub metadata: bool,
    /// Template strings.
    pub template: bool,
    /// Comprehensions.
    pub comprehension: bool,
    /// `with`
    pub with: bool,
}

/// Tells which paths of base data exist.
pub type DataExists<'c> = Option<&'c (dyn Fn(&[&str]) -> bool + Sync)>;

/// Is told the name of a stage when it ends, and whether it was one over a query.
pub type StageDone<'c> = Option<&'c dyn Fn(&'static str, bool)>;

/// Everything about one compilation between its stages.
pub struct State<'c> {
    /// The texts.
    pub sources: &'c SourceMap,
    /// What the caller decided.
    pub options: &'c Options,
    /// Declarations of the built-ins.
    pub builtins: &'c Table,
    /// The modules, sorted by source name; stages rewrite them in place.
    pub modules: Vec<Module>,
    /// The imports of each module, after the stage that removes them from the modules.
    pub imports: Vec<Vec<Import>>,
    /// Imports that nothing refers to: module and index in its imports. Filled in strict mode only.
    pub unused_imports: Vec<(usize, usize)>,
    /// Modules by package.
    pub module_tree: ModuleTree,
    /// Rules by path.
    pub rule_tree: RuleTree,
    /// Which rules each rule refers to, and the reverse.
    pub graph: Graph,
    /// Generated variable -> the name that the author wrote.
    pub rewritten_vars: HashMap<Name, Name>,
    /// The modules that call `print` somewhere, or `rego.metadata`: stages that look for those pass over the others.
    pub mentions: Vec<Mentions>,
    /// The names of generated variables.
    pub locals: LocalNames,
    /// What the checks have found out.
    pub facts: crate::check::Facts,
    /// Errors so far.
    pub diagnostics: Diagnostics,
    /// An error was found after which the remaining stages would only find bogus ones.
    pub stopped: bool,
    /// Which paths of base data exist, for conflicts of rules with data.
    pub data_exists: DataExists<'c>,
}

impl<'c> State<'c> {
    /// A state before the first stage. The modules must be sorted by source name.
    pub fn new(
        sources: &'c SourceMap,
        options: &'c Options,
        builtins: &'c Table,
        modules: Vec<Module>,
    ) -> State<'c> {
        State {
            sources,
            options,
            builtins,
            modules,
            imports: Vec::new(),
            unused_imports: Vec::new(),
            module_tree: ModuleTree::default(),
            rule_tree: RuleTree::default(),
            graph: Graph::default(),
            rewritten_vars: HashMap::new(),
            mentions: Vec::new(),
            locals: LocalNames::for_modules(),
            facts: crate::check::Facts::default(),
            diagnostics: Diagnostics::new(),
            stopped: false,
            data_exists: None,
        }
    }

    /// The rule of an id.
    pub fn rule(&self, id: RuleId) -> &Rule {
        rule_in(&self.modules, id)
    }

    /// The rule of an id, to change it.
    pub fn rule_mut(&mut self, id: RuleId) -> &mut Rule {
        let mut rule = &mut self.modules[id.module as usize].rules[id.rule as usize];
        for _ in 0..id.branch {
            rule = rule.else_rule.as_mut().expect("ids are those of rules");
        }
        rule
    }

    /// The module of a rule.
    pub fn module_of(&self, id: RuleId) -> &Module {
        &self.modules[id.module as usize]
    }

    /// The whole ref of a rule, `data` first.
    pub fn rule_ref(&self, id: RuleId) -> Ref {
        full_ref(
            &self.module_of(id).package.path,
            &self.rule(id).head.reference,
        )
    }

    /// Every rule of every module with its else chain, in source order.
    pub fn rule_ids(&self) -> Vec<RuleId> {
        let mut ids = Vec::new();
        for (m, module) in self.modules.iter().enumerate() {
            for (r, rule) in module.rules.iter().enumerate() {
                let mut next = Some(rule);
                let mut id = RuleId::new(m, r);
                while let Some(rule) = next {
                    ids.push(id);
                    id.branch += 1;
                    next = rule.else_rule.as_deref();
                }
            }
        }
        ids
    }

    /// A variable that no text contains, `__localN__`.
    pub fn fresh_local(&mut self, span: Span) -> Term {
        self.locals.fresh(span)
    }

    /// The name that the author wrote for a variable, for messages.
    pub fn written_name<'n>(&'n self, name: &'n Name) -> &'n Name {
        self.rewritten_vars.get(name).unwrap_or(name)
    }

    /// Notes an error that ends compilation after the current stage. False when the error limit is
    /// reached: then the stage may stop looking.
    pub fn error(&mut self, diagnostic: Diagnostic) -> bool {
        self.stopped = true;
        self.record(diagnostic)
    }

    /// Notes an error that lets the remaining stages run, so that one compilation finds more.
    pub fn recoverable(&mut self, diagnostic: Diagnostic) -> bool {
        self.record(diagnostic)
    }

    fn record(&mut self, diagnostic: Diagnostic) -> bool {
        let limit = self.options.error_limit;
        if limit == 0 {
            self.diagnostics.push(diagnostic);
            return true;
        }
        // Once the limit is reached its marker is the last in the list.
        if self.diagnostics.len() >= limit {
            return false;
        }
        self.diagnostics.push(diagnostic);
        if self.diagnostics.len() == limit {
            self.stopped = true;
            self.diagnostics.push(limit_reached());
            return false;
        }
        true
    }
}

/// The error that stands for those beyond the limit.
pub fn limit_reached() -> Diagnostic {
    Diagnostic::new(Code::Compile, Span::NONE, "error limit reached")
}

/// The rule of an id.
pub fn rule_in(modules: &[Module], id: RuleId) -> &Rule {
    let mut rule = &modules[id.module as usize].rules[id.rule as usize];
    for _ in 0..id.branch {
        match &rule.else_rule {
            Some(next) => rule = next,
            None => break,
        }
    }
    rule
}

/// The ref of a rule below its package: `data.a` and `p[x]` give `data.a.p[x]`.
pub fn full_ref(package: &[Term], head: &[Term]) -> Ref {
    let mut path = package.to_vec();
    for (i, term) in head.iter().enumerate() {
        match &term.kind {
            TermKind::Var(name) if i == 0 => path.push(Term::string(name.clone(), term.span)),
            _ => path.push(term.clone()),
        }
    }
    path
}

/// A query beside the modules, as `eval` gets it.
#[derive(Clone, Default, Debug)]
pub struct Query {
    /// Its expressions; after the query stages: rewritten, ordered, every expression's value captured.
    pub body: Body,
    /// Context of `--package`.
    pub package: Option<Ref>,
    /// Context of `--import`.
    pub imports: Vec<Import>,
    /// Keep no values of expressions: only bindings are asked for. (OPA's library and its command
    /// line keep them, its evaluator alone does not.)
    pub bindings_only: bool,
    /// What the answer shows of it; filled by the query stages.
    pub answer: Answer,
    /// Generated variable -> the name that the author wrote, beside those of [`State`].
    pub rewritten_vars: HashMap<Name, Name>,
    /// The names of generated variables.
    pub locals: LocalNames,
}

impl Query {
    /// A query without context.
    pub fn new(body: Body) -> Query {
        Query {
            body,
            locals: LocalNames::for_query(),
            ..Query::default()
        }
    }

    /// The name that the author wrote for a variable, for messages.
    pub fn written_name<'n>(&'n self, name: &'n Name) -> &'n Name {
        self.rewritten_vars.get(name).unwrap_or(name)
    }
}

/// What one solution of a query shows.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Answer {
    /// Variables as written, with the variable of the rewritten body that holds the value; by name.
    pub bindings: Vec<(Name, Name)>,
    /// The expressions as written, in the order of evaluation, as OPA lists them.
    pub expressions: Vec<AnswerExpr>,
}

/// One entry of `expressions` in an answer.
#[derive(Clone, PartialEq, Debug)]
pub struct AnswerExpr {
    /// The text and the place.
    pub span: Span,
    /// The variable that holds its value; without one the value is `true`.
    pub capture: Option<Name>,
}

/// What the front half of the compiler hands to lowering: checked modules and queries.
///
/// Invariants: no imports left; every ref starts with `data`, `input`, a local variable or is a built-in name;
/// no `:=`, `some`, template strings or nested calls left; bodies are ordered so that each expression's
/// inputs are bound before it; `print` is gone or `internal.print`.
pub struct Checked<'c> {
    /// The rewritten modules, rule tree and graph.
    pub state: State<'c>,
    /// The rewritten queries in the order given.
    pub queries: Vec<Query>,
}
