//! Rows and texts of the source.

use regovm_core::{Source, Span};

use crate::ast::Term;

/// The text that is formatted.
pub(super) struct Ground<'a> {
    text: &'a str,
    base: u32,
    /// Where lines start.
    lines: Vec<u32>,
}

/// A row, and a text that starts on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) row: i64,
    pub(super) text: Span,
}

impl<'a> Ground<'a> {
    pub(super) fn new(source: &'a Source) -> Ground<'a> {
        let text: &str = &source.text;
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0)
            .chain(ends.map(|(at, _)| at as u32 + 1))
            .collect();
        Ground {
            text,
            base: source.base,
            lines,
        }
    }

    /// The row where a span starts, from 1; what has no place is on the first.
    pub(super) fn row(&self, span: Span) -> i64 {
        if span == Span::NONE {
            return 1;
        }
        let offset = span.start.saturating_sub(self.base);
        self.lines.partition_point(|start| *start <= offset) as i64
    }

    /// Whether a span starts at the start of its row.
    pub(super) fn starts_row(&self, span: Span) -> bool {
        self.lines
            .binary_search(&span.start.saturating_sub(self.base))
            .is_ok()
    }

    /// The row where a span ends.
    pub(super) fn end_row(&self, span: Span) -> i64 {
        self.row(span) + line_ends(self.text(span))
    }

    pub(super) fn text(&self, span: Span) -> &'a str {
        let start = span.start.saturating_sub(self.base) as usize;
        let end = span.end.saturating_sub(self.base) as usize;
        self.text.get(start..end).unwrap_or("")
    }

    /// Where a term stands.
    pub(super) fn place(&self, term: &Term) -> Place {
        Place {
            row: self.row(term.span),
            text: term.text,
        }
    }

    /// Where a span stands.
    pub(super) fn place_of(&self, span: Span) -> Place {
        Place {
            row: self.row(span),
            text: span,
        }
    }

    /// The row of the bracket that closes the first one in a text; nothing if there is none.
    pub(super) fn closing_row(&self, open: u8, close: u8, place: Place) -> Option<i64> {
        closing(self.text(place.text).as_bytes(), open, close).map(|rows| place.row + rows)
    }

    /// The same for what stands behind another pair of brackets.
    pub(super) fn closing_row_behind(
        &self,
        skip: (u8, u8),
        open: u8,
        close: u8,
        place: Place,
    ) -> Option<i64> {
        let text = self.text(place.text).as_bytes();
        let start = text.iter().position(|byte| *byte == skip.0)?;
        let (length, rows) = balanced(&text[start..], skip.0, skip.1)?;
        closing(&text[start + length..], open, close).map(|more| place.row + rows + more)
    }

    /// The brace that opens the body of an operand, which starts with an expression.
    pub(super) fn brace_before(&self, node: Span, first: Span) -> Span {
        let before = self.text(Span::new(node.start, first.start.min(node.end)));
        match before.rfind('{') {
            Some(at) => Span::new(node.start + at as u32, node.end),
            None => node,
        }
    }
}

/// Line ends in a text.
pub(super) fn line_ends(text: &str) -> i64 {
    text.bytes().filter(|byte| *byte == b'\n').count() as i64
}

/// Line ends from the first opening bracket to the one that closes it. Like OPA, it takes brackets in strings and comments for
/// brackets, and does not count the lines above the first.
fn closing(text: &[u8], open: u8, close: u8) -> Option<i64> {
    let start = text.iter().position(|byte| *byte == open)?;
    balanced(&text[start..], open, close).map(|(_, rows)| rows)
}

/// How long a text in brackets is up to the closing one, and its line ends.
fn balanced(text: &[u8], open: u8, close: u8) -> Option<(usize, i64)> {
    let mut depth = 0;
    let mut rows = 0;
    for (at, byte) in text.iter().enumerate() {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return Some((at, rows));
            }
        } else if *byte == b'\n' {
            rows += 1;
        }
    }
    None
}
