//! Values in Rego syntax, as `sprintf("%v")`, error messages and traces show them.

use super::write::write_integer;
use crate::value::{ObjectIter, Value, View};
use crate::work;

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

/// The start of a value in Rego syntax: of texts and collections not much more than so many bytes.
pub fn rego_text_start(value: Value<'_>, bytes: usize) -> String {
    let mut out = String::new();
    write_start(value, &mut out, bytes);
    out
}

/// Appends a value in Rego syntax. It ends early if there is no point in going on (see [`crate::work`]).
pub fn write_rego(value: Value<'_>, out: &mut String) {
    write_start(value, out, usize::MAX);
}

fn write_start(value: Value<'_>, out: &mut String, most: usize) {
    let mut stack: Vec<(Rest<'_>, bool)> = Vec::new();
    let mut next = Some(value);
    loop {
        if out.len() > most || !work::effort(1) {
            return;
        }
        if let Some(value) = next.take() {
            match value.view() {
                View::Null => out.push_str("null"),
                View::Boolean(true) => out.push_str("true"),
                View::Boolean(false) => out.push_str("false"),
                View::Integer(value) => write_integer(value, out),
                View::Number(number) => out.push_str(number.text()),
                View::String(text) => {
                    let text = text.as_str();
                    let end = text.floor_char_boundary(most.saturating_sub(out.len()));
                    write_quoted(&text[..end], out);
                }
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

/// Appends text in double quotes as Go's `strconv.Quote` writes it: `\x00`, `\u200b`, and
/// printable characters as they are.
pub fn write_quoted(text: &str, out: &mut String) {
    use std::fmt::Write;
    out.push('"');
    for (at, c) in text.chars().enumerate() {
        if at % 4096 == 4095 && !work::effort(4096) {
            break;
        }
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            // Writing to a String cannot fail.
            '\0'..='\u{7f}' => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            _ if is_printable(c) => out.push(c),
            '\u{80}'..='\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
}

/// True for letters, marks, digits, punctuation and symbols.
fn is_printable(c: char) -> bool {
    // Behind another character, so that marks are not escaped for standing alone.
    let mut buffer = [b'a'; 5];
    let len = c.encode_utf8(&mut buffer[1..]).len();
    let text = std::str::from_utf8(&buffer[..=len]).unwrap_or_default();
    text.escape_debug().nth(1) == Some(c)
}
