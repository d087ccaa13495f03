//! Whether an answer is the one that a case wants, by the rules of OPA's own runner.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::case::{CompileCase, EvalCase, WantError};
use crate::engine::CaseError;
use crate::number::canonical;

/// Compares the answer to an evaluation case.
///
/// # Errors
/// What differs.
pub fn evaluation(case: &EvalCase, got: &Result<Vec<Value>, CaseError>) -> Result<(), String> {
    if let Some(want) = &case.want_error {
        match got {
            Ok(_) => return Err(format!("expected the error {want:?} but it succeeded")),
            Err(error) if !error.text().contains(want) && !reworded(want, error) => {
                return Err(format!(
                    "expected the error text {want:?}, got {:?}",
                    error.text()
                ));
            }
            Err(_) => {}
        }
    }
    if let Some(want) = &case.want_error_code {
        match got {
            Ok(_) => {
                return Err(format!(
                    "expected an error with code {want} but it succeeded"
                ));
            }
            Err(error) if error.code != *want => {
                return Err(format!("expected the error code {want}, got {error}"));
            }
            Err(_) => {}
        }
    }
    let wants_error = case.want_error.is_some() || case.want_error_code.is_some();
    let solutions = match got {
        Err(_) if wants_error => return Ok(()),
        Err(error) => return Err(format!("unexpected error: {}", error.text())),
        Ok(solutions) => solutions,
    };
    if let Some(want) = case.want_defined
        && want == solutions.is_empty()
    {
        return Err(format!(
            "expected defined to be {want}, got {} solutions",
            solutions.len()
        ));
    }
    match &case.want_result {
        Some(want) => results(
            want,
            solutions,
            case.sort_bindings,
            case.ignore_generated_vars,
        ),
        None if case.want_defined.is_some() => Ok(()),
        None => Err("the case wants nothing".to_owned()),
    }
}

/// Both sides are sets of binding objects: order and repetition do not count.
fn results(
    want: &[Value],
    got: &[Value],
    sort: bool,
    ignore_generated: bool,
) -> Result<(), String> {
    let want: BTreeSet<String> = want.iter().map(|b| bindings(b, sort, false)).collect();
    let got: BTreeSet<String> = got
        .iter()
        .map(|b| bindings(b, sort, ignore_generated))
        .collect();
    if want == got {
        Ok(())
    } else {
        Err(format!("expected {}, got {}", shown(&want), shown(&got)))
    }
}

fn shown(set: &BTreeSet<String>) -> String {
    format!("[{}]", set.iter().cloned().collect::<Vec<_>>().join(", "))
}

fn bindings(value: &Value, sort: bool, ignore_generated: bool) -> String {
    let Value::Object(map) = value else {
        return normal(value);
    };
    let mut fields: Vec<String> = Vec::new();
    for (name, value) in map {
        if ignore_generated && name.starts_with("__localq") {
            continue;
        }
        let text = match value {
            Value::Array(items) if sort => {
                let mut items: Vec<String> = items.iter().map(normal).collect();
                items.sort();
                format!("[{}]", items.join(","))
            }
            _ => normal(value),
        };
        fields.push(format!("{}:{text}", Value::from(name.as_str())));
    }
    fields.sort();
    format!("{{{}}}", fields.join(","))
}

/// Text that equal values share.
fn normal(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => value.to_string(),
        Value::Number(number) => canonical(&number.to_string()),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(normal).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(map) => {
            let mut fields: Vec<String> = map
                .iter()
                .map(|(k, v)| format!("{}:{}", Value::from(k.as_str()), normal(v)))
                .collect();
            fields.sort();
            format!("{{{}}}", fields.join(","))
        }
    }
}

/// The cases that are checked out beside the project come from an older OPA
/// than the pinned one, which words two messages anew: it names the rule, and
/// on further lines each value with its place. Each line: the old text, and how
/// the first line of the new one begins and ends.
const REWORDED: &[(&str, &str, &str)] = &[
    (
        "complete rules must not produce multiple outputs",
        "rule data.",
        " produced conflicting values",
    ),
    (
        "functions must not produce multiple outputs for same inputs",
        "function data.",
        " produced conflicting values for the same inputs",
    ),
];

fn reworded(want: &str, got: &CaseError) -> bool {
    let first = got
        .message
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches(':');
    REWORDED.iter().any(|(old, begin, end)| {
        want.ends_with(old)
            && got.code == "eval_conflict_error"
            && first.starts_with(begin)
            && first.ends_with(end)
    })
}

/// Compares the errors of a compile case.
///
/// # Errors
/// What is missing and what is too much.
pub fn compilation(case: &CompileCase, got: &[CaseError]) -> Result<(), String> {
    if case.ordered {
        let same = case.want_errors.len() == got.len()
            && case
                .want_errors
                .iter()
                .zip(got)
                .all(|(want, got)| matches(want, got));
        if same {
            return Ok(());
        }
    } else {
        let mut left: Vec<&CaseError> = got.iter().collect();
        let mut missing = false;
        for want in &case.want_errors {
            match left.iter().position(|got| matches(want, got)) {
                Some(position) => {
                    left.remove(position);
                }
                None => missing = true,
            }
        }
        if !missing && (left.is_empty() || !case.exhaustive) {
            return Ok(());
        }
    }
    let mut out = String::from("errors differ");
    for want in &case.want_errors {
        let mark = if got.iter().any(|got| matches(want, got)) {
            ' '
        } else {
            '-'
        };
        let module = want.module.as_deref().unwrap_or("test-0.rego");
        out += &format!(
            "\n  {mark} {module}:{}:{}: {}: {}",
            want.row, want.col, want.code, want.message
        );
    }
    for got in got {
        if !case.want_errors.iter().any(|want| matches(want, got)) {
            out += &format!("\n  + {got}");
        }
    }
    if !out.contains("\n  -") && !out.contains("\n  +") {
        out += "\n  (only their order or number differs)";
        for got in got {
            out += &format!("\n  + {got}");
        }
    }
    Err(out)
}

fn matches(want: &WantError, got: &CaseError) -> bool {
    want.module.as_deref().unwrap_or("test-0.rego") == got.file
        && want.code == got.code
        && want.row == got.row
        && (want.col == 0 || want.col == got.col)
        && want.message == got.message
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{compilation, evaluation};
    use crate::case::{CompileCase, EvalCase, WantError};
    use crate::engine::CaseError;

    fn wants(result: Value) -> EvalCase {
        serde_json::from_value(json!({"want_result": result})).unwrap()
    }

    fn solutions(value: Value) -> Result<Vec<Value>, CaseError> {
        Ok(serde_json::from_value(value).unwrap())
    }

    #[test]
    fn solutions_are_a_set() {
        let case = wants(json!([{"x": 1}, {"x": 2}]));
        assert!(evaluation(&case, &solutions(json!([{"x": 2.0}, {"x": 1}, {"x": 1}]))).is_ok());
        assert!(evaluation(&case, &solutions(json!([{"x": 2}]))).is_err());
        assert!(evaluation(&wants(json!([])), &solutions(json!([]))).is_ok());
        assert!(evaluation(&wants(json!([])), &solutions(json!([{}]))).is_err());
    }

    #[test]
    fn arrays_are_sorted_only_on_request() {
        let mut case = wants(json!([{"x": [1, 2]}]));
        assert!(evaluation(&case, &solutions(json!([{"x": [2, 1]}]))).is_err());
        case.sort_bindings = true;
        assert!(evaluation(&case, &solutions(json!([{"x": [2, 1]}]))).is_ok());
        assert!(evaluation(&case, &solutions(json!([{"x": [2, 1, 1]}]))).is_err());
    }

    #[test]
    fn generated_variables() {
        let mut case = wants(json!([{"x": 1}]));
        assert!(evaluation(&case, &solutions(json!([{"x": 1, "__localq0__": 2}]))).is_err());
        case.ignore_generated_vars = true;
        assert!(evaluation(&case, &solutions(json!([{"x": 1, "__localq0__": 2}]))).is_ok());
    }

    fn conflict(message: &str) -> Result<Vec<Value>, CaseError> {
        Err(CaseError {
            code: "eval_conflict_error".into(),
            message: message.into(),
            ..CaseError::default()
        })
    }

    #[test]
    fn error_texts() {
        let case: EvalCase = serde_json::from_value(json!({
            "want_error_code": "eval_conflict_error",
            "want_error": "complete rules must not produce multiple outputs",
        }))
        .unwrap();
        assert!(
            evaluation(
                &case,
                &conflict("complete rules must not produce multiple outputs")
            )
            .is_ok()
        );
        assert!(
            evaluation(
                &case,
                &conflict(
                    "rule data.a.p produced conflicting values:\n  1 at a.rego:3\n  2 at a.rego:4"
                )
            )
            .is_ok()
        );
        assert!(evaluation(&case, &conflict("object keys must be unique")).is_err());
        assert!(evaluation(&case, &solutions(json!([]))).is_err());
    }

    #[test]
    fn compile_errors() {
        let want = |row| WantError {
            code: "c".into(),
            message: "m".into(),
            row,
            col: 2,
            ..WantError::default()
        };
        let got = |row| CaseError {
            code: "c".into(),
            message: "m".into(),
            file: "test-0.rego".into(),
            row,
            col: 2,
        };
        let mut case = CompileCase {
            want_errors: vec![want(1), want(2)],
            ..CompileCase::default()
        };
        assert!(compilation(&case, &[got(2), got(1), got(3)]).is_ok());
        case.exhaustive = true;
        assert!(compilation(&case, &[got(2), got(1), got(3)]).is_err());
        assert!(compilation(&case, &[got(2), got(1)]).is_ok());
        case.ordered = true;
        assert!(compilation(&case, &[got(2), got(1)]).is_err());
        assert!(compilation(&case, &[got(1), got(2)]).is_ok());
        assert!(compilation(&case, &[got(1)]).is_err());
    }
}
