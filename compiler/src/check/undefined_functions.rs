//! Calls of functions that do not exist, or with a number of arguments that they do not take.

use std::sync::atomic::{AtomicBool, Ordering};

use regovm_core::{Code, Diagnostic};
use regovm_parser::ast::{Expr, ExprKind, Ref, Term, TermKind};

use super::types::env::Env;
use super::types::infer::{Checker, Context};
use super::types::messages::argument_error;
use super::types::ty::Kind;
use crate::builtins;
use crate::nearest;
use crate::output_vars::is_operator;
use crate::parallel;
use crate::state::{Query, State};
use crate::text::{dotted_name, ref_text};
use crate::visit::{Node, VisitMut, descend_term, walk_exprs};

/// Looks at all modules, and notes whether they call deprecated built-ins.
pub fn run(state: &mut State<'_>) {
    let deprecated = AtomicBool::new(false);
    let found = parallel::look(state, |_, module, found| {
        let looker = Looker {
            state,
            query: None,
            env: state.facts.types.open(state.builtins),
            deprecated: &deprecated,
        };
        for rule in &module.rules {
            looker.look(Node::Rule(rule), found);
        }
    });
    state.facts.deprecated_called = deprecated.into_inner();
    for diagnostic in found {
        state.error(diagnostic);
    }
}

/// Looks at a query.
pub fn run_query(state: &mut State<'_>, query: &mut Query) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let looker = Looker {
        state,
        query: Some(query),
        env: state.facts.types.open(state.builtins),
        deprecated: &AtomicBool::new(false),
    };
    looker.look(Node::Body(&query.body), &mut found);
    found
}

struct Looker<'s, 'c> {
    state: &'s State<'c>,
    query: Option<&'s Query>,
    env: Env<'c>,
    /// Set where a deprecated built-in is called.
    deprecated: &'s AtomicBool,
}

impl Looker<'_, '_> {
    fn look(&self, node: Node<'_>, found: &mut Vec<Diagnostic>) {
        walk_exprs(node, &mut |expr| match self.error_of(expr) {
            Some(error) => {
                found.push(error);
                true
            }
            None => false,
        });
    }

    fn arity(&self, path: &[Term]) -> Option<usize> {
        match builtins::facts(self.state.builtins, path) {
            Some(facts) => {
                if facts.decl.deprecated {
                    self.deprecated.store(true, Ordering::Relaxed);
                }
                Some(facts.arity)
            }
            None => self.state.rule_tree.arity(path),
        }
    }

    fn error_of(&self, expr: &Expr) -> Option<Diagnostic> {
        let (state, query, env) = (self.state, self.query, &self.env);
        let ExprKind::Call(terms) = &expr.kind else {
            return None;
        };
        let (operator, operands) = terms.split_first()?;
        let single;
        let path: &Ref = match &operator.kind {
            TermKind::Ref(path) => path,
            _ => {
                single = vec![operator.clone()];
                &single
            }
        };
        let written = || written_ref(state, query, path.clone());
        let Some(arity) = self.arity(path) else {
            let error = Diagnostic::new(
                Code::Type,
                expr.span,
                format!("undefined function {}", ref_text(&written())),
            );
            return Some(
                match dotted_name(path)
                    .and_then(|name| Some(state.builtins.left_out(&name)?.hint(&name)))
                    .or_else(|| nearest::function(state, &ref_text(&written())))
                {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                },
            );
        };
        let given = operands.len();
        let given = if expr.generated {
            // A stage has added a variable for the result.
            if is_operator(terms, "eq") || given == arity + 1 {
                return None;
            }
            given.saturating_sub(1)
        } else {
            if given == arity || given == arity + 1 {
                return None;
            }
            given
        };
        let path = written();
        if let Some(Kind::Function(function)) = env.get_ref(&path).as_deref() {
            let checker = Checker::new(Context {
                sources: state.sources,
                subjects: Vec::new(),
                written: Vec::new(),
                dependents: &|_| Vec::new(),
            });
            let have: Vec<_> = operands
                .iter()
                .map(|operand| checker.get(env, operand))
                .collect();
            let error = argument_error(
                expr.span,
                &path,
                "arity mismatch",
                &have,
                &function.params,
                &function.variadic,
            );
            return Some(error.diagnostic);
        }
        let arguments = if given == 1 { "argument" } else { "arguments" };
        let message = format!(
            "function {} has arity {arity}, got {given} {arguments}",
            ref_text(&path)
        );
        Some(Diagnostic::new(Code::Type, expr.span, message))
    }
}

fn written_ref(state: &State<'_>, query: Option<&Query>, mut path: Ref) -> Ref {
    struct Rewrite<'s>(&'s State<'s>, Option<&'s Query>);
    impl VisitMut for Rewrite<'_> {
        fn term(&mut self, term: &mut Term) {
            if let TermKind::Var(name) = &mut term.kind {
                *name = match self.1 {
                    Some(query) => query.written_name(name).clone(),
                    None => self.0.written_name(name).clone(),
                };
            }
            descend_term(self, term);
        }
    }
    let mut rewrite = Rewrite(state, query);
    for term in &mut path {
        rewrite.term(term);
    }
    path
}
