//! Type errors: their messages, the lines below them and OPA's JSON `details`.

use std::cmp::Ordering;

use regovm_core::{Code, Diagnostic, Span};
use regovm_parser::ast::{Term, TermKind};
use regovm_parser::shape::value_name;

use super::constant::{compare_constants, go_text, json_string};
use super::ty::{self, Kind, Known, Param, Rest, Ty};
use crate::text::{ref_text, term_text};

/// A type error, and whether a part whose type is not known caused it: then an error inside that
/// part says more.
pub struct TypeError {
    /// The error.
    pub diagnostic: Diagnostic,
    /// A type in it is not known.
    pub unknown: bool,
}

/// `f: invalid argument(s)` with `have` and `want`.
pub fn argument_error(
    span: Span,
    function: &[Term],
    message: &str,
    have: &[Known],
    want: &[Param],
    variadic: &Known,
) -> TypeError {
    let list = |items: Vec<String>| format!("({})", items.join(", "));
    let mut have_texts: Vec<String> = have.iter().map(ty::text).collect();
    let mut want_texts: Vec<String> = want.iter().map(param_text).collect();
    let dots = |text: String| format!("{text}...");
    if variadic.is_some() {
        want_texts.push(dots(ty::text(variadic)));
    }
    let mut lines = [
        format!("have: {}", list(have_texts.clone())),
        format!("want: {}", list(want_texts.clone())),
    ];
    if too_wide(&lines) {
        // What only one side has is shortened, the rest is shown where it differs.
        have_texts = have.iter().map(shortened).collect();
        want_texts = want.iter().map(shortened_param).collect();
        for (i, (have, want)) in have.iter().zip(want).enumerate() {
            (have_texts[i], want_texts[i]) = difference_of_argument(have, want);
        }
        if variadic.is_some() {
            want_texts.push(dots(shortened(variadic)));
        }
        lines = [
            format!("have: {}", list(have_texts)),
            format!("want: {}", list(want_texts)),
        ];
    }
    let json_list = |items: Vec<String>| format!("[{}]", items.join(","));
    let mut want_members = Vec::new();
    if !want.is_empty() {
        let args = json_list(want.iter().map(ty::param_json).collect());
        want_members.push(format!(r#""args":{args}"#));
    }
    if variadic.is_some() {
        want_members.push(format!(r#""variadic":{}"#, ty::json(variadic)));
    }
    let details = format!(
        r#"{{"have":{},"want":{{{}}}}}"#,
        json_list(have.iter().map(ty::json).collect()),
        want_members.join(",")
    );
    let diagnostic = Diagnostic::new(
        Code::Type,
        span,
        format!("{}: {message}", ref_text(function)),
    )
    .with_details(details)
    .with_detail_lines(lines);
    TypeError {
        diagnostic,
        unknown: have.iter().any(ty::has_unknown),
    }
}

/// `match error` with both sides.
pub fn match_error(span: Span, left: &Known, right: &Known) -> TypeError {
    let mut lines = vec![
        format!("left  : {}", ty::text(left)),
        format!("right : {}", ty::text(right)),
    ];
    if too_wide(&lines) {
        let (left, right) = difference(left, right, 0);
        lines = vec![format!("left  : {left}"), format!("right : {right}")];
    }
    let kind = match (left.as_deref(), right.as_deref()) {
        (Some(Kind::Object { .. }), Some(Kind::Object { .. })) => Some("objects"),
        (Some(Kind::Array { .. }), Some(Kind::Array { .. })) => Some("arrays"),
        (Some(Kind::Set(_)), Some(Kind::Set(_))) => Some("sets"),
        _ => None,
    };
    if let Some(kind) = kind {
        lines.push(format!(
            "hint  : both sides are {kind} but their types differ, so they can never be equal \
             (see https://www.openpolicyagent.org/docs/errors/rego-type-error/match-error)"
        ));
    }
    let diagnostic = Diagnostic::new(Code::Type, span, "match error")
        .with_details(format!(
            r#"{{"a":{},"b":{}}}"#,
            ty::json(left),
            ty::json(right)
        ))
        .with_detail_lines(lines);
    TypeError {
        diagnostic,
        unknown: ty::has_unknown(left) || ty::has_unknown(right),
    }
}

/// `undefined ref: x.y`: the value at `at` has no members, or is a function.
pub fn no_members_error(span: Span, reference: &[Term], at: usize, have: &Known) -> Diagnostic {
    let message = if matches!(have.as_deref(), Some(Kind::Function(_))) {
        // Names of parameters that a stage has made say nothing.
        let made = |term: &Term| match &term.kind {
            TermKind::Var(text) | TermKind::String(text) => holds_generated_name(text),
            _ => false,
        };
        let shown = match reference.split_last() {
            Some((last, front)) if made(last) => front,
            _ => reference,
        };
        format!("function {} used as reference, not called", ref_text(shown))
    } else {
        format!("undefined ref: {}", ref_text(reference))
    };
    let marked = ref_text(reference.get(..=at).unwrap_or(reference));
    let lines = [
        ref_text(reference),
        "^".repeat(marked.len()),
        format!(
            "have: {}",
            have.as_ref().map_or("<nil>".to_string(), ty::ty_text)
        ),
    ];
    let details = format!(
        r#"{{"ref":{},"pos":{at},"have":{}}}"#,
        ref_json(reference),
        ty::json(have)
    );
    Diagnostic::new(Code::Type, span, message)
        .with_details(details)
        .with_detail_lines(lines)
}

fn holds_generated_name(text: &str) -> bool {
    text.split("__local").skip(1).any(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && rest[digits..].starts_with("__")
    })
}

/// `undefined ref: x.y`: the value before `at` has members, but not this one.
pub fn no_such_member_error(
    span: Span,
    reference: &[Term],
    at: usize,
    have: &Known,
    want: &Known,
    one_of: &[Term],
) -> Diagnostic {
    let pad = " ".repeat(ref_text(&reference[..at.min(reference.len())]).len() + 1);
    let mut lines = vec![ref_text(reference), format!("{pad}^")];
    lines.push(match have {
        Some(have) => format!("{pad}have (type): {}", ty::ty_text(have)),
        None => format!(
            "{pad}have: {}",
            reference.get(at).map(term_text).unwrap_or_default()
        ),
    });
    lines.push(match (one_of, want) {
        ([], None) => format!("{pad}want (one of): []"),
        ([], Some(want)) => format!("{pad}want (type): {}", ty::ty_text(want)),
        (keys, _) => {
            let keys: Vec<String> = keys.iter().map(term_text).collect();
            format!("{pad}want (one of): [{}]", keys.join(" "))
        }
    });
    let mut details = format!(r#"{{"ref":{},"pos":{at}"#, ref_json(reference));
    if have.is_some() {
        details.push_str(&format!(r#","have":{}"#, ty::json(have)));
    }
    let keys = if one_of.is_empty() {
        "null".to_string()
    } else {
        format!(
            "[{}]",
            one_of.iter().map(value_json).collect::<Vec<_>>().join(",")
        )
    };
    details.push_str(&format!(r#","want":{},"oneOf":{keys}}}"#, ty::json(want)));
    Diagnostic::new(
        Code::Type,
        span,
        format!("undefined ref: {}", ref_text(reference)),
    )
    .with_details(details)
    .with_detail_lines(lines)
}

/// A ref as OPA writes terms to JSON.
fn ref_json(reference: &[Term]) -> String {
    let terms: Vec<String> = reference.iter().map(term_json).collect();
    format!("[{}]", terms.join(","))
}

fn term_json(term: &Term) -> String {
    let kind = value_name(&term.kind);
    format!(r#"{{"type":"{kind}","value":{}}}"#, value_json(term))
}

fn value_json(term: &Term) -> String {
    let list = |terms: &mut dyn Iterator<Item = &Term>| {
        format!("[{}]", terms.map(term_json).collect::<Vec<_>>().join(","))
    };
    match &term.kind {
        TermKind::Null => "null".to_string(),
        TermKind::Boolean(b) => b.to_string(),
        TermKind::Number(text) => text.to_string(),
        TermKind::String(text) | TermKind::Var(text) => json_string(text),
        TermKind::Ref(terms) | TermKind::Array(terms) | TermKind::Call(terms) => {
            list(&mut terms.iter())
        }
        TermKind::Set(items) => list(&mut crate::order::sorted_set(items).into_iter()),
        TermKind::Object(members) => {
            let members: Vec<String> = crate::order::sorted_members(members)
                .into_iter()
                .map(|(k, v)| format!("[{},{}]", term_json(k), term_json(v)))
                .collect();
            format!("[{}]", members.join(","))
        }
        _ => json_string(&term_text(term)),
    }
}

/// Lines wider than this are shortened.
const MAX_LINE: usize = 80;

/// Types wider than this that are not what the error is about are shortened.
const MAX_ASIDE: usize = 32;

/// Types are compared side by side no deeper than this.
const MAX_DEPTH: usize = 8;

fn too_wide(lines: &[String]) -> bool {
    lines.iter().any(|line| line.chars().count() > MAX_LINE)
}

/// A parameter as signatures show it: its name, then its type.
pub fn param_text(param: &Param) -> String {
    named(param, ty::text(&param.ty))
}

fn named(param: &Param, text: String) -> String {
    match &param.name {
        Some(name) => format!("{name}: {text}"),
        None => text,
    }
}

/// A type, shortened to its outermost part if it is wide.
fn shortened(ty: &Known) -> String {
    let full = ty::text(ty);
    if full.chars().count() <= MAX_ASIDE {
        full
    } else {
        cut(ty, 0)
    }
}

fn shortened_param(param: &Param) -> String {
    // The name counts for the width.
    let full = param_text(param);
    if full.chars().count() <= MAX_ASIDE {
        full
    } else {
        named(param, cut(&param.ty, 0))
    }
}

const DOTS: &str = "...";

/// A type down to a depth, dots below.
fn cut(ty: &Known, depth: usize) -> String {
    let Some(ty) = ty else { return ty::text(ty) };
    let dots = || vec![DOTS.to_string()];
    match &**ty {
        Kind::Set(Some(_)) if depth == 0 => format!("set[{DOTS}]"),
        Kind::Set(Some(of)) => format!("set[{}]", cut(&Some(of.clone()), depth - 1)),
        Kind::Array { fixed, rest } => {
            let fixed = match depth {
                0 if !fixed.is_empty() => dots(),
                0 => Vec::new(),
                _ => fixed.iter().map(|ty| cut(ty, depth - 1)).collect(),
            };
            let rest = rest.as_ref().map(|rest| match depth {
                0 => DOTS.to_string(),
                _ => cut(&Some(rest.clone()), depth - 1),
            });
            composite("array", fixed, rest)
        }
        Kind::Object { fixed, rest } => {
            let fixed = match depth {
                0 if !fixed.is_empty() => dots(),
                0 => Vec::new(),
                _ => fixed
                    .iter()
                    .map(|(key, ty)| format!("{}: {}", go_text(key), cut(ty, depth - 1)))
                    .collect(),
            };
            let rest = rest.as_ref().map(|rest| match depth {
                0 => DOTS.to_string(),
                _ => format!(
                    "{}: {}",
                    cut(&rest.key, depth - 1),
                    cut(&rest.value, depth - 1)
                ),
            });
            composite("object", fixed, rest)
        }
        Kind::Any(of) if !of.is_empty() => match depth {
            0 => union(dots()),
            _ => union(
                of.iter()
                    .map(|ty| cut(&Some(ty.clone()), depth - 1))
                    .collect(),
            ),
        },
        Kind::Function(function) => {
            let result = function.result.as_ref().map(|result| &result.ty);
            let mut params = Vec::new();
            if depth == 0 {
                if !function.params.is_empty() || function.variadic.is_some() {
                    params = dots();
                }
                let result = if result.is_some() { DOTS } else { "???" };
                return format!("({}) => {result}", params.join(", "));
            }
            params.extend(function.params.iter().map(|p| cut(&p.ty, depth - 1)));
            if function.variadic.is_some() {
                params.push(format!("{}...", cut(&function.variadic, depth - 1)));
            }
            let result = result.map_or_else(|| "???".to_string(), |ty| cut(ty, depth - 1));
            format!("({}) => {result}", params.join(", "))
        }
        _ => ty::ty_text(ty),
    }
}

fn composite(name: &str, fixed: Vec<String>, rest: Option<String>) -> String {
    let mut out = name.to_string();
    if !fixed.is_empty() {
        out.push_str(&format!("<{}>", fixed.join(", ")));
    }
    if let Some(rest) = rest {
        out.push_str(&format!("[{rest}]"));
    }
    out
}

fn union(members: Vec<String>) -> String {
    if members.is_empty() {
        "any".to_string()
    } else {
        format!("any<{}>", members.join(", "))
    }
}

/// Argument and parameter side by side: what the function would have taken is not what the error
/// is about, and is shortened.
fn difference_of_argument(have: &Known, want: &Param) -> (String, String) {
    if have.is_some() && want.ty.is_some() && super::unify::unifies(have, &want.ty) {
        return (shortened(have), shortened_param(want));
    }
    let (left, right) = difference(have, &want.ty, 0);
    (left, named(want, right))
}

/// Two types side by side, equal parts left out.
fn difference(a: &Known, b: &Known, depth: usize) -> (String, String) {
    let plain = || (shortened(a), shortened(b));
    let (Some(x), Some(y)) = (a, b) else {
        return plain();
    };
    if depth >= MAX_DEPTH || same_text(a, b) {
        return plain();
    }
    match (&**x, &**y) {
        (Kind::Set(x @ Some(_)), Kind::Set(y @ Some(_))) => {
            let (left, right) = difference(x, y, depth + 1);
            (format!("set[{left}]"), format!("set[{right}]"))
        }
        (
            Kind::Array {
                fixed: xf,
                rest: xr,
            },
            Kind::Array {
                fixed: yf,
                rest: yr,
            },
        ) => {
            if xf.len() != yf.len() || xr.is_some() != yr.is_some() {
                // The elements show which one is longer.
                return (cut(a, 1), cut(b, 1));
            }
            let (left, right) = xf
                .iter()
                .zip(yf)
                .map(|(x, y)| difference(x, y, depth + 1))
                .unzip();
            let (left_rest, right_rest) = match (xr, yr) {
                (Some(_), Some(_)) => {
                    let (left, right) = difference(xr, yr, depth + 1);
                    (Some(left), Some(right))
                }
                _ => (None, None),
            };
            (
                composite("array", left, left_rest),
                composite("array", right, right_rest),
            )
        }
        (
            Kind::Object {
                fixed: xf,
                rest: xr,
            },
            Kind::Object {
                fixed: yf,
                rest: yr,
            },
        ) => difference_of_objects((xf, xr), (yf, yr), depth),
        (Kind::Any(x), Kind::Any(y)) => {
            let holds = |list: &[Ty], ty: &Ty| {
                list.iter()
                    .any(|other| ty::ty_text(other) == ty::ty_text(ty))
            };
            let others = |list: &[Ty], other: &[Ty]| {
                list.iter()
                    .filter(|ty| !holds(other, ty))
                    .map(|ty| shortened(&Some(ty.clone())))
                    .collect::<Vec<_>>()
            };
            let (mut left, mut right) = (others(x, y), others(y, x));
            if x.iter().any(|ty| holds(y, ty)) {
                left.push(DOTS.to_string());
                right.push(DOTS.to_string());
            }
            (union(left), union(right))
        }
        (Kind::Function(x), Kind::Function(y)) if x.params.len() == y.params.len() => {
            let (mut left, mut right): (Vec<_>, Vec<_>) = x
                .params
                .iter()
                .zip(&y.params)
                .map(|(x, y)| difference(&x.ty, &y.ty, depth + 1))
                .unzip();
            match (&x.variadic, &y.variadic) {
                (Some(_), Some(_)) => {
                    let (l, r) = difference(&x.variadic, &y.variadic, depth + 1);
                    left.push(format!("{l}..."));
                    right.push(format!("{r}..."));
                }
                (Some(_), None) => left.push(format!("{}...", shortened(&x.variadic))),
                (None, Some(_)) => right.push(format!("{}...", shortened(&y.variadic))),
                (None, None) => {}
            }
            let result = |f: &ty::Function| f.result.as_ref().and_then(|r| r.ty.clone());
            let (l, r) = difference(&result(x), &result(y), depth + 1);
            (
                format!("({}) => {l}", left.join(", ")),
                format!("({}) => {r}", right.join(", ")),
            )
        }
        _ => plain(),
    }
}

fn same_text(a: &Known, b: &Known) -> bool {
    ty::text(a) == ty::text(b)
}

type Members<'t> = (&'t [(regovm_core::Constant, Known)], &'t Option<Rest>);

fn difference_of_objects(
    (xf, xr): Members<'_>,
    (yf, yr): Members<'_>,
    depth: usize,
) -> (String, String) {
    let member = |(key, ty): &(regovm_core::Constant, Known), text: String| {
        let _ = ty;
        format!("{}: {text}", go_text(key))
    };
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut left_out = false;
    let (mut i, mut j) = (0, 0);
    while i < xf.len() || j < yf.len() {
        let order = match (xf.get(i), yf.get(j)) {
            (Some((a, _)), Some((b, _))) => compare_constants(a, b),
            (Some(_), None) => Ordering::Less,
            _ => Ordering::Greater,
        };
        match order {
            Ordering::Less => left.push(member(&xf[i], shortened(&xf[i].1))),
            Ordering::Greater => right.push(member(&yf[j], shortened(&yf[j].1))),
            Ordering::Equal if same_text(&xf[i].1, &yf[j].1) => left_out = true,
            Ordering::Equal => {
                let (l, r) = difference(&xf[i].1, &yf[j].1, depth + 1);
                left.push(member(&xf[i], l));
                right.push(member(&yf[j], r));
            }
        }
        i += usize::from(order != Ordering::Greater);
        j += usize::from(order != Ordering::Less);
    }
    if left_out {
        left.push(DOTS.to_string());
        right.push(DOTS.to_string());
    }
    let alone = |rest: &Rest| format!("{}: {}", shortened(&rest.key), shortened(&rest.value));
    let (left_rest, right_rest) = match (xr, yr) {
        (Some(x), Some(y)) => {
            let (lk, rk) = difference(&x.key, &y.key, depth + 1);
            let (lv, rv) = difference(&x.value, &y.value, depth + 1);
            (Some(format!("{lk}: {lv}")), Some(format!("{rk}: {rv}")))
        }
        (x, y) => (x.as_ref().map(alone), y.as_ref().map(alone)),
    };
    (
        composite("object", left, left_rest),
        composite("object", right, right_rest),
    )
}
