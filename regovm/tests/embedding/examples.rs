//! The examples do what they say.

#[path = "../../examples/admission.rs"]
mod admission;
#[path = "../../examples/custom_builtin.rs"]
mod custom_builtin;
#[path = "../../examples/swap.rs"]
mod swap;
#[path = "../../examples/typed_results.rs"]
mod typed_results;

#[test]
fn examples_run() {
    for (name, run) in [
        ("admission", admission::main as fn() -> _),
        ("custom_builtin", custom_builtin::main),
        ("swap", swap::main),
        ("typed_results", typed_results::main),
    ] {
        let outcome: Result<(), Box<dyn std::error::Error>> = run();
        assert!(outcome.is_ok(), "{name}: {:?}", outcome.err());
    }
}
