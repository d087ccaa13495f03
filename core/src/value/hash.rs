//! Structural hashes: equal values hash equal, whatever their form or spelling.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::number::Number;
use super::raw::{NumberHeader, StringHeader};
use super::{Value, View};
use crate::work;

const K1: u64 = 0x9E37_79B9_7F4A_7C15;
const K2: u64 = 0xD6E8_FEB8_6659_FD93;

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}

#[inline]
pub(super) fn mix(seed: u64, word: u64) -> u64 {
    fold(seed ^ word ^ K1, K2)
}

/// What a cached hash of 32 bits stands for.
#[inline]
fn widen(cached: u32) -> u64 {
    u64::from(cached).wrapping_mul(K1)
}

fn narrow(hash: u64) -> u32 {
    (((hash >> 32) ^ hash) as u32).max(1)
}

/// Bytes between two looks at the watch.
const BLOCK: usize = 1 << 16;

/// The hash of bytes. It means nothing if there is no point in going on.
pub(super) fn bytes(bytes: &[u8]) -> u64 {
    let mut state = mix(bytes.len() as u64, K2);
    for block in bytes.chunks(BLOCK) {
        if block.len() == BLOCK && !work::effort_bytes(BLOCK) {
            return 0;
        }
        let mut chunks = block.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            state = mix(state, u64::from_le_bytes(word));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            // The last word without the bytes of it that have been there already.
            let word = match block.last_chunk() {
                Some(word) => u64::from_le_bytes(*word) >> (64 - 8 * rest.len()),
                None => short_word(rest),
            };
            state = mix(state, word);
        }
    }
    state
}

/// Less than 8 bytes as a number, the first one lowest.
#[inline]
fn short_word(bytes: &[u8]) -> u64 {
    let len = bytes.len();
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(low), Some(high)) => {
            u64::from(u32::from_le_bytes(*low))
                | u64::from(u32::from_le_bytes(*high)) << (8 * (len - 4))
        }
        _ => bytes
            .iter()
            .rfold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// The hash of a string value with this text.
pub(super) fn text(text: &str) -> u64 {
    widen(narrow(bytes(text.as_bytes())))
}

#[inline]
fn cached(cell: &AtomicU32, compute: impl FnOnce() -> u64) -> u64 {
    let known = cell.load(Relaxed);
    if known != 0 {
        return widen(known);
    }
    let fresh = narrow(compute());
    if !work::is_over() {
        cell.store(fresh, Relaxed);
    }
    widen(fresh)
}

#[inline]
pub(super) fn string(header: &StringHeader) -> u64 {
    cached(&header.hash, || bytes(header.as_str().as_bytes()))
}

fn integer(value: i64) -> u64 {
    mix(value as u64, 0x6E75_6D62)
}

fn number(header: &NumberHeader) -> u64 {
    let number = Number(header);
    match number.to_i64() {
        Some(value) => integer(value),
        None => cached(&header.hash, || number.hash_digits()),
    }
}

/// The hash of a decimal: digits without zeros at either end, and where the point is.
pub(super) fn decimal(negative: bool, digits: impl Iterator<Item = u8>, leading: i64) -> u64 {
    let mut state = mix(leading as u64, u64::from(negative));
    for digit in digits {
        state = mix(state, u64::from(digit));
    }
    state
}

/// The cache of a collection's hash.
fn cell<'a>(value: Value<'a>) -> Option<&'a AtomicU32> {
    match value.view() {
        View::Array(array) => Some(&array.header.hash),
        View::Object(object) => Some(&object.header.hash),
        View::Set(set) => Some(&set.header.hash),
        _ => None,
    }
}

/// The hash if nothing below the value has to be computed first.
#[inline]
fn ready(value: Value<'_>) -> Option<u64> {
    match value.view() {
        View::Null => Some(mix(1, K1)),
        View::Boolean(truth) => Some(mix(2 + u64::from(truth), K1)),
        View::Integer(value) => Some(integer(value)),
        View::Number(n) => Some(number(n.0)),
        View::String(text) => Some(string(text.0)),
        _ => match cell(value)?.load(Relaxed) {
            0 => None,
            known => Some(widen(known)),
        },
    }
}

/// The hash of a value.
#[inline]
pub(super) fn hash(value: Value<'_>) -> u64 {
    match ready(value) {
        Some(hash) => hash,
        None => collection(value),
    }
}

/// Values below a collection: its elements, or its keys and values in turn.
fn part<'a>(collection: View<'a>, at: usize) -> Option<Value<'a>> {
    match collection {
        View::Array(array) => array.get(at),
        View::Set(set) => set.as_sorted_slice().get(at).copied(),
        View::Object(object) if at.is_multiple_of(2) => object.keys().get(at / 2).copied(),
        View::Object(object) => object.values().get(at / 2).copied(),
        _ => None,
    }
}

/// Hashes a collection from its leaves up, with its own stack.
fn collection(root: Value<'_>) -> u64 {
    /// Parts between two looks at the watch.
    const CHUNK: usize = 1 << 12;
    // Collections on the way down, each with the number of its next part.
    let mut stack = vec![(root, 0)];
    let mut result = 0;
    'next: while let Some((top, at)) = stack.last_mut() {
        let view = top.view();
        while let Some(part) = part(view, *at) {
            *at += 1;
            if at.is_multiple_of(CHUNK) && !work::effort(CHUNK as u64) {
                return 0;
            }
            if ready(part).is_none() {
                stack.push((part, 0));
                continue 'next;
            }
        }
        let child = |value: Value<'_>| ready(value).unwrap_or(0);
        let mut state;
        match view {
            View::Array(array) => {
                state = mix(array.len() as u64, 4);
                for chunk in array.as_slice().chunks(CHUNK) {
                    state = chunk
                        .iter()
                        .fold(state, |state, element| mix(state, child(*element)));
                    if !work::effort(chunk.len() as u64) {
                        return 0;
                    }
                }
            }
            // Members and elements are added up, so that their order does not matter.
            View::Object(object) => {
                state = mix(object.len() as u64, 5);
                for (keys, values) in object
                    .keys()
                    .chunks(CHUNK)
                    .zip(object.values().chunks(CHUNK))
                {
                    for (key, value) in keys.iter().zip(values) {
                        state = state.wrapping_add(mix(child(*key), child(*value)));
                    }
                    if !work::effort(keys.len() as u64) {
                        return 0;
                    }
                }
            }
            View::Set(set) => {
                state = mix(set.len() as u64, 6);
                for chunk in set.as_sorted_slice().chunks(CHUNK) {
                    for element in chunk {
                        state = state.wrapping_add(mix(child(*element), K2));
                    }
                    if !work::effort(chunk.len() as u64) {
                        return 0;
                    }
                }
            }
            _ => state = 0,
        }
        let fresh = narrow(state);
        if let Some(cell) = cell(*top) {
            cell.store(fresh, Relaxed);
        }
        result = widen(fresh);
        stack.pop();
    }
    result
}

/// Computes everything lazy in a value and below it.
pub(super) fn force(root: Value<'_>) {
    hash(root);
}

#[cfg(test)]
mod tests {
    use super::{K2, bytes, mix, short_word};

    #[test]
    fn bytes_are_words_with_zeros_behind() {
        let text = b"0123456789abcdefghijklmnopqrstuvwxyz";
        for len in 0..text.len() {
            let text = &text[..len];
            let words = text.chunks(8).map(|chunk| {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                if chunk.len() < 8 {
                    assert_eq!(short_word(chunk), u64::from_le_bytes(word));
                }
                u64::from_le_bytes(word)
            });
            assert_eq!(bytes(text), words.fold(mix(len as u64, K2), mix));
        }
    }
}
