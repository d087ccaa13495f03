//! Which variables an expression binds, given those that are bound before it.

use hashbrown::HashMap;
use regovm_parser::ast::{Expr, ExprKind, Name, Term, TermKind, With};

use crate::order::{is_ground_ref, sorted_members, terms_equal};
use crate::visit::{
    Collect, NameSet, Node, ScopedVars, VarParams, VarVisitor, Vars, term_names, walk_terms,
};

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
        known.extend(outputs.iter());
    }
}

/// The variables that an expression binds if those in `safe` are bound before it.
pub fn of_expr<'a>(expr: &'a Expr, arity: Arity<'_>, safe: &dyn Vars) -> NameSet<'a> {
    // What stands below a negation binds nothing outside of it.
    let mut outputs = NameSet::new();
    if expr.negated || !expr.with.iter().all(|with| is_with_safe(with, safe)) {
        return outputs;
    }
    match &expr.kind {
        ExprKind::Term(_) => of_refs(Node::Expr(expr), safe, &mut outputs),
        ExprKind::Call(terms) => match equality_operands(expr) {
            Some(sides) => return of_equality(sides, expr.from_assignment, &expr.with, safe),
            None if is_operator(terms, "eq") => {}
            None => return of_call(expr, terms, arity, safe),
        },
        ExprKind::Every(every) => of_refs(Node::Term(&every.domain), safe, &mut outputs),
        ExprKind::Some(_) | ExprKind::Not(_) | ExprKind::And(_) | ExprKind::Or(_) => {}
    }
    outputs
}

fn is_with_safe(with: &With, safe: &dyn Vars) -> bool {
    let mut visitor = VarVisitor::collecting(VarParams::SAFETY, AllSafe::among(safe));
    visitor.with(with);
    visitor.vars.all
}

/// Whether all variables that a visitor meets are safe.
struct AllSafe<'s> {
    safe: &'s dyn Vars,
    all: bool,
}

impl<'s> AllSafe<'s> {
    fn among(safe: &'s dyn Vars) -> AllSafe<'s> {
        AllSafe { safe, all: true }
    }
}

impl<'a> Collect<'a> for AllSafe<'_> {
    fn var(&mut self, name: &'a Name, _: regovm_core::Span) {
        self.all = self.all && self.safe.contains(name);
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

/// What `a = b` binds under modifiers whose variables are bound.
pub fn of_equality<'a>(
    (a, b): (&'a Term, &'a Term),
    from_assignment: bool,
    with: &'a [With],
    safe: &dyn Vars,
) -> NameSet<'a> {
    let mut known = Known {
        safe,
        found: NameSet::new(),
        hidden: NameSet::new(),
    };
    // The operator is a reference of one term.
    for side in [a, b] {
        of_refs(Node::Term(side), safe, &mut known.found);
    }
    for with in with {
        of_refs(Node::With(with), safe, &mut known.found);
    }
    if from_assignment {
        // The left side of `:=` is written only: it must not make the right side safe.
        known.hidden = term_names(a, VarParams::ALL);
        let hidden = &known.hidden;
        known.found.retain(|name| !hidden.contains(name));
    }
    let mut outputs = unify_known(&known, a, b);
    outputs.extend(&known.found);
    outputs.retain(|name| !safe.contains(name));
    outputs
}

/// The variables that are bound before a unification, without a copy of the large set.
struct Known<'s, 'a> {
    safe: &'s dyn Vars,
    found: NameSet<'a>,
    hidden: NameSet<'a>,
}

impl Vars for Known<'_, '_> {
    fn contains(&self, name: &str) -> bool {
        (self.safe.contains(name) || self.found.contains(name)) && !self.hidden.contains(name)
    }
}

impl Known<'_, '_> {
    fn can_read(&self, term: &Term) -> bool {
        match &term.kind {
            TermKind::Ref(path) => is_ref_safe(path, self),
            _ => is_term_safe(term, self),
        }
    }
}

fn of_call<'a>(
    expr: &'a Expr,
    terms: &'a [Term],
    arity: Arity<'_>,
    safe: &dyn Vars,
) -> NameSet<'a> {
    let mut outputs = NameSet::new();
    let operator = match terms.first().map(|operator| &operator.kind) {
        Some(TermKind::Ref(path)) => path,
        _ => return outputs,
    };
    let Some(arity) = arity(operator) else {
        return outputs;
    };
    of_refs(Node::Expr(expr), safe, &mut outputs);
    let inputs = arity + 1;
    if inputs >= terms.len() {
        return outputs;
    }
    let mut read = VarVisitor::collecting(OPERANDS, NameSet::new());
    read.terms(&terms[..inputs]);
    let mut open = read.vars.iter().filter(|name| !outputs.contains(name));
    if !open.all(|name| safe.contains(name)) {
        return NameSet::new();
    }
    let mut written = VarVisitor::collecting(OPERANDS, outputs);
    written.terms(&terms[inputs..]);
    written.vars
}

/// The variables in brackets of references whose head is safe: they iterate.
fn of_refs<'a>(node: Node<'a>, safe: &dyn Vars, outputs: &mut NameSet<'a>) {
    walk_terms(node, &mut |term: &'a Term| match &term.kind {
        TermKind::SetComprehension(_)
        | TermKind::ArrayComprehension(_)
        | TermKind::ObjectComprehension(_)
        | TermKind::Template(_) => true,
        TermKind::Ref(path) => {
            if !is_ref_safe(path, safe) {
                return true;
            }
            if !is_ground_ref(path) {
                let params = VarParams {
                    skip_ref_head: true,
                    ..VarParams::ALL
                };
                VarVisitor::collecting(params, &mut *outputs).reference(path);
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
    let mut visitor = VarVisitor::collecting(VarParams::SAFETY, AllSafe::among(safe));
    visitor.term(term);
    visitor.vars.all
}

/// The variables that `a = b` binds if those in `safe` are bound before it.
pub fn unify<'a>(safe: &dyn Vars, a: &'a Term, b: &'a Term) -> NameSet<'a> {
    unify_known(
        &Known {
            safe,
            found: NameSet::new(),
            hidden: NameSet::new(),
        },
        a,
        b,
    )
}

fn unify_known<'a>(known: &Known<'_, '_>, a: &'a Term, b: &'a Term) -> NameSet<'a> {
    let mut unifier = Unifier {
        known,
        unified: NameSet::new(),
        waiting: HashMap::new(),
    };
    unifier.unify(a, b);
    unifier.unified
}

struct Unifier<'s, 'a> {
    known: &'s Known<'s, 's>,
    unified: NameSet<'a>,
    /// Variables that become safe as soon as all of these are.
    waiting: HashMap<&'a Name, NameSet<'a>>,
}

impl<'a> Unifier<'_, 'a> {
    fn is_safe(&self, name: &str) -> bool {
        self.known.contains(name) || self.unified.contains(name)
    }

    // A pair that cannot be read must not fall through to a later arm.
    #[allow(clippy::collapsible_match)]
    fn unify(&mut self, a: &'a Term, b: &'a Term) {
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

    fn mark_all(&mut self, term: &'a Term) {
        for name in term_names(term, DESTRUCTURED).iter() {
            self.mark(name);
        }
    }

    fn mark(&mut self, name: &'a Name) {
        if self.waiting.is_empty() {
            self.unified.add(name);
            return;
        }
        let mut todo = vec![name];
        while let Some(name) = todo.pop() {
            self.unified.add(name);
            if let Some(others) = self.waiting.remove(name) {
                todo.extend(others.iter());
            }
            for (other, needs) in &mut self.waiting {
                if needs.remove(name) && needs.is_empty() {
                    todo.push(other);
                }
            }
        }
    }

    fn wait(&mut self, name: &'a Name, needs: &'a Name) {
        self.waiting.entry(name).or_default().add(needs);
    }

    fn unify_parts(&mut self, name: &'a Name, parts: &'a Term) {
        if self.is_safe(name) {
            self.mark_all(parts);
            return;
        }
        let mut open = term_names(parts, DESTRUCTURED);
        open.retain(|part| !self.is_safe(part));
        if open.is_empty() {
            self.mark(name);
        }
        for part in open.iter() {
            self.wait(name, part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::VarSet;
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
            .sorted()
            .into_iter()
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
