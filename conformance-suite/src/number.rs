//! Numbers as decimal text: `1`, `1.0` and `10e-1` are the same number.

/// A form that equal numbers share. Text that is no JSON number is returned as it is.
pub fn canonical(text: &str) -> String {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => match exponent.parse::<i64>() {
            Ok(exponent) => (mantissa, exponent),
            Err(_) => return text.to_owned(),
        },
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_owned();
    }
    let Some(exponent) = exponent.checked_sub(fraction.len() as i64) else {
        return text.to_owned();
    };
    let digits = digits.trim_start_matches('0');
    let kept = digits.trim_end_matches('0');
    if kept.is_empty() {
        return "0".to_owned();
    }
    let exponent = exponent.saturating_add((digits.len() - kept.len()) as i64);
    format!("{}{kept}e{exponent}", if negative { "-" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn equal_numbers_share_a_form() {
        for (a, b) in [
            ("1", "1.0"),
            ("100", "1e2"),
            ("-0", "0"),
            ("0.10", "1E-1"),
            ("1234567.5", "1.2345675e+06"),
            ("-0.00", "0e99"),
        ] {
            assert_eq!(canonical(a), canonical(b), "{a} and {b}");
        }
        for (a, b) in [("1", "-1"), ("1", "10"), ("0.1", "0.10000000000000000001")] {
            assert_ne!(canonical(a), canonical(b), "{a} and {b}");
        }
    }
}
