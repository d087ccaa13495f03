//! The code of one function.

use std::collections::HashMap;

use regovm_core::{Code, Constant, Diagnostic};
use regovm_vm::bytecode::{
    BuilderSlot, BuiltinIndex, Callee, CalleeIndex, ConflictKind, ConstIndex, FunctionIndex,
    IndexSlot, Instruction, IterSlot, Jump, ListLen, Number, OptReg, OverlaySlot, PointIndex, Reg,
    ShortLen, ShortPath, Source,
};
use regovm_vm::observe::Point;
use regovm_vm::program::Function;

use super::assembler::{Assembler, Label};
use super::registers::{Registers, TooMany};
use super::{constants, skeleton};
use crate::ir::visit::{Counts, asks_for_collection};
use crate::ir::{
    self, Block, CollectKind, Compare, Conflict, ConstId, Local, Operand, Replacement, Root,
    ScanIndex, ScopeId, Stmt, StmtKind,
};

/// Adds the code of a function to the program's.
pub(super) fn emit(
    function: &ir::Function,
    assembler: &mut Assembler<'_>,
) -> Result<Function, Diagnostic> {
    let mut emitted = skeleton(function, assembler.here());
    let too_large = |what: &str| {
        Diagnostic::new(
            Code::Compile,
            function.span,
            format!("{} is too large: it needs too many {what}", function.name),
        )
        .with_hint("split it into several rules")
    };
    let registers = Registers::new(function).map_err(|TooMany| too_large("registers"))?;
    let mut emitter = Emitter {
        asm: assembler,
        registers,
        counts: Counts::of(function),
        scopes: HashMap::new(),
        builders: HashMap::new(),
        overlays: HashMap::new(),
        iter_depth: 0,
        indexed: None,
        iterators: 0,
        builder_count: 0,
        scratch: Vec::new(),
    };
    emitter.asm.span = function.span;
    emitter
        .blocks(&function.blocks)
        .map_err(|error| match error {
            Limit::Registers => too_large("registers"),
            Limit::Slots => too_large("iterations or collections at once"),
            Limit::Arguments => too_large("arguments in one call"),
        })?;
    emitter.asm.span = function.span;
    emitter.asm.add(Instruction::ReturnUndefined {});
    emitter.asm.patch();
    emitted.registers = emitter.registers.count;
    emitted.iterators = emitter.iterators;
    emitted.builders = emitter.builder_count;
    emitted.overlays = emitter.overlays.len() as u16;
    emitted.code.end = assembler.here();
    Ok(emitted)
}

/// What a function can have too much of.
enum Limit {
    Registers,
    Slots,
    Arguments,
}

impl From<TooMany> for Limit {
    fn from(_: TooMany) -> Limit {
        Limit::Registers
    }
}

/// Where a scope's `Yield` and `Append` go.
#[derive(Clone, Copy)]
enum Scope {
    Yield(Label),
    Collect(BuilderSlot),
}

struct Emitter<'a, 't> {
    asm: &'a mut Assembler<'t>,
    registers: Registers,
    /// How often each local is read.
    counts: Counts,
    scopes: HashMap<ScopeId, Scope>,
    builders: HashMap<Local, BuilderSlot>,
    overlays: HashMap<Local, OverlaySlot>,
    iter_depth: u16,
    iterators: u16,
    /// The iteration whose index is built or asked.
    indexed: Option<IterSlot>,
    builder_count: u16,
    /// Registers that the current instruction needs for far constants.
    scratch: Vec<Reg>,
}

type Done = Result<(), Limit>;

impl Emitter<'_, '_> {
    /// Blocks of which each runs whatever happened in those before.
    fn blocks(&mut self, blocks: &[Block]) -> Done {
        for block in blocks {
            let end = self.asm.label();
            self.block(block, end)?;
            self.asm.bind(end);
        }
        Ok(())
    }

    fn block(&mut self, block: &Block, fail: Label) -> Done {
        self.registers.open_block();
        let mut at = 0;
        while let Some(stmt) = block.get(at) {
            self.asm.span = stmt.span;
            match self.fused(&block[at..], fail)? {
                0 => {
                    self.stmt(stmt, fail)?;
                    at += 1;
                }
                count => at += count,
            }
            for reg in std::mem::take(&mut self.scratch) {
                self.registers.done(reg);
            }
        }
        self.registers.close_block();
        Ok(())
    }

    /// Look-ups one in the other, or a look-up and a comparison, as one instruction; gives how many statements it stands for.
    fn fused(&mut self, stmts: &[Stmt], fail: Label) -> Result<usize, Limit> {
        let mut path = Vec::new();
        let mut found: Option<(Operand, Local)> = None;
        for stmt in stmts {
            let StmtKind::Get {
                dst,
                base,
                key: Operand::Const(key),
            } = stmt.kind
            else {
                break;
            };
            let goes_on = found
                .is_none_or(|(_, last)| base == Operand::Local(last) && self.is_read_once(last));
            if !goes_on || !self.is_string(Operand::Const(key)) {
                break;
            }
            found = Some((found.map_or(base, |(first, _)| first), dst));
            path.push(ConstIndex(key.0));
        }
        let Some((base, last)) = found else {
            return Ok(0);
        };
        if let [key] = path[..] {
            let compared = match stmts.get(1).map(|stmt| &stmt.kind) {
                Some(StmtKind::Guard {
                    op: Compare::Equal,
                    lhs,
                    rhs,
                }) if self.is_read_once(last) => {
                    match (*lhs == Operand::Local(last), *rhs == Operand::Local(last)) {
                        (true, false) => Some(*rhs),
                        (false, true) => Some(*lhs),
                        _ => None,
                    }
                }
                _ => None,
            };
            let Some(rhs) = compared else {
                return Ok(0);
            };
            let (base, key) = (
                self.source(base)?,
                self.source(Operand::Const(ConstId(key.0)))?,
            );
            let rhs = self.source(rhs)?;
            self.asm.add(Instruction::GuardField { base, key, rhs });
            self.asm.otherwise(fail);
            return Ok(2);
        }
        let count = path.len();
        let Ok(path) = u16::try_from(self.asm.path(path).0) else {
            return Ok(0);
        };
        let base = self.source(base)?;
        let dst = self.reg(last)?;
        self.asm.add(Instruction::GetPath {
            dst,
            base,
            path: ShortPath(path),
        });
        self.asm.otherwise(fail);
        Ok(count)
    }

    /// True if what a local holds is used in one place.
    fn is_read_once(&self, local: Local) -> bool {
        self.counts.is_read_once(local)
    }

    fn reg(&mut self, local: Local) -> Result<Reg, Limit> {
        Ok(self.registers.of(local)?)
    }

    fn opt_reg(&mut self, local: Option<Local>) -> Result<OptReg, Limit> {
        Ok(local.map(|local| self.reg(local)).transpose()?.into())
    }

    fn source(&mut self, operand: Operand) -> Result<Source, Limit> {
        match operand {
            Operand::Local(local) => Ok(Source::reg(self.reg(local)?)),
            Operand::Const(id) => {
                let index = ConstIndex(id.0);
                if let Some(source) = Source::constant(index) {
                    return Ok(source);
                }
                let dst = self.registers.scratch()?;
                self.scratch.push(dst);
                self.asm.add(Instruction::LoadConst { dst, index });
                Ok(Source::reg(dst))
            }
        }
    }

    fn sources<'o>(
        &mut self,
        operands: impl IntoIterator<Item = &'o Operand>,
    ) -> Result<Vec<Source>, Limit> {
        operands
            .into_iter()
            .map(|operand| self.source(*operand))
            .collect()
    }

    fn iter_slot(&mut self) -> Result<IterSlot, Limit> {
        let slot = self.iter_depth;
        self.iter_depth = slot.checked_add(1).ok_or(Limit::Slots)?;
        self.iterators = self.iterators.max(self.iter_depth);
        Ok(IterSlot(slot))
    }

    fn new_builder(&mut self) -> Result<BuilderSlot, Limit> {
        let slot = self.builder_count;
        self.builder_count = slot.checked_add(1).ok_or(Limit::Slots)?;
        Ok(BuilderSlot(slot))
    }

    fn builder(&mut self, local: Local) -> Result<BuilderSlot, Limit> {
        if let Some(slot) = self.builders.get(&local) {
            return Ok(*slot);
        }
        let slot = self.new_builder()?;
        self.builders.insert(local, slot);
        Ok(slot)
    }

    fn overlay(&mut self, local: Local) -> Result<OverlaySlot, Limit> {
        let next = u16::try_from(self.overlays.len()).map_err(|_| Limit::Slots)?;
        if next == u16::MAX {
            return Err(Limit::Slots);
        }
        Ok(*self.overlays.entry(local).or_insert(OverlaySlot(next)))
    }

    /// Puts the next load or call under the statement's overlay.
    fn under(&mut self, overlay: Option<Local>) -> Done {
        if let Some(local) = overlay {
            let overlay = self.overlay(local)?;
            self.asm.add(Instruction::UseOverlay { overlay });
        }
        Ok(())
    }

    fn callee(&mut self, callee: ir::Callee) -> CalleeIndex {
        CalleeIndex::pack(match callee {
            ir::Callee::Builtin(id) => Callee::Builtin(self.asm.builtin(id)),
            ir::Callee::Function(id) => Callee::Function(FunctionIndex(id.0)),
        })
    }

    fn is_string(&self, operand: Operand) -> bool {
        match operand {
            Operand::Const(id) => matches!(
                self.asm.constants.get(id.0 as usize),
                Some(Constant::String(_))
            ),
            Operand::Local(_) => false,
        }
    }

    fn stmt(&mut self, stmt: &Stmt, fail: Label) -> Done {
        match &stmt.kind {
            StmtKind::Move { dst, src } => {
                let src = self.source(*src)?;
                let dst = self.reg(*dst)?;
                self.asm.add(Instruction::Move { dst, src });
            }
            StmtKind::Load { dst, root, path } => {
                let dst = self.reg(*dst)?;
                self.under(stmt.overlay)?;
                let path = self
                    .asm
                    .path(path.iter().map(|id| ConstIndex(id.0)).collect());
                self.asm.add(match root {
                    Root::Input => Instruction::LoadInput { dst, path },
                    Root::Data => Instruction::LoadData { dst, path },
                });
                self.asm.otherwise(fail);
            }
            StmtKind::Get { dst, base, key } => {
                let field = self.is_string(*key);
                let (base, key) = (self.source(*base)?, self.source(*key)?);
                let dst = self.reg(*dst)?;
                self.asm.add(if field {
                    Instruction::GetField { dst, base, key }
                } else {
                    Instruction::Get { dst, base, key }
                });
                self.asm.otherwise(fail);
            }
            StmtKind::GetData { dst, base, key } => {
                let (base, key) = (self.source(*base)?, self.source(*key)?);
                let dst = self.reg(*dst)?;
                self.asm.add(Instruction::GetData { dst, base, key });
                self.asm.otherwise(fail);
            }
            StmtKind::Scan {
                base,
                key,
                value,
                index,
                body,
            } => {
                let base = self.source(*base)?;
                let iter = self.iter_slot()?;
                let (again, end) = (self.asm.label(), self.asm.label());
                self.asm.add(Instruction::IterOpen { iter, base });
                if let Some(index) = index {
                    self.index(index, iter, base, again, end)?;
                }
                let (key, value) = (self.opt_reg(*key)?, self.opt_reg(*value)?);
                let next = Instruction::IterNext { iter, key, value };
                self.iterate(next, body, again, end)?;
            }
            StmtKind::Walk {
                base,
                path,
                value,
                body,
            } => {
                let base = self.source(*base)?;
                let iter = self.iter_slot()?;
                self.asm.add(Instruction::WalkOpen { iter, base });
                let (path, value) = (self.opt_reg(*path)?, self.opt_reg(*value)?);
                let (again, end) = (self.asm.label(), self.asm.label());
                let next = Instruction::WalkNext { iter, path, value };
                self.iterate(next, body, again, end)?;
            }
            StmtKind::IndexKeys { keys } => {
                let keys = self.sources(keys)?;
                if let Some(iter) = self.indexed {
                    let count = short(keys.len())?;
                    self.asm.add(Instruction::IndexAdd { iter, count });
                    self.asm.items(&keys);
                }
            }
            StmtKind::IndexProbe { keys } => {
                let keys = self.sources(keys)?;
                if let Some(iter) = self.indexed {
                    let count = short(keys.len())?;
                    self.asm.add(Instruction::IndexSeek { iter, count });
                    self.asm.items(&keys);
                }
            }
            StmtKind::Guard { op, lhs, rhs } => {
                let (lhs, rhs) = (self.source(*lhs)?, self.source(*rhs)?);
                self.asm.add(match op {
                    Compare::Equal => Instruction::GuardEqual { lhs, rhs },
                    Compare::NotEqual => Instruction::GuardNotEqual { lhs, rhs },
                    Compare::Less => Instruction::GuardLess { lhs, rhs },
                    Compare::LessEqual => Instruction::GuardLessEqual { lhs, rhs },
                    Compare::Greater => Instruction::GuardLess { lhs: rhs, rhs: lhs },
                    Compare::GreaterEqual => Instruction::GuardLessEqual { lhs: rhs, rhs: lhs },
                });
                self.asm.otherwise(fail);
            }
            StmtKind::CompareValue { dst, op, lhs, rhs } => {
                let (lhs, rhs) = (self.source(*lhs)?, self.source(*rhs)?);
                let dst = self.reg(*dst)?;
                self.asm.add(match op {
                    Compare::Equal => Instruction::Equal { dst, lhs, rhs },
                    Compare::NotEqual => Instruction::NotEqual { dst, lhs, rhs },
                    Compare::Less => Instruction::Less { dst, lhs, rhs },
                    Compare::LessEqual => Instruction::LessEqual { dst, lhs, rhs },
                    Compare::Greater => Instruction::Less {
                        dst,
                        lhs: rhs,
                        rhs: lhs,
                    },
                    Compare::GreaterEqual => Instruction::LessEqual {
                        dst,
                        lhs: rhs,
                        rhs: lhs,
                    },
                });
            }
            StmtKind::Truthy { value } => {
                let value = self.source(*value)?;
                self.asm.add_jump(
                    Instruction::BranchFalse {
                        value,
                        target: Jump(0),
                    },
                    fail,
                );
            }
            StmtKind::IsArray { value, len } => {
                let value = self.source(*value)?;
                self.asm.add(Instruction::GuardArray {
                    value,
                    length: Number(*len),
                });
                self.asm.otherwise(fail);
            }
            StmtKind::IsObject { value, len } => {
                let value = self.source(*value)?;
                self.asm.add(Instruction::GuardObject {
                    value,
                    length: Number(*len),
                });
                self.asm.otherwise(fail);
            }
            StmtKind::Fail => self.asm.jump(fail),
            StmtKind::Strict { wanted } => {
                let strict = if *wanted { self.asm.label() } else { fail };
                self.asm
                    .add_jump(Instruction::BranchStrict { target: Jump(0) }, strict);
                if *wanted {
                    self.asm.jump(fail);
                    self.asm.bind(strict);
                }
            }
            StmtKind::MakeArray { dst, items } => {
                let items = self.sources(items)?;
                let dst = self.reg(*dst)?;
                self.asm.add(Instruction::MakeArray {
                    dst,
                    count: ListLen(items.len() as u32),
                });
                self.asm.items(&items);
            }
            StmtKind::MakeSet { dst, items } => {
                let items = self.sources(items)?;
                let dst = self.reg(*dst)?;
                self.asm.add(Instruction::MakeSet {
                    dst,
                    count: ListLen(items.len() as u32),
                });
                self.asm.items(&items);
            }
            StmtKind::MakeObject { dst, members } => {
                let items = self.sources(members.iter().flat_map(|(key, value)| [key, value]))?;
                let dst = self.reg(*dst)?;
                self.asm.add(Instruction::MakeObject {
                    dst,
                    count: ListLen(items.len() as u32),
                });
                self.asm.items(&items);
            }
            StmtKind::Collect {
                scope,
                kind,
                dst,
                body,
            } => {
                let builder = self.new_builder()?;
                self.asm.add(match kind {
                    CollectKind::Array => Instruction::OpenArray { builder },
                    CollectKind::Set => Instruction::OpenSet { builder },
                    CollectKind::Object => Instruction::OpenObject { builder },
                });
                self.scopes.insert(*scope, Scope::Collect(builder));
                let end = self.asm.label();
                self.block(body, end)?;
                self.asm.bind(end);
                self.asm.span = stmt.span;
                let dst = self.reg(*dst)?;
                self.asm.add(Instruction::Close { dst, builder });
            }
            StmtKind::Append { scope, key, value } => {
                let key = key.map(|key| self.source(key)).transpose()?;
                let value = self.source(*value)?;
                let Some(Scope::Collect(builder)) = self.scopes.get(scope).copied() else {
                    return Ok(());
                };
                self.asm.add(match key {
                    Some(key) => Instruction::AppendMember {
                        builder,
                        key,
                        value,
                    },
                    None => Instruction::Append { builder, value },
                });
            }
            StmtKind::Exists { scope, body } => {
                let found = self.asm.label();
                self.scopes.insert(*scope, Scope::Yield(found));
                self.block(body, fail)?;
                self.asm.jump(fail);
                self.asm.bind(found);
            }
            StmtKind::Not { scope, body } => {
                let end = self.asm.label();
                self.scopes.insert(*scope, Scope::Yield(fail));
                self.block(body, end)?;
                self.asm.bind(end);
            }
            StmtKind::Every {
                scope,
                domain,
                key,
                value,
                body,
            } => {
                let base = self.source(*domain)?;
                self.asm.add_jump(
                    Instruction::BranchScalar {
                        value: base,
                        target: Jump(0),
                    },
                    fail,
                );
                let end = self.asm.label();
                if asks_for_collection(body) {
                    self.scopes.insert(*scope, Scope::Yield(end));
                    self.block(body, fail)?;
                } else {
                    let iter = self.iter_slot()?;
                    self.asm.add(Instruction::IterOpen { iter, base });
                    let (key, value) = (self.opt_reg(*key)?, self.opt_reg(*value)?);
                    let next = self.asm.label();
                    self.asm.bind(next);
                    self.asm.add(Instruction::IterNext { iter, key, value });
                    self.asm.otherwise(end);
                    self.scopes.insert(*scope, Scope::Yield(next));
                    self.block(body, fail)?;
                    self.asm.jump(fail);
                    self.iter_depth -= 1;
                }
                self.asm.bind(end);
            }
            StmtKind::Yield { scope } => {
                if let Some(Scope::Yield(label)) = self.scopes.get(scope).copied() {
                    self.asm.jump(label);
                }
            }
            StmtKind::Blocks { blocks } => self.blocks(blocks)?,
            StmtKind::Switch { on, blocks } => {
                let value = self.source(*on)?;
                let count = ListLen(blocks.len() as u32);
                self.asm.add(Instruction::Switch { value, count });
                let starts: Vec<Label> = blocks.iter().map(|_| self.asm.label()).collect();
                let end = self.asm.label();
                for start in &starts {
                    let target = Jump(0);
                    self.asm.add_jump(Instruction::Case { target }, *start);
                }
                self.asm.jump(end);
                for (block, start) in blocks.iter().zip(starts) {
                    self.asm.bind(start);
                    self.block(block, end)?;
                    self.asm.jump(end);
                }
                self.asm.bind(end);
            }
            StmtKind::FirstDefined { result, branches } => {
                let value = self.reg(*result)?;
                self.asm.add(Instruction::Reset { dst: value });
                let done = self.asm.label();
                for (number, branch) in branches.iter().enumerate() {
                    if number > 0 {
                        self.asm.add_jump(
                            Instruction::BranchDefined {
                                value,
                                target: Jump(0),
                            },
                            done,
                        );
                    }
                    let end = self.asm.label();
                    self.block(branch, end)?;
                    self.asm.bind(end);
                }
                self.asm.bind(done);
            }
            StmtKind::CallBuiltin { dst, builtin, args } => {
                let args = self.sources(args)?;
                let dst = self.reg(*dst)?;
                let builtin: BuiltinIndex = self.asm.builtin(*builtin);
                self.under(stmt.overlay)?;
                self.asm.add(Instruction::CallBuiltin { dst, builtin });
                self.arguments(&args, fail)?;
            }
            StmtKind::CallFunction {
                dst,
                function,
                args,
            } => {
                let args = self.sources(args)?;
                let dst = self.reg(*dst)?;
                self.under(stmt.overlay)?;
                self.asm.add(Instruction::Call {
                    dst,
                    function: FunctionIndex(function.0),
                });
                self.arguments(&args, fail)?;
            }
            StmtKind::MakeOverlay {
                dst,
                parent,
                replacements,
            } => self.make_overlay(*dst, *parent, replacements)?,
            StmtKind::ResetLocal { local } => {
                let dst = self.reg(*local)?;
                self.asm.add(Instruction::Reset { dst });
            }
            StmtKind::IsDefined { local } => {
                let value = self.reg(*local)?;
                self.asm.add_jump(
                    Instruction::BranchUndefined {
                        value,
                        target: Jump(0),
                    },
                    fail,
                );
            }
            StmtKind::IsUndefined { local } => {
                let value = self.reg(*local)?;
                self.asm.add_jump(
                    Instruction::BranchDefined {
                        value,
                        target: Jump(0),
                    },
                    fail,
                );
            }
            StmtKind::SetResult {
                local,
                value,
                conflict,
            } => {
                let value = self.source(*value)?;
                let dst = self.reg(*local)?;
                let conflict = match conflict {
                    Conflict::CompleteRule => ConflictKind::CompleteRule,
                    Conflict::Function => ConflictKind::Function,
                };
                self.asm.add(Instruction::SetResult {
                    dst,
                    value,
                    conflict,
                });
                self.asm.otherwise(fail);
            }
            StmtKind::InsertPath { local, path, value } => {
                let path = self.sources(path)?;
                let value = self.source(*value)?;
                let builder = self.builder(*local)?;
                let count = short(path.len())?;
                self.asm.add(Instruction::InsertPath {
                    builder,
                    value,
                    count,
                });
                self.asm.items(&path);
            }
            StmtKind::InsertSet { local, path, value } => {
                let path = self.sources(path)?;
                let value = self.source(*value)?;
                let builder = self.builder(*local)?;
                let count = short(path.len())?;
                self.asm.add(Instruction::InsertSet {
                    builder,
                    value,
                    count,
                });
                self.asm.items(&path);
            }
            StmtKind::OpenObject { local } => {
                let builder = self.builder(*local)?;
                self.asm.add(Instruction::OpenTree { builder });
            }
            StmtKind::OpenSet { local } => {
                let builder = self.builder(*local)?;
                self.asm.add(Instruction::OpenSet { builder });
            }
            StmtKind::MergeDocuments { dst, base, derived } => {
                let (base, derived) = (self.source(*base)?, self.source(*derived)?);
                let dst = self.reg(*dst)?;
                self.asm
                    .add(Instruction::MergeDocuments { dst, base, derived });
            }
            StmtKind::Close { dst, local } => {
                let builder = self.builder(*local)?;
                let dst = self.reg(*dst)?;
                self.asm.add(Instruction::Close { dst, builder });
            }
            StmtKind::Return { value } => {
                let value = self.source(*value)?;
                self.asm.add(Instruction::Return { value });
            }
            StmtKind::Observe {
                moment,
                site,
                variables,
            } => {
                let variables = variables
                    .iter()
                    .map(|(name, operand)| Ok((self.asm.name(name), self.source(*operand)?)))
                    .collect::<Result<_, Limit>>()?;
                let point = PointIndex(self.asm.points.len() as u32);
                self.asm.points.push(Point {
                    moment: *moment,
                    site: *site,
                    variables,
                });
                self.under(stmt.overlay)?;
                self.asm.add(Instruction::Observe { point });
            }
            StmtKind::Recall { dst, function } => {
                let dst = self.reg(*dst)?;
                self.under(stmt.overlay)?;
                let function = FunctionIndex(function.0);
                self.asm.add(Instruction::Recall { dst, function });
                self.asm.otherwise(fail);
            }
            StmtKind::ComprehensionCache { dst } => {
                let dst = self.reg(*dst)?;
                self.asm.add(Instruction::ComprehensionCache { dst });
            }
            StmtKind::ReturnUndefined => self.asm.add(Instruction::ReturnUndefined {}),
            StmtKind::EmitRow { values } => {
                let values = self.sources(values)?;
                self.asm.add(Instruction::EmitRow {
                    count: ListLen(values.len() as u32),
                });
                self.asm.items(&values);
            }
        }
        Ok(())
    }

    /// Builds an index that is worth it, and looks for members in it, before the iteration begins at `again`.
    fn index(
        &mut self,
        index: &ScanIndex,
        iter: IterSlot,
        base: Source,
        again: Label,
        end: Label,
    ) -> Done {
        let span = self.asm.span;
        if index.fallible {
            self.asm
                .add_jump(Instruction::BranchStrict { target: Jump(0) }, again);
        }
        if let Some(path) = &index.data {
            let path = path.iter().map(|id| ConstIndex(id.0)).collect();
            let path = self.asm.path(path);
            self.asm.add(Instruction::IndexData { path });
        }
        self.asm.add(Instruction::IndexOpen {
            iter,
            base,
            index: IndexSlot(index.id.0),
        });
        self.asm.otherwise(again);
        let (key, value) = (self.opt_reg(index.key)?, self.opt_reg(index.value)?);
        let (next, complete) = (self.asm.label(), self.asm.label());
        self.asm.bind(next);
        self.asm.add(Instruction::IndexNext { iter, key, value });
        self.asm.otherwise(complete);
        self.indexed = Some(iter);
        let without = match index.keyless {
            true => self.asm.label(),
            false => next,
        };
        self.block(&index.build, without)?;
        self.asm.span = span;
        self.asm.jump(next);
        // Members without a key are found under no keys.
        let count = short(0)?;
        if index.keyless {
            self.asm.bind(without);
            self.asm.add(Instruction::IndexAdd { iter, count });
            self.asm.jump(next);
        }
        self.asm.bind(complete);
        if index.keyless {
            self.asm.add(Instruction::IndexSeek { iter, count });
            let all = self.asm.label();
            self.block(&index.probe, all)?;
            self.asm.span = span;
            self.asm.jump(again);
            self.asm.bind(all);
            self.asm.add(Instruction::IterOpen { iter, base });
        } else {
            self.block(&index.probe, end)?;
            self.asm.span = span;
        }
        self.indexed = None;
        Ok(())
    }

    /// The loop around a body; `next` is the instruction that gives the next member or takes its `Else`.
    fn iterate(&mut self, next: Instruction, body: &Block, again: Label, end: Label) -> Done {
        let span = self.asm.span;
        self.asm.bind(again);
        self.asm.add(next);
        self.asm.otherwise(end);
        self.block(body, again)?;
        self.asm.span = span;
        self.asm.jump(again);
        self.asm.bind(end);
        self.iter_depth -= 1;
        Ok(())
    }

    fn arguments(&mut self, args: &[Source], fail: Label) -> Done {
        let count = short(args.len())?;
        self.asm.otherwise_list(count.0, fail);
        self.asm.items(args);
        Ok(())
    }

    fn make_overlay(
        &mut self,
        dst: Local,
        parent: Option<Local>,
        replacements: &[Replacement],
    ) -> Done {
        self.under(parent)?;
        self.asm.add(Instruction::OverlayOpen {});
        for replacement in replacements {
            match replacement {
                Replacement::Document { root, path, value } => {
                    let keys = constants(path, self.asm);
                    let path = self.asm.path(keys);
                    let value = self.source(*value)?;
                    self.asm.add(match root {
                        Root::Input => Instruction::OverlayInput { value, path },
                        Root::Data => Instruction::OverlayData { value, path },
                    });
                }
                Replacement::FunctionValue { target, value } => {
                    let callee = self.callee(*target);
                    let value = self.source(*value)?;
                    self.asm.add(Instruction::OverlayTarget { callee });
                    self.asm.add(Instruction::OverlayValue { value });
                }
                Replacement::Function {
                    target,
                    replacement,
                } => {
                    let callee = self.callee(*target);
                    self.asm.add(Instruction::OverlayTarget { callee });
                    let callee = self.callee(*replacement);
                    self.asm.add(Instruction::OverlayFunction { callee });
                }
            }
        }
        let overlay = self.overlay(dst)?;
        self.asm.add(Instruction::OverlayClose { overlay });
        Ok(())
    }
}

fn short(count: usize) -> Result<ShortLen, Limit> {
    u16::try_from(count)
        .map(ShortLen)
        .map_err(|_| Limit::Arguments)
}
