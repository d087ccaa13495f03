//! Roots: which part of `data` a bundle owns.

use std::collections::BTreeSet;

use regovm_core::value::Value;

use super::{Bundle, BundleError};

fn segments(path: &str) -> Vec<&str> {
    path.split('/').collect()
}

/// If a root has a path, both in segments. The empty root has all.
fn has(root: &[&str], path: &[&str]) -> bool {
    root == [""] || path.starts_with(root)
}

/// If one of two roots has the other.
pub(super) fn overlap(a: &str, b: &str) -> bool {
    let (a, b) = (segments(a), segments(b));
    has(&a, &b) || has(&b, &a)
}

/// If one of the roots has a path.
pub(super) fn contain(roots: &[String], path: &[&str]) -> bool {
    roots.iter().any(|root| has(&segments(root), path))
}

/// Roots as Go prints lists.
pub(super) fn listed(roots: &[String]) -> String {
    format!("[{}]", roots.join(" "))
}

/// Checks that all data is below the roots.
pub(super) fn check_data(roots: &[String], data: Value<'_>) -> Result<(), BundleError> {
    let mut open = vec![(String::new(), data)];
    while let Some((path, value)) = open.pop() {
        if contain(roots, &segments(&path)) {
            continue;
        }
        let parts = segments(&path);
        let leads_there = roots.iter().any(|root| {
            let root = segments(root);
            parts.iter().any(|part| has(&[part], &root))
        });
        match value.as_object().filter(|_| leads_there) {
            Some(object) => {
                // The first in order is looked at first.
                let members = object.keys().iter().zip(object.values()).rev();
                open.extend(members.filter_map(|(key, member)| {
                    let key = key.as_str()?;
                    let below = if path.is_empty() {
                        key.to_owned()
                    } else {
                        format!("{path}/{key}")
                    };
                    Some((below, *member))
                }));
            }
            None => {
                return Err(BundleError::new(format!(
                    "manifest roots {} do not permit data at path '/{path}' (hint: check bundle directory structure)",
                    listed(roots)
                )));
            }
        }
    }
    Ok(())
}

/// Checks that no two bundles that are used together own the same part of `data`.
///
/// # Errors
/// In OPA's words.
pub fn check_roots(bundles: &[&Bundle]) -> Result<(), BundleError> {
    let mut entries: Vec<(String, &str)> = bundles
        .iter()
        .flat_map(|bundle| {
            bundle
                .manifest
                .roots()
                .iter()
                .map(move |root| (root, bundle))
        })
        .map(|(root, bundle)| {
            let trimmed = root.trim_matches('/');
            let canonical = if trimmed.is_empty() {
                "/".to_owned()
            } else {
                format!("/{trimmed}/")
            };
            (canonical, bundle.name.as_str())
        })
        .collect();
    entries.sort();
    let mut colliding = BTreeSet::new();
    let mut conflicts = BTreeSet::new();
    for (at, (root, name)) in entries.iter().enumerate() {
        for (other, other_name) in &entries[at + 1..] {
            if !other.starts_with(root.as_str()) {
                break;
            }
            if name == other_name {
                continue;
            }
            colliding.extend([*name, *other_name]);
            let (a, b) = (root.trim_matches('/'), other.trim_matches('/'));
            conflicts.insert(match a.cmp(b) {
                std::cmp::Ordering::Equal => format!("root {a} is in multiple bundles"),
                std::cmp::Ordering::Less => format!("{a} overlaps {b}"),
                std::cmp::Ordering::Greater => format!("{b} overlaps {a}"),
            });
        }
    }
    if colliding.is_empty() {
        return Ok(());
    }
    let joined = |texts: Vec<&str>| texts.join(", ");
    let names = joined(colliding.into_iter().collect());
    let empty: BTreeSet<&str> = bundles
        .iter()
        .filter(|bundle| bundle.manifest.roots().iter().any(String::is_empty))
        .map(|bundle| bundle.name.as_str())
        .collect();
    Err(BundleError::new(if empty.is_empty() {
        let conflicts = joined(conflicts.iter().map(String::as_str).collect());
        format!("detected overlapping roots in manifests for these bundles: [{names}] ({conflicts})")
    } else {
        let empty = joined(empty.into_iter().collect());
        format!(
            "bundles [{names}] have overlapping roots and cannot be activated simultaneously because bundle(s) [{empty}] specify empty root paths ('') which overlap with any other bundle root"
        )
    })
    .hint("give each bundle a .manifest with the \"roots\" that it owns"))
}
