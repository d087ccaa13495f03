//! The order of a body: again and again the first expressions whose variables are bound by those
//! already chosen.

use std::collections::BTreeSet;

use hashbrown::HashMap;
use regovm_core::Span;
use regovm_parser::ast::{Body, Expr, ExprKind, Name, TemplatePart, Term, TermKind};

use crate::output_vars::{Arity, equality_operands, of_equality, of_expr};
use crate::visit::{
    self, Collect, NameSet, Node, ScopedVars, VarParams, VarSet, VarVisitor, Vars, reserved_vars,
    term_names, term_vars,
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

/// Puts a body in order, closures inside of it too. If something is unsafe the body stays as far as it was, and what
/// is unsafe is given back.
pub fn body(arity: Arity<'_>, globals: &mut ScopedVars, body: &mut Body) -> Vec<Unsafe> {
    let mut order = Order {
        arity,
        left: Vec::new(),
    };
    order.body(globals, body);
    order.left
}

struct Order<'a> {
    arity: Arity<'a>,
    left: Vec<Unsafe>,
}

/// The variables that expressions mention outside of closures; those of operands without braces
/// count unless the operand binds them for itself.
struct Mentions<'a, 'o> {
    names: NameSet<'a>,
    arity: Arity<'o>,
}

impl<'a> Collect<'a> for Mentions<'a, '_> {
    fn var(&mut self, name: &'a Name, _: Span) {
        self.names.add(name);
    }

    fn operands(&mut self, expr: &'a Expr) -> bool {
        let mut promote = |body: &'a [Expr]| {
            for name in operand_needs(body, self.arity) {
                self.names.add(name);
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
    }
}

/// In which order the expressions of a body can stand.
struct Choice {
    /// The places of the expressions that were chosen, in order.
    chosen: Vec<usize>,
    /// What nothing binds of each expression that was not.
    open: Vec<(usize, VarSet)>,
    /// Some expression has closures.
    closures: bool,
}

impl Order<'_> {
    fn mentions<'e>(&self, expr: &'e Expr) -> NameSet<'e> {
        let names = Mentions {
            names: NameSet::new(),
            arity: self.arity,
        };
        let mut visitor = VarVisitor::collecting(VarParams::SAFETY, names);
        visitor.expr(expr);
        visitor.vars.names
    }

    /// Goes through the expressions again and again, and each time chooses those whose variables are bound by
    /// now. An expression is looked at again only when one of its variables has been bound since.
    fn choose(&self, globals: &ScopedVars, body: &[Expr]) -> Choice {
        let mut needs: Vec<NameSet<'_>> = body.iter().map(|expr| self.mentions(expr)).collect();
        let mut safe = NameSet::new();
        for name in needs.iter().flat_map(NameSet::iter) {
            if globals.contains(name) {
                safe.add(name);
            }
        }
        let mut closures = false;
        let mut closed_over: Vec<NameSet<'_>> = body
            .iter()
            .map(|expr| vars_in_closures(expr, &mut closures))
            .collect();
        if closures {
            let mut mentioned = NameSet::new();
            for names in &needs {
                mentioned.extend(names);
            }
            for names in &mut closed_over {
                names.retain(|name| mentioned.contains(name) && !globals.contains(name));
            }
        }

        // Those that could not be chosen so far, by their variables that nothing binds yet.
        let mut waiting: HashMap<&Name, Vec<usize>> = HashMap::new();
        // Those that are to be looked at again, by the number of the round and the place in the body.
        let mut again: BTreeSet<(usize, usize)> = BTreeSet::new();
        let mut chosen: Vec<usize> = Vec::with_capacity(body.len());
        let mut is_chosen = vec![false; body.len()];
        let mut first_round = 0..body.len();
        while let Some((round, i)) = first_round
            .next()
            .map(|i| (0, i))
            .or_else(|| again.pop_first())
        {
            if is_chosen[i] {
                continue;
            }
            let expr = &body[i];
            let outputs = of_expr(expr, self.arity, &safe);
            let open = &mut needs[i];
            let mut fits = true;
            // What was chosen binds nothing that is not safe, so all that is closed over is open.
            if !closed_over[i].is_empty() {
                // It may close over what it binds itself.
                fits = !closed_over[i].same_names(&outputs);
                if fits {
                    open.clone_from(&closed_over[i]);
                }
            }
            if fits {
                open.retain(|name| !outputs.contains(name) && !safe.contains(name));
                fits = open.is_empty();
            }
            if !fits {
                if round == 0 {
                    let mut all = VarVisitor::collecting(VarParams::ALL, NameSet::new());
                    all.expr(expr);
                    for name in all.vars.iter().filter(|name| !safe.contains(name)) {
                        waiting.entry(name).or_default().push(i);
                    }
                }
                continue;
            }
            for name in outputs.iter() {
                if safe.add(name) {
                    for later in waiting.remove(name).unwrap_or_default() {
                        again.insert((round + usize::from(later <= i), later));
                    }
                }
            }
            is_chosen[i] = true;
            chosen.push(i);
        }
        let rest = (0..body.len()).filter(|i| !is_chosen[*i]);
        let open = rest.map(|i| {
            needs[i].retain(|name| !globals.contains(name));
            (i, needs[i].to_vars())
        });
        Choice {
            open: open.collect(),
            chosen,
            closures,
        }
    }

    fn body(&mut self, globals: &mut ScopedVars, body: &mut Body) {
        let choice = self.choose(globals, body);
        let mark = self.left.len();
        if choice.closures {
            let outer = globals.mark();
            let mut open: Vec<VarSet> = Vec::with_capacity(choice.chosen.len());
            for &i in &choice.chosen {
                let mut of_closures = VarSet::new();
                Closures {
                    order: self,
                    globals,
                    open: &mut of_closures,
                }
                .expr(&mut body[i]);
                open.push(of_closures);
                globals.extend(self.mentions(&body[i]).iter());
            }
            globals.rewind(outer);
            for (&i, open) in choice.chosen.iter().zip(open) {
                self.note(&body[i], open);
            }
        }
        for (i, open) in choice.open {
            self.note(&body[i], open);
        }
        if self.left.len() > mark {
            return;
        }
        put_in_order(body, &choice.chosen);
        for (i, expr) in body.iter_mut().enumerate() {
            expr.index = i as u32;
        }
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
            let mut bound = NameSet::new();
            for expr in body.iter() {
                bound.extend(&self.mentions(expr));
            }
            let unbound = |name: &str| !globals.contains(name) && !bound.contains(name);
            open.extend(&collected.filter(unbound));
        }
        self.body(globals, body);
    }
}

/// Gives the expressions the places that were chosen for them.
fn put_in_order(body: &mut Body, chosen: &[usize]) {
    if chosen.is_sorted() {
        return;
    }
    let mut old: Vec<Option<Expr>> = std::mem::take(body).into_iter().map(Some).collect();
    body.extend(chosen.iter().filter_map(|i| old[*i].take()));
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
                    self.globals.extend(term_names(key, VarParams::ALL).iter());
                }
                self.globals
                    .extend(term_names(&every.value, VarParams::ALL).iter());
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

/// The variables inside the closures of an expression; notes whether it has any.
fn vars_in_closures<'a>(expr: &'a Expr, closures: &mut bool) -> NameSet<'a> {
    let mut visitor = VarVisitor::collecting(VarParams::ALL, NameSet::new());
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
                    *closures = true;
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
        *closures = true;
        // The values of modifiers are variables by now: no closures are left in them.
        true
    });
    visitor.vars
}

/// What an operand without braces needs from outside. Of a single expression that is everything. Of
/// several (stages have split one up) it is what none of them binds, and what only one mentions.
fn operand_needs<'a>(body: &'a [Expr], arity: Arity<'_>) -> Vec<&'a Name> {
    let mut mentions: HashMap<&Name, usize> = HashMap::new();
    for expr in body {
        let mut visitor = VarVisitor::collecting(VarParams::SAFETY, NameSet::new());
        visitor.expr(expr);
        if body.len() == 1 {
            return visitor.vars.iter().collect();
        }
        for name in visitor.vars.iter() {
            *mentions.entry(name).or_default() += 1;
        }
    }
    let bindings = bindings_within(body, arity, mentions.keys().copied());
    mentions
        .into_iter()
        .filter(|(name, count)| *count == 1 || !bindings.contains(name))
        .map(|(name, _)| name)
        .collect()
}

/// What the equalities and calls of a body bind, if all that is no side of an equality is bound
/// outside.
fn bindings_within<'a>(
    body: &'a [Expr],
    arity: Arity<'_>,
    mentioned: impl Iterator<Item = &'a Name>,
) -> NameSet<'a> {
    let mut safe = reserved_vars();
    for name in mentioned {
        safe.add(name);
    }
    for (a, b) in body.iter().filter_map(equality_operands) {
        for name in [a, b].into_iter().filter_map(Term::as_var) {
            safe.remove(name);
        }
    }
    let mut bindings = NameSet::new();
    loop {
        let before = bindings.len();
        for expr in body {
            // Whether it is negated, and under which modifiers, does not matter here.
            let Some(sides) = equality_operands(expr) else {
                continue;
            };
            for name in of_equality(sides, expr.from_assignment, &[], &safe).iter() {
                bindings.add(name);
                safe.add(name);
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
        let params = VarParams {
            skip_closures: true,
            skip_sets: true,
            skip_object_keys: true,
            skip_ref_head: true,
            ..VarParams::ALL
        };
        VarVisitor::collecting(params, &mut bindings)
            .terms(terms.get(arity + 1..).unwrap_or_default());
    }
    bindings
}
