//! Shapes: the key lists that JSON objects share. Reading an object walks a tree of transitions,
//! one step for each key; the node at its end knows the sorted layout and where each value goes.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use bumpalo::Bump;

use super::layout::{LINEAR, Layout, ShapeId, fill, short_hash, table_len};
use super::raw::{StringHeader, TAG_STRING};
use super::{Value, hash};

/// Objects with more keys have no shape.
pub(crate) const MAX_KEYS: usize = 64;

/// The same for objects of whose keys not all are wanted.
const MAX_DEPTH: usize = 256;

/// Keys longer than this have no place in a shape.
const MAX_KEY_LEN: usize = 128;

/// One arena knows at most so many transitions; objects of further shapes are dictionaries.
const MAX_NODES: usize = 8192;

/// One node has at most so many successors: with more, its keys are data and no names.
const MAX_CHILDREN: u32 = 64;

/// So many nodes there may be from the start; further ones have to be earned, so that a document whose keys are data does
/// not fill the tree with them.
const FREE_NODES: usize = 1024;

/// Keys that have to be found where they had been before for one more node.
const HITS_PER_NODE: usize = 4;

/// A reset forgets all shapes if there are more nodes than this.
const KEEP_NODES: usize = 2048;

/// The next id of a shape, for the whole process. 64 bits, so that it cannot wrap; ids beyond 32
/// bits are not given out.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

fn next_id() -> Option<ShapeId> {
    let id = u32::try_from(NEXT_ID.fetch_add(1, Relaxed)).ok()?;
    NonZeroU32::new(id).map(ShapeId)
}

/// A place in the tree of transitions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NodeId(u32);

impl NodeId {
    /// No keys yet.
    pub(crate) const ROOT: NodeId = NodeId(0);
}

/// The layout of an object and where its values go.
#[derive(Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(super) layout: &'a Layout<'a>,
    /// The slot of each value in the order in which they were read; empty if it is that order.
    pub(super) slots: &'a [u8],
}

/// What reading looks at for each key: one line of the cache.
#[repr(align(64))]
struct Hot {
    /// The key as JSON writes it, with its quotes and a colon, and zeros behind.
    pattern: [u8; 32],
    /// The bytes of the pattern that count. [`UNFORESEEABLE`] if the key does not fit.
    mask: u64,
    /// How many they are.
    len: u32,
    /// The successor of the last object that came here: a guess for the next one. 0 if none.
    last: u32,
    /// The first key of the last object that was the value of this key, or in it: a guess for
    /// the next one. 0 if none.
    first: u32,
    /// Where the path began.
    root: u32,
    /// What of the key's value is wanted.
    below: Wanted,
    /// The next successor of the same node, in a ring.
    sibling: u32,
}

/// A mask that comparing 32 bytes never gives.
const UNFORESEEABLE: u64 = u64::MAX;

/// What is wanted of a value: the number of a part of a projection.
pub(crate) type Wanted = u32;

/// All of it.
pub(crate) const EVERYTHING: Wanted = 0;

/// It is left out.
pub(crate) const NOTHING: Wanted = u32::MAX;

// Everything of lifetime 'static in here lives in `bump` and never leaves the table with a
// lifetime longer than a borrow of it.
struct Node {
    key: Value<'static>,
    text: &'static str,
    parent: u32,
    /// Keys up to here, and those of them that are wanted.
    depth: u32,
    kept: u32,
    children: u32,
    shape: Option<Shape<'static>>,
}

/// The shapes of an arena.
///
/// Each path of keys is a path in a tree. Where only parts of a document are wanted, objects whose members are wanted
/// for different reasons begin at roots of their own, and keys that are left out are steps of the path too.
pub(crate) struct Shapes {
    hot: Vec<Hot>,
    nodes: Vec<Node>,
    /// Roots besides the first one, by projection and its part.
    roots: HashMap<(u64, Wanted), u32, Folding>,
    transitions: HashMap<(u32, &'static str), u32, Folding>,
    keys: HashMap<&'static str, Value<'static>, Folding>,
    layouts: HashMap<Vec<u64>, &'static Layout<'static>, Folding>,
    bump: Bump,
    /// Bytes of lists of keys that identify layouts.
    identities: usize,
    /// All bytes, as of the last growth.
    bytes: usize,
    /// Keys that were found where they had been before.
    hits: usize,
}

impl Shapes {
    pub(crate) fn new() -> Shapes {
        Shapes {
            hot: Vec::new(),
            nodes: Vec::new(),
            roots: HashMap::default(),
            transitions: HashMap::default(),
            keys: HashMap::default(),
            layouts: HashMap::default(),
            bump: Bump::new(),
            identities: 0,
            bytes: 0,
            hits: 0,
        }
    }

    /// Bytes that the table takes.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Computes the bytes anew, after growth.
    fn measure(&mut self) {
        // What hash tables take for each entry besides, and the room that they leave.
        fn table<K, V>(capacity: usize) -> usize {
            (size_of::<(K, V)>() + 1) * capacity * 8 / 7
        }
        self.bytes = self.bump.allocated_bytes_including_metadata()
            + self.hot.capacity() * size_of::<Hot>()
            + self.nodes.capacity() * size_of::<Node>()
            + table::<(u64, Wanted), u32>(self.roots.capacity())
            + table::<(u32, &str), u32>(self.transitions.capacity())
            + table::<&str, Value<'_>>(self.keys.capacity())
            + table::<Vec<u64>, &Layout<'_>>(self.layouts.capacity())
            + self.identities;
    }

    /// Called when no value of the arena is left. Nothing is kept that takes more than some bytes.
    pub(crate) fn reset(&mut self, most: usize) {
        if self.nodes.len() > KEEP_NODES || self.bytes > most {
            *self = Shapes::new();
        }
    }

    /// A node without keys before it.
    fn new_root(&mut self) -> u32 {
        let root = self.nodes.len() as u32;
        self.hot.push(Hot {
            pattern: [0; 32],
            mask: UNFORESEEABLE,
            len: 0,
            last: 0,
            first: 0,
            root,
            below: EVERYTHING,
            sibling: root,
        });
        self.nodes.push(Node {
            key: Value::NULL,
            text: "",
            parent: root,
            depth: 0,
            kept: 0,
            children: 0,
            shape: None,
        });
        self.measure();
        root
    }

    /// Makes the first root.
    #[inline]
    pub(crate) fn begin(&mut self) {
        if self.nodes.is_empty() {
            self.new_root();
        }
    }

    /// The root of objects of which a projection wants a part. Always the same while no value is forgotten.
    pub(crate) fn root_of(&mut self, projection: u64, wanted: Wanted) -> NodeId {
        self.begin();
        if wanted == EVERYTHING {
            return NodeId::ROOT;
        }
        if let Some(root) = self.roots.get(&(projection, wanted)) {
            return NodeId(*root);
        }
        let root = self.new_root();
        self.roots.insert((projection, wanted), root);
        NodeId(root)
    }

    /// The node that came after this one the last time.
    #[inline]
    pub(crate) fn guess(&self, node: NodeId) -> NodeId {
        NodeId(self.hot[node.0 as usize].last)
    }

    /// The same for the first key of an object that is the value of the key of a node, or lies in arrays there.
    #[inline]
    pub(crate) fn guess_first(&self, of: NodeId) -> NodeId {
        NodeId(self.hot[of.0 as usize].first)
    }

    /// The text with which a JSON text has to go on at this node, the bytes of it that count, and how many they are.
    #[inline]
    pub(crate) fn pattern(&self, node: NodeId) -> (&[u8; 32], u64, usize) {
        let hot = &self.hot[node.0 as usize];
        (&hot.pattern, hot.mask, hot.len as usize)
    }

    /// Another node with the same node before it.
    #[inline]
    pub(crate) fn sibling(&self, node: NodeId) -> NodeId {
        NodeId(self.hot[node.0 as usize].sibling)
    }

    /// Takes note that a node came after another one.
    #[inline]
    pub(crate) fn came(&mut self, node: NodeId, next: NodeId) {
        self.hits += 1;
        self.hot[node.0 as usize].last = next.0;
    }

    /// Where the path to a node began.
    #[inline]
    pub(crate) fn root(&self, node: NodeId) -> NodeId {
        NodeId(self.hot[node.0 as usize].root)
    }

    /// What is wanted of the value of the last key.
    #[inline]
    pub(crate) fn below(&self, node: NodeId) -> Wanted {
        self.hot[node.0 as usize].below
    }

    /// Remembers the first key of an object for [`Shapes::guess_first`].
    pub(crate) fn began(&mut self, of: NodeId, first: NodeId) {
        if let Some(hot) = self.hot.get_mut(of.0 as usize) {
            hot.first = first.0;
        }
    }

    /// The node after one more key; `None` if there is none and may be none. `wanted` says what is wanted of its value.
    pub(crate) fn step(
        &mut self,
        node: NodeId,
        key: &str,
        wanted: impl FnOnce() -> Wanted,
    ) -> Option<NodeId> {
        self.begin();
        let last = self.hot[node.0 as usize].last;
        if last != 0 && self.nodes[last as usize].text == key {
            return Some(NodeId(last));
        }
        // SAFETY: the key of a lookup is not kept.
        let lookup: &'static str = unsafe { std::mem::transmute::<&str, &'static str>(key) };
        let next = match self.transitions.get(&(node.0, lookup)) {
            Some(next) => *next,
            None => self.grow(node, key, wanted)?,
        };
        self.came(node, NodeId(next));
        Some(NodeId(next))
    }

    fn grow(&mut self, node: NodeId, key: &str, wanted: impl FnOnce() -> Wanted) -> Option<u32> {
        let parent = &self.nodes[node.0 as usize];
        let depth = parent.depth + 1;
        let below = wanted();
        let kept = parent.kept + u32::from(below != NOTHING);
        if kept as usize > MAX_KEYS
            || depth as usize > MAX_DEPTH
            || key.len() > MAX_KEY_LEN
            || self.nodes.len() >= MAX_NODES
            || self.nodes.len() >= FREE_NODES + self.hits / HITS_PER_NODE
            || parent.children >= MAX_CHILDREN
        {
            return None;
        }
        let key = self.intern(key);
        let bits = key.to_bits();
        if self
            .path(node)
            .any(|at| self.nodes[at as usize].key.to_bits() == bits)
        {
            return None;
        }
        let text = key.as_str()?;
        let next = self.nodes.len() as u32;
        let parent = node.0;
        let (mut pattern, mut mask, mut len) = ([0; 32], UNFORESEEABLE, 0);
        let plain = !text.bytes().any(|c| matches!(c, b'"' | b'\\' | 0..0x20));
        if plain && text.len() + 3 <= pattern.len() {
            pattern[0] = b'"';
            pattern[1..=text.len()].copy_from_slice(text.as_bytes());
            pattern[text.len() + 1..text.len() + 3].copy_from_slice(b"\":");
            len = text.len() as u32 + 3;
            mask = (1 << len) - 1;
        }
        self.hot.push(Hot {
            pattern,
            mask,
            len,
            last: 0,
            first: 0,
            root: self.hot[parent as usize].root,
            below,
            sibling: next,
        });
        // All successors of a node are in one ring, and the last one is among them.
        let last = self.hot[parent as usize].last;
        if last != 0 {
            let after = std::mem::replace(&mut self.hot[last as usize].sibling, next);
            self.hot[next as usize].sibling = after;
        }
        self.nodes.push(Node {
            key,
            text,
            parent,
            depth,
            kept,
            children: 0,
            shape: None,
        });
        self.nodes[parent as usize].children += 1;
        self.transitions.insert((parent, text), next);
        self.measure();
        Some(next)
    }

    /// The nodes from one up to the root, which is left out.
    fn path(&self, node: NodeId) -> impl Iterator<Item = u32> {
        let inner = |at: u32| (self.nodes[at as usize].parent != at).then_some(at);
        std::iter::successors(inner(node.0), move |at| {
            inner(self.nodes[*at as usize].parent)
        })
    }

    /// The same, but only those whose keys are wanted.
    fn kept(&self, node: NodeId) -> impl Iterator<Item = u32> {
        self.path(node)
            .filter(|at| self.hot[*at as usize].below != NOTHING)
    }

    /// The keys up to a node that are wanted, in the order in which they came.
    pub(crate) fn keys_of<'a>(&'a self, node: NodeId) -> Vec<Value<'a>> {
        let mut keys: Vec<Value<'a>> = self
            .kept(node)
            .map(|at| self.nodes[at as usize].key)
            .collect();
        keys.reverse();
        keys
    }

    /// One string value for each text.
    fn intern(&mut self, text: &str) -> Value<'static> {
        if let Some(key) = self.keys.get(text) {
            return *key;
        }
        // SAFETY: what is allocated in `bump` lives as long as the table, see `Node`.
        let (text, header) = unsafe {
            let text: &'static str = std::mem::transmute::<&str, _>(self.bump.alloc_str(text));
            let header: *const StringHeader = self.bump.alloc(StringHeader {
                text: text.as_ptr(),
                len: text.len() as u32,
                hash: AtomicU32::new(0),
            });
            (text, header)
        };
        // SAFETY: a string header that lives as long as the table.
        let key: Value<'static> = unsafe { Value::from_pointer(header, TAG_STRING) };
        hash::hash(key);
        self.keys.insert(text, key);
        key
    }

    fn keep<T: Copy>(&self, items: &[T]) -> &'static [T] {
        // SAFETY: what is allocated in `bump` lives as long as the table, see `Node`.
        unsafe { std::mem::transmute::<&[T], &'static [T]>(self.bump.alloc_slice_copy(items)) }
    }

    /// The shape of an object that ends at a node.
    #[inline]
    pub(crate) fn shape(&mut self, node: NodeId) -> Shape<'_> {
        match self.nodes.get(node.0 as usize) {
            Some(Node {
                shape: Some(shape), ..
            }) => {
                self.hits += shape.layout.keys.len();
                *shape
            }
            _ => self.new_shape(node),
        }
    }

    #[cold]
    fn new_shape(&mut self, node: NodeId) -> Shape<'_> {
        self.begin();
        let mut keys: Vec<(Value<'static>, u8)> = self
            .kept(node)
            .map(|at| self.nodes[at as usize].key)
            .zip(0..)
            .collect();
        let count = keys.len();
        // The path goes from the last key to the first.
        for (_, place) in &mut keys {
            *place = (count - 1) as u8 - *place;
        }
        keys.sort_unstable_by_key(|(key, _)| *key);
        let mut slots = vec![0u8; count];
        for (slot, (_, place)) in keys.iter().enumerate() {
            slots[usize::from(*place)] = slot as u8;
        }
        let in_order = slots
            .iter()
            .enumerate()
            .all(|(i, slot)| i == usize::from(*slot));
        let keys: Vec<Value<'static>> = keys.into_iter().map(|(key, _)| key).collect();
        let shape = Shape {
            layout: self.layout(&keys),
            slots: if in_order { &[] } else { self.keep(&slots) },
        };
        self.nodes[node.0 as usize].shape = Some(shape);
        shape
    }

    /// One layout for each list of keys.
    fn layout(&mut self, keys: &[Value<'static>]) -> &'static Layout<'static> {
        let identity: Vec<u64> = keys.iter().map(|key| key.to_bits()).collect();
        if let Some(layout) = self.layouts.get(&identity) {
            return layout;
        }
        let (mut hashes, mut index) = (Vec::new(), Vec::new());
        if keys.len() > LINEAR {
            hashes.extend(keys.iter().map(|key| short_hash(key.hash())));
            index.resize(table_len(keys.len()), 0);
            fill(&mut index, &hashes);
        }
        let layout = Layout {
            keys: self.keep(keys),
            hashes: self.keep(&hashes),
            index: self.keep(&index),
            id: next_id(),
        };
        // SAFETY: what is allocated in `bump` lives as long as the table, see `Node`.
        let layout: &'static Layout<'static> =
            unsafe { std::mem::transmute::<&Layout<'static>, _>(self.bump.alloc(layout)) };
        self.identities += size_of_val(identity.as_slice());
        self.layouts.insert(identity, layout);
        self.measure();
        layout
    }
}

/// Our string hash for the maps in here.
#[derive(Default, Clone, Copy)]
struct Folding;

struct FoldingHasher(u64);

impl std::hash::BuildHasher for Folding {
    type Hasher = FoldingHasher;

    fn build_hasher(&self) -> FoldingHasher {
        FoldingHasher(0)
    }
}

impl std::hash::Hasher for FoldingHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash::mix(self.0, hash::bytes(bytes));
    }

    fn write_u8(&mut self, _: u8) {}

    fn write_u32(&mut self, value: u32) {
        self.0 = hash::mix(self.0, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::MAX_KEYS;
    use crate::json::{ReadOptions, Style, read, to_string};
    use crate::{Arena, Value};

    fn object<'a>(arena: &'a Arena, text: &str) -> crate::value::Object<'a> {
        let value = read(text.as_bytes(), arena, ReadOptions::default()).unwrap();
        value.as_object().unwrap()
    }

    fn wide(count: usize) -> String {
        let members: Vec<String> = (0..count).map(|i| format!("\"k{i}\":{i}")).collect();
        format!("{{{}}}", members.join(","))
    }

    #[test]
    fn one_list_of_keys_is_one_shape() {
        let arena = Arena::new();
        let a = object(&arena, r#"{"a":1,"b":2}"#);
        let b = object(&arena, r#"{"a":3,"b":4}"#);
        let c = object(&arena, r#"{"b":5,"a":6}"#);
        let d = object(&arena, r#"{"a":1}"#);
        assert!(a.shape_id().is_some());
        assert_eq!(a.shape_id(), b.shape_id());
        assert_eq!(a.shape_id(), c.shape_id());
        assert_ne!(a.shape_id(), d.shape_id());
        let slot = a.find_slot(arena.string("b")).unwrap();
        let in_slot: Vec<_> = [a, b, c]
            .iter()
            .map(|o| o.slot(slot).unwrap().as_i64())
            .collect();
        assert_eq!(in_slot, [Some(2), Some(4), Some(5)]);
    }

    #[test]
    fn wide_and_irregular_objects_are_dictionaries() {
        let arena = Arena::new();
        assert!(object(&arena, &wide(MAX_KEYS)).shape_id().is_some());
        for count in [MAX_KEYS + 1, 1000] {
            let wide = object(&arena, &wide(count));
            assert_eq!(wide.shape_id(), None);
            assert_eq!(wide.len(), count);
            assert_eq!(
                wide.get_str(&format!("k{}", count - 1)).unwrap().as_i64(),
                Some(count as i64 - 1)
            );
        }
        let twice = object(&arena, r#"{"a":1,"b":2,"a":3,"c":4}"#);
        assert_eq!(twice.shape_id(), None);
        assert_eq!(twice.get_str("a").unwrap().as_i64(), Some(3));
        assert_eq!(twice.len(), 3);
        let long = object(&arena, &format!("{{\"{}\":1}}", "x".repeat(1000)));
        assert_eq!(long.shape_id(), None);
        // Many different first keys are data and no names.
        let shapes = (0..1000)
            .filter(|i| {
                object(&arena, &format!("{{\"id-{i}\":1}}"))
                    .shape_id()
                    .is_some()
            })
            .count();
        assert!(shapes < 100);
    }

    #[test]
    fn keys_with_escapes_are_never_taken_for_text() {
        let arena = Arena::new();
        let text = r#"[{"a\"b":1},{"a\"b":2},{"a\\":3},{"a\\":4}]"#;
        let value = read(text.as_bytes(), &arena, ReadOptions::default()).unwrap();
        assert_eq!(to_string(value, Style::Compact), text);
        assert!(read(br#"[{"a\"b":1},{"a"b":2}]"#, &arena, ReadOptions::default()).is_err());
    }

    #[test]
    fn shapes_outlive_a_reset_until_there_are_too_many() {
        let mut arena = Arena::new();
        let before = object(&arena, r#"{"a":1}"#).shape_id();
        arena.reset();
        assert_eq!(object(&arena, r#"{"a":1}"#).shape_id(), before);
        for i in 0..60 {
            for k in 0..60 {
                for _ in 0..4 {
                    object(&arena, &format!("{{\"k{i}\":1,\"l{k}\":2}}"));
                }
            }
        }
        arena.reset();
        let after = object(&arena, r#"{"a":1}"#).shape_id();
        assert!(after.is_some());
        assert_ne!(after, before);
    }

    #[test]
    fn records_of_other_arenas_keep_their_shape_when_copied() {
        let (one, two) = (Arena::new(), Arena::new());
        let value = one.record(&[(one.string("x"), Value::NULL)]);
        let a = two.copy(value).as_object().unwrap();
        let b = object(&two, r#"{"x":1}"#);
        assert_eq!(a.shape_id(), b.shape_id());
        assert_ne!(a.shape_id(), value.as_object().unwrap().shape_id());
    }
}
