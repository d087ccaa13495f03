//! What somebody would write by hand in Rust, over the document that regovm reads: loops, and hash maps for joins.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use regovm::internals::core::json;
use regovm::internals::core::value::{Frozen, Value, View};
use serde_json::json;

use super::{Job, Report, peak, times};
use crate::Error;

type Twin = for<'a> fn(Value<'a>) -> BTreeSet<String>;

/// The twins of policies, by the name of the policy.
const TWINS: &[(&str, Twin)] = &[
    ("linear", |input| linear(input, false)),
    ("linear, few findings", |input| linear(input, true)),
    ("self join", self_join),
    ("join in a function", in_function),
    ("negated existence", negated),
    ("comprehension for each", comprehension),
    ("join on two keys", two_keys),
];

pub fn run(job: &Job) -> Result<Report, Error> {
    let name = job.native.as_deref().unwrap_or_default();
    let (_, twin) = TWINS
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or("nobody wrote this by hand")?;
    let bytes: &'static [u8] = std::fs::read(job.input.as_ref().ok_or("no input")?)?.leak();
    let read_it = || {
        Frozen::build(|arena| {
            json::read(bytes, arena, json::ReadOptions::default())
                .unwrap_or_else(|_| arena.object_from([]))
        })
    };
    let start = Instant::now();
    let document = read_it();
    let read = start.elapsed();
    let evaluate = times(job.runs, || {
        std::hint::black_box(twin(document.root()));
        Ok(())
    })?;
    let peak = peak();
    let bytes = times(job.runs_from_bytes(), || {
        std::hint::black_box(twin(read_it().root()));
        Ok(())
    })?;
    Ok(Report {
        read: vec![read],
        evaluate,
        bytes,
        answer: json!(twin(document.root())),
        peak,
        ..Report::default()
    })
}

fn changes(input: Value<'_>) -> &[Value<'_>] {
    input
        .get_str("resource_changes")
        .and_then(Value::as_array)
        .map_or(&[], |array| array.as_slice())
}

fn text<'a>(value: Value<'a>, key: &str) -> Option<&'a str> {
    value.get_str(key)?.as_str()
}

fn after(change: Value<'_>) -> Option<Value<'_>> {
    change.get_str("change")?.get_str("after")
}

/// True unless it is undefined or false, as a body of Rego sees it.
fn truthy(value: Option<Value<'_>>) -> bool {
    value.is_some_and(|value| !value.is_false())
}

fn acts(change: Value<'_>, wanted: &str) -> bool {
    change
        .get_str("change")
        .and_then(|change| change.get_str("actions")?.as_array())
        .is_some_and(|actions| actions.iter().any(|action| action.as_str() == Some(wanted)))
}

/// Ten rules; `clean`: as `linear_clean.rego` has two of them.
fn linear(input: Value<'_>, clean: bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for change in changes(input).iter().copied() {
        let Some(address) = text(change, "address") else {
            continue;
        };
        let mut deny = |what: &str| found.insert(format!("{address}: {what}"));
        match text(change, "type") {
            Some("aws_s3_bucket") => {
                let versioning = after(change).and_then(|a| a.get_str("versioning"));
                match clean {
                    true if versioning == Some(Value::FALSE) => drop(deny("versioning is off")),
                    false if !truthy(versioning) => drop(deny("no versioning")),
                    _ => {}
                }
            }
            Some("aws_db_instance")
                if after(change).and_then(|a| a.get_str("publicly_accessible"))
                    == Some(Value::TRUE) =>
            {
                deny("public");
            }
            Some("aws_instance")
                if truthy(after(change).and_then(|a| a.get_str("associate_public_ip_address"))) =>
            {
                deny("public ip");
            }
            Some("aws_kms_key")
                if !truthy(after(change).and_then(|a| a.get_str("enable_key_rotation"))) =>
            {
                deny("rotation");
            }
            Some("aws_ebs_volume") if acts(change, "delete") => {
                deny("deleted");
            }
            Some("aws_security_group_rule")
                if after(change)
                    .and_then(|a| a.get_str("cidr_blocks")?.as_array())
                    .is_some_and(|blocks| {
                        blocks
                            .iter()
                            .any(|block| block.as_str() == Some("0.0.0.0/0"))
                    }) =>
            {
                deny("open");
            }
            Some("aws_iam_policy")
                if after(change)
                    .and_then(|a| text(a, "policy"))
                    .is_some_and(|policy| policy.contains("\"*\"")) =>
            {
                deny("star");
            }
            _ => {}
        }
        let (needed, what) = match clean {
            true => ("Environment", "no environment"),
            false => ("Owner", "no owner"),
        };
        let tags = after(change).and_then(|a| a.get_str("tags"));
        if text(change, "mode") == Some("managed")
            && !truthy(tags.and_then(|tags| tags.get_str(needed)))
            && (!clean || truthy(tags))
            && acts(change, "create")
        {
            deny(what);
        }
        if text(change, "name").is_some_and(|name| name.starts_with("tmp")) {
            deny("tmp");
        }
        // Rego orders all values; whatever is no number here is text or more, and larger.
        let large = after(change)
            .and_then(|a| a.get_str("size"))
            .is_some_and(|size| match size.view() {
                View::Null | View::Boolean(_) => false,
                View::Integer(size) => size > 5000,
                View::Number(size) => size.text().parse::<f64>().is_ok_and(|size| size > 5000.0),
                _ => true,
            });
        if large {
            deny("large");
        }
    }
    found
}

/// Resources by the value of a key.
fn by<'a>(input: Value<'a>, keys: &[&str]) -> HashMap<Vec<&'a str>, Vec<&'a str>> {
    let mut groups: HashMap<Vec<&str>, Vec<&str>> = HashMap::new();
    for change in changes(input).iter().copied() {
        let key: Option<Vec<&str>> = keys.iter().map(|key| text(change, key)).collect();
        if let (Some(key), Some(address)) = (key, text(change, "address")) {
            groups.entry(key).or_default().push(address);
        }
    }
    groups
}

fn self_join(input: Value<'_>) -> BTreeSet<String> {
    let mut pairs = BTreeSet::new();
    for group in by(input, &["name", "type"]).values() {
        for a in group {
            pairs.extend(group.iter().filter(|b| a < *b).map(|b| format!("{a} {b}")));
        }
    }
    pairs
}

fn in_groups(input: Value<'_>, keys: &[&str], wanted: fn(usize) -> bool) -> BTreeSet<String> {
    by(input, keys)
        .values()
        .filter(|group| wanted(group.len()))
        .flatten()
        .map(|address| (*address).to_owned())
        .collect()
}

fn in_function(input: Value<'_>) -> BTreeSet<String> {
    in_groups(input, &["name", "type"], |len| len > 1)
}

fn negated(input: Value<'_>) -> BTreeSet<String> {
    in_groups(input, &["name"], |len| len == 1)
}

fn comprehension(input: Value<'_>) -> BTreeSet<String> {
    in_groups(input, &["name", "type"], |len| len > 1)
}

fn two_keys(input: Value<'_>) -> BTreeSet<String> {
    in_groups(input, &["mode", "name"], |len| len > 1)
}
