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
    /// How often an input of so many bytes is read to time it, by a reader that takes seconds for the largest ones or not.
    fn readings(&self, bytes: usize, slow: bool) -> usize {
        match (bytes < 1 << 20, slow) {
            (true, _) => self.runs,
            (false, true) => 1,
            (false, false) => 5,
        }
    }

    fn runs_from_bytes(&self) -> usize {
        if self.from_bytes { self.runs } else { 0 }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Reading the input into the engine's values.
    pub read: Vec<Duration>,
    /// Reading no more of it than the policy can look at.
    pub read_projected: Vec<Duration>,
    /// Evaluating an input that is in memory.
    pub evaluate: Vec<Duration>,
    /// From the bytes of the input to the answer, in a warm engine.
    pub bytes: Vec<Duration>,
    /// For an engine with budgets: what is measured, in turns without and with them.
    pub turns: Vec<(Duration, Duration)>,
    /// The answer as JSON; sets are sorted.
    pub answer: serde_json::Value,
    /// Largest resident memory of the process, in bytes.
    pub peak: u64,
}

impl Report {
    /// Takes the times of another process that did the same.
    pub fn add(&mut self, other: Report) {
        self.read.extend(other.read);
        self.read_projected.extend(other.read_projected);
        self.evaluate.extend(other.evaluate);
        self.bytes.extend(other.bytes);
        self.turns.extend(other.turns);
    }
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

/// Runs that take less than this are timed several at once: reading the clock takes a part of it.
const SHORT: Duration = Duration::from_micros(5);

/// How many short runs are timed at once.
const TOGETHER: u32 = 16;

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
    if timed()? < SHORT {
        let timed_together = |_| -> Result<Duration, Error> {
            let start = Instant::now();
            (0..TOGETHER).try_for_each(|_| run())?;
            Ok(start.elapsed() / TOGETHER)
        };
        return (0..runs).map(timed_together).collect();
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
