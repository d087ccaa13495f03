//! `.env` files: `KEY=value`, also `export KEY=value` and `KEY: value`.
//!
//! `$KEY` and `${KEY}` in values that are not in single quotes mean keys above. The environment of the process is not
//! looked at: what a policy says of a file must not depend on where it is asked.

use crate::error::ConfigError;
use crate::lines::{BYTE_ORDER_MARK, indent, lines};
use crate::node::{Content, Members, Node};

pub(crate) fn read(text: &str) -> Result<Node, ConfigError> {
    let mut members = Members::default();
    let mut rest = lines(text);
    while let Some((start, line)) = rest.next() {
        let line = line.trim_start_matches(BYTE_ORDER_MARK);
        let at = start + indent(line);
        let mut line = line.trim().to_owned();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |line: &str| {
            ConfigError::new(format!("line `{line}` doesn't match format"))
                .at_offset(text, at)
                .with_hint("a line is `KEY=value`, with quotation marks around values that have blanks and `#`")
        };
        let value_at = key(&line).ok_or_else(|| wrong(&line))?.1;
        if let Some(quote) = open_quote(&line[value_at..]) {
            let closed = rest.find_map(|(_, next)| {
                line.push('\n');
                line.push_str(next);
                let close = next.rfind(quote)?;
                (!next[..close].ends_with('\\')).then_some(())
            });
            if closed.is_none() {
                return Err(ConfigError::new("missing quotes")
                    .at_offset(text, at)
                    .with_hint(format!("close the value with {quote}")));
            }
        }
        let (name, value_at) = key(&line).ok_or_else(|| wrong(&line))?;
        let written = written(&line[value_at..]).ok_or_else(|| wrong(&line))?;
        let name = name.to_owned();
        let value = value(written, &members);
        members.set(name, Node::text(at, value));
    }
    Ok(Node::map(0, members.finish()))
}

/// The key of a line, and where its value begins.
fn key(line: &str) -> Option<(&str, usize)> {
    let exported = line
        .strip_prefix("export")
        .filter(|rest| rest.starts_with(char::is_whitespace));
    let named = exported.unwrap_or(line).trim_start();
    let length = named
        .find(|c: char| c != '.' && c != '_' && !c.is_ascii_alphanumeric())
        .unwrap_or(named.len());
    let (key, behind) = named.split_at(length);
    if key.is_empty() {
        return None;
    }
    let value = match behind.trim_start().strip_prefix('=') {
        Some(value) => value,
        None => behind
            .strip_prefix(':')
            .filter(|value| value.starts_with(char::is_whitespace))?,
    };
    Some((key, line.len() - value.trim_start().len()))
}

/// The quotation mark of a value that is not closed in its line.
fn open_quote(value: &str) -> Option<char> {
    let quote = value.chars().next().filter(|c| ['"', '\''].contains(c))?;
    let inside = &value[1..];
    let close = inside.rfind(quote);
    let is_closed = close.is_some_and(|at| !inside[..at].ends_with('\\'));
    (!is_closed).then_some(quote)
}

/// The value without the comment behind it.
fn written(value: &str) -> Option<&str> {
    let Some(quote) = value.chars().next().filter(|c| ['"', '\''].contains(c)) else {
        let end = value.find('#').unwrap_or(value.len());
        return Some(value[..end].trim());
    };
    let close = 1 + value[1..].rfind(quote)?;
    let behind = value[close + 1..].trim_start();
    (behind.is_empty() || behind.starts_with('#')).then_some(&value[..=close])
}

fn value(written: &str, above: &Members) -> String {
    let within = |quote| {
        written
            .strip_prefix(quote)
            .and_then(|w| w.strip_suffix(quote))
    };
    if let Some(literal) = within('\'') {
        return literal.to_owned();
    }
    let quoted = within('"');
    let mut value = String::new();
    let mut rest = quoted.unwrap_or(written);
    while let Some(c) = rest.chars().next() {
        let behind = &rest[c.len_utf8()..];
        match (c, behind.chars().next()) {
            ('\\', Some('$')) => {
                value.push('$');
                rest = &behind[1..];
            }
            ('\\', Some(escaped)) if quoted.is_some() => {
                value.push(match escaped {
                    'n' => '\n',
                    'r' => '\r',
                    other => other,
                });
                rest = &behind[escaped.len_utf8()..];
            }
            ('$', _) => {
                let (name, after) = variable(behind);
                match name {
                    "" => value.push('$'),
                    _ => value.push_str(text_of(above.get(name))),
                }
                rest = after;
            }
            _ => {
                value.push(c);
                rest = behind;
            }
        }
    }
    value
}

/// The name behind a dollar sign, and what follows it.
fn variable(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let braced = text.strip_prefix('{');
    let named = braced.unwrap_or(text);
    let length = named.find(|c| !is_part(c)).unwrap_or(named.len());
    let (name, behind) = named.split_at(length);
    if name.is_empty() {
        return ("", text);
    }
    (
        name,
        behind
            .strip_prefix('}')
            .filter(|_| braced.is_some())
            .unwrap_or(behind),
    )
}

fn text_of(node: Option<&Node>) -> &str {
    match node.map(|node| &node.content) {
        Some(Content::Text(text)) => text,
        _ => "",
    }
}
