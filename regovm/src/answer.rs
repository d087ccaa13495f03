//! What a query gave.

use regovm_core::value::Value;
use serde::de::DeserializeOwned;

use crate::convert::to_json;
use crate::policy::QueryShape;

/// The solutions of a query; empty means undefined.
pub struct Answer<'s> {
    rows: Vec<Vec<Value<'s>>>,
    shape: Option<&'s QueryShape>,
    steps: u64,
    memory: usize,
}

/// One solution.
pub struct Solution<'a, 's> {
    row: &'a [Value<'s>],
    shape: Option<&'s QueryShape>,
}

/// The value of one expression.
pub struct ExpressionValue<'s> {
    /// What it is.
    pub value: serde_json::Value,
    /// The text of the expression.
    pub text: &'s str,
    /// Where it starts in the query, from 1.
    pub row: u32,
    /// Where it starts in the query, from 1.
    pub col: u32,
}

impl<'s> Answer<'s> {
    pub(crate) fn new(
        answer: regovm_vm::Answer<'s>,
        shape: Option<&'s QueryShape>,
        memory: usize,
    ) -> Answer<'s> {
        Answer {
            rows: answer.rows,
            shape,
            steps: answer.steps,
            memory,
        }
    }

    /// True if there is no solution.
    pub fn is_undefined(&self) -> bool {
        self.rows.is_empty()
    }

    /// All solutions, in the order of evaluation.
    pub fn solutions(&self) -> impl Iterator<Item = Solution<'_, 's>> {
        self.rows.iter().map(|row| Solution {
            row,
            shape: self.shape,
        })
    }

    /// The value of the first expression of the first solution: for a query such as `data.p.allow`, its value.
    pub fn value(&self) -> Option<serde_json::Value> {
        let first = self.solutions().next()?;
        first.expressions().next().map(|e| e.value)
    }

    /// [`Answer::value`] as a type of yours; `None` if undefined.
    pub fn decode<T: DeserializeOwned>(&self) -> Option<Result<T, serde_json::Error>> {
        self.value().map(serde_json::from_value)
    }

    /// The value of a variable of the query in the first solution, as the machine has it.
    #[cfg(feature = "internals")]
    pub fn raw_binding(&self, name: &str) -> Option<Value<'s>> {
        let (_, column) = self
            .shape?
            .variables
            .iter()
            .find(|(written, _)| written == name)?;
        self.rows.first()?.get(*column).copied()
    }

    /// Steps that the evaluation took: the same on every run.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Bytes of values that the evaluation held at its end, input included.
    pub fn memory(&self) -> usize {
        self.memory
    }
}

impl<'s> Solution<'_, 's> {
    /// The value of each expression, in the order of the query.
    pub fn expressions(&self) -> impl Iterator<Item = ExpressionValue<'s>> {
        let expressions = self.shape.map_or(&[][..], |shape| &shape.expressions);
        expressions.iter().map(|expression| ExpressionValue {
            value: expression
                .column
                .and_then(|column| self.row.get(column))
                .map_or(serde_json::Value::Bool(true), |value| to_json(*value)),
            text: &expression.text,
            row: expression.row,
            col: expression.col,
        })
    }

    /// The variables that the query names, with their values.
    pub fn bindings(&self) -> impl Iterator<Item = (String, serde_json::Value)> {
        let variables = self.shape.map_or(&[][..], |shape| &shape.variables);
        variables
            .iter()
            .filter_map(|(name, column)| Some((name.clone(), to_json(*self.row.get(*column)?))))
    }
}
