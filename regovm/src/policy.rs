//! A compiled policy, ready to be asked.

use std::sync::Arc;

use regovm_core::builtin::Table;
use regovm_core::value::Frozen;
use regovm_vm::{Linked, Program};

use crate::report::{Failure, Stage};
use crate::session::Session;

/// One expression of a query, as its text has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryExpression {
    /// Its text.
    pub text: String,
    /// Where it starts in the query, from 1.
    pub row: u32,
    /// Where it starts in the query, from 1.
    pub col: u32,
    /// The column of the row that has its value; without one its value is `true`.
    pub column: Option<usize>,
}

/// What is known of a query beside its code.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct QueryShape {
    /// Its expressions in the order of the text.
    pub expressions: Vec<QueryExpression>,
    /// Variables that the query names, with their columns.
    pub variables: Vec<(String, usize)>,
}

pub(crate) struct Compiled {
    pub(crate) program: Program,
    pub(crate) shapes: Vec<QueryShape>,
}

struct Inner {
    program: Program,
    linked: Linked,
    /// What it was linked with: so are programs that are loaded with its data.
    builtins: Arc<Table>,
    shapes: Vec<QueryShape>,
}

/// A compiled policy with its data: immutable, cheap to clone, shared by threads.
///
/// Each thread asks through a [`Session`] of its own.
#[derive(Clone)]
pub struct PreparedPolicy {
    inner: Arc<Inner>,
    data: Arc<Frozen>,
}

impl PreparedPolicy {
    pub(crate) fn new(
        compiled: Compiled,
        builtins: Arc<Table>,
        data: Arc<Frozen>,
    ) -> Result<PreparedPolicy, Failure> {
        let Compiled { program, shapes } = compiled;
        let linked = regovm_vm::link(&program, &builtins)
            .map_err(|error| Failure::message(Stage::Compile, error.to_string()))?;
        Ok(PreparedPolicy {
            inner: Arc::new(Inner {
                program,
                linked,
                builtins,
                shapes,
            }),
            data,
        })
    }

    /// A session for one thread.
    pub fn session(&self) -> Session {
        Session::new(self.clone())
    }

    /// The program as bytes: a versioned file that [`PreparedPolicy::load`] reads. Data is not part of it.
    pub fn save(&self) -> Vec<u8> {
        crate::saved::write(&self.inner.program, &self.inner.shapes)
    }

    /// A policy from bytes that [`PreparedPolicy::save`] made, with the data and the built-ins of `other`.
    pub fn load_with_data_of(
        file: &[u8],
        other: &PreparedPolicy,
    ) -> Result<PreparedPolicy, Failure> {
        PreparedPolicy::new(
            crate::saved::read(file)?,
            other.inner.builtins.clone(),
            other.data.clone(),
        )
    }

    /// A policy from bytes that [`PreparedPolicy::save`] made, without data. No Rego is parsed.
    pub fn load(file: &[u8]) -> Result<PreparedPolicy, Failure> {
        let empty = Frozen::build(|arena| arena.object_from([]));
        PreparedPolicy::new(
            crate::saved::read(file)?,
            crate::builtins(),
            Arc::new(empty),
        )
    }

    /// The shape of query number `index`.
    pub fn query(&self, index: usize) -> Option<&QueryShape> {
        self.inner.shapes.get(index)
    }

    pub(crate) fn program(&self) -> &Program {
        &self.inner.program
    }

    pub(crate) fn linked(&self) -> &Linked {
        &self.inner.linked
    }

    pub(crate) fn data(&self) -> &Frozen {
        &self.data
    }
}
