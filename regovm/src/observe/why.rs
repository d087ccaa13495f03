//! Why a rule is undefined or false: for each of its bodies the first expression that failed.

use std::collections::BTreeMap;

use regovm_vm::observe::SiteKind;

use super::frames::{Event, Operation};
use super::trace::Trace;

/// A body of a rule that did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Branch {
    /// The rule.
    pub rule: String,
    /// The file; empty for a query.
    pub file: String,
    /// The line of its head.
    pub row: u32,
    /// The head.
    pub head: String,
    /// The expression that failed: of several attempts the one that came furthest. None if the body holds.
    pub failed: Option<Failed>,
}

/// An expression that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// The line.
    pub row: u32,
    /// As the author wrote it.
    pub text: String,
    /// How often it failed: in a loop it is asked for each member.
    pub times: usize,
    /// Its variables and references with their values.
    pub values: BTreeMap<String, String>,
    /// If it asks for a rule: why that does not hold.
    pub because: Vec<Branch>,
}

/// Why a query does not hold, or what it gives.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Why {
    /// The bodies that were tried.
    pub branches: Vec<Branch>,
}

/// How deep rules are followed.
const MAX_DEPTH: usize = 8;

impl Why {
    /// Reads it from the trace of a query; the program must have been observed with values.
    pub fn of(trace: &Trace) -> Why {
        let events = trace.events();
        let Some(query) = events
            .iter()
            .find(|event| event.operation == Operation::Enter)
            .map(|event| event.query)
        else {
            return Why::default();
        };
        let branches = below(trace, query, 0..events.len(), 0);
        Why { branches }
    }

    /// The explanation as lines.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for branch in &self.branches {
            branch.write(&mut text, 0);
        }
        text
    }
}

impl Branch {
    fn write(&self, text: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        let head = self.head.split_whitespace().collect::<Vec<_>>().join(" ");
        text.push_str(&format!("{indent}{}:{}  {head}\n", self.file, self.row));
        let Some(failed) = &self.failed else {
            text.push_str(&format!("{indent}  holds\n"));
            return;
        };
        let times = match failed.times {
            1 => String::new(),
            times => format!(" (for none of {times} tries)"),
        };
        text.push_str(&format!(
            "{indent}  {}:{}  `{}` does not hold{times}\n",
            self.file, failed.row, failed.text
        ));
        for (name, value) in &failed.values {
            text.push_str(&format!("{indent}    {name} = {value}\n"));
        }
        for branch in &failed.because {
            branch.write(text, depth + 2);
        }
    }
}

/// The rules that a query, rule or body asked for within some events.
fn below(trace: &Trace, parent: u64, within: std::ops::Range<usize>, depth: usize) -> Vec<Branch> {
    let events = trace.events();
    let mut branches = Vec::new();
    if depth > MAX_DEPTH {
        return branches;
    }
    for at in within.clone() {
        let event = &events[at];
        if event.operation != Operation::Enter || event.parent != parent || event.query == parent {
            continue;
        }
        let site = trace.site(event);
        match site.kind {
            SiteKind::Rule | SiteKind::PartialRule => {
                let failed = failed(trace, event.query, at..within.end, depth);
                let branch = Branch {
                    rule: site.text.clone(),
                    file: site.file.clone(),
                    row: site.row,
                    head: site.source.lines().next().unwrap_or("").to_owned(),
                    failed,
                };
                if !branches.contains(&branch) {
                    branches.push(branch);
                }
            }
            // Rules that a nested body asks for belong to the expression around it.
            SiteKind::Body | SiteKind::Every => {
                branches.extend(below(trace, event.query, at..within.end, depth + 1));
            }
            SiteKind::Query | SiteKind::Expression => {}
        }
    }
    branches
}

/// What failed in a rule; none if it has succeeded.
fn failed(
    trace: &Trace,
    query: u64,
    within: std::ops::Range<usize>,
    depth: usize,
) -> Option<Failed> {
    let events = trace.events();
    let own = |operation: Operation| {
        let of_query =
            move |at: &usize| events[*at].query == query && events[*at].operation == operation;
        within.clone().filter(of_query)
    };
    if own(Operation::Exit).next().is_some() {
        return None;
    }
    // The one that came furthest: the last expression of the body among those that failed.
    let fails: Vec<usize> = own(Operation::Fail)
        .filter(|at| trace.site(&events[*at]).kind == SiteKind::Expression)
        .collect();
    let furthest = fails
        .iter()
        .copied()
        .max_by_key(|at| (trace.site(&events[*at]).index, std::cmp::Reverse(*at)))?;
    let event = &events[furthest];
    let site = trace.site(event);
    let times = fails
        .iter()
        .filter(|at| events[**at].site == event.site)
        .count();
    // The rules that it asked for: between its beginning and its end.
    let began = within
        .clone()
        .take_while(|at| *at < furthest)
        .filter(|at| {
            let other = &events[*at];
            other.query == query && other.operation == Operation::Eval && other.site == event.site
        })
        .last();
    let because = match began {
        Some(began) => below(trace, query, began..furthest, depth + 1),
        None => Vec::new(),
    };
    Some(Failed {
        row: site.row,
        text: site.source.split_whitespace().collect::<Vec<_>>().join(" "),
        times,
        values: values(trace, event),
        because,
    })
}

/// The variables that an expression mentions, and the references that were looked up for it.
fn values(trace: &Trace, event: &Event) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (raw, written, value) in trace.locals(event) {
        let is_reference = raw.contains(['.', '[']);
        let mentioned = trace
            .site(event)
            .variables
            .iter()
            .any(|(name, _, _)| name == raw);
        let text = match value.char_indices().nth(200) {
            Some((end, _)) => format!("{}...", &value[..end]),
            None => value.to_owned(),
        };
        let shown = is_reference && trace.site(event).references.iter().any(|name| name == raw);
        // What the compiler has taken out of an expression is called as the author wrote it.
        let origin = mentioned
            .then(|| trace.origin(raw))
            .flatten()
            .unwrap_or(written);
        if shown || (mentioned && !origin.starts_with("__local")) {
            values.insert(origin.to_owned(), text);
        }
    }
    values
}
