//! sonic-rs: what reading the same bytes into a tree costs, without any policy and so without an answer.

use super::{Job, Report, peak, times};
use crate::Error;

pub fn run(job: &Job) -> Result<Report, Error> {
    let bytes = std::fs::read(job.input.as_ref().ok_or("no input")?)?;
    let read = times(job.readings(bytes.len(), false), || {
        std::hint::black_box(sonic_rs::from_slice::<sonic_rs::Value>(&bytes)?);
        Ok(())
    })?;
    Ok(Report {
        read,
        peak: peak(),
        ..Report::default()
    })
}
