//! `--coverage`: what the tests cover, instead of their results.

use std::collections::BTreeMap;
use std::io::{self, Write};

use regovm::Engine;
use regovm::observe::{Coverage, FileCoverage, Range};
use regovm::testing::{CaseResult, Outcome, TestCoverage, TestSuite};

use super::pretty::{Pretty, headline};
use super::{Done, ERROR, FAILED, TestArgs, TestFormat, failure_text};
use crate::render::go_json;

/// Writes the coverage, or what keeps it from being one; then with the exit status.
pub fn report(
    args: &TestArgs,
    (engine, suite): (&Engine, &TestSuite),
    out: &mut impl Write,
    results: Vec<Done<'_>>,
) -> io::Result<Option<u8>> {
    let mut all = TestCoverage::default();
    for done in &results {
        if let Outcome::Error(failure) = &done.result.outcome {
            writeln!(io::stderr(), "{}", failure_text(failure))?;
            return Ok(Some(ERROR));
        }
        if let Some(coverage) = &done.result.coverage {
            all.merge(coverage);
        }
    }
    let failed = |done: &Done<'_>| matches!(done.result.outcome, Outcome::Failed);
    if let Some(first) = results.iter().find(|done| failed(done)) {
        let mut text = headline(first.test, &first.result);
        text.push('\n');
        CaseResult::each(&first.result.cases, &mut |path, case| {
            let verdict = if case.failed { "FAIL" } else { "PASS" };
            let indent = 2 * (path.len() - 1);
            text.push_str(&format!("{:indent$}{}: {verdict}\n", "", case.name));
        });
        let mut pretty = Pretty::new(args, suite);
        for done in results.into_iter().filter(failed) {
            pretty.result(out, done.test, done.result)?;
        }
        pretty.finish(out)?;
        out.flush()?;
        writeln!(io::stderr(), "{text}")?;
        return Ok(Some(ERROR));
    }
    let coverage = engine.coverage(&all.covered, &all.others);
    if coverage.coverage < args.threshold {
        let mut err = io::stderr().lock();
        write!(
            err,
            "Code coverage threshold not met: got {:.2} instead of {:.2}",
            coverage.coverage, args.threshold
        )?;
        if args.is_verbose() && !coverage.files.is_empty() {
            uncovered(&mut err, &coverage)?;
        }
        writeln!(err)?;
        return Ok(Some(FAILED));
    }
    match args.format {
        TestFormat::Lcov => lcov(out, &coverage)?,
        _ => go_json::write_indented(out, &coverage.to_json())?,
    }
    Ok(None)
}

/// The lines that are not covered.
fn uncovered(out: &mut impl Write, coverage: &Coverage) -> io::Result<()> {
    write!(out, "\nLines not covered:")?;
    for (name, file) in &coverage.files {
        for (first, last) in spans(&file.not_covered) {
            if first == last {
                write!(out, "\n\t{name}:{first}")?;
            } else {
                write!(out, "\n\t{name}:{first}-{last}")?;
            }
        }
    }
    Ok(())
}

/// Lines that follow each other.
fn spans(ranges: &[Range]) -> Vec<(u32, u32)> {
    let mut lines: Vec<u32> = ranges.iter().flat_map(rows).collect();
    lines.sort_unstable();
    lines.dedup();
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for line in lines {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == line => *last = line,
            _ => spans.push((line, line)),
        }
    }
    spans
}

fn rows(range: &Range) -> std::ops::RangeInclusive<u32> {
    range.start.row..=range.end.row
}

/// The format of lcov: each line that can be covered, with 1 if all of it is.
fn lcov(out: &mut impl Write, coverage: &Coverage) -> io::Result<()> {
    for (name, file) in &coverage.files {
        let lines = lines(file);
        writeln!(out, "TN:\nSF:{name}")?;
        for (line, hit) in &lines {
            writeln!(out, "DA:{line},{}", u8::from(*hit))?;
        }
        let hits = lines.values().filter(|hit| **hit).count();
        writeln!(out, "LF:{}\nLH:{hits}\nend_of_record", lines.len())?;
    }
    Ok(())
}

/// A line counts as covered unless a part of it is not.
fn lines(file: &FileCoverage) -> BTreeMap<u32, bool> {
    let mut lines: BTreeMap<u32, bool> = BTreeMap::new();
    for line in file.covered.iter().flat_map(rows) {
        lines.entry(line).or_insert(true);
    }
    for line in file.not_covered.iter().flat_map(rows) {
        lines.insert(line, false);
    }
    lines
}
