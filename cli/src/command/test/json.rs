//! Results as `opa test --format json` writes them.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regovm::testing::{Cases, Outcome};
use serde_json::{Map, Value, json};

use super::{Done, TestArgs};
use crate::render::{bench, errors, go_json};

/// Writes all results.
pub fn write(args: &TestArgs, out: &mut impl Write, results: &[Done<'_>]) -> io::Result<()> {
    let list: Vec<Value> = results.iter().map(|done| result(args, done)).collect();
    go_json::write_indented(out, &Value::from(list))
}

fn result(args: &TestArgs, done: &Done<'_>) -> Value {
    let Done { test, result } = done;
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| {
        object.insert(name.to_owned(), value);
    };
    let location = test.location.as_ref().map(errors::location);
    put("location", location.unwrap_or(Value::Null));
    put("package", test.package.clone().into());
    put("name", test.name.clone().into());
    match &result.outcome {
        Outcome::Failed => put("fail", true.into()),
        Outcome::Error(failure) => put("error", errors::of_evaluation(failure)),
        _ => {}
    }
    if test.skipped {
        put("skip", true.into());
    }
    put("duration", super::nanoseconds(result).into());
    if let Some(trace) = &result.trace {
        let trace = trace.filter(args.filter());
        if !trace.is_empty() {
            put("trace", trace.to_json());
        }
    }
    if !result.output.is_empty() {
        put("output", STANDARD.encode(&result.output).into());
    }
    if let Some(measured) = &result.measured {
        put("benchmark_result", bench::json(measured));
    }
    if !result.cases.is_empty() {
        put("sub_results", cases(&result.cases));
    }
    Value::Object(object)
}

fn cases(all: &Cases) -> Value {
    let case = |(key, case): (&String, &regovm::testing::CaseResult)| {
        let mut object = Map::new();
        if !case.name.is_empty() {
            object.insert("name".to_owned(), case.name.clone().into());
        }
        if case.failed {
            object.insert("fail".to_owned(), true.into());
        }
        if !case.cases.is_empty() {
            object.insert("sub_results".to_owned(), cases(&case.cases));
        }
        (key.clone(), json!(object))
    };
    Value::Object(all.iter().map(case).collect())
}
