//! Rules that cannot stand beside each other: kinds, arities, defaults, packages, base data.

use std::collections::BTreeMap;

use regovm_core::{Code, Diagnostic};
use regovm_parser::ast::{Ref, Rule, Term, TermKind};

use super::place;
use crate::order::{compare_refs, ground_prefix, has_prefix, is_ground_ref};
use crate::rule_tree::{ModuleTree, RuleTree, TreeKey, is_multi_value};
use crate::state::{RuleId, State};
use crate::text::{package_text, ref_text};
use crate::visit::{VisitMut, descend_term};

/// Looks at all rules by path, then at rules and base data, then at rules and packages.
pub fn run(state: &mut State<'_>) {
    let mut found = Vec::new();
    state.rule_tree.depth_first(&mut |node| {
        if let Some(error) = conflict_at(state, node) {
            found.push(error);
        }
        false
    });
    data_conflicts(state, &mut found);
    package_conflicts(state, &state.module_tree, &mut found);
    for diagnostic in found {
        state.error(diagnostic);
    }
}

/// A ref with the names that the author wrote.
pub(super) fn written_ref(state: &State<'_>, mut path: Ref) -> Ref {
    struct Rewrite<'s>(&'s State<'s>);
    impl VisitMut for Rewrite<'_> {
        fn term(&mut self, term: &mut Term) {
            if let TermKind::Var(name) = &mut term.kind {
                *name = self.0.written_name(name).clone();
            }
            descend_term(self, term);
        }
    }
    let mut rewrite = Rewrite(state);
    for term in &mut path {
        rewrite.term(term);
    }
    path
}

fn conflict_at(state: &State<'_>, node: &RuleTree) -> Option<Diagnostic> {
    let last = *node.rules.last()?;
    let rules: Vec<&Rule> = node.rules.iter().map(|id| state.rule(*id)).collect();
    let ground = |rule: &Rule| is_ground_ref(&rule.head.reference);
    let any = |test: &dyn Fn(&Rule) -> bool| rules.iter().any(|rule| test(rule));
    let both = |test: &dyn Fn(&Rule) -> bool| any(test) && !rules.iter().all(|rule| test(rule));

    let mut inside = Vec::new();
    if !node.children.is_empty() {
        if any(&ground) {
            // A rule whose ref is known as a whole has nothing inside of it.
            inside = rules_below(state, node, &|_| true);
        } else {
            // A function inside of what is computed could not be called.
            inside = rules_below(state, node, &|rule| !rule.head.args.is_empty());
        }
    }
    let name = || ref_text(&written_ref(state, state.rule_ref(last)));
    let first = rules.first()?;
    if !inside.is_empty() {
        let mut message = format!("rule {} conflicts with:", name());
        for (path, id) in inside {
            let path = ref_text(&written_ref(state, path));
            let at = place(state, state.rule(id).span);
            message.push_str(&format!("\n  rule {path} at {at}"));
        }
        return Some(Diagnostic::new(Code::Type, first.span, message));
    }

    let arity = first.head.args.len();
    let mixed = both(&is_multi_value)
        || any(&|rule| rule.head.args.len() != arity)
        || both(&|rule| !is_multi_value(rule) && ground(rule))
        // `p contains x` is a set, `p[k] contains v` an object of sets.
        || (any(&|rule| is_multi_value(rule) && ground(rule))
            && any(&|rule| is_multi_value(rule) && !ground(rule)));
    if mixed {
        let message = format!("conflicting rules {} found", name());
        return Some(Diagnostic::new(Code::Type, first.span, message));
    }

    let defaults: Vec<RuleId> = node
        .rules
        .iter()
        .copied()
        .filter(|id| state.rule(*id).default)
        .collect();
    if let [first, _, ..] = defaults.as_slice() {
        let places: Vec<String> = defaults
            .iter()
            .map(|id| place(state, state.rule(*id).span))
            .collect();
        let message = format!(
            "multiple default rules {} found at {}",
            name(),
            places.join(", ")
        );
        let span = state.module_of(*first).package.span;
        return Some(Diagnostic::new(Code::Type, span, message));
    }
    None
}

/// The refs of the rules below a node, in order, without those that have another one as prefix.
fn rules_below(
    state: &State<'_>,
    node: &RuleTree,
    wanted: &dyn Fn(&Rule) -> bool,
) -> Vec<(Ref, RuleId)> {
    let mut found: Vec<(Ref, RuleId)> = Vec::new();
    for child in node.children.values() {
        child.collect(true, &mut |id| {
            if !wanted(state.rule(id)) {
                return;
            }
            let path = state.rule_ref(id);
            if !found.iter().any(|(known, _)| has_prefix(&path, known)) {
                found.retain(|(known, _)| !has_prefix(known, &path));
                found.push((path, id));
            }
        });
    }
    found.sort_by(|(a, _), (b, _)| compare_refs(a, b));
    found
}

fn data_conflicts(state: &State<'_>, found: &mut Vec<Diagnostic>) {
    let Some(exists) = state.data_exists else {
        return;
    };
    if !state.options.check_data_conflicts {
        return;
    }
    let Some(data) = state.rule_tree.child_str("data") else {
        return;
    };
    document_conflicts(state, exists, &data.children, &mut Vec::new(), found);
}

fn document_conflicts<'t>(
    state: &State<'_>,
    exists: &dyn Fn(&[&str]) -> bool,
    children: &'t BTreeMap<TreeKey, RuleTree>,
    path: &mut Vec<&'t str>,
    found: &mut Vec<Diagnostic>,
) {
    for (key, node) in children {
        // Only strings can be keys of base documents.
        let Some(text) = key.as_str() else { continue };
        path.push(text);
        match node.rules.first() {
            Some(rule) if exists(path) => {
                let message = format!("conflicting rule for data path {} found", path.join("/"));
                found.push(Diagnostic::new(
                    Code::Compile,
                    state.rule(*rule).span,
                    message,
                ));
            }
            _ => document_conflicts(state, exists, &node.children, path, found),
        }
        path.pop();
    }
}

fn package_conflicts(state: &State<'_>, node: &ModuleTree, found: &mut Vec<Diagnostic>) {
    node.depth_first(&mut |node| {
        for &m in &node.modules {
            let module = &state.modules[m];
            for rule in &module.rules {
                let reference = &rule.head.reference;
                // What a variable stands for is known only when it is evaluated.
                if ground_prefix(reference).len() < reference.len() {
                    continue;
                }
                for &other in &modules_at(node, reference) {
                    let message = format!(
                        "{} conflicts with rule {} defined at {}",
                        package_text(&state.modules[other].package),
                        ref_text(reference),
                        place(state, rule.span)
                    );
                    found.push(Diagnostic::new(Code::Type, module.package.span, message));
                }
            }
        }
    });
}

/// The modules of the package below `node` that has the path of a rule.
fn modules_at(node: &ModuleTree, reference: &[Term]) -> Vec<usize> {
    let found = reference
        .iter()
        .enumerate()
        .try_fold(node, |node, (i, term)| match &term.kind {
            TermKind::String(name) => node.children.get(name),
            TermKind::Var(name) if i == 0 => node.children.get(name),
            _ => None,
        });
    found.map(|node| node.modules.clone()).unwrap_or_default()
}
