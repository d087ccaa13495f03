//! Durations: Go's, and OPA's with days, weeks and years.

use crate::go::float::push_float;
use crate::go::quote::{Charset, push_quoted, time_quoted};

/// Nanoseconds of a unit of Go.
fn unit(name: &[u8]) -> Option<u64> {
    Some(match name {
        b"ns" => 1,
        // Both of the characters that look like mu.
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => 1_000,
        b"ms" => 1_000_000,
        b"s" => 1_000_000_000,
        b"m" => 60_000_000_000,
        b"h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// The largest magnitude, that of the least duration.
const LIMIT: u64 = 1 << 63;

/// Nanoseconds of a duration, or what is wrong with it in Go's words.
pub(super) fn parse(text: &str) -> Result<i64, String> {
    if !text.contains(['d', 'w', 'y']) {
        return go_duration(text);
    }
    let in_quotes = |message: &str| {
        let mut out = format!("{message} ");
        push_quoted(&mut out, text, Charset::Unicode);
        out
    };
    let hours = with_hours(text).ok_or_else(|| in_quotes("time: invalid duration"))?;
    go_duration(&hours).map_err(|message| {
        // What was made of the text is no matter of the caller's.
        let said = message.rsplit_once(' ').map_or("", |(said, _)| said);
        in_quotes(said)
    })
}

/// Days, weeks and years as hours.
fn with_hours(text: &str) -> Option<String> {
    let mut rest = text;
    let mut out = String::new();
    if let Some(sign) = text.chars().next().filter(|c| matches!(c, '+' | '-')) {
        out.push(sign);
        rest = &text[1..];
    }
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (digits, after) = rest.split_at(digits_end);
        let long = ["ms", "us", "\u{b5}s", "ns"];
        let unit = match long.iter().find(|unit| after.starts_with(**unit)) {
            Some(unit) => unit,
            None if after.starts_with(|c: char| c.is_ascii_lowercase()) => &after[..1],
            None => return None,
        };
        if digits.is_empty() {
            return None;
        }
        rest = &after[unit.len()..];
        let hours = match unit {
            "d" => 24.0,
            "w" => 7.0 * 24.0,
            "y" => 365.0 * 24.0,
            _ => {
                out.push_str(digits);
                out.push_str(unit);
                continue;
            }
        };
        let amount: f64 = digits.parse().ok().filter(|n: &f64| n.is_finite())?;
        push_float(&mut out, amount * hours, 'f', None);
        out.push('h');
    }
    Some(out)
}

fn go_duration(text: &str) -> Result<i64, String> {
    let whole = text.as_bytes();
    let failed = |what: &str| Err(format!("time: {what} {}", time_quoted(whole)));
    let invalid = || failed("invalid duration");
    let mut rest = whole;
    let negative = rest.first() == Some(&b'-');
    if let [b'-' | b'+', after @ ..] = rest {
        rest = after;
    }
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return invalid();
    }
    let mut sum = 0_u64;
    while let [first, ..] = rest {
        if !(first.is_ascii_digit() || *first == b'.') {
            return invalid();
        }
        let Some((number, after)) = leading_integer(rest) else {
            return invalid();
        };
        let mut any = after.len() < rest.len();
        rest = after;
        let (mut fraction, mut scale) = (0, 1.0);
        if let [b'.', after @ ..] = rest {
            let before = after.len();
            (fraction, scale, rest) = leading_fraction(after);
            any |= rest.len() < before;
        }
        if !any {
            return invalid();
        }
        let unit_len = rest
            .iter()
            .position(|b| b.is_ascii_digit() || *b == b'.')
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(unit_len);
        rest = after;
        if name.is_empty() {
            return failed("missing unit in duration");
        }
        let Some(unit) = unit(name) else {
            return failed(&format!("unknown unit {} in duration", time_quoted(name)));
        };
        if number > LIMIT / unit {
            return invalid();
        }
        let mut part = number * unit;
        if fraction > 0 {
            part = part.wrapping_add((fraction as f64 * (unit as f64 / scale)) as u64);
            if part > LIMIT {
                return invalid();
            }
        }
        // Twice the limit comes out as nothing, in Go too.
        sum = sum.wrapping_add(part);
        if sum > LIMIT {
            return invalid();
        }
    }
    match (negative, i64::try_from(sum)) {
        (true, _) => Ok((sum as i64).wrapping_neg()),
        (false, Ok(sum)) => Ok(sum),
        (false, Err(_)) => invalid(),
    }
}

/// Digits at the beginning, and what follows them; none if they are more than the limit.
pub(super) fn leading_integer(text: &[u8]) -> Option<(u64, &[u8])> {
    let len = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(len);
    let mut number = 0_u64;
    for digit in digits {
        if number > LIMIT / 10 {
            return None;
        }
        number = number * 10 + u64::from(digit - b'0');
        if number > LIMIT {
            return None;
        }
    }
    Some((number, rest))
}

/// Digits after a point: as many as fit, and the power of ten they are parts of.
fn leading_fraction(text: &[u8]) -> (u64, f64, &[u8]) {
    let len = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(len);
    let (mut number, mut scale) = (0_u64, 1.0);
    for digit in digits {
        if number > (LIMIT - 1) / 10 {
            break;
        }
        let longer = number * 10 + u64::from(digit - b'0');
        if longer > LIMIT {
            break;
        }
        number = longer;
        scale *= 10.0;
    }
    (number, scale, rest)
}
