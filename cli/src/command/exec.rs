//! `regovm exec`: one decision for many inputs.

use std::fs;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use regovm::{
    Answer, Budget, Clock, Engine, Failure, JsonLayout, PreparedPolicy, Session, Stage, parallel,
};
use serde_json::{Value, json};

use super::engine_with;
use super::flags::PolicyFlags;
use crate::bundles;
use crate::load::{Wanted, load, reason};
use crate::mapped;
use crate::render::{errors, go_json};

/// Exit status when the inputs cannot be decided, and when a `--fail` flag trips.
const ERROR: u8 = 1;

/// The decision of those who name none, as in OPA.
const DEFAULT_DECISION: &str = "/system/main";

/// How OPA calls the input on standard input.
const STDIN: &str = "--stdin-input";

/// Output formats of `exec`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExecFormat {
    /// One JSON document
    Json,
}

/// `regovm exec`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm exec --data policy/ --decision terraform/deny plans/\n  regovm exec --bundle bundle/ --decision authz/allow --fail inputs/*.json\n  terraform show -json plan.out | regovm exec -b policy/ --decision terraform/deny -I --fail-non-empty\n\nInputs are evaluated on all processors; results come in the order of the inputs.\n\nExit status: 0 if evaluated (errors of single inputs are part of the output), 1 if a --fail flag tripped or nothing\ncould be evaluated."
)]
pub struct ExecArgs {
    /// Inputs: files, or folders to search for .json, .yaml and .yml
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub policies: PolicyFlags,
    /// What to decide, for example terraform/deny
    #[arg(long, value_name = "PATH", default_value = "")]
    pub decision: String,
    /// Output format
    #[arg(short, long, value_enum, default_value = "json")]
    pub format: ExecFormat,
    /// Exit with 1 if a result is undefined, or an input cannot be evaluated
    #[arg(long)]
    pub fail: bool,
    /// Exit with 1 if a result is defined, or an input cannot be evaluated
    #[arg(long)]
    pub fail_defined: bool,
    /// Exit with 1 if a result is defined and no empty list, or an input cannot be evaluated
    #[arg(long)]
    pub fail_non_empty: bool,
    /// Read one input from standard input
    #[arg(short = 'I', long)]
    pub stdin_input: bool,
    /// Stop after this time, for example 30s or 1m30s; 0 is no limit
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse, default_value = "0")]
    pub timeout: Duration,
    /// Stop the evaluation of an input after this time
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse, default_value = "0")]
    pub input_timeout: Duration,
    /// Stop the evaluation of an input after this many steps
    #[arg(long, value_name = "N")]
    pub max_steps: Option<u64>,
    /// Stop the evaluation of an input that holds more memory than this, for example 512MiB
    #[arg(long, value_name = "BYTES", value_parser = crate::duration::parse_bytes)]
    pub max_memory: Option<usize>,
    /// Inputs that are evaluated at the same time; 0 is one for each processor
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    pub parallel: usize,
    /// Configuration of OPA's server, which regovm has not
    #[arg(short, long, value_name = "FILE", hide = true)]
    pub config_file: Option<PathBuf>,
    /// Configuration of OPA's server, which regovm has not
    #[arg(long, value_name = "SETTING", hide = true)]
    pub set: Vec<String>,
    /// Configuration of OPA's server, which regovm has not
    #[arg(long, value_name = "SETTING", hide = true)]
    pub set_file: Vec<String>,
    /// Nothing is logged
    #[arg(short, long, value_name = "LEVEL", hide = true)]
    pub log_level: Option<String>,
    /// Nothing is logged
    #[arg(long, value_name = "FORMAT", hide = true)]
    pub log_format: Option<String>,
    /// Nothing is logged
    #[arg(long, value_name = "FORMAT", hide = true)]
    pub log_timestamp_format: Option<String>,
}

/// Runs the command and gives its exit status.
pub fn run(args: &ExecArgs) -> io::Result<u8> {
    match decide(args) {
        Ok(status) => status,
        Err(message) => {
            errors::complain(&format!("Error: {}", message.trim_end()))?;
            Ok(ERROR)
        }
    }
}

fn misuse(args: &ExecArgs) -> Option<&'static str> {
    if args.config_file.is_some() || !args.set.is_empty() || !args.set_file.is_empty() {
        Some(
            "--config-file, --set and --set-file configure OPA's server and its plugins, which regovm does not have: name policies with --bundle or --data, and the decision with --decision",
        )
    } else if args.paths.is_empty() && !args.stdin_input {
        Some("requires at least 1 path arg, or the --stdin-input flag")
    } else if args.fail && args.fail_defined {
        Some("exec error: specify --fail or --fail-defined but not both")
    } else if args.fail_non_empty && args.fail {
        Some("exec error: specify --fail-non-empty or --fail but not both")
    } else if args.fail_non_empty && args.fail_defined {
        Some("exec error: specify --fail-non-empty or --fail-defined but not both")
    } else {
        None
    }
}

/// Where an input is.
enum Source {
    Stdin(Vec<u8>),
    File(PathBuf),
}

/// Evaluates everything; a text says why nothing could be evaluated.
fn decide(args: &ExecArgs) -> Result<io::Result<u8>, String> {
    if let Some(message) = misuse(args) {
        return Err(message.to_owned());
    }
    let decision = Decision::prepare(args)?;
    let mut sources = Vec::new();
    if args.stdin_input {
        let mut bytes = Vec::new();
        io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|e| format!("exec error: standard input: {}", reason(&e)))?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err("exec error: cannot execute on empty input; please enter valid json or yaml when using the --stdin-input flag".to_owned());
        }
        sources.push(Source::Stdin(bytes));
    }
    for path in &args.paths {
        find(Path::new(path), &mut sources)?;
    }
    let counts = match decision.write_all(&sources) {
        Ok(counts) => counts,
        Err(error) => return Ok(Err(error)),
    };
    let flag = if args.fail {
        "--fail"
    } else if args.fail_defined {
        "--fail-defined"
    } else if args.fail_non_empty {
        "--fail-non-empty"
    } else {
        return Ok(Ok(0));
    };
    let Counts { failures, errors } = counts;
    if failures + errors == 0 {
        return Ok(Ok(0));
    }
    Err(format!(
        "exec error: there were {failures} failures and {errors} errors counted in the results list, and {flag} is set"
    ))
}

/// Files with inputs, in the order of their names; links to folders are not followed.
fn find(path: &Path, sources: &mut Vec<Source>) -> Result<(), String> {
    let failed =
        |what: &str, e: &io::Error| format!("exec error: {what} {}: {}", path.display(), reason(e));
    let metadata = fs::symlink_metadata(path).map_err(|e| failed("lstat", &e))?;
    if !metadata.is_dir() {
        let extension = path.extension().and_then(|e| e.to_str());
        if matches!(extension, Some("json" | "yaml" | "yml")) {
            sources.push(Source::File(path.to_owned()));
        }
        return Ok(());
    }
    let mut entries = fs::read_dir(path)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(|e| failed("open", &e))?;
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        find(&entry.path(), sources)?;
    }
    Ok(())
}

/// What trips the `--fail` flags.
#[derive(Clone, Copy, Default)]
struct Counts {
    failures: usize,
    errors: usize,
}

/// One result: its text, and what it counts for.
struct Decided {
    text: Vec<u8>,
    counts: Counts,
}

/// A decision, ready to be made.
struct Decision<'a> {
    args: &'a ExecArgs,
    name: &'a str,
    /// Why the decision cannot be compiled is told with each input.
    policy: Result<PreparedPolicy, Failure>,
    cancel: Arc<AtomicBool>,
    clock: Clock,
}

impl<'a> Decision<'a> {
    fn prepare(args: &'a ExecArgs) -> Result<Decision<'a>, String> {
        let mut engine = Engine::new();
        args.policies.configure(&mut engine);
        engine.set_enable_print(true);
        let loaded = load(&args.policies.data, &args.policies.ignore, Wanted::All)
            .map_err(|message| format!("runtime error: {message}"))?;
        engine_with(loaded, &mut engine);
        bundles::activate(&mut engine, &args.policies.bundles, &args.policies.ignore).map_err(
            |error| {
                let hint = error.hint.map(|hint| format!("\n\thint: {hint}"));
                format!(
                    "runtime error: {}{}",
                    error.message,
                    hint.unwrap_or_default()
                )
            },
        )?;
        let name = match args.decision.as_str() {
            "" => DEFAULT_DECISION,
            given => given,
        };
        let policy = match engine.prepare(&query(name)) {
            Ok(policy) => Ok(policy),
            // Is it the query, or are it the policies?
            Err(failure) => match engine.check() {
                Ok(()) => Err(failure),
                Err(failure) => return Err(format!("runtime error: {}", failure.plain_text(""))),
            },
        };
        let started = Instant::now();
        Ok(Decision {
            args,
            name,
            policy,
            cancel: crate::interrupt::flag(),
            clock: Arc::new(move || started.elapsed()),
        })
    }

    /// Evaluates on all processors and writes the results in the order of the inputs.
    fn write_all(&self, sources: &[Source]) -> io::Result<Counts> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let mut all = Counts::default();
        let mut written = write!(out, "{{\n  \"result\": [");
        parallel::in_order(
            self.threads(),
            sources.len(),
            &|| self.policy.as_ref().ok().map(PreparedPolicy::session),
            &|session, index| Some(self.one(&sources[index], session.as_mut())),
            &mut |index, decided| {
                let Decided { text, counts } = decided;
                all.failures += counts.failures;
                all.errors += counts.errors;
                let before: &[u8] = if index > 0 { b",\n" } else { b"\n" };
                if written.is_ok() {
                    written = out.write_all(before).and_then(|()| out.write_all(&text));
                }
                if written.is_ok() {
                    return ControlFlow::Continue(());
                }
                // Nobody reads what is still evaluated.
                self.cancel.store(true, Ordering::Relaxed);
                ControlFlow::Break(())
            },
        );
        written?;
        out.write_all(if sources.is_empty() {
            b"]\n}\n"
        } else {
            b"\n  ]\n}\n"
        })?;
        out.flush()?;
        Ok(all)
    }

    fn threads(&self) -> usize {
        match self.args.parallel {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            given => given,
        }
    }

    fn one(&self, source: &Source, session: Option<&mut Session>) -> Decided {
        let path = match source {
            Source::Stdin(_) => STDIN.to_owned(),
            Source::File(path) => path.display().to_string(),
        };
        let bytes = match source {
            Source::Stdin(bytes) => Ok(mapped::Bytes::Read(bytes.clone())),
            Source::File(path) => mapped::file(path).map_err(|e| {
                let message = format!("open {}: {}", path.display(), reason(&e));
                Failure::message(Stage::Input, message)
            }),
        };
        let session = match (session, &self.policy) {
            (Some(session), _) => session,
            (None, Err(failure)) => return self.failed(&path, failure),
            (None, Ok(_)) => return self.undefined(&path),
        };
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(failure) => return self.failed(&path, &failure),
        };
        self.set_up(session);
        match session.eval_document(0, &bytes) {
            Ok(answer) if answer.is_undefined() => self.undefined(&path),
            Ok(answer) => self.defined(&path, &answer),
            Err(failure) => self.failed(&path, &failure),
        }
    }

    /// Gives an evaluation its limits and its host.
    fn set_up(&self, session: &mut Session) {
        let args = self.args;
        let limit = |limit: Duration| (!limit.is_zero()).then_some(limit);
        let all = limit(args.timeout).map(|limit| (limit, self.clock.clone()));
        let (clock, started) = (self.clock.clone(), (self.clock)());
        let since: Clock = Arc::new(move || clock().saturating_sub(started));
        let own = limit(args.input_timeout).map(|limit| (limit, since));
        // The one that ends first counts.
        let deadline = match (all, own) {
            (Some(all), Some(own)) if all.0 > started + own.0 => Some(own),
            (all, own) => all.or(own),
        };
        session.set_budget(Budget {
            steps: args.max_steps,
            memory: args.max_memory,
            deadline,
            cancel: Some(self.cancel.clone()),
        });
        session.set_host(args.policies.host());
    }

    fn defined(&self, path: &str, answer: &Answer<'_>) -> Decided {
        let mut text = head(path);
        text.extend_from_slice(b"\"result\": ");
        let value = answer.solutions().next().and_then(|solution| {
            let value = solution.expressions().next()?.value;
            // Writing to a vector cannot fail.
            let _ = value.write_json(&mut text, JsonLayout::Indented(3));
            Some(value)
        });
        text.extend_from_slice(b"\n    }");
        let is_null = value.is_none_or(|value| value.is_null());
        let empty = value.is_some_and(|value| value.element_count() == Some(0));
        let args = self.args;
        let failures = usize::from((args.fail_defined && !is_null) || (args.fail && is_null))
            + usize::from(args.fail_non_empty && !is_null && !empty);
        Decided {
            text,
            counts: Counts {
                failures,
                errors: 0,
            },
        }
    }

    fn undefined(&self, path: &str) -> Decided {
        let error = json!({
            "code": "opa_undefined_error",
            "message": format!("{} decision was undefined", self.name),
        });
        Decided {
            text: with_error(path, &error),
            counts: Counts {
                failures: 0,
                errors: usize::from(self.args.fail),
            },
        }
    }

    fn failed(&self, path: &str, failure: &Failure) -> Decided {
        let error = match (failure.stage, failure.errors.as_slice()) {
            // OPA shows an empty object here; what is wrong helps more.
            (Stage::Input, [only]) => json!({"message": only.to_string()}),
            _ => errors::of_evaluation(failure),
        };
        let args = self.args;
        // An input that cannot be read counts for each flag, one that cannot be evaluated not for --fail.
        let unreadable = failure.stage == Stage::Input;
        let counted = args.fail_defined || args.fail_non_empty || (args.fail && unreadable);
        Decided {
            text: with_error(path, &error),
            counts: Counts {
                failures: 0,
                errors: usize::from(counted),
            },
        }
    }
}

/// The query of a decision: `a/b` is `data["a"]["b"]`.
fn query(decision: &str) -> String {
    let path = decision.strip_prefix('/').unwrap_or(decision);
    let mut query = String::from("data");
    for key in path.split('/') {
        query.push_str(&format!("[{}]", Value::from(key)));
    }
    query
}

/// A result up to its second member.
fn head(path: &str) -> Vec<u8> {
    format!(
        "    {{\n      \"path\": {},\n      ",
        go_json::compact(&path.into())
    )
    .into_bytes()
}

fn with_error(path: &str, error: &Value) -> Vec<u8> {
    let mut pretty = Vec::new();
    // Writing to a vector cannot fail.
    let _ = go_json::write_indented(&mut pretty, error);
    let pretty = String::from_utf8_lossy(&pretty);
    let mut text = head(path);
    text.extend_from_slice(b"\"error\": ");
    text.extend_from_slice(pretty.trim_end().replace('\n', "\n      ").as_bytes());
    text.extend_from_slice(b"\n    }");
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn decisions_are_paths_below_data() {
        assert_eq!(super::query("a/b"), r#"data["a"]["b"]"#);
        assert_eq!(super::query("/a/b-\"c/"), r#"data["a"]["b-\"c"][""]"#);
    }
}
