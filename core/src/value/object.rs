//! Objects and their builder.

use super::Value;
use super::arena::{Arena, MemoryExceeded};
use super::layout::ShapeId;
use super::raw::ObjectHeader;
use super::scratch::Scratch;
use super::table::Table;

/// An object of an arena. Iteration is always in the order of the keys.
#[derive(Clone, Copy)]
pub struct Object<'a> {
    pub(super) header: &'a ObjectHeader<'a>,
    pub(super) values: &'a [Value<'a>],
}

/// The members of an object, sorted by key.
#[derive(Clone)]
pub struct ObjectIter<'a> {
    keys: std::slice::Iter<'a, Value<'a>>,
    values: std::slice::Iter<'a, Value<'a>>,
}

impl<'a> Iterator for ObjectIter<'a> {
    type Item = (Value<'a>, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<(Value<'a>, Value<'a>)> {
        Some((*self.keys.next()?, *self.values.next()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.keys.size_hint()
    }
}

impl ExactSizeIterator for ObjectIter<'_> {}

impl<'a> Object<'a> {
    #[inline]
    pub(super) fn of(value: Value<'a>) -> Option<Object<'a>> {
        value
            .object_parts()
            .map(|(header, values)| Object { header, values })
    }

    /// How many members there are.
    #[inline]
    pub fn len(self) -> usize {
        self.values.len()
    }

    /// True if there is none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The value of a key.
    #[inline]
    pub fn get(self, key: Value<'_>) -> Option<Value<'a>> {
        self.header.layout.find(key).map(|at| self.values[at])
    }

    /// The member with a key: the key in the object's spelling, and the value.
    pub fn get_entry(self, key: Value<'_>) -> Option<(Value<'a>, Value<'a>)> {
        self.header.layout.find(key).and_then(|at| self.at(at))
    }

    /// The value of a string key.
    pub fn get_str(self, key: &str) -> Option<Value<'a>> {
        self.header.layout.find_str(key).map(|at| self.values[at])
    }

    /// The keys, sorted.
    pub fn keys(self) -> &'a [Value<'a>] {
        self.header.layout.keys
    }

    /// The values, in the order of their keys.
    pub fn values(self) -> &'a [Value<'a>] {
        self.values
    }

    /// The members, sorted by key.
    #[inline]
    pub fn iter(self) -> ObjectIter<'a> {
        ObjectIter {
            keys: self.keys().iter(),
            values: self.values.iter(),
        }
    }

    /// The member at a position of the sorted order.
    #[inline]
    pub fn at(self, index: usize) -> Option<(Value<'a>, Value<'a>)> {
        Some((*self.keys().get(index)?, *self.values.get(index)?))
    }

    /// The shape, if the object has one; objects in dictionary form have none.
    #[inline]
    pub fn shape_id(self) -> Option<ShapeId> {
        self.header.id
    }

    /// The slot of a key: its position in the sorted order, the same for all objects of one
    /// shape.
    pub fn find_slot(self, key: Value<'_>) -> Option<u32> {
        self.header.layout.find(key).map(|at| at as u32)
    }

    /// The value in a slot that [`Object::find_slot`] gave for this object or one of the same
    /// shape.
    #[inline]
    pub fn slot(self, slot: u32) -> Option<Value<'a>> {
        self.values.get(slot as usize).copied()
    }

    /// An object with the same keys and other values, in the order of the keys. The object must
    /// live as long as the arena.
    pub fn with_values(self, arena: &'a Arena, values: &[Value<'a>]) -> Value<'a> {
        arena.object_like(self, values)
    }
}

/// An object that grows. Keys are hashed while it grows and sorted when it is finished.
#[derive(Default)]
pub struct ObjectBuilder<'a> {
    entries: Scratch<'a, [(Value<'a>, Value<'a>); 4]>,
    table: Table<'a>,
}

impl<'a> ObjectBuilder<'a> {
    /// No members yet.
    pub fn new() -> ObjectBuilder<'a> {
        ObjectBuilder::default()
    }

    fn find(&self, key: Value<'_>) -> Result<usize, Option<u32>> {
        let entries = self.entries.as_slice();
        self.table
            .find(entries.len(), key, |at| entries[at].0 == key)
    }

    fn add(
        &mut self,
        arena: &'a Arena,
        hash: Option<u32>,
        key: Value<'a>,
        value: Value<'a>,
    ) -> Result<(), MemoryExceeded> {
        self.entries.push(arena, (key, value))?;
        let entries = self.entries.as_slice();
        self.table
            .added(arena, hash, entries.len(), |at| entries[at].0)
    }

    /// Sets the value of a key and gives the old one. The first spelling of a key stays.
    pub fn insert(
        &mut self,
        arena: &'a Arena,
        key: Value<'a>,
        value: Value<'a>,
    ) -> Result<Option<Value<'a>>, MemoryExceeded> {
        match self.find(key) {
            Ok(at) => {
                let old = &mut self.entries.as_mut_slice()[at].1;
                Ok(Some(std::mem::replace(old, value)))
            }
            Err(hash) => self.add(arena, hash, key, value).map(|()| None),
        }
    }

    /// Adds a member if the key is new; else changes nothing and gives the value that is there.
    pub fn insert_unique(
        &mut self,
        arena: &'a Arena,
        key: Value<'a>,
        value: Value<'a>,
    ) -> Result<Option<Value<'a>>, MemoryExceeded> {
        match self.find(key) {
            Ok(at) => Ok(Some(self.entries.as_slice()[at].1)),
            Err(hash) => self.add(arena, hash, key, value).map(|()| None),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: Value<'a>) -> Option<Value<'a>> {
        self.find(key).ok().map(|at| self.entries.as_slice()[at].1)
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The object.
    pub fn finish(mut self, arena: &'a Arena) -> Value<'a> {
        match self.entries.sort_by_key(arena, |(key, _)| *key) {
            Ok(()) => arena.object_sorted(self.entries.as_slice()),
            Err(_) => arena.no_members(),
        }
    }
}
