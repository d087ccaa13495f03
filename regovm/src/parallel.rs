//! Work on several threads whose results come in order.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

/// Stack of a thread: results are read as JSON, which may nest deep. Pages that are not touched cost nothing.
const STACK: usize = 64 << 20;

/// Works on items `0..count` on up to `threads` threads and reports each result in the order of the items, as soon as
/// those before it are reported. Each thread has a state of its own, for example a [`Session`](crate::Session). When
/// `work` gives nothing, or `report` breaks, no other item is begun; results that are there already are still reported
/// in the first case.
///
/// ```
/// let mut squares = Vec::new();
/// regovm::parallel::in_order(
///     4,
///     10,
///     &|| (),
///     &|(), item| Some(item * item),
///     &mut |item, square| {
///         squares.push((item, square));
///         std::ops::ControlFlow::Continue(())
///     },
/// );
/// assert_eq!(squares[9], (9, 81));
/// assert!(squares.is_sorted());
/// ```
pub fn in_order<S, R: Send>(
    threads: usize,
    count: usize,
    state: &(dyn Fn() -> S + Sync),
    work: &(dyn Fn(&mut S, usize) -> Option<R> + Sync),
    report: &mut dyn FnMut(usize, R) -> ControlFlow<()>,
) {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let run = |sender: &mpsc::Sender<(usize, R)>| {
        let mut state = state();
        while !stop.load(Ordering::Relaxed) {
            let item = next.fetch_add(1, Ordering::Relaxed);
            if item >= count {
                return;
            }
            let Some(result) = work(&mut state, item) else {
                stop.store(true, Ordering::Relaxed);
                return;
            };
            // Nobody listens any more once the report has broken off.
            let _ = sender.send((item, result));
        }
    };
    let (sender, results) = mpsc::channel();
    std::thread::scope(|scope| {
        let mut begun = 0;
        for _ in 0..threads.clamp(1, count.max(1)) {
            let (sender, run) = (sender.clone(), &run);
            let thread = std::thread::Builder::new().stack_size(STACK);
            let spawned = thread.spawn_scoped(scope, move || run(&sender));
            begun += usize::from(spawned.is_ok());
        }
        // A machine that gives no thread has this one.
        if begun == 0 {
            run(&sender);
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut due = 0;
        for (item, result) in results {
            early.insert(item, result);
            while let Some(result) = early.remove(&due) {
                if report(due, result).is_break() {
                    stop.store(true, Ordering::Relaxed);
                    return;
                }
                due += 1;
            }
        }
        // Work that was given up leaves gaps.
        for (item, result) in early {
            if report(item, result).is_break() {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_when_there_is_no_result_and_when_nobody_wants_more() {
        let mut seen = Vec::new();
        let below = |most: usize| move |(): &mut (), item: usize| (item < most).then_some(item);
        in_order(3, 100, &|| (), &below(5), &mut |_, result| {
            seen.push(result);
            ControlFlow::Continue(())
        });
        assert_eq!(seen, [0, 1, 2, 3, 4]);
        seen.clear();
        in_order(3, 100, &|| (), &below(100), &mut |_, result| {
            seen.push(result);
            match seen.len() {
                7 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
        in_order(0, 0, &|| (), &below(1), &mut |_, _: usize| unreachable!());
    }
}
