//! The value of every expression of a query is kept in a variable `$termN`, because an answer shows
//! it: `data.a.p` becomes `data.a.p = $term1`, `1 < 2` becomes `lt(1, 2, $term1)`.

use regovm_parser::ast::{Body, Expr, ExprKind, Name, Term, TermKind};

use super::{is_assignment, operator, push_expr};
use crate::builtins;
use crate::output_vars::is_operator;
use crate::rule_tree::dotted_name;
use crate::state::{Answer, AnswerExpr, Query, State};
use crate::visit::{Node, VarParams, is_generated, is_wildcard, walk};

/// Captures the values of a query whose names are resolved.
pub fn run(state: &State<'_>, query: &mut Query) {
    let body = &mut query.body;
    // A value of `false` is an answer of a query that is one expression without iteration; in any
    // other query it ends that solution.
    let check = body.len() > 1 || iterates(state, body);
    let mut checks = Vec::new();
    // OPA counts from one.
    let mut next = 1;
    for expr in body.iter_mut() {
        if expr.negated || is_assignment(expr) {
            continue;
        }
        let capture = Term::var(format!("$term{next}").as_str(), expr.span);
        if !append_capture(state, expr, &capture) {
            continue;
        }
        next += 1;
        if check {
            let mut expr = Expr::new(ExprKind::Term(capture), expr.span);
            expr.generated = true;
            checks.push(expr);
        }
    }
    for expr in checks {
        push_expr(body, expr);
    }
}

/// Adds the capture to an expression that has a value of its own; false if it has none.
fn append_capture(state: &State<'_>, expr: &mut Expr, capture: &Term) -> bool {
    match &mut expr.kind {
        ExprKind::Term(term) => {
            let span = term.span;
            let term = std::mem::replace(term, capture.clone());
            expr.kind = ExprKind::Call(vec![operator("eq", span), term, capture.clone()]);
            true
        }
        ExprKind::Call(terms) => {
            let arity = match terms.first().map(|operator| &operator.kind) {
                _ if is_operator(terms, "eq") => None,
                Some(TermKind::Ref(path)) => value_arity(state, path),
                _ => None,
            };
            if arity != Some(terms.len() - 1) {
                return false;
            }
            terms.push(capture.clone());
            true
        }
        _ => false,
    }
}

/// Number of arguments of a function that has a result.
fn value_arity(state: &State<'_>, path: &[Term]) -> Option<usize> {
    if let Some(facts) = builtins::facts(state.builtins, path) {
        return (!facts.void).then_some(facts.arity);
    }
    let node = state
        .rule_tree
        .find(path)
        .filter(|node| node.facts.has_function)?;
    Some(node.facts.arity)
}

/// True if a query can have more than one solution, as far as its form tells.
fn iterates(state: &State<'_>, body: &Body) -> bool {
    let mut found = false;
    walk(Node::Body(body), &mut |node| {
        if let Node::Term(term) = node {
            match &term.kind {
                TermKind::ArrayComprehension(_)
                | TermKind::SetComprehension(_)
                | TermKind::ObjectComprehension(_) => return true,
                TermKind::Ref(path) => {
                    let relation = dotted_name(path)
                        .and_then(|name| builtins::named(state.builtins, &name))
                        .is_some_and(|facts| facts.decl.relation);
                    found |= relation || path.iter().skip(1).any(|term| term.as_var().is_some());
                }
                _ => {}
            }
        }
        found
    });
    found
}

/// Notes what the answer shows of a query, after its last stage.
pub fn set_answer(query: &mut Query) {
    let mut answer = Answer::default();
    for name in &crate::visit::body_vars(&query.body, own_vars()) {
        let written = query.rewritten_vars.get(name).unwrap_or(name);
        let hidden =
            is_wildcard(written) || is_generated(written) || matches!(&**written, "input" | "data");
        if !hidden {
            answer.bindings.push((written.clone(), name.clone()));
        }
    }
    answer.bindings.sort();
    for expr in query.body.iter().filter(|expr| !expr.generated) {
        answer.expressions.push(AnswerExpr {
            span: expr.span,
            capture: captured(expr).cloned(),
        });
    }
    query.answer = answer;
}

/// Variables of the query itself: those of closures are no part of a solution.
fn own_vars() -> VarParams {
    VarParams {
        skip_ref_call_head: true,
        skip_closures: true,
        ..VarParams::ALL
    }
}

fn captured(expr: &Expr) -> Option<&Name> {
    match &expr.kind {
        ExprKind::Call(terms) => terms
            .last()
            .and_then(Term::as_var)
            .filter(|name| name.starts_with("$term")),
        _ => None,
    }
}
