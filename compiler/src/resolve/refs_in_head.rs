//! Key, value and arguments of a head that take evaluation move into the body:
//! `p[data.foo[i]] { i < 100 }` becomes `p[__local0__] { i < 100; __local0__ = data.foo[i] }`.

use regovm_parser::ast::Rule;

use super::{append_to_body, for_each_rule, hoist, requires_eval};
use crate::state::{LocalNames, State};

/// Rewrites all heads.
pub fn run(state: &mut State<'_>) {
    for_each_rule(state, &mut |state, rule| rewrite(&mut state.locals, rule));
}

fn rewrite(locals: &mut LocalNames, rule: &mut Rule) {
    let head = &mut rule.head;
    let parts = head
        .key
        .as_deref_mut()
        .into_iter()
        .chain(head.value.as_deref_mut());
    for term in parts.chain(&mut head.args) {
        if requires_eval(term) {
            let expr = hoist(locals, term);
            append_to_body(&mut rule.body, [expr]);
        }
    }
}
