//! Objects and their builder.

use super::Value;
use super::arena::{Arena, MemoryExceeded};
use super::raw::ObjectHeader;

/// The identity of a shape: objects with equal ids have the same keys in the same slots. Unique
/// in the process and never used again, so that a cache that remembers one can never be wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ShapeId(pub std::num::NonZeroU32);

/// An object of an arena. Iteration is always in the order of the keys.
#[derive(Clone, Copy)]
pub struct Object<'a> {
    pub(super) header: &'a ObjectHeader<'a>,
}

/// The members of an object, sorted by key.
pub struct ObjectIter<'a>(std::iter::Copied<std::slice::Iter<'a, (Value<'a>, Value<'a>)>>);

impl<'a> Iterator for ObjectIter<'a> {
    type Item = (Value<'a>, Value<'a>);

    fn next(&mut self) -> Option<(Value<'a>, Value<'a>)> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for ObjectIter<'_> {}

impl<'a> Object<'a> {
    #[inline]
    pub(super) fn of(value: Value<'a>) -> Option<Object<'a>> {
        value.object_header().map(|header| Object { header })
    }

    /// How many members there are.
    pub fn len(self) -> usize {
        self.header.entries.len()
    }

    /// True if there is none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The value of a key.
    pub fn get(self, key: Value<'_>) -> Option<Value<'a>> {
        let entries = self.header.entries;
        entries
            .binary_search_by(|(k, _)| k.cmp(&key))
            .ok()
            .map(|at| entries[at].1)
    }

    /// The member with a key: the key in the object's spelling, and the value.
    pub fn get_entry(self, key: Value<'_>) -> Option<(Value<'a>, Value<'a>)> {
        let entries = self.header.entries;
        entries
            .binary_search_by(|(k, _)| k.cmp(&key))
            .ok()
            .map(|at| entries[at])
    }

    /// The value of a string key.
    pub fn get_str(self, key: &str) -> Option<Value<'a>> {
        let entries = self.header.entries;
        entries
            .iter()
            .find(|(k, _)| k.as_str() == Some(key))
            .map(|(_, value)| *value)
    }

    /// The members, sorted by key.
    pub fn iter(self) -> ObjectIter<'a> {
        ObjectIter(self.header.entries.iter().copied())
    }

    /// The member at a position of the sorted order.
    pub fn at(self, index: usize) -> Option<(Value<'a>, Value<'a>)> {
        self.header.entries.get(index).copied()
    }

    /// The shape, if the object has one; objects in dictionary form have none.
    #[inline]
    pub fn shape_id(self) -> Option<ShapeId> {
        None
    }

    /// The slot of a string key in the object's shape; `None` if it has no shape or no such key.
    pub fn find_slot(self, _key: Value<'_>) -> Option<u32> {
        None
    }

    /// The value in a slot that [`Object::find_slot`] gave for an object of the same shape.
    #[inline]
    pub fn slot(self, _slot: u32) -> Option<Value<'a>> {
        None
    }
}

/// An object that grows.
#[derive(Default)]
pub struct ObjectBuilder<'a> {
    entries: std::collections::HashMap<Value<'a>, Value<'a>>,
}

impl<'a> ObjectBuilder<'a> {
    /// No members yet.
    pub fn new() -> ObjectBuilder<'a> {
        ObjectBuilder::default()
    }

    /// Sets the value of a key and gives the old one. The first spelling of a key stays.
    pub fn insert(
        &mut self,
        arena: &'a Arena,
        key: Value<'a>,
        value: Value<'a>,
    ) -> Result<Option<Value<'a>>, MemoryExceeded> {
        if self.entries.len() == self.entries.capacity() {
            arena.reserve(self.entries.len() * 4 * size_of::<Value<'a>>())?;
        }
        Ok(self.entries.insert(key, value))
    }

    /// Adds a member if the key is new; else changes nothing and gives the value that is there.
    pub fn insert_unique(
        &mut self,
        arena: &'a Arena,
        key: Value<'a>,
        value: Value<'a>,
    ) -> Result<Option<Value<'a>>, MemoryExceeded> {
        match self.get(key) {
            Some(old) => Ok(Some(old)),
            None => self.insert(arena, key, value),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: Value<'a>) -> Option<Value<'a>> {
        self.entries.get(&key).copied()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The object.
    pub fn finish(self, arena: &'a Arena) -> Value<'a> {
        let mut entries: Vec<_> = self.entries.into_iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        arena.object_sorted(&entries)
    }
}
