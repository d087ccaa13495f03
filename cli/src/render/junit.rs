//! JUnit's XML, as CI systems read it.

use std::io::{self, Write};
use std::time::Duration;

/// A group of cases.
pub struct Suite<'r> {
    pub name: &'r str,
    pub cases: Vec<Case<'r>>,
}

/// One case.
pub struct Case<'r> {
    pub name: String,
    pub class: &'r str,
    /// File and line.
    pub place: Option<(String, u32)>,
    pub time: Duration,
    pub verdict: Verdict,
    /// What it printed.
    pub output: &'r str,
}

/// What became of it.
pub enum Verdict {
    Passed,
    /// With the reason.
    Skipped(String),
    /// With the message.
    Failed(String),
    /// With the message.
    Error(String),
}

/// Writes a document.
pub fn write(out: &mut impl Write, name: &str, suites: &[Suite<'_>]) -> io::Result<()> {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    let all = suites.iter().flat_map(|suite| &suite.cases);
    writeln!(
        out,
        "<testsuites name=\"{}\" {}>",
        escaped(name),
        counts(all)
    )?;
    for suite in suites {
        writeln!(
            out,
            "  <testsuite name=\"{}\" {}>",
            escaped(suite.name),
            counts(suite.cases.iter())
        )?;
        for case in &suite.cases {
            write_case(out, case)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn counts<'r>(cases: impl Iterator<Item = &'r Case<'r>>) -> String {
    let (mut all, mut failed, mut errors, mut skipped) = (0, 0, 0, 0);
    let mut time = Duration::ZERO;
    for case in cases {
        all += 1;
        time += case.time;
        match case.verdict {
            Verdict::Passed => {}
            Verdict::Skipped(_) => skipped += 1,
            Verdict::Failed(_) => failed += 1,
            Verdict::Error(_) => errors += 1,
        }
    }
    format!(
        "tests=\"{all}\" failures=\"{failed}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"{:.6}\"",
        time.as_secs_f64()
    )
}

fn write_case(out: &mut impl Write, case: &Case<'_>) -> io::Result<()> {
    write!(
        out,
        "    <testcase classname=\"{}\" name=\"{}\"",
        escaped(case.class),
        escaped(&case.name)
    )?;
    if let Some((file, line)) = &case.place {
        write!(out, " file=\"{}\" line=\"{line}\"", escaped(file))?;
    }
    write!(out, " time=\"{:.6}\"", case.time.as_secs_f64())?;
    let (element, message) = match &case.verdict {
        Verdict::Passed if case.output.is_empty() => return writeln!(out, "/>"),
        Verdict::Passed => (None, ""),
        Verdict::Skipped(why) => (Some("skipped"), why.as_str()),
        Verdict::Failed(message) => (Some("failure"), message.as_str()),
        Verdict::Error(message) => (Some("error"), message.as_str()),
    };
    writeln!(out, ">")?;
    if let Some(element) = element {
        writeln!(out, "      <{element} message=\"{}\"/>", escaped(message))?;
    }
    if !case.output.is_empty() {
        let output = escaped(case.output);
        writeln!(out, "      <system-out>{output}</system-out>")?;
    }
    writeln!(out, "    </testcase>")
}

/// A text for an attribute or between elements. What XML cannot hold becomes a question mark in a diamond.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&#34;"),
            '\n' => out.push_str("&#xA;"),
            '\t' => out.push_str("&#x9;"),
            '\r' => out.push_str("&#xD;"),
            '\u{0}'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_well_formed() {
        assert_eq!(
            super::escaped("a<b> & \"c\"\n\u{1}é"),
            "a&lt;b&gt; &amp; &#34;c&#34;&#xA;\u{fffd}é"
        );
    }
}
