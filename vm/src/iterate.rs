//! Running iterations: members of collections, and walks.

use regovm_core::value::{Object, Value, View};

use crate::index::{Building, Found};

/// Members between the one that is visited and the one that is fetched into the cache.
pub(crate) const AHEAD: usize = 8;

/// An iteration that has been started.
#[derive(Default)]
pub(crate) enum Iter<'a> {
    /// Nothing, or nothing left.
    #[default]
    Empty,
    /// The elements of an array, with their indexes.
    Array(&'a [Value<'a>], usize),
    /// The elements of a set, each its own key.
    Set(&'a [Value<'a>], usize),
    /// The members of an object.
    Object(Object<'a>, usize),
    /// Everything below a value.
    Walk(Box<Walk<'a>>),
    /// The members that an index found.
    Found(Found<'a>),
    /// None yet: their index is being built.
    Build(Box<Building<'a>>),
}

impl<'a> Iter<'a> {
    /// The members of a value; none if it is no collection.
    pub(crate) fn over(value: Value<'a>) -> Iter<'a> {
        match value.view() {
            View::Array(array) => Iter::Array(array.as_slice(), 0),
            View::Set(set) => Iter::Set(set.as_sorted_slice(), 0),
            View::Object(object) => Iter::Object(object, 0),
            _ => Iter::Empty,
        }
    }

    /// The next key and value of a collection; `index` makes the key of an array element.
    #[inline]
    pub(crate) fn next(
        &mut self,
        index: impl FnOnce(usize) -> Value<'a>,
    ) -> Option<(Value<'a>, Value<'a>)> {
        match self {
            Iter::Array(elements, at) => {
                let value = *elements.get(*at)?;
                if let Some(later) = elements.get(*at + AHEAD) {
                    later.prefetch();
                }
                let key = index(*at);
                *at += 1;
                Some((key, value))
            }
            Iter::Set(elements, at) => {
                let value = *elements.get(*at)?;
                if let Some(later) = elements.get(*at + AHEAD) {
                    later.prefetch();
                }
                *at += 1;
                Some((value, value))
            }
            Iter::Object(object, at) => {
                let member = object.at(*at)?;
                if let Some(later) = object.values().get(*at + AHEAD) {
                    later.prefetch();
                }
                *at += 1;
                Some(member)
            }
            Iter::Empty | Iter::Walk(_) | Iter::Found(_) | Iter::Build(_) => None,
        }
    }
}

/// A walk in progress: pre-order, with a stack of its own.
pub(crate) struct Walk<'a> {
    /// What comes first.
    root: Option<Value<'a>>,
    /// The containers on the way down, each with its iteration.
    stack: Vec<Iter<'a>>,
    /// The keys on the way down.
    path: Vec<Value<'a>>,
}

impl<'a> Walk<'a> {
    pub(crate) fn over(root: Value<'a>) -> Walk<'a> {
        Walk {
            root: Some(root),
            stack: Vec::new(),
            path: Vec::new(),
        }
    }

    /// The next value; its path is [`Walk::path`] until the next call.
    pub(crate) fn next(&mut self, index: impl Fn(usize) -> Value<'a>) -> Option<Value<'a>> {
        let value = match self.root.take() {
            Some(root) => root,
            None => loop {
                let depth = self.stack.len();
                match self.stack.last_mut()?.next(&index) {
                    Some((key, value)) => {
                        self.path.truncate(depth - 1);
                        self.path.push(key);
                        break value;
                    }
                    None => {
                        self.stack.pop();
                    }
                }
            },
        };
        match Iter::over(value) {
            Iter::Empty => {}
            members => self.stack.push(members),
        }
        Some(value)
    }

    /// The keys from the root to the last value.
    pub(crate) fn path(&self) -> &[Value<'a>] {
        &self.path
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.stack.capacity() * size_of::<Iter<'a>>()
            + self.path.capacity() * size_of::<Value<'a>>()
    }
}
