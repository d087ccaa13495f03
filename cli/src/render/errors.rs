//! Errors: for scripts OPA's text to the letter and OPA's JSON, for people more.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use regovm::{ErrorReport, Excerpt, Failure, Location, Stage};

use serde_json::{Map, Value, json};

use super::colour::{self, Colour};
use super::go_json;

/// Prints errors to standard error. `during` follows `occurred`.
pub fn print(failure: &Failure, during: &str) -> io::Result<()> {
    print_after("", failure, during)
}

/// The same behind a text.
pub fn print_after(before: &str, failure: &Failure, during: &str) -> io::Result<()> {
    let text = if for_people() {
        let coloured = colour::wanted(io::stderr().is_terminal());
        for_reading(failure, during, coloured)
    } else {
        failure.plain_text(during)
    };
    write!(io::stderr().lock(), "{before}{text}")
}

/// Prints a line to standard error, and what to do about it if somebody is there who reads it.
pub fn complain(line: &str) -> io::Result<()> {
    writeln!(io::stderr().lock(), "{line}")?;
    print_hint(regovm::advice(None, line))
}

/// Prints errors of a command that loads several files, which are always a list.
pub fn print_list(failure: &Failure) -> io::Result<()> {
    let is_list = !failure.heading("").is_empty();
    print_after(if is_list { "" } else { ONE_ERROR }, failure, "")
}

/// What stands before the only error of a list.
const ONE_ERROR: &str = "1 error occurred: ";

/// Prints a hint to standard error, if somebody is there who reads it.
pub fn print_hint(hint: Option<&str>) -> io::Result<()> {
    match hint {
        Some(hint) if for_people() => writeln!(io::stderr().lock(), "\thint: {hint}"),
        _ => Ok(()),
    }
}

/// Whether errors are read by people: standard error is a terminal. `REGOVM_ERRORS=full` and `REGOVM_ERRORS=plain` decide it
/// otherwise.
fn for_people() -> bool {
    match std::env::var("REGOVM_ERRORS").as_deref() {
        Ok("full") => true,
        Ok("plain") => false,
        _ => io::stderr().is_terminal(),
    }
}

/// OPA's line of each error, then the line of the source with the part underlined, and what to do.
fn for_reading(failure: &Failure, during: &str, coloured: bool) -> String {
    let paint = |colour: Colour, text: &str| colour::paint(coloured, colour, text);
    let mut out = failure.heading(during);
    for error in &failure.errors {
        let _ = writeln!(out, "{}", paint(Colour::Bold, &error.to_string()));
        if let Some(excerpt) = &error.excerpt {
            push_excerpt(&mut out, excerpt, error, coloured);
        }
        for line in &error.detail_lines {
            let _ = writeln!(out, "   {line}");
        }
        if let Some(hint) = error.advice() {
            let _ = writeln!(out, "   {} {hint}", paint(Colour::Yellow, "hint:"));
        }
        if !error.trace.is_empty() {
            let _ = writeln!(out, "   called from:");
        }
        for frame in &error.trace {
            let _ = writeln!(out, "     {frame}");
        }
    }
    out
}

fn push_excerpt(out: &mut String, excerpt: &Excerpt, error: &ErrorReport, coloured: bool) {
    let row = error.location.as_ref().map_or(0, |at| at.row).to_string();
    let gutter = " ".repeat(row.len());
    let bar = colour::paint(coloured, Colour::Cyan, "|");
    let row = colour::paint(coloured, Colour::Cyan, &row);
    // Tabs keep their place below themselves.
    let before: String = excerpt
        .line
        .chars()
        .take(excerpt.before)
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect();
    let marks = colour::paint(coloured, Colour::Red, &"^".repeat(excerpt.width));
    let _ = writeln!(out, "   {gutter} {bar}");
    let _ = writeln!(out, "   {row} {bar} {}", excerpt.line);
    let _ = writeln!(out, "   {gutter} {bar} {before}{marks}");
}

/// `{"errors": [..]}` as OPA prints it.
pub fn write_json(out: &mut impl Write, errors: &[ErrorReport]) -> io::Result<()> {
    go_json::write_indented(out, &all_as_json(errors))
}

/// `{"errors": [..]}`.
pub fn all_as_json(errors: &[ErrorReport]) -> Value {
    let list: Vec<Value> = errors.iter().map(as_json).collect();
    json!({"errors": list})
}

/// A place as OPA writes it.
pub fn location(at: &Location) -> Value {
    json!({"file": &*at.file, "row": at.row, "col": at.col})
}

/// The error that ended an evaluation; errors of compilation are a list.
pub fn of_evaluation(failure: &Failure) -> Value {
    match (failure.stage, failure.errors.as_slice()) {
        (Stage::Evaluate, [only]) => code_first(as_json(only)),
        (_, errors) => errors
            .iter()
            .map(|error| code_first(as_json(error)))
            .collect(),
    }
}

/// The code before the message.
fn code_first(error: Value) -> Value {
    let Value::Object(mut members) = error else {
        return error;
    };
    let mut sorted = Map::new();
    if let Some((name, code)) = members.shift_remove_entry("code") {
        sorted.insert(name, code);
    }
    sorted.extend(members);
    Value::Object(sorted)
}

/// One error.
pub fn as_json(error: &ErrorReport) -> Value {
    let mut object = Map::new();
    object.insert("message".into(), error.message.clone().into());
    if let Some(code) = error.code {
        object.insert("code".into(), code.as_str().into());
    }
    if let Some(at) = &error.location {
        object.insert("location".into(), location(at));
    }
    if let Some(details) = error
        .details
        .as_ref()
        .and_then(|text| serde_json::from_str::<Value>(text).ok())
    {
        object.insert("details".into(), details);
    }
    if !error.trace.is_empty() {
        let frames: Vec<Value> = error
            .trace
            .iter()
            .map(|frame| {
                let mut object = Map::new();
                object.insert("query_id".into(), frame.query.into());
                if let Some(at) = &frame.location {
                    object.insert("location".into(), location(at));
                }
                Value::Object(object)
            })
            .collect();
        object.insert("stack_trace".into(), frames.into());
    }
    Value::Object(object)
}
