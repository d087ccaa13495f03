//! Types of values, and conversions between them.

use regovm_core::builtin::{Builtin, Call, Cost};
use regovm_core::value::{Kind, Value, View, number};

use crate::declare::builtin;
use crate::go::quote::{Charset, push_quoted};
use crate::operand::{Outcome, failed, operands, wrong_type};
use crate::text::charge_bytes;

const CATEGORIES: &[&str] = &["types"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "is_null",
        signature: "(x: any) -> result: bool",
        doc: "Whether the value is null.",
        cost: Cost::Constant,
        examples: [("is_null(null)", "true"), ("is_null(false)", "false")],
        body: is_null,
    },
    builtin! {
        name: "is_boolean",
        signature: "(x: any) -> result: bool",
        doc: "Whether the value is true or false.",
        cost: Cost::Constant,
        examples: [("is_boolean(false)", "true"), ("is_boolean(0)", "false")],
        body: is_boolean,
    },
    builtin! {
        name: "is_number",
        signature: "(x: any) -> result: bool",
        doc: "Whether the value is a number.",
        cost: Cost::Constant,
        examples: [("is_number(1.5)", "true"), (r#"is_number("1")"#, "false")],
        body: is_number,
    },
    builtin! {
        name: "is_string",
        signature: "(x: any) -> result: bool",
        doc: "Whether the value is a string.",
        cost: Cost::Constant,
        examples: [(r#"is_string("")"#, "true"), ("is_string(null)", "false")],
        body: is_string,
    },
    builtin! {
        name: "is_array",
        signature: "(x: any) -> result: bool",
        doc: "Whether the value is an array.",
        cost: Cost::Constant,
        examples: [("is_array([])", "true"), ("is_array({1})", "false")],
        body: is_array,
    },
    builtin! {
        name: "is_object",
        signature: "(x: any) -> result: bool",
        doc: "Whether the value is an object.",
        cost: Cost::Constant,
        examples: [("is_object({})", "true"), ("is_object([])", "false")],
        body: is_object,
    },
    builtin! {
        name: "is_set",
        signature: "(x: any) -> result: bool",
        doc: "Whether the value is a set.",
        cost: Cost::Constant,
        examples: [("is_set({1})", "true"), ("is_set({})", "false")],
        body: is_set,
    },
    builtin! {
        name: "type_name",
        signature: "(x: any) -> type: str",
        doc: "The type of the value: null, boolean, number, string, array, object or set.",
        cost: Cost::Constant,
        examples: [("type_name({1})", r#""set""#), ("type_name(null)", r#""null""#)],
        body: type_name,
    },
    builtin! {
        name: "to_number",
        signature: "(value: null|bool|num|str) -> num: num",
        doc: "The number that a string spells, in JSON's form. Null and false are 0, true is 1. The spelling is kept.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"to_number("1.50")"#, "1.50"),
            ("to_number(true)", "1"),
            (r#"to_number("0x10")"#, ""),
            (r#"to_number("1e400")"#, ""),
        ],
        body: to_number,
    },
    builtin! {
        name: "cast_array",
        deprecated: true,
        signature: "(any) -> [any]",
        doc: "The elements of a set as an array; an array stays as it is.",
        cost: Cost::Linear("elements"),
        examples: [("cast_array({2, 1})", "[1, 2]"), (r#"cast_array("a")"#, "")],
        body: cast_array,
    },
    builtin! {
        name: "cast_set",
        deprecated: true,
        signature: "(any) -> {any}",
        doc: "The elements of an array as a set; a set stays as it is.",
        cost: Cost::Linear("elements"),
        examples: [("cast_set([1, 1])", "{1}")],
        body: cast_set,
    },
    builtin! {
        name: "cast_string",
        deprecated: true,
        signature: "(any) -> str",
        doc: "The value if it is a string, else an error.",
        cost: Cost::Constant,
        examples: [(r#"cast_string("a")"#, r#""a""#), ("cast_string(1)", "")],
        body: cast_string,
    },
    builtin! {
        name: "cast_boolean",
        deprecated: true,
        signature: "(any) -> bool",
        doc: "The value if it is a boolean, else an error.",
        cost: Cost::Constant,
        examples: [("cast_boolean(true)", "true")],
        body: cast_boolean,
    },
    builtin! {
        name: "cast_null",
        deprecated: true,
        signature: "(any) -> null",
        doc: "The value if it is null, else an error.",
        cost: Cost::Constant,
        examples: [("cast_null(null)", "null")],
        body: cast_null,
    },
    builtin! {
        name: "cast_object",
        deprecated: true,
        signature: "(any) -> obj<any=>any>",
        doc: "The value if it is an object, else an error.",
        cost: Cost::Constant,
        examples: [("cast_object({})", "{}")],
        body: cast_object,
    },
];

macro_rules! is {
    ($($name:ident, $kind:ident;)*) => {
        $(fn $name<'a>(_: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
            let [x] = operands(arguments)?;
            Ok(Some(Value::boolean(x.kind() == Kind::$kind)))
        })*
    };
}

is! {
    is_null, Null;
    is_boolean, Boolean;
    is_number, Number;
    is_string, String;
    is_array, Array;
    is_object, Object;
    is_set, Set;
}

fn type_name<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    Ok(Some(cx.arena.string_ref(x.kind().name())))
}

fn to_number<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    match x.view() {
        View::Null | View::Boolean(false) => Ok(Some(cx.arena.integer(0))),
        View::Boolean(true) => Ok(Some(cx.arena.integer(1))),
        View::Integer(_) | View::Number(_) => Ok(Some(x)),
        View::String(text) => {
            charge_bytes(cx, text.len())?;
            let name = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
            if matches!(name.as_str(), "inf" | "infinity" | "nan") {
                return Err(wrong_type(1, &["valid number string"], x));
            }
            let unreadable = |reason: &str| {
                let mut message = "strconv.ParseFloat: parsing ".to_owned();
                push_quoted(&mut message, &text, Charset::Unicode);
                failed(message + ": " + reason)
            };
            let number = spelled_number(&text).ok_or_else(|| unreadable("invalid syntax"))?;
            if number.parse::<f64>().is_ok_and(f64::is_infinite) {
                return Err(unreadable("value out of range"));
            }
            if number::is_too_big(&number) {
                return Err(failed("invalid number: number too big"));
            }
            Ok(cx.arena.number_text(&number))
        }
        _ => Err(wrong_type(1, &["null", "boolean", "number", "string"], x)),
    }
}

/// The number that a text spells, as JSON writes it. Go also reads a plus sign, zeros in front,
/// missing digits on one side of the point, and underscores between digits; OPA keeps such
/// spellings and then fails to print them.
fn spelled_number(text: &str) -> Option<String> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at..])),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let mut number = String::with_capacity(text.len() + 2);
    if negative {
        number.push('-');
    }
    let whole = digits(whole)?;
    let fraction = digits(fraction.unwrap_or(""))?;
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let significant = whole.trim_start_matches('0');
    number.push_str(if significant.is_empty() {
        "0"
    } else {
        significant
    });
    if !fraction.is_empty() {
        number.push('.');
        number.push_str(&fraction);
    }
    if let Some(exponent) = exponent {
        let (letter, exponent) = exponent.split_at(1);
        number.push_str(letter);
        let count = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let digits = digits(count).filter(|digits| !digits.is_empty())?;
        number.push_str(&exponent[..exponent.len() - count.len()]);
        number.push_str(&digits);
    }
    Some(number)
}

/// Digits with single underscores between them, without the underscores.
fn digits(text: &str) -> Option<String> {
    let separated = text.split('_').all(|part| !part.is_empty()) || text.is_empty();
    let valid = separated && text.bytes().all(|b| b == b'_' || b.is_ascii_digit());
    valid.then(|| text.replace('_', ""))
}

fn cast_array<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    match x.view() {
        View::Array(_) => Ok(Some(x)),
        View::Set(set) => {
            cx.charge(set.len() as u64 / 4 + 1)?;
            Ok(Some(cx.arena.array(set.as_sorted_slice())))
        }
        _ => Err(wrong_type(1, &["array", "set"], x)),
    }
}

fn cast_set<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    match x.view() {
        View::Set(_) => Ok(Some(x)),
        View::Array(array) => {
            cx.charge(array.len() as u64 + 1)?;
            Ok(Some(cx.arena.set_from(array.iter())))
        }
        _ => Err(wrong_type(1, &["array", "set"], x)),
    }
}

macro_rules! cast {
    ($($name:ident, $kind:ident;)*) => {
        $(fn $name<'a>(_: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
            let [x] = operands(arguments)?;
            match x.kind() {
                Kind::$kind => Ok(Some(x)),
                _ => Err(wrong_type(1, &[Kind::$kind.name()], x)),
            }
        })*
    };
}

cast! {
    cast_string, String;
    cast_boolean, Boolean;
    cast_null, Null;
    cast_object, Object;
}
