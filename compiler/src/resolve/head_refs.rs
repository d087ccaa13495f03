//! Terms in a rule's ref that are neither constant nor variable move into the body:
//! `p[a.b] := 1` becomes `p[__local0__] := 1 if { __local0__ = a.b }`. The rule tree knows only
//! scalars and variables.

use regovm_parser::ast::TermKind;

use super::{append_to_body, hoist, is_scalar};
use crate::order::terms_equal;
use crate::state::State;

/// Rewrites the refs of all heads. `else` rules share the ref of the first one.
pub fn run(state: &mut State<'_>) {
    for module in &mut state.modules {
        for rule in &mut module.rules {
            let last = rule.head.reference.len().saturating_sub(1);
            for i in 1..rule.head.reference.len() {
                let term = &mut rule.head.reference[i];
                if is_scalar(term) || matches!(term.kind, TermKind::Var(_)) {
                    continue;
                }
                let repeated = i == last
                    && rule
                        .head
                        .key
                        .as_ref()
                        .is_some_and(|key| terms_equal(key, term));
                let expr = hoist(&mut state.locals, term);
                if repeated {
                    rule.head.key = Some(Box::new(term.clone()));
                }
                append_to_body(&mut rule.body, [expr]);
            }
        }
    }
}
