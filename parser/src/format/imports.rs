//! Imports: which are added and left out, and how they stand in groups.

use super::places::Ground;
use super::{Options, Printer, Target};
use crate::ast::{Body, Expr, ExprKind, Import, Module, Rule, TemplatePart, Term, TermKind};
use crate::lexer::keyword::{FUTURE_V1, Keyword};

/// An import as it will be written.
#[derive(Clone, Debug)]
pub(super) struct Directive {
    /// The tree, if it was in the text.
    tree: Option<Import>,
    /// The names of the path, for those that are added.
    names: Vec<String>,
    pub(super) row: i64,
    pub(super) column: u32,
}

/// The imports of the result.
pub(super) struct Directives {
    pub(super) list: Vec<Directive>,
}

/// The names of a path that consists of names.
pub(super) fn names(path: &Term) -> Vec<&str> {
    let Some(steps) = path.as_ref() else {
        return Vec::new();
    };
    steps
        .iter()
        .map(|step| match &step.kind {
            TermKind::Var(name) | TermKind::String(name) => &**name,
            _ => "",
        })
        .collect()
}

impl Directive {
    pub(super) fn is_added(&self) -> bool {
        self.tree.is_none()
    }

    fn names(&self) -> Vec<&str> {
        match &self.tree {
            Some(import) => names(&import.path),
            None => self.names.iter().map(String::as_str).collect(),
        }
    }

    fn is(&self, wanted: &[&str]) -> bool {
        self.names() == wanted
    }

    fn is_future(&self) -> bool {
        self.names().first() == Some(&"future")
    }

    fn alias(&self) -> Option<&str> {
        self.tree.as_ref()?.alias.as_deref()
    }

    /// The order of imports in a group: by path, then by alias.
    fn before(&self, other: &Directive) -> std::cmp::Ordering {
        let (a, b) = (self.names(), other.names());
        a.cmp(&b).then_with(|| {
            let alias = |of: &Directive| of.alias().unwrap_or("").to_string();
            alias(self).cmp(&alias(other))
        })
    }
}

impl Directives {
    pub(super) fn of(module: &Module, options: &Options, ground: &Ground<'_>) -> Directives {
        let list = module.imports.iter().map(|import| Directive {
            tree: Some(import.clone()),
            names: Vec::new(),
            row: ground.row(import.span),
            column: import.span.start,
        });
        let mut directives = Directives {
            list: list.collect(),
        };
        directives.adapt(module, options);
        directives
    }

    fn adapt(&mut self, module: &Module, options: &Options) {
        let words: Vec<String> = self
            .list
            .iter()
            .filter(|directive| directive.alias().is_none())
            .filter_map(|directive| match directive.names().as_slice() {
                ["future", "keywords", word] => Some((*word).to_string()),
                _ => None,
            })
            .collect();
        let has_v2 = self.has(&["rego", "v2"]);
        if has_v2 || options.target == Target::V1 && options.drop_imports {
            self.list.retain(|directive| !directive.is(&["rego", "v1"]));
        } else if options.target == Target::V0AndV1 && !self.has(&["rego", "v1"]) {
            self.add(&["rego", "v1"]);
        }
        let has_v1 = has_v2 || self.has(&["rego", "v1"]);
        let mut needed = Vec::new();
        sugar(module, &mut needed);
        if options.target == Target::V0 && !has_v1 {
            for word in needed {
                self.ensure_keyword(word.text());
            }
            return;
        }
        if options.drop_imports || has_v1 {
            self.list.retain(|directive| !directive.is_future());
        } else {
            for word in &words {
                self.ensure_keyword(word);
            }
        }
        if !has_v2 {
            for word in needed {
                if FUTURE_V1.has(word) {
                    self.ensure_keyword(word.text());
                }
            }
        }
    }

    fn has(&self, wanted: &[&str]) -> bool {
        self.list.iter().any(|directive| directive.is(wanted))
    }

    fn ensure_keyword(&mut self, word: &str) {
        let there = self.has(&["future", "keywords"])
            || self.has(&["future", "keywords", word])
            || word == "in" && self.has(&["future", "keywords", "every"]);
        if !there {
            self.add(&["future", "keywords", word]);
        }
    }

    /// Adds an import below the last of its kind, or else above all.
    fn add(&mut self, names: &[&str]) {
        let alike = self.list.iter().filter(|directive| {
            directive.names().first() == Some(&"future") || directive.is(&["rego", "v1"])
        });
        let row = alike.map(|directive| directive.row).max();
        self.list.push(Directive {
            tree: None,
            names: names.iter().map(|name| (*name).to_string()).collect(),
            row: row.map_or(1, |row| row + 1),
            column: 0,
        });
    }
}

impl Printer<'_> {
    /// Writes imports that stand together, in groups that have no blank line in them.
    pub(super) fn imports(&mut self, list: &[Directive]) {
        let mut beside = vec![None; list.len()];
        let page = &mut self.page;
        page.remarks.take_where(|remark| {
            let found = list
                .iter()
                .position(|directive| directive.row == remark.row);
            if let Some(at) = found {
                beside[at] = Some(remark.clone());
            }
            found.is_some()
        });
        let mut start = 0;
        while start < list.len() {
            let mut end = start + 1;
            while end < list.len() && list[end].row - list[end - 1].row <= 1 {
                end += 1;
            }
            // No comment can clash here: the line has nothing on it.
            let _ = self.remarks_at(list[start].row);
            let mut order: Vec<usize> = (start..end).collect();
            order.sort_by(|a, b| list[*a].before(&list[*b]));
            for at in order {
                self.page.begin_line();
                self.import(&list[at]);
                if let Some(remark) = beside[at].take() {
                    self.page.put(" #");
                    self.page.put(&remark.text);
                }
                self.page.end_line();
            }
            self.page.blank_line();
            start = end;
        }
    }

    fn import(&mut self, directive: &Directive) {
        self.page.put("import ");
        match &directive.tree {
            Some(import) => {
                let names = directive.names();
                if directive.alias().is_none()
                    && let ["future", "keywords", _] = names.as_slice()
                {
                    let text = names.join(".");
                    self.page.put(&text);
                } else if let Some(path) = import.path.as_ref() {
                    self.plain_path(path);
                }
            }
            None => {
                let text = directive.names.join(".");
                self.page.put(&text);
            }
        }
        if let Some(alias) = directive.alias() {
            self.page.put(" as ");
            self.page.put(alias);
        }
    }
}

/// Keywords that a module has in its tree, though their imports may be missing.
fn sugar(module: &Module, found: &mut Vec<Keyword>) {
    for rule in &module.rules {
        let mut next = Some(rule);
        while let Some(rule) = next {
            sugar_in_rule(rule, found);
            next = rule.else_rule.as_deref();
        }
    }
}

fn sugar_in_rule(rule: &Rule, found: &mut Vec<Keyword>) {
    let head = &rule.head;
    let parts = [&head.key, &head.value].into_iter().flatten();
    let terms = head.reference.iter().chain(&head.args);
    terms.for_each(|term| sugar_in_term(term, found));
    parts.for_each(|term| sugar_in_term(term, found));
    sugar_in_body(&rule.body, found);
}

fn sugar_in_body(body: &Body, found: &mut Vec<Keyword>) {
    for expr in body {
        sugar_in_expr(expr, found);
    }
}

fn note(keyword: Keyword, found: &mut Vec<Keyword>) {
    if !found.contains(&keyword) {
        found.push(keyword);
    }
}

fn sugar_in_expr(expr: &Expr, found: &mut Vec<Keyword>) {
    match &expr.kind {
        ExprKind::Term(term) => sugar_in_term(term, found),
        ExprKind::Call(terms) => {
            if terms.first().is_some_and(super::term::is_membership) {
                note(Keyword::In, found);
            }
            terms.iter().for_each(|term| sugar_in_term(term, found));
        }
        ExprKind::Some(terms) => terms.iter().for_each(|term| sugar_in_term(term, found)),
        ExprKind::Every(every) => {
            note(Keyword::Every, found);
            sugar_in_term(&every.domain, found);
            sugar_in_body(&every.body, found);
        }
        ExprKind::Not(not) => {
            note(Keyword::Not, found);
            sugar_in_body(&not.body, found);
        }
        ExprKind::And(logical) | ExprKind::Or(logical) => {
            let word = match expr.kind {
                ExprKind::And(_) => Keyword::And,
                _ => Keyword::Or,
            };
            note(word, found);
            sugar_in_body(&logical.lhs, found);
            sugar_in_body(&logical.rhs, found);
        }
    }
    for with in &expr.with {
        sugar_in_term(&with.target, found);
        sugar_in_term(&with.value, found);
    }
}

fn sugar_in_term(term: &Term, found: &mut Vec<Keyword>) {
    match &term.kind {
        TermKind::Null
        | TermKind::Boolean(_)
        | TermKind::Number(_)
        | TermKind::String(_)
        | TermKind::Var(_) => {}
        TermKind::Ref(list)
        | TermKind::Array(list)
        | TermKind::Set(list)
        | TermKind::Call(list) => list.iter().for_each(|term| sugar_in_term(term, found)),
        TermKind::Object(members) => members.iter().for_each(|(key, value)| {
            sugar_in_term(key, found);
            sugar_in_term(value, found);
        }),
        TermKind::ArrayComprehension(of) | TermKind::SetComprehension(of) => {
            sugar_in_term(&of.term, found);
            sugar_in_body(&of.body, found);
        }
        TermKind::ObjectComprehension(of) => {
            sugar_in_term(&of.key, found);
            sugar_in_term(&of.value, found);
            sugar_in_body(&of.body, found);
        }
        TermKind::Template(template) => {
            for part in &template.parts {
                match part {
                    TemplatePart::Text(term) => sugar_in_term(term, found),
                    TemplatePart::Expr(expr) => sugar_in_expr(expr, found),
                }
            }
        }
    }
}
