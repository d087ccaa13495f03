//! What `regovm scan` has beyond conftest: places, budgets, inputs that cannot be read, an order, an end by Ctrl-C.

mod common;

use common::{Folder, Run};
use serde_json::Value;

const NAMES_A_PATH: &str = r#"package main

deny contains {"msg": "here", "_path": path} if some path in input.paths
"#;

fn scan(folder: &Folder, arguments: &[&str]) -> Run {
    let mut all = vec!["scan"];
    all.extend(arguments);
    folder.run(&all)
}

fn json(folder: &Folder, arguments: &[&str]) -> (i32, Value) {
    let mut all = vec!["-o", "json"];
    all.extend(arguments);
    let run = scan(folder, &all);
    let json = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {}", run.brief()));
    (run.status, json)
}

/// Line and column of each failure.
fn places(results: &Value) -> Vec<(String, u64, u64)> {
    let mut found = Vec::new();
    for failure in results
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|r| r["failures"].as_array())
    {
        for failure in failure {
            let at = &failure["loc"];
            let number = |name: &str| at[name].as_u64().unwrap_or(0);
            let file = at["file"].as_str().unwrap_or("-").to_owned();
            found.push((file, number("line"), number("column")));
        }
    }
    found
}

#[test]
fn results_are_shown_where_their_paths_lead() {
    let folder = Folder::new();
    folder
        .file("policy/p.rego", NAMES_A_PATH)
        .file("a.json", "{\n  \"paths\": [\"/a/b\", [\"a\", \"c\", \"d\"], \"input.a.l[1]\"],\n  \"a\": {\"b\": 1,\n    \"l\": [1,\n      2]}\n}\n")
        .file("b.yaml", "x: 1\n---\npaths: [a.b]\na:\n  b: 1\n")
        .file("c.toml", "paths = ['a.b']\n[a]\nb = 1\n")
        .file("d.tf", "paths = [\"r.x.y[0].b\"]\nr \"x\" \"y\" {\n  b = 1\n}\n");
    let (status, results) = json(&folder, &["a.json", "b.yaml", "c.toml", "d.tf"]);
    assert_eq!(status, 1);
    let at = |file: &str, line, column| (file.to_owned(), line, column);
    assert_eq!(
        places(&results),
        [
            // Results are in the order of their values: a list of names comes last.
            at("a.json", 3, 9),
            at("a.json", 5, 7),
            // There is no `a.c`: it should be in `a`.
            at("a.json", 3, 3),
            at("b.yaml", 5, 3),
            at("c.toml", 3, 1),
            at("d.tf", 3, 3),
        ]
    );
    let text = scan(&folder, &["c.toml"]).stdout;
    assert!(
        text.starts_with("FAIL - c.toml - main - here\n       at c.toml:3:1\n"),
        "{text}"
    );
    let text = scan(&folder, &["-o", "github", "c.toml"]).stdout;
    assert!(
        text.contains("::error file=c.toml,line=3,col=1::here\n"),
        "{text}"
    );
    let sarif: Value =
        serde_json::from_str(&scan(&folder, &["-o", "sarif", "c.toml"]).stdout).unwrap();
    let region = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!(region["startColumn"], 1);
}

#[test]
fn nothing_is_guessed() {
    let folder = Folder::new();
    folder
        .file(
            "policy/p.rego",
            r#"package main

deny contains {"msg": "a sentence", "path": "is no path"}

deny contains {"msg": "two steps too far", "path": "a.x.y.z"}

deny contains {"msg": "twice", "address": "t.a"}

deny contains {"msg": "not there", "address": "t.b"}
"#,
        )
        .file(
            "plan.json",
            r#"{"a": 1, "resource_changes": [{"address": "t.a"}, {"address": "t.a"}]}"#,
        );
    let (_, results) = json(&folder, &["plan.json"]);
    assert_eq!(places(&results), vec![("-".to_owned(), 0, 0); 4]);
}

#[test]
fn places_of_inputs_that_are_combined_are_those_of_their_files() {
    let folder = Folder::new();
    folder
        .file(
            "policy/p.rego",
            "package main\n\ndeny contains {\"msg\": \"x\", \"path\": [i, \"contents\", \"bad\"]} if input[i].contents.bad\n",
        )
        .file("b.yaml", "ok: 1\n---\nx: 1\nbad: 1\n")
        .file("a.json", "{\"ok\": 1}");
    let (_, results) = json(&folder, &["--combine", "b.yaml", "a.json"]);
    assert_eq!(places(&results), [("b.yaml".to_owned(), 4, 1)]);
}

#[test]
fn inputs_that_cannot_be_read_do_not_stop_the_others() {
    let folder = Folder::new();
    folder
        .file(
            "policy/p.rego",
            "package main\n\ndeny contains \"bad\" if input.bad\n",
        )
        .file("a.yaml", "a: [\n")
        .file("b.json", "{\"a\": }")
        .file("c.cue", "a: 1")
        .file("d.json", "{\"bad\": true}")
        .file("e.json", "{\"fine\": tru}");
    let run = scan(
        &folder,
        &["a.yaml", "b.json", "c.cue", "nope.json", "d.json", "e.json"],
    );
    assert_eq!(run.status, 1, "{}", run.brief());
    assert!(
        run.stdout.contains("FAIL - d.json - main - bad"),
        "{}",
        run.stdout
    );
    for told in [
        "Error: a.yaml:2:1: cannot be read as yaml",
        "Error: b.json: cannot be read as json",
        "Error: c.cue: cannot be read as cue",
        "hint: make JSON of it first: `cue export FILE",
        "Error: nope.json: get file info: stat nope.json: no such file or directory",
        // Nobody looks at the member; it has to be JSON all the same.
        "Error: e.json: cannot be read as json",
    ] {
        assert!(run.stderr.contains(told), "{told} in {}", run.stderr);
    }
    let good = scan(&folder, &["--no-fail", "a.yaml", "d.json"]);
    assert_eq!(good.status, 1, "an error is no failure of a rule");
    let (_, results) = json(&folder, &["a.yaml", "d.json"]);
    assert_eq!(results[1]["errors"][0]["loc"]["line"], 2);
}

const ENDLESS: &str = r#"package slow

deny contains "never" if {
	input.sum < 0
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a + b == input.sum
}
"#;

#[test]
fn what_is_not_decided_fails_unless_it_may_pass() {
    let folder = Folder::new();
    folder
        .file("policy/slow.rego", ENDLESS)
        .file(
            "policy/p.rego",
            "package main\n\ndeny contains \"bad\" if input.bad\n",
        )
        .file("a.json", "{\"sum\": -1}");
    let budget = ["--all-namespaces", "--max-steps", "100000", "a.json"];
    let closed = scan(&folder, &budget);
    assert_eq!(closed.status, 1, "{}", closed.brief());
    assert!(
        closed.stderr.contains("Error: a.json: slow: "),
        "{}",
        closed.stderr
    );
    assert!(
        closed.stdout.contains("1 test, 1 passed"),
        "{}",
        closed.stdout
    );
    let open = scan(&folder, &[&["--fail-open", "s*"], &budget[..]].concat());
    assert_eq!(open.status, 0, "{}", open.brief());
    assert!(
        open.stdout
            .contains("WARN - a.json - slow - not decided, and let through by --fail-open: "),
        "{}",
        open.stdout
    );
    for limit in [["--timeout", "50ms"], ["--max-memory", "100KiB"]] {
        let run = scan(&folder, &["--all-namespaces", limit[0], limit[1], "a.json"]);
        assert_eq!(run.status, 1, "{}", run.brief());
        assert!(
            run.stderr.contains("Error: a.json: slow: "),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn results_have_the_order_of_the_inputs() {
    let folder = Folder::new();
    folder.file(
        "policy/p.rego",
        "package main\n\ndeny contains data.conftest.file.name if input.n\n",
    );
    let names: Vec<String> = (0..60).map(|n| format!("in/{n:02}.json")).collect();
    for (n, name) in names.iter().enumerate() {
        folder.file(name, format!("{{\"n\": {}}}", n + 1));
    }
    for jobs in ["1", "7"] {
        let (_, results) = json(&folder, &["--jobs", jobs, "in"]);
        let told: Vec<String> = results
            .as_array()
            .unwrap()
            .iter()
            .map(|result| result["failures"][0]["msg"].as_str().unwrap().to_owned())
            .collect();
        let expected: Vec<&str> = names.iter().map(|name| &name[3..]).collect();
        assert_eq!(told, expected);
    }
    let (_, by_pattern) = json(&folder, &["in/0*.json"]);
    assert_eq!(by_pattern.as_array().unwrap().len(), 10);
}

#[test]
fn the_file_stands_beside_other_data() {
    let folder = Folder::new();
    folder
        .file(
            "policy/p.rego",
            "package main\n\ndeny contains sprintf(\"%s %v\", [data.conftest.file.name, data.limits.most]) if input.n > data.limits.most\n",
        )
        .file("data/limits.json", "{\"limits\": {\"most\": 3}}")
        .file("a.json", "{\"n\": 4}")
        .file("b.json", "{\"n\": 3}");
    let run = scan(&folder, &["-d", "data", "a.json", "b.json"]);
    assert!(
        run.stdout
            .contains("FAIL - a.json - main - a.json 3\n\n2 tests, 1 passed"),
        "{}",
        run.stdout
    );
}

#[test]
fn policies_parse_configuration() {
    let folder = Folder::new();
    folder
        .file(
            "policy/p.rego",
            r#"package main

deny contains "text" if parse_config("hcl2", input.text).a == 1

deny contains sprintf("file %s", [parse_config_file("../given.toml").name])

deny contains sprintf("%s: %v", [one.path, one.contents]) if {
	some one in parse_combined_config_files(["more/b.yaml", "../given.toml"])
}

deny contains "outside" if parse_config_file("/etc/hosts.toml")

deny contains "unknown" if parse_config("nope", "")
"#,
        )
        .file("policy/more/b.yaml", "[1, 2]")
        .file("given.toml", "name = 'x'")
        .file("a.json", "{\"text\": \"a = 1\"}");
    let run = scan(&folder, &["a.json"]);
    let told: Vec<&str> = run
        .stdout
        .lines()
        .filter_map(|line| line.split(" main - ").nth(1))
        .collect();
    assert_eq!(
        told,
        [
            "file x",
            "given.toml: {\"name\": \"x\"}",
            "policy/more/b.yaml: 1",
            "policy/more/b.yaml: 2",
            "text"
        ],
        "{}",
        run.brief()
    );
}

#[test]
fn messages_do_not_become_commands() {
    let folder = Folder::new();
    folder
        .file(
            "policy/p.rego",
            "package main\n\ndeny contains input.text\n",
        )
        .file("a.json", r#"{"text": "one\n::stop-commands::x 100%"}"#);
    let run = scan(&folder, &["-o", "github", "a.json"]);
    assert!(
        run.stdout.contains("::one%0A::stop-commands::x 100%25\n"),
        "{}",
        run.stdout
    );
    let run = scan(&folder, &["-o", "azuredevops", "a.json"]);
    assert!(
        run.stdout.contains("--> one%0A::stop-commands::x 100%\n"),
        "{}",
        run.stdout
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_with_what_is_known() {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let folder = Folder::new();
    folder
        .file("policy/slow.rego", ENDLESS)
        .file("a.json", "{}");
    let made = Command::new("mkfifo")
        .arg(folder.path().join("b.json"))
        .status()
        .unwrap();
    assert!(made.success());
    let child = folder
        .command(&["scan", "-n", "slow", "--jobs", "1", "a.json", "b.json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // This waits until the scan opens its second input.
    let mut pipe = std::fs::OpenOptions::new()
        .write(true)
        .open(folder.path().join("b.json"))
        .unwrap();
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    pipe.write_all(b"{\"sum\": -1}").unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(130), "{stdout} {stderr}");
    assert!(
        stderr.contains("Interrupted: 1 of 2 inputs were scanned"),
        "{stderr}"
    );
    assert!(stdout.contains("1 test, 1 passed"), "{stdout}");
}

#[test]
fn a_check_that_checks_nothing_says_so() {
    let folder = Folder::new();
    folder
        .file(
            "policy/a.rego",
            "package team.a\ndeny contains \"no\" if true\n",
        )
        .file("policy/b.rego", "package b\nwarn contains \"hm\" if true\n")
        .file("input.json", "{}");
    let run = folder.run(&["scan", "input.json"]);
    assert_eq!(run.status, 0, "{}", run.brief());
    assert_eq!(
        run.stderr,
        "Warning: no rule is checked: there is no deny, violation or warn in package main, but in b, team.a: name packages with --namespace, or ask them all with --all-namespaces\n"
    );
    let run = folder.run(&["scan", "--namespace", "team.a", "input.json"]);
    assert_eq!((run.status, run.stderr.as_str()), (1, ""));
}
