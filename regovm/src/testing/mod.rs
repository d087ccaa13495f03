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
mod values;

pub use cases::{CaseResult, Cases};
pub use measure::{Measured, Once, measure};
pub use run::{Outcome, TestCoverage, TestResult, TestRun};
pub use values::FailedExpression;

use std::sync::Arc;

use regovm_core::{Location, SourceMap};
use regovm_parser::ast::Module;

use crate::observe::{Trace, UncoveredKind, Wanted};
use crate::policy::PreparedPolicy;
use crate::report::Failure;

/// Which tests are compiled, and how.
#[derive(Clone, Default, Debug)]
pub struct TestOptions {
    /// Only tests whose name (`data.p_test.test_sum`) matches this regular expression, in the syntax of `regex.match`.
    pub run: Option<String>,
    /// Which tests are traced.
    pub trace: Traced,
    /// Names the operands of comparisons in tests, so that traces have their values.
    pub name_operands: bool,
    /// Whether it is recorded what tests cover, and of what is not covered, which reasons are looked for.
    pub coverage: Option<Vec<UncoveredKind>>,
}

/// Which tests are traced. A test is evaluated once more for its trace.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Traced {
    /// None.
    #[default]
    None,
    /// Those that fail.
    Failures,
    /// All.
    All,
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
    /// That query.
    text: String,
}

/// A policy that is compiled so that somebody can look on.
#[derive(Clone)]
struct Watched {
    policy: PreparedPolicy,
    wanted: Wanted,
    /// For the runs behind the first one for coverage: what they tell of.
    kind: Option<UncoveredKind>,
}

/// All tests of some modules, compiled. Cheap to clone.
#[derive(Clone)]
pub struct TestSuite {
    policy: PreparedPolicy,
    tests: Arc<[Test]>,
    traced: Traced,
    watched: Arc<[Watched]>,
    /// What was tested, for those who explain failures.
    modules: Arc<[Module]>,
    sources: SourceMap,
}

impl TestSuite {
    /// The tests by file and line.
    pub fn tests(&self) -> &[Test] {
        &self.tests
    }

    /// The expression of the policies that failed last in a trace, as it is written, with the values in it. With
    /// [`TestOptions::name_operands`] there are more values.
    pub fn last_failure(&self, trace: &Trace) -> Option<FailedExpression> {
        values::last_failure(&self.modules, &self.sources, trace)
    }
}
