//! Declarations: they agree with OPA's, and their examples are true.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "tests may read files"
)]

mod common;

use std::collections::HashMap;
use std::path::Path;

use regovm_core::builtin::Purity;
use regovm_core::types::{FunctionType, Type};
use regovm_core::{Arena, Constant};

#[test]
fn examples_hold() {
    let table = regovm_stdlib::table();
    for (_, decl) in table.iter() {
        for example in decl.examples {
            let arena = Arena::new();
            let (name, arguments) = common::Reader::new(example.call, &arena).call();
            assert_eq!(name, decl.name, "an example of another function");
            let got = common::run(&table, &arena, name, &arguments);
            let got = match got {
                Ok(Some(value)) => value.to_string(),
                Ok(None) | Err(_) => String::new(),
            };
            let want = match example.result {
                "" => String::new(),
                text => common::Reader::new(text, &arena).term().to_string(),
            };
            assert_eq!(got, want, "{}", example.call);
        }
    }
}

#[test]
fn declarations_are_whole() {
    let table = regovm_stdlib::table();
    let silent = [
        "assign",
        "print",
        "internal.print",
        "internal.test_case",
        // The compiler puts in their values, in rules.
        "rego.metadata.chain",
        "rego.metadata.rule",
        "walk",
    ];
    for (id, decl) in table.iter() {
        assert!(
            Type::parse(decl.signature).is_ok(),
            "{}: {}",
            decl.name,
            decl.signature
        );
        assert!(table.function_type(id).is_some());
        assert!(
            decl.doc.ends_with(['.', '!']),
            "{}: {}",
            decl.name,
            decl.doc
        );
        assert!(
            !decl.examples.is_empty() || silent.contains(&decl.name),
            "{} has no example",
            decl.name
        );
    }
}

/// OPA's own declarations, as data.
fn capabilities() -> Option<String> {
    let path = std::env::var("REGOVM_OPA_CAPABILITIES")
        .unwrap_or_else(|_| "/work/shared/opa/capabilities.json".to_owned());
    if Path::new(&path).exists() {
        return std::fs::read_to_string(path).ok();
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{path} is missing"
    );
    println!("skipped: {path} is missing");
    None
}

#[test]
fn declarations_agree_with_opa() {
    let Some(text) = capabilities() else {
        return;
    };
    let arena = Arena::new();
    let value = regovm_core::json::read(text.as_bytes(), &arena, Default::default()).expect("JSON");
    let capabilities = regovm_core::value::to_constant(value);
    let Some(Constant::Array(theirs)) = capabilities.get("builtins") else {
        panic!("no list of built-ins");
    };
    let theirs: HashMap<&str, &Constant> = theirs
        .iter()
        .filter_map(|builtin| Some((builtin.get("name")?.as_str()?, builtin)))
        .collect();

    let table = regovm_stdlib::table();
    let mut differences = Vec::new();
    for (id, decl) in table.iter() {
        let Some(their) = theirs.get(decl.name) else {
            differences.push(format!("{}: OPA has none", decl.name));
            continue;
        };
        let flag = |name| their.get(name) == Some(&Constant::Boolean(true));
        let mut compare = |what: &str, ours: String, theirs: String| {
            if ours != theirs {
                differences.push(format!("{}: {what} is {ours}, not {theirs}", decl.name));
            }
        };
        let infix = their.get("infix").and_then(Constant::as_str);
        compare("infix", format!("{:?}", decl.infix), format!("{infix:?}"));
        compare(
            "relation",
            decl.relation.to_string(),
            flag("relation").to_string(),
        );
        compare(
            "deprecated",
            decl.deprecated.to_string(),
            flag("deprecated").to_string(),
        );
        let nondeterministic = decl.purity == Purity::Nondeterministic;
        compare(
            "nondeterministic",
            nondeterministic.to_string(),
            flag("nondeterministic").to_string(),
        );
        let ours = table.function_type(id).expect("of this table");
        compare(
            "type",
            shown_function(ours),
            shown_theirs(their.get("decl").expect("a decl")),
        );
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

/// A type in a form that both sides can be brought to.
fn shown(tpe: &Type) -> String {
    let sorted = |mut parts: Vec<String>| {
        parts.sort();
        parts.join("|")
    };
    match tpe {
        Type::Null => "null".to_owned(),
        Type::Boolean => "boolean".to_owned(),
        Type::Number => "number".to_owned(),
        Type::String => "string".to_owned(),
        Type::Any(of) => format!("any({})", sorted(of.iter().map(shown).collect())),
        Type::Array { fixed, rest } => {
            let fixed: Vec<_> = fixed.iter().map(shown).collect();
            format!(
                "array({};{})",
                fixed.join(","),
                rest.as_deref().map(shown).unwrap_or_default()
            )
        }
        Type::Set(of) => format!("set({})", shown(of)),
        Type::Object { fixed, rest } => {
            let fixed = fixed
                .iter()
                .map(|(key, value)| format!("{}:{}", key.as_str().unwrap_or("?"), shown(value)))
                .collect();
            let rest = rest
                .as_deref()
                .map(|(key, value)| format!("{}=>{}", shown(key), shown(value)));
            format!("object({};{})", sorted(fixed), rest.unwrap_or_default())
        }
        Type::Function(function) => shown_function(function),
    }
}

fn shown_function(function: &FunctionType) -> String {
    let params: Vec<_> = function.params.iter().map(shown).collect();
    let variadic = function.variadic.as_ref().map(shown).unwrap_or_default();
    let result = function.result.as_ref().map(shown).unwrap_or_default();
    format!("({}; {variadic}) -> {result}", params.join(", "))
}

fn shown_theirs(tpe: &Constant) -> String {
    let list = |name| match tpe.get(name) {
        Some(Constant::Array(items)) => items.as_slice(),
        _ => &[],
    };
    let one = |name| tpe.get(name).map(shown_theirs).unwrap_or_default();
    let sorted = |mut parts: Vec<String>| {
        parts.sort();
        parts.join("|")
    };
    match tpe.get("type").and_then(Constant::as_str).unwrap_or("") {
        "any" => format!(
            "any({})",
            sorted(list("of").iter().map(shown_theirs).collect())
        ),
        "array" => {
            let fixed: Vec<_> = list("static").iter().map(shown_theirs).collect();
            format!("array({};{})", fixed.join(","), one("dynamic"))
        }
        "set" => format!("set({})", one("of")),
        "object" => {
            let field =
                |item: &Constant, name| item.get(name).map(shown_theirs).unwrap_or_default();
            let fixed = list("static")
                .iter()
                .map(|item| {
                    let key = item.get("key").and_then(Constant::as_str).unwrap_or("?");
                    format!("{key}:{}", field(item, "value"))
                })
                .collect();
            let rest = tpe
                .get("dynamic")
                .map(|rest| format!("{}=>{}", field(rest, "key"), field(rest, "value")));
            format!("object({};{})", sorted(fixed), rest.unwrap_or_default())
        }
        "function" => {
            let params: Vec<_> = list("args").iter().map(shown_theirs).collect();
            format!(
                "({}; {}) -> {}",
                params.join(", "),
                one("variadic"),
                one("result")
            )
        }
        simple => simple.to_owned(),
    }
}
