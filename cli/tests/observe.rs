//! What nobody else has: profiles of the real program, their comparison, and `why`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const POLICY: &str = "package p

near contains [a.name, b.name] if {
	some a in input.list
	some b in input.list
	a.n > b.n + 30
}

allow if {
	input.user == \"ada\"
	not denied
}

denied if input.action == \"delete\"
";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.rego"), POLICY).unwrap();
    let list: Vec<_> = (0..40)
        .map(|n| serde_json::json!({"name": format!("</script>{n}"), "n": n}))
        .collect();
    let input = serde_json::json!({"list": list, "user": "ada", "action": "delete"});
    fs::write(folder.path().join("input.json"), input.to_string()).unwrap();
    folder
}

fn regovm(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_regovm"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn eval(folder: &Path, args: &[&str]) -> Output {
    let base = ["eval", "-d", "p.rego", "-i", "input.json"];
    regovm(folder, &[&base, args].concat())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_loop_in_a_loop_is_named_with_its_line_and_what_helps() {
    let folder = folder();
    let output = eval(
        folder.path(),
        &["--profile", "-f", "pretty", "count(data.p.near)"],
    );
    let out = text(&output.stdout);
    let note = "p.rego:5: `some b in input.list` is a loop inside a loop: it ran 40 times and visited 1600 members";
    assert!(out.contains(note), "{out}");
    assert!(
        out.contains("compare a field of the member with =="),
        "{out}"
    );
}

/// The example, and a plan that makes it slow.
fn example() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let policy = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/terraform/quadratic.rego"
    );
    fs::copy(policy, folder.path().join("quadratic.rego")).unwrap();
    let kinds = [
        "aws_s3_bucket",
        "aws_instance",
        "aws_s3_bucket_server_side_encryption_configuration",
    ];
    let changes: Vec<_> = (0..300)
        .map(|n| {
            let (kind, name) = (kinds[n % 3], format!("x{}", n / 3));
            serde_json::json!({"type": kind, "name": name, "address": format!("{kind}.{name}")})
        })
        .filter(|change| {
            change["address"] != "aws_s3_bucket_server_side_encryption_configuration.x7"
        })
        .collect();
    let plan = serde_json::json!({"resource_changes": changes});
    fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    folder
}

#[test]
fn the_slow_example_is_told_its_line_its_loop_and_the_remedy() {
    let folder = example();
    let query = "data.terraform.quadratic.deny";
    let base = ["eval", "-d", "quadratic.rego", "-i", "plan.json", query];
    let run = |args: &[&str]| text(&regovm(folder.path(), &[&base, args].concat()).stdout);
    let out = run(&["--profile", "-f", "pretty"]);
    assert!(out.contains("aws_s3_bucket.x7 is not encrypted"), "{out}");
    let line = "quadratic.rego:15: `some other in input.resource_changes` is a loop inside a loop: it ran 100 times and visited";
    assert!(out.contains(line), "{out}");
    let caller = "called from quadratic.rego:8 `not is_encrypted(bucket)`; data.terraform.quadratic.is_encrypted takes 9";
    assert!(out.contains(caller), "{out}");
    let remedy = "remedy: no index can serve `endswith(other.address, sprintf(\".%s\", [bucket.name]))`: compare a field of the member with ==";
    assert!(out.contains(remedy), "{out}");
    // Programs are told too.
    let json: serde_json::Value = serde_json::from_str(&run(&["--profile"])).unwrap();
    let found = &json["regovm_profile"]["quadratic"];
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{json}");
    assert_eq!(
        (&found[0]["row"], &found[0]["begun"]),
        (&15.into(), &100.into())
    );
    assert_eq!(found[0]["called_from"]["row"], 8);

    run(&["--profile-by", "steps", "--profile-out", "x.html"]);
    let page = fs::read_to_string(folder.path().join("x.html")).unwrap();
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    let data: serde_json::Value =
        serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    let found = &data["quadratic"][0];
    assert_eq!(
        (&found["p"], &found["t"]),
        (
            &"quadratic.rego:15".into(),
            &"some other in input.resource_changes".into()
        )
    );
    assert!(found["remedy"].as_str().unwrap().contains("endswith"));
    // The stacks add up to the total, frame by frame.
    let frames = data["frames"].as_array().unwrap().len() as u64;
    let mut steps = 0;
    for stack in data["stacks"].as_array().unwrap() {
        let way = stack[0].as_array().unwrap();
        assert!(way.iter().all(|frame| frame.as_u64().unwrap() < frames));
        steps += stack[1][1].as_u64().unwrap();
    }
    assert_eq!(data["total"][1], steps);
    // Each frame of an expression is an expression of the table, so that the page finds its source.
    let all = |list: &str, key: &str| -> Vec<serde_json::Value> {
        let lines = data[list].as_array().unwrap().iter();
        lines.map(|line| line[key].clone()).collect()
    };
    let (labels, names) = (all("expressions", "l"), all("functions", "f"));
    for frame in data["frames"].as_array().unwrap() {
        assert!(labels.contains(frame) || names.contains(frame), "{frame}");
    }
    assert!(
        data["sources"]["quadratic.rego"]
            .as_str()
            .unwrap()
            .contains("is_encrypted")
    );

    // Taken at its word, the remedy helps.
    let policy = fs::read_to_string(folder.path().join("quadratic.rego")).unwrap();
    let better = policy.replace(
        "endswith(other.address, sprintf(\".%s\", [bucket.name]))",
        "other.name == bucket.name",
    );
    fs::write(folder.path().join("quadratic.rego"), better).unwrap();
    let out = run(&["--profile", "-f", "pretty"]);
    assert!(out.contains("aws_s3_bucket.x7 is not encrypted"), "{out}");
    assert!(!out.contains("loop inside a loop"), "{out}");
}

#[test]
fn profiles_are_written_in_the_form_that_the_name_asks_for() {
    let folder = folder();
    let write = |name: &str| {
        let args = [
            "--profile-by",
            "steps",
            "--profile-out",
            name,
            "count(data.p.near)",
        ];
        let output = eval(folder.path(), &args);
        assert!(output.status.success(), "{}", text(&output.stderr));
        fs::read_to_string(folder.path().join(name)).unwrap()
    };
    let folded = write("x.folded");
    assert!(
        folded
            .lines()
            .any(|line| line.starts_with("query 0;") && line.contains(";data.p.near;p.rego:5 ")),
        "{folded}"
    );
    // Steps are the same on every run.
    assert_eq!(folded, write("y.txt"));
    let speedscope: serde_json::Value = serde_json::from_str(&write("x.speedscope.json")).unwrap();
    let profile = &speedscope["profiles"][0];
    let weights = profile["weights"].as_array().unwrap();
    let sum: u64 = weights.iter().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(profile["endValue"], sum);
    assert_eq!(profile["samples"].as_array().unwrap().len(), weights.len());
    let page = write("x.html");
    // The only scripts are ours: texts of the policy and of the data stay data.
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("src=") && !page.contains("http://") && !page.contains("https://"));
    let output = eval(folder.path(), &["--profile-out", "x.png", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(".html"));
}

#[test]
fn a_baseline_is_a_gate_and_profiles_are_compared() {
    let folder = folder();
    let path = folder.path();
    eval(path, &["--profile-out", "small.json", "data.p.allow"]);
    eval(path, &["--profile-out", "large.json", "data.p"]);
    let gate = |baseline: &str, query: &str| {
        let args = [
            "--profile-baseline",
            baseline,
            "--max-regression",
            "10",
            query,
        ];
        eval(path, &args)
    };
    assert!(gate("large.json", "data.p.allow").status.success());
    let output = gate("small.json", "data.p");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("p.rego:5 some b in input.list"));
    let output = regovm(path, &["profile", "diff", "small.json", "large.json"]);
    assert!(text(&output.stdout).contains("p.rego:5 some b in input.list"));
    let output = regovm(path, &["profile", "diff", "p.rego", "large.json"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn why_names_the_expression_that_failed_and_its_values() {
    let folder = folder();
    let args = ["why", "-d", "p.rego", "-i", "input.json", "data.p.allow"];
    let output = regovm(folder.path(), &args);
    assert_eq!(
        text(&output.stdout),
        "data.p.allow is undefined
  p.rego:9  allow if {
    p.rego:11  `not denied` does not hold
      p.rego:14  denied if input.action == \"delete\"
        holds
"
    );
    fs::write(folder.path().join("input.json"), "{\"user\": \"bob\"}").unwrap();
    let output = regovm(folder.path(), &args);
    let out = text(&output.stdout);
    assert!(
        out.contains(
            "p.rego:10  `input.user == \"ada\"` does not hold\n      input.user = \"bob\""
        ),
        "{out}"
    );
}
