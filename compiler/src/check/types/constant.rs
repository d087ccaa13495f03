//! Constants as keys of object types: their order, their text, and terms that are constants.

use std::cmp::Ordering;
use std::fmt::Write as _;

use regovm_core::{Constant, Span};
use regovm_parser::ast::{Term, TermKind};

use crate::order::{compare_number_texts, is_constant, sorted_members, sorted_set};

/// The order of two constants by value.
pub fn compare_constants(a: &Constant, b: &Constant) -> Ordering {
    let rank = |c: &Constant| match c {
        Constant::Null => 0,
        Constant::Boolean(_) => 1,
        Constant::Number(_) => 2,
        Constant::String(_) => 3,
        Constant::Array(_) | Constant::Set(_) => 4,
        Constant::Object(_) => 5,
    };
    rank(a).cmp(&rank(b)).then_with(|| match (a, b) {
        (Constant::Boolean(a), Constant::Boolean(b)) => a.cmp(b),
        (Constant::Number(a), Constant::Number(b)) => compare_number_texts(a, b),
        (Constant::String(a), Constant::String(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Constant::Array(a) | Constant::Set(a), Constant::Array(b) | Constant::Set(b)) => {
            for (a, b) in a.iter().zip(b) {
                let order = compare_constants(a, b);
                if order != Ordering::Equal {
                    return order;
                }
            }
            a.len().cmp(&b.len())
        }
        (Constant::Object(a), Constant::Object(b)) => {
            let (a, b) = (in_order(a), in_order(b));
            for ((ak, av), (bk, bv)) in a.iter().zip(&b) {
                let order = compare_constants(ak, bk).then_with(|| compare_constants(av, bv));
                if order != Ordering::Equal {
                    return order;
                }
            }
            a.len().cmp(&b.len())
        }
        _ => Ordering::Equal,
    })
}

fn in_order(members: &[(Constant, Constant)]) -> Vec<(&Constant, &Constant)> {
    let mut list: Vec<_> = members.iter().map(|(k, v)| (k, v)).collect();
    list.sort_by(|(a, _), (b, _)| compare_constants(a, b));
    list
}

/// The constant that a term is, with sets as sorted arrays; `None` if it is none.
pub fn constant_of(term: &Term) -> Option<Constant> {
    if !is_constant(term) {
        return None;
    }
    Some(match &term.kind {
        TermKind::Null => Constant::Null,
        TermKind::Boolean(b) => Constant::Boolean(*b),
        TermKind::Number(text) => Constant::Number(text.clone()),
        TermKind::String(text) => Constant::String(text.clone()),
        TermKind::Array(items) => {
            Constant::Array(items.iter().map(constant_of).collect::<Option<_>>()?)
        }
        TermKind::Set(items) => Constant::Array(
            sorted_set(items)
                .into_iter()
                .map(constant_of)
                .collect::<Option<_>>()?,
        ),
        TermKind::Object(members) => Constant::Object(
            sorted_members(members)
                .into_iter()
                .map(|(k, v)| Some((constant_of(k)?, constant_of(v)?)))
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

/// The term that a constant is.
pub fn term_of(constant: &Constant) -> Term {
    let kind = match constant {
        Constant::Null => TermKind::Null,
        Constant::Boolean(b) => TermKind::Boolean(*b),
        Constant::Number(text) => TermKind::Number(text.clone()),
        Constant::String(text) => TermKind::String(text.clone()),
        Constant::Array(items) => TermKind::Array(items.iter().map(term_of).collect()),
        Constant::Set(items) => TermKind::Set(items.iter().map(term_of).collect()),
        Constant::Object(members) => TermKind::Object(
            members
                .iter()
                .map(|(k, v)| (term_of(k), term_of(v)))
                .collect(),
        ),
    };
    Term::new(kind, Span::NONE)
}

/// A constant as Go prints it with `%v`: strings bare.
pub fn go_text(constant: &Constant) -> String {
    match constant {
        Constant::Null => "<nil>".to_string(),
        Constant::Boolean(b) => b.to_string(),
        Constant::Number(text) | Constant::String(text) => text.to_string(),
        Constant::Array(items) | Constant::Set(items) => {
            format!(
                "[{}]",
                items.iter().map(go_text).collect::<Vec<_>>().join(" ")
            )
        }
        Constant::Object(members) => {
            let members: Vec<_> = in_order(members)
                .into_iter()
                .map(|(k, v)| format!("{}:{}", go_text(k), go_text(v)))
                .collect();
            format!("map[{}]", members.join(" "))
        }
    }
}

/// A string as JSON text.
pub fn json_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A constant as JSON text.
pub fn json_text(constant: &Constant) -> String {
    match constant {
        Constant::Null => "null".to_string(),
        Constant::Boolean(b) => b.to_string(),
        Constant::Number(text) => text.to_string(),
        Constant::String(text) => json_string(text),
        Constant::Array(items) | Constant::Set(items) => {
            format!(
                "[{}]",
                items.iter().map(json_text).collect::<Vec<_>>().join(",")
            )
        }
        Constant::Object(members) => {
            let members: Vec<_> = in_order(members)
                .into_iter()
                .map(|(k, v)| {
                    let key = match k {
                        Constant::String(text) => json_string(text),
                        other => json_string(&json_text(other)),
                    };
                    format!("{key}:{}", json_text(v))
                })
                .collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_constants() {
        let constant = Constant::Object(vec![
            (
                "b".into(),
                Constant::Array(vec![Constant::Null, "x\"".into()]),
            ),
            (Constant::Number("1.0".into()), Constant::Boolean(true)),
        ]);
        assert_eq!(go_text(&constant), "map[1.0:true b:[<nil> x\"]]");
        assert_eq!(
            crate::text::term_text(&term_of(&constant)),
            r#"{1.0: true, "b": [null, "x\""]}"#
        );
        assert_eq!(json_text(&constant), r#"{"1.0":true,"b":[null,"x\""]}"#);
    }
}
