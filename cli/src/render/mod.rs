//! How results and errors are printed: the same bytes as OPA.

pub mod errors;
pub mod go_json;
pub mod result;
pub mod table;
