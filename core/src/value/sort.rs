//! Sorting that can be ended early, and never fails on an order that is none.
//!
//! Comparisons of large values give up when the run is over (see [`crate::work`]); the standard library's sorts may panic
//! on the contradictions that this leaves. They do the work wherever that cannot happen.

use std::cmp::Ordering;

use super::scratch::Claim;
use super::{Arena, MemoryExceeded, Value, View};
use crate::work;

/// Lists up to this length are sorted by the standard library if their keys are plain.
const SHORT: usize = 1 << 12;

/// Runs that are sorted by insertion.
const RUN: usize = 16;

/// Comparisons between two looks at the watch.
const CHUNK: usize = 1 << 10;

/// Long enough for a comparison to be work that counts.
const LONG_TEXT: usize = 256;

/// Comparing it with anything of its kind is quick and never given up.
fn is_plain(value: Value<'_>) -> bool {
    match value.view() {
        View::Null | View::Boolean(_) | View::Integer(_) => true,
        View::Number(number) => number.text().len() <= LONG_TEXT,
        View::String(text) => text.len() <= LONG_TEXT,
        View::Array(_) | View::Object(_) | View::Set(_) => false,
    }
}

/// As [`sort_by_key`], in any order.
pub fn sort_by<T: Copy>(
    arena: &Arena,
    list: &mut [T],
    order: impl Fn(&T, &T) -> Ordering,
) -> Result<(), MemoryExceeded> {
    let _memory = Claim::new(arena, size_of_val(list))?;
    merge_sort(list, order);
    Ok(())
}

/// Sorts a list by keys in Rego's order; equal ones stay in their order. If there is no point in going on the list is
/// left in some order. The memory that it takes for a while is counted.
pub fn sort_by_key<'a, 'k, T: Copy>(
    arena: &'a Arena,
    list: &mut [T],
    key: impl Fn(&T) -> Value<'k>,
) -> Result<(), MemoryExceeded> {
    if list.len() <= RUN {
        insertion_sort(list, &|a: &T, b: &T| key(a).cmp(&key(b)));
        return Ok(());
    }
    let _memory = Claim::new(arena, size_of_val(list))?;
    if list.len() <= SHORT && list.iter().all(|item| is_plain(key(item))) {
        list.sort_by_key(|item| key(item));
    } else {
        merge_sort(list, |a, b| key(a).cmp(&key(b)));
    }
    Ok(())
}

/// A stable merge sort, bottom up.
fn merge_sort<T: Copy>(list: &mut [T], order: impl Fn(&T, &T) -> Ordering) {
    for run in list.chunks_mut(RUN) {
        insertion_sort(run, &order);
        if !work::effort(RUN as u64 * 4) {
            return;
        }
    }
    if list.len() <= RUN {
        return;
    }
    let mut other = list.to_vec();
    let mut width = RUN;
    // Whether the sorted runs are in `other` now.
    let mut moved = false;
    while width < list.len() {
        let (from, to): (&[T], &mut [T]) = if moved {
            (&other, list)
        } else {
            (list, &mut other)
        };
        for (source, target) in from.chunks(2 * width).zip(to.chunks_mut(2 * width)) {
            if !merge(source, width, target, &order) {
                return;
            }
        }
        moved = !moved;
        width *= 2;
    }
    if moved {
        list.copy_from_slice(&other);
    }
}

fn insertion_sort<T: Copy>(run: &mut [T], order: &impl Fn(&T, &T) -> Ordering) {
    for end in 1..run.len() {
        let item = run[end];
        let mut at = end;
        while at > 0 && order(&item, &run[at - 1]).is_lt() {
            run[at] = run[at - 1];
            at -= 1;
        }
        run[at] = item;
    }
}

/// Merges the two sorted parts of a list; false if there is no point in going on.
fn merge<T: Copy>(
    source: &[T],
    middle: usize,
    target: &mut [T],
    order: &impl Fn(&T, &T) -> Ordering,
) -> bool {
    let (mut left, mut right) = source.split_at(middle.min(source.len()));
    for chunk in target.chunks_mut(CHUNK) {
        for place in chunk.iter_mut() {
            let take_right = match (left.first(), right.first()) {
                (Some(a), Some(b)) => order(b, a).is_lt(),
                (None, _) => true,
                (_, None) => false,
            };
            let part = if take_right { &mut right } else { &mut left };
            if let Some((first, rest)) = part.split_first() {
                *place = *first;
                *part = rest;
            }
        }
        if !work::effort(2 * CHUNK as u64) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_and_large_keys_are_sorted_stably() {
        let arena = Arena::new();
        for len in [0, 1, 2, 15, 16, 17, 33, 100, 1000, 5000, 70_000] {
            let key = |i: usize| {
                let n = arena.integer((i * 7919 % 1009) as i64);
                arena.array(&[n])
            };
            let mut list: Vec<(Value<'_>, usize)> = (0..len).map(|i| (key(i), i)).collect();
            let mut expected = list.clone();
            expected.sort_by_key(|(key, _)| *key);
            sort_by_key(&arena, &mut list, |(key, _)| *key).unwrap();
            assert_eq!(list, expected, "{len}");
        }
    }

    #[test]
    fn an_order_that_is_none_does_no_harm() {
        let mut list: Vec<usize> = (0..5000).collect();
        merge_sort(&mut list, |a, b| match (a * 31 + b * 17) % 3 {
            0 => Ordering::Less,
            1 => Ordering::Equal,
            _ => Ordering::Greater,
        });
        list.sort_unstable();
        assert!(list.into_iter().eq(0..5000));
    }
}
