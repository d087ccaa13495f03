//! Declared variables get names of their own: `:=` becomes `=`, `some` disappears, every variable
//! that an author declares is `__localN__` from here on, so that shadowing is gone. Finds
//! redeclarations and variables that are declared and never used.

use regovm_core::{Code, Diagnostic, Span};
use regovm_parser::ast::{
    Body, Expr, ExprKind, Head, Name, Rule, TemplatePart, Term, TermKind, With,
};

use regovm_parser::shape::value_name;

use super::refs::add_declared;
use super::scopes::{Occurrence, Scopes};
use super::{append_to_body, is_assignment, is_root_document, is_scalar, operator, push_expr};
use crate::output_vars;
use crate::state::{LocalNames, Query, State};
use crate::text::ref_text;
use crate::visit::{
    NameSet, Node, VarParams, VarSet, VarVisitor, VisitMut, descend_term, expr_vars, is_generated,
    is_wildcard, term_names, term_vars, walk,
};

const ASSIGN_IN_NEGATED: &str = "cannot assign vars inside negated expression";
const ASSIGN_IN_AND: &str = "cannot assign vars inside implicit and operand";
const ASSIGN_IN_OR: &str = "cannot assign vars inside implicit or operand";

/// Rewrites all rules.
pub fn run(state: &mut State<'_>) {
    let mut modules = std::mem::take(&mut state.modules);
    for module in &mut modules {
        for rule in &mut module.rules {
            rewrite_chain(state, rule);
        }
    }
    state.modules = modules;
}

/// Rewrites a query.
pub fn run_query(state: &mut State<'_>, query: &mut Query) -> Vec<Diagnostic> {
    let mut rewriter = Rewriter::new(&mut query.locals, state.options.strict, Scopes::default());
    query.body = rewriter.body(std::mem::take(&mut query.body), &VarSet::new());
    let mut errors = std::mem::take(&mut rewriter.errors);
    errors.append(&mut rewriter.unused);
    query.rewritten_vars = rewriter.rewritten.into_iter().collect();
    errors
}

/// A rule and its else chain: they share arguments.
fn rewrite_chain(state: &mut State<'_>, first: &mut Rule) {
    let strict = state.options.strict;
    let mut unused_args = VarSet::new();
    if strict {
        let mut visitor = VarVisitor::new(VarParams::ALL);
        visitor.terms(&first.head.args);
        unused_args = visitor.vars;
    }
    let mut args = ArgScope {
        locals: &mut state.locals,
        scope: Scopes::default(),
        errors: vec![],
    };
    for arg in &mut first.head.args {
        args.term(arg);
    }
    let ArgScope { scope, errors, .. } = args;
    for error in errors {
        state.error(error);
    }
    let head_span = first.head.span;
    let mut next = Some(first);
    while let Some(rule) = next {
        let done = rewrite_rule(state, rule, &scope, &mut unused_args);
        if done.errors.into_iter().any(|error| !state.error(error)) {
            return;
        }
        if done
            .unused
            .into_iter()
            .any(|error| !state.recoverable(error))
        {
            return;
        }
        for binding in done.scope.innermost() {
            if binding.count > 1 {
                unused_args.remove(&binding.name);
            }
        }
        next = rule.else_rule.as_deref_mut();
    }
    for arg in unused_args.iter().filter(|arg| !is_wildcard(arg)) {
        let message = format!("unused argument {arg}. (hint: use _ (wildcard variable) instead)");
        if !state.recoverable(Diagnostic::new(Code::Compile, head_span, message)) {
            return;
        }
    }
}

/// What is left after a rule.
struct Done {
    errors: Vec<Diagnostic>,
    unused: Vec<Diagnostic>,
    scope: Scopes,
}

fn rewrite_rule(
    state: &mut State<'_>,
    rule: &mut Rule,
    args: &Scopes,
    unused_args: &mut VarSet,
) -> Done {
    let strict = state.options.strict;
    let has_vars = head_may_have_vars(&rule.head);
    let mut used = VarSet::new();
    if has_vars {
        // Comprehensions in the head have scopes of their own, and come first.
        let mut nested = HeadClosures {
            state,
            errors: vec![],
            unused: vec![],
            strict,
        };
        nested.head(&mut rule.head);
        let HeadClosures { errors, unused, .. } = nested;
        for error in errors {
            state.error(error);
        }
        for error in unused {
            state.recoverable(error);
        }
        used = head_uses(&rule.head, unused_args);
    }
    let mut scope = args.clone();
    shadow_builtins(state, rule, &mut scope);
    let mut rewriter = Rewriter::new(&mut state.locals, strict, scope);
    for binding in rewriter.scopes.innermost() {
        if binding.name != binding.to {
            let renamed = (binding.to.clone(), binding.name.clone());
            rewriter.rewritten.push(renamed);
        }
    }
    rule.body = rewriter.body(std::mem::take(&mut rule.body), &used);
    let Rewriter {
        scopes: scope,
        rewritten,
        errors,
        unused,
        ..
    } = rewriter;
    state.rewritten_vars.extend(rewritten);
    if has_vars {
        let mut rename = RenameDeclared { scope: &scope };
        for arg in &mut rule.head.args {
            rename.term(arg);
        }
        for term in rule.head.reference.iter_mut().skip(1) {
            rename.term(term);
        }
        if let Some(key) = &mut rule.head.key {
            rename.term(key);
        }
        if let Some(value) = &mut rule.head.value {
            rename.term(value);
        }
    }
    Done {
        errors,
        unused,
        scope,
    }
}

fn head_may_have_vars(head: &Head) -> bool {
    let parts = head
        .args
        .iter()
        .chain(head.key.as_deref())
        .chain(head.value.as_deref());
    parts
        .chain(head.reference.iter().skip(1))
        .any(|term| !is_scalar(term))
}

/// The variables of `some key, value in domain` that the domain reads too.
fn assigned_before<'a>(key: &'a Term, value: &'a Term, domain: &Term) -> Vec<&'a Name> {
    let params = VarParams {
        skip_ref_head: true,
        skip_object_keys: true,
        skip_closures: true,
        ..VarParams::ALL
    };
    let mut bound = VarVisitor::collecting(params, NameSet::new());
    bound.term(key);
    bound.term(value);
    let params = VarParams {
        skip_closures: true,
        ..VarParams::ALL
    };
    let read = term_names(domain, params);
    bound
        .vars
        .retain(|name| read.contains(name) && !is_wildcard(name));
    bound.vars.sorted()
}

/// The variables that the head reads from the body. An argument in the value counts as used.
fn head_uses(head: &Head, unused_args: &mut VarSet) -> VarSet {
    let mut visitor = VarVisitor::new(VarParams::ALL);
    visitor.terms(head.reference.get(1..).unwrap_or_default());
    if let Some(key) = &head.key {
        visitor.term(key);
    }
    if let Some(value) = &head.value {
        let vars = term_vars(value, VarParams::ALL);
        for name in &vars {
            unused_args.remove(name);
        }
        visitor.vars.extend(&vars);
    }
    visitor.vars
}

/// A variable may have the name of a built-in. Later stages would take one for the other, so such
/// variables get new names too, unless they only stand in `with` (which may mock the built-in).
fn shadow_builtins(state: &mut State<'_>, rule: &Rule, scope: &mut Scopes) {
    let params = VarParams {
        skip_ref_call_head: true,
        skip_closures: true,
        ..VarParams::ALL
    };
    let mut mentioned = VarVisitor::collecting(params, NameSet::new());
    mentioned.body(&rule.body);
    mentioned
        .vars
        .retain(|name| crate::builtins::is_builtin(state.builtins, name));
    let mut candidates: Vec<Name> = mentioned.vars.sorted().into_iter().cloned().collect();
    if candidates.is_empty() {
        return;
    }
    let declared = super::refs::declared_in_body(&rule.body);
    let mut in_with = VarVisitor::new(VarParams {
        skip_ref_call_head: true,
        ..VarParams::ALL
    });
    walk(Node::Rule(rule), &mut |node| {
        if let Node::With(with) = node {
            in_with.term(&with.target);
            in_with.term(&with.value);
        }
        false
    });
    candidates.retain(|name| {
        !declared.contains(name) && !in_with.vars.contains(name) && scope.find(name).is_none()
    });
    for name in candidates {
        let to = state.locals.fresh_name();
        scope.bind(name, to, Occurrence::Seen);
    }
}

/// Renames formal arguments.
struct ArgScope<'s> {
    locals: &'s mut LocalNames,
    scope: Scopes,
    errors: Vec<Diagnostic>,
}

impl ArgScope<'_> {
    fn term(&mut self, term: &mut Term) {
        match &mut term.kind {
            TermKind::Var(name) => {
                if let Some(binding) = self.scope.find_mut(name) {
                    binding.count += 1;
                    *name = binding.to.clone();
                } else {
                    let to = self.locals.fresh_name();
                    self.scope
                        .bind(name.clone(), to.clone(), Occurrence::Argument);
                    *name = to;
                }
            }
            // Keys are not matched as patterns.
            TermKind::Object(members) => {
                for (_, value) in members {
                    self.term(value);
                }
            }
            TermKind::Array(items) | TermKind::Ref(items) => {
                for item in items {
                    self.term(item);
                }
            }
            TermKind::Call(_) => self.errors.push(Diagnostic::new(
                Code::Compile,
                term.span,
                "rule arguments cannot contain calls",
            )),
            _ => {}
        }
    }
}

/// Rewrites the closures of a head, each in a scope of its own.
struct HeadClosures<'s, 'c> {
    state: &'s mut State<'c>,
    errors: Vec<Diagnostic>,
    unused: Vec<Diagnostic>,
    strict: bool,
}

impl VisitMut for HeadClosures<'_, '_> {
    fn term(&mut self, term: &mut Term) {
        let closure = matches!(
            term.kind,
            TermKind::ArrayComprehension(_)
                | TermKind::SetComprehension(_)
                | TermKind::ObjectComprehension(_)
                | TermKind::Template(_)
        );
        if !closure {
            descend_term(self, term);
            return;
        }
        let mut rewriter = Rewriter::new(&mut self.state.locals, self.strict, Scopes::default());
        // Errors of one closure hide the unused variables of the next, as within one body.
        rewriter.errors = std::mem::take(&mut self.errors);
        match &mut term.kind {
            TermKind::Template(template) => {
                for part in &mut template.parts {
                    if let TemplatePart::Expr(expr) = part {
                        rewriter.scopes.push();
                        rewriter.rename_in_expr(expr, Pass::First);
                        rewriter.scopes.pop();
                    }
                }
            }
            _ => rewriter.comprehension(term, Pass::First),
        }
        let Rewriter {
            rewritten,
            errors,
            unused,
            ..
        } = rewriter;
        self.errors = errors;
        self.unused.extend(unused);
        self.state.rewritten_vars.extend(rewritten);
    }
}

/// Gives the head the names that its body declared.
struct RenameDeclared<'s> {
    scope: &'s Scopes,
}

impl VisitMut for RenameDeclared<'_> {
    fn term(&mut self, term: &mut Term) {
        if let TermKind::Var(name) = &mut term.kind {
            if let Some(binding) = self.scope.find(name) {
                *name = binding.to.clone();
            }
            return;
        }
        descend_term(self, term);
    }
}

/// A body of `every`, `not`, `and`, `or` is met twice: by its statement, and again as a part of the
/// expression, when names that are declared *after* a closure reach into it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    First,
    Again,
}

struct Rewriter<'s> {
    locals: &'s mut LocalNames,
    strict: bool,
    scopes: Scopes,
    /// Generated names, and what the author wrote.
    rewritten: Vec<(Name, Name)>,
    errors: Vec<Diagnostic>,
    unused: Vec<Diagnostic>,
}

impl<'s> Rewriter<'s> {
    fn new(locals: &'s mut LocalNames, strict: bool, scopes: Scopes) -> Rewriter<'s> {
        Rewriter {
            locals,
            strict,
            scopes,
            rewritten: Vec::new(),
            errors: Vec::new(),
            unused: Vec::new(),
        }
    }

    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.errors
            .push(Diagnostic::new(Code::Compile, span, message));
    }

    /// Declares a variable in the innermost scope.
    fn declare(&mut self, name: &Name, occurrence: Occurrence) -> Result<Name, String> {
        if let Some(binding) = self.scopes.find_innermost(name) {
            return Err(match binding.occurrence {
                Occurrence::Seen => format!("var {name} referenced above"),
                Occurrence::Assigned => format!("var {name} assigned above"),
                Occurrence::Declared => format!("var {name} declared above"),
                Occurrence::Argument => format!("arg {name} redeclared"),
            });
        }
        let to = self.locals.fresh_name();
        self.rewritten.push((to.clone(), name.clone()));
        self.scopes.bind(name.clone(), to.clone(), occurrence);
        Ok(to)
    }

    fn body(&mut self, body: Body, used: &VarSet) -> Body {
        let first_span = body.first().map_or(Span::NONE, |expr| expr.span);
        // Where variables are declared, by the names of the author: the search for the place of an
        // unused one needs what the expressions were before they are rewritten.
        let mut declared_by: Vec<(Span, VarSet)> = Vec::with_capacity(body.len());
        let mut result = Body::with_capacity(body.len());
        for mut expr in body {
            let mut declared = VarSet::new();
            add_declared(&expr, &mut declared);
            declared_by.push((expr.span, declared));
            if self.statement(&mut expr) {
                push_expr(&mut result, expr);
            }
        }
        if result.is_empty() {
            // A body of declarations only says nothing.
            let nothing = Term::new(TermKind::Boolean(true), Span::NONE);
            append_to_body(
                &mut result,
                [Expr::new(ExprKind::Term(nothing), Span::NONE)],
            );
        }
        self.check_unused_assigned(&result, used, first_span);
        self.check_unused_declared(&result, used, first_span, &declared_by);
        result
    }

    /// Rewrites an expression of a body; false if nothing is left of it.
    fn statement(&mut self, expr: &mut Expr) -> bool {
        if is_assignment(expr) {
            self.assignment(expr);
            return true;
        }
        match &expr.kind {
            ExprKind::Some(_) => self.some(expr),
            ExprKind::Every(_) => self.every(expr),
            ExprKind::Not(_) => {
                self.not(expr);
                true
            }
            ExprKind::And(_) | ExprKind::Or(_) => {
                self.logical(expr);
                true
            }
            ExprKind::Term(_) | ExprKind::Call(_) => {
                self.rename_in_expr(expr, Pass::First);
                true
            }
        }
    }

    fn assignment(&mut self, expr: &mut Expr) {
        if expr.negated {
            self.error(expr.span, ASSIGN_IN_NEGATED);
            return;
        }
        let errors_before = self.errors.len();
        let ExprKind::Call(terms) = &mut expr.kind else {
            return;
        };
        let [op, left, right] = terms.as_mut_slice() else {
            return;
        };
        // The right side comes first: it cannot see what the left side declares.
        self.rename(right, Pass::First);
        for with in &mut expr.with {
            self.rename(&mut with.value, Pass::First);
        }
        self.assign_pattern(left);
        if self.errors.len() == errors_before {
            let span = match &op.kind {
                TermKind::Ref(path) => path.first().map_or(op.span, |term| term.span),
                _ => op.span,
            };
            *op = operator("eq", span);
            expr.from_assignment = true;
        }
    }

    fn assign_pattern(&mut self, term: &mut Term) {
        let what = match &mut term.kind {
            TermKind::Var(name) => {
                match self.declare(name, Occurrence::Assigned) {
                    Ok(to) => *name = to,
                    Err(message) => self.error(term.span, message),
                }
                return;
            }
            TermKind::Array(items) => {
                for item in items {
                    self.assign_pattern(item);
                }
                return;
            }
            TermKind::Object(members) => {
                for (_, value) in members {
                    self.assign_pattern(value);
                }
                return;
            }
            TermKind::Ref(path) => {
                let name = path.first().and_then(Term::as_var).cloned();
                if let (true, Some(name)) = (is_root_document(term), name) {
                    match self.declare(&name, Occurrence::Assigned) {
                        Ok(to) => term.kind = TermKind::Var(to),
                        Err(message) => self.error(term.span, message),
                    }
                    return;
                }
                "ref"
            }
            kind => value_name(kind),
        };
        self.error(term.span, format!("cannot assign to {what}"));
    }

    /// `some x, y` only declares; `some k, v in xs` becomes `v = xs[k]`.
    fn some(&mut self, expr: &mut Expr) -> bool {
        let span = expr.span;
        let ExprKind::Some(symbols) = &mut expr.kind else {
            return false;
        };
        for symbol in std::mem::take(symbols) {
            match symbol.kind {
                TermKind::Var(name) => {
                    if let Err(message) = self.declare(&name, Occurrence::Declared) {
                        self.error(span, message);
                        return false;
                    }
                }
                TermKind::Call(terms) => return self.some_in(expr, terms),
                _ => {}
            }
        }
        false
    }

    fn some_in(&mut self, expr: &mut Expr, terms: Vec<Term>) -> bool {
        let mut terms = terms.into_iter().skip(1);
        let (key, value, domain) = match (terms.next(), terms.next(), terms.next()) {
            (Some(key), Some(value), Some(domain)) => (key, value, domain),
            (Some(value), Some(domain), None) => (self.locals.fresh(Span::NONE), value, domain),
            _ => return false,
        };
        let errors_before = self.errors.len();
        for name in assigned_before(&key, &value, &domain) {
            self.error(expr.span, format!("var {name} assigned before"));
        }
        if self.errors.len() > errors_before {
            return false;
        }
        let domain_vars = term_vars(&domain, VarParams::ALL);
        let mut path = match domain {
            Term {
                kind: TermKind::Ref(path),
                ..
            } => path,
            other => vec![other],
        };
        path.push(key);
        let span = expr.span;
        let member = Term::new(TermKind::Ref(path), span);
        expr.kind = ExprKind::Call(vec![operator("eq", Span::NONE), value, member]);
        // Negation and modifiers do not matter here.
        let sides = output_vars::equality_operands(expr);
        let outputs = sides.map(|sides| output_vars::of_equality(sides, false, &[], &domain_vars));
        for name in outputs.unwrap_or_default().sorted() {
            if let Err(message) = self.declare(name, Occurrence::Declared) {
                self.error(span, message);
                return false;
            }
        }
        self.rename_in_expr(expr, Pass::First);
        true
    }

    fn every(&mut self, expr: &mut Expr) -> bool {
        let ExprKind::Every(every) = &mut expr.kind else {
            return true;
        };
        self.rename(&mut every.domain, Pass::First);
        self.scopes.push();
        let declared = match &mut every.key {
            Some(key) => self.declare_every_var(key),
            None => {
                every.key = Some(self.locals.fresh(Span::NONE));
                true
            }
        };
        let declared = declared && self.declare_every_var(&mut every.value);
        if declared {
            let body = std::mem::take(&mut every.body);
            every.body = self.body(body, &VarSet::new());
            self.rename_in_expr(expr, Pass::First);
        }
        self.scopes.pop();
        declared
    }

    fn declare_every_var(&mut self, term: &mut Term) -> bool {
        let TermKind::Var(name) = &mut term.kind else {
            return true;
        };
        if is_wildcard(name) {
            return true;
        }
        match self.declare(name, Occurrence::Declared) {
            Ok(to) => {
                *name = to;
                true
            }
            Err(message) => {
                // OPA knows no place for these.
                self.error(Span::NONE, message);
                false
            }
        }
    }

    /// Only bodies in braces may declare variables.
    fn not(&mut self, expr: &mut Expr) {
        let ExprKind::Not(not) = &mut expr.kind else {
            return;
        };
        if not.explicit {
            self.scopes.push();
            let body = std::mem::take(&mut not.body);
            not.body = self.body(body, &VarSet::new());
            self.rename_in_expr(expr, Pass::First);
            self.scopes.pop();
            return;
        }
        let errors_before = self.errors.len();
        self.implicit_body(&mut not.body, ASSIGN_IN_NEGATED);
        if self.errors.len() == errors_before {
            self.rename_in_expr(expr, Pass::First);
        }
    }

    fn logical(&mut self, expr: &mut Expr) {
        let errors_before = self.errors.len();
        let (pair, message) = match &mut expr.kind {
            ExprKind::And(pair) => (pair, ASSIGN_IN_AND),
            ExprKind::Or(pair) => (pair, ASSIGN_IN_OR),
            _ => return,
        };
        for (body, explicit) in [
            (&mut pair.lhs, pair.explicit_lhs),
            (&mut pair.rhs, pair.explicit_rhs),
        ] {
            if explicit {
                self.scopes.push();
                let old = std::mem::take(body);
                *body = self.body(old, &VarSet::new());
                self.scopes.pop();
            } else {
                self.implicit_body(body, message);
            }
        }
        if self.errors.len() == errors_before {
            self.rename_in_expr(expr, Pass::First);
        }
    }

    fn implicit_body(&mut self, body: &mut Body, message: &str) {
        for expr in body {
            if is_assignment(expr) {
                self.error(expr.span, message);
                continue;
            }
            match &expr.kind {
                ExprKind::Not(_) => self.not(expr),
                ExprKind::And(_) | ExprKind::Or(_) => self.logical(expr),
                _ => {}
            }
        }
    }

    /// Renames the variables of an expression. Bodies in it that their statements have rewritten
    /// are passed over again only for names that the enclosing scopes declare.
    fn rename_in_expr(&mut self, expr: &mut Expr, pass: Pass) {
        match &mut expr.kind {
            ExprKind::Term(term) => self.rename(term, pass),
            ExprKind::Call(terms) | ExprKind::Some(terms) => {
                for term in terms {
                    self.rename(term, pass);
                }
            }
            ExprKind::Every(every) => {
                if let Some(key) = &mut every.key {
                    self.rename(key, Pass::Again);
                }
                self.rename(&mut every.value, Pass::Again);
                self.rename(&mut every.domain, Pass::Again);
                self.rename_in_body(&mut every.body, Pass::Again);
            }
            ExprKind::Not(not) => {
                let pass = if not.explicit { Pass::Again } else { pass };
                self.rename_in_body(&mut not.body, pass);
            }
            ExprKind::And(pair) | ExprKind::Or(pair) => {
                let left = if pair.explicit_lhs { Pass::Again } else { pass };
                self.rename_in_body(&mut pair.lhs, left);
                let right = if pair.explicit_rhs { Pass::Again } else { pass };
                self.rename_in_body(&mut pair.rhs, right);
            }
        }
        for with in &mut expr.with {
            self.rename_with(with, pass);
        }
    }

    fn rename_in_body(&mut self, body: &mut Body, pass: Pass) {
        for expr in body {
            let nested = matches!(
                expr.kind,
                ExprKind::Not(_) | ExprKind::And(_) | ExprKind::Or(_)
            );
            self.rename_in_expr(expr, if nested { Pass::Again } else { pass });
        }
    }

    /// `input` in a target is the document even where a variable shadows it.
    fn rename_with(&mut self, with: &mut With, pass: Pass) {
        self.rename(&mut with.target, pass);
        if let Some(shadow) = self.scopes.find("input").map(|binding| binding.to.clone()) {
            match &mut with.target.kind {
                TermKind::Var(name) if *name == shadow => {
                    let input = Term::var("input", with.target.span);
                    with.target.kind = TermKind::Ref(vec![input]);
                }
                TermKind::Ref(path) => {
                    if let Some(Term {
                        kind: TermKind::Var(name),
                        ..
                    }) = path.first_mut()
                        && *name == shadow
                    {
                        *name = "input".into();
                    }
                }
                _ => {}
            }
        }
        self.rename(&mut with.value, pass);
    }

    /// Renames the variables of a term and notes those that nothing has declared so far.
    fn rename(&mut self, term: &mut Term, pass: Pass) {
        match &mut term.kind {
            TermKind::Var(name) => {
                if let Some(binding) = self.scopes.find_mut(name) {
                    binding.count += 1;
                    *name = binding.to.clone();
                } else {
                    self.scopes
                        .bind(name.clone(), name.clone(), Occurrence::Seen);
                }
            }
            TermKind::Ref(path) => {
                if let [
                    Term {
                        kind: TermKind::Var(name),
                        ..
                    },
                ] = path.as_slice()
                    && matches!(&**name, "input" | "data")
                {
                    let shadow = self
                        .scopes
                        .find(name)
                        .filter(|b| b.occurrence != Occurrence::Seen);
                    if let Some(binding) = shadow {
                        term.kind = TermKind::Var(binding.to.clone());
                    }
                } else {
                    for term in path {
                        self.rename(term, pass);
                    }
                }
            }
            TermKind::Call(terms) => {
                self.check_operator(terms, term.span);
                for term in terms {
                    self.rename(term, pass);
                }
            }
            TermKind::Array(items) | TermKind::Set(items) => {
                for item in items {
                    self.rename(item, pass);
                }
            }
            TermKind::Object(members) => {
                for (key, value) in members {
                    self.rename(key, pass);
                    self.rename(value, pass);
                }
            }
            TermKind::ArrayComprehension(_)
            | TermKind::SetComprehension(_)
            | TermKind::ObjectComprehension(_) => self.comprehension(term, pass),
            TermKind::Template(template) => {
                for part in &mut template.parts {
                    if let TemplatePart::Expr(expr) = part {
                        self.rename_in_expr(expr, pass);
                    }
                }
            }
            TermKind::Null | TermKind::Boolean(_) | TermKind::Number(_) | TermKind::String(_) => {}
        }
    }

    /// Functions are no values: a variable cannot be called.
    fn check_operator(&mut self, terms: &[Term], span: Span) {
        let Some(operator) = terms.first() else {
            return;
        };
        for name in term_names(operator, VarParams::ALL).sorted() {
            if self
                .scopes
                .find(name)
                .is_some_and(|binding| binding.to != *name)
            {
                let path = match &operator.kind {
                    TermKind::Ref(path) => ref_text(path),
                    _ => crate::text::term_text(operator),
                };
                self.error(span, format!("called function {path} shadowed"));
            }
        }
    }

    fn comprehension(&mut self, term: &mut Term, pass: Pass) {
        self.scopes.push();
        match &mut term.kind {
            TermKind::ArrayComprehension(inner) | TermKind::SetComprehension(inner) => {
                let used = term_vars(&inner.term, VarParams::ALL);
                self.closure_body(&mut inner.body, &used, pass);
                self.rename(&mut inner.term, pass);
            }
            TermKind::ObjectComprehension(inner) => {
                let mut used = term_vars(&inner.key, VarParams::ALL);
                used.extend(&term_vars(&inner.value, VarParams::ALL));
                self.closure_body(&mut inner.body, &used, pass);
                self.rename(&mut inner.key, pass);
                self.rename(&mut inner.value, pass);
            }
            _ => {}
        }
        self.scopes.pop();
    }

    fn closure_body(&mut self, body: &mut Body, used: &VarSet, pass: Pass) {
        if pass == Pass::First {
            let old = std::mem::take(body);
            *body = self.body(old, used);
        } else {
            self.rename_in_body(body, pass);
        }
    }

    /// The generated name of what the head or the collected term uses.
    fn used_names(&self, used: &VarSet) -> VarSet {
        used.iter()
            .map(|name| {
                self.scopes
                    .find(name)
                    .map_or_else(|| name.clone(), |b| b.to.clone())
            })
            .collect()
    }

    fn check_unused_assigned(&mut self, body: &[Expr], used: &VarSet, first_span: Span) {
        if !self.strict || !self.errors.is_empty() || !self.unused.is_empty() {
            return;
        }
        let used = self.used_names(used);
        let mut found = Vec::new();
        for binding in self.scopes.of(Occurrence::Assigned) {
            let (to, name) = (&binding.to, &binding.name);
            if is_wildcard(name) || binding.count > 1 || used.contains(to) {
                continue;
            }
            let place = body
                .iter()
                .find(|expr| expr_vars(expr, VarParams::ALL).contains(to));
            let span = place.map_or(first_span, |expr| expr.span);
            let message = format!("assigned var {name} unused");
            found.push(Diagnostic::new(Code::Compile, span, message));
        }
        self.unused.extend(found);
    }

    fn check_unused_declared(
        &mut self,
        body: &[Expr],
        used: &VarSet,
        first_span: Span,
        declared_by: &[(Span, VarSet)],
    ) {
        if !self.errors.is_empty() || !self.unused.is_empty() {
            return;
        }
        let declared = self.scopes.of(Occurrence::Declared);
        if declared.is_empty() {
            return;
        }
        let used_names = self.used_names(used);
        let mut mentioned = VarVisitor::collecting(VarParams::ALL, NameSet::new());
        mentioned.body(body);
        let mentioned = mentioned.vars;
        let mut found = Vec::new();
        for binding in declared {
            let (to, name) = (&binding.to, &binding.name);
            if mentioned.contains(to)
                || used_names.contains(to)
                || used.contains(to)
                || is_generated(name)
            {
                continue;
            }
            let place = declared_by.iter().find(|(_, vars)| vars.contains(name));
            let span = place.map_or(first_span, |(span, _)| *span);
            let message = format!("declared var {name} unused");
            found.push(Diagnostic::new(Code::Compile, span, message));
        }
        self.unused.extend(found);
    }
}
