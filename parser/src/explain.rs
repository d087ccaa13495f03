//! OPA's words for texts that are no Rego.

use regovm_core::{Code, Diagnostic, Span};

use crate::parse::ParseOptions;

/// What the text was to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Goal {
    /// A module.
    Module,
    /// A query.
    Query,
}

/// The error of texts that nest too deep.
pub fn too_deep(at: u32) -> Diagnostic {
    Diagnostic::new(
        Code::Parse,
        Span::new(at, at),
        "max parsing recursion depth exceeded",
    )
}

/// Finds what is wrong with a text that the grammar refused.
pub fn explain(_text: &str, base: u32, _options: &ParseOptions, _goal: Goal) -> Vec<Diagnostic> {
    vec![Diagnostic::new(
        Code::Parse,
        Span::new(base, base),
        "syntax error",
    )]
}
