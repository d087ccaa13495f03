//! The rule tree, flattened: nodes have numbers, and know what their rules are.

use regovm_core::Constant;
use regovm_parser::ast::{Rule, Term};

use super::constants::constant;
use crate::ir::display::path_text;
use crate::order::is_ground;
use crate::rule_tree::{RuleTree, TreeKey};
use crate::state::{RuleId, State, full_ref};

/// A node of [`Tree`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct NodeId(u32);

/// What the rules of a node are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NodeKind {
    /// No rules here: a package, or a part of a longer rule ref.
    Inner,
    /// A user function.
    Function,
    /// A complete rule.
    Complete,
    /// A partial set.
    PartialSet,
    /// Rules with variables in their refs, and all rules below: one object.
    PartialObject,
}

#[derive(Debug)]
struct Node {
    kind: NodeKind,
    path: Vec<Constant>,
    rules: Vec<RuleId>,
    children: Vec<(TreeKey, NodeId)>,
    /// `data.system`: not part of what `data` as a whole shows.
    hidden: bool,
}

/// Where a path below `data` leads.
pub(super) enum Reach<'k> {
    /// To rules, be it on the way or at its end, or to a package.
    Rules,
    /// To nothing: the node has no child of this key.
    Nothing(NodeId, &'k Term),
}

/// Rules by path below `data`.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// Flattens the tree of the front stages.
    pub(super) fn new(state: &State<'_>) -> Tree {
        let mut tree = Tree { nodes: Vec::new() };
        let empty = RuleTree::default();
        let root = match state
            .rule_tree
            .children
            .get(&TreeKey::String("data".into()))
        {
            Some(data) => data,
            None => &empty,
        };
        let root_id = tree.add(state, root, Vec::new());
        // Nodes whose children are still to be added.
        let mut open = vec![(root_id, root)];
        while let Some((id, source)) = open.pop() {
            for (key, child) in &source.children {
                let mut path = tree.node(id).path.clone();
                path.push(key_constant(state, key, child, path.len() + 1));
                let child_id = tree.add(state, child, path);
                tree.nodes[id.0 as usize]
                    .children
                    .push((key.clone(), child_id));
                open.push((child_id, child));
            }
        }
        tree
    }

    /// Follows a path below `data`.
    pub(super) fn reach<'k>(&self, keys: &'k [Term]) -> Reach<'k> {
        let mut node = self.root();
        for key in keys {
            if self.kind(node) != NodeKind::Inner {
                return Reach::Rules;
            }
            match self.child(node, key) {
                Some(child) => node = child,
                None => return Reach::Nothing(node, key),
            }
        }
        Reach::Rules
    }

    fn add(&mut self, state: &State<'_>, source: &RuleTree, path: Vec<Constant>) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        let rules = source.rules.clone();
        let kind = node_kind(state, &rules);
        self.nodes.push(Node {
            kind,
            path,
            rules,
            children: Vec::new(),
            hidden: source.hidden,
        });
        id
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// `data` itself.
    pub(super) fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// What the rules of a node are.
    pub(super) fn kind(&self, id: NodeId) -> NodeKind {
        self.node(id).kind
    }

    /// The keys below `data`.
    pub(super) fn path(&self, id: NodeId) -> &[Constant] {
        &self.node(id).path
    }

    /// The path as Rego writes it.
    pub(super) fn name(&self, id: NodeId) -> String {
        path_text("data", self.path(id))
    }

    /// The node below a key.
    pub(super) fn child(&self, id: NodeId, key: &Term) -> Option<NodeId> {
        let key = TreeKey::of(key)?;
        let children = &self.node(id).children;
        let index = children.binary_search_by(|(at, _)| at.cmp(&key)).ok()?;
        Some(children[index].1)
    }

    /// The node below a key that is known as a constant.
    pub(super) fn child_at(&self, id: NodeId, key: &Constant) -> Option<NodeId> {
        let children = self.node(id).children.iter().map(|(_, child)| *child);
        children
            .into_iter()
            .find(|child| self.path(*child).last() == Some(key))
    }

    /// The node of a path of terms below `data`.
    pub(super) fn find(&self, path: &[Term]) -> Option<NodeId> {
        path.iter()
            .try_fold(self.root(), |node, key| self.child(node, key))
    }

    /// The nodes below a node with the last keys of their paths, in the order of the keys.
    pub(super) fn children(&self, id: NodeId) -> Vec<(Constant, NodeId)> {
        self.node(id)
            .children
            .iter()
            .filter_map(|(_, child)| Some((self.path(*child).last()?.clone(), *child)))
            .collect()
    }

    /// True if nothing stands below a node.
    pub(super) fn is_leaf(&self, id: NodeId) -> bool {
        self.node(id).children.is_empty()
    }

    /// True for what the extent of the parent does not show.
    pub(super) fn is_hidden(&self, id: NodeId) -> bool {
        self.node(id).hidden
    }

    /// The rules of a node itself.
    pub(super) fn rules(&self, id: NodeId) -> &[RuleId] {
        &self.node(id).rules
    }

    /// The rules of a node and of all nodes below.
    pub(super) fn rules_below(&self, id: NodeId) -> Vec<RuleId> {
        let mut rules = Vec::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let node = self.node(id);
            rules.extend_from_slice(&node.rules);
            open.extend(node.children.iter().rev().map(|(_, child)| *child));
        }
        rules
    }

    /// All nodes that have a function: the topmost nodes with rules on every path.
    pub(super) fn rule_nodes(&self) -> Vec<NodeId> {
        let mut found = Vec::new();
        let mut open = vec![self.root()];
        while let Some(id) = open.pop() {
            if self.kind(id) != NodeKind::Inner {
                found.push(id);
            } else {
                open.extend(self.node(id).children.iter().rev().map(|(_, child)| *child));
            }
        }
        found
    }
}

fn node_kind(state: &State<'_>, rules: &[RuleId]) -> NodeKind {
    let Some(first) = rules.first().map(|id| state.rule(*id)) else {
        return NodeKind::Inner;
    };
    if !first.head.args.is_empty() {
        return NodeKind::Function;
    }
    let general = |id: &RuleId| !state.rule(*id).head.reference.iter().skip(1).all(is_ground);
    if rules.iter().any(general) {
        NodeKind::PartialObject
    } else if is_multi_value(first) {
        NodeKind::PartialSet
    } else {
        NodeKind::Complete
    }
}

/// True for `contains` rules.
pub(super) fn is_multi_value(rule: &Rule) -> bool {
    rule.head.value.is_none() && rule.head.key.is_some()
}

/// The keys of a rule's whole ref below `data`.
pub(super) fn rule_path(state: &State<'_>, id: RuleId, rule: &Rule) -> Vec<Term> {
    let mut path = full_ref(&state.module_of(id).package.path, &rule.head.reference);
    path.drain(..1.min(path.len()));
    path
}

/// A key as a constant. Composite keys are only known as text, but some rule below spells them.
fn key_constant(state: &State<'_>, key: &TreeKey, node: &RuleTree, depth: usize) -> Constant {
    match key {
        TreeKey::Null => Constant::Null,
        TreeKey::Boolean(value) => Constant::Boolean(*value),
        TreeKey::Number(text) => Constant::Number(text.clone()),
        TreeKey::String(text) => Constant::String(text.clone()),
        TreeKey::Other(text) => {
            let mut open = vec![node];
            while let Some(node) = open.pop() {
                if let Some(id) = node.rules.first() {
                    let path = rule_path(state, *id, state.rule(*id));
                    if let Some(constant) = path.get(depth - 1).and_then(constant) {
                        return constant;
                    }
                }
                open.extend(node.children.values());
            }
            Constant::String(text.clone())
        }
    }
}
