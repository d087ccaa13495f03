//! Go's quoted strings and runes, as `%q` prints them.

use std::sync::LazyLock;

use regex::Regex;

/// Which characters may stand for themselves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Charset {
    /// Every printable character.
    Unicode,
    /// Printable ASCII only; the rest is escaped.
    Ascii,
}

/// Appends `text` between double quotes.
pub(crate) fn push_quoted(out: &mut String, text: &str, charset: Charset) {
    push_quoted_with(out, text, '"', charset);
}

/// Appends bytes between double quotes; those that are no UTF-8 are shown one by one.
pub(crate) fn push_quoted_bytes(out: &mut String, bytes: &[u8]) {
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_escaped(out, c, '"', Charset::Unicode);
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push('"');
}

/// A text in quotes as Go's package `time` has it in messages: by bytes.
#[cfg(any(feature = "http", feature = "time"))]
pub(crate) fn time_quoted(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for byte in text {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            b' '..=0x7f => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

/// Appends one character between single quotes.
pub(crate) fn push_quoted_char(out: &mut String, c: char, charset: Charset) {
    let mut bytes = [0; 4];
    push_quoted_with(out, c.encode_utf8(&mut bytes), '\'', charset);
}

fn push_quoted_with(out: &mut String, text: &str, quote: char, charset: Charset) {
    out.reserve(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        push_escaped(out, c, quote, charset);
    }
    out.push(quote);
}

fn push_escaped(out: &mut String, c: char, quote: char, charset: Charset) {
    let short = match c {
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\u{b}' => 'v',
        '\\' => '\\',
        c if c == quote => quote,
        c if (charset == Charset::Unicode || c.is_ascii()) && is_printable(c) => {
            out.push(c);
            return;
        }
        c if c < ' ' || c == '\u{7f}' => {
            out.push_str(&format!("\\x{:02x}", c as u32));
            return;
        }
        c if (c as u32) < 0x10000 => {
            out.push_str(&format!("\\u{:04x}", c as u32));
            return;
        }
        c => {
            out.push_str(&format!("\\U{:08x}", c as u32));
            return;
        }
    };
    out.push('\\');
    out.push(short);
}

/// Letters, marks, numbers, punctuation, symbols and the ASCII space, as Unicode 15.0 has them: Go knows that version.
pub(crate) fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // The standard library knows the property but shows it only through its escapes. Marks are
    // escaped at the start of a string, hence the letter in front.
    let mut bytes = [b'a', 0, 0, 0, 0];
    let len = 1 + c.encode_utf8(&mut bytes[1..]).len();
    static KNOWN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^a\p{Age=15.0}$").ok());
    std::str::from_utf8(&bytes[..len]).is_ok_and(|text| {
        // Nothing was added to the scripts that most texts are of.
        let is_old = matches!(c, ..'\u{530}' | '\u{3041}'..'\u{3100}' | '\u{3400}'..'\u{a000}' | '\u{ac00}'..'\u{d7a4}');
        text.escape_debug().nth(1) == Some(c)
            && (is_old || KNOWN.as_ref().is_none_or(|known| known.is_match(text)))
    })
}

/// Whether Go would write the text between backquotes for `%#q`.
pub(crate) fn can_backquote(text: &str) -> bool {
    text.chars()
        .all(|c| c == '\t' || (c >= ' ' && c != '`' && c != '\u{7f}' && c != '\u{feff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes() {
        let quoted = |text, charset| {
            let mut out = String::new();
            push_quoted(&mut out, text, charset);
            out
        };
        assert_eq!(quoted("a\"b'\\", Charset::Unicode), r#""a\"b'\\""#);
        assert_eq!(
            quoted("\u{7}\u{8}\u{c}\n\r\t\u{b}\u{1b}\u{7f}", Charset::Unicode),
            r#""\a\b\f\n\r\t\v\x1b\x7f""#
        );
        assert_eq!(
            quoted(
                "é\u{301}\u{a0}\u{200b}\u{fffd}😀\u{e0001}",
                Charset::Unicode
            ),
            "\"é\u{301}\\u00a0\\u200b\u{fffd}😀\\U000e0001\""
        );
        assert_eq!(quoted("é😀", Charset::Ascii), r#""\u00e9\U0001f600""#);
        let mut out = String::new();
        push_quoted_bytes(&mut out, b"a\xffb\"\xc3\xa9\xc3");
        assert_eq!(out, r#""a\xffb\"é\xc3""#);
        let mut out = String::new();
        push_quoted_char(&mut out, '\'', Charset::Unicode);
        push_quoted_char(&mut out, '"', Charset::Unicode);
        assert_eq!(out, r#"'\'''"'"#);
    }

    #[test]
    fn backquotes() {
        assert!(can_backquote("a\tb\"é"));
        for text in ["`", "\n", "\u{7f}", "\u{feff}"] {
            assert!(!can_backquote(text), "{text:?}");
        }
    }
}
