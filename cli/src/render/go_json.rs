//! JSON text as Go's encoder writes it: `<`, `>`, `&` and the line separators are escaped.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// A formatter of serde_json with Go's escapes.
struct GoFormatter<F>(F);

/// Writes a run of characters that serde_json thinks need no escape.
fn write_fragment<W: ?Sized + Write>(writer: &mut W, fragment: &str) -> io::Result<()> {
    let mut start = 0;
    for (at, c) in fragment.char_indices() {
        let escaped = match c {
            '<' => "\\u003c",
            '>' => "\\u003e",
            '&' => "\\u0026",
            '\u{2028}' => "\\u2028",
            '\u{2029}' => "\\u2029",
            '\u{7f}' => "\u{7f}",
            _ => continue,
        };
        writer.write_all(&fragment.as_bytes()[start..at])?;
        writer.write_all(escaped.as_bytes())?;
        start = at + c.len_utf8();
    }
    writer.write_all(&fragment.as_bytes()[start..])
}

macro_rules! forward {
    ($($name:ident($($arg:ident: $ty:ty),*);)*) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $arg: $ty)*) -> io::Result<()> {
            self.0.$name(writer $(, $arg)*)
        })*
    };
}

impl<F: Formatter> Formatter for GoFormatter<F> {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write_fragment(writer, fragment)
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.0.write_char_escape(writer, escape)
    }

    forward! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        end_object_key();
        begin_object_value();
        end_object_value();
    }
}

/// Writes `value` with an indentation of two spaces and a line end, as `json.Encoder` does.
pub fn write_indented(writer: &mut impl Write, value: &Value) -> io::Result<()> {
    write_indented_by(writer, value, "  ")
}

/// The same with another indentation.
pub fn write_indented_by(writer: &mut impl Write, value: &Value, indent: &str) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(
        &mut *writer,
        GoFormatter(PrettyFormatter::with_indent(indent.as_bytes())),
    );
    value.serialize(&mut serializer).map_err(io::Error::from)?;
    writer.write_all(b"\n")
}

/// `value` on one line.
pub fn compact(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, GoFormatter(CompactFormatter));
    // Writing to a vector cannot fail, and a `Value` has string keys only.
    let written = value.serialize(&mut serializer);
    debug_assert!(written.is_ok());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn escapes_what_go_escapes() {
        assert_eq!(
            compact(&json!({"a<b": "x&y>\u{2028}\n\u{1}é"})),
            "{\"a\\u003cb\":\"x\\u0026y\\u003e\\u2028\\n\\u0001é\"}"
        );
    }

    #[test]
    fn indents_with_two_spaces() {
        let mut out = Vec::new();
        write_indented(&mut out, &json!({"a": [1, {}], "b": []})).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}\n"
        );
    }
}
