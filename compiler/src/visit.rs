//! Walks over the syntax tree, and the variables that a piece of it mentions.
//!
//! The parser bounds the depth of trees, so the walks here recurse.

use regovm_core::Span;
use regovm_parser::ast::{
    Body, Expr, ExprKind, Head, Name, Rule, TemplatePart, Term, TermKind, With,
};

pub use crate::vars::{NameMap, NameSet, ScopedVars, VarSet, Vars};

/// What a walk meets. Closures are met as the expression or term that holds them.
#[derive(Clone, Copy, Debug)]
pub enum Node<'a> {
    /// A rule; below it its head, its body, its else chain.
    Rule(&'a Rule),
    /// A head; below it arguments, key and value (not its reference, which names the rule).
    Head(&'a Head),
    /// A body: of a rule, a comprehension, `every`, `not`, `and`, `or`.
    Body(&'a Body),
    /// An expression; below it its terms and bodies, then its `with` modifiers.
    Expr(&'a Expr),
    /// A modifier; below it target and value.
    With(&'a With),
    /// A term; below it its parts.
    Term(&'a Term),
}

/// Calls `f` on a node and on everything below it, parents first. Where `f` gives `true`, the walk
/// does not go below that node.
pub fn walk<'a, F: FnMut(Node<'a>) -> bool + ?Sized>(node: Node<'a>, f: &mut F) {
    if f(node) {
        return;
    }
    match node {
        Node::Rule(rule) => {
            walk(Node::Head(&rule.head), f);
            walk(Node::Body(&rule.body), f);
            if let Some(other) = &rule.else_rule {
                walk(Node::Rule(other), f);
            }
        }
        Node::Head(head) => {
            walk_all(&head.args, f);
            if let Some(key) = &head.key {
                walk(Node::Term(key), f);
            }
            if let Some(value) = &head.value {
                walk(Node::Term(value), f);
            }
        }
        Node::Body(body) => {
            for expr in body {
                walk(Node::Expr(expr), f);
            }
        }
        Node::Expr(expr) => {
            match &expr.kind {
                ExprKind::Term(term) => walk(Node::Term(term), f),
                ExprKind::Call(terms) | ExprKind::Some(terms) => walk_all(terms, f),
                ExprKind::Every(every) => {
                    if let Some(key) = &every.key {
                        walk(Node::Term(key), f);
                    }
                    walk(Node::Term(&every.value), f);
                    walk(Node::Term(&every.domain), f);
                    walk(Node::Body(&every.body), f);
                }
                ExprKind::Not(not) => walk(Node::Body(&not.body), f),
                ExprKind::And(pair) | ExprKind::Or(pair) => {
                    walk(Node::Body(&pair.lhs), f);
                    walk(Node::Body(&pair.rhs), f);
                }
            }
            for with in &expr.with {
                walk(Node::With(with), f);
            }
        }
        Node::With(with) => {
            walk(Node::Term(&with.target), f);
            walk(Node::Term(&with.value), f);
        }
        Node::Term(term) => match &term.kind {
            TermKind::Null
            | TermKind::Boolean(_)
            | TermKind::Number(_)
            | TermKind::String(_)
            | TermKind::Var(_) => {}
            TermKind::Ref(terms)
            | TermKind::Array(terms)
            | TermKind::Set(terms)
            | TermKind::Call(terms) => walk_all(terms, f),
            TermKind::Object(members) => {
                for (key, value) in members {
                    walk(Node::Term(key), f);
                    walk(Node::Term(value), f);
                }
            }
            TermKind::ArrayComprehension(inner) | TermKind::SetComprehension(inner) => {
                walk(Node::Term(&inner.term), f);
                walk(Node::Body(&inner.body), f);
            }
            TermKind::ObjectComprehension(inner) => {
                walk(Node::Term(&inner.key), f);
                walk(Node::Term(&inner.value), f);
                walk(Node::Body(&inner.body), f);
            }
            TermKind::Template(template) => {
                for part in &template.parts {
                    match part {
                        TemplatePart::Text(text) => walk(Node::Term(text), f),
                        TemplatePart::Expr(expr) => walk(Node::Expr(expr), f),
                    }
                }
            }
        },
    }
}

fn walk_all<'a, F: FnMut(Node<'a>) -> bool + ?Sized>(terms: &'a [Term], f: &mut F) {
    for term in terms {
        walk(Node::Term(term), f);
    }
}

/// Calls `f` on every expression below a node (and on the node itself).
pub fn walk_exprs<'a>(node: Node<'a>, f: &mut impl FnMut(&'a Expr) -> bool) {
    walk(
        node,
        &mut |node| matches!(node, Node::Expr(expr) if f(expr)),
    );
}

/// Calls `f` on every term below a node (and on the node itself).
pub fn walk_terms<'a>(node: Node<'a>, f: &mut impl FnMut(&'a Term) -> bool) {
    walk(
        node,
        &mut |node| matches!(node, Node::Term(term) if f(term)),
    );
}

/// Calls `f` on every rule of an else chain, the first one included.
pub fn for_each_in_chain<'a>(rule: &'a Rule, f: &mut dyn FnMut(&'a Rule)) {
    let mut next = Some(rule);
    while let Some(rule) = next {
        f(rule);
        next = rule.else_rule.as_deref();
    }
}

/// Calls `f` on every rule of an else chain, the first one included.
pub fn for_each_in_chain_mut(rule: &mut Rule, f: &mut dyn FnMut(&mut Rule)) {
    let mut next = Some(rule);
    while let Some(rule) = next {
        f(rule);
        next = rule.else_rule.as_deref_mut();
    }
}

/// A walk that may change what it meets. Each method's default goes below its node; an
/// implementation that still wants that calls the `descend_*` function of the same name.
pub trait VisitMut {
    /// A rule of a chain.
    fn rule(&mut self, rule: &mut Rule) {
        descend_rule(self, rule);
    }
    /// A head.
    fn head(&mut self, head: &mut Head) {
        descend_head(self, head);
    }
    /// A body.
    fn body(&mut self, body: &mut Body) {
        descend_body(self, body);
    }
    /// An expression.
    fn expr(&mut self, expr: &mut Expr) {
        descend_expr(self, expr);
    }
    /// A `with` modifier.
    fn with(&mut self, with: &mut With) {
        descend_with(self, with);
    }
    /// A term.
    fn term(&mut self, term: &mut Term) {
        descend_term(self, term);
    }
}

/// Head, body and else chain of a rule.
pub fn descend_rule<V: VisitMut + ?Sized>(visitor: &mut V, rule: &mut Rule) {
    visitor.head(&mut rule.head);
    visitor.body(&mut rule.body);
    if let Some(other) = &mut rule.else_rule {
        visitor.rule(other);
    }
}

/// Arguments, key and value of a head (not its reference).
pub fn descend_head<V: VisitMut + ?Sized>(visitor: &mut V, head: &mut Head) {
    for arg in &mut head.args {
        visitor.term(arg);
    }
    if let Some(key) = &mut head.key {
        visitor.term(key);
    }
    if let Some(value) = &mut head.value {
        visitor.term(value);
    }
}

/// The expressions of a body.
pub fn descend_body<V: VisitMut + ?Sized>(visitor: &mut V, body: &mut Body) {
    for expr in body {
        visitor.expr(expr);
    }
}

/// Terms, bodies and modifiers of an expression.
pub fn descend_expr<V: VisitMut + ?Sized>(visitor: &mut V, expr: &mut Expr) {
    match &mut expr.kind {
        ExprKind::Term(term) => visitor.term(term),
        ExprKind::Call(terms) | ExprKind::Some(terms) => {
            for term in terms {
                visitor.term(term);
            }
        }
        ExprKind::Every(every) => {
            if let Some(key) = &mut every.key {
                visitor.term(key);
            }
            visitor.term(&mut every.value);
            visitor.term(&mut every.domain);
            visitor.body(&mut every.body);
        }
        ExprKind::Not(not) => visitor.body(&mut not.body),
        ExprKind::And(pair) | ExprKind::Or(pair) => {
            visitor.body(&mut pair.lhs);
            visitor.body(&mut pair.rhs);
        }
    }
    for with in &mut expr.with {
        visitor.with(with);
    }
}

/// Target and value of a modifier.
pub fn descend_with<V: VisitMut + ?Sized>(visitor: &mut V, with: &mut With) {
    visitor.term(&mut with.target);
    visitor.term(&mut with.value);
}

/// The parts of a term.
pub fn descend_term<V: VisitMut + ?Sized>(visitor: &mut V, term: &mut Term) {
    match &mut term.kind {
        TermKind::Null
        | TermKind::Boolean(_)
        | TermKind::Number(_)
        | TermKind::String(_)
        | TermKind::Var(_) => {}
        TermKind::Ref(terms)
        | TermKind::Array(terms)
        | TermKind::Set(terms)
        | TermKind::Call(terms) => {
            for term in terms {
                visitor.term(term);
            }
        }
        TermKind::Object(members) => {
            for (key, value) in members {
                visitor.term(key);
                visitor.term(value);
            }
        }
        TermKind::ArrayComprehension(inner) | TermKind::SetComprehension(inner) => {
            visitor.term(&mut inner.term);
            visitor.body(&mut inner.body);
        }
        TermKind::ObjectComprehension(inner) => {
            visitor.term(&mut inner.key);
            visitor.term(&mut inner.value);
            visitor.body(&mut inner.body);
        }
        TermKind::Template(template) => {
            for part in &mut template.parts {
                match part {
                    TemplatePart::Text(text) => visitor.term(text),
                    TemplatePart::Expr(expr) => visitor.expr(expr),
                }
            }
        }
    }
}

/// The variables that are always bound.
pub fn reserved_vars() -> VarSet {
    [Name::from("data"), Name::from("input")]
        .into_iter()
        .collect()
}

/// True for `_` (each one is a variable `$n` of its own).
pub fn is_wildcard(name: &str) -> bool {
    name.starts_with('$')
}

/// True for variables that a stage made (`__local0__`).
pub fn is_generated(name: &str) -> bool {
    name.starts_with("__local")
}

/// What a [`VarVisitor`] passes over.
#[derive(Clone, Copy, Default, Debug)]
pub struct VarParams {
    /// The first term of every reference.
    pub skip_ref_head: bool,
    /// The first term of the operator of every call, and of `with` targets and values that are
    /// references.
    pub skip_ref_call_head: bool,
    /// Keys of objects.
    pub skip_object_keys: bool,
    /// Comprehensions, template strings, `not`, `and`, `or` of the new form; of `every` all but the
    /// domain.
    pub skip_closures: bool,
    /// Targets of `with`.
    pub skip_with_target: bool,
    /// Sets.
    pub skip_sets: bool,
    /// Template strings.
    pub skip_template_strings: bool,
    /// `_`
    pub skip_wildcards: bool,
}

impl VarParams {
    /// What counts for safety: operators are no variables, closures are looked at on their own.
    pub const SAFETY: VarParams = VarParams {
        skip_ref_head: false,
        skip_ref_call_head: true,
        skip_object_keys: false,
        skip_closures: true,
        skip_with_target: false,
        skip_sets: false,
        skip_template_strings: false,
        skip_wildcards: false,
    };

    /// Everything that is written.
    pub const ALL: VarParams = VarParams {
        skip_ref_head: false,
        skip_ref_call_head: false,
        skip_object_keys: false,
        skip_closures: false,
        skip_with_target: false,
        skip_sets: false,
        skip_template_strings: false,
        skip_wildcards: false,
    };
}

/// What a [`VarVisitor`] finds goes here.
pub trait Collect<'a> {
    /// A variable as a term.
    fn var(&mut self, name: &'a Name, span: Span);

    /// Sees `not`, `and` and `or` of the new form before the visitor does; `true` means that it has
    /// dealt with the operands (the modifiers are still walked).
    fn operands(&mut self, _expr: &'a Expr) -> bool {
        false
    }
}

impl<'a> Collect<'a> for VarSet {
    fn var(&mut self, name: &'a Name, span: Span) {
        self.add_at(name, span);
    }
}

impl<'a> Collect<'a> for NameSet<'a> {
    fn var(&mut self, name: &'a Name, _: Span) {
        self.add(name);
    }
}

impl<'a, C: Collect<'a>> Collect<'a> for &mut C {
    fn var(&mut self, name: &'a Name, span: Span) {
        (**self).var(name, span);
    }

    fn operands(&mut self, expr: &'a Expr) -> bool {
        (**self).operands(expr)
    }
}

/// Collects the variables below nodes.
#[derive(Clone, Default)]
pub struct VarVisitor<C = VarSet> {
    /// What is passed over.
    pub params: VarParams,
    /// What was found.
    pub vars: C,
}

impl VarVisitor {
    /// A visitor that has found nothing.
    pub fn new(params: VarParams) -> VarVisitor {
        VarVisitor::collecting(params, VarSet::new())
    }
}

impl<C> VarVisitor<C> {
    /// A visitor whose finds go to `vars`.
    pub fn collecting(params: VarParams, vars: C) -> VarVisitor<C> {
        VarVisitor { params, vars }
    }

    /// Looks at every expression of a body.
    pub fn body<'a>(&mut self, body: &'a [Expr])
    where
        C: Collect<'a>,
    {
        for expr in body {
            self.expr(expr);
        }
    }

    /// Looks at an expression and its modifiers.
    pub fn expr<'a>(&mut self, expr: &'a Expr)
    where
        C: Collect<'a>,
    {
        match &expr.kind {
            ExprKind::Term(term) => self.term(term),
            ExprKind::Call(terms) => self.call(terms),
            ExprKind::Some(symbols) => self.terms(symbols),
            ExprKind::Every(every) if self.params.skip_closures => {
                self.term(&every.domain);
                return;
            }
            ExprKind::Every(every) => {
                if let Some(key) = &every.key {
                    self.term(key);
                }
                self.term(&every.value);
                self.term(&every.domain);
                self.body(&every.body);
            }
            ExprKind::Not(_) | ExprKind::And(_) | ExprKind::Or(_) => self.operands(expr),
        }
        for with in &expr.with {
            self.with(with);
        }
    }

    fn operands<'a>(&mut self, expr: &'a Expr)
    where
        C: Collect<'a>,
    {
        if self.vars.operands(expr) || self.params.skip_closures {
            return;
        }
        match &expr.kind {
            ExprKind::Not(not) => self.body(&not.body),
            ExprKind::And(pair) | ExprKind::Or(pair) => {
                self.body(&pair.lhs);
                self.body(&pair.rhs);
            }
            _ => {}
        }
    }

    /// Looks at a modifier.
    pub fn with<'a>(&mut self, with: &'a With)
    where
        C: Collect<'a>,
    {
        if self.params.skip_with_target {
            self.term(&with.value);
        } else if self.params.skip_ref_call_head {
            if let TermKind::Ref(path) = &with.target.kind {
                self.terms(path.get(1..).unwrap_or_default());
            }
            match &with.value.kind {
                TermKind::Ref(path) => self.terms(path.get(1..).unwrap_or_default()),
                _ => self.term(&with.value),
            }
        } else {
            self.term(&with.target);
            self.term(&with.value);
        }
    }

    /// Looks at terms one after another.
    pub fn terms<'a>(&mut self, terms: &'a [Term])
    where
        C: Collect<'a>,
    {
        for term in terms {
            self.term(term);
        }
    }

    fn call<'a>(&mut self, terms: &'a [Term])
    where
        C: Collect<'a>,
    {
        let Some((operator, operands)) = terms.split_first() else {
            return;
        };
        match &operator.kind {
            TermKind::Ref(path) if self.params.skip_ref_call_head => {
                self.terms(path.get(1..).unwrap_or_default());
            }
            _ => self.term(operator),
        }
        self.terms(operands);
    }

    /// Looks at a reference that stands by itself, as a rule head's.
    pub fn reference<'a>(&mut self, path: &'a [Term])
    where
        C: Collect<'a>,
    {
        let from = usize::from(self.params.skip_ref_head);
        self.terms(path.get(from..).unwrap_or_default());
    }

    /// Looks at a head: its reference, its arguments, its value.
    pub fn head<'a>(&mut self, head: &'a Head)
    where
        C: Collect<'a>,
    {
        self.reference(&head.reference);
        self.terms(&head.args);
        if let Some(value) = &head.value {
            self.term(value);
        }
    }

    /// Looks at a term.
    pub fn term<'a>(&mut self, term: &'a Term)
    where
        C: Collect<'a>,
    {
        match &term.kind {
            TermKind::Null | TermKind::Boolean(_) | TermKind::Number(_) | TermKind::String(_) => {}
            TermKind::Var(name) => {
                if !(self.params.skip_wildcards && is_wildcard(name)) {
                    self.vars.var(name, term.span);
                }
            }
            TermKind::Ref(path) => self.reference(path),
            TermKind::Call(terms) => self.call(terms),
            TermKind::Array(terms) => self.terms(terms),
            TermKind::Set(terms) => {
                if !self.params.skip_sets {
                    self.terms(terms);
                }
            }
            TermKind::Object(members) => {
                for (key, value) in members {
                    if !self.params.skip_object_keys {
                        self.term(key);
                    }
                    self.term(value);
                }
            }
            TermKind::ArrayComprehension(_)
            | TermKind::SetComprehension(_)
            | TermKind::ObjectComprehension(_)
            | TermKind::Template(_)
                if self.params.skip_closures => {}
            TermKind::ArrayComprehension(inner) | TermKind::SetComprehension(inner) => {
                self.term(&inner.term);
                self.body(&inner.body);
            }
            TermKind::ObjectComprehension(inner) => {
                self.term(&inner.key);
                self.term(&inner.value);
                self.body(&inner.body);
            }
            TermKind::Template(template) => {
                if self.params.skip_template_strings {
                    return;
                }
                for part in &template.parts {
                    match part {
                        TemplatePart::Text(text) => self.term(text),
                        TemplatePart::Expr(expr) => self.expr(expr),
                    }
                }
            }
        }
    }
}

/// The variables of a body.
pub fn body_vars(body: &[Expr], params: VarParams) -> VarSet {
    let mut visitor = VarVisitor::new(params);
    visitor.body(body);
    visitor.vars
}

/// The variables of an expression.
pub fn expr_vars(expr: &Expr, params: VarParams) -> VarSet {
    let mut visitor = VarVisitor::new(params);
    visitor.expr(expr);
    visitor.vars
}

/// The names of the variables of a term.
pub fn term_names(term: &Term, params: VarParams) -> NameSet<'_> {
    let mut visitor = VarVisitor::collecting(params, NameSet::new());
    visitor.term(term);
    visitor.vars
}

/// The variables of a term.
pub fn term_vars(term: &Term, params: VarParams) -> VarSet {
    let mut visitor = VarVisitor::new(params);
    visitor.term(term);
    visitor.vars
}

/// The variables of a head: arguments, key, value and what follows the name in its reference.
pub fn head_vars(head: &Head) -> VarSet {
    let mut visitor = VarVisitor::new(VarParams::ALL);
    visitor.terms(&head.args);
    if let Some(key) = &head.key {
        visitor.term(key);
    }
    if let Some(value) = &head.value {
        visitor.term(value);
    }
    visitor.terms(head.reference.get(1..).unwrap_or_default());
    visitor.vars
}

#[cfg(test)]
mod tests {
    use super::*;
    use regovm_parser::ast::{Comprehension, Every};

    fn var(name: &str) -> Term {
        Term::var(name, Span::new(1, 2))
    }

    fn operator(name: &str) -> Term {
        Term::new(TermKind::Ref(vec![var(name)]), Span::NONE)
    }

    fn names(vars: &VarSet) -> String {
        vars.iter()
            .map(|name| &**name)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// `count([y | f.x[z]], {k: v}, {s}) with input.a as b.c`
    fn sample() -> Expr {
        let path = Term::new(TermKind::Ref(vec![var("f"), var("z")]), Span::NONE);
        let comprehension = Term::new(
            TermKind::ArrayComprehension(Box::new(Comprehension {
                term: var("y"),
                body: vec![Expr::new(ExprKind::Term(path), Span::NONE)],
            })),
            Span::NONE,
        );
        let object = Term::new(TermKind::Object(vec![(var("k"), var("v"))]), Span::NONE);
        let set = Term::new(TermKind::Set(vec![var("s")]), Span::NONE);
        let mut expr = Expr::new(
            ExprKind::Call(vec![operator("count"), comprehension, object, set]),
            Span::NONE,
        );
        let reference = |head: &str, last: &str| {
            Term::new(TermKind::Ref(vec![var(head), var(last)]), Span::NONE)
        };
        expr.with.push(With {
            target: reference("input", "a"),
            value: reference("b", "c"),
            span: Span::NONE,
        });
        expr
    }

    #[test]
    fn parameters_pass_over_what_they_name() {
        let expr = sample();
        let vars = |params| names(&expr_vars(&expr, params));
        assert_eq!(vars(VarParams::ALL), "a b c count f input k s v y z");
        assert_eq!(vars(VarParams::SAFETY), "a c k s v");
        let no_heads = VarParams {
            skip_ref_head: true,
            ..VarParams::ALL
        };
        assert_eq!(vars(no_heads), "a c k s v y z");
        let no_keys = VarParams {
            skip_object_keys: true,
            skip_sets: true,
            ..VarParams::SAFETY
        };
        assert_eq!(vars(no_keys), "a c v");
        let no_targets = VarParams {
            skip_with_target: true,
            ..no_heads
        };
        assert_eq!(vars(no_targets), "c k s v y z");
    }

    #[test]
    fn every_shows_its_domain_only_when_closures_are_skipped() {
        let every = Every {
            key: Some(var("k")),
            value: var("v"),
            domain: var("d"),
            body: vec![Expr::new(ExprKind::Term(var("b")), Span::NONE)],
            span: Span::NONE,
        };
        let expr = Expr::new(ExprKind::Every(Box::new(every)), Span::NONE);
        assert_eq!(names(&expr_vars(&expr, VarParams::ALL)), "b d k v");
        assert_eq!(names(&expr_vars(&expr, VarParams::SAFETY)), "d");
    }

    #[test]
    fn walks_stop_where_they_are_told_to() {
        let expr = sample();
        let mut seen = 0;
        walk_terms(Node::Expr(&expr), &mut |term| {
            seen += 1;
            matches!(term.kind, TermKind::ArrayComprehension(_))
        });
        // operator and its var, comprehension, object with two, set with one, two refs with two.
        assert_eq!(seen, 2 + 1 + 3 + 2 + 6);
    }

    #[test]
    fn mutable_walks_reach_every_variable() {
        struct Rename;
        impl VisitMut for Rename {
            fn term(&mut self, term: &mut Term) {
                if let TermKind::Var(name) = &mut term.kind {
                    *name = format!("{name}2").into();
                }
                descend_term(self, term);
            }
        }
        let mut expr = sample();
        Rename.expr(&mut expr);
        assert_eq!(
            names(&expr_vars(&expr, VarParams::ALL)),
            "a2 b2 c2 count2 f2 input2 k2 s2 v2 y2 z2"
        );
    }
}
