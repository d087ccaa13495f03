//! Reading JSON straight into an arena.

use crate::value::{Arena, MemoryExceeded, ObjectBuilder, Value, number};

/// How to read.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// How deep arrays and objects may nest.
    pub max_depth: usize,
}

impl Default for ReadOptions {
    fn default() -> ReadOptions {
        ReadOptions { max_depth: 10_000 }
    }
}

/// Why a text is no JSON, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JsonError {
    /// Byte offset.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub col: usize,
    /// What is wrong, in the words of Go's decoder where it has words for it.
    pub message: String,
    /// The arena's limit was reached.
    pub memory: Option<MemoryExceeded>,
}

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.col, self.message)
    }
}

impl std::error::Error for JsonError {}

/// Reads a text; strings are copied into the arena.
pub fn read<'a>(
    text: &[u8],
    arena: &'a Arena,
    options: ReadOptions,
) -> Result<Value<'a>, JsonError> {
    Reader {
        text,
        at: 0,
        arena,
        options,
        borrow: |_, _| None,
    }
    .document()
}

/// Reads a text that lives as long as the arena's values: strings without escapes borrow it.
pub fn read_borrowed<'a>(
    text: &'a [u8],
    arena: &'a Arena,
    options: ReadOptions,
) -> Result<Value<'a>, JsonError> {
    let borrow = |start, end| {
        text.get(start..end)
            .and_then(|raw| std::str::from_utf8(raw).ok())
    };
    Reader {
        text,
        at: 0,
        arena,
        options,
        borrow,
    }
    .document()
}

struct Reader<'a, 't, B> {
    text: &'t [u8],
    at: usize,
    arena: &'a Arena,
    options: ReadOptions,
    /// The text between two offsets for as long as the arena lives, if it lives so long.
    borrow: B,
}

enum Open<'a> {
    Array(usize),
    Object(ObjectBuilder<'a>, Value<'a>),
}

impl<'a, B: Fn(usize, usize) -> Option<&'a str>> Reader<'a, '_, B> {
    fn error<T>(&self, at: usize, message: impl Into<String>) -> Result<T, JsonError> {
        let before = &self.text[..at.min(self.text.len())];
        let line_start = before
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |i| i + 1);
        Err(JsonError {
            offset: at,
            line: before.iter().filter(|b| **b == b'\n').count() + 1,
            col: before.len() - line_start + 1,
            message: message.into(),
            memory: None,
        })
    }

    fn memory<T>(&self, result: Result<T, MemoryExceeded>) -> Result<T, JsonError> {
        result.or_else(|exceeded| {
            self.error(self.at, exceeded.to_string())
                .map_err(|error| JsonError {
                    memory: Some(exceeded),
                    ..error
                })
        })
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    fn unexpected<T>(&self, context: &str) -> Result<T, JsonError> {
        match self.text.get(self.at) {
            None => self.error(self.at, "unexpected end of JSON input"),
            Some(byte) => self.error(
                self.at,
                format!("invalid character {} {context}", quote(*byte)),
            ),
        }
    }

    fn document(mut self) -> Result<Value<'a>, JsonError> {
        let value = self.value()?;
        self.space();
        if self.at < self.text.len() {
            return self.unexpected("after top-level value");
        }
        Ok(value)
    }

    fn value(&mut self) -> Result<Value<'a>, JsonError> {
        let mut open: Vec<Open<'a>> = Vec::new();
        let mut done: Vec<Value<'a>> = Vec::new();
        'value: loop {
            self.memory(self.arena.check())?;
            self.space();
            let mut value = match self.text.get(self.at) {
                Some(b'[') => {
                    self.enter(open.len())?;
                    self.space();
                    if self.text.get(self.at) != Some(&b']') {
                        open.push(Open::Array(done.len()));
                        continue 'value;
                    }
                    self.at += 1;
                    self.arena.array(&[])
                }
                Some(b'{') => {
                    self.enter(open.len())?;
                    self.space();
                    if self.text.get(self.at) != Some(&b'}') {
                        let key = self.key()?;
                        open.push(Open::Object(ObjectBuilder::new(), key));
                        continue 'value;
                    }
                    self.at += 1;
                    self.arena.object_from([])
                }
                Some(b'"') => self.string()?,
                Some(b't') => self.word("true", Value::TRUE)?,
                Some(b'f') => self.word("false", Value::FALSE)?,
                Some(b'n') => self.word("null", Value::NULL)?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => return self.unexpected("looking for beginning of value"),
            };
            // The value is complete: put it where it belongs, and close what it completes.
            loop {
                self.space();
                let byte = self.text.get(self.at).copied();
                match open.last_mut() {
                    None => return Ok(value),
                    Some(Open::Array(base)) => {
                        done.push(value);
                        match byte {
                            Some(b',') => {
                                self.at += 1;
                                continue 'value;
                            }
                            Some(b']') => {
                                self.at += 1;
                                let base = *base;
                                let size = size_of_val(&done[base..]);
                                self.memory(self.arena.reserve(size))?;
                                value = self.arena.array(&done[base..]);
                                done.truncate(base);
                                open.pop();
                            }
                            _ => return self.unexpected("after array element"),
                        }
                    }
                    Some(Open::Object(builder, key)) => {
                        let inserted = builder.insert(self.arena, *key, value);
                        self.memory(inserted)?;
                        match byte {
                            Some(b',') => {
                                self.at += 1;
                                self.space();
                                *key = self.key()?;
                                continue 'value;
                            }
                            Some(b'}') => {
                                self.at += 1;
                                let Some(Open::Object(builder, _)) = open.pop() else {
                                    continue 'value;
                                };
                                value = builder.finish(self.arena);
                            }
                            _ => return self.unexpected("after object key:value pair"),
                        }
                    }
                }
            }
        }
    }

    fn enter(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth >= self.options.max_depth {
            return self.error(self.at, "exceeded max depth");
        }
        self.at += 1;
        Ok(())
    }

    fn key(&mut self) -> Result<Value<'a>, JsonError> {
        if self.text.get(self.at) != Some(&b'"') {
            return self.unexpected("looking for beginning of object key string");
        }
        let key = self.string()?;
        self.space();
        if self.text.get(self.at) != Some(&b':') {
            return self.unexpected("after object key");
        }
        self.at += 1;
        Ok(key)
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, JsonError> {
        for (i, expected) in word.bytes().enumerate() {
            if self.text.get(self.at) != Some(&expected) {
                return self.unexpected(&format!(
                    "in literal {word} (expecting {})",
                    quote(word.as_bytes()[i])
                ));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self, context: &str) -> Result<(), JsonError> {
        if !self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            return self.unexpected(context);
        }
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value<'a>, JsonError> {
        let start = self.at;
        if self.text.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        let text = std::str::from_utf8(&self.text[start..self.at]).unwrap_or("0");
        if number::is_too_big(text) {
            return self.error(start, "invalid number: number too big");
        }
        self.memory(self.arena.reserve(text.len()))?;
        Ok(match (self.borrow)(start, self.at) {
            Some(text) => self.arena.number_trusted_ref(text),
            None => self.arena.number_trusted(text),
        })
    }

    fn string(&mut self) -> Result<Value<'a>, JsonError> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => return self.escaped(start),
                Some(0..0x20) => return self.unexpected("in string literal"),
                Some(_) => self.at += 1,
                None => return self.unexpected(""),
            }
        }
        let end = self.at;
        self.at += 1;
        if let Some(text) = (self.borrow)(start, end) {
            return Ok(self.arena.string_ref(text));
        }
        self.memory(self.arena.reserve(end - start))?;
        let text = lossy(&self.text[start..end]);
        Ok(self.arena.string(&text))
    }

    /// A string with escapes; `start` is behind the quote, `at` at the first backslash.
    fn escaped(&mut self, start: usize) -> Result<Value<'a>, JsonError> {
        let mut out = String::new();
        let mut from = start;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => {
                    out.push_str(&lossy(&self.text[from..self.at]));
                    self.at += 1;
                    self.memory(self.arena.reserve(out.len()))?;
                    return Ok(self.arena.string(&out));
                }
                Some(b'\\') => {
                    out.push_str(&lossy(&self.text[from..self.at]));
                    self.at += 1;
                    self.escape(&mut out)?;
                    from = self.at;
                }
                Some(0..0x20) => return self.unexpected("in string literal"),
                Some(_) => self.at += 1,
                None => return self.unexpected(""),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), JsonError> {
        let c = match self.text.get(self.at) {
            Some(c @ (b'"' | b'\\' | b'/')) => *c as char,
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                let first = self.hex4()?;
                if let 0xD800..0xDC00 = first
                    && self.text[self.at..].starts_with(b"\\u")
                {
                    let back = self.at;
                    self.at += 2;
                    let second = self.hex4()?;
                    if let 0xDC00..0xE000 = second {
                        let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                        out.push(char::from_u32(code).unwrap_or('\u{FFFD}'));
                        return Ok(());
                    }
                    self.at = back;
                }
                out.push(char::from_u32(first).unwrap_or('\u{FFFD}'));
                return Ok(());
            }
            _ => return self.unexpected("in string escape code"),
        };
        self.at += 1;
        out.push(c);
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self
                .text
                .get(self.at)
                .and_then(|c| (*c as char).to_digit(16));
            let Some(digit) = digit else {
                return self.unexpected("in \\u hexadecimal character escape");
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}

/// A byte in quotes as Go's decoder writes it.
fn quote(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_string(),
        b'"' => "'\"'".to_string(),
        b'\n' => r"'\n'".to_string(),
        b'\r' => r"'\r'".to_string(),
        b'\t' => r"'\t'".to_string(),
        b'\\' => r"'\\'".to_string(),
        0..0x20 | 0x7f => format!("'\\x{byte:02x}'"),
        _ => format!("'{}'", byte as char),
    }
}

/// Text from bytes: every byte that is no UTF-8 becomes U+FFFD, as Go's decoder has it.
fn lossy(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(std::iter::repeat_n('\u{FFFD}', chunk.invalid().len()));
    }
    out.into()
}
