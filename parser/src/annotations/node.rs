//! YAML as a tree with lines, to say where something has the wrong kind.

use regovm_core::yaml::{Event, Mark, Style};

/// No tree is deeper: [`regovm_core::yaml`] refuses such texts.
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

/// The first document of a text, event by event.
#[derive(Default)]
pub(super) struct Tree {
    open: Vec<Open>,
    root: Option<Node>,
    ended: bool,
}

impl Tree {
    /// Takes the next event.
    pub(super) fn event(&mut self, event: &Event<'_>, mark: Mark) {
        if self.ended {
            return;
        }
        let line = mark.row();
        let done = match event {
            Event::Scalar { text, style, .. } => Node {
                kind: Kind::Scalar(text.clone().into_owned(), *style == Style::Plain),
                line,
            },
            Event::Alias(_) => Node {
                kind: Kind::Alias,
                line,
            },
            // What is deeper is refused, but only at its end.
            Event::SequenceStart(..) | Event::MappingStart(..) if self.open.len() >= MAX_DEPTH => {
                self.ended = true;
                return;
            }
            Event::SequenceStart(..) => {
                return self.open.push(Open::Sequence(Vec::new(), line));
            }
            Event::MappingStart(..) => {
                return self.open.push(Open::Mapping(Vec::new(), None, line));
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::Sequence(items, line)) => Node {
                    kind: Kind::Sequence(items),
                    line,
                },
                Some(Open::Mapping(members, _, line)) => Node {
                    kind: Kind::Mapping(members),
                    line,
                },
                None => return,
            },
            Event::DocumentEnd => {
                self.ended = true;
                return;
            }
        };
        match self.open.last_mut() {
            None => {
                self.root = Some(done);
                self.ended = true;
            }
            Some(Open::Sequence(items, _)) => items.push(done),
            Some(Open::Mapping(members, waiting, _)) => match waiting.take() {
                Some(key) => members.push((key, done)),
                None => *waiting = Some(done),
            },
        }
    }

    /// The document.
    pub(super) fn finish(self) -> Node {
        self.root.unwrap_or(Node {
            kind: Kind::Scalar(String::new(), true),
            line: 1,
        })
    }
}
