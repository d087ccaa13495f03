//! Values in Rego syntax, as `sprintf("%v")`, error messages and traces show them.

use super::write_string;
use crate::value::{ObjectIter, Value, View};

enum Rest<'a> {
    Elements(std::iter::Copied<std::slice::Iter<'a, Value<'a>>>, char),
    Members(ObjectIter<'a>),
    /// The value of the member whose key is being written.
    MemberValue(Value<'a>),
}

/// A value in Rego syntax: `{1, 2}`, `{"a": 1}`, `set()`.
pub fn rego_text(value: Value<'_>) -> String {
    let mut out = String::new();
    write_rego(value, &mut out);
    out
}

/// Appends a value in Rego syntax.
pub fn write_rego(value: Value<'_>, out: &mut String) {
    let mut stack: Vec<(Rest<'_>, bool)> = Vec::new();
    let mut next = Some(value);
    loop {
        if let Some(value) = next.take() {
            match value.view() {
                View::Null => out.push_str("null"),
                View::Boolean(true) => out.push_str("true"),
                View::Boolean(false) => out.push_str("false"),
                View::Integer(value) => out.push_str(&value.to_string()),
                View::Number(number) => out.push_str(number.text()),
                View::String(text) => write_string(text.as_str(), out, false),
                View::Set(set) if set.is_empty() => out.push_str("set()"),
                View::Array(array) => {
                    out.push('[');
                    stack.push((Rest::Elements(array.iter(), ']'), true));
                }
                View::Set(set) => {
                    out.push('{');
                    stack.push((Rest::Elements(set.iter(), '}'), true));
                }
                View::Object(object) => {
                    out.push('{');
                    stack.push((Rest::Members(object.iter()), true));
                }
            }
        }
        let Some((rest, first)) = stack.last_mut() else {
            return;
        };
        let start = std::mem::replace(first, false);
        match rest {
            Rest::Elements(elements, bracket) => match elements.next() {
                Some(element) => {
                    if !start {
                        out.push_str(", ");
                    }
                    next = Some(element);
                }
                None => {
                    out.push(*bracket);
                    stack.pop();
                }
            },
            Rest::Members(members) => match members.next() {
                Some((key, value)) => {
                    if !start {
                        out.push_str(", ");
                    }
                    stack.push((Rest::MemberValue(value), true));
                    next = Some(key);
                }
                None => {
                    out.push('}');
                    stack.pop();
                }
            },
            Rest::MemberValue(value) => {
                out.push_str(": ");
                next = Some(*value);
                stack.pop();
            }
        }
    }
}
