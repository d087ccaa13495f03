//! What several tests ask.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What `cargo metadata` says of the workspace, with more flags.
pub fn cargo_metadata(workspace: &Path, flags: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline"])
        .args(flags)
        .current_dir(workspace)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}
