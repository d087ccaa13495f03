//! YAML as a tree with lines, to say where something has the wrong kind.

use regovm_core::yaml::{Event, Events, Style};

/// Deeper blocks than this are refused; [`regovm_core::yaml`] refuses them first.
const MAX_DEPTH: usize = 300;

/// A piece of a YAML text.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// From 1.
    pub(super) line: usize,
}

/// What a piece is.
#[derive(Debug)]
pub(super) enum Kind {
    /// Text, and whether it was written without quotes.
    Scalar(String, bool),
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
    /// Another name of something else.
    Alias,
}

impl Node {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        let Kind::Mapping(members) = &self.kind else {
            return None;
        };
        members
            .iter()
            .find(|(k, _)| matches!(&k.kind, Kind::Scalar(text, _) if text == key))
            .map(|(_, value)| value)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// The tag by which go-yaml calls the kind.
    pub(super) fn tag(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(text, true) => plain_tag(text),
            Kind::Scalar(_, false) => "!!str",
            Kind::Sequence(_) => "!!seq",
            Kind::Mapping(_) => "!!map",
            Kind::Alias => "!!null",
        }
    }
}

fn plain_tag(text: &str) -> &'static str {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return "!!null",
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return "!!bool",
        ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" | ".nan" | ".NaN" | ".NAN" => {
            return "!!float";
        }
        _ => {}
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return "!!str";
    }
    let integer = digits.chars().all(|c| c.is_ascii_digit() || c == '_')
        || ["0x", "0o", "0b"].iter().any(|prefix| {
            digits.strip_prefix(prefix).is_some_and(|rest| {
                !rest.is_empty() && rest.chars().all(|c| c.is_ascii_hexdigit() || c == '_')
            })
        });
    if integer {
        "!!int"
    } else if digits.parse::<f64>().is_ok() {
        "!!float"
    } else {
        "!!str"
    }
}

/// An open collection.
enum Open {
    Sequence(Vec<Node>, usize),
    /// Members, and a key that waits for its value.
    Mapping(Vec<(Node, Node)>, Option<Node>, usize),
}

/// Reads the first document of a text that is known to be YAML.
pub(super) fn read(text: &str) -> Option<Node> {
    let mut stack: Vec<Open> = Vec::new();
    for event in Events::new(text) {
        let (event, mark) = event.ok()?;
        let line = mark.row();
        let done = match event {
            Event::Scalar { text, style, .. } => Node {
                kind: Kind::Scalar(text.into_owned(), style == Style::Plain),
                line,
            },
            Event::Alias(_) => Node {
                kind: Kind::Alias,
                line,
            },
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if stack.len() >= MAX_DEPTH {
                    return None;
                }
                stack.push(match event {
                    Event::SequenceStart(..) => Open::Sequence(Vec::new(), line),
                    _ => Open::Mapping(Vec::new(), None, line),
                });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match stack.pop()? {
                Open::Sequence(items, line) => Node {
                    kind: Kind::Sequence(items),
                    line,
                },
                Open::Mapping(members, _, line) => Node {
                    kind: Kind::Mapping(members),
                    line,
                },
            },
            Event::DocumentEnd => break,
        };
        match stack.last_mut() {
            None => return Some(done),
            Some(Open::Sequence(items, _)) => items.push(done),
            Some(Open::Mapping(members, waiting, _)) => match waiting.take() {
                Some(key) => members.push((key, done)),
                None => *waiting = Some(done),
            },
        }
    }
    Some(Node {
        kind: Kind::Scalar(String::new(), true),
        line: 1,
    })
}
