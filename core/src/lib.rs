//! What every regovm crate shares: spans, diagnostics, static types, built-in declarations, values.
//!
//! This crate depends on no other crate of ours and reads no files, clocks, environment or network.

mod constant;
mod diagnostic;
mod source;

pub use constant::Constant;
pub use diagnostic::{Code, Diagnostic, Diagnostics};
pub use source::{Location, Source, SourceId, SourceMap, SourcesTooLarge, Span};
