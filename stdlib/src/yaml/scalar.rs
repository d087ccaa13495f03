//! In which style a text is written: plain where it stays the text that it is, else in quotes or as a block of lines.

use std::sync::LazyLock;

use regex::Regex;
use regovm_core::yaml::{Resolved, is_old_boolean, resolve};

/// Ways to write a scalar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// Lines behind a `|`.
    Literal,
}

/// What a text allows.
pub(super) struct Traits {
    /// It has line ends.
    pub(super) multiline: bool,
    plain: bool,
    single_quoted: bool,
    literal: bool,
}

/// Ends of lines, some of which are rarely seen.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Characters that need no escape. Those beyond 16 bits do.
pub(super) fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{fffd}') && c != '\u{feff}'
}

impl Traits {
    pub(super) fn of(text: &str) -> Traits {
        if text.is_empty() {
            return Traits {
                multiline: false,
                plain: true,
                single_quoted: true,
                literal: false,
            };
        }
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut breaks, mut special, mut tabs) = (false, false, false);
        let (mut break_space, mut space_break) = (false, false);
        let mut before = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let blank_follows = chars.peek().is_none_or(|next| matches!(next, ' ' | '\t'));
            let blank_precedes =
                before.is_none_or(|c| matches!(c, ' ' | '\t' | '\0') || is_break(c));
            indicators |= match c {
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
                | '@' | '`' => before.is_none(),
                '?' | '-' => before.is_none() && blank_follows,
                ':' => blank_follows,
                '#' => blank_precedes,
                _ => false,
            };
            tabs |= c == '\t';
            special |= c != '\t' && !is_printable(c);
            breaks |= is_break(c);
            break_space |= c == ' ' && before.is_some_and(is_break);
            space_break |= is_break(c) && before == Some(' ');
            before = Some(c);
        }
        let edge = |c: Option<char>| c.is_some_and(|c| c == ' ' || is_break(c));
        let edges = edge(text.chars().next()) || edge(before);
        let unfit = space_break || special;
        Traits {
            multiline: breaks,
            plain: !(edges || breaks || break_space || unfit || tabs || indicators),
            single_quoted: !(break_space || unfit || tabs),
            literal: !(unfit || before == Some(' ')),
        }
    }

    /// The style, given the one that is wanted. Keys in front of a colon are on one line.
    pub(super) fn style(&self, wanted: Style, simple_key: bool) -> Style {
        let mut style = wanted;
        if simple_key && self.multiline {
            style = Style::DoubleQuoted;
        }
        if style == Style::Plain && !self.plain {
            style = Style::SingleQuoted;
        }
        match style {
            Style::SingleQuoted if !self.single_quoted => Style::DoubleQuoted,
            Style::Literal if !self.literal || simple_key => Style::DoubleQuoted,
            style => style,
        }
    }
}

/// The style that a text asks for by what it says.
pub(super) fn wanted(text: &str) -> Style {
    if text.contains('\n') {
        Style::Literal
    } else if says_text(text) {
        Style::Plain
    } else {
        Style::DoubleQuoted
    }
}

/// Whether a plain scalar means the text itself, in YAML 1.1 too.
fn says_text(text: &str) -> bool {
    static BASE_60: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$").ok());
    let is_base_60 = || {
        text.contains(':')
            && BASE_60
                .as_ref()
                .is_some_and(|pattern| pattern.is_match(text))
    };
    matches!(resolve(text), Resolved::Text(_))
        && !is_old_boolean(text)
        && !is_base_60()
        && !is_timestamp(text)
}

/// A date, perhaps with a time: with a zone behind a `T`, or without one behind spaces.
fn is_timestamp(text: &str) -> bool {
    static TIMESTAMP: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let time = r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?";
        Regex::new(&format!(
            r"^([0-9]{{4}})-([0-9]{{1,2}})-([0-9]{{1,2}})(?:[Tt]{time}(?:Z|[+-]([0-9]{{2}}):([0-9]{{2}}))| +{time})?$"
        ))
        .ok()
    });
    let looks_like_one = text.as_bytes().get(4) == Some(&b'-')
        && text.as_bytes()[..4].iter().all(u8::is_ascii_digit);
    if !looks_like_one {
        return false;
    }
    let Some(parts) = TIMESTAMP
        .as_ref()
        .and_then(|pattern| pattern.captures(text))
    else {
        return false;
    };
    let part = |i: usize| -> u32 {
        let part = parts.get(i).and_then(|part| part.as_str().parse().ok());
        part.unwrap_or(0)
    };
    let (year, month, day) = (part(1), part(2), part(3));
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 0,
    };
    let time_fits = |hour| part(hour) < 24 && part(hour + 1) < 60 && part(hour + 2) < 60;
    let zone_fits = part(7) <= 24 && part(8) <= 60;
    (1..=days).contains(&day) && time_fits(4) && zone_fits && time_fits(9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles() {
        for (text, want) in [
            ("a b", Style::Plain),
            ("", Style::DoubleQuoted),
            ("yes", Style::DoubleQuoted),
            ("1", Style::DoubleQuoted),
            ("1:30", Style::DoubleQuoted),
            ("<<", Style::Plain),
            ("2020-02-29", Style::DoubleQuoted),
            ("2021-02-29", Style::Plain),
            ("2021-1-1T1:2:3,5+24:00", Style::DoubleQuoted),
            ("2021-1-1  1:2:3", Style::DoubleQuoted),
            ("2021-1-1T1:2:3", Style::Plain),
            (" a", Style::SingleQuoted),
            ("a: b", Style::SingleQuoted),
            ("a #b", Style::SingleQuoted),
            ("a:b#c", Style::Plain),
            ("- a", Style::SingleQuoted),
            ("-a", Style::Plain),
            ("a\tb", Style::DoubleQuoted),
            ("a\nb", Style::Literal),
            ("a\tb\nc", Style::Literal),
            ("a \nb", Style::DoubleQuoted),
            ("a\nb ", Style::DoubleQuoted),
            ("😀", Style::DoubleQuoted),
            ("a\u{2028}b", Style::SingleQuoted),
        ] {
            assert_eq!(
                Traits::of(text).style(wanted(text), false),
                want,
                "{text:?}"
            );
        }
    }
}
