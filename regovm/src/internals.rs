//! Stage by stage access for the conformance suite, benchmarks and fuzzers. No stability promise.

pub use regovm_compiler as compiler;
pub use regovm_core as core;
pub use regovm_parser as parser;
pub use regovm_stdlib as stdlib;
pub use regovm_vm as vm;

/// `docs/builtins.md`: every built-in with signature, text and examples.
pub fn builtin_reference() -> String {
    crate::reference::builtins()
}
