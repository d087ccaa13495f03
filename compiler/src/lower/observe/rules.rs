//! Complete rules and functions.

use regovm_core::Span;
use regovm_parser::ast::Rule;

use super::Then;
use super::index::ground_value;
use crate::ir::{Conflict, Function, FunctionKind, Local, Moment, Operand, StmtKind};
use crate::lower::rule_tree::{NodeId, NodeKind};
use crate::lower::rules::chain;
use crate::lower::{Lowered, Lowering, internal};
use crate::places;

/// When the first success of a rule is enough.
#[derive(Clone, Copy)]
pub(super) enum EarlyExit {
    Always,
    Never,
    /// Unless this local is defined.
    Unless(Local),
}

impl<'c> Lowering<'c> {
    /// The function of a node that has rules.
    pub(in crate::lower) fn observed_rules(&mut self, node: NodeId) -> Lowered<Function> {
        match self.tree.kind(node) {
            NodeKind::Complete => self.observed_single(node, Conflict::CompleteRule),
            NodeKind::Function => self.observed_single(node, Conflict::Function),
            NodeKind::PartialSet | NodeKind::PartialObject => self.observed_partial(node, 0),
            NodeKind::Inner => Err(internal(Span::NONE, "a path without rules")),
        }
    }
    /// A function in the extent of a package: the index is asked for its rules, but nothing is evaluated.
    pub(in crate::lower) fn observed_leaf(&mut self, node: NodeId) -> Lowered<()> {
        let checked = self.checked;
        let rules = self
            .tree
            .rules(node)
            .iter()
            .map(|id| checked.state.rule(*id));
        let rules: Vec<&Rule> = rules.filter(|rule| !rule.default).collect();
        let values: Vec<_> = rules
            .iter()
            .flat_map(|rule| chain(rule))
            .map(ground_value)
            .collect();
        let agree =
            values.iter().all(Option::is_some) && values.windows(2).all(|pair| pair[0] == pair[1]);
        let early = agree && self.observe.unwrap_or_default().early_exit;
        let Some(first) = rules.first() else {
            return Ok(());
        };
        let site = self.rule_site(node, first, false);
        for _ in &rules {
            self.moment(Moment::Matched, site);
        }
        self.moment(Moment::Indexed(early), site);
        self.moment(Moment::Done, site);
        Ok(())
    }

    /// `f` for what is known about the early exit, or for both ways.
    pub(super) fn either(
        &mut self,
        early_exit: EarlyExit,
        mut f: impl FnMut(&mut Self, bool) -> Lowered<()>,
    ) -> Lowered<()> {
        let several = match early_exit {
            EarlyExit::Always => return f(self, true),
            EarlyExit::Never => return f(self, false),
            EarlyExit::Unless(several) => several,
        };
        self.apart(|this| {
            this.b.emit(StmtKind::IsDefined { local: several });
            f(this, false)
        })?;
        self.apart(|this| {
            this.b.emit(StmtKind::IsUndefined { local: several });
            f(this, true)
        })
    }

    /// A complete rule or a user function.
    pub(in crate::lower) fn observed_single(
        &mut self,
        node: NodeId,
        conflict: Conflict,
    ) -> Lowered<Function> {
        let checked = self.checked;
        let rules: Vec<&'c Rule> = self
            .tree
            .rules(node)
            .iter()
            .map(|id| checked.state.rule(*id))
            .collect();
        let span = rules.first().map_or(Span::NONE, |rule| rule.span);
        let chains: Vec<Vec<&Rule>> = rules
            .iter()
            .filter(|rule| !rule.default)
            .map(|rule| chain(rule))
            .collect();
        let default = rules.iter().find(|rule| rule.default).copied();
        let params = self.arity(node) as u32;
        self.start(params, span);
        let result = self.b.local();
        let mark = self.b.begin();
        self.b.emit(StmtKind::ResetLocal { local: result });
        let mut blocks = vec![self.b.end(mark)];
        let (candidates, early_exit) = self.ask_index(node, &chains, &mut blocks)?;
        for chain in candidates {
            let mark = self.b.begin();
            let decided = self.flag();
            let mut steps = Vec::new();
            for (number, candidate) in chain.into_iter().enumerate() {
                let mark = self.b.begin();
                if let Some(local) = candidate.matched {
                    self.b.emit(StmtKind::IsDefined { local });
                }
                self.b.emit(StmtKind::IsUndefined { local: decided });
                self.branch(
                    node,
                    candidate.rule,
                    early_exit,
                    number > 0,
                    |this, rule| {
                        let value = this.head_value(rule)?;
                        this.b.span = rule.span;
                        this.mark_true(decided);
                        this.b.emit(StmtKind::SetResult {
                            local: result,
                            value,
                            conflict,
                        });
                        Ok(value)
                    },
                )?;
                steps.push(self.b.end(mark));
            }
            self.b.emit(StmtKind::Blocks { blocks: steps });
            blocks.push(self.b.end(mark));
        }
        let mark = self.b.begin();
        let site = self.sites.len() as u32 - 1;
        self.b.emit(StmtKind::IsDefined { local: result });
        self.moment(Moment::Done, site);
        self.b.emit(StmtKind::Return {
            value: Operand::Local(result),
        });
        blocks.push(self.b.end(mark));
        if let Some(rule) = default {
            let mark = self.b.begin();
            let mut rule = rule.clone();
            let whole = rule.clone();
            for expr in &mut rule.body {
                expr.span = places::expression(&whole, expr.span);
            }
            let rule = &rule;
            self.branch(node, rule, EarlyExit::Always, false, |this, rule| {
                this.head_value(rule)
            })?;
            blocks.push(self.b.end(mark));
        }
        let mark = self.b.begin();
        self.moment(Moment::Done, site);
        blocks.push(self.b.end(mark));
        let (kind, path) = match conflict {
            Conflict::CompleteRule => (FunctionKind::Rule, Some(self.tree.path(node).to_vec())),
            Conflict::Function => (FunctionKind::Function, None),
        };
        let name = self.tree.name(node);
        Ok(Function {
            path,
            params,
            ..self.function(kind, name, blocks, span)
        })
    }

    /// One rule or `else` branch; `success` gives its value.
    pub(super) fn branch(
        &mut self,
        node: NodeId,
        rule: &Rule,
        early_exit: EarlyExit,
        is_else: bool,
        success: impl FnOnce(&mut Self, &Rule) -> Lowered<Operand>,
    ) -> Lowered<()> {
        let site = self.rule_site(node, rule, is_else);
        self.b.span = rule.head.span;
        self.moment(Moment::Enter, site);
        self.apart(|this| {
            this.arguments(rule)?;
            let then: Then<'_, 'c> = Box::new(move |this| {
                this.b.span = rule.head.span;
                this.either(early_exit, |this, early| {
                    this.moment(Moment::Exit(early), site);
                    Ok(())
                })?;
                let value = success(this, rule)?;
                this.moment(Moment::RedoNode, site);
                let mut leave = |this: &mut Self, early: bool| {
                    if early {
                        this.moment(Moment::Leave, site);
                        this.moment(Moment::Done, site);
                        this.b.emit(StmtKind::Return { value });
                    }
                    Ok(())
                };
                this.either(early_exit, &mut leave)
            });
            this.observed_body(&rule.body, 0, then)
        })?;
        self.vars.rewind(0);
        self.b.span = rule.head.span;
        self.moment(Moment::Leave, site);
        Ok(())
    }
}
