//! What must hold before a policy may run: OPA's checks with OPA's messages, one file per stage.

pub mod annotations;
pub mod builtin_use;
pub mod conflicts;
pub mod names;
pub mod recursion;
pub mod safety;
pub mod types;
pub mod undefined_functions;

use regovm_core::Span;

use crate::state::State;

/// What the checks keep for later stages and for queries.
#[derive(Clone, Default, Debug)]
pub struct Facts {
    /// Types of built-ins, `input` and (after the type check) rules.
    pub types: types::env::TypeEnv,
    /// Metadata blocks by what they describe.
    pub annotations: annotations::AnnotationSet,
    /// A deprecated built-in is called somewhere.
    pub deprecated_called: bool,
}

/// A place as OPA writes it inside of messages: file and row, without a file the text itself.
fn place(state: &State<'_>, span: Span) -> String {
    match state.sources.locate(span) {
        Some(at) if !at.file.is_empty() => format!("{}:{}", at.file, at.row),
        Some(at) => match state.sources.text(span) {
            "" => format!("{}:{}", at.row, at.col),
            text => text.to_string(),
        },
        None => String::new(),
    }
}
