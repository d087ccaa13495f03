//! Files of every format against what `conftest parse` says of them: `expected/<file>.json` was recorded from it.
//!
//! `REGOVM_CONFTEST=/path/to/conftest REGOVM_BLESS=1` records them anew.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests read files and ask conftest"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regovm_config::{Documents, Format, Step, documents, places};
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder("files"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// Numbers by their value: how they are spelled is not compared.
fn plain(value: Value) -> Value {
    match value {
        Value::Number(number) => format!("{:?}", number.as_f64()).into(),
        Value::Array(elements) => elements.into_iter().map(plain).collect(),
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().map(|(k, v)| (k, plain(v))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().collect())
        }
        other => other,
    }
}

fn ours(path: &Path) -> Value {
    let text = fs::read(path).unwrap();
    let format = Format::of_file(path.to_str().unwrap()).unwrap();
    let found = documents(format, &text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let value = |json: &[u8]| serde_json::from_slice::<Value>(json).unwrap();
    match &found {
        Documents::One(one) => value(one),
        Documents::Several(_) => found.iter().map(value).collect(),
    }
}

#[test]
fn files_are_read_as_conftest_reads_them() {
    let conftest = std::env::var_os("REGOVM_CONFTEST");
    let bless = std::env::var_os("REGOVM_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in files() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let recording = folder("expected").join(format!("{name}.json"));
        if let Some(conftest) = &conftest {
            let output = Command::new(conftest)
                .arg("parse")
                .arg(&path)
                .output()
                .unwrap();
            assert!(output.status.success(), "{name}: {output:?}");
            if bless {
                fs::create_dir_all(folder("expected")).unwrap();
                fs::write(&recording, &output.stdout).unwrap();
            }
        }
        let recorded = fs::read(&recording).unwrap_or_else(|e| panic!("{name}: {e}"));
        let expected: Value = serde_json::from_slice(&recorded).unwrap();
        let found = ours(&path);
        if plain(found.clone()) != plain(expected.clone()) {
            wrong.push(format!("{name}:\nfound    {found}\nexpected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The place of a path, which is written with dots.
fn place(format: Format, text: &str, document: usize, path: &str) -> Option<(usize, usize)> {
    let path: Vec<Step> = path.split('.').map(Step::name).collect();
    let found = places(format, text.as_bytes(), &[(document, &path)])[0];
    found.map(|place| (place.line, place.column))
}

#[test]
fn values_are_found_in_every_format() {
    for (format, text, document, path, expected) in [
        (
            Format::Json,
            "{\n \"a\": {\"b\": 1}\n}",
            0,
            "a.b",
            Some((2, 8)),
        ),
        (Format::Json, "[{}, {\"a\": 1}]", 1, "a", Some((1, 7))),
        (
            Format::Jsonc,
            "// c\n{\"a\": [1, /* x */ 2]}",
            0,
            "a.1",
            Some((2, 19)),
        ),
        (
            Format::Yaml,
            "a:\n  - b: 1\n    c: 2\n",
            0,
            "a.0.c",
            Some((3, 5)),
        ),
        (Format::Yaml, "a: 1\n---\nb: 1\n", 1, "b", Some((3, 1))),
        (Format::Yaml, "- a\n- b: 1\n", 1, "b", Some((2, 3))),
        (
            Format::Hcl2,
            "x = 1\nr \"a\" \"b\" {\n  y = [1]\n}\n",
            0,
            "r.a.b.0.y",
            Some((3, 3)),
        ),
        (
            Format::Hcl2,
            "x = 1\nr \"a\" \"b\" {\n  y = [1]\n}\n",
            0,
            "r.a.b.0",
            Some((2, 1)),
        ),
        (
            Format::Hcl2,
            "x = {\n  y = { z = 1 }\n}\n",
            0,
            "x.y.z",
            Some((2, 9)),
        ),
        (
            Format::Toml,
            "[a]\nb = 1\n[[c]]\nd = 2\n",
            0,
            "c.0.d",
            Some((4, 1)),
        ),
        (Format::Ini, "[a]\n# c\n b = 1\n", 0, "a.b", Some((3, 2))),
        (Format::Dotenv, "A=1\nexport B=2\n", 0, "B", Some((2, 1))),
        (Format::Properties, "a=1\\\n 2\nb=3\n", 0, "b", Some((3, 1))),
        (
            Format::Dockerfile,
            "# c\nFROM a\nUSER root\n",
            0,
            "2.Value",
            Some((3, 1)),
        ),
        (
            Format::Xml,
            "<a>\n  <b x=\"1\"/>\n  <b/>\n</a>",
            0,
            "a.b.1",
            Some((3, 3)),
        ),
        (Format::Ignore, "a\nb\n", 0, "1.Value", Some((2, 1))),
        (Format::Codeowners, "\n* @a\n", 0, "rules.0", Some((2, 1))),
        (
            Format::Nginx,
            "a b;\nc {\n  d;\n}\n",
            0,
            "directives.1.block.directives.0",
            Some((3, 3)),
        ),
        (Format::Json, "{\"a\": 1}", 0, "b", None),
        (Format::Yaml, "a: [", 0, "a", None),
        (Format::Cue, "a: 1", 0, "a", None),
    ] {
        assert_eq!(
            place(format, text, document, path),
            expected,
            "{format:?} {path} in {text:?}"
        );
    }
}

#[test]
fn what_cannot_be_read_says_where_and_what_to_do() {
    for (format, text, message, line) in [
        (
            Format::Yaml,
            "a: 1\n---\nb: }\n",
            "did not find expected node content",
            Some(3),
        ),
        (Format::Hcl2, "a = 1\nb = \n", "hcl: ", Some(2)),
        (
            Format::Hcl2,
            "a = 1\na = 2\n",
            "redefined attribute",
            Some(2),
        ),
        (
            Format::Hcl2,
            "a \"b\" {}\na {}\n",
            "with and without labels",
            Some(2),
        ),
        (Format::Toml, "a = 1\nb = \n", "toml: ", Some(2)),
        (Format::Toml, "a = inf\n", "JSON has no number inf", Some(1)),
        (
            Format::Ini,
            "[a]\nfoo\n",
            "key-value delimiter not found: foo",
            Some(2),
        ),
        (Format::Ini, "[a\n", "unclosed section", Some(1)),
        (
            Format::Dotenv,
            "A=1\nbad line\n",
            "line `bad line` doesn't match format",
            Some(2),
        ),
        (Format::Dotenv, "A=\"x\n", "missing quotes", Some(1)),
        (Format::Xml, "<a>\n<b></a>", "xml: ", Some(2)),
        (Format::Xml, "<a>\n<b>", "<b> is not closed", Some(2)),
        (
            Format::Xml,
            "<a>&nope;</a>",
            "the entity is not known",
            Some(1),
        ),
        (Format::Dockerfile, "", "file with no instructions", None),
        (
            Format::Dockerfile,
            "FROM a\nFOO bar\n",
            "unknown instruction: FOO",
            Some(2),
        ),
        (
            Format::Dockerfile,
            "FROM\n",
            "FROM requires either one or three arguments",
            Some(1),
        ),
        (
            Format::Dockerfile,
            "FROM a\nENV a\n",
            "ENV must have two arguments",
            Some(2),
        ),
        (
            Format::Dockerfile,
            "FROM a\nRUN <<E\nx\n",
            "unterminated heredoc",
            Some(2),
        ),
        (
            Format::Codeowners,
            "* @x\na\\ b bad\n",
            "invalid owner format 'bad'",
            Some(2),
        ),
        (
            Format::Nginx,
            "events {\n",
            "unexpected eof in block",
            Some(1),
        ),
        (Format::Json, "[1,\n}", "the array is no JSON", Some(2)),
        (Format::Cue, "a: 1", "there is no reader for cue", None),
        (
            Format::CycloneDx,
            "<bom/>",
            "there is no reader for cyclonedx",
            None,
        ),
    ] {
        let error = documents(format, text.as_bytes()).expect_err(text);
        assert!(error.message.contains(message), "{error} for {text:?}");
        assert_eq!(
            error.place.map(|place| place.line),
            line,
            "{error} for {text:?}"
        );
    }
    let error = documents(Format::Ini, b"[a]\nb=\xff").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the text is not UTF-8 (line 2, column 3)"
    );
    let unread = documents(Format::Jsonnet, b"{}").unwrap_err();
    assert!(unread.hint.unwrap().contains("jsonnet FILE"));
}

#[test]
fn deep_texts_are_refused_and_not_followed() {
    let deep = |open: &str, close: &str| open.repeat(50_000) + &close.repeat(50_000);
    for (format, text) in [
        (Format::Hcl2, format!("a = {}", deep("[", "]"))),
        (Format::Hcl2, deep("a {\n", "}\n")),
        (Format::Hcl2, format!("a = {}1", "!".repeat(50_000))),
        (Format::Hcl2, format!("a = {}", deep("\"${", "}\""))),
        (Format::Toml, format!("a = {}", deep("[", "]"))),
        (Format::Toml, format!("a = {}", deep("{a=", "}"))),
        (Format::Toml, format!("{}=1", vec!["a"; 50_000].join("."))),
        (Format::Xml, deep("<a>", "</a>")),
        (Format::Nginx, deep("a {", "}")),
        (Format::Yaml, deep("[", "]")),
    ] {
        let start: String = text.chars().take(20).collect();
        assert!(
            documents(format, text.as_bytes()).is_err(),
            "{format:?} {start}"
        );
        let path = [Step::name("a")];
        let _ = places(format, text.as_bytes(), &[(0, &path)]);
    }
    // Nothing is made of JSON here: it is passed on.
    let text = deep("[", "]");
    assert!(documents(Format::Json, text.as_bytes()).is_ok());
    let _ = places(Format::Json, text.as_bytes(), &[(0, &[Step::Index(0)])]);
}
