//! Hash tables over the growing lists of builders.

use super::Value;
use super::arena::{Arena, MemoryExceeded};
use super::layout::{LINEAR, fill, probe, short_hash, table_len};
use super::scratch::Claim;

/// Finds items of a list by hash. Stays empty while the list is short.
#[derive(Default)]
pub(super) struct Table<'a> {
    index: Vec<u32>,
    hashes: Vec<u32>,
    claim: Claim<'a>,
}

impl<'a> Table<'a> {
    /// The position of a key in a list of some length, or its hash if that was needed to look.
    #[inline]
    pub(super) fn find(
        &self,
        len: usize,
        key: Value<'_>,
        mut matches: impl FnMut(usize) -> bool,
    ) -> Result<usize, Option<u32>> {
        if self.index.is_empty() {
            return (0..len).find(|at| matches(*at)).ok_or(None);
        }
        let hash = short_hash(key.hash());
        probe(&self.index, &self.hashes, hash, matches).map_err(|_| Some(hash))
    }

    /// Takes note of the key at the end of a list that now has some length.
    #[inline]
    pub(super) fn added(
        &mut self,
        arena: &'a Arena,
        hash: Option<u32>,
        len: usize,
        key_at: impl Fn(usize) -> Value<'a>,
    ) -> Result<(), MemoryExceeded> {
        if len <= LINEAR {
            return Ok(());
        }
        if let Some(hash) = hash
            && table_len(len) <= self.index.len()
        {
            self.hashes.push(hash);
            if let Err(slot) = probe(&self.index, &self.hashes, hash, |_| false) {
                self.index[slot] = len as u32;
            }
            return Ok(());
        }
        self.grow(arena, len, key_at)
    }

    #[cold]
    fn grow(
        &mut self,
        arena: &'a Arena,
        len: usize,
        key_at: impl Fn(usize) -> Value<'a>,
    ) -> Result<(), MemoryExceeded> {
        let size = table_len(len + len / 2);
        self.claim
            .grow(arena, (size - self.index.len()) * 2 * size_of::<u32>())?;
        let known = self.hashes.len();
        self.hashes.reserve_exact(size - known);
        self.hashes
            .extend((known..len).map(|at| short_hash(key_at(at).hash())));
        // Not both at a time, and zeroed by whoever gives the memory.
        self.index = Vec::new();
        self.index = vec![0; size];
        fill(&mut self.index, &self.hashes);
        Ok(())
    }
}
