//! What a policy can learn of the program that runs it.

use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::Value;

use crate::declare::builtin;
use crate::operand::{Outcome, failed};

const CATEGORIES: &[&str] = &["opa"];

pub(crate) const BUILTINS: &[Builtin] = &[builtin! {
    name: "opa.runtime",
    purity: Nondeterministic,
    signature: "() -> output: obj<str=>any>",
    doc: "What the host tells of itself: env, version and commit on the command line; empty if it tells nothing.",
    cost: Cost::Linear("members"),
    examples: [("opa.runtime()", "{}")],
    body: runtime,
}];

/// Those of the language itself.
pub(crate) mod rego {
    use super::*;

    const CATEGORIES: &[&str] = &["rego"];

    pub(crate) const BUILTINS: &[Builtin] = &[
        builtin! {
            name: "rego.metadata.chain",
            since: (0, 40),
            signature: "() -> chain: [any]",
            doc: "The metadata of the rule that calls it and of all that it stands in, from the rule outwards. The compiler puts in the value.",
            cost: Cost::Constant,
            examples: [],
            body: |_, _| Err(outside_of_rules("rego.metadata.chain")),
        },
        builtin! {
            name: "rego.metadata.rule",
            since: (0, 40),
            signature: "() -> output: any",
            doc: "The metadata of the rule that calls it. The compiler puts in the value.",
            cost: Cost::Constant,
            examples: [],
            body: |_, _| Err(outside_of_rules("rego.metadata.rule")),
        },
    ];

    /// Only queries get here: in rules the compiler has replaced the call.
    fn outside_of_rules(name: &str) -> BuiltinError {
        failed(format!(
            "the {name} function must only be called within the scope of a rule"
        ))
    }
}

fn runtime<'a>(cx: &mut Call<'a, '_>, _: &[Value<'a>]) -> Outcome<'a> {
    Ok(Some(match cx.host.runtime() {
        Some(runtime) => cx.arena.constant(&runtime),
        None => cx.arena.record(&[]),
    }))
}
