//! Bitwise functions over integers of any size, in two's complement.

use num_bigint::{BigInt, Sign};
use regovm_core::builtin::{Builtin, Call, Cost};
use regovm_core::value::Value;

use crate::declare::builtin;
use crate::operand::{Outcome, big_integer, operands, wrong};
use crate::text::{big_value, charge_big};

const CATEGORIES: &[&str] = &["bits"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "bits.and",
        since: (0, 18),
        signature: "(x: num, y: num) -> z: num",
        doc: "The bits that both integers have.",
        cost: Cost::Linear("digits, squared"),
        examples: [("bits.and(6, 3)", "2"), ("bits.and(-1, 5)", "5"), ("bits.and(1.5, 1)", "")],
        body: and,
    },
    builtin! {
        name: "bits.or",
        since: (0, 18),
        signature: "(x: num, y: num) -> z: num",
        doc: "The bits that either integer has.",
        cost: Cost::Linear("digits, squared"),
        examples: [("bits.or(6, 3)", "7")],
        body: or,
    },
    builtin! {
        name: "bits.xor",
        since: (0, 18),
        signature: "(x: num, y: num) -> z: num",
        doc: "The bits that one of the integers has and the other has not.",
        cost: Cost::Linear("digits, squared"),
        examples: [("bits.xor(6, 3)", "5")],
        body: xor,
    },
    builtin! {
        name: "bits.negate",
        since: (0, 18),
        signature: "(x: num) -> z: num",
        doc: "The integer with all bits flipped: -x-1.",
        cost: Cost::Linear("digits, squared"),
        examples: [("bits.negate(5)", "-6")],
        body: negate,
    },
    builtin! {
        name: "bits.lsh",
        since: (0, 18),
        signature: "(x: num, s: num) -> z: num",
        doc: "The integer times 2 to the power of s, which may not be negative.",
        cost: Cost::Linear("digits, squared"),
        examples: [("bits.lsh(1, 70)", "1180591620717411303424"), ("bits.lsh(1, -1)", "")],
        body: shift_left,
    },
    builtin! {
        name: "bits.rsh",
        since: (0, 18),
        signature: "(x: num, s: num) -> z: num",
        doc: "The integer divided by 2 to the power of s, rounded down. s may not be negative.",
        cost: Cost::Linear("digits, squared"),
        examples: [("bits.rsh(5, 1)", "2"), ("bits.rsh(-5, 1)", "-3")],
        body: shift_right,
    },
];

fn binary<'a>(
    cx: &mut Call<'a, '_>,
    arguments: &[Value<'a>],
    function: impl Fn(BigInt, BigInt) -> BigInt,
) -> Outcome<'a> {
    let [x, y] = operands(arguments)?;
    let (x, y) = (big_integer(x, 1)?, big_integer(y, 2)?);
    cx.charge(x.bits().max(y.bits()) / 64 + 1)?;
    big_value(cx, &function(x, y)).map(Some)
}

fn and<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    binary(cx, arguments, |x, y| x & y)
}

fn or<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    binary(cx, arguments, |x, y| x | y)
}

fn xor<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    binary(cx, arguments, |x, y| x ^ y)
}

fn negate<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    big_value(cx, &!big_integer(x, 1)?).map(Some)
}

fn shift_left<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, by] = operands(arguments)?;
    let (x, by) = (big_integer(x, 1)?, shift(by)?);
    if x.sign() == Sign::NoSign {
        return Ok(Some(cx.arena.integer(0)));
    }
    charge_big(cx, x.bits().saturating_add(by))?;
    big_value(cx, &(x << by)).map(Some)
}

fn shift_right<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, by] = operands(arguments)?;
    let (x, by) = (big_integer(x, 1)?, shift(by)?);
    big_value(cx, &(x >> by)).map(Some)
}

fn shift(by: Value<'_>) -> Result<u64, regovm_core::builtin::BuiltinError> {
    let by = big_integer(by, 2)?;
    if by.sign() == Sign::Minus {
        return Err(wrong(
            2,
            "must be an unsigned integer number but got a negative integer",
        ));
    }
    // OPA takes the lowest 64 bits of a larger count.
    Ok(by.iter_u64_digits().next().unwrap_or(0))
}
