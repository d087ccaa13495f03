//! Syntax trees of policies, as `opa parse` shows them.

use regovm_core::{Constant, Diagnostic, SourceMap};
use regovm_parser::ast::{Module, RegoVersion};
use regovm_parser::{ParseOptions, json, outline};

use crate::engine::source_of;
use crate::report::{Failure, Stage};

/// What a tree shows besides itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown {
    /// File, row, column and text of every node.
    pub places: bool,
    /// The comments.
    pub comments: bool,
}

impl Default for Shown {
    fn default() -> Shown {
        Shown {
            places: false,
            comments: true,
        }
    }
}

/// The tree of a policy as JSON.
///
/// ```
/// use regovm::syntax::{Shown, to_json};
/// use regovm::RegoVersion;
///
/// let tree = to_json("p.rego", b"package p", RegoVersion::V1, Shown::default())?;
/// assert_eq!(tree["package"]["path"][1]["value"], "p");
/// # Ok::<(), regovm::Failure>(())
/// ```
///
/// # Errors
/// The text does not parse.
pub fn to_json(
    name: &str,
    text: &[u8],
    version: RegoVersion,
    shown: Shown,
) -> Result<serde_json::Value, Failure> {
    read(name, text, version, |module, sources| {
        let shown = json::Shown {
            places: shown.places,
            without_comments: !shown.comments,
        };
        as_json(&json::shown(module, sources, shown))
    })
}

/// The tree of a policy as lines, each indented below what it belongs to.
///
/// # Errors
/// The text does not parse.
pub fn to_outline(
    name: &str,
    text: &[u8],
    version: RegoVersion,
    comments: bool,
) -> Result<String, Failure> {
    read(name, text, version, |module, _| {
        outline::module(module, comments)
    })
}

fn read<T>(
    name: &str,
    text: &[u8],
    version: RegoVersion,
    show: impl FnOnce(Module, &SourceMap) -> T,
) -> Result<T, Failure> {
    let mut sources = SourceMap::new();
    match parsed(&mut sources, name, text, version) {
        Ok(module) => Ok(show(module, &sources)),
        Err(errors) => Err(Failure::from_diagnostics(Stage::Load, errors, &sources)),
    }
}

fn parsed(
    sources: &mut SourceMap,
    name: &str,
    text: &[u8],
    version: RegoVersion,
) -> Result<Module, Vec<Diagnostic>> {
    let id = source_of(sources, name, text)?;
    let options = ParseOptions {
        version,
        process_annotations: true,
        is_builtin: Some(crate::is_builtin),
        ..ParseOptions::default()
    };
    regovm_parser::parse_module(sources, id, &options)
}

pub(crate) fn as_json(value: &Constant) -> serde_json::Value {
    match value {
        Constant::Null => serde_json::Value::Null,
        Constant::Boolean(truth) => (*truth).into(),
        Constant::Number(text) => {
            serde_json::Value::Number(serde_json::Number::from_string_unchecked(text.to_string()))
        }
        Constant::String(text) => (**text).into(),
        Constant::Array(items) | Constant::Set(items) => items.iter().map(as_json).collect(),
        Constant::Object(members) => {
            let pair = |(name, value): &(Constant, Constant)| {
                (name.as_str().unwrap_or_default().to_owned(), as_json(value))
            };
            serde_json::Value::Object(members.iter().map(pair).collect())
        }
    }
}
