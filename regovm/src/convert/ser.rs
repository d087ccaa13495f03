//! What serde serializes as values in an arena.

use regovm_core::value::number::format_json_f64;
use regovm_core::value::{Arena, ArrayBuilder, MemoryExceeded, Value};
use regovm_core::work;
use serde::ser::{
    Error, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct,
    SerializeStructVariant, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
    Serializer,
};

use super::DataError;

/// Anything that serde can serialize as a value, as `serde_json` would write it.
pub(crate) fn to_value<'a, T: Serialize + ?Sized>(
    of: &T,
    arena: &'a Arena,
) -> Result<Value<'a>, DataError> {
    of.serialize(Writing { arena })
}

/// The struct by which `serde_json` passes on a number that keeps its text, and its one field.
const NUMBER: &str = "$serde_json::private::Number";

#[derive(Clone, Copy)]
struct Writing<'a> {
    arena: &'a Arena,
}

impl From<MemoryExceeded> for DataError {
    fn from(exceeded: MemoryExceeded) -> DataError {
        DataError::new(exceeded.to_string())
    }
}

impl<'a> Writing<'a> {
    /// Counts a value as work.
    fn count(self) -> Result<(), DataError> {
        self.arena.check()?;
        if work::count(1) {
            Ok(())
        } else {
            Err(DataError::new("stopped"))
        }
    }

    fn text(self, text: &str) -> Result<Value<'a>, DataError> {
        self.count()?;
        self.arena.reserve(text.len())?;
        Ok(self.arena.string(text))
    }

    fn number(self, text: &str) -> Result<Value<'a>, DataError> {
        self.count()?;
        self.arena
            .number_text(text)
            .ok_or_else(|| DataError::new(format!("{text} is no number of JSON")))
    }

    fn elements(self, len: Option<usize>) -> Result<Elements<'a>, DataError> {
        self.count()?;
        // What is announced may be wrong.
        let room = len.unwrap_or(0).min(1 << 16);
        Ok(Elements {
            writing: self,
            elements: ArrayBuilder::with_capacity(self.arena, room)?,
            variant: None,
        })
    }

    fn members(self, record: bool) -> Result<Members<'a>, DataError> {
        self.count()?;
        Ok(Members {
            writing: self,
            members: Vec::new(),
            key: None,
            form: if record { Form::Record } else { Form::Object },
            variant: None,
        })
    }

    /// The content of a variant under its name.
    fn named(self, variant: Option<&str>, content: Value<'a>) -> Value<'a> {
        match variant {
            Some(name) => {
                let arena = self.arena;
                arena.record(&[(arena.string(name), content)])
            }
            None => content,
        }
    }
}

macro_rules! small_integers {
    ($($method:ident $ty:ty;)*) => {
        $(fn $method(self, value: $ty) -> Result<Value<'a>, DataError> {
            self.serialize_i64(value.into())
        })*
    };
}

macro_rules! large_integers {
    ($($method:ident $ty:ty;)*) => {
        $(fn $method(self, value: $ty) -> Result<Value<'a>, DataError> {
            self.number(&value.to_string())
        })*
    };
}

impl<'a> Serializer for Writing<'a> {
    type Ok = Value<'a>;
    type Error = DataError;
    type SerializeSeq = Elements<'a>;
    type SerializeTuple = Elements<'a>;
    type SerializeTupleStruct = Elements<'a>;
    type SerializeTupleVariant = Elements<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Members<'a>;

    fn serialize_bool(self, value: bool) -> Result<Value<'a>, DataError> {
        Ok(Value::boolean(value))
    }

    fn serialize_i64(self, value: i64) -> Result<Value<'a>, DataError> {
        self.count()?;
        Ok(self.arena.integer(value))
    }

    fn serialize_u64(self, value: u64) -> Result<Value<'a>, DataError> {
        self.count()?;
        Ok(self.arena.unsigned(value))
    }

    small_integers! {
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
    }

    large_integers! {
        serialize_i128 i128;
        serialize_u128 u128;
    }

    fn serialize_f32(self, value: f32) -> Result<Value<'a>, DataError> {
        // The shortest digits of the float, not those of what it is as a longer one.
        self.serialize_f64(value.to_string().parse().unwrap_or(f64::from(value)))
    }

    fn serialize_f64(self, value: f64) -> Result<Value<'a>, DataError> {
        if !value.is_finite() {
            return Err(DataError::new(format!("{value} is no number of JSON")));
        }
        self.number(&format_json_f64(value))
    }

    fn serialize_char(self, value: char) -> Result<Value<'a>, DataError> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<Value<'a>, DataError> {
        self.text(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value<'a>, DataError> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<Value<'a>, DataError> {
        Ok(Value::NULL)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value<'a>, DataError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value<'a>, DataError> {
        Ok(Value::NULL)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value<'a>, DataError> {
        Ok(Value::NULL)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value<'a>, DataError> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value<'a>, DataError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value<'a>, DataError> {
        let content = value.serialize(self)?;
        Ok(self.named(Some(variant), content))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Elements<'a>, DataError> {
        self.elements(len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Elements<'a>, DataError> {
        self.elements(Some(len))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        len: usize,
    ) -> Result<Elements<'a>, DataError> {
        self.elements(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Elements<'a>, DataError> {
        Ok(Elements {
            variant: Some(variant),
            ..self.elements(Some(len))?
        })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, DataError> {
        self.members(false)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Members<'a>, DataError> {
        let members = self.members(true)?;
        if name == NUMBER {
            return Ok(Members {
                form: Form::Number,
                ..members
            });
        }
        Ok(members)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Members<'a>, DataError> {
        Ok(Members {
            variant: Some(variant),
            ..self.members(true)?
        })
    }
}

/// An array on its way.
struct Elements<'a> {
    writing: Writing<'a>,
    elements: ArrayBuilder<'a>,
    variant: Option<&'static str>,
}

impl<'a> Elements<'a> {
    fn add<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), DataError> {
        let at = self.elements.len();
        let value = element
            .serialize(self.writing)
            .map_err(|error| error.in_element(at))?;
        Ok(self.elements.push(self.writing.arena, value)?)
    }

    fn done(self) -> Result<Value<'a>, DataError> {
        let array = self.elements.finish(self.writing.arena);
        Ok(self.writing.named(self.variant, array))
    }
}

macro_rules! sequences {
    ($($of:ident $add:ident;)*) => {
        $(impl<'a> $of for Elements<'a> {
            type Ok = Value<'a>;
            type Error = DataError;

            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DataError> {
                self.add(value)
            }

            fn end(self) -> Result<Value<'a>, DataError> {
                self.done()
            }
        })*
    };
}

sequences! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

/// An object on its way.
struct Members<'a> {
    writing: Writing<'a>,
    members: Vec<(Value<'a>, Value<'a>)>,
    key: Option<Value<'a>>,
    form: Form,
    variant: Option<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Its keys are data.
    Object,
    /// Its keys are names of fields.
    Record,
    /// No object: a number with its text.
    Number,
}

impl<'a> Members<'a> {
    fn add<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), DataError> {
        let key = self.writing.arena.string(name);
        self.add_under(key, value)
    }

    fn add_under<T: Serialize + ?Sized>(
        &mut self,
        key: Value<'a>,
        value: &T,
    ) -> Result<(), DataError> {
        let value = value
            .serialize(self.writing)
            .map_err(|error| error.in_member(key.as_str().unwrap_or_default()))?;
        self.members.push((key, value));
        Ok(())
    }

    fn done(self) -> Result<Value<'a>, DataError> {
        let arena = self.writing.arena;
        let value = match self.form {
            Form::Object => arena.object_from(self.members),
            Form::Record => arena.record(&self.members),
            Form::Number => {
                let text = self.members.first().and_then(|(_, text)| text.as_str());
                return self.writing.number(text.unwrap_or_default());
            }
        };
        Ok(self.writing.named(self.variant, value))
    }
}

impl<'a> SerializeMap for Members<'a> {
    type Ok = Value<'a>;
    type Error = DataError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), DataError> {
        self.key = Some(key.serialize(Key(self.writing))?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), DataError> {
        match self.key.take() {
            Some(key) => self.add_under(key, value),
            None => Err(DataError::custom("a value before its key")),
        }
    }

    fn end(self) -> Result<Value<'a>, DataError> {
        self.done()
    }
}

macro_rules! structs {
    ($($of:ident)*) => {
        $(impl<'a> $of for Members<'a> {
            type Ok = Value<'a>;
            type Error = DataError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), DataError> {
                self.add(name, value)
            }

            fn end(self) -> Result<Value<'a>, DataError> {
                self.done()
            }
        })*
    };
}

structs! { SerializeStruct SerializeStructVariant }

/// The key of a map: a text, or what has one.
struct Key<'a>(Writing<'a>);

macro_rules! text_keys {
    ($($method:ident $ty:ty;)*) => {
        $(fn $method(self, value: $ty) -> Result<Value<'a>, DataError> {
            self.0.text(&value.to_string())
        })*
    };
}

impl Key<'_> {
    fn refuse<T>() -> Result<T, DataError> {
        Err(DataError::custom("the key of a map must have a text"))
    }
}

impl<'a> Serializer for Key<'a> {
    type Ok = Value<'a>;
    type Error = DataError;
    type SerializeSeq = Impossible<Value<'a>, DataError>;
    type SerializeTuple = Impossible<Value<'a>, DataError>;
    type SerializeTupleStruct = Impossible<Value<'a>, DataError>;
    type SerializeTupleVariant = Impossible<Value<'a>, DataError>;
    type SerializeMap = Impossible<Value<'a>, DataError>;
    type SerializeStruct = Impossible<Value<'a>, DataError>;
    type SerializeStructVariant = Impossible<Value<'a>, DataError>;

    text_keys! {
        serialize_bool bool;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_i128 i128;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_u128 u128;
        serialize_f32 f32;
        serialize_f64 f64;
        serialize_char char;
        serialize_str &str;
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value<'a>, DataError> {
        self.0.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value<'a>, DataError> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value<'a>, DataError> {
        value.serialize(self)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Value<'a>, DataError> {
        Self::refuse()
    }

    fn serialize_none(self) -> Result<Value<'a>, DataError> {
        Self::refuse()
    }

    fn serialize_unit(self) -> Result<Value<'a>, DataError> {
        Self::refuse()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value<'a>, DataError> {
        Self::refuse()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Value<'a>, DataError> {
        Self::refuse()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, DataError> {
        Self::refuse()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, DataError> {
        Self::refuse()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, DataError> {
        Self::refuse()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, DataError> {
        Self::refuse()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, DataError> {
        Self::refuse()
    }

    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, DataError> {
        Self::refuse()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, DataError> {
        Self::refuse()
    }
}
