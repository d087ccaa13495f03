//! The head of a response, read as Go reads it.

use std::io::Read;

use regovm_core::host::HttpHead;

use super::body::Framing;
use super::wire::{Wire, text};
use crate::failure::quoted;

/// Bytes of a head, at most.
const MOST: usize = 10 << 20;

/// What Go puts before what is wrong with a head.
const BROKEN: &str = "net/http: HTTP/1.x transport connection broken: ";

/// A head, and what came with it of the body.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) head: HttpHead,
    /// The first bytes of the body.
    pub(super) rest: Vec<u8>,
}

impl Head {
    /// Reads until the head is whole. Heads that only announce another one are skipped.
    pub(super) fn read(wire: &mut Wire<'_>) -> Result<Head, String> {
        let mut bytes = Vec::new();
        loop {
            let end = read_head(wire, &mut bytes)?;
            let rest = bytes.split_off(end);
            let head = parse(&bytes).map_err(|why| format!("{BROKEN}{why}"))?;
            if !(100..200).contains(&head.code) || head.code == 101 {
                return Ok(Head { head, rest });
            }
            bytes = rest;
        }
    }

    pub(super) fn values<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h str> {
        let headers = self.head.headers.iter();
        headers
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn remove(&mut self, name: &str) {
        let headers = &mut self.head.headers;
        headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }

    /// Whether the body is compressed; what the head says of that is no longer true.
    pub(super) fn take_gzip(&mut self, framing: &Framing) -> bool {
        let is_gzip = |value: &str| value.eq_ignore_ascii_case("gzip");
        let zipped =
            !framing.is_empty() && self.values("Content-Encoding").next().is_some_and(is_gzip);
        if zipped {
            self.remove("Content-Encoding");
            self.remove("Content-Length");
        }
        zipped
    }
}

/// Reads until an empty line; gives where it ends.
fn read_head(wire: &mut Wire<'_>, bytes: &mut Vec<u8>) -> Result<usize, String> {
    let mut looked_at = 0;
    let mut checked = false;
    let mut part = [0; 4096];
    loop {
        let fresh = &bytes[looked_at..];
        if !checked && let Some(end) = fresh.iter().position(|byte| *byte == b'\n') {
            // Garbage is known by its first line.
            status_line(line(&bytes[..looked_at + end])).map_err(|why| format!("{BROKEN}{why}"))?;
            checked = true;
        }
        if let Some(end) = head_end(bytes, looked_at) {
            return Ok(end);
        }
        looked_at = bytes.len().saturating_sub(3);
        if bytes.len() > MOST {
            return Err(format!(
                "net/http: server response headers exceeded {MOST} bytes; aborted"
            ));
        }
        match wire.read(&mut part) {
            Ok(0) if bytes.is_empty() => return Err("EOF".to_owned()),
            Ok(0) => return Err(format!("{BROKEN}unexpected EOF")),
            Ok(n) => bytes.extend_from_slice(&part[..n]),
            Err(error) => return Err(text(&error)),
        }
    }
}

/// The end of the empty line after a head.
fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = &bytes[from..];
    let at = rest.iter().enumerate().position(|(i, byte)| {
        let after = &rest[i + 1..];
        *byte == b'\n' && (after.starts_with(b"\n") || after.starts_with(b"\r\n"))
    })?;
    let empty = if rest.get(at + 1) == Some(&b'\n') {
        1
    } else {
        2
    };
    Some(from + at + 1 + empty)
}

/// A line without its end.
fn line(bytes: &[u8]) -> String {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    String::from_utf8_lossy(bytes).into_owned()
}

/// Number and reason.
fn status_line(line: String) -> Result<(u16, String), String> {
    let Some((version, status)) = line.split_once(' ') else {
        return Err(format!("malformed HTTP response {}", quoted(&line)));
    };
    let status = status.trim_start_matches(' ');
    let code = status.split(' ').next().unwrap_or_default();
    let number = match code.parse() {
        Ok(number) if code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit()) => number,
        _ => return Err(format!("malformed HTTP status code {}", quoted(code))),
    };
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let known = version.strip_prefix("HTTP/").is_some_and(|rest| {
        let bytes = rest.as_bytes();
        bytes.len() == 3 && bytes[1] == b'.' && is_digit(bytes.first()) && is_digit(bytes.last())
    });
    if known {
        Ok((number, status.to_owned()))
    } else {
        Err(format!("malformed HTTP version {}", quoted(version)))
    }
}

fn parse(bytes: &[u8]) -> Result<HttpHead, String> {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(line);
    let (code, status) = status_line(lines.next().unwrap_or_default())?;
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            // The value of the last line goes on.
            let Some((_, value)) = headers.last_mut() else {
                return Err(format!(
                    "malformed MIME header initial line: {}",
                    quoted(&line)
                ));
            };
            value.push(' ');
            value.push_str(line.trim_matches([' ', '\t']));
            continue;
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(format!(
                "malformed MIME header: missing colon: {}",
                quoted(&line)
            ));
        };
        if name.is_empty() || name.ends_with([' ', '\t']) {
            return Err(format!("malformed MIME header line: {}", quoted(&line)));
        }
        headers.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
    }
    Ok(HttpHead {
        code,
        status,
        headers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_end_with_an_empty_line() {
        for (text, end) in [
            ("a\r\n\r\nbody", Some(5)),
            ("a\n\nbody", Some(3)),
            ("a\n\r\nbody", Some(4)),
            ("a\r\nb\r\n", None),
            ("", None),
        ] {
            assert_eq!(head_end(text.as_bytes(), 0), end, "{text:?}");
        }
    }

    #[test]
    fn heads_are_read_as_go_reads_them() {
        let text = b"HTTP/1.1 200 Fine by me\r\nA: 1\r\na:  2 \r\n  more\r\nB:\r\n\r\n";
        let head = parse(text).expect("a head");
        assert_eq!((head.code, head.status.as_str()), (200, "200 Fine by me"));
        let pairs = [("A", "1"), ("a", "2 more"), ("B", "")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(head.headers, pairs);
        assert_eq!(parse(b"HTTP/1.0 404\n\n").expect("a head").status, "404");
    }

    #[test]
    fn garbage_is_refused_in_the_words_of_go() {
        for (text, error) in [
            ("garbage\r\n\r\n", "malformed HTTP response \"garbage\""),
            (
                "HTTP/1.1 abc OK\r\n\r\n",
                "malformed HTTP status code \"abc\"",
            ),
            (
                "HTTP/1.1 20 OK\r\n\r\n",
                "malformed HTTP status code \"20\"",
            ),
            (
                "HTTX/1.1 200 OK\r\n\r\n",
                "malformed HTTP version \"HTTX/1.1\"",
            ),
            (
                "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
                "malformed MIME header: missing colon: \"bad header\"",
            ),
            (
                "HTTP/1.1 200 OK\r\na : b\r\n\r\n",
                "malformed MIME header line: \"a : b\"",
            ),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(error.to_owned()));
        }
    }
}
