//! From what the grammar found to the syntax tree, in the shapes that OPA gives it.

pub mod builder;
mod module;
pub mod tree;

use regovm_core::Span;

pub use module::{Refused, is_version_keyword, module};

use crate::ast::{Body, Expr, ExprKind, TemplatePart, Term, TermKind};

/// Appends an expression to a body and tells it its place.
pub fn push(body: &mut Body, mut expr: Expr) {
    expr.index = body.len() as u32;
    body.push(expr);
}

/// A hole as a part: scalars need no evaluation, unless a comment stands before them.
pub(crate) fn template_part(mut hole: Expr, comment: bool) -> TemplatePart {
    hole.index = 0;
    match hole.kind {
        ExprKind::Term(
            term @ Term {
                kind:
                    TermKind::Null | TermKind::Boolean(_) | TermKind::Number(_) | TermKind::String(_),
                ..
            },
        ) if !comment => TemplatePart::Text(term),
        _ => TemplatePart::Expr(Box::new(hole)),
    }
}

/// A call, operator first, whose operator stands between its operands.
pub(crate) fn infix_call(call: Vec<Term>) -> Term {
    let (mut span, mut text) = (Span::NONE, Span::NONE);
    if let [_, first, .., last] = &call[..] {
        span = Span::new(first.span.start, last.text.end);
        text = Span::new(first.text.start, last.text.end);
    }
    Term::with_text(TermKind::Call(call), span, text)
}

fn missing() -> Term {
    Term::new(TermKind::Null, Span::NONE)
}

fn is_var(term: &Term, name: &str) -> bool {
    term.as_var().is_some_and(|var| &**var == name)
}

/// `some x` declares variables only.
fn is_declarable(term: &Term) -> bool {
    match &term.kind {
        TermKind::Var(_) => true,
        TermKind::Ref(path) => path.len() == 1,
        _ => false,
    }
}

/// Whether a call is `v in xs` (false) or `k, v in xs` (true).
fn is_membership(call: &[Term]) -> Option<bool> {
    let TermKind::Ref(path) = &call.first()?.kind else {
        return None;
    };
    let [head, name] = &path[..] else { return None };
    if !is_var(head, "internal") {
        return None;
    }
    match (name.as_str()?, call.len()) {
        ("member_2", 3) => Some(false),
        ("member_3", 4) => Some(true),
        _ => None,
    }
}

/// The operator of a call.
pub fn operator(name: &str, place: Span) -> Term {
    Term::new(TermKind::Ref(vec![Term::var(name, place)]), place)
}

/// Whether OPA takes the text of a number: no leading zeros, a binary exponent that fits.
pub fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    !(digits.len() > 1
        && digits[0] == b'0'
        && digits[1] != b'.'
        && !(digits.len() > 2 && (digits[1] | 0x20) == b'e'))
        && !is_too_big(text)
}

/// Whether the binary exponent of a number is beyond what OPA calculates with.
pub fn is_too_big(text: &str) -> bool {
    let Some(at) = text.bytes().position(|byte| byte | 0x20 == b'e') else {
        // Digits alone would have to be hundreds of thousands.
        return text.len() as f64 * std::f64::consts::LOG2_10 > MAX_BINARY_EXPONENT
            && decimal_exponent(text, 0) * std::f64::consts::LOG2_10 > MAX_BINARY_EXPONENT;
    };
    let mantissa = &text[..at];
    if mantissa.bytes().all(|byte| !(b'1'..=b'9').contains(&byte)) {
        return false;
    }
    let Ok(exponent) = text[at + 1..].parse::<i64>() else {
        return true;
    };
    let exponent = exponent.clamp(-1_000_000_000, 1_000_000_000);
    let binary = decimal_exponent(mantissa, exponent) * std::f64::consts::LOG2_10;
    !(-MAX_BINARY_EXPONENT..=MAX_BINARY_EXPONENT).contains(&binary)
}

const MAX_BINARY_EXPONENT: f64 = 100_000.0;

/// The decimal logarithm of a number, near enough.
fn decimal_exponent(mantissa: &str, exponent: i64) -> f64 {
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches('0');
    let (digits, place) = if whole.is_empty() {
        let trimmed = fraction.trim_start_matches('0');
        (trimmed, -((fraction.len() - trimmed.len()) as i64))
    } else {
        (whole, whole.len() as i64)
    };
    let lead: String = digits.chars().take(15).collect();
    let scale = lead.len() as i32;
    let lead: f64 = lead.parse().unwrap_or(1.0);
    lead.log10() - f64::from(scale) + (place + exponent) as f64
}
