//! Traces as text and as JSON, as OPA writes them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use regovm_vm::observe::SiteKind;
use serde_json::{Map, Value, json};

use super::frames::{Event, Operation};
use super::{Names, TraceSite};

/// Which events of a trace are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Explain {
    /// All.
    Full,
    /// Calls of `trace`, and what led to them.
    Notes,
    /// Expressions that failed, and what led to them.
    Fails,
    /// All, and what the machine does for them. (The machine unifies when it compiles, so there is no more to show.)
    Debug,
}

/// How a trace is written.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TraceOptions {
    /// The file and line of each event.
    pub locations: bool,
    /// The values of the variables that the event mentions.
    pub expression_variables: bool,
    /// All local variables.
    pub local_variables: bool,
}

/// The events of evaluations.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    events: Vec<Event>,
    sites: Arc<Vec<TraceSite>>,
    names: Names,
}

/// Characters of a file name and line that are shown whole.
const LOCATION_WIDTH: usize = 64;
/// Bytes of the value of a variable that are shown.
const VALUE_WIDTH: usize = 32;
/// Bytes of a value below an expression.
const PRETTY_VALUE_WIDTH: usize = 64;

impl Trace {
    pub(crate) fn new(events: Vec<Event>, sites: Arc<Vec<TraceSite>>, names: Names) -> Trace {
        Trace {
            events,
            sites,
            names,
        }
    }

    /// True if there are no events.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The events, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    pub(crate) fn site(&self, event: &Event) -> &TraceSite {
        &self.sites[event.site as usize]
    }

    /// The events that are asked for.
    pub fn filter(&self, what: Explain) -> Trace {
        let wanted = match what {
            Explain::Full | Explain::Debug => return self.clone(),
            Explain::Notes => Operation::Note,
            Explain::Fails => Operation::Fail,
        };
        let mut kept = Vec::new();
        let mut entered: HashMap<u64, &Event> = HashMap::new();
        for event in &self.events {
            if event.operation == wanted {
                let mut path = vec![event];
                let mut current = entered.get(&event.query).copied();
                let mut before: Option<&Event> = None;
                while let Some(at) = current {
                    if before.is_some_and(|before| std::ptr::eq(before, at)) {
                        break;
                    }
                    path.push(at);
                    before = Some(at);
                    current = entered.get(&at.parent).copied();
                }
                kept.extend(path.into_iter().rev().cloned());
                entered.clear();
            }
            let is_node = self.site(event).kind != SiteKind::Expression;
            if matches!(event.operation, Operation::Enter | Operation::Redo) && is_node {
                entered.insert(event.query, event);
            }
        }
        Trace {
            events: kept,
            sites: self.sites.clone(),
            names: self.names.clone(),
        }
    }

    /// The trace as lines.
    pub fn to_text(&self, options: TraceOptions) -> String {
        let mut depths: HashMap<u64, usize> = HashMap::new();
        let aliases = self.aliases();
        let mut rows = Vec::new();
        for event in &self.events {
            let above = depths.get(&event.parent).copied().unwrap_or(0);
            let depth = *depths.entry(event.query).or_insert(above + 1);
            let mut row = Vec::new();
            if options.locations {
                let site = self.site(event);
                row.push(match aliases.get(site.file.as_str()) {
                    Some(alias) => format!("{alias}:{}", site.row),
                    None => format!("query:{}", site.row),
                });
            }
            row.push(self.event_text(event, depth));
            if options.expression_variables {
                row.push(variables_text(&self.mentioned(event)));
            }
            if options.local_variables {
                let locals = event.locals.iter();
                let locals = locals.map(|(name, value)| (self.names.raw(*name), value.as_str()));
                row.push(variables_text(&locals.collect()));
            }
            rows.push(row);
        }
        let mut widths: Vec<usize> = Vec::new();
        for row in &rows {
            for (column, cell) in row.iter().enumerate() {
                match widths.get_mut(column) {
                    Some(width) => *width = (*width).max(cell.len()),
                    None => widths.push(cell.len()),
                }
            }
        }
        let mut text = String::new();
        for row in &rows {
            for (column, cell) in row.iter().enumerate() {
                text.push_str(cell);
                if column + 1 < row.len() {
                    let filled = cell.chars().count();
                    let width = widths[column] + PADDING;
                    text.extend(std::iter::repeat_n(' ', width.saturating_sub(filled) + 1));
                }
            }
            text.push('\n');
        }
        text
    }

    fn event_text(&self, event: &Event, depth: usize) -> String {
        let site = self.site(event);
        let is_node = site.kind != SiteKind::Expression;
        let spaces = match event.operation {
            Operation::Enter => depth,
            Operation::Redo if is_node => depth,
            _ => depth + 1,
        };
        let mut text = "| ".repeat(spaces - 1);
        text.push_str(event.operation.name());
        text.push(' ');
        if event.operation == Operation::Note {
            text.push('"');
            text.push_str(&event.message);
            text.push('"');
            return text;
        }
        match &event.reference {
            Some(reference) => text.push_str(reference),
            None => text.push_str(&site.text),
        }
        if !event.message.is_empty() {
            text.push(' ');
            text.push_str(&event.message);
        }
        text
    }

    /// Variables that an event mentions, as written, with their values.
    fn mentioned<'t>(&'t self, event: &'t Event) -> BTreeMap<&'t str, &'t str> {
        let site = self.site(event);
        let mut found = BTreeMap::new();
        for (name, _, _) in &site.variables {
            let value = event
                .locals
                .iter()
                .find(|(number, _)| self.names.raw(*number) == name);
            if let Some((number, value)) = value {
                found.insert(self.names.written(*number), value.as_str());
            }
        }
        found
    }

    /// File names as they are shown: long ones are cut in the middle.
    fn aliases(&self) -> BTreeMap<&str, String> {
        let mut files: Vec<&str> = Vec::new();
        let mut longest = 0;
        for event in &self.events {
            let site = self.site(event);
            let digits = site.row.to_string().len();
            if site.file.is_empty() {
                longest = longest.max(MIN_LOCATION_WIDTH + digits + 1);
                continue;
            }
            longest = longest.max(site.file.len() + 1 + digits);
            if !files.contains(&site.file.as_str()) {
                files.push(&site.file);
            }
        }
        let mut aliases: BTreeMap<&str, String> = files
            .iter()
            .map(|file| (*file, (*file).to_owned()))
            .collect();
        if files.is_empty() || longest <= LOCATION_WIDTH {
            return aliases;
        }
        let folders: Vec<&str> = files.iter().map(|file| folder(file)).collect();
        let mut common = match folders.as_slice() {
            [only] => (*only).to_owned(),
            several => longest_common(several),
        };
        let kept = longest - common.len() + 3;
        if kept < LOCATION_WIDTH {
            let spare = LOCATION_WIDTH - kept;
            match common.len().checked_sub(spare) {
                Some(length) if common.is_char_boundary(length) => common.truncate(length),
                _ => common.clear(),
            }
        }
        if common.len() > 3 {
            for (file, alias) in &mut aliases {
                *alias = file.replacen(&common, "...", 1);
            }
        }
        aliases
    }

    /// The trace as the `explanation` of OPA's JSON. (The syntax trees of the nodes are given as texts.)
    pub fn to_json(&self) -> Value {
        let events = self.events.iter().map(|event| {
            let site = self.site(event);
            let mut locals = Map::new();
            let mut metadata = Map::new();
            for (number, value) in &event.locals {
                let raw = self.names.raw(*number).to_owned();
                locals.insert(raw.clone(), json!(value));
                let name = self.names.written(*number);
                metadata.insert(raw, json!({"name": name}));
            }
            json!({
                "Op": event.operation.name(),
                "Node": site.text,
                "Location": {"file": site.file, "row": site.row, "col": site.col},
                "QueryID": event.query,
                "ParentID": event.parent,
                "Locals": locals,
                "LocalMetadata": metadata,
                "Message": event.message,
                "Ref": event.reference,
            })
        });
        Value::Array(events.collect())
    }

    /// An expression as the source has it, with arrows from its variables to their values, as OPA's test runner shows
    /// failures with `--var-values`. `None` if the event is not about an expression.
    pub fn expression_with_values(&self, event: &Event) -> Option<String> {
        let site = self.site(event);
        if site.kind != SiteKind::Expression {
            return None;
        }
        let mut text = format!(
            "{}{}",
            " ".repeat((site.col as usize).saturating_sub(1)),
            site.source
        );
        let mut shown: BTreeMap<String, (usize, Option<&str>)> = BTreeMap::new();
        for (name, _, col) in &site.variables {
            let known = event
                .locals
                .iter()
                .find(|(number, _)| self.names.raw(*number) == name);
            let written = self.names.find_written(name);
            if name == "input" || name == "data" || written.starts_with("__local") {
                continue;
            }
            let value = known.map(|(_, value)| value.as_str());
            let entry = shown
                .entry(written.to_owned())
                .or_insert((*col as usize, value));
            if entry.1.is_none() {
                *entry = (*col as usize, value);
            }
        }
        let mut columns: Vec<(usize, &String, &str)> = shown
            .iter()
            .map(|(name, (col, value))| (*col, name, value.unwrap_or("undefined")))
            .collect();
        columns.sort();
        if columns.is_empty() {
            return Some(text);
        }
        text.push('\n');
        arrows(&mut text, &columns, None);
        for at in (0..columns.len()).rev() {
            text.push('\n');
            arrows(&mut text, &columns, Some(at));
        }
        Some(text)
    }
}

/// Columns of a trace are so far apart, beside the blank between them.
const PADDING: usize = 4;
/// The width of a location without a file.
const MIN_LOCATION_WIDTH: usize = 5;

fn variables_text(variables: &BTreeMap<&str, &str>) -> String {
    let list: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("{name}: {}", truncate(value, VALUE_WIDTH)))
        .collect();
    format!("{{{}}}", list.join(", "))
}

fn truncate(text: &str, width: usize) -> String {
    if text.len() <= width {
        return text.to_owned();
    }
    let end = (0..=width - 3)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    format!("{}...", &text[..end])
}

/// One line of bars, of which the last is the value of the variable at `value_at`.
fn arrows(text: &mut String, columns: &[(usize, &String, &str)], value_at: Option<usize>) {
    let shown = &columns[..value_at.map_or(columns.len(), |at| at + 1)];
    let mut before = 0;
    for (number, (col, name, value)) in shown.iter().enumerate() {
        let is_last = number + 1 == shown.len();
        if !is_last && columns[number + 1].0 == *col {
            continue;
        }
        let spaces = (*col).saturating_sub(before + 1);
        text.extend(std::iter::repeat_n(' ', spaces));
        if is_last && value_at.is_some() {
            let shared = (number > 0 && columns[number - 1].0 == *col)
                || columns.get(number + 1).is_some_and(|next| next.0 == *col);
            if shared {
                text.push_str(&format!("{name}: "));
            }
            text.push_str(&truncate(value, PRETTY_VALUE_WIDTH));
        } else {
            text.push('|');
        }
        before = *col;
    }
}

/// The folder of a file without its first part.
fn folder(file: &str) -> &str {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let folder = folder.strip_prefix('/').unwrap_or(folder);
    folder.split_once('/').map_or(folder, |(_, rest)| rest)
}

/// The longest text that all have in common.
fn longest_common(texts: &[&str]) -> String {
    let Some(shortest) = texts.iter().min_by_key(|text| text.len()) else {
        return String::new();
    };
    for length in (1..=shortest.len()).rev() {
        for start in 0..=shortest.len() - length {
            if let Some(part) = shortest.get(start..start + length)
                && texts.iter().all(|text| text.contains(part))
            {
                return part.to_owned();
            }
        }
    }
    String::new()
}
