//! `regovm refactor`

use std::io::{self, Write};
use std::path::Path;

use clap::{Args, Subcommand};
use regovm::refactor::{MoveError, Moves};

use super::version;
use crate::load::{Wanted, load, reason};
use crate::render::errors;
use crate::whole_file;

/// Exit status of errors.
const ERRORS: u8 = 1;

/// `regovm refactor`
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  regovm refactor move -p data.lib.foo:data.baz.bar --write policy/"
)]
pub struct RefactorArgs {
    /// What to change
    #[command(subcommand)]
    pub change: Change,
}

/// Changes of policies.
#[derive(Subcommand, Debug)]
pub enum Change {
    /// Rename packages, and references to them
    Move(MoveArgs),
}

/// `regovm refactor move`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm refactor move -p data.lib.foo:data.baz.bar policy.rego\n  regovm refactor move --write -p data.lib.foo:data.baz.bar policy/\n\nThe policies are compiled after the move, and formatted.\n\nExit status: 0 if moved, 1 otherwise."
)]
pub struct MoveArgs {
    /// Files, or folders to search for .rego files
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// What moves where: FROM:TO, for example data.lib.foo:data.baz. Repeatable
    #[arg(short = 'p', long = "path", value_name = "FROM:TO")]
    pub mapping: Vec<String>,
    /// Write the results to the files instead of to standard output
    #[arg(short, long)]
    pub write: bool,
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

/// Runs the command and gives its exit status.
pub fn run(args: &RefactorArgs) -> io::Result<u8> {
    let Change::Move(args) = &args.change;
    if args.paths.is_empty() {
        let message = "specify at least one path containing policy files";
        return crate::usage_error(message, "refactor move");
    }
    match moved(args) {
        Ok(texts) => write_all(args, &texts),
        Err(Refused::Message(message)) => {
            errors::complain(&format!("error: {message}"))?;
            Ok(ERRORS)
        }
        Err(Refused::Move(MoveError::Policy(failure))) => {
            let during = match failure.stage {
                regovm::Stage::Load => " during loading",
                _ => "",
            };
            errors::print_after("error: ", &failure, during)?;
            Ok(ERRORS)
        }
        Err(Refused::Move(error)) => {
            errors::complain(&format!("error: {error}"))?;
            Ok(ERRORS)
        }
    }
}

/// Why nothing was moved.
enum Refused {
    Message(String),
    Move(MoveError),
}

/// The names of the files with their new texts.
fn moved(args: &MoveArgs) -> Result<Vec<(String, String)>, Refused> {
    if args.mapping.is_empty() {
        let message = "specify at least one mapping of the form <from>:<to>";
        return Err(Refused::Message(message.to_owned()));
    }
    let mut moves = Moves::default();
    for mapping in &args.mapping {
        // OPA shows the exit status that it does not end with.
        moves
            .add(mapping)
            .map_err(|error| Refused::Message(format!("{error} (2)")))?;
    }
    let loaded = load(&args.paths, &args.ignore, Wanted::Policies).map_err(|message| {
        Refused::Message(format!("1 error occurred during loading: {message}"))
    })?;
    let texts = moves
        .apply(&loaded.modules, version(args.v0_compatible))
        .map_err(Refused::Move)?;
    let names = loaded.modules.into_iter().map(|(name, _)| name);
    Ok(names.zip(texts).collect())
}

fn write_all(args: &MoveArgs, texts: &[(String, String)]) -> io::Result<u8> {
    for (name, text) in texts {
        if !args.write {
            write!(io::stdout(), "{text}")?;
        } else if let Err(error) = whole_file::write(Path::new(name), text.as_bytes()) {
            writeln!(
                io::stderr(),
                "error: failed to open file for writing: open {name}: {}",
                reason(&error)
            )?;
            return Ok(ERRORS);
        }
    }
    Ok(0)
}
