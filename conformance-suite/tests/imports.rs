//! Who may import whom: the table in ARCHITECTURE.md is compared with the manifests and the sources.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A row: the crates of ours that a crate imports, and the paths that it never mentions.
#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    imports: BTreeSet<String>,
    never: Vec<String>,
}

/// Reads the rows between the two markers: `| crate | imports | never mentions | why |`.
fn table() -> BTreeMap<String, Row> {
    let text = fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap();
    let (_, rest) = text
        .split_once("<!-- imports: begin -->")
        .expect("the table begins with a marker");
    let (table, _) = rest
        .split_once("<!-- imports: end -->")
        .expect("the table ends with a marker");
    let mut rows = BTreeMap::new();
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let quoted = |cell: &str| -> Vec<String> {
            cell.split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect()
        };
        let name = quoted(cells[1]).remove(0);
        let row = Row {
            imports: quoted(cells[2]).into_iter().collect(),
            never: quoted(cells[3]),
        };
        rows.insert(name, row);
    }
    rows
}

/// What the manifests say: folder of the crate to folders of those it imports (not for tests only).
fn manifests() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = common::cargo_metadata(&workspace(), &["--no-deps"]);
    let packages = metadata["packages"].as_array().unwrap();
    let folder = |package: &Value| {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        manifest
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned()
    };
    let ours: BTreeMap<&str, String> = packages
        .iter()
        .map(|p| (p["name"].as_str().unwrap(), folder(p)))
        .collect();
    packages
        .iter()
        .map(|package| {
            let imports = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|dependency| dependency["kind"] != "dev")
                .filter_map(|dependency| ours.get(dependency["name"].as_str().unwrap()).cloned())
                .collect();
            (folder(package), imports)
        })
        .collect()
}

#[test]
fn the_manifests_import_what_the_table_allows() {
    let table: BTreeMap<String, BTreeSet<String>> = table()
        .into_iter()
        .map(|(k, row)| (k, row.imports))
        .collect();
    let manifests = manifests();
    assert_eq!(
        manifests.keys().collect::<Vec<_>>(),
        table.keys().collect::<Vec<_>>(),
        "every crate has a row, and every row a crate"
    );
    for (name, imports) in &manifests {
        let surplus: Vec<_> = imports.difference(&table[name]).collect();
        assert!(
            surplus.is_empty(),
            "{name} imports {surplus:?}, which ARCHITECTURE.md does not allow"
        );
    }
}

#[test]
fn no_source_mentions_what_the_table_forbids() {
    let mut wrong = Vec::new();
    for (name, row) in table() {
        for file in sources(&workspace().join(&name).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate() {
                if line.trim_start().starts_with("//") {
                    continue;
                }
                for path in &row.never {
                    if line.contains(path.as_str()) {
                        wrong.push(format!(
                            "{}:{}: {name} never mentions {path}",
                            file.display(),
                            number + 1
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(sources(&path));
        } else if path
            .extension()
            .is_some_and(|ext| ext == "rs" || ext == "lalrpop")
        {
            out.push(path);
        }
    }
    out
}
