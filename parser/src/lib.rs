//! Rego text to a syntax tree, and back to text.
//!
//! The way of a text: [`lexer::scan`] finds raw tokens (logos), [`lexer::layout`] gives newlines,
//! keywords and brackets their meaning and bounds the depth, `grammar.lalrpop` (LALRPOP) finds the
//! structure, [`lower`] makes the tree of [`ast`]. A text that is refused anywhere on this way goes
//! to [`explain`], which knows how OPA words it.

mod annotations;
pub mod ast;
pub mod canonical;
pub mod explain;
pub mod format;
pub mod json;
pub mod lexer;
pub mod lower;
pub mod order;
pub mod outline;
mod parse;
pub mod print;
pub mod shape;
pub mod strict;
mod visit;
mod wildcards;

/// The generated parser.
#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unused_qualifications,
    unused_parens,
    unused_imports,
    unused_variables
)]
mod grammar {
    include!(concat!(env!("OUT_DIR"), "/grammar.rs"));
}

pub use lexer::keyword::Keyword;
pub use parse::{EMPTY_MODULE, ParseOptions, Parser, Query, parse_module, parse_query};
