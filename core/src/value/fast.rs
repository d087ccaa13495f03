//! The common case of [`Float`](super::bigfloat::Float): a mantissa of 64 bits and exponents near
//! zero, in machine words. Every function gives up (`None`) where words do not suffice; what it
//! gives is what the long way gives.

use super::bigfloat::Digits;
use super::number::Decimal;

/// `±mantissa * 2^exponent`; the high bit of the mantissa is set, unless it is zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fast {
    pub(super) negative: bool,
    mantissa: u64,
    exponent: i32,
}

/// Powers of five that fit into 63 bits.
const MAX_POWER: u32 = 27;

/// Beyond this, exponents are left to the long way.
const MAX_EXPONENT: i32 = 1000;

impl Fast {
    const fn zero(negative: bool) -> Fast {
        Fast {
            negative,
            mantissa: 0,
            exponent: 0,
        }
    }

    /// Rounds to nearest even; `sticky` tells of bits below.
    fn rounded(negative: bool, mantissa: u128, exponent: i32, sticky: bool) -> Option<Fast> {
        let bits = 128 - mantissa.leading_zeros() as i32;
        if bits == 0 {
            return (!sticky).then_some(Fast::zero(negative));
        }
        let cut = bits - 64;
        let mut exponent = exponent.checked_add(cut)?;
        if exponent.abs() > MAX_EXPONENT {
            return None;
        }
        if cut <= 0 {
            // Bits are missing that only a longer division would give.
            let mantissa = (mantissa << -cut) as u64;
            return (!sticky).then_some(Fast {
                negative,
                mantissa,
                exponent,
            });
        }
        let rest = mantissa & ((1 << cut) - 1);
        let half = 1 << (cut - 1);
        let mut kept = (mantissa >> cut) as u64;
        if rest > half || rest == half && (sticky || kept & 1 == 1) {
            match kept.checked_add(1) {
                Some(next) => kept = next,
                None => {
                    kept = 1 << 63;
                    exponent += 1;
                }
            }
        }
        Some(Fast {
            negative,
            mantissa: kept,
            exponent,
        })
    }

    /// The nearest float to a decimal.
    pub(super) fn from_decimal(decimal: Decimal) -> Option<Fast> {
        let Decimal {
            mantissa,
            exponent,
            negative,
        } = decimal;
        if mantissa == 0 {
            return Some(Fast::zero(negative));
        }
        let power = exponent.unsigned_abs();
        if power > MAX_POWER {
            return None;
        }
        let five = 5u128.pow(power);
        if exponent >= 0 {
            return Fast::rounded(negative, u128::from(mantissa) * five, exponent, false);
        }
        let shift = 64 + mantissa.leading_zeros();
        let dividend = u128::from(mantissa) << shift;
        let sticky = dividend % five != 0;
        Fast::rounded(negative, dividend / five, exponent - shift as i32, sticky)
    }

    /// An integer, which always fits.
    pub(super) fn from_integer(value: i64) -> Fast {
        let magnitude = u128::from(value.unsigned_abs());
        Fast::rounded(value < 0, magnitude, 0, false).unwrap_or(Fast::zero(false))
    }

    /// A zero with a sign.
    pub(super) const NEGATIVE_ZERO: Fast = Fast::zero(true);

    /// One half.
    pub(super) const HALF: Fast = Fast {
        negative: false,
        mantissa: 1 << 63,
        exponent: -64,
    };

    /// The integer part, rounded toward zero, and if that is all.
    pub(super) fn truncate(self) -> Option<(i64, bool)> {
        let bits = u32::try_from(-self.exponent).ok()?;
        let whole = self.mantissa.checked_shr(bits).unwrap_or(0);
        let exact = self.mantissa == 0 || self.mantissa.trailing_zeros() >= bits;
        let whole = i64::try_from(whole).ok()?;
        Some((if self.negative { -whole } else { whole }, exact))
    }

    /// `self + other`
    pub(super) fn add(self, other: Fast) -> Option<Fast> {
        let (big, small) = if self.exponent >= other.exponent {
            (self, other)
        } else {
            (other, self)
        };
        if self.mantissa == 0 || other.mantissa == 0 {
            return match (self.mantissa, other.mantissa) {
                (0, 0) => Some(Fast::zero(self.negative && other.negative)),
                (0, _) => Some(other),
                _ => Some(self),
            };
        }
        let shift = big.exponent - small.exponent;
        if shift > 62 {
            return None;
        }
        let (a, b) = (
            u128::from(big.mantissa) << shift,
            u128::from(small.mantissa),
        );
        let (negative, sum) = if big.negative == small.negative {
            (big.negative, a + b)
        } else if a >= b {
            (big.negative && a != b, a - b)
        } else {
            (small.negative, b - a)
        };
        Fast::rounded(negative, sum, small.exponent, false)
    }

    /// `-self`
    pub(super) fn neg(self) -> Fast {
        Fast {
            negative: !self.negative,
            ..self
        }
    }

    /// `self * other`
    pub(super) fn mul(self, other: Fast) -> Option<Fast> {
        Fast::rounded(
            self.negative != other.negative,
            u128::from(self.mantissa) * u128::from(other.mantissa),
            self.exponent + other.exponent,
            false,
        )
    }

    /// `self / other`
    pub(super) fn div(self, other: Fast) -> Option<Fast> {
        let negative = self.negative != other.negative;
        match (self.mantissa, other.mantissa) {
            (_, 0) => None,
            (0, _) => Some(Fast::zero(negative)),
            (a, b) => {
                let b = u128::from(b);
                // One bit more than the mantissa, and the rest makes it sticky.
                let dividend = u128::from(a) << 63;
                let (whole, rest) = (dividend / b, dividend % b);
                let (bit, rest) = ((rest << 1) / b, (rest << 1) % b);
                let (last, rest) = ((rest << 1) / b, (rest << 1) % b);
                let whole = whole << 2 | bit << 1 | last;
                Fast::rounded(
                    negative,
                    whole,
                    self.exponent - other.exponent - 65,
                    rest != 0,
                )
            }
        }
    }

    /// The text of [`Float::text`](super::bigfloat::Float::text).
    pub(super) fn text(self) -> Option<String> {
        let mut text = String::from(if self.negative { "-" } else { "" });
        if self.mantissa == 0 {
            text.push('0');
            return Some(text);
        }
        if self.exponent > 0 || self.exponent < -118 {
            return None;
        }
        let fraction_bits = self.exponent.unsigned_abs();
        if self.mantissa.trailing_zeros() >= fraction_bits {
            let whole = self.mantissa.checked_shr(fraction_bits).unwrap_or(0);
            text.push_str(&whole.to_string());
            return Some(text);
        }
        self.shortest().write_general(&mut text);
        Some(text)
    }

    /// The shortest digits that are nearer to this float than to any other.
    fn shortest(self) -> Digits {
        // The lowest bit is half a unit in the last place.
        let doubled = u128::from(self.mantissa) << 1;
        let bits = self.exponent.unsigned_abs() + 1;
        let mut exact = Stream::new(doubled, bits);
        let mut lower = Stream::new(doubled - 1, bits);
        let mut upper = Stream::new(doubled + 1, bits);
        let inclusive = self.mantissa & 1 == 0;
        let mut digits = Digits {
            digits: Vec::with_capacity(20),
            point: exact.point,
        };
        loop {
            let (digit, low, high) = (exact.digit(), lower.digit(), upper.digit());
            digits.digits.push(digit);
            let down = low != digit || inclusive && lower.is_done();
            let up = digit != high && (inclusive || digit + 1 < high || !upper.is_done());
            if exact.is_done() {
                // All digits: there is nothing to round.
                return digits;
            }
            let round_up = match (down, up) {
                (false, false) => continue,
                (true, false) => false,
                (false, true) => true,
                (true, true) => match exact.digit() {
                    5 if exact.is_done() => digit % 2 == 1,
                    next => next >= 5,
                },
            };
            let count = digits.digits.len();
            if round_up {
                // One more digit, so that there is something to cut.
                digits.digits.push(0);
                return digits.cut_up(count);
            }
            return digits.cut(count);
        }
    }
}

/// The decimal digits of `word / 2^bits`, from the first one that is not zero.
struct Stream {
    whole: u128,
    /// The power of ten of the next digit of the whole part.
    scale: u128,
    fraction: u128,
    bits: u32,
    point: i64,
}

impl Stream {
    fn new(word: u128, bits: u32) -> Stream {
        let (whole, mut fraction) = (word >> bits, word & ((1 << bits) - 1));
        let mut point = 0;
        let mut scale = 0;
        if let Some(log) = whole.checked_ilog10() {
            scale = 10u128.pow(log);
            point = i64::from(log) + 1;
        } else {
            // Leading zeros of the fraction: the product is below 2^(bits + 4).
            while fraction != 0 && (fraction * 10) >> bits == 0 {
                fraction *= 10;
                point -= 1;
            }
        }
        Stream {
            whole,
            scale,
            fraction,
            bits,
            point,
        }
    }

    fn digit(&mut self) -> u8 {
        if let Some(digit) = self.whole.checked_div(self.scale) {
            self.whole %= self.scale;
            self.scale /= 10;
            return digit as u8;
        }
        self.fraction *= 10;
        let digit = self.fraction >> self.bits;
        self.fraction &= (1 << self.bits) - 1;
        digit as u8
    }

    /// True if only zeros are left.
    fn is_done(&self) -> bool {
        self.whole == 0 && self.fraction == 0
    }
}
