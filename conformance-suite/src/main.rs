//! `conformance`: runs the cases with regovm. `--help` is any unknown option.

use std::process::ExitCode;
use std::sync::Arc;

use regovm_conformance::cli;
use regovm_conformance::engine::Engine;
use regovm_conformance::regovm::RegovmEngine;

fn main() -> ExitCode {
    let engine: Option<Arc<dyn Engine>> = Some(Arc::new(RegovmEngine));
    ExitCode::from(cli::main(engine, std::env::args()))
}
