//! References and comprehensions inside other terms move to variables before the expression:
//! `f(data.x)` becomes `__local0__ = data.x; f(__local0__)`. Only the two sides of `=` and the term
//! of an expression may be references or comprehensions themselves.

use regovm_parser::ast::{Body, Expr, ExprKind, Term, TermKind, With};

use super::{for_each_rule, hoist, push_expr};
use crate::output_vars::{equality_operands, is_operator};
use crate::state::{LocalNames, Query, State};

/// Rewrites all modules.
pub fn run(state: &mut State<'_>) {
    for_each_rule(state, &mut |state, rule| {
        Hoister {
            locals: &mut state.locals,
        }
        .body(&mut rule.body);
    });
}

/// Rewrites a query.
pub fn run_query(query: &mut Query) {
    Hoister {
        locals: &mut query.locals,
    }
    .body(&mut query.body);
}

struct Hoister<'s> {
    locals: &'s mut LocalNames,
}

impl Hoister<'_> {
    fn body(&mut self, body: &mut Body) {
        let room = Vec::with_capacity(body.len());
        let old = std::mem::replace(body, room);
        for mut expr in old {
            self.expr(&mut expr, body);
            push_expr(body, expr);
        }
    }

    fn expr(&mut self, expr: &mut Expr, out: &mut Body) {
        let is_equality = equality_operands(expr).is_some();
        let with = &expr.with;
        match &mut expr.kind {
            ExprKind::Call(terms) if is_equality => {
                for term in terms.iter_mut().skip(1) {
                    self.outer(term, with, out);
                }
            }
            ExprKind::Call(terms) if is_operator(terms, "eq") => {}
            ExprKind::Call(terms) => {
                for term in terms.iter_mut().skip(1) {
                    self.inner(term, with, out);
                }
            }
            ExprKind::Term(term) => self.outer(term, with, out),
            ExprKind::Every(every) => {
                self.inner(&mut every.domain, with, out);
                self.body(&mut every.body);
            }
            ExprKind::Not(not) => self.body(&mut not.body),
            ExprKind::And(pair) | ExprKind::Or(pair) => {
                self.body(&mut pair.lhs);
                self.body(&mut pair.rhs);
            }
            ExprKind::Some(_) => {}
        }
    }

    /// A term that may stay what it is; its parts may not.
    fn outer(&mut self, term: &mut Term, with: &[With], out: &mut Body) {
        match &mut term.kind {
            TermKind::Ref(path) => {
                for term in path.iter_mut().skip(1) {
                    self.bracket(term, with, out);
                }
            }
            TermKind::ArrayComprehension(inner) | TermKind::SetComprehension(inner) => {
                self.body(&mut inner.body);
            }
            TermKind::ObjectComprehension(inner) => self.body(&mut inner.body),
            _ => self.inner(term, with, out),
        }
    }

    fn inner(&mut self, term: &mut Term, with: &[With], out: &mut Body) {
        match &mut term.kind {
            TermKind::Ref(path) => {
                for term in path.iter_mut().skip(1) {
                    self.bracket(term, with, out);
                }
                let subject = term.clone();
                self.move_out(term, with, out);
                self.remember(term, subject);
            }
            TermKind::Array(items) | TermKind::Set(items) => {
                for item in items {
                    self.inner(item, with, out);
                }
            }
            TermKind::Object(members) => {
                for (key, value) in members {
                    self.inner(key, with, out);
                    self.inner(value, with, out);
                }
            }
            TermKind::ArrayComprehension(inner) | TermKind::SetComprehension(inner) => {
                self.body(&mut inner.body);
                self.move_out(term, with, out);
            }
            TermKind::ObjectComprehension(inner) => {
                self.body(&mut inner.body);
                self.move_out(term, with, out);
            }
            TermKind::Null
            | TermKind::Boolean(_)
            | TermKind::Number(_)
            | TermKind::String(_)
            | TermKind::Var(_)
            | TermKind::Call(_)
            | TermKind::Template(_) => {}
        }
    }

    /// A term in the brackets of a reference: type errors show what stood there.
    fn bracket(&mut self, term: &mut Term, with: &[With], out: &mut Body) {
        let comprehension = matches!(
            term.kind,
            TermKind::ArrayComprehension(_)
                | TermKind::SetComprehension(_)
                | TermKind::ObjectComprehension(_)
        );
        let subject = comprehension.then(|| term.clone());
        self.inner(term, with, out);
        if let Some(subject) = subject {
            self.remember(term, subject);
        }
    }

    fn move_out(&mut self, term: &mut Term, with: &[With], out: &mut Body) {
        let mut expr = hoist(self.locals, term);
        expr.with = with.to_vec();
        push_expr(out, expr);
    }

    fn remember(&mut self, local: &Term, subject: Term) {
        if let Some(name) = local.as_var() {
            self.locals.subjects.insert(name.clone(), subject);
        }
    }
}
