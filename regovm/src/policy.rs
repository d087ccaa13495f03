//! A compiled policy, ready to be asked.

use std::sync::Arc;

use regovm_core::builtin::Table;
use regovm_core::json::{Projection, ProjectionBuilder, Step};
use regovm_vm::{LinkProblem, Linked, Program};

use crate::document::{Data, Document};
use crate::observe::UnservedLoop;
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
    /// For each query, what of the input it can look at.
    pub(crate) inputs: Vec<ProjectionBuilder>,
    /// Loops that no index serves.
    pub(crate) loops: Vec<UnservedLoop>,
}

struct Inner {
    program: Program,
    loops: Vec<UnservedLoop>,
    linked: Linked,
    /// What it was linked with: so are programs that are loaded with its data.
    builtins: Arc<Table>,
    shapes: Vec<QueryShape>,
    /// For saving, and as they are read with.
    inputs: Vec<(ProjectionBuilder, Projection)>,
}

/// A compiled policy with its data: immutable, cheap to clone, shared by threads.
///
/// Each thread asks through a [`Session`] of its own.
#[derive(Clone)]
pub struct PreparedPolicy {
    inner: Arc<Inner>,
    data: Data,
}

impl PreparedPolicy {
    pub(crate) fn new(
        compiled: Compiled,
        builtins: Arc<Table>,
        data: Data,
    ) -> Result<PreparedPolicy, Failure> {
        let Compiled {
            program,
            shapes,
            inputs,
            loops,
        } = compiled;
        let inputs = inputs
            .into_iter()
            .map(|wanted| {
                let projection = wanted.finish();
                (wanted, projection)
            })
            .collect();
        let linked = regovm_vm::link(&program, &builtins).map_err(|error| {
            let hint = (error.problem == LinkProblem::Missing).then(|| {
                "a built-in of the program that saved the policy: add it to an Engine and load with Engine::load"
                    .to_owned()
            });
            Failure::message(Stage::Compile, error.to_string()).with_hint(hint)
        })?;
        Ok(PreparedPolicy {
            inner: Arc::new(Inner {
                program,
                loops,
                linked,
                builtins,
                shapes,
                inputs,
            }),
            data,
        })
    }

    /// A session for one thread.
    pub fn session(&self) -> Session {
        Session::new(self.clone())
    }

    /// The same policy with other data, merged from documents as [`Engine::prepare`](crate::Engine::prepare) does; nothing is
    /// compiled again. Where data and a rule are in one place, data wins.
    pub fn with_documents(&self, documents: &[Document]) -> Result<PreparedPolicy, Failure> {
        Ok(self.with_data(&Data::new(documents)?))
    }

    /// The same policy with other data, which is not copied. Where data and a rule are in one place, data wins.
    pub fn with_data(&self, data: &Data) -> PreparedPolicy {
        PreparedPolicy {
            inner: self.inner.clone(),
            data: data.clone(),
        }
    }

    /// Its data, for other policies.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The program as bytes: a versioned file that [`PreparedPolicy::load`] reads. Data is not part of it.
    pub fn save(&self) -> Vec<u8> {
        let inputs = self.inner.inputs.iter().map(|(wanted, _)| wanted);
        crate::saved::write(&self.inner.program, &self.inner.shapes, inputs)
    }

    /// A policy from bytes that [`PreparedPolicy::save`] made, with the data and the built-ins of `other`.
    pub fn load_with_data_of(
        file: &[u8],
        other: &PreparedPolicy,
    ) -> Result<PreparedPolicy, Failure> {
        PreparedPolicy::read(file, other.inner.builtins.clone(), other.data.clone())
    }

    /// A policy from bytes that [`PreparedPolicy::save`] made, without data. No Rego is parsed. What calls built-ins of
    /// yours is loaded with [`Engine::load`](crate::Engine::load).
    pub fn load(file: &[u8]) -> Result<PreparedPolicy, Failure> {
        PreparedPolicy::read(file, crate::builtins(), Data::empty())
    }

    pub(crate) fn read(
        file: &[u8],
        builtins: Arc<Table>,
        data: Data,
    ) -> Result<PreparedPolicy, Failure> {
        PreparedPolicy::new(crate::saved::read(file)?, builtins, data)
    }

    /// The shape of query number `index`.
    pub fn query(&self, index: usize) -> Option<&QueryShape> {
        self.inner.shapes.get(index)
    }

    /// The paths of `input` that query number `index` can look at, each with everything below it, or with a
    /// question mark behind it if only matters whether there is something.
    pub fn input_paths(&self, index: usize) -> Vec<String> {
        let Some((wanted, _)) = self.inner.inputs.get(index) else {
            return Vec::new();
        };
        let path = |(steps, all): (Vec<Step<'_>>, bool)| {
            let mut text = String::from("input");
            for step in steps {
                match step {
                    Step::Any => text.push_str("[_]"),
                    Step::Member(name) => text.push_str(&format!("[{name:?}]")),
                }
            }
            if !all {
                text.push('?');
            }
            text
        };
        wanted.paths().into_iter().map(path).collect()
    }

    /// What of the input a query can look at, for those who read it by themselves.
    #[cfg(feature = "internals")]
    pub fn input_projection(&self, index: usize) -> Option<&Projection> {
        self.projection(index)
    }

    /// What of the input a query can look at.
    pub(crate) fn projection(&self, index: usize) -> Option<&Projection> {
        self.inner
            .inputs
            .get(index)
            .map(|(_, projection)| projection)
    }

    pub(crate) fn loops(&self) -> &[UnservedLoop] {
        &self.inner.loops
    }

    pub(crate) fn program(&self) -> &Program {
        &self.inner.program
    }

    pub(crate) fn linked(&self) -> &Linked {
        &self.inner.linked
    }
}
