//! Whether two patterns of characters, dots and classes, each perhaps with `*` or `+`, have a text in common.
//!
//! OPA looks for one by trying, and gives up too early where the rest of a pattern could match the empty text:
//! `a*b*` and `a` have nothing in common for it. Those rules are kept here, but each pair of places is looked at once,
//! so that the work is the product of the lengths and not exponential.

use regovm_core::builtin::{BuiltinError, Call};

use crate::operand::failed;

/// How often a symbol may come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Count {
    Once,
    /// At least once.
    Plus,
    /// Any number of times.
    Star,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Symbol {
    Char(char),
    /// Any character.
    Dot,
    /// Characters of a class: ranges, sorted, with gaps between them.
    Class(Vec<(u32, u32)>),
}

impl Symbol {
    /// Whether some character fits both.
    fn meets(&self, other: &Symbol) -> bool {
        match (self, other) {
            // Even an empty class.
            (Symbol::Dot, _) | (_, Symbol::Dot) => true,
            (Symbol::Char(a), Symbol::Char(b)) => a == b,
            (Symbol::Char(c), Symbol::Class(class)) | (Symbol::Class(class), Symbol::Char(c)) => {
                let c = *c as u32;
                let after = class.partition_point(|(low, _)| *low <= c);
                after > 0 && class[after - 1].1 >= c
            }
            (Symbol::Class(a), Symbol::Class(b)) => {
                let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
                while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
                    if x.1 < y.0 {
                        a.next();
                    } else if y.1 < x.0 {
                        b.next();
                    } else {
                        return true;
                    }
                }
                false
            }
        }
    }

    fn size(&self) -> usize {
        match self {
            Symbol::Class(ranges) => 1 + ranges.len() / 2,
            _ => 1,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Token {
    symbol: Symbol,
    count: Count,
}

/// Whether the patterns have a text in common.
pub(super) fn intersect(
    cx: &mut Call<'_, '_>,
    first: &str,
    second: &str,
) -> Result<bool, BuiltinError> {
    let (first, second) = (tokens(cx, first)?, tokens(cx, second)?);
    let Some((first, second)) = trimmed(&first, &second) else {
        return Ok(false);
    };
    common_text(cx, first, second)
}

/// The parts that are not alike: what stands once at both ends is compared straight away, and one of each is left.
/// `None` if these differ.
fn trimmed<'t>(first: &'t [Token], second: &'t [Token]) -> Option<(&'t [Token], &'t [Token])> {
    let once = |(a, b): &(&Token, &Token)| a.count == Count::Once && b.count == Count::Once;
    let meet = |(a, b): (&Token, &Token)| a.symbol.meets(&b.symbol);
    let mut front = 0_usize;
    for pair in first.iter().zip(second).take_while(once) {
        if !meet(pair) {
            return None;
        }
        front += 1;
    }
    let front = front.saturating_sub(1);
    let (first, second) = (&first[front..], &second[front..]);
    let mut back = 0_usize;
    for pair in first.iter().rev().zip(second.iter().rev()).take_while(once) {
        if !meet(pair) {
            return None;
        }
        back += 1;
    }
    let back = back.saturating_sub(1);
    Some((&first[..first.len() - back], &second[..second.len() - back]))
}

/// What is known of the rests of both patterns from one pair of places on.
#[derive(Clone, Copy, Default)]
struct Rests {
    /// They have a text in common, where repeated symbols of the first pattern are tried first.
    by_first: bool,
    /// The same, where those of the second pattern are tried first.
    by_second: bool,
    /// The symbol of the first pattern may go on taking symbols of the second.
    first_takes: bool,
    /// The symbol of the second pattern may go on taking symbols of the first.
    second_takes: bool,
}

fn common_text(
    cx: &mut Call<'_, '_>,
    first: &[Token],
    second: &[Token],
) -> Result<bool, BuiltinError> {
    let width = second.len() + 1;
    cx.reserve(2 * width * size_of::<Rests>())?;
    let sizes: usize = second.iter().map(|token| token.symbol.size()).sum();
    // One row for each place in the first pattern, from its end.
    let mut below = vec![Rests::default(); width];
    for i in (0..=first.len()).rev() {
        let a = first.get(i);
        let size = a.map_or(1, |token| token.symbol.size());
        cx.charge((sizes + size * second.len()) as u64 / 4 + 1)?;
        let mut row = vec![Rests::default(); width];
        for j in (0..width).rev() {
            let right = row.get(j + 1).copied().unwrap_or_default();
            let diagonal = below.get(j + 1).copied().unwrap_or_default();
            row[j] = match (a, second.get(j)) {
                (Some(a), Some(b)) => {
                    let place = Place {
                        a,
                        b,
                        after_a: first.get(i + 1),
                        after_b: second.get(j + 1),
                    };
                    place.rests(below[j], right, diagonal)
                }
                // At the end of one: a repeated symbol that is the last one takes all.
                (Some(_), None) => Rests {
                    first_takes: i + 1 == first.len(),
                    ..Rests::default()
                },
                (None, Some(_)) => Rests {
                    second_takes: j + 1 == second.len(),
                    ..Rests::default()
                },
                (None, None) => Rests {
                    by_first: true,
                    by_second: true,
                    ..Rests::default()
                },
            };
        }
        below = row;
    }
    Ok(below[0].by_first)
}

/// A pair of places and what follows in each pattern.
struct Place<'t> {
    a: &'t Token,
    b: &'t Token,
    after_a: Option<&'t Token>,
    after_b: Option<&'t Token>,
}

impl Place<'_> {
    /// What holds here, from what holds one place on in the first pattern (`down`), in the second (`right`), in both.
    fn rests(&self, down: Rests, right: Rests, diagonal: Rests) -> Rests {
        let Place { a, b, .. } = self;
        let meet = a.symbol.meets(&b.symbol);
        let leaves = |after: Option<&Token>, other: &Token| {
            after.is_some_and(|after| after.symbol.meets(&other.symbol))
        };
        // A repeated symbol stops where the next one fits, or takes one more.
        let first_takes = leaves(self.after_a, b) && down.by_first || meet && right.first_takes;
        let second_takes = leaves(self.after_b, a) && right.by_second || meet && down.second_takes;
        let first_repeats = match a.count {
            Count::Once => None,
            Count::Star => Some(first_takes),
            Count::Plus => {
                let passes = b.count != Count::Once && down.by_first;
                Some(meet && (right.first_takes || passes))
            }
        };
        let second_repeats = match b.count {
            Count::Once => None,
            Count::Star => Some(second_takes),
            Count::Plus => {
                let passes = a.count != Count::Once && right.by_second;
                Some(meet && (down.second_takes || passes))
            }
        };
        Rests {
            by_first: first_repeats
                .or(second_repeats)
                .unwrap_or(meet && diagonal.by_first),
            by_second: second_repeats
                .or(first_repeats)
                .unwrap_or(meet && diagonal.by_second),
            first_takes,
            second_takes,
        }
    }
}

/// The symbols of a pattern. Repeated ones that are alike and follow each other become one.
fn tokens(cx: &mut Call<'_, '_>, pattern: &str) -> Result<Vec<Token>, BuiltinError> {
    cx.charge(pattern.len() as u64 / 4 + 1)?;
    cx.reserve(pattern.len() * (size_of::<Token>() + 8))?;
    let mut reader = Reader {
        pattern,
        chars: pattern.chars().collect(),
        at: 0,
    };
    let mut tokens: Vec<Token> = Vec::new();
    while let Some(token) = reader.token()? {
        match tokens.last_mut() {
            Some(last)
                if last.count != Count::Once
                    && token.count != Count::Once
                    && last.symbol == token.symbol =>
            {
                if token.count == Count::Plus {
                    last.count = Count::Plus;
                }
            }
            _ => tokens.push(token),
        }
    }
    Ok(tokens)
}

struct Reader<'p> {
    pattern: &'p str,
    chars: Vec<char>,
    at: usize,
}

/// A character, and whether a backslash makes it plain.
type Unit = (char, bool);

impl Reader<'_> {
    fn error(&self, at: usize, reason: &str) -> BuiltinError {
        let pattern = self.pattern;
        failed(format!(
            "input:{pattern}, pos:{at}, {reason}: the input provided is invalid"
        ))
    }

    fn read(&mut self) -> Result<Option<Unit>, BuiltinError> {
        let unit = match (self.chars.get(self.at), self.chars.get(self.at + 1)) {
            (None, _) => return Ok(None),
            (Some('\\'), None) => {
                return Err(self.error(self.at, "input ends with a \\ (escape) character"));
            }
            (Some('\\'), Some(c)) => {
                self.at += 1;
                (*c, true)
            }
            (Some(c), _) => (*c, false),
        };
        self.at += 1;
        Ok(Some(unit))
    }

    fn token(&mut self) -> Result<Option<Token>, BuiltinError> {
        let symbol = match self.read()? {
            None => return Ok(None),
            Some(('.', false)) => Symbol::Dot,
            Some(('[', false)) => self.class()?,
            Some((']', false)) => {
                return Err(self.error(self.at, "set-close ']' with no preceding '['"));
            }
            Some((flag @ ('+' | '*'), false)) => {
                let reason = format!("flag '{flag}' must be preceded by a non-flag");
                return Err(self.error(self.at, &reason));
            }
            Some((c, _)) => Symbol::Char(c),
        };
        let start = self.at;
        let count = match self.read()? {
            Some(('+', false)) => Count::Plus,
            Some(('*', false)) => Count::Star,
            _ => {
                self.at = start;
                Count::Once
            }
        };
        Ok(Some(Token { symbol, count }))
    }

    /// Behind the bracket.
    fn class(&mut self) -> Result<Symbol, BuiltinError> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut low = None;
        while let Some((c, escaped)) = self.read()? {
            match (c, escaped) {
                (']', false) => return Ok(Symbol::Class(joined(ranges))),
                ('-', false) => {
                    let high = self.range_end(low.take())?;
                    if let (Some(range), Some(high)) = (ranges.last_mut(), high) {
                        range.1 = high as u32;
                    }
                }
                _ => {
                    ranges.push((c as u32, c as u32));
                    low = Some(c);
                }
            }
        }
        Err(self.error(self.at, "found [ without matching ]"))
    }

    /// The last character of a range, behind the hyphen.
    fn range_end(&mut self, low: Option<char>) -> Result<Option<char>, BuiltinError> {
        let must = |reader: &Self, what: &str| {
            Err(reader.error(reader.at, &format!("range character '-' {what}")))
        };
        let Some(low) = low else {
            return must(self, "must be preceded by a Unicode character");
        };
        if self.at + 1 >= self.chars.len() {
            return must(self, "must be followed by a Unicode character");
        }
        let Some((high, escaped)) = self.read()? else {
            return Ok(None);
        };
        if !escaped && matches!(high, ']' | '-') {
            return must(self, "cannot be followed by a special symbol");
        }
        if high < low {
            let reason = format!("range is out of order: '{high}' comes before '{low}' in Unicode");
            return Err(self.error(self.at, &reason));
        }
        Ok(Some(high))
    }
}

/// Sorted, with those that touch made one.
fn joined(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    ranges.dedup_by(|range, last| {
        let touches = range.0 <= last.1 + 1;
        if touches {
            last.1 = last.1.max(range.1);
        }
        touches
    });
    ranges
}
