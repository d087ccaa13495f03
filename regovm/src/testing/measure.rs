//! Benchmarks: running something as often as it takes to measure it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::session::Clock;

/// How long a benchmark runs, as in Go.
const GOAL: Duration = Duration::from_secs(1);

/// Runs of one round at most.
const MOST_RUNS: u64 = 1_000_000_000;

/// What one run tells beside its time.
#[derive(Clone, Copy, Default, Debug)]
pub struct Once {
    /// Bytes of values that it made.
    pub bytes: usize,
    /// Steps of the machine.
    pub steps: u64,
    /// Allocations, if the caller counts them.
    pub allocations: u64,
}

/// What the runs of the last round took.
#[derive(Clone, Default, Debug)]
pub struct Measured {
    /// How many there were.
    pub runs: u64,
    /// Their time.
    pub time: Duration,
    /// Bytes of values that they made, together.
    pub bytes: u128,
    /// Steps, together.
    pub steps: u128,
    /// Allocations, together.
    pub allocations: u128,
    /// The time of each run, in nanoseconds.
    pub samples: Vec<u64>,
    /// What else is said of the benchmark, by name.
    pub extra: BTreeMap<String, f64>,
}

/// Runs `once` in rounds until a round takes a second of the clock; the first error ends it.
pub fn measure<E>(clock: &Clock, mut once: impl FnMut() -> Result<Once, E>) -> Result<Measured, E> {
    let mut runs = 1;
    loop {
        let mut measured = Measured {
            runs,
            ..Measured::default()
        };
        let started = clock();
        let mut before = started;
        for _ in 0..runs {
            let Once {
                bytes,
                steps,
                allocations,
            } = once()?;
            let now = clock();
            let took = now.saturating_sub(before);
            before = now;
            measured.bytes += bytes as u128;
            measured.steps += u128::from(steps);
            measured.allocations += u128::from(allocations);
            measured
                .samples
                .push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
        measured.time = before.saturating_sub(started);
        if measured.time >= GOAL || runs >= MOST_RUNS {
            return Ok(measured);
        }
        runs = more(runs, measured.time);
    }
}

/// Runs of the next round: what the last one lets expect, and a fifth more; neither too few nor far too many.
fn more(runs: u64, time: Duration) -> u64 {
    let expected = GOAL.as_nanos() * u128::from(runs) / time.as_nanos().max(1);
    let wanted = u64::try_from(expected + expected / 5).unwrap_or(u64::MAX);
    wanted
        .min(runs.saturating_mul(100))
        .max(runs + 1)
        .min(MOST_RUNS)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn rounds_grow_until_they_take_a_second() {
        let ticks = Arc::new(AtomicU64::new(0));
        let theirs = ticks.clone();
        let clock: Clock = Arc::new(move || Duration::from_millis(theirs.load(Ordering::Relaxed)));
        let measured = measure(&clock, || {
            ticks.fetch_add(10, Ordering::Relaxed);
            Ok::<_, ()>(Once {
                bytes: 3,
                steps: 2,
                allocations: 1,
            })
        })
        .unwrap();
        assert_eq!(measured.runs, 100);
        assert_eq!(measured.time, Duration::from_secs(1));
        assert_eq!((measured.bytes, measured.steps), (300, 200));
        assert_eq!(measured.allocations, 100);
        assert!(measured.samples.iter().all(|ns| *ns == 10_000_000));
    }

    #[test]
    fn an_error_ends_it() {
        let clock: Clock = Arc::new(|| Duration::ZERO);
        assert_eq!(measure(&clock, || Err::<Once, _>(7)).unwrap_err(), 7);
    }
}
