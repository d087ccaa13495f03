//! What must hold before a rule runs, where its body asks for it too late.
//!
//! OPA's index leaves out a rule whose conditions ([`super::rule_filter`]) do not hold, wherever in the body they stand. So what
//! comes before them there is not evaluated: neither an error of a built-in nor a conflict of another rule ends the query. Most
//! bodies look at their conditions first; what they look at behind something that may end the query is asked for in front.

use regovm_parser::ast::{Expr, ExprKind, Rule, Term, TermKind};

use super::Lowering;
use super::constants::constant;
use super::rule_filter::{Conditions, operator_name};
use super::rule_tree::Reach;
use super::unify::is_root;
use crate::optimize::effects::WITHOUT_ERRORS;
use crate::visit::{Node, walk};

/// What is called and becomes no call.
const COMPARISONS: &[&str] = &["assign", "eq", "equal", "neq", "lt", "lte", "gt", "gte"];

impl Lowering<'_> {
    /// For each of the rules of one name the conditions that its body asks for too late. `complete`: as in
    /// [`Lowering::conditions`].
    pub(super) fn late_conditions(&self, rules: &[&Rule], complete: bool) -> Vec<Conditions> {
        let quiet = |rule: &Rule| {
            let quiet = rule.body.iter().take_while(|expr| self.is_quiet(expr));
            quiet.count()
        };
        let quiet: Vec<usize> = rules.iter().map(|rule| quiet(rule)).collect();
        if rules
            .iter()
            .zip(&quiet)
            .all(|(rule, quiet)| *quiet == rule.body.len())
        {
            return rules.iter().map(|_| Conditions::default()).collect();
        }
        let mut all = self.conditions(rules, complete);
        for ((rule, quiet), conditions) in rules.iter().zip(quiet).zip(&mut all) {
            if *conditions != Conditions::default() {
                conditions.remove(&self.conditions_of(rule, &rule.body[..quiet]));
            }
        }
        all
    }

    /// True if evaluating an expression ends no query.
    fn is_quiet(&self, expr: &Expr) -> bool {
        let mut quiet = true;
        walk(Node::Expr(expr), &mut |node| {
            let operator = match node {
                Node::Expr(expr) => match &expr.kind {
                    ExprKind::Call(terms) => terms.first(),
                    _ => None,
                },
                Node::Term(term) => match &term.kind {
                    TermKind::Call(terms) => terms.first(),
                    TermKind::Ref(path) => {
                        quiet &= !self.may_ask_rules(path);
                        None
                    }
                    TermKind::Var(name) => {
                        quiet &= **name != *"data";
                        None
                    }
                    // Two values for one key are a conflict.
                    TermKind::ObjectComprehension(_) => {
                        quiet = false;
                        None
                    }
                    _ => None,
                },
                _ => None,
            };
            quiet &= operator.is_none_or(|operator| self.is_quiet_operator(operator));
            !quiet
        });
        quiet
    }

    fn is_quiet_operator(&self, operator: &Term) -> bool {
        let Some(name) = operator_name(operator) else {
            return false;
        };
        let known = COMPARISONS.contains(&&*name) || WITHOUT_ERRORS.contains(&&*name);
        let id = self.checked.state.builtins.id(&name);
        known && !id.is_some_and(|id| self.mocked.contains(&id))
    }

    /// True if a reference may evaluate rules.
    fn may_ask_rules(&self, path: &[Term]) -> bool {
        let Some((head, keys)) = path.split_first() else {
            return false;
        };
        if head
            .as_var()
            .is_none_or(|name| !is_root(name) || **name == *"input")
        {
            return false;
        }
        match self.tree.reach(keys) {
            Reach::Rules => true,
            Reach::Nothing(node, key) => constant(key).is_none() && !self.tree.is_leaf(node),
        }
    }
}
