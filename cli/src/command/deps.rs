//! `regovm deps`

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use regovm::{Dependencies, Engine, Failure, Stage};

use super::{engine_with, version};
use crate::bundles;
use crate::load::{Wanted, load_all};
use crate::render::{errors, go_json, table};

/// Exit status of errors.
const ERRORS: u8 = 1;

/// `regovm deps`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm deps -d policy/ data.terraform.deny\n  regovm deps -d policy/ -f json 'data.terraform.deny; data.terraform.warn'\n\nBase documents come from outside (input and data), virtual documents are made by rules.\n\nExit status: 0 if analysed, 1 if loading or compiling failed."
)]
pub struct DepsArgs {
    /// The query, for example data.terraform.deny
    pub query: Vec<String>,
    /// Policy or data: files, folders (recursively .rego, .json, .yaml), or prefix:path. Repeatable
    #[arg(short, long = "data", value_name = "PATH")]
    pub data: Vec<String>,
    /// Bundles: folders or archives; they take the place of what --data loads. Repeatable
    #[arg(short, long = "bundle", value_name = "PATH")]
    pub bundle: Vec<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value = "pretty")]
    pub format: DepsFormat,
    /// File and folder names to leave out, for example '.*'. Repeatable
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Read policies as Rego v0
    #[arg(long)]
    pub v0_compatible: bool,
    /// Read policies as Rego v1 (the default)
    #[arg(long, hide = true)]
    pub v1_compatible: bool,
}

/// Output formats of `deps`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum DepsFormat {
    /// A table
    Pretty,
    /// References as syntax trees
    Json,
}

/// Runs the command and gives its exit status.
pub fn run(args: &DepsArgs) -> io::Result<u8> {
    let [query] = &args.query[..] else {
        return crate::usage_error("specify exactly one query argument", "deps");
    };
    let mut engine = Engine::new();
    engine.set_version(version(args.v0_compatible));
    if args.bundle.is_empty() {
        engine_with(load_all(&args.data, &args.ignore, Wanted::All), &mut engine);
    } else if let Err(error) = bundles::activate(&mut engine, &args.bundle, &args.ignore) {
        writeln!(io::stderr(), "{}", error.message)?;
        errors::print_hint(error.advice())?;
        return Ok(ERRORS);
    }
    match engine.dependencies(query) {
        Ok(found) => {
            let mut out = io::stdout().lock();
            match args.format {
                DepsFormat::Json => go_json::write_indented(&mut out, &found.json)?,
                DepsFormat::Pretty => write!(out, "{}", as_table(&found))?,
            }
            Ok(0)
        }
        Err(failure) => refused(&failure),
    }
}

fn refused(failure: &Failure) -> io::Result<u8> {
    let during = match failure.stage {
        Stage::Load => " during loading",
        _ => "",
    };
    errors::print(failure, during)?;
    Ok(ERRORS)
}

/// A column for each kind that there is.
fn as_table(found: &Dependencies) -> String {
    let columns = [
        ("BASE DOCUMENTS", &found.base),
        ("VIRTUAL DOCUMENTS", &found.virtual_),
    ];
    let columns: Vec<_> = columns
        .iter()
        .filter(|(_, refs)| !refs.is_empty())
        .collect();
    let rows = columns
        .iter()
        .map(|(_, refs)| refs.len())
        .max()
        .unwrap_or(0);
    if rows == 0 {
        return String::new();
    }
    let head: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let rows: Vec<Vec<String>> = (0..rows)
        .map(|row| {
            let cell = |refs: &Vec<String>| refs.get(row).cloned().unwrap_or_default();
            columns.iter().map(|(_, refs)| cell(refs)).collect()
        })
        .collect();
    format!("{}\n", table::render(&head, &rows))
}
