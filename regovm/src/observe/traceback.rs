//! Where a run was when an error arose: OPA's stack traces.
//!
//! Programs run without knowing enough for them: the optimiser has moved expressions, and nobody has counted queries. So an
//! evaluation that has failed is done once more, compiled to be observed, and what was under way when the same error arose
//! is told.

use std::collections::HashMap;

use regovm_core::Span;
use regovm_vm::Program;
use regovm_vm::observe::{Site, SiteKind, SiteResult};

use super::frames::{MAX_SHOWN, Running};
use super::{Observe, Recorder, Wanted};
use crate::engine::{Engine, QueryContext};
use crate::policy::PreparedPolicy;
use crate::report::{Failure, Stage, TraceFrame};
use crate::session::{Budget, Session};

/// Steps of an evaluation that looks for the place of an error.
const MAX_STEPS: u64 = 5_000_000;

impl Engine {
    /// Adds to the error of an evaluation what was under way when it arose ([`ErrorReport::trace`](crate::ErrorReport)).
    ///
    /// The query is evaluated once more, observed: `evaluate` gets a session that has no host yet. A host that prints
    /// nothing and reaches no network will do: if another error arises then, the failure stays as it is.
    pub fn trace_back(
        &self,
        query: &str,
        context: &QueryContext,
        failure: Failure,
        evaluate: &mut dyn FnMut(&mut Session) -> Result<(), Failure>,
    ) -> Failure {
        let observe = Observe {
            values: true,
            ..self.observe().unwrap_or_default()
        };
        let mut prepare = || self.prepare_observed(&[query], context, Some(observe)).ok();
        trace_back(failure, &mut prepare, evaluate)
    }
}

/// As [`Engine::trace_back`], for whatever `prepare` gives.
pub(crate) fn trace_back(
    mut failure: Failure,
    prepare: &mut dyn FnMut() -> Option<PreparedPolicy>,
    evaluate: &mut dyn FnMut(&mut Session) -> Result<(), Failure>,
) -> Failure {
    let (Stage::Evaluate, [error]) = (failure.stage, failure.errors.as_mut_slice()) else {
        return failure;
    };
    if !error.trace.is_empty()
        || error
            .code
            .is_none_or(|code| code == regovm_core::Code::EvalCancel)
    {
        return failure;
    }
    let Some(policy) = prepare() else {
        return failure;
    };
    let recorder = Recorder::new(Wanted {
        stack: true,
        ..Wanted::default()
    });
    let mut session = policy.session();
    session.set_budget(Budget {
        steps: Some(MAX_STEPS),
        ..Budget::default()
    });
    session.set_recorder(Some(recorder.clone()));
    if let Err(again) = evaluate(&mut session)
        && let [same] = again.errors.as_slice()
        && (same.code, &same.message, &same.location)
            == (error.code, &error.message, &error.location)
    {
        error.trace = recorder.take_stack();
    }
    failure
}

/// For each site the names whose values its frames show.
pub(super) fn names(program: &Program) -> Vec<Vec<u32>> {
    let observed = &program.observed;
    let names = observed.names.iter().zip(0_u32..);
    let numbers: HashMap<&str, u32> = names.map(|(name, number)| (&**name, number)).collect();
    let of_site = |site: &Site| {
        let result = match &site.result {
            Some(SiteResult::Variable(name)) => Some(name),
            _ => None,
        };
        let reads = site.reads.iter().map(|(name, _)| name);
        let all = reads.chain(result);
        all.filter_map(|name| numbers.get(name.as_str()).copied())
            .collect()
    };
    observed.sites.iter().map(of_site).collect()
}

/// What is under way as OPA tells it.
pub(super) fn frames(program: &Program, running: Vec<Running>) -> Vec<TraceFrame> {
    let observed = &program.observed;
    let mut frames = Vec::new();
    let mut inner: Option<&Running> = None;
    // Bodies bind the variables of what they are part of.
    let mut shared: Vec<(&str, &str)> = Vec::new();
    for frame in &running {
        let site = &observed.sites[frame.expression.unwrap_or(frame.node) as usize];
        let mut values: Vec<(&str, &str)> = frame
            .values
            .iter()
            .map(|(name, value)| (&*observed.names[*name as usize], value.as_str()))
            .chain(std::mem::take(&mut shared))
            .collect();
        let kind = observed.sites[frame.node as usize].kind;
        if matches!(kind, SiteKind::Body | SiteKind::Every) {
            shared.clone_from(&values);
        }
        // OPA binds the result of a function before its body runs, as far as it is known then.
        if let Some(SiteResult::Variable(output)) = &site.result
            && let Some(inner) = inner
            && observed.sites[inner.node as usize].kind == SiteKind::Rule
            && let Some(given) = &observed.sites[inner.node as usize].result
        {
            let known = match given {
                SiteResult::Value(text) => Some(text.as_str()),
                SiteResult::Variable(name) => inner
                    .values
                    .iter()
                    .find(|(number, _)| observed.names[*number as usize] == *name)
                    .map(|(_, text)| text.as_str()),
            };
            values.extend(known.map(|text| (output.as_str(), text)));
        }
        let source = program.sources.text(site.span);
        frames.push(TraceFrame {
            query: frame.query,
            location: program.sources.locate(site.span),
            text: TraceFrame::one_line(&with_values(source, site, &values)),
        });
        inner = Some(frame);
    }
    frames
}

/// The text of an expression with the values of its variables in their place.
fn with_values(source: &str, site: &Site, values: &[(&str, &str)]) -> String {
    let place = |span: Span| {
        let start = span.start.checked_sub(site.span.start)? as usize;
        let end = span.end.checked_sub(site.span.start)? as usize;
        source.get(start..end).filter(|text| !text.is_empty())?;
        Some((start, end))
    };
    let mut parts: Vec<((usize, usize), &str)> = site
        .reads
        .iter()
        .filter_map(|(name, span)| {
            let (_, value) = values.iter().find(|(known, _)| known == name)?;
            (value.len() <= MAX_SHOWN).then_some((place(*span)?, *value))
        })
        .collect();
    parts.sort_by_key(|((start, _), _)| *start);
    let mut text = String::new();
    let mut done = 0;
    for ((start, end), value) in parts {
        if start >= done {
            text.push_str(&source[done..start]);
            text.push_str(value);
            done = end;
        }
    }
    text.push_str(&source[done..]);
    text
}
