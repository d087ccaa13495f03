//! One walk over syntax trees for all that changes them in place.
//!
//! The recursion here is bounded by [`crate::lexer::layout::MAX_DEPTH`].

use crate::ast::{Expr, ExprKind, TemplatePart, Term, TermKind};

/// What a walk comes to, in the order of the text. What is below it comes after it.
pub(crate) enum Node<'n> {
    Expr(&'n mut Expr),
    Term(&'n mut Term),
}

type Visit<'f> = &'f mut dyn FnMut(Node<'_>);

/// Walks over expressions and everything below them.
pub(crate) fn body(body: &mut [Expr], f: Visit<'_>) {
    body.iter_mut().for_each(|of| expr(of, f));
}

fn expr(of: &mut Expr, f: Visit<'_>) {
    f(Node::Expr(of));
    match &mut of.kind {
        ExprKind::Term(single) => term(single, f),
        ExprKind::Call(list) | ExprKind::Some(list) => terms(list, f),
        ExprKind::Every(every) => {
            every.key.iter_mut().for_each(|key| term(key, f));
            term(&mut every.value, f);
            term(&mut every.domain, f);
            body(&mut every.body, f);
        }
        ExprKind::Not(not) => body(&mut not.body, f),
        ExprKind::And(operands) | ExprKind::Or(operands) => {
            body(&mut operands.lhs, f);
            body(&mut operands.rhs, f);
        }
    }
    for with in &mut of.with {
        term(&mut with.target, f);
        term(&mut with.value, f);
    }
}

/// Walks over terms and everything below them.
pub(crate) fn terms(list: &mut [Term], f: Visit<'_>) {
    list.iter_mut().for_each(|of| term(of, f));
}

/// Walks over a term and everything below it.
pub(crate) fn term(of: &mut Term, f: Visit<'_>) {
    f(Node::Term(of));
    match &mut of.kind {
        TermKind::Null
        | TermKind::Boolean(_)
        | TermKind::Number(_)
        | TermKind::String(_)
        | TermKind::Var(_) => {}
        TermKind::Ref(list)
        | TermKind::Array(list)
        | TermKind::Set(list)
        | TermKind::Call(list) => terms(list, f),
        TermKind::Object(members) => {
            for (key, value) in members {
                term(key, f);
                term(value, f);
            }
        }
        TermKind::ArrayComprehension(of) | TermKind::SetComprehension(of) => {
            term(&mut of.term, f);
            body(&mut of.body, f);
        }
        TermKind::ObjectComprehension(of) => {
            term(&mut of.key, f);
            term(&mut of.value, f);
            body(&mut of.body, f);
        }
        TermKind::Template(template) => {
            for part in &mut template.parts {
                match part {
                    TemplatePart::Text(text) => term(text, f),
                    TemplatePart::Expr(hole) => expr(hole, f),
                }
            }
        }
    }
}
