//! The rules whose values an expression mentions: a trace with values shows those that are known.

use regovm_core::Constant;
use regovm_parser::ast::{Expr, Term, TermKind};
use regovm_parser::print;

use super::Observe;
use crate::ir::{Document, FuncId};
use crate::lower::constants::constant;
use crate::lower::rule_tree::NodeKind;
use crate::lower::{Lowering, Task};
use crate::visit::{self, Node};

impl Lowering<'_> {
    /// Notes the rules that the expressions of a site mention, closures included.
    pub(super) fn note_documents(&mut self, site: u32, exprs: &[Expr]) {
        if !matches!(self.observe, Some(Observe { values: true, .. })) {
            return;
        }
        let mut found: Vec<Document> = Vec::new();
        for expr in exprs {
            let mut paths: Vec<&[Term]> = Vec::new();
            visit::walk_terms(Node::Expr(expr), &mut |term| {
                if let TermKind::Ref(path) = &term.kind {
                    paths.push(path);
                }
                false
            });
            for path in paths {
                let document = self.document(path);
                found.extend(document.filter(|document| {
                    let known = |other: &Document| other.name == document.name;
                    !found.iter().any(known)
                }));
            }
        }
        let site = site as usize;
        if self.documents.len() <= site {
            self.documents.resize_with(site + 1, Vec::new);
        }
        self.documents[site] = found;
    }

    /// What computes a reference up to its first part that is not known beforehand.
    fn document(&mut self, path: &[Term]) -> Option<Document> {
        let (head, keys) = path.split_first()?;
        let is_data = head.as_var().is_some_and(|name| &**name == "data");
        if !is_data || self.vars.get("data").is_some() {
            return None;
        }
        let ground: Vec<Constant> = keys.iter().map_while(constant).collect();
        let mut node = self.tree.root();
        let mut depth = 0;
        while self.tree.kind(node) == NodeKind::Inner {
            node = self.tree.child_at(node, ground.get(depth)?)?;
            depth += 1;
        }
        let rest = ground[depth..].to_vec();
        let function: FuncId = match (self.tree.kind(node), rest.len()) {
            (NodeKind::Complete | NodeKind::PartialSet | NodeKind::PartialObject, 0) => {
                self.request(Task::Rules(node))
            }
            // Asked for in this way only if these are all keys that matter.
            (NodeKind::PartialSet, 1) | (NodeKind::PartialObject, _) => {
                let task = Task::Keyed(node, rest.len() as u32);
                *self.requested.get(&task)?
            }
            _ => return None,
        };
        Some(Document {
            name: print::reference(&path[..=ground.len()]),
            span: head.span,
            function,
            keys: rest,
        })
    }
}
