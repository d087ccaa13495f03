//! Packages and rules by path.

use crate::rule_tree::{ModuleTree, RuleTree};
use crate::state::State;

/// Builds [`State::module_tree`].
pub fn set_module_tree(state: &mut State<'_>) {
    state.module_tree = ModuleTree::new(&state.modules);
}

/// Builds [`State::rule_tree`].
pub fn set_rule_tree(state: &mut State<'_>) {
    state.rule_tree = RuleTree::new(&state.modules);
}
