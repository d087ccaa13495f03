//! The tables of stages: what runs, in which order. A stage that finds errors ends the run, unless
//! it says that they leave the later stages sound.

use regovm_core::Diagnostic;
use regovm_parser::ast::{Name, TermKind};

use crate::check;
use crate::parallel;
use crate::resolve;
use crate::state::{Mentions, Query, StageDone, State, limit_reached};
use crate::visit::{Node, for_each_in_chain, is_generated, walk};

/// One stage over all modules.
pub struct Stage {
    /// OPA's name of the stage, for `--instrument` and `explain --stage`.
    pub name: &'static str,
    /// What it does.
    pub run: fn(&mut State<'_>),
}

/// One stage over a query.
pub struct QueryStage {
    /// OPA's name of the stage.
    pub name: &'static str,
    /// What it does; errors end the run.
    pub run: fn(&mut State<'_>, &mut Query) -> Vec<Diagnostic>,
}

const fn stage(name: &'static str, run: fn(&mut State<'_>)) -> Stage {
    Stage { name, run }
}

const fn query_stage(
    name: &'static str,
    run: fn(&mut State<'_>, &mut Query) -> Vec<Diagnostic>,
) -> QueryStage {
    QueryStage { name, run }
}

/// The stages over modules, in OPA's order.
pub const STAGES: &[Stage] = &[
    stage("LoadSchemas", check::types::start),
    stage("ResolveRefs", resolve::refs::run),
    stage("CheckUnusedImports", check::names::unused_imports),
    stage("InitLocalVarGen", exclude_written_names),
    stage("RewriteRuleHeadRefs", resolve::head_refs::run),
    stage("CheckKeywordOverrides", check::names::keyword_overrides),
    stage("CheckDuplicateImports", check::names::duplicate_imports),
    stage("RemoveImports", resolve::imports::remove),
    stage("SetModuleTree", resolve::trees::set_module_tree),
    stage("SetRuleTree", resolve::trees::set_rule_tree),
    stage("RewriteLocalVars", resolve::local_vars::run),
    stage("RewriteTemplateStrings", resolve::template_strings::run),
    stage("CheckVoidCalls", resolve::void_calls::run),
    stage("RewritePrintCalls", resolve::print_calls::run),
    stage("RewriteExprTerms", resolve::expr_terms::run),
    // The parser has read the metadata blocks.
    stage("SetAnnotationSet", check::annotations::set),
    stage(
        "RewriteRegoMetadataCalls",
        check::annotations::rewrite_calls,
    ),
    stage("SetGraph", resolve::graph::set),
    stage(
        "RewriteComprehensionTerms",
        resolve::comprehension_terms::run,
    ),
    stage("RewriteRefsInHead", resolve::refs_in_head::run),
    stage("RewriteWithValues", resolve::with_values::run),
    stage("CheckRuleConflicts", check::conflicts::run),
    stage("CheckUndefinedFuncs", check::undefined_functions::run),
    stage("CheckSafetyRuleHeads", check::safety::heads),
    stage("CheckSafetyRuleBodies", check::safety::bodies),
    stage("RewriteEquals", resolve::equals::run),
    stage("RewriteDynamicTerms", resolve::dynamic_terms::run),
    stage(
        "RewriteTestRulesForTracing",
        resolve::test_rules::name_operands,
    ),
    stage("CheckRecursion", check::recursion::run),
    stage("CheckTypes", check::types::run),
    stage("CheckUnsafeBuiltins", check::builtin_use::unsafe_builtins),
    stage(
        "CheckDeprecatedBuiltins",
        check::builtin_use::deprecated_builtins,
    ),
];

/// Stages that only runs of tests have, each with the name of the stage that it follows.
pub const TEST_STAGES: &[(&str, Stage)] = &[(
    "RewriteLocalVars",
    stage("InjectTestCaseFunc", resolve::test_rules::mark_cases),
)];

/// The stages over a query, in OPA's order.
pub const QUERY_STAGES: &[QueryStage] = &[
    query_stage(
        "CheckKeywordOverrides",
        check::names::keyword_overrides_in_query,
    ),
    query_stage("ResolveRefs", |state, query| {
        resolve::refs::run_query(state, query);
        Vec::new()
    }),
    query_stage("RewriteToCaptureValue", |state, query| {
        if !query.bindings_only {
            resolve::capture::run(state, query);
        }
        Vec::new()
    }),
    query_stage("RewriteLocalVars", resolve::local_vars::run_query),
    query_stage("RewriteTemplateStrings", |state, query| {
        resolve::template_strings::run_query(state, query)
    }),
    query_stage("CheckVoidCalls", |state, query| {
        resolve::void_calls::run_query(state, query)
    }),
    query_stage("RewritePrintCalls", |state, query| {
        resolve::print_calls::run_query(state, query)
    }),
    query_stage("RewriteExprTerms", |_, query| {
        resolve::expr_terms::run_query(query);
        Vec::new()
    }),
    query_stage("RewriteComprehensionTerms", |_, query| {
        resolve::comprehension_terms::run_query(query);
        Vec::new()
    }),
    query_stage("RewriteWithValues", |state, query| {
        resolve::with_values::run_query(state, query)
    }),
    query_stage("CheckUndefinedFuncs", check::undefined_functions::run_query),
    query_stage("CheckSafety", check::safety::run_query),
    query_stage("RewriteDynamicTerms", |_, query| {
        resolve::dynamic_terms::run_query(query);
        Vec::new()
    }),
    query_stage("CheckTypes", check::types::run_query),
    query_stage(
        "CheckUnsafeBuiltins",
        check::builtin_use::unsafe_builtins_in_query,
    ),
    query_stage(
        "CheckDeprecatedBuiltins",
        check::builtin_use::deprecated_builtins_in_query,
    ),
];

/// What a module tells the stages before they look at it.
#[derive(Default)]
struct Telling {
    generated: Vec<Name>,
    mentions: Mentions,
}

impl Telling {
    fn node(&mut self, node: Node<'_>) {
        match node {
            Node::With(_) => self.mentions.with = true,
            Node::Term(term) => match &term.kind {
                TermKind::Var(name) => self.name(name),
                TermKind::Template(_) => self.mentions.template = true,
                TermKind::ArrayComprehension(_)
                | TermKind::SetComprehension(_)
                | TermKind::ObjectComprehension(_) => self.mentions.comprehension = true,
                _ => {}
            },
            _ => {}
        }
    }

    fn name(&mut self, name: &Name) {
        match &**name {
            "print" => self.mentions.print = true,
            "rego" => self.mentions.metadata = true,
            _ if is_generated(name) => self.generated.push(name.clone()),
            _ => {}
        }
    }

    fn all(&mut self, node: Node<'_>) {
        walk(node, &mut |node| {
            self.node(node);
            false
        });
    }
}

/// Names like `__local0__` that the author wrote are not generated again. Stages pass over modules that have nothing
/// for them.
fn exclude_written_names(state: &mut State<'_>) {
    let telling = parallel::look(state, |_, module, found| {
        let mut telling = Telling::default();
        for rule in &module.rules {
            telling.all(Node::Rule(rule));
            for_each_in_chain(rule, &mut |rule| {
                for term in &rule.head.reference {
                    telling.all(Node::Term(term));
                }
            });
        }
        found.push(telling);
    });
    for telling in telling {
        state.mentions.push(telling.mentions);
        state.locals.exclude(telling.generated);
    }
}

/// Runs all stages over the modules; stops after the stage that finds an error.
pub fn run(state: &mut State<'_>, stage_done: StageDone<'_>) {
    for stage in STAGES {
        (stage.run)(state);
        ended(stage_done, stage.name, false);
        if state.stopped {
            return;
        }
        for (_, added) in TEST_STAGES.iter().filter(|(after, _)| *after == stage.name) {
            (added.run)(state);
        }
    }
}

fn ended(stage_done: StageDone<'_>, name: &'static str, of_query: bool) {
    if let Some(done) = stage_done {
        done(name, of_query);
    }
}

/// Runs all stages over a query, after those over the modules.
pub fn run_query(
    state: &mut State<'_>,
    query: &mut Query,
    stage_done: StageDone<'_>,
) -> Result<(), Vec<Diagnostic>> {
    let mut telling = Telling::default();
    telling.all(Node::Body(&query.body));
    query.locals.exclude(telling.generated);
    for stage in QUERY_STAGES {
        let mut errors = (stage.run)(state, query);
        ended(stage_done, stage.name, true);
        if errors.is_empty() {
            continue;
        }
        let limit = state.options.error_limit;
        if limit > 0 && errors.len() > limit {
            errors.truncate(limit);
            errors.push(limit_reached());
        }
        return Err(errors);
    }
    resolve::capture::set_answer(query);
    Ok(())
}
