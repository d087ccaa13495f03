//! An index over the rules of one name.
//!
//! ```text
//! block                                    block
//!   x := load input.method                   x' := load input.method
//!   guard x == "GET"                 →       n := {"GET": 0, "PUT": 1, ...}[x']
//!   ...                                      switch n
//! block                                        (the blocks as they were)
//!   y := load input.method
//!   guard y == "PUT"
//!   ...
//! ```
//!
//! Where a value chooses several blocks, the constant has the numbers of all, and the switch stands in a loop over them.
//!
//! **When it is right.** Each block begins with a comparison of one and the same thing with constants; a block whose
//! constants are others would fail there. What stands before the comparison must be unseen and without errors
//! ([`Effects`]). The blocks that run do so in their order, and compare again. If the thing is undefined, none runs.
//!
//! **What it costs.** One look into a constant object. Fewer than [`MIN_BLOCKS`] are compared one by one.

use std::collections::{BTreeMap, HashMap, HashSet};

use regovm_core::Constant;
use regovm_core::builtin::Table;

use super::effects::{Effect, Effects};
use super::slice::{Body, Origin, Origins, Renaming, Slice};
use super::{Context, Rewrite};
use crate::ir::{Block, Compare, ConstId, Function, Local, Operand, Program, Stmt, StmtKind};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "rule-index",
    about: "of the rules of one name those run whose first comparison with a constant can hold",
    run,
    repeated: false,
};

/// Blocks that are worth an index.
const MIN_BLOCKS: usize = 4;

fn run(program: &mut Program, context: &Context<'_>) -> bool {
    let effects = Effects::of(program, context.builtins);
    let mut search = Search {
        effects: &effects,
        builtins: context.builtins,
        constants: &mut program.constants,
    };
    let mut changed = false;
    for function in &mut program.functions {
        let mut blocks = std::mem::take(&mut function.blocks);
        changed |= search.blocks(function, &mut blocks);
        function.blocks = blocks;
    }
    changed
}

struct Search<'s> {
    effects: &'s Effects<'s>,
    builtins: &'s Table,
    constants: &'s mut Vec<Constant>,
}

impl Search<'_> {
    /// Looks at blocks that run one after another, and at those inside them.
    fn blocks(&mut self, function: &mut Function, blocks: &mut Vec<Block>) -> bool {
        let mut changed = false;
        for stmt in blocks.iter_mut().flatten() {
            match &mut stmt.kind {
                StmtKind::Blocks { blocks } => changed |= self.blocks(function, blocks),
                StmtKind::Scan { body, .. } => {
                    // What runs for each member has no other blocks that matter.
                    if let [
                        Stmt {
                            kind: StmtKind::Blocks { blocks },
                            ..
                        },
                    ] = &mut body[..]
                    {
                        changed |= self.blocks(function, blocks);
                    }
                }
                _ => {}
            }
        }
        if blocks.len() < MIN_BLOCKS {
            return changed;
        }
        let all: Vec<Vec<Candidate>> = blocks
            .iter()
            .map(|block| candidates(block, self.effects, self.builtins, self.constants))
            .collect();
        changed | rewrite(function, blocks, &all, self.constants)
    }
}

/// A comparison at the start of a block.
pub(super) struct Candidate {
    pub(super) subject: Slice,
    /// The values for which it holds.
    keys: Vec<Constant>,
}

/// The comparisons of a block with constants.
pub(super) fn candidates(
    block: &Block,
    effects: &Effects<'_>,
    builtins: &Table,
    constants: &[Constant],
) -> Vec<Candidate> {
    let body = Body {
        key: None,
        value: None,
        stmts: block,
    };
    let member = builtins.id("internal.member_2");
    let constant = |operand: Operand| match operand {
        Operand::Const(id) => constants.get(id.0 as usize),
        Operand::Local(_) => None,
    };
    let mut origins = Origins::of(&body);
    // Membership in a constant collection is no error, whatever is looked for.
    let mut memberships: HashMap<Local, (Operand, Vec<Constant>)> = HashMap::new();
    let mut found = Vec::new();
    for (at, stmt) in block.iter().enumerate() {
        let compared = match &stmt.kind {
            StmtKind::Guard {
                op: Compare::Equal,
                lhs,
                rhs,
            } => match (constant(*lhs), constant(*rhs)) {
                (None, Some(key)) => Some((*lhs, vec![key.clone()])),
                (Some(key), None) => Some((*rhs, vec![key.clone()])),
                _ => None,
            },
            StmtKind::Truthy {
                value: Operand::Local(local),
            } => memberships.remove(local),
            StmtKind::CallBuiltin { dst, builtin, args } if Some(*builtin) == member => {
                if let [of, among] = args[..]
                    && let Some(keys) = constant(among).and_then(members)
                {
                    memberships.insert(*dst, (of, keys));
                    origins.note(stmt);
                    continue;
                }
                None
            }
            _ => None,
        };
        if effects.stmt(stmt) != Effect::None {
            break;
        }
        if let Some((subject, keys)) = compared
            && origins.get(subject) == Some(Origin::Outer)
            && keys.iter().all(is_plain)
            && let Some(subject) = body.slice(at, subject)
            && subject
                .stmts
                .iter()
                .all(|at| effects.stmt(&block[*at]) == Effect::None)
        {
            found.push(Candidate { subject, keys });
        }
        origins.note(stmt);
    }
    found
}

/// What is in a constant collection.
fn members(collection: &Constant) -> Option<Vec<Constant>> {
    match collection {
        Constant::Array(items) | Constant::Set(items) => Some(items.clone()),
        Constant::Object(members) => Some(members.iter().map(|(_, value)| value.clone()).collect()),
        _ => None,
    }
}

/// Constants that are equal only if they are written alike.
fn is_plain(constant: &Constant) -> bool {
    match constant {
        Constant::Null | Constant::Boolean(_) | Constant::String(_) => true,
        Constant::Number(text) => text.len() < 16 && text.bytes().all(|b| b.is_ascii_digit()),
        Constant::Array(_) | Constant::Object(_) | Constant::Set(_) => false,
    }
}

/// Puts runs of blocks that compare one thing into a switch.
fn rewrite(
    function: &mut Function,
    blocks: &mut Vec<Block>,
    all: &[Vec<Candidate>],
    constants: &mut Vec<Constant>,
) -> bool {
    let subject = best(all);
    let mut made = Vec::new();
    let mut run = Vec::new();
    let mut changed = false;
    for (block, candidates) in std::mem::take(blocks).into_iter().zip(all) {
        let candidate = candidates
            .iter()
            .find(|candidate| Some(candidate.subject.form.as_str()) == subject);
        match candidate {
            Some(candidate) => run.push((block, candidate)),
            None => {
                changed |= close(function, std::mem::take(&mut run), constants, &mut made);
                made.push(block);
            }
        }
    }
    changed |= close(function, run, constants, &mut made);
    *blocks = made;
    changed
}

/// What is compared with most constants: it tells most blocks apart.
pub(super) fn best(all: &[Vec<Candidate>]) -> Option<&str> {
    let mut distinct: BTreeMap<&str, HashSet<&Constant>> = BTreeMap::new();
    for candidate in all.iter().flatten() {
        let keys = distinct.entry(&candidate.subject.form).or_default();
        keys.extend(&candidate.keys);
    }
    let best = distinct.into_iter().max_by_key(|(_, keys)| keys.len());
    best.map(|(subject, _)| subject)
}

/// Adds a run of blocks to those that are made, as a switch if it is worth it.
fn close(
    function: &mut Function,
    run: Vec<(Block, &Candidate)>,
    constants: &mut Vec<Constant>,
    made: &mut Vec<Block>,
) -> bool {
    let mut table: BTreeMap<&Constant, Vec<usize>> = BTreeMap::new();
    for (number, (_, candidate)) in run.iter().enumerate() {
        for key in &candidate.keys {
            let numbers = table.entry(key).or_default();
            if numbers.last() != Some(&number) {
                numbers.push(number);
            }
        }
    }
    let chosen = match run.first() {
        Some((first, candidate)) if table.len() >= MIN_BLOCKS && run.len() >= MIN_BLOCKS => {
            choose(function, first, candidate)
        }
        _ => None,
    };
    // Most often a value chooses one block: then the table has its number, else the numbers of all.
    let one = table.values().all(|numbers| numbers.len() == 1);
    let number = |number: &usize| Constant::Number(number.to_string().into());
    let entry = |numbers: &Vec<usize>| match &numbers[..] {
        [only] if one => number(only),
        numbers => Constant::Array(numbers.iter().map(number).collect()),
    };
    let table: Vec<(Constant, Constant)> = table
        .iter()
        .map(|(key, numbers)| ((*key).clone(), entry(numbers)))
        .collect();
    let blocks = run.into_iter().map(|(block, _)| block);
    let Some((mut block, key)) = chosen else {
        made.extend(blocks);
        return false;
    };
    constants.push(Constant::Object(table));
    let base = Operand::Const(ConstId(constants.len() as u32 - 1));
    let mut fresh = || {
        function.locals += 1;
        Local(function.locals - 1)
    };
    let (found, number) = (fresh(), fresh());
    let stmt = |kind| Stmt {
        kind,
        span: function.span,
        overlay: None,
    };
    let switch = |on| {
        stmt(StmtKind::Switch {
            on: Operand::Local(on),
            blocks: blocks.collect(),
        })
    };
    block.push(stmt(StmtKind::Get {
        dst: found,
        base,
        key,
    }));
    block.push(match one {
        true => switch(found),
        false => stmt(StmtKind::Scan {
            base: Operand::Local(found),
            key: None,
            value: Some(number),
            index: None,
            body: vec![switch(number)],
        }),
    });
    made.push(block);
    true
}

/// Statements that compute what the blocks compare, and the operand that holds it.
fn choose(
    function: &mut Function,
    block: &Block,
    candidate: &Candidate,
) -> Option<(Block, Operand)> {
    let body = Body {
        key: None,
        value: None,
        stmts: block,
    };
    let mut renaming = Renaming::new(&body, |_| {
        function.locals += 1;
        Local(function.locals - 1)
    });
    let stmts: Option<Block> = candidate
        .subject
        .stmts
        .iter()
        .map(|at| renaming.stmt(&block[*at]))
        .collect();
    Some((stmts?, renaming.operand(candidate.subject.operand)))
}
