//! Results for CI systems: JUnit, TAP, GitHub Actions, SARIF. A test with cases is told case by case.

use std::io::{self, Write};
use std::time::Duration;

use regovm::testing::{CaseResult, Outcome};
use regovm::{ErrorReport, Location};
use serde_json::{Value, json};

use super::{Done, failure_text};
use crate::render::{go_json, junit, workflow};

/// A test, or a case of one.
struct Entry<'r> {
    package: &'r str,
    /// `test_a`, or `test_a/case`.
    name: String,
    location: Option<&'r Location>,
    outcome: Told<'r>,
    duration: Duration,
    output: &'r str,
}

/// What there is to say.
enum Told<'r> {
    Passed,
    Failed,
    Skipped,
    Error(&'r ErrorReport, String),
}

impl Entry<'_> {
    fn full_name(&self) -> String {
        format!("{}.{}", self.package, self.name)
    }

    /// Why it is no pass, on one line or several.
    fn message(&self) -> String {
        match &self.outcome {
            Told::Error(_, text) => text.clone(),
            _ => format!("{} is not true", self.full_name()),
        }
    }

    /// Where somebody should look: at the error, or at the test.
    fn place(&self) -> Option<&Location> {
        match &self.outcome {
            // The query of a test has no file.
            Told::Error(error, _) => error
                .location
                .as_ref()
                .filter(|at| !at.file.is_empty())
                .or(self.location),
            _ => self.location,
        }
    }
}

/// All tests, those with cases as their leaf cases. Time and output are told once for each test.
fn entries<'r>(results: &'r [Done<'_>]) -> Vec<Entry<'r>> {
    let mut list = Vec::new();
    for Done { test, result } in results {
        let entry = |name: String, outcome| Entry {
            package: &test.package,
            name,
            location: test.location.as_ref(),
            outcome,
            duration: Duration::ZERO,
            output: "",
        };
        let first = list.len();
        match &result.outcome {
            _ if test.skipped => list.push(entry(test.name.clone(), Told::Skipped)),
            Outcome::Error(failure) => {
                let told = match failure.errors.first() {
                    Some(error) => Told::Error(error, failure_text(failure)),
                    None => Told::Failed,
                };
                list.push(entry(test.name.clone(), told));
            }
            outcome if result.cases.is_empty() => {
                let told = match outcome {
                    Outcome::Passed => Told::Passed,
                    _ => Told::Failed,
                };
                list.push(entry(test.name.clone(), told));
            }
            _ => CaseResult::each(&result.cases, &mut |path, case| {
                if case.cases.is_empty() {
                    let told = match case.failed {
                        true => Told::Failed,
                        false => Told::Passed,
                    };
                    list.push(entry(format!("{}/{}", test.name, path.join("/")), told));
                }
            }),
        }
        if let Some(entry) = list.get_mut(first) {
            entry.duration = result.duration;
            entry.output = &result.output;
        }
    }
    list
}

/// JUnit's XML: a suite for each package.
pub fn junit(out: &mut impl Write, results: &[Done<'_>]) -> io::Result<()> {
    let entries = entries(results);
    let mut suites: Vec<junit::Suite<'_>> = Vec::new();
    for entry in &entries {
        if suites.last().is_none_or(|last| last.name != entry.package) {
            suites.push(junit::Suite {
                name: entry.package,
                cases: Vec::new(),
            });
        }
        let case = junit::Case {
            name: entry.name.clone(),
            class: entry.package,
            place: entry.location.map(|at| (at.file.to_string(), at.row)),
            time: entry.duration,
            verdict: match entry.outcome {
                Told::Passed => junit::Verdict::Passed,
                Told::Skipped => junit::Verdict::Skipped("named todo_test_".to_owned()),
                Told::Failed => junit::Verdict::Failed(entry.message()),
                Told::Error(..) => junit::Verdict::Error(entry.message()),
            },
            output: entry.output,
        };
        if let Some(suite) = suites.last_mut() {
            suite.cases.push(case);
        }
    }
    junit::write(out, "regovm test", &suites)
}

/// The Test Anything Protocol, version 14.
pub fn tap(out: &mut impl Write, results: &[Done<'_>]) -> io::Result<()> {
    let entries = entries(results);
    writeln!(out, "TAP version 14\n1..{}", entries.len())?;
    for (i, entry) in entries.iter().enumerate() {
        let verdict = match entry.outcome {
            Told::Passed | Told::Skipped => "ok",
            Told::Failed | Told::Error(..) => "not ok",
        };
        let name = tap_text(&entry.full_name());
        let directive = match entry.outcome {
            Told::Skipped => " # SKIP named todo_test_",
            _ => "",
        };
        writeln!(out, "{verdict} {} - {name}{directive}", i + 1)?;
        if verdict == "ok" {
            continue;
        }
        // Strings of JSON are strings of YAML.
        let quoted = |text: &str| Value::from(text).to_string();
        writeln!(out, "  ---\n  message: {}", quoted(&entry.message()))?;
        if let Some(at) = entry.place() {
            writeln!(out, "  at: {}", quoted(&place_text(at)))?;
        }
        if !entry.output.is_empty() {
            writeln!(out, "  output: {}", quoted(entry.output))?;
        }
        writeln!(out, "  ...")?;
    }
    Ok(())
}

fn place_text(at: &Location) -> String {
    format!("{}:{}", at.file, at.row)
}

/// A description: `#` begins a directive.
fn tap_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#")
}

/// An annotation for each test that fails, and a line that sums up.
pub fn github(out: &mut impl Write, results: &[Done<'_>]) -> io::Result<()> {
    let entries = entries(results);
    let mut counts = [0_usize; 4];
    for entry in &entries {
        let (kind, level) = match entry.outcome {
            Told::Passed => (0, None),
            Told::Failed => (1, Some(workflow::Level::Error)),
            Told::Skipped => (2, Some(workflow::Level::Notice)),
            Told::Error(..) => (3, Some(workflow::Level::Error)),
        };
        counts[kind] += 1;
        let Some(level) = level else {
            continue;
        };
        let message = match entry.outcome {
            Told::Skipped => format!("{} is skipped", entry.full_name()),
            _ => entry.message(),
        };
        workflow::annotation(
            out,
            level,
            entry.place().map(|at| (&*at.file, at.row, at.col)),
            &entry.full_name(),
            &message,
        )?;
    }
    let [passed, failed, skipped, errors] = counts;
    writeln!(
        out,
        "{} tests, {passed} passed, {failed} failed, {skipped} skipped, {errors} errors",
        entries.len()
    )
}

/// SARIF 2.1: a result for each test that fails.
pub fn sarif(out: &mut impl Write, results: &[Done<'_>]) -> io::Result<()> {
    let entries = entries(results);
    let failed: Vec<Value> = entries
        .iter()
        .filter_map(|entry| {
            let rule = match entry.outcome {
                Told::Passed | Told::Skipped => return None,
                Told::Failed => "test-failed",
                Told::Error(..) => "test-error",
            };
            let mut result = json!({
                "ruleId": rule,
                "level": "error",
                "message": {"text": entry.message()},
            });
            if let Some(at) = entry.place() {
                result["locations"] = json!([{
                    "physicalLocation": {
                        "artifactLocation": {"uri": &*at.file},
                        "region": {"startLine": at.row, "startColumn": at.col},
                    },
                    "logicalLocations": [{"fullyQualifiedName": entry.full_name()}],
                }]);
            }
            Some(result)
        })
        .collect();
    let rules = json!([
        {"id": "test-failed", "shortDescription": {"text": "A test is not true"}},
        {"id": "test-error", "shortDescription": {"text": "A test cannot be evaluated"}},
    ]);
    go_json::write_indented(
        out,
        &json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": "regovm",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                }},
                "results": failed,
            }],
        }),
    )
}
