//! Strings.

use std::borrow::Cow;

use super::error::JsonError;
use super::lanes::{self, Lanes, Work};
use super::{Keep, Reader};
use crate::value::Value;

/// What stands for each simple escape; 0 for those that do not exist, and for `\u`.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[b'/' as usize] = b'/';
    table[b'b' as usize] = 8;
    table[b'f' as usize] = 12;
    table[b'n' as usize] = b'\n';
    table[b'r' as usize] = b'\r';
    table[b't' as usize] = b'\t';
    table
};

/// Bytes between two looks at the budgets.
const CHUNK: usize = 1 << 16;

impl<'a, 't, 'p, K: Keep<'a, 't>> Reader<'a, 't, 'p, K> {
    /// The string whose quote is here.
    #[inline(always)]
    pub(super) fn string<L: Lanes>(&mut self, lanes: L) -> Result<Value<'a>, JsonError> {
        let start = self.at + 1;
        let plain = lanes::plain(lanes, self.text, start);
        if let Some(text) = plain.text
            && self.text.get(plain.end) == Some(&b'"')
        {
            if !K::BORROWS {
                self.memory(self.arena.reserve(text.len()))?;
            }
            self.at = plain.end + 1;
            return Ok(self.arena.string_ref(self.keep.keep(self.arena, text)));
        }
        lanes.run(Decode(self))?;
        let text = lossy(&self.decoded);
        self.memory(self.arena.reserve(text.len()))?;
        Ok(self.arena.string(&text))
    }

    /// The text of the string whose quote is here.
    #[cold]
    pub(super) fn text_of_string(&mut self) -> Result<Cow<'t, str>, JsonError> {
        let plain = lanes::plain(lanes::Scalar, self.text, self.at + 1);
        if let Some(text) = plain.text
            && self.text.get(plain.end) == Some(&b'"')
        {
            self.at = plain.end + 1;
            return Ok(text.into());
        }
        lanes::widest(Decode(self))?;
        Ok(lossy(&self.decoded).into_owned().into())
    }

    pub(super) fn make_string(&self, text: &str) -> Result<Value<'a>, JsonError> {
        self.go_on(text.len() as u64 / 64)?;
        self.memory(self.arena.reserve(text.len()))?;
        Ok(self.arena.string(text))
    }

    /// Counts what decoding takes; called before there is more to be decoded than there is room for.
    #[cold]
    fn look_at_decoded(&mut self) -> Result<(), JsonError> {
        let capacity = self.decoded.capacity();
        let claimed = self.memory_of_decoded.grow_to(self.arena, capacity);
        self.memory(claimed)?;
        self.go_on(CHUNK as u64 / 64)
    }

    /// What follows a backslash.
    #[inline(always)]
    fn escape(&mut self) -> Result<(), JsonError> {
        match ESCAPES[usize::from(self.byte())] {
            0 => self.long_escape(),
            byte => {
                self.at += 1;
                self.decoded.push(byte);
                Ok(())
            }
        }
    }

    fn long_escape(&mut self) -> Result<(), JsonError> {
        if self.byte() != b'u' {
            return self.unexpected("in string escape code");
        }
        self.at += 1;
        let mut code = self.hex4()?;
        if let 0xD800..0xDC00 = code
            && self.text[self.at..].starts_with(b"\\u")
        {
            let back = self.at;
            self.at += 2;
            let second = self.hex4()?;
            if let 0xDC00..0xE000 = second {
                code = 0x10000 + ((code - 0xD800) << 10) + (second - 0xDC00);
            } else {
                self.at = back;
            }
        }
        let c = char::from_u32(code).unwrap_or('\u{FFFD}');
        self.decoded
            .extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self
                .text
                .get(self.at)
                .and_then(|c| (*c as char).to_digit(16));
            let Some(digit) = digit else {
                return self.unexpected("in \\u hexadecimal character escape");
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}

/// Decodes the string whose quote is here.
struct Decode<'r, 'a, 't, 'p, K>(&'r mut Reader<'a, 't, 'p, K>);

impl<'a, 't, 'p, K: Keep<'a, 't>> Work for Decode<'_, 'a, 't, 'p, K> {
    type Out = Result<(), JsonError>;

    #[inline(always)]
    fn with<L: Lanes>(self, lanes: L) -> Result<(), JsonError> {
        let reader = self.0;
        reader.at += 1;
        reader.decoded.clear();
        let mut look_at = reader.at + CHUNK;
        loop {
            if reader.at >= look_at {
                look_at = reader.at + CHUNK;
                reader.look_at_decoded()?;
            }
            if let Some(block) = lanes::block(reader.text, reader.at) {
                let stops = lanes.string(block).stops;
                let len = stops.trailing_zeros() as usize;
                lanes::append(&mut reader.decoded, block, len);
                reader.at += len;
                if stops == 0 {
                    continue;
                }
            } else {
                while let Some(byte) = reader.text.get(reader.at)
                    && !matches!(byte, b'"' | b'\\' | 0..0x20)
                {
                    reader.decoded.push(*byte);
                    reader.at += 1;
                }
            }
            match reader.text.get(reader.at) {
                Some(b'"') => {
                    reader.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    reader.at += 1;
                    reader.escape()?;
                }
                _ => return reader.unexpected("in string literal"),
            }
        }
    }
}

/// Text from bytes: every byte that is no UTF-8 becomes U+FFFD, as Go's decoder has it.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(std::iter::repeat_n('\u{FFFD}', chunk.invalid().len()));
    }
    out.into()
}
