//! What a run tells those who watch it.
//!
//! A program that was compiled to be observed has *sites* (queries, rules, bodies, expressions) and *points*: moments of
//! the evaluation of a site, as OPA's tracer names them. Its code reaches points through
//! [`Instruction::Observe`](crate::bytecode::Instruction::Observe); the machine hands them to an [`Observer`]. A program
//! that was not compiled so has none of these instructions, and pays nothing.

use regovm_core::value::Value;
use regovm_core::{Constant, Span};

use crate::bytecode::{ConstIndex, FunctionIndex, Source};
use crate::error::EvalError;
use crate::program::Program;

/// What a site is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SiteKind {
    /// A whole query.
    Query,
    /// A complete rule or a function (or one of their `else` branches).
    Rule,
    /// A rule of a partial set or object.
    PartialRule,
    /// The body of a comprehension, of `not`, `every`, `and`, `or`.
    Body,
    /// The search through the domain of an `every`.
    Every,
    /// An expression.
    Expression,
}

impl SiteKind {
    /// Whether it is a rule.
    pub fn is_rule(self) -> bool {
        matches!(self, SiteKind::Rule | SiteKind::PartialRule)
    }
}

/// A part of the policy that is observed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
    /// What it is.
    pub kind: SiteKind,
    /// Where it stands: an expression, the head of a rule.
    pub span: Span,
    /// For rules: all of it.
    pub whole: Span,
    /// The place of an expression in its body as it is evaluated.
    pub index: u32,
    /// As OPA's traces write it: the rewritten expression with the names of the author, the ref of a rule.
    pub text: String,
    /// An expression that has no [`Moment::Redo`] of its own (`not`).
    pub silent: bool,
    /// References of an expression whose values its points carry, as texts.
    pub references: Vec<String>,
    /// Variables of an expression: as in the rewritten tree, as written, and where each first stands.
    pub variables: Vec<(String, Span)>,
    /// Variables that an expression reads with the bindings of its own body, and where: those of its operands, and not
    /// those of bodies inside of it.
    pub reads: Vec<(String, Span)>,
    /// Of the rule of a function: what it gives. Of an expression that calls one: where that goes.
    pub result: Option<SiteResult>,
    /// The syntax tree of the rewritten expression, rule or body as OPA writes it in JSON; `null` unless points carry values.
    pub tree: Constant,
    /// For rules: the variables of their bodies.
    pub inner: Vec<(String, Span)>,
    /// For rules: the reference of the rule, as such a tree.
    pub path: Constant,
}

/// What a function gives, or where it goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SiteResult {
    /// A variable of the rewritten tree.
    Variable(String),
    /// A value, as Rego text.
    Value(String),
}

/// What happens at a point.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Moment {
    /// A query, rule or body begins.
    Enter,
    /// It is over.
    Leave,
    /// An expression begins.
    Eval,
    /// The `with`s of the expression that has begun hold from now on.
    Overlaid,
    /// It holds; what follows it in its body comes next.
    Success,
    /// What follows is done; the next solution of the expression is looked for.
    Redo,
    /// A query, rule or body has succeeded; the flag says that no more solutions are asked for.
    Exit(bool),
    /// The next solution of a query, rule or body is looked for.
    RedoNode,
    /// Another redo of an expression that is under way (OPA reports one for each member of the domain of `every`).
    RedoAgain,
    /// The body of an `every` has failed for a member.
    FailAgain,
    /// The index of rules lets one more through.
    Matched,
    /// The index of rules was asked; the flag says that the first success will do.
    Indexed(bool),
    /// The rules of one name, complete ones or a function's, are done.
    Done,
}

/// A moment of a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Point {
    /// What happens.
    pub moment: Moment,
    /// The site, in [`Observed::sites`].
    pub site: u32,
    /// The variables that have values here: index in [`Observed::names`], and where the value is.
    pub variables: Vec<(u32, Source)>,
}

/// Everything about observation in a program.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Observed {
    /// Parts of the policy.
    pub sites: Vec<Site>,
    /// Moments of them.
    pub points: Vec<Point>,
    /// Names of variables.
    pub names: Vec<String>,
    /// Names that the author wrote for generated ones.
    pub written: Vec<(String, String)>,
    /// The rules whose values a site mentions, site by site; nothing unless points carry values.
    pub documents: Vec<Vec<Document>>,
}

/// A rule whose value a site mentions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document {
    /// Its reference, in [`Observed::names`].
    pub name: u32,
    /// Where the reference begins.
    pub span: Span,
    /// What computes it.
    pub function: FunctionIndex,
    /// With which arguments.
    pub keys: Vec<ConstIndex>,
}

/// Values that the machine has computed so far.
pub trait Documents {
    /// Which `with`s hold at the point that was reached.
    fn overlay(&self) -> u32;

    /// The rules that a site mentions: index in [`Observed::names`].
    fn mentioned(&self, site: u32) -> Vec<u32>;

    /// The values of the rules that a site mentions, as far as they are known where these `with`s hold: index in
    /// [`Observed::names`], and the value.
    fn known(&self, site: u32, overlay: u32) -> Vec<(u32, Value<'_>)>;
}

impl Observed {
    /// True if the program was compiled to be observed.
    pub fn is_on(&self) -> bool {
        !self.points.is_empty()
    }
}

/// Watches a run.
pub trait Observer {
    /// A point is reached. `values` are those of its variables that are defined.
    fn reached(
        &mut self,
        program: &Program,
        point: &Point,
        values: &[(u32, Value<'_>)],
        documents: &dyn Documents,
    );

    /// A function begins to run, with a key that tells its arguments apart.
    fn called(&mut self, function: u32, key: u64);

    /// The result of a function was known already.
    fn recalled(&mut self, function: u32, key: u64);

    /// A policy called `trace`.
    fn note(&mut self, at: Span, text: &str);

    /// A rule has given another value than before: that will be the error which ends the query.
    fn conflict(&mut self, program: &Program);

    /// A built-in had an error that did not end the query.
    fn builtin_error(&mut self, program: &Program, error: EvalError);
}
