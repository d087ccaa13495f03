//! Where the real program spends its time, steps and memory: by expression, rule and way of calls.
//!
//! Unlike the profile of [`Recorder`](super::Recorder), which has OPA's counts, this one is taken from the optimised
//! program, instruction by instruction. Its steps are the same on every run and every machine.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use regovm_core::Span;
use regovm_vm::Program;
use regovm_vm::profile::{Costs, Profile};
use serde_json::{Map, Value, json};

use crate::policy::PreparedPolicy;
use crate::session::Clock;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
    /// Nanoseconds of the clock.
    Time,
    /// Steps.
    Steps,
    /// Bytes that were allocated.
    Bytes,
}

impl Weight {
    /// Its name in files and flags.
    pub fn name(self) -> &'static str {
        match self {
            Weight::Time => "time",
            Weight::Steps => "steps",
            Weight::Bytes => "bytes",
        }
    }

    /// How much of it something has cost.
    pub fn of(self, costs: &Costs) -> u64 {
        match self {
            Weight::Time => costs.nanos,
            Weight::Steps => costs.steps,
            Weight::Bytes => costs.bytes,
        }
    }

    fn speedscope_unit(self) -> &'static str {
        match self {
            Weight::Time => "nanoseconds",
            Weight::Steps => "none",
            Weight::Bytes => "bytes",
        }
    }
}

/// Collects the costs of evaluations of one policy. Clones share what they collect.
#[derive(Clone)]
pub struct CostRecorder(Arc<Mutex<Profile>>);

impl CostRecorder {
    /// Measures time with this clock.
    pub fn new(clock: Clock) -> CostRecorder {
        let nanos = move || clock().as_nanos() as u64;
        CostRecorder(Arc::new(Mutex::new(Profile::new(Box::new(nanos)))))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Profile> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was collected. `policy` is the one that was evaluated.
    pub fn profile(&self, policy: &PreparedPolicy) -> CostProfile {
        CostProfile::of(&self.lock(), policy.program(), policy.loops())
    }
}

/// A rule or function, or an expression of it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct CostSite {
    /// The rule or function, for example `data.terraform.deny`.
    pub function: String,
    /// The file; empty for the query.
    pub file: String,
    /// The line, from 1; 0 for what has no place of its own.
    pub row: u32,
    /// The column, from 1.
    pub col: u32,
    /// The text of the expression on one line; empty for a function as a whole.
    pub text: String,
}

impl CostSite {
    /// The place for people.
    pub fn place(&self) -> String {
        match (self.file.is_empty(), self.row) {
            (true, 0) => self.function.clone(),
            (true, row) => format!("query:{row}"),
            (false, row) => format!("{}:{row}", self.file),
        }
    }
}

/// The costs of a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CostLine {
    /// What it is.
    pub site: CostSite,
    /// For functions: how often they ran.
    pub calls: u64,
    /// Of itself.
    pub own: Costs,
    /// With what it called.
    pub total: Costs,
}

/// A way of calls with its costs; frames are functions and the expressions that call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CostStack {
    /// From the query to the expression.
    pub frames: Vec<String>,
    /// What the last frame itself has cost.
    pub costs: Costs,
}

/// An iteration that ran once for each element of another, without an index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quadratic {
    /// The expression.
    pub site: CostSite,
    /// How often it began.
    pub begun: u64,
    /// Members that it visited altogether.
    pub visited: u64,
    /// What called its function again and again, if that is why it began so often.
    pub called_from: Option<CostSite>,
    /// Steps of its function, with what that called.
    pub function_steps: u64,
    /// What would help.
    pub remedy: String,
}

/// A loop of the program that visits all members, and why.
#[derive(Clone, Debug)]
pub(crate) struct UnservedLoop {
    pub(crate) span: Span,
    pub(crate) remedy: String,
}

/// Costs by expression, by function and by way of calls.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct CostProfile {
    /// Expressions.
    pub expressions: Vec<CostLine>,
    /// Rules, functions and queries.
    pub functions: Vec<CostLine>,
    /// Ways of calls.
    pub stacks: Vec<CostStack>,
    /// Loops in loops.
    pub quadratic: Vec<Quadratic>,
    /// The texts of the files that are mentioned.
    pub sources: BTreeMap<String, String>,
    /// All costs.
    pub total: Costs,
}

/// A loop is reported if it began so often and visited so many members each time.
const OFTEN: u64 = 16;
const MANY: u64 = 16;

impl CostProfile {
    fn of(profile: &Profile, program: &Program, loops: &[UnservedLoop]) -> CostProfile {
        let nodes = profile.nodes();
        // With what they called: callees stand behind their callers.
        let mut totals: Vec<Costs> = nodes
            .iter()
            .map(|node| {
                let mut all = Costs::default();
                node.code.values().for_each(|costs| all.add(costs));
                all
            })
            .collect();
        let own: Vec<Costs> = totals.clone();
        for number in (0..nodes.len()).rev() {
            if let Some(parent) = nodes[number].parent {
                let total = totals[number];
                totals[parent].add(&total);
            }
        }
        let name = |number: u32| program.functions[number as usize].name.clone();
        let mut expressions: BTreeMap<CostSite, CostLine> = BTreeMap::new();
        let mut functions: BTreeMap<CostSite, CostLine> = BTreeMap::new();
        let mut stacks = Vec::new();
        let mut paths: Vec<Vec<String>> = Vec::new();
        let mut sites: HashMap<(u32, u32), CostSite> = HashMap::new();
        let mut site_at = |function: u32, pc: u32| -> CostSite {
            let known = sites.entry((function, pc));
            known
                .or_insert_with(|| site(program, name(function), program.span_at(pc)))
                .clone()
        };
        for (number, node) in nodes.iter().enumerate() {
            let mut path = match node.parent {
                Some(parent) => {
                    let caller = site_at(nodes[parent].function, node.caller);
                    let mut path = paths[parent].clone();
                    path.push(label(&caller));
                    let line = line(&mut expressions, caller);
                    line.total.add(&totals[number]);
                    path
                }
                None => Vec::new(),
            };
            path.push(name(node.function));
            let whole = CostSite {
                text: String::new(),
                ..site(
                    program,
                    name(node.function),
                    program.functions[node.function as usize].span,
                )
            };
            let function = line(&mut functions, whole);
            function.calls += node.calls;
            function.own.add(&own[number]);
            function.total.add(&totals[number]);
            let mut rows: BTreeMap<CostSite, Costs> = BTreeMap::new();
            for (pc, costs) in &node.code {
                let site = site_at(node.function, *pc);
                let line = line(&mut expressions, site.clone());
                line.own.add(costs);
                line.total.add(costs);
                rows.entry(site).or_default().add(costs);
            }
            for (site, costs) in rows {
                let mut frames = path.clone();
                frames.push(label(&site));
                stacks.push(CostStack { frames, costs });
            }
            paths.push(path);
        }
        let mut total = Costs::default();
        own.iter().for_each(|costs| total.add(costs));
        let mut quadratic = quadratic(profile, program, loops);
        for found in &mut quadratic {
            let of = functions
                .values()
                .find(|line| line.site.function == found.site.function);
            found.function_steps = of.map_or(0, |line| line.total.steps);
        }
        let mut sources = BTreeMap::new();
        for source in program.sources.iter() {
            let name = source.name.to_string();
            if expressions.keys().any(|site| site.file == name) {
                sources.insert(name, source.text.to_string());
            }
        }
        let by_cost = |lines: BTreeMap<CostSite, CostLine>| {
            let mut lines: Vec<CostLine> = lines.into_values().collect();
            lines.sort_by(|a, b| (b.total.steps, &a.site).cmp(&(a.total.steps, &b.site)));
            lines
        };
        CostProfile {
            expressions: by_cost(expressions),
            functions: by_cost(functions),
            stacks,
            quadratic,
            sources,
            total,
        }
    }

    /// Its loops in loops as JSON.
    pub fn quadratic_json(&self) -> Value {
        self.quadratic.iter().map(quadratic_json).collect()
    }

    /// Folded stacks: a line for each way of calls, with its weight.
    pub fn to_folded(&self, weight: Weight) -> String {
        let mut all: BTreeMap<String, u64> = BTreeMap::new();
        for stack in &self.stacks {
            let frames: Vec<String> = stack
                .frames
                .iter()
                .map(|frame| frame.replace(';', ",").replace('\n', " "))
                .collect();
            *all.entry(frames.join(";")).or_default() += weight.of(&stack.costs);
        }
        let lines = all.into_iter().filter(|(_, weight)| *weight > 0);
        lines
            .map(|(frames, weight)| format!("{frames} {weight}\n"))
            .collect()
    }

    /// A file for <https://www.speedscope.app>, with all costs in a member of its own, which [`CostProfile::from_json`]
    /// reads.
    pub fn to_json(&self, weight: Weight) -> Value {
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut frames = Vec::new();
        let mut samples = Vec::new();
        let mut weights = Vec::new();
        for stack in &self.stacks {
            let value = weight.of(&stack.costs);
            if value == 0 {
                continue;
            }
            let sample: Vec<usize> = stack
                .frames
                .iter()
                .map(|frame| {
                    *numbers.entry(frame).or_insert_with(|| {
                        frames.push(json!({"name": frame}));
                        frames.len() - 1
                    })
                })
                .collect();
            samples.push(sample);
            weights.push(value);
        }
        let end: u64 = weights.iter().sum();
        json!({
            "$schema": "https://www.speedscope.app/file-format-schema.json",
            "exporter": "regovm",
            "name": "regovm",
            "activeProfileIndex": 0,
            "shared": {"frames": frames},
            "profiles": [{
                "type": "sampled",
                "name": weight.name(),
                "unit": weight.speedscope_unit(),
                "startValue": 0,
                "endValue": end,
                "samples": samples,
                "weights": weights,
            }],
            "regovm": {
                "version": 1,
                "weight": weight.name(),
                "total": costs_json(&self.total),
                "functions": self.functions.iter().map(line_json).collect::<Vec<_>>(),
                "expressions": self.expressions.iter().map(line_json).collect::<Vec<_>>(),
                "quadratic": self.quadratic_json(),
            },
        })
    }

    /// Reads the costs of a file that [`CostProfile::to_json`] made (without ways of calls and sources).
    ///
    /// # Errors
    /// What is missing.
    pub fn from_json(file: &Value) -> Result<CostProfile, String> {
        let ours = file.get("regovm").ok_or("it was not written by regovm")?;
        if ours["version"] != 1 {
            return Err("it is of another version of regovm; write it anew".to_owned());
        }
        let lines = |name: &str| -> Result<Vec<CostLine>, String> {
            let list = ours[name].as_array().ok_or(format!("it has no {name}"))?;
            Ok(list.iter().map(read_line).collect())
        };
        Ok(CostProfile {
            expressions: lines("expressions")?,
            functions: lines("functions")?,
            total: read_costs(&ours["total"]),
            ..CostProfile::default()
        })
    }

    /// What the profile says about loops in loops, for people.
    pub fn notes(&self) -> String {
        let mut text = String::new();
        for found in &self.quadratic {
            text.push_str(&format!(
                "{}: `{}` is a loop inside a loop: it ran {} times and visited {} members\n  {}\n  remedy: {}\n",
                found.site.place(),
                found.site.text,
                found.begun,
                found.visited,
                self.around(found),
                found.remedy,
            ));
        }
        text
    }

    /// Who calls the function of a loop, and what part of everything that function is.
    pub(super) fn around(&self, found: &Quadratic) -> String {
        let share = 100.0 * found.function_steps as f64 / self.total.steps.max(1) as f64;
        let share = format!("{} takes {share:.1} % of all steps", found.site.function);
        match &found.called_from {
            Some(site) => format!("called from {} `{}`; {share}", site.place(), site.text),
            None => share,
        }
    }

    /// The profile as one page of HTML that needs nothing else.
    pub fn to_html(&self, title: &str, weight: Weight) -> String {
        super::html::page(self, title, weight)
    }
}

fn line(lines: &mut BTreeMap<CostSite, CostLine>, site: CostSite) -> &mut CostLine {
    lines.entry(site.clone()).or_insert_with(|| CostLine {
        site,
        calls: 0,
        own: Costs::default(),
        total: Costs::default(),
    })
}

/// An expression as a frame.
pub(super) fn label(site: &CostSite) -> String {
    let place = site.place();
    // The folders would leave no room for what is seen of a frame.
    let place = place
        .rsplit_once('/')
        .map_or(place.as_str(), |(_, name)| name);
    format!("{place} {}", site.text).trim_end().to_owned()
}

fn site(program: &Program, function: String, span: Span) -> CostSite {
    let at = program.sources.locate(span);
    let text = match at {
        Some(_) => program.sources.text(span),
        None => "",
    };
    let mut text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = text.char_indices().nth(100) {
        text.truncate(end);
        text.push('…');
    }
    CostSite {
        function,
        file: at.as_ref().map_or(String::new(), |at| at.file.to_string()),
        row: at.as_ref().map_or(0, |at| at.row),
        col: at.as_ref().map_or(0, |at| at.col),
        text,
    }
}

/// What is known of the runs of a loop.
#[derive(Default)]
struct Visits {
    begun: u64,
    members: u64,
    function: u32,
    /// Who called the function most often, and how often.
    caller: Option<(u32, u32)>,
    calls: u64,
}

fn quadratic(profile: &Profile, program: &Program, loops: &[UnservedLoop]) -> Vec<Quadratic> {
    let nodes = profile.nodes();
    // By the loop's place: it is opened by one instruction and visits by another.
    let mut visits: BTreeMap<(u32, u32), Visits> = BTreeMap::new();
    for node in nodes {
        for (pc, costs) in &node.code {
            if costs.begun == 0 && costs.members == 0 {
                continue;
            }
            let span = program.span_at(*pc);
            let entry = visits.entry((span.start, span.end)).or_default();
            entry.begun += costs.begun;
            entry.members += costs.members;
            entry.function = node.function;
            if node.calls > entry.calls {
                entry.calls = node.calls;
                entry.caller = node
                    .parent
                    .map(|parent| (nodes[parent].function, node.caller));
            }
        }
    }
    let name = |function: u32| program.functions[function as usize].name.clone();
    let mut found: Vec<Quadratic> = visits
        .into_iter()
        .filter(|(_, seen)| seen.begun >= OFTEN && seen.members >= MANY * seen.begun)
        .filter_map(|((start, end), seen)| {
            let span = Span { start, end };
            let unserved = loops.iter().find(|unserved| unserved.span == span)?;
            // With fewer calls the loop outside is in the same function.
            let called_from = seen.caller.filter(|_| seen.calls >= OFTEN);
            Some(Quadratic {
                site: site(program, name(seen.function), span),
                begun: seen.begun,
                visited: seen.members,
                called_from: called_from
                    .map(|(function, pc)| site(program, name(function), program.span_at(pc))),
                function_steps: 0,
                remedy: unserved.remedy.clone(),
            })
        })
        .collect();
    found.sort_by_key(|found| std::cmp::Reverse(found.visited));
    found
}

type Part = fn(&mut Costs) -> &mut u64;

const COSTS: [(&str, Part); 9] = [
    ("runs", |costs| &mut costs.runs),
    ("nanos", |costs| &mut costs.nanos),
    ("steps", |costs| &mut costs.steps),
    ("bytes", |costs| &mut costs.bytes),
    ("known", |costs| &mut costs.known),
    ("index_hits", |costs| &mut costs.index_hits),
    ("index_misses", |costs| &mut costs.index_misses),
    ("begun", |costs| &mut costs.begun),
    ("members", |costs| &mut costs.members),
];

fn costs_json(costs: &Costs) -> Value {
    let mut costs = *costs;
    let members = COSTS.iter().map(|(name, of)| {
        let value = *of(&mut costs);
        ((*name).to_owned(), Value::from(value))
    });
    Value::Object(members.collect::<Map<_, _>>())
}

fn read_costs(value: &Value) -> Costs {
    let mut costs = Costs::default();
    for (name, of) in COSTS {
        *of(&mut costs) = value[name].as_u64().unwrap_or(0);
    }
    costs
}

fn site_json(site: &CostSite) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("function".into(), json!(site.function));
    object.insert("file".into(), json!(site.file));
    object.insert("row".into(), json!(site.row));
    object.insert("col".into(), json!(site.col));
    object.insert("text".into(), json!(site.text));
    object
}

fn line_json(line: &CostLine) -> Value {
    let mut object = site_json(&line.site);
    object.insert("calls".into(), json!(line.calls));
    object.insert("self".into(), costs_json(&line.own));
    object.insert("total".into(), costs_json(&line.total));
    Value::Object(object)
}

fn quadratic_json(found: &Quadratic) -> Value {
    let mut object = site_json(&found.site);
    object.insert("begun".into(), json!(found.begun));
    object.insert("visited".into(), json!(found.visited));
    if let Some(site) = &found.called_from {
        object.insert("called_from".into(), Value::Object(site_json(site)));
    }
    object.insert("function_steps".into(), json!(found.function_steps));
    object.insert("remedy".into(), json!(found.remedy));
    Value::Object(object)
}

fn read_line(value: &Value) -> CostLine {
    let text = |name: &str| value[name].as_str().unwrap_or("").to_owned();
    let number = |name: &str| value[name].as_u64().unwrap_or(0);
    CostLine {
        site: CostSite {
            function: text("function"),
            file: text("file"),
            row: number("row") as u32,
            col: number("col") as u32,
            text: text("text"),
        },
        calls: number("calls"),
        own: read_costs(&value["self"]),
        total: read_costs(&value["total"]),
    }
}

/// The change of one function or expression between two profiles.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CostChange {
    /// What changed.
    pub site: CostSite,
    /// Its own cost before.
    pub before: u64,
    /// Its own cost now.
    pub after: u64,
}

/// Two profiles, compared by one weight.
#[derive(Clone, PartialEq, Debug)]
pub struct CostDifference {
    /// All costs before.
    pub before: u64,
    /// All costs now.
    pub after: u64,
    /// Expressions that cost more or less than before, the largest changes first. Lines that only moved are the same.
    pub changes: Vec<CostChange>,
}

impl CostDifference {
    /// Compares two profiles.
    pub fn between(before: &CostProfile, after: &CostProfile, weight: Weight) -> CostDifference {
        type Key = (String, String, String);
        let key = |site: &CostSite| -> Key {
            (site.function.clone(), site.file.clone(), site.text.clone())
        };
        let mut all: BTreeMap<Key, CostChange> = BTreeMap::new();
        let mut note = |line: &CostLine, is_after: bool| {
            let change = all.entry(key(&line.site)).or_insert_with(|| CostChange {
                site: line.site.clone(),
                before: 0,
                after: 0,
            });
            let value = weight.of(&line.own);
            if is_after {
                change.site = line.site.clone();
                change.after += value;
            } else {
                change.before += value;
            }
        };
        before.expressions.iter().for_each(|line| note(line, false));
        after.expressions.iter().for_each(|line| note(line, true));
        let mut changes: Vec<CostChange> = all
            .into_values()
            .filter(|change| change.before != change.after)
            .collect();
        changes.sort_by_key(|change| std::cmp::Reverse(change.before.abs_diff(change.after)));
        CostDifference {
            before: weight.of(&before.total),
            after: weight.of(&after.total),
            changes,
        }
    }

    /// How much more everything costs, in percent of what it cost before; negative if it costs less.
    pub fn percent(&self) -> f64 {
        match (self.before, self.after) {
            (0, 0) => 0.0,
            (0, _) => f64::INFINITY,
            (before, after) => (after as f64 - before as f64) / before as f64 * 100.0,
        }
    }
}
