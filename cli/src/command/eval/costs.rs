//! The profile of the real program: what it is written to, and what it is held against.

use std::ffi::OsStr;
use std::path::Path;

use regovm::observe::{CostDifference, CostLine, CostProfile, Weight};
use regovm::{Failure, Stage};
use serde_json::Value;

use super::args::{EvalArgs, ProfileBy};
use crate::duration;
use crate::load::reason;
use crate::render::{go_json, table};
use crate::whole_file;

impl ProfileBy {
    pub fn weight(self) -> Weight {
        match self {
            ProfileBy::Time => Weight::Time,
            ProfileBy::Steps => Weight::Steps,
            ProfileBy::Bytes => Weight::Bytes,
        }
    }
}

/// Reads a profile that `--profile-out` wrote as JSON.
pub fn read(path: &Path) -> Result<CostProfile, String> {
    let name = path.display();
    let bytes = std::fs::read(path).map_err(|e| format!("open {name}: {}", reason(&e)))?;
    let file: Value = serde_json::from_slice(&bytes)
        .map_err(|e| format!("{name}: not a profile of `regovm eval --profile-out x.json`: {e}"))?;
    CostProfile::from_json(&file).map_err(|what| {
        format!("{name}: not a profile of `regovm eval --profile-out x.json`: {what}")
    })
}

/// Writes a profile in the form that the name of the file asks for.
pub fn write(path: &Path, profile: &CostProfile, query: &str, by: Weight) -> Result<(), Failure> {
    let failure = |message: String| Failure::message(Stage::Evaluate, message);
    let text = match path.extension().and_then(OsStr::to_str) {
        Some("folded" | "txt") => profile.to_folded(by),
        Some("json") => go_json::compact(&profile.to_json(by)) + "\n",
        Some("html") => profile.to_html(query, by),
        _ => return Err(failure(unknown_form(path))),
    };
    whole_file::write(path, text.as_bytes())
        .map_err(|e| failure(format!("write {}: {}", path.display(), reason(&e))))
}

/// The forms of a file of a profile, by its name.
pub fn unknown_form(path: &Path) -> String {
    format!(
        "{}: the name of a profile ends in .folded or .txt (stacks), .json or .speedscope.json, or .html",
        path.display()
    )
}

/// True if a profile can be written to a file of this name.
pub fn has_form(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    matches!(extension, Some("folded" | "txt" | "json" | "html"))
}

/// An amount for people.
pub fn amount(value: u64, by: Weight) -> String {
    match by {
        Weight::Time => duration::go(value),
        Weight::Steps => value.to_string(),
        Weight::Bytes if value >= 10 << 20 => format!("{} MiB", value >> 20),
        Weight::Bytes if value >= 10 << 10 => format!("{} KiB", value >> 10),
        Weight::Bytes => format!("{value} B"),
    }
}

/// Expressions and rules with their costs, the most expensive first.
pub fn text(profile: &CostProfile, by: Weight, limit: usize) -> String {
    let mut text = String::new();
    let rows = |lines: &[CostLine], what: fn(&CostLine) -> String| -> Vec<Vec<String>> {
        let mut lines: Vec<&CostLine> = lines.iter().collect();
        lines.sort_by_key(|line| std::cmp::Reverse(by.of(&line.own)));
        if limit > 0 {
            lines.truncate(limit);
        }
        let row = |line: &CostLine| {
            vec![
                amount(by.of(&line.own), by),
                amount(by.of(&line.total), by),
                line.own.steps.to_string(),
                line.calls.to_string(),
                line.own.members.to_string(),
                line.own.known.to_string(),
                format!("{}/{}", line.own.index_hits, line.own.index_misses),
                amount(line.own.bytes, Weight::Bytes),
                what(line),
            ]
        };
        lines.into_iter().map(row).collect()
    };
    let head = |last: &str| -> Vec<String> {
        [
            "Self", "Total", "Steps", "Calls", "Members", "Known", "Index", "Bytes", last,
        ]
        .map(str::to_owned)
        .to_vec()
    };
    let functions = rows(&profile.functions, |line| line.site.function.clone());
    let expressions = rows(&profile.expressions, |line| {
        format!("{} {}", line.site.place(), line.site.text)
    });
    for (name, rows) in [("Rule", functions), ("Expression", expressions)] {
        text.push_str(&table::render(&head(name), &rows));
        text.push('\n');
    }
    text
}

/// The gate of CI: what to say if the profile costs too much more than an older one.
pub fn regression(args: &EvalArgs, profile: &CostProfile) -> Result<Option<String>, Failure> {
    let Some(path) = &args.profile_baseline else {
        return Ok(None);
    };
    let failure = |message: String| Failure::message(Stage::Load, message);
    let before = read(path).map_err(failure)?;
    let by = args.profile_by.unwrap_or(ProfileBy::Steps).weight();
    let difference = CostDifference::between(&before, profile, by);
    let most = args.max_regression.unwrap_or(0.0);
    if difference.percent() <= most {
        return Ok(None);
    }
    let mut text = format!(
        "the evaluation costs {:.1} % more {} than in {} ({} instead of {}); {most} % are allowed\n",
        difference.percent(),
        by.name(),
        path.display(),
        amount(difference.after, by),
        amount(difference.before, by),
    );
    let worse = difference.changes.iter().filter(|c| c.after > c.before);
    for change in worse.take(5) {
        text.push_str(&format!(
            "  {} {}: {} instead of {}\n",
            change.site.place(),
            change.site.text,
            amount(change.after, by),
            amount(change.before, by),
        ));
    }
    Ok(Some(text))
}
