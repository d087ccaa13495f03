//! `--schema`: a file describes `input`, a folder has named schemas.

use std::fs;
use std::path::Path;

use regovm::Engine;

use crate::load::reason;

/// Adds the schemas at `path`: a file describes `input`, a file `a/b.json` of a folder `schema.a.b`.
pub fn add(engine: &mut Engine, path: &Path) -> Result<(), String> {
    let metadata =
        fs::metadata(path).map_err(|e| format!("stat {}: {}", path.display(), reason(&e)))?;
    if !metadata.is_dir() {
        let text = read(path)?;
        engine
            .add_schema(Vec::new(), &text)
            .map_err(|e| format!("{}: {e}", path.display()))?;
        return Ok(());
    }
    walk(engine, path, &mut Vec::new())
}

fn walk(engine: &mut Engine, folder: &Path, below: &mut Vec<String>) -> Result<(), String> {
    let entries =
        fs::read_dir(folder).map_err(|e| format!("open {}: {}", folder.display(), reason(&e)))?;
    for entry in entries {
        let entry = entry.map_err(|e| format!("open {}: {}", folder.display(), reason(&e)))?;
        let path = entry.path();
        let stem = path
            .file_stem()
            .and_then(|s| s.to_str())
            .unwrap_or_default()
            .to_owned();
        below.push(stem);
        if path.is_dir() {
            walk(engine, &path, below)?;
        } else {
            let text = read(&path)?;
            engine
                .add_schema(below.clone(), &text)
                .map_err(|e| format!("{}: {e}", path.display()))?;
        }
        below.pop();
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("open {}: {}", path.display(), reason(&e)))
}
