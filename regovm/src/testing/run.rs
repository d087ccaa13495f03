//! Runs tests on several threads; results come in the order of the tests.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use regovm_core::host::Host;

use super::capture::{Capture, Record};
use super::cases::{self, Cases};
use super::measure::{Measured, Once, measure};
use super::{Test, TestSuite, Traced};
use crate::observe::{Covered, Recorder, Trace, UncoveredKind};
use crate::parallel;
use crate::report::Failure;
use crate::session::{Budget, Clock, Session};

/// The timer that OPA reports of each benchmark.
const EVAL_TIMER: &str = "timer_rego_query_eval_ns/op";

/// How tests are run.
#[derive(Clone)]
pub struct TestRun<'r> {
    /// Threads; at least one runs.
    pub threads: usize,
    /// Time since some moment, for durations and time limits.
    pub clock: Clock,
    /// What each test may take.
    pub timeout: Option<Duration>,
    /// Set to true by any thread to end the test that runs and to begin no other.
    pub cancel: Option<Arc<AtomicBool>>,
    /// How much was allocated so far, for benchmarks: only a program that has an allocator of its own knows.
    pub allocations: fn() -> u64,
    /// Gives each test its host. `print` does not reach it: what tests print is part of their results.
    pub host: &'r (dyn Fn() -> Box<dyn Host + Send> + Sync),
}

/// What became of a test.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Its value is `true`; of a test with cases: all held.
    Passed,
    /// Its value is another one, or there is none.
    Failed,
    /// It is not run.
    Skipped,
    /// It could not be evaluated.
    Error(Failure),
}

/// The result of a test.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// What became of it.
    pub outcome: Outcome,
    /// What it took.
    pub duration: Duration,
    /// What it printed, each line ended.
    pub output: String,
    /// Its cases, if it has some.
    pub cases: Cases,
    /// Only of benchmarks: what was measured.
    pub measured: Option<Measured>,
    /// Of tests that are traced: all events.
    pub trace: Option<Trace>,
    /// What it covered, if that is recorded.
    pub coverage: Option<TestCoverage>,
}

/// What a test covered.
#[derive(Clone, Default, Debug)]
pub struct TestCoverage {
    /// As it is evaluated.
    pub covered: Covered,
    /// What is covered besides, if less is left out.
    pub others: Vec<(UncoveredKind, Covered)>,
}

impl TestCoverage {
    /// Adds what another test covered.
    pub fn merge(&mut self, other: &TestCoverage) {
        self.covered.merge(&other.covered);
        for (kind, covered) in &other.others {
            match self.others.iter_mut().find(|(known, _)| known == kind) {
                Some((_, known)) => known.merge(covered),
                None => self.others.push((*kind, covered.clone())),
            }
        }
    }
}

impl TestResult {
    /// True if it holds.
    pub fn passed(&self) -> bool {
        matches!(self.outcome, Outcome::Passed)
    }

    fn of(outcome: Outcome) -> TestResult {
        TestResult {
            outcome,
            duration: Duration::ZERO,
            output: String::new(),
            cases: Cases::new(),
            measured: None,
            trace: None,
            coverage: None,
        }
    }
}

impl<'r> TestRun<'r> {
    /// One thread, no time limit.
    pub fn new(clock: Clock, host: &'r (dyn Fn() -> Box<dyn Host + Send> + Sync)) -> TestRun<'r> {
        TestRun {
            threads: 1,
            clock,
            timeout: None,
            cancel: None,
            allocations: || 0,
            host,
        }
    }

    fn cancelled(&self) -> bool {
        let cancel = self.cancel.as_ref();
        cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed))
    }

    /// A session set up for the next test.
    fn prepare(&self, session: &mut Session, record: &Record) {
        // A clock of its own, so that errors name the time of the test.
        let (clock, started) = (self.clock.clone(), (self.clock)());
        let since: Clock = Arc::new(move || clock().saturating_sub(started));
        let deadline = self.timeout.map(|timeout| (timeout, since));
        session.set_budget(Budget {
            deadline,
            cancel: self.cancel.clone(),
            ..Budget::default()
        });
        session.set_host(Box::new(Capture {
            inner: (self.host)(),
            record: record.clone(),
        }));
    }
}

impl TestSuite {
    /// Runs all tests and reports each, in the order of the tests, as soon as those before it are reported.
    pub fn run<'s>(
        &'s self,
        run: &TestRun<'_>,
        report: &mut dyn FnMut(&'s Test, TestResult) -> ControlFlow<()>,
    ) {
        parallel::in_order(
            run.threads,
            self.tests.len(),
            &|| Sessions::of(self),
            &|sessions, index| {
                (!run.cancelled()).then(|| self.one(&self.tests[index], sessions, run))
            },
            &mut |index, result| report(&self.tests[index], result),
        );
    }

    /// Runs a test as often as it takes to measure it. Tests to do are run as well.
    pub fn bench(&self, test: &Test, run: &TestRun<'_>) -> TestResult {
        let started = (run.clock)();
        let mut session = self.policy.session();
        let query = match &test.query {
            Ok(query) => *query,
            Err(failure) => return TestResult::of(Outcome::Error(failure.clone())),
        };
        let record = Record::default();
        run.prepare(&mut session, &record);
        let mut last = TestResult::of(Outcome::Failed);
        let clock = run.clock.clone();
        let measured = measure(&clock, || {
            let before = (run.allocations)();
            let answer = session.eval_without_input(query);
            let allocations = (run.allocations)() - before;
            let once = answer.as_ref().map(|answer| Once {
                bytes: answer.memory(),
                steps: answer.steps(),
                allocations,
            });
            let once = once.unwrap_or_default();
            let value = answer.map(|answer| answer.value());
            last = judge(test, value, record.take());
            match last.outcome {
                // OPA measures tests with cases that fail.
                Outcome::Passed => Ok(once),
                Outcome::Failed if test.has_cases => Ok(once),
                _ => Err(()),
            }
        });
        last.measured = measured.ok().map(|mut measured| {
            let nanoseconds = measured.time.as_nanos() as f64 / measured.runs as f64;
            measured.extra.insert(EVAL_TIMER.to_owned(), nanoseconds);
            measured
        });
        if test.skipped && last.passed() {
            last.outcome = Outcome::Skipped;
        }
        last.output = String::new();
        last.duration = (run.clock)().saturating_sub(started);
        last
    }
}

/// What a thread evaluates with.
struct Sessions {
    plain: Session,
    /// Beside the policies that are watched.
    watched: Vec<Session>,
}

impl Sessions {
    fn of(suite: &TestSuite) -> Sessions {
        Sessions {
            plain: suite.policy.session(),
            watched: suite
                .watched
                .iter()
                .map(|watched| watched.policy.session())
                .collect(),
        }
    }
}

impl TestSuite {
    /// Runs one test.
    fn one(&self, test: &Test, sessions: &mut Sessions, run: &TestRun<'_>) -> TestResult {
        if test.skipped {
            return TestResult::of(Outcome::Skipped);
        }
        let query = match &test.query {
            Ok(query) => *query,
            Err(failure) => return TestResult::of(Outcome::Error(failure.clone())),
        };
        let record = Record::default();
        run.prepare(&mut sessions.plain, &record);
        let started = (run.clock)();
        let value = sessions
            .plain
            .eval_without_input(query)
            .map(|answer| answer.value());
        let duration = (run.clock)().saturating_sub(started);
        let mut result = TestResult {
            duration,
            ..judge(test, value, record.take())
        };
        for (watched, session) in self.watched.iter().zip(&mut sessions.watched) {
            if watched.wanted.trace && self.traced == Traced::Failures && result.passed() {
                continue;
            }
            let recorder = Recorder::new(watched.wanted.clone());
            run.prepare(session, &record);
            session.set_recorder(Some(recorder.clone()));
            // What it gives is known; an error is told already.
            let _ = session.eval_without_input(query);
            if watched.wanted.trace {
                result.trace = Some(recorder.take_trace());
                continue;
            }
            let coverage = result.coverage.get_or_insert_default();
            match watched.kind {
                None => coverage.covered = recorder.covered(),
                Some(kind) => coverage.others.push((kind, recorder.covered())),
            }
        }
        result
    }
}

/// What a value means for a test.
fn judge(
    test: &Test,
    value: Result<Option<serde_json::Value>, Failure>,
    said: super::capture::Said,
) -> TestResult {
    let mut found = Cases::new();
    let outcome = match value {
        Err(failure) => Outcome::Error(failure),
        Ok(None) => Outcome::Failed,
        Ok(Some(value)) if test.has_cases => {
            let (failed, cases) = cases::results(&value, &said.cases);
            found = cases;
            if failed {
                Outcome::Failed
            } else {
                Outcome::Passed
            }
        }
        Ok(Some(serde_json::Value::Bool(true))) => Outcome::Passed,
        Ok(Some(_)) => Outcome::Failed,
    };
    TestResult {
        output: said.output,
        cases: found,
        ..TestResult::of(outcome)
    }
}
