//! JSON Schema: drafts 4, 6 and 7, with the verdicts and the words of OPA.
//!
//! The validator is our own. The crate `jsonschema` was tried first: its errors come keyword by keyword in
//! its own order and without the nearest branch of `anyOf` and `oneOf`, it applies one draft strictly
//! where OPA mixes them, and it has no words for schemas that do not compile. A policy can see all of it.
//!
//! Where OPA follows the random order of a Go map (properties, patterns, dependencies), the order here is
//! that of the keys.

#[cfg(feature = "jsonschema")]
mod body;
#[cfg(feature = "jsonschema")]
mod compile;
#[cfg(feature = "jsonschema")]
mod decimal;
#[cfg(feature = "jsonschema")]
mod format;
#[cfg(feature = "jsonschema")]
mod mail;
#[cfg(feature = "jsonschema")]
mod references;
#[cfg(feature = "jsonschema")]
mod validate;

use regovm_core::builtin::{Builtin, Cost};

use crate::declare::builtin;

const CATEGORIES: &[&str] = &["object"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "json.match_schema",
        feature: "jsonschema",
        since: (0, 50),
        signature: r#"(document: str|obj<any=>any>, schema: str|obj<any=>any>) -> output: [bool, [obj<"desc": str, "error": str, "field": str, "type": str>]]"#,
        doc: "Whether a document matches a JSON schema, and what does not match. Both may be values or JSON texts. References to other hosts are refused.",
        cost: Cost::Superlinear("document and schema"),
        examples: [
            (r#"json.match_schema({"id": 5}, {"properties": {"id": {"type": "integer"}}})"#, "[true, []]"),
            (
                r#"json.match_schema("{}", {"required": ["id"]})"#,
                r#"[false, [{"desc": "id is required", "error": "(Root): id is required", "field": "(Root)", "type": "required"}]]"#
            ),
        ],
        body: body::match_schema,
    },
    builtin! {
        name: "json.verify_schema",
        feature: "jsonschema",
        since: (0, 50),
        signature: "(schema: str|obj<any=>any>) -> output: [bool, null|str]",
        doc: "Whether the value or JSON text is a JSON schema, and what is wrong with it.",
        cost: Cost::Linear("schema"),
        examples: [
            (r#"json.verify_schema({"type": "string"})"#, "[true, null]"),
            (
                r#"json.verify_schema({"minLength": -1})"#,
                r#"[false, "jsonschema: minLength must be greater than or equal to 0"]"#
            ),
        ],
        body: body::verify_schema,
    },
];
