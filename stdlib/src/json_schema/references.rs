//! Where `$ref` leads: the documents of a schema by their names.

use std::collections::HashMap;

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::json;
use regovm_core::value::{Array, Object, Value, View};

use super::compile::{MAX_DEPTH, too_deep};
use crate::go::url::Url;
use crate::operand::failed;

/// How keywords are read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Draft {
    Four,
    Six,
    Seven,
    /// No draft is named: what any of them has, with the meaning that the value suggests.
    Mixed,
}

/// The schemas that say what a schema of a draft is: the only documents besides the schema itself.
const META_SCHEMAS: [(&str, Draft, &str); 3] = [
    (
        "http://json-schema.org/draft-04/schema",
        Draft::Four,
        include_str!("metaschema/draft-04.json"),
    ),
    (
        "http://json-schema.org/draft-06/schema",
        Draft::Six,
        include_str!("metaschema/draft-06.json"),
    ),
    (
        "http://json-schema.org/draft-07/schema",
        Draft::Seven,
        include_str!("metaschema/draft-07.json"),
    ),
];

/// A document, or a part of one that has a name of its own.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    pub(super) value: Value<'a>,
    /// The draft that its root names.
    pub(super) draft: Option<Draft>,
}

/// All documents by their names, and what their references mean.
#[derive(Default)]
pub(super) struct Pool<'a> {
    documents: HashMap<String, Document<'a>>,
    /// Absolute references, by the identity of the objects that have them.
    absolute: HashMap<u64, String>,
}

/// The draft that a document names.
pub(super) fn draft_of(document: Value<'_>) -> Result<Option<Draft>, BuiltinError> {
    if document.as_bool().is_some() {
        return Ok(None);
    }
    let Some(object) = document.as_object() else {
        return Err(failed("schema is invalid"));
    };
    let Some(name) = object.get_str("$schema") else {
        return Ok(None);
    };
    let Some(name) = name.as_str() else {
        return Err(failed("$schema must be of type string"));
    };
    let name = Url::parse(name).map_err(failed)?.to_string();
    let known = META_SCHEMAS.iter().find(|(url, _, _)| *url == name);
    Ok(known.map(|(_, draft, _)| *draft))
}

/// Values that name properties, not keywords.
fn is_map_of_schemas(keyword: &str) -> bool {
    matches!(keyword, "properties" | "dependencies" | "patternProperties")
}

impl<'a> Pool<'a> {
    /// Takes a document in, with all that has a name in it.
    pub(super) fn add(
        &mut self,
        cx: &mut Call<'a, '_>,
        document: Value<'a>,
        base: &Url,
    ) -> Result<(), BuiltinError> {
        let draft = draft_of(document)?;
        self.name_parts(cx, document, base, draft, 0)?;
        let whole = Document {
            value: document,
            draft,
        };
        self.documents.insert(base.to_string(), whole);
        Ok(())
    }

    fn name_parts(
        &mut self,
        cx: &mut Call<'a, '_>,
        part: Value<'a>,
        base: &Url,
        draft: Option<Draft>,
        depth: usize,
    ) -> Result<(), BuiltinError> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        cx.charge(1)?;
        match part.view() {
            View::Array(elements) => self.name_all(cx, elements, base, draft, depth),
            View::Object(object) => {
                let own = self.name_object(part, object, base, draft)?;
                let base = own.as_ref().unwrap_or(base);
                for (key, value) in object.iter() {
                    let keyword = key.as_str().unwrap_or("");
                    match value.as_object() {
                        // What these hold is taken literally.
                        _ if matches!(keyword, "const" | "enum") => {}
                        Some(schemas) if is_map_of_schemas(keyword) => {
                            for (_, schema) in schemas.iter() {
                                self.name_parts(cx, schema, base, draft, depth + 1)?;
                            }
                        }
                        None if is_map_of_schemas(keyword) => {}
                        _ => self.name_parts(cx, value, base, draft, depth + 1)?,
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn name_all(
        &mut self,
        cx: &mut Call<'a, '_>,
        parts: Array<'a>,
        base: &Url,
        draft: Option<Draft>,
        depth: usize,
    ) -> Result<(), BuiltinError> {
        for part in parts.iter() {
            self.name_parts(cx, part, base, draft, depth + 1)?;
        }
        Ok(())
    }

    /// Keeps an object by its `id` and finds what its `$ref` means. What is wrong with them is reported when
    /// the schema is compiled. Gives the base of the parts, if it is a new one.
    fn name_object(
        &mut self,
        part: Value<'a>,
        object: Object<'a>,
        base: &Url,
        draft: Option<Draft>,
    ) -> Result<Option<Url>, BuiltinError> {
        let url = |value: Option<Value<'a>>| Url::parse(value?.as_str()?).ok();
        let id = match object.get_str("id") {
            None => object.get_str("$id"),
            id => id,
        };
        let own = url(id).map(|id| base.resolve(&id));
        if let Some(own) = &own {
            let name = own.to_string();
            if self.documents.contains_key(&name) {
                return Err(already_exists(&name));
            }
            self.documents.insert(name, Document { value: part, draft });
        }
        if let Some(reference) = url(object.get_str("$ref")) {
            let absolute = own.as_ref().unwrap_or(base).resolve(&reference);
            self.absolute.insert(part.to_bits(), absolute.to_string());
        }
        Ok(own)
    }

    /// What the `$ref` of an object means.
    pub(super) fn absolute<'p>(&'p self, part: Value<'a>, reference: &'p str) -> &'p str {
        self.absolute
            .get(&part.to_bits())
            .map_or(reference, String::as_str)
    }

    /// What an absolute reference leads to.
    pub(super) fn get(
        &mut self,
        cx: &mut Call<'a, '_>,
        reference: &Url,
    ) -> Result<Document<'a>, BuiltinError> {
        let name = reference.to_string();
        if let Some(document) = self.documents.get(&name) {
            return Ok(*document);
        }
        let base = reference.without_fragment();
        if let Some(document) = self.documents.get(&base.to_string()) {
            let document = Document {
                value: point(document.value, &reference.fragment)?,
                draft: document.draft,
            };
            self.documents.insert(name, document);
            return Ok(document);
        }
        let is_file = reference.scheme == "file";
        let is_whole = if is_file {
            reference.path.starts_with(b"/")
        } else {
            !reference.scheme.is_empty() && !reference.host.is_empty()
        };
        if !is_whole {
            return Err(failed(format!("Reference {name} must be canonical")));
        }
        let base_name = base.to_string();
        let Some((_, draft, text)) = META_SCHEMAS.iter().find(|(url, _, _)| *url == base_name)
        else {
            // Neither the network nor files are for schemas that may come from an input.
            return Err(failed(format!("remote reference loading disabled: {name}")));
        };
        let document = json::read(text.as_bytes(), cx.arena, Default::default())
            .map_err(|error| failed(error.message))?;
        self.add(cx, document, &base)?;
        Ok(Document {
            value: point(document, &reference.fragment)?,
            draft: Some(*draft),
        })
    }
}

fn already_exists(name: &str) -> BuiltinError {
    failed(format!("Reference already exists: \"{name}\""))
}

/// Follows a JSON pointer. A fragment that is none leads to the whole document.
fn point<'a>(document: Value<'a>, pointer: &[u8]) -> Result<Value<'a>, BuiltinError> {
    let pointer = String::from_utf8_lossy(pointer);
    let Some(tokens) = pointer.strip_prefix('/') else {
        return Ok(document);
    };
    let mut value = document;
    for token in tokens.split('/') {
        value = match value.view() {
            View::Object(object) => {
                let key = token.replace("~1", "/").replace("~0", "~");
                object
                    .get_str(&key)
                    .ok_or_else(|| failed(format!("Object has no key '{key}'")))?
            }
            View::Array(array) => {
                let index: i64 = token
                    .parse()
                    .map_err(|_| failed(format!("Invalid array index '{token}'")))?;
                let element = usize::try_from(index).ok().and_then(|at| array.get(at));
                element.ok_or_else(|| {
                    let len = array.len();
                    failed(format!("Out of bound array[0,{len}] index '{index}'"))
                })?
            }
            _ => return Err(failed(format!("Invalid token reference '{token}'"))),
        };
    }
    Ok(value)
}
