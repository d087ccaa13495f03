//! Asks all rules about one input.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use regovm::observe::{Recorder, TraceFilter, TraceOptions, Wanted};
use regovm::{Budget, Clock, Constant, Failure, Session, Solution, Stage};
use serde_json::Value;

use super::findings::{CheckResult, Finding};
use super::inputs::Trouble;
use super::plan::{Namespace, Plan, Severity};
use crate::world;

/// Limits of an evaluation.
#[derive(Clone)]
pub struct Limits {
    /// Time; zero is no limit.
    pub timeout: Duration,
    /// Steps.
    pub steps: Option<u64>,
    /// Bytes.
    pub memory: Option<usize>,
    /// Set when the scan ends.
    pub cancel: Arc<AtomicBool>,
}

impl Limits {
    /// Whether any of them is set.
    fn are_set(&self) -> bool {
        !self.timeout.is_zero() || self.steps.is_some() || self.memory.is_some()
    }

    fn budget(&self) -> Budget {
        let started = Instant::now();
        let clock: Clock = Arc::new(move || started.elapsed());
        Budget {
            steps: self.steps,
            memory: self.memory,
            deadline: (!self.timeout.is_zero()).then_some((self.timeout, clock)),
            cancel: Some(self.cancel.clone()),
        }
    }
}

/// One thread's way to the policy.
pub struct Asker<'p> {
    plan: &'p Plan,
    session: Session,
    limits: Limits,
    prints: Arc<Mutex<Vec<String>>>,
    recorder: Option<Recorder>,
    traces: Vec<String>,
}

impl<'p> Asker<'p> {
    /// With a session of its own.
    pub fn new(
        plan: &'p Plan,
        limits: Limits,
        settings: &super::settings::Settings,
        allow_net: &[String],
    ) -> Asker<'p> {
        let prints = Arc::new(Mutex::new(Vec::new()));
        let lines = prints.clone();
        let mut session = plan.policy.session();
        session
            .set_strict_builtin_errors(settings.show_builtin_errors)
            .set_strict_input(true);
        let host = world::host(allow_net, settings.capabilities.as_ref());
        session.set_host(Box::new(host.with_located_print(move |line, place| {
            let line = match place {
                Some(place) => format!("{place}: {line}"),
                None => line.to_owned(),
            };
            if let Ok(mut lines) = lines.lock() {
                lines.push(line);
            }
        })));
        let recorder = settings.trace.then(|| {
            Recorder::new(Wanted {
                trace: true,
                ..Wanted::default()
            })
        });
        session.set_recorder(recorder.clone());
        Asker {
            plan,
            session,
            limits,
            prints,
            recorder,
            traces: Vec::new(),
        }
    }

    /// Says which file is asked about: `data.conftest.file`.
    pub fn set_file(&mut self, name: &str) {
        let path = std::path::absolute(name).unwrap_or_else(|_| name.into());
        let text = |path: Option<&std::ffi::OsStr>| {
            Constant::String(path.unwrap_or_default().to_string_lossy().into())
        };
        let file = Constant::Object(vec![
            ("name".into(), text(path.file_name())),
            (
                "dir".into(),
                text(path.parent().map(|folder| folder.as_os_str())),
            ),
        ]);
        let conftest = Constant::Object(vec![("file".into(), file)]);
        self.session.set_data("conftest", Some(conftest));
    }

    /// What each namespace says of a document in JSON; an error if it is none.
    pub fn ask(
        &mut self,
        file: &str,
        document: usize,
        json: &[u8],
    ) -> Result<Vec<CheckResult>, Trouble> {
        let plan = self.plan;
        // Budgets are those of one namespace.
        if let Some(query) = plan.together().filter(|_| !self.limits.are_set())
            && let Ok(columns) = self.columns(query, json)
        {
            let mut columns = columns.into_iter();
            let its = |namespace: &Namespace| {
                let its = columns.by_ref().take(2 * namespace.rules.len()).collect();
                result(file, document, namespace, Ok(its))
            };
            return Ok(plan.namespaces.iter().map(its).collect());
        }
        let alone = |(number, namespace): (usize, &Namespace)| {
            let mut columns: Result<Vec<Value>, Failure> = Ok(Vec::new());
            for (i, query) in plan.alone(number).into_iter().enumerate() {
                columns = columns.and_then(|mut found| {
                    let columns = self.columns(query, json);
                    self.keep_trace(file, namespace, i);
                    found.extend(columns?);
                    Ok(found)
                });
            }
            if let Err(failure) = &columns
                && failure.stage == Stage::Input
            {
                let trouble = Trouble::of(file, format!("cannot be read as json: {failure}"));
                let hint = failure.errors.first().and_then(|error| error.hint.clone());
                return Err(Trouble { hint, ..trouble });
            }
            let mut result = result(file, document, namespace, columns);
            if let Ok(mut lines) = self.prints.lock() {
                result.prints.append(&mut lines);
            }
            result.traces.append(&mut self.traces);
            Ok(result)
        };
        plan.namespaces.iter().enumerate().map(alone).collect()
    }

    /// The values of the expressions of a query.
    fn columns(&mut self, query: usize, json: &[u8]) -> Result<Vec<Value>, Failure> {
        self.session.set_budget(self.limits.budget());
        let answer = self.session.eval_query_json(query, json)?;
        let values = |solution: Solution<'_, '_>| -> Vec<Value> {
            let columns = solution.expressions();
            columns.map(|column| column.value.to_json()).collect()
        };
        if self.plan.one_by_one {
            // Solutions are what a comprehension would have gathered.
            return Ok(vec![answer.solutions().flat_map(values).collect()]);
        }
        Ok(answer.solutions().next().map(values).unwrap_or_default())
    }

    /// Keeps the trace of the last query.
    fn keep_trace(&mut self, file: &str, namespace: &Namespace, number: usize) {
        let (Some(recorder), Some(rule)) = (&self.recorder, namespace.rules.get(number / 2)) else {
            return;
        };
        let query = match number % 2 {
            0 => rule.exception(&namespace.name),
            _ => rule.query(&namespace.name),
        };
        self.traces.push(format!("file: {file} | query: {query}"));
        let trace = recorder.take_trace().filter(TraceFilter::Debug);
        let text = trace.to_text(TraceOptions::default());
        let lines = text.lines().filter(|line| !line.is_empty());
        self.traces
            .extend(lines.map(|line| format!("TRAC   {line}")));
    }
}

fn result(
    file: &str,
    document: usize,
    namespace: &Namespace,
    columns: Result<Vec<Value>, Failure>,
) -> CheckResult {
    let counted = columns
        .map_err(|failure| {
            let hint = failure.errors.first().and_then(|error| error.hint.clone());
            (failure.to_string(), hint)
        })
        .and_then(|columns| {
            count(file, namespace, columns).map_err(|message| {
                let hint = "results are texts, or objects with a text at `msg`";
                (message, Some(hint.to_owned()))
            })
        });
    let mut counted = match counted {
        Ok(result) => result,
        Err((message, _)) if namespace.fail_open => {
            let mut result = CheckResult::new(file, &namespace.name);
            result.warnings.push(Finding {
                message: format!("not decided, and let through by --fail-open: {message}"),
                ..Finding::default()
            });
            result
        }
        Err((message, hint)) => {
            let mut result = CheckResult::new(file, &namespace.name);
            result.errors.push(Trouble {
                namespace: Some(namespace.name.clone()),
                hint,
                ..Trouble::of(file, message)
            });
            result
        }
    };
    for finding in counted.findings_mut() {
        finding.document = document;
    }
    counted
}

/// What the values of rules, each behind its exceptions, mean in conftest's counts.
fn count(file: &str, namespace: &Namespace, columns: Vec<Value>) -> Result<CheckResult, String> {
    let mut result = CheckResult::new(file, &namespace.name);
    let mut columns = columns.into_iter();
    for rule in &namespace.rules {
        let exceptions = elements(columns.next()).len();
        let values = elements(columns.next());
        for _ in 0..exceptions {
            result.exceptions.push(Finding {
                message: rule.exception(&namespace.name),
                ..Finding::default()
            });
        }
        let query = rule.query(&namespace.name);
        let failed = match rule.severity {
            Severity::Failure => &mut result.failures,
            Severity::Warning => &mut result.warnings,
        };
        let mut passed = 0;
        for value in values {
            let found = match value {
                Value::Array(found) if !found.is_empty() => found,
                // A rule that has no list of results has one that says nothing.
                _ => {
                    passed += 1;
                    continue;
                }
            };
            for element in found {
                let Some(finding) = Finding::of(element, &query).transpose()? else {
                    continue;
                };
                if finding.message.is_empty() {
                    passed += 1;
                } else if exceptions == 0 {
                    failed.push(finding);
                }
            }
        }
        // Of a rule with exceptions only those count.
        if exceptions == 0 {
            result.successes += passed;
        }
    }
    let counted = result.totals().tests();
    result.successes += namespace.bodies.saturating_sub(counted);
    Ok(result)
}

fn elements(column: Option<Value>) -> Vec<Value> {
    match column {
        Some(Value::Array(elements)) => elements,
        _ => Vec::new(),
    }
}
