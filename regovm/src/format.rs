//! The text of policies in the layout that `opa fmt` gives them.

pub use regovm_parser::format::Target;

use regovm_compiler::front;
use regovm_core::{Diagnostic, SourceId, SourceMap};
use regovm_parser::ast::{Module, RegoVersion};
use regovm_parser::{ParseOptions, format as layout};

use crate::capabilities::Capabilities;
use crate::engine::source_of;
use crate::report::{Failure, Stage};

/// How a policy is formatted.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The dialect of the text.
    pub version: RegoVersion,
    /// What the result is for.
    pub target: Target,
    /// Leave out imports that the target makes needless: `rego.v1` and `future.keywords`.
    pub drop_imports: bool,
    /// What the result may use; all that this build has if there is none.
    pub capabilities: Option<Capabilities>,
}

/// Formats a policy. The name is for errors.
///
/// Formatting the result again gives the same text. A text that OPA would change in a second round is given as it is when it
/// stands still.
///
/// ```
/// use regovm::format::{Options, Target, module};
/// use regovm::RegoVersion;
///
/// let text = module("p.rego", b"package p\nallow{ input.x==1 }", &Options {
///     version: RegoVersion::V0,
///     target: Target::V0AndV1,
///     ..Options::default()
/// })?;
/// assert_eq!(text, "package p\n\nimport rego.v1\n\nallow if input.x == 1\n");
/// # Ok::<(), regovm::Failure>(())
/// ```
///
/// # Errors
/// The text does not parse, or cannot be made to fit the target ([`Stage::Load`]); it cannot be laid out, because an operator
/// is called by its name with a wrong number of operands ([`Stage::Compile`]).
pub fn module(name: &str, text: &[u8], options: &Options) -> Result<String, Failure> {
    let mut sources = SourceMap::new();
    formatted(&mut sources, name, text, options)
        .map_err(|(stage, errors)| Failure::from_diagnostics(stage, errors, &sources))
}

/// Checks that a formatted text parses in the dialect it was formatted for.
///
/// # Errors
/// It does not.
pub fn check(name: &str, text: &str, target: Target) -> Result<(), Failure> {
    let mut sources = SourceMap::new();
    match parsed(&mut sources, name, text.as_bytes(), target.version()) {
        Ok(_) => Ok(()),
        Err(errors) => Err(Failure::from_diagnostics(Stage::Compile, errors, &sources)),
    }
}

fn formatted(
    sources: &mut SourceMap,
    name: &str,
    text: &[u8],
    options: &Options,
) -> Result<String, (Stage, Vec<Diagnostic>)> {
    let (module, id) =
        parsed(sources, name, text, options.version).map_err(|errors| (Stage::Load, errors))?;
    if options.target != Target::V0 {
        let errors = front::refused_by_v1(sources, &module, &crate::builtins());
        if !errors.is_empty() {
            return Err((Stage::Load, errors));
        }
    }
    let keywords_in_refs = options
        .capabilities
        .as_ref()
        .is_none_or(|capabilities| capabilities.has_feature("keywords_in_refs"));
    let options = layout::Options {
        target: options.target,
        drop_imports: options.drop_imports,
        keywords_in_refs,
    };
    layout::module(module, sources, id, &options).map_err(|errors| (Stage::Compile, errors))
}

pub(crate) fn parsed(
    sources: &mut SourceMap,
    name: &str,
    text: &[u8],
    version: RegoVersion,
) -> Result<(Module, SourceId), Vec<Diagnostic>> {
    let id = source_of(sources, name, text)?;
    let options = ParseOptions {
        version,
        is_builtin: Some(crate::is_builtin),
        ..ParseOptions::default()
    };
    Ok((regovm_parser::parse_module(sources, id, &options)?, id))
}
