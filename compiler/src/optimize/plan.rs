//! What serves each loop of a program, or why nothing can.

use regovm_core::Span;

use super::Context;
use super::collection_index::{WhyNot, scan_of, why_not};
use super::effects::Effects;
use super::loops::other_each_time;
use crate::ir::visit::asks_for_collection;
use crate::ir::{Block, Program, Stmt, StmtKind};

/// A loop, or a choice among rules.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// The function that it belongs to, by its number.
    pub function: usize,
    /// Where it stands.
    pub span: Span,
    /// Loops around it.
    pub depth: usize,
    /// How it runs.
    pub how: How,
}

/// How a loop or a choice runs.
#[derive(Clone, PartialEq, Debug)]
pub enum How {
    /// An index finds the members.
    Index {
        /// Its number; loops of one number share it.
        number: u16,
        /// The comparisons that it serves.
        serves: Vec<Span>,
        /// Where errors of built-ins end the query, all members are visited.
        unless_strict: bool,
    },
    /// All members are visited.
    All(WhyNot),
    /// Everything below a value is visited.
    Walk,
    /// All members are visited until one is against it.
    Every,
    /// All members are visited, once for so many rules.
    Shared(usize),
    /// Of so many rules those run whose comparison can hold.
    Rules(usize),
}

/// All loops of a program, function by function, in the order in which they stand.
pub fn plan(program: &Program, context: &Context<'_>) -> Vec<Step> {
    let effects = Effects::of(program, context.builtins);
    let mut steps = Vec::new();
    for (function, body) in program.functions.iter().enumerate() {
        let mut once = other_each_time(body).into_iter();
        for block in &body.blocks {
            visit(block, function, 0, &effects, &mut once, &mut steps);
        }
    }
    steps
}

fn visit(
    block: &Block,
    function: usize,
    depth: usize,
    effects: &Effects<'_>,
    once: &mut impl Iterator<Item = bool>,
    steps: &mut Vec<Step>,
) {
    for stmt in block {
        let once_only = matches!(stmt.kind, StmtKind::Scan { .. }) && once.next() == Some(true);
        let how = match &stmt.kind {
            // The loop over the numbers of chosen rules is no loop of the policy.
            StmtKind::Scan { body, .. } if matches!(body[..], [ref only] if matches!(only.kind, StmtKind::Switch { .. })) => {
                None
            }
            StmtKind::Scan { body, .. } if let Some(rules) = shared(body) => {
                Some(How::Shared(rules))
            }
            StmtKind::Scan {
                index: Some(index), ..
            } => Some(How::Index {
                number: index.id.0,
                serves: index.serves.clone(),
                unless_strict: index.fallible,
            }),
            StmtKind::Scan { .. } if once_only => Some(How::All(WhyNot::Once)),
            StmtKind::Scan { .. } => scan_of(stmt).map(|scan| How::All(why_not(&scan, effects))),
            StmtKind::Walk { .. } => Some(How::Walk),
            StmtKind::Every { body, .. } if asks_for_collection(body) => None,
            StmtKind::Every { .. } => Some(How::Every),
            StmtKind::Switch { blocks, .. } => Some(How::Rules(blocks.len())),
            _ => None,
        };
        let inner = depth + usize::from(matches!(&how, Some(how) if !matches!(how, How::Rules(_))));
        if let Some(how) = how {
            let span = stmt.span;
            steps.push(Step {
                function,
                span,
                depth,
                how,
            });
        }
        // Not the blocks of the index, which are no part of the policy's text.
        let blocks = stmt.kind.blocks();
        let skipped = if matches!(&stmt.kind, StmtKind::Scan { index: Some(_), .. }) {
            2
        } else {
            0
        };
        for block in blocks.skip(skipped) {
            visit(block, function, inner, effects, once, steps);
        }
    }
}

/// How many rules share a loop with this body, if several do.
fn shared(body: &Block) -> Option<usize> {
    let [
        Stmt {
            kind: StmtKind::Blocks { blocks },
            ..
        },
    ] = &body[..]
    else {
        return None;
    };
    let rules = blocks.iter().map(|block| match block.last() {
        Some(Stmt {
            kind: StmtKind::Switch { blocks, .. },
            ..
        }) => blocks.len(),
        _ => 1,
    });
    Some(rules.sum())
}
