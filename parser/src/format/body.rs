//! Bodies and their expressions.

use regovm_core::Span;

use super::places::Place;
use super::{Laid, Printer};
use crate::ast::{Body, Every, Expr, ExprKind, Term, TermKind, With};
use crate::print::infix_symbol;

/// Whether an expression stands where a bare `x | y` would be read as a comprehension.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lead {
    /// It does not.
    No,
    /// It must not be a bare union.
    Expression,
    /// Nor may its first operand be one.
    Operand,
}

/// Whether the operands of an infix operator have the number that it takes.
pub(super) fn is_infix(terms: &[Term]) -> Option<&'static str> {
    infix_symbol(terms.first()?)
}

/// Whether a call is a union.
pub(super) fn is_union(terms: &[Term]) -> bool {
    is_infix(terms) == Some("|")
}

/// The operand that an infix call of some form is written with first.
pub(super) fn leading_operand(terms: &[Term]) -> Option<&Term> {
    is_infix(terms)?;
    match terms {
        [_, first, _] => Some(first),
        [_, _, _, result] => Some(result),
        _ => None,
    }
}

impl Printer<'_> {
    /// Expressions on lines of their own.
    pub(super) fn body(&mut self, body: &Body, lead: Lead) -> Laid {
        let mut laid = match body.first() {
            Some(first) => self.remarks_at(self.ground.row(first.span)),
            None => Ok(()),
        };
        for (at, expr) in body.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| &body[at]);
            if before.is_some_and(|before| {
                self.ground.row(expr.span) > self.ground.end_row(before.span) + 1
            }) {
                self.page.blank_line();
            }
            self.page.begin_line();
            let lead = if at == 0 { lead } else { Lead::No };
            let one = self.expr(expr, lead);
            self.page.end_line();
            laid = laid.and(one);
        }
        laid
    }

    /// One expression.
    pub(super) fn expr(&mut self, expr: &Expr, lead: Lead) -> Laid {
        let mark = self.page.mark();
        let laid = self.expr_parts(expr, lead);
        if self.page.is_unfinished_since(&mark) {
            let text = self.ground.text(expr.span);
            let rows = (self.ground.row(expr.span), self.ground.end_row(expr.span));
            self.page.replace(mark, text, rows, self.takes_last);
        }
        laid
    }

    fn expr_parts(&mut self, expr: &Expr, lead: Lead) -> Laid {
        self.remarks_at(self.ground.row(expr.span))?;
        self.page.begin_line_if_needed();
        let union =
            matches!(&expr.kind, ExprKind::Call(terms) if is_union(terms) && terms.len() == 3);
        let parens = lead != Lead::No && !expr.negated && union;
        if expr.negated {
            self.page.put("not ");
        }
        if parens {
            self.page.put("(");
        }
        let mut laid = self.said(expr, if parens { Lead::No } else { lead });
        if parens {
            self.page.put(")");
        }
        if !expr.with.is_empty() {
            laid = self.withs(expr).and(laid);
        }
        laid
    }

    fn said(&mut self, expr: &Expr, lead: Lead) -> Laid {
        match &expr.kind {
            ExprKind::Term(term) => self.term(term),
            ExprKind::Call(terms) => {
                self.call_statement(terms, lead == Lead::Operand && !expr.negated)
            }
            ExprKind::Some(symbols) => self.some(symbols, expr.span),
            ExprKind::Every(every) => self.every(every),
            ExprKind::Not(not) => self.not(not, expr.span),
            ExprKind::And(_) | ExprKind::Or(_) => {
                let lead = if expr.negated { Lead::No } else { lead };
                self.logical(expr, lead)
            }
        }
    }

    fn withs(&mut self, expr: &Expr) -> Laid {
        let mut laid = Ok(());
        let mut last = self.end_of_terms(expr);
        let mut indented = false;
        for (at, with) in expr.with.iter().enumerate() {
            let row = self.ground.row(with.span);
            let own_line = if at == 0 {
                row != last && row > last
            } else {
                row > last
            };
            if own_line {
                if !indented {
                    self.page.indent();
                    indented = true;
                }
                self.page.end_line();
                self.page.begin_line();
                last = row;
            } else if at == 0 {
                last = row;
            }
            laid = self.with(with, own_line).and(laid);
        }
        if indented {
            self.page.outdent();
        }
        laid
    }

    /// The row on which an expression ends, its `with` aside.
    fn end_of_terms(&self, expr: &Expr) -> i64 {
        let end = expr
            .with
            .first()
            .map_or(expr.span.end, |with| with.span.start);
        let text = self.ground.text(Span::new(expr.span.start, end));
        let text = text.trim_end_matches([' ', '\t', '\r', '\n']);
        self.ground.row(expr.span) + super::places::line_ends(text)
    }

    fn with(&mut self, with: &With, own_line: bool) -> Laid {
        let mut laid = self.remarks_at(self.ground.row(with.span));
        if !own_line {
            self.page.put(" ");
        }
        self.page.put("with ");
        laid = self.term(&with.target).and(laid);
        self.page.put(" as ");
        // What keeps its text is complete.
        let _ = self.term(&with.value);
        laid
    }

    fn call_statement(&mut self, terms: &[Term], lead: bool) -> Laid {
        if super::term::is_membership(&terms[0]) {
            return self.membership(false, terms);
        }
        let Some(symbol) = is_infix(terms) else {
            return self.plain_call(terms);
        };
        match terms {
            [_, lhs, rhs] => {
                let first = self.operand(lhs, lead);
                self.page.put(" ");
                self.page.put(symbol);
                self.page.put(" ");
                first.and(self.term(rhs))
            }
            [_, lhs, rhs, result] => {
                let first = self.operand(result, lead);
                self.page.put(" = ");
                let second = self.term(lhs);
                self.page.put(" ");
                self.page.put(symbol);
                self.page.put(" ");
                first.and(second).and(self.term(rhs))
            }
            _ => {
                self.wrong_arity(terms);
                self.plain_call(terms)
            }
        }
    }

    /// An operand that may have to stand in parentheses.
    fn operand(&mut self, term: &Term, lead: bool) -> Laid {
        let union = matches!(&term.kind, TermKind::Call(terms) if is_union(terms));
        if lead && union {
            return self.term_in_parentheses(term);
        }
        self.term(term)
    }

    fn some(&mut self, symbols: &[Term], span: Span) -> Laid {
        let mut row = self.ground.row(span);
        let mut laid = self.remarks_at(row);
        self.page.put("some ");
        for (at, symbol) in symbols.iter().enumerate() {
            if let TermKind::Call(terms) = &symbol.kind {
                laid = self.membership(false, terms).and(laid);
                continue;
            }
            let here = self.ground.row(symbol.span);
            if here > row {
                self.page.end_line();
                self.page.begin_line();
                self.page.put("\t");
                row = here;
            } else if at > 0 {
                self.page.put(" ");
            }
            laid = self.term(symbol).and(laid);
            if at + 1 < symbols.len() {
                self.page.put(",");
            }
        }
        laid
    }

    fn every(&mut self, every: &Every) -> Laid {
        let place = self.ground.place_of(every.span);
        let mut laid = self.remarks_at(place.row);
        self.page.put("every ");
        if let Some(key) = &every.key {
            laid = self.term(key).and(laid);
            self.page.put(", ");
        }
        laid = self.term(&every.value).and(laid);
        self.page.put(" in ");
        laid = self.term(&every.domain).and(laid);
        self.page.put(" {");
        let _ = self.braces_body(&every.body, place, Lead::No);
        laid
    }

    /// What stands between braces up to the closing one; one expression may stay on the line of the keyword.
    pub(super) fn braces_body(&mut self, body: &Body, place: Place, lead: Lead) -> Laid {
        let laid = self.inner_body((b'{', b'}'), body, place.row, place, lead);
        let single = match &body[..] {
            [only] => self.ground.row(only.span) == place.row,
            _ => false,
        };
        let last = body.last().map(|last| self.ground.row(last.span));
        if single || lead == Lead::Expression && last == Some(place.row) {
            self.page.put(" ");
        }
        self.page.put("}");
        laid
    }

    /// A body in brackets: on the line if it was on one, or else on lines of its own.
    pub(super) fn inner_body(
        &mut self,
        brackets: (u8, u8),
        body: &Body,
        row: i64,
        place: Place,
        lead: Lead,
    ) -> Laid {
        let first = body
            .first()
            .map_or(row, |first| self.ground.row(first.span));
        let lines = self.lines_of_body(body, row);
        let below = first > row || lines > 1;
        let mut laid;
        if below {
            self.page.end_line();
            self.page.indent();
            laid = self.body(body, lead);
        } else {
            self.page.put(" ");
            laid = Ok(());
            for (at, expr) in body.iter().enumerate() {
                if at > 0 {
                    self.page.put("; ");
                }
                let lead = if at == 0 { lead } else { Lead::No };
                laid = self.expr(expr, lead).and(laid);
            }
        }
        if laid.is_ok()
            && let Some(row) = self.ground.closing_row(brackets.0, brackets.1, place)
        {
            laid = self.remarks_at(row);
        }
        if below {
            self.page.outdent();
            self.page.begin_line();
        }
        laid
    }
}
