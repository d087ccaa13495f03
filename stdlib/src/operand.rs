//! Operands of the kinds that bodies want, and OPA's words for those that are something else.

use num_bigint::BigInt;
use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::{Array, Object, Set, Value, View};
use std::borrow::Cow;

/// A value within a message: the start of it, if it is very long.
pub(crate) fn shown(value: Value<'_>) -> String {
    regovm_core::json::rego_text_start(value, 1 << 16)
}

/// Charges for arithmetic with the digits of a number, if there are many.
pub(crate) fn charge_number(cx: &mut Call<'_, '_>, value: Value<'_>) -> Result<(), BuiltinError> {
    match value.view() {
        View::Number(number) if number.text().len() > 64 => {
            let digits = number.text().len() as u64;
            cx.charge(digits.saturating_mul(digits) / 1024 + 1)
        }
        _ => Ok(()),
    }
}

/// What a body returns; `None` is undefined.
pub(crate) type Outcome<'a> = Result<Option<Value<'a>>, BuiltinError>;

/// The operands of a function of a known arity. The compiler has checked the arity of calls.
pub(crate) fn operands<'a, const N: usize>(
    arguments: &[Value<'a>],
) -> Result<[Value<'a>; N], BuiltinError> {
    arguments.first_chunk::<N>().copied().ok_or_else(|| {
        BuiltinError::Type(format!("expected {N} operands but got {}", arguments.len()))
    })
}

/// `operand 1 must be number but got string`
pub(crate) fn wrong_type(position: usize, wanted: &[&str], got: Value<'_>) -> BuiltinError {
    BuiltinError::operand_type(position, wanted, got)
}

/// `operand 1 must be array of numbers but got array containing string`
pub(crate) fn wrong_element(
    position: usize,
    composite: Value<'_>,
    wanted: &str,
    got: Value<'_>,
) -> BuiltinError {
    BuiltinError::operand_element(position, composite, &[wanted], got)
}

/// `operand 1` and a reason.
pub(crate) fn wrong(position: usize, reason: &str) -> BuiltinError {
    BuiltinError::operand(position, reason)
}

/// A failure that is no matter of types.
pub(crate) fn failed(reason: impl Into<String>) -> BuiltinError {
    BuiltinError::value(reason)
}

pub(crate) fn string<'a>(value: Value<'a>, position: usize) -> Result<&'a str, BuiltinError> {
    value
        .as_str()
        .ok_or_else(|| wrong_type(position, &["string"], value))
}

pub(crate) fn array<'a>(value: Value<'a>, position: usize) -> Result<Array<'a>, BuiltinError> {
    value
        .as_array()
        .ok_or_else(|| wrong_type(position, &["array"], value))
}

pub(crate) fn set<'a>(value: Value<'a>, position: usize) -> Result<Set<'a>, BuiltinError> {
    value
        .as_set()
        .ok_or_else(|| wrong_type(position, &["set"], value))
}

pub(crate) fn object<'a>(value: Value<'a>, position: usize) -> Result<Object<'a>, BuiltinError> {
    value
        .as_object()
        .ok_or_else(|| wrong_type(position, &["object"], value))
}

/// A number of any form.
pub(crate) fn number<'a>(value: Value<'a>, position: usize) -> Result<Value<'a>, BuiltinError> {
    if value.is_number() {
        Ok(value)
    } else {
        Err(wrong_type(position, &["number"], value))
    }
}

const NO_INTEGER: &str = "must be integer number but got floating-point number";

/// An integer of 64 bits in plain spelling: `2` and `2.0`, but not `2e0`.
pub(crate) fn integer(value: Value<'_>, position: usize) -> Result<i64, BuiltinError> {
    number(value, position)?;
    plain_integer(value).ok_or_else(|| wrong(position, NO_INTEGER))
}

/// The value of a number whose text is a plain 64-bit integer, perhaps with zeros after a point.
pub(crate) fn plain_integer(value: Value<'_>) -> Option<i64> {
    match value.view() {
        View::Integer(n) => Some(n),
        View::Number(n) => {
            let text = n.text();
            let digits = text.strip_prefix('-').unwrap_or(text);
            if digits.len() > 19 {
                return None;
            }
            match text.split_once('.') {
                Some((whole, zeros)) if zeros.bytes().all(|b| b == b'0') => whole.parse().ok(),
                Some(_) => None,
                None => text.parse().ok(),
            }
        }
        _ => None,
    }
}

/// An integer of any size and spelling.
pub(crate) fn big_integer(value: Value<'_>, position: usize) -> Result<BigInt, BuiltinError> {
    match value.view() {
        View::Integer(n) => Ok(BigInt::from(n)),
        View::Number(n) => n.to_bigint().ok_or_else(|| wrong(position, NO_INTEGER)),
        _ => Err(wrong_type(position, &["integer"], value)),
    }
}

/// The text of a number, as it was written.
pub(crate) fn number_text<'a>(value: Value<'a>) -> Cow<'a, str> {
    match value.view() {
        View::Integer(n) => Cow::Owned(n.to_string()),
        View::Number(n) => Cow::Borrowed(n.text()),
        _ => Cow::Borrowed("0"),
    }
}

/// The elements of an array, or those of a set in order.
pub(crate) fn elements<'a>(value: Value<'a>) -> Option<&'a [Value<'a>]> {
    match value.view() {
        View::Array(array) => Some(array.as_slice()),
        View::Set(set) => Some(set.as_sorted_slice()),
        _ => None,
    }
}
