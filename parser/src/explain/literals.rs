//! Attempts to read expressions and bodies.

use super::cursor::Tok;
use super::{Keyword, Reader};
use crate::ast::{Body, Every, Expr, ExprKind, Term, TermKind, With};
use crate::lower;

impl Reader<'_> {
    /// Expressions up to a closing bracket.
    pub(super) fn body(&mut self, end: Tok) -> Option<Body> {
        self.deeper(|r| r.query(false, end))
    }

    /// Expressions with semicolons or newlines between them; at the top level newlines do not count.
    pub(super) fn query(&mut self, semicolons_only: bool, end: Tok) -> Option<Body> {
        if self.tok() == end {
            let span = self.c.span();
            self.c.fault(span, "found empty body");
            return None;
        }
        let mut body = Body::new();
        loop {
            let expr = self.literal()?;
            lower::push(&mut body, expr);
            if self.tok() == Tok::Semicolon {
                self.c.scan();
                continue;
            }
            if self.tok() == end || semicolons_only {
                return Some(body);
            }
            if !self.c.s.skipped_newline {
                if !self.failed() {
                    self.hint_missing_import();
                    self.c
                        .illegal(&format!("expected \\n or ; or {}", end.name()));
                }
                return None;
            }
        }
    }

    /// An expression that is followed by a word which an import would make an operator.
    fn hint_missing_import(&mut self) {
        if !self.c.s.hints.is_empty() {
            return;
        }
        let word = match self.tok() {
            Tok::Ident => match self.c.word() {
                word @ ("in" | "and" | "or") => word,
                _ => return,
            },
            Tok::Comma => {
                let before = self.save();
                self.c.scan();
                let keywords = self.future_keywords();
                let term = self.with_keywords(keywords, Self::expression);
                self.restore(before);
                if !term.is_some_and(|term| is_member_call(&term)) {
                    return;
                }
                "in"
            }
            _ => return,
        };
        let example = match word {
            "in" => "x in xs",
            "and" => "x and y",
            _ => "x or y",
        };
        self.c.hint(format!(
            "`import future.keywords.{word}` for `{example}` expressions"
        ));
    }

    /// One expression with everything that belongs to it.
    pub(super) fn literal(&mut self) -> Option<Expr> {
        let start = self.c.s.start;
        let mut expr = self.new_literal()?;
        expr.span = self.c.span_of(start, self.c.s.last_end);
        if let ExprKind::Not(not) = &mut expr.kind
            && !not.explicit
        {
            for inner in &mut not.body {
                inner.span = expr.span;
            }
        }
        Some(expr)
    }

    fn new_literal(&mut self) -> Option<Expr> {
        if self.logical_keywords() {
            match self.tok() {
                Tok::LBrace => {
                    if let Some(result) = self.braces_before_operator() {
                        return result;
                    }
                }
                Tok::LParen => {
                    if let Some(group) = self.group(false, "") {
                        let operand = group?;
                        return self.fold_tail(operand);
                    }
                }
                _ => {}
            }
        }
        if self.keyword_as_name() {
            return self.plain(false, None);
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
            let operand = self.negated_body(place)?;
            return self.fold_tail(operand);
        }
        let quantifier = match self.tok() {
            Tok::Key(keyword @ (Keyword::Some | Keyword::Every)) => keyword,
            _ => return self.plain(not.is_some(), not),
        };
        if not.is_some() {
            self.c
                .illegal(&format!("illegal negation of '{}'", quantifier.text()));
            return None;
        }
        match quantifier {
            Keyword::Some => self.some(),
            _ => self.every(),
        }
    }

    /// `not`, unless it is the first name of a reference.
    pub(super) fn is_negation(&mut self) -> bool {
        self.is(Keyword::Not) && !matches!(self.next_glued(), Tok::Dot | Tok::LBracket)
    }

    /// An expression without quantifier, its `with`, and the operators that join it to others.
    fn plain(&mut self, negated: bool, not: Option<regovm_core::Span>) -> Option<Expr> {
        let before = self.save();
        if let Some(place) = not
            && self.not_bodies
            && self.tok() == Tok::LParen
            && let Some(group) = self.group(true, "not ")
        {
            let operand = group?;
            let operand = self.negate(operand, place);
            return self.fold_tail(operand);
        }
        let start = self.c.s.start;
        let mut expr = self.equation()?;
        expr.span = self.c.span_of(start, self.c.s.last_end);
        let mut with = None;
        if self.is(Keyword::With) {
            with = Some(self.c.span());
            expr.with = self.with_modifiers()?;
        }
        self.hint_every(&expr, before);
        let mut place = expr.span;
        if negated && self.not_bodies {
            let modifiers = std::mem::take(&mut expr.with);
            place = self.extended(not.unwrap_or(place));
            let operand = lower::tree::Operand {
                body: vec![expr],
                explicit: false,
                group: false,
                span: place,
            };
            expr = self.negate_body(operand, place);
            expr.with = modifiers;
        } else {
            expr.negated = negated;
        }
        let Tok::Key(operator @ (Keyword::And | Keyword::Or)) = self.tok() else {
            return Some(expr);
        };
        if let Some(with) = with {
            self.with_on_operand(with, operator);
            return None;
        }
        let text = self.text_of(place);
        if not.is_none() && text.starts_with('{') {
            if matches!(&expr.kind, ExprKind::Term(term)
                if matches!(&term.kind, TermKind::Object(members) if members.is_empty()))
            {
                self.c.fault(place, "found empty body");
            } else {
                self.brace_operand(place, &text, operator);
            }
            return None;
        }
        let operand = lower::tree::Operand {
            body: vec![expr],
            explicit: false,
            group: false,
            span: place,
        };
        let outer = self.disjunction(operand)?;
        self.attach_with(outer)
    }

    pub(super) fn text_of(&self, span: regovm_core::Span) -> String {
        let start = (span.start - self.c.base) as usize;
        let end = (span.end - self.c.base) as usize;
        self.c
            .text
            .get(start..end.min(self.c.text.len()))
            .unwrap_or("")
            .to_string()
    }

    /// A place that now reaches to the token before this one.
    pub(super) fn extended(&self, span: regovm_core::Span) -> regovm_core::Span {
        self.c
            .span_of((span.start - self.c.base) as usize, self.c.s.last_end)
    }

    /// A variable `every` that would start a quantifier if the keyword were imported.
    fn hint_every(&mut self, expr: &Expr, start: super::cursor::State) {
        if !self.is_of_the_future(Keyword::Every) {
            return;
        }
        let ExprKind::Term(term) = &expr.kind else {
            return;
        };
        if term.as_var().is_none_or(|name| &**name != "every") {
            return;
        }
        let after = self.save();
        self.restore(start);
        let keywords = self.future_keywords();
        let found = self.with_keywords(keywords, Self::every).is_some();
        self.restore(after);
        if found {
            self.c
                .hint("`import future.keywords.every` for `every x in xs { ... }` expressions");
        }
    }

    pub(super) fn equation(&mut self) -> Option<Expr> {
        let lhs = self.expression()?;
        let name = match self.tok() {
            Tok::Assign => "assign",
            Tok::Unify => "eq",
            _ => {
                let span = lhs.span;
                let kind = match lhs.kind {
                    TermKind::Call(terms) => ExprKind::Call(terms),
                    _ => ExprKind::Term(lhs),
                };
                return Some(Expr::new(kind, span));
            }
        };
        let operator = lower::operator(name, self.c.span());
        self.c.scan();
        let rhs = self.expression()?;
        let span = lhs.span;
        Some(Expr::new(ExprKind::Call(vec![operator, lhs, rhs]), span))
    }

    pub(super) fn with_modifiers(&mut self) -> Option<Vec<With>> {
        let mut list = Vec::new();
        while self.is(Keyword::With) {
            let start = self.c.s.start;
            self.c.scan();
            if self.tok() != Tok::Ident {
                self.c.illegal("expected ident");
                return None;
            }
            let target = self.term()?;
            if !matches!(target.kind, TermKind::Ref(_) | TermKind::Var(_)) {
                self.c.illegal("expected with target path");
            }
            if !self.is(Keyword::As) {
                self.c.illegal("expected as keyword");
                return None;
            }
            self.c.scan();
            let value = self.expression()?;
            list.push(With {
                target,
                value,
                span: self.c.span_of(start, self.c.s.last_end),
            });
        }
        Some(list)
    }

    pub(super) fn attach_with(&mut self, mut expr: Expr) -> Option<Expr> {
        if self.is(Keyword::With) {
            expr.with = self.with_modifiers()?;
        }
        Some(expr)
    }

    fn some(&mut self) -> Option<Expr> {
        let span = self.c.span();
        let before = self.save();
        self.c.scan();
        if let Some(term) = self.expression()
            && matches!(term.kind, TermKind::Call(_))
        {
            match member_arity(&term) {
                Some(true) => {}
                Some(false) => {
                    self.c.illegal("illegal domain");
                    return None;
                }
                None => {
                    self.c
                        .illegal("expected `x in xs` or `x, y in xs` expression");
                    return None;
                }
            }
            let expr = Expr::new(ExprKind::Some(vec![term]), span);
            return self.attach_with(expr);
        }
        self.restore(before);
        if self.is_of_the_future(Keyword::In) {
            let before = self.save();
            self.c.scan();
            let keywords = self.future_keywords();
            let term = self.with_keywords(keywords, Self::expression);
            self.restore(before);
            if term.is_some_and(|term| is_member_call(&term)) {
                self.c
                    .hint("`import future.keywords.in` for `some x in xs` expressions");
            }
        }
        let mut names = Vec::new();
        loop {
            self.c.scan();
            if self.tok() != Tok::Ident {
                self.c.illegal("expected var");
                return None;
            }
            names.push(self.variable());
            self.c.scan();
            if self.tok() != Tok::Comma {
                return Some(Expr::new(ExprKind::Some(names), span));
            }
        }
    }

    pub(super) fn every(&mut self) -> Option<Expr> {
        let span = self.c.span();
        self.c.scan();
        let term = self.expression()?;
        let TermKind::Call(mut call) = term.kind.clone() else {
            self.c.illegal("expected `x[, y] in xs { ... }` expression");
            return None;
        };
        match member_arity(&term) {
            Some(true) => {}
            Some(false) => {
                self.c.illegal("illegal domain");
                return None;
            }
            None => {
                self.c.illegal("expected `x[, y] in xs { ... }` expression");
                return None;
            }
        }
        let domain = call.pop()?;
        let value = call.pop()?;
        let key = (call.len() == 2).then(|| call.pop()).flatten();
        if key.as_ref().is_some_and(|key| key.as_var().is_none()) {
            self.c.illegal("expected key to be a variable");
            return None;
        }
        if value.as_var().is_none() {
            self.c.illegal("expected value to be a variable");
            return None;
        }
        if self.tok() != Tok::LBrace {
            self.c.illegal("missing body");
            return None;
        }
        self.c.scan();
        let body = self.body(Tok::RBrace)?;
        self.c.scan();
        let every = Every {
            key,
            value,
            domain,
            body,
            span,
        };
        let expr = Expr::new(ExprKind::Every(Box::new(every)), span);
        self.attach_with(expr)
    }
}

/// Whether a term is a call of the membership operators with the right number of operands; `None`
/// if it calls something else.
fn member_arity(term: &Term) -> Option<bool> {
    let TermKind::Call(terms) = &term.kind else {
        return None;
    };
    match &*crate::print::term(terms.first()?) {
        "internal.member_2" => Some(terms.len() == 3),
        "internal.member_3" => Some(terms.len() == 4),
        _ => None,
    }
}

fn is_member_call(term: &Term) -> bool {
    member_arity(term).is_some()
}
