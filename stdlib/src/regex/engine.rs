//! Compiled patterns, and Go's way to step from match to match.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use regovm_core::builtin::{BuiltinError, Call};

use super::translate::{SyntaxError, translate};
use crate::operand::failed;
use crate::text::charge_bytes;

/// Bytes that a compiled pattern may take.
const SIZE_LIMIT: usize = 64 << 20;
/// Groups and alternatives within each other. Go's own limit on depth, which comes first, counts
/// them less strictly.
const NEST_LIMIT: u32 = 3000;
/// Patterns kept for a session.
const CACHED: usize = 1000;
/// Bytes that an automaton state takes, roughly.
const BYTES_PER_STATE: u64 = 32;

pub(crate) struct Pattern {
    regex: Regex,
    /// Names of the groups from 1 on.
    pub(super) names: Vec<Option<String>>,
    /// Automaton states, roughly.
    cost: u64,
}

impl Pattern {
    /// Charges for looking at so many bytes. Small automata look at a byte once; of large ones
    /// each byte may meet many states.
    fn charge(&self, cx: &mut Call<'_, '_>, bytes: usize) -> Result<(), BuiltinError> {
        cx.charge((bytes as u64 / 32).saturating_mul(1 + self.cost / 512) + 1)
    }

    /// Whether it matches anywhere in a text.
    pub(crate) fn is_match(&self, cx: &mut Call<'_, '_>, text: &str) -> Result<bool, BuiltinError> {
        self.charge(cx, text.len())?;
        Ok(self.regex.is_match(text))
    }
}

/// The patterns of a session.
#[derive(Default)]
struct Cache(HashMap<String, Arc<Pattern>>);

/// The compiled form of a pattern. Compiling is charged by the size of the automaton.
pub(crate) fn compile(cx: &mut Call<'_, '_>, pattern: &str) -> Result<Arc<Pattern>, BuiltinError> {
    charge_bytes(cx, pattern.len())?;
    if let Some(known) = cx.cache::<Cache>().0.get(pattern) {
        return Ok(Arc::clone(known));
    }
    cx.charge(pattern.len() as u64 + 64)?;
    let translation = translate(pattern).map_err(|error| failed(error.to_string()))?;
    cx.charge(translation.cost)?;
    let bytes = translation.cost.saturating_mul(BYTES_PER_STATE);
    cx.reserve(usize::try_from(bytes).unwrap_or(usize::MAX))?;
    let regex = RegexBuilder::new(&translation.pattern)
        .size_limit(SIZE_LIMIT)
        .nest_limit(NEST_LIMIT)
        .build()
        .map_err(|_| failed(SyntaxError::too_large(pattern).to_string()))?;
    let compiled = Arc::new(Pattern {
        regex,
        names: translation.names,
        cost: translation.cost,
    });
    let cache = &mut cx.cache::<Cache>().0;
    if cache.len() >= CACHED {
        cache.clear();
    }
    cache.insert(pattern.to_owned(), Arc::clone(&compiled));
    Ok(compiled)
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
        self.next_with(cx, |regex, text, at| {
            regex.find_at(text, at).map(|found| (found.range(), ()))
        })
        .map(|found| found.map(|(span, ())| span))
    }

    /// Where the next match and its groups are.
    pub(super) fn next_groups(
        &mut self,
        cx: &mut Call<'_, '_>,
    ) -> Result<Option<Vec<Option<Range<usize>>>>, BuiltinError> {
        self.next_with(cx, |regex, text, at| {
            let groups = regex.captures_at(text, at)?;
            let groups: Vec<_> = groups
                .iter()
                .map(|group| group.map(|group| group.range()))
                .collect();
            Some((groups.first()?.clone()?, groups))
        })
        .map(|found| found.map(|(_, groups)| groups))
    }

    fn next_with<T>(
        &mut self,
        cx: &mut Call<'_, '_>,
        search: impl Fn(&Regex, &str, usize) -> Option<(Range<usize>, T)>,
    ) -> Result<Option<(Range<usize>, T)>, BuiltinError> {
        while self.left > 0 && self.at <= self.text.len() {
            // A search may look at all of the rest and still stop early.
            cx.charge(((self.text.len() - self.at) / 512 + 1) as u64)?;
            let Some((span, more)) = search(&self.pattern.regex, self.text, self.at) else {
                self.pattern.charge(cx, self.text.len() - self.at)?;
                self.at = self.text.len() + 1;
                return Ok(None);
            };
            self.pattern.charge(cx, span.end - self.at)?;
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
                return Ok(Some((span, more)));
            }
        }
        Ok(None)
    }
}
