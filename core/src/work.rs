//! Work of operations that cannot take a meter with them: comparing, hashing, sorting, copying.
//!
//! Equality, order and hashing are traits of Rust here. They report what they do to the thread, the evaluator that runs
//! on it fetches the sum with [`take_units`], and installs a [`Watch`] that is asked from time to time if there is any
//! point in going on. If there is none, the operation ends at once with a result that means nothing; the evaluator must
//! not use it, and does not, because what was asked ([`Watch::goes_on`]) stays answered for the rest of the run.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Who knows the budgets of the run on this thread.
pub trait Watch {
    /// False once a budget is used up; then false for ever. `unpaid` are units that [`take_units`] would give.
    fn goes_on(&self, unpaid: u64) -> bool;
}

/// Small pieces of work (a pair compared, an element hashed, 64 bytes copied) per unit of a budget.
const PIECES_PER_UNIT: u64 = 8;

/// Pieces between two questions: well below a millisecond.
const ASK_AFTER: u64 = 1 << 14;

/// Bytes that are looked at or copied like one piece.
pub(crate) const BYTES_PER_PIECE: usize = 64;

/// What is counted. It has nothing to be dropped, so that reaching it is one instruction.
struct Tally {
    /// Pieces that count and were not fetched yet.
    unpaid: Cell<u64>,
    /// Pieces since the last question.
    unasked: Cell<u64>,
    over: Cell<bool>,
}

thread_local! {
    static TALLY: Tally = const {
        Tally {
            unpaid: Cell::new(0),
            unasked: Cell::new(0),
            over: Cell::new(false),
        }
    };
    static WATCH: RefCell<Option<Rc<dyn Watch>>> = const { RefCell::new(None) };
}

/// Reports pieces of work that count as steps. False if there is no point in going on.
#[inline]
pub fn count(pieces: u64) -> bool {
    TALLY.with(|tally| {
        tally.unpaid.set(tally.unpaid.get().saturating_add(pieces));
        tally.effort(pieces)
    })
}

/// Reports pieces of work that take time and count as no steps. False if there is no point in going on.
#[inline]
pub fn effort(pieces: u64) -> bool {
    TALLY.with(|tally| tally.effort(pieces))
}

/// [`effort`] of looking at so many bytes.
#[inline]
pub fn effort_bytes(bytes: usize) -> bool {
    effort((bytes / BYTES_PER_PIECE) as u64)
}

/// True if an operation of this thread has ended early, so that its result means nothing.
#[inline]
pub fn is_over() -> bool {
    TALLY.with(|tally| tally.over.get())
}

/// The work that was done on this thread since the last call, in units of a budget, and whether an operation has ended early
/// ([`is_over`]).
#[inline]
pub fn take_units() -> (u64, bool) {
    TALLY.with(|tally| {
        let (pieces, over) = (tally.unpaid.get(), tally.over.get());
        if pieces < PIECES_PER_UNIT {
            return (0, over);
        }
        tally.unpaid.set(pieces % PIECES_PER_UNIT);
        (pieces / PIECES_PER_UNIT, over)
    })
}

impl Tally {
    #[inline]
    fn effort(&self, pieces: u64) -> bool {
        let unasked = self.unasked.get().saturating_add(pieces);
        if unasked < ASK_AFTER {
            self.unasked.set(unasked);
            return !self.over.get();
        }
        self.ask()
    }

    #[cold]
    fn ask(&self) -> bool {
        self.unasked.set(0);
        let watch = WATCH.with(|watch| watch.borrow().clone());
        if let Some(watch) = watch
            && !watch.goes_on(self.unpaid.get() / PIECES_PER_UNIT)
        {
            self.over.set(true);
        }
        !self.over.get()
    }
}

/// The time during which a [`Watch`] is asked. What was counted for an evaluation around it goes on afterwards.
pub struct Watched {
    unpaid: u64,
    unasked: u64,
    over: bool,
    watch: Option<Rc<dyn Watch>>,
}

/// Starts a count at zero, under a watch.
pub fn watch(watch: Rc<dyn Watch>) -> Watched {
    TALLY.with(|tally| Watched {
        unpaid: tally.unpaid.take(),
        unasked: tally.unasked.take(),
        over: tally.over.take(),
        watch: WATCH.with(|now| now.replace(Some(watch))),
    })
}

impl Drop for Watched {
    fn drop(&mut self) {
        TALLY.with(|tally| {
            tally.unpaid.set(self.unpaid);
            tally.unasked.set(self.unasked);
            tally.over.set(self.over);
        });
        let before = self.watch.take();
        drop(WATCH.with(|now| now.replace(before)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Until(Cell<u32>);

    impl Watch for Until {
        fn goes_on(&self, _: u64) -> bool {
            self.0.set(self.0.get().saturating_sub(1));
            self.0.get() > 0
        }
    }

    #[test]
    fn what_is_over_stays_over_until_the_watch_ends() {
        assert!(effort(10 * ASK_AFTER));
        let outer = watch(Rc::new(Until(Cell::new(100))));
        assert!(count(24));
        {
            let _inner = watch(Rc::new(Until(Cell::new(2))));
            assert_eq!(take_units(), (0, false));
            assert!(effort(ASK_AFTER));
            assert!(!effort(ASK_AFTER));
            assert!(!effort(1));
            assert!(is_over());
            assert_eq!(take_units(), (0, true));
        }
        assert!(!is_over());
        assert_eq!(take_units(), (3, false));
        assert_eq!(take_units(), (0, false));
        drop(outer);
    }
}
