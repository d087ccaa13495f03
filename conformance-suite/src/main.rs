//! `conformance`: runs the cases with regovm. `--help` is any unknown option.

use std::process::ExitCode;
use std::sync::Arc;

use regovm_conformance::cli;
use regovm_conformance::engine::Engine;

fn main() -> ExitCode {
    // The facade is wired in here.
    let engine: Option<Arc<dyn Engine>> = None;
    ExitCode::from(cli::main(engine, std::env::args()))
}
