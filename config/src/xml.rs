//! XML: elements are members of their parents, attributes are members with a dash before their names, text beside other
//! members is `#content`. Prefixes of namespaces are left out; elements of one name are an array.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use crate::error::ConfigError;
use crate::lines::BYTE_ORDER_MARK;
use crate::node::{Content, MAX_DEPTH, Node};

/// An element that is not closed.
struct Open {
    name: String,
    at: usize,
    /// By name, in the order of their first.
    children: Vec<(String, Vec<Node>)>,
    /// The last run of text, which is the one that counts.
    text: String,
}

impl Open {
    fn new(name: String, at: usize) -> Open {
        Open {
            name,
            at,
            children: Vec::new(),
            text: String::new(),
        }
    }

    fn add(&mut self, name: String, node: Node) {
        match self.children.iter_mut().find(|(known, _)| *known == name) {
            Some((_, alike)) => alike.push(node),
            None => self.children.push((name, vec![node])),
        }
    }

    fn finish(self) -> (String, Node) {
        let text = self
            .text
            .trim_matches(|c: char| c.is_whitespace() || c.is_control());
        if self.children.is_empty() {
            return (self.name, Node::text(self.at, text));
        }
        let mut members = Vec::new();
        if !text.is_empty() {
            members.push(("#content".to_owned(), Node::text(self.at, text)));
        }
        for (name, mut alike) in self.children {
            let node = match alike.len() {
                1 => alike.remove(0),
                _ => Node::list(alike[0].at, alike),
            };
            members.push((name, node));
        }
        (self.name, Node::map(self.at, members))
    }
}

pub(crate) fn read(text: &str) -> Result<Node, ConfigError> {
    let skipped = text.len() - text.trim_start_matches(BYTE_ORDER_MARK).len();
    let mut reader = Reader::from_str(&text[skipped..]);
    let mut open = vec![Open::new(String::new(), 0)];
    // Whether the next text goes on with the last one.
    let mut in_text = false;
    loop {
        let at = skipped + reader.buffer_position() as usize;
        let wrong = |what: &dyn std::fmt::Display, at: usize| {
            ConfigError::new(format!("xml: {what}")).at_offset(text, at)
        };
        let event = reader
            .read_event()
            .map_err(|error| wrong(&error, skipped + reader.error_position() as usize))?;
        let mut goes_on = false;
        let depth = open.len();
        let Some(current) = open.last_mut() else {
            return Err(wrong(&"an end without a beginning", at));
        };
        match event {
            Event::Start(tag) => {
                if depth > MAX_DEPTH {
                    return Err(ConfigError::too_deep().at_offset(text, at));
                }
                open.push(element(&tag, at).map_err(|error| wrong(&error, at))?);
            }
            Event::Empty(tag) => {
                let closed = element(&tag, at).map_err(|error| wrong(&error, at))?;
                let (name, node) = closed.finish();
                current.add(name, node);
            }
            Event::End(_) => {
                let (name, node) = match open.pop() {
                    Some(closed) => closed.finish(),
                    None => continue,
                };
                if let Some(parent) = open.last_mut() {
                    parent.add(name, node);
                }
            }
            Event::Text(run) => {
                goes_on = true;
                if !in_text {
                    current.text.clear();
                }
                current.text.push_str(&run.xml10_content());
            }
            Event::GeneralRef(reference) => {
                goes_on = true;
                if !in_text {
                    current.text.clear();
                }
                let character = reference
                    .resolve_char_ref()
                    .map_err(|error| wrong(&error, at))?;
                match (character, named(&reference.xml10_content())) {
                    (Some(character), _) | (None, Some(character)) => current.text.push(character),
                    (None, None) => {
                        return Err(wrong(&"the entity is not known", at)
                            .with_hint("XML knows &amp; &lt; &gt; &quot; &apos; and numbers"));
                    }
                }
            }
            Event::CData(data) => current.text = data.xml10_content().into_owned(),
            Event::Eof => break,
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::DocType(_) => {}
        }
        in_text = goes_on;
    }
    let unclosed = open.len() > 1;
    let Some(root) = open.into_iter().next_back() else {
        return Ok(Node::new(0, Content::Null));
    };
    if unclosed {
        let what = format!("xml: <{}> is not closed", root.name);
        return Err(ConfigError::new(what).at_offset(text, root.at));
    }
    Ok(root.finish().1)
}

fn element(tag: &BytesStart<'_>, at: usize) -> Result<Open, quick_xml::Error> {
    let mut open = Open::new(tag.local_name().as_ref().to_owned(), at);
    for attribute in tag.attributes() {
        let attribute = attribute?;
        let name = attribute.key.local_name();
        let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
        let named = format!("-{}", name.as_ref());
        open.add(named, Node::text(at, value.into_owned()));
    }
    Ok(open)
}

/// The entities of XML itself.
fn named(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}
