//! JSON Schema to types: draft 4 to 7 as far as the checker looks at schemas.
//!
//! Two steps, as in OPA: the document becomes a table of sub-schemas (this finds what is wrong with
//! the schema itself), then the table becomes a type. References that lead back into themselves
//! become recursive types.

use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;
use regovm_core::Constant;

use super::ty::{self, Kind, Known, Recursive, Rest, Ty};

const TYPES: &[&str] = &[
    "array", "boolean", "integer", "number", "null", "object", "string",
];

/// Sub-schemas may nest no deeper: a limit against documents that are made to exhaust the stack.
const MAX_DEPTH: usize = 512;

/// A schema as a type, and the types that recursive names in it refer to (the caller keeps them).
pub struct Loaded {
    /// The type; unknown if the schema says nothing that has a type.
    pub ty: Known,
    /// What recursive types refer to.
    pub kept: Vec<Ty>,
}

/// Reads a schema. The error is the message, as OPA words it.
pub fn load(document: &Constant) -> Result<Loaded, String> {
    let mut reader = Reader {
        document,
        table: Vec::new(),
        references: HashMap::new(),
    };
    let base = match document {
        Constant::Object(_) => id_of(document).unwrap_or_default(),
        _ => String::new(),
    };
    let root = reader
        .read(document, "", &base, 0)
        .map_err(|message| format!("unable to compile the schema: {message}"))?;
    let mut typer = Typer {
        table: reader.table,
        cache: HashMap::new(),
        kept: Vec::new(),
        depth: 0,
    };
    let ty = typer
        .type_of(root, None)
        .map_err(|message| format!("type checking: {message}"))?;
    Ok(Loaded {
        ty,
        kept: typer.kept,
    })
}

type Id = usize;

#[derive(Clone, Default)]
struct SubSchema {
    property: String,
    types: Vec<String>,
    properties: Vec<Id>,
    items: Vec<Id>,
    items_single: bool,
    any_of: Vec<Id>,
    all_of: Vec<Id>,
    reference: Option<(String, Id)>,
}

impl SubSchema {
    fn add_type(&mut self, name: &str) -> Result<(), String> {
        if !TYPES.contains(&name) {
            return Err(format!(
                "has a primitive type that is NOT VALID -- given: /{name}/ Expected valid values are:[{}]",
                TYPES.join(" ")
            ));
        }
        if self.has_type(name) {
            return Err(format!("{name} type is duplicated"));
        }
        self.types.push(name.to_string());
        Ok(())
    }

    fn has_type(&self, name: &str) -> bool {
        self.types.iter().any(|t| t == name)
    }

    fn types_text(&self) -> String {
        match self.types.as_slice() {
            [] => "Undefined".to_string(),
            [one] => one.clone(),
            many => format!("[{}]", many.join(",")),
        }
    }
}

struct Reader<'d> {
    document: &'d Constant,
    table: Vec<SubSchema>,
    references: HashMap<String, Id>,
}

fn id_of(document: &Constant) -> Option<String> {
    let id = document.get("id").or_else(|| document.get("$id"))?;
    id.as_str().map(str::to_string)
}

fn invalid_type(expected: &str, given: &str) -> String {
    format!("Invalid type. Expected: {expected}, given: {given}")
}

impl Reader<'_> {
    fn read(
        &mut self,
        document: &Constant,
        property: &str,
        base: &str,
        depth: usize,
    ) -> Result<Id, String> {
        let id = self.table.len();
        self.table.push(SubSchema {
            property: property.to_string(),
            ..SubSchema::default()
        });
        self.read_into(id, document, base, depth)?;
        Ok(id)
    }

    fn read_into(
        &mut self,
        id: Id,
        document: &Constant,
        base: &str,
        depth: usize,
    ) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err("schema is nested too deeply".to_string());
        }
        match document {
            Constant::Boolean(_) => return Ok(()),
            Constant::Object(_) => {}
            _ => return Err("Expected: Valid Schema, given: Invalid JSON".to_string()),
        }
        let string = |key: &str| match document.get(key) {
            None => Ok(None),
            Some(value) => value
                .as_str()
                .map(Some)
                .ok_or_else(|| invalid_type("string", key)),
        };
        let list = |key: &str| match document.get(key) {
            None => Ok(&[][..]),
            Some(Constant::Array(items)) => Ok(items.as_slice()),
            Some(_) => Err(format!("{key} must be an array")),
        };
        match document.get("definitions") {
            None => {}
            Some(Constant::Object(definitions)) => {
                for (_, definition) in definitions {
                    self.read(definition, "definitions", base, depth + 1)?;
                }
            }
            Some(_) => return Err(invalid_type("Array Of Schemas", "definitions")),
        }
        string("title")?;
        string("description")?;
        if let Some(reference) = string("$ref")? {
            return self.read_reference(id, reference, base, depth);
        }
        match document.get("type") {
            None => {}
            Some(Constant::String(name)) => self.table[id].add_type(name)?,
            Some(Constant::Array(names)) => {
                for name in names {
                    let name = name
                        .as_str()
                        .ok_or_else(|| invalid_type("type", "string/Array Of Strings"))?;
                    self.table[id].add_type(name)?;
                }
            }
            Some(_) => return Err(invalid_type("type", "string/Array Of Strings")),
        }
        match document.get("properties") {
            None => {}
            Some(Constant::Object(properties)) => {
                for (key, schema) in last_of_each(properties) {
                    let name = key.as_str().unwrap_or_default().to_string();
                    let child = self.read(schema, &name, base, depth + 1)?;
                    self.table[id].properties.push(child);
                }
            }
            Some(_) => return Err("Properties must be of type object".to_string()),
        }
        if let Some(schema @ Constant::Object(_)) = document.get("additionalProperties") {
            self.read(schema, "additionalProperties", base, depth + 1)?;
        }
        match document.get("items") {
            None => {}
            Some(Constant::Array(items)) => {
                for item in items {
                    let child = self.read(item, "items", base, depth + 1)?;
                    self.table[id].items.push(child);
                }
            }
            Some(item @ (Constant::Object(_) | Constant::Boolean(_))) => {
                let child = self.read(item, "items", base, depth + 1)?;
                self.table[id].items.push(child);
                self.table[id].items_single = true;
            }
            Some(_) => return Err(invalid_type("Valid Schema/Array Of Schemas", "items")),
        }
        for item in list("oneOf")? {
            self.read(item, "oneOf", base, depth + 1)?;
        }
        for item in list("anyOf")? {
            let child = self.read(item, "anyOf", base, depth + 1)?;
            self.table[id].any_of.push(child);
        }
        for item in list("allOf")? {
            let child = self.read(item, "allOf", base, depth + 1)?;
            self.table[id].all_of.push(child);
        }
        Ok(())
    }

    fn read_reference(
        &mut self,
        id: Id,
        reference: &str,
        base: &str,
        depth: usize,
    ) -> Result<(), String> {
        let absolute = if reference.starts_with('#') {
            format!("{}{reference}", base.trim_end_matches('#'))
        } else {
            reference.to_string()
        };
        if let Some(target) = self.references.get(&absolute) {
            self.table[id].reference = Some((absolute, *target));
            return Ok(());
        }
        let target = self.table.len();
        self.table.push(SubSchema {
            property: "$ref".to_string(),
            ..SubSchema::default()
        });
        self.references.insert(absolute.clone(), target);
        let document = self.resolve(&absolute, base)?;
        if !matches!(document, Constant::Object(_) | Constant::Boolean(_)) {
            return Err("Valid Schema must be of type object".to_string());
        }
        self.read_into(target, &document, base, depth + 1)?;
        self.table[id].reference = Some((absolute, target));
        Ok(())
    }

    fn resolve(&self, absolute: &str, base: &str) -> Result<Constant, String> {
        let (url, fragment) = absolute.split_once('#').unwrap_or((absolute, ""));
        let document = if url == base.trim_end_matches('#') {
            self.document
        } else {
            match find_id(self.document, url, 0) {
                Some(found) => found,
                None if url.contains("://") => {
                    return Err(format!("remote reference loading disabled: {absolute}"));
                }
                None => {
                    return Err(format!("Reference {absolute} must be canonical"));
                }
            }
        };
        let mut current = document;
        for part in fragment.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let part = percent_decoded(&part);
            current = match current {
                Constant::Object(_) => current
                    .get(&part)
                    .ok_or_else(|| format!("Object has no key '{part}'"))?,
                Constant::Array(items) => part
                    .parse::<usize>()
                    .map_err(|_| format!("Invalid array index '{part}'"))
                    .and_then(|i| {
                        items.get(i).ok_or_else(|| {
                            format!("Out of bound array[0,{}] index '{i}'", items.len())
                        })
                    })?,
                _ => return Err(format!("Invalid token reference '{part}'")),
            };
        }
        Ok(current.clone())
    }
}

/// The members of an object, of equal keys the last one only.
fn last_of_each(members: &[(Constant, Constant)]) -> Vec<&(Constant, Constant)> {
    let mut out: Vec<&(Constant, Constant)> = Vec::with_capacity(members.len());
    let mut places: HashMap<&Constant, usize> = HashMap::new();
    for member in members {
        match places.get(&member.0) {
            Some(at) => out[*at] = member,
            None => {
                places.insert(&member.0, out.len());
                out.push(member);
            }
        }
    }
    out
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = (*first == b'%')
            .then(|| tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The part of a document that names itself `url`.
fn find_id<'d>(document: &'d Constant, url: &str, depth: usize) -> Option<&'d Constant> {
    if depth > MAX_DEPTH {
        return None;
    }
    match document {
        Constant::Object(members) => {
            if id_of(document).is_some_and(|id| id.trim_end_matches('#') == url) {
                return Some(document);
            }
            members
                .iter()
                .find_map(|(_, value)| find_id(value, url, depth + 1))
        }
        Constant::Array(items) => items.iter().find_map(|item| find_id(item, url, depth + 1)),
        _ => None,
    }
}

enum Definition {
    /// Being read; the recursive type made for it so far.
    Reading(Option<Ty>),
    Done(Known),
}

struct Typer {
    table: Vec<SubSchema>,
    cache: HashMap<String, Definition>,
    kept: Vec<Ty>,
    depth: usize,
}

impl Typer {
    fn type_of(&mut self, id: Id, name: Option<String>) -> Result<Known, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("schema is nested too deeply".to_string());
        }
        let result = self.type_of_within(id, name);
        self.depth -= 1;
        result
    }

    fn type_of_within(&mut self, id: Id, name: Option<String>) -> Result<Known, String> {
        if let Some((reference, target)) = self.table[id].reference.clone() {
            return match self.cache.get_mut(&reference) {
                Some(Definition::Reading(recursive)) => {
                    let ty = recursive.get_or_insert_with(|| {
                        let target = OnceLock::new();
                        Arc::new(Kind::Recursive(Recursive {
                            name: reference,
                            target,
                        }))
                    });
                    Ok(Some(ty.clone()))
                }
                Some(Definition::Done(ty)) => Ok(ty.clone()),
                None => self.type_of(target, Some(reference)),
            };
        }
        let Some(name) = name else {
            return self.plain_type_of(id);
        };
        self.cache.insert(name.clone(), Definition::Reading(None));
        let result = self.plain_type_of(id);
        let ty = result.as_ref().ok().cloned().flatten();
        if let (Some(Definition::Reading(Some(recursive))), Some(ty)) = (self.cache.get(&name), &ty)
            && let Kind::Recursive(recursive) = &**recursive
        {
            let _ = recursive.target.set(Arc::downgrade(ty));
            self.kept.push(ty.clone());
        }
        self.cache.insert(name, Definition::Done(ty));
        result
    }

    fn plain_type_of(&mut self, id: Id) -> Result<Known, String> {
        let schema = self.table[id].clone();
        if !schema.any_of.is_empty() {
            return self.any_of(id, &schema);
        }
        if !schema.all_of.is_empty() {
            return self.all_of(id, &schema);
        }
        if schema.has_type("boolean") {
            return Ok(Some(ty::boolean()));
        }
        if schema.has_type("string") {
            return Ok(Some(ty::string()));
        }
        if schema.has_type("integer") || schema.has_type("number") {
            return Ok(Some(ty::number()));
        }
        if schema.has_type("object") {
            return self.object(&schema);
        }
        if schema.has_type("array") {
            return self.array(&schema);
        }
        if schema.types.is_empty() {
            if !schema.properties.is_empty() {
                self.table[id].types.push("object".to_string());
                return self.object(&schema);
            }
            if !schema.items.is_empty() {
                self.table[id].types.push("array".to_string());
                return self.array(&schema);
            }
        } else if !schema.properties.is_empty() {
            // Only `null` is left: with properties it is taken for an object all the same.
            return self.object(&schema);
        } else if !schema.items.is_empty() {
            return self.array(&schema);
        }
        Ok(Some(ty::any()))
    }

    fn object(&mut self, schema: &SubSchema) -> Result<Known, String> {
        if schema.properties.is_empty() {
            let rest = Rest {
                key: Some(ty::any()),
                value: Some(ty::any()),
            };
            return Ok(Some(ty::object(Vec::new(), Some(rest))));
        }
        let mut members = Vec::with_capacity(schema.properties.len());
        for child in &schema.properties {
            let key = Constant::from(self.table[*child].property.as_str());
            let value = self.type_of(*child, None)?;
            members.push((key, value));
        }
        Ok(Some(ty::object(members, None)))
    }

    fn array(&mut self, schema: &SubSchema) -> Result<Known, String> {
        match schema.items.as_slice() {
            [] => Ok(Some(ty::array(Vec::new(), Some(ty::any())))),
            [only, ..] if schema.items_single => {
                let rest = self.type_of(*only, None)?;
                Ok(Some(ty::array(Vec::new(), rest)))
            }
            items => {
                let fixed = items
                    .iter()
                    .map(|item| self.type_of(*item, None))
                    .collect::<Result<_, _>>()?;
                Ok(Some(ty::array(fixed, None)))
            }
        }
    }

    fn any_of(&mut self, id: Id, schema: &SubSchema) -> Result<Known, String> {
        let mut union = None;
        if !schema.types.is_empty() {
            self.table[id].any_of.clear();
            let core = self.type_of(id, None);
            self.table[id].any_of.clone_from(&schema.any_of);
            let core = core?;
            if let Some(Kind::Object { fixed, rest: None }) = core.as_deref()
                && !fixed.is_empty()
            {
                union = core.clone();
            }
        }
        for child in &schema.any_of {
            let ty = self.type_of(*child, None)?;
            union = ty::or(&ty, &union);
        }
        Ok(union)
    }

    fn all_of(&mut self, id: Id, schema: &SubSchema) -> Result<Known, String> {
        let mut parts = Vec::new();
        for child in &schema.all_of {
            let mut child = *child;
            // A chain of references is no longer than the table.
            for _ in 0..self.table.len() {
                match &self.table[child].reference {
                    Some((_, target)) => child = *target,
                    None => break,
                }
            }
            let part = &self.table[child];
            let only_choice = part.types.is_empty()
                && !part.any_of.is_empty()
                && part.properties.is_empty()
                && part.items.is_empty();
            if !only_choice {
                parts.push(child);
            }
        }
        let Some(merged) = self.merge(&parts)? else {
            return Ok(Some(ty::any()));
        };
        if !schema.types.is_empty() {
            let both = |name| schema.has_type(name) && self.table[merged].has_type(name);
            if both("object") || both("array") {
                self.merge(&[merged, id])?;
            } else if schema.types_text() != self.table[merged].types_text() {
                return Err("unable to merge these schemas".to_string());
            }
        }
        self.type_of(merged, None)
    }

    /// Adds the members of all schemas to the first one.
    fn merge(&mut self, schemas: &[Id]) -> Result<Option<Id>, String> {
        let Some((first, others)) = schemas.split_first() else {
            return Ok(None);
        };
        for id in schemas {
            let schema = &mut self.table[*id];
            let implied = if !schema.properties.is_empty() {
                "object"
            } else if !schema.items.is_empty() {
                "array"
            } else {
                continue;
            };
            if !schema.has_type(implied) {
                schema.types.push(implied.to_string());
            }
        }
        for id in others {
            let other = self.table[*id].clone();
            let (result, other_text) = (&self.table[*first], other.types_text());
            if result.types_text() != other_text {
                return Err(format!(
                    "unable to merge these schemas: type mismatch: {} and {other_text}",
                    result.types_text()
                ));
            }
            if result.has_type("object")
                && !result.properties.is_empty()
                && !other.properties.is_empty()
            {
                self.table[*first].properties.extend(&other.properties);
            } else if result.has_type("array")
                && !result.items.is_empty()
                && !other.items.is_empty()
            {
                for (j, item) in other.items.iter().enumerate() {
                    if self.table[*first].items.len() <= j {
                        self.table[*first].items.push(*item);
                    }
                    let mine = self.table[*first].items[j];
                    if self.table[mine].types_text() != self.table[*item].types_text() {
                        return Err("unable to merge these schemas".to_string());
                    }
                }
            }
        }
        Ok(Some(*first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(members: &[(&str, Constant)]) -> Constant {
        Constant::Object(
            members
                .iter()
                .map(|(k, v)| ((*k).into(), v.clone()))
                .collect(),
        )
    }

    fn typed(name: &str) -> Constant {
        object(&[("type", name.into())])
    }

    fn text_of(schema: &Constant) -> String {
        match load(schema) {
            Ok(loaded) => ty::text(&loaded.ty),
            Err(message) => message,
        }
    }

    #[test]
    fn plain_schemas() {
        let schema = object(&[
            ("type", "object".into()),
            (
                "properties",
                object(&[
                    (
                        "b",
                        object(&[("type", "array".into()), ("items", typed("integer"))]),
                    ),
                    ("a", typed("string")),
                    ("c", Constant::Boolean(true)),
                ]),
            ),
        ]);
        assert_eq!(
            text_of(&schema),
            "object<a: string, b: array[number], c: any>"
        );
        assert_eq!(text_of(&typed("object")), "object[any: any]");
        let expected = "unable to compile the schema: has a primitive type that is NOT VALID -- \
                        given: /text/ Expected valid values are:[array boolean integer number null \
                        object string]";
        assert_eq!(text_of(&typed("text")), expected);
    }

    #[test]
    fn references_that_come_back_are_recursive() {
        let node = object(&[(
            "properties",
            object(&[
                ("next", object(&[("$ref", "#/definitions/node".into())])),
                ("value", typed("number")),
            ]),
        )]);
        let schema = object(&[
            ("definitions", object(&[("node", node)])),
            (
                "properties",
                object(&[("list", object(&[("$ref", "#/definitions/node".into())]))]),
            ),
        ]);
        assert_eq!(
            text_of(&schema),
            "object<list: object<next: recursive(#/definitions/node), value: number>>"
        );
        let loaded = load(&schema).unwrap();
        let list = ty::select(&loaded.ty.unwrap(), &"list".into()).unwrap();
        let next = ty::select(&list, &"next".into()).unwrap();
        assert_eq!(ty::text(&ty::select(&next, &"value".into())), "number");
    }

    #[test]
    fn choices_and_sums() {
        let choice = object(&[(
            "anyOf",
            Constant::Array(vec![typed("string"), typed("number")]),
        )]);
        assert_eq!(text_of(&choice), "any<number, string>");
        let part = |key: &str, ty: &str| object(&[("properties", object(&[(key, typed(ty))]))]);
        let sum = object(&[(
            "allOf",
            Constant::Array(vec![part("a", "string"), part("b", "number")]),
        )]);
        assert_eq!(text_of(&sum), "object<a: string, b: number>");
        let clash = object(&[(
            "allOf",
            Constant::Array(vec![typed("string"), typed("number")]),
        )]);
        assert_eq!(
            text_of(&clash),
            "type checking: unable to merge these schemas: type mismatch: string and number"
        );
    }
}
