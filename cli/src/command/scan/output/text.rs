//! Text for people: lines, or a table.

use std::io::{self, Write};

use super::Shown;
use crate::render::table;

/// Colours of a terminal.
#[derive(Clone, Copy)]
enum Color {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Blue = 34,
    Cyan = 36,
}

pub fn write(out: &mut impl Write, shown: &Shown<'_>) -> io::Result<()> {
    let paint = |text: &str, color: Color| match shown.is_colored {
        true => format!("\u{1b}[{}m{text}\u{1b}[0m", color as u8),
        false => text.to_owned(),
    };
    for line in shown.results.iter().flat_map(|result| &result.prints) {
        writeln!(out, "{}  {line}\n", paint("PRNT ", Color::Blue))?;
    }
    for result in shown.results {
        let of_kinds = [
            ("WARN", Color::Yellow, &result.warnings),
            ("FAIL", Color::Red, &result.failures),
            ("EXCP", Color::Cyan, &result.exceptions),
        ];
        let input = super::named(result);
        for (label, color, findings) in of_kinds {
            if label == "EXCP" && shown.settings.suppress_exceptions {
                continue;
            }
            for finding in findings {
                writeln!(out, "{} {input} {}", paint(label, color), finding.message)?;
                if let Some(place) = super::place(finding) {
                    writeln!(out, "       at {place}")?;
                }
            }
        }
    }
    let totals = shown.totals();
    let color = if totals.failures > 0 {
        Color::Red
    } else if totals.warnings > 0 {
        Color::Yellow
    } else if totals.exceptions > 0 {
        Color::Cyan
    } else {
        Color::Green
    };
    writeln!(out, "\n{}", paint(&totals.to_string(), color))
}

pub fn write_table(out: &mut impl Write, shown: &Shown<'_>) -> io::Result<()> {
    let head = ["RESULT", "FILE", "NAMESPACE", "MESSAGE"].map(str::to_owned);
    let mut rows: Vec<Vec<String>> = Vec::new();
    for result in shown.results {
        let mut row = |kind: &str, file: &str, message: &str| {
            let cells = [
                kind,
                file,
                &result.namespace,
                &message.replace('\t', "        "),
            ];
            rows.push(cells.map(str::to_owned).to_vec());
        };
        for _ in 0..result.successes {
            row("success", &result.file, "SUCCESS");
        }
        let kinds = [
            ("exception", &result.exceptions),
            ("warning", &result.warnings),
            ("failure", &result.failures),
        ];
        for (kind, findings) in kinds {
            for finding in findings {
                let place = super::place(finding);
                row(
                    kind,
                    place.as_deref().unwrap_or(&result.file),
                    &finding.message,
                );
            }
        }
        for error in &result.errors {
            row("error", &result.file, &super::message_of(error));
        }
    }
    for trouble in shown.troubles {
        let cells = ["error", &trouble.file, "", &super::message_of(trouble)];
        rows.push(cells.map(str::to_owned).to_vec());
    }
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", table::render(&head, &rows))
}
