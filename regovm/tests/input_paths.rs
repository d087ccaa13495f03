//! Which parts of the input queries look at, and that leaving out the others changes nothing.
#![allow(
    clippy::disallowed_methods,
    reason = "the policies and inputs of the examples are files"
)]

use std::path::Path;

use regovm::{Engine, PreparedPolicy};

fn prepare(policy: &str, query: &str) -> PreparedPolicy {
    let mut engine = Engine::new();
    engine.add_module("p.rego", policy);
    engine
        .prepare(query)
        .unwrap_or_else(|failure| panic!("{failure:?}\n{policy}"))
}

/// The paths of a policy with the rules `p`, of which `data.t.p` is asked for.
fn paths(rules: &str) -> Vec<String> {
    prepare(&format!("package t\n{rules}"), "data.t.p").input_paths(0)
}

#[test]
fn paths_are_followed() {
    let everything: &[&str] = &["input"];
    let mut wrong = Vec::new();
    for (rules, wanted) in [
        ("p := 1", &["input?"][..]),
        ("p := input", everything),
        ("p := input.a.b", &[r#"input["a"]["b"]"#]),
        ("p if input.a.b", &[r#"input["a"]["b"]?"#]),
        ("p if not input.a", &[r#"input["a"]?"#]),
        ("p if input.a.b == 1", &[r#"input["a"]["b"]"#]),
        ("p if input[\"a b\"].c > 1", &[r#"input["a b"]["c"]"#]),
        (
            "p contains r.name if { some r in input.rs; r.type == \"x\" }",
            &[r#"input["rs"][_]["name"]"#, r#"input["rs"][_]["type"]"#],
        ),
        (
            "p contains i if input.rs[i].type == \"x\"",
            &[r#"input["rs"][_]["type"]"#],
        ),
        ("p if input.rs[0].x == 1", &[r#"input["rs"][_]["x"]"#]),
        (
            "p if input[input.key].x == 1",
            &[r#"input[_]["x"]"#, r#"input["key"]"#],
        ),
        ("p := count(input.rs)", &[r#"input["rs"][_]?"#]),
        ("p if is_string(input.rs)", &[r#"input["rs"]?"#]),
        (
            "p := object.get(input.a, \"b\", 1)",
            &[r#"input["a"]["b"]"#],
        ),
        (
            "p := object.get(input, [\"a\", \"b\", 0], 1)",
            &[r#"input["a"]["b"][_]"#],
        ),
        (
            "p := object.get(input.a, input.k, 1)",
            &[r#"input["a"]"#, r#"input["k"]"#],
        ),
        ("p if { walk(input.a, [_, v]); v == 1 }", &[r#"input["a"]"#]),
        (
            "p if { x := [y | y := input.a[_]]; x[0].b == 1 }",
            &[r#"input["a"][_]["b"]"#],
        ),
        (
            "p if { x := [input.a, input.b]; x[_].c == 1 }",
            &[r#"input["a"]["c"]"#, r#"input["b"]["c"]"#],
        ),
        (
            "p if { x := {y | y := input.a[_]}; count(x) > 1 }",
            &[r#"input["a"][_]"#],
        ),
        (
            "p if every r in input.a { r.b == 1 }",
            &[r#"input["a"][_]["b"]"#],
        ),
        (
            "p if input.a == input.b",
            &[r#"input["a"]"#, r#"input["b"]"#],
        ),
        ("p := json.marshal(input.a)", &[r#"input["a"]"#]),
        (
            "p if { [x, y] := input.a; x.b == y }",
            &[r#"input["a"][_]"#],
        ),
        (
            "f(r) := r.change.after\np contains x if { some r in input.rs; f(r).acl == \"x\"; x := r.name }",
            &[
                r#"input["rs"][_]["change"]["after"]["acl"]"#,
                r#"input["rs"][_]["name"]"#,
            ],
        ),
        (
            "f(r) if r.a\nf(r) if g(r)\ng(r) if r.b.c == 1\np if f(input.x)",
            &[r#"input["x"]["a"]?"#, r#"input["x"]["b"]["c"]"#],
        ),
        (
            "p if { x := input.a with input.a as input.b; x.c }",
            &[r#"input["a"]["c"]?"#, r#"input["b"]"#],
        ),
        (
            "q if input.a == 1\np if q with input as {\"a\": 1}",
            &[r#"input["a"]"#],
        ),
        (
            "f(x) := x.a\ng(x) := x.b\np if f(input.c) == 1 with f as g",
            &[r#"input["c"]"#],
        ),
        (
            "p if { x := count(input.a) with count as 3; x == 3 }",
            &[r#"input["a"]"#],
        ),
    ] {
        let found = paths(rules);
        if found != wanted {
            wrong.push(format!("{rules}: {found:?} and not {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn queries_have_paths_of_their_own_and_keep_them_when_saved() {
    let mut engine = Engine::new();
    engine.add_module("p.rego", "package t\np if input.a\nq if input.b.c == 1");
    let policy = engine
        .prepare_with(&["data.t.p", "data.t.q", "input"], &Default::default())
        .unwrap();
    let loaded = PreparedPolicy::load(&policy.save()).unwrap();
    for policy in [&policy, &loaded] {
        assert_eq!(policy.input_paths(0), [r#"input["a"]?"#]);
        assert_eq!(policy.input_paths(1), [r#"input["b"]["c"]"#]);
        assert_eq!(policy.input_paths(2), ["input"]);
        assert!(policy.input_paths(3).is_empty());
        let mut session = policy.session();
        let input = br#"{"a": false, "b": {"c": 1, "x": [}"#;
        assert!(session.eval_query_json(1, input).is_err());
    }
}

#[test]
fn what_is_left_out_is_checked_on_demand() {
    let policy = prepare("package t\np := input.a", "data.t.p");
    let mut session = policy.session();
    let input = br#"{"a": 1, "b": [1 2]}"#;
    let answer = session.eval_json(input).unwrap();
    assert_eq!(answer.value(), Some(serde_json::json!(1)));
    session.set_strict_input(true);
    let failure = session.eval_json(input).err().unwrap();
    assert_eq!(
        failure.errors[0].message,
        "invalid character '2' after array element"
    );
    // Without the projection the input is read as a whole.
    let mut engine = Engine::new();
    engine.add_module("p.rego", "package t\np := input.a");
    engine.disable_rewrites(&["input-projection"]).unwrap();
    let policy = engine.prepare("data.t.p").unwrap();
    assert_eq!(policy.input_paths(0), ["input"]);
    assert!(policy.session().eval_json(input).is_err());
}

/// Answers of the examples, with and without projection.
#[test]
fn examples_answer_the_same() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for (folder, input, queries) in [
        (
            "terraform",
            "plan.json",
            &["data", "data.terraform.deny"][..],
        ),
        ("kubernetes", "admission.json", &["data"]),
    ] {
        let input = std::fs::read(examples.join(folder).join(input)).unwrap();
        let answers = |disabled: &[&str]| -> Vec<_> {
            let mut engine = Engine::new();
            let policies = std::fs::read_dir(examples.join(folder).join("policy")).unwrap();
            let mut files: Vec<_> = policies.map(|entry| entry.unwrap().path()).collect();
            files.sort();
            for file in files {
                let text = std::fs::read_to_string(&file).unwrap();
                engine.add_module(&file.to_string_lossy(), &text);
            }
            engine.disable_rewrites(disabled).unwrap();
            let policy = engine.prepare_with(queries, &Default::default()).unwrap();
            let mut session = policy.session();
            (0..queries.len())
                .map(|query| {
                    let answer = session.eval_query_json(query, &input).unwrap();
                    (
                        answer.value(),
                        answer.steps(),
                        policy.input_paths(query).len(),
                    )
                })
                .collect()
        };
        let (on, off) = (answers(&[]), answers(&["input-projection"]));
        for ((on, steps, parts), (off, steps_off, _)) in on.into_iter().zip(off) {
            assert!(on.is_some());
            assert_eq!(on, off);
            assert_eq!(steps, steps_off);
            assert!(parts > 1, "{folder}");
        }
    }
}
