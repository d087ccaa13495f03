//! Sites: what stands where, with the texts and variables that traces show.

use regovm_core::{Constant, SourceMap, Span};
use regovm_parser::ast::{
    Body, Comment, Every, Expr, ExprKind, Module, Name, Rule, Term, TermKind,
};
use regovm_parser::{json, print};

use super::Observe;
use crate::ir::{Operand, Site, SiteKind, SiteResult, StmtKind};
use crate::lower::constants::constant;
use crate::lower::rule_tree::{NodeId, NodeKind};
use crate::lower::{Lowered, Lowering};
use crate::places;
use crate::state::Checked;
use crate::visit::{self, VisitMut};

impl<'c> Lowering<'c> {
    /// Adds a site.
    pub(super) fn site(&mut self, mut site: Site) -> u32 {
        let sources = self.checked.state.sources;
        if let Some(comments) = self.comments_at(site.span) {
            site.span = places::trimmed(sources, comments, site.span);
            site.whole = places::trimmed(sources, comments, site.whole);
        }
        self.sites.push(site);
        self.sites.len() as u32 - 1
    }

    /// The comments of the file that a span lies in.
    pub(super) fn comments_at(&self, span: Span) -> Option<&'c [Comment]> {
        let state = &self.checked.state;
        let source = state.sources.source_at(span.start)?;
        let inside = |span: Span| {
            span.start >= source.base && span.start - source.base <= source.text.len() as u32
        };
        let mut modules = state.modules.iter();
        let module = modules.find(|module| inside(module.package.span))?;
        Some(&module.comments)
    }

    /// The values of the references of an expression into input, base data and bound variables, as far as they are known
    /// without searching: a trace that explains a failure shows them.
    pub(super) fn look_up(&mut self, expr: &Expr) -> Lowered<Vec<(Name, Operand)>> {
        let mut found: Vec<(Name, Operand)> = Vec::new();
        if !self.observe.is_some_and(|observe| observe.values) {
            return Ok(found);
        }
        let mut references: Vec<&[Term]> = Vec::new();
        let terms: &[Term] = match &expr.kind {
            ExprKind::Term(term) => std::slice::from_ref(term),
            ExprKind::Call(terms) => terms.get(1..).unwrap_or_default(),
            _ => &[],
        };
        for term in terms {
            if let TermKind::Ref(path) = &term.kind {
                references.push(path);
            }
        }
        for path in references {
            let Some((head, keys)) = path.split_first() else {
                continue;
            };
            let ready = keys.iter().all(|key| {
                let simple = constant(key).is_some() || key.as_var().is_some();
                simple && self.is_ready(key)
            });
            let name = head.as_var().map(|name| &**name);
            let virtual_data = name == Some("data") && self.is_virtual(keys);
            if !ready || !self.is_ready(head) || keys.is_empty() || virtual_data {
                continue;
            }
            let written = self.written(&path.to_vec(), |names, path| {
                path.iter_mut().for_each(|term| names.term(term));
            });
            let text: Name = print::reference(&written).into();
            if found.iter().any(|(other, _)| *other == text) {
                continue;
            }
            let local = self.flag();
            self.apart(|this| {
                let src = this.reference(path)?;
                this.b.emit(StmtKind::Move { dst: local, src });
                Ok(())
            })?;
            found.push((text, Operand::Local(local)));
        }
        Ok(found)
    }

    pub(super) fn written<T: Clone>(
        &self,
        node: &T,
        visit: impl FnOnce(&mut Written<'_>, &mut T),
    ) -> T {
        let mut copy = node.clone();
        let rewritten = &self.checked.state.rewritten_vars;
        let queries = &self.checked.queries;
        visit(&mut Written { rewritten, queries }, &mut copy);
        copy
    }

    pub(super) fn expr_text(&self, expr: &Expr) -> String {
        let text = self.written(expr, |names, expr| {
            names.hide_key(expr);
            names.expr(expr);
        });
        print::expr(&text)
    }

    pub(super) fn expr_site(&mut self, expr: &Expr, index: usize) -> u32 {
        let text = self.expr_text(expr);
        let variables = self.variables_of(expr);
        let mut reads = Vec::new();
        note_reads(expr, &mut reads);
        self.site(Site {
            kind: SiteKind::Expression,
            span: expr.span,
            whole: expr.span,
            index: index as u32,
            text,
            silent: expr.negated,
            references: Vec::new(),
            reads,
            result: output_of(expr),
            tree: self.tree_of(|sources| json::expr(&numbered(expr, index), sources)),
            inner: Vec::new(),
            path: Constant::Null,
            variables,
        })
    }

    pub(super) fn body_site(&mut self, body: &[Expr]) -> u32 {
        let text = print::body(&self.written(&body.to_vec(), |names, body| names.body(body)));
        let span = body.first().map_or(Span::NONE, |expr| expr.span);
        self.site(Site {
            kind: SiteKind::Body,
            span,
            whole: span,
            index: 0,
            text,
            silent: false,
            references: Vec::new(),
            reads: Vec::new(),
            result: None,
            tree: self.tree_of(|sources| json::body(&numbered_body(body), sources)),
            inner: Vec::new(),
            path: Constant::Null,
            variables: body
                .iter()
                .flat_map(|expr| self.variables_of(expr))
                .collect(),
        })
    }

    pub(super) fn rule_site(&mut self, node: NodeId, rule: &Rule, branch: bool) -> u32 {
        let mut variables = Vec::new();
        let head = &rule.head;
        let terms = head.args.iter().chain(head.key.as_deref());
        for term in terms.chain(head.value.as_deref()).chain(&head.reference) {
            note_variables(term, &mut variables);
        }
        let kind = match self.tree.kind(node) {
            NodeKind::Complete | NodeKind::Function => SiteKind::Rule,
            _ => SiteKind::PartialRule,
        };
        self.site(Site {
            kind,
            span: places::head(rule, branch),
            whole: rule.span,
            index: 0,
            text: self.tree.name(node),
            silent: false,
            references: Vec::new(),
            reads: Vec::new(),
            result: match self.tree.kind(node) {
                NodeKind::Function => given_by(rule),
                _ => None,
            },
            tree: self.rule_json(rule),
            inner: match self.observe {
                Some(Observe { values: true, .. }) => {
                    let of_body = rule.body.iter();
                    of_body.flat_map(|expr| self.variables_of(expr)).collect()
                }
                _ => Vec::new(),
            },
            path: self.path_json(node),
            variables,
        })
    }

    /// A syntax tree in JSON, for those who want values too.
    fn tree_of(&self, make: impl FnOnce(&SourceMap) -> Constant) -> Constant {
        match self.observe {
            Some(Observe { values: true, .. }) => make(self.checked.state.sources),
            _ => Constant::Null,
        }
    }

    /// What goes through the domain of an `every`.
    pub(super) fn generator_json(&self, every: &Every) -> Constant {
        let key = match &every.key {
            Some(key) => key.clone(),
            None => Term::var("_", every.span),
        };
        let operator = Term::new(TermKind::Ref(vec![Term::var("eq", every.span)]), every.span);
        let path = TermKind::Ref(vec![every.domain.clone(), key]);
        let terms = vec![operator, Term::new(path, every.span), every.value.clone()];
        let generator = Expr::new(ExprKind::Call(terms), every.span);
        self.tree_of(|sources| json::expr(&generator, sources))
    }

    fn rule_json(&self, rule: &Rule) -> Constant {
        self.tree_of(|sources| {
            let state = &self.checked.state;
            let stands_in = |module: &&Module| {
                let all = module.rules.iter();
                all.clone().any(|other| other.span == rule.span)
            };
            let mut rule = rule.clone();
            Numbered.rule(&mut rule);
            match state.modules.iter().find(stands_in) {
                Some(module) => json::rule(&rule, module, sources),
                // A branch has no annotations of its own.
                None => match state.modules.first() {
                    Some(module) => json::rule(&rule, module, sources),
                    None => Constant::Null,
                },
            }
        })
    }

    pub(super) fn path_json(&self, node: NodeId) -> Constant {
        self.tree_of(|_| {
            let part = |kind: &str, value: &str| {
                Constant::Object(vec![
                    ("type".into(), kind.into()),
                    ("value".into(), value.into()),
                ])
            };
            let keys = self.tree.path(node).iter().filter_map(|key| match key {
                Constant::String(name) => Some(part("string", name)),
                _ => None,
            });
            let first = part("var", "data");
            Constant::Array(std::iter::once(first).chain(keys).collect())
        })
    }

    /// The variables of an expression that a trace shows.
    pub(super) fn variables_of(&self, expr: &Expr) -> Vec<(String, Span)> {
        let mut found = Vec::new();
        let mut visit = |node: visit::Node<'_>| {
            if let visit::Node::Term(term) = node
                && let TermKind::Var(name) = &term.kind
            {
                found.push((name.to_string(), term.span));
            }
            false
        };
        visit::walk(visit::Node::Expr(expr), &mut visit);
        found
    }
}

pub(super) fn note_variables(term: &Term, found: &mut Vec<(String, Span)>) {
    visit::walk_terms(visit::Node::Term(term), &mut |term| {
        if let TermKind::Var(name) = &term.kind {
            found.push((name.to_string(), term.span));
        }
        false
    });
}

/// The variables that an expression reads with the bindings of its own body, where they stand.
pub(super) fn note_reads(expr: &Expr, found: &mut Vec<(String, Span)>) {
    match &expr.kind {
        ExprKind::Term(term) => note_operand(term, found),
        ExprKind::Call(terms) => {
            for term in terms.iter().skip(1) {
                note_operand(term, found);
            }
        }
        ExprKind::Every(every) => {
            note_operand(&every.domain, found);
            for expr in &every.body {
                note_reads(expr, found);
            }
        }
        ExprKind::Some(_) | ExprKind::Not(_) | ExprKind::And(_) | ExprKind::Or(_) => {}
    }
    for with in &expr.with {
        note_operand(&with.value, found);
    }
}

/// The variables of an operand without those of bodies in it, and without the heads of references, which have no place of
/// their own in OPA.
pub(super) fn note_operand(term: &Term, found: &mut Vec<(String, Span)>) {
    let mut visit = |node: visit::Node<'_>| {
        let visit::Node::Term(term) = node else {
            return false;
        };
        match &term.kind {
            TermKind::Var(name) => found.push((name.to_string(), term.span)),
            TermKind::Ref(path) => {
                let keys = path.iter().skip(1);
                keys.for_each(|key| note_operand(key, found));
                return true;
            }
            TermKind::ArrayComprehension(_)
            | TermKind::SetComprehension(_)
            | TermKind::ObjectComprehension(_) => return true,
            _ => {}
        }
        false
    };
    visit::walk(visit::Node::Term(term), &mut visit);
}

/// Where the value of a call of a user function goes.
fn output_of(expr: &Expr) -> Option<SiteResult> {
    let ExprKind::Call(terms) = &expr.kind else {
        return None;
    };
    let TermKind::Ref(operator) = &terms.first()?.kind else {
        return None;
    };
    let is_user = operator
        .first()?
        .as_var()
        .is_some_and(|name| &**name == "data");
    let output = terms.last()?.as_var().filter(|_| is_user)?;
    Some(SiteResult::Variable(output.to_string()))
}

/// What the rule of a function gives.
fn given_by(rule: &Rule) -> Option<SiteResult> {
    let value = rule.head.value.as_ref()?;
    match value.as_var() {
        Some(name) => Some(SiteResult::Variable(name.to_string())),
        None => constant(value).map(|_| SiteResult::Value(print::term(value))),
    }
}

/// An expression with the places of expressions in their bodies as they are evaluated.
fn numbered(expr: &Expr, index: usize) -> Expr {
    let mut copy = expr.clone();
    Numbered.expr(&mut copy);
    copy.index = index as u32;
    copy
}

fn numbered_body(body: &[Expr]) -> Body {
    let mut copy = body.to_vec();
    Numbered.body(&mut copy);
    copy
}

/// Numbers the expressions of bodies.
struct Numbered;

impl VisitMut for Numbered {
    fn body(&mut self, body: &mut Body) {
        for (index, expr) in body.iter_mut().enumerate() {
            expr.index = index as u32;
        }
        visit::descend_body(self, body);
    }
}

/// The names that the author wrote for generated ones.
pub(in crate::lower) fn written_names(checked: &Checked<'_>) -> Vec<(String, String)> {
    let queries = checked.queries.iter().map(|query| &query.rewritten_vars);
    let mut names: Vec<(String, String)> = std::iter::once(&checked.state.rewritten_vars)
        .chain(queries)
        .flatten()
        .map(|(raw, written)| (raw.to_string(), written.to_string()))
        .collect();
    names.sort_unstable();
    names
}

/// Gives variables the names of the author.
pub(super) struct Written<'n> {
    rewritten: &'n hashbrown::HashMap<Name, Name>,
    queries: &'n [crate::state::Query],
}

impl VisitMut for Written<'_> {
    fn term(&mut self, term: &mut Term) {
        if let TermKind::Var(name) = &mut term.kind {
            let queries = self.queries.iter().map(|query| &query.rewritten_vars);
            let known = std::iter::once(self.rewritten).chain(queries);
            let written = known.into_iter().find_map(|names| names.get(name).cloned());
            if let Some(written) = written {
                *name = written;
            }
        }
        visit::descend_term(self, term);
    }
}

impl Written<'_> {
    /// An `every` whose key nobody named is written without it.
    pub(super) fn hide_key(&self, expr: &mut Expr) {
        if let ExprKind::Every(every) = &mut expr.kind {
            let generated = every
                .key
                .as_ref()
                .and_then(Term::as_var)
                .is_some_and(|key| {
                    let queries = self.queries.iter().map(|query| &query.rewritten_vars);
                    let mut known = std::iter::once(self.rewritten).chain(queries);
                    !known.any(|names| names.contains_key(key))
                });
            if generated {
                every.key = None;
            }
        }
    }
}
