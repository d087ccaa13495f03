//! The machine's state: registers, frames, slots, memo; and how functions are entered and left.

use regovm_core::builtin::{Caches, Meter, StopReason};
use regovm_core::host::Host;
use regovm_core::value::{Arena, ArrayBuilder, ObjectBuilder, SetBuilder, Value, View};

use crate::budget::Budget;
use crate::bytecode::{
    ConflictKind, FunctionIndex, Instruction, PathIndex, Reg, Source, list_words,
};
use crate::error::{Conflict, EvalError, Fault, describe};
use crate::exec::Bodies;
use crate::field_cache::FieldCache;
use crate::index::{Indexes, KeptIndexes};
use crate::iterate::Iter;
use crate::memo::{Calls, Outcome};
use crate::overlay::{OverlayId, Overlays};
use crate::program::{FunctionKind, Program};
use crate::room::room;
use crate::session::{Options, Target, Watch};
use crate::tree::Tree;

/// Registers of all frames together, at most.
const MAX_REGISTERS: usize = 1 << 24;

/// A collection that is being built.
#[derive(Default)]
pub(crate) enum Builder<'a> {
    #[default]
    None,
    Array(ArrayBuilder<'a>),
    Set(SetBuilder<'a>),
    Object(ObjectBuilder<'a>),
    Tree(Tree<'a>),
}

/// One call that is under way.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) function: u32,
    /// Where its windows start.
    pub(crate) base: usize,
    pub(crate) iters: usize,
    pub(crate) builders: usize,
    pub(crate) slots: usize,
    /// The overlay that it runs under.
    pub(crate) overlay: OverlayId,
    /// The instruction that called it.
    pub(crate) caller: usize,
    /// Where its result is kept.
    memo: MemoPlace,
}

/// Where a result is kept.
#[derive(Clone, Copy)]
enum MemoPlace {
    /// Nowhere.
    None,
    /// As that of a rule.
    Rule,
    /// As that of a call with this hash; its arguments are still in the first registers.
    Call(u64),
}

/// Memory that is kept between runs.
#[derive(Default)]
pub(crate) struct Buffers {
    registers: Vec<Option<Value<'static>>>,
    list: Vec<Value<'static>>,
    iters: Vec<Iter<'static>>,
    builders: Vec<Builder<'static>>,
    rules: Vec<Option<Outcome<'static>>>,
    frames: Vec<Frame>,
    slots: Vec<OverlayId>,
    fields: FieldCache,
    indexes: KeptIndexes,
}

/// An empty vector of values of another lifetime in the same memory: the standard library keeps it.
fn emptied<T, U>(mut vec: Vec<T>) -> Vec<U> {
    vec.clear();
    vec.into_iter().map_while(|_| None).collect()
}

/// What of a vector is kept for the next run.
fn kept<T, U>(mut vec: Vec<T>) -> Vec<U> {
    vec.clear();
    vec.shrink_to(KEPT);
    emptied(vec)
}

/// Registers and frames that are kept for the next run, at most.
const KEPT: usize = 1 << 10;

/// The state of one run.
pub(crate) struct Machine<'a, 'r> {
    pub(crate) program: &'a Program,
    pub(crate) constants: &'a [Value<'a>],
    pub(crate) target: Target<'a>,
    pub(crate) arena: &'a Arena,
    pub(crate) input: Option<Value<'a>>,
    pub(crate) data: Value<'a>,
    /// The last whole `data` that was asked for, and what policies see of it.
    pub(crate) whole_data: Option<(Value<'a>, Value<'a>)>,
    pub(crate) budget: Budget,
    pub(crate) options: &'r Options,
    pub(crate) host: &'r mut dyn Host,
    pub(crate) caches: &'r mut Caches,
    pub(crate) registers: Vec<Option<Value<'a>>>,
    /// The frames below the running one.
    pub(crate) frames: Vec<Frame>,
    pub(crate) iters: Vec<Iter<'a>>,
    pub(crate) indexes: Indexes,
    pub(crate) fields: FieldCache,
    /// Where base data has the collection of the next `IndexOpen`.
    pub(crate) index_data: Option<PathIndex>,
    pub(crate) builders: Vec<Builder<'a>>,
    /// Overlays that `with`s of the frames have made.
    pub(crate) slots: Vec<OverlayId>,
    pub(crate) overlays: Overlays<'a>,
    /// The overlay of the next load or call, if it is not the frame's.
    pub(crate) next_overlay: Option<OverlayId>,
    /// The overlay that is being made.
    pub(crate) open_overlay: Option<crate::overlay::Overlay<'a>>,
    pub(crate) open_target: Option<crate::bytecode::Callee>,
    /// Results of rules without an overlay.
    rules: Vec<Option<Outcome<'a>>>,
    /// Results of built-ins that are fixed for the query.
    pub(crate) fixed: Calls<'a>,
    /// The list of the instruction that runs.
    pub(crate) list: Vec<Value<'a>>,
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) rows: Vec<Vec<Value<'a>>>,
    pub(crate) watch: Watch<'r>,
    /// What is under way in a program that is observed.
    pub(crate) bodies: Bodies,
}

/// A register is read that nothing was assigned to.
#[cold]
pub(crate) fn unassigned() -> Fault {
    Fault::Internal("a register is read that nothing was assigned to")
}

impl<'a, 'r> Machine<'a, 'r> {
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        target: Target<'a>,
        arena: &'a Arena,
        input: Option<Value<'a>>,
        budget: Budget,
        options: &'r Options,
        host: &'r mut dyn Host,
        caches: &'r mut Caches,
        buffers: Buffers,
        watch: Watch<'r>,
    ) -> Machine<'a, 'r> {
        let program = target.program;
        let address = std::ptr::from_ref(program).addr();
        let mut fields = buffers.fields;
        fields.is_for(address);
        let of = (address, target.data.map_or(0, Value::to_bits));
        let mut rules = emptied(buffers.rules);
        rules.resize(program.functions.len(), None);
        Machine {
            program,
            constants: program.constants(),
            target,
            arena,
            input,
            data: target
                .shown
                .or(target.data)
                .unwrap_or_else(|| arena.object_from([])),
            whole_data: None,
            budget,
            options,
            host,
            caches,
            registers: emptied(buffers.registers),
            frames: buffers.frames,
            iters: emptied(buffers.iters),
            indexes: Indexes::new(buffers.indexes, of),
            fields,
            index_data: None,
            builders: emptied(buffers.builders),
            slots: buffers.slots,
            overlays: Overlays::new(),
            next_overlay: None,
            open_overlay: None,
            open_target: None,
            rules,
            fixed: Calls::default(),
            list: emptied(buffers.list),
            conflicts: Vec::new(),
            rows: Vec::new(),
            watch,
            bodies: Bodies::default(),
        }
    }

    pub(crate) fn steps(&self) -> u64 {
        self.budget.used()
    }

    /// The rows, and the memory for the next run.
    pub(crate) fn finish(self) -> (Vec<Vec<Value<'a>>>, Buffers) {
        (
            self.rows,
            Buffers {
                registers: kept(self.registers),
                list: kept(self.list),
                iters: kept(self.iters),
                builders: kept(self.builders),
                // The next run is most often one of the same program.
                rules: emptied(self.rules),
                frames: kept(self.frames),
                slots: kept(self.slots),
                fields: self.fields,
                indexes: self.indexes.into_kept(),
            },
        )
    }

    /// Runs a query to its end.
    pub(crate) fn query(&mut self, function: FunctionIndex) -> Result<(), EvalError> {
        let start = self.program.functions[function.index()].code.start;
        let result = match self.budget.look() {
            Ok(()) if self.watch.profile.is_some() => {
                let result = self.run::<true>(function);
                let (steps, bytes) = (self.budget.used(), self.arena.used());
                if let Some(profile) = &mut self.watch.profile {
                    profile.end(steps, bytes);
                }
                result
            }
            Ok(()) => self.run::<false>(function),
            Err(reason) => Err((Fault::Stop(reason), start as usize)),
        };
        // Conveniences of the arena give empty values when it is exhausted: then no answer can be believed.
        let result = match result {
            Ok(()) => self
                .charge_answer()
                .map_err(|fault| (fault, start as usize)),
            Err(error) => Err(error),
        };
        result.map_err(|(fault, pc)| {
            let fault = match fault {
                // What goes wrong after a conflict was noted is not what ended the evaluation.
                Fault::ObjectKey | Fault::Builtin(..) | Fault::Conflict(_)
                    if !self.conflicts.is_empty() =>
                {
                    Fault::Conflict(Box::new(self.conflicts.swap_remove(0)))
                }
                fault => fault,
            };
            let (memory, depth) = (self.arena.limit(), self.options.max_depth);
            describe(fault, self.program, pc as u32, &self.budget, memory, depth)
        })
    }

    /// Holds the answer to the budgets as it will be written: values share parts, and a small one may have a text that
    /// does not end.
    fn charge_answer(&mut self) -> Result<(), Fault> {
        /// Bytes that a value takes at least when it is handed out, with what leads to it.
        const VALUE: usize = 96;
        /// Bytes per step, and steps between two looks at the budgets.
        const PER_STEP: usize = 256;
        const CHUNK: usize = 1 << 10;
        let (mut bytes, mut paid) = (0_usize, 0_usize);
        for row in 0..self.rows.len() {
            for column in 0..self.rows[row].len() {
                for value in self.rows[row][column].parts() {
                    bytes = bytes.saturating_add(VALUE);
                    match value.view() {
                        View::String(text) => bytes = bytes.saturating_add(text.len()),
                        View::Number(number) => bytes = bytes.saturating_add(number.text().len()),
                        _ => {}
                    }
                    if bytes - paid >= CHUNK * PER_STEP {
                        self.budget.charge(((bytes - paid) / PER_STEP) as u64)?;
                        paid = bytes;
                        if bytes > self.arena.limit() {
                            return Err(Fault::Stop(StopReason::Memory));
                        }
                    }
                }
            }
        }
        // What is left is less than anybody would notice; but work may be unpaid, and results may mean nothing.
        self.charge(0)
    }

    /// Accounts for steps.
    #[inline]
    pub(crate) fn charge(&mut self, steps: u64) -> Result<(), Fault> {
        if self.arena.exhausted() {
            return Err(Fault::Stop(StopReason::Memory));
        }
        Ok(self.budget.charge(steps)?)
    }

    /// What a source holds; nothing if the compiler is wrong, see [`unassigned`].
    #[inline]
    pub(crate) fn read(&self, frame: &Frame, source: Source) -> Option<Value<'a>> {
        match source.split() {
            Ok(reg) => self.registers[frame.base + reg.index()],
            Err(index) => Some(self.constants[index.index()]),
        }
    }

    #[inline]
    pub(crate) fn write(&mut self, frame: &Frame, reg: Reg, value: Value<'a>) {
        self.registers[frame.base + reg.index()] = Some(value);
    }

    /// Reads the `Items` from `at` on into `self.list`.
    #[inline]
    pub(crate) fn gather(&mut self, frame: &Frame, at: usize, count: usize) -> Result<(), Fault> {
        self.list.clear();
        // As most calls have it.
        if let (1..=3, Some(Instruction::Items { a, b, c })) = (count, self.program.code.get(at)) {
            let first = self.read(frame, *a).ok_or_else(unassigned)?;
            if count == 1 {
                self.list.push(first);
                return Ok(());
            }
            let second = self.read(frame, *b).ok_or_else(unassigned)?;
            if count == 2 {
                self.list.extend_from_slice(&[first, second]);
            } else {
                let third = self.read(frame, *c).ok_or_else(unassigned)?;
                self.list.extend_from_slice(&[first, second, third]);
            }
            return Ok(());
        }
        self.gather_many(frame, at, count)
    }

    fn gather_many(&mut self, frame: &Frame, at: usize, count: usize) -> Result<(), Fault> {
        if count > 4096 {
            self.arena.reserve(count * size_of::<Value<'a>>())?;
        }
        let program = self.program;
        let mut left = count;
        for word in &program.code[at..at + list_words(count)] {
            if let Instruction::Items { a, b, c } = *word {
                let sources = [a, b, c];
                for source in &sources[..left.min(3)] {
                    let value = self.read(frame, *source).ok_or_else(unassigned)?;
                    self.list.push(value);
                }
                left = left.saturating_sub(3);
            }
        }
        Ok(())
    }

    /// A result that was computed before.
    pub(crate) fn known(
        &self,
        function: FunctionIndex,
        overlay: OverlayId,
        hash: u64,
    ) -> Option<Outcome<'a>> {
        let number = function.0;
        if self.program.functions[function.index()].kind == FunctionKind::Rule {
            return match overlay {
                OverlayId::NONE => self.rules[function.index()],
                overlay => self.overlays.get(overlay).memo.rule(number),
            };
        }
        self.overlays
            .get(overlay)
            .memo
            .calls
            .get(hash, number, &self.list)
    }

    /// Makes the frame of a function; arguments are in `self.list`.
    pub(crate) fn enter(
        &mut self,
        function: FunctionIndex,
        overlay: OverlayId,
        caller: usize,
        hash: u64,
    ) -> Result<Frame, Fault> {
        let program = self.program;
        let callee = &program.functions[function.index()];
        let base = self.registers.len();
        let size = callee.registers as usize;
        if self.frames.len() >= self.options.max_depth || base + size > MAX_REGISTERS {
            return Err(Fault::Stop(StopReason::Depth));
        }
        if self.list.len() != callee.params as usize {
            return Err(Fault::Internal(
                "a function is called with the wrong number of arguments",
            ));
        }
        room(&mut self.registers, size, self.arena)?;
        room(&mut self.frames, 1, self.arena)?;
        self.registers
            .extend(self.list.iter().map(|value| Some(*value)));
        self.registers.resize(base + size, None);
        let memo = match callee.kind {
            FunctionKind::Query => MemoPlace::None,
            FunctionKind::Rule => MemoPlace::Rule,
            FunctionKind::Function => MemoPlace::Call(hash),
        };
        let frame = Frame {
            function: function.0,
            base,
            iters: self.iters.len(),
            builders: self.builders.len(),
            slots: self.slots.len(),
            overlay,
            caller,
            memo,
        };
        let iterators = usize::from(callee.iterators);
        let builders = usize::from(callee.builders);
        let overlays = usize::from(callee.overlays);
        room(&mut self.iters, iterators, self.arena)?;
        room(&mut self.builders, builders, self.arena)?;
        room(&mut self.slots, overlays, self.arena)?;
        self.iters
            .resize_with(frame.iters + iterators, Iter::default);
        self.builders
            .resize_with(frame.builders + builders, Builder::default);
        self.slots.resize(frame.slots + overlays, OverlayId::NONE);
        Ok(frame)
    }

    /// Ends a function: remembers its result and takes its windows away.
    pub(crate) fn leave(&mut self, frame: &Frame, outcome: Outcome<'a>) -> Result<(), Fault> {
        if self
            .conflicts
            .last()
            .is_some_and(|conflict| conflict.depth == self.frames.len())
            && let Some(conflict) = self.conflicts.pop()
        {
            return Err(Fault::Conflict(Box::new(conflict)));
        }
        if let MemoPlace::Call(hash) = frame.memo {
            let params = self.program.functions[frame.function as usize].params as usize;
            let arguments = &self.registers[frame.base..frame.base + params];
            // The compiler assigns no parameter anew; what another one makes is just not remembered. Whoever observes wants
            // OPA's count of calls: there a function that was undefined is called again.
            let forget = outcome.is_none() && self.program.observed.is_on();
            if !forget && arguments.iter().all(Option::is_some) {
                let arguments = arguments
                    .iter()
                    .map(|argument| argument.unwrap_or(Value::NULL));
                let calls = &mut self.overlays.get_mut(frame.overlay).memo.calls;
                calls.put(self.arena, hash, frame.function, arguments, outcome)?;
            }
        }
        self.registers.truncate(frame.base);
        self.iters.truncate(frame.iters);
        self.builders.truncate(frame.builders);
        while self.slots.len() > frame.slots {
            if let Some(overlay) = self.slots.pop() {
                let freed = self.overlays.release(overlay);
                self.arena.release(freed);
            }
        }
        match frame.memo {
            MemoPlace::None => {}
            MemoPlace::Rule => match frame.overlay {
                OverlayId::NONE => self.rules[frame.function as usize] = Some(outcome),
                overlay => {
                    let memo = &mut self.overlays.get_mut(overlay).memo;
                    memo.put_rule(self.arena, frame.function, outcome)?;
                }
            },
            MemoPlace::Call(_) => {}
        }
        Ok(())
    }

    /// `SetResult`: false if the value conflicts with another one.
    pub(crate) fn set_result(
        &mut self,
        frame: &Frame,
        pc: usize,
        dst: Reg,
        value: Value<'a>,
        kind: ConflictKind,
    ) -> bool {
        let at = frame.base + dst.index();
        let Some(old) = self.registers[at] else {
            self.registers[at] = Some(value);
            self.registers[at + 1] = Some(self.arena.integer(pc as i64));
            return true;
        };
        if old == value {
            return true;
        }
        let depth = self.frames.len();
        if self
            .conflicts
            .last()
            .is_none_or(|conflict| conflict.depth != depth)
        {
            let start = self.program.functions[frame.function as usize].code.start;
            let first = self.registers[at + 1]
                .and_then(Value::as_i64)
                .and_then(|pc| u32::try_from(pc).ok());
            let first = (first.unwrap_or(start), old);
            if self.conflicts.is_empty() && self.program.observed.is_on() {
                self.observe_conflict();
            }
            self.conflicts
                .push(Conflict::new(depth, kind, frame.function, first));
        }
        if let Some(conflict) = self.conflicts.last_mut() {
            conflict.add(pc as u32, value);
        }
        false
    }
}
