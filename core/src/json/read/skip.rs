//! Leaving values out.

use super::lanes::{self, Lanes, Structure, Work};
use super::{CHUNK, JsonError, Keep, Reader};
use crate::value::Value;

impl<'a, 't, 'p, K: Keep<'a, 't>> Reader<'a, 't, 'p, K> {
    /// Goes behind the value that begins here.
    #[inline(always)]
    pub(super) fn skip<L: Lanes>(&mut self, lanes: L) -> Result<(), JsonError> {
        if self.options.strict {
            return lanes.run(Check(self));
        }
        match self.byte() {
            b'"' => {
                let mut end = self.at + 1;
                loop {
                    end = lanes::plain_end(lanes, self.text, end);
                    match self.text.get(end) {
                        Some(b'"') => break,
                        Some(b'\\') => end += 2,
                        _ => return lanes.run(Check(self)),
                    }
                }
                self.at = end + 1;
                Ok(())
            }
            b'{' | b'[' => lanes.run(SkipCollection(self)),
            b'-' | b'0'..=b'9' => self.checked_number(),
            b't' => self.word("true", Value::TRUE).map(drop),
            b'f' => self.word("false", Value::FALSE).map(drop),
            b'n' => self.word("null", Value::NULL).map(drop),
            _ => lanes.run(Check(self)),
        }
    }

    /// Goes behind the value that begins here, and checks it as if it were read.
    #[inline(always)]
    fn check<L: Lanes>(&mut self, lanes: L) -> Result<(), JsonError> {
        // True for objects.
        let mut open: Vec<bool> = Vec::new();
        'value: loop {
            if self.at >= self.look_at {
                self.look()?;
            }
            self.space(lanes);
            match self.byte() {
                b'"' => self.check_string(lanes)?,
                bracket @ (b'{' | b'[') => {
                    if self.around.len() + open.len() >= self.options.max_depth {
                        return self.error(self.at, "exceeded max depth");
                    }
                    self.at += 1;
                    self.space(lanes);
                    if self.byte() == bracket + 2 {
                        self.at += 1;
                    } else {
                        open.push(bracket == b'{');
                        if bracket == b'{' {
                            self.check_key(lanes)?;
                        }
                        continue 'value;
                    }
                }
                b'-' | b'0'..=b'9' => self.checked_number()?,
                b't' => self.word("true", Value::TRUE).map(drop)?,
                b'f' => self.word("false", Value::FALSE).map(drop)?,
                b'n' => self.word("null", Value::NULL).map(drop)?,
                _ => return self.unexpected("looking for beginning of value"),
            }
            loop {
                let Some(object) = open.last() else {
                    return Ok(());
                };
                self.space(lanes);
                match (object, self.byte()) {
                    (false, b',') => {
                        self.at += 1;
                        continue 'value;
                    }
                    (true, b',') => {
                        self.at += 1;
                        self.space(lanes);
                        self.check_key(lanes)?;
                        continue 'value;
                    }
                    (false, b']') | (true, b'}') => {
                        self.at += 1;
                        open.pop();
                    }
                    (false, _) => return self.unexpected("after array element"),
                    (true, _) => return self.unexpected("after object key:value pair"),
                }
            }
        }
    }

    fn checked_number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.digits_of_number()?;
        self.not_too_big(start).map(drop)
    }

    #[inline(always)]
    fn check_key<L: Lanes>(&mut self, lanes: L) -> Result<(), JsonError> {
        if self.byte() != b'"' {
            return self.unexpected("looking for beginning of object key string");
        }
        self.check_string(lanes)?;
        self.colon()
    }

    #[inline(always)]
    fn check_string<L: Lanes>(&mut self, lanes: L) -> Result<(), JsonError> {
        let end = lanes::plain_end(lanes, self.text, self.at + 1);
        if self.text.get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(());
        }
        self.text_of_string().map(drop)
    }
}

/// Goes behind the value that begins here, and checks it.
struct Check<'r, 'a, 't, 'p, K>(&'r mut Reader<'a, 't, 'p, K>);

impl<'a, 't, 'p, K: Keep<'a, 't>> Work for Check<'_, 'a, 't, 'p, K> {
    type Out = Result<(), JsonError>;

    #[inline(always)]
    fn with<L: Lanes>(self, lanes: L) -> Result<(), JsonError> {
        self.0.check(lanes)
    }
}

/// Goes behind the array or object that begins here. Where something is wrong, [`Reader::check`] says what.
struct SkipCollection<'r, 'a, 't, 'p, K>(&'r mut Reader<'a, 't, 'p, K>);

impl<'a, 't, 'p, K: Keep<'a, 't>> Work for SkipCollection<'_, 'a, 't, 'p, K> {
    type Out = Result<(), JsonError>;

    #[inline(always)]
    fn with<L: Lanes>(self, lanes: L) -> Result<(), JsonError> {
        let reader = self.0;
        let most = reader.options.max_depth.saturating_sub(reader.around.len());
        let mut collection = Collection::new(most);
        let mut at = reader.at;
        let mut look_at = at + CHUNK;
        loop {
            if at >= look_at {
                let start = std::mem::replace(&mut reader.at, at);
                let looked = reader.look();
                reader.at = start;
                looked?;
                look_at = at + CHUNK;
            }
            let found = match lanes::block(reader.text, at) {
                Some(block) => lanes.structure(block),
                None => {
                    let rest = reader.text.get(at..).unwrap_or_default();
                    if rest.is_empty() {
                        return lanes.run(Check(reader));
                    }
                    let mut block = [b' '; 64];
                    block[..rest.len()].copy_from_slice(rest);
                    lanes.structure(&block)
                }
            };
            match collection.block(found) {
                Progress::Open => at += 64,
                Progress::Closed(len) => {
                    reader.at = at + len;
                    return Ok(());
                }
                Progress::Wrong => return lanes.run(Check(reader)),
            }
        }
    }
}

/// What is known of a collection that is being skipped.
struct Collection {
    /// All ones if the last block ended inside of a string.
    inside: u64,
    /// 1 if the last block ended with a backslash that counts.
    escaping: u64,
    /// One bit for each of the innermost open collections: 1 for objects.
    kinds: u64,
    /// Those around them.
    outer: Vec<u64>,
    /// How many are open, at most 63 more than `outer` has.
    depth: u32,
    /// How deep is too deep.
    most: usize,
}

enum Progress {
    Open,
    /// After so many bytes of the block.
    Closed(usize),
    Wrong,
}

/// Collections whose kinds are in one word.
const WORD: u32 = 64;

impl Collection {
    fn new(most: usize) -> Collection {
        Collection {
            inside: 0,
            escaping: 0,
            kinds: 0,
            outer: Vec::new(),
            depth: 0,
            most,
        }
    }

    #[inline(always)]
    fn block(&mut self, found: Structure) -> Progress {
        let quotes = found.quotes & !self.escaped(found.backslashes);
        // From each opening quote up to the closing one, which is left out.
        let strings = parity(quotes) ^ self.inside;
        self.inside = ((strings as i64) >> 63) as u64;
        let mut brackets = (found.opens | found.closes) & !strings;
        while brackets != 0 {
            let at = brackets.trailing_zeros();
            brackets &= brackets - 1;
            let curly = found.curly >> at & 1;
            if found.opens >> at & 1 == 1 {
                if self.depth == WORD {
                    self.outer.push(self.kinds);
                    self.depth = 0;
                }
                self.kinds = self.kinds << 1 | curly;
                self.depth += 1;
                if self.outer.len() * WORD as usize + self.depth as usize > self.most {
                    return Progress::Wrong;
                }
            } else {
                if self.kinds & 1 != curly {
                    return Progress::Wrong;
                }
                self.kinds >>= 1;
                self.depth -= 1;
                if self.depth == 0 {
                    match self.outer.pop() {
                        Some(kinds) => {
                            self.kinds = kinds;
                            self.depth = WORD;
                        }
                        None => {
                            // What comes behind does not matter.
                            let before = u64::MAX >> (63 - at);
                            if wrong(&found, strings) & before != 0 {
                                return Progress::Wrong;
                            }
                            return Progress::Closed(at as usize + 1);
                        }
                    }
                }
            }
        }
        if wrong(&found, strings) == 0 {
            Progress::Open
        } else {
            Progress::Wrong
        }
    }

    /// Bytes behind a backslash that counts.
    #[inline(always)]
    fn escaped(&mut self, backslashes: u64) -> u64 {
        if backslashes == 0 {
            return std::mem::take(&mut self.escaping);
        }
        // A backslash counts if an even number of them stands before it. Adding a bit to a row of ones moves it behind
        // the row: where that is tells of an even or odd length, starting from even and from odd places.
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        let possible = backslashes & !self.escaping;
        let behind = possible << 1 | ODD;
        let turns = behind.wrapping_sub(possible) ^ ODD;
        let escaped = turns ^ (backslashes | self.escaping);
        self.escaping = (turns & backslashes) >> 63;
        escaped
    }
}

/// Bytes that may not be where they are.
#[inline(always)]
fn wrong(found: &Structure, strings: u64) -> u64 {
    (found.control & strings) | (found.foreign & !strings)
}

/// For each bit whether an odd number of bits up to it is set.
#[inline(always)]
fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}
