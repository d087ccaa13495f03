//! regovm as a library.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use regovm::internals::core::json;
use regovm::internals::core::value::Frozen;
use regovm::{Budget, Document, DocumentFormat, Engine, Failure};

use super::{Budgets, Job, Report, peak, times};
use crate::Error;
use crate::table::median;

fn failed(failure: Failure) -> Error {
    failure.text("").into()
}

pub fn run(job: &Job, budgets: Budgets) -> Result<Report, Error> {
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
    let policy = engine.prepare(&job.query).map_err(failed)?;
    let mut session = policy.session();
    if budgets == Budgets::On {
        let start = Instant::now();
        session.set_budget(Budget {
            steps: Some(1 << 50),
            memory: Some(1 << 40),
            deadline: Some((Duration::from_secs(3600), Arc::new(move || start.elapsed()))),
            cancel: Some(Arc::new(AtomicBool::new(false))),
        });
    }
    let Some(input) = &job.input else {
        let evaluate = times(job.runs, || {
            session.eval_without_input(0).map(drop).map_err(failed)
        })?;
        let answer = session.eval_without_input(0).map_err(failed)?.value();
        return Ok(Report {
            read: Default::default(),
            bytes: evaluate.clone(),
            evaluate,
            answer: answer.unwrap_or_default(),
            peak: peak(),
        });
    };
    // Both live as long as the process, so that values of any arena may point into them.
    let bytes: &'static [u8] = std::fs::read(input)?.leak();
    let read_it = || {
        Frozen::build(|arena| {
            json::read(bytes, arena, json::ReadOptions::default()).unwrap_or_else(|error| {
                eprintln!("{error}");
                arena.object_from([])
            })
        })
    };
    let reads = times(job.runs.min(5), || {
        std::hint::black_box(read_it());
        Ok(())
    })?;
    let read = median(&reads);
    let document: &'static Frozen = Box::leak(Box::new(read_it()));
    let evaluate = times(job.runs, || {
        session
            .eval_made(0, &|_| document.root())
            .map(drop)
            .map_err(failed)
    })?;
    let peak = peak();
    let bytes_times = times(job.runs, || {
        session.eval_json(bytes).map(drop).map_err(failed)
    })?;
    let answer = session.eval_json(bytes).map_err(failed)?.value();
    Ok(Report {
        read,
        evaluate,
        bytes: bytes_times,
        answer: answer.unwrap_or_default(),
        peak,
    })
}
