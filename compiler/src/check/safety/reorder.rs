//! The order of a body: again and again the first expressions whose variables are bound by those
//! already chosen.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use regovm_core::Span;
use regovm_parser::ast::{Body, Expr, ExprKind, Name, TemplatePart, Term, TermKind};

use crate::output_vars::{Arity, equality_operands, of_expr};
use crate::state::State;
use crate::visit::{
    self, Node, ScopedVars, VarParams, VarSet, VarVisitor, Vars, expr_vars, reserved_vars,
    term_vars,
};

/// An expression with variables that nothing binds.
pub struct Unsafe {
    /// Where it stands.
    pub span: Span,
    /// What nothing binds.
    pub vars: VarSet,
    /// What it assigns, if it was a `:=`.
    pub assigns: VarSet,
}

/// A body in order, closures inside of it too. If something is unsafe the body is given back as far
/// as it was, and what is unsafe beside it.
pub fn body(state: &State<'_>, globals: &VarSet, body: Body) -> (Body, Vec<Unsafe>) {
    let arity = |path: &[Term]| state.arity(path);
    let mut order = Order {
        arity: &arity,
        left: Vec::new(),
    };
    let mut outer = ScopedVars::from(globals);
    let body = order.body(&mut outer, body);
    (body, order.left)
}

struct Order<'a> {
    arity: Arity<'a>,
    left: Vec<Unsafe>,
}

impl Order<'_> {
    /// The variables that expressions mention outside of closures; those of operands without braces
    /// count unless the operand binds them for itself.
    fn mentions(&self, exprs: &[Expr]) -> VarSet {
        let hook = |visitor: &mut VarVisitor<'_>, expr: &Expr| {
            let mut promote = |body: &[Expr]| {
                for name in &operand_needs(body, self.arity) {
                    visitor.vars.add(name);
                }
            };
            match &expr.kind {
                ExprKind::Not(not) => {
                    if !not.explicit {
                        promote(&not.body);
                    }
                }
                ExprKind::And(pair) | ExprKind::Or(pair) => {
                    if !pair.explicit_lhs {
                        promote(&pair.lhs);
                    }
                    if !pair.explicit_rhs {
                        promote(&pair.rhs);
                    }
                }
                _ => return false,
            }
            true
        };
        let mut visitor = VarVisitor::new(VarParams::SAFETY);
        visitor.hook = Some(&hook);
        visitor.body(exprs);
        visitor.vars
    }

    /// Goes through the expressions again and again, and each time chooses those whose variables are bound by
    /// now. An expression is looked at again only when one of its variables has been bound since.
    ///
    /// Gives the chosen ones in order with their places in the body, and leaves the rest where they are.
    fn choose(
        &self,
        body: Body,
        needs: &mut [VarSet],
        closed_over: &[VarSet],
        mut safe: VarSet,
    ) -> (Body, Vec<usize>, Vec<Option<Expr>>) {
        let mut waiting: HashMap<Name, Vec<usize>> = HashMap::new();
        for (i, expr) in body.iter().enumerate() {
            for name in expr_vars(expr, VarParams::ALL) {
                if !safe.contains(&name) {
                    waiting.entry(name).or_default().push(i);
                }
            }
        }
        // What is to be looked at, by the number of the round and the place in the body.
        let mut todo: BTreeSet<(usize, usize)> = (0..body.len()).map(|i| (0, i)).collect();
        let mut rest: Vec<Option<Expr>> = body.into_iter().map(Some).collect();
        let mut chosen: Body = Vec::with_capacity(rest.len());
        let mut places: Vec<usize> = Vec::with_capacity(rest.len());
        while let Some((round, i)) = todo.pop_first() {
            let Some(expr) = &rest[i] else { continue };
            let outputs = of_expr(expr, self.arity, &safe);
            let open = &mut needs[i];
            // What was chosen binds nothing that is not safe, so all that is closed over is open.
            if !closed_over[i].is_empty() {
                if closed_over[i].same_vars(&outputs) {
                    // It closes over what it binds itself.
                    continue;
                }
                open.clone_from(&closed_over[i]);
            }
            open.retain(|name| !outputs.contains(name) && !safe.contains(name));
            if !open.is_empty() {
                continue;
            }
            for name in &outputs {
                if safe.add(name) {
                    for later in waiting.remove(name).unwrap_or_default() {
                        todo.insert((round + usize::from(later <= i), later));
                    }
                }
            }
            places.push(i);
            chosen.extend(rest[i].take());
        }
        (chosen, places, rest)
    }

    fn body(&mut self, globals: &mut ScopedVars, body: Body) -> Body {
        let body_vars = self.mentions(&body);
        let safe = body_vars.filter(|name| globals.contains(name));
        let mut needs: Vec<VarSet> = body
            .iter()
            .map(|expr| self.mentions(std::slice::from_ref(expr)).difference(&safe))
            .collect();
        let closed_over: Vec<VarSet> = body
            .iter()
            .map(|expr| {
                vars_in_closures(expr)
                    .filter(|name| body_vars.contains(name) && !globals.contains(name))
            })
            .collect();

        let (mut chosen, places, rest) = self.choose(body, &mut needs, &closed_over, safe);

        let mark = self.left.len();
        let mut open: Vec<VarSet> = vec![VarSet::new(); chosen.len()];
        let outer = globals.mark();
        for (i, open) in open.iter_mut().enumerate() {
            let (earlier, later) = chosen.split_at_mut(i);
            if let Some(last) = earlier.last() {
                globals.extend(&self.mentions(std::slice::from_ref(last)));
            }
            let mut closures = Closures {
                order: self,
                globals,
                open,
            };
            closures.expr(&mut later[0]);
        }
        globals.rewind(outer);

        for (expr, open) in chosen.iter().zip(open) {
            self.note(expr, open);
        }
        for (expr, open) in rest.iter().zip(needs) {
            if let Some(expr) = expr {
                self.note(expr, open);
            }
        }
        if self.left.len() > mark {
            return restored(chosen, places, rest);
        }
        for (i, expr) in chosen.iter_mut().enumerate() {
            expr.index = i as u32;
        }
        chosen
    }

    fn note(&mut self, expr: &Expr, vars: VarSet) {
        if vars.is_empty() {
            return;
        }
        let assigns = match equality_operands(expr) {
            Some((target, _)) if expr.from_assignment => term_vars(target, VarParams::ALL),
            _ => VarSet::new(),
        };
        self.left.push(Unsafe {
            span: expr.span,
            vars,
            assigns,
        });
    }

    /// The body of a closure; `collected` are the variables that it gives.
    fn closure(
        &mut self,
        globals: &mut ScopedVars,
        collected: &VarSet,
        open: &mut VarSet,
        body: &mut Body,
    ) {
        if !collected.is_empty() {
            let bound = self.mentions(body);
            let unbound = |name: &str| !globals.contains(name) && !bound.contains(name);
            open.extend(&collected.filter(unbound));
        }
        let taken = std::mem::take(body);
        *body = self.body(globals, taken);
    }
}

/// All expressions in the order in which they were written.
fn restored(chosen: Body, places: Vec<usize>, rest: Vec<Option<Expr>>) -> Body {
    let mut all: Vec<(usize, Expr)> = places.into_iter().zip(chosen).collect();
    all.extend(
        rest.into_iter()
            .enumerate()
            .filter_map(|(i, expr)| Some((i, expr?))),
    );
    all.sort_by_key(|(i, _)| *i);
    all.into_iter().map(|(_, expr)| expr).collect()
}

/// Orders the closures of one expression.
struct Closures<'o, 'a> {
    order: &'o mut Order<'a>,
    globals: &'o mut ScopedVars,
    open: &'o mut VarSet,
}

impl Closures<'_, '_> {
    fn expr(&mut self, expr: &mut Expr) {
        let none = VarSet::new();
        match &mut expr.kind {
            ExprKind::Every(every) => {
                if let Some(key) = &every.key {
                    self.globals.extend(&term_vars(key, VarParams::ALL));
                }
                self.globals
                    .extend(&term_vars(&every.value, VarParams::ALL));
                self.order
                    .closure(self.globals, &none, self.open, &mut every.body);
                return;
            }
            ExprKind::Not(not) => {
                self.order
                    .closure(self.globals, &none, self.open, &mut not.body);
                return;
            }
            ExprKind::And(pair) | ExprKind::Or(pair) => {
                self.order
                    .closure(self.globals, &none, self.open, &mut pair.lhs);
                self.order
                    .closure(self.globals, &none, self.open, &mut pair.rhs);
                return;
            }
            ExprKind::Term(term) => self.term(term),
            ExprKind::Call(terms) | ExprKind::Some(terms) => {
                terms.iter_mut().for_each(|term| self.term(term));
            }
        }
        for with in &mut expr.with {
            self.term(&mut with.target);
            self.term(&mut with.value);
        }
    }

    fn term(&mut self, term: &mut Term) {
        match &mut term.kind {
            TermKind::Ref(terms)
            | TermKind::Array(terms)
            | TermKind::Set(terms)
            | TermKind::Call(terms) => terms.iter_mut().for_each(|term| self.term(term)),
            TermKind::Object(members) => {
                for (key, value) in members {
                    self.term(key);
                    self.term(value);
                }
            }
            TermKind::ArrayComprehension(inner) | TermKind::SetComprehension(inner) => {
                let collected = term_vars(&inner.term, VarParams::ALL);
                self.order
                    .closure(self.globals, &collected, self.open, &mut inner.body);
            }
            TermKind::ObjectComprehension(inner) => {
                let mut collected = term_vars(&inner.key, VarParams::ALL);
                collected.extend(&term_vars(&inner.value, VarParams::ALL));
                self.order
                    .closure(self.globals, &collected, self.open, &mut inner.body);
            }
            TermKind::Template(template) => {
                for part in &mut template.parts {
                    if let TemplatePart::Expr(expr) = part {
                        self.expr(expr);
                    }
                }
            }
            TermKind::Null
            | TermKind::Boolean(_)
            | TermKind::Number(_)
            | TermKind::String(_)
            | TermKind::Var(_) => {}
        }
    }
}

/// The variables inside the closures of an expression.
fn vars_in_closures(expr: &Expr) -> VarSet {
    let mut visitor = VarVisitor::new(VarParams::ALL);
    visit::walk(Node::Expr(expr), &mut |node| {
        let expr = match node {
            Node::Expr(expr) => expr,
            Node::Term(term) => {
                let closure = matches!(
                    term.kind,
                    TermKind::ArrayComprehension(_)
                        | TermKind::SetComprehension(_)
                        | TermKind::ObjectComprehension(_)
                );
                if closure {
                    visitor.term(term);
                }
                return closure;
            }
            _ => return false,
        };
        match &expr.kind {
            ExprKind::Every(every) => visitor.body(&every.body),
            ExprKind::Not(not) => visitor.body(&not.body),
            ExprKind::And(pair) | ExprKind::Or(pair) => {
                visitor.body(&pair.lhs);
                visitor.body(&pair.rhs);
            }
            _ => return false,
        }
        // The values of modifiers are variables by now: no closures are left in them.
        true
    });
    visitor.vars
}

/// What an operand without braces needs from outside. Of a single expression that is everything. Of
/// several (stages have split one up) it is what none of them binds, and what only one mentions.
fn operand_needs(body: &[Expr], arity: Arity<'_>) -> VarSet {
    let mut mentions: BTreeMap<Name, usize> = BTreeMap::new();
    for expr in body {
        for name in expr_vars(expr, VarParams::SAFETY) {
            *mentions.entry(name).or_default() += 1;
        }
    }
    if body.len() == 1 {
        return mentions.into_keys().collect();
    }
    let bindings = bindings_within(body, arity, mentions.keys());
    mentions
        .into_iter()
        .filter(|(name, count)| *count == 1 || !bindings.contains(name))
        .map(|(name, _)| name)
        .collect()
}

/// What the equalities and calls of a body bind, if all that is no side of an equality is bound
/// outside.
fn bindings_within<'n>(
    body: &[Expr],
    arity: Arity<'_>,
    mentioned: impl Iterator<Item = &'n Name>,
) -> VarSet {
    let mut safe = reserved_vars();
    for name in mentioned {
        safe.add(name);
    }
    for (a, b) in body.iter().filter_map(equality_operands) {
        for name in [a, b].into_iter().filter_map(Term::as_var) {
            safe.remove(name);
        }
    }
    let mut bindings = VarSet::new();
    loop {
        let before = bindings.len();
        for expr in body.iter().filter(|expr| equality_operands(expr).is_some()) {
            for name in equality_outputs(expr, &safe) {
                bindings.add(&name);
                safe.add(&name);
            }
        }
        if bindings.len() == before {
            break;
        }
    }
    for expr in body {
        let ExprKind::Call(terms) = &expr.kind else {
            continue;
        };
        if equality_operands(expr).is_some() {
            continue;
        }
        let Some(TermKind::Ref(operator)) = terms.first().map(|operator| &operator.kind) else {
            continue;
        };
        let Some(arity) = arity(operator) else {
            continue;
        };
        let mut outputs = VarVisitor::new(VarParams {
            skip_closures: true,
            skip_sets: true,
            skip_object_keys: true,
            skip_ref_head: true,
            ..VarParams::ALL
        });
        outputs.terms(terms.get(arity + 1..).unwrap_or_default());
        bindings.extend(&outputs.vars);
    }
    bindings
}

/// What an equality binds, whatever else its expression has (negation, modifiers).
fn equality_outputs(expr: &Expr, safe: &VarSet) -> VarSet {
    let plain = Expr {
        negated: false,
        with: Vec::new(),
        ..expr.clone()
    };
    of_expr(&plain, &|_| None, safe)
}
