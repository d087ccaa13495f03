//! `regovm fmt`

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};
use regovm::format::{self, Options, Target};
use regovm::{Capabilities, Failure, RegoVersion, Stage};

use crate::load::reason;
use crate::render::{diff, errors};
use crate::whole_file;

/// Exit status of errors, and of `--fail` with a file that would change.
const ERRORS: u8 = 2;
/// Exit status of paths that cannot be walked, and of errors in standard input.
const NO_TEXT: u8 = 1;

/// `regovm fmt`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm fmt --write policy/\n  regovm fmt --list --fail policy/\n  regovm fmt --diff policy.rego\n  regovm fmt --v0-v1 --write old-policy/\n\nWithout a path, standard input is formatted. Folders are searched for .rego files.\n\nWhat is read and written:\n  (no flag)         Rego v1 to v1\n  --v0-compatible   Rego v0 to v0\n  --v0-v1           Rego v0 to a text that is v0 and v1\n\nExit status: 0 if formatted, 1 if a path or standard input cannot be read, 2 if a file does not parse,\nor with --fail if one would change."
)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of opa")]
pub struct FmtArgs {
    /// Files, or folders to search for .rego files
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// Write the result to the file instead of to standard output
    #[arg(short, long)]
    pub write: bool,
    /// Print the names of files that would change, and nothing else
    #[arg(short, long)]
    pub list: bool,
    /// Print what would change
    #[arg(short, long)]
    pub diff: bool,
    /// Exit with 2 if a file would change
    #[arg(long)]
    pub fail: bool,
    /// Parse the result, and refuse one that does not parse
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, default_value_t = true, default_missing_value = "true",
          num_args = 0..=1, require_equals = true)]
    pub check_result: bool,
    /// Leave out imports that Rego v1 does not need: rego.v1 and future.keywords
    #[arg(long)]
    pub drop_v0_imports: bool,
    /// Format for Rego v0 and v1
    #[arg(long, alias = "rego-v1")]
    pub v0_v1: bool,
    /// Read and write Rego v0
    #[arg(long)]
    pub v0_compatible: bool,
    /// Read Rego v1 also with --v0-v1
    #[arg(long, hide = true)]
    pub v1_compatible: bool,
    /// What the result may use: a release of OPA, or a file
    #[arg(long, value_name = "FILE|VERSION", value_parser = crate::command::capabilities::named)]
    pub capabilities: Option<Capabilities>,
}

impl FmtArgs {
    fn options(&self) -> Options {
        let target = if self.v0_v1 {
            Target::V0AndV1
        } else if self.v0_compatible {
            Target::V0
        } else {
            Target::V1
        };
        let v0 = self.v0_compatible || self.v0_v1 && !self.v1_compatible;
        Options {
            version: if v0 { RegoVersion::V0 } else { RegoVersion::V1 },
            target,
            drop_imports: self.drop_v0_imports,
            capabilities: self.capabilities.clone(),
        }
    }
}

/// Why a run ends.
enum End {
    /// A line for standard error, and the exit status.
    Message(String, u8),
    /// A text that cannot be formatted.
    Failure(String, Failure),
    /// Standard output is gone.
    Output(io::Error),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> End {
        End::Output(error)
    }
}

/// Runs the command and gives its exit status.
pub fn run(args: &FmtArgs) -> io::Result<u8> {
    if args.paths.is_empty() {
        return standard_input(args);
    }
    let options = args.options();
    for path in &args.paths {
        let path = path.strip_prefix("file://").unwrap_or(path);
        let mut each = |path: &Path| one(args, &options, path);
        match walk(Path::new(path), &mut each) {
            Ok(()) => {}
            Err(End::Output(error)) => return Err(error),
            Err(End::Message(message, status)) => {
                errors::complain(&message)?;
                return Ok(status);
            }
            Err(End::Failure(before, failure)) => {
                errors::print_after(&before, &failure, "")?;
                return Ok(ERRORS);
            }
        }
    }
    Ok(0)
}

fn standard_input(args: &FmtArgs) -> io::Result<u8> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    let mut options = args.options();
    options.drop_imports = false;
    match format::module("stdin", &bytes, &options) {
        Ok(text) => {
            write!(io::stdout(), "{text}")?;
            Ok(0)
        }
        Err(failure) => {
            errors::print(&failure, "")?;
            Ok(NO_TEXT)
        }
    }
}

/// Visits the policies of a folder in the order of their names. Links are not followed into folders.
fn walk(path: &Path, each: &mut impl FnMut(&Path) -> Result<(), End>) -> Result<(), End> {
    let failed = |what: &str, error: &io::Error| {
        let message = format!("{what} {}: {}", path.display(), reason(error));
        End::Message(message, NO_TEXT)
    };
    let metadata = path
        .symlink_metadata()
        .map_err(|error| failed("lstat", &error))?;
    if !metadata.is_dir() {
        if path
            .extension()
            .is_some_and(|extension| extension == "rego")
        {
            return each(path);
        }
        return Ok(());
    }
    let mut entries: Vec<PathBuf> = path
        .read_dir()
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(|error| failed("open", &error))?;
    entries.sort();
    for entry in entries {
        let entry = entry.strip_prefix("./").unwrap_or(&entry);
        walk(entry, each)?;
    }
    Ok(())
}

fn one(args: &FmtArgs, options: &Options, path: &Path) -> Result<(), End> {
    let name = path.to_string_lossy();
    let bytes = std::fs::read(path).map_err(|error| {
        let message = format!("failed to open file: open {name}: {}", reason(&error));
        End::Message(message, ERRORS)
    })?;
    let text = format::module(&name, &bytes, options).map_err(|failure| {
        let mut before = "failed to format Rego source file: ".to_owned();
        if failure.stage == Stage::Compile {
            before = format!("{before}{name}: ");
        }
        End::Failure(before, failure)
    })?;
    if args.check_result
        && let Err(failure) = format::check("formatted", &text, options.target)
    {
        let reasons = failure.plain_text("");
        let message = format!(
            "{name} was successfully formatted, but the result is invalid: {}\n\nTo inspect the formatted Rego, you can turn off this check with --check-result=false.",
            reasons.trim_end()
        );
        return Err(End::Message(message, ERRORS));
    }
    let changed = bytes != text.as_bytes();
    let unexpected = || Err(End::Message("unexpected diff".to_owned(), ERRORS));
    if args.list || args.diff {
        if !changed {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        if args.list {
            writeln!(out, "{name}")?;
        } else {
            let before = String::from_utf8_lossy(&bytes);
            diff::write(&mut out, &name, &before, &text)?;
        }
        return if args.fail { unexpected() } else { Ok(()) };
    }
    if args.fail && changed {
        return unexpected();
    }
    if !args.write {
        write!(io::stdout(), "{text}")?;
        return Ok(());
    }
    if !changed {
        return Ok(());
    }
    whole_file::write(path, text.as_bytes()).map_err(|error| {
        let message = format!(
            "failed to open file for writing: open {name}: {}",
            reason(&error)
        );
        End::Message(message, ERRORS)
    })
}
