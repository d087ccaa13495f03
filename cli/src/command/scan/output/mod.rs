//! Results in conftest's formats, with the places that are known.
//!
//! Where conftest's format has a place for lines and columns they stand there; elsewhere they are added so that what
//! conftest prints stays as it is. Nothing is added where no place is known.

mod annotations;
mod json;
mod junit;
mod sarif;
mod tap;
mod text;

use std::io::{self, Write};

use super::findings::{CheckResult, Finding, Totals};
use super::inputs::Trouble;
use super::settings::{Output, Settings};

/// What is printed.
pub struct Shown<'s> {
    /// Results in order.
    pub results: &'s [CheckResult],
    /// Inputs that could not be read.
    pub troubles: &'s [Trouble],
    /// The flags.
    pub settings: &'s Settings,
    /// For a terminal.
    pub is_colored: bool,
    /// The exit status that follows.
    pub status: u8,
}

impl Shown<'_> {
    /// Prints everything in the format that is wanted.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match self.settings.output {
            Output::Stdout => text::write(out, self),
            Output::Table => text::write_table(out, self),
            Output::Json => json::write(out, self),
            Output::Tap => tap::write(out, self),
            Output::Junit => junit::write(out, self),
            Output::Github => annotations::write_github(out, self),
            Output::AzureDevops => annotations::write_azure(out, self),
            Output::Sarif => sarif::write(out, self),
        }
    }

    /// The numbers of all results.
    fn totals(&self) -> Totals {
        Totals::of(self.results)
    }
}

/// The beginning of lines about an input: `- file - namespace -`.
fn named(result: &CheckResult) -> String {
    match result.file.as_str() {
        "-" => format!("- - {} -", result.namespace),
        file => format!("- {file} - {} -", result.namespace),
    }
}

/// `file:line:column`, as far as it is known, of a result.
fn place(finding: &Finding) -> Option<String> {
    let (file, line, column) = finding.place()?;
    let mut text = file.to_owned();
    for number in [line, column].into_iter().map_while(|number| number) {
        text.push_str(&format!(":{number}"));
    }
    Some(text)
}

/// What could not be done, in a line.
fn message_of(trouble: &Trouble) -> String {
    match trouble.place {
        Some((line, column)) => format!("{} (line {line}, column {column})", trouble.message),
        None => trouble.message.clone(),
    }
}
