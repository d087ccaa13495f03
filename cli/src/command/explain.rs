//! `regovm explain`

use std::io;

use regovm::{Engine, Explain, Failure, QueryContext, Stage};

use super::{disable, engine_with, shown, version};
use crate::args::{ExplainArgs, ExplainStage};
use crate::load::{Wanted, load};

/// Runs the command and gives its exit status.
pub fn run(args: &ExplainArgs) -> io::Result<u8> {
    shown(explain(args))
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
