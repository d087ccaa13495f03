//! `did you mean`: the known name that a misspelled one is closest to.

use std::collections::BTreeSet;

use regovm_core::{Diagnostic, Span};

use crate::resolve::refs::import_name;
use crate::state::{RuleId, State};
use crate::text::dotted_name;

/// Names that one wrong name is compared with, at most: each comparison takes the product of the lengths.
const MOST: usize = 5_000;
/// Characters of a name that is compared, at most.
const LONGEST: usize = 80;

/// The known name that a wrong one was probably meant to be. Of several the first in their order.
fn nearest<'n>(wrong: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let length = wrong.chars().count();
    if !(2..=LONGEST).contains(&length) {
        return None;
    }
    let lower = wrong.to_lowercase();
    let fits = |name: &&str| *name != wrong && name.chars().count().abs_diff(length) <= 2;
    known
        .filter(fits)
        .take(MOST)
        .map(|name| (strsim::osa_distance(&lower, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= (length / 3).clamp(1, 2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn hint(name: &str) -> String {
    format!("did you mean `{name}`?")
}

/// A hint for a call of a function that nobody knows.
pub(crate) fn function(state: &State<'_>, wrong: &str) -> Option<String> {
    let builtins = state.builtins.names();
    let mut known: BTreeSet<String> = builtins
        .filter(|name| !name.starts_with("internal."))
        .map(str::to_owned)
        .collect();
    for id in state.rule_ids() {
        if state.rule(id).head.args.is_empty() {
            continue;
        }
        // As it is called from elsewhere, and from its own package.
        known.extend(dotted_name(&state.rule_ref(id)));
        known.extend(name_in_package(state, id));
    }
    nearest(wrong, known.iter().map(String::as_str)).map(hint)
}

/// The name of a rule as its own package writes it.
fn name_in_package(state: &State<'_>, id: RuleId) -> Option<String> {
    let path = state.rule_ref(id);
    let below = path.get(state.module_of(id).package.path.len()..)?;
    let parts: Option<Vec<&str>> = below.iter().map(|term| term.as_str()).collect();
    parts.map(|parts| parts.join("."))
}

/// Adds to an error about a variable that nothing binds which rule, import or document it may be meant to be.
pub(crate) fn unsafe_variable(state: &State<'_>, error: Diagnostic) -> Diagnostic {
    let words = error.message.strip_prefix("var ");
    let wrong = words.and_then(|words| words.split_once(" is unsafe"));
    match wrong.and_then(|(wrong, _)| variable(state, wrong, error.span)) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

fn variable(state: &State<'_>, wrong: &str, span: Span) -> Option<String> {
    let mut known: BTreeSet<String> = ["input", "data"].map(str::to_owned).into();
    let file = |span: Span| state.sources.locate(span).map(|at| at.file);
    let here = file(span);
    let place = state
        .modules
        .iter()
        .position(|module| here.is_some() && file(module.package.span) == here);
    if let Some(at) = place {
        let package = dotted_name(&state.modules[at].package.path);
        for id in state.rule_ids() {
            if dotted_name(&state.module_of(id).package.path) == package {
                known.extend(name_in_package(state, id));
            }
        }
        let imports = state.imports.get(at).into_iter().flatten();
        known.extend(imports.filter_map(import_name).map(|name| name.to_string()));
    }
    nearest(wrong, known.iter().map(String::as_str)).map(hint)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    fn of(wrong: &str, known: &[&'static str]) -> Option<&'static str> {
        nearest(wrong, known.iter().copied())
    }

    #[test]
    fn the_nearest_name_is_found_if_it_is_near() {
        let known = ["concat", "contains", "count", "object.get", "startswith"];
        assert_eq!(of("cuont", &known), Some("count"));
        assert_eq!(of("contain", &known), Some("contains"));
        assert_eq!(of("startsWith", &known), Some("startswith"));
        assert_eq!(of("obejct.get", &known), Some("object.get"));
        assert_eq!(of("lookup", &known), None);
        assert_eq!(of("x", &["y"]), None);
    }
}
