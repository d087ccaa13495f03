//! How unsafe variables are reported.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};
use regovm_core::{Code, Diagnostic, Span};
use regovm_parser::ast::{Module, Name, Ref, Rule};

use super::reorder::Unsafe;
use crate::order::{ground_prefix, refs_equal};
use crate::state::State;
use crate::text::ref_text;
use crate::visit::{VarSet, for_each_in_chain, is_generated, is_wildcard};

/// Words that become keywords by an import.
const FUTURE_KEYWORDS: &[&str] = &["and", "contains", "every", "if", "in", "not", "or"];

/// A variable as OPA writes it.
pub fn var_text(name: &str) -> &str {
    if is_wildcard(name) { "_" } else { name }
}

/// Orders places as OPA does: by file, row and column; no place comes last.
pub fn by_place<'s>(state: &State<'s>, span: Span) -> impl Ord + use<'s> {
    let place = state.sources.order(span);
    (place.is_none(), place)
}

/// The errors for what is unsafe: the variables, or if all of them are generated the expressions.
pub fn errors(
    state: &State<'_>,
    rewritten: &HashMap<Name, Name>,
    left: &[Unsafe],
    scope: &str,
) -> Vec<Diagnostic> {
    let written = |name: &Name| rewritten.get(name).unwrap_or(name).clone();
    // What an assignment would have bound is unsafe because of what it reads: that is the cause.
    let mut assigned = VarSet::new();
    for name in left.iter().flat_map(|item| item.assigns.iter()) {
        assigned.add(name);
        assigned.add(&written(name));
    }
    let is_assigned = |name: &Name| assigned.contains(name) || assigned.contains(&written(name));

    // Each variable once, at its first place.
    let mut places: BTreeMap<&Name, Span> = BTreeMap::new();
    for item in left {
        for name in &item.vars {
            let first = places.entry(name).or_insert(item.span);
            if by_place(state, item.span) < by_place(state, *first) {
                *first = item.span;
            }
        }
    }
    let has_cause = places
        .keys()
        .any(|name| !is_generated(&written(name)) && !is_assigned(name));

    let mut found = Vec::new();
    for (name, span) in &places {
        let shown = written(name);
        if is_generated(&shown) || (has_cause && is_assigned(name)) {
            continue;
        }
        let text = var_text(&shown);
        let message = if FUTURE_KEYWORDS.contains(&text) {
            format!(
                "var {text} is unsafe{scope} (hint: `import future.keywords.{text}` to import a \
                 future keyword)"
            )
        } else {
            format!("var {text} is unsafe{scope}")
        };
        found.push(Diagnostic::new(Code::UnsafeVar, *span, message));
    }
    if !found.is_empty() {
        found.sort_by_key(|error| by_place(state, error.span));
        return found;
    }

    // Generated names mean nothing to the author: the expressions are shown, one for each name.
    let mut in_order: Vec<&Unsafe> = left.iter().collect();
    in_order.sort_by_key(|item| by_place(state, item.span));
    let mut seen: HashSet<&Name> = HashSet::new();
    for item in in_order {
        let before = seen.len();
        seen.extend(item.vars.iter().filter(|name| is_generated(name)));
        if seen.len() > before {
            let message = format!("expression is unsafe{scope}");
            found.push(Diagnostic::new(Code::UnsafeVar, item.span, message));
        }
    }
    found
}

/// Which rows of a module hold rules of several names: there errors say which rule they mean.
#[derive(Default)]
pub struct Scopes {
    shared: Option<HashSet<u32>>,
}

impl Scopes {
    /// ` in rule p` if the row alone does not say it.
    pub fn of(&mut self, state: &State<'_>, module: &Module, rule: &Rule) -> String {
        if self.shared.is_none() {
            self.prepare(state, &module.rules);
        }
        self.of_rule(state, rule)
    }

    /// Looks at the rows of all rules of a module.
    pub fn prepare(&mut self, state: &State<'_>, rules: &[Rule]) {
        let mut shared = HashSet::new();
        let mut first: HashMap<u32, Ref> = HashMap::new();
        for rule in rules {
            for_each_in_chain(rule, &mut |rule| {
                let Some((_, row, _)) = state.sources.order(rule.span) else {
                    return;
                };
                let name = ground_prefix(&rule.head.reference);
                match first.get(&row) {
                    None => {
                        first.insert(row, name.to_vec());
                    }
                    Some(other) if !refs_equal(other, name) => {
                        shared.insert(row);
                    }
                    Some(_) => {}
                }
            });
        }
        self.shared = Some(shared);
    }

    /// As [`Scopes::of`], after [`Scopes::prepare`].
    pub fn of_rule(&self, state: &State<'_>, rule: &Rule) -> String {
        let shared = self.shared.as_ref();
        match state.sources.order(rule.span) {
            Some((_, row, _)) if shared.is_some_and(|rows| rows.contains(&row)) => {
                format!(" in rule {}", ref_text(ground_prefix(&rule.head.reference)))
            }
            _ => String::new(),
        }
    }
}
