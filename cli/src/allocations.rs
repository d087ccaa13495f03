//! Counts allocations, for benchmarks.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The allocator of the system, with a count once somebody wants one.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static WANTED: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Begins to count.
pub fn count() {
    WANTED.store(true, Ordering::Relaxed);
}

/// Allocations since [`count`] was called.
pub fn counted() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

fn note() {
    // Commands that measure nothing pay for a look at a byte that never changes.
    if WANTED.load(Ordering::Relaxed) {
        COUNT.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every method hands its arguments to the allocator of the system, which keeps the promises of the trait; counting
// neither allocates nor panics.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller keeps the promises of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller keeps the promises of `realloc`; the pointer is from the same allocator.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the promises of `dealloc`; the pointer is from the same allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn allocations_count_once_they_are_wanted() {
        super::count();
        let before = super::counted();
        drop(std::hint::black_box(vec![1_u8; 100]));
        assert!(super::counted() > before);
    }
}
