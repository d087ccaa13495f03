//! Licences and sources of everything we depend on, by the lists of deny.toml:
//! a check that needs nothing but cargo.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The strings of `allow = [...]` below `[licenses]`.
fn allowed() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deny.toml");
    let text = fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("[licenses]").unwrap();
    let (_, list) = section.split_once("allow = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    list.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Whether an SPDX expression can be met with the allowed licences.
/// `/` is the old way to write `OR`.
fn acceptable(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let met = any_of(&mut rest, allowed);
    met && rest.is_empty()
}

fn any_of(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = all_of(words, allowed);
    while let Some(("OR", rest)) = words.split_first().map(|(first, rest)| (*first, rest)) {
        *words = rest;
        met |= all_of(words, allowed);
    }
    met
}

fn all_of(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = licence(words, allowed);
    while let Some(("AND", rest)) = words.split_first().map(|(first, rest)| (*first, rest)) {
        *words = rest;
        met &= licence(words, allowed);
    }
    met
}

fn licence(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    match **words {
        ["(", ..] => {
            *words = &words[1..];
            let met = any_of(words, allowed);
            match words.split_first() {
                Some((&")", rest)) => *words = rest,
                _ => return false,
            }
            met
        }
        [name, "WITH", exception, ..] => {
            let whole = format!("{name} WITH {exception}");
            *words = &words[3..];
            allowed.contains(&whole)
        }
        [name, ..] => {
            *words = &words[1..];
            allowed.contains(name)
        }
        [] => false,
    }
}

#[test]
fn expressions() {
    let allowed = BTreeSet::from([
        "MIT".to_owned(),
        "Unicode-3.0".to_owned(),
        "A WITH B".to_owned(),
    ]);
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "GPL-3.0/MIT",
        "(MIT OR GPL-3.0) AND Unicode-3.0",
        "A WITH B",
    ] {
        assert!(acceptable(good, &allowed), "{good}");
    }
    for bad in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT",
        "A",
        "A WITH C",
        "MIT)",
    ] {
        assert!(!acceptable(bad, &allowed), "{bad}");
    }
}

#[test]
fn licences_and_sources() {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8_lossy(&rustc.stdout).into_owned();
    let host = rustc
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"));
    let metadata = common::cargo_metadata(workspace, &["--filter-platform", host]);
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 20, "there are dependencies to look at");
    let allowed = allowed();
    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        match package["license"].as_str() {
            Some(licence) if acceptable(licence, &allowed) => {}
            other => wrong.push(format!("{name}: licence {other:?}")),
        }
        match package["source"].as_str() {
            None | Some("registry+https://github.com/rust-lang/crates.io-index") => {}
            Some(other) => wrong.push(format!("{name}: comes from {other}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
