//! Errors as JSON, in OPA's shape.

use std::io::{self, Write};

use regovm::{ErrorReport, Failure, Location, Stage};
use serde_json::{Map, Value, json};

use super::go_json;

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
            .map(|at| json!({"location": location(at)}))
            .collect();
        object.insert("stack_trace".into(), frames.into());
    }
    Value::Object(object)
}
