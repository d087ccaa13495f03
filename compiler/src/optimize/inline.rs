//! Small functions and rules in place of their calls.
//!
//! ```text
//! function is_bucket(l0)                   t := r["type"]
//!   t := l0["type"]                        guard t == "bucket"
//!   guard t == "bucket"            →       v := true
//!   return true                            guard v
//! ...
//!   v := is_bucket(r)
//!   guard v
//! ```
//!
//! Where a function has several blocks, or a rule a default, the first of them that succeeds gives the value. A rule that
//! is a constant is the constant.
//!
//! **When it is right.** What is called is unseen ([`Effects`]), no `with` replaces it or documents in its place, and the
//! call is under the function's own overlay. If it fails, so does the block around the call. Errors of built-ins have the
//! place of the built-in, whoever calls it.
//!
//! **What it costs.** What is called is not remembered by its arguments any more: so it has no loops, few statements, and
//! no calls whose work grows fast. Rules, which run once, are shorter still and call nothing.

use std::collections::HashMap;

use regovm_core::builtin::{Cost, Table};

use super::effects::{Effect, Effects};
use super::{Context, Rewrite, each_block};
use crate::ir::visit::{locals_mut, operands_mut};
use crate::ir::{
    Block, Function, FunctionKind, Local, Operand, Program, Replacement, Root, Stmt, StmtKind,
};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "inlining",
    about: "small functions and rules stand in place of their calls",
    run,
    repeated: true,
};

/// Statements of a function that is inlined, at most.
const MAX_FUNCTION: usize = 12;
/// Statements of a rule that is inlined, at most.
const MAX_RULE: usize = 4;
/// Blocks of what is inlined, at most.
const MAX_BLOCKS: usize = 4;
/// Calls in it, at most.
const MAX_CALLS: usize = 2;
/// Statements of a function into which something is inlined, at most.
const MAX_GROWN: usize = 20_000;

fn run(program: &mut Program, context: &Context<'_>) -> bool {
    let effects = Effects::of(program, context.builtins);
    let fixed = !replaces_data(program);
    let bodies: Vec<Option<Vec<Block>>> = (program.functions.iter())
        .map(|function| body(function, fixed, &effects, context.builtins))
        .collect();
    let mut changed = false;
    for function in &mut program.functions {
        let mut left = MAX_GROWN;
        each_block(function, |block, function| {
            changed |= rewrite(block, function, &bodies, &effects, &mut left);
        });
    }
    changed
}

/// True if some `with` replaces documents below `data`.
fn replaces_data(program: &Program) -> bool {
    fn any(block: &Block) -> bool {
        block.iter().any(|stmt| {
            let here = match &stmt.kind {
                StmtKind::MakeOverlay { replacements, .. } => {
                    let data = |it: &Replacement| {
                        matches!(
                            it,
                            Replacement::Document {
                                root: Root::Data,
                                ..
                            }
                        )
                    };
                    replacements.iter().any(data)
                }
                _ => false,
            };
            here || stmt.kind.blocks().any(any)
        })
    }
    program
        .functions
        .iter()
        .flat_map(|function| &function.blocks)
        .any(any)
}

/// The blocks that stand for a call of a function, if it may be inlined.
fn body(
    function: &Function,
    fixed: bool,
    effects: &Effects<'_>,
    table: &Table,
) -> Option<Vec<Block>> {
    let blocks: Vec<Block> = (function.blocks.iter())
        .filter(|block| !block.is_empty())
        .cloned()
        .collect();
    let (most, rule) = match function.kind {
        FunctionKind::Function => (MAX_FUNCTION, false),
        FunctionKind::Rule if fixed => (MAX_RULE, true),
        FunctionKind::Rule | FunctionKind::Query => return None,
    };
    let count: usize = blocks.iter().map(Vec::len).sum();
    if blocks.is_empty() || blocks.len() > MAX_BLOCKS || count > most {
        return None;
    }
    let mut calls = 0;
    for block in &blocks {
        let (last, before) = block.split_last()?;
        let StmtKind::Return { .. } = last.kind else {
            return None;
        };
        for stmt in before {
            match &stmt.kind {
                StmtKind::Move { .. }
                | StmtKind::Load { .. }
                | StmtKind::Get { .. }
                | StmtKind::GetData { .. }
                | StmtKind::Guard { .. }
                | StmtKind::CompareValue { .. }
                | StmtKind::Truthy { .. }
                | StmtKind::IsArray { .. }
                | StmtKind::IsObject { .. }
                | StmtKind::Fail => {}
                StmtKind::MakeArray { .. }
                | StmtKind::MakeSet { .. }
                | StmtKind::MakeObject { .. }
                    if !rule => {}
                StmtKind::CallBuiltin { builtin, .. } if !rule => {
                    let decl = table.get(*builtin)?;
                    if matches!(decl.cost, Cost::Superlinear(_)) {
                        return None;
                    }
                    calls += 1;
                }
                StmtKind::CallFunction { .. } if !rule => calls += 1,
                _ => return None,
            }
            if stmt.overlay.is_some() || effects.stmt(stmt) == Effect::Seen {
                return None;
            }
        }
    }
    (calls <= MAX_CALLS).then_some(blocks)
}

fn rewrite(
    block: &mut Block,
    function: &mut Function,
    bodies: &[Option<Vec<Block>>],
    effects: &Effects<'_>,
    left: &mut usize,
) -> bool {
    let mut changed = false;
    let mut made = Block::with_capacity(block.len());
    for mut stmt in std::mem::take(block) {
        for block in stmt.kind.blocks_mut() {
            changed |= rewrite(block, function, bodies, effects, left);
        }
        let found = match &stmt.kind {
            StmtKind::CallFunction {
                dst,
                function: callee,
                args,
            } if stmt.overlay.is_none() && effects.stmt(&stmt) != Effect::Seen => {
                let body = bodies.get(callee.0 as usize).and_then(Option::as_ref);
                body.map(|body| (*dst, body, args))
            }
            _ => None,
        };
        let Some((dst, body, args)) = found else {
            made.push(stmt);
            continue;
        };
        let size: usize = body.iter().map(Vec::len).sum();
        if size > *left {
            made.push(stmt);
            continue;
        }
        *left -= size;
        changed = true;
        let mut branches: Vec<Block> = body
            .iter()
            .map(|block| copy(block, dst, args, function))
            .collect();
        if branches.len() == 1 {
            made.append(&mut branches[0]);
            continue;
        }
        let like = |kind| Stmt {
            kind,
            span: stmt.span,
            overlay: None,
        };
        made.push(like(StmtKind::FirstDefined {
            result: dst,
            branches,
        }));
        made.push(like(StmtKind::IsDefined { local: dst }));
    }
    *block = made;
    changed
}

/// A copy of a block with arguments for parameters, which assigns what it returns.
fn copy(block: &Block, dst: Local, args: &[Operand], function: &mut Function) -> Block {
    let params = args.len() as u32;
    // New names are none of those of the parameters.
    function.locals = function.locals.max(params);
    let mut names: HashMap<Local, Local> = HashMap::new();
    let mut copy = block.clone();
    locals_mut(&mut copy, &mut |local| {
        if local.0 >= params {
            *local = *names.entry(*local).or_insert_with(|| {
                function.locals += 1;
                Local(function.locals - 1)
            });
        }
    });
    for stmt in &mut copy {
        operands_mut(&mut stmt.kind, &mut |operand| {
            if let Operand::Local(local) = operand
                && let Some(argument) = args.get(local.0 as usize)
            {
                *operand = *argument;
            }
        });
        if let StmtKind::Return { value } = stmt.kind {
            stmt.kind = StmtKind::Move { dst, src: value };
        }
    }
    copy
}
