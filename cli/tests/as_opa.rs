//! Runs the invocations of `as_opa/*.json` and `as_conftest/*.json` and compares them with what opa and conftest answered:
//! see the README in `as_opa`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

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
    without: Vec<String>,
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

/// JSON without members of some names; another text as it is.
fn without_members(text: &str, names: &[String]) -> String {
    fn strip(value: &mut serde_json::Value, names: &[String]) {
        match value {
            serde_json::Value::Object(members) => {
                members.retain(|name, _| !names.contains(name));
                members.values_mut().for_each(|value| strip(value, names));
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| strip(item, names)),
            _ => {}
        }
    }
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(mut value) => {
            strip(&mut value, names);
            format!("{value:#}\n")
        }
        Err(_) => text.to_owned(),
    }
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
        let text = match case.without.as_slice() {
            [] => text,
            names => without_members(&text, names),
        };
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

/// A file of cases with what is recorded of them.
struct File {
    name: String,
    recording: PathBuf,
    cases: Vec<Case>,
    before: BTreeMap<String, Recorded>,
}

impl File {
    fn read(of: Reference, path: &Path) -> File {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let cases: Vec<Case> = serde_json::from_slice(&fs::read(path).unwrap())
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let recording = of.folder().join("recorded").join(&name);
        let before = match fs::read(&recording) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{name}: {e}")),
            Err(_) => BTreeMap::new(),
        };
        let mut notes = BTreeMap::new();
        for case in &cases {
            let title = format!("{name}: {}", case.note);
            assert!(
                notes.insert(&case.note, ()).is_none(),
                "{title}: the note is used twice"
            );
            assert!(
                (case.ignore.is_empty() && case.without.is_empty()) || case.why.is_some(),
                "{title}: `ignore` and `without` need a `why`"
            );
        }
        File {
            name,
            recording,
            cases,
            before,
        }
    }
}

/// What became of a case.
struct Compared {
    /// What is to be recorded.
    recorded: Option<Recorded>,
    failures: Vec<String>,
    ran: bool,
}

/// Who answers, and what is wanted.
struct Comparison {
    of: Reference,
    opa: Option<PathBuf>,
    bless: bool,
    wanted: String,
}

impl Comparison {
    fn case(&self, file: &File, case: &Case) -> Compared {
        let ours = Path::new(env!("CARGO_BIN_EXE_regovm"));
        let of = self.of;
        let title = format!("{}: {}", file.name, case.note);
        let known = file.before.get(&case.note);
        let mut failures = Vec::new();
        if !title.contains(&self.wanted) {
            return Compared {
                recorded: known.cloned(),
                failures,
                ran: false,
            };
        }
        let found = run(of, ours, &of.ours(case), case);
        let asked = self.opa.as_ref().map(|opa| run(of, opa, &case.args, case));
        let recorded = match (asked, known) {
            (Some(asked), known) => {
                if !self.bless
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
                return Compared {
                    recorded: None,
                    failures,
                    ran: true,
                };
            }
        };
        let from_opa = difference(case, &recorded.opa, &found);
        let report = match (&case.differs, &recorded.regovm) {
            (None, _) => from_opa,
            (Some(_), _) if from_opa.is_none() => {
                Some("`differs`, but we answer as the reference does\n".to_owned())
            }
            (Some(_), Some(own)) => difference(case, own, &found),
            (Some(_), None) => Some("`differs`, but our own answer is not recorded\n".to_owned()),
        };
        failures
            .extend(report.map(|report| format!("==== {title}\n     {:?}\n{report}", case.args)));
        Compared {
            recorded: Some(recorded),
            failures,
            ran: true,
        }
    }
}

/// `work` for each of `0..count`, on all processors; in order.
fn on_all_processors<T: Send>(count: usize, work: &(dyn Fn(usize) -> T + Sync)) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return;
                    }
                    let result = work(at);
                    done.lock().unwrap().insert(at, result);
                }
            });
        }
    });
    done.into_inner().unwrap().into_values().collect()
}

fn compare_with(of: Reference) {
    let comparison = Comparison {
        of,
        opa: std::env::var_os(of.variable).map(PathBuf::from),
        bless: std::env::var_os("REGOVM_BLESS").is_some(),
        wanted: std::env::var("REGOVM_CASES").unwrap_or_default(),
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(of.folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    paths.sort();
    let files: Vec<File> = paths.iter().map(|path| File::read(of, path)).collect();
    let all: Vec<(&File, &Case)> = files
        .iter()
        .flat_map(|file| file.cases.iter().map(move |case| (file, case)))
        .collect();
    let compared = on_all_processors(all.len(), &|at| {
        let (file, case) = all[at];
        comparison.case(file, case)
    });
    let mut failures = Vec::new();
    let mut passed = 0;
    let mut after: BTreeMap<&Path, BTreeMap<&str, Recorded>> = BTreeMap::new();
    for ((file, case), compared) in all.iter().zip(compared) {
        passed += usize::from(compared.ran && compared.failures.is_empty());
        failures.extend(compared.failures);
        let recordings = after.entry(&file.recording).or_default();
        recordings.extend(compared.recorded.map(|recorded| (&*case.note, recorded)));
    }
    if comparison.bless && comparison.opa.is_some() {
        fs::create_dir_all(of.folder().join("recorded")).unwrap();
        for (recording, after) in after {
            let mut text = serde_json::to_string_pretty(&after).unwrap();
            text.push('\n');
            fs::write(recording, text).unwrap();
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
    assert!(
        passed > 0 || !comparison.wanted.is_empty(),
        "no invocation was run"
    );
}
