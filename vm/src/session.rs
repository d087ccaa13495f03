//! Running queries of a program, again and again.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use regovm_core::Code;
use regovm_core::Span;
use regovm_core::builtin::{Caches, Meter, StopReason};
use regovm_core::host::Host;
use regovm_core::value::{Arena, Value};

use crate::budget::{Budget, Deadline};
use crate::error::{EvalError, exhausted};
use crate::index::Indexing;
use crate::link::Linked;
use crate::machine::{Buffers, Machine};
use crate::observe::Observer;
use crate::profile::Profile;
use crate::program::Program;

/// Settings of one run.
#[derive(Clone)]
pub struct Options {
    /// Steps after which the query is stopped.
    pub max_steps: Option<u64>,
    /// When to stop.
    pub deadline: Option<Deadline>,
    /// Set by another thread to stop the query.
    pub cancel: Option<Arc<AtomicBool>>,
    /// A built-in that fails ends the query; otherwise it is undefined.
    pub strict_builtin_errors: bool,
    /// How deep calls may nest.
    pub max_depth: usize,
    /// When iterations build indexes.
    pub indexing: Indexing,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            max_steps: None,
            deadline: None,
            cancel: None,
            strict_builtin_errors: false,
            max_depth: 100_000,
            indexing: Indexing::default(),
        }
    }
}

/// Puts the reading of an input under the budgets of a run, as long as it lives.
pub struct Reading {
    budget: Budget,
    _watched: regovm_core::work::Watched,
}

impl Options {
    /// Begins to read an input.
    pub fn reading(&self) -> Reading {
        let budget = Budget::new(None, self.deadline.clone(), self.cancel.clone());
        let _watched = budget.watch();
        Reading { budget, _watched }
    }
}

impl Reading {
    /// The budget that ended the reading, if one did, in words. What was read means nothing then.
    pub fn stopped(&mut self, arena: &Arena) -> Option<String> {
        let reason = match arena.check() {
            Ok(()) => self.budget.look().err()?,
            Err(_) => StopReason::Memory,
        };
        Some(exhausted(reason, &self.budget, arena.limit(), usize::MAX))
    }
}

/// What a query gives.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer<'a> {
    /// Its solutions, each with one value for each column of [`crate::program::Query::row`].
    pub rows: Vec<Vec<Value<'a>>>,
    /// Steps that it took: the same on every run and every machine.
    pub steps: u64,
}

/// What runs: a program, its built-ins, and base data.
#[derive(Clone, Copy)]
pub struct Target<'p> {
    /// The program.
    pub program: &'p Program,
    /// Its built-ins.
    pub linked: &'p Linked,
    /// The root of base data; none is an empty object. It outlives the run.
    pub data: Option<Value<'p>>,
    /// What policies see instead of it, for this run only. It may share values with `data`.
    pub shown: Option<Value<'p>>,
}

/// Who looks at a run; nobody by default.
#[derive(Default)]
pub struct Watch<'w> {
    /// Is told of the points of a program that was compiled to be observed.
    pub observer: Option<&'w mut dyn Observer>,
    /// Collects costs of any program.
    pub profile: Option<&'w mut Profile>,
}

/// What is kept between runs of one thread: the machine's buffers and the caches of built-ins.
#[derive(Default)]
pub struct Session {
    caches: Caches,
    /// Away while something runs.
    buffers: Option<Buffers>,
    steps: u64,
}

impl Session {
    /// A session.
    pub fn new() -> Session {
        Session::default()
    }

    /// Steps of the last run, also of one that was stopped.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Runs a query of the program. `input` lives in the same arena as the answer; the arena's limit is the memory budget.
    pub fn run<'a>(
        &mut self,
        target: Target<'a>,
        query: usize,
        arena: &'a Arena,
        input: Option<Value<'a>>,
        options: &Options,
        host: &mut dyn Host,
    ) -> Result<Answer<'a>, EvalError> {
        self.run_watched(target, query, arena, input, options, host, Watch::default())
    }

    /// As [`Session::run`], while somebody looks on.
    #[allow(clippy::too_many_arguments)]
    pub fn run_watched<'a>(
        &mut self,
        target: Target<'a>,
        query: usize,
        arena: &'a Arena,
        input: Option<Value<'a>>,
        options: &Options,
        host: &mut dyn Host,
        watch: Watch<'_>,
    ) -> Result<Answer<'a>, EvalError> {
        let Some(entry) = target.program.queries.get(query) else {
            return Err(EvalError {
                code: Code::EvalInternal,
                message: format!("the program has no query {query}"),
                span: Span::NONE,
                stop: None,
            });
        };
        let budget = Budget::new(
            options.max_steps,
            options.deadline.clone(),
            options.cancel.clone(),
        );
        let _watched = budget.watch();
        self.caches.begin_run(arena);
        let buffers = self.buffers.take().unwrap_or_default();
        let watch = Watch {
            observer: match watch.observer {
                Some(observer) => Some(&mut *observer),
                None => None,
            },
            profile: watch.profile,
        };
        let mut machine = Machine::new(
            target,
            arena,
            input,
            budget,
            options,
            host,
            &mut self.caches,
            buffers,
            watch,
        );
        let result = machine.query(entry.function);
        let steps = machine.steps();
        self.steps = steps;
        let (rows, buffers) = machine.finish();
        self.buffers = Some(buffers);
        result?;
        Ok(Answer { rows, steps })
    }
}
