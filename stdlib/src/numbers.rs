//! Functions over numbers.

use num_bigint::{BigInt, Sign};
use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::number::{self, NumberError};
use regovm_core::value::{Arena, ArrayBuilder, Value, View};

use crate::declare::builtin;
use crate::operand::{
    Outcome, big_integer, failed, number as number_operand, number_text, operands, plain_integer,
    wrong,
};
use crate::operators::{digits_of, number_failed};
use crate::text::{Text, charge_big};

const CATEGORIES: &[&str] = &["numbers"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "abs",
        signature: "(x: num) -> y: num",
        doc: "The number without its sign.",
        cost: Cost::Linear("digits"),
        examples: [("abs(-1.5)", "1.5"), ("abs(2)", "2")],
        body: abs,
    },
    builtin! {
        name: "ceil",
        since: (0, 26),
        signature: "(x: num) -> y: num",
        doc: "The least integer that is not below x. Numbers beyond 64 bits are rounded to a float first.",
        cost: Cost::Linear("digits"),
        examples: [("ceil(1.2)", "2"), ("ceil(-1.2)", "-1")],
        body: ceil,
    },
    builtin! {
        name: "floor",
        since: (0, 26),
        signature: "(x: num) -> y: num",
        doc: "The greatest integer that is not above x. Numbers beyond 64 bits are rounded to a float first.",
        cost: Cost::Linear("digits"),
        examples: [("floor(1.8)", "1"), ("floor(-1.2)", "-2")],
        body: floor,
    },
    builtin! {
        name: "round",
        signature: "(x: num) -> y: num",
        doc: "The nearest integer; halves go away from zero.",
        cost: Cost::Linear("digits"),
        examples: [("round(2.5)", "3"), ("round(-2.5)", "-3"), ("round(2.4)", "2")],
        body: round,
    },
    builtin! {
        name: "numbers.range",
        since: (0, 22),
        signature: "(a: num, b: num) -> range: [num]",
        doc: "All integers from a to b, both included; downward if a is greater.",
        cost: Cost::Linear("elements"),
        examples: [("numbers.range(1, 3)", "[1, 2, 3]"), ("numbers.range(1, -1)", "[1, 0, -1]")],
        body: range,
    },
    builtin! {
        name: "numbers.range_step",
        since: (0, 56),
        signature: "(a: num, b: num, step: num) -> range: [num]",
        doc: "The integers from a toward b in steps. The step is positive in both directions.",
        cost: Cost::Linear("elements"),
        examples: [
            ("numbers.range_step(0, 10, 4)", "[0, 4, 8]"),
            ("numbers.range_step(10, 1, 3)", "[10, 7, 4, 1]"),
            ("numbers.range_step(0, 10, 0)", ""),
        ],
        body: range_step,
    },
    builtin! {
        name: "format_int",
        signature: "(number: num, base: num) -> output: str",
        doc: "The number in base 2, 8, 10 or 16. Fractions are cut off, toward zero.",
        cost: Cost::Linear("digits, squared"),
        examples: [
            ("format_int(255, 16)", r#""ff""#),
            ("format_int(-3.7, 10)", r#""-3""#),
            ("format_int(1, 3)", ""),
        ],
        body: format_int,
    },
];

macro_rules! rounding {
    ($name:ident, $function:path) => {
        fn $name<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
            let [x] = operands(arguments)?;
            number_operand(x, 1)?;
            unary(cx, x, $function)
        }
    };
}

rounding!(abs, number::abs);
rounding!(ceil, number::ceil);
rounding!(floor, number::floor);
rounding!(round, number::round);

fn unary<'a>(
    cx: &mut Call<'a, '_>,
    x: Value<'a>,
    function: impl Fn(Value<'a>, &'a Arena) -> Result<Value<'a>, NumberError>,
) -> Outcome<'a> {
    let digits = digits_of(x);
    cx.charge(digits.saturating_mul(digits) / 1024 + 1)?;
    function(x, cx.arena).map(Some).map_err(number_failed)
}

fn range<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [from, to] = operands(arguments)?;
    generate(cx, from, to, None)
}

fn range_step<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [from, to, step] = operands(arguments)?;
    generate(cx, from, to, Some(step))
}

fn generate<'a>(
    cx: &mut Call<'a, '_>,
    from: Value<'a>,
    to: Value<'a>,
    step: Option<Value<'a>>,
) -> Outcome<'a> {
    let (from, to) = (big_integer(from, 1)?, big_integer(to, 2)?);
    let step = match step {
        None => BigInt::from(1),
        Some(step) => {
            let step = big_integer(step, 3)?;
            if step.sign() != Sign::Plus {
                return Err(failed(
                    "numbers.range_step: step must be a positive integer",
                ));
            }
            step
        }
    };
    let distance = &to - &from;
    let count = (distance.magnitude() / step.magnitude()) + 1_u32;
    let count = u64::try_from(&count).unwrap_or(u64::MAX);
    cx.charge(1)?;
    cx.reserve(
        usize::try_from(count)
            .unwrap_or(usize::MAX)
            .saturating_mul(2 * size_of::<Value<'a>>()),
    )?;

    let downward = distance.sign() == Sign::Minus;
    let capacity = usize::try_from(count).unwrap_or(usize::MAX);
    let mut elements = ArrayBuilder::with_capacity(cx.arena, capacity)?;
    if let (Ok(mut at), Ok(step), Ok(_)) = (
        i64::try_from(&from),
        i64::try_from(&step),
        i64::try_from(&to),
    ) {
        for i in 0..count {
            if i % 4096 == 4095 {
                cx.charge(1024)?;
            }
            elements.push(cx.arena, cx.arena.integer(at))?;
            // The last step may leave the range of i64, and is not used then.
            at = if downward {
                at.wrapping_sub(step)
            } else {
                at.wrapping_add(step)
            };
        }
    } else {
        let mut at = from;
        for _ in 0..count {
            charge_big(cx, at.bits())?;
            elements.push(cx.arena, cx.arena.bigint(&at))?;
            if downward { at -= &step } else { at += &step }
        }
    }
    Ok(Some(elements.finish(cx.arena)))
}

fn format_int<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, base] = operands(arguments)?;
    number_operand(x, 1)?;
    number_operand(base, 2)?;
    // By spelling: the base 16.0 is none.
    let base = match number_text(base).as_ref() {
        "2" => 2,
        "8" => 8,
        "10" => 10,
        "16" => 16,
        _ => return Err(wrong(2, "must be one of {2, 8, 10, 16}")),
    };
    let n = match plain_integer(x) {
        Some(n) => BigInt::from(n),
        None => truncated(cx, x)?,
    };
    let mut out = Text::new(cx);
    let digits = out.big_digits(&n, base)?;
    out.push_str(&digits)?;
    Ok(Some(out.finish()))
}

/// The integer part: exact for integers, of the float nearest to the number else.
fn truncated<'a>(cx: &mut Call<'a, '_>, x: Value<'a>) -> Result<BigInt, BuiltinError> {
    let View::Number(n) = x.view() else {
        return Ok(BigInt::ZERO);
    };
    charge_big(cx, digits_of(x).saturating_mul(4))?;
    if let Ok(n) = n.text().parse() {
        return Ok(n);
    }
    // By way of the positive number: OPA's ceil has its own mind between -1 and 0.
    let magnitude = number::abs(x, cx.arena).map_err(number_failed)?;
    let whole = number::floor(magnitude, cx.arena).map_err(number_failed)?;
    let whole = big_integer(whole, 1)?;
    Ok(if n.text().starts_with('-') {
        -whole
    } else {
        whole
    })
}
