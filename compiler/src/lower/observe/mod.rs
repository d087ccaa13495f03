//! Lowering for those who look on: the same rules and expressions, in the order in which OPA evaluates them, with a
//! statement for each moment of it that OPA's tracer reports.
//!
//! What differs from the lowering of programs that nobody watches:
//! - the continuation of an expression is a block of its own, so that what follows it (its redo) runs however it ends;
//! - bodies are searched to their end where OPA does that, and left at the first success where OPA does;
//! - which rules of one name are evaluated is decided beforehand by OPA's index of rules ([`super::rule_filter`]);
//! - a partial rule that is asked for one key is evaluated with that key alone ([`Task::Keyed`](super::Task::Keyed));
//! - a comprehension that OPA indexes is computed once, and looked up by its keys ([`comprehension`]).

mod body;
mod comprehension;
mod documents;
mod index;
mod partial;
mod rules;
mod sites;

use regovm_parser::ast::Name;

pub(super) use comprehension::Comprehensions;
pub(super) use sites::written_names;

use super::{Lowered, Lowering};
use crate::ir::{Local, Moment, Operand, StmtKind};

/// What an observed program is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Observe {
    /// Points carry the values of variables.
    pub values: bool,
    /// Rules that OPA's index excludes are not evaluated.
    pub indexing: bool,
    /// Rules that can give one value only end with their first success.
    pub early_exit: bool,
}

impl Default for Observe {
    fn default() -> Observe {
        Observe {
            values: false,
            indexing: true,
            early_exit: true,
        }
    }
}

/// What follows a body.
type Then<'t, 'c> = Box<dyn FnOnce(&mut Lowering<'c>) -> Lowered<()> + 't>;

impl<'c> Lowering<'c> {
    /// A moment of a site, with the variables that are bound now.
    pub(super) fn moment(&mut self, moment: Moment, site: u32) {
        let variables = match self.observe {
            Some(Observe { values: true, .. }) => self.vars.all(),
            _ => Vec::new(),
        };
        self.b.emit(StmtKind::Observe {
            moment,
            site,
            variables,
        });
    }

    /// The same with further values.
    pub(super) fn moment_with(&mut self, moment: Moment, site: u32, further: Vec<(Name, Operand)>) {
        let variables = match self.observe {
            Some(Observe { values: true, .. }) => {
                let mut variables = self.vars.all();
                variables.extend(further);
                variables
            }
            _ => Vec::new(),
        };
        self.b.emit(StmtKind::Observe {
            moment,
            site,
            variables,
        });
    }
    /// Blocks of which the first is made by `f`; nothing that fails in it matters outside.
    pub(super) fn apart(&mut self, f: impl FnOnce(&mut Self) -> Lowered<()>) -> Lowered<()> {
        let mark = self.b.begin();
        f(self)?;
        let block = self.b.end(mark);
        self.b.emit(StmtKind::Blocks {
            blocks: vec![block],
        });
        Ok(())
    }

    pub(super) fn mark_true(&mut self, dst: Local) {
        let src = self.true_operand();
        self.b.emit(StmtKind::Move { dst, src });
    }

    pub(super) fn flag(&mut self) -> Local {
        let local = self.b.local();
        self.b.emit(StmtKind::ResetLocal { local });
        local
    }
}
