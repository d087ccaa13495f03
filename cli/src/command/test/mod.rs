//! `regovm test`

mod coverage;
mod formats;
mod json;
mod pretty;
mod watch;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use clap::{ArgAction, Args, ValueEnum};
use regovm::bundle::{self, Bundle, BundleError};
use regovm::observe::{TraceFilter, UncoveredKind};
use regovm::testing::{Outcome, Test, TestOptions, TestResult, TestRun, TestSuite, Traced};
use regovm::{Clock, Engine, Failure, Host, Stage};

use super::{engine_with, restrict, schemas, version};
use crate::bundles::{self, Reading};
use crate::load::{Wanted, load_all};
use crate::render::errors;
use crate::{allocations, world};

/// Exit status when tests cannot be run.
const ERROR: u8 = 1;
/// Exit status when a test fails.
const FAILED: u8 = 2;

/// What a test may take, unless `--timeout` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What a benchmark may take.
const BENCH_TIMEOUT: Duration = Duration::from_secs(30);

/// Output formats of `test`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum TestFormat {
    /// For people: what fails, and a summary
    Pretty,
    /// All results, as JSON
    Json,
    /// Benchmarks (--bench) in the format of Go
    Gobench,
    /// JUnit's XML, for CI systems
    Junit,
    /// Test Anything Protocol
    Tap,
    /// Annotations of GitHub Actions
    Github,
    /// SARIF 2.1, for code scanning
    Sarif,
    /// The coverage (--coverage) in the format of lcov
    Lcov,
}

/// Which events the traces of failed tests show.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum TestExplain {
    /// Expressions that failed, and what led to them
    Fails,
    /// All
    Full,
    /// Calls of trace, and what led to them
    Notes,
    /// All
    Debug,
}

/// Orders of the results in JSON.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// By file and line
    None,
    /// The slowest first
    Duration,
}

/// `regovm test`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm test policy/\n  regovm test -v --run 'authz.test_' policy/\n  regovm test --format junit policy/ > report.xml\n  regovm test --bench policy/\n  regovm test --threshold 80 policy/\n  regovm test -f lcov policy/ > lcov.info\n\nTests are rules whose names start with test_; rules named todo_test_ are skipped. A test passes if it is true;\ntest_x[name] has a case for each name.\n\nExit status: 0 if all tests pass, 2 if one fails, has an error or is skipped (see -z), 1 if they cannot be run."
)]
pub struct TestArgs {
    /// Policies, tests and data: files, folders (recursively .rego, .json, .yaml), or prefix:path
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// Tell of all tests, and how those that fail came to it
    #[arg(short, long)]
    pub verbose: bool,
    /// The paths are bundles: folders or archives, with .manifest, data.json and data.yaml
    #[arg(short, long)]
    pub bundle: bool,
    /// Only tests whose full name matches the regular expression, for example data.authz_test.test_a
    #[arg(short, long, value_name = "REGEX")]
    pub run: Option<String>,
    /// What traces of failed tests show (notes and fails unless given); tells of all tests
    #[arg(long, value_enum, value_name = "MODE")]
    pub explain: Option<TestExplain>,
    /// Show the expressions that failed with the values in them
    #[arg(long)]
    pub var_values: bool,
    /// Report what the tests cover instead of their results
    #[arg(short, long)]
    pub coverage: bool,
    /// Reasons to look for where something is not covered (index_excluded, early_exit; both unless given)
    #[arg(long, value_name = "KIND", value_delimiter = ',', num_args = 1)]
    pub coverage_runs: Option<Vec<String>>,
    /// Fail if the tests cover less, in percent
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    pub threshold: f64,
    /// Only rego, as bytecode
    #[arg(short, long, default_value = "rego", hide = true)]
    pub target: String,
    /// Output format
    #[arg(short, long, value_enum, default_value = "pretty")]
    pub format: TestFormat,
    /// Order of the results in JSON
    #[arg(long, value_enum, default_value = "none")]
    pub sort: Sort,
    /// Measure the tests
    #[arg(long)]
    pub bench: bool,
    /// Tell the memory that benchmarks take
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true")]
    pub benchmem: bool,
    /// How often to run everything
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub count: u32,
    /// Skipped tests are no failures
    #[arg(short = 'z', long)]
    pub exit_zero_on_skipped: bool,
    /// It is an error if there is no test
    #[arg(long)]
    pub fail_on_empty: bool,
    /// Errors of the compiler after which to stop; 0 is no limit
    #[arg(short, long, value_name = "N", default_value_t = 10)]
    pub max_errors: usize,
    /// Tests that run at the same time; 0 is one for each processor
    #[arg(
        short,
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    pub parallel: i64,
    /// What a test may take (5s unless given; benchmarks have 30s)
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse, default_value = "0")]
    pub timeout: Duration,
    /// Run the tests again whenever a file changes
    #[arg(short, long)]
    pub watch: bool,
    /// JSON Schema of the input (a file), or a folder of schemas
    #[arg(short, long, value_name = "PATH")]
    pub schema: Option<PathBuf>,
    /// Refuse calls of built-ins that these capabilities do not name: a release of OPA, or a file
    #[arg(long, value_name = "FILE|VERSION", value_parser = crate::command::capabilities::named)]
    pub capabilities: Option<regovm::Capabilities>,
    /// File and folder names to leave out, for example '.*'. Repeatable
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Read policies as Rego v0
    #[arg(long)]
    pub v0_compatible: bool,
    /// Let tests reach these machines over the network (repeat, or separate with commas; * is all); none by default
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub allow_net: Vec<String>,
}

impl TestArgs {
    /// Tells of all tests.
    fn is_verbose(&self) -> bool {
        self.verbose || self.explain.is_some()
    }

    fn is_traced(&self) -> bool {
        (self.is_verbose() || self.var_values) && !self.bench
    }

    fn wants_coverage(&self) -> bool {
        self.coverage
            || self.coverage_runs.is_some()
            || self.threshold > 0.0
            || self.format == TestFormat::Lcov
    }

    fn filter(&self) -> TraceFilter {
        match self.explain {
            None if self.verbose => TraceFilter::NotesAndFails,
            None | Some(TestExplain::Fails) => TraceFilter::Fails,
            Some(TestExplain::Full) => TraceFilter::Full,
            Some(TestExplain::Notes) => TraceFilter::Notes,
            Some(TestExplain::Debug) => TraceFilter::Debug,
        }
    }

    /// Reasons for which something may not be covered.
    fn kinds(&self) -> Result<Vec<UncoveredKind>, String> {
        let Some(names) = &self.coverage_runs else {
            return Ok(vec![UncoveredKind::IndexExcluded, UncoveredKind::EarlyExit]);
        };
        let mut kinds = Vec::new();
        for name in names.iter().filter(|name| !name.is_empty()) {
            let known = [UncoveredKind::IndexExcluded, UncoveredKind::EarlyExit];
            match known.into_iter().find(|kind| kind.name() == name) {
                Some(kind) => kinds.push(kind),
                None => {
                    return Err(format!(
                        "invalid --coverage-runs value {name:?} (expected \"index_excluded\" or \"early_exit\")"
                    ));
                }
            }
        }
        Ok(kinds)
    }
}

/// Runs the command and gives its exit status.
pub fn run(args: &TestArgs) -> io::Result<u8> {
    if args.paths.is_empty() {
        return crate::usage_error("specify at least one file", "test");
    }
    if let Err(message) = args.kinds() {
        return crate::usage_error(&message, "test");
    }
    if args.target != "rego" {
        let message =
            "the only target is rego (leave out --target): policies always run as bytecode";
        return crate::usage_error(message, "test");
    }
    if args.format == TestFormat::Gobench && !args.bench {
        errors::complain("cannot use output format gobench without running benchmarks (--bench)")?;
        return Ok(0);
    }
    if !(0.0..=100.0).contains(&args.threshold) {
        errors::complain("Code coverage threshold must be between 0 and 100")?;
        return Ok(ERROR);
    }
    if args.sort != Sort::None && args.format != TestFormat::Json && !args.wants_coverage() {
        writeln!(
            io::stderr(),
            "warning: --sort is only supported with JSON format"
        )?;
    }
    let cancel = crate::interrupt::flag();
    if args.watch {
        return watch::run(args, &cancel);
    }
    all(args, &cancel)
}

/// Loads, compiles, and runs everything as often as it is wanted.
fn all(args: &TestArgs, cancel: &Arc<AtomicBool>) -> io::Result<u8> {
    let Loaded { engine, suite } = match prepare(args) {
        Ok(loaded) => loaded,
        Err(Refused::Bundle(error)) => {
            let mut err = io::stderr().lock();
            writeln!(err, "{}", error.message)?;
            if let Some(hint) = error.hint {
                writeln!(err, "\thint: {hint}")?;
            }
            return Ok(ERROR);
        }
        Err(Refused::Failure(failure)) => {
            let during = match failure.stage {
                Stage::Load => " during loading",
                _ => "",
            };
            // What has no code is no list of errors.
            match failure.errors.as_slice() {
                [only] if only.code.is_none() && failure.stage != Stage::Load => {
                    errors::complain(&only.to_string())?;
                }
                _ => errors::print(&failure, during)?,
            }
            return Ok(ERROR);
        }
    };
    for _ in 0..args.count {
        let status = once(args, &engine, &suite, cancel)?;
        if status != 0 {
            return Ok(status);
        }
    }
    Ok(0)
}

/// Why tests cannot be run.
enum Refused {
    Bundle(BundleError),
    Failure(Failure),
}

impl From<BundleError> for Refused {
    fn from(error: BundleError) -> Refused {
        Refused::Bundle(error)
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Refused {
        Refused::Failure(failure)
    }
}

/// Policies with their tests.
struct Loaded {
    engine: Engine,
    suite: TestSuite,
}

fn prepare(args: &TestArgs) -> Result<Loaded, Refused> {
    let mut engine = Engine::new();
    engine
        .set_version(version(args.v0_compatible))
        .set_error_limit(args.max_errors)
        .set_enable_print(!args.bench);
    restrict(&mut engine, args.capabilities.as_ref());
    if args.bundle {
        add_bundles(args, &mut engine)?;
    } else {
        engine_with(
            load_all(&args.paths, &args.ignore, Wanted::All),
            &mut engine,
        );
    }
    if let Some(path) = &args.schema {
        schemas::add(&mut engine, path)
            .map_err(|message| Failure::message(Stage::Load, message))?;
    }
    let coverage = args.wants_coverage();
    if coverage && args.bench {
        let message = "coverage reporting is not supported when benchmarking tests";
        return Err(Failure::message(Stage::Compile, message).into());
    }
    let traced = match args.format {
        _ if !args.is_traced() => Traced::None,
        TestFormat::Json if !coverage => Traced::All,
        _ => Traced::Failures,
    };
    let suite = engine.prepare_tests(&TestOptions {
        run: args.run.clone(),
        trace: traced,
        name_operands: args.var_values,
        coverage: coverage.then(|| args.kinds().unwrap_or_default()),
    })?;
    Ok(Loaded { engine, suite })
}

fn add_bundles(args: &TestArgs, engine: &mut Engine) -> Result<(), BundleError> {
    let mut all: Vec<Bundle> = Vec::new();
    for path in &args.paths {
        let found = bundles::load(
            std::slice::from_ref(path),
            Reading::unverified(&args.ignore),
        )
        .map_err(|error| error.within(&format!("unable to load bundle {path}: ")))?;
        for bundle in found {
            if all.iter().all(|known| known.name != bundle.name) {
                all.push(bundle);
            }
        }
    }
    bundles::add(engine, &all)?;
    bundle::check_roots(&all.iter().collect::<Vec<_>>())
}

/// A result with its test.
struct Done<'s> {
    test: &'s Test,
    result: TestResult,
}

/// What of all results decides the exit status.
#[derive(Default)]
struct Tally {
    ran: bool,
    failed: bool,
}

impl Tally {
    fn add(&mut self, args: &TestArgs, test: &Test, result: &TestResult) {
        self.ran = true;
        let forgiven = test.skipped && args.exit_zero_on_skipped;
        self.failed |= !result.passed() && !forgiven;
    }

    fn status(&self, args: &TestArgs) -> io::Result<u8> {
        if !self.ran && args.fail_on_empty {
            errors::complain("no tests were run")?;
            return Ok(ERROR);
        }
        Ok(if self.failed { FAILED } else { 0 })
    }
}

/// Runs all tests once and reports them.
fn once(
    args: &TestArgs,
    engine: &Engine,
    suite: &TestSuite,
    cancel: &Arc<AtomicBool>,
) -> io::Result<u8> {
    let started = Instant::now();
    let clock: Clock = Arc::new(move || started.elapsed());
    let host = || -> Box<dyn Host + Send> {
        Box::new(world::host(&args.allow_net, args.capabilities.as_ref()))
    };
    let mut run = TestRun::new(clock, &host);
    run.cancel = Some(cancel.clone());
    if args.bench {
        allocations::count();
        run.allocations = allocations::counted;
    }
    run.threads = threads(args.parallel);
    run.timeout = Some(match (args.bench, args.timeout) {
        (true, _) => BENCH_TIMEOUT,
        (false, Duration::ZERO) => TIMEOUT,
        (false, given) => given,
    });
    let mut tally = Tally::default();
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.wants_coverage() {
        let mut results = Vec::new();
        each(args, (engine, suite), &run, &mut |test, result| {
            tally.add(args, test, &result);
            results.push(Done { test, result });
            ControlFlow::Continue(())
        });
        let refused = coverage::report(args, (engine, suite), &mut out, results)?;
        out.flush()?;
        return match refused {
            Some(status) => Ok(status),
            None => tally.status(args),
        };
    }
    if matches!(args.format, TestFormat::Pretty | TestFormat::Gobench) {
        let mut pretty = pretty::Pretty::new(args, suite);
        let mut written = Ok(());
        each(args, (engine, suite), &run, &mut |test, result| {
            tally.add(args, test, &result);
            // Results are seen as they come.
            written = pretty
                .result(&mut out, test, result)
                .and_then(|()| out.flush());
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        written?;
        pretty.finish(&mut out)?;
    } else {
        let mut results = Vec::new();
        each(args, (engine, suite), &run, &mut |test, result| {
            tally.add(args, test, &result);
            results.push(Done { test, result });
            ControlFlow::Continue(())
        });
        if args.sort == Sort::Duration {
            results.sort_by_key(|done| std::cmp::Reverse(done.result.duration));
        }
        match args.format {
            TestFormat::Junit => formats::junit(&mut out, &results)?,
            TestFormat::Tap => formats::tap(&mut out, &results)?,
            TestFormat::Github => formats::github(&mut out, &results)?,
            TestFormat::Sarif => formats::sarif(&mut out, &results)?,
            _ => json::write(args, &mut out, &results)?,
        }
    }
    out.flush()?;
    tally.status(args)
}

/// Runs tests or benchmarks, as long as the report wants more.
fn each<'s>(
    args: &TestArgs,
    (engine, suite): (&Engine, &'s TestSuite),
    run: &TestRun<'_>,
    report: &mut dyn FnMut(&'s Test, TestResult) -> ControlFlow<()>,
) {
    if !args.bench {
        suite.run(run, &mut |test, mut result| {
            // A report of coverage tells errors in short.
            if let Outcome::Error(failure) = &mut result.outcome
                && !args.wants_coverage()
            {
                let host = world::quiet_host(&[], args.capabilities.as_ref());
                *failure = suite.trace_back(engine, test, failure.clone(), Box::new(host));
            }
            report(test, result)
        });
        return;
    }
    for test in suite.tests() {
        let cancelled = run.cancel.as_ref().is_some_and(crate::interrupt::is_set);
        if cancelled || report(test, suite.bench(test, run)).is_break() {
            return;
        }
    }
}

fn threads(parallel: i64) -> usize {
    match usize::try_from(parallel) {
        Ok(threads) if threads > 0 => threads,
        _ => std::thread::available_parallelism().map_or(1, usize::from),
    }
}

/// `FAIL` and so on, in OPA's order of what counts most.
fn verdict(result: &TestResult) -> &'static str {
    match result.outcome {
        Outcome::Passed => "PASS",
        Outcome::Failed => "FAIL",
        Outcome::Skipped => "SKIPPED",
        Outcome::Error(_) => "ERROR",
    }
}

/// An error as one text without a line end.
fn failure_text(failure: &Failure) -> String {
    match (failure.stage, failure.errors.as_slice()) {
        (Stage::Evaluate, [only]) => only.to_string(),
        _ => failure.plain_text("").trim_end().to_owned(),
    }
}

/// What a test took.
fn nanoseconds(result: &TestResult) -> u64 {
    u64::try_from(result.duration.as_nanos()).unwrap_or(u64::MAX)
}
