//! The memory of an arena: chunks that are filled one after the other.
//!
//! A chunk counts in full as soon as it is there, so that what an arena holds is known exactly; so chunks stay small, and
//! what is large has a chunk of its own. The sizes depend on nothing but what was asked for: chunks that are kept for the
//! next run change no count.

use std::alloc::Layout;
use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

use bumpalo::Bump;

/// The size of the first chunk; each is twice as large as the one before, up to the largest.
const FIRST: usize = 1 << 10;
const LARGEST: usize = 1 << 16;

/// More than this has a chunk of its own.
const OWN_CHUNK: usize = LARGEST / 4;

/// What the allocator and the chunk itself take of a chunk's size, at most.
const OVERHEAD: usize = 128;

/// Chunks that are kept for the next run, at most.
const KEPT: usize = 512;

pub(super) struct Chunks {
    /// The free part of the chunk that is being filled: where it begins, and how long it is.
    free: Cell<NonNull<u8>>,
    left: Cell<usize>,
    others: RefCell<Others>,
}

#[derive(Default)]
struct Others {
    /// The chunk that is being filled, and its place in the sequence of sizes, if it is one of them.
    current: Option<(Option<usize>, Bump)>,
    /// Chunks that are full, with their places.
    full: Vec<(Option<usize>, Bump)>,
    /// The place of the next chunk.
    next: usize,
    /// Empty chunks of an earlier run, by place.
    kept: Vec<Option<Bump>>,
    kept_bytes: usize,
}

impl Default for Chunks {
    fn default() -> Chunks {
        Chunks {
            // Aligned, for what takes no room.
            free: Cell::new(NonNull::<u64>::dangling().cast()),
            left: Cell::new(0),
            others: RefCell::default(),
        }
    }
}

/// The alignment of everything in a chunk.
const ALIGN: usize = 8;

/// A chunk of some size that never adds another one to itself.
fn chunk(bytes: usize) -> Bump {
    let bump = Bump::with_capacity(bytes);
    bump.set_allocation_limit(Some(bump.allocated_bytes()));
    bump
}

/// The size of the chunk in a place of the sequence.
fn size_of_place(place: usize) -> usize {
    FIRST << place.min((LARGEST / FIRST).ilog2() as usize)
}

impl Chunks {
    /// Memory of the current chunk, if it has enough.
    #[inline(always)]
    pub(super) fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        let size = layout.size().next_multiple_of(ALIGN);
        let left = self.left.get().checked_sub(size)?;
        if layout.align() > ALIGN {
            return None;
        }
        let place = self.free.get();
        self.left.set(left);
        // SAFETY: there were at least `size` bytes behind `place` in one allocation.
        self.free.set(unsafe { place.add(size) });
        Some(place)
    }

    /// Memory of a new chunk, and the bytes of that chunk. `left` is what the arena may hold besides.
    #[cold]
    pub(super) fn more(&self, layout: Layout, left: usize) -> (NonNull<u8>, usize) {
        let mut others = self.others.borrow_mut();
        let needed = layout.size() + layout.align().max(ALIGN);
        if needed > OWN_CHUNK || layout.align() > ALIGN {
            let own = chunk(needed);
            let room = own.alloc_layout(layout);
            let bytes = own.allocated_bytes_including_metadata();
            others.full.push((None, own));
            return (room, bytes);
        }
        let place = others.next;
        // The second chunk of a large one's wake may have to be larger than its place says.
        let size = size_of_place(place).max(needed + OVERHEAD);
        let fresh = if size <= left {
            others.next += 1;
            let kept = others.kept.get_mut(place).and_then(Option::take);
            let fresh = match kept {
                Some(kept) if size == size_of_place(place) => {
                    others.kept_bytes -= kept.allocated_bytes_including_metadata();
                    kept
                }
                _ => chunk(size - OVERHEAD),
            };
            (Some(place).filter(|_| size == size_of_place(place)), fresh)
        } else {
            (None, chunk(needed.max(left)))
        };
        let bytes = fresh.1.allocated_bytes_including_metadata();
        // All of the chunk; what is taken of it is counted here.
        let capacity = fresh.1.chunk_capacity() / ALIGN * ALIGN;
        let room = Layout::from_size_align(capacity, ALIGN)
            .ok()
            .and_then(|all| Some((fresh.1.try_alloc_layout(all).ok()?, capacity)));
        if let Some(before) = others.current.replace(fresh) {
            others.full.push(before);
        }
        match room {
            Some((free, capacity)) => {
                self.free.set(free);
                self.left.set(capacity);
            }
            None => self.left.set(0),
        }
        match self.take(layout) {
            Some(room) => (room, bytes),
            None => {
                // Only if a chunk were smaller than it was asked to be.
                let own = chunk(needed);
                let room = own.alloc_layout(layout);
                let more = own.allocated_bytes_including_metadata();
                others.full.push((None, own));
                (room, bytes + more)
            }
        }
    }

    /// Frees everything but some chunks for the next run.
    pub(super) fn reset(&mut self) {
        let others = self.others.get_mut();
        self.left.set(0);
        others.full.extend(others.current.take());
        others.next = 0;
        for (place, mut bump) in others.full.drain(..) {
            let Some(place) = place.filter(|place| *place < KEPT) else {
                continue;
            };
            if others.kept.len() <= place {
                others.kept.resize_with(place + 1, || None);
            }
            bump.reset();
            others.kept_bytes += bump.allocated_bytes_including_metadata();
            others.kept[place] = Some(bump);
        }
    }

    /// Bytes of the chunks that are kept for later.
    #[inline]
    pub(super) fn kept_bytes(&self) -> usize {
        self.others.borrow().kept_bytes
    }

    /// Frees the chunks that are kept for later.
    #[cold]
    pub(super) fn forget_kept(&self) {
        let mut others = self.others.borrow_mut();
        others.kept = Vec::new();
        others.kept_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_grow_and_are_used_again() {
        let mut chunks = Chunks::default();
        let layout = Layout::new::<[u64; 8]>();
        let fill = |chunks: &Chunks| {
            let mut bytes = 0;
            for _ in 0..10_000 {
                if chunks.take(layout).is_none() {
                    bytes += chunks.more(layout, usize::MAX).1;
                }
            }
            bytes
        };
        let first = fill(&chunks);
        assert!((640_000..760_000).contains(&first), "{first}");
        chunks.reset();
        assert_eq!(chunks.kept_bytes(), first);
        assert_eq!(fill(&chunks), first);
        assert_eq!(chunks.kept_bytes(), 0);
        chunks.reset();
        chunks.forget_kept();
        assert_eq!(fill(&chunks), first);
    }

    #[test]
    fn what_is_large_has_its_own_chunk() {
        let chunks = Chunks::default();
        let layout = Layout::array::<u8>(1 << 20).unwrap();
        assert!(chunks.take(layout).is_none());
        let (_, bytes) = chunks.more(layout, 0);
        assert!((1 << 20..(1 << 20) + 8192).contains(&bytes), "{bytes}");
    }
}
