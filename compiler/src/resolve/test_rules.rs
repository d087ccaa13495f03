//! What `regovm test` does to the rules named `test_*`.
//!
//! A test with a tail behind its name, `test_sum[tc.note]`, has a case for each key. So that a case that fails is known
//! too, the body gets a call of `internal.test_case([key, ..])` as soon as the keys are bound:
//!
//! ```text
//! test_sum[__local0__] if {                         test_sum[__local0__] if {
//!     __local1__ = [{"note": "a"}][__local2__]          __local1__ = [{"note": "a"}][__local2__]
//!     __local1__.x == 1                        ->       __local0__ = __local1__.note
//!     __local0__ = __local1__.note                      internal.test_case([__local0__])
//! }                                                     __local1__.x == 1
//!                                                   }
//! ```
//!
//! With `--var-values` the operands of equalities get names, so that a trace has their values.

use regovm_core::Span;
use regovm_parser::ast::{Body, Expr, ExprKind, Head, Name, Rule, Term, TermKind};

use super::{hoist, is_scalar};
use crate::output_vars::is_operator;
use crate::state::{LocalNames, State};
use crate::visit::{Node, for_each_in_chain_mut, is_generated, walk_exprs, walk_terms};

/// Rules with this prefix are tests.
pub const TEST_PREFIX: &str = "test_";

/// Rules with this prefix are tests that are not run.
pub const TODO_PREFIX: &str = "todo_test_";

/// `internal.test_case`
const TEST_CASE: [&str; 2] = ["internal", "test_case"];

/// The name of the test that a rule may be, and how many terms of the head's ref lead to it: those up to the first that
/// is named as a test, or all constant ones.
pub fn test_name(head: &Head) -> (&str, usize) {
    let ground = 1 + head.reference[1..]
        .iter()
        .take_while(|t| is_scalar(t))
        .count();
    let mut name = "";
    for (i, term) in head.reference[..ground].iter().enumerate() {
        name = match &term.kind {
            TermKind::Var(text) | TermKind::String(text) => text,
            _ => "",
        };
        if is_test_name(name) {
            return (name, i + 1);
        }
    }
    (name, ground)
}

/// True for `test_*` and `todo_test_*`.
pub fn is_test_name(name: &str) -> bool {
    name.starts_with(TEST_PREFIX) || name.starts_with(TODO_PREFIX)
}

/// Puts the calls of `internal.test_case` into tests with cases.
pub fn mark_cases(state: &mut State<'_>) {
    if !state.options.test_cases {
        return;
    }
    for module in &mut state.modules {
        for rule in &mut module.rules {
            mark(rule);
        }
    }
}

fn mark(rule: &mut Rule) {
    let (name, length) = test_name(&rule.head);
    let keys = &rule.head.reference[length..];
    if !name.starts_with(TEST_PREFIX) || keys.is_empty() || marks_itself(&rule.body) {
        return;
    }
    let body = &mut rule.body;
    for key in keys {
        let mut i = body.len();
        while i > 0 {
            match earliest(body, i - 1, key) {
                Some(to) => {
                    let expr = body.remove(i - 1);
                    body.insert(to, expr);
                }
                None => i -= 1,
            }
        }
    }
    let bound = keys
        .iter()
        .filter_map(Term::as_var)
        .filter_map(|key| body.iter().position(|expr| mentions(expr, key)))
        .max();
    let keys = Term::new(TermKind::Array(keys.to_vec()), Span::NONE);
    let operator = TermKind::Ref(vec![
        Term::var(TEST_CASE[0], Span::NONE),
        Term::string(TEST_CASE[1], Span::NONE),
    ]);
    let call = vec![Term::new(operator, Span::NONE), keys];
    body.insert(
        bound.map_or(0, |at| at + 1),
        Expr::new(ExprKind::Call(call), Span::NONE),
    );
    for (i, expr) in body.iter_mut().enumerate() {
        expr.index = i as u32;
    }
}

/// True if the author calls `internal.test_case`.
fn marks_itself(body: &Body) -> bool {
    let mut found = false;
    walk_exprs(Node::Body(body), &mut |expr| {
        if let ExprKind::Call(terms) = &expr.kind
            && let Some(path) = terms.first().and_then(Term::as_ref)
        {
            let names = path.iter().map(|t| t.as_str().or(t.as_var().map(|v| &**v)));
            found |= names.eq(TEST_CASE.map(Some));
        }
        found
    });
    found
}

/// Where the generated expression at `from`, which gives a key its value, can stand instead: behind the first mention of
/// the last of its variables to be mentioned. `None` if it stays.
fn earliest(body: &Body, from: usize, key: &Term) -> Option<usize> {
    let expr = &body[from];
    let value = match &expr.kind {
        ExprKind::Call(terms) if expr.generated => match terms.as_slice() {
            [_, variable, value]
                if (is_operator(terms, "eq") || is_operator(terms, "assign"))
                    && variable.as_var().is_some()
                    && variable.as_var() == key.as_var() =>
            {
                value
            }
            _ => return None,
        },
        _ => return None,
    };
    let mut needed: Vec<Name> = Vec::new();
    walk_terms(Node::Term(value), &mut |term| {
        needed.extend(term.as_var().filter(|name| is_generated(name)).cloned());
        false
    });
    if needed.is_empty() {
        return (from > 0).then_some(0);
    }
    let last = needed
        .iter()
        .filter_map(|name| body[..from].iter().position(|expr| mentions(expr, name)))
        .max()
        .unwrap_or(0);
    (last + 1 < from).then_some(last + 1)
}

fn mentions(expr: &Expr, variable: &Name) -> bool {
    let mut found = false;
    walk_terms(Node::Expr(expr), &mut |term| {
        found |= term.as_var() == Some(variable);
        found
    });
    found
}

/// Gives the operands of equalities in tests names of their own, where they are references or comprehensions.
pub fn name_operands(state: &mut State<'_>) {
    if !state.options.trace_test_values {
        return;
    }
    for module in &mut state.modules {
        for rule in &mut module.rules {
            // As in OPA: only of tests that have nothing behind their name.
            if rule.head.reference.len() == 1 && rule.head.name.starts_with(TEST_PREFIX) {
                for_each_in_chain_mut(rule, &mut |rule| {
                    name_in_body(&mut state.locals, &mut rule.body);
                });
            }
        }
    }
}

fn name_in_body(locals: &mut LocalNames, body: &mut Body) {
    for mut expr in std::mem::take(body) {
        // An operand of a negated expression may well be undefined.
        if !expr.negated && !expr.generated {
            match &mut expr.kind {
                ExprKind::Call(terms) if terms.len() == 3 && is_operator(terms, "eq") => {
                    for operand in &mut terms[1..] {
                        if is_dynamic(operand) {
                            let mut named = hoist(locals, operand);
                            named.with.clone_from(&expr.with);
                            super::push_expr(body, named);
                        }
                    }
                }
                ExprKind::Every(every) => name_in_body(locals, &mut every.body),
                _ => {}
            }
        }
        super::push_expr(body, expr);
    }
}

fn is_dynamic(term: &Term) -> bool {
    matches!(
        term.kind,
        TermKind::Ref(_)
            | TermKind::ArrayComprehension(_)
            | TermKind::SetComprehension(_)
            | TermKind::ObjectComprehension(_)
    )
}
