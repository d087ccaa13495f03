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

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use regovm_core::Span;

use super::effects::{Effect, Effects};
use super::slice::{Body, MAX_SLICE, Origin, Origins, Renaming, Slice};
use super::{Context, Rewrite};
use crate::ir::visit::{Role, mentions};
use crate::ir::{
    Block, Compare, ConstId, Function, IndexId, Local, Operand, Program, Root, ScanIndex, Stmt,
    StmtKind,
};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "collection-index",
    about: "iterations that compare members with what is known find them by an index",
    run,
};

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
        let mut loaded = HashMap::new();
        note_loads(&function.blocks, &mut loaded);
        let mut blocks = std::mem::take(&mut function.blocks);
        for block in &mut blocks {
            rewrite(block, function, &loaded, &effects, &uses, &mut indexes);
        }
        function.blocks = blocks;
    }
    !indexes.numbers.is_empty()
}

/// The body of a scan without an index.
pub(super) fn scan_of(stmt: &Stmt) -> Option<Body<'_>> {
    match &stmt.kind {
        StmtKind::Scan {
            key,
            value,
            index: None,
            body,
            ..
        } => Some(Body {
            key: *key,
            value: *value,
            stmts: body,
        }),
        _ => None,
    }
}

pub(super) fn each_scan(blocks: &[Block], each: &mut impl FnMut(&Body<'_>)) {
    for stmt in blocks.iter().flatten() {
        if let Some(scan) = scan_of(stmt) {
            each(&scan);
        }
        for block in stmt.kind.blocks() {
            each_scan(std::slice::from_ref(block), each);
        }
    }
}

/// Locals that hold a part of base data and nothing else, with its path. (`None`: something else too.)
type Loaded = HashMap<Local, Option<Vec<ConstId>>>;

fn note_loads(blocks: &[Block], loaded: &mut Loaded) {
    for stmt in blocks.iter().flatten() {
        mentions(stmt, &mut |local, role| {
            if role == Role::Read {
                return;
            }
            let path = match &stmt.kind {
                StmtKind::Load {
                    root: Root::Data,
                    path,
                    ..
                } if stmt.overlay.is_none() => Some(path.clone()),
                _ => None,
            };
            let other = loaded.get(&local).is_some_and(|before| *before != path);
            loaded.insert(local, path.filter(|_| !other));
        });
        for block in stmt.kind.blocks() {
            note_loads(std::slice::from_ref(block), loaded);
        }
    }
}

fn rewrite(
    block: &mut Block,
    function: &mut Function,
    loaded: &Loaded,
    effects: &Effects<'_>,
    uses: &Uses,
    indexes: &mut Indexes,
) {
    for stmt in block {
        for block in stmt.kind.blocks_mut() {
            rewrite(block, function, loaded, effects, uses, indexes);
        }
        let made = scan_of(stmt).and_then(|scan| {
            let keys = uses.choose(candidates(&scan, effects));
            make(&scan, &keys, effects, function, stmt.span, indexes)
        });
        if let Some(mut made) = made
            && let StmtKind::Scan { base, index, .. } = &mut stmt.kind
        {
            if let Operand::Local(base) = base {
                made.data = loaded.get(base).cloned().flatten();
            }
            *index = Some(Box::new(made));
        }
    }
}

/// Why no index serves a scan, if none does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhyNot {
    /// No member is compared for equality.
    NothingCompared,
    /// Nothing but this, which is no comparison for equality, looks at a member and at what is known before.
    OtherwiseCompared(Span),
    /// Members are compared with what depends on them as well.
    ComparedWithItself(Span),
    /// What comes before the comparison would be missed.
    Seen(Span),
}

/// Why a scan without an index has none.
pub(super) fn why_not(scan: &Body<'_>, effects: &Effects<'_>) -> WhyNot {
    let mut origins = Origins::of(scan);
    let mut seen = None;
    let mut otherwise = None;
    for stmt in scan.stmts {
        if otherwise.is_none() && compares(stmt, &origins) {
            otherwise = Some(stmt.span);
        }
        if effects.stmt(stmt) == Effect::Seen {
            seen = seen.or(Some(stmt.span));
        }
        if let StmtKind::Guard {
            op: Compare::Equal,
            lhs,
            rhs,
        } = stmt.kind
        {
            match (origins.get(lhs), origins.get(rhs), seen) {
                (Some(Origin::Member), _, Some(seen)) | (_, Some(Origin::Member), Some(seen)) => {
                    return WhyNot::Seen(seen);
                }
                (
                    Some(Origin::Member | Origin::Other),
                    Some(Origin::Member | Origin::Other),
                    None,
                ) => {
                    return WhyNot::ComparedWithItself(stmt.span);
                }
                _ => {}
            }
        }
        origins.note(stmt);
    }
    otherwise.map_or(WhyNot::NothingCompared, WhyNot::OtherwiseCompared)
}

/// Whether a statement holds a member against what is known before the scan.
fn compares(stmt: &Stmt, origins: &Origins) -> bool {
    let plain = matches!(
        stmt.kind,
        StmtKind::Guard { .. } | StmtKind::CompareValue { .. } | StmtKind::CallBuiltin { .. }
    );
    let (mut member, mut outer) = (false, false);
    mentions(stmt, &mut |local, role| {
        if role == Role::Read {
            member |= origins.local(local) == Origin::Member;
            outer |= origins.local(local) == Origin::Outer;
        }
    });
    plain && member && outer
}

/// A guard `member == outer` in the body of a scan.
pub(super) struct Candidate {
    /// The guard's place in the body.
    at: usize,
    /// What the member is found under.
    pub(super) member: Slice,
    /// What is looked for.
    pub(super) outer: Slice,
}

/// The guards that an index could serve, in their order.
pub(super) fn candidates(scan: &Body<'_>, effects: &Effects<'_>) -> Vec<Candidate> {
    let mut origins = Origins::of(scan);
    let mut found = Vec::new();
    for (at, stmt) in scan.stmts.iter().enumerate() {
        if effects.stmt(stmt) == Effect::Seen {
            break;
        }
        if let StmtKind::Guard {
            op: Compare::Equal,
            lhs,
            rhs,
        } = stmt.kind
        {
            let sides = match (origins.get(lhs), origins.get(rhs)) {
                (Some(Origin::Member), Some(Origin::Outer) | None) => Some((lhs, rhs)),
                (Some(Origin::Outer) | None, Some(Origin::Member)) => Some((rhs, lhs)),
                _ => None,
            };
            if let Some((member, outer)) = sides
                && let Some(member) = scan.slice(at, member)
                && let Some(outer) = scan.slice(at, outer)
            {
                found.push(Candidate { at, member, outer });
            }
        }
        origins.note(stmt);
    }
    found
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
    scan: &Body<'_>,
    keys: &[Candidate],
    effects: &Effects<'_>,
    function: &mut Function,
    span: Span,
    indexes: &mut Indexes,
) -> Option<ScanIndex> {
    // The machine hands keys over in lists of limited length; nobody writes as many guards.
    let last = keys.last().filter(|_| keys.len() <= MAX_SLICE)?;
    let fallible = scan.stmts[..last.at]
        .iter()
        .any(|stmt| effects.stmt(stmt) != Effect::None);
    let mut fresh = |_| {
        function.locals += 1;
        Local(function.locals - 1)
    };
    let mut copy = |side: fn(&Candidate) -> &Slice, end: fn(Vec<Operand>) -> StmtKind| {
        let mut renaming = Renaming::new(scan, &mut fresh);
        let places: BTreeSet<usize> = keys
            .iter()
            .flat_map(|key| side(key).stmts.iter().copied())
            .collect();
        let mut block = Block::new();
        for at in places {
            block.push(renaming.stmt(&scan.stmts[at])?);
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
        data: None,
        serves: keys.iter().map(|key| scan.stmts[key.at].span).collect(),
    })
}
