//! Reading YAML by the rules of OPA: scalars resolve as in go-yaml v3 and pass through JSON, so
//! that keys are strings and numbers lose their spelling.
//!
//! Aliases share the value they name. What they would expand to is counted all the same, by the
//! measure of go-yaml, so that a document of nested aliases is refused and not printed for hours.

mod words;

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use self::words::Opened;
use crate::Constant;
use crate::value::{
    Arena, ArrayBuilder, Claim, MemoryExceeded, ObjectBuilder, Value, number, to_constant,
};
use crate::work;

/// Why a text is no YAML that OPA reads, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct YamlError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub col: usize,
    /// The line that OPA names, if it names one.
    pub named: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// The arena's limit was reached.
    pub memory: Option<MemoryExceeded>,
}

/// Said of characters that YAML forbids everywhere.
pub const CONTROL_CHARACTERS: &str = "control characters are not allowed";

/// Of errors that come after reading: values that JSON does not have.
const JSON: &str = "json: ";

/// Said where nothing can begin.
const NO_TOKEN: &str = "found character that cannot start any token";

impl std::fmt::Display for YamlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.named {
            Some(line) => write!(f, "yaml: line {line}: {}", self.message),
            None if self.message.starts_with(JSON) => f.write_str(&self.message),
            None => write!(f, "yaml: {}", self.message),
        }
    }
}

impl std::error::Error for YamlError {}

/// Collections of values nest no deeper than this.
const MAX_DEPTH: usize = 10_000;

/// Constants nest no deeper than this: they are dropped recursively.
const MAX_CONSTANT_DEPTH: usize = 256;

/// Reads the first document of a text. The rest must be YAML too.
pub fn read_constant(text: &str) -> Result<Constant, YamlError> {
    let arena = Arena::new();
    read_to_depth(text, &arena, MAX_CONSTANT_DEPTH).map(to_constant)
}

/// Reads the first document of a text into an arena. The rest must be YAML too.
pub fn read<'a>(text: &str, arena: &'a Arena) -> Result<Value<'a>, YamlError> {
    read_to_depth(text, arena, MAX_DEPTH)
}

fn read_to_depth<'a>(text: &str, arena: &'a Arena, depth: usize) -> Result<Value<'a>, YamlError> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    if let Some(offset) = text.find(is_control) {
        let before = &text[..offset];
        let line = before.matches('\n').count() + 1;
        let col = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let message = CONTROL_CHARACTERS.to_string();
        return Err(YamlError {
            line,
            col,
            named: None,
            message,
            memory: None,
        });
    }
    // A line end of YAML 1.1 that our scanner does not know.
    let mut text = match text.contains('\u{85}') {
        true => Cow::Owned(text.replace('\u{85}', "\n")),
        false => Cow::Borrowed(text),
    };
    let mut memory = Claim::default();
    for _ in 0..MAX_REPAIRS {
        match read_events(&text, arena, depth) {
            Err(Failure::Scan(error, opened)) => match repair(&text, &error) {
                Some(repaired) => {
                    let held = memory.grow_to(arena, 2 * repaired.len());
                    held.map_err(|e| Fault::from(e).at((1, 1)))?;
                    text = repaired.into();
                }
                None => return Err(words::error(&error, &text, opened)),
            },
            Err(Failure::Content(error)) => return Err(error),
            Ok(value) => return Ok(value),
        }
    }
    read_events(&text, arena, depth).map_err(|failure| match failure {
        Failure::Scan(error, opened) => words::error(&error, &text, opened),
        Failure::Content(error) => error,
    })
}

/// Characters that YAML forbids everywhere.
fn is_control(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}'
        | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
}

/// Words that are booleans in YAML 1.1 and texts in 1.2; go-yaml reads them as booleans only where it wants some.
pub fn is_old_boolean(text: &str) -> bool {
    matches!(
        text,
        "y" | "Y"
            | "yes"
            | "Yes"
            | "YES"
            | "on"
            | "On"
            | "ON"
            | "n"
            | "N"
            | "no"
            | "No"
            | "NO"
            | "off"
            | "Off"
            | "OFF"
    )
}

/// How often one text is repaired.
const MAX_REPAIRS: usize = 64;

/// Two things that go-yaml accepts and our scanner does not: elements of a flow collection and lines of a quoted
/// scalar that stand left of the block around it, and a tab between a key's colon and its value. Both are
/// only about white space, which a repaired copy of the text has in another form.
fn repair(text: &str, error: &ScanError) -> Option<String> {
    let at = text
        .char_indices()
        .nth(error.marker().index())
        .map_or(text.len(), |(at, _)| at);
    let (before, after) = text.split_at(at);
    let indent = " ".repeat(64);
    if error.info().starts_with("invalid indentation in quoted") {
        // The scalar begins here; the next line of it that is not far to the right is moved there.
        let ends = after.match_indices('\n').map(|(end, _)| end + 1);
        let line = ends
            .map(|end| at + end)
            .find(|line| !text[*line..].starts_with(&indent))?;
        return Some(format!("{}{indent}{}", &text[..line], &text[line..]));
    }
    if error.info().starts_with("invalid indentation in flow") {
        let line = before.rfind('\n').map_or(0, |end| end + 1);
        return Some(format!(
            "{}{indent}{}{after}",
            &before[..line],
            &before[line..]
        ));
    }
    if error.info().starts_with("':' must be followed by") {
        let key = before.trim_end_matches([' ', '\t']);
        if key.len() < before.len() && key.ends_with(':') && before.contains('\t') {
            return Some(format!("{key} {after}"));
        }
    }
    None
}

enum Failure {
    Scan(ScanError, Option<Opened>),
    Content(YamlError),
}

fn read_events<'a>(text: &str, arena: &'a Arena, depth: usize) -> Result<Value<'a>, Failure> {
    let mut reader = Reader {
        arena,
        max_depth: depth,
        open: Vec::new(),
        anchors: HashMap::new(),
        decoded: 0,
        aliased: 0,
        unwritable: Vec::new(),
        result: None,
    };
    // Where a block scalar lacks its last line end; the scanner puts one there.
    let ragged_end = (!text.ends_with('\n')).then(|| text.chars().count());
    let tabs = text.contains('\t').then(|| Tabs::new(text));
    if tabs.is_some() && begins_with_tab(text) {
        return Err(Failure::Content(no_token(1)));
    }
    let mut flow_depth = 0_usize;
    let mut opened: Vec<Opened> = Vec::new();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (mut event, span) =
            event.map_err(|error| Failure::Scan(error, opened.last().copied()))?;
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => opened.push(Opened {
                line: span.start.line().saturating_sub(1),
                index: span.start.index(),
                mapping: matches!(event, Event::MappingStart(..)),
            }),
            Event::SequenceEnd | Event::MappingEnd => drop(opened.pop()),
            _ => {}
        }
        if let Event::Scalar(text, ScalarStyle::Literal | ScalarStyle::Folded, ..) = &mut event
            && ragged_end.is_some_and(|end| span.end.index() >= end)
            && text.ends_with('\n')
        {
            *text = text[..text.len() - 1].to_string().into();
        }
        if let Some(tabs) = &tabs {
            let (start, end) = (span.start.index(), span.end.index());
            if flow_depth == 0
                && matches!(
                    event,
                    Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..)
                )
                && tabs.stand_before(start)
            {
                return Err(Failure::Content(no_token(span.start.line())));
            }
            // Collections in blocks have no brackets.
            match event {
                Event::SequenceStart(..) | Event::MappingStart(..)
                    if flow_depth > 0 || tabs.brackets(start, end) =>
                {
                    flow_depth += 1;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    flow_depth = flow_depth.saturating_sub(1);
                }
                _ => {}
            }
        }
        let at = (span.start.line(), span.start.col() + 1);
        let done = match reader.result {
            // Further documents are only checked.
            Some(_) => Ok(()),
            None => reader.event(event),
        };
        let checked = done
            .and_then(|()| arena.check().map_err(Fault::from))
            .and_then(|()| match work::effort(32) {
                true => Ok(()),
                false => fault("stopped"),
            });
        checked.map_err(|fault| Failure::Content(fault.at(at)))?;
    }
    let result = reader.result.unwrap_or(Value::NULL);
    match unwritable(result, &reader.unwritable) {
        Some(name) => Err(Failure::Content(YamlError {
            line: 1,
            col: 1,
            named: None,
            message: format!("{JSON}unsupported value: {name}"),
            memory: None,
        })),
        None => Ok(result),
    }
}

/// The first of some values that is in another one.
fn unwritable<'a>(
    root: Value<'a>,
    unwritable: &[(*const u8, &'static str)],
) -> Option<&'static str> {
    let mut left = if unwritable.is_empty() {
        vec![]
    } else {
        vec![root]
    };
    while let Some(value) = left.pop() {
        if let Some(array) = value.as_array() {
            left.extend(array.as_slice().iter().rev());
        } else if let Some(object) = value.as_object() {
            left.extend(object.values().iter().rev());
        } else if let Some(text) = value.as_str() {
            let known = unwritable.iter().find(|(at, _)| *at == text.as_ptr());
            if let Some((_, name)) = known {
                return Some(name);
            }
        }
    }
    None
}

/// Whether the first line that has more than spaces and comments has a tab in front.
fn begins_with_tab(text: &str) -> bool {
    text.lines()
        .map(|line| line.trim_start_matches(' '))
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .is_some_and(|line| line.starts_with('\t'))
}

fn no_token(line: usize) -> YamlError {
    YamlError {
        line,
        col: 1,
        named: (line > 1).then_some(line),
        message: NO_TOKEN.to_owned(),
        memory: None,
    }
}

/// A text with tabs. Our scanner takes them for spaces; go-yaml does not where a key could begin.
struct Tabs {
    chars: Vec<char>,
}

impl Tabs {
    fn new(text: &str) -> Tabs {
        Tabs {
            chars: text.chars().collect(),
        }
    }

    /// Whether only blanks and marks of blocks are on the line before a place, and one of them is a tab.
    fn stand_before(&self, at: usize) -> bool {
        let before = self.chars.get(..at).unwrap_or_default();
        let line = before.rsplit(|c| *c == '\n').next().unwrap_or_default();
        line.contains(&'\t')
            && !line.starts_with(&['-', '-', '-'])
            && line
                .iter()
                .all(|c| matches!(c, ' ' | '\t' | '-' | '?' | ':'))
    }

    fn brackets(&self, start: usize, end: usize) -> bool {
        start < end && matches!(self.chars.get(start), Some('[' | '{'))
    }
}

/// An error that does not know its place yet.
struct Fault {
    message: String,
    memory: Option<MemoryExceeded>,
}

impl Fault {
    fn at(self, (line, col): (usize, usize)) -> YamlError {
        YamlError {
            line,
            col,
            // go-yaml names lines of its scanner's errors only.
            named: None,
            message: self.message,
            memory: self.memory,
        }
    }
}

impl From<MemoryExceeded> for Fault {
    fn from(exceeded: MemoryExceeded) -> Fault {
        Fault {
            message: exceeded.to_string(),
            memory: Some(exceeded),
        }
    }
}

fn fault<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault {
        message: message.into(),
        memory: None,
    })
}

/// A finished node.
#[derive(Clone, Copy)]
struct Node<'a> {
    value: Value<'a>,
    /// What the node is called as a key; `None` if it cannot be one.
    key: Option<Value<'a>>,
    /// The plain scalar `<<`.
    merge: bool,
    /// Came through an alias.
    alias: bool,
    /// Nodes it expands to.
    size: u64,
}

/// A collection that is being read.
enum Open<'a> {
    Sequence(ArrayBuilder<'a>),
    Mapping {
        members: ObjectBuilder<'a>,
        /// The key whose value comes next.
        key: Option<Node<'a>>,
        /// Objects to merge, in order.
        merges: Vec<Value<'a>>,
    },
}

struct Frame<'a> {
    open: Open<'a>,
    anchor: usize,
    size: u64,
}

struct Reader<'a> {
    arena: &'a Arena,
    max_depth: usize,
    open: Vec<Frame<'a>>,
    /// `None` while the anchored node is being read.
    anchors: HashMap<usize, Option<Node<'a>>>,
    /// Nodes so far, aliases expanded.
    decoded: u64,
    /// Those of them that came from aliases.
    aliased: u64,
    /// Texts in the place of numbers that JSON does not have, and what Go calls them.
    unwritable: Vec<(*const u8, &'static str)>,
    result: Option<Value<'a>>,
}

impl<'a> Reader<'a> {
    fn event(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Alias(anchor) => {
                let target = match self.anchors.get(&anchor) {
                    Some(Some(target)) => *target,
                    Some(None) => return fault("an anchored value contains itself"),
                    None => return fault("unknown anchor referenced"),
                };
                self.count(1)?;
                self.aliased = self.aliased.saturating_add(target.size);
                self.count(target.size)?;
                let size = target.size.saturating_add(1);
                self.put(Node {
                    alias: true,
                    merge: false,
                    size,
                    ..target
                })
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1)?;
                let node = self.scalar(&text, style, tag.as_deref())?;
                if anchor != 0 {
                    self.anchors.insert(anchor, Some(node));
                }
                self.put(node)
            }
            Event::SequenceStart(anchor, _) => {
                self.enter(Open::Sequence(ArrayBuilder::new()), anchor)
            }
            Event::MappingStart(anchor, _) => {
                let members = ObjectBuilder::new();
                self.enter(
                    Open::Mapping {
                        members,
                        key: None,
                        merges: Vec::new(),
                    },
                    anchor,
                )
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(),
            _ => Ok(()),
        }
    }

    /// go-yaml allows documents of up to 400,000 nodes to come almost wholly from aliases, ones
    /// of 4,000,000 to a tenth, and scales in between.
    fn count(&mut self, nodes: u64) -> Result<(), Fault> {
        const LOW: f64 = 400_000.0;
        const HIGH: f64 = 4_000_000.0;
        self.decoded = self.decoded.saturating_add(nodes);
        if self.aliased > 100 && self.decoded > 1000 {
            let decoded = self.decoded as f64;
            let over = ((decoded - LOW) / (HIGH - LOW)).clamp(0.0, 1.0);
            if self.aliased as f64 / decoded > 0.99 - 0.89 * over {
                return fault("document contains excessive aliasing");
            }
        }
        Ok(())
    }

    fn enter(&mut self, open: Open<'a>, anchor: usize) -> Result<(), Fault> {
        if self.open.len() >= self.max_depth {
            return fault(format!("exceeded max depth of {}", self.max_depth));
        }
        self.count(1)?;
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
        self.open.push(Frame {
            open,
            anchor,
            size: 1,
        });
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Fault> {
        let Some(Frame { open, anchor, size }) = self.open.pop() else {
            return Ok(());
        };
        let value = match open {
            Open::Sequence(elements) => elements.finish(self.arena),
            Open::Mapping {
                mut members,
                merges,
                ..
            } => {
                for object in merges.iter().filter_map(|merge| merge.as_object()) {
                    for (key, value) in object.iter() {
                        members.insert_unique(self.arena, key, value)?;
                    }
                }
                members.finish(self.arena)
            }
        };
        let node = Node {
            value,
            key: None,
            merge: false,
            alias: false,
            size,
        };
        if anchor != 0 {
            self.anchors.insert(anchor, Some(node));
        }
        self.put(node)
    }

    /// Puts a finished node into the collection around it.
    fn put(&mut self, node: Node<'a>) -> Result<(), Fault> {
        let Some(frame) = self.open.last_mut() else {
            self.result = Some(node.value);
            return Ok(());
        };
        frame.size = frame.size.saturating_add(node.size);
        match &mut frame.open {
            Open::Sequence(elements) => elements.push(self.arena, node.value)?,
            Open::Mapping {
                members,
                key,
                merges,
            } => match key.take() {
                None if node.key.is_none() && !node.merge => {
                    return fault(match node.value.is_collection() {
                        true => format!("invalid map key: {}", node.value),
                        false => format!("unsupported map key: {}", node.value),
                    });
                }
                None => *key = Some(node),
                Some(key) if key.merge => {
                    let of = node.value.as_array().filter(|_| !node.alias);
                    match of {
                        Some(list) => merges.extend(list.as_slice()),
                        None => merges.push(node.value),
                    }
                    if merges.iter().any(|merge| merge.as_object().is_none()) {
                        return fault("map merge requires map or sequence of maps as the value");
                    }
                }
                Some(key) => {
                    members.insert(self.arena, key.key.unwrap_or(Value::NULL), node.value)?;
                }
            },
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
    ) -> Result<Node<'a>, Fault> {
        self.arena.reserve(text.len())?;
        let tag = tag
            .map(short_tag)
            .filter(|tag| tag != "!" && !tag.is_empty());
        let plain = style == ScalarStyle::Plain;
        let merge = plain && text == "<<" && tag.as_deref().is_none_or(|tag| tag == "!!merge");
        let resolved = match tag.as_deref() {
            None if plain => resolve(text),
            None | Some("!!str") => Resolved::Text(text.into()),
            Some(tag @ ("!!bool" | "!!int" | "!!float" | "!!null")) => tagged(tag, text)?,
            Some("!!binary") => match decode_base64(text) {
                Some(bytes) => Resolved::Text(String::from_utf8_lossy(&bytes).into_owned().into()),
                None => return fault("!!binary value contains invalid base64 data"),
            },
            Some(_) => Resolved::Text(text.into()),
        };
        let arena = self.arena;
        let (value, key) = match resolved {
            Resolved::Null => (Value::NULL, None),
            Resolved::Boolean(truth) => (
                Value::boolean(truth),
                Some(arena.string(if truth { "true" } else { "false" })),
            ),
            Resolved::Integer(value) => {
                let value = match i64::try_from(value) {
                    Ok(value) => arena.integer(value),
                    Err(_) => arena.unsigned(u64::try_from(value).unwrap_or(u64::MAX)),
                };
                (value, Some(arena.string(&value.to_string())))
            }
            Resolved::Float(value) => {
                let key = arena.string(&key_of_float(value));
                if !value.is_finite() {
                    // JSON has no such number; as a key its name is a string like any other.
                    let expects_key = matches!(
                        self.open.last(),
                        Some(Frame {
                            open: Open::Mapping { key: None, .. },
                            ..
                        })
                    );
                    if !expects_key {
                        let name = match value {
                            f64::INFINITY => "+Inf",
                            f64::NEG_INFINITY => "-Inf",
                            _ => "NaN",
                        };
                        // Perhaps another value of the same key replaces it.
                        let mark = arena.string(name);
                        let at = mark.as_str().map_or(std::ptr::null(), str::as_ptr);
                        self.unwritable.push((at, name));
                        return Ok(Node {
                            value: mark,
                            key: Some(key),
                            merge: false,
                            alias: false,
                            size: 1,
                        });
                    }
                }
                let json = number::format_json_f64(value);
                (arena.number_text(&json).unwrap_or(Value::NULL), Some(key))
            }
            Resolved::Text(text) => {
                let value = arena.string(&text);
                (value, Some(value))
            }
        };
        Ok(Node {
            value,
            key,
            merge,
            alias: false,
            size: 1,
        })
    }
}

fn short_tag(tag: &Tag) -> String {
    let full = format!("{}{}", tag.handle, tag.suffix);
    match full.strip_prefix("tag:yaml.org,2002:") {
        Some(rest) => format!("!!{rest}"),
        None => full,
    }
}

/// What a scalar means.
#[derive(Clone, PartialEq, Debug)]
pub enum Resolved<'t> {
    /// Nothing.
    Null,
    /// A truth value.
    Boolean(bool),
    /// An integer of up to 64 bits, with or without a sign.
    Integer(i128),
    /// Another number, perhaps an infinity or none.
    Float(f64),
    /// Anything else.
    Text(Cow<'t, str>),
}

/// What a plain scalar without a tag means.
pub fn resolve(text: &str) -> Resolved<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "true" | "True" | "TRUE" => return Resolved::Boolean(true),
        "false" | "False" | "FALSE" => return Resolved::Boolean(false),
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Resolved::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let number = match text.as_bytes().first() {
        Some(b'.') => float(text),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let plain = text.replace('_', "");
            integer(&plain).or_else(|| float(&plain))
        }
        _ => None,
    };
    number.unwrap_or(Resolved::Text(text.into()))
}

/// A scalar with one of the tags that ask for a type.
fn tagged<'t>(tag: &str, text: &'t str) -> Result<Resolved<'t>, Fault> {
    let resolved = resolve(text);
    let actual = match (&resolved, tag) {
        (Resolved::Integer(value), "!!float") => return Ok(Resolved::Float(*value as f64)),
        (Resolved::Null, _) => "!!null",
        (Resolved::Boolean(_), _) => "!!bool",
        (Resolved::Integer(_), _) => "!!int",
        (Resolved::Float(_), _) => "!!float",
        (Resolved::Text(_), _) => "!!str",
    };
    if actual == tag {
        return Ok(resolved);
    }
    fault(format!("cannot decode {actual} `{text}` as a {tag}"))
}

/// Integers of Go's syntax, octal with a bare leading zero too.
fn integer(text: &str) -> Option<Resolved<'static>> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let (radix, digits) = match lower.as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some(_) if digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let value = if negative { -magnitude } else { magnitude };
    let in_range = value >= i128::from(i64::MIN)
        && (value <= i128::from(i64::MAX) || !text.starts_with(['+', '-']));
    in_range.then_some(Resolved::Integer(value))
}

/// Floats of the YAML 1.2 syntax; too large ones stay text.
fn float(text: &str) -> Option<Resolved<'static>> {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    let exponent_fits =
        exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)));
    if !mantissa_fits || !exponent_fits {
        return None;
    }
    text.parse()
        .ok()
        .filter(|value: &f64| value.is_finite())
        .map(Resolved::Float)
}

/// What a float is called as a key.
fn key_of_float(value: f64) -> String {
    let narrow = value as f32;
    if value.is_nan() {
        ".nan".to_string()
    } else if narrow.is_infinite() {
        if value > 0.0 { ".inf" } else { "-.inf" }.to_string()
    } else {
        number::format_f32(narrow)
    }
}

/// Standard base64 with padding; line ends are skipped.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| -> Option<u32> {
        Some(u32::from(match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        }))
    };
    let clean: Vec<u8> = text
        .bytes()
        .filter(|c| !matches!(c, b'\n' | b'\r'))
        .collect();
    if !clean.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(clean.len() / 4 * 3);
    let groups = clean.len() / 4;
    for (i, group) in clean.chunks_exact(4).enumerate() {
        let padding = group.iter().rev().take_while(|c| **c == b'=').count();
        if padding > 2 || padding > 0 && i + 1 < groups {
            return None;
        }
        let mut word = 0;
        for c in &group[..4 - padding] {
            word = word << 6 | digit(*c)?;
        }
        word <<= 6 * padding;
        bytes.extend(&word.to_be_bytes()[1..4 - padding]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Style, to_string};

    fn json(text: &str) -> Result<String, String> {
        let arena = Arena::new();
        match read(text, &arena) {
            Ok(value) => Ok(to_string(value, Style::Compact)),
            Err(error) => Err(error.message),
        }
    }

    /// Each line was compared with OPA 1.22.
    #[test]
    fn scalars_resolve_as_in_opa() {
        for (yaml, want) in [
            ("", "null"),
            ("a: yes", r#"{"a":"yes"}"#),
            (
                "[true, True, TRUE, on, y, ~, null, Null, '']",
                r#"[true,true,true,"on","y",null,null,null,""]"#,
            ),
            (
                "[012, 0o14, 0x1F, 0b101, 1_000, +5, -0, 08]",
                "[10,12,31,5,1000,5,0,8]",
            ),
            (
                "[1.50, 1e3, .5, 1., -.5e1, 1e400, 1e21, 1e-7]",
                r#"[1.5,1000,0.5,1,-5,"1e400",1e+21,1e-7]"#,
            ),
            (
                "[18446744073709551615, 18446744073709551616, -9223372036854775808]",
                "[18446744073709551615,18446744073709552000,-9223372036854775808]",
            ),
            (
                "[2023-01-01, 12:30:45, 1.2.3, 0x, '1', \"2\"]",
                r#"["2023-01-01","12:30:45","1.2.3","0x","1","2"]"#,
            ),
            (
                "{1: a, true: b, 1.5: c, 0x10: d}",
                r#"{"1":"a","1.5":"c","16":"d","true":"b"}"#,
            ),
            ("a: 1\na: 2", r#"{"a":2}"#),
            (
                "[!!str 1, !!float 3, !!int 4, ! 5, !x 6, !!binary aGk=]",
                r#"["1",3,4,5,"6","hi"]"#,
            ),
            (
                "a: |\n  x\n  y\nb: >\n  x\n  y\n",
                r#"{"a":"x\ny\n","b":"x y\n"}"#,
            ),
            ("---\na: 1\n---\nb: 2\n", r#"{"a":1}"#),
        ] {
            assert_eq!(json(yaml).as_deref(), Ok(want), "{yaml}");
        }
    }

    #[test]
    fn aliases_and_merges() {
        for (yaml, want) in [
            ("a: &x [1, 2]\nb: *x", r#"{"a":[1,2],"b":[1,2]}"#),
            (
                "base: &b {x: 1, y: 2}\nd:\n  <<: *b\n  y: 3",
                r#"{"base":{"x":1,"y":2},"d":{"x":1,"y":3}}"#,
            ),
            (
                "- &a {x: 1}\n- &b {x: 2, z: 3}\n- {<<: [*a, *b]}",
                r#"[{"x":1},{"x":2,"z":3},{"x":1,"z":3}]"#,
            ),
            ("- &a k\n- {*a : 1}", r#"["k",{"k":1}]"#),
            (
                "a: b\u{85}  c\u{85}d: 'e\u{85}f'",
                r#"{"a":"b c","d":"e f"}"#,
            ),
            (
                "a:\tb\nc: [1,\n2\n]\nd: |\n x",
                r#"{"a":"b","c":[1,2],"d":"x"}"#,
            ),
            ("{\"<<\": 1}", r#"{"<<":1}"#),
            ("---\ta", r#""a""#),
            ("{a:\n\tb}", r#"{"a":"b"}"#),
            ("a: .inf\na: 1", r#"{"a":1}"#),
        ] {
            assert_eq!(json(yaml).as_deref(), Ok(want), "{yaml}");
        }
    }

    #[test]
    fn errors() {
        for yaml in [
            "a: .inf",
            "~: a",
            "? [1]\n: a",
            "a: !!int x",
            "<<: 1",
            "a: *nope",
            "&a [*a]",
            "a: [",
            "  a:\nb: 1",
            "a: 1\n---\n{",
            "\t",
            "a:\n\tb: 1",
            "-\ta",
            "a: \u{7}",
        ] {
            assert!(json(yaml).is_err(), "{yaml}: {:?}", json(yaml));
        }
        let mut laughs = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for i in 1..20 {
            let list = vec![format!("*a{}", i - 1); 9].join(",");
            laughs.push_str(&format!("a{i}: &a{i} [{list}]\n"));
        }
        assert_eq!(
            json(&laughs),
            Err("document contains excessive aliasing".to_string())
        );
        assert!(json(&"[".repeat(20_000)).is_err());
    }

    #[test]
    fn errors_have_the_words_of_opa() {
        for (yaml, want) in [
            ("[1,2,3", "line 1: did not find expected ',' or ']'"),
            ("[a: b: c]", "did not find expected ',' or ']'"),
            ("{a: {b: c}", "line 1: did not find expected ',' or '}'"),
            ("a: ]", "did not find expected node content"),
            ("a: b: c", "mapping values are not allowed in this context"),
            ("a:\n  - 1\n b: 2", "line 2: did not find expected key"),
            ("- a\nb: 1", "line 1: did not find expected '-' indicator"),
            ("a: \"b\n\nc", "line 3: found unexpected end of stream"),
            ("a: 1\nb", "line 2: could not find expected ':'"),
            ("a: *x", "unknown anchor 'x' referenced"),
            ("@a", "found character that cannot start any token"),
            ("!e!x a", "found undefined tag handle"),
            ("a: \"\\xzz\"", "did not find expected hexdecimal number"),
            (
                "x: y\n\tz: 1",
                "line 2: found a tab character that violates indentation",
            ),
        ] {
            let error = read_constant(yaml).unwrap_err();
            assert_eq!(error.to_string(), format!("yaml: {want}"), "{yaml}");
        }
    }

    #[test]
    fn constants() {
        let constant = read_constant("title: x\nscope: [1, true, ~]").unwrap();
        assert_eq!(constant.get("title").and_then(Constant::as_str), Some("x"));
        let Some(Constant::Array(scope)) = constant.get("scope") else {
            panic!("no array")
        };
        assert_eq!(scope[1..], [Constant::Boolean(true), Constant::Null]);
        assert!(read_constant(&format!("{}{}", "[".repeat(300), "]".repeat(300))).is_err());
    }
}
