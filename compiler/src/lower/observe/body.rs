//! Bodies of rules, comprehensions and queries: expressions one inside the other.

use regovm_core::Constant;
use regovm_parser::ast::{Body, Every, Expr, ExprKind, Term};
use regovm_parser::print;

use super::Then;
use super::sites::{note_operand, note_variables};
use crate::ir::{Block, CollectKind, Local, Moment, Operand, ScopeId, Site, SiteKind, StmtKind};
use crate::lower::{Lowered, Lowering};
use crate::visit::VisitMut;

impl<'c> Lowering<'c> {
    /// The expressions of a body one inside the other, then what follows it.
    pub(in crate::lower) fn observed_body<'t>(
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
                // OPA makes the cache of comprehensions here, for what comes later in the body, too.
                if !this.comprehensions.is_empty() {
                    this.comprehension_cache();
                }
                this.b.overlay = Some(this.overlay(&expr.with)?);
                if this.observe.is_some_and(|observe| observe.values) {
                    this.moment(Moment::Overlaid, site);
                }
            }
            if expr.negated {
                let mut positive = expr.clone();
                positive.negated = false;
                positive.with.clear();
                this.observed_not(&[positive])?;
            } else {
                this.observed_expr(expr, site)?;
            }
            this.note_documents(site, std::slice::from_ref(expr));
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

    pub(in crate::lower) fn observed_expr(&mut self, expr: &Expr, site: u32) -> Lowered<()> {
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
            _ => match self.indexed_comprehension(expr)? {
                true => Ok(()),
                false => self.positive(expr),
            },
        }
    }

    /// `not`: the body is searched to its end.
    pub(in crate::lower) fn observed_not(&mut self, body: &[Expr]) -> Lowered<()> {
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
        self.note_documents(site, body);
        self.moment(Moment::Leave, site);
        self.b.emit(StmtKind::IsUndefined { local: holds });
        Ok(())
    }

    /// A side of `and` or `or`: its first success is enough. Gives a local that is defined if there is one.
    pub(in crate::lower) fn observed_operand(&mut self, body: &Body) -> Lowered<Local> {
        let holds = self.flag();
        let site = self.body_site(body);
        self.moment(Moment::Enter, site);
        self.first_success(body, site, holds)?;
        self.note_documents(site, body);
        self.moment(Moment::Leave, site);
        Ok(holds)
    }

    /// Looks for the first success of a body.
    pub(super) fn first_success(&mut self, body: &[Expr], site: u32, holds: Local) -> Lowered<()> {
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

    pub(in crate::lower) fn observed_every(&mut self, every: &Every, site: u32) -> Lowered<()> {
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
        let mut reads = Vec::new();
        for term in [Some(&every.domain), every.key.as_ref(), Some(&every.value)] {
            term.into_iter()
                .for_each(|term| note_operand(term, &mut reads));
        }
        let generator_tree = self.generator_json(every);
        let mut variables = Vec::new();
        for term in [Some(&every.domain), every.key.as_ref(), Some(&every.value)] {
            term.into_iter()
                .for_each(|term| note_variables(term, &mut variables));
        }
        let generator = self.site(Site {
            kind: SiteKind::Expression,
            span: every.domain.span,
            whole: every.domain.span,
            index: 0,
            text,
            silent: false,
            references: Vec::new(),
            reads,
            result: None,
            tree: generator_tree,
            inner: Vec::new(),
            path: Constant::Null,
            variables,
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
                this.note_documents(body_site, &every.body);
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
    pub(super) fn guard_collection(&mut self, domain: Operand) {
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
    pub(in crate::lower) fn observed_collect(
        &mut self,
        kind: CollectKind,
        key: Option<&Term>,
        value: &Term,
        body: &Body,
    ) -> Lowered<Operand> {
        let span = self.b.span;
        self.observed_search(kind, body, |this, scope| {
            let place = key.unwrap_or(value).span;
            let key = key.map(|key| this.value(key)).transpose()?;
            let value = this.value(value)?;
            this.b.span = place;
            this.b.emit(StmtKind::Append { scope, key, value });
            this.b.span = span;
            Ok(())
        })
    }

    /// All solutions of a body; for each, `append` adds to the collection.
    pub(super) fn observed_search<'t>(
        &mut self,
        kind: CollectKind,
        body: &'t Body,
        append: impl FnOnce(&mut Self, ScopeId) -> Lowered<()> + 't,
    ) -> Lowered<Operand> {
        let scope = self.b.scope();
        let site = self.body_site(body);
        self.moment(Moment::Enter, site);
        let mark = self.b.begin();
        let outer = self.vars.mark();
        let then: Then<'t, 'c> = Box::new(move |this| {
            this.moment(Moment::Exit(false), site);
            append(this, scope)?;
            this.moment(Moment::RedoNode, site);
            Ok(())
        });
        self.observed_body(body, 0, then)?;
        self.vars.rewind(outer);
        self.note_documents(site, body);
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
    pub(in crate::lower) fn observed_query(
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
        self.note_documents(site, body);
        self.moment(Moment::Leave, site);
        Ok(vec![self.b.end(mark)])
    }
}
