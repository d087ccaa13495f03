//! Syntax trees to checked modules, to IR, to bytecode.

pub mod ir;
pub mod options;
pub mod pipeline;
pub mod state;
