//! `regovm explain`

use std::io::{self, Write};

use regovm::{Engine, Explain, Failure, QueryContext, Stage};

use super::{disable, engine_with, version};
use crate::args::{ExplainArgs, ExplainStage};
use crate::load::{Wanted, load};

/// Exit status of an error while loading or compiling.
const ERROR: u8 = 2;

/// Runs the command and gives its exit status.
pub fn run(args: &ExplainArgs) -> io::Result<u8> {
    match explain(args) {
        Ok(text) => {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()?;
            Ok(0)
        }
        Err(failure) => {
            crate::render::errors::print(&failure, "")?;
            Ok(ERROR)
        }
    }
}

fn explain(args: &ExplainArgs) -> Result<String, Failure> {
    let mut engine = Engine::new();
    engine.set_version(version(args.v0_compatible));
    disable(&mut engine, &args.disable)?;
    let loaded = load(&args.data, &args.ignore, Wanted::All)
        .map_err(|message| Failure::message(Stage::Load, message))?;
    engine_with(loaded, &mut engine);
    let what = match args.stage {
        None => Explain::Plan,
        Some(ExplainStage::Ir) => Explain::Ir,
        Some(ExplainStage::Bytecode) => Explain::Bytecode,
    };
    engine.explain(&[&args.query], &QueryContext::default(), what)
}
