//! `a == b` as a statement of a rule becomes `a = b`. Runs after safety: `==` binds nothing.
//! Queries keep theirs, because their value is shown.

use regovm_core::Span;
use regovm_parser::ast::{Expr, ExprKind};

use super::operator;
use crate::output_vars::is_operator;
use crate::parallel;
use crate::state::State;
use crate::visit::{VisitMut, descend_expr};

/// Rewrites all modules.
pub fn run(state: &mut State<'_>) {
    parallel::change(state, |_, _, module, _: &mut Vec<()>| {
        for rule in &mut module.rules {
            Unifications.rule(rule);
        }
    });
}

struct Unifications;

impl VisitMut for Unifications {
    fn expr(&mut self, expr: &mut Expr) {
        if let ExprKind::Call(terms) = &mut expr.kind
            && terms.len() == 3
            && is_operator(terms, "equal")
        {
            terms[0] = operator("eq", Span::NONE);
        }
        descend_expr(self, expr);
    }
}
