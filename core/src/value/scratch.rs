//! Growing lists beside the arena that count against its limit.

use smallvec::{Array, SmallVec};

use super::arena::{Arena, MemoryExceeded};
use super::{Value, sort};

/// A list that starts inside itself and then claims what it grows by.
pub(crate) struct Scratch<'a, A: Array> {
    items: SmallVec<A>,
    claim: Claim<'a>,
}

/// Bytes beside an arena that count as used until this is dropped.
#[derive(Default)]
pub struct Claim<'a> {
    arena: Option<&'a Arena>,
    bytes: usize,
}

impl<'a> Claim<'a> {
    /// Counts bytes.
    pub fn new(arena: &'a Arena, bytes: usize) -> Result<Claim<'a>, MemoryExceeded> {
        let mut claim = Claim::default();
        claim.grow(arena, bytes)?;
        Ok(claim)
    }

    /// Counts more bytes.
    pub fn grow(&mut self, arena: &'a Arena, bytes: usize) -> Result<(), MemoryExceeded> {
        arena.claim(bytes)?;
        self.arena = Some(arena);
        self.bytes += bytes;
        Ok(())
    }

    /// Counts as many bytes in all, if there are fewer so far.
    pub fn grow_to(&mut self, arena: &'a Arena, bytes: usize) -> Result<(), MemoryExceeded> {
        match bytes.checked_sub(self.bytes) {
            None | Some(0) => Ok(()),
            Some(more) => self.grow(arena, more),
        }
    }

    /// Bytes that are counted.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(arena) = self.arena {
            arena.release(self.bytes);
        }
    }
}

impl<A: Array> Default for Scratch<'_, A> {
    fn default() -> Self {
        Scratch {
            items: SmallVec::new(),
            claim: Claim::default(),
        }
    }
}

impl<'a, A: Array> Scratch<'a, A> {
    #[inline]
    pub(crate) fn push(&mut self, arena: &'a Arena, item: A::Item) -> Result<(), MemoryExceeded> {
        if self.items.len() == self.items.capacity() {
            self.reserve(arena, self.items.len().max(4))?;
        }
        self.items.push(item);
        Ok(())
    }

    pub(crate) fn extend(
        &mut self,
        arena: &'a Arena,
        items: &[A::Item],
    ) -> Result<(), MemoryExceeded>
    where
        A::Item: Copy,
    {
        let room = self.items.capacity() - self.items.len();
        if room < items.len() {
            self.reserve(arena, items.len().max(self.items.len()))?;
        }
        self.items.extend_from_slice(items);
        Ok(())
    }

    /// Room for more items.
    #[cold]
    pub(crate) fn reserve(&mut self, arena: &'a Arena, more: usize) -> Result<(), MemoryExceeded> {
        self.claim
            .grow(arena, more.saturating_mul(size_of::<A::Item>()))?;
        self.items.reserve_exact(more);
        Ok(())
    }

    /// Sorts the items by keys in Rego's order; equal ones stay in their order.
    pub(crate) fn sort_by_key(
        &mut self,
        arena: &'a Arena,
        key: impl Fn(&A::Item) -> Value<'a>,
    ) -> Result<(), MemoryExceeded>
    where
        A::Item: Copy,
    {
        sort::sort_by_key(arena, &mut self.items, key)
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[A::Item] {
        &self.items
    }

    #[inline]
    pub(crate) fn as_mut_slice(&mut self) -> &mut [A::Item] {
        &mut self.items
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }
}
