//! Sets and their builder.

use super::Value;
use super::arena::{Arena, MemoryExceeded};
use super::layout::CHUNK;
use super::raw::SetHeader;
use super::scratch::Scratch;
use super::table::Table;
use crate::work;

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

    /// The set of the elements that are wanted.
    ///
    /// ```
    /// use regovm_core::value::{Arena, MemoryExceeded};
    /// let arena = Arena::new();
    /// let set = arena.set_from([1, 2, 3].map(|n| arena.integer(n)));
    /// let odd = set.as_set().unwrap().filtered(&arena, |element| {
    ///     Ok::<bool, MemoryExceeded>(element.as_i64().is_some_and(|n| n % 2 == 1))
    /// });
    /// assert_eq!(odd?.as_set().unwrap().len(), 2);
    /// # Ok::<(), MemoryExceeded>(())
    /// ```
    pub fn filtered<E: From<MemoryExceeded>>(
        self,
        arena: &'a Arena,
        mut wanted: impl FnMut(Value<'a>) -> Result<bool, E>,
    ) -> Result<Value<'a>, E> {
        let mut kept: Scratch<'a, [Value<'a>; 16]> = Scratch::default();
        for element in self.iter() {
            if wanted(element)? {
                kept.push(arena, element)?;
            }
        }
        Ok(arena.set_sorted(kept.as_slice()))
    }

    /// The set of the elements of both; of equal ones the spelling of `self` stays. It means nothing if there is no point in
    /// going on.
    ///
    /// ```
    /// use regovm_core::value::Arena;
    /// let arena = Arena::new();
    /// let set = |elements: [i64; 2]| arena.set_from(elements.map(|n| arena.integer(n)));
    /// let both = set([1, 3]).as_set().unwrap().union(&arena, set([2, 3]).as_set().unwrap())?;
    /// assert_eq!(both, arena.set_from([1, 2, 3].map(|n| arena.integer(n))));
    /// # Ok::<(), regovm_core::value::MemoryExceeded>(())
    /// ```
    pub fn union(self, arena: &'a Arena, other: Set<'a>) -> Result<Value<'a>, MemoryExceeded> {
        let mut merged: Scratch<'a, [Value<'a>; 16]> = Scratch::default();
        let (mut ours, mut theirs) = (self.as_sorted_slice(), other.as_sorted_slice());
        while let ([a, our_rest @ ..], [b, their_rest @ ..]) = (ours, theirs) {
            let order = a.cmp(b);
            if order.is_le() {
                ours = our_rest;
            }
            if order.is_ge() {
                theirs = their_rest;
            }
            merged.push(arena, if order.is_le() { *a } else { *b })?;
            if merged.len().is_multiple_of(CHUNK) && !work::effort(CHUNK as u64) {
                break;
            }
        }
        merged.extend(arena, ours)?;
        merged.extend(arena, theirs)?;
        Ok(arena.set_sorted(merged.as_slice()))
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
