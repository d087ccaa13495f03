//! Syntax trees to checked modules, to IR, to bytecode.

pub mod visit;

pub mod ir;
pub mod options;
pub mod pipeline;
pub mod state;

pub mod order;
pub mod text;
