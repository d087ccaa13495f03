//! Semantic versions.

use std::cmp::Ordering;

use regovm_core::builtin::{Builtin, Call, Cost};
use regovm_core::value::Value;

use crate::declare::builtin;
use crate::go::quote::{Charset, push_quoted};
use crate::operand::{Outcome, failed, operands, string};
use crate::text::charge_bytes;

const CATEGORIES: &[&str] = &["semver"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "semver.compare",
        since: (0, 22),
        signature: "(a: str, b: str) -> result: num",
        doc: "-1, 0 or 1 as version a is before, equal to or after version b. Build metadata does not count; a v in front is allowed.",
        cost: Cost::Linear("bytes"),
        examples: [
            (r#"semver.compare("1.2.3", "1.10.0")"#, "-1"),
            (r#"semver.compare("1.0.0", "v1.0.0-rc.1")"#, "1"),
            (r#"semver.compare("1.0", "1.0.0")"#, ""),
        ],
        body: compare,
    },
    builtin! {
        name: "semver.is_valid",
        since: (0, 22),
        signature: "(vsn: any) -> result: bool",
        doc: "Whether the value is a string that spells a semantic version.",
        cost: Cost::Linear("bytes"),
        examples: [(r#"semver.is_valid("1.0.0+x")"#, "true"), (r#"semver.is_valid("01.0.0")"#, "false")],
        body: is_valid,
    },
];

struct Version<'t> {
    numbers: [i64; 3],
    /// Empty if there is none.
    pre_release: &'t str,
}

impl<'t> Version<'t> {
    fn parse(text: &'t str) -> Option<Version<'t>> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, metadata) = cut(text, '+');
        if metadata.is_some_and(|metadata| !are_identifiers(metadata)) {
            return None;
        }
        let (text, pre_release) = cut(text, '-');
        let padded = |id: &str| id.len() > 1 && id.starts_with('0') && is_number(id);
        if pre_release.is_some_and(|pre| !are_identifiers(pre) || pre.split('.').any(padded)) {
            return None;
        }
        let mut parts = text.split('.').map(number);
        let numbers = [parts.next()??, parts.next()??, parts.next()??];
        if parts.next().is_some() {
            return None;
        }
        Some(Version {
            numbers,
            pre_release: pre_release.unwrap_or(""),
        })
    }

    fn compare(&self, other: &Version<'_>) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            match (self.pre_release.is_empty(), other.pre_release.is_empty()) {
                (true, true) => Ordering::Equal,
                // A version comes after its own pre-releases.
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_pre_releases(self.pre_release, other.pre_release),
            }
        })
    }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at)
        .map_or((text, None), |(before, after)| (before, Some(after)))
}

fn are_identifiers(text: &str) -> bool {
    let identifier =
        |id: &str| !id.is_empty() && id.bytes().all(|b| b == b'-' || b.is_ascii_alphanumeric());
    text.split('.').all(identifier)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn number(text: &str) -> Option<i64> {
    let padded = text.len() > 1 && text.starts_with('0');
    if is_number(text) && !padded {
        text.parse().ok()
    } else {
        None
    }
}

fn compare_pre_releases(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (is_number(a), is_number(b)) {
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => a.cmp(b),
                // Beyond 64 bits all numbers are the same to OPA.
                (true, true) => saturated(a).cmp(&saturated(b)),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn saturated(digits: &str) -> i64 {
    digits.parse().unwrap_or(i64::MAX)
}

fn compare<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [a, b] = operands(arguments)?;
    let (a, b) = (string(a, 1)?, string(b, 2)?);
    charge_bytes(cx, a.len() + b.len())?;
    let version = |position: usize, text: &'a str| {
        Version::parse(text).ok_or_else(|| {
            let mut message = format!("operand {position}: string ");
            push_quoted(&mut message, text, Charset::Unicode);
            failed(message + " is not a valid SemVer")
        })
    };
    let order = version(1, a)?.compare(&version(2, b)?);
    Ok(Some(cx.arena.integer(order as i64)))
}

fn is_valid<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let Some(text) = x.as_str() else {
        return Ok(Some(Value::FALSE));
    };
    charge_bytes(cx, text.len())?;
    Ok(Some(Value::boolean(Version::parse(text).is_some())))
}
