//! Schemas: definitions of types and directives.

use super::ast::{
    ArgumentDefinition, Comments, Definition, DirectiveDefinition, EnumValue, FieldDefinition,
    Root, SchemaDefinition, SchemaDocument,
};
use super::lexer::{Kind, Position};
use super::parser::{Parsed, Parser, unexpected};

/// Where directives may stand.
const LOCATIONS: [&str; 19] = [
    "QUERY",
    "MUTATION",
    "SUBSCRIPTION",
    "FIELD",
    "FRAGMENT_DEFINITION",
    "FRAGMENT_SPREAD",
    "INLINE_FRAGMENT",
    "VARIABLE_DEFINITION",
    "SCHEMA",
    "SCALAR",
    "OBJECT",
    "FIELD_DEFINITION",
    "ARGUMENT_DEFINITION",
    "INTERFACE",
    "UNION",
    "ENUM",
    "ENUM_VALUE",
    "INPUT_OBJECT",
    "INPUT_FIELD_DEFINITION",
];

/// The kind of type that a keyword defines.
fn kind_of(keyword: &str) -> Option<&'static str> {
    Some(match keyword {
        "scalar" => "SCALAR",
        "type" => "OBJECT",
        "interface" => "INTERFACE",
        "union" => "UNION",
        "enum" => "ENUM",
        "input" => "INPUT_OBJECT",
        _ => return None,
    })
}

type Comment = Option<Box<Comments>>;

/// Reads a schema.
pub(super) fn parse_schema(text: &str) -> Parsed<SchemaDocument> {
    let mut parser = Parser::new(text);
    let mut document = SchemaDocument::default();
    while parser.peek().kind != Kind::End {
        let (description, comment) = parser.description()?;
        if parser.peek().kind != Kind::Name {
            return parser.unexpected();
        }
        let keyword = parser.peek().value.clone();
        match keyword.as_str() {
            "schema" => {
                let schema = parser.schema(description, comment)?;
                document.schemas.push(schema);
            }
            "directive" => {
                let directive = parser.directive_definition(description, comment)?;
                document.directives.push(directive);
            }
            "extend" => {
                if let Some(token) = parser.previous.as_ref().filter(|_| !description.is_empty()) {
                    return unexpected(token);
                }
                parser.extension(&mut document)?;
            }
            _ => {
                let Some(kind) = kind_of(&keyword) else {
                    return parser.unexpected();
                };
                let after = parser.keyword(&keyword)?;
                let definition = parser.definition(kind, false)?;
                document.definitions.push(Definition {
                    description,
                    comment_before: comment,
                    comment_after: after,
                    ..definition
                });
            }
        }
    }
    document.comment = parser.comment();
    Ok(document)
}

impl Parser<'_> {
    /// A string and the comments before it, if there is one.
    fn description(&mut self) -> Parsed<(String, Comment)> {
        if !matches!(self.peek().kind, Kind::String | Kind::BlockString) {
            return Ok((String::new(), None));
        }
        let comment = self.comment();
        Ok((self.next()?.value, comment))
    }

    /// A description whose comments count only if it is not empty; then the comments before what is described.
    fn member_description(&mut self) -> Parsed<(String, Comment, Comment, Position)> {
        let (description, comment) = self.description()?;
        let comment = comment.filter(|_| !description.is_empty());
        Ok((description, comment, self.comment(), self.at()))
    }

    fn schema(&mut self, description: String, before: Comment) -> Parsed<SchemaDefinition> {
        let after = self.keyword("schema")?;
        let at = self.at();
        let directives = self.directives(true)?;
        let (roots, end) = self.some("{", "}", Self::root)?;
        Ok(SchemaDefinition {
            description,
            directives,
            roots,
            comment_before: before,
            comment_after: after,
            comment_end: end,
            at,
        })
    }

    fn root(&mut self) -> Parsed<Root> {
        let (at, comment) = (self.at(), self.comment());
        let operation = self.operation_type()?;
        self.expect_mark(":")?;
        Ok(Root {
            operation,
            ty: self.name()?,
            comment,
            at,
        })
    }

    /// A type from its name on.
    fn definition(&mut self, kind: &str, extension: bool) -> Parsed<Definition> {
        let mut definition = Definition {
            kind: kind.to_owned(),
            at: self.at(),
            name: self.name()?,
            ..Definition::default()
        };
        let implements = kind == "OBJECT" || (kind == "INTERFACE" && !extension);
        if implements && self.peek().value == "implements" {
            self.next()?;
            self.skip("&")?;
            definition.interfaces.push(self.name()?);
            while self.skip("&")? {
                definition.interfaces.push(self.name()?);
            }
        }
        definition.directives = self.directives(!(extension && kind == "INPUT_OBJECT"))?;
        match kind {
            "OBJECT" | "INTERFACE" => {
                (definition.fields, definition.comment_end) =
                    self.some("{", "}", Self::field_definition)?;
            }
            "INPUT_OBJECT" => {
                (definition.fields, definition.comment_end) =
                    self.some("{", "}", Self::input_field)?;
            }
            "ENUM" => {
                (definition.enum_values, definition.comment_end) =
                    self.some("{", "}", Self::enum_value)?;
            }
            "UNION" if self.skip("=")? => {
                self.skip("|")?;
                loop {
                    definition.positions.push(self.at());
                    definition.types.push(self.name()?);
                    if !self.skip("|")? {
                        break;
                    }
                }
            }
            _ => {}
        }
        Ok(definition)
    }

    fn extension(&mut self, document: &mut SchemaDocument) -> Parsed<()> {
        let comment = self.keyword("extend")?;
        if self.peek().value == "schema" {
            let schema = self.schema(String::new(), None)?;
            if schema.directives.is_empty() && schema.roots.is_empty() {
                return self.unexpected();
            }
            document.schema_extensions.push(SchemaDefinition {
                comment_after: comment,
                ..schema
            });
            return Ok(());
        }
        let keyword = self.peek().value.clone();
        let Some(kind) = kind_of(&keyword) else {
            return self.unexpected();
        };
        self.keyword(&keyword)?;
        let definition = self.definition(kind, true)?;
        let adds_nothing = definition.interfaces.is_empty()
            && definition.directives.is_empty()
            && definition.fields.is_empty()
            && definition.enum_values.is_empty()
            && definition.types.is_empty();
        if adds_nothing {
            return self.unexpected();
        }
        document.extensions.push(Definition {
            comment_after: comment,
            ..definition
        });
        Ok(())
    }

    fn field_definition(&mut self) -> Parsed<FieldDefinition> {
        let (description, before, after, at) = self.member_description()?;
        let name = self.name()?;
        let arguments = self.argument_definitions()?;
        self.expect_mark(":")?;
        Ok(FieldDefinition {
            description,
            name,
            arguments,
            default: None,
            ty: self.ty()?,
            directives: self.directives(true)?,
            comment_before: before,
            comment_after: after,
            at,
        })
    }

    fn input_field(&mut self) -> Parsed<FieldDefinition> {
        let argument = self.argument_definition()?;
        Ok(FieldDefinition {
            description: argument.description,
            name: argument.name,
            arguments: Vec::new(),
            default: argument.default,
            ty: argument.ty,
            directives: argument.directives,
            comment_before: argument.comment_before,
            comment_after: argument.comment_after,
            at: argument.at,
        })
    }

    fn argument_definitions(&mut self) -> Parsed<Vec<ArgumentDefinition>> {
        self.some("(", ")", Self::argument_definition)
            .map(|(all, _)| all)
    }

    fn argument_definition(&mut self) -> Parsed<ArgumentDefinition> {
        let (description, before, after, at) = self.member_description()?;
        let name = self.name()?;
        self.expect_mark(":")?;
        Ok(ArgumentDefinition {
            description,
            name,
            ty: self.ty()?,
            default: self.default()?,
            directives: self.directives(true)?,
            comment_before: before,
            comment_after: after,
            at,
        })
    }

    fn enum_value(&mut self) -> Parsed<EnumValue> {
        let (description, before, after, at) = self.member_description()?;
        Ok(EnumValue {
            description,
            name: self.name()?,
            directives: self.directives(true)?,
            comment_before: before,
            comment_after: after,
            at,
        })
    }

    fn directive_definition(
        &mut self,
        description: String,
        before: Comment,
    ) -> Parsed<DirectiveDefinition> {
        let after = self.keyword("directive")?;
        self.expect_mark("@")?;
        let at = self.at();
        let name = self.name()?;
        let arguments = self.argument_definitions()?;
        let repeatable = self.is_keyword("repeatable");
        if repeatable {
            self.next()?;
        }
        self.keyword("on")?;
        self.skip("|")?;
        let mut locations = vec![self.location()?];
        while self.skip("|")? {
            locations.push(self.location()?);
        }
        Ok(DirectiveDefinition {
            description,
            name,
            arguments,
            locations,
            repeatable,
            comment_before: before,
            comment_after: after,
            at,
        })
    }

    fn location(&mut self) -> Parsed<String> {
        let token = self.expect(Kind::Name)?;
        if LOCATIONS.contains(&token.value.as_str()) {
            Ok(token.value)
        } else {
            unexpected(&token)
        }
    }
}
