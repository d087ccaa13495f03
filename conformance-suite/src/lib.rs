//! Runs OPA's conformance cases and our own, and keeps the score.
//!
//! The cases know nothing of the engine: [`engine::Engine`] is all that an
//! implementation under test has to offer. The binary of this crate runs
//! regovm, from source and from saved and reloaded programs; with
//! `--oracle PROGRAM` it runs OPA instead, which tests the cases themselves.

pub mod case;
pub mod cli;
pub mod compare;
pub mod engine;
pub mod exceptions;
pub mod locate;
pub mod number;
pub mod oracle;
pub mod regovm;
pub mod run;
pub mod score;
pub mod test_builtins;
