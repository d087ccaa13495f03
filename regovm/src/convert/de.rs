//! Values as what serde deserializes: types of Rust are made of them without a detour over JSON.

use std::cell::Cell;

use regovm_core::value::{Arena, MemoryExceeded, Number, ObjectIter, Value, View};
use regovm_core::{json, work};
use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::DataError;

/// How deep what is deserialized may nest: types of Rust that contain themselves are made by recursion.
const MAX_DEPTH: usize = 128;

/// Bytes that each value takes on the other side, roughly.
const BYTES: usize = 32;

/// Memory of what was made of values, counted by their arena as long as this lives.
pub(crate) struct Held<'a> {
    arena: &'a Arena,
    bytes: Cell<usize>,
}

impl<'a> Held<'a> {
    pub(crate) fn new(arena: &'a Arena) -> Held<'a> {
        Held {
            arena,
            bytes: Cell::new(0),
        }
    }

    fn add(&self, bytes: usize) -> Result<(), MemoryExceeded> {
        self.arena.claim(bytes)?;
        self.bytes.set(self.bytes.get() + bytes);
        Ok(())
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.arena.release(self.bytes.get());
    }
}

/// A value that is read by serde. Strings can be borrowed for as long as the value lives.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a, 'h> {
    value: Value<'a>,
    depth: usize,
    held: Option<&'h Held<'a>>,
}

impl<'a, 'h> Reading<'a, 'h> {
    pub(crate) fn new(value: Value<'a>) -> Self {
        Reading {
            value,
            depth: MAX_DEPTH,
            held: None,
        }
    }

    /// With a count of the memory that it takes.
    pub(crate) fn counted(value: Value<'a>, held: &'h Held<'a>) -> Self {
        Reading {
            held: Some(held),
            ..Reading::new(value)
        }
    }

    fn of(&self, value: Value<'a>) -> Self {
        Reading { value, ..*self }
    }

    fn below(&self) -> Result<Self, DataError> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Reading { depth, ..*self }),
            None => Err(DataError::new(format!(
                "the value nests deeper than {MAX_DEPTH}"
            ))),
        }
    }

    /// Counts the value as work, and its memory.
    fn count(&self) -> Result<(), DataError> {
        if !work::count(1) {
            return Err(DataError::new("stopped"));
        }
        let bytes = BYTES + self.value.as_str().map_or(0, str::len);
        self.held
            .map_or(Ok(()), |held| held.add(bytes))
            .map_err(DataError::custom)
    }

    fn number(number: Number<'a>) -> serde_json::Number {
        serde_json::Number::from_string_unchecked(number.text().to_owned())
    }

    fn seq<V: Visitor<'a>>(
        self,
        elements: &'a [Value<'a>],
        visitor: V,
    ) -> Result<V::Value, DataError> {
        let mut access = Elements {
            of: self.below()?,
            rest: elements.iter(),
            at: 0,
        };
        let made = visitor.visit_seq(&mut access)?;
        if access.rest.len() > 0 {
            return Err(DataError::invalid_length(
                elements.len(),
                &Fewer("elements", access.at),
            ));
        }
        Ok(made)
    }

    fn map<V: Visitor<'a>>(
        self,
        members: ObjectIter<'a>,
        visitor: V,
    ) -> Result<V::Value, DataError> {
        let len = members.len();
        let mut access = Members {
            of: self.below()?,
            rest: members,
            value: None,
        };
        let made = visitor.visit_map(&mut access)?;
        let left = access.rest.len();
        if left > 0 {
            return Err(DataError::invalid_length(
                len,
                &Fewer("members", len - left),
            ));
        }
        Ok(made)
    }
}

/// What was expected of a collection that is too long.
struct Fewer(&'static str, usize);

impl Expected for Fewer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.1, self.0)
    }
}

/// Numbers that are integers in any spelling (`1.0`, `1e2`) become integers.
macro_rules! integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DataError> {
            match (self.value.is_number(), self.value.as_i64()) {
                (true, Some(integer)) => self.of_integer(integer, visitor),
                _ => self.deserialize_any(visitor),
            }
        })*
    };
}

macro_rules! newtypes_are_what_they_hold {
    ($life:lifetime) => {
        fn deserialize_newtype_struct<V: Visitor<$life>>(
            self,
            _: &'static str,
            visitor: V,
        ) -> Result<V::Value, DataError> {
            visitor.visit_newtype_struct(self)
        }
    };
}

impl<'a> Reading<'a, '_> {
    fn of_integer<V: Visitor<'a>>(self, integer: i64, visitor: V) -> Result<V::Value, DataError> {
        self.count()?;
        match u64::try_from(integer) {
            Ok(unsigned) => visitor.visit_u64(unsigned),
            Err(_) => visitor.visit_i64(integer),
        }
    }
}

impl<'a> Deserializer<'a> for Reading<'a, '_> {
    type Error = DataError;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DataError> {
        if let View::Integer(integer) = self.value.view() {
            return self.of_integer(integer, visitor);
        }
        self.count()?;
        match self.value.view() {
            View::Null => visitor.visit_unit(),
            View::Boolean(truth) => visitor.visit_bool(truth),
            View::Integer(integer) => visitor.visit_i64(integer),
            View::Number(number) => Self::number(number)
                .deserialize_any(visitor)
                .map_err(DataError::custom),
            View::String(text) => visitor.visit_borrowed_str(text.as_str()),
            View::Array(array) => self.seq(array.as_slice(), visitor),
            View::Set(set) => self.seq(set.as_sorted_slice(), visitor),
            View::Object(object) => self.map(object.iter(), visitor),
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_f32<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DataError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DataError> {
        match self.value.as_f64() {
            Some(float) => {
                self.count()?;
                visitor.visit_f64(float)
            }
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_bytes<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DataError> {
        match self.value.as_str() {
            Some(text) => {
                self.count()?;
                visitor.visit_borrowed_bytes(text.as_bytes())
            }
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DataError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DataError> {
        if self.value.is_null() {
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    newtypes_are_what_they_hold!('a);

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DataError> {
        self.count()?;
        if let Some(object) = self.value.as_object() {
            let of = self.below()?;
            return match (object.at(0), object.len()) {
                (Some((name, content)), 1) => visitor.visit_enum(Variant {
                    of: of.of(name),
                    content: Some(of.of(content)),
                }),
                _ => Err(DataError::custom(
                    "a variant with content is an object with one member",
                )),
            };
        }
        visitor.visit_enum(Variant {
            of: self,
            content: None,
        })
    }

    fn deserialize_ignored_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DataError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool char str string unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

/// Elements of an array or a set.
struct Elements<'a, 'h> {
    of: Reading<'a, 'h>,
    rest: std::slice::Iter<'a, Value<'a>>,
    at: usize,
}

impl<'a> SeqAccess<'a> for Elements<'a, '_> {
    type Error = DataError;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DataError> {
        let Some(element) = self.rest.next() else {
            return Ok(None);
        };
        let at = self.at;
        self.at += 1;
        let made = seed.deserialize(self.of.of(*element));
        made.map(Some).map_err(|error| error.in_element(at))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// Variables with their values, as an object.
pub(crate) struct Bindings<'a, I> {
    rest: I,
    value: Option<(&'a str, Value<'a>)>,
}

impl<'a, I: Iterator<Item = (&'a str, Value<'a>)>> Bindings<'a, I> {
    pub(crate) fn new(bindings: I) -> Self {
        Bindings {
            rest: bindings,
            value: None,
        }
    }
}

impl<'a, I: Iterator<Item = (&'a str, Value<'a>)>> Deserializer<'a> for Bindings<'a, I> {
    type Error = DataError;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DataError> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

impl<'a, I: Iterator<Item = (&'a str, Value<'a>)>> MapAccess<'a> for Bindings<'a, I> {
    type Error = DataError;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DataError> {
        self.value = self.rest.next();
        match self.value {
            Some((name, _)) => seed
                .deserialize(BorrowedStrDeserializer::new(name))
                .map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, DataError> {
        let Some((name, value)) = self.value.take() else {
            return Err(DataError::custom("a value before its key"));
        };
        seed.deserialize(Reading::new(value))
            .map_err(|error| error.in_member(name))
    }
}

/// Members of an object.
struct Members<'a, 'h> {
    of: Reading<'a, 'h>,
    rest: ObjectIter<'a>,
    value: Option<(Value<'a>, Value<'a>)>,
}

impl<'a> MapAccess<'a> for Members<'a, '_> {
    type Error = DataError;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DataError> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some((key, value));
        seed.deserialize(Key(self.of.of(key))).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, DataError> {
        let Some((key, value)) = self.value.take() else {
            return Err(DataError::custom("a value before its key"));
        };
        seed.deserialize(self.of.of(value))
            .map_err(|error| match key.as_str() {
                Some(name) => error.in_member(name),
                None => error.in_member(&json::to_string(key, json::Style::Compact)),
            })
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The key of a member. Where a number or a truth is wanted a text of one will do, since keys of JSON are texts; and where a
/// text is wanted, any other key is its JSON.
struct Key<'a, 'h>(Reading<'a, 'h>);

macro_rules! scalar_keys {
    ($($method:ident $visit:ident $ty:ty;)*) => {
        $(fn $method<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DataError> {
            match self.0.value.as_str().and_then(|text| text.parse::<$ty>().ok()) {
                Some(scalar) => visitor.$visit(scalar),
                None => self.0.$method(visitor),
            }
        })*
    };
}

impl<'a> Deserializer<'a> for Key<'a, '_> {
    type Error = DataError;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DataError> {
        self.0.count()?;
        match self.0.value.as_str() {
            Some(text) => visitor.visit_borrowed_str(text),
            None => visitor.visit_string(json::to_string(self.0.value, json::Style::Compact)),
        }
    }

    scalar_keys! {
        deserialize_bool visit_bool bool;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DataError> {
        visitor.visit_some(self)
    }

    newtypes_are_what_they_hold!('a);

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DataError> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    // Keys that are collections, for those who ask for them.
    fn deserialize_seq<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, DataError> {
        self.0.deserialize_seq(visitor)
    }

    fn deserialize_tuple<V: Visitor<'a>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DataError> {
        self.0.deserialize_tuple(len, visitor)
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        char str string bytes byte_buf unit unit_struct tuple_struct map struct identifier
        ignored_any
    }
}

/// The variant of an enumeration.
struct Variant<'a, 'h> {
    of: Reading<'a, 'h>,
    content: Option<Reading<'a, 'h>>,
}

impl<'a, 'h> EnumAccess<'a> for Variant<'a, 'h> {
    type Error = DataError;
    type Variant = Content<'a, 'h>;

    fn variant_seed<S: DeserializeSeed<'a>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Content<'a, 'h>), DataError> {
        let Some(name) = self.of.value.as_str() else {
            return Err(DataError::invalid_type(
                serde::de::Unexpected::Other(self.of.value.kind().name()),
                &"the name of a variant",
            ));
        };
        let name: StrDeserializer<'_, DataError> = name.into_deserializer();
        Ok((seed.deserialize(name)?, Content(self.content)))
    }
}

/// What a variant holds.
struct Content<'a, 'h>(Option<Reading<'a, 'h>>);

impl<'a, 'h> Content<'a, 'h> {
    fn some(self) -> Result<Reading<'a, 'h>, DataError> {
        self.0
            .ok_or_else(|| DataError::custom("the variant has content"))
    }
}

impl<'a> VariantAccess<'a> for Content<'a, '_> {
    type Error = DataError;

    fn unit_variant(self) -> Result<(), DataError> {
        match self.0 {
            Some(content) if !content.value.is_null() => {
                Err(DataError::custom("the variant has no content"))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(self, seed: T) -> Result<T::Value, DataError> {
        seed.deserialize(self.some()?)
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, DataError> {
        self.some()?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DataError> {
        self.some()?.deserialize_any(visitor)
    }
}
