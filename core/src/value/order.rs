//! Rego's total order and equality, without recursion.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::HashSet;

use super::number::compare_numbers;
use super::object::ObjectIter;
use super::{Kind, Value, View};

thread_local! {
    /// Pairs of values that comparisons of this thread have looked at.
    static COMPARED: Cell<u64> = const { Cell::new(0) };
}

/// Pairs per unit of work.
const PAIRS_PER_UNIT: u64 = 8;

/// The work that comparisons of collections on this thread have done since the last call, in units of a budget.
///
/// Equality and order are operators of Rust here and cannot take a meter with them: the evaluator asks afterwards.
#[inline]
pub fn take_comparison_work() -> u64 {
    COMPARED.with(|compared| {
        let pairs = compared.get();
        if pairs < PAIRS_PER_UNIT {
            return 0;
        }
        compared.set(pairs % PAIRS_PER_UNIT);
        pairs / PAIRS_PER_UNIT
    })
}

/// Forgets what was compared, at the start of a count.
pub fn reset_comparison_work() {
    COMPARED.with(|compared| compared.set(0));
}

/// Pairs after which a comparison starts to remember the collections that it has seen. Values share parts: a
/// comparison that looks at a shared part each time it meets it may never end.
const REMEMBER_AFTER: u64 = 1024;

type Elements<'a> = std::iter::Copied<std::slice::Iter<'a, Value<'a>>>;

/// Two collections of one kind on their way through a comparison.
enum Frame<'a, 'b> {
    Elements(Elements<'a>, Elements<'b>),
    Members(ObjectIter<'a>, ObjectIter<'b>),
    /// The values of two members whose keys are still being compared.
    Values(Value<'a>, Value<'b>),
}

/// The order of two values.
pub(super) fn compare(a: Value<'_>, b: Value<'_>) -> Ordering {
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
        return Ok(a.cmp(b));
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
            Err(Frame::Elements(
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

fn deep(first: Frame<'_, '_>) -> Ordering {
    let mut pairs = 0;
    let order = compare_frames(first, &mut pairs);
    COMPARED.with(|compared| compared.set(compared.get().saturating_add(pairs)));
    order
}

fn compare_frames(first: Frame<'_, '_>, pairs: &mut u64) -> Ordering {
    let mut stack = vec![first];
    // Any difference ends the comparison, so whatever was met before is equal, or will be known not to be in time.
    let mut seen = HashSet::new();
    while let Some(top) = stack.last_mut() {
        let (a, b) = match top {
            Frame::Elements(a, b) => match (a.next(), b.next()) {
                (Some(a), Some(b)) => (a, b),
                (None, None) => {
                    stack.pop();
                    continue;
                }
                (a, b) => return a.is_some().cmp(&b.is_some()),
            },
            Frame::Members(a, b) => match (a.next(), b.next()) {
                (Some((key_a, value_a)), Some((key_b, value_b))) => {
                    stack.push(Frame::Values(value_a, value_b));
                    (key_a, key_b)
                }
                (None, None) => {
                    stack.pop();
                    continue;
                }
                (a, b) => return a.is_some().cmp(&b.is_some()),
            },
            Frame::Values(a, b) => {
                let pair = (*a, *b);
                stack.pop();
                pair
            }
        };
        *pairs += 1;
        match shallow(a, b) {
            Err(_) if *pairs > REMEMBER_AFTER && !seen.insert((a.to_bits(), b.to_bits())) => {}
            Ok(Ordering::Equal) => {}
            Ok(order) => return order,
            Err(frame) => stack.push(frame),
        }
    }
    Ordering::Equal
}

/// Equality: cheaper than the order, because lengths and known hashes tell most values apart.
pub(super) fn equal(a: Value<'_>, b: Value<'_>) -> bool {
    if a.to_bits() == b.to_bits() {
        return true;
    }
    match (a.view(), b.view()) {
        (View::String(a), View::String(b)) => *a == *b,
        (View::Array(x), View::Array(y)) => x.len() == y.len() && compare(a, b).is_eq(),
        (View::Object(x), View::Object(y)) => x.len() == y.len() && compare(a, b).is_eq(),
        (View::Set(x), View::Set(y)) => x.len() == y.len() && compare(a, b).is_eq(),
        (View::Integer(_), View::Integer(_)) => false,
        _ => a.is_number() && b.is_number() && compare_numbers(a, b).is_eq(),
    }
}
