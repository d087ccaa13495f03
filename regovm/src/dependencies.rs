//! What a query depends on.

use regovm_compiler::options::Options;
use regovm_compiler::{dependencies, front};
use regovm_core::SourceMap;
use regovm_core::builtin::Table;
use regovm_parser::ast::{Body, Module};
use regovm_parser::{json, print};
use serde_json::Value;

use crate::report::{Failure, Stage};
use crate::syntax::as_json;

/// The documents that a query depends on.
///
/// ```
/// use regovm::Engine;
///
/// let mut engine = Engine::new();
/// engine.add_module("p.rego", "package p\nallow if input.user in data.users\n");
/// let dependencies = engine.dependencies("data.p.allow")?;
/// assert_eq!(dependencies.base, ["data.users", "input.user"]);
/// assert_eq!(dependencies.virtual_, ["data.p.allow"]);
/// # Ok::<(), regovm::Failure>(())
/// ```
#[derive(Clone, Default, Debug)]
pub struct Dependencies {
    /// Documents that come from outside: input and data.
    pub base: Vec<String>,
    /// Documents that rules make.
    pub virtual_: Vec<String>,
    /// Both as syntax trees, in the form of `opa deps --format json`.
    pub json: Value,
}

pub(crate) fn of(
    sources: &SourceMap,
    modules: Vec<Module>,
    query: &Body,
    builtins: &Table,
    options: &Options,
) -> Result<Dependencies, Failure> {
    let checked = front::check_modules(sources, modules, Vec::new(), builtins, options, None)
        .map_err(|errors| Failure::from_diagnostics(Stage::Compile, errors, sources))?;
    let found = dependencies::of_query(&checked.state, query);
    let mut tree = serde_json::Map::new();
    for (name, refs) in [("base", &found.base), ("virtual", &found.virtual_)] {
        if !refs.is_empty() {
            let refs = refs.iter().map(|path| as_json(&json::path(path, sources)));
            tree.insert(name.to_owned(), refs.collect());
        }
    }
    let texts = |refs: &[Vec<_>]| refs.iter().map(|path| print::reference(path)).collect();
    Ok(Dependencies {
        base: texts(&found.base),
        virtual_: texts(&found.virtual_),
        json: Value::Object(tree),
    })
}
