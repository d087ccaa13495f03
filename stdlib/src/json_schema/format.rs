//! `format`: the texts that OPA checks, by the rules of Go's packages.

use std::net::IpAddr;

use regovm_core::builtin::{BuiltinError, Call};

use super::mail;
use crate::go::url::Url;
use crate::regex::compile;
use crate::text::charge_bytes;

/// A format that is checked. Other names allow everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Format {
    Date,
    Time,
    DateTime,
    Hostname,
    Email,
    Ipv4,
    Ipv6,
    Uri,
    UriReference,
    UriTemplate,
    Uuid,
    Regex,
    JsonPointer,
    RelativeJsonPointer,
}

impl Format {
    pub(super) fn named(name: &str) -> Option<Format> {
        Some(match name {
            "date" => Format::Date,
            "time" => Format::Time,
            "date-time" => Format::DateTime,
            "hostname" => Format::Hostname,
            "email" | "idn-email" => Format::Email,
            "ipv4" => Format::Ipv4,
            "ipv6" => Format::Ipv6,
            "uri" | "iri" => Format::Uri,
            "uri-reference" | "iri-reference" => Format::UriReference,
            "uri-template" => Format::UriTemplate,
            "uuid" => Format::Uuid,
            "regex" => Format::Regex,
            "json-pointer" => Format::JsonPointer,
            "relative-json-pointer" => Format::RelativeJsonPointer,
            _ => return None,
        })
    }

    pub(super) fn matches(self, cx: &mut Call<'_, '_>, text: &str) -> Result<bool, BuiltinError> {
        charge_bytes(cx, text.len() * 2)?;
        let url = || Url::parse(text).ok().filter(|_| !text.contains('\\'));
        Ok(match self {
            Format::Date => date(text) == Some(""),
            Format::Time => is_time(text),
            Format::DateTime => {
                let joined = date(text).and_then(|rest| clock(rest.strip_prefix('T')?));
                let joined = joined.and_then(zone) == Some("");
                joined || is_time(text) || date(text) == Some("")
            }
            Format::Hostname => is_hostname(text),
            Format::Email => mail::is_address(text),
            Format::Ipv4 => text.contains('.') && text.parse::<IpAddr>().is_ok(),
            Format::Ipv6 => text.contains(':') && text.parse::<IpAddr>().is_ok(),
            Format::Uri => url().is_some_and(|url| !url.scheme.is_empty()),
            Format::UriReference => url().is_some(),
            Format::UriTemplate => url().is_some_and(|url| is_balanced(&url.path)),
            Format::Uuid => is_uuid(text),
            Format::Regex => match compile(cx, text) {
                Ok(_) => true,
                Err(BuiltinError::Stop(reason)) => return Err(reason.into()),
                Err(_) => false,
            },
            Format::JsonPointer => is_pointer(text),
            Format::RelativeJsonPointer => is_relative_pointer(text),
        })
    }
}

/// Takes so many digits.
fn digits(text: &str, count: usize) -> Option<(u32, &str)> {
    let (number, rest) = text.split_at_checked(count)?;
    let all = number.bytes().all(|byte| byte.is_ascii_digit());
    Some((number.parse().ok().filter(|_| all)?, rest))
}

/// `2006-01-02`; gives what stands behind it.
fn date(text: &str) -> Option<&str> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return None,
    };
    (1..=days).contains(&day).then_some(rest)
}

/// `15:04:05`, perhaps with a fraction; gives what stands behind it. The hour may be one digit.
fn clock(text: &str) -> Option<&str> {
    let (hour, rest) = digits(text, 2).or_else(|| digits(text, 1))?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = digits(rest.strip_prefix(':')?, 2)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    match rest.strip_prefix(['.', ',']) {
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => {
            Some(fraction.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        _ => Some(rest),
    }
}

/// `Z` or `+07:00`; gives what stands behind it.
fn zone(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Some(rest);
    }
    let (hours, rest) = digits(text.strip_prefix(['+', '-'])?, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(':')?, 2)?;
    (hours <= 24 && minutes <= 60).then_some(rest)
}

fn is_time(text: &str) -> bool {
    clock(text).is_some_and(|rest| rest.is_empty() || zone(rest) == Some(""))
}

fn is_hostname(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.len() <= 63
            && edge(bytes.first())
            && edge(bytes.last())
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    };
    text.len() < 256 && text.split('.').all(is_label)
}

/// Each brace that opens is closed; one that closes may stand alone.
fn is_balanced(path: &[u8]) -> bool {
    let open = path.iter().rposition(|byte| *byte == b'{');
    let close = path.iter().rposition(|byte| *byte == b'}');
    match (open, close) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(open), Some(close)) => open < close,
    }
}

fn is_uuid(text: &str) -> bool {
    let mut parts = text.split('-');
    let hex = |part: Option<&str>, len| {
        part.is_some_and(|part| {
            part.len() == len && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    [8, 4, 4, 4, 12].iter().all(|len| hex(parts.next(), *len)) && parts.next().is_none()
}

fn is_pointer(text: &str) -> bool {
    let escapes = |text: &str| {
        text.split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']))
    };
    text.is_empty() || (text.starts_with('/') && escapes(text))
}

fn is_relative_pointer(text: &str) -> bool {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let plain = number == "0" || (!number.is_empty() && !number.starts_with('0'));
    plain && (rest == "#" || is_pointer(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for text in ["1:02:03", "23:59:59.5", "00:00:00,1Z", "12:00:00+24:60"] {
            assert!(is_time(text), "{text}");
        }
        for text in ["24:00:00", "1:2:03", "10:00", "10:00:00.", "10:00:00+1:00"] {
            assert!(!is_time(text), "{text}");
        }
        assert_eq!(date("2024-02-29"), Some(""));
        assert_eq!(date("2023-02-29"), None);
    }

    #[test]
    fn shapes() {
        assert!(is_hostname("a-b.c1") && !is_hostname("-a") && !is_hostname("a..b"));
        assert!(is_uuid("01234567-89ab-CDEF-0123-456789abcdef") && !is_uuid("0-1"));
        assert!(is_pointer("/a~0/b") && !is_pointer("/a~2") && !is_pointer("a"));
        assert!(is_relative_pointer("10/a") && is_relative_pointer("0#"));
        assert!(!is_relative_pointer("01") && !is_relative_pointer("/a"));
        assert!(is_balanced(b"/a{b}/}") && !is_balanced(b"/{a}/{b"));
    }
}
