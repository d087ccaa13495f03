//! Built-ins that the host forbids, and those that are deprecated.

use regovm_core::{Code, Diagnostic, Span};
use regovm_parser::ast::{ExprKind, Term, TermKind};

use super::names::is_v1;
use crate::builtins;
use crate::state::{Query, State};
use crate::text::term_text;
use crate::visit::{Node, walk};

/// Calls of built-ins that are forbidden.
pub fn unsafe_builtins(state: &mut State<'_>) {
    if state.options.unsafe_builtins.is_empty() {
        return;
    }
    let mut found = Vec::new();
    for module in &state.modules {
        for rule in &module.rules {
            look_for_unsafe(state, Node::Rule(rule), &mut found);
        }
    }
    for diagnostic in found {
        state.recoverable(diagnostic);
    }
}

/// The same for a query.
pub fn unsafe_builtins_in_query(state: &mut State<'_>, query: &mut Query) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    look_for_unsafe(state, Node::Body(&query.body), &mut found);
    found
}

fn look_for_unsafe(state: &State<'_>, node: Node<'_>, found: &mut Vec<Diagnostic>) {
    let forbidden = &state.options.unsafe_builtins;
    walk(node, &mut |node| {
        if let Node::Expr(expr) = node
            && let ExprKind::Call(terms) = &expr.kind
        {
            let name = terms.first().map(term_text).unwrap_or_default();
            if forbidden.contains(&name) {
                let message = format!("unsafe built-in function calls in expression: {name}");
                found.push(Diagnostic::new(Code::Type, expr.span, message));
            }
        }
        false
    });
}

/// Calls of deprecated built-ins in modules of v1, in strict mode in all.
pub fn deprecated_builtins(state: &mut State<'_>) {
    if !state.facts.deprecated_called {
        return;
    }
    let mut found = Vec::new();
    for module in &state.modules {
        if state.options.strict || is_v1(module) {
            for rule in &module.rules {
                look_for_deprecated(state, Node::Rule(rule), &mut found);
            }
        }
    }
    for diagnostic in found {
        state.recoverable(diagnostic);
    }
}

/// The same for a query, in strict mode.
pub fn deprecated_builtins_in_query(state: &mut State<'_>, query: &mut Query) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if state.options.strict {
        look_for_deprecated(state, Node::Body(&query.body), &mut found);
    }
    found
}

/// True if the operator of a call is a deprecated built-in.
fn is_deprecated(state: &State<'_>, operator: &Term) -> bool {
    match &operator.kind {
        TermKind::Ref(path) => {
            builtins::facts(state.builtins, path).is_some_and(|facts| facts.decl.deprecated)
        }
        _ => false,
    }
}

fn look_for_deprecated(state: &State<'_>, node: Node<'_>, found: &mut Vec<Diagnostic>) {
    let mut check = |operator: &Term, span: Span| {
        if is_deprecated(state, operator) {
            let name = term_text(operator);
            let message = format!("deprecated built-in function calls in expression: {name}");
            found.push(Diagnostic::new(Code::Type, span, message));
        }
    };
    walk(node, &mut |node| {
        match node {
            Node::Expr(expr) => {
                if let ExprKind::Call(terms) = &expr.kind
                    && let Some(operator) = terms.first()
                {
                    check(operator, expr.span);
                }
            }
            Node::Term(term) => {
                if let TermKind::Call(terms) = &term.kind
                    && let Some(operator) = terms.first()
                {
                    check(operator, operator.span);
                }
            }
            _ => {}
        }
        false
    });
}
