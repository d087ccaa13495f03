//! Compiled patterns, and Go's way to step from match to match.
//!
//! A search of the `regex` crate cannot be interrupted. It does those that are known to be short; the others, and patterns
//! whose automata would be large, are for [`super::threads`].

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use regex_automata::Input;
use regex_automata::meta::{Cache, Config, Regex};
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax;
use regovm_core::builtin::{BuiltinError, Call};

use super::program::Program;
use super::threads::Search;
use super::translate::{SyntaxError, Translation, translate};
use crate::operand::failed;
use crate::text::charge_bytes;

/// Patterns with more automaton states are not given to the `regex` crate.
const SMALL: u64 = 4000;
/// Bytes that a compiled pattern may take there.
const SIZE_LIMIT: usize = 4 << 20;
/// Bytes for the states that it keeps while it searches, for each direction.
const CACHE_SIZE: usize = 128 << 10;
/// Groups and alternatives within each other. Go's own limit on depth, which comes first, counts
/// them less strictly.
const NEST_LIMIT: u32 = 3000;
/// Automaton states times bytes of text that one search of the `regex` crate may have to do with.
const UNINTERRUPTED: u64 = 4 << 20;
/// The same after which the clock is looked at.
const NOTICEABLE: u64 = 64 << 10;
/// Different patterns that a run remembers.
const REMEMBERED: usize = 1000;
/// Bytes for each piece of a pattern while it is read.
const BYTES_PER_PIECE: usize = 48;

pub(crate) struct Pattern {
    /// If it is small.
    regex: Option<Compiled>,
    program: OnceLock<Program>,
    /// The run that has paid for the program.
    paid: AtomicU64,
    translation: Translation,
}

struct Compiled {
    regex: Regex,
    cache: Mutex<Cache>,
}

impl Compiled {
    /// A small pattern; `None` if the `regex` crate does not want it.
    fn new(pattern: &str) -> Option<Compiled> {
        let config = Config::new()
            .nfa_size_limit(Some(SIZE_LIMIT))
            .onepass_size_limit(Some(CACHE_SIZE))
            .hybrid_cache_capacity(CACHE_SIZE);
        let regex = Regex::builder()
            .syntax(syntax::Config::new().nest_limit(NEST_LIMIT))
            .configure(config)
            .build(pattern)
            .ok()?;
        let cache = Mutex::new(regex.create_cache());
        Some(Compiled { regex, cache })
    }

    /// Bytes that the pattern takes beside its cache.
    fn bytes(&self) -> usize {
        self.regex.memory_usage()
    }
}

/// Where the whole match and the groups are.
type Groups = Vec<Option<Range<usize>>>;

impl Pattern {
    /// Names of the groups from 1 on.
    pub(super) fn names(&self) -> &[Option<String>] {
        &self.translation.names
    }

    /// Automaton states, roughly.
    fn cost(&self) -> u64 {
        self.translation.cost
    }

    /// Charges for having looked at so many bytes. Small automata look at a byte once; of large ones
    /// each byte may meet many states.
    fn charge(&self, cx: &mut Call<'_, '_>, bytes: usize) -> Result<(), BuiltinError> {
        cx.charge((bytes as u64 / 32).saturating_mul(1 + self.cost() / 512) + 1)
    }

    /// Searches with the `regex` crate, if that is sure to end soon.
    fn quickly<T>(
        &self,
        cx: &mut Call<'_, '_>,
        bytes: usize,
        search: impl FnOnce(&Regex, &mut Cache) -> T,
    ) -> Result<Option<T>, BuiltinError> {
        let Some(compiled) = &self.regex else {
            return Ok(None);
        };
        let work = (self.cost() + 16).saturating_mul(bytes as u64);
        if work > UNINTERRUPTED {
            return Ok(None);
        }
        // A search may look at all bytes and still stop early.
        cx.charge(bytes as u64 / 512 + 1)?;
        let Ok(mut cache) = compiled.cache.lock() else {
            return Ok(None);
        };
        let before = cache.memory_usage();
        let result = search(&compiled.regex, &mut cache);
        let grown = cache.memory_usage().saturating_sub(before);
        drop(cache);
        if grown > 0 {
            cx.keep(grown)?;
        }
        if work > NOTICEABLE {
            cx.look()?;
        }
        Ok(Some(result))
    }

    /// Searches with threads, from a place on.
    fn patiently(
        &self,
        cx: &mut Call<'_, '_>,
        text: &str,
        at: usize,
        slots: usize,
    ) -> Result<Option<Groups>, BuiltinError> {
        let run = cx.caches.run() + 1;
        let paid = self.paid.swap(run, Ordering::Relaxed) == run;
        let program = match self.program.get() {
            Some(program) => {
                if !paid {
                    cx.charge(program.units)?;
                }
                program
            }
            None => {
                let program = Program::compile(cx, &self.translation)?;
                cx.keep(program.bytes)?;
                self.program.get_or_init(|| program)
            }
        };
        let found = Search::new(cx, program, text, slots)?.run(at)?;
        Ok(found.map(|slots| {
            let group = |slot: &[usize]| match slot {
                [start, end] if *end != usize::MAX => Some(*start..*end),
                _ => None,
            };
            slots.chunks(2).map(group).collect()
        }))
    }

    /// Whether it matches anywhere in a text.
    pub(crate) fn is_match(&self, cx: &mut Call<'_, '_>, text: &str) -> Result<bool, BuiltinError> {
        let quick = self.quickly(cx, text.len(), |regex, cache| {
            regex
                .search_half_with(cache, &Input::new(text).earliest(true))
                .is_some()
        })?;
        match quick {
            Some(found) => {
                self.charge(cx, text.len())?;
                Ok(found)
            }
            None => Ok(self.patiently(cx, text, 0, 0)?.is_some()),
        }
    }

    /// The first match from a place on, with its groups if they are wanted.
    fn find(
        &self,
        cx: &mut Call<'_, '_>,
        text: &str,
        at: usize,
        groups: bool,
    ) -> Result<Option<Groups>, BuiltinError> {
        let input = Input::new(text).range(at..);
        let quick = self.quickly(cx, text.len() - at, |regex, cache| {
            if !groups {
                let found = regex.search_with(cache, &input)?;
                return Some(vec![Some(found.range())]);
            }
            let mut captures = regex.create_captures();
            regex.search_captures_with(cache, &input, &mut captures);
            all_groups(&captures, self.names().len() + 1)
        })?;
        let Some(found) = quick else {
            let slots = if groups {
                2 * self.names().len() + 2
            } else {
                2
            };
            return self.patiently(cx, text, at, slots);
        };
        let end = found.as_ref().and_then(|groups| groups.first()?.as_ref());
        self.charge(cx, end.map_or(text.len(), |whole| whole.end) - at)?;
        Ok(found)
    }
}

fn all_groups(captures: &Captures, count: usize) -> Option<Groups> {
    let groups = captures
        .iter()
        .map(|group| group.map(|group| group.range()));
    // The crate does not count the last groups if they are repeated zero times; Go does.
    let groups = groups.chain(std::iter::repeat(None)).take(count);
    captures.is_match().then(|| groups.collect())
}

/// A pattern of the session, or why it is none.
type Outcome = Result<Arc<Pattern>, String>;

struct Known {
    pattern: Outcome,
    /// The run that has paid for it.
    paid: (u64, u64),
    /// What it cost.
    units: u64,
    bytes: usize,
}

/// The patterns of a session.
#[derive(Default)]
struct Patterns {
    known: HashMap<String, Known>,
    /// The run, and how often it has forgotten everything.
    run: (u64, u64),
    /// Patterns that this run has paid for.
    paid: usize,
}

impl Patterns {
    /// Begins to count for a run, if it is another one.
    fn begin(&mut self, run: u64) {
        if self.run.0 != run {
            self.run = (run, 0);
            self.paid = 0;
        }
    }

    /// One more pattern is paid for. With too many of them all are forgotten; gives the bytes that this frees.
    fn pay(&mut self) -> usize {
        self.paid += 1;
        let mut freed = 0;
        if self.paid > REMEMBERED {
            self.run.1 += 1;
            self.paid = 1;
            freed = self.known.drain().map(|(_, known)| known.bytes).sum();
        } else if self.known.len() >= 2 * REMEMBERED {
            let run = self.run;
            self.known.retain(|_, known| {
                let keep = known.paid == run;
                freed += if keep { 0 } else { known.bytes };
                keep
            });
        }
        freed
    }
}

/// The compiled form of a pattern. Compiling is charged by the size of the automaton, once in each run: whether an earlier
/// run of the session has done it must make no difference.
pub(crate) fn compile(cx: &mut Call<'_, '_>, pattern: &str) -> Result<Arc<Pattern>, BuiltinError> {
    charge_bytes(cx, pattern.len())?;
    let run = cx.caches.run();
    let patterns = cx.cache::<Patterns>();
    patterns.begin(run);
    let now = patterns.run;
    if let Some(known) = patterns.known.get(pattern) {
        let outcome = known.pattern.clone();
        if known.paid != now {
            let units = known.units;
            cx.charge(units)?;
            let patterns = cx.cache::<Patterns>();
            let freed = patterns.pay();
            let now = patterns.run;
            if let Some(known) = patterns.known.get_mut(pattern) {
                known.paid = now;
            }
            cx.forget(freed);
        }
        return outcome.map_err(failed);
    }
    let memory = cx.claim(pattern.len().saturating_mul(BYTES_PER_PIECE))?;
    let translation = translate(pattern);
    cx.look()?;
    let units = match &translation {
        Ok(translation) => pattern.len() as u64 + 64 + translation.cost.min(SMALL),
        Err(_) => pattern.len() as u64 + 64,
    };
    cx.charge(units)?;
    let mut bytes = size_of::<(String, Known)>() + size_of::<Pattern>() + 2 * pattern.len();
    let outcome = translation
        .map_err(|error| error.to_string())
        .and_then(|translation| {
            let regex = if translation.cost <= SMALL {
                let regex = Compiled::new(&translation.pattern);
                Some(regex.ok_or_else(|| SyntaxError::too_large(pattern).to_string())?)
            } else {
                None
            };
            bytes += regex.as_ref().map_or(0, Compiled::bytes);
            bytes += translation.pieces.len() * BYTES_PER_PIECE;
            Ok(Arc::new(Pattern {
                regex,
                program: OnceLock::new(),
                paid: AtomicU64::new(0),
                translation,
            }))
        });
    drop(memory);
    cx.keep(bytes)?;
    cx.look()?;
    let patterns = cx.cache::<Patterns>();
    let freed = patterns.pay();
    let known = Known {
        pattern: outcome.clone(),
        paid: patterns.run,
        units,
        bytes,
    };
    patterns.known.insert(pattern.to_owned(), known);
    cx.forget(freed);
    outcome.map_err(failed)
}

/// The matches of a pattern one after the other. An empty match directly behind another match
/// does not count.
pub(super) struct Matches<'p, 't> {
    pattern: &'p Pattern,
    text: &'t str,
    at: usize,
    last_end: Option<usize>,
    /// How many more are wanted.
    left: usize,
}

impl<'p, 't> Matches<'p, 't> {
    /// At most `number` matches; all with a negative number.
    pub(super) fn new(pattern: &'p Pattern, text: &'t str, number: i64) -> Matches<'p, 't> {
        let left = usize::try_from(number).unwrap_or(usize::MAX);
        Matches {
            pattern,
            text,
            at: 0,
            last_end: None,
            left,
        }
    }

    /// Where the next match is.
    pub(super) fn next_span(
        &mut self,
        cx: &mut Call<'_, '_>,
    ) -> Result<Option<Range<usize>>, BuiltinError> {
        Ok(self.next(cx, false)?.map(|(span, _)| span))
    }

    /// Where the next match and its groups are.
    pub(super) fn next_groups(
        &mut self,
        cx: &mut Call<'_, '_>,
    ) -> Result<Option<Groups>, BuiltinError> {
        Ok(self.next(cx, true)?.map(|(_, groups)| groups))
    }

    fn next(
        &mut self,
        cx: &mut Call<'_, '_>,
        groups: bool,
    ) -> Result<Option<(Range<usize>, Groups)>, BuiltinError> {
        while self.left > 0 && self.at <= self.text.len() {
            let found = self.pattern.find(cx, self.text, self.at, groups)?;
            let Some((Some(span), groups)) =
                found.and_then(|groups| Some((groups.first()?.clone(), groups)))
            else {
                self.at = self.text.len() + 1;
                return Ok(None);
            };
            let accepted = span.end != self.at || self.last_end != Some(span.start);
            if span.end == self.at {
                self.at += self.text[self.at..]
                    .chars()
                    .next()
                    .map_or(1, char::len_utf8);
            } else {
                self.at = span.end;
            }
            self.last_end = Some(span.end);
            if accepted {
                self.left -= 1;
                return Ok(Some((span, groups)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use regovm_core::builtin::{Caches, Unmetered};
    use regovm_core::host::NoHost;
    use regovm_core::value::Arena;

    use super::*;

    fn all(pattern: &str, text: &str, quick: bool) -> Vec<Groups> {
        let arena = Arena::new();
        let (mut meter, mut host, mut caches) = (Unmetered, NoHost, Caches::new());
        let mut cx = Call::new(&arena, &mut meter, &mut host, &mut caches);
        let compiled = compile(&mut cx, pattern).unwrap();
        let pattern = Pattern {
            regex: None,
            program: OnceLock::new(),
            paid: AtomicU64::new(0),
            translation: translate(pattern).unwrap(),
        };
        let pattern = if quick { &*compiled } else { &pattern };
        let mut matches = Matches::new(pattern, text, -1);
        let mut found = Vec::new();
        while let Some(groups) = matches.next_groups(&mut cx).unwrap() {
            found.push(groups);
        }
        assert_eq!(pattern.is_match(&mut cx, text).unwrap(), !found.is_empty());
        found
    }

    #[test]
    fn threads_find_what_the_automata_find() {
        let patterns = [
            "",
            "a",
            "a*",
            "a*?",
            "(a*)*",
            "(a*)+",
            "(a|b)*",
            "(?:|a)*",
            "(?:a|)+b?",
            "(a|ab)(c|bcd)(d*)",
            r"^a",
            "b$",
            r"(?m)^\w+$",
            r"\bfoo\b",
            r"\Boo",
            "x{2,3}",
            "x{2,3}?",
            "(x{0,2}y){2}",
            "x{0}y",
            "(?i)straße|K",
            r"\pL+",
            r"[^\pL\s]+",
            "é.",
            "(?s).+",
            ".+",
            "(a)|(b)|c",
            "(a+)(b+)?",
            r"(\d+)-(\d+)",
            "(?U)a+b*",
            "((a)|b)*c",
            "(a??)(a*)",
            r"\z",
            r"\A",
            "a{3,}?",
            "[]a]+",
            "(|a)+?b",
            "(?P<x>a(?P<y>b)?)+",
        ];
        let texts = [
            "",
            "a",
            "aaa",
            "abab",
            "abcd",
            "foo food\nbar\n",
            "xxxxx",
            "xyxxy",
            "STRASSE Straße K k",
            "añéb ÿ1 2-33",
            "aab\r\nab",
            "ba]a[",
            "cabbac",
            "\u{212a}\u{10ffff}x",
            "line one\nline two",
        ];
        for pattern in patterns {
            for text in texts {
                assert_eq!(
                    all(pattern, text, false),
                    all(pattern, text, true),
                    "{pattern} in {text:?}"
                );
            }
        }
    }

    #[test]
    fn large_patterns_match() {
        let letters = "é".repeat(1000);
        let pattern = r"^\pL{1000}$";
        assert_eq!(all(pattern, &letters, true).len(), 1);
        assert_eq!(all(pattern, &letters[2..], true).len(), 0);
        let words: Vec<String> = (0..5000).map(|i| format!("word{i}")).collect();
        let found = all(&format!("({})$", words.join("|")), "x word4321", true);
        assert_eq!(found, [[Some(2..10), Some(2..10)]]);
    }
}
