//! Which rules of one name OPA's index lets through.

use regovm_core::{Constant, Span};
use regovm_parser::ast::Rule;

use super::rules::EarlyExit;
use crate::ir::{Block, Compare, Local, Moment, Operand, Site, SiteKind, StmtKind};
use crate::lower::constants::{constant, integer};
use crate::lower::rule_filter::Conditions;
use crate::lower::rule_tree::{NodeId, NodeKind};
use crate::lower::{Lowered, Lowering};

/// A rule (or a branch of it) with what its index asks for.
pub(super) struct Candidate<'r> {
    pub(super) rule: &'r Rule,
    /// Defined if the index lets it through; none if it always does.
    pub(super) matched: Option<Local>,
}

impl<'c> Lowering<'c> {
    /// The blocks that ask the index which rules matter; the locals that it leaves behind belong to the candidates.
    pub(super) fn ask_index<'r>(
        &mut self,
        node: NodeId,
        chains: &[Vec<&'r Rule>],
        blocks: &mut Vec<Block>,
    ) -> Lowered<(Vec<Vec<Candidate<'r>>>, EarlyExit)> {
        let observe = self.observe.unwrap_or_default();
        let flat: Vec<&Rule> = chains.iter().flatten().copied().collect();
        let complete = self.tree.kind(node) == NodeKind::Complete
            || self.tree.kind(node) == NodeKind::Function;
        let conditions = match observe.indexing {
            true => self.conditions(&flat, complete),
            false => flat.iter().map(|_| Conditions::default()).collect(),
        };
        let values: Vec<Option<Constant>> = flat.iter().map(|rule| ground_value(rule)).collect();
        let agree =
            values.iter().all(Option::is_some) && values.windows(2).all(|pair| pair[0] == pair[1]);
        let mark = self.b.begin();
        let early_exit = match () {
            () if !observe.early_exit => EarlyExit::Never,
            () if !complete => match observe.indexing {
                // Where there is nothing to evaluate, OPA says that it would end early.
                true => EarlyExit::Unless(self.flag()),
                false => EarlyExit::Always,
            },
            () if agree => EarlyExit::Always,
            () if !observe.indexing => EarlyExit::Never,
            () => EarlyExit::Unless(self.flag()),
        };
        let class = match early_exit {
            EarlyExit::Unless(_) => Some(self.flag()),
            _ => None,
        };
        let matched: Vec<Option<Local>> = conditions
            .iter()
            .map(|conditions| (!conditions.is_empty()).then(|| self.flag()))
            .collect();
        blocks.push(self.b.end(mark));
        let mut classes: Vec<Constant> = Vec::new();
        // Of a rule with its `else` branches the index counts one.
        let mut counted = Vec::new();
        for chain in chains {
            let counted_once = (chain.len() > 1).then(|| self.b.local());
            counted.extend(chain.iter().map(|_| counted_once));
        }
        let mark = self.b.begin();
        let mut last = None;
        for local in counted.iter().flatten().copied() {
            if last != Some(local) {
                self.b.emit(StmtKind::ResetLocal { local });
            }
            last = Some(local);
        }
        blocks.push(self.b.end(mark));
        for (number, rule) in flat.iter().enumerate() {
            let mark = self.b.begin();
            self.b.span = rule.head.span;
            self.test(&conditions[number]);
            if let Some(local) = matched[number] {
                self.mark_true(local);
            }
            if let (EarlyExit::Unless(several), Some(class)) = (early_exit, class) {
                match &values[number] {
                    _ if !complete => self.mark_true(several),
                    None => self.mark_true(several),
                    Some(value) => {
                        let at = match classes.iter().position(|other| other == value) {
                            Some(at) => at,
                            None => {
                                classes.push(value.clone());
                                classes.len() - 1
                            }
                        };
                        let this_class = self.constants.operand(integer(at));
                        self.apart(|this| {
                            this.b.emit(StmtKind::IsDefined { local: class });
                            this.b.emit(StmtKind::Guard {
                                op: Compare::NotEqual,
                                lhs: Operand::Local(class),
                                rhs: this_class,
                            });
                            this.mark_true(several);
                            Ok(())
                        })?;
                        self.b.emit(StmtKind::Move {
                            dst: class,
                            src: this_class,
                        });
                    }
                }
            }
            let site = self.rule_site(node, rule, false);
            if let Some(local) = counted[number] {
                self.b.emit(StmtKind::IsUndefined { local });
                self.mark_true(local);
            }
            self.moment(Moment::Matched, site);
            blocks.push(self.b.end(mark));
        }
        let first = flat.first().copied();
        let site = match first {
            Some(rule) => self.rule_site(node, rule, false),
            None => self.site(Site {
                kind: match complete {
                    true => SiteKind::Rule,
                    false => SiteKind::PartialRule,
                },
                span: Span::NONE,
                whole: Span::NONE,
                index: 0,
                text: self.tree.name(node),
                silent: false,
                references: Vec::new(),
                reads: Vec::new(),
                result: None,
                tree: Constant::Null,
                inner: Vec::new(),
                path: self.path_json(node),
                variables: Vec::new(),
            }),
        };
        let mark = self.b.begin();
        self.either(early_exit, |this, early| {
            this.moment(Moment::Indexed(early), site);
            Ok(())
        })?;
        blocks.push(self.b.end(mark));
        let mut matched = matched.into_iter();
        let candidates = chains
            .iter()
            .map(|chain| {
                chain
                    .iter()
                    .map(|rule| Candidate {
                        rule,
                        matched: matched.next().flatten(),
                    })
                    .collect()
            })
            .collect();
        Ok((candidates, early_exit))
    }
}

/// The value that a rule gives whatever happens in its body.
pub(super) fn ground_value(rule: &Rule) -> Option<Constant> {
    match &rule.head.value {
        Some(value) => constant(value),
        None => Some(Constant::Boolean(true)),
    }
}
