//! What a query gave.

use std::io;

use regovm_core::json;
use regovm_core::value::{Value, View};
use serde::Deserialize;

use crate::convert::{Bindings, DataError, Reading, to_json};
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
    pub value: AnswerValue<'s>,
    /// The text of the expression.
    pub text: &'s str,
    /// Where it starts in the query, from 1.
    pub row: u32,
    /// Where it starts in the query, from 1.
    pub col: u32,
}

/// A value of an answer. It lies in the memory of the session and becomes JSON when it is asked for.
#[derive(Clone, Copy)]
pub struct AnswerValue<'s>(Value<'s>);

/// How [`AnswerValue::write_json`] lays out JSON. `<`, `>` and `&` are escaped, as OPA does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JsonLayout {
    /// One line.
    Line,
    /// Lines that are indented by two spaces for each collection around them, and by so many more.
    Indented(usize),
}

impl<'s> AnswerValue<'s> {
    /// The value as JSON: sets become sorted arrays, keys that are no strings become their JSON text.
    pub fn to_json(self) -> serde_json::Value {
        to_json(self.0)
    }

    /// The value as a type of yours. Sets are sequences; texts can be borrowed (`&str`) as long as the answer is there.
    ///
    /// # Errors
    /// The value has another form than the type: what is wrong, and where.
    pub fn decode<T: Deserialize<'s>>(self) -> Result<T, DataError> {
        T::deserialize(Reading::new(self.0))
    }

    /// The value as the machine has it.
    pub fn value(self) -> Value<'s> {
        self.0
    }

    /// The value, if it is a string.
    pub fn as_str(self) -> Option<&'s str> {
        self.0.as_str()
    }

    /// True for `true` and `false`.
    pub fn is_boolean(self) -> bool {
        self.0.is_true() || self.0.is_false()
    }

    /// True for `null`.
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// How many elements an array or a set has.
    pub fn element_count(self) -> Option<usize> {
        match self.0.view() {
            View::Array(array) => Some(array.len()),
            View::Set(set) => Some(set.len()),
            _ => None,
        }
    }

    /// Writes the JSON of [`AnswerValue::to_json`] without making a tree of it first.
    pub fn write_json(self, out: impl io::Write, layout: JsonLayout) -> io::Result<()> {
        let mut stream = json::Stream::new(out);
        match layout {
            JsonLayout::Line => json::write(self.0, &mut stream, json::Style::Marshal),
            JsonLayout::Indented(outer) => {
                json::write_within(self.0, &mut stream, json::Style::PrettyMarshal, outer);
            }
        }
        stream.finish()
    }
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
        first.expressions().next().map(|e| e.value.to_json())
    }

    /// [`Answer::value`] as a type of yours; `None` if undefined. Sets are sequences; texts can be borrowed (`&str`) as long
    /// as the session is not asked again.
    ///
    /// ```
    /// use regovm::Engine;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Finding<'s> {
    ///     msg: &'s str,
    ///     severity: Option<u8>,
    /// }
    ///
    /// let mut engine = Engine::new();
    /// engine.add_module("p.rego", r#"
    ///     package p
    ///     deny contains {"msg": sprintf("port %d is open", [port]), "severity": 3} if some port in input.ports
    /// "#);
    /// let mut session = engine.prepare("data.p.deny")?.session();
    /// let answer = session.eval_json(br#"{"ports": [22, 80]}"#)?;
    /// let findings: Vec<Finding<'_>> = answer.decode()?.unwrap_or_default();
    /// assert_eq!((findings[0].msg, findings[0].severity, findings.len()), ("port 22 is open", Some(3), 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The value has another form than the type: what is wrong, and where.
    pub fn decode<T: Deserialize<'s>>(&self) -> Result<Option<T>, DataError> {
        let first = self.solutions().next();
        let value = first.and_then(|solution| solution.expressions().next());
        value
            .map(|expression| expression.value.decode())
            .transpose()
    }

    /// All solutions, the variables of each as a type of yours: a struct with a field for each variable, or a map.
    ///
    /// ```
    /// #[derive(serde::Deserialize, PartialEq, Debug)]
    /// struct Row { x: u32, y: String }
    ///
    /// let policy = regovm::Engine::new().prepare(r#"some x, y in ["a", "b"]"#)?;
    /// let mut session = policy.session();
    /// let rows: Vec<Row> = session.eval_without_input(0)?.decode_all()?;
    /// assert_eq!(rows[1], Row { x: 1, y: "b".to_owned() });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Solution::decode`].
    pub fn decode_all<T: Deserialize<'s>>(&self) -> Result<Vec<T>, DataError> {
        self.solutions().map(|solution| solution.decode()).collect()
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
                .map_or(AnswerValue(Value::TRUE), |value| AnswerValue(*value)),
            text: &expression.text,
            row: expression.row,
            col: expression.col,
        })
    }

    /// The variables that the query names as a type of yours: a struct with a field for each variable, or a map.
    ///
    /// # Errors
    /// The variables or their values have another form than the type: what is wrong, and where.
    pub fn decode<T: Deserialize<'s>>(&self) -> Result<T, DataError> {
        let bindings = self
            .bindings()
            .map(|(name, AnswerValue(value))| (name, value));
        T::deserialize(Bindings::new(bindings))
    }

    /// The variables that the query names, with their values.
    pub fn bindings(&self) -> impl Iterator<Item = (&'s str, AnswerValue<'s>)> {
        let variables = self.shape.map_or(&[][..], |shape| &shape.variables);
        variables.iter().filter_map(|(name, column)| {
            Some((name.as_str(), AnswerValue(*self.row.get(*column)?)))
        })
    }
}
