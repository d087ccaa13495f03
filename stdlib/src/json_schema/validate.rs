//! A document against a schema.
//!
//! Errors are listed in OPA's order, with those of the nearest branch of `anyOf` and `oneOf`: the score of a
//! branch counts what held and what did not, by OPA's rules.

use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::json::{self, Style};
use regovm_core::value::{Array, Object, Value, View, number};

use super::compile::{Bound, Dependency, Id, Items, Rest, Schema, SubSchema};
use super::decimal::{self, Decimal};
use crate::operand::{failed, number_text};
use crate::text::{charge_bytes, charge_text};

/// Schemas apply within each other no deeper: references may lead in circles.
const MAX_DEPTH: usize = 1000;

/// Something of a document that does not match.
pub(super) struct Failure {
    pub(super) kind: &'static str,
    pub(super) field: String,
    pub(super) description: String,
}

/// What came of one schema.
#[derive(Default)]
pub(super) struct Verdict {
    pub(super) failures: Vec<Failure>,
    score: i64,
}

impl Verdict {
    fn is_valid(&self) -> bool {
        self.failures.is_empty()
    }

    /// Takes over what another schema found.
    fn merge(&mut self, other: Verdict) {
        self.failures.extend(other.failures);
        self.score += other.score;
    }

    fn is_nearer_than(&self, best: Option<&Verdict>) -> bool {
        best.is_none_or(|best| self.score > best.score)
    }
}

/// Where in the document: the way back to its root.
#[derive(Clone, Copy)]
struct Place<'p> {
    part: Part<'p>,
    parent: Option<&'p Place<'p>>,
    /// How many schemas and parts are being looked at.
    depth: usize,
}

#[derive(Clone, Copy)]
enum Part<'p> {
    Root,
    Key(&'p str),
    Index(usize),
}

impl<'p> Place<'p> {
    fn within(&'p self, part: Part<'p>) -> Place<'p> {
        Place {
            part,
            parent: Some(self),
            depth: self.depth,
        }
    }

    /// `a.0.b`; the root is `(Root)`.
    fn field(&self) -> String {
        let mut parts = Vec::new();
        let mut place = Some(self);
        while let Some(Place { part, parent, .. }) = place {
            match part {
                Part::Root => {}
                Part::Key(key) => parts.push((*key).to_owned()),
                Part::Index(index) => parts.push(index.to_string()),
            }
            place = *parent;
        }
        if parts.is_empty() {
            return "(Root)".to_owned();
        }
        parts.reverse();
        parts.join(".")
    }
}

/// The JSON text of a value, with numbers as the floats that they are to OPA here: equal texts are equal values.
pub(super) fn canonical(cx: &mut Call<'_, '_>, value: Value<'_>) -> Result<String, BuiltinError> {
    charge_text(cx, value)?;
    let text = json::to_string(value, Style::Marshal);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let len = if rest.starts_with('"') {
            string_len(rest)
        } else {
            rest.find([',', ']', '}']).unwrap_or(rest.len())
        };
        let (token, after) = rest.split_at(len);
        if token.starts_with('"') {
            out.push_str(token);
        } else {
            let float: f64 = token.parse().unwrap_or(f64::NAN);
            if !float.is_finite() {
                return Err(failed(format!(
                    "json: cannot unmarshal number {token} into Go value of type float64"
                )));
            }
            out.push_str(&number::format_json_f64(float));
        }
        rest = after;
    }
    Ok(out + rest)
}

/// The length of the JSON string at the start.
fn string_len(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        end
    });
    end.map_or(text.len(), |end| end + 2)
}

/// Applies a schema to a document.
pub(super) fn validate<'a>(
    cx: &mut Call<'a, '_>,
    schema: &Schema,
    document: Value<'a>,
) -> Result<Verdict, BuiltinError> {
    let mut verdict = Verdict::default();
    let root = Place {
        part: Part::Root,
        parent: None,
        depth: 0,
    };
    Validator { cx, schema }.apply(Schema::ROOT, document, &mut verdict, &root)?;
    Ok(verdict)
}

struct Validator<'c, 'a, 'h> {
    cx: &'c mut Call<'a, 'h>,
    schema: &'c Schema,
}

type Done = Result<(), BuiltinError>;

impl<'c, 'a> Validator<'c, 'a, '_> {
    fn fail(
        &mut self,
        verdict: &mut Verdict,
        place: &Place<'_>,
        kind: &'static str,
        description: impl Into<String>,
    ) -> Done {
        let (field, description) = (place.field(), description.into());
        charge_bytes(self.cx, field.len() + description.len())?;
        // The two texts, the record and its parts, and the message that joins them.
        self.cx
            .reserve(2 * (field.len() + description.len()) + 256)?;
        verdict.failures.push(Failure {
            kind,
            field,
            description,
        });
        verdict.score -= 2;
        Ok(())
    }

    /// The verdict of a schema by itself.
    fn verdict(
        &mut self,
        id: Id,
        value: Value<'a>,
        place: &Place<'_>,
    ) -> Result<Verdict, BuiltinError> {
        let mut verdict = Verdict::default();
        self.apply(id, value, &mut verdict, place)?;
        Ok(verdict)
    }

    fn merge(
        &mut self,
        id: Id,
        value: Value<'a>,
        verdict: &mut Verdict,
        place: &Place<'_>,
    ) -> Done {
        let other = self.verdict(id, value, place)?;
        verdict.merge(other);
        Ok(())
    }

    fn apply(
        &mut self,
        id: Id,
        value: Value<'a>,
        verdict: &mut Verdict,
        place: &Place<'_>,
    ) -> Done {
        if place.depth > MAX_DEPTH {
            return Err(failed("schema and document are nested too deeply"));
        }
        self.cx.charge(2)?;
        let place = &Place {
            depth: place.depth + 1,
            ..*place
        };
        let sub = self.schema.get(id);
        match sub.pass {
            Some(true) => return Ok(()),
            Some(false) => {
                return self.fail(verdict, place, "false", "False always fails validation");
            }
            None => {}
        }
        if let Some(target) = sub.reference {
            return self.apply(target, value, verdict, place);
        }
        let number = match value.is_number() {
            true => decimal::number(self.cx, &number_text(value))?,
            false => None,
        };
        let given = match number.as_ref().map(Decimal::is_integer) {
            Some(true) => "integer",
            _ => value.kind().name(),
        };
        let typed = sub.types.is_empty()
            || sub.types.contains(&given)
            || (given == "integer" && sub.types.contains(&"number"));
        if !typed {
            let expected = match sub.types.as_slice() {
                [one] => (*one).to_owned(),
                many => format!("[{}]", many.join(",")),
            };
            let description = format!("Invalid type. Expected: {expected}, given: {given}");
            return self.fail(verdict, place, "invalid_type", description);
        }
        self.combinations(sub, value, verdict, place)?;
        match value.view() {
            View::Array(array) => self.array(sub, array, verdict, place)?,
            View::Object(object) => self.object(sub, object, verdict, place)?,
            _ => {}
        }
        if let Some(number) = &number {
            self.number(sub, number, verdict, place)?;
        }
        self.common(sub, value, verdict, place)?;
        match value.view() {
            View::String(text) => self.string(sub, text.as_str(), verdict, place)?,
            View::Object(object) => {
                for (key, child) in &sub.properties {
                    if let Some(member) = object.get_str(key) {
                        let place = place.within(Part::Key(key));
                        self.apply(*child, member, verdict, &place)?;
                    }
                }
            }
            _ => {}
        }
        verdict.score += 1;
        Ok(())
    }

    fn combinations(
        &mut self,
        sub: &SubSchema,
        value: Value<'a>,
        verdict: &mut Verdict,
        place: &Place<'_>,
    ) -> Done {
        self.any_of(sub, value, verdict, place)?;
        self.one_of(sub, value, verdict, place)?;
        let mut all = true;
        for id in &sub.all_of {
            let found = self.verdict(*id, value, place)?;
            all &= found.is_valid();
            verdict.merge(found);
        }
        if !all {
            let description = "Must validate all the schemas (allOf)";
            self.fail(verdict, place, "number_all_of", description)?;
        }
        if let Some(id) = sub.not
            && self.verdict(id, value, place)?.is_valid()
        {
            let description = "Must not validate the schema (not)";
            self.fail(verdict, place, "number_not", description)?;
        }
        if let Some(object) = value.as_object() {
            self.dependencies(sub, object, value, verdict, place)?;
        }
        if let Some(id) = sub.condition {
            let holds = self.verdict(id, value, place)?.is_valid();
            let (branch, kind, description) = if holds {
                let description = "Must validate \"then\" as \"if\" was valid";
                (sub.then, "condition_then", description)
            } else {
                let description = "Must validate \"else\" as \"if\" was not valid";
                (sub.otherwise, "condition_else", description)
            };
            if let Some(branch) = branch {
                let found = self.verdict(branch, value, place)?;
                if !found.is_valid() {
                    self.fail(verdict, place, kind, description)?;
                    verdict.merge(found);
                }
            }
        }
        verdict.score += 1;
        Ok(())
    }

    fn any_of(
        &mut self,
        sub: &SubSchema,
        value: Value<'a>,
        verdict: &mut Verdict,
        place: &Place<'_>,
    ) -> Done {
        let mut best: Option<Verdict> = None;
        for id in &sub.any_of {
            let found = self.verdict(*id, value, place)?;
            if found.is_valid() {
                return Ok(());
            }
            if found.is_nearer_than(best.as_ref()) {
                best = Some(found);
            }
        }
        if let Some(best) = best {
            let description = "Must validate at least one schema (anyOf)";
            self.fail(verdict, place, "number_any_of", description)?;
            verdict.merge(best);
        }
        Ok(())
    }

    fn one_of(
        &mut self,
        sub: &SubSchema,
        value: Value<'a>,
        verdict: &mut Verdict,
        place: &Place<'_>,
    ) -> Done {
        let mut best: Option<Verdict> = None;
        let mut matching = 0;
        for id in &sub.one_of {
            let found = self.verdict(*id, value, place)?;
            if found.is_valid() {
                matching += 1;
            } else if matching == 0 && found.is_nearer_than(best.as_ref()) {
                best = Some(found);
            }
        }
        if matching == 1 || sub.one_of.is_empty() {
            return Ok(());
        }
        let description = "Must validate one and only one schema (oneOf)";
        self.fail(verdict, place, "number_one_of", description)?;
        if let (0, Some(best)) = (matching, best) {
            verdict.merge(best);
        }
        Ok(())
    }

    fn dependencies(
        &mut self,
        sub: &SubSchema,
        object: Object<'a>,
        value: Value<'a>,
        verdict: &mut Verdict,
        place: &Place<'_>,
    ) -> Done {
        for (key, dependency) in &sub.dependencies {
            if object.get_str(key).is_none() {
                continue;
            }
            match dependency {
                Dependency::Schema(id) => self.apply(*id, value, verdict, place)?,
                Dependency::Properties(names) => {
                    for name in names {
                        if object.get_str(name).is_none() {
                            let description = format!("Has a dependency on {name}");
                            self.fail(verdict, place, "missing_dependency", description)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn common(
        &mut self,
        sub: &SubSchema,
        value: Value<'a>,
        verdict: &mut Verdict,
        place: &Place<'_>,
    ) -> Done {
        let text = match (&sub.constant, &sub.choices) {
            (None, None) => None,
            _ => Some(canonical(self.cx, value)?),
        };
        if let (Some(constant), Some(text)) = (&sub.constant, &text)
            && constant != text
        {
            let description = format!("{} does not match: {constant}", place.field());
            self.fail(verdict, place, "const", description)?;
        }
        if let (Some(choices), Some(text)) = (&sub.choices, &text) {
            self.cx.charge(choices.len() as u64 / 8)?;
            if !choices.contains(text) {
                let choices = choices.join(", ");
                let description =
                    format!("{} must be one of the following: {choices}", place.field());
                self.fail(verdict, place, "enum", description)?;
            }
        }
        if let Some((format, name)) = &sub.format
            && let Some(text) = value.as_str()
            && !format.matches(self.cx, text)?
        {
            let description = format!("Does not match format '{name}'");
            self.fail(verdict, place, "format", description)?;
        }
        verdict.score += 1;
        Ok(())
    }

    fn array(
        &mut self,
        sub: &SubSchema,
        array: Array<'a>,
        verdict: &mut Verdict,
        place: &Place<'_>,
    ) -> Done {
        let elements = array.as_slice();
        match &sub.items {
            Items::Any => {}
            Items::Each(id) => {
                for (at, element) in elements.iter().enumerate() {
                    self.merge(*id, *element, verdict, &place.within(Part::Index(at)))?;
                }
            }
            Items::List(schemas) => {
                for (at, (element, id)) in elements.iter().zip(schemas).enumerate() {
                    self.merge(*id, *element, verdict, &place.within(Part::Index(at)))?;
                }
                let rest = elements.iter().enumerate().skip(schemas.len());
                match sub.additional_items {
                    // Without schemas for places nothing is additional.
                    _ if schemas.is_empty() || rest.len() == 0 => {}
                    Rest::Anything => {}
                    Rest::Nothing => {
                        let description = "No additional items allowed on array";
                        self.fail(verdict, place, "array_no_additional_items", description)?;
                    }
                    Rest::Schema(id) => {
                        for (at, element) in rest {
                            self.merge(id, *element, verdict, &place.within(Part::Index(at)))?;
                        }
                    }
                }
            }
        }
        let count = elements.len() as i64;
        if let Some(least) = sub.item_count.least.filter(|least| count < *least) {
            let description = format!("Array must have at least {least} items");
            self.fail(verdict, place, "array_min_items", description)?;
        }
        if let Some(most) = sub.item_count.most.filter(|most| count > *most) {
            let description = format!("Array must have at most {most} items");
            self.fail(verdict, place, "array_max_items", description)?;
        }
        if sub.unique_items {
            let mut seen = std::collections::HashMap::new();
            for (at, element) in elements.iter().enumerate() {
                let text = canonical(self.cx, *element)?;
                self.cx.reserve(text.len())?;
                if let Some(before) = seen.insert(text, at) {
                    let description = format!("array items[{before},{at}] must be unique");
                    self.fail(verdict, place, "unique", description)?;
                }
            }
        }
        if let Some(id) = sub.contains {
            self.contains(id, elements, verdict, place)?;
        }
        verdict.score += 1;
        Ok(())
    }

    fn contains(
        &mut self,
        id: Id,
        elements: &[Value<'a>],
        verdict: &mut Verdict,
        place: &Place<'_>,
    ) -> Done {
        let mut best: Option<Verdict> = None;
        for (at, element) in elements.iter().enumerate() {
            let found = self.verdict(id, *element, &place.within(Part::Index(at)))?;
            if found.is_valid() {
                return Ok(());
            }
            if found.is_nearer_than(best.as_ref()) {
                best = Some(found);
            }
        }
        let description = "At least one of the items must match";
        self.fail(verdict, place, "contains", description)?;
        if let Some(best) = best {
            verdict.merge(best);
        }
        Ok(())
    }

    fn object(
        &mut self,
        sub: &SubSchema,
        object: Object<'a>,
        verdict: &mut Verdict,
        place: &Place<'_>,
    ) -> Done {
        let count = object.len() as i64;
        if let Some(least) = sub.property_count.least.filter(|least| count < *least) {
            let description = format!("Must have at least {least} properties");
            self.fail(verdict, place, "array_min_properties", description)?;
        }
        if let Some(most) = sub.property_count.most.filter(|most| count > *most) {
            let description = format!("Must have at most {most} properties");
            self.fail(verdict, place, "array_max_properties", description)?;
        }
        for name in &sub.required {
            if object.get_str(name).is_some() {
                verdict.score += 1;
            } else {
                let description = format!("{name} is required");
                self.fail(verdict, place, "required", description)?;
            }
        }
        for (key, value) in object.iter() {
            let key = key.as_str().unwrap_or("");
            self.member(sub, key, value, verdict, place)?;
        }
        if let Some(id) = sub.property_names {
            for (key, _) in object.iter() {
                let found = self.verdict(id, key, place)?;
                if !found.is_valid() {
                    let name = key.as_str().unwrap_or("");
                    let description = format!("Property name of \"{name}\" does not match");
                    self.fail(verdict, place, "invalid_property_name", description)?;
                    verdict.merge(found);
                }
            }
        }
        verdict.score += 1;
        Ok(())
    }

    fn member(
        &mut self,
        sub: &SubSchema,
        key: &str,
        value: Value<'a>,
        verdict: &mut Verdict,
        place: &Place<'_>,
    ) -> Done {
        self.cx.charge(1)?;
        let within = place.within(Part::Key(key));
        let mut matched = false;
        for (pattern, id) in &sub.pattern_properties {
            if pattern.is_match(self.cx, key)? {
                matched = true;
                self.merge(*id, value, verdict, &within)?;
            }
        }
        verdict.score += i64::from(matched);
        if matched || sub.properties.contains_key(key) {
            return Ok(());
        }
        match sub.additional_properties {
            Rest::Anything => Ok(()),
            Rest::Nothing => {
                let description = format!("Additional property {key} is not allowed");
                self.fail(
                    verdict,
                    place,
                    "additional_property_not_allowed",
                    description,
                )
            }
            Rest::Schema(id) => self.merge(id, value, verdict, &within),
        }
    }

    fn string(
        &mut self,
        sub: &SubSchema,
        text: &str,
        verdict: &mut Verdict,
        place: &Place<'_>,
    ) -> Done {
        if sub.length.least.is_some() || sub.length.most.is_some() {
            charge_bytes(self.cx, text.len())?;
            let count = text.chars().count() as i64;
            if let Some(least) = sub.length.least.filter(|least| count < *least) {
                let description = format!("String length must be greater than or equal to {least}");
                self.fail(verdict, place, "string_gte", description)?;
            }
            if let Some(most) = sub.length.most.filter(|most| count > *most) {
                let description = format!("String length must be less than or equal to {most}");
                self.fail(verdict, place, "string_lte", description)?;
            }
        }
        if let Some((pattern, source)) = &sub.pattern
            && !pattern.is_match(self.cx, text)?
        {
            let description = format!("Does not match pattern '{source}'");
            self.fail(verdict, place, "pattern", description)?;
        }
        verdict.score += 1;
        Ok(())
    }

    fn number(
        &mut self,
        sub: &SubSchema,
        number: &Decimal,
        verdict: &mut Verdict,
        place: &Place<'_>,
    ) -> Done {
        if let Some(unit) = &sub.multiple_of
            && !number.is_multiple_of(unit, self.cx)?
        {
            let description = format!("Must be a multiple of {}", unit.text());
            self.fail(verdict, place, "multiple_of", description)?;
        }
        let Bound {
            inclusive,
            exclusive,
        } = &sub.maximum;
        if let Some(most) = inclusive
            .as_ref()
            .filter(|most| number.compare(most).is_gt())
        {
            let description = format!("Must be less than or equal to {}", most.text());
            self.fail(verdict, place, "number_lte", description)?;
        }
        if let Some(limit) = exclusive
            .as_ref()
            .filter(|most| number.compare(most).is_ge())
        {
            let description = format!("Must be less than {}", limit.text());
            self.fail(verdict, place, "number_lt", description)?;
        }
        let Bound {
            inclusive,
            exclusive,
        } = &sub.minimum;
        if let Some(least) = inclusive
            .as_ref()
            .filter(|least| number.compare(least).is_lt())
        {
            let description = format!("Must be greater than or equal to {}", least.text());
            self.fail(verdict, place, "number_gte", description)?;
        }
        if let Some(limit) = exclusive
            .as_ref()
            .filter(|least| number.compare(least).is_le())
        {
            let description = format!("Must be greater than {}", limit.text());
            self.fail(verdict, place, "number_gt", description)?;
        }
        verdict.score += 1;
        Ok(())
    }
}
