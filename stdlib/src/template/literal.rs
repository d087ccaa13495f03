//! Constants of templates: numbers and quoted strings of Go.

use super::lexer::{Kind, quoted};

/// A number, as every type that can hold it.
pub(super) struct Number<'t> {
    pub(super) text: &'t str,
    pub(super) integer: Option<i64>,
    pub(super) float: Option<f64>,
}

impl Number<'_> {
    /// Whether the text is that of a float: it is one even where its value is whole.
    pub(super) fn is_float(&self) -> bool {
        let hexadecimal = self.text.len() > 2
            && matches!(self.text.get(..2), Some("0x" | "0X"))
            && !self.text.contains(['p', 'P']);
        self.float.is_some()
            && !hexadecimal
            && !self.text.starts_with('\'')
            && self.text.contains(['.', 'e', 'E', 'p', 'P'])
    }
}

/// Underscores separate digits, also those of a prefix; the number without them.
fn without_underscores(text: &str) -> Option<String> {
    if !text.contains('_') {
        return Some(text.to_owned());
    }
    let bytes = text.trim_start_matches(['+', '-']).as_bytes();
    let prefixed = matches!(bytes, [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', ..]);
    let hexadecimal = matches!(bytes, [b'0', b'x' | b'X', ..]);
    let digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at)).is_some_and(|b| match b {
            b'0'..=b'9' => true,
            b'a'..=b'f' | b'A'..=b'F' => hexadecimal,
            _ => false,
        })
    };
    for (at, byte) in bytes.iter().enumerate() {
        let before = digit(at.checked_sub(1)) || (prefixed && at == 2);
        if *byte == b'_' && !(before && digit(Some(at + 1))) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

/// An integer in the notation of Go: `12`, `0x1f`, `0o17`, `017`, `0b1`.
fn integer(text: &str) -> Option<i128> {
    let text = without_underscores(text)?;
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text.as_str()),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        Some(octal) if octal.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok()?;
    Some(if negative { -number } else { number })
}

/// A float in the notation of Go, which has hexadecimal ones too.
fn float(text: &str) -> Option<f64> {
    let text = without_underscores(text)?;
    let negative = text.starts_with('-');
    let digits = text.trim_start_matches(['+', '-']);
    let Some(hexadecimal) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) else {
        let float: f64 = text.parse().ok()?;
        return float.is_finite().then_some(float);
    };
    let (mantissa, exponent) = hexadecimal.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
    let exponent = exponent.checked_sub(4 * i32::try_from(fraction.len()).ok()?)?;
    let float = digits as f64 * 2_f64.powi(exponent);
    float
        .is_finite()
        .then_some(if negative { -float } else { float })
}

/// Reads a token that looks like a number.
pub(super) fn number(text: &str, kind: Kind) -> Result<Number<'_>, String> {
    if kind == Kind::CharConstant {
        let inside = text[1..].strip_suffix('\'').ok_or("invalid syntax")?;
        let mut chars = inside.chars();
        let c = unquoted_char(&mut chars, '\'').ok_or("invalid syntax")?;
        if !chars.as_str().is_empty() {
            return Err(format!("malformed character constant: {text}"));
        }
        return Ok(Number {
            text,
            integer: Some(i64::from(c)),
            float: Some(f64::from(c)),
        });
    }
    if kind == Kind::Complex || text.ends_with('i') {
        return Err(format!(
            "complex numbers are not supported: {}",
            quoted(text)
        ));
    }
    if let Some(value) = integer(text) {
        let integer = i64::try_from(value).ok();
        if integer.is_some() || u64::try_from(value).is_ok() {
            return Ok(Number {
                text,
                integer,
                float: Some(value as f64),
            });
        }
    }
    let Some(value) = float(text) else {
        return Err(format!("illegal number syntax: {}", quoted(text)));
    };
    if !text.contains(['.', 'e', 'E', 'p', 'P']) {
        return Err(format!("integer overflow: {}", quoted(text)));
    }
    Ok(Number {
        text,
        // Its text makes it a float wherever it stands.
        integer: None,
        float: Some(value),
    })
}

/// One character or escape, as a code point.
fn unquoted_char(chars: &mut std::str::Chars<'_>, quote: char) -> Option<u32> {
    let c = chars.next()?;
    if c == quote {
        return None;
    }
    if c != '\\' {
        return Some(c as u32);
    }
    let escape = chars.next()?;
    let mut digits = |count: usize, radix: u32, first: u32| {
        (0..count).try_fold(first, |number, _| {
            Some(number.wrapping_mul(radix) + chars.next()?.to_digit(radix)?)
        })
    };
    Some(match escape {
        'a' => 0x7,
        'b' => 0x8,
        'f' => 0xc,
        'n' => 0xa,
        'r' => 0xd,
        't' => 0x9,
        'v' => 0xb,
        'x' => digits(2, 16, 0)?,
        'u' => u32::from(char::from_u32(digits(4, 16, 0)?)?),
        'U' => u32::from(char::from_u32(digits(8, 16, 0)?)?),
        '0'..='7' => digits(2, 8, escape.to_digit(8)?).filter(|n| *n < 256)?,
        '\\' => u32::from('\\'),
        c if c == quote => u32::from(quote),
        _ => return None,
    })
}

/// The text of a string in quotes; bytes that are no text become U+FFFD.
pub(super) fn unquoted(text: &str) -> Option<String> {
    if let Some(raw) = text.strip_prefix('`') {
        return Some(raw.strip_suffix('`')?.replace('\r', ""));
    }
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(inside.len());
    let mut chars = inside.chars();
    while !chars.as_str().is_empty() {
        let byte = matches!(chars.as_str().as_bytes(), [b'\\', b'x' | b'0'..=b'7', ..]);
        let c = unquoted_char(&mut chars, '"')?;
        if byte {
            bytes.push(u8::try_from(c).ok()?);
        } else {
            let mut buffer = [0; 4];
            bytes.extend_from_slice(char::from_u32(c)?.encode_utf8(&mut buffer).as_bytes());
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
