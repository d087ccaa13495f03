//! regorus as a library: its interpreter, and its virtual machine.

use std::time::{Duration, Instant};

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::RegoVM;
use regorus::{Engine, Rc, Value};
use serde_json::json;

use super::{Job, Report, peak, times};
use crate::Error;

fn failed(error: impl std::fmt::Display) -> Error {
    error.to_string().into()
}

fn engine(job: &Job) -> Result<Engine, Error> {
    let mut engine = Engine::new();
    let policy = std::fs::read_to_string(&job.policy)?;
    engine
        .add_policy("policy.rego".to_owned(), policy)
        .map_err(failed)?;
    if let Some(data) = &job.data {
        engine
            .add_data(Value::from_json_file(data).map_err(failed)?)
            .map_err(failed)?;
    }
    Ok(engine)
}

fn input(job: &Job) -> Result<(String, Value, Vec<Duration>), Error> {
    let Some(path) = &job.input else {
        return Ok(("null".to_owned(), Value::Null, Vec::new()));
    };
    let text = std::fs::read_to_string(path)?;
    let start = Instant::now();
    let value = Value::from_json_str(&text).map_err(failed)?;
    let mut read = vec![start.elapsed()];
    if job.readings(text.len(), true) > 1 {
        read = times(job.readings(text.len(), true), || {
            std::hint::black_box(Value::from_json_str(&text).map_err(failed)?);
            Ok(())
        })?;
    }
    Ok((text, value, read))
}

fn answer(value: &Value) -> Result<serde_json::Value, Error> {
    Ok(serde_json::from_str(&value.to_json_str().map_err(failed)?)?)
}

pub fn interpreter(job: &Job) -> Result<Report, Error> {
    let mut engine = engine(job)?;
    let (text, value, read) = input(job)?;
    let mut result = Value::Null;
    let evaluate = times(job.runs, || {
        engine.set_input(value.clone());
        result = engine.eval_rule(job.query.clone()).map_err(failed)?;
        Ok(())
    })?;
    let peak = peak();
    let bytes = times(job.runs_from_bytes(), || {
        engine.set_input_json(&text).map_err(failed)?;
        engine
            .eval_rule(job.query.clone())
            .map(drop)
            .map_err(failed)
    })?;
    Ok(Report {
        read,
        evaluate,
        bytes,
        answer: answer(&result)?,
        peak,
        ..Report::default()
    })
}

/// Reads, compiles, evaluates once and prints as `eval` does: what a command made of regorus would take.
pub fn command(job: &Job) -> Result<Report, Error> {
    let mut engine = engine(job)?;
    let path = job.input.as_ref().ok_or("no input")?;
    engine
        .set_input_json(&std::fs::read_to_string(path)?)
        .map_err(failed)?;
    let value = engine.eval_rule(job.query.clone()).map_err(failed)?;
    let expression = json!({
        "value": answer(&value)?,
        "text": job.query,
        "location": {"row": 1, "col": 1},
    });
    let result = json!({"result": [{"expressions": [expression]}]});
    println!("{}", serde_json::to_string_pretty(&result)?);
    // Freeing the document would be part of what such a command need not do.
    std::process::exit(0)
}

pub fn machine(job: &Job) -> Result<Report, Error> {
    let mut engine = engine(job)?;
    let rule: Rc<str> = job.query.as_str().into();
    let policy = engine.compile_with_entrypoint(&rule).map_err(failed)?;
    let program = Compiler::compile_from_policy(&policy, &[&job.query]).map_err(failed)?;
    let mut machine = RegoVM::new();
    machine.load_program(program);
    // Without a limit of its own, as the others.
    machine.set_max_instructions(usize::MAX);
    machine.set_data(engine.get_data()).map_err(failed)?;
    let (text, value, read) = input(job)?;
    let mut result = Value::Null;
    let evaluate = times(job.runs, || {
        machine.set_input(value.clone());
        result = machine.execute().map_err(failed)?;
        Ok(())
    })?;
    let peak = peak();
    let bytes = times(job.runs_from_bytes(), || {
        machine.set_input(Value::from_json_str(&text).map_err(failed)?);
        machine.execute().map(drop).map_err(failed)
    })?;
    Ok(Report {
        read,
        evaluate,
        bytes,
        answer: answer(&result)?,
        peak,
        ..Report::default()
    })
}
