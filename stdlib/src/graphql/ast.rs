//! Documents of GraphQL: queries and schemas, as trees that are also objects of Rego.
//!
//! The names of fields are those that OPA shows. As there, what is empty is left out of the objects, and positions are.

use regovm_core::builtin::BuiltinError;
use regovm_core::value::{Arena, Value, View};

use super::lexer::Position;
use crate::operand::{failed, plain_integer};

/// Trees may nest no deeper: a limit against texts that are made to exhaust the stack.
pub(super) const MAX_DEPTH: usize = 200;

pub(super) fn too_deep() -> BuiltinError {
    failed("GraphQL document is nested too deeply")
}

/// A part of a document that is also a value of Rego.
pub(super) trait Node: Sized {
    /// The value; `None` if it is left out.
    fn encode<'a>(&self, arena: &'a Arena) -> Option<Value<'a>>;

    /// Reads a value. The error names what it cannot be.
    fn decode(value: Value<'_>, depth: usize) -> Result<Self, BuiltinError>;

    /// Reads the value of a member, which may be missing.
    fn decode_member(value: Option<Value<'_>>, depth: usize) -> Result<Self, BuiltinError>;
}

fn wrong<T>(value: Value<'_>, wanted: &str) -> Result<T, BuiltinError> {
    let got = match value.kind().name() {
        "boolean" => "bool",
        kind => kind,
    };
    Err(failed(format!(
        "json: cannot unmarshal {got} into Go value of type {wanted}"
    )))
}

/// `null` and what is missing are the empty value.
fn or_empty<T: Default>(
    value: Option<Value<'_>>,
    read: impl FnOnce(Value<'_>) -> Result<T, BuiltinError>,
) -> Result<T, BuiltinError> {
    match value {
        Some(value) if !value.is_null() => read(value),
        _ => Ok(T::default()),
    }
}

impl Node for String {
    fn encode<'a>(&self, arena: &'a Arena) -> Option<Value<'a>> {
        Some(arena.string(self))
    }

    fn decode(value: Value<'_>, _: usize) -> Result<String, BuiltinError> {
        match value.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => wrong(value, "string"),
        }
    }

    fn decode_member(value: Option<Value<'_>>, depth: usize) -> Result<String, BuiltinError> {
        or_empty(value, |value| String::decode(value, depth))
    }
}

impl Node for bool {
    fn encode<'a>(&self, _: &'a Arena) -> Option<Value<'a>> {
        Some(Value::boolean(*self))
    }

    fn decode(value: Value<'_>, _: usize) -> Result<bool, BuiltinError> {
        match value.as_bool() {
            Some(value) => Ok(value),
            None => wrong(value, "bool"),
        }
    }

    fn decode_member(value: Option<Value<'_>>, depth: usize) -> Result<bool, BuiltinError> {
        or_empty(value, |value| bool::decode(value, depth))
    }
}

impl<T: Node> Node for Vec<T> {
    fn encode<'a>(&self, arena: &'a Arena) -> Option<Value<'a>> {
        let elements: Vec<_> = self.iter().filter_map(|node| node.encode(arena)).collect();
        (!elements.is_empty()).then(|| arena.array(&elements))
    }

    fn decode(value: Value<'_>, depth: usize) -> Result<Vec<T>, BuiltinError> {
        let read = |element| T::decode(element, depth);
        match value.view() {
            View::Array(array) => array.iter().map(read).collect(),
            View::Set(set) => set.iter().map(read).collect(),
            _ => wrong(value, "list"),
        }
    }

    fn decode_member(value: Option<Value<'_>>, depth: usize) -> Result<Vec<T>, BuiltinError> {
        or_empty(value, |value| Vec::decode(value, depth))
    }
}

impl<T: Node> Node for Option<Box<T>> {
    fn encode<'a>(&self, arena: &'a Arena) -> Option<Value<'a>> {
        self.as_ref()?.encode(arena)
    }

    fn decode(value: Value<'_>, depth: usize) -> Result<Option<Box<T>>, BuiltinError> {
        T::decode(value, depth).map(|node| Some(Box::new(node)))
    }

    fn decode_member(
        value: Option<Value<'_>>,
        depth: usize,
    ) -> Result<Option<Box<T>>, BuiltinError> {
        or_empty(value, |value| Option::decode(value, depth))
    }
}

/// Declares nodes: for each field its name here and there, and its type. A field of another node's type must be there.
macro_rules! nodes {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $key:literal => $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Default, Debug)]
        pub(super) struct $name {
            $(pub(super) $field: $ty,)*
            /// Where it stands.
            #[allow(dead_code, reason = "no message tells the place of some")]
            pub(super) at: Position,
        }

        impl Node for $name {
            fn encode<'a>(&self, arena: &'a Arena) -> Option<Value<'a>> {
                let mut members = Vec::new();
                $(if let Some(value) = self.$field.encode(arena) {
                    members.push((arena.string($key), value));
                })*
                (!members.is_empty()).then(|| arena.record(&members))
            }

            fn decode(value: Value<'_>, depth: usize) -> Result<$name, BuiltinError> {
                if depth > MAX_DEPTH {
                    return Err(too_deep());
                }
                let Some(object) = value.as_object() else {
                    return wrong(value, concat!("ast.", stringify!($name)));
                };
                Ok($name {
                    $($field: Node::decode_member(object.get_str($key), depth + 1)?,)*
                    at: Position::default(),
                })
            }

            fn decode_member(value: Option<Value<'_>>, depth: usize) -> Result<$name, BuiltinError> {
                $name::decode(value.unwrap_or(Value::NULL), depth)
            }
        }
    )*};
}

nodes! {
    /// A text with operations and fragments.
    Query {
        operations: "Operations" => Vec<Operation>,
        fragments: "Fragments" => Vec<Fragment>,
    }
    /// `query a($b: C) { d }`
    Operation {
        operation: "Operation" => String,
        name: "Name" => String,
        variables: "VariableDefinitions" => Vec<Variable>,
        directives: "Directives" => Vec<Directive>,
        selections: "SelectionSet" => Vec<Selection>,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `$b: C = 1`
    Variable {
        name: "Variable" => String,
        ty: "Type" => Type,
        default: "DefaultValue" => Option<Box<Literal>>,
        directives: "Directives" => Vec<Directive>,
        comment: "Comment" => Option<Box<Comments>>,
        used: "Used" => bool,
    }
    /// `A`, `[A!]`
    Type {
        name: "NamedType" => String,
        element: "Elem" => Option<Box<Type>>,
        required: "NonNull" => bool,
    }
    /// A value, perhaps of other values.
    Literal {
        raw: "Raw" => String,
        children: "Children" => Vec<Child>,
        kind: "Kind" => LiteralKind,
        comment: "Comment" => Option<Box<Comments>>,
        expected_has_default: "ExpectedTypeHasDefault" => bool,
    }
    /// An element of a list or a field of an object.
    Child {
        name: "Name" => String,
        value: "Value" => Literal,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `a: b(c: 1) @d { e }`
    Field {
        alias: "Alias" => String,
        name: "Name" => String,
        arguments: "Arguments" => Vec<Argument>,
        directives: "Directives" => Vec<Directive>,
        selections: "SelectionSet" => Vec<Selection>,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `c: 1`
    Argument {
        name: "Name" => String,
        value: "Value" => Literal,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `...a`
    Spread {
        name: "Name" => String,
        directives: "Directives" => Vec<Directive>,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `... on A { b }`
    Inline {
        condition: "TypeCondition" => String,
        directives: "Directives" => Vec<Directive>,
        selections: "SelectionSet" => Vec<Selection>,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `fragment a on B { c }`
    Fragment {
        name: "Name" => String,
        variables: "VariableDefinition" => Vec<Variable>,
        condition: "TypeCondition" => String,
        directives: "Directives" => Vec<Directive>,
        selections: "SelectionSet" => Vec<Selection>,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `@a(b: 1)`
    Directive {
        name: "Name" => String,
        arguments: "Arguments" => Vec<Argument>,
        location: "Location" => String,
    }
    /// Comments that stand together.
    Comments {
        list: "List" => Vec<Comment>,
    }
    /// `# a`
    Comment {
        value: "Value" => String,
    }
    /// A text with definitions of types.
    SchemaDocument {
        schemas: "Schema" => Vec<SchemaDefinition>,
        schema_extensions: "SchemaExtension" => Vec<SchemaDefinition>,
        directives: "Directives" => Vec<DirectiveDefinition>,
        definitions: "Definitions" => Vec<Definition>,
        extensions: "Extensions" => Vec<Definition>,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `schema { query: A }`
    SchemaDefinition {
        description: "Description" => String,
        directives: "Directives" => Vec<Directive>,
        roots: "OperationTypes" => Vec<Root>,
        comment_before: "BeforeDescriptionComment" => Option<Box<Comments>>,
        comment_after: "AfterDescriptionComment" => Option<Box<Comments>>,
        comment_end: "EndOfDefinitionComment" => Option<Box<Comments>>,
    }
    /// `query: A`
    Root {
        operation: "Operation" => String,
        ty: "Type" => String,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// A type of any kind.
    Definition {
        kind: "Kind" => String,
        description: "Description" => String,
        name: "Name" => String,
        directives: "Directives" => Vec<Directive>,
        interfaces: "Interfaces" => Vec<String>,
        fields: "Fields" => Vec<FieldDefinition>,
        types: "Types" => Vec<String>,
        enum_values: "EnumValues" => Vec<EnumValue>,
        built_in: "BuiltIn" => bool,
        comment_before: "BeforeDescriptionComment" => Option<Box<Comments>>,
        comment_after: "AfterDescriptionComment" => Option<Box<Comments>>,
        comment_end: "EndOfDefinitionComment" => Option<Box<Comments>>,
        positions: "" => Positions,
    }
    /// `a(b: C): D`
    FieldDefinition {
        description: "Description" => String,
        name: "Name" => String,
        arguments: "Arguments" => Vec<ArgumentDefinition>,
        default: "DefaultValue" => Option<Box<Literal>>,
        ty: "Type" => Type,
        directives: "Directives" => Vec<Directive>,
        comment_before: "BeforeDescriptionComment" => Option<Box<Comments>>,
        comment_after: "AfterDescriptionComment" => Option<Box<Comments>>,
    }
    /// `b: C = 1`
    ArgumentDefinition {
        description: "Description" => String,
        name: "Name" => String,
        default: "DefaultValue" => Option<Box<Literal>>,
        ty: "Type" => Type,
        directives: "Directives" => Vec<Directive>,
        comment_before: "BeforeDescriptionComment" => Option<Box<Comments>>,
        comment_after: "AfterDescriptionComment" => Option<Box<Comments>>,
    }
    /// `A` of an enum
    EnumValue {
        description: "Description" => String,
        name: "Name" => String,
        directives: "Directives" => Vec<Directive>,
        comment_before: "BeforeDescriptionComment" => Option<Box<Comments>>,
        comment_after: "AfterDescriptionComment" => Option<Box<Comments>>,
    }
    /// `directive @a(b: C) on FIELD`
    DirectiveDefinition {
        description: "Description" => String,
        name: "Name" => String,
        arguments: "Arguments" => Vec<ArgumentDefinition>,
        locations: "Locations" => Vec<String>,
        repeatable: "IsRepeatable" => bool,
        comment_before: "BeforeDescriptionComment" => Option<Box<Comments>>,
        comment_after: "AfterDescriptionComment" => Option<Box<Comments>>,
    }
}

/// Where the members of a union stand. No part of the object.
#[derive(Clone, Default, Debug)]
pub(super) struct Positions(pub(super) Vec<Position>);

impl Node for Positions {
    fn encode<'a>(&self, _: &'a Arena) -> Option<Value<'a>> {
        None
    }

    fn decode(_: Value<'_>, _: usize) -> Result<Positions, BuiltinError> {
        Ok(Positions::default())
    }

    fn decode_member(_: Option<Value<'_>>, _: usize) -> Result<Positions, BuiltinError> {
        Ok(Positions::default())
    }
}

/// What a literal is; objects have its number.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum LiteralKind {
    #[default]
    Variable,
    Int,
    Float,
    String,
    Block,
    Boolean,
    Null,
    Enum,
    List,
    Object,
}

const LITERAL_KINDS: [LiteralKind; 10] = [
    LiteralKind::Variable,
    LiteralKind::Int,
    LiteralKind::Float,
    LiteralKind::String,
    LiteralKind::Block,
    LiteralKind::Boolean,
    LiteralKind::Null,
    LiteralKind::Enum,
    LiteralKind::List,
    LiteralKind::Object,
];

impl Node for LiteralKind {
    fn encode<'a>(&self, arena: &'a Arena) -> Option<Value<'a>> {
        Some(arena.integer(*self as i64))
    }

    fn decode(value: Value<'_>, _: usize) -> Result<LiteralKind, BuiltinError> {
        let number = plain_integer(value).filter(|_| value.is_number());
        let kind = usize::try_from(number.unwrap_or(-1)).ok();
        match kind.and_then(|kind| LITERAL_KINDS.get(kind)) {
            Some(kind) => Ok(*kind),
            None => wrong(value, "ast.ValueKind"),
        }
    }

    fn decode_member(value: Option<Value<'_>>, depth: usize) -> Result<LiteralKind, BuiltinError> {
        or_empty(value, |value| LiteralKind::decode(value, depth))
    }
}

/// What a selection set has.
#[derive(Clone, Debug)]
pub(super) enum Selection {
    Field(Field),
    Spread(Spread),
    Inline(Inline),
}

impl Node for Selection {
    fn encode<'a>(&self, arena: &'a Arena) -> Option<Value<'a>> {
        match self {
            Selection::Field(field) => field.encode(arena),
            Selection::Spread(spread) => spread.encode(arena),
            Selection::Inline(inline) => inline.encode(arena),
        }
    }

    /// OPA takes every object for a field that could be one, spreads too.
    fn decode(value: Value<'_>, depth: usize) -> Result<Selection, BuiltinError> {
        Field::decode(value, depth).map(Selection::Field)
    }

    fn decode_member(value: Option<Value<'_>>, depth: usize) -> Result<Selection, BuiltinError> {
        Selection::decode(value.unwrap_or(Value::NULL), depth)
    }
}

impl Type {
    /// The name of the type, or of the innermost elements.
    pub(super) fn base(&self) -> &str {
        let mut ty = self;
        while let Some(element) = &ty.element
            && ty.name.is_empty()
        {
            ty = element;
        }
        &ty.name
    }

    pub(super) fn text(&self) -> String {
        let required = if self.required { "!" } else { "" };
        match &self.element {
            Some(element) if self.name.is_empty() => format!("[{}]{required}", element.text()),
            _ => format!("{}{required}", self.name),
        }
    }
}

impl Literal {
    pub(super) fn text(&self) -> String {
        let children = |named: bool| {
            let text = |child: &Child| match named {
                true => format!("{}:{}", child.name, child.value.text()),
                false => child.value.text(),
            };
            self.children.iter().map(text).collect::<Vec<_>>().join(",")
        };
        match self.kind {
            LiteralKind::Variable => format!("${}", self.raw),
            LiteralKind::String | LiteralKind::Block => {
                let mut text = String::new();
                let charset = crate::go::quote::Charset::Unicode;
                crate::go::quote::push_quoted(&mut text, &self.raw, charset);
                text
            }
            LiteralKind::List => format!("[{}]", children(false)),
            LiteralKind::Object => format!("{{{}}}", children(true)),
            _ => self.raw.clone(),
        }
    }

    /// Whether a default of it takes the place of `null`.
    pub(super) fn is_null(&self) -> bool {
        self.kind == LiteralKind::Null
    }
}
