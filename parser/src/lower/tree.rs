//! What the grammar finds between tokens and syntax tree: statements whose meaning depends on their
//! whole shape.

use regovm_core::Span;

use crate::ast::{Body, Name, Term};

/// A term, or two joined by `=` or `:=`.
#[derive(Debug)]
pub struct Equation {
    /// The term, or what stands left.
    pub lhs: Term,
    /// `:=` (or else `=`), the place of the operator, and what stands right.
    pub rhs: Option<(bool, Span, Term)>,
}

/// One side of `and` and `or`, or all of an expression.
#[derive(Debug)]
pub struct Operand {
    /// One expression, or several in braces.
    pub body: Body,
    /// Written in braces.
    pub explicit: bool,
    /// Written in parentheses that group logical operands.
    pub group: bool,
    /// Where it stands.
    pub span: Span,
}

/// The body of a rule.
#[derive(Debug)]
pub struct RuleBody {
    /// Its expressions.
    pub body: Body,
    /// In braces.
    pub braces: bool,
    /// Braces included.
    pub span: Span,
}

/// One `else`.
#[derive(Debug)]
pub struct Else {
    /// With `:=` (or else `=`), and the value.
    pub value: Option<(bool, Term)>,
    /// With `if`.
    pub has_if: bool,
    /// The body.
    pub body: Option<RuleBody>,
    /// The next one.
    pub next: Option<Box<Else>>,
    /// From the keyword.
    pub span: Span,
}

/// What follows the first body of a rule.
#[derive(Debug)]
pub enum Tail {
    /// Nothing.
    None,
    /// `else ..`
    Else(Box<Else>),
    /// More bodies in braces.
    Chain(Vec<RuleBody>),
}

/// A statement of a module.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // Rules are the rule.
pub enum Statement {
    /// `package a.b`
    Package {
        /// The path as a term.
        path: Term,
        /// From the keyword.
        span: Span,
    },
    /// `import a.b as c`
    Import {
        /// The path as a term.
        path: Term,
        /// The alias and its place.
        alias: Option<(Name, Span)>,
        /// From the keyword.
        span: Span,
    },
    /// `default p := 1`
    Default {
        /// Name, arguments and value.
        head: Equation,
        /// Without the keyword.
        head_span: Span,
        /// With the keyword.
        span: Span,
    },
    /// A rule that shows that it is one: with a body, `if` or `contains`.
    Rule {
        /// Name, arguments and value.
        head: Equation,
        /// After `contains`.
        key: Option<Term>,
        /// With `if`.
        has_if: bool,
        /// The first body.
        body: Option<RuleBody>,
        /// `else` or further bodies.
        tail: Tail,
        /// Up to the body.
        head_span: Span,
        /// All of it.
        span: Span,
    },
    /// Expressions, of which a single one may be a rule without body.
    Body(Body),
}
