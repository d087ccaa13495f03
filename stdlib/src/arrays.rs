//! Functions over arrays.

use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::{ArrayBuilder, Value};
use regovm_core::work;

use crate::declare::builtin;
use crate::operand::{Outcome, array, integer, operands};

const CATEGORIES: &[&str] = &["array"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "array.concat",
        signature: "(x: [any], y: [any]) -> z: [any]",
        doc: "One array after the other.",
        cost: Cost::Linear("elements"),
        examples: [("array.concat([1, 2], [3])", "[1, 2, 3]")],
        body: concat,
    },
    builtin! {
        name: "array.flatten",
        since: (1, 13),
        signature: "(arr: [any]) -> flattened: [any]",
        doc: "Puts the elements of nested arrays in their place. One level only.",
        cost: Cost::Linear("elements"),
        examples: [("array.flatten([1, [2, [3]], []])", "[1, 2, [3]]")],
        body: flatten,
    },
    builtin! {
        name: "array.reverse",
        since: (0, 36),
        signature: "(arr: [any]) -> rev: [any]",
        doc: "The elements from last to first.",
        cost: Cost::Linear("elements"),
        examples: [("array.reverse([1, 2, 3])", "[3, 2, 1]")],
        body: reverse,
    },
    builtin! {
        name: "array.slice",
        signature: "(arr: [any], start: num, stop: num) -> slice: [any]",
        doc: "The elements from start up to but not including stop. Indexes out of bounds are moved to the nearest bound.",
        cost: Cost::Linear("elements taken"),
        examples: [
            ("array.slice([1, 2, 3, 4], 1, 3)", "[2, 3]"),
            ("array.slice([1, 2], -5, 9)", "[1, 2]"),
            ("array.slice([1, 2], 2, 1)", "[]"),
        ],
        body: slice,
    },
];

fn concat<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, y] = operands(arguments)?;
    let (first, second) = (array(x, 1)?, array(y, 2)?);
    if first.is_empty() {
        return Ok(Some(y));
    }
    if second.is_empty() {
        return Ok(Some(x));
    }
    let len = first.len() + second.len();
    cx.charge(len as u64 / 4 + 1)?;
    let mut joined = with_room(cx, len)?;
    joined.extend(cx.arena, first.as_slice())?;
    joined.extend(cx.arena, second.as_slice())?;
    Ok(Some(joined.finish(cx.arena)))
}

/// An array in the making for so many elements. Twice their room is needed in the end: it is copied.
fn with_room<'a>(cx: &mut Call<'a, '_>, len: usize) -> Result<ArrayBuilder<'a>, BuiltinError> {
    cx.reserve(len.saturating_mul(2 * size_of::<Value<'a>>()))?;
    Ok(ArrayBuilder::with_capacity(cx.arena, len)?)
}

fn flatten<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [outer] = operands(arguments)?;
    let elements = array(outer, 1)?.as_slice();
    cx.charge(elements.len() as u64 / 4 + 1)?;
    let nested = elements.iter().filter_map(|element| element.as_array());
    let (arrays, inner) = nested.fold((0, 0), |(n, len), array| (n + 1, len + array.len()));
    if arrays == 0 {
        return Ok(Some(outer));
    }
    let len = elements.len() - arrays + inner;
    cx.charge(len as u64 / 4)?;
    let mut flat = with_room(cx, len)?;
    for element in elements {
        if !work::effort(1) {
            break;
        }
        match element.as_array() {
            Some(array) => flat.extend(cx.arena, array.as_slice())?,
            None => flat.push(cx.arena, *element)?,
        }
    }
    Ok(Some(flat.finish(cx.arena)))
}

fn reverse<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [array_] = operands(arguments)?;
    let elements = array(array_, 1)?.as_slice();
    cx.charge(elements.len() as u64 / 4 + 1)?;
    let mut reversed = with_room(cx, elements.len())?;
    for element in elements.iter().rev() {
        if !work::effort(1) {
            break;
        }
        reversed.push(cx.arena, *element)?;
    }
    Ok(Some(reversed.finish(cx.arena)))
}

fn slice<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [array_, start, stop] = operands(arguments)?;
    let elements = array(array_, 1)?.as_slice();
    let (start, stop) = (integer(start, 2)?, integer(stop, 3)?);
    let stop = usize::try_from(stop.max(0))
        .unwrap_or(usize::MAX)
        .min(elements.len());
    let start = usize::try_from(start.max(0))
        .unwrap_or(usize::MAX)
        .min(stop);
    let taken = &elements[start..stop];
    if taken.len() == elements.len() {
        return Ok(Some(array_));
    }
    cx.charge(taken.len() as u64 / 4 + 1)?;
    cx.reserve(size_of_val(taken))?;
    Ok(Some(cx.arena.array(taken)))
}
