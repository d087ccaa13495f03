//! Arena values to and from `serde_json::Value`, and to and from everything that serde knows.

mod de;
mod error;
mod ser;

pub(crate) use self::de::{Bindings, Held, Reading};
pub use self::error::DataError;
pub(crate) use self::ser::to_value;
use regovm_core::json;
use regovm_core::value::{Arena, Value, View};
use serde_json::Map;

/// A value as JSON: sets become sorted arrays, keys that are no strings become their JSON text.
pub(crate) fn to_json(value: Value<'_>) -> serde_json::Value {
    match value.view() {
        View::Null => serde_json::Value::Null,
        View::Boolean(b) => b.into(),
        View::Integer(i) => i.into(),
        // The text is a JSON number; reading it would respell exponents.
        View::Number(number) => serde_json::Value::Number(
            serde_json::Number::from_string_unchecked(number.text().to_string()),
        ),
        View::String(text) => text.as_str().into(),
        View::Array(array) => array.iter().map(to_json).collect(),
        View::Set(set) => set.iter().map(to_json).collect(),
        View::Object(object) => {
            let mut map = Map::with_capacity(object.len());
            for (key, member) in object.iter() {
                let name = match key.as_str() {
                    Some(text) => text.to_owned(),
                    None => json::to_string(key, json::Style::Compact),
                };
                map.insert(name, to_json(member));
            }
            // The order of texts is not the order of the keys where some are no strings.
            map.sort_keys();
            serde_json::Value::Object(map)
        }
    }
}

/// A JSON value in an arena.
pub fn from_json<'a>(json: &serde_json::Value, arena: &'a Arena) -> Value<'a> {
    match json {
        serde_json::Value::Null => Value::NULL,
        serde_json::Value::Bool(b) => Value::boolean(*b),
        serde_json::Value::Number(number) => arena
            .number_text(&number.to_string())
            .unwrap_or(Value::NULL),
        serde_json::Value::String(text) => arena.string(text),
        serde_json::Value::Array(elements) => {
            arena.array_from(elements.iter().map(|e| from_json(e, arena)))
        }
        serde_json::Value::Object(map) => arena.object_from(
            map.iter()
                .map(|(k, v)| (arena.string(k), from_json(v, arena))),
        ),
    }
}
