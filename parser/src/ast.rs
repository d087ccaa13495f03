//! The syntax tree: what the text says, before any name is resolved.
//!
//! The compiler's first stages rewrite this same tree (as OPA's do), because OPA's error messages
//! print the expressions of it. Nodes therefore carry the few marks that those stages set
//! (`generated`, `from_assignment`).

use std::sync::Arc;

use regovm_core::{Constant, Span};

/// A name or a piece of literal text; cheap to clone.
pub type Name = Arc<str>;

/// The dialect of a module.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum RegoVersion {
    /// Rego before 1.0.
    V0,
    /// A v0 module with `import rego.v1`: the strictness of v1 in a v0 world.
    V0CompatV1,
    /// Rego 1.0, the default.
    #[default]
    V1,
}

/// One file of Rego.
#[derive(Clone, PartialEq, Debug)]
pub struct Module {
    /// `package a.b`
    pub package: Package,
    /// In source order.
    pub imports: Vec<Import>,
    /// In source order; chained bodies have become rules of their own.
    pub rules: Vec<Rule>,
    /// All comments in source order.
    pub comments: Vec<Comment>,
    /// All metadata blocks in source order.
    pub annotations: Vec<Annotations>,
    /// The dialect after looking at the imports.
    pub version: RegoVersion,
    /// The whole text.
    pub span: Span,
}

/// `package a.b`
#[derive(Clone, PartialEq, Debug)]
pub struct Package {
    /// The path with `data` in front: `data.a.b`.
    pub path: Ref,
    /// From the keyword.
    pub span: Span,
}

/// `import data.a.b as c`
#[derive(Clone, PartialEq, Debug)]
pub struct Import {
    /// A ref; of one term for `import input` and `import data`.
    pub path: Term,
    /// The name after `as`.
    pub alias: Option<Name>,
    /// Where the alias stands.
    pub alias_span: Span,
    /// From the keyword.
    pub span: Span,
}

/// A comment without its `#`.
#[derive(Clone, PartialEq, Debug)]
pub struct Comment {
    /// Text after `#`.
    pub text: Name,
    /// From the `#` to the end of the line.
    pub span: Span,
}

/// A rule with its else chain.
#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    /// `default p := 1`
    pub default: bool,
    /// Name, arguments, key and value.
    pub head: Head,
    /// The body; `true` if the text has none.
    pub body: Body,
    /// The text has no body.
    pub generated_body: bool,
    /// `else := v if { .. }`; its head repeats name and arguments.
    pub else_rule: Option<Box<Rule>>,
    /// Indexes into [`Module::annotations`] of the blocks that stand above this rule.
    pub annotations: Vec<u32>,
    /// From head to end of body (as OPA places rules).
    pub span: Span,
}

/// The head of a rule.
///
/// How the forms map (as in OPA): `p := 1` has a value; `p contains x` and v0 `p[x]` have a key and
/// no value; `p[k] := v` and longer ref heads have everything in `reference` (for a single bracket
/// of that kind `key` repeats the last term); `p if {..}` has the generated value `true`.
#[derive(Clone, PartialEq, Debug)]
pub struct Head {
    /// The first variable of `reference`; kept beside it because most rules have nothing more.
    pub name: Name,
    /// The whole reference; its first term is a var.
    pub reference: Ref,
    /// Formal arguments of a function; empty for other rules.
    pub args: Vec<Term>,
    /// The element of a partial set, or the key of a partial object.
    pub key: Option<Box<Term>>,
    /// The value; `true` if the text has none and the form needs one.
    pub value: Option<Box<Term>>,
    /// Written with `:=`.
    pub assign: bool,
    /// The value was not written.
    pub generated_value: bool,
    /// Written with `if` or `contains`.
    pub keywords: HeadKeywords,
    /// Where the head starts.
    pub span: Span,
}

/// Which keywords a head was written with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HeadKeywords {
    /// `if`
    pub has_if: bool,
    /// `contains`
    pub has_contains: bool,
}

/// A conjunction of expressions.
pub type Body = Vec<Expr>;

/// A reference: the first term is its head (a var, or any term for `[1,2][x]`), the rest its path.
pub type Ref = Vec<Term>;

/// One expression of a body.
#[derive(Clone, PartialEq, Debug)]
pub struct Expr {
    /// What it says.
    pub kind: ExprKind,
    /// `not e` in its classic form.
    pub negated: bool,
    /// `with` modifiers in source order.
    pub with: Vec<With>,
    /// A stage made it; nobody wrote it.
    pub generated: bool,
    /// An equality that was `:=` (the safety check reads its right side only).
    pub from_assignment: bool,
    /// Position in its body as written, or as given by the stage that made it.
    pub index: u32,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, PartialEq, Debug)]
pub enum ExprKind {
    /// A single term: `input.x`, `true`, `x`, `[y | ..]`.
    Term(Term),
    /// A call or an infix operator as a statement: the operator (a [`TermKind::Ref`], for example
    /// `plus`, `eq`, `assign`, `data.lib.f`), then the operands.
    Call(Vec<Term>),
    /// `some x, y`; also `some k, v in xs`, whose one symbol is a call of `internal.member_2/_3`.
    Some(Vec<Term>),
    /// `every k, v in xs { .. }`
    Every(Box<Every>),
    /// `not ..` of `import future.keywords.not`: the whole expression is an implicit body.
    Not(Box<Not>),
    /// `a and b` of `import future.keywords.and`
    And(Box<Logical>),
    /// `a or b` of `import future.keywords.or`
    Or(Box<Logical>),
}

/// `every k, v in xs { .. }`
#[derive(Clone, PartialEq, Debug)]
pub struct Every {
    /// The first of two variables.
    pub key: Option<Term>,
    /// The variable, or the second of two.
    pub value: Term,
    /// What is iterated.
    pub domain: Term,
    /// What must hold.
    pub body: Body,
    /// From the keyword.
    pub span: Span,
}

/// The operand of the new `not`.
#[derive(Clone, PartialEq, Debug)]
pub struct Not {
    /// Its expressions.
    pub body: Body,
    /// Written in braces.
    pub explicit: bool,
    /// From the keyword.
    pub span: Span,
}

/// The operands of `and` and `or`.
#[derive(Clone, PartialEq, Debug)]
pub struct Logical {
    /// Left operand.
    pub lhs: Body,
    /// Right operand.
    pub rhs: Body,
    /// Left operand was written in braces.
    pub explicit_lhs: bool,
    /// Right operand was written in braces.
    pub explicit_rhs: bool,
    /// Where it stands.
    pub span: Span,
}

/// `with target as value`
#[derive(Clone, PartialEq, Debug)]
pub struct With {
    /// A ref: `input.x`, `data.a`, a built-in or a function.
    pub target: Term,
    /// Its replacement.
    pub value: Term,
    /// From the keyword.
    pub span: Span,
}

/// A term with its place.
#[derive(Clone, PartialEq, Debug)]
pub struct Term {
    /// What it is.
    pub kind: TermKind,
    /// Where it stands. OPA places a term in parentheses inside of them.
    pub span: Span,
    /// All of its text: the parentheses around it, and those around its first and last part, included.
    pub text: Span,
}

/// The kinds of terms.
#[derive(Clone, PartialEq, Debug)]
pub enum TermKind {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// A number as it was written.
    Number(Name),
    /// A string after unescaping.
    String(Name),
    /// A variable. Each `_` is a variable of its own, `$0`, `$1`, ..
    Var(Name),
    /// A reference of at least two terms, or an operator name in calls. `input` and `data` alone
    /// are references of one term, as in OPA.
    Ref(Ref),
    /// `[a, b]`
    Array(Vec<Term>),
    /// `{k: v}`, in source order.
    Object(Vec<(Term, Term)>),
    /// `{a, b}`, in source order; `set()` is empty.
    Set(Vec<Term>),
    /// `[t | body]`
    ArrayComprehension(Box<Comprehension>),
    /// `{t | body}`
    SetComprehension(Box<Comprehension>),
    /// `{k: v | body}`
    ObjectComprehension(Box<ObjectComprehension>),
    /// A call inside a term: the operator (a ref), then the operands.
    Call(Vec<Term>),
    /// `$"..{x}.."`
    Template(Box<TemplateString>),
}

/// `[t | body]` and `{t | body}`
#[derive(Clone, PartialEq, Debug)]
pub struct Comprehension {
    /// The collected term.
    pub term: Term,
    /// Its body.
    pub body: Body,
}

/// `{k: v | body}`
#[derive(Clone, PartialEq, Debug)]
pub struct ObjectComprehension {
    /// The collected key.
    pub key: Term,
    /// The collected value.
    pub value: Term,
    /// Its body.
    pub body: Body,
}

/// `$"text {expression} text"`
#[derive(Clone, PartialEq, Debug)]
pub struct TemplateString {
    /// Text and holes in order.
    pub parts: Vec<TemplatePart>,
    /// Written in back quotes.
    pub multi_line: bool,
}

/// A piece of a template string.
#[derive(Clone, PartialEq, Debug)]
pub enum TemplatePart {
    /// Literal text (a string term, already unescaped), or a scalar that stands in a hole.
    Text(Term),
    /// A hole.
    Expr(Box<Expr>),
}

/// What a metadata block applies to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AnnotationTarget {
    /// The package of the module.
    Package,
    /// The rule with this index in [`Module::rules`].
    Rule(u32),
}

/// A `# METADATA` block.
#[derive(Clone, PartialEq, Debug)]
pub struct Annotations {
    /// `rule`, `document`, `package`, `subpackages`; the default is filled in.
    pub scope: Name,
    /// `entrypoint`
    pub entrypoint: bool,
    /// All fields as one object in the shape that `rego.metadata.rule()` gives back (scope included).
    pub fields: Constant,
    /// `schemas`, checked.
    pub schemas: Vec<SchemaAnnotation>,
    /// `compile`
    pub compile: Option<CompileAnnotation>,
    /// What it stands above.
    pub target: AnnotationTarget,
    /// From `# METADATA` to the end of the block.
    pub span: Span,
}

/// `compile`: how a filter is made of a rule.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CompileAnnotation {
    /// What is unknown.
    pub unknowns: Vec<Ref>,
    /// The rule that masks columns.
    pub mask_rule: Option<Ref>,
}

/// One entry of `schemas`.
#[derive(Clone, PartialEq, Debug)]
pub struct SchemaAnnotation {
    /// The document that the schema describes: `input`, `data.x.y`.
    pub path: Ref,
    /// A named schema: `schema.x.y`.
    pub schema: Option<Ref>,
    /// An inline schema.
    pub definition: Option<Constant>,
}

impl Term {
    /// A term at a place.
    pub fn new(kind: TermKind, span: Span) -> Term {
        Term {
            kind,
            span,
            text: span,
        }
    }

    /// A term at a place that is not all of its text.
    pub fn with_text(kind: TermKind, span: Span, text: Span) -> Term {
        Term { kind, span, text }
    }

    /// A variable.
    pub fn var(name: impl Into<Name>, span: Span) -> Term {
        Term::new(TermKind::Var(name.into()), span)
    }

    /// A string.
    pub fn string(text: impl Into<Name>, span: Span) -> Term {
        Term::new(TermKind::String(text.into()), span)
    }

    /// The name if this is a variable.
    pub fn as_var(&self) -> Option<&Name> {
        match &self.kind {
            TermKind::Var(name) => Some(name),
            _ => None,
        }
    }

    /// The path if this is a reference.
    pub fn as_ref(&self) -> Option<&Ref> {
        match &self.kind {
            TermKind::Ref(path) => Some(path),
            _ => None,
        }
    }

    /// The text if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            TermKind::String(text) => Some(text),
            _ => None,
        }
    }
}

impl Expr {
    /// A plain expression without modifiers.
    pub fn new(kind: ExprKind, span: Span) -> Expr {
        Expr {
            kind,
            negated: false,
            with: Vec::new(),
            generated: false,
            from_assignment: false,
            index: 0,
            span,
        }
    }
}
