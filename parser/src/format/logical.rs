//! `not` with a body, `and`, `or`.

use regovm_core::Span;

use super::body::{Lead, is_infix, leading_operand};
use super::places::Place;
use super::{Laid, Printer, is_logical};
use crate::ast::{Body, Expr, ExprKind, Logical, Not, Term, TermKind};

/// One side of `and` or `or`.
struct Operand<'e> {
    body: &'e Body,
    /// It stands in braces, which open here.
    brace: Option<Span>,
    parentheses: bool,
}

/// An operator with what stands behind it.
struct Step<'e> {
    word: &'static str,
    rhs: Operand<'e>,
    /// The row on which everything before the operator ends.
    row_before: i64,
}

/// Whether an expression starts with a brace when it is written.
fn starts_with_brace(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Term(term) => term_starts_with_brace(term),
        ExprKind::Call(terms) => leading_operand(terms).is_some_and(term_starts_with_brace),
        _ => false,
    }
}

fn term_starts_with_brace(term: &Term) -> bool {
    match &term.kind {
        TermKind::Set(elements) => !elements.is_empty(),
        TermKind::Object(_) | TermKind::SetComprehension(_) | TermKind::ObjectComprehension(_) => {
            true
        }
        TermKind::Ref(path) => path.first().is_some_and(term_starts_with_brace),
        TermKind::Call(terms) => match &terms[..] {
            [_, first, _] => is_infix(terms).is_some() && term_starts_with_brace(first),
            _ => false,
        },
        _ => false,
    }
}

/// The word and the operands of `and` and `or`.
fn parts(expr: &Expr) -> Option<(&'static str, &Logical)> {
    match &expr.kind {
        ExprKind::And(logical) => Some(("and", logical)),
        ExprKind::Or(logical) => Some(("or", logical)),
        _ => None,
    }
}

/// Whether an operand without braces has to stand in parentheses.
fn needs_parentheses(expr: &Expr, word: &str, right: bool) -> bool {
    if !expr.with.is_empty() {
        return true;
    }
    match &expr.kind {
        ExprKind::Or(_) => word == "and" || right,
        ExprKind::And(_) => word == "and" && right,
        _ => starts_with_brace(expr),
    }
}

impl Printer<'_> {
    pub(super) fn not(&mut self, not: &Not, span: Span) -> Laid {
        let place = self.ground.place_of(span);
        let laid = self.remarks_at(place.row);
        self.page.put("not ");
        match &not.body[..] {
            [inner] if !not.explicit => {
                let parentheses = !inner.with.is_empty()
                    || is_logical(&inner.kind)
                    || matches!(inner.kind, ExprKind::Not(_))
                    || starts_with_brace(inner);
                if parentheses {
                    self.page.put("(");
                }
                let _ = self.expr(inner, Lead::No);
                if parentheses {
                    self.page.put(")");
                }
            }
            _ => {
                self.page.put("{");
                let _ = self.braces_body(&not.body, place, Lead::Expression);
            }
        }
        laid
    }

    /// A chain of operands.
    pub(super) fn logical(&mut self, expr: &Expr, lead: Lead) -> Laid {
        let (first, steps) = self.chain(expr);
        let leads = lead == Lead::Operand && first.brace.is_none() && !first.parentheses;
        let _ = self.side(&first, if leads { lead } else { Lead::No });
        let mut indented = false;
        for step in steps {
            self.page.put(" ");
            self.page.put(step.word);
            let start = match (step.rhs.brace, step.rhs.body.first()) {
                (Some(brace), _) => Some(self.ground.row(brace)),
                (None, first) => first.map(|first| self.ground.row(first.span)),
            };
            if start.is_some_and(|row| row > step.row_before) {
                if !indented {
                    self.page.indent();
                    indented = true;
                }
                self.page.end_line();
                self.page.begin_line();
            } else {
                self.page.put(" ");
            }
            let _ = self.side(&step.rhs, Lead::No);
        }
        if indented {
            self.page.outdent();
        }
        Ok(())
    }

    fn side(&mut self, operand: &Operand<'_>, lead: Lead) -> Laid {
        if let Some(brace) = operand.brace {
            self.page.put("{");
            let place: Place = self.ground.place_of(brace);
            return self.braces_body(operand.body, place, Lead::Expression);
        }
        if operand.parentheses {
            self.page.put("(");
        }
        let laid = match operand.body.first() {
            Some(expr) => self.expr(expr, lead),
            None => Ok(()),
        };
        if operand.parentheses {
            self.page.put(")");
        }
        laid
    }

    /// The first operand and the operators that follow, which group to the left.
    fn chain<'e>(&self, expr: &'e Expr) -> (Operand<'e>, Vec<Step<'e>>) {
        let mut steps = Vec::new();
        let mut expr = expr;
        loop {
            let Some((word, logical)) = parts(expr) else {
                // Only `and` and `or` get here.
                unreachable!("a chain of operands");
            };
            let rhs = self.operand_of(&logical.rhs, logical.explicit_rhs, word, true, expr.span);
            match &logical.lhs[..] {
                [inner]
                    if !logical.explicit_lhs
                        && is_logical(&inner.kind)
                        && !needs_parentheses(inner, word, false) =>
                {
                    let row_before = self.end_of_body(&logical.lhs);
                    steps.push(Step {
                        word,
                        rhs,
                        row_before,
                    });
                    expr = inner;
                }
                _ => {
                    let first =
                        self.operand_of(&logical.lhs, logical.explicit_lhs, word, false, expr.span);
                    let row_before = self.end_of_operand(&first);
                    steps.push(Step {
                        word,
                        rhs,
                        row_before,
                    });
                    steps.reverse();
                    return (first, steps);
                }
            }
        }
    }

    fn operand_of<'e>(
        &self,
        body: &'e Body,
        explicit: bool,
        word: &str,
        right: bool,
        node: Span,
    ) -> Operand<'e> {
        match &body[..] {
            [only] if !explicit => Operand {
                body,
                brace: None,
                parentheses: needs_parentheses(only, word, right),
            },
            _ => {
                let first = body.first().map_or(node, |first| first.span);
                Operand {
                    body,
                    brace: Some(self.ground.brace_before(node, first)),
                    parentheses: false,
                }
            }
        }
    }

    fn end_of_operand(&self, operand: &Operand<'_>) -> i64 {
        operand
            .brace
            .and_then(|brace| {
                let place = self.ground.place_of(brace);
                self.ground.closing_row(b'{', b'}', place)
            })
            .unwrap_or_else(|| self.end_of_body(operand.body))
    }

    fn end_of_body(&self, body: &Body) -> i64 {
        body.last().map_or(0, |last| self.ground.end_row(last.span))
    }
}
