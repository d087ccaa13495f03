//! What every regovm crate shares: spans, diagnostics, static types, built-in declarations, values.
//!
//! This crate depends on no other crate of ours and reads no files, clocks, environment or network.

pub mod builtin;
mod constant;
mod diagnostic;
pub mod host;
mod http;
pub mod json;
mod source;
pub mod types;
pub mod value;
pub mod work;
#[cfg(feature = "yaml")]
pub mod yaml;

pub use constant::Constant;
pub use diagnostic::{Code, Diagnostic, Diagnostics};
pub use source::{Location, Source, SourceId, SourceMap, SourcesTooLarge, Span};
pub use types::Type;
pub use value::{Arena, Frozen, Kind, Value, View};
