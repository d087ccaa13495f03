//! The budgets of a run: steps, time, cancellation. Memory is the arena's.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use regovm_core::builtin::{Meter, StopReason};

/// Steps between two looks at the clock.
const POLL: u64 = 1024;

/// When to stop. The library reads no clock: the host does.
#[derive(Clone, Copy)]
pub struct Deadline<'r> {
    /// True once the time is over.
    pub passed: &'r (dyn Fn() -> bool + 'r),
    /// The time that was given, for the message.
    pub budget: Duration,
}

/// Counts steps. The count depends on nothing but program, input and data.
pub(crate) struct Budget<'r> {
    pub(crate) used: u64,
    pub(crate) limit: u64,
    /// The count at which the clock is looked at again, or the budget ends.
    next: u64,
    pub(crate) deadline: Option<Deadline<'r>>,
    cancel: Option<&'r AtomicBool>,
}

impl<'r> Budget<'r> {
    pub(crate) fn new(
        limit: Option<u64>,
        deadline: Option<Deadline<'r>>,
        cancel: Option<&'r AtomicBool>,
    ) -> Budget<'r> {
        let limit = limit.unwrap_or(u64::MAX);
        Budget {
            used: 0,
            limit,
            next: limit.min(POLL),
            deadline,
            cancel,
        }
    }

    /// One look at everything, at the start of a run too: so that a run of few steps can be cancelled.
    #[cold]
    pub(crate) fn poll(&mut self) -> Result<(), StopReason> {
        if self.used > self.limit {
            return Err(StopReason::Steps);
        }
        self.next = self.limit.min(self.used.saturating_add(POLL));
        if self
            .cancel
            .is_some_and(|cancel| cancel.load(Ordering::Relaxed))
        {
            return Err(StopReason::Cancelled);
        }
        if self.deadline.is_some_and(|deadline| (deadline.passed)()) {
            return Err(StopReason::Deadline);
        }
        Ok(())
    }
}

impl Meter for Budget<'_> {
    #[inline]
    fn charge(&mut self, units: u64) -> Result<(), StopReason> {
        self.used = self.used.saturating_add(units);
        if self.used > self.next {
            self.poll()
        } else {
            Ok(())
        }
    }

    fn look(&mut self) -> Result<(), StopReason> {
        self.poll()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn the_limit_is_exact() {
        let mut budget = Budget::new(Some(5000), None, None);
        for _ in 0..5000 {
            assert_eq!(budget.charge(1), Ok(()));
        }
        assert_eq!(budget.charge(1), Err(StopReason::Steps));
    }

    #[test]
    fn the_clock_is_read_every_1024_steps() {
        let reads = Cell::new(0);
        let passed = || {
            reads.set(reads.get() + 1);
            reads.get() > 3
        };
        let deadline = Deadline {
            passed: &passed,
            budget: Duration::from_millis(1),
        };
        let mut budget = Budget::new(None, Some(deadline), None);
        let stop = (0..).find_map(|_| budget.charge(1).err());
        assert_eq!(stop, Some(StopReason::Deadline));
        assert_eq!(reads.get(), 4);
        assert_eq!(budget.used.div_ceil(POLL), 5);
    }

    #[test]
    fn cancelling_is_seen() {
        let cancel = AtomicBool::new(true);
        let mut budget = Budget::new(None, None, Some(&cancel));
        assert_eq!(budget.charge(10_000), Err(StopReason::Cancelled));
    }
}
