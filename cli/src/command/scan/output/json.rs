//! JSON: conftest's objects. Inputs and namespaces that could not be decided have `errors`, places that were found have a
//! `column`.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::Shown;
use crate::command::scan::findings::{CheckResult, Finding};
use crate::command::scan::inputs::Trouble;
use crate::render::go_json;

pub fn write(out: &mut impl Write, shown: &Shown<'_>) -> io::Result<()> {
    let mut all: Vec<Value> = shown.results.iter().map(of_result).collect();
    for trouble in shown.troubles {
        all.push(json!({
            "filename": file(&trouble.file),
            "namespace": "",
            "successes": 0,
            "errors": [of_trouble(trouble)],
        }));
    }
    go_json::write_indented_by(out, &all.into(), "\t")
}

/// Standard input has no name.
fn file(name: &str) -> &str {
    if name == "-" { "" } else { name }
}

fn of_result(result: &CheckResult) -> Value {
    let mut members = Map::new();
    members.insert("filename".to_owned(), file(&result.file).into());
    members.insert("namespace".to_owned(), result.namespace.as_str().into());
    members.insert("successes".to_owned(), result.successes.into());
    let kinds = [
        ("warnings", &result.warnings),
        ("failures", &result.failures),
        ("exceptions", &result.exceptions),
    ];
    for (name, findings) in kinds {
        if !findings.is_empty() {
            let list: Vec<Value> = findings.iter().map(of_finding).collect();
            members.insert(name.to_owned(), list.into());
        }
    }
    if !result.errors.is_empty() {
        let list: Vec<Value> = result.errors.iter().map(of_trouble).collect();
        members.insert("errors".to_owned(), list.into());
    }
    Value::Object(members)
}

fn of_finding(finding: &Finding) -> Value {
    let mut members = Map::new();
    members.insert("msg".to_owned(), finding.message.as_str().into());
    if let Some(location) = location(finding) {
        members.insert("loc".to_owned(), location);
    }
    if !finding.metadata.is_empty() {
        members.insert("metadata".to_owned(), finding.metadata.clone().into());
    }
    Value::Object(members)
}

fn location(finding: &Finding) -> Option<Value> {
    let mut members = Map::new();
    let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
    match (&finding.told, &finding.found) {
        (Some(told), _) => {
            if !told.file.is_empty() {
                set("file", told.file.as_str().into());
            }
            // The number as the policy has it.
            if let Ok(line) = serde_json::from_str(&told.line) {
                set("line", line);
            }
            if let Some(column) = told.column {
                set("column", column.into());
            }
        }
        (None, Some((file, place))) => {
            set("file", file.as_str().into());
            set("line", place.line.into());
            set("column", place.column.into());
        }
        (None, None) => return None,
    }
    Some(Value::Object(members))
}

fn of_trouble(trouble: &Trouble) -> Value {
    let mut members = Map::new();
    members.insert("msg".to_owned(), trouble.message.as_str().into());
    if let Some((line, column)) = trouble.place {
        let place = json!({"file": file(&trouble.file), "line": line, "column": column});
        members.insert("loc".to_owned(), place);
    }
    if let Some(hint) = &trouble.hint {
        members.insert("hint".to_owned(), hint.as_str().into());
    }
    Value::Object(members)
}
