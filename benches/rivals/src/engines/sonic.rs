//! sonic-rs: what reading the same bytes into a tree costs, without any policy.

use std::time::Instant;

use super::{Job, Report, peak, times};
use crate::Error;

pub fn run(job: &Job) -> Result<Report, Error> {
    let bytes = std::fs::read(job.input.as_ref().ok_or("no input")?)?;
    let read_it = || -> Result<(), Error> {
        std::hint::black_box(sonic_rs::from_slice::<sonic_rs::Value>(&bytes)?);
        Ok(())
    };
    let start = Instant::now();
    read_it()?;
    let read = start.elapsed();
    let runs = times(job.runs, read_it)?;
    Ok(Report {
        read,
        evaluate: Vec::new(),
        bytes: runs,
        // It has no answer; see `Report::answer`.
        answer: serde_json::Value::Null,
        peak: peak(),
        turns: Vec::new(),
    })
}
