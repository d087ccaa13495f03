//! The bodies of `json.match_schema` and `json.verify_schema`.

use std::collections::HashMap;
use std::sync::Arc;

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::json::{self, Style};
use regovm_core::value::{ArrayBuilder, Value, View};

use super::compile::{Schema, compile};
use super::validate::{Failure, validate};
use crate::operand::{Outcome, failed, operands};
use crate::text::{charge_bytes, charge_text};

/// Schemas that a session keeps.
const CACHED: usize = 100;

/// Compiled schemas by their JSON text.
#[derive(Default)]
struct Cache(HashMap<String, Arc<Schema>>);

/// An operand as JSON text: a string is one, a collection becomes one.
fn json_text(cx: &mut Call<'_, '_>, operand: Value<'_>) -> Result<String, BuiltinError> {
    match operand.view() {
        View::String(text) => {
            charge_bytes(cx, text.as_str().len())?;
            Ok(text.as_str().to_owned())
        }
        View::Object(_) | View::Array(_) => {
            charge_text(cx, operand)?;
            Ok(json::to_string(operand, Style::Compact))
        }
        _ => Err(failed("wrong type, expected string or object")),
    }
}

fn read<'a>(cx: &mut Call<'a, '_>, text: &str) -> Result<Value<'a>, BuiltinError> {
    charge_bytes(cx, text.len() * 4)?;
    cx.reserve(text.len().saturating_mul(2))?;
    json::read(text.as_bytes(), cx.arena, Default::default()).map_err(|error| match error.memory {
        Some(memory) => memory.into(),
        None => failed("invalid JSON string"),
    })
}

fn schema(cx: &mut Call<'_, '_>, operand: Value<'_>) -> Result<Arc<Schema>, BuiltinError> {
    let text = json_text(cx, operand)?;
    if let Some(known) = cx.cache::<Cache>().0.get(&text) {
        return Ok(Arc::clone(known));
    }
    // Read from its text, so that no part of it stands in two places.
    let document = read(cx, &text)?;
    let compiled = Arc::new(compile(cx, document)?);
    let cache = &mut cx.cache::<Cache>().0;
    if cache.len() >= CACHED {
        cache.clear();
    }
    cache.insert(text, Arc::clone(&compiled));
    Ok(compiled)
}

pub(super) fn verify_schema<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [operand] = operands(arguments)?;
    let (valid, reason) = match schema(cx, operand) {
        Ok(_) => (true, Value::NULL),
        Err(error @ (BuiltinError::Stop(_) | BuiltinError::Halt(..))) => return Err(error),
        Err(BuiltinError::Type(text) | BuiltinError::Value(text)) => {
            (false, cx.arena.string(&format!("jsonschema: {text}")))
        }
    };
    Ok(Some(cx.arena.array(&[Value::boolean(valid), reason])))
}

pub(super) fn match_schema<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [document, schema_operand] = operands(arguments)?;
    let text = json_text(cx, document)?;
    let document = read(cx, &text)?;
    let schema = schema(cx, schema_operand)?;
    let verdict = validate(cx, &schema, document)?;
    let valid = Value::boolean(verdict.failures.is_empty());
    let mut errors = ArrayBuilder::new();
    for failure in &verdict.failures {
        errors.push(cx.arena, error(cx, failure))?;
    }
    let errors = errors.finish(cx.arena);
    Ok(Some(cx.arena.array(&[valid, errors])))
}

fn error<'a>(cx: &mut Call<'a, '_>, failure: &Failure) -> Value<'a> {
    let Failure {
        kind,
        field,
        description,
    } = failure;
    let text = |text: &str| cx.arena.string(text);
    cx.arena.record(&[
        (text("desc"), text(description)),
        (text("error"), text(&format!("{field}: {description}"))),
        (text("field"), text(field)),
        (text("type"), text(kind)),
    ])
}
