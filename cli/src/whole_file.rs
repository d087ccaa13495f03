//! Files that are written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::interrupt;

/// Writes a file through another one beside it, so that whoever stops half-way leaves the old one as it was. What is
/// there already and no plain file (a pipe, a device) is written to as it is.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // What a link names is written, not the link.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return fs::write(path, bytes);
    }
    // Nobody wants to find the other one.
    let _held = interrupt::hold();
    let beside = beside(path);
    let written = File::create_new(&beside).and_then(|mut file| {
        if let Ok(metadata) = fs::metadata(path) {
            file.set_permissions(metadata.permissions())?;
        }
        file.write_all(bytes)?;
        fs::rename(&beside, path)
    });
    if written.is_err() {
        // The first error is the one that counts.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}
