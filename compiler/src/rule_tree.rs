//! Rules by the ground prefix of their refs, and the look-ups that the stages need.

use std::collections::{BTreeMap, BTreeSet};

use regovm_parser::ast::{Module, Name, Rule, Term, TermKind};

use crate::order::{is_constant, is_ground, terms_equal};
use crate::state::{RuleId, State, rule_in};
use crate::text::term_text;

/// A key of the rule tree: one ground term of a rule ref. Ordered as Rego orders values.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum TreeKey {
    /// `null`
    Null,
    /// `false`, `true`
    Boolean(bool),
    /// A number by its text.
    Number(Name),
    /// A string: by far the most common. Also the `data` at the root.
    String(Name),
    /// Any other ground term, as OPA prints it.
    Other(Name),
}

impl TreeKey {
    /// The key of a term; none for terms that are only known when they are evaluated.
    pub fn of(term: &Term) -> Option<TreeKey> {
        Some(match &term.kind {
            TermKind::Null => TreeKey::Null,
            TermKind::Boolean(value) => TreeKey::Boolean(*value),
            TermKind::Number(text) => TreeKey::Number(text.clone()),
            TermKind::String(text) => TreeKey::String(text.clone()),
            TermKind::Var(_) | TermKind::Ref(_) | TermKind::Call(_) => return None,
            _ if is_constant(term) => TreeKey::Other(term_text(term).into()),
            _ => return None,
        })
    }

    /// The text if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            TreeKey::String(text) => Some(text),
            _ => None,
        }
    }
}

/// What is known about the rules at a node before they are looked at.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct NodeFacts {
    /// Number of arguments of the first rule.
    pub arity: usize,
    /// One of the rules is a function.
    pub has_function: bool,
    /// No arguments, and a value whatever happens: a default, a partial set, or a single constant.
    /// As of the stage that sets the rule tree.
    pub always_defined: bool,
}

/// Rules by the ground prefix of their refs (`data.a.p[x].q` stands at `data.a.p`).
#[derive(Clone, Default, Debug)]
pub struct RuleTree {
    /// Rules that stand here, in module order; never `else` rules.
    pub rules: Vec<RuleId>,
    /// The next term of the path.
    pub children: BTreeMap<TreeKey, RuleTree>,
    /// `data.system`: passed over by look-ups that do not ask for it.
    pub hidden: bool,
    /// About `rules`.
    pub facts: NodeFacts,
}

impl RuleTree {
    /// The tree of all rules. Packages without rules have nodes too.
    pub fn new(modules: &[Module]) -> RuleTree {
        let mut root = RuleTree::default();
        // Modules of one package are visited together, packages in the order of their paths.
        let mut order: Vec<usize> = (0..modules.len()).collect();
        order.sort_by(|a, b| {
            crate::order::compare_refs(&modules[*a].package.path, &modules[*b].package.path)
        });
        for m in order {
            let module = &modules[m];
            let package = root.node_mut(package_keys(&module.package.path));
            for (r, rule) in module.rules.iter().enumerate() {
                let node = package.node_mut(head_keys(&rule.head.reference));
                node.rules.push(RuleId::new(m, r));
            }
        }
        let system = root
            .children
            .get_mut(&TreeKey::String("data".into()))
            .and_then(|data| data.children.get_mut(&TreeKey::String("system".into())));
        if let Some(system) = system {
            system.hidden = true;
        }
        root.set_facts(modules);
        root
    }

    fn node_mut(&mut self, keys: impl Iterator<Item = TreeKey>) -> &mut RuleTree {
        keys.fold(self, |node, key| node.children.entry(key).or_default())
    }

    fn set_facts(&mut self, modules: &[Module]) {
        let mut todo = vec![self];
        while let Some(node) = todo.pop() {
            let mut rules = node.rules.iter().map(|id| rule_in(modules, *id));
            if let Some(first) = rules.next() {
                let no_args = first.head.args.is_empty();
                let mut facts = NodeFacts {
                    arity: first.head.args.len(),
                    has_function: !no_args,
                    always_defined: no_args
                        && (first.default
                            || is_multi_value(first)
                            || (node.rules.len() == 1 && is_constant_rule(first))),
                };
                for rule in rules {
                    facts.has_function |= !rule.head.args.is_empty();
                    facts.always_defined |= rule.default && no_args;
                }
                node.facts = facts;
            }
            todo.extend(node.children.values_mut());
        }
    }

    /// The node below a term.
    pub fn child(&self, term: &Term) -> Option<&RuleTree> {
        self.children.get(&TreeKey::of(term)?)
    }

    /// The node below a string.
    pub fn child_str(&self, text: &str) -> Option<&RuleTree> {
        self.children.get(&TreeKey::String(text.into()))
    }

    /// The node of a term of a path, where the first one is the variable `data`.
    pub fn step(&self, index: usize, term: &Term) -> Option<&RuleTree> {
        if index == 0 {
            self.children.get(&root_key(term)?)
        } else {
            self.child(term)
        }
    }

    /// The node at a path that starts with `data`.
    pub fn find(&self, path: &[Term]) -> Option<&RuleTree> {
        path.iter()
            .enumerate()
            .try_fold(self, |node, (i, term)| node.step(i, term))
    }

    /// Number of arguments of the rules of exactly this path.
    pub fn arity(&self, path: &[Term]) -> Option<usize> {
        let node = self.find(path).filter(|node| !node.rules.is_empty());
        node.map(|node| node.facts.arity)
    }

    /// The rules of exactly this path: `data.a.p`, but not `data.a.p.x` or `data.a`.
    pub fn exact(&self, path: &[Term]) -> &[RuleId] {
        self.find(path).map_or(&[], |node| &node.rules)
    }

    /// The rules that make the virtual document of a path: of `data.a.p.x` those at `data.a.p`.
    pub fn for_virtual_document(&self, path: &[Term]) -> &[RuleId] {
        let mut node = self;
        for (i, term) in path.iter().enumerate() {
            match node.step(i, term) {
                Some(next) if next.rules.is_empty() => node = next,
                Some(next) => return &next.rules,
                None => return &[],
            }
        }
        &node.rules
    }

    /// The rules at a path and below it, without hidden packages.
    pub fn with_prefix(&self, path: &[Term]) -> Vec<RuleId> {
        let mut found = Vec::new();
        if let Some(node) = self.find(path) {
            node.collect(false, &mut |id| found.push(id));
        }
        found
    }

    /// The rules that a ref without variables refers to: above its end, at it, below it.
    pub fn referred(&self, path: &[Term]) -> Vec<RuleId> {
        let mut found: BTreeSet<RuleId> = self.for_virtual_document(path).iter().copied().collect();
        found.extend(self.with_prefix(path));
        found.into_iter().collect()
    }

    /// The rules that a ref with variables could refer to; more than it will, never fewer.
    pub fn referred_dynamic(
        &self,
        modules: &[Module],
        path: &[Term],
        include_hidden: bool,
    ) -> Vec<RuleId> {
        let mut found = BTreeSet::new();
        let mut search = Search {
            modules,
            path,
            include_hidden,
            found: &mut found,
        };
        search.run(self);
        found.into_iter().collect()
    }

    /// True if the ground prefix of a path has rules at it, above it or below it.
    pub fn is_virtual(&self, path: &[Term]) -> bool {
        let mut node = self;
        for (i, term) in path.iter().enumerate() {
            if i > 0 && !is_ground(term) {
                return true;
            }
            match node.step(i, term) {
                None => return false,
                Some(next) if !next.rules.is_empty() => return true,
                Some(next) => node = next,
            }
        }
        true
    }

    /// Calls `f` on every rule at this node and below it, in the order of their paths.
    pub fn collect(&self, include_hidden: bool, f: &mut dyn FnMut(RuleId)) {
        let mut todo = vec![self];
        while let Some(node) = todo.pop() {
            node.rules.iter().copied().for_each(&mut *f);
            let children = node.children.values().rev();
            todo.extend(children.filter(|child| include_hidden || !child.hidden));
        }
    }

    /// Calls `f` on this node and every node below it, parents first. Where `f` gives `true`, the
    /// walk does not go below that node.
    pub fn depth_first<'t>(&'t self, f: &mut dyn FnMut(&'t RuleTree) -> bool) {
        let mut todo = vec![self];
        while let Some(node) = todo.pop() {
            if !f(node) {
                todo.extend(node.children.values().rev());
            }
        }
    }
}

/// A path can be longer than the stack is deep.
impl Drop for RuleTree {
    fn drop(&mut self) {
        let mut todo = vec![std::mem::take(&mut self.children)];
        while let Some(children) = todo.pop() {
            for mut child in children.into_values() {
                if !child.children.is_empty() {
                    todo.push(std::mem::take(&mut child.children));
                }
            }
        }
    }
}

/// Modules by the path of their package, `data` first.
#[derive(Clone, Default, Debug)]
pub struct ModuleTree {
    /// Modules of this package, as indexes in [`State::modules`].
    pub modules: Vec<usize>,
    /// Packages below.
    pub children: BTreeMap<Name, ModuleTree>,
}

impl ModuleTree {
    /// The tree of all packages.
    pub fn new(modules: &[Module]) -> ModuleTree {
        let mut root = ModuleTree::default();
        for (m, module) in modules.iter().enumerate() {
            let mut node = &mut root;
            for term in &module.package.path {
                if let TermKind::Var(name) | TermKind::String(name) = &term.kind {
                    node = node.children.entry(name.clone()).or_default();
                }
            }
            node.modules.push(m);
        }
        root
    }

    /// Calls `f` on this node and every node below it, parents first.
    pub fn depth_first<'t>(&'t self, f: &mut dyn FnMut(&'t ModuleTree)) {
        f(self);
        for child in self.children.values() {
            child.depth_first(f);
        }
    }
}

/// The dynamic look-up: constant terms are followed, others try every child.
struct Search<'s> {
    modules: &'s [Module],
    path: &'s [Term],
    include_hidden: bool,
    found: &'s mut BTreeSet<RuleId>,
}

impl Search<'_> {
    fn run(&mut self, root: &RuleTree) {
        let mut todo = vec![(root, 0)];
        while let Some((node, i)) = todo.pop() {
            let Some(term) = self.path.get(i) else {
                // OPA adds the rules of a hidden node itself, but nothing below it.
                node.depth_first(&mut |node| {
                    self.found.extend(node.rules.iter().copied());
                    !self.include_hidden && node.hidden
                });
                continue;
            };
            if i == 0 || is_constant(term) {
                if let Some(child) = node.step(i, term) {
                    self.add_intersecting(child, i + 1);
                    todo.push((child, i + 1));
                }
                continue;
            }
            for child in node.children.values() {
                if !child.hidden || self.include_hidden {
                    self.add_intersecting(child, i + 1);
                    todo.push((child, i + 1));
                }
            }
        }
    }

    /// Rules with variables in their refs all stand at the ground prefix; what follows decides
    /// whether the ref can mean them.
    fn add_intersecting(&mut self, node: &RuleTree, from: usize) {
        for id in &node.rules {
            let package = &self.modules[id.module as usize].package.path;
            let head = &rule_in(self.modules, *id).head.reference;
            let apart = (from..self.path.len().min(package.len() + head.len())).any(|i| {
                // Up to the rule's name the tree has compared already.
                let Some(theirs) = i.checked_sub(package.len()).and_then(|i| head.get(i)) else {
                    return false;
                };
                is_constant(theirs)
                    && is_constant(&self.path[i])
                    && !terms_equal(theirs, &self.path[i])
            });
            if !apart {
                self.found.insert(*id);
            }
        }
    }
}

fn root_key(term: &Term) -> Option<TreeKey> {
    match &term.kind {
        TermKind::Var(name) => Some(TreeKey::String(name.clone())),
        _ => None,
    }
}

/// The keys of a package's path.
fn package_keys(path: &[Term]) -> impl Iterator<Item = TreeKey> + '_ {
    path.iter().enumerate().map_while(|(i, term)| match i {
        0 => root_key(term),
        _ => TreeKey::of(term),
    })
}

/// The keys of a head's ref before its first variable, with the rule's name as a string.
fn head_keys(head: &[Term]) -> impl Iterator<Item = TreeKey> + '_ {
    head.iter()
        .enumerate()
        .map_while(|(i, term)| match &term.kind {
            TermKind::Var(name) if i == 0 => Some(TreeKey::String(name.clone())),
            _ => TreeKey::of(term),
        })
}

/// True for partial sets.
pub fn is_multi_value(rule: &Rule) -> bool {
    rule.head.value.is_none() && rule.head.key.is_some()
}

/// True for `pi := 3.14`: no body, and a value that needs no evaluation.
fn is_constant_rule(rule: &Rule) -> bool {
    crate::resolve::is_empty_body(&rule.body)
        && rule
            .head
            .value
            .as_ref()
            .is_some_and(|value| match &value.kind {
                TermKind::Var(_) => true,
                TermKind::Ref(_) | TermKind::Call(_) | TermKind::Template(_) => false,
                TermKind::ArrayComprehension(_)
                | TermKind::SetComprehension(_)
                | TermKind::ObjectComprehension(_) => false,
                _ => is_ground(value),
            })
}

/// The name of a built-in, if the path could be one: a variable followed by strings.
pub fn dotted_name(path: &[Term]) -> Option<String> {
    let (head, rest) = path.split_first()?;
    let mut name = head.as_var()?.to_string();
    for term in rest {
        name.push('.');
        name.push_str(term.as_str()?);
    }
    Some(name)
}

impl State<'_> {
    /// Number of arguments of a built-in or of the rules at a path; none if there is neither.
    pub fn arity(&self, path: &[Term]) -> Option<usize> {
        arity(self.builtins, &self.rule_tree, path)
    }

    /// The rules of exactly this path.
    pub fn rules_exact(&self, path: &[Term]) -> &[RuleId] {
        self.rule_tree.exact(path)
    }

    /// The rules that make the virtual document of a path.
    pub fn rules_for_virtual_document(&self, path: &[Term]) -> &[RuleId] {
        self.rule_tree.for_virtual_document(path)
    }

    /// The rules at a path and below it.
    pub fn rules_with_prefix(&self, path: &[Term]) -> Vec<RuleId> {
        self.rule_tree.with_prefix(path)
    }

    /// The rules that a ref could refer to whatever its variables hold.
    pub fn rules_dynamic(&self, path: &[Term], include_hidden: bool) -> Vec<RuleId> {
        self.rule_tree
            .referred_dynamic(&self.modules, path, include_hidden)
    }

    /// True if a ref has rules at it, above it or below it.
    pub fn is_virtual(&self, path: &[Term]) -> bool {
        self.rule_tree.is_virtual(path)
    }
}

/// See [`State::arity`]; for stages that hold the modules apart from the state.
pub fn arity(
    builtins: &regovm_core::builtin::Table,
    tree: &RuleTree,
    path: &[Term],
) -> Option<usize> {
    match crate::builtins::facts(builtins, path) {
        Some(facts) => Some(facts.arity),
        None => tree.arity(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regovm_core::SourceMap;
    use regovm_parser::{ParseOptions, parse_module, parse_query};

    fn modules(texts: &[&str]) -> Vec<Module> {
        let mut sources = SourceMap::new();
        let parse = |text: &&str| {
            let id = sources.add("test.rego", *text).expect("short text");
            parse_module(&sources, id, &ParseOptions::default()).expect("a module")
        };
        texts.iter().map(parse).collect()
    }

    fn path(text: &str) -> Vec<Term> {
        let mut sources = SourceMap::new();
        let id = sources.add("", text).expect("short text");
        let query = parse_query(&sources, id, &ParseOptions::default()).expect("a ref");
        match &query.body[0].kind {
            regovm_parser::ast::ExprKind::Term(term) => term.as_ref().cloned().unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    const POLICY: &[&str] = &[
        "package a.b\np[x] := 1 if x := 2\np.q.r := 3\ns contains 1\nf(x, y) := x + y",
        "package a.d\np := 1\nq[x].foo := 1 if x := 2\nq[x].bar := 1 if x := 2",
        "package system.main\np := 1",
        "package empty.one",
    ];

    fn names(modules: &[Module], ids: &[RuleId]) -> Vec<String> {
        ids.iter()
            .map(|id| format!("{}.{}", id.module, rule_in(modules, *id).head.name))
            .collect()
    }

    #[test]
    fn look_ups_by_path() {
        let modules = modules(POLICY);
        let tree = RuleTree::new(&modules);
        let exact = |text: &str| names(&modules, tree.exact(&path(text)));
        assert_eq!(exact("data.a.b.p"), ["0.p"]);
        assert_eq!(exact("data.a.b.p.q.r"), ["0.p"]);
        assert!(exact("data.a.b").is_empty() && exact("data.a.b.x").is_empty());
        let document = |text: &str| names(&modules, tree.for_virtual_document(&path(text)));
        assert_eq!(document("data.a.d.p.x.y"), ["1.p"]);
        assert!(document("data.a").is_empty());
        let below = |text: &str| names(&modules, &tree.with_prefix(&path(text)));
        assert_eq!(below("data.a.b"), ["0.f", "0.p", "0.p", "0.s"]);
        assert_eq!(below("data").len(), 7, "hidden packages are left out");
        assert!(tree.find(&path("data.empty.one")).is_some());
        assert_eq!(
            tree.find(&path("data.a.b.f")).map(|node| node.facts.arity),
            Some(2)
        );
    }

    #[test]
    fn look_ups_of_references_with_variables() {
        let modules = modules(POLICY);
        let tree = RuleTree::new(&modules);
        let found = |text: &str| {
            names(
                &modules,
                &tree.referred_dynamic(&modules, &path(text), false),
            )
        };
        assert_eq!(found("data.a[x].p"), ["0.p", "0.p", "1.p"]);
        assert_eq!(found("data.a.d.q[x].foo"), ["1.q"]);
        assert_eq!(found("data.a.d.q[x][y]"), ["1.q", "1.q"]);
        assert_eq!(found("data[x].main.p"), Vec::<String>::new());
        assert!(found("input.a").is_empty());
        let all = tree.referred_dynamic(&modules, &path("data[x].main.p"), true);
        assert_eq!(names(&modules, &all), ["2.p"]);
    }

    #[test]
    fn virtual_documents() {
        let modules = modules(POLICY);
        let tree = RuleTree::new(&modules);
        for (text, virtual_document) in [
            ("data.a", true),
            ("data.a.b.p", true),
            ("data.a.b.p.x.y", true),
            ("data.a.b.nope", false),
            ("data.a[x]", true),
            ("data.nope[x]", false),
            ("input.a", false),
        ] {
            assert_eq!(tree.is_virtual(&path(text)), virtual_document, "{text}");
        }
    }

    #[test]
    fn what_is_always_defined() {
        let modules = modules(&[
            "package a\nc := 1\nd := input.x\ndefault e := 1\ne := 2 if input.x\ns contains 1 if input.x\nf(_) := 1\ng := 1\ng := 2",
        ]);
        let tree = RuleTree::new(&modules);
        for (name, defined) in [
            ("c", true),
            ("d", false),
            ("e", true),
            ("s", true),
            ("f", false),
            ("g", false),
        ] {
            let node = tree.find(&path(&format!("data.a.{name}"))).expect("a rule");
            assert_eq!(node.facts.always_defined, defined, "{name}");
        }
    }

    #[test]
    fn paths_may_be_long() {
        let text = format!("package a\np{} := 1", ".a".repeat(290));
        let modules = modules(&[&text]);
        let tree = RuleTree::new(&modules);
        let mut nodes = 0;
        tree.depth_first(&mut |_| {
            nodes += 1;
            false
        });
        assert_eq!(nodes, 294);
        assert_eq!(tree.with_prefix(&path("data")).len(), 1);
    }
}
