//! INI: sections with keys; numbers and truth values are recognised.

use crate::error::ConfigError;
use crate::lines::{BYTE_ORDER_MARK, indent, lines};
use crate::node::{Content, Members, Node, number};

/// What stands above the first section is in this one, which policies do not see.
const DEFAULT: &str = "DEFAULT";

pub(crate) fn read(text: &str) -> Result<Node, ConfigError> {
    let mut sections: Vec<(String, usize, Members)> =
        vec![(DEFAULT.to_owned(), 0, Members::default())];
    let mut current = 0;
    let mut unnamed = 1;
    let mut rest = lines(text);
    while let Some((start, line)) = rest.next() {
        let line = line.trim_start_matches(BYTE_ORDER_MARK);
        let at = start + indent(line);
        let line = line.trim_start();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with('[') {
            let Some(close) = line.rfind(']') else {
                return Err(ConfigError::new(format!("unclosed section: {line}"))
                    .at_offset(text, at)
                    .with_hint("close the name of the section with ]"));
            };
            let name = &line[1..close];
            if name.is_empty() {
                return Err(ConfigError::new("empty section name").at_offset(text, at));
            }
            unnamed = 1;
            let known = sections.iter().position(|(known, _, _)| known == name);
            current = known.unwrap_or_else(|| {
                sections.push((name.to_owned(), at, Members::default()));
                sections.len() - 1
            });
            continue;
        }
        let wrong = |what: &str| {
            ConfigError::new(format!("{what}: {line}"))
                .at_offset(text, at)
                .with_hint("a line is `key = value`, `[section]` or a comment after `#` or `;`")
        };
        let (key, value) = split(line).map_err(wrong)?;
        let mut key = key.to_owned();
        if key == "-" {
            key = format!("#{unnamed}");
            unnamed += 1;
        }
        let value = value_of(value, &mut rest).ok_or_else(|| wrong("missing closing key quote"))?;
        sections[current].2.set(key, Node::new(at, typed(value)));
    }
    let shown = sections.into_iter().filter(|(name, ..)| name != DEFAULT);
    Ok(Node::map(
        0,
        shown
            .map(|(name, at, members)| (name, Node::map(at, members.finish())))
            .collect(),
    ))
}

/// Key and value of a line.
fn split(line: &str) -> Result<(&str, &str), &'static str> {
    for quote in ["\"\"\"", "\"", "`"] {
        let Some(quoted) = line.strip_prefix(quote) else {
            continue;
        };
        let close = quoted.find(quote).ok_or("missing closing key quote")?;
        let behind = &quoted[close + quote.len()..];
        let delimiter = behind
            .find(['=', ':'])
            .ok_or("key-value delimiter not found")?;
        return Ok((quoted[..close].trim(), &behind[delimiter + 1..]));
    }
    match line.find(['=', ':']) {
        None => Err("key-value delimiter not found"),
        Some(0) => Err("empty key name"),
        Some(at) => Ok((line[..at].trim(), &line[at + 1..])),
    }
}

/// The value that begins behind the delimiter and may go on in the lines that follow; `None` if its quotation mark is not
/// closed.
fn value_of<'t>(
    begun: &'t str,
    rest: &mut impl Iterator<Item = (usize, &'t str)>,
) -> Option<String> {
    let line = begun.trim_start();
    for quote in ["\"\"\"", "`"] {
        let Some(quoted) = line
            .strip_prefix(quote)
            .filter(|_| line.len() > quote.len())
        else {
            continue;
        };
        if let Some(close) = quoted.rfind(quote) {
            return Some(quoted[..close].to_owned());
        }
        let mut value = quoted.to_owned();
        for (_, next) in rest {
            value.push('\n');
            if let Some(close) = next.rfind(quote) {
                value.push_str(&next[..close]);
                return Some(value);
            }
            value.push_str(next);
        }
        return None;
    }
    let line = line.trim_end();
    if let Some(begun) = line.strip_suffix('\\') {
        let mut value = begun.to_owned();
        for (_, next) in rest {
            let next = next.trim();
            match next.strip_suffix('\\') {
                Some(more) => value.push_str(more),
                None => {
                    value.push_str(next);
                    break;
                }
            }
        }
        return Some(value);
    }
    let line = match line.find(['#', ';']) {
        Some(comment) => line[..comment].trim_end(),
        None => line,
    };
    Some(unquoted(line).to_owned())
}

/// Without the quotation marks around it, if there are no others in it.
fn unquoted(text: &str) -> &str {
    for quote in ['\'', '"'] {
        let inside = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote));
        if let Some(inside) = inside.filter(|inside| !inside.contains(quote)) {
            return inside;
        }
    }
    text
}

fn typed(text: String) -> Content {
    // Rust reads as Go does what is a number in base ten.
    let is_decimal = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    if is_decimal && let Some(number) = text.parse().ok().and_then(number) {
        return Content::Number(number);
    }
    match text.as_str() {
        "t" | "T" | "true" | "TRUE" | "True" => Content::Bool(true),
        "f" | "F" | "false" | "FALSE" | "False" => Content::Bool(false),
        _ => Content::Text(text),
    }
}
