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

/// Rules that compare each member of one collection with all of another, or of the same.
const JOINS: &str = r#"package p

unlike contains r.id if {
	some r in input.rs
	every x in input.xs {
		x.size >= 0
		x.id != r.id
	}
}

negated contains r.id if {
	some r in input.rs
	every x in input.xs {
		not x.id == r.id
	}
}

in_function contains r.id if {
	some r in input.rs
	apart(r)
}

apart(r) if {
	every x in input.xs {
		lower(x.id) != lower(r.id)
	}
}

nested if {
	every i, r in input.rs {
		every j, x in input.rs {
			not same(i, r, j, x)
		}
	}
}

same(i, r, j, x) if {
	i != j
	r.id == x.id
}

some_in_every if {
	every r in input.rs {
		some x in input.rs
		x.id == r.id
	}
}

twice contains r.id if {
	some r in input.rs
	count([x | some x in input.rs; x.id == r.id]) > 1
}

thrice contains r.id if {
	some r in input.rs
	count({i | some i, x in input.rs; x.id == r.id}) > 2
}

two_deep contains r.id if {
	some r in input.rs
	some m in input.modules
	some x in m.resources
	x.id == r.id
}

among_ids contains r.id if {
	some r in input.rs
	not r.id in [x.id | some x in input.xs]
}
"#;

fn steps_of_join(rule: &str, members: usize) -> u64 {
    let mut engine = Engine::new();
    engine.add_module("p.rego", JOINS);
    let policy = engine.prepare(&format!("data.p.{rule}")).unwrap();
    let list = |name: &str, size: usize| {
        let members = (0..size).map(|n| format!(r#"{{"id": "{name}{n}", "size": {n}}}"#));
        format!("[{}]", members.collect::<Vec<_>>().join(","))
    };
    let modules = (0..members / 4).map(|n| format!(r#"{{"resources": [{{"id": "r{n}"}}]}}"#));
    let input = format!(
        r#"{{"rs": {}, "xs": {}, "modules": [{}]}}"#,
        list("r", members),
        list("x", members),
        modules.collect::<Vec<_>>().join(",")
    );
    let mut session = policy.session();
    assert!(!session.eval_json(input.as_bytes()).unwrap().is_undefined());
    session.steps()
}

#[test]
fn joins_take_steps_by_the_number_of_members() {
    let rules = JOINS.lines().filter_map(|line| line.strip_suffix(" if {"));
    let rules = rules.filter_map(|head| head.split([' ', '(']).next());
    let rules = rules.filter(|rule| !["apart", "same"].contains(rule));
    for rule in rules {
        let (few, many) = (steps_of_join(rule, 200), steps_of_join(rule, 800));
        assert!(
            many < few * 5,
            "{rule}: {few} steps, and {many} for four times the members"
        );
    }
}
