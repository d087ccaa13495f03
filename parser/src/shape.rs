//! Small questions about syntax trees, and moving them to another place.
//!
//! The recursion here is bounded by [`crate::lexer::layout::MAX_DEPTH`].

use regovm_core::Span;

use crate::ast::{Body, Expr, ExprKind, TemplatePart, Term, TermKind};

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
    for expr in body {
        place_expr(expr, span);
    }
}

fn place_expr(expr: &mut Expr, span: Span) {
    expr.span = span;
    match &mut expr.kind {
        ExprKind::Term(term) => place_term(term, span),
        ExprKind::Call(terms) | ExprKind::Some(terms) => {
            terms.iter_mut().for_each(|term| place_term(term, span));
        }
        ExprKind::Every(every) => {
            every.span = span;
            every.key.iter_mut().for_each(|term| place_term(term, span));
            place_term(&mut every.value, span);
            place_term(&mut every.domain, span);
            place_body(&mut every.body, span);
        }
        ExprKind::Not(not) => {
            not.span = span;
            place_body(&mut not.body, span);
        }
        ExprKind::And(logical) | ExprKind::Or(logical) => {
            logical.span = span;
            place_body(&mut logical.lhs, span);
            place_body(&mut logical.rhs, span);
        }
    }
    for with in &mut expr.with {
        with.span = span;
        place_term(&mut with.target, span);
        place_term(&mut with.value, span);
    }
}

/// Gives every node of a term one place.
pub fn place_term(term: &mut Term, span: Span) {
    term.span = span;
    match &mut term.kind {
        TermKind::Null
        | TermKind::Boolean(_)
        | TermKind::Number(_)
        | TermKind::String(_)
        | TermKind::Var(_) => {}
        TermKind::Ref(items)
        | TermKind::Array(items)
        | TermKind::Set(items)
        | TermKind::Call(items) => items.iter_mut().for_each(|item| place_term(item, span)),
        TermKind::Object(members) => {
            for (key, value) in members {
                place_term(key, span);
                place_term(value, span);
            }
        }
        TermKind::ArrayComprehension(c) | TermKind::SetComprehension(c) => {
            place_term(&mut c.term, span);
            place_body(&mut c.body, span);
        }
        TermKind::ObjectComprehension(c) => {
            place_term(&mut c.key, span);
            place_term(&mut c.value, span);
            place_body(&mut c.body, span);
        }
        TermKind::Template(template) => {
            for part in &mut template.parts {
                match part {
                    TemplatePart::Text(term) => place_term(term, span),
                    TemplatePart::Expr(expr) => place_expr(expr, span),
                }
            }
        }
    }
}
