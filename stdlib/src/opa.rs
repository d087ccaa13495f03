//! What a policy can learn of the program that runs it.

use regovm_core::builtin::{Builtin, Call, Cost};
use regovm_core::value::Value;

use crate::declare::builtin;
use crate::operand::Outcome;

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

fn runtime<'a>(cx: &mut Call<'a, '_>, _: &[Value<'a>]) -> Outcome<'a> {
    Ok(Some(match cx.host.runtime() {
        Some(runtime) => cx.arena.constant(&runtime),
        None => cx.arena.record(&[]),
    }))
}
