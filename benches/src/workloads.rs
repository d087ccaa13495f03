//! What benchmarks compile and evaluate: policies with inputs and data, from fixed texts and seeded generators. The same
//! bytes on every machine.

use regovm::{Data, Document, Engine, Failure, PreparedPolicy};
use serde_json::{Value, json};

use crate::plan;

/// A policy with what it is asked about.
pub struct Workload {
    /// Its name in tables.
    pub name: String,
    /// The policy. Its package is `rivals`.
    pub policy: String,
    /// JSON.
    pub input: Vec<u8>,
    /// JSON.
    pub data: Option<String>,
}

/// What all of them are asked.
pub const QUERY: &str = "data.rivals.deny";

/// Policies over Terraform plans.
const OVER_PLANS: &[(&str, &str)] = &[
    (
        "linear rules",
        include_str!("../rivals/policies/linear.rego"),
    ),
    ("walk", include_str!("../rivals/policies/walk.rego")),
    (
        "self join",
        include_str!("../rivals/policies/self_join.rego"),
    ),
    (
        "join in a function",
        include_str!("../rivals/policies/in_function.rego"),
    ),
    (
        "negated existence",
        include_str!("../rivals/policies/negated.rego"),
    ),
    (
        "comprehension for each",
        include_str!("../rivals/policies/comprehension.rego"),
    ),
    (
        "join on two keys",
        include_str!("../rivals/policies/two_keys.rego"),
    ),
];

/// Policies over a list of words.
const OVER_WORDS: &[(&str, &str)] = &[
    ("strings", include_str!("../rivals/policies/strings.rego")),
    ("sets", include_str!("../rivals/policies/sets.rego")),
    (
        "comprehensions",
        include_str!("../rivals/policies/comprehensions.rego"),
    ),
];

/// How large workloads are.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Resources of plans.
    pub resources: usize,
    /// Rules of the library, each for a type of resources.
    pub library: usize,
    /// Rules that allow something.
    pub allow: usize,
    /// Roles in the data.
    pub roles: usize,
    /// Words.
    pub words: usize,
}

impl Sizes {
    /// For measurements of time.
    pub const LARGE: Sizes = Sizes {
        resources: 1_000,
        library: 200,
        allow: 1_000,
        roles: 10_000,
        words: 200,
    };
    /// For counts, in builds that are slow.
    pub const SMALL: Sizes = Sizes {
        resources: 40,
        library: 20,
        allow: 50,
        roles: 200,
        words: 40,
    };
}

impl Workload {
    /// All of them.
    pub fn all(sizes: Sizes) -> Vec<Workload> {
        let mut input = Vec::new();
        plan::write_plan(&mut input, 1, sizes.resources).expect("a vector takes everything");
        let over_plan = |name: &str, policy: &str| Workload {
            name: name.to_owned(),
            policy: policy.to_owned(),
            input: input.clone(),
            data: None,
        };
        let over = |name: &str, policy: &str, input: &Value| Workload {
            name: name.to_owned(),
            policy: policy.to_owned(),
            input: input.to_string().into_bytes(),
            data: None,
        };
        let request = json!({"user": "user7777", "action": "read", "resource": "thing3"});
        let member = json!({"user": "user7", "action": "write", "resource": "thing3"});
        let words = words(sizes.words);
        let mut all = vec![over_plan("library of rules", &library(sizes.library))];
        all.extend(
            OVER_PLANS
                .iter()
                .map(|(name, policy)| over_plan(name, policy)),
        );
        all.push(Workload {
            input: include_bytes!("../../examples/kubernetes/admission.json").to_vec(),
            ..over(
                "admission review",
                include_str!("../rivals/policies/admission.rego"),
                &Value::Null,
            )
        });
        all.push(over("allow rules", &allow_rules(sizes.allow), &request));
        all.push(Workload {
            data: Some(roles(sizes.roles).to_string()),
            ..over(
                "roles as data",
                include_str!("../rivals/policies/rbac.rego"),
                &member,
            )
        });
        all.extend(
            OVER_WORDS
                .iter()
                .map(|(name, policy)| over(name, policy, &words)),
        );
        all
    }

    /// An engine that has the policy, parsed.
    pub fn engine(&self) -> Engine {
        let mut engine = Engine::new();
        engine.add_module("policy.rego", &self.policy);
        engine
    }

    /// The policy, compiled, with its data.
    pub fn prepare(&self) -> Result<PreparedPolicy, Failure> {
        let policy = self.engine().prepare(QUERY)?;
        match &self.data {
            Some(data) => {
                let document = Document::json("data.json", data.as_bytes());
                Ok(policy.with_data(&Data::new(&[document])?))
            }
            None => Ok(policy),
        }
    }
}

/// Resource types that plans have, and some that they have not.
const TYPES: &[&str] = &[
    "aws_s3_bucket",
    "aws_instance",
    "aws_db_instance",
    "aws_kms_key",
    "aws_ebs_volume",
    "aws_iam_role",
    "aws_iam_policy",
    "aws_security_group",
    "aws_lambda_function",
    "aws_cloudtrail",
    "aws_eks_cluster",
    "aws_lb_listener",
];

/// A policy of so many pairs of rules, each for resources of one type.
pub fn library(rules: usize) -> String {
    let mut text = "package rivals\n".to_owned();
    for rule in 0..rules {
        let kind = match TYPES.get(rule % 40) {
            Some(kind) => (*kind).to_owned(),
            None => format!("aws_type_{}", rule % 40),
        };
        text += &format!(
            "\ndeny contains msg if {{\n\tsome r in input.resource_changes\n\tr.type == \"{kind}\"\n\t\
             r.change.after.setting_{rule} == true\n\tmsg := sprintf(\"%s: rule {rule}\", [r.address])\n}}\n\
             \ndeny contains msg if {{\n\tsome r in input.resource_changes\n\tr.type == \"{kind}\"\n\t\
             endswith(r.name, \"_{rule}\")\n\tmsg := sprintf(\"%s: name {rule}\", [r.address])\n}}\n"
        );
    }
    text
}

/// A policy of so many rules that allow one user one action.
pub fn allow_rules(rules: usize) -> String {
    let mut text = "package rivals\n\ndefault deny := true\n".to_owned();
    for rule in 0..rules {
        let user = if rule == rules / 2 { 7777 } else { rule };
        text += &format!(
            "\ndeny := false if {{\n\tinput.user == \"user{user}\"\n\tinput.action == \"read\"\n\tinput.resource == \"thing3\"\n}}\n"
        );
    }
    text
}

/// Users with roles, and roles with grants.
pub fn roles(count: usize) -> Value {
    let user = |n: usize| {
        let roles: Vec<String> = (0..3)
            .map(|i| format!("role{}", (n * 7 + i * 131) % count))
            .collect();
        (format!("user{n}"), json!(roles))
    };
    let role = |n: usize| {
        let grants: Vec<Value> = (0..4)
            .map(|i| {
                let action = ["read", "write"][(n + i) % 2];
                json!({"action": action, "resource": format!("thing{}", (n + i) % 50)})
            })
            .collect();
        json!({"name": format!("role{n}"), "grants": grants})
    };
    let users: serde_json::Map<String, Value> = (0..count / 10).map(user).collect();
    json!({"users": users, "roles": (0..count).map(role).collect::<Vec<_>>()})
}

/// Words with numbers, for the small policies.
pub fn words(count: usize) -> Value {
    let word = |n: usize| {
        json!({
            "id": n,
            "name": format!("Name-{n}.example.com"),
            "tags": [format!("t{}", n % 7), format!("t{}", n % 11)],
            "size": n * 37 % 101,
        })
    };
    json!({
        "items": (0..count).map(word).collect::<Vec<_>>(),
        "allowed": (0..50).map(|n| format!("t{}", n % 9)).collect::<Vec<_>>(),
    })
}
