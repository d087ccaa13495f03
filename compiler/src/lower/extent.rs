//! Whole packages: what rules below give, merged with base data.

use regovm_core::{Constant, Span};

use super::rule_tree::{NodeId, NodeKind};
use super::{Lowered, Lowering, Task};
use crate::ir::{CollectKind, Compare, Function, FunctionKind, Operand, Root, StmtKind};

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
            if self.tree.is_hidden(child) || self.tree.kind(child) == NodeKind::Function {
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
        let path = Some(self.tree.path(node).to_vec());
        let name = format!("{} (rules)", self.tree.name(node));
        Ok(Function {
            path,
            ..self.function(FunctionKind::Rule, name, blocks, Span::NONE)
        })
    }

    /// A package: base data, if there is any, merged with its virtual documents.
    pub(super) fn extent(&mut self, node: NodeId) -> Lowered<Function> {
        self.start(0, Span::NONE);
        let rules = self.request(Task::Virtual(node));
        let mark = self.b.begin();
        let mut base = self.load(Root::Data, self.tree.path(node).to_vec());
        if node == self.tree.root() {
            base = self.without_system(base);
        }
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
        let path = Some(self.tree.path(node).to_vec());
        let name = self.tree.name(node);
        Ok(Function {
            path,
            ..self.function(FunctionKind::Rule, name, blocks, Span::NONE)
        })
    }

    /// `data` as a whole does not show `data.system`.
    fn without_system(&mut self, base: Operand) -> Operand {
        let scope = self.b.scope();
        let mark = self.b.begin();
        let (key, value) = (self.b.local(), self.b.local());
        self.b.scan(base, Some(key), Some(value));
        let (key, value) = (Operand::Local(key), Operand::Local(value));
        let system = self.constants.operand(Constant::from("system"));
        self.b.emit(StmtKind::Guard {
            op: Compare::NotEqual,
            lhs: key,
            rhs: system,
        });
        self.b.emit(StmtKind::Append {
            scope,
            key: Some(key),
            value,
        });
        let body = self.b.end(mark);
        self.b.assign(|dst| StmtKind::Collect {
            scope,
            kind: CollectKind::Object,
            dst,
            body,
        })
    }
}
