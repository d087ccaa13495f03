//! Amounts with units.

use num_bigint::{BigInt, BigUint};
use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::{Value, View, number};

use crate::declare::builtin;
use crate::operand::{Outcome, failed, operands, string};
use crate::operators::number_failed;
use crate::strings::simple_lower;
use crate::text::{big_value, charge_big, charge_bytes};

const CATEGORIES: &[&str] = &["units"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "units.parse",
        since: (0, 41),
        signature: "(x: str) -> y: num",
        doc: "The number that an amount like 10K or 1.5Mi stands for. K, M, G, T, P and E are powers of 1000, with an i of 1024; m is a thousandth. m and M differ, the other letters may be small.",
        cost: Cost::Linear("digits, squared"),
        examples: [
            (r#"units.parse("10K")"#, "10000"),
            (r#"units.parse("1.5Ki")"#, "1536"),
            (r#"units.parse("200m")"#, "0.2000000000"),
            (r#"units.parse("1 K")"#, ""),
        ],
        body: parse,
    },
    builtin! {
        name: "units.parse_bytes",
        signature: "(x: str) -> y: num",
        doc: "The number of bytes that an amount like 10KB or 1.5GiB stands for, as an integer. Large and small letters are the same; KB is 1000, KiB 1024.",
        cost: Cost::Linear("digits, squared"),
        examples: [
            (r#"units.parse_bytes("10kb")"#, "10000"),
            (r#"units.parse_bytes("1.5GiB")"#, "1610612736"),
            (r#"units.parse_bytes("1x")"#, ""),
        ],
        body: parse_bytes,
    },
];

/// Splits an amount where its unit begins. An exponent belongs to the number; one of more than
/// six digits is refused.
fn number_and_unit(text: &str) -> Result<(&str, &str), ()> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let sign = |at: usize| bytes.get(at).is_some_and(|b| matches!(b, b'+' | b'-'));
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'0'..=b'9' | b'.' | b'+' | b'-' => {}
            b'e' | b'E' if digit(at + 1) || sign(at + 1) => {
                if sign(at + 1) {
                    at += 1;
                }
                let digits = bytes[at + 1..]
                    .iter()
                    .take_while(|b| b.is_ascii_digit())
                    .count();
                if digits > 6 {
                    return Err(());
                }
            }
            _ => break,
        }
        at += 1;
    }
    Ok(text.split_at(at))
}

/// A decimal number: digits and the power of ten they are taken times.
struct Decimal {
    negative: bool,
    digits: BigUint,
    exponent: i64,
}

impl Decimal {
    /// Go's syntax without its prefixes and underscores.
    fn parse(text: &str) -> Option<Decimal> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (
                &rest[..at],
                rest[at + 1..].strip_prefix('+').unwrap_or(&rest[at + 1..]),
            ),
            None => (rest, "0"),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let numeric = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !numeric(&digits) || !numeric(exponent.strip_prefix('-').unwrap_or(exponent)) {
            return None;
        }
        let exponent = exponent
            .parse::<i64>()
            .ok()?
            .checked_sub(fraction.len() as i64)?;
        Some(Decimal {
            negative,
            digits: digits.parse().ok()?,
            exponent,
        })
    }
}

/// The amount, with the work that it makes charged before.
fn read_amount(cx: &mut Call<'_, '_>, text: &str) -> Result<Option<Decimal>, BuiltinError> {
    charge_big(cx, 4 * text.len() as u64)?;
    let Some(amount) = Decimal::parse(text) else {
        return Ok(None);
    };
    charge_big(
        cx,
        amount.digits.bits() + 4 * amount.exponent.unsigned_abs(),
    )?;
    Ok(Some(amount))
}

fn parse<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    charge_bytes(cx, text.len() * 4)?;
    let _memory = cx.claim(text.len().saturating_mul(3))?;
    let text = text.replace('"', "");
    let fail = |reason: &str| failed(format!("units.parse: {reason}"));
    if text.contains(' ') {
        return Err(fail("spaces not allowed in resource strings"));
    }
    let (amount, unit) = number_and_unit(&text).map_err(|()| fail("exponent too large"))?;
    if amount.is_empty() {
        return Err(fail("no amount provided"));
    }
    let mut letters = unit.chars();
    let mut first: String = letters.by_ref().take(1).collect();
    // OPA's first letter is a byte: what it shows of longer ones is no text.
    if first.len() > 1 {
        first = "\u{fffd}".repeat(first.len());
    }
    let unit = first
        + &letters
            .as_str()
            .chars()
            .map(simple_lower)
            .collect::<String>();
    let factor = match unit.as_str() {
        "" | "m" => 1,
        "k" | "K" => 1000,
        "M" => 1000_u64.pow(2),
        "g" | "G" => 1000_u64.pow(3),
        "t" | "T" => 1000_u64.pow(4),
        "p" | "P" => 1000_u64.pow(5),
        "e" | "E" => 1000_u64.pow(6),
        "ki" | "Ki" => 1 << 10,
        "mi" | "Mi" => 1 << 20,
        "gi" | "Gi" => 1 << 30,
        "ti" | "Ti" => 1 << 40,
        "pi" | "Pi" => 1 << 50,
        "ei" | "Ei" => 1 << 60,
        _ => return Err(fail(&format!("unit {unit} not recognized"))),
    };
    let amount =
        read_amount(cx, amount)?.ok_or_else(|| fail("could not parse amount to a number"))?;
    let mut numerator = &amount.digits * factor;
    let mut denominator = BigUint::from(1_u32);
    let power = BigUint::from(10_u32)
        .pow(u32::try_from(amount.exponent.unsigned_abs()).unwrap_or(u32::MAX));
    if amount.exponent < 0 {
        denominator *= power
    } else {
        numerator *= power
    }
    if unit == "m" {
        // OPA multiplies with the float next to a thousandth, exactly.
        numerator *= MILLI.0;
        denominator <<= MILLI.1;
    }
    let sign = |n: BigUint| {
        if amount.negative {
            -BigInt::from(n)
        } else {
            BigInt::from(n)
        }
    };
    if (&numerator % &denominator).bits() == 0 {
        return big_value(cx, &sign(numerator / denominator)).map(Some);
    }
    // Ten decimals, halves away from zero.
    let scaled = numerator * BigUint::from(10_u64.pow(10));
    let rounded = (&scaled * 2_u32 + &denominator) / (denominator * 2_u32);
    let digits = format!("{:0>11}", rounded.to_string());
    let (whole, fraction) = digits.split_at(digits.len() - 10);
    let minus = if amount.negative { "-" } else { "" };
    Ok(cx.arena.number_text(&format!("{minus}{whole}.{fraction}")))
}

/// 0.001 as a float: the mantissa, and the power of two it is divided by.
const MILLI: (u64, u64) = {
    let bits = 0.001_f64.to_bits();
    ((bits & ((1 << 52) - 1)) | 1 << 52, 1075 - (bits >> 52))
};

fn parse_bytes<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    charge_bytes(cx, text.len() * 4)?;
    let _memory = cx.claim(text.len().saturating_mul(3))?;
    let text = text
        .chars()
        .map(simple_lower)
        .filter(|c| *c != '"')
        .collect::<String>();
    let fail = |reason: &str| failed(format!("units.parse_bytes: {reason}"));
    if text.contains(' ') {
        return Err(fail("spaces not allowed in resource strings"));
    }
    let (amount, unit) = number_and_unit(&text).map_err(|()| fail("exponent too large"))?;
    if amount.is_empty() {
        return Err(fail("no byte amount provided"));
    }
    let factor: i64 = match unit {
        "" => 1,
        "kb" | "k" => 1000,
        "mb" | "m" => 1000_i64.pow(2),
        "gb" | "g" => 1000_i64.pow(3),
        "tb" | "t" => 1000_i64.pow(4),
        "pb" | "p" => 1000_i64.pow(5),
        "eb" | "e" => 1000_i64.pow(6),
        "kib" | "ki" => 1 << 10,
        "mib" | "mi" => 1 << 20,
        "gib" | "gi" => 1 << 30,
        "tib" | "ti" => 1 << 40,
        "pib" | "pi" => 1 << 50,
        "eib" | "ei" => 1 << 60,
        _ => return Err(fail(&format!("byte unit {unit} not recognized"))),
    };
    let amount =
        read_amount(cx, amount)?.ok_or_else(|| fail("could not parse byte amount to a number"))?;
    // Floats of 64 bits, as OPA has it: large amounts are rounded.
    let minus = if amount.negative { "-" } else { "" };
    let text = format!("{minus}{}e{}", amount.digits, amount.exponent);
    let Some(amount) = cx.arena.number_text(&text) else {
        return Err(fail("could not parse byte amount to a number"));
    };
    let mut product = number::Accumulator::start(amount).map_err(number_failed)?;
    product
        .mul(cx.arena.integer(factor))
        .map_err(number_failed)?;
    let product = product.finish(cx.arena);
    let whole = match product.view() {
        View::Number(n) if n.text().starts_with('-') => {
            let magnitude = number::abs(product, cx.arena).map_err(number_failed)?;
            let whole = number::floor(magnitude, cx.arena).map_err(number_failed)?;
            number::neg(whole, cx.arena).map_err(number_failed)?
        }
        _ => number::floor(product, cx.arena).map_err(number_failed)?,
    };
    let whole =
        number::to_bigint(whole).ok_or_else(|| fail("could not parse byte amount to a number"))?;
    big_value(cx, &whole).map(Some)
}
