//! regovm as an engine of the suite: every case from source, from the saved program, without the optimiser, with indexes
//! where collections are too small for any, and observed.

use regovm::internals::core::value::to_constant;
use regovm::internals::vm::Indexing;
use regovm::observe::{Observe, Recorder, Wanted};
use regovm::{
    Document, DocumentFormat, Engine as Regovm, ErrorReport, Failure, PreparedPolicy, QueryContext,
};
use regovm_host::{Network, SystemHost};
use serde_json::{Map, Value};

use crate::case::{CompileCase, EvalCase, RegoVersion};
use crate::engine::{CaseError, Engine};
use crate::test_builtins;

/// Compiled from the texts.
const SOURCE: &str = "source";
/// Compiled, saved, and loaded again.
const SAVED: &str = "saved";

/// Compiled from the texts without any rewrite.
const PLAIN: &str = "not optimised";
/// Compiled from the texts; every iteration that can use an index builds it at once.
const INDEXED: &str = "indexed at once";

/// Compiled to be observed, in OPA's order and with OPA's index of rules; somebody looks on.
const OBSERVED: &str = "observed";

/// The engine under test.
pub struct RegovmEngine;

impl Engine for RegovmEngine {
    fn modes(&self) -> &'static [&'static str] {
        &[SOURCE, SAVED, PLAIN, INDEXED, OBSERVED]
    }

    fn evaluate(&self, mode: &str, case: &EvalCase) -> Result<Vec<Value>, CaseError> {
        let mut engine = Regovm::new();
        // OPA's own runner looks for no conflicts with data, and has cases with such.
        engine
            .set_check_data_conflicts(false)
            .replace_builtin(test_builtins::SLEEP);
        add_modules(&mut engine, &case.modules, case.rego_version);
        add_data(&mut engine, case.data.as_ref());
        if mode == PLAIN {
            let names: Vec<&str> = regovm::rewrites().map(|(name, _)| name).collect();
            engine.disable_rewrites(&names).map_err(first)?;
        }
        if mode == OBSERVED {
            engine.set_observe(Some(Observe {
                values: true,
                ..Observe::default()
            }));
        }
        let mut policy = engine.prepare(&case.query).map_err(first)?;
        if mode == SAVED {
            policy = PreparedPolicy::load_with_data_of(&policy.save(), &policy).map_err(first)?;
        }
        let mut session = policy.session();
        session.set_strict_builtin_errors(case.strict_error);
        session.set_host(Box::new(suite_host()));
        if mode == OBSERVED {
            session.set_recorder(Some(Recorder::new(Wanted {
                coverage: true,
                ..Wanted::default()
            })));
        }
        if mode == INDEXED {
            session.set_indexing(Indexing {
                min_members: 0,
                scans_before: 0,
            });
        }
        let text = case.input.as_ref().map(Value::to_string);
        let answer = match (&case.input_term, &case.input) {
            (Some(term), _) => {
                let constant = constant_term(term)?;
                session.eval_made(0, &|arena| arena.constant(&constant))
            }
            (None, Some(input)) if !input.is_null() => {
                session.eval_query_json(0, text.as_deref().unwrap_or_default().as_bytes())
            }
            (None, _) => session.eval_without_input(0),
        };
        let answer = answer.map_err(first)?;
        Ok(answer
            .solutions()
            .map(|solution| {
                let bindings = solution.bindings();
                let json = bindings.map(|(name, value)| (name.to_owned(), value.to_json()));
                Value::Object(json.collect::<Map<_, _>>())
            })
            .collect())
    }

    fn check(&self, case: &CompileCase) -> Vec<CaseError> {
        let mut engine = Regovm::new();
        engine
            .set_strict(case.strict)
            .set_enable_print(case.print_statements)
            .set_process_annotations(case.annotations)
            .set_unsafe_builtins(case.unsafe_builtins.clone());
        for (name, schema) in &case.schemas {
            let path: Vec<String> = name.split('.').skip(1).map(str::to_owned).collect();
            if let Err(message) = engine.add_schema(path, &schema.to_string()) {
                return vec![CaseError {
                    message,
                    ..CaseError::default()
                }];
            }
        }
        add_modules(&mut engine, &case.modules, case.rego_version);
        add_data(&mut engine, case.data.as_ref());
        let checked = match &case.query {
            Some(query) => engine
                .prepare_with(&[query], &QueryContext::default())
                .map(drop),
            None => engine.check(),
        };
        match checked {
            Ok(()) => Vec::new(),
            Err(failure) => {
                let several = case.query.is_some() && failure.errors.len() > 1;
                // OPA's compiler alone, of which the cases are, does not capture the values of expressions in variables.
                let captured = |error: &&ErrorReport| several && error.message == "var _ is unsafe";
                let errors = failure.errors.iter();
                errors
                    .filter(|error| !captured(error))
                    .map(case_error)
                    .collect()
            }
        }
    }
}

/// The world of the cases: the machine's clock and chance, and a network that ends at this machine.
fn suite_host() -> SystemHost {
    // The last two are addresses that the cases look up, which asks no one.
    let machines = ["localhost", "127.0.0.1", "::1", "10.0.0.0", "::"].map(str::to_owned);
    SystemHost::new().with_network(Network::Only(machines.to_vec()))
}

fn add_modules(engine: &mut Regovm, modules: &[String], version: RegoVersion) {
    engine.set_version(match version {
        RegoVersion::V0 => regovm::RegoVersion::V0,
        RegoVersion::V1 => regovm::RegoVersion::V1,
        RegoVersion::V0CompatV1 => regovm::RegoVersion::V0CompatV1,
    });
    for (index, text) in modules.iter().enumerate() {
        engine.add_module(&format!("test-{index}.rego"), text);
    }
    // Queries are v1 whatever the modules are.
    engine.set_version(regovm::RegoVersion::V1);
}

fn add_data(engine: &mut Regovm, data: Option<&Value>) {
    if let Some(data) = data {
        engine.add_document(Document {
            name: "data".to_owned(),
            path: Vec::new(),
            format: DocumentFormat::Json,
            bytes: data.to_string().into_bytes(),
        });
    }
}

/// A term of Rego without variables, as a value: sets and keys that are no strings, which JSON lacks.
fn constant_term(term: &str) -> Result<regovm::internals::core::Constant, CaseError> {
    let policy = Regovm::new()
        .prepare(&format!("x := {term}"))
        .map_err(first)?;
    let mut session = policy.session();
    let answer = session.eval_without_input(0).map_err(first)?;
    let constant = answer.raw_binding("x").map(to_constant);
    constant.ok_or_else(|| CaseError {
        message: format!("no constant term: {term}"),
        ..CaseError::default()
    })
}

fn first(failure: Failure) -> CaseError {
    failure.errors.first().map(case_error).unwrap_or_default()
}

fn case_error(error: &ErrorReport) -> CaseError {
    let (file, row, col) = match &error.location {
        Some(at) => (at.file.to_string(), at.row, at.col),
        None => (String::new(), 0, 0),
    };
    CaseError {
        code: error.code.map_or(String::new(), |code| code.to_string()),
        message: error.message.clone(),
        file,
        row,
        col,
    }
}
