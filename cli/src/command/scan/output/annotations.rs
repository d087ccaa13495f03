//! Commands that GitHub Actions and Azure Pipelines show beside the lines of a change.

use std::io::{self, Write};
use std::path::Path;

use super::Shown;
use crate::command::scan::findings::{CheckResult, Finding};

/// The place of a message.
struct At<'a> {
    file: &'a str,
    line: String,
    column: Option<u64>,
}

pub fn write_github(out: &mut impl Write, shown: &Shown<'_>) -> io::Result<()> {
    for result in shown.results {
        let totals = result.totals();
        let has_passed = totals.tests() == totals.successes && result.errors.is_empty();
        if shown.settings.github_hide_passed && has_passed {
            continue;
        }
        writeln!(
            out,
            "::group::Testing {:?} against {} policies in namespace {:?}",
            result.file,
            totals.tests(),
            result.namespace
        )?;
        for finding in &result.failures {
            finding_on_github(out, "error", result, finding)?;
        }
        for finding in &result.warnings {
            finding_on_github(out, "warning", result, finding)?;
        }
        for finding in &result.exceptions {
            finding_on_github(out, "notice", result, finding)?;
        }
        for error in &result.errors {
            command(out, "error", &whole(&result.file), &error.message)?;
        }
        let passed = format!("Number of successful checks: {}", result.successes);
        command(out, "notice", &whole(&result.file), &passed)?;
        writeln!(out, "::endgroup::")?;
    }
    for trouble in shown.troubles {
        let at = match trouble.place {
            Some((line, column)) => At {
                file: &trouble.file,
                line: line.to_string(),
                column: Some(column as u64),
            },
            None => whole(&trouble.file),
        };
        command(out, "error", &at, &trouble.message)?;
    }
    writeln!(out, "{}", shown.totals())
}

/// A file as a whole.
fn whole(file: &str) -> At<'_> {
    At {
        file,
        line: "1".to_owned(),
        column: None,
    }
}

fn finding_on_github(
    out: &mut impl Write,
    level: &str,
    result: &CheckResult,
    finding: &Finding,
) -> io::Result<()> {
    if let Some((file, place)) = &finding.found {
        let at = At {
            file,
            line: place.line.to_string(),
            column: Some(place.column as u64),
        };
        return command(out, level, &at, &finding.message);
    }
    let Some(told) = &finding.told else {
        return command(out, level, &whole(&result.file), &finding.message);
    };
    let file = relative(&told.file);
    let at = At {
        file: if told.file == result.file {
            &told.file
        } else {
            &file
        },
        line: told.line.clone(),
        column: told.column,
    };
    command(out, level, &at, &finding.message)?;
    if told.file == result.file {
        return Ok(());
    }
    // It belongs to the input too, that is another file.
    let message = format!(
        "(ORIGINATING FROM {file} L{}) {}",
        told.line, finding.message
    );
    command(out, level, &whole(&result.file), &message)
}

/// Runners know files by their paths in the working directory.
fn relative(file: &str) -> String {
    let path = Path::new(file);
    let inside = std::env::current_dir()
        .ok()
        .and_then(|directory| path.strip_prefix(directory).ok());
    inside.map_or_else(|| file.to_owned(), |path| path.display().to_string())
}

fn command(out: &mut impl Write, level: &str, at: &At<'_>, message: &str) -> io::Result<()> {
    let property = |text: &str| line(text).replace(':', "%3A").replace(',', "%2C");
    write!(out, "::{level} file={},line={}", property(at.file), at.line)?;
    if let Some(column) = at.column {
        write!(out, ",col={column}")?;
    }
    writeln!(out, "::{}", line(message))
}

/// A command is one line: a message with others in it must not become commands of its own.
fn line(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

pub fn write_azure(out: &mut impl Write, shown: &Shown<'_>) -> io::Result<()> {
    for result in shown.results {
        let totals = result.totals();
        writeln!(
            out,
            "##[section]Testing '{}' against {} policies in namespace '{}'",
            result.file,
            totals.tests(),
            result.namespace
        )?;
        writeln!(out, "##[group]See conftest results")?;
        let warnings = result.warnings.iter().chain(&result.exceptions);
        let issues = result
            .failures
            .iter()
            .map(|finding| ("error", finding))
            .chain(warnings.map(|finding| ("warning", finding)));
        for (kind, finding) in issues {
            let place = finding.place().and_then(|(file, line, column)| {
                let mut place = format!(";sourcepath={};linenumber={}", property(file), line?);
                if let Some(column) = column {
                    place.push_str(&format!(";columnnumber={column}"));
                }
                Some(place)
            });
            issue(
                out,
                kind,
                &place.unwrap_or_default(),
                &result.file,
                &finding.message,
            )?;
        }
        for error in &result.errors {
            issue(out, "error", "", &result.file, &super::message_of(error))?;
        }
        if result.successes > 0 {
            writeln!(out, "success file={} {}", result.file, result.successes)?;
        }
        writeln!(out, "##[endgroup]")?;
    }
    for trouble in shown.troubles {
        issue(out, "error", "", &trouble.file, &super::message_of(trouble))?;
    }
    writeln!(out, "{}", shown.totals())
}

fn issue(
    out: &mut impl Write,
    kind: &str,
    place: &str,
    file: &str,
    message: &str,
) -> io::Result<()> {
    let line = |text: &str| text.replace('\r', "%0D").replace('\n', "%0A");
    writeln!(
        out,
        "##vso[task.logissue type={kind}{place}] file={} --> {}",
        line(file),
        line(message)
    )
}

/// A property of a command of Azure Pipelines.
fn property(text: &str) -> String {
    line(text).replace(';', "%3B").replace(']', "%5D")
}
