//! Which rules have nothing to do with each other, so that they can be typed at the same time.

use hashbrown::HashMap;

use crate::rule_tree::RuleTree;
use crate::state::{RuleId, State};

/// The rules of the graph in groups, each in the order of the graph. Modules are in one group if one refers to the
/// other, or if a rule of one stands at or below the path of a rule of the other.
pub fn of(state: &State<'_>) -> Vec<Vec<RuleId>> {
    let mut modules = Modules {
        around: (0..state.modules.len()).collect(),
    };
    for (user, used) in &state.graph.uses {
        for used in used {
            modules.join(user.module, used.module);
        }
    }
    modules.join_by_path(&state.rule_tree);
    let mut places: HashMap<usize, usize> = HashMap::new();
    let mut groups: Vec<Vec<RuleId>> = Vec::new();
    for &id in &state.graph.sorted {
        let place = *places.entry(modules.group(id.module)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(id);
    }
    groups
}

/// Modules in groups: each knows another one of its group, or itself.
struct Modules {
    around: Vec<usize>,
}

impl Modules {
    fn group(&mut self, module: u32) -> usize {
        let mut at = module as usize;
        while self.around[at] != at {
            // Half of the way is enough the next time.
            self.around[at] = self.around[self.around[at]];
            at = self.around[at];
        }
        at
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.group(a), self.group(b));
        self.around[a.max(b)] = a.min(b);
    }

    fn join_by_path(&mut self, tree: &RuleTree) {
        let mut todo: Vec<(&RuleTree, Option<u32>)> = vec![(tree, None)];
        while let Some((node, mut above)) = todo.pop() {
            for rule in &node.rules {
                self.join(above.unwrap_or(rule.module), rule.module);
                above = Some(rule.module);
            }
            todo.extend(node.children.values().map(|child| (child, above)));
        }
    }
}
