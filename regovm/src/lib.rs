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
//! assert_eq!(session.eval_json(br#"{"role": "admin"}"#)?.decode()?, Some(true));
//! assert_eq!(session.eval_json(br#"{"role": "guest"}"#)?.decode()?, Some(false));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Engine`] collects policies and data, [`PreparedPolicy`] is compiled and shared by threads, a [`Session`] belongs to
//! one thread and reuses its memory. The library reads no files, clocks, environment or network: the host hands in what
//! policies may see.
//!
//! # What goes in and comes out
//!
//! Inputs are JSON as bytes ([`Session::eval_json`]: of which only what the query can look at is read), or anything that
//! `serde` serializes ([`Session::eval`]). Answers become types of yours ([`Answer::decode`], [`Answer::decode_all`]), JSON
//! ([`Answer::value`], [`AnswerValue::write_json`]), or are looked at as they are ([`AnswerValue::value`]).
//!
//! ```
//! #[derive(serde::Deserialize)]
//! struct Verdict<'s> {
//!     allow: bool,
//!     #[serde(borrow)]
//!     reasons: Vec<&'s str>,
//! }
//!
//! let mut engine = regovm::Engine::new();
//! engine.add_module("authz.rego", r#"
//!     package authz
//!     reasons contains "no admin" if input.role != "admin"
//!     verdict := {"allow": count(reasons) == 0, "reasons": reasons}
//! "#);
//! let mut session = engine.prepare("data.authz.verdict")?.session();
//! let answer = session.eval(&serde_json::json!({"role": "guest"}))?;
//! let verdict: Option<Verdict<'_>> = answer.decode()?;
//! assert!(verdict.is_some_and(|verdict| !verdict.allow && verdict.reasons == ["no admin"]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Data and changes
//!
//! [`Data`] is made once, from documents or from a type of yours, and shared by policies and threads. A [`SharedPolicy`] is
//! replaced, as a whole or with other data, while sessions run.
//!
//! # Limits
//!
//! A [`Budget`] limits steps, memory and time of each evaluation of a session, so that neither who writes policies nor who
//! writes inputs can hold up the program. Nothing is limited if you say nothing.
//!
//! # Built-ins of your own
//!
//! Policies may call what your program can do: see [`builtin`].
//!
//! # Examples
//!
//! In `regovm/examples` there are programs to start from: `admission` (a webhook of Kubernetes: bytes in, bytes out, with
//! limits), `swap` (threads, and a policy that changes while they run), `custom_builtin`, and `typed_results`.

mod advice;
mod answer;
pub mod builtin;
#[cfg(feature = "bundle")]
pub mod bundle;
mod capabilities;
mod compile;
mod convert;
mod dependencies;
mod document;
mod engine;
mod explain;
pub mod format;
mod input;
mod inspect;
mod modules;
pub mod observe;
mod outline;
pub mod parallel;
mod parse_module;
mod policy;
pub mod refactor;
#[cfg(feature = "internals")]
mod reference;
mod report;
mod saved;
mod session;
mod shared;
pub mod syntax;
pub mod testing;

#[cfg(feature = "internals")]
pub mod internals;

/// Values as the machine has them, for [built-ins over values](Builtin::over_values) and for answers that are looked at
/// without a detour. They live in arenas and are freed with them.
pub mod value {
    pub use crate::convert::from_json;
    pub use regovm_core::value::{
        Arena, Array, ArrayBuilder, Claim, Kind, MemoryExceeded, Number, Object, ObjectBuilder,
        ObjectIter, Set, SetBuilder, Str, Value, View,
    };
}

use std::sync::{Arc, LazyLock};

pub use advice::advice;
pub use answer::{Answer, AnswerValue, ExpressionValue, JsonLayout, Solution};
pub use builtin::Builtin;
pub use capabilities::Capabilities;
pub use compile::Phase;
pub use convert::DataError;
pub use dependencies::Dependencies;
pub use document::{Data, Document, DocumentFormat};
pub use engine::{Checked, Engine, QueryContext};
pub use explain::Explain;
pub use input::Input;
pub use inspect::{Annotation, Inspection};
pub use modules::Addition;
pub use outline::{ModuleOutline, RuleOutline};
pub use policy::{PreparedPolicy, QueryExpression, QueryShape};
pub use regovm_core::host::{Host, NoHost};
pub use regovm_core::json::{JsonPlace, PathStep, locate, locate_all};
pub use regovm_core::{Code, Constant, Location};
pub use regovm_parser::ast::RegoVersion;
pub use report::{ErrorReport, Excerpt, Failure, Stage, TraceFrame};
pub use session::{Budget, Clock, Session};
pub use shared::SharedPolicy;

use regovm_compiler::input_paths;
use regovm_core::builtin::Table;

/// The release of OPA that regovm answers like.
pub const OPA_VERSION: &str = "1.22.0";

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
