//! Source texts and positions in them.
//!
//! All sources of one compilation share one address space: each source starts at a base
//! position, and a [`Span`] is a pair of such global positions. A span is therefore 8 bytes
//! and needs no source id.

use std::sync::Arc;

/// A half-open range of global byte positions; see [`SourceMap`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Span {
    /// Position of the first byte.
    pub start: u32,
    /// Position after the last byte.
    pub end: u32,
}

impl Span {
    /// The span of things that no source text shows.
    pub const NONE: Span = Span { start: 0, end: 0 };

    /// A span from two global positions.
    pub const fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// The source at a base position as a whole: row 0, column 0, as OPA places errors that concern
    /// no part of a file. Its end lies before its start, which no place in a text has.
    pub const fn whole_file(base: u32) -> Span {
        Span {
            start: base,
            end: base - 1,
        }
    }

    /// The smallest span that covers both; [`Span::NONE`] covers nothing.
    pub fn to(self, other: Span) -> Span {
        if self == Span::NONE {
            return other;
        }
        if other == Span::NONE {
            return self;
        }
        Span::new(self.start.min(other.start), self.end.max(other.end))
    }
}

/// Index of a source in its [`SourceMap`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SourceId(pub u32);

/// One source text.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its place in the map.
    pub id: SourceId,
    /// The name that error messages show: a file path, or empty for a query.
    pub name: Arc<str>,
    /// The text.
    pub text: Arc<str>,
    /// Global position of the first byte of `text`.
    pub base: u32,
    lines: Vec<u32>,
}

/// A position as people read it. Rows and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Name of the source.
    pub file: Arc<str>,
    /// Line, from 1.
    pub row: u32,
    /// Column, from 1, in characters after the start of the line (as OPA counts them).
    pub col: u32,
}

/// The texts of one compilation.
///
/// ```
/// use regovm_core::{SourceMap, Span};
/// let mut sources = SourceMap::new();
/// let id = sources.add("p.rego", "package p\n\nx := 1\n").unwrap();
/// let base = sources.get(id).base;
/// let at = sources.locate(Span::new(base + 11, base + 12)).unwrap();
/// assert_eq!((at.row, at.col), (3, 1));
/// ```
#[derive(Debug, Default, Clone)]
pub struct SourceMap {
    sources: Vec<Source>,
}

/// The texts of one compilation exceed 4 GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourcesTooLarge;

impl std::fmt::Display for SourcesTooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the source texts of one compilation exceed 4 GiB")
    }
}

impl std::error::Error for SourcesTooLarge {}

impl SourceMap {
    /// An empty map.
    pub fn new() -> SourceMap {
        SourceMap::default()
    }

    /// Adds a text and gives it a place in the address space.
    pub fn add(
        &mut self,
        name: impl Into<Arc<str>>,
        text: impl Into<Arc<str>>,
    ) -> Result<SourceId, SourcesTooLarge> {
        let text: Arc<str> = text.into();
        // Position 0 belongs to no source, so that `Span::NONE` is never a place.
        let base = self
            .sources
            .last()
            .map_or(1, |last| last.base + last.text.len() as u32 + 1);
        let length = u32::try_from(text.len()).map_err(|_| SourcesTooLarge)?;
        base.checked_add(length)
            .and_then(|end| end.checked_add(2))
            .ok_or(SourcesTooLarge)?;
        let id = SourceId(self.sources.len() as u32);
        // Lines of policies have about thirty bytes.
        let mut lines = Vec::with_capacity(text.len() / 32 + 1);
        lines.push(0);
        lines.extend(text.match_indices('\n').map(|(at, _)| at as u32 + 1));
        self.sources.push(Source {
            id,
            name: name.into(),
            text,
            base,
            lines,
        });
        Ok(id)
    }

    /// The source of an id that this map gave.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.sources[id.0 as usize]
    }

    /// All sources in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    /// The source that holds a global position.
    pub fn source_at(&self, position: u32) -> Option<&Source> {
        let after = self.sources.partition_point(|s| s.base <= position);
        let source = self.sources.get(after.checked_sub(1)?)?;
        (position <= source.base + source.text.len() as u32).then_some(source)
    }

    /// Where a span starts, for people; `None` for [`Span::NONE`].
    pub fn locate(&self, span: Span) -> Option<Location> {
        let (source, row, before) = self.position(span)?;
        let col = before.map_or(0, |before| {
            // Continuation bytes of UTF-8 belong to the character before them.
            let starts = before.bytes().filter(|byte| (*byte & 0xC0) != 0x80);
            starts.count() as u32 + 1
        });
        let file = source.name.clone();
        Some(Location { file, row, col })
    }

    /// File, row and bytes before the place in its row: in the order of [`SourceMap::locate`], and quick to have
    /// even if the row is long.
    pub fn order(&self, span: Span) -> Option<(&str, u32, Option<usize>)> {
        let (source, row, before) = self.position(span)?;
        Some((&source.name, row, before.map(str::len)))
    }

    /// The source of a place, its row, and what stands before it there; `None` for column 0.
    fn position(&self, span: Span) -> Option<(&Source, u32, Option<&str>)> {
        let source = self.source_at(span.start)?;
        if span.end < span.start {
            return Some((source, 0, None));
        }
        let offset = span.start - source.base;
        let row = source.lines.partition_point(|start| *start <= offset);
        let line = source.lines[row - 1] as usize;
        Some(match source.text.as_bytes().get(offset as usize) {
            // OPA counts a line end as column 0 of the next line.
            Some(b'\n') => (source, row as u32 + 1, None),
            Some(_) => {
                let mut end = offset as usize;
                while !source.text.is_char_boundary(end) {
                    end += 1;
                }
                (source, row as u32, Some(&source.text[line..end]))
            }
            // The end of the text is where its last character is.
            None => {
                let mut before = source.text[line..].chars();
                let before = before.next_back().map(|_| before.as_str());
                (source, row as u32, before)
            }
        })
    }

    /// The text of a span.
    pub fn text(&self, span: Span) -> &str {
        let Some(source) = self.source_at(span.start) else {
            return "";
        };
        let start = (span.start - source.base) as usize;
        let end = (span.end.saturating_sub(source.base) as usize).min(source.text.len());
        source.text.get(start..end).unwrap_or("")
    }

    /// The whole line in which a span starts, without its line end.
    pub fn line(&self, span: Span) -> &str {
        let Some(source) = self.source_at(span.start) else {
            return "";
        };
        let offset = (span.start - source.base) as usize;
        let before = &source.text.as_bytes()[..offset.min(source.text.len())];
        let start = before
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |i| i + 1);
        let rest = &source.text[start..];
        rest.split('\n').next().unwrap_or("").trim_end_matches('\r')
    }
}
