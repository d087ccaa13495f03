//! Runs the invocations of `as_opa/*.json` and `as_conftest/*.json` and compares them with what opa and conftest answered:
//! see the README in `as_opa`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    note: String,
    r#in: Option<String>,
    args: Vec<String>,
    ours: Option<Vec<String>>,
    #[serde(default)]
    stdin: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    after: Vec<String>,
    #[serde(default)]
    mask: bool,
    #[serde(default)]
    numbers: bool,
    #[serde(default)]
    sorted: bool,
    compare: Option<Compare>,
    #[serde(default)]
    ignore: Vec<Part>,
    why: Option<String>,
    differs: Option<String>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Compare {
    Json,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Part {
    Stdout,
    Stderr,
    Exit,
}

/// What a run gave. Texts are kept as lines, so that recordings can be read.
#[derive(Serialize, Deserialize, Clone, Debug)]
struct Outcome {
    exit: i32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stdout: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stderr: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    after: BTreeMap<String, Vec<String>>,
}

#[derive(Serialize, Deserialize, Clone)]
struct Recorded {
    opa: Outcome,
    /// Only where we differ by choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    regovm: Option<Outcome>,
}

/// Whose answers are ours too.
#[derive(Clone, Copy)]
struct Reference {
    /// The folder of its cases.
    folder: &'static str,
    /// The variable that names it.
    variable: &'static str,
    /// Its command that is called otherwise here, and how.
    command: (&'static str, &'static str),
}

const OPA: Reference = Reference {
    folder: "as_opa",
    variable: "REGOVM_OPA",
    command: ("", ""),
};

const CONFTEST: Reference = Reference {
    folder: "as_conftest",
    variable: "REGOVM_CONFTEST",
    command: ("test", "scan"),
};

impl Reference {
    fn folder(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests")
            .join(self.folder)
    }

    /// The arguments of a case for us.
    fn ours(self, case: &Case) -> Vec<String> {
        let mut args = case.ours.as_ref().unwrap_or(&case.args).clone();
        if let Some(command) = args.first_mut().filter(|name| **name == self.command.0) {
            *command = self.command.1.to_owned();
        }
        args
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display())) {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// Times, and what moves with them.
fn masked(text: &str) -> String {
    static RULES: LazyLock<[(Regex, &str); 10]> = LazyLock::new(|| {
        let rule = |pattern: &str| Regex::new(pattern).unwrap();
        [
            (
                rule(r"\b\d+(\.\d+)?(e[+-]?\d+)?(ns|µs|ms|s|m\d+(\.\d+)?s)\b"),
                "<time>",
            ),
            (
                rule(r#"("[\w%.]*(_ns|duration|time)[\w%.]*": ?)\d+(\.\d+)?(e[+-]?\d+)?"#),
                "${1}0",
            ),
            (
                rule(r"(?m)(_ns[\w%.]* +[|│] +)\d+(\.\d+)?(e[+-]?\d+)?"),
                "${1}0",
            ),
            (rule(r#"\btime="[\d.]+""#), r#"time="0""#),
            // Of no decision there is a log.
            (rule(r#"(?m)^ *"decision_id": "[^"]*",\n"#), ""),
            // Who writes a report says so.
            (
                rule(
                    r#""informationUri":"[^"]*","name":"(conftest|regovm)"(.*?)"version":"[^"]*""#,
                ),
                "${2}",
            ),
            (rule(r#"<property name="(go|regovm).version" [^>]*>"#), ""),
            (rule(r"  +"), " "),
            (rule(r"---+"), "-"),
            (rule(r"──+"), "─"),
        ]
    });
    RULES.iter().fold(text.to_owned(), |text, (pattern, with)| {
        pattern.replace_all(&text, *with).into_owned()
    })
}

/// What is measured, and what moves with it.
fn without_numbers(text: &str) -> String {
    static NUMBERS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"([\t :│]) *\d+(\.\d+)?(e[+-]?\d+)?( *│|\b)").unwrap());
    masked(&NUMBERS.replace_all(text, "${1}0"))
}

fn run(of: Reference, program: &Path, args: &[String], case: &Case) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    if let Some(files) = &case.r#in {
        copy(&of.folder().join("files").join(files), directory.path());
    }
    let mut child = Command::new(program)
        .args(args)
        .current_dir(directory.path())
        .env("NO_COLOR", "1")
        .env("OPA_TELEMETRY_SERVICE_URL", "http://127.0.0.1:9")
        .envs(&case.env)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{}: {e}", program.display()));
    // A command that does not read its input closes the pipe: no failure.
    let _ = child.stdin.take().unwrap().write_all(case.stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let lines = |bytes: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(bytes)
            .replace(&directory.path().display().to_string(), "<directory>");
        let text = if case.mask { masked(&text) } else { text };
        let text = if case.numbers {
            without_numbers(&text)
        } else {
            text
        };
        if text.is_empty() {
            return Vec::new();
        }
        let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        if case.sorted {
            lines.sort();
            // An empty line stands where the file changes.
            lines.dedup_by(|a, b| a.is_empty() && b.is_empty());
        }
        lines
    };
    // What is not compared is not recorded either.
    let part = |part: Part, bytes: &[u8]| {
        if case.ignore.contains(&part) {
            Vec::new()
        } else {
            lines(bytes)
        }
    };
    Outcome {
        exit: output.status.code().unwrap_or(-1),
        stdout: part(Part::Stdout, &output.stdout),
        stderr: part(Part::Stderr, &output.stderr),
        after: case
            .after
            .iter()
            .map(|file| {
                let bytes = fs::read(directory.path().join(file));
                (
                    file.clone(),
                    lines(&bytes.unwrap_or_else(|_| b"<absent>".to_vec())),
                )
            })
            .collect(),
    }
}

/// How `found` departs from `expected`, in words; nothing if it does not.
fn difference(case: &Case, expected: &Outcome, found: &Outcome) -> Option<String> {
    let mut report = String::new();
    if !case.ignore.contains(&Part::Exit) && expected.exit != found.exit {
        report += &format!("exit status: {} instead of {}\n", found.exit, expected.exit);
    }
    let json = |lines: &[String]| serde_json::from_str::<serde_json::Value>(&lines.join("\n")).ok();
    let same_output = if case.compare == Some(Compare::Json) {
        json(&expected.stdout) == json(&found.stdout)
    } else {
        expected.stdout == found.stdout
    };
    let mut texts = |name: &str, expected: &[String], found: &[String]| {
        report += &format!("--- {name}, expected\n{}\n", expected.join("\n"));
        report += &format!("--- {name}, found\n{}\n", found.join("\n"));
    };
    if !same_output {
        texts("standard output", &expected.stdout, &found.stdout);
    }
    if expected.stderr != found.stderr {
        texts("standard error", &expected.stderr, &found.stderr);
    }
    for (file, text) in &expected.after {
        if found.after.get(file) != Some(text) {
            texts(file, text, found.after.get(file).map_or(&[], Vec::as_slice));
        }
    }
    (!report.is_empty()).then_some(report)
}

#[test]
fn invocations_answer_as_opa_does() {
    compare_with(OPA);
}

#[test]
fn scans_answer_as_conftest_does() {
    compare_with(CONFTEST);
}

fn compare_with(of: Reference) {
    let ours = Path::new(env!("CARGO_BIN_EXE_regovm"));
    let opa = std::env::var_os(of.variable).map(PathBuf::from);
    let bless = std::env::var_os("REGOVM_BLESS").is_some();
    let wanted = std::env::var("REGOVM_CASES").unwrap_or_default();
    let mut failures = Vec::new();
    let mut passed = 0;
    let mut files: Vec<PathBuf> = fs::read_dir(of.folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let cases: Vec<Case> = serde_json::from_slice(&fs::read(&file).unwrap())
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let recording = of.folder().join("recorded").join(&name);
        let before: BTreeMap<String, Recorded> = match fs::read(&recording) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{name}: {e}")),
            Err(_) => BTreeMap::new(),
        };
        let mut after = BTreeMap::new();
        for case in &cases {
            let title = format!("{name}: {}", case.note);
            if !title.contains(&wanted) {
                if let Some(recorded) = before.get(&case.note) {
                    after.insert(case.note.clone(), recorded.clone());
                }
                continue;
            }
            assert!(
                case.ignore.is_empty() || case.why.is_some(),
                "{title}: `ignore` needs a `why`"
            );
            let found = run(of, ours, &of.ours(case), case);
            let asked = opa.as_ref().map(|opa| run(of, opa, &case.args, case));
            let recorded = match (asked, before.get(&case.note)) {
                (Some(asked), known) => {
                    if !bless
                        && let Some(known) = known
                        && let Some(report) = difference(case, &known.opa, &asked)
                    {
                        failures.push(format!(
                            "==== {title}: the reference answers otherwise\n{report}"
                        ));
                    }
                    Recorded {
                        opa: asked,
                        regovm: case.differs.is_some().then(|| found.clone()),
                    }
                }
                (None, Some(known)) => known.clone(),
                (None, None) => {
                    failures.push(format!("==== {title}: not recorded (see the README)"));
                    continue;
                }
            };
            assert!(
                after.insert(case.note.clone(), recorded.clone()).is_none(),
                "{title}: the note is used twice"
            );
            let from_opa = difference(case, &recorded.opa, &found);
            let report = match (&case.differs, &recorded.regovm) {
                (None, _) => from_opa,
                (Some(_), _) if from_opa.is_none() => {
                    Some("`differs`, but we answer as the reference does\n".to_owned())
                }
                (Some(_), Some(own)) => difference(case, own, &found),
                (Some(_), None) => {
                    Some("`differs`, but our own answer is not recorded\n".to_owned())
                }
            };
            match report {
                Some(report) => {
                    failures.push(format!("==== {title}\n     {:?}\n{report}", case.args))
                }
                None => passed += 1,
            }
        }
        if bless && opa.is_some() {
            fs::create_dir_all(of.folder().join("recorded")).unwrap();
            let mut text = serde_json::to_string_pretty(&after).unwrap();
            text.push('\n');
            fs::write(&recording, text).unwrap();
        }
    }
    println!("{passed} invocations answer as {}", of.folder);
    assert!(
        failures.is_empty(),
        "{}\n{} of {} invocations differ",
        failures.join("\n"),
        failures.len(),
        failures.len() + passed
    );
    assert!(passed > 0 || !wanted.is_empty(), "no invocation was run");
}
