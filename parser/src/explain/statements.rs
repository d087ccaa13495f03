//! Attempts to read the statements of a module.

use regovm_core::Span;

use super::cursor::Tok;
use super::{Keyword, Reader};
use crate::ast::{ExprKind, Name, RegoVersion, Term, TermKind};
use crate::lexer::keyword::{FUTURE_V0, FUTURE_V1};
use crate::lower::is_version_keyword;
use crate::lower::tree::{Else, Equation, RuleBody, Statement, Tail};
use crate::print;
use crate::shape::{default_dependencies, is_ground, value_name};

/// The head of a rule, as far as complaints need it.
struct HeadShape {
    /// The term that it was read from.
    term: Term,
    reference: Vec<Term>,
    args: Vec<Term>,
    /// OPA takes the last step of the reference for a key.
    key: bool,
    /// That step is no part of the reference any more.
    shortened: bool,
    /// With `:=`, the place of the operator, the value.
    value: Option<(bool, Span, Term)>,
    contains: Option<Term>,
}

impl HeadShape {
    fn equation(self) -> Equation {
        Equation {
            lhs: self.term,
            rhs: self.value,
        }
    }
}

impl Reader<'_> {
    /// Reads statements until one cannot be read.
    pub(super) fn statements(&mut self, query: bool) -> Vec<Statement> {
        let mut list = Vec::new();
        self.c.scan();
        while self.tok() != Tok::Eof {
            match self.statement(query) {
                Some(statement) => list.push(statement),
                None => break,
            }
        }
        list
    }

    fn statement(&mut self, query: bool) -> Option<Statement> {
        if !query && self.keyword_rule_name(false) {
            return None;
        }
        let start = self.c.s.start;
        if self.is(Keyword::Package) {
            let before = self.save();
            if let Some(path) = self.package() {
                if self.tok() == Tok::Minus {
                    self.c.illegal("");
                    return None;
                }
                return Some(Statement::Package {
                    path,
                    span: self.since(start),
                });
            }
            if self.failed() {
                return None;
            }
            self.restore(before);
        }
        if self.is(Keyword::Import) {
            let before = self.save();
            if let Some((path, alias)) = self.import() {
                if self.tok() == Tok::Minus {
                    self.c.illegal("");
                    return None;
                }
                let span = self.since(start);
                let place = alias.as_ref().map(|(_, span)| *span);
                self.apply_import(&path, place);
                self.reclassify(&path);
                return Some(Statement::Import { path, alias, span });
            }
            if self.failed() {
                return None;
            }
            self.restore(before);
        }
        if !query {
            let before = self.save();
            if let Some(rule) = self.rule() {
                return Some(rule);
            }
            if self.failed() {
                return None;
            }
            self.restore(before);
        }
        self.query(true, Tok::Eof).map(Statement::Body)
    }

    /// The place from an offset to the token before this one.
    fn since(&self, start: usize) -> Span {
        self.c.span_of(start, self.c.s.last_end)
    }

    /// Complains about a keyword that is used as the name of a rule.
    fn keyword_rule_name(&mut self, default: bool) -> bool {
        const ALL: &[Tok] = &[
            Tok::Assign,
            Tok::Unify,
            Tok::Key(Keyword::If),
            Tok::Key(Keyword::Contains),
            Tok::LParen,
        ];
        let Tok::Key(keyword) = self.tok() else {
            return false;
        };
        let followers: &[Tok] = match keyword {
            Keyword::Every | Keyword::If | Keyword::In | Keyword::Some | Keyword::As => ALL,
            Keyword::Package | Keyword::Import => &[Tok::Assign, Tok::Unify, Tok::LParen],
            // `not (x)` negates and `or(x, y)` calls.
            Keyword::Not | Keyword::And | Keyword::Or => &ALL[..4],
            Keyword::Contains => &ALL[2..4],
            _ => return false,
        };
        let span = self.c.span();
        if !default {
            let before = self.save();
            self.c.scan();
            let next = self.tok();
            self.restore(before);
            if !followers.contains(&next) {
                return false;
            }
        }
        self.c.fault(
            span,
            format!("{} keyword cannot be used for rule name", keyword.text()),
        );
        true
    }

    /// After the keyword of a package or import: whether a path can start here. Nothing if the
    /// keyword was the first name of a reference.
    fn path_start(&mut self) -> Option<()> {
        self.c.scan_space();
        if matches!(self.tok(), Tok::Dot | Tok::LBracket) {
            return None;
        }
        if self.tok() == Tok::Whitespace {
            self.c.scan();
        }
        if self.tok() != Tok::Ident {
            if !self.may_be_name(self.tok()) {
                self.c.illegal("");
                return None;
            }
            self.c.s.tok = Tok::Ident;
        }
        Some(())
    }

    fn package(&mut self) -> Option<Term> {
        self.path_start()?;
        let Some(term) = self.term() else {
            if !self.failed() {
                let span = self.c.span();
                self.c.fault(span, "expected path");
            }
            return None;
        };
        match &term.kind {
            TermKind::Var(_) => Some(term),
            TermKind::Ref(path) => {
                let head = path.first()?;
                if head.as_var().is_none() {
                    self.unexpected(head, "var");
                    return None;
                }
                let bad = path[1..].iter().find(|step| step.as_str().is_none());
                if let Some(step) = bad {
                    self.unexpected(step, "string");
                    return None;
                }
                Some(term)
            }
            _ => {
                self.c.illegal("");
                None
            }
        }
    }

    fn unexpected(&mut self, term: &Term, wanted: &str) {
        let message = format!(
            "unexpected {} token: expecting {wanted}",
            value_name(&term.kind)
        );
        self.c.fault(term.span, message);
    }

    fn import(&mut self) -> Option<(Term, Option<(Name, Span)>)> {
        self.path_start()?;
        // Keywords of the future are names here, also if they were imported before.
        let keywords = self.present_keywords();
        let term = self.with_keywords(keywords, Self::term);
        let Some(mut path) = term else {
            let span = self.c.span();
            self.c.fault(span, "expected path");
            return None;
        };
        match &mut path.kind {
            TermKind::Var(_) => {
                let span = path.span;
                path = Term::new(TermKind::Ref(vec![path]), span);
            }
            TermKind::Ref(steps) => {
                let bad = steps[1..]
                    .iter()
                    .find(|step| step.as_str().is_none())
                    .cloned();
                if let Some(step) = bad {
                    self.unexpected(&step, "string");
                    return None;
                }
            }
            _ => {
                let span = self.c.span();
                self.c.fault(span, "expected path");
                return None;
            }
        }
        let TermKind::Ref(steps) = &path.kind else {
            return None;
        };
        let steps = steps.clone();
        let root = steps.first()?;
        let known = root
            .as_var()
            .is_some_and(|name| matches!(&**name, "data" | "input" | "future" | "rego"));
        if !known {
            self.c.hint("if this is unexpected, try updating OPA");
            let message = format!(
                "unexpected import path, must begin with one of: {{data, future, input, rego}}, got: {}",
                print::term(root)
            );
            self.c.fault(path.span, message);
            return None;
        }
        if self.is(Keyword::As) {
            self.c.scan();
            if self.tok() != Tok::Ident {
                self.c.illegal("expected var");
                return None;
            }
            if let Some(alias) = self.term() {
                match &alias.kind {
                    TermKind::Var(name) => {
                        return Some((path, Some((name.clone(), alias.span))));
                    }
                    TermKind::Ref(name) if name.len() == 1 => {
                        let message = format!(
                            "unexpected import alias, must not be a reserved name, got: {}",
                            print::term(&alias)
                        );
                        self.c.fault(alias.span, message);
                        return None;
                    }
                    _ => {}
                }
            }
            self.c.illegal("expected var");
            return None;
        }
        let last = steps.last()?;
        let is_future = root.as_var().is_some_and(|name| &**name == "future");
        let name = last
            .as_str()
            .or(last.as_var().map(|name| &**name))
            .unwrap_or("");
        if (steps.len() == 1 || !is_future) && is_version_keyword(name, self.options.version) {
            self.c.hint("import a different path or use an alias");
            let message =
                format!("unexpected import path, must not end with a keyword, got: {name}");
            self.c.fault(last.span, message);
        }
        Some((path, None))
    }

    /// What an import of keywords or of a version changes for the rest of the text.
    fn apply_import(&mut self, path: &Term, alias: Option<Span>) {
        let TermKind::Ref(steps) = &path.kind else {
            return;
        };
        let root = steps
            .first()
            .and_then(Term::as_var)
            .map_or("", |name| &**name);
        let names: Vec<&str> = steps[1..].iter().filter_map(Term::as_str).collect();
        let added = match root {
            "rego" => match names[..] {
                ["v1"] | ["v2"] => {
                    if let Some(alias) = alias {
                        return self.c.fault(alias, "`rego` imports cannot be aliased");
                    }
                    match names[0] {
                        "v1" if self.options.version == RegoVersion::V1 => return,
                        "v1" => FUTURE_V0,
                        _ => FUTURE_V0.with(FUTURE_V1),
                    }
                }
                _ => {
                    let message = format!(
                        "invalid import `{}`, must be one of: `rego.v1`, `rego.v2`",
                        print::term(path)
                    );
                    return self.c.fault(path.span, message);
                }
            },
            "future" => {
                if names.first() != Some(&"keywords") {
                    return self
                        .c
                        .fault(path.span, "invalid import, must be `future.keywords`");
                }
                if let Some(alias) = alias {
                    return self.c.fault(alias, "`future` imports cannot be aliased");
                }
                match names[..] {
                    ["keywords", word] => {
                        match Keyword::of(word).filter(|keyword| self.importable.has(*keyword)) {
                            Some(keyword) => {
                                self.not_bodies |= keyword == Keyword::Not;
                                self.c.keywords = self.c.keywords.import(keyword);
                                return;
                            }
                            None => {
                                let message = "unexpected keyword, must be one of [and contains every if in not or]";
                                return self.c.fault(path.span, message);
                            }
                        }
                    }
                    _ => self.importable,
                }
            }
            _ => return,
        };
        self.import_keywords(added);
    }

    /// The token after an import was read before its keywords were known.
    fn reclassify(&mut self, path: &Term) {
        let TermKind::Ref(steps) = &path.kind else {
            return;
        };
        let of_keywords = steps
            .first()
            .and_then(Term::as_var)
            .is_some_and(|root| matches!(&**root, "rego" | "future"));
        if of_keywords
            && self.tok() == Tok::Ident
            && let Some(keyword) = Keyword::of(self.c.word())
            && FUTURE_V0.with(FUTURE_V1).has(keyword)
            && self.c.keywords.has(keyword)
        {
            self.c.s.tok = Tok::Key(keyword);
        }
    }

    /// A rule with everything that shows that it is one.
    fn rule(&mut self) -> Option<Statement> {
        let start = self.c.s.start;
        let place = self.c.span();
        self.keyword_as_name();
        let mut default = false;
        if self.is(Keyword::Default) {
            self.c.scan();
            default = true;
            self.keyword_as_name();
        }
        if self.tok() != Tok::Ident {
            if default {
                self.keyword_rule_name(true);
            }
            return None;
        }
        let head_start = self.c.s.start;
        let mut head = self.head(default)?;
        let head_span = self.since(head_start);
        if default {
            self.check_default(&head, place)?;
            let equation = head.equation();
            return Some(Statement::Default {
                head: equation,
                head_span,
                span: self.since(start),
            });
        }
        let has_if = self.is(Keyword::If);
        if head.contains.is_none() && head.args.is_empty() && head.reference.len() == 2 {
            let step = &head.reference[1];
            if has_if {
                if head.value.is_some() {
                    head.reference.first()?.as_var()?;
                }
                head.key = !is_ground(step) || matches!(step.kind, TermKind::Ref(_));
            } else {
                head.reference.first()?.as_var()?;
                head.key = true;
                head.shortened = head.value.is_none();
            }
        }
        let body = self.rule_body(&head, has_if)?;
        let mut tail = Tail::None;
        if body.is_some() {
            tail = self.tail(&head)?;
        }
        let key = head.contains.take();
        Some(Statement::Rule {
            head: head.equation(),
            key,
            has_if,
            body,
            tail,
            head_span,
            span: self.since(start),
        })
    }

    /// `else` and further bodies.
    fn tail(&mut self, head: &HeadShape) -> Option<Tail> {
        if self.is(Keyword::Else) && !self.keyword_as_name() {
            let known = if head.shortened {
                1
            } else {
                head.reference.len()
            };
            if known > 1 && head.reference[1..known].iter().any(|step| !is_ground(step)) {
                let span = self.c.span();
                self.c.fault(
                    span,
                    "else keyword cannot be used on rules with variables in head",
                );
                return None;
            }
            if head.key {
                let span = self.c.span();
                self.c
                    .fault(span, "else keyword cannot be used on multi-value rules");
                return None;
            }
            let chain = self.else_chain()?;
            if self.tok() == Tok::LBrace {
                let span = self.c.span();
                self.c.fault(span, "expected else keyword");
                return None;
            }
            return Some(Tail::Else(Box::new(chain)));
        }
        let mut bodies = Vec::new();
        while self.tok() == Tok::LBrace {
            bodies.push(self.braced_body()?);
        }
        Some(if bodies.is_empty() {
            Tail::None
        } else {
            Tail::Chain(bodies)
        })
    }

    fn braced_body(&mut self) -> Option<RuleBody> {
        let start = self.c.s.start;
        self.c.scan();
        let body = self.body(Tok::RBrace)?;
        self.c.scan();
        Some(RuleBody {
            body,
            braces: true,
            span: self.since(start),
        })
    }

    /// The first body of a rule; a rule with `contains` needs none.
    #[allow(clippy::option_option)] // Refused, none, found.
    fn rule_body(&mut self, head: &HeadShape, has_if: bool) -> Option<Option<RuleBody>> {
        if has_if {
            self.c.scan();
            let before = self.save();
            let start = self.c.s.start;
            let brace = self.tok() == Tok::LBrace;
            if let Some(expr) = self.literal() {
                let set = brace
                    && matches!(&expr.kind, ExprKind::Term(term)
                        if matches!(term.kind, TermKind::Set(_)));
                if !set {
                    let body = vec![expr];
                    let span = self.since(start);
                    return Some(Some(RuleBody {
                        body,
                        braces: false,
                        span,
                    }));
                }
            }
            if !brace {
                return None;
            }
            self.restore(before);
        } else if self.tok() != Tok::LBrace {
            return head.contains.is_some().then_some(None);
        }
        self.braced_body().map(Some)
    }

    fn else_chain(&mut self) -> Option<Else> {
        let mut branches = Vec::new();
        while self.is(Keyword::Else) {
            let start = self.c.s.start;
            let mut branch = self.else_branch()?;
            branch.span = self.since(start);
            let last = branch.body.is_none();
            branches.push(branch);
            if last {
                break;
            }
        }
        let mut chain = branches.pop()?;
        while let Some(mut branch) = branches.pop() {
            branch.next = Some(Box::new(chain));
            chain = branch;
        }
        Some(chain)
    }

    fn else_branch(&mut self) -> Option<Else> {
        let mut branch = Else {
            value: None,
            has_if: false,
            body: None,
            next: None,
            span: self.c.span(),
        };
        self.c.scan();
        match self.tok() {
            Tok::LBrace | Tok::Key(Keyword::If) => {}
            Tok::Assign | Tok::Unify => {
                let assign = self.tok() == Tok::Assign;
                self.c.scan();
                branch.value = Some((assign, self.expression()?));
            }
            _ => {
                self.c.illegal("expected else value term or rule body");
                return None;
            }
        }
        if self.is(Keyword::If) {
            branch.has_if = true;
            self.c.scan();
        } else if self.tok() != Tok::LBrace {
            return Some(branch);
        }
        branch.body = Some(match self.tok() {
            Tok::LBrace => self.braced_body()?,
            Tok::Eof => {
                self.c.illegal("rule body expected");
                return None;
            }
            _ => {
                let start = self.c.s.start;
                let body = vec![self.literal()?];
                RuleBody {
                    body,
                    braces: false,
                    span: self.since(start),
                }
            }
        });
        Some(branch)
    }

    fn head(&mut self, default: bool) -> Option<HeadShape> {
        let name = self.variable();
        let Some(term) = self.head_name(name) else {
            self.c.illegal("expected rule head name");
            return None;
        };
        let mut head = HeadShape {
            term: term.clone(),
            reference: Vec::new(),
            args: Vec::new(),
            key: false,
            shortened: false,
            value: None,
            contains: None,
        };
        match term.kind {
            TermKind::Var(_) => head.reference.push(term),
            TermKind::Ref(path) => head.reference = path,
            TermKind::Call(mut terms) => {
                let operator = terms.remove(0);
                head.args = terms;
                match operator.kind {
                    TermKind::Ref(path) => {
                        if path.first().is_none_or(|first| first.as_var().is_none()) {
                            let shown = print::reference(&path);
                            self.c.illegal(&format!("rule head ref {shown} invalid"));
                            return None;
                        }
                        head.reference = path;
                    }
                    _ => head.reference.push(operator),
                }
            }
            _ => return None,
        }
        let shown = print::reference(&head.reference);
        match self.tok() {
            Tok::Key(Keyword::Contains) => {
                if !head.args.is_empty() {
                    self.c.illegal(&format!(
                        "the contains keyword can only be used with multi-value rule definitions (e.g., {shown} contains <VALUE> {{ ... }})"
                    ));
                }
                self.c.scan();
                let key = self.expression();
                // Without a key OPA complains, and goes on as if there was one.
                let place = self.c.span();
                head.contains = Some(key.clone().unwrap_or(Term::new(TermKind::Null, place)));
                if key.is_none() {
                    self.c.illegal(&format!(
                        "expected rule key term (e.g., {shown} contains <VALUE> {{ ... }})"
                    ));
                }
                head.key = true;
            }
            Tok::Unify => {
                let place = self.c.span();
                self.c.scan();
                head.value = self.expression().map(|value| (false, place, value));
                if head.value.is_none() {
                    self.c.illegal(&format!(
                        "expected rule value term (e.g., {shown}[<nil>] = <VALUE> {{ ... }})"
                    ));
                }
            }
            Tok::Assign => {
                let place = self.c.span();
                self.c.scan();
                head.value = self.expression().map(|value| (true, place, value));
                if head.value.is_none() {
                    let note = if !head.args.is_empty() {
                        format!(
                            "expected function value term (e.g., {shown}(...) := <VALUE> {{ ... }})"
                        )
                    } else if default {
                        format!(
                            "expected default rule value term (e.g., default {shown} := <VALUE>)"
                        )
                    } else {
                        format!("expected rule value term (e.g., {shown} := <VALUE> {{ ... }})")
                    };
                    self.c.illegal(&note);
                }
            }
            _ => {}
        }
        Some(head)
    }

    fn check_default(&mut self, head: &HeadShape, place: Span) -> Option<()> {
        let Some((_, _, value)) = &head.value else {
            // Without a value OPA takes `true` for most heads, and nothing for `default p[x]`.
            if head.contains.is_some() || head.reference.len() == 2 && head.args.is_empty() {
                self.c
                    .fault(place, "illegal default rule (must have a value)");
                return None;
            }
            return self.check_default_args(head, place);
        };
        let offending = default_dependencies(value);
        for name in &offending {
            self.c.fault(
                place,
                format!("illegal default rule (value cannot contain {name})"),
            );
        }
        if !offending.is_empty() {
            return None;
        }
        self.check_default_args(head, place)
    }

    fn check_default_args(&mut self, head: &HeadShape, place: Span) -> Option<()> {
        let mut valid = true;
        let mut names: Vec<Name> = Vec::new();
        for arg in &head.args {
            match arg.as_var() {
                Some(name) if names.contains(name) => {
                    let message =
                        format!("illegal default rule (arguments cannot be repeated {name})");
                    self.c.fault(place, message);
                    valid = false;
                }
                Some(name) => names.push(name.clone()),
                None => {
                    let kind = value_name(&arg.kind);
                    let message = format!("illegal default rule (arguments cannot contain {kind})");
                    self.c.fault(place, message);
                    valid = false;
                }
            }
        }
        valid.then_some(())
    }
}
