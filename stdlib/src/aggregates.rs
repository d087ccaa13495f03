//! Functions that reduce a collection to one value.

use std::cmp::Ordering;

use num_bigint::BigInt;
use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::number::{Accumulator, NumberError};
use regovm_core::value::{Value, View, sort_by_key};
use regovm_core::work;

use crate::declare::builtin;
use crate::operand::{Outcome, charge_number, elements, operands, wrong_element, wrong_type};
use crate::operators::number_failed;
use crate::text::{big_value, charge_big, charge_bytes, count_chars};

const CATEGORIES: &[&str] = &["aggregates"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "count",
        signature: "(collection: str|[any]|obj<any=>any>|{any}) -> n: num",
        doc: "How many elements a collection has, or characters a string. Characters are code points.",
        cost: Cost::Linear("bytes of a string"),
        examples: [("count([1, 2])", "2"), (r#"count("año")"#, "3"), ("count({})", "0"), ("count(1)", "")],
        body: count,
    },
    builtin! {
        name: "sum",
        signature: "(collection: [num]|{num}) -> n: num",
        doc: "The sum of numbers, 0 of none. Integers are added exactly; one fraction makes the whole sum a float.",
        cost: Cost::Linear("elements"),
        examples: [("sum([1, 2, 3])", "6"), ("sum([])", "0"), ("sum({0.5, 1})", "1.5")],
        body: sum,
    },
    builtin! {
        name: "product",
        signature: "(collection: [num]|{num}) -> n: num",
        doc: "The product of numbers, 1 of none.",
        cost: Cost::Linear("elements, and digits squared"),
        examples: [("product([2, 3, 4])", "24"), ("product(set())", "1")],
        body: product,
    },
    builtin! {
        name: "max",
        signature: "(collection: [any]|{any}) -> n: any",
        doc: "The greatest element in the order of all types; undefined if there is none.",
        cost: Cost::Linear("elements"),
        examples: [("max([3, 1, 2])", "3"), (r#"max([1, "a"])"#, r#""a""#), ("max([])", "")],
        body: max,
    },
    builtin! {
        name: "min",
        signature: "(collection: [any]|{any}) -> n: any",
        doc: "The least element in the order of all types; undefined if there is none.",
        cost: Cost::Linear("elements"),
        examples: [("min([3, 1, 2])", "1"), ("min(set())", "")],
        body: min,
    },
    builtin! {
        name: "sort",
        signature: "(collection: [any]|{any}) -> n: [any]",
        doc: "The elements as a sorted array, in the order of all types.",
        cost: Cost::Linear("elements, times their logarithm"),
        examples: [(r#"sort([3, "a", null, 1])"#, r#"[null, 1, 3, "a"]"#), ("sort({2, 1})", "[1, 2]")],
        body: sort,
    },
    builtin! {
        name: "all",
        deprecated: true,
        signature: "([any]|{any}) -> bool",
        doc: "Whether every element is `true`. Use `every`.",
        cost: Cost::Linear("elements"),
        examples: [("all([true, true])", "true"), ("all([1])", "false"), ("all([])", "true")],
        body: all,
    },
    builtin! {
        name: "any",
        deprecated: true,
        signature: "([any]|{any}) -> bool",
        doc: "Whether some element is `true`. Use `true in collection`.",
        cost: Cost::Linear("elements"),
        examples: [("any([false, true])", "true"), ("any([1])", "false"), ("any(set())", "false")],
        body: any,
    },
];

fn count<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [collection] = operands(arguments)?;
    let count = match collection.view() {
        View::String(text) => {
            charge_bytes(cx, text.len())?;
            count_chars(cx, &text)?
        }
        _ => collection
            .collection_len()
            .ok_or_else(|| wrong_type(1, &["array", "object", "set", "string"], collection))?,
    };
    Ok(Some(cx.arena.integer(count as i64)))
}

/// The elements of a collection; OPA names the kinds in one order or the other.
fn operand<'a>(
    cx: &mut Call<'a, '_>,
    collection: Value<'a>,
    kinds: [&str; 2],
) -> Result<&'a [Value<'a>], BuiltinError> {
    let elements = elements(collection).ok_or_else(|| wrong_type(1, &kinds, collection))?;
    cx.charge(elements.len() as u64 / 4 + 1)?;
    Ok(elements)
}

fn sum<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [collection] = operands(arguments)?;
    let elements = operand(cx, collection, ["set", "array"])?;
    let small = elements
        .iter()
        .try_fold(0_i64, |sum, element| match element.view() {
            View::Integer(n) if work::effort(1) => sum.checked_add(n),
            _ => None,
        });
    if let Some(sum) = small {
        return Ok(Some(cx.arena.integer(sum)));
    }
    let mut exact = BigInt::ZERO;
    for element in elements {
        cx.charge(1)?;
        charge_number(cx, *element)?;
        let Some(n) = integer(*element) else {
            return inexact(
                cx,
                collection,
                elements,
                Accumulator::zero(),
                Accumulator::add,
            );
        };
        exact += n;
    }
    big_value(cx, &exact).map(Some)
}

fn product<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [collection] = operands(arguments)?;
    let elements = operand(cx, collection, ["set", "array"])?;
    let mut exact = BigInt::from(1);
    for element in elements {
        cx.charge(1)?;
        charge_number(cx, *element)?;
        let Some(n) = integer(*element) else {
            return inexact(
                cx,
                collection,
                elements,
                Accumulator::one(),
                Accumulator::mul,
            );
        };
        if exact.bits() > 64 {
            cx.charge((exact.bits() / 64).saturating_mul(n.bits() / 64 + 1) / 8 + 1)?;
            charge_big(cx, exact.bits())?;
        }
        exact *= n;
    }
    charge_big(cx, exact.bits())?;
    big_value(cx, &exact).map(Some)
}

fn integer(value: Value<'_>) -> Option<BigInt> {
    match value.view() {
        View::Integer(n) => Some(BigInt::from(n)),
        View::Number(n) => n.to_bigint(),
        _ => None,
    }
}

/// Some element is no integer: then all are taken as floats, one after the other.
fn inexact<'a>(
    cx: &mut Call<'a, '_>,
    collection: Value<'a>,
    elements: &[Value<'a>],
    mut so_far: Accumulator,
    step: impl Fn(&mut Accumulator, Value<'a>) -> Result<(), NumberError>,
) -> Outcome<'a> {
    for element in elements {
        cx.charge(1)?;
        charge_number(cx, *element)?;
        if !element.is_number() {
            return Err(wrong_element(1, collection, "number", *element));
        }
        step(&mut so_far, *element).map_err(number_failed)?;
    }
    Ok(Some(so_far.finish(cx.arena)))
}

fn ordered(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    work::effort(1);
    a.cmp(b)
}

fn max<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [collection] = operands(arguments)?;
    // Of equal elements the last one.
    Ok(operand(cx, collection, ["set", "array"])?
        .iter()
        .copied()
        .max_by(ordered))
}

fn min<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [collection] = operands(arguments)?;
    // Of equal elements the last one, too.
    let elements = operand(cx, collection, ["set", "array"])?.iter().copied();
    Ok(elements.rev().min_by(ordered))
}

fn sort<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [collection] = operands(arguments)?;
    let elements = operand(cx, collection, ["set", "array"])?;
    if collection.as_set().is_some() {
        cx.reserve(size_of_val(elements))?;
        return Ok(Some(cx.arena.array(elements)));
    }
    cx.charge(elements.len() as u64 * u64::from(elements.len().max(1).ilog2()) / 2)?;
    cx.reserve(2 * size_of_val(elements))?;
    let _memory = cx.claim(size_of_val(elements))?;
    let mut sorted = elements.to_vec();
    sort_by_key(cx.arena, &mut sorted, |element| *element)?;
    Ok(Some(cx.arena.array(&sorted)))
}

fn all<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [collection] = operands(arguments)?;
    let all = operand(cx, collection, ["array", "set"])?
        .iter()
        .all(|element| element.is_true() && work::effort(1));
    Ok(Some(Value::boolean(all)))
}

fn any<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [collection] = operands(arguments)?;
    let any = operand(cx, collection, ["array", "set"])?
        .iter()
        .any(|element| element.is_true() || !work::effort(1));
    Ok(Some(Value::boolean(any)))
}
