//! Values as a template sees them: what OPA's data are in Go.

use regovm_core::value::{Arena, Object, Value, View};

use crate::go::format::Argument;

/// A value with the type that Go gives it.
#[derive(Clone, Copy)]
pub(super) enum Datum<'a> {
    /// No value at all: what a missing key gives, and null.
    Nothing,
    Boolean(bool),
    Integer(i64),
    Byte(u8),
    Float(f64),
    Text(&'a str),
    /// `json.Number`: numbers of data are texts of a type of their own.
    Number(&'a str),
    List(List<'a>),
    Map(Object<'a>),
}

/// A value, and whether it is held by an interface: an element of a list or map, not yet taken out.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) datum: Datum<'a>,
    pub(super) held: bool,
}

/// A slice of Go: it may be made longer again within its capacity.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    elements: &'a [Value<'a>],
    start: usize,
    end: usize,
    capacity: usize,
}

impl<'a> List<'a> {
    fn new(elements: &'a [Value<'a>]) -> List<'a> {
        List {
            elements,
            start: 0,
            end: elements.len(),
            // Go's decoder of JSON doubles its slices.
            capacity: match elements.len() {
                0 => 0,
                len => len.next_power_of_two(),
            },
        }
    }

    pub(super) fn len(self) -> usize {
        self.end - self.start
    }

    pub(super) fn capacity(self) -> usize {
        self.capacity - self.start
    }

    /// The element, which is null beyond those that were ever set.
    pub(super) fn get(self, index: usize) -> Option<Value<'a>> {
        let at = self.start.checked_add(index).filter(|at| *at < self.end)?;
        Some(self.elements.get(at).copied().unwrap_or(Value::NULL))
    }

    /// Indexes are within the capacity and in order.
    pub(super) fn slice(self, from: usize, to: usize, capacity: Option<usize>) -> List<'a> {
        List {
            elements: self.elements,
            start: self.start + from,
            end: self.start + to,
            capacity: capacity.map_or(self.capacity, |capacity| self.start + capacity),
        }
    }

    fn argument(self) -> Argument<'a> {
        let known = self.elements.len();
        let set = &self.elements[self.start.min(known)..self.end.min(known)];
        Argument::List(set, self.len() - set.len())
    }
}

impl<'a> Datum<'a> {
    fn of(value: Value<'a>, arena: &'a Arena) -> Datum<'a> {
        match value.view() {
            View::Null => Datum::Nothing,
            View::Boolean(value) => Datum::Boolean(value),
            View::Integer(number) => Datum::Number(arena.text(&number.to_string())),
            View::Number(number) => Datum::Number(number.text()),
            View::String(text) => Datum::Text(text.as_str()),
            View::Array(array) => Datum::List(List::new(array.as_slice())),
            // There are no sets in JSON.
            View::Set(set) => Datum::List(List::new(set.as_sorted_slice())),
            View::Object(object) => Datum::Map(object),
        }
    }

    /// Taken out of what holds it.
    pub(super) fn item(self) -> Item<'a> {
        Item {
            datum: self,
            held: false,
        }
    }

    pub(super) fn type_name(self) -> &'static str {
        match self {
            Datum::Nothing => "interface {}",
            Datum::Boolean(_) => "bool",
            Datum::Integer(_) => "int",
            Datum::Byte(_) => "uint8",
            Datum::Float(_) => "float64",
            Datum::Text(_) => "string",
            Datum::Number(_) => "json.Number",
            Datum::List(_) => "[]interface {}",
            Datum::Map(_) => "map[string]interface {}",
        }
    }

    pub(super) fn is_true(self) -> bool {
        match self {
            Datum::Nothing => false,
            Datum::Boolean(value) => value,
            Datum::Integer(number) => number != 0,
            Datum::Byte(byte) => byte != 0,
            Datum::Float(number) => number != 0.0,
            Datum::Text(text) | Datum::Number(text) => !text.is_empty(),
            Datum::List(list) => list.len() > 0,
            Datum::Map(map) => !map.is_empty(),
        }
    }

    /// As an operand of Go's printing functions.
    pub(super) fn argument(self) -> Argument<'a> {
        match self {
            Datum::Nothing => Argument::Nil,
            Datum::Boolean(value) => Argument::Boolean(value),
            Datum::Integer(number) => Argument::Int(number),
            Datum::Byte(byte) => Argument::Byte(byte),
            Datum::Float(number) => Argument::Float(number),
            Datum::Text(text) => Argument::Text(text.into()),
            Datum::Number(text) => Argument::JsonNumber(text.into()),
            Datum::List(list) => list.argument(),
            Datum::Map(map) => Argument::Map(map),
        }
    }
}

impl<'a> Item<'a> {
    pub(super) const NOTHING: Item<'static> = Item {
        datum: Datum::Nothing,
        held: false,
    };

    /// An element of a list or map.
    pub(super) fn element(value: Value<'a>, arena: &'a Arena) -> Item<'a> {
        Item {
            datum: Datum::of(value, arena),
            held: true,
        }
    }

    pub(super) fn type_name(self) -> &'static str {
        if self.held {
            "interface {}"
        } else {
            self.datum.type_name()
        }
    }

    /// Null in a list or map is a value that something holds; a missing key is none.
    pub(super) fn is_null(self) -> bool {
        self.held && matches!(self.datum, Datum::Nothing)
    }

    pub(super) fn taken(self) -> Item<'a> {
        self.datum.item()
    }
}
