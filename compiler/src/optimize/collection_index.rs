//! Indexes for iterations that compare what their members hold.
//!
//! ```text
//! scan rs as _, b                          scan rs as _, b by index 0
//!   x := b["name"]                           build: x' := b'["name"], index under [x']
//!   y := a["name"]                   →       probe: y' := a["name"], look for [y']
//!   guard x == y                             (the body as it was)
//!   ...
//! ```
//!
//! **When it is right.** The index gives every member for which all the guards hold, in the order of the collection, and
//! the body still compares. What may be left out is the start of the body, up to the last guard, for members for which a
//! guard fails: nothing in it may be seen ([`Effects`]). Where errors of built-ins end the query and one may be among what
//! is left out, the machine visits all members. One side of a guard must come from the member alone, so that the index is
//! the same whenever it is asked, the other from what is known before the iteration.
//!
//! That covers loops in loops, a loop in a function that is called in a loop, in a negation or in a comprehension, and
//! rules that each look for their own kind of member: all are scans of one collection, which share one index.
//!
//! **What it costs.** The machine builds an index once as many members were visited as building costs, and only for
//! collections that are not small.

use std::collections::{BTreeMap, HashMap, HashSet};

use regovm_core::Span;

use super::effects::{Effect, Effects};
use super::{Context, Rewrite};
use crate::ir::visit::{Role, mentions};
use crate::ir::{
    Block, Compare, ConstId, Function, IndexId, Local, Operand, Program, ScanIndex, Stmt, StmtKind,
};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "collection-index",
    about: "iterations that compare members with what is known find them by an index",
    run,
};

/// Statements that a key is computed by, at most.
const MAX_SLICE: usize = 32;

fn run(program: &mut Program, context: &Context<'_>) -> bool {
    let effects = Effects::of(program, context.builtins);
    let mut uses = Uses::default();
    for function in &program.functions {
        each_scan(&function.blocks, &mut |scan| {
            for key in candidates(scan, &effects) {
                uses.note(&key);
            }
        });
    }
    let mut indexes = Indexes::default();
    for function in &mut program.functions {
        let mut blocks = std::mem::take(&mut function.blocks);
        for block in &mut blocks {
            rewrite(block, function, &effects, &uses, &mut indexes);
        }
        function.blocks = blocks;
    }
    !indexes.numbers.is_empty()
}

/// A scan without an index.
struct Scan<'b> {
    key: Option<Local>,
    value: Option<Local>,
    body: &'b Block,
}

impl<'b> Scan<'b> {
    fn of(stmt: &'b Stmt) -> Option<Scan<'b>> {
        match &stmt.kind {
            StmtKind::Scan {
                key,
                value,
                index: None,
                body,
                ..
            } => Some(Scan {
                key: *key,
                value: *value,
                body,
            }),
            _ => None,
        }
    }
}

fn each_scan(blocks: &[Block], each: &mut impl FnMut(&Scan<'_>)) {
    for stmt in blocks.iter().flatten() {
        if let Some(scan) = Scan::of(stmt) {
            each(&scan);
        }
        for block in stmt.kind.blocks() {
            each_scan(std::slice::from_ref(block), each);
        }
    }
}

fn rewrite(
    block: &mut Block,
    function: &mut Function,
    effects: &Effects<'_>,
    uses: &Uses,
    indexes: &mut Indexes,
) {
    for stmt in block {
        for block in stmt.kind.blocks_mut() {
            rewrite(block, function, effects, uses, indexes);
        }
        let made = Scan::of(stmt).and_then(|scan| {
            let keys = uses.choose(candidates(&scan, effects));
            make(&scan, &keys, effects, function, stmt.span, indexes)
        });
        if let Some(made) = made
            && let StmtKind::Scan { index, .. } = &mut stmt.kind
        {
            *index = Some(Box::new(made));
        }
    }
}

/// Where a value comes from, seen from the body of a scan.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Origin {
    /// From what is known before the scan.
    Outer,
    /// From the member and constants.
    Member,
    /// From both, or from something that is no plain computation.
    Other,
}

impl Origin {
    fn join(self, other: Origin) -> Origin {
        match (self, other) {
            (a, b) if a == b => a,
            _ => Origin::Other,
        }
    }
}

/// A guard `member == outer` in the body of a scan.
struct Candidate {
    /// The guard's place in the body.
    at: usize,
    /// What the member is found under.
    member: Slice,
    /// What is looked for.
    outer: Slice,
}

/// Statements of a body that compute an operand, by their places.
struct Slice {
    stmts: Vec<usize>,
    operand: Operand,
    /// How the operand is computed, whatever its locals are called.
    form: String,
}

impl Slice {
    fn constant(&self) -> Option<ConstId> {
        match self.operand {
            Operand::Const(id) => Some(id),
            Operand::Local(_) => None,
        }
    }
}

/// The guards that an index could serve, in their order.
fn candidates(scan: &Scan<'_>, effects: &Effects<'_>) -> Vec<Candidate> {
    let mut origins: HashMap<Local, Origin> = HashMap::new();
    for local in [scan.key, scan.value].into_iter().flatten() {
        origins.insert(local, Origin::Member);
    }
    let mut found = Vec::new();
    for (at, stmt) in scan.body.iter().enumerate() {
        if effects.stmt(stmt) == Effect::Seen {
            break;
        }
        let origin = |operand: Operand| match operand {
            Operand::Const(_) => None,
            Operand::Local(local) => Some(*origins.get(&local).unwrap_or(&Origin::Outer)),
        };
        if let StmtKind::Guard {
            op: Compare::Equal,
            lhs,
            rhs,
        } = stmt.kind
        {
            let sides = match (origin(lhs), origin(rhs)) {
                (Some(Origin::Member), Some(Origin::Outer) | None) => Some((lhs, rhs)),
                (Some(Origin::Outer) | None, Some(Origin::Member)) => Some((rhs, lhs)),
                _ => None,
            };
            if let Some((member, outer)) = sides
                && let Some(member) = slice(scan, at, member)
                && let Some(outer) = slice(scan, at, outer)
            {
                found.push(Candidate { at, member, outer });
            }
            continue;
        }
        let mut joined: Option<Origin> = None;
        let mut assigned = Vec::new();
        mentions(stmt, &mut |local, role| match role {
            Role::Read => {
                let origin = *origins.get(&local).unwrap_or(&Origin::Outer);
                joined = Some(joined.map_or(origin, |before| before.join(origin)));
            }
            Role::Assign => assigned.push(local),
        });
        let origin = match &stmt.kind {
            StmtKind::Move { .. }
            | StmtKind::Get { .. }
            | StmtKind::GetData { .. }
            | StmtKind::CompareValue { .. }
            | StmtKind::MakeArray { .. }
            | StmtKind::CallBuiltin { .. } => joined.unwrap_or(Origin::Outer),
            // They see the documents under the overlay in force; the index is for all overlays.
            StmtKind::Load { .. } | StmtKind::CallFunction { .. } => match joined {
                None | Some(Origin::Outer) => Origin::Outer,
                _ => Origin::Other,
            },
            _ => Origin::Other,
        };
        for local in assigned {
            // What is assigned twice is a result in the making.
            let twice = origins.insert(local, origin).is_some();
            if twice {
                origins.insert(local, Origin::Other);
            }
        }
    }
    found
}

/// The statements before `end` that compute an operand.
fn slice(scan: &Scan<'_>, end: usize, operand: Operand) -> Option<Slice> {
    let mut wanted: HashSet<Local> = HashSet::new();
    if let Operand::Local(local) = operand {
        wanted.insert(local);
    }
    let mut stmts = Vec::new();
    for at in (0..end).rev() {
        let stmt = &scan.body[at];
        let mut assigns = false;
        mentions(stmt, &mut |local, role| {
            assigns |= role == Role::Assign && wanted.contains(&local);
        });
        if assigns {
            mentions(stmt, &mut |local, role| {
                if role == Role::Read {
                    wanted.insert(local);
                }
            });
            stmts.push(at);
            if stmts.len() > MAX_SLICE {
                return None;
            }
        }
    }
    stmts.reverse();
    let mut names = Renaming::new(scan, Local);
    let renamed: Vec<StmtKind> = stmts
        .iter()
        .map(|at| Some(names.stmt(&scan.body[*at])?.kind))
        .collect::<Option<_>>()?;
    let form = format!("{renamed:?} {:?}", names.operand(operand));
    Some(Slice {
        stmts,
        operand,
        form,
    })
}

/// New names for locals, given in the order in which they are met.
struct Renaming<F> {
    names: HashMap<Local, Local>,
    count: u32,
    fresh: F,
    /// Only these and what is assigned get new names; others keep theirs.
    key: Option<Local>,
    value: Option<Local>,
}

impl<F: FnMut(u32) -> Local> Renaming<F> {
    fn new(scan: &Scan<'_>, fresh: F) -> Renaming<F> {
        let mut renaming = Renaming {
            names: HashMap::new(),
            count: 0,
            fresh,
            key: None,
            value: None,
        };
        renaming.key = scan.key.map(|local| renaming.assign(local));
        renaming.value = scan.value.map(|local| renaming.assign(local));
        renaming
    }

    fn assign(&mut self, local: Local) -> Local {
        let name = (self.fresh)(self.count);
        self.count += 1;
        self.names.insert(local, name);
        name
    }

    fn operand(&self, operand: Operand) -> Operand {
        match operand {
            Operand::Local(local) => {
                Operand::Local(self.names.get(&local).copied().unwrap_or(local))
            }
            constant @ Operand::Const(_) => constant,
        }
    }

    fn operands(&self, operands: &[Operand]) -> Vec<Operand> {
        operands
            .iter()
            .map(|operand| self.operand(*operand))
            .collect()
    }

    /// The statement under new names; `None` if it is no plain computation.
    fn stmt(&mut self, stmt: &Stmt) -> Option<Stmt> {
        let kind = match &stmt.kind {
            StmtKind::Move { dst, src } => {
                let src = self.operand(*src);
                let dst = self.assign(*dst);
                StmtKind::Move { dst, src }
            }
            StmtKind::Load { dst, root, path } => StmtKind::Load {
                dst: self.assign(*dst),
                root: *root,
                path: path.clone(),
            },
            StmtKind::Get { dst, base, key } => {
                let (base, key) = (self.operand(*base), self.operand(*key));
                let dst = self.assign(*dst);
                StmtKind::Get { dst, base, key }
            }
            StmtKind::GetData { dst, base, key } => {
                let (base, key) = (self.operand(*base), self.operand(*key));
                let dst = self.assign(*dst);
                StmtKind::GetData { dst, base, key }
            }
            StmtKind::CompareValue { dst, op, lhs, rhs } => {
                let (lhs, rhs) = (self.operand(*lhs), self.operand(*rhs));
                StmtKind::CompareValue {
                    dst: self.assign(*dst),
                    op: *op,
                    lhs,
                    rhs,
                }
            }
            StmtKind::MakeArray { dst, items } => {
                let items = self.operands(items);
                let dst = self.assign(*dst);
                StmtKind::MakeArray { dst, items }
            }
            StmtKind::CallBuiltin { dst, builtin, args } => {
                let args = self.operands(args);
                StmtKind::CallBuiltin {
                    dst: self.assign(*dst),
                    builtin: *builtin,
                    args,
                }
            }
            StmtKind::CallFunction {
                dst,
                function,
                args,
            } => {
                let args = self.operands(args);
                StmtKind::CallFunction {
                    dst: self.assign(*dst),
                    function: *function,
                    args,
                }
            }
            _ => return None,
        };
        Some(Stmt {
            kind,
            span: stmt.span,
            overlay: stmt.overlay,
        })
    }
}

/// How the keys of members are used in the whole program.
#[derive(Default)]
struct Uses {
    /// The constants that each key is compared with.
    constants: HashMap<String, HashSet<ConstId>>,
}

impl Uses {
    fn note(&mut self, candidate: &Candidate) {
        if let Some(constant) = candidate.outer.constant() {
            let constants = self.constants.entry(candidate.member.form.clone());
            constants.or_default().insert(constant);
        }
    }

    /// The keys of an index. Where all are compared with constants it is one, that which tells most members apart: rules
    /// that look at other things besides then still share an index.
    fn choose(&self, candidates: Vec<Candidate>) -> Vec<Candidate> {
        if candidates
            .iter()
            .any(|candidate| candidate.outer.constant().is_none())
        {
            return candidates;
        }
        let distinct = |candidate: &Candidate| {
            self.constants
                .get(&candidate.member.form)
                .map_or(0, HashSet::len)
        };
        // The first of several that are as good.
        let best = candidates.into_iter().rev().max_by_key(distinct);
        best.into_iter().collect()
    }
}

/// The indexes of a program by how their keys are computed.
#[derive(Default)]
struct Indexes {
    numbers: BTreeMap<Vec<String>, IndexId>,
}

impl Indexes {
    fn number(&mut self, keys: &[Candidate]) -> Option<IndexId> {
        let forms = keys.iter().map(|key| key.member.form.clone()).collect();
        if let Some(id) = self.numbers.get(&forms) {
            return Some(*id);
        }
        let id = IndexId(u16::try_from(self.numbers.len()).ok()?);
        self.numbers.insert(forms, id);
        Some(id)
    }
}

fn make(
    scan: &Scan<'_>,
    keys: &[Candidate],
    effects: &Effects<'_>,
    function: &mut Function,
    span: Span,
    indexes: &mut Indexes,
) -> Option<ScanIndex> {
    // The machine hands keys over in lists of limited length; nobody writes as many guards.
    let last = keys.last().filter(|_| keys.len() <= MAX_SLICE)?;
    let fallible = scan.body[..last.at]
        .iter()
        .any(|stmt| effects.stmt(stmt) != Effect::None);
    let mut fresh = |_| {
        function.locals += 1;
        Local(function.locals - 1)
    };
    let mut copy = |side: fn(&Candidate) -> &Slice, end: fn(Vec<Operand>) -> StmtKind| {
        let mut renaming = Renaming::new(scan, &mut fresh);
        let places: std::collections::BTreeSet<usize> = keys
            .iter()
            .flat_map(|key| side(key).stmts.iter().copied())
            .collect();
        let mut block = Block::new();
        for at in places {
            block.push(renaming.stmt(&scan.body[at])?);
        }
        let operands = keys
            .iter()
            .map(|key| renaming.operand(side(key).operand))
            .collect();
        block.push(Stmt {
            kind: end(operands),
            span,
            overlay: None,
        });
        Some((block, renaming.key, renaming.value))
    };
    let (build, key, value) = copy(|key| &key.member, |keys| StmtKind::IndexKeys { keys })?;
    let (probe, ..) = copy(|key| &key.outer, |keys| StmtKind::IndexProbe { keys })?;
    Some(ScanIndex {
        id: indexes.number(keys)?,
        key,
        value,
        build,
        probe,
        fallible,
    })
}
