//! GraphQL: queries and schemas as objects, and whether one fits the other, with the shapes and words of OPA.
//!
//! Lexer, parser and rules are our own. The crates `apollo-parser` and `apollo-compiler` were tried first: their trees have
//! other shapes, their messages other words and places, they refuse and allow other things in the corners, and a
//! policy can see all of it; besides, they bring sixty crates along.

#[cfg(feature = "graphql")]
mod ast;
#[cfg(feature = "graphql")]
mod body;
#[cfg(feature = "graphql")]
mod decode;
#[cfg(feature = "graphql")]
mod lexer;
#[cfg(feature = "graphql")]
mod literals;
#[cfg(feature = "graphql")]
mod overlap;
#[cfg(feature = "graphql")]
mod parser;
#[cfg(feature = "graphql")]
mod rules;
#[cfg(feature = "graphql")]
mod schema;
#[cfg(feature = "graphql")]
mod sdl;
#[cfg(feature = "graphql")]
mod suggest;

use regovm_core::builtin::{Builtin, Cost};

use crate::declare::builtin;

const CATEGORIES: &[&str] = &["graphql"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "graphql.parse",
        feature: "graphql",
        since: (0, 41),
        signature: "(query: str|obj<any=>any>, schema: str|obj<any=>any>) -> output: [obj<any=>any>, obj<any=>any>]",
        doc: "The syntax trees of a query and a schema, if the query fits the schema. Both may be texts or syntax trees.",
        cost: Cost::Superlinear("query and schema"),
        examples: [
            (r#"graphql.parse("{b}", "type Query {a: Int}")"#, ""),
        ],
        body: body::parse,
    },
    builtin! {
        name: "graphql.parse_and_verify",
        feature: "graphql",
        since: (0, 41),
        signature: "(query: str|obj<any=>any>, schema: str|obj<any=>any>) -> output: [bool, obj<any=>any>, obj<any=>any>]",
        doc: "Whether a query fits a schema, and the syntax trees of both; empty objects if it does not.",
        cost: Cost::Superlinear("query and schema"),
        examples: [
            (r#"graphql.parse_and_verify("{b}", "type Query {a: Int}")"#, "[false, {}, {}]"),
        ],
        body: body::parse_and_verify,
    },
    builtin! {
        name: "graphql.parse_query",
        feature: "graphql",
        since: (0, 41),
        signature: "(query: str) -> output: obj<any=>any>",
        doc: "The syntax tree of a query.",
        cost: Cost::Linear("bytes"),
        examples: [
            (
                r#"graphql.parse_query("{a}")"#,
                r#"{"Operations": [{"Name": "", "Operation": "query", "SelectionSet": [{"Alias": "a", "Name": "a"}]}]}"#
            ),
        ],
        body: body::parse_query,
    },
    builtin! {
        name: "graphql.parse_schema",
        feature: "graphql",
        since: (0, 41),
        signature: "(schema: str) -> output: obj<any=>any>",
        doc: "The syntax tree of a schema. Whether its definitions make sense is not looked at.",
        cost: Cost::Linear("bytes"),
        examples: [
            (
                r#"graphql.parse_schema("scalar A")"#,
                r#"{"Definitions": [{"BuiltIn": false, "Description": "", "Kind": "SCALAR", "Name": "A"}]}"#
            ),
        ],
        body: body::parse_schema,
    },
    builtin! {
        name: "graphql.is_valid",
        feature: "graphql",
        since: (0, 41),
        signature: "(query: str|obj<any=>any>, schema: str|obj<any=>any>) -> output: bool",
        doc: "Whether a query fits a schema. Both may be texts or syntax trees; anything else does not fit.",
        cost: Cost::Superlinear("query and schema"),
        examples: [
            (r#"graphql.is_valid("{a}", "type Query {a: Int}")"#, "true"),
            (r#"graphql.is_valid("{b}", "type Query {a: Int}")"#, "false"),
        ],
        body: body::is_valid,
    },
    builtin! {
        name: "graphql.schema_is_valid",
        feature: "graphql",
        since: (0, 46),
        signature: "(schema: str|obj<any=>any>) -> output: bool",
        doc: "Whether a text or syntax tree is a schema whose definitions make sense.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"graphql.schema_is_valid("type Query {a: Int}")"#, "true"),
            (r#"graphql.schema_is_valid("type Query {a: A}")"#, "false"),
        ],
        body: body::schema_is_valid,
    },
];
