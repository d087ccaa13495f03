//! Object identifiers.

use std::fmt;

use num_bigint::BigUint;

/// An object identifier whose parts have at most 31 bits each.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Oid(Vec<u32>);

impl Oid {
    /// The content of an element.
    pub(super) fn read(content: &[u8]) -> Option<Oid> {
        let mut parts = Vec::with_capacity(content.len() + 1);
        let (mut part, mut begins) = (0_u32, true);
        for &byte in content {
            // A part has no zeros in front, and no more than 31 bits.
            if begins && byte == 0x80 || part >= 1 << 24 {
                return None;
            }
            part = part << 7 | u32::from(byte & 0x7f);
            begins = byte & 0x80 == 0;
            if !begins {
                continue;
            }
            if parts.is_empty() {
                let first = (part / 40).min(2);
                parts.push(first);
                part -= first * 40;
            }
            parts.push(std::mem::take(&mut part));
        }
        (begins && !parts.is_empty()).then_some(Oid(parts))
    }

    pub(super) fn parts(&self) -> &[u32] {
        &self.0
    }

    pub(super) fn is(&self, parts: &[u32]) -> bool {
        self.0 == parts
    }

    /// The part after these, if it is the only one.
    pub(super) fn below(&self, prefix: &[u32]) -> Option<u32> {
        match self.0.strip_prefix(prefix) {
            Some([last]) => Some(*last),
            _ => None,
        }
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            let dot = if i == 0 { "" } else { "." };
            write!(f, "{dot}{part}")?;
        }
        Ok(())
    }
}

/// If the content is an identifier, with parts of any size.
pub(super) fn is_identifier(content: &[u8]) -> bool {
    let mut begins = true;
    for &byte in content {
        if begins && byte == 0x80 {
            return false;
        }
        begins = byte & 0x80 == 0;
    }
    begins && !content.is_empty()
}

/// The text of an identifier with parts of any size. What is cut off at its end has no text.
pub(super) fn dotted(content: &[u8]) -> String {
    let mut text = String::new();
    let mut digits: Vec<u8> = Vec::new();
    for &byte in content {
        digits.push(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        let part = BigUint::from_radix_be(&digits, 128).unwrap_or_default();
        digits.clear();
        if text.is_empty() {
            let first = (&part / 40_u32).min(BigUint::from(2_u32));
            let second = part - &first * 40_u32;
            text = format!("{first}.{second}");
        } else {
            text.push_str(&format!(".{part}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_text() {
        let rsa = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
        let oid = Oid::read(&rsa).expect("an identifier");
        assert!(oid.is(&[1, 2, 840, 113_549, 1, 1, 1]));
        assert_eq!(oid.to_string(), dotted(&rsa));
        assert_eq!(
            Oid::read(&[0x55, 0x1d, 0x11]).and_then(|oid| oid.below(&[2, 5, 29])),
            Some(17)
        );
        assert_eq!(dotted(&[0x88, 0x37]), "2.999");
        assert_eq!(
            dotted(&[0x2a, 0xff, 0xff, 0xff, 0xff, 0x7f]),
            "1.2.34359738367"
        );
        for wrong in [
            &[][..],
            &[0x80, 1],
            &[0x2a, 0x86],
            &[0x2a, 0x90, 0x80, 0x80, 0x80, 0],
        ] {
            assert_eq!(Oid::read(wrong), None, "{wrong:?}");
        }
        assert!(is_identifier(&[0x2a, 0x90, 0x80, 0x80, 0x80, 0]));
        assert!(!is_identifier(&[0x2a, 0x80, 1]));
    }
}
