//! The text of string literals.

/// Undoes the escapes of JSON; `None` if they are malformed. Lone surrogates become U+FFFD.
pub fn unescape(inner: &str) -> Option<String> {
    if !inner.contains('\\') {
        return Some(inner.to_string());
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            // A string with escapes is read as JSON, which has no raw control characters.
            if c < ' ' {
                return None;
            }
            out.push(c);
            continue;
        }
        match chars.next()? {
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => {
                let first = four_digits(&mut chars)?;
                let second = if (0xD800..0xDC00).contains(&first) {
                    let mut ahead = chars.clone();
                    (ahead.next() == Some('\\') && ahead.next() == Some('u'))
                        .then(|| four_digits(&mut ahead))
                        .flatten()
                        .filter(|second| (0xDC00..0xE000).contains(second))
                        .inspect(|_| chars = ahead)
                } else {
                    None
                };
                out.push(match second {
                    Some(second) => {
                        char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
                            .unwrap_or('\u{fffd}')
                    }
                    None => char::from_u32(first).unwrap_or('\u{fffd}'),
                });
            }
            c @ ('"' | '\\' | '/') => out.push(c),
            _ => return None,
        }
    }
    Some(out)
}

fn four_digits(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    let mut code = 0;
    for _ in 0..4 {
        code = code * 16 + chars.next()?.to_digit(16)?;
    }
    Some(code)
}

/// The text of one part of a template string, between its delimiters.
pub fn template_text(inner: &str, raw: bool) -> Option<String> {
    if raw {
        return Some(inner.replace("\\{", "{"));
    }
    if !inner.contains("\\{") {
        return unescape(inner);
    }
    // `\{` is no escape of JSON; a backslash that is itself escaped does not escape the brace.
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' {
            match chars.next() {
                Some('{') => plain.push('{'),
                Some(next) => {
                    plain.push('\\');
                    plain.push(next);
                }
                None => plain.push('\\'),
            }
        } else {
            plain.push(c);
        }
    }
    unescape(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(unescape(r"a\n\u0041\/").as_deref(), Some("a\nA/"));
        assert_eq!(unescape(r"\ud83d\ude00").as_deref(), Some("\u{1f600}"));
        assert_eq!(unescape(r"\ud83dx").as_deref(), Some("\u{fffd}x"));
        assert_eq!(unescape("\tno escapes").as_deref(), Some("\tno escapes"));
        assert_eq!(unescape("\t\\n"), None);
        assert_eq!(unescape(r"\q"), None);
    }

    #[test]
    fn template_braces() {
        assert_eq!(template_text(r"a\{b\\", false).as_deref(), Some(r"a{b\"));
        assert_eq!(template_text(r"a\{b\n", true).as_deref(), Some(r"a{b\n"));
    }
}
