//! Runs cases on a few threads, each guarded against panics and endless loops.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::case::{Case, Kind};
use crate::compare;
use crate::engine::Engine;

/// How to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Threads at a time.
    pub threads: usize,
    /// A case that takes longer fails, and its thread is left behind.
    pub time_limit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threads: 2,
            time_limit: Duration::from_secs(10),
        }
    }
}

/// What became of a case: nothing to say, or why it failed.
pub type Outcome = Result<(), String>;

/// Runs all cases; the outcomes stand in the order of the cases.
pub fn run(engine: &Arc<dyn Engine>, cases: &Arc<Vec<Case>>, settings: &Settings) -> Vec<Outcome> {
    let next = Arc::new(AtomicUsize::new(0));
    let running: Running = Arc::default();
    let (sender, results) = channel();
    let start = |worker: usize| {
        let (engine, cases, next) = (engine.clone(), cases.clone(), next.clone());
        let (running, sender) = (running.clone(), sender.clone());
        let body = move || work(worker, &*engine, &cases, &next, &running, &sender);
        // As much stack as a main thread has: what overflows here overflows there.
        thread::Builder::new()
            .stack_size(8 << 20)
            .spawn(body)
            .is_ok()
    };
    let mut workers = 0;
    for _ in 0..settings.threads.clamp(1, cases.len().max(1)) {
        workers += usize::from(start(workers));
    }

    let mut outcomes: Vec<Option<Outcome>> = cases.iter().map(|_| None).collect();
    let mut left = cases.len();
    while left > 0 {
        match results.recv_timeout(Duration::from_millis(100)) {
            Ok((index, outcome)) => {
                let slot: &mut Option<Outcome> = &mut outcomes[index];
                if slot.is_none() {
                    *slot = Some(outcome);
                    left -= 1;
                }
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        let mut late = Vec::new();
        lock(&running).retain(|_, (index, since)| {
            let over = since.elapsed() > settings.time_limit;
            if over {
                late.push(*index);
            }
            !over
        });
        for index in late {
            if outcomes[index].is_none() {
                outcomes[index] = Some(Err(format!(
                    "time limit: took over {:?}",
                    settings.time_limit
                )));
                left -= 1;
            }
            workers += usize::from(start(workers));
        }
    }
    outcomes
        .into_iter()
        .map(|o| o.unwrap_or_else(|| Err("was not run".to_owned())))
        .collect()
}

/// Worker to the case it runs and since when.
type Running = Arc<Mutex<HashMap<usize, (usize, Instant)>>>;

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work(
    worker: usize,
    engine: &dyn Engine,
    cases: &[Case],
    next: &AtomicUsize,
    running: &Running,
    sender: &Sender<(usize, Outcome)>,
) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(case) = cases.get(index) else { return };
        lock(running).insert(worker, (index, Instant::now()));
        let outcome = guarded(engine, case);
        // A worker that was given up has been replaced already.
        let mine = lock(running).remove(&worker).is_some();
        if sender.send((index, outcome)).is_err() || !mine {
            return;
        }
    }
}

/// Runs one case; a panic is a failure with its message and place.
pub fn guarded(engine: &dyn Engine, case: &Case) -> Outcome {
    quiet_panics();
    PANIC.set(None);
    catch_unwind(AssertUnwindSafe(|| one(engine, case)))
        .unwrap_or_else(|_| Err(format!("panicked: {}", PANIC.take().unwrap_or_default())))
}

fn one(engine: &dyn Engine, case: &Case) -> Outcome {
    match &case.kind {
        Kind::Compile(compile) => compare::compilation(compile, &engine.check(compile)),
        Kind::Eval(eval) => {
            for mode in engine.modes() {
                let got = engine.evaluate(mode, eval);
                compare::evaluation(eval, &got).map_err(|reason| format!("[{mode}] {reason}"))?;
            }
            Ok(())
        }
    }
}

thread_local! {
    static PANIC: std::cell::Cell<Option<String>> = const { std::cell::Cell::new(None) };
}

/// Panics of cases are kept for the report and not printed.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            PANIC.set(Some(info.to_string().replace('\n', " ")))
        }));
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread::sleep;
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{Settings, run};
    use crate::case::{Case, CompileCase, EvalCase, Kind};
    use crate::engine::{CaseError, Engine};

    struct Fake;

    impl Engine for Fake {
        fn modes(&self) -> &'static [&'static str] {
            &["first", "second"]
        }

        fn evaluate(&self, mode: &str, case: &EvalCase) -> Result<Vec<Value>, CaseError> {
            match (case.query.as_str(), mode) {
                ("panic", _) => panic!("no good"),
                ("hang", _) => {
                    sleep(Duration::from_secs(5));
                    Ok(vec![])
                }
                ("moody", "second") => Ok(vec![json!({"x": 2})]),
                _ => Ok(vec![json!({"x": 1})]),
            }
        }

        fn check(&self, _: &CompileCase) -> Vec<CaseError> {
            Vec::new()
        }
    }

    #[test]
    fn panics_and_endless_loops_fail_one_case_only() {
        let cases = ["good", "panic", "hang", "moody", "good"].map(|query| Case {
            folder: "t/t".into(),
            note: query.into(),
            file: "t".into(),
            kind: Kind::Eval(
                serde_json::from_value(json!({"query": query, "want_result": [{"x": 1}]})).unwrap(),
            ),
        });
        let settings = Settings {
            threads: 1,
            time_limit: Duration::from_millis(300),
        };
        let engine: Arc<dyn Engine> = Arc::new(Fake);
        let outcomes = run(&engine, &Arc::new(Vec::from(cases)), &settings);
        assert!(outcomes[0].is_ok() && outcomes[4].is_ok());
        assert!(outcomes[1].as_ref().unwrap_err().contains("no good"));
        assert!(outcomes[2].as_ref().unwrap_err().contains("time limit"));
        assert!(outcomes[3].as_ref().unwrap_err().starts_with("[second]"));
    }
}
