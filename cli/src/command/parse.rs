//! `regovm parse`

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use regovm::syntax::{self, Shown};
use regovm::{ErrorReport, Failure};

use crate::load::reason;
use crate::render::{errors, go_json};

/// `regovm parse`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm parse policy.rego\n  regovm parse --format json policy.rego\n  regovm parse --format json --json-include locations,-comments policy.rego\n\nErrors are JSON on standard error.\n\nExit status: 0 if the file parses, 1 otherwise."
)]
pub struct ParseArgs {
    /// A Rego file
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value = "pretty")]
    pub format: ParseFormat,
    /// What the JSON shows: locations, comments; with - in front what it does not. Comments are shown by default
    #[arg(
        long,
        value_name = "LIST",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub json_include: String,
    /// Read Rego v0
    #[arg(long)]
    pub v0_compatible: bool,
    /// Read Rego v1 (the default)
    #[arg(long, hide = true)]
    pub v1_compatible: bool,
}

/// Output formats of `parse`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParseFormat {
    /// The kinds of nodes, each indented below what it belongs to
    Pretty,
    /// The tree as JSON
    Json,
}

/// Runs the command and gives its exit status.
pub fn run(args: &ParseArgs) -> io::Result<u8> {
    let Some(path) = args.paths.first() else {
        return crate::usage_error("no source file specified", "parse");
    };
    let path = path.strip_prefix("file://").unwrap_or(path);
    let mut shown = Shown::default();
    for wanted in args.json_include.split(',') {
        let include = !wanted.starts_with('-');
        if wanted.ends_with("locations") {
            shown.places = include;
        }
        if wanted.ends_with("comments") {
            shown.comments = include;
        }
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            // A folder can be opened, but not read.
            let what = match error.kind() {
                io::ErrorKind::IsADirectory => "read",
                _ => "open",
            };
            let message = format!("{what} {path}: {}", reason(&error));
            return refused(&[ErrorReport::message(message)]);
        }
    };
    let name = crate::load::clean_name(path);
    let version = super::version(args.v0_compatible);
    let mut out = io::stdout().lock();
    let printed: Result<io::Result<()>, Failure> = match args.format {
        ParseFormat::Pretty => syntax::to_outline(&name, &bytes, version, shown.comments)
            .map(|text| out.write_all(text.as_bytes())),
        ParseFormat::Json => syntax::to_json(&name, &bytes, version, shown)
            .map(|tree| go_json::write_indented(&mut out, &tree)),
    };
    match printed {
        Ok(written) => written.map(|()| 0),
        Err(failure) => refused(&failure.errors),
    }
}

fn refused(errors: &[ErrorReport]) -> io::Result<u8> {
    errors::write_json(&mut io::stderr().lock(), errors)?;
    errors::print_hint(errors.first().and_then(ErrorReport::advice))?;
    Ok(1)
}
