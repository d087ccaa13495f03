//! The texts of scalars.

use std::borrow::Cow;

use super::{Kind, Scanned, Scanner, Style};
use crate::yaml::cursor::{Mark, ends_line, ends_word, is_blank, is_break};
use crate::yaml::problem::Problem;

/// Ends of lines between two pieces of a scalar: a single one is a space.
#[derive(Default)]
struct Fold {
    first: Option<char>,
    more: String,
}

impl Fold {
    fn add(&mut self, end: char) {
        match self.first {
            None => self.first = Some(end),
            Some(_) => self.more.push(end),
        }
    }

    /// Writes what the ends come to, and forgets them.
    fn write(&mut self, text: &mut String) {
        match self.first.take() {
            Some('\n') if self.more.is_empty() => text.push(' '),
            Some('\n') | None => {}
            Some(rare) => text.push(rare),
        }
        text.push_str(&self.more);
        self.more.clear();
    }
}

/// What becomes of the ends of lines at the end of a block scalar.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

impl<'t> Scanner<'t> {
    pub(super) fn plain_scalar(&mut self) -> Scanned {
        self.key_allowed = false;
        let in_flow = self.flow_depth > 0;
        let least_column = self.indent.map_or(0, |indent| indent + 1);
        let start = self.cursor.mark;
        // The piece on the present line is not copied before there is another one.
        let mut piece = self.cursor.offset()..self.cursor.offset();
        let mut end = start;
        let mut text = String::new();
        let mut fold = Fold::default();
        let mut is_folded = false;
        while !self.at_document() && !self.cursor.is_at('#') {
            while let Some(c) = self.cursor.first()
                && !ends_word(Some(c))
            {
                let ends_plain = match c {
                    ':' => ends_word(self.cursor.ahead(1)),
                    ',' | '?' | '[' | ']' | '{' | '}' => in_flow,
                    _ => false,
                };
                if ends_plain {
                    break;
                }
                if is_folded {
                    text.push_str(self.cursor.piece(piece.start, piece.end));
                    fold.write(&mut text);
                    piece.start = self.cursor.offset();
                    is_folded = false;
                }
                self.cursor.skip();
                piece.end = self.cursor.offset();
                end = self.cursor.mark;
            }
            let Some(c) = self.cursor.first() else { break };
            if !is_blank(c) && !is_break(c) {
                break;
            }
            while let Some(c) = self.cursor.first() {
                if is_blank(c) {
                    if is_folded && c == '\t' && self.cursor.mark.column < least_column {
                        return self
                            .problem(start, "found a tab character that violates indentation");
                    }
                    self.cursor.skip();
                } else if let Some(end) = self.cursor.skip_break() {
                    fold.add(end);
                    is_folded = true;
                } else {
                    break;
                }
            }
            if !in_flow && self.cursor.mark.column < least_column {
                break;
            }
        }
        let last = self.cursor.piece(piece.start, piece.end);
        let text = match text.is_empty() {
            true => Cow::Borrowed(last),
            false => Cow::Owned(text + last),
        };
        if is_folded {
            self.key_allowed = true;
        }
        self.push_scalar(text, Style::Plain, start, end);
        Ok(())
    }

    fn at_document(&self) -> bool {
        self.cursor.is_at_document("---") || self.cursor.is_at_document("...")
    }

    fn push_scalar(&mut self, text: Cow<'t, str>, style: Style, start: Mark, end: Mark) {
        self.push(Kind::Scalar(text, style), start);
        if let Some(token) = self.queue.back_mut() {
            token.end = end;
        }
    }

    pub(super) fn quoted_scalar(&mut self, quote: char) -> Scanned {
        self.key_allowed = false;
        let start = self.cursor.mark;
        self.cursor.skip();
        let mut text = String::new();
        loop {
            if self.at_document() {
                return self.problem(start, "found unexpected document indicator");
            }
            if self.cursor.first().is_none() {
                return self.problem(start, "found unexpected end of stream");
            }
            let mut fold = Fold::default();
            // After an escaped end of a line, blanks do not count.
            let mut is_folded = self.quoted_words(quote, start, &mut text)?;
            if self.cursor.is_at(quote) {
                break;
            }
            let blanks = self.cursor.offset();
            let mut kept = blanks;
            while let Some(c) = self.cursor.first() {
                if is_blank(c) {
                    self.cursor.skip();
                    if !is_folded {
                        kept = self.cursor.offset();
                    }
                } else if let Some(end) = self.cursor.skip_break() {
                    match is_folded {
                        // The end that was escaped is the first one.
                        true if fold.first.is_none() => fold.more.push(end),
                        _ => fold.add(end),
                    }
                    kept = blanks;
                    is_folded = true;
                } else {
                    break;
                }
            }
            text.push_str(self.cursor.piece(blanks, kept));
            fold.write(&mut text);
        }
        self.cursor.skip();
        let style = match quote {
            '\'' => Style::SingleQuoted,
            _ => Style::DoubleQuoted,
        };
        self.push_scalar(Cow::Owned(text), style, start, self.cursor.mark);
        Ok(())
    }

    /// Characters up to a blank, the end of a line or of the scalar. True if the end of the line is escaped.
    fn quoted_words(
        &mut self,
        quote: char,
        start: Mark,
        text: &mut String,
    ) -> Result<bool, Problem> {
        let is_double = quote == '"';
        while let Some(c) = self.cursor.first()
            && !ends_word(Some(c))
        {
            let next = self.cursor.ahead(1);
            if c == quote && !is_double && next == Some(quote) {
                text.push(quote);
                self.cursor.skip_many(2);
            } else if c == quote {
                break;
            } else if c == '\\' && is_double && next.is_some_and(is_break) {
                self.cursor.skip();
                self.cursor.skip_break();
                return Ok(true);
            } else if c == '\\' && is_double {
                text.push(self.escaped(next, start)?);
            } else {
                text.push(c);
                self.cursor.skip();
            }
        }
        Ok(false)
    }

    /// The character that an escape stands for.
    fn escaped(&mut self, name: Option<char>, start: Mark) -> Result<char, Problem> {
        let (c, digits) = match name {
            Some('0') => ('\0', 0),
            Some('a') => ('\u{7}', 0),
            Some('b') => ('\u{8}', 0),
            Some('t' | '\t') => ('\t', 0),
            Some('n') => ('\n', 0),
            Some('v') => ('\u{b}', 0),
            Some('f') => ('\u{c}', 0),
            Some('r') => ('\r', 0),
            Some('e') => ('\u{1b}', 0),
            Some(c @ (' ' | '"' | '\'' | '\\')) => (c, 0),
            Some('N') => ('\u{85}', 0),
            Some('_') => ('\u{a0}', 0),
            Some('L') => ('\u{2028}', 0),
            Some('P') => ('\u{2029}', 0),
            Some('x') => ('\0', 2),
            Some('u') => ('\0', 4),
            Some('U') => ('\0', 8),
            _ => return self.problem(start, "found unknown escape character"),
        };
        self.cursor.skip_many(2);
        if digits == 0 {
            return Ok(c);
        }
        let mut code = 0;
        for n in 0..digits {
            let Some(digit) = self.cursor.ahead(n).and_then(|c| c.to_digit(16)) else {
                return self.problem(start, "did not find expected hexdecimal number");
            };
            code = code << 4 | digit;
        }
        let Some(c) = char::from_u32(code) else {
            return self.problem(start, "found invalid Unicode character escape code");
        };
        self.cursor.skip_many(digits);
        Ok(c)
    }

    /// Lines behind a `|`, or behind a `>`.
    pub(super) fn block_scalar(&mut self, is_literal: bool) -> Scanned {
        let start = self.cursor.mark;
        self.cursor.skip();
        let (chomp, by) = self.block_header(start)?;
        self.rest_of_mark(start)?;
        let mut end = self.cursor.mark;
        let mut column = by.map(|by| self.indent.unwrap_or(0) + by);
        let mut text = String::new();
        // The end of the line before, and those of the empty lines that follow it.
        let mut line_end = None;
        let mut empty_lines = String::new();
        self.empty_lines(&mut column, &mut empty_lines, start, &mut end)?;
        let mut after_blank = false;
        while let Some(c) = self.cursor.first()
            && Some(self.cursor.mark.column) == column
        {
            let folds = !is_literal && !after_blank && !is_blank(c) && line_end == Some('\n');
            match line_end.take() {
                Some(_) if folds && empty_lines.is_empty() => text.push(' '),
                Some(_) if folds => {}
                kept => text.extend(kept),
            }
            text.push_str(&empty_lines);
            empty_lines.clear();
            after_blank = is_blank(c);
            text.push_str(self.cursor.skip_rest_of_line());
            line_end = self.cursor.skip_break();
            self.empty_lines(&mut column, &mut empty_lines, start, &mut end)?;
        }
        if chomp != Chomp::Strip {
            text.extend(line_end);
        }
        if chomp == Chomp::Keep {
            text.push_str(&empty_lines);
        }
        let style = if is_literal {
            Style::Literal
        } else {
            Style::Folded
        };
        self.push_scalar(Cow::Owned(text), style, start, end);
        Ok(())
    }

    /// What becomes of the last ends of lines, and by how much the lines are indented, in either order.
    fn block_header(&mut self, start: Mark) -> Result<(Chomp, Option<usize>), Problem> {
        let (mut chomp, mut by) = (None, None);
        loop {
            match self.cursor.first() {
                Some('+') if chomp.is_none() => chomp = Some(Chomp::Keep),
                Some('-') if chomp.is_none() => chomp = Some(Chomp::Strip),
                Some('0') if by.is_none() => {
                    return self.problem(start, "found an indentation indicator equal to 0");
                }
                Some(c @ '1'..='9') if by.is_none() => {
                    by = c.to_digit(10).and_then(|by| usize::try_from(by).ok());
                }
                _ => return Ok((chomp.unwrap_or(Chomp::Clip), by)),
            }
            self.cursor.skip();
        }
    }

    /// Over the blanks in front of a line of a block scalar, and over lines that have nothing else. Where the column of
    /// the scalar is not known yet, the farthest one is taken.
    fn empty_lines(
        &mut self,
        column: &mut Option<usize>,
        ends: &mut String,
        start: Mark,
        end: &mut Mark,
    ) -> Scanned {
        *end = self.cursor.mark;
        let mut farthest = 0;
        loop {
            let is_left = |mark: Mark| column.is_none_or(|column| mark.column < column);
            while is_left(self.cursor.mark) && self.cursor.is_at(' ') {
                self.cursor.skip();
            }
            farthest = farthest.max(self.cursor.mark.column);
            if is_left(self.cursor.mark) && self.cursor.is_at('\t') {
                return self.problem(
                    start,
                    "found a tab character where an indentation space is expected",
                );
            }
            if !ends_line(self.cursor.first()) {
                break;
            }
            let Some(line_end) = self.cursor.skip_break() else {
                break;
            };
            ends.push(line_end);
            *end = self.cursor.mark;
        }
        let least = self.indent.map_or(0, |indent| indent + 1).max(1);
        column.get_or_insert(farthest.max(least));
        Ok(())
    }
}
