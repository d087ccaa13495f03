//! Terms as operands: constants, constructors, comprehensions.

use regovm_parser::ast::{Body, Term, TermKind};

use super::constants::constant;
use super::unify::is_root;
use super::{Lowered, Lowering, internal};
use crate::ir::{CollectKind, Operand, StmtKind};

impl Lowering<'_> {
    /// The value of a term. References in it may iterate; what follows is inside their iterations then.
    pub(super) fn value(&mut self, term: &Term) -> Lowered<Operand> {
        if let Some(constant) = constant(term) {
            return Ok(self.constants.operand(constant));
        }
        self.nested(term.span, |this| this.value_of(term))
    }

    fn value_of(&mut self, term: &Term) -> Lowered<Operand> {
        match &term.kind {
            TermKind::Var(name) => match self.vars.get(name) {
                Some(operand) => Ok(operand),
                None if is_root(name) => self.reference(std::slice::from_ref(term)),
                None => Err(internal(
                    term.span,
                    format_args!("variable {name} is not bound"),
                )),
            },
            TermKind::Ref(path) => self.reference(path),
            TermKind::Array(items) => {
                let items = self.values(items)?;
                Ok(self.b.assign(|dst| StmtKind::MakeArray { dst, items }))
            }
            TermKind::Set(items) => {
                let items = self.values(items)?;
                Ok(self.b.assign(|dst| StmtKind::MakeSet { dst, items }))
            }
            TermKind::Object(members) => {
                self.object(members.iter().map(|(key, value)| (key, value)))
            }
            TermKind::ArrayComprehension(it) => {
                self.collect(CollectKind::Array, None, &it.term, &it.body)
            }
            TermKind::SetComprehension(it) => {
                self.collect(CollectKind::Set, None, &it.term, &it.body)
            }
            TermKind::ObjectComprehension(it) => {
                self.collect(CollectKind::Object, Some(&it.key), &it.value, &it.body)
            }
            TermKind::Call(terms) => self.call_value(terms, term.span),
            _ => Err(internal(
                term.span,
                "a term that should have been rewritten",
            )),
        }
    }

    /// The values of terms, in order.
    pub(super) fn values(&mut self, terms: &[Term]) -> Lowered<Vec<Operand>> {
        terms.iter().map(|term| self.value(term)).collect()
    }

    /// An object of the values of keys and members.
    pub(super) fn object<'t>(
        &mut self,
        members: impl IntoIterator<Item = (&'t Term, &'t Term)>,
    ) -> Lowered<Operand> {
        let members = members
            .into_iter()
            .map(|(key, value)| Ok((self.value(key)?, self.value(value)?)))
            .collect::<Lowered<Vec<_>>>()?;
        Ok(self.b.assign(|dst| StmtKind::MakeObject { dst, members }))
    }

    fn collect(
        &mut self,
        kind: CollectKind,
        key: Option<&Term>,
        value: &Term,
        body: &Body,
    ) -> Lowered<Operand> {
        if self.observe.is_some() {
            return self.observed_collect(kind, key, value, body);
        }
        let scope = self.b.scope();
        let span = self.b.span;
        let mark = self.b.begin();
        let outer = self.vars.mark();
        self.body(body)?;
        let place = key.unwrap_or(value).span;
        let key = key.map(|key| self.value(key)).transpose()?;
        let value = self.value(value)?;
        self.b.span = place;
        self.b.emit(StmtKind::Append { scope, key, value });
        self.b.span = span;
        self.vars.rewind(outer);
        let body = self.b.end(mark);
        Ok(self.b.assign(|dst| StmtKind::Collect {
            scope,
            kind,
            dst,
            body,
        }))
    }
}
