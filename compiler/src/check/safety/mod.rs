//! Safety: every variable is bound by something before it is read.
//!
//! Bodies are reordered so that this holds from left to right; what lowering makes of a body relies
//! on that order.

mod reorder;
mod report;

use regovm_core::{Code, Diagnostic};
use regovm_parser::ast::{Body, Module, Rule, Term};

use crate::nearest;
use crate::parallel;
use crate::resolve::is_scalar;
use crate::state::{Query, State};
use crate::visit::{
    NameSet, ScopedVars, VarParams, VarVisitor, for_each_in_chain, for_each_in_chain_mut,
    head_vars, is_generated, reserved_vars,
};
use report::Scopes;

/// Variables of heads that no body binds.
pub fn heads(state: &mut State<'_>) {
    let found = parallel::look(state, |_, module, found| {
        let mut scopes = Scopes::default();
        for rule in &module.rules {
            for_each_in_chain(rule, &mut |rule| {
                head(state, module, rule, &mut scopes, found);
            });
        }
    });
    for diagnostic in found {
        let advised = nearest::unsafe_variable(state, diagnostic);
        state.error(advised);
    }
}

fn head(
    state: &State<'_>,
    module: &Module,
    rule: &Rule,
    scopes: &mut Scopes,
    found: &mut Vec<Diagnostic>,
) {
    let head = &rule.head;
    let parts = head
        .args
        .iter()
        .chain(head.key.as_deref())
        .chain(head.value.as_deref());
    if parts.chain(head.reference.iter().skip(1)).all(is_scalar) {
        return;
    }
    let read = head_vars(head);
    if read.is_empty() {
        return;
    }
    let mut bound = VarVisitor::collecting(VarParams::SAFETY, NameSet::new());
    bound.body(&rule.body);
    bound.params = VarParams::ALL;
    bound.terms(&head.args);
    for (name, span) in read.with_spans() {
        if bound.vars.contains(name) {
            continue;
        }
        let written = state.written_name(name);
        if !is_generated(written) {
            let shown = report::var_text(written);
            let scope = scopes.of(state, module, rule);
            let message = format!("var {shown} is unsafe{scope}");
            found.push(Diagnostic::new(Code::UnsafeVar, span, message));
        }
    }
}

/// Reorders the bodies of all rules, or reports what cannot be bound.
pub fn bodies(state: &mut State<'_>) {
    let found = parallel::change(state, |state, _, module, found| {
        let arity = |path: &[Term]| state.arity(path);
        let mut globals = ScopedVars::from(&reserved_vars());
        let reserved = globals.mark();
        let mut scopes = Scopes::default();
        // The lines on which rules stand are looked at before the rules change.
        scopes.prepare(state, &module.rules);
        for rule in &mut module.rules {
            for_each_in_chain_mut(rule, &mut |rule| {
                let mut args = VarVisitor::collecting(VarParams::ALL, NameSet::new());
                args.terms(&rule.head.args);
                globals.extend(args.vars.iter());
                let left = reorder::body(&arity, &mut globals, &mut rule.body);
                globals.rewind(reserved);
                if !left.is_empty() {
                    let scope = scopes.of_rule(state, rule);
                    found.extend(report::errors(state, &state.rewritten_vars, &left, &scope));
                }
            });
        }
    });
    for diagnostic in found {
        let advised = nearest::unsafe_variable(state, diagnostic);
        state.error(advised);
    }
}

/// A body in an order in which it needs nothing from around it; none if there is no such order.
pub fn order_alone(state: &State<'_>, body: &Body) -> Option<Body> {
    let mut body = body.clone();
    let arity = |path: &[Term]| state.arity(path);
    let mut globals = ScopedVars::from(&reserved_vars());
    let left = reorder::body(&arity, &mut globals, &mut body);
    left.is_empty().then_some(body)
}

/// Reorders a query, or reports what cannot be bound.
pub fn run_query(state: &mut State<'_>, query: &mut Query) -> Vec<Diagnostic> {
    let arity = |path: &[Term]| state.arity(path);
    let mut globals = ScopedVars::from(&reserved_vars());
    let left = reorder::body(&arity, &mut globals, &mut query.body);
    if left.is_empty() {
        return Vec::new();
    }
    let mut errors = report::errors(state, &query.rewritten_vars, &left, "");
    // What holds the value of an expression stands where the expression does, and has no name; OPA has no order there.
    errors.sort_by_key(|error| {
        let unnamed = error.message == "var _ is unsafe";
        (report::by_place(state, error.span), unnamed)
    });
    errors
        .into_iter()
        .map(|error| nearest::unsafe_variable(state, error))
        .collect()
}
