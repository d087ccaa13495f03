//! Writing JSON, as Go's encoder does.

use crate::value::{Object, ObjectIter, Value, View};
use crate::work;

use super::sink::Sink;

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

/// A value as JSON. It ends early if there is no point in going on (see [`crate::work`]), as [`write()`] does.
pub fn to_string(value: Value<'_>, style: Style) -> String {
    let mut out = String::new();
    write(value, &mut out, style);
    out
}

/// Appends a value as JSON. Sets become sorted arrays; keys that are no strings become their
/// JSON text.
pub fn write(value: Value<'_>, out: &mut impl Sink, style: Style) {
    write_within(value, out, style, 0);
}

/// As [`write()`], for a value that stands in so many collections whose lines are indented.
pub fn write_within(value: Value<'_>, out: &mut impl Sink, style: Style, outer: usize) {
    let mut stack: Vec<(Rest<'_>, bool)> = Vec::new();
    let mut next = Some(value);
    loop {
        if !work::effort(1) {
            return;
        }
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
        let depth = outer + stack.len();
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

fn write_key(key: &str, out: &mut impl Sink, style: Style) {
    write_string(key, out, style.escapes_html());
    out.push_str(if style.indents() { ": " } else { ":" });
}

fn separate(out: &mut impl Sink, style: Style, first: bool, depth: usize) {
    if !first {
        out.push(',');
    }
    if style.indents() {
        new_line(out, depth);
    }
}

fn new_line(out: &mut impl Sink, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

fn close(
    out: &mut impl Sink,
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

fn write_scalar(view: View<'_>, out: &mut impl Sink, style: Style) {
    match view {
        View::Null => out.push_str("null"),
        View::Boolean(true) => out.push_str("true"),
        View::Boolean(false) => out.push_str("false"),
        View::Integer(value) => write_integer(value, out),
        View::Number(number) => out.push_str(number.text()),
        View::String(text) => write_string(text.as_str(), out, style.escapes_html()),
        View::Array(_) | View::Object(_) | View::Set(_) => {}
    }
}

/// Appends text as a JSON string.
pub fn write_string(text: &str, out: &mut impl Sink, escape_html: bool) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    out.push('"');
    let mut from = 0;
    let mut escapes = 0_u32;
    loop {
        let at = plain_end(bytes, from, escape_html);
        push_plain(out, &text[from..at]);
        escapes = escapes.wrapping_add(1);
        let look = at - from >= BLOCK || escapes.is_multiple_of(ESCAPES);
        if look && !work::effort(u64::from(ESCAPES / 8)) {
            return;
        }
        let Some(&byte) = bytes.get(at) else { break };
        from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            // U+2028 and U+2029, by their first byte.
            0xE2 => {
                from = at + 3;
                out.push_str(if bytes[at + 2] == 0xA8 {
                    "\\u2028"
                } else {
                    "\\u2029"
                });
            }
            _ => {
                out.push_str("\\u00");
                out.push(HEX[usize::from(byte >> 4)] as char);
                out.push(HEX[usize::from(byte & 15)] as char);
            }
        }
    }
    out.push('"');
}

/// Escapes that are written between two looks at the watch.
const ESCAPES: u32 = 1 << 13;

/// Bytes that are copied between two looks at the watch.
const BLOCK: usize = 1 << 18;

fn push_plain(out: &mut impl Sink, text: &str) {
    let mut rest = text;
    while rest.len() > BLOCK && work::effort_bytes(BLOCK) {
        let (block, behind) = rest.split_at(rest.floor_char_boundary(BLOCK));
        out.push_str(block);
        rest = behind;
    }
    if rest.len() <= BLOCK {
        work::effort_bytes(rest.len());
        out.push_str(rest);
    }
}

/// The next byte from an offset on at which an escape begins.
fn plain_end(text: &[u8], mut at: usize, escape_html: bool) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // High bits where a byte of the word is this one; exact up to the first.
    let has = |word: u64, byte: u8| {
        let zero = word ^ (ONES * u64::from(byte));
        zero.wrapping_sub(ONES) & !zero
    };
    loop {
        while let Some(chunk) = text.get(at..at + 8) {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(chunk);
            let word = u64::from_le_bytes(bytes);
            let mut found = has(word, b'"') | has(word, b'\\') | has(word, 0xE2);
            found |= word.wrapping_sub(ONES * 0x20) & !word;
            if escape_html {
                found |= has(word, b'<') | has(word, b'>') | has(word, b'&');
            }
            if found & HIGH != 0 {
                break;
            }
            at += 8;
        }
        loop {
            match text.get(at) {
                Some(b'"' | b'\\' | 0..0x20) | None => return at,
                Some(b'<' | b'>' | b'&') if escape_html => return at,
                Some(0xE2) if matches!(text.get(at + 1..at + 3), Some([0x80, 0xA8 | 0xA9])) => {
                    return at;
                }
                Some(_) => at += 1,
            }
            if at.is_multiple_of(8) {
                break;
            }
        }
    }
}

/// Appends an integer.
pub(super) fn write_integer(value: i64, out: &mut impl Sink) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push('-');
    }
    for digit in &digits[start..] {
        out.push(char::from(*digit));
    }
}
