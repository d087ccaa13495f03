//! Sets and their builder.

use super::Value;
use super::arena::{Arena, MemoryExceeded};
use super::raw::SetHeader;
use super::scratch::Scratch;
use super::table::Table;

/// A set of an arena. Iteration is always in Rego's order.
#[derive(Clone, Copy)]
pub struct Set<'a> {
    pub(super) header: &'a SetHeader<'a>,
}

impl<'a> Set<'a> {
    #[inline]
    pub(super) fn of(value: Value<'a>) -> Option<Set<'a>> {
        value.set_header().map(|header| Set { header })
    }

    /// How many elements there are.
    pub fn len(self) -> usize {
        self.header.layout.keys.len()
    }

    /// True if there is none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// True if an equal element is in the set.
    pub fn contains(self, element: Value<'_>) -> bool {
        self.get(element).is_some()
    }

    /// The element of the set that is equal to a value.
    pub fn get(self, element: Value<'_>) -> Option<Value<'a>> {
        let layout = &self.header.layout;
        layout.find(element).map(|at| layout.keys[at])
    }

    /// The elements, sorted.
    pub fn as_sorted_slice(self) -> &'a [Value<'a>] {
        self.header.layout.keys
    }

    /// The elements, sorted, by value.
    pub fn iter(self) -> std::iter::Copied<std::slice::Iter<'a, Value<'a>>> {
        self.as_sorted_slice().iter().copied()
    }
}

/// A set that grows. Elements are hashed while it grows and sorted when it is finished.
#[derive(Default)]
pub struct SetBuilder<'a> {
    elements: Scratch<'a, [Value<'a>; 8]>,
    table: Table<'a>,
}

impl<'a> SetBuilder<'a> {
    /// No elements yet.
    pub fn new() -> SetBuilder<'a> {
        SetBuilder::default()
    }

    fn find(&self, value: Value<'_>) -> Result<usize, Option<u32>> {
        let elements = self.elements.as_slice();
        self.table
            .find(elements.len(), value, |at| elements[at] == value)
    }

    /// Adds an element; false if an equal one was there, which then stays.
    pub fn insert(&mut self, arena: &'a Arena, value: Value<'a>) -> Result<bool, MemoryExceeded> {
        let Err(hash) = self.find(value) else {
            return Ok(false);
        };
        self.elements.push(arena, value)?;
        let elements = self.elements.as_slice();
        self.table
            .added(arena, hash, elements.len(), |at| elements[at])?;
        Ok(true)
    }

    /// True if an equal element was inserted.
    pub fn contains(&self, value: Value<'a>) -> bool {
        self.find(value).is_ok()
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The set.
    pub fn finish(mut self, arena: &'a Arena) -> Value<'a> {
        match self.elements.sort_by_key(arena, |element| *element) {
            Ok(()) => arena.set_sorted(self.elements.as_slice()),
            Err(_) => arena.set_sorted(&[]),
        }
    }
}
