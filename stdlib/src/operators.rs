//! The operators: comparison, arithmetic, set operators and membership.
//!
//! The VM has instructions for the common ones; these bodies say what the instructions must do
//! and serve every other call.

use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::number::{self, NumberError};
use regovm_core::value::{Value, View};
use regovm_core::work;

use crate::declare::builtin;
use crate::operand::{
    Outcome, elements, failed, number as number_operand, operands, set, wrong_type,
};
use crate::sets;

const CATEGORIES: &[&str] = &["operators"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "assign",
        infix: ":=",
        signature: "(any, any) -> bool",
        doc: "Declares a variable and gives it a value. The compiler resolves every use; it is never called.",
        cost: Cost::Constant,
        examples: [],
        body: equal,
    },
    builtin! {
        name: "eq",
        infix: "=",
        signature: "(any, any) -> bool",
        doc: "Unifies two terms. The compiler turns it into bindings and comparisons; between values it compares.",
        cost: Cost::Linear("the smaller value"),
        examples: [("eq(1, 1)", "true")],
        body: equal,
    },
    builtin! {
        name: "equal",
        infix: "==",
        signature: "(x: any, y: any) -> result: bool",
        doc: "Whether two values are equal. Numbers are equal by value, whatever their spelling.",
        cost: Cost::Linear("the smaller value"),
        examples: [("equal(1, 1.0)", "true"), ("equal([1], {1})", "false")],
        body: equal,
    },
    builtin! {
        name: "neq",
        infix: "!=",
        signature: "(x: any, y: any) -> result: bool",
        doc: "Whether two values differ.",
        cost: Cost::Linear("the smaller value"),
        examples: [("neq(1, 1.0)", "false"), (r#"neq("a", "b")"#, "true")],
        body: not_equal,
    },
    builtin! {
        name: "lt",
        infix: "<",
        signature: "(x: any, y: any) -> result: bool",
        doc: "Whether x comes before y. The order spans all types: null, booleans, numbers, strings, arrays, objects, sets.",
        cost: Cost::Linear("the smaller value"),
        examples: [("lt(1, 2)", "true"), (r#"lt("10", 9)"#, "false")],
        body: less,
    },
    builtin! {
        name: "lte",
        infix: "<=",
        signature: "(x: any, y: any) -> result: bool",
        doc: "Whether x comes before y or equals it, in the order of all types.",
        cost: Cost::Linear("the smaller value"),
        examples: [("lte(2, 2)", "true")],
        body: less_or_equal,
    },
    builtin! {
        name: "gt",
        infix: ">",
        signature: "(x: any, y: any) -> result: bool",
        doc: "Whether x comes after y, in the order of all types.",
        cost: Cost::Linear("the smaller value"),
        examples: [("gt({1}, [2])", "true")],
        body: greater,
    },
    builtin! {
        name: "gte",
        infix: ">=",
        signature: "(x: any, y: any) -> result: bool",
        doc: "Whether x comes after y or equals it, in the order of all types.",
        cost: Cost::Linear("the smaller value"),
        examples: [("gte(null, false)", "false")],
        body: greater_or_equal,
    },
    builtin! {
        name: "plus",
        infix: "+",
        signature: "(x: num, y: num) -> z: num",
        doc: "Adds two numbers. Integers are exact at any size; other numbers are rounded to a mantissa of 64 bits.",
        cost: Cost::Linear("digits"),
        examples: [("plus(0.1, 0.2)", "0.3"), ("plus(18446744073709551617, 1)", "18446744073709551618")],
        body: plus,
    },
    builtin! {
        name: "minus",
        infix: "-",
        signature: "(x: num|{any}, y: num|{any}) -> z: num|{any}",
        doc: "Subtracts numbers, or removes the elements of one set from another.",
        cost: Cost::Linear("digits or elements"),
        examples: [("minus(3, 5)", "-2"), ("minus({1, 2}, {2})", "{1}"), ("minus({1}, 1)", "")],
        body: minus,
    },
    builtin! {
        name: "mul",
        infix: "*",
        signature: "(x: num, y: num) -> z: num",
        doc: "Multiplies two numbers. Integers are exact at any size.",
        cost: Cost::Linear("digits, squared"),
        examples: [("mul(3, 4)", "12"), ("mul(1.5, 1.5)", "2.25")],
        body: mul,
    },
    builtin! {
        name: "div",
        infix: "/",
        signature: "(x: num, y: num) -> z: num",
        doc: "Divides two numbers. A quotient that is no integer has a mantissa of 64 bits. Division by zero is an error.",
        cost: Cost::Linear("digits, squared"),
        examples: [("div(10, 4)", "2.5"), ("div(1, 3)", "0.33333333333333333334"), ("div(1, 0)", "")],
        body: div,
    },
    builtin! {
        name: "rem",
        infix: "%",
        signature: "(x: num, y: num) -> z: num",
        doc: "The remainder of the division of integers, with the sign of the dividend. Fractions and a zero divisor are errors.",
        cost: Cost::Linear("digits, squared"),
        examples: [("rem(7, 3)", "1"), ("rem(-7, 3)", "-1"), ("rem(1.5, 1)", "")],
        body: rem,
    },
    builtin! {
        name: "and",
        infix: "&",
        signature: "(x: {any}, y: {any}) -> z: {any}",
        doc: "The elements that are in both sets.",
        cost: Cost::Linear("elements"),
        examples: [("and({1, 2, 3}, {2, 3, 4})", "{2, 3}")],
        body: and,
    },
    builtin! {
        name: "or",
        infix: "|",
        signature: "(x: {any}, y: {any}) -> z: {any}",
        doc: "The elements that are in either set.",
        cost: Cost::Linear("elements"),
        examples: [("or({1, 2}, {2, 3})", "{1, 2, 3}")],
        body: or,
    },
    builtin! {
        name: "internal.member_2",
        since: (0, 34),
        infix: "in",
        signature: "(any, any) -> bool",
        doc: "`x in xs`: whether x is an element of an array or set, or a value of an object. False for anything else.",
        cost: Cost::Linear("elements of an array or object"),
        examples: [
            ("internal.member_2(2, [1, 2])", "true"),
            (r#"internal.member_2("a", {"a": 1})"#, "false"),
            (r#"internal.member_2("a", "abc")"#, "false"),
        ],
        body: member,
    },
    builtin! {
        name: "internal.member_3",
        since: (0, 34),
        infix: "in",
        signature: "(any, any, any) -> bool",
        doc: "`k, v in xs`: whether xs has v at index or key k. In a set every element is its own key.",
        cost: Cost::Linear("the value"),
        examples: [
            (r#"internal.member_3("a", 1, {"a": 1})"#, "true"),
            (r#"internal.member_3(1, "y", ["x", "y"])"#, "true"),
            (r#"internal.member_3("a", "a", {"a"})"#, "true"),
        ],
        body: member_with_key,
    },
];

/// Values compared per unit of work; comparing two of them usually ends early.
fn charge_comparison(
    cx: &mut Call<'_, '_>,
    x: Value<'_>,
    y: Value<'_>,
) -> Result<(), BuiltinError> {
    let len = |value: Value<'_>| match value.view() {
        View::String(text) => text.len() / 64,
        View::Null | View::Boolean(_) | View::Integer(_) | View::Number(_) => 0,
        _ => value.collection_len().unwrap_or(0),
    };
    if x.kind() == y.kind() {
        cx.charge(len(x).min(len(y)) as u64 + 1)
    } else {
        cx.charge(1)
    }
}

macro_rules! comparison {
    ($name:ident, $x:ident, $y:ident, $result:expr) => {
        fn $name<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
            let [$x, $y] = operands(arguments)?;
            charge_comparison(cx, $x, $y)?;
            Ok(Some(Value::boolean($result)))
        }
    };
}

comparison!(equal, x, y, x == y);
comparison!(not_equal, x, y, x != y);
comparison!(less, x, y, x < y);
comparison!(less_or_equal, x, y, x <= y);
comparison!(greater, x, y, x > y);
comparison!(greater_or_equal, x, y, x >= y);

/// Digits that arithmetic has to do with: those written, and those an exponent stands for.
pub(crate) fn digits_of(value: Value<'_>) -> u64 {
    let View::Number(n) = value.view() else {
        return 1;
    };
    let text = n.text();
    let exponent = text.find(['e', 'E']).map_or(0, |at| {
        text[at + 1..]
            .trim_start_matches(['+', '-'])
            .parse()
            .unwrap_or(0_u64)
    });
    (text.len() as u64).saturating_add(exponent)
}

/// Work and memory of arithmetic, by the length of the operands.
fn charge_digits(cx: &mut Call<'_, '_>, x: Value<'_>, y: Value<'_>) -> Result<(), BuiltinError> {
    let digits = digits_of(x).saturating_add(digits_of(y));
    if digits > 64 {
        // Writing the result down takes the square of its length.
        cx.charge(digits.saturating_mul(digits) / 1024 + 1)?;
        cx.reserve(usize::try_from(digits).unwrap_or(usize::MAX))?;
    }
    Ok(())
}

pub(crate) fn number_failed(error: NumberError) -> BuiltinError {
    failed(error.to_string())
}

macro_rules! arithmetic {
    ($name:ident, $function:path) => {
        fn $name<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
            let [x, y] = operands(arguments)?;
            number_operand(x, 1)?;
            number_operand(y, 2)?;
            charge_digits(cx, x, y)?;
            $function(x, y, cx.arena).map(Some).map_err(number_failed)
        }
    };
}

arithmetic!(plus, number::add);
arithmetic!(mul, number::mul);
arithmetic!(div, number::div);
arithmetic!(rem, number::rem);

fn minus<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, y] = operands(arguments)?;
    if x.is_number() && y.is_number() {
        charge_digits(cx, x, y)?;
        return number::sub(x, y, cx.arena).map(Some).map_err(number_failed);
    }
    if let (Some(x), Some(y)) = (x.as_set(), y.as_set()) {
        return sets::difference(cx, x, y).map(Some);
    }
    Err(if !x.is_number() && x.as_set().is_none() {
        wrong_type(1, &["number", "set"], x)
    } else if y.is_number() {
        wrong_type(2, &["set"], y)
    } else {
        wrong_type(2, &["number"], y)
    })
}

fn and<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, y] = operands(arguments)?;
    sets::intersection_of(cx, set(x, 1)?, set(y, 2)?).map(Some)
}

fn or<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, y] = operands(arguments)?;
    let (first, second) = (set(x, 1)?, set(y, 2)?);
    if first.is_empty() {
        return Ok(Some(y));
    }
    if second.is_empty() {
        return Ok(Some(x));
    }
    sets::union_of(cx, &[first, second]).map(Some)
}

fn member<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x, collection] = operands(arguments)?;
    let found = match collection.view() {
        View::Set(set) => set.contains(x),
        View::Array(_) => {
            let elements = elements(collection).unwrap_or(&[]);
            cx.charge(elements.len() as u64 / 4 + 1)?;
            elements
                .iter()
                .any(|element| !work::effort(1) || *element == x)
        }
        View::Object(object) => {
            cx.charge(object.len() as u64 / 4 + 1)?;
            let mut values = object.values().iter();
            values.any(|value| !work::effort(1) || *value == x)
        }
        _ => false,
    };
    Ok(Some(Value::boolean(found)))
}

fn member_with_key<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [key, value, collection] = operands(arguments)?;
    cx.charge(1)?;
    let found = collection.get(key).is_some_and(|found| found == value);
    Ok(Some(Value::boolean(found)))
}
