//! Distinguished names.

use super::der::{Der, tag};
use super::oid::Oid;
use super::time::Moment;

/// The attributes of a name, in order. How they are grouped is lost, as in Go.
#[derive(Clone, Debug, Default)]
pub(super) struct Name(pub(super) Vec<Attribute>);

#[derive(Clone, Debug)]
pub(super) struct Attribute {
    pub(super) kind: Oid,
    pub(super) value: AttributeValue,
}

/// What stands in an attribute. Names in certificates have texts only; what is in requests is read more generously.
#[derive(Clone, Debug)]
pub(super) enum AttributeValue {
    Text(String),
    Boolean(bool),
    Integer(i64),
    Bits {
        bytes: Vec<u8>,
        len: usize,
    },
    Bytes(Vec<u8>),
    Oid(Oid),
    Time(Moment),
    /// Of a kind that Go leaves out.
    Unread,
}

/// Members of the object that a name becomes, with the last part of their identifiers; these take all values.
pub(super) const LISTS: [(&str, u32); 7] = [
    ("Country", 6),
    ("Locality", 7),
    ("Organization", 10),
    ("OrganizationalUnit", 11),
    ("PostalCode", 17),
    ("Province", 8),
    ("StreetAddress", 9),
];

/// And these the last value.
pub(super) const SINGLES: [(&str, u32); 2] = [("CommonName", 3), ("SerialNumber", 5)];

impl Name {
    /// The texts of an attribute `2.5.4.kind`.
    pub(super) fn texts(&self, kind: u32) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(move |attribute| {
            match (attribute.kind.below(&[2, 5, 4]), &attribute.value) {
                (Some(last), AttributeValue::Text(text)) if last == kind => Some(text.as_str()),
                _ => None,
            }
        })
    }

    /// The name in a certificate.
    pub(super) fn read(mut der: Der<'_>) -> Result<Name, String> {
        let wrong = |what: &str| format!("x509: invalid RDNSequence{what}");
        let mut groups = der.inside(tag::SEQUENCE).ok_or_else(|| wrong(""))?;
        let mut name = Name::default();
        while !groups.is_empty() {
            let mut group = groups.inside(tag::SET).ok_or_else(|| wrong(""))?;
            while !group.is_empty() {
                let pair = group.inside(tag::SEQUENCE);
                let mut pair = pair.ok_or_else(|| wrong(": invalid attribute"))?;
                let kind = pair
                    .oid()
                    .ok_or_else(|| wrong(": invalid attribute type"))?;
                let value = pair
                    .any()
                    .ok_or_else(|| wrong(": invalid attribute value"))?;
                let text = text(value.tag, value.content)
                    .map_err(|why| wrong(&format!(": invalid attribute value: {why}")))?;
                let value = AttributeValue::Text(text);
                name.0.push(Attribute { kind, value });
            }
        }
        Ok(name)
    }
}

/// The characters that Go lets pass as printable; two of them are not in the standard, but in certificates.
pub(super) fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&byte)
}

pub(super) fn is_numeric(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b' '
}

/// One character a byte.
pub(super) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Two bytes a character, perhaps with a zero at the end; not those that stand for no character.
pub(super) fn two_byte(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_suffix(&[0, 0]).unwrap_or(bytes);
    let pairs = bytes.chunks(2).map(|pair| match pair {
        [high, low] => char::from_u32(u32::from(*high) << 8 | u32::from(*low)),
        _ => None,
    });
    pairs
        .map(|c| c.filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{fdd0}'..='\u{fdef}')))
        .collect()
}

/// The text of a string of any kind.
fn text(tag: u8, bytes: &[u8]) -> Result<String, String> {
    let ascii = |right: bool, kind: &str| {
        if right {
            Ok(latin1(bytes))
        } else {
            Err(format!("invalid {kind}"))
        }
    };
    match tag {
        tag::T61_STRING => Ok(latin1(bytes)),
        tag::PRINTABLE_STRING => ascii(bytes.iter().all(|b| is_printable(*b)), "PrintableString"),
        tag::UTF8_STRING => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err("invalid UTF-8 string".to_owned()),
        },
        tag::BMP_STRING => two_byte(bytes).ok_or_else(|| "invalid BMPString".to_owned()),
        tag::IA5_STRING => ascii(bytes.is_ascii(), "IA5String"),
        tag::NUMERIC_STRING => ascii(bytes.iter().all(|b| is_numeric(*b)), "NumericString"),
        _ => Err(format!("unsupported string type: {tag}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_all_kinds() {
        let read = |tag, bytes: &[u8]| text(tag, bytes).unwrap_or_else(|why| why);
        assert_eq!(read(tag::T61_STRING, &[0x41, 0xe9]), "Aé");
        assert_eq!(read(tag::PRINTABLE_STRING, b"*.a & b"), "*.a & b");
        assert_eq!(
            read(tag::PRINTABLE_STRING, b"a@b"),
            "invalid PrintableString"
        );
        assert_eq!(read(tag::UTF8_STRING, &[0xff]), "invalid UTF-8 string");
        assert_eq!(read(tag::BMP_STRING, &[0, 0x41, 0x20, 0xac, 0, 0]), "A€");
        assert_eq!(read(tag::BMP_STRING, &[0xd8, 0]), "invalid BMPString");
        assert_eq!(read(tag::BMP_STRING, &[0]), "invalid BMPString");
        assert_eq!(read(tag::IA5_STRING, &[0x80]), "invalid IA5String");
        assert_eq!(read(tag::NUMERIC_STRING, b"1 2"), "1 2");
        assert_eq!(read(tag::NUMERIC_STRING, b"x"), "invalid NumericString");
        assert_eq!(read(tag::SET, b""), "unsupported string type: 49");
    }
}
