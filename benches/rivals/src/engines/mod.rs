//! One job in one engine.

mod native;
mod regorus;
mod regovm;
mod sonic;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Error;

/// What is run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Which hand-written twin there is, if any.
    pub native: Option<String>,
    pub policy: PathBuf,
    /// A rule, as a path below `data`.
    pub query: String,
    pub input: Option<PathBuf>,
    pub data: Option<PathBuf>,
    /// Evaluations that are timed, after one that is not.
    pub runs: usize,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Reading the input into the engine's values.
    pub read: Duration,
    /// Evaluating an input that is in memory.
    pub evaluate: Vec<Duration>,
    /// From the bytes of the input to the answer, in a warm engine.
    pub bytes: Vec<Duration>,
    /// The answer as JSON; sets are sorted.
    pub answer: serde_json::Value,
    /// Largest resident memory of the process, in bytes.
    pub peak: u64,
}

/// The engines of this program; OPA has one of its own.
pub const NAMES: &[&str] = &[
    "regovm",
    "regovm, all budgets",
    "sonic-rs",
    "regorus",
    "regorus-vm",
    "native",
];

/// Whether steps, time and memory are limited, beyond what is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Budgets {
    Off,
    On,
}

pub fn run(engine: &str, job: &Job) -> Result<Report, Error> {
    match engine {
        "regorus-command" => regorus::command(job),
        "regovm" => regovm::run(job, Budgets::Off),
        "regovm, all budgets" => regovm::run(job, Budgets::On),
        "sonic-rs" => sonic::run(job),
        "regorus" => regorus::interpreter(job),
        "regorus-vm" => regorus::machine(job),
        "native" => native::run(job),
        _ => Err(format!("no engine {engine}").into()),
    }
}

/// Times of several runs.
fn times(runs: usize, mut run: impl FnMut() -> Result<(), Error>) -> Result<Vec<Duration>, Error> {
    run()?;
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            run()?;
            Ok(start.elapsed())
        })
        .collect()
}

/// Largest resident memory of this process so far.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))
        .and_then(|text| text.trim().parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes * 1024)
}
