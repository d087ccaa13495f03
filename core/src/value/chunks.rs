//! The memory of an arena: chunks that are filled one after the other.
//!
//! A chunk counts in full as soon as it is there, so that what an arena holds is known exactly; so chunks stay small, and
//! what is large has a chunk of its own. The sizes depend on nothing but what was asked for: chunks that are kept for the
//! next run change no count.

use std::alloc::Layout;
use std::cell::{RefCell, UnsafeCell};
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
    /// The chunk that is being filled. It never grows.
    current: UnsafeCell<Bump>,
    others: RefCell<Others>,
}

#[derive(Default)]
struct Others {
    /// Place of the current chunk in the sequence of sizes, if it is one of them.
    place: Option<usize>,
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
            current: UnsafeCell::new(empty()),
            others: RefCell::default(),
        }
    }
}

/// A chunk without room.
fn empty() -> Bump {
    let bump = Bump::new();
    bump.set_allocation_limit(Some(0));
    bump
}

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
    #[inline]
    pub(super) fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the only references to the current chunk are this one and that of `more`, neither of which is held
        // while the other exists: allocating calls nothing of ours.
        unsafe { &*self.current.get() }
            .try_alloc_layout(layout)
            .ok()
    }

    /// Memory of a new chunk, and the bytes of that chunk. `left` is what the arena may hold besides.
    #[cold]
    pub(super) fn more(&self, layout: Layout, left: usize) -> (NonNull<u8>, usize) {
        let mut others = self.others.borrow_mut();
        let needed = layout.size() + layout.align();
        if needed > OWN_CHUNK {
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
        let room = fresh.1.alloc_layout(layout);
        let bytes = fresh.1.allocated_bytes_including_metadata();
        let place = std::mem::replace(&mut others.place, fresh.0);
        // SAFETY: as in `take`. Replacing moves the handle of the full chunk, not its memory.
        let full = std::mem::replace(unsafe { &mut *self.current.get() }, fresh.1);
        others.full.push((place, full));
        (room, bytes)
    }

    /// Frees everything but some chunks for the next run.
    pub(super) fn reset(&mut self) {
        let others = self.others.get_mut();
        let current = std::mem::replace(self.current.get_mut(), empty());
        others.full.push((others.place.take(), current));
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
