//! Solutions of a query in every output format.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{go_json, table};
use crate::args::EvalFormat;

/// The value of one expression of the query.
pub struct ExpressionValue {
    /// What it evaluated to.
    pub value: Value,
    /// Its text.
    pub text: String,
    /// Where it stands in the query.
    pub row: u32,
    /// Where it stands in the query.
    pub col: u32,
}

/// One solution.
pub struct Solution {
    /// In the order of the query.
    pub expressions: Vec<ExpressionValue>,
    /// Values of the variables that the query names.
    pub bindings: Map<String, Value>,
}

/// Prints all solutions.
pub fn write(out: &mut impl Write, format: EvalFormat, solutions: &[Solution]) -> io::Result<()> {
    match format {
        EvalFormat::Json => go_json::write_indented(out, &as_json(solutions)),
        EvalFormat::Discard if solutions.is_empty() => go_json::write_indented(out, &json!({})),
        EvalFormat::Discard => go_json::write_indented(out, &json!({"result": "discarded"})),
        EvalFormat::Bindings => solutions.iter().try_for_each(|solution| {
            go_json::write_indented(out, &Value::Object(solution.bindings.clone()))
        }),
        EvalFormat::Values => solutions.iter().try_for_each(|solution| {
            let values = solution
                .expressions
                .iter()
                .map(|e| e.value.clone())
                .collect();
            go_json::write_indented(out, &Value::Array(values))
        }),
        EvalFormat::Raw => solutions.iter().try_for_each(|solution| raw(out, solution)),
        EvalFormat::Pretty => pretty(out, solutions),
    }
}

fn as_json(solutions: &[Solution]) -> Value {
    if solutions.is_empty() {
        return json!({});
    }
    let result: Vec<Value> = solutions
        .iter()
        .map(|solution| {
            let expressions: Vec<Value> =
                solution.expressions.iter().map(expression_json).collect();
            let mut object = Map::new();
            object.insert("expressions".into(), Value::Array(expressions));
            if !solution.bindings.is_empty() {
                object.insert("bindings".into(), Value::Object(solution.bindings.clone()));
            }
            Value::Object(object)
        })
        .collect();
    Value::Object(Map::from_iter([(
        "result".to_owned(),
        Value::Array(result),
    )]))
}

/// Built by hand: `json!` would read numbers again and respell their exponents.
fn expression_json(expression: &ExpressionValue) -> Value {
    Value::Object(Map::from_iter([
        ("value".to_owned(), expression.value.clone()),
        ("text".to_owned(), expression.text.as_str().into()),
        (
            "location".to_owned(),
            json!({"row": expression.row, "col": expression.col}),
        ),
    ]))
}

fn raw(out: &mut impl Write, solution: &Solution) -> io::Result<()> {
    for (i, expression) in solution.expressions.iter().enumerate() {
        if i > 0 {
            out.write_all(b" ")?;
        }
        match &expression.value {
            Value::String(text) => out.write_all(text.as_bytes())?,
            value => out.write_all(go_json::compact(value).as_bytes())?,
        }
    }
    out.write_all(b"\n")
}

fn pretty(out: &mut impl Write, solutions: &[Solution]) -> io::Result<()> {
    let Some(first) = solutions.first() else {
        return out.write_all(b"undefined\n");
    };
    if solutions.len() == 1 && first.bindings.is_empty() {
        let all_boolean = first.expressions.iter().all(|e| e.value.is_boolean());
        if let [only, rest @ ..] = first.expressions.as_slice()
            && (rest.is_empty() || all_boolean)
        {
            return go_json::write_indented(out, &only.value);
        }
    }
    // Expressions first, in order; then variables by name.
    let shown: Vec<usize> = (0..first.expressions.len())
        .filter(|i| !first.expressions[*i].value.is_boolean() || first.bindings.is_empty())
        .collect();
    let mut names: Vec<&String> = first.bindings.keys().collect();
    names.sort();
    let head: Vec<String> = shown
        .iter()
        .map(|i| first.expressions[*i].text.clone())
        .chain(names.iter().map(|name| (*name).clone()))
        .collect();
    let rows: Vec<Vec<String>> = solutions
        .iter()
        .map(|solution| {
            let expressions = shown.iter().map(|i| &solution.expressions[*i].value);
            let variables = names
                .iter()
                .map(|name| solution.bindings.get(*name).unwrap_or(&Value::Null));
            expressions.chain(variables).map(go_json::compact).collect()
        })
        .collect();
    writeln!(out, "{}", table::render(&head, &rows))
}
