//! Fields that give the same key of the answer have to be the same field.
//!
//! Selections are compared within themselves, with the fragments that they spread, and these with each other; where two
//! fields meet, their own selections are compared in turn.

use std::collections::{HashMap, HashSet};

use regovm_core::builtin::BuiltinError;

use super::ast::{Argument, Child, Field, Literal, LiteralKind, Selection, Spread, Type};
use super::lexer::Position;
use super::rules::{Done, Validator};
use super::schema::Schema;

/// What was compared already.
#[derive(Default)]
pub(super) struct Compared<'s> {
    /// Pairs of fragments, and if their fields exclude each other.
    pairs: HashMap<(&'s str, &'s str), bool>,
    /// Fragments that were compared with the fields at hand.
    fragments: HashSet<&'s str>,
}

struct Conflict {
    key: String,
    reason: Reason,
    at: Position,
}

enum Reason {
    Itself(String),
    Within(Vec<Conflict>),
}

impl Reason {
    fn text(&self) -> String {
        match self {
            Reason::Itself(text) => text.clone(),
            Reason::Within(conflicts) => {
                let text = |conflict: &Conflict| {
                    let (key, reason) = (&conflict.key, conflict.reason.text());
                    format!("subfields \"{key}\" conflict because {reason}")
                };
                conflicts.iter().map(text).collect::<Vec<_>>().join(" and ")
            }
        }
    }
}

/// The fields of selections by their keys in the answer, in order, and the fragments that are spread.
#[derive(Default)]
struct Collected<'s> {
    fields: Vec<(&'s str, Vec<&'s Field>)>,
    places: HashMap<&'s str, usize>,
    spreads: Vec<&'s Spread>,
}

fn key_of(field: &Field) -> &str {
    match field.alias.as_str() {
        "" => &field.name,
        alias => alias,
    }
}

impl<'s> Collected<'s> {
    fn of(selections: &'s [Selection]) -> Collected<'s> {
        let mut collected = Collected::default();
        // Selections of inline fragments belong to those around them.
        let mut rest: Vec<_> = vec![selections.iter()];
        while let Some(iter) = rest.last_mut() {
            match iter.next() {
                None => {
                    rest.pop();
                }
                Some(Selection::Field(field)) => collected.add(field),
                Some(Selection::Inline(inline)) => rest.push(inline.selections.iter()),
                Some(Selection::Spread(spread)) => collected.spreads.push(spread),
            }
        }
        collected
    }

    fn add(&mut self, field: &'s Field) {
        let key = key_of(field);
        let place = *self.places.entry(key).or_insert_with(|| {
            self.fields.push((key, Vec::new()));
            self.fields.len() - 1
        });
        self.fields[place].1.push(field);
    }

    fn get(&self, key: &str) -> &[&'s Field] {
        self.places
            .get(key)
            .map_or(&[], |place| self.fields[*place].1.as_slice())
    }

    /// Whether both have the same fields, not only equal ones.
    fn is(&self, other: &Collected<'s>) -> bool {
        let same = |a: &[&Field], b: &[&Field]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| std::ptr::eq(*a, *b))
        };
        self.fields.len() == other.fields.len()
            && self
                .fields
                .iter()
                .zip(&other.fields)
                .all(|((_, a), (_, b))| same(a, b))
    }
}

impl<'s> Validator<'_, 's, '_, '_> {
    /// Reports what conflicts within selections.
    pub(super) fn check_overlap(&mut self, selections: &'s [Selection]) -> Done {
        if selections.is_empty() {
            return Ok(());
        }
        let collected = self.collect(selections)?;
        let mut conflicts = Vec::new();
        for (_, fields) in &collected.fields {
            for (at, a) in fields.iter().enumerate() {
                for b in &fields[at + 1..] {
                    conflicts.extend(self.conflict(false, a, b)?);
                }
            }
        }
        self.compared.fragments.clear();
        for (at, spread) in collected.spreads.iter().enumerate() {
            self.compare_with_fragment(&mut conflicts, false, &collected, spread)?;
            for other in &collected.spreads[at + 1..] {
                self.compare_fragments(&mut conflicts, false, spread, other)?;
            }
        }
        for Conflict { key, reason, at } in conflicts {
            let reason = reason.text();
            let message = format!(
                "Fields \"{key}\" conflict because {reason}. Use different aliases on the fields to fetch both if this was intentional."
            );
            self.error(at, message)?;
        }
        Ok(())
    }

    fn collect(&mut self, selections: &'s [Selection]) -> Result<Collected<'s>, BuiltinError> {
        let collected = Collected::of(selections);
        let count = collected.fields.len() + collected.spreads.len();
        self.cx.charge(count as u64 + 1)?;
        Ok(collected)
    }

    fn compare(
        &mut self,
        conflicts: &mut Vec<Conflict>,
        exclusive: bool,
        one: &Collected<'s>,
        other: &Collected<'s>,
    ) -> Done {
        for (key, fields) in &one.fields {
            for a in fields {
                for b in other.get(key) {
                    conflicts.extend(self.conflict(exclusive, a, b)?);
                }
            }
        }
        Ok(())
    }

    fn compare_with_fragment(
        &mut self,
        conflicts: &mut Vec<Conflict>,
        exclusive: bool,
        collected: &Collected<'s>,
        spread: &'s Spread,
    ) -> Done {
        if !self.compared.fragments.insert(&spread.name) {
            return Ok(());
        }
        let Some(fragment) = self.fragment_of(spread) else {
            return Ok(());
        };
        let other = self.collect(&fragment.selections)?;
        if collected.is(&other) {
            return Ok(());
        }
        self.compare(conflicts, exclusive, collected, &other)?;
        for next in &other.spreads {
            if next.name != spread.name {
                self.deeper(|validator| {
                    validator.compare_with_fragment(conflicts, exclusive, collected, next)
                })?;
            }
        }
        Ok(())
    }

    fn compare_fragments(
        &mut self,
        conflicts: &mut Vec<Conflict>,
        exclusive: bool,
        a: &'s Spread,
        b: &'s Spread,
    ) -> Done {
        self.cx.charge(1)?;
        let pair = (a.name.as_str(), b.name.as_str());
        let known = self.compared.pairs.get(&pair).copied();
        // What was compared as not exclusive counts for both.
        if pair.0 == pair.1 || known.is_some_and(|known| exclusive || !known) {
            return Ok(());
        }
        self.compared.pairs.insert(pair, exclusive);
        self.compared.pairs.insert((pair.1, pair.0), exclusive);
        let (Some(first), Some(second)) = (self.fragment_of(a), self.fragment_of(b)) else {
            return Ok(());
        };
        let first = self.collect(&first.selections)?;
        let second = self.collect(&second.selections)?;
        self.compare(conflicts, exclusive, &first, &second)?;
        for next in &second.spreads {
            self.deeper(|validator| validator.compare_fragments(conflicts, exclusive, a, next))?;
        }
        for next in &first.spreads {
            self.deeper(|validator| validator.compare_fragments(conflicts, exclusive, next, b))?;
        }
        Ok(())
    }

    fn conflict(
        &mut self,
        exclusive: bool,
        a: &'s Field,
        b: &'s Field,
    ) -> Result<Option<Conflict>, BuiltinError> {
        self.cx.charge(1)?;
        let (one, other) = (self.known(a), self.known(b));
        let (Some(first), Some(second)) = (one.parent, other.parent) else {
            return Ok(None);
        };
        let both_known = one.definition.zip(other.definition);
        let exclusive = exclusive
            || (first.name != second.name
                && first.kind == "OBJECT"
                && second.kind == "OBJECT"
                && both_known.is_some());
        let because = |reason| {
            Ok(Some(Conflict {
                key: key_of(a).to_owned(),
                reason,
                at: b.at,
            }))
        };
        if !exclusive {
            if a.name != b.name {
                let text = format!("\"{}\" and \"{}\" are different fields", a.name, b.name);
                return because(Reason::Itself(text));
            }
            if !same_arguments(&a.arguments, &b.arguments) {
                return because(Reason::Itself("they have differing arguments".to_owned()));
            }
        }
        if let Some((one, other)) = both_known
            && types_conflict(self.schema, &one.ty, &other.ty)
        {
            let (one, other) = (one.ty.text(), other.ty.text());
            let text = format!("they return conflicting types \"{one}\" and \"{other}\"");
            return because(Reason::Itself(text));
        }
        let within = self.deeper(|validator| {
            validator.compare_selections(exclusive, &a.selections, &b.selections)
        })?;
        if within.is_empty() {
            return Ok(None);
        }
        because(Reason::Within(within))
    }

    fn compare_selections(
        &mut self,
        exclusive: bool,
        a: &'s [Selection],
        b: &'s [Selection],
    ) -> Result<Vec<Conflict>, BuiltinError> {
        let mut conflicts = Vec::new();
        let (one, other) = (self.collect(a)?, self.collect(b)?);
        self.compare(&mut conflicts, exclusive, &one, &other)?;
        for (fields, spreads) in [(&one, &other.spreads), (&other, &one.spreads)] {
            for spread in spreads {
                self.compared.fragments.clear();
                self.compare_with_fragment(&mut conflicts, exclusive, fields, spread)?;
            }
        }
        for a in &one.spreads {
            for b in &other.spreads {
                self.compare_fragments(&mut conflicts, exclusive, a, b)?;
            }
        }
        Ok(conflicts)
    }
}

fn same_arguments(one: &[Argument], other: &[Argument]) -> bool {
    let same = |a: &Argument, b: &Argument| a.name == b.name && same_value(&a.value, &b.value);
    one.len() == other.len() && one.iter().all(|a| other.iter().any(|b| same(a, b)))
}

fn same_value(a: &Literal, b: &Literal) -> bool {
    if a.kind != b.kind || a.raw != b.raw || a.children.len() != b.children.len() {
        return false;
    }
    let in_order = |literal: &'_ Literal| -> Vec<usize> {
        let mut order: Vec<_> = (0..literal.children.len()).collect();
        if literal.kind == LiteralKind::Object {
            order.sort_by(|a, b| literal.children[*a].name.cmp(&literal.children[*b].name));
        }
        order
    };
    let same = |a: &Child, b: &Child| a.name == b.name && same_value(&a.value, &b.value);
    in_order(a)
        .into_iter()
        .zip(in_order(b))
        .all(|(i, j)| same(&a.children[i], &b.children[j]))
}

fn types_conflict(schema: &Schema<'_>, a: &Type, b: &Type) -> bool {
    let (mut a, mut b) = (a, b);
    loop {
        match (&a.element, &b.element) {
            (Some(one), Some(other)) => (a, b) = (one, other),
            (None, None) => break,
            _ => return true,
        }
    }
    let leaf = |ty: &Type| schema.ty(&ty.name).is_some_and(|ty| ty.is_leaf());
    a.required != b.required || (leaf(a) && leaf(b) && a.name != b.name)
}
