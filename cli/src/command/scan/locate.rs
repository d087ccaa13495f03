//! Where in an input a result is.
//!
//! Places are found by what the policy says, never guessed. A result says where it is with a member of its object:
//!
//! - `_path`: the way to the value, as an array (`["spec", "containers", 0]`), a JSON pointer (`/spec/containers/0`) or
//!   a reference (`spec.containers[0]`, with or without `input.` in front). If it leads nowhere, the nearest value around
//!   counts, so that what is missing is shown where it should be.
//! - `path`, `pointer` and `field`, written in the same way; at most the last step may be missing, since policies use
//!   these names for other things too.
//! - `address`, `resource_address` and `resource`: a resource of a Terraform plan (the only element of `resource_changes`
//!   with this `address`) or file (its block).
//!
//! The first that leads somewhere counts.

use regovm_config::{Format, Place, Step};
use serde_json::{Map, Value};

/// Paths have no more steps than this.
const MAX_STEPS: usize = 64;

/// The members that hold paths, after `_path`.
const PATHS: [&str; 3] = ["path", "pointer", "field"];

/// The members that hold addresses of resources.
const ADDRESSES: [&str; 3] = ["address", "resource_address", "resource"];

/// The paths that a result's object names, the best first.
pub fn candidates(metadata: &Map<String, Value>, format: Option<Format>) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    if let Some(path) = metadata.get("_path").and_then(steps) {
        for length in (1..=path.len()).rev() {
            found.push(path[..length].to_vec());
        }
    }
    for path in PATHS.iter().filter_map(|name| steps(metadata.get(*name)?)) {
        if path.len() > 1 {
            let around = path[..path.len() - 1].to_vec();
            found.extend([path, around]);
        } else {
            found.push(path);
        }
    }
    let addresses = ADDRESSES
        .iter()
        .filter_map(|name| metadata.get(*name)?.as_str());
    for address in addresses {
        match format {
            Some(Format::Hcl2) => found.extend(block(address)),
            _ => found.push(vec![
                Step::name("resource_changes"),
                Step::Where("address".to_owned(), address.to_owned()),
            ]),
        }
    }
    found
}

/// A path; nothing if the value is none, or the way to the whole input.
fn steps(value: &Value) -> Option<Vec<Step>> {
    let steps = match value {
        Value::Array(list) => list.iter().map(step).collect::<Option<Vec<_>>>()?,
        Value::String(text) => match text.strip_prefix('/') {
            Some(pointer) => pointer.split('/').map(unescaped).map(Step::Name).collect(),
            None => reference(text)?,
        },
        _ => return None,
    };
    (!steps.is_empty() && steps.len() <= MAX_STEPS).then_some(steps)
}

fn step(value: &Value) -> Option<Step> {
    match value {
        Value::String(name) => Some(Step::name(name)),
        Value::Number(number) => Some(Step::Index(number.as_u64()? as usize)),
        _ => None,
    }
}

/// A step of a JSON pointer.
fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// `a.b[0]["c"]`
fn reference(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = text;
    let mut needs_name = true;
    while !rest.is_empty() {
        if let Some(bracket) = rest.strip_prefix('[') {
            let (step, behind) = in_brackets(bracket)?;
            steps.push(step);
            rest = behind;
            needs_name = false;
            continue;
        }
        if !needs_name {
            rest = rest.strip_prefix('.')?;
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        if name.is_empty() || name.contains(char::is_whitespace) {
            return None;
        }
        steps.push(Step::name(name));
        rest = behind;
        needs_name = false;
    }
    if text.starts_with("input.") || text.starts_with("input[") {
        steps.remove(0);
    }
    Some(steps)
}

fn in_brackets(text: &str) -> Option<(Step, &str)> {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            let (name, behind) = quoted.split_once(quote)?;
            return Some((Step::name(name), behind.strip_prefix(']')?));
        }
    }
    let (number, behind) = text.split_once(']')?;
    Some((Step::Index(number.parse().ok()?), behind))
}

/// The block of a resource: `type.name`, `data.type.name`, `module.name`.
fn block(address: &str) -> Option<Vec<Step>> {
    let parts: Vec<&str> = address.split('.').collect();
    let names = match parts[..] {
        ["module", name] => vec!["module", name],
        ["data", kind, name] => vec!["data", kind, name],
        [kind, name] => vec!["resource", kind, name],
        _ => return None,
    };
    let mut steps: Vec<Step> = names.into_iter().map(Step::name).collect();
    steps.push(Step::Index(0));
    Some(steps)
}

/// For each result its document and candidates: the place of the first that leads somewhere.
pub fn places(
    format: Format,
    text: &[u8],
    results: &[(usize, Vec<Vec<Step>>)],
) -> Vec<Option<Place>> {
    let wanted: Vec<(usize, &[Step])> = results
        .iter()
        .flat_map(|(document, paths)| paths.iter().map(|path| (*document, path.as_slice())))
        .collect();
    if wanted.is_empty() {
        return vec![None; results.len()];
    }
    let mut found = regovm_config::places(format, text, &wanted).into_iter();
    results
        .iter()
        .map(|(_, paths)| {
            let places: Vec<_> = found.by_ref().take(paths.len()).collect();
            places.into_iter().flatten().next()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: Value) -> Vec<Vec<Step>> {
        candidates(value.as_object().unwrap(), Some(Format::Json))
    }

    #[test]
    fn paths_are_arrays_pointers_and_references() {
        let path = vec![Step::name("a"), Step::name("b c"), Step::Index(0)];
        let around = path[..2].to_vec();
        let all = vec![path.clone(), around.clone()];
        assert_eq!(of(json!({"path": ["a", "b c", 0]})), all);
        assert_eq!(of(json!({"field": "a[\"b c\"][0]"})), all);
        assert_eq!(of(json!({"field": "input.a['b c'][0]"})), all);
        let pointer = vec![Step::name("a/b"), Step::name("0")];
        assert_eq!(of(json!({"pointer": "/a~1b/0"}))[0], pointer);
        assert_eq!(
            of(json!({"_path": ["a", "b c", 0]})),
            [path, around, vec![Step::name("a")]]
        );
    }

    #[test]
    fn what_is_no_path_is_none() {
        for other in [
            json!({"path": "a sentence with words"}),
            json!({"path": "a..b"}),
            json!({"path": "a[x]"}),
            json!({"path": ["a", -1]}),
            json!({"path": ["a", true]}),
            json!({"path": {}}),
            json!({"path": []}),
            json!({"path": "input."}),
            json!({"other": "a.b"}),
        ] {
            assert_eq!(of(other.clone()), Vec::<Vec<Step>>::new(), "{other}");
        }
    }

    #[test]
    fn addresses_are_resources() {
        let address = json!({"address": "aws_s3_bucket.a"});
        assert_eq!(
            of(address.clone()),
            [[
                Step::name("resource_changes"),
                Step::Where("address".to_owned(), "aws_s3_bucket.a".to_owned())
            ]]
        );
        let in_file = candidates(address.as_object().unwrap(), Some(Format::Hcl2));
        let names = ["resource", "aws_s3_bucket", "a"].map(Step::name);
        assert_eq!(in_file[0][..3], names);
    }
}
