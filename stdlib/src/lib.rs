//! The built-in functions: for each one its declaration and its body.
//!
//! A file holds one category of OPA's documentation. [`table`] has them all. Bodies charge for
//! their work before they do it, so that no call escapes the budgets of a query.

mod aggregates;
mod arrays;
mod bits;
mod chance;
mod crypto;
mod debugging;
mod declare;
mod documents;
mod encoding;
mod globs;
mod go;
mod graphql;
mod graphs;
mod http;
#[cfg(any(feature = "aws", feature = "http"))]
mod http_keys;
mod json_schema;
mod jwt;
#[cfg(feature = "x509")]
#[allow(
    dead_code,
    reason = "which of it is used depends on the other features"
)]
mod keys;
mod net;
mod numbers;
mod objects;
mod opa;
mod operand;
mod operators;
mod patch;
mod providers;
mod regex;
mod replacer;
mod semver;
mod sets;
mod strings;
pub mod support;
mod template;
mod text;
mod time;
mod types;
mod units;
mod uris;
mod uuid;
mod walk;
mod yaml;

use regovm_core::builtin::{Builtin, Table};

const GROUPS: &[&[Builtin]] = &[
    operators::BUILTINS,
    numbers::BUILTINS,
    bits::BUILTINS,
    chance::BUILTINS,
    aggregates::BUILTINS,
    arrays::BUILTINS,
    sets::BUILTINS,
    objects::BUILTINS,
    documents::BUILTINS,
    strings::BUILTINS,
    template::BUILTINS,
    types::BUILTINS,
    regex::BUILTINS,
    encoding::BUILTINS,
    crypto::BUILTINS,
    json_schema::BUILTINS,
    graphql::BUILTINS,
    globs::BUILTINS,
    semver::BUILTINS,
    graphs::BUILTINS,
    net::BUILTINS,
    uris::BUILTINS,
    http::BUILTINS,
    providers::BUILTINS,
    yaml::BUILTINS,
    units::BUILTINS,
    jwt::BUILTINS,
    jwt::signing::BUILTINS,
    time::BUILTINS,
    uuid::BUILTINS,
    walk::BUILTINS,
    debugging::BUILTINS,
    opa::BUILTINS,
    opa::rego::BUILTINS,
];

/// All built-ins.
pub fn table() -> Table {
    Table::new(GROUPS)
}
