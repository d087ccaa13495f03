//! Floats as Go's `strconv.FormatFloat` prints them.

/// Significant decimal digits without trailing zeros; the point stands before digit `point`.
struct Decimal {
    digits: Vec<u8>,
    point: i32,
}

/// More decimals than any float has.
const MAX_FRACTION: usize = 1100;

/// Appends a finite float. `verb` is one of `b e E f g G x X`; without a precision the shortest
/// text that reads back as the same float is taken.
pub(crate) fn push_float(out: &mut String, value: f64, verb: char, precision: Option<usize>) {
    if value.is_nan() || value.is_infinite() {
        out.push_str(if value.is_nan() {
            "NaN"
        } else if value < 0.0 {
            "-Inf"
        } else {
            "+Inf"
        });
        return;
    }
    match verb {
        'b' => return push_binary(out, value),
        'x' | 'X' => return push_hexadecimal(out, value, verb, precision),
        _ => {}
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    let value = value.abs();
    match (verb, precision) {
        ('f', None) => {
            let decimal = shortest(value);
            let fraction =
                usize::try_from(decimal.digits.len() as i32 - decimal.point).unwrap_or(0);
            push_plain(out, &decimal, fraction);
        }
        ('f', Some(precision)) => {
            let exact = precision.min(MAX_FRACTION);
            out.push_str(&format!("{value:.exact$}"));
            push_zeros(out, precision - exact);
        }
        ('e' | 'E', None) => {
            let decimal = shortest(value);
            push_exponent_form(out, &decimal, decimal.digits.len().saturating_sub(1), verb);
        }
        ('e' | 'E', Some(precision)) => {
            push_exponent_form(out, &rounded(value, precision + 1), precision, verb);
        }
        (_, precision) => push_general(out, value, verb, precision),
    }
}

fn push_general(out: &mut String, value: f64, verb: char, precision: Option<usize>) {
    let letter = if verb == 'G' { 'E' } else { 'e' };
    let (decimal, mut digits) = match precision {
        None => {
            let decimal = shortest(value);
            (decimal, 6)
        }
        Some(precision) => (rounded(value, precision.max(1)), precision.max(1)),
    };
    let count = decimal.digits.len();
    let mut limit = digits as i32;
    if precision.is_none() {
        digits = count;
    } else if digits > count && count as i32 >= decimal.point {
        limit = count as i32;
    }
    let exponent = decimal.point - 1;
    if exponent < -4 || exponent >= limit {
        push_exponent_form(out, &decimal, digits.min(count).saturating_sub(1), letter);
        return;
    }
    if digits as i32 > decimal.point {
        digits = count;
    }
    push_plain(
        out,
        &decimal,
        usize::try_from(digits as i32 - decimal.point).unwrap_or(0),
    );
}

fn shortest(value: f64) -> Decimal {
    parse_scientific(&format!("{value:e}"))
}

/// The first `count` significant digits, rounded half to even on the exact value.
fn rounded(value: f64, count: usize) -> Decimal {
    let fraction = count.saturating_sub(1).min(MAX_FRACTION);
    parse_scientific(&format!("{value:.fraction$e}"))
}

fn parse_scientific(text: &str) -> Decimal {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    let point = if digits.is_empty() {
        0
    } else {
        exponent.parse().unwrap_or(0) + 1
    };
    Decimal { digits, point }
}

/// `ddd.ddd` with `fraction` digits after the point.
fn push_plain(out: &mut String, decimal: &Decimal, fraction: usize) {
    let digit = |at: i32| {
        usize::try_from(at)
            .ok()
            .and_then(|at| decimal.digits.get(at))
            .map_or('0', |d| *d as char)
    };
    if decimal.point > 0 {
        (0..decimal.point).for_each(|at| out.push(digit(at)));
    } else {
        out.push('0');
    }
    if fraction > 0 {
        out.push('.');
        (0..fraction as i32).for_each(|at| out.push(digit(decimal.point + at)));
    }
}

/// `d.ddde±dd` with `fraction` digits after the point.
fn push_exponent_form(out: &mut String, decimal: &Decimal, fraction: usize, letter: char) {
    out.push(decimal.digits.first().map_or('0', |d| *d as char));
    if fraction > 0 {
        out.push('.');
        let known = decimal.digits.get(1..).unwrap_or(&[]);
        let known = &known[..known.len().min(fraction)];
        known.iter().for_each(|d| out.push(*d as char));
        push_zeros(out, fraction - known.len());
    }
    let exponent = if decimal.digits.is_empty() {
        0
    } else {
        decimal.point - 1
    };
    out.push(letter);
    push_exponent(out, exponent);
}

fn push_exponent(out: &mut String, exponent: i32) {
    out.push(if exponent < 0 { '-' } else { '+' });
    out.push_str(&format!("{:02}", exponent.unsigned_abs()));
}

fn push_zeros(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n('0', count));
}

/// Fraction bits and the exponent of the lowest of them.
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match (bits >> 52) as i32 & 0x7ff {
        0 => (fraction, -1074),
        exponent => (fraction | 1 << 52, exponent - 1075),
    }
}

fn push_binary(out: &mut String, value: f64) {
    let (mantissa, exponent) = parts(value);
    let sign = if value.is_sign_negative() { "-" } else { "" };
    out.push_str(&format!("{sign}{mantissa}p{exponent:+}"));
}

fn push_hexadecimal(out: &mut String, value: f64, verb: char, precision: Option<usize>) {
    const ONE: u64 = 1 << 60;
    let (mantissa, exponent) = parts(value);
    let (mut mantissa, mut exponent) = if mantissa == 0 {
        (0, 0)
    } else {
        (mantissa << 8, exponent + 52)
    };
    while mantissa != 0 && mantissa & ONE == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(precision @ 0..15) = precision {
        let shift = 4 * precision as u32;
        let lost = (mantissa << shift) & (ONE - 1);
        mantissa >>= 60 - shift;
        if lost | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & (ONE << 1) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    let upper = verb == 'X';
    out.push_str(if upper { "0X" } else { "0x" });
    out.push(if mantissa & ONE != 0 { '1' } else { '0' });
    let mut fraction = mantissa << 4;
    let next = |fraction: &mut u64| {
        let digit = char::from_digit((*fraction >> 60) as u32, 16).unwrap_or('0');
        *fraction <<= 4;
        if upper {
            digit.to_ascii_uppercase()
        } else {
            digit
        }
    };
    match precision {
        None if fraction != 0 => {
            out.push('.');
            while fraction != 0 {
                out.push(next(&mut fraction));
            }
        }
        Some(precision) if precision > 0 => {
            out.push('.');
            (0..precision).for_each(|_| out.push(next(&mut fraction)));
        }
        _ => {}
    }
    out.push(if upper { 'P' } else { 'p' });
    push_exponent(out, exponent);
}

#[cfg(test)]
mod tests {
    use super::push_float;

    #[test]
    fn formats() {
        let cases: &[(f64, char, Option<usize>, &str)] = &[
            (1e6, 'g', None, "1e+06"),
            (123456.5, 'g', None, "123456.5"),
            (1234567.0, 'g', None, "1.234567e+06"),
            (0.0001, 'g', None, "0.0001"),
            (0.00001, 'g', None, "1e-05"),
            (0.0, 'g', None, "0"),
            (-0.0, 'g', None, "-0"),
            (100.0, 'g', Some(3), "100"),
            (1000.0, 'g', Some(3), "1e+03"),
            (1234.5678, 'g', Some(6), "1234.57"),
            (2.5, 'g', Some(0), "2"),
            (2.5, 'f', Some(0), "2"),
            (0.1, 'f', Some(20), "0.10000000000000000555"),
            (1.5, 'f', None, "1.5"),
            (1e21, 'f', None, "1000000000000000000000"),
            (0.0, 'e', Some(2), "0.00e+00"),
            (123.456, 'e', Some(6), "1.234560e+02"),
            (123.456, 'E', None, "1.23456E+02"),
            (1e100, 'e', Some(0), "1e+100"),
            (1.5, 'x', None, "0x1.8p+00"),
            (-1.0, 'x', None, "-0x1p+00"),
            (0.0, 'x', Some(2), "0x0.00p+00"),
            (1.999, 'x', Some(1), "0x1.0p+01"),
            (3.15, 'X', Some(3), "0X1.933P+01"),
            (1.0, 'b', None, "4503599627370496p-52"),
            (5e-324, 'e', None, "5e-324"),
            (5e-324, 'x', None, "0x1p-1074"),
        ];
        for (value, verb, precision, want) in cases {
            let mut out = String::new();
            push_float(&mut out, *value, *verb, *precision);
            assert_eq!(out, *want, "{value:?} {verb} {precision:?}");
        }
    }
}
