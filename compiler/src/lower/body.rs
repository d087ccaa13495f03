//! Expressions: guards, closures that succeed or fail, modifiers.

use regovm_core::Constant;
use regovm_parser::ast::{Body, Every, Expr, ExprKind, Logical, Term};

use super::constants::constant;
use super::{Lowered, Lowering};
use crate::ir::{Block, Operand, ScopeId, StmtKind};

impl Lowering<'_> {
    /// The expressions of a body, one after another. What it binds stays bound.
    pub(super) fn body(&mut self, body: &Body) -> Lowered<()> {
        body.iter().try_for_each(|expr| self.expr(expr))
    }

    fn expr(&mut self, expr: &Expr) -> Lowered<()> {
        let span = std::mem::replace(&mut self.b.span, expr.span);
        let overlay = self.b.overlay;
        if !expr.with.is_empty() {
            self.b.overlay = Some(self.overlay(&expr.with)?);
        }
        self.nested(expr.span, |this| {
            if !expr.negated {
                return this.positive(expr);
            }
            let (scope, body) = this.closure(|this| this.positive(expr))?;
            this.b.emit(StmtKind::Not { scope, body });
            Ok(())
        })?;
        self.b.overlay = overlay;
        self.b.span = span;
        Ok(())
    }

    /// An expression without regard to its `not` and `with`.
    pub(super) fn positive(&mut self, expr: &Expr) -> Lowered<()> {
        match &expr.kind {
            ExprKind::Term(term) => self.holds(term),
            ExprKind::Call(terms) => self.call(terms, expr.span),
            // Declarations are done with; nothing is left to do at run time.
            ExprKind::Some(_) => Ok(()),
            ExprKind::Every(every) => self.every(every),
            ExprKind::Not(not) => {
                let (scope, body) = self.closure(|this| this.body(&not.body))?;
                self.b.emit(StmtKind::Not { scope, body });
                Ok(())
            }
            ExprKind::And(logical) => {
                self.exists(&logical.lhs)?;
                self.exists(&logical.rhs)
            }
            ExprKind::Or(logical) => self.or(logical),
        }
    }

    /// Fails if a term is undefined or false.
    fn holds(&mut self, term: &Term) -> Lowered<()> {
        match constant(term) {
            Some(Constant::Boolean(false)) => self.b.emit(StmtKind::Fail),
            Some(_) => {}
            None => {
                let value = self.value(term)?;
                self.b.emit(StmtKind::Truthy { value });
            }
        }
        Ok(())
    }

    /// Statements in a scope of their own that yield at their end; variables bound there are forgotten.
    fn closure(&mut self, f: impl FnOnce(&mut Self) -> Lowered<()>) -> Lowered<(ScopeId, Block)> {
        let scope = self.b.scope();
        let mark = self.b.begin();
        let outer = self.vars.mark();
        f(self)?;
        self.b.emit(StmtKind::Yield { scope });
        self.vars.rewind(outer);
        Ok((scope, self.b.end(mark)))
    }

    /// One success of a body is enough.
    fn exists(&mut self, body: &Body) -> Lowered<()> {
        let (scope, body) = self.closure(|this| this.body(body))?;
        self.b.emit(StmtKind::Exists { scope, body });
        Ok(())
    }

    fn or(&mut self, logical: &Logical) -> Lowered<()> {
        let result = self.b.local();
        let success = self.constants.operand(Constant::Boolean(true));
        let mut branches = Vec::new();
        for operand in [&logical.lhs, &logical.rhs] {
            let mark = self.b.begin();
            self.exists(operand)?;
            self.b.emit(StmtKind::Move {
                dst: result,
                src: success,
            });
            branches.push(self.b.end(mark));
        }
        self.b.emit(StmtKind::FirstDefined { result, branches });
        self.b.emit(StmtKind::IsDefined { local: result });
        Ok(())
    }

    fn every(&mut self, every: &Every) -> Lowered<()> {
        let domain = self.value(&every.domain)?;
        let mut variable = |term: &Term| (!self.is_unused(term)).then(|| self.b.local());
        let key = every.key.as_ref().and_then(&mut variable);
        let value = variable(&every.value);
        let (scope, body) = self.closure(|this| {
            let variables = [(key, every.key.as_ref()), (value, Some(&every.value))];
            for (local, term) in variables {
                if let (Some(local), Some(term)) = (local, term) {
                    this.match_operand(Operand::Local(local), term)?;
                }
            }
            this.body(&every.body)
        })?;
        self.b.emit(StmtKind::Every {
            scope,
            domain,
            key,
            value,
            body,
        });
        Ok(())
    }
}
