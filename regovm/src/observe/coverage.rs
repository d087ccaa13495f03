//! Which expressions and rules were evaluated.

use std::collections::{BTreeMap, BTreeSet};

use regovm_compiler::places;
use regovm_compiler::visit::{self, Node};
use regovm_core::{SourceMap, Span};
use regovm_parser::ast::{ExprKind, Module};

/// A place in a file, from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position {
    /// The line.
    pub row: u32,
    /// The column, in bytes.
    pub col: u32,
}

/// Why something that could be covered was not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum UncoveredKind {
    /// The index of rules left it out.
    IndexExcluded,
    /// The evaluation ended before.
    EarlyExit,
}

impl UncoveredKind {
    /// As OPA writes it.
    pub fn name(self) -> &'static str {
        match self {
            UncoveredKind::IndexExcluded => "index_excluded",
            UncoveredKind::EarlyExit => "early_exit",
        }
    }
}

/// A part of a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Range {
    /// Where it begins.
    pub start: Position,
    /// Where it ends: behind its last character.
    pub end: Position,
    /// For what is not covered: why, as far as further runs have told.
    pub kinds: Vec<UncoveredKind>,
}

impl Range {
    fn contains(&self, other: &Range) -> bool {
        self.start <= other.start && self.end >= other.end
    }
}

/// What runs have covered: parts of files. Several can be merged.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Covered {
    files: BTreeMap<String, BTreeSet<(Position, Position)>>,
    /// Spans that are known already.
    seen: BTreeSet<(u32, u32)>,
}

impl Covered {
    pub(crate) fn add(&mut self, sources: &SourceMap, span: Span) {
        if !self.seen.insert((span.start, span.end)) {
            return;
        }
        if let Some((file, range)) = range_of(sources, span) {
            let range = (range.start, range.end);
            self.files.entry(file).or_default().insert(range);
        }
    }

    /// Adds what another run has covered.
    pub fn merge(&mut self, other: &Covered) {
        for (file, ranges) in &other.files {
            self.files
                .entry(file.clone())
                .or_default()
                .extend(ranges.iter().copied());
        }
    }

    fn ranges(&self, file: &str) -> Vec<Range> {
        let ranges = self.files.get(file).into_iter().flatten();
        ranges
            .map(|(start, end)| Range {
                start: *start,
                end: *end,
                kinds: Vec::new(),
            })
            .collect()
    }
}

/// The coverage of one file.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct FileCoverage {
    /// Parts that were evaluated.
    pub covered: Vec<Range>,
    /// Parts that were not.
    pub not_covered: Vec<Range>,
    /// Lines with a part that was evaluated.
    pub covered_lines: usize,
    /// Lines with a part that was not.
    pub not_covered_lines: usize,
    /// Covered lines of all, in percent.
    pub coverage: f64,
}

/// The coverage of all policies.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Coverage {
    /// By the names of the files.
    pub files: BTreeMap<String, FileCoverage>,
    /// The sum over all files.
    pub covered_lines: usize,
    /// The sum over all files.
    pub not_covered_lines: usize,
    /// Covered lines of all, in percent.
    pub coverage: f64,
}

/// The file and the part of it that a span is.
fn range_of(sources: &SourceMap, span: Span) -> Option<(String, Range)> {
    let at = sources.locate(span).filter(|at| !at.file.is_empty())?;
    let text = sources.text(span);
    let (mut row, mut col) = (at.row, at.col);
    if let Some(last) = text.rfind('\n') {
        row += text.matches('\n').count() as u32;
        col = 1;
        col += text[last + 1..].chars().count() as u32;
    } else {
        col += text.chars().count() as u32;
    }
    let start = Position {
        row: at.row,
        col: at.col,
    };
    let range = Range {
        start,
        end: Position { row, col },
        kinds: Vec::new(),
    };
    Some((at.file.to_string(), range))
}

fn lines(ranges: &[Range]) -> BTreeSet<u32> {
    ranges
        .iter()
        .flat_map(|range| range.start.row..=range.end.row)
        .collect()
}

fn percent(covered: usize, not_covered: usize) -> f64 {
    match covered + not_covered {
        0 => 0.0,
        all => 100.0 * covered as f64 / all as f64,
    }
}

impl Coverage {
    /// Compares what was covered with all that modules have. `others` are further runs, which tell why a part was left
    /// out.
    pub(crate) fn of(
        sources: &SourceMap,
        modules: &[Module],
        covered: &Covered,
        others: &[(UncoveredKind, Covered)],
    ) -> Coverage {
        let mut report = Coverage::default();
        for file in covered.files.keys() {
            let entry = report.files.entry(file.clone()).or_default();
            entry.covered = covered.ranges(file);
        }
        for module in modules {
            let mut spans = Vec::new();
            for rule in &module.rules {
                let mut branch = false;
                visit::for_each_in_chain(rule, &mut |rule| {
                    spans.push(places::head(rule, branch));
                    branch = true;
                });
                visit::walk_exprs(Node::Rule(rule), &mut |expr| {
                    if !matches!(expr.kind, ExprKind::Some(_)) {
                        spans.push(places::expression(rule, expr.span));
                    }
                    false
                });
            }
            let file = sources.locate(module.package.span).map(|at| at.file);
            let Some(file) = file.map(|file| file.to_string()) else {
                continue;
            };
            let other: Vec<_> = others
                .iter()
                .map(|(kind, covered)| (*kind, covered.ranges(&file)))
                .collect();
            let entry = report.files.entry(file).or_default();
            let mut missing = BTreeSet::new();
            for span in spans {
                let span = places::trimmed(sources, &module.comments, span);
                let Some((_, range)) = range_of(sources, span) else {
                    continue;
                };
                if !entry.covered.iter().any(|other| other.contains(&range)) {
                    missing.insert(range);
                }
            }
            entry.not_covered = missing.into_iter().collect();
            for range in &mut entry.not_covered {
                for (kind, ranges) in &other {
                    if ranges.iter().any(|other| other.contains(range)) {
                        range.kinds.push(*kind);
                    }
                }
            }
        }
        for file in report.files.values_mut() {
            file.covered_lines = lines(&file.covered).len();
            file.not_covered_lines = lines(&file.not_covered).len();
            file.coverage = percent(file.covered_lines, file.not_covered_lines);
            report.covered_lines += file.covered_lines;
            report.not_covered_lines += file.not_covered_lines;
        }
        report.coverage = percent(report.covered_lines, report.not_covered_lines);
        report
    }

    /// The report as OPA's JSON.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::{Map, Value, json};
        let range = |range: &Range| {
            let mut object = Map::new();
            let place = |at: Position| json!({"row": at.row, "col": at.col});
            object.insert("start".into(), place(range.start));
            object.insert("end".into(), place(range.end));
            if !range.kinds.is_empty() {
                let kinds: Vec<&str> = range.kinds.iter().map(|kind| kind.name()).collect();
                object.insert("kinds".into(), json!(kinds));
            }
            Value::Object(object)
        };
        let files: Map<String, Value> = self
            .files
            .iter()
            .map(|(name, file)| {
                let mut object = Map::new();
                if !file.covered.is_empty() {
                    let ranges = file.covered.iter().map(range).collect();
                    object.insert("covered".into(), Value::Array(ranges));
                }
                if !file.not_covered.is_empty() {
                    let ranges = file.not_covered.iter().map(range).collect();
                    object.insert("not_covered".into(), Value::Array(ranges));
                }
                for (key, count) in [
                    ("covered_lines", file.covered_lines),
                    ("not_covered_lines", file.not_covered_lines),
                ] {
                    if count > 0 {
                        object.insert(key.into(), json!(count));
                    }
                }
                if file.coverage != 0.0 {
                    object.insert("coverage".into(), number(file.coverage));
                }
                (name.clone(), Value::Object(object))
            })
            .collect();
        json!({
            "files": files,
            "covered_lines": self.covered_lines,
            "not_covered_lines": self.not_covered_lines,
            "coverage": number(self.coverage),
        })
    }

    /// The report as lcov's trace file: one record for each file, one `DA` for each line that has code. A line counts as
    /// hit if any part of it was evaluated.
    pub fn to_lcov(&self) -> String {
        let mut text = String::new();
        for (name, file) in &self.files {
            let covered = lines(&file.covered);
            let all: BTreeSet<u32> = covered.union(&lines(&file.not_covered)).copied().collect();
            text.push_str(&format!("TN:\nSF:{name}\n"));
            for line in &all {
                let hits = u8::from(covered.contains(line));
                text.push_str(&format!("DA:{line},{hits}\n"));
            }
            text.push_str(&format!(
                "LF:{}\nLH:{}\nend_of_record\n",
                all.len(),
                covered.len()
            ));
        }
        text
    }
}

/// A whole number without a fraction, as Go writes it.
fn number(value: f64) -> serde_json::Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return serde_json::Value::from(value as i64);
    }
    serde_json::Value::from(value)
}
