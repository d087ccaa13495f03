//! Stages that look at one module after another do so on several cores.
//!
//! What a stage finds comes in the order of the modules, so nothing depends on how many threads there are. Names are
//! generated in one order over all modules: stages that generate some stay on one thread.

use std::num::NonZero;
use std::sync::{Mutex, MutexGuard, PoisonError};

use regovm_parser::ast::Module;

use crate::options::Options;
use crate::state::State;

/// With fewer modules for each, threads cost more than they save.
const MODULES_PER_THREAD: usize = 32;

/// Each thread takes about so many pieces of the work, one after the other: modules differ in size.
const PIECES_PER_THREAD: usize = 4;

/// Stack of a thread. Trees nest no deeper than the parser lets them; pages that are not touched cost nothing.
const STACK: usize = 64 << 20;

/// How many threads share the work on so many modules.
pub fn threads(options: &Options, modules: usize) -> usize {
    match options.threads {
        Some(wanted) => wanted.get().min(modules.max(1)),
        None if modules < 2 * MODULES_PER_THREAD => 1,
        None => {
            let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
            cores.min(modules / MODULES_PER_THREAD)
        }
    }
}

/// How many of so many items are one piece of the work.
pub fn piece(threads: usize, items: usize) -> usize {
    items.div_ceil(threads * PIECES_PER_THREAD).max(1)
}

/// Works on pieces on up to so many threads, this one among them, and gives the results in the order of the pieces.
/// Where no thread can be had, this one does all.
pub fn each<P: Send, R: Send>(
    threads: usize,
    pieces: impl Iterator<Item = P> + Send,
    work: impl Fn(P) -> R + Sync,
) -> Vec<R> {
    if threads < 2 {
        return pieces.map(work).collect();
    }
    let queue = Mutex::new(pieces.enumerate());
    let run = || {
        let mut done = Vec::new();
        loop {
            let next = locked(&queue).next();
            let Some((place, piece)) = next else {
                return done;
            };
            done.push((place, work(piece)));
        }
    };
    let mut results = std::thread::scope(|scope| {
        let spawn = |_| {
            let thread = std::thread::Builder::new().stack_size(STACK);
            thread.spawn_scoped(scope, run).ok()
        };
        let others: Vec<_> = (1..threads).filter_map(spawn).collect();
        let mut results = run();
        for other in others {
            match other.join() {
                Ok(done) => results.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

fn locked<T>(queue: &Mutex<T>) -> MutexGuard<'_, T> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at all modules, and gives what was found in their order.
pub fn look<R: Send>(
    state: &State<'_>,
    look: impl Fn(usize, &Module, &mut Vec<R>) + Sync,
) -> Vec<R> {
    let threads = threads(state.options, state.modules.len());
    let size = piece(threads, state.modules.len());
    let pieces = state.modules.chunks(size).enumerate();
    let found = each(threads, pieces, |(place, modules)| {
        let mut found = Vec::new();
        for (i, module) in modules.iter().enumerate() {
            look(place * size + i, module, &mut found);
        }
        found
    });
    joined(found)
}

/// Changes all modules, and gives what was found in their order. The state has no modules meanwhile.
pub fn change<R: Send>(
    state: &mut State<'_>,
    change: impl Fn(&State<'_>, usize, &mut Module, &mut Vec<R>) + Sync,
) -> Vec<R> {
    let mut modules = std::mem::take(&mut state.modules);
    let threads = threads(state.options, modules.len());
    let size = piece(threads, modules.len());
    let pieces = modules.chunks_mut(size).enumerate();
    let this = &*state;
    let found = each(threads, pieces, |(place, modules)| {
        let mut found = Vec::new();
        for (i, module) in modules.iter_mut().enumerate() {
            change(this, place * size + i, module, &mut found);
        }
        found
    });
    state.modules = modules;
    joined(found)
}

fn joined<R>(found: Vec<Vec<R>>) -> Vec<R> {
    let mut found = found.into_iter();
    let mut all = found.next().unwrap_or_default();
    all.extend(found.flatten());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_pieces() {
        let numbers: Vec<u64> = (0..1000).collect();
        for threads in [1, 2, 7] {
            let sums: Vec<u64> = each(threads, numbers.chunks(30), |numbers| numbers.iter().sum());
            let expected: Vec<u64> = numbers.chunks(30).map(|n| n.iter().sum()).collect();
            assert_eq!(sums, expected);
        }
    }

    #[test]
    fn few_modules_take_one_thread() {
        let mut options = Options::default();
        assert_eq!(threads(&options, 0), 1);
        assert_eq!(threads(&options, 2 * MODULES_PER_THREAD - 1), 1);
        options.threads = NonZero::new(3);
        assert_eq!(threads(&options, 2), 2);
        assert_eq!(threads(&options, 100), 3);
        assert_eq!(threads(&options, 0), 1);
    }
}
