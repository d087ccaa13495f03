//! OPA as an engine: the Go program of `conformance-suite/oracle`, spoken to over pipes.
//!
//! For testing the cases and the runner; nothing that the project needs runs it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::case::{CompileCase, EvalCase, RegoVersion};
use crate::engine::{CaseError, Engine};

/// The two conversations with the oracle: evaluating and checking.
#[derive(Debug)]
pub struct Oracle {
    eval: Mutex<Talk>,
    check: Mutex<Talk>,
}

#[derive(Debug)]
struct Talk {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts the program.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(program: &Path) -> std::io::Result<Self> {
        Ok(Self {
            eval: Mutex::new(Talk::start(program, "eval")?),
            check: Mutex::new(Talk::start(program, "check")?),
        })
    }
}

impl Talk {
    fn start(program: &Path, command: &str) -> std::io::Result<Self> {
        let mut child = Command::new(program)
            .arg(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let gone = || std::io::Error::other("the oracle has no pipes");
        let input = child.stdin.take().ok_or_else(gone)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(gone)?);
        Ok(Self {
            child,
            input,
            output,
        })
    }

    fn ask(&mut self, request: &Value) -> std::io::Result<Value> {
        writeln!(self.input, "{request}")?;
        self.input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        // It ends by itself when its input ends; this is for the case that it hangs.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn version(version: RegoVersion) -> &'static str {
    match version {
        RegoVersion::V0 => "v0",
        RegoVersion::V1 => "v1",
        RegoVersion::V0CompatV1 => "v0-compat-v1",
    }
}

fn ask(talk: &Mutex<Talk>, request: &Value) -> Result<Value, CaseError> {
    let answer = talk
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .ask(request);
    answer.map_err(|e| CaseError {
        code: "oracle".into(),
        message: e.to_string(),
        ..CaseError::default()
    })
}

fn errors(answer: &Value) -> Vec<CaseError> {
    let text = |error: &Value, key: &str| error[key].as_str().unwrap_or_default().to_owned();
    let number = |error: &Value, key: &str| error[key].as_u64().unwrap_or_default() as u32;
    answer["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| CaseError {
            code: text(error, "code"),
            message: text(error, "message"),
            file: text(error, "file"),
            row: number(error, "row"),
            col: number(error, "col"),
        })
        .collect()
}

impl Engine for Oracle {
    fn modes(&self) -> &'static [&'static str] {
        &["opa"]
    }

    fn evaluate(&self, _: &str, case: &EvalCase) -> Result<Vec<Value>, CaseError> {
        let request = json!({
            "modules": case.modules,
            "query": case.query,
            "rego_version": version(case.rego_version),
            "data": case.data,
            "input": case.input,
            "input_term": case.input_term,
            "strict_error": case.strict_error,
            "experimental_keywords": case.experimental_keywords,
            "annotations": case.annotations,
            "env": case.env,
        });
        let answer = ask(&self.eval, &request)?;
        match answer.get("result") {
            Some(Value::Array(solutions)) => Ok(solutions.clone()),
            _ => Err(errors(&answer).into_iter().next().unwrap_or_default()),
        }
    }

    fn check(&self, case: &CompileCase) -> Vec<CaseError> {
        let schemas: Map<String, Value> = case.schemas.clone().into_iter().collect();
        let request = json!({
            "modules": case.modules,
            "query": case.query,
            "rego_version": version(case.rego_version),
            "strict": case.strict,
            "experimental_keywords": case.experimental_keywords,
            "print_statements": case.print_statements,
            "annotations": case.annotations,
            "schemas": schemas,
            "unsafe_builtins": case.unsafe_builtins,
            "data": case.data,
        });
        match ask(&self.check, &request) {
            Ok(answer) => errors(&answer),
            Err(error) => vec![error],
        }
    }
}
