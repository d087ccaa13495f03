//! From the JSON of a schema to a table of sub-schemas.
//!
//! The keywords are read in OPA's order, because the first wrong one is the error.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::{Array, Object, Value};

use super::decimal::{self, Decimal};
use super::format::Format;
use super::references::{Draft, Pool, draft_of};
use super::validate::canonical;
use crate::go::url::Url;
use crate::operand::{failed, number_text};
use crate::regex::{Pattern, compile as compile_pattern};

/// Schemas may nest no deeper: a limit against documents that are made to exhaust the stack.
pub(super) const MAX_DEPTH: usize = 512;

/// The types of JSON in OPA's order.
const TYPES: [&str; 7] = [
    "array", "boolean", "integer", "number", "null", "object", "string",
];

pub(super) fn too_deep() -> BuiltinError {
    failed("schema is nested too deeply")
}

/// Index of a sub-schema in its [`Schema`].
pub(super) type Id = usize;

/// A schema that can be applied. It owns all it needs, so that a session may keep it.
#[derive(Default)]
pub(super) struct Schema {
    table: Vec<SubSchema>,
}

impl Schema {
    pub(super) const ROOT: Id = 0;

    pub(super) fn get(&self, id: Id) -> &SubSchema {
        &self.table[id]
    }
}

/// What a sub-schema demands of values of all kinds.
#[derive(Default)]
pub(super) struct SubSchema {
    /// A schema that is `true` or `false`.
    pub(super) pass: Option<bool>,
    /// The schema that counts instead of this one.
    pub(super) reference: Option<Id>,
    pub(super) types: Vec<&'static str>,
    pub(super) properties: BTreeMap<String, Id>,
    pub(super) additional_properties: Rest,
    pub(super) pattern_properties: Vec<(Arc<Pattern>, Id)>,
    pub(super) property_names: Option<Id>,
    pub(super) dependencies: BTreeMap<String, Dependency>,
    pub(super) items: Items,
    pub(super) additional_items: Rest,
    pub(super) multiple_of: Option<Decimal>,
    pub(super) minimum: Bound,
    pub(super) maximum: Bound,
    pub(super) length: Range,
    /// The pattern with its text.
    pub(super) pattern: Option<(Arc<Pattern>, String)>,
    pub(super) format: Option<(Format, String)>,
    pub(super) property_count: Range,
    pub(super) required: Vec<String>,
    pub(super) item_count: Range,
    pub(super) unique_items: bool,
    pub(super) contains: Option<Id>,
    /// JSON text, as those of `choices`.
    pub(super) constant: Option<String>,
    pub(super) choices: Option<Vec<String>>,
    pub(super) one_of: Vec<Id>,
    pub(super) any_of: Vec<Id>,
    pub(super) all_of: Vec<Id>,
    pub(super) not: Option<Id>,
    pub(super) condition: Option<Id>,
    pub(super) then: Option<Id>,
    pub(super) otherwise: Option<Id>,
}

/// What holds for the values that no other keyword names.
#[derive(Default)]
pub(super) enum Rest {
    #[default]
    Anything,
    Nothing,
    Schema(Id),
}

/// `items`
#[derive(Default)]
pub(super) enum Items {
    #[default]
    Any,
    /// One schema for all.
    Each(Id),
    /// One schema for each place.
    List(Vec<Id>),
}

/// A limit of numbers, with and without the limit itself.
#[derive(Default)]
pub(super) struct Bound {
    pub(super) inclusive: Option<Decimal>,
    pub(super) exclusive: Option<Decimal>,
}

/// Limits of a count.
#[derive(Default)]
pub(super) struct Range {
    pub(super) least: Option<i64>,
    pub(super) most: Option<i64>,
}

/// What the presence of a property demands.
pub(super) enum Dependency {
    Properties(Vec<String>),
    Schema(Id),
}

/// Compiles a schema.
pub(super) fn compile<'a>(
    cx: &mut Call<'a, '_>,
    document: Value<'a>,
) -> Result<Schema, BuiltinError> {
    let mut pool = Pool::default();
    pool.add(cx, document, &Url::default())?;
    let draft = draft_of(document)?.unwrap_or(Draft::Mixed);
    let mut compiler = Compiler {
        cx,
        pool,
        schema: Schema::default(),
        references: HashMap::new(),
    };
    compiler.child(document, draft, 0)?;
    Ok(compiler.schema)
}

struct Compiler<'c, 'a, 'h> {
    cx: &'c mut Call<'a, 'h>,
    pool: Pool<'a>,
    schema: Schema,
    /// Sub-schemas by the references that led to them.
    references: HashMap<String, Id>,
}

type Compiled<T = ()> = Result<T, BuiltinError>;

fn invalid_type<T>(expected: &str, given: &str) -> Compiled<T> {
    Err(failed(format!(
        "Invalid type. Expected: {expected}, given: {given}"
    )))
}

fn string<'a>(object: Object<'a>, key: &str) -> Compiled<Option<&'a str>> {
    match object.get_str(key).map(|value| value.as_str()) {
        Some(None) => invalid_type("string", key),
        text => Ok(text.flatten()),
    }
}

fn must_be<T>(key: &str, what: &str) -> Compiled<T> {
    Err(failed(format!("{key} must be of {what}")))
}

fn list<'a>(object: Object<'a>, key: &str) -> Compiled<Option<Array<'a>>> {
    match object.get_str(key).map(|value| value.as_array()) {
        Some(None) => must_be(key, "an array"),
        list => Ok(list.flatten()),
    }
}

fn is_schema(value: Value<'_>) -> bool {
    value.as_object().is_some() || value.as_bool().is_some()
}

impl<'a> Compiler<'_, 'a, '_> {
    fn child(&mut self, document: Value<'a>, draft: Draft, depth: usize) -> Compiled<Id> {
        let id = self.schema.table.len();
        self.schema.table.push(SubSchema::default());
        self.read(id, document, draft, depth)?;
        Ok(id)
    }

    fn read(&mut self, id: Id, document: Value<'a>, draft: Draft, depth: usize) -> Compiled {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        self.cx.charge(8)?;
        self.cx.reserve(size_of::<SubSchema>())?;
        if draft >= Draft::Six
            && let Some(pass) = document.as_bool()
        {
            self.schema.table[id].pass = Some(pass);
            return Ok(());
        }
        let Some(object) = document.as_object() else {
            return Err(failed("Expected: Valid Schema, given: Invalid JSON"));
        };
        let mut sub = SubSchema::default();
        let finished = self.names(&mut sub, document, object, draft, depth)?;
        if !finished {
            self.types(&mut sub, object)?;
            self.properties(&mut sub, object, draft, depth)?;
            self.items(&mut sub, object, draft, depth)?;
            self.numbers(&mut sub, object, draft)?;
            self.strings(&mut sub, object)?;
            self.counts(&mut sub, object, draft, depth)?;
            self.constants(&mut sub, object, draft)?;
            self.combinations(&mut sub, object, draft, depth)?;
        }
        self.schema.table[id] = sub;
        Ok(())
    }

    /// `id`, `definitions`, `$ref` and what only describes. True if nothing else counts.
    fn names(
        &mut self,
        sub: &mut SubSchema,
        document: Value<'a>,
        object: Object<'a>,
        draft: Draft,
        depth: usize,
    ) -> Compiled<bool> {
        let id = match draft {
            Draft::Four => "id",
            Draft::Mixed if object.get_str("id").is_some() => "id",
            _ => "$id",
        };
        if let Some(id) = string(object, id)? {
            Url::parse(id).map_err(failed)?;
        }
        if let Some(definitions) = object.get_str("definitions") {
            let Some(definitions) = definitions.as_object() else {
                return invalid_type("Array Of Schemas", "definitions");
            };
            for (_, definition) in definitions.iter() {
                if !is_schema(definition) {
                    return invalid_type("Array Of Schemas", "definitions");
                }
                self.child(definition, draft, depth + 1)?;
            }
        }
        string(object, "title")?;
        string(object, "description")?;
        let Some(reference) = string(object, "$ref")? else {
            return Ok(false);
        };
        let reference = Url::parse(self.pool.absolute(document, reference)).map_err(failed)?;
        let name = reference.to_string();
        if let Some(&known) = self.references.get(&name) {
            sub.reference = Some(known);
            return Ok(false);
        }
        let target = self.schema.table.len();
        self.schema.table.push(SubSchema::default());
        self.references.insert(name, target);
        let document = self.pool.get(self.cx, &reference)?;
        if !is_schema(document.value) {
            return Err(failed("Valid Schema must be of type object"));
        }
        let draft = document.draft.unwrap_or(draft);
        self.read(target, document.value, draft, depth + 1)?;
        sub.reference = Some(target);
        Ok(true)
    }

    fn types(&mut self, sub: &mut SubSchema, object: Object<'a>) -> Compiled {
        let Some(types) = object.get_str("type") else {
            return Ok(());
        };
        if types.as_str().is_some() {
            return add_type(sub, types);
        }
        let Some(types) = types.as_array() else {
            return invalid_type("type", "string/Array Of Strings");
        };
        types.iter().try_for_each(|name| add_type(sub, name))
    }

    fn properties(
        &mut self,
        sub: &mut SubSchema,
        object: Object<'a>,
        draft: Draft,
        depth: usize,
    ) -> Compiled {
        if let Some(properties) = object.get_str("properties") {
            let Some(properties) = properties.as_object() else {
                return must_be("Properties", "type object");
            };
            for (key, schema) in properties.iter() {
                let child = self.child(schema, draft, depth + 1)?;
                let key = key.as_str().unwrap_or("").to_owned();
                sub.properties.insert(key, child);
            }
        }
        sub.additional_properties = self.rest(object, "additionalProperties", draft, depth)?;
        if let Some(patterns) = object.get_str("patternProperties") {
            let Some(patterns) = patterns.as_object() else {
                return invalid_type("Valid Schema", "patternProperties");
            };
            for (key, schema) in patterns.iter() {
                let text = key.as_str().unwrap_or("");
                let Some(pattern) = self.pattern(text)? else {
                    return Err(failed(format!("Invalid regex pattern '{text}'")));
                };
                let child = self.child(schema, draft, depth + 1)?;
                sub.pattern_properties.push((pattern, child));
            }
        }
        if draft >= Draft::Six
            && let Some(names) = object.get_str("propertyNames")
        {
            if !is_schema(names) {
                return invalid_type("Valid Schema", "patternProperties");
            }
            sub.property_names = Some(self.child(names, draft, depth + 1)?);
        }
        if let Some(dependencies) = object.get_str("dependencies") {
            let Some(dependencies) = dependencies.as_object() else {
                return must_be("dependencies", "type object");
            };
            for (key, dependency) in dependencies.iter() {
                if let Some(dependency) = self.dependency(dependency, draft, depth)? {
                    let key = key.as_str().unwrap_or("").to_owned();
                    sub.dependencies.insert(key, dependency);
                }
            }
        }
        Ok(())
    }

    fn dependency(
        &mut self,
        value: Value<'a>,
        draft: Draft,
        depth: usize,
    ) -> Compiled<Option<Dependency>> {
        if is_schema(value) {
            let child = self.child(value, draft, depth + 1)?;
            return Ok(Some(Dependency::Schema(child)));
        }
        let names: Option<Vec<_>> = value.as_array().and_then(|names| {
            let text = |name: Value<'a>| name.as_str().map(str::to_owned);
            names.iter().map(text).collect()
        });
        match names {
            Some(names) if names.is_empty() => Ok(None),
            Some(names) => Ok(Some(Dependency::Properties(names))),
            None => must_be("Dependency", "type Schema Or Array Of Strings"),
        }
    }

    /// `additionalProperties`, `additionalItems`
    fn rest(
        &mut self,
        object: Object<'a>,
        key: &str,
        draft: Draft,
        depth: usize,
    ) -> Compiled<Rest> {
        let Some(value) = object.get_str(key) else {
            return Ok(Rest::Anything);
        };
        match value.as_bool() {
            Some(true) => Ok(Rest::Anything),
            Some(false) => Ok(Rest::Nothing),
            None if value.as_object().is_some() => {
                Ok(Rest::Schema(self.child(value, draft, depth + 1)?))
            }
            None => invalid_type("boolean/Valid Schema", key),
        }
    }

    /// A pattern of Go's dialect; `None` if it is none.
    fn pattern(&mut self, text: &str) -> Compiled<Option<Arc<Pattern>>> {
        match compile_pattern(self.cx, text) {
            Ok(pattern) => Ok(Some(pattern)),
            Err(BuiltinError::Stop(reason)) => Err(BuiltinError::Stop(reason)),
            Err(_) => Ok(None),
        }
    }

    fn items(
        &mut self,
        sub: &mut SubSchema,
        object: Object<'a>,
        draft: Draft,
        depth: usize,
    ) -> Compiled {
        let expected = "Valid Schema/Array Of Schemas";
        if let Some(items) = object.get_str("items") {
            sub.items = if let Some(schemas) = items.as_array() {
                let mut list = Vec::with_capacity(schemas.len());
                for schema in schemas.iter() {
                    if !is_schema(schema) {
                        return invalid_type(expected, "items");
                    }
                    list.push(self.child(schema, draft, depth + 1)?);
                }
                Items::List(list)
            } else if is_schema(items) {
                Items::Each(self.child(items, draft, depth + 1)?)
            } else {
                return invalid_type(expected, "items");
            };
        }
        sub.additional_items = self.rest(object, "additionalItems", draft, depth)?;
        Ok(())
    }

    fn number(&mut self, value: Value<'a>) -> Compiled<Option<Decimal>> {
        if !value.is_number() {
            return Ok(None);
        }
        decimal::number(self.cx, &number_text(value))
    }

    fn numbers(&mut self, sub: &mut SubSchema, object: Object<'a>, draft: Draft) -> Compiled {
        if let Some(value) = object.get_str("multipleOf") {
            let Some(unit) = self.number(value)? else {
                return invalid_type("Number", "multipleOf");
            };
            if !unit.is_positive() {
                return Err(failed("multipleOf must be strictly greater than 0"));
            }
            sub.multiple_of = Some(unit);
        }
        sub.minimum = self.bound(object, "minimum", "exclusiveMinimum", draft)?;
        sub.maximum = self.bound(object, "maximum", "exclusiveMaximum", draft)?;
        Ok(())
    }

    /// Draft 4 has a flag that makes the limit exclusive, later ones have another limit.
    fn bound(
        &mut self,
        object: Object<'a>,
        key: &str,
        exclusive_key: &str,
        draft: Draft,
    ) -> Compiled<Bound> {
        let mut bound = Bound::default();
        if let Some(value) = object.get_str(key) {
            bound.inclusive = self.number(value)?;
            if bound.inclusive.is_none() {
                return must_be(key, "a Number");
            }
        }
        let Some(value) = object.get_str(exclusive_key) else {
            return Ok(bound);
        };
        match value.as_bool() {
            Some(exclusive) if matches!(draft, Draft::Four | Draft::Mixed) => {
                if bound.inclusive.is_none() {
                    let message = format!("{exclusive_key} cannot be used without {key}");
                    return Err(failed(message));
                }
                if exclusive {
                    bound.exclusive = bound.inclusive.take();
                }
            }
            _ if value.is_number() && draft != Draft::Four => {
                bound.exclusive = self.number(value)?;
            }
            _ => {
                let expected = match draft {
                    Draft::Four => "boolean",
                    Draft::Mixed => "boolean/number",
                    _ => "number",
                };
                return invalid_type(expected, exclusive_key);
            }
        }
        Ok(bound)
    }

    fn count(&mut self, object: Object<'a>, key: &str) -> Compiled<Option<i64>> {
        let Some(value) = object.get_str(key) else {
            return Ok(None);
        };
        // Only plain spelling counts as an integer here: `1.0` does not.
        let count = value
            .is_number()
            .then(|| number_text(value).parse::<i64>().ok());
        match count.flatten() {
            None => must_be(key, "an integer"),
            Some(..0) => Err(failed(format!("{key} must be greater than or equal to 0"))),
            count => Ok(count),
        }
    }

    fn range(&mut self, object: Object<'a>, least: &str, most: &str) -> Compiled<Range> {
        Ok(Range {
            least: self.count(object, least)?,
            most: self.count(object, most)?,
        })
    }

    fn ordered_range(&mut self, object: Object<'a>, least: &str, most: &str) -> Compiled<Range> {
        let range = self.range(object, least, most)?;
        match range.least.zip(range.most) {
            Some((low, high)) if low > high => {
                Err(failed(format!("{least} cannot be greater than {most}")))
            }
            _ => Ok(range),
        }
    }

    fn strings(&mut self, sub: &mut SubSchema, object: Object<'a>) -> Compiled {
        sub.length = self.ordered_range(object, "minLength", "maxLength")?;
        if let Some(text) = string(object, "pattern")? {
            let Some(pattern) = self.pattern(text)? else {
                return Err(failed("pattern must be a valid regex"));
            };
            sub.pattern = Some((pattern, text.to_owned()));
        }
        if let Some(name) = string(object, "format")? {
            sub.format = Format::named(name).map(|format| (format, name.to_owned()));
        }
        Ok(())
    }

    fn counts(
        &mut self,
        sub: &mut SubSchema,
        object: Object<'a>,
        draft: Draft,
        depth: usize,
    ) -> Compiled {
        sub.property_count = self.ordered_range(object, "minProperties", "maxProperties")?;
        if let Some(required) = list(object, "required")? {
            let mut seen = std::collections::HashSet::new();
            for name in required.iter() {
                let Some(name) = name.as_str() else {
                    return invalid_type("string", "required");
                };
                if !seen.insert(name) {
                    return Err(failed("required items must be unique"));
                }
                sub.required.push(name.to_owned());
            }
        }
        sub.item_count = self.range(object, "minItems", "maxItems")?;
        if let Some(unique) = object.get_str("uniqueItems") {
            let Some(unique) = unique.as_bool() else {
                return must_be("uniqueItems", "a boolean");
            };
            sub.unique_items = unique;
        }
        if draft >= Draft::Six
            && let Some(contains) = object.get_str("contains")
        {
            sub.contains = Some(self.child(contains, draft, depth + 1)?);
        }
        Ok(())
    }

    fn constants(&mut self, sub: &mut SubSchema, object: Object<'a>, draft: Draft) -> Compiled {
        if draft >= Draft::Six
            && let Some(constant) = object.get_str("const")
        {
            sub.constant = Some(canonical(self.cx, constant)?);
        }
        let Some(values) = list(object, "enum")? else {
            return Ok(());
        };
        let mut choices: Vec<String> = Vec::with_capacity(values.len());
        let mut seen = std::collections::HashSet::new();
        for value in values.iter() {
            let choice = canonical(self.cx, value)?;
            if !seen.insert(choice.clone()) {
                return Err(failed("enum items must be unique"));
            }
            choices.push(choice);
        }
        // An empty list is not the same as none: nothing is one of it.
        sub.choices = Some(choices);
        Ok(())
    }

    fn combinations(
        &mut self,
        sub: &mut SubSchema,
        object: Object<'a>,
        draft: Draft,
        depth: usize,
    ) -> Compiled {
        sub.one_of = self.schemas(object, "oneOf", draft, depth)?;
        sub.any_of = self.schemas(object, "anyOf", draft, depth)?;
        sub.all_of = self.schemas(object, "allOf", draft, depth)?;
        sub.not = self.schema(object, "not", draft, depth)?;
        if draft >= Draft::Seven {
            sub.condition = self.schema(object, "if", draft, depth)?;
            sub.then = self.schema(object, "then", draft, depth)?;
            sub.otherwise = self.schema(object, "else", draft, depth)?;
        }
        Ok(())
    }

    fn schemas(
        &mut self,
        object: Object<'a>,
        key: &str,
        draft: Draft,
        depth: usize,
    ) -> Compiled<Vec<Id>> {
        let mut ids = Vec::new();
        if let Some(schemas) = list(object, key)? {
            for schema in schemas.iter() {
                ids.push(self.child(schema, draft, depth + 1)?);
            }
        }
        Ok(ids)
    }

    fn schema(
        &mut self,
        object: Object<'a>,
        key: &str,
        draft: Draft,
        depth: usize,
    ) -> Compiled<Option<Id>> {
        match object.get_str(key) {
            None => Ok(None),
            Some(schema) if is_schema(schema) => self.child(schema, draft, depth + 1).map(Some),
            Some(_) => must_be(key, "an object"),
        }
    }
}

fn add_type(sub: &mut SubSchema, name: Value<'_>) -> Compiled {
    let Some(name) = name.as_str() else {
        return invalid_type("type", "string/Array Of Strings");
    };
    let Some(&known) = TYPES.iter().find(|known| **known == name) else {
        let valid = TYPES.join(" ");
        return Err(failed(format!(
            "has a primitive type that is NOT VALID -- given: /{name}/ Expected valid values are:[{valid}]"
        )));
    };
    if sub.types.contains(&known) {
        return Err(failed(format!("{known} type is duplicated")));
    }
    sub.types.push(known);
    Ok(())
}
