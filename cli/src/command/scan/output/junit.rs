//! JUnit's XML: a suite for each namespace. Places are the last line of a failure's text.

use std::io::{self, Write};

use super::Shown;
use crate::command::scan::findings::CheckResult;

/// A test of a suite.
struct Case {
    name: String,
    /// The kind of element and its text, if it did not pass.
    failed: Option<(&'static str, String)>,
}

pub fn write(out: &mut impl Write, shown: &Shown<'_>) -> io::Result<()> {
    let mut suites: Vec<(String, Vec<Case>)> = Vec::new();
    for result in shown.results {
        let cases = cases(result, shown.settings.junit_hide_message);
        if cases.is_empty() {
            continue;
        }
        let name = format!("conftest.{}", result.namespace);
        match suites.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => all.extend(cases),
            None => suites.push((name, cases)),
        }
    }
    if !shown.troubles.is_empty() {
        let error = |trouble: &super::Trouble| Case {
            name: trouble.file.clone(),
            failed: Some(("error", super::message_of(trouble))),
        };
        let errors = shown.troubles.iter().map(error).collect();
        suites.push(("conftest".to_owned(), errors));
    }
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    if suites.is_empty() {
        return writeln!(out, "<testsuites></testsuites>");
    }
    writeln!(out, "<testsuites>")?;
    for (name, cases) in &suites {
        let failures = cases.iter().filter(|case| case.failed.is_some()).count();
        let suite = escaped(name);
        writeln!(
            out,
            "\t<testsuite tests=\"{}\" failures=\"{failures}\" time=\"0.000\" name=\"{suite}\">",
            cases.len()
        )?;
        writeln!(
            out,
            "\t\t<properties>\n\t\t\t<property name=\"regovm.version\" value=\"{}\"></property>\n\t\t</properties>",
            env!("CARGO_PKG_VERSION")
        )?;
        for case in cases {
            write!(
                out,
                "\t\t<testcase classname=\"{suite}\" name=\"{}\" time=\"0.000\">",
                escaped(&case.name)
            )?;
            if let Some((kind, text)) = &case.failed {
                let text = escaped(text);
                write!(
                    out,
                    "\n\t\t\t<{kind} message=\"Failed\" type=\"\">{text}</{kind}>\n\t\t"
                )?;
            }
            writeln!(out, "</testcase>")?;
        }
        writeln!(out, "\t</testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn cases(result: &CheckResult, hide_message: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for finding in result.warnings.iter().chain(&result.failures) {
        let summary = finding.message.lines().next().unwrap_or_default();
        let mut text = finding.message.clone();
        if let Some(place) = super::place(finding) {
            text.push_str(&format!("\nat {place}"));
        }
        cases.push(Case {
            name: match hide_message || finding.message.is_empty() {
                true => result.file.clone(),
                false => format!("{} - {summary}", result.file),
            },
            failed: Some(("failure", text)),
        });
    }
    for error in &result.errors {
        cases.push(Case {
            name: result.file.clone(),
            failed: Some(("error", super::message_of(error))),
        });
    }
    cases.extend((0..result.successes).map(|_| Case {
        name: result.file.clone(),
        failed: None,
    }));
    cases
}

/// Text of XML as conftest has it.
fn escaped(text: &str) -> String {
    crate::render::junit::escaped(text).replace('\'', "&#39;")
}
