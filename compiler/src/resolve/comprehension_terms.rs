//! What a comprehension collects becomes a variable if it takes evaluation:
//! `[x[0] | x = y[_]]` becomes `[__local0__ | x = y[_]; __local0__ = x[0]]`.

use regovm_parser::ast::{Term, TermKind};

use super::{append_to_body, hoist, requires_eval};
use crate::state::{LocalNames, Query, State};
use crate::visit::{VisitMut, descend_term};

/// Rewrites all modules.
pub fn run(state: &mut State<'_>) {
    let mut hoister = Hoister {
        locals: &mut state.locals,
    };
    let mentions = state.mentions.iter();
    let modules = state.modules.iter_mut().zip(mentions);
    for (module, _) in modules.filter(|(_, has)| has.comprehension) {
        for rule in &mut module.rules {
            hoister.rule(rule);
        }
    }
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

impl VisitMut for Hoister<'_> {
    fn term(&mut self, term: &mut Term) {
        match &mut term.kind {
            TermKind::ArrayComprehension(inner) | TermKind::SetComprehension(inner)
                if requires_eval(&inner.term) =>
            {
                let expr = hoist(self.locals, &mut inner.term);
                append_to_body(&mut inner.body, [expr]);
            }
            TermKind::ObjectComprehension(inner) => {
                for part in [&mut inner.key, &mut inner.value] {
                    if requires_eval(part) {
                        let expr = hoist(self.locals, part);
                        append_to_body(&mut inner.body, [expr]);
                    }
                }
            }
            _ => {}
        }
        descend_term(self, term);
    }
}
