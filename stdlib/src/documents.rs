//! Parts of JSON documents by path: filtered, removed, patched.

use std::collections::{BTreeMap, HashMap};

use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::{Claim, Value, View};

use crate::declare::builtin;
use crate::operand::{
    Outcome, array, elements, failed, object, operands, shown, wrong, wrong_type,
};
use crate::patch::Tree;

const CATEGORIES: &[&str] = &["object"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "json.filter",
        signature: "(object: obj<any=>any>, paths: [str|[any]]|{str|[any]}) -> filtered: obj<any=>any>",
        doc: "The parts of an object that paths lead to. A path is a text like a/b/0, with ~1 for a slash and ~0 for a tilde, or an array of keys. Paths that lead nowhere count for nothing.",
        cost: Cost::Linear("members on the paths"),
        examples: [
            (r#"json.filter({"a": {"b": 1, "c": 2}, "d": 3}, ["a/b"])"#, r#"{"a": {"b": 1}}"#),
            (r#"json.filter({"a": [5, 6]}, {["a", "1"]})"#, r#"{"a": [6]}"#),
        ],
        body: filter,
    },
    builtin! {
        name: "json.remove",
        since: (0, 18),
        signature: "(object: obj<any=>any>, paths: [str|[any]]|{str|[any]}) -> output: obj<any=>any>",
        doc: "The object without the parts that paths lead to. Paths are those of json.filter.",
        cost: Cost::Linear("members on the paths"),
        examples: [(r#"json.remove({"a": {"b": 1, "c": 2}}, ["a/b"])"#, r#"{"a": {"c": 2}}"#)],
        body: remove,
    },
    builtin! {
        name: "json.patch",
        since: (0, 25),
        signature: r#"(target: any, patches: [obj<"op": str, "path": any, any=>any>]) -> output: any"#,
        doc: "The value after the operations of a JSON patch (RFC 6902): add, remove, replace, move, copy, test. Sets can be patched too, their elements being their keys. An operation that fails makes the whole call fail.",
        cost: Cost::Linear("members on the paths"),
        examples: [
            (
                r#"json.patch({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}, {"op": "copy", "from": "a/0", "path": "b"}])"#,
                r#"{"a": [1, 2], "b": 1}"#
            ),
            (r#"json.patch({"a": 1}, [{"op": "test", "path": "a", "value": 2}])"#, ""),
        ],
        body: patch,
    },
];

/// Where paths lead, as a tree of keys.
struct Paths<'a> {
    nodes: Vec<Node<'a>>,
    _memory: Claim<'a>,
}

#[derive(Default)]
struct Node<'a> {
    next: HashMap<Value<'a>, usize>,
    /// The same by position in an array, for keys that spell one.
    positions: HashMap<usize, usize>,
    /// A path ends here: all below belongs to it.
    end: bool,
}

impl<'a> Paths<'a> {
    fn read(cx: &mut Call<'a, '_>, paths: Value<'a>) -> Result<Paths<'a>, BuiltinError> {
        let list = elements(paths).ok_or_else(|| wrong_type(2, &["set", "array"], paths))?;
        /// Bytes of a node with its tables.
        const NODE: usize = 2 * size_of::<Node<'static>>() + 160;
        let mut nodes = vec![Node::default()];
        let mut memory = cx.claim(NODE)?;
        for path in list {
            let path = segments(cx, *path)?;
            if path.is_empty() {
                continue;
            }
            cx.charge(path.len() as u64 + 1)?;
            let mut at = 0;
            for key in path {
                if nodes[at].end {
                    break;
                }
                let (above, fresh) = (at, nodes.len());
                at = *nodes[at].next.entry(key).or_insert(fresh);
                if at == fresh {
                    memory.grow(cx.arena, NODE)?;
                    nodes.push(Node::default());
                    if let Some(position) = position(key) {
                        nodes[above].positions.insert(position, at);
                    }
                }
            }
            nodes[at].end = true;
        }
        Ok(Paths {
            nodes,
            _memory: memory,
        })
    }
}

/// The position that a key spells in digits, without zeros in front.
fn position(key: Value<'_>) -> Option<usize> {
    let text = key.as_str()?;
    let position = text.parse::<usize>().ok()?;
    (position.to_string() == text).then_some(position)
}

/// The keys of a path: `a/b~1c` or an array.
fn segments<'a>(cx: &mut Call<'a, '_>, path: Value<'a>) -> Result<Vec<Value<'a>>, BuiltinError> {
    match path.view() {
        View::Array(keys) => Ok(keys.as_slice().to_vec()),
        View::String(text) if text.is_empty() => Ok(Vec::new()),
        View::String(_) => {
            let text = path.as_str().unwrap_or("").trim_start_matches('/');
            cx.charge(text.len() as u64 / 8 + 1)?;
            cx.reserve(text.len() * 24)?;
            let key = |part: &'a str| {
                if part.contains('~') {
                    cx.arena.string(&part.replace("~1", "/").replace("~0", "~"))
                } else {
                    cx.arena.string_ref(part)
                }
            };
            Ok(text.split('/').map(key).collect())
        }
        _ => {
            let got = path.kind().name();
            Err(wrong(
                2,
                &format!(
                    "must be one of {{set, array}} containing string paths or array of path segments but got {got}"
                ),
            ))
        }
    }
}

/// What becomes of the parts that paths lead to.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Keep,
    Drop,
}

fn filter<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    select(cx, arguments, Mode::Keep)
}

fn remove<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    select(cx, arguments, Mode::Drop)
}

/// A collection on a path, partly built anew.
struct Level<'a> {
    old: Value<'a>,
    node: usize,
    /// Position of the next member.
    at: usize,
    keys: Vec<Value<'a>>,
    values: Vec<Value<'a>>,
    _memory: Claim<'a>,
}

impl<'a> Level<'a> {
    fn new(cx: &mut Call<'a, '_>, old: Value<'a>, node: usize) -> Result<Level<'a>, BuiltinError> {
        let bytes = old.collection_len().unwrap_or(0) * 4 * size_of::<Value<'a>>();
        let memory = cx.claim(bytes + size_of::<Level<'a>>())?;
        Ok(Level {
            _memory: memory,
            old,
            node,
            at: 0,
            keys: Vec::new(),
            values: Vec::new(),
        })
    }

    /// The next member: where the paths go from here, its key, its value.
    fn next(
        &mut self,
        node: &Node<'a>,
        mode: Mode,
    ) -> Option<(Option<usize>, Value<'a>, Value<'a>)> {
        let at = self.at;
        self.at += 1;
        let (key, value) = match self.old.view() {
            View::Object(object) => {
                let (key, value) = object.at(at)?;
                // OPA goes over the smaller one of members and paths, and keeps that one's spelling of numbers.
                let by_paths = mode == Mode::Keep && object.len() < node.next.len();
                match node.next.get_key_value(&key).filter(|_| by_paths) {
                    Some((key, _)) => (*key, value),
                    None => (key, value),
                }
            }
            View::Set(set) => set
                .as_sorted_slice()
                .get(at)
                .map(|value| (*value, *value))?,
            View::Array(array) => {
                return Some((
                    node.positions.get(&at).copied(),
                    Value::NULL,
                    array.get(at)?,
                ));
            }
            _ => return None,
        };
        Some((node.next.get(&key).copied(), key, value))
    }

    fn finish(self, cx: &mut Call<'a, '_>) -> Value<'a> {
        match self.old.view() {
            View::Object(_) => cx.arena.object_from(self.keys.into_iter().zip(self.values)),
            View::Set(_) => cx.arena.set_from(self.values),
            _ => cx.arena.array(&self.values),
        }
    }
}

fn select<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>], mode: Mode) -> Outcome<'a> {
    let [whole, paths] = operands(arguments)?;
    object(whole, 1)?;
    let paths = Paths::read(cx, paths)?;
    // Values nest deeper than the stack of the machine, so the levels have one of their own.
    let mut levels = vec![Level::new(cx, whole, 0)?];
    while let Some(level) = levels.last_mut() {
        cx.charge(1)?;
        let Some((node, key, value)) = level.next(&paths.nodes[level.node], mode) else {
            let Some(done) = levels.pop() else { break };
            let value = done.finish(cx);
            match levels.last_mut() {
                Some(above) => above.values.push(value),
                None => return Ok(Some(value)),
            }
            continue;
        };
        let keep = match node {
            None => mode == Mode::Drop,
            Some(node) if paths.nodes[node].end => mode == Mode::Keep,
            Some(node) if value.is_collection() => {
                level.keys.push(key);
                let next = Level::new(cx, value, node)?;
                levels.push(next);
                continue;
            }
            Some(_) => true,
        };
        if keep {
            level.keys.push(key);
            level.values.push(value);
        }
    }
    Ok(None)
}

fn patch<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [whole, operations] = operands(arguments)?;
    let operations = array(operations, 2)?;
    let mut tree = Tree::new(whole);
    for operation in operations.iter() {
        cx.charge(4)?;
        let operation = operation.as_object().ok_or_else(|| {
            failed(
                "must be an array of JSON-Patch objects, but at least one element is not an object",
            )
        })?;
        let required = |name: &str| {
            operation
                .get_str(name)
                .ok_or_else(|| failed(format!("missing required attribute '{name}'")))
        };
        let path = required("path")?;
        let op = required("op")?;
        let Some(op) = op.as_str() else {
            let got = op.kind().name();
            return Err(failed(format!(
                "attribute 'op' must be a string but found: {got}"
            )));
        };
        let path = segments(cx, path)?;
        match op {
            "add" => tree.insert(cx, &path, required("value")?)?,
            "remove" => tree.delete(cx, &path)?,
            "replace" => {
                tree.delete(cx, &path)?;
                tree.insert(cx, &path, required("value")?)?;
            }
            "move" | "copy" => {
                let from = required("from")?;
                let from = segments(cx, from)?;
                let value = tree.get(cx, &from)?;
                if op == "move" {
                    tree.delete(cx, &from)?;
                }
                tree.insert(
                    cx,
                    &path,
                    value.ok_or_else(|| failed("cannot insert nil value into EditTree"))?,
                )?;
            }
            "test" => {
                let found = tree.get(cx, &path)?;
                let value = required("value")?;
                if found != Some(value) {
                    let found = found.map_or_else(|| "<nil>".to_owned(), shown);
                    let value = shown(value);
                    return Err(failed(format!(
                        "value from EditTree != patch value.\n\nExpected: {value}\n\nFound: {found}"
                    )));
                }
            }
            _ => return Err(failed(format!("unrecognized op: '{op}'"))),
        }
    }
    tree.render(cx)
}

/// Members of an object or elements of a set in the making, sorted.
pub(crate) type Members<'a, T> = BTreeMap<Value<'a>, T>;
