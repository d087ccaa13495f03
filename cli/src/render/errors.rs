//! Errors as JSON, in OPA's shape.

use std::io::{self, Write};

use regovm::ErrorReport;
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

/// One error.
pub fn as_json(error: &ErrorReport) -> Value {
    let mut object = Map::new();
    object.insert("message".into(), error.message.clone().into());
    if let Some(code) = error.code {
        object.insert("code".into(), code.as_str().into());
    }
    if let Some(at) = &error.location {
        object.insert(
            "location".into(),
            json!({"file": &*at.file, "row": at.row, "col": at.col}),
        );
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
            .map(|at| json!({"location": {"file": &*at.file, "row": at.row, "col": at.col}}))
            .collect();
        object.insert("stack_trace".into(), frames.into());
    }
    Value::Object(object)
}
