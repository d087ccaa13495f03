//! Numbers as schemas compare them: exactly, whatever their size.

use num_bigint::BigInt;
use regovm_core::builtin::{BuiltinError, Call};
use std::cmp::Ordering;

use crate::text::{charge_big, charge_bytes};

/// A decimal number: `0.digits` times ten to the power of `point`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Decimal {
    negative: bool,
    /// Digits of the text without zeros at the ends; none of them is zero.
    digits: String,
    point: i64,
}

/// Powers of ten beyond are no numbers to OPA.
const MAX_EXPONENT: u64 = 1_000_000;
/// Bits that a decimal digit takes, rounded up.
const BITS_PER_DIGIT: u64 = 4;

impl Decimal {
    /// Reads a JSON number.
    pub(super) fn parse(text: &str) -> Option<Decimal> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
            None => (rest, 0_i64),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let scale = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        if scale.unsigned_abs() > MAX_EXPONENT {
            return None;
        }
        let mut digits = [whole, fraction].concat();
        let mut point = scale + i64::try_from(digits.len()).ok()?;
        let zeros = digits.len() - digits.trim_start_matches('0').len();
        digits.drain(..zeros);
        point -= i64::try_from(zeros).ok()?;
        digits.truncate(digits.trim_end_matches('0').len());
        if digits.is_empty() {
            point = 0;
        }
        Some(Decimal {
            negative: negative && !digits.is_empty(),
            digits,
            point,
        })
    }

    pub(super) fn is_positive(&self) -> bool {
        !self.negative && !self.digits.is_empty()
    }

    pub(super) fn is_integer(&self) -> bool {
        self.scale() >= 0
    }

    /// The power of ten of the last digit.
    fn scale(&self) -> i64 {
        self.point.saturating_sub_unsigned(self.digits.len() as u64)
    }

    pub(super) fn compare(&self, other: &Decimal) -> Ordering {
        let sign = |n: &Decimal| match (n.digits.is_empty(), n.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let magnitude = self
            .point
            .cmp(&other.point)
            .then_with(|| self.digits.cmp(&other.digits));
        sign(self)
            .cmp(&sign(other))
            .then_with(|| match self.negative {
                true => magnitude.reverse(),
                false => magnitude,
            })
    }

    /// Whether it is the product of `unit` and an integer.
    pub(super) fn is_multiple_of(
        &self,
        unit: &Decimal,
        cx: &mut Call<'_, '_>,
    ) -> Result<bool, BuiltinError> {
        if self.digits.is_empty() {
            return Ok(true);
        }
        let shift = self.scale().saturating_sub(unit.scale());
        let (mine, its) = (self.digits.len() as u64, unit.digits.len() as u64);
        let integer = |digits: &str| digits.parse::<BigInt>().unwrap_or_default();
        if shift < 0 {
            // A unit with more zeros than this has digits divides nothing of it: the last digit is none.
            return Ok(false);
        }
        charge_big(cx, mine.saturating_add(its).saturating_mul(BITS_PER_DIGIT))?;
        let (number, unit) = (integer(&self.digits), integer(&unit.digits));
        let ten = BigInt::from(10).modpow(&BigInt::from(shift), &unit);
        Ok((number * ten) % unit == BigInt::ZERO)
    }

    /// The text that Go gives a big float: the shortest digits, with an exponent from a million on.
    pub(super) fn text(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let exponent = self.point - 1;
        if self.digits.is_empty() {
            return "0".to_owned();
        }
        if (-4..6).contains(&exponent) {
            let point = self.point;
            let digits = &self.digits;
            return match usize::try_from(point) {
                Ok(point) if point >= digits.len() => format!("{sign}{digits:0<point$}"),
                Ok(point @ 1..) => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
                _ => {
                    let zeros = usize::try_from(-point).unwrap_or(0);
                    format!("{sign}0.{:0>zeros$}{digits}", "")
                }
            };
        }
        let (first, rest) = self.digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let (direction, size) = (
            if exponent < 0 { '-' } else { '+' },
            exponent.unsigned_abs(),
        );
        format!("{sign}{first}{dot}{rest}e{direction}{size:02}")
    }
}

/// Reads the number of a document, paying for its length.
pub(super) fn number(cx: &mut Call<'_, '_>, text: &str) -> Result<Option<Decimal>, BuiltinError> {
    charge_bytes(cx, text.len())?;
    Ok(Decimal::parse(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn order() {
        let sorted = [
            "-1e3", "-12", "-0.5", "0", "1e-9", "0.25", "1", "1.5", "2e2", "201",
        ];
        for pair in sorted.windows(2) {
            assert_eq!(
                decimal(pair[0]).compare(&decimal(pair[1])),
                Ordering::Less,
                "{pair:?}"
            );
        }
        assert_eq!(decimal("1.00").compare(&decimal("10e-1")), Ordering::Equal);
        assert_eq!(Decimal::parse("1e1000001"), None);
    }

    #[test]
    fn text() {
        for (text, want) in [
            ("100", "100"),
            ("-0.0", "0"),
            ("1000000", "1e+06"),
            ("-1234567.5", "-1.2345675e+06"),
            ("123456.5", "123456.5"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("1.0", "1"),
        ] {
            assert_eq!(decimal(text).text(), want);
        }
    }
}
