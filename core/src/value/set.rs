//! Sets and their builder.

use super::Value;
use super::arena::{Arena, MemoryExceeded};
use super::raw::SetHeader;

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
        self.header.elements.len()
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
        let elements = self.header.elements;
        elements.binary_search(&element).ok().map(|at| elements[at])
    }

    /// The elements, sorted.
    pub fn as_sorted_slice(self) -> &'a [Value<'a>] {
        self.header.elements
    }

    /// The elements, sorted, by value.
    pub fn iter(self) -> std::iter::Copied<std::slice::Iter<'a, Value<'a>>> {
        self.as_sorted_slice().iter().copied()
    }
}

/// A set that grows.
#[derive(Default)]
pub struct SetBuilder<'a> {
    elements: std::collections::HashSet<Value<'a>>,
}

impl<'a> SetBuilder<'a> {
    /// No elements yet.
    pub fn new() -> SetBuilder<'a> {
        SetBuilder::default()
    }

    /// Adds an element; false if an equal one was there, which then stays.
    pub fn insert(&mut self, arena: &'a Arena, value: Value<'a>) -> Result<bool, MemoryExceeded> {
        if self.elements.len() == self.elements.capacity() {
            arena.reserve(self.elements.len() * 2 * size_of::<Value<'a>>())?;
        }
        Ok(!self.elements.contains(&value) && self.elements.insert(value))
    }

    /// True if an equal element was inserted.
    pub fn contains(&self, value: Value<'a>) -> bool {
        self.elements.contains(&value)
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The set.
    pub fn finish(self, arena: &'a Arena) -> Value<'a> {
        let mut elements: Vec<Value<'a>> = self.elements.into_iter().collect();
        elements.sort_unstable();
        arena.set_sorted(&elements)
    }
}
