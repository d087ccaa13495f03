//! Texts that are no Rego, with the complaints of OPA 1.22.0 as recorded from it.

use regovm_core::SourceMap;
use regovm_parser::ast::RegoVersion;
use regovm_parser::{ParseOptions, parse_module, parse_query};
use serde_json::Value;

#[test]
fn complaints_equal_opa() {
    let cases: Value = serde_json::from_str(include_str!("data/errors.json")).unwrap();
    let mut wrong = Vec::new();
    for case in cases.as_array().unwrap() {
        let text = case["text"].as_str().unwrap();
        let version = if case["v"] == "v0" {
            RegoVersion::V0
        } else {
            RegoVersion::V1
        };
        let options = ParseOptions {
            version,
            is_builtin: Some(|name| name == "gt"),
            ..ParseOptions::default()
        };
        let mut sources = SourceMap::new();
        let id = sources.add("", text).unwrap();
        let errors = if case["query"] == true {
            parse_query(&sources, id, &options).err()
        } else {
            parse_module(&sources, id, &options).err()
        };
        let found: Vec<(u64, u64, String)> = errors
            .unwrap_or_default()
            .into_iter()
            .map(|error| {
                let at = sources.locate(error.span).unwrap();
                (u64::from(at.row), u64::from(at.col), error.message)
            })
            .collect();
        let wanted: Vec<(u64, u64, String)> = case["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| {
                let message = error[2].as_str().unwrap().to_string();
                (
                    error[0].as_u64().unwrap(),
                    error[1].as_u64().unwrap(),
                    message,
                )
            })
            .collect();
        if found != wanted {
            wrong.push(format!("{text}\n  OPA: {wanted:?}\n  we: {found:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
}
