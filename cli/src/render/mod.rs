//! How results and errors are printed: the same bytes as OPA.

pub mod bench;
pub mod colour;
pub mod diff;
pub mod errors;
pub mod go_json;
pub mod junit;
pub mod result;
pub mod table;
pub mod workflow;
