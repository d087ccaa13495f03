//! Telling those who watch: points of observed programs, costs of all.

use regovm_core::builtin::BuiltinError;
use regovm_core::value::Value;

use crate::bytecode::{ConstIndex, FunctionIndex, PointIndex};
use crate::error::{Fault, describe};
use crate::machine::{Frame, Machine};
use crate::memo::{Calls, Outcome};
use crate::observe::{Document, Documents, Moment};
use crate::overlay::{self, OverlayId};
use crate::profile::Costs;

/// The caches of comprehensions of the queries, rules and bodies under way, from the outside in.
///
/// One that begins has the cache of the one around it. If there is none, the first that needs a cache makes one, for itself
/// and for what it begins from then on.
#[derive(Default)]
pub(crate) struct Bodies {
    caches: Vec<Option<u32>>,
    made: u32,
}

impl Bodies {
    fn reached(&mut self, moment: Moment) {
        match moment {
            Moment::Enter => self.caches.push(self.caches.last().copied().flatten()),
            Moment::Leave => {
                self.caches.pop();
            }
            _ => {}
        }
    }

    fn cache(&mut self) -> u32 {
        if let Some(known) = self.caches.last().copied().flatten() {
            return known;
        }
        self.made += 1;
        if let Some(innermost) = self.caches.last_mut() {
            *innermost = Some(self.made);
        }
        self.made
    }
}

/// What has been computed, for those who watch.
struct Known<'m, 'a, 'r> {
    machine: &'m Machine<'a, 'r>,
    overlay: OverlayId,
}

impl Documents for Known<'_, '_, '_> {
    fn overlay(&self) -> u32 {
        self.overlay.0
    }

    fn mentioned(&self, site: u32) -> Vec<u32> {
        let documents = &self.machine.program.observed.documents;
        let documents = documents.get(site as usize).into_iter().flatten();
        documents.map(|document| document.name).collect()
    }

    fn known(&self, site: u32, overlay: u32) -> Vec<(u32, Value<'_>)> {
        let machine = self.machine;
        let mentioned = machine.program.observed.documents.get(site as usize);
        let value = |document: &Document| {
            let constant = |key: &ConstIndex| machine.constants[key.index()];
            let keys: Vec<Value<'_>> = document.keys.iter().map(constant).collect();
            machine.computed(document.function, OverlayId(overlay), &keys)
        };
        mentioned
            .into_iter()
            .flatten()
            .filter_map(|document| Some((document.name, value(document)??)))
            .collect()
    }
}

impl<'a> Machine<'a, '_> {
    /// A result that was computed before with these arguments.
    fn computed(
        &self,
        function: FunctionIndex,
        overlay: OverlayId,
        arguments: &[Value<'a>],
    ) -> Option<Outcome<'a>> {
        if arguments.is_empty() {
            return self.known(function, overlay, 0);
        }
        let hash = Calls::hash(function.0, arguments);
        let calls = &self.overlays.get(overlay).memo.calls;
        calls.get(hash, function.0, arguments)
    }

    /// The number of the cache of comprehensions that counts now.
    pub(super) fn comprehension_cache(&mut self) -> Value<'a> {
        self.arena.integer(i64::from(self.bodies.cache()))
    }

    /// Hands a point with its values to the observer.
    pub(super) fn observe(&mut self, frame: &Frame, point: PointIndex) {
        let program = self.program;
        let point = &program.observed.points[point.index()];
        self.bodies.reached(point.moment);
        let overlay = self.next_overlay.take().unwrap_or(frame.overlay);
        let Some(observer) = self.watch.observer.take() else {
            return;
        };
        let mut values: Vec<(u32, Value<'a>)> = Vec::new();
        for (name, source) in &point.variables {
            let value = match source.split() {
                Ok(reg) => self.registers[frame.base + reg.index()],
                Err(index) => Some(self.constants[index.index()]),
            };
            values.extend(value.map(|value| (*name, value)));
        }
        let known = Known {
            machine: self,
            overlay,
        };
        observer.reached(program, point, &values, &known);
        self.watch.observer = Some(observer);
    }

    /// A result that is there without computing anything.
    pub(super) fn recall(&mut self, function: FunctionIndex, overlay: OverlayId) -> Outcome<'a> {
        let callee = &self.program.functions[function.index()];
        if overlay != OverlayId::NONE
            && let Some(path) = &callee.path
        {
            let constants = self.constants;
            let keys = || path.iter().map(|index| constants[index.index()]);
            let node = &self.overlays.get(overlay).data;
            if node.covers(keys()) {
                return node.load(overlay::Document::Data, Some(self.data), keys(), self.arena);
            }
        }
        let known = self.known(function, overlay, 0)?;
        if let Some(observer) = self.watch.observer.as_deref_mut() {
            observer.recalled(function.0, 0);
        }
        known
    }

    /// Tells the observer that a function begins, or that its result was known.
    pub(super) fn observe_call(&mut self, function: FunctionIndex, hash: u64, known: bool) {
        if let Some(observer) = self.watch.observer.as_deref_mut() {
            match known {
                true => observer.recalled(function.0, hash),
                false => observer.called(function.0, hash),
            }
        }
    }

    /// Tells the observer of the conflict that will end the query.
    #[cold]
    pub(crate) fn observe_conflict(&mut self) {
        if let Some(observer) = self.watch.observer.as_deref_mut() {
            observer.conflict(self.program);
        }
    }

    /// Tells the observer of a call of `trace`.
    pub(super) fn observe_note(&mut self, name: &str, pc: usize) {
        if name != "trace" {
            return;
        }
        let text = self.list.first().and_then(|value| value.as_str());
        if let (Some(observer), Some(text)) = (self.watch.observer.as_deref_mut(), text) {
            observer.note(self.program.span_at(pc as u32), text);
        }
    }

    /// Tells the observer of an error that made a call undefined.
    pub(super) fn observe_error(&mut self, builtin: u16, error: BuiltinError, pc: usize) {
        if let Some(observer) = self.watch.observer.as_deref_mut() {
            let fault = Fault::Builtin(builtin, error);
            let (memory, depth) = (self.arena.limit(), self.options.max_depth);
            let error = describe(fault, self.program, pc as u32, &self.budget, memory, depth);
            observer.builtin_error(self.program, error);
        }
    }

    pub(super) fn profile_instruction(&mut self, pc: usize) {
        let (steps, bytes) = (self.budget.used(), self.arena.used());
        if let Some(profile) = self.watch.profile.as_deref_mut() {
            profile.instruction(pc, steps, bytes);
        }
    }

    pub(super) fn profile_enter(&mut self, function: u32, caller: usize) {
        let (steps, bytes) = (self.budget.used(), self.arena.used());
        if let Some(profile) = self.watch.profile.as_deref_mut() {
            profile.enter(function, caller, steps, bytes);
        }
    }

    pub(super) fn profile_leave(&mut self) {
        let (steps, bytes) = (self.budget.used(), self.arena.used());
        if let Some(profile) = self.watch.profile.as_deref_mut() {
            profile.leave(steps, bytes);
        }
    }

    pub(super) fn profile_costs(&mut self, pc: usize, change: impl FnOnce(&mut Costs)) {
        if let Some(profile) = self.watch.profile.as_deref_mut() {
            change(profile.costs(pc as u32));
        }
    }
}
