//! Finds policies and data on disk, as `opa eval --data` does.
//!
//! A folder is searched recursively for `.rego`, `.json`, `.yaml` and `.yml`; the names of the folders
//! below it become the path of the data found there. A file that is named itself is read whatever its
//! name is. `prefix:path` puts data below a path.

use std::fs;
use std::path::{Path, PathBuf};

use regovm::DocumentFormat;

/// A data file and the place below `data` where it belongs.
pub struct DataFile {
    /// Name for error messages.
    pub name: String,
    /// Keys below `data`.
    pub path: Vec<String>,
    /// How it is written.
    pub format: DocumentFormat,
    /// What it says.
    pub bytes: Vec<u8>,
}

/// What was found.
#[derive(Default)]
pub struct Loaded {
    /// Policies: name and bytes.
    pub modules: Vec<(String, Vec<u8>)>,
    /// Data files in the order in which they were found.
    pub data: Vec<DataFile>,
}

/// Which files are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Policies and data.
    All,
    /// Policies only (`regovm check`).
    Policies,
}

/// Loads every path; stops at the first that cannot be read.
pub fn load(paths: &[String], ignore: &[String], wanted: Wanted) -> Result<Loaded, String> {
    let mut loaded = Loaded::default();
    for path in paths {
        let (prefix, path) = split_prefix(path);
        let path = path.strip_prefix("file://").unwrap_or(path);
        let path = clean(Path::new(path));
        let metadata =
            fs::metadata(&path).map_err(|e| format!("stat {}: {}", path.display(), reason(&e)))?;
        if metadata.is_dir() {
            walk(&path, &prefix, ignore, wanted, &mut loaded)?;
        } else {
            add_file(&path, prefix, wanted, true, &mut loaded)?;
        }
    }
    loaded.modules.dedup_by(|a, b| a.0 == b.0);
    Ok(loaded)
}

/// The text of an error of the operating system without Rust's additions.
pub fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        std::io::ErrorKind::IsADirectory => "is a directory".into(),
        _ => error.to_string(),
    }
}

/// Splits `prefix:path` into the keys below `data` and the path.
pub fn split_prefix(text: &str) -> (Vec<String>, &str) {
    if text.starts_with("file://") {
        return (Vec::new(), text);
    }
    match text.split_once(':') {
        Some((prefix, path)) if !prefix.is_empty() && !prefix.contains('/') => {
            (prefix.split('.').map(str::to_owned).collect(), path)
        }
        _ => (Vec::new(), text),
    }
}

/// A path without what says nothing in it.
pub fn clean_name(path: &str) -> String {
    clean(Path::new(path)).to_string_lossy().into_owned()
}

fn clean(path: &Path) -> PathBuf {
    let cleaned: PathBuf = path
        .components()
        .filter(|c| !matches!(c, std::path::Component::CurDir))
        .collect();
    if cleaned.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        cleaned
    }
}

fn walk(
    folder: &Path,
    path: &[String],
    ignore: &[String],
    wanted: Wanted,
    loaded: &mut Loaded,
) -> Result<(), String> {
    let entries =
        fs::read_dir(folder).map_err(|e| format!("open {}: {}", folder.display(), reason(&e)))?;
    let mut entries: Vec<_> = entries
        .collect::<Result<_, _>>()
        .map_err(|e| format!("open {}: {}", folder.display(), reason(&e)))?;
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if ignore.iter().any(|pattern| matches_pattern(pattern, &name)) {
            continue;
        }
        let child = if folder == Path::new(".") {
            PathBuf::from(&name)
        } else {
            folder.join(&name)
        };
        let metadata = fs::metadata(&child)
            .map_err(|e| format!("stat {}: {}", child.display(), reason(&e)))?;
        if metadata.is_dir() {
            // A link to a folder above would never end.
            if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                continue;
            }
            let mut below = path.to_vec();
            below.push(name);
            walk(&child, &below, ignore, wanted, loaded)?;
        } else {
            add_file(&child, path.to_vec(), wanted, false, loaded)?;
        }
    }
    Ok(())
}

fn add_file(
    file: &Path,
    path: Vec<String>,
    wanted: Wanted,
    named: bool,
    loaded: &mut Loaded,
) -> Result<(), String> {
    let extension = file.extension().and_then(|e| e.to_str()).unwrap_or("");
    let format = match extension {
        "rego" => None,
        "json" => Some(DocumentFormat::Json),
        "yaml" | "yml" => Some(DocumentFormat::Yaml),
        _ if named => Some(DocumentFormat::Yaml),
        _ => return Ok(()),
    };
    if format.is_some() && wanted == Wanted::Policies {
        return Ok(());
    }
    let name = file.display().to_string();
    let bytes = fs::read(file).map_err(|e| format!("open {name}: {}", reason(&e)))?;
    match format {
        None => loaded.modules.push((name, bytes)),
        Some(format) => loaded.data.push(DataFile {
            name,
            path,
            format,
            bytes,
        }),
    }
    Ok(())
}

/// Shell patterns with `*` and `?` over one name.
pub fn matches_pattern(pattern: &str, name: &str) -> bool {
    fn go(pattern: &[char], name: &[char]) -> bool {
        match (pattern.first(), name.first()) {
            (None, None) => true,
            (Some('*'), _) => {
                go(&pattern[1..], name) || (!name.is_empty() && go(pattern, &name[1..]))
            }
            (Some('?'), Some(_)) => go(&pattern[1..], &name[1..]),
            (Some(p), Some(n)) if p == n => go(&pattern[1..], &name[1..]),
            _ => false,
        }
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    go(&pattern, &name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_shell_patterns() {
        assert!(matches_pattern(".*", ".git"));
        assert!(!matches_pattern(".*", "git"));
        assert!(matches_pattern("*_test.rego", "a_test.rego"));
        assert!(matches_pattern("a?c", "abc"));
        assert!(!matches_pattern("a?c", "ac"));
    }

    #[test]
    fn a_prefix_is_a_path_below_data() {
        assert_eq!(
            split_prefix("a.b:x.json"),
            (vec!["a".into(), "b".into()], "x.json")
        );
        assert_eq!(split_prefix("dir/a:b.json"), (vec![], "dir/a:b.json"));
        assert_eq!(split_prefix("file:///x.json"), (vec![], "file:///x.json"));
    }
}
