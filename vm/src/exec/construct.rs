//! Collections: literals, collectors, trees of rules, rows.

use regovm_core::value::{ObjectBuilder, SetBuilder, Value};

use crate::error::Fault;
use crate::machine::{Builder, Machine};
use crate::room::room;
use crate::tree::TreeError;

impl From<TreeError> for Fault {
    fn from(error: TreeError) -> Fault {
        match error {
            TreeError::Conflict => Fault::ObjectKey,
            TreeError::Memory(error) => error.into(),
        }
    }
}

const WRONG_BUILDER: Fault = Fault::Internal("a collection is used that was not opened as such");

impl<'a> Machine<'a, '_> {
    pub(super) fn make_array(&self) -> Value<'a> {
        self.arena.array(&self.list)
    }

    pub(super) fn make_set(&self) -> Result<Value<'a>, Fault> {
        let mut builder = SetBuilder::new();
        for value in &self.list {
            builder.insert(self.arena, *value)?;
        }
        Ok(builder.finish(self.arena))
    }

    pub(super) fn make_object(&self) -> Result<Value<'a>, Fault> {
        let mut builder = ObjectBuilder::new();
        for member in self.list.chunks_exact(2) {
            builder.insert(self.arena, member[0], member[1])?;
        }
        Ok(builder.finish(self.arena))
    }

    pub(super) fn append(&mut self, at: usize, value: Value<'a>) -> Result<(), Fault> {
        match &mut self.builders[at] {
            Builder::Array(builder) => builder.push(self.arena, value)?,
            Builder::Set(builder) => {
                builder.insert(self.arena, value)?;
            }
            _ => return Err(WRONG_BUILDER),
        }
        Ok(())
    }

    pub(super) fn append_member(
        &mut self,
        at: usize,
        key: Value<'a>,
        value: Value<'a>,
    ) -> Result<(), Fault> {
        let Builder::Object(builder) = &mut self.builders[at] else {
            return Err(WRONG_BUILDER);
        };
        match builder.insert_unique(self.arena, key, value)? {
            Some(old) if old != value => Err(Fault::ObjectKey),
            _ => Ok(()),
        }
    }

    /// The path is in `self.list`.
    pub(super) fn insert_path(&mut self, at: usize, value: Value<'a>) -> Result<(), Fault> {
        let Builder::Tree(tree) = &mut self.builders[at] else {
            return Err(WRONG_BUILDER);
        };
        Ok(tree.insert(&self.list, value, self.arena)?)
    }

    /// The path is in `self.list`.
    pub(super) fn insert_set(&mut self, at: usize, value: Value<'a>) -> Result<(), Fault> {
        match &mut self.builders[at] {
            Builder::Tree(tree) => Ok(tree.insert_set(&self.list, value, self.arena)?),
            Builder::Set(builder) if self.list.is_empty() => {
                builder.insert(self.arena, value)?;
                Ok(())
            }
            _ => Err(WRONG_BUILDER),
        }
    }

    pub(super) fn close(&mut self, at: usize) -> Result<Value<'a>, Fault> {
        let arena = self.arena;
        match std::mem::take(&mut self.builders[at]) {
            Builder::Array(builder) => Ok(builder.finish(arena)),
            Builder::Set(builder) => Ok(builder.finish(arena)),
            Builder::Object(builder) => Ok(builder.finish(arena)),
            Builder::Tree(tree) => Ok(tree.finish(arena)?),
            Builder::None => Err(WRONG_BUILDER),
        }
    }

    pub(super) fn emit_row(&mut self) -> Result<(), Fault> {
        room(&mut self.rows, 1, self.arena)?;
        self.arena.claim(size_of_val(self.list.as_slice()))?;
        self.rows.push(self.list.clone());
        Ok(())
    }
}
