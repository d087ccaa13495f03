//! Schemas that hold together: types by name, what implements what, and what is wrong with a definition.

use std::collections::{BTreeMap, HashMap, HashSet};

use regovm_core::builtin::{BuiltinError, Call};

use super::ast::{
    ArgumentDefinition, Definition, Directive, DirectiveDefinition, EnumValue, FieldDefinition,
    SchemaDocument, Type, too_deep,
};
use super::lexer::{Position, Wrong};
use crate::go::quote::{Charset, push_quoted};

/// Chains of input objects may be no longer.
const MAX_CHAIN: usize = 1000;

/// Why a schema is none: a fault of its text, or the end of the query.
pub(super) enum Refused {
    Wrong(Wrong),
    Stop(BuiltinError),
}

impl From<BuiltinError> for Refused {
    fn from(error: BuiltinError) -> Refused {
        Refused::Stop(error)
    }
}

type Checked<T = ()> = Result<T, Refused>;

fn refuse<T>(at: Position, message: String) -> Checked<T> {
    Err(Refused::Wrong(Wrong { at, message }))
}

pub(super) fn quoted(text: &str) -> String {
    let mut out = String::new();
    push_quoted(&mut out, text, Charset::Unicode);
    out
}

/// A type with what its extensions add.
pub(super) struct TypeDef<'d> {
    pub(super) kind: &'d str,
    pub(super) name: &'d str,
    pub(super) fields: Vec<&'d FieldDefinition>,
    pub(super) interfaces: Vec<&'d str>,
    pub(super) types: Vec<&'d str>,
    type_positions: Vec<Position>,
    pub(super) enum_values: Vec<&'d EnumValue>,
    pub(super) directives: Vec<&'d Directive>,
    built_in: bool,
    at: Position,
}

impl<'d> TypeDef<'d> {
    fn new(definition: &'d Definition) -> TypeDef<'d> {
        let mut ty = TypeDef {
            kind: &definition.kind,
            name: &definition.name,
            fields: Vec::new(),
            interfaces: Vec::new(),
            types: Vec::new(),
            type_positions: Vec::new(),
            enum_values: Vec::new(),
            directives: Vec::new(),
            built_in: definition.built_in,
            at: definition.at,
        };
        ty.extend(definition);
        ty
    }

    fn extend(&mut self, definition: &'d Definition) {
        self.directives.extend(&definition.directives);
        self.interfaces
            .extend(definition.interfaces.iter().map(String::as_str));
        self.fields.extend(&definition.fields);
        self.types
            .extend(definition.types.iter().map(String::as_str));
        self.type_positions.extend(&definition.positions);
        self.enum_values.extend(&definition.enum_values);
    }

    pub(super) fn field(&self, name: &str) -> Option<&'d FieldDefinition> {
        self.fields.iter().copied().find(|field| field.name == name)
    }

    pub(super) fn is_leaf(&self) -> bool {
        matches!(self.kind, "ENUM" | "SCALAR")
    }

    pub(super) fn is_abstract(&self) -> bool {
        matches!(self.kind, "INTERFACE" | "UNION")
    }

    pub(super) fn is_composite(&self) -> bool {
        self.kind == "OBJECT" || self.is_abstract()
    }

    pub(super) fn is_input(&self) -> bool {
        self.is_leaf() || self.kind == "INPUT_OBJECT"
    }

    pub(super) fn is_one_of(&self, names: &[&str]) -> bool {
        names.contains(&self.name)
    }
}

/// All types and directives.
pub(super) struct Schema<'d> {
    pub(super) types: BTreeMap<&'d str, TypeDef<'d>>,
    pub(super) directives: BTreeMap<&'d str, &'d DirectiveDefinition>,
    /// The types that a type may turn out to be.
    possible: HashMap<&'d str, Vec<&'d str>>,
    query: Option<&'d str>,
    mutation: Option<&'d str>,
    subscription: Option<&'d str>,
}

impl<'d> Schema<'d> {
    /// Joins the documents: first the types that every schema has, then a text's own. `meta` has the fields of the
    /// root of queries that tell of the schema.
    pub(super) fn build(
        cx: &mut Call<'_, '_>,
        documents: [&'d SchemaDocument; 2],
        meta: &'d [FieldDefinition],
    ) -> Checked<Schema<'d>> {
        let mut schema = Schema {
            types: BTreeMap::new(),
            directives: BTreeMap::new(),
            possible: HashMap::new(),
            query: None,
            mutation: None,
            subscription: None,
        };
        let order = schema.collect_types(documents)?;
        schema.relate(&order);
        schema.collect_directives(documents)?;
        schema.collect_roots(cx, documents)?;
        for ty in schema.types.values() {
            schema.check_type(cx, ty)?;
        }
        schema.check_circles(cx)?;
        for directive in schema.directives.values() {
            check_name(directive.at, &directive.name)?;
            schema.check_arguments(cx, &directive.arguments, Some(directive))?;
        }
        if documents.iter().all(|document| document.schemas.is_empty()) {
            let named = |name: &'static str| schema.types.get(name).map(|ty| ty.name);
            let (query, mutation) = (named("Query"), named("Mutation"));
            let subscription = named("Subscription");
            schema.query = schema.query.or(query);
            schema.mutation = schema.mutation.or(mutation);
            schema.subscription = schema.subscription.or(subscription);
        }
        if let Some(query) = schema.query.and_then(|query| schema.types.get_mut(query)) {
            query.fields.extend(meta);
        }
        Ok(schema)
    }

    fn collect_types(&mut self, documents: [&'d SchemaDocument; 2]) -> Checked<Vec<&'d str>> {
        let mut order = Vec::new();
        for definition in documents.iter().flat_map(|document| &document.definitions) {
            let name = definition.name.as_str();
            if self.types.contains_key(name) {
                return refuse(definition.at, format!("Cannot redeclare type {name}."));
            }
            self.types.insert(name, TypeDef::new(definition));
            order.push(name);
        }
        for extension in documents.iter().flat_map(|document| &document.extensions) {
            let name = extension.name.as_str();
            let Some(ty) = self.types.get_mut(name) else {
                let built_in = false;
                let ty = TypeDef {
                    built_in,
                    ..TypeDef::new(extension)
                };
                self.types.insert(name, ty);
                order.push(name);
                continue;
            };
            if ty.kind != extension.kind {
                let (base, kind) = (ty.kind, &extension.kind);
                return refuse(
                    extension.at,
                    format!(
                        "Cannot extend type {name} because the base type is a {base}, not {kind}."
                    ),
                );
            }
            ty.extend(extension);
        }
        Ok(order)
    }

    fn relate(&mut self, order: &[&'d str]) {
        for ty in order.iter().filter_map(|name| self.types.get(name)) {
            match ty.kind {
                "UNION" => {
                    let known = ty
                        .types
                        .iter()
                        .filter(|name| self.types.contains_key(*name));
                    self.possible.entry(ty.name).or_default().extend(known);
                }
                "OBJECT" | "INPUT_OBJECT" | "INTERFACE" => {
                    for interface in &ty.interfaces {
                        self.possible.entry(interface).or_default().push(ty.name);
                    }
                    if ty.kind != "INTERFACE" {
                        self.possible.entry(ty.name).or_default().push(ty.name);
                    }
                }
                _ => {}
            }
        }
    }

    fn collect_directives(&mut self, documents: [&'d SchemaDocument; 2]) -> Checked {
        for directive in documents.iter().flat_map(|document| &document.directives) {
            let name = directive.name.as_str();
            let may_repeat = matches!(
                name,
                "include" | "skip" | "deprecated" | "specifiedBy" | "defer" | "oneOf"
            );
            if self.directives.contains_key(name) && !may_repeat {
                return refuse(directive.at, format!("Cannot redeclare directive {name}."));
            }
            self.directives.insert(name, directive);
        }
        Ok(())
    }

    fn collect_roots(
        &mut self,
        cx: &mut Call<'_, '_>,
        documents: [&'d SchemaDocument; 2],
    ) -> Checked {
        let mut schemas = documents.iter().flat_map(|document| &document.schemas);
        let first = schemas.next();
        if let Some(second) = schemas.next() {
            let message =
                "Cannot have multiple schema entry points, consider schema extensions instead.";
            return refuse(second.at, message.to_owned());
        }
        let extensions = documents
            .iter()
            .flat_map(|document| &document.schema_extensions);
        for definition in first.into_iter().chain(extensions) {
            for root in &definition.roots {
                let (operation, name) = (root.operation.as_str(), root.ty.as_str());
                let Some(ty) = self.types.get(name).map(|ty| ty.name) else {
                    return refuse(
                        root.at,
                        format!(
                            "Schema root {operation} refers to a type {name} that does not exist."
                        ),
                    );
                };
                match operation {
                    "query" => self.query = Some(ty),
                    "mutation" => self.mutation = Some(ty),
                    "subscription" => self.subscription = Some(ty),
                    _ => {}
                }
            }
            self.check_directives(cx, definition.directives.iter(), "SCHEMA", None, true)?;
        }
        Ok(())
    }

    pub(super) fn ty(&self, name: &str) -> Option<&TypeDef<'d>> {
        self.types.get(name)
    }

    /// The type of an operation's root.
    pub(super) fn root(&self, operation: &str) -> Option<&TypeDef<'d>> {
        let name = match operation {
            "query" | "" => self.query,
            "mutation" => self.mutation,
            "subscription" => self.subscription,
            _ => None,
        };
        self.types.get(name?)
    }

    /// The types that a type may turn out to be.
    pub(super) fn possible(&self, name: &str) -> &[&'d str] {
        self.possible.get(name).map_or(&[], Vec::as_slice)
    }

    fn check_type(&self, cx: &mut Call<'_, '_>, ty: &TypeDef<'d>) -> Checked {
        for field in &ty.fields {
            cx.charge(1)?;
            check_name(field.at, &field.name)?;
            self.check_type_name(&field.ty)?;
            self.check_arguments(cx, &field.arguments, None)?;
            let location = match ty.kind {
                "INPUT_OBJECT" => "INPUT_FIELD_DEFINITION",
                _ => "FIELD_DEFINITION",
            };
            self.check_directives(cx, field.directives.iter(), location, None, true)?;
        }
        for name in &ty.types {
            match self.ty(name) {
                None => return refuse(ty.at, format!("Undefined type {}.", quoted(name))),
                Some(member) if member.kind != "OBJECT" => {
                    let message = format!("{} type {} must be OBJECT.", ty.kind, quoted(name));
                    return refuse(ty.at, message);
                }
                Some(_) => {}
            }
        }
        for interface in &ty.interfaces {
            self.check_interface(cx, ty, interface)?;
        }
        self.check_members(cx, ty)?;
        check_unique(ty)?;
        if !ty.built_in {
            check_name(ty.at, ty.name)?;
        }
        self.check_directives(cx, ty.directives.iter().copied(), ty.kind, None, false)
    }

    fn check_members(&self, cx: &mut Call<'_, '_>, ty: &TypeDef<'d>) -> Checked {
        let (kind, name) = (ty.kind, ty.name);
        let none = |what: &str| {
            let message = format!("{kind} {name}: must define one or more {what}.");
            refuse(ty.at, message)
        };
        match kind {
            "OBJECT" | "INTERFACE" => {
                if ty.fields.is_empty() {
                    return none("fields");
                }
                for field in &ty.fields {
                    let member = self.ty(field.ty.base());
                    if member.is_some_and(|member| !member.is_leaf() && !member.is_composite()) {
                        return refuse(
                            field.at,
                            format!(
                                "{kind} {name}: field must be one of SCALAR, OBJECT, INTERFACE, UNION, ENUM."
                            ),
                        );
                    }
                }
            }
            "ENUM" => {
                if ty.enum_values.is_empty() {
                    return none("unique enum values");
                }
                for value in &ty.enum_values {
                    if matches!(value.name.as_str(), "true" | "false" | "null") {
                        let message = format!("{kind} {name}: non-enum value {}.", value.name);
                        return refuse(ty.at, message);
                    }
                    self.check_directives(cx, value.directives.iter(), "ENUM_VALUE", None, true)?;
                }
            }
            "INPUT_OBJECT" => {
                if ty.fields.is_empty() {
                    return none("input fields");
                }
                for field in &ty.fields {
                    if let Some(member) = self.ty(field.ty.base())
                        && !member.is_input()
                    {
                        return refuse(
                            field.at,
                            format!(
                                "{} {}: field must be one of SCALAR, ENUM, INPUT_OBJECT.",
                                member.kind, field.name
                            ),
                        );
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn check_type_name(&self, ty: &Type) -> Checked {
        match self.ty(ty.base()) {
            Some(_) => Ok(()),
            None => refuse(ty.at, format!("Undefined type {}.", ty.base())),
        }
    }

    fn check_arguments(
        &self,
        cx: &mut Call<'_, '_>,
        arguments: &[ArgumentDefinition],
        directive: Option<&DirectiveDefinition>,
    ) -> Checked {
        for argument in arguments {
            cx.charge(1)?;
            check_name(argument.at, &argument.name)?;
            self.check_type_name(&argument.ty)?;
            if let Some(ty) = self.ty(argument.ty.base())
                && !ty.is_input()
            {
                return refuse(
                    argument.at,
                    format!(
                        "cannot use {} as argument {} because {} is not a valid input type",
                        argument.ty.text(),
                        argument.name,
                        ty.kind
                    ),
                );
            }
            let location = "ARGUMENT_DEFINITION";
            self.check_directives(cx, argument.directives.iter(), location, directive, true)?;
        }
        Ok(())
    }

    /// `once` tells that the directives stand in one place, where one that may not be repeated stands once.
    fn check_directives<'x>(
        &self,
        cx: &mut Call<'_, '_>,
        directives: impl Iterator<Item = &'x Directive>,
        location: &str,
        current: Option<&DirectiveDefinition>,
        once: bool,
    ) -> Checked {
        let mut seen = HashSet::new();
        for directive in directives {
            cx.charge(1)?;
            let (at, name) = (directive.at, directive.name.as_str());
            check_name(at, name)?;
            if current.is_some_and(|current| current.name == name) {
                return refuse(at, format!("Directive {name} cannot refer to itself."));
            }
            let Some(definition) = self.directives.get(name) else {
                return refuse(at, format!("Undefined directive {name}."));
            };
            if once && !seen.insert(name) && !definition.repeatable {
                let message =
                    format!("The directive {name} can only be used once at this location.");
                return refuse(at, message);
            }
            if !definition.locations.iter().any(|known| known == location) {
                return refuse(
                    at,
                    format!("Directive {name} is not applicable on {location}."),
                );
            }
            for argument in &directive.arguments {
                if !definition
                    .arguments
                    .iter()
                    .any(|known| known.name == argument.name)
                {
                    let message =
                        format!("Undefined argument {} for directive {name}.", argument.name);
                    return refuse(argument.at, message);
                }
            }
            for wanted in &definition.arguments {
                let given = directive
                    .arguments
                    .iter()
                    .find(|given| given.name == wanted.name);
                let missing = given.is_none_or(|given| given.value.is_null());
                if wanted.ty.required && wanted.default.is_none() && missing {
                    let message = format!(
                        "Argument {} for directive {name} cannot be null.",
                        wanted.name
                    );
                    return refuse(at, message);
                }
            }
        }
        Ok(())
    }

    fn check_interface(&self, cx: &mut Call<'_, '_>, ty: &TypeDef<'d>, name: &str) -> Checked {
        let Some(interface) = self.ty(name) else {
            return refuse(ty.at, format!("Undefined type {}.", quoted(name)));
        };
        if interface.kind != "INTERFACE" {
            let message = format!(
                "{} is a non interface type {}.",
                quoted(name),
                interface.kind
            );
            return refuse(ty.at, message);
        }
        for wanted in &interface.fields {
            cx.charge(1 + ty.fields.len() as u64 / 8)?;
            self.check_field_of_interface(ty, interface, wanted)?;
        }
        for inherited in &interface.interfaces {
            if ty.interfaces.contains(inherited) {
                continue;
            }
            let message = if *inherited == ty.name {
                format!(
                    "Type {} cannot implement {name} because it would create a circular reference.",
                    ty.name
                )
            } else {
                format!(
                    "Type {} must implement {inherited} because it is implemented by {name}.",
                    ty.name
                )
            };
            return refuse(ty.at, message);
        }
        Ok(())
    }

    fn check_field_of_interface(
        &self,
        ty: &TypeDef<'d>,
        interface: &TypeDef<'d>,
        wanted: &FieldDefinition,
    ) -> Checked {
        let start = format!("For {} to implement {}", ty.name, interface.name);
        let Some(field) = ty.field(&wanted.name) else {
            let message = format!("{start} it must have a field called {}.", wanted.name);
            return refuse(ty.at, message);
        };
        if !self.is_covariant(&wanted.ty, &field.ty) {
            let (name, ty) = (&wanted.name, wanted.ty.text());
            return refuse(
                field.at,
                format!("{start} the field {name} must have type {ty}."),
            );
        }
        for argument in &wanted.arguments {
            let same = format!(
                "{start} the field {} must have the same arguments but",
                wanted.name
            );
            let name = &argument.name;
            let Some(found) = field.arguments.iter().find(|found| found.name == *name) else {
                return refuse(field.at, format!("{same} it is missing {name}."));
            };
            if !argument.ty.is_compatible(&found.ty) {
                return refuse(found.at, format!("{same} {name} has the wrong type."));
            }
        }
        for argument in &field.arguments {
            let known = wanted
                .arguments
                .iter()
                .any(|known| known.name == argument.name);
            if !known && argument.ty.required && argument.default.is_none() {
                return refuse(
                    argument.at,
                    format!(
                        "{start} any additional arguments on {} must be optional or have a default value but {} is required.",
                        field.name, argument.name
                    ),
                );
            }
        }
        Ok(())
    }

    /// Whether a value of one type is one of the other.
    fn is_covariant(&self, wanted: &Type, actual: &Type) -> bool {
        let (mut wanted, mut actual) = (wanted, actual);
        loop {
            if wanted.required && !actual.required {
                return false;
            }
            match (&wanted.element, &actual.element) {
                (Some(a), Some(b)) if wanted.name.is_empty() => (wanted, actual) = (a, b),
                _ if wanted.name.is_empty() => return false,
                _ => {
                    let name = actual.name.as_str();
                    return wanted.name == name || self.possible(&wanted.name).contains(&name);
                }
            }
        }
    }

    /// Input objects that need each other can have no value.
    fn check_circles(&self, cx: &mut Call<'_, '_>) -> Checked {
        let mut visited = HashSet::new();
        for ty in self.types.values().filter(|ty| ty.kind == "INPUT_OBJECT") {
            self.follow(cx, ty, &mut visited, &mut Vec::new())?;
        }
        Ok(())
    }

    /// `path` has the types on the way here with the fields that lead on.
    fn follow<'s>(
        &'s self,
        cx: &mut Call<'_, '_>,
        ty: &'s TypeDef<'d>,
        visited: &mut HashSet<&'s str>,
        path: &mut Vec<(&'s str, &'d FieldDefinition)>,
    ) -> Checked {
        if !visited.insert(ty.name) {
            return Ok(());
        }
        if path.len() > MAX_CHAIN {
            return Err(too_deep().into());
        }
        for &field in &ty.fields {
            cx.charge(1)?;
            if !field.ty.required || field.ty.name.is_empty() {
                continue;
            }
            let Some(target) = self
                .ty(&field.ty.name)
                .filter(|ty| ty.kind == "INPUT_OBJECT")
            else {
                continue;
            };
            path.push((ty.name, field));
            if let Some(start) = path.iter().position(|(name, _)| *name == target.name) {
                let names: Vec<_> = path[start..].iter().map(|(_, f)| f.name.as_str()).collect();
                return refuse(
                    path[start].1.at,
                    format!(
                        "Cannot reference Input Object {} within itself through a series of non-null fields: {}.",
                        quoted(target.name),
                        quoted(&names.join("."))
                    ),
                );
            }
            self.follow(cx, target, visited, path)?;
            path.pop();
        }
        Ok(())
    }
}

impl Type {
    /// Whether a value of this type may stand where the other is expected.
    pub(super) fn is_compatible(&self, other: &Type) -> bool {
        let (mut one, mut other) = (self, other);
        loop {
            if one.name != other.name {
                return false;
            }
            match (&one.element, &other.element) {
                (Some(a), Some(b)) => {
                    // The elements first: they may differ even where the lists would do.
                    if other.required && !one.required {
                        return false;
                    }
                    (one, other) = (a, b);
                }
                (Some(_), None) => return false,
                (None, _) => return one.required || !other.required,
            }
        }
    }
}

fn check_name(at: Position, name: &str) -> Checked {
    if !name.starts_with("__") {
        return Ok(());
    }
    let message = format!(
        "Name \"{name}\" must not begin with \"__\", which is reserved by GraphQL introspection."
    );
    refuse(at, message)
}

/// The first thing whose name an earlier one has: earlier by the first of the two.
fn repeated<'x, T: Copy>(things: &[T], name: impl Fn(T) -> &'x str) -> Option<usize> {
    let mut first = HashMap::new();
    let mut found: Option<(usize, usize)> = None;
    for (at, thing) in things.iter().enumerate() {
        match first.get(name(*thing)) {
            None => {
                first.insert(name(*thing), at);
            }
            Some(&before) if found.is_none_or(|(best, _)| before < best) => {
                found = Some((before, at));
            }
            Some(_) => {}
        }
    }
    found.map(|(_, at)| at)
}

fn check_unique(ty: &TypeDef<'_>) -> Checked {
    if let Some(at) = repeated(&ty.fields, |field| &field.name) {
        let field = ty.fields[at];
        let message = format!("Field {}.{} can only be defined once.", ty.name, field.name);
        return refuse(field.at, message);
    }
    if let Some(at) = repeated(&ty.enum_values, |value| &value.name) {
        let value = ty.enum_values[at];
        let message = format!(
            "Enum value {}.{} can only be defined once.",
            ty.name, value.name
        );
        return refuse(value.at, message);
    }
    if let Some(at) = repeated(&ty.types, |name| name) {
        let position = match ty.type_positions.len() == ty.types.len() {
            true => ty.type_positions[at],
            false => ty.at,
        };
        let message = format!(
            "Union type {} can only include type {} once.",
            ty.name, ty.types[at]
        );
        return refuse(position, message);
    }
    Ok(())
}
