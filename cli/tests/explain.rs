//! `regovm explain`, and `--disable`.

mod common;

use common::Folder;

const POLICY: &str = r#"package p

twin(a) if {
	some b in input.rs
	b.name == a.name
	b.id != a.id
}

deny contains a.id if {
	some a in input.rs
	twin(a)
}
"#;

#[test]
fn the_plan_names_each_loop_and_what_serves_it() {
    let folder = Folder::new();
    folder.file("p.rego", POLICY);
    let run = folder.run(&["explain", "--plan", "-d", "p.rego", "data.p.deny"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let wanted = "\
data.p.deny
  p.rego:10  some a in input.rs
    visits all members: none is compared (==) with what is known before the loop

data.p.twin
  p.rego:4  some b in input.rs
    members are found by index 0, for `b.name == a.name`

rewritten by
  guard-motion: look-ups and comparisons that do not depend on a loop's member are made before the loop
  collection-index: iterations that compare members with what is known find them by an index
";
    assert_eq!(run.stdout, wanted);
    let off = folder.run(&[
        "explain",
        "-d",
        "p.rego",
        "--disable",
        "collection-index",
        "data.p.deny",
    ]);
    assert!(!off.stdout.contains("index 0"), "{}", off.stdout);
}

#[test]
fn stages_are_shown() {
    let folder = Folder::new();
    folder.file("p.rego", POLICY);
    for (stage, part) in [("ir", "by index 0"), ("bytecode", "IndexSeek")] {
        let run = folder.run(&["explain", "--stage", stage, "-d", "p.rego", "data.p.deny"]);
        assert!(run.stdout.contains(part), "{}{}", run.stdout, run.stderr);
    }
}

#[test]
fn rewrites_are_switched_off_by_name() {
    let folder = Folder::new();
    folder.file("p.rego", POLICY);
    let rs: Vec<String> = (0..40)
        .map(|id| format!(r#"{{"id": {id}, "name": "n{}"}}"#, id % 30))
        .collect();
    folder.file("input.json", format!(r#"{{"rs": [{}]}}"#, rs.join(",")));
    let eval = |more: &[&str]| {
        let arguments = ["eval", "-d", "p.rego", "-i", "input.json", "data.p.deny"];
        folder.run(&[&arguments[..], more].concat())
    };
    let all = eval(&[]);
    assert_eq!(all.status, 0, "{}", all.stderr);
    let none = eval(&["--disable", "collection-index,rule-index"]);
    assert_eq!(none.stdout, all.stdout);
    let wrong = eval(&["--disable", "magic"]);
    assert_eq!(wrong.status, 2);
    assert!(
        wrong.stdout.contains("there is no rewrite magic"),
        "{}",
        wrong.stdout
    );
}
