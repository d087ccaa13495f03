//! `regovm bench`: measures a query.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::{ArgAction, Args, ValueEnum};
use regovm::bundle::BundleError;
use regovm::testing::{Measured, Once, measure};
use regovm::{Clock, Engine, Failure, Input, QueryContext, Stage};

use super::{engine_with, restrict, schemas, version};
use crate::bundles;
use crate::load::{Wanted, load_all, reason};
use crate::render::{bench, errors, go_json, table};
use crate::{allocations, mapped, world};

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
    /// The query, for example data.authz.allow
    pub query: Vec<String>,
    /// Policy or data: files, folders (recursively .rego, .json, .yaml), or prefix:path. Repeatable
    #[arg(short, long = "data", value_name = "PATH")]
    pub data: Vec<String>,
    /// Bundles with policies and data. Repeatable
    #[arg(short, long = "bundle", value_name = "PATH")]
    pub bundles: Vec<String>,
    /// Input document: a JSON or YAML file
    #[arg(short, long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Read the input document from standard input
    #[arg(short = 'I', long)]
    pub stdin_input: bool,
    /// Read the query from standard input
    #[arg(long)]
    pub stdin: bool,
    /// Package in which the query is read, for example a.b
    #[arg(long, value_name = "PACKAGE")]
    pub package: Option<String>,
    /// Import for the query, for example data.lib. Repeatable
    #[arg(long = "import", value_name = "REF")]
    pub imports: Vec<String>,
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
    /// JSON Schema of the input (a file), or a folder of schemas
    #[arg(short, long, value_name = "PATH")]
    pub schema: Option<PathBuf>,
    /// File and folder names to leave out, for example '.*'. Repeatable
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Read policies as Rego v0
    #[arg(long)]
    pub v0_compatible: bool,
    /// Refuse calls of built-ins that these capabilities do not name: a release of OPA, or a file
    #[arg(long, value_name = "FILE|VERSION", value_parser = crate::command::capabilities::named)]
    pub capabilities: Option<regovm::Capabilities>,
    /// Let policies reach these machines over the network (repeat, or separate with commas; * is all); none by default
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub allow_net: Vec<String>,
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
    let query = match args.query.first() {
        Some(query) => query.clone(),
        None => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text)?;
            text
        }
    };
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
    } else if args.query.len() > 1 {
        Some("specify at most one query argument")
    } else if args.query.is_empty() && !args.stdin {
        Some("specify query argument or --stdin")
    } else if !args.query.is_empty() && args.stdin {
        Some("specify query argument or --stdin but not both")
    } else if args.stdin_input && args.input.is_some() {
        Some("specify --stdin-input or --input but not both")
    } else if args.stdin && args.stdin_input {
        Some("specify --stdin or --stdin-input but not both")
    } else {
        None
    }
}

/// Loads, compiles and measures.
fn once(args: &BenchArgs, query: &str) -> Result<Measured, Failure> {
    let load_failure = |message: String| Failure::message(Stage::Load, message);
    let mut engine = Engine::new();
    engine.set_version(version(args.v0_compatible));
    restrict(&mut engine, args.capabilities.as_ref());
    engine_with(load_all(&args.data, &args.ignore, Wanted::All), &mut engine);
    bundles::activate(&mut engine, &args.bundles, &args.ignore)
        .map_err(BundleError::into_failure)?;
    if let Some(path) = &args.schema {
        schemas::add(&mut engine, path).map_err(load_failure)?;
    }
    let input = read_input(args)?;
    let context = QueryContext {
        package: args.package.clone(),
        imports: args.imports.clone(),
    };
    let policy = engine.prepare_with(&[query], &context)?;
    let mut session = policy.session();
    session.set_host(Box::new(world::host(
        &args.allow_net,
        args.capabilities.as_ref(),
    )));
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

fn read_input(args: &BenchArgs) -> Result<Option<mapped::Bytes>, Failure> {
    let failed = |message: String| Failure::message(Stage::Load, message);
    if args.stdin_input {
        let mut bytes = Vec::new();
        io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|e| failed(format!("standard input: {}", reason(&e))))?;
        return Ok(Some(mapped::Bytes::Read(bytes)));
    }
    let Some(path) = &args.input else {
        return Ok(None);
    };
    mapped::file(path)
        .map(Some)
        .map_err(|e| failed(format!("open {}: {}", path.display(), reason(&e))))
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
