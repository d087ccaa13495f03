//! The formatter gives OPA's text, stands still, and loses neither rules nor comments.
//!
//! OPA's own test data is read from the cache of Go modules, or from the folder that `REGOVM_OPA_SOURCE` names (the root of
//! OPA's source); without it that test says so and passes.

#![allow(clippy::disallowed_methods, reason = "tests may read files")]
#![allow(
    clippy::disallowed_macros,
    reason = "who runs a test is told what it leaves out"
)]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use regovm_core::SourceMap;
use regovm_parser::ast::{Module, RegoVersion};
use regovm_parser::format::{self, Options, Target};
use regovm_parser::{ParseOptions, canonical, parse_module};

/// The release of OPA whose data the results are compared with.
const RELEASE: &str = "v1.22.0";

fn parse(text: &str, version: RegoVersion) -> Option<Module> {
    let mut sources = SourceMap::new();
    let id = sources.add("", text).unwrap();
    let options = ParseOptions {
        version,
        ..ParseOptions::default()
    };
    parse_module(&sources, id, &options).ok()
}

/// The formatted text; nothing if the text does not parse.
fn formatted(text: &str, version: RegoVersion, options: &Options) -> Option<String> {
    let mut sources = SourceMap::new();
    let id = sources.add("", text).unwrap();
    let parse = ParseOptions {
        version,
        ..ParseOptions::default()
    };
    let module = parse_module(&sources, id, &parse).ok()?;
    format::module(module, &sources, id, options).ok()
}

fn source_of_opa() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("REGOVM_OPA_SOURCE") {
        return Some(folder.into());
    }
    let cache = match std::env::var_os("GOMODCACHE") {
        Some(cache) => PathBuf::from(cache),
        None => Path::new(&std::env::var_os("HOME")?).join("go/pkg/mod"),
    };
    let folder = cache.join(format!("github.com/open-policy-agent/opa@{RELEASE}"));
    folder.is_dir().then_some(folder)
}

/// The files of a folder of test data whose result is known: text and result.
fn test_data(folder: &Path) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let result = path.with_extension("rego.formatted");
        if path.extension().is_some_and(|e| e == "rego") && result.is_file() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let read = |path: &Path| fs::read_to_string(path).unwrap();
            found.push((name, read(&path), read(&result)));
        }
    }
    found.sort();
    found
}

#[test]
fn opas_test_data_gets_opas_text() {
    let Some(opa) = source_of_opa() else {
        println!("skipped: no source of OPA {RELEASE}; REGOVM_OPA_SOURCE may name one");
        return;
    };
    let data = opa.join("v1/format/testfiles");
    let mut different = Vec::new();
    let mut count = 0;
    for (folder, version, target) in [
        ("v0", RegoVersion::V0, Target::V0),
        ("v0_to_v1", RegoVersion::V0, Target::V0AndV1),
        ("v1", RegoVersion::V1, Target::V1),
    ] {
        for (name, text, wanted) in test_data(&data.join(folder)) {
            let options = Options {
                target,
                ..Options::default()
            };
            count += 1;
            if formatted(&text, version, &options).as_deref() != Some(wanted.trim_end_matches('\n'))
                && formatted(&text, version, &options).as_deref() != Some(&wanted)
            {
                different.push(format!("{folder}/{name}"));
            }
        }
    }
    assert!(count > 100, "only {count} files in {}", data.display());
    assert_eq!(different, Vec::<String>::new(), "of {count}");
}

fn policies_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            policies_below(&path, found);
        } else if path.extension().is_some_and(|e| e == "rego") {
            found.push(path);
        }
    }
}

/// Texts with everything that the language has: the examples, and some lines that are hard to lay out.
fn texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut paths = Vec::new();
    policies_below(&root.join("examples"), &mut paths);
    policies_below(&root.join("benches/rivals/policies"), &mut paths);
    assert!(!paths.is_empty());
    let mut texts: Vec<String> = paths
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    texts.push(HARD.to_string());
    texts
}

/// Forms that the examples do not have.
const HARD: &str = r#"# METADATA
# title: hard
package hard.to["lay out"]

import rego.v1
import data.x.y as z # beside
import data.a

default p := {"a": [1, 2], "b": {3}}

p := x if { x := f(1, [2, 3], {"a": {"b": g(4)}}) } else := y if { y := 1; not q } else := 3

f(x, y, {"k": v}) := {"sum": x + y * 2, "v": [v | some v in [1, 2]; v > 1]} if { x != y; every k, w in z { k < w } }

r contains {"msg": sprintf("%d", [x]), "x": x} if { some x in input.xs; x.y[_].z == "q" }

s.t[u].v := w if { some u, w in input.o } 

obj[k] := {a: b | some a, b in k} if { some k in {{"x": 1}, {"y": 2}} }

msg := $"a {x} b {f(1, 2, 3)}" if { x := `raw
text` }

many if {
	a := count({x | x := input.a[_]; x in {1, 2} | {3}}) > 1 with input as {"a": [1]} with data.b as 2
	(1 + 2) * 3 == 9
	[x, y] = [1, {"a": -input.z}]
	some i
	input.l[i]
}
"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    /// Line ends and comments at random places behind commas and brackets.
    #[test]
    fn formatting_again_changes_nothing(
        which in 0..1000_usize,
        places in prop::collection::vec((0..10_000_usize, 0..5_u8), 0..12),
    ) {
        let texts = texts();
        let mut text = texts[which % texts.len()].clone();
        let mut comments = 0;
        for (at, what) in places {
            let spots: Vec<usize> = text
                .bytes()
                .enumerate()
                .filter(|(_, byte)| b",{[(|;".contains(byte))
                .map(|(at, _)| at + 1)
                .collect();
            let spot = spots[at % spots.len()];
            let before = text.clone();
            let insertion = match what {
                0 => "\n".to_string(),
                1 => "\n\n".to_string(),
                2 => format!(" # remark{comments}x\n"),
                3 => format!("\n# remark{comments}x\n"),
                _ => " ".to_string(),
            };
            text.insert_str(spot, &insertion);
            if parse(&text, RegoVersion::V1).is_none() {
                text = before;
            } else if what == 2 || what == 3 {
                comments += 1;
            }
        }
        let Some(module) = parse(&text, RegoVersion::V1) else {
            // Some of the texts are of v0.
            return Ok(());
        };
        let options = Options::default();
        let once = formatted(&text, RegoVersion::V1, &options).unwrap();
        let again = formatted(&once, RegoVersion::V1, &options);
        prop_assert_eq!(again.as_deref(), Some(&*once), "from:\n{}", text);
        let after = parse(&once, RegoVersion::V1).unwrap();
        // None is lost. OPA writes one twice that stands behind the bracket that opens a head's value, where the arguments are
        // on several lines.
        for number in 0..comments {
            let comment = format!("# remark{number}x");
            prop_assert!(once.contains(&comment), "from:\n{}\n--- to:\n{}", text, once);
        }
        let rules = |module: &Module| {
            let text = canonical::module(module);
            text.split_once("\n\n").map(|(_, rules)| without_imports(rules)).unwrap_or_default()
        };
        prop_assert_eq!(rules(&module), rules(&after), "from:\n{}\n--- to:\n{}", text, once);
    }
}

/// Imports are sorted, and may be left out here.
fn without_imports(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("import "));
    lines.collect::<Vec<_>>().join("\n").trim().to_string()
}
