//! What `eval` shows beside the result: metrics, profile, trace, coverage.

use std::cmp::Ordering;
use std::io::{self, Write};

use regovm::ErrorReport;
use regovm::observe::{Coverage, ProfileRow, Trace, TraceOptions};
use serde_json::{Value, json};

use super::metrics::{Metrics, statistics};
use crate::duration;
use crate::render::{errors, table};

/// The part of the answer that is not the result.
#[derive(Default)]
pub struct Extras {
    /// Errors of built-ins that did not end the evaluation.
    pub errors: Vec<ErrorReport>,
    /// Metrics of each run.
    pub metrics: Vec<Metrics>,
    /// The trace of the first run.
    pub trace: Option<Trace>,
    /// The profile of each run, sorted and cut.
    pub profiles: Vec<Vec<ProfileRow>>,
    /// The coverage of the first run.
    pub coverage: Option<Coverage>,
    /// How the trace is shown.
    pub trace_options: TraceOptions,
    /// What the profile of the real program says.
    pub notes: String,
    /// That profile for programs.
    pub costs: Option<Value>,
    /// What to say if the evaluation costs too much more than before.
    pub regression: Option<String>,
}

/// Keys of `--profile-sort`, in the order in which they count.
pub const SORT_KEYS: [&str; 6] = [
    "total_time_ns",
    "num_eval",
    "num_redo",
    "file",
    "line",
    "num_gen_expr",
];

/// Sorts rows by keys, then by OPA's own order, and cuts them.
pub fn sorted(mut rows: Vec<ProfileRow>, keys: &[String], limit: i64) -> Vec<ProfileRow> {
    let default = SORT_KEYS[..5].iter().copied();
    let default = default.filter(|key| !keys.iter().any(|other| other == key));
    let keys: Vec<&str> = keys.iter().map(String::as_str).chain(default).collect();
    rows.sort_by(|a, b| {
        let one = |key: &str| match key {
            "total_time_ns" => b.nanos.cmp(&a.nanos),
            "num_eval" => b.num_eval.cmp(&a.num_eval),
            "num_redo" => b.num_redo.cmp(&a.num_redo),
            "num_gen_expr" => b.num_gen_expr.cmp(&a.num_gen_expr),
            "file" => b.file.cmp(&a.file),
            "line" => b.row.cmp(&a.row),
            _ => Ordering::Equal,
        };
        keys.iter()
            .map(|key| one(key))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    if let Some(limit) = usize::try_from(limit).ok().filter(|limit| *limit > 0) {
        rows.truncate(limit);
    }
    rows
}

/// Columns of aggregated tables.
const STATISTICS: [&str; 5] = ["min", "max", "mean", "90%", "99%"];

/// How OPA heads such a column.
fn title(key: &str) -> String {
    let mut chars = key.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

fn location(row: &ProfileRow) -> String {
    if row.file.is_empty() {
        row.text.clone()
    } else {
        format!("{}:{}", row.file, row.row)
    }
}

fn place(row: &ProfileRow) -> Value {
    json!({"file": row.file, "row": row.row, "col": row.col})
}

impl Extras {
    /// The times of one row in all runs.
    fn times(&self, number: usize) -> Vec<u64> {
        let rows = self.profiles.iter().filter_map(|rows| rows.get(number));
        rows.map(|row| row.nanos).collect()
    }

    fn aggregated_metrics(&self) -> Vec<(String, Value)> {
        let Some(first) = self.metrics.first() else {
            return Vec::new();
        };
        first
            .timers()
            .map(|(name, _)| {
                let values: Vec<u64> = self
                    .metrics
                    .iter()
                    .flat_map(Metrics::timers)
                    .filter(|(other, _)| *other == name)
                    .map(|(_, time)| time)
                    .collect();
                let all = statistics(&values);
                (name, all)
            })
            .collect()
    }

    /// The members of the JSON object, in OPA's order.
    pub fn to_json(&self) -> Vec<(&'static str, Value)> {
        let mut members = Vec::new();
        if !self.errors.is_empty() {
            let list: Vec<Value> = self.errors.iter().map(errors::as_json).collect();
            members.push(("errors", Value::from(list)));
        }
        match self.metrics.as_slice() {
            [] => {}
            [only] => members.push(("metrics", only.to_json())),
            _ => {
                let all = self.aggregated_metrics().into_iter().collect();
                members.push(("aggregated_metrics", Value::Object(all)));
            }
        }
        if let Some(trace) = self.trace.as_ref().filter(|trace| !trace.is_empty()) {
            members.push(("explanation", trace.to_json()));
        }
        match self.profiles.as_slice() {
            [] => {}
            [only] if only.is_empty() => {}
            [only] => {
                let rows = only.iter().map(|row| {
                    json!({
                        "total_time_ns": row.nanos,
                        "num_eval": row.num_eval,
                        "num_redo": row.num_redo,
                        "num_gen_expr": row.num_gen_expr,
                        "location": place(row),
                    })
                });
                members.push(("profile", rows.collect()));
            }
            [first, ..] => {
                let rows = first.iter().enumerate().map(|(number, row)| {
                    json!({
                        "total_time_ns_stats": statistics(&self.times(number)),
                        "num_eval": row.num_eval,
                        "num_redo": row.num_redo,
                        "num_gen_expr": row.num_gen_expr,
                        "location": place(row),
                    })
                });
                members.push(("aggregated_profile", rows.collect()));
            }
        }
        if let Some(coverage) = &self.coverage {
            members.push(("coverage", coverage.to_json()));
        }
        if let Some(costs) = &self.costs {
            members.push(("regovm_profile", costs.clone()));
        }
        members
    }

    /// What stands before the result for people.
    pub fn write_before(&self, out: &mut impl Write) -> io::Result<()> {
        match &self.trace {
            Some(trace) => out.write_all(trace.to_text(self.trace_options).as_bytes()),
            None => Ok(()),
        }
    }

    /// What stands behind the result for people.
    pub fn write_after(&self, out: &mut impl Write) -> io::Result<()> {
        let mut tables = Vec::new();
        if let [only] = self.metrics.as_slice() {
            tables.push((vec!["Metric".to_owned(), "Value".to_owned()], only.rows()));
        }
        let counts = |row: &ProfileRow| {
            [
                row.num_eval.to_string(),
                row.num_redo.to_string(),
                row.num_gen_expr.to_string(),
                location(row),
            ]
        };
        let names = ["Num Eval", "Num Redo", "Num Gen Expr", "Location"].map(str::to_owned);
        if let [only] = self.profiles.as_slice() {
            let head = std::iter::once("Time".to_owned()).chain(names.clone());
            let rows = only.iter().map(|row| {
                let time = duration::go(row.nanos);
                std::iter::once(time).chain(counts(row)).collect()
            });
            tables.push((head.collect(), rows.collect()));
        }
        if self.metrics.len() > 1 {
            let head = std::iter::once("Metric".to_owned()).chain(STATISTICS.map(title));
            let rows = self.aggregated_metrics().into_iter().map(|(name, all)| {
                let values = STATISTICS.iter().map(|key| all[*key].to_string());
                std::iter::once(name).chain(values).collect()
            });
            tables.push((head.collect(), rows.collect()));
        }
        if let [first, _, ..] = self.profiles.as_slice() {
            let head = STATISTICS.map(title).into_iter().chain(names);
            let rows = first.iter().enumerate().map(|(number, row)| {
                let all = statistics(&self.times(number));
                let times = STATISTICS.map(|key| {
                    let nanos = all[key].as_f64().unwrap_or(0.0);
                    duration::go(nanos as u64)
                });
                times.into_iter().chain(counts(row)).collect()
            });
            tables.push((head.collect(), rows.collect()));
        }
        for (head, rows) in tables {
            if !rows.is_empty() {
                let rows: Vec<Vec<String>> = rows;
                writeln!(out, "{}", table::render(&head, &rows))?;
            }
        }
        if let Some(coverage) = &self.coverage {
            let row = vec![
                "Overall Coverage".to_owned(),
                format!("{:.2}", coverage.coverage),
            ];
            writeln!(out, "{}", table::without_head(&[row]))?;
        }
        out.write_all(self.notes.as_bytes())
    }
}
