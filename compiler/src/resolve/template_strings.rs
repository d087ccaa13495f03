//! `$"a {b}"` becomes `internal.template_string(["a ", {x | x = b}])`: a hole that is undefined
//! prints as such instead of ending the body. Variables in holes must be bound by what stands
//! outside of the hole.

use hashbrown::HashMap;
use regovm_core::{Code, Diagnostic, Span};
use regovm_parser::ast::{
    Expr, ExprKind, Head, Name, Rule, TemplatePart, TemplateString, Term, TermKind,
};

use super::for_each_rule_where;
use super::print_calls::capture;
use crate::builtins;
use crate::output_vars::{self, Arity};
use crate::rule_tree::arity;
use crate::state::{LocalNames, Query, State};
use crate::visit::{
    Node, ScopedVars, VarParams, VarVisitor, Vars, VisitMut, descend_expr, descend_head,
    descend_term, reserved_vars, term_vars, walk,
};

/// Rewrites all modules.
pub fn run(state: &mut State<'_>) {
    for_each_rule_where(state, |has| has.template, &mut |state, rule| {
        if !has_template(rule) {
            return;
        }
        let mut errors = Vec::new();
        let (builtins, tree) = (state.builtins, &state.rule_tree);
        let arity = |path: &[Term]| arity(builtins, tree, path);
        let context = Context {
            arity: &arity,
            is_relation: &|path| is_relation(builtins, path),
            always_defined: &|path| {
                tree.find(path)
                    .is_some_and(|node| node.facts.always_defined)
            },
            rewritten: &state.rewritten_vars,
        };
        let mut safe = ScopedVars::from(&reserved_vars());
        let mut args = VarVisitor::new(VarParams::ALL);
        args.terms(&rule.head.args);
        safe.extend(&args.vars);
        let mut rewriter = Rewriter {
            locals: &mut state.locals,
            context: &context,
            safe,
            errors: &mut errors,
        };
        rewriter.bind(&rule.body);
        for expr in &mut rule.body {
            rewriter.expr(expr);
        }
        // The else chain is a matter of its own; only this head, not its reference.
        rewriter.head(&mut rule.head);
        for error in errors {
            state.error(error);
        }
    });
}

/// Rewrites a query.
pub fn run_query(state: &State<'_>, query: &mut Query) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let context = Context {
        arity: &|path| state.arity(path),
        is_relation: &|path| is_relation(state.builtins, path),
        always_defined: &|path| {
            state
                .rule_tree
                .find(path)
                .is_some_and(|node| node.facts.always_defined)
        },
        rewritten: &query.rewritten_vars,
    };
    let mut rewriter = Rewriter {
        locals: &mut query.locals,
        context: &context,
        safe: ScopedVars::from(&reserved_vars()),
        errors: &mut errors,
    };
    rewriter.bind(&query.body);
    for expr in &mut query.body {
        rewriter.expr(expr);
    }
    errors
}

fn is_relation<'t>(table: &'t regovm_core::builtin::Table, path: &[Term]) -> Option<&'t str> {
    let facts = builtins::facts(table, path)?;
    facts.decl.relation.then_some(facts.decl.name)
}

fn has_template(rule: &Rule) -> bool {
    let mut found = false;
    let mut look = |node: Node<'_>| {
        found |= matches!(node, Node::Term(term) if matches!(term.kind, TermKind::Template(_)));
        found
    };
    walk(Node::Head(&rule.head), &mut look);
    walk(Node::Body(&rule.body), &mut look);
    found
}

type Test<'a, T> = &'a dyn Fn(&[Term]) -> T;

/// What the rewriting asks about the policy.
struct Context<'a> {
    arity: Arity<'a>,
    is_relation: Test<'a, Option<&'a str>>,
    always_defined: Test<'a, bool>,
    rewritten: &'a HashMap<Name, Name>,
}

struct Rewriter<'s> {
    locals: &'s mut LocalNames,
    context: &'s Context<'s>,
    /// Variables that holes may read.
    safe: ScopedVars,
    errors: &'s mut Vec<Diagnostic>,
}

impl Rewriter<'_> {
    fn bind(&mut self, body: &[Expr]) {
        output_vars::add_body(&mut self.safe, body, self.context.arity);
    }

    /// Rewrites a closure's body, and the terms that it collects, with what the body binds.
    fn closure(&mut self, body: &mut [Expr], collected: &mut [&mut Term]) {
        let outside = self.safe.mark();
        self.bind(body);
        let errors_before = self.errors.len();
        for expr in body.iter_mut() {
            self.expr(expr);
        }
        for term in collected.iter_mut() {
            self.template(term);
        }
        self.safe.rewind(outside);
        // A template deeper in a collected term sees only what is bound outside; and where there
        // were errors in the body, OPA finds them once more.
        for term in collected {
            self.term(term);
        }
        if self.errors.len() > errors_before {
            for expr in body.iter_mut() {
                self.expr(expr);
            }
        }
    }

    fn template(&mut self, term: &mut Term) {
        let TermKind::Template(template) = &mut term.kind else {
            return;
        };
        let errors_before = self.errors.len();
        let parts = self.parts(template, term.span);
        if self.errors.len() == errors_before {
            let path = vec![
                Term::var("internal", Span::NONE),
                Term::string("template_string", Span::NONE),
            ];
            let operator = Term::new(TermKind::Ref(path), Span::NONE);
            let parts = Term::new(TermKind::Array(parts), Span::NONE);
            term.kind = TermKind::Call(vec![operator, parts]);
        }
    }

    fn parts(&mut self, template: &TemplateString, span: Span) -> Vec<Term> {
        if template.parts.is_empty() {
            return vec![Term::string("", span)];
        }
        let mut parts = Vec::with_capacity(template.parts.len());
        for part in &template.parts {
            match part {
                TemplatePart::Text(text) => parts.push(text.clone()),
                TemplatePart::Expr(hole) => parts.extend(self.hole(hole)),
            }
        }
        parts
    }

    fn hole(&mut self, hole: &Expr) -> Option<Term> {
        let term = match &hole.kind {
            ExprKind::Call(terms) => {
                let operator = terms.first().and_then(|operator| operator.as_ref());
                if let Some(name) = operator.and_then(|path| (self.context.is_relation)(path)) {
                    self.errors.push(Diagnostic::new(
                        Code::Compile,
                        Span::NONE,
                        format!(
                            "illegal call to relation built-in '{name}' that may cause multiple outputs"
                        ),
                    ));
                    return None;
                }
                // OPA knows no place for these.
                Term::new(TermKind::Call(terms.clone()), Span::NONE)
            }
            ExprKind::Term(term) => term.clone(),
            _ => {
                self.errors.push(Diagnostic::new(
                    Code::Compile,
                    hole.span,
                    "unexpected template-string expression type",
                ));
                return None;
            }
        };
        let plain = match &term.kind {
            TermKind::Ref(path) => (self.context.always_defined)(path),
            TermKind::Var(_) => true,
            _ => false,
        };
        if plain {
            return Some(Term::new(TermKind::Set(vec![term]), Span::NONE));
        }
        let unbound = |name: &str| !self.safe.contains(name);
        for name in &term_vars(&term, VarParams::SAFETY).filter(unbound) {
            let written = self.context.rewritten.get(name).unwrap_or(name);
            let message = format!("var {written} is undeclared");
            self.errors
                .push(Diagnostic::new(Code::Compile, term.span, message));
        }
        Some(capture(self.locals, term, hole.with.clone()))
    }
}

impl VisitMut for Rewriter<'_> {
    fn head(&mut self, head: &mut Head) {
        descend_head(self, head);
    }

    fn expr(&mut self, expr: &mut Expr) {
        if let ExprKind::Every(every) = &mut expr.kind {
            self.template(&mut every.domain);
            let outside = self.safe.mark();
            for term in every.key.iter().chain([&every.value]) {
                self.safe.extend(&term_vars(term, VarParams::ALL));
            }
            self.closure(&mut every.body, &mut []);
            self.safe.rewind(outside);
            self.term(&mut every.domain);
            for with in &mut expr.with {
                self.with(with);
            }
            return;
        }
        descend_expr(self, expr);
    }

    fn term(&mut self, term: &mut Term) {
        self.template(term);
        match &mut term.kind {
            TermKind::ArrayComprehension(inner) | TermKind::SetComprehension(inner) => {
                self.closure(&mut inner.body, &mut [&mut inner.term]);
            }
            TermKind::ObjectComprehension(inner) => {
                self.closure(&mut inner.body, &mut [&mut inner.key, &mut inner.value]);
            }
            _ => descend_term(self, term),
        }
    }
}
