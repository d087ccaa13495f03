//! Rego policies, compiled once and asked many times.
//!
//! ```
//! use regovm::Engine;
//!
//! let mut engine = Engine::new();
//! engine.add_module("authz.rego", r#"
//!     package authz
//!     default allow := false
//!     allow if input.role == "admin"
//! "#);
//! let policy = engine.prepare("data.authz.allow")?;
//! let mut session = policy.session();
//! assert_eq!(session.eval_json(br#"{"role": "admin"}"#)?.decode::<bool>().transpose()?, Some(true));
//! assert_eq!(session.eval_json(br#"{"role": "guest"}"#)?.decode::<bool>().transpose()?, Some(false));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Engine`] collects policies and data, [`PreparedPolicy`] is compiled and shared by threads, a [`Session`] belongs to
//! one thread and reuses its memory. The library reads no files, clocks, environment or network: the host hands in what
//! policies may see.

mod answer;
#[cfg(feature = "bundle")]
pub mod bundle;
mod capabilities;
mod compile;
mod convert;
mod document;
mod engine;
mod explain;
mod inspect;
pub mod observe;
pub mod parallel;
mod parse_module;
mod policy;
#[cfg(feature = "internals")]
mod reference;
mod report;
mod saved;
mod session;
mod shared;
pub mod testing;

#[cfg(feature = "internals")]
pub mod internals;

use std::sync::{Arc, LazyLock};

pub use answer::{Answer, AnswerValue, ExpressionValue, JsonLayout, Solution};
pub use capabilities::Capabilities;
pub use compile::Phase;
pub use convert::{from_json, to_json};
pub use document::{Document, DocumentFormat};
pub use engine::{Engine, QueryContext};
pub use explain::Explain;
pub use inspect::{Annotation, Inspection};
pub use policy::{PreparedPolicy, QueryExpression, QueryShape};
pub use regovm_core::host::{Host, NoHost};
pub use regovm_core::json::{JsonPlace, PathStep, locate, locate_all};
pub use regovm_core::{Code, Constant, Location};
pub use regovm_parser::ast::RegoVersion;
pub use report::{ErrorReport, Failure, Stage};
pub use session::{Budget, Clock, Session};
pub use shared::SharedPolicy;

use regovm_compiler::input_paths;
use regovm_core::builtin::Table;

/// The rewrites of the optimiser, each with what it is about; see [`Engine::disable_rewrites`].
pub fn rewrites() -> impl Iterator<Item = (&'static str, &'static str)> {
    let rewrites = regovm_compiler::optimize::REWRITES.iter();
    let input = (input_paths::NAME, input_paths::ABOUT);
    rewrites
        .map(|rewrite| (rewrite.name, rewrite.about))
        .chain([input])
}

/// All built-ins of this build.
pub(crate) fn builtins() -> Arc<Table> {
    static BUILTINS: LazyLock<Arc<Table>> = LazyLock::new(|| {
        let mut table = regovm_stdlib::table();
        table.add(parse_module::BUILTIN);
        Arc::new(table)
    });
    BUILTINS.clone()
}

/// Whether regovm has a built-in of this name, be it in this build or not.
pub(crate) fn is_builtin(name: &str) -> bool {
    let builtins = builtins();
    builtins.id(name).is_some() || builtins.left_out(name).is_some()
}
