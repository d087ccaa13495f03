//! regovm as a library.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use regovm::internals::core::json;
use regovm::internals::core::value::{Arena, Frozen};
use regovm::{Budget, Document, DocumentFormat, Engine, Failure, PreparedPolicy, Session};

use super::{Job, Report, peak, times};
use crate::Error;

fn failed(failure: Failure) -> Error {
    failure.text("").into()
}

fn prepare(job: &Job) -> Result<PreparedPolicy, Error> {
    let mut engine = Engine::new();
    engine.add_module("policy.rego", &std::fs::read_to_string(&job.policy)?);
    if let Some(data) = &job.data {
        engine.add_document(Document {
            name: "data.json".to_owned(),
            path: Vec::new(),
            format: DocumentFormat::Json,
            bytes: std::fs::read(data)?,
        });
    }
    engine.prepare(&job.query).map_err(failed)
}

/// The bytes of the input, and its value: both as long as the process, so that values of any arena may point into them.
fn input(job: &Job) -> Result<(&'static [u8], &'static Frozen), Error> {
    let bytes: &'static [u8] = std::fs::read(job.input.as_ref().ok_or("no input")?)?.leak();
    let document = Frozen::build(|arena| {
        json::read(bytes, arena, json::ReadOptions::default()).unwrap_or_else(|error| {
            eprintln!("{error}");
            arena.object_from([])
        })
    });
    Ok((bytes, Box::leak(Box::new(document))))
}

fn evaluate(session: &mut Session, document: &'static Frozen) -> Result<(), Error> {
    let answer = session.eval_made(0, &|_| document.root());
    answer.map(drop).map_err(failed)
}

/// Reading the whole input, reading what the policy wants of it, evaluating it, and the latter two at once.
pub fn run(job: &Job) -> Result<Report, Error> {
    let policy = prepare(job)?;
    let mut session = policy.session();
    let (bytes, document) = input(job)?;
    // As a session reads: into an arena that is used again, and that points into the text.
    let mut arena = Arena::new();
    let read = times(job.readings(bytes.len(), false), || {
        arena.restart(usize::MAX);
        let value = json::read_borrowed(bytes, &arena, json::ReadOptions::default());
        std::hint::black_box(value)
            .map(drop)
            .map_err(|error| error.to_string().into())
    })?;
    let projection = policy.input_projection(0);
    let read_projected = times(job.readings(bytes.len(), false), || {
        arena.restart(usize::MAX);
        let value = match projection {
            Some(wanted) => {
                json::read_projected_borrowed(bytes, &arena, json::ReadOptions::default(), wanted)
            }
            None => return Err("the query has no projection".into()),
        };
        std::hint::black_box(value)
            .map(drop)
            .map_err(|error| error.to_string().into())
    })?;
    drop(arena);
    let evaluations = times(job.runs, || evaluate(&mut session, document))?;
    let peak = peak();
    let bytes_times = times(job.runs_from_bytes(), || {
        session.eval_json(bytes).map(drop).map_err(failed)
    })?;
    let answer = session.eval_json(bytes).map_err(failed)?.value();
    Ok(Report {
        read,
        read_projected,
        evaluate: evaluations,
        bytes: bytes_times,
        answer: answer.unwrap_or_default(),
        peak,
        ..Report::default()
    })
}

/// Evaluates in turns without budgets and with all of them, beyond what is reached.
pub fn with_budgets(job: &Job) -> Result<Report, Error> {
    let policy = prepare(job)?;
    let (mut without, mut with) = (policy.session(), policy.session());
    let start = Instant::now();
    with.set_budget(Budget {
        steps: Some(1 << 50),
        memory: Some(1 << 40),
        deadline: Some((Duration::from_secs(3600), Arc::new(move || start.elapsed()))),
        cancel: Some(Arc::new(AtomicBool::new(false))),
    });
    let (_, document) = input(job)?;
    let timed = |session: &mut Session| -> Result<Duration, Error> {
        let start = Instant::now();
        evaluate(session, document)?;
        Ok(start.elapsed())
    };
    let turns = (0..job.runs.max(11))
        .map(|_| Ok((timed(&mut without)?, timed(&mut with)?)))
        .collect::<Result<_, Error>>()?;
    let answer = with.eval_made(0, &|_| document.root()).map_err(failed)?;
    Ok(Report {
        answer: answer.value().unwrap_or_default(),
        peak: peak(),
        turns,
        ..Report::default()
    })
}
