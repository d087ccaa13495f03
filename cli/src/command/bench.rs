//! `regovm bench`: measures a query.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::{ArgAction, Args, ValueEnum};
use regovm::bundle::BundleError;
use regovm::testing::{Measured, Once, measure};
use regovm::{Clock, Engine, Failure, Input, Stage};

use super::flags::{PolicyFlags, QueryFlags};
use super::{engine_with, schemas};
use crate::bundles;
use crate::load::{Wanted, load_all};
use crate::render::{bench, errors, go_json, table};
use crate::{allocations, world};

/// Exit status when the query cannot be measured.
const ERROR: u8 = 1;

/// The histogram of the times of evaluations.
const HISTOGRAM: &str = "histogram_timer_rego_query_eval_ns";

/// Output formats of `bench`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum BenchFormat {
    /// A table
    Pretty,
    /// JSON
    Json,
    /// The format of Go's benchmarks
    Gobench,
}

/// `regovm bench`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm bench -d policy/ -i input.json data.authz.allow\n  regovm bench -d policy/ -i input.json --count 5 -f gobench data.authz.allow\n\nThe query is evaluated as often as it takes to measure it, for about a second. The input is read\nbefore. B/op are the bytes of values that an evaluation makes; their memory is reused, and allocs/op are the few\nallocations beside.\n\nExit status: 0 if measured, 1 otherwise; an undefined result is an error unless --fail=false."
)]
pub struct BenchArgs {
    #[command(flatten)]
    pub asked: QueryFlags,
    #[command(flatten)]
    pub policies: PolicyFlags,
    /// Output format
    #[arg(short, long, value_enum, default_value = "pretty")]
    pub format: BenchFormat,
    /// How often to measure
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub count: u32,
    /// Tell the memory that an evaluation takes
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true")]
    pub benchmem: bool,
    /// Tell how the times of the evaluations are spread
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true")]
    pub metrics: bool,
    /// An undefined result is an error
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true")]
    pub fail: bool,
    /// Measures OPA's server, which regovm has not
    #[arg(long, hide = true)]
    pub e2e: bool,
    /// Configuration of OPA's server, which regovm has not
    #[arg(short, long, value_name = "FILE", hide = true)]
    pub config_file: Option<PathBuf>,
    /// Belongs to --e2e
    #[arg(long, value_name = "SECONDS", hide = true)]
    pub shutdown_grace_period: Option<u64>,
    /// Belongs to --e2e
    #[arg(long, value_name = "SECONDS", hide = true)]
    pub shutdown_wait_period: Option<u64>,
    /// Partial evaluation, which regovm has not
    #[arg(short, long, hide = true)]
    pub partial: bool,
    /// Belongs to --partial
    #[arg(short, long, value_name = "REF", hide = true)]
    pub unknowns: Vec<String>,
}

/// Runs the command and gives its exit status.
pub fn run(args: &BenchArgs) -> io::Result<u8> {
    if let Some(message) = misuse(args) {
        return crate::usage_error(message, "bench");
    }
    let query = args.asked.text()?;
    for _ in 0..args.count {
        match once(args, &query) {
            Ok(measured) => report(args, measured)?,
            Err(failure) => {
                match args.format {
                    BenchFormat::Json => {
                        errors::write_json(&mut io::stdout().lock(), &failure.errors)?;
                    }
                    _ => errors::print_list(&failure)?,
                }
                return Ok(ERROR);
            }
        }
    }
    Ok(0)
}

fn misuse(args: &BenchArgs) -> Option<&'static str> {
    if args.e2e
        || args.config_file.is_some()
        || args.shutdown_grace_period.is_some()
        || args.shutdown_wait_period.is_some()
    {
        Some(
            "--e2e, --config-file, --shutdown-grace-period and --shutdown-wait-period measure OPA's server, which regovm does not have: leave them out to measure the evaluation",
        )
    } else if args.partial || !args.unknowns.is_empty() {
        Some("--partial and --unknowns: regovm has no partial evaluation; leave them out")
    } else if let Some(message) = args.asked.misuse_of_query() {
        Some(message)
    } else if args.asked.stdin_input && args.asked.input.is_some() {
        Some("specify --stdin-input or --input but not both")
    } else if args.asked.stdin && args.asked.stdin_input {
        Some("specify --stdin or --stdin-input but not both")
    } else {
        None
    }
}

/// Loads, compiles and measures.
fn once(args: &BenchArgs, query: &str) -> Result<Measured, Failure> {
    let load_failure = |message: String| Failure::message(Stage::Load, message);
    let mut engine = Engine::new();
    args.policies.configure(&mut engine);
    engine_with(
        load_all(&args.policies.data, &args.policies.ignore, Wanted::All),
        &mut engine,
    );
    bundles::activate(&mut engine, &args.policies.bundles, &args.policies.ignore)
        .map_err(BundleError::into_failure)?;
    if let Some(path) = &args.asked.schema {
        schemas::add(&mut engine, path).map_err(load_failure)?;
    }
    let input = args.asked.read_input(Stage::Load)?;
    let context = args.asked.context();
    let policy = engine.prepare_with(&[query], &context)?;
    let mut session = policy.session();
    session.set_host(args.policies.host());
    let started = Instant::now();
    let clock: Clock = Arc::new(move || started.elapsed());
    let trace_back = |failure: Failure| {
        engine.trace_back(query, &context, failure, &mut |session| {
            session.set_host(Box::new(world::quiet_host(&[], None)));
            match &input {
                Some(bytes) => session.eval_document(0, bytes),
                None => session.eval_without_input(0),
            }
            .map(drop)
        })
    };
    // What is measured is the evaluation: the input was read before.
    let read = input
        .as_ref()
        .map(|bytes| Input::document(bytes))
        .transpose()?;
    allocations::count();
    measure(&clock, || {
        let before = allocations::counted();
        let answer = match &read {
            Some(input) => session.eval_input(0, input),
            None => session.eval_without_input(0),
        };
        let allocations = allocations::counted() - before;
        let answer = answer.map_err(trace_back)?;
        if answer.is_undefined() && args.fail {
            return Err(Failure::message(Stage::Evaluate, "undefined result"));
        }
        Ok(Once {
            bytes: answer.memory(),
            steps: answer.steps(),
            allocations,
        })
    })
}

fn report(args: &BenchArgs, mut measured: Measured) -> io::Result<()> {
    if args.metrics {
        let mut samples = std::mem::take(&mut measured.samples);
        samples.sort_unstable();
        for (name, value) in spread(&samples) {
            measured.extra.insert(format!("{HISTOGRAM}_{name}"), value);
        }
    }
    let mut out = io::stdout().lock();
    match args.format {
        BenchFormat::Json => go_json::write_indented(&mut out, &bench::json(&measured))?,
        BenchFormat::Gobench => {
            let line = bench::line(&measured, args.benchmem);
            writeln!(out, "BenchmarkOPAEval\t{line}")?;
        }
        BenchFormat::Pretty => {
            let per_run = measured.time.as_nanos() as f64 / measured.runs.max(1) as f64;
            let mut rows = vec![
                ("samples".to_owned(), measured.runs.to_string()),
                ("ns/op".to_owned(), bench::number(per_run)),
            ];
            if args.benchmem {
                let bytes = bench::bytes_per_run(&measured);
                rows.push(("B/op".to_owned(), bytes.to_string()));
                let allocations = bench::allocations_per_run(&measured);
                rows.push(("allocs/op".to_owned(), allocations.to_string()));
            }
            for (name, value) in &measured.extra {
                rows.push((name.clone(), bench::number(*value)));
            }
            writeln!(out, "{}", table::pairs(&rows))?;
        }
    }
    out.flush()
}

/// How sorted samples are spread, in the names of OPA's histograms.
fn spread(samples: &[u64]) -> Vec<(&'static str, f64)> {
    let count = samples.len() as f64;
    let sum: f64 = samples.iter().map(|sample| *sample as f64).sum();
    let mean = if samples.is_empty() { 0.0 } else { sum / count };
    let squares = samples.iter().map(|sample| (*sample as f64 - mean).powi(2));
    let variance = squares.sum::<f64>() / count.max(1.0);
    let end = |sample: Option<&u64>| sample.map_or(0.0, |sample| *sample as f64);
    vec![
        ("75%", percentile(samples, 0.75)),
        ("90%", percentile(samples, 0.9)),
        ("95%", percentile(samples, 0.95)),
        ("99%", percentile(samples, 0.99)),
        ("99.9%", percentile(samples, 0.999)),
        ("99.99%", percentile(samples, 0.9999)),
        ("count", count),
        ("max", end(samples.last())),
        ("mean", mean),
        ("median", percentile(samples, 0.5)),
        ("min", end(samples.first())),
        ("stddev", variance.sqrt()),
    ]
}

/// The value below which a part of the samples lies, between two samples in proportion.
fn percentile(samples: &[u64], part: f64) -> f64 {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return 0.0;
    };
    let position = part * (samples.len() as f64 + 1.0);
    if position < 1.0 {
        return *first as f64;
    }
    let index = position as usize;
    match (samples.get(index - 1), samples.get(index)) {
        (Some(low), Some(high)) => {
            let low = *low as f64;
            low + position.fract() * (*high as f64 - low)
        }
        _ => *last as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_samples() {
        let samples = [10, 20, 30, 40];
        assert_eq!(percentile(&samples, 0.5), 25.0);
        assert_eq!(percentile(&samples, 0.75), 37.5);
        assert_eq!(percentile(&samples, 0.99), 40.0);
        assert_eq!(percentile(&samples, 0.01), 10.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }
}
