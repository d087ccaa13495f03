//! Joins the stages: parse queries, check, lower, optimise, emit.

use std::collections::HashMap;

use regovm_compiler::ir::Program;
use regovm_compiler::lower::Observe;
use regovm_compiler::optimize::{Context, optimize};
use regovm_compiler::options::Options;
use regovm_compiler::state::{Answer, Checked, Query};
use regovm_compiler::{emit, front, input_paths, lower};
use regovm_core::builtin::Table;
use regovm_core::json::ProjectionBuilder;
use regovm_core::value::{Frozen, Value};
use regovm_core::{Code, Diagnostic, SourceId, SourceMap, Span};
use regovm_parser::ParseOptions;
use regovm_parser::ast::{Import, Module, Ref};

use crate::engine::QueryContext;
use crate::policy::{Compiled, QueryExpression, QueryShape};
use crate::report::{Failure, Stage};

/// A part of what [`Engine::prepare_timed`](crate::Engine::prepare_timed) does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Queries are parsed.
    QueryParse,
    /// A stage of the compiler, within the next phase.
    Stage {
        /// Its name, as OPA has it: `CheckTypes`.
        name: &'static str,
        /// Whether it is one over a query.
        of_query: bool,
    },
    /// Modules and queries are resolved and checked, together.
    ModuleCompile,
    /// They are lowered, optimised and emitted.
    QueryCompile,
}

/// What is compiled.
pub(crate) struct Job<'j> {
    pub(crate) sources: SourceMap,
    pub(crate) modules: Vec<Module>,
    pub(crate) queries: &'j [&'j str],
    pub(crate) context: &'j QueryContext,
    pub(crate) parse_options: ParseOptions,
    pub(crate) builtins: &'j Table,
    pub(crate) options: &'j Options,
    pub(crate) data: &'j Frozen,
    /// Names of rewrites that are off.
    pub(crate) disabled: &'j [String],
    /// Somebody looks on: then nothing is optimised.
    pub(crate) observe: Option<Observe>,
    /// Somebody will ask what loops cost.
    pub(crate) profiled: bool,
    /// Is told when a part of the work is done.
    pub(crate) done: &'j dyn Fn(Phase),
    /// Queries with errors are left out and put here, instead of ending the compilation.
    pub(crate) refused: Option<&'j mut Vec<(usize, Failure)>>,
}

/// Checks modules without compiling them, and gives them as the checks have rewritten them.
pub(crate) fn check(
    sources: &SourceMap,
    modules: Vec<Module>,
    builtins: &Table,
    options: &Options,
    data: &Frozen,
) -> Result<Vec<Module>, Failure> {
    let exists = |path: &[&str]| options.check_data_conflicts && path_exists(data.root(), path);
    match front::check_modules(
        sources,
        modules,
        Vec::new(),
        builtins,
        options,
        Some(&exists),
    ) {
        Ok(checked) => Ok(checked.state.modules),
        Err(errors) => Err(Failure::from_diagnostics(Stage::Compile, errors, sources)),
    }
}

/// Compiles modules and queries to a program.
pub(crate) fn compile(job: Job<'_>) -> Result<Compiled, Failure> {
    let (builtins, disabled) = (job.builtins, job.disabled);
    let observed = job.observe.is_some();
    let profiled = job.profiled;
    with_ir(job, |sources, queries, ir, _| {
        let inputs = ir
            .queries
            .iter()
            .map(|query| {
                let mut wanted = ProjectionBuilder::new();
                if observed || disabled.iter().any(|name| name == input_paths::NAME) {
                    wanted.add([]);
                    return wanted;
                }
                input_paths::of_query(ir, *query, builtins)
            })
            .collect();
        let shapes = queries
            .iter()
            .zip(&ir.queries)
            .map(|(query, function)| {
                let row = &ir.functions[function.0 as usize].row;
                shape(sources, &query.answer, row)
            })
            .collect();
        let program = emit::emit(ir, builtins, sources)
            .map_err(|errors| Failure::from_diagnostics(Stage::Compile, errors, sources))?;
        let loops = match profiled {
            true => crate::explain::unserved_loops(ir, builtins, sources),
            false => Vec::new(),
        };
        Ok(Compiled {
            program,
            shapes,
            inputs,
            loops,
        })
    })
}

/// Compiles modules and queries as far as the optimised IR; the last argument names the rewrites that changed something.
pub(crate) fn with_ir<T>(
    job: Job<'_>,
    go_on: impl FnOnce(&SourceMap, &[Query], &Program, &[&'static str]) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Job {
        mut sources,
        modules,
        queries,
        context,
        parse_options,
        builtins,
        options,
        data,
        disabled,
        observe,
        profiled: _,
        done,
        mut refused,
    } = job;
    let mut parsed = Vec::with_capacity(queries.len());
    match parse_queries(&mut sources, queries, context, &parse_options) {
        Ok(list) => parsed.extend(list),
        Err(errors) => return Err(query_failure(errors, &sources)),
    }
    done(Phase::QueryParse);
    let failed =
        |errors: Vec<Diagnostic>| Failure::from_diagnostics(Stage::Compile, errors, &sources);
    let exists = |path: &[&str]| options.check_data_conflicts && path_exists(data.root(), path);
    let stage_done = |name, of_query| done(Phase::Stage { name, of_query });
    let mut state = front::check_rules(
        &sources,
        modules,
        builtins,
        options,
        Some(&exists),
        Some(&stage_done),
    )
    .map_err(failed)?;
    let mut queries = Vec::with_capacity(parsed.len());
    for (i, query) in parsed.into_iter().enumerate() {
        match (
            front::check_query(&mut state, query, Some(&stage_done)),
            &mut refused,
        ) {
            (Ok(query), _) => queries.push(query),
            (Err(errors), Some(refused)) => refused.push((i, failed(errors))),
            (Err(errors), None) => return Err(failed(errors)),
        }
    }
    let checked = Checked { state, queries };
    done(Phase::ModuleCompile);
    let mut ir = lower::lower_for(&checked, observe).map_err(|errors| failed(errors.into_vec()))?;
    let rewritten = match observe {
        None => optimize(&mut ir, &Context { builtins }, disabled),
        Some(_) => Vec::new(),
    };
    let result = go_on(&sources, &checked.queries, &ir, &rewritten);
    done(Phase::QueryCompile);
    result
}

/// Errors of queries. What is no query at all has neither code nor place in OPA.
fn query_failure(errors: Vec<Diagnostic>, sources: &SourceMap) -> Failure {
    if let [only] = errors.as_slice()
        && (only.message == EMPTY_QUERY || only.message.starts_with("expected body but got"))
    {
        return Failure::message(Stage::Compile, only.message.clone());
    }
    Failure::from_diagnostics(Stage::Compile, errors, sources)
}

/// OPA's words for a query without expressions.
const EMPTY_QUERY: &str = "cannot evaluate empty query";

/// True if data has a value at a path, or something other than an object on the way to it.
fn path_exists(root: Value<'_>, path: &[&str]) -> bool {
    let mut value = root;
    for key in path {
        match value.get_str(key) {
            Some(member) if member.as_object().is_some() => value = member,
            Some(_) => return true,
            None => return false,
        }
    }
    true
}

fn parse_queries(
    sources: &mut SourceMap,
    queries: &[&str],
    context: &QueryContext,
    options: &ParseOptions,
) -> Result<Vec<Query>, Vec<Diagnostic>> {
    let (package, imports) = parse_context(sources, context, options)?;
    queries
        .iter()
        .map(|text| {
            let id = add(sources, text)?;
            let parsed = regovm_parser::parse_query(sources, id, options)?;
            if parsed.body.is_empty() {
                return Err(vec![Diagnostic::new(Code::Parse, Span::NONE, EMPTY_QUERY)]);
            }
            let mut query = Query::new(parsed.body);
            query.package = package.clone();
            query.imports = imports.clone();
            Ok(query)
        })
        .collect()
}

fn add(sources: &mut SourceMap, text: &str) -> Result<SourceId, Vec<Diagnostic>> {
    sources
        .add("", text)
        .map_err(|error| vec![Diagnostic::new(Code::Parse, Span::NONE, error.to_string())])
}

/// The package and imports of queries are read as the head of a module would be.
fn parse_context(
    sources: &mut SourceMap,
    context: &QueryContext,
    options: &ParseOptions,
) -> Result<(Option<Ref>, Vec<Import>), Vec<Diagnostic>> {
    if context.package.is_none() && context.imports.is_empty() {
        return Ok((None, Vec::new()));
    }
    let mut text = format!(
        "package {}\n",
        context.package.as_deref().unwrap_or("ignored")
    );
    for import in &context.imports {
        text.push_str(&format!("import {import}\n"));
    }
    let id = add(sources, &text)?;
    let module = regovm_parser::parse_module(sources, id, options)?;
    Ok((
        context.package.as_ref().map(|_| module.package.path),
        module.imports,
    ))
}

/// How the columns of a query's rows make up its answer.
fn shape(sources: &SourceMap, answer: &Answer, row: &[String]) -> QueryShape {
    let columns: HashMap<&str, usize> = row
        .iter()
        .enumerate()
        .map(|(i, name)| (name.as_str(), i))
        .collect();
    let expressions = answer
        .expressions
        .iter()
        .map(|expression| {
            let at = sources.locate(expression.span);
            QueryExpression {
                text: sources.text(expression.span).to_owned(),
                row: at.as_ref().map_or(0, |at| at.row),
                col: at.as_ref().map_or(0, |at| at.col),
                column: expression
                    .capture
                    .as_ref()
                    .and_then(|name| columns.get(&**name).copied()),
            }
        })
        .collect();
    let variables = answer
        .bindings
        .iter()
        .filter_map(|(written, _)| Some((written.to_string(), *columns.get(&**written)?)))
        .collect();
    QueryShape {
        expressions,
        variables,
    }
}
