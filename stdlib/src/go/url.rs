//! URLs as Go's `net/url` reads, resolves and writes them: what it refuses, and its words for it.

#[cfg(any(feature = "http", feature = "jsonschema"))]
mod resolve;

use super::address::parse_address;
use super::quote::{Charset, push_quoted};

/// The parts of a URL that Go escapes by different rules.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

impl Part {
    /// Whether a byte may stand for itself.
    fn allows(self, byte: u8) -> bool {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            return true;
        }
        match self {
            Part::Host | Part::Zone => b"!$&'()*+,;=:[]<>\"".contains(&byte),
            Part::Path => b"$&+,/:;=@".contains(&byte),
            Part::User => b"$&+,;=".contains(&byte),
            Part::Fragment => b"$&+,/:;=?@!()*".contains(&byte),
        }
    }
}

/// A decoded part: the bytes need not be text.
type Bytes = Vec<u8>;

/// A URL taken apart.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Url {
    /// In lower case.
    pub(crate) scheme: String,
    pub(crate) opaque: String,
    /// Name and password.
    pub(crate) user: Option<(Bytes, Option<Bytes>)>,
    pub(crate) host: Bytes,
    /// Decoded.
    pub(crate) path: Bytes,
    /// The spelling of the path, if it is not the usual one.
    pub(crate) raw_path: String,
    /// `scheme:/path`, without the two slashes of an authority.
    pub(crate) omit_host: bool,
    pub(crate) force_query: bool,
    pub(crate) query: String,
    /// Decoded.
    pub(crate) fragment: Bytes,
    pub(crate) raw_fragment: String,
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    push_quoted(&mut out, text, Charset::Unicode);
    out
}

fn bad_escape(text: &[u8], at: usize) -> String {
    let end = text.len().min(at + 3);
    let escape = String::from_utf8_lossy(&text[at..end]);
    format!("invalid URL escape {}", quoted(&escape))
}

fn hex(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

fn unescape(text: &str, part: Part) -> Result<Bytes, String> {
    let bytes = text.as_bytes();
    let in_host = matches!(part, Part::Host | Part::Zone);
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let digit = |at: usize| bytes.get(at).copied().and_then(hex);
            let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2)) else {
                return Err(bad_escape(bytes, at));
            };
            let value = high << 4 | low;
            let refused = match part {
                // A host may escape what is no ASCII, and the percent sign of a zone.
                Part::Host => high < 8 && value != b'%',
                Part::Zone => value != b'%' && value != b' ' && !Part::Host.allows(value),
                _ => false,
            };
            if refused {
                return Err(bad_escape(bytes, at));
            }
            out.push(value);
            at += 3;
            continue;
        }
        if in_host && byte.is_ascii() && !part.allows(byte) {
            let shown = quoted(&(byte as char).to_string());
            return Err(format!("invalid character {shown} in host name"));
        }
        out.push(byte);
        at += 1;
    }
    Ok(out)
}

fn push_escaped(out: &mut String, bytes: &[u8], part: Part) {
    for &byte in bytes {
        if part.allows(byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

fn escaped(bytes: &[u8], part: Part) -> String {
    let mut out = String::with_capacity(bytes.len());
    push_escaped(&mut out, bytes, part);
    out
}

/// The decoded part, and its spelling if escaping it again would give another one.
fn decoded(text: &str, part: Part) -> Result<(Bytes, String), String> {
    let bytes = unescape(text, part)?;
    let raw = if escaped(&bytes, part) == text {
        String::new()
    } else {
        text.to_owned()
    };
    Ok((bytes, raw))
}

/// The spelling that was kept if it is a valid one, else the usual one.
fn spelled(bytes: &[u8], raw: &str, part: Part) -> String {
    let valid = |byte: u8| b"!$&'()*+,;=:@[]%".contains(&byte) || part.allows(byte);
    if !raw.is_empty() && raw.bytes().all(valid) {
        return raw.to_owned();
    }
    if part == Part::Path && bytes == b"*" {
        return "*".to_owned();
    }
    escaped(bytes, part)
}

/// Scheme and rest.
fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
        .unwrap_or(text.len());
    if !text[end..].starts_with(':') {
        return Ok(("", text));
    }
    match text.as_bytes().first() {
        Some(b':') => Err("missing protocol scheme".to_owned()),
        Some(first) if first.is_ascii_alphabetic() => Ok((&text[..end], &text[end + 1..])),
        _ => Ok(("", text)),
    }
}

fn check_port(port: &str) -> Result<(), String> {
    let digits = port.strip_prefix(':').unwrap_or(port);
    let valid = port.is_empty()
        || (port.starts_with(':') && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if valid {
        Ok(())
    } else {
        Err(format!("invalid port {} after host", quoted(port)))
    }
}

fn parse_host(scheme: &str, host: &str) -> Result<Bytes, String> {
    match host.rfind('[') {
        Some(0) => return parse_bracketed(host),
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    if let (Some(first), Some(last)) = (host.find(':'), host.rfind(':')) {
        // Outside HTTP some write several hosts with ports.
        let strict = matches!(scheme, "http" | "https");
        check_port(&host[if strict { first } else { last }..])?;
    }
    unescape(host, Part::Host)
}

fn parse_bracketed(host: &str) -> Result<Bytes, String> {
    let Some(close) = host.rfind(']') else {
        return Err("missing ']' in host".to_owned());
    };
    let (name, port) = (&host[1..close], &host[close + 1..]);
    check_port(port)?;
    let address = match name.find("%25") {
        Some(at) => {
            let mut address = unescape(&name[..at], Part::Host)?;
            address.extend(unescape(&name[at..], Part::Zone)?);
            address
        }
        None => unescape(name, Part::Host)?,
    };
    let parsed = parse_address(&address).map_err(|why| format!("invalid host: {why}"))?;
    if parsed.ip.is_ipv4() {
        return Err("invalid IP-literal".to_owned());
    }
    Ok([b"[", address.as_slice(), b"]", port.as_bytes()].concat())
}

fn is_userinfo(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte))
}

impl Url {
    /// Takes a URL or a relative reference apart. The error is Go's.
    pub(crate) fn parse(text: &str) -> Result<Url, String> {
        let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
        let at = |text: &str, error: String| format!("parse {}: {error}", quoted(text));
        let mut url = Url::parse_whole(before).map_err(|error| at(before, error))?;
        (url.fragment, url.raw_fragment) =
            decoded(fragment, Part::Fragment).map_err(|error| at(text, error))?;
        Ok(url)
    }

    fn parse_whole(text: &str) -> Result<Url, String> {
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Url::default();
        if text == "*" {
            url.path = b"*".to_vec();
            return Ok(url);
        }
        let (scheme, rest) = split_scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (mut rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        url.force_query = query.is_empty() && text.ends_with('?');
        query.clone_into(&mut url.query);
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                rest.clone_into(&mut url.opaque);
                return Ok(url);
            }
            if rest
                .split('/')
                .next()
                .is_some_and(|part| part.contains(':'))
            {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let has_authority =
            rest.starts_with("//") && (!url.scheme.is_empty() || !rest.starts_with("///"));
        if has_authority {
            let end = rest[2..].find('/').map_or(rest.len(), |at| at + 2);
            url.parse_authority(&rest[2..end])?;
            rest = &rest[end..];
        } else if !url.scheme.is_empty() && rest.starts_with('/') {
            url.omit_host = true;
        }
        (url.path, url.raw_path) = decoded(rest, Part::Path)?;
        Ok(url)
    }

    fn parse_authority(&mut self, authority: &str) -> Result<(), String> {
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        self.host = parse_host(&self.scheme, host)?;
        let Some(user) = user else {
            return Ok(());
        };
        if !is_userinfo(user) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let (name, password) = match user.split_once(':') {
            Some((name, password)) => (name, Some(password)),
            None => (user, None),
        };
        let name = unescape(name, Part::User)?;
        let password = password
            .map(|text| unescape(text, Part::User))
            .transpose()?;
        self.user = Some((name, password));
        Ok(())
    }

    /// Name or address without brackets and port.
    #[cfg(feature = "http")]
    pub(crate) fn hostname(&self) -> String {
        let host = String::from_utf8_lossy(&self.host);
        let port = self.port().map_or(0, |port| port.len() + 1);
        let host = &host[..host.len() - port];
        let address = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        address.unwrap_or(host).to_owned()
    }

    /// The digits of the port, if there is a colon for them.
    #[cfg(feature = "http")]
    pub(crate) fn port(&self) -> Option<String> {
        let colon = self.host.iter().rposition(|byte| *byte == b':')?;
        let digits = self.host.get(colon + 1..)?;
        let is_port = digits.iter().all(u8::is_ascii_digit);
        is_port.then(|| String::from_utf8_lossy(digits).into_owned())
    }

    /// Path and query, as a request names them.
    #[cfg(feature = "http")]
    pub(crate) fn target(&self) -> String {
        let mut target = if self.opaque.starts_with("//") {
            format!("{}:{}", self.scheme, self.opaque)
        } else if self.opaque.is_empty() {
            self.escaped_path()
        } else {
            self.opaque.clone()
        };
        if target.is_empty() {
            target.push('/');
        }
        if self.force_query || !self.query.is_empty() {
            target.push('?');
            target.push_str(&self.query);
        }
        target
    }

    /// Name and password, as `Authorization` has them.
    #[cfg(feature = "http")]
    pub(crate) fn credentials(&self) -> Option<Vec<u8>> {
        let (name, password) = self.user.as_ref()?;
        let password = password.as_deref().unwrap_or_default();
        Some([name, &b":"[..], password].concat())
    }

    /// The whole, with another text for the password.
    #[cfg(feature = "http")]
    pub(crate) fn without_password(&self) -> String {
        let Some((name, Some(_))) = &self.user else {
            return self.to_string();
        };
        let mut url = self.clone();
        url.user = Some((name.clone(), Some(Bytes::new())));
        let mut name = escaped(name, Part::User);
        name.push(':');
        url.to_string()
            .replacen(&format!("{name}@"), &format!("{name}***@"), 1)
    }

    /// The URL without name and password.
    #[cfg(feature = "http")]
    pub(crate) fn without_user(&self) -> Url {
        Url {
            user: None,
            ..self.clone()
        }
    }

    fn escaped_path(&self) -> String {
        spelled(&self.path, &self.raw_path, Part::Path)
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            out.push_str(&self.scheme);
            out.push(':');
        }
        if self.opaque.is_empty() {
            let bare = self.host.is_empty() && self.user.is_none();
            if !(bare && (self.scheme.is_empty() || self.omit_host)) {
                if !bare || !self.path.is_empty() {
                    out.push_str("//");
                }
                if let Some((name, password)) = &self.user {
                    push_escaped(&mut out, name, Part::User);
                    if let Some(password) = password {
                        out.push(':');
                        push_escaped(&mut out, password, Part::User);
                    }
                    out.push('@');
                }
                push_escaped(&mut out, &self.host, Part::Host);
            }
            let path = self.escaped_path();
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                out.push('/');
            }
            let segment = path.split('/').next().unwrap_or("");
            if out.is_empty() && segment.contains(':') {
                out.push_str("./");
            }
            out.push_str(&path);
        } else {
            out.push_str(&self.opaque);
        }
        if self.force_query || !self.query.is_empty() {
            out.push('?');
            out.push_str(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push('#');
            out.push_str(&spelled(&self.fragment, &self.raw_fragment, Part::Fragment));
        }
        f.write_str(&out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        for text in [
            "http://a.b:80/c%2Fd?e=f#g",
            "mailto:a@b",
            "file:///x/y",
            "//h/p",
            "a/b?",
            "#/x/y",
            "",
            "http://u:p@[::1]:8/",
        ] {
            assert_eq!(Url::parse(text).map(|url| url.to_string()), Ok(text.into()));
        }
    }

    #[cfg(feature = "http")]
    #[test]
    fn what_requests_need() {
        for (text, name, port, target) in [
            ("http://h:80/", "h", Some("80"), "/"),
            ("http://h:?x=y#z", "h", Some(""), "/?x=y"),
            ("http://h/a b?", "h", None, "/a%20b?"),
            ("http://[::1]:80", "::1", Some("80"), "/"),
            ("http://[::1]/%2f", "::1", None, "/%2f"),
        ] {
            let url = Url::parse(text).expect(text);
            assert_eq!(url.hostname(), name, "{text}");
            assert_eq!(url.port().as_deref(), port, "{text}");
            assert_eq!(url.target(), target, "{text}");
        }
        let url = Url::parse("http://u:p@h/").expect("a URL");
        assert_eq!(url.without_password(), "http://u:***@h/");
        assert_eq!(url.without_user().to_string(), "http://h/");
        assert_eq!(url.credentials().as_deref(), Some(&b"u:p"[..]));
    }

    #[test]
    fn what_is_refused() {
        for (text, error) in [
            (":a", "parse \":a\": missing protocol scheme"),
            (
                "a:b/\u{7f}",
                "parse \"a:b/\\x7f\": net/url: invalid control character in URL",
            ),
            (
                "1:b",
                "parse \"1:b\": first path segment in URL cannot contain colon",
            ),
            ("/%zz", "parse \"/%zz\": invalid URL escape \"%zz\""),
            ("/a#%4", "parse \"/a#%4\": invalid URL escape \"%4\""),
            (
                "http://a b/",
                "parse \"http://a b/\": invalid character \" \" in host name",
            ),
            (
                "http://a:b/",
                "parse \"http://a:b/\": invalid port \":b\" after host",
            ),
        ] {
            assert_eq!(Url::parse(text), Err(error.to_owned()));
        }
    }

    #[test]
    fn references_are_resolved() {
        let base = Url::parse("http://a/b/c/d?q").unwrap();
        for (reference, want) in [
            ("g", "http://a/b/c/g"),
            ("../g/.", "http://a/b/g/"),
            ("../../../g", "http://a/g"),
            ("//x", "http://x"),
            ("?y", "http://a/b/c/d?y"),
            ("#s", "http://a/b/c/d?q#s"),
            ("urn:x", "urn:x"),
        ] {
            let resolved = base.resolve(&Url::parse(reference).unwrap());
            assert_eq!(resolved.to_string(), want, "{reference}");
        }
    }
}
