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
    /// Whether the way from the bytes to the answer is timed too.
    pub from_bytes: bool,
}

impl Job {
    fn runs_from_bytes(&self) -> usize {
        if self.from_bytes { self.runs } else { 0 }
    }
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
    /// For an engine with budgets: what is measured, in turns without and with them.
    #[serde(default)]
    pub turns: Vec<(Duration, Duration)>,
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

pub fn run(engine: &str, job: &Job) -> Result<Report, Error> {
    match engine {
        "regorus-command" => regorus::command(job),
        "regovm" => regovm::run(job),
        "regovm, all budgets" => regovm::with_budgets(job),
        "sonic-rs" => sonic::run(job),
        "regorus" => regorus::interpreter(job),
        "regorus-vm" => regorus::machine(job),
        "native" => native::run(job),
        _ => Err(format!("no engine {engine}").into()),
    }
}

/// A first run that takes longer is the only one.
const SLOW: Duration = Duration::from_secs(2);

/// Times of several runs, after one that is not counted unless it is the only one.
fn times(runs: usize, mut run: impl FnMut() -> Result<(), Error>) -> Result<Vec<Duration>, Error> {
    let mut timed = || -> Result<Duration, Error> {
        let start = Instant::now();
        run()?;
        Ok(start.elapsed())
    };
    if runs == 0 {
        return Ok(Vec::new());
    }
    let first = timed()?;
    if first > SLOW {
        return Ok(vec![first]);
    }
    (0..runs).map(|_| timed()).collect()
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
