//! Comprehensions that OPA computes for all values of their keys at once.
//!
//! Where `x = [head | body]` depends on what is around it only through variables that `body` would bind by itself, OPA
//! runs `body` once without them, sorts the results by those variables (the keys), and looks the values up from then on.
//! Which expressions are evaluated how often follows from that, so those who look on are shown the same. Keys that the
//! index does not have are computed in the ordinary way, as OPA does.

use std::collections::HashMap;
use std::rc::Rc;

use regovm_core::Span;
use regovm_parser::ast::{Body, Expr, ExprKind, Name, Term, TermKind};

use crate::check::safety;
use crate::ir::{CollectKind, Function, FunctionKind, Operand, StmtKind};
use crate::lower::constants::integer;
use crate::lower::{Lowered, Lowering, Task};
use crate::output_vars::{self, Arity, equality_operands, is_operator};
use crate::state::Checked;
use crate::visit::{self, Node, ScopedVars, VarParams, VarSet, for_each_in_chain, reserved_vars};

/// A comprehension that is computed once.
#[derive(Debug)]
pub(in crate::lower) struct Indexed {
    kind: CollectKind,
    /// Of objects.
    key: Option<Term>,
    value: Term,
    /// In an order in which nothing from around it is needed.
    body: Body,
    /// The variables by which its results are looked up.
    keys: Vec<Name>,
    span: Span,
}

/// All of them. They are found by the variable that they are unified with and their place: names of generated variables
/// are used once, those of the author have a place.
#[derive(Default, Debug)]
pub(in crate::lower) struct Comprehensions {
    all: Vec<Rc<Indexed>>,
    places: HashMap<(Name, Span), usize>,
}

impl Comprehensions {
    /// Those of all rules and queries.
    pub(in crate::lower) fn of(checked: &Checked<'_>) -> Comprehensions {
        let mut found = Comprehensions::default();
        for rule in checked
            .state
            .modules
            .iter()
            .flat_map(|module| &module.rules)
        {
            for_each_in_chain(rule, &mut |rule| {
                let mut around = reserved_vars();
                for arg in &rule.head.args {
                    around.extend(&visit::term_vars(arg, VarParams::ALL));
                }
                found.note_bodies(checked, around, &rule.body);
            });
        }
        for query in &checked.queries {
            found.note_bodies(checked, reserved_vars(), &query.body);
        }
        found
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What the expression is unified with, and the number of its comprehension.
    fn find<'e>(&self, expr: &'e Expr) -> Option<(&'e Term, usize)> {
        let (variable, _, comprehension) = unified(expr)?;
        let name = variable.as_var()?.clone();
        let number = self.places.get(&(name, comprehension.span))?;
        Some((variable, *number))
    }

    /// A body and those inside of it; what an expression mentions may be a key of any later one.
    fn note_bodies(&mut self, checked: &Checked<'_>, mut around: VarSet, body: &Body) {
        visit::walk(Node::Body(body), &mut |node| {
            if let Node::Body(body) = node {
                for expr in body {
                    self.note(checked, &around, expr);
                    around.extend(&visit::expr_vars(expr, VarParams::SAFETY));
                }
            }
            false
        });
    }

    fn note(&mut self, checked: &Checked<'_>, around: &VarSet, expr: &Expr) {
        let Some((variable, parts, comprehension)) = unified(expr) else {
            return;
        };
        let Some(name) = variable.as_var() else {
            return;
        };
        let (kind, key, value, body) = parts;
        let arity: Arity<'_> = &|path| checked.state.arity(path);
        let reserved = reserved_vars();
        let mut bound = ScopedVars::from(&reserved);
        output_vars::add_body(&mut bound, body, arity);
        let mentioned = visit::body_vars(body, VarParams::SAFETY);
        if !mentioned.is_subset(&bound) || iterates(body, around) || closes_over(body, around) {
            return;
        }
        let is_key = |name: &&Name| around.contains(name) && !reserved.contains(name);
        let keys: Vec<Name> = mentioned.iter().filter(is_key).cloned().collect();
        if keys.is_empty() {
            return;
        }
        let Some(body) = safety::order_alone(&checked.state, body) else {
            return;
        };
        let place = (name.clone(), comprehension.span);
        self.places.insert(place, self.all.len());
        self.all.push(Rc::new(Indexed {
            kind,
            key: key.cloned(),
            value: value.clone(),
            body,
            keys,
            span: comprehension.span,
        }));
    }
}

type Parts<'e> = (CollectKind, Option<&'e Term>, &'e Term, &'e Body);

fn parts(term: &Term) -> Option<Parts<'_>> {
    Some(match &term.kind {
        TermKind::ArrayComprehension(it) => (CollectKind::Array, None, &it.term, &it.body),
        TermKind::SetComprehension(it) => (CollectKind::Set, None, &it.term, &it.body),
        TermKind::ObjectComprehension(it) => {
            (CollectKind::Object, Some(&it.key), &it.value, &it.body)
        }
        _ => return None,
    })
}

/// The variable and the comprehension of an expression that unifies one with the other and does nothing else.
fn unified(expr: &Expr) -> Option<(&Term, Parts<'_>, &Term)> {
    if expr.negated || !expr.with.is_empty() {
        return None;
    }
    let (a, b) = equality_operands(expr)?;
    let (variable, comprehension) = match (a.as_var(), b.as_var()) {
        (Some(_), None) => (a, b),
        (None, Some(_)) => (b, a),
        _ => return None,
    };
    Some((variable, parts(comprehension)?, comprehension))
}

/// Whether a variable from around would be searched for: looking up what is known is better then.
fn iterates(body: &Body, around: &VarSet) -> bool {
    let mut seen = VarSet::new();
    let mut found = false;
    visit::walk(Node::Body(body), &mut |node| {
        let mut check = |searched: VarSet, seen: &VarSet| {
            let searched = searched.intersection(around);
            found |= searched.iter().any(|name| !seen.contains(name));
        };
        match node {
            Node::Expr(Expr {
                kind: ExprKind::Call(terms),
                ..
            }) if is_operator(terms, "walk") => {
                if let Some(output) = terms.get(2) {
                    check(visit::term_vars(output, VarParams::ALL), &seen);
                }
            }
            Node::Term(term) => match &term.kind {
                TermKind::Ref(path) => {
                    let keys = path.iter().skip(1);
                    for key in keys {
                        check(visit::term_vars(key, VarParams::ALL), &seen);
                    }
                }
                TermKind::Var(name) => {
                    seen.add(name);
                }
                _ if parts(term).is_some() => return true,
                _ => {}
            },
            _ => {}
        }
        found
    });
    found
}

/// Whether a comprehension inside of the body mentions what is around.
fn closes_over(body: &Body, around: &VarSet) -> bool {
    let params = VarParams {
        skip_ref_head: true,
        ..VarParams::ALL
    };
    let mut found = false;
    visit::walk_terms(Node::Body(body), &mut |term| {
        let is_comprehension = parts(term).is_some();
        if is_comprehension {
            let mentioned = visit::term_vars(term, params);
            found |= !mentioned.intersection(around).is_empty();
        }
        is_comprehension || found
    });
    found
}

impl Lowering<'_> {
    /// Lowers an expression of which the comprehension is looked up; false if it is none.
    pub(super) fn indexed_comprehension(&mut self, expr: &Expr) -> Lowered<bool> {
        let Some((variable, number)) = self.comprehensions.find(expr) else {
            return Ok(false);
        };
        let it = self.comprehensions.all[number].clone();
        let function = self.request(Task::Comprehension(number));
        let value = self.flag();
        self.apart(|this| {
            let cache = this.comprehension_cache();
            let index = this.call_function(function, vec![cache]);
            let known = it.keys.iter().map(|name| this.vars.get(name));
            let Some(items) = known.collect::<Option<Vec<Operand>>>() else {
                // What is not bound is not in the index.
                return Ok(());
            };
            let keys = this.b.assign(|dst| StmtKind::MakeArray { dst, items });
            let found = this.get(index, keys);
            let scope = this.b.scope();
            let mark = this.b.begin();
            let entry = this.b.local();
            this.b.scan(found, None, Some(entry));
            let entry = Operand::Local(entry);
            let mut part = |number: usize| {
                let number = this.constants.operand(integer(number));
                this.get(entry, number)
            };
            let head = part(1);
            let (key, head) = match it.key {
                Some(_) => (Some(head), part(2)),
                None => (None, head),
            };
            this.b.emit(StmtKind::Append {
                scope,
                key,
                value: head,
            });
            let body = this.b.end(mark);
            let src = this.b.assign(|dst| StmtKind::Collect {
                scope,
                kind: it.kind,
                dst,
                body,
            });
            this.b.emit(StmtKind::Move { dst: value, src });
            Ok(())
        })?;
        self.apart(|this| {
            this.b.emit(StmtKind::IsUndefined { local: value });
            // As it is written: the order of the index is one without the variables from around.
            let (_, parts, _) = unified(expr).ok_or_else(|| not_there(expr))?;
            let (kind, key, head, body) = parts;
            let src = this.observed_collect(kind, key, head, body)?;
            this.b.emit(StmtKind::Move { dst: value, src });
            Ok(())
        })?;
        self.b.emit(StmtKind::IsDefined { local: value });
        self.match_operand(Operand::Local(value), variable)?;
        Ok(true)
    }

    /// The index of a comprehension: for each array of keys the results, by their number in the order in which they were
    /// found.
    pub(in crate::lower) fn comprehension_index(&mut self, number: usize) -> Lowered<Function> {
        let it = self.comprehensions.all[number].clone();
        // The cache is an argument, so that the machine computes the index once for each cache.
        self.start(1, it.span);
        let mark = self.b.begin();
        let results = self.observed_search(CollectKind::Array, &it.body, |this, scope| {
            let keys = it.keys.iter().map(|name| this.vars.get(name));
            let items = keys.collect::<Option<Vec<Operand>>>().unwrap_or_default();
            let keys = this.b.assign(|dst| StmtKind::MakeArray { dst, items });
            let mut items = vec![keys];
            for term in it.key.iter().chain([&it.value]) {
                items.push(this.value(term)?);
            }
            let value = this.b.assign(|dst| StmtKind::MakeArray { dst, items });
            this.b.emit(StmtKind::Append {
                scope,
                key: None,
                value,
            });
            Ok(())
        })?;
        let local = self.b.local();
        self.b.emit(StmtKind::OpenObject { local });
        self.apart(|this| {
            let (number, result) = (this.b.local(), this.b.local());
            this.b.scan(results, Some(number), Some(result));
            let first = this.constants.operand(integer(0));
            let keys = this.get(Operand::Local(result), first);
            this.b.emit(StmtKind::InsertPath {
                local,
                path: vec![keys, Operand::Local(number)],
                value: Operand::Local(result),
            });
            Ok(())
        })?;
        let value = self.b.assign(|dst| StmtKind::Close { dst, local });
        self.b.emit(StmtKind::Return { value });
        let blocks = vec![self.b.end(mark)];
        let name = format!("comprehension {number}");
        Ok(Function {
            params: 1,
            ..self.function(FunctionKind::Function, name, blocks, it.span)
        })
    }

    /// The number of the cache of comprehensions. OPA makes it when it is needed, for the rule or body that needs it and for
    /// what is evaluated within that from then on.
    pub(super) fn comprehension_cache(&mut self) -> Operand {
        self.b.assign(|dst| StmtKind::ComprehensionCache { dst })
    }
}

fn not_there(expr: &Expr) -> Box<regovm_core::Diagnostic> {
    crate::lower::internal(expr.span, "no comprehension")
}
