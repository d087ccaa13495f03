//! `=`: which side is known decides what it does.
//!
//! An equation is split into pairs. A pair with a known side takes the other apart: unbound variables are
//! bound, everything else is compared. A pair whose both sides are unknown waits for the others, which bind its
//! variables (`[x, y] = [y, 1]`).

use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};

use regovm_parser::ast::{Term, TermKind};

use super::constants::{constant, integer};
use super::{Lowered, Lowering};
use crate::ir::{Compare, Operand, StmtKind};
use crate::visit::is_wildcard;

/// One side of a pair.
#[derive(Clone, Copy, Debug)]
enum Side<'t> {
    Known(Operand),
    Term(&'t Term),
}

type Pair<'t> = (Side<'t>, Side<'t>);

impl Lowering<'_> {
    /// Unifies two terms.
    pub(super) fn unify(&mut self, a: &Term, b: &Term) -> Lowered<()> {
        self.solve((Side::Term(a), Side::Term(b)))
    }

    /// Unifies a value with a term.
    pub(super) fn match_operand(&mut self, value: Operand, term: &Term) -> Lowered<()> {
        self.solve((Side::Known(value), Side::Term(term)))
    }

    /// True if a term can be evaluated now (its iterations may bind variables).
    pub(super) fn is_ready(&self, term: &Term) -> bool {
        match &term.kind {
            TermKind::Null | TermKind::Boolean(_) | TermKind::Number(_) | TermKind::String(_) => {
                true
            }
            TermKind::Var(name) => self.vars.get(name).is_some() || is_root(name),
            TermKind::Ref(path) => path.first().is_some_and(|head| self.is_ready(head)),
            TermKind::Array(items) | TermKind::Set(items) => {
                items.iter().all(|item| self.is_ready(item))
            }
            TermKind::Object(members) => members
                .iter()
                .all(|(key, value)| self.is_ready(key) && self.is_ready(value)),
            TermKind::Call(terms) => terms.iter().skip(1).all(|term| self.is_ready(term)),
            TermKind::ArrayComprehension(_)
            | TermKind::SetComprehension(_)
            | TermKind::ObjectComprehension(_)
            | TermKind::Template(_) => true,
        }
    }

    fn solve(&mut self, pair: Pair<'_>) -> Lowered<()> {
        let mut work = VecDeque::from([pair]);
        let mut waiting = Vec::new();
        loop {
            let bound = self.vars.mark();
            while let Some(pair) = work.pop_front() {
                if !self.solve_pair(pair, &mut work)? {
                    waiting.push(pair);
                }
            }
            // What still waits after a round that bound nothing are variables that nothing needs (`_ = _`).
            if waiting.is_empty() || self.vars.mark() == bound {
                return Ok(());
            }
            work.extend(waiting.drain(..));
        }
    }

    /// Solves a pair or splits it; false if it has to wait.
    fn solve_pair<'t>(&mut self, pair: Pair<'t>, work: &mut VecDeque<Pair<'t>>) -> Lowered<bool> {
        match pair {
            (Side::Known(a), Side::Known(b)) => {
                self.guard_equal(a, b);
                Ok(true)
            }
            (Side::Known(value), Side::Term(term)) | (Side::Term(term), Side::Known(value)) => {
                self.take_apart(value, term, work)
            }
            (Side::Term(a), Side::Term(b)) => self.solve_terms(a, b, work),
        }
    }

    fn solve_terms<'t>(
        &mut self,
        a: &'t Term,
        b: &'t Term,
        work: &mut VecDeque<Pair<'t>>,
    ) -> Lowered<bool> {
        if let (TermKind::Array(left), TermKind::Array(right)) = (&a.kind, &b.kind) {
            if left.len() != right.len() {
                self.b.emit(StmtKind::Fail);
                return Ok(true);
            }
            work.extend(
                left.iter()
                    .zip(right)
                    .map(|(a, b)| (Side::Term(a), Side::Term(b))),
            );
            return Ok(true);
        }
        let known = |term: &Term| self.is_ready(term);
        // Evaluate the side that is no pattern, take the other apart.
        let (value, pattern) = match (known(a), known(b)) {
            (true, true) if is_pattern(a) && !is_pattern(b) => (b, a),
            (true, _) => (a, b),
            (false, true) => (b, a),
            (false, false) => return self.solve_objects(a, b, work),
        };
        let value = self.value(value)?;
        self.take_apart(value, pattern, work)
    }

    /// Two objects that both have unbound variables: their keys are constants, or they have to wait.
    fn solve_objects<'t>(
        &mut self,
        a: &'t Term,
        b: &'t Term,
        work: &mut VecDeque<Pair<'t>>,
    ) -> Lowered<bool> {
        let (TermKind::Object(left), TermKind::Object(right)) = (&a.kind, &b.kind) else {
            if matches!(a.kind, TermKind::Var(_)) || matches!(b.kind, TermKind::Var(_)) {
                return Ok(false);
            }
            // An array and an object never unify.
            self.b.emit(StmtKind::Fail);
            return Ok(true);
        };
        let (left, right) = (members(left), members(right));
        if left.len() != right.len() {
            self.b.emit(StmtKind::Fail);
            return Ok(true);
        }
        if let ([(left_key, left_value)], [(right_key, right_value)]) = (&left[..], &right[..]) {
            work.push_back((Side::Term(left_key), Side::Term(right_key)));
            work.push_back((Side::Term(left_value), Side::Term(right_value)));
            return Ok(true);
        }
        let keys = left.iter().chain(&right).map(|(key, _)| *key);
        if !keys.clone().all(|key| self.is_ready(key)) {
            return Ok(false);
        }
        let constants = keys.clone().all(|key| constant(key).is_some());
        // What is written in the same way is the same key. What the others are is known at run time only.
        let mut others: HashMap<Key<'_>, &'t Term> = right
            .iter()
            .map(|(key, value)| (Key(key), *value))
            .collect();
        let mut alone = Vec::new();
        let mut pairs = Vec::new();
        for (key, value) in left {
            match others.remove(&Key(key)) {
                Some(other) => pairs.push((Side::Term(value), Side::Term(other))),
                None => alone.push((key, value)),
            }
        }
        if alone.is_empty() {
            work.extend(pairs);
            return Ok(true);
        }
        if constants {
            self.b.emit(StmtKind::Fail);
            return Ok(true);
        }
        let mut rest = right;
        rest.retain(|(key, _)| others.contains_key(&Key(key)));
        if !alone
            .iter()
            .chain(&rest)
            .all(|(_, value)| self.is_ready(value))
        {
            // The pairs bind what the rest needs.
            work.extend(pairs);
            return Ok(false);
        }
        let (alone, rest) = (self.object(alone)?, self.object(rest)?);
        self.guard_equal(alone, rest);
        work.extend(pairs);
        Ok(true)
    }

    /// Unifies a value with a term; false if the term has to wait for other variables.
    fn take_apart<'t>(
        &mut self,
        value: Operand,
        term: &'t Term,
        work: &mut VecDeque<Pair<'t>>,
    ) -> Lowered<bool> {
        if let Some(constant) = constant(term) {
            let constant = self.constants.operand(constant);
            self.guard_equal(value, constant);
            return Ok(true);
        }
        match &term.kind {
            TermKind::Var(name) if self.vars.get(name).is_none() && !is_root(name) => {
                self.vars.bind(name, value);
                Ok(true)
            }
            TermKind::Array(items) => {
                self.b.emit(StmtKind::IsArray {
                    value,
                    len: items.len() as u32,
                });
                for (i, item) in items.iter().enumerate() {
                    if self.is_unused(item) {
                        continue;
                    }
                    let key = self.constants.operand(integer(i));
                    let element = self.get(value, key);
                    work.push_back((Side::Known(element), Side::Term(item)));
                }
                Ok(true)
            }
            TermKind::Object(all) => {
                let members = members(all);
                if !members.iter().all(|(key, _)| self.is_ready(key)) {
                    return Ok(false);
                }
                self.b.emit(StmtKind::IsObject {
                    value,
                    len: members.len() as u32,
                });
                for (key, item) in members {
                    let key = self.value(key)?;
                    let element = self.get(value, key);
                    work.push_back((Side::Known(element), Side::Term(item)));
                }
                Ok(true)
            }
            _ if self.is_ready(term) => {
                let other = self.value(term)?;
                self.guard_equal(value, other);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// True for a wildcard `$0`: each `_` is a variable of its own, so nothing reads it. (Captured values of a
    /// query are called `$term1`, and those are read.)
    pub(super) fn is_unused(&self, term: &Term) -> bool {
        let wildcard =
            |name: &str| is_wildcard(name) && name[1..].bytes().all(|b| b.is_ascii_digit());
        term.as_var()
            .is_some_and(|name| wildcard(name) && self.vars.get(name).is_none())
    }

    /// Fails unless two operands are equal.
    pub(super) fn guard_equal(&mut self, lhs: Operand, rhs: Operand) {
        if lhs != rhs {
            self.b.emit(StmtKind::Guard {
                op: Compare::Equal,
                lhs,
                rhs,
            });
        }
    }

    /// `base[key]`
    pub(super) fn get(&mut self, base: Operand, key: Operand) -> Operand {
        self.b.assign(|dst| StmtKind::Get { dst, base, key })
    }
}

/// A key by how it is written.
struct Key<'t>(&'t Term);

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Key<'_>) -> bool {
        match (constant(self.0), constant(other.0)) {
            (Some(a), Some(b)) => a == b,
            (None, None) => crate::order::terms_equal(self.0, other.0),
            _ => false,
        }
    }
}

impl Eq for Key<'_> {}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match (constant(self.0), &self.0.kind) {
            (Some(constant), _) => constant.hash(state),
            (None, TermKind::Var(name)) => name.hash(state),
            // Rare: equality tells them apart.
            _ => {}
        }
    }
}

/// True for the root documents, which are no variables.
pub(super) fn is_root(name: &str) -> bool {
    name == "input" || name == "data"
}

/// True for terms that are better taken apart than built.
fn is_pattern(term: &Term) -> bool {
    matches!(term.kind, TermKind::Array(_) | TermKind::Object(_))
}

/// The members of an object literal; of equal constant keys the last counts.
fn members(all: &[(Term, Term)]) -> Vec<(&Term, &Term)> {
    let mut kept: Vec<(&Term, &Term)> = Vec::with_capacity(all.len());
    let mut places = HashMap::new();
    for (key, value) in all {
        match constant(key).map(|key| places.insert(key, kept.len())) {
            Some(Some(place)) => {
                kept[place] = (key, value);
                if let Some(key) = constant(key) {
                    places.insert(key, place);
                }
            }
            _ => kept.push((key, value)),
        }
    }
    kept
}
