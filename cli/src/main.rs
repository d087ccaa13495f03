//! The `regovm` command.

mod allocations;
mod args;
mod bundles;
mod command;
mod deferred;
mod duration;
mod interrupt;
mod keys;
mod load;
mod mapped;
mod programs;
mod render;
mod variables;
mod whole_file;
mod world;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::{Cli, Command};

/// Exit status of wrong flags, of `check` with errors, and of `--fail` and `--fail-defined`.
pub(crate) const FAILED: u8 = 1;

/// The stack of a command: documents nest 10,000 deep, and some of serde_json is recursive. Pages that
/// are not touched cost nothing.
const STACK: usize = 256 << 20;

fn run(command: &Command) -> std::io::Result<u8> {
    match command {
        Command::Eval(args) => command::eval::run(args),
        Command::Check(args) => command::check::run(args),
        Command::Exec(args) => command::exec::run(args),
        Command::Bench(args) => command::bench::run(args),
        Command::Test(args) => command::test::run(args),
        Command::Profile(args) => command::profile::run(args),
        Command::Why(args) => command::why::run(args),
        Command::Scan(args) => command::scan::run(args),
        Command::Fmt(args) => command::fmt::run(args),
        Command::Deps(args) => command::deps::run(args),
        Command::Parse(args) => command::parse::run(args),
        Command::Refactor(args) => command::refactor::run(args),
        Command::Version(args) => command::version::run(args),
        Command::Completion(args) => command::completion::run(args),
        Command::Man(args) => command::completion::write_pages(args),
        Command::Explain(args) => command::explain::run(args),
        Command::Build(args) => command::build::run(args),
        Command::Sign(args) => command::sign::run(args),
        Command::Inspect(args) => command::inspect::run(args),
        Command::Capabilities(args) => command::capabilities::run(args),
    }
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let helpful = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            // A closed pipe is no reason to complain.
            let _ = error.print();
            return if helpful {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(FAILED)
            };
        }
    };
    let status = stacker::grow(STACK, || run(&cli.command));
    match status {
        Ok(code) => ExitCode::from(code),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "Error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Prints a usage error as OPA does and gives its exit status.
pub(crate) fn usage_error(message: &str, command: &str) -> std::io::Result<u8> {
    writeln!(
        std::io::stderr(),
        "Error: {message}\n\nTry 'regovm {command} --help' for the flags and examples."
    )?;
    Ok(FAILED)
}
