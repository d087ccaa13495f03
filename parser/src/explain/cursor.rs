//! Reading tokens one at a time, with OPA's complaints about characters.
//!
//! Unlike [`crate::lexer`] this reader goes on after an error, can be set back, and knows the
//! position in the way OPA counts it, because all of that shows in OPA's messages.

use std::rc::Rc;

use regovm_core::Span;

use crate::lexer::keyword::{Keyword, KeywordSet};

/// A token as OPA knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // Each is what `name` says.
pub enum Tok {
    Illegal,
    Eof,
    Whitespace,
    Ident,
    Comment,
    Key(Keyword),
    Number,
    String,
    /// `true`: the last part; second `true`: in back quotes.
    Template(bool, bool),
    LBracket,
    RBracket,
    LBrace,
    RBrace,
    LParen,
    RParen,
    Comma,
    Colon,
    Plus,
    Minus,
    Mul,
    Div,
    Rem,
    And,
    Or,
    Unify,
    Equal,
    Assign,
    Neq,
    Gt,
    Lt,
    Gte,
    Lte,
    Dot,
    Semicolon,
}

impl Tok {
    /// The word by which messages call the token.
    pub fn name(self) -> &'static str {
        match self {
            Tok::Illegal => "illegal",
            Tok::Eof => "eof",
            Tok::Whitespace => "whitespace",
            Tok::Ident => "identifier",
            Tok::Comment => "comment",
            Tok::Key(keyword) => keyword.text(),
            Tok::Number => "number",
            Tok::String => "string",
            Tok::Template(false, false) => "template-string-part",
            Tok::Template(true, false) => "template-string-end",
            Tok::Template(false, true) => "raw-template-string-part",
            Tok::Template(true, true) => "raw-template-string-end",
            Tok::LBracket => "[",
            Tok::RBracket => "]",
            Tok::LBrace => "{",
            Tok::RBrace => "}",
            Tok::LParen => "(",
            Tok::RParen => ")",
            Tok::Comma => ",",
            Tok::Colon => ":",
            Tok::Plus => "plus",
            Tok::Minus => "minus",
            Tok::Mul => "mul",
            Tok::Div => "div",
            Tok::Rem => "rem",
            Tok::And => "and",
            Tok::Or => "or",
            Tok::Unify => "eq",
            Tok::Equal => "equal",
            Tok::Assign => "assign",
            Tok::Neq => "neq",
            Tok::Gt => "gt",
            Tok::Lt => "lt",
            Tok::Gte => "gte",
            Tok::Lte => "lte",
            Tok::Dot => ".",
            Tok::Semicolon => ";",
        }
    }
}

/// A complaint of OPA's parser.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The text with hints.
    pub message: String,
    /// The place.
    pub span: Span,
}

/// Where reading stands. Cheap to copy, so that an attempt can be taken back.
#[derive(Clone, Debug)]
pub struct State {
    /// The token that is looked at.
    pub tok: Tok,
    /// Byte range of the token.
    pub start: usize,
    /// After the token.
    pub end: usize,
    /// End of the token before, spaces aside.
    pub last_end: usize,
    /// A line ended before the token.
    pub skipped_newline: bool,
    /// What was found wrong so far on this attempt.
    pub faults: Rc<Vec<Fault>>,
    /// Hints for the next complaint.
    pub hints: Rc<Vec<String>>,
    /// Next byte to read.
    at: usize,
    /// Complaints about characters that belong to the next token.
    pending: Vec<&'static str>,
}

/// The reader.
#[derive(Debug)]
pub struct Cursor<'a> {
    /// The whole text.
    pub text: &'a str,
    /// Global position of its first byte.
    pub base: u32,
    /// Words that are keywords now.
    pub keywords: KeywordSet,
    /// Where it stands.
    pub s: State,
}

impl<'a> Cursor<'a> {
    /// A reader at the start of a text.
    pub fn new(text: &'a str, base: u32, keywords: KeywordSet) -> Cursor<'a> {
        let s = State {
            tok: Tok::Illegal,
            start: 0,
            end: 0,
            last_end: 0,
            skipped_newline: false,
            faults: Rc::default(),
            hints: Rc::default(),
            at: 0,
            pending: Vec::new(),
        };
        let mut cursor = Cursor {
            text,
            base,
            keywords,
            s,
        };
        if text.starts_with('\u{feff}') {
            cursor.s.at = '\u{feff}'.len_utf8();
        }
        cursor.prime();
        cursor
    }

    /// The text of the token.
    pub fn word(&self) -> &'a str {
        self.text.get(self.s.start..self.s.end).unwrap_or("")
    }

    /// The place of the token.
    pub fn span(&self) -> Span {
        self.span_of(self.s.start, self.s.end)
    }

    /// The place of two offsets.
    pub fn span_of(&self, start: usize, end: usize) -> Span {
        Span::new(self.base + start as u32, self.base + end.max(start) as u32)
    }

    /// Complains at a place, with the hints that were given.
    pub fn fault(&mut self, span: Span, message: impl Into<String>) {
        let mut message = message.into();
        match &self.s.hints[..] {
            [] => {}
            [hint] => message = format!("{message} (hint: {hint})"),
            hints => message = format!("{message} (hints: {})", hints.join(", ")),
        }
        self.s.hints = Rc::default();
        Rc::make_mut(&mut self.s.faults).push(Fault { message, span });
    }

    /// A hint for the next complaint.
    pub fn hint(&mut self, hint: impl Into<String>) {
        Rc::make_mut(&mut self.s.hints).push(hint.into());
    }

    /// Complains about the token.
    pub fn illegal(&mut self, note: &str) {
        let span = self.span();
        if self.s.tok == Tok::Illegal {
            return self.fault(span, "illegal token");
        }
        let kind = if matches!(self.s.tok, Tok::Key(_)) {
            "keyword"
        } else {
            "token"
        };
        let name = self.s.tok.name();
        if note.is_empty() {
            self.fault(span, format!("unexpected {name} {kind}"));
        } else {
            self.fault(span, format!("unexpected {name} {kind}: {note}"));
        }
    }

    /// Moves to the next token that is no space.
    pub fn scan(&mut self) {
        self.advance(true, None);
    }

    /// Moves to the next token; a space is one.
    pub fn scan_space(&mut self) {
        self.advance(false, None);
    }

    /// Goes on with a template string after a hole.
    pub fn scan_template(&mut self, raw: bool) {
        self.advance(false, Some(raw));
    }

    fn advance(&mut self, skip_space: bool, template: Option<bool>) {
        if self.s.tok != Tok::Whitespace {
            self.s.last_end = self.s.end;
            self.s.skipped_newline = false;
        }
        loop {
            self.s.start = self.s.at;
            self.s.tok = match template {
                Some(raw) => self.template(raw),
                None => self.token(),
            };
            self.s.end = self.s.at;
            let pending = std::mem::take(&mut self.s.pending);
            if !pending.is_empty() {
                let span = self.span();
                for message in pending {
                    self.fault(span, message);
                }
                self.s.tok = Tok::Illegal;
            }
            if self.s.tok == Tok::Whitespace {
                if self.word() == "\n" {
                    self.s.skipped_newline = true;
                }
                if skip_space {
                    continue;
                }
            }
            if self.s.tok != Tok::Comment {
                return;
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.s.at..].chars().next()
    }

    /// Looks at the next character; what is wrong with it belongs to the token that ends before it.
    fn prime(&mut self) {
        match self.peek() {
            Some('\0') => self.s.pending.push("illegal null character"),
            Some('\u{feff}') if self.s.at > 0 => self.s.pending.push("illegal byte-order mark"),
            _ => {}
        }
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.s.at += c.len_utf8();
        self.prime();
        Some(c)
    }

    fn bump_if(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.bump();
        }
        found
    }

    fn token(&mut self) -> Tok {
        let Some(c) = self.peek() else {
            return Tok::Eof;
        };
        if c.is_ascii_alphabetic() || c == '_' {
            self.identifier();
            let word = &self.text[self.s.start..self.s.at];
            return match Keyword::of(word) {
                Some(keyword) if self.keywords.has(keyword) => Tok::Key(keyword),
                _ => Tok::Ident,
            };
        }
        if c.is_ascii_digit() {
            self.number();
            return Tok::Number;
        }
        self.bump();
        match c {
            ' ' | '\t' | '\n' | '\r' => Tok::Whitespace,
            '#' => {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.bump();
                }
                Tok::Comment
            }
            '"' => {
                self.string();
                Tok::String
            }
            '`' => {
                loop {
                    match self.bump() {
                        Some('`') => break,
                        Some(_) => {}
                        None => {
                            self.s.pending.push("non-terminated string");
                            break;
                        }
                    }
                }
                Tok::String
            }
            '[' => Tok::LBracket,
            ']' => Tok::RBracket,
            '{' => Tok::LBrace,
            '}' => Tok::RBrace,
            '(' => Tok::LParen,
            ')' => Tok::RParen,
            ',' => Tok::Comma,
            ':' if self.bump_if('=') => Tok::Assign,
            ':' => Tok::Colon,
            '+' => Tok::Plus,
            '-' => Tok::Minus,
            '*' => Tok::Mul,
            '/' => Tok::Div,
            '%' => Tok::Rem,
            '&' => Tok::And,
            '|' => Tok::Or,
            '=' if self.bump_if('=') => Tok::Equal,
            '=' => Tok::Unify,
            '>' if self.bump_if('=') => Tok::Gte,
            '>' => Tok::Gt,
            '<' if self.bump_if('=') => Tok::Lte,
            '<' => Tok::Lt,
            '!' if self.bump_if('=') => Tok::Neq,
            '!' => {
                self.s.pending.push("illegal ! character");
                Tok::Illegal
            }
            '\u{a0}' => {
                self.s
                    .pending
                    .push("illegal non-breaking space character, use a regular space instead");
                Tok::Illegal
            }
            ';' => Tok::Semicolon,
            '.' => Tok::Dot,
            '$' => match self.peek() {
                Some(quote @ ('`' | '"')) => {
                    self.bump();
                    self.template(quote == '`')
                }
                _ => {
                    self.s.pending.push("illegal $ character");
                    Tok::Illegal
                }
            },
            _ => Tok::Illegal,
        }
    }

    fn identifier(&mut self) {
        while self.peek().is_some_and(is_word_character) {
            self.bump();
        }
    }

    fn digits(&mut self) -> bool {
        let start = self.s.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.bump();
        }
        self.s.at > start
    }

    fn number(&mut self) {
        self.digits();
        if self.bump_if('.') && !self.digits() {
            self.s.pending.push("expected fraction");
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            self.bump();
            if matches!(self.peek(), Some('+' | '-')) {
                self.bump();
            }
            if !self.digits() {
                self.s.pending.push("expected exponent");
            }
        }
        if self
            .peek()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        {
            self.s.pending.push("illegal number format");
            self.identifier();
        }
    }

    fn string(&mut self) {
        loop {
            match self.peek() {
                None | Some('\n') => {
                    self.s.pending.push("non-terminated string");
                    return;
                }
                Some('"') => {
                    self.bump();
                    return;
                }
                Some('\\') => {
                    self.bump();
                    self.escape(false);
                }
                Some(_) => {
                    self.bump();
                }
            }
        }
    }

    fn escape(&mut self, template: bool) {
        match self.peek() {
            Some('\\' | '"' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => {
                self.bump();
            }
            Some('{') if template => {
                self.bump();
            }
            Some('u') => {
                // OPA skips `u` and three characters, whatever they are; the fourth is read as any
                // other.
                for _ in 0..4 {
                    self.bump();
                }
            }
            _ => self.s.pending.push("illegal escape sequence"),
        }
    }

    fn template(&mut self, raw: bool) -> Tok {
        loop {
            let Some(c) = self.peek() else {
                self.s.pending.push("non-terminated string");
                return Tok::Template(false, raw);
            };
            if c == '\n' && !raw {
                self.s.pending.push("non-terminated string");
                return Tok::Template(false, raw);
            }
            self.bump();
            match c {
                '"' if !raw => return Tok::Template(true, raw),
                '`' if raw => return Tok::Template(true, raw),
                '{' => return Tok::Template(false, raw),
                '\\' if raw => {
                    self.bump_if('{');
                }
                '\\' => self.escape(true),
                _ => {}
            }
        }
    }
}

fn is_word_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii() && c.is_numeric() && is_decimal(c)
}

/// Decimal digits of other scripts come in runs of ten.
fn is_decimal(c: char) -> bool {
    // General category Nd: the alphabetic and letter-like numbers are no decimals.
    !c.is_alphabetic() && !matches!(c, '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{bc}'..='\u{be}')
}
