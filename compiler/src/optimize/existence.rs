//! Comprehensions of which only matters whether they have members.
//!
//! ```text
//! c := collect array #0                    exists #0
//!   scan rs as _, r                          scan rs as _, r
//!     guard r                                  guard r
//!     append r to #0                 →         yield #0
//! n := count(c)
//! guard n > 0
//! ```
//!
//! So do `count(c) == 0` and the like (`not`), and comparisons with the empty array or set. Where errors of built-ins end
//! the query the body runs to its end, and a flag remembers whether it had a success; so it does where the comparison does
//! not follow at once, or gives a value.
//!
//! **When it is right.** What is collected is read nowhere else. What the body would do after its first success is unseen
//! ([`Effects`]). `count` is not replaced by a `with`, and never fails for an array or a set.
//!
//! **What it costs.** Nothing.

use std::collections::HashMap;

use regovm_core::Constant;
use regovm_core::builtin::BuiltinId;

use super::effects::{Effect, Effects};
use super::{Context, Rewrite, constant_id, each_block};
use crate::ir::visit::Counts;
use crate::ir::{
    Block, CollectKind, Compare, ConstId, Function, Local, Operand, Program, ScopeId, Stmt,
    StmtKind,
};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "existence",
    about: "comprehensions that are only asked whether they are empty end with their first member",
    run,
    repeated: false,
};

fn run(program: &mut Program, context: &Context<'_>) -> bool {
    let effects = Effects::of(program, context.builtins);
    let Some(count) = context.builtins.id("count") else {
        return false;
    };
    let (functions, constants) = (&mut program.functions, &mut program.constants);
    let mut changed = false;
    for function in functions {
        let asked = asked_of(function, constants, &effects, count);
        if asked.is_empty() {
            continue;
        }
        changed = true;
        let mut change = Change {
            asked,
            answers: HashMap::new(),
            yes: constant_id(constants, Constant::Boolean(true)),
            no: constant_id(constants, Constant::Boolean(false)),
        };
        each_block(function, |block, function| change.block(block, function));
    }
    changed
}

/// The collections of a function that need not be built.
fn asked_of(
    function: &Function,
    constants: &[Constant],
    effects: &Effects<'_>,
    count: BuiltinId,
) -> HashMap<Local, Asked> {
    let mut search = Search {
        constants,
        effects,
        count: (effects.builtin(count) != Effect::Seen).then_some(count),
        counts: Counts::of(function),
        counted: HashMap::new(),
        tests: HashMap::new(),
    };
    for block in &function.blocks {
        search.note(block);
    }
    let mut asked = HashMap::new();
    if !search.tests.is_empty() {
        for block in &function.blocks {
            search.choose(block, &mut asked);
        }
    }
    asked
}

/// What a comparison asks of a collection or of its length.
#[derive(Clone, Copy)]
enum Test {
    /// Of a length: whether there are members, or none.
    Length { some: bool },
    /// Of a collection: whether it differs from the empty one of a kind, or does not.
    Empty { kind: CollectKind, some: bool },
}

struct Search<'s> {
    constants: &'s [Constant],
    effects: &'s Effects<'s>,
    /// The built-in, unless something replaces it.
    count: Option<BuiltinId>,
    counts: Counts,
    /// Lengths by what is counted.
    counted: HashMap<Local, Local>,
    /// What is asked of locals that are read once.
    tests: HashMap<Local, Test>,
}

/// A collection of which only matters whether it has members.
#[derive(Clone, Copy)]
struct Asked {
    /// What the comparison reads: the collection or its length.
    tested: Local,
    some: bool,
    /// An error may be among what would be left out.
    fallible: bool,
}

impl Search<'_> {
    fn is_single(&self, local: Local) -> bool {
        self.counts.is_read_once(local) && self.counts.is_assigned_once(local)
    }

    fn note(&mut self, block: &Block) {
        for stmt in block {
            match &stmt.kind {
                StmtKind::CallBuiltin { dst, builtin, args } if Some(*builtin) == self.count => {
                    if let [Operand::Local(collection)] = args[..]
                        && self.is_single(collection)
                        && self.is_single(*dst)
                    {
                        self.counted.insert(collection, *dst);
                    }
                }
                StmtKind::Guard { op, lhs, rhs } | StmtKind::CompareValue { op, lhs, rhs, .. } => {
                    let found = match (*lhs, *rhs) {
                        (Operand::Local(local), Operand::Const(id)) => Some((local, *op, id)),
                        (Operand::Const(id), Operand::Local(local)) => {
                            Some((local, turned(*op), id))
                        }
                        _ => None,
                    };
                    if let Some((local, op, id)) = found
                        && self.is_single(local)
                        && let Some(test) = self.test(op, id)
                    {
                        self.tests.insert(local, test);
                    }
                }
                _ => {}
            }
            stmt.kind.blocks().for_each(|block| self.note(block));
        }
    }

    fn test(&self, op: Compare, with: ConstId) -> Option<Test> {
        let empty = |kind| match op {
            Compare::Equal => Some(Test::Empty { kind, some: false }),
            Compare::NotEqual => Some(Test::Empty { kind, some: true }),
            _ => None,
        };
        match self.constants.get(with.0 as usize)? {
            Constant::Number(text) => {
                let some = match (op, &**text) {
                    (Compare::Greater | Compare::NotEqual, "0") | (Compare::GreaterEqual, "1") => {
                        true
                    }
                    (Compare::Equal | Compare::LessEqual, "0") | (Compare::Less, "1") => false,
                    _ => return None,
                };
                Some(Test::Length { some })
            }
            Constant::Array(items) if items.is_empty() => empty(CollectKind::Array),
            Constant::Set(items) if items.is_empty() => empty(CollectKind::Set),
            _ => None,
        }
    }

    /// Notes the collections that need not be built.
    fn choose(&self, block: &Block, asked: &mut HashMap<Local, Asked>) {
        for stmt in block {
            if let StmtKind::Collect {
                kind: kind @ (CollectKind::Array | CollectKind::Set),
                dst,
                ..
            } = &stmt.kind
                && self.is_single(*dst)
                && let Some((tested, some)) = self.asked(*dst, *kind)
            {
                let effect = self.effects.stmt(stmt);
                if effect != Effect::Seen {
                    let fallible = effect == Effect::Error;
                    asked.insert(
                        *dst,
                        Asked {
                            tested,
                            some,
                            fallible,
                        },
                    );
                }
            }
            stmt.kind
                .blocks()
                .for_each(|block| self.choose(block, asked));
        }
    }

    fn asked(&self, collection: Local, collected: CollectKind) -> Option<(Local, bool)> {
        if let Some(length) = self.counted.get(&collection) {
            return match self.tests.get(length)? {
                Test::Length { some } => Some((*length, *some)),
                Test::Empty { .. } => None,
            };
        }
        match self.tests.get(&collection)? {
            Test::Empty { kind, some } if *kind == collected => Some((collection, *some)),
            _ => None,
        }
    }
}

/// The comparison with its sides exchanged.
pub(super) fn turned(op: Compare) -> Compare {
    match op {
        Compare::Less => Compare::Greater,
        Compare::LessEqual => Compare::GreaterEqual,
        Compare::Greater => Compare::Less,
        Compare::GreaterEqual => Compare::LessEqual,
        same @ (Compare::Equal | Compare::NotEqual) => same,
    }
}

struct Change {
    asked: HashMap<Local, Asked>,
    /// For what a comparison reads: the flag that has a value if there are members, and whether that is wanted.
    answers: HashMap<Local, (Local, bool)>,
    yes: ConstId,
    no: ConstId,
}

impl Change {
    fn block(&mut self, block: &mut Block, function: &mut Function) {
        let mut made = Block::with_capacity(block.len());
        let mut old = std::mem::take(block).into_iter().peekable();
        while let Some(mut stmt) = old.next() {
            for block in stmt.kind.blocks_mut() {
                self.block(block, function);
            }
            match stmt.kind {
                StmtKind::Collect {
                    scope,
                    dst,
                    mut body,
                    ..
                } if self.asked.contains_key(&dst) => {
                    let asked = self.asked[&dst];
                    if asked.tested != dst
                        && old.peek().is_some_and(|next| counts(next, dst))
                        && !asked.fallible
                    {
                        old.next();
                    }
                    let at_once = !asked.fallible
                        && old.peek().is_some_and(|next| {
                            matches!(&next.kind, StmtKind::Guard { lhs, rhs, .. }
                                if [lhs, rhs].contains(&&Operand::Local(asked.tested)))
                        });
                    if at_once {
                        old.next();
                        succeed(&mut body, scope, &[]);
                        let kind = match asked.some {
                            true => StmtKind::Exists { scope, body },
                            false => StmtKind::Not { scope, body },
                        };
                        made.push(Stmt { kind, ..stmt });
                        continue;
                    }
                    let flag = Local(function.locals);
                    function.locals += 1;
                    self.answers.insert(asked.tested, (flag, asked.some));
                    made.extend(flagged(
                        body,
                        scope,
                        flag,
                        Operand::Const(self.yes),
                        asked.fallible,
                        &stmt_like(stmt.span),
                    ));
                }
                // The length that nobody asks for any more.
                StmtKind::CallBuiltin { dst, .. } if self.answers.contains_key(&dst) => {}
                StmtKind::Guard { lhs, rhs, .. } if self.answer(lhs, rhs).is_some() => {
                    stmt.kind = self.answer(lhs, rhs).unwrap_or(StmtKind::Fail);
                    made.push(stmt);
                }
                StmtKind::CompareValue { dst, lhs, rhs, .. } if self.answer(lhs, rhs).is_some() => {
                    let like = stmt_like(stmt.span);
                    let give = |src| {
                        like(StmtKind::Move {
                            dst,
                            src: Operand::Const(src),
                        })
                    };
                    let test = self.answer(lhs, rhs).unwrap_or(StmtKind::Fail);
                    made.push(like(StmtKind::FirstDefined {
                        result: dst,
                        branches: vec![vec![like(test), give(self.yes)], vec![give(self.no)]],
                    }));
                    made.push(like(StmtKind::IsDefined { local: dst }));
                }
                kind => made.push(Stmt { kind, ..stmt }),
            }
        }
        *block = made;
    }

    /// What a comparison of these becomes.
    fn answer(&self, lhs: Operand, rhs: Operand) -> Option<StmtKind> {
        [lhs, rhs].into_iter().find_map(|operand| match operand {
            Operand::Local(local) => {
                let (flag, some) = *self.answers.get(&local)?;
                Some(match some {
                    true => StmtKind::IsDefined { local: flag },
                    false => StmtKind::IsUndefined { local: flag },
                })
            }
            Operand::Const(_) => None,
        })
    }
}

fn stmt_like(span: regovm_core::Span) -> impl Fn(StmtKind) -> Stmt {
    move |kind| Stmt {
        kind,
        span,
        overlay: None,
    }
}

/// Statements that run a body until its first success, or to its end if that may be an error that ends the query; then
/// `flag` has a value if there was a success.
pub(super) fn flagged(
    mut body: Block,
    scope: ScopeId,
    flag: Local,
    yes: Operand,
    fallible: bool,
    like: &impl Fn(StmtKind) -> Stmt,
) -> [Stmt; 2] {
    let note = StmtKind::Move {
        dst: flag,
        src: yes,
    };
    let mut before = vec![note];
    if fallible {
        before.push(StmtKind::Strict { wanted: false });
    }
    succeed(&mut body, scope, &before);
    let exists = like(StmtKind::Exists { scope, body });
    [
        like(StmtKind::ResetLocal { local: flag }),
        like(StmtKind::Blocks {
            blocks: vec![vec![exists]],
        }),
    ]
}

fn counts(stmt: &Stmt, collection: Local) -> bool {
    matches!(&stmt.kind, StmtKind::CallBuiltin { args, .. } if args[..] == [Operand::Local(collection)])
}

/// What adds to a collector, or yields, becomes a success, after these statements.
fn succeed(body: &mut Block, scope: ScopeId, before: &[StmtKind]) {
    let mut at = 0;
    while at < body.len() {
        match &mut body[at].kind {
            StmtKind::Append { scope: to, .. } | StmtKind::Yield { scope: to } if *to == scope => {
                body[at].kind = StmtKind::Yield { scope };
                let span = body[at].span;
                body.splice(at..at, before.iter().cloned().map(stmt_like(span)));
                at += before.len();
            }
            kind => kind
                .blocks_mut()
                .for_each(|block| succeed(block, scope, before)),
        }
        at += 1;
    }
}
