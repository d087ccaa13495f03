//! Sets of variables. Most hold few names, which are then in a list; the places where they are in a tree or a table
//! as well keep bodies of thousands of variables from becoming slow.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use hashbrown::{HashMap, HashSet};
use regovm_core::Span;
use regovm_parser::ast::Name;

/// So many names are faster to search one after another.
const FEW: usize = 24;

/// True for equal names: most occurrences of a generated one share their text. Two of them differ mostly in the digit
/// before the last two characters.
fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let telling = |name: &[u8]| name.get(name.len().wrapping_sub(3)).copied();
    a.len() == b.len() && (std::ptr::eq(a, b) || (telling(a) == telling(b) && a == b))
}

/// A set of variables, ordered by name, each with the place of its last mention as a term of its own.
#[derive(Clone, Default, Debug)]
pub struct VarSet {
    /// In order, unless they are in the tree.
    few: Vec<(Name, Span)>,
    many: BTreeMap<Name, Span>,
}

impl VarSet {
    /// The empty set.
    pub fn new() -> VarSet {
        VarSet::default()
    }

    /// The place of a name in the list, or the one where it belongs.
    fn place(&self, name: &str) -> Result<usize, usize> {
        let pointer = name.as_ptr();
        if let Some(at) = self.few.iter().position(|(known, _)| {
            std::ptr::eq(known.as_ptr(), pointer) && known.len() == name.len()
        }) {
            return Ok(at);
        }
        self.few
            .binary_search_by(|(known, _)| known.as_ref().cmp(name))
    }

    fn insert_new(&mut self, at: usize, name: &Name, span: Span) {
        if self.few.len() < FEW {
            self.few.insert(at, (name.clone(), span));
            return;
        }
        self.many.extend(self.few.drain(..));
        self.many.insert(name.clone(), span);
    }

    /// Adds a variable without a place; true if it is new.
    pub fn add(&mut self, name: &Name) -> bool {
        self.add_unless_known(name, Span::NONE)
    }

    fn add_unless_known(&mut self, name: &Name, span: Span) -> bool {
        if !self.many.is_empty() {
            return match self.many.entry(name.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(span);
                    true
                }
                Entry::Occupied(_) => false,
            };
        }
        match self.place(name) {
            Ok(_) => false,
            Err(at) => {
                self.insert_new(at, name, span);
                true
            }
        }
    }

    /// Adds a variable, or moves its place.
    pub fn add_at(&mut self, name: &Name, span: Span) {
        if !self.many.is_empty() {
            self.many.insert(name.clone(), span);
            return;
        }
        match self.place(name) {
            Ok(at) => self.few[at].1 = span,
            Err(at) => self.insert_new(at, name, span),
        }
    }

    /// Removes a variable; true if it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        if !self.many.is_empty() {
            return self.many.remove(name).is_some();
        }
        let place = self.place(name);
        if let Ok(at) = place {
            self.few.remove(at);
        }
        place.is_ok()
    }

    /// True if the variable is in the set.
    pub fn contains(&self, name: &str) -> bool {
        match self.many.is_empty() {
            true => !self.few.is_empty() && self.place(name).is_ok(),
            false => self.many.contains_key(name),
        }
    }

    /// Where the variable was mentioned; [`Span::NONE`] if unknown.
    pub fn span(&self, name: &str) -> Span {
        if let Some(span) = self.many.get(name) {
            return *span;
        }
        self.place(name).map_or(Span::NONE, |at| self.few[at].1)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.few.len() + self.many.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The variables in order of their names.
    pub fn iter(&self) -> VarNames<'_> {
        VarNames {
            few: self.few.iter(),
            many: self.many.iter(),
        }
    }

    /// The variables with their places.
    pub fn with_spans(&self) -> impl Iterator<Item = (&Name, Span)> {
        let few = self.few.iter().map(|(name, span)| (name, *span));
        few.chain(self.many.iter().map(|(name, span)| (name, *span)))
    }

    /// Adds all of another set; places that this set knows stay.
    pub fn extend(&mut self, other: &VarSet) {
        if self.is_empty() {
            self.clone_from(other);
            return;
        }
        for (name, span) in other.with_spans() {
            self.add_unless_known(name, span);
        }
    }

    /// Those that are not in the other set, with their places.
    pub fn difference(&self, other: &VarSet) -> VarSet {
        self.filter(|name| !other.contains(name))
    }

    /// Those that are in the other set too.
    pub fn intersection(&self, other: &VarSet) -> VarSet {
        self.filter(|name| other.contains(name))
    }

    /// Those of which something holds, with their places.
    pub fn filter(&self, keep: impl Fn(&str) -> bool) -> VarSet {
        let few = self.few.iter().filter(|(name, _)| keep(name));
        let many = self.many.iter().filter(|(name, _)| keep(name));
        VarSet {
            few: few.cloned().collect(),
            many: many.map(|(name, span)| (name.clone(), *span)).collect(),
        }
    }

    /// Forgets those of which something does not hold.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.few.retain(|(name, _)| keep(name));
        self.many.retain(|name, _| keep(name));
    }

    /// True if every variable is among others.
    pub fn is_subset(&self, other: &dyn Vars) -> bool {
        self.iter().all(|name| other.contains(name))
    }

    /// True if both hold the same variables, wherever they stand.
    pub fn same_vars(&self, other: &VarSet) -> bool {
        self.iter().eq(other.iter())
    }
}

impl PartialEq for VarSet {
    fn eq(&self, other: &VarSet) -> bool {
        self.with_spans().eq(other.with_spans())
    }
}

impl FromIterator<Name> for VarSet {
    fn from_iter<I: IntoIterator<Item = Name>>(names: I) -> VarSet {
        let mut vars = VarSet::new();
        for name in names {
            vars.add(&name);
        }
        vars
    }
}

/// The names of a [`VarSet`] in order.
#[derive(Clone, Debug)]
pub struct VarNames<'s> {
    few: std::slice::Iter<'s, (Name, Span)>,
    many: std::collections::btree_map::Iter<'s, Name, Span>,
}

impl<'s> Iterator for VarNames<'s> {
    type Item = &'s Name;

    fn next(&mut self) -> Option<&'s Name> {
        match self.few.next() {
            Some((name, _)) => Some(name),
            None => self.many.next().map(|(name, _)| name),
        }
    }
}

impl<'s> IntoIterator for &'s VarSet {
    type Item = &'s Name;
    type IntoIter = VarNames<'s>;

    fn into_iter(self) -> VarNames<'s> {
        self.iter()
    }
}

/// Something that holds variables.
pub trait Vars {
    /// True if the variable is there.
    fn contains(&self, name: &str) -> bool;
}

impl Vars for VarSet {
    fn contains(&self, name: &str) -> bool {
        VarSet::contains(self, name)
    }
}

impl Vars for ScopedVars {
    fn contains(&self, name: &str) -> bool {
        match &self.index {
            Some(index) => index.contains(name),
            None => self.added.iter().any(|known| same(known, name)),
        }
    }
}

impl Vars for NameSet<'_> {
    fn contains(&self, name: &str) -> bool {
        NameSet::contains(self, name)
    }
}

/// Variables that are bound at a place. A body adds its own, and takes back what it has added, so that nothing is
/// copied for the bodies inside of bodies.
#[derive(Default, Debug)]
pub struct ScopedVars {
    added: Vec<Name>,
    /// The same names, where there are many.
    index: Option<HashSet<Name>>,
}

impl ScopedVars {
    /// Adds variables.
    pub fn extend<'n>(&mut self, vars: impl IntoIterator<Item = &'n Name>) {
        for name in vars {
            if self.contains(name) {
                continue;
            }
            self.added.push(name.clone());
            match &mut self.index {
                Some(index) => {
                    index.insert(name.clone());
                }
                None if self.added.len() > FEW => {
                    self.index = Some(self.added.iter().cloned().collect());
                }
                None => {}
            }
        }
    }

    /// The state to which [`ScopedVars::rewind`] goes back.
    pub fn mark(&self) -> usize {
        self.added.len()
    }

    /// Forgets what was added since a mark.
    pub fn rewind(&mut self, mark: usize) {
        for name in self.added.drain(mark.min(self.added.len())..) {
            if let Some(index) = &mut self.index {
                index.remove(&name);
            }
        }
    }
}

impl From<&VarSet> for ScopedVars {
    fn from(vars: &VarSet) -> ScopedVars {
        let mut scoped = ScopedVars::default();
        scoped.extend(vars);
        scoped
    }
}

/// A set of the names in a piece of the tree, without order. It borrows them, so it costs little.
#[derive(Clone, Default, Debug)]
pub struct NameSet<'a> {
    names: Vec<&'a Name>,
    /// The same names, where there are many.
    index: Option<Box<HashSet<&'a str>>>,
}

impl<'a> NameSet<'a> {
    /// The empty set.
    pub fn new() -> NameSet<'a> {
        NameSet::default()
    }

    /// Adds a name; true if it is new.
    pub fn add(&mut self, name: &'a Name) -> bool {
        if self.contains(name) {
            return false;
        }
        self.names.push(name);
        match &mut self.index {
            Some(index) => {
                index.insert(name);
            }
            None if self.names.len() > FEW => {
                let index = self.names.iter().map(|name| &***name).collect();
                self.index = Some(Box::new(index));
            }
            None => {}
        }
        true
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &NameSet<'a>) {
        for name in &other.names {
            self.add(name);
        }
    }

    /// True if the name is there.
    pub fn contains(&self, name: &str) -> bool {
        match &self.index {
            Some(index) => index.contains(name),
            None => self.names.iter().any(|known| same(known, name)),
        }
    }

    /// Removes a name; true if it was there.
    pub fn remove(&mut self, name: &str) -> bool {
        if !self.contains(name) {
            return false;
        }
        self.retain(|known| !same(known, name));
        true
    }

    /// Forgets the names of which something does not hold.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        let index = &mut self.index;
        self.names.retain(|name| {
            let kept = keep(name);
            if let (false, Some(index)) = (kept, &mut *index) {
                index.remove(name.as_ref());
            }
            kept
        });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names as they came.
    pub fn iter(&self) -> std::iter::Copied<std::slice::Iter<'_, &'a Name>> {
        self.names.iter().copied()
    }

    /// The names by their order.
    pub fn sorted(&self) -> Vec<&'a Name> {
        let mut names = self.names.clone();
        names.sort_unstable();
        names
    }

    /// True if every name is among others.
    pub fn is_subset(&self, other: &dyn Vars) -> bool {
        self.names.iter().all(|name| other.contains(name))
    }

    /// True if both hold the same names.
    pub fn same_names(&self, other: &NameSet<'_>) -> bool {
        self.len() == other.len() && self.is_subset(other)
    }

    /// The same set with names of its own.
    pub fn to_vars(&self) -> VarSet {
        self.names.iter().map(|name| (*name).clone()).collect()
    }
}

/// What is known of names, without order.
#[derive(Clone, Debug)]
pub struct NameMap<V> {
    entries: Vec<(Name, V)>,
    /// The places of the names, where there are many.
    index: Option<HashMap<Name, usize>>,
}

impl<V> Default for NameMap<V> {
    fn default() -> NameMap<V> {
        NameMap {
            entries: Vec::new(),
            index: None,
        }
    }
}

impl<V> NameMap<V> {
    fn place(&self, name: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(name).copied(),
            None => self.entries.iter().position(|(known, _)| same(known, name)),
        }
    }

    /// What is known of a name.
    pub fn get(&self, name: &str) -> Option<&V> {
        Some(&self.entries[self.place(name)?].1)
    }

    /// Puts something in the place of what was known of a name.
    pub fn insert(&mut self, name: &Name, value: V) {
        if let Some(place) = self.place(name) {
            self.entries[place].1 = value;
            return;
        }
        let place = self.entries.len();
        self.entries.push((name.clone(), value));
        match &mut self.index {
            Some(index) => {
                index.insert(name.clone(), place);
            }
            None if place >= FEW => {
                let all = self.entries.iter().enumerate();
                self.index = Some(all.map(|(i, (name, _))| (name.clone(), i)).collect());
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<Name> {
        // 7 and the count have no common divisor: not in order.
        (0..count)
            .map(|i| format!("v{:03}", i * 7 % count).into())
            .collect()
    }

    #[test]
    fn sets_are_the_same_whether_they_hold_few_names_or_many() {
        for count in [3, FEW, FEW + 1, 100] {
            let names = names(count);
            let mut vars = VarSet::new();
            let mut borrowed = NameSet::new();
            let mut scoped = ScopedVars::default();
            for (i, name) in names.iter().enumerate() {
                assert!(vars.add(name) && borrowed.add(name));
                assert!(!vars.add(name) && !borrowed.add(&names[i]));
                scoped.extend([name, name]);
            }
            assert!(vars.iter().is_sorted());
            assert!(borrowed.sorted().into_iter().eq(vars.iter()));
            assert_eq!(
                (vars.len(), borrowed.len(), scoped.mark()),
                (count, count, count)
            );
            vars.add_at(&names[1], Span::new(3, 4));
            let other = Name::from(&*names[1]);
            assert_eq!(vars.span(&other), Span::new(3, 4));
            assert!(vars.remove(&other) && !vars.contains(&other));
            assert!(borrowed.remove(&other) && !borrowed.contains(&other));
            assert!(borrowed.is_subset(&vars) && vars.is_subset(&borrowed));
            assert!(borrowed.to_vars().same_vars(&vars));
            assert!(scoped.contains(&other));
            scoped.rewind(1);
            assert!(scoped.contains(&names[0]) && !scoped.contains(&other));
            let half = vars.filter(|name| name < "v050");
            assert!(half.iter().all(|name| vars.contains(name)));
            assert!(half.intersection(&vars).same_vars(&half));
            let mut rest = vars.difference(&half);
            rest.extend(&half);
            assert!(rest.same_vars(&vars));
        }
    }
    #[test]
    fn maps_know_the_latest_whether_they_hold_few_names_or_many() {
        for count in [3, FEW, FEW + 1, 100] {
            let names = names(count);
            let mut map = NameMap::default();
            for round in 0..2 {
                for (i, name) in names.iter().enumerate() {
                    map.insert(name, (round, i));
                }
            }
            for (i, name) in names.iter().enumerate() {
                assert_eq!(map.get(&Name::from(&**name)), Some(&(1, i)));
            }
            assert_eq!(map.get("w"), None);
        }
    }
}
