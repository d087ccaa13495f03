//! Small questions about syntax trees, and moving them to another place.
//!
//! The recursion here is bounded by [`crate::lexer::layout::MAX_DEPTH`].

use regovm_core::Span;

use crate::ast::{Body, Expr, ExprKind, TemplatePart, Term, TermKind};
use crate::visit::{self, Node};

/// OPA's name for the kind of a term, as error messages print it.
pub fn value_name(kind: &TermKind) -> &'static str {
    match kind {
        TermKind::Null => "null",
        TermKind::Boolean(_) => "boolean",
        TermKind::Number(_) => "number",
        TermKind::String(_) => "string",
        TermKind::Var(_) => "var",
        TermKind::Ref(_) => "ref",
        TermKind::Array(_) => "array",
        TermKind::Object(_) => "object",
        TermKind::Set(_) => "set",
        TermKind::ArrayComprehension(_) => "arraycomprehension",
        TermKind::SetComprehension(_) => "setcomprehension",
        TermKind::ObjectComprehension(_) => "objectcomprehension",
        TermKind::Call(_) => "call",
        TermKind::Template(_) => "templatestring",
    }
}

/// Whether a term has no variables (the head of a reference does not count).
pub fn is_ground(term: &Term) -> bool {
    match &term.kind {
        TermKind::Null | TermKind::Boolean(_) | TermKind::Number(_) | TermKind::String(_) => true,
        TermKind::Var(_) | TermKind::Template(_) => false,
        TermKind::Ref(path) => path.iter().skip(1).all(is_ground),
        TermKind::Array(items) | TermKind::Set(items) => items.iter().all(is_ground),
        TermKind::Call(items) => items.iter().all(is_ground),
        TermKind::Object(members) => members
            .iter()
            .all(|(key, value)| is_ground(key) && is_ground(value)),
        TermKind::ArrayComprehension(c) | TermKind::SetComprehension(c) => {
            is_ground(&c.term) && body_is_ground(&c.body)
        }
        TermKind::ObjectComprehension(c) => {
            is_ground(&c.key) && is_ground(&c.value) && body_is_ground(&c.body)
        }
    }
}

fn body_is_ground(body: &Body) -> bool {
    body.iter().all(|expr| match &expr.kind {
        ExprKind::Term(term) => is_ground(term),
        ExprKind::Call(terms) => terms.iter().skip(1).all(is_ground),
        _ => false,
    })
}

/// Gives every node of a body one place.
pub fn place_body(body: &mut Body, span: Span) {
    visit::body(body, &mut |node| place(node, span));
}

/// Gives every node of a term one place.
pub fn place_term(term: &mut Term, span: Span) {
    visit::term(term, &mut |node| place(node, span));
}

fn place(node: Node<'_>, span: Span) {
    let expr = match node {
        Node::Term(term) => {
            term.span = span;
            term.text = span;
            return;
        }
        Node::Expr(expr) => expr,
    };
    expr.span = span;
    match &mut expr.kind {
        ExprKind::Term(_) | ExprKind::Call(_) | ExprKind::Some(_) => {}
        ExprKind::Every(every) => every.span = span,
        ExprKind::Not(not) => not.span = span,
        ExprKind::And(logical) | ExprKind::Or(logical) => logical.span = span,
    }
    for with in &mut expr.with {
        with.span = span;
    }
}

/// The first call of a body that consists of calls without value only.
pub(crate) fn void_calls(body: &Body) -> Option<(String, Span)> {
    let mut found = None;
    for expr in body {
        let ExprKind::Call(terms) = &expr.kind else {
            return None;
        };
        if expr.negated {
            return None;
        }
        let name = crate::print::term(terms.first()?);
        if !matches!(&*name, "print" | "internal.print") {
            return None;
        }
        found = found.or(Some((name, expr.span)));
    }
    found
}

/// Kinds of what the value of a default rule depends on, which must be nothing.
pub(crate) fn default_dependencies(value: &Term) -> Vec<&'static str> {
    let mut found = Vec::new();
    dependencies(value, &mut found);
    found
}

/// What the value of a default rule may not depend on, outermost first; closures do not count.
fn dependencies(term: &Term, found: &mut Vec<&'static str>) {
    match &term.kind {
        TermKind::Ref(_) => found.push("ref"),
        TermKind::Var(_) => found.push("var"),
        TermKind::Call(_) => found.push("call"),
        TermKind::Array(items) => items.iter().for_each(|item| dependencies(item, found)),
        // OPA goes through sets and objects in order of their values.
        TermKind::Set(items) => {
            crate::order::sorted_set(items)
                .into_iter()
                .for_each(|item| dependencies(item, found));
        }
        TermKind::Object(members) => {
            let mut sorted: Vec<&(Term, Term)> = members.iter().collect();
            sorted.sort_by(|a, b| crate::order::compare_terms(&a.0, &b.0));
            for (key, value) in sorted {
                dependencies(key, found);
                dependencies(value, found);
            }
        }
        TermKind::Template(template) => {
            for part in &template.parts {
                if let TemplatePart::Expr(expr) = part {
                    body_dependencies(std::slice::from_ref(expr), found);
                }
            }
        }
        _ => {}
    }
}

fn body_dependencies(body: &[Expr], found: &mut Vec<&'static str>) {
    for expr in body {
        match &expr.kind {
            ExprKind::Term(term) => dependencies(term, found),
            ExprKind::Call(terms) => terms.iter().for_each(|term| dependencies(term, found)),
            _ => {}
        }
    }
}
