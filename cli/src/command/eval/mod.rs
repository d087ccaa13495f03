//! `regovm eval`

mod args;
pub mod costs;
mod extras;
mod metrics;

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use regovm::bundle::BundleError;
use regovm::observe::{
    CostProfile, CostRecorder, Observe, Recorder, TraceFilter, TraceOptions, UncoveredKind,
    Wanted as Record,
};
use regovm::{
    Answer, Budget, Clock, Engine, ErrorReport, Failure, Phase, PreparedPolicy, QueryContext,
    Session, Stage,
};

use serde_json::json;

use super::{disable, document, engine_with, schemas};
use crate::bundles;
use crate::load::{Wanted, load, load_all};
use crate::mapped::Bytes;
use crate::programs;
use crate::render::{errors, go_json, result};
use crate::world;

pub use args::{EvalArgs, EvalFormat, ExplainMode, ProfileBy};
use extras::Extras;
use metrics::Metrics;

/// Exit status of an error while loading, compiling or evaluating.
const ERROR: u8 = 2;
/// Exit status when `--fail` or `--fail-defined` trips.
const TRIPPED: u8 = 1;

/// Runs the command and gives its exit status.
pub fn run(args: &EvalArgs) -> io::Result<u8> {
    if let Some(message) = misuse(args) {
        return crate::usage_error(&message, "eval");
    }
    if let Some(message) = impossible(args) {
        errors::complain(message)?;
        return Ok(ERROR);
    }
    let query = args.asked.text()?;
    let show = |answer: &Answer<'_>, extras: &Extras| {
        let mut out = io::BufWriter::new(io::stdout().lock());
        match args.format {
            EvalFormat::Pretty => {
                extras.write_before(&mut out)?;
                if extras.errors.is_empty() {
                    result::write(&mut out, args.format, answer, &[])?;
                } else {
                    out.flush()?;
                    errors::print(&collected(extras), "")?;
                }
                extras.write_after(&mut out)?;
            }
            EvalFormat::Json | EvalFormat::Discard => {
                result::write(&mut out, args.format, answer, &extras.to_json())?;
            }
            _ if !extras.errors.is_empty() => {
                errors::print(&collected(extras), "")?;
            }
            _ => result::write(&mut out, args.format, answer, &[])?,
        }
        out.flush()?;
        if let Some(text) = &extras.regression {
            io::stderr().write_all(text.as_bytes())?;
            return Ok(TRIPPED);
        }
        Ok(exit_status(args, answer))
    };
    let mut extras = Extras::default();
    match evaluate(args, &query, &mut extras, show) {
        Ok(status) => status,
        Err(failure) => {
            report(args, &failure, &extras)?;
            Ok(ERROR)
        }
    }
}

/// Errors that did not end the evaluation, as a failure that can be written.
fn collected(extras: &Extras) -> Failure {
    Failure {
        stage: Stage::Evaluate,
        errors: extras.errors.clone(),
    }
}

/// Flags that do not go together.
fn misuse(args: &EvalArgs) -> Option<String> {
    let message = if let Some(message) = args.asked.misuse_of_query() {
        message
    } else if args.asked.stdin_input && args.asked.input.is_some() {
        "specify --stdin-input or --input but not both"
    } else if args.fail && args.fail_defined {
        "specify --fail or --fail-defined but not both"
    } else if args.asked.stdin && args.asked.stdin_input {
        "specify --stdin or --stdin-input but not both"
    } else if args.format == EvalFormat::Source && !args.partial {
        "invalid output format for evaluation"
    } else if let Some(kind) =
        args.coverage_runs.iter().flatten().find(|kind| {
            !kind.is_empty() && !["index_excluded", "early_exit"].contains(&kind.as_str())
        })
    {
        return Some(format!(
            "invalid --coverage-runs value {kind:?} (expected \"index_excluded\" or \"early_exit\")"
        ));
    } else if args.count == 0 {
        "--count must be at least 1"
    } else if let Some(path) = args
        .profile_out
        .as_ref()
        .filter(|path| !costs::has_form(path))
    {
        return Some(costs::unknown_form(path));
    } else {
        return None;
    };
    Some(message.to_owned())
}

/// What opa does and this command does not, or not yet.
fn impossible(args: &EvalArgs) -> Option<&'static str> {
    if args.partial || !args.unknowns.is_empty() {
        Some(
            "partial evaluation is not there yet: evaluate the policy with its whole input (leave out --partial and --unknowns)",
        )
    } else if args.target != "rego" {
        Some("the only target is rego (leave out --target): policies always run as bytecode")
    } else if args.strict_builtin_errors && args.show_builtin_errors {
        Some(
            "cannot use --show-builtin-errors with --strict-builtin-errors, --strict-builtin-errors will return the first built-in error encountered immediately",
        )
    } else {
        None
    }
}

/// What of the evaluation is looked at.
struct Looks {
    profile: bool,
    metrics: bool,
    trace: bool,
    coverage: bool,
    errors: bool,
    /// The costs of the real program.
    costs: bool,
}

impl Looks {
    fn of(args: &EvalArgs) -> Looks {
        let profile = args.profile || args.profile_limit.is_some() || !args.profile_sort.is_empty();
        Looks {
            profile,
            metrics: args.metrics || args.instrument || profile,
            trace: args.explain != ExplainMode::Off,
            coverage: args.coverage || args.coverage_runs.is_some(),
            errors: args.show_builtin_errors,
            costs: args.profile_out.is_some()
                || args.profile_by.is_some()
                || args.profile_baseline.is_some(),
        }
    }

    /// Whether the policy has to be compiled for it.
    fn observe(&self, args: &EvalArgs) -> Option<Observe> {
        let any = self.profile || self.trace || self.coverage || self.errors || args.instrument;
        any.then_some(Observe {
            values: self.trace || self.errors,
            indexing: !args.disable_indexing,
            early_exit: !args.disable_early_exit,
        })
    }
}

/// If nothing asks for policies that are compiled in another way than saved programs are.
fn plain(args: &EvalArgs, engine: &Engine) -> bool {
    let untouched =
        args.asked.package.is_none() && args.asked.imports.is_empty() && args.disable.is_empty();
    let unchecked =
        !args.strict && args.asked.schema.is_none() && args.policies.capabilities.is_none();
    untouched && unchecked && !args.policies.v0_compatible && !engine.is_observed()
}

fn exit_status(args: &EvalArgs, answer: &Answer<'_>) -> u8 {
    let defined = !answer.is_undefined();
    if (args.fail && !defined) || (args.fail_defined && defined) {
        TRIPPED
    } else {
        0
    }
}

/// Everything that is loaded once.
struct Job<'j> {
    args: &'j EvalArgs,
    query: &'j str,
    engine: Engine,
    looks: Looks,
    /// What is compiled already.
    saved: Option<programs::Found>,
    input: Option<Bytes>,
    context: QueryContext,
    cancel: Arc<AtomicBool>,
    /// What loading took.
    loading: Metrics,
}

/// Evaluates the query and shows the answer as long as it is there.
fn evaluate<T>(
    args: &EvalArgs,
    query: &str,
    extras: &mut Extras,
    show: impl FnOnce(&Answer<'_>, &Extras) -> T,
) -> Result<T, Failure> {
    let load_failure = |message: String| Failure::message(Stage::Load, message);
    let mut engine = Engine::new();
    args.policies.configure(&mut engine);
    engine.set_strict(args.strict).set_enable_print(true);
    disable(&mut engine, &args.disable)?;
    let looks = Looks::of(args);
    engine
        .set_observe(looks.observe(args))
        .set_profiled(looks.costs || looks.profile);
    let mut loading = Metrics::default();
    let mut saved = None;
    if let Some(path) = &args.program {
        if !plain(args, &engine) {
            return Err(load_failure(
                "a saved program is compiled already: leave out flags that change how policies are compiled".to_owned(),
            ));
        }
        let loaded =
            load(&args.policies.data, &args.policies.ignore, Wanted::All).map_err(load_failure)?;
        if let Some((name, _)) = loaded.modules.first() {
            return Err(load_failure(format!(
                "{name}: policies cannot be added to a saved program, only data"
            )));
        }
        let documents: Vec<_> = loaded.data.into_iter().map(document).collect();
        saved = Some(programs::of_file(path, query, &documents)?);
    } else if !args.policies.data.is_empty() {
        let started = Instant::now();
        let loaded = load_all(&args.policies.data, &args.policies.ignore, Wanted::All);
        let (policies, data) = (!loaded.modules.is_empty(), !loaded.data.is_empty());
        let parsing = Instant::now();
        engine_with(loaded, &mut engine);
        loading.add("rego_load_files", started.elapsed());
        if policies {
            loading.add("rego_module_parse", parsing.elapsed());
        }
        if data {
            // Documents are parsed when everything is put together.
            loading.add("rego_data_parse", Duration::ZERO);
        }
    }
    if !args.policies.bundles.is_empty() {
        let started = Instant::now();
        let loaded = bundles::load_to_run(&args.policies.bundles, &args.policies.ignore)
            .map_err(BundleError::into_failure)?;
        if plain(args, &engine) && args.policies.data.is_empty() {
            saved = programs::of_bundle(&loaded, query);
        }
        if saved.is_none() {
            bundles::add_to_run(&mut engine, &loaded).map_err(BundleError::into_failure)?;
        }
        loading.add("rego_load_bundles", started.elapsed());
    }
    if let Some(path) = &args.asked.schema {
        schemas::add(&mut engine, path).map_err(load_failure)?;
    }
    let input = args.asked.read_input(Stage::Input)?;
    let cancel = crate::interrupt::flag();
    let job = Job {
        args,
        query,
        engine,
        looks,
        saved,
        input,
        context: args.asked.context(),
        cancel,
        loading,
    };
    extras.trace_options = TraceOptions {
        locations: true,
        expression_variables: args.var_values,
        ..TraceOptions::default()
    };
    // The runs after the first one give measurements only.
    let mut further = Vec::new();
    for _ in 1..args.count {
        let mut measured = Extras::default();
        let policy = job.prepare(&mut measured)?;
        let mut session = job.session(&policy);
        job.evaluate(&policy, &mut session, &mut measured, |_, _| ())?;
        further.push(measured);
    }
    let policy = job.prepare(extras)?;
    let mut session = job.session(&policy);
    job.evaluate(&policy, &mut session, extras, |answer, extras| {
        for measured in further {
            extras.metrics.extend(measured.metrics);
            extras.profiles.extend(measured.profiles);
        }
        show(answer, extras)
    })
}

impl Job<'_> {
    /// Compiles everything; what that takes goes to the metrics.
    fn prepare(&self, extras: &mut Extras) -> Result<PreparedPolicy, Failure> {
        if let Some((policy, _)) = &self.saved {
            if self.looks.metrics {
                extras.metrics.push(self.loading.clone());
            }
            return Ok(policy.clone());
        }
        let metrics = RefCell::new((self.loading.clone(), Instant::now()));
        let stage_began = Cell::new(Instant::now());
        let done = |phase: Phase| {
            let (metrics, since) = &mut *metrics.borrow_mut();
            let began = stage_began.replace(Instant::now());
            let name = match phase {
                Phase::Stage { name, of_query } => {
                    if self.args.instrument
                        && let Some(timer) = metrics::stage(name, of_query)
                    {
                        metrics.add(&timer, began.elapsed());
                    }
                    return;
                }
                Phase::QueryParse => "rego_query_parse",
                Phase::ModuleCompile if self.args.policies.data.is_empty() => "rego_query_compile",
                Phase::ModuleCompile => "rego_module_compile",
                Phase::QueryCompile => "rego_query_compile",
            };
            metrics.add(name, since.elapsed());
            *since = Instant::now();
        };
        let policy = self
            .engine
            .prepare_timed(&[self.query], &self.context, &done)?;
        if self.looks.metrics {
            extras.metrics.push(metrics.into_inner().0);
        }
        Ok(policy)
    }

    fn session(&self, policy: &PreparedPolicy) -> Session {
        let args = self.args;
        let mut session = policy.session();
        let started = Instant::now();
        let clock: Clock = Arc::new(move || started.elapsed());
        session
            .set_budget(Budget {
                steps: args.max_steps,
                memory: args.max_memory,
                deadline: (!args.timeout.is_zero()).then_some((args.timeout, clock)),
                cancel: Some(self.cancel.clone()),
            })
            .set_strict_builtin_errors(args.strict_builtin_errors)
            .set_strict_input(args.strict_input);
        session.set_host(args.policies.host());
        session
    }

    /// One evaluation; `go_on` gets the answer with all that was seen.
    fn evaluate<T>(
        &self,
        policy: &PreparedPolicy,
        session: &mut Session,
        extras: &mut Extras,
        go_on: impl FnOnce(&Answer<'_>, &mut Extras) -> T,
    ) -> Result<T, Failure> {
        let args = self.args;
        let started = Instant::now();
        let clock: Clock = Arc::new(move || started.elapsed());
        let recorder = Recorder::new(Record {
            profile: self.looks.profile.then_some(clock),
            coverage: self.looks.coverage,
            trace: self.looks.trace,
            stack: self.looks.errors,
        });
        if self.engine.is_observed() {
            session.set_recorder(Some(recorder.clone()));
        }
        let costs = CostRecorder::new({
            let started = Instant::now();
            Arc::new(move || started.elapsed())
        });
        let direct = self.looks.costs && !self.engine.is_observed();
        if direct {
            session.set_costs(Some(costs.clone()));
        }
        let evaluating = Instant::now();
        let query = self.saved.as_ref().map_or(0, |(_, query)| *query);
        let result = match &self.input {
            Some(bytes) => session.eval_document(query, bytes),
            None => session.eval_without_input(query),
        };
        if let Some(metrics) = extras.metrics.last_mut() {
            metrics.add("rego_query_eval", evaluating.elapsed());
            if args.instrument {
                let calls = recorder.calls();
                for (name, count) in [("hit", calls.known), ("miss", calls.evaluated)] {
                    if count > 0 {
                        metrics.count(&format!("eval_op_virtual_cache_{name}"), count);
                    }
                }
                if let Ok(answer) = &result {
                    metrics.count("regovm_steps", answer.steps());
                    metrics.count("regovm_arena_bytes", answer.memory() as u64);
                }
            }
        }
        if self.looks.trace {
            let filter = match args.explain {
                ExplainMode::Full | ExplainMode::Off => TraceFilter::Full,
                ExplainMode::Notes => TraceFilter::Notes,
                ExplainMode::Fails => TraceFilter::Fails,
                ExplainMode::Debug => TraceFilter::Debug,
            };
            extras.trace = Some(recorder.take_trace().filter(filter));
        }
        if self.looks.profile {
            let limit = args.profile_limit.unwrap_or(10);
            let rows = extras::sorted(recorder.profile(), &args.profile_sort, limit);
            extras.profiles.push(rows);
        }
        if self.looks.errors {
            extras.errors = recorder.take_builtin_errors();
        }
        if self.looks.coverage {
            let others = self.coverage_runs()?;
            extras.coverage = Some(self.engine.coverage(&recorder.covered(), &others));
        }
        let answer = result.map_err(|failure| self.trace_back(failure))?;
        if direct {
            self.show_costs(&costs.profile(policy), extras)?;
        } else if self.looks.costs {
            self.show_costs(&self.measure()?, extras)?;
        } else if self.looks.profile
            && let Ok(profile) = self.measure()
            && !profile.quadratic.is_empty()
        {
            // Advice that nobody asked for: what cannot be measured is no reason for an error.
            extras.notes = profile.notes();
            extras.costs = Some(json!({"quadratic": profile.quadratic_json()}));
        }
        Ok(go_on(&answer, extras))
    }

    /// The error of an evaluation with what was under way when it arose.
    fn trace_back(&self, failure: Failure) -> Failure {
        if self.saved.is_some() {
            return failure;
        }
        let mut again = |session: &mut Session| {
            let host = world::quiet_host(&[], self.args.policies.capabilities.as_ref());
            session
                .set_strict_builtin_errors(self.args.strict_builtin_errors)
                .set_host(Box::new(host));
            match &self.input {
                Some(bytes) => session.eval_document(0, bytes),
                None => session.eval_without_input(0),
            }
            .map(drop)
        };
        self.engine
            .trace_back(self.query, &self.context, failure, &mut again)
    }

    /// Writes and compares the profile of the real program, and keeps of it what is shown.
    fn show_costs(&self, profile: &CostProfile, extras: &mut Extras) -> Result<(), Failure> {
        let args = self.args;
        let by = args.profile_by.unwrap_or(ProfileBy::Time).weight();
        if let Some(path) = &args.profile_out {
            costs::write(path, profile, self.query, by)?;
        }
        if args.profile_by.is_some() {
            let limit = args.profile_limit.unwrap_or(10);
            extras.notes = costs::text(profile, by, usize::try_from(limit).unwrap_or(0));
            extras.costs = Some(profile.to_json(by)["regovm"].take());
        }
        extras.notes.push_str(&profile.notes());
        extras.regression = costs::regression(args, profile)?;
        Ok(())
    }

    /// Evaluates the real program once more to measure it: what was evaluated before was compiled to be observed. Nothing
    /// is printed, and the network is closed.
    fn measure(&self) -> Result<CostProfile, Failure> {
        let policy = self
            .engine
            .prepare_observed(&[self.query], &self.context, None)?;
        let started = Instant::now();
        let costs = CostRecorder::new(Arc::new(move || started.elapsed()));
        let mut session = self.session(&policy);
        session.set_host(Box::new(world::quiet_host(&[], None)));
        session.set_costs(Some(costs.clone()));
        match &self.input {
            Some(bytes) => session.eval_document(0, bytes)?,
            None => session.eval_without_input(0)?,
        };
        Ok(costs.profile(&policy))
    }

    /// The same evaluation without OPA's index of rules, and without early exit: what is covered only then says why it was
    /// not.
    fn coverage_runs(&self) -> Result<Vec<(UncoveredKind, regovm::observe::Covered)>, Failure> {
        let kinds = [
            (UncoveredKind::IndexExcluded, "index_excluded"),
            (UncoveredKind::EarlyExit, "early_exit"),
        ];
        let mut found = Vec::new();
        for (kind, name) in kinds {
            let wanted = match &self.args.coverage_runs {
                None => true,
                Some(kinds) => kinds.iter().any(|other| other == name),
            };
            if !wanted {
                continue;
            }
            let observe = Observe {
                values: false,
                indexing: kind != UncoveredKind::IndexExcluded && !self.args.disable_indexing,
                early_exit: kind != UncoveredKind::EarlyExit && !self.args.disable_early_exit,
            };
            let policy =
                self.engine
                    .prepare_observed(&[self.query], &self.context, Some(observe))?;
            let mut session = self.session(&policy);
            session.set_host(self.args.policies.quiet_host());
            let recorder = Recorder::new(Record {
                coverage: true,
                ..Record::default()
            });
            session.set_recorder(Some(recorder.clone()));
            let result = match &self.input {
                Some(bytes) => session.eval_document(0, bytes),
                None => session.eval_without_input(0),
            };
            if let Err(failure) = result {
                let what = match kind {
                    UncoveredKind::IndexExcluded => "rule indexing",
                    UncoveredKind::EarlyExit => "early exit",
                };
                // A warning that cannot be written is none.
                let _ = writeln!(
                    io::stderr(),
                    "warning: coverage pass with {what} disabled failed: {}",
                    failure.plain_text("").trim_end()
                );
            }
            found.push((kind, recorder.covered()));
        }
        Ok(found)
    }
}

fn report(args: &EvalArgs, failure: &Failure, extras: &Extras) -> io::Result<()> {
    // OPA does not count errors of the input among those of the query.
    if let (Stage::Input, [only]) = (failure.stage, failure.errors.as_slice()) {
        let mut err = io::stderr().lock();
        writeln!(err, "{only}")?;
        drop(err);
        return errors::print_hint(only.advice());
    }
    match args.format {
        EvalFormat::Json | EvalFormat::Discard => {
            let mut out = io::stdout().lock();
            let all: Vec<ErrorReport> = failure
                .errors
                .iter()
                .chain(&extras.errors)
                .cloned()
                .collect();
            let mut json = errors::all_as_json(&all);
            if let Some(object) = json.as_object_mut() {
                for (name, value) in extras.to_json() {
                    if name != "errors" {
                        object.insert(name.to_owned(), value);
                    }
                }
            }
            if args.format == EvalFormat::Discard {
                json.sort_all_objects();
            }
            go_json::write_indented(&mut out, &json)?;
            out.flush()?;
            errors::print_hint(failure.errors.first().and_then(ErrorReport::advice))
        }
        EvalFormat::Pretty => {
            let mut out = io::stdout().lock();
            extras.write_before(&mut out)?;
            out.flush()?;
            errors::print_list(failure)?;
            extras.write_after(&mut out)?;
            out.flush()
        }
        _ => errors::print_list(failure),
    }
}
