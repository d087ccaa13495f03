//! The budgets of a run: steps, time, cancellation. Memory is the arena's.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use regovm_core::builtin::{Meter, StopReason};
use regovm_core::work::{self, Watch};

/// Steps between two looks at the clock.
const POLL: u64 = 1024;

/// When to stop. The library reads no clock: the host does.
#[derive(Clone)]
pub struct Deadline {
    /// True once the time is over, and from then on.
    pub passed: Rc<dyn Fn() -> bool>,
    /// The time that was given, for the message.
    pub budget: Duration,
}

/// Counts steps. The count depends on nothing but program, input and data.
pub(crate) struct Budget {
    counter: Rc<Counter>,
}

/// What the meter of the machine and the watch over the thread share.
struct Counter {
    used: Cell<u64>,
    limit: u64,
    /// The count at which the clock is looked at again, or the budget ends.
    next: Cell<u64>,
    deadline: Option<Deadline>,
    cancel: Option<Arc<AtomicBool>>,
}

impl Budget {
    pub(crate) fn new(
        limit: Option<u64>,
        deadline: Option<Deadline>,
        cancel: Option<Arc<AtomicBool>>,
    ) -> Budget {
        let limit = limit.unwrap_or(u64::MAX);
        let counter = Counter {
            used: Cell::new(0),
            limit,
            next: Cell::new(limit.min(POLL)),
            deadline,
            cancel,
        };
        Budget {
            counter: Rc::new(counter),
        }
    }

    /// The limit of steps.
    pub(crate) fn limit(&self) -> u64 {
        self.counter.limit
    }

    /// The time that was given.
    pub(crate) fn time(&self) -> Duration {
        let deadline = self.counter.deadline.as_ref();
        deadline.map(|deadline| deadline.budget).unwrap_or_default()
    }

    /// Steps so far.
    pub(crate) fn used(&self) -> u64 {
        self.counter.used.get()
    }

    /// Puts what runs on this thread under the budgets, as long as the result lives.
    pub(crate) fn watch(&self) -> work::Watched {
        work::watch(self.counter.clone())
    }
}

impl Counter {
    /// One look at everything, at the start of a run too: so that a run of few steps can be cancelled.
    #[cold]
    fn poll(&self) -> Result<(), StopReason> {
        let used = self.used.get();
        if used > self.limit {
            return Err(StopReason::Steps);
        }
        self.next.set(self.limit.min(used.saturating_add(POLL)));
        let cancel = self.cancel.as_ref();
        if cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
            return Err(StopReason::Cancelled);
        }
        let deadline = self.deadline.as_ref();
        if deadline.is_some_and(|deadline| (deadline.passed)()) {
            return Err(StopReason::Deadline);
        }
        Ok(())
    }
}

impl Watch for Counter {
    fn goes_on(&self, unpaid: u64) -> bool {
        self.used.get().saturating_add(unpaid) <= self.limit && self.poll().is_ok()
    }
}

impl Meter for Budget {
    #[inline]
    fn charge(&mut self, units: u64) -> Result<(), StopReason> {
        let counter = &*self.counter;
        let (unpaid, over) = work::take_units();
        let done = counter.used.get().saturating_add(unpaid);
        let used = done.saturating_add(units);
        counter.used.set(used);
        if used > counter.next.get() || over {
            if used > counter.limit {
                // What was announced and does not fit is not done.
                counter
                    .used
                    .set(done.max(counter.limit.saturating_add(1)).min(used));
            }
            counter.poll()
        } else {
            Ok(())
        }
    }

    fn look(&mut self) -> Result<(), StopReason> {
        self.charge(0)?;
        self.counter.poll()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let reads = Rc::new(Cell::new(0));
        let seen = reads.clone();
        let passed = move || {
            seen.set(seen.get() + 1);
            seen.get() > 3
        };
        let deadline = Deadline {
            passed: Rc::new(passed),
            budget: Duration::from_millis(1),
        };
        let mut budget = Budget::new(None, Some(deadline), None);
        let stop = (0..).find_map(|_| budget.charge(1).err());
        assert_eq!(stop, Some(StopReason::Deadline));
        assert_eq!(reads.get(), 4);
        assert_eq!(budget.used().div_ceil(POLL), 5);
    }

    #[test]
    fn cancelling_is_seen() {
        let cancel = Arc::new(AtomicBool::new(true));
        let mut budget = Budget::new(None, None, Some(cancel));
        assert_eq!(budget.charge(10_000), Err(StopReason::Cancelled));
    }
}
