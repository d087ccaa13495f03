//! Which register a local lives in.
//!
//! A local belongs to the innermost block around all its mentions. It gets a register when the code first mentions it and
//! gives it back at the end of that block. Locals are assigned before they are read on every path, so what a register held
//! for another local before harms nobody.

use regovm_vm::bytecode::Reg;

use crate::ir::visit::mentions;
use crate::ir::{Block, Function, Local, StmtKind};

/// The function needs too many registers.
#[derive(Debug)]
pub(super) struct TooMany;

/// Blocks and their locals, known before the first instruction. Blocks are numbered in the order in which they open; 0 is
/// the function itself.
struct Plan {
    parents: Vec<usize>,
    /// The block that each local belongs to.
    owners: Vec<Option<usize>>,
    /// Locals that `SetResult` assigns: the register behind theirs is their own too.
    results: Vec<bool>,
}

impl Plan {
    fn of(function: &Function) -> Plan {
        let locals = function.locals as usize;
        let mut plan = Plan {
            parents: vec![0],
            owners: vec![None; locals],
            results: vec![false; locals],
        };
        for block in &function.blocks {
            plan.block(0, block);
        }
        plan
    }

    fn block(&mut self, parent: usize, block: &Block) {
        let here = self.parents.len();
        self.parents.push(parent);
        for stmt in block {
            mentions(stmt, &mut |local, _| {
                let Some(owner) = self.owners.get_mut(local.0 as usize) else {
                    return;
                };
                *owner = Some(match *owner {
                    None => here,
                    Some(other) => common(&self.parents, other, here),
                });
            });
            if let StmtKind::SetResult { local, .. } = stmt.kind
                && let Some(result) = self.results.get_mut(local.0 as usize)
            {
                *result = true;
            }
            for inner in stmt.kind.blocks() {
                self.block(here, inner);
            }
        }
    }
}

/// The innermost block around two. Blocks have higher numbers than those around them.
fn common(parents: &[usize], mut a: usize, mut b: usize) -> usize {
    while a != b {
        if a > b {
            a = parents[a];
        } else {
            b = parents[b];
        }
    }
    a
}

pub(super) struct Registers {
    results: Vec<bool>,
    /// Locals by the block they belong to.
    owned: Vec<Vec<Local>>,
    places: Vec<Option<Reg>>,
    open: Vec<usize>,
    next_block: usize,
    free: Vec<Reg>,
    free_pairs: Vec<Reg>,
    /// Registers used so far.
    pub(super) count: u32,
}

impl Registers {
    /// Parameters live in the first registers for good.
    pub(super) fn new(function: &Function) -> Result<Registers, TooMany> {
        if function.params >= Reg::LIMIT {
            return Err(TooMany);
        }
        let plan = Plan::of(function);
        let mut owned = vec![Vec::new(); plan.parents.len()];
        for (number, owner) in plan
            .owners
            .iter()
            .enumerate()
            .skip(function.params as usize)
        {
            if let Some(owner) = owner {
                owned[*owner].push(Local(number as u32));
            }
        }
        let mut places = vec![None; plan.owners.len()];
        for number in 0..function.params as u16 {
            if let Some(place) = places.get_mut(usize::from(number)) {
                *place = Some(Reg(number));
            }
        }
        Ok(Registers {
            results: plan.results,
            owned,
            places,
            open: Vec::new(),
            next_block: 1,
            free: Vec::new(),
            free_pairs: Vec::new(),
            count: function.params,
        })
    }

    /// Blocks open in the order of the IR.
    pub(super) fn open_block(&mut self) {
        self.open.push(self.next_block);
        self.next_block += 1;
    }

    pub(super) fn close_block(&mut self) {
        let Some(block) = self.open.pop() else { return };
        for local in std::mem::take(&mut self.owned[block]) {
            if let Some(reg) = self.places[local.0 as usize].take() {
                if self.results[local.0 as usize] {
                    self.free_pairs.push(reg);
                } else {
                    self.free.push(reg);
                }
            }
        }
    }

    /// The register of a local.
    pub(super) fn of(&mut self, local: Local) -> Result<Reg, TooMany> {
        let at = local.0 as usize;
        if let Some(reg) = self.places[at] {
            return Ok(reg);
        }
        let reg = if self.results[at] {
            match self.free_pairs.pop() {
                Some(reg) => reg,
                None => self.fresh(2)?,
            }
        } else {
            self.scratch()?
        };
        self.places[at] = Some(reg);
        Ok(reg)
    }

    fn fresh(&mut self, count: u32) -> Result<Reg, TooMany> {
        let reg = self.count;
        self.count += count;
        if self.count > Reg::LIMIT {
            Err(TooMany)
        } else {
            Ok(Reg(reg as u16))
        }
    }

    /// A register for the length of one instruction; give it back with [`Registers::done`].
    pub(super) fn scratch(&mut self) -> Result<Reg, TooMany> {
        match self.free.pop() {
            Some(reg) => Ok(reg),
            None => self.fresh(1),
        }
    }

    pub(super) fn done(&mut self, reg: Reg) {
        self.free.push(reg);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{FunctionKind, Operand, Stmt};
    use regovm_core::Span;

    fn stmt(kind: StmtKind) -> Stmt {
        Stmt {
            kind,
            span: Span::NONE,
            overlay: None,
        }
    }

    fn moved(dst: u32, src: u32) -> Stmt {
        stmt(StmtKind::Move {
            dst: Local(dst),
            src: Operand::Local(Local(src)),
        })
    }

    fn function(params: u32, locals: u32, blocks: Vec<Block>) -> Function {
        Function {
            name: "f".into(),
            path: None,
            kind: FunctionKind::Function,
            params,
            locals,
            scopes: 0,
            blocks,
            row: vec![],
            span: Span::NONE,
        }
    }

    #[test]
    fn a_register_is_free_at_the_end_of_its_block() {
        // l1 and l3 live in one block each, l2 in both.
        let function = function(
            1,
            4,
            vec![
                vec![moved(1, 0), moved(2, 1)],
                vec![moved(3, 0), moved(3, 2)],
            ],
        );
        let mut registers = Registers::new(&function).unwrap();
        registers.open_block();
        assert_eq!(registers.of(Local(1)).unwrap(), Reg(1));
        assert_eq!(registers.of(Local(2)).unwrap(), Reg(2));
        registers.close_block();
        registers.open_block();
        assert_eq!(registers.of(Local(3)).unwrap(), Reg(1));
        assert_eq!(registers.of(Local(2)).unwrap(), Reg(2));
        assert_eq!(registers.of(Local(0)).unwrap(), Reg(0));
        registers.close_block();
        assert_eq!(registers.count, 3);
    }

    #[test]
    fn a_local_belongs_to_the_block_around_all_its_mentions() {
        let scan = stmt(StmtKind::Scan {
            base: Operand::Local(Local(0)),
            key: None,
            value: Some(Local(1)),
            index: None,
            body: vec![moved(2, 1), moved(3, 0)],
        });
        let plan = Plan::of(&function(1, 4, vec![vec![scan, moved(1, 3)]]));
        // Block 1 is the function's first, block 2 the body.
        assert_eq!(plan.owners, vec![Some(1), Some(1), Some(2), Some(1)]);
    }

    #[test]
    fn results_have_two_registers() {
        let set = stmt(StmtKind::SetResult {
            local: Local(0),
            value: Operand::Local(Local(1)),
            conflict: crate::ir::Conflict::Function,
        });
        let mut registers = Registers::new(&function(0, 2, vec![vec![set]])).unwrap();
        registers.open_block();
        assert_eq!(registers.of(Local(0)).unwrap(), Reg(0));
        assert_eq!(registers.of(Local(1)).unwrap(), Reg(2));
    }

    #[test]
    fn the_limit_is_an_error() {
        assert!(Registers::new(&function(Reg::LIMIT, Reg::LIMIT, vec![])).is_err());
    }
}
