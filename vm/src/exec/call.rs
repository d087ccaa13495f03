//! Calls of functions, rules and built-ins: replacements, memo, frames.

use regovm_core::Value;
use regovm_core::builtin::{Body, BuiltinError, Call};

use crate::bytecode::{BuiltinIndex, Callee, FunctionIndex};
use crate::error::{Fault, place};
use crate::link::LinkedBuiltin;
use crate::machine::{Frame, Machine};
use crate::memo::{Calls, Outcome};
use crate::overlay::{Document, Mock, OverlayId};
use crate::program::FunctionKind;

/// What became of a call.
pub(super) enum Called<'a> {
    /// It has a result (or is undefined) already.
    Done(Outcome<'a>),
    /// A function must run first.
    Enter(Frame),
}

impl<'a> Machine<'a, '_> {
    /// Calls something with the arguments in `self.list`. Charges one step.
    pub(super) fn call(
        &mut self,
        callee: Callee,
        overlay: OverlayId,
        pc: usize,
    ) -> Result<Called<'a>, Fault> {
        self.charge(1)?;
        let (mut callee, mut overlay) = (callee, overlay);
        // What replaces a function runs without replaced functions, so one look is enough.
        match self.overlays.get(overlay).mock(callee) {
            Some(Mock::Value(value)) => return Ok(Called::Done(Some(value))),
            Some(Mock::Callee(replacement)) => {
                callee = replacement;
                overlay = self.overlays.plain(overlay);
                self.check_arity(callee)?;
            }
            None => {}
        }
        match callee {
            Callee::Builtin(builtin) => Ok(Called::Done(self.call_builtin(builtin, pc)?)),
            Callee::Function(function) => self.call_function(function, overlay, pc),
        }
    }

    /// The verifier cannot know what a replacement is called with.
    fn check_arity(&self, callee: Callee) -> Result<(), Fault> {
        let given = self.list.len();
        let fits = match callee {
            Callee::Function(function) => {
                self.program.functions[function.index()].params as usize == given
            }
            Callee::Builtin(builtin) => {
                let needed = &self.program.builtins[builtin.index()];
                let arity = usize::from(needed.arity);
                given == arity || (needed.variadic && given > arity)
            }
        };
        if fits {
            Ok(())
        } else {
            Err(Fault::Internal(
                "a replacement takes other arguments than what it replaces",
            ))
        }
    }

    fn call_function(
        &mut self,
        function: FunctionIndex,
        overlay: OverlayId,
        pc: usize,
    ) -> Result<Called<'a>, Fault> {
        let program = self.program;
        let callee = &program.functions[function.index()];
        if overlay != OverlayId::NONE
            && let Some(path) = &callee.path
        {
            let constants = self.constants;
            let keys = || path.iter().map(|index| constants[index.index()]);
            let node = &self.overlays.get(overlay).data;
            if node.covers(keys()) {
                return Ok(Called::Done(node.load(
                    Document::Data,
                    Some(self.data),
                    keys(),
                    self.arena,
                )));
            }
        }
        let hash = match callee.kind {
            FunctionKind::Function => Calls::hash(function.0, &self.list),
            FunctionKind::Rule | FunctionKind::Query => 0,
        };
        let known = self.known(function, overlay, hash);
        if program.observed.is_on() {
            self.observe_call(function, hash, known.is_some());
        }
        match known {
            Some(outcome) => Ok(Called::Done(outcome)),
            None => Ok(Called::Enter(self.enter(function, overlay, pc, hash)?)),
        }
    }

    /// Runs the body of a built-in with the arguments in `self.list`.
    #[inline]
    pub(super) fn call_builtin(
        &mut self,
        index: BuiltinIndex,
        pc: usize,
    ) -> Result<Outcome<'a>, Fault> {
        let linked = self.target.linked;
        match &linked.builtins[index.index()] {
            LinkedBuiltin::Plain(body) => Ok(self.call_body(index, pc, body)?.0),
            LinkedBuiltin::Other { body, fixed } => self.call_other(index, pc, body, *fixed),
        }
    }

    #[inline(never)]
    fn call_other(
        &mut self,
        index: BuiltinIndex,
        pc: usize,
        body: &Body,
        fixed: bool,
    ) -> Result<Outcome<'a>, Fault> {
        let number = u32::from(index.0);
        let mut hash = 0;
        if fixed {
            hash = Calls::hash(number, &self.list);
            if let Some(outcome) = self.fixed.get(hash, number, &self.list) {
                return Ok(outcome);
            }
        }
        let run = |call: &mut Call<'a, '_>, list: &[Value<'a>]| body.call(call, list);
        let (outcome, transient) = self.call_body(index, pc, run)?;
        if fixed && !transient {
            let kept = self.list.iter().copied();
            self.fixed.put(self.arena, hash, number, kept, outcome)?;
        }
        Ok(outcome)
    }

    /// Gives the result, and whether another call with the same arguments must run again.
    #[inline(always)]
    fn call_body(
        &mut self,
        index: BuiltinIndex,
        pc: usize,
        body: impl FnOnce(&mut Call<'a, '_>, &[Value<'a>]) -> Result<Outcome<'a>, BuiltinError>,
    ) -> Result<(Outcome<'a>, bool), Fault> {
        let program = self.program;
        if program.observed.is_on() {
            self.observe_note(&program.builtins[index.index()].name, pc);
        }
        let at = || place(program, pc as u32);
        let mut call = Call::new(self.arena, &mut self.budget, self.host, self.caches).at(&at);
        let outcome = match body(&mut call, &self.list) {
            Ok(outcome) => outcome,
            Err(BuiltinError::Stop(reason)) => return Err(Fault::Stop(reason)),
            Err(error @ BuiltinError::Halt(..)) => return Err(Fault::Builtin(index.0, error)),
            Err(error) if self.options.strict_builtin_errors => {
                return Err(Fault::Builtin(index.0, error));
            }
            Err(error) => {
                let transient = call.is_transient();
                if program.observed.is_on() {
                    self.observe_error(index.0, error, pc);
                }
                return Ok((None, transient));
            }
        };
        Ok((outcome, call.is_transient()))
    }
}
