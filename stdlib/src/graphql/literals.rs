//! Literals where a type is expected.

use regovm_core::builtin::BuiltinError;

use super::ast::{Literal, LiteralKind};
use super::rules::{Done, Expected, Validator};
use super::schema::TypeDef;
use super::suggest;

/// What Go reads as true or false.
const BOOLEANS: [&str; 12] = [
    "1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False",
];

impl<'s> Validator<'_, 's, '_, '_> {
    /// Whether a literal can be of the expected type.
    pub(super) fn check_literal(&mut self, literal: &'s Literal, expected: Expected<'s>) -> Done {
        let (Some(ty), Some(definition)) = (expected.ty, expected.definition) else {
            return Ok(());
        };
        let at = literal.at;
        if literal.is_null() && ty.required {
            let message = format!(
                "Expected value of type \"{}\", found {}.",
                ty.text(),
                literal.text()
            );
            self.error(at, message)?;
        }
        let known_scalars = ["Int", "Float", "String", "Boolean", "ID"];
        if definition.kind == "SCALAR" && !definition.is_one_of(&known_scalars) {
            return Ok(());
        }
        if !self.has_value(literal, true)? {
            self.unexpected(literal, expected)?;
        }
        let is_one_of = |names: &[&str]| definition.is_one_of(names);
        let fits = match literal.kind {
            LiteralKind::Null | LiteralKind::Variable | LiteralKind::Other(_) => true,
            LiteralKind::List => ty.element.is_some(),
            LiteralKind::Int => is_one_of(&["Int", "Float", "ID"]),
            LiteralKind::Float => is_one_of(&["Float"]),
            LiteralKind::Boolean => is_one_of(&["Boolean"]),
            LiteralKind::String | LiteralKind::Block if definition.kind == "ENUM" => {
                return self.wrong_enum(literal, expected, definition, true);
            }
            LiteralKind::String | LiteralKind::Block => is_one_of(&["String", "ID"]),
            LiteralKind::Enum => return self.check_enum(literal, expected, definition),
            LiteralKind::Object => return self.check_object(literal, definition),
        };
        if fits {
            return Ok(());
        }
        self.unexpected(literal, expected)
    }

    /// Whether Go can read the literal, and the defaults of its variables. Those have no variables, except in trees made by
    /// hand, where they are not followed.
    fn has_value(
        &mut self,
        literal: &'s Literal,
        with_defaults: bool,
    ) -> Result<bool, BuiltinError> {
        self.cx.charge(1)?;
        Ok(match literal.kind {
            LiteralKind::Variable if with_defaults => {
                let variable = self.variable_of(literal);
                match variable.and_then(|variable| variable.default.as_deref()) {
                    Some(default) => self.has_value(default, false)?,
                    None => true,
                }
            }
            LiteralKind::Int => literal.raw.parse::<i64>().is_ok(),
            LiteralKind::Float => literal.raw.parse::<f64>().is_ok_and(f64::is_finite),
            LiteralKind::Boolean => BOOLEANS.contains(&literal.raw.as_str()),
            LiteralKind::List | LiteralKind::Object => {
                for child in &literal.children {
                    if !self.has_value(&child.value, with_defaults)? {
                        return Ok(false);
                    }
                }
                true
            }
            _ => true,
        })
    }

    fn unexpected(&mut self, literal: &'s Literal, expected: Expected<'s>) -> Done {
        let message = unexpected_message(literal, expected);
        self.error(literal.at, message)
    }

    /// A literal that is no value of an enum. It may be one without its quotes.
    fn wrong_enum(
        &mut self,
        literal: &'s Literal,
        expected: Expected<'s>,
        definition: &'s TypeDef<'s>,
        in_quotes: bool,
    ) -> Done {
        let mut message = match in_quotes {
            true => {
                let ty = expected.ty.map(|ty| ty.text()).unwrap_or_default();
                let text = literal.text();
                format!("Enum \"{ty}\" cannot represent non-enum value: {text}.")
            }
            false => unexpected_message(literal, expected),
        };
        let names = enum_names(definition);
        let question = "Did you mean the enum value";
        message += &suggest::among(self.cx, question, &literal.raw, &names, in_quotes)?;
        self.error(literal.at, message)
    }

    fn check_enum(
        &mut self,
        literal: &'s Literal,
        expected: Expected<'s>,
        definition: &'s TypeDef<'s>,
    ) -> Done {
        if definition.kind != "ENUM" {
            return self.wrong_enum(literal, expected, definition, false);
        }
        let names = enum_names(definition);
        if names.contains(&literal.raw.as_str()) {
            return Ok(());
        }
        let ty = expected.ty.map(|ty| ty.text()).unwrap_or_default();
        let mut message = format!(
            "Value \"{}\" does not exist in \"{ty}\" enum.",
            literal.text()
        );
        let question = "Did you mean the enum value";
        message += &suggest::among(self.cx, question, &literal.raw, &names, true)?;
        self.error(literal.at, message)
    }

    fn check_object(&mut self, literal: &'s Literal, definition: &'s TypeDef<'s>) -> Done {
        let name = definition.name;
        for field in &definition.fields {
            self.cx.charge(1)?;
            let given = literal
                .children
                .iter()
                .any(|child| child.name == field.name);
            if field.ty.required && field.default.is_none() && !given {
                let message = format!(
                    "Field \"{name}.{}\" of required type \"{}\" was not provided.",
                    field.name,
                    field.ty.text()
                );
                self.error(literal.at, message)?;
            }
        }
        let one_of = definition
            .directives
            .iter()
            .filter(|directive| directive.name == "oneOf");
        for _ in one_of {
            match literal.children.as_slice() {
                [only] if only.value.is_null() => {
                    let first = definition.fields.first().map_or("", |field| &field.name);
                    let message = format!("Field \"{name}.{first}\" must be non-null.");
                    self.error(only.value.at, message)?;
                }
                [_] => {}
                _ => {
                    let message =
                        format!("OneOf Input Object \"{name}\" must specify exactly one key.");
                    self.error(literal.at, message)?;
                }
            }
        }
        for child in &literal.children {
            if definition.field(&child.name).is_some() {
                continue;
            }
            let names: Vec<_> = definition.fields.iter().map(|f| f.name.as_str()).collect();
            let mut message = format!(
                "Field \"{}\" is not defined by type \"{name}\".",
                child.name
            );
            message += &suggest::among(self.cx, "Did you mean", &child.name, &names, true)?;
            self.error(child.at, message)?;
        }
        Ok(())
    }
}

fn enum_names<'s>(definition: &TypeDef<'s>) -> Vec<&'s str> {
    let values = definition.enum_values.iter();
    match definition.kind {
        "ENUM" => values.map(|value| value.name.as_str()).collect(),
        _ => Vec::new(),
    }
}

fn unexpected_message(literal: &Literal, expected: Expected<'_>) -> String {
    let ty = expected.ty.map(|ty| ty.text()).unwrap_or_default();
    let text = literal.text();
    match ty.as_str() {
        "Int" | "Int!" => {
            let digits = literal.raw.strip_prefix('-').unwrap_or(&literal.raw);
            let integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let what = match integer && literal.raw.parse::<i32>().is_err() {
                true => "non 32-bit signed integer",
                false => "non-integer",
            };
            format!("Int cannot represent {what} value: {text}")
        }
        "String" | "String!" | "[String]" => {
            format!("String cannot represent a non string value: {text}")
        }
        "Boolean" | "Boolean!" => format!("Boolean cannot represent a non boolean value: {text}"),
        "Float" | "Float!" => format!("Float cannot represent non numeric value: {text}"),
        "ID" | "ID!" => format!("ID cannot represent a non-string and non-integer value: {text}"),
        _ if expected.definition.is_some_and(|ty| ty.kind == "ENUM") => {
            format!("Enum \"{ty}\" cannot represent non-enum value: {text}.")
        }
        _ => format!("Expected value of type \"{ty}\", found {text}."),
    }
}
