//! Making overlays.

use regovm_core::value::Value;

use crate::bytecode::PathIndex;
use crate::error::Fault;
use crate::machine::Machine;
use crate::overlay::Mock;

const NOT_OPEN: Fault = Fault::Internal("a replacement outside an overlay");

impl<'a> Machine<'a, '_> {
    pub(super) fn overlay_input(&mut self, path: PathIndex, value: Value<'a>) -> Result<(), Fault> {
        let path: Vec<Value<'a>> = self.path(path).collect();
        self.open_overlay
            .as_mut()
            .ok_or(NOT_OPEN)?
            .input
            .set(&path, value);
        Ok(())
    }

    pub(super) fn overlay_data(&mut self, path: PathIndex, value: Value<'a>) -> Result<(), Fault> {
        let path: Vec<Value<'a>> = self.path(path).collect();
        self.open_overlay
            .as_mut()
            .ok_or(NOT_OPEN)?
            .data
            .set(&path, value);
        Ok(())
    }

    pub(super) fn overlay_mock(&mut self, mock: Mock<'a>) -> Result<(), Fault> {
        let target = self.open_target.take().ok_or(NOT_OPEN)?;
        self.open_overlay
            .as_mut()
            .ok_or(NOT_OPEN)?
            .replace(target, mock);
        Ok(())
    }

    /// The overlay that the slot held before is dead: what ran under it has ended.
    pub(super) fn overlay_close(&mut self, slot: usize) -> Result<(), Fault> {
        let overlay = self.open_overlay.take().ok_or(NOT_OPEN)?;
        let freed = self.overlays.release(self.slots[slot]);
        self.arena.release(freed);
        self.slots[slot] = self.overlays.add(overlay);
        Ok(())
    }
}
