//! Goes through the inputs, on all processors, and gathers the results in the order of the inputs.

use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use regovm::parallel;
use regovm_config::{Format, Step};
use serde::de::IgnoredAny;

use super::ask::{Asker, Limits};
use super::findings::CheckResult;
use super::inputs::{Input, Trouble};
use super::locate;
use super::plan::Plan;
use super::settings::Settings;

/// Scans that take longer show their progress.
const PATIENCE: Duration = Duration::from_millis(700);

/// The name of all inputs together.
const COMBINED: &str = "Combined";

/// What a scan needs to know.
pub struct Scan<'s> {
    /// The rules.
    pub plan: &'s Plan,
    /// The flags.
    pub settings: &'s Settings,
    /// Limits of each evaluation.
    pub limits: Limits,
    /// Machines that policies may reach.
    pub allow_net: &'s [String],
    /// Threads; 0 is one for each processor.
    pub jobs: usize,
}

/// What came of an input.
#[derive(Default)]
struct Outcome {
    /// One for each namespace, if it could be read.
    results: Vec<CheckResult>,
    troubles: Vec<Trouble>,
}

/// What came of a scan.
#[derive(Default)]
pub struct Report {
    /// For each namespace, and in it for each input.
    pub results: Vec<CheckResult>,
    /// Inputs that could not be read, in their order.
    pub troubles: Vec<Trouble>,
    /// How many inputs were looked at, of how many.
    pub done: (usize, usize),
}

impl Scan<'_> {
    /// Looks at each input by itself.
    pub fn each(&self, inputs: &[Input]) -> Report {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if self.jobs > 0 { self.jobs } else { processors };
        let cancel: &AtomicBool = &self.limits.cancel;
        let progress = Progress::new(inputs.len());
        let mut outcomes = Vec::new();
        parallel::in_order(
            threads,
            inputs.len(),
            &|| self.asker(),
            &|asker, number| {
                if cancel.load(Ordering::Relaxed) {
                    return None;
                }
                let outcome = self.one(asker, &inputs[number]);
                progress.step();
                // What was interrupted is not known.
                (!cancel.load(Ordering::Relaxed)).then_some(outcome)
            },
            &mut |_, outcome| {
                outcomes.push(outcome);
                ControlFlow::Continue(())
            },
        );
        progress.finish();
        self.ordered(outcomes, inputs.len())
    }

    fn asker(&self) -> Asker<'_> {
        Asker::new(
            self.plan,
            self.limits.clone(),
            self.settings,
            self.allow_net,
        )
    }

    fn ordered(&self, outcomes: Vec<Outcome>, inputs: usize) -> Report {
        let mut report = Report {
            done: (outcomes.len(), inputs),
            ..Report::default()
        };
        let mut by_namespace: Vec<Vec<CheckResult>> =
            self.plan.namespaces.iter().map(|_| Vec::new()).collect();
        for outcome in outcomes {
            report.troubles.extend(outcome.troubles);
            for (results, result) in by_namespace.iter_mut().zip(outcome.results) {
                results.push(result);
            }
        }
        report.results = by_namespace.into_iter().flatten().collect();
        report
    }

    fn one(&self, asker: &mut Asker<'_>, input: &Input) -> Outcome {
        match self.try_one(asker, input) {
            Ok(results) => Outcome {
                results,
                troubles: Vec::new(),
            },
            Err(trouble) => Outcome {
                results: Vec::new(),
                troubles: vec![trouble],
            },
        }
    }

    fn try_one(&self, asker: &mut Asker<'_>, input: &Input) -> Result<Vec<CheckResult>, Trouble> {
        let format = input.format(self.settings.parser)?;
        let text = input.read()?;
        let documents = regovm_config::documents(format, &text)
            .map_err(|error| unreadable(input, format, error))?;
        asker.set_file(&input.name);
        let names = self.plan.namespaces.iter().map(|namespace| &namespace.name);
        let mut results: Vec<CheckResult> = names
            .map(|name| CheckResult::new(&input.name, name))
            .collect();
        for (number, document) in documents.iter().enumerate() {
            let found = asker.ask(&input.name, number, document)?;
            for (result, found) in results.iter_mut().zip(found) {
                result.add(found);
            }
        }
        let mut findings: Vec<_> = results
            .iter_mut()
            .flat_map(CheckResult::findings_mut)
            .filter(|finding| finding.told.is_none())
            .collect();
        let wanted: Vec<_> = findings
            .iter()
            .map(|finding| {
                let paths = locate::candidates(&finding.metadata, Some(format));
                (finding.document, paths)
            })
            .collect();
        let places = locate::places(format, &text, &wanted);
        for (finding, place) in findings.iter_mut().zip(places) {
            finding.found = place.map(|place| (input.name.clone(), place));
        }
        Ok(results)
    }

    /// Looks at all inputs at once.
    pub fn combined(&self, inputs: &[Input]) -> Report {
        let mut report = Report {
            done: (1, 1),
            ..Report::default()
        };
        let mut parts: Vec<Part> = Vec::new();
        for input in inputs {
            match self.part(input) {
                Ok(found) => parts.extend(found),
                Err(trouble) => report.troubles.push(trouble),
            }
        }
        parts.sort_by(|a, b| a.name.cmp(&b.name));
        let mut json = String::from("[");
        for (i, part) in parts.iter().enumerate() {
            let separator = if i > 0 { "," } else { "" };
            let path = serde_json::Value::from(part.name.as_str());
            json.push_str(&format!(
                "{separator}{{\"path\":{path},\"contents\":{}}}",
                part.json
            ));
        }
        json.push(']');
        let mut asker = self.asker();
        asker.set_file(COMBINED);
        match asker.ask(COMBINED, 0, json.as_bytes()) {
            Ok(results) => report.results = results,
            Err(trouble) => report.troubles.push(trouble),
        }
        for finding in report
            .results
            .iter_mut()
            .flat_map(CheckResult::findings_mut)
        {
            if finding.told.is_some() {
                continue;
            }
            for path in locate::candidates(&finding.metadata, None) {
                let place = place_in_part(&parts, inputs, self.settings.parser, &path);
                if place.is_some() {
                    finding.found = place;
                    break;
                }
            }
        }
        report
    }

    /// The documents of an input.
    fn part(&self, input: &Input) -> Result<Vec<Part>, Trouble> {
        let format = input.format(self.settings.parser)?;
        let text = input.read()?;
        let documents = regovm_config::documents(format, &text)
            .map_err(|error| unreadable(input, format, error))?;
        let parts = documents.iter().enumerate().map(|(document, json)| {
            // Only one text that is JSON as a whole can stand among others.
            let checked: Result<IgnoredAny, _> = serde_json::from_slice(json);
            let wrong = |what: &dyn std::fmt::Display| {
                Trouble::of(
                    &input.name,
                    format!("cannot be read as {}: {what}", format.name()),
                )
            };
            checked.map_err(|error| wrong(&error))?;
            Ok(Part {
                name: input.name.clone(),
                document,
                json: String::from_utf8(json.to_vec()).map_err(|error| wrong(&error))?,
            })
        });
        parts.collect()
    }
}

/// A document among all.
struct Part {
    name: String,
    document: usize,
    json: String,
}

/// The place of a path into the array of all inputs.
fn place_in_part(
    parts: &[Part],
    inputs: &[Input],
    parser: Option<Format>,
    path: &[Step],
) -> Option<(String, regovm_config::Place)> {
    let [number, Step::Name(contents), below @ ..] = path else {
        return None;
    };
    let number = match number {
        Step::Index(number) => *number,
        Step::Name(name) => name.parse().ok()?,
        Step::Where(..) => return None,
    };
    if contents != "contents" {
        return None;
    }
    let part = parts.get(number)?;
    let input = inputs.iter().find(|input| input.name == part.name)?;
    // Standard input cannot be read twice.
    if input.is_stdin() {
        return None;
    }
    let format = input.format(parser).ok()?;
    let text = input.read().ok()?;
    let place = regovm_config::places(format, &text, &[(part.document, below)]).pop()??;
    Some((part.name.clone(), place))
}

fn unreadable(input: &Input, format: Format, error: regovm_config::ConfigError) -> Trouble {
    Trouble {
        place: error.place.map(|place| (place.line, place.column)),
        hint: error.hint,
        ..Trouble::of(
            &input.name,
            format!("cannot be read as {}: {}", format.name(), error.message),
        )
    }
}

/// A bar on the terminal, once a scan takes long.
struct Progress {
    bar: ProgressBar,
    started: Instant,
    is_shown: AtomicBool,
}

impl Progress {
    fn new(inputs: usize) -> Progress {
        let hidden = ProgressDrawTarget::hidden();
        let bar = ProgressBar::with_draw_target(Some(inputs as u64), hidden);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} inputs, {elapsed}") {
            bar.set_style(style);
        }
        Progress {
            bar,
            started: Instant::now(),
            is_shown: AtomicBool::new(!io::stderr().is_terminal()),
        }
    }

    /// Another input is done.
    fn step(&self) {
        self.bar.inc(1);
        if self.started.elapsed() > PATIENCE && !self.is_shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
