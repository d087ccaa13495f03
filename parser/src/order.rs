//! Rego's order on syntax trees: how OPA compares terms, refs and expressions, whatever their place.

use std::cmp::Ordering;

use crate::ast::{Expr, ExprKind, TemplatePart, Term, TermKind, With};

/// Rego's order of two terms.
pub fn compare_terms(a: &Term, b: &Term) -> Ordering {
    let rank = kind_rank(a).cmp(&kind_rank(b));
    if rank != Ordering::Equal {
        return rank;
    }
    match (&a.kind, &b.kind) {
        (TermKind::Boolean(a), TermKind::Boolean(b)) => a.cmp(b),
        (TermKind::Number(a), TermKind::Number(b)) => compare_number_texts(a, b),
        (TermKind::String(a), TermKind::String(b)) | (TermKind::Var(a), TermKind::Var(b)) => {
            a.as_bytes().cmp(b.as_bytes())
        }
        (TermKind::Ref(a), TermKind::Ref(b))
        | (TermKind::Array(a), TermKind::Array(b))
        | (TermKind::Call(a), TermKind::Call(b)) => compare_refs(a, b),
        (TermKind::Object(a), TermKind::Object(b)) => {
            let (a, b) = (sorted_members(a), sorted_members(b));
            for ((ak, av), (bk, bv)) in a.iter().zip(&b) {
                let order = compare_terms(ak, bk).then_with(|| compare_terms(av, bv));
                if order != Ordering::Equal {
                    return order;
                }
            }
            a.len().cmp(&b.len())
        }
        (TermKind::Set(a), TermKind::Set(b)) => {
            let (a, b) = (sorted_set(a), sorted_set(b));
            for (a, b) in a.iter().zip(&b) {
                let order = compare_terms(a, b);
                if order != Ordering::Equal {
                    return order;
                }
            }
            a.len().cmp(&b.len())
        }
        (TermKind::ArrayComprehension(a), TermKind::ArrayComprehension(b))
        | (TermKind::SetComprehension(a), TermKind::SetComprehension(b)) => {
            compare_terms(&a.term, &b.term).then_with(|| compare_bodies(&a.body, &b.body))
        }
        (TermKind::ObjectComprehension(a), TermKind::ObjectComprehension(b)) => {
            compare_terms(&a.key, &b.key)
                .then_with(|| compare_terms(&a.value, &b.value))
                .then_with(|| compare_bodies(&a.body, &b.body))
        }
        (TermKind::Template(a), TermKind::Template(b)) => {
            let order = a
                .multi_line
                .cmp(&b.multi_line)
                .then_with(|| a.parts.len().cmp(&b.parts.len()));
            a.parts.iter().zip(&b.parts).fold(order, |order, (a, b)| {
                order.then_with(|| match (a, b) {
                    (TemplatePart::Text(a), TemplatePart::Text(b)) => compare_terms(a, b),
                    (TemplatePart::Expr(a), TemplatePart::Expr(b)) => compare_exprs(a, b),
                    (TemplatePart::Text(_), TemplatePart::Expr(_)) => Ordering::Less,
                    (TemplatePart::Expr(_), TemplatePart::Text(_)) => Ordering::Greater,
                })
            })
        }
        _ => Ordering::Equal,
    }
}

/// Rego's order of two lists of terms: element by element, then by length.
pub fn compare_refs(a: &[Term], b: &[Term]) -> Ordering {
    for (a, b) in a.iter().zip(b) {
        let order = compare_terms(a, b);
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// True if two terms say the same.
pub fn terms_equal(a: &Term, b: &Term) -> bool {
    compare_terms(a, b) == Ordering::Equal
}

/// True if two refs say the same.
pub fn refs_equal(a: &[Term], b: &[Term]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| terms_equal(a, b))
}

/// True if `reference` starts with `prefix`.
pub fn has_prefix(reference: &[Term], prefix: &[Term]) -> bool {
    reference.len() >= prefix.len() && refs_equal(&reference[..prefix.len()], prefix)
}

/// The order of bodies: expression by expression, then by length.
pub fn compare_bodies(a: &[Expr], b: &[Expr]) -> Ordering {
    for (a, b) in a.iter().zip(b) {
        let order = compare_exprs(a, b);
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// The order of expressions: position first, as OPA has it.
pub fn compare_exprs(a: &Expr, b: &Expr) -> Ordering {
    let rank = |e: &Expr| match e.kind {
        ExprKind::Some(_) => 0,
        ExprKind::Term(_) => 1,
        ExprKind::Call(_) => 2,
        ExprKind::Every(_) => 3,
        ExprKind::Not(_) => 4,
        ExprKind::And(_) => 5,
        ExprKind::Or(_) => 6,
    };
    let kinds = || match (&a.kind, &b.kind) {
        (ExprKind::Term(a), ExprKind::Term(b)) => compare_terms(a, b),
        (ExprKind::Call(a), ExprKind::Call(b)) | (ExprKind::Some(a), ExprKind::Some(b)) => {
            compare_refs(a, b)
        }
        (ExprKind::Every(a), ExprKind::Every(b)) => match (&a.key, &b.key) {
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => compare_terms(a, b),
            (None, None) => Ordering::Equal,
        }
        .then_with(|| compare_terms(&a.value, &b.value))
        .then_with(|| compare_terms(&a.domain, &b.domain))
        .then_with(|| compare_bodies(&a.body, &b.body)),
        (ExprKind::Not(a), ExprKind::Not(b)) => compare_bodies(&a.body, &b.body),
        (ExprKind::And(a), ExprKind::And(b)) | (ExprKind::Or(a), ExprKind::Or(b)) => {
            compare_bodies(&a.lhs, &b.lhs).then_with(|| compare_bodies(&a.rhs, &b.rhs))
        }
        _ => Ordering::Equal,
    };
    a.index
        .cmp(&b.index)
        .then_with(|| a.negated.cmp(&b.negated))
        .then_with(|| rank(a).cmp(&rank(b)))
        .then_with(kinds)
        .then_with(|| compare_withs(&a.with, &b.with))
}

fn compare_withs(a: &[With], b: &[With]) -> Ordering {
    for (a, b) in a.iter().zip(b) {
        let order =
            compare_terms(&a.target, &b.target).then_with(|| compare_terms(&a.value, &b.value));
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

fn kind_rank(term: &Term) -> u8 {
    match term.kind {
        TermKind::Null => 0,
        TermKind::Boolean(_) => 1,
        TermKind::Number(_) => 2,
        TermKind::String(_) => 3,
        TermKind::Template(_) => 4,
        TermKind::Var(_) => 5,
        TermKind::Ref(_) => 6,
        TermKind::Array(_) => 7,
        TermKind::Object(_) => 8,
        TermKind::Set(_) => 9,
        TermKind::ArrayComprehension(_) => 10,
        TermKind::ObjectComprehension(_) => 11,
        TermKind::SetComprehension(_) => 12,
        TermKind::Call(_) => 13,
    }
}

/// The members of an object literal by key; a later value of an equal key replaces an earlier one.
pub fn sorted_members(members: &[(Term, Term)]) -> Vec<(&Term, &Term)> {
    let mut list: Vec<(&Term, &Term)> = members.iter().map(|(k, v)| (k, v)).collect();
    list.sort_by(|(a, _), (b, _)| compare_terms(a, b));
    let mut out: Vec<(&Term, &Term)> = Vec::with_capacity(list.len());
    for (key, value) in list {
        match out.last_mut() {
            Some((last, old)) if terms_equal(last, key) => *old = value,
            _ => out.push((key, value)),
        }
    }
    out
}

/// The elements of a set literal in order, once each.
pub fn sorted_set(items: &[Term]) -> Vec<&Term> {
    let mut list: Vec<&Term> = items.iter().collect();
    list.sort_by(|a, b| compare_terms(a, b));
    list.dedup_by(|a, b| terms_equal(a, b));
    list
}

/// The order of two numbers by value, from their texts, exactly.
pub fn compare_number_texts(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (a, b) = (Decimal::parse(a), Decimal::parse(b));
    match (a.negative, b.negative) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => a.compare_magnitude(&b),
        (true, true) => b.compare_magnitude(&a),
    }
}

/// `0.d1d2d3.. * 10^exponent`, without leading or trailing zeros; no digits is zero.
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn parse(text: &str) -> Decimal {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => {
                let written = &text[at + 1..];
                let huge = if written.starts_with('-') {
                    i64::MIN / 4
                } else {
                    i64::MAX / 4
                };
                (
                    &text[..at],
                    written.trim_start_matches('+').parse().unwrap_or(huge),
                )
            }
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = digits.iter().take_while(|d| **d == b'0').count();
        let end = digits.len() - digits.iter().rev().take_while(|d| **d == b'0').count();
        if leading >= end {
            return Decimal {
                negative: false,
                digits: Vec::new(),
                exponent: 0,
            };
        }
        Decimal {
            negative,
            exponent: exponent.saturating_add(whole.len() as i64 - leading as i64),
            digits: digits[leading..end].to_vec(),
        }
    }

    fn compare_magnitude(&self, other: &Decimal) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self
                .exponent
                .cmp(&other.exponent)
                .then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_value() {
        for (a, b, want) in [
            ("1", "1.0", Ordering::Equal),
            ("1e2", "100", Ordering::Equal),
            ("-0", "0.0", Ordering::Equal),
            ("9", "10", Ordering::Less),
            ("-9", "-10", Ordering::Greater),
            ("0.1", "0.09", Ordering::Greater),
            ("1e-400", "0", Ordering::Greater),
            (
                "123456789012345678901",
                "123456789012345678900",
                Ordering::Greater,
            ),
        ] {
            assert_eq!(compare_number_texts(a, b), want, "{a} {b}");
        }
    }
}
