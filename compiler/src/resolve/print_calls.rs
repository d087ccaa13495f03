//! `print(a, b)` is erased, or becomes `internal.print([{x | x = a}, {y | y = b}])`: an operand
//! that is undefined prints as such instead of ending the body.

use hashbrown::HashMap;
use regovm_core::{Code, Diagnostic};
use regovm_parser::ast::{Body, Comprehension, Expr, ExprKind, Name, Rule, Term, TermKind};

use super::{equality, for_each_rule_where, has_closures, push_expr};
use crate::output_vars::{self, Arity, is_operator};
use crate::rule_tree::arity;
use crate::state::{LocalNames, Query, State};
use crate::visit::{
    ScopedVars, VarParams, VarSet, VarVisitor, Vars, VisitMut, descend_expr, descend_term,
    expr_vars, is_generated, reserved_vars, term_vars,
};

/// Rewrites all modules.
pub fn run(state: &mut State<'_>) {
    if !state.options.enable_print {
        let mentions = state.mentions.iter();
        for (module, _) in state
            .modules
            .iter_mut()
            .zip(mentions)
            .filter(|(_, has)| has.print)
        {
            for rule in &mut module.rules {
                Eraser.rule(rule);
            }
        }
        return;
    }
    for_each_rule_where(state, |has| has.print, &mut |state, rule| {
        let mut errors = Vec::new();
        let (builtins, tree) = (state.builtins, &state.rule_tree);
        let arity = |path: &[Term]| arity(builtins, tree, path);
        let mut printer = Printer {
            locals: &mut state.locals,
            rewritten: &state.rewritten_vars,
            arity: &arity,
            errors: &mut errors,
        };
        printer.rule(rule);
        for error in errors {
            state.error(error);
        }
    });
}

/// Rewrites a query.
pub fn run_query(state: &State<'_>, query: &mut Query) -> Vec<Diagnostic> {
    if !state.options.enable_print {
        Eraser.body(&mut query.body);
        return Vec::new();
    }
    let mut errors = Vec::new();
    let arity = |path: &[Term]| state.arity(path);
    let mut printer = Printer {
        locals: &mut query.locals,
        rewritten: &query.rewritten_vars,
        arity: &arity,
        errors: &mut errors,
    };
    printer.body(&mut query.body, &mut ScopedVars::from(&reserved_vars()));
    errors
}

fn is_print(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call(terms) if is_operator(terms, "print"))
}

/// Removes all calls of `print`; a body that has nothing else becomes `true`.
struct Eraser;

impl VisitMut for Eraser {
    fn body(&mut self, body: &mut Body) {
        let span = body.first().map(|expr| expr.span);
        if body.iter().any(is_print) {
            let old = std::mem::take(body);
            for expr in old.into_iter().filter(|expr| !is_print(expr)) {
                push_expr(body, expr);
            }
        }
        if let (true, Some(span)) = (body.is_empty(), span) {
            let nothing = Term::new(TermKind::Boolean(true), span);
            push_expr(body, Expr::new(ExprKind::Term(nothing), span));
        }
        for expr in body {
            self.expr(expr);
        }
    }
}

struct Printer<'s> {
    locals: &'s mut LocalNames,
    rewritten: &'s HashMap<Name, Name>,
    arity: Arity<'s>,
    errors: &'s mut Vec<Diagnostic>,
}

impl Printer<'_> {
    fn rule(&mut self, rule: &mut Rule) {
        let mut globals = ScopedVars::from(&reserved_vars());
        let mut args = VarVisitor::new(VarParams::ALL);
        args.terms(&rule.head.args);
        globals.extend(&args.vars);
        let mut nested = Nested {
            printer: self,
            safe: &mut globals,
        };
        nested.head(&mut rule.head);
        self.body(&mut rule.body, &mut globals);
    }

    fn body(&mut self, body: &mut Body, safe: &mut ScopedVars) {
        let outside = safe.mark();
        let errors_before = self.errors.len();
        for expr in body.iter_mut() {
            if has_closures(expr) {
                let mark = safe.mark();
                let mut nested = Nested {
                    printer: self,
                    safe,
                };
                nested.expr(expr);
                safe.rewind(mark);
            }
            output_vars::add_body(safe, std::slice::from_ref(expr), self.arity);
        }
        safe.rewind(outside);
        if self.errors.len() > errors_before {
            return;
        }
        // Beside `safe`, what stages have made may be printed as soon as it is mentioned.
        let mut made = VarSet::new();
        for expr in body.iter_mut() {
            if is_print(expr) && !self.print(expr, safe, &made) {
                break;
            }
            output_vars::add_body(safe, std::slice::from_ref(expr), self.arity);
            made.extend(&expr_vars(expr, VarParams::ALL).filter(is_generated));
        }
        safe.rewind(outside);
    }

    fn print(&mut self, expr: &mut Expr, safe: &ScopedVars, made: &VarSet) -> bool {
        let ExprKind::Call(terms) = &mut expr.kind else {
            return true;
        };
        let operands = terms.get(1..).unwrap_or_default();
        let errors_before = self.errors.len();
        for operand in operands {
            let unbound = |name: &str| !safe.contains(name) && !made.contains(name);
            for name in &term_vars(operand, VarParams::SAFETY).filter(unbound) {
                let written = self.rewritten.get(name).unwrap_or(name);
                let message = format!("var {written} is undeclared");
                self.errors
                    .push(Diagnostic::new(Code::Compile, operand.span, message));
            }
        }
        if self.errors.len() > errors_before {
            return false;
        }
        let span = expr.span;
        let mut captured = Vec::with_capacity(operands.len());
        for operand in terms.drain(..).skip(1) {
            captured.push(capture(self.locals, operand, Vec::new()));
        }
        let name = |text: &str| Term::string(text, span);
        let operator = TermKind::Ref(vec![Term::var("internal", span), name("print")]);
        let list = Term::new(TermKind::Array(captured), span);
        // Negation and modifiers of the call are lost, as in OPA.
        *expr = Expr {
            index: expr.index,
            ..Expr::new(ExprKind::Call(vec![Term::new(operator, span), list]), span)
        };
        true
    }
}

/// `{x | x = term}`: empty where the term is undefined.
pub(super) fn capture(
    locals: &mut LocalNames,
    term: Term,
    with: Vec<regovm_parser::ast::With>,
) -> Term {
    let span = term.span;
    let local = locals.fresh(span);
    let mut bind = equality(local.clone(), term, span);
    bind.with = with;
    let inner = Comprehension {
        term: local,
        body: vec![bind],
    };
    Term::new(TermKind::SetComprehension(Box::new(inner)), span)
}

/// Finds the bodies of closures; what they can print is what is safe outside, and their own.
struct Nested<'n, 's> {
    printer: &'n mut Printer<'s>,
    safe: &'n mut ScopedVars,
}

impl VisitMut for Nested<'_, '_> {
    fn body(&mut self, body: &mut Body) {
        self.printer.body(body, self.safe);
    }

    fn expr(&mut self, expr: &mut Expr) {
        if let ExprKind::Every(every) = &mut expr.kind {
            for term in every.key.iter().chain([&every.value]) {
                self.safe.extend(&term_vars(term, VarParams::ALL));
            }
        }
        descend_expr(self, expr);
    }

    fn term(&mut self, term: &mut Term) {
        match &mut term.kind {
            TermKind::ArrayComprehension(inner) | TermKind::SetComprehension(inner) => {
                self.body(&mut inner.body);
            }
            TermKind::ObjectComprehension(inner) => self.body(&mut inner.body),
            _ => descend_term(self, term),
        }
    }
}
