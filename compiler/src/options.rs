//! What the caller decides about a compilation.

use std::num::NonZero;

use regovm_core::Constant;

/// Settings of one compilation; the default is what `opa eval` does.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--strict`: unused imports, arguments and variables are errors, v0 modules get v1's checks.
    pub strict: bool,
    /// Errors after which compilation stops with `error limit reached`; 0 is no limit.
    pub error_limit: usize,
    /// Keep calls of `print`; otherwise they are erased.
    pub enable_print: bool,
    /// `--schema`: schemas by their path below `schema`; the empty path is the schema of `input`.
    pub schemas: Vec<(Vec<String>, Constant)>,
    /// Built-ins that may not be called (`unsafe built-in function calls in expression`).
    pub unsafe_builtins: Vec<String>,
    /// Cases of tests are marked (`internal.test_case`), as `opa test` does.
    pub test_cases: bool,
    /// Operands of equalities in tests are named, so that traces show them (`opa test --var-values`).
    pub trace_test_values: bool,
    /// Paths of base data that exist, to find rules that collide with data.
    pub check_data_conflicts: bool,
    /// On how many threads many modules are checked; by default as many as there are cores. Errors, names and programs
    /// do not depend on it.
    pub threads: Option<NonZero<usize>>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            strict: false,
            error_limit: 10,
            enable_print: false,
            schemas: Vec::new(),
            unsafe_builtins: Vec::new(),
            test_cases: false,
            trace_test_values: false,
            check_data_conflicts: true,
            threads: None,
        }
    }
}
