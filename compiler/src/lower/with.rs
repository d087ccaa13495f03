//! `with`: values are computed outside, then one overlay holds all replacements of an expression.

use std::collections::HashSet;

use regovm_core::builtin::BuiltinId;
use regovm_parser::ast::{Term, TermKind, With};

use super::constants::constant;
use super::{Lowered, Lowering, internal};
use crate::ir::{Callee, Local, Replacement, Root, StmtKind};
use crate::state::Checked;
use crate::text::dotted_name;
use crate::visit::{Node, walk};

impl Lowering<'_> {
    /// The overlay of the modifiers of an expression, on top of the current one.
    pub(super) fn overlay(&mut self, with: &[With]) -> Lowered<Local> {
        let replacements = with
            .iter()
            .map(|with| self.replacement(with))
            .collect::<Lowered<Vec<_>>>()?;
        let dst = self.b.local();
        let parent = self.b.overlay;
        self.b.emit(StmtKind::MakeOverlay {
            dst,
            parent,
            replacements,
        });
        Ok(dst)
    }

    fn replacement(&mut self, with: &With) -> Lowered<Replacement> {
        if let Some(target) = self.callee(&with.target) {
            return match self.replacing_function(&with.value) {
                Some(replacement) => Ok(Replacement::Function {
                    target,
                    replacement,
                }),
                None => Ok(Replacement::FunctionValue {
                    target,
                    value: self.value(&with.value)?,
                }),
            };
        }
        let path = path_of(&with.target);
        let root = match path.first().and_then(Term::as_var).map(|name| &**name) {
            Some("input") => Root::Input,
            Some("data") => Root::Data,
            _ => {
                return Err(internal(
                    with.span,
                    "a target of with that cannot be replaced",
                ));
            }
        };
        let path = path[1..]
            .iter()
            .map(|key| {
                constant(key).ok_or_else(|| internal(key.span, "a variable in a target of with"))
            })
            .collect::<Lowered<Vec<_>>>()?;
        Ok(Replacement::Document {
            root,
            path,
            value: self.value(&with.value)?,
        })
    }

    /// The function that a value names; a local variable of the same name is a value.
    fn replacing_function(&mut self, value: &Term) -> Option<Callee> {
        let local = path_of(value)
            .first()?
            .as_var()
            .and_then(|name| self.vars.get(name))
            .is_some();
        if local { None } else { self.callee(value) }
    }
}

fn path_of(term: &Term) -> &[Term] {
    match &term.kind {
        TermKind::Ref(path) => path,
        _ => std::slice::from_ref(term),
    }
}

/// All built-ins that a `with` of the program replaces.
pub(super) fn mocked_builtins(checked: &Checked<'_>) -> HashSet<BuiltinId> {
    let mut mocked = HashSet::new();
    let mut visit = |node: Node<'_>| {
        if let Node::With(with) = node {
            let name = dotted_name(&path_of(&with.target).to_vec());
            mocked.extend(name.and_then(|name| checked.state.builtins.id(&name)));
        }
        false
    };
    for rule in checked
        .state
        .modules
        .iter()
        .flat_map(|module| &module.rules)
    {
        walk(Node::Rule(rule), &mut visit);
    }
    for query in &checked.queries {
        walk(Node::Body(&query.body), &mut visit);
    }
    mocked
}
