//! Which module holds how many resources.

use super::rng::Rng;

/// A module of the plan: the root, or a call, perhaps with an instance key.
#[derive(Debug)]
pub struct Module {
    /// `module.app["blue"]`; empty for the root.
    pub address: String,
    /// Name of the call in the parent, without the key; empty for the root.
    pub call: String,
    /// Where the module's source stands.
    pub source: String,
    /// Seed of its resources.
    pub id: u64,
    /// How many resources stand in this module itself.
    pub own: usize,
    /// Nested modules.
    pub children: Vec<Module>,
}

const CALLS: &[&str] = &[
    "network", "database", "storage", "cluster", "web", "worker", "queue", "audit", "identity",
    "cache", "ingest", "search", "billing", "reports", "gateway",
];

const PARTS: &[&str] = &["logs", "backup", "replica", "private", "public"];

/// Divides `total` resources among a root module, calls, and nested calls.
pub fn layout(seed: u64, total: usize) -> Module {
    let mut rng = Rng::at(seed, &[u64::MAX]);
    let in_root = total.min((total / 8).max(12));
    let mut left = total - in_root;
    let mut children = Vec::new();
    let mut id = 1;
    while left > 0 {
        let size = left.min(8 + rng.below(24) as usize);
        left -= size;
        children.push(call(&mut rng, &mut id, children.len(), size));
    }
    Module {
        address: String::new(),
        call: String::new(),
        source: String::new(),
        id: 0,
        own: in_root,
        children,
    }
}

fn call(rng: &mut Rng, id: &mut u64, number: usize, size: usize) -> Module {
    let base = CALLS[number % CALLS.len()];
    let round = number / CALLS.len();
    let name = if round == 0 {
        base.to_owned()
    } else {
        format!("{base}_{round}")
    };
    let address = match rng.below(3) {
        0 => format!("module.{name}[0]"),
        1 => format!(
            "module.{name}[\"{}\"]",
            rng.pick(&["blue", "green", "eu-west-1", "us-east-1"])
        ),
        _ => format!("module.{name}"),
    };
    let source = match rng.below(4) {
        0 => format!("git::https://github.com/acme/terraform-aws-{base}.git"),
        1 => format!(
            "git::https://github.com/acme/terraform-aws-{base}.git?ref=v{}.{}.0",
            1 + rng.below(4),
            rng.below(9)
        ),
        2 => format!("terraform-aws-modules/{base}/aws"),
        _ => format!("./modules/{base}"),
    };
    *id += 1;
    let mut module = Module {
        address,
        call: name,
        source,
        id: *id,
        own: size,
        children: Vec::new(),
    };
    // A third of a larger module's resources stand in modules that it calls.
    if size >= 12 && rng.chance(60) {
        let nested = size / 3;
        module.own -= nested;
        let part = rng.pick(PARTS);
        *id += 1;
        module.children.push(Module {
            address: format!("{}.module.{part}", module.address),
            call: part.to_owned(),
            source: format!("./{part}"),
            id: *id,
            own: nested,
            children: Vec::new(),
        });
    }
    module
}

#[cfg(test)]
mod tests {
    use super::{Module, layout};

    fn count(module: &Module) -> usize {
        module.own + module.children.iter().map(count).sum::<usize>()
    }

    #[test]
    fn no_resource_is_lost() {
        for total in [0, 1, 5, 40, 1_000, 10_000] {
            assert_eq!(count(&layout(3, total)), total);
        }
    }
}
