//! One loop over a collection for all the rules of a set that iterate over it.
//!
//! ```text
//! block                                    block
//!   rs := load input.rs                      guard no strict errors
//!   scan rs as _, a                          rs := load input.rs
//!     (first body)                           scan rs as _, a
//! block                              →         blocks
//!   qs := load input.rs                          (first body)
//!   scan qs as _, b                              (second body, of a)
//!     (second body)                        block
//!                                            guard strict errors
//!                                            blocks
//!                                              (the blocks as they were)
//! ```
//!
//! The index over rules then chooses the bodies that a member concerns, and a large document goes through the caches of the
//! machine once.
//!
//! **When it is right.** The bodies add to the set of the rule and do nothing else that is seen ([`Effects`]): nobody can
//! tell in which order members are added. Where errors of built-ins end the query it can be told which comes first, so there
//! the loops run one by one.
//!
//! **When it is worth it.** A body that compares the member with what is known before the loop only is left to the index of
//! the collection; so is one that compares it with a constant if many functions do (each would be a loop over everything),
//! or if the collection is base data, whose index is kept.

use std::collections::{BTreeMap, HashMap, HashSet};

use regovm_core::builtin::BuiltinId;

use super::collection_index;
use super::effects::{Effect, Effects};
use super::rule_index;
use super::slice::Body;
use super::{Context, Rewrite};
use crate::ir::visit::{assigned, locals_mut};
use crate::ir::{Block, Function, Local, Operand, Program, Root, Stmt, StmtKind};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "loop-fusion",
    about: "rules of one set that iterate over one collection share the loop",
    run,
    repeated: false,
};

/// Functions that compare one key of members with constants, at most, for the comparisons to be made in loops over all
/// members.
const FEW_FUNCTIONS: usize = 3;

fn run(program: &mut Program, context: &Context<'_>) -> bool {
    let effects = Effects::of(program, context.builtins);
    let member = context.builtins.id("internal.member_2");
    let keys = keys_of_functions(program, &effects, member);
    let constants = &program.constants;
    let mut changed = false;
    for function in &mut program.functions {
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, block) in function.blocks.iter().enumerate() {
            if let Some(collection) = loop_over(block, &effects, &keys, member) {
                groups.entry(collection).or_default().push(at);
            }
        }
        let mut groups: Vec<Vec<usize>> = groups
            .into_values()
            .filter(|group| group.len() > 1)
            .collect();
        // From the end, so that places stay what they are.
        groups.sort_by_key(|group| std::cmp::Reverse(group[0]));
        changed |= !groups.is_empty();
        let mut made: HashMap<usize, Vec<Block>> = HashMap::new();
        let mut gone = HashSet::new();
        for group in groups {
            made.insert(
                group[0],
                fuse(function, &group, &effects, context, constants),
            );
            gone.extend(group);
        }
        let blocks = std::mem::take(&mut function.blocks);
        for (at, block) in blocks.into_iter().enumerate() {
            if let Some(fused) = made.remove(&at) {
                function.blocks.extend(fused);
            } else if !gone.contains(&at) {
                function.blocks.push(block);
            }
        }
    }
    changed
}

/// In how many functions each key of members is compared with constants.
fn keys_of_functions(
    program: &Program,
    effects: &Effects<'_>,
    member: Option<BuiltinId>,
) -> HashMap<String, usize> {
    let mut all = HashMap::new();
    for function in &program.functions {
        let mut keys = HashSet::new();
        collection_index::each_scan(&function.blocks, &mut |scan| {
            for key in collection_index::candidates(scan, effects, member) {
                keys.insert(key.member.form);
            }
        });
        for key in keys {
            *all.entry(key).or_insert(0) += 1;
        }
    }
    all
}

/// The collection that a block is a loop over, by its form, if the loop may be joined with others.
fn loop_over(
    block: &Block,
    effects: &Effects<'_>,
    keys: &HashMap<String, usize>,
    member: Option<BuiltinId>,
) -> Option<String> {
    let (last, before) = block.split_last()?;
    let scan = collection_index::scan_of(last)?;
    let StmtKind::Scan {
        base: base @ Operand::Local(_),
        ..
    } = last.kind
    else {
        return None;
    };
    let body = Body {
        key: None,
        value: None,
        stmts: block,
    };
    let collection = body.slice(before.len(), base)?;
    let plain = collection.stmts.len() == before.len()
        && before.iter().all(|stmt| effects.stmt(stmt) == Effect::None)
        && !before.iter().any(|stmt| {
            matches!(
                stmt.kind,
                StmtKind::Load {
                    root: Root::Data,
                    ..
                }
            )
        });
    let indexed = collection_index::candidates(&scan, effects, member)
        .iter()
        .any(|key| {
            let functions = keys.get(&key.member.form).copied().unwrap_or(0);
            key.outer.constant().is_none() || functions > FEW_FUNCTIONS
        });
    (plain && !indexed && only_adds(block) && effects.of_block(block) != Effect::Seen)
        .then_some(collection.form)
}

/// True if a block does nothing to the result of its function but to add to sets.
fn only_adds(block: &Block) -> bool {
    block.iter().all(|stmt| {
        !matches!(
            stmt.kind,
            StmtKind::Return { .. }
                | StmtKind::ReturnUndefined
                | StmtKind::SetResult { .. }
                | StmtKind::ResetLocal { .. }
                | StmtKind::OpenSet { .. }
                | StmtKind::OpenObject { .. }
                | StmtKind::Close { .. }
        ) && stmt.kind.blocks().all(only_adds)
    })
}

/// The blocks that stand for a group of loops.
fn fuse(
    function: &mut Function,
    group: &[usize],
    effects: &Effects<'_>,
    context: &Context<'_>,
    constants: &[regovm_core::Constant],
) -> Vec<Block> {
    let mut loops: Vec<Block> = group
        .iter()
        .map(|at| std::mem::take(&mut function.blocks[*at]))
        .collect();
    let fallible = loops
        .iter()
        .any(|block| effects.of_block(block) != Effect::None);
    let span = function.span;
    let stmt = |kind| Stmt {
        kind,
        span,
        overlay: None,
    };
    let apart: Vec<Block> = match fallible {
        true => loops
            .iter()
            .map(|block| fresh_copy(block, function, &HashSet::new()))
            .collect(),
        false => Vec::new(),
    };
    let mut fresh = || {
        function.locals += 1;
        Local(function.locals - 1)
    };
    let (shared_key, shared_value) = (fresh(), fresh());
    let (mut with_key, mut with_value) = (false, false);
    let mut bodies = Vec::new();
    for block in &mut loops {
        if let Some(Stmt {
            kind: StmtKind::Scan {
                key, value, body, ..
            },
            ..
        }) = block.last_mut()
        {
            let mut body = std::mem::take(body);
            locals_mut(&mut body, &mut |local| {
                if Some(*local) == *key {
                    *local = shared_key;
                } else if Some(*local) == *value {
                    *local = shared_value;
                }
            });
            with_key |= key.is_some();
            with_value |= value.is_some();
            bodies.push(body);
        }
    }
    // Those that compare one thing with constants stand together, for the index over rules.
    let compared: Vec<Vec<rule_index::Candidate>> = bodies
        .iter()
        .map(|body| rule_index::candidates(body, effects, context.builtins, constants))
        .collect();
    let subject = rule_index::best(&compared);
    let (chosen, others): (Vec<_>, Vec<_>) =
        bodies
            .into_iter()
            .zip(&compared)
            .partition(|(_, compared)| {
                let mut forms = compared
                    .iter()
                    .map(|candidate| candidate.subject.form.as_str());
                forms.any(|form| Some(form) == subject)
            });
    let blocks = chosen
        .into_iter()
        .chain(others)
        .map(|(body, _)| body)
        .collect();
    let mut fused = loops.swap_remove(0);
    if let Some(Stmt {
        kind: StmtKind::Scan {
            key, value, body, ..
        },
        ..
    }) = fused.last_mut()
    {
        *key = with_key.then_some(shared_key);
        *value = with_value.then_some(shared_value);
        *body = vec![stmt(StmtKind::Blocks { blocks })];
    }
    if !fallible {
        return vec![fused];
    }
    fused.insert(0, stmt(StmtKind::Strict { wanted: false }));
    let apart = vec![
        stmt(StmtKind::Strict { wanted: true }),
        stmt(StmtKind::Blocks { blocks: apart }),
    ];
    vec![fused, apart]
}

/// A copy that assigns other locals, but for those that mean something outside of it.
pub(super) fn fresh_copy(
    block: &Block,
    function: &mut Function,
    outside: &HashSet<Local>,
) -> Block {
    let mut names: HashMap<Local, Local> = HashMap::new();
    let mut assigned: Vec<Local> = assigned(block).into_iter().collect();
    assigned.retain(|local| !outside.contains(local));
    assigned.sort_unstable();
    for local in assigned {
        names.insert(local, Local(function.locals));
        function.locals += 1;
    }
    let mut copy = block.clone();
    locals_mut(&mut copy, &mut |local| {
        if let Some(name) = names.get(local) {
            *local = *name;
        }
    });
    copy
}
