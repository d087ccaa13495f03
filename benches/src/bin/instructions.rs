//! Instructions of each phase of each workload, counted by `valgrind` (callgrind).
//!
//! `cargo run --release -p regovm-benches --bin instructions [WORKLOAD ..]` prints a table. With `--save FILE` it is written
//! down, and with `--compare FILE` the run fails if a count has grown by more than two per cent since it was: counts depend
//! on compiler and machine, so that a file belongs to one of them (two commits on a machine, say).

use std::collections::BTreeMap;
use std::process::ExitCode;

use regovm_benches::callgrind;
use regovm_benches::workloads::{QUERY, Sizes, Workload};

/// Growth that is an error, in per cent.
const GROWTH: u64 = 2;

/// Phases, each counted as the difference of a run that does it and one that does not.
const PHASES: &[&str] = &["compile", "load", "first decision", "warm decision"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name, rounds] = arguments.as_slice()
        && flag == "--once"
    {
        return once(name, rounds);
    }
    let (mut save, mut compare, mut only) = (None, None, Vec::new());
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--save" => save = rest.next(),
            "--compare" => compare = rest.next(),
            _ if argument.starts_with('-') => {
                eprintln!("usage: instructions [--save FILE] [--compare FILE] [WORKLOAD ..]");
                return ExitCode::FAILURE;
            }
            _ => only.push(argument),
        }
    }
    let mut counts = String::new();
    for workload in Workload::all(Sizes::LARGE) {
        if !only.is_empty() && !only.contains(&workload.name) {
            continue;
        }
        let Some(lines) = count(&workload.name) else {
            eprintln!("{}: no count; is valgrind installed?", workload.name);
            return ExitCode::FAILURE;
        };
        print!("{lines}");
        counts += &lines;
    }
    if let Some(file) = save
        && let Err(error) = std::fs::write(&file, &counts)
    {
        eprintln!("{file}: {error}");
        return ExitCode::FAILURE;
    }
    match compare.map(|file| (std::fs::read_to_string(&file), file)) {
        None => ExitCode::SUCCESS,
        Some((Ok(before), _)) => compared(&before, &counts),
        Some((Err(error), file)) => {
            eprintln!("{file}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A line for each phase of a workload.
fn count(name: &str) -> Option<String> {
    // What each round does beside what the one before does.
    let counts: Vec<u64> = (0..=PHASES.len())
        .map(|rounds| callgrind::instructions(&["--once", name, &rounds.to_string()]))
        .collect::<Option<_>>()?;
    let lines = PHASES.iter().zip(counts.windows(2)).map(|(phase, pair)| {
        let phase_alone = pair[1].saturating_sub(pair[0]);
        format!("{name} | {phase} | {phase_alone}\n")
    });
    Some(lines.collect())
}

/// Does so many phases of a workload, one after the other.
fn once(name: &str, rounds: &str) -> ExitCode {
    let workloads = Workload::all(Sizes::LARGE);
    let workload = workloads.iter().find(|workload| workload.name == name);
    let (Some(workload), Ok(rounds)) = (workload, rounds.parse::<usize>()) else {
        return ExitCode::FAILURE;
    };
    // In every run, so that it is in no phase.
    let engine = workload.engine();
    let policy = workload.prepare().expect("it compiles");
    let file = policy.save();
    let mut session = policy.session();
    if rounds > 0 {
        engine.prepare(QUERY).expect("it compiles");
    }
    if rounds > 1 {
        regovm::PreparedPolicy::load(&file).expect("what was saved loads");
    }
    for _ in 2..rounds {
        session.eval_json(&workload.input).expect("it evaluates");
    }
    ExitCode::SUCCESS
}

fn compared(before: &str, now: &str) -> ExitCode {
    let table = |text: &str| -> BTreeMap<String, u64> {
        text.lines()
            .filter_map(|line| {
                let (what, count) = line.rsplit_once(" | ")?;
                Some((what.to_owned(), count.parse().ok()?))
            })
            .collect()
    };
    let before = table(before);
    let mut grown = 0;
    for (what, count) in table(now) {
        if let Some(old) = before.get(&what)
            && count > old + old * GROWTH / 100
        {
            println!("{what}: {count}, was {old}");
            grown += 1;
        }
    }
    if grown == 0 {
        return ExitCode::SUCCESS;
    }
    println!("{grown} counts have grown by more than {GROWTH} per cent");
    ExitCode::FAILURE
}
