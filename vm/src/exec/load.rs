//! Loads of documents and of members.

use regovm_core::value::Value;

use crate::bytecode::{PathIndex, ShortPath};
use crate::error::Fault;
use crate::iterate::Iter;
use crate::machine::Machine;
use crate::overlay::{Document, OverlayId, base_member};

impl<'a> Machine<'a, '_> {
    /// The keys of a path.
    pub(super) fn path(&self, path: PathIndex) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let constants = self.constants;
        self.program.paths[path.index()]
            .iter()
            .map(move |index| constants[index.index()])
    }

    pub(super) fn load_input(&self, overlay: OverlayId, path: PathIndex) -> Option<Value<'a>> {
        let node = &self.overlays.get(overlay).input;
        if node.is_empty() {
            return self
                .path(path)
                .try_fold(self.input?, |value, key| value.get(key));
        }
        node.load(Document::Input, self.input, self.path(path), self.arena)
    }

    pub(super) fn load_data(&mut self, overlay: OverlayId, path: PathIndex) -> Option<Value<'a>> {
        let node = &self.overlays.get(overlay).data;
        let value = if node.is_empty() {
            self.path(path).try_fold(self.data, base_member)
        } else {
            node.load(Document::Data, Some(self.data), self.path(path), self.arena)
        };
        if self.program.paths[path.index()].is_empty() {
            return value.map(|value| self.without_system(value));
        }
        value
    }

    /// All of `data`: OPA keeps a document of its own there that policies see only if they ask for it by name.
    fn without_system(&mut self, value: Value<'a>) -> Value<'a> {
        let Some(object) = value.as_object() else {
            return value;
        };
        if object.get_str("system").is_none() {
            return value;
        }
        match self.whole_data {
            Some((whole, cut)) if whole.to_bits() == value.to_bits() => cut,
            _ => {
                let members = object
                    .iter()
                    .filter(|(key, _)| key.as_str() != Some("system"));
                let cut = self.arena.object_from(members);
                self.whole_data = Some((value, cut));
                cut
            }
        }
    }

    /// A member of base data, whose paths are texts.
    #[inline]
    pub(super) fn get_data(&self, base: Value<'a>, key: Value<'a>) -> Option<Value<'a>> {
        match base.get(key) {
            None => base_member(base, key),
            found => found,
        }
    }

    #[inline]
    pub(super) fn get_field(&mut self, base: Value<'a>, key: Value<'a>) -> Option<Value<'a>> {
        match base.as_object() {
            Some(object) => self.fields.get(object, key),
            // A set may have the text as an element.
            None => base.get(key),
        }
    }

    /// A field of a field, and so on.
    #[inline]
    pub(super) fn get_path(&mut self, base: Value<'a>, path: ShortPath) -> Option<Value<'a>> {
        let program = self.program;
        let mut value = base;
        for key in &program.paths[path.index()] {
            value = self.get_field(value, self.constants[key.index()])?;
        }
        Some(value)
    }

    /// The next place of a walk; its path only if somebody wants it.
    pub(super) fn walk_next(
        &mut self,
        iter: usize,
        wants_path: bool,
    ) -> Result<Option<(Option<Value<'a>>, Value<'a>)>, Fault> {
        let arena = self.arena;
        let Iter::Walk(walk) = &mut self.iters[iter] else {
            return Ok(None);
        };
        let Some(value) = walk.next(|at| arena.integer(at as i64)) else {
            return Ok(None);
        };
        arena.reserve(walk.bytes())?;
        let path = wants_path.then(|| arena.array(walk.path()));
        Ok(Some((path, value)))
    }
}
