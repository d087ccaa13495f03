//! Character classes and escapes of Go's regular expressions.

use super::translate::SyntaxError;

/// A class that no character is in.
pub(super) const NOTHING: &str = r"[^\x{0}-\x{10FFFF}]";
const EVERYTHING: &str = r"[\x{0}-\x{10FFFF}]";

/// A class, written for the `regex` crate.
pub(super) struct Class {
    pub(super) text: String,
    /// Bytes read.
    pub(super) len: usize,
    /// Automaton states, roughly.
    pub(super) cost: u64,
}

/// A member of a class.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// Code points from and to; surrogates may be among them.
    Range(u32, u32),
    /// ASCII ranges in the syntax of a class.
    Ascii { ranges: &'static str, negated: bool },
    /// A category or script.
    Property { name: &'static str, negated: bool },
}

impl Class {
    pub(super) fn of(items: &[Item], negated: bool, fold: bool) -> Class {
        let mut body = String::new();
        let mut cost = 0;
        for item in items {
            cost += match item {
                Item::Range(_, hi) if *hi < 0x80 => 1,
                Item::Range(lo, hi) => 4 + u64::from(hi - lo > 0x800) * 8,
                Item::Ascii { negated: false, .. } => 2,
                Item::Ascii { negated: true, .. } => 12,
                Item::Property { .. } => 800,
            };
            push_item(&mut body, item, items.len() == 1 && !negated);
        }
        if negated {
            cost += 12;
        }
        if fold {
            cost *= 2;
        }
        let text = match (body.as_str(), negated) {
            ("", false) => NOTHING.to_owned(),
            ("", true) => EVERYTHING.to_owned(),
            (body, negated) => {
                let bare = body.starts_with('[') && items.len() == 1 && !negated;
                let not = if negated { "^" } else { "" };
                match (bare, fold) {
                    (true, false) => body.to_owned(),
                    (true, true) => format!("(?i:{body})"),
                    (false, false) => format!("[{not}{body}]"),
                    (false, true) => format!("(?i:[{not}{body}])"),
                }
            }
        };
        Class { text, len: 0, cost }
    }
}

/// `alone`: the item is the whole class, and brackets of its own make it one.
fn push_item(out: &mut String, item: &Item, alone: bool) {
    match item {
        Item::Range(lo, hi) => {
            let surrogates = 0xd800..=0xdfff;
            let lo = if surrogates.contains(lo) { 0xe000 } else { *lo };
            let hi = if surrogates.contains(hi) { 0xd7ff } else { *hi };
            if lo > hi {
                return;
            }
            push_code_point(out, lo);
            if hi > lo {
                out.push('-');
                push_code_point(out, hi);
            }
        }
        Item::Ascii {
            ranges,
            negated: true,
        } => {
            out.push_str("[^");
            out.push_str(ranges);
            out.push(']');
        }
        Item::Ascii {
            ranges,
            negated: false,
        } => out.push_str(ranges),
        Item::Property { name, negated } => {
            if alone {
                out.push('[');
            }
            match (*name, negated) {
                ("Any", false) | ("None", true) => out.push_str(EVERYTHING),
                ("Any", true) | ("None", false) => out.push_str(NOTHING),
                (name, negated) => {
                    out.push_str(if *negated { r"\P{" } else { r"\p{" });
                    out.push_str(name);
                    out.push('}');
                }
            }
            if alone {
                out.push(']');
            }
        }
    }
}

fn push_code_point(out: &mut String, code: u32) {
    match char::from_u32(code) {
        Some(c) if c.is_ascii_alphanumeric() => out.push(c),
        _ => out.push_str(&format!("\\x{{{code:X}}}")),
    }
}

/// A character outside of classes.
pub(super) fn push_literal(out: &mut String, c: char) {
    if c.is_ascii_control() || c == ' ' {
        push_code_point(out, c as u32);
        return;
    }
    if regex_syntax::is_meta_character(c) {
        out.push('\\');
    }
    out.push(c);
}

/// Reads `[...]` at the start of `text`, which goes on to the end of the pattern.
pub(super) fn read(text: &str, fold: bool) -> Result<Class, SyntaxError> {
    let mut rest = &text[1..];
    let negated = rest.starts_with('^');
    if negated {
        rest = &rest[1..];
    }
    let mut items = Vec::new();
    let mut first = true;
    while first || !rest.starts_with(']') {
        first = false;
        if let Some((item, len)) = read_named(rest)? {
            items.push(item);
            rest = &rest[len..];
            continue;
        }
        if let Some((item, len)) = read_group(rest)? {
            items.push(item);
            rest = &rest[len..];
            continue;
        }
        let range = rest;
        let (lo, len) = read_char(rest, text)?;
        rest = &rest[len..];
        let mut hi = lo;
        if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
            let (end, len) = read_char(&rest[1..], text)?;
            rest = &rest[1 + len..];
            hi = end;
            if hi < lo {
                let part = &range[..range.len() - rest.len()];
                return Err(SyntaxError::new("invalid character class range", part));
            }
        }
        items.push(Item::Range(lo, hi));
    }
    let mut class = Class::of(&items, negated, fold);
    class.len = text.len() - rest.len() + 1;
    Ok(class)
}

fn read_char(text: &str, class: &str) -> Result<(u32, usize), SyntaxError> {
    match text.chars().next() {
        None => Err(SyntaxError::new("missing closing ]", class)),
        Some('\\') => read_escape(text),
        Some(c) => Ok((c as u32, c.len_utf8())),
    }
}

/// `[:alpha:]` and `[:^alpha:]`.
fn read_named(text: &str) -> Result<Option<(Item, usize)>, SyntaxError> {
    let Some(inside) = text.strip_prefix("[:").filter(|_| text.len() > 2) else {
        return Ok(None);
    };
    let Some(end) = inside.find(":]") else {
        return Ok(None);
    };
    let len = end + 4;
    let name = &inside[..end];
    let (name, negated) = name
        .strip_prefix('^')
        .map_or((name, false), |name| (name, true));
    let ranges = match name {
        "alnum" => "0-9A-Za-z",
        "alpha" => "A-Za-z",
        "ascii" => r"\x{0}-\x{7F}",
        "blank" => r"\x{9}\x{20}",
        "cntrl" => r"\x{0}-\x{1F}\x{7F}",
        "digit" => "0-9",
        "graph" => r"\x{21}-\x{7E}",
        "lower" => "a-z",
        "print" => r"\x{20}-\x{7E}",
        "punct" => r"\x{21}-\x{2F}\x{3A}-\x{40}\x{5B}-\x{60}\x{7B}-\x{7E}",
        "space" => r"\x{9}-\x{D}\x{20}",
        "upper" => "A-Z",
        "word" => "0-9A-Z_a-z",
        "xdigit" => "0-9A-Fa-f",
        _ => {
            return Err(SyntaxError::new(
                "invalid character class range",
                &text[..len],
            ));
        }
    };
    Ok(Some((Item::Ascii { ranges, negated }, len)))
}

/// `\d`, `\pN`, `\p{Greek}` and their likes, inside classes and out.
pub(super) fn read_group(text: &str) -> Result<Option<(Item, usize)>, SyntaxError> {
    let Some(&letter) = text
        .strip_prefix('\\')
        .and_then(|rest| rest.as_bytes().first())
    else {
        return Ok(None);
    };
    let (ranges, negated) = match letter {
        b'd' | b'D' => ("0-9", letter == b'D'),
        b's' | b'S' => (r"\x{9}\x{A}\x{C}\x{D}\x{20}", letter == b'S'),
        b'w' | b'W' => ("0-9A-Z_a-z", letter == b'W'),
        b'p' | b'P' => return read_property(text, letter == b'P').map(Some),
        _ => return Ok(None),
    };
    Ok(Some((Item::Ascii { ranges, negated }, 2)))
}

fn read_property(text: &str, mut negated: bool) -> Result<(Item, usize), SyntaxError> {
    let invalid = |part| SyntaxError::new("invalid character class range", part);
    let (name, len) = match text[2..].chars().next() {
        Some('{') => {
            let end = text.find('}').ok_or_else(|| invalid(text))?;
            (&text[3..end], end + 1)
        }
        Some(c) => (&text[2..2 + c.len_utf8()], 2 + c.len_utf8()),
        None => ("", 2),
    };
    let name = match name.strip_prefix('^') {
        Some(name) => {
            negated = !negated;
            name
        }
        None => name,
    };
    let item = match canonical(name).as_str() {
        "Any" => Item::Property {
            name: "Any",
            negated,
        },
        "Ascii" => Item::Ascii {
            ranges: r"\x{0}-\x{7F}",
            negated,
        },
        "Assigned" => Item::Property {
            name: "Cn",
            negated: !negated,
        },
        // Surrogates are no characters of a text.
        "Cs" | "Surrogate" => Item::Property {
            name: "None",
            negated,
        },
        name => {
            let name = PROPERTIES
                .iter()
                .find_map(|(known, actual)| (*known == name).then_some(*actual))
                .or_else(|| SCRIPTS.iter().find(|known| **known == name).copied())
                .ok_or_else(|| invalid(&text[..len]))?;
            Item::Property { name, negated }
        }
    };
    Ok((item, len))
}

/// A capital first, then small letters, without `_`, `-` and spaces: how Go looks names up.
fn canonical(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')) {
        out.push(if out.is_empty() {
            c.to_ascii_uppercase()
        } else {
            c.to_ascii_lowercase()
        });
    }
    out
}

/// A backslash and what belongs to it: the code point it stands for, and its length.
pub(super) fn read_escape(text: &str) -> Result<(u32, usize), SyntaxError> {
    let mut chars = text[1..]
        .char_indices()
        .map(|(at, c)| (at + 1 + c.len_utf8(), c));
    let Some((len, c)) = chars.next() else {
        return Err(SyntaxError::new(
            "trailing backslash at end of expression",
            "",
        ));
    };
    let invalid = |len: usize| Err(SyntaxError::new("invalid escape sequence", &text[..len]));
    let octal = |at: usize| {
        text.as_bytes()
            .get(at)
            .filter(|b| (b'0'..=b'7').contains(b))
    };
    match c {
        '1'..='7' if octal(2).is_none() => invalid(len),
        '0'..='7' => {
            let len = 2 + (2..4).take_while(|at| octal(*at).is_some()).count();
            Ok((u32::from_str_radix(&text[1..len], 8).unwrap_or(0), len))
        }
        'x' => {
            let Some((len, c)) = chars.next() else {
                return invalid(len);
            };
            if c != '{' {
                let (len, second) = chars.next().map_or((len, None), |(len, c)| (len, Some(c)));
                let digits = (c.to_digit(16), second.and_then(|c| c.to_digit(16)));
                return match digits {
                    (Some(high), Some(low)) => Ok((high * 16 + low, len)),
                    _ => invalid(len),
                };
            }
            let mut code = 0;
            let mut end = len;
            for (len, c) in chars {
                let empty = end == 3;
                end = len;
                if c == '}' {
                    return if empty { invalid(len) } else { Ok((code, len)) };
                }
                let Some(digit) = c.to_digit(16) else {
                    return invalid(len);
                };
                code = code * 16 + digit;
                if code > 0x10_ffff {
                    return invalid(len);
                }
            }
            invalid(end)
        }
        'a' => Ok((0x7, len)),
        'f' => Ok((0xc, len)),
        'n' => Ok((0xa, len)),
        'r' => Ok((0xd, len)),
        't' => Ok((0x9, len)),
        'v' => Ok((0xb, len)),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok((c as u32, len)),
        _ => invalid(len),
    }
}

/// Categories as Go knows them, by canonical name, and their names here.
const PROPERTIES: &[(&str, &str)] = &[
    ("C", "C"),
    ("Cc", "Cc"),
    ("Cf", "Cf"),
    ("Cn", "Cn"),
    ("Co", "Co"),
    ("L", "L"),
    ("Lc", "LC"),
    ("Ll", "Ll"),
    ("Lm", "Lm"),
    ("Lo", "Lo"),
    ("Lt", "Lt"),
    ("Lu", "Lu"),
    ("M", "M"),
    ("Mc", "Mc"),
    ("Me", "Me"),
    ("Mn", "Mn"),
    ("N", "N"),
    ("Nd", "Nd"),
    ("Nl", "Nl"),
    ("No", "No"),
    ("P", "P"),
    ("Pc", "Pc"),
    ("Pd", "Pd"),
    ("Pe", "Pe"),
    ("Pf", "Pf"),
    ("Pi", "Pi"),
    ("Po", "Po"),
    ("Ps", "Ps"),
    ("S", "S"),
    ("Sc", "Sc"),
    ("Sk", "Sk"),
    ("Sm", "Sm"),
    ("So", "So"),
    ("Z", "Z"),
    ("Zl", "Zl"),
    ("Zp", "Zp"),
    ("Zs", "Zs"),
    ("Casedletter", "LC"),
    ("Closepunctuation", "Pe"),
    ("Combiningmark", "M"),
    ("Connectorpunctuation", "Pc"),
    ("Control", "Cc"),
    ("Currencysymbol", "Sc"),
    ("Dashpunctuation", "Pd"),
    ("Decimalnumber", "Nd"),
    ("Enclosingmark", "Me"),
    ("Finalpunctuation", "Pf"),
    ("Format", "Cf"),
    ("Initialpunctuation", "Pi"),
    ("Letter", "L"),
    ("Letternumber", "Nl"),
    ("Lineseparator", "Zl"),
    ("Lowercaseletter", "Ll"),
    ("Mark", "M"),
    ("Mathsymbol", "Sm"),
    ("Modifierletter", "Lm"),
    ("Modifiersymbol", "Sk"),
    ("Nonspacingmark", "Mn"),
    ("Number", "N"),
    ("Openpunctuation", "Ps"),
    ("Other", "C"),
    ("Otherletter", "Lo"),
    ("Othernumber", "No"),
    ("Otherpunctuation", "Po"),
    ("Othersymbol", "So"),
    ("Paragraphseparator", "Zp"),
    ("Privateuse", "Co"),
    ("Punctuation", "P"),
    ("Separator", "Z"),
    ("Spaceseparator", "Zs"),
    ("Spacingmark", "Mc"),
    ("Symbol", "S"),
    ("Titlecaseletter", "Lt"),
    ("Unassigned", "Cn"),
    ("Uppercaseletter", "Lu"),
    ("Cntrl", "Cc"),
    ("Digit", "Nd"),
    ("Punct", "P"),
];

/// Scripts that Go finds. Those of several words have underscores in its table, which canonical
/// names lack: it knows none of them.
const SCRIPTS: &[&str] = &[
    "Adlam",
    "Ahom",
    "Arabic",
    "Armenian",
    "Avestan",
    "Balinese",
    "Bamum",
    "Batak",
    "Bengali",
    "Bhaiksuki",
    "Bopomofo",
    "Brahmi",
    "Braille",
    "Buginese",
    "Buhid",
    "Carian",
    "Chakma",
    "Cham",
    "Cherokee",
    "Chorasmian",
    "Common",
    "Coptic",
    "Cuneiform",
    "Cypriot",
    "Cyrillic",
    "Deseret",
    "Devanagari",
    "Dogra",
    "Duployan",
    "Elbasan",
    "Elymaic",
    "Ethiopic",
    "Georgian",
    "Glagolitic",
    "Gothic",
    "Grantha",
    "Greek",
    "Gujarati",
    "Gurmukhi",
    "Han",
    "Hangul",
    "Hanunoo",
    "Hatran",
    "Hebrew",
    "Hiragana",
    "Inherited",
    "Javanese",
    "Kaithi",
    "Kannada",
    "Katakana",
    "Kawi",
    "Kharoshthi",
    "Khmer",
    "Khojki",
    "Khudawadi",
    "Lao",
    "Latin",
    "Lepcha",
    "Limbu",
    "Lisu",
    "Lycian",
    "Lydian",
    "Mahajani",
    "Makasar",
    "Malayalam",
    "Mandaic",
    "Manichaean",
    "Marchen",
    "Medefaidrin",
    "Miao",
    "Modi",
    "Mongolian",
    "Mro",
    "Multani",
    "Myanmar",
    "Nabataean",
    "Nandinagari",
    "Newa",
    "Nko",
    "Nushu",
    "Ogham",
    "Oriya",
    "Osage",
    "Osmanya",
    "Palmyrene",
    "Phoenician",
    "Rejang",
    "Runic",
    "Samaritan",
    "Saurashtra",
    "Sharada",
    "Shavian",
    "Siddham",
    "Sinhala",
    "Sogdian",
    "Soyombo",
    "Sundanese",
    "Syriac",
    "Tagalog",
    "Tagbanwa",
    "Takri",
    "Tamil",
    "Tangsa",
    "Tangut",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
    "Tifinagh",
    "Tirhuta",
    "Toto",
    "Ugaritic",
    "Vai",
    "Vithkuqi",
    "Wancho",
    "Yezidi",
    "Yi",
];
