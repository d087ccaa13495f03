//! The state that the resolve and check stages pass along.

use std::collections::{BTreeMap, HashMap};

use regovm_core::{Diagnostics, SourceMap, Span};
use regovm_parser::ast::{Body, Module, Name, Rule, Term};

use crate::options::Options;

/// A rule by its place: the module, and the index in [`Module::rules`]. Else rules hang below.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct RuleId {
    /// Index in [`State::modules`].
    pub module: u32,
    /// Index in the module's rules.
    pub rule: u32,
}

/// A key of the rule tree: one ground term of a rule ref. Ordered as Rego orders values.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum TreeKey {
    /// `false`, `true`
    Boolean(bool),
    /// A number by its text.
    Number(Name),
    /// A string: by far the most common.
    String(Name),
    /// Any other ground term, as OPA prints it.
    Other(Name),
}

/// Rules by the ground prefix of their refs (`data.a.p[x].q` stands at `data.a.p`).
#[derive(Clone, Default, Debug)]
pub struct RuleTree {
    /// Rules that stand here, in module order.
    pub rules: Vec<RuleId>,
    /// The next term of the path.
    pub children: BTreeMap<TreeKey, RuleTree>,
}

/// Everything about one compilation between its stages.
pub struct State<'c> {
    /// The texts.
    pub sources: &'c SourceMap,
    /// What the caller decided.
    pub options: &'c Options,
    /// Declarations of the built-ins.
    pub builtins: &'c regovm_core::builtin::Table,
    /// The modules, sorted by source name; stages rewrite them in place.
    pub modules: Vec<Module>,
    /// Packages: the keys of every package path, `data` first.
    pub module_tree: RuleTree,
    /// Rules by path.
    pub rule_tree: RuleTree,
    /// Which rules each rule refers to, and the reverse.
    pub graph: Graph,
    /// Generated variable -> the name that the author wrote.
    pub rewritten_vars: HashMap<Name, Name>,
    /// Number of the next `__localN__`.
    pub next_local: u32,
    /// Errors so far.
    pub diagnostics: Diagnostics,
    /// Top-level paths of base data, for conflicts of rules with data: a predicate over string paths.
    pub data_exists: Option<&'c dyn Fn(&[&str]) -> bool>,
}

/// Dependencies between rules.
#[derive(Clone, Default, Debug)]
pub struct Graph {
    /// Rule -> rules that it refers to.
    pub uses: HashMap<RuleId, Vec<RuleId>>,
    /// Rule -> rules that refer to it.
    pub used_by: HashMap<RuleId, Vec<RuleId>>,
    /// Rules such that each comes after all that it uses (empty if there is a cycle).
    pub sorted: Vec<RuleId>,
}

impl<'c> State<'c> {
    /// The rule of an id.
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.modules[id.module as usize].rules[id.rule as usize]
    }

    /// The module of a rule.
    pub fn module_of(&self, id: RuleId) -> &Module {
        &self.modules[id.module as usize]
    }

    /// A variable that no text contains, `__localN__`.
    pub fn fresh_local(&mut self, span: Span) -> Term {
        let name = format!("__local{}__", self.next_local);
        self.next_local += 1;
        Term::var(name.as_str(), span)
    }

    /// The name that the author wrote for a variable, for messages.
    pub fn written_name<'n>(&'n self, name: &'n Name) -> &'n Name {
        self.rewritten_vars.get(name).unwrap_or(name)
    }
}

/// A query beside the modules, as `eval` gets it.
#[derive(Clone, Debug)]
pub struct Query {
    /// Its expressions; after the query stages: rewritten, ordered, every expression's value captured.
    pub body: Body,
    /// Context of `--package`.
    pub package: Option<regovm_parser::ast::Ref>,
    /// Context of `--import`.
    pub imports: Vec<regovm_parser::ast::Import>,
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
