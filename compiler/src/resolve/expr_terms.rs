//! Calls inside terms become expressions of their own with an extra operand for the result:
//! `f(g(x)) == 1` becomes `g(x, __local0__); f(__local0__, __local1__); __local1__ == 1`. References
//! get a variable at their head: `[1, 2][i]` becomes `__local0__ = [1, 2]; __local0__[i]`.

use regovm_parser::ast::{Body, Expr, ExprKind, Rule, Term, TermKind};

use super::{append_to_body, equality, for_each_rule, hoist, push_expr};
use crate::state::{LocalNames, Query, State};

/// Rewrites all modules.
pub fn run(state: &mut State<'_>) {
    for_each_rule(state, &mut |state, rule| {
        let mut flattener = Flattener {
            locals: &mut state.locals,
        };
        flattener.head(rule);
        flattener.body(&mut rule.body);
    });
}

/// Rewrites a query.
pub fn run_query(query: &mut Query) {
    Flattener {
        locals: &mut query.locals,
    }
    .body(&mut query.body);
}

struct Flattener<'s> {
    locals: &'s mut LocalNames,
}

impl Flattener<'_> {
    fn head(&mut self, rule: &mut Rule) {
        let head = &mut rule.head;
        let parts = head.args.iter_mut().chain(head.key.as_deref_mut());
        for term in parts.chain(head.value.as_deref_mut()) {
            let mut support = Vec::new();
            self.term(term, &mut support);
            append_to_body(&mut rule.body, support);
        }
    }

    fn body(&mut self, body: &mut Body) {
        let room = Vec::with_capacity(body.len());
        let old = std::mem::replace(body, room);
        for expr in old {
            let mut support = Vec::new();
            let expr = self.expr(expr, &mut support);
            for expr in support {
                push_expr(body, expr);
            }
            push_expr(body, expr);
        }
    }

    /// The expressions that must stand before this one go to `support`; they run under the same
    /// modifiers, but are never negated.
    fn expr(&mut self, mut expr: Expr, support: &mut Vec<Expr>) -> Expr {
        for with in &mut expr.with {
            self.term(&mut with.value, support);
        }
        let from = support.len();
        match &mut expr.kind {
            ExprKind::Term(term) => self.term(term, support),
            ExprKind::Call(terms) => {
                for term in terms.iter_mut().skip(1) {
                    self.term(term, support);
                }
            }
            ExprKind::Every(every) => {
                let span = every.domain.span;
                let local = self.locals.fresh(span);
                let domain = std::mem::replace(&mut every.domain, local.clone());
                let mut bind = equality(local, domain, span);
                bind.generated = true;
                bind.with = expr.with.clone();
                let bind = self.expr(bind, support);
                support.push(bind);
                self.body(&mut every.body);
                return expr;
            }
            ExprKind::Not(not) => self.body(&mut not.body),
            ExprKind::And(pair) | ExprKind::Or(pair) => {
                self.body(&mut pair.lhs);
                self.body(&mut pair.rhs);
            }
            ExprKind::Some(_) => {}
        }
        if !expr.with.is_empty() {
            for support in &mut support[from..] {
                support.with.clone_from(&expr.with);
            }
        }
        expr
    }

    fn term(&mut self, term: &mut Term, support: &mut Vec<Expr>) {
        match &mut term.kind {
            TermKind::Call(terms) => {
                for operand in terms.iter_mut().skip(1) {
                    self.term(operand, support);
                }
                let output = self.locals.fresh(term.span);
                let mut terms = std::mem::take(terms);
                terms.push(output.clone());
                let mut expr = Expr::new(ExprKind::Call(terms), term.span);
                expr.generated = true;
                support.push(expr);
                *term = output;
            }
            TermKind::Ref(path) => self.reference(path, support),
            TermKind::Array(items) | TermKind::Set(items) => {
                for item in items {
                    self.term(item, support);
                }
            }
            TermKind::Object(members) => {
                for (key, value) in members {
                    self.term(key, support);
                    self.term(value, support);
                }
            }
            TermKind::ArrayComprehension(inner) | TermKind::SetComprehension(inner) => {
                self.collected(&mut inner.term, &mut inner.body);
                self.body(&mut inner.body);
            }
            TermKind::ObjectComprehension(inner) => {
                self.collected(&mut inner.key, &mut inner.body);
                self.collected(&mut inner.value, &mut inner.body);
                self.body(&mut inner.body);
            }
            TermKind::Null
            | TermKind::Boolean(_)
            | TermKind::Number(_)
            | TermKind::String(_)
            | TermKind::Var(_)
            | TermKind::Template(_) => {}
        }
    }

    fn collected(&mut self, term: &mut Term, body: &mut Body) {
        let mut support = Vec::new();
        self.term(term, &mut support);
        append_to_body(body, support);
    }

    fn reference(&mut self, path: &mut [Term], support: &mut Vec<Expr>) {
        for term in path.iter_mut() {
            let subject = matches!(term.kind, TermKind::Call(_)).then(|| term.clone());
            self.term(term, support);
            self.remember(term, subject);
        }
        let Some(head) = path.first_mut() else { return };
        let composite = matches!(
            head.kind,
            TermKind::Array(_)
                | TermKind::Object(_)
                | TermKind::Set(_)
                | TermKind::ArrayComprehension(_)
                | TermKind::SetComprehension(_)
                | TermKind::ObjectComprehension(_)
        );
        if composite {
            let subject = Some(head.clone());
            support.push(hoist(self.locals, head));
            self.remember(head, subject);
        }
    }

    fn remember(&mut self, local: &Term, subject: Option<Term>) {
        if let (Some(name), Some(subject)) = (local.as_var(), subject) {
            self.locals.subjects.insert(name.clone(), subject);
        }
    }
}
