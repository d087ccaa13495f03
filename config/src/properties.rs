//! Java's properties. `${key}` stays as it is written.

use crate::error::ConfigError;
use crate::lines::{BYTE_ORDER_MARK, indent, lines};
use crate::node::{Members, Node};

pub(crate) fn read(text: &str) -> Result<Node, ConfigError> {
    let mut members = Members::default();
    let mut rest = lines(text);
    while let Some((start, line)) = rest.next() {
        let line = line.trim_start_matches(BYTE_ORDER_MARK);
        let at = start + indent(line);
        let mut line = line.trim_start().to_owned();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        while continues(&line) {
            line.pop();
            match rest.next() {
                Some((_, next)) => line.push_str(next.trim_start()),
                None => break,
            }
        }
        let (key, value) = split(&line);
        let plain = |written: &str| {
            unescaped(written).map_err(|what| ConfigError::new(what).at_offset(text, at))
        };
        members.set(plain(key)?, Node::text(at, plain(value)?));
    }
    Ok(Node::map(0, members.finish()))
}

/// Whether a line ends with a backslash that is not escaped itself.
fn continues(line: &str) -> bool {
    let backslashes = line.len() - line.trim_end_matches('\\').len();
    backslashes % 2 == 1
}

/// Key and value, as they are written.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c: char| {
        let ends = !escaped && (c == '=' || c == ':' || c.is_whitespace());
        escaped = c == '\\' && !escaped;
        ends
    });
    let Some(end) = end else {
        return (line, "");
    };
    let behind = line[end..].trim_start();
    let value = behind
        .strip_prefix(['=', ':'])
        .map_or(behind, str::trim_start);
    (&line[..end], value)
}

fn unescaped(written: &str) -> Result<String, &'static str> {
    let mut plain = String::new();
    let mut characters = written.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            Some('f') => plain.push('\u{c}'),
            Some('u') => {
                let digits: String = characters.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16)
                    .ok()
                    .filter(|_| digits.len() == 4);
                let character = code.and_then(char::from_u32);
                plain.push(character.ok_or("invalid unicode literal")?);
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    Ok(plain)
}
