//! References that meet an unknown key inside the rule tree: `data.apps[x].allow`.
//!
//! Which rules can match is known: the keys of the tree that lead on. Each of them is a branch that evaluates
//! only its own rules; base documents under all other keys are one more branch. The branches fill an object in a
//! helper function (so that what follows the reference is written once), and the caller iterates over what that
//! gives. A helper is shared by all references of its [`Shape`] and memoised like a rule.
//!
//! OPA enumerates first the keys of the base document, then those that only rules have. So the object is put in that
//! order at the end: for each unknown key an array of pairs of the key and what is below it.

use regovm_core::{Constant, Span};
use regovm_parser::ast::Term;

use super::constants::{constant, integer};
use super::refs::Within;
use super::rule_tree::{NodeId, NodeKind};
use super::{Lowered, Lowering, Task};
use crate::ir::display::path_text;
use crate::ir::{
    CollectKind, Compare, Function, FunctionKind, Local, Operand, Root, ScopeId, StmtKind,
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
        let mut value = self.call_function(function, args);
        for key in free {
            let pair = self.b.local();
            self.b.scan(value, None, Some(pair));
            let pair = Operand::Local(pair);
            if !self.is_unused(key) {
                let found = self.element(pair, 0);
                self.match_operand(found, key)?;
            }
            value = self.element(pair, 1);
        }
        self.steps(value, after, Within::Value)
    }

    fn element(&mut self, array: Operand, index: usize) -> Operand {
        let index = self.constants.operand(integer(index));
        self.get(array, index)
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
        self.start(params, Span::NONE);
        let mut next = 0;
        let mut steps = Vec::new();
        let mut name = self.tree.name(shape.node);
        for key in &shape.keys {
            steps.push(match key {
                Key::Constant(constant) => {
                    name.push_str(&path_text("", std::slice::from_ref(constant)));
                    Step::Known(self.constants.operand(constant.clone()))
                }
                Key::Known => {
                    name.push_str("[#]");
                    next += 1;
                    Step::Known(Operand::Local(Local(next - 1)))
                }
                Key::Free => {
                    name.push_str("[_]");
                    Step::Free
                }
            });
        }
        let mark = self.b.begin();
        let value = self.matches(shape.node, &shape.keys, &steps)?;
        self.b.emit(StmtKind::Return { value });
        let blocks = vec![self.b.end(mark)];
        let kind = match params {
            0 => FunctionKind::Rule,
            _ => FunctionKind::Function,
        };
        Ok(Function {
            params,
            ..self.function(kind, name, blocks, Span::NONE)
        })
    }

    /// What is at the end of the keys: a value, or pairs for each free key.
    fn matches(&mut self, node: NodeId, keys: &[Key], steps: &[Step]) -> Lowered<Operand> {
        if self.tree.kind(node) != NodeKind::Inner {
            let value = self.rule_value(node);
            return Ok(self.below_tree(value, Within::Value, steps));
        }
        let (Some((key, keys)), Some((step, later))) = (keys.split_first(), steps.split_first())
        else {
            let function = self.request(Task::Extent(node));
            return Ok(self.call_function(function, Vec::new()));
        };
        if let Key::Constant(constant) = key {
            return match self.tree.child_at(node, constant) {
                Some(child) => self.matches(child, keys, later),
                None => {
                    let base = self.base_document(node);
                    Ok(self.below_tree(base, Within::Data, steps))
                }
            };
        }
        let children: Vec<(Constant, NodeId)> = self
            .tree
            .children(node)
            .into_iter()
            .filter(|(_, child)| self.leads_on(*child, keys))
            .collect();
        match *step {
            Step::Known(lhs) => {
                let result = self.b.local();
                let mark = self.b.begin();
                self.none_of(lhs, &children);
                let base = self.base_document(node);
                let src = self.below_tree(base, Within::Data, steps);
                self.b.emit(StmtKind::Move { dst: result, src });
                let mut branches = vec![self.b.end(mark)];
                for (name, child) in children {
                    let rhs = self.constants.operand(name);
                    let mark = self.b.begin();
                    self.b.emit(StmtKind::Guard {
                        op: Compare::Equal,
                        lhs,
                        rhs,
                    });
                    let src = self.matches(child, keys, later)?;
                    self.b.emit(StmtKind::Move { dst: result, src });
                    branches.push(self.b.end(mark));
                }
                self.b.emit(StmtKind::FirstDefined { result, branches });
                self.b.emit(StmtKind::IsDefined { local: result });
                Ok(Operand::Local(result))
            }
            Step::Free => {
                let kind = CollectKind::Object;
                let scope = self.b.scope();
                let outer = self.b.begin();
                let mark = self.b.begin();
                let base = self.base_document(node);
                let (key, value) = self.scan_members(base);
                self.none_of(key, &children);
                let value = self.below_tree(value, Within::Data, later);
                let key = Some(key);
                self.b.emit(StmtKind::Append { scope, key, value });
                let mut blocks = vec![self.b.end(mark)];
                for (name, child) in children {
                    let key = Some(self.constants.operand(name));
                    let mark = self.b.begin();
                    let value = self.matches(child, keys, later)?;
                    self.b.emit(StmtKind::Append { scope, key, value });
                    blocks.push(self.b.end(mark));
                }
                self.b.emit(StmtKind::Blocks { blocks });
                let body = self.b.end(outer);
                let found = self.b.assign(|dst| StmtKind::Collect {
                    scope,
                    kind,
                    dst,
                    body,
                });
                Ok(self.in_order(node, found))
            }
        }
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

    fn base_document(&mut self, node: NodeId) -> Operand {
        self.load(Root::Data, self.tree.path(node).to_vec())
    }

    /// Opens an iteration over all members.
    fn scan_members(&mut self, base: Operand) -> (Operand, Operand) {
        let (key, value) = (self.b.local(), self.b.local());
        self.b.scan(base, Some(key), Some(value));
        (Operand::Local(key), Operand::Local(value))
    }

    /// Pairs of the members of an object: first those that the base document has too, then the others.
    fn in_order(&mut self, node: NodeId, found: Operand) -> Operand {
        let kind = CollectKind::Array;
        let scope = self.b.scope();
        let outer = self.b.begin();
        let mark = self.b.begin();
        let base = self.base_document(node);
        let (key, _) = self.scan_members(base);
        let value = self.get(found, key);
        self.append_pair(scope, key, value);
        let in_base = self.b.end(mark);
        let mark = self.b.begin();
        let (key, value) = self.scan_members(found);
        let absent = self.b.scope();
        let inner = self.b.begin();
        let base = self.base_document(node);
        let _ = self.get(base, key);
        self.b.emit(StmtKind::Yield { scope: absent });
        let body = self.b.end(inner);
        self.b.emit(StmtKind::Not {
            scope: absent,
            body,
        });
        self.append_pair(scope, key, value);
        let blocks = vec![in_base, self.b.end(mark)];
        self.b.emit(StmtKind::Blocks { blocks });
        let body = self.b.end(outer);
        self.b.assign(|dst| StmtKind::Collect {
            scope,
            kind,
            dst,
            body,
        })
    }

    fn append_pair(&mut self, scope: ScopeId, key: Operand, value: Operand) {
        let items = vec![key, value];
        let value = self.b.assign(|dst| StmtKind::MakeArray { dst, items });
        self.b.emit(StmtKind::Append {
            scope,
            key: None,
            value,
        });
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
    fn below_tree(&mut self, base: Operand, within: Within, steps: &[Step]) -> Operand {
        let Some((step, later)) = steps.split_first() else {
            return base;
        };
        match step {
            Step::Known(key) => {
                let value = self.get_within(within, base, *key);
                self.below_tree(value, within, later)
            }
            Step::Free => {
                let kind = CollectKind::Array;
                let scope = self.b.scope();
                let mark = self.b.begin();
                let (key, value) = self.scan_members(base);
                let value = self.below_tree(value, within, later);
                self.append_pair(scope, key, value);
                let body = self.b.end(mark);
                self.b.assign(|dst| StmtKind::Collect {
                    scope,
                    kind,
                    dst,
                    body,
                })
            }
        }
    }
}
