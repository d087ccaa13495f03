//! The numbers of wildcards, as OPA gives them out while it reads.
//!
//! The lexer numbers them by their place in the text. But the head of an `else`, and that of a second body, repeats the
//! arguments of the first head, and a wildcard there is a new one each time: OPA numbers it before what follows. Only trees
//! that are shown need that.

use std::collections::{HashMap, HashSet};

use crate::ast::{Module, Name, Rule, Term, TermKind};
use crate::visit::{self, Node};

/// Numbers all wildcards of a module anew.
pub(crate) fn renumber(module: &mut Module) {
    // Those of the package and of imports come first; there they are texts by now.
    let mut before = u32::MAX;
    for rule in &mut module.rules {
        let mut next = Some(rule);
        while let Some(rule) = next {
            let mut note = |name: &mut Name| before = before.min(number(name).unwrap_or(0));
            terms(&mut rule.head.reference, &mut note);
            terms(&mut rule.head.args, &mut note);
            below_arguments(rule, &mut note);
            next = rule.else_rule.as_deref_mut();
        }
    }
    let mut names = HashMap::new();
    for rule in &mut module.rules {
        let mut next = Some(rule);
        while let Some(rule) = next {
            let mut found = Vec::new();
            let mut note = |name: &mut Name| found.push(name.clone());
            terms(&mut rule.head.reference, &mut note);
            terms(&mut rule.head.args, &mut note);
            let mut rest = Vec::new();
            below_arguments(rule, &mut |name| rest.push((place(name), name.clone())));
            rest.sort();
            found.extend(rest.into_iter().map(|(_, name)| name));
            for name in found {
                let number = u64::from(before) + names.len() as u64;
                names
                    .entry(name)
                    .or_insert_with(|| Name::from(format!("${number}")));
            }
            let mut rename = |name: &mut Name| {
                if let Some(new) = names.get(name) {
                    *name = new.clone();
                }
            };
            rename(&mut rule.head.name);
            terms(&mut rule.head.reference, &mut rename);
            terms(&mut rule.head.args, &mut rename);
            below_arguments(rule, &mut rename);
            next = rule.else_rule.as_deref_mut();
        }
    }
}

/// The wildcards that stand in more than one place: in the head of a rule and in that of its `else`.
pub(crate) fn repeated(module: &Module) -> HashSet<Name> {
    let (mut seen, mut found) = (HashSet::new(), HashSet::new());
    if module.rules.iter().all(|rule| rule.else_rule.is_none()) {
        return found;
    }
    let mut copy = module.rules.clone();
    for rule in &mut copy {
        let mut next = Some(rule);
        while let Some(rule) = next {
            let mut note = |name: &mut Name| {
                if !seen.insert(name.clone()) {
                    found.insert(name.clone());
                }
            };
            terms(&mut rule.head.reference, &mut note);
            terms(&mut rule.head.args, &mut note);
            below_arguments(rule, &mut note);
            next = rule.else_rule.as_deref_mut();
        }
    }
    found
}

/// The number that the lexer gave. Where a text had to be read a second time there is a place in the text instead.
fn number(name: &Name) -> Option<u32> {
    name.strip_prefix('$')
        .and_then(|digits| digits.parse().ok())
}

/// The number within the name, which grows with the place in the text.
fn place(name: &Name) -> u32 {
    let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.parse().unwrap_or(0)
}

type Visit<'f> = &'f mut dyn FnMut(&mut Name);

fn below_arguments(rule: &mut Rule, f: Visit<'_>) {
    let head = &mut rule.head;
    for part in [&mut head.key, &mut head.value].into_iter().flatten() {
        visit::term(part, &mut |node| wildcard(node, f));
    }
    visit::body(&mut rule.body, &mut |node| wildcard(node, f));
}

fn terms(list: &mut [Term], f: Visit<'_>) {
    visit::terms(list, &mut |node| wildcard(node, f));
}

fn wildcard(node: Node<'_>, f: Visit<'_>) {
    if let Node::Term(term) = node
        && let TermKind::Var(name) = &mut term.kind
        && name.starts_with('$')
    {
        f(name);
    }
}

#[cfg(test)]
mod tests {
    use regovm_core::SourceMap;

    use super::*;
    use crate::{ParseOptions, parse_module};

    /// Recorded from OPA: of each head of a chain the arguments, then the first step of its body's reference.
    #[test]
    fn heads_of_else_get_numbers_as_they_come() {
        let text = "package a\np(_, [_], _) := 1 if { a[_] } else := [_] if { b[_] } else if { c[_] }\nq if { d[_] }\n";
        let mut sources = SourceMap::new();
        let id = sources.add("p.rego", text).unwrap();
        let mut module = parse_module(&sources, id, &ParseOptions::default()).unwrap();
        renumber(&mut module);
        let mut seen = Vec::new();
        for rule in &mut module.rules {
            let mut next = Some(rule);
            while let Some(rule) = next {
                let mut names = Vec::new();
                terms(&mut rule.head.args, &mut |name| {
                    names.push(name.to_string())
                });
                below_arguments(rule, &mut |name| names.push(name.to_string()));
                seen.push(names.join(" "));
                next = rule.else_rule.as_deref_mut();
            }
        }
        assert_eq!(
            seen,
            ["$0 $1 $2 $3", "$4 $1 $5 $6 $7", "$8 $1 $9 $10", "$11"]
        );
    }
}
