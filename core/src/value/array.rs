//! Arrays and their builder.

use super::Value;
use super::arena::{Arena, MemoryExceeded};
use super::raw::ArrayHeader;
use super::scratch::Scratch;
use crate::work;

/// An array of an arena.
#[derive(Clone, Copy)]
pub struct Array<'a> {
    pub(super) header: &'a ArrayHeader,
    elements: &'a [Value<'a>],
}

impl<'a> Array<'a> {
    #[inline]
    pub(super) fn of(value: Value<'a>) -> Option<Array<'a>> {
        value
            .array_parts()
            .map(|(header, elements)| Array { header, elements })
    }

    /// The elements.
    #[inline]
    pub fn as_slice(self) -> &'a [Value<'a>] {
        self.elements
    }

    /// How many elements there are.
    #[inline]
    pub fn len(self) -> usize {
        self.elements.len()
    }

    /// True if there is none.
    pub fn is_empty(self) -> bool {
        self.elements.is_empty()
    }

    /// The element at an index.
    pub fn get(self, index: usize) -> Option<Value<'a>> {
        self.elements.get(index).copied()
    }

    /// The elements, by value.
    pub fn iter(self) -> std::iter::Copied<std::slice::Iter<'a, Value<'a>>> {
        self.elements.iter().copied()
    }
}

/// An array that grows.
#[derive(Default)]
pub struct ArrayBuilder<'a> {
    elements: Scratch<'a, [Value<'a>; 8]>,
}

impl<'a> ArrayBuilder<'a> {
    /// No elements yet.
    pub fn new() -> ArrayBuilder<'a> {
        ArrayBuilder::default()
    }

    /// No elements yet, but room for some.
    pub fn with_capacity(
        arena: &'a Arena,
        capacity: usize,
    ) -> Result<ArrayBuilder<'a>, MemoryExceeded> {
        let mut builder = ArrayBuilder::new();
        if capacity > 8 {
            builder.elements.reserve(arena, capacity)?;
        }
        Ok(builder)
    }

    /// Adds an element at the end.
    #[inline]
    pub fn push(&mut self, arena: &'a Arena, value: Value<'a>) -> Result<(), MemoryExceeded> {
        self.elements.push(arena, value)
    }

    /// Adds elements at the end; not all of them if there is no point in going on (see [`crate::work`]).
    pub fn extend(&mut self, arena: &'a Arena, values: &[Value<'a>]) -> Result<(), MemoryExceeded> {
        /// Elements between two looks at the watch.
        const CHUNK: usize = 1 << 14;
        for chunk in values.chunks(CHUNK) {
            self.elements.extend(arena, chunk)?;
            if !work::effort(chunk.len() as u64 / 4) {
                break;
            }
        }
        Ok(())
    }

    /// The elements so far.
    pub fn as_slice(&self) -> &[Value<'a>] {
        self.elements.as_slice()
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The array.
    pub fn finish(self, arena: &'a Arena) -> Value<'a> {
        arena.array(self.elements.as_slice())
    }
}
