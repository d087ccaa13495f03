//! Numbers.

use super::{JsonError, Keep, Reader};
use crate::value::{Value, number};

const ZEROS: u64 = 0x3030_3030_3030_3030;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The value of eight decimal digits, the first one in the lowest byte.
#[inline(always)]
fn eight_digits(digits: u64) -> u64 {
    // Pairs, then fours, then all.
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    (fours.wrapping_mul(10_000) + (fours >> 32)) & 0xFFFF_FFFF
}

impl<'a, 't, 'p, K: Keep<'a, 't>> Reader<'a, 't, 'p, K> {
    /// The number that begins here.
    #[inline(always)]
    pub(super) fn number(&mut self) -> Result<Value<'a>, JsonError> {
        match self.small_integer() {
            Some(value) => Ok(value),
            None => self.long_number(),
        }
    }

    /// An integer of up to 7 digits in plain spelling, if there is one.
    #[inline(always)]
    fn small_integer(&mut self) -> Option<Value<'a>> {
        let negative = self.byte() == b'-';
        let start = self.at + usize::from(negative);
        let word = u64::from_le_bytes(*self.text.get(start..)?.first_chunk()?);
        let digits = word ^ ZEROS;
        // Exact up to the first byte that is no digit.
        let other = (digits.wrapping_add(0x7676_7676_7676_7676) | digits) & HIGH;
        let count = other.trailing_zeros() / 8;
        if count == 0 || count == 8 || (word as u8 == b'0' && (count > 1 || negative)) {
            return None;
        }
        if matches!((word >> (8 * count)) as u8, b'.' | b'e' | b'E') {
            return None;
        }
        self.at = start + count as usize;
        let value = eight_digits(digits << (64 - 8 * count)) as i64;
        Value::inline_integer(if negative { -value } else { value })
    }

    #[cold]
    fn long_number(&mut self) -> Result<Value<'a>, JsonError> {
        let start = self.at;
        self.digits_of_number()?;
        let text = self.not_too_big(start)?;
        self.memory(self.arena.reserve(text.len()))?;
        Ok(if K::BORROWS {
            let text = self.keep.keep(self.arena, text);
            self.arena.number_trusted_ref(text)
        } else {
            self.arena.number_trusted(text)
        })
    }

    /// The text of the number that began at an offset.
    pub(super) fn not_too_big(&self, start: usize) -> Result<&'t str, JsonError> {
        let text = self.text.get(start..self.at).unwrap_or_default();
        // Digits are ASCII.
        let text = std::str::from_utf8(text).unwrap_or("0");
        if number::is_too_big(text) {
            return self.error(start, "invalid number: number too big");
        }
        Ok(text)
    }

    /// Goes behind the number that begins here.
    pub(super) fn digits_of_number(&mut self) -> Result<(), JsonError> {
        if self.byte() == b'-' {
            self.at += 1;
        }
        if self.byte() == b'0' {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if let b'e' | b'E' = self.byte() {
            self.at += 1;
            if let b'+' | b'-' = self.byte() {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn digits(&mut self, context: &str) -> Result<(), JsonError> {
        if !self.byte().is_ascii_digit() {
            return self.unexpected(context);
        }
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{ZEROS, eight_digits};

    #[test]
    fn eight_digits_are_read_at_once() {
        for number in [0, 1, 9, 10, 12_345_678, 99_999_999, 90_000_001] {
            let text = format!("{number:08}");
            let word = u64::from_le_bytes(text.as_bytes().try_into().unwrap());
            assert_eq!(eight_digits(word ^ ZEROS), number);
        }
    }
}
