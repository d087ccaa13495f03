//! Directives, anchors and tags.

use super::{Kind, Scanned, Scanner};
use crate::yaml::cursor::{Mark, ends_line, ends_word, is_letter};
use crate::yaml::problem::Problem;

/// Digits of a version, at most.
const VERSION_DIGITS: usize = 2;

/// What tags are made of, beside letters.
const TAG_MARKS: &str = ";/?:@&=+$,.!~*'()[]";

impl<'t> Scanner<'t> {
    /// A line that begins with `%`.
    pub(super) fn directive(&mut self) -> Scanned {
        let start = self.cursor.mark;
        self.cursor.skip();
        let name = self.cursor.skip_while(is_letter);
        if name.is_empty() {
            return self.problem(start, "could not find expected directive name");
        }
        if !ends_word(self.cursor.first()) {
            return self.problem(start, "found unexpected non-alphabetical character");
        }
        let kind = match name {
            "YAML" => self.version(start)?,
            "TAG" => self.tag_directive(start)?,
            _ => return self.problem(start, "found unknown directive name"),
        };
        let end = self.cursor.mark;
        self.rest_of_mark(start)?;
        self.push(kind, start);
        if let Some(token) = self.queue.back_mut() {
            token.end = end;
        }
        Ok(())
    }

    /// Nothing but a comment may stand behind a directive, and behind the mark of a block scalar.
    pub(super) fn rest_of_mark(&mut self, start: Mark) -> Scanned {
        self.cursor.skip_blanks();
        if self.cursor.is_at('#') {
            self.cursor.skip_rest_of_line();
        }
        if !ends_line(self.cursor.first()) {
            return self.problem(start, "did not find expected comment or line break");
        }
        self.cursor.skip_break();
        Ok(())
    }

    fn version(&mut self, start: Mark) -> Result<Kind<'t>, Problem> {
        self.cursor.skip_blanks();
        let major = self.version_number(start)?;
        if !self.cursor.is_at('.') {
            return self.problem(start, "did not find expected digit or '.' character");
        }
        self.cursor.skip();
        let minor = self.version_number(start)?;
        Ok(Kind::Version(major, minor))
    }

    fn version_number(&mut self, start: Mark) -> Result<u8, Problem> {
        let mut number = 0;
        let mut digits = 0;
        while let Some(digit) = self.cursor.first().and_then(|c| c.to_digit(10)) {
            digits += 1;
            if digits > VERSION_DIGITS {
                return self.problem(start, "found extremely long version number");
            }
            number = number * 10 + u8::try_from(digit).unwrap_or(0);
            self.cursor.skip();
        }
        if digits == 0 {
            return self.problem(start, "did not find expected version number");
        }
        Ok(number)
    }

    fn tag_directive(&mut self, start: Mark) -> Result<Kind<'t>, Problem> {
        self.cursor.skip_blanks();
        let handle = self.tag_handle(start, true)?;
        if !self.cursor.first().is_some_and(|c| matches!(c, ' ' | '\t')) {
            return self.problem(start, "did not find expected whitespace");
        }
        self.cursor.skip_blanks();
        let prefix = self.tag_text(start, "")?;
        if !ends_word(self.cursor.first()) {
            return self.problem(start, "did not find expected whitespace or line break");
        }
        Ok(Kind::TagDirective(handle, prefix))
    }

    /// A name, of a value to come or of one that was.
    pub(super) fn anchor(&mut self, alias: bool) -> Scanned {
        self.key_allowed = false;
        let start = self.cursor.mark;
        self.cursor.skip();
        let name = self.cursor.skip_while(is_letter);
        let next = self.cursor.first();
        let ends = next.is_some_and(|c| matches!(c, '?' | ':' | ',' | ']' | '}' | '%' | '@' | '`'));
        if name.is_empty() || !(ends || ends_word(next)) {
            return self.problem(
                start,
                "did not find expected alphabetic or numeric character",
            );
        }
        let kind = if alias { Kind::Alias } else { Kind::Anchor };
        self.push(kind(name), start);
        Ok(())
    }

    pub(super) fn tag(&mut self) -> Scanned {
        self.key_allowed = false;
        let start = self.cursor.mark;
        let kind = if self.cursor.ahead(1) == Some('<') {
            self.cursor.skip_many(2);
            let whole = self.tag_text(start, "")?;
            if !self.cursor.is_at('>') {
                return self.problem(start, "did not find the expected '>'");
            }
            self.cursor.skip();
            Kind::Tag("", whole)
        } else {
            let handle = self.tag_handle(start, false)?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.tag_text(start, "")?;
                Kind::Tag(handle, suffix)
            } else {
                let suffix = self.tag_text(start, handle)?;
                match suffix.is_empty() {
                    true => Kind::Tag("", "!".to_owned()),
                    false => Kind::Tag("!", suffix),
                }
            }
        };
        if !ends_word(self.cursor.first()) {
            return self.problem(start, "did not find expected whitespace or line break");
        }
        self.push(kind, start);
        Ok(())
    }

    /// `!`, letters, and perhaps a second `!`.
    fn tag_handle(&mut self, start: Mark, of_directive: bool) -> Result<&'t str, Problem> {
        let from = self.cursor.offset();
        if !self.cursor.is_at('!') {
            return self.problem(start, "did not find expected '!'");
        }
        self.cursor.skip();
        self.cursor.skip_while(is_letter);
        if self.cursor.is_at('!') {
            self.cursor.skip();
        } else if of_directive && self.cursor.since(from) != "!" {
            return self.problem(start, "did not find expected '!'");
        }
        Ok(self.cursor.since(from))
    }

    /// The rest of a tag that begins with `head`, of which the first character does not count.
    fn tag_text(&mut self, start: Mark, head: &str) -> Result<String, Problem> {
        let mut octets = head.as_bytes().get(1..).unwrap_or_default().to_vec();
        let mut is_empty = head.is_empty();
        while let Some(c) = self.cursor.first() {
            if c == '%' {
                self.escaped_octets(start, &mut octets)?;
            } else if is_letter(c) || TAG_MARKS.contains(c) {
                octets.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
                self.cursor.skip();
            } else {
                break;
            }
            is_empty = false;
        }
        if is_empty {
            return self.problem(start, "did not find expected tag URI");
        }
        Ok(String::from_utf8_lossy(&octets).into_owned())
    }

    /// The octets of one character, each as `%` with two digits.
    fn escaped_octets(&mut self, start: Mark, octets: &mut Vec<u8>) -> Scanned {
        let mut expected = 1;
        let mut count = 0;
        while count < expected {
            let digits = [1, 2].map(|n| self.cursor.ahead(n).and_then(|c| c.to_digit(16)));
            let ([Some(high), Some(low)], true) = (digits, self.cursor.is_at('%')) else {
                return self.problem(start, "did not find URI escaped octet");
            };
            let octet = u8::try_from(high << 4 | low).unwrap_or(0);
            if count == 0 {
                expected = match octet.leading_ones() {
                    0 => 1,
                    ones @ 2..=4 => ones,
                    _ => return self.problem(start, "found an incorrect leading UTF-8 octet"),
                };
            } else if octet.leading_ones() != 1 {
                return self.problem(start, "found an incorrect trailing UTF-8 octet");
            }
            octets.push(octet);
            self.cursor.skip_many(3);
            count += 1;
        }
        Ok(())
    }
}
