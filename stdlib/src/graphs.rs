//! What can be reached in a graph that is an object from nodes to their neighbours.

use std::collections::HashSet;

use regovm_core::builtin::{Builtin, BuiltinError, Call, Cost};
use regovm_core::value::{Object, SetBuilder, Value};

use crate::declare::builtin;
use crate::operand::{Outcome, elements, object, operands, wrong_type};

const CATEGORIES: &[&str] = &["graph"];

pub(crate) const BUILTINS: &[Builtin] = &[
    builtin! {
        name: "graph.reachable",
        since: (0, 20),
        signature: "(graph: obj<any=>[any]|{any}>, initial: [any]|{any}) -> output: {any}",
        doc: "The nodes that can be reached from some nodes, with these. Nodes that are no keys of the graph do not count.",
        cost: Cost::Linear("edges"),
        examples: [
            (r#"graph.reachable({"a": ["b"], "b": {"a", "x"}, "c": []}, ["a"])"#, r#"{"a", "b"}"#),
            (r#"graph.reachable({"a": []}, ["x"])"#, "set()"),
        ],
        body: reachable,
    },
    builtin! {
        name: "graph.reachable_paths",
        since: (0, 37),
        signature: "(graph: obj<any=>[any]|{any}>, initial: [any]|{any}) -> output: {[any]}",
        doc: "The paths that lead from some nodes as far as they can: to a node without edges, out of the graph, or around to a node that the path has already.",
        cost: Cost::Superlinear("paths"),
        examples: [
            (
                r#"graph.reachable_paths({"a": ["b", "c"], "b": [], "c": ["a"]}, {"a"})"#,
                r#"{["a", "b"], ["a", "c"]}"#
            ),
        ],
        body: reachable_paths,
    },
];

type Nodes<'a> = &'a [Value<'a>];

fn graph_and_initial<'a>(arguments: &[Value<'a>]) -> Result<(Object<'a>, Nodes<'a>), BuiltinError> {
    let [graph, initial] = operands(arguments)?;
    let graph = object(graph, 1)?;
    let initial = elements(initial).ok_or_else(|| wrong_type(2, &["{array, set}"], initial))?;
    Ok((graph, initial))
}

/// The neighbours of a node of the graph; those that are no collection are none.
fn neighbours<'a>(graph: Object<'a>, node: Value<'a>) -> Option<Nodes<'a>> {
    graph.get(node).map(|edges| elements(edges).unwrap_or(&[]))
}

fn reachable<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (graph, initial) = graph_and_initial(arguments)?;
    let mut reached = SetBuilder::new();
    let mut waiting = std::collections::VecDeque::from([initial]);
    while let Some(nodes) = waiting.pop_front() {
        cx.charge(nodes.len() as u64 + 1)?;
        for &node in nodes {
            if let Some(edges) = neighbours(graph, node)
                && reached.insert(cx.arena, node)?
            {
                waiting.push_back(edges);
            }
        }
    }
    Ok(Some(reached.finish(cx.arena)))
}

/// A node of the path that is walked, with the neighbours that are still to be tried.
struct Step<'a> {
    left: std::slice::Iter<'a, Value<'a>>,
    /// The node was not on the path before.
    first_visit: bool,
    /// The path ends here too: an edge leads back.
    ends: bool,
}

/// The paths from one node, depth first.
struct Walk<'a, 'p> {
    graph: Object<'a>,
    paths: &'p mut SetBuilder<'a>,
    path: Vec<Value<'a>>,
    on_path: HashSet<Value<'a>>,
    steps: Vec<Step<'a>>,
}

impl<'a> Walk<'a, '_> {
    fn enter(&mut self, node: Value<'a>, edges: Nodes<'a>) {
        self.path.push(node);
        self.steps.push(Step {
            left: edges.iter(),
            first_visit: self.on_path.insert(node),
            ends: edges.is_empty(),
        });
    }

    /// Keeps the path as it is.
    fn keep(&mut self, cx: &mut Call<'a, '_>) -> Result<(), BuiltinError> {
        cx.charge(self.path.len() as u64 / 8 + 1)?;
        let path = cx.arena.array(&self.path);
        self.paths.insert(cx.arena, path)?;
        Ok(())
    }

    fn run(&mut self, cx: &mut Call<'a, '_>) -> Result<(), BuiltinError> {
        while let Some(step) = self.steps.last_mut() {
            cx.charge(1)?;
            let Some(&node) = step.left.next() else {
                let (first_visit, ends) = (step.first_visit, step.ends);
                if ends {
                    self.keep(cx)?;
                }
                self.steps.pop();
                if let Some(node) = self.path.pop()
                    && first_visit
                {
                    self.on_path.remove(&node);
                }
                continue;
            };
            // An edge from the first node to itself is walked once.
            if self.path.len() > 1 && self.on_path.contains(&node) {
                step.ends = true;
            } else if let Some(edges) = neighbours(self.graph, node) {
                self.enter(node, edges);
            } else {
                step.ends = true;
            }
        }
        Ok(())
    }
}

fn reachable_paths<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (graph, initial) = graph_and_initial(arguments)?;
    let mut paths = SetBuilder::new();
    for &node in initial {
        cx.charge(1)?;
        let Some(edges) = neighbours(graph, node) else {
            continue;
        };
        let mut walk = Walk {
            graph,
            paths: &mut paths,
            path: Vec::new(),
            on_path: HashSet::new(),
            steps: Vec::new(),
        };
        walk.enter(node, edges);
        walk.run(cx)?;
    }
    Ok(Some(paths.finish(cx.arena)))
}
