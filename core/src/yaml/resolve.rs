//! What a scalar means, by the rules of go-yaml v3: those of YAML 1.2, with octals of 1.1.

use std::borrow::Cow;

use crate::value::number;

/// What a scalar means.
#[derive(Clone, PartialEq, Debug)]
pub enum Resolved<'t> {
    /// Nothing.
    Null,
    /// A truth value.
    Boolean(bool),
    /// An integer of up to 64 bits, with or without a sign.
    Integer(i128),
    /// Another number, perhaps an infinity or none.
    Float(f64),
    /// Anything else.
    Text(Cow<'t, str>),
}

/// What a plain scalar without a tag means.
pub fn resolve(text: &str) -> Resolved<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "true" | "True" | "TRUE" => return Resolved::Boolean(true),
        "false" | "False" | "FALSE" => return Resolved::Boolean(false),
        ".nan" | ".NaN" | ".NAN" => return Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Resolved::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let number = match text.as_bytes().first() {
        Some(b'.') if separates_digits(text) => float(&text.replace('_', "")),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let plain = text.replace('_', "");
            integer(&plain).or_else(|| float(&plain))
        }
        _ => None,
    };
    number.unwrap_or(Resolved::Text(text.into()))
}

/// A scalar with one of the tags that ask for a type.
pub(super) fn tagged<'t>(tag: &str, text: &'t str) -> Result<Resolved<'t>, String> {
    let resolved = resolve(text);
    let actual = match (&resolved, tag) {
        (Resolved::Integer(value), "!!float") => return Ok(Resolved::Float(*value as f64)),
        (Resolved::Null, _) => "!!null",
        (Resolved::Boolean(_), _) => "!!bool",
        (Resolved::Integer(_), _) => "!!int",
        (Resolved::Float(_), _) => "!!float",
        (Resolved::Text(_), _) => "!!str",
    };
    if actual == tag {
        return Ok(resolved);
    }
    Err(format!("cannot decode {actual} `{text}` as a {tag}"))
}

/// Integers of Go's syntax, octal with a bare leading zero too.
fn integer(text: &str) -> Option<Resolved<'static>> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.get(..2).map(str::to_ascii_lowercase);
    let (radix, digits) = match lower.as_deref() {
        Some("0x") => (16, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some(_) if digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        // go-yaml reads what follows these two marks once more by itself, with a sign of its own.
        let signed = ["0b", "0o"].iter().any(|mark| text.starts_with(mark));
        let value = i64::from_str_radix(digits, radix).ok()?;
        return signed.then_some(Resolved::Integer(value.into()));
    }
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let value = if negative { -magnitude } else { magnitude };
    let in_range = value >= i128::from(i64::MIN)
        && (value <= i128::from(i64::MAX) || !text.starts_with(['+', '-']));
    in_range.then_some(Resolved::Integer(value))
}

/// Whether every `_` stands between two digits, as Go wants it.
fn separates_digits(text: &str) -> bool {
    let is_digit = |c: Option<&u8>| c.is_some_and(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    let mut marks = bytes.iter().enumerate().filter(|(_, c)| **c == b'_');
    marks.all(|(at, _)| at > 0 && is_digit(bytes.get(at - 1)) && is_digit(bytes.get(at + 1)))
}

/// Floats of the YAML 1.2 syntax; too large ones stay text.
fn float(text: &str) -> Option<Resolved<'static>> {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    let exponent_fits =
        exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)));
    if !mantissa_fits || !exponent_fits {
        return None;
    }
    text.parse()
        .ok()
        .filter(|value: &f64| value.is_finite())
        .map(Resolved::Float)
}

/// What a float is called as a key.
pub(super) fn key_of_float(value: f64) -> String {
    let narrow = value as f32;
    if value.is_nan() {
        ".nan".to_string()
    } else if narrow.is_infinite() {
        if value > 0.0 { ".inf" } else { "-.inf" }.to_string()
    } else {
        number::format_f32(narrow)
    }
}

/// Standard base64 with padding; line ends are skipped.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| -> Option<u32> {
        Some(u32::from(match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        }))
    };
    let clean: Vec<u8> = text
        .bytes()
        .filter(|c| !matches!(c, b'\n' | b'\r'))
        .collect();
    if !clean.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(clean.len() / 4 * 3);
    let groups = clean.len() / 4;
    for (i, group) in clean.chunks_exact(4).enumerate() {
        let padding = group.iter().rev().take_while(|c| **c == b'=').count();
        if padding > 2 || padding > 0 && i + 1 < groups {
            return None;
        }
        let mut word = 0;
        for c in &group[..4 - padding] {
            word = word << 6 | digit(*c)?;
        }
        word <<= 6 * padding;
        bytes.extend(&word.to_be_bytes()[1..4 - padding]);
    }
    Some(bytes)
}
