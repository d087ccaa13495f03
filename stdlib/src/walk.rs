//! `walk`, the one relation among the built-ins.

use regovm_core::builtin::{Builtin, Call, Cost};
use regovm_core::value::Value;

use crate::declare::builtin;
use crate::operand::{Outcome, failed};

const CATEGORIES: &[&str] = &["graph"];

pub(crate) const BUILTINS: &[Builtin] = &[builtin! {
    name: "walk",
    relation: true,
    signature: "(x: any) -> output: [[any], any]",
    doc: "Relates a value to every pair of a path and the value found there, the value itself first. In a set every element is its own step of the path.",
    cost: Cost::Linear("values visited"),
    examples: [],
    body: walk,
}];

/// The evaluator walks by itself, one pair at a time.
fn walk<'a>(_: &mut Call<'a, '_>, _: &[Value<'a>]) -> Outcome<'a> {
    Err(failed("walk has many results and cannot be called for one"))
}
