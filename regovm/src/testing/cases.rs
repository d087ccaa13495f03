//! The named cases of a test: what its value says of them, and those that never became part of it.

use std::collections::BTreeMap;

use serde_json::Value;

/// Cases by name.
pub type Cases = BTreeMap<String, CaseResult>;

/// What became of a case.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct CaseResult {
    /// Its key; a key that is no string as JSON.
    pub name: String,
    /// It, or a case below it, did not hold.
    pub failed: bool,
    /// The cases below it, for a test with several keys.
    pub cases: Cases,
    /// How many cases of the test had begun when it did, itself included; 0 if it never said so.
    pub begun: usize,
}

impl CaseResult {
    /// Calls `f` with each case below some, parents first, with the names that lead to it.
    pub fn each<'c>(cases: &'c Cases, f: &mut dyn FnMut(&[&'c str], &'c CaseResult)) {
        fn go<'c>(
            cases: &'c Cases,
            path: &mut Vec<&'c str>,
            f: &mut dyn FnMut(&[&'c str], &'c CaseResult),
        ) {
            for (name, case) in cases {
                path.push(name);
                f(path, case);
                go(&case.cases, path, f);
                path.pop();
            }
        }
        go(cases, &mut Vec::new(), f);
    }
}

/// The cases of a test with the value `value`, in which the cases `begun` began. Says too whether one failed.
pub(super) fn results(value: &Value, begun: &[Vec<String>]) -> (bool, Cases) {
    let (mut failed, mut cases) = of_value(value);
    for (i, path) in begun.iter().enumerate() {
        failed |= note(&mut cases, path, i + 1);
    }
    (failed, cases)
}

fn of_value(value: &Value) -> (bool, Cases) {
    match value {
        Value::Null => (true, Cases::new()),
        Value::Object(members) => {
            let cases: Cases = members
                .iter()
                .map(|(name, value)| (name.clone(), case(name, value)))
                .collect();
            (cases.values().any(|case| case.failed), cases)
        }
        _ => (false, Cases::new()),
    }
}

fn case(name: &str, value: &Value) -> CaseResult {
    // A case that is null neither fails nor has a name; so it is in OPA.
    if value.is_null() {
        return CaseResult::default();
    }
    let (failed, cases) = match value {
        Value::Object(_) => of_value(value),
        Value::Bool(holds) => (!holds, Cases::new()),
        _ => (true, Cases::new()),
    };
    CaseResult {
        name: name.to_owned(),
        failed,
        cases,
        begun: 0,
    }
}

/// A case that began: if it is not known it did not hold. True if it failed.
fn note(cases: &mut Cases, path: &[String], begun: usize) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return true;
    };
    let case = cases.entry(first.clone()).or_insert_with(|| CaseResult {
        name: first.clone(),
        failed: true,
        ..CaseResult::default()
    });
    if rest.is_empty() {
        case.begun = begun;
        return case.failed;
    }
    let failed = note(&mut case.cases, rest, begun);
    case.failed |= failed;
    failed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn cases_that_began_and_gave_nothing_failed() {
        let begun = [path(&["a", "1"]), path(&["a", "2"]), path(&["b", "1"])];
        let (failed, cases) = results(&json!({"a": {"1": true}}), &begun);
        assert!(failed);
        let mut seen = Vec::new();
        CaseResult::each(&cases, &mut |path, case| {
            seen.push(format!("{} {} {}", path.join("/"), case.failed, case.begun));
        });
        assert_eq!(
            seen,
            [
                "a true 0",
                "a/1 false 1",
                "a/2 true 2",
                "b true 0",
                "b/1 true 3"
            ]
        );
    }

    #[test]
    fn values_tell_what_holds() {
        let (failed, cases) = results(&json!({"a": true, "b": null}), &[]);
        assert!(!failed && !cases["a"].failed && cases["b"].name.is_empty());
        assert!(results(&json!({"a": 1}), &[]).0);
        assert!(results(&json!({"a": false}), &[]).0);
        assert!(!results(&json!({}), &[]).0);
    }
}
