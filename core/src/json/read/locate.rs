//! Where values stand in a text.
//!
//! Reading keeps no places: nothing of what evaluation does needs them. Whoever wants to point at a value afterwards
//! asks the text once more; all that is not on the way to it is skipped as what a projection leaves out is.

use std::collections::HashMap;

use super::lanes::{Lanes, Work, widest};
use super::{Copied, JsonError, ReadOptions, Reader};
use crate::value::Arena;

/// One step of the way to a value of a JSON document.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PathStep<'p> {
    /// The member of an object.
    Member(&'p str),
    /// The element of an array, from 0.
    Element(usize),
}

impl<'p> From<&'p str> for PathStep<'p> {
    fn from(name: &'p str) -> PathStep<'p> {
        PathStep::Member(name)
    }
}

impl From<usize> for PathStep<'_> {
    fn from(index: usize) -> Self {
        PathStep::Element(index)
    }
}

/// Where a value begins in its text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct JsonPlace {
    /// Bytes before it.
    pub offset: usize,
    /// Line, from 1.
    pub row: u32,
    /// Column, from 1, in characters, as those of policies are.
    pub col: u32,
}

/// Where the value at a path begins in a JSON text; `None` if there is none, or the text is no JSON.
///
/// The text is gone through once, without building values; what is beside the path is checked as little as parts are
/// that [`read_projected`](super::read_projected) leaves out. Of members with the same key the last one counts, as it does
/// for evaluation. Many paths are found in one go by [`locate_all`].
///
/// ```
/// use regovm_core::json::locate;
/// let text = b"{\n  \"ports\": [22,\n    80]\n}";
/// let place = locate(text, &["ports".into(), 1.into()]).unwrap();
/// assert_eq!((place.offset, place.row, place.col), (22, 3, 5));
/// assert_eq!(locate(text, &["ports".into(), 2.into()]), None);
/// ```
pub fn locate(text: &[u8], path: &[PathStep<'_>]) -> Option<JsonPlace> {
    locate_all(text, &[path]).pop().flatten()
}

/// Where the values at several paths begin: an answer for each path, in their order. The text is gone through once,
/// whatever the number of paths; see [`locate`].
pub fn locate_all<'p, P>(text: &[u8], paths: &[P]) -> Vec<Option<JsonPlace>>
where
    P: AsRef<[PathStep<'p>]>,
{
    let mut tree = Tree::default();
    let ends: Vec<usize> = paths.iter().map(|path| tree.add(path.as_ref())).collect();
    let arena = Arena::new();
    let reader = Reader::new(text, &arena, Copied, ReadOptions::default(), None);
    let walk = Walk {
        reader,
        tree: &mut tree,
    };
    if widest(walk).is_err() {
        return vec![None; paths.len()];
    }
    let offsets = tree.offsets();
    let wanted = ends.iter().filter_map(|end| offsets[*end]).collect();
    let places = places(text, wanted);
    ends.into_iter()
        .map(|end| places.get(&offsets[end]?).copied())
        .collect()
}

/// Rows and columns of offsets.
fn places(text: &[u8], mut offsets: Vec<usize>) -> HashMap<usize, JsonPlace> {
    offsets.sort_unstable();
    let mut places = HashMap::with_capacity(offsets.len());
    let (mut at, mut row, mut col) = (0, 1, 1);
    for offset in offsets {
        let passed = text.get(at..offset).unwrap_or_default();
        // Continuation bytes of UTF-8 belong to the character before them.
        let characters =
            |part: &[u8]| part.iter().filter(|byte| *byte & 0xC0 != 0x80).count() as u32;
        match passed.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => {
                row += passed.iter().filter(|byte| **byte == b'\n').count() as u32;
                col = 1 + characters(&passed[end + 1..]);
            }
            None => col += characters(passed),
        }
        at = offset;
        places.insert(offset, JsonPlace { offset, row, col });
    }
    places
}

/// The wanted paths. A node comes behind the node that it is below of; the first one is the document.
struct Tree<'p> {
    nodes: Vec<Node<'p>>,
}

#[derive(Default)]
struct Node<'p> {
    parent: usize,
    members: HashMap<&'p str, usize>,
    elements: HashMap<usize, usize>,
    /// Where its value was seen last.
    seen: Option<usize>,
    /// Where the value around was seen then. If that is not where it was seen last, a later member replaced all of it.
    inside: Option<usize>,
}

impl Default for Tree<'_> {
    fn default() -> Self {
        Tree {
            nodes: vec![Node::default()],
        }
    }
}

impl<'p> Tree<'p> {
    /// The node of a path.
    fn add(&mut self, path: &[PathStep<'p>]) -> usize {
        path.iter().fold(0, |parent, step| {
            let next = self.nodes.len();
            let node = &mut self.nodes[parent];
            let child = match step {
                PathStep::Member(name) => *node.members.entry(name).or_insert(next),
                PathStep::Element(index) => *node.elements.entry(*index).or_insert(next),
            };
            if child == next {
                self.nodes.push(Node {
                    parent,
                    ..Node::default()
                });
            }
            child
        })
    }

    /// The value of a node begins at an offset.
    fn saw(&mut self, node: usize, offset: usize) {
        let inside = self.nodes[self.nodes[node].parent].seen;
        let node = &mut self.nodes[node];
        node.inside = inside;
        node.seen = Some(offset);
    }

    /// Where the value of each node begins.
    fn offsets(&self) -> Vec<Option<usize>> {
        let mut offsets: Vec<Option<usize>> = Vec::with_capacity(self.nodes.len());
        for (id, node) in self.nodes.iter().enumerate() {
            let there = id == 0 || offsets[node.parent].is_some_and(|at| node.inside == Some(at));
            offsets.push(node.seen.filter(|_| there));
        }
        offsets
    }
}

/// A collection on the way to something.
struct Open {
    node: usize,
    /// The element that is read; `None` in objects.
    element: Option<usize>,
}

/// Goes through the text and tells the tree what it sees.
struct Walk<'w, 'a, 't, 'p> {
    reader: Reader<'a, 't, 'static, Copied>,
    tree: &'w mut Tree<'p>,
}

impl Work for Walk<'_, '_, '_, '_> {
    type Out = Result<(), JsonError>;

    #[inline(always)]
    fn with<L: Lanes>(self, lanes: L) -> Result<(), JsonError> {
        let Walk { mut reader, tree } = self;
        let mut open: Vec<Open> = Vec::new();
        // What is wanted of the value that comes next.
        let mut node = Some(0);
        'value: loop {
            if reader.at >= reader.look_at {
                reader.look()?;
            }
            reader.space(lanes);
            if let Some(node) = node {
                tree.saw(node, reader.at);
            }
            match (node, reader.byte()) {
                (Some(id), b'{') if !tree.nodes[id].members.is_empty() => {
                    reader.at += 1;
                    reader.space(lanes);
                    if reader.byte() == b'}' {
                        reader.at += 1;
                    } else {
                        let element = None;
                        open.push(Open { node: id, element });
                        node = member(&mut reader, tree, id)?;
                        continue 'value;
                    }
                }
                (Some(id), b'[') if !tree.nodes[id].elements.is_empty() => {
                    reader.at += 1;
                    reader.space(lanes);
                    if reader.byte() == b']' {
                        reader.at += 1;
                    } else {
                        let element = Some(0);
                        open.push(Open { node: id, element });
                        node = tree.nodes[id].elements.get(&0).copied();
                        continue 'value;
                    }
                }
                _ => reader.skip(lanes)?,
            }
            // The value is complete: close what it completes.
            loop {
                reader.space(lanes);
                let byte = reader.byte();
                match (open.last_mut(), byte) {
                    (None, _) if reader.at < reader.text.len() => {
                        return reader.unexpected("after top-level value");
                    }
                    (None, _) => return Ok(()),
                    (Some(here), b',') => {
                        reader.at += 1;
                        node = match &mut here.element {
                            Some(index) => {
                                *index += 1;
                                tree.nodes[here.node].elements.get(index).copied()
                            }
                            None => {
                                let of = here.node;
                                reader.space(lanes);
                                member(&mut reader, tree, of)?
                            }
                        };
                        continue 'value;
                    }
                    (Some(Open { element: None, .. }), b'}')
                    | (
                        Some(Open {
                            element: Some(_), ..
                        }),
                        b']',
                    ) => {
                        reader.at += 1;
                        open.pop();
                    }
                    (Some(Open { element: None, .. }), _) => {
                        return reader.unexpected("after object key:value pair");
                    }
                    (Some(_), _) => return reader.unexpected("after array element"),
                }
            }
        }
    }
}

/// The key of a member and its colon; gives what is wanted of its value.
fn member(
    reader: &mut Reader<'_, '_, '_, Copied>,
    tree: &Tree<'_>,
    of: usize,
) -> Result<Option<usize>, JsonError> {
    if reader.byte() != b'"' {
        return reader.unexpected("looking for beginning of object key string");
    }
    let key = reader.text_of_string()?;
    reader.colon()?;
    Ok(tree.nodes[of].members.get(&*key).copied())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The value that begins at an offset.
    fn value_at(text: &str, place: JsonPlace) -> serde_json::Value {
        let mut values = serde_json::Deserializer::from_str(&text[place.offset..]).into_iter();
        values.next().unwrap().unwrap()
    }

    fn every_path<'v>(
        value: &'v serde_json::Value,
        path: &mut Vec<PathStep<'v>>,
        found: &mut Vec<(Vec<PathStep<'v>>, &'v serde_json::Value)>,
    ) {
        found.push((path.clone(), value));
        let below: Vec<(PathStep<'v>, &serde_json::Value)> = match value {
            serde_json::Value::Array(list) => list
                .iter()
                .enumerate()
                .map(|(i, v)| (i.into(), v))
                .collect(),
            serde_json::Value::Object(map) => {
                map.iter().map(|(k, v)| (k.as_str().into(), v)).collect()
            }
            _ => Vec::new(),
        };
        for (step, value) in below {
            path.push(step);
            every_path(value, path, found);
            path.pop();
        }
    }

    /// All paths of a text are found together and one by one, and others are not.
    fn check(text: &str) {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let mut found = Vec::new();
        every_path(&value, &mut Vec::new(), &mut found);
        let paths: Vec<&[PathStep<'_>]> = found.iter().map(|(path, _)| &path[..]).collect();
        for ((path, value), place) in found.iter().zip(locate_all(text.as_bytes(), &paths)) {
            let place = place.unwrap_or_else(|| panic!("{path:?} in {text}"));
            assert_eq!(value_at(text, place), **value, "{path:?} in {text}");
            assert_eq!(
                locate(text.as_bytes(), path),
                Some(place),
                "{path:?} in {text}"
            );
            let before = &text[..place.offset];
            let row = before.matches('\n').count() + 1;
            let line = before.rsplit('\n').next().unwrap_or_default();
            let col = line.chars().count() + 1;
            assert_eq!(
                (place.row as usize, place.col as usize),
                (row, col),
                "{text}"
            );
            for beyond in ["no such key".into(), 1_000.into()] {
                let path = [&path[..], &[beyond]].concat();
                assert_eq!(locate(text.as_bytes(), &path), None, "{path:?} in {text}");
            }
        }
    }

    #[test]
    fn values_are_found_where_they_stand() {
        for text in [
            "1",
            " \n\t{ } ",
            "[[],[[]],{}]",
            r#"{"a":{"b":[1,{"c":null}],"":{"":2}},"0":[0]}"#,
            "{\n\t\"größe\" : \"ü\", \"x\":[\r\n \"é\", {\"y\" : -1.5e3 }]}",
            r#"{"a\u0062\"":{"\ud83d\ude00":[true]},"s":"]}\"{["}"#,
        ] {
            check(text);
        }
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let text = br#"{"a":{"b":1,"c":2},"a":{"b":3},"d":{"e":4},"d":5,"\u0061":{"b":6}}"#;
        let offset = |path: &[PathStep<'_>]| locate(text, path).map(|place| place.offset);
        assert_eq!(offset(&["a".into(), "b".into()]), Some(63));
        assert_eq!(offset(&["a".into(), "c".into()]), None);
        assert_eq!(offset(&["d".into(), "e".into()]), None);
        assert_eq!(offset(&["d".into()]), Some(47));
    }

    #[test]
    fn texts_that_are_no_json_have_no_places() {
        for text in [
            "",
            "{",
            "[1",
            r#"{"a":1"#,
            r#"{"a":[1}"#,
            r#"{"a":1}x"#,
            r#"{"a":b}"#,
        ] {
            for path in [&[][..], &["a".into()], &[0.into()]] {
                assert_eq!(locate(text.as_bytes(), path), None, "{text}");
            }
        }
        // On the way to a value every comma counts.
        assert_eq!(locate(b"[1 2]", &[1.into()]), None);
        assert_eq!(locate(br#"{"a" 1}"#, &["a".into()]), None);
        let wrong = b"{\"a\":\"\xff\",\"b\":[1]}";
        assert_eq!(
            locate(wrong, &["b".into(), 0.into()]).map(|p| (p.offset, p.col)),
            Some((14, 15))
        );
    }

    #[test]
    fn depth_needs_no_stack() {
        let deep = format!("{}1{}", "[".repeat(9_000), "]".repeat(9_000));
        let path = vec![PathStep::Element(0); 9_000];
        assert_eq!(locate(deep.as_bytes(), &path).unwrap().offset, 9_000);
        let too_deep = "[".repeat(1_000_000);
        assert_eq!(locate(too_deep.as_bytes(), &path), None);
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<i32>().prop_map(Into::into),
            "[a-c\"\\\\\n{}\\[\\]é]{0,40}".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                prop::collection::vec(("[ab\"\n]{0,3}", inner), 0..6)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_of_random_texts_is_found(value in json(), pretty in any::<bool>()) {
            check(&if pretty { format!("{value:#}") } else { value.to_string() });
        }
    }
}
