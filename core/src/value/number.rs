//! OPA's number model: decimal text that is kept, exact integers of any size, and 64-bit-mantissa
//! floats for the rest. Arithmetic gives a number in the spelling that OPA gives it.

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint};
use num_traits::{Signed, ToPrimitive, Zero};

use super::bigfloat::{Digits, Float};
use super::fast::Fast;
use super::raw::NumberHeader;
use super::{Arena, Value, hash};
use crate::work;

/// Arithmetic refuses numbers with more digits or larger exponents: they would take the time and
/// the memory of everything else. What OPA reads has 30,103 digits at most.
const MAX_DIGITS: i64 = 100_000;

/// Exponents saturate here.
const MAX_READ_EXPONENT: i64 = i64::MAX / 4;

/// OPA refuses numbers whose binary exponent is larger.
const MAX_BINARY_EXPONENT: i64 = 100_000;

/// A number that is not an integer of 61 bits in plain spelling.
#[derive(Clone, Copy)]
pub struct Number<'a>(pub(super) &'a NumberHeader);

/// `mantissa * 10^exponent`, without zeros at the end of the mantissa.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Decimal {
    pub(super) mantissa: u64,
    pub(super) exponent: i32,
    pub(super) negative: bool,
}

/// Why arithmetic failed; the text is OPA's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NumberError {
    /// Division by zero.
    DivideByZero,
    /// Remainder by zero.
    ModuloByZero,
    /// Remainder of something that is no integer.
    ModuloFloat,
    /// An operand is no number; callers check this first.
    NotANumber,
    /// The result would fill the memory.
    TooLarge,
}

impl std::fmt::Display for NumberError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            NumberError::DivideByZero => "divide by zero",
            NumberError::ModuloByZero => "modulo by zero",
            NumberError::ModuloFloat => "modulo on floating-point number",
            NumberError::NotANumber => "operand must be number",
            NumberError::TooLarge => "number too big",
        })
    }
}

impl std::error::Error for NumberError {}

/// The parts of a JSON number's text.
struct Parts<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
    /// Saturated.
    exponent: i64,
}

impl<'t> Parts<'t> {
    /// Of text in the syntax of [`is_json_number`].
    fn of(text: &'t str) -> Parts<'t> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], exponent(&rest[at + 1..])),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        Parts {
            negative,
            whole,
            fraction,
            exponent,
        }
    }

    fn digits(&self) -> impl DoubleEndedIterator<Item = u8> {
        self.whole
            .bytes()
            .chain(self.fraction.bytes())
            .map(|c| c - b'0')
    }

    /// The digits without zeros at either end, and the exponent of the position before the first
    /// digit; `None` for zero.
    fn significant(&self) -> Option<(Vec<u8>, i64)> {
        let mut digits: Vec<u8> = self.digits().collect();
        let leading = digits.iter().position(|d| *d != 0)?;
        let point = (self.whole.len() as i64 - leading as i64).saturating_add(self.exponent);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        digits.drain(..leading);
        Some((digits, point))
    }
}

fn exponent(text: &str) -> i64 {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = digits.bytes().fold(0i64, |sum, c| {
        sum.saturating_mul(10)
            .saturating_add(i64::from(c.wrapping_sub(b'0')))
    });
    let magnitude = magnitude.min(MAX_READ_EXPONENT);
    if negative { -magnitude } else { magnitude }
}

impl Decimal {
    /// The exact value of a number's text, if its digits fit into 64 bits.
    pub(super) fn parse(text: &str) -> Option<Decimal> {
        let parts = Parts::of(text);
        let mut mantissa = 0u64;
        // Zeros that are not yet known to be followed by another digit.
        let mut pending = 0u32;
        let mut seen = 0i64;
        let mut last = 0i64;
        for digit in parts.digits() {
            seen += 1;
            if digit == 0 {
                pending += u32::from(mantissa != 0);
                continue;
            }
            let shift = 10u64.checked_pow(pending + 1);
            mantissa = match mantissa {
                0 => u64::from(digit),
                m => m.checked_mul(shift?)?.checked_add(u64::from(digit))?,
            };
            pending = 0;
            last = seen;
        }
        if mantissa == 0 {
            return Some(Decimal {
                mantissa: 0,
                exponent: 0,
                negative: false,
            });
        }
        let exponent = (parts.whole.len() as i64 - last).saturating_add(parts.exponent);
        let exponent = i32::try_from(exponent).ok()?;
        Some(Decimal {
            mantissa,
            exponent,
            negative: parts.negative,
        })
    }

    fn from_integer(value: i64) -> Decimal {
        let mut mantissa = value.unsigned_abs();
        let mut exponent = 0;
        while mantissa != 0 && mantissa.is_multiple_of(10) {
            mantissa /= 10;
            exponent += 1;
        }
        Decimal {
            mantissa,
            exponent,
            negative: value < 0,
        }
    }

    fn to_i64(self) -> Option<i64> {
        let exponent = u32::try_from(self.exponent).ok()?;
        let magnitude = i128::from(self.mantissa).checked_mul(10i128.checked_pow(exponent)?)?;
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }

    /// Exponent of the position before the first digit.
    fn point(self) -> i64 {
        i64::from(self.exponent) + i64::from(self.mantissa.checked_ilog10().map_or(0, |n| n + 1))
    }

    fn compare(self, other: Decimal) -> Ordering {
        let sign = |d: Decimal| match (d.mantissa, d.negative) {
            (0, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        };
        let by_sign = sign(self).cmp(&sign(other));
        if by_sign.is_ne() || self.mantissa == 0 {
            return by_sign;
        }
        let magnitude = self.point().cmp(&other.point()).then_with(|| {
            // Same position of the first digit: at most 19 digits apart.
            let low = self.exponent.min(other.exponent);
            let scaled = |d: Decimal| {
                u128::from(d.mantissa) * 10u128.pow((d.exponent - low).unsigned_abs().min(19))
            };
            scaled(self).cmp(&scaled(other))
        });
        if self.negative {
            magnitude.reverse()
        } else {
            magnitude
        }
    }
}

impl<'a> Number<'a> {
    /// The text: as it was written, or as OPA prints the result of a computation.
    pub fn text(self) -> &'a str {
        self.0.as_str()
    }

    /// The nearest `f64`; infinite if there is none.
    pub fn to_f64(self) -> f64 {
        self.text().parse().unwrap_or(f64::NAN)
    }

    /// True if the value is an integer, in whatever spelling.
    pub fn is_integer(self) -> bool {
        match self.0.decimal {
            Some(decimal) => decimal.exponent >= 0,
            None => Parts::of(self.text())
                .significant()
                .is_none_or(|(digits, point)| point >= digits.len() as i64),
        }
    }

    /// The value if it is an integer of 64 bits.
    #[inline]
    pub fn to_i64(self) -> Option<i64> {
        self.0.decimal.and_then(Decimal::to_i64)
    }

    /// The value if it is an integer; `None` too if it has more than 100,000 digits.
    pub fn to_bigint(self) -> Option<BigInt> {
        let (digits, point) = match Parts::of(self.text()).significant() {
            Some(significant) => significant,
            None => return Some(BigInt::zero()),
        };
        let zeros = point - digits.len() as i64;
        if zeros < 0 || point > MAX_DIGITS {
            return None;
        }
        let magnitude =
            BigUint::from_radix_be(&digits, 10)? * BigUint::from(10u32).pow(zeros as u32);
        let value = BigInt::from(magnitude);
        Some(if self.text().starts_with('-') {
            -value
        } else {
            value
        })
    }

    pub(super) fn hash_digits(self) -> u64 {
        let parts = Parts::of(self.text());
        match parts.significant() {
            Some((digits, point)) => hash::decimal(parts.negative, digits.into_iter(), point),
            None => 0,
        }
    }

    /// A number from its JSON text; the same as [`Arena::number_text`].
    pub fn parse<'b>(text: &str, arena: &'b Arena) -> Option<Value<'b>> {
        arena.number_text(text)
    }
}

/// True for the JSON syntax of numbers.
pub fn is_json_number(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || whole > 1 && rest.starts_with('0') {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = &fraction[count..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let count = digits(exponent);
        return count > 0 && count == exponent.len();
    }
    rest.is_empty()
}

/// True if OPA would refuse the number as too big: its binary exponent is beyond 100,000.
pub fn is_too_big(text: &str) -> bool {
    if !text.bytes().any(|c| c | 0x20 == b'e') {
        return false;
    }
    let parts = Parts::of(text);
    if parts.exponent.abs() == MAX_READ_EXPONENT {
        return true;
    }
    let Some((digits, point)) = parts.significant() else {
        return false;
    };
    // 2^100000 has 30,103 digits.
    if point.abs() < 30_000 {
        return false;
    }
    if point.abs() > 31_000 {
        return true;
    }
    let Some(digits_value) = BigUint::from_radix_be(&digits, 10) else {
        return true;
    };
    let float = Float::from_decimal(false, digits_value, point - digits.len() as i64);
    let exponent = float.binary_exponent();
    !(-MAX_BINARY_EXPONENT..=MAX_BINARY_EXPONENT).contains(&exponent)
}

/// The integer if the text is the spelling that an integer prints.
pub(super) fn canonical_integer(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    match digits {
        [b'0'] => return (bytes.len() == 1).then_some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    text.parse().ok()
}

/// Sign, digits and point of Rust's shortest scientific form.
fn shortest(scientific: &str) -> (bool, Digits) {
    let (negative, rest) = match scientific.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, scientific),
    };
    let (mantissa, exponent) = rest.split_once('e').unwrap_or((rest, "0"));
    let digits: Vec<u8> = mantissa
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|c| c - b'0')
        .collect();
    if digits.iter().all(|d| *d == 0) {
        return (
            negative,
            Digits {
                digits: Vec::new(),
                point: 1,
            },
        );
    }
    (
        negative,
        Digits {
            digits,
            point: exponent.parse::<i64>().unwrap_or(0) + 1,
        },
    )
}

fn general(scientific: &str) -> String {
    let (negative, digits) = shortest(scientific);
    let mut text = String::from(if negative { "-" } else { "" });
    digits.write_general(&mut text);
    text
}

/// Go's shortest `%g` of a finite float.
pub fn format_f64(value: f64) -> String {
    general(&format!("{value:e}"))
}

/// Go's shortest `%g` of a finite float of 32 bits.
pub fn format_f32(value: f32) -> String {
    general(&format!("{value:e}"))
}

/// A finite float as Go's JSON encoder writes it: plain, unless it is tiny or huge.
pub fn format_json_f64(value: f64) -> String {
    if value == 0.0 || (1e-6..1e21).contains(&value.abs()) {
        let (negative, digits) = shortest(&format!("{value:e}"));
        let mut text = String::from(if negative { "-" } else { "" });
        digits.write_plain(&mut text);
        return text;
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => {
            format!("{mantissa}e+{exponent}")
        }
        _ => text,
    }
}

/// The numeric order of two numbers.
pub fn compare_numbers(a: Value<'_>, b: Value<'_>) -> Ordering {
    if let (Some(a), Some(b)) = (a.inline(), b.inline()) {
        return a.cmp(&b);
    }
    match (decimal(a), decimal(b)) {
        (Some(a), Some(b)) => a.compare(b),
        _ => {
            let (a, b) = (text_of(a), text_of(b));
            // Digits are looked at one by one.
            work::count((a.len() + b.len()) as u64 / 8);
            compare_long(&a, &b)
        }
    }
}

fn decimal(value: Value<'_>) -> Option<Decimal> {
    match value.inline() {
        Some(value) => Some(Decimal::from_integer(value)),
        None => value.number_header()?.decimal,
    }
}

fn text_of(value: Value<'_>) -> std::borrow::Cow<'_, str> {
    match (value.inline(), value.number_header()) {
        (Some(value), _) => value.to_string().into(),
        (None, Some(header)) => header.as_str().into(),
        (None, None) => "0".into(),
    }
}

fn compare_long(a: &str, b: &str) -> Ordering {
    let (parts_a, parts_b) = (Parts::of(a), Parts::of(b));
    let sign = |parts: &Parts<'_>, zero: bool| match (zero, parts.negative) {
        (true, _) => 0,
        (_, true) => -1,
        (_, false) => 1,
    };
    let (a, b) = (parts_a.significant(), parts_b.significant());
    let by_sign = sign(&parts_a, a.is_none()).cmp(&sign(&parts_b, b.is_none()));
    match (by_sign, a, b) {
        (Ordering::Equal, Some((digits_a, point_a)), Some((digits_b, point_b))) => {
            let magnitude = point_a.cmp(&point_b).then_with(|| digits_a.cmp(&digits_b));
            if parts_a.negative {
                magnitude.reverse()
            } else {
                magnitude
            }
        }
        _ => by_sign,
    }
}

/// The value as an integer of any size, if it is a number that is one.
pub fn to_bigint(value: Value<'_>) -> Option<BigInt> {
    match value.inline() {
        Some(value) => Some(value.into()),
        None => Number(value.number_header()?).to_bigint(),
    }
}

fn to_float(value: Value<'_>) -> Result<Float, NumberError> {
    if let Some(value) = value.inline() {
        return Ok(Float::from_integer(&value.into()));
    }
    let header = value.number_header().ok_or(NumberError::NotANumber)?;
    let parts = Parts::of(header.as_str());
    let digits = parts.whole.len().max(parts.fraction.len());
    if parts.exponent.abs() > MAX_DIGITS || digits as i64 > MAX_DIGITS {
        return Err(NumberError::TooLarge);
    }
    let digits: Vec<u8> = parts.digits().collect();
    let digits = BigUint::from_radix_be(&digits, 10).unwrap_or_default();
    let exponent = parts.exponent - parts.fraction.len() as i64;
    Ok(Float::from_decimal(parts.negative, digits, exponent))
}

fn float_value<'a>(float: &Float, arena: &'a Arena) -> Value<'a> {
    arena.number_trusted(&float.text())
}

/// The number in machine words, if it fits.
fn to_fast(value: Value<'_>) -> Option<Fast> {
    if let Some(value) = value.inline() {
        return Some(Fast::from_integer(value));
    }
    let header = value.number_header()?;
    let decimal = header.decimal?;
    if decimal.mantissa == 0 && header.as_str().starts_with('-') {
        return Some(Fast::NEGATIVE_ZERO);
    }
    Fast::from_decimal(decimal)
}

/// True if a number is an integer for sure; those that are too long to tell take the long way.
fn is_short_integer(value: Value<'_>) -> bool {
    value.inline().is_some()
        || value
            .number_header()
            .and_then(|header| header.decimal)
            .is_none_or(|decimal| decimal.exponent >= 0)
}

/// An operation on two numbers: exact on integers, else in machine words if they suffice.
fn binary<'a>(
    a: Value<'_>,
    b: Value<'_>,
    arena: &'a Arena,
    exact: impl FnOnce(BigInt, BigInt) -> BigInt,
    fast: impl FnOnce(Fast, Fast) -> Option<Fast>,
    float: impl FnOnce(&Float, &Float) -> Float,
) -> Result<Value<'a>, NumberError> {
    if is_short_integer(a)
        && is_short_integer(b)
        && let (Some(a), Some(b)) = (to_bigint(a), to_bigint(b))
    {
        return Ok(arena.bigint(&exact(a, b)));
    }
    if let (Some(a), Some(b)) = (to_fast(a), to_fast(b))
        && let Some(text) = fast(a, b).and_then(Fast::text)
    {
        return Ok(arena.number_trusted(&text));
    }
    Ok(float_value(&float(&to_float(a)?, &to_float(b)?), arena))
}

/// `a + b`
#[inline]
pub fn add<'a>(a: Value<'_>, b: Value<'_>, arena: &'a Arena) -> Result<Value<'a>, NumberError> {
    if let (Some(a), Some(b)) = (a.inline(), b.inline()) {
        return Ok(arena.integer(a + b));
    }
    binary(a, b, arena, |a, b| a + b, Fast::add, Float::add)
}

/// `a - b` of numbers.
#[inline]
pub fn sub<'a>(a: Value<'_>, b: Value<'_>, arena: &'a Arena) -> Result<Value<'a>, NumberError> {
    if let (Some(a), Some(b)) = (a.inline(), b.inline()) {
        return Ok(arena.integer(a - b));
    }
    binary(a, b, arena, |a, b| a - b, |a, b| a.add(b.neg()), Float::sub)
}

/// `a * b`
#[inline]
pub fn mul<'a>(a: Value<'_>, b: Value<'_>, arena: &'a Arena) -> Result<Value<'a>, NumberError> {
    if let (Some(a), Some(b)) = (a.inline(), b.inline())
        && let Some(product) = a.checked_mul(b)
    {
        return Ok(arena.integer(product));
    }
    binary(a, b, arena, |a, b| a * b, Fast::mul, Float::mul)
}

/// `a / b`: exact if both are integers of 61 bits that divide, else rounded to 64 bits.
pub fn div<'a>(a: Value<'_>, b: Value<'_>, arena: &'a Arena) -> Result<Value<'a>, NumberError> {
    if let (Some(a), Some(b)) = (a.inline(), b.inline()) {
        if b == 0 {
            return Err(NumberError::DivideByZero);
        }
        if a != 0 && a % b == 0 {
            return Ok(arena.integer(a / b));
        }
    }
    if let (Some(a), Some(b)) = (to_fast(a), to_fast(b))
        && let Some(text) = a.div(b).and_then(Fast::text)
    {
        return Ok(arena.number_trusted(&text));
    }
    let (a, b) = (to_float(a)?, to_float(b)?);
    if b.is_zero() {
        return Err(NumberError::DivideByZero);
    }
    Ok(float_value(&a.div(&b), arena))
}

/// `a % b` of integers; the sign is that of `a`.
pub fn rem<'a>(a: Value<'_>, b: Value<'_>, arena: &'a Arena) -> Result<Value<'a>, NumberError> {
    if let (Some(a), Some(b)) = (a.inline(), b.inline()) {
        if b == 0 {
            return Err(NumberError::ModuloByZero);
        }
        return Ok(arena.integer(a % b));
    }
    match (to_bigint(a), to_bigint(b)) {
        (Some(_), Some(b)) if b.is_zero() => Err(NumberError::ModuloByZero),
        (Some(a), Some(b)) => Ok(arena.bigint(&(a % b))),
        _ => Err(NumberError::ModuloFloat),
    }
}

/// `-a`
pub fn neg<'a>(a: Value<'_>, arena: &'a Arena) -> Result<Value<'a>, NumberError> {
    sub(zero(), a, arena)
}

fn zero() -> Value<'static> {
    Value::inline_integer(0).unwrap_or(Value::NULL)
}

/// The plain spelling of a number that is an integer of 64 bits.
fn small<'a>(a: Value<'_>, arena: &'a Arena) -> Option<Value<'a>> {
    a.as_i64().map(|value| arena.integer(value))
}

/// `abs`
pub fn abs<'a>(a: Value<'_>, arena: &'a Arena) -> Result<Value<'a>, NumberError> {
    if let Some(value) = a.as_i64() {
        return Ok(arena.bigint(&BigInt::from(value).abs()));
    }
    let float = to_float(a)?;
    Ok(float_value(
        &if float.negative { float.neg() } else { float },
        arena,
    ))
}

/// `ceil`
pub fn ceil<'a>(a: Value<'_>, arena: &'a Arena) -> Result<Value<'a>, NumberError> {
    if let Some(value) = small(a, arena) {
        return Ok(value);
    }
    // As OPA has it: between -1 and 0 the integer part is a positive zero, so one is added.
    if let Some((whole, exact)) = to_fast(a).and_then(Fast::truncate) {
        let up = whole >= 0 && !exact;
        return Ok(arena.integer(whole.saturating_add(i64::from(up))));
    }
    let float = to_float(a)?;
    let whole = float.truncate();
    if whole.is_negative() || float.equals_integer(&whole) {
        return Ok(arena.bigint_float(&whole));
    }
    Ok(float_value(
        &Float::from_integer(&whole).add(&Float::one()),
        arena,
    ))
}

/// `floor`
pub fn floor<'a>(a: Value<'_>, arena: &'a Arena) -> Result<Value<'a>, NumberError> {
    if let Some(value) = small(a, arena) {
        return Ok(value);
    }
    // As OPA has it: between -1 and 0 the integer part is a positive zero and stays.
    if let Some((whole, exact)) = to_fast(a).and_then(Fast::truncate) {
        let down = whole < 0 && !exact;
        return Ok(arena.integer(whole.saturating_sub(i64::from(down))));
    }
    let float = to_float(a)?;
    let whole = float.truncate();
    if !whole.is_negative() || float.equals_integer(&whole) {
        return Ok(arena.bigint_float(&whole));
    }
    Ok(float_value(
        &Float::from_integer(&whole).sub(&Float::one()),
        arena,
    ))
}

/// `round`: half away from zero.
pub fn round<'a>(a: Value<'_>, arena: &'a Arena) -> Result<Value<'a>, NumberError> {
    if let Some(value) = small(a, arena) {
        return Ok(value);
    }
    let moved = to_fast(a).and_then(|fast| {
        fast.add(if fast.negative {
            Fast::HALF.neg()
        } else {
            Fast::HALF
        })
    });
    if let Some((whole, _)) = moved.and_then(Fast::truncate) {
        return Ok(arena.integer(whole));
    }
    let float = to_float(a)?;
    let half = Float::half();
    let moved = if float.negative {
        float.sub(&half)
    } else {
        float.add(&half)
    };
    Ok(arena.bigint_float(&moved.truncate()))
}

/// A sum or product of numbers of which some is no integer: every one is taken as a float of 64
/// bits, and only the end result is spelled out.
pub struct Accumulator(Float);

impl Accumulator {
    /// The start of a sum.
    pub fn zero() -> Accumulator {
        Accumulator(Float::from_integer(&BigInt::zero()))
    }

    /// A number as it is.
    pub fn start(number: Value<'_>) -> Result<Accumulator, NumberError> {
        to_float(number).map(Accumulator)
    }

    /// The start of a product.
    pub fn one() -> Accumulator {
        Accumulator(Float::one())
    }

    /// Adds a number.
    pub fn add(&mut self, number: Value<'_>) -> Result<(), NumberError> {
        self.0 = self.0.add(&to_float(number)?);
        Ok(())
    }

    /// Multiplies with a number. As in OPA the precision stays that of the start: 53 bits after
    /// [`Accumulator::one`].
    pub fn mul(&mut self, number: Value<'_>) -> Result<(), NumberError> {
        self.0 = self.0.product(&to_float(number)?);
        Ok(())
    }

    /// The number.
    pub fn finish(self, arena: &Arena) -> Value<'_> {
        float_value(&self.0, arena)
    }
}

impl Arena {
    /// An integer that went through a float of at least 64 bits; it prints the shortest digits
    /// of that float.
    fn bigint_float(&self, value: &BigInt) -> Value<'_> {
        match value.to_i64() {
            Some(value) => self.integer(value),
            None => float_value(&Float::from_integer(value), self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn short() -> impl Strategy<Value = String> {
        prop_oneof![
            "-?(0|[1-9][0-9]{0,4})\\.[0-9]{1,6}",
            "-?[1-9][0-9]{0,18}",
            "-?[1-9]\\.[0-9]{1,17}e-?(1?[0-9]|2[0-5])",
            "-?0\\.0{0,12}[0-9]{1,8}",
            "-?0(\\.0)?",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            cases: 3000,
            ..ProptestConfig::default()
        })]

        #[test]
        fn words_and_the_long_way_agree(a in short(), b in short()) {
            let arena = Arena::new();
            let value = |text: &str| arena.number_text(text).unwrap();
            let (Some(x), Some(y)) = (to_fast(value(&a)), to_fast(value(&b))) else {
                return Ok(());
            };
            let (f, g) = (to_float(value(&a)).unwrap(), to_float(value(&b)).unwrap());
            let mut results = vec![
                (Some(x), f.clone()),
                (x.add(y), f.add(&g)),
                (x.add(y.neg()), f.sub(&g)),
                (x.mul(y), f.mul(&g)),
            ];
            if !g.is_zero() {
                results.push((x.div(y), f.div(&g)));
            }
            for (fast, long) in results {
                if let Some(fast) = fast {
                    if let Some(text) = fast.text() {
                        prop_assert_eq!(text, long.text());
                    }
                    if let Some((whole, exact)) = fast.truncate() {
                        prop_assert_eq!(BigInt::from(whole), long.truncate());
                        prop_assert_eq!(exact, long.is_integer());
                    }
                }
            }
        }
    }

    #[test]
    fn numbers_are_json_numbers() {
        for text in ["0", "-1", "10.5", "1e9", "1.0E-7"] {
            assert!(is_json_number(text), "{text}");
        }
        for text in ["", "-", "01", "1.", ".5", "1e", "1x", "NaN"] {
            assert!(!is_json_number(text), "{text}");
        }
    }
}
