//! The front half: from syntax trees to checked modules and queries.

use regovm_core::builtin::Table;
use regovm_core::{Code, Diagnostic, SourceMap, Span};
use regovm_parser::ast::Module;

use crate::check;
use crate::options::Options;
use crate::pipeline;
use crate::state::{Checked, DataExists, Query, StageDone, State};

/// Runs all stages over modules and then over queries. Errors of modules come in the order of
/// their places, those of a query as they were found.
pub fn check_modules<'c>(
    sources: &'c SourceMap,
    modules: Vec<Module>,
    queries: Vec<Query>,
    builtins: &'c Table,
    options: &'c Options,
    data_exists: DataExists<'c>,
) -> Result<Checked<'c>, Vec<Diagnostic>> {
    let mut state = check_rules(sources, modules, builtins, options, data_exists, None)?;
    let queries = queries
        .into_iter()
        .map(|query| check_query(&mut state, query, None))
        .collect::<Result<_, _>>()?;
    Ok(Checked { state, queries })
}

/// Runs all stages over modules; `stage_done` is told of the end of each.
pub fn check_rules<'c>(
    sources: &'c SourceMap,
    mut modules: Vec<Module>,
    builtins: &'c Table,
    options: &'c Options,
    data_exists: DataExists<'c>,
    stage_done: StageDone<'_>,
) -> Result<State<'c>, Vec<Diagnostic>> {
    sort_modules(sources, &mut modules);
    let mut state = State::new(sources, options, builtins, modules);
    state.data_exists = data_exists;
    pipeline::run(&mut state, stage_done);
    if state.diagnostics.is_empty() {
        return Ok(state);
    }
    let mut errors = std::mem::take(&mut state.diagnostics).into_vec();
    sort_errors(sources, &mut errors);
    Err(errors)
}

/// Runs all stages over a query, after those over the modules.
pub fn check_query(
    state: &mut State<'_>,
    mut query: Query,
    stage_done: StageDone<'_>,
) -> Result<Query, Vec<Diagnostic>> {
    if query.body.is_empty() {
        let message = "empty query cannot be compiled";
        return Err(vec![Diagnostic::new(Code::Compile, Span::NONE, message)]);
    }
    pipeline::run_query(state, &mut query, stage_done)?;
    Ok(query)
}

/// What a module of v0 must not have to be one of v1 too, except for keywords and bodies, which a formatter adds. In the order
/// in which `opa fmt` has it.
pub fn refused_by_v1(sources: &SourceMap, module: &Module, builtins: &Table) -> Vec<Diagnostic> {
    let options = Options {
        strict: true,
        error_limit: 0,
        ..Options::default()
    };
    let mut state = State::new(sources, &options, builtins, vec![module.clone()]);
    state.facts.deprecated_called = true;
    check::names::duplicate_imports(&mut state);
    check::names::keyword_overrides(&mut state);
    check::builtin_use::deprecated_builtins(&mut state);
    let mut errors = std::mem::take(&mut state.diagnostics).into_vec();
    for rule in &module.rules {
        regovm_parser::strict::check_name(rule, &mut errors);
    }
    errors
}

/// OPA looks at modules in the order of their names.
pub fn sort_modules(sources: &SourceMap, modules: &mut [Module]) {
    modules.sort_by(|a, b| {
        let name = |module: &Module| sources.source_at(module.span.start).map(|s| s.name.clone());
        name(a).cmp(&name(b))
    });
}

/// By file, row, column, then text; the mark of the error limit stays last.
pub fn sort_errors(sources: &SourceMap, errors: &mut [Diagnostic]) {
    let last = errors.len().saturating_sub(1);
    let sorted = match errors.last() {
        Some(mark) if mark.span == Span::NONE && mark.message == "error limit reached" => last,
        _ => errors.len(),
    };
    errors[..sorted].sort_by_cached_key(|error| {
        let place = sources.order(error.span);
        // Errors without a place come last.
        (
            place.is_none(),
            place,
            error.code.as_str(),
            error.message.clone(),
        )
    });
}
