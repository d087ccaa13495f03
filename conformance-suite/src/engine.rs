//! What an implementation under test has to offer.

use serde_json::Value;

use crate::case::{CompileCase, EvalCase};

/// An implementation of Rego.
pub trait Engine: Send + Sync {
    /// The ways in which it runs an evaluation case; a case passes if it passes in each.
    fn modes(&self) -> &'static [&'static str];

    /// Compiles and runs an evaluation case.
    ///
    /// The answer is one JSON object of bindings for each solution, in any order.
    /// Sets in it are arrays, keys that are no strings are their JSON text.
    ///
    /// # Errors
    /// The run-time error, or the first error of compiling.
    fn evaluate(&self, mode: &str, case: &EvalCase) -> Result<Vec<Value>, CaseError>;

    /// Compiles the texts of a compile case and says all errors, in order.
    fn check(&self, case: &CompileCase) -> Vec<CaseError>;
}

/// An error of compiling or running.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseError {
    /// The code, such as `eval_conflict_error`.
    pub code: String,
    /// The message, without place and code.
    pub message: String,
    /// The file; empty for queries and errors without a place.
    pub file: String,
    /// The row, from 1; 0 without a place.
    pub row: u32,
    /// The column, from 1.
    pub col: u32,
}

impl CaseError {
    /// The text that OPA prints, which `want_error` is a part of.
    pub fn text(&self) -> String {
        match (self.row, self.file.is_empty()) {
            (0, _) => format!("{}: {}", self.code, self.message),
            (row, true) => format!("{row}:{}: {}: {}", self.col, self.code, self.message),
            (row, false) => format!("{}:{row}: {}: {}", self.file, self.code, self.message),
        }
    }
}

impl std::fmt::Display for CaseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}: {}",
            self.file, self.row, self.col, self.code, self.message
        )
    }
}
