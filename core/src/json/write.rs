//! Writing JSON, as Go's encoder does.

use crate::value::{Object, ObjectIter, Value, View};

/// How JSON is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// One line; `<`, `>`, `&` and the separators U+2028 and U+2029 escaped: `json.marshal` and
    /// OPA's API.
    Marshal,
    /// One line, without the escapes for HTML.
    Compact,
    /// Indented by two spaces, without the escapes for HTML: `opa eval --format json`.
    Pretty,
    /// Indented by two spaces, with the escapes for HTML.
    PrettyMarshal,
}

impl Style {
    fn escapes_html(self) -> bool {
        matches!(self, Style::Marshal | Style::PrettyMarshal)
    }

    fn indents(self) -> bool {
        matches!(self, Style::Pretty | Style::PrettyMarshal)
    }
}

enum Rest<'a> {
    Elements(std::iter::Copied<std::slice::Iter<'a, Value<'a>>>),
    Members(ObjectIter<'a>),
    /// Some key is no string: the order is that of the keys' texts.
    Texts(std::vec::IntoIter<(String, Value<'a>)>),
}

fn members<'a>(object: Object<'a>, style: Style) -> Rest<'a> {
    // Strings come after numbers and before collections, so the ends tell.
    let string_at = |at| object.at(at).is_none_or(|(key, _)| key.is_string());
    if string_at(0) && string_at(object.len() - 1) {
        return Rest::Members(object.iter());
    }
    let text = |key: Value<'_>| match key.as_str() {
        Some(text) => text.to_owned(),
        None => key_text(key, style),
    };
    let mut members: Vec<_> = object
        .iter()
        .map(|(key, value)| (text(key), value))
        .collect();
    members.sort_by(|a, b| a.0.cmp(&b.0));
    // Of equal texts the last one counts.
    members.reverse();
    members.dedup_by(|a, b| a.0 == b.0);
    members.reverse();
    Rest::Texts(members.into_iter())
}

/// A value as JSON.
pub fn to_string(value: Value<'_>, style: Style) -> String {
    let mut out = String::new();
    write(value, &mut out, style);
    out
}

/// Appends a value as JSON. Sets become sorted arrays; keys that are no strings become their
/// JSON text.
pub fn write(value: Value<'_>, out: &mut String, style: Style) {
    let mut stack: Vec<(Rest<'_>, bool)> = Vec::new();
    let mut next = Some(value);
    loop {
        if let Some(value) = next.take() {
            match value.view() {
                View::Array(array) if array.is_empty() => out.push_str("[]"),
                View::Set(set) if set.is_empty() => out.push_str("[]"),
                View::Object(object) if object.is_empty() => out.push_str("{}"),
                View::Array(array) => {
                    out.push('[');
                    stack.push((Rest::Elements(array.iter()), true));
                }
                View::Set(set) => {
                    out.push('[');
                    stack.push((Rest::Elements(set.iter()), true));
                }
                View::Object(object) => {
                    out.push('{');
                    stack.push((members(object, style), true));
                }
                scalar => write_scalar(scalar, out, style),
            }
        }
        let depth = stack.len();
        let Some((rest, first)) = stack.last_mut() else {
            return;
        };
        let start = std::mem::replace(first, false);
        match rest {
            Rest::Elements(elements) => match elements.next() {
                Some(element) => {
                    separate(out, style, start, depth);
                    next = Some(element);
                }
                None => close(out, style, ']', depth, &mut stack),
            },
            Rest::Members(members) => match members.next() {
                Some((key, value)) => {
                    separate(out, style, start, depth);
                    write_key(key.as_str().unwrap_or(""), out, style);
                    next = Some(value);
                }
                None => close(out, style, '}', depth, &mut stack),
            },
            Rest::Texts(members) => match members.next() {
                Some((key, value)) => {
                    separate(out, style, start, depth);
                    write_key(&key, out, style);
                    next = Some(value);
                }
                None => close(out, style, '}', depth, &mut stack),
            },
        }
    }
}

fn write_key(key: &str, out: &mut String, style: Style) {
    write_string(key, out, style.escapes_html());
    out.push_str(if style.indents() { ": " } else { ":" });
}

fn separate(out: &mut String, style: Style, first: bool, depth: usize) {
    if !first {
        out.push(',');
    }
    if style.indents() {
        new_line(out, depth);
    }
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

fn close(
    out: &mut String,
    style: Style,
    bracket: char,
    depth: usize,
    stack: &mut Vec<(Rest<'_>, bool)>,
) {
    stack.pop();
    if style.indents() {
        new_line(out, depth - 1);
    }
    out.push(bracket);
}

fn key_text(key: Value<'_>, style: Style) -> String {
    to_string(
        key,
        if style.escapes_html() {
            Style::Marshal
        } else {
            Style::Compact
        },
    )
}

fn write_scalar(view: View<'_>, out: &mut String, style: Style) {
    match view {
        View::Null => out.push_str("null"),
        View::Boolean(true) => out.push_str("true"),
        View::Boolean(false) => out.push_str("false"),
        View::Integer(value) => {
            use std::fmt::Write;
            // Writing to a String cannot fail.
            let _ = write!(out, "{value}");
        }
        View::Number(number) => out.push_str(number.text()),
        View::String(text) => write_string(text.as_str(), out, style.escapes_html()),
        View::Array(_) | View::Object(_) | View::Set(_) => {}
    }
}

/// Appends text as a JSON string.
pub fn write_string(text: &str, out: &mut String, escape_html: bool) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    let mut start = 0;
    let mut flush = |out: &mut String, at: usize, len: usize| {
        out.push_str(&text[start..at]);
        start = at + len;
    };
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0..0x20 => {
                flush(out, at, 1);
                out.push_str("\\u00");
                out.push(HEX[usize::from(byte >> 4)] as char);
                out.push(HEX[usize::from(byte & 15)] as char);
                continue;
            }
            b'<' if escape_html => "\\u003c",
            b'>' if escape_html => "\\u003e",
            b'&' if escape_html => "\\u0026",
            0xE2 => match text.as_bytes().get(at + 1..at + 3) {
                Some([0x80, last @ (0xA8 | 0xA9)]) => {
                    flush(out, at, 3);
                    out.push_str(if *last == 0xA8 { "\\u2028" } else { "\\u2029" });
                    continue;
                }
                _ => continue,
            },
            _ => continue,
        };
        flush(out, at, 1);
        out.push_str(escape);
    }
    out.push_str(&text[start..]);
    out.push('"');
}
