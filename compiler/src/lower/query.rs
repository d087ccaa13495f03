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
        let checked = self.checked;
        let answer = &checked.queries[index].answer;
        let shown = answer
            .bindings
            .iter()
            .map(|(written, name)| (written, name));
        let captured = answer
            .expressions
            .iter()
            .filter_map(|expr| expr.capture.as_ref());
        let columns: Vec<_> = shown.chain(captured.map(|name| (name, name))).collect();
        let row = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let names = row.clone();
        let values = move |this: &mut Self| {
            let mut values = Vec::new();
            for (written, name) in columns {
                if let Some(value) = this.vars.get(name) {
                    names.borrow_mut().push(written.to_string());
                    values.push(value);
                }
            }
            values
        };
        let blocks = if self.observe.is_some() {
            self.observed_query(&checked.queries[index].body, values)?
        } else {
            let mark = self.b.begin();
            self.body(&query.body)?;
            let values = values(self);
            self.b.emit(StmtKind::EmitRow { values });
            vec![self.b.end(mark)]
        };
        let row = row.take();
        let name = format!("query {index}");
        Ok(Function {
            row,
            ..self.function(FunctionKind::Query, name, blocks, span)
        })
    }
}
