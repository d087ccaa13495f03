//! Functions over sets.

use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::{Set, SetBuilder, Value};

use crate::declare::builtin;
use crate::operand::{Outcome, operands, set};

const CATEGORIES: &[&str] = &["sets"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "intersection",
        signature: "(xs: {{any}}) -> y: {any}",
        doc: "The elements that all sets of a set have. Of no sets it is empty.",
        cost: Cost::Linear("elements"),
        examples: [("intersection({{1, 2, 3}, {2, 3, 4}})", "{2, 3}"), ("intersection(set())", "set()")],
        body: intersection,
    },
    builtin! {
        name: "union",
        signature: "(xs: {{any}}) -> y: {any}",
        doc: "The elements of all sets of a set.",
        cost: Cost::Linear("elements"),
        examples: [("union({{1, 2}, {2, 3}})", "{1, 2, 3}")],
        body: union,
    },
    builtin! {
        name: "set_diff",
        deprecated: true,
        signature: "({any}, {any}) -> {any}",
        doc: "The elements of x that are not in y. The operator `-` does the same.",
        cost: Cost::Linear("elements"),
        examples: [("set_diff({1, 2}, {2})", "{1}")],
        body: set_diff,
    },
];

fn intersection<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [sets] = operands(arguments)?;
    let mut result: Option<Value<'a>> = None;
    for element in set(sets, 1)?.iter() {
        let next = set(element, 1)?;
        result = Some(match result.and_then(Value::as_set) {
            None => element,
            Some(so_far) => intersection_of(cx, so_far, next)?,
        });
    }
    Ok(Some(result.unwrap_or_else(|| cx.arena.set_from([]))))
}

fn union<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [sets] = operands(arguments)?;
    let sets = set(sets, 1)?;
    cx.charge(sets.len() as u64)?;
    let _memory = cx.claim(sets.len() * size_of::<Set<'a>>())?;
    let sets = sets
        .iter()
        .map(|element| set(element, 1))
        .collect::<Result<Vec<_>, _>>()?;
    union_of(cx, &sets).map(Some)
}

fn set_diff<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, y] = operands(arguments)?;
    difference(cx, set(x, 1)?, set(y, 2)?).map(Some)
}

/// The elements of `x` that are not in `y`.
pub(crate) fn difference<'a>(
    cx: &mut Call<'a, '_>,
    x: Set<'a>,
    y: Set<'a>,
) -> Result<Value<'a>, BuiltinError> {
    filtered(cx, x, |element| !y.contains(element))
}

/// The elements of the smaller set that are in the other one.
pub(crate) fn intersection_of<'a>(
    cx: &mut Call<'a, '_>,
    x: Set<'a>,
    y: Set<'a>,
) -> Result<Value<'a>, BuiltinError> {
    let (small, large) = if y.len() < x.len() { (y, x) } else { (x, y) };
    filtered(cx, small, |element| large.contains(element))
}

fn filtered<'a>(
    cx: &mut Call<'a, '_>,
    set: Set<'a>,
    keep: impl Fn(Value<'a>) -> bool,
) -> Result<Value<'a>, BuiltinError> {
    let arena = cx.arena;
    set.filtered(arena, |element| {
        cx.charge(1)?;
        Ok(keep(element))
    })
}

/// The elements of all sets; of equal ones the first spelling stays.
pub(crate) fn union_of<'a>(
    cx: &mut Call<'a, '_>,
    sets: &[Set<'a>],
) -> Result<Value<'a>, BuiltinError> {
    if let [x, y] = sets {
        cx.charge(x.len() as u64 + y.len() as u64)?;
        return Ok(x.union(cx.arena, *y)?);
    }
    let mut builder = SetBuilder::new();
    for set in sets {
        for element in set.iter() {
            cx.charge(1)?;
            builder.insert(cx.arena, element)?;
        }
    }
    Ok(builder.finish(cx.arena))
}
