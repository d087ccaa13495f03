//! Whatever files say, and wherever they are not: a clear error and an exit status, never a crash.

mod common;

use common::{Folder, Run};

const DEEP: usize = 100_000;

/// No signal, no panic.
fn sane(name: &str, run: &Run) {
    assert!(matches!(run.status, 0..=2), "{name}: {}", run.brief());
    assert!(!run.stderr.contains("panicked"), "{name}: {}", run.stderr);
}

fn eval_policy(name: &str, policy: &[u8]) -> Run {
    let folder = Folder::new();
    folder.file("p.rego", policy);
    let run = folder.run(&["eval", "-d", "p.rego", "data.p.x", "--timeout", "60s"]);
    sane(name, &run);
    run
}

#[test]
fn deep_policies_are_refused_by_the_parser() {
    let nest = |open: &str, middle: &str, close: &str| {
        format!(
            "package p\nx := {}{middle}{}\n",
            open.repeat(DEEP),
            close.repeat(DEEP)
        )
    };
    let cases = [
        ("arrays", nest("[", "", "]")),
        ("objects", nest("{\"a\":", "1", "}")),
        ("sets", nest("{", "1", "}")),
        ("parentheses", nest("(", "1", ")")),
        ("array comprehensions", nest("[1 | ", "true", "]")),
        ("set comprehensions", nest("{1 | ", "true", "}")),
        ("object comprehensions", nest("{1: 2 | ", "true", "}")),
        ("calls", nest("abs(", "1", ")")),
        ("refs in refs", nest("input[", "0", "]")),
        ("template strings", nest("$\"{", "1", "}\"")),
        ("sums", nest("1 + ", "1", "")),
        ("unions", nest("{1} | ", "{1}", "")),
        ("memberships", nest("1 in ", "[1]", "")),
        ("open brackets", nest("[", "", "")),
        ("open braces", nest("{", "", "")),
        ("open parentheses", nest("(", "", "")),
        ("else", nest("1 if { false } else := ", "2", "")),
        (
            "every",
            format!(
                "package p\nx if {{ {}true{} }}\n",
                "every a in [1] {".repeat(DEEP),
                "}".repeat(DEEP)
            ),
        ),
    ];
    for (name, policy) in cases {
        let run = eval_policy(name, policy.as_bytes());
        assert_eq!(run.status, 2, "{name}: {}", run.brief());
        let (code, message) = run.errors().remove(0);
        assert_eq!(code, "rego_parse_error", "{name}");
        assert_eq!(message, "max parsing recursion depth exceeded", "{name}");
    }
    let nots = format!("package p\nx if {{ {}true }}\n", "not ".repeat(DEEP));
    let run = eval_policy("not", nots.as_bytes());
    assert_eq!(run.status, 2);
    assert_eq!(run.errors()[0].0, "rego_parse_error");
}

#[test]
fn long_policies_are_read() {
    let policy = |text: String| format!("package p\n{text}\n");
    let cases = [
        (
            "a ref of many parts",
            policy(format!("x := input{}", ".a".repeat(10_000))),
        ),
        (
            "many imports",
            policy("import data.a\n".repeat(10_000) + "x := 1"),
        ),
        (
            "many with",
            policy(format!(
                "x if {{ true {}}}",
                "with input as 1 ".repeat(5_000)
            )),
        ),
        (
            "many expressions",
            policy(format!("x if {{ {}}}", "true\n".repeat(10_000))),
        ),
        (
            "a long identifier",
            policy("a".repeat(1 << 20) + " := 1\nx := 1"),
        ),
        (
            "a long string",
            policy(format!("x := count(\"{}\")", "a".repeat(1 << 20))),
        ),
        (
            "a long raw string",
            policy(format!("x := count(`{}`)", "a".repeat(1 << 20))),
        ),
        (
            "a long comment",
            policy(format!("# {}\nx := 1", "a".repeat(1 << 20))),
        ),
        (
            "a long array",
            policy(format!("x := count([{}1])", "1,".repeat(10_000))),
        ),
        (
            "a string without end",
            policy(format!("x := \"{}", "a".repeat(1 << 20))),
        ),
        (
            "a number of a million digits",
            policy(format!("x := {}", "9".repeat(1 << 20))),
        ),
    ];
    for (name, text) in cases {
        let run = eval_policy(name, text.as_bytes());
        let fails = matches!(
            name,
            "many imports" | "a string without end" | "a number of a million digits"
        );
        assert_eq!(
            run.status,
            if fails { 2 } else { 0 },
            "{name}: {}",
            run.brief()
        );
    }
}

#[test]
fn texts_that_are_no_policies() {
    let cases: [(&str, &[u8], &str); 6] = [
        ("nothing", b"", "empty module"),
        ("a comment", b"# nothing", "empty module"),
        (
            "no UTF-8",
            b"package p\nx := \"\xff\xfe\"\n",
            "illegal utf-8 character",
        ),
        (
            "half a character",
            b"package p\nx := \"\xe2\x82",
            "illegal utf-8 character",
        ),
        ("zeros", b"\0\0\0\0", "illegal null character"),
        ("an archive", b"PK\x03\x04\x14\x00\x00\x00", ""),
    ];
    for (name, text, message) in cases {
        let run = eval_policy(name, text);
        assert_eq!(run.status, 2, "{name}: {}", run.brief());
        let (code, got) = run.errors().remove(0);
        assert_eq!(code, "rego_parse_error", "{name}");
        assert!(got.contains(message), "{name}: {got}");
    }
}

#[test]
fn numbers_of_any_size_end_quickly() {
    let big = "json.unmarshal(\"1e99999\")";
    let cases = [
        "1e999999999".to_owned(),
        "bits.lsh(1, 1000000000000)".into(),
        "bits.lsh(1, 1e12)".into(),
        "json.unmarshal(\"1e999999999\") + 1".into(),
        "to_number(\"1e999999999\")".into(),
        format!("{big} * {big} * {big}"),
        format!("ceil({big})"),
        format!("floor({big} / 3)"),
        format!("format_int({big}, 16)"),
        format!("sprintf(\"%d %f %e %v\", [{big}, {big}, {big}, {big}])"),
        format!("numbers.range({big}, {big} + 1)"),
        format!("numbers.range(1, {big})"),
        format!("substring(\"abc\", {big}, 1)"),
        format!("[1, 2][{big}]"),
        format!("5 % {big}"),
        format!("sum([{big}, 1, 1e-9999])"),
    ];
    for expression in cases {
        let run = eval_policy(
            &expression,
            format!("package p\nx := {expression}\n").as_bytes(),
        );
        assert!(run.stdout.len() < 10_000_000);
    }
}

#[test]
fn deep_and_broken_documents() {
    let deep = [
        ("j.json", "[".repeat(DEEP) + &"]".repeat(DEEP)),
        ("o.json", "{\"a\":".repeat(DEEP) + "1" + &"}".repeat(DEEP)),
        ("open.json", "[".repeat(DEEP)),
        ("opeo.json", "{\"a\":".repeat(DEEP)),
        ("y.yaml", "- ".repeat(DEEP) + "1"),
        (
            "f.yaml",
            format!("a: {}{}", "[".repeat(DEEP), "]".repeat(DEEP)),
        ),
        ("k.yaml", "? ".repeat(DEEP) + "1"),
        ("cut.json", "{\"a\": [1, 2, \"x".into()),
        ("long.json", format!("\"{}", "a".repeat(1 << 20))),
        ("self.yaml", "a: &a [*a]".into()),
        (
            "bomb.yaml",
            (0..40).fold("a0: &a0 [1, 1]\n".to_owned(), |text, i| {
                text + &format!("a{}: &a{} [*a{i}, *a{i}]\n", i + 1, i + 1)
            }),
        ),
    ];
    let folder = Folder::new();
    for (name, text) in deep {
        folder.file(name, text);
        for arguments in [
            ["eval", "-i", name, "count(input)"],
            ["eval", "-d", name, "count(data)"],
        ] {
            let run = folder.run(&arguments);
            sane(name, &run);
            assert_eq!(run.status, 2, "{name}: {}", run.brief());
            // Errors of an input are text on standard error, as OPA's are; those of data are part of the result.
            let said = if arguments[1] == "-i" {
                run.stderr.clone()
            } else {
                run.errors().remove(0).1
            };
            assert!(said.len() > 10, "{name}: {}", run.brief());
        }
    }
}

#[test]
fn every_prefix_of_a_policy_and_of_a_document() {
    let policy = "package p\n\nimport data.a as b\n\ndefault x := {\"é\": [1, `r`]}\n\nx contains y if {\n\tsome k, y in input.z with input as 1e3\n\tnot f(k) == $\"{y}\" # c\n} else := 2\n";
    let folder = Folder::new();
    let mut names = Vec::new();
    for end in (0..policy.len()).step_by(3) {
        let name = format!("{end}.rego");
        folder.file(&name, &policy.as_bytes()[..end]);
        names.push(name);
    }
    for name in &names {
        let run = folder.run(&["check", name]);
        sane(name, &run);
        if run.status != 0 {
            assert!(run.stderr.contains("error"), "{name}: {}", run.brief());
        }
    }
    let document = "{\"a\": [1.5e3, \"\\u00e9\\n\", true, null], \"b\": {\"c\": -1}}";
    for end in (0..document.len()).step_by(2) {
        folder.file("d.json", &document[..end]);
        let run = folder.run(&["eval", "-d", "d.json", "data"]);
        sane("a document", &run);
        assert_eq!(run.status, 2, "{end}: {}", run.brief());
    }
}

#[test]
fn files_that_are_not_there_or_are_something_else() {
    let folder = Folder::new();
    folder.file("dir/p.rego", "package p\nx := 1\n");
    let cases: [(&[&str], i32, &str); 7] = [
        (
            &["eval", "-d", "none", "1"],
            2,
            "none: no such file or directory",
        ),
        (
            &["eval", "-d", "none.rego", "1"],
            2,
            "none.rego: no such file or directory",
        ),
        (
            &["eval", "-i", "none.json", "1"],
            2,
            "none.json: no such file or directory",
        ),
        (&["eval", "-i", "dir", "1"], 2, "dir: is a directory"),
        (&["check", "none"], 1, "none: no such file or directory"),
        (
            &["eval", "-s", "none", "1"],
            2,
            "none: no such file or directory",
        ),
        (
            &["eval", "-d", "a:none", "1"],
            2,
            "none: no such file or directory",
        ),
    ];
    for (arguments, status, message) in cases {
        let run = folder.run(arguments);
        sane(&arguments.join(" "), &run);
        assert_eq!(run.status, status, "{arguments:?}: {}", run.brief());
        let text = run.stdout.clone() + &run.stderr;
        assert!(text.contains(message), "{arguments:?}: {}", run.brief());
    }
    // An empty file is an empty input.
    folder.file("empty.json", "");
    assert_eq!(folder.run(&["eval", "-i", "empty.json", "1"]).status, 0);
}

#[cfg(unix)]
#[test]
fn links_in_circles_end() {
    let folder = Folder::new();
    folder.file("dir/p.rego", "package p\nx := 1\n");
    std::os::unix::fs::symlink("..", folder.path().join("dir/up")).unwrap();
    let run = folder.run(&["eval", "-d", "dir", "data.p.x", "--format", "raw"]);
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (0, "1\n"),
        "{}",
        run.brief()
    );
    std::os::unix::fs::symlink("self.json", folder.path().join("self.json")).unwrap();
    for arguments in [
        ["eval", "-d", "self.json", "1"],
        ["eval", "-i", "self.json", "1"],
        ["eval", "-d", ".", "1"],
    ] {
        let run = folder.run(&arguments);
        sane("a link to itself", &run);
        assert_eq!(run.status, 2, "{arguments:?}: {}", run.brief());
    }
}

#[test]
fn wrong_flags_exit_with_1() {
    let folder = Folder::new();
    for arguments in [
        &["eval"][..],
        &["eval", "1", "2"],
        &["eval", "--no-such-flag", "1"],
        &["eval", "--format", "xml", "1"],
        &["eval", "--timeout", "soon", "1"],
        &["eval", "--max-steps", "-1", "1"],
        &["eval", "--max-memory", "lots", "1"],
        &["eval", "--fail", "--fail-defined", "1"],
        &["check"],
        &["no-such-command"],
    ] {
        let run = folder.run(arguments);
        assert_eq!(run.status, 1, "{arguments:?}: {}", run.brief());
        assert_eq!(run.stdout, "", "{arguments:?}");
        assert!(!run.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    use std::io::{BufRead, BufReader};
    let folder = Folder::new();
    let mut child = folder
        .command(&["eval", "numbers.range(1, 300000)"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::with_capacity(16, child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "{\n");
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(
        matches!(output.status.code(), Some(0..=2)),
        "{:?}",
        output.status
    );
}
