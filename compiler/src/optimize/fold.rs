//! What is known without input is computed by the compiler.
//!
//! ```text
//! a := lower("PROD")                       guard l1 == "prod-eu"
//! b := concat("-", [a, "eu"])      →
//! guard l1 == b
//! ```
//!
//! Calls of built-ins with constant operands, comparisons and members of constants, arrays of constants; what is assigned
//! from a constant is the constant. Guards that hold are left out; behind one that does not nothing runs, and a block that
//! begins with one is left out, as is a `not` around it.
//!
//! **When it is right.** Built-ins of a fixed list only ([`FOLDED`]), which depend on nothing but their operands, unless
//! a `with` replaces them. A call is folded if it succeeds, soon and with a small result: errors and undefined results are
//! left for the run.
//!
//! **What it costs.** Nothing.

use std::collections::HashMap;

use regovm_core::Constant;
use regovm_core::builtin::{BuiltinId, Caches, Call, Meter, StopReason, Table};
use regovm_core::host::NoHost;
use regovm_core::value::{Arena, Value, to_constant};

use super::effects::{Effect, Effects};
use super::{Context, Rewrite};
use crate::ir::visit::{Counts, operands_mut};
use crate::ir::{Block, Compare, ConstId, Function, Local, Operand, Program, Stmt, StmtKind};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "constant-folding",
    about: "calls and comparisons of constants are computed once, by the compiler",
    run,
    repeated: true,
};

/// Built-ins that are computed.
const FOLDED: &[&str] = &[
    "abs",
    "and",
    "array.concat",
    "array.reverse",
    "array.slice",
    "base64.decode",
    "base64.encode",
    "ceil",
    "concat",
    "contains",
    "count",
    "div",
    "endswith",
    "floor",
    "format_int",
    "indexof",
    "internal.member_2",
    "internal.member_3",
    "intersection",
    "is_array",
    "is_boolean",
    "is_null",
    "is_number",
    "is_object",
    "is_set",
    "is_string",
    "lower",
    "max",
    "min",
    "minus",
    "mul",
    "numbers.range",
    "object.get",
    "object.keys",
    "object.union",
    "or",
    "plus",
    "product",
    "rem",
    "replace",
    "round",
    "sort",
    "split",
    "sprintf",
    "startswith",
    "strings.reverse",
    "substring",
    "sum",
    "time.parse_duration_ns",
    "to_number",
    "trim",
    "trim_left",
    "trim_prefix",
    "trim_right",
    "trim_space",
    "trim_suffix",
    "type_name",
    "union",
    "units.parse",
    "units.parse_bytes",
    "upper",
];

/// Units of work that the compiler does for one call, at most.
const MAX_WORK: u64 = 10_000;
/// Bytes that one call may use, at most.
const MAX_BYTES: usize = 1 << 20;
/// Values in a result, at most.
const MAX_VALUES: usize = 256;
/// Bytes of a string in a result, at most.
const MAX_TEXT: usize = 4096;

fn run(program: &mut Program, context: &Context<'_>) -> bool {
    let effects = Effects::of(program, context.builtins);
    let (functions, constants) = (&mut program.functions, &mut program.constants);
    let mut folder = Folder {
        table: context.builtins,
        effects: &effects,
        ids: HashMap::new(),
        constants,
        counts: None,
        values: HashMap::new(),
        changed: false,
    };
    let mut changed = false;
    for function in functions {
        changed |= folder.function(function);
    }
    changed
}

struct Folder<'f> {
    table: &'f Table,
    effects: &'f Effects<'f>,
    constants: &'f mut Vec<Constant>,
    /// Numbers of constants, once one is looked for.
    ids: HashMap<Constant, ConstId>,
    counts: Option<Counts>,
    /// Locals that hold a constant.
    values: HashMap<Local, ConstId>,
    changed: bool,
}

/// What is left of a statement.
enum Left {
    Itself,
    Nothing,
    Failure,
}

impl Folder<'_> {
    fn function(&mut self, function: &mut Function) -> bool {
        self.counts = Some(Counts::of(function));
        self.values.clear();
        self.changed = false;
        self.blocks(&mut function.blocks);
        if !self.values.is_empty() {
            let counts = Counts::of(function);
            for block in &mut function.blocks {
                drop_unread(block, &counts, &self.values);
            }
        }
        self.changed
    }

    /// Blocks of which each runs whatever happened before: those that cannot do anything are left out.
    fn blocks(&mut self, blocks: &mut Vec<Block>) {
        for block in blocks.iter_mut() {
            self.block(block);
        }
        let before = blocks.len();
        blocks.retain(|block| !is_dead(block));
        self.changed |= blocks.len() < before;
    }

    fn block(&mut self, block: &mut Block) {
        let mut made = Block::with_capacity(block.len());
        let mut old = std::mem::take(block).into_iter();
        for mut stmt in old.by_ref() {
            match self.stmt(&mut stmt) {
                Left::Itself => made.push(stmt),
                Left::Nothing => self.changed = true,
                Left::Failure => {
                    self.changed |= !matches!(stmt.kind, StmtKind::Fail);
                    stmt.kind = StmtKind::Fail;
                    stmt.overlay = None;
                    made.push(stmt);
                    break;
                }
            }
        }
        // Nothing runs behind a failure.
        self.changed |= old.next().is_some();
        *block = made;
    }

    fn stmt(&mut self, stmt: &mut Stmt) -> Left {
        if !self.values.is_empty() {
            let (values, mut changed) = (&self.values, false);
            operands_mut(&mut stmt.kind, &mut |operand| {
                if let Operand::Local(local) = operand
                    && let Some(id) = values.get(local)
                {
                    *operand = Operand::Const(*id);
                    changed = true;
                }
            });
            self.changed |= changed;
        }
        match &mut stmt.kind {
            StmtKind::Blocks { blocks } => {
                self.blocks(blocks);
                return match blocks.is_empty() {
                    true => Left::Nothing,
                    false => Left::Itself,
                };
            }
            kind => {
                for block in kind.blocks_mut() {
                    self.block(block);
                }
            }
        }
        match &stmt.kind {
            StmtKind::Fail => Left::Failure,
            StmtKind::Exists { body, .. } if is_dead(body) => Left::Failure,
            StmtKind::Exists { body, .. } if yields(body) => Left::Nothing,
            StmtKind::Not { body, .. } if is_dead(body) => Left::Nothing,
            StmtKind::Not { body, .. } if yields(body) => Left::Failure,
            StmtKind::Guard { op, lhs, rhs } => self.decided(self.compare(*op, *lhs, *rhs)),
            StmtKind::Truthy {
                value: Operand::Const(id),
            } => {
                let value = self.constants.get(id.0 as usize);
                self.decided(value.map(|value| *value != Constant::Boolean(false)))
            }
            _ => {
                if let Some((dst, constant)) = self.constant(stmt) {
                    let id = self.id(constant);
                    self.changed = true;
                    stmt.kind = StmtKind::Move {
                        dst,
                        src: Operand::Const(id),
                    };
                    stmt.overlay = None;
                }
                if let StmtKind::Move {
                    dst,
                    src: Operand::Const(id),
                } = stmt.kind
                    && self
                        .counts
                        .as_ref()
                        .is_some_and(|it| it.is_assigned_once(dst))
                {
                    self.values.insert(dst, id);
                }
                Left::Itself
            }
        }
    }

    fn decided(&self, holds: Option<bool>) -> Left {
        match holds {
            None => Left::Itself,
            Some(true) => Left::Nothing,
            Some(false) => Left::Failure,
        }
    }

    fn of(&self, operand: Operand) -> Option<&Constant> {
        match operand {
            Operand::Const(id) => self.constants.get(id.0 as usize),
            Operand::Local(_) => None,
        }
    }

    fn compare(&self, op: Compare, lhs: Operand, rhs: Operand) -> Option<bool> {
        let (lhs, rhs) = (self.of(lhs)?, self.of(rhs)?);
        let arena = Arena::new();
        let (lhs, rhs) = (arena.constant(lhs), arena.constant(rhs));
        Some(match op {
            Compare::Equal => lhs == rhs,
            Compare::NotEqual => lhs != rhs,
            Compare::Less => lhs < rhs,
            Compare::LessEqual => lhs <= rhs,
            Compare::Greater => lhs > rhs,
            Compare::GreaterEqual => lhs >= rhs,
        })
    }

    /// What a statement gives, if that is known.
    fn constant(&self, stmt: &Stmt) -> Option<(Local, Constant)> {
        match &stmt.kind {
            StmtKind::CompareValue { dst, op, lhs, rhs } => {
                let holds = self.compare(*op, *lhs, *rhs)?;
                Some((*dst, Constant::Boolean(holds)))
            }
            StmtKind::Get { dst, base, key } => {
                let (base, key) = (self.of(*base)?, self.of(*key)?);
                let arena = Arena::new();
                let member = arena.constant(base).get(arena.constant(key))?;
                Some((*dst, small(member)?))
            }
            StmtKind::MakeArray { dst, items } if items.len() <= MAX_VALUES => {
                let items: Option<Vec<Constant>> =
                    items.iter().map(|item| self.of(*item).cloned()).collect();
                Some((*dst, Constant::Array(items?)))
            }
            StmtKind::CallBuiltin { dst, builtin, args } => {
                Some((*dst, self.call(*builtin, args)?))
            }
            _ => None,
        }
    }

    fn call(&self, builtin: BuiltinId, args: &[Operand]) -> Option<Constant> {
        let args: Option<Vec<&Constant>> = args.iter().map(|it| self.of(*it)).collect();
        let args = args?;
        let decl = self.table.get(builtin)?;
        if !FOLDED.contains(&decl.name) || self.effects.builtin(builtin) == Effect::Seen {
            return None;
        }
        let arena = Arena::with_limit(MAX_BYTES);
        let args: Vec<Value<'_>> = args.into_iter().map(|it| arena.constant(it)).collect();
        let (mut meter, mut host, mut caches) = (Work(0), NoHost, Caches::new());
        let mut call = Call::new(&arena, &mut meter, &mut host, &mut caches);
        let value = self.table.body(builtin)?.call(&mut call, &args).ok()??;
        match arena.exhausted() {
            true => None,
            false => small(value),
        }
    }

    /// The number of a constant.
    fn id(&mut self, constant: Constant) -> ConstId {
        if self.ids.is_empty() {
            let all = (0..).zip(self.constants.iter());
            self.ids = all.map(|(at, it)| (it.clone(), ConstId(at))).collect();
        }
        if let Some(id) = self.ids.get(&constant) {
            return *id;
        }
        let id = ConstId(self.constants.len() as u32);
        self.constants.push(constant.clone());
        self.ids.insert(constant, id);
        id
    }
}

/// True if a block fails before it does anything.
fn is_dead(block: &Block) -> bool {
    matches!(block.first().map(|stmt| &stmt.kind), Some(StmtKind::Fail))
}

/// True if a block succeeds before it does anything.
fn yields(block: &Block) -> bool {
    matches!(
        block.first().map(|stmt| &stmt.kind),
        Some(StmtKind::Yield { .. })
    )
}

/// Leaves out assignments of constants to locals that nobody reads any more.
fn drop_unread(block: &mut Block, counts: &Counts, values: &HashMap<Local, ConstId>) {
    block.retain(|stmt| match &stmt.kind {
        StmtKind::Move { dst, .. } if values.contains_key(dst) => {
            counts.reads.get(dst.0 as usize) != Some(&0)
        }
        _ => true,
    });
    for stmt in block {
        for block in stmt.kind.blocks_mut() {
            drop_unread(block, counts, values);
        }
    }
}

/// A value as a constant, if it is small.
fn small(value: Value<'_>) -> Option<Constant> {
    fn fits(constant: &Constant, left: &mut usize) -> bool {
        let Some(rest) = left.checked_sub(1) else {
            return false;
        };
        *left = rest;
        match constant {
            Constant::Null | Constant::Boolean(_) => true,
            Constant::Number(text) | Constant::String(text) => text.len() <= MAX_TEXT,
            Constant::Array(items) | Constant::Set(items) => {
                items.iter().all(|item| fits(item, left))
            }
            Constant::Object(members) => members
                .iter()
                .all(|(key, value)| fits(key, left) && fits(value, left)),
        }
    }
    let constant = to_constant(value);
    fits(&constant, &mut MAX_VALUES.clone()).then_some(constant)
}

/// Ends what takes long.
struct Work(u64);

impl Meter for Work {
    fn charge(&mut self, units: u64) -> Result<(), StopReason> {
        self.0 = self.0.saturating_add(units);
        match self.0 > MAX_WORK {
            true => Err(StopReason::Steps),
            false => Ok(()),
        }
    }
}
