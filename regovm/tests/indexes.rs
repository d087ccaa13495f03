//! Indexes of base data outlive a query: answers and steps must not tell.

use regovm::{Document, DocumentFormat, Engine, PreparedPolicy, SharedPolicy};

const POLICY: &str = r#"package p

allow if {
	some name in data.users[input.user]
	some role in data.roles
	role.name == name
	role.grant == input.action
}
"#;

fn data(shift: usize) -> Document {
    let roles: Vec<String> = (0..40)
        .map(|n| {
            format!(
                r#"{{"name": "role{n}", "grant": "{}"}}"#,
                ["read", "write"][(n + shift) % 2]
            )
        })
        .collect();
    Document {
        name: "data.json".to_owned(),
        path: Vec::new(),
        format: DocumentFormat::Json,
        bytes: format!(
            r#"{{"users": {{"alice": ["role2", "role4"], "bob": ["role33"]}}, "roles": [{}]}}"#,
            roles.join(",")
        )
        .into_bytes(),
    }
}

fn policy(off: &[&str]) -> PreparedPolicy {
    let mut engine = Engine::new();
    engine.disable_rewrites(off).unwrap();
    engine.add_module("p.rego", POLICY).add_document(data(0));
    engine.prepare("data.p.allow").unwrap()
}

const QUESTIONS: [(&str, bool); 4] = [
    (r#"{"user": "alice", "action": "read"}"#, true),
    (r#"{"user": "alice", "action": "write"}"#, false),
    (r#"{"user": "bob", "action": "write"}"#, true),
    (r#"{"user": "carol", "action": "read"}"#, false),
];

#[test]
fn every_query_takes_the_same_steps() {
    let policy = policy(&[]);
    let mut kept = policy.session();
    for _ in 0..3 {
        for (input, allowed) in QUESTIONS {
            let answer = kept.eval_json(input.as_bytes()).unwrap();
            assert_eq!(!answer.is_undefined(), allowed, "{input}");
            let steps = kept.steps();
            let mut fresh = policy.session();
            fresh.eval_json(input.as_bytes()).unwrap();
            assert_eq!(steps, fresh.steps(), "{input}");
        }
    }
}

#[test]
fn the_optimiser_changes_no_answer() {
    let mut session = policy(&["collection-index"]).session();
    for (input, allowed) in QUESTIONS {
        let answer = session.eval_json(input.as_bytes()).unwrap();
        assert_eq!(!answer.is_undefined(), allowed, "{input}");
    }
}

#[test]
fn other_data_have_other_indexes() {
    let policy = policy(&[]);
    let shared = SharedPolicy::new(policy.clone());
    let mut session = shared.session();
    for shift in [0, 1, 2, 3] {
        shared.replace(policy.with_documents(&[data(shift)]).unwrap());
        for (input, allowed) in QUESTIONS {
            let answer = session.eval_json(input.as_bytes()).unwrap();
            let known = !input.contains("carol");
            let expected = known && allowed == (shift % 2 == 0);
            assert_eq!(!answer.is_undefined(), expected, "{shift} {input}");
        }
    }
}
