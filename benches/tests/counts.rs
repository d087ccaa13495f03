//! Counts instead of times: they are the same on every machine, so that a test can compare them.
//!
//! For each workload, small ones so that builds without optimisation count them in seconds: steps of the evaluation, which
//! are exact, and allocations of compiling, of the first decision of a session and of the following ones. They are compared
//! with `counts.txt`; `REGOVM_BLESS=1 cargo test -p regovm-benches --test counts` writes that anew, and the difference is
//! part of the change. More than the file says is an error, and so is much less: then write down what was gained.

use std::collections::BTreeMap;
use std::fmt::Write;

use allocation_counter::{AllocationInfo, measure};
use regovm_benches::workloads::{QUERY, Sizes, Workload};

/// Difference that is none, in per cent, for what is not exact: tables with random seeds grow at times of their own, and
/// releases of the standard library and of dependencies differ.
const TOLERANCE: u64 = 3;

/// And in numbers: for counts that are small.
const SLACK: u64 = 8;

/// Counts of a workload, in the order of the columns.
type Counts = Vec<u64>;

const COLUMNS: &[&str] = &[
    "steps",
    "compile",
    "compile KiB",
    "first",
    "first KiB",
    "warm",
    "warm bytes",
];

/// What is exact.
const EXACT: usize = 1;

/// What depends on checks that only builds without optimisation have.
const COMPILING: std::ops::Range<usize> = 1..3;

fn count(workload: &Workload) -> Counts {
    let engine = workload.engine();
    // What is made once for the process is not the workload's.
    engine.prepare(QUERY).expect("it compiles");
    let compile = measure(|| drop(engine.prepare(QUERY)));
    let mut session = workload.prepare().expect("it compiles").session();
    let mut steps = 0;
    let mut ask = || -> AllocationInfo {
        measure(|| {
            let answer = session.eval_json(&workload.input).expect("it evaluates");
            steps = answer.steps();
        })
    };
    let first = ask();
    // The memory of the second evaluation is not yet that of all others.
    ask();
    let warm = ask();
    vec![
        steps,
        compile.count_total,
        compile.bytes_total >> 10,
        first.count_total,
        first.bytes_total >> 10,
        warm.count_total,
        warm.bytes_total,
    ]
}

fn same(column: usize, now: u64, before: u64) -> bool {
    let allowed = match column < EXACT {
        true => 0,
        false => (before * TOLERANCE / 100).max(SLACK),
    };
    // Bytes of tables come in powers of two.
    let allowed = match COLUMNS[column].contains("bytes") {
        true => allowed.max(1 << 10),
        false => allowed,
    };
    now.abs_diff(before) <= allowed
}

fn text(counts: &[(String, Counts)]) -> String {
    let mut text = format!("{:<24}", "workload");
    for column in COLUMNS {
        let _ = write!(text, "{column:>13}");
    }
    text.push('\n');
    for (name, counts) in counts {
        let _ = write!(text, "{name:<24}");
        for count in counts {
            let _ = write!(text, "{count:>13}");
        }
        text.push('\n');
    }
    text
}

/// Names are made of words, counts follow them.
fn read(text: &str) -> BTreeMap<String, Counts> {
    let rows = text.lines().skip(1).map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, counts) = words.split_at(words.len().saturating_sub(COLUMNS.len()));
        let counts = counts.iter().filter_map(|count| count.parse().ok());
        (name.join(" "), counts.collect())
    });
    rows.collect()
}

#[test]
fn counts_are_those_that_are_written_down() {
    let counts: Vec<(String, Counts)> = Workload::all(Sizes::SMALL)
        .iter()
        .map(|workload| (workload.name.clone(), count(workload)))
        .collect();
    let now = text(&counts);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.txt");
    if std::env::var_os("REGOVM_BLESS").is_some() {
        if !cfg!(debug_assertions) {
            panic!("the file has counts of builds without optimisation");
        }
        std::fs::write(file, &now).expect("the file can be written");
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    let written = read(&written);
    let mut wrong = String::new();
    for (name, counts) in &counts {
        let Some(before) = written.get(name).filter(|row| row.len() == counts.len()) else {
            let _ = writeln!(wrong, "{name}: not written down");
            continue;
        };
        for (column, (now, before)) in counts.iter().zip(before).enumerate() {
            let counted = cfg!(debug_assertions) || !COMPILING.contains(&column);
            if counted && !same(column, *now, *before) {
                let _ = writeln!(wrong, "{name}, {}: {now}, was {before}", COLUMNS[column]);
            }
        }
    }
    for name in written.keys() {
        if !counts.iter().any(|(counted, _)| counted == name) {
            let _ = writeln!(wrong, "{name}: written down, but there is none");
        }
    }
    assert!(
        wrong.is_empty(),
        "{wrong}\nIf that is meant to be: REGOVM_BLESS=1 cargo test -p regovm-benches --test counts\n\n{now}"
    );
}

/// The same bytes in, the same counts out: what is compared does not depend on what ran before.
#[test]
fn counting_again_counts_the_same() {
    for workload in Workload::all(Sizes::SMALL).iter().take(3) {
        let (one, two) = (count(workload), count(workload));
        assert!(
            one.iter()
                .zip(&two)
                .enumerate()
                .all(|(column, (a, b))| same(column, *a, *b)),
            "{}: {one:?} {two:?}",
            workload.name
        );
    }
}
