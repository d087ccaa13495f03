//! The variables of bodies inside of bodies, by the names that the author gave them.

use hashbrown::HashMap;
use regovm_parser::ast::Name;

/// How a variable first occurred in a scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Occurrence {
    /// As a formal argument.
    Argument,
    /// Nothing declares it so far.
    Seen,
    /// By `:=`.
    Assigned,
    /// By `some` or `every`.
    Declared,
}

/// A variable of a scope.
#[derive(Clone, Debug)]
pub struct Binding {
    /// As the author wrote it.
    pub name: Name,
    /// The generated name, or the name itself if nothing declares it.
    pub to: Name,
    /// How it first occurred.
    pub occurrence: Occurrence,
    /// How often it occurred, the declaration included.
    pub count: u32,
    /// The variable of this name in a scope around, by its place in the list.
    hides: Option<usize>,
}

/// So many bindings are faster to search one after another.
const FEW: usize = 16;

/// Scopes inside of scopes; there is always one.
#[derive(Clone, Default, Debug)]
pub struct Scopes {
    /// Those of the innermost scope last.
    bindings: Vec<Binding>,
    /// Where the scopes begin, except the first one.
    starts: Vec<usize>,
    /// The innermost binding of each name, where there are many.
    index: Option<HashMap<Name, usize>>,
}

impl Scopes {
    /// Opens a scope inside of the innermost one.
    pub fn push(&mut self) {
        self.starts.push(self.bindings.len());
    }

    /// Closes the innermost scope.
    pub fn pop(&mut self) {
        let start = self.starts.pop().unwrap_or_default();
        for binding in self.bindings.drain(start..).rev() {
            let Some(index) = &mut self.index else {
                continue;
            };
            match binding.hides {
                Some(around) => index.insert(binding.name, around),
                None => index.remove(&binding.name),
            };
        }
    }

    /// The variables of the innermost scope.
    pub fn innermost(&self) -> &[Binding] {
        &self.bindings[self.start()..]
    }

    fn start(&self) -> usize {
        self.starts.last().copied().unwrap_or_default()
    }

    fn place(&self, name: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(name).copied(),
            None => self
                .bindings
                .iter()
                .rposition(|binding| *binding.name == *name),
        }
    }

    /// What a name means.
    pub fn find(&self, name: &str) -> Option<&Binding> {
        Some(&self.bindings[self.place(name)?])
    }

    /// What a name means, to count an occurrence.
    pub fn find_mut(&mut self, name: &str) -> Option<&mut Binding> {
        let place = self.place(name)?;
        Some(&mut self.bindings[place])
    }

    /// What a name means in the innermost scope alone.
    pub fn find_innermost(&self, name: &str) -> Option<&Binding> {
        let place = self.place(name)?;
        (place >= self.start()).then(|| &self.bindings[place])
    }

    /// Adds a variable that the innermost scope does not have.
    pub fn bind(&mut self, name: Name, to: Name, occurrence: Occurrence) {
        let hides = self.place(&name);
        let place = self.bindings.len();
        if let Some(index) = &mut self.index {
            index.insert(name.clone(), place);
        }
        self.bindings.push(Binding {
            name,
            to,
            occurrence,
            count: 1,
            hides,
        });
        if self.index.is_none() && place >= FEW {
            // Inner ones come later, and stay.
            let all = self.bindings.iter().enumerate();
            self.index = Some(all.map(|(i, binding)| (binding.name.clone(), i)).collect());
        }
    }

    /// Variables of one kind in the innermost scope, in the order of their new names.
    pub fn of(&self, occurrence: Occurrence) -> Vec<&Binding> {
        let all = self.innermost().iter();
        let mut found: Vec<&Binding> = all
            .filter(|binding| binding.occurrence == occurrence)
            .collect();
        found.sort_by(|a, b| (&a.to, &a.name, a.count).cmp(&(&b.to, &b.name, b.count)));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_variables_hide_those_around_until_their_scope_ends() {
        for count in [2, FEW, 3 * FEW] {
            let name = |i: usize| Name::from(format!("x{i}"));
            let mut scopes = Scopes::default();
            for i in 0..count {
                scopes.bind(name(i), name(100 + i), Occurrence::Declared);
            }
            scopes.push();
            assert!(scopes.innermost().is_empty() && scopes.find_innermost("x0").is_none());
            scopes.bind(name(0), name(7000), Occurrence::Assigned);
            let to = |scopes: &Scopes, i: usize| scopes.find(&name(i)).map(|b| b.to.clone());
            assert_eq!(to(&scopes, 0), Some(name(7000)));
            assert_eq!(to(&scopes, 1), Some(name(101)));
            scopes.find_mut("x1").unwrap().count += 1;
            assert_eq!(scopes.of(Occurrence::Assigned).len(), 1);
            assert!(scopes.of(Occurrence::Declared).is_empty());
            scopes.push();
            for i in 0..count {
                scopes.bind(name(i), name(200 + i), Occurrence::Seen);
            }
            assert_eq!(to(&scopes, 0), Some(name(200)));
            scopes.pop();
            assert_eq!(to(&scopes, 0), Some(name(7000)));
            scopes.pop();
            for i in 0..count {
                assert_eq!(to(&scopes, i), Some(name(100 + i)));
            }
            assert_eq!(scopes.find("x1").unwrap().count, 2);
            assert_eq!(scopes.of(Occurrence::Declared).len(), count);
        }
    }
}
