//! Results for people, and benchmarks as Go prints them: the text of `opa test`.

use std::io::{self, Write};

use regovm::observe::{Trace, TraceOptions};
use regovm::testing::{
    CaseResult, FailedExpression, Measured, Outcome, Test, TestResult, TestSuite,
};

use super::{TestArgs, TestFormat, verdict};
use crate::duration;
use crate::render::bench;

const WIDTH: usize = 80;

/// Writes results as they come, and a summary.
pub struct Pretty<'a> {
    args: &'a TestArgs,
    suite: &'a TestSuite,
    passed: usize,
    failed: usize,
    skipped: usize,
    errors: usize,
    /// Something was written, so that the summary needs a line above it.
    dirty: bool,
    last_file: Option<String>,
    /// Tests that failed, for the traces behind all results.
    failures: Vec<(&'a Test, TestResult)>,
}

impl<'a> Pretty<'a> {
    pub fn new(args: &'a TestArgs, suite: &'a TestSuite) -> Pretty<'a> {
        Pretty {
            args,
            suite,
            passed: 0,
            failed: 0,
            skipped: 0,
            errors: 0,
            dirty: false,
            last_file: None,
            failures: Vec::new(),
        }
    }

    fn count(&mut self, test: &Test, result: &TestResult) {
        match &result.outcome {
            // Benchmarks run tests to do, too.
            _ if test.skipped => self.skipped += 1,
            Outcome::Error(_) => self.errors += 1,
            Outcome::Passed if result.cases.is_empty() => self.passed += 1,
            _ if result.cases.is_empty() => self.failed += 1,
            _ => CaseResult::each(&result.cases, &mut |_, case| {
                // A case with cases below it is counted by them.
                if case.cases.is_empty() {
                    match case.failed {
                        true => self.failed += 1,
                        false => self.passed += 1,
                    }
                }
            }),
        }
    }

    /// Writes what there is to say of a test.
    pub fn result(
        &mut self,
        out: &mut impl Write,
        test: &'a Test,
        result: TestResult,
    ) -> io::Result<()> {
        self.count(test, &result);
        if result.passed() && self.args.bench {
            self.dirty = true;
            let line = self.benchmark(test, result.measured.as_ref());
            writeln!(out, "{line}")?;
        } else if self.args.is_verbose() || !result.passed() {
            self.dirty = true;
            self.lines(out, test, &result)?;
        }
        if let Outcome::Error(failure) = &result.outcome {
            writeln!(out, "  {}", super::failure_text(failure))?;
            let [only] = failure.errors.as_slice() else {
                return Ok(());
            };
            if !only.trace.is_empty() {
                writeln!(out, "  Traceback:")?;
            }
            for frame in &only.trace {
                writeln!(out, "    {frame}")?;
            }
        }
        let explained = self.args.is_verbose() || self.args.var_values;
        if explained && !test.skipped && matches!(result.outcome, Outcome::Failed) {
            self.failures.push((test, result));
        }
        Ok(())
    }

    fn lines(&mut self, out: &mut impl Write, test: &Test, result: &TestResult) -> io::Result<()> {
        if let Some(at) = &test.location {
            let file = at.file.to_string();
            if self.last_file.as_ref().is_some_and(|last| *last != file) {
                writeln!(out)?;
            }
            writeln!(out, "{file}:{}:", at.row)?;
            self.last_file = Some(file);
        }
        writeln!(out, "{}", headline(test, result))?;
        let mut written = Ok(());
        CaseResult::each(&result.cases, &mut |path, case| {
            if written.is_ok() && (case.failed || self.args.is_verbose()) {
                let verdict = if case.failed { "FAIL" } else { "PASS" };
                let indent = 2 * path.len();
                written = writeln!(out, "{:indent$}{}: {verdict}", "", case.name);
            }
        });
        written?;
        let output = result.output.trim();
        if !result.output.is_empty() {
            writeln!(out)?;
            for line in output.split('\n') {
                writeln!(out, "  {line}")?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    fn benchmark(&self, test: &Test, measured: Option<&Measured>) -> String {
        let mut name = format!("{}.{}", test.package, test.name);
        if self.args.format == TestFormat::Gobench {
            name = go_name(&name);
        }
        match measured {
            Some(measured) => format!("{name}\t{}", bench::line(measured, self.args.benchmem)),
            None => String::new(),
        }
    }

    /// How the tests that failed came to it.
    fn explain(&self, out: &mut impl Write) -> io::Result<()> {
        rule(out)?;
        writeln!(out, "FAILURES")?;
        rule(out)?;
        let values = self.args.var_values;
        for (test, result) in &self.failures {
            writeln!(out, "{}", headline(test, result))?;
            let trace = result.trace.as_ref();
            if self.args.is_verbose() {
                writeln!(out)?;
                if let Some(trace) = trace {
                    let options = TraceOptions {
                        locations: true,
                        expression_variables: values,
                        indent: 2,
                        ..TraceOptions::default()
                    };
                    let text = trace.filter(self.args.filter()).to_text(options);
                    out.write_all(text.as_bytes())?;
                }
            }
            if result.cases.is_empty() {
                if let Some(trace) = trace.filter(|_| values) {
                    last_failure(out, self.suite, trace, 0)?;
                }
            } else {
                writeln!(out)?;
                let mut written = Ok(());
                CaseResult::each(&result.cases, &mut |path, case| {
                    if written.is_ok() && case.failed && case.cases.is_empty() {
                        let trace = trace.filter(|_| values);
                        written = self.case(out, path, case, trace);
                    }
                });
                written?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    /// A case that failed, with all that leads to it.
    fn case(
        &self,
        out: &mut impl Write,
        path: &[&str],
        case: &CaseResult,
        trace: Option<&Trace>,
    ) -> io::Result<()> {
        for (depth, name) in path.iter().enumerate() {
            writeln!(out, "{:1$}{name}: FAIL", "", 2 * (depth + 1))?;
        }
        match trace {
            Some(trace) => last_failure(
                out,
                self.suite,
                &trace.until_case(case.begun),
                2 * path.len() + 2,
            ),
            None => Ok(()),
        }
    }

    /// Writes the summary.
    pub fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.failed > 0 && (self.args.is_verbose() || self.args.var_values) {
            self.explain(out)?;
        }
        if self.dirty {
            rule(out)?;
        }
        let total = self.passed + self.failed + self.skipped + self.errors;
        for (name, count) in [
            ("PASS", self.passed),
            ("FAIL", self.failed),
            ("SKIPPED", self.skipped),
            ("ERROR", self.errors),
        ] {
            if count > 0 {
                writeln!(out, "{name}: {count}/{total}")?;
            }
        }
        Ok(())
    }
}

fn rule(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", "-".repeat(WIDTH))
}

/// The expression that failed last, with the values in it.
fn last_failure(
    out: &mut impl Write,
    suite: &TestSuite,
    trace: &Trace,
    indent: usize,
) -> io::Result<()> {
    writeln!(out, "{:indent$}", "")?;
    let Some(failed) = suite.last_failure(trace) else {
        return Ok(());
    };
    let FailedExpression { file, row, text } = failed;
    writeln!(out, "{:1$}{file}:{row}:", "", indent + 2)?;
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| format!("{:1$}{line}", "", indent + 4))
        .collect();
    writeln!(out, "{}{:indent$}", lines.join("\n"), "")
}

/// `data.p_test.test_a: FAIL (1.2ms)`
pub fn headline(test: &Test, result: &TestResult) -> String {
    let mut line = format!("{}.{}: {}", test.package, test.name, verdict(result));
    if !test.skipped {
        line.push_str(&format!(" ({})", duration::go(super::nanoseconds(result))));
    }
    line
}

/// `data.p_test.test_a` as Go names a benchmark: `BenchmarkDataPTestTestA`.
fn go_name(name: &str) -> String {
    let mut out = String::from("Benchmark");
    for part in name.split(['_', '.']) {
        let mut starts = true;
        for c in part.chars() {
            if starts {
                out.extend(c.to_uppercase());
            } else {
                out.push(c);
            }
            starts = !(c.is_alphanumeric() || c == '_');
        }
    }
    out
}
