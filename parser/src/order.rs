//! OPA's total order of terms, as far as printing sets and objects needs it.

use std::cmp::Ordering;

use crate::ast::{Term, TermKind};

/// Compares two terms.
pub fn terms(a: &Term, b: &Term) -> Ordering {
    match (&a.kind, &b.kind) {
        (TermKind::Boolean(a), TermKind::Boolean(b)) => a.cmp(b),
        (TermKind::Number(a), TermKind::Number(b)) => numbers(a, b),
        (TermKind::String(a), TermKind::String(b)) | (TermKind::Var(a), TermKind::Var(b)) => {
            a.cmp(b)
        }
        (TermKind::Ref(a), TermKind::Ref(b))
        | (TermKind::Array(a), TermKind::Array(b))
        | (TermKind::Call(a), TermKind::Call(b)) => lists(a, b),
        (TermKind::Set(a), TermKind::Set(b)) => lists(&sorted(a), &sorted(b)),
        (TermKind::Object(a), TermKind::Object(b)) => {
            let (a, b) = (sorted_members(a), sorted_members(b));
            for ((ak, av), (bk, bv)) in a.iter().zip(&b) {
                let order = terms(ak, bk).then_with(|| terms(av, bv));
                if order.is_ne() {
                    return order;
                }
            }
            a.len().cmp(&b.len())
        }
        (TermKind::ArrayComprehension(a), TermKind::ArrayComprehension(b))
        | (TermKind::SetComprehension(a), TermKind::SetComprehension(b)) => terms(&a.term, &b.term)
            .then_with(|| crate::print::body(&a.body).cmp(&crate::print::body(&b.body))),
        (TermKind::ObjectComprehension(_), TermKind::ObjectComprehension(_))
        | (TermKind::Template(_), TermKind::Template(_)) => {
            crate::print::term(a).cmp(&crate::print::term(b))
        }
        (a, b) => rank(a).cmp(&rank(b)),
    }
}

fn rank(kind: &TermKind) -> u8 {
    match kind {
        TermKind::Null => 0,
        TermKind::Boolean(_) => 1,
        TermKind::Number(_) => 2,
        TermKind::String(_) => 3,
        TermKind::Var(_) => 4,
        TermKind::Ref(_) => 5,
        TermKind::Array(_) => 6,
        TermKind::Object(_) => 7,
        TermKind::Set(_) => 8,
        TermKind::ArrayComprehension(_) => 9,
        TermKind::ObjectComprehension(_) => 10,
        TermKind::SetComprehension(_) => 11,
        TermKind::Template(_) => 12,
        TermKind::Call(_) => 13,
    }
}

fn lists<T: std::borrow::Borrow<Term>>(a: &[T], b: &[T]) -> Ordering {
    for (a, b) in a.iter().zip(b) {
        let order = terms(a.borrow(), b.borrow());
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

pub(crate) fn sorted(items: &[Term]) -> Vec<&Term> {
    let mut items: Vec<&Term> = items.iter().collect();
    items.sort_by(|a, b| terms(a, b));
    items
}

pub(crate) fn sorted_members(members: &[(Term, Term)]) -> Vec<&(Term, Term)> {
    let mut members: Vec<&(Term, Term)> = members.iter().collect();
    members.sort_by(|a, b| terms(&a.0, &b.0));
    members
}

/// Compares literals; near enough, since literals that agree in 53 bits are told apart by text.
fn numbers(a: &str, b: &str) -> Ordering {
    if let (Ok(a), Ok(b)) = (a.parse::<i128>(), b.parse::<i128>()) {
        return a.cmp(&b);
    }
    let (x, y): (f64, f64) = (a.parse().unwrap_or(0.0), b.parse().unwrap_or(0.0));
    x.partial_cmp(&y).unwrap_or(Ordering::Equal)
}
