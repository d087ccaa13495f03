//! Structures of ASN.1 as Go's `encoding/asn1` reads them: field by field, with its words for what is wrong. It is
//! the reader of keys and of requests; certificates have the stricter one of [`super::der`].

use num_bigint::BigInt;

use super::der::{Bits, signed};
use super::oid::Oid;

/// The form that an element must have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A sequence of fields; Go's name of the structure.
    Structure(&'static str),
    /// A sequence or set of elements of one kind; Go's name if it has one.
    List(&'static str),
    Boolean,
    Integer,
    BigInteger,
    Octets,
    Bits,
    Oid,
    Any,
}

impl Shape {
    /// Tag, whether it has elements in it, and Go's name of the type.
    fn expected(self) -> (u32, bool, &'static str) {
        match self {
            Shape::Structure(name) | Shape::List(name) => (SEQUENCE, true, name),
            Shape::Boolean => (1, false, "bool"),
            Shape::Integer => (2, false, "int"),
            Shape::BigInteger => (2, false, ""),
            Shape::Octets => (4, false, ""),
            Shape::Bits => (3, false, "BitString"),
            Shape::Oid => (6, false, "ObjectIdentifier"),
            Shape::Any => (0, false, "RawValue"),
        }
    }
}

const SEQUENCE: u32 = 16;
const SET: u32 = 17;
/// Class of tags that have a meaning in one structure only.
const CONTEXT: u8 = 2;

/// How a field is marked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    optional: bool,
    explicit: bool,
    tag: Option<u32>,
    set: bool,
}

impl Field {
    pub(super) const PLAIN: Field = Field {
        optional: false,
        explicit: false,
        tag: None,
        set: false,
    };
    pub(super) const OPTIONAL: Field = Field {
        optional: true,
        ..Field::PLAIN
    };
    pub(super) const SET: Field = Field {
        set: true,
        ..Field::PLAIN
    };

    /// `[tag]` in place of the tag of the kind.
    pub(super) const fn implicit(tag: u32) -> Field {
        Field {
            tag: Some(tag),
            ..Field::PLAIN
        }
    }

    /// `[tag]` around the element.
    pub(super) const fn explicit(tag: u32) -> Field {
        Field {
            explicit: true,
            ..Field::implicit(tag)
        }
    }

    pub(super) const fn optional(self) -> Field {
        Field {
            optional: true,
            ..self
        }
    }
}

/// What stands before the content of an element.
#[derive(Clone, Copy, Debug)]
struct Header {
    class: u8,
    tag: u32,
    len: usize,
    compound: bool,
}

/// An element of any kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'d> {
    pub(super) class: u8,
    pub(super) tag: u32,
    pub(super) compound: bool,
    pub(super) content: &'d [u8],
    /// With tag and length.
    pub(super) whole: &'d [u8],
}

fn structural<T>(what: &str) -> Result<T, String> {
    Err(format!("asn1: structure error: {what}"))
}

fn syntax<T>(what: &str) -> Result<T, String> {
    Err(format!("asn1: syntax error: {what}"))
}

/// A number in digits of seven bits, and the place after it.
fn base128(bytes: &[u8], mut at: usize) -> Result<(u32, usize), String> {
    let mut number = 0_u64;
    for count in 0.. {
        let Some(&byte) = bytes.get(at) else {
            break;
        };
        if count == 5 {
            return structural("base 128 integer too large");
        }
        if count == 0 && byte == 0x80 {
            return syntax("integer is not minimally encoded");
        }
        number = number << 7 | u64::from(byte & 0x7f);
        at += 1;
        if byte & 0x80 == 0 {
            return match u32::try_from(number) {
                Ok(number) if number < 1 << 31 => Ok((number, at)),
                _ => structural("base 128 integer too large"),
            };
        }
    }
    syntax("truncated base 128 integer")
}

/// Tag and length at a place, and the place after them.
fn header(bytes: &[u8], at: usize) -> Result<(Header, usize), String> {
    let Some(&first) = bytes.get(at) else {
        return Err("asn1: internal error in parseTagAndLength".to_owned());
    };
    let mut at = at + 1;
    let mut tag = u32::from(first & 0x1f);
    if tag == 0x1f {
        (tag, at) = base128(bytes, at)?;
        if tag < 0x1f {
            return syntax("non-minimal tag");
        }
    }
    let Some(&digit) = bytes.get(at) else {
        return syntax("truncated tag or length");
    };
    at += 1;
    let mut len = usize::from(digit & 0x7f);
    if digit & 0x80 != 0 {
        let count = len;
        if count == 0 {
            return syntax("indefinite length found (not DER)");
        }
        len = 0;
        for _ in 0..count {
            let Some(&digit) = bytes.get(at) else {
                return syntax("truncated tag or length");
            };
            at += 1;
            if len >= 1 << 23 {
                return structural("length too large");
            }
            len = len << 8 | usize::from(digit);
            if len == 0 {
                return structural("superfluous leading zeros in length");
            }
        }
        if len < 0x80 {
            return structural("non-minimal length");
        }
    }
    let header = Header {
        class: first >> 6,
        tag,
        len,
        compound: first & 0x20 != 0,
    };
    Ok((header, at))
}

/// A reader of the fields of one structure. What follows the last field is not looked at, as in Go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'d> {
    bytes: &'d [u8],
    at: usize,
}

impl<'d> Fields<'d> {
    /// The fields of the structure at the beginning, and what follows it.
    pub(super) fn of_sequence(
        bytes: &'d [u8],
        name: &'static str,
    ) -> Result<(Fields<'d>, &'d [u8]), String> {
        let (element, rest) = only(bytes, &Field::PLAIN, Shape::Structure(name))?;
        Ok((Fields::new(element.content), rest))
    }

    pub(super) fn new(bytes: &'d [u8]) -> Fields<'d> {
        Fields { bytes, at: 0 }
    }

    /// The next field; `None` if it is optional and something else stands there.
    pub(super) fn next(
        &mut self,
        field: &Field,
        shape: Shape,
    ) -> Result<Option<Element<'d>>, String> {
        let start = self.at;
        if start == self.bytes.len() {
            return if field.optional {
                Ok(None)
            } else {
                syntax("sequence truncated")
            };
        }
        let (mut head, mut at) = header(self.bytes, start)?;
        if field.explicit {
            if at == self.bytes.len() {
                return structural("explicit tag has no child");
            }
            let fits = head.class == CONTEXT
                && Some(head.tag) == field.tag
                && (head.len == 0 || head.compound);
            if !fits && field.optional {
                return Ok(None);
            }
            if !fits {
                return structural("explicitly tagged member didn't match");
            }
            if head.len == 0 {
                return structural("zero length explicit tag was not an asn1.Flag");
            }
            (head, at) = header(self.bytes, at)?;
        }
        let (tag, compound, name) = shape.expected();
        let tag = if field.set { SET } else { tag };
        let (class, tag, any) = match field.tag {
            Some(tag) if !field.explicit => (CONTEXT, tag, false),
            _ => (0, tag, matches!(shape, Shape::Any)),
        };
        let free = matches!(shape, Shape::Any);
        let fits =
            (any || head.class == class && head.tag == tag) && (free || head.compound == compound);
        if !fits && field.optional {
            return Ok(None);
        }
        if !fits {
            let Field {
                optional,
                explicit,
                set,
                ..
            } = field;
            let Header {
                class,
                tag: found,
                len,
                compound,
            } = head;
            return structural(&format!(
                "tags don't match ({tag} vs {{class:{class} tag:{found} length:{len} isCompound:{compound}}}) \
                 {{optional:{optional} explicit:{explicit} application:false private:false defaultValue:<nil> \
                 tag:<nil> stringType:0 timeType:0 set:{set} omitEmpty:false}} {name} @{at}"
            ));
        }
        let end = at.saturating_add(head.len);
        let (Some(content), Some(whole)) = (self.bytes.get(at..end), self.bytes.get(start..end))
        else {
            return syntax("data truncated");
        };
        self.at = end;
        Ok(Some(Element {
            class: head.class,
            tag: head.tag,
            compound: head.compound,
            content,
            whole,
        }))
    }

    /// The next field, which must be there.
    pub(super) fn required(&mut self, field: &Field, shape: Shape) -> Result<Element<'d>, String> {
        match self.next(field, shape)? {
            Some(element) => Ok(element),
            None => syntax("sequence truncated"),
        }
    }

    /// The fields of a structure that is a field.
    pub(super) fn sequence(
        &mut self,
        field: &Field,
        name: &'static str,
    ) -> Result<Option<Fields<'d>>, String> {
        let element = self.next(field, Shape::Structure(name))?;
        Ok(element.map(|element| Fields::new(element.content)))
    }

    pub(super) fn oid(&mut self, field: &Field) -> Result<Oid, String> {
        oid(self.required(field, Shape::Oid)?.content)
    }

    /// An integer of 64 bits.
    pub(super) fn integer(&mut self, field: &Field) -> Result<Option<i64>, String> {
        match self.next(field, Shape::Integer)? {
            Some(element) => integer(element.content).map(Some),
            None => Ok(None),
        }
    }

    /// An integer of any size.
    pub(super) fn big(&mut self, field: &Field) -> Result<Option<BigInt>, String> {
        match self.next(field, Shape::BigInteger)? {
            Some(element) => big(element.content).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn bits(&mut self, field: &Field) -> Result<Option<Bits<'d>>, String> {
        match self.next(field, Shape::Bits)? {
            Some(element) => bits(element.content).map(Some),
            None => Ok(None),
        }
    }
}

/// The element at the beginning, and what follows it.
pub(super) fn only<'d>(
    bytes: &'d [u8],
    field: &Field,
    shape: Shape,
) -> Result<(Element<'d>, &'d [u8]), String> {
    let mut fields = Fields::new(bytes);
    let element = fields.required(field, shape)?;
    Ok((element, bytes.get(fields.at..).unwrap_or_default()))
}

/// The elements of a list; their tags are looked at before anything is read.
pub(super) fn elements<'d>(
    content: &'d [u8],
    field: &Field,
    shape: Shape,
) -> Result<Vec<Element<'d>>, String> {
    let (tag, compound, _) = shape.expected();
    let tag = if field.set { SET } else { tag };
    let mut found = Vec::new();
    let mut at = 0;
    while at < content.len() {
        let start = at;
        let (head, body) = header(content, start)?;
        let fits = head.class == 0 && head.compound == compound && head.tag == tag;
        if !matches!(shape, Shape::Any) && !fits {
            return structural("sequence tag mismatch");
        }
        at = body.saturating_add(head.len);
        let (Some(inner), Some(whole)) = (content.get(body..at), content.get(start..at)) else {
            return syntax("truncated sequence");
        };
        found.push(Element {
            class: head.class,
            tag: head.tag,
            compound: head.compound,
            content: inner,
            whole,
        });
    }
    Ok(found)
}

/// The digits of an integer if there is no shorter way to write it.
fn shortest(digits: &[u8]) -> Result<&[u8], String> {
    match digits {
        [] => structural("empty integer"),
        [0, next, ..] if next & 0x80 == 0 => structural("integer not minimally-encoded"),
        [0xff, next, ..] if next & 0x80 != 0 => structural("integer not minimally-encoded"),
        _ => Ok(digits),
    }
}

pub(super) fn integer(content: &[u8]) -> Result<i64, String> {
    match signed(shortest(content)?) {
        Some(number) => Ok(number),
        None => structural("integer too large"),
    }
}

fn big(content: &[u8]) -> Result<BigInt, String> {
    Ok(BigInt::from_signed_bytes_be(shortest(content)?))
}

pub(super) fn boolean(content: &[u8]) -> Result<bool, String> {
    match content {
        [0] => Ok(false),
        [0xff] => Ok(true),
        _ => syntax("invalid boolean"),
    }
}

pub(super) fn bits(content: &[u8]) -> Result<Bits<'_>, String> {
    if content.is_empty() {
        return syntax("zero length BIT STRING");
    }
    match Bits::read(content) {
        Some(bits) => Ok(bits),
        None => syntax("invalid padding bits in BIT STRING"),
    }
}

pub(super) fn oid(content: &[u8]) -> Result<Oid, String> {
    let mut at = 0;
    while at < content.len() {
        (_, at) = base128(content, at)?;
    }
    match Oid::read(content) {
        Some(oid) => Ok(oid),
        None => syntax("zero length OBJECT IDENTIFIER"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_what_does_not_fit() {
        let read = |bytes: &[u8]| {
            let (mut fields, _) = Fields::of_sequence(bytes, "thing")?;
            fields.integer(&Field::PLAIN)
        };
        assert_eq!(read(&[0x30, 3, 2, 1, 5]), Ok(Some(5)));
        for (bytes, why) in [
            (&[][..], "asn1: syntax error: sequence truncated"),
            (&[0x30], "asn1: syntax error: truncated tag or length"),
            (
                &[0x30, 0x80],
                "asn1: syntax error: indefinite length found (not DER)",
            ),
            (
                &[0x30, 0x81, 5],
                "asn1: structure error: non-minimal length",
            ),
            (
                &[0x30, 0x82, 0],
                "asn1: structure error: superfluous leading zeros in length",
            ),
            (&[0x30, 5, 2, 1], "asn1: syntax error: data truncated"),
            (&[0x30, 0], "asn1: syntax error: sequence truncated"),
            (&[0x30, 2, 2, 0], "asn1: structure error: empty integer"),
            (
                &[0x30, 4, 2, 2, 0, 1],
                "asn1: structure error: integer not minimally-encoded",
            ),
            (
                &[0x3f, 0x80, 1],
                "asn1: syntax error: integer is not minimally encoded",
            ),
            (
                &[4, 1, 1],
                "asn1: structure error: tags don't match (16 vs {class:0 tag:4 length:1 isCompound:false}) {optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false} thing @2",
            ),
        ] {
            assert_eq!(read(bytes), Err(why.to_owned()), "{bytes:?}");
        }
    }

    #[test]
    fn optional_fields_may_be_absent() {
        let mut fields = Fields::new(&[0xa1, 3, 2, 1, 7, 2, 1, 8]);
        assert_eq!(fields.integer(&Field::explicit(0).optional()), Ok(None));
        assert_eq!(fields.integer(&Field::explicit(1)), Ok(Some(7)));
        assert_eq!(fields.integer(&Field::OPTIONAL), Ok(Some(8)));
        assert_eq!(fields.integer(&Field::OPTIONAL), Ok(None));
    }
}
