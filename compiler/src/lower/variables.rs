//! Which operand holds a variable.
//!
//! A variable is bound where its first occurrence unifies with something known. A closure sees what is bound
//! before it; what it binds itself is forgotten at its end ([`Variables::rewind`]).

use std::collections::HashMap;

use regovm_parser::ast::Name;

use crate::ir::Operand;

/// The bound variables at a point of a function.
#[derive(Debug, Default)]
pub(super) struct Variables {
    bound: HashMap<Name, Operand>,
    /// Names in the order in which they were bound.
    order: Vec<Name>,
}

impl Variables {
    /// Where the value of a variable is, if it is bound.
    pub(super) fn get(&self, name: &str) -> Option<Operand> {
        self.bound.get(name).copied()
    }

    /// Binds a variable that is not bound yet.
    pub(super) fn bind(&mut self, name: &Name, operand: Operand) {
        if self.bound.insert(name.clone(), operand).is_none() {
            self.order.push(name.clone());
        }
    }

    /// Everything that is bound, in the order of binding.
    pub(super) fn all(&self) -> Vec<(Name, Operand)> {
        let bound = |name: &Name| Some((name.clone(), *self.bound.get(name)?));
        self.order.iter().filter_map(bound).collect()
    }

    /// The start of a closure.
    pub(super) fn mark(&self) -> usize {
        self.order.len()
    }

    /// Forgets what was bound since the mark.
    pub(super) fn rewind(&mut self, mark: usize) {
        for name in self.order.drain(mark.min(self.order.len())..) {
            self.bound.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Local;

    #[test]
    fn closures_forget_what_they_bind() {
        let mut vars = Variables::default();
        let (x, y): (Name, Name) = ("x".into(), "y".into());
        vars.bind(&x, Operand::Local(Local(0)));
        let mark = vars.mark();
        vars.bind(&y, Operand::Local(Local(1)));
        assert_eq!(vars.get("y"), Some(Operand::Local(Local(1))));
        vars.rewind(mark);
        assert_eq!(vars.get("x"), Some(Operand::Local(Local(0))));
        assert_eq!(vars.get("y"), None);
    }
}
