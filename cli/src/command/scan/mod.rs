//! `regovm scan`: many inputs against many policies, by conftest's conventions.

mod args;
mod ask;
mod findings;
mod inputs;
mod locate;
mod output;
mod parse_config;
mod plan;
mod run;
mod settings;

use std::io::{self, IsTerminal, Write};

use regovm::observe::Observe;
use regovm::{Engine, Failure, Stage};

pub use args::ScanArgs;
use ask::Limits;
use findings::Totals;
use inputs::Trouble;
use plan::Plan;
use run::{Report, Scan};
use settings::Settings;

use super::{engine_with, restrict};
use crate::interrupt;
use crate::load::{Wanted, load};
use crate::render::colour;

/// Exit status when rules failed, and of all errors.
const FAILED: u8 = 1;
/// Exit status of failures with `--fail-on-warn`.
const FAILED_WITH_WARNINGS: u8 = 2;
/// Exit status after Ctrl-C.
const INTERRUPTED: u8 = 130;

/// Runs the command and gives its exit status.
pub fn run(args: &ScanArgs) -> io::Result<u8> {
    if args.paths.is_empty() {
        return crate::usage_error(
            "missing required arguments: name files, folders or -",
            "scan",
        );
    }
    let settings = match Settings::of(args) {
        Ok(settings) => settings,
        Err(message) => return crate::usage_error(&message, "scan"),
    };
    let plan = match plan(args, &settings) {
        Ok(plan) => plan,
        Err(failure) => {
            write!(
                io::stderr(),
                "Error: {}",
                failure.text(during(failure.stage))
            )?;
            return Ok(FAILED);
        }
    };
    let (inputs, troubles) = inputs::find(
        &args.paths,
        settings.ignore.as_ref(),
        settings.stdin_name.as_deref(),
    );
    if inputs.is_empty() && troubles.is_empty() {
        writeln!(
            io::stderr(),
            "Error: no files found\n\thint: folders are searched for files whose names tell their format; name others themselves, with --parser"
        )?;
        return Ok(FAILED);
    }
    if let Some(message) = &plan.nothing_asked {
        writeln!(io::stderr(), "Warning: {message}")?;
    }
    let cancel = interrupt::flag();
    let scan = Scan {
        plan: &plan,
        settings: &settings,
        limits: Limits {
            timeout: args.timeout,
            steps: args.max_steps,
            memory: args.max_memory,
            cancel: cancel.clone(),
        },
        allow_net: &args.allow_net,
        jobs: args.jobs,
    };
    let mut report = match settings.combine {
        true => scan.combined(&inputs),
        false => scan.each(&inputs),
    };
    report.troubles.splice(0..0, troubles);
    finish(&settings, &report, interrupt::is_set(&cancel))
}

/// What OPA says behind `errors occurred` of a stage.
fn during(stage: Stage) -> &'static str {
    match stage {
        Stage::Load => " during loading",
        _ => "",
    }
}

/// Loads policies and data, and compiles what is asked.
fn plan(args: &ScanArgs, settings: &Settings) -> Result<Plan, Failure> {
    let load_failure = |message: String| Failure::message(Stage::Load, message);
    let mut engine = Engine::new();
    engine
        .set_version(settings.version)
        .set_strict(settings.strict)
        .set_enable_print(true)
        .set_check_data_conflicts(false);
    restrict(&mut engine, settings.capabilities.as_ref());
    parse_config::add(&mut engine)?;
    let policies = load(&settings.policy, &[], Wanted::Policies).map_err(load_failure)?;
    if policies.modules.is_empty() {
        let message = format!("no policies found in [{}]", settings.policy.join(" "));
        return Err(load_failure(message));
    }
    let mut prints = policies
        .modules
        .iter()
        .any(|(_, text)| text.windows(b"print".len()).any(|word| word == b"print"));
    // Only text shows what is printed.
    prints &= settings.output == settings::Output::Stdout;
    if settings.trace {
        engine.set_observe(Some(Observe {
            values: true,
            ..Observe::default()
        }));
    }
    engine_with(policies, &mut engine);
    let mut data = load(&settings.data, &[], Wanted::All).map_err(load_failure)?;
    data.modules.clear();
    engine_with(data, &mut engine);
    never_fails(&engine)?;
    Plan::new(&engine, settings, &args.fail_open, prints || settings.trace)
}

/// Refuses `deny.x if ..` and its like: without `contains` their value is `true`, which is no result.
fn never_fails(engine: &Engine) -> Result<(), Failure> {
    for module in engine.outline()? {
        let silent = module.rules.iter().find(|rule| {
            rule.name.is_none()
                && rule.value.as_deref() == Some("true")
                && plan::is_asked(&rule.first)
        });
        if let Some(rule) = silent {
            return Err(Failure::message(
                Stage::Load,
                format!(
                    "rule is using 'if' keyword without 'contains' keyword: rule in {} at line {}",
                    module.name, rule.row
                ),
            ));
        }
    }
    Ok(())
}

/// Prints the report and gives the exit status.
fn finish(settings: &Settings, report: &Report, interrupted: bool) -> io::Result<u8> {
    let totals = Totals::of(&report.results);
    let of_rules = match (settings.fail_on_warn, totals.failures, totals.warnings) {
        (true, 1.., _) => FAILED_WITH_WARNINGS,
        (true, 0, 1..) | (false, 1.., _) => FAILED,
        _ => 0,
    };
    let errors: Vec<&Trouble> = report
        .troubles
        .iter()
        .chain(report.results.iter().flat_map(|result| &result.errors))
        .collect();
    let status = match errors.is_empty() {
        false => FAILED,
        true if settings.no_fail => 0,
        true => of_rules,
    };
    if !settings.quiet || of_rules != 0 || status != 0 || interrupted {
        let shown = output::Shown {
            results: &report.results,
            troubles: &report.troubles,
            settings,
            is_colored: colour::wanted(!settings.no_color && io::stdout().is_terminal()),
            status,
        };
        let mut err = io::stderr().lock();
        for line in report.results.iter().flat_map(|result| &result.traces) {
            writeln!(err, "{line}")?;
        }
        drop(err);
        let mut out = io::BufWriter::new(io::stdout().lock());
        shown.write(&mut out)?;
        out.flush()?;
    }
    let mut err = io::stderr().lock();
    for error in errors {
        write_error(&mut err, error)?;
    }
    if interrupted {
        let (done, all) = report.done;
        writeln!(
            err,
            "Interrupted: {done} of {all} inputs were scanned; the results are those of these only."
        )?;
        return Ok(INTERRUPTED);
    }
    Ok(status)
}

fn write_error(out: &mut impl Write, error: &Trouble) -> io::Result<()> {
    write!(out, "Error: {}", error.file)?;
    if let Some((line, column)) = error.place {
        write!(out, ":{line}:{column}")?;
    }
    if let Some(namespace) = &error.namespace {
        write!(out, ": {namespace}")?;
    }
    writeln!(out, ": {}", error.message)?;
    let hints = error.hint.iter();
    hints
        .into_iter()
        .try_for_each(|hint| writeln!(out, "\thint: {hint}"))
}
