//! Addresses, URIs, graphs, globs and YAML.

use crate::Kind::{Array, Drawn, Set};
use crate::{Function, Random, list, set};

pub const FUNCTIONS: &[Function] = &[
    ("graph.reachable", &[Drawn(graph), Drawn(nodes)]),
    ("graph.reachable_paths", &[Drawn(graph), Drawn(nodes)]),
    ("graph.reachable", &[Drawn(graph), Array]),
    ("graph.reachable_paths", &[Drawn(graph), Set]),
];

const NODES: &[&str] = &["\"a\"", "\"b\"", "\"c\"", "\"d\"", "1", "null", "[1]"];

fn nodes(random: &mut Random) -> String {
    let nodes: Vec<_> = (0..random.below(4))
        .map(|_| random.of(NODES).to_owned())
        .collect();
    if random.below(2) == 0 {
        list(&nodes)
    } else {
        set(&nodes)
    }
}

fn graph(random: &mut Random) -> String {
    let mut members = Vec::new();
    for node in NODES {
        match random.below(8) {
            0 => {}
            1 => members.push(format!(
                "{node}: {}",
                random.of(&["null", "1", "\"a\"", "{\"a\": 1}"])
            )),
            _ => members.push(format!("{node}: {}", nodes(random))),
        }
    }
    format!("{{{}}}", members.join(", "))
}
