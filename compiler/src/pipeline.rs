//! The table of stages: what runs, in which order. A stage that finds errors ends the run.

use crate::state::State;

/// One stage over all modules.
pub struct Stage {
    /// OPA's name of the stage, for `--instrument` and `explain --stage`.
    pub name: &'static str,
    /// What it does.
    pub run: fn(&mut State<'_>),
}
