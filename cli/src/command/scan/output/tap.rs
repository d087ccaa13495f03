//! The Test Anything Protocol; places stand in the diagnostic block below a test.

use std::io::{self, Write};

use super::Shown;
use crate::command::scan::findings::Finding;

pub fn write(out: &mut impl Write, shown: &Shown<'_>) -> io::Result<()> {
    let errors: usize = shown.results.iter().map(|result| result.errors.len()).sum();
    let all = shown.totals().tests() + errors + shown.troubles.len();
    if all == 0 {
        return Ok(());
    }
    writeln!(out, "1..{all}")?;
    let mut number = 0;
    let mut test =
        |out: &mut dyn Write, status: &str, input: &str, message: &str, place: Option<String>| {
            number += 1;
            writeln!(out, "{status} {number} {input} {message}")?;
            match place {
                Some(place) => writeln!(
                    out,
                    "  ---\n  at: {}\n  ...",
                    serde_json::Value::from(place)
                ),
                None => Ok(()),
            }
        };
    for result in shown.results {
        let input = super::named(result);
        let kinds: [(&str, &str, &[Finding]); 3] = [
            ("", "not ok", &result.failures),
            ("warnings", "not ok", &result.warnings),
            ("exceptions", "ok", &result.exceptions),
        ];
        for (header, status, findings) in kinds {
            if !header.is_empty() && !findings.is_empty() {
                writeln!(out, "# {header}")?;
            }
            for finding in findings {
                test(out, status, &input, &finding.message, super::place(finding))?;
            }
        }
        if !result.errors.is_empty() {
            writeln!(out, "# errors")?;
        }
        for error in &result.errors {
            test(out, "not ok", &input, &super::message_of(error), None)?;
        }
        if result.successes > 0 {
            writeln!(out, "# successes")?;
        }
        for _ in 0..result.successes {
            test(out, "ok", &input, "SUCCESS", None)?;
        }
    }
    if !shown.troubles.is_empty() {
        writeln!(out, "# errors")?;
    }
    for trouble in shown.troubles {
        let input = format!("- {} -", trouble.file);
        test(out, "not ok", &input, &super::message_of(trouble), None)?;
    }
    Ok(())
}
