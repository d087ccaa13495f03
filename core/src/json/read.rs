//! Reading JSON straight into an arena.

use std::borrow::Cow;

use crate::value::{
    Arena, Claim, MemoryExceeded, NodeId, ObjectBuilder, Scratch, Shapes, Value, number,
};
use crate::work;

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
    let utf8 = std::str::from_utf8(text).ok();
    Reader {
        text,
        utf8,
        borrow: None,
        at: 0,
        arena,
        options,
    }
    .document()
}

/// Reads a text that lives as long as the arena's values: strings without escapes borrow it.
pub fn read_borrowed<'a>(
    text: &'a [u8],
    arena: &'a Arena,
    options: ReadOptions,
) -> Result<Value<'a>, JsonError> {
    let utf8 = std::str::from_utf8(text).ok();
    Reader {
        text,
        utf8,
        borrow: utf8,
        at: 0,
        arena,
        options,
    }
    .document()
}

struct Reader<'a, 't> {
    text: &'t [u8],
    /// The text, if it is UTF-8.
    utf8: Option<&'t str>,
    /// The text, if it is UTF-8 and lives as long as the values.
    borrow: Option<&'a str>,
    at: usize,
    arena: &'a Arena,
    options: ReadOptions,
}

/// A collection that is being read. Its values so far lie on the stack of values from `base` on,
/// those of a dictionary in its builder.
enum Open<'a> {
    /// `of` is the key whose value the array is, or lies in.
    Array {
        base: usize,
        of: NodeId,
    },
    Object {
        base: usize,
        node: NodeId,
    },
    Dictionary {
        members: Box<ObjectBuilder<'a>>,
        key: Value<'a>,
    },
}

/// A member's key.
enum Key<'a> {
    /// The shape goes on.
    Shaped(NodeId),
    /// No shape has this key in this place.
    Other(Value<'a>),
}

type Values<'a> = Scratch<'a, [Value<'a>; 32]>;

impl<'a, 't> Reader<'a, 't> {
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

    #[inline]
    fn memory<T>(&self, result: Result<T, MemoryExceeded>) -> Result<T, JsonError> {
        result.or_else(|exceeded| {
            self.error(self.at, exceeded.to_string())
                .map_err(|error| JsonError {
                    memory: Some(exceeded),
                    ..error
                })
        })
    }

    /// Fails if there is no point in going on; whoever watches knows why.
    #[inline]
    fn go_on(&self, pieces: u64) -> Result<(), JsonError> {
        if work::effort(pieces) {
            Ok(())
        } else {
            self.error(self.at, "stopped")
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[cold]
    fn unexpected<T>(&self, context: &str) -> Result<T, JsonError> {
        match self.peek() {
            None => self.error(self.at, "unexpected end of JSON input"),
            Some(byte) => self.error(
                self.at,
                format!("invalid character {} {context}", quote(byte)),
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
        let mut values = Values::default();
        'value: loop {
            self.memory(self.arena.check())?;
            self.go_on(4)?;
            self.space();
            let mut value = match self.peek() {
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b'{') => {
                    self.enter(open.len())?;
                    self.space();
                    if self.peek() != Some(b'}') {
                        let base = values.len();
                        let node = NodeId::ROOT;
                        match self.first_key(inside(&open))? {
                            Key::Shaped(node) => open.push(Open::Object { base, node }),
                            Key::Other(key) => {
                                open.push(self.dictionary(node, &mut values, base, key)?);
                            }
                        }
                        continue 'value;
                    }
                    self.at += 1;
                    self.arena.record(&[])
                }
                Some(b'[') => {
                    self.enter(open.len())?;
                    self.space();
                    if self.peek() != Some(b']') {
                        open.push(Open::Array {
                            base: values.len(),
                            of: inside(&open),
                        });
                        continue 'value;
                    }
                    self.at += 1;
                    self.arena.array(&[])
                }
                Some(b't') => self.word("true", Value::TRUE)?,
                Some(b'f') => self.word("false", Value::FALSE)?,
                Some(b'n') => self.word("null", Value::NULL)?,
                _ => return self.unexpected("looking for beginning of value"),
            };
            // The value is complete: put it where it belongs, and close what it completes.
            loop {
                self.space();
                let Some(top) = open.last_mut() else {
                    return Ok(value);
                };
                match (top, self.peek()) {
                    (Open::Array { .. }, Some(b',')) => {
                        self.at += 1;
                        self.memory(values.push(self.arena, value))?;
                        continue 'value;
                    }
                    (Open::Object { base, node }, Some(b',')) => {
                        let (base, before) = (*base, *node);
                        self.at += 1;
                        self.memory(values.push(self.arena, value))?;
                        self.space();
                        let next = match self.key(before)? {
                            Key::Shaped(node) => Open::Object { base, node },
                            Key::Other(key) => self.dictionary(before, &mut values, base, key)?,
                        };
                        open.pop();
                        open.push(next);
                        continue 'value;
                    }
                    (Open::Dictionary { members, key }, Some(b',')) => {
                        self.at += 1;
                        self.memory(members.insert(self.arena, *key, value))?;
                        self.space();
                        *key = self.any_key()?;
                        continue 'value;
                    }
                    (Open::Array { base, .. }, Some(b']')) => {
                        let base = *base;
                        self.at += 1;
                        self.memory(values.push(self.arena, value))?;
                        let elements = &values.as_slice()[base..];
                        self.memory(self.arena.reserve(size_of_val(elements)))?;
                        value = self.arena.array(elements);
                        values.truncate(base);
                    }
                    (Open::Object { base, node }, Some(b'}')) => {
                        let base = *base;
                        self.at += 1;
                        self.memory(values.push(self.arena, value))?;
                        let members = &values.as_slice()[base..];
                        value = self.arena.shaped(*node, members.iter().copied());
                        values.truncate(base);
                    }
                    (Open::Dictionary { members, key }, Some(b'}')) => {
                        self.at += 1;
                        self.memory(members.insert(self.arena, *key, value))?;
                        value = std::mem::take(&mut **members).finish(self.arena);
                    }
                    (Open::Array { .. }, _) => return self.unexpected("after array element"),
                    _ => return self.unexpected("after object key:value pair"),
                }
                open.pop();
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

    /// Turns an object that has no shape any more into a dictionary.
    #[cold]
    fn dictionary(
        &self,
        node: NodeId,
        values: &mut Values<'a>,
        base: usize,
        key: Value<'a>,
    ) -> Result<Open<'a>, JsonError> {
        let mut members = Box::new(ObjectBuilder::new());
        let keys = self.arena.shape_keys(node);
        for (key, value) in keys.into_iter().zip(&values.as_slice()[base..]) {
            self.memory(members.insert(self.arena, key, *value))?;
        }
        values.truncate(base);
        Ok(Open::Dictionary { members, key })
    }

    /// The node behind a key that was foreseen and its colon.
    #[inline]
    fn foreseen(
        &mut self,
        guess: impl FnOnce(&Shapes, &[u8]) -> Option<(NodeId, usize)>,
    ) -> Result<Option<NodeId>, JsonError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if let Some((b'"', rest)) = rest.split_first()
            && let Some((next, len)) = guess(&self.arena.shapes().borrow(), rest)
        {
            self.at += 1 + len;
            self.colon()?;
            return Ok(Some(next));
        }
        Ok(None)
    }

    /// A key and the colon behind it, in an object that is at a node of the tree of shapes.
    #[inline]
    fn key(&mut self, node: NodeId) -> Result<Key<'a>, JsonError> {
        match self.foreseen(|shapes, rest| shapes.predict(node, rest))? {
            Some(next) => Ok(Key::Shaped(next)),
            None => self.new_key(node),
        }
    }

    /// The first key of an object, and the colon behind it.
    #[inline]
    fn first_key(&mut self, of: NodeId) -> Result<Key<'a>, JsonError> {
        if let Some(next) = self.foreseen(|shapes, rest| shapes.predict_first(of, rest))? {
            return Ok(Key::Shaped(next));
        }
        let key = self.new_key(NodeId::ROOT)?;
        if let Key::Shaped(first) = key {
            self.arena.shapes().borrow_mut().began(of, first);
        }
        Ok(key)
    }

    fn new_key(&mut self, node: NodeId) -> Result<Key<'a>, JsonError> {
        if self.peek() != Some(b'"') {
            return self.unexpected("looking for beginning of object key string");
        }
        let text = self.text_of_string()?;
        self.colon()?;
        let next = self.arena.shape_step(node, &text);
        Ok(match next {
            Some(next) => Key::Shaped(next),
            None => Key::Other(self.make_string(text)?),
        })
    }

    /// A key and the colon behind it, in a dictionary.
    fn any_key(&mut self) -> Result<Value<'a>, JsonError> {
        if self.peek() != Some(b'"') {
            return self.unexpected("looking for beginning of object key string");
        }
        let key = self.string()?;
        self.colon()?;
        Ok(key)
    }

    #[inline]
    fn colon(&mut self) -> Result<(), JsonError> {
        self.space();
        if self.peek() != Some(b':') {
            return self.unexpected("after object key");
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, JsonError> {
        for (i, expected) in word.bytes().enumerate() {
            if self.peek() != Some(expected) {
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
        if let Some(value) = self.small_integer() {
            return Ok(value);
        }
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
        // ASCII, so never lossy.
        let text = String::from_utf8_lossy(&self.text[start..self.at]);
        let text = text.as_ref();
        if number::is_too_big(text) {
            return self.error(start, "invalid number: number too big");
        }
        self.memory(self.arena.reserve(text.len()))?;
        Ok(match self.borrow.and_then(|all| all.get(start..self.at)) {
            Some(text) => self.arena.number_trusted_ref(text),
            None => self.arena.number_trusted(text),
        })
    }

    /// An integer of up to 18 digits in plain spelling, if there is one.
    #[inline]
    fn small_integer(&mut self) -> Option<Value<'a>> {
        let negative = self.peek() == Some(b'-');
        let digits = self.text.get(self.at + usize::from(negative)..)?;
        let mut value = 0i64;
        let mut count = 0;
        while let Some(digit @ b'0'..=b'9') = digits.get(count) {
            if count == 18 {
                return None;
            }
            value = value * 10 + i64::from(digit - b'0');
            count += 1;
        }
        if count == 0
            || (digits[0] == b'0' && (count > 1 || negative))
            || matches!(digits.get(count), Some(b'.' | b'e' | b'E'))
        {
            return None;
        }
        self.at += usize::from(negative) + count;
        Value::inline_integer(if negative { -value } else { value })
    }

    #[inline]
    fn string(&mut self) -> Result<Value<'a>, JsonError> {
        let start = self.at + 1;
        let end = plain_end(self.text, start);
        if self.text.get(end) == Some(&b'"')
            && let Some(text) = self.borrow.and_then(|all| all.get(start..end))
        {
            self.at = end + 1;
            return Ok(self.arena.string_ref(text));
        }
        let text = self.text_of_string()?;
        self.make_string(text)
    }

    fn make_string(&self, text: Cow<'_, str>) -> Result<Value<'a>, JsonError> {
        self.go_on(text.len() as u64 / 64)?;
        self.memory(self.arena.reserve(text.len()))?;
        Ok(self.arena.string(&text))
    }

    /// The text of the string that starts here.
    fn text_of_string(&mut self) -> Result<Cow<'t, str>, JsonError> {
        self.at += 1;
        let start = self.at;
        self.at = plain_end(self.text, start);
        if self.peek() == Some(b'"') {
            let text = self.raw(start, self.at);
            self.at += 1;
            return Ok(text);
        }
        let mut out = String::new();
        let mut memory = Claim::default();
        let mut from = start;
        loop {
            match self.peek() {
                Some(b'"') => {
                    out.push_str(&self.raw(from, self.at));
                    self.at += 1;
                    return Ok(out.into());
                }
                Some(b'\\') => {
                    out.push_str(&self.raw(from, self.at));
                    self.at += 1;
                    self.escape(&mut out)?;
                    from = self.at;
                    self.at = plain_end(self.text, from);
                    self.memory(memory.grow_to(self.arena, out.capacity()))?;
                    self.go_on(1)?;
                }
                _ => return self.unexpected("in string literal"),
            }
        }
    }

    /// Bytes of the text that end where characters do.
    fn raw(&self, start: usize, end: usize) -> Cow<'t, str> {
        match self.utf8.and_then(|all| all.get(start..end)) {
            Some(text) => text.into(),
            None => lossy(&self.text[start..end]),
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

/// The key whose value an object inside these collections is, or lies in.
fn inside(open: &[Open<'_>]) -> NodeId {
    match open.last() {
        Some(Open::Array { of, .. }) => *of,
        Some(Open::Object { node, .. }) => *node,
        Some(Open::Dictionary { .. }) | None => NodeId::ROOT,
    }
}

/// The next quote, backslash or control character from an offset on.
#[inline]
fn plain_end(text: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    while let Some(chunk) = text.get(at..at + 8) {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(chunk);
        let word = u64::from_le_bytes(bytes);
        // The high bit of each byte that is below the subtrahend; exact for the first one.
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if found & HIGH != 0 {
            return at + ((found & HIGH).trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = text.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            break;
        }
        at += 1;
    }
    at
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
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
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
