//! Runs workloads: an engine a process, one after the other.
//!
//! Machines of many guests have fast and slow minutes. What is quick is therefore done again, in rounds over all workloads and
//! engines: the times of a row are then from the same minutes.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Error;
use crate::engines::{NAMES, Report};
use crate::workloads::Workload;

/// A workload with what each engine made of it.
pub struct Row {
    pub name: String,
    /// The policy, and the number of resources, for the chart.
    pub series: Option<(String, u64)>,
    /// What is compared: the time from bytes to the answer, not that of evaluating alone.
    pub from_bytes: bool,
    /// Only how the input is read is looked at.
    pub only_reading: bool,
    pub outcomes: Vec<(String, Outcome)>,
    /// All that finished gave the same answer.
    pub agree: bool,
}

/// What became of an engine.
pub enum Outcome {
    /// It gave an answer; the whole process took so long.
    Done {
        report: Box<Report>,
        took: Duration,
    },
    /// It was stopped after this time.
    Slow(Duration),
    Failed(String),
}

/// Builds the program that runs OPA's library; its version is the oracle's.
pub fn build_opa(work: &Path) -> Result<PathBuf, Error> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance-suite/oracle");
    let program = std::path::absolute(work.join("opa-rival"))?;
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg("./rival")
        .current_dir(source)
        .status()
        .map_err(|error| format!("go is needed to build OPA: {error}"))?;
    if status.success() {
        Ok(program)
    } else {
        Err("OPA was not built".into())
    }
}

/// Processes that end in this time are repeated.
const QUICK: Duration = Duration::from_millis(1500);

/// How often a quick process is run, each time in another round.
const ROUNDS: usize = 5;

/// Runs each workload in all engines.
pub fn all(workloads: &[Workload], opa: &Path, patience: u64) -> Result<Vec<Row>, Error> {
    let patience = Duration::from_secs(patience);
    let mut rows = Vec::new();
    for workload in workloads {
        eprintln!("{} ...", workload.name);
        rows.push(first(workload, opa, patience)?);
    }
    for round in 1..ROUNDS {
        eprintln!("round {} of what is quick ...", round + 1);
        for (row, workload) in rows.iter_mut().zip(workloads) {
            for (name, outcome) in &mut row.outcomes {
                if let Outcome::Done { report, took } = outcome
                    && *took < QUICK
                    && let Outcome::Done { report: again, .. } =
                        finish(&mut process(name, workload, opa)?, patience)?
                {
                    report.add(*again);
                }
            }
        }
    }
    Ok(rows)
}

/// The process that does a workload in an engine.
fn process(engine: &str, workload: &Workload, opa: &Path) -> Result<Command, Error> {
    let job = serde_json::to_string(&workload.job)?;
    let mut command = match engine {
        "opa" => Command::new(opa),
        _ => {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["--engine", engine, "--job"]);
            command
        }
    };
    command.arg(&job);
    Ok(command)
}

fn first(workload: &Workload, opa: &Path, patience: Duration) -> Result<Row, Error> {
    let mut outcomes = Vec::new();
    for name in NAMES.iter().copied().chain(["opa"]) {
        let wanted = match name {
            "native" => workload.job.native.is_some(),
            "regovm, all budgets" => workload.with_budgets,
            "sonic-rs" => workload.with_reader,
            _ => true,
        };
        if !wanted {
            continue;
        }
        let outcome = if workload.hopeless.contains(&name) {
            Outcome::Slow(Duration::ZERO)
        } else {
            finish(&mut process(name, workload, opa)?, patience)?
        };
        outcomes.push((name.to_owned(), outcome));
    }
    let mut answers = outcomes.iter().filter_map(|(name, outcome)| match outcome {
        Outcome::Done { report, .. } if name != "sonic-rs" => Some(&report.answer),
        _ => None,
    });
    let first = answers.next();
    let agree = answers.all(|answer| Some(answer) == first);
    Ok(Row {
        name: workload.name.clone(),
        series: workload.series.clone(),
        from_bytes: workload.job.from_bytes,
        only_reading: workload.only_reading,
        outcomes,
        agree,
    })
}

/// Waits for a report, and stops who takes too long.
fn finish(command: &mut Command, patience: Duration) -> Result<Outcome, Error> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (Some(mut stdout), Some(mut stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err("no pipes".into());
    };
    let out = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = stdout.read_to_string(&mut text);
        text
    });
    let err = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    });
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if start.elapsed() > patience {
            child.kill()?;
            child.wait()?;
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let took = start.elapsed();
    let text = out.join().unwrap_or_default();
    let errors = err.join().unwrap_or_default();
    Ok(match status {
        None => Outcome::Slow(patience),
        Some(status) if status.success() => match serde_json::from_str(&text) {
            Ok(report) => Outcome::Done { report, took },
            Err(error) => Outcome::Failed(error.to_string()),
        },
        Some(_) => Outcome::Failed(errors.lines().next().unwrap_or_default().to_owned()),
    })
}
