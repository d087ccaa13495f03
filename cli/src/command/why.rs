//! `regovm why`

use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use regovm::observe::{Observe, Recorder, Wanted as Record, Why};
use regovm::{Budget, Engine, Failure, QueryContext, Stage};

use super::{engine_with, shown, version};
use crate::load::{Wanted, load_all, reason};
use crate::world;

/// `regovm why`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm why -d policy/ -i input.json data.authz.allow\n  terraform show -json plan.out | regovm why -d policy/ -I data.terraform.allow\n\nFor each body of the rule the first expression that did not hold is named, with its values; of several attempts in a\nloop the one that came furthest. Rules that this expression asks for are explained below it."
)]
pub struct WhyArgs {
    /// The query: a rule, for example data.authz.allow
    query: String,
    /// Policy or data: files, folders (recursively .rego, .json, .yaml), or prefix:path. Repeatable
    #[arg(short, long = "data", value_name = "PATH")]
    data: Vec<String>,
    /// Policy and data as a bundle: a folder or an archive. Repeatable
    #[arg(short, long = "bundle", value_name = "PATH")]
    bundles: Vec<String>,
    /// Input document: a JSON or YAML file
    #[arg(short, long, value_name = "FILE", conflicts_with = "stdin_input")]
    input: Option<PathBuf>,
    /// Read the input document from standard input
    #[arg(short = 'I', long)]
    stdin_input: bool,
    /// Package in which the query is read, for example a.b
    #[arg(long, value_name = "PACKAGE")]
    package: Option<String>,
    /// Read policies as Rego v0
    #[arg(long)]
    v0_compatible: bool,
    /// File and folder names to leave out, for example '.*'. Repeatable
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Stop after this time, for example 500ms or 1m30s; 0 is no limit
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse, default_value = "0")]
    timeout: Duration,
}

/// Runs the command and gives its exit status: 0, whatever the query gives.
pub fn run(args: &WhyArgs) -> io::Result<u8> {
    shown(explain(args))
}

fn explain(args: &WhyArgs) -> Result<String, Failure> {
    let mut engine = Engine::new();
    engine
        .set_version(version(args.v0_compatible))
        // Rules that the index leaves out are those whose failure is asked for.
        .set_observe(Some(Observe {
            values: true,
            indexing: false,
            early_exit: true,
        }));
    engine_with(load_all(&args.data, &args.ignore, Wanted::All), &mut engine);
    crate::bundles::activate(&mut engine, &args.bundles, &args.ignore)
        .map_err(regovm::bundle::BundleError::into_failure)?;
    let context = QueryContext {
        package: args.package.clone(),
        imports: Vec::new(),
    };
    let input = match (&args.input, args.stdin_input) {
        (_, true) => {
            let mut bytes = Vec::new();
            let read = io::stdin().read_to_end(&mut bytes);
            read.map_err(|e| Failure::message(Stage::Input, reason(&e)))?;
            Some(bytes)
        }
        (Some(path), _) => Some(std::fs::read(path).map_err(|e| {
            let message = format!("open {}: {}", path.display(), reason(&e));
            Failure::message(Stage::Input, message)
        })?),
        (None, _) => None,
    };
    let policy = engine.prepare_with(&[args.query.as_str()], &context)?;
    let recorder = Recorder::new(Record {
        trace: true,
        ..Record::default()
    });
    let mut session = policy.session();
    let started = std::time::Instant::now();
    let clock: regovm::Clock = std::sync::Arc::new(move || started.elapsed());
    session
        .set_budget(Budget {
            deadline: (!args.timeout.is_zero()).then_some((args.timeout, clock)),
            cancel: Some(crate::interrupt::flag()),
            ..Budget::default()
        })
        .set_recorder(Some(recorder.clone()));
    session.set_host(Box::new(world::host(&[], None)));
    let answer = match &input {
        Some(bytes) => session.eval_document(0, bytes)?,
        None => session.eval_without_input(0)?,
    };
    let value = match answer.value() {
        Some(value) => crate::render::go_json::compact(&value),
        None => "undefined".to_owned(),
    };
    let why = Why::of(&recorder.take_trace());
    let mut text = format!("{} is {value}\n", args.query.trim());
    match why.to_text().as_str() {
        "" => text.push_str("  the query asks for no rule: there is nothing that could fail\n"),
        lines => lines
            .lines()
            .for_each(|line| text.push_str(&format!("  {line}\n"))),
    }
    Ok(text)
}
