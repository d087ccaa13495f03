//! Rules that depend on themselves.

use hashbrown::hash_map::Entry;
use std::collections::VecDeque;

use hashbrown::HashMap;
use regovm_core::{Code, Diagnostic};
use regovm_parser::ast::{Ref, Term, TermKind};

use super::conflicts::written_ref;
use crate::order::terms_equal;
use crate::resolve::graph::{DynamicRef, VarOrigin, members, ref_selects_rule};
use crate::state::{RuleId, State};
use crate::text::{ref_text, term_text};

/// How many conditions a message spells out at most.
const MAX_CONDITIONS: usize = 2;

/// How many members of a collection a message lists at most.
const MAX_MEMBERS: usize = 5;

/// Looks for cycles in the graph of rules.
pub fn run(state: &mut State<'_>) {
    // An order in which each rule follows what it uses exists only without cycles.
    if !state.graph.sorted.is_empty() || state.graph.uses.is_empty() {
        return;
    }
    let components = components(state);
    let mut suspects = Vec::new();
    state.rule_tree.depth_first(&mut |node| {
        for &id in &node.rules {
            let mut id = id;
            let mut next = Some(state.rule(id));
            while let Some(rule) = next {
                if components.contains_key(&id) {
                    suspects.push(id);
                }
                id.branch += 1;
                next = rule.else_rule.as_deref();
            }
        }
        false
    });
    for id in suspects {
        if let Some(diagnostic) = cycle_through(state, &components, id)
            && !state.error(diagnostic)
        {
            return;
        }
    }
}

/// The rules on cycles, with a number for all that reach each other. (Tarjan's algorithm, without recursion.)
fn components(state: &State<'_>) -> HashMap<RuleId, usize> {
    let graph = &state.graph;
    let mut seen: HashMap<RuleId, usize> = HashMap::new();
    let mut lowest: Vec<usize> = Vec::new();
    let mut component: HashMap<RuleId, usize> = HashMap::new();
    // Rules whose component is not known yet, in the order in which they were met.
    let mut waiting: Vec<RuleId> = Vec::new();
    let mut is_waiting: Vec<bool> = Vec::new();
    for root in state.rule_ids() {
        if seen.contains_key(&root) {
            continue;
        }
        let mut path: Vec<(RuleId, usize)> = Vec::new();
        let mut enter = Some(root);
        loop {
            if let Some(id) = enter.take() {
                let number = lowest.len();
                seen.insert(id, number);
                lowest.push(number);
                is_waiting.push(true);
                waiting.push(id);
                path.push((id, 0));
            }
            let Some((id, next)) = path.last_mut() else {
                break;
            };
            let (id, number) = (*id, seen[id]);
            if let Some(used) = graph.uses(id).get(*next) {
                *next += 1;
                match seen.get(used) {
                    None => enter = Some(*used),
                    Some(other) if is_waiting[*other] => {
                        lowest[number] = lowest[number].min(*other);
                    }
                    Some(_) => {}
                }
                continue;
            }
            path.pop();
            if let Some((outer, _)) = path.last() {
                let outer = seen[outer];
                lowest[outer] = lowest[outer].min(lowest[number]);
            }
            if lowest[number] == number {
                let first = waiting.iter().rposition(|other| *other == id).unwrap_or(0);
                let members = waiting.split_off(first);
                let alone = members.len() == 1 && !graph.uses(id).contains(&id);
                for member in members {
                    is_waiting[seen[&member]] = false;
                    if !alone {
                        component.insert(member, number);
                    }
                }
            }
        }
    }
    component
}

fn rule_text(state: &State<'_>, id: RuleId) -> String {
    ref_text(&written_ref(state, state.rule_ref(id)))
}

fn cycle_through(
    state: &State<'_>,
    components: &HashMap<RuleId, usize>,
    id: RuleId,
) -> Option<Diagnostic> {
    let home = components.get(&id);
    let all = |from: RuleId| {
        let uses = state.graph.uses(from).iter().copied();
        // No way leads back from other components.
        uses.filter(|to| components.get(to) == home)
            .collect::<Vec<_>>()
    };
    let certain = |from: RuleId| {
        let mut uses = all(from);
        uses.retain(|to| cause(state, from, *to).is_none());
        uses
    };
    let mut path = path_back(id, &all)?;
    let mut verb = "is";
    let mut reason = String::new();
    let is_certain = |path: &[RuleId]| path.windows(2).all(|p| cause(state, p[0], p[1]).is_none());
    if !is_certain(&path) {
        match path_back(id, &certain) {
            Some(better) => path = better,
            None => {
                verb = "may be";
                reason = dynamic_cause(state, &path);
            }
        }
    }
    let names: Vec<String> = path.iter().map(|id| rule_text(state, *id)).collect();
    let message = format!(
        "rule {} {verb} recursive: {}{reason}",
        rule_text(state, id),
        names.join(" -> ")
    );
    Some(Diagnostic::new(
        Code::Recursion,
        state.rule(id).span,
        message,
    ))
}

/// The shortest way from a rule back to itself.
fn path_back(start: RuleId, uses: &dyn Fn(RuleId) -> Vec<RuleId>) -> Option<Vec<RuleId>> {
    let mut came_from: HashMap<RuleId, RuleId> = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for next in uses(at) {
            if next == start {
                let mut path = vec![start, at];
                let mut at = at;
                while at != start {
                    at = came_from[&at];
                    path.push(at);
                }
                path.reverse();
                return Some(path);
            }
            if let Entry::Vacant(entry) = came_from.entry(next) {
                entry.insert(at);
                queue.push_back(next);
            }
        }
    }
    None
}

/// The ref with variables because of which a rule may depend on another; none if it does anyway.
fn cause<'s>(state: &'s State<'_>, from: RuleId, to: RuleId) -> Option<&'s DynamicRef> {
    let refs = state.graph.dynamic.get(&from)?;
    // A ref means a rule together with its else chain.
    refs.iter().find(|dynamic| {
        dynamic
            .rules
            .iter()
            .any(|id| (id.module, id.rule) == (to.module, to.rule) && id.branch <= to.branch)
    })
}

struct Condition<'r> {
    at: usize,
    term: &'r Term,
    value: &'r Term,
}

/// Why the cycle may not be one: the first ref on it whose variables decide.
fn dynamic_cause(state: &State<'_>, path: &[RuleId]) -> String {
    for (i, pair) in path.windows(2).enumerate() {
        let (from, to) = (pair[0], pair[1]);
        let Some(dynamic) = cause(state, from, to) else {
            continue;
        };
        let target = state.rule_ref(to);
        // Past the end of the rule's ref it only reads from the value.
        let shown = dynamic.reference[..dynamic.reference.len().min(target.len())].to_vec();
        let shown = written_ref(state, shown);
        let mut out = format!(" ({}", ref_text(&shown));
        if i > 0 {
            out.push_str(&format!(" in {}", rule_text(state, from)));
        }
        let mut positions = Vec::new();
        ref_selects_rule(
            &dynamic.selected,
            &state.module_of(to).package.path,
            &state.rule(to).head,
            &dynamic.bound,
            Some(&mut positions),
        );
        let conditions = conditions(&shown, &target, &positions);
        let told = conditions.filter(|conditions| {
            !conditions.is_empty()
                && conditions.len() <= MAX_CONDITIONS
                && conditions
                    .iter()
                    .all(|condition| can_hold(state, dynamic, condition))
        });
        let Some(told) = told else {
            out.push_str(&format!(" could refer to {})", rule_text(state, to)));
            return out;
        };
        out.push_str(&format!(" refers to {}", rule_text(state, to)));
        for (j, condition) in told.iter().enumerate() {
            out.push_str(if j == 0 { " if " } else { " and " });
            out.push_str(&format!(
                "{} is {}",
                term_text(condition.term),
                term_text(condition.value)
            ));
            if let Some(note) = origin_note(state, dynamic, from, condition) {
                out.push_str(&format!(" ({note})"));
            }
        }
        out.push(')');
        return out;
    }
    String::new()
}

/// What the terms must be; none if one of them would have to be two things.
fn conditions<'r>(
    shown: &'r Ref,
    target: &'r Ref,
    positions: &[usize],
) -> Option<Vec<Condition<'r>>> {
    let mut out: Vec<Condition<'r>> = Vec::new();
    for &at in positions {
        let (term, value) = (shown.get(at)?, target.get(at)?);
        match out.iter().find(|known| terms_equal(known.term, term)) {
            None => out.push(Condition { at, term, value }),
            Some(known) if !terms_equal(known.value, value) => return None,
            Some(_) => {}
        }
    }
    Some(out)
}

fn origin(dynamic: &DynamicRef, at: usize) -> Option<&VarOrigin> {
    dynamic.origins.get(dynamic.reference.get(at)?.as_var()?)
}

/// False if where the variable gets its value from cannot give this one.
fn can_hold(state: &State<'_>, dynamic: &DynamicRef, condition: &Condition<'_>) -> bool {
    match origin(dynamic, condition.at) {
        Some(VarOrigin::Collection(collection)) => members(collection)
            .unwrap_or_default()
            .iter()
            .any(|member| terms_equal(member, condition.value)),
        Some(VarOrigin::Builtin(name)) => {
            super::types::may_return(state.builtins, name, condition.value)
        }
        _ => true,
    }
}

/// Where the term of a condition gets its value, if that is known.
fn origin_note(
    state: &State<'_>,
    dynamic: &DynamicRef,
    rule: RuleId,
    condition: &Condition<'_>,
) -> Option<String> {
    let term = term_text(condition.term);
    if let Some(TermKind::Ref(path)) = dynamic.reference.get(condition.at).map(|t| &t.kind) {
        let data = path
            .first()
            .and_then(Term::as_var)
            .is_some_and(|name| &**name == "data");
        return data.then(|| "rule values aren't known at compile time".to_string());
    }
    Some(match origin(dynamic, condition.at)? {
        VarOrigin::Input(path) => {
            format!(
                "{term} comes from {}",
                ref_text(&written_ref(state, path.clone()))
            )
        }
        VarOrigin::Rule(path) => format!(
            "{term} comes from rule {}, whose value isn't known at compile time",
            ref_text(path)
        ),
        VarOrigin::Collection(collection) => {
            let members = members(collection).unwrap_or_default();
            if members.len() > MAX_MEMBERS {
                format!("{term} is one of {} values", members.len())
            } else {
                format!("{term} is one of {}", term_text(collection))
            }
        }
        VarOrigin::Builtin(name) => format!("{term} is computed by {name}"),
        VarOrigin::HeadKey => format!("{term} is a key of {}", rule_text(state, rule)),
        VarOrigin::HeadArg => format!("{term} is an argument of {}", rule_text(state, rule)),
    })
}
