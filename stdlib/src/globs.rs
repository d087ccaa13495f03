//! Globs: patterns of `*`, `**`, `?`, classes and alternatives, where some characters separate.

use std::collections::HashMap;
use std::sync::Arc;

use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::{Array, Value, View};

use crate::declare::builtin;
use crate::operand::{Outcome, failed, operands, string, wrong_element, wrong_type};
use crate::regex::engine::{self, Pattern};
use crate::text::Text;

const CATEGORIES: &[&str] = &["glob"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "glob.match",
        signature: "(pattern: str, delimiters: null|[str], match: str) -> result: bool",
        doc: "Whether the whole string matches a glob. * and ? do not match delimiters, ** does; [a-c], [!ab] and {one,two} are as in a shell, \\ escapes. No delimiters in the array means a dot, null means none at all.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"glob.match("*.github.com", [], "api.github.com")"#, "true"),
            (r#"glob.match("*.github.com", [], "api.cdn.github.com")"#, "false"),
            (r#"glob.match("a/**/c", ["/"], "a/b/b/c")"#, "true"),
            (r#"glob.match("*c", null, "a.b.c")"#, "true"),
            (r#"glob.match("{a,b[!x]}?", null, "byz")"#, "true"),
            (r#"glob.match("[", null, "[")"#, ""),
        ],
        body: matches,
    },
    builtin! {
        name: "glob.quote_meta",
        signature: "(pattern: str) -> output: str",
        doc: "The text as a glob that matches only itself.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"glob.quote_meta("*.{a}")"#, r#""\\*.\\{a\\}""#)],
        body: quote_meta,
    },
];

fn matches<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [pattern, delimiters, text] = operands(arguments)?;
    let pattern = string(pattern, 1)?;
    let separators = match delimiters.view() {
        View::Null => String::new(),
        View::Array(array) if array.is_empty() => ".".to_owned(),
        View::Array(array) => single_chars(delimiters, array)?,
        _ => return Err(wrong_type(2, &["array", "null"], delimiters)),
    };
    let text = string(text, 3)?;
    let glob = compile(cx, pattern, &separators)?;
    Ok(Some(Value::boolean(glob.is_match(cx, text)?)))
}

fn single_chars<'a>(whole: Value<'a>, delimiters: Array<'a>) -> Result<String, BuiltinError> {
    let mut separators = String::new();
    for delimiter in delimiters.iter() {
        let text = delimiter
            .as_str()
            .ok_or_else(|| wrong_element(2, whole, "string", delimiter))?;
        if text.chars().count() != 1 {
            return Err(wrong_element(2, whole, "rune", delimiter));
        }
        separators.push_str(text);
    }
    Ok(separators)
}

/// Different globs that a session remembers.
const REMEMBERED: usize = 1000;

/// Regular expressions by separators and glob.
#[derive(Default)]
struct Globs {
    known: HashMap<String, HashMap<String, Arc<str>>>,
    count: usize,
    bytes: usize,
}

/// The regular expression of a glob, which is kept. It is charged for each time.
fn translated(
    cx: &mut Call<'_, '_>,
    pattern: &str,
    separators: &str,
) -> Result<Arc<str>, BuiltinError> {
    cx.charge(pattern.len() as u64 / 2 + 1)?;
    let _memory = cx.claim(pattern.len().saturating_mul(24 + 16 * separators.len()))?;
    let known = cx.cache::<Globs>().known.get(separators);
    if let Some(translation) = known.and_then(|known| known.get(pattern)) {
        return Ok(translation.clone());
    }
    let translation: Arc<str> = Reader::new(pattern, separators).translate()?.into();
    let bytes = size_of::<(String, Arc<str>)>() + pattern.len() + translation.len();
    cx.keep(bytes)?;
    let globs = cx.cache::<Globs>();
    let mut freed = 0;
    if globs.count >= REMEMBERED {
        freed = std::mem::take(globs).bytes;
    }
    globs.count += 1;
    globs.bytes += bytes;
    let known = globs.known.entry(separators.to_owned()).or_default();
    known.insert(pattern.to_owned(), translation.clone());
    cx.forget(freed);
    Ok(translation)
}

fn compile(
    cx: &mut Call<'_, '_>,
    pattern: &str,
    separators: &str,
) -> Result<Arc<Pattern>, BuiltinError> {
    let translation = translated(cx, pattern, separators)?;
    engine::compile(cx, &translation).map_err(|error| match error {
        BuiltinError::Stop(_) => error,
        _ => failed("glob: pattern too large"),
    })
}

/// The regular expression of a glob in which nothing separates.
pub(crate) fn expression(glob: &str) -> Result<String, String> {
    Reader::new(glob, "")
        .translate()
        .map_err(|error| match error {
            BuiltinError::Type(text) | BuiltinError::Value(text) | BuiltinError::Halt(_, text) => {
                text
            }
            BuiltinError::Stop(_) => "glob: pattern too large".to_owned(),
        })
}

/// Reads a glob and writes a regular expression: globs are regular, and the engine for those
/// takes no more than linear time.
struct Reader<'p> {
    pattern: &'p str,
    at: usize,
    out: String,
    /// A class of everything but separators.
    single: String,
    /// Open braces.
    level: usize,
}

impl<'p> Reader<'p> {
    fn new(pattern: &'p str, separators: &str) -> Reader<'p> {
        let single = if separators.is_empty() {
            "(?s:.)".to_owned()
        } else {
            let mut class = "[^".to_owned();
            separators
                .chars()
                .for_each(|c| push_code_point(&mut class, c));
            class + "]"
        };
        Reader {
            pattern,
            at: 0,
            out: r"\A".to_owned(),
            single,
            level: 0,
        }
    }

    fn peek(&self) -> Option<char> {
        self.pattern[self.at..].chars().next()
    }

    fn read(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn error(&self, reason: &str) -> BuiltinError {
        failed(format!("glob: syntax error at {}: {reason}", self.at))
    }

    fn translate(mut self) -> Result<String, BuiltinError> {
        while let Some(c) = self.peek() {
            match c {
                '{' => {
                    self.at += 1;
                    self.level += 1;
                    self.out.push_str("(?:");
                }
                ',' if self.level > 0 => {
                    self.at += 1;
                    self.out.push('|');
                }
                '}' if self.level > 0 => {
                    self.at += 1;
                    self.level -= 1;
                    self.out.push(')');
                }
                '[' => {
                    self.at += 1;
                    self.class()?;
                }
                '?' => {
                    self.at += 1;
                    self.out.push_str(&self.single);
                }
                '*' => {
                    self.at += 1;
                    if self.peek() == Some('*') {
                        self.at += 1;
                        self.out.push_str("(?s:.)*");
                    } else {
                        self.out.push_str(&self.single);
                        self.out.push('*');
                    }
                }
                _ => {
                    let breakers = if self.level > 0 { "?*[{}," } else { "?*[{" };
                    let text = self.text(breakers)?;
                    self.out.push_str(&regex::escape(&text));
                }
            }
        }
        if self.level > 0 {
            return Err(self.error("unclosed `{`"));
        }
        self.out.push_str(r"\z");
        Ok(self.out)
    }

    /// Plain characters up to one that breaks; a backslash makes any character plain.
    fn text(&mut self, breakers: &str) -> Result<String, BuiltinError> {
        let mut text = String::new();
        let mut escaped = false;
        while let Some(c) = self.peek() {
            if !escaped && breakers.contains(c) {
                break;
            }
            self.at += c.len_utf8();
            if !escaped && c == '\\' {
                escaped = true;
                continue;
            }
            escaped = false;
            text.push(c);
        }
        if escaped {
            Err(self.error("trailing backslash"))
        } else {
            Ok(text)
        }
    }

    /// `[a-c]`, `[abc]`, with `!` the others; behind the bracket.
    fn class(&mut self) -> Result<(), BuiltinError> {
        let end = |reader: &Reader<'_>| reader.error("unexpected end of input");
        let mut class = "[".to_owned();
        if self.peek() == Some('!') {
            self.at += 1;
            class.push('^');
        }
        let start = self.at;
        let low = self.read().ok_or_else(|| end(self))?;
        let mut reversed = false;
        let mut empty = false;
        if self.peek() == Some('-') {
            self.at += 1;
            let high = self.read().ok_or_else(|| end(self))?;
            reversed = high < low;
            push_code_point(&mut class, low);
            class.push('-');
            push_code_point(&mut class, high);
        } else {
            self.at = start;
            let text = self.text("]").map_err(|_| end(self))?;
            empty = text.is_empty();
            text.chars().for_each(|c| push_code_point(&mut class, c));
        }
        match self.read() {
            None => return Err(end(self)),
            Some(']') => class.push(']'),
            Some(_) => return Err(self.error("expected close range character")),
        }
        if reversed {
            return Err(self.error("range hi character is less than lo"));
        }
        if empty {
            return Err(self.error("could not parse range"));
        }
        self.out.push_str(&class);
        Ok(())
    }
}

fn push_code_point(out: &mut String, c: char) {
    out.push_str(&format!("\\x{{{:X}}}", c as u32));
}

fn quote_meta<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [pattern] = operands(arguments)?;
    let pattern = string(pattern, 1)?;
    let mut out = Text::new(cx);
    out.room(pattern.len())?;
    for c in pattern.chars() {
        if r"*?\[]{}".contains(c) {
            out.push('\\')?;
        }
        out.push(c)?;
    }
    Ok(Some(out.finish()))
}
