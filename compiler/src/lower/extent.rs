//! Whole packages: what rules below give, merged with base data.

use regovm_core::Span;

use super::rule_tree::{NodeId, NodeKind};
use super::{Lowered, Lowering, Task};
use crate::ir::{Function, FunctionKind, Root, StmtKind};

impl Lowering<'_> {
    /// An object of all virtual documents below a node. Packages whose rules are all undefined are empty
    /// objects; functions do not show.
    pub(super) fn virtual_documents(&mut self, node: NodeId) -> Lowered<Function> {
        self.start(0, Span::NONE);
        let local = self.b.local();
        let mark = self.b.begin();
        self.b.emit(StmtKind::OpenObject { local });
        let mut blocks = vec![self.b.end(mark)];
        for (key, child) in self.tree.children(node) {
            if self.tree.is_hidden(child) {
                continue;
            }
            if self.tree.kind(child) == NodeKind::Function {
                if self.observe.is_some() {
                    let mark = self.b.begin();
                    self.observed_leaf(child)?;
                    blocks.push(self.b.end(mark));
                }
                continue;
            }
            let mark = self.b.begin();
            let value = match self.tree.kind(child) {
                NodeKind::Inner => {
                    let function = self.request(Task::Virtual(child));
                    self.call_function(function, Vec::new())
                }
                _ => self.rule_value(child),
            };
            let path = vec![self.constants.operand(key)];
            self.b.emit(StmtKind::InsertPath { local, path, value });
            blocks.push(self.b.end(mark));
        }
        let mark = self.b.begin();
        let value = self.b.assign(|dst| StmtKind::Close { dst, local });
        self.b.emit(StmtKind::Return { value });
        blocks.push(self.b.end(mark));
        // No path: even inside a replaced document OPA shows packages, as empty objects, next to what
        // replaces them. What the rules give is replaced one by one.
        let name = format!("{} (rules)", self.tree.name(node));
        Ok(self.function(FunctionKind::Rule, name, blocks, Span::NONE))
    }

    /// A package: base data, if there is any, merged with its virtual documents.
    pub(super) fn extent(&mut self, node: NodeId) -> Lowered<Function> {
        self.start(0, Span::NONE);
        let rules = self.request(Task::Virtual(node));
        let mark = self.b.begin();
        let base = self.load(Root::Data, self.tree.path(node).to_vec());
        let derived = self.call_function(rules, Vec::new());
        let value = self
            .b
            .assign(|dst| StmtKind::MergeDocuments { dst, base, derived });
        self.b.emit(StmtKind::Return { value });
        let merged = self.b.end(mark);
        let mark = self.b.begin();
        let value = self.call_function(rules, Vec::new());
        self.b.emit(StmtKind::Return { value });
        let blocks = vec![merged, self.b.end(mark)];
        let path = (node != self.tree.root()).then(|| self.tree.path(node).to_vec());
        let name = self.tree.name(node);
        Ok(Function {
            path,
            ..self.function(FunctionKind::Rule, name, blocks, Span::NONE)
        })
    }
}
