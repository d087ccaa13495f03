//! Attempts to read terms.

use regovm_core::Span;

use super::cursor::Tok;
use super::{Keyword, Reader};
use crate::ast::{
    Comprehension, Name, ObjectComprehension, TemplatePart, TemplateString, Term, TermKind,
};
use crate::lexer::strings::{template_text, unescape};
use crate::lower;
use crate::shape::value_name;

/// Operators from the loosest to the tightest, `in` aside.
const LEVELS: [&[Tok]; 5] = [
    &[Tok::Equal, Tok::Neq, Tok::Lt, Tok::Gt, Tok::Lte, Tok::Gte],
    &[Tok::Or],
    &[Tok::And],
    &[Tok::Plus, Tok::Minus],
    &[Tok::Mul, Tok::Div, Tok::Rem],
];

impl Reader<'_> {
    /// A term with operators, `k, v in xs` included.
    pub(super) fn expression(&mut self) -> Option<Term> {
        self.membership(true)
    }

    /// A term with operators between commas.
    pub(super) fn element(&mut self) -> Option<Term> {
        self.membership(false)
    }

    fn membership(&mut self, keyed: bool) -> Option<Term> {
        let mut lhs = self.operation(0)?;
        loop {
            if keyed && self.tok() == Tok::Comma {
                let before = self.save();
                self.c.scan();
                if let Some(middle) = self.operation(0)
                    && self.is(Keyword::In)
                {
                    let place = self.c.span();
                    self.c.scan();
                    if let Some(rhs) = self.operation(0) {
                        let operator = member("member_3", place);
                        lhs = lower::infix_call(vec![operator, lhs, middle, rhs]);
                        if self.is(Keyword::In) {
                            continue;
                        }
                        return Some(lhs);
                    }
                }
                self.restore(before);
            }
            self.keyword_as_name();
            if !self.is(Keyword::In) {
                return Some(lhs);
            }
            let place = self.c.span();
            self.c.scan();
            let Some(rhs) = self.operation(0) else {
                return Some(lhs);
            };
            lhs = lower::infix_call(vec![member("member_2", place), lhs, rhs]);
            if !self.is(Keyword::In) {
                return Some(lhs);
            }
        }
    }

    /// Terms joined by operators of a level and tighter ones.
    fn operation(&mut self, level: usize) -> Option<Term> {
        let mut lhs = self.term()?;
        // Operators tighter than the last one belong to its right side.
        let mut tightest = LEVELS.len();
        while let Some(found) =
            (level..LEVELS.len()).find(|at| *at <= tightest && LEVELS[*at].contains(&self.tok()))
        {
            let operator = lower::operator(self.tok().name(), self.c.span());
            self.c.scan();
            match self.operation(found + 1) {
                Some(rhs) => {
                    lhs = lower::infix_call(vec![operator, lhs, rhs]);
                    tightest = found;
                }
                // A missing right side is a complaint, yet the left side stands, and a looser
                // operator may go on from there.
                None => match found.checked_sub(1) {
                    Some(looser) => tightest = looser,
                    None => return Some(lhs),
                },
            }
        }
        Some(lhs)
    }

    fn spanned(&self, kind: TermKind, start: u32) -> Term {
        Term::new(
            kind,
            Span::new(start, self.c.base + self.c.s.last_end as u32),
        )
    }

    /// A term without operators.
    pub(super) fn term(&mut self) -> Option<Term> {
        let at = self.c.s.start;
        if let Some(known) = self.known.get(at) {
            let (term, after) = (known.term.clone(), known.after.clone());
            self.restore(after);
            return term;
        }
        self.enter()?;
        let term = self.new_term();
        self.depth -= 1;
        self.remember(at, term.as_ref());
        term
    }

    #[inline(never)]
    fn remember(&mut self, at: usize, term: Option<&Term>) {
        let after = self.save();
        self.known.add(at, term.cloned(), after);
    }

    fn new_term(&mut self) -> Option<Term> {
        let place = self.c.span();
        let signed = self.tok() == Tok::Minus;
        let head = match self.tok() {
            Tok::LBracket => self.array(),
            Tok::LBrace => self.braces(),
            Tok::LParen => self.parentheses(),
            Tok::Template(_, raw) => self.template(raw),
            _ => self.simple(),
        };
        let head = head?;
        let negated = signed && matches!(head.kind, TermKind::Var(_));
        let term = self.finish(head)?;
        Some(if negated {
            self.negation(term, place)
        } else {
            term
        })
    }

    #[inline(never)]
    fn negation(&self, term: Term, place: Span) -> Term {
        let sign = Span::new(place.start, place.start + 1);
        let zero = Term::new(TermKind::Number("0".into()), sign);
        let minus = lower::operator("minus", Span::NONE);
        self.spanned(TermKind::Call(vec![minus, zero, term]), place.start)
    }

    fn parentheses(&mut self) -> Option<Term> {
        let start = self.c.span().start;
        self.c.scan();
        let mut inner = self.expression()?;
        if self.tok() == Tok::RParen {
            inner.text = Span::new(start, self.c.span().end);
            return Some(inner);
        }
        let span = self.c.span();
        self.c.fault(span, "non-terminated expression");
        None
    }

    /// A term without parts.
    #[inline(never)]
    fn simple(&mut self) -> Option<Term> {
        if (self.is(Keyword::And) || self.is(Keyword::Or)) && self.next_glued() == Tok::LParen {
            self.c.s.tok = Tok::Ident;
        }
        let place = self.c.span();
        match self.tok() {
            Tok::Key(Keyword::Null) => Some(Term::new(TermKind::Null, place)),
            Tok::Key(Keyword::True) => Some(Term::new(TermKind::Boolean(true), place)),
            Tok::Key(Keyword::False) => Some(Term::new(TermKind::Boolean(false), place)),
            Tok::Minus => {
                let before = self.save();
                self.c.scan();
                if matches!(self.tok(), Tok::Ident | Tok::Key(Keyword::Contains)) {
                    return Some(self.variable());
                }
                self.restore(before);
                self.number()
            }
            Tok::Dot | Tok::Number => self.number(),
            Tok::String => self.string(),
            Tok::Ident | Tok::Key(Keyword::Contains) => Some(self.variable()),
            _ => {
                self.c.illegal("");
                None
            }
        }
    }

    fn finish(&mut self, head: Term) -> Option<Term> {
        self.c.scan_space();
        match self.tok() {
            Tok::LParen | Tok::Dot | Tok::LBracket => return self.path(head),
            Tok::Whitespace => self.c.scan(),
            _ => {}
        }
        Some(alone(head))
    }

    /// The name in the head of a rule, which operators may not follow directly.
    pub(super) fn head_name(&mut self, head: Term) -> Option<Term> {
        self.c.scan_space();
        match self.tok() {
            Tok::Plus
            | Tok::Minus
            | Tok::Mul
            | Tok::Div
            | Tok::Rem
            | Tok::And
            | Tok::Or
            | Tok::Equal
            | Tok::Neq
            | Tok::Gt
            | Tok::Gte
            | Tok::Lt
            | Tok::Lte => self.c.illegal(""),
            // What follows after spaces is read as if it stood there directly.
            Tok::Whitespace => self.c.scan(),
            _ => {}
        }
        match self.tok() {
            Tok::LParen | Tok::Dot | Tok::LBracket => self.path(head),
            _ => Some(alone(head)),
        }
    }

    /// A variable. Wildcards only have to differ, and to be in order: [`crate::wildcards`] numbers those that are shown.
    pub(super) fn variable(&mut self) -> Term {
        let name: Name = match self.c.word() {
            "_" => format!("$p{}", self.c.s.start).into(),
            // OPA keeps the text of words only; `&` and `|` get here as `and` and `or`.
            "&" | "|" => "".into(),
            word => word.into(),
        };
        Term::var(name, self.c.span())
    }

    fn number(&mut self) -> Option<Term> {
        let place = self.c.span();
        let mut prefix = String::new();
        if self.tok() == Tok::Minus {
            prefix.push('-');
            self.c.scan();
            if !matches!(self.tok(), Tok::Number | Tok::Dot) {
                self.c.illegal("expected number");
                return None;
            }
        }
        if self.tok() == Tok::Dot {
            prefix.push('.');
            self.c.scan();
            if self.tok() != Tok::Number {
                self.c.illegal("expected number");
                return None;
            }
        }
        let word = self.c.word();
        let bytes = word.as_bytes();
        if !prefix.ends_with('.') && bytes.len() > 1 && bytes[0] == b'0' {
            let fraction = bytes[1] == b'.';
            let scientific = bytes.len() > 2 && (bytes[1] | 0x20) == b'e';
            if !fraction && !scientific {
                self.c.illegal("expected number without leading zero");
                return None;
            }
        }
        let text = format!("{prefix}{word}");
        if prefix.ends_with('.') && word.contains('.') {
            self.c.illegal("invalid float");
            return None;
        }
        if lower::is_too_big(&text) {
            let span = self.c.span();
            self.c.fault(span, "number too big");
            return None;
        }
        Some(self.closed(TermKind::Number(text.into()), place.start))
    }

    fn string(&mut self) -> Option<Term> {
        let word = self.c.word();
        let place = self.c.span();
        if word.len() < 2 {
            return None;
        }
        let inner = &word[1..word.len() - 1];
        if word.starts_with('`') || !inner.contains('\\') {
            return Some(Term::string(inner, place));
        }
        match unescape(inner) {
            Some(text) => Some(Term::string(text, place)),
            None => {
                self.c
                    .fault(place, format!("illegal string literal: {word}"));
                None
            }
        }
    }

    fn template(&mut self, raw: bool) -> Option<Term> {
        let place = self.c.span();
        if self.options.version != crate::ast::RegoVersion::V1 {
            self.c.fault(
                place,
                "template strings are not supported by current capabilities",
            );
            return None;
        }
        let mut parts = Vec::new();
        let mut first = true;
        loop {
            let span = self.c.span();
            let Tok::Template(last, _) = self.tok() else {
                self.c.fault(span, "expected template-string part");
                return None;
            };
            let word = self.c.word();
            // A continuation starts after the `}` of its hole, the beginning has `$` and a quote.
            let skip = if first { 2 } else { 0 };
            let inner = word.get(skip..word.len().saturating_sub(1)).unwrap_or("");
            match template_text(inner, raw) {
                Some(text) if text.is_empty() => {}
                Some(text) => parts.push(TemplatePart::Text(Term::string(text, span))),
                None => {
                    let shown = if first {
                        word[1..].to_string()
                    } else {
                        format!("}}{word}")
                    };
                    self.c
                        .fault(span, format!("illegal template-string part: {shown}"));
                    return None;
                }
            }
            if last {
                break;
            }
            first = false;
            self.c.scan();
            let Some(hole) = self.literal() else {
                let span = self.c.span();
                self.c.fault(span, "invalid template-string expression");
                return None;
            };
            if let Some(message) = refused_hole(&hole) {
                self.c.fault(hole.span, message);
                return None;
            }
            parts.push(lower::template_part(hole, false));
            if self.tok() != Tok::RBrace {
                let span = self.c.span();
                self.c
                    .fault(span, "expected } to end template string expression");
                return None;
            }
            self.c.scan_template(raw);
        }
        let template = Box::new(TemplateString {
            parts,
            multi_line: raw,
        });
        Some(self.closed(TermKind::Template(template), place.start))
    }

    /// What follows a term directly: names, indexes, arguments.
    fn path(&mut self, head: Term) -> Option<Term> {
        let place = head.span;
        self.new_path(head, place)
    }

    fn new_path(&mut self, head: Term, place: Span) -> Option<Term> {
        let mut head = head;
        loop {
            match &head.kind {
                TermKind::Var(_)
                | TermKind::Array(_)
                | TermKind::Object(_)
                | TermKind::Set(_)
                | TermKind::ArrayComprehension(_)
                | TermKind::ObjectComprehension(_)
                | TermKind::SetComprehension(_)
                | TermKind::Call(_) => {}
                kind => {
                    let message = format!("illegal ref (head cannot be {})", value_name(kind));
                    self.c.fault(place, message);
                }
            }
            let mut path = vec![head];
            loop {
                match self.tok() {
                    Tok::Dot => {
                        self.c.scan_space();
                        if self.tok() != Tok::Ident && !self.may_be_name(self.tok()) {
                            self.c.illegal("expected identifier");
                            return None;
                        }
                        path.push(Term::string(self.c.word(), self.c.span()));
                        self.c.scan_space();
                    }
                    Tok::LParen => break,
                    Tok::LBracket => {
                        self.c.scan();
                        let index = self.expression()?;
                        if self.tok() != Tok::RBracket {
                            self.c.illegal("expected [");
                            return None;
                        }
                        path.push(index);
                        self.c.scan_space();
                    }
                    other => {
                        if other == Tok::Whitespace {
                            self.c.scan();
                        }
                        let start = path.first().map_or(place, |head| head.text).start;
                        let mut term = self.spanned(TermKind::Ref(path), place.start);
                        term.text.start = start;
                        return Some(term);
                    }
                }
            }
            let operator = Term::new(TermKind::Ref(path), place);
            let call = self.call(operator)?;
            match self.tok() {
                // The result of the call is the head of what follows.
                Tok::Dot | Tok::LBracket => head = call,
                Tok::Whitespace => {
                    self.c.scan();
                    return Some(call);
                }
                _ => return Some(call),
            }
        }
    }

    fn call(&mut self, operator: Term) -> Option<Term> {
        let place = operator.span;
        self.c.scan();
        if self.tok() == Tok::RParen {
            self.c.scan_space();
            let set = matches!(&operator.kind, TermKind::Ref(path)
                if matches!(&path[..], [head] if head.as_var().is_some_and(|n| &**n == "set")));
            let kind = if set {
                TermKind::Set(Vec::new())
            } else {
                TermKind::Call(vec![operator])
            };
            return Some(self.spanned(kind, place.start));
        }
        let terms = self.list(Tok::RParen, vec![operator])?;
        self.c.scan_space();
        Some(self.spanned(TermKind::Call(terms), place.start))
    }

    /// Terms up to a closing bracket, at which reading stops.
    fn list(&mut self, end: Tok, mut terms: Vec<Term>) -> Option<Vec<Term>> {
        if self.tok() == end {
            return Some(terms);
        }
        loop {
            terms.push(self.element()?);
            if self.tok() == Tok::Comma {
                self.c.scan();
            } else if self.tok() != end {
                self.expected_comma(end);
                return None;
            }
            if self.tok() == end {
                return Some(terms);
            }
        }
    }

    fn expected_comma(&mut self, end: Tok) {
        self.c
            .illegal(&format!("expected \",\" or \"{}\"", end.name()));
    }

    fn array(&mut self) -> Option<Term> {
        let start = self.c.base + self.c.s.start as u32;
        self.c.scan();
        if self.tok() == Tok::RBracket {
            return Some(self.closed(TermKind::Array(Vec::new()), start));
        }
        let mut comprehension = true;
        if self.tok() == Tok::Comma {
            comprehension = false;
            self.c.scan();
        }
        let before = self.save();
        let head = self.term()?;
        match self.tok() {
            Tok::RBracket => return Some(self.closed(TermKind::Array(vec![head]), start)),
            Tok::Comma => {
                self.c.scan();
                let terms = self.list(Tok::RBracket, vec![head])?;
                return Some(self.closed(TermKind::Array(terms), start));
            }
            Tok::Or if comprehension => {
                self.c.scan();
                if let Some(body) = self.body(Tok::RBracket) {
                    let inner = Box::new(Comprehension { term: head, body });
                    return Some(self.closed(TermKind::ArrayComprehension(inner), start));
                }
                if self.tok() != Tok::Comma {
                    return None;
                }
            }
            _ => {}
        }
        self.restore(before);
        let terms = self.list(Tok::RBracket, Vec::new())?;
        Some(self.closed(TermKind::Array(terms), start))
    }

    fn closed(&self, kind: TermKind, start: u32) -> Term {
        Term::new(kind, Span::new(start, self.c.base + self.c.s.end as u32))
    }

    fn braces(&mut self) -> Option<Term> {
        let start = self.c.base + self.c.s.start as u32;
        self.c.scan();
        if self.tok() == Tok::RBrace {
            return Some(self.closed(TermKind::Object(Vec::new()), start));
        }
        let mut comprehension = true;
        if self.tok() == Tok::Comma {
            comprehension = false;
            self.c.scan();
        }
        let before = self.save();
        let head = self.term()?;
        let kind = match self.tok() {
            Tok::Or if comprehension => {
                self.c.scan();
                match self.body(Tok::RBrace) {
                    Some(body) => {
                        let inner = Box::new(Comprehension { term: head, body });
                        TermKind::SetComprehension(inner)
                    }
                    None if self.tok() != Tok::Comma => return None,
                    None => {
                        self.restore(before);
                        TermKind::Set(self.list(Tok::RBrace, Vec::new())?)
                    }
                }
            }
            Tok::RBrace | Tok::Comma => self.set(head)?,
            Tok::Colon => self.object(head, comprehension)?,
            _ => {
                self.restore(before);
                let head = self.element()?;
                match self.tok() {
                    Tok::RBrace | Tok::Comma => self.set(head)?,
                    Tok::Colon => self.object(head, comprehension)?,
                    _ => {
                        self.c.illegal("non-terminated set");
                        return None;
                    }
                }
            }
        };
        Some(self.closed(kind, start))
    }

    fn set(&mut self, head: Term) -> Option<TermKind> {
        if self.tok() == Tok::RBrace {
            return Some(TermKind::Set(vec![head]));
        }
        self.c.scan();
        Some(TermKind::Set(self.list(Tok::RBrace, vec![head])?))
    }

    /// The rest of an object whose first key was read.
    fn object(&mut self, key: Term, comprehension: bool) -> Option<TermKind> {
        self.c.scan();
        let before = self.save();
        let value = self.term()?;
        if comprehension {
            match self.tok() {
                Tok::RBrace | Tok::Comma => return self.members(key, value),
                Tok::Or => {
                    self.c.scan();
                    if let Some(body) = self.body(Tok::RBrace) {
                        let inner = Box::new(ObjectComprehension { key, value, body });
                        return Some(TermKind::ObjectComprehension(inner));
                    }
                }
                _ => {}
            }
        }
        self.restore(before);
        let value = self.element()?;
        match self.tok() {
            Tok::RBrace | Tok::Comma => self.members(key, value),
            _ => {
                self.c.illegal("non-terminated object");
                None
            }
        }
    }

    fn members(&mut self, key: Term, value: Term) -> Option<TermKind> {
        let mut members = vec![(key, value)];
        loop {
            if self.tok() == Tok::Comma {
                self.c.scan();
            } else if self.tok() != Tok::RBrace {
                self.expected_comma(Tok::RBrace);
                return None;
            }
            if self.tok() == Tok::RBrace {
                return Some(TermKind::Object(members));
            }
            let key = self.element()?;
            if self.tok() != Tok::Colon {
                self.c.illegal("expected \":\"");
                return None;
            }
            self.c.scan();
            let value = self.element()?;
            members.push((key, value));
        }
    }
}

/// `input` and `data` alone are references.
fn alone(head: Term) -> Term {
    match &head.kind {
        TermKind::Var(name) if matches!(&**name, "input" | "data") => {
            let (span, text) = (head.span, head.text);
            Term::with_text(TermKind::Ref(vec![head]), span, text)
        }
        _ => head,
    }
}

fn member(name: &str, place: Span) -> Term {
    let path = vec![Term::var("internal", place), Term::string(name, place)];
    Term::new(TermKind::Ref(path), place)
}

/// Why an expression may not stand in a template string.
fn refused_hole(hole: &crate::ast::Expr) -> Option<&'static str> {
    use crate::ast::ExprKind;
    if hole.negated {
        return Some("unexpected negation ('not') in template-string expression");
    }
    match &hole.kind {
        ExprKind::Call(terms) => match terms.first().and_then(crate::print::infix_symbol) {
            Some("=") => Some("unexpected unification ('=') in template-string expression"),
            Some(":=") => Some("unexpected assignment (':=') in template-string expression"),
            _ => None,
        },
        ExprKind::Every(_) => Some("unexpected 'every' in template-string expression"),
        ExprKind::Some(_) => Some("unexpected 'some' in template-string expression"),
        _ => None,
    }
}
