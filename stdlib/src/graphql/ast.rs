//! Documents of GraphQL: queries and schemas, as trees that are also objects of Rego.
//!
//! The names of fields are those that OPA shows. As there, what is empty is left out of the objects, and positions are.

use regovm_core::builtin::BuiltinError;
use regovm_core::value::{Arena, Value};

use super::decode::{Reading, Unread, apart, elements, refused, selections};
use super::lexer::Position;
use crate::operand::failed;

/// Trees may nest no deeper: a limit against texts that are made to exhaust the stack.
pub(super) const MAX_DEPTH: usize = 200;

pub(super) fn too_deep() -> BuiltinError {
    failed("GraphQL document is nested too deeply")
}

/// A part of a document that is also a value of Rego.
pub(super) trait Node: Sized + Default {
    /// What Go calls a list of these.
    const LIST: &'static str = "";

    /// The value; `None` if it is left out.
    fn encode<'a>(&self, arena: &'a Arena) -> Option<Value<'a>>;

    /// Reads a value. `null` is the empty one.
    fn decode(value: Value<'_>, depth: usize, reading: &mut Reading) -> Result<Self, Unread>;

    /// Reads a list.
    fn decode_list(
        value: Value<'_>,
        depth: usize,
        reading: &mut Reading,
    ) -> Result<Vec<Self>, Unread> {
        if value.is_null() {
            return Ok(Vec::new());
        }
        let Some(elements) = elements(value) else {
            match reading.text_type {
                Some(text) if Self::LIST == TEXTS => reading.wrong(value, &format!("[]{text}")),
                _ => reading.wrong(value, Self::LIST),
            }
            return Ok(Vec::new());
        };
        let read = |element| Self::decode(element, depth, reading);
        elements.into_iter().map(read).collect()
    }
}

const TEXTS: &str = "[]string";

impl Node for String {
    const LIST: &'static str = TEXTS;

    fn encode<'a>(&self, arena: &'a Arena) -> Option<Value<'a>> {
        Some(arena.string(self))
    }

    fn decode(value: Value<'_>, _: usize, reading: &mut Reading) -> Result<String, Unread> {
        if !value.is_null() && !value.is_string() {
            reading.wrong(value, reading.text_type.unwrap_or("string"));
        }
        Ok(value.as_str().unwrap_or_default().to_owned())
    }
}

impl Node for bool {
    fn encode<'a>(&self, _: &'a Arena) -> Option<Value<'a>> {
        Some(Value::boolean(*self))
    }

    fn decode(value: Value<'_>, _: usize, reading: &mut Reading) -> Result<bool, Unread> {
        if !value.is_null() && value.as_bool().is_none() {
            reading.wrong(value, "bool");
        }
        Ok(value.as_bool().unwrap_or_default())
    }
}

impl<T: Node> Node for Vec<T> {
    fn encode<'a>(&self, arena: &'a Arena) -> Option<Value<'a>> {
        let elements: Vec<_> = self.iter().filter_map(|node| node.encode(arena)).collect();
        (!elements.is_empty()).then(|| arena.array(&elements))
    }

    fn decode(value: Value<'_>, depth: usize, reading: &mut Reading) -> Result<Vec<T>, Unread> {
        T::decode_list(value, depth, reading)
    }
}

impl<T: Node> Node for Option<Box<T>> {
    fn encode<'a>(&self, arena: &'a Arena) -> Option<Value<'a>> {
        self.as_ref()?.encode(arena)
    }

    fn decode(
        value: Value<'_>,
        depth: usize,
        reading: &mut Reading,
    ) -> Result<Option<Box<T>>, Unread> {
        if value.is_null() {
            return Ok(None);
        }
        T::decode(value, depth, reading).map(|node| Some(Box::new(node)))
    }
}

/// Reads the members of an object into a node: as Go does by itself, names in any case; or, where the library of OPA says
/// how, those with exactly these names, each apart.
macro_rules! members {
    (by_go, $name:ident, $go:literal, $value:ident, $depth:ident, $reading:ident, $($field:ident: $key:literal $(as $text:literal)?,)*) => {{
        let mut node = $name::default();
        let Some(object) = $value.as_object() else {
            $reading.wrong($value, concat!("ast.", $go));
            return Ok(node);
        };
        for (key, value) in object.iter() {
            match key.as_str() {
                $(Some(key) if key.eq_ignore_ascii_case($key) => {
                    node.$field =
                        $reading.member(($go, $key), None$(.or(Some($text)))?, value, $depth + 1)?;
                })*
                _ => {}
            }
        }
        node
    }};
    (apart, $name:ident, $go:literal, $value:ident, $depth:ident, $reading:ident, $($field:ident: $key:literal $(as $text:literal)?,)*) => {{
        let Some(object) = $value.as_object() else {
            return refused($value, "map[string]json.RawMessage");
        };
        let mut node = $name::default();
        // It knows nothing of comments.
        $(if let Some(value) = object.get_str($key).filter(|_| $key != "Comment") {
            node.$field = apart(value, None$(.or(Some($text)))?, $depth + 1)?;
        })*
        node
    }};
}

/// Declares nodes: what Go calls one and a list of them, how they are read; for each field its name here and there, what
/// Go calls its text, and its type. Fields that no object has come last.
macro_rules! nodes {
    ($($(#[$doc:meta])* $name:ident ($go:literal, $list:literal, $way:ident) {
        $($field:ident: $key:literal $(as $text:literal)? => $ty:ty,)*
        $(; $($(#[$own_doc:meta])* $own:ident: $own_ty:ty,)*)?
    })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Default, Debug)]
        pub(super) struct $name {
            $(pub(super) $field: $ty,)*
            $($($(#[$own_doc])* pub(super) $own: $own_ty,)*)?
            /// Where it stands.
            #[allow(dead_code, reason = "no message tells the place of some")]
            pub(super) at: Position,
        }

        impl Node for $name {
            const LIST: &'static str = concat!("ast.", $list);

            fn encode<'a>(&self, arena: &'a Arena) -> Option<Value<'a>> {
                let mut members = Vec::new();
                $(if let Some(value) = self.$field.encode(arena) {
                    members.push((arena.string($key), value));
                })*
                (!members.is_empty()).then(|| arena.record(&members))
            }

            #[allow(unused_variables, reason = "some nodes are read apart")]
            fn decode(value: Value<'_>, depth: usize, reading: &mut Reading) -> Result<$name, Unread> {
                if depth > MAX_DEPTH {
                    return Err(Unread::TooDeep);
                }
                if value.is_null() {
                    return Ok($name::default());
                }
                let node = members!(
                    $way, $name, $go, value, depth, reading,
                    $($field: $key $(as $text)?,)*
                );
                Ok(node)
            }
        }
    )*};
}

nodes! {
    /// A text with operations and fragments.
    Query("QueryDocument", "", by_go) {
        operations: "Operations" => Vec<Operation>,
        fragments: "Fragments" => Vec<Fragment>,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `query a($b: C) { d }`
    Operation("OperationDefinition", "OperationList", apart) {
        operation: "Operation" as "ast.Operation" => String,
        name: "Name" => String,
        variables: "VariableDefinitions" => Vec<Variable>,
        directives: "Directives" => Vec<Directive>,
        selections: "SelectionSet" => Vec<Selection>,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `$b: C = 1`
    Variable("VariableDefinition", "VariableDefinitionList", by_go) {
        name: "Variable" => String,
        ty: "Type" => Type,
        default: "DefaultValue" => Option<Box<Literal>>,
        directives: "Directives" => Vec<Directive>,
        comment: "Comment" => Option<Box<Comments>>,
        used: "Used" => bool,
    }
    /// `A`, `[A!]`
    Type("Type", "", by_go) {
        name: "NamedType" => String,
        element: "Elem" => Option<Box<Type>>,
        required: "NonNull" => bool,
    }
    /// A value, perhaps of other values.
    Literal("Value", "", by_go) {
        raw: "Raw" => String,
        children: "Children" => Vec<Child>,
        kind: "Kind" => LiteralKind,
        comment: "Comment" => Option<Box<Comments>>,
        expected_has_default: "ExpectedTypeHasDefault" => bool,
    }
    /// An element of a list or a field of an object.
    Child("ChildValue", "ChildValueList", by_go) {
        name: "Name" => String,
        value: "Value" => Literal,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `a: b(c: 1) @d { e }`
    Field("Field", "", apart) {
        alias: "Alias" => String,
        name: "Name" => String,
        arguments: "Arguments" => Vec<Argument>,
        directives: "Directives" => Vec<Directive>,
        selections: "SelectionSet" => Vec<Selection>,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `c: 1`
    Argument("Argument", "ArgumentList", by_go) {
        name: "Name" => String,
        value: "Value" => Literal,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `...a`
    Spread("FragmentSpread", "", by_go) {
        name: "Name" => String,
        directives: "Directives" => Vec<Directive>,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `... on A { b }`
    Inline("InlineFragment", "", apart) {
        condition: "TypeCondition" => String,
        directives: "Directives" => Vec<Directive>,
        selections: "SelectionSet" => Vec<Selection>,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `fragment a on B { c }`
    Fragment("FragmentDefinition", "FragmentDefinitionList", apart) {
        name: "Name" => String,
        variables: "VariableDefinition" => Vec<Variable>,
        condition: "TypeCondition" => String,
        directives: "Directives" => Vec<Directive>,
        selections: "SelectionSet" => Vec<Selection>,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `@a(b: 1)`
    Directive("Directive", "DirectiveList", by_go) {
        name: "Name" => String,
        arguments: "Arguments" => Vec<Argument>,
        location: "Location" as "ast.DirectiveLocation" => String,
    }
    /// Comments that stand together.
    Comments("CommentGroup", "", by_go) {
        list: "List" => Vec<Comment>,
    }
    /// `# a`
    Comment("Comment", "COMMENT", by_go) {
        value: "Value" => String,
    }
    /// A text with definitions of types.
    SchemaDocument("SchemaDocument", "", by_go) {
        schemas: "Schema" => Vec<SchemaDefinition>,
        schema_extensions: "SchemaExtension" => Vec<SchemaDefinition>,
        directives: "Directives" => Vec<DirectiveDefinition>,
        definitions: "Definitions" => Vec<Definition>,
        extensions: "Extensions" => Vec<Definition>,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// `schema { query: A }`
    SchemaDefinition("SchemaDefinition", "SchemaDefinitionList", by_go) {
        description: "Description" => String,
        directives: "Directives" => Vec<Directive>,
        roots: "OperationTypes" => Vec<Root>,
        comment_before: "BeforeDescriptionComment" => Option<Box<Comments>>,
        comment_after: "AfterDescriptionComment" => Option<Box<Comments>>,
        comment_end: "EndOfDefinitionComment" => Option<Box<Comments>>,
    }
    /// `query: A`
    Root("OperationTypeDefinition", "OperationTypeDefinitionList", by_go) {
        operation: "Operation" as "ast.Operation" => String,
        ty: "Type" => String,
        comment: "Comment" => Option<Box<Comments>>,
    }
    /// A type of any kind.
    Definition("Definition", "DefinitionList", by_go) {
        kind: "Kind" as "ast.DefinitionKind" => String,
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
        ;
        /// Where the members of a union stand.
        positions: Vec<Position>,
    }
    /// `a(b: C): D`
    FieldDefinition("FieldDefinition", "FieldList", by_go) {
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
    ArgumentDefinition("ArgumentDefinition", "ArgumentDefinitionList", by_go) {
        description: "Description" => String,
        name: "Name" => String,
        default: "DefaultValue" => Option<Box<Literal>>,
        ty: "Type" => Type,
        directives: "Directives" => Vec<Directive>,
        comment_before: "BeforeDescriptionComment" => Option<Box<Comments>>,
        comment_after: "AfterDescriptionComment" => Option<Box<Comments>>,
    }
    /// `A` of an enum
    EnumValue("EnumValueDefinition", "EnumValueList", by_go) {
        description: "Description" => String,
        name: "Name" => String,
        directives: "Directives" => Vec<Directive>,
        comment_before: "BeforeDescriptionComment" => Option<Box<Comments>>,
        comment_after: "AfterDescriptionComment" => Option<Box<Comments>>,
    }
    /// `directive @a(b: C) on FIELD`
    DirectiveDefinition("DirectiveDefinition", "DirectiveDefinitionList", by_go) {
        description: "Description" => String,
        name: "Name" => String,
        arguments: "Arguments" => Vec<ArgumentDefinition>,
        locations: "Locations" as "ast.DirectiveLocation" => Vec<String>,
        repeatable: "IsRepeatable" => bool,
        comment_before: "BeforeDescriptionComment" => Option<Box<Comments>>,
        comment_after: "AfterDescriptionComment" => Option<Box<Comments>>,
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
    /// A number from outside, without a meaning.
    Other(i64),
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
        let known = LITERAL_KINDS.iter().position(|kind| kind == self);
        let number = match self {
            LiteralKind::Other(number) => Some(*number),
            _ => known.and_then(|kind| i64::try_from(kind).ok()),
        };
        Some(arena.integer(number.unwrap_or_default()))
    }

    fn decode(value: Value<'_>, _: usize, reading: &mut Reading) -> Result<LiteralKind, Unread> {
        const WANTED: &str = "ast.ValueKind";
        if value.is_null() {
            return Ok(LiteralKind::default());
        }
        if !value.is_number() {
            reading.wrong(value, WANTED);
            return Ok(LiteralKind::default());
        }
        // Go reads digits only.
        let text = value.to_string();
        let Ok(number) = text.parse::<i64>() else {
            reading.wrong_as(format!("number {text}"), WANTED);
            return Ok(LiteralKind::default());
        };
        let kind = usize::try_from(number).ok();
        let kind = kind.and_then(|kind| LITERAL_KINDS.get(kind));
        Ok(kind.copied().unwrap_or(LiteralKind::Other(number)))
    }
}

/// What a selection set has.
#[derive(Clone, Debug)]
pub(super) enum Selection {
    Field(Field),
    Spread(Spread),
    Inline(Inline),
}

impl Default for Selection {
    fn default() -> Selection {
        Selection::Field(Field::default())
    }
}

impl Node for Selection {
    fn encode<'a>(&self, arena: &'a Arena) -> Option<Value<'a>> {
        match self {
            Selection::Field(field) => field.encode(arena),
            Selection::Spread(spread) => spread.encode(arena),
            Selection::Inline(inline) => inline.encode(arena),
        }
    }

    fn decode(value: Value<'_>, depth: usize, _: &mut Reading) -> Result<Selection, Unread> {
        apart(value, None, depth).map(Selection::Field)
    }

    fn decode_list(
        value: Value<'_>,
        depth: usize,
        _: &mut Reading,
    ) -> Result<Vec<Selection>, Unread> {
        selections(value, depth)
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
