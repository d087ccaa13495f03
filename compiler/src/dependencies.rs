//! What a query depends on: documents that come from outside, and rules.
//!
//! Documents are given as `opa deps` gives them: constant references, cut where they become dynamic. In a body, variables
//! that stand for references (`x := data.a`, `x.b == 1`) are followed, so that the longest references count.

use std::collections::BTreeMap;

use hashbrown::HashSet;
use regovm_parser::ast::{Expr, ExprKind, Name, Ref, Rule, Term, TermKind};
use regovm_parser::order;

use crate::state::{RuleId, State};
use crate::visit::{Node, VarParams, VarSet, VarVisitor, body_vars, head_vars, walk};

/// What something depends on, sorted.
#[derive(Clone, Default, Debug)]
pub struct Dependencies {
    /// Documents that no rule makes.
    pub base: Vec<Ref>,
    /// Documents that rules make.
    pub virtual_: Vec<Ref>,
}

/// What a query as it was written depends on, in checked modules.
pub fn of_query(state: &State<'_>, query: &[Expr]) -> Dependencies {
    let rules: Vec<(RuleId, Ref)> = state
        .rule_ids()
        .into_iter()
        .filter(|id| id.branch == 0)
        .map(|id| (id, ground(state.rule_ref(id))))
        .collect();
    let mut found = Dependencies::default();
    let mut seen = HashSet::new();
    // All of a query is shown, so its variables count like those of a head.
    let shown = body_vars(
        query,
        VarParams {
            skip_wildcards: true,
            ..VarParams::ALL
        },
    );
    let mut refs = Vec::new();
    of_body(query, &shown, &mut refs);
    let mut open = vec![minimal(refs)];
    while let Some(refs) = open.pop() {
        for path in refs {
            let path = constant_prefix(path);
            let mut made = false;
            for (id, rule) in &rules {
                if !(starts_with(rule, &path) || starts_with(&path, rule)) {
                    continue;
                }
                made = true;
                if seen.insert((id.module, id.rule)) {
                    found.virtual_.push(rule.clone());
                    open.push(of_rule(state.rule(*id)));
                }
            }
            if !made {
                found.base.push(path);
            }
        }
    }
    found.base = sorted(found.base);
    found.virtual_ = sorted(found.virtual_);
    found
}

/// The references that a rule with its branches needs.
fn of_rule(rule: &Rule) -> Vec<Ref> {
    let mut refs = Vec::new();
    let mut next = Some(rule);
    while let Some(rule) = next {
        of_body(&rule.body, &head_vars(&rule.head), &mut refs);
        next = rule.else_rule.as_deref();
    }
    minimal(refs)
}

/// The references that start at `input` or `data`, by the variables that stand for them.
type Aliases = BTreeMap<Name, Vec<Ref>>;

/// Adds the references that a body needs. `shown` are the variables that leave it.
fn of_body(body: &[Expr], shown: &VarSet, found: &mut Vec<Ref>) {
    let (equations, others): (Vec<_>, Vec<_>) =
        body.iter().partition(|expr| alias_of(expr).is_some());
    let aliases = followed(equations.into_iter().filter_map(alias_of));
    let mut heads = Vec::new();
    let mut used = VarVisitor::new(VarParams {
        skip_ref_head: true,
        ..VarParams::ALL
    });
    for expr in others {
        match iterated(expr, shown) {
            Some(path) => heads.extend(expanded(path, &aliases)),
            None => {
                each_ref(Node::Expr(expr), &mut |path| {
                    found.extend(expanded(path, &aliases));
                });
                used.expr(expr);
            }
        }
    }
    for path in heads {
        if !found.iter().any(|other| starts_with(other, &path)) {
            found.push(path.clone());
        }
        within(&path, &aliases, found);
    }
    let mut used = used.vars;
    for expr in body {
        each_ref(Node::Expr(expr), &mut |path| {
            for name in path.iter().skip(1).filter_map(Term::as_var) {
                used.add(name);
            }
        });
    }
    // A variable that is used no more only says that its reference is defined.
    let idle = |name: &Name, refs: &[Ref]| {
        refs.len() == 1 && !shown.contains(name) && !used.contains(name)
    };
    for (name, refs) in &aliases {
        for path in refs {
            if !idle(name, refs) {
                found.extend(expanded(path, &aliases));
            }
            within(path, &aliases, found);
        }
    }
    let resolved = found.len();
    for (name, refs) in &aliases {
        for path in refs.iter().filter(|_| idle(name, refs)) {
            let covered = found[..resolved]
                .iter()
                .any(|other| starts_with(other, path) || starts_with(path, other));
            if !covered {
                found.push(path.clone());
            }
        }
    }
}

/// Adds the references inside of a reference.
fn within(path: &[Term], aliases: &Aliases, found: &mut Vec<Ref>) {
    for step in path {
        each_ref(Node::Term(step), &mut |inner| {
            found.extend(expanded(inner, aliases));
        });
    }
}

/// Calls `f` with every reference below a node.
fn each_ref<'a>(node: Node<'a>, f: &mut dyn FnMut(&'a Ref)) {
    walk(node, &mut |node| {
        if let Node::Term(Term {
            kind: TermKind::Ref(path),
            ..
        }) = node
        {
            f(path);
        }
        false
    });
}

/// `x = ref`
fn alias_of(expr: &Expr) -> Option<(&Name, &Ref)> {
    let ExprKind::Call(terms) = &expr.kind else {
        return None;
    };
    let [operator, lhs, rhs] = &terms[..] else {
        return None;
    };
    let [name] = &operator.as_ref()?[..] else {
        return None;
    };
    if &**name.as_var()? != "eq" {
        return None;
    }
    match (lhs.as_var(), rhs.as_var()) {
        (Some(name), _) if rhs.as_ref().is_some() => Some((name, rhs.as_ref()?)),
        (None, Some(name)) => Some((name, lhs.as_ref()?)),
        _ => None,
    }
}

/// An expression that is nothing but a reference whose last step is a variable that is shown.
fn iterated<'e>(expr: &'e Expr, shown: &VarSet) -> Option<&'e Ref> {
    let ExprKind::Term(term) = &expr.kind else {
        return None;
    };
    let path = term.as_ref()?;
    shown.contains(path.last()?.as_var()?).then_some(path)
}

/// Follows variables that stand for references until there is nothing new.
fn followed<'e>(equations: impl Iterator<Item = (&'e Name, &'e Ref)>) -> Aliases {
    let equations: Vec<(&Name, &Ref)> = equations.collect();
    let mut aliases = Aliases::new();
    let mut changed = true;
    // A variable that is defined by itself (`x = y.a; y = x.b`) would go on for ever.
    let mut rounds = equations.len() + 1;
    while changed && rounds > 0 {
        changed = false;
        rounds -= 1;
        for (name, path) in &equations {
            let expanded = expanded(path, &aliases);
            let known = aliases.entry((*name).clone()).or_default();
            for path in expanded {
                if !known.iter().any(|other| same(other, &path)) {
                    known.push(path);
                    changed = true;
                }
            }
        }
    }
    aliases
}

/// The references from a root that a reference stands for.
fn expanded(path: &Ref, aliases: &Aliases) -> Vec<Ref> {
    let Some((head, steps)) = path.split_first() else {
        return Vec::new();
    };
    match head.as_var() {
        Some(name) if matches!(&**name, "input" | "data") => vec![path.clone()],
        Some(name) => {
            let join = |start: &Ref| start.iter().chain(steps).cloned().collect();
            aliases.get(name).into_iter().flatten().map(join).collect()
        }
        None => Vec::new(),
    }
}

fn same(a: &[Term], b: &[Term]) -> bool {
    order::compare_refs(a, b).is_eq()
}

fn starts_with(path: &[Term], start: &[Term]) -> bool {
    path.len() >= start.len() && same(&path[..start.len()], start)
}

fn sorted(mut refs: Vec<Ref>) -> Vec<Ref> {
    refs.sort_by(|a, b| order::compare_refs(a, b));
    refs.dedup_by(|a, b| same(a, b));
    refs
}

/// Without those that another one starts.
fn minimal(refs: Vec<Ref>) -> Vec<Ref> {
    let mut kept: Vec<Ref> = Vec::new();
    for path in sorted(refs) {
        if !kept.last().is_some_and(|last| starts_with(&path, last)) {
            kept.push(path);
        }
    }
    kept
}

/// A reference up to its first step that is no constant.
fn constant_prefix(mut path: Ref) -> Ref {
    let steps = path.iter().skip(1).take_while(|step| is_constant(step));
    let length = 1 + steps.count();
    path.truncate(length);
    path
}

fn is_constant(term: &Term) -> bool {
    match &term.kind {
        TermKind::Null | TermKind::Boolean(_) | TermKind::Number(_) | TermKind::String(_) => true,
        TermKind::Array(items) | TermKind::Set(items) => items.iter().all(is_constant),
        TermKind::Object(members) => members
            .iter()
            .all(|(key, value)| is_constant(key) && is_constant(value)),
        _ => false,
    }
}

/// The path of a rule up to its first variable.
fn ground(mut path: Ref) -> Ref {
    let steps = path
        .iter()
        .skip(1)
        .take_while(|step| regovm_parser::shape::is_ground(step));
    let length = 1 + steps.count();
    path.truncate(length);
    path
}
