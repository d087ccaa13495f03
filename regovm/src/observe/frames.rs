//! From the points that a run reaches to the events that OPA's tracer reports.
//!
//! The machine runs a rule to its end and then goes on with whoever asked for it; OPA goes on from within the rule, as
//! soon as it has its first success. What happens in a rule after that is kept back here until whoever asked is done, so
//! that a trace has OPA's order. Queries, rules and bodies are numbered in that order, too.

use std::collections::HashMap;

use regovm_core::json::rego_text_start;
use regovm_core::value::Value;
use regovm_vm::Program;
use regovm_vm::observe::{Documents, Moment, Point, SiteKind};

/// What an event reports.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// A query, rule or body begins.
    Enter,
    /// It has succeeded.
    Exit,
    /// An expression begins.
    Eval,
    /// More solutions are looked for.
    Redo,
    /// There was none.
    Fail,
    /// The index of rules was asked.
    Index,
    /// A policy called `trace`.
    Note,
}

impl Operation {
    /// As OPA writes it.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Enter => "Enter",
            Operation::Exit => "Exit",
            Operation::Eval => "Eval",
            Operation::Redo => "Redo",
            Operation::Fail => "Fail",
            Operation::Index => "Index",
            Operation::Note => "Note",
        }
    }
}

/// One event of a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// What it reports.
    pub operation: Operation,
    /// Of which site.
    pub(crate) site: u32,
    /// The query, rule or body that it belongs to.
    pub query: u64,
    /// The one around that.
    pub parent: u64,
    /// `early`, what the index found, a note.
    pub message: String,
    /// The rule that the index was asked for.
    pub reference: Option<String>,
    /// Variables with their values as Rego texts: names of the rewritten tree and of the author.
    pub(crate) locals: Vec<(u32, String)>,
}

/// The domain of an `every` that is left: its site, its query and the one around that, the values of variables.
type Left = (u32, u64, u64, Vec<(u32, String)>);

struct ExprFrame {
    site: u32,
    defined: bool,
    succeeding: bool,
    /// What rules that it asked for do after their first success, call by call.
    pending: Vec<Vec<Event>>,
    /// The `every` that has just held: its domain is left after the redo.
    leaves: Option<Left>,
    locals: Vec<(u32, String)>,
    /// Of these the variables, without rules.
    variables: Vec<(u32, String)>,
    /// The `with`s that hold for it, if it has some of its own.
    overlay: Option<u32>,
    /// For stacks: the values that its variables had when it began. (OPA takes back what it has bound itself before it looks.)
    now: Vec<(u32, String)>,
}

/// A query, rule or body that is under way, with the expression that is.
pub(crate) struct Running {
    /// Its number, in the order of OPA.
    pub(crate) query: u64,
    /// The query, rule or body.
    pub(crate) node: u32,
    /// The expression; none if none has begun.
    pub(crate) expression: Option<u32>,
    /// The values of variables, for the expression.
    pub(crate) values: Vec<(u32, String)>,
}

/// What is kept.
#[derive(Clone, Default)]
pub(crate) struct Keep {
    /// All events.
    pub(crate) trace: bool,
    /// What is needed to tell where a run is: for each site the names whose values matter for it, sorted.
    pub(crate) stack: Option<Vec<Vec<u32>>>,
}

/// A query, rule or body that is under way, or a call of rules of one name.
struct Frame {
    site: u32,
    id: u64,
    parent: u64,
    is_call: bool,
    exprs: Vec<ExprFrame>,
    /// A call whose first success is known: what it does from now on is kept back.
    exited: bool,
    tail: Vec<Event>,
}

/// The numbers of queries in the order in which they begin.
fn numbers<'e>(events: impl IntoIterator<Item = &'e Event>) -> HashMap<u64, u64> {
    let mut numbers = HashMap::new();
    for event in events {
        if event.operation == Operation::Enter {
            let next = numbers.len() as u64;
            numbers.entry(event.query).or_insert(next);
        }
    }
    numbers
}

/// Characters of values in stacks at most; a longer text is not shown.
pub(crate) const MAX_SHOWN: usize = 80;

/// Texts of values are not longer than this.
const MAX_TEXT: usize = 4096;

pub(crate) struct Frames {
    stack: Vec<Frame>,
    next: u64,
    matched: u32,
    /// What the index found for a call.
    found: HashMap<(u32, u64), (u32, u32, bool)>,
    last_called: (u32, u64),
    keep: Keep,
    trace: Vec<Event>,
}

/// Values with their numbers as texts.
fn texts(values: &[(u32, Value<'_>)]) -> Vec<(u32, String)> {
    let text = |value: &Value<'_>| {
        let mut text = value.to_string();
        if text.len() > MAX_TEXT {
            let end = (0..=MAX_TEXT).rev().find(|at| text.is_char_boundary(*at));
            text.truncate(end.unwrap_or(0));
        }
        text
    };
    values
        .iter()
        .map(|(name, value)| (*name, text(value)))
        .collect()
}

type Sink<'s> = &'s mut dyn FnMut((Operation, u32));

impl Frames {
    pub(crate) fn new(keep: Keep) -> Frames {
        Frames {
            stack: Vec::new(),
            next: 0,
            matched: 0,
            found: HashMap::new(),
            last_called: (0, 0),
            keep,
            trace: Vec::new(),
        }
    }

    pub(crate) fn begin(&mut self, stack: Option<Vec<Vec<u32>>>) {
        self.keep.stack = stack;
        self.stack.clear();
        self.found.clear();
        self.next = 0;
    }

    /// The events, with queries numbered in their order.
    pub(crate) fn take(&mut self) -> Vec<Event> {
        let mut events = std::mem::take(&mut self.trace);
        if !self.keep.trace {
            return Vec::new();
        }
        let numbers = numbers(&events);
        for event in &mut events {
            for query in [&mut event.query, &mut event.parent] {
                *query = numbers.get(query).copied().unwrap_or(*query);
            }
        }
        events
    }

    /// What is under way, innermost first.
    pub(crate) fn running_now(&self) -> Vec<Running> {
        // What OPA has not come to yet does not count.
        let kept_back = self.stack.iter().flat_map(|frame| &frame.tail);
        let numbers = numbers(self.trace.iter().chain(kept_back));
        let nodes = self.stack.iter().rev().filter(|frame| !frame.is_call);
        nodes
            .map(|frame| {
                let expression = frame.exprs.last();
                Running {
                    query: numbers.get(&frame.id).copied().unwrap_or(frame.id),
                    node: frame.site,
                    expression: expression.map(|expression| expression.site),
                    values: expression.map_or_else(Vec::new, |expression| expression.now.clone()),
                }
            })
            .collect()
    }

    fn push(&mut self, event: Event) {
        let counted = self.keep.stack.is_some() && event.operation == Operation::Enter;
        if !self.keep.trace && !counted {
            return;
        }
        let target = self.stack.iter_mut().rev().find(|frame| frame.exited);
        match target {
            Some(frame) => frame.tail.push(event),
            None => self.trace.push(event),
        }
    }

    /// The query, rule or body that runs.
    fn top(&mut self) -> Option<&mut Frame> {
        self.stack.iter_mut().rev().find(|frame| !frame.is_call)
    }

    fn ids(&mut self) -> (u64, u64) {
        self.top().map_or((0, 0), |frame| (frame.id, frame.parent))
    }

    fn emit(
        &mut self,
        operation: Operation,
        site: u32,
        message: &str,
        locals: Vec<(u32, String)>,
        sink: Sink<'_>,
    ) {
        sink((operation, site));
        if !self.keep.trace && self.keep.stack.is_none() {
            return;
        }
        let (query, parent) = self.ids();
        self.push(Event {
            operation,
            site,
            query,
            parent,
            message: message.to_owned(),
            reference: None,
            locals,
        });
    }

    fn release(&mut self, pending: Vec<Vec<Event>>) {
        for event in pending.into_iter().rev().flatten() {
            self.push(event);
        }
    }

    /// The domain of an `every` that holds is left.
    fn left(&mut self, domain: Option<Left>) {
        if let Some((site, query, parent, locals)) = domain {
            self.push(Event {
                operation: Operation::Exit,
                site,
                query,
                parent,
                message: String::new(),
                reference: None,
                locals,
            });
        }
    }

    /// Takes the last expression away: it has failed, or the search ends while it holds.
    fn pop_expr(
        &mut self,
        silent: impl Fn(u32) -> bool,
        documents: Option<&dyn Documents>,
        sink: Sink<'_>,
    ) -> bool {
        let error = documents.is_none();
        let Some(mut expr) = self.top().and_then(|frame| frame.exprs.pop()) else {
            return false;
        };
        if let Some(documents) = documents.filter(|_| self.keep.trace) {
            // More is known by now. What the search for more under a `with` needs is computed anew: nothing is known there.
            let here = documents.known(expr.site, documents.overlay());
            let now = match expr.overlay {
                None => here,
                Some(_) if expr.succeeding => Vec::new(),
                Some(overlay) => documents.known(expr.site, overlay),
            };
            let mentions = documents.mentioned(expr.site);
            expr.locals.retain(|(name, _)| !mentions.contains(name));
            expr.locals.extend(texts(&now));
        }
        let mut pending = std::mem::take(&mut expr.pending);
        if expr.succeeding {
            if !silent(expr.site) {
                self.emit(Operation::Redo, expr.site, "", expr.locals, sink);
            }
            self.left(expr.leaves);
            // OPA leaves the rule that gave the value without looking for more of it.
            for tail in &mut pending {
                if tail
                    .first()
                    .is_some_and(|event| event.operation == Operation::Redo)
                {
                    tail.remove(0);
                }
            }
            self.release(pending);
        } else {
            self.release(pending);
            if !expr.defined && !error {
                self.emit(Operation::Fail, expr.site, "", expr.locals, sink);
            }
        }
        true
    }

    pub(crate) fn reached(
        &mut self,
        program: &Program,
        point: &Point,
        values: &[(u32, Value<'_>)],
        documents: &dyn Documents,
        sink: Sink<'_>,
    ) {
        let site = point.site;
        let silent = |site: u32| program.observed.sites[site as usize].silent;
        let keep = self.keep.trace;
        let locals = || -> Vec<(u32, String)> {
            if !keep {
                return Vec::new();
            }
            let mut locals = texts(values);
            locals.extend(texts(&documents.known(site, documents.overlay())));
            locals
        };
        let now = match &self.keep.stack {
            Some(wanted) if point.moment == Moment::Eval => {
                let result = self
                    .stack
                    .last()
                    .map_or(&[][..], |frame| &wanted[frame.site as usize]);
                let wanted = &wanted[site as usize];
                values
                    .iter()
                    .filter(|(name, _)| wanted.contains(name) || result.contains(name))
                    .map(|(name, value)| (*name, rego_text_start(*value, MAX_SHOWN)))
                    .collect()
            }
            _ => Vec::new(),
        };
        match point.moment {
            Moment::Enter => {
                let parent = self.ids().0;
                let id = self.next;
                self.next += 1;
                self.stack.push(Frame {
                    site,
                    id,
                    parent,
                    is_call: false,
                    exprs: Vec::new(),
                    exited: false,
                    tail: Vec::new(),
                });
                self.emit(Operation::Enter, site, "", locals(), sink);
            }
            Moment::Leave => {
                while self.pop_expr(silent, Some(documents), sink) {}
                let locals = locals();
                let Some(frame) = self.stack.pop() else {
                    return;
                };
                let every = program.observed.sites[frame.site as usize].kind == SiteKind::Every;
                if let Some(expr) = self.top().and_then(|frame| frame.exprs.last_mut())
                    && every
                    && program.observed.sites[expr.site as usize].span
                        == program.observed.sites[frame.site as usize].span
                    && program.observed.sites[expr.site as usize].text
                        == program.observed.sites[frame.site as usize].text
                {
                    expr.leaves = Some((frame.site, frame.id, frame.parent, locals));
                }
            }
            Moment::Eval => {
                let locals = locals();
                self.emit(Operation::Eval, site, "", locals.clone(), sink);
                if let Some(frame) = self.top() {
                    frame.exprs.push(ExprFrame {
                        site,
                        defined: false,
                        succeeding: false,
                        pending: Vec::new(),
                        leaves: None,
                        locals,
                        variables: Vec::new(),
                        overlay: None,
                        now,
                    });
                }
            }
            Moment::Success => {
                let locals = locals();
                if let Some(expr) = self.top().and_then(|frame| frame.exprs.last_mut()) {
                    expr.defined = true;
                    expr.succeeding = true;
                    // An early end tells of its redo with what it has bound.
                    if keep {
                        expr.locals = locals;
                    }
                }
            }
            Moment::Overlaid => {
                if let Some(expr) = self.top().and_then(|frame| frame.exprs.last_mut()) {
                    expr.overlay = Some(documents.overlay());
                    if keep {
                        expr.variables = texts(values);
                    }
                }
            }
            Moment::Redo => {
                while self
                    .top()
                    .and_then(|frame| frame.exprs.last())
                    .is_some_and(|expr| expr.site != site)
                {
                    self.pop_expr(silent, Some(documents), sink);
                }
                if !silent(site) {
                    let expr = self.top().and_then(|frame| frame.exprs.last());
                    let locals = match expr.and_then(|expr| expr.overlay) {
                        Some(_) if keep => texts(values),
                        _ => locals(),
                    };
                    self.emit(Operation::Redo, site, "", locals, sink);
                }
                let Some(expr) = self.top().and_then(|frame| frame.exprs.last_mut()) else {
                    return;
                };
                expr.succeeding = false;
                // What rules that it asked for still do comes when all their solutions are used.
                let leaves = expr.leaves.take();
                self.left(leaves);
            }
            Moment::RedoAgain => self.emit(Operation::Redo, site, "", locals(), sink),
            Moment::FailAgain => self.emit(Operation::Fail, site, "", locals(), sink),
            Moment::Exit(early) => {
                let message = if early { "early" } else { "" };
                self.emit(Operation::Exit, site, message, locals(), sink);
                if program.observed.sites[site as usize].kind == SiteKind::Rule
                    && let Some(call) = self.stack.iter_mut().rev().nth(1)
                    && call.is_call
                {
                    call.exited = true;
                }
            }
            Moment::RedoNode => self.emit(Operation::Redo, site, "", locals(), sink),
            Moment::Matched => self.matched += 1,
            Moment::Indexed(early) => {
                let matched = std::mem::take(&mut self.matched);
                self.found.insert(self.last_called, (site, matched, early));
                // What the extent of a package says of a function is no call.
                self.last_called = (u32::MAX, 0);
                self.index(site, matched, early);
                if program.observed.sites[site as usize].kind == SiteKind::Rule {
                    self.stack.push(Frame {
                        site,
                        id: 0,
                        parent: 0,
                        is_call: true,
                        exprs: Vec::new(),
                        exited: false,
                        tail: Vec::new(),
                    });
                }
            }
            Moment::Done => {
                if self.stack.last().is_none_or(|frame| !frame.is_call) {
                    return;
                }
                let tail = self.stack.pop().map(|frame| frame.tail).unwrap_or_default();
                if tail.is_empty() {
                    return;
                }
                let expr = self.top().and_then(|frame| frame.exprs.last_mut());
                match expr {
                    Some(expr) => expr.pending.push(tail),
                    None => self.release(vec![tail]),
                }
            }
        }
    }

    /// The expression that runs, or what it is part of.
    fn running(&mut self) -> Option<u32> {
        let frame = self.top()?;
        Some(frame.exprs.last().map_or(frame.site, |expr| expr.site))
    }

    fn index(&mut self, rule: u32, matched: u32, early: bool) {
        if !self.keep.trace {
            return;
        }
        // What the same expression asked for before is done.
        let before = self.top().and_then(|frame| frame.exprs.last_mut());
        let pending = before.map(|expr| std::mem::take(&mut expr.pending));
        self.release(pending.unwrap_or_default());
        let (query, parent) = self.ids();
        let Some(site) = self.running() else { return };
        let asking = self.top().and_then(|frame| frame.exprs.last());
        let locals = asking.map_or_else(Vec::new, |expr| match expr.overlay {
            None => expr.locals.clone(),
            Some(_) => expr.variables.clone(),
        });
        let plural = if matched == 1 { "" } else { "s" };
        let early = if early { ", early exit" } else { "" };
        self.push(Event {
            operation: Operation::Index,
            site,
            query,
            parent,
            message: format!("(matched {matched} rule{plural}{early})"),
            // The number of the rule's site stands here until the trace is read.
            reference: Some(rule.to_string()),
            locals,
        });
    }

    pub(crate) fn called(&mut self, function: u32, key: u64) {
        self.last_called = (function, key);
    }

    pub(crate) fn recalled(&mut self, function: u32, key: u64) {
        if let Some((site, matched, early)) = self.found.get(&(function, key)).copied() {
            self.index(site, matched, early);
        }
    }

    pub(crate) fn note(&mut self, text: &str) {
        if !self.keep.trace {
            return;
        }
        let (query, parent) = self.ids();
        let Some(site) = self
            .top()
            .map(|frame| frame.exprs.last().map_or(frame.site, |expr| expr.site))
        else {
            return;
        };
        self.push(Event {
            operation: Operation::Note,
            site,
            query,
            parent,
            message: text.to_owned(),
            reference: None,
            locals: Vec::new(),
        });
    }

    /// Ends whatever is under way: an error has ended the run.
    pub(crate) fn end(&mut self, program: &Program, sink: Sink<'_>) {
        let silent = |site: u32| program.observed.sites[site as usize].silent;
        while let Some(frame) = self.stack.last() {
            if !frame.is_call {
                while self.pop_expr(silent, None, sink) {}
            }
            let tail = self.stack.pop().map(|frame| frame.tail).unwrap_or_default();
            self.release(vec![tail]);
        }
    }
}
