//! Functions over objects.

use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::{Array, Claim, Object, ObjectBuilder, Set, SetBuilder, Value, View};
use regovm_core::work;

use crate::declare::builtin;
use crate::operand::{Outcome, array, elements, object, operands, wrong_element, wrong_type};

const CATEGORIES: &[&str] = &["object"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "object.get",
        signature: "(object: obj<any=>any>, key: any, default: any) -> value: any",
        doc: "The value of a key, or the default. An array as key is a path into nested values; a key that is itself an array must be wrapped in one.",
        cost: Cost::Linear("elements of a path"),
        examples: [
            (r#"object.get({"a": 1}, "a", 0)"#, "1"),
            (r#"object.get({"a": {"b": [5]}}, ["a", "b", 0], null)"#, "5"),
            (r#"object.get({"a": 1}, ["a", "b"], "none")"#, r#""none""#),
        ],
        body: get,
    },
    builtin! {
        name: "object.keys",
        since: (0, 47),
        signature: "(object: obj<any=>any>) -> value: {any}",
        doc: "The keys, as a set.",
        cost: Cost::Linear("members"),
        examples: [(r#"object.keys({"b": 1, "a": 2})"#, r#"{"a", "b"}"#)],
        body: keys,
    },
    builtin! {
        name: "object.filter",
        signature: "(object: obj<any=>any>, keys: [any]|obj<any=>any>|{any}) -> filtered: obj<any=>any>",
        doc: "The members with the given keys: elements of an array or set, or keys of an object.",
        cost: Cost::Linear("members and keys"),
        examples: [(r#"object.filter({"a": 1, "b": 2}, ["a", "x"])"#, r#"{"a": 1}"#)],
        body: filter,
    },
    builtin! {
        name: "object.remove",
        signature: "(object: obj<any=>any>, keys: [any]|obj<any=>any>|{any}) -> output: obj<any=>any>",
        doc: "The members without the given keys: elements of an array or set, or keys of an object.",
        cost: Cost::Linear("members and keys"),
        examples: [(r#"object.remove({"a": 1, "b": 2}, {"a"})"#, r#"{"b": 2}"#)],
        body: remove,
    },
    builtin! {
        name: "object.subset",
        since: (0, 42),
        signature: "(super: [any]|obj<any=>any>|{any}, sub: [any]|obj<any=>any>|{any}) -> result: bool",
        doc: "Whether all of sub is in super: members of objects, also nested; elements of sets; an array as a run of elements. An array may also contain the elements of a set.",
        cost: Cost::Superlinear("elements; nested arrays multiply"),
        examples: [
            (r#"object.subset({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}})"#, "true"),
            ("object.subset([1, 2, 3], [2, 3])", "true"),
            ("object.subset([1, 2, 3], {3, 1})", "true"),
            ("object.subset({1}, {2})", "false"),
        ],
        body: subset,
    },
    builtin! {
        name: "object.union",
        signature: "(a: obj<any=>any>, b: obj<any=>any>) -> output: obj<any=>any>",
        doc: "Both objects in one. Where both have objects for a key these are united too; else b wins.",
        cost: Cost::Linear("members"),
        examples: [
            (r#"object.union({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}, "b": 4})"#, r#"{"a": {"x": 1, "y": 3}, "b": 4}"#),
        ],
        body: union,
    },
    builtin! {
        name: "object.union_n",
        since: (0, 37),
        signature: "(objects: [obj<any=>any>]) -> output: obj<any=>any>",
        doc: "Many objects in one, from left to right as by object.union.",
        cost: Cost::Linear("members"),
        examples: [
            (r#"object.union_n([{"a": {"b": 2}}, {"a": 4}, {"a": {"c": 3}}])"#, r#"{"a": {"c": 3}}"#),
            ("object.union_n([])", "{}"),
        ],
        body: union_n,
    },
];

fn get<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [whole, key, default] = operands(arguments)?;
    let members = object(whole, 1)?;
    let found = match key.as_array() {
        None => members.get(key),
        Some(path) => {
            cx.charge(path.len() as u64)?;
            path.iter().try_fold(whole, |value, key| value.get(key))
        }
    };
    Ok(Some(found.unwrap_or(default)))
}

fn keys<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [whole] = operands(arguments)?;
    let members = object(whole, 1)?;
    let mut set = SetBuilder::new();
    for (key, _) in members.iter() {
        cx.charge(1)?;
        set.insert(cx.arena, key)?;
    }
    Ok(Some(set.finish(cx.arena)))
}

/// The keys to filter or remove, from an array, a set, or the keys of an object.
fn key_set<'a>(cx: &mut Call<'a, '_>, keys: Value<'a>) -> Result<SetBuilder<'a>, BuiltinError> {
    let list = match keys.view() {
        View::Object(keys) => keys.keys(),
        _ => elements(keys).ok_or_else(|| wrong_type(2, &["object", "set", "array"], keys))?,
    };
    let mut set = SetBuilder::new();
    for key in list {
        cx.charge(1)?;
        set.insert(cx.arena, *key)?;
    }
    Ok(set)
}

fn select<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>], listed: bool) -> Outcome<'a> {
    let [whole, keys] = operands(arguments)?;
    let members = object(whole, 1)?;
    let keys = key_set(cx, keys)?;
    let mut result = ObjectBuilder::new();
    // OPA goes over the larger of the two and keeps its spelling of numbers.
    if listed && members.len() < keys.len() {
        let keys = keys.finish(cx.arena);
        for key in elements(keys).unwrap_or_default() {
            cx.charge(1)?;
            if let Some(value) = members.get(*key) {
                result.insert(cx.arena, *key, value)?;
            }
        }
        return Ok(Some(result.finish(cx.arena)));
    }
    for (key, value) in members.iter() {
        cx.charge(1)?;
        if keys.contains(key) == listed {
            result.insert(cx.arena, key, value)?;
        }
    }
    Ok(Some(result.finish(cx.arena)))
}

fn filter<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    select(cx, arguments, true)
}

fn remove<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    select(cx, arguments, false)
}

fn subset<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [whole, part] = operands(arguments)?;
    let contained = match (whole.view(), part.view()) {
        (View::Object(whole), View::Object(part)) => object_contains(cx, whole, part)?,
        (View::Set(whole), View::Set(part)) => set_contains(cx, whole, part)?,
        (View::Array(whole), View::Array(part)) => array_contains(cx, whole, part)?,
        (View::Array(whole), View::Set(part)) => array_contains_set(cx, whole, part)?,
        _ => {
            return Err(BuiltinError::Type(
                "both arguments object.subset must be of the same type or array and set".to_owned(),
            ));
        }
    };
    Ok(Some(Value::boolean(contained)))
}

fn object_contains<'a>(
    cx: &mut Call<'a, '_>,
    whole: Object<'a>,
    part: Object<'a>,
) -> Result<bool, BuiltinError> {
    let mut open = vec![(whole, part)];
    let mut memory = cx.claim(0)?;
    while let Some((whole, part)) = open.pop() {
        cx.charge(part.len() as u64 + 1)?;
        memory.grow_to(cx.arena, open.capacity() * size_of::<[Object<'a>; 2]>())?;
        for (key, wanted) in part.iter() {
            work::effort(4);
            let Some(found) = whole.get(key) else {
                return Ok(false);
            };
            let contained = match (found.view(), wanted.view()) {
                (View::Object(whole), View::Object(part)) => {
                    open.push((whole, part));
                    true
                }
                (View::Set(whole), View::Set(part)) => set_contains(cx, whole, part)?,
                (View::Array(whole), View::Array(part)) => array_contains(cx, whole, part)?,
                _ => found == wanted,
            };
            if !contained {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn set_contains<'a>(
    cx: &mut Call<'a, '_>,
    whole: Set<'a>,
    part: Set<'a>,
) -> Result<bool, BuiltinError> {
    cx.charge(part.len() as u64 + 1)?;
    Ok(part
        .iter()
        .all(|element| work::effort(4) && whole.contains(element)))
}

/// Whether the elements of `part` stand somewhere in `whole` one after the other.
fn array_contains<'a>(
    cx: &mut Call<'a, '_>,
    whole: Array<'a>,
    part: Array<'a>,
) -> Result<bool, BuiltinError> {
    let (whole, part) = (whole.as_slice(), part.as_slice());
    if part.is_empty() {
        return Ok(true);
    }
    for window in whole.windows(part.len()) {
        let same = window.iter().zip(part).take_while(|(a, b)| a == b).count();
        cx.charge(same as u64 / 2 + 1)?;
        if same == part.len() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Every element of the set is in the array. As in OPA an empty array contains nothing, and an
/// element that stands in the array twice counts twice.
fn array_contains_set<'a>(
    cx: &mut Call<'a, '_>,
    whole: Array<'a>,
    part: Set<'a>,
) -> Result<bool, BuiltinError> {
    cx.charge(whole.len() as u64 + 1)?;
    let mut missing = part.len();
    for element in whole.iter() {
        work::effort(4);
        if part.contains(element) {
            missing = missing.saturating_sub(1);
        }
        if missing == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn union<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [a, b] = operands(arguments)?;
    let (left, right) = (object(a, 1)?, object(b, 2)?);
    if left.is_empty() {
        return Ok(Some(b));
    }
    if right.is_empty() {
        return Ok(Some(a));
    }
    merge(cx, vec![left, right]).map(Some)
}

fn union_n<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [objects] = operands(arguments)?;
    let list = array(objects, 1)?;
    cx.charge(list.len() as u64)?;
    let _memory = cx.claim(list.len() * size_of::<Object<'a>>())?;
    let parts: Vec<_> = list
        .iter()
        .map(|part| {
            part.as_object()
                .ok_or_else(|| wrong_element(1, objects, "object", part))
        })
        .collect::<Result<_, _>>()?;
    match (parts.len(), list.get(0)) {
        (1, Some(only)) => Ok(Some(only)),
        _ => merge(cx, parts).map(Some),
    }
}

/// An object in the making: what is left to merge into it.
struct Level<'a> {
    result: ObjectBuilder<'a>,
    /// Keys with several objects to merge.
    nested: Vec<(Value<'a>, Vec<Object<'a>>)>,
    /// Where the result belongs: a key of the level above.
    key: Option<Value<'a>>,
    /// Of what is nested.
    _memory: Claim<'a>,
}

/// Merges objects from left to right. Nested objects wait on a stack of their own: input may nest
/// deeper than the stack of the machine allows.
fn merge<'a>(cx: &mut Call<'a, '_>, parts: Vec<Object<'a>>) -> Result<Value<'a>, BuiltinError> {
    let mut levels = vec![level(cx, None, parts)?];
    while let Some(top) = levels.last_mut() {
        if let Some((key, parts)) = top.nested.pop() {
            let next = level(cx, Some(key), parts)?;
            levels.push(next);
            continue;
        }
        let Some(done) = levels.pop() else { break };
        let value = done.result.finish(cx.arena);
        match (levels.last_mut(), done.key) {
            (Some(above), Some(key)) => {
                above.result.insert(cx.arena, key, value)?;
            }
            _ => return Ok(value),
        }
    }
    Ok(cx.arena.object_from([]))
}

fn level<'a>(
    cx: &mut Call<'a, '_>,
    key: Option<Value<'a>>,
    parts: Vec<Object<'a>>,
) -> Result<Level<'a>, BuiltinError> {
    /// Bytes of what is noted for a key with several objects, and of each object.
    const NESTED: usize = 128;
    const PART: usize = 2 * size_of::<Object<'static>>();
    let mut result = ObjectBuilder::new();
    let mut memory = cx.claim(0)?;
    // Positions in `nested` by key.
    let mut merging = std::collections::HashMap::new();
    let mut nested: Vec<(Value<'a>, Vec<Object<'a>>)> = Vec::new();
    for part in parts {
        cx.charge(1)?;
        for (key, value) in part.iter() {
            cx.charge(2)?;
            let old = result.insert(cx.arena, key, value)?;
            let (old, new) = (old.and_then(Value::as_object), value.as_object());
            match (old, new) {
                (Some(old), Some(new)) => {
                    let more = if merging.contains_key(&key) {
                        0
                    } else {
                        NESTED
                    };
                    memory.grow(cx.arena, more + PART)?;
                    let at = *merging.entry(key).or_insert_with(|| {
                        nested.push((key, vec![old]));
                        nested.len() - 1
                    });
                    nested[at].1.push(new);
                }
                // Something else than an object comes in between: what was before is gone.
                _ => {
                    if let Some(at) = merging.remove(&key) {
                        nested[at].1.clear();
                    }
                }
            }
        }
    }
    nested.retain(|(_, parts)| parts.len() > 1);
    Ok(Level {
        result,
        nested,
        key,
        _memory: memory,
    })
}
