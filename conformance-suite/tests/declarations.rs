//! The declarations of built-ins against OPA's own tables: nothing missing, nothing extra, the same types and flags.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use regovm::Capabilities;
use regovm_conformance::locate::opa_cases;
use serde_json::{Map, Value};

/// A table of OPA, which lies beside its cases.
fn table(name: &str) -> Option<Value> {
    let cases: PathBuf = match opa_cases() {
        Ok(cases) => cases,
        Err(message) => {
            assert!(std::env::var_os("CI").is_none(), "{message}");
            eprintln!("{message}");
            return None;
        }
    };
    let path = cases.parent().unwrap().join(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_str(&text).unwrap())
}

fn by_name(document: &Value) -> BTreeMap<String, Value> {
    document["builtins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|builtin| {
            (
                builtin["name"].as_str().unwrap().to_owned(),
                builtin.clone(),
            )
        })
        .collect()
}

fn ours() -> BTreeMap<String, Value> {
    by_name(&serde_json::from_str(&Capabilities::current().to_json()).unwrap())
}

/// What counts: the types without names and texts, the operator, the flags.
fn essence(builtin: &Value) -> Value {
    fn plain(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let kept = members
                    .iter()
                    .filter(|(key, _)| !matches!(key.as_str(), "name" | "description"));
                let mut kept: Map<String, Value> = kept
                    .map(|(key, value)| (key.clone(), plain(value)))
                    .collect();
                // The members of a union have no order.
                if let Some(Value::Array(of)) = kept.get_mut("of") {
                    of.sort_by_key(Value::to_string);
                }
                kept.sort_keys();
                Value::Object(kept)
            }
            Value::Array(list) => list.iter().map(plain).collect(),
            other => other.clone(),
        }
    }
    let members = builtin.as_object().unwrap().iter();
    plain(&Value::Object(
        members
            .filter(|(key, _)| key.as_str() != "categories")
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    ))
}

#[test]
fn declarations_are_those_of_opa() {
    let Some(capabilities) = table("capabilities.json") else {
        return;
    };
    let (ours, theirs) = (ours(), by_name(&capabilities));
    let names = |table: &BTreeMap<String, Value>| table.keys().cloned().collect::<BTreeSet<_>>();
    let extra: Vec<_> = names(&ours)
        .difference(&names(&theirs))
        .filter(|name| !name.starts_with("regovm."))
        .cloned()
        .collect();
    assert!(extra.is_empty(), "not of OPA: {extra:?}");
    let missing: Vec<_> = names(&theirs).difference(&names(&ours)).cloned().collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    for (name, builtin) in &ours {
        assert_eq!(essence(builtin), essence(&theirs[name]), "{name}");
    }
}

#[test]
fn names_of_arguments_and_results_and_first_releases_are_those_of_opa() {
    let Some(metadata) = table("builtin_metadata.json") else {
        return;
    };
    let name_of = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    for (name, builtin) in ours() {
        let theirs = &metadata[&name];
        let list = |value: &Value| -> Vec<String> {
            value
                .as_array()
                .into_iter()
                .flatten()
                .map(name_of)
                .collect()
        };
        assert_eq!(
            list(&builtin["decl"]["args"]),
            list(&theirs["args"]),
            "{name}"
        );
        assert_eq!(
            name_of(&builtin["decl"]["result"]),
            name_of(&theirs["result"]),
            "{name}"
        );
        let introduced = theirs["introduced"].as_str().unwrap();
        let release = introduced.split('-').next().unwrap();
        assert!(
            Capabilities::of_release(release).unwrap().allows(&name),
            "{name}: {release}"
        );
        if release != "v0.17.0" {
            let (minor, patch) = release.rsplit_once('.').unwrap();
            let (major, minor) = minor.rsplit_once('.').unwrap();
            let before: u32 = minor.parse::<u32>().unwrap().saturating_sub(1);
            // A patch release counts as its minor release; 0.70 is the last before 1.0.
            let before = match (major, minor, patch) {
                (_, _, patch) if patch != "0" && minor == "17" => continue,
                ("v1", "0", _) => "v0.70.0".to_owned(),
                _ => format!("{major}.{before}.0"),
            };
            assert!(
                !Capabilities::of_release(&before).unwrap().allows(&name),
                "{name}: {before}"
            );
        }
    }
}

#[test]
fn opas_own_file_is_read_and_written_as_it_is() {
    let Some(document) = table("capabilities.json") else {
        return;
    };
    let read = Capabilities::parse(&document.to_string()).unwrap();
    let written: Value = serde_json::from_str(&read.to_json()).unwrap();
    assert_eq!(written, document);
    assert!(read.allows("http.send") && !read.allows("regovm.anything"));
}
