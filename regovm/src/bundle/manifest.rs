//! `.manifest`: what a bundle says of itself.

use std::collections::BTreeMap;

use regovm_core::value::Arena;
use regovm_parser::ast::RegoVersion;
use serde_json::{Map, Value};

use super::{BundleError, marshal, roots};
use crate::document::read_stream;

/// What a bundle says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    /// Names the state of the bundle.
    pub revision: String,
    /// Which parts of `data` it owns, without slashes around; see [`Manifest::roots`].
    pub roots: Option<Vec<String>>,
    /// Rules that WebAssembly modules have.
    pub wasm: Vec<WasmResolver>,
    /// The dialect of its policies: 0 or 1.
    pub rego_version: Option<i64>,
    /// The dialects of policies that have another one, by globs of their paths.
    pub file_rego_versions: BTreeMap<String, i64>,
    /// What its makers wanted to say.
    pub metadata: Option<Map<String, Value>>,
}

/// A rule that a WebAssembly module has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WasmResolver {
    /// The rule: `a/b`.
    pub entrypoint: String,
    /// The file of the module.
    pub module: String,
    /// What its metadata says.
    pub annotations: Option<Value>,
}

const EVERYTHING: &[String] = &[String::new()];

impl Manifest {
    /// The roots; without any the bundle owns everything.
    pub fn roots(&self) -> &[String] {
        self.roots.as_deref().unwrap_or(EVERYTHING)
    }

    /// Reads the text of a `.manifest`.
    pub(super) fn read(bytes: &[u8]) -> Result<Manifest, BundleError> {
        let failed = |reason: String| {
            BundleError::new(format!("bundle load failed on manifest decode: {reason}"))
        };
        let arena = Arena::new();
        let value = read_stream(bytes, &arena).map_err(|error| failed(error.message))?;
        let Value::Object(members) = crate::convert::to_json(value) else {
            let kind = kind(&crate::convert::to_json(value));
            return Err(failed(format!(
                "json: cannot unmarshal {kind} into Go value of type bundle.Manifest"
            )));
        };
        Manifest::of_members(&members).map_err(failed)
    }

    fn of_members(members: &Map<String, Value>) -> Result<Manifest, String> {
        let fields = Fields {
            of: "Manifest",
            members,
        };
        let mut manifest = Manifest {
            revision: fields.text("revision")?,
            rego_version: fields
                .get("rego_version")
                .map(|value| fields.integer("rego_version", value))
                .transpose()?,
            ..Manifest::default()
        };
        if let Some(value) = fields.get("roots") {
            let list = value
                .as_array()
                .ok_or_else(|| fields.wrong("roots", value, "[]string"))?;
            let roots: Result<Vec<String>, String> = list
                .iter()
                .map(|root| match root {
                    Value::String(root) => Ok(root.trim_matches('/').to_owned()),
                    Value::Null => Ok(String::new()),
                    other => Err(fields.wrong("roots", other, "string")),
                })
                .collect();
            manifest.roots = Some(roots?);
        }
        if let Some(value) = fields.get("wasm") {
            let list = value
                .as_array()
                .ok_or_else(|| fields.wrong("wasm", value, "[]bundle.WasmResolver"))?;
            for resolver in list {
                let members = resolver
                    .as_object()
                    .ok_or_else(|| fields.wrong("wasm", resolver, "bundle.WasmResolver"))?;
                let fields = Fields {
                    of: "Manifest.wasm",
                    members,
                };
                manifest.wasm.push(WasmResolver {
                    entrypoint: fields.text("entrypoint")?,
                    module: fields.text("module")?,
                    annotations: fields.get("annotations").cloned(),
                });
            }
        }
        if let Some(value) = fields.get("file_rego_versions") {
            let map = value
                .as_object()
                .ok_or_else(|| fields.wrong("file_rego_versions", value, "map[string]int"))?;
            for (glob, version) in map {
                let version = fields.integer("file_rego_versions", version)?;
                manifest.file_rego_versions.insert(glob.clone(), version);
            }
        }
        if let Some(value) = fields.get("metadata") {
            let map = value
                .as_object()
                .ok_or_else(|| fields.wrong("metadata", value, "map[string]interface {}"))?;
            manifest.metadata = Some(map.clone());
        }
        Ok(manifest)
    }

    /// The text of a `.manifest`, with its line end.
    pub fn to_json(&self) -> String {
        let mut members = vec![format!("\"revision\":{}", text(&self.revision))];
        if let Some(roots) = &self.roots {
            let roots: Vec<String> = roots.iter().map(|root| text(root)).collect();
            members.push(format!("\"roots\":[{}]", roots.join(",")));
        }
        if !self.wasm.is_empty() {
            let resolvers: Vec<String> = self.wasm.iter().map(WasmResolver::to_json).collect();
            members.push(format!("\"wasm\":[{}]", resolvers.join(",")));
        }
        if let Some(version) = self.rego_version {
            members.push(format!("\"rego_version\":{version}"));
        }
        if !self.file_rego_versions.is_empty() {
            let versions: Vec<String> = self
                .file_rego_versions
                .iter()
                .map(|(glob, version)| format!("{}:{version}", text(glob)))
                .collect();
            members.push(format!("\"file_rego_versions\":{{{}}}", versions.join(",")));
        }
        if let Some(metadata) = self.metadata.as_ref().filter(|map| !map.is_empty()) {
            let metadata = marshal(&Value::Object(metadata.clone()));
            members.push(format!("\"metadata\":{metadata}"));
        }
        format!("{{{}}}\n", members.join(","))
    }

    /// If it says nothing that would not hold without it.
    pub(super) fn is_empty(&self) -> bool {
        let bare = Manifest {
            roots: None,
            metadata: self.metadata.clone().filter(|map| !map.is_empty()),
            ..self.clone()
        };
        bare == Manifest::default() && self.roots() == EVERYTHING
    }

    /// The dialect of the policies that have no other one.
    pub fn version(&self) -> Option<RegoVersion> {
        self.rego_version.and_then(dialect)
    }

    /// The dialect of the policy at a path below the root, or the other one if the manifest does not know.
    ///
    /// # Errors
    /// The manifest says what is no dialect or no glob.
    pub fn version_of(&self, path: &str, other: RegoVersion) -> Result<RegoVersion, BundleError> {
        let mut version = self.rego_version;
        for (glob, named) in &self.file_rego_versions {
            let matched = regovm_stdlib::support::glob_matches(glob, path).map_err(|error| {
                BundleError::new(format!("failed to compile glob pattern {glob}: {error}"))
            })?;
            if matched {
                version = Some(*named);
                break;
            }
        }
        let Some(version) = version else {
            return Ok(other);
        };
        dialect(version).ok_or_else(|| {
            BundleError::new(format!(
                "unknown bundle rego-version {version} for file '{path}'"
            ))
        })
    }

    /// What can be said without a look at the policies and data.
    pub(super) fn check(&self) -> Result<(), BundleError> {
        let list = self.roots();
        for (at, root) in list.iter().enumerate() {
            if let Some(other) = list[at + 1..]
                .iter()
                .find(|other| roots::overlap(root, other))
            {
                return Err(BundleError::new(format!(
                    "manifest has overlapped roots: '{root}' and '{other}'"
                )));
            }
        }
        if let Some(version) = self.rego_version.filter(|v| dialect(*v).is_none()) {
            return Err(BundleError::new(format!(
                "manifest has unknown rego-version {version}"
            )));
        }
        for (glob, version) in &self.file_rego_versions {
            if dialect(*version).is_none() {
                return Err(BundleError::new(format!(
                    "manifest has unknown rego-version {version} for file '{glob}'"
                )));
            }
        }
        Ok(())
    }
}

impl WasmResolver {
    fn to_json(&self) -> String {
        let mut members = Vec::new();
        for (name, value) in [("entrypoint", &self.entrypoint), ("module", &self.module)] {
            if !value.is_empty() {
                members.push(format!("\"{name}\":{}", text(value)));
            }
        }
        if let Some(annotations) = &self.annotations {
            members.push(format!("\"annotations\":{}", marshal(annotations)));
        }
        format!("{{{}}}", members.join(","))
    }
}

/// OPA's version 2 is one that only it has.
fn dialect(version: i64) -> Option<RegoVersion> {
    match version {
        0 => Some(RegoVersion::V0),
        1 => Some(RegoVersion::V1),
        _ => None,
    }
}

/// The number of a dialect.
pub(super) fn number(version: RegoVersion) -> i64 {
    match version {
        RegoVersion::V0 | RegoVersion::V0CompatV1 => 0,
        RegoVersion::V1 => 1,
    }
}

fn text(text: &str) -> String {
    marshal(&Value::String(text.to_owned()))
}

/// Members of an object that is read into a structure of Go, with Go's words for what does not fit.
struct Fields<'m> {
    of: &'static str,
    members: &'m Map<String, Value>,
}

impl<'m> Fields<'m> {
    /// The member of a name, in any case of letters; null is none.
    fn get(&self, name: &str) -> Option<&'m Value> {
        self.members
            .get(name)
            .or_else(|| {
                let mut members = self.members.iter();
                members
                    .find(|(key, _)| key.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value)
            })
            .filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<String, String> {
        match self.get(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(self.wrong(name, other, "string")),
        }
    }

    fn integer(&self, name: &str, value: &Value) -> Result<i64, String> {
        match value {
            Value::Number(number) => number.as_i64().ok_or_else(|| {
                format!(
                    "json: cannot unmarshal number {number} into Go struct field {}.{name} of type int",
                    self.of
                )
            }),
            other => Err(self.wrong(name, other, "int")),
        }
    }

    fn wrong(&self, name: &str, value: &Value, wanted: &str) -> String {
        format!(
            "json: cannot unmarshal {} into Go struct field {}.{name} of type {wanted}",
            kind(value),
            self.of
        )
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_written_as_it_was_read() {
        let text = "{\"revision\":\"a\\u003cb\",\"roots\":[\"a\",\"b/c\"],\"rego_version\":0,\"file_rego_versions\":{\"/x.rego\":1},\"metadata\":{\"a\":1.50,\"b\":[null]}}\n";
        let manifest = Manifest::read(text.as_bytes()).expect("a manifest");
        assert_eq!(manifest.to_json(), text);
        assert!(!manifest.is_empty());
        assert!(Manifest::default().is_empty());
    }

    #[test]
    fn the_first_glob_decides_the_dialect() {
        let manifest = Manifest::read(
            br#"{"rego_version": 1, "file_rego_versions": {"/a/*": 0, "/a/b/*": 1, "/z": 5}}"#,
        )
        .expect("a manifest");
        let version = |path| {
            manifest
                .version_of(path, RegoVersion::V1)
                .map_err(|e| e.message)
        };
        assert_eq!(version("/a/b/c.rego"), Ok(RegoVersion::V0));
        assert_eq!(version("/c.rego"), Ok(RegoVersion::V1));
        assert_eq!(
            version("/z"),
            Err("unknown bundle rego-version 5 for file '/z'".to_owned())
        );
    }
}
