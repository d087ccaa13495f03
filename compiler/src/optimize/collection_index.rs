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
//! A member may be found under many keys, those of its own members:
//!
//! ```text
//! scan rs as _, b                          scan rs as _, b by index 0
//!   t := b["tags"]                           build: t' := b'["tags"], scan t' as _, e', index under [e']
//!   m := internal.member_2(k, t)     →       probe: look for [k]
//!   guard m                                  (the body as it was)
//! ```
//!
//! So it is where the body ends with a loop over what the member holds, and that loop compares.
//!
//! That covers loops in loops, a loop in a function that is called in a loop, in a negation or in a comprehension, and
//! rules that each look for their own kind of member: all are scans of one collection, which share one index.
//!
//! Where a loop looks for a member that is against an `every` (`every.rs`), it is the other way round: members for which nothing
//! is computed matter always, and all do if what is looked for is undefined.
//!
//! **What it costs.** The machine builds an index once as many members were visited as building costs, and only for
//! collections that are not small. A loop that goes through another collection each time has none (`loops.rs`): it would
//! never be used.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use regovm_core::Span;
use regovm_core::builtin::BuiltinId;

use super::effects::{Effect, Effects};
use super::loops::other_each_time;
use super::slice::{Body, MAX_SLICE, Origin, Origins, Renaming, Slice};
use super::{Context, Rewrite, each_block, every};
use crate::ir::visit::{Role, mentions};
use crate::ir::{
    Block, Compare, ConstId, Function, IndexId, Local, Operand, Program, Root, ScanIndex, Stmt,
    StmtKind,
};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "collection-index",
    about: "iterations that compare members with what is known find them by an index",
    run,
    repeated: false,
};

fn run(program: &mut Program, context: &Context<'_>) -> bool {
    let effects = Effects::of(program, context.builtins);
    let member = context.builtins.id("internal.member_2");
    let mut uses = Uses::default();
    for function in &program.functions {
        each_scan(&function.blocks, &mut |scan| {
            for key in candidates(scan, &effects, member) {
                uses.note(&key);
            }
        });
    }
    let mut change = Change {
        effects: &effects,
        member,
        uses: &uses,
        indexes: Indexes::default(),
        loaded: HashMap::new(),
        once: Vec::new().into_iter(),
        served: HashSet::new(),
    };
    for function in &mut program.functions {
        change.loaded.clear();
        change.served.clear();
        note_loads(&function.blocks, &mut change.loaded);
        change.once = other_each_time(function).into_iter();
        each_block(function, |block, function| change.block(block, function));
    }
    !change.indexes.numbers.is_empty()
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

struct Change<'c> {
    effects: &'c Effects<'c>,
    /// The built-in behind `in`.
    member: Option<BuiltinId>,
    uses: &'c Uses,
    indexes: Indexes,
    loaded: Loaded,
    /// For the scans that come next: whether they go through another collection each time.
    once: std::vec::IntoIter<bool>,
    /// Members of loops whose comparison an index of the loop around them serves.
    served: HashSet<Local>,
}

impl Change<'_> {
    fn block(&mut self, block: &mut Block, function: &mut Function) {
        for stmt in block {
            let mut made = None;
            if let StmtKind::Scan {
                base, key, value, ..
            } = &stmt.kind
            {
                let once = self.once.next() == Some(true);
                let served = key.iter().chain(value).any(|it| self.served.contains(it));
                if let Some(scan) = scan_of(stmt).filter(|_| !once && !served) {
                    let keys = candidates(&scan, self.effects, self.member);
                    let keys = self.uses.choose(keys);
                    made = self.make(&scan, &keys, function, stmt.span);
                    if made.is_none() {
                        made = self.make_against(&scan, function, stmt.span);
                    }
                    if let Some(made) = &mut made {
                        self.served.extend(keys.iter().flat_map(Candidate::served));
                        if let Operand::Local(base) = base {
                            made.data = self.loaded.get(base).cloned().flatten();
                        }
                    }
                }
            }
            for block in stmt.kind.blocks_mut() {
                self.block(block, function);
            }
            if let (StmtKind::Scan { index, .. }, Some(made)) = (&mut stmt.kind, made) {
                *index = Some(Box::new(made));
            }
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
    /// The collection is gone through once: the next time it is another one.
    Once,
    /// The loop around it is found by an index instead, or too few keys are looked for.
    NotWorth,
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
pub(super) struct Candidate<'b> {
    /// The guard's place in the body, or that of the loop that it stands in.
    at: usize,
    /// Where it stands in the text.
    span: Span,
    /// What the member is found under.
    pub(super) member: Slice,
    /// What is looked for.
    pub(super) outer: Slice,
    /// The member is found under what each member of `member` gives.
    each: Option<Each<'b>>,
}

/// What the members of a member are found under.
struct Each<'b> {
    /// The loop over them; without one they are the keys.
    inner: Option<Inner<'b>>,
    /// An error may come before the guard.
    fallible: bool,
}

impl Candidate<'_> {
    /// The members of the loop inside that needs no index of its own.
    fn served(&self) -> impl Iterator<Item = Local> + '_ {
        let each = self.each.iter();
        let inner = each.filter_map(|each| each.inner.as_ref());
        inner.flat_map(|inner| [inner.body.key, inner.body.value].into_iter().flatten())
    }
}

/// A loop over what a member holds, with a guard in it.
struct Inner<'b> {
    body: Body<'b>,
    member: Slice,
    outer: Slice,
}

/// The guards that an index could serve, in their order.
pub(super) fn candidates<'b>(
    scan: &Body<'b>,
    effects: &Effects<'_>,
    member: Option<BuiltinId>,
) -> Vec<Candidate<'b>> {
    candidates_in(scan, effects, member, true)
}

/// As [`candidates`]; `deep`: those of a loop inside count too.
fn candidates_in<'b>(
    scan: &Body<'b>,
    effects: &Effects<'_>,
    member: Option<BuiltinId>,
    deep: bool,
) -> Vec<Candidate<'b>> {
    let mut origins = Origins::of(scan);
    let mut found = Vec::new();
    // Answers of `outer in member`.
    let mut memberships: HashMap<Local, (Operand, Operand)> = HashMap::new();
    for (at, stmt) in scan.stmts.iter().enumerate() {
        if deep
            && let Some(inner) = loop_at_end(scan, at)
            && let Some(candidate) = inner_candidate(scan, at, inner, &origins, effects)
        {
            found.push(candidate);
        }
        if effects.stmt(stmt) == Effect::Seen {
            break;
        }
        let is = |operand, wanted: &[Option<Origin>]| wanted.contains(&origins.get(operand));
        let (of_member, known) = ([Some(Origin::Member)], [Some(Origin::Outer), None]);
        match &stmt.kind {
            StmtKind::Guard {
                op: Compare::Equal,
                lhs,
                rhs,
            } => {
                let sides = match (is(*lhs, &of_member), is(*rhs, &of_member)) {
                    (true, false) if is(*rhs, &known) => Some((*lhs, *rhs)),
                    (false, true) if is(*lhs, &known) => Some((*rhs, *lhs)),
                    _ => None,
                };
                if let Some((member, outer)) = sides
                    && let Some(member) = scan.slice(at, member)
                    && let Some(outer) = scan.slice(at, outer)
                {
                    found.push(Candidate {
                        at,
                        span: stmt.span,
                        member,
                        outer,
                        each: None,
                    });
                }
            }
            StmtKind::CallBuiltin { dst, builtin, args }
                if Some(*builtin) == member && effects.stmt(stmt) == Effect::None =>
            {
                if let [outer, among] = args[..]
                    && is(outer, &known)
                    && is(among, &of_member)
                {
                    memberships.insert(*dst, (outer, among));
                }
            }
            StmtKind::Truthy {
                value: Operand::Local(answer),
            } => {
                if let Some((outer, among)) = memberships.remove(answer)
                    && let Some(mut member) = scan.slice(at, among)
                    && let Some(outer) = scan.slice(at, outer)
                {
                    member.form = format!("each of {}", member.form);
                    found.push(Candidate {
                        at,
                        span: stmt.span,
                        member,
                        outer,
                        each: Some(Each {
                            inner: None,
                            fallible: false,
                        }),
                    });
                }
            }
            _ => {}
        }
        origins.note(stmt);
    }
    found
}

/// A loop that a body ends with: what comes after it stands in it, or it is asked for one success.
fn loop_at_end<'b>(scan: &Body<'b>, at: usize) -> Option<&'b Stmt> {
    let stmt = &scan.stmts[at];
    match &stmt.kind {
        StmtKind::Scan { .. } if at + 1 == scan.stmts.len() => Some(stmt),
        StmtKind::Exists { body, .. } => match &body[..] {
            [only] => Some(only),
            _ => None,
        },
        _ => None,
    }
}

/// The first guard of a loop over what a member holds.
fn inner_candidate<'b>(
    scan: &Body<'b>,
    at: usize,
    stmt: &'b Stmt,
    origins: &Origins,
    effects: &Effects<'_>,
) -> Option<Candidate<'b>> {
    let StmtKind::Scan { base, .. } = &stmt.kind else {
        return None;
    };
    let body = scan_of(stmt)?;
    if origins.get(*base) != Some(Origin::Member) {
        return None;
    }
    // Without the loops and `in`s inside it: those would be two loops deep.
    let guard = candidates_in(&body, effects, None, false)
        .into_iter()
        .next()?;
    let fallible = scan.stmts[..at]
        .iter()
        .chain(&body.stmts[..guard.at])
        .any(|stmt| effects.stmt(stmt) != Effect::None);
    let mut member = scan.slice(at, *base)?;
    member.form = format!("each of {}: {}", member.form, guard.member.form);
    // What is looked for may be computed from what the body around the loop knows.
    let mut outer = Slice {
        stmts: Vec::new(),
        operand: guard.outer.operand,
        form: guard.outer.form.clone(),
    };
    for local in body.needs(&guard.outer) {
        if origins.local(local) != Origin::Outer {
            return None;
        }
        let slice = scan.slice(at, Operand::Local(local))?;
        outer.stmts.extend(slice.stmts);
    }
    Some(Candidate {
        at,
        span: guard.span,
        member,
        outer,
        each: Some(Each {
            inner: Some(Inner {
                member: guard.member,
                outer: guard.outer,
                body,
            }),
            fallible,
        }),
    })
}

/// Constants that one of several keys of members is compared with, at least, for an index to be worth it: it is larger than
/// others.
const MANY_CONSTANTS: usize = 4;

/// How the keys of members are used in the whole program.
#[derive(Default)]
struct Uses {
    /// The constants that each key is compared with.
    constants: HashMap<String, HashSet<ConstId>>,
}

impl Uses {
    fn note(&mut self, candidate: &Candidate<'_>) {
        if let Some(constant) = candidate.outer.constant() {
            let constants = self.constants.entry(candidate.member.form.clone());
            constants.or_default().insert(constant);
        }
    }

    /// The keys of an index. Where all are compared with constants it is one, that which tells most members apart: rules
    /// that look at other things besides then still share an index. At most one of several keys of a member is among them,
    /// and only where no other key would do.
    fn choose<'b>(&self, candidates: Vec<Candidate<'b>>) -> Vec<Candidate<'b>> {
        let is_known = |candidate: &Candidate<'_>| candidate.outer.constant().is_some();
        let (mut many, mut single): (Vec<_>, Vec<_>) = candidates
            .into_iter()
            .partition(|candidate| candidate.each.is_some());
        if !single.iter().all(is_known) {
            return single;
        }
        if let Some(at) = many.iter().position(|candidate| !is_known(candidate)) {
            single.push(many.swap_remove(at));
            return single;
        }
        let distinct = |candidate: &Candidate<'_>| {
            self.constants
                .get(&candidate.member.form)
                .map_or(0, HashSet::len)
        };
        // The first of several that are as good.
        let best = single.into_iter().rev().max_by_key(distinct);
        let best = best.or_else(|| {
            let many = many.into_iter().rev();
            many.filter(|key| distinct(key) >= MANY_CONSTANTS)
                .max_by_key(distinct)
        });
        best.into_iter().collect()
    }
}

/// The indexes of a program by how their keys are computed.
#[derive(Default)]
struct Indexes {
    numbers: BTreeMap<Vec<String>, IndexId>,
}

impl Indexes {
    fn number(&mut self, keys: &[Candidate<'_>]) -> Option<IndexId> {
        self.of(keys.iter().map(|key| key.member.form.clone()).collect())
    }

    fn of(&mut self, forms: Vec<String>) -> Option<IndexId> {
        if let Some(id) = self.numbers.get(&forms) {
            return Some(*id);
        }
        let id = IndexId(u16::try_from(self.numbers.len()).ok()?);
        self.numbers.insert(forms, id);
        Some(id)
    }
}

impl Change<'_> {
    /// The index of a loop that looks for a member that is against an `every`.
    fn make_against(
        &mut self,
        scan: &Body<'_>,
        function: &mut Function,
        span: Span,
    ) -> Option<ScanIndex> {
        let body = every::negated(scan)?;
        let (mut index, form) =
            every::against(&body, self.effects)?.index(&body, function, span)?;
        index.id = self.indexes.of(vec![form])?;
        Some(index)
    }

    fn make(
        &mut self,
        scan: &Body<'_>,
        keys: &[Candidate<'_>],
        function: &mut Function,
        span: Span,
    ) -> Option<ScanIndex> {
        // The machine hands keys over in lists of limited length; nobody writes as many guards.
        let last = keys.iter().map(|key| key.at).max()?;
        if keys.len() > MAX_SLICE {
            return None;
        }
        let effects = self.effects;
        let fallible = scan.stmts[..last]
            .iter()
            .any(|stmt| effects.stmt(stmt) != Effect::None)
            || keys
                .iter()
                .any(|key| key.each.as_ref().is_some_and(|each| each.fallible));
        let (build, key, value) = build(scan, keys, function, span)?;
        let probe = probe(scan, keys, function, span)?;
        Some(ScanIndex {
            id: self.indexes.number(keys)?,
            key,
            value,
            build,
            probe,
            keyless: false,
            fallible,
            data: None,
            serves: keys.iter().map(|key| key.span).collect(),
        })
    }
}

fn fresh(function: &mut Function) -> Local {
    function.locals += 1;
    Local(function.locals - 1)
}

fn places<'k>(keys: impl Iterator<Item = &'k Slice>) -> BTreeSet<usize> {
    keys.flat_map(|slice| slice.stmts.iter().copied()).collect()
}

/// The statements that compute a member's keys, with the new names of the member's key and of the member.
fn build(
    scan: &Body<'_>,
    keys: &[Candidate<'_>],
    function: &mut Function,
    span: Span,
) -> Option<(Block, Option<Local>, Option<Local>)> {
    let mut renaming = Renaming::new(scan, |_| fresh(function));
    let mut block = Block::new();
    for at in places(keys.iter().map(|key| &key.member)) {
        block.push(renaming.stmt(&scan.stmts[at])?);
    }
    let stmt = |kind| Stmt {
        kind,
        span,
        overlay: None,
    };
    // The loop over the keys of a member, if it has several.
    let mut each = None;
    let mut operands = Vec::new();
    for key in keys {
        let operand = renaming.operand(key.member.operand);
        let Some(Each { inner, .. }) = &key.each else {
            operands.push(operand);
            continue;
        };
        let mut body = Block::new();
        let (inner_key, inner_value, of_member) = match inner {
            Some(inner) => {
                let key = inner.body.key.map(|local| renaming.assign(local));
                let value = inner.body.value.map(|local| renaming.assign(local));
                for at in &inner.member.stmts {
                    body.push(renaming.stmt(&inner.body.stmts[*at])?);
                }
                (key, value, renaming.operand(inner.member.operand))
            }
            None => {
                let value = renaming.unnamed();
                (None, Some(value), Operand::Local(value))
            }
        };
        operands.push(of_member);
        each = Some((operand, inner_key, inner_value, body));
    }
    let end = stmt(StmtKind::IndexKeys { keys: operands });
    match each {
        Some((base, key, value, mut body)) => {
            body.push(end);
            block.push(stmt(StmtKind::Scan {
                base,
                key,
                value,
                index: None,
                body,
            }));
        }
        None => block.push(end),
    }
    Some((block, renaming.key, renaming.value))
}

/// The statements that compute what is looked for.
fn probe(
    scan: &Body<'_>,
    keys: &[Candidate<'_>],
    function: &mut Function,
    span: Span,
) -> Option<Block> {
    let mut renaming = Renaming::new(scan, |_| fresh(function));
    let mut block = Block::new();
    for at in places(keys.iter().map(|key| &key.outer)) {
        block.push(renaming.stmt(&scan.stmts[at])?);
    }
    for key in keys {
        if let Some(Each {
            inner: Some(inner), ..
        }) = &key.each
        {
            for at in &inner.outer.stmts {
                block.push(renaming.stmt(&inner.body.stmts[*at])?);
            }
        }
    }
    let keys = keys
        .iter()
        .map(|key| renaming.operand(key.outer.operand))
        .collect();
    block.push(Stmt {
        kind: StmtKind::IndexProbe { keys },
        span,
        overlay: None,
    });
    Some(block)
}
