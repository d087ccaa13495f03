//! Syntax trees to checked modules, to IR, to bytecode.

pub mod builtins;
pub mod check;
pub mod dependencies;
pub mod emit;
pub mod front;
pub mod input_paths;
pub mod ir;
pub mod lower;
mod nearest;
pub mod optimize;
pub mod options;
pub mod order;
pub mod output_vars;
mod parallel;
pub mod pipeline;
pub mod places;
pub mod resolve;
pub mod rule_tree;
pub mod state;
pub mod text;
pub mod vars;
pub mod visit;
