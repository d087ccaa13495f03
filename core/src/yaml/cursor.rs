//! The text, character by character, and where one stands in it.

use std::cell::Cell;

/// Bytes of a text that go-yaml takes in at once, which is when it finds characters that YAML forbids.
const PIECE: usize = 512;

/// A place in a text.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Mark {
    /// Characters in front.
    pub(super) index: usize,
    /// Line, from 0.
    pub(super) line: usize,
    /// Characters of the line in front.
    pub(super) column: usize,
}

impl Mark {
    /// The line, from 1.
    pub fn row(self) -> usize {
        self.line + 1
    }

    /// The column, from 1.
    pub fn col(self) -> usize {
        self.column + 1
    }
}

/// Ends of lines, as YAML 1.1 has them.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Space and tab.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// An end of a line, or of the text.
pub(super) fn ends_line(c: Option<char>) -> bool {
    c.is_none_or(is_break)
}

/// Something that words do not go over.
pub(super) fn ends_word(c: Option<char>) -> bool {
    c.is_none_or(|c| is_blank(c) || is_break(c))
}

/// Letters of names: of anchors, handles of tags and directives.
pub(super) fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// Characters that YAML forbids everywhere.
fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}'
        | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
}

/// A text and a place in it.
#[derive(Clone)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    /// Byte of the text where we stand.
    offset: usize,
    pub(super) mark: Mark,
    /// Lines that ended since the last character that is no blank.
    pub(super) lines_ended: usize,
    /// Bytes that were looked at. Looking does not move.
    seen: Cell<usize>,
    /// The first character that YAML forbids, and the byte where the piece with it begins.
    forbidden: Option<(Mark, usize)>,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Cursor<'t> {
        let mut cursor = Cursor {
            text,
            offset: 0,
            mark: Mark::default(),
            lines_ended: 0,
            seen: Cell::new(0),
            forbidden: find_forbidden(text),
        };
        if text.starts_with('\u{feff}') {
            cursor.offset = '\u{feff}'.len_utf8();
        }
        cursor
    }

    /// Byte of the text where we stand.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// A piece of the text, from a byte to where we stand.
    pub(super) fn since(&self, start: usize) -> &'t str {
        &self.text[start..self.offset]
    }

    pub(super) fn piece(&self, start: usize, end: usize) -> &'t str {
        &self.text[start..end]
    }

    fn rest(&self) -> &'t str {
        &self.text[self.offset..]
    }

    /// The next character.
    pub(super) fn first(&self) -> Option<char> {
        let first = self.rest().chars().next();
        let seen = self.offset + first.map_or(1, char::len_utf8);
        self.seen.set(self.seen.get().max(seen));
        first
    }

    /// One of the next characters.
    pub(super) fn ahead(&self, n: usize) -> Option<char> {
        let mut rest = self.rest().chars();
        let found = rest.nth(n);
        let seen = self.text.len() - rest.as_str().len() + usize::from(found.is_none());
        self.seen.set(self.seen.get().max(seen));
        found
    }

    pub(super) fn is_at(&self, c: char) -> bool {
        self.first() == Some(c)
    }

    /// Whether what follows is `---` or `...` at the start of a line, and nothing more of a word.
    pub(super) fn is_at_document(&self, dots: &str) -> bool {
        self.mark.column == 0 && self.rest().starts_with(dots) && ends_word(self.ahead(3))
    }

    /// Goes over a character that ends no line.
    pub(super) fn skip(&mut self) {
        let Some(c) = self.first() else { return };
        if !is_blank(c) {
            self.lines_ended = 0;
        }
        self.offset += c.len_utf8();
        self.mark.index += 1;
        self.mark.column += 1;
    }

    /// Goes over some characters.
    pub(super) fn skip_many(&mut self, count: usize) {
        for _ in 0..count {
            self.skip();
        }
    }

    /// Goes over characters of a line, and gives them.
    pub(super) fn skip_while(&mut self, is_wanted: impl Fn(char) -> bool) -> &'t str {
        let start = self.offset;
        while self.first().is_some_and(&is_wanted) {
            self.skip();
        }
        self.since(start)
    }

    pub(super) fn skip_blanks(&mut self) {
        self.skip_while(is_blank);
    }

    pub(super) fn skip_rest_of_line(&mut self) -> &'t str {
        self.skip_while(|c| !is_break(c))
    }

    /// Goes over the end of a line, and gives what it is in a scalar.
    pub(super) fn skip_break(&mut self) -> Option<char> {
        let c = self.first().filter(|c| is_break(*c))?;
        let pair = c == '\r' && self.ahead(1) == Some('\n');
        self.offset += c.len_utf8() + usize::from(pair);
        self.mark.index += 1 + usize::from(pair);
        self.mark.column = 0;
        self.mark.line += 1;
        self.lines_ended += 1;
        Some(match c {
            '\u{2028}' | '\u{2029}' => c,
            _ => '\n',
        })
    }

    /// The end of the text counts as the end of a line.
    pub(super) fn end(&mut self) {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
    }

    /// Where the first character is that YAML forbids, if go-yaml has come across it by now.
    pub(super) fn forbidden(&self) -> Option<Mark> {
        let (mark, piece) = self.forbidden?;
        (self.seen.get() > piece).then_some(mark)
    }
}

fn find_forbidden(text: &str) -> Option<(Mark, usize)> {
    let at = text.find(is_forbidden)?;
    let mut piece = 0;
    while piece + PIECE <= at {
        piece = text.floor_char_boundary(piece + PIECE);
    }
    let before = &text[..at];
    let mark = Mark {
        index: before.chars().count(),
        line: before.matches('\n').count(),
        column: before.chars().rev().take_while(|c| *c != '\n').count(),
    };
    Some((mark, piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_many_ways() {
        let mut cursor = Cursor::new("a\r\nb\u{85}c\u{2028}d\re");
        let mut ends = String::new();
        for c in "abcd".chars() {
            assert_eq!(cursor.first(), Some(c));
            assert_eq!(cursor.mark.column, 0);
            cursor.skip();
            ends.extend(cursor.skip_break());
        }
        assert_eq!(ends, "\n\n\u{2028}\n");
        assert_eq!((cursor.mark.line, cursor.mark.index), (4, 9));
        assert_eq!(cursor.skip_rest_of_line(), "e");
        assert_eq!(cursor.skip_break(), None);
    }

    #[test]
    fn forbidden_characters_are_found_in_pieces() {
        let late = format!("{}\u{7}", "é".repeat(300));
        let mut cursor = Cursor::new(&late);
        assert_eq!(cursor.forbidden(), None);
        cursor.first();
        assert_eq!(cursor.forbidden(), None);
        cursor.skip_many(256);
        assert_eq!(cursor.forbidden(), None);
        cursor.first();
        assert_eq!(cursor.forbidden().map(|mark| mark.index), Some(300));
        let early = Cursor::new("a\n b\u{7}");
        early.first();
        let mark = early.forbidden().map(|mark| (mark.row(), mark.col()));
        assert_eq!(mark, Some((2, 3)));
    }
}
