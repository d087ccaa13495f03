//! Rules to functions.
//!
//! A complete rule or function keeps its value in one local: every success of every body sets it, and two
//! different values are a conflict. Where no conflict is possible (all rules give the same constant, or there is
//! one rule and its body does not iterate) the first success returns. The default stands in the last block.
//!
//! A partial set or object fills a builder. Rules with variables in their refs share one object with all rules
//! below them, whatever their kinds (`p[x].q := 1`, `p.a contains 2`).

use regovm_core::{Constant, Span};
use regovm_parser::ast::Rule;

use super::constants::constant;
use super::rule_filter::Conditions;
use super::rule_tree::{NodeId, NodeKind, is_multi_value, rule_path};
use super::{Lowered, Lowering, internal};
use crate::ir::{Block, Conflict, Function, FunctionKind, Local, Operand, StmtKind};
use crate::state::RuleId;

impl<'c> Lowering<'c> {
    /// The function of a node that has rules.
    pub(super) fn rules(&mut self, node: NodeId) -> Lowered<Function> {
        if self.observe.is_some() {
            return self.observed_rules(node);
        }
        match self.tree.kind(node) {
            NodeKind::Complete => self.single_value(node, Conflict::CompleteRule),
            NodeKind::Function => self.single_value(node, Conflict::Function),
            NodeKind::PartialSet => self.partial(node, self.tree.rules(node).to_vec(), true),
            NodeKind::PartialObject => self.partial(node, self.tree.rules_below(node), false),
            NodeKind::Inner => Err(internal(Span::NONE, "a path without rules")),
        }
    }

    fn rule(&self, id: RuleId) -> &'c Rule {
        self.checked.state.rule(id)
    }

    /// A complete rule or a user function.
    fn single_value(&mut self, node: NodeId, conflict: Conflict) -> Lowered<Function> {
        let rules: Vec<&'c Rule> = self
            .tree
            .rules(node)
            .iter()
            .map(|id| self.checked.state.rule(*id))
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
        let mut plan = Plan {
            conflict,
            result,
            constant: common_constant(&chains),
            single: chains.len() == 1,
            sets_result: false,
        };
        let mut blocks = vec![Block::new()];
        let branches: Vec<&Rule> = chains.iter().flatten().copied().collect();
        let mut late = self.late_conditions(&branches, true).into_iter();
        for chain in &chains {
            self.chain(chain, &mut late, &mut plan, &mut blocks)?;
        }
        if plan.sets_result {
            let mark = self.b.begin();
            self.b.emit(StmtKind::ResetLocal { local: result });
            blocks[0] = self.b.end(mark);
            let mark = self.b.begin();
            self.b.emit(StmtKind::IsDefined { local: result });
            self.b.emit(StmtKind::Return {
                value: Operand::Local(result),
            });
            blocks.push(self.b.end(mark));
        } else {
            blocks.remove(0);
        }
        if let Some(rule) = default {
            let mark = self.b.begin();
            self.arguments(rule)?;
            self.body(&rule.body)?;
            let value = self.head_value(rule)?;
            self.b.emit(StmtKind::Return { value });
            self.vars.rewind(0);
            blocks.push(self.b.end(mark));
        }
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

    /// A rule with its else chain: the first branch that succeeds counts. `late`: what to ask for before each branch.
    fn chain(
        &mut self,
        chain: &[&Rule],
        late: &mut impl Iterator<Item = Conditions>,
        plan: &mut Plan,
        blocks: &mut Vec<Block>,
    ) -> Lowered<()> {
        // Several rules share `result`, so a chain among them needs a mark of its own success.
        let decided = match chain {
            [_] => None,
            _ if plan.single => Some(plan.result),
            _ => Some(self.b.local()),
        };
        let mut branches = Vec::new();
        let mut returns = true;
        for rule in chain {
            let mark = self.b.begin();
            self.arguments(rule)?;
            self.test(&late.next().unwrap_or_default());
            self.body(&rule.body)?;
            let value = self.head_value(rule)?;
            self.b.span = rule.span;
            if plan.constant.is_some() || (plan.single && !self.b.iterates(&mark)) {
                self.b.emit(StmtKind::Return { value });
            } else {
                returns = false;
                let (local, conflict) = (plan.result, plan.conflict);
                if let Some(dst) = decided.filter(|decided| *decided != local) {
                    let src = self.true_operand();
                    self.b.emit(StmtKind::Move { dst, src });
                }
                self.b.emit(StmtKind::SetResult {
                    local,
                    value,
                    conflict,
                });
            }
            self.vars.rewind(0);
            branches.push(self.b.end(mark));
        }
        match decided {
            Some(result) if !returns => {
                plan.sets_result = true;
                let mark = self.b.begin();
                self.b.emit(StmtKind::FirstDefined { result, branches });
                blocks.push(self.b.end(mark));
            }
            _ => {
                plan.sets_result |= !returns;
                blocks.extend(branches);
            }
        }
        Ok(())
    }

    /// Unifies the arguments of a function with its patterns.
    pub(super) fn arguments(&mut self, rule: &Rule) -> Lowered<()> {
        self.b.span = rule.head.span;
        for (i, pattern) in rule.head.args.iter().enumerate() {
            if !self.is_unused(pattern) {
                self.match_operand(Operand::Local(Local(i as u32)), pattern)?;
            }
        }
        Ok(())
    }

    pub(super) fn head_value(&mut self, rule: &Rule) -> Lowered<Operand> {
        self.b.span = rule.head.span;
        match &rule.head.value {
            Some(value) => self.value(value),
            None => Ok(self.true_operand()),
        }
    }

    /// A partial set, or an object of everything at and below a node.
    fn partial(&mut self, node: NodeId, ids: Vec<RuleId>, set: bool) -> Lowered<Function> {
        let span = ids.first().map_or(Span::NONE, |id| self.rule(*id).span);
        self.start(0, span);
        let local = self.b.local();
        let mark = self.b.begin();
        self.b.emit(match set {
            true => StmtKind::OpenSet { local },
            false => StmtKind::OpenObject { local },
        });
        let mut blocks = vec![self.b.end(mark)];
        let depth = self.tree.path(node).len();
        for id in ids {
            let rule = self.rule(id);
            // Within an object of several rules defaults do not count, as in OPA.
            if rule.default || !rule.head.args.is_empty() {
                continue;
            }
            let branches = chain(rule);
            let decided = (branches.len() > 1).then(|| self.b.local());
            let mut lowered = Vec::new();
            let late = self.late_conditions(&branches, false);
            for (branch, late) in branches.into_iter().zip(late) {
                let mark = self.b.begin();
                self.b.span = branch.head.span;
                self.test(&late);
                self.body(&branch.body)?;
                self.insert(id, branch, local, depth)?;
                if let Some(dst) = decided {
                    let src = self.true_operand();
                    self.b.emit(StmtKind::Move { dst, src });
                }
                self.vars.rewind(0);
                lowered.push(self.b.end(mark));
            }
            match decided {
                Some(result) => {
                    let mark = self.b.begin();
                    self.b.emit(StmtKind::FirstDefined {
                        result,
                        branches: lowered,
                    });
                    blocks.push(self.b.end(mark));
                }
                None => blocks.extend(lowered),
            }
        }
        self.b.span = span;
        let mark = self.b.begin();
        let value = self.b.assign(|dst| StmtKind::Close { dst, local });
        self.b.emit(StmtKind::Return { value });
        blocks.push(self.b.end(mark));
        let path = Some(self.tree.path(node).to_vec());
        let name = self.tree.name(node);
        Ok(Function {
            path,
            ..self.function(FunctionKind::Rule, name, blocks, span)
        })
    }

    /// Adds what one success of a rule gives to the builder of its node.
    pub(super) fn insert(
        &mut self,
        id: RuleId,
        rule: &Rule,
        local: Local,
        depth: usize,
    ) -> Lowered<()> {
        self.b.span = rule.head.span;
        let path = rule_path(&self.checked.state, id, rule);
        let path = self.values(path.get(depth..).unwrap_or_default())?;
        let stmt = match &rule.head.key {
            Some(key) if is_multi_value(rule) => {
                let value = self.value(key)?;
                StmtKind::InsertSet { local, path, value }
            }
            _ => {
                let value = self.head_value(rule)?;
                StmtKind::InsertPath { local, path, value }
            }
        };
        self.b.emit(stmt);
        Ok(())
    }
}

/// How the rules of one node give their value.
struct Plan {
    conflict: Conflict,
    result: Local,
    /// The value that all of them give, if it is one constant.
    constant: Option<Constant>,
    /// There is one rule (perhaps with else branches).
    single: bool,
    /// Some success goes to `result` instead of returning.
    sets_result: bool,
}

/// A rule and its else branches.
pub(super) fn chain(rule: &Rule) -> Vec<&Rule> {
    std::iter::successors(Some(rule), |rule| rule.else_rule.as_deref()).collect()
}

/// The one constant that all rules give: then the first success decides.
fn common_constant(chains: &[Vec<&Rule>]) -> Option<Constant> {
    let mut values = chains.iter().flatten().map(|rule| match &rule.head.value {
        Some(value) => constant(value),
        None => Some(Constant::Boolean(true)),
    });
    let first = values.next()??;
    values
        .all(|value| value.as_ref() == Some(&first))
        .then_some(first)
}
