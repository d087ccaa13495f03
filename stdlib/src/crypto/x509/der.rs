//! A reader of DER as strict as the one that Go reads certificates with: tags of one byte, lengths and numbers in
//! their shortest form.

use std::borrow::Cow;

use num_bigint::BigInt;

use super::oid::Oid;
use super::time::Moment;

/// First bytes of elements.
pub(super) mod tag {
    pub(in super::super) const BOOLEAN: u8 = 0x01;
    pub(in super::super) const INTEGER: u8 = 0x02;
    pub(in super::super) const BIT_STRING: u8 = 0x03;
    pub(in super::super) const OCTET_STRING: u8 = 0x04;
    pub(in super::super) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(in super::super) const UTF8_STRING: u8 = 0x0c;
    pub(in super::super) const NUMERIC_STRING: u8 = 0x12;
    pub(in super::super) const PRINTABLE_STRING: u8 = 0x13;
    pub(in super::super) const T61_STRING: u8 = 0x14;
    pub(in super::super) const IA5_STRING: u8 = 0x16;
    pub(in super::super) const UTC_TIME: u8 = 0x17;
    pub(in super::super) const GENERALIZED_TIME: u8 = 0x18;
    pub(in super::super) const BMP_STRING: u8 = 0x1e;
    pub(in super::super) const SEQUENCE: u8 = 0x30;
    pub(in super::super) const SET: u8 = 0x31;

    /// `[n]` around something primitive.
    pub(in super::super) const fn context(n: u8) -> u8 {
        0x80 | n
    }

    /// `[n]` around elements.
    pub(in super::super) const fn constructed(n: u8) -> u8 {
        0xa0 | n
    }
}

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Der<'d>(&'d [u8]);

/// One element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'d> {
    pub(super) tag: u8,
    pub(super) content: &'d [u8],
    /// With tag and length.
    pub(super) whole: &'d [u8],
}

/// A string of bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'d> {
    pub(super) bytes: &'d [u8],
    /// Bits at the end that do not count; they are zero.
    pub(super) unused: u8,
}

impl<'d> Bits<'d> {
    /// The content of an element.
    pub(super) fn read(content: &'d [u8]) -> Option<Bits<'d>> {
        let (&unused, bytes) = content.split_first()?;
        let last = match bytes.last() {
            Some(&last) => last,
            None if unused == 0 => 0,
            None => return None,
        };
        let clean = unused < 8 && last & ((1 << unused) - 1) == 0;
        clean.then_some(Bits { bytes, unused })
    }

    /// A bit, counted from the first; there are zeros after the last.
    pub(super) fn bit(self, at: usize) -> bool {
        let byte = self.bytes.get(at / 8).copied().unwrap_or(0);
        byte >> (7 - at % 8) & 1 == 1
    }

    /// How many bits.
    pub(super) fn len(self) -> usize {
        self.bytes.len() * 8 - usize::from(self.unused)
    }

    /// The bits as a number: moved to the end of the last byte.
    pub(super) fn aligned(self) -> Cow<'d, [u8]> {
        if self.unused == 0 {
            return Cow::Borrowed(self.bytes);
        }
        let mut carried = 0;
        let moved = self.bytes.iter().map(|byte| {
            let out = carried | byte >> self.unused;
            carried = byte << (8 - self.unused);
            out
        });
        Cow::Owned(moved.collect())
    }
}

impl<'d> Der<'d> {
    pub(super) fn new(bytes: &'d [u8]) -> Der<'d> {
        Der(bytes)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// If an element of this tag follows.
    pub(super) fn peek(self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The next element.
    pub(super) fn any(&mut self) -> Option<Element<'d>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (len, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            let (digits, rest) = rest.split_at_checked(count)?;
            let shortest = (1..=4).contains(&count) && digits.first() != Some(&0);
            let len = digits
                .iter()
                .fold(0_usize, |len, digit| len << 8 | usize::from(*digit));
            if !shortest || len < 0x80 {
                return None;
            }
            (len, rest)
        };
        let (content, rest) = rest.split_at_checked(len)?;
        let whole = self.0.get(..self.0.len() - rest.len())?;
        self.0 = rest;
        Some(Element {
            tag,
            content,
            whole,
        })
    }

    /// The next element if it has this tag.
    pub(super) fn element(&mut self, tag: u8) -> Option<Element<'d>> {
        self.any().filter(|element| element.tag == tag)
    }

    /// The content of the next element, which must have this tag.
    pub(super) fn content(&mut self, tag: u8) -> Option<&'d [u8]> {
        self.element(tag).map(|element| element.content)
    }

    /// A reader of the elements in the next element, which must have this tag.
    pub(super) fn inside(&mut self, tag: u8) -> Option<Der<'d>> {
        self.content(tag).map(Der)
    }

    /// The content of the next element if it has this tag; `None` if it is damaged.
    pub(super) fn optional(&mut self, tag: u8) -> Option<Option<&'d [u8]>> {
        if self.peek(tag) {
            self.content(tag).map(Some)
        } else {
            Some(None)
        }
    }

    pub(super) fn boolean(&mut self) -> Option<bool> {
        match self.content(tag::BOOLEAN)? {
            [0] => Some(false),
            [0xff] => Some(true),
            _ => None,
        }
    }

    /// An integer of any size.
    pub(super) fn big(&mut self) -> Option<BigInt> {
        let digits = shortest(self.content(tag::INTEGER)?)?;
        Some(BigInt::from_signed_bytes_be(digits))
    }

    /// An integer of 64 bits.
    pub(super) fn integer(&mut self) -> Option<i64> {
        self.integer_with(tag::INTEGER)
    }

    /// An integer of 64 bits behind another tag.
    pub(super) fn integer_with(&mut self, tag: u8) -> Option<i64> {
        signed(shortest(self.content(tag)?)?)
    }

    pub(super) fn oid(&mut self) -> Option<Oid> {
        Oid::read(self.content(tag::OBJECT_IDENTIFIER)?)
    }

    pub(super) fn bits(&mut self) -> Option<Bits<'d>> {
        Bits::read(self.content(tag::BIT_STRING)?)
    }

    /// A time in either form; the error says what is wrong.
    pub(super) fn time(&mut self) -> Result<Moment, &'static str> {
        if self.peek(tag::UTC_TIME) {
            let content = self.content(tag::UTC_TIME);
            content
                .and_then(|text| Moment::utc(text).ok())
                .ok_or("malformed UTCTime")
        } else if self.peek(tag::GENERALIZED_TIME) {
            let content = self.content(tag::GENERALIZED_TIME);
            content
                .and_then(|text| Moment::generalized(text).ok())
                .ok_or("malformed GeneralizedTime")
        } else {
            Err("unsupported time format")
        }
    }
}

/// The digits of an integer if there is no shorter way to write it.
fn shortest(digits: &[u8]) -> Option<&[u8]> {
    match digits {
        [] => None,
        [0, next, ..] if next & 0x80 == 0 => None,
        [0xff, next, ..] if next & 0x80 != 0 => None,
        _ => Some(digits),
    }
}

/// The value of at most eight digits.
pub(super) fn signed(digits: &[u8]) -> Option<i64> {
    let first = *digits.first()?;
    let sign = if first & 0x80 == 0 { 0 } else { -1 };
    let short = digits.len() <= 8;
    short.then(|| {
        digits
            .iter()
            .fold(sign, |n, digit| n << 8 | i64::from(*digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_one_spelling() {
        let mut long = vec![4, 0x81, 0x80];
        long.extend([7; 128]);
        assert_eq!(Der::new(&long).content(4).map(<[u8]>::len), Some(128));
        for wrong in [
            &[][..],
            &[4],
            &[4, 1],
            &[4, 0x80, 0, 0],
            &[4, 0x81, 1, 7],
            &[4, 0x82, 0, 0x80],
            &[0x1f, 1, 7],
            &[4, 0x85, 0, 0, 0, 0, 1, 7],
        ] {
            assert!(Der::new(wrong).any().is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn integers() {
        let integer = |bytes| Der::new(bytes).integer();
        assert_eq!(integer(&[2, 1, 0x80]), Some(-128));
        assert_eq!(integer(&[2, 2, 0, 0x80]), Some(128));
        assert_eq!(integer(&[2, 2, 0, 0x7f]), None);
        assert_eq!(integer(&[2, 2, 0xff, 0x80]), None);
        assert_eq!(integer(&[2, 0]), None);
        assert_eq!(integer(&[2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(Der::new(&[2, 1, 0xff]).big(), Some(BigInt::from(-1)));
    }

    #[test]
    fn bits_are_counted_from_the_front() {
        let bits = Bits::read(&[4, 0xa5, 0xf0]).expect("bits");
        assert!(bits.bit(0) && !bits.bit(1) && bits.bit(2) && !bits.bit(12) && !bits.bit(99));
        assert_eq!(bits.len(), 12);
        assert_eq!(bits.aligned().as_ref(), [0x0a, 0x5f]);
        assert!(Bits::read(&[4, 0xf8]).is_none());
        assert!(Bits::read(&[1]).is_none());
        assert!(Bits::read(&[]).is_none());
    }
}
