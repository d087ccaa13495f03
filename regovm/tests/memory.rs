//! What an evaluation takes of the memory of the process stays within its budget, for every bomb.
//!
//! One test, so that nothing else allocates at the same time.

mod bombs;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use bombs::{QUERY, bombs, input};
use regovm::{Budget, Engine};

/// Counts live bytes and their peak.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(live, Ordering::Relaxed);
}

// SAFETY: everything is left to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size > layout.size() {
            grow(size - layout.size());
        } else {
            LIVE.fetch_sub(layout.size() - size, Ordering::Relaxed);
        }
        // SAFETY: the caller's promises.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn no_bomb_takes_more_than_its_budget() {
    let input = input();
    let mut wrong = Vec::new();
    for bomb in bombs() {
        let mut engine = Engine::new();
        engine.add_module("p.rego", &bomb.policy);
        let policy = engine.prepare(QUERY).unwrap();
        for budget in [1 << 20, 4 << 20, 16 << 20] {
            // What is allocated once for the whole process comes first.
            let mut warm = policy.session();
            warm.set_budget(Budget {
                steps: Some(1000),
                ..Budget::default()
            });
            drop(warm.eval_json(&input));
            drop(warm);
            let mut session = policy.session();
            session.set_budget(Budget {
                memory: Some(budget),
                // What needs no memory must end, too.
                steps: Some(3_000_000),
                ..Budget::default()
            });
            let before = LIVE.load(Ordering::Relaxed);
            PEAK.store(before, Ordering::Relaxed);
            let message = match session.eval_json(&input) {
                Ok(_) => "it ended".to_owned(),
                Err(failure) => failure.errors[0].message.clone(),
            };
            let taken = PEAK.load(Ordering::Relaxed) - before;
            if taken > budget + (1 << 20) {
                wrong.push(format!(
                    "{}: {taken} bytes of {budget}: {message}",
                    bomb.name
                ));
            }
            if bomb.grows && !message.contains(" budget of ") {
                wrong.push(format!("{}: {message}", bomb.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
