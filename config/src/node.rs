//! Values with the places where they stand.

use crate::place::Step;

/// Collections nest no deeper than this: their readers, and what walks the trees, are recursive.
pub(crate) const MAX_DEPTH: usize = 128;

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Node {
    /// Offset of what names it: the key of a member, otherwise its first character.
    pub(crate) at: usize,
    pub(crate) content: Content,
}

/// What a value is.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    /// A number in JSON's spelling.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(crate) fn new(at: usize, content: Content) -> Node {
        Node { at, content }
    }

    pub(crate) fn text(at: usize, text: impl Into<String>) -> Node {
        Node::new(at, Content::Text(text.into()))
    }

    pub(crate) fn list(at: usize, elements: Vec<Node>) -> Node {
        Node::new(at, Content::List(elements))
    }

    pub(crate) fn map(at: usize, members: Vec<(String, Node)>) -> Node {
        Node::new(at, Content::Map(members))
    }

    /// The member or element at a path.
    pub(crate) fn find(&self, path: &[Step]) -> Option<&Node> {
        path.iter().try_fold(self, |node, step| node.step(step))
    }

    fn step(&self, step: &Step) -> Option<&Node> {
        match (&self.content, step) {
            (Content::List(elements), Step::Index(index)) => elements.get(*index),
            (Content::List(elements), Step::Name(name)) => {
                elements.get(name.parse::<usize>().ok()?)
            }
            (Content::List(elements), Step::Where(name, value)) => {
                let is_it = |element: &&Node| {
                    let member = element.step(&Step::Name(name.clone()));
                    member.is_some_and(|m| m.content == Content::Text(value.clone()))
                };
                let mut found = elements.iter().filter(is_it);
                let first = found.next()?;
                found.next().is_none().then_some(first)
            }
            (Content::Map(members), Step::Name(name)) => {
                let named = members.iter().find(|(key, _)| key == name);
                named.map(|(_, member)| member)
            }
            _ => None,
        }
    }

    /// The value as JSON text.
    pub(crate) fn to_json(&self) -> String {
        let mut json = String::new();
        self.push_json(&mut json);
        json
    }

    fn push_json(&self, json: &mut String) {
        match &self.content {
            Content::Null => json.push_str("null"),
            Content::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
            Content::Number(number) => json.push_str(number),
            Content::Text(text) => push_text(json, text),
            Content::List(elements) => {
                json.push('[');
                for (i, element) in elements.iter().enumerate() {
                    if i > 0 {
                        json.push(',');
                    }
                    element.push_json(json);
                }
                json.push(']');
            }
            Content::Map(members) => {
                json.push('{');
                for (i, (key, member)) in members.iter().enumerate() {
                    if i > 0 {
                        json.push(',');
                    }
                    push_text(json, key);
                    json.push(':');
                    member.push_json(json);
                }
                json.push('}');
            }
        }
    }
}

fn push_text(json: &mut String, text: &str) {
    // A text can always be written.
    json.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// Members of a map under construction: the last of a name counts.
#[derive(Default)]
pub(crate) struct Members {
    list: Vec<(String, Node)>,
    positions: std::collections::HashMap<String, usize>,
}

impl Members {
    pub(crate) fn set(&mut self, key: String, node: Node) {
        match self.positions.get(&key) {
            Some(at) => self.list[*at].1 = node,
            None => {
                self.positions.insert(key.clone(), self.list.len());
                self.list.push((key, node));
            }
        }
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let at = *self.positions.get(key)?;
        Some(&mut self.list[at].1)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.positions.get(key).map(|at| &self.list[*at].1)
    }

    pub(crate) fn finish(self) -> Vec<(String, Node)> {
        self.list
    }
}

/// A floating point number in JSON's spelling; `None` for infinity and what is no number.
pub(crate) fn number(value: f64) -> Option<String> {
    if !value.is_finite() {
        return None;
    }
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        return Some(format!("{value:e}"));
    }
    Some(format!("{value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_json() {
        for (value, text) in [
            (3.0, "3"),
            (3.5, "3.5"),
            (1e23, "1e23"),
            (1e-9, "1e-9"),
            (-0.25, "-0.25"),
            (0.0, "0"),
        ] {
            assert_eq!(number(value).as_deref(), Some(text));
        }
        assert_eq!(number(f64::INFINITY), None);
    }
}
