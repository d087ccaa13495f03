//! How long a policy evaluates an input that is in memory already.
//!
//! `evaluate POLICY QUERY INPUT [RUNS]` prints medians of reading, of evaluating alone, and of both in a warm session, with
//! the steps. A name of a rewrite in `REGOVM_DISABLE` (several with commas) switches it off.

use std::time::{Duration, Instant};

use regovm::Engine;
use regovm::internals::core::json;
use regovm::internals::core::value::Frozen;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [policy, query, input, rest @ ..] = args.as_slice() else {
        return Err("usage: evaluate POLICY QUERY INPUT [RUNS]".into());
    };
    let runs: usize = rest.first().map_or(Ok(11), |runs| runs.parse())?;
    let mut engine = Engine::new();
    let off = std::env::var("REGOVM_DISABLE").unwrap_or_default();
    let off: Vec<&str> = off.split(',').filter(|name| !name.is_empty()).collect();
    engine
        .disable_rewrites(&off)
        .map_err(|failure| format!("{failure:?}"))?;
    engine.add_module(policy, &std::fs::read_to_string(policy)?);
    let prepared = engine
        .prepare(query)
        .map_err(|failure| format!("{failure:?}"))?;
    // It is read once, for as long as the process lives, so that values of any arena may point into it.
    let bytes: &'static [u8] = std::fs::read(input)?.leak();
    let read = || {
        Frozen::build(|arena| {
            json::read(bytes, arena, json::ReadOptions::default()).expect("the input is JSON")
        })
    };
    // Large inputs are read a few times only.
    let readings = match bytes.len() {
        0..100_000 => runs,
        _ => runs.min(5),
    };
    let reading = median((0..readings).map(|_| time(|| drop(read()))));
    let document: &'static Frozen = Box::leak(Box::new(read()));
    let mut session = prepared.session();
    let evaluating = median((0..runs).map(|_| {
        time(|| {
            let answer = session.eval_made(0, &|_| document.root());
            assert!(answer.is_ok(), "{:?}", answer.err());
        })
    }));
    let steps = session.steps();
    let both = median((0..readings).map(|_| {
        time(|| {
            let answer = session.eval_json(bytes);
            assert!(answer.is_ok(), "{:?}", answer.err());
        })
    }));
    println!("read {reading:.1?}   evaluate {evaluating:.1?}   both {both:.1?}   steps {steps}");
    Ok(())
}

fn time(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
