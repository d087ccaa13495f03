//! From text to the tokens of the grammar.
//!
//! [`scan`](scan::scan) finds raw tokens, [`layout`] gives words, newlines and brackets their meaning.

pub mod keyword;
pub mod layout;
pub mod names;
pub mod scan;
pub mod strings;
pub mod token;
