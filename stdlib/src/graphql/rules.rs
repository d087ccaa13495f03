//! What makes a query wrong for a schema: the rules of the specification, told in OPA's words and order.
//!
//! One walk over the query; at each part of it the rules speak in the order of their names.

use std::collections::{HashMap, HashSet};

use regovm_core::builtin::{BuiltinError, Call};

use super::ast::{
    Argument, ArgumentDefinition, Directive, Field, FieldDefinition, Fragment, Inline, Literal,
    LiteralKind, Operation, Query, Selection, Spread, Type, Variable, too_deep,
};
use super::lexer::Position;
use super::overlap::Compared;
use super::schema::{Schema, TypeDef, quoted};
use super::suggest;
use crate::text::charge_bytes;

/// Selections, and fragments that spread fragments, may nest no deeper.
const MAX_DEPTH: usize = 400;
/// Lists of an introspection that may nest.
const MAX_INTROSPECTION: usize = 3;

pub(super) type Done = Result<(), BuiltinError>;

/// What is known of a field where it stands.
#[derive(Clone, Copy)]
pub(super) struct Known<'s> {
    pub(super) parent: Option<&'s TypeDef<'s>>,
    pub(super) definition: Option<&'s FieldDefinition>,
}

/// What is expected of a literal where it stands.
#[derive(Clone, Copy, Default)]
pub(super) struct Expected<'s> {
    pub(super) ty: Option<&'s Type>,
    pub(super) has_default: bool,
    pub(super) definition: Option<&'s TypeDef<'s>>,
}

/// The walk over a query.
pub(super) struct Validator<'c, 's, 'a, 'h> {
    pub(super) cx: &'c mut Call<'a, 'h>,
    pub(super) schema: &'s Schema<'s>,
    query: &'s Query,
    fragments: HashMap<&'s str, &'s Fragment>,
    typename: &'s FieldDefinition,
    /// The lines of the message.
    errors: Vec<String>,
    pub(super) operation: Option<&'s Operation>,
    /// The variables of the operation that are used.
    used: Vec<bool>,
    /// Fragments walked already for this operation or fragment.
    walked: HashSet<&'s str>,
    depth: usize,
    known_fields: HashMap<*const Field, Known<'s>>,
    known_spreads: HashSet<*const Spread>,
    /// The variables that literals name.
    definitions: HashMap<*const Literal, Option<&'s Variable>>,
    pub(super) compared: Compared<'s>,
    misplaced: HashSet<(&'s str, Position)>,
    in_fragments: bool,
    spread_names: HashSet<&'s str>,
    fragment_names: HashSet<&'s str>,
    operation_names: HashSet<&'s str>,
    cycles_checked: HashSet<&'s str>,
}

/// Checks a query. The errors are one message, with a line for each; none if there is nothing wrong.
pub(super) fn validate<'s>(
    cx: &mut Call<'_, '_>,
    schema: &'s Schema<'s>,
    query: &'s Query,
    typename: &'s FieldDefinition,
) -> Result<String, BuiltinError> {
    let mut fragments = HashMap::new();
    for fragment in &query.fragments {
        fragments.entry(fragment.name.as_str()).or_insert(fragment);
    }
    let mut validator = Validator {
        cx,
        schema,
        query,
        fragments,
        typename,
        errors: Vec::new(),
        operation: None,
        used: Vec::new(),
        walked: HashSet::new(),
        depth: 0,
        known_fields: HashMap::new(),
        known_spreads: HashSet::new(),
        definitions: HashMap::new(),
        compared: Compared::default(),
        misplaced: HashSet::new(),
        in_fragments: false,
        spread_names: HashSet::new(),
        fragment_names: HashSet::new(),
        operation_names: HashSet::new(),
        cycles_checked: HashSet::new(),
    };
    for operation in &query.operations {
        validator.walked.clear();
        validator.walk_operation(operation)?;
    }
    for fragment in &query.fragments {
        validator.walked.clear();
        validator.walk_fragment(fragment)?;
    }
    Ok(validator.errors.concat())
}

/// The walk.
impl<'s> Validator<'_, 's, '_, '_> {
    pub(super) fn error(&mut self, at: Position, message: String) -> Done {
        let line = located(at, &message) + "\n";
        charge_bytes(self.cx, line.len())?;
        self.cx.reserve(line.len() * 2)?;
        self.errors.push(line);
        Ok(())
    }

    /// Runs a step that may lead to itself.
    pub(super) fn deeper<T>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, BuiltinError>,
    ) -> Result<T, BuiltinError> {
        if self.depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }

    pub(super) fn known(&self, field: &'s Field) -> Known<'s> {
        let known = self.known_fields.get(&std::ptr::from_ref(field)).copied();
        known.unwrap_or(Known {
            parent: None,
            definition: None,
        })
    }

    /// The fragment of a spread that was walked.
    pub(super) fn fragment_of(&self, spread: &'s Spread) -> Option<&'s Fragment> {
        self.known_spreads
            .contains(&std::ptr::from_ref(spread))
            .then(|| self.fragments.get(spread.name.as_str()).copied())
            .flatten()
    }

    fn walk_operation(&mut self, operation: &'s Operation) -> Done {
        self.operation = Some(operation);
        self.used = operation.variables.iter().map(|v| v.used).collect();
        for variable in &operation.variables {
            let name = variable.ty.base();
            if self.schema.ty(name).is_none() {
                self.error(variable.at, format!("Unknown type \"{name}\"."))?;
            }
        }
        for variable in &operation.variables {
            let definition = self.schema.ty(variable.ty.base());
            if let Some(default) = &variable.default {
                let expected = Expected {
                    ty: Some(&variable.ty),
                    has_default: default.expected_has_default,
                    definition,
                };
                self.walk_literal(default, expected)?;
            }
            self.walk_directives(&variable.directives, "VARIABLE_DEFINITION")?;
        }
        let location = match operation.operation.as_str() {
            "mutation" => "MUTATION",
            "subscription" => "SUBSCRIPTION",
            _ => "QUERY",
        };
        let root = self.schema.root(&operation.operation);
        self.walk_directives(&operation.directives, location)?;
        self.walk_selections(root, &operation.selections)?;
        self.on_operation(operation)?;
        self.operation = None;
        Ok(())
    }

    fn walk_fragment(&mut self, fragment: &'s Fragment) -> Done {
        let ty = self.schema.ty(&fragment.condition);
        self.walk_directives(&fragment.directives, "FRAGMENT_DEFINITION")?;
        self.walk_selections(ty, &fragment.selections)?;
        self.on_fragment(fragment)
    }

    fn walk_directives(&mut self, directives: &'s [Directive], location: &'static str) -> Done {
        for directive in directives {
            let definition = self.schema.directives.get(directive.name.as_str());
            let arguments = definition.map_or(&[][..], |definition| &definition.arguments);
            for argument in &directive.arguments {
                self.walk_argument(arguments, argument)?;
            }
            self.on_directive(directive, location)?;
        }
        let mut seen = HashSet::new();
        for directive in directives {
            let name = directive.name.as_str();
            let definition = self.schema.directives.get(name);
            let repeatable = definition.is_some_and(|definition| definition.repeatable);
            if !seen.insert(name) && !repeatable {
                let message =
                    format!("The directive \"@{name}\" can only be used once at this location.");
                self.error(directive.at, message)?;
            }
        }
        Ok(())
    }

    fn walk_argument(
        &mut self,
        definitions: &'s [ArgumentDefinition],
        argument: &'s Argument,
    ) -> Done {
        let definition = find_argument(definitions, &argument.name);
        let expected = definition.map_or_else(Expected::default, |definition| {
            self.expected(&definition.ty, definition.default.as_deref())
        });
        self.walk_literal(&argument.value, expected)
    }

    fn expected(&self, ty: &'s Type, default: Option<&Literal>) -> Expected<'s> {
        Expected {
            ty: Some(ty),
            has_default: default.is_some_and(|default| !default.is_null()),
            definition: self.schema.ty(ty.base()),
        }
    }

    fn walk_literal(&mut self, literal: &'s Literal, expected: Expected<'s>) -> Done {
        self.cx.charge(1)?;
        if let (LiteralKind::Variable, Some(operation)) = (literal.kind, self.operation) {
            let name = |variable: &Variable| variable.name == literal.raw;
            let found = operation.variables.iter().position(name);
            if let Some(used) = found.and_then(|at| self.used.get_mut(at)) {
                *used = true;
            }
            let variable = found.and_then(|at| operation.variables.get(at));
            self.definitions.insert(literal, variable);
        }
        for child in &literal.children {
            let expected = match literal.kind {
                LiteralKind::Object => {
                    let field = expected.definition.and_then(|ty| ty.field(&child.name));
                    field.map(|field| self.expected(&field.ty, field.default.as_deref()))
                }
                LiteralKind::List => {
                    let element = expected.ty.and_then(|ty| ty.element.as_deref());
                    element.map(|element| Expected {
                        ty: Some(element),
                        has_default: false,
                        definition: expected.definition,
                    })
                }
                _ => break,
            };
            self.deeper(|validator| {
                validator.walk_literal(&child.value, expected.unwrap_or_default())
            })?;
        }
        self.on_literal(literal, expected)
    }

    /// What the variable that a literal names was declared as.
    pub(super) fn variable_of(&self, literal: &'s Literal) -> Option<&'s Variable> {
        let known = self.definitions.get(&std::ptr::from_ref(literal));
        known.copied().flatten()
    }

    fn walk_selections(
        &mut self,
        parent: Option<&'s TypeDef<'s>>,
        selections: &'s [Selection],
    ) -> Done {
        self.deeper(|validator| {
            for selection in selections {
                validator.cx.charge(2)?;
                match selection {
                    Selection::Field(field) => validator.walk_field(parent, field)?,
                    Selection::Inline(inline) => validator.walk_inline(parent, inline)?,
                    Selection::Spread(spread) => validator.walk_spread(parent, spread)?,
                }
            }
            Ok(())
        })
    }

    fn walk_field(&mut self, parent: Option<&'s TypeDef<'s>>, field: &'s Field) -> Done {
        let definition = match field.name.as_str() {
            "__typename" => Some(self.typename),
            name => parent.and_then(|parent| parent.field(name)),
        };
        self.known_fields
            .insert(field, Known { parent, definition });
        let ty = definition.and_then(|definition| self.schema.ty(definition.ty.base()));
        let arguments = definition.map_or(&[][..], |definition| &definition.arguments);
        for argument in &field.arguments {
            self.walk_argument(arguments, argument)?;
        }
        self.walk_directives(&field.directives, "FIELD")?;
        self.walk_selections(ty, &field.selections)?;
        self.on_field(field, Known { parent, definition })
    }

    fn walk_inline(&mut self, parent: Option<&'s TypeDef<'s>>, inline: &'s Inline) -> Done {
        let ty = match inline.condition.as_str() {
            "" => parent,
            name => self.schema.ty(name),
        };
        self.walk_directives(&inline.directives, "INLINE_FRAGMENT")?;
        self.walk_selections(ty, &inline.selections)?;
        self.on_inline(parent, inline)
    }

    fn walk_spread(&mut self, parent: Option<&'s TypeDef<'s>>, spread: &'s Spread) -> Done {
        self.known_spreads.insert(spread);
        let fragment = self.fragments.get(spread.name.as_str()).copied();
        self.walk_directives(&spread.directives, "FRAGMENT_SPREAD")?;
        if let Some(fragment) = fragment
            && self.walked.insert(&fragment.name)
        {
            let ty = self.schema.ty(&fragment.condition);
            self.walk_directives(&fragment.directives, "FRAGMENT_DEFINITION")?;
            self.walk_selections(ty, &fragment.selections)?;
        }
        self.on_spread(parent, spread, fragment)
    }
}

/// The rules at each part.
impl<'s> Validator<'_, 's, '_, '_> {
    fn on_operation(&mut self, operation: &'s Operation) -> Done {
        let (at, name) = (operation.at, operation.name.as_str());
        if self.schema.root(&operation.operation).is_none() {
            let kind = &operation.operation;
            let message = format!("Schema does not support operation type \"{kind}\"");
            self.error(at, message)?;
        }
        if name.is_empty() && self.query.operations.len() > 1 {
            let message = "This anonymous operation must be the only defined operation.";
            self.error(at, message.to_owned())?;
        }
        for (at, variable) in operation.variables.iter().enumerate() {
            if self.used.get(at) == Some(&false) {
                let of = match name {
                    "" => String::new(),
                    name => format!(" in operation \"{name}\""),
                };
                let message = format!("Variable \"${}\" is never used{of}.", variable.name);
                self.error(variable.at, message)?;
            }
        }
        self.check_overlap(&operation.selections)?;
        if operation.operation == "subscription" && self.schema.root("subscription").is_some() {
            self.check_subscription(operation)?;
        }
        if !self.operation_names.insert(name) {
            let message = format!("There can be only one operation named \"{name}\".");
            self.error(at, message)?;
        }
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for variable in &operation.variables {
            let count = counts.entry(&variable.name).or_default();
            *count += 1;
            if *count == 2 {
                let message = format!(
                    "There can be only one variable named \"${}\".",
                    variable.name
                );
                self.error(variable.at, message)?;
            }
        }
        for variable in &operation.variables {
            let ty = self.schema.ty(variable.ty.base());
            if ty.is_some_and(|ty| !ty.is_input()) {
                let (name, ty) = (&variable.name, variable.ty.text());
                let message = format!("Variable \"${name}\" cannot be non-input type \"{ty}\".");
                self.error(variable.at, message)?;
            }
        }
        Ok(())
    }

    fn check_subscription(&mut self, operation: &'s Operation) -> Done {
        let mut fields = Vec::new();
        let mut followed = HashSet::new();
        self.top_fields(&operation.selections, &mut fields, &mut followed)?;
        let mut seen = HashSet::new();
        fields.retain(|field: &&Field| seen.insert(field.name.as_str()));
        let name = match operation.name.as_str() {
            "" => "Anonymous Subscription".to_owned(),
            name => format!("Subscription {}", quoted(name)),
        };
        if let Some(second) = fields.get(1) {
            let message = format!("{name} must select only one top level field.");
            self.error(second.at, message)?;
        }
        for field in fields {
            if field.name.starts_with("__") {
                let message = format!("{name} must not select an introspection top level field.");
                self.error(field.at, message)?;
            }
        }
        Ok(())
    }

    fn top_fields(
        &mut self,
        selections: &'s [Selection],
        fields: &mut Vec<&'s Field>,
        followed: &mut HashSet<&'s str>,
    ) -> Done {
        self.deeper(|validator| {
            for selection in selections {
                validator.cx.charge(1)?;
                match selection {
                    Selection::Field(field) => fields.push(field),
                    Selection::Inline(inline) => {
                        validator.top_fields(&inline.selections, fields, followed)?;
                    }
                    Selection::Spread(spread) => {
                        let Some(fragment) = validator.fragment_of(spread) else {
                            return Ok(());
                        };
                        if followed.insert(&fragment.name) {
                            validator.top_fields(&fragment.selections, fields, followed)?;
                        }
                    }
                }
            }
            Ok(())
        })
    }

    fn on_field(&mut self, field: &'s Field, known: Known<'s>) -> Done {
        let name = &field.name;
        if let (Some(parent), None) = (known.parent, known.definition) {
            let mut message = format!("Cannot query field \"{name}\" on type \"{}\".", parent.name);
            message += &suggest::for_field(self.cx, self.schema, parent, name)?;
            self.error(field.at, message)?;
        }
        let arguments = known.definition.map_or(&[][..], |known| &known.arguments);
        if let (Some(parent), Some(_)) = (known.parent, known.definition) {
            let place = format!("field \"{}.{name}\"", parent.name);
            self.check_known_arguments(field.at, arguments, &field.arguments, &place)?;
        }
        if matches!(name.as_str(), "__schema" | "__type")
            && self.is_too_curious_field(field, &mut HashSet::new(), 0)?
        {
            let message = "Maximum introspection depth exceeded".to_owned();
            self.error(field.at, message)?;
        }
        // Fragments are compared where they are spread, and by themselves.
        if self.operation.is_some() {
            self.check_overlap(&field.selections)?;
        }
        if let Some(definition) = known.definition {
            let place = format!("Field \"{name}\"");
            self.check_required_arguments(field.at, arguments, &field.arguments, &place)?;
            if let Some(ty) = self.schema.ty(definition.ty.base()) {
                if ty.is_leaf() && !field.selections.is_empty() {
                    let message = format!(
                        "Field \"{name}\" must not have a selection since type \"{}\" has no subfields.",
                        ty.name
                    );
                    self.error(field.at, message)?;
                }
                if !ty.is_leaf() && field.selections.is_empty() {
                    let message = format!(
                        "Field \"{name}\" of type \"{}\" must have a selection of subfields. Did you mean \"{name} {{ ... }}\"?",
                        definition.ty.text()
                    );
                    self.error(field.at, message)?;
                }
            }
        }
        self.check_unique_arguments(&field.arguments)
    }

    fn check_known_arguments(
        &mut self,
        at: Position,
        definitions: &'s [ArgumentDefinition],
        arguments: &'s [Argument],
        place: &str,
    ) -> Done {
        for Argument { name, .. } in arguments {
            if find_argument(definitions, name).is_some() {
                continue;
            }
            let names: Vec<_> = definitions
                .iter()
                .map(|known| known.name.as_str())
                .collect();
            let mut message = format!("Unknown argument \"{name}\" on {place}.");
            message += &suggest::among(self.cx, "Did you mean", name, &names, true)?;
            self.error(at, message)?;
        }
        Ok(())
    }

    fn check_required_arguments(
        &mut self,
        at: Position,
        definitions: &'s [ArgumentDefinition],
        arguments: &'s [Argument],
        place: &str,
    ) -> Done {
        for wanted in definitions {
            let given = arguments.iter().any(|given| given.name == wanted.name);
            if wanted.ty.required && wanted.default.is_none() && !given {
                let message = format!(
                    "{place} argument \"{}\" of type \"{}\" is required, but it was not provided.",
                    wanted.name,
                    wanted.ty.text()
                );
                self.error(at, message)?;
            }
        }
        Ok(())
    }

    fn check_unique_arguments(&mut self, arguments: &'s [Argument]) -> Done {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for argument in arguments {
            let count = counts.entry(&argument.name).or_default();
            *count += 1;
            if *count == 2 {
                let message = format!(
                    "There can be only one argument named \"{}\".",
                    argument.name
                );
                self.error(argument.at, message)?;
            }
        }
        Ok(())
    }

    /// Whether an introspection asks for lists within lists too deep.
    fn is_too_curious_field(
        &mut self,
        field: &'s Field,
        within: &mut HashSet<&'s str>,
        depth: usize,
    ) -> Result<bool, BuiltinError> {
        let is_list = matches!(
            field.name.as_str(),
            "fields" | "interfaces" | "possibleTypes" | "inputFields"
        );
        let depth = depth + usize::from(is_list);
        if is_list && depth >= MAX_INTROSPECTION {
            return Ok(true);
        }
        self.is_too_curious(&field.selections, within, depth)
    }

    fn is_too_curious(
        &mut self,
        selections: &'s [Selection],
        within: &mut HashSet<&'s str>,
        depth: usize,
    ) -> Result<bool, BuiltinError> {
        self.deeper(|validator| {
            for selection in selections {
                validator.cx.charge(1)?;
                let found = match selection {
                    Selection::Field(field) => {
                        validator.is_too_curious_field(field, within, depth)?
                    }
                    Selection::Inline(inline) => {
                        validator.is_too_curious(&inline.selections, within, depth)?
                    }
                    Selection::Spread(spread) => match validator.fragment_of(spread) {
                        Some(fragment) if within.insert(&spread.name) => {
                            let selections = &fragment.selections;
                            let found = validator.is_too_curious(selections, within, depth)?;
                            within.remove(spread.name.as_str());
                            found
                        }
                        _ => false,
                    },
                };
                if found {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    fn on_inline(&mut self, parent: Option<&'s TypeDef<'s>>, inline: &'s Inline) -> Done {
        let (at, condition) = (inline.at, inline.condition.as_str());
        let ty = self.schema.ty(condition);
        if ty.is_some_and(|ty| !ty.is_composite()) {
            let message =
                format!("Fragment cannot condition on non composite type \"{condition}\".");
            self.error(at, message)?;
        }
        if !condition.is_empty() && ty.is_none() {
            self.error(at, format!("Unknown type \"{condition}\"."))?;
        }
        self.check_overlap(&inline.selections)?;
        if let Some(parent) = parent
            && !self.can_be(parent, condition)
        {
            let message = format!(
                "Fragment cannot be spread here as objects of type \"{}\" can never be of type \"{condition}\".",
                parent.name
            );
            self.error(at, message)?;
        }
        Ok(())
    }

    /// Whether some object is of both types, as far as both are types of objects.
    fn can_be(&self, parent: &TypeDef<'s>, condition: &str) -> bool {
        let own = [parent.name];
        let parents = match parent.kind {
            "OBJECT" => &own[..],
            "INTERFACE" | "UNION" => self.schema.possible(parent.name),
            _ => return true,
        };
        match self.schema.ty(condition).filter(|ty| ty.is_composite()) {
            Some(ty) => self
                .schema
                .possible(ty.name)
                .iter()
                .any(|name| parents.contains(name)),
            None => true,
        }
    }

    fn on_spread(
        &mut self,
        parent: Option<&'s TypeDef<'s>>,
        spread: &'s Spread,
        fragment: Option<&'s Fragment>,
    ) -> Done {
        let name = spread.name.as_str();
        if fragment.is_none() {
            self.error(spread.at, format!("Unknown fragment \"{name}\"."))?;
        }
        if !self.in_fragments {
            self.spread_names.insert(name);
        }
        if let (Some(parent), Some(fragment)) = (parent, fragment)
            && !self.can_be(parent, &fragment.condition)
        {
            let message = format!(
                "Fragment \"{name}\" cannot be spread here as objects of type \"{}\" can never be of type \"{}\".",
                parent.name, fragment.condition
            );
            self.error(spread.at, message)?;
        }
        Ok(())
    }

    fn on_fragment(&mut self, fragment: &'s Fragment) -> Done {
        let (at, name) = (fragment.at, fragment.name.as_str());
        let condition = fragment.condition.as_str();
        match self.schema.ty(condition) {
            None => {
                let names: Vec<_> = self.schema.types.keys().copied().collect();
                let mut message = format!("Unknown type \"{condition}\".");
                message += &suggest::among(self.cx, "Did you mean", condition, &names, true)?;
                self.error(at, message)?;
            }
            Some(ty) if !ty.is_composite() && !condition.is_empty() => {
                let message = format!(
                    "Fragment \"{name}\" cannot condition on non composite type \"{condition}\"."
                );
                self.error(at, message)?;
            }
            Some(_) => {}
        }
        self.check_cycles(fragment, &mut Vec::new(), &mut HashMap::new())?;
        self.in_fragments = true;
        if !self.spread_names.contains(name) {
            self.error(at, format!("Fragment \"{name}\" is never used."))?;
        }
        self.check_overlap(&fragment.selections)?;
        if !self.fragment_names.insert(name) {
            let message = format!("There can be only one fragment named \"{name}\".");
            self.error(at, message)?;
        }
        Ok(())
    }

    /// `path` has the spreads that led here, `starts` where in it each fragment begins.
    fn check_cycles(
        &mut self,
        fragment: &'s Fragment,
        path: &mut Vec<&'s Spread>,
        starts: &mut HashMap<&'s str, usize>,
    ) -> Done {
        if !self.cycles_checked.insert(&fragment.name) {
            return Ok(());
        }
        let spreads = spreads_of(&fragment.selections);
        self.cx.charge(spreads.len() as u64 + 1)?;
        if spreads.is_empty() {
            return Ok(());
        }
        starts.insert(&fragment.name, path.len());
        for spread in spreads {
            let name = spread.name.as_str();
            let start = starts.get(name).copied();
            path.push(spread);
            if let Some(start) = start {
                let way = path.get(start..path.len() - 1).unwrap_or(&[]);
                let names: Vec<_> = way.iter().map(|way| format!("\"{}\"", way.name)).collect();
                let via = match names.is_empty() {
                    true => String::new(),
                    false => format!(" via {}", names.join(", ")),
                };
                let message = format!("Cannot spread fragment \"{name}\" within itself{via}.");
                self.error(spread.at, message)?;
            } else if let Some(next) = self.fragments.get(name).copied() {
                self.deeper(|validator| validator.check_cycles(next, path, starts))?;
            }
            path.pop();
        }
        starts.remove(fragment.name.as_str());
        Ok(())
    }

    fn on_directive(&mut self, directive: &'s Directive, location: &'static str) -> Done {
        let (at, name) = (directive.at, directive.name.as_str());
        let Some(definition) = self.schema.directives.get(name) else {
            self.error(at, format!("Unknown directive \"@{name}\"."))?;
            return self.check_unique_arguments(&directive.arguments);
        };
        let arguments = &definition.arguments;
        let place = format!("directive \"@{name}\"");
        self.check_known_arguments(at, arguments, &directive.arguments, &place)?;
        let allowed = definition.locations.iter().any(|known| known == location);
        if !allowed && self.misplaced.insert((name, at)) {
            let message = format!("Directive \"@{name}\" may not be used on {location}.");
            self.error(at, message)?;
        }
        let place = format!("Directive \"@{name}\"");
        self.check_required_arguments(at, arguments, &directive.arguments, &place)?;
        self.check_unique_arguments(&directive.arguments)
    }

    fn on_literal(&mut self, literal: &'s Literal, expected: Expected<'s>) -> Done {
        let variable = self.variable_of(literal);
        if let (LiteralKind::Variable, Some(operation), None) =
            (literal.kind, self.operation, variable)
        {
            let by = match operation.name.as_str() {
                "" => String::new(),
                name => format!(" by operation \"{name}\""),
            };
            let message = format!("Variable \"{}\" is not defined{by}.", literal.text());
            self.error(literal.at, message)?;
        }
        if literal.kind == LiteralKind::Object {
            let mut seen = HashSet::new();
            for child in &literal.children {
                if !seen.insert(child.name.as_str()) {
                    let message = format!(
                        "There can be only one input field named \"{}\".",
                        child.name
                    );
                    self.error(child.at, message)?;
                }
            }
        }
        self.check_literal(literal, expected)?;
        self.check_variable(literal, expected)
    }

    fn check_variable(&mut self, literal: &'s Literal, expected: Expected<'s>) -> Done {
        if let (LiteralKind::Variable, Some(wanted), Some(variable), Some(_)) = (
            literal.kind,
            expected.ty,
            self.variable_of(literal),
            self.operation,
        ) {
            let has_default = |default: &Literal| !default.is_null();
            let filled = variable.default.as_deref().is_some_and(has_default);
            let target = Type {
                required: wanted.required && !filled && !expected.has_default,
                ..wanted.clone()
            };
            if !variable.ty.is_compatible(&target) {
                let message = format!(
                    "Variable \"{}\" of type \"{}\" used in position expecting type \"{}\".",
                    literal.text(),
                    variable.ty.text(),
                    wanted.text()
                );
                self.error(literal.at, message)?;
            }
        }
        let one_of = expected.definition.filter(|ty| {
            literal.kind == LiteralKind::Object
                && ty
                    .directives
                    .iter()
                    .any(|directive| directive.name == "oneOf")
        });
        let Some(ty) = one_of else {
            return Ok(());
        };
        for child in &literal.children {
            let value = &child.value;
            if value.kind != LiteralKind::Variable {
                continue;
            }
            if let Some(variable) = self.variable_of(value)
                && !variable.ty.required
            {
                let message = format!(
                    "Variable \"{}\" is of type \"{}\" but must be non-nullable to be used for OneOf Input Object \"{}\".",
                    value.text(),
                    variable.ty.text(),
                    ty.name
                );
                self.error(variable.at, message)?;
            }
        }
        Ok(())
    }
}

/// `input:1:2: message`
pub(super) fn located(at: Position, message: &str) -> String {
    if at == Position::default() {
        return format!("input: {message}");
    }
    format!("input:{}:{}: {message}", at.line, at.column)
}

fn find_argument<'d>(
    definitions: &'d [ArgumentDefinition],
    name: &str,
) -> Option<&'d ArgumentDefinition> {
    definitions
        .iter()
        .find(|definition| definition.name == name)
}

/// The spreads within selections, those of outer ones first.
fn spreads_of(selections: &[Selection]) -> Vec<&Spread> {
    let mut spreads = Vec::new();
    let mut sets = vec![selections];
    while let Some(set) = sets.pop() {
        for selection in set {
            match selection {
                Selection::Spread(spread) => spreads.push(spread),
                Selection::Field(field) => sets.push(&field.selections),
                Selection::Inline(inline) => sets.push(&inline.selections),
            }
        }
    }
    spreads
}
