//! From what the grammar found to the syntax tree, in the shapes that OPA gives it.

mod module;
pub mod tree;

use std::cell::Cell;

use regovm_core::Span;

pub use module::{Refused, is_version_keyword, module};

use crate::ast::{
    Body, Comprehension, Every, Expr, ExprKind, Logical, Name, Not, ObjectComprehension, Ref,
    TemplatePart, TemplateString, Term, TermKind, With,
};
use crate::shape::void_calls;
use tree::{Else, Equation, Operand, RuleBody, Tail};

/// Makes nodes for the grammar.
///
/// Some texts fit the grammar but are refused all the same. The builder then only notes that;
/// [`crate::explain`] finds OPA's words.
#[derive(Debug)]
pub struct Builder<'a> {
    text: &'a str,
    base: u32,
    comments: &'a [(u32, u32)],
    refused: Cell<bool>,
}

/// Appends an expression to a body and tells it its place.
pub fn push(body: &mut Body, mut expr: Expr) {
    expr.index = body.len() as u32;
    body.push(expr);
}

impl<'a> Builder<'a> {
    /// A builder for a text whose first byte has a global position.
    pub fn new(text: &'a str, base: u32, comments: &'a [(u32, u32)]) -> Builder<'a> {
        Builder {
            text,
            base,
            comments,
            refused: Cell::new(false),
        }
    }

    /// Whether something was refused.
    pub fn refused(&self) -> bool {
        self.refused.get()
    }

    fn refuse(&self) {
        self.refused.set(true);
    }

    /// The span of two offsets.
    pub fn span(&self, start: u32, end: u32) -> Span {
        Span::new(self.base + start, self.base + end)
    }

    /// From an offset to the end of a body, or of what follows it.
    pub fn span_to_tail(&self, start: u32, body: &RuleBody, tail: &Tail) -> Span {
        let next = match tail {
            Tail::None => None,
            Tail::Else(branch) => Some(branch.span),
            Tail::Chain(bodies) => bodies.last().map(|last| last.span),
        };
        let end = next.unwrap_or(body.span).end;
        Span::new(self.base + start, end)
    }

    /// From an offset to the end of a body, or of the branch that follows it.
    pub fn span_to_else(&self, start: u32, body: &RuleBody, branch: Option<&Else>) -> Span {
        let end = branch.map_or(body.span, |branch| branch.span).end;
        Span::new(self.base + start, end)
    }

    /// A term between two offsets.
    pub fn term(&self, kind: TermKind, start: u32, end: u32) -> Term {
        Term::new(kind, self.span(start, end))
    }

    /// A scalar between two offsets.
    pub fn scalar(&self, kind: TermKind, start: u32, end: u32) -> Term {
        self.term(kind, start, end)
    }

    /// A number, which must not have leading zeros nor an exponent beyond reason.
    pub fn numeral(&self, text: Name, start: u32, end: u32) -> Term {
        if !is_number(&text) {
            self.refuse();
        }
        self.term(TermKind::Number(text), start, end)
    }

    /// Marks that a term is complete: `input` and `data` alone are references.
    pub fn finish(&self, term: Term) -> Term {
        match &term.kind {
            TermKind::Var(name) if &**name == "input" || &**name == "data" => {
                let (span, text) = (term.span, term.text);
                Term::with_text(TermKind::Ref(vec![term]), span, text)
            }
            _ => term,
        }
    }

    /// The head of a reference.
    pub fn head(&self, term: Term) -> Term {
        match term.kind {
            TermKind::Var(_)
            | TermKind::Array(_)
            | TermKind::Object(_)
            | TermKind::Set(_)
            | TermKind::ArrayComprehension(_)
            | TermKind::ObjectComprehension(_)
            | TermKind::SetComprehension(_)
            | TermKind::Call(_) => {}
            _ => self.refuse(),
        }
        let (span, text) = (term.span, term.text);
        Term::with_text(TermKind::Ref(vec![term]), span, text)
    }

    fn extend(&self, mut base: Term, step: Term, end: u32) -> Term {
        let span = Span::new(base.span.start, end);
        let text = Span::new(base.text.start, end);
        match &mut base.kind {
            TermKind::Ref(path) => {
                path.push(step);
                base.span = span;
                base.text = text;
                base
            }
            _ => Term::with_text(TermKind::Ref(vec![base, step]), span, text),
        }
    }

    /// `(t)`
    pub fn parentheses(&self, mut term: Term, start: u32, end: u32) -> Term {
        term.text = self.span(start, end);
        if let TermKind::Ref(path) = &mut term.kind
            && let [only] = &mut path[..]
        {
            only.text = term.text;
        }
        term
    }

    /// `t.name`
    pub fn field(&self, base: Term, name: Name, span: Span) -> Term {
        self.extend(base, Term::string(name, span), span.end)
    }

    /// `t[index]`
    pub fn index(&self, base: Term, index: Term, end: u32) -> Term {
        self.extend(base, index, self.base + end)
    }

    /// `t(arguments)`
    pub fn call(&self, operator: Term, mut arguments: Vec<Term>, end: u32) -> Term {
        let span = Span::new(operator.span.start, self.base + end);
        let text = Span::new(operator.text.start, self.base + end);
        let TermKind::Ref(path) = &operator.kind else {
            // A call of the result of a call.
            self.refuse();
            return operator;
        };
        if arguments.is_empty() && matches!(&path[..], [head] if is_var(head, "set")) {
            return Term::with_text(TermKind::Set(Vec::new()), span, text);
        }
        arguments.insert(0, operator);
        Term::with_text(TermKind::Call(arguments), span, text)
    }

    /// `-x`
    pub fn negate(&self, term: Term, start: u32) -> Term {
        let sign = self.span(start, start + 1);
        let end = term.text.end;
        let zero = Term::new(TermKind::Number("0".into()), sign);
        Term::new(
            TermKind::Call(vec![operator("minus", Span::NONE), zero, term]),
            Span::new(sign.start, end),
        )
    }

    /// `x op y`
    pub fn infix(&self, name: &str, lhs: Term, rhs: Term, place: Span) -> Term {
        infix_call(operator(name, place), vec![lhs, rhs])
    }

    /// `x in xs`
    pub fn member(&self, value: Term, domain: Term, place: Span) -> Term {
        infix_call(member_operator("member_2", place), vec![value, domain])
    }

    /// `k, v in xs`
    pub fn member_with_key(&self, key: Term, value: Term, domain: Term, place: Span) -> Term {
        let operator = member_operator("member_3", place);
        infix_call(operator, vec![key, value, domain])
    }

    /// `[t | body]`
    pub fn array_comprehension(&self, term: Term, body: Body, start: u32, end: u32) -> Term {
        let inner = Box::new(Comprehension { term, body });
        self.term(TermKind::ArrayComprehension(inner), start, end)
    }

    /// `{t | body}`
    pub fn set_comprehension(&self, term: Term, body: Body, start: u32, end: u32) -> Term {
        let inner = Box::new(Comprehension { term, body });
        self.term(TermKind::SetComprehension(inner), start, end)
    }

    /// `{k: v | body}`
    pub fn object_comprehension(
        &self,
        key: Term,
        value: Term,
        body: Body,
        start: u32,
        end: u32,
    ) -> Term {
        let inner = Box::new(ObjectComprehension { key, value, body });
        self.term(TermKind::ObjectComprehension(inner), start, end)
    }

    /// A template string: one more text than holes, in turns.
    pub fn template(
        &self,
        texts: Vec<(Name, Span)>,
        holes: Vec<Expr>,
        multi_line: bool,
        start: u32,
        end: u32,
    ) -> Term {
        let mut parts = Vec::with_capacity(texts.len() + holes.len());
        let mut holes = holes.into_iter();
        for (text, span) in texts {
            if !text.is_empty() {
                parts.push(TemplatePart::Text(Term::string(text, span)));
            }
            if let Some(hole) = holes.next() {
                parts.push(self.hole(hole, span));
            }
        }
        let template = Box::new(TemplateString { parts, multi_line });
        self.term(TermKind::Template(template), start, end)
    }

    fn hole(&self, hole: Expr, before: Span) -> TemplatePart {
        let refused = hole.negated
            || match &hole.kind {
                ExprKind::Some(_) | ExprKind::Every(_) => true,
                ExprKind::Call(terms) => terms.first().is_some_and(|operator| {
                    matches!(&operator.kind, TermKind::Ref(path)
                        if matches!(&path[..], [head] if is_var(head, "eq") || is_var(head, "assign")))
                }),
                _ => false,
            };
        if refused {
            self.refuse();
        }
        let comment = self.comments.iter().any(|(start, _)| {
            before.end <= self.base + start && self.base + start < hole.span.start
        });
        template_part(hole, comment)
    }

    /// `with target as value`
    pub fn with(&self, target: Term, value: Term, span: Span) -> With {
        if !matches!(target.kind, TermKind::Ref(_) | TermKind::Var(_)) {
            self.refuse();
        }
        With {
            target,
            value,
            span,
        }
    }

    /// An expression without `not`.
    pub fn operand(&self, equation: Equation, span: Span) -> Operand {
        let body = vec![Expr::new(equation_kind(equation), span)];
        Operand {
            body,
            explicit: false,
            group: false,
            span,
        }
    }

    /// `not x` in its classic form.
    pub fn negated(&self, equation: Equation, span: Span) -> Operand {
        let mut operand = self.operand(equation, span);
        for expr in &mut operand.body {
            expr.negated = true;
        }
        operand
    }

    /// `not x` in its new form.
    pub fn not(&self, inner: Operand, span: Span) -> Operand {
        let not = Not {
            body: inner.body,
            explicit: inner.explicit,
            span,
        };
        let body = vec![Expr::new(ExprKind::Not(Box::new(not)), span)];
        Operand {
            body,
            explicit: false,
            group: false,
            span,
        }
    }

    /// Braces around an operand. A plain union in them could be a comprehension as well.
    pub fn braces(&self, body: Body, span: Span) -> Operand {
        if let Some(Expr {
            kind: ExprKind::Call(terms),
            span: place,
            ..
        }) = body.first()
            && let Some(operator) = terms.first()
            && operator.span.end == operator.span.start + 1
            && crate::print::infix_symbol(operator) == Some("|")
            && self.text.as_bytes().get((place.start - self.base) as usize) != Some(&b'(')
        {
            self.refuse();
        }
        Operand {
            body,
            explicit: true,
            group: false,
            span,
        }
    }

    /// Parentheses around operands.
    pub fn group(&self, expr: Expr, span: Span) -> Operand {
        if matches!(expr.kind, ExprKind::Some(_) | ExprKind::Every(_)) {
            self.refuse();
        }
        Operand {
            body: vec![expr],
            explicit: false,
            group: true,
            span,
        }
    }

    /// `x and y`, `x or y`
    pub fn logical(&self, and: bool, lhs: Operand, rhs: Operand) -> Operand {
        let span = Span::new(lhs.span.start, rhs.span.end);
        if void_calls(&lhs.body).is_some() || void_calls(&rhs.body).is_some() {
            self.refuse();
        }
        // A brace at the start of an operand opens a body, never a value.
        if !lhs.explicit
            && !lhs.group
            && let [expr] = &lhs.body[..]
            && !expr.negated
            && !matches!(
                expr.kind,
                ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_)
            )
            && self
                .text
                .as_bytes()
                .get((lhs.span.start - self.base) as usize)
                == Some(&b'{')
        {
            self.refuse();
        }
        let logical = Box::new(Logical {
            lhs: lhs.body,
            rhs: rhs.body,
            explicit_lhs: lhs.explicit,
            explicit_rhs: rhs.explicit,
            span,
        });
        let kind = if and {
            ExprKind::And(logical)
        } else {
            ExprKind::Or(logical)
        };
        Operand {
            body: vec![Expr::new(kind, span)],
            explicit: false,
            group: false,
            span,
        }
    }

    /// An expression of a body. The span is without `with`.
    pub fn literal(&self, mut operand: Operand, with: Vec<With>, span: Span) -> Expr {
        let span = with.last().map_or(span, |last| span.to(last.span));
        let whole = operand.body.len() == 1 && !operand.explicit;
        let Some(mut expr) = operand.body.pop() else {
            self.refuse();
            return Expr::new(ExprKind::Some(Vec::new()), span);
        };
        let logical = expr.negated
            || matches!(
                expr.kind,
                ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_)
            );
        if !whole || operand.group && !logical {
            self.refuse();
        }
        if !with.is_empty() {
            expr.with = with;
        }
        expr.span = span;
        if let ExprKind::Not(not) = &mut expr.kind
            && !not.explicit
        {
            for inner in &mut not.body {
                inner.span = span;
            }
        }
        expr
    }

    /// `some x, y` and `some x in xs`; the span is without `with`.
    pub fn some(&self, terms: Vec<Term>, with: Vec<With>, span: Span) -> Expr {
        let span = with.last().map_or(span, |last| span.to(last.span));
        let fits = match &terms[..] {
            [
                Term {
                    kind: TermKind::Call(call),
                    ..
                },
            ] => is_membership(call).is_some(),
            names => with.is_empty() && names.iter().all(is_declarable),
        };
        if !fits {
            self.refuse();
        }
        let mut symbols = terms;
        for symbol in &mut symbols {
            // `some input` declares a variable.
            if let TermKind::Ref(path) = &mut symbol.kind
                && path.len() == 1
                && let Some(var) = path.pop()
            {
                *symbol = var;
            }
        }
        let mut expr = Expr::new(ExprKind::Some(symbols), span);
        expr.with = with;
        expr
    }

    /// `every k, v in xs { .. }`; the span is without `with`.
    pub fn every(&self, header: Term, body: Body, with: Vec<With>, span: Span) -> Expr {
        let span = with.last().map_or(span, |last| span.to(last.span));
        let mut every = Every {
            key: None,
            value: header,
            domain: missing(),
            body,
            span,
        };
        let header = std::mem::replace(&mut every.value, missing());
        let fits = match header.kind {
            TermKind::Call(call) => match is_membership(&call) {
                Some(keyed) => {
                    let mut operands = call.into_iter().skip(1);
                    if keyed {
                        every.key = operands.next();
                    }
                    every.value = operands.next().unwrap_or_else(missing);
                    every.domain = operands.next().unwrap_or_else(missing);
                    every.value.as_var().is_some()
                        && every.key.as_ref().is_none_or(|key| key.as_var().is_some())
                }
                None => false,
            },
            _ => false,
        };
        if !fits {
            self.refuse();
        }
        let mut expr = Expr::new(ExprKind::Every(Box::new(every)), span);
        expr.with = with;
        expr
    }
}

/// A hole as a part: scalars need no evaluation, unless a comment stands before them.
pub(crate) fn template_part(mut hole: Expr, comment: bool) -> TemplatePart {
    hole.index = 0;
    match hole.kind {
        ExprKind::Term(
            term @ Term {
                kind:
                    TermKind::Null | TermKind::Boolean(_) | TermKind::Number(_) | TermKind::String(_),
                ..
            },
        ) if !comment => TemplatePart::Text(term),
        _ => TemplatePart::Expr(Box::new(hole)),
    }
}

/// A call whose operator stands between its operands.
pub(crate) fn infix_call(operator: Term, mut operands: Vec<Term>) -> Term {
    let (mut span, mut text) = (operator.span, operator.text);
    if let [first, .., last] = &operands[..] {
        span = Span::new(first.span.start, last.text.end);
        text = Span::new(first.text.start, last.text.end);
    }
    operands.insert(0, operator);
    Term::with_text(TermKind::Call(operands), span, text)
}

fn missing() -> Term {
    Term::new(TermKind::Null, Span::NONE)
}

fn is_var(term: &Term, name: &str) -> bool {
    term.as_var().is_some_and(|var| &**var == name)
}

/// `some x` declares variables only.
fn is_declarable(term: &Term) -> bool {
    match &term.kind {
        TermKind::Var(_) => true,
        TermKind::Ref(path) => path.len() == 1,
        _ => false,
    }
}

/// Whether a call is `v in xs` (false) or `k, v in xs` (true).
fn is_membership(call: &[Term]) -> Option<bool> {
    let TermKind::Ref(path) = &call.first()?.kind else {
        return None;
    };
    let [head, name] = &path[..] else { return None };
    if !is_var(head, "internal") {
        return None;
    }
    match (name.as_str()?, call.len()) {
        ("member_2", 3) => Some(false),
        ("member_3", 4) => Some(true),
        _ => None,
    }
}

/// The operator of a call.
pub fn operator(name: &str, place: Span) -> Term {
    Term::new(TermKind::Ref(vec![Term::var(name, place)]), place)
}

fn member_operator(name: &str, place: Span) -> Term {
    let path: Ref = vec![Term::var("internal", place), Term::string(name, place)];
    Term::new(TermKind::Ref(path), place)
}

fn equation_kind(equation: Equation) -> ExprKind {
    match equation.rhs {
        Some((assign, place, rhs)) => {
            let name = if assign { "assign" } else { "eq" };
            ExprKind::Call(vec![operator(name, place), equation.lhs, rhs])
        }
        None => match equation.lhs.kind {
            TermKind::Call(terms) => ExprKind::Call(terms),
            kind => ExprKind::Term(Term::with_text(kind, equation.lhs.span, equation.lhs.text)),
        },
    }
}

/// Whether OPA takes the text of a number: no leading zeros, a binary exponent that fits.
pub fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    !(digits.len() > 1
        && digits[0] == b'0'
        && digits[1] != b'.'
        && !(digits.len() > 2 && (digits[1] | 0x20) == b'e'))
        && !is_too_big(text)
}

/// Whether the binary exponent of a number is beyond what OPA calculates with.
pub fn is_too_big(text: &str) -> bool {
    let Some(at) = text.bytes().position(|byte| byte | 0x20 == b'e') else {
        // Digits alone would have to be hundreds of thousands.
        return text.len() as f64 * std::f64::consts::LOG2_10 > MAX_BINARY_EXPONENT
            && decimal_exponent(text, 0) * std::f64::consts::LOG2_10 > MAX_BINARY_EXPONENT;
    };
    let mantissa = &text[..at];
    if mantissa.bytes().all(|byte| !(b'1'..=b'9').contains(&byte)) {
        return false;
    }
    let Ok(exponent) = text[at + 1..].parse::<i64>() else {
        return true;
    };
    let exponent = exponent.clamp(-1_000_000_000, 1_000_000_000);
    let binary = decimal_exponent(mantissa, exponent) * std::f64::consts::LOG2_10;
    !(-MAX_BINARY_EXPONENT..=MAX_BINARY_EXPONENT).contains(&binary)
}

const MAX_BINARY_EXPONENT: f64 = 100_000.0;

/// The decimal logarithm of a number, near enough.
fn decimal_exponent(mantissa: &str, exponent: i64) -> f64 {
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches('0');
    let (digits, place) = if whole.is_empty() {
        let trimmed = fraction.trim_start_matches('0');
        (trimmed, -((fraction.len() - trimmed.len()) as i64))
    } else {
        (whole, whole.len() as i64)
    };
    let lead: String = digits.chars().take(15).collect();
    let scale = lead.len() as i32;
    let lead: f64 = lead.parse().unwrap_or(1.0);
    lead.log10() - f64::from(scale) + (place + exponent) as f64
}
