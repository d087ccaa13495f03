//! Which rules a rule refers to.
//!
//! A variable in a reference is narrowed to the values that it can hold where those are known:
//! `some root in ["foo", "bar"]; data[root].p` does not depend on every rule below `data`. Only what
//! is bound before the reference counts; a variable that the reference meets first iterates.

use std::collections::BTreeSet;
use std::rc::Rc;

use hashbrown::{HashMap, HashSet};
use regovm_core::builtin::Table;
use regovm_parser::ast::{Expr, ExprKind, Head, Module, Name, Ref, Rule, Term, TermKind};

use crate::builtins;
use crate::order::{is_constant, sorted_members, sorted_set, terms_equal};
use crate::output_vars::equality_operands;
use crate::parallel;
use crate::rule_tree::RuleTree;
use crate::state::{RuleId, State, rule_in};
use crate::visit::{Node, VarSet, for_each_in_chain, walk};

/// How many references one reference is narrowed to at most; beyond that it stays dynamic.
const MAX_EXPANSION: usize = 64;

/// Dependencies between rules; `else` rules are nodes of their own.
#[derive(Clone, Default, Debug)]
pub struct Graph {
    /// Rule -> rules that it refers to, in order.
    pub uses: HashMap<RuleId, Vec<RuleId>>,
    /// Rule -> rules that refer to it, in order.
    pub used_by: HashMap<RuleId, Vec<RuleId>>,
    /// Rules such that each comes after all that it uses (empty if there is a cycle).
    pub sorted: Vec<RuleId>,
    /// Rule -> its references that may mean rules only through a variable. For messages.
    pub dynamic: HashMap<RuleId, Vec<DynamicRef>>,
}

/// A reference that may mean rules only through a variable.
#[derive(Clone, Debug)]
pub struct DynamicRef {
    /// As it was written.
    pub reference: Ref,
    /// With its variables replaced, if narrowing left one possibility; else as written.
    pub selected: Ref,
    /// Index of its expression in the body; the length of the body for the head.
    pub at: usize,
    /// Variables that may have a value when it is evaluated.
    pub bound: VarSet,
    /// Where its variables get their values, if that is known.
    pub origins: HashMap<Name, VarOrigin>,
    /// The rules that it may mean.
    pub rules: Vec<RuleId>,
}

/// Where a variable gets its value.
#[derive(Clone, PartialEq, Debug)]
pub enum VarOrigin {
    /// From this part of the input.
    Input(Ref),
    /// From this rule or base document.
    Rule(Ref),
    /// It is a member of a constant collection.
    Collection(Term),
    /// It is the result of a built-in.
    Builtin(String),
    /// It is in the ref or key of the rule's head.
    HeadKey,
    /// It is an argument of the rule.
    HeadArg,
}

impl Graph {
    /// Rules that a rule refers to.
    pub fn uses(&self, id: RuleId) -> &[RuleId] {
        self.uses.get(&id).map_or(&[], |ids| ids)
    }

    /// Rules that refer to a rule.
    pub fn used_by(&self, id: RuleId) -> &[RuleId] {
        self.used_by.get(&id).map_or(&[], |ids| ids)
    }
}

/// Builds [`State::graph`].
pub fn set(state: &mut State<'_>) {
    let found = parallel::look(state, |m, module, found| {
        for (r, rule) in module.rules.iter().enumerate() {
            let mut id = RuleId::new(m, r);
            for_each_in_chain(rule, &mut |_| {
                let mut uses = BTreeSet::new();
                let mut links = Links::new(state, id);
                links.find(&mut uses);
                found.push((id, uses, links.dynamic()));
                id.branch += 1;
            });
        }
    });
    let mut graph = Graph::default();
    let mut ids = Vec::with_capacity(found.len());
    for (id, uses, dynamic) in found {
        ids.push(id);
        for used in &uses {
            graph.used_by.entry(*used).or_default().push(id);
        }
        graph.uses.insert(id, uses.into_iter().collect());
        if !dynamic.is_empty() {
            graph.dynamic.insert(id, dynamic);
        }
    }
    graph.sorted = sort(&graph, &ids).unwrap_or_default();
    state.graph = graph;
}

/// Rules after all that they use; none if there is a cycle.
fn sort(graph: &Graph, ids: &[RuleId]) -> Option<Vec<RuleId>> {
    let mut sorted = Vec::with_capacity(ids.len());
    // False while the rules that it uses are visited.
    let mut done: HashMap<RuleId, bool> = HashMap::with_capacity(ids.len());
    for &root in ids {
        if done.contains_key(&root) {
            continue;
        }
        done.insert(root, false);
        let mut stack = vec![(root, 0)];
        while let Some((id, next)) = stack.last_mut() {
            match graph.uses(*id).get(*next) {
                Some(&used) => {
                    *next += 1;
                    match done.get(&used) {
                        Some(true) => {}
                        Some(false) => return None,
                        None => {
                            done.insert(used, false);
                            stack.push((used, 0));
                        }
                    }
                }
                None => {
                    done.insert(*id, true);
                    sorted.push(*id);
                    stack.pop();
                }
            }
        }
    }
    Some(sorted)
}

/// A reference of a rule that may mean another rule.
struct Link {
    /// Links of one reference as written have one number.
    source: usize,
    reference: Rc<Ref>,
    selected: Rc<Ref>,
    at: usize,
    bound: Rc<VarSet>,
    rule: RuleId,
}

/// A variable that ranges over constants from an expression on.
type Known = HashMap<Name, (usize, Rc<Vec<Term>>)>;

/// Finds the references of one rule.
struct Links<'s> {
    modules: &'s [Module],
    tree: &'s RuleTree,
    builtins: &'s Table,
    rule: &'s Rule,
    known: Option<Known>,
    bound: Option<(usize, Rc<VarSet>)>,
    sources: usize,
    /// Rules that some reference means whatever its variables hold.
    certain: HashSet<RuleId>,
    possible: Vec<Link>,
}

impl<'s> Links<'s> {
    fn new(state: &'s State<'_>, id: RuleId) -> Links<'s> {
        Links {
            modules: &state.modules,
            tree: &state.rule_tree,
            builtins: state.builtins,
            rule: state.rule(id),
            known: None,
            bound: None,
            sources: 0,
            certain: HashSet::new(),
            possible: Vec::new(),
        }
    }

    fn find(&mut self, uses: &mut BTreeSet<RuleId>) {
        let rule = self.rule;
        for (at, expr) in rule.body.iter().enumerate() {
            walk(Node::Expr(expr), &mut |node| self.node(node, at, uses));
        }
        let at = rule.body.len();
        walk(Node::Head(&rule.head), &mut |node| {
            self.node(node, at, uses)
        });
    }

    fn node(&mut self, node: Node<'_>, at: usize, uses: &mut BTreeSet<RuleId>) -> bool {
        if let Node::Term(Term {
            kind: TermKind::Ref(path),
            ..
        }) = node
        {
            self.reference(path, at, uses);
        }
        false
    }

    fn reference(&mut self, path: &Ref, at: usize, uses: &mut BTreeSet<RuleId>) {
        self.sources += 1;
        // Look-ups start at the root of the tree, which knows `data` only.
        if path[0].as_var().is_none_or(|head| &**head != "data") {
            return;
        }
        if path.iter().skip(1).all(is_constant) {
            for rule in self.tree.referred_dynamic(self.modules, path, true) {
                self.add(rule, uses);
                self.certain.insert(rule);
            }
            return;
        }
        let rule = self.rule;
        let known = self.known.get_or_insert_with(|| known_values(&rule.body));
        let expanded = expand(path, known, at);
        let selected = Rc::new(match expanded.as_slice() {
            [only] => only.clone(),
            _ => path.clone(),
        });
        let reference = Rc::new(path.clone());
        let bound = self.bound_before(at);
        for path in &expanded {
            for rule in self.tree.referred_dynamic(self.modules, path, true) {
                self.add(rule, uses);
                let package = &self.modules[rule.module as usize].package.path;
                let head = &rule_in(self.modules, rule).head;
                if ref_selects_rule(&selected, package, head, &bound, None) {
                    self.certain.insert(rule);
                } else {
                    self.possible.push(Link {
                        source: self.sources,
                        reference: reference.clone(),
                        selected: selected.clone(),
                        at,
                        bound: bound.clone(),
                        rule,
                    });
                }
            }
        }
    }

    /// A rule is used with its whole else chain.
    fn add(&self, id: RuleId, uses: &mut BTreeSet<RuleId>) {
        let mut id = id;
        let mut next = Some(rule_in(self.modules, id));
        while let Some(rule) = next {
            uses.insert(id);
            id.branch += 1;
            next = rule.else_rule.as_deref();
        }
    }

    /// Variables of the head, which a caller may bind, and of the expressions before.
    fn bound_before(&mut self, at: usize) -> Rc<VarSet> {
        if let Some((cached, bound)) = &self.bound
            && *cached == at
        {
            return bound.clone();
        }
        let mut vars = VarSet::new();
        vars.add(&self.rule.head.name);
        let mut add = |node: Node<'_>| {
            if let Node::Term(Term {
                kind: TermKind::Var(name),
                ..
            }) = node
            {
                vars.add(name);
            }
            false
        };
        walk(Node::Head(&self.rule.head), &mut add);
        for expr in self.rule.body.iter().take(at) {
            walk(Node::Expr(expr), &mut add);
        }
        let bound = Rc::new(vars);
        self.bound = Some((at, bound.clone()));
        bound
    }

    /// The references that alone may mean a rule, once for each reference as written.
    fn dynamic(self) -> Vec<DynamicRef> {
        let mut found: Vec<DynamicRef> = Vec::new();
        let mut last_source = 0;
        for link in &self.possible {
            if self.certain.contains(&link.rule) {
                continue;
            }
            if found.is_empty() || last_source != link.source {
                last_source = link.source;
                found.push(DynamicRef {
                    reference: (*link.reference).clone(),
                    selected: (*link.selected).clone(),
                    at: link.at,
                    bound: (*link.bound).clone(),
                    origins: origins(self.builtins, self.rule, link.at, &link.selected),
                    rules: Vec::new(),
                });
            }
            if let Some(last) = found.last_mut() {
                last.rules.push(link.rule);
            }
        }
        found
    }
}

/// True if a reference means a rule whatever its variables hold. A variable that is not bound and
/// occurs once iterates over everything. If `positions` is given, it collects the terms that must
/// equal those of the rule's ref, and the answer is still false if there are any.
pub fn ref_selects_rule(
    path: &[Term],
    package: &[Term],
    head: &Head,
    bound: &VarSet,
    mut positions: Option<&mut Vec<usize>>,
) -> bool {
    let mut always = true;
    for (i, term) in path.iter().enumerate().skip(1) {
        let name;
        let theirs = match i.checked_sub(package.len()) {
            None => &package[i],
            Some(0) => {
                name = Term::string(head.name.clone(), term.span);
                &name
            }
            Some(j) => match head.reference.get(j) {
                Some(term) => term,
                None => break,
            },
        };
        if !is_constant(theirs) {
            continue;
        }
        if let TermKind::Var(var) = &term.kind {
            let once = path.iter().filter(|t| t.as_var() == Some(var)).count() == 1;
            if once && !bound.contains(var) {
                continue;
            }
        }
        if is_constant(term) {
            if !terms_equal(term, theirs) {
                return false;
            }
            continue;
        }
        match &mut positions {
            None => return false,
            Some(positions) => positions.push(i),
        }
        always = false;
    }
    always
}

/// The variables of a body that range over constants. Only the body itself is read, and only the
/// first binding of each: a body is a conjunction, so each binding covers all values.
fn known_values(body: &[Expr]) -> Known {
    let mut known = Known::new();
    for (i, expr) in body.iter().enumerate() {
        if expr.negated || !expr.with.is_empty() {
            continue;
        }
        let Some((a, b)) = equality_operands(expr) else {
            continue;
        };
        for (side, other) in [(a, b), (b, a)] {
            let Some(name) = side.as_var() else { continue };
            if let Some(values) = values_of(other, &known, i) {
                known.entry(name.clone()).or_insert((i, Rc::new(values)));
                break;
            }
        }
    }
    known
}

/// The constants that a term can be before the expression `at`; none if that is unknown.
fn values_of(term: &Term, known: &Known, at: usize) -> Option<Vec<Term>> {
    match &term.kind {
        TermKind::Var(name) => known
            .get(name)
            .filter(|(index, _)| *index < at)
            .map(|(_, values)| (**values).clone()),
        TermKind::Ref(path) => {
            let (head, rest) = path.split_first()?;
            let mut values = values_of(head, known, at)?;
            for term in rest {
                let mut next = Vec::new();
                for value in &values {
                    if is_constant(term) {
                        next.extend(member(value, term));
                    } else {
                        next.extend(members(value)?);
                    }
                }
                if next.len() > MAX_EXPANSION {
                    return None;
                }
                values = next;
            }
            Some(values)
        }
        _ => is_constant(term).then(|| vec![term.clone()]),
    }
}

/// The member of a constant collection at a key.
fn member(value: &Term, key: &Term) -> Option<Term> {
    match &value.kind {
        TermKind::Array(items) => match &key.kind {
            TermKind::Number(text) => items.get(text.parse::<usize>().ok()?).cloned(),
            _ => None,
        },
        TermKind::Object(entries) => entries
            .iter()
            .rev()
            .find(|(k, _)| terms_equal(k, key))
            .map(|(_, v)| v.clone()),
        TermKind::Set(items) => items.iter().find(|item| terms_equal(item, key)).cloned(),
        _ => None,
    }
}

/// Every member of a constant collection; none if it is no collection.
pub fn members(value: &Term) -> Option<Vec<Term>> {
    match &value.kind {
        TermKind::Array(items) => Some(items.clone()),
        TermKind::Set(items) => Some(sorted_set(items).into_iter().cloned().collect()),
        TermKind::Object(entries) => Some(
            sorted_members(entries)
                .into_iter()
                .map(|(_, value)| value.clone())
                .collect(),
        ),
        _ => None,
    }
}

/// The references that a reference can be, with variables replaced by the values they can hold.
fn expand(path: &Ref, known: &Known, at: usize) -> Vec<Ref> {
    let mut expanded = vec![path.clone()];
    if known.is_empty() {
        return expanded;
    }
    for (i, term) in path.iter().enumerate().skip(1) {
        if is_constant(term) {
            continue;
        }
        let values = values_of(term, known, at).unwrap_or_default();
        if values.is_empty() || expanded.len() * values.len() > MAX_EXPANSION {
            continue;
        }
        expanded = expanded
            .iter()
            .flat_map(|prefix| {
                values.iter().map(move |value| {
                    let mut path = prefix.clone();
                    path[i] = value.clone();
                    path
                })
            })
            .collect();
    }
    expanded
}

/// Where the variables of a reference in the expression `at` get their values.
fn origins(table: &Table, rule: &Rule, at: usize, path: &[Term]) -> HashMap<Name, VarOrigin> {
    let bindings = Bindings::of(table, rule, at);
    let vars = path.iter().skip(1).filter_map(Term::as_var);
    vars.filter_map(|var| Some((var.clone(), bindings.resolve(var)?)))
        .collect()
}

struct Bindings<'r> {
    equal: HashMap<&'r Name, &'r Term>,
    outputs: HashMap<&'r Name, String>,
    head: HashMap<&'r Name, VarOrigin>,
    limit: usize,
}

impl<'r> Bindings<'r> {
    fn of(table: &Table, rule: &'r Rule, at: usize) -> Bindings<'r> {
        let mut bindings = Bindings {
            equal: HashMap::new(),
            outputs: HashMap::new(),
            head: HashMap::new(),
            limit: rule.body.len(),
        };
        for expr in rule.body.iter().take(at) {
            if expr.negated || !expr.with.is_empty() {
                continue;
            }
            if let Some((a, b)) = equality_operands(expr) {
                for (side, other) in [(a, b), (b, a)] {
                    if let Some(name) = side.as_var() {
                        bindings.equal.entry(name).or_insert(other);
                    }
                }
            } else if let ExprKind::Call(terms) = &expr.kind {
                bindings.output(table, terms);
            }
        }
        let key = rule.head.key.as_deref();
        for term in rule.head.reference.iter().skip(1).chain(key) {
            if let Some(name) = term.as_var() {
                bindings.head.insert(name, VarOrigin::HeadKey);
            }
        }
        for name in rule.head.args.iter().filter_map(Term::as_var) {
            bindings.head.insert(name, VarOrigin::HeadArg);
        }
        bindings
    }

    /// The result of a built-in is an extra operand, the last one.
    fn output(&mut self, table: &Table, terms: &'r [Term]) {
        let Some((operator, operands)) = terms.split_first() else {
            return;
        };
        let facts = operator
            .as_ref()
            .and_then(|path| builtins::facts(table, path));
        if let (Some(facts), Some(last)) = (facts, operands.last().and_then(Term::as_var))
            && operands.len() == facts.arity + 1
        {
            self.outputs.insert(last, facts.decl.name.to_string());
        }
    }

    fn resolve(&self, var: &Name) -> Option<VarOrigin> {
        let mut var = var;
        // A chain longer than the body goes round in circles.
        for _ in 0..=self.limit {
            if let Some(name) = self.outputs.get(var) {
                return Some(VarOrigin::Builtin(name.clone()));
            }
            match self.equal.get(var).map(|term| &term.kind) {
                Some(TermKind::Var(next)) => {
                    var = next;
                    continue;
                }
                Some(TermKind::Ref(path)) => {
                    let head = path.first().and_then(Term::as_var).map(|name| &**name);
                    match head {
                        Some("input") => return Some(VarOrigin::Input(constant_prefix(path))),
                        Some("data") => return Some(VarOrigin::Rule(constant_prefix(path))),
                        _ => {}
                    }
                    if path.len() == 2
                        && !is_constant(&path[1])
                        && let Some(collection) = self.collection(&path[0])
                    {
                        return Some(VarOrigin::Collection(collection.clone()));
                    }
                }
                _ => {}
            }
            return self.head.get(var).cloned();
        }
        None
    }

    /// A constant collection, given as such or through a variable.
    fn collection(&self, term: &'r Term) -> Option<&'r Term> {
        let mut term = term;
        for _ in 0..=self.equal.len() {
            match &term.kind {
                TermKind::Var(name) => term = self.equal.get(name)?,
                TermKind::Array(_) | TermKind::Object(_) | TermKind::Set(_) => {
                    return is_constant(term).then_some(term);
                }
                _ => return None,
            }
        }
        None
    }
}

fn constant_prefix(path: &[Term]) -> Ref {
    let rest = path.iter().skip(1).take_while(|term| is_constant(term));
    path.iter().take(1).chain(rest).cloned().collect()
}
