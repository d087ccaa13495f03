//! Overlays: what `with` puts over `input`, `data` and functions.
//!
//! An overlay is a small tree of replacements beside the documents. A load walks the tree and the document together, so
//! siblings are neither copied nor looked at; only a load that ends *above* a replacement builds a merged document, once.
//! `data` has a rule of its own, as in OPA: a document above a replacement is the replacement's tree merged deeply with
//! the base document, while a load at or below a replacement sees the replacement alone.

use std::cell::Cell;

use regovm_core::value::{Arena, Kind, Value};
use regovm_core::work;

use crate::bytecode::Callee;
use crate::memo::Memo;

/// The number of an overlay; 0 is "none".
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct OverlayId(pub(crate) u32);

impl OverlayId {
    pub(crate) const NONE: OverlayId = OverlayId(0);
}

/// Which document a tree lies over; they differ in how they merge.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    Input,
    Data,
}

/// How deep two documents are merged; deeper, the replacement wins. Far beyond any `with`.
const MERGE_DEPTH: u32 = 256;

/// A place in the tree of replacements.
#[derive(Clone, Default)]
pub(crate) struct Node<'a> {
    replaced: Option<Value<'a>>,
    children: Vec<(Value<'a>, Node<'a>)>,
    /// The merged document at this place, once somebody asked for it.
    merged: Cell<Option<Value<'a>>>,
}

impl<'a> Node<'a> {
    /// True if nothing is replaced here or below.
    pub(crate) fn is_empty(&self) -> bool {
        self.replaced.is_none() && self.children.is_empty()
    }

    fn child(&self, key: Value<'_>) -> Option<&Node<'a>> {
        self.children
            .iter()
            .find(|(k, _)| *k == key)
            .map(|(_, node)| node)
    }

    /// Replaces what is at a path; earlier replacements below it are gone.
    pub(crate) fn set(&mut self, path: &[Value<'a>], value: Value<'a>) {
        self.merged.set(None);
        let Some((key, rest)) = path.split_first() else {
            self.replaced = Some(value);
            self.children.clear();
            return;
        };
        let at = match self.children.iter().position(|(k, _)| k == key) {
            Some(at) => at,
            None => {
                self.children.push((*key, Node::default()));
                self.children.len() - 1
            }
        };
        self.children[at].1.set(rest, value);
    }

    /// True if a path lies at or below a replacement.
    pub(crate) fn covers(&self, path: impl IntoIterator<Item = Value<'a>>) -> bool {
        let mut node = self;
        for key in path {
            if node.replaced.is_some() {
                return true;
            }
            match node.child(key) {
                Some(child) => node = child,
                None => return false,
            }
        }
        node.replaced.is_some()
    }

    /// The document at a path, seen through the tree.
    pub(crate) fn load(
        &self,
        document: Document,
        base: Option<Value<'a>>,
        path: impl IntoIterator<Item = Value<'a>>,
        arena: &'a Arena,
    ) -> Option<Value<'a>> {
        let mut node = Some(self);
        let mut value = base;
        let mut under = false;
        for key in path {
            if let Some(here) = node {
                if here.replaced.is_some() {
                    value = here.replaced;
                    under = true;
                }
                let exact = under || document == Document::Input;
                if exact
                    && !here.children.is_empty()
                    && value.is_none_or(|value| value.as_object().is_none())
                {
                    // A replacement below makes an object of whatever is here.
                    value = None;
                }
                node = here.child(key);
            }
            value = value.and_then(|value| match document {
                Document::Data if !under => base_member(value, key),
                _ => value.get(key),
            });
            if node.is_none() && value.is_none() {
                return None;
            }
        }
        match node {
            None => value,
            Some(node) if node.replaced.is_none() && node.children.is_empty() => value,
            Some(node) => {
                if let Some(merged) = node.merged.get() {
                    return Some(merged);
                }
                let merged = if under || node.replaced.is_some() || document == Document::Input {
                    node.exact(value, arena)
                } else {
                    let own = node.exact(None, arena);
                    value.map_or(own, |real| merge(own, real, arena, 0))
                };
                node.merged.set(Some(merged));
                Some(merged)
            }
        }
    }

    /// The document with exactly the places of the tree replaced.
    fn exact(&self, base: Option<Value<'a>>, arena: &'a Arena) -> Value<'a> {
        let base = self.replaced.or(base);
        if self.children.is_empty() {
            return base.unwrap_or(Value::NULL);
        }
        let object = base.and_then(Value::as_object);
        work::count(object.map_or(0, |object| object.len()) as u64);
        let siblings = object.into_iter().flat_map(|object| object.iter());
        let replaced = self.children.iter().map(|(key, node)| {
            (
                *key,
                node.exact(object.and_then(|object| object.get(*key)), arena),
            )
        });
        arena.object_from(siblings.chain(replaced))
    }
}

/// A step into base data. Its paths are texts: numbers are members of objects by their text, texts are indexes of arrays.
pub(crate) fn base_member<'a>(value: Value<'a>, key: Value<'a>) -> Option<Value<'a>> {
    match (value.kind(), key.kind()) {
        (Kind::Object, Kind::String) => value.get(key),
        (Kind::Object, Kind::Number) => value.get_str(&key.to_string()),
        (Kind::Array, Kind::String) => {
            let index: usize = key.as_str()?.parse().ok()?;
            value.as_array()?.get(index)
        }
        (Kind::Array, Kind::Number) => value.get(key),
        _ => None,
    }
}

/// Both objects' members, `first` winning where both have something that is no object.
pub(crate) fn merge<'a>(
    first: Value<'a>,
    second: Value<'a>,
    arena: &'a Arena,
    depth: u32,
) -> Value<'a> {
    let (Some(ours), Some(theirs)) = (first.as_object(), second.as_object()) else {
        return first;
    };
    if depth >= MERGE_DEPTH {
        return first;
    }
    work::count((ours.len() + theirs.len()) as u64);
    let members = ours.iter().map(|(key, value)| match theirs.get(key) {
        Some(other) => (key, merge(value, other, arena, depth + 1)),
        None => (key, value),
    });
    let rest = theirs.iter().filter(|(key, _)| ours.get(*key).is_none());
    arena.object_from(members.chain(rest))
}

/// What a replaced function does.
#[derive(Clone, Copy)]
pub(crate) enum Mock<'a> {
    /// Always this value.
    Value(Value<'a>),
    /// What another one does.
    Callee(Callee),
}

/// One overlay with the results that were computed under it.
#[derive(Default)]
pub(crate) struct Overlay<'a> {
    pub(crate) input: Node<'a>,
    pub(crate) data: Node<'a>,
    pub(crate) functions: Vec<(Callee, Mock<'a>)>,
    pub(crate) memo: Memo<'a>,
    /// This overlay without replaced functions: what replacements themselves run under.
    plain: Option<OverlayId>,
}

impl<'a> Overlay<'a> {
    /// A new overlay with the same replacements and no results.
    pub(crate) fn fork(&self) -> Overlay<'a> {
        Overlay {
            input: self.input.clone(),
            data: self.data.clone(),
            functions: self.functions.clone(),
            memo: Memo::default(),
            plain: None,
        }
    }

    /// Replaces a function; a second replacement of the same one wins.
    pub(crate) fn replace(&mut self, target: Callee, mock: Mock<'a>) {
        self.functions.retain(|(callee, _)| *callee != target);
        self.functions.push((target, mock));
    }

    /// What a call of this function does instead.
    pub(crate) fn mock(&self, callee: Callee) -> Option<Mock<'a>> {
        self.functions
            .iter()
            .find(|(target, _)| *target == callee)
            .map(|(_, mock)| *mock)
    }
}

/// All overlays of a run. Places of dead ones are used again.
pub(crate) struct Overlays<'a> {
    list: Vec<Overlay<'a>>,
    free: Vec<OverlayId>,
}

impl<'a> Overlays<'a> {
    /// Only the overlay that replaces nothing.
    pub(crate) fn new() -> Overlays<'a> {
        Overlays {
            list: vec![Overlay::default()],
            free: Vec::new(),
        }
    }

    pub(crate) fn get(&self, id: OverlayId) -> &Overlay<'a> {
        &self.list[id.0 as usize]
    }

    pub(crate) fn get_mut(&mut self, id: OverlayId) -> &mut Overlay<'a> {
        &mut self.list[id.0 as usize]
    }

    pub(crate) fn add(&mut self, overlay: Overlay<'a>) -> OverlayId {
        match self.free.pop() {
            Some(id) => {
                self.list[id.0 as usize] = overlay;
                id
            }
            None => {
                self.list.push(overlay);
                OverlayId(self.list.len() as u32 - 1)
            }
        }
    }

    /// The same overlay without replaced functions.
    pub(crate) fn plain(&mut self, id: OverlayId) -> OverlayId {
        let overlay = self.get(id);
        if overlay.functions.is_empty() {
            return id;
        }
        if let Some(plain) = overlay.plain {
            return plain;
        }
        let mut fork = overlay.fork();
        fork.functions.clear();
        let plain = if fork.input.is_empty() && fork.data.is_empty() {
            OverlayId::NONE
        } else {
            self.add(fork)
        };
        self.get_mut(id).plain = Some(plain);
        plain
    }

    /// Forgets an overlay that nothing can use any more; gives the bytes that its results took on the heap.
    pub(crate) fn release(&mut self, id: OverlayId) -> usize {
        if id == OverlayId::NONE {
            return 0;
        }
        let overlay = std::mem::take(self.get_mut(id));
        self.free.push(id);
        let below = overlay.plain.map_or(0, |plain| self.release(plain));
        overlay.memo.bytes() + below
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regovm_core::json;

    fn read<'a>(arena: &'a Arena, text: &'a str) -> Value<'a> {
        json::read(text.as_bytes(), arena, json::ReadOptions::default()).unwrap()
    }

    fn path<'a>(arena: &'a Arena, text: &str) -> Vec<Value<'a>> {
        text.split('.')
            .filter(|key| !key.is_empty())
            .map(|key| arena.string(key))
            .collect()
    }

    /// Replacements as `path=json`, then loads as `path -> Rego text`. All facts were asked of OPA.
    fn check(
        document: Document,
        base: &str,
        replacements: &[(&str, &str)],
        loads: &[(&str, &str)],
    ) {
        let arena = Arena::new();
        let mut node = Node::default();
        for (at, value) in replacements {
            node.set(&path(&arena, at), read(&arena, value));
        }
        let base = (!base.is_empty()).then(|| read(&arena, base));
        for (at, expected) in loads {
            let got = node.load(document, base, path(&arena, at), &arena);
            let text = got.map_or("undefined".to_owned(), |value| value.to_string());
            assert_eq!(&text, expected, "load of {at}");
        }
    }

    #[test]
    fn input_is_replaced_exactly() {
        check(
            Document::Input,
            r#"{"a": {"b": {"y": 2}, "c": 3}, "d": [1]}"#,
            &[("a.b", r#"{"x": 1}"#), ("d.e", "5")],
            &[
                ("a.b", r#"{"x": 1}"#),
                ("a.b.y", "undefined"),
                ("a", r#"{"b": {"x": 1}, "c": 3}"#),
                ("a.c", "3"),
                ("d", r#"{"e": 5}"#),
                ("", r#"{"a": {"b": {"x": 1}, "c": 3}, "d": {"e": 5}}"#),
            ],
        );
        check(
            Document::Input,
            "",
            &[("a", "1"), ("b.c", "2")],
            &[("", r#"{"a": 1, "b": {"c": 2}}"#), ("x", "undefined")],
        );
    }

    #[test]
    fn data_above_a_replacement_is_merged() {
        check(
            Document::Data,
            r#"{"a": {"b": {"y": 2}, "c": 3}}"#,
            &[("a.b", r#"{"x": 1}"#)],
            &[
                ("a.b", r#"{"x": 1}"#),
                ("a", r#"{"b": {"x": 1, "y": 2}, "c": 3}"#),
                ("a.c", "3"),
            ],
        );
    }

    #[test]
    fn paths_of_base_data_are_texts() {
        let arena = Arena::new();
        let value = read(
            &arena,
            r#"{"o": {"2": "two", "1.5": "f", "true": "t"}, "a": [5, 6]}"#,
        );
        let (object, array) = (value.get_str("o").unwrap(), value.get_str("a").unwrap());
        let member = |value, key: &'static str| {
            base_member(value, read(&arena, key)).map(|value| value.to_string())
        };
        assert_eq!(member(object, "2").as_deref(), Some("\"two\""));
        assert_eq!(member(object, "1.5").as_deref(), Some("\"f\""));
        assert_eq!(member(object, "2.0"), None);
        assert_eq!(member(object, "true"), None);
        assert_eq!(member(array, "\"01\"").as_deref(), Some("6"));
        assert_eq!(member(array, "1.0").as_deref(), Some("6"));
        assert_eq!(member(array, "\"x\""), None);
    }

    #[test]
    fn later_replacements_win() {
        check(
            Document::Input,
            "",
            &[("a.b", "1"), ("a", r#"{"c": 2}"#), ("a.d", "3")],
            &[("a", r#"{"c": 2, "d": 3}"#), ("a.b", "undefined")],
        );
    }
}
