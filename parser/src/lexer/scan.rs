//! Text to raw tokens, with comments and template strings split off.

use logos::Logos;

use super::keyword::Keyword;
use super::token::{RawKind, RawToken};

/// The raw tokens and the comments of a text.
#[derive(Debug, Default)]
pub struct Scanned {
    /// Tokens without comments.
    pub tokens: Vec<RawToken>,
    /// Byte ranges of comments, `#` included.
    pub comments: Vec<(u32, u32)>,
    /// Places of templates in back quotes, to know their parts: the kind of each template token in
    /// the order of the tokens.
    pub raw_templates: Vec<bool>,
}

/// A hole of a template string that is open.
struct Hole {
    raw: bool,
    braces: u32,
}

/// Splits a text; `None` if some of it is no token. What exactly is wrong then is found by
/// [`crate::explain`].
pub fn scan(text: &str) -> Option<Scanned> {
    let start = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    if text.as_bytes().contains(&0) || text[start..].contains('\u{feff}') {
        return None;
    }
    // Policies have a token for every four to six bytes.
    let mut scanned = Scanned {
        tokens: Vec::with_capacity(text.len() / 4),
        ..Scanned::default()
    };
    let mut holes: Vec<Hole> = Vec::new();
    let mut lexer = RawKind::lexer(text);
    lexer.bump(start);
    while let Some(kind) = lexer.next() {
        let kind = kind.ok()?;
        let span = lexer.span();
        let (start, mut end) = (span.start, span.end);
        let mut keyword = None;
        let kind = match kind {
            RawKind::Comment => {
                scanned.comments.push((start as u32, end as u32));
                continue;
            }
            RawKind::TemplateQuote => {
                let raw = text.as_bytes()[start + 1] == b'`';
                let (length, hole) = template_part(&text[end..], raw)?;
                lexer.bump(length);
                end += length;
                if hole {
                    holes.push(Hole { raw, braces: 0 });
                }
                scanned.raw_templates.push(raw);
                if hole {
                    RawKind::TemplateStart
                } else {
                    RawKind::TemplateWhole
                }
            }
            RawKind::LBrace => {
                if let Some(hole) = holes.last_mut() {
                    hole.braces += 1;
                }
                kind
            }
            RawKind::RBrace => match holes.last_mut() {
                Some(hole) if hole.braces == 0 => {
                    let raw = hole.raw;
                    let (length, again) = template_part(&text[end..], raw)?;
                    lexer.bump(length);
                    end += length;
                    if !again {
                        holes.pop();
                    }
                    scanned.raw_templates.push(raw);
                    if again {
                        RawKind::TemplateMiddle
                    } else {
                        RawKind::TemplateEnd
                    }
                }
                Some(hole) => {
                    hole.braces -= 1;
                    kind
                }
                None => kind,
            },
            RawKind::Word | RawKind::Number => {
                // `0a1` is one malformed number and not two tokens, as is `1.`
                if let Some(last) = scanned.tokens.last()
                    && last.kind == RawKind::Number
                    && last.end as usize == start
                {
                    return None;
                }
                // Digits of other scripts continue an identifier in OPA.
                if text
                    .as_bytes()
                    .get(end)
                    .is_some_and(|byte| !byte.is_ascii())
                    && text[end..].chars().next().is_some_and(char::is_numeric)
                {
                    return None;
                }
                if kind == RawKind::Word {
                    keyword = Keyword::of(&text[start..end]);
                }
                kind
            }
            RawKind::Dot => {
                if let Some(last) = scanned.tokens.last()
                    && last.kind == RawKind::Number
                    && last.end as usize == start
                {
                    return None;
                }
                kind
            }
            _ => kind,
        };
        scanned.tokens.push(RawToken {
            kind,
            keyword,
            start: start as u32,
            end: end as u32,
        });
    }
    if holes.is_empty() {
        Some(scanned)
    } else {
        None
    }
}

/// The length of the literal part that starts here, its closing quote or `{` included, and whether
/// a hole follows.
fn template_part(rest: &str, raw: bool) -> Option<(usize, bool)> {
    let bytes = rest.as_bytes();
    let mut at = 0;
    loop {
        match *bytes.get(at)? {
            b'`' if raw => return Some((at + 1, false)),
            b'"' if !raw => return Some((at + 1, false)),
            b'{' => return Some((at + 1, true)),
            b'\n' if !raw => return None,
            b'\\' if raw => {
                at += if bytes.get(at + 1) == Some(&b'{') {
                    2
                } else {
                    1
                }
            }
            b'\\' => match *bytes.get(at + 1)? {
                b'\\' | b'"' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'{' => at += 2,
                b'u' => {
                    let digits = bytes.get(at + 2..at + 6)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return None;
                    }
                    at += 6;
                }
                _ => return None,
            },
            _ => at += 1,
        }
    }
}
