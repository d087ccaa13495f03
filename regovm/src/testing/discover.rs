//! Finds tests in modules and compiles a query for each.

use std::collections::HashMap;

use regovm_compiler::front::sort_modules;
use regovm_compiler::resolve::is_scalar;
use regovm_compiler::resolve::test_rules::{TEST_PREFIX, TODO_PREFIX, is_test_name, test_name};
use regovm_compiler::state::full_ref;
use regovm_core::host::Host;
use regovm_parser::ast::{Head, Module, Name, Term, TermKind};
use regovm_parser::print;

use super::{Test, TestOptions, TestSuite, Traced, Watched};
use crate::engine::{Engine, QueryContext};
use crate::observe::{Observe, UncoveredKind, Wanted, traceback};
use crate::policy::PreparedPolicy;
use crate::report::{Failure, Stage};
use crate::session::Session;

impl Engine {
    /// Compiles everything for the tests in the policies: rules named `test_*` and `todo_test_*`.
    pub fn prepare_tests(&self, options: &TestOptions) -> Result<TestSuite, Failure> {
        let mut filter = options.run.as_deref().map(Filter::new).transpose()?;
        let mut tests = Vec::new();
        let mut queries = Vec::new();
        let mut wanted = |name: &str| match &mut filter {
            Some(filter) => filter.matches(name),
            None => Ok(true),
        };
        let mut modules = self.modules().to_vec();
        sort_modules(self.sources(), &mut modules);
        number_repeated(&mut modules);
        for module in &modules {
            for rule in &module.rules {
                let (name, length) = test_name(&rule.head);
                if !is_test_name(name) {
                    continue;
                }
                let path = &rule.head.reference[..length];
                let query = print::reference(&full_ref(&module.package.path, path));
                if !wanted(&query)? {
                    continue;
                }
                tests.push(Test {
                    package: print::reference(&module.package.path),
                    name: print::reference(path),
                    location: self.sources().locate(rule.span),
                    skipped: name.starts_with(TODO_PREFIX),
                    has_cases: is_object(&rule.head),
                    query: Ok(queries.len()),
                    text: query.clone(),
                });
                queries.push(query);
            }
        }
        let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
        let prepared = self.prepare_test_queries(modules.clone(), &queries, false, None)?;
        let watch = |observe: Observe| {
            let named = options.name_operands && observe.values;
            self.prepare_test_queries(modules.clone(), &queries, named, Some(observe))
                .map(|prepared| prepared.policy)
        };
        let watched = watched(options, &watch)?;
        // The queries behind one that is refused move up.
        let mut next = 0;
        let mut refused = prepared.refused.into_iter().peekable();
        for (i, test) in tests.iter_mut().enumerate() {
            test.query = match refused.next_if(|(query, _)| *query == i) {
                Some((_, failure)) => Err(failure),
                None => {
                    next += 1;
                    Ok(next - 1)
                }
            };
        }
        Ok(TestSuite {
            policy: prepared.policy,
            tests: tests.into(),
            traced: options.trace,
            watched: watched.into(),
            modules: modules.into(),
            sources: self.sources().clone(),
        })
    }
}

impl TestSuite {
    /// Adds to the error of a test what was under way when it arose; see [`Engine::trace_back`]. `engine` is the one that
    /// prepared the tests.
    pub fn trace_back(
        &self,
        engine: &Engine,
        test: &Test,
        failure: Failure,
        host: Box<dyn Host + Send>,
    ) -> Failure {
        let observe = Observe {
            values: true,
            ..Observe::default()
        };
        let modules = || self.modules.to_vec();
        let mut prepare = || {
            let prepared =
                engine.prepare_test_queries(modules(), &[&test.text], false, Some(observe));
            prepared.ok().map(|prepared| prepared.policy)
        };
        let mut host = Some(host);
        traceback::trace_back(failure, &mut prepare, &mut |session| {
            if let Some(host) = host.take() {
                session.set_host(host);
            }
            session.eval_without_input(0).map(drop)
        })
    }
}

/// The policies with which traces and coverage are recorded.
fn watched(
    options: &TestOptions,
    watch: &dyn Fn(Observe) -> Result<PreparedPolicy, Failure>,
) -> Result<Vec<Watched>, Failure> {
    let mut list = Vec::new();
    if options.trace != Traced::None {
        list.push(Watched {
            policy: watch(Observe {
                values: true,
                ..Observe::default()
            })?,
            wanted: Wanted {
                trace: true,
                ..Wanted::default()
            },
            kind: None,
        });
    }
    let Some(kinds) = &options.coverage else {
        return Ok(list);
    };
    for kind in std::iter::once(None).chain(kinds.iter().copied().map(Some)) {
        list.push(Watched {
            policy: watch(Observe {
                values: false,
                indexing: kind != Some(UncoveredKind::IndexExcluded),
                early_exit: kind != Some(UncoveredKind::EarlyExit),
            })?,
            wanted: Wanted {
                coverage: true,
                ..Wanted::default()
            },
            kind,
        });
    }
    Ok(list)
}

/// True for rules that make an object with a member for each of their results.
fn is_object(head: &Head) -> bool {
    match (&head.key, &head.value) {
        (Some(_), value) => value.is_some(),
        (None, _) => !head.reference[1..].iter().all(is_scalar),
    }
}

/// Rules that repeat the name of a test are tests of their own: `test_a`, `test_a#01`, `test_a#02`.
fn number_repeated(modules: &mut [Module]) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for module in modules {
        for rule in &mut module.rules {
            let (name, length) = test_name(&rule.head);
            if !name.starts_with(TEST_PREFIX) {
                continue;
            }
            let path = full_ref(&module.package.path, &rule.head.reference[..length]);
            let count = counts.entry(print::reference(&path)).or_insert(0);
            if *count > 0 {
                let name: Name = format!("{name}#{count:02}").into();
                rename(&mut rule.head, length - 1, name);
            }
            *count += 1;
        }
    }
}

fn rename(head: &mut Head, at: usize, name: Name) {
    let term: &mut Term = &mut head.reference[at];
    if at == 0 {
        head.name = name.clone();
        term.kind = TermKind::Var(name);
    } else {
        term.kind = TermKind::String(name);
    }
}

/// A regular expression over names.
struct Filter {
    session: Session,
    pattern: String,
}

impl Filter {
    fn new(pattern: &str) -> Result<Filter, Failure> {
        // The built-in knows Go's syntax; nobody else here does.
        let policy = Engine::new().prepare_with(
            &["regex.match(input[0], input[1])"],
            &QueryContext::default(),
        )?;
        let mut session = policy.session();
        session.set_strict_builtin_errors(true);
        Ok(Filter {
            session,
            pattern: pattern.to_owned(),
        })
    }

    fn matches(&mut self, name: &str) -> Result<bool, Failure> {
        let input = serde_json::json!([self.pattern, name]);
        match self.session.eval_value(&input) {
            Ok(answer) => Ok(answer.value() == Some(serde_json::Value::Bool(true))),
            Err(failure) => {
                let text = failure.errors.first().map_or("", |error| &error.message);
                let text = text.strip_prefix("regex.match: ").unwrap_or(text);
                Err(Failure::message(Stage::Compile, text))
            }
        }
    }
}
