//! Rego's order on syntax trees, and what of them is known without evaluation.

use regovm_parser::ast::{Expr, ExprKind, TemplatePart, Term, TermKind};

pub use regovm_parser::order::*;

/// True if a term holds no variables, refs, calls or comprehensions at any depth: its value is
/// known. (OPA's `IsConstant`.)
pub fn is_constant(term: &Term) -> bool {
    match &term.kind {
        TermKind::Null | TermKind::Boolean(_) | TermKind::Number(_) | TermKind::String(_) => true,
        TermKind::Array(items) | TermKind::Set(items) => items.iter().all(is_constant),
        TermKind::Object(members) => members
            .iter()
            .all(|(k, v)| is_constant(k) && is_constant(v)),
        TermKind::Template(template) => template.parts.iter().all(|part| match part {
            TemplatePart::Text(_) => true,
            TemplatePart::Expr(expr) => match &expr.kind {
                ExprKind::Term(term) => is_constant(term),
                _ => false,
            },
        }),
        _ => false,
    }
}

/// True if a term holds no variables that evaluation would bind (OPA's `IsGround`): a ref is
/// ground if its path is.
pub fn is_ground(term: &Term) -> bool {
    match &term.kind {
        TermKind::Null | TermKind::Boolean(_) | TermKind::Number(_) | TermKind::String(_) => true,
        TermKind::Var(_) | TermKind::Template(_) => false,
        TermKind::Ref(path) => is_ground_ref(path),
        TermKind::Array(items) | TermKind::Set(items) | TermKind::Call(items) => {
            items.iter().all(is_ground)
        }
        TermKind::Object(members) => members.iter().all(|(k, v)| is_ground(k) && is_ground(v)),
        TermKind::ArrayComprehension(c) | TermKind::SetComprehension(c) => {
            is_ground(&c.term) && c.body.iter().all(is_ground_expr)
        }
        TermKind::ObjectComprehension(c) => {
            is_ground(&c.key) && is_ground(&c.value) && c.body.iter().all(is_ground_expr)
        }
    }
}

fn is_ground_expr(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Term(term) => is_ground(term),
        ExprKind::Call(terms) => terms.iter().all(is_ground),
        _ => false,
    }
}

/// True if all terms after the head are ground.
pub fn is_ground_ref(path: &[Term]) -> bool {
    path.iter().skip(1).all(is_ground)
}

/// The terms before the first one (after the head) that is not ground.
pub fn ground_prefix(path: &[Term]) -> &[Term] {
    let end = path
        .iter()
        .skip(1)
        .position(|t| !is_ground(t))
        .map_or(path.len(), |i| i + 1);
    &path[..end]
}
