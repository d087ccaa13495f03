//! The data of a bundle: each file at the place of its folder.

use regovm_core::value::{Arena, Value};
use regovm_core::yaml;

use super::paths;
use crate::document::{Tree, read_stream};

/// If a file is data, by its name.
pub(super) fn is_data(path: &str) -> bool {
    paths::base(path) == "data.json" || is_yaml(path)
}

fn is_yaml(path: &str) -> bool {
    matches!(paths::base(path), "data.yaml" | "data.yml")
}

/// Data so far.
#[derive(Default)]
pub(super) struct Data<'a> {
    tree: Tree<'a>,
}

impl<'a> Data<'a> {
    /// Adds a file. The words of an error stand behind `bundle load failed on ..: `, with the path that they are about.
    pub(super) fn add(
        &mut self,
        file: &super::File,
        full_path: &str,
        arena: &'a Arena,
    ) -> Result<(), String> {
        let value = read(&file.path, &file.bytes, arena)
            .map_err(|reason| format!("bundle load failed on {full_path}: {reason}"))?;
        let key = key(&file.path);
        if key.is_empty() && value.as_object().is_none() {
            return Err(format!(
                "bundle load failed on {}: root value must be object",
                file.path
            ));
        }
        self.insert(&key, value, arena)
            .map_err(|reason| format!("bundle load failed on {}: {reason}", file.path))
    }

    /// Adds a value at a path.
    pub(super) fn insert(
        &mut self,
        key: &[&str],
        value: Value<'a>,
        arena: &'a Arena,
    ) -> Result<(), String> {
        let nested = key.iter().rev().fold(value, |below, key| {
            arena.object_from([(arena.string(key), below)])
        });
        self.tree
            .add(nested, 0, "data")
            .map_err(|_| format!("failed to insert data file from path {}", key.join("/")))
    }

    pub(super) fn finish(self, arena: &'a Arena) -> Value<'a> {
        self.tree.finish(arena)
    }
}

/// The text of a data file, or of another one that is JSON or YAML.
pub(super) fn read<'a>(path: &str, bytes: &[u8], arena: &'a Arena) -> Result<Value<'a>, String> {
    if is_yaml(path) {
        return yaml::read(&String::from_utf8_lossy(bytes), arena).map_err(|e| e.to_string());
    }
    read_stream(bytes, arena).map_err(|error| error.message)
}

/// The keys below `data` of a file: its folders. Slashes and dots in front of them are none.
fn key(path: &str) -> Vec<&str> {
    let folder = match path.rfind('/') {
        Some(at) => path.get(..at).unwrap_or_default(),
        None => "",
    };
    folder
        .trim_start_matches(['/', '.'])
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn folders_are_keys() {
        for (path, keys) in [
            ("/data.json", vec![]),
            ("data.json", vec![]),
            ("./data.json", vec![]),
            ("/a/b/data.yaml", vec!["a", "b"]),
            ("a//b/data.yml", vec!["a", "b"]),
            ("/.hidden/data.json", vec!["hidden"]),
        ] {
            assert_eq!(super::key(path), keys, "{path}");
        }
    }
}
