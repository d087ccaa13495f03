//! Lowering for those who look on: the same rules and expressions, in the order in which OPA evaluates them, with a
//! statement for each moment of it that OPA's tracer reports.
//!
//! What differs from the lowering of programs that nobody watches:
//! - the continuation of an expression is a block of its own, so that what follows it (its redo) runs however it ends;
//! - bodies are searched to their end where OPA does that, and left at the first success where OPA does;
//! - which rules of one name are evaluated is decided beforehand by OPA's index of rules ([`super::rule_filter`]);
//! - a partial rule that is asked for one key is evaluated with that key alone ([`Task::Keyed`]).

use regovm_core::{Constant, Span};
use regovm_parser::ast::{Body, Comment, Every, Expr, ExprKind, Name, Rule, Term, TermKind};
use regovm_parser::print;

use super::constants::constant;
use super::rule_filter::Conditions;
use super::rule_tree::{NodeId, NodeKind, is_multi_value, rule_path};
use super::rules::chain;
use super::{Lowered, Lowering, Task, internal};
use crate::ir::{
    Block, CollectKind, Compare, Conflict, Function, FunctionKind, Local, Moment, Operand, Site,
    SiteKind, StmtKind,
};
use crate::places;
use crate::state::{Checked, RuleId};
use crate::visit::{self, VisitMut};

/// What an observed program is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Observe {
    /// Points carry the values of variables.
    pub values: bool,
    /// Rules that OPA's index excludes are not evaluated.
    pub indexing: bool,
    /// Rules that can give one value only end with their first success.
    pub early_exit: bool,
}

impl Default for Observe {
    fn default() -> Observe {
        Observe {
            values: false,
            indexing: true,
            early_exit: true,
        }
    }
}

/// What follows a body.
type Then<'t, 'c> = Box<dyn FnOnce(&mut Lowering<'c>) -> Lowered<()> + 't>;

/// When the first success of a rule is enough.
#[derive(Clone, Copy)]
enum EarlyExit {
    Always,
    Never,
    /// Unless this local is defined.
    Unless(Local),
}

/// A rule (or a branch of it) with what its index asks for.
struct Candidate<'r> {
    rule: &'r Rule,
    /// Defined if the index lets it through; none if it always does.
    matched: Option<Local>,
}

impl<'c> Lowering<'c> {
    /// Adds a site.
    fn site(&mut self, mut site: Site) -> u32 {
        let sources = self.checked.state.sources;
        if let Some(comments) = self.comments_at(site.span) {
            site.span = places::trimmed(sources, comments, site.span);
            site.whole = places::trimmed(sources, comments, site.whole);
        }
        self.sites.push(site);
        self.sites.len() as u32 - 1
    }

    /// The comments of the file that a span lies in.
    fn comments_at(&self, span: Span) -> Option<&'c [Comment]> {
        let state = &self.checked.state;
        let source = state.sources.source_at(span.start)?;
        let inside = |span: Span| {
            span.start >= source.base && span.start - source.base <= source.text.len() as u32
        };
        let mut modules = state.modules.iter();
        let module = modules.find(|module| inside(module.package.span))?;
        Some(&module.comments)
    }

    /// A moment of a site, with the variables that are bound now.
    fn moment(&mut self, moment: Moment, site: u32) {
        let variables = match self.observe {
            Some(Observe { values: true, .. }) => self.vars.all(),
            _ => Vec::new(),
        };
        self.b.emit(StmtKind::Observe {
            moment,
            site,
            variables,
        });
    }

    /// The same with further values.
    fn moment_with(&mut self, moment: Moment, site: u32, further: Vec<(Name, Operand)>) {
        let variables = match self.observe {
            Some(Observe { values: true, .. }) => {
                let mut variables = self.vars.all();
                variables.extend(further);
                variables
            }
            _ => Vec::new(),
        };
        self.b.emit(StmtKind::Observe {
            moment,
            site,
            variables,
        });
    }

    /// The values of the references of an expression into input, base data and bound variables, as far as they are known
    /// without searching: a trace that explains a failure shows them.
    fn look_up(&mut self, expr: &Expr) -> Lowered<Vec<(Name, Operand)>> {
        let mut found: Vec<(Name, Operand)> = Vec::new();
        if !self.observe.is_some_and(|observe| observe.values) {
            return Ok(found);
        }
        let mut references: Vec<&[Term]> = Vec::new();
        let terms: &[Term] = match &expr.kind {
            ExprKind::Term(term) => std::slice::from_ref(term),
            ExprKind::Call(terms) => terms.get(1..).unwrap_or_default(),
            _ => &[],
        };
        for term in terms {
            if let TermKind::Ref(path) = &term.kind {
                references.push(path);
            }
        }
        for path in references {
            let Some((head, keys)) = path.split_first() else {
                continue;
            };
            let ready = keys.iter().all(|key| {
                let simple = constant(key).is_some() || key.as_var().is_some();
                simple && self.is_ready(key)
            });
            let name = head.as_var().map(|name| &**name);
            let virtual_data = name == Some("data") && self.is_virtual(keys);
            if !ready || !self.is_ready(head) || keys.is_empty() || virtual_data {
                continue;
            }
            let written = self.written(&path.to_vec(), |names, path| {
                path.iter_mut().for_each(|term| names.term(term));
            });
            let text: Name = print::reference(&written).into();
            if found.iter().any(|(other, _)| *other == text) {
                continue;
            }
            let local = self.flag();
            self.apart(|this| {
                let src = this.reference(path)?;
                this.b.emit(StmtKind::Move { dst: local, src });
                Ok(())
            })?;
            found.push((text, Operand::Local(local)));
        }
        Ok(found)
    }

    /// Blocks of which the first is made by `f`; nothing that fails in it matters outside.
    fn apart(&mut self, f: impl FnOnce(&mut Self) -> Lowered<()>) -> Lowered<()> {
        let mark = self.b.begin();
        f(self)?;
        let block = self.b.end(mark);
        self.b.emit(StmtKind::Blocks {
            blocks: vec![block],
        });
        Ok(())
    }

    fn mark_true(&mut self, dst: Local) {
        let src = self.true_operand();
        self.b.emit(StmtKind::Move { dst, src });
    }

    fn flag(&mut self) -> Local {
        let local = self.b.local();
        self.b.emit(StmtKind::ResetLocal { local });
        local
    }

    fn written<T: Clone>(&self, node: &T, visit: impl FnOnce(&mut Written<'_>, &mut T)) -> T {
        let mut copy = node.clone();
        let rewritten = &self.checked.state.rewritten_vars;
        let queries = &self.checked.queries;
        visit(&mut Written { rewritten, queries }, &mut copy);
        copy
    }

    fn expr_text(&self, expr: &Expr) -> String {
        let text = self.written(expr, |names, expr| {
            names.hide_key(expr);
            names.expr(expr);
        });
        print::expr(&text)
    }

    fn expr_site(&mut self, expr: &Expr, index: usize) -> u32 {
        let text = self.expr_text(expr);
        let variables = self.variables_of(expr);
        self.site(Site {
            kind: SiteKind::Expression,
            span: expr.span,
            whole: expr.span,
            index: index as u32,
            text,
            silent: expr.negated,
            references: Vec::new(),
            variables,
        })
    }

    fn body_site(&mut self, body: &[Expr]) -> u32 {
        let text = print::body(&self.written(&body.to_vec(), |names, body| names.body(body)));
        let span = body.first().map_or(Span::NONE, |expr| expr.span);
        self.site(Site {
            kind: SiteKind::Body,
            span,
            whole: span,
            index: 0,
            text,
            silent: false,
            references: Vec::new(),
            variables: body
                .iter()
                .flat_map(|expr| self.variables_of(expr))
                .collect(),
        })
    }

    fn rule_site(&mut self, node: NodeId, rule: &Rule, branch: bool) -> u32 {
        let mut variables = Vec::new();
        let head = &rule.head;
        let terms = head.args.iter().chain(head.key.as_deref());
        for term in terms.chain(head.value.as_deref()).chain(&head.reference) {
            note_variables(term, &mut variables);
        }
        let kind = match self.tree.kind(node) {
            NodeKind::Complete | NodeKind::Function => SiteKind::Rule,
            _ => SiteKind::PartialRule,
        };
        self.site(Site {
            kind,
            span: places::head(rule, branch),
            whole: rule.span,
            index: 0,
            text: self.tree.name(node),
            silent: false,
            references: Vec::new(),
            variables,
        })
    }

    /// The variables of an expression that a trace shows.
    fn variables_of(&self, expr: &Expr) -> Vec<(String, Span)> {
        let mut found = Vec::new();
        let mut visit = |node: visit::Node<'_>| {
            if let visit::Node::Term(term) = node
                && let TermKind::Var(name) = &term.kind
            {
                found.push((name.to_string(), term.span));
            }
            false
        };
        visit::walk(visit::Node::Expr(expr), &mut visit);
        found
    }

    /// The expressions of a body one inside the other, then what follows it.
    fn observed_body<'t>(
        &mut self,
        body: &'t [Expr],
        index: usize,
        then: Then<'t, 'c>,
    ) -> Lowered<()> {
        let Some((expr, rest)) = body.split_first() else {
            return then(self);
        };
        if matches!(expr.kind, ExprKind::Some(_)) && expr.with.is_empty() {
            return self.observed_body(rest, index, then);
        }
        self.nested(expr.span, |this| {
            let span = std::mem::replace(&mut this.b.span, expr.span);
            let site = this.expr_site(expr, index);
            let looked_up = this.look_up(expr)?;
            if let Some(site) = this.sites.get_mut(site as usize) {
                site.references = looked_up.iter().map(|(text, _)| text.to_string()).collect();
            }
            this.moment_with(Moment::Eval, site, looked_up);
            let overlay = this.b.overlay;
            if !expr.with.is_empty() {
                this.b.overlay = Some(this.overlay(&expr.with)?);
            }
            if expr.negated {
                let mut positive = expr.clone();
                positive.negated = false;
                positive.with.clear();
                this.observed_not(&[positive])?;
            } else {
                this.observed_expr(expr, site)?;
            }
            this.b.overlay = overlay;
            this.b.span = expr.span;
            this.moment(Moment::Success, site);
            let bound = this.vars.mark();
            this.apart(|this| this.observed_body(rest, index + 1, then))?;
            this.vars.rewind(bound);
            this.b.span = expr.span;
            this.moment(Moment::Redo, site);
            this.b.span = span;
            Ok(())
        })
    }

    fn observed_expr(&mut self, expr: &Expr, site: u32) -> Lowered<()> {
        match &expr.kind {
            ExprKind::Every(every) => self.observed_every(every, site),
            ExprKind::Not(not) => self.observed_not(&not.body),
            ExprKind::And(logical) => {
                for operand in [&logical.lhs, &logical.rhs] {
                    let holds = self.observed_operand(operand)?;
                    self.b.emit(StmtKind::IsDefined { local: holds });
                }
                Ok(())
            }
            ExprKind::Or(logical) => {
                let result = self.b.local();
                let mut branches = Vec::new();
                for operand in [&logical.lhs, &logical.rhs] {
                    let mark = self.b.begin();
                    let holds = self.observed_operand(operand)?;
                    self.b.emit(StmtKind::IsDefined { local: holds });
                    self.mark_true(result);
                    branches.push(self.b.end(mark));
                }
                self.b.emit(StmtKind::FirstDefined { result, branches });
                self.b.emit(StmtKind::IsDefined { local: result });
                Ok(())
            }
            _ => self.positive(expr),
        }
    }

    /// `not`: the body is searched to its end.
    fn observed_not(&mut self, body: &[Expr]) -> Lowered<()> {
        let holds = self.flag();
        let site = self.body_site(body);
        self.moment(Moment::Enter, site);
        let outer = self.vars.mark();
        self.apart(|this| {
            let then: Then<'_, 'c> = Box::new(move |this| {
                this.moment(Moment::Exit(false), site);
                this.moment(Moment::RedoNode, site);
                this.mark_true(holds);
                Ok(())
            });
            this.observed_body(body, 0, then)
        })?;
        self.vars.rewind(outer);
        self.moment(Moment::Leave, site);
        self.b.emit(StmtKind::IsUndefined { local: holds });
        Ok(())
    }

    /// A side of `and` or `or`: its first success is enough. Gives a local that is defined if there is one.
    fn observed_operand(&mut self, body: &Body) -> Lowered<Local> {
        let holds = self.flag();
        let site = self.body_site(body);
        self.moment(Moment::Enter, site);
        self.first_success(body, site, holds)?;
        self.moment(Moment::Leave, site);
        Ok(holds)
    }

    /// Looks for the first success of a body.
    fn first_success(&mut self, body: &[Expr], site: u32, holds: Local) -> Lowered<()> {
        self.apart(|this| {
            let scope = this.b.scope();
            let mark = this.b.begin();
            let outer = this.vars.mark();
            let then: Then<'_, 'c> = Box::new(move |this| {
                this.moment(Moment::Exit(true), site);
                this.moment(Moment::RedoNode, site);
                this.b.emit(StmtKind::Yield { scope });
                Ok(())
            });
            this.observed_body(body, 0, then)?;
            this.vars.rewind(outer);
            let body = this.b.end(mark);
            this.b.emit(StmtKind::Exists { scope, body });
            this.mark_true(holds);
            Ok(())
        })
    }

    fn observed_every(&mut self, every: &Every, site: u32) -> Lowered<()> {
        let base = self.value(&every.domain)?;
        self.guard_collection(base);
        let failed = self.flag();
        let span = self.b.span;
        let mut node = self.sites[site as usize].clone();
        node.kind = SiteKind::Every;
        let node = self.site(node);
        let domain = self.written(&every.domain, |names, term| names.term(term));
        let member = self.written(&every.value, |names, term| names.term(term));
        let key = match &every.key {
            Some(key) => print::term(&self.written(key, |names, term| names.term(term))),
            None => "_".to_owned(),
        };
        let text = format!("{}[{key}] = {}", print::term(&domain), print::term(&member));
        let generator = self.site(Site {
            kind: SiteKind::Expression,
            span: every.domain.span,
            whole: every.domain.span,
            index: 0,
            text,
            silent: false,
            references: Vec::new(),
            variables: Vec::new(),
        });
        let body_site = self.body_site(&every.body);
        self.moment(Moment::Enter, node);
        let outer = self.vars.mark();
        self.apart(|this| {
            this.moment(Moment::Eval, generator);
            let mut variable = |term: &Term| (!this.is_unused(term)).then(|| this.b.local());
            let key = every.key.as_ref().and_then(&mut variable);
            let value = variable(&every.value);
            this.b.scan(base, key, value);
            let variables = [(key, every.key.as_ref()), (value, Some(&every.value))];
            for (local, term) in variables {
                if let (Some(local), Some(term)) = (local, term) {
                    this.match_operand(Operand::Local(local), term)?;
                }
            }
            this.moment(Moment::Success, generator);
            this.apart(|this| {
                this.b.emit(StmtKind::IsUndefined { local: failed });
                let done = this.flag();
                this.moment(Moment::Enter, body_site);
                this.first_success(&every.body, body_site, done)?;
                this.moment(Moment::Leave, body_site);
                this.apart(|this| {
                    this.b.emit(StmtKind::IsUndefined { local: done });
                    this.mark_true(failed);
                    Ok(())
                })?;
                this.b.span = span;
                this.moment(Moment::RedoAgain, site);
                Ok(())
            })?;
            this.moment(Moment::Redo, generator);
            Ok(())
        })?;
        self.vars.rewind(outer);
        self.b.span = span;
        self.apart(|this| {
            this.b.emit(StmtKind::IsDefined { local: failed });
            this.moment(Moment::FailAgain, node);
            Ok(())
        })?;
        self.moment(Moment::Leave, node);
        self.b.emit(StmtKind::IsUndefined { local: failed });
        Ok(())
    }

    /// Fails unless the value is a collection: `every` over anything else does not hold.
    fn guard_collection(&mut self, domain: Operand) {
        let scope = self.b.scope();
        let mark = self.b.begin();
        self.b.emit(StmtKind::Yield { scope });
        let body = self.b.end(mark);
        self.b.emit(StmtKind::Every {
            scope,
            domain,
            key: None,
            value: None,
            body,
        });
    }

    /// A comprehension.
    pub(super) fn observed_collect(
        &mut self,
        kind: CollectKind,
        key: Option<&Term>,
        value: &Term,
        body: &Body,
    ) -> Lowered<Operand> {
        let scope = self.b.scope();
        let span = self.b.span;
        let site = self.body_site(body);
        self.moment(Moment::Enter, site);
        let mark = self.b.begin();
        let outer = self.vars.mark();
        let then: Then<'_, 'c> = Box::new(move |this| {
            this.moment(Moment::Exit(false), site);
            let place = key.unwrap_or(value).span;
            let key = key.map(|key| this.value(key)).transpose()?;
            let value = this.value(value)?;
            this.b.span = place;
            this.b.emit(StmtKind::Append { scope, key, value });
            this.b.span = span;
            this.moment(Moment::RedoNode, site);
            Ok(())
        });
        self.observed_body(body, 0, then)?;
        self.vars.rewind(outer);
        let body = self.b.end(mark);
        let value = self.b.assign(|dst| StmtKind::Collect {
            scope,
            kind,
            dst,
            body,
        });
        self.moment(Moment::Leave, site);
        Ok(value)
    }

    /// A query.
    pub(super) fn observed_query(
        &mut self,
        body: &'c [Expr],
        row: impl FnOnce(&mut Self) -> Vec<Operand> + 'c,
    ) -> Lowered<Vec<Block>> {
        let span = self.b.span;
        let site = self.body_site(body);
        if let Some(site) = self.sites.get_mut(site as usize) {
            site.kind = SiteKind::Query;
        }
        let mark = self.b.begin();
        self.moment(Moment::Enter, site);
        self.apart(|this| {
            let then: Then<'_, 'c> = Box::new(move |this| {
                this.moment(Moment::Exit(false), site);
                let values = row(this);
                this.b.emit(StmtKind::EmitRow { values });
                this.moment(Moment::RedoNode, site);
                Ok(())
            });
            this.observed_body(body, 0, then)
        })?;
        self.vars.rewind(0);
        self.b.span = span;
        self.moment(Moment::Leave, site);
        Ok(vec![self.b.end(mark)])
    }

    /// The function of a node that has rules.
    pub(super) fn observed_rules(&mut self, node: NodeId) -> Lowered<Function> {
        match self.tree.kind(node) {
            NodeKind::Complete => self.observed_single(node, Conflict::CompleteRule),
            NodeKind::Function => self.observed_single(node, Conflict::Function),
            NodeKind::PartialSet | NodeKind::PartialObject => self.observed_partial(node, 0),
            NodeKind::Inner => Err(internal(Span::NONE, "a path without rules")),
        }
    }

    /// The blocks that ask the index which rules matter; the locals that it leaves behind belong to the candidates.
    fn ask_index<'r>(
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
                true => EarlyExit::Never,
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
                    None => self.mark_true(several),
                    Some(value) => {
                        let at = match classes.iter().position(|other| other == value) {
                            Some(at) => at,
                            None => {
                                classes.push(value.clone());
                                classes.len() - 1
                            }
                        };
                        let this_class = self.constants.operand(super::constants::integer(at));
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

    /// A function in the extent of a package: the index is asked for its rules, but nothing is evaluated.
    pub(super) fn observed_leaf(&mut self, node: NodeId) -> Lowered<()> {
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
    fn either(
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
    fn observed_single(&mut self, node: NodeId, conflict: Conflict) -> Lowered<Function> {
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
    fn branch(
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

    /// A partial set or object. With keys, only what is at those keys, and undefined if there is nothing.
    pub(super) fn observed_partial(&mut self, node: NodeId, keys: u32) -> Lowered<Function> {
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

    fn partial_branch(
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
    pub(super) fn keyed_reference(
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

/// The value that a rule gives whatever happens in its body.
fn ground_value(rule: &Rule) -> Option<Constant> {
    match &rule.head.value {
        Some(value) => constant(value),
        None => Some(Constant::Boolean(true)),
    }
}

fn note_variables(term: &Term, found: &mut Vec<(String, Span)>) {
    visit::walk_terms(visit::Node::Term(term), &mut |term| {
        if let TermKind::Var(name) = &term.kind {
            found.push((name.to_string(), term.span));
        }
        false
    });
}

/// The names that the author wrote for generated ones.
pub(super) fn written_names(checked: &Checked<'_>) -> Vec<(String, String)> {
    let queries = checked.queries.iter().map(|query| &query.rewritten_vars);
    let mut names: Vec<(String, String)> = std::iter::once(&checked.state.rewritten_vars)
        .chain(queries)
        .flatten()
        .map(|(raw, written)| (raw.to_string(), written.to_string()))
        .collect();
    names.sort_unstable();
    names
}

/// Gives variables the names of the author.
struct Written<'n> {
    rewritten: &'n std::collections::HashMap<Name, Name>,
    queries: &'n [crate::state::Query],
}

impl VisitMut for Written<'_> {
    fn term(&mut self, term: &mut Term) {
        if let TermKind::Var(name) = &mut term.kind {
            let queries = self.queries.iter().map(|query| &query.rewritten_vars);
            let known = std::iter::once(self.rewritten).chain(queries);
            let written = known.into_iter().find_map(|names| names.get(name).cloned());
            if let Some(written) = written {
                *name = written;
            }
        }
        visit::descend_term(self, term);
    }
}

impl Written<'_> {
    /// An `every` whose key nobody named is written without it.
    fn hide_key(&self, expr: &mut Expr) {
        if let ExprKind::Every(every) = &mut expr.kind {
            let generated = every
                .key
                .as_ref()
                .and_then(Term::as_var)
                .is_some_and(|key| {
                    let queries = self.queries.iter().map(|query| &query.rewritten_vars);
                    let mut known = std::iter::once(self.rewritten).chain(queries);
                    !known.any(|names| names.contains_key(key))
                });
            if generated {
                every.key = None;
            }
        }
    }
}
