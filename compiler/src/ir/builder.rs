//! Writes the statements of one function: numbers its locals and scopes, and keeps the open iterations.
//!
//! What follows an iteration stands inside it. So the builder has a stack of open blocks, and a statement
//! goes to the innermost. [`FunctionBuilder::begin`] and [`FunctionBuilder::end`] delimit a block with an end
//! of its own (the body of a comprehension, of a `not`); the iterations opened between them are closed there.

use regovm_core::Span;

use super::{Block, Local, Operand, ScopeId, Stmt, StmtKind};

/// How deep statements may nest. Later stages recurse over statements and rely on it.
pub const MAX_NESTING: usize = 500;

/// An open block; with an opener it is the body of that statement.
#[derive(Debug)]
struct Frame {
    opener: Option<Stmt>,
    block: Block,
}

/// A function in the making.
#[derive(Debug)]
pub struct FunctionBuilder {
    frames: Vec<Frame>,
    locals: u32,
    scopes: u32,
    /// The place that statements get.
    pub span: Span,
    /// The overlay that loads and calls get.
    pub overlay: Option<Local>,
    /// Where statements were nested deeper than [`MAX_NESTING`]; what was built is useless then.
    pub too_deep: Option<Span>,
}

/// The start of a delimited block.
#[derive(Debug)]
#[must_use]
pub struct Mark(usize);

impl FunctionBuilder {
    /// A function whose first locals are its arguments.
    pub fn new(params: u32, span: Span) -> FunctionBuilder {
        FunctionBuilder {
            frames: Vec::new(),
            locals: params,
            scopes: 0,
            span,
            overlay: None,
            too_deep: None,
        }
    }

    /// Number of locals so far.
    pub fn locals(&self) -> u32 {
        self.locals
    }

    /// Number of scopes so far.
    pub fn scopes(&self) -> u32 {
        self.scopes
    }

    /// A new local.
    pub fn local(&mut self) -> Local {
        self.locals += 1;
        Local(self.locals - 1)
    }

    /// A new scope.
    pub fn scope(&mut self) -> ScopeId {
        self.scopes += 1;
        ScopeId(self.scopes - 1)
    }

    /// Opens a block with an end of its own.
    pub fn begin(&mut self) -> Mark {
        self.push(None);
        Mark(self.frames.len())
    }

    /// Closes the block and every iteration that was opened in it.
    pub fn end(&mut self, mark: Mark) -> Block {
        while self.frames.len() > mark.0 {
            let Some(Frame {
                opener: Some(mut stmt),
                block,
            }) = self.frames.pop()
            else {
                break;
            };
            match &mut stmt.kind {
                StmtKind::Scan { body, .. } | StmtKind::Walk { body, .. } => *body = block,
                _ => {}
            }
            self.push_stmt(stmt);
        }
        self.frames
            .pop()
            .map(|frame| frame.block)
            .unwrap_or_default()
    }

    /// True if an iteration was opened since the mark and goes on.
    pub fn iterates(&self, mark: &Mark) -> bool {
        self.frames.len() > mark.0
    }

    /// Adds a statement to the innermost block.
    pub fn emit(&mut self, kind: StmtKind) {
        let overlay = match kind {
            StmtKind::Load { .. }
            | StmtKind::CallBuiltin { .. }
            | StmtKind::CallFunction { .. }
            | StmtKind::Recall { .. }
            | StmtKind::Observe { .. } => self.overlay,
            _ => None,
        };
        self.push_stmt(Stmt {
            kind,
            span: self.span,
            overlay,
        });
    }

    /// Adds a statement that assigns a new local, and gives that.
    pub fn assign(&mut self, make: impl FnOnce(Local) -> StmtKind) -> Operand {
        let dst = self.local();
        self.emit(make(dst));
        Operand::Local(dst)
    }

    /// Opens an iteration over the members of `base`; what follows is its body.
    pub fn scan(&mut self, base: Operand, key: Option<Local>, value: Option<Local>) {
        self.open(StmtKind::Scan {
            base,
            key,
            value,
            index: None,
            body: Vec::new(),
        });
    }

    /// Opens a walk through `base`; what follows is its body.
    pub fn walk(&mut self, base: Operand, path: Option<Local>, value: Option<Local>) {
        self.open(StmtKind::Walk {
            base,
            path,
            value,
            body: Vec::new(),
        });
    }

    fn open(&mut self, kind: StmtKind) {
        let stmt = Stmt {
            kind,
            span: self.span,
            overlay: None,
        };
        self.push(Some(stmt));
    }

    fn push(&mut self, opener: Option<Stmt>) {
        if self.frames.len() >= MAX_NESTING && self.too_deep.is_none() {
            self.too_deep = Some(self.span);
        }
        if self.too_deep.is_some() && opener.is_some() {
            // Nothing will use these statements; nesting them would only cost stack when they are dropped.
            return;
        }
        self.frames.push(Frame {
            opener,
            block: Vec::new(),
        });
    }

    fn push_stmt(&mut self, stmt: Stmt) {
        if let Some(frame) = self.frames.last_mut() {
            frame.block.push(stmt);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_an_iteration_stands_inside_it() {
        let mut b = FunctionBuilder::new(1, Span::NONE);
        let mark = b.begin();
        let value = b.local();
        b.scan(Operand::Local(Local(0)), None, Some(value));
        assert!(b.iterates(&mark));
        b.emit(StmtKind::Truthy {
            value: Operand::Local(value),
        });
        let block = b.end(mark);
        assert_eq!(block.len(), 1);
        let StmtKind::Scan { body, .. } = &block[0].kind else {
            panic!("no scan: {block:?}")
        };
        assert_eq!(body.len(), 1);
    }

    #[test]
    fn nesting_is_bounded() {
        let mut b = FunctionBuilder::new(1, Span::NONE);
        let mark = b.begin();
        for _ in 0..MAX_NESTING + 10 {
            b.scan(Operand::Local(Local(0)), None, None);
        }
        assert_eq!(b.too_deep, Some(Span::NONE));
        let _ = b.end(mark);
    }
}
