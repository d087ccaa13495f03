//! Loads of documents and of members.

use regovm_core::value::{Value, View};

use crate::bytecode::PathIndex;
use crate::error::Fault;
use crate::iterate::Iter;
use crate::machine::Machine;
use crate::overlay::{Document, OverlayId};

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

    pub(super) fn load_data(&self, overlay: OverlayId, path: PathIndex) -> Option<Value<'a>> {
        let node = &self.overlays.get(overlay).data;
        if node.is_empty() {
            return self
                .path(path)
                .try_fold(self.data, |value, key| self.get_data(value, key));
        }
        node.load(Document::Data, Some(self.data), self.path(path), self.arena)
    }

    /// A member of base data, whose paths are texts.
    #[inline]
    pub(super) fn get_data(&self, base: Value<'a>, key: Value<'a>) -> Option<Value<'a>> {
        match base.get(key) {
            None => self.get_by_text(base, key),
            found => found,
        }
    }

    #[cold]
    fn get_by_text(&self, base: Value<'a>, key: Value<'a>) -> Option<Value<'a>> {
        match (base.view(), key.view()) {
            (View::Object(object), View::Integer(number)) => object.get_str(&number.to_string()),
            (View::Object(object), View::Number(number)) => object.get_str(number.text()),
            (View::Array(array), View::String(text)) => {
                array.as_slice().get(text.parse::<usize>().ok()?).copied()
            }
            _ => None,
        }
    }

    #[inline]
    pub(super) fn get_field(&self, base: Value<'a>, key: Value<'a>) -> Option<Value<'a>> {
        base.get(key)
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
