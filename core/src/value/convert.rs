//! Constants to values and back, and copies between arenas. No recursion.

use super::{Arena, Value, View};
use crate::Constant;

/// A collection whose parts are being made.
enum Parts<'c> {
    Array(std::slice::Iter<'c, Constant>),
    Object(
        std::slice::Iter<'c, (Constant, Constant)>,
        Option<&'c Constant>,
    ),
    Set(std::slice::Iter<'c, Constant>),
}

pub(super) fn from_constant<'a>(arena: &'a Arena, root: &Constant) -> Value<'a> {
    let mut open: Vec<(Parts<'_>, usize)> = Vec::new();
    let mut done: Vec<Value<'a>> = Vec::new();
    let mut next = Some(root);
    loop {
        if let Some(constant) = next.take() {
            match constant {
                Constant::Null => done.push(Value::NULL),
                Constant::Boolean(truth) => done.push(Value::boolean(*truth)),
                Constant::Number(text) => {
                    done.push(arena.number_text(text).unwrap_or(Value::NULL));
                }
                Constant::String(text) => done.push(arena.string(text)),
                Constant::Array(elements) => open.push((Parts::Array(elements.iter()), done.len())),
                Constant::Object(members) => {
                    open.push((Parts::Object(members.iter(), None), done.len()));
                }
                Constant::Set(elements) => open.push((Parts::Set(elements.iter()), done.len())),
            }
        }
        let Some((parts, base)) = open.last_mut() else {
            break;
        };
        next = match parts {
            Parts::Array(rest) | Parts::Set(rest) => rest.next(),
            Parts::Object(rest, value) => match value.take() {
                Some(value) => Some(value),
                None => rest.next().map(|(key, of)| {
                    *value = Some(of);
                    key
                }),
            },
        };
        if next.is_none() {
            let made = match parts {
                Parts::Array(_) => arena.array(&done[*base..]),
                Parts::Set(_) => arena.set_from(done[*base..].iter().copied()),
                Parts::Object(..) => {
                    arena.object_from(done[*base..].chunks_exact(2).map(|m| (m[0], m[1])))
                }
            };
            done.truncate(*base);
            open.pop();
            done.push(made);
        }
    }
    done.pop().unwrap_or(Value::NULL)
}

/// A value on its way to another form.
enum Walk<'v> {
    Elements(View<'v>, usize, usize),
}

/// Rebuilds a value bottom up: `leaf` makes scalars, `join` collections from their finished
/// parts (keys and values in turn for objects).
fn rebuild<'v, T>(
    root: Value<'v>,
    mut leaf: impl FnMut(Value<'v>) -> T,
    mut join: impl FnMut(View<'v>, Vec<T>) -> T,
) -> Option<T> {
    let mut open: Vec<(Walk<'v>, usize)> = Vec::new();
    let mut done: Vec<T> = Vec::new();
    let mut next = Some(root);
    loop {
        if let Some(value) = next.take() {
            match value.view() {
                view @ View::Array(array) => {
                    open.push((Walk::Elements(view, 0, array.len()), done.len()));
                }
                view @ View::Set(set) => {
                    open.push((Walk::Elements(view, 0, set.len()), done.len()));
                }
                view @ View::Object(object) => {
                    open.push((Walk::Elements(view, 0, object.len() * 2), done.len()));
                }
                _ => done.push(leaf(value)),
            }
        }
        let Some((Walk::Elements(view, at, len), base)) = open.last_mut() else {
            break;
        };
        if at < len {
            next = match view {
                View::Array(array) => array.get(*at),
                View::Set(set) => set.as_sorted_slice().get(*at).copied(),
                View::Object(object) => object
                    .at(*at / 2)
                    .map(|(k, v)| if *at % 2 == 0 { k } else { v }),
                _ => None,
            };
            *at += 1;
        } else {
            let parts = done.split_off(*base);
            let made = join(*view, parts);
            open.pop();
            done.push(made);
        }
    }
    done.pop()
}

/// The constant that equals a value.
pub fn to_constant(value: Value<'_>) -> Constant {
    rebuild(
        value,
        |leaf| match leaf.view() {
            View::Boolean(truth) => Constant::Boolean(truth),
            View::Integer(value) => Constant::Number(value.to_string().into()),
            View::Number(number) => Constant::Number(number.text().into()),
            View::String(text) => Constant::String(text.as_str().into()),
            _ => Constant::Null,
        },
        |view, parts| match view {
            View::Set(_) => Constant::Set(parts),
            View::Object(_) => {
                let mut parts = parts.into_iter();
                let mut members = Vec::with_capacity(parts.len() / 2);
                while let (Some(key), Some(value)) = (parts.next(), parts.next()) {
                    members.push((key, value));
                }
                Constant::Object(members)
            }
            _ => Constant::Array(parts),
        },
    )
    .unwrap_or(Constant::Null)
}

pub(super) fn copy<'a>(arena: &'a Arena, value: Value<'_>) -> Value<'a> {
    rebuild(
        value,
        |leaf| match leaf.view() {
            View::Boolean(truth) => Value::boolean(truth),
            View::Integer(value) => arena.integer(value),
            View::Number(number) => arena.number_trusted(number.text()),
            View::String(text) => arena.string(text.as_str()),
            _ => Value::NULL,
        },
        |view, parts| match view {
            View::Set(_) => arena.set_sorted(&parts),
            View::Object(object) => {
                let members: Vec<_> = parts.chunks_exact(2).map(|m| (m[0], m[1])).collect();
                match object.shape_id() {
                    Some(_) => arena.record(&members),
                    None => arena.object_sorted(&members),
                }
            }
            _ => arena.array(&parts),
        },
    )
    .unwrap_or(Value::NULL)
}
