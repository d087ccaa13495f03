//! Mail addresses as Go's `net/mail` reads them: RFC 5322 with display names, groups and comments.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::net::IpAddr;

/// Whether the text is one address.
pub(super) fn is_address(text: &str) -> bool {
    let mut reader = Reader { rest: text };
    reader.address(true) == Some(1) && reader.skip_comments().is_some() && reader.rest.is_empty()
}

struct Reader<'t> {
    rest: &'t str,
}

fn is_visible(c: char) -> bool {
    !c.is_ascii() || c.is_ascii_graphic()
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// A character of an atom, dots included.
fn is_atom(c: char) -> bool {
    is_visible(c) && !"()<>[]:;@\\,\"".contains(c)
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches(is_space);
    }

    fn take(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(c)?;
        Some(())
    }

    /// Takes an address or a group; gives how many addresses it has.
    fn address(&mut self, group_allowed: bool) -> Option<usize> {
        self.skip_space();
        let start = self.rest;
        if self.plain_address().is_some() {
            self.skip_space();
            if self.rest.starts_with('(') {
                self.name_in_comment()?;
            }
            return Some(1);
        }
        self.rest = start;
        if start.is_empty() {
            return None;
        }
        if !start.starts_with('<') {
            self.phrase()?;
        }
        self.skip_space();
        if group_allowed && self.take(':').is_some() {
            return self.group();
        }
        self.take('<')?;
        self.plain_address()?;
        self.take('>')?;
        Some(1)
    }

    fn group(&mut self) -> Option<usize> {
        self.skip_space();
        if self.take(';').is_some() {
            self.skip_comments()?;
            return Some(0);
        }
        let mut count = 0;
        loop {
            count += self.address(false)?;
            self.skip_comments()?;
            if self.take(';').is_some() {
                self.skip_comments()?;
                return Some(count);
            }
            self.take(',')?;
        }
    }

    /// `local@domain`
    fn plain_address(&mut self) -> Option<()> {
        self.skip_space();
        if self.rest.starts_with('"') {
            self.quoted_string().filter(|empty| !empty)?;
        } else {
            self.dotted_atom()?;
        }
        self.take('@')?;
        self.skip_space();
        if self.take('[').is_none() {
            return self.dotted_atom();
        }
        let (literal, rest) = self.rest.split_once(']')?;
        literal.parse::<IpAddr>().ok()?;
        self.rest = rest;
        Some(())
    }

    fn dotted_atom(&mut self) -> Option<()> {
        let atom = self.atom()?;
        let misplaced = atom.starts_with('.') || atom.ends_with('.') || atom.contains("..");
        (!misplaced).then_some(())
    }

    fn atom(&mut self) -> Option<&str> {
        let end = self.rest.find(|c| !is_atom(c)).unwrap_or(self.rest.len());
        let (atom, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!atom.is_empty()).then_some(atom)
    }

    /// Gives if it is empty.
    fn quoted_string(&mut self) -> Option<bool> {
        let mut escaped = false;
        for (at, c) in self.rest.char_indices().skip(1) {
            match c {
                '"' if !escaped => {
                    self.rest = &self.rest[at + 1..];
                    return Some(at == 1);
                }
                '\\' if !escaped => escaped = true,
                c if is_visible(c) || is_space(c) => escaped = false,
                _ => return None,
            }
        }
        None
    }

    /// A display name: words. What is wrong after the first one is for the caller to meet.
    fn phrase(&mut self) -> Option<()> {
        let mut words = 0;
        loop {
            if words > 0 {
                self.skip_comments()?;
            }
            self.skip_space();
            let word = if self.rest.is_empty() {
                return Some(());
            } else if self.rest.starts_with('"') {
                self.quoted_string().map(|_| ())
            } else {
                self.atom().filter(|word| !is_foreign(word)).map(|_| ())
            };
            match word {
                Some(()) => words += 1,
                None => return (words > 0).then_some(()),
            }
        }
    }

    fn skip_comments(&mut self) -> Option<()> {
        self.skip_space();
        while self.rest.starts_with('(') {
            self.comment()?;
            self.skip_space();
        }
        Some(())
    }

    fn name_in_comment(&mut self) -> Option<()> {
        let comment = self.comment()?;
        let mut words = comment.split(is_space);
        (!words.any(is_foreign)).then_some(())
    }

    /// Comments nest. Gives the text within the parentheses.
    fn comment(&mut self) -> Option<&str> {
        let (mut depth, mut escaped) = (0_usize, false);
        for (at, c) in self.rest.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let (comment, rest) = self.rest.split_at(at + 1);
                self.rest = rest;
                return comment.get(1..at);
            }
        }
        None
    }
}

/// An encoded word (RFC 2047) in a character set that Go does not decode.
fn is_foreign(word: &str) -> bool {
    let inner = word
        .strip_prefix("=?")
        .and_then(|word| word.strip_suffix("?="));
    let parts: Vec<_> = inner.unwrap_or("").split('?').collect();
    let [charset, encoding, text] = parts[..] else {
        return false;
    };
    let known = ["utf-8", "iso-8859-1", "us-ascii"];
    let decodes = match encoding {
        "b" | "B" => STANDARD.decode(text).is_ok(),
        "q" | "Q" => {
            let hex = |rest: &str| {
                rest.get(..2)
                    .is_some_and(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
            };
            text.split('=').skip(1).all(hex)
        }
        _ => false,
    };
    decodes
        && !charset.is_empty()
        && !known
            .iter()
            .any(|known| charset.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn addresses() {
        for text in [
            "a@b",
            "a.b@c.d",
            "\"x y\"@z",
            "Joe Q. Public <j@x>",
            "<a@b>",
            "a@b (a comment (in it))",
            "g: a@b;",
            "a@[1.2.3.4]",
            "=?utf-8?q?J=C3=B6rg?= <j@x>",
        ] {
            assert!(is_address(text), "{text}");
        }
        for text in [
            "",
            "a",
            "a@",
            "@b",
            "a..b@c",
            "a@b, c@d",
            "g:;",
            "a@[x]",
            "a b@c",
            "a@b (",
            "=?koi8-r?q?x?= <j@x>",
        ] {
            assert!(!is_address(text), "{text}");
        }
    }
}
