//! Rego values in arenas: their forms, order, hashes, numbers, and the builders that make them.

mod arena;
mod array;
mod bigfloat;
mod chunks;
mod convert;
mod dictionary;
mod fast;
mod frozen;
mod hash;
mod layout;
pub mod number;
mod object;
mod order;
mod parts;
mod raw;
mod scratch;
mod set;
mod shape;
mod sort;
mod string;
mod table;

use std::cmp::Ordering;

pub(crate) use arena::ShapesOf;
pub use arena::{Arena, MemoryExceeded};
pub use array::{Array, ArrayBuilder};
pub use convert::to_constant;
pub use frozen::Frozen;
pub use layout::ShapeId;
pub use number::Number;
pub use object::{Object, ObjectBuilder, ObjectIter};
pub use parts::Parts;
pub use raw::Value;
pub use scratch::Claim;

pub use set::{Set, SetBuilder};
pub(crate) use shape::{EVERYTHING, NOTHING, NodeId, Wanted};
pub use sort::{sort_by, sort_by_key};
pub use string::Str;

/// The kinds of values, in Rego's order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` and `false`
    Boolean,
    /// Numbers of every form.
    Number,
    /// Strings.
    String,
    /// Arrays.
    Array,
    /// Objects.
    Object,
    /// Sets.
    Set,
}

impl Kind {
    /// The name as OPA writes it in messages and `type_name` returns it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Number => "number",
            Kind::String => "string",
            Kind::Array => "array",
            Kind::Object => "object",
            Kind::Set => "set",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A value taken apart for matching.
#[derive(Clone, Copy)]
pub enum View<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean(bool),
    /// An integer inside the word: the common form of a number.
    Integer(i64),
    /// Any other number: larger integers, and every text that is no canonical integer.
    Number(Number<'a>),
    /// A string.
    String(Str<'a>),
    /// An array.
    Array(Array<'a>),
    /// An object.
    Object(Object<'a>),
    /// A set.
    Set(Set<'a>),
}

impl<'a> Value<'a> {
    /// Takes the value apart.
    #[inline]
    pub fn view(self) -> View<'a> {
        match self.tag() {
            raw::TAG_INTEGER => View::Integer(self.inline().unwrap_or(0)),
            raw::TAG_STRING => self
                .string_header()
                .map_or(View::Null, |h| View::String(Str(h))),
            raw::TAG_NUMBER => self
                .number_header()
                .map_or(View::Null, |h| View::Number(Number(h))),
            raw::TAG_ARRAY => Array::of(self).map_or(View::Null, View::Array),
            raw::TAG_OBJECT => Object::of(self).map_or(View::Null, View::Object),
            raw::TAG_SET => Set::of(self).map_or(View::Null, View::Set),
            _ => self.as_bool().map_or(View::Null, View::Boolean),
        }
    }

    /// The kind of the value.
    #[inline]
    pub fn kind(self) -> Kind {
        match self.tag() {
            raw::TAG_INTEGER | raw::TAG_NUMBER => Kind::Number,
            raw::TAG_STRING => Kind::String,
            raw::TAG_ARRAY => Kind::Array,
            raw::TAG_OBJECT => Kind::Object,
            raw::TAG_SET => Kind::Set,
            _ if self.to_bits() == Value::NULL.to_bits() => Kind::Null,
            _ => Kind::Boolean,
        }
    }

    /// True for `null`.
    pub fn is_null(self) -> bool {
        self.to_bits() == Value::NULL.to_bits()
    }

    /// True for `false`: the one value besides undefined that fails an expression.
    #[inline]
    pub fn is_false(self) -> bool {
        self.to_bits() == Value::FALSE.to_bits()
    }

    /// True for `true`.
    #[inline]
    pub fn is_true(self) -> bool {
        self.to_bits() == Value::TRUE.to_bits()
    }

    /// True for numbers of every form.
    pub fn is_number(self) -> bool {
        matches!(self.tag(), raw::TAG_INTEGER | raw::TAG_NUMBER)
    }

    /// True for strings.
    pub fn is_string(self) -> bool {
        self.tag() == raw::TAG_STRING
    }

    /// True for arrays, objects and sets.
    pub fn is_collection(self) -> bool {
        self.tag() >= raw::TAG_ARRAY
    }

    /// The boolean, if it is one.
    #[inline]
    pub fn as_bool(self) -> Option<bool> {
        if self.is_true() {
            Some(true)
        } else if self.is_false() {
            Some(false)
        } else {
            None
        }
    }

    /// The text, if it is a string.
    #[inline]
    pub fn as_str(self) -> Option<&'a str> {
        self.string_header().map(|header| header.as_str())
    }

    /// The array, if it is one.
    #[inline]
    pub fn as_array(self) -> Option<Array<'a>> {
        Array::of(self)
    }

    /// The object, if it is one.
    #[inline]
    pub fn as_object(self) -> Option<Object<'a>> {
        Object::of(self)
    }

    /// The set, if it is one.
    #[inline]
    pub fn as_set(self) -> Option<Set<'a>> {
        Set::of(self)
    }

    /// The integer, if it is a number that is an exact integer of 64 bits, in any spelling
    /// (`1.0` and `1e2` too).
    #[inline]
    pub fn as_i64(self) -> Option<i64> {
        match self.inline() {
            Some(value) => Some(value),
            None => self
                .number_header()
                .and_then(|header| Number(header).to_i64()),
        }
    }

    /// The number as the nearest `f64`, if it is a number.
    pub fn as_f64(self) -> Option<f64> {
        match self.inline() {
            Some(value) => Some(value as f64),
            None => self.number_header().map(|header| Number(header).to_f64()),
        }
    }

    /// Number of elements of an array, object or set.
    pub fn collection_len(self) -> Option<usize> {
        match self.view() {
            View::Array(array) => Some(array.len()),
            View::Object(object) => Some(object.len()),
            View::Set(set) => Some(set.len()),
            _ => None,
        }
    }

    /// Rego's indexing: an array by an integer, an object by a key, a set by membership (which
    /// gives the element itself).
    pub fn get(self, key: Value<'_>) -> Option<Value<'a>> {
        match self.view() {
            View::Array(array) => {
                let index = usize::try_from(key.as_i64()?).ok()?;
                array.as_slice().get(index).copied()
            }
            View::Object(object) => object.get(key),
            View::Set(set) => set.get(key),
            _ => None,
        }
    }

    /// The member of an object with a string key.
    pub fn get_str(self, key: &str) -> Option<Value<'a>> {
        self.as_object()?.get_str(key)
    }

    /// A hash of the structure: equal values have equal hashes.
    #[inline]
    pub fn hash(self) -> u64 {
        hash::hash(self)
    }
}

impl PartialEq for Value<'_> {
    #[inline]
    fn eq(&self, other: &Value<'_>) -> bool {
        if self.to_bits() == other.to_bits() {
            return true;
        }
        // Most texts that are compared differ in length, which is seen without a call.
        match (self.string_header(), other.string_header()) {
            (Some(a), Some(b)) if a.len != b.len => false,
            _ => order::equal(*self, *other),
        }
    }
}

impl Eq for Value<'_> {}

impl PartialOrd for Value<'_> {
    fn partial_cmp(&self, other: &Value<'_>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value<'_> {
    fn cmp(&self, other: &Value<'_>) -> Ordering {
        order::compare(*self, *other)
    }
}

impl std::hash::Hash for Value<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(hash::hash(*self));
    }
}

/// Rego syntax.
impl std::fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::json::rego_text(*self))
    }
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::json::rego_text(*self))
    }
}
