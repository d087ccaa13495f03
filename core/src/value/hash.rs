//! Structural hashes: equal values hash equal, whatever their form or spelling.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::number::Number;
use super::raw::{NumberHeader, StringHeader};
use super::{Value, View};

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

/// The hash of bytes.
pub(super) fn bytes(bytes: &[u8]) -> u64 {
    let mut state = mix(bytes.len() as u64, K2);
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        state = mix(state, u64::from_le_bytes(word));
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        state = mix(state, u64::from_le_bytes(word));
    }
    state
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
    cell.store(fresh, Relaxed);
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

/// Hashes a collection from its leaves up, with its own stack.
fn collection(root: Value<'_>) -> u64 {
    let mut stack = vec![root];
    let mut result = 0;
    while let Some(&top) = stack.last() {
        let before = stack.len();
        let mut state;
        let child = |value: Value<'_>| -> u64 { ready(value).unwrap_or(0) };
        match top.view() {
            View::Array(array) => {
                state = mix(array.len() as u64, 4);
                for element in array.as_slice() {
                    state = mix(state, child(*element));
                }
                stack.extend(array.iter().filter(|v| ready(*v).is_none()));
            }
            // Members and elements are added up, so that their order does not matter.
            View::Object(object) => {
                state = mix(object.len() as u64, 5);
                for (key, value) in object.iter() {
                    state = state.wrapping_add(mix(child(key), child(value)));
                }
                for (key, value) in object.iter() {
                    stack.extend([key, value].into_iter().filter(|v| ready(*v).is_none()));
                }
            }
            View::Set(set) => {
                state = mix(set.len() as u64, 6);
                for element in set.iter() {
                    state = state.wrapping_add(mix(child(element), K2));
                }
                stack.extend(set.iter().filter(|v| ready(*v).is_none()));
            }
            _ => state = 0,
        }
        if stack.len() == before {
            let fresh = narrow(state);
            if let Some(cell) = cell(top) {
                cell.store(fresh, Relaxed);
            }
            result = widen(fresh);
            stack.pop();
        }
    }
    result
}

/// Computes everything lazy in a value and below it.
pub(super) fn force(root: Value<'_>) {
    hash(root);
}
