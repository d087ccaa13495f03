//! The expression that made a test fail, as the author wrote it, with the values in it:
//!
//! ```text
//! count(xs) > n
//! |     |     |
//! |     |     3
//! |     [1, 2]
//! 2
//! ```

use std::collections::{BTreeMap, BTreeSet};

use regovm_compiler::visit::{Node, walk};
use regovm_core::{SourceMap, Span};
use regovm_parser::ast::{Expr, ExprKind, Module, Term, TermKind};
use regovm_parser::{ParseOptions, parse_query, print};

use crate::observe::{Event, Trace, TraceSite, truncate};

/// Bytes of a value that are shown.
const VALUE_WIDTH: usize = 64;

/// The expression that failed last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailedExpression {
    /// The file that it is in.
    pub file: String,
    /// The line.
    pub row: u32,
    /// The expression and the values below it: lines without an end of the last one.
    pub text: String,
}

/// A value below an expression.
struct Shown {
    value: Option<String>,
    col: usize,
    row: u32,
    /// Columns of the line that are tabs.
    tabs: BTreeSet<usize>,
}

/// The expression of the policies that failed last in a trace.
pub(super) fn last_failure(
    modules: &[Module],
    sources: &SourceMap,
    trace: &Trace,
) -> Option<FailedExpression> {
    let (event, file, row) = trace.last_failure()?;
    let span = trace.site(event).span;
    let mut text = String::new();
    if let Some(base) = written(modules, span) {
        let at = sources.locate(base.span);
        let col = at.map_or(1, |at| at.col as usize);
        push_blanks(&mut text, 1..col, &tabs(sources, base.span));
        text.push_str(sources.text(base.span).trim_end());
        let mut values = Values {
            sources,
            trace,
            event,
            shown: BTreeMap::new(),
        };
        values.collect(base);
        values.push_text(&mut text);
    }
    Some(FailedExpression {
        file: file.to_owned(),
        row,
        text,
    })
}

/// The smallest expression of the text that holds a place.
fn written(modules: &[Module], span: Span) -> Option<&Expr> {
    let mut found: Option<&Expr> = None;
    for module in modules {
        if !holds(module.span, span) {
            continue;
        }
        for rule in &module.rules {
            walk(Node::Rule(rule), &mut |node| {
                if let Node::Expr(expr) = node
                    && holds(expr.span, span)
                    && found.is_none_or(|best| holds(best.span, expr.span))
                {
                    found = Some(expr);
                }
                false
            });
        }
    }
    found
}

fn holds(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// The head of the reference that begins where an expression does.
fn head_of(base: &Expr, span: Span) -> Span {
    let mut found = Span::NONE;
    walk(Node::Expr(base), &mut |node| {
        if let Node::Term(term) = node
            && (term.span.start == span.start || base.negated && found == Span::NONE)
            && let TermKind::Ref(path) = &term.kind
            && let Some(head) = path.first()
        {
            found = head.span;
        }
        false
    });
    found
}

/// Columns of the line of a place, before it, that are tabs.
fn tabs(sources: &SourceMap, span: Span) -> BTreeSet<usize> {
    let col = sources.locate(span).map_or(1, |at| at.col as usize);
    let line = sources.line(span).chars().take(col).enumerate();
    line.filter(|(_, c)| *c == '\t')
        .map(|(i, _)| i + 1)
        .collect()
}

fn push_blanks(text: &mut String, columns: std::ops::Range<usize>, tabs: &BTreeSet<usize>) {
    text.extend(columns.map(|col| if tabs.contains(&col) { '\t' } else { ' ' }));
}

/// The values of an expression, by the texts that they belong to.
struct Values<'v> {
    sources: &'v SourceMap,
    trace: &'v Trace,
    event: &'v Event,
    shown: BTreeMap<String, Shown>,
}

impl<'v> Values<'v> {
    fn collect(&mut self, base: &Expr) {
        let mut hidden = Vec::new();
        walk(Node::Expr(base), &mut |node| match node {
            // What is in a comprehension is gone, what operators are named is no value.
            Node::Term(term) => match &term.kind {
                TermKind::ArrayComprehension(_)
                | TermKind::SetComprehension(_)
                | TermKind::ObjectComprehension(_) => {
                    let inside = Span::new(term.span.start + 1, term.span.end);
                    hidden.push(inside);
                    true
                }
                TermKind::Call(terms) => {
                    hidden.extend(terms.first().map(|operator| operator.span));
                    false
                }
                _ => false,
            },
            Node::Expr(expr) => {
                match &expr.kind {
                    ExprKind::Call(terms) => {
                        hidden.extend(terms.first().map(|operator| operator.span));
                    }
                    ExprKind::Every(every) => {
                        let body = every.body.first().map(|expr| expr.span);
                        hidden.extend(body.map(|first| Span::new(first.start, every.span.end)));
                    }
                    _ => {}
                }
                false
            }
            Node::With(with) => {
                hidden.push(with.target.span);
                false
            }
            _ => false,
        });
        let hidden =
            |span: Span| span == Span::NONE || hidden.iter().any(|hidden| holds(*hidden, span));
        walk(Node::Expr(base), &mut |node| {
            if let Node::Term(term) = node
                && let TermKind::Ref(path) = &term.kind
                && !hidden(term.span)
                && let Some(value) = self.selected(path)
            {
                self.show(term.span, Some(value));
            }
            false
        });
        // Of what failed an unknown value is undefined; of the rest it is only not known yet.
        let trace: &'v Trace = self.trace;
        let failed = trace.site(self.event);
        let near = trace.sites().iter().filter(|site| {
            site.kind == regovm_vm::observe::SiteKind::Expression
                && site.span != Span::NONE
                && holds(base.span, site.span)
                && !hidden(site.span)
        });
        let others = near.map(|site| (site, false));
        for (site, is_failed) in std::iter::once((failed, true)).chain(others) {
            for ((name, _, _), at) in site.variables.iter().zip(&site.variable_spans) {
                let mut span = *at;
                // What stands for an import is placed where the import is.
                if name == "data" && !holds(base.span, span) {
                    span = head_of(base, site.span);
                }
                if hidden(span) || !holds(base.span, span) {
                    continue;
                }
                if name == "data"
                    && let Some(value) = self.document(site, *at)
                {
                    self.show(span, Some(value.to_owned()));
                    continue;
                }
                let is_value = name.starts_with("__local") || name == "data" || name == "input";
                match self.local(|raw, _| raw == name) {
                    Some(value) => self.show(span, Some(value.to_owned())),
                    None if is_failed && !base.negated && is_value => self.show(span, None),
                    None => {}
                }
            }
        }
    }

    /// The value of the rule to which a reference at this place leads, if it is known.
    fn document(&self, site: &TraceSite, span: Span) -> Option<&'v str> {
        let (number, _) = site.documents.iter().find(|(_, at)| *at == span)?;
        let mut locals = self.event.locals.iter();
        let (_, value) = locals.find(|(name, _)| name == number)?;
        Some(value)
    }

    /// The value of the local variable for which `is` holds, given its name in the rewritten tree and in the text.
    fn local(&self, is: impl Fn(&str, &str) -> bool) -> Option<&'v str> {
        let (trace, event): (&'v Trace, &'v Event) = (self.trace, self.event);
        let names = trace.names();
        let found = event
            .locals
            .iter()
            .find(|(number, _)| is(names.raw(*number), names.written(*number)));
        found.map(|(_, value)| value.as_str())
    }

    fn show(&mut self, span: Span, value: Option<String>) {
        let title = self.sources.text(span).to_owned();
        let known = self.shown.get(&title);
        if known.is_some_and(|known| known.value.is_some()) {
            return;
        }
        if let Some(at) = self.sources.locate(span) {
            let shown = Shown {
                value,
                col: at.col as usize,
                row: at.row,
                tabs: tabs(self.sources, span),
            };
            self.shown.insert(title, shown);
        }
    }

    /// What a reference selects from the value of a variable.
    fn selected(&self, path: &[Term]) -> Option<String> {
        let (first, keys) = path.split_first()?;
        let value = |name: &str| {
            let text = self.local(|_, written| written == name)?;
            term(text)
        };
        let mut selected = value(first.as_var()?)?;
        if keys.is_empty() {
            return None;
        }
        for key in keys {
            let key = match key.as_var() {
                Some(name) => value(name)?,
                None => key.clone(),
            };
            selected = select(&selected, &key)?;
        }
        Some(print::term(&selected))
    }

    fn push_text(&self, text: &mut String) {
        let rows: BTreeSet<u32> = self.shown.values().map(|shown| shown.row).collect();
        let has_tabs = self.shown.values().any(|shown| !shown.tabs.is_empty());
        let value = |shown: &Shown| {
            let text = shown.value.as_deref().unwrap_or("undefined");
            truncate(text, VALUE_WIDTH)
        };
        if has_tabs && rows.len() > 1 {
            text.push_str("\n\nWhere:\n");
            for (title, shown) in &self.shown {
                text.push_str(&format!("\n{title}: {}", value(shown)));
            }
            return;
        }
        let mut columns: Vec<(&String, &Shown)> = self.shown.iter().collect();
        columns.sort_by(|(a, first), (b, second)| {
            let rows = second.row.cmp(&first.row);
            first.col.cmp(&second.col).then(rows).then(a.cmp(b))
        });
        if columns.is_empty() {
            return;
        }
        for last in std::iter::once(None).chain((0..columns.len()).rev().map(Some)) {
            text.push('\n');
            let shown = &columns[..last.map_or(columns.len(), |last| last + 1)];
            let mut before = 0;
            for (i, (title, at)) in shown.iter().enumerate() {
                let is_last = i + 1 == shown.len();
                let shares = |other: Option<&(&String, &Shown)>| {
                    other.is_some_and(|(_, other)| other.col == at.col)
                };
                let next = columns.get(i + 1);
                if !is_last && shares(next) {
                    continue;
                }
                push_blanks(text, before + 1..at.col, &at.tabs);
                before = at.col;
                if !is_last || last.is_none() {
                    text.push('|');
                    continue;
                }
                if shares(next) || (i > 0 && shares(columns.get(i - 1))) {
                    text.push_str(title);
                    text.push_str(": ");
                }
                text.push_str(&value(at));
            }
        }
    }
}

/// A value that is written as Rego.
fn term(text: &str) -> Option<Term> {
    let mut sources = SourceMap::new();
    let id = sources.add("", text).ok()?;
    let query = parse_query(&sources, id, &ParseOptions::default()).ok()?;
    match query.body.into_iter().next()?.kind {
        ExprKind::Term(term) => Some(term),
        _ => None,
    }
}

/// A member of a collection.
fn select(value: &Term, key: &Term) -> Option<Term> {
    let same = |other: &Term| print::term(other) == print::term(key);
    match &value.kind {
        TermKind::Object(members) => {
            let found = members.iter().find(|(name, _)| same(name));
            found.map(|(_, value)| value.clone())
        }
        TermKind::Array(elements) => match &key.kind {
            TermKind::Number(index) => elements.get(index.parse::<usize>().ok()?).cloned(),
            _ => None,
        },
        TermKind::Set(elements) => elements.iter().find(|element| same(element)).cloned(),
        _ => None,
    }
}
