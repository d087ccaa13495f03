//! Tests in Rego: rules named `test_*`, as `opa test` runs them.
//!
//! [`Engine::prepare_tests`](crate::Engine::prepare_tests) finds and compiles them, [`TestSuite::run`] runs them on
//! several threads and reports in the order of files and lines, [`TestSuite::bench`] measures one.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use regovm::testing::{Outcome, TestOptions, TestRun};
//! use regovm::{Engine, NoHost};
//!
//! let mut engine = Engine::new();
//! engine.add_module("p_test.rego", "package p_test\ntest_sum if 1 + 1 == 2\ntodo_test_more if false\n");
//! let suite = engine.prepare_tests(&TestOptions::default())?;
//! let run = TestRun::new(Arc::new(|| Duration::ZERO), &|| Box::new(NoHost));
//! let mut outcomes = Vec::new();
//! suite.run(&run, &mut |test, result| {
//!     outcomes.push(format!("{}.{}: {:?}", test.package, test.name, result.outcome));
//!     std::ops::ControlFlow::Continue(())
//! });
//! assert_eq!(outcomes, ["data.p_test.test_sum: Passed", "data.p_test.todo_test_more: Skipped"]);
//! # Ok::<(), regovm::Failure>(())
//! ```

mod capture;
mod cases;
mod discover;
mod measure;
mod run;

pub use cases::{CaseResult, Cases};
pub use measure::{Measured, Once, measure};
pub use run::{Outcome, TestResult, TestRun};

use regovm_core::Location;

use crate::policy::PreparedPolicy;
use crate::report::Failure;

/// Which tests are compiled, and how.
#[derive(Clone, Default, Debug)]
pub struct TestOptions {
    /// Only tests whose name (`data.p_test.test_sum`) matches this regular expression, in the syntax of `regex.match`.
    pub run: Option<String>,
    /// Names the operands of comparisons in tests, so that traces have their values.
    pub name_operands: bool,
}

/// A rule that is a test.
#[derive(Clone, Debug)]
pub struct Test {
    /// `data.p_test`
    pub package: String,
    /// Its name below the package. Of several rules of one name the second is `test_a#01`, and so on.
    pub name: String,
    /// Where it stands.
    pub location: Option<Location>,
    /// It is named `todo_test_*`: it is counted and not run.
    pub skipped: bool,
    /// It has named cases: `test_sum[name] if ..`.
    pub has_cases: bool,
    /// The query of the suite's policy that runs it, or why there is none.
    query: Result<usize, Failure>,
}

/// All tests of some modules, compiled. Cheap to clone.
#[derive(Clone)]
pub struct TestSuite {
    policy: PreparedPolicy,
    tests: std::sync::Arc<[Test]>,
}

impl TestSuite {
    /// The tests by file and line.
    pub fn tests(&self) -> &[Test] {
        &self.tests
    }
}
