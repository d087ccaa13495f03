//! References: known keys are looked up, unknown ones iterate.

use regovm_core::Constant;
use regovm_parser::ast::Term;

use super::constants::constant;
use super::rule_tree::NodeKind;
use super::{Lowered, Lowering, Task};
use crate::ir::{ConstId, Operand, Root, StmtKind};

/// Where a key is looked up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Within {
    /// In a value.
    Value,
    /// In base data, where numbers and their texts are the same.
    Data,
}

/// True for keys that base data takes for a number and for a text.
fn is_ambiguous(key: &Constant) -> bool {
    match key {
        Constant::String(text) => text.bytes().all(|b| b.is_ascii_digit() || b == b'+'),
        Constant::Number(_) => true,
        _ => false,
    }
}

impl Lowering<'_> {
    /// The value of a reference; the first term is its head. Unknown keys open iterations.
    pub(super) fn reference(&mut self, path: &[Term]) -> Lowered<Operand> {
        let Some((head, rest)) = path.split_first() else {
            return Err(super::internal(self.b.span, "an empty reference"));
        };
        if let Some(name) = head.as_var().filter(|name| self.vars.get(name).is_none()) {
            match &**name {
                "input" => return self.base(Root::Input, Vec::new(), rest),
                "data" => return self.data_reference(rest),
                _ => {}
            }
        }
        let base = self.value(head)?;
        self.steps(base, rest, Within::Value)
    }

    /// Goes on from a value.
    pub(super) fn steps(
        &mut self,
        base: Operand,
        rest: &[Term],
        within: Within,
    ) -> Lowered<Operand> {
        rest.iter()
            .try_fold(base, |base, key| self.step(base, key, within))
    }

    fn step(&mut self, base: Operand, key: &Term, within: Within) -> Lowered<Operand> {
        if self.is_ready(key) {
            let plain = constant(key).is_some_and(|key| !is_ambiguous(&key));
            let key = self.value(key)?;
            return Ok(if plain {
                self.get(base, key)
            } else {
                self.get_within(within, base, key)
            });
        }
        let local = (!self.is_unused(key)).then(|| self.b.local());
        let value = self.b.local();
        self.b.scan(base, local, Some(value));
        if let Some(local) = local {
            self.match_operand(Operand::Local(local), key)?;
        }
        Ok(Operand::Local(value))
    }

    /// A document without rules: constant keys in one load, then step by step.
    pub(super) fn base(
        &mut self,
        root: Root,
        prefix: Vec<Constant>,
        rest: &[Term],
    ) -> Lowered<Operand> {
        let known: Vec<Constant> = rest.iter().map_while(constant).collect();
        let rest = &rest[known.len()..];
        let path = prefix.into_iter().chain(known).collect();
        let value = self.load(root, path);
        let within = match root {
            Root::Data => Within::Data,
            Root::Input => Within::Value,
        };
        self.steps(value, rest, within)
    }

    /// `base[key]`
    pub(super) fn get_within(&mut self, within: Within, base: Operand, key: Operand) -> Operand {
        self.b.assign(|dst| match within {
            Within::Value => StmtKind::Get { dst, base, key },
            Within::Data => StmtKind::GetData { dst, base, key },
        })
    }

    /// Loads a document at a constant path.
    pub(super) fn load(&mut self, root: Root, path: Vec<Constant>) -> Operand {
        let path: Vec<ConstId> = path.into_iter().map(|key| self.constants.id(key)).collect();
        self.b.assign(|dst| StmtKind::Load { dst, root, path })
    }

    /// `data` and what follows: through the rule tree, into the value of a rule or into base data.
    fn data_reference(&mut self, path: &[Term]) -> Lowered<Operand> {
        let mut node = self.tree.root();
        for (i, key) in path.iter().enumerate() {
            let rest = &path[i..];
            if self.tree.kind(node) != NodeKind::Inner {
                if self.observe.is_some()
                    && let Some((value, keys)) = self.keyed_reference(node, rest)?
                {
                    return self.steps(value, &rest[keys..], Within::Value);
                }
                let value = self.rule_value(node);
                return self.steps(value, rest, Within::Value);
            }
            if self.tree.is_leaf(node) {
                return self.base(Root::Data, self.tree.path(node).to_vec(), rest);
            }
            if constant(key).is_none() {
                return self.dynamic_reference(node, rest);
            }
            match self.tree.child(node, key) {
                Some(child) => node = child,
                None => return self.base(Root::Data, self.tree.path(node).to_vec(), rest),
            }
        }
        Ok(match self.tree.kind(node) {
            NodeKind::Inner => {
                let function = self.request(Task::Extent(node));
                self.call_function(function, Vec::new())
            }
            _ => self.rule_value(node),
        })
    }

    /// The value of the rules at a node.
    pub(super) fn rule_value(&mut self, node: super::NodeId) -> Operand {
        if self.tree.kind(node) == NodeKind::Function {
            // A function is no document: a reference to it is undefined.
            self.b.emit(StmtKind::Fail);
            return self.constants.operand(Constant::Null);
        }
        let function = self.request(Task::Rules(node));
        self.call_function(function, Vec::new())
    }
}
