//! What rules found, in conftest's terms.

use regovm_config::Place;
use serde_json::{Map, Value};

use super::inputs::Trouble;

/// A result of a rule.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Finding {
    /// What it says.
    pub message: String,
    /// Where the policy says that it is.
    pub told: Option<Told>,
    /// What else the policy says of it.
    pub metadata: Map<String, Value>,
    /// Number of the document of the input.
    pub document: usize,
    /// Where it is in the input, found by what the policy says.
    pub found: Option<(String, Place)>,
}

/// `_loc` of a result.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// Its file; may be empty.
    pub file: String,
    /// Its line as a JSON number; may be empty.
    pub line: String,
    /// Its column, if it has one.
    pub column: Option<u64>,
}

impl Finding {
    /// From an element of a rule's value: a text, or an object with `msg`. Others are no results.
    pub fn of(value: Value, query: &str) -> Option<Result<Finding, String>> {
        match value {
            Value::String(message) => Some(Ok(Finding {
                message,
                metadata: metadata_with(Map::new(), query),
                ..Finding::default()
            })),
            Value::Object(members) => Some(Finding::of_object(members, query)),
            _ => None,
        }
    }

    fn of_object(mut members: Map<String, Value>, query: &str) -> Result<Finding, String> {
        let Some(Value::String(message)) = members.shift_remove("msg") else {
            return Err(format!(
                "a result of {query} has no `msg`: \"msg\" field must be present and a string"
            ));
        };
        let told = members
            .shift_remove("_loc")
            .and_then(|told| Told::of(&told));
        Ok(Finding {
            message,
            told,
            metadata: metadata_with(members, query),
            ..Finding::default()
        })
    }

    /// Where it is: file, line and column, as far as they are known.
    pub fn place(&self) -> Option<(&str, Option<u64>, Option<u64>)> {
        if let Some(told) = &self.told {
            return Some((&told.file, told.line.parse().ok(), told.column));
        }
        let (file, place) = self.found.as_ref()?;
        Some((file, Some(place.line as u64), Some(place.column as u64)))
    }
}

fn metadata_with(mut members: Map<String, Value>, query: &str) -> Map<String, Value> {
    members.insert("query".to_owned(), query.into());
    members.sort_keys();
    members
}

impl Told {
    fn of(value: &Value) -> Option<Told> {
        let members = value.as_object()?;
        let told = Told {
            file: members
                .get("file")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            line: match members.get("line") {
                Some(Value::Number(line)) => line.to_string(),
                _ => String::new(),
            },
            column: members.get("column").and_then(Value::as_u64),
        };
        (!told.file.is_empty() || !told.line.is_empty()).then_some(told)
    }
}

/// All about an input in a namespace.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CheckResult {
    /// The input.
    pub file: String,
    /// The namespace.
    pub namespace: String,
    /// How many rules passed.
    pub successes: usize,
    /// Results of `warn`.
    pub warnings: Vec<Finding>,
    /// Results of `deny` and `violation`.
    pub failures: Vec<Finding>,
    /// Rules that passed because of exceptions.
    pub exceptions: Vec<Finding>,
    /// Why it could not be decided.
    pub errors: Vec<Trouble>,
    /// What rules printed.
    pub prints: Vec<String>,
    /// How rules were evaluated, if that is wanted.
    pub traces: Vec<String>,
}

impl CheckResult {
    /// An empty one.
    pub fn new(file: &str, namespace: &str) -> CheckResult {
        CheckResult {
            file: file.to_owned(),
            namespace: namespace.to_owned(),
            ..CheckResult::default()
        }
    }

    /// Adds what another document of the input gave.
    pub fn add(&mut self, other: CheckResult) {
        self.successes += other.successes;
        self.warnings.extend(other.warnings);
        self.failures.extend(other.failures);
        self.exceptions.extend(other.exceptions);
        self.errors.extend(other.errors);
        self.prints.extend(other.prints);
        self.traces.extend(other.traces);
    }

    /// All results of rules.
    pub fn findings_mut(&mut self) -> impl Iterator<Item = &mut Finding> {
        let failed = self.warnings.iter_mut().chain(&mut self.failures);
        failed.chain(&mut self.exceptions)
    }

    /// Its numbers.
    pub fn totals(&self) -> Totals {
        Totals {
            successes: self.successes,
            warnings: self.warnings.len(),
            failures: self.failures.len(),
            exceptions: self.exceptions.len(),
        }
    }
}

/// How many results there are of each kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Rules that passed.
    pub successes: usize,
    /// Warnings.
    pub warnings: usize,
    /// Failures.
    pub failures: usize,
    /// Exceptions.
    pub exceptions: usize,
}

impl Totals {
    /// Of all results.
    pub fn of(results: &[CheckResult]) -> Totals {
        results.iter().fold(Totals::default(), |sum, result| {
            let next = result.totals();
            Totals {
                successes: sum.successes + next.successes,
                warnings: sum.warnings + next.warnings,
                failures: sum.failures + next.failures,
                exceptions: sum.exceptions + next.exceptions,
            }
        })
    }

    /// All of them.
    pub fn tests(&self) -> usize {
        self.successes + self.warnings + self.failures + self.exceptions
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counted = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            _ => format!("{count} {what}s"),
        };
        write!(
            f,
            "{}, {} passed, {}, {}, {}",
            counted(self.tests(), "test"),
            self.successes,
            counted(self.warnings, "warning"),
            counted(self.failures, "failure"),
            counted(self.exceptions, "exception")
        )
    }
}
