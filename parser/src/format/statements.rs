//! A module: package, imports and rules in the order of the text.

use super::Printer;
use super::imports::{Directive, Directives};
use crate::ast::{Module, Rule, Term, TermKind};

/// An import or a rule.
enum Statement<'m> {
    Import(Directive),
    Rule(&'m Rule),
}

impl Printer<'_> {
    pub(super) fn statements(&mut self, module: &Module, directives: Directives) {
        let (added, statements) = self.in_order(module, directives);
        self.package(module);
        self.imports(&added);
        let mut statements = statements.into_iter().peekable();
        while statements.peek().is_some() {
            let mut imports = Vec::new();
            while let Some(Statement::Import(_)) = statements.peek() {
                if let Some(Statement::Import(directive)) = statements.next() {
                    imports.push(directive);
                }
            }
            self.imports(&imports);
            let mut rules = Vec::new();
            while let Some(Statement::Rule(_)) = statements.peek() {
                if let Some(Statement::Rule(rule)) = statements.next() {
                    rules.push(rule);
                }
            }
            self.rules(&rules);
        }
        self.page.last_remarks();
    }

    /// The statements in the order of the text, and in front of them the added imports, if one of them would come too late.
    fn in_order<'m>(
        &self,
        module: &'m Module,
        directives: Directives,
    ) -> (Vec<Directive>, Vec<Statement<'m>>) {
        let first_rule = module.rules.iter().map(|rule| self.ground.row(rule.span));
        let first_rule = first_rule.min().unwrap_or(i64::MAX);
        let mut late = Vec::new();
        let mut list = directives.list;
        if list.iter().any(|of| of.is_added() && of.row >= first_rule) {
            (late, list) = list.into_iter().partition(Directive::is_added);
        }
        let mut statements: Vec<(i64, u32, Statement<'m>)> = list
            .into_iter()
            .map(|directive| {
                (
                    directive.row,
                    directive.column,
                    Statement::Import(directive),
                )
            })
            .collect();
        statements.extend(module.rules.iter().map(|rule| {
            let row = self.ground.row(rule.span);
            (row, rule.span.start, Statement::Rule(rule))
        }));
        statements.sort_by_key(|(row, column, _)| (*row, *column));
        let statements = statements.into_iter().map(|(_, _, of)| of).collect();
        (late, statements)
    }

    fn package(&mut self, module: &Module) {
        let package = &module.package;
        let row = self.ground.row(package.span);
        // Nothing is written yet that could have a comment.
        let _ = self.remarks_at(row);
        self.page.begin_line();
        self.page.put("package ");
        self.plain_path(package.path.get(1..).unwrap_or(&[]));
        self.page.blank_line();
    }

    /// A path of names. Its first step is a name whatever it is.
    pub(super) fn plain_path(&mut self, path: &[Term]) {
        let Some((first, steps)) = path.split_first() else {
            return;
        };
        match &first.kind {
            TermKind::Var(name) | TermKind::String(name) => self.page.put(name),
            _ => self.page.put(&crate::print::term(first)),
        }
        for step in steps {
            match step.as_str() {
                Some(name) => self.named_step(name, step),
                None => {
                    self.page.put("[");
                    self.page.put(&crate::print::term(step));
                    self.page.put("]");
                }
            }
        }
    }

    fn rules(&mut self, rules: &[&Rule]) {
        for (at, rule) in rules.iter().enumerate() {
            let row = self.ground.row(rule.span);
            // A comment of the line before is kept for the line that now begins.
            let _ = self.remarks_at(row);
            let _ = self.rule(rule, false);
            let together = rules.get(at + 1).is_some_and(|next| {
                self.is_one_liner(rule)
                    && self.is_one_liner(next)
                    && self.ground.row(next.span) == row + 1
            });
            if !together {
                self.page.blank_line();
            }
        }
    }

    /// Whether a rule is written on one line, so that the next may follow directly.
    fn is_one_liner(&self, rule: &Rule) -> bool {
        let set = rule.body.first().is_some_and(super::rule::is_set);
        rule.body.len() <= 1
            && !rule.default
            && rule.else_rule.is_none()
            && !set
            && self.dialect.ifs
            && (self.dialect.contains || rule.head.value.is_some())
    }
}
