//! Inputs that are read once and asked about often.

use std::sync::Arc;

use regovm_core::value::{Arena, Frozen};
use serde::Serialize;

use crate::convert::to_value;
use crate::document::{self, Wanted};
use crate::report::{Failure, Stage};

/// An input in memory: read once, cheap to clone, for any number of evaluations, queries and threads.
///
/// Reading an input often takes longer than evaluating a query. Where several queries get the same one, or one is measured
/// without the reading, it is read beforehand. (All of it is, also what a query does not look at: for one evaluation of one
/// query [`Session::eval_json`](crate::Session::eval_json) is faster.)
///
/// ```
/// use regovm::{Engine, Input, QueryContext};
/// let queries = ["input.user", "count(input.roles)"];
/// let policy = Engine::new().prepare_with(&queries, &QueryContext::default())?;
/// let input = Input::json(br#"{"user": "alice", "roles": ["dev", "admin"]}"#)?;
/// let mut session = policy.session();
/// assert_eq!(session.eval_input(0, &input)?.value(), Some("alice".into()));
/// assert_eq!(session.eval_input(1, &input)?.value(), Some(2.into()));
/// # Ok::<(), regovm::Failure>(())
/// ```
#[derive(Clone)]
pub struct Input(Arc<Frozen>);

impl Input {
    /// Reads JSON.
    ///
    /// # Errors
    /// It is none.
    pub fn json(bytes: &[u8]) -> Result<Input, Failure> {
        Input::read(|wanted| {
            Frozen::try_build(|arena| {
                // The text may go before the input does.
                let borrowing = Arena::new();
                Ok(arena.copy(document::read_json(bytes, &borrowing, wanted)?))
            })
        })
    }

    /// Reads an input file: JSON, or YAML if it is no JSON.
    ///
    /// # Errors
    /// It is neither.
    pub fn document(bytes: &[u8]) -> Result<Input, Failure> {
        Input::read(|wanted| {
            Frozen::try_build(|arena| {
                let borrowing = Arena::new();
                Ok(arena.copy(document::read_input(bytes, &borrowing, wanted)?))
            })
        })
    }

    fn read(
        build: impl FnOnce(&Wanted<'_>) -> Result<Frozen, document::Unreadable>,
    ) -> Result<Input, Failure> {
        let wanted = Wanted {
            projection: None,
            strict: true,
        };
        match build(&wanted) {
            Ok(frozen) => Ok(Input(Arc::new(frozen))),
            Err(wrong) => Err(Failure::message(Stage::Input, wrong.message).with_hint(wrong.hint)),
        }
    }

    /// Makes an input of what serde serializes, as its JSON.
    ///
    /// # Errors
    /// It has no JSON.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Input, Failure> {
        match Frozen::try_build(|arena| to_value(value, arena)) {
            Ok(frozen) => Ok(Input(Arc::new(frozen))),
            Err(wrong) => Err(Failure::message(Stage::Input, wrong.to_string())),
        }
    }

    pub(crate) fn frozen(&self) -> &Frozen {
        &self.0
    }
}
