//! GraphQL text as tokens.

use crate::go::quote::{Charset, push_quoted};

/// Where something stands: line and column from 1, in characters. Things that come from objects stand nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct Position {
    pub(super) line: i64,
    pub(super) column: i64,
}

/// A message and where it belongs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wrong {
    pub(super) at: Position,
    pub(super) message: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// No token; the message is told only where any token would do.
    Invalid,
    End,
    /// One of `! $ & ( ) ... : = @ [ ] { } |`
    Mark(&'static str),
    Name,
    Int,
    Float,
    String,
    BlockString,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Invalid => "<Invalid>",
            Kind::End => "<EOF>",
            Kind::Mark(mark) => mark,
            Kind::Name => "Name",
            Kind::Int => "Int",
            Kind::Float => "Float",
            Kind::String => "String",
            Kind::BlockString => "BlockString",
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) value: String,
    pub(super) at: Position,
    /// The comments directly before it.
    pub(super) comments: Vec<String>,
}

impl Token {
    /// `Name "a"`
    pub(super) fn text(&self) -> String {
        let mut text = self.kind.name().to_owned();
        if !self.value.is_empty() {
            text.push(' ');
            push_quoted(&mut text, &self.value, Charset::Unicode);
        }
        text
    }
}

const MARKS: [(&str, &str); 14] = [
    ("!", "!"),
    ("$", "$"),
    ("&", "&"),
    ("(", "("),
    (")", ")"),
    ("...", "..."),
    (":", ":"),
    ("=", "="),
    ("@", "@"),
    ("[", "["),
    ("]", "]"),
    ("{", "{"),
    ("}", "}"),
    ("|", "|"),
];

pub(super) struct Lexer<'t> {
    rest: &'t str,
    line: i64,
    /// Of the next character.
    column: i64,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Lexer<'t> {
        Lexer {
            rest: text,
            line: 1,
            column: 1,
        }
    }

    fn position(&self) -> Position {
        Position {
            line: self.line,
            column: self.column,
        }
    }

    /// Goes on by so many bytes, none of which ends a line.
    fn skip(&mut self, bytes: usize) -> &'t str {
        let (skipped, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        self.column += skipped.chars().count() as i64;
        skipped
    }

    fn end_line(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
        self.line += 1;
        self.column = 1;
    }

    fn skip_space(&mut self) {
        loop {
            match self.rest.as_bytes() {
                [b'\t' | b' ' | b',', ..] => self.skip(1),
                [b'\n', ..] => {
                    self.end_line(1);
                    continue;
                }
                [b'\r', b'\n', ..] => {
                    self.end_line(2);
                    // The second character counts into the next line.
                    self.column = 2;
                    continue;
                }
                [b'\r', ..] => {
                    self.end_line(1);
                    continue;
                }
                _ if self.rest.starts_with('\u{feff}') => self.skip('\u{feff}'.len_utf8()),
                _ => return,
            };
        }
    }

    /// The next token, with the comments before it.
    pub(super) fn next(&mut self) -> Result<Token, Wrong> {
        let mut comments = Vec::new();
        loop {
            self.skip_space();
            if !self.rest.starts_with('#') {
                break;
            }
            let end = self.rest.find(|c| c < '\u{20}' && c != '\t');
            comments.push(self.skip(end.unwrap_or(self.rest.len())).to_owned());
        }
        let at = self.position();
        let token = |kind, value: &str| Token {
            kind,
            value: value.to_owned(),
            at,
            comments: comments.clone(),
        };
        let Some(first) = self.rest.chars().next() else {
            return Ok(token(Kind::End, ""));
        };
        if let Some((_, mark)) = MARKS.iter().find(|(text, _)| self.rest.starts_with(text)) {
            self.skip(mark.len());
            return Ok(token(Kind::Mark(mark), ""));
        }
        match first {
            'a'..='z' | 'A'..='Z' | '_' => {
                let end = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
                let end = self.rest.find(end).unwrap_or(self.rest.len());
                Ok(token(Kind::Name, self.skip(end)))
            }
            '-' | '0'..='9' => {
                let (kind, text) = self.number()?;
                Ok(token(kind, text))
            }
            '"' if self.rest.starts_with("\"\"\"") => {
                let (value, at) = self.block_string()?;
                Ok(Token {
                    at,
                    ..token(Kind::BlockString, &value)
                })
            }
            '"' => {
                let value = self.string()?;
                let column = at.column + 1;
                Ok(Token {
                    at: Position { column, ..at },
                    ..token(Kind::String, &value)
                })
            }
            '\'' => self.wrong(
                "Unexpected single quote character ('), did you mean to use a double quote (\")?",
            ),
            '\0'..'\u{20}' => {
                let code = first as u32;
                self.wrong(format!(
                    "Cannot contain the invalid character \"\\u{code:04x}\""
                ))
            }
            _ => {
                // A byte of the text, taken for a character.
                let first = char::from(self.rest.as_bytes()[0]);
                self.wrong(format!(
                    "Cannot parse the unexpected character \"{first}\"."
                ))
            }
        }
    }

    fn wrong<T>(&self, message: impl Into<String>) -> Result<T, Wrong> {
        Err(Wrong {
            at: self.position(),
            message: message.into(),
        })
    }

    fn number(&mut self) -> Result<(Kind, &'t str), Wrong> {
        let whole = self.rest;
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let describe = |text: &str| match text.as_bytes().first() {
            Some(byte) => format!("\"{}\"", char::from(*byte)),
            None => "<EOF>".to_owned(),
        };
        let mut kind = Kind::Int;
        if self.rest.starts_with('-') {
            self.skip(1);
        }
        let needs_digits = |lexer: &mut Self| {
            let count = digits(lexer.rest);
            if count == 0 {
                let found = describe(lexer.rest);
                return lexer.wrong(format!("Invalid number, expected digit but got: {found}."));
            }
            lexer.skip(count);
            Ok(())
        };
        if self.rest.starts_with('0') {
            self.skip(1);
            if digits(self.rest) > 0 {
                let found = describe(self.rest);
                return self.wrong(format!(
                    "Invalid number, unexpected digit after 0: {found}."
                ));
            }
        } else {
            needs_digits(self)?;
        }
        if self.rest.starts_with('.') {
            kind = Kind::Float;
            self.skip(1);
            needs_digits(self)?;
        }
        if self.rest.starts_with(['e', 'E']) {
            kind = Kind::Float;
            self.skip(1);
            if self.rest.starts_with(['+', '-']) {
                self.skip(1);
            }
            needs_digits(self)?;
        }
        Ok((kind, &whole[..whole.len() - self.rest.len()]))
    }

    fn string(&mut self) -> Result<String, Wrong> {
        self.skip(1);
        let mut value = String::new();
        while let Some(c) = self.rest.chars().next() {
            match c {
                '\n' | '\r' => break,
                '\0'..'\u{20}' if c != '\t' => {
                    let code = c as u32;
                    return self.wrong(format!(
                        "Invalid character within String: \"\\u{code:04x}\"."
                    ));
                }
                '"' => {
                    self.skip(1);
                    return Ok(value);
                }
                '\\' => value.push(self.escape()?),
                _ => {
                    self.skip(c.len_utf8());
                    value.push(c);
                }
            }
        }
        self.wrong("Unterminated string.")
    }

    fn escape(&mut self) -> Result<char, Wrong> {
        let escape = self.rest;
        let Some(code) = escape.chars().nth(1) else {
            self.skip(1);
            return self.wrong("Invalid character escape sequence.");
        };
        let plain = match code {
            '"' | '/' | '\\' => Some(code),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            _ => None,
        };
        if let Some(plain) = plain {
            self.skip(2);
            return Ok(plain);
        }
        // The closing quote has to follow somewhere.
        let digits = escape.get(2..6).filter(|_| code == 'u' && escape.len() > 6);
        if let Some(code) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            self.skip(6);
            return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
        }
        self.skip(1);
        let shown = match code {
            'u' if escape.len() > 6 => escape.get(1..6).unwrap_or("u"),
            'u' => &escape[1..],
            _ => &escape[1..1 + code.len_utf8()],
        };
        self.wrong(format!("Invalid character escape sequence: \\{shown}."))
    }

    /// The value and its position, which is that of the first character but in the last line.
    fn block_string(&mut self) -> Result<(String, Position), Wrong> {
        self.skip(3);
        let mut raw = String::new();
        // Characters from the start of the text to the first one, less those before the last line.
        let mut column = self.column;
        while let Some(c) = self.rest.chars().next() {
            let quotes = self.rest.bytes().take_while(|byte| *byte == b'"').count();
            if quotes >= 3 {
                raw.extend(std::iter::repeat_n('"', quotes - 3));
                let at = Position {
                    line: self.line,
                    column,
                };
                self.skip(quotes);
                return Ok((block_value(&raw), at));
            }
            if c < '\u{20}' && !matches!(c, '\t' | '\n' | '\r') {
                let code = c as u32;
                return self.wrong(format!(
                    "Invalid character within String: \"\\u{code:04x}\"."
                ));
            }
            if self.rest.starts_with("\\\"\"\"") {
                raw.push_str("\"\"\"");
                self.skip(4);
            } else if matches!(c, '\n' | '\r') {
                raw.push('\n');
                let both = self.rest.starts_with("\r\n");
                column -= self.column + i64::from(both);
                self.end_line(1 + usize::from(both));
            } else {
                raw.push(c);
                self.skip(c.len_utf8());
            }
        }
        self.wrong("Unterminated string.")
    }
}

/// The text of a block string without the indent that its lines share and without blank lines at the ends.
fn block_value(raw: &str) -> String {
    let indent = |line: &str| line.find(|c| c != ' ' && c != '\t');
    let mut lines: Vec<&str> = raw.split('\n').collect();
    if let Some(common) = lines.iter().filter_map(|line| indent(line)).min() {
        for line in lines.iter_mut().skip(1) {
            *line = line.get(common..).unwrap_or("");
        }
    }
    let is_text = |line: &&str| indent(line).is_some();
    let start = lines.iter().position(is_text).unwrap_or(lines.len());
    let end = lines.iter().rposition(is_text).map_or(start, |at| at + 1);
    lines[start..end].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        let mut lexer = Lexer::new(text);
        let mut tokens = Vec::new();
        loop {
            match lexer.next() {
                Ok(token) if token.kind == Kind::End => return tokens,
                Ok(token) => tokens.push(token.text()),
                Err(wrong) => {
                    tokens.push(wrong.message);
                    return tokens;
                }
            }
        }
    }

    #[test]
    fn texts_of_tokens() {
        assert_eq!(
            tokens("a ... -1.5e3 \"b\\n\\u0041\" # c\n\"\"\"\n  x\n   y\n\"\"\"").join(" "),
            r#"Name "a" ... Float "-1.5e3" String "b\nA" BlockString "x\n y""#
        );
        assert_eq!(
            tokens("01"),
            ["Invalid number, unexpected digit after 0: \"1\"."]
        );
        assert_eq!(tokens("\"a"), ["Unterminated string."]);
        assert_eq!(
            tokens(r#""\q""#),
            ["Invalid character escape sequence: \\q."]
        );
    }
}
