//! From Go's regular expressions to those of the `regex` crate.
//!
//! Both descend from RE2 and choose the same match. They differ in what they accept and in what
//! `\d`, `\w`, `\s` and `\b` mean (ASCII in Go), in flags, in names of groups, in limits, and in
//! the words of their errors. A pattern is read by Go's rules and written anew with every flag
//! and class spelled out, so that nothing is left to the other side's defaults.

use std::collections::HashMap;

use regovm_core::work;

use super::classes::{self, Item};

/// Go's limit on counted repetition, also nested.
const MAX_REPEAT: u64 = 1000;
/// Go's limit on the depth of the tree.
const MAX_HEIGHT: u32 = 1000;
/// Go's limit on compiled instructions.
const MAX_SIZE: u64 = (128 << 20) / 40;

/// How much work a piece of a pattern makes.
const PIECE_EFFORT: u64 = 16;

/// A pattern in the syntax of the `regex` crate.
#[derive(Debug)]
pub(crate) struct Translation {
    pub(crate) pattern: String,
    /// Names of the groups, from group 1 on. Go allows a name twice and at will of digits.
    pub(crate) names: Vec<Option<String>>,
    /// What compiling it costs, roughly in automaton states.
    pub(crate) cost: u64,
    /// The same pattern in pieces, for [`super::program`].
    pub(super) pieces: Vec<Piece>,
    /// Classes that pieces name, in the syntax of the `regex` crate.
    pub(super) classes: Vec<String>,
}

/// A piece of a pattern, in the order of the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Piece {
    Char(char),
    /// One character of a class.
    Class(u32),
    Assert(Assertion),
    /// `|`
    Bar,
    /// A group opens, with its number if it captures.
    Open(Option<u32>),
    Close,
    /// An operator behind what it repeats.
    Repeat(Repetition),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Repetition {
    pub(super) min: u16,
    pub(super) max: Option<u16>,
    pub(super) lazy: bool,
}

/// What can be asked of a place between characters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Assertion {
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordEdge,
    NoWordEdge,
}

impl Assertion {
    /// In the syntax of the `regex` crate.
    fn text(self) -> &'static str {
        match self {
            Assertion::TextStart => r"\A",
            Assertion::TextEnd => r"\z",
            Assertion::LineStart => "(?m:^)",
            Assertion::LineEnd => "(?m:$)",
            Assertion::WordEdge => r"(?-u:\b)",
            Assertion::NoWordEdge => r"(?-u:\B)",
        }
    }
}

/// Why Go rejects a pattern, and the part of the pattern it blames.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) reason: &'static str,
    pub(crate) part: String,
}

impl SyntaxError {
    pub(crate) fn new(reason: &'static str, part: &str) -> SyntaxError {
        SyntaxError {
            reason,
            part: part.to_owned(),
        }
    }

    pub(crate) fn too_large(pattern: &str) -> SyntaxError {
        SyntaxError::new("expression too large", pattern)
    }
}

impl std::fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error parsing regexp: {}: `{}`", self.reason, self.part)
    }
}

/// Reads a pattern by Go's rules. What it gives means nothing if there was no point in going on.
pub(crate) fn translate(pattern: &str) -> Result<Translation, SyntaxError> {
    let mut reader = Reader {
        whole: pattern,
        rest: pattern,
        out: String::with_capacity(pattern.len() + 16),
        names: Vec::new(),
        groups: Vec::new(),
        flags: Flags::default(),
        branch: Branch::default(),
        pieces: Vec::new(),
        classes: HashMap::new(),
    };
    reader.read()?;
    let total = reader.branch.alternation();
    let mut classes = vec![String::new(); reader.classes.len()];
    for (text, index) in reader.classes {
        classes[index as usize] = text;
    }
    Ok(Translation {
        pattern: reader.out,
        names: reader.names,
        cost: total.cost,
        pieces: reader.pieces,
        classes,
    })
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Flags {
    /// `i`
    fold: bool,
    /// `m`
    multi_line: bool,
    /// `s`
    dot_newline: bool,
    /// `U`
    swap_greed: bool,
}

/// What is known of a part, for the limits.
#[derive(Clone, Copy)]
struct Summary {
    /// Instructions in Go.
    size: u64,
    height: u32,
    /// Product of nested counted repetitions on the worst path.
    copies: u64,
    /// Automaton states here.
    cost: u64,
}

impl Summary {
    fn atom(cost: u64) -> Summary {
        Summary {
            size: 1,
            height: 1,
            copies: 1,
            cost,
        }
    }
}

/// The last thing a repetition operator can apply to.
#[derive(Clone, Copy)]
struct Atom {
    /// Where it starts in the output.
    start: usize,
    repeated: bool,
    summary: Summary,
}

/// The state of one group: finished alternatives and the one being read.
#[derive(Clone, Default)]
struct Branch {
    last: Option<Atom>,
    /// Atoms before the last one.
    before: Option<Summary>,
    alternatives: Option<Summary>,
}

impl Branch {
    fn push(&mut self, atom: Atom) {
        self.before = self.concatenation_or_none();
        self.last = Some(atom);
    }

    fn concatenation_or_none(&self) -> Option<Summary> {
        match (self.before, self.last) {
            (before, None) => before,
            (None, Some(last)) => Some(last.summary),
            (Some(a), Some(Atom { summary: b, .. })) => Some(Summary {
                size: a.size.saturating_add(b.size),
                height: a.height.max(b.height + 1),
                copies: a.copies.max(b.copies),
                cost: a.cost.saturating_add(b.cost),
            }),
        }
    }

    fn close_alternative(&mut self) {
        let this = self.concatenation_or_none().unwrap_or(Summary::atom(1));
        self.alternatives = Some(match self.alternatives {
            None => this,
            Some(a) => Summary {
                size: a.size.saturating_add(this.size).saturating_add(1),
                height: a.height.max(this.height + 1),
                copies: a.copies.max(this.copies),
                cost: a.cost.saturating_add(this.cost).saturating_add(1),
            },
        });
        self.last = None;
        self.before = None;
    }

    fn alternation(&mut self) -> Summary {
        self.close_alternative();
        self.alternatives.unwrap_or(Summary::atom(1))
    }
}

struct Group {
    /// The state around it, restored at its end.
    flags: Flags,
    branch: Branch,
    start: usize,
    capture: bool,
}

struct Reader<'p> {
    whole: &'p str,
    rest: &'p str,
    out: String,
    names: Vec<Option<String>>,
    groups: Vec<Group>,
    flags: Flags,
    branch: Branch,
    pieces: Vec<Piece>,
    classes: HashMap<String, u32>,
}

impl<'p> Reader<'p> {
    fn read(&mut self) -> Result<(), SyntaxError> {
        // Where the repetition operator just before starts, if there was one.
        let mut last_repeat = None;
        while let Some(c) = self.rest.chars().next() {
            if !work::effort(PIECE_EFFORT) {
                return Err(SyntaxError::too_large(""));
            }
            let mut repeat = None;
            match c {
                '(' if self.rest.starts_with("(?") => self.perl_group()?,
                '(' => {
                    self.skip(1);
                    self.open(true, None);
                }
                '|' => {
                    self.skip(1);
                    self.out.push('|');
                    self.pieces.push(Piece::Bar);
                    self.branch.close_alternative();
                }
                ')' => self.close()?,
                '^' => {
                    self.skip(1);
                    self.assertion(if self.flags.multi_line {
                        Assertion::LineStart
                    } else {
                        Assertion::TextStart
                    })?;
                }
                '$' => {
                    self.skip(1);
                    self.assertion(if self.flags.multi_line {
                        Assertion::LineEnd
                    } else {
                        Assertion::TextEnd
                    })?;
                }
                '.' => {
                    self.skip(1);
                    let text = if self.flags.dot_newline {
                        "(?s:.)"
                    } else {
                        "."
                    };
                    self.atom(text, 12)?;
                }
                '[' => {
                    let class = classes::read(self.rest, self.flags.fold)?;
                    self.skip(class.len);
                    self.atom(&class.text, class.cost)?;
                }
                '*' | '+' | '?' => {
                    let before = self.rest;
                    self.skip(1);
                    let (min, max) = match c {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(before, last_repeat, &c.to_string(), min, max, false)?;
                    repeat = Some(before);
                }
                '{' => match parse_repeat(self.rest) {
                    None => {
                        self.skip(1);
                        self.literal('{')?;
                    }
                    Some((min, max, len)) => {
                        let before = self.rest;
                        self.skip(len);
                        let within = |n: u64| n <= MAX_REPEAT;
                        if !within(min) || max.is_some_and(|max| !within(max) || min > max) {
                            return Err(SyntaxError::new("invalid repeat count", &before[..len]));
                        }
                        self.repeat(before, last_repeat, &before[..len], min, max, true)?;
                        repeat = Some(before);
                    }
                },
                '\\' => self.backslash()?,
                c => {
                    self.skip(c.len_utf8());
                    self.literal(c)?;
                }
            }
            last_repeat = repeat;
        }
        if self.groups.is_empty() {
            Ok(())
        } else {
            Err(SyntaxError::new("missing closing )", self.whole))
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    /// A class of characters.
    fn atom(&mut self, text: &str, cost: u64) -> Result<(), SyntaxError> {
        let class = self.class(text);
        self.pieces.push(Piece::Class(class));
        self.push_atom(text, cost)
    }

    /// The number of a class.
    fn class(&mut self, text: &str) -> u32 {
        if let Some(known) = self.classes.get(text) {
            return *known;
        }
        let index = self.classes.len() as u32;
        self.classes.insert(text.to_owned(), index);
        index
    }

    fn push_atom(&mut self, text: &str, cost: u64) -> Result<(), SyntaxError> {
        let start = self.out.len();
        self.out.push_str(text);
        self.branch.push(Atom {
            start,
            repeated: false,
            summary: Summary::atom(cost),
        });
        self.check_limits()
    }

    fn assertion(&mut self, assertion: Assertion) -> Result<(), SyntaxError> {
        self.pieces.push(Piece::Assert(assertion));
        self.push_atom(assertion.text(), 1)
    }

    fn literal(&mut self, c: char) -> Result<(), SyntaxError> {
        let start = self.out.len();
        let folded = self.flags.fold && c.is_alphabetic();
        if folded {
            self.out.push_str("(?i:");
        }
        classes::push_literal(&mut self.out, c);
        if folded {
            self.out.push(')');
            let class = self.out[start..].to_owned();
            let class = self.class(&class);
            self.pieces.push(Piece::Class(class));
        } else {
            self.pieces.push(Piece::Char(c));
        }
        let cost = c.len_utf8() as u64 * if folded { 2 } else { 1 };
        self.branch.push(Atom {
            start,
            repeated: false,
            summary: Summary::atom(cost),
        });
        self.check_limits()
    }

    fn check_limits(&self) -> Result<(), SyntaxError> {
        let summary = self
            .branch
            .concatenation_or_none()
            .unwrap_or(Summary::atom(1));
        if summary.size > MAX_SIZE {
            return Err(SyntaxError::too_large(self.whole));
        }
        if summary.height > MAX_HEIGHT {
            return Err(SyntaxError::new("expression nests too deeply", self.whole));
        }
        Ok(())
    }

    /// Applies the operator `op` to the last atom. `before` starts at the operator, `last_repeat`
    /// at the one directly before it.
    fn repeat(
        &mut self,
        before: &str,
        last_repeat: Option<&str>,
        op: &str,
        min: u64,
        max: Option<u64>,
        counted: bool,
    ) -> Result<(), SyntaxError> {
        let mut lazy = self.flags.swap_greed;
        if self.rest.starts_with('?') {
            self.skip(1);
            lazy = !lazy;
        }
        if let Some(last) = last_repeat {
            let part = &last[..last.len() - self.rest.len()];
            return Err(SyntaxError::new("invalid nested repetition operator", part));
        }
        let part = &before[..before.len() - self.rest.len()];
        let Some(atom) = self.branch.last.as_mut() else {
            return Err(SyntaxError::new(
                "missing argument to repetition operator",
                part,
            ));
        };
        // `a*(?i)*` repeats what is repeated already; next to each other the two would read
        // differently.
        if atom.repeated {
            self.out.insert_str(atom.start, "(?:");
            self.out.push(')');
        }
        self.out.push_str(op);
        if lazy {
            self.out.push('?');
        }
        atom.repeated = true;
        // The limit on counts is checked before.
        self.pieces.push(Piece::Repeat(Repetition {
            min: min as u16,
            max: max.map(|max| max as u16),
            lazy,
        }));

        let inner = atom.summary;
        let copies = max.unwrap_or(min).max(1);
        let times = |n: u64| match (counted, max) {
            (false, _) => n.saturating_add(if min == 0 && max.is_none() { 2 } else { 1 }),
            (true, None) if min == 0 => n.saturating_add(2),
            (true, None) => n.saturating_mul(min).saturating_add(1),
            (true, Some(max)) => n.saturating_mul(max).saturating_add(max - min),
        };
        atom.summary = Summary {
            size: times(inner.size).max(1),
            height: inner.height + 1,
            copies: if counted && max == Some(0) {
                1
            } else if counted {
                inner.copies * copies
            } else {
                inner.copies
            },
            cost: times(inner.cost).max(1),
        };
        if counted
            && atom.summary.copies > MAX_REPEAT
            && (min >= 2 || max.is_some_and(|max| max >= 2))
        {
            return Err(SyntaxError::new("invalid repeat count", part));
        }
        self.check_limits()
    }

    fn open(&mut self, capture: bool, name: Option<&str>) {
        let start = self.out.len();
        self.out.push_str(if capture { "(" } else { "(?:" });
        if capture {
            self.names.push(name.map(str::to_owned));
        }
        let number = capture.then_some(self.names.len() as u32);
        self.pieces.push(Piece::Open(number));
        let branch = std::mem::take(&mut self.branch);
        self.groups.push(Group {
            flags: self.flags,
            branch,
            start,
            capture,
        });
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let inner = self.branch.alternation();
        let Some(group) = self.groups.pop() else {
            return Err(SyntaxError::new("unexpected )", self.whole));
        };
        self.skip(1);
        self.out.push(')');
        self.pieces.push(Piece::Close);
        self.flags = group.flags;
        self.branch = group.branch;
        let summary = if group.capture {
            Summary {
                size: inner.size + 2,
                height: inner.height + 1,
                cost: inner.cost + 2,
                ..inner
            }
        } else {
            inner
        };
        self.branch.push(Atom {
            start: group.start,
            repeated: false,
            summary,
        });
        self.check_limits()
    }

    /// `(?...`: a named group, flags, or a group with flags.
    fn perl_group(&mut self) -> Result<(), SyntaxError> {
        let text = self.rest;
        let name_at = match text.as_bytes() {
            [_, _, b'P', b'<', _, ..] => Some(4),
            [_, _, b'<', _, ..] => Some(3),
            _ => None,
        };
        if let Some(name_at) = name_at {
            let invalid = |part| Err(SyntaxError::new("invalid named capture", part));
            let Some(end) = text.find('>') else {
                return invalid(text);
            };
            let name = &text[name_at..end];
            if name.is_empty() || !name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()) {
                return invalid(&text[..=end]);
            }
            self.skip(end + 1);
            self.open(true, Some(name));
            return Ok(());
        }

        let mut flags = self.flags;
        let mut negative = false;
        let mut saw_flag = false;
        let mut chars = text[2..].char_indices();
        let mut end = text.len();
        for (at, c) in chars.by_ref() {
            end = 2 + at + c.len_utf8();
            match c {
                'i' => flags.fold = !negative,
                'm' => flags.multi_line = !negative,
                's' => flags.dot_newline = !negative,
                'U' => flags.swap_greed = !negative,
                '-' if !negative => {
                    negative = true;
                    saw_flag = false;
                    continue;
                }
                ':' | ')' if !negative || saw_flag => {
                    self.skip(end);
                    if c == ':' {
                        self.open(false, None);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            saw_flag = true;
        }
        Err(SyntaxError::new(
            "invalid or unsupported Perl syntax",
            &text[..end],
        ))
    }

    fn backslash(&mut self) -> Result<(), SyntaxError> {
        let text = self.rest;
        match text.as_bytes().get(1) {
            Some(b'A') => {
                self.skip(2);
                return self.assertion(Assertion::TextStart);
            }
            Some(b'z') => {
                self.skip(2);
                return self.assertion(Assertion::TextEnd);
            }
            Some(b'b') => {
                self.skip(2);
                return self.assertion(Assertion::WordEdge);
            }
            Some(b'B') => {
                self.skip(2);
                return self.assertion(Assertion::NoWordEdge);
            }
            Some(b'C') => return Err(SyntaxError::new("invalid escape sequence", &text[..2])),
            Some(b'Q') => {
                let quoted = &text[2..];
                let (quoted, rest) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
                self.rest = rest;
                return quoted.chars().try_for_each(|c| self.literal(c));
            }
            _ => {}
        }
        if let Some((item, len)) = classes::read_group(text)? {
            self.skip(len);
            return self.class_of(item);
        }
        let (code, len) = classes::read_escape(text)?;
        self.skip(len);
        match char::from_u32(code) {
            Some(c) => self.literal(c),
            // A surrogate: Go accepts it, and no text contains it.
            None => self.atom(classes::NOTHING, 1),
        }
    }

    fn class_of(&mut self, item: Item) -> Result<(), SyntaxError> {
        let class = classes::Class::of(&[item], false, self.flags.fold);
        self.atom(&class.text, class.cost)
    }
}

/// `{n}`, `{n,}` or `{n,m}` at the start: least, most, and its length. Numbers beyond reason come
/// out as the largest.
fn parse_repeat(text: &str) -> Option<(u64, Option<u64>, usize)> {
    let inside = text.strip_prefix('{')?;
    let (min, rest) = parse_count(inside)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => {
            let (max, rest) = parse_count(rest)?;
            (Some(max), rest)
        }
    };
    let rest = rest.strip_prefix('}')?;
    Some((min, max, text.len() - rest.len()))
}

/// Digits without leading zeros.
fn parse_count(text: &str) -> Option<(u64, &str)> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    if len == 0 || (len > 1 && text.starts_with('0')) {
        return None;
    }
    Some((text[..len].parse().unwrap_or(u64::MAX), &text[len..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted() {
        let cases: &[(&str, &str)] = &[
            ("^a.b$", r"\Aa.b\z"),
            ("(?m)^a$", "(?m:^)a(?m:$)"),
            ("(?s:.).", "(?:(?s:.))."),
            ("(?U)a*b+?", "a*?b+"),
            ("(?i)aK1|(?-i:b)", "(?i:a)(?i:K)1|(?:b)"),
            ("(a(?i)b)c", "(a(?i:b))c"),
            (r"\d\W\b\B", r"[0-9][^0-9A-Z_a-z](?-u:\b)(?-u:\B)"),
            (r"\Qa.*\E+", r"a\.\*+"),
            ("a{,2}", r"a\{,2\}"),
            ("a{02}", r"a\{02\}"),
            ("a{2}{", r"a{2}\{"),
            ("a(?i)*", "a*"),
            ("a*(?i)?", "(?:a*)?"),
            (r"\x{41}\101\n\.", "AA\\x{A}\\."),
            ("()|", "()|"),
            ("(?P<x>a)(?<1>b)", "(a)(b)"),
        ];
        for (pattern, want) in cases {
            assert_eq!(
                translate(pattern).map(|t| t.pattern).as_deref(),
                Ok(*want),
                "{pattern}"
            );
        }
        let names = translate("(?P<x>a)(b)(?<x>c)").map(|t| t.names);
        assert_eq!(
            names,
            Ok(vec![Some("x".to_owned()), None, Some("x".to_owned())])
        );
    }

    #[test]
    fn rejected() {
        let cases: &[(&str, &str)] = &[
            ("[", "missing closing ]: `[`"),
            ("a[b", "missing closing ]: `[b`"),
            ("[b-a]", "invalid character class range: `b-a`"),
            ("[[:x:]]", "invalid character class range: `[:x:]`"),
            (r"\p{Nope}", r"invalid character class range: `\p{Nope}`"),
            (r"\pX", r"invalid character class range: `\pX`"),
            ("(", "missing closing ): `(`"),
            ("a)", "unexpected ): `a)`"),
            ("*", "missing argument to repetition operator: `*`"),
            ("a|+?b", "missing argument to repetition operator: `+?`"),
            ("a**", "invalid nested repetition operator: `**`"),
            ("a*{2}?b", "invalid nested repetition operator: `*{2}?`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("a{2,1}", "invalid repeat count: `{2,1}`"),
            ("(a{100}){11}", "invalid repeat count: `{11}`"),
            (
                "a{99999999999999999999999}",
                "invalid repeat count: `{99999999999999999999999}`",
            ),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?i-)", "invalid or unsupported Perl syntax: `(?i-)`"),
            ("(?i", "invalid or unsupported Perl syntax: `(?i`"),
            ("(?P<a", "invalid named capture: `(?P<a`"),
            ("(?P<a-b>c)", "invalid named capture: `(?P<a-b>`"),
            ("(?<=a)", "invalid named capture: `(?<=a)`"),
            ("a\\", "trailing backslash at end of expression: ``"),
            (r"\8", r"invalid escape sequence: `\8`"),
            (r"\C", r"invalid escape sequence: `\C`"),
            (r"\x{110000}", r"invalid escape sequence: `\x{110000`"),
            (r"[\d-\Z]", r"invalid escape sequence: `\Z`"),
        ];
        for (pattern, want) in cases {
            let got = translate(pattern)
                .map(|t| t.pattern)
                .map_err(|e| e.to_string());
            assert_eq!(
                got,
                Err(format!("error parsing regexp: {want}")),
                "{pattern}"
            );
        }
        let deep = "(".repeat(1500) + &")".repeat(1500);
        assert!(translate(&deep).is_err_and(|e| e.reason == "expression nests too deeply"));
        let large = "(a{1000})".repeat(4000);
        assert!(translate(&large).is_err_and(|e| e.reason == "expression too large"));
    }
}
