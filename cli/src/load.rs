//! Finds policies and data on disk, as `opa eval --data` does.
//!
//! A folder is searched recursively for `.rego`, `.json`, `.yaml` and `.yml`; the names of the folders
//! below it become the path of the data found there. A file that is named itself is read whatever its
//! name is. `prefix:path` puts data below a path.

use std::collections::HashSet;
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
    /// Files and folders that cannot be read: how many policies and data files were found before, and why.
    pub unreadable: Vec<(usize, String)>,
    /// Which of what was found is a policy, in the order in which it was found.
    pub is_policy: Vec<bool>,
    seen: HashSet<(Vec<String>, PathBuf)>,
}

impl Loaded {
    fn cannot(&mut self, what: &str, path: &Path, error: &std::io::Error) {
        let message = format!("{what} {}: {}", path.display(), reason(error));
        self.unreadable.push((self.is_policy.len(), message));
    }
}

/// Which files are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Policies and data.
    All,
    /// Policies only (`regovm check`).
    Policies,
}

/// Loads every path; an error if one cannot be read.
pub fn load(paths: &[String], ignore: &[String], wanted: Wanted) -> Result<Loaded, String> {
    let mut loaded = load_all(paths, ignore, wanted);
    if loaded.unreadable.is_empty() {
        return Ok(loaded);
    }
    Err(loaded.unreadable.swap_remove(0).1)
}

/// Loads every path, and says what cannot be read.
pub fn load_all(paths: &[String], ignore: &[String], wanted: Wanted) -> Loaded {
    let mut loaded = Loaded::default();
    for path in paths {
        let (prefix, path) = split_prefix(path);
        let path = path.strip_prefix("file://").unwrap_or(path);
        let path = clean(Path::new(path));
        match fs::metadata(&path) {
            Err(error) => loaded.cannot("stat", &path, &error),
            Ok(metadata) if metadata.is_dir() => {
                walk(&path, &prefix, ignore, wanted, &mut loaded);
            }
            Ok(_) => add_file(&path, prefix, wanted, true, &mut loaded),
        }
    }
    loaded
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

fn walk(folder: &Path, path: &[String], ignore: &[String], wanted: Wanted, loaded: &mut Loaded) {
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect());
    let mut entries: Vec<fs::DirEntry> = match entries {
        Ok(entries) => entries,
        Err(error) => return loaded.cannot("open", folder, &error),
    };
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
        let metadata = match fs::metadata(&child) {
            Ok(metadata) => metadata,
            Err(error) => {
                loaded.cannot("stat", &child, &error);
                continue;
            }
        };
        if metadata.is_dir() {
            // A link to a folder above would never end.
            if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                continue;
            }
            let mut below = path.to_vec();
            below.push(name);
            walk(&child, &below, ignore, wanted, loaded);
        } else {
            add_file(&child, path.to_vec(), wanted, false, loaded);
        }
    }
}

fn add_file(file: &Path, path: Vec<String>, wanted: Wanted, named: bool, loaded: &mut Loaded) {
    let extension = file.extension().and_then(|e| e.to_str()).unwrap_or("");
    let format = match extension {
        "rego" => None,
        "json" => Some(DocumentFormat::Json),
        "yaml" | "yml" => Some(DocumentFormat::Yaml),
        _ if named => Some(DocumentFormat::Yaml),
        _ => return,
    };
    if format.is_some() && wanted == Wanted::Policies {
        return;
    }
    // What is named twice is there once.
    if !loaded.seen.insert((path.clone(), file.to_owned())) {
        return;
    }
    let name = file.display().to_string();
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => return loaded.cannot("open", file, &error),
    };
    loaded.is_policy.push(format.is_none());
    match format {
        None => loaded.modules.push((name, bytes)),
        Some(format) => loaded.data.push(DataFile {
            name,
            path,
            format,
            bytes,
        }),
    }
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
