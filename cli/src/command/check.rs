//! `regovm check`

use std::io::{self, Write};

use regovm::bundle::{self, BundleError};
use regovm::{Engine, ErrorReport, Failure, RegoVersion, Stage};

use super::{engine_with, restrict, schemas, version};
use crate::args::{CheckArgs, CheckFormat};
use crate::bundles::{self, Reading};
use crate::load::{Wanted, load_all};
use crate::render::errors;

/// Exit status when there are errors.
const ERRORS: u8 = 1;

/// Runs the command and gives its exit status.
pub fn run(args: &CheckArgs) -> io::Result<u8> {
    if args.paths.is_empty() {
        return crate::usage_error("specify at least one file", "check");
    }
    let mut engine = Engine::new();
    engine
        .set_version(if args.v0_v1 {
            RegoVersion::V0CompatV1
        } else {
            version(args.v0_compatible)
        })
        .set_strict(args.strict)
        .set_error_limit(args.max_errors);
    restrict(&mut engine, args.capabilities.as_ref());
    if args.bundle {
        if let Err(error) = add_bundles(args, &mut engine) {
            return report_bundle(args, error);
        }
    } else {
        let loaded = load_all(&args.paths, &args.ignore, Wanted::Policies);
        engine_with(loaded, &mut engine);
        if let Err(failure) = engine.check_parsed() {
            return report(args, &failure);
        }
    }
    if let Some(path) = &args.schema
        && let Err(message) = schemas::add(&mut engine, path)
    {
        return report(
            args,
            &Failure {
                stage: Stage::Load,
                errors: vec![ErrorReport::message(message)],
            },
        );
    }
    match engine.into_checked() {
        Ok(checked) => {
            // The process ends: to take thousands of syntax trees apart before that is of no use.
            std::mem::forget(checked);
            Ok(0)
        }
        Err(failure) => report(args, &failure),
    }
}

fn add_bundles(args: &CheckArgs, engine: &mut Engine) -> Result<(), BundleError> {
    let bundles = bundles::load(&args.paths, Reading::unverified(&args.ignore))?;
    bundles::add(engine, &bundles)?;
    bundle::check_merge(&bundles)
}

/// Errors of bundles are not counted; in JSON those of a policy stand alone.
fn report_bundle(args: &CheckArgs, error: BundleError) -> io::Result<u8> {
    let mut out = io::stderr().lock();
    match (args.format, &error.policy) {
        (CheckFormat::Json, Some(policy)) => errors::write_json(&mut out, &policy.errors)?,
        (CheckFormat::Json, None) => {
            errors::write_json(&mut out, &[ErrorReport::message(error.message.clone())])?;
        }
        (CheckFormat::Pretty, _) => {
            writeln!(out, "{}", error.message)?;
            drop(out);
            errors::print_hint(error.advice())?;
            return Ok(ERRORS);
        }
    }
    out.flush()?;
    Ok(ERRORS)
}

fn report(args: &CheckArgs, failure: &Failure) -> io::Result<u8> {
    let mut out = io::stderr().lock();
    match args.format {
        CheckFormat::Pretty => {
            let during = match failure.stage {
                Stage::Load => " during loading",
                _ => "",
            };
            drop(out);
            errors::print(failure, during)?;
            return Ok(ERRORS);
        }
        CheckFormat::Json => errors::write_json(&mut out, &failure.errors)?,
    }
    out.flush()?;
    Ok(ERRORS)
}
