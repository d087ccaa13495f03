//! Templates as tokens.

use std::borrow::Cow;

use crate::go::quote::{Charset, is_printable, push_quoted};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Error,
    Boolean,
    /// A character that stands alone.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

const KEYWORDS: &[(&str, Kind)] = &[
    ("block", Kind::Block),
    ("break", Kind::Break),
    ("continue", Kind::Continue),
    ("define", Kind::Define),
    ("else", Kind::Else),
    ("end", Kind::End),
    ("if", Kind::If),
    ("nil", Kind::Nil),
    ("range", Kind::Range),
    ("template", Kind::Template),
    ("with", Kind::With),
];

#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    pub(super) at: usize,
    /// Its text, or the message of an error.
    pub(super) text: Cow<'t, str>,
    pub(super) line: usize,
}

impl<'t> Token<'t> {
    pub(super) fn nothing() -> Token<'t> {
        Token {
            kind: Kind::Eof,
            at: 0,
            text: Cow::Borrowed(""),
            line: 0,
        }
    }

    /// The part of the template; nothing for errors, which are never kept.
    pub(super) fn source(&self) -> &'t str {
        match self.text {
            Cow::Borrowed(text) => text,
            Cow::Owned(_) => "",
        }
    }

    /// As messages show it.
    pub(super) fn shown(&self) -> String {
        let keyword = self.kind == Kind::Dot || KEYWORDS.iter().any(|(_, kind)| *kind == self.kind);
        match self.kind {
            Kind::Eof => "EOF".to_owned(),
            Kind::Error => self.text.clone().into_owned(),
            _ if keyword => format!("<{}>", self.text),
            _ => {
                let long = self.text.len() > 10;
                let start: String = self.text.chars().take(10).collect();
                let shown = if long { &start } else { self.text.as_ref() };
                quoted(shown) + if long { "..." } else { "" }
            }
        }
    }
}

pub(super) fn quoted(text: &str) -> String {
    let mut out = String::new();
    push_quoted(&mut out, text, Charset::Unicode);
    out
}

/// A character as `%#U` prints it.
fn code_point(c: char) -> String {
    if is_printable(c) {
        format!("U+{:04X} '{c}'", c as u32)
    } else {
        format!("U+{:04X}", c as u32)
    }
}

pub(super) struct Lexer<'t> {
    input: &'t str,
    /// Where the token begins.
    start: usize,
    pos: usize,
    /// Line of the start.
    line: usize,
    /// Up to where lines are counted.
    counted: usize,
    in_action: bool,
    parens: usize,
    failed: bool,
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// `- ` behind an opening delimiter.
fn trims_left(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next() == Some('-') && chars.next().is_some_and(is_space)
}

/// Length of a closing delimiter, and whether it trims.
fn right_delimiter(text: &str) -> Option<(usize, bool)> {
    if text.starts_with("}}") {
        return Some((2, false));
    }
    let trims = text.starts_with(is_space) && text[1..].starts_with("-}}");
    trims.then_some((4, true))
}

impl<'t> Lexer<'t> {
    pub(super) fn new(input: &'t str) -> Lexer<'t> {
        Lexer {
            input,
            start: 0,
            pos: 0,
            line: 1,
            counted: 0,
            in_action: false,
            parens: 0,
            failed: false,
        }
    }

    fn rest(&self) -> &'t str {
        &self.input[self.pos..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        Some(c)
    }

    fn count_lines(&mut self) {
        let passed = &self.input.as_bytes()[self.counted..self.start];
        self.line += passed.iter().filter(|b| **b == b'\n').count();
        self.counted = self.start;
    }

    fn token(&mut self, kind: Kind) -> Token<'t> {
        self.count_lines();
        let token = Token {
            kind,
            at: self.start,
            text: Cow::Borrowed(&self.input[self.start..self.pos]),
            line: self.line,
        };
        self.start = self.pos;
        token
    }

    fn error(&mut self, message: impl Into<String>) -> Token<'t> {
        self.count_lines();
        self.failed = true;
        Token {
            kind: Kind::Error,
            at: self.start,
            text: Cow::Owned(message.into()),
            line: self.line,
        }
    }

    pub(super) fn next(&mut self) -> Token<'t> {
        if self.failed {
            return self.error("unclosed action");
        }
        if self.in_action {
            self.inside_action()
        } else {
            self.text()
        }
    }

    fn text(&mut self) -> Token<'t> {
        loop {
            let Some(len) = self.rest().find("{{") else {
                self.pos = self.input.len();
                let kind = if self.pos > self.start {
                    Kind::Text
                } else {
                    Kind::Eof
                };
                return self.token(kind);
            };
            let open = self.pos + len;
            let trims = trims_left(&self.input[open + 2..]);
            let mut text = &self.input[self.pos..open];
            if trims {
                text = text.trim_end_matches(is_space);
            }
            if !text.is_empty() {
                self.pos += text.len();
                let token = self.token(Kind::Text);
                self.pos = open;
                self.start = open;
                return token;
            }
            self.start = open;
            self.pos = open + 2;
            let marker = if trims { 2 } else { 0 };
            if !self.input[self.pos + marker..].starts_with("/*") {
                let token = self.token(Kind::LeftDelim);
                self.pos += marker;
                self.start = self.pos;
                self.in_action = true;
                self.parens = 0;
                return token;
            }
            self.pos += marker;
            self.start = self.pos;
            if let Some(message) = self.comment() {
                return self.error(message);
            }
        }
    }

    /// Skips a comment with its closing delimiter.
    fn comment(&mut self) -> Option<&'static str> {
        let Some(len) = self.rest()[2..].find("*/") else {
            return Some("unclosed comment");
        };
        self.pos += len + 4;
        let Some((len, trims)) = right_delimiter(self.rest()) else {
            return Some("comment ends before closing delimiter");
        };
        self.close(len, trims);
        None
    }

    /// Goes past a closing delimiter and the space that it trims.
    fn close(&mut self, len: usize, trims: bool) {
        self.pos += len;
        if trims {
            let rest = self.rest();
            self.pos += rest.len() - rest.trim_start_matches(is_space).len();
        }
        self.start = self.pos;
    }

    fn inside_action(&mut self) -> Token<'t> {
        if let Some((len, trims)) = right_delimiter(self.rest()) {
            return self.right_delimiter(len, trims);
        }
        let Some(c) = self.bump() else {
            return self.error("unclosed action");
        };
        match c {
            c if is_space(c) => self.spaces(),
            '=' => self.token(Kind::Assign),
            ':' => match self.bump() {
                Some('=') => self.token(Kind::Declare),
                _ => self.error("expected :="),
            },
            '|' => self.token(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => match self.rest().find('`') {
                Some(len) => {
                    self.pos += len + 1;
                    self.token(Kind::RawString)
                }
                None => self.error("unterminated raw quoted string"),
            },
            '$' => self.field(Kind::Variable),
            // At the end of the text Go takes a dot for a number.
            '.' if self.peek().is_some_and(|c| !c.is_ascii_digit()) => self.field(Kind::Field),
            '.' | '+' | '-' | '0'..='9' => {
                self.pos = self.start;
                self.number()
            }
            c if is_alphanumeric(c) => self.identifier(),
            '(' => {
                self.parens += 1;
                self.token(Kind::LeftParen)
            }
            ')' if self.parens == 0 => self.error("unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.token(Kind::RightParen)
            }
            ' '..='~' => self.token(Kind::Char),
            c => self.error(format!(
                "unrecognized character in action: {}",
                code_point(c)
            )),
        }
    }

    fn right_delimiter(&mut self, len: usize, trims: bool) -> Token<'t> {
        if self.parens > 0 {
            return self.error("unclosed left paren");
        }
        if trims {
            self.start += 2;
        }
        let start = self.pos;
        self.pos += len;
        let token = self.token(Kind::RightDelim);
        self.pos = start;
        self.close(len, trims);
        self.in_action = false;
        token
    }

    /// A run of spaces, without the one that a closing delimiter has before its marker.
    fn spaces(&mut self) -> Token<'t> {
        while self.peek().is_some_and(is_space) {
            self.pos += 1;
        }
        let last = self.pos - 1;
        if let Some((len, trims @ true)) = right_delimiter(&self.input[last..]) {
            self.pos = last;
            if last == self.start {
                return self.right_delimiter_here(len, trims);
            }
        }
        self.token(Kind::Space)
    }

    /// The delimiter closes the action even where a parenthesis is open, as in Go.
    fn right_delimiter_here(&mut self, len: usize, trims: bool) -> Token<'t> {
        self.parens = 0;
        self.right_delimiter(len, trims)
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(c) => is_space(c) || self.rest().starts_with("}}"),
        }
    }

    /// A name is over: what follows must be something that ends it.
    fn end_of_name(&mut self, kind: Kind) -> Token<'t> {
        while self.peek().is_some_and(is_alphanumeric) {
            self.bump();
        }
        match self.peek() {
            Some(c) if !self.at_terminator() => {
                self.error(format!("bad character {}", code_point(c)))
            }
            _ => self.token(kind),
        }
    }

    fn identifier(&mut self) -> Token<'t> {
        let mut token = self.end_of_name(Kind::Identifier);
        if token.kind == Kind::Identifier {
            let keyword = KEYWORDS.iter().find(|(word, _)| *word == token.text);
            token.kind = match keyword {
                Some((_, kind)) => *kind,
                None if matches!(token.source(), "true" | "false") => Kind::Boolean,
                None => Kind::Identifier,
            };
        }
        token
    }

    fn field(&mut self, kind: Kind) -> Token<'t> {
        if self.at_terminator() {
            return self.token(if kind == Kind::Field { Kind::Dot } else { kind });
        }
        self.end_of_name(kind)
    }

    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &str) -> Token<'t> {
        loop {
            match self.bump() {
                Some('\\') if self.peek().is_some_and(|c| c != '\n') => {
                    self.bump();
                }
                None | Some('\\' | '\n') => return self.error(unterminated),
                Some(c) if c == quote => return self.token(kind),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Token<'t> {
        let good = self.scan_number();
        let complex = good && matches!(self.peek(), Some('+' | '-'));
        let good = match complex {
            true => self.scan_number() && self.input[..self.pos].ends_with('i'),
            false => good,
        };
        if !good {
            let text = quoted(&self.input[self.start..self.pos]);
            return self.error(format!("bad number syntax: {text}"));
        }
        self.token(if complex { Kind::Complex } else { Kind::Number })
    }

    fn accept(&mut self, chars: &[char]) -> bool {
        let found = self.peek().is_some_and(|c| chars.contains(&c));
        if found {
            self.bump();
        }
        found
    }

    fn accept_digits(&mut self, radix: u32) {
        while self.peek().is_some_and(|c| c == '_' || c.is_digit(radix)) {
            self.bump();
        }
    }

    /// Roughly a number; whether it is one is looked at later.
    fn scan_number(&mut self) -> bool {
        self.accept(&['+', '-']);
        let mut radix = 10;
        if self.accept(&['0']) {
            if self.accept(&['x', 'X']) {
                radix = 16;
            } else if self.accept(&['o', 'O']) {
                radix = 8;
            } else if self.accept(&['b', 'B']) {
                radix = 2;
            }
        }
        self.accept_digits(radix);
        if self.accept(&['.']) {
            self.accept_digits(radix);
        }
        let exponent: &[char] = match radix {
            10 => &['e', 'E'],
            16 => &['p', 'P'],
            _ => &[],
        };
        if self.accept(exponent) {
            self.accept(&['+', '-']);
            self.accept_digits(10);
        }
        self.accept(&['i']);
        if self.peek().is_some_and(is_alphanumeric) {
            self.bump();
            return false;
        }
        true
    }
}
