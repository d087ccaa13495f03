//! JSON text in and out, and values as Rego text.

mod projection;
mod read;
mod rego_text;
mod sink;
mod write;

pub use projection::{Projection, ProjectionBuilder, Step};
pub use read::{
    JsonError, JsonPlace, PathStep, ReadOptions, locate, locate_all, read, read_borrowed,
    read_projected, read_projected_borrowed,
};
pub use rego_text::{rego_text, rego_text_start, write_quoted, write_rego};
pub use sink::{Sink, Stream};
pub use write::{Style, to_string, write, write_string, write_within};
