//! Partial sets and objects, whole and for one key.

use regovm_core::Span;
use regovm_parser::ast::{Rule, Term};

use super::Then;
use crate::ir::{Function, FunctionKind, Local, Moment, Operand, StmtKind};
use crate::lower::rule_tree::{NodeId, NodeKind, is_multi_value, rule_path};
use crate::lower::rules::chain;
use crate::lower::{Lowered, Lowering, Task};
use crate::state::RuleId;

impl<'c> Lowering<'c> {
    /// A partial set or object. With keys, only what is at those keys, and undefined if there is nothing.
    pub(in crate::lower) fn observed_partial(
        &mut self,
        node: NodeId,
        keys: u32,
    ) -> Lowered<Function> {
        let set = self.tree.kind(node) == NodeKind::PartialSet;
        let ids: Vec<RuleId> = match set {
            true => self.tree.rules(node).to_vec(),
            false => self.tree.rules_below(node),
        };
        let checked = self.checked;
        // Within an object of several rules defaults do not count.
        let rules: Vec<(RuleId, &'c Rule)> = ids
            .into_iter()
            .map(|id| (id, checked.state.rule(id)))
            .filter(|(_, rule)| !rule.default && rule.head.args.is_empty())
            .collect();
        let span = rules.first().map_or(Span::NONE, |(_, rule)| rule.span);
        self.start(keys, span);
        let local = self.b.local();
        let mark = self.b.begin();
        self.b.emit(match set {
            true => StmtKind::OpenSet { local },
            false => StmtKind::OpenObject { local },
        });
        let mut blocks = vec![self.b.end(mark)];
        let chains: Vec<Vec<&Rule>> = rules.iter().map(|(_, rule)| chain(rule)).collect();
        let (candidates, _) = self.ask_index(node, &chains, &mut blocks)?;
        let depth = self.tree.path(node).len();
        for ((id, _), chain) in rules.iter().zip(candidates) {
            let mark = self.b.begin();
            let decided = self.flag();
            let mut steps = Vec::new();
            for (number, candidate) in chain.into_iter().enumerate() {
                let mark = self.b.begin();
                if let Some(local) = candidate.matched {
                    self.b.emit(StmtKind::IsDefined { local });
                }
                self.b.emit(StmtKind::IsUndefined { local: decided });
                let target = (local, depth, keys);
                self.partial_branch(node, (*id, number > 0), candidate.rule, target, decided)?;
                steps.push(self.b.end(mark));
            }
            self.b.emit(StmtKind::Blocks { blocks: steps });
            blocks.push(self.b.end(mark));
        }
        self.b.span = span;
        let mark = self.b.begin();
        let mut value = self.b.assign(|dst| StmtKind::Close { dst, local });
        for key in 0..keys {
            value = self.get(value, Operand::Local(Local(key)));
        }
        self.b.emit(StmtKind::Return { value });
        blocks.push(self.b.end(mark));
        let name = self.tree.name(node);
        let (kind, path) = match keys {
            0 => (FunctionKind::Rule, Some(self.tree.path(node).to_vec())),
            _ => (FunctionKind::Function, None),
        };
        Ok(Function {
            path,
            params: keys,
            ..self.function(kind, name, blocks, span)
        })
    }

    pub(super) fn partial_branch(
        &mut self,
        node: NodeId,
        (id, is_else): (RuleId, bool),
        rule: &Rule,
        (local, depth, keys): (Local, usize, u32),
        decided: Local,
    ) -> Lowered<()> {
        let site = self.rule_site(node, rule, is_else);
        self.b.span = rule.head.span;
        self.moment(Moment::Enter, site);
        let unified = self.flag();
        self.apart(|this| {
            let path = rule_path(&this.checked.state, id, rule);
            let terms = path.iter().skip(depth);
            let key = rule.head.key.as_deref().filter(|_| is_multi_value(rule));
            for (number, term) in (0..keys).zip(terms.chain(key)) {
                this.match_operand(Operand::Local(Local(number)), term)?;
            }
            this.mark_true(unified);
            let then: Then<'_, 'c> = Box::new(move |this| {
                this.b.span = rule.head.span;
                this.moment(Moment::Exit(false), site);
                this.insert(id, rule, local, depth)?;
                this.mark_true(decided);
                this.moment(Moment::RedoNode, site);
                Ok(())
            });
            this.observed_body(&rule.body, 0, then)
        })?;
        self.vars.rewind(0);
        self.b.span = rule.head.span;
        if keys > 0 {
            self.apart(|this| {
                this.b.emit(StmtKind::IsUndefined { local: unified });
                this.moment(Moment::FailAgain, site);
                Ok(())
            })?;
        }
        self.moment(Moment::Leave, site);
        Ok(())
    }

    /// A reference to partial rules whose first keys are known: only those are computed, unless all are there already.
    pub(in crate::lower) fn keyed_reference(
        &mut self,
        node: NodeId,
        rest: &[Term],
    ) -> Lowered<Option<(Operand, usize)>> {
        let most = match self.tree.kind(node) {
            NodeKind::PartialSet => 1,
            NodeKind::PartialObject => {
                let depth = self.tree.path(node).len();
                let state = &self.checked.state;
                let lengths = self.tree.rules_below(node).into_iter().map(|id| {
                    let rule = state.rule(id);
                    let length = rule_path(state, id, rule).len();
                    length.saturating_sub(depth) + usize::from(is_multi_value(rule))
                });
                lengths.max().unwrap_or(0)
            }
            _ => 0,
        };
        let ready = rest.iter().take(most).take_while(|key| self.is_ready(key));
        let count = ready.count();
        if count == 0 {
            return Ok(None);
        }
        let keys = self.values(&rest[..count])?;
        let all = self.request(Task::Rules(node));
        let keyed = self.request(Task::Keyed(node, count as u32));
        let known = self.flag();
        self.apart(|this| {
            let src = this.b.assign(|dst| StmtKind::Recall { dst, function: all });
            this.b.emit(StmtKind::Move { dst: known, src });
            Ok(())
        })?;
        let result = self.flag();
        self.apart(|this| {
            this.b.emit(StmtKind::IsDefined { local: known });
            let mut src = Operand::Local(known);
            for key in &keys {
                src = this.get(src, *key);
            }
            this.b.emit(StmtKind::Move { dst: result, src });
            Ok(())
        })?;
        self.apart(|this| {
            this.b.emit(StmtKind::IsUndefined { local: known });
            let src = this.call_function(keyed, keys.clone());
            this.b.emit(StmtKind::Move { dst: result, src });
            Ok(())
        })?;
        self.b.emit(StmtKind::IsDefined { local: result });
        Ok(Some((Operand::Local(result), count)))
    }
}
