//! Text that a body builds: paid for before it grows.

use num_bigint::BigInt;
use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::{Claim, Value, View};
use regovm_core::work;

use crate::operand::failed;

/// Bytes of text per unit of work.
const BYTES_PER_UNIT: usize = 32;

/// Bytes between two looks at the clock.
pub(crate) const BLOCK: usize = 1 << 18;

/// Integers with more bits are refused: writing them down takes the square of their length. Arithmetic in OPA's own
/// sizes stays far below.
const MAX_BITS: u64 = 1 << 19;

/// A string in the making, which charges for its length.
pub(crate) struct Text<'c, 'a, 'h> {
    call: &'c mut Call<'a, 'h>,
    text: String,
    /// Length up to which memory and work are paid.
    paid: usize,
    memory: Claim<'a>,
    /// Steps that are not charged yet.
    unpaid_work: usize,
}

impl<'c, 'a, 'h> Text<'c, 'a, 'h> {
    pub(crate) fn new(call: &'c mut Call<'a, 'h>) -> Self {
        Text {
            call,
            text: String::new(),
            paid: 0,
            memory: Claim::default(),
            unpaid_work: 0,
        }
    }

    /// Pays for `bytes` more.
    #[inline]
    pub(crate) fn room(&mut self, bytes: usize) -> Result<(), BuiltinError> {
        let wanted = self.text.len().saturating_add(bytes);
        if wanted > self.paid {
            self.pay(wanted)
        } else {
            Ok(())
        }
    }

    #[cold]
    fn pay(&mut self, wanted: usize) -> Result<(), BuiltinError> {
        // Half as much again, so that many small steps cost few calls.
        let paid = wanted.saturating_add(self.paid / 2).max(256);
        charge_bytes(self.call, paid - self.paid)?;
        // Twice: the text is copied into the arena in the end.
        self.call.reserve(paid.saturating_mul(2))?;
        self.memory.grow_to(self.call.arena, paid)?;
        self.text.reserve_exact(paid - self.text.len());
        self.paid = paid;
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

    /// Counts memory that is needed besides for a while.
    pub(crate) fn claim(&mut self, bytes: usize) -> Result<Claim<'a>, BuiltinError> {
        self.call.claim(bytes)
    }

    /// Fails if there is no point in going on.
    #[inline]
    fn effort(&mut self, pieces: usize) -> Result<(), BuiltinError> {
        if work::effort(pieces as u64) {
            Ok(())
        } else {
            self.call.look()
        }
    }

    pub(crate) fn push_str(&mut self, text: &str) -> Result<(), BuiltinError> {
        self.room(text.len())?;
        if text.len() <= BLOCK {
            self.effort(1 + text.len() / 64)?;
            self.text.push_str(text);
            return Ok(());
        }
        for block in blocks(text) {
            self.effort(block.len() / 64)?;
            self.text.push_str(block);
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn push(&mut self, c: char) -> Result<(), BuiltinError> {
        self.room(c.len_utf8())?;
        self.effort(1)?;
        self.text.push(c);
        Ok(())
    }

    pub(crate) fn repeat(&mut self, c: char, count: usize) -> Result<(), BuiltinError> {
        self.room(count.saturating_mul(c.len_utf8()))?;
        let mut left = count;
        while left > 0 {
            let now = left.min(BLOCK);
            self.effort(1 + now / 16)?;
            self.text.extend(std::iter::repeat_n(c, now));
            left -= now;
        }
        Ok(())
    }

    /// The digits of a large number. The work grows with the square of the length.
    pub(crate) fn big_digits(&mut self, n: &BigInt, radix: u32) -> Result<String, BuiltinError> {
        charge_big(self.call, n.bits())?;
        self.room(usize::try_from(n.bits()).unwrap_or(usize::MAX) / radix.ilog2().max(1) as usize)?;
        Ok(n.to_str_radix(radix))
    }

    /// Where a text begins in another one, from an offset on.
    pub(crate) fn find(
        &mut self,
        haystack: &str,
        needle: &str,
        from: usize,
    ) -> Result<Option<usize>, BuiltinError> {
        find(self.call, haystack, needle, from)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The string value.
    pub(crate) fn finish(self) -> Value<'a> {
        self.call.arena.string(&self.text)
    }
}

/// The parts of a text that are looked at between two looks at the clock.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (block, behind) = rest.split_at(rest.floor_char_boundary(BLOCK));
        rest = behind;
        Some(block)
    })
}

/// Where a text begins in another one, from an offset on.
pub(crate) fn find(
    cx: &mut Call<'_, '_>,
    haystack: &str,
    needle: &str,
    from: usize,
) -> Result<Option<usize>, BuiltinError> {
    let window = BLOCK.max(4 * needle.len());
    let mut at = from;
    loop {
        let end = haystack.len().min(at.saturating_add(window + needle.len()));
        let end = haystack.floor_char_boundary(end);
        if let Some(found) = search(&haystack.as_bytes()[at..end], needle.as_bytes()) {
            return Ok(Some(at + found));
        }
        if end == haystack.len() {
            return Ok(None);
        }
        cx.look()?;
        at = haystack.floor_char_boundary(at + window);
    }
}

fn search(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [byte] => memchr::memchr(*byte, haystack),
        needle => memchr::memmem::find(haystack, needle),
    }
}

/// How many characters a text has.
pub(crate) fn count_chars(cx: &mut Call<'_, '_>, text: &str) -> Result<usize, BuiltinError> {
    let mut count = 0;
    for block in blocks(text) {
        count += block.chars().count();
        if block.len() >= BLOCK / 2 {
            cx.look()?;
        }
    }
    Ok(count)
}

/// The offset of a character; the length of the text if it has no more than so many.
pub(crate) fn char_offset(
    cx: &mut Call<'_, '_>,
    text: &str,
    number: usize,
) -> Result<usize, BuiltinError> {
    let (mut left, mut offset) = (number, 0);
    for block in blocks(text) {
        let count = block.chars().count();
        if left < count {
            let within = block.char_indices().nth(left);
            return Ok(offset + within.map_or(block.len(), |(at, _)| at));
        }
        left -= count;
        offset += block.len();
        if block.len() >= BLOCK / 2 {
            cx.look()?;
        }
    }
    Ok(text.len())
}

/// Charges for writing a value as text and counts the memory. Values share parts: a small one may have a text that
/// does not end.
pub(crate) fn charge_text<'a>(
    call: &mut Call<'a, '_>,
    value: Value<'_>,
) -> Result<Claim<'a>, BuiltinError> {
    let (mut bytes, mut paid) = (0_usize, 0_usize);
    let mut memory = call.claim(0)?;
    for part in value.parts() {
        let len = match part.view() {
            View::String(text) => text.len() + 4,
            View::Number(number) => number.text().len() + 2,
            View::Array(_) | View::Set(_) | View::Object(_) => 4,
            _ => 6,
        };
        bytes = bytes.saturating_add(len);
        if bytes - paid >= 1 << 14 {
            charge_bytes(call, (bytes - paid) * 2)?;
            paid = bytes;
            memory.grow_to(call.arena, bytes)?;
        }
    }
    charge_bytes(call, (bytes - paid) * 2)?;
    memory.grow_to(call.arena, bytes)?;
    Ok(memory)
}

/// A text that somebody else writes, with the memory that it takes. What it takes more than was foreseen is counted after.
pub(crate) fn written<'a>(
    cx: &mut Call<'a, '_>,
    value: Value<'_>,
    write: impl FnOnce(Value<'_>) -> String,
) -> Result<(String, Claim<'a>), BuiltinError> {
    let mut memory = charge_text(cx, value)?;
    let text = write(value);
    // It may have ended early.
    cx.look()?;
    memory.grow_to(cx.arena, text.capacity())?;
    Ok((text, memory))
}

/// Charges for looking at so many bytes.
pub(crate) fn charge_bytes(call: &mut Call<'_, '_>, bytes: usize) -> Result<(), BuiltinError> {
    call.charge((bytes / BYTES_PER_UNIT) as u64 + 1)
}

/// Charges for arithmetic whose work grows with the square of the number's length.
pub(crate) fn charge_big(call: &mut Call<'_, '_>, bits: u64) -> Result<(), BuiltinError> {
    if bits > MAX_BITS {
        call.look()?;
        return Err(failed("number too big"));
    }
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
