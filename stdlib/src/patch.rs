//! A value that JSON patches change in place.
//!
//! Only collections on the paths of operations are taken apart. Where OPA's own tree has quirks
//! that policies can see, they are here too: see [`Element`].

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::{Claim, Kind, Value, View};

use crate::documents::Members;
use crate::operand::{failed, plain_integer, shown};

/// The whole value; gone after its removal.
pub(crate) struct Tree<'a> {
    root: Option<Node<'a>>,
}

struct Node<'a> {
    /// The value as it was when the node was made; messages show it.
    old: Value<'a>,
    parts: Parts<'a>,
    /// Of the parts.
    memory: Claim<'a>,
}

enum Parts<'a> {
    /// Not taken apart.
    Whole,
    Members(Members<'a, Member<'a>>),
    Elements(Vec<Element<'a>>),
}

/// A member of an object or a set. The first operation on one of an object gives it the key of its path, which may
/// spell a number in another way.
enum Member<'a> {
    Untouched(Value<'a>),
    Present(Node<'a>),
    /// Removed, and whether it was a collection.
    Deleted(bool),
}

/// An element of an array. OPA looks up an element that no operation touched at its present
/// position in the array as it was in the beginning.
enum Element<'a> {
    Untouched(Value<'a>),
    Touched(Node<'a>),
}

impl<'a> Node<'a> {
    fn new(old: Value<'a>) -> Node<'a> {
        Node {
            old,
            parts: Parts::Whole,
            memory: Claim::default(),
        }
    }

    /// Takes a collection apart.
    fn open(&mut self, cx: &mut Call<'a, '_>) -> Result<(), BuiltinError> {
        if !matches!(self.parts, Parts::Whole) {
            return Ok(());
        }
        let len = self.old.collection_len().unwrap_or(0);
        cx.charge(len as u64 + 1)?;
        // The nodes of a tree of members may be half empty.
        let bytes = len.saturating_mul(2 * size_of::<(Value<'a>, Member<'a>)>());
        self.memory.grow(cx.arena, bytes)?;
        match self.old.view() {
            View::Object(object) => {
                self.parts = Parts::Members(
                    object
                        .iter()
                        .map(|(key, value)| (key, Member::Untouched(value)))
                        .collect(),
                );
            }
            View::Set(set) => {
                self.parts = Parts::Members(
                    set.iter()
                        .map(|value| (value, Member::Untouched(value)))
                        .collect(),
                );
            }
            View::Array(array) => {
                self.parts = Parts::Elements(array.iter().map(Element::Untouched).collect());
            }
            _ => {}
        }
        Ok(())
    }

    /// The node below a key.
    fn step(
        &mut self,
        cx: &mut Call<'a, '_>,
        key: Value<'a>,
    ) -> Result<&mut Node<'a>, BuiltinError> {
        self.open(cx)?;
        let old = self.old;
        if let Parts::Members(members) = &mut self.parts
            && let Some(Member::Untouched(value)) = members.get(&key)
        {
            let node = Node::new(*value);
            members.remove(&key);
            members.insert(key, Member::Present(node));
        }
        match &mut self.parts {
            Parts::Whole => Err(failed(format!(
                "expected composite type for path {}, found value: {} (type: {})",
                shown(key),
                shown(old),
                go_type(old)
            ))),
            Parts::Members(members) => match members.get_mut(&key) {
                Some(Member::Present(node)) => Ok(node),
                Some(Member::Deleted(collection)) if old.kind() == Kind::Object => {
                    let what = if *collection { "composite" } else { "scalar" };
                    Err(failed(format!(
                        "cannot unfold the already deleted {what} node for key {}",
                        shown(key)
                    )))
                }
                _ if old.kind() == Kind::Object => Err(failed(format!(
                    "path {} does not exist in object term {}",
                    shown(key),
                    shown(old)
                ))),
                _ => {
                    let key = key.as_str().map_or_else(|| shown(key), str::to_owned);
                    Err(failed(format!(
                        "path {key} does not exist in set term {}",
                        shown(old)
                    )))
                }
            },
            Parts::Elements(elements) => {
                let index = to_index(elements.len(), key)?;
                let at = usize::try_from(index).ok();
                let touched = at
                    .and_then(|at| elements.get(at))
                    .is_some_and(|e| matches!(e, Element::Touched(_)));
                if !touched {
                    let found = at.and_then(|at| old.as_array()?.get(at));
                    let found = found.ok_or_else(|| {
                        failed(format!(
                            "path {index} does not exist in array term {}",
                            shown(old)
                        ))
                    })?;
                    let place = at.and_then(|at| elements.get_mut(at));
                    let place =
                        place.ok_or_else(|| failed("index for array delete out of bounds"))?;
                    *place = Element::Touched(Node::new(found));
                }
                match at.and_then(|at| elements.get_mut(at)) {
                    Some(Element::Touched(node)) => Ok(node),
                    _ => Err(failed("index for array delete out of bounds")),
                }
            }
        }
    }

    fn insert(
        &mut self,
        cx: &mut Call<'a, '_>,
        key: Value<'a>,
        value: Value<'a>,
    ) -> Result<(), BuiltinError> {
        self.open(cx)?;
        let old = self.old;
        match &mut self.parts {
            Parts::Whole => Err(no_collection(old)),
            Parts::Members(_) if old.kind() == Kind::Set && key != value => Err(failed(format!(
                "set key {} does not equal value to be inserted {}",
                shown(key),
                shown(value)
            ))),
            Parts::Members(members) => {
                members.remove(&key);
                members.insert(key, Member::Present(Node::new(value)));
                Ok(())
            }
            Parts::Elements(elements) => {
                let index = to_index(elements.len(), key)?;
                let at = usize::try_from(index)
                    .ok()
                    .filter(|at| *at <= elements.len());
                let at = at.ok_or_else(|| failed("index for array insertion out of bounds"))?;
                cx.charge((elements.len() - at) as u64 / 16)?;
                elements.insert(at, Element::Touched(Node::new(value)));
                Ok(())
            }
        }
    }

    fn delete(&mut self, cx: &mut Call<'a, '_>, key: Value<'a>) -> Result<(), BuiltinError> {
        self.open(cx)?;
        let old = self.old;
        match &mut self.parts {
            Parts::Whole => Err(no_collection(old)),
            Parts::Members(members) => match members.get_mut(&key) {
                Some(member @ (Member::Present(_) | Member::Untouched(_))) => {
                    let collection = match member {
                        Member::Present(Node { old, .. }) | Member::Untouched(old) => {
                            old.is_collection()
                        }
                        Member::Deleted(collection) => *collection,
                    };
                    *member = Member::Deleted(collection);
                    Ok(())
                }
                // In a set the memory of a removed collection is lost.
                Some(Member::Deleted(collection)) if old.kind() == Kind::Object || !*collection => {
                    let what = if *collection { "composite" } else { "scalar" };
                    Err(failed(format!(
                        "cannot delete the already deleted {what} node for key {}",
                        shown(key)
                    )))
                }
                _ => Err(failed(format!(
                    "cannot delete child key {} that does not exist",
                    shown(key)
                ))),
            },
            Parts::Elements(elements) => {
                let index = to_index(elements.len(), key)?;
                let at = usize::try_from(index)
                    .ok()
                    .filter(|at| *at < elements.len());
                let at = at.ok_or_else(|| failed("index for array delete out of bounds"))?;
                cx.charge((elements.len() - at) as u64 / 16)?;
                elements.remove(at);
                Ok(())
            }
        }
    }

    /// The value as it is now. Only nodes that operations made are visited, and those lie on
    /// paths, whose length bounds the recursion: see [`MAX_DEPTH`].
    fn render(&self, cx: &mut Call<'a, '_>) -> Result<Value<'a>, BuiltinError> {
        cx.charge(1)?;
        match &self.parts {
            Parts::Whole => Ok(self.old),
            Parts::Members(members) => {
                let mut pairs = Vec::with_capacity(members.len());
                for (key, member) in members {
                    match member {
                        Member::Untouched(value) => pairs.push((*key, *value)),
                        Member::Present(node) => pairs.push((*key, node.render(cx)?)),
                        Member::Deleted(_) => {}
                    }
                }
                Ok(match self.old.kind() {
                    Kind::Set => cx.arena.set_from(pairs.into_iter().map(|(_, value)| value)),
                    _ => cx.arena.object_from(pairs),
                })
            }
            Parts::Elements(elements) => {
                let mut values = Vec::with_capacity(elements.len());
                for element in elements {
                    values.push(match element {
                        Element::Untouched(value) => *value,
                        Element::Touched(node) => node.render(cx)?,
                    });
                }
                Ok(cx.arena.array(&values))
            }
        }
    }
}

/// Longer paths are refused: rendering and freeing the tree take stack.
const MAX_DEPTH: usize = 1000;

impl<'a> Tree<'a> {
    pub(crate) fn new(value: Value<'a>) -> Tree<'a> {
        Tree {
            root: Some(Node::new(value)),
        }
    }

    /// The node at a path.
    fn find(
        &mut self,
        cx: &mut Call<'a, '_>,
        path: &[Value<'a>],
    ) -> Result<Option<&mut Node<'a>>, BuiltinError> {
        if path.len() > MAX_DEPTH {
            return Err(failed(format!("path has more than {MAX_DEPTH} segments")));
        }
        let Some(mut node) = self.root.as_mut() else {
            return match path {
                [] => Ok(None),
                _ => Err(failed(
                    "nil value encountered where composite value was expected",
                )),
            };
        };
        for key in path {
            cx.charge(1)?;
            node = node.step(cx, *key)?;
        }
        Ok(Some(node))
    }

    pub(crate) fn insert(
        &mut self,
        cx: &mut Call<'a, '_>,
        path: &[Value<'a>],
        value: Value<'a>,
    ) -> Result<(), BuiltinError> {
        let Some((key, above)) = path.split_last() else {
            self.root = Some(Node::new(value));
            return Ok(());
        };
        match self.find(cx, above)? {
            Some(node) => node.insert(cx, *key, value),
            None => Err(failed("deleted node encountered during insert operation")),
        }
    }

    pub(crate) fn delete(
        &mut self,
        cx: &mut Call<'a, '_>,
        path: &[Value<'a>],
    ) -> Result<(), BuiltinError> {
        let deleted = || failed("deleted node encountered during delete operation");
        let Some((key, above)) = path.split_last() else {
            return self.root.take().map(drop).ok_or_else(deleted);
        };
        match self.find(cx, above)? {
            Some(node) => node.delete(cx, *key),
            None => Err(deleted()),
        }
    }

    pub(crate) fn get(
        &mut self,
        cx: &mut Call<'a, '_>,
        path: &[Value<'a>],
    ) -> Result<Option<Value<'a>>, BuiltinError> {
        match self.find(cx, path)? {
            Some(node) => {
                let value = node.render(cx)?;
                Ok(Some(value))
            }
            None => Ok(None),
        }
    }

    pub(crate) fn render(&self, cx: &mut Call<'a, '_>) -> Result<Option<Value<'a>>, BuiltinError> {
        self.root.as_ref().map(|root| root.render(cx)).transpose()
    }
}

fn no_collection(value: Value<'_>) -> BuiltinError {
    failed(format!(
        "expected composite type, found value: {} (type: {})",
        shown(value),
        go_type(value)
    ))
}

fn go_type(value: Value<'_>) -> &'static str {
    match value.kind() {
        Kind::Null => "ast.Null",
        Kind::Boolean => "ast.Boolean",
        Kind::Number => "ast.Number",
        Kind::String => "ast.String",
        Kind::Array => "*ast.Array",
        Kind::Object => "*ast.object",
        Kind::Set => "*ast.set",
    }
}

/// An index: an integer, its digits, or `-` for the end.
fn to_index(len: usize, key: Value<'_>) -> Result<i64, BuiltinError> {
    match key.view() {
        View::Integer(_) | View::Number(_) => {
            plain_integer(key).ok_or_else(|| failed("invalid number type for indexing"))
        }
        View::String(text) if text.as_str() == "-" => Ok(len as i64),
        View::String(text) => {
            let index = plain_digits(&text).ok_or_else(|| failed("invalid string for indexing"))?;
            if text.len() > 1 && text.starts_with('0') {
                return Err(failed("leading zeros are not allowed in JSON paths"));
            }
            Ok(index)
        }
        _ => Err(failed("invalid type for indexing")),
    }
}

/// As [`plain_integer`], of a text: a sign, digits, and perhaps zeros after a point.
fn plain_digits(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let (whole, zeros) = text.split_once('.').unwrap_or((text, ""));
    let plain =
        digits.bytes().all(|b| b == b'.' || b.is_ascii_digit()) && zeros.bytes().all(|b| b == b'0');
    plain.then(|| whole.parse().ok())?
}
