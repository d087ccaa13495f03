//! Errors as the caller sees them: located, with their source line, ready to print.

use std::fmt::Write;

use regovm_parser::EMPTY_MODULE;

use regovm_core::{Code, Diagnostic, Location, SourceMap, Span};

use crate::advice::advice;

/// When something went wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// While reading policies and documents.
    Load,
    /// While reading an input.
    Input,
    /// While checking and compiling policies and queries.
    Compile,
    /// While evaluating.
    Evaluate,
}

/// One or more errors that ended an operation.
#[derive(Clone, Debug)]
pub struct Failure {
    /// When.
    pub stage: Stage,
    /// What; never empty.
    pub errors: Vec<ErrorReport>,
}

/// One error.
#[derive(Clone, Debug)]
pub struct ErrorReport {
    /// OPA's code; `None` for errors of loading, which have none in OPA either.
    pub code: Option<Code>,
    /// The message.
    pub message: String,
    /// Where.
    pub location: Option<Location>,
    /// For errors of the parser: the source line and the column to point at (from 0).
    pub source_line: Option<(String, usize)>,
    /// OPA's `details` as JSON text.
    pub details: Option<String>,
    /// Lines that belong below the message.
    pub detail_lines: Vec<String>,
    /// The line of the source with the part that the error is about.
    pub excerpt: Option<Excerpt>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What was under way when an error of an evaluation arose, innermost first; see
    /// [`Engine::trace_back`](crate::Engine::trace_back).
    pub trace: Vec<TraceFrame>,
}

/// A query, rule or body that was under way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceFrame {
    /// Its number, in the order in which they began.
    pub query: u64,
    /// Where the expression stands that was evaluated.
    pub location: Option<Location>,
    /// That expression with values in the place of variables, on one line.
    pub text: String,
}

/// Characters of the text of a frame.
const MAX_FRAME_TEXT: usize = 80;

impl TraceFrame {
    /// A text on one line, cut where OPA cuts it.
    pub(crate) fn one_line(text: &str) -> String {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match text.char_indices().nth(MAX_FRAME_TEXT) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text,
        }
    }
}

impl std::fmt::Display for TraceFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.location {
            None => return f.write_str("<unknown>"),
            Some(at) if at.file.is_empty() => write!(f, "{}:{}", at.row, at.col)?,
            Some(at) => write!(f, "{}:{}", at.file, at.row)?,
        }
        if self.text.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.text)
    }
}

/// A line of a source, and the part of it that an error is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Excerpt {
    /// The line without its end.
    pub line: String,
    /// Characters before the part.
    pub before: usize,
    /// Characters of the part, at least one.
    pub width: usize,
}

impl Excerpt {
    /// The part that the error is about, as far as it stands on the line.
    pub fn part(&self) -> &str {
        let place = |characters: usize| {
            let found = self.line.char_indices().nth(characters);
            found.map_or(self.line.len(), |(at, _)| at)
        };
        &self.line[place(self.before)..place(self.before + self.width)]
    }

    pub(crate) fn of(span: Span, sources: &SourceMap) -> Option<Excerpt> {
        let at = sources.locate(span)?;
        let line = sources.line(span).to_owned();
        let before = (at.col.checked_sub(1)? as usize).min(line.chars().count());
        let part = sources.text(span);
        let first = part.split('\n').next().unwrap_or("").trim_end();
        let rest = line.chars().count() - before;
        let width = first.chars().count().min(rest).max(1);
        Some(Excerpt {
            line,
            before,
            width,
        })
    }
}

impl Failure {
    /// A failure with a single error that has only a message.
    pub fn message(stage: Stage, message: impl Into<String>) -> Failure {
        Failure {
            stage,
            errors: vec![ErrorReport::message(message)],
        }
    }

    /// The same with a hint.
    pub(crate) fn with_hint(mut self, hint: Option<String>) -> Failure {
        if let Some(error) = self.errors.first_mut() {
            error.hint = hint;
        }
        self
    }

    /// All of it as OPA prints it: `1 error occurred: ..` or a list, with source lines and hints, each line ended.
    /// `during` follows `occurred`.
    pub fn text(&self, during: &str) -> String {
        let mut text = self.heading(during);
        for error in &self.errors {
            error.push_text(&mut text);
        }
        text
    }

    /// The same without hints: OPA's text to the letter.
    pub fn plain_text(&self, during: &str) -> String {
        let mut text = self.heading(during);
        for error in &self.errors {
            error.push_plain_text(&mut text);
        }
        text
    }

    /// `1 error occurred: `, or a line that says how many.
    pub fn heading(&self, during: &str) -> String {
        // Of a text without statements OPA makes no list of errors, unless it was loading several.
        if let [only] = self.errors.as_slice()
            && during.is_empty()
            && only.message == EMPTY_MODULE
        {
            return String::new();
        }
        match self.errors.len() {
            1 => format!("1 error occurred{during}: "),
            n => format!("{n} errors occurred{during}:\n"),
        }
    }

    /// Diagnostics of a stage, located in their sources.
    pub(crate) fn from_diagnostics(
        stage: Stage,
        diagnostics: Vec<Diagnostic>,
        sources: &SourceMap,
    ) -> Failure {
        let errors = diagnostics
            .into_iter()
            .map(|d| ErrorReport::from_diagnostic(d, sources))
            .collect();
        Failure { stage, errors }
    }
}

impl ErrorReport {
    /// An error that has only a message.
    pub fn message(message: impl Into<String>) -> ErrorReport {
        ErrorReport {
            code: None,
            message: message.into(),
            location: None,
            source_line: None,
            details: None,
            detail_lines: Vec::new(),
            excerpt: None,
            hint: None,
            trace: Vec::new(),
        }
    }

    /// What to do about it: the hint of the stage that found it, or what is known of such errors.
    pub fn advice(&self) -> Option<&str> {
        match &self.hint {
            Some(hint) => Some(hint),
            None => advice(self.code, &self.message),
        }
    }

    /// The message with its place, and below it the source line and what else there is to say.
    pub(crate) fn push_text(&self, text: &mut String) {
        let mut plain = String::new();
        self.push_plain_text(&mut plain);
        let traced = plain
            .find("\n\nTraceback:\n")
            .map_or(plain.len(), |at| at + 1);
        text.push_str(&plain[..traced]);
        if let Some(hint) = self.advice() {
            // Writing to a text never fails.
            let _ = writeln!(text, "\thint: {hint}");
        }
        text.push_str(&plain[traced..]);
    }

    fn push_plain_text(&self, text: &mut String) {
        let mut line = |line: std::fmt::Arguments<'_>| {
            // Writing to a text never fails.
            let _ = text.write_fmt(line);
            text.push('\n');
        };
        line(format_args!("{self}"));
        if let Some((source, column)) = &self.source_line {
            let plain = source.trim_start_matches('\t');
            let indent = column.saturating_sub(source.len() - plain.len());
            line(format_args!("\t{plain}"));
            line(format_args!("\t{:indent$}^", ""));
        }
        for detail in &self.detail_lines {
            line(format_args!("\t{detail}"));
        }
        if !self.trace.is_empty() {
            line(format_args!("\nTraceback:"));
            for frame in &self.trace {
                line(format_args!("  {frame}"));
            }
        }
    }

    fn from_diagnostic(diagnostic: Diagnostic, sources: &SourceMap) -> ErrorReport {
        ErrorReport {
            code: Some(diagnostic.code),
            location: sources.locate(diagnostic.span),
            message: diagnostic.message,
            excerpt: Excerpt::of(diagnostic.span, sources),
            source_line: (diagnostic.code == Code::Parse)
                .then(|| source_line(diagnostic.details.as_deref()))
                .flatten(),
            details: diagnostic.details,
            detail_lines: diagnostic.detail_lines,
            hint: diagnostic.hint,
            trace: Vec::new(),
        }
    }
}

/// The line and column that the details of a parse error name.
fn source_line(details: Option<&str>) -> Option<(String, usize)> {
    let details: serde_json::Value = serde_json::from_str(details?).ok()?;
    let line = details.get("line")?.as_str()?.to_owned();
    Some((line, details.get("idx")?.as_u64()? as usize))
}

impl std::fmt::Display for ErrorReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of_evaluation = self
            .code
            .is_some_and(|code| code.as_str().starts_with("eval_"));
        match (&self.location, &self.excerpt) {
            (None, _) => {}
            (Some(at), _) if !at.file.is_empty() => write!(f, "{}:{}: ", at.file, at.row)?,
            // OPA shows what was evaluated where there is no file, and places for all else.
            (Some(_), Some(excerpt)) if of_evaluation && !excerpt.part().is_empty() => {
                write!(f, "{}: ", excerpt.part())?;
            }
            (Some(at), _) => write!(f, "{}:{}: ", at.row, at.col)?,
        }
        if let Some(code) = self.code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, error) in self.errors.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
