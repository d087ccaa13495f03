//! `.gitignore` and its like: each line an entry with its kind.

use crate::lines::BYTE_ORDER_MARK;
use crate::node::Node;

/// A list with the list of entries, so that a file is one document.
pub(crate) fn read(text: &str) -> Node {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut at = 0;
    let entries = text.split('\n').map(|line| {
        let start = at;
        at += line.len() + 1;
        entry(start, line)
    });
    Node::list(0, vec![Node::list(0, entries.collect())])
}

fn entry(at: usize, line: &str) -> Node {
    let stripped = without_blanks(line);
    let (kind, value) = if stripped.is_empty() {
        ("Empty", line.to_owned())
    } else if let Some(comment) = line.strip_prefix('#') {
        ("Comment", comment.trim().to_owned())
    } else if let Some(path) = stripped.strip_prefix('!') {
        ("NegatedPath", unescaped(path))
    } else {
        ("Path", unescaped(stripped))
    };
    let member = |name: &str, text: String| (name.to_owned(), Node::text(at, text));
    let members = vec![
        member("Kind", kind.to_owned()),
        member("Value", value),
        member("Original", line.to_owned()),
    ];
    Node::map(at, members)
}

/// Blanks at the end do not count, unless a backslash stands before them.
fn without_blanks(line: &str) -> &str {
    let short = line.trim_end_matches(' ');
    if short.ends_with('\\') && short.len() < line.len() {
        return &line[..=short.len()];
    }
    short
}

/// A backslash means the character behind it; two are one.
fn unescaped(path: &str) -> String {
    let mut plain = String::new();
    let mut characters = path.chars().peekable();
    while let Some(c) = characters.next() {
        if c != '\\' {
            plain.push(c);
        } else if characters.next_if_eq(&'\\').is_some() {
            plain.push('\\');
        }
    }
    plain
}
