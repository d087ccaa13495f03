//! Looking on while a policy is evaluated: profiles, coverage, traces.
//!
//! ```
//! use regovm::{Engine, observe::{Observe, Recorder, Wanted}};
//!
//! let mut engine = Engine::new();
//! engine.set_observe(Some(Observe::default()));
//! engine.add_module("p.rego", "package p\nallow if input.x == 1\n");
//! let policy = engine.prepare("data.p.allow")?;
//! let recorder = Recorder::new(Wanted { coverage: true, ..Wanted::default() });
//! let mut session = policy.session();
//! session.set_recorder(Some(recorder.clone()));
//! session.eval_json(br#"{"x": 1}"#)?;
//! let report = engine.coverage(&recorder.covered(), &[]);
//! assert_eq!(report.coverage, 100.0);
//! # Ok::<(), regovm::Failure>(())
//! ```
//!
//! A program that is observed is compiled for it ([`Engine::set_observe`](crate::Engine::set_observe)): it evaluates in
//! OPA's order and without the rewrites of the optimiser, so that counts and traces are those of OPA. What the real
//! program costs is measured without that, by [`CostProfile`].

mod costs;
mod coverage;
mod frames;
mod html;
mod trace;
pub(crate) mod traceback;
mod why;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use regovm_core::value::Value;
use regovm_core::{Constant, Span};
use regovm_vm::observe::{Documents, Observed, Point, Site, SiteKind};
use regovm_vm::{EvalError, Program};

use crate::report::{ErrorReport, TraceFrame};
use crate::session::Clock;

pub(crate) use costs::UnservedLoop;
pub use costs::{
    CostChange, CostDifference, CostLine, CostProfile, CostRecorder, CostSite, CostStack,
    Quadratic, Weight,
};
pub use coverage::{Coverage, Covered, FileCoverage, Position, Range, UncoveredKind};
pub use frames::{Event, Operation};
pub use regovm_compiler::lower::Observe;
pub use regovm_vm::profile::Costs;
pub use trace::{Explain as TraceFilter, Trace, TraceOptions};
pub use why::{Branch as WhyBranch, Why};

use frames::{Frames, Keep};
pub(crate) use trace::truncate;

/// What a [`Recorder`] keeps.
#[derive(Clone, Default)]
pub struct Wanted {
    /// The profile of expressions, by this clock.
    pub profile: Option<Clock>,
    /// Expressions and rules that were evaluated.
    pub coverage: bool,
    /// Every event.
    pub trace: bool,
    /// What was under way when an error arose; needs [`Observe::values`].
    pub stack: bool,
}

/// One row of OPA's profile: the expressions of one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileRow {
    /// The file; empty for the query.
    pub file: String,
    /// The line, from 1.
    pub row: u32,
    /// The column of the expression of the line that was evaluated first.
    pub col: u32,
    /// The text of that expression.
    pub text: String,
    /// Nanoseconds from its events to the next ones.
    pub nanos: u64,
    /// How often expressions began.
    pub num_eval: u64,
    /// How often more solutions were looked for.
    pub num_redo: u64,
    /// Expressions that the compiler made of the line.
    pub num_gen_expr: u64,
}

/// What was evaluated while a session was watched. Clones share what they keep.
#[derive(Clone)]
pub struct Recorder(Arc<Mutex<Recording>>);

struct Recording {
    wanted: Wanted,
    frames: Frames,
    rows: HashMap<(String, u32), (ProfileRow, Vec<u32>)>,
    /// The event before: its row, whether it was an eval, and when it happened.
    last: Option<((String, u32), bool, u64)>,
    places: HashMap<u32, (String, u32, u32)>,
    covered: Covered,
    trace: Vec<Event>,
    sites: Arc<Vec<TraceSite>>,
    names: Names,
    errors: Vec<ErrorReport>,
    /// What was under way when the error arose that ended the evaluation.
    stack: Option<Vec<TraceFrame>>,
    calls: Calls,
}

/// Calls of rules and functions.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Calls {
    /// Those that had to be evaluated.
    pub evaluated: u64,
    /// Those whose result was known.
    pub known: u64,
}

/// Names of variables: of the rewritten tree, and of the author.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    raw: Arc<Vec<String>>,
    written: Arc<HashMap<String, String>>,
}

impl Names {
    fn of(observed: &Observed) -> Names {
        Names {
            raw: Arc::new(observed.names.clone()),
            written: Arc::new(observed.written.iter().cloned().collect()),
        }
    }

    pub(crate) fn raw(&self, number: u32) -> &str {
        &self.raw[number as usize]
    }

    pub(crate) fn written(&self, number: u32) -> &str {
        self.find_written(self.raw(number))
    }

    pub(crate) fn find_written<'n>(&'n self, raw: &'n str) -> &'n str {
        match self.written.get(raw) {
            Some(written) => written,
            // Wildcards, and what holds the value of an expression of a query.
            None if raw.starts_with('$') => "_",
            None => raw,
        }
    }
}

/// A site as a trace shows it.
#[derive(Clone, Debug)]
pub(crate) struct TraceSite {
    pub(crate) kind: SiteKind,
    pub(crate) file: String,
    pub(crate) row: u32,
    pub(crate) col: u32,
    pub(crate) text: String,
    /// The text in the source.
    pub(crate) source: String,
    /// Its place in its body.
    pub(crate) index: u32,
    /// References that were looked up for it.
    pub(crate) references: Vec<String>,
    /// Names of its variables in the rewritten tree, with where they stand.
    pub(crate) variables: Vec<(String, u32, u32)>,
    /// Where it stands.
    pub(crate) span: Span,
    /// Where its variables stand.
    pub(crate) variable_spans: Vec<Span>,
    /// The rules that it mentions: their names, and where the references begin.
    pub(crate) documents: Vec<(u32, Span)>,
    /// The syntax tree.
    pub(crate) tree: Constant,
    /// Of a rule: names of variables of its body, with where they stand.
    pub(crate) inner: Vec<(String, u32, u32)>,
    /// Of a rule: its reference, as a tree.
    pub(crate) path: Constant,
}

fn frames_for(wanted: &Wanted) -> Frames {
    Frames::new(Keep {
        trace: wanted.trace,
        stack: None,
    })
}

impl Recorder {
    /// Keeps what is wanted.
    pub fn new(wanted: Wanted) -> Recorder {
        Recorder(Arc::new(Mutex::new(Recording {
            frames: frames_for(&wanted),
            wanted,
            rows: HashMap::new(),
            last: None,
            places: HashMap::new(),
            covered: Covered::default(),
            trace: Vec::new(),
            sites: Arc::default(),
            names: Names::default(),
            errors: Vec::new(),
            stack: None,
            calls: Calls::default(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Recording> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of OPA's profile, in no order that means anything.
    pub fn profile(&self) -> Vec<ProfileRow> {
        let recording = self.lock();
        let rows = recording.rows.values().map(|(row, indexes)| ProfileRow {
            num_gen_expr: indexes.len() as u64,
            ..row.clone()
        });
        let mut rows: Vec<ProfileRow> = rows.collect();
        rows.sort_by(|a, b| (&a.file, a.row).cmp(&(&b.file, b.row)));
        rows
    }

    /// What was covered so far.
    pub fn covered(&self) -> Covered {
        self.lock().covered.clone()
    }

    /// The trace so far; what was recorded of it is forgotten.
    pub fn take_trace(&self) -> Trace {
        let mut recording = self.lock();
        let events = std::mem::take(&mut recording.trace);
        Trace::new(events, recording.sites.clone(), recording.names.clone())
    }

    /// How often rules and functions were asked for.
    pub fn calls(&self) -> Calls {
        self.lock().calls
    }

    /// Errors of built-ins that made their calls undefined, in the order in which they happened.
    pub fn take_builtin_errors(&self) -> Vec<ErrorReport> {
        std::mem::take(&mut self.lock().errors)
    }

    /// What was under way when the error arose that ended the last evaluation, innermost first.
    pub(crate) fn take_stack(&self) -> Vec<TraceFrame> {
        self.lock().stack.take().unwrap_or_default()
    }

    /// Forgets everything but what is wanted.
    pub fn clear(&self) {
        let mut recording = self.lock();
        let wanted = recording.wanted.clone();
        recording.rows.clear();
        recording.last = None;
        recording.covered = Covered::default();
        recording.trace.clear();
        recording.errors.clear();
        recording.calls = Calls::default();
        recording.stack = None;
        recording.frames = frames_for(&wanted);
    }

    /// Looks at one evaluation. What is recorded of another program before must have been taken.
    pub(crate) fn watch<T>(
        &self,
        program: &Program,
        run: impl FnOnce(&mut dyn regovm_vm::observe::Observer) -> T,
    ) -> T {
        let mut recording = self.lock();
        recording.begin(program);
        let result = run(&mut *recording);
        recording.end(program);
        result
    }
}

impl Recording {
    fn begin(&mut self, program: &Program) {
        self.places.clear();
        self.last = None;
        self.stack = None;
        let stack = self.wanted.stack.then(|| traceback::names(program));
        self.frames.begin(stack);
        if self.wanted.trace {
            let mentioned = &program.observed.documents;
            let site = |(number, site): (usize, &Site)| {
                let locate = |span: Span| {
                    let at = program.sources.locate(span);
                    at.map_or((String::new(), 0, 0), |at| {
                        (at.file.to_string(), at.row, at.col)
                    })
                };
                let shown = match site.kind {
                    SiteKind::Rule | SiteKind::PartialRule => site.whole,
                    _ => site.span,
                };
                let (file, row, col) = locate(shown);
                let place = |(name, span): &(String, Span)| {
                    let (_, row, col) = locate(*span);
                    (name.clone(), row, col)
                };
                let variables = site.variables.iter().map(place);
                TraceSite {
                    kind: site.kind,
                    file,
                    row,
                    col,
                    text: site.text.clone(),
                    source: program.sources.text(shown).to_owned(),
                    index: site.index,
                    references: site.references.clone(),
                    variables: variables.collect(),
                    span: shown,
                    tree: site.tree.clone(),
                    path: site.path.clone(),
                    inner: site.inner.iter().map(place).collect(),
                    variable_spans: site.variables.iter().map(|(_, span)| *span).collect(),
                    documents: mentioned.get(number).map_or_else(Vec::new, |documents| {
                        let documents = documents.iter();
                        documents
                            .map(|document| (document.name, document.span))
                            .collect()
                    }),
                }
            };
            self.sites = Arc::new(
                program
                    .observed
                    .sites
                    .iter()
                    .enumerate()
                    .map(site)
                    .collect(),
            );
            self.names = Names::of(&program.observed);
        }
    }

    fn end(&mut self, program: &Program) {
        if self.wanted.stack && self.stack.is_none() {
            // Whatever is still under way was ended by an error.
            self.stack = Some(traceback::frames(program, self.frames.running_now()));
        }
        let mut events = Vec::new();
        self.frames.end(program, &mut |event| events.push(event));
        for event in events {
            self.event(program, event);
        }
        let events = self.frames.take();
        let sites = &self.sites;
        self.trace.extend(events.into_iter().map(|mut event| {
            let rule = event
                .reference
                .take()
                .and_then(|number| number.parse::<usize>().ok());
            event.reference = rule.and_then(|rule| Some(sites.get(rule)?.text.clone()));
            event
        }));
        self.pay(None);
    }

    /// Charges the time since the last event to it.
    fn pay(&mut self, next: Option<((String, u32), bool)>) {
        let Some(clock) = &self.wanted.profile else {
            return;
        };
        let now = clock().as_nanos() as u64;
        if let Some((key, is_eval, since)) = self.last.take()
            && let Some((row, _)) = self.rows.get_mut(&key)
        {
            row.nanos += now.saturating_sub(since);
            match is_eval {
                true => row.num_eval += 1,
                false => row.num_redo += 1,
            }
        }
        self.last = next.map(|(key, is_eval)| (key, is_eval, clock().as_nanos() as u64));
    }

    /// What profile and coverage make of an event, in the order in which things happen here.
    fn event(&mut self, program: &Program, (operation, number): (Operation, u32)) {
        let site = &program.observed.sites[number as usize];
        let expression = site.kind == SiteKind::Expression;
        match operation {
            Operation::Eval | Operation::Redo if expression => {}
            Operation::Exit if self.wanted.coverage => {
                if matches!(site.kind, SiteKind::Rule | SiteKind::PartialRule) {
                    self.covered.add(&program.sources, site.span);
                }
                return;
            }
            _ => return,
        }
        if self.wanted.coverage && operation == Operation::Eval {
            self.covered.add(&program.sources, site.span);
        }
        if self.wanted.profile.is_none() {
            return;
        }
        let (file, row, col) = self
            .places
            .entry(number)
            .or_insert_with(|| {
                let at = program.sources.locate(site.span);
                at.map_or(("".to_owned(), 0, 0), |at| {
                    (at.file.to_string(), at.row, at.col)
                })
            })
            .clone();
        let key = (file, row);
        self.pay(Some((key.clone(), operation == Operation::Eval)));
        let entry = self.rows.entry(key).or_insert_with_key(|(file, row)| {
            let empty = ProfileRow {
                file: file.clone(),
                row: *row,
                col,
                text: program.sources.text(site.span).to_owned(),
                nanos: 0,
                num_eval: 0,
                num_redo: 0,
                num_gen_expr: 0,
            };
            (empty, Vec::new())
        });
        if !entry.1.contains(&site.index) {
            entry.1.push(site.index);
        }
    }
}

impl regovm_vm::observe::Observer for Recording {
    fn reached(
        &mut self,
        program: &Program,
        point: &Point,
        values: &[(u32, Value<'_>)],
        documents: &dyn Documents,
    ) {
        let mut events = Vec::new();
        let frames = &mut self.frames;
        frames.reached(program, point, values, documents, &mut |event| {
            events.push(event);
        });
        for event in events {
            self.event(program, event);
        }
    }

    fn called(&mut self, function: u32, key: u64) {
        self.calls.evaluated += 1;
        self.frames.called(function, key);
    }

    fn recalled(&mut self, function: u32, key: u64) {
        self.calls.known += 1;
        self.frames.recalled(function, key);
    }

    fn note(&mut self, _: Span, text: &str) {
        self.frames.note(text);
    }

    fn conflict(&mut self, program: &Program) {
        if self.wanted.stack && self.stack.is_none() {
            self.stack = Some(traceback::frames(program, self.frames.running_now()));
        }
    }

    fn builtin_error(&mut self, program: &Program, error: EvalError) {
        let mut report = ErrorReport::message(error.message);
        report.code = Some(error.code);
        report.location = program.sources.locate(error.span);
        if self.wanted.stack {
            report.trace = traceback::frames(program, self.frames.running_now());
        }
        self.errors.push(report);
    }
}
