//! Printing a tree and parsing the text gives the same tree, places aside.

#![allow(clippy::disallowed_methods, reason = "tests may read files")]

use std::path::Path;

use proptest::prelude::*;
use regovm_core::{SourceMap, Span};
use regovm_parser::ast::{Body, ExprKind, Module, RegoVersion, Rule, TermKind};
use regovm_parser::{ParseOptions, canonical, parse_module, parse_query, shape};
use serde_json::Value;

fn parse(text: &str, version: RegoVersion) -> Option<Module> {
    let mut sources = SourceMap::new();
    let id = sources.add("", text).unwrap();
    let options = ParseOptions {
        version,
        ..ParseOptions::default()
    };
    parse_module(&sources, id, &options).ok()
}

fn parse_body(text: &str) -> Option<Body> {
    let mut sources = SourceMap::new();
    let id = sources.add("", text).unwrap();
    let mut body = parse_query(&sources, id, &ParseOptions::default())
        .ok()?
        .body;
    shape::place_body(&mut body, Span::NONE);
    Some(body)
}

/// Takes away what depends on the text and not on its meaning.
fn bare(mut module: Module) -> String {
    module.comments.clear();
    module.span = Span::NONE;
    module.package.span = Span::NONE;
    module
        .package
        .path
        .iter_mut()
        .for_each(|term| shape::place_term(term, Span::NONE));
    for import in &mut module.imports {
        import.span = Span::NONE;
        import.alias_span = Span::NONE;
        shape::place_term(&mut import.path, Span::NONE);
    }
    module.rules.iter_mut().for_each(bare_rule);
    // Each `_` has a name of its own, which depends on the order of the text.
    let mut text = format!("{module:#?}");
    while let Some(at) = text.find("\"$") {
        let end = text[at + 1..].find('"').unwrap() + at + 2;
        text.replace_range(at..end, "\"_\"");
    }
    text
}

fn bare_rule(rule: &mut Rule) {
    rule.span = Span::NONE;
    rule.head.span = Span::NONE;
    for term in rule.head.reference.iter_mut().chain(&mut rule.head.args) {
        shape::place_term(term, Span::NONE);
    }
    for term in rule.head.key.iter_mut().chain(&mut rule.head.value) {
        shape::place_term(term, Span::NONE);
    }
    shape::place_body(&mut rule.body, Span::NONE);
    if let Some(branch) = &mut rule.else_rule {
        bare_rule(branch);
    }
}

fn check(text: &str, version: RegoVersion) -> bool {
    let Some(module) = parse(text, version) else {
        return false;
    };
    let printed = canonical::module(&module);
    let again = parse(&printed, version)
        .unwrap_or_else(|| panic!("not Rego any more:\n{text}\n--- printed:\n{printed}"));
    assert!(
        bare(module) == bare(again.clone()),
        "differs:\n{text}\n--- printed:\n{printed}"
    );
    assert_eq!(canonical::module(&again), printed, "not canonical:\n{text}");
    true
}

/// Every module of a folder of cases; how many there were.
fn check_cases(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let mut count = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += check_cases(&path);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let Ok(value) = serde_json::from_str::<Value>(&text) else {
            continue;
        };
        for case in value["cases"].as_array().unwrap_or(&Vec::new()) {
            let v0 = path.components().any(|c| c.as_os_str() == "v0")
                || case["rego_version"]
                    .as_str()
                    .is_some_and(|v| v.starts_with("v0"));
            let version = if v0 { RegoVersion::V0 } else { RegoVersion::V1 };
            for module in case["modules"].as_array().unwrap_or(&Vec::new()) {
                if let Some(module) = module.as_str() {
                    count += usize::from(check(module, version));
                }
            }
        }
    }
    count
}

#[test]
fn own_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance-suite/cases");
    assert!(check_cases(&folder) > 100);
}

#[test]
fn cases_of_opa() {
    let folder = std::env::var_os("REGOVM_OPA_CASES").unwrap_or("/work/shared/opa/cases".into());
    // Not every machine has them.
    check_cases(Path::new(&folder));
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-e]",
        1 => Just("_".to_string()),
        1 => Just("input".to_string()),
        1 => Just("data.x.y".to_string()),
        1 => Just("a[_].if[\"b c\"]".to_string()),
    ]
}

fn term() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        name(),
        "-?[1-9][0-9]{0,3}(\\.[0-9])?(e[0-9])?",
        Just("null".to_string()),
        Just("true".to_string()),
        "\"[a-z {]{0,5}\"",
        "`[a-z\\\\{\"]{0,5}`",
        Just("\"\\n\\u0001\\\\\"".to_string()),
    ];
    leaf.prop_recursive(4, 40, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            (inner.clone(), inner.clone(), 0..15usize).prop_map(|(x, y, op)| {
                let op = [
                    "+", "-", "*", "/", "%", "&", "|", "==", "!=", "<", ">", "<=", ">=", "in", "+",
                ][op];
                format!("({x} {op} {y})")
            }),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(x, y, z)| format!("{x} + {y} * {z}")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(x, y, z)| format!("({x}, {y} in {z})")),
            proptest::collection::vec(inner.clone(), 0..3)
                .prop_map(|v| format!("[{}]", v.join(", "))),
            proptest::collection::vec(inner.clone(), 1..3)
                .prop_map(|v| format!("{{({})}}", v.join("), ("))),
            proptest::collection::vec(pair.clone(), 0..3).prop_map(|v| {
                let v: Vec<_> = v
                    .into_iter()
                    .map(|(x, y)| format!("({x}): ({y})"))
                    .collect();
                format!("{{{}}}", v.join(", "))
            }),
            pair.clone()
                .prop_map(|(x, y)| format!("[({x}) | z := ({y}); not z]")),
            pair.clone().prop_map(|(x, y)| format!("{{({x}) | ({y})}}")),
            pair.clone()
                .prop_map(|(x, y)| format!("{{({x}): ({y}) | some k, v in ({y})}}")),
            pair.clone()
                .prop_map(|(x, y)| format!("f.g(({x}), ({y}))[({x})]")),
            pair.clone().prop_map(|(x, y)| format!("[({x})][({y})].z")),
            inner.clone().prop_map(|x| format!("-a[({x})].b")),
            "[a-z{\\\\]{0,4}".prop_map(|t| format!(
                "$\"{}{{a}}{{1}}\"",
                t.replace('\\', "\\\\").replace('{', "\\{")
            )),
        ]
    })
}

fn literal() -> impl Strategy<Value = String> {
    let term = || term().prop_map(|t| format!("({t})"));
    prop_oneof![
        term(),
        self::term(),
        (term(), term()).prop_map(|(x, y)| format!("{x} = {y}")),
        ("[a-e]", self::term()).prop_map(|(x, y)| format!("{x} := {y}")),
        term().prop_map(|x| format!("not {x}")),
        (term(), term()).prop_map(|(x, y)| format!("{x} with input.a as {y} with data.b as 1")),
        term().prop_map(|x| format!("some v in {x}")),
        (term(), term()).prop_map(|(x, y)| format!("every k, v in {x} {{ v == {y}; k }}")),
        Just("some x, y".to_string()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn generated_rules(
        first in proptest::collection::vec(literal(), 1..4),
        value in term(),
        key in term(),
    ) {
        let body = first.join("\n");
        let text = format!(
            "package a.b[\"c d\"].e\nimport data.x.y as z\n\n\
             p := {value}\nq contains {key} if {{\n{body}\n}}\nf(x, [_, y]) := {value} if {{ {body} }} \
             else := {key} if {{ {body} }} else := 1\nr[({key})].s := {value} if {{\n{body}\n}} {{ true }}\n\
             default d := 1\nt if not x\n"
        );
        prop_assert!(check(&text, RegoVersion::V1), "no Rego: {text}");
    }

    #[test]
    fn generated_queries(parts in proptest::collection::vec(literal(), 1..4)) {
        let text = parts.join("; ");
        let body = parse_body(&text);
        prop_assert!(body.is_some(), "no Rego: {text}");
        if let Some(body) = body {
            let printed = canonical::query(&body);
            let again = parse_body(&printed);
            let same = again.as_ref().is_some_and(|again| without_names(again) == without_names(&body));
            prop_assert!(same, "{text}\n--- printed:\n{printed}");
        }
    }
}

fn without_names(body: &Body) -> String {
    let mut text = format!("{body:?}");
    while let Some(at) = text.find("\"$") {
        let end = text[at + 1..].find('"').unwrap() + at + 2;
        text.replace_range(at..end, "\"_\"");
    }
    text
}

#[test]
fn generated_texts_are_rego() {
    // The property tests skip what does not parse: make sure that this is the exception.
    let body = parse_body("(a + b) * -c[(1)].d; some k, v in xs; x := {y: z | not y}").unwrap();
    assert_eq!(body.len(), 3);
    assert!(matches!(body[1].kind, ExprKind::Some(_)));
    let ExprKind::Call(terms) = &body[2].kind else {
        panic!("an assignment")
    };
    assert!(matches!(terms[2].kind, TermKind::ObjectComprehension(_)));
}
