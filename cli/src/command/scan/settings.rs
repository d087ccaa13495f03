//! What counts of flags, environment and configuration file, in this order.

use std::path::Path;

use regex::Regex;
use regovm::{Capabilities, RegoVersion};
use regovm_config::{Format, documents};
use serde_json::{Map, Value};

use super::args::ScanArgs;
use crate::load::reason;

/// Where conftest looks for its configuration.
const FILES: [&str; 4] = [
    "conftest.toml",
    "conftest.yaml",
    "conftest.yml",
    "conftest.json",
];

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Output {
    /// Text.
    Stdout,
    /// JSON.
    Json,
    /// The Test Anything Protocol.
    Tap,
    /// A table.
    Table,
    /// JUnit's XML.
    Junit,
    /// Annotations of GitHub Actions.
    Github,
    /// Annotations of Azure Pipelines.
    AzureDevops,
    /// SARIF.
    Sarif,
}

const OUTPUTS: [(&str, Output); 8] = [
    ("stdout", Output::Stdout),
    ("json", Output::Json),
    ("tap", Output::Tap),
    ("table", Output::Table),
    ("junit", Output::Junit),
    ("github", Output::Github),
    ("azuredevops", Output::AzureDevops),
    ("sarif", Output::Sarif),
];

/// All that a scan is told, but for its inputs and budgets.
#[derive(Debug)]
pub struct Settings {
    pub policy: Vec<String>,
    pub data: Vec<String>,
    pub namespaces: Vec<String>,
    pub all_namespaces: bool,
    pub combine: bool,
    pub parser: Option<Format>,
    pub ignore: Option<Regex>,
    pub stdin_name: Option<String>,
    pub output: Output,
    pub fail_on_warn: bool,
    pub no_fail: bool,
    pub no_color: bool,
    pub quiet: bool,
    pub suppress_exceptions: bool,
    pub junit_hide_message: bool,
    pub github_hide_passed: bool,
    pub show_builtin_errors: bool,
    pub strict: bool,
    pub trace: bool,
    pub capabilities: Option<Capabilities>,
    pub version: RegoVersion,
}

/// Values by the names of flags.
struct Sources {
    config: Map<String, Value>,
}

impl Sources {
    fn of(args: &ScanArgs) -> Result<Sources, String> {
        let variable = variable("config-file");
        let named = args.config_file.as_deref().or(variable.as_deref());
        let found = FILES.into_iter().find(|file| Path::new(file).is_file());
        let config = match named.or(found) {
            Some(file) => read(file)?,
            None => Map::new(),
        };
        Ok(Sources { config })
    }

    fn text(&self, name: &str, flag: Option<&String>) -> Result<Option<String>, String> {
        if let Some(text) = flag.cloned().or_else(|| variable(name)) {
            return Ok(Some(text));
        }
        match self.config.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(format!("the configuration file has no text at {name}")),
        }
    }

    fn list(&self, name: &str, flag: &[String]) -> Result<Option<Vec<String>>, String> {
        if !flag.is_empty() {
            return Ok(Some(flag.to_vec()));
        }
        let parts = |text: &str| text.split(',').map(str::to_owned).collect();
        if let Some(text) = variable(name) {
            return Ok(Some(parts(&text)));
        }
        let wrong = || format!("the configuration file has no list of texts at {name}");
        match self.config.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(parts(text))),
            Some(Value::Array(list)) => {
                let texts = list.iter().map(|text| text.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().map(Some).ok_or_else(wrong)
            }
            Some(_) => Err(wrong()),
        }
    }

    fn truth(&self, name: &str, flag: Option<bool>) -> Result<bool, String> {
        if let Some(truth) = flag {
            return Ok(truth);
        }
        let of_text = |text: &str, place: &str| match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
            _ => Err(format!("{place} has to be true or false, not {text:?}")),
        };
        if let Some(text) = variable(name) {
            return of_text(&text, &variable_name(name));
        }
        match self.config.get(name) {
            None => Ok(false),
            Some(Value::Bool(truth)) => Ok(*truth),
            Some(Value::String(text)) => of_text(text, name),
            Some(_) => Err(format!(
                "the configuration file has no truth value at {name}"
            )),
        }
    }
}

fn variable_name(flag: &str) -> String {
    format!("CONFTEST_{}", flag.to_uppercase().replace('-', "_"))
}

/// A variable of the environment; empty ones do not count.
fn variable(flag: &str) -> Option<String> {
    let value = std::env::var(variable_name(flag)).ok();
    value.filter(|value| !value.is_empty())
}

fn read(file: &str) -> Result<Map<String, Value>, String> {
    let wrong = |what: &str| format!("error reading config: {file}: {what}");
    let text = std::fs::read(file).map_err(|error| wrong(&reason(&error)))?;
    let format = Format::of_file(file).unwrap_or(Format::Toml);
    let found = documents(format, &text).map_err(|error| wrong(&error.to_string()))?;
    let json = found.iter().next().unwrap_or(b"{}");
    match serde_json::from_slice(json) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(wrong("it is no table of flags")),
        Err(error) => Err(wrong(&error.to_string())),
    }
}

impl Settings {
    /// What counts; an error in words if that makes no sense.
    pub fn of(args: &ScanArgs) -> Result<Settings, String> {
        let sources = Sources::of(args)?;
        if sources.list("update", &args.update)?.is_some() {
            return Err(
                "policies are not downloaded here: fetch them first, for example with git or oras, and name them with --policy"
                    .to_owned(),
            );
        }
        let parser = sources.text("parser", args.parser.as_ref())?;
        let parser = parser.map(|name| parser_named(&name)).transpose()?;
        let ignore = sources.text("ignore", args.ignore.as_ref())?;
        let ignore = ignore.filter(|pattern| !pattern.is_empty()).map(|pattern| {
            Regex::new(&pattern)
                .map_err(|error| format!("--ignore is no regular expression: {error}"))
        });
        let output = sources.text("output", args.output.as_ref())?;
        let output = output.map(|name| output_named(&name)).transpose()?;
        let version = sources.text("rego-version", args.rego_version.as_ref())?;
        let version = match version.as_deref() {
            None | Some("v1" | "V1") => RegoVersion::V1,
            Some("v0" | "V0") => RegoVersion::V0,
            Some(other) => return Err(format!("invalid Rego version: {other} (v0 or v1)")),
        };
        let capabilities = sources.text("capabilities", args.capabilities.as_ref())?;
        let capabilities = capabilities.filter(|named| !named.is_empty());
        let list = |name, flag: &[String]| sources.list(name, flag);
        let truth = |name, flag| sources.truth(name, flag);
        Ok(Settings {
            policy: list("policy", &args.policy)?.unwrap_or_else(|| vec!["policy".to_owned()]),
            data: list("data", &args.data)?.unwrap_or_default(),
            namespaces: list("namespace", &args.namespace)?
                .unwrap_or_else(|| vec!["main".to_owned()]),
            all_namespaces: truth("all-namespaces", args.all_namespaces)?,
            combine: truth("combine", args.combine)?,
            parser,
            ignore: ignore.transpose()?,
            stdin_name: sources.text("stdin-filename", args.stdin_filename.as_ref())?,
            output: output.unwrap_or(Output::Stdout),
            fail_on_warn: truth("fail-on-warn", args.fail_on_warn)?,
            no_fail: truth("no-fail", args.no_fail)?,
            no_color: truth("no-color", args.no_color)?,
            quiet: truth("quiet", args.quiet)?,
            suppress_exceptions: truth("suppress-exceptions", args.suppress_exceptions)?,
            junit_hide_message: truth("junit-hide-message", args.junit_hide_message)?,
            github_hide_passed: truth("github-hide-passed", args.github_hide_passed)?,
            show_builtin_errors: truth("show-builtin-errors", args.show_builtin_errors)?,
            strict: truth("strict", args.strict)?,
            trace: truth("trace", args.trace)?,
            capabilities: capabilities
                .map(|named| crate::command::capabilities::named(&named))
                .transpose()?,
            version,
        })
    }
}

fn parser_named(name: &str) -> Result<Format, String> {
    Format::named(name).ok_or_else(|| {
        let known: Vec<&str> = Format::all().map(Format::name).collect();
        format!("unknown parser: {name} (there are {})", known.join(", "))
    })
}

fn output_named(name: &str) -> Result<Output, String> {
    let known = OUTPUTS.iter().find(|(known, _)| *known == name);
    known.map(|(_, output)| *output).ok_or_else(|| {
        let known: Vec<&str> = OUTPUTS.iter().map(|(known, _)| *known).collect();
        format!("unknown output: {name} (there are {})", known.join(", "))
    })
}
