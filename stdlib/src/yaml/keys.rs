//! The order of keys: as people order names, numbers within them by their value.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::LazyLock;

use regex::Regex;

/// A key of a mapping and what belongs to it, for sorting.
struct Entry<T>(String, T);

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Entry<T>) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Entry<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Entry<T>) -> Ordering {
        compare(&self.0, &other.0)
    }
}

/// Sorts by key.
pub(super) fn sorted<T>(entries: impl IntoIterator<Item = (String, T)>) -> Vec<(String, T)> {
    // The order is not one that the sorting of slices may rely on: with digits of very large numbers there are circles.
    // A heap gives some order then.
    let heap: BinaryHeap<_> = entries
        .into_iter()
        .map(|(key, value)| Entry(key, value))
        .collect();
    let sorted = heap.into_sorted_vec().into_iter();
    sorted.map(|Entry(key, value)| (key, value)).collect()
}

fn is(c: char, class: &Regex) -> bool {
    class.is_match(c.encode_utf8(&mut [0; 4]))
}

fn class(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| unreachable!("{error}"))
}

fn is_letter(c: char) -> bool {
    static LETTER: LazyLock<Regex> = LazyLock::new(|| class(r"^\p{L}$"));
    c.is_ascii_alphabetic() || !c.is_ascii() && is(c, &LETTER)
}

fn is_digit(c: char) -> bool {
    static DIGIT: LazyLock<Regex> = LazyLock::new(|| class(r"^\p{Nd}$"));
    c.is_ascii_digit() || !c.is_ascii() && is(c, &DIGIT)
}

fn compare(a: &str, b: &str) -> Ordering {
    let equal: usize = a
        .chars()
        .zip(b.chars())
        .take_while(|(a, b)| a == b)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let (before, a, b) = (&a[..equal], &a[equal..], &b[equal..]);
    let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else {
        return a.len().cmp(&b.len());
    };
    match (is_letter(x), is_letter(y)) {
        (true, true) => return x.cmp(&y),
        (false, false) => {}
        (x_is_letter, _) => {
            // A letter comes before other things behind a digit, else after them.
            let after_digit = before.chars().next_back().is_some_and(is_digit);
            return if x_is_letter == after_digit {
                Ordering::Less
            } else {
                Ordering::Greater
            };
        }
    }
    // Zeros count within a number, but not at its start.
    let within = (x == '0' || y == '0')
        && before
            .chars()
            .rev()
            .take_while(|c| is_digit(*c))
            .any(|c| c != '0');
    let number = |text: &str| {
        let digits = text.chars().take_while(|c| is_digit(*c));
        digits.fold((i64::from(within), 0), |(number, digits), c| {
            let digit = i64::from(c as u32) - i64::from(b'0');
            (number.wrapping_mul(10).wrapping_add(digit), digits + 1)
        })
    };
    let ((a, a_digits), (b, b_digits)): ((i64, usize), (i64, usize)) = (number(a), number(b));
    a.cmp(&b).then(a_digits.cmp(&b_digits)).then(x.cmp(&y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_people_do() {
        let ordered = [
            "", "-", "0", "00", "1", "1a", "1-", "2", "10", "100", "A", "a", "a-b", "a1", "a1b",
            "a01b", "a2", "a10", "ab", "b", "é",
        ];
        let shuffled = ordered.iter().rev().map(|key| ((*key).to_owned(), ()));
        let keys: Vec<_> = sorted(shuffled).into_iter().map(|(key, ())| key).collect();
        assert_eq!(keys, ordered);
    }
}
