//! What is asked: the rules of each namespace, as queries.

use std::borrow::Cow;
use std::collections::BTreeSet;

use regovm::{Engine, Failure, ModuleOutline, PreparedPolicy, QueryContext, Stage};

use super::settings::Settings;

/// What a rule that has results means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// `deny`, `violation`.
    Failure,
    /// `warn`.
    Warning,
}

/// A rule that is asked.
#[derive(Debug)]
pub struct Rule {
    /// What its results mean.
    pub severity: Severity,
    name: String,
    /// Its name without `deny_` and its like: what exceptions name.
    suffix: String,
}

impl Rule {
    /// The text of its query, as conftest writes it.
    pub fn query(&self, namespace: &str) -> String {
        format!("data.{namespace}.{}", self.name)
    }

    /// The text of the query for exceptions from it, as conftest writes it.
    pub fn exception(&self, namespace: &str) -> String {
        format!("data.{namespace}.exception[_][_] == {:?}", self.suffix)
    }
}

/// A package whose rules are asked.
#[derive(Debug)]
pub struct Namespace {
    /// Its name in results.
    pub name: String,
    /// Its rules.
    pub rules: Vec<Rule>,
    /// How many bodies and defaults they have: what has no result counts as passed.
    pub bodies: usize,
    /// It only warns if it cannot be decided.
    pub fail_open: bool,
    /// Number of its query; of its first, if its rules are asked one by one.
    query: usize,
}

/// Namespaces, and a policy with the queries that ask their rules.
pub struct Plan {
    /// In the order in which results are reported.
    pub namespaces: Vec<Namespace>,
    /// The compiled queries.
    pub policy: PreparedPolicy,
    /// Rules are asked one by one, so that what they print and their traces are those of conftest. Then each rule has two
    /// queries, and each solution counts.
    pub one_by_one: bool,
    /// What to say because nothing is asked: a check that checks nothing must not pass unnoticed.
    pub nothing_asked: Option<String>,
}

impl Plan {
    /// Compiles the policies of an engine; with `one_by_one`, one query for each rule.
    pub fn new(
        engine: &Engine,
        settings: &Settings,
        fail_open: &[String],
        one_by_one: bool,
    ) -> Result<Plan, Failure> {
        let modules = engine.outline()?;
        let names =
            names(&modules, settings).map_err(|message| Failure::message(Stage::Load, message))?;
        let open = patterns(fail_open).map_err(|message| Failure::message(Stage::Load, message))?;
        let mut namespaces: Vec<Namespace> = names
            .iter()
            .map(|name| namespace(name, &modules, open.iter().any(|open| open.matches(name))))
            .collect();
        let mut queries = Vec::new();
        if one_by_one {
            for namespace in &mut namespaces {
                let package = package(&namespace.name, &modules);
                namespace.query = queries.len();
                for rule in &namespace.rules {
                    queries.push(exceptions(&package, rule));
                    queries.push(format!("{package}.{}", rule.name));
                }
            }
        } else {
            let texts: Vec<String> = namespaces
                .iter()
                .map(|namespace| {
                    let package = package(&namespace.name, &modules);
                    let rules = namespace.rules.iter();
                    let parts = rules
                        .flat_map(|rule| [exception_of(&package, rule), value_of(&package, rule)]);
                    parts.collect::<Vec<_>>().join("; ")
                })
                .collect();
            // The first query asks all that there is: an input is read once for all namespaces.
            let all: Vec<&str> = texts
                .iter()
                .map(String::as_str)
                .filter(|text| !text.is_empty())
                .collect();
            queries.push(match all.is_empty() {
                true => "true".to_owned(),
                false => all.join("; "),
            });
            for (namespace, text) in namespaces.iter_mut().zip(&texts) {
                namespace.query = queries.len();
                queries.push(if text.is_empty() {
                    "true".to_owned()
                } else {
                    text.clone()
                });
            }
        }
        if queries.is_empty() {
            queries.push("true".to_owned());
        }
        let texts: Vec<&str> = queries.iter().map(String::as_str).collect();
        let policy = engine.prepare_with(&texts, &QueryContext::default())?;
        Ok(Plan {
            nothing_asked: nothing_asked(&namespaces, &modules),
            namespaces,
            policy,
            one_by_one,
        })
    }

    /// The queries that ask a namespace and no other.
    pub fn alone(&self, namespace: usize) -> Vec<usize> {
        let it = &self.namespaces[namespace];
        match self.one_by_one {
            true => (it.query..it.query + 2 * it.rules.len()).collect(),
            false if it.rules.is_empty() => Vec::new(),
            false => vec![it.query],
        }
    }

    /// The query that asks all namespaces at once.
    pub fn together(&self) -> Option<usize> {
        let asked = self.namespaces.iter().filter(|it| !it.rules.is_empty());
        (!self.one_by_one && asked.count() > 1).then_some(0)
    }
}

fn nothing_asked(namespaces: &[Namespace], modules: &[ModuleOutline]) -> Option<String> {
    if namespaces.iter().any(|asked| !asked.rules.is_empty()) {
        return None;
    }
    let has_rules = |module: &&ModuleOutline| {
        let mut names = module.rules.iter().filter_map(|rule| rule.name.as_deref());
        names.any(is_asked)
    };
    let others: BTreeSet<&str> = modules.iter().filter(has_rules).map(name_of).collect();
    let others: Vec<&str> = others.into_iter().collect();
    let asked: Vec<&str> = namespaces.iter().map(|asked| asked.name.as_str()).collect();
    let asked = match asked.is_empty() {
        true => "no rule is checked: no package has a name that is asked for".to_owned(),
        false => format!(
            "no rule is checked: there is no deny, violation or warn in package {}",
            asked.join(", ")
        ),
    };
    Some(match &others[..] {
        [] => asked,
        others => format!(
            "{asked}, but in {}: name packages with --namespace, or ask them all with --all-namespaces",
            others.join(", ")
        ),
    })
}

/// The name of a package in results: without `data.` in front.
fn name_of(module: &ModuleOutline) -> &str {
    let package = module.package.as_str();
    package.strip_prefix("data.").unwrap_or(package)
}

/// The namespaces that are asked, in order.
fn names(modules: &[ModuleOutline], settings: &Settings) -> Result<Vec<String>, String> {
    let mut all: Vec<String> = Vec::new();
    for module in modules {
        let name = name_of(module);
        if !all.iter().any(|known| known == name) {
            all.push(name.to_owned());
        }
    }
    if settings.all_namespaces {
        return Ok(all);
    }
    let named = &settings.namespaces;
    if !named.iter().any(|name| name.contains(['*', '?', '['])) {
        return Ok(named.clone());
    }
    let patterns = patterns(named)?;
    all.retain(|name| patterns.iter().any(|pattern| pattern.matches(name)));
    Ok(all)
}

fn patterns(texts: &[String]) -> Result<Vec<glob::Pattern>, String> {
    let pattern = |text: &String| {
        // Go negates sets with ^.
        glob::Pattern::new(&text.replace("[^", "[!"))
            .map_err(|error| format!("filter namespaces: match pattern {text:?}: {error}"))
    };
    texts.iter().map(pattern).collect()
}

fn namespace(name: &str, modules: &[ModuleOutline], fail_open: bool) -> Namespace {
    let mut found = Namespace {
        name: name.to_owned(),
        rules: Vec::new(),
        bodies: 0,
        fail_open,
        query: 0,
    };
    let rules = modules
        .iter()
        .filter(|module| name_of(module) == name)
        .flat_map(|module| &module.rules);
    for rule in rules.filter_map(|rule| rule.name.as_deref()) {
        let Some((severity, suffix)) = severity(rule) else {
            continue;
        };
        found.bodies += 1;
        if !found.rules.iter().any(|known| known.name == rule) {
            found.rules.push(Rule {
                severity,
                name: rule.to_owned(),
                suffix: suffix.to_owned(),
            });
        }
    }
    found
}

/// What a rule of this name means, and the name without its first word; none if it is not asked.
fn severity(rule: &str) -> Option<(Severity, &str)> {
    let (severity, rest) = [
        ("deny", Severity::Failure),
        ("violation", Severity::Failure),
        ("warn", Severity::Warning),
    ]
    .into_iter()
    .find_map(|(word, severity)| Some((severity, rule.strip_prefix(word)?)))?;
    let Some(suffix) = rest.strip_prefix('_') else {
        return rest.is_empty().then_some((severity, ""));
    };
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric());
    suffix.split('_').all(is_word).then_some((severity, suffix))
}

/// Whether rules of this name are asked.
pub fn is_asked(rule: &str) -> bool {
    severity(rule).is_some()
}

/// The package as a reference: one that cannot be written after a dot is not what its name in results says.
fn package<'m>(name: &'m str, modules: &'m [ModuleOutline]) -> Cow<'m, str> {
    let known = modules.iter().find(|module| name_of(module) == name);
    match known {
        Some(module) => module.package.as_str().into(),
        None => format!("data.{name}").into(),
    }
}

/// The value of a rule, in an array that is empty if it has none: so the other rules have their turn.
fn value_of(package: &str, rule: &Rule) -> String {
    format!("[v | v := {package}.{}]", rule.name)
}

/// As many elements as there are exceptions from a rule.
fn exception_of(package: &str, rule: &Rule) -> String {
    format!("[1 | {}]", exceptions(package, rule))
}

/// Holds for each exception from a rule.
fn exceptions(package: &str, rule: &Rule) -> String {
    format!("{package}.exception[_][_] == {:?}", rule.suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_known_by_their_names() {
        assert_eq!(severity("deny"), Some((Severity::Failure, "")));
        assert_eq!(
            severity("violation_a_b1"),
            Some((Severity::Failure, "a_b1"))
        );
        assert_eq!(severity("warn_x"), Some((Severity::Warning, "x")));
        for other in [
            "denied",
            "deny_",
            "warn_a__b",
            "warnings",
            "allow",
            "deny_ä",
        ] {
            assert_eq!(severity(other), None, "{other}");
        }
    }
}
