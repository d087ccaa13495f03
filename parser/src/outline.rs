//! A syntax tree as lines, as `opa parse` shows it: the kind of each node below what it belongs to.
//!
//! The recursion here is bounded by [`crate::lexer::layout::MAX_DEPTH`].

use std::fmt::Write;

use crate::ast::{Body, Expr, ExprKind, Logical, Module, Rule, Term, TermKind};
use crate::shape::value_name;
use crate::{order, print};

/// The lines of a module, with one for each comment if wanted.
pub fn module(module: Module, comments: bool) -> String {
    let mut outline = Outline { out: String::new() };
    outline.line(0, "module");
    outline.line(1, "package");
    outline.list(2, "ref", &module.package.path);
    for import in &module.imports {
        outline.line(1, "import");
        outline.term(2, &import.path);
        outline.line(2, import.alias.as_deref().unwrap_or(""));
    }
    for rule in &module.rules {
        outline.rule(1, rule);
    }
    for _ in &module.annotations {
        outline.line(1, "annotations");
    }
    if comments {
        for _ in &module.comments {
            outline.line(1, "comment");
        }
    }
    outline.out
}

struct Outline {
    out: String,
}

impl Outline {
    fn line(&mut self, depth: usize, text: &str) {
        // Writing to a text never fails.
        let _ = writeln!(self.out, "{:depth$}{text}", "");
    }

    fn list(&mut self, depth: usize, kind: &str, terms: &[Term]) {
        self.line(depth, kind);
        self.terms(depth + 1, terms);
    }

    fn terms(&mut self, depth: usize, terms: &[Term]) {
        for term in terms {
            self.term(depth, term);
        }
    }

    fn rule(&mut self, depth: usize, rule: &Rule) {
        let (mut depth, mut next) = (depth, Some(rule));
        while let Some(rule) = next {
            self.line(depth, "rule");
            self.line(depth + 1, "head");
            self.list(depth + 2, "ref", &rule.head.reference);
            if !rule.head.args.is_empty() {
                self.list(depth + 2, "args", &rule.head.args);
            }
            if let Some(value) = &rule.head.value {
                self.term(depth + 2, value);
            }
            self.body(depth + 1, &rule.body);
            next = rule.else_rule.as_deref();
            depth += 1;
        }
    }

    fn body(&mut self, depth: usize, body: &Body) {
        self.line(depth, "body");
        for expr in body {
            self.expr(depth + 1, expr);
        }
    }

    fn expr(&mut self, depth: usize, expr: &Expr) {
        let negated = if expr.negated { "negated " } else { "" };
        self.line(depth, &format!("expr {negated}index={}", expr.index));
        let depth = depth + 1;
        match &expr.kind {
            ExprKind::Term(term) => self.term(depth, term),
            ExprKind::Call(terms) => self.terms(depth, terms),
            ExprKind::Some(symbols) => self.list(depth, "somedecl", symbols),
            ExprKind::Every(every) => {
                self.line(depth, "every");
                if let Some(key) = &every.key {
                    self.term(depth + 1, key);
                }
                self.term(depth + 1, &every.value);
                self.term(depth + 1, &every.domain);
                self.body(depth + 1, &every.body);
            }
            ExprKind::Not(not) => {
                self.line(depth, "not");
                self.body(depth + 1, &not.body);
            }
            ExprKind::And(logical) => self.logical(depth, "logicaland", logical),
            ExprKind::Or(logical) => self.logical(depth, "logicalor", logical),
        }
        for with in &expr.with {
            self.line(depth, "with");
            self.term(depth + 1, &with.target);
            self.term(depth + 1, &with.value);
        }
    }

    fn logical(&mut self, depth: usize, kind: &str, logical: &Logical) {
        self.line(depth, kind);
        self.body(depth + 1, &logical.lhs);
        self.body(depth + 1, &logical.rhs);
    }

    fn term(&mut self, depth: usize, term: &Term) {
        let kind = value_name(&term.kind);
        match &term.kind {
            TermKind::Null | TermKind::Boolean(_) | TermKind::Number(_) | TermKind::Var(_) => {
                self.line(depth, &print::term(term));
            }
            TermKind::String(text) => {
                let mut quoted = String::new();
                print::quote(&mut quoted, text);
                self.line(depth, &quoted);
            }
            TermKind::Ref(terms) | TermKind::Array(terms) | TermKind::Call(terms) => {
                self.list(depth, kind, terms);
            }
            TermKind::Set(terms) => {
                self.line(depth, kind);
                for term in order::sorted_set(terms) {
                    self.term(depth + 1, term);
                }
            }
            TermKind::Object(members) => {
                self.line(depth, kind);
                for (key, value) in order::sorted_members(members) {
                    self.term(depth + 1, key);
                    self.term(depth + 1, value);
                }
            }
            TermKind::ArrayComprehension(of) | TermKind::SetComprehension(of) => {
                self.line(depth, kind);
                self.term(depth + 1, &of.term);
                self.body(depth + 1, &of.body);
            }
            TermKind::ObjectComprehension(of) => {
                self.line(depth, kind);
                self.term(depth + 1, &of.key);
                self.term(depth + 1, &of.value);
                self.body(depth + 1, &of.body);
            }
            TermKind::Template(_) => self.line(depth, kind),
        }
    }
}
