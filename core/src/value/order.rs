//! Rego's total order and equality, without recursion.

use std::cmp::Ordering;

use smallvec::{SmallVec, smallvec};

use super::number::compare_numbers;
use super::object::ObjectIter;
use super::{Kind, Value, View};
use crate::work;

/// Pairs after which a comparison starts to remember the collections that it has seen. Values share parts: a
/// comparison that looks at a shared part each time it meets it may never end.
const REMEMBER_AFTER: u64 = 1024;

type Elements<'a> = std::iter::Copied<std::slice::Iter<'a, Value<'a>>>;

/// Two collections of one kind on their way through a comparison.
enum Frame<'a, 'b> {
    Elements(Elements<'a>, Elements<'b>),
    /// The values of objects with one list of keys.
    SameKeys(Elements<'a>, Elements<'b>),
    Members(ObjectIter<'a>, ObjectIter<'b>),
    /// The values of two members whose keys are still being compared.
    Values(Value<'a>, Value<'b>),
}

/// The order of two values.
#[inline]
pub(super) fn compare(a: Value<'_>, b: Value<'_>) -> Ordering {
    // Most of what is sorted.
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        return compare_texts(a, b);
    }
    compare_any(a, b)
}

fn compare_any(a: Value<'_>, b: Value<'_>) -> Ordering {
    match shallow(a, b) {
        Ok(order) => order,
        Err(frame) => deep(frame),
    }
}

/// The order, or the frame to work through if both are collections of one kind.
fn shallow<'a, 'b>(a: Value<'a>, b: Value<'b>) -> Result<Ordering, Frame<'a, 'b>> {
    if a.to_bits() == b.to_bits() {
        return Ok(Ordering::Equal);
    }
    if let (Some(a), Some(b)) = (a.inline(), b.inline()) {
        return Ok(a.cmp(&b));
    }
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        return Ok(compare_texts(a, b));
    }
    let (kind_a, kind_b) = (a.kind(), b.kind());
    if kind_a != kind_b {
        return Ok(kind_a.cmp(&kind_b));
    }
    match (a.view(), b.view()) {
        (View::Array(a), View::Array(b)) => Err(Frame::Elements(a.iter(), b.iter())),
        (View::Object(a), View::Object(b))
            if std::ptr::addr_eq(a.header.layout, b.header.layout) =>
        {
            Err(Frame::SameKeys(
                a.values.iter().copied(),
                b.values.iter().copied(),
            ))
        }
        (View::Object(a), View::Object(b)) => Err(Frame::Members(a.iter(), b.iter())),
        (View::Set(a), View::Set(b)) => Err(Frame::Elements(a.iter(), b.iter())),
        _ if kind_a == Kind::Number => Ok(compare_numbers(a, b)),
        (a, b) => Ok(matches!(a, View::Boolean(true)).cmp(&matches!(b, View::Boolean(true)))),
    }
}

/// Bytes of texts that are compared in one go.
const BLOCK: usize = 1 << 12;

/// The order of two texts; that of long ones is work that counts.
#[inline]
fn compare_texts(a: &str, b: &str) -> Ordering {
    if a.len().min(b.len()) <= BLOCK {
        a.cmp(b)
    } else {
        compare_long_texts(a.as_bytes(), b.as_bytes())
    }
}

/// Whether two texts of one length are equal. Most are a few words long: calling a function that compares bytes would take
/// longer than comparing them.
#[inline]
pub(super) fn equal_texts(a: &str, b: &str) -> bool {
    let (x, y) = (a.as_bytes(), b.as_bytes());
    match x.len() {
        8..=16 => {
            x.first_chunk::<8>() == y.first_chunk::<8>() && x.last_chunk::<8>() == y.last_chunk()
        }
        4..8 => {
            x.first_chunk::<4>() == y.first_chunk::<4>() && x.last_chunk::<4>() == y.last_chunk()
        }
        0..4 => x.iter().eq(y),
        _ => compare_texts(a, b).is_eq(),
    }
}

#[cold]
fn compare_long_texts(a: &[u8], b: &[u8]) -> Ordering {
    for (x, y) in a.chunks(BLOCK).zip(b.chunks(BLOCK)) {
        let order = x.cmp(y);
        if order.is_ne() || !work::count((BLOCK / work::BYTES_PER_PIECE) as u64) {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// Pairs that are counted together.
const PAIRS: u64 = 1 << 12;

/// Compares two collections of one kind. If there is no point in going on, what was found equal so far counts.
fn deep(first: Frame<'_, '_>) -> Ordering {
    // Most values are not deep, and are compared without asking for memory.
    let mut stack: SmallVec<[Frame<'_, '_>; 6]> = smallvec![first];
    let mut pairs = 0_u64;
    let mut counted = 0_u64;
    let mut seen = Seen::default();
    let order = loop {
        let Some(top) = stack.last_mut() else {
            break Ordering::Equal;
        };
        let next = match top {
            Frame::Elements(a, b) => {
                let lengths = a.len().cmp(&b.len());
                a.next().zip(b.next()).ok_or(lengths)
            }
            Frame::SameKeys(a, b) => {
                // The pair of keys, as if they had been compared: where shapes end depends on what was read before.
                pairs += 1;
                a.next().zip(b.next()).ok_or(Ordering::Equal)
            }
            Frame::Members(a, b) => match (a.next(), b.next()) {
                (Some((key_a, value_a)), Some((key_b, value_b))) => {
                    stack.push(Frame::Values(value_a, value_b));
                    Ok((key_a, key_b))
                }
                (a, b) => Err(a.is_some().cmp(&b.is_some())),
            },
            Frame::Values(a, b) => {
                let pair = (*a, *b);
                stack.pop();
                Ok(pair)
            }
        };
        let (a, b) = match next {
            Ok(pair) => pair,
            Err(Ordering::Equal) => {
                stack.pop();
                continue;
            }
            Err(order) => break order,
        };
        pairs += 1;
        if pairs - counted >= PAIRS {
            if !work::count(pairs - counted) {
                return Ordering::Equal;
            }
            counted = pairs;
        }
        match shallow(a, b) {
            Err(_) if pairs > REMEMBER_AFTER && seen.was_met(a, b) => {}
            Ok(Ordering::Equal) => {}
            Ok(order) => break order,
            Err(frame) => stack.push(frame),
        }
    };
    work::count(pairs - counted);
    order
}

/// Pairs of collections that a comparison has met: any difference ends it, so they are equal, or will be known not to be
/// in time. It forgets some, so that it takes a fixed amount of memory.
#[derive(Default)]
struct Seen {
    places: Vec<(u64, u64)>,
}

impl Seen {
    const PLACES: usize = 1 << 12;

    fn was_met(&mut self, a: Value<'_>, b: Value<'_>) -> bool {
        if self.places.is_empty() {
            self.places.resize(Self::PLACES, (0, 0));
        }
        let pair = (a.to_bits(), b.to_bits());
        let mixed = (pair.0 ^ pair.1.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let place = &mut self.places[(mixed >> 52) as usize % Self::PLACES];
        std::mem::replace(place, pair) == pair
    }
}

/// Equality: cheaper than the order, because lengths and known hashes tell most values apart.
pub(super) fn equal(a: Value<'_>, b: Value<'_>) -> bool {
    if a.to_bits() == b.to_bits() {
        return true;
    }
    match (a.view(), b.view()) {
        (View::String(a), View::String(b)) => {
            a.len() == b.len() && equal_texts(a.as_str(), b.as_str())
        }
        (View::Array(x), View::Array(y)) => x.len() == y.len() && compare(a, b).is_eq(),
        (View::Object(x), View::Object(y)) => x.len() == y.len() && compare(a, b).is_eq(),
        (View::Set(x), View::Set(y)) => x.len() == y.len() && compare(a, b).is_eq(),
        (View::Integer(_), View::Integer(_)) => false,
        _ => a.is_number() && b.is_number() && compare_numbers(a, b).is_eq(),
    }
}
