//! SARIF 2.1.0: a run with a rule for each kind of result of a namespace.

use std::io::{self, Write};

use regovm_config::Place;
use serde_json::{Map, Value, json};

use super::Shown;
use crate::command::scan::findings::Finding;
use crate::render::go_json;

const SCHEMA: &str = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/main/sarif-2.1/schema/sarif-schema-2.1.0.json";

/// What is said of inputs in which nothing failed.
const PASSED: &str = "Policy was satisfied successfully";
/// What is said of inputs that no rule was asked about.
const SKIPPED: &str = "Policy check was skipped";

#[derive(Default)]
struct Run {
    rules: Vec<Value>,
    ids: Vec<String>,
    results: Vec<Value>,
    notifications: Vec<Value>,
}

/// A kind of result.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    level: &'static str,
    about: &'static str,
}

const DENY: Kind = kind("deny", "error", "Policy violation");
const WARN: Kind = kind("warn", "warning", "Policy warning");
const ALLOW: Kind = kind("allow", "note", "Policy exception");
const SUCCESS: Kind = kind("success", "none", PASSED);
const SKIP: Kind = kind("skip", "none", SKIPPED);

const fn kind(name: &'static str, level: &'static str, about: &'static str) -> Kind {
    Kind { name, level, about }
}

pub fn write(out: &mut impl Write, shown: &Shown<'_>) -> io::Result<()> {
    let mut run = Run::default();
    for result in shown.results {
        let kinds = [
            (DENY, &result.failures),
            (WARN, &result.warnings),
            (ALLOW, &result.exceptions),
        ];
        for (kind, findings) in kinds {
            for finding in findings {
                run.add(kind, &result.namespace, &result.file, finding);
            }
        }
        for error in &result.errors {
            run.notify(
                &result.file,
                error.place,
                &format!("{}: {}", result.namespace, error.message),
            );
        }
        if !result.failures.is_empty() || !result.warnings.is_empty() || !result.errors.is_empty() {
            continue;
        }
        let kind = match result.successes > 0 || !result.exceptions.is_empty() {
            true => SUCCESS,
            false => SKIP,
        };
        let finding = Finding {
            message: kind.about.to_owned(),
            metadata: Map::from_iter([("description".to_owned(), kind.about.into())]),
            ..Finding::default()
        };
        run.add(kind, &result.namespace, &result.file, &finding);
    }
    for trouble in shown.troubles {
        run.notify(&trouble.file, trouble.place, &trouble.message);
    }
    write!(out, "{}", go_json::compact(&run.finish(shown)))
}

impl Run {
    fn add(&mut self, kind: Kind, namespace: &str, file: &str, finding: &Finding) {
        let id = format!("{namespace}/{}", kind.name);
        let index = match self.ids.iter().position(|known| *known == id) {
            Some(index) => index,
            None => {
                let mut rule = json!({"id": id, "shortDescription": {"text": kind.about}});
                if !finding.metadata.is_empty() {
                    rule["properties"] = finding.metadata.clone().into();
                }
                self.rules.push(rule);
                self.ids.push(id.clone());
                self.rules.len() - 1
            }
        };
        let place = finding.place();
        let file = place.map_or(file, |(file, _, _)| file);
        let (line, column) = place.map_or((None, None), |(_, line, column)| (line, column));
        self.results.push(json!({
            "ruleId": id,
            "ruleIndex": index,
            "level": kind.level,
            "message": {"text": finding.message},
            "locations": [location(file, line, column)],
        }));
    }

    fn notify(&mut self, file: &str, place: Option<(usize, usize)>, message: &str) {
        let place = place.map(|(line, column)| Place { line, column });
        let line = place.map(|place| place.line as u64);
        let column = place.map(|place| place.column as u64);
        self.notifications.push(json!({
            "level": "error",
            "message": {"text": message},
            "locations": [location(file, line, column)],
        }));
    }

    fn finish(self, shown: &Shown<'_>) -> Value {
        let totals = shown.totals();
        let described = if totals.failures > 0 {
            "Policy violations found"
        } else if totals.warnings > 0 {
            "Policy warnings found"
        } else {
            "No policy violations found"
        };
        let mut invocation = json!({
            "executionSuccessful": self.notifications.is_empty(),
            // What --fail-on-warn and --no-fail make of it is no matter of the results.
            "exitCode": match self.notifications.is_empty() {
                true => u8::from(totals.failures > 0),
                false => shown.status,
            },
            "exitCodeDescription": described,
        });
        if !self.notifications.is_empty() {
            invocation["toolExecutionNotifications"] = self.notifications.into();
        }
        let mut driver = json!({
            "informationUri": env!("CARGO_PKG_REPOSITORY"),
            "name": "regovm",
        });
        if !self.rules.is_empty() {
            driver["rules"] = self.rules.into();
        }
        driver["version"] = env!("CARGO_PKG_VERSION").into();
        json!({
            "version": "2.1.0",
            "$schema": SCHEMA,
            "runs": [{
                "tool": {"driver": driver},
                "invocations": [invocation],
                "results": self.results,
            }],
        })
    }
}

fn location(file: &str, line: Option<u64>, column: Option<u64>) -> Value {
    let mut physical = json!({"artifactLocation": {"uri": uri(file)}});
    if let Some(line) = line {
        physical["region"] = match column {
            Some(column) => json!({"startLine": line, "startColumn": column, "endLine": line}),
            None => json!({"startLine": line, "endLine": line}),
        };
    }
    json!({"physicalLocation": physical})
}

/// A path as the path of a URI.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => uri.push(char::from(byte)),
            _ if b"-_.~$&+,/:;=@".contains(&byte) => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_become_uris() {
        assert_eq!(super::uri("a b?é/x.yaml"), "a%20b%3F%C3%A9/x.yaml");
    }
}
