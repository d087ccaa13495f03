//! Members of objects without a shape brought into order: keys that are texts, read one after the other.

use super::scratch::Claim;
use super::sort::sort_by_key;
use super::{Arena, MemoryExceeded, Value};
use crate::work;

/// A key, which is a string, and its value.
pub(super) type Entry<'a> = [Value<'a>; 2];

/// Lists up to this length are sorted by comparing keys.
const SHORT: usize = 20;

/// Lists up to this length are sorted by comparing the distinguishing bytes of their keys; longer ones by counting them.
const MIDDLE: usize = 512;

/// How often keys with the same 8 bytes are sorted by the next ones before they are compared as a whole.
const LEVELS: usize = 6;

/// Entries between two looks at the watch.
const CHUNK: usize = 1 << 12;

fn text<'a>(entry: &Entry<'a>) -> &'a str {
    entry[0].as_str().unwrap_or_default()
}

/// Sorts entries by key and leaves of equal keys the first key and the last value; gives how many entries are left. The
/// result means nothing if there is no point in going on.
pub(super) fn arrange<'a>(
    arena: &'a Arena,
    entries: &mut [Entry<'a>],
) -> Result<usize, MemoryExceeded> {
    if entries.len() > SHORT && is_sorted(entries) {
        return Ok(entries.len());
    }
    let distinct = sort(arena, entries, LEVELS)?;
    if distinct || entries.is_empty() {
        return Ok(entries.len());
    }
    let mut kept = 1;
    for at in 1..entries.len() {
        let [key, value] = entries[at];
        if at % CHUNK == 0 && !work::effort(CHUNK as u64) {
            return Ok(0);
        }
        if text(&entries[kept - 1]) == text(&entries[at]) {
            entries[kept - 1][1] = value;
        } else {
            entries[kept] = [key, value];
            kept += 1;
        }
    }
    Ok(kept)
}

/// True if the keys are distinct and in order.
fn is_sorted(entries: &[Entry<'_>]) -> bool {
    // One entry more, so that the last of a chunk is compared with the first of the next.
    let mut rest = entries;
    while let Some((chunk, _)) = rest.split_at_checked(CHUNK + 1) {
        if !chunk.is_sorted_by(|a, b| text(a) < text(b)) {
            return false;
        }
        rest = &rest[CHUNK..];
        if !work::effort(CHUNK as u64) {
            break;
        }
    }
    rest.is_sorted_by(|a, b| text(a) < text(b))
}

/// Sorts entries; those with equal keys stay in their order. True if all keys are known to be different.
fn sort<'a>(
    arena: &'a Arena,
    entries: &mut [Entry<'a>],
    levels: usize,
) -> Result<bool, MemoryExceeded> {
    if entries.len() <= SHORT {
        return Ok(sort_few(entries));
    }
    if levels == 0 || u32::try_from(entries.len()).is_err() {
        sort_by_key(arena, entries, |entry| entry[0])?;
        return Ok(false);
    }
    let memory = Claim::new(arena, entries.len() * 2 * size_of::<Ranked>())?;
    let mut ranked = ranked(entries);
    permute(entries, &mut ranked);
    drop(memory);
    let mut distinct = true;
    let mut rest = entries;
    for same in ranked.chunk_by(|a, b| a.rank == b.rank) {
        let Some((these, others)) = rest.split_at_mut_checked(same.len()) else {
            break;
        };
        rest = others;
        if same.len() > 1 {
            distinct &= sort(arena, these, levels - 1)?;
            if !work::effort(same.len() as u64) {
                break;
            }
        }
    }
    Ok(distinct)
}

/// Sorts at most [`SHORT`] entries. True if all keys are known to be different.
fn sort_few(entries: &mut [Entry<'_>]) -> bool {
    let (mut before, mut ranks) = ([[Value::NULL; 2]; SHORT], [0; SHORT]);
    let count = entries.len();
    let (Some(before), Some(ranks)) = (before.get_mut(..count), ranks.get_mut(..count)) else {
        return false;
    };
    before.copy_from_slice(entries);
    for (rank, entry) in ranks.iter_mut().zip(entries.iter()) {
        *rank = self::rank(text(entry).as_bytes());
    }
    // Each goes behind those of lower rank: no branches that depend on the keys.
    let mut taken = 0u64;
    for (entry, rank) in before.iter().zip(ranks.iter()) {
        let place: usize = ranks.iter().map(|other| usize::from(other < rank)).sum();
        entries[place] = *entry;
        taken |= 1 << place;
    }
    if taken.count_ones() as usize == count {
        return true;
    }
    entries.copy_from_slice(before);
    entries.sort_by(|a, b| text(a).cmp(text(b)));
    false
}

/// Brings entries into the order of a list; their places in the list become those after that.
fn permute(entries: &mut [Entry<'_>], order: &mut [Ranked]) {
    for start in 0..order.len() {
        if start % CHUNK == CHUNK - 1 && !work::effort(CHUNK as u64) {
            return;
        }
        // Along the cycle that begins here.
        let (mut to, first) = (start, entries[start]);
        loop {
            let from = std::mem::replace(&mut order[to].at, to as u32) as usize;
            if from == start || from == to {
                entries[to] = first;
                break;
            }
            entries[to] = entries[from];
            to = from;
        }
    }
}

/// The first bytes of a key as a number.
#[inline]
fn rank(key: &[u8]) -> u64 {
    match key.first_chunk() {
        Some(bytes) => u64::from_be_bytes(*bytes),
        None => {
            let start = key
                .iter()
                .fold(0, |rank, byte| rank << 8 | u64::from(*byte));
            u64::unbounded_shl(start, 64 - 8 * key.len() as u32)
        }
    }
}

/// The first bytes behind what all keys begin with, and the place of the entry.
#[derive(Clone, Copy, Default)]
struct Ranked {
    rank: u64,
    at: u32,
}

/// The ranks of entries, sorted; equal ones in the order of the entries.
fn ranked(entries: &[Entry<'_>]) -> Vec<Ranked> {
    let first = entries.first().map_or("", text).as_bytes();
    let mut common = first.len();
    for chunk in entries.chunks(CHUNK) {
        for entry in chunk {
            let key = text(entry).as_bytes();
            let len = common.min(key.len());
            if key[..len] != first[..len] || len < common {
                common = key
                    .iter()
                    .zip(&first[..len])
                    .take_while(|(a, b)| a == b)
                    .count();
            }
        }
        if !work::effort(chunk.len() as u64) {
            break;
        }
    }
    let mut ranked: Vec<Ranked> = Vec::with_capacity(entries.len());
    for (entry, at) in entries.iter().zip(0..) {
        let rest = text(entry).as_bytes().get(common..).unwrap_or_default();
        let rank = rank(rest);
        ranked.push(Ranked { rank, at });
    }
    if ranked.len() <= MIDDLE {
        ranked.sort_unstable_by_key(|ranked| (ranked.rank, ranked.at));
        return ranked;
    }
    by_counting(ranked)
}

/// Sorts by rank, one byte after the other from the last one on.
fn by_counting(mut list: Vec<Ranked>) -> Vec<Ranked> {
    // Bytes that are the same in all of them need no sorting.
    let first = list.first().map_or(0, |ranked| ranked.rank);
    let different = list
        .iter()
        .fold(0, |all, ranked| all | (ranked.rank ^ first));
    let different = different.to_le_bytes();
    let mut other = vec![Ranked::default(); list.len()];
    for (digit, _) in (0..).zip(different).filter(|(_, bits)| *bits != 0) {
        let byte = |ranked: &Ranked| (ranked.rank >> (8 * digit)) as u8;
        let mut counts = [0u32; 256];
        for ranked in &list {
            counts[usize::from(byte(ranked))] += 1;
        }
        let mut place = 0;
        for count in &mut counts {
            let here = *count;
            *count = place;
            place += here;
        }
        for ranked in &list {
            let place = &mut counts[usize::from(byte(ranked))];
            if let Some(slot) = other.get_mut(*place as usize) {
                *slot = *ranked;
            }
            *place += 1;
        }
        std::mem::swap(&mut list, &mut other);
        if !work::effort(list.len() as u64) {
            break;
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(keys: &[String]) {
        let arena = Arena::new();
        let mut entries: Vec<Entry<'_>> = keys
            .iter()
            .zip(0..)
            .map(|(key, at)| [arena.string(key), arena.integer(at)])
            .collect();
        let kept = arrange(&arena, &mut entries).unwrap();
        let map: std::collections::BTreeMap<&str, i64> =
            keys.iter().map(String::as_str).zip(0..).collect();
        let got: Vec<_> = entries[..kept]
            .iter()
            .map(|entry| (text(entry), entry[1].as_i64().unwrap()))
            .collect();
        assert_eq!(got, map.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn long_lists_are_sorted_by_counting() {
        for (count, step) in [(600u64, 7u64), (5000, 4999), (9000, 1)] {
            let numbers = || (0..count).map(|n| n * step % count);
            check(&numbers().map(|n| format!("{n}")).collect::<Vec<_>>());
            let long = |n| format!("a rather long beginning {:04} and {:030}", n % 7, n);
            check(&numbers().map(long).collect::<Vec<_>>());
            check(
                &numbers()
                    .map(|n| format!("{:x}", n % 300))
                    .collect::<Vec<_>>(),
            );
        }
        check(&vec!["x".repeat(300); 700]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_last_value_of_a_key_stays(
            keys in prop::collection::vec("[ab\u{0}é]{0,3}|common prefix [a-z]{0,12}|[a-z]{9}", 0..700)
        ) {
            check(&keys);
        }
    }
}
