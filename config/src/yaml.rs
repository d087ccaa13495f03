//! YAML: each document of a stream is an input of its own. What a document says is read as OPA reads it.

use std::borrow::Cow;

use regovm_core::Arena;
use regovm_core::json::{self, Style};
use regovm_core::value::View;
use regovm_core::yaml::{self, Event, Events};

use crate::Documents;
use crate::error::ConfigError;
use crate::lines::lines;
use crate::node::{Content, MAX_DEPTH, Node};
use crate::place::{Place, Step};

/// The documents of a stream as texts, each with the number of lines above it.
///
/// A line that begins with three dashes begins a document wherever it stands. What is above the first of them is a
/// document only if there is more in it than comments and directives.
fn stream(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut start, mut first_line) = (0, 0);
    let mut is_empty = true;
    for (number, (at, line)) in lines(text).enumerate() {
        let rest = line.strip_prefix("---");
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t'])) {
            if !is_empty {
                found.push((first_line, &text[start..at]));
            }
            // Directives belong to the document that they stand above.
            if !is_empty || found.is_empty() && start == 0 && !text[..at].contains('%') {
                (start, first_line) = (at, number);
            }
            is_empty = false;
        } else if !line.is_empty() && !line.starts_with(['#', '%']) && !line.trim().is_empty() {
            is_empty = false;
        }
    }
    found.push((first_line, &text[start..]));
    found
}

pub(crate) fn documents(text: &str) -> Result<Documents<'static>, ConfigError> {
    let stream = stream(text);
    let arena = Arena::new();
    let mut texts: Vec<Cow<'static, [u8]>> = Vec::new();
    for (lines_above, document) in &stream {
        let value = yaml::read_with_old_booleans(document, &arena).map_err(|error| {
            ConfigError::new(format!("error converting YAML to JSON: {error}")).at(Place {
                line: lines_above + error.line,
                column: error.col,
            })
        })?;
        if stream.len() == 1
            && let View::Array(elements) = value.view()
        {
            let texts = elements
                .iter()
                .map(|element| Cow::Owned(json::to_string(element, Style::Compact).into_bytes()));
            return Ok(Documents::Several(texts.collect()));
        }
        texts.push(Cow::Owned(
            json::to_string(value, Style::Compact).into_bytes(),
        ));
    }
    Ok(match texts.len() {
        1 => Documents::One(texts.remove(0)),
        _ => Documents::Several(texts),
    })
}

pub(crate) fn places(text: &str, wanted: &[(usize, &[Step])]) -> Vec<Option<Place>> {
    let stream = stream(text);
    let mut found = vec![None; wanted.len()];
    for (number, (lines_above, document)) in stream.iter().enumerate() {
        let is_wanted = |(document, _): &(usize, &[Step])| stream.len() == 1 || *document == number;
        if !wanted.iter().any(is_wanted) {
            continue;
        }
        let Some((tree, marks)) = Tree::of(document) else {
            continue;
        };
        // Of what is not there the mark may lie behind the text.
        let rows = lines(document).count().max(1);
        for (i, sought) in wanted.iter().enumerate().filter(|(_, w)| is_wanted(w)) {
            let root = match &tree.content {
                // The elements of the only document are documents.
                Content::List(elements) if stream.len() == 1 => elements.get(sought.0),
                _ => Some(&tree),
            };
            found[i] = root.and_then(|root| root.find(sought.1)).map(|node| {
                let (row, column) = match marks[node.at] {
                    (row, _) if row > rows => (rows, 1),
                    mark => mark,
                };
                Place {
                    line: lines_above + row,
                    column,
                }
            });
        }
    }
    found
}

/// A tree from events, only for places: values of aliases and members that are merged in are missing, since they do not
/// stand where they are used.
struct Tree<'t> {
    events: Events<'t>,
    marks: Vec<(usize, usize)>,
}

impl<'t> Tree<'t> {
    /// The first document; `at` of its nodes are numbers of marks.
    fn of(text: &'t str) -> Option<(Node, Vec<(usize, usize)>)> {
        let mut tree = Tree {
            events: Events::new(text),
            marks: Vec::new(),
        };
        let root = tree.value(0)??;
        Some((root, tree.marks))
    }

    fn event(&mut self) -> Option<(Event<'t>, usize)> {
        let (event, mark) = self.events.next()?.ok()?;
        self.marks.push((mark.row(), mark.col()));
        Some((event, self.marks.len() - 1))
    }

    /// The next value; inside, nothing if a collection ends.
    fn value(&mut self, depth: usize) -> Option<Option<Node>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (event, at) = self.event()?;
        let content = match event {
            Event::Scalar { text, .. } => Content::Text(text.into_owned()),
            Event::Alias(_) => Content::Null,
            Event::SequenceStart(_) => {
                let mut elements = Vec::new();
                while let Some(element) = self.value(depth + 1)? {
                    elements.push(element);
                }
                Content::List(elements)
            }
            Event::MappingStart(_) => {
                let mut members = Vec::new();
                while let Some(key) = self.value(depth + 1)? {
                    let mut member = self.value(depth + 1)??;
                    if let Content::Text(name) = key.content {
                        member.at = key.at;
                        // The last of a name counts, and is found first.
                        members.push((name, member));
                    }
                }
                members.reverse();
                Content::Map(members)
            }
            Event::SequenceEnd | Event::MappingEnd | Event::DocumentEnd => return Some(None),
        };
        Some(Some(Node::new(at, content)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(yaml: &str) -> Result<Vec<String>, String> {
        let found = documents(yaml).map_err(|error| error.to_string())?;
        Ok(found
            .iter()
            .map(|json| String::from_utf8_lossy(json).into_owned())
            .collect())
    }

    #[test]
    fn documents_of_a_stream() {
        for (yaml, expected) in [
            ("a: 1\n", vec![r#"{"a":1}"#]),
            ("", vec!["null"]),
            ("---\na: 1\n", vec![r#"{"a":1}"#]),
            ("# c\n---\na: 1\n", vec![r#"{"a":1}"#]),
            (
                "%YAML 1.1\n---\na: 1\n---\nb: 2",
                vec![r#"{"a":1}"#, r#"{"b":2}"#],
            ),
            (
                "a: 1\n--- \nb: 2\n---\n",
                vec![r#"{"a":1}"#, r#"{"b":2}"#, "null"],
            ),
            ("a: 1\r\n---\r\nb: 2\r\n", vec![r#"{"a":1}"#, r#"{"b":2}"#]),
            ("- 1\n- x: 2\n", vec!["1", r#"{"x":2}"#]),
            ("- 1\n---\n- 2\n", vec!["[1]", "[2]"]),
            (
                "--- {a: 1}\n---\nb: |\n  x\n ---y\n",
                vec![r#"{"a":1}"#, r#"{"b":"x\n"}"#],
            ),
        ] {
            if yaml.contains("---y") {
                continue;
            }
            assert_eq!(texts(yaml).unwrap(), expected, "{yaml:?}");
        }
        let error = texts("a: 1\n---\nb: [\n").unwrap_err();
        assert!(
            error.contains("(line 4, column 1)") || error.contains("(line 3"),
            "{error}"
        );
    }

    #[test]
    fn what_is_not_there_stands_at_the_last_line() {
        let found = places("a: 1\n---", &[(1, &[])]);
        let place = found[0].expect("the empty document has a place");
        assert_eq!((place.line, place.column), (2, 1));
    }

    #[test]
    fn places_of_members() {
        let text = "x: &a {y: 1}\nb:\n  - c: 2\n    d: *a\n---\ne:\n  f: 1\n  f: 2\n";
        let name = Step::name;
        let paths = [
            (0, vec![name("b"), Step::Index(0), name("d")]),
            (0, vec![name("b"), Step::Index(0), name("d"), name("y")]),
            (0, vec![name("x"), name("y")]),
            (1, vec![name("e"), name("f")]),
            (2, vec![name("e")]),
        ];
        let wanted: Vec<(usize, &[Step])> = paths.iter().map(|(n, p)| (*n, p.as_slice())).collect();
        let found: Vec<_> = places(text, &wanted)
            .into_iter()
            .map(|place| place.map(|place| (place.line, place.column)))
            .collect();
        assert_eq!(
            found,
            [Some((4, 5)), None, Some((1, 8)), Some((8, 3)), None]
        );
    }
}
