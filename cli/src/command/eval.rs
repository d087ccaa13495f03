//! `regovm eval`

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use regovm::{Answer, Budget, Clock, Engine, Failure, QueryContext, Stage};

use super::{disable, engine_with, restrict, schemas, version};
use crate::args::{EvalArgs, EvalFormat};
use crate::bundles;
use crate::load::{Wanted, load, reason};
use crate::mapped::{self, Bytes};
use crate::render::{errors, result};
use crate::world;

/// Exit status of an error while loading, compiling or evaluating.
const ERROR: u8 = 2;
/// Exit status when `--fail` or `--fail-defined` trips.
const TRIPPED: u8 = 1;

/// Runs the command and gives its exit status.
pub fn run(args: &EvalArgs) -> io::Result<u8> {
    if let Some(message) = misuse(args) {
        return crate::usage_error(message, "eval");
    }
    let query = match args.query.first() {
        Some(query) => query.clone(),
        None => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text)?;
            text
        }
    };
    let show = |answer: &Answer<'_>| {
        let mut out = io::BufWriter::new(io::stdout().lock());
        result::write(&mut out, args.format, answer)?;
        out.flush()?;
        Ok(exit_status(args, answer))
    };
    match evaluate(args, &query, show) {
        Ok(status) => status,
        Err(failure) => {
            report(args, &failure)?;
            Ok(ERROR)
        }
    }
}

fn misuse(args: &EvalArgs) -> Option<&'static str> {
    if args.query.len() > 1 {
        Some("specify at most one query argument")
    } else if args.query.is_empty() && !args.stdin {
        Some("specify query argument or --stdin")
    } else if !args.query.is_empty() && args.stdin {
        Some("specify query argument or --stdin but not both")
    } else if args.stdin_input && args.input.is_some() {
        Some("specify --stdin-input or --input but not both")
    } else if args.fail && args.fail_defined {
        Some("specify --fail or --fail-defined but not both")
    } else if args.stdin && args.stdin_input {
        Some("specify --stdin or --stdin-input but not both")
    } else {
        None
    }
}

fn exit_status(args: &EvalArgs, answer: &Answer<'_>) -> u8 {
    let defined = !answer.is_undefined();
    if (args.fail && !defined) || (args.fail_defined && defined) {
        TRIPPED
    } else {
        0
    }
}

/// Evaluates the query and shows the answer as long as it is there.
fn evaluate<T>(
    args: &EvalArgs,
    query: &str,
    show: impl FnOnce(&Answer<'_>) -> T,
) -> Result<T, Failure> {
    let load_failure = |message: String| Failure::message(Stage::Load, message);
    let mut engine = Engine::new();
    engine
        .set_version(version(args.v0_compatible))
        .set_strict(args.strict)
        .set_enable_print(true);
    disable(&mut engine, &args.disable)?;
    restrict(&mut engine, args.capabilities.as_ref());
    engine_with(
        load(&args.data, &args.ignore, Wanted::All).map_err(load_failure)?,
        &mut engine,
    );
    bundles::activate(&mut engine, &args.bundles, &args.ignore)
        .map_err(regovm::bundle::BundleError::into_failure)?;
    if let Some(path) = &args.schema {
        schemas::add(&mut engine, path).map_err(load_failure)?;
    }
    let input = read_input(args)?;
    let context = QueryContext {
        package: args.package.clone(),
        imports: args.imports.clone(),
    };
    let policy = engine.prepare_with(&[query], &context)?;

    let cancel = Arc::new(AtomicBool::new(false));
    let cancelled = cancel.clone();
    // Only a second handler could make this fail, and there is none.
    let _ = ctrlc::set_handler(move || {
        // The second Ctrl-C does not wait for the machine to notice the first.
        if cancelled.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    let started = Instant::now();
    let clock: Clock = Arc::new(move || started.elapsed());
    let budget = Budget {
        steps: args.max_steps,
        memory: args.max_memory,
        deadline: (!args.timeout.is_zero()).then_some((args.timeout, clock)),
        cancel: Some(cancel),
    };
    let mut session = policy.session();
    session
        .set_budget(budget)
        .set_strict_builtin_errors(args.strict_builtin_errors)
        .set_strict_input(args.strict_input);
    session.set_host(Box::new(world::host(
        &args.allow_net,
        args.capabilities.as_ref(),
    )));
    let answer = match &input {
        Some(bytes) => session.eval_document(0, bytes)?,
        None => session.eval_without_input(0)?,
    };
    Ok(show(&answer))
}

/// An error of an input that cannot be had.
fn no_input(message: String) -> Failure {
    Failure::message(Stage::Input, message)
}

fn read_input(args: &EvalArgs) -> Result<Option<Bytes>, Failure> {
    if args.stdin_input {
        let mut bytes = Vec::new();
        io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|e| no_input(format!("standard input: {}", reason(&e))))?;
        return Ok(Some(Bytes::Read(bytes)));
    }
    let Some(path) = &args.input else {
        return Ok(None);
    };
    let bytes = mapped::file(path)
        .map_err(|e| no_input(format!("open {}: {}", path.display(), reason(&e))))?;
    Ok(Some(bytes))
}

fn report(args: &EvalArgs, failure: &Failure) -> io::Result<()> {
    // OPA does not count errors of the input among those of the query.
    if let (Stage::Input, [only]) = (failure.stage, failure.errors.as_slice()) {
        let mut err = io::stderr().lock();
        writeln!(err, "{only}")?;
        return only
            .hint
            .iter()
            .try_for_each(|hint| writeln!(err, "\thint: {hint}"));
    }
    match args.format {
        EvalFormat::Json | EvalFormat::Discard => {
            let mut out = io::stdout().lock();
            if args.format == EvalFormat::Json {
                errors::write_json(&mut out, &failure.errors)?;
            } else {
                errors::write_sorted_json(&mut out, &failure.errors)?;
            }
            out.flush()
        }
        _ => write!(io::stderr().lock(), "{}", failure.text("")),
    }
}
