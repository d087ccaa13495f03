//! URLs as Go's `net/url` takes them apart.

use super::address::parse_address;
use super::quote::{Charset, push_quoted, push_quoted_bytes};
use std::net::IpAddr;

/// The parts of a URL. What escapes stand for need not be text.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct UrlParts<'t> {
    /// In small letters; empty if there is none.
    pub(crate) scheme: String,
    /// Host and port, the brackets of an address of version 6 included.
    pub(crate) host: Vec<u8>,
    /// Without escapes.
    pub(crate) path: Vec<u8>,
    /// As it is written.
    pub(crate) raw_path: &'t str,
    /// As it is written, without the question mark.
    pub(crate) raw_query: &'t str,
    /// Without escapes.
    pub(crate) fragment: Vec<u8>,
}

/// Places in a URL, which differ in the characters that stand for themselves there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

impl Place {
    /// Whether a byte stands for itself.
    fn keeps(self, byte: u8) -> bool {
        let others: &[u8] = match self {
            Place::Path => b"$&+,/:;=@",
            Place::Host | Place::Zone => b"!\"$&'()*+,:;<=>[]",
            Place::User => b"$&+,;=",
            Place::Fragment => b"!$&()*+,/:;=?@",
        };
        byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || others.contains(&byte)
    }
}

impl<'t> UrlParts<'t> {
    /// Takes a text apart; the error is Go's.
    pub(crate) fn parse(text: &'t str) -> Result<UrlParts<'t>, String> {
        let (front, fragment) = text.split_once('#').unwrap_or((text, ""));
        let mut url = front_part(front).map_err(|reason| wrong(front, &reason))?;
        url.fragment =
            unescape(fragment, Place::Fragment).map_err(|reason| wrong(text, &reason))?;
        Ok(url)
    }

    /// The host without brackets and port, and the port.
    pub(crate) fn hostname_and_port(&self) -> (&[u8], &[u8]) {
        let (host, port) = match self.host.iter().rposition(|byte| *byte == b':') {
            Some(colon) if is_port(&self.host[colon..]) => {
                (&self.host[..colon], &self.host[colon + 1..])
            }
            _ => (&self.host[..], &[][..]),
        };
        match host {
            [b'[', inner @ .., b']'] => (inner, port),
            _ => (host, port),
        }
    }

    /// The path with escapes: as it is written if that is a way to write it, else anew.
    #[cfg(any(feature = "aws", test))]
    pub(crate) fn escaped_path(&self) -> String {
        let writable = |byte: u8| b"!$&'()*+,;=:@[]%".contains(&byte) || Place::Path.keeps(byte);
        if self.path == b"*" || self.raw_path.bytes().all(writable) {
            return self.raw_path.to_owned();
        }
        self.default_path()
    }

    /// The path with the escapes that Go would write.
    pub(crate) fn default_path(&self) -> String {
        let mut escaped = String::with_capacity(self.path.len());
        for &byte in &self.path {
            if Place::Path.keeps(byte) {
                escaped.push(byte as char);
            } else {
                escaped.push_str(&format!("%{byte:02X}"));
            }
        }
        escaped
    }
}

fn wrong(text: &str, reason: &str) -> String {
    let mut message = "parse ".to_owned();
    push_quoted(&mut message, text, Charset::Unicode);
    message.push_str(": ");
    message + reason
}

/// What stands before the fragment.
fn front_part(text: &str) -> Result<UrlParts<'_>, String> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let mut url = UrlParts::default();
    if text == "*" {
        url.raw_path = text;
        url.path = text.into();
        return Ok(url);
    }
    let (scheme, rest) = scheme_and_rest(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    let (mut rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    url.raw_query = query;
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            // Opaque, like a mail address: nothing that has a name.
            return Ok(url);
        }
        if rest
            .split('/')
            .next()
            .is_some_and(|segment| segment.contains(':'))
        {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    if let Some(authority) = rest.strip_prefix("//")
        && (!url.scheme.is_empty() || !authority.starts_with('/'))
    {
        let end = authority.find('/').unwrap_or(authority.len());
        let (authority, path) = authority.split_at(end);
        rest = path;
        url.host = host_of(&url.scheme, authority)?;
    }
    url.path = unescape(rest, Place::Path)?;
    url.raw_path = rest;
    Ok(url)
}

/// What stands before the first colon, if it can be a scheme.
fn scheme_and_rest(text: &str) -> Result<(&str, &str), String> {
    let end = text
        .bytes()
        .position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'-' | b'.'));
    match end {
        Some(0) if text.starts_with(':') => Err("missing protocol scheme".to_owned()),
        Some(end) if text.as_bytes()[end] == b':' && text.as_bytes()[0].is_ascii_alphabetic() => {
            Ok((&text[..end], &text[end + 1..]))
        }
        _ => Ok(("", text)),
    }
}

/// Host and port; a user in front is only checked.
fn host_of(scheme: &str, authority: &str) -> Result<Vec<u8>, String> {
    let Some((user, host)) = authority.rsplit_once('@') else {
        return unescaped_host(scheme, authority);
    };
    let host = unescaped_host(scheme, host)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(fits) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    unescape(name, Place::User)?;
    unescape(password, Place::User)?;
    Ok(host)
}

fn unescaped_host(scheme: &str, host: &str) -> Result<Vec<u8>, String> {
    match host.rfind('[') {
        Some(0) => return bracketed_host(host),
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    if let (Some(first), Some(last)) = (host.find(':'), host.rfind(':')) {
        // Web addresses have one colon; of others the last one counts.
        let colon = if scheme == "http" || scheme == "https" {
            first
        } else {
            last
        };
        check_port(&host[colon..])?;
    }
    unescape(host, Place::Host)
}

/// `[address%25zone]:port`
fn bracketed_host(host: &str) -> Result<Vec<u8>, String> {
    let Some(close) = host.rfind(']') else {
        return Err("missing ']' in host".to_owned());
    };
    let port = &host[close + 1..];
    check_port(port)?;
    let inner = host.get(1..close).unwrap_or_default();
    let zone = inner.find("%25").unwrap_or(inner.len());
    let mut inside = unescape(&inner[..zone], Place::Host)?;
    inside.extend(unescape(&inner[zone..], Place::Zone)?);
    match parse_address(&inside) {
        Err(reason) => Err(format!("invalid host: {reason}")),
        Ok(address) => match address.ip {
            IpAddr::V4(_) => Err("invalid IP-literal".to_owned()),
            IpAddr::V6(_) => Ok([b"[", &inside[..], b"]", port.as_bytes()].concat()),
        },
    }
}

fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

fn check_port(text: &str) -> Result<(), String> {
    if is_port(text.as_bytes()) {
        return Ok(());
    }
    let mut message = "invalid port ".to_owned();
    push_quoted(&mut message, text, Charset::Unicode);
    Err(message + " after host")
}

/// The bytes that a text with escapes stands for.
fn unescape(text: &str, place: Place) -> Result<Vec<u8>, String> {
    let in_host = matches!(place, Place::Host | Place::Zone);
    let bytes = text.as_bytes();
    let hex = |at: usize| bytes.get(at).and_then(|byte| (*byte as char).to_digit(16));
    let mut unescaped = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            if in_host && byte.is_ascii() && !place.keeps(byte) {
                let mut message = "invalid character ".to_owned();
                push_quoted_bytes(&mut message, &[byte]);
                return Err(message + " in host name");
            }
            unescaped.push(byte);
            at += 1;
            continue;
        }
        let escape = &bytes[at..(at + 3).min(bytes.len())];
        let invalid = || {
            let mut message = "invalid URL escape ".to_owned();
            push_quoted_bytes(&mut message, escape);
            Err(message)
        };
        let (Some(high), Some(low)) = (hex(at + 1), hex(at + 2)) else {
            return invalid();
        };
        let meant = (high * 16 + low) as u8;
        let allowed = match place {
            // Hosts are names: escapes are for what is no ASCII.
            Place::Host => meant >= 0x80 || escape == b"%25",
            Place::Zone => escape == b"%25" || meant == b' ' || Place::Host.keeps(meant),
            _ => true,
        };
        if !allowed {
            return invalid();
        }
        unescaped.push(meant);
        at += 3;
    }
    Ok(unescaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let url = UrlParts::parse("HTTPS://u:p@[fe80::1%25eth0]:8080/a%2Fb?q=1#f%20g").unwrap();
        assert_eq!(url.scheme, "https");
        assert_eq!(
            url.hostname_and_port(),
            (&b"fe80::1%eth0"[..], &b"8080"[..])
        );
        assert_eq!((&url.path[..], url.raw_path), (&b"/a/b"[..], "/a%2Fb"));
        assert_eq!((url.raw_query, &url.fragment[..]), ("q=1", &b"f g"[..]));
        let url = UrlParts::parse("mailto:a@b?x").unwrap();
        assert_eq!((url.scheme.as_str(), url.raw_query), ("mailto", "x"));
        assert!(url.path.is_empty());
    }

    #[test]
    fn paths_are_escaped_where_they_must_be() {
        for (text, want) in [
            ("http://a/b c", "/b%20c"),
            ("http://a/b%20c!", "/b%20c!"),
            ("http://a/é", "/%C3%A9"),
            ("http://a", ""),
            ("*", "*"),
        ] {
            assert_eq!(UrlParts::parse(text).unwrap().escaped_path(), want);
        }
    }

    #[test]
    fn faults() {
        for (text, want) in [
            (":a", r#"parse ":a": missing protocol scheme"#),
            (
                "a\nb",
                r#"parse "a\nb": net/url: invalid control character in URL"#,
            ),
            (
                "1:a",
                r#"parse "1:a": first path segment in URL cannot contain colon"#,
            ),
            (
                "http://a:b",
                r#"parse "http://a:b": invalid port ":b" after host"#,
            ),
            (
                "http://a b",
                r#"parse "http://a b": invalid character " " in host name"#,
            ),
            ("http://[::1", r#"parse "http://[::1": missing ']' in host"#),
            ("/%zé#f", r#"parse "/%zé": invalid URL escape "%z\xc3""#),
            ("/a#%", r#"parse "/a#%": invalid URL escape "%""#),
        ] {
            assert_eq!(UrlParts::parse(text), Err(want.to_owned()));
        }
    }
}
