//! Iterations over members, all of them or those that an index finds.

use regovm_core::value::Value;

use crate::bytecode::IndexSlot;
use crate::error::Fault;
use crate::index::{self, Plan};
use crate::iterate::Iter;
use crate::machine::Machine;
use crate::overlay::base_member;

impl<'a> Machine<'a, '_> {
    /// The next member of an iteration; its key means nothing if nobody wants it.
    #[inline]
    pub(super) fn iterate(
        &mut self,
        iter: usize,
        wants_key: bool,
    ) -> Option<(Value<'a>, Value<'a>)> {
        let arena = self.arena;
        let key = |at: usize| match wants_key {
            true => arena.integer(at as i64),
            false => Value::NULL,
        };
        match &mut self.iters[iter] {
            Iter::Found(found) => self.indexes.next(found, key),
            members => members.next(key),
        }
    }

    /// True if an iteration over `base` goes through an index.
    pub(super) fn index_open(
        &mut self,
        iter: usize,
        base: Value<'a>,
        index: IndexSlot,
    ) -> Result<bool, Fault> {
        let when = self.options.indexing;
        let of_data = self.index_data.take().is_some_and(|path| {
            // What is shown for this run only has no place in what is kept.
            let lasting = self.target.data.unwrap_or(self.data);
            let whole = self.path(path).try_fold(lasting, base_member);
            whole.is_some_and(|whole| whole.to_bits() == base.to_bits())
        });
        let plan = self
            .indexes
            .open(base, index.0, of_data, when, self.arena)?;
        self.iters[iter] = match plan {
            Plan::Scan => return Ok(false),
            Plan::Build(mut building) => {
                building.steps_before = self.budget.used();
                Iter::Build(building)
            }
            Plan::Use(found, steps) => {
                // As many as building it takes: the count must not depend on what ran before.
                self.charge(steps)?;
                Iter::Found(found)
            }
        };
        Ok(true)
    }

    /// The next member of an index that is being built. There is none when it is complete, and the iteration uses it.
    pub(super) fn index_next(&mut self, iter: usize) -> Option<(Value<'a>, Value<'a>)> {
        let arena = self.arena;
        let Iter::Build(building) = &mut self.iters[iter] else {
            return None;
        };
        let member = building.next(|at| arena.integer(at as i64));
        if member.is_none()
            && let Iter::Build(building) = std::mem::take(&mut self.iters[iter])
        {
            // The last look, which found no more members, is paid again by whoever finds the index complete.
            let steps = self.budget.used() - building.steps_before - 1;
            self.iters[iter] = Iter::Found(self.indexes.complete(*building, steps));
        }
        member
    }

    /// Keeps the last member under the keys in `self.list`.
    pub(super) fn index_add(&mut self, iter: usize) -> Result<(), Fault> {
        match &mut self.iters[iter] {
            Iter::Build(building) => building.add(self.arena, index::hash(&self.list)),
            _ => Ok(()),
        }
    }

    /// Goes to the members with the keys in `self.list`.
    pub(super) fn index_seek(&mut self, iter: usize) {
        if let Iter::Found(found) = &mut self.iters[iter] {
            self.indexes.seek(found, index::hash(&self.list));
        }
    }
}
