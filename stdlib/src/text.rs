//! Text that a body builds: paid for before it grows.

use num_bigint::BigInt;
use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::{Value, View};

/// Bytes of text per unit of work.
const BYTES_PER_UNIT: usize = 32;

/// A string in the making, which charges for its length.
pub(crate) struct Text<'c, 'a, 'h> {
    call: &'c mut Call<'a, 'h>,
    text: String,
    /// Length up to which memory and work are paid.
    paid: usize,
    /// Steps that are not charged yet.
    unpaid_work: usize,
}

impl<'c, 'a, 'h> Text<'c, 'a, 'h> {
    pub(crate) fn new(call: &'c mut Call<'a, 'h>) -> Self {
        Text {
            call,
            text: String::new(),
            paid: 0,
            unpaid_work: 0,
        }
    }

    /// Pays for `bytes` more.
    pub(crate) fn room(&mut self, bytes: usize) -> Result<(), BuiltinError> {
        let wanted = self.text.len().saturating_add(bytes);
        if wanted > self.paid {
            // Half as much again, so that many small steps cost few calls.
            let paid = wanted.saturating_add(wanted / 2).max(256);
            charge_bytes(self.call, paid - self.paid)?;
            // Twice: the text is copied into the arena in the end.
            self.call.reserve(paid.saturating_mul(2))?;
            self.paid = paid;
        }
        Ok(())
    }

    /// Charges for small steps of looking at the source, many at once.
    pub(crate) fn work(&mut self, steps: usize) -> Result<(), BuiltinError> {
        self.unpaid_work += steps;
        if self.unpaid_work >= 4096 {
            self.call.charge(self.unpaid_work as u64 / 8)?;
            self.unpaid_work = 0;
        }
        Ok(())
    }

    pub(crate) fn push_str(&mut self, text: &str) -> Result<(), BuiltinError> {
        self.room(text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    pub(crate) fn push(&mut self, c: char) -> Result<(), BuiltinError> {
        self.room(c.len_utf8())?;
        self.text.push(c);
        Ok(())
    }

    pub(crate) fn repeat(&mut self, c: char, count: usize) -> Result<(), BuiltinError> {
        self.room(count.saturating_mul(c.len_utf8()))?;
        self.text.extend(std::iter::repeat_n(c, count));
        Ok(())
    }

    /// The digits of a large number. The work grows with the square of the length.
    pub(crate) fn big_digits(&mut self, n: &BigInt, radix: u32) -> Result<String, BuiltinError> {
        charge_big(self.call, n.bits())?;
        self.room(usize::try_from(n.bits()).unwrap_or(usize::MAX) / radix.ilog2().max(1) as usize)?;
        Ok(n.to_str_radix(radix))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The string value.
    pub(crate) fn finish(self) -> Value<'a> {
        self.call.arena.string(&self.text)
    }
}

/// Charges for writing a value as text and announces the memory. Values share parts: a small one may have a text that
/// does not end.
pub(crate) fn charge_text(call: &mut Call<'_, '_>, value: Value<'_>) -> Result<(), BuiltinError> {
    let mut stack = vec![value];
    let (mut bytes, mut unpaid) = (0_usize, 0_usize);
    while let Some(value) = stack.pop() {
        let len = match value.view() {
            View::String(text) => text.as_str().len() + 4,
            View::Number(number) => number.text().len() + 2,
            View::Array(array) => {
                stack.extend(array.iter());
                4
            }
            View::Set(set) => {
                stack.extend(set.iter());
                4
            }
            View::Object(object) => {
                stack.extend(object.iter().flat_map(|(key, value)| [key, value]));
                4
            }
            _ => 6,
        };
        bytes = bytes.saturating_add(len);
        unpaid += len;
        if unpaid >= 1 << 14 {
            charge_bytes(call, unpaid * 2)?;
            call.reserve(bytes)?;
            unpaid = 0;
        }
    }
    charge_bytes(call, unpaid * 2)
}

/// Charges for looking at so many bytes.
pub(crate) fn charge_bytes(call: &mut Call<'_, '_>, bytes: usize) -> Result<(), BuiltinError> {
    call.charge((bytes / BYTES_PER_UNIT) as u64 + 1)
}

/// Charges for arithmetic whose work grows with the square of the number's length.
pub(crate) fn charge_big(call: &mut Call<'_, '_>, bits: u64) -> Result<(), BuiltinError> {
    let words = bits / 64 + 1;
    call.charge(words.saturating_mul(words) / 16 + 1)
}

/// The integer, with its work charged and announced.
pub(crate) fn big_value<'a>(
    call: &mut Call<'a, '_>,
    n: &BigInt,
) -> Result<Value<'a>, BuiltinError> {
    charge_big(call, n.bits())?;
    Ok(call.arena.bigint(n))
}
