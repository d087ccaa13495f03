//! Which loops go through another collection each time that they run.
//!
//! An index of a collection pays if the collection is gone through again and again: if it does not depend on the members of
//! every loop around it. The tags of a resource, in a loop over resources, are gone through once.

use std::collections::{BTreeSet, HashMap};

use crate::ir::visit::{Role, mentions};
use crate::ir::{Block, Function, Local, Operand, Stmt, StmtKind};

/// Stands for one run of the function: what is made in it is not there in the next.
const RUN: u32 = 0;

/// For each [`StmtKind::Scan`] of a function, in the order in which they stand (without the blocks of indexes): whether it
/// goes through another collection each time.
pub(super) fn other_each_time(function: &Function) -> Vec<bool> {
    search(function).found
}

/// As [`other_each_time`], for each [`StmtKind::Every`].
pub(super) fn every_other_each_time(function: &Function) -> Vec<bool> {
    search(function).every
}

fn search(function: &Function) -> Search {
    let mut search = Search {
        depends: HashMap::new(),
        open: Vec::new(),
        loops: RUN,
        found: Vec::new(),
        every: Vec::new(),
    };
    if function.params == 1 {
        // Results are kept by argument.
        search.depends.insert(Local(0), BTreeSet::from([RUN]));
    }
    for block in &function.blocks {
        search.block(block);
    }
    search
}

struct Search {
    /// The loops that a local depends on; a local that is not here depends on none.
    depends: HashMap<Local, BTreeSet<u32>>,
    /// The loops around the statement.
    open: Vec<u32>,
    loops: u32,
    found: Vec<bool>,
    every: Vec<bool>,
}

impl Search {
    fn block(&mut self, block: &Block) {
        for stmt in block {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Scan {
                base,
                key,
                value,
                body,
                ..
            } => {
                let of = self.of(*base);
                self.found.push(self.is_other(&of));
                self.iterate(of, [*key, *value], body);
            }
            StmtKind::Walk {
                base,
                path: key,
                value,
                body,
            }
            | StmtKind::Every {
                domain: base,
                key,
                value,
                body,
                ..
            } => {
                let of = self.of(*base);
                if matches!(stmt.kind, StmtKind::Every { .. }) {
                    self.every.push(self.is_other(&of));
                }
                self.iterate(of, [*key, *value], body);
            }
            _ => {
                let mut of = BTreeSet::new();
                self.reads(stmt, &mut of);
                if matches!(
                    stmt.kind,
                    StmtKind::Collect { .. }
                        | StmtKind::CallBuiltin { .. }
                        | StmtKind::MakeArray { .. }
                        | StmtKind::MakeSet { .. }
                        | StmtKind::MakeObject { .. }
                ) {
                    of.insert(RUN);
                }
                stmt.kind.blocks().for_each(|block| self.block(block));
                mentions(stmt, &mut |local, role| {
                    if role == Role::Assign {
                        self.depends.entry(local).or_default().extend(&of);
                    }
                });
            }
        }
    }

    /// True if what depends on these loops is another one each time that the statement runs.
    fn is_other(&self, of: &BTreeSet<u32>) -> bool {
        self.open.iter().all(|open| of.contains(open)) && !of.is_empty()
    }

    fn iterate(&mut self, mut of: BTreeSet<u32>, variables: [Option<Local>; 2], body: &Block) {
        self.loops += 1;
        of.insert(self.loops);
        for local in variables.into_iter().flatten() {
            self.depends.insert(local, of.clone());
        }
        self.open.push(self.loops);
        self.block(body);
        self.open.pop();
    }

    fn of(&self, operand: Operand) -> BTreeSet<u32> {
        match operand {
            Operand::Local(local) => self.depends.get(&local).cloned().unwrap_or_default(),
            Operand::Const(_) => BTreeSet::new(),
        }
    }

    /// What the locals that a statement reads, and what is inside it, depend on.
    fn reads(&self, stmt: &Stmt, of: &mut BTreeSet<u32>) {
        mentions(stmt, &mut |local, role| {
            if role == Role::Read {
                of.extend(self.of(Operand::Local(local)));
            }
        });
        for stmt in stmt.kind.blocks().flatten() {
            self.reads(stmt, of);
        }
    }
}
