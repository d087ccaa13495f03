//! Canonical text of modules and queries, which parses to the same tree again (places aside).
//!
//! Comments are not part of it: they are no part of the tree either.
//! The recursion here is bounded by [`crate::lexer::layout::MAX_DEPTH`].

use std::fmt::Write;

use crate::ast::{
    Body, Expr, ExprKind, Head, Import, Logical, Module, Package, Rule, TemplatePart, Term,
    TermKind,
};
use crate::lexer::keyword::Keyword;
use crate::print::{infix_symbol, is_plain_name};

/// The text of a module.
pub fn module(module: &Module) -> String {
    let mut printer = Printer::default();
    printer.package(&module.package);
    for import in &module.imports {
        printer.import(import);
    }
    for rule in &module.rules {
        printer.out.push('\n');
        printer.rule(rule);
    }
    printer.out
}

/// The text of a query.
pub fn query(body: &Body) -> String {
    let mut printer = Printer::default();
    printer.inline_body(body);
    printer.out
}

/// How tightly operators bind; arguments of operators need parentheses below these.
mod level {
    pub(super) const MEMBERSHIP: u8 = 0;
    pub(super) const RELATION: u8 = 1;
    pub(super) const INTERSECTION: u8 = 3;
    pub(super) const SUM: u8 = 4;
    pub(super) const PRODUCT: u8 = 5;
    pub(super) const PRIMARY: u8 = 6;
}

#[derive(Default)]
struct Printer {
    out: String,
    indent: usize,
}

impl Printer {
    fn line(&mut self) {
        self.out.push('\n');
        for _ in 0..self.indent {
            self.out.push('\t');
        }
    }

    fn package(&mut self, package: &Package) {
        self.out.push_str("package ");
        let path = package.path.get(1..).unwrap_or(&[]);
        if let Some((first, steps)) = path.split_first() {
            self.out.push_str(first.as_str().unwrap_or("_"));
            self.steps(steps);
        }
        self.out.push('\n');
    }

    fn import(&mut self, import: &Import) {
        self.out.push_str("\nimport ");
        match &import.path.kind {
            TermKind::Ref(path) => {
                for (at, step) in path.iter().enumerate() {
                    match step.as_str() {
                        // The names of keywords are what such imports are about.
                        Some(name) if Keyword::of(name).is_some() => {
                            let _ = write!(self.out, ".{name}");
                        }
                        Some(_) => self.steps(&path[at..=at]),
                        None => self.term(step, level::PRIMARY),
                    }
                }
            }
            _ => self.term(&import.path, level::PRIMARY),
        }
        if let Some(alias) = &import.alias {
            let _ = write!(self.out, " as {alias}");
        }
        self.out.push('\n');
    }

    fn rule(&mut self, rule: &Rule) {
        if rule.default {
            self.out.push_str("default ");
        }
        self.head(&rule.head);
        if !rule.default && !rule.generated_body {
            self.rule_body(rule);
        }
        let mut next = rule.else_rule.as_deref();
        while let Some(branch) = next {
            self.out.push_str(" else");
            if !branch.head.generated_value
                && let Some(value) = &branch.head.value
            {
                self.out
                    .push_str(if branch.head.assign { " := " } else { " = " });
                self.term(value, level::MEMBERSHIP);
            }
            if !branch.generated_body {
                self.rule_body(branch);
            }
            next = branch.else_rule.as_deref();
        }
        self.out.push('\n');
    }

    fn rule_body(&mut self, rule: &Rule) {
        if rule.head.keywords.has_if {
            self.out.push_str(" if");
        }
        self.out.push(' ');
        self.block(&rule.body);
    }

    fn head(&mut self, head: &Head) {
        self.reference(&head.reference);
        if !head.args.is_empty() {
            self.arguments(&head.args);
        }
        if head.value.is_none() {
            if let Some(key) = &head.key {
                if head.keywords.has_contains {
                    self.out.push_str(" contains ");
                    self.term(key, level::MEMBERSHIP);
                } else {
                    self.out.push('[');
                    self.term(key, level::MEMBERSHIP);
                    self.out.push(']');
                }
            }
        } else if let Some(value) = &head.value
            && !head.generated_value
        {
            self.out.push_str(if head.assign { " := " } else { " = " });
            self.term(value, level::MEMBERSHIP);
        }
    }

    /// A body over several lines.
    fn block(&mut self, body: &Body) {
        self.out.push('{');
        self.indent += 1;
        for expr in body {
            self.line();
            let start = self.out.len();
            self.expr(expr);
            // A sign would go on with the line before.
            if self.out[start..].starts_with('-')
                && let Some(end) = self.out[..start].trim_end().len().checked_sub(1)
                && self.out.as_bytes()[end] != b'{'
            {
                self.out.insert(end + 1, ';');
            }
        }
        self.indent -= 1;
        self.line();
        self.out.push('}');
    }

    fn inline_body(&mut self, body: &Body) {
        for (at, expr) in body.iter().enumerate() {
            if at > 0 {
                self.out.push_str("; ");
            }
            self.expr(expr);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        if expr.negated {
            self.out.push_str("not ");
        }
        match &expr.kind {
            ExprKind::Term(term) => self.term(term, level::MEMBERSHIP),
            ExprKind::Call(terms) => self.statement_call(terms),
            ExprKind::Some(symbols) => self.some(symbols),
            ExprKind::Every(every) => {
                self.out.push_str("every ");
                if let Some(key) = &every.key {
                    self.term(key, level::RELATION);
                    self.out.push_str(", ");
                }
                self.term(&every.value, level::RELATION);
                self.out.push_str(" in ");
                self.term(&every.domain, level::RELATION);
                self.out.push(' ');
                self.block(&every.body);
            }
            ExprKind::Not(not) => {
                self.out.push_str("not ");
                match &not.body[..] {
                    [inner] if !not.explicit => {
                        let group = !inner.with.is_empty()
                            || inner.negated
                            || matches!(
                                inner.kind,
                                ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_)
                            );
                        self.operand(inner, group);
                    }
                    _ => self.block(&not.body),
                }
            }
            ExprKind::And(logical) => self.logical(logical, true),
            ExprKind::Or(logical) => self.logical(logical, false),
        }
        for with in &expr.with {
            self.out.push_str(" with ");
            self.term(&with.target, level::PRIMARY);
            self.out.push_str(" as ");
            self.term(&with.value, level::MEMBERSHIP);
        }
    }

    /// An operand, in parentheses if it is a group or starts with a brace, which would open a body.
    fn operand(&mut self, expr: &Expr, group: bool) {
        let start = self.out.len();
        self.expr(expr);
        if group || self.out[start..].starts_with('{') {
            self.out.insert(start, '(');
            self.out.push(')');
        }
    }

    fn logical(&mut self, logical: &Logical, and: bool) {
        self.logical_side(&logical.lhs, logical.explicit_lhs, and, false);
        self.out.push_str(if and { " and " } else { " or " });
        self.logical_side(&logical.rhs, logical.explicit_rhs, and, true);
    }

    fn logical_side(&mut self, body: &Body, explicit: bool, under_and: bool, right: bool) {
        match &body[..] {
            [inner] if !explicit => {
                let group = !inner.with.is_empty()
                    || match &inner.kind {
                        ExprKind::Or(_) => under_and || right,
                        ExprKind::And(_) => under_and && right,
                        _ => false,
                    };
                if matches!(inner.kind, ExprKind::Or(_) | ExprKind::And(_)) && !group {
                    self.expr(inner);
                } else {
                    self.operand(inner, group);
                }
            }
            _ => {
                self.out.push_str("{ ");
                self.inline_body(body);
                self.out.push_str(" }");
            }
        }
    }

    fn some(&mut self, symbols: &[Term]) {
        self.out.push_str("some ");
        let Some(Term {
            kind: TermKind::Call(call),
            ..
        }) = symbols.first()
        else {
            return self.terms(symbols);
        };
        let Some((domain, names)) = call.get(1..).and_then(<[Term]>::split_last) else {
            return;
        };
        for (at, name) in names.iter().enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            self.term(name, level::RELATION);
        }
        self.out.push_str(" in ");
        self.term(domain, level::RELATION);
    }

    /// A call as a statement, where `=` and `:=` are operators too.
    fn statement_call(&mut self, terms: &[Term]) {
        match terms {
            [operator, lhs, rhs] if matches!(infix_symbol(operator), Some("=" | ":=")) => {
                let symbol = infix_symbol(operator).unwrap_or("=");
                self.term(lhs, level::MEMBERSHIP);
                let _ = write!(self.out, " {symbol} ");
                self.term(rhs, level::MEMBERSHIP);
            }
            terms => self.call(terms, level::MEMBERSHIP),
        }
    }

    fn terms(&mut self, terms: &[Term]) {
        for (at, term) in terms.iter().enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            self.term(term, level::MEMBERSHIP);
        }
    }

    fn arguments(&mut self, terms: &[Term]) {
        self.out.push('(');
        self.terms(terms);
        self.out.push(')');
    }

    /// A term where operators must bind at least as tightly as a level.
    fn term(&mut self, term: &Term, least: u8) {
        match &term.kind {
            TermKind::Null => self.out.push_str("null"),
            TermKind::Boolean(true) => self.out.push_str("true"),
            TermKind::Boolean(false) => self.out.push_str("false"),
            TermKind::Number(text) => self.out.push_str(text),
            TermKind::String(text) => self.string(text),
            TermKind::Var(name) => {
                self.out
                    .push_str(if name.starts_with('$') { "_" } else { name });
            }
            TermKind::Ref(path) => self.reference(path),
            TermKind::Array(items) => {
                self.out.push('[');
                self.terms(items);
                self.out.push(']');
            }
            TermKind::Object(members) => {
                self.out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        self.out.push_str(", ");
                    }
                    self.term(key, level::MEMBERSHIP);
                    self.out.push_str(": ");
                    self.term(value, level::MEMBERSHIP);
                }
                self.out.push('}');
            }
            TermKind::Set(items) if items.is_empty() => self.out.push_str("set()"),
            TermKind::Set(items) => {
                self.out.push('{');
                self.terms(items);
                self.out.push('}');
            }
            TermKind::ArrayComprehension(c) => {
                self.out.push('[');
                self.term(&c.term, level::PRIMARY);
                self.comprehension_body(&c.body);
                self.out.push(']');
            }
            TermKind::SetComprehension(c) => {
                self.out.push('{');
                self.term(&c.term, level::PRIMARY);
                self.comprehension_body(&c.body);
                self.out.push('}');
            }
            TermKind::ObjectComprehension(c) => {
                self.out.push('{');
                self.term(&c.key, level::PRIMARY);
                self.out.push_str(": ");
                self.term(&c.value, level::PRIMARY);
                self.comprehension_body(&c.body);
                self.out.push('}');
            }
            TermKind::Call(terms) => self.call(terms, least),
            TermKind::Template(template) => {
                let quote = if template.multi_line { '`' } else { '"' };
                self.out.push('$');
                self.out.push(quote);
                let mut after_text = false;
                for part in &template.parts {
                    after_text = self.template_part(part, template.multi_line, after_text);
                }
                self.out.push(quote);
            }
        }
    }

    fn comprehension_body(&mut self, body: &Body) {
        self.out.push_str(" | ");
        self.inline_body(body);
    }

    /// Prints a part; the answer is whether it is bare text. Text after text was a hole.
    fn template_part(&mut self, part: &TemplatePart, raw: bool, after_text: bool) -> bool {
        match part {
            TemplatePart::Text(term) => match term.as_str().filter(|_| !after_text) {
                Some(text) => {
                    let escaped = if raw { text.to_string() } else { escape(text) };
                    self.out.push_str(&escaped.replace('{', "\\{"));
                    return true;
                }
                None => {
                    self.out.push('{');
                    self.term(term, level::MEMBERSHIP);
                    self.out.push('}');
                }
            },
            TemplatePart::Expr(expr) => {
                self.out.push('{');
                self.expr(expr);
                self.out.push('}');
            }
        }
        false
    }

    fn call(&mut self, terms: &[Term], least: u8) {
        let Some((operator, operands)) = terms.split_first() else {
            return;
        };
        let Some((symbol, binds)) = operator_level(operator, operands.len()) else {
            match &operator.kind {
                TermKind::Ref(path) => self.reference(path),
                _ => self.term(operator, level::PRIMARY),
            }
            return self.arguments(operands);
        };
        // Unions always stand in parentheses: after the first term of a bracket a bar would start a
        // comprehension. So do memberships with a key, which lists do not have.
        let parentheses = binds < least || symbol == "|" || operands.len() == 3;
        if parentheses {
            self.out.push('(');
        }
        match operands {
            [key, value, domain] => {
                self.term(key, level::RELATION);
                self.out.push_str(", ");
                self.term(value, level::RELATION);
                self.out.push_str(" in ");
                self.term(domain, level::RELATION);
            }
            [lhs, rhs] => {
                self.term(lhs, binds);
                let _ = write!(self.out, " {symbol} ");
                self.term(rhs, binds + 1);
            }
            _ => {}
        }
        if parentheses {
            self.out.push(')');
        }
    }

    fn reference(&mut self, path: &[Term]) {
        let Some((head, steps)) = path.split_first() else {
            return;
        };
        match &head.kind {
            TermKind::Call(terms) => {
                let infix = operator_level(&terms[0], terms.len() - 1).is_some();
                if infix {
                    self.out.push('(');
                }
                self.call(terms, level::MEMBERSHIP);
                if infix {
                    self.out.push(')');
                }
            }
            _ => self.term(head, level::PRIMARY),
        }
        self.steps(steps);
    }

    fn steps(&mut self, steps: &[Term]) {
        for step in steps {
            match step.as_str() {
                Some(name) if is_plain_name(name) => {
                    self.out.push('.');
                    self.out.push_str(name);
                }
                _ => {
                    self.out.push('[');
                    self.term(step, level::MEMBERSHIP);
                    self.out.push(']');
                }
            }
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        self.out.push_str(&escape(text));
        self.out.push('"');
    }
}

/// The symbol of an infix operator and how tightly it binds; calls with other numbers of operands
/// are no operators.
fn operator_level(operator: &Term, operands: usize) -> Option<(&'static str, u8)> {
    if let [head, name] = &operator.as_ref()?[..]
        && head.as_var().is_some_and(|head| &**head == "internal")
    {
        return match (name.as_str()?, operands) {
            ("member_2", 2) | ("member_3", 3) => Some(("in", level::MEMBERSHIP)),
            _ => None,
        };
    }
    if operands != 2 {
        return None;
    }
    let symbol = infix_symbol(operator)?;
    let binds = match symbol {
        "==" | "!=" | "<" | "<=" | ">" | ">=" => level::RELATION,
        // Always in parentheses.
        "|" => level::RELATION + 1,
        "&" => level::INTERSECTION,
        "+" | "-" => level::SUM,
        "*" | "/" | "%" => level::PRODUCT,
        // `=` and `:=` are operators of statements only.
        _ => return None,
    };
    Some((symbol, binds))
}

/// The text of a string with the escapes of JSON.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' || c == '\u{feff}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}
