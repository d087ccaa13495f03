//! Mail addresses in certificates (RFC 2821), as generously read as by Go.

/// Both parts of an address, without quotes and backslashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mailbox {
    pub(super) local: Vec<u8>,
    /// In small letters.
    pub(super) domain: String,
}

impl Mailbox {
    pub(super) fn parse(text: &str) -> Option<Mailbox> {
        let (local, rest) = match text.strip_prefix('"') {
            Some(rest) => quoted(rest.as_bytes())?,
            None => atoms(text.as_bytes())?,
        };
        let domain = std::str::from_utf8(rest.strip_prefix(b"@")?).ok()?;
        // Every label has characters, and they can be seen. No domain at all is allowed.
        let graphic = domain.bytes().all(|byte| matches!(byte, 33..=126));
        let labels = domain.is_empty() || domain.split('.').all(|label| !label.is_empty());
        (graphic && labels).then(|| Mailbox {
            local,
            domain: domain.to_ascii_lowercase(),
        })
    }
}

/// The text up to the closing quote, and what follows it.
fn quoted(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut local = Vec::new();
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        match byte {
            b'"' => return Some((local, rest)),
            b'\\' => {
                let (&escaped, after) = rest.split_first()?;
                if !matches!(escaped, 1..=9 | 11 | 12 | 14..=127) {
                    return None;
                }
                local.push(escaped);
                rest = after;
            }
            1..=8 | 11 | 12 | 14..=31 | b' ' | b'!' | 35..=91 | 93..=127 => local.push(byte),
            _ => return None,
        }
    }
}

/// The text up to a character that needs quotes, and the rest from there on.
fn atoms(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut local = Vec::new();
    while let Some((&byte, after)) = rest.split_first() {
        let plain = byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
        if byte == b'\\' {
            // A backslash takes the next character, whatever it is.
            let (&escaped, after) = after.split_first()?;
            local.push(escaped);
            rest = after;
        } else if plain {
            local.push(byte);
            rest = after;
        } else {
            break;
        }
    }
    let dots = local.starts_with(b".")
        || local.ends_with(b".")
        || local.windows(2).any(|pair| pair == b"..");
    (!local.is_empty() && !dots).then_some((local, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let parsed = |text: &str| {
            Mailbox::parse(text).map(|found| {
                (
                    String::from_utf8_lossy(&found.local).into_owned(),
                    found.domain,
                )
            })
        };
        let pair = |local: &str, domain: &str| Some((local.to_owned(), domain.to_owned()));
        assert_eq!(parsed("Foo@Bar.COM"), pair("Foo", "bar.com"));
        assert_eq!(parsed("\"a b\\\"\"@c"), pair("a b\"", "c"));
        assert_eq!(parsed("a\\ b@c"), pair("a b", "c"));
        assert_eq!(parsed("a@"), pair("a", ""));
        for wrong in [
            "", "a", "@b", ".a@b", "a.@b", "a..b@c", "a b@c", "a@b.", "a@.b", "a@b..c", "\"a@b",
            "a\\", "a@b c",
        ] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}
