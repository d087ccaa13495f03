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
    for row in rows {
        let report = |name: &str| row.outcomes.iter().find(|(known, _)| known == name);
        let ours = match report("regovm") {
            Some((_, Outcome::Done(report))) => Some(time(row, report)),
            _ => None,
        };
        let cell = |name: &str| match report(name) {
            None => "–".to_owned(),
            Some((_, Outcome::Slow(after))) if after.is_zero() => "not run".to_owned(),
            Some((_, Outcome::Slow(after))) => format!("> {}", duration(*after)),
            Some((_, Outcome::Failed(why))) => format!("fails: {}", why.replace('|', "\\|")),
            Some((_, Outcome::Done(report))) => {
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
            Some((_, Outcome::Done(report))) => format!("{} MB", report.peak >> 20),
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

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn duration(time: Duration) -> String {
    match time.as_secs_f64() {
        s if s >= 10.0 => format!("{s:.0} s"),
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.2} ms", s * 1e3),
        s => format!("{:.1} µs", s * 1e6),
    }
}
