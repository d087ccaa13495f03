//! A response, and the value that policies see of it.

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::json::{self, ReadOptions};
use regovm_core::value::Value;
use regovm_core::yaml;

use super::headers::{Headers, is_json, is_yaml};
use crate::encoding::lossy;
use crate::text::charge_bytes;

/// A response with its whole body.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Response {
    pub(super) code: u16,
    /// Number and reason: `200 OK`.
    pub(super) status: String,
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
}

impl Response {
    /// Bytes that it takes.
    pub(super) fn size(&self) -> usize {
        self.body.len() + self.status.len() + self.headers.size()
    }

    /// The answer of `http.send`. A body that is not what it should be is null.
    pub(super) fn value<'a>(
        &self,
        cx: &mut Call<'a, '_>,
        force_json: bool,
        force_yaml: bool,
    ) -> Result<Value<'a>, BuiltinError> {
        let content_type = self.headers.first("content-type").unwrap_or_default();
        let body = if force_json || is_json(content_type) {
            read_json(cx, &self.body)?
        } else if force_yaml || is_yaml(content_type) {
            read_yaml(cx, &self.body)?
        } else {
            Value::NULL
        };
        let raw_body = lossy(cx, &self.body)?.unwrap_or(Value::NULL);
        cx.charge(self.headers.size() as u64 / 32)?;
        let arena = cx.arena;
        let headers = arena.object_from(self.headers.iter().map(|(name, values)| {
            let values = arena.array_from(values.iter().map(|value| arena.string(value)));
            (arena.string(&name.to_lowercase()), values)
        }));
        Ok(arena.object_from([
            (arena.string("body"), body),
            (arena.string("headers"), headers),
            (arena.string("raw_body"), raw_body),
            (arena.string("status"), arena.string(&self.status)),
            (
                arena.string("status_code"),
                arena.integer(i64::from(self.code)),
            ),
        ]))
    }
}

/// The first JSON value of a text: what follows it is not looked at, as OPA does not.
fn read_json<'a>(cx: &mut Call<'a, '_>, text: &[u8]) -> Result<Value<'a>, BuiltinError> {
    charge_bytes(cx, text.len())?;
    let error = match json::read(text, cx.arena, ReadOptions::default()) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if let Some(exceeded) = error.memory {
        return Err(exceeded.into());
    }
    if !error.message.ends_with("after top-level value") {
        return Ok(Value::NULL);
    }
    charge_bytes(cx, text.len())?;
    let first = &text[..error.offset.min(text.len())];
    let value = json::read(first, cx.arena, ReadOptions::default());
    Ok(value.unwrap_or(Value::NULL))
}

fn read_yaml<'a>(cx: &mut Call<'a, '_>, text: &[u8]) -> Result<Value<'a>, BuiltinError> {
    charge_bytes(cx, text.len() * 4)?;
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if let Ok(value) = json::read(text, cx.arena, ReadOptions::default()) {
        return Ok(value);
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return Ok(Value::NULL);
    };
    match yaml::read(text, cx.arena) {
        Ok(value) => Ok(value),
        Err(error) => match error.memory {
            Some(exceeded) => Err(exceeded.into()),
            None => Ok(Value::NULL),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regovm_core::builtin::{Caches, Unmetered};
    use regovm_core::host::NoHost;
    use regovm_core::value::Arena;

    fn body(content_type: &str, body: &[u8], force_json: bool, force_yaml: bool) -> String {
        let arena = Arena::new();
        let (mut meter, mut host, mut caches) = (Unmetered, NoHost, Caches::new());
        let mut cx = Call::new(&arena, &mut meter, &mut host, &mut caches);
        let mut response = Response {
            body: body.to_vec(),
            ..Response::default()
        };
        response.headers.add("Content-Type", content_type);
        let value = response.value(&mut cx, force_json, force_yaml);
        let object = value.expect("an answer").as_object().expect("an object");
        object.get_str("body").expect("a body").to_string()
    }

    #[test]
    fn bodies_are_read_by_their_type() {
        for (content_type, text, force_json, force_yaml, read) in [
            (
                "application/json",
                "{\"a\": 1.50}",
                false,
                false,
                "{\"a\": 1.50}",
            ),
            (
                "application/json",
                "{\"a\": 1} tail",
                false,
                false,
                "{\"a\": 1}",
            ),
            ("application/json", "{\"a\": 1", false, false, "null"),
            ("application/json", "", false, false, "null"),
            ("text/plain", "[1]", false, false, "null"),
            ("text/plain", "[1]", true, false, "[1]"),
            ("text/plain", "a: [b]", false, true, "{\"a\": [\"b\"]}"),
            (
                "application/yaml",
                "a: [b]",
                false,
                false,
                "{\"a\": [\"b\"]}",
            ),
            ("application/yaml", "a: [b", false, false, "null"),
            (
                "application/x-yaml",
                "{\"a\": 1}",
                false,
                false,
                "{\"a\": 1}",
            ),
            ("application/yaml", "a: b", true, false, "null"),
        ] {
            let got = body(content_type, text.as_bytes(), force_json, force_yaml);
            assert_eq!(got, read, "{content_type} {text}");
        }
    }
}
