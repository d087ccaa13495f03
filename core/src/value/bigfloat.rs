//! Binary floats of any precision, rounded to nearest even: the numbers behind OPA's arithmetic
//! on everything that is no integer. They behave as Go's `big.Float`, in all digits.

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{One, Zero};

/// The precision of a float that is read from text.
const DEFAULT_PRECISION: u64 = 64;

/// `±mantissa * 2^exponent`, with a mantissa of at most `precision` bits.
#[derive(Clone, Debug)]
pub(super) struct Float {
    pub(super) negative: bool,
    mantissa: BigUint,
    exponent: i64,
    precision: u64,
}

impl Float {
    fn rounded(
        negative: bool,
        mut mantissa: BigUint,
        mut exponent: i64,
        precision: u64,
        sticky: bool,
    ) -> Float {
        let bits = mantissa.bits();
        if bits > precision {
            let cut = bits - precision;
            let half = mantissa.bit(cut - 1);
            let below = sticky
                || mantissa
                    .trailing_zeros()
                    .is_some_and(|zeros| zeros < cut - 1);
            mantissa >>= cut;
            exponent += cut as i64;
            if half && (below || mantissa.bit(0)) {
                mantissa += 1u32;
            }
        }
        Float {
            negative,
            mantissa,
            exponent,
            precision,
        }
    }

    fn small(value: u64, precision: u64) -> Float {
        Float::rounded(false, value.into(), 0, precision, false)
    }

    /// An integer, with as much precision as it needs and at least 64 bits.
    pub(super) fn from_integer(value: &BigInt) -> Float {
        let mantissa = value.magnitude().clone();
        let precision = mantissa.bits().max(DEFAULT_PRECISION);
        Float {
            negative: value.sign() == Sign::Minus,
            mantissa,
            exponent: 0,
            precision,
        }
    }

    /// `digits * 10^exponent`, rounded to 64 bits in the way Go does it: the power of five is
    /// itself a rounded float of 128 bits, so very large exponents are not always rounded to the
    /// nearest.
    pub(super) fn from_decimal(negative: bool, digits: BigUint, exponent: i64) -> Float {
        if digits.is_zero() {
            let mantissa = BigUint::zero();
            return Float {
                negative,
                mantissa,
                exponent: 0,
                precision: DEFAULT_PRECISION,
            };
        }
        if exponent == 0 {
            return Float::rounded(negative, digits, 0, DEFAULT_PRECISION, false);
        }
        let power = Float::power_of_five(exponent.unsigned_abs(), DEFAULT_PRECISION + 64);
        let whole = Float {
            negative,
            mantissa: digits,
            exponent,
            precision: DEFAULT_PRECISION,
        };
        if exponent < 0 {
            whole.quotient(&power)
        } else {
            whole.product(&power)
        }
    }

    fn power_of_five(exponent: u64, precision: u64) -> Float {
        const TABLE: u64 = 27;
        if exponent <= TABLE {
            return Float::small(5u64.pow(exponent as u32), precision);
        }
        let mut result = Float::small(5u64.pow(TABLE as u32), precision);
        let mut rest = exponent - TABLE;
        let mut factor = Float::small(5, precision + 64);
        while rest > 0 {
            if rest & 1 != 0 {
                result = result.multiply(&factor, precision);
            }
            factor = factor.multiply(&factor, precision + 64);
            rest >>= 1;
        }
        result
    }

    fn multiply(&self, other: &Float, precision: u64) -> Float {
        Float::rounded(
            self.negative != other.negative,
            &self.mantissa * &other.mantissa,
            self.exponent + other.exponent,
            precision,
            false,
        )
    }

    /// `self * power`, rounded to the precision of `self`.
    pub(super) fn product(&self, power: &Float) -> Float {
        self.multiply(power, self.precision)
    }

    fn quotient(&self, divisor: &Float) -> Float {
        self.divide(divisor, self.precision)
    }

    fn divide(&self, divisor: &Float, precision: u64) -> Float {
        let negative = self.negative != divisor.negative;
        if self.mantissa.is_zero() {
            return Float {
                negative,
                mantissa: BigUint::zero(),
                exponent: 0,
                precision,
            };
        }
        let shift = (precision + 2 + divisor.mantissa.bits()).saturating_sub(self.mantissa.bits());
        let dividend = &self.mantissa << shift;
        let whole = &dividend / &divisor.mantissa;
        let rest = dividend - &whole * &divisor.mantissa;
        let exponent = self.exponent - divisor.exponent - shift as i64;
        Float::rounded(negative, whole, exponent, precision, !rest.is_zero())
    }

    /// `self * other`
    pub(super) fn mul(&self, other: &Float) -> Float {
        self.multiply(other, self.precision.max(other.precision))
    }

    /// `self / other`; the divisor is not zero.
    pub(super) fn div(&self, other: &Float) -> Float {
        self.divide(other, self.precision.max(other.precision))
    }

    /// `self + other`
    pub(super) fn add(&self, other: &Float) -> Float {
        let precision = self.precision.max(other.precision);
        // Two negative zeros stay negative; every other zero sum is positive.
        if self.is_zero() && other.is_zero() {
            let negative = self.negative && other.negative;
            return Float {
                negative,
                mantissa: BigUint::zero(),
                exponent: 0,
                precision,
            };
        }
        let exponent = match (self.is_zero(), other.is_zero()) {
            (true, _) => other.exponent,
            (_, true) => self.exponent,
            _ => self.exponent.min(other.exponent),
        };
        let scaled = |x: &Float| -> BigInt {
            if x.is_zero() {
                return BigInt::zero();
            }
            let mantissa = &x.mantissa << (x.exponent - exponent) as u64;
            BigInt::from_biguint(if x.negative { Sign::Minus } else { Sign::Plus }, mantissa)
        };
        let (sign, mantissa) = (scaled(self) + scaled(other)).into_parts();
        Float::rounded(sign == Sign::Minus, mantissa, exponent, precision, false)
    }

    /// `-self`
    pub(super) fn neg(&self) -> Float {
        Float {
            negative: !self.negative,
            ..self.clone()
        }
    }

    /// `self - other`
    pub(super) fn sub(&self, other: &Float) -> Float {
        self.add(&other.neg())
    }

    /// One half.
    pub(super) fn half() -> Float {
        Float {
            negative: false,
            mantissa: BigUint::one(),
            exponent: -1,
            precision: 53,
        }
    }

    /// One.
    pub(super) fn one() -> Float {
        Float {
            negative: false,
            mantissa: BigUint::one(),
            exponent: 0,
            precision: 53,
        }
    }

    /// True for both zeros.
    pub(super) fn is_zero(&self) -> bool {
        self.mantissa.is_zero()
    }

    /// True if there is no fraction.
    pub(super) fn is_integer(&self) -> bool {
        self.exponent >= 0
            || self
                .mantissa
                .trailing_zeros()
                .is_none_or(|zeros| zeros as i64 >= -self.exponent)
    }

    /// The integer part, rounded toward zero.
    pub(super) fn truncate(&self) -> BigInt {
        let magnitude = if self.exponent >= 0 {
            &self.mantissa << self.exponent as u64
        } else {
            &self.mantissa >> self.exponent.unsigned_abs()
        };
        BigInt::from_biguint(
            if self.negative {
                Sign::Minus
            } else {
                Sign::Plus
            },
            magnitude,
        )
    }

    /// The order of two floats of one sign or of which one is an integer.
    pub(super) fn equals_integer(&self, integer: &BigInt) -> bool {
        self.is_integer() && self.truncate().cmp(integer) == Ordering::Equal
    }

    /// The shortest digits that read back as this float: in full if it is an integer, else as
    /// Go's `%g`.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if self.negative {
            text.push('-');
        }
        if self.is_zero() {
            text.push('0');
            return text;
        }
        let digits = self.shortest();
        if self.is_integer() {
            digits.write_plain(&mut text);
        } else {
            digits.write_general(&mut text);
        }
        text
    }

    fn shortest(&self) -> Digits {
        // Scaled so that the lowest bit is half a unit in the last place.
        let shift = self.precision + 1 - self.mantissa.bits();
        let mantissa = &self.mantissa << shift;
        let exponent = self.exponent - shift as i64;
        let exact = Digits::exact(&mantissa, exponent);
        let lower = Digits::exact(&(&mantissa - 1u32), exponent);
        let upper = Digits::exact(&(&mantissa + 1u32), exponent);
        // The bounds themselves round to this float only if its mantissa is even.
        let inclusive = !mantissa.bit(1);
        for (i, &digit) in exact.digits.iter().enumerate() {
            let low = lower.at(i);
            let high = upper.at(i);
            let down = low != digit || inclusive && i + 1 == lower.digits.len();
            let up = digit != high && (inclusive || digit + 1 < high || i + 1 < upper.digits.len());
            match (down, up) {
                (true, true) => return exact.round(i + 1),
                (true, false) => return exact.cut(i + 1),
                (false, true) => return exact.cut_up(i + 1),
                (false, false) => {}
            }
        }
        exact
    }
}

/// Decimal digits `0.ddd * 10^point`, without zeros at the end.
#[derive(Clone, Debug)]
pub(super) struct Digits {
    pub(super) digits: Vec<u8>,
    pub(super) point: i64,
}

impl Digits {
    fn exact(mantissa: &BigUint, exponent: i64) -> Digits {
        let (whole, fraction) = if exponent >= 0 {
            (mantissa << exponent as u64, 0)
        } else {
            // m / 2^n = m * 5^n / 10^n
            let zeros = mantissa
                .trailing_zeros()
                .unwrap_or(0)
                .min(exponent.unsigned_abs());
            let power = exponent.unsigned_abs() - zeros;
            (
                (mantissa >> zeros) * BigUint::from(5u32).pow(power as u32),
                power as i64,
            )
        };
        let text = whole.to_string().into_bytes();
        let point = text.len() as i64 - fraction;
        let mut digits = Digits {
            digits: text.into_iter().map(|c| c - b'0').collect(),
            point,
        };
        digits.trim();
        digits
    }

    fn trim(&mut self) {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
    }

    fn at(&self, index: usize) -> u8 {
        self.digits.get(index).copied().unwrap_or(0)
    }

    pub(super) fn cut(mut self, count: usize) -> Digits {
        self.digits.truncate(count);
        self.trim();
        self
    }

    pub(super) fn cut_up(mut self, count: usize) -> Digits {
        if count >= self.digits.len() {
            return self;
        }
        self.digits.truncate(count);
        while self.digits.last() == Some(&9) {
            self.digits.pop();
        }
        match self.digits.last_mut() {
            Some(last) => *last += 1,
            None => {
                self.digits.push(1);
                self.point += 1;
            }
        }
        self
    }

    fn round(self, count: usize) -> Digits {
        if count >= self.digits.len() {
            return self;
        }
        let next = self.digits[count];
        let up = if next == 5 && count + 1 == self.digits.len() {
            count > 0 && self.digits[count - 1] % 2 == 1
        } else {
            next >= 5
        };
        if up {
            self.cut_up(count)
        } else {
            self.cut(count)
        }
    }

    fn push(&self, range: std::ops::Range<i64>, text: &mut String) {
        for i in range {
            let digit = usize::try_from(i).map_or(0, |i| self.at(i));
            text.push((b'0' + digit) as char);
        }
    }

    /// `ddd.ddd`
    pub(super) fn write_plain(&self, text: &mut String) {
        if self.point > 0 {
            self.push(0..self.point, text);
        } else {
            text.push('0');
        }
        if (self.digits.len() as i64) > self.point {
            text.push('.');
            self.push(self.point..self.digits.len() as i64, text);
        }
    }

    /// Go's shortest `%g`: `d.ddde±dd` for exponents below -4 and from 6 on.
    pub(super) fn write_general(&self, text: &mut String) {
        let exponent = self.point - 1;
        if (-4..6).contains(&exponent) {
            self.write_plain(text);
            return;
        }
        self.push(0..1, text);
        if self.digits.len() > 1 {
            text.push('.');
            self.push(1..self.digits.len() as i64, text);
        }
        text.push('e');
        text.push(if exponent < 0 { '-' } else { '+' });
        if exponent.unsigned_abs() < 10 {
            text.push('0');
        }
        text.push_str(&exponent.unsigned_abs().to_string());
    }
}

impl Float {
    /// `e` of `m * 2^e` with `m` in `[0.5, 1)`.
    pub(super) fn binary_exponent(&self) -> i64 {
        self.exponent + self.mantissa.bits() as i64
    }
}
