//! Instructions that a program takes, as `valgrind` counts them: the same on a busy machine and on an idle one.

use std::ffi::OsStr;
use std::process::Command;

/// Instructions of this program when it is started with some arguments; `None` without `valgrind`, or if the run fails.
pub fn instructions(arguments: &[impl AsRef<OsStr>]) -> Option<u64> {
    let this = std::env::current_exe().ok()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args(arguments)
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, count) = said.split_once("Collected : ")?;
    let count = count.lines().next()?.trim().parse().ok()?;
    output.status.success().then_some(count)
}
