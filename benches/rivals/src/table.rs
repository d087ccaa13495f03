//! The table.

use std::time::Duration;

use crate::engines::Report;
use crate::run::{Outcome, Row};

/// Medians, ratios to ours, and peaks of memory, as Markdown.
pub fn text(rows: &[Row]) -> String {
    let mut text = String::from(
        "| workload | measured | regovm | memory | native | regorus | regorus VM | OPA | OPA memory |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows.iter().filter(|row| !row.only_reading) {
        let report = |name: &str| row.outcomes.iter().find(|(known, _)| known == name);
        let ours = match report("regovm") {
            Some((_, Outcome::Done { report, .. })) => Some(time(row, report)),
            _ => None,
        };
        let cell = |name: &str| match report(name) {
            None => "–".to_owned(),
            Some((_, Outcome::Slow(after))) if after.is_zero() => "not run".to_owned(),
            Some((_, Outcome::Slow(after))) => format!("> {}", duration(*after)),
            Some((_, Outcome::Failed(why))) => format!("fails: {}", why.replace('|', "\\|")),
            Some((_, Outcome::Done { report, .. })) => {
                let its = time(row, report);
                match ours {
                    Some(ours) if name != "regovm" => {
                        let ratio = its.as_secs_f64() / ours.as_secs_f64().max(1e-9);
                        format!("{} ({ratio:.1} ×)", duration(its))
                    }
                    _ => duration(its),
                }
            }
        };
        let memory = |name: &str| match report(name) {
            Some((_, Outcome::Done { report, .. })) => format!("{} MB", report.peak >> 20),
            _ => "–".to_owned(),
        };
        let what = if row.from_bytes {
            "bytes to answer"
        } else {
            "evaluation"
        };
        let wrong = if row.agree { "" } else { " **answers differ**" };
        text += &format!(
            "| {}{wrong} | {what} | {} | {} | {} | {} | {} | {} | {} |\n",
            row.name,
            cell("regovm"),
            memory("regovm"),
            cell("native"),
            cell("regorus"),
            cell("regorus-vm"),
            cell("opa"),
            memory("opa"),
        );
    }
    text
}

/// The median that a row is about.
pub fn time(row: &Row, report: &Report) -> Duration {
    median(if row.from_bytes {
        &report.bytes
    } else {
        &report.evaluate
    })
}

pub fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

pub fn duration(time: Duration) -> String {
    match time.as_secs_f64() {
        s if s >= 10.0 => format!("{s:.0} s"),
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        s => format!("{:.1} µs", s * 1e6),
    }
}

/// Reading the inputs, ours beside sonic-rs and the others, where sonic-rs was run.
pub fn ingest(rows: &[Row]) -> String {
    let mut text = String::from(
        "\n| input | regovm reads it | what the policy can look at | sonic-rs | regorus | OPA |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let Some(sonic) = report(row, "sonic-rs").map(|report| median(&report.read)) else {
            continue;
        };
        let cell = |time: Option<Duration>| match time {
            Some(time) => {
                let ratio = time.as_secs_f64() / sonic.as_secs_f64().max(1e-9);
                format!("{} ({ratio:.2} ×)", duration(time))
            }
            None => "–".to_owned(),
        };
        let read = |name: &str| report(row, name).map(|report| median(&report.read));
        let projected = report(row, "regovm").map(|report| median(&report.read_projected));
        text += &format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            row.name,
            cell(read("regovm")),
            cell(projected.filter(|_| !row.only_reading)),
            cell(Some(sonic)),
            cell(read("regorus")),
            cell(read("opa")),
        );
    }
    text
}

/// What does not fit into columns: the price of budgets, and how far the slowest decisions are from the median.
pub fn notes(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let (Some(ours), Some(turns)) = (report(row, "regovm"), report(row, "regovm, all budgets"))
        else {
            continue;
        };
        let (without, with): (Vec<Duration>, Vec<Duration>) = turns.turns.iter().copied().unzip();
        let (without, with) = (median(&without).as_secs_f64(), median(&with).as_secs_f64());
        text += &format!(
            "\n{}: with all budgets {:+.1} % time",
            row.name,
            (with / without.max(1e-9) - 1.0) * 100.0
        );
        let mut bytes = ours.bytes.clone();
        bytes.sort();
        if row.from_bytes && bytes.len() >= 100 {
            let late = bytes[bytes.len() * 99 / 100].as_secs_f64();
            let ratio = late / median(&bytes).as_secs_f64().max(1e-9);
            text += &format!("; 99 % of the answers within {ratio:.1} × the median");
        }
        text.push('\n');
    }
    text
}

fn report<'r>(row: &'r Row, name: &str) -> Option<&'r Report> {
    row.outcomes
        .iter()
        .find_map(|(known, outcome)| match outcome {
            Outcome::Done { report, .. } if known == name => Some(&**report),
            _ => None,
        })
}
