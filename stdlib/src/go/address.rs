//! Internet addresses, read as strictly as Go reads them, with its words for what is wrong.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::quote::push_quoted_bytes;

/// An address with the zone that its text names, if any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Address<'t> {
    pub(crate) ip: IpAddr,
    /// Empty if there is none.
    pub(crate) zone: &'t [u8],
}

/// What is wrong, and the rest of the text where it is.
struct Fault<'t> {
    reason: &'static str,
    at: &'t [u8],
}

fn fault<'t, T>(reason: &'static str, at: &'t [u8]) -> Result<T, Fault<'t>> {
    Err(Fault { reason, at })
}

/// Reads an address of either family. The text may have bytes that are no UTF-8.
pub(crate) fn parse_address(text: &[u8]) -> Result<Address<'_>, String> {
    let first = text.iter().find(|byte| matches!(byte, b'.' | b':' | b'%'));
    let parsed = match first {
        Some(b'.') => four_octets(text).map(|octets| Address {
            ip: Ipv4Addr::from(octets).into(),
            zone: &[],
        }),
        Some(b':') => version_6(text),
        Some(_) => fault("missing IPv6 address", &[]),
        None => fault("unable to parse IP", &[]),
    };
    parsed.map_err(|Fault { reason, at }| {
        let mut message = "ParseAddr(".to_owned();
        push_quoted_bytes(&mut message, text);
        message.push_str("): ");
        message.push_str(reason);
        if !at.is_empty() {
            message.push_str(" (at ");
            push_quoted_bytes(&mut message, at);
            message.push(')');
        }
        message
    })
}

/// An address without a zone, with nothing said about what is wrong.
#[cfg(any(feature = "net", test))]
pub(crate) fn plain_address(text: &str) -> Option<IpAddr> {
    match parse_address(text.as_bytes()) {
        Ok(Address { ip, zone: [] }) => Some(ip),
        _ => None,
    }
}

fn four_octets(text: &[u8]) -> Result<[u8; 4], Fault<'_>> {
    let mut octets = [0; 4];
    let (mut octet, mut digits, mut done) = (0_u16, 0, 0);
    for (i, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && octet == 0 {
                    return fault("IPv4 field has octet with leading zero", &[]);
                }
                octet = octet * 10 + u16::from(byte - b'0');
                digits += 1;
                if octet > 255 {
                    return fault("IPv4 field has value >255", &[]);
                }
            }
            b'.' if digits == 0 || i + 1 == text.len() => {
                return fault("IPv4 field must have at least one digit", &text[i..]);
            }
            b'.' if done == 3 => return fault("IPv4 address too long", &[]),
            b'.' => {
                octets[done] = octet as u8;
                done += 1;
                (octet, digits) = (0, 0);
            }
            _ => return fault("unexpected character", &text[i..]),
        }
    }
    if done < 3 {
        return fault("IPv4 address too short", &[]);
    }
    octets[3] = octet as u8;
    Ok(octets)
}

fn version_6(text: &[u8]) -> Result<Address<'_>, Fault<'_>> {
    let (mut rest, zone) = match text.iter().position(|byte| *byte == b'%') {
        Some(at) if at + 1 == text.len() => {
            return fault("zone must be a non-empty string", &[]);
        }
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[][..]),
    };
    // Bytes so far, and how many of them stand before the `::`.
    let mut bytes: Vec<u8> = Vec::with_capacity(16);
    let mut gap = None;
    if let Some(after) = rest.strip_prefix(b"::") {
        gap = Some(0);
        rest = after;
    }
    while bytes.len() < 16 && !(rest.is_empty() && gap == Some(bytes.len())) {
        let (group, digits) = hexadecimal(rest)?;
        if rest.get(digits) == Some(&b'.') {
            if gap.is_none() && bytes.len() != 12 {
                return fault(
                    "embedded IPv4 address must replace the final 2 fields of the address",
                    rest,
                );
            }
            if bytes.len() > 12 {
                return fault(
                    "too many hex fields to fit an embedded IPv4 at the end of the address",
                    rest,
                );
            }
            bytes.extend(four_octets(rest)?);
            rest = &[];
            break;
        }
        bytes.extend(group.to_be_bytes());
        rest = match &rest[digits..] {
            [] => {
                rest = &[];
                break;
            }
            [b':'] => {
                return fault("colon must be followed by more characters", b":");
            }
            [b':', after @ ..] => after,
            other => return fault("unexpected character, want colon", other),
        };
        if let [b':', after @ ..] = rest {
            if gap.is_some() {
                return fault("multiple :: in address", rest);
            }
            gap = Some(bytes.len());
            rest = after;
        }
    }
    if !rest.is_empty() {
        return fault("trailing garbage after address", rest);
    }
    match gap {
        None if bytes.len() < 16 => return fault("address string too short", &[]),
        Some(_) if bytes.len() == 16 => {
            return fault("the :: must expand to at least one field of zeros", &[]);
        }
        Some(gap) => {
            let zeros = 16 - bytes.len();
            bytes.splice(gap..gap, std::iter::repeat_n(0, zeros));
        }
        None => {}
    }
    let bits = bytes
        .iter()
        .fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    Ok(Address {
        ip: Ipv6Addr::from(bits).into(),
        zone,
    })
}

/// The number in front of a text and how many digits it has.
fn hexadecimal(text: &[u8]) -> Result<(u16, usize), Fault<'_>> {
    let mut number = 0;
    let mut digits = 0;
    while let Some(digit) = text
        .get(digits)
        .and_then(|byte| (*byte as char).to_digit(16))
    {
        if digits == 4 {
            return fault("each group must have 4 or less digits", text);
        }
        number = number << 4 | digit as u16;
        digits += 1;
    }
    if digits == 0 {
        return fault(
            "each colon-separated field must have at least one digit",
            text,
        );
    }
    Ok((number, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, ip) in [
            ("1.2.3.4", "1.2.3.4"),
            ("::", "::"),
            ("::1", "::1"),
            ("1::", "1::"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
            ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
            ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
            ("FE80::aB", "fe80::ab"),
        ] {
            assert_eq!(plain_address(text), ip.parse().ok(), "{text}");
        }
        assert_eq!(
            parse_address(b"fe80::1%eth0").map(|address| address.zone),
            Ok(&b"eth0"[..])
        );
        assert_eq!(plain_address("fe80::1%eth0"), None);
    }

    #[test]
    fn faults() {
        for (text, want) in [
            ("", r#"ParseAddr(""): unable to parse IP"#),
            ("a%", r#"ParseAddr("a%"): missing IPv6 address"#),
            ("1.2.3", r#"ParseAddr("1.2.3"): IPv4 address too short"#),
            (
                "1..3.4",
                r#"ParseAddr("1..3.4"): IPv4 field must have at least one digit (at ".3.4")"#,
            ),
            (
                "::1::",
                r#"ParseAddr("::1::"): multiple :: in address (at ":")"#,
            ),
            (
                "1:",
                r#"ParseAddr("1:"): colon must be followed by more characters (at ":")"#,
            ),
            (
                "::1%",
                r#"ParseAddr("::1%"): zone must be a non-empty string"#,
            ),
            (
                "1:2:3:4:5:6:7::8",
                r#"ParseAddr("1:2:3:4:5:6:7::8"): the :: must expand to at least one field of zeros"#,
            ),
        ] {
            assert_eq!(parse_address(text.as_bytes()), Err(want.to_owned()));
        }
    }
}
