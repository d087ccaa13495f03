//! Queries: one row for each solution.

use regovm_core::Span;

use super::{Lowered, Lowering};
use crate::ir::{Function, FunctionKind, StmtKind};

impl Lowering<'_> {
    /// The function of a query. Its row has the variables that the author wrote, then the captured values of
    /// expressions.
    pub(super) fn query(&mut self, index: usize) -> Lowered<Function> {
        let query = &self.checked.queries[index];
        let span = query.body.first().map_or(Span::NONE, |expr| expr.span);
        self.start(0, span);
        let mark = self.b.begin();
        self.body(&query.body)?;
        let mut row = Vec::new();
        let mut values = Vec::new();
        let shown = query
            .answer
            .bindings
            .iter()
            .map(|(written, name)| (written, name));
        let captured = query
            .answer
            .expressions
            .iter()
            .filter_map(|expr| expr.capture.as_ref());
        for (written, name) in shown.chain(captured.map(|name| (name, name))) {
            if let Some(value) = self.vars.get(name) {
                row.push(written.to_string());
                values.push(value);
            }
        }
        self.b.emit(StmtKind::EmitRow { values });
        let blocks = vec![self.b.end(mark)];
        let name = format!("query {index}");
        Ok(Function {
            row,
            ..self.function(FunctionKind::Query, name, blocks, span)
        })
    }
}
