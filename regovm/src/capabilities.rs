//! What a policy may use of the language and of the built-ins, in OPA's format.

use regovm_core::builtin::{BuiltinDecl, BuiltinId, Purity, Release, Table};
use regovm_core::types::{FunctionType, Type};
use regovm_core::{Code, Constant, Diagnostic, Span};
use regovm_parser::ast::RegoVersion;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// The newest release of OPA that regovm answers like; the oracle of the tests is of this release.
const NEWEST: Release = (1, 22);
/// The oldest release of OPA that published its capabilities.
const OLDEST: Release = (0, 17);

/// Parts of the language with the releases of OPA that had them as a feature by this name.
const FEATURES: &[(&str, Release, Release)] = &[
    ("keywords_in_refs", (1, 6), NEWEST),
    ("rego_v1", (1, 0), NEWEST),
    ("rego_v1_import", (0, 59), (0, 70)),
    ("rule_head_ref_string_prefixes", (0, 46), (0, 70)),
    ("rule_head_refs", (0, 59), (0, 70)),
    ("template_strings", (1, 12), NEWEST),
];

/// Keywords that a module had to import, with the releases of OPA in which it had to.
const FUTURE_KEYWORDS: &[(&str, Release, Release)] = &[
    ("and", (1, 20), NEWEST),
    ("contains", (0, 42), (0, 70)),
    ("every", (0, 38), (0, 70)),
    ("if", (0, 42), (0, 70)),
    ("in", (0, 34), (0, 70)),
    ("not", (1, 17), NEWEST),
    ("or", (1, 20), NEWEST),
];

/// The releases of OPA that published capabilities: major, minor, last patch, number of candidates for the first.
#[rustfmt::skip]
const RELEASES: &[(u16, u16, u16, u16)] = &[
    (0, 17, 3, 0), (0, 18, 0, 0), (0, 19, 2, 1), (0, 20, 5, 0), (0, 21, 1, 0), (0, 22, 0, 0), (0, 23, 2, 0),
    (0, 24, 0, 0), (0, 25, 2, 4), (0, 26, 0, 0), (0, 27, 1, 0), (0, 28, 0, 0), (0, 29, 4, 0), (0, 30, 2, 0),
    (0, 31, 0, 0), (0, 32, 1, 0), (0, 33, 1, 0), (0, 34, 2, 0), (0, 35, 0, 0), (0, 36, 1, 0), (0, 37, 2, 0),
    (0, 38, 1, 0), (0, 39, 0, 0), (0, 40, 0, 0), (0, 41, 0, 0), (0, 42, 2, 0), (0, 43, 1, 0), (0, 44, 0, 0),
    (0, 45, 0, 0), (0, 46, 3, 0), (0, 47, 4, 0), (0, 48, 0, 0), (0, 49, 2, 0), (0, 50, 2, 0), (0, 51, 0, 0),
    (0, 52, 0, 0), (0, 53, 1, 0), (0, 54, 0, 0), (0, 55, 0, 0), (0, 56, 0, 0), (0, 57, 1, 0), (0, 58, 0, 0),
    (0, 59, 0, 0), (0, 60, 0, 0), (0, 61, 0, 0), (0, 62, 1, 0), (0, 63, 0, 0), (0, 64, 1, 0), (0, 65, 0, 0),
    (0, 66, 0, 0), (0, 67, 1, 0), (0, 68, 0, 0), (0, 69, 0, 0), (0, 70, 0, 0), (1, 0, 1, 0), (1, 1, 0, 0),
    (1, 2, 0, 0), (1, 3, 0, 0), (1, 4, 2, 0), (1, 5, 1, 0), (1, 6, 0, 0), (1, 7, 0, 0), (1, 8, 0, 0), (1, 9, 0, 0),
    (1, 10, 0, 0), (1, 11, 1, 0), (1, 12, 3, 0), (1, 13, 2, 0), (1, 14, 1, 0), (1, 15, 1, 0), (1, 16, 2, 0),
    (1, 17, 1, 0), (1, 18, 2, 0), (1, 19, 1, 0), (1, 20, 2, 0), (1, 21, 4, 0), (1, 22, 0, 0),
];

/// A list of built-ins and features, as `opa capabilities` prints it.
///
/// A policy that is compiled with one may call only the built-ins that it names.
///
/// ```
/// use regovm::{Capabilities, Engine};
///
/// let old = Capabilities::of_release("v0.60.0").unwrap();
/// assert!(old.allows("split") && !old.allows("strings.split_n"));
///
/// let mut engine = Engine::new();
/// engine.set_capabilities(Capabilities::of_release("v1.0.0").unwrap());
/// engine.add_module("p.rego", "package p\nhead := strings.split_n(input.path, \"/\", 1)\n");
/// let failure = engine.check().unwrap_err();
/// assert_eq!(failure.errors[0].message, "undefined function strings.split_n");
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Capabilities {
    document: Value,
    builtins: HashSet<String>,
    features: HashSet<String>,
}

impl Capabilities {
    /// All that this build has.
    pub fn current() -> Capabilities {
        Capabilities::with(NEWEST, &crate::builtins())
    }

    /// What OPA had in a release, as far as this build has it: `v1.4.2`, `0.62`.
    pub fn of_release(release: &str) -> Option<Capabilities> {
        let release = release.strip_prefix('v').unwrap_or(release);
        let mut parts = release.split('.').map(|part| part.parse::<u16>().ok());
        let (major, minor) = (parts.next()??, parts.next()??);
        let rest: Vec<_> = parts.collect();
        let known = (OLDEST..=NEWEST).contains(&(major, minor));
        let plain = rest.len() <= 1 && rest.iter().all(Option::is_some);
        (known && plain).then(|| Capabilities::with((major, minor), &crate::builtins()))
    }

    /// All that a table has.
    pub(crate) fn with_all(table: &Table) -> Capabilities {
        Capabilities::with(NEWEST, table)
    }

    /// The same with the built-ins of a caller that a table has.
    pub(crate) fn with_custom(&self, table: &Table) -> Capabilities {
        let mut with = self.clone();
        let Value::Object(document) = &mut with.document else {
            return with;
        };
        let list = document
            .entry("builtins")
            .or_insert_with(|| Value::Array(Vec::new()));
        for (id, decl) in table.custom() {
            if let (Value::Array(list), Some(function)) = (&mut *list, table.function_type(id))
                && with.builtins.insert(decl.name.to_owned())
            {
                list.push(entry(&decl, function));
            }
        }
        with
    }

    /// The releases that [`Capabilities::of_release`] knows by name, oldest first.
    pub fn releases() -> Vec<String> {
        let mut names = Vec::new();
        for (major, minor, last, candidates) in RELEASES {
            let candidate = |n| format!("v{major}.{minor}.0-rc{n}");
            names.extend((1..=*candidates).map(candidate));
            names.extend((0..=*last).map(|patch| format!("v{major}.{minor}.{patch}")));
        }
        names
    }

    /// Reads what [`Capabilities::to_json`] or `opa capabilities` wrote.
    ///
    /// # Errors
    /// A text says what is no JSON or has another form.
    pub fn parse(text: &str) -> Result<Capabilities, String> {
        let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let names = |key: &str, name: fn(&Value) -> Option<&str>| match document.get(key) {
            None | Some(Value::Null) => Ok(HashSet::new()),
            Some(Value::Array(list)) => list
                .iter()
                .map(|entry| name(entry).map(str::to_owned))
                .collect::<Option<HashSet<_>>>()
                .ok_or_else(|| format!("{key}: an entry without a name")),
            Some(_) => Err(format!("{key} must be an array")),
        };
        if !document.is_object() {
            return Err("capabilities must be an object".to_owned());
        }
        let builtins = names("builtins", |entry| entry.get("name")?.as_str())?;
        let features = names("features", Value::as_str)?;
        names("allow_net", Value::as_str)?;
        Ok(Capabilities {
            document,
            builtins,
            features,
        })
    }

    fn with(release: Release, table: &Table) -> Capabilities {
        let mut builtins: Vec<(BuiltinId, BuiltinDecl<'_>)> = table
            .iter()
            .filter(|(_, decl)| decl.since <= release)
            .collect();
        builtins.sort_by_key(|(_, decl)| decl.name);
        let entries: Vec<Value> = builtins
            .iter()
            .filter_map(|(id, decl)| Some(entry(decl, table.function_type(*id)?)))
            .collect();
        let named = |list: &[(&'static str, Release, Release)]| -> Vec<&'static str> {
            list.iter()
                .filter(|(_, first, last)| (*first..=*last).contains(&release))
                .map(|(name, ..)| *name)
                .collect()
        };
        let features = named(FEATURES);
        Capabilities {
            document: json!({
                "builtins": entries,
                "future_keywords": named(FUTURE_KEYWORDS),
                "wasm_abi_versions": null,
                "features": features,
            }),
            builtins: builtins
                .iter()
                .map(|(_, decl)| decl.name.to_owned())
                .collect(),
            features: features.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// OPA's format, indented.
    pub fn to_json(&self) -> String {
        format!("{:#}", self.document)
    }

    /// Whether policies may call a built-in.
    pub fn allows(&self, builtin: &str) -> bool {
        self.builtins.contains(builtin)
    }

    /// Whether they have a part of the language by this name.
    pub fn has_feature(&self, name: &str) -> bool {
        self.features.contains(name)
    }

    /// The machines that policies may reach; `None` if the capabilities say nothing of it.
    pub fn allow_net(&self) -> Option<Vec<String>> {
        let machines = self.document.get("allow_net")?.as_array()?;
        let names = machines.iter().filter_map(Value::as_str);
        Some(names.map(str::to_owned).collect())
    }

    /// The error that OPA has for modules of a dialect that the capabilities lack.
    pub(crate) fn refuses(&self, version: RegoVersion) -> Option<Diagnostic> {
        let lacks = version == RegoVersion::V1 && !self.features.contains("rego_v1");
        lacks.then(|| {
            let message = "illegal capabilities: rego_v1 feature required for parsing v1 Rego";
            Diagnostic::new(Code::Parse, Span::NONE, message)
                .with_hint("policies of that release are Rego v0: --v0-compatible")
        })
    }
}

/// Built-ins of some names as entries without words: what policies need.
pub(crate) fn minimal_entries(
    table: &Table,
    names: &std::collections::BTreeSet<String>,
) -> Vec<Value> {
    let entries = names.iter().filter_map(|name| {
        let id = table.id(name)?;
        let (_, decl) = table.iter().find(|(other, _)| *other == id)?;
        let mut entry = entry(&decl, table.function_type(id)?);
        if let Value::Object(members) = &mut entry {
            members.retain(|key, _| !matches!(key.as_str(), "description" | "categories"));
            if let Some(Value::Object(function)) = members.get_mut("decl") {
                let args = function.get_mut("args").and_then(Value::as_array_mut);
                let nameless = args.into_iter().flatten();
                for part in nameless.filter_map(Value::as_object_mut) {
                    part.retain(|key, _| !matches!(key.as_str(), "name" | "description"));
                }
                if let Some(Value::Object(result)) = function.get_mut("result") {
                    result.retain(|key, _| !matches!(key.as_str(), "name" | "description"));
                }
            }
        }
        Some(entry)
    });
    entries.collect()
}

/// Keywords that modules of a dialect may import.
pub(crate) fn importable_keywords(v1: bool) -> impl Iterator<Item = &'static str> {
    let still = move |last: Release| !v1 || last == NEWEST;
    FUTURE_KEYWORDS
        .iter()
        .filter(move |(_, _, last)| still(*last))
        .map(|(name, ..)| *name)
}

fn entry(decl: &BuiltinDecl<'_>, function: &FunctionType) -> Value {
    let mut entry = Map::new();
    entry.insert("name".to_owned(), decl.name.into());
    entry.insert("description".to_owned(), decl.doc.into());
    entry.insert("categories".to_owned(), json!(decl.categories));
    entry.insert("decl".to_owned(), function_json(function));
    if let Some(infix) = decl.infix {
        entry.insert("infix".to_owned(), infix.into());
    }
    for (flag, set) in [
        ("relation", decl.relation),
        ("nondeterministic", decl.purity == Purity::Nondeterministic),
        ("deprecated", decl.deprecated),
    ] {
        if set {
            entry.insert(flag.to_owned(), true.into());
        }
    }
    Value::Object(entry)
}

fn function_json(function: &FunctionType) -> Value {
    let mut json = Map::new();
    let named = |name: &str, ty: &Type| {
        let mut json = type_json(ty);
        if let (Value::Object(members), false) = (&mut json, name.is_empty()) {
            members.insert("name".to_owned(), name.into());
            members.sort_keys();
        }
        json
    };
    if !function.params.is_empty() {
        let params = function.names.iter().zip(&function.params);
        let args: Vec<Value> = params.map(|(name, ty)| named(name, ty)).collect();
        json.insert("args".to_owned(), args.into());
    }
    if let Some(result) = &function.result {
        json.insert("result".to_owned(), named(&function.result_name, result));
    }
    json.insert("type".to_owned(), "function".into());
    if let Some(variadic) = &function.variadic {
        json.insert("variadic".to_owned(), type_json(variadic));
    }
    Value::Object(json)
}

/// A type in OPA's JSON.
fn type_json(ty: &Type) -> Value {
    match ty {
        Type::Null => json!({"type": "null"}),
        Type::Boolean => json!({"type": "boolean"}),
        Type::Number => json!({"type": "number"}),
        Type::String => json!({"type": "string"}),
        Type::Any(members) if members.is_empty() => json!({"type": "any"}),
        Type::Any(members) => {
            json!({"of": members.iter().map(type_json).collect::<Vec<_>>(), "type": "any"})
        }
        Type::Set(element) => json!({"of": type_json(element), "type": "set"}),
        Type::Array { fixed, rest } => {
            let mut json = Map::new();
            if let Some(rest) = rest {
                json.insert("dynamic".to_owned(), type_json(rest));
            }
            if !fixed.is_empty() {
                let fixed: Vec<Value> = fixed.iter().map(type_json).collect();
                json.insert("static".to_owned(), fixed.into());
            }
            json.insert("type".to_owned(), "array".into());
            Value::Object(json)
        }
        Type::Object { fixed, rest } => {
            let mut json = Map::new();
            if let Some(rest) = rest {
                let (key, value) = (type_json(&rest.0), type_json(&rest.1));
                json.insert("dynamic".to_owned(), json!({"key": key, "value": value}));
            }
            if !fixed.is_empty() {
                let members = fixed.iter().map(|(key, value)| {
                    let key = match key {
                        Constant::String(text) => Value::from(&**text),
                        other => Value::from(format!("{other:?}")),
                    };
                    json!({"key": key, "value": type_json(value)})
                });
                json.insert("static".to_owned(), members.collect());
            }
            json.insert("type".to_owned(), "object".into());
            Value::Object(json)
        }
        Type::Function(function) => function_json(function),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_known_by_their_numbers() {
        assert!(Capabilities::of_release("v0.16.2").is_none());
        assert!(Capabilities::of_release("v9.0.0").is_none());
        assert!(Capabilities::of_release("v1").is_none());
        assert!(Capabilities::of_release("1.4.2.1").is_none());
        let (first, now) = (
            Capabilities::of_release("v0.17.0").unwrap(),
            Capabilities::current(),
        );
        assert!(first.allows("count") && !first.allows("strings.count"));
        assert!(first.builtins.is_subset(&now.builtins));
        assert!(
            first.refuses(RegoVersion::V1).is_some() && first.refuses(RegoVersion::V0).is_none()
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let now = Capabilities::current();
        assert_eq!(Capabilities::parse(&now.to_json()), Ok(now));
        for wrong in [
            "[]",
            "{\"builtins\": 1}",
            "{\"builtins\": [{}]}",
            "{",
            "{\"allow_net\": [1]}",
        ] {
            assert!(Capabilities::parse(wrong).is_err(), "{wrong}");
        }
    }
}
