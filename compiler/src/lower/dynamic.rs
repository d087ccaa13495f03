//! References that meet an unknown key inside the rule tree: `data.apps[x].allow`.
//!
//! Which rules can match is known: the keys of the tree that lead on. Each of them is a branch that evaluates
//! only its own rules; base documents under all other keys are one more branch. The branches fill a collection in a
//! helper function (so that what follows the reference is written once), and the caller iterates over that. A
//! helper is shared by all references of its [`Shape`] and memoised like a rule.

use regovm_core::{Constant, Span};
use regovm_parser::ast::Term;

use super::constants::{constant, integer};
use super::refs::Within;
use super::rule_tree::{NodeId, NodeKind};
use super::{Lowered, Lowering, Task};
use crate::ir::{
    Block, CollectKind, Compare, Function, FunctionKind, Local, Operand, Root, StmtKind,
};

/// A reference into the rule tree, without its variables.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Shape {
    /// Where the constant part ends; no rules stand on the way or here.
    node: NodeId,
    /// The keys that follow, as far as the tree reaches.
    keys: Vec<Key>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Key {
    Constant(Constant),
    /// An argument of the helper.
    Known,
    /// Enumerated.
    Free,
}

/// A key inside the helper.
#[derive(Clone, Copy, Debug)]
enum Step {
    Known(Operand),
    Free,
}

/// Where the helper's matches go.
#[derive(Clone, Copy, Debug)]
enum Output {
    /// There is at most one match.
    Return,
    /// Collected; a single free key is the key of an object, several go into arrays.
    Collect(crate::ir::ScopeId, CollectKind),
}

impl Lowering<'_> {
    /// A reference below `data` whose first key after `node` is not constant.
    pub(super) fn dynamic_reference(&mut self, node: NodeId, rest: &[Term]) -> Lowered<Operand> {
        let (inside, after) = rest.split_at(self.reach(node, rest));
        let mut keys = Vec::new();
        let mut args = Vec::new();
        let mut free = Vec::new();
        for term in inside {
            keys.push(match constant(term) {
                Some(constant) => Key::Constant(constant),
                None if self.is_ready(term) => {
                    args.push(self.value(term)?);
                    Key::Known
                }
                None => {
                    free.push(term);
                    Key::Free
                }
            });
        }
        let function = self.request(Task::Dynamic(Shape { node, keys }));
        let found = self.call_function(function, args);
        let value = match free.as_slice() {
            [] => found,
            [term] => {
                let key = (!self.is_unused(term)).then(|| self.b.local());
                let value = self.b.local();
                self.b.scan(found, key, Some(value));
                if let Some(key) = key {
                    self.match_operand(Operand::Local(key), term)?;
                }
                Operand::Local(value)
            }
            _ => {
                let tuple = self.b.local();
                self.b.scan(found, None, Some(tuple));
                let tuple = Operand::Local(tuple);
                for (i, term) in free.iter().enumerate() {
                    if !self.is_unused(term) {
                        let index = self.constants.operand(integer(i));
                        let key = self.get(tuple, index);
                        self.match_operand(key, term)?;
                    }
                }
                let index = self.constants.operand(integer(free.len()));
                self.get(tuple, index)
            }
        };
        self.steps(value, after, Within::Value)
    }

    /// How many keys of a reference concern the tree below a node.
    fn reach(&self, node: NodeId, keys: &[Term]) -> usize {
        let mut nodes = vec![node];
        for (i, key) in keys.iter().enumerate() {
            nodes.retain(|node| self.tree.kind(*node) == NodeKind::Inner);
            if nodes.is_empty() {
                return i;
            }
            let constant = constant(key);
            nodes = nodes
                .into_iter()
                .flat_map(|node| match &constant {
                    Some(_) => self.tree.child(node, key).into_iter().collect::<Vec<_>>(),
                    None => self
                        .tree
                        .children(node)
                        .into_iter()
                        .map(|(_, child)| child)
                        .collect(),
                })
                .collect();
        }
        keys.len()
    }

    /// The helper that finds all matches of a shape.
    pub(super) fn dynamic_function(&mut self, shape: &Shape) -> Lowered<Function> {
        let params = shape.keys.iter().filter(|key| **key == Key::Known).count() as u32;
        let free = shape.keys.iter().filter(|key| **key == Key::Free).count();
        self.start(params, Span::NONE);
        let mut next = 0;
        let mut steps = Vec::new();
        for key in &shape.keys {
            steps.push(match key {
                Key::Constant(constant) => Step::Known(self.constants.operand(constant.clone())),
                Key::Known => {
                    next += 1;
                    Step::Known(Operand::Local(Local(next - 1)))
                }
                Key::Free => Step::Free,
            });
        }
        let blocks = if free == 0 {
            let mark = self.b.begin();
            self.branches(
                shape.node,
                &shape.keys,
                &steps,
                Output::Return,
                &mut Vec::new(),
            )?;
            vec![self.b.end(mark)]
        } else {
            let kind = if free == 1 {
                CollectKind::Object
            } else {
                CollectKind::Array
            };
            let scope = self.b.scope();
            let outer = self.b.begin();
            let mark = self.b.begin();
            let output = Output::Collect(scope, kind);
            self.branches(shape.node, &shape.keys, &steps, output, &mut Vec::new())?;
            let body = self.b.end(mark);
            let value = self.b.assign(|dst| StmtKind::Collect {
                scope,
                kind,
                dst,
                body,
            });
            self.b.emit(StmtKind::Return { value });
            vec![self.b.end(outer)]
        };
        let kind = if params == 0 {
            FunctionKind::Rule
        } else {
            FunctionKind::Function
        };
        let mut name = self.tree.name(shape.node);
        for key in &shape.keys {
            name.push_str(&match key {
                Key::Constant(constant) => crate::ir::display::path_text("", &[constant.clone()]),
                Key::Known => "[#]".to_string(),
                Key::Free => "[_]".to_string(),
            });
        }
        Ok(Function {
            params,
            ..self.function(kind, name, blocks, Span::NONE)
        })
    }

    /// All ways on from a node; `found` are the free keys so far.
    fn branches(
        &mut self,
        node: NodeId,
        keys: &[Key],
        steps: &[Step],
        output: Output,
        found: &mut Vec<Operand>,
    ) -> Lowered<()> {
        if self.tree.kind(node) != NodeKind::Inner {
            let value = self.rule_value(node);
            self.below_tree(value, Within::Value, steps, output, found);
            return Ok(());
        }
        let (Some((key, keys)), Some((step, later))) = (keys.split_first(), steps.split_first())
        else {
            let function = self.request(Task::Extent(node));
            let value = self.call_function(function, Vec::new());
            self.found(value, output, found);
            return Ok(());
        };
        if let Key::Constant(constant) = key {
            return match self.tree.child_at(node, constant) {
                Some(child) => self.branches(child, keys, later, output, found),
                None => {
                    let base = self.load(Root::Data, self.tree.path(node).to_vec());
                    self.below_tree(base, Within::Data, steps, output, found);
                    Ok(())
                }
            };
        }
        let children: Vec<(Constant, NodeId)> = self
            .tree
            .children(node)
            .into_iter()
            .filter(|(_, child)| self.leads_on(*child, keys))
            .collect();
        let mut blocks = vec![self.base_branch(node, *step, later, &children, output, found)];
        for (name, child) in children {
            let name = self.constants.operand(name);
            let mark = self.b.begin();
            match *step {
                Step::Known(lhs) => {
                    self.b.emit(StmtKind::Guard {
                        op: Compare::Equal,
                        lhs,
                        rhs: name,
                    });
                    self.branches(child, keys, later, output, found)?;
                }
                Step::Free => {
                    found.push(name);
                    self.branches(child, keys, later, output, found)?;
                    found.pop();
                }
            }
            blocks.push(self.b.end(mark));
        }
        self.b.emit(StmtKind::Blocks { blocks });
        Ok(())
    }

    /// True if rules can match the keys from here, or the whole package is asked for.
    fn leads_on(&self, node: NodeId, keys: &[Key]) -> bool {
        match self.tree.kind(node) {
            NodeKind::Function => return false,
            NodeKind::Inner => {}
            _ => return true,
        }
        match keys.split_first() {
            None => true,
            Some((Key::Constant(key), keys)) => self
                .tree
                .child_at(node, key)
                .is_some_and(|child| self.leads_on(child, keys)),
            Some((_, keys)) => self
                .tree
                .children(node)
                .iter()
                .any(|(_, child)| self.leads_on(*child, keys)),
        }
    }

    /// Base documents under the keys that no branch is for.
    fn base_branch(
        &mut self,
        node: NodeId,
        step: Step,
        later: &[Step],
        children: &[(Constant, NodeId)],
        output: Output,
        found: &mut Vec<Operand>,
    ) -> Block {
        let mark = self.b.begin();
        let base = self.load(Root::Data, self.tree.path(node).to_vec());
        match step {
            Step::Known(key) => {
                self.none_of(key, children);
                let value = self.get_within(Within::Data, base, key);
                self.below_tree(value, Within::Data, later, output, found);
            }
            Step::Free => {
                let (key, value) = (self.b.local(), self.b.local());
                self.b.scan(base, Some(key), Some(value));
                let key = Operand::Local(key);
                self.none_of(key, children);
                found.push(key);
                self.below_tree(Operand::Local(value), Within::Data, later, output, found);
                found.pop();
            }
        }
        self.b.end(mark)
    }

    fn none_of(&mut self, key: Operand, children: &[(Constant, NodeId)]) {
        if children.is_empty() {
            return;
        }
        let names = children.iter().map(|(name, _)| name.clone()).collect();
        let names = self.constants.operand(Constant::Set(names));
        let scope = self.b.scope();
        let mark = self.b.begin();
        let _ = self.get(names, key);
        self.b.emit(StmtKind::Yield { scope });
        let body = self.b.end(mark);
        self.b.emit(StmtKind::Not { scope, body });
    }

    /// The rest of the keys, on a value.
    fn below_tree(
        &mut self,
        base: Operand,
        within: Within,
        steps: &[Step],
        output: Output,
        found: &mut Vec<Operand>,
    ) {
        let free = found.len();
        let value = steps.iter().fold(base, |base, step| match step {
            Step::Known(key) => self.get_within(within, base, *key),
            Step::Free => {
                let (key, value) = (self.b.local(), self.b.local());
                self.b.scan(base, Some(key), Some(value));
                found.push(Operand::Local(key));
                Operand::Local(value)
            }
        });
        self.found(value, output, found);
        found.truncate(free);
    }

    fn found(&mut self, value: Operand, output: Output, found: &[Operand]) {
        match output {
            Output::Return => self.b.emit(StmtKind::Return { value }),
            Output::Collect(scope, CollectKind::Object) => {
                self.b.emit(StmtKind::Append {
                    scope,
                    key: found.first().copied(),
                    value,
                });
            }
            Output::Collect(scope, _) => {
                let items = found.iter().copied().chain([value]).collect();
                let value = self.b.assign(|dst| StmtKind::MakeArray { dst, items });
                self.b.emit(StmtKind::Append {
                    scope,
                    key: None,
                    value,
                });
            }
        }
    }
}
