//! The dispatch loop and the bodies of instructions, by family.
//!
//! Small bodies stand in the loop itself. A larger one is a method of the machine in the file of its family; it gives a
//! value, `None` for undefined, or a fault.

mod call;
mod construct;
mod iteration;
mod load;
mod observe;
mod overlay;

pub(crate) use observe::Bodies;

use regovm_core::value::{ArrayBuilder, ObjectBuilder, SetBuilder, Value};

use crate::bytecode::{BuiltinIndex, Callee, FunctionIndex, Instruction, list_words};
use crate::error::Fault;
use crate::iterate::{Iter, Walk};
use crate::machine::{Builder, Machine, unassigned};
use crate::overlay::OverlayId;
use crate::tree::Tree;

use call::Called;

/// The `Else` behind an instruction: how many sources follow it, and where to go on.
#[inline]
fn otherwise(code: &[Instruction], pc: usize) -> (usize, usize) {
    match code[pc + 1] {
        Instruction::Else { count, target } => (count.index(), target.index()),
        // The verifier has seen to it that there is one.
        _ => (0, pc + 2),
    }
}

impl<'a> Machine<'a, '_> {
    /// Runs a query function; an error comes with the instruction it happened at.
    pub(crate) fn run<const PROFILED: bool>(
        &mut self,
        query: FunctionIndex,
    ) -> Result<(), (Fault, usize)> {
        let program = self.program;
        let code = program.code.as_slice();
        let mut pc = program.functions[query.index()].code.start as usize;
        self.list.clear();
        let mut frame = self
            .enter(query, OverlayId::NONE, pc, 0)
            .map_err(|fault| (fault, pc))?;

        macro_rules! get {
            ($result:expr) => {
                match $result {
                    Ok(value) => value,
                    Err(fault) => return Err((Fault::from(fault), pc)),
                }
            };
        }
        macro_rules! read {
            ($source:expr) => {
                match self.read(&frame, $source) {
                    Some(value) => value,
                    None => return Err((unassigned(), pc)),
                }
            };
        }
        /// Goes on behind the `Else`, or at its target.
        macro_rules! go {
            ($holds:expr) => {
                pc = if $holds {
                    pc + 2
                } else {
                    otherwise(code, pc).1
                }
            };
        }
        /// Writes a value and goes on, or takes the `Else`.
        macro_rules! give {
            ($dst:expr, $value:expr) => {
                match $value {
                    Some(value) => {
                        self.write(&frame, $dst, value);
                        pc += 2;
                    }
                    None => pc = otherwise(code, pc).1,
                }
            };
        }
        /// Writes what an iteration has found and goes on, or takes the `Else`.
        macro_rules! member {
            ($key:expr, $value:expr, $found:expr) => {
                match $found {
                    Some((key, value)) => {
                        if let (Some(reg), Some(key)) = ($key.get(), key) {
                            self.write(&frame, reg, key);
                        }
                        if let Some(reg) = $value.get() {
                            self.write(&frame, reg, value);
                        }
                        pc += 2;
                    }
                    None => pc = otherwise(code, pc).1,
                }
            };
        }
        macro_rules! put {
            ($dst:expr, $value:expr) => {{
                let value = $value;
                self.write(&frame, $dst, value);
                pc += 1;
            }};
        }

        if PROFILED {
            self.profile_enter(query.0, pc);
        }
        loop {
            if PROFILED {
                self.profile_instruction(pc);
            }
            match code[pc] {
                Instruction::Jump { target } => pc = target.index(),
                // Jumps and fall-through never reach these.
                Instruction::Else { .. } | Instruction::Items { .. } | Instruction::Case { .. } => {
                    pc += 1;
                }
                Instruction::Switch { value, count } => {
                    let number = read!(value).as_i64().and_then(|n| usize::try_from(n).ok());
                    let case = number.filter(|number| *number < count.index());
                    pc = match case.map(|number| code[pc + 1 + number]) {
                        Some(Instruction::Case { target }) => target.index(),
                        _ => pc + 1 + count.index(),
                    };
                }
                Instruction::Move { dst, src } => put!(dst, read!(src)),
                Instruction::LoadConst { dst, index } => put!(dst, self.constants[index.index()]),
                Instruction::Reset { dst } => {
                    self.registers[frame.base + dst.index()] = None;
                    pc += 1;
                }
                Instruction::SetResult {
                    dst,
                    value,
                    conflict,
                } => {
                    let value = read!(value);
                    go!(self.set_result(&frame, pc, dst, value, conflict));
                }
                Instruction::BranchUndefined { value, target } => {
                    let defined = self.registers[frame.base + value.index()].is_some();
                    pc = if defined { pc + 1 } else { target.index() };
                }
                Instruction::BranchDefined { value, target } => {
                    let defined = self.registers[frame.base + value.index()].is_some();
                    pc = if defined { target.index() } else { pc + 1 };
                }
                Instruction::BranchFalse { value, target } => {
                    pc = if read!(value).is_false() {
                        target.index()
                    } else {
                        pc + 1
                    };
                }
                Instruction::BranchScalar { value, target } => {
                    pc = if read!(value).is_collection() {
                        pc + 1
                    } else {
                        target.index()
                    };
                }
                Instruction::LoadInput { dst, path } => {
                    let overlay = self.next_overlay.take().unwrap_or(frame.overlay);
                    give!(dst, self.load_input(overlay, path));
                }
                Instruction::LoadData { dst, path } => {
                    let overlay = self.next_overlay.take().unwrap_or(frame.overlay);
                    give!(dst, self.load_data(overlay, path));
                }
                Instruction::Get { dst, base, key } => {
                    let (base, key) = (read!(base), read!(key));
                    give!(dst, base.get(key));
                }
                Instruction::GetField { dst, base, key } => {
                    let (base, key) = (read!(base), read!(key));
                    give!(dst, self.get_field(base, key));
                }
                Instruction::GetPath { dst, base, path } => {
                    let base = read!(base);
                    give!(dst, self.get_path(base, path));
                }
                Instruction::GuardField { base, key, rhs } => {
                    let (base, key, rhs) = (read!(base), read!(key), read!(rhs));
                    go!(self.get_field(base, key) == Some(rhs));
                }
                Instruction::GetData { dst, base, key } => {
                    let (base, key) = (read!(base), read!(key));
                    give!(dst, self.get_data(base, key));
                }
                Instruction::GuardArray { value, length } => {
                    go!(read!(value)
                        .as_array()
                        .is_some_and(|array| array.len() == length.index()));
                }
                Instruction::GuardObject { value, length } => {
                    go!(read!(value)
                        .as_object()
                        .is_some_and(|object| object.len() == length.index()));
                }
                Instruction::GuardEqual { lhs, rhs } => go!(read!(lhs) == read!(rhs)),
                Instruction::GuardNotEqual { lhs, rhs } => go!(read!(lhs) != read!(rhs)),
                Instruction::GuardLess { lhs, rhs } => go!(read!(lhs) < read!(rhs)),
                Instruction::GuardLessEqual { lhs, rhs } => go!(read!(lhs) <= read!(rhs)),
                Instruction::Equal { dst, lhs, rhs } => {
                    put!(dst, Value::boolean(read!(lhs) == read!(rhs)))
                }
                Instruction::NotEqual { dst, lhs, rhs } => {
                    put!(dst, Value::boolean(read!(lhs) != read!(rhs)))
                }
                Instruction::Less { dst, lhs, rhs } => {
                    put!(dst, Value::boolean(read!(lhs) < read!(rhs)))
                }
                Instruction::LessEqual { dst, lhs, rhs } => {
                    put!(dst, Value::boolean(read!(lhs) <= read!(rhs)))
                }
                Instruction::MakeArray { dst, count } => {
                    get!(self.gather(&frame, pc + 1, count.index()));
                    let value = self.make_array();
                    self.write(&frame, dst, value);
                    pc += 1 + list_words(count.index());
                }
                Instruction::MakeSet { dst, count } => {
                    get!(self.gather(&frame, pc + 1, count.index()));
                    let value = get!(self.make_set());
                    self.write(&frame, dst, value);
                    pc += 1 + list_words(count.index());
                }
                Instruction::MakeObject { dst, count } => {
                    get!(self.gather(&frame, pc + 1, count.index()));
                    let value = get!(self.make_object());
                    self.write(&frame, dst, value);
                    pc += 1 + list_words(count.index());
                }
                Instruction::OpenArray { builder } => {
                    self.builders[frame.builders + builder.index()] =
                        Builder::Array(ArrayBuilder::new());
                    pc += 1;
                }
                Instruction::OpenSet { builder } => {
                    self.builders[frame.builders + builder.index()] =
                        Builder::Set(SetBuilder::new());
                    pc += 1;
                }
                Instruction::OpenObject { builder } => {
                    self.builders[frame.builders + builder.index()] =
                        Builder::Object(ObjectBuilder::new());
                    pc += 1;
                }
                Instruction::OpenTree { builder } => {
                    self.builders[frame.builders + builder.index()] =
                        Builder::Tree(Tree::default());
                    pc += 1;
                }
                Instruction::Append { builder, value } => {
                    let value = read!(value);
                    get!(self.append(frame.builders + builder.index(), value));
                    pc += 1;
                }
                Instruction::AppendMember {
                    builder,
                    key,
                    value,
                } => {
                    let (key, value) = (read!(key), read!(value));
                    get!(self.append_member(frame.builders + builder.index(), key, value));
                    pc += 1;
                }
                Instruction::InsertPath {
                    builder,
                    value,
                    count,
                } => {
                    let value = read!(value);
                    get!(self.gather(&frame, pc + 1, count.index()));
                    get!(self.insert_path(frame.builders + builder.index(), value));
                    pc += 1 + list_words(count.index());
                }
                Instruction::InsertSet {
                    builder,
                    value,
                    count,
                } => {
                    let value = read!(value);
                    get!(self.gather(&frame, pc + 1, count.index()));
                    get!(self.insert_set(frame.builders + builder.index(), value));
                    pc += 1 + list_words(count.index());
                }
                Instruction::MergeDocuments { dst, base, derived } => {
                    let (base, derived) = (read!(base), read!(derived));
                    put!(dst, crate::overlay::merge(base, derived, self.arena, 0));
                }
                Instruction::Close { dst, builder } => {
                    put!(dst, get!(self.close(frame.builders + builder.index())));
                }
                Instruction::IterOpen { iter, base } => {
                    let base = read!(base);
                    self.iters[frame.iters + iter.index()] = Iter::over(base);
                    if PROFILED {
                        self.profile_costs(pc, |costs| costs.begun += 1);
                    }
                    pc += 1;
                }
                Instruction::IterNext { iter, key, value } => {
                    get!(self.charge(1));
                    let found = self.iterate(frame.iters + iter.index(), key.get().is_some());
                    if PROFILED && found.is_some() {
                        self.profile_costs(pc, |costs| costs.members += 1);
                    }
                    member!(key, value, found.map(|(key, value)| (Some(key), value)));
                }
                Instruction::BranchStrict { target } => {
                    let strict = self.options.strict_builtin_errors;
                    pc = if strict { target.index() } else { pc + 1 };
                }
                Instruction::IndexData { path } => {
                    self.index_data = Some(path);
                    pc += 1;
                }
                Instruction::IndexOpen { iter, base, index } => {
                    let base = read!(base);
                    let served = get!(self.index_open(frame.iters + iter.index(), base, index));
                    if PROFILED {
                        self.profile_costs(pc, |costs| match served {
                            true => costs.index_hits += 1,
                            false => costs.index_misses += 1,
                        });
                    }
                    go!(served);
                }
                Instruction::IndexNext { iter, key, value } => {
                    get!(self.charge(1));
                    let found = self.index_next(frame.iters + iter.index());
                    member!(key, value, found.map(|(key, value)| (Some(key), value)));
                }
                Instruction::IndexAdd { iter, count } => {
                    get!(self.gather(&frame, pc + 1, count.index()));
                    get!(self.index_add(frame.iters + iter.index()));
                    pc += 1 + list_words(count.index());
                }
                Instruction::IndexSeek { iter, count } => {
                    get!(self.gather(&frame, pc + 1, count.index()));
                    self.index_seek(frame.iters + iter.index());
                    pc += 1 + list_words(count.index());
                }
                Instruction::WalkOpen { iter, base } => {
                    let base = read!(base);
                    self.iters[frame.iters + iter.index()] = Iter::Walk(Box::new(Walk::over(base)));
                    if PROFILED {
                        self.profile_costs(pc, |costs| costs.begun += 1);
                    }
                    pc += 1;
                }
                Instruction::WalkNext { iter, path, value } => {
                    get!(self.charge(1));
                    let found =
                        get!(self.walk_next(frame.iters + iter.index(), path.get().is_some()));
                    if PROFILED && found.is_some() {
                        self.profile_costs(pc, |costs| costs.members += 1);
                    }
                    member!(path, value, found);
                }
                Instruction::UseOverlay { overlay } => {
                    self.next_overlay = Some(self.slots[frame.slots + overlay.index()]);
                    pc += 1;
                }
                Instruction::CallBuiltin {
                    dst,
                    builtin: BuiltinIndex(number),
                } => {
                    let (count, target) = otherwise(code, pc);
                    get!(self.gather(&frame, pc + 2, count));
                    let overlay = self.next_overlay.take().unwrap_or(frame.overlay);
                    if overlay == OverlayId::NONE {
                        get!(self.charge(1));
                        match get!(self.call_builtin(BuiltinIndex(number), pc)) {
                            Some(value) => {
                                self.write(&frame, dst, value);
                                pc += 2 + list_words(count);
                            }
                            None => pc = target,
                        }
                        continue;
                    }
                    let callee = Callee::Builtin(BuiltinIndex(number));
                    match get!(self.call(callee, overlay, pc)) {
                        Called::Done(outcome) => match outcome {
                            Some(value) => {
                                self.write(&frame, dst, value);
                                pc += 2 + list_words(count);
                            }
                            None => pc = target,
                        },
                        Called::Enter(callee) => {
                            if PROFILED {
                                self.profile_enter(callee.function, pc);
                            }
                            self.frames.push(std::mem::replace(&mut frame, callee));
                            pc = program.functions[frame.function as usize].code.start as usize;
                        }
                    }
                }
                Instruction::Call { dst, function } => {
                    let (count, target) = otherwise(code, pc);
                    get!(self.gather(&frame, pc + 2, count));
                    let overlay = self.next_overlay.take().unwrap_or(frame.overlay);
                    match get!(self.call(Callee::Function(function), overlay, pc)) {
                        Called::Done(outcome) => {
                            if PROFILED {
                                self.profile_costs(pc, |costs| costs.known += 1);
                            }
                            match outcome {
                                Some(value) => {
                                    self.write(&frame, dst, value);
                                    pc += 2 + list_words(count);
                                }
                                None => pc = target,
                            }
                        }
                        Called::Enter(callee) => {
                            if PROFILED {
                                self.profile_enter(callee.function, pc);
                            }
                            self.frames.push(std::mem::replace(&mut frame, callee));
                            pc = program.functions[frame.function as usize].code.start as usize;
                        }
                    }
                }
                Instruction::OverlayOpen {} => {
                    let overlay = self.next_overlay.take().unwrap_or(frame.overlay);
                    self.open_overlay = Some(self.overlays.get(overlay).fork());
                    pc += 1;
                }
                Instruction::OverlayInput { value, path } => {
                    let value = read!(value);
                    get!(self.overlay_input(path, value));
                    pc += 1;
                }
                Instruction::OverlayData { value, path } => {
                    let value = read!(value);
                    get!(self.overlay_data(path, value));
                    pc += 1;
                }
                Instruction::OverlayTarget { callee } => {
                    self.open_target = Some(callee.unpack());
                    pc += 1;
                }
                Instruction::OverlayValue { value } => {
                    let value = read!(value);
                    get!(self.overlay_mock(crate::overlay::Mock::Value(value)));
                    pc += 1;
                }
                Instruction::OverlayFunction { callee } => {
                    get!(self.overlay_mock(crate::overlay::Mock::Callee(callee.unpack())));
                    pc += 1;
                }
                Instruction::OverlayClose { overlay } => {
                    get!(self.overlay_close(frame.slots + overlay.index()));
                    pc += 1;
                }
                Instruction::Return { .. } | Instruction::ReturnUndefined {} => {
                    let outcome = match code[pc] {
                        Instruction::Return { value } => Some(read!(value)),
                        _ => None,
                    };
                    get!(self.leave(&frame, outcome));
                    if PROFILED {
                        self.profile_leave();
                    }
                    let caller = frame.caller;
                    match self.frames.pop() {
                        None => return Ok(()),
                        Some(below) => frame = below,
                    }
                    let (count, target) = otherwise(code, caller);
                    match (outcome, code[caller]) {
                        (
                            Some(value),
                            Instruction::Call { dst, .. } | Instruction::CallBuiltin { dst, .. },
                        ) => {
                            self.write(&frame, dst, value);
                            pc = caller + 2 + list_words(count);
                        }
                        _ => pc = target,
                    }
                }
                Instruction::EmitRow { count } => {
                    get!(self.gather(&frame, pc + 1, count.index()));
                    get!(self.emit_row());
                    pc += 1 + list_words(count.index());
                }
                Instruction::Observe { point } => {
                    self.observe(&frame, point);
                    pc += 1;
                }
                Instruction::Recall { dst, function } => {
                    let overlay = self.next_overlay.take().unwrap_or(frame.overlay);
                    give!(dst, self.recall(function, overlay));
                }
                Instruction::ComprehensionCache { dst } => put!(dst, self.comprehension_cache()),
            }
        }
    }
}
