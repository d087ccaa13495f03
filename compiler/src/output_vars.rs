//! Which variables an expression binds, given those that are bound before it.

use std::collections::BTreeMap;

use regovm_parser::ast::{Expr, ExprKind, Name, Term, TermKind};

use crate::order::{is_ground_ref, sorted_members, terms_equal};
use crate::visit::{Node, ScopedVars, VarParams, VarSet, VarVisitor, Vars, term_vars, walk_terms};

/// Number of arguments of what a call's operator names, if it is known.
pub type Arity<'a> = &'a dyn Fn(&[Term]) -> Option<usize>;

/// What a term mentions when it is taken apart by unification.
const DESTRUCTURED: VarParams = VarParams {
    skip_ref_head: true,
    skip_object_keys: true,
    skip_closures: true,
    ..VarParams::ALL
};

/// What the operands of a call mention. Sets and object keys cannot be taken apart.
const OPERANDS: VarParams = VarParams {
    skip_sets: true,
    ..DESTRUCTURED
};

/// Adds the variables that a body binds, in the order given.
pub fn add_body(known: &mut ScopedVars, body: &[Expr], arity: Arity<'_>) {
    for expr in body {
        let outputs = of_expr(expr, arity, known);
        known.extend(&outputs);
    }
}

/// The variables that an expression binds if those in `safe` are bound before it.
pub fn of_expr(expr: &Expr, arity: Arity<'_>, safe: &dyn Vars) -> VarSet {
    // What stands below a negation binds nothing outside of it.
    if expr.negated {
        return VarSet::new();
    }
    for with in &expr.with {
        let mut visitor = VarVisitor::new(VarParams::SAFETY);
        visitor.with(with);
        if !visitor.vars.is_subset(safe) {
            return VarSet::new();
        }
    }
    match &expr.kind {
        ExprKind::Term(_) => {
            let mut outputs = VarSet::new();
            of_refs(Node::Expr(expr), safe, &mut outputs);
            outputs
        }
        ExprKind::Call(terms) => match equality_operands(expr) {
            Some(sides) => of_equality(expr, sides, safe),
            None if is_operator(terms, "eq") => VarSet::new(),
            None => of_call(expr, terms, arity, safe),
        },
        ExprKind::Every(every) => {
            let mut outputs = VarSet::new();
            of_refs(Node::Term(&every.domain), safe, &mut outputs);
            outputs
        }
        ExprKind::Some(_) | ExprKind::Not(_) | ExprKind::And(_) | ExprKind::Or(_) => VarSet::new(),
    }
}

/// True if a call's operator is the global built-in `name`.
pub fn is_operator(terms: &[Term], name: &str) -> bool {
    match terms.first().map(|operator| &operator.kind) {
        Some(TermKind::Ref(path)) => {
            matches!(path.as_slice(), [Term { kind: TermKind::Var(var), .. }] if **var == *name)
        }
        _ => false,
    }
}

/// The two sides of `a = b`.
pub fn equality_operands(expr: &Expr) -> Option<(&Term, &Term)> {
    match &expr.kind {
        ExprKind::Call(terms) if is_operator(terms, "eq") => match terms.as_slice() {
            [_, a, b] => Some((a, b)),
            _ => None,
        },
        _ => None,
    }
}

fn of_equality(expr: &Expr, (a, b): (&Term, &Term), safe: &dyn Vars) -> VarSet {
    let mut known = Known {
        safe,
        found: VarSet::new(),
        hidden: VarSet::new(),
    };
    of_refs(Node::Expr(expr), safe, &mut known.found);
    if expr.from_assignment {
        // The left side of `:=` is written only: it must not make the right side safe.
        known.hidden = term_vars(a, VarParams::ALL);
        known.found = known.found.difference(&known.hidden);
    }
    let mut outputs = unify_known(&known, a, b);
    outputs.extend(&known.found);
    outputs.filter(|name| !safe.contains(name))
}

/// The variables that are bound before a unification, without a copy of the large set.
struct Known<'s> {
    safe: &'s dyn Vars,
    found: VarSet,
    hidden: VarSet,
}

impl Known<'_> {
    fn contains(&self, name: &str) -> bool {
        (self.safe.contains(name) || self.found.contains(name)) && !self.hidden.contains(name)
    }

    fn can_read(&self, term: &Term) -> bool {
        let vars = match &term.kind {
            TermKind::Ref(path) => match path.first() {
                Some(Term {
                    kind: TermKind::Var(name),
                    ..
                }) => return self.contains(name),
                Some(head) => term_vars(head, VarParams::SAFETY),
                None => return true,
            },
            _ => term_vars(term, VarParams::SAFETY),
        };
        vars.iter().all(|name| self.contains(name))
    }
}

fn of_call(expr: &Expr, terms: &[Term], arity: Arity<'_>, safe: &dyn Vars) -> VarSet {
    let operator = match terms.first().map(|operator| &operator.kind) {
        Some(TermKind::Ref(path)) => path,
        _ => return VarSet::new(),
    };
    let Some(arity) = arity(operator) else {
        return VarSet::new();
    };
    let mut outputs = VarSet::new();
    of_refs(Node::Expr(expr), safe, &mut outputs);
    let inputs = arity + 1;
    if inputs >= terms.len() {
        return outputs;
    }
    let mut read = VarVisitor::new(OPERANDS);
    read.terms(&terms[..inputs]);
    if !read.vars.difference(&outputs).is_subset(safe) {
        return VarSet::new();
    }
    let mut written = VarVisitor::new(OPERANDS);
    written.terms(&terms[inputs..]);
    outputs.extend(&written.vars);
    outputs
}

/// The variables in brackets of references whose head is safe: they iterate.
fn of_refs(node: Node<'_>, safe: &dyn Vars, outputs: &mut VarSet) {
    walk_terms(node, &mut |term| match &term.kind {
        TermKind::SetComprehension(_)
        | TermKind::ArrayComprehension(_)
        | TermKind::ObjectComprehension(_)
        | TermKind::Template(_) => true,
        TermKind::Ref(path) => {
            if !is_ref_safe(path, safe) {
                return true;
            }
            if !is_ground_ref(path) {
                let mut visitor = VarVisitor::new(VarParams {
                    skip_ref_head: true,
                    ..VarParams::ALL
                });
                visitor.reference(path);
                outputs.extend(&visitor.vars);
            }
            false
        }
        _ => false,
    });
}

fn is_ref_safe(path: &[Term], safe: &dyn Vars) -> bool {
    match path.first() {
        Some(Term {
            kind: TermKind::Var(name),
            ..
        }) => safe.contains(name),
        Some(head) => is_term_safe(head, safe),
        None => true,
    }
}

fn is_term_safe(term: &Term, safe: &dyn Vars) -> bool {
    term_vars(term, VarParams::SAFETY).is_subset(safe)
}

/// The variables that `a = b` binds if those in `safe` are bound before it.
pub fn unify(safe: &dyn Vars, a: &Term, b: &Term) -> VarSet {
    unify_known(
        &Known {
            safe,
            found: VarSet::new(),
            hidden: VarSet::new(),
        },
        a,
        b,
    )
}

fn unify_known(known: &Known<'_>, a: &Term, b: &Term) -> VarSet {
    let mut unifier = Unifier {
        known,
        unified: VarSet::new(),
        waiting: BTreeMap::new(),
    };
    unifier.unify(a, b);
    unifier.unified
}

struct Unifier<'s> {
    known: &'s Known<'s>,
    unified: VarSet,
    /// Variables that become safe as soon as all of these are.
    waiting: BTreeMap<Name, VarSet>,
}

impl Unifier<'_> {
    fn is_safe(&self, name: &str) -> bool {
        self.known.contains(name) || self.unified.contains(name)
    }

    // A pair that cannot be read must not fall through to a later arm.
    #[allow(clippy::collapsible_match)]
    fn unify(&mut self, a: &Term, b: &Term) {
        use TermKind::*;
        match (&a.kind, &b.kind) {
            (Var(x), Var(y)) => {
                if self.is_safe(y) {
                    self.mark(x);
                } else if self.is_safe(x) {
                    self.mark(y);
                } else {
                    self.wait(x, y);
                    self.wait(y, x);
                }
            }
            (Var(x), Array(_) | Object(_)) => self.unify_parts(x, b),
            (Array(_) | Object(_), Var(x)) => self.unify_parts(x, a),
            (Var(x), _) => {
                if !matches!(b.kind, Ref(_) | Call(_)) || self.can_read(b) {
                    self.mark(x);
                }
            }
            (Ref(_) | Call(_), Var(x)) => {
                if self.can_read(a) {
                    self.mark(x);
                }
            }
            (Ref(_) | Call(_), Array(_) | Object(_)) => {
                if self.can_read(a) {
                    self.mark_all(b);
                }
            }
            (Array(_) | Object(_), Ref(_) | Call(_)) => {
                if self.can_read(b) {
                    self.mark_all(a);
                }
            }
            (ArrayComprehension(_), Array(_)) | (ObjectComprehension(_), Object(_)) => {
                self.mark_all(b);
            }
            (Array(_), ArrayComprehension(_) | ObjectComprehension(_) | SetComprehension(_)) => {
                self.mark_all(a);
            }
            (Array(xs), Array(ys)) => {
                if xs.len() == ys.len() {
                    for (x, y) in xs.iter().zip(ys) {
                        self.unify(x, y);
                    }
                }
            }
            (Object(xs), Object(ys)) => {
                let (xs, ys) = (sorted_members(xs), sorted_members(ys));
                if xs.len() == ys.len() {
                    for (key, value) in xs {
                        if let Some((_, other)) = ys.iter().find(|(k, _)| terms_equal(k, key)) {
                            self.unify(value, other);
                        }
                    }
                }
            }
            (Ref(_) | Call(_) | Array(_) | Object(_), _) => {}
            (_, Var(x)) => self.mark(x),
            _ => {}
        }
    }

    /// A reference can be read if its head is safe, a call if all of it is.
    fn can_read(&self, term: &Term) -> bool {
        self.known.can_read(term)
    }

    fn mark_all(&mut self, term: &Term) {
        for name in term_vars(term, DESTRUCTURED) {
            self.mark(&name);
        }
    }

    fn mark(&mut self, name: &Name) {
        let mut todo = vec![name.clone()];
        while let Some(name) = todo.pop() {
            self.unified.add(&name);
            todo.extend(self.waiting.remove(&name).into_iter().flatten());
            let mut ready = Vec::new();
            for (other, needs) in &mut self.waiting {
                if needs.remove(&name) && needs.is_empty() {
                    ready.push(other.clone());
                }
            }
            todo.extend(ready);
        }
    }

    fn wait(&mut self, name: &Name, needs: &Name) {
        self.waiting.entry(name.clone()).or_default().add(needs);
    }

    fn unify_parts(&mut self, name: &Name, parts: &Term) {
        if self.is_safe(name) {
            self.mark_all(parts);
            return;
        }
        let open: Vec<Name> = term_vars(parts, DESTRUCTURED)
            .into_iter()
            .filter(|part| !self.is_safe(part))
            .collect();
        if open.is_empty() {
            self.mark(name);
        }
        for part in &open {
            self.wait(name, part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regovm_core::Span;

    fn var(name: &str) -> Term {
        Term::var(name, Span::NONE)
    }
    fn of(kind: TermKind) -> Term {
        Term::new(kind, Span::NONE)
    }
    fn reference(terms: Vec<Term>) -> Term {
        of(TermKind::Ref(terms))
    }
    fn equal(a: Term, b: Term) -> Expr {
        Expr::new(
            ExprKind::Call(vec![reference(vec![var("eq")]), a, b]),
            Span::NONE,
        )
    }
    fn outputs(expr: &Expr, safe: &[&str]) -> String {
        let safe: VarSet = safe.iter().map(|name| Name::from(*name)).collect();
        let found = of_expr(expr, &|path| (path.len() == 1).then_some(1), &safe);
        found
            .iter()
            .map(|name| &**name)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn unification_binds_what_the_other_side_knows() {
        assert_eq!(outputs(&equal(var("x"), var("y")), &["y"]), "x");
        assert_eq!(outputs(&equal(var("x"), var("y")), &["x"]), "y");
        assert_eq!(outputs(&equal(var("x"), var("y")), &[]), "");
        let pair = of(TermKind::Array(vec![var("a"), var("b")]));
        assert_eq!(outputs(&equal(pair.clone(), var("x")), &["x"]), "a b");
        assert_eq!(outputs(&equal(pair.clone(), var("x")), &["a"]), "");
        assert_eq!(outputs(&equal(pair.clone(), var("x")), &["a", "b"]), "x");
        let swapped = of(TermKind::Array(vec![var("x"), var("a")]));
        assert_eq!(outputs(&equal(pair, swapped), &["x"]), "a b");
    }

    #[test]
    fn the_left_side_of_an_assignment_is_not_read() {
        let mut expr = equal(var("x"), var("y"));
        assert_eq!(outputs(&expr, &["x"]), "y");
        expr.from_assignment = true;
        assert_eq!(outputs(&expr, &["x"]), "");
    }

    #[test]
    fn references_iterate_when_their_head_is_known() {
        let expr = Expr::new(
            ExprKind::Term(reference(vec![
                var("xs"),
                var("i"),
                of(TermKind::String("a".into())),
            ])),
            Span::NONE,
        );
        assert_eq!(outputs(&expr, &["xs"]), "i");
        assert_eq!(outputs(&expr, &[]), "");
    }

    #[test]
    fn calls_bind_their_last_operand() {
        let expr = |input: &str| {
            Expr::new(
                ExprKind::Call(vec![reference(vec![var("f")]), var(input), var("out")]),
                Span::NONE,
            )
        };
        // The operator is a reference too: its head must be known, and a built-in's name is not.
        assert_eq!(outputs(&expr("x"), &["x"]), "out");
        assert_eq!(outputs(&expr("x"), &[]), "");
        let mut negated = expr("x");
        negated.negated = true;
        assert_eq!(outputs(&negated, &["x"]), "");
    }
}
