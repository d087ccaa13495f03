//! Certificate policies along a chain (RFC 5280, 6.1, with the graph of RFC 9618), for callers that accept every
//! policy: a chain fails if an authority demands that some policy holds and none does.

use std::collections::{BTreeMap, BTreeSet};

use super::certificate::Certificate;

/// An identifier as it stands in a certificate.
type Policy<'d> = &'d [u8];

/// `2.5.29.32.0`
const ANY: Policy<'static> = &[0x55, 0x1d, 0x20, 0];

/// A policy that holds at one certificate.
struct Node<'d> {
    /// What the next certificate may call it.
    expected: Vec<Policy<'d>>,
    /// The policies of the certificate before that it follows from.
    parents: BTreeSet<Policy<'d>>,
}

impl<'d> Node<'d> {
    fn new(policy: Policy<'d>, parents: BTreeSet<Policy<'d>>) -> Node<'d> {
        Node {
            expected: vec![policy],
            parents,
        }
    }
}

/// The policies at each certificate, from the root on.
struct Graph<'d> {
    levels: Vec<BTreeMap<Policy<'d>, Node<'d>>>,
}

impl<'d> Graph<'d> {
    fn new() -> Graph<'d> {
        let root = Node::new(ANY, BTreeSet::new());
        Graph {
            levels: vec![BTreeMap::from([(ANY, root)])],
        }
    }

    fn last(&mut self) -> &mut BTreeMap<Policy<'d>, Node<'d>> {
        if self.levels.is_empty() {
            self.levels.push(BTreeMap::new());
        }
        let at = self.levels.len() - 1;
        &mut self.levels[at]
    }

    /// The policies of the next certificate; `any` if it may claim all that are expected.
    fn descend(&mut self, policies: &[Policy<'d>], any: bool) {
        let mut expected: BTreeMap<Policy<'d>, BTreeSet<Policy<'d>>> = BTreeMap::new();
        let above = self.last();
        for (policy, node) in above.iter() {
            for name in &node.expected {
                expected.entry(*name).or_default().insert(*policy);
            }
        }
        let under_any = above.contains_key(ANY);
        let mut level = BTreeMap::new();
        for &policy in policies.iter().filter(|policy| **policy != ANY) {
            let parents = match expected.get(policy) {
                Some(parents) => parents.clone(),
                None if under_any => BTreeSet::from([ANY]),
                None => continue,
            };
            level.insert(policy, Node::new(policy, parents));
        }
        if any {
            for (policy, parents) in expected {
                level
                    .entry(policy)
                    .or_insert_with(|| Node::new(policy, parents));
            }
        }
        self.levels.push(level);
        self.prune();
    }

    /// Removes what nothing follows from, save in the last level.
    fn prune(&mut self) {
        for at in (1..self.levels.len().saturating_sub(1)).rev() {
            let (above, below) = self.levels.split_at_mut(at + 1);
            let (Some(level), Some(below)) = (above.last_mut(), below.first()) else {
                return;
            };
            let used: BTreeSet<_> = below.values().flat_map(|node| &node.parents).collect();
            level.retain(|policy, _| used.contains(policy));
        }
    }

    fn map(&mut self, mappings: BTreeMap<Policy<'d>, Vec<Policy<'d>>>) {
        let level = self.last();
        for (issuer, subjects) in mappings {
            if let Some(node) = level.get_mut(issuer) {
                node.expected = subjects;
            } else if level.contains_key(ANY) {
                let mut node = Node::new(issuer, BTreeSet::new());
                node.expected = subjects;
                // It stands beside the one that it follows from.
                node.parents.insert(ANY);
                level.insert(issuer, node);
            }
        }
    }

    /// If a policy holds to the end.
    fn holds(&mut self) -> bool {
        if self.last().contains_key(ANY) {
            return true;
        }
        self.levels.iter().any(|level| {
            level.iter().any(|(policy, node)| {
                let only = node.parents.len() == 1 && node.parents.contains(ANY);
                *policy != ANY && only
            })
        })
    }
}

/// Certificates that may still follow before a limit begins to hold.
struct Limits {
    explicit: usize,
    mapping: usize,
    any: usize,
}

impl Limits {
    /// After a certificate that is not the last.
    fn pass(&mut self, certificate: &Certificate<'_>, self_issued: bool) {
        let details = &certificate.details;
        let demands = [
            (&mut self.explicit, details.require_explicit_policy),
            (&mut self.mapping, details.inhibit_policy_mapping),
            (&mut self.any, details.inhibit_any_policy),
        ];
        for (limit, demand) in demands {
            if !self_issued {
                *limit = limit.saturating_sub(1);
            }
            // A number below zero demands nothing.
            if let Some(Ok(demand)) = demand.map(usize::try_from) {
                *limit = demand.min(*limit);
            }
        }
    }
}

/// If the policies of a chain, the leaf first, are in order.
pub(super) fn hold(chain: &[&Certificate<'_>]) -> bool {
    let Some((_root, others)) = chain.split_last() else {
        return false;
    };
    let Some(leaf) = others.first() else {
        return true;
    };
    let unlimited = others.len() + 1;
    let mut limits = Limits {
        explicit: unlimited,
        mapping: unlimited,
        any: unlimited,
    };
    let mut graph = Some(Graph::new());
    for (at, certificate) in others.iter().enumerate().rev() {
        let self_issued = certificate.raw_issuer == certificate.raw_subject;
        let policies = certificate.details.policies.as_deref().unwrap_or_default();
        if policies.is_empty() {
            graph = None;
        }
        if limits.explicit == 0 && graph.is_none() {
            return false;
        }
        if let Some(graph) = &mut graph {
            let any = policies.contains(&ANY) && (limits.any > 0 || at > 0 && self_issued);
            graph.descend(policies, any);
            if at > 0 && !apply_mappings(graph, certificate, limits.mapping > 0) {
                return false;
            }
        }
        if at > 0 {
            limits.pass(certificate, self_issued);
        }
    }
    let demanded = limits.explicit <= 1 || leaf.details.require_explicit_policy == Some(0);
    !demanded || graph.is_some_and(|mut graph| graph.holds())
}

/// False if a mapping is forbidden.
fn apply_mappings<'d>(graph: &mut Graph<'d>, certificate: &Certificate<'d>, allowed: bool) -> bool {
    let mappings = &certificate.details.policy_mappings;
    if mappings.is_empty() {
        return true;
    }
    let mut by_issuer: BTreeMap<Policy<'d>, Vec<Policy<'d>>> = BTreeMap::new();
    for (issuer, subject) in mappings {
        if !allowed {
            graph.last().remove(issuer);
        } else if *issuer == ANY || *subject == ANY {
            return false;
        } else {
            by_issuer.entry(*issuer).or_default().push(*subject);
        }
    }
    graph.prune();
    graph.map(by_issuer);
    true
}
