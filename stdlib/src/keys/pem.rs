//! Text around binary structures (RFC 7468), read as generously as Go does.

use base64::Engine;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

/// What stands between two lines of dashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block<'t> {
    /// `CERTIFICATE` and the like.
    pub(crate) kind: &'t str,
    /// Lines `name: value` before the bytes.
    pub(crate) headers: Vec<(&'t str, &'t str)>,
    /// What the base64 text stands for.
    pub(crate) bytes: Vec<u8>,
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "\n-----END ";
const DASHES: &str = "-----";

/// Go accepts bits after the last byte that are not zero.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

/// The first line without the blanks at its end, and what follows it.
fn line(text: &str) -> (&str, &str) {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let line = if line.len() < text.len() {
        line.strip_suffix('\r').unwrap_or(line)
    } else {
        line
    };
    (line.trim_end_matches([' ', '\t']), rest)
}

/// The first block of a text and what follows it. What is no block is skipped.
pub(crate) fn first(text: &str) -> Option<(Block<'_>, &str)> {
    let mut from = 0;
    loop {
        // The end is searched first: a text with many beginnings and no end is read once.
        let end = from + text.get(from..)?.find(END)?;
        let after = end + END.len();
        if let Some(found) = block(text, from, end) {
            return Some(found);
        }
        from = after;
    }
}

/// All blocks of a text.
pub(crate) fn blocks(mut text: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    while let Some((block, rest)) = first(text) {
        found.push(block);
        text = rest;
    }
    found
}

/// The block whose last line begins at `end`.
fn block(text: &str, from: usize, end: usize) -> Option<(Block<'_>, &str)> {
    let begin = from + text.get(from..end)?.rfind(BEGIN)?;
    let at_line_start = begin == from || text.get(..begin)?.ends_with('\n');
    if !at_line_start {
        return None;
    }
    let (first, mut rest) = line(text.get(begin + BEGIN.len()..)?);
    let kind = first.strip_suffix(DASHES)?;
    let mut headers = Vec::new();
    loop {
        if rest.is_empty() {
            return None;
        }
        let (header, next) = line(rest);
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        headers.push((name.trim(), value.trim()));
        rest = next;
    }
    let start = text.len() - rest.len();
    // Without bytes the line end before the last line is the one of the first line.
    let body = match text.get(start..end) {
        Some(body) => body,
        None if headers.is_empty() && start == end + 1 => "",
        None => return None,
    };
    let last = text.get(end + END.len()..)?;
    let trailer = last.strip_prefix(kind)?.strip_prefix(DASHES)?;
    let (blanks, rest) = line(trailer);
    if !blanks.is_empty() {
        return None;
    }
    let bare: String = body
        .chars()
        .filter(|c| !matches!(c, ' ' | '\t' | '\r' | '\n'))
        .collect();
    let bytes = BASE64.decode(bare).ok()?;
    Some((
        Block {
            kind,
            headers,
            bytes,
        },
        rest,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_among_other_text() {
        let text = "noise\n-----BEGIN A B-----\r\nx: y\n\naGVs\n bG8=\n-----END A B-----  \nmore\n-----BEGIN C-----\n-----END C-----\nrest";
        let (block, rest) = first(text).expect("a block");
        assert_eq!((block.kind, block.bytes.as_slice()), ("A B", &b"hello"[..]));
        assert_eq!(block.headers, [("x", "y")]);
        assert!(rest.starts_with("more"));
        let (block, rest) = first(rest).expect("an empty block");
        assert_eq!((block.kind, block.bytes.len(), rest), ("C", 0, "rest"));
        assert_eq!(blocks(text).len(), 2);
    }

    #[test]
    fn texts_without_a_block() {
        for text in [
            "",
            "-----BEGIN A-----\naGk=\n",
            "-----BEGIN A-----\naGk=\n-----END B-----",
            "-----BEGIN A-----\na?k=\n-----END A-----",
            "-----BEGIN A-----\naGk=\n-----END A----- x",
            " -----BEGIN A-----\naGk=\n-----END A-----",
            "-----BEGIN A\naGk=\n-----END A-----",
        ] {
            assert_eq!(first(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_damaged_block_does_not_hide_the_next() {
        let text =
            "-----BEGIN A-----\n?\n-----END A-----\n-----BEGIN B-----\naGk=\n-----END B-----";
        assert_eq!(
            first(text).map(|(block, rest)| (block.kind, rest)),
            Some(("B", ""))
        );
    }
}
