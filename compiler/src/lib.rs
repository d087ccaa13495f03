//! Syntax trees to checked modules, to IR, to bytecode.

// Switched on as soon as `regovm_core::builtin` has landed:
// pub mod ir;
// pub mod options;
// pub mod pipeline;
// pub mod state;
