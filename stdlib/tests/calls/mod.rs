//! Calls that are asked of OPA, a file for each group of built-ins.

pub mod crypto;
pub mod graphql;
pub mod jsonschema;
pub mod jwt;
pub mod net;
pub mod template;
pub mod time;
pub mod world;
