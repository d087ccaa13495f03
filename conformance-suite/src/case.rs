//! Cases as files: OPA's format, and the few fields that ours have besides.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// One case, with the place where it counts.
#[derive(Debug)]
pub struct Case {
    /// The line of the score that it counts for, such as `v1/aggregates`.
    pub folder: String,
    /// Its name; unique within a suite.
    pub note: String,
    /// The file it stands in.
    pub file: PathBuf,
    /// What it asks.
    pub kind: Kind,
}

impl Case {
    /// The name under which exceptions and filters know the case.
    pub fn id(&self) -> String {
        let suite = match self.folder.rsplit_once('/') {
            Some((suite, _)) => suite,
            None => &self.folder,
        };
        format!("{suite}/{}", self.note)
    }
}

/// The two kinds of cases.
#[derive(Debug)]
pub enum Kind {
    /// A query with its result or run-time error.
    Eval(EvalCase),
    /// Texts that do not compile, with the errors.
    Compile(CompileCase),
}

/// The dialect that modules are read as.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub enum RegoVersion {
    /// Rego v0.
    #[serde(rename = "v0")]
    V0,
    /// Rego v1.
    #[default]
    #[serde(rename = "v1")]
    V1,
    /// Rego v0 with everything that `import rego.v1` turns on.
    #[serde(rename = "v0-compat-v1")]
    V0CompatV1,
}

/// An evaluation case. The query is always Rego v1, without package and imports.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct EvalCase {
    /// Its name.
    pub note: String,
    /// Set from the folder, not the file.
    #[serde(skip)]
    pub rego_version: RegoVersion,
    /// Policies, named `test-0.rego`, `test-1.rego`...
    pub modules: Vec<String>,
    /// The query.
    pub query: String,
    /// Base documents.
    pub data: Option<Value>,
    /// The input as JSON. Absent and `null` are both: no input.
    pub input: Option<Value>,
    /// The input as a Rego term; wins over `input`.
    pub input_term: Option<String>,
    /// Whether the first error of a built-in ends the evaluation.
    pub strict_error: bool,
    /// Whether experimental keywords may be imported.
    pub experimental_keywords: bool,
    /// Whether OPA reads METADATA comments while parsing, as `opa eval` does, or only where a rule asks for them. We do
    /// always.
    #[serde(skip)]
    pub annotations: bool,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// The solutions, in any order.
    pub want_result: Option<Vec<Value>>,
    /// Whether there is a solution at all.
    pub want_defined: Option<bool>,
    /// The code of the error.
    pub want_error_code: Option<String>,
    /// A part of the error's text.
    pub want_error: Option<String>,
    /// Whether arrays in the bindings are compared as sets.
    pub sort_bindings: bool,
    /// Whether bindings of generated variables are ignored.
    pub ignore_generated_vars: bool,
}

/// A compile-error case.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CompileCase {
    /// Its name.
    pub note: String,
    /// The dialect of the modules.
    pub rego_version: RegoVersion,
    /// Policies, named `test-0.rego`, `test-1.rego`...
    pub modules: Vec<String>,
    /// Compiler in strict mode.
    pub strict: bool,
    /// Whether experimental keywords may be imported.
    pub experimental_keywords: bool,
    /// Whether calls of `print` are kept, as `check` does, and not erased.
    pub print_statements: bool,
    /// The errors. Empty: the text is accepted.
    pub want_errors: Vec<WantError>,
    /// Whether `want_errors` is all of them.
    pub exhaustive: bool,

    /// Ours: read METADATA comments and check types against their schemas, as `check` does.
    pub annotations: bool,
    /// Ours: schemas by reference; `schema` is that of `input`.
    pub schemas: BTreeMap<String, Value>,
    /// Ours: built-ins that may not be called.
    pub unsafe_builtins: Vec<String>,
    /// Ours: base documents that rules may conflict with.
    pub data: Option<Value>,
    /// Ours: a query that is compiled after the modules.
    pub query: Option<String>,
    /// Ours: the order of the errors counts too.
    #[serde(skip)]
    pub ordered: bool,
}

/// One error that a compile case wants.
#[derive(Debug, Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct WantError {
    /// The module; absent is `test-0.rego`, and for errors of a query empty.
    pub module: Option<String>,
    /// The code.
    pub code: String,
    /// The row, from 1.
    pub row: u32,
    /// The column, from 1; 0 is not compared.
    pub col: u32,
    /// The message.
    pub message: String,
    /// Ours: the lines below the message. Shown, not compared.
    pub details: Vec<String>,
}

/// The name of the module at a position.
pub fn module_name(position: usize) -> String {
    format!("test-{position}.rego")
}

/// Why cases could not be read.
#[derive(Debug)]
pub struct LoadError {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for LoadError {}

fn failed(path: &Path, reason: impl ToString) -> LoadError {
    LoadError {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

/// Reads OPA's evaluation cases: `<root>/{v0,v1}/<folder>/*.json`, scored as `<prefix>{v0,v1}/<folder>`.
///
/// # Errors
/// A file that cannot be read, or is no case file.
pub fn load_eval(root: &Path, prefix: &str) -> Result<Vec<Case>, LoadError> {
    let mut cases = Vec::new();
    for (version, rego_version) in [("v0", RegoVersion::V0), ("v1", RegoVersion::V1)] {
        for (folder, file) in case_files(&root.join(version))? {
            for value in read_cases(&file)? {
                let mut case: EvalCase =
                    serde_json::from_value(value).map_err(|e| failed(&file, e))?;
                case.rego_version = rego_version;
                cases.push(Case {
                    folder: format!("{prefix}{version}/{folder}"),
                    note: case.note.clone(),
                    file: file.clone(),
                    kind: Kind::Eval(case),
                });
            }
        }
    }
    Ok(cases)
}

/// Reads compile-error cases: `<root>/<folder>/*.json`, scored as `<prefix><folder>`.
/// In `ordered` suites the order of the errors counts.
///
/// # Errors
/// A file that cannot be read, or is no case file.
pub fn load_compile(root: &Path, prefix: &str, ordered: bool) -> Result<Vec<Case>, LoadError> {
    let mut cases = Vec::new();
    for (folder, file) in case_files(root)? {
        for value in read_cases(&file)? {
            let mut case: CompileCase =
                serde_json::from_value(value).map_err(|e| failed(&file, e))?;
            case.ordered = ordered;
            cases.push(Case {
                folder: format!("{prefix}{folder}"),
                note: case.note.clone(),
                file: file.clone(),
                kind: Kind::Compile(case),
            });
        }
    }
    Ok(cases)
}

/// All case files below a folder, each with the name of the folder it is in, sorted.
fn case_files(root: &Path) -> Result<Vec<(String, PathBuf)>, LoadError> {
    let mut out = Vec::new();
    if !root.is_dir() {
        return Ok(out);
    }
    for folder in sorted_entries(root)? {
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if folder.is_dir() {
            for file in sorted_entries(&folder)? {
                if file.extension().is_some_and(|ext| ext == "json") {
                    out.push((name.clone(), file));
                }
            }
        }
    }
    Ok(out)
}

fn sorted_entries(dir: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir).map_err(|e| failed(dir, e))? {
        entries.push(entry.map_err(|e| failed(dir, e))?.path());
    }
    entries.sort();
    Ok(entries)
}

fn read_cases(file: &Path) -> Result<Vec<Value>, LoadError> {
    #[derive(Deserialize)]
    struct File {
        cases: Vec<Value>,
    }
    let text = fs::read_to_string(file).map_err(|e| failed(file, e))?;
    let file: File = serde_json::from_str(&text).map_err(|e| failed(file, e))?;
    Ok(file.cases)
}
