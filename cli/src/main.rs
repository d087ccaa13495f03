//! The `regovm` command.
fn main() {}
