//! `print` has no result: a call of it cannot be an operand.

use regovm_core::{Code, Diagnostic};
use regovm_parser::ast::TermKind;

use crate::builtins;
use crate::parallel;
use crate::state::{Query, State};
use crate::text::term_text;
use crate::visit::{Node, walk};

/// Looks at all modules.
pub fn run(state: &mut State<'_>) {
    let found = parallel::look(state, |_, module, found| {
        for rule in &module.rules {
            look(state, Node::Rule(rule), found);
        }
    });
    for diagnostic in found {
        state.error(diagnostic);
    }
}

/// Looks at a query.
pub fn run_query(state: &State<'_>, query: &Query) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    look(state, Node::Body(&query.body), &mut found);
    found
}

fn look(state: &State<'_>, node: Node<'_>, found: &mut Vec<Diagnostic>) {
    walk(node, &mut |node| {
        if let Node::Term(term) = node
            && let TermKind::Call(terms) = &term.kind
        {
            let operator = terms.first().and_then(|operator| operator.as_ref());
            let facts = operator.and_then(|path| builtins::facts(state.builtins, path));
            if facts.is_some_and(|facts| facts.void) {
                let message = format!("{} used as value", term_text(term));
                found.push(Diagnostic::new(Code::Type, term.span, message));
            }
        }
        false
    });
}
