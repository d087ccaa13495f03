//! `every` that looks for a member that is against it.
//!
//! ```text
//! every #0 in xs as _, x                   every #0 in xs { yield }      (is it a collection?)
//!   a := x["id"]                           not #1
//!   b := r["id"]                             scan xs as _, x
//!   guard a != b                     →         not #0
//!   yield #0                                     a := x["id"]
//!                                                b := r["id"]
//!                                                guard a != b
//!                                                yield #0
//!                                              yield #1
//! ```
//!
//! and where the body is itself a negation, the two cancel out:
//!
//! ```text
//! every #0 in xs as _, x                   every #0 in xs { yield }
//!   not #1                                 not #1
//!     a := x["id"]                           scan xs as _, x
//!     b := r["id"]                   →         a := x["id"]
//!     guard a == b                             b := r["id"]
//!     yield #1                                 guard a == b
//!   yield #0                                   yield #1
//! ```
//!
//! What is made are loops that an index can serve (`collection_index.rs`): of the second as of any other, of the first by
//! [`against`].
//!
//! **When it is right.** Always: members are visited in the same order, until one is against it.
//!
//! **What it costs.** Nothing. It is done only where an index may serve the loop.

use regovm_core::Span;

use super::collection_index::candidates;
use super::effects::{Effect, Effects};
use super::loops::every_other_each_time;
use super::slice::{Body, Origin, Origins, Renaming};
use super::{Context, Rewrite, each_block};
use crate::ir::visit::{Role, has_any, mentions};
use crate::ir::{
    Block, Compare, Function, IndexId, Local, Operand, Program, ScanIndex, ScopeId, Stmt, StmtKind,
};

pub(super) const REWRITE: Rewrite = Rewrite {
    name: "every",
    about: "every that compares members with what is known looks for one that is against it, by an index",
    run,
    repeated: false,
};

fn run(program: &mut Program, context: &Context<'_>) -> bool {
    let is_every = |kind: &StmtKind| matches!(kind, StmtKind::Every { .. });
    let has_every =
        |function: &Function| (function.blocks.iter()).any(|block| has_any(block, &is_every));
    if !program.functions.iter().any(has_every) {
        return false;
    }
    let effects = Effects::of(program, context.builtins);
    let mut changed = false;
    for function in program.functions.iter_mut().filter(|it| has_every(it)) {
        let mut change = Change {
            effects: &effects,
            once: every_other_each_time(function).into_iter(),
            changed: false,
        };
        each_block(function, |block, function| change.block(block, function));
        changed |= change.changed;
    }
    changed
}

struct Change<'c> {
    effects: &'c Effects<'c>,
    /// For what comes next: whether it goes through another collection each time.
    once: std::vec::IntoIter<bool>,
    changed: bool,
}

impl Change<'_> {
    fn block(&mut self, block: &mut Block, function: &mut Function) {
        let mut made = Block::with_capacity(block.len());
        for mut stmt in std::mem::take(block) {
            let once =
                matches!(stmt.kind, StmtKind::Every { .. }) && self.once.next() == Some(true);
            for block in stmt.kind.blocks_mut() {
                self.block(block, function);
            }
            match stmt.kind {
                StmtKind::Every {
                    scope,
                    domain,
                    key,
                    value,
                    mut body,
                } if !once && let Some(how) = self.worth([key, value], &body) => {
                    self.changed = true;
                    let span = stmt.span;
                    let stmt = |kind| Stmt {
                        kind,
                        span,
                        overlay: None,
                    };
                    made.push(stmt(StmtKind::Every {
                        scope,
                        domain,
                        key: None,
                        value: None,
                        body: vec![stmt(StmtKind::Yield { scope })],
                    }));
                    let against = match how {
                        How::Negation(against) => {
                            body.truncate(1);
                            if let Some(Stmt {
                                kind: StmtKind::Not { body: inner, .. },
                                ..
                            }) = body.pop()
                            {
                                body = inner;
                            }
                            against
                        }
                        How::Inequality => {
                            let against = ScopeId(function.scopes);
                            function.scopes += 1;
                            body = vec![
                                stmt(StmtKind::Not { scope, body }),
                                stmt(StmtKind::Yield { scope: against }),
                            ];
                            against
                        }
                    };
                    made.push(stmt(StmtKind::Not {
                        scope: against,
                        body: vec![stmt(StmtKind::Scan {
                            base: domain,
                            key,
                            value,
                            index: None,
                            body,
                        })],
                    }));
                }
                kind => made.push(Stmt { kind, ..stmt }),
            }
        }
        *block = made;
    }

    /// How an index may serve a body.
    fn worth(&self, [key, value]: [Option<Local>; 2], body: &Block) -> Option<How> {
        if let [
            Stmt {
                kind: StmtKind::Not { scope, body },
                ..
            },
            Stmt {
                kind: StmtKind::Yield { .. },
                ..
            },
        ] = &body[..]
        {
            let stmts = body;
            let found = candidates(&Body { key, value, stmts }, self.effects, None);
            return (!found.is_empty()).then_some(How::Negation(*scope));
        }
        let body = Body {
            key,
            value,
            stmts: body,
        };
        against(&body, self.effects).map(|_| How::Inequality)
    }
}

enum How {
    /// The body is a negation with this scope.
    Negation(ScopeId),
    /// It wants two things not to be equal.
    Inequality,
}

/// What makes a member be against a body: one thing that the body wants to be different from another. Anything else in it
/// depends on the member alone, or not at all.
pub(super) struct Against<'b> {
    /// What depends on the member.
    of_member: Vec<&'b Stmt>,
    member: Operand,
    /// What does not.
    known: Vec<&'b Stmt>,
    outer: Operand,
    pub(super) span: Span,
    /// An error may be among it.
    fallible: bool,
}

/// The body of a loop that looks for members for which another body, in a negation, does not hold.
pub(super) fn negated<'b>(scan: &Body<'b>) -> Option<Body<'b>> {
    match &scan.stmts[..] {
        [
            Stmt {
                kind: StmtKind::Not { body, .. },
                ..
            },
            Stmt {
                kind: StmtKind::Yield { .. },
                ..
            },
        ] => Some(Body {
            key: scan.key,
            value: scan.value,
            stmts: body,
        }),
        _ => None,
    }
}

/// What makes a member be against a body that ends with its success.
pub(super) fn against<'b>(body: &Body<'b>, effects: &Effects<'_>) -> Option<Against<'b>> {
    let (end, stmts) = body.stmts.split_last()?;
    if !matches!(end.kind, StmtKind::Yield { .. }) {
        return None;
    }
    let mut origins = Origins::of(body);
    let (mut of_member, mut known) = (Vec::new(), Vec::new());
    let mut differ = None;
    let mut fallible = false;
    for stmt in stmts {
        match effects.stmt(stmt) {
            Effect::Seen => return None,
            effect => fallible |= effect == Effect::Error,
        }
        let (mut members, mut outer) = (false, false);
        let mut other = false;
        mentions(stmt, &mut |local, role| {
            if role == Role::Read {
                match origins.local(local) {
                    Origin::Member => members = true,
                    Origin::Outer => outer = true,
                    Origin::Other => other = true,
                }
            }
        });
        match (&stmt.kind, members, outer) {
            _ if other => return None,
            (
                StmtKind::Guard {
                    op: Compare::NotEqual,
                    lhs,
                    rhs,
                },
                true,
                true,
            ) if differ.is_none() => {
                let sides = match origins.get(*lhs) {
                    Some(Origin::Member) => (*lhs, *rhs),
                    _ => (*rhs, *lhs),
                };
                differ = Some((sides, stmt.span));
            }
            (_, true, true) => return None,
            (_, true, false) => of_member.push(stmt),
            (_, false, _) => known.push(stmt),
        }
        origins.note(stmt);
    }
    let ((member, outer), span) = differ?;
    Some(Against {
        of_member,
        member,
        known,
        outer,
        span,
        fallible,
    })
}

impl Against<'_> {
    /// The index of the loop over a body, without its number, and how members' keys are computed, as text.
    pub(super) fn index(
        &self,
        body: &Body<'_>,
        function: &mut Function,
        span: Span,
    ) -> Option<(ScanIndex, String)> {
        let mut renaming = Renaming::new(body, |_| {
            function.locals += 1;
            Local(function.locals - 1)
        });
        let mut build = Block::new();
        for stmt in &self.of_member {
            build.push(renaming.stmt(stmt)?);
        }
        let (key, value) = (renaming.key, renaming.value);
        let stmt = |kind| Stmt {
            kind,
            span,
            overlay: None,
        };
        let keys = vec![renaming.operand(self.member)];
        build.push(stmt(StmtKind::IndexKeys { keys }));
        let mut probe = Block::new();
        for stmt in &self.known {
            probe.push(renaming.stmt(stmt)?);
        }
        let keys = vec![renaming.operand(self.outer)];
        probe.push(stmt(StmtKind::IndexProbe { keys }));
        let index = ScanIndex {
            id: IndexId(0),
            key,
            value,
            build,
            probe,
            keyless: true,
            fallible: self.fallible,
            data: None,
            serves: vec![self.span],
        };
        Some((index, self.form(body)?))
    }

    /// The same for all loops that compute the keys of members alike.
    fn form(&self, body: &Body<'_>) -> Option<String> {
        let mut renaming = Renaming::new(body, Local);
        let mut form = format!("against {:?} {:?}", renaming.key, renaming.value);
        for stmt in &self.of_member {
            let stmt = renaming.stmt(stmt)?;
            form.push_str(&format!(" {:?}", stmt.kind));
        }
        form.push_str(&format!(" {:?}", renaming.operand(self.member)));
        Some(form)
    }
}
