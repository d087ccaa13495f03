//! Rego text to a syntax tree, and back to text.

pub mod ast;
