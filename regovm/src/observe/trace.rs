//! Traces as text and as JSON, as OPA writes them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use regovm_core::SourceMap;
use regovm_parser::ast::ExprKind;
use regovm_parser::{ParseOptions, json as tree, parse_query};
use regovm_vm::observe::SiteKind;
use serde_json::{Map, Value, json};

use super::frames::{Event, Operation};
use super::{Names, TraceSite};
use crate::syntax::as_json;

/// Which events of a trace are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Explain {
    /// All.
    Full,
    /// Calls of `trace`, and what led to them.
    Notes,
    /// Expressions that failed, and what led to them.
    Fails,
    /// Both, as `opa test --verbose` shows them.
    NotesAndFails,
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
    /// Blanks before each column and each line end: what OPA's test runner makes of an indented trace.
    pub indent: usize,
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

    pub(crate) fn sites(&self) -> &[TraceSite] {
        &self.sites
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn site(&self, event: &Event) -> &TraceSite {
        &self.sites[event.site as usize]
    }

    /// The variables of an event: their names in the rewritten tree, those of the author, and their values.
    pub(crate) fn locals<'t>(
        &'t self,
        event: &'t Event,
    ) -> impl Iterator<Item = (&'t str, &'t str, &'t str)> {
        event.locals.iter().map(|(number, value)| {
            let raw = self.names.raw(*number);
            (raw, self.names.written(*number), value.as_str())
        })
    }

    /// The term that the compiler took out of an expression for a generated variable: `__local3__ = input.user`.
    pub(crate) fn origin(&self, variable: &str) -> Option<&str> {
        if !variable.starts_with("__local") {
            return None;
        }
        let of = |site: &'_ TraceSite| site.kind == SiteKind::Expression;
        let mut texts = self.sites.iter().filter(|site| of(site));
        texts.find_map(|site| site.text.strip_prefix(variable)?.strip_prefix(" = "))
    }

    /// The events that are asked for.
    pub fn filter(&self, what: Explain) -> Trace {
        let wanted: &[Operation] = match what {
            Explain::Full | Explain::Debug => return self.clone(),
            Explain::Notes => &[Operation::Note],
            Explain::Fails => &[Operation::Fail],
            Explain::NotesAndFails => &[Operation::Note, Operation::Fail],
        };
        let mut kept = Vec::new();
        let mut entered: HashMap<u64, &Event> = HashMap::new();
        for event in &self.events {
            if wanted.contains(&event.operation) {
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
            let kind = self.site(event).kind;
            let is_node = !matches!(kind, SiteKind::Expression | SiteKind::Every);
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
        let mut last = String::new();
        for event in &self.events {
            let above = depths.get(&event.parent).copied().unwrap_or(0);
            let depth = *depths.entry(event.query).or_insert(above + 1);
            let mut row = Vec::new();
            if options.locations {
                let site = self.site(event);
                // What nobody wrote stands where the event before it stands.
                if site.row > 0 {
                    last = match aliases.get(site.file.as_str()) {
                        Some(alias) => format!("{alias}:{}", site.row),
                        None => format!("query:{}", site.row),
                    };
                }
                row.push(last.clone());
            }
            row.push(self.event_text(event, depth));
            if options.expression_variables {
                row.push(variables_text(&self.mentioned(event)));
            }
            if options.local_variables {
                let locals = event.locals.iter();
                let locals = locals.map(|(name, value)| (self.names.raw(*name), value.as_str()));
                let locals: BTreeMap<&str, &str> = locals.collect();
                row.push(variables_text(&locals.into_iter().collect::<Vec<_>>()));
            }
            let filled = row.len();
            rows.push(row);
            if self.marks_case(event) {
                let mut row = Vec::new();
                if options.locations {
                    row.push(String::new());
                }
                row.push(format!(
                    "{}TestCase {}",
                    "| ".repeat(depth),
                    self.plugged(event)
                ));
                row.resize(filled, "{}".to_owned());
                rows.push(row);
            }
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
        let indent = " ".repeat(options.indent);
        for row in &rows {
            for (column, cell) in row.iter().enumerate() {
                text.push_str(&indent);
                text.push_str(cell);
                if column + 1 < row.len() {
                    let filled = cell.chars().count();
                    let width = widths[column] + PADDING;
                    text.extend(std::iter::repeat_n(' ', width.saturating_sub(filled) + 1));
                }
            }
            text.push_str(&indent);
            text.push('\n');
        }
        text
    }

    /// The events up to the one that marks the next case of a test after `cases` of them.
    pub fn until_case(&self, cases: usize) -> Trace {
        let events = self.events.iter().enumerate();
        let marks = events.filter(|(_, event)| self.marks_case(event));
        let end = marks
            .map(|(at, _)| at)
            .nth(cases)
            .unwrap_or(self.events.len());
        Trace {
            events: self.events[..end].to_vec(),
            sites: self.sites.clone(),
            names: self.names.clone(),
        }
    }

    fn marks_case(&self, event: &Event) -> bool {
        event.operation == Operation::Eval && self.site(event).text.starts_with(TEST_CASE)
    }

    /// The text of an expression with the values of its variables.
    fn plugged(&self, event: &Event) -> String {
        let mut out = String::new();
        let mut rest = self.site(event).text.as_str();
        while let Some(start) = rest.find(|c: char| c.is_alphabetic() || c == '_') {
            out.push_str(&rest[..start]);
            rest = &rest[start..];
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let local = event.locals.iter().find(|(number, _)| {
                self.names.written(*number) == &rest[..end]
                    || self.names.raw(*number) == &rest[..end]
            });
            out.push_str(local.map_or(&rest[..end], |(_, value)| value));
            rest = &rest[end..];
        }
        out + rest
    }

    /// The last expression of a policy that failed; of an `every` the expression in it. With its file and line.
    pub fn last_failure(&self) -> Option<(&Event, &str, u32)> {
        self.events.iter().rev().find_map(|event| {
            let site = self.site(event);
            let is_inside = event.operation == Operation::Fail
                && site.kind == SiteKind::Expression
                && !site.file.is_empty()
                && !site.text.starts_with("every ");
            is_inside.then_some((event, site.file.as_str(), site.row))
        })
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
    fn mentioned<'t>(&'t self, event: &'t Event) -> Vec<(&'t str, &'t str)> {
        let site = self.site(event);
        let mut found: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        for (name, _) in &site.documents {
            let known = event.locals.iter().find(|(number, _)| number == name);
            if let Some((number, value)) = known {
                found.insert((self.names.raw(*number), ""), value.as_str());
            }
        }
        for (name, _, _) in &site.variables {
            let value = event
                .locals
                .iter()
                .find(|(number, _)| self.names.raw(*number) == name);
            if let Some((number, value)) = value {
                // Each wildcard is a variable of its own.
                let apart = if name.starts_with('$') { name } else { "" };
                found.insert((self.names.written(*number), apart), value.as_str());
            }
        }
        found
            .into_iter()
            .map(|((name, _), value)| (name, value))
            .collect()
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

    /// The trace as the `explanation` of OPA's JSON.
    pub fn to_json(&self) -> Value {
        let trees: Vec<Value> = self.sites.iter().map(|site| as_json(&site.tree)).collect();
        let mut places: HashMap<&str, (&str, u32, u32)> = HashMap::new();
        for site in self.sites.iter() {
            for (name, row, col) in site.variables.iter().chain(&site.inner) {
                places.entry(name).or_insert((&site.file, *row, *col));
            }
        }
        let mut values = HashMap::new();
        let events = self.events.iter().map(|event| {
            let site = self.site(event);
            let mut locals = BTreeMap::new();
            let mut metadata: BTreeMap<&str, Value> = BTreeMap::new();
            for (number, text) in &event.locals {
                let raw = self.names.raw(*number);
                // References that were looked up for people are no variables.
                if raw.contains(['.', '[']) {
                    continue;
                }
                let mut local = Map::new();
                local.insert("name".to_owned(), json!(shown_name(raw)));
                local.extend(
                    values
                        .entry(text)
                        .or_insert_with(|| term_json(text))
                        .clone(),
                );
                locals.insert(raw, Value::Object(local));
                let at = places
                    .get(raw)
                    .map(|(file, row, col)| location(file, *row, *col));
                let written = self.names.find_written(raw);
                let written = if raw.starts_with('$') { raw } else { written };
                metadata.insert(raw, json!({"name": written, "location": at}));
            }
            for (raw, row, col) in site.variables.iter().chain(&site.inner) {
                if let Some(written) = self.names.written.get(raw) {
                    let at = location(&site.file, *row, *col);
                    let said = json!({"name": written, "location": at});
                    metadata.entry(raw).or_insert(said);
                }
            }
            let mut rules = self.sites.iter().filter(|site| site.kind.is_rule());
            let reference = event.reference.as_ref().and_then(|reference| {
                let site = rules.find(|site| site.text == *reference)?;
                Some(as_json(&site.path))
            });
            json!({
                "Op": event.operation.name(),
                "Node": trees[event.site as usize],
                "Location": location(&site.file, site.row, site.col),
                "QueryID": event.query,
                "ParentID": event.parent,
                "Locals": locals.into_values().collect::<Vec<_>>(),
                "LocalMetadata": metadata,
                "Message": event.message,
                "Ref": reference,
            })
        });
        Value::Array(events.collect())
    }
}

/// A place as OPA writes it; `null` if there is none.
fn location(file: &str, row: u32, col: u32) -> Value {
    if row == 0 {
        return Value::Null;
    }
    json!({"file": file, "row": row, "col": col})
}

/// A variable as OPA prints it.
fn shown_name(raw: &str) -> &str {
    if raw.starts_with('$') { "_" } else { raw }
}

/// The text of a value as the type and value of a term; a text that was cut is told as a string.
fn term_json(text: &str) -> Map<String, Value> {
    let mut sources = SourceMap::new();
    let term = sources.add("", text).ok().and_then(|id| {
        let query = parse_query(&sources, id, &ParseOptions::default()).ok()?;
        match query.body.as_slice() {
            [only] => match &only.kind {
                ExprKind::Term(term) => Some(as_json(&tree::term(term, &sources))),
                _ => None,
            },
            _ => None,
        }
    });
    match term {
        Some(Value::Object(members)) => members,
        _ => Map::from_iter([
            ("type".to_owned(), json!("string")),
            ("value".to_owned(), json!(text)),
        ]),
    }
}

/// How the mark of a case begins.
const TEST_CASE: &str = "internal.test_case(";

/// Columns of a trace are so far apart, beside the blank between them.
const PADDING: usize = 4;
/// The width of a location without a file.
const MIN_LOCATION_WIDTH: usize = 5;

fn variables_text(variables: &[(&str, &str)]) -> String {
    let list: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("{name}: {}", truncate(value, VALUE_WIDTH)))
        .collect();
    format!("{{{}}}", list.join(", "))
}

pub(crate) fn truncate(text: &str, width: usize) -> String {
    if text.len() <= width {
        return text.to_owned();
    }
    let end = (0..=width - 3)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    format!("{}...", &text[..end])
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
