//! From events to a value: what the pieces mean, merges and aliases.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::keys::{Keys, Written};
use super::resolve::{Resolved, decode_base64, key_of_float, resolve, tagged};
use super::{
    Booleans, Event, Events, JSON, Mark, NULL_KEY, Style, YamlError, is_old_boolean, is_old_true,
};
use crate::value::{Arena, ArrayBuilder, MemoryExceeded, ObjectBuilder, Value, number};
use crate::work;

/// The value of the first document. Further ones must be YAML too, and what is no YAML is complained of before what has no
/// value. `see` is shown all of it.
pub(super) fn read<'a>(
    text: &str,
    arena: &'a Arena,
    depth: usize,
    booleans: Booleans,
    see: &mut dyn FnMut(&Event<'_>, Mark),
) -> Result<Value<'a>, YamlError> {
    let mut reader = Reader {
        arena,
        booleans,
        max_depth: depth,
        open: Vec::new(),
        anchors: HashMap::new(),
        decoded: 0,
        aliased: 0,
        unwritable: HashMap::new(),
        repeated: Vec::new(),
        has_null_key: false,
        result: None,
    };
    let mut anchors = HashSet::new();
    let mut last = Mark::default();
    for event in Events::new(text) {
        let (event, mark) = event?;
        see(&event, mark);
        match &event {
            Event::Alias(name) if !anchors.contains(name) => {
                let unknown = fault(format!("unknown anchor '{name}' referenced"), true);
                return unknown.map_err(|fault| fault.at(mark));
            }
            Event::Scalar { properties, .. }
            | Event::SequenceStart(properties)
            | Event::MappingStart(properties) => anchors.extend(properties.anchor),
            _ => {}
        }
        if reader.result.is_none() {
            last = mark;
            match reader.event(event, mark) {
                Err(fault) if fault.memory.is_some() => return Err(fault.at(mark)),
                Err(fault) => reader.result = Some(Err(fault)),
                Ok(()) => {}
            }
        }
        let in_time = match work::effort(32) {
            true => arena.check().map_err(Fault::from),
            false => fault("stopped", true),
        };
        in_time.map_err(|fault| fault.at(mark))?;
    }
    reader.finish().map_err(|fault| fault.at(last))
}

/// The first of some texts that is in a value.
fn first_in(root: Value<'_>, texts: &HashMap<*const u8, &'static str>) -> Option<&'static str> {
    let mut left = vec![root];
    while let Some(value) = left.pop().filter(|_| !texts.is_empty()) {
        if let Some(array) = value.as_array() {
            left.extend(array.as_slice().iter().rev());
        } else if let Some(object) = value.as_object() {
            left.extend(object.values().iter().rev());
        } else if let Some(name) = value.as_str().and_then(|text| texts.get(&text.as_ptr())) {
            return Some(name);
        }
    }
    None
}

/// Why a node has no value.
#[derive(Clone)]
struct Fault {
    message: String,
    memory: Option<MemoryExceeded>,
    /// Nothing more can be read, whatever becomes of the node.
    is_final: bool,
}

impl Fault {
    fn at(self, mark: Mark) -> YamlError {
        YamlError {
            line: mark.row(),
            col: mark.col(),
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
            is_final: true,
        }
    }
}

fn fault<T>(message: impl Into<String>, is_final: bool) -> Result<T, Fault> {
    Err(Fault {
        message: message.into(),
        memory: None,
        is_final,
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

impl<'a> Node<'a> {
    fn of(value: Value<'a>) -> Node<'a> {
        Node {
            value,
            key: None,
            merge: false,
            alias: false,
            size: 1,
        }
    }
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
        keys: Keys<'a>,
    },
}

struct Frame<'a, 't> {
    open: Open<'a>,
    anchor: Option<&'t str>,
    size: u64,
    /// The first node in it that has no value. It may turn out that it does not count.
    fault: Option<Fault>,
    /// How much was repeated before.
    repeated: usize,
}

struct Reader<'a, 't> {
    arena: &'a Arena,
    booleans: Booleans,
    max_depth: usize,
    open: Vec<Frame<'a, 't>>,
    /// `None` while the anchored node is being read.
    anchors: HashMap<&'t str, Option<Node<'a>>>,
    /// Nodes so far, aliases expanded.
    decoded: u64,
    /// Those of them that came from aliases.
    aliased: u64,
    /// Texts in the place of numbers that JSON does not have, and what Go calls them.
    unwritable: HashMap<*const u8, &'static str>,
    /// Complaints about keys.
    repeated: Vec<String>,
    has_null_key: bool,
    result: Option<Result<Value<'a>, Fault>>,
}

impl<'a, 't> Reader<'a, 't> {
    fn finish(self) -> Result<Value<'a>, Fault> {
        let value = self.result.unwrap_or(Ok(Value::NULL))?;
        if !self.repeated.is_empty() {
            let list = self.repeated.join("\n  ");
            return fault(format!("unmarshal errors:\n  {list}"), true);
        }
        if self.has_null_key {
            return fault(
                format!("{NULL_KEY}%!s(<nil>), key: <nil>, value: {value}"),
                true,
            );
        }
        match first_in(value, &self.unwritable) {
            Some(name) => fault(format!("{JSON}unsupported value: {name}"), true),
            None => Ok(value),
        }
    }

    fn event(&mut self, event: Event<'t>, mark: Mark) -> Result<(), Fault> {
        match event {
            Event::Alias(anchor) => {
                let Some(Some(target)) = self.anchors.get(anchor).copied() else {
                    self.fails(format!("anchor '{anchor}' value contains itself"));
                    return self.put(Node::of(Value::NULL), Written::Alias(anchor), mark);
                };
                self.count(1)?;
                self.aliased = self.aliased.saturating_add(target.size);
                self.count(target.size)?;
                let node = Node {
                    alias: true,
                    merge: false,
                    size: target.size.saturating_add(1),
                    ..target
                };
                self.put(node, Written::Alias(anchor), mark)
            }
            Event::Scalar {
                text,
                style,
                properties,
            } => {
                self.count(1)?;
                let node = match self.scalar(&text, style, properties.tag.as_deref()) {
                    Err(fault) if !fault.is_final => {
                        self.fails(fault.message);
                        Node::of(Value::NULL)
                    }
                    node => node?,
                };
                if let Some(anchor) = properties.anchor {
                    self.anchors.insert(anchor, Some(node));
                }
                self.put(node, Written::Scalar(&text), mark)
            }
            Event::SequenceStart(properties) => {
                self.enter(Open::Sequence(ArrayBuilder::new()), properties.anchor)
            }
            Event::MappingStart(properties) => {
                let mapping = Open::Mapping {
                    members: ObjectBuilder::new(),
                    key: None,
                    merges: Vec::new(),
                    keys: Keys::default(),
                };
                self.enter(mapping, properties.anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(mark),
            Event::DocumentEnd => Ok(()),
        }
    }

    /// A node has no value. What has one around it goes on: what is wrong there comes first.
    fn fails(&mut self, message: String) {
        let Err(found) = fault::<()>(message, false) else {
            return;
        };
        match self.open.last_mut() {
            Some(frame) => frame.fault = frame.fault.take().or(Some(found)),
            None => self.result = Some(Err(found)),
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
                return fault("document contains excessive aliasing", true);
            }
        }
        Ok(())
    }

    fn enter(&mut self, open: Open<'a>, anchor: Option<&'t str>) -> Result<(), Fault> {
        if self.open.len() >= self.max_depth {
            return fault(format!("exceeded max depth of {}", self.max_depth), true);
        }
        self.count(1)?;
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, None);
        }
        self.open.push(Frame {
            open,
            anchor,
            size: 1,
            fault: None,
            repeated: self.repeated.len(),
        });
        Ok(())
    }

    fn leave(&mut self, mark: Mark) -> Result<(), Fault> {
        let Some(Frame {
            open,
            anchor,
            size,
            fault,
            repeated,
        }) = self.open.pop()
        else {
            return Ok(());
        };
        let mut fault = fault.map(|fault| fault.message);
        let (value, written) = match open {
            Open::Sequence(elements) => (elements.finish(self.arena), Written::Sequence),
            Open::Mapping {
                mut members,
                merges,
                keys,
                ..
            } => {
                let own = keys.repeated();
                if !own.is_empty() {
                    // go-yaml does not look into such a mapping.
                    fault = None;
                    self.repeated.truncate(repeated);
                    self.repeated.extend(own);
                }
                for object in &merges {
                    let Some(object) = object.as_object() else {
                        let message = "map merge requires map or sequence of maps as the value";
                        fault.get_or_insert(message.to_owned());
                        continue;
                    };
                    for (key, value) in object.iter() {
                        members.insert_unique(self.arena, key, value)?;
                    }
                }
                (members.finish(self.arena), Written::Mapping)
            }
        };
        if let Some(message) = fault {
            self.fails(message);
        }
        let node = Node {
            size,
            ..Node::of(value)
        };
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, Some(node));
        }
        self.put(node, written, mark)
    }

    /// Puts a finished node into the collection around it.
    fn put(&mut self, node: Node<'a>, written: Written<'_>, mark: Mark) -> Result<(), Fault> {
        let Some(frame) = self.open.last_mut() else {
            self.result.get_or_insert(Ok(node.value));
            return Ok(());
        };
        frame.size = frame.size.saturating_add(node.size);
        let (members, key, merges, keys) = match &mut frame.open {
            Open::Sequence(elements) => {
                elements.push(self.arena, node.value)?;
                return Ok(());
            }
            Open::Mapping {
                members,
                key,
                merges,
                keys,
            } => (members, key, merges, keys),
        };
        let Some(key) = key.take() else {
            *key = Some(node);
            if !node.merge {
                keys.add(node.key, written, mark.row());
            }
            if node.value.is_collection() {
                self.fails(format!("invalid map key: {}", node.value));
            }
            return Ok(());
        };
        if key.merge {
            match node.value.as_array().filter(|_| !node.alias) {
                Some(list) => merges.extend(list.as_slice()),
                None => merges.push(node.value),
            }
            return Ok(());
        }
        match key.key {
            Some(key) => drop(members.insert(self.arena, key, node.value)?),
            None => self.has_null_key |= !key.value.is_collection(),
        }
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: Style, tag: Option<&str>) -> Result<Node<'a>, Fault> {
        self.arena.reserve(text.len())?;
        let tag = tag
            .map(short_tag)
            .filter(|tag| tag != "!" && !tag.is_empty());
        let plain = style == Style::Plain;
        let merge = plain && text == "<<" && tag.as_deref().is_none_or(|tag| tag == "!!merge");
        let resolved = match tag.as_deref() {
            None if plain && self.booleans == Booleans::Old && is_old_boolean(text) => {
                Resolved::Boolean(is_old_true(text))
            }
            None if plain => resolve(text),
            None | Some("!!str") => Resolved::Text(text.into()),
            Some(tag @ ("!!bool" | "!!int" | "!!float" | "!!null")) => {
                tagged(tag, text).or_else(|message| fault(message, false))?
            }
            Some("!!binary") => match decode_base64(text) {
                Some(bytes) => Resolved::Text(String::from_utf8_lossy(&bytes).into_owned().into()),
                None => return fault("!!binary value contains invalid base64 data", false),
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
                        self.unwritable.insert(at, name);
                        return Ok(Node {
                            key: Some(key),
                            ..Node::of(mark)
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
            key,
            merge,
            ..Node::of(value)
        })
    }
}

fn short_tag(full: &str) -> Cow<'_, str> {
    match full.strip_prefix("tag:yaml.org,2002:") {
        Some(rest) => format!("!!{rest}").into(),
        None => full.into(),
    }
}
