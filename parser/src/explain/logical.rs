//! Attempts to read operands of `and`, `or` and `not`.

use regovm_core::Span;

use super::cursor::Tok;
use super::{Keyword, Reader};
use crate::ast::{Body, Expr, ExprKind, Logical, Not, Term, TermKind};
use crate::lower::tree::Operand;
use crate::print;
use crate::shape::{value_name, void_calls};

impl Reader<'_> {
    /// `{ .. } and ..` at the start of an expression; nothing if the braces are something else.
    #[allow(clippy::option_option)] // Not tried, tried in vain, found.
    pub(super) fn braces_before_operator(&mut self) -> Option<Option<Expr>> {
        let before = self.save();
        let known = self.known.head;
        let place = self.c.span();
        self.c.scan();
        if let Some(body) = self.body(Tok::RBrace) {
            self.c.scan();
            if matches!(self.tok(), Tok::Key(Keyword::And | Keyword::Or)) {
                if is_ambiguous(&body, self) {
                    self.ambiguous_union(place, &body, "");
                    return Some(None);
                }
                let operand = Operand {
                    body,
                    explicit: true,
                    group: false,
                    span: place,
                };
                let outer = self.disjunction(operand);
                return Some(outer.and_then(|outer| self.attach_with(outer)));
            }
        }
        self.restore(before);
        self.known.head = known;
        None
    }

    /// What follows an operand that stands first in an expression.
    pub(super) fn fold_tail(&mut self, mut operand: Operand) -> Option<Expr> {
        if matches!(self.tok(), Tok::Key(Keyword::And | Keyword::Or)) {
            let outer = self.disjunction(operand)?;
            return self.attach_with(outer);
        }
        let first = operand.body.drain(..).next()?;
        self.attach_with(first)
    }

    pub(super) fn negate(&mut self, operand: Operand, place: Span) -> Operand {
        let span = self.extended(place);
        let expr = self.negate_body(operand, span);
        Operand {
            body: vec![expr],
            explicit: false,
            group: false,
            span,
        }
    }

    pub(super) fn negate_body(&mut self, operand: Operand, span: Span) -> Expr {
        let not = Not {
            body: operand.body,
            explicit: operand.explicit,
            span,
        };
        Expr::new(ExprKind::Not(Box::new(not)), span)
    }

    /// `not { .. }` from the brace on.
    pub(super) fn negated_body(&mut self, not: Span) -> Option<Operand> {
        let place = self.c.span();
        let before = self.save();
        self.c.scan();
        let empty = self.tok() == Tok::RBrace;
        let Some(body) = self.body(Tok::RBrace) else {
            if empty {
                return None;
            }
            let failed = self.save();
            self.restore(before);
            if let Some(term) = self.expression() {
                let text = self.text_of(self.extended(place));
                let name = value_name(&leading_value(&term).kind);
                self.c.hint(format!(
                    "write `not ({text})` to negate the value, or `not {{{text}}}` for a body holding it"
                ));
                self.c.fault(
                    place,
                    format!(
                        "`{{...}}` in an operand position must contain expression(s), got: {name}"
                    ),
                );
                return None;
            }
            self.restore(failed);
            return None;
        };
        self.c.scan();
        if is_ambiguous(&body, self) {
            self.ambiguous_union(place, &body, "not ");
            return None;
        }
        let operand = Operand {
            body,
            explicit: true,
            group: false,
            span: place,
        };
        Some(self.negate(operand, not))
    }

    /// Operands joined by `or`, from the first operator on.
    pub(super) fn disjunction(&mut self, operand: Operand) -> Option<Expr> {
        self.deeper(|r| {
            let mut lhs = operand;
            if r.is(Keyword::And) {
                lhs = r.conjunction(lhs)?;
            }
            while r.is(Keyword::Or) {
                r.c.scan();
                let mut rhs = r.operand(Some(Keyword::Or))?;
                if r.is(Keyword::And) {
                    rhs = r.conjunction(rhs)?;
                }
                lhs = r.join(lhs, rhs, Keyword::Or);
            }
            lhs.body.drain(..).next()
        })
    }

    fn conjunction(&mut self, operand: Operand) -> Option<Operand> {
        self.deeper(|r| {
            let mut lhs = operand;
            while r.is(Keyword::And) {
                r.c.scan();
                let rhs = r.operand(Some(Keyword::And))?;
                lhs = r.join(lhs, rhs, Keyword::And);
            }
            Some(lhs)
        })
    }

    fn join(&mut self, lhs: Operand, rhs: Operand, operator: Keyword) -> Operand {
        for body in [&lhs.body, &rhs.body] {
            if let Some((name, span)) = void_calls(body) {
                self.c.hint(format!(
                    "`{name}` produces no value and always succeeds, so the operand can never fail; move it out of the operand, or add an expression that can fail"
                ));
                let word = operator.text();
                self.c.fault(
                    span,
                    format!("operand of `{word}` cannot consist only of calls to `{name}`"),
                );
            }
        }
        let span = self.extended(lhs.span);
        let logical = Box::new(Logical {
            lhs: lhs.body,
            rhs: rhs.body,
            explicit_lhs: lhs.explicit,
            explicit_rhs: rhs.explicit,
            span,
        });
        let kind = match operator {
            Keyword::And => ExprKind::And(logical),
            _ => ExprKind::Or(logical),
        };
        Operand {
            body: vec![Expr::new(kind, span)],
            explicit: false,
            group: false,
            span,
        }
    }

    /// One operand; without an operator the caller only tries.
    fn operand(&mut self, operator: Option<Keyword>) -> Option<Operand> {
        if self.tok() == Tok::LBrace {
            return self.operand_in_braces(operator);
        }
        let mut not = None;
        if self.is_negation() {
            not = Some(self.c.span());
            self.c.scan();
        }
        if let Some(place) = not
            && self.not_bodies
            && self.tok() == Tok::LBrace
        {
            return self.negated_body(place);
        }
        if self.tok() == Tok::LParen
            && self.logical_keywords()
            && (not.is_none() || self.not_bodies)
        {
            let prefix = if not.is_some() { "not " } else { "" };
            if let Some(group) = self.group(true, prefix) {
                let group = group?;
                return Some(match not {
                    Some(place) => self.negate(group, place),
                    None => group,
                });
            }
        }
        let start = self.c.s.start;
        let mut expr = self.equation()?;
        let mut span = self.c.span_of(start, self.c.s.last_end);
        expr.span = span;
        if let Some(place) = not {
            if self.not_bodies {
                let inner = Operand {
                    body: vec![expr],
                    explicit: false,
                    group: false,
                    span,
                };
                span = self.extended(place);
                expr = self.negate_body(inner, span);
            } else {
                expr.negated = true;
            }
        }
        Some(Operand {
            body: vec![expr],
            explicit: false,
            group: false,
            span,
        })
    }

    fn operand_in_braces(&mut self, operator: Option<Keyword>) -> Option<Operand> {
        let place = self.c.span();
        let before = self.save();
        self.c.scan();
        let empty = self.tok() == Tok::RBrace;
        let Some(body) = self.body(Tok::RBrace) else {
            let operator = operator.filter(|_| !empty)?;
            let failed = self.save();
            self.restore(before);
            if self.expression().is_some() {
                let text = self.text_of(self.extended(place));
                self.brace_operand(place, &text, operator);
                return None;
            }
            self.restore(failed);
            return None;
        };
        self.c.scan();
        if is_ambiguous(&body, self) {
            self.ambiguous_union(place, &body, "");
        }
        Some(Operand {
            body,
            explicit: true,
            group: false,
            span: place,
        })
    }

    /// `( .. )` around operands; nothing if the parentheses hold a term.
    #[allow(clippy::option_option)] // Not tried, tried in vain, found.
    pub(super) fn group(&mut self, is_operand: bool, prefix: &str) -> Option<Option<Operand>> {
        if self.enter().is_none() {
            return Some(None);
        }
        let result = self.new_group(is_operand, prefix);
        self.depth -= 1;
        result
    }

    #[allow(clippy::option_option)]
    fn new_group(&mut self, is_operand: bool, prefix: &str) -> Option<Option<Operand>> {
        let before = self.save();
        let open = self.c.span();
        self.c.scan();
        if self.tok() == Tok::RParen {
            if is_operand {
                self.c.fault(open, "empty parenthesized group");
                return Some(None);
            }
            self.restore(before);
            return None;
        }
        let Some(mut operand) = self.operand(None) else {
            self.restore(before);
            return None;
        };
        match self.tok() {
            Tok::Key(Keyword::And | Keyword::Or) => Some(self.joined_group(operand, open)),
            Tok::Key(Keyword::With) if !operand.explicit && operand.body.len() == 1 => {
                let with = self.c.span();
                let attached = match operand.body.pop() {
                    Some(expr) => self.attach_with(expr),
                    None => None,
                };
                let Some(expr) = attached else {
                    return Some(None);
                };
                operand.body.push(expr);
                if let Tok::Key(operator @ (Keyword::And | Keyword::Or)) = self.tok() {
                    self.with_on_operand(with, operator);
                    return Some(None);
                }
                if !self.close_group() {
                    return Some(None);
                }
                if is_operand || matches!(self.tok(), Tok::Key(Keyword::And | Keyword::Or)) {
                    operand.span = self.extended(open);
                    return Some(Some(operand));
                }
                self.restore(before);
                None
            }
            _ if operand.explicit => {
                let braces = self.text_of(self.extended(operand.span));
                self.restore(before);
                let probe = self.save();
                self.c.scan();
                let term = self.term();
                self.restore(probe);
                if term.is_none() {
                    self.c.hint(format!(
                        "drop the parens to keep the body: `{prefix}{braces}`"
                    ));
                    self.c
                        .fault(open, "`(...)` in an operand position cannot contain a body");
                    return Some(None);
                }
                None
            }
            _ if is_group_content(&operand.body) => {
                if !self.close_group() {
                    return Some(None);
                }
                operand.span = self.extended(open);
                Some(Some(operand))
            }
            _ => {
                self.restore(before);
                None
            }
        }
    }

    fn joined_group(&mut self, operand: Operand, open: Span) -> Option<Operand> {
        let expr = self.disjunction(operand)?;
        let expr = self.attach_with(expr)?;
        if !self.close_group() {
            return None;
        }
        let span = self.extended(open);
        Some(Operand {
            body: vec![expr],
            explicit: false,
            group: true,
            span,
        })
    }

    fn close_group(&mut self) -> bool {
        if self.tok() != Tok::RParen {
            let span = self.c.span();
            self.c
                .fault(span, "expected ) to close parenthesized group");
            return false;
        }
        self.c.scan();
        true
    }

    pub(super) fn with_on_operand(&mut self, place: Span, operator: Keyword) {
        let word = operator.text();
        self.c.hint(format!(
            "Wrap the operand in `(...)` or `{{...}}` to scope, or move `with` after the `{word}` expression to apply it to the whole expression"
        ));
        self.c.fault(
            place,
            format!("`with` modifier is not allowed on operand of `{word}`"),
        );
    }

    pub(super) fn brace_operand(&mut self, place: Span, text: &str, operator: Keyword) {
        let word = operator.text();
        self.c.hint(format!(
            "wrap the operand to keep the value: `({text}) {word} ...`"
        ));
        self.c.fault(
            place,
            format!("operand of `{word}` cannot begin with `{{` unless the braces hold a body"),
        );
    }

    fn ambiguous_union(&mut self, place: Span, body: &Body, prefix: &str) {
        let braces = self.text_of(self.extended(place));
        let mut union = braces.clone();
        if let Some(first) = body.first() {
            let text = self.text_of(first.span);
            let start = first.span.start.saturating_sub(place.start) as usize;
            if start > 0 && start + text.len() <= braces.len() {
                let after = &braces[start + text.len()..];
                union = format!("{}({text}){after}", &braces[..start]);
            }
        }
        self.c.hint(format!(
            "write `{prefix}({braces})` for the comprehension, or `{prefix}{union}` for the set union"
        ));
        self.c.fault(
            place,
            "ambiguous `{ ... | ... }` operand: read as a body holding a set-union expression, not as a comprehension",
        );
    }
}

/// A body whose first expression is a plain union, which reads as a comprehension too.
fn is_ambiguous(body: &Body, reader: &Reader<'_>) -> bool {
    let Some(Expr {
        kind: ExprKind::Call(terms),
        span,
        ..
    }) = body.first()
    else {
        return false;
    };
    let Some(operator) = terms.first() else {
        return false;
    };
    print::infix_symbol(operator) == Some("|")
        && reader.text_of(operator.span) == "|"
        && !reader.text_of(*span).trim_start().starts_with('(')
}

/// The value that the leading brace of a term opens.
fn leading_value(term: &Term) -> &Term {
    let mut term = term;
    while let TermKind::Call(terms) = &term.kind
        && let [operator, lhs, _] = &terms[..]
        && (print::infix_symbol(operator).is_some() || print::term(operator) == "internal.member_2")
    {
        term = lhs;
    }
    term
}

/// A joined or negated operand: only these make parentheses a group.
fn is_group_content(body: &Body) -> bool {
    match &body[..] {
        [expr] => {
            expr.negated
                || matches!(
                    expr.kind,
                    ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_)
                )
        }
        _ => false,
    }
}
