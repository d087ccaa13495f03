//! "Did you mean ..?": names that are nearly the one that was written.

use std::collections::HashMap;

use regovm_core::builtin::{BuiltinError, Call};

use super::schema::{Schema, TypeDef};

/// Names that are told at most.
const MOST: usize = 5;

/// A question that names the nearest names, if there are any.
pub(super) fn among(
    cx: &mut Call<'_, '_>,
    question: &str,
    written: &str,
    names: &[&str],
    in_quotes: bool,
) -> Result<String, BuiltinError> {
    let threshold = written.len() * 2 / 5 + 1;
    let mut near = Vec::new();
    for name in names {
        // The work is that of the table of distances.
        cx.charge((written.len() as u64 * name.len() as u64) / 64 + 1)?;
        let distance = distance(written, name);
        if distance <= threshold {
            near.push((distance, *name));
        }
    }
    near.sort_by_key(|(distance, _)| *distance);
    let names: Vec<_> = near.into_iter().map(|(_, name)| name).collect();
    Ok(ask(question, &names, in_quotes))
}

fn ask(question: &str, names: &[&str], in_quotes: bool) -> String {
    if names.is_empty() {
        return String::new();
    }
    let quote = if in_quotes { "\"" } else { "" };
    let shown: Vec<_> = names
        .iter()
        .take(MOST)
        .map(|name| format!("{quote}{name}{quote}"))
        .collect();
    let list = match shown.as_slice() {
        [one] => one.clone(),
        [one, other] => format!("{one} or {other}"),
        [most @ .., last] => format!("{}, or {last}", most.join(", ")),
        [] => String::new(),
    };
    format!(" {question} {list}?")
}

/// What may have been meant by a field that a type has not.
pub(super) fn for_field(
    cx: &mut Call<'_, '_>,
    schema: &Schema<'_>,
    parent: &TypeDef<'_>,
    name: &str,
) -> Result<String, BuiltinError> {
    let types = types_with_field(cx, schema, parent, name)?;
    if !types.is_empty() {
        let question = "Did you mean to use an inline fragment on";
        return Ok(ask(question, &types, true));
    }
    if !matches!(parent.kind, "OBJECT" | "INTERFACE") {
        return Ok(String::new());
    }
    let names: Vec<_> = parent
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    among(cx, "Did you mean", name, &names, true)
}

/// The types that have the field, of those that an abstract type may turn out to be: interfaces by how many types
/// have the field through them, then objects.
fn types_with_field<'s>(
    cx: &mut Call<'_, '_>,
    schema: &Schema<'s>,
    parent: &TypeDef<'_>,
    name: &str,
) -> Result<Vec<&'s str>, BuiltinError> {
    let mut objects = Vec::new();
    let mut uses: HashMap<&str, usize> = HashMap::new();
    let mut found = Vec::new();
    if !parent.is_abstract() {
        return Ok(found);
    }
    for possible in schema.possible(parent.name) {
        let Some(ty) = schema.ty(possible) else {
            continue;
        };
        cx.charge(1 + ty.fields.len() as u64 / 8)?;
        if ty.field(name).is_none() {
            continue;
        }
        objects.push(ty.name);
        for interface in &ty.interfaces {
            if schema
                .ty(interface)
                .is_some_and(|ty| ty.field(name).is_some())
            {
                let count = uses.entry(interface).or_default();
                *count += 1;
                if *count == 1 {
                    found.push(*interface);
                }
            }
        }
    }
    found.extend(objects);
    let uses = |name: &str| uses.get(name).copied().unwrap_or(0);
    found.sort_by(|a, b| uses(b).cmp(&uses(a)).then_with(|| a.cmp(b)));
    Ok(found)
}

/// How many characters have to be changed. A change of case counts as one.
fn distance(a: &str, b: &str) -> usize {
    if a == b {
        return 0;
    }
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    if a == b {
        return 1;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, d) in b.iter().enumerate() {
            let change = diagonal + usize::from(c != *d);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("name", "Name"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "ab"), 2);
    }

    #[test]
    fn questions() {
        assert_eq!(ask("Q", &["a"], true), " Q \"a\"?");
        assert_eq!(ask("Q", &["a", "b"], false), " Q a or b?");
        assert_eq!(ask("Q", &["a", "b", "c"], false), " Q a, b, or c?");
        assert_eq!(ask("Q", &[], true), "");
    }
}
