//! What people see: help, advice, colours, progress, completions and manual pages; and what Ctrl-C and closed pipes leave.
#![cfg(unix)]

mod common;

use std::process::{Command, Stdio};

use common::{Folder, Run};

/// The commands that a help text lists.
fn listed(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_has_help_with_an_example() {
    let folder = Folder::new();
    let mut ways = vec![vec![], vec!["man".to_owned()]];
    let mut seen = 0;
    while let Some(way) = ways.pop() {
        let mut arguments: Vec<&str> = way.iter().map(String::as_str).collect();
        arguments.push("--help");
        let run = folder.run(&arguments);
        assert_eq!(run.status, 0, "{way:?}: {}", run.brief());
        let name = ["regovm".to_owned(), way.join(" ")].join(" ");
        let example = run
            .stdout
            .split_once("Example")
            .map_or("", |(_, rest)| rest);
        assert!(
            example.contains(name.trim_end()),
            "`{name}` has no example of itself:\n{}",
            run.stdout
        );
        seen += 1;
        for below in listed(&run.stdout) {
            ways.push([&way[..], &[below]].concat());
        }
    }
    assert!(seen >= 23, "{seen} commands only");
}

/// Runs a command as somebody at a terminal sees it.
fn told(folder: &Folder, arguments: &[&str]) -> Run {
    let output = folder
        .command(arguments)
        .env("REGOVM_ERRORS", "full")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Run {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn every_error_of_a_policy_says_what_to_do() {
    // A policy, and a part of what is said about it.
    let policies = [
        ("allow { true }", "--v0-compatible"),
        ("deny[x] { x := 1 }", "--v0-compatible"),
        ("import future.keywords.nothing", "keyword"),
        ("import lib.x", "import from data or input"),
        ("p := \"abc", "close the string"),
        ("p := \"\\d\"", "backslash"),
        ("p := 007", "without zeros"),
        ("p if {", "hint: "),
        ("p if { x := 1 y := 2 }", "on a line of its own"),
        ("default p := input.x", "a default is a constant"),
        ("p if { cuont(input.x) > 1 }", "did you mean `count`?"),
        (
            "p if { starts_with(input.x, \"a\") }",
            "did you mean `startswith`?",
        ),
        (
            "is_admin(x) if x == 1\np if { isadmin(1) }",
            "did you mean `is_admin`?",
        ),
        (
            "p if { frobnicate(input.x) }",
            "regovm capabilities --current",
        ),
        ("p if { count(1, 2, 3) == 1 }", "as many arguments"),
        ("p if { count(1) == 1 }", "`have` is what the call gives"),
        ("p if { 1 == \"1\" }", "never equal"),
        ("p if { inptu.x }", "did you mean `input`?"),
        (
            "admins := {1}\np if { 1 in admns }",
            "did you mean `admins`?",
        ),
        ("p if { not q[x] }\nq := [1]", "nothing gives it a value"),
        ("p if { q }\nq if { p }", "break the circle"),
        ("p := 1\np(x) := x", "of one kind"),
        ("default p := 1\ndefault p := 2", "take the others out"),
        ("p if { x := 1; x := 2 }", "`:=` makes a variable once"),
        ("p if { some x; some x; x = 1 }", "take the second out"),
        ("p if { input.x := 1 }", "to the left of :="),
        ("p if { true with 1 as 2 }", "hint: "),
        ("import data.a\nimport data.b.a", "hint"),
        ("p := 1\np := 2", "exclude each other"),
        ("f(x) := 1\nf(x) := 2\np := f(1)", "for the same arguments"),
        (
            "p := {k: v | some k, v in {\"a\": 1}; true} if {x := {\"a\" | true}; x}\np := {a: b | a := 1; some b in [1, 2]}",
            "same key",
        ),
    ];
    for (policy, wanted) in policies {
        let folder = Folder::new();
        folder.file("p.rego", format!("package p\n{policy}\n"));
        for format in ["pretty", "json"] {
            let run = told(&folder, &["eval", "-d", "p.rego", "-f", format, "data.p"]);
            assert_ne!(run.status, 0, "{policy}: {}", run.brief());
            let said = run.stderr.contains("(hint") || run.stdout.contains("(hint");
            assert!(
                run.stderr.contains(wanted) || (wanted == "hint" && said),
                "{policy}\n{}{}",
                run.stdout,
                run.stderr
            );
            // Programs read OPA's words and nothing else.
            let plain = folder.run(&["eval", "-d", "p.rego", "-f", format, "data.p"]);
            assert!(
                !plain.stderr.contains("hint: ") || plain.stderr.contains("(hint: "),
                "{policy}"
            );
        }
    }
}

#[test]
fn every_error_of_a_command_says_what_to_do() {
    let folder = Folder::new();
    folder
        .file("ok.rego", "package p\nallow := input.x\n")
        .file(
            "deny.rego",
            "package main\ndeny contains \"no\" if input.x\n",
        )
        .file("ugly.rego", "package p\nallow   :=   1\n")
        .file("bad.rego", "package p\nallow {\n")
        .file("wrong.rego", "package p\nallow := cuont(1)\n")
        .file("bad.json", "{\"a\": ")
        .file("bad.yaml", "a: [1\nb: 2")
        .file("bundle.tar.gz", "no archive")
        .file("input.json", "{}");
    let cases: &[&[&str]] = &[
        &["eval"],
        &["eval", "1", "2"],
        &["eval", "--no-such-flag", "1"],
        &["eval", "--format", "xml", "1"],
        &["eval", "--partial", "1"],
        &["eval", "--target", "wasm", "1"],
        &["eval", "-d", "missing.rego", "1"],
        &["eval", "-d", "bad.json", "1"],
        &["eval", "-d", "bad.yaml", "1"],
        &["eval", "-d", "bad.rego", "1"],
        &["eval", "-i", "missing.json", "input"],
        &["eval", "-i", "bad.json", "input"],
        &["eval", "-b", "missing", "1"],
        &["eval", "-b", "bundle.tar.gz", "1"],
        &[
            "eval",
            "--max-steps",
            "10",
            "[x | some x in numbers.range(1, 1000)]",
        ],
        &[
            "eval",
            "--max-memory",
            "1KiB",
            "count(numbers.range(1, 10000))",
        ],
        &["eval", "--profile-out", "x.png", "1"],
        &["eval", "--profile-out", "missing/x.html", "1"],
        &["eval", "--profile-baseline", "missing.json", "1"],
        &["eval", "--program", "missing", "1"],
        &["eval", "--schema", "missing.json", "1"],
        &["eval", "--disable", "magic", "1"],
        &["eval", "--capabilities", "v0.0.0", "1"],
        &["eval", "1 +"],
        &["eval", "cuont(1)"],
        &["exec"],
        &["exec", "missing.json", "-d", "ok.rego"],
        &[
            "exec",
            "input.json",
            "-d",
            "missing.rego",
            "--decision",
            "p/allow",
        ],
        &[
            "exec",
            "input.json",
            "-d",
            "wrong.rego",
            "--decision",
            "p/allow",
        ],
        &["test", "missing"],
        &["test", "bad.rego"],
        &["test", "wrong.rego"],
        &["test", "--format", "gobench", "ok.rego"],
        &["test", "--threshold", "200", "ok.rego"],
        &["test", "--fail-on-empty", "ok.rego"],
        &["bench", "1", "2"],
        &["bench", "-d", "missing.rego", "data.p.allow"],
        &["bench", "-d", "ok.rego", "data.p.allow"],
        &["check"],
        &["check", "missing.rego"],
        &["check", "bad.rego"],
        &["check", "wrong.rego"],
        &["check", "-b", "bundle.tar.gz"],
        &["fmt", "missing.rego"],
        &["fmt", "bad.rego"],
        &["fmt", "--fail", "ugly.rego"],
        &["parse", "missing.rego"],
        &["parse", "bad.rego"],
        &["build"],
        &["build", "missing"],
        &["build", "bad.rego"],
        &["build", "wrong.rego"],
        &["build", "-t", "wasm", "ok.rego"],
        &["build", "-o", "missing/bundle.tar.gz", "ok.rego"],
        &["sign"],
        &["sign", "--signing-key", "k", "missing"],
        &["inspect"],
        &["inspect", "missing"],
        &["inspect", "bundle.tar.gz"],
        &["deps"],
        &["deps", "-d", "missing.rego", "data.p"],
        &["deps", "-d", "wrong.rego", "data.p"],
        &["refactor"],
        &["refactor", "move"],
        &["refactor", "move", "-p", "data.a:data.b", "missing"],
        &["refactor", "move", "-p", "nonsense", "ok.rego"],
        &["refactor", "move", "-p", "data.a:data.b", "bad.rego"],
        &["capabilities", "--version", "v0.0.0"],
        &["capabilities", "--file", "missing.json"],
        &["profile"],
        &["profile", "diff", "missing.json", "missing.json"],
        &["profile", "diff", "input.json", "input.json"],
        &["explain"],
        &["explain", "-d", "missing.rego", "data.p"],
        &["explain", "-d", "wrong.rego", "data.p"],
        &["why", "-d", "missing.rego", "data.p.allow"],
        &["why", "-d", "wrong.rego", "data.p.allow"],
        &["why", "-d", "ok.rego", "-i", "missing.json", "data.p.allow"],
        &["scan"],
        &["scan", "-p", "missing", "input.json"],
        &["scan", "-p", "ok.rego", "missing.json"],
        &["scan", "-p", "deny.rego", "bad.json"],
        &["scan", "-p", "wrong.rego", "input.json"],
        &["scan", "-p", "ok.rego", "--output", "papyrus", "input.json"],
        &["completion", "tcsh"],
        &["man", "input.json/folder"],
        &["no-such-command"],
    ];
    let mut silent = String::new();
    for arguments in cases {
        let run = told(&folder, arguments);
        let all = run.stdout + &run.stderr;
        let helpful = ["hint: ", "(hint", "--help", "leave out", "Usage: "];
        if !helpful.iter().any(|word| all.contains(word)) {
            silent.push_str(&format!("{arguments:?} ({}): {all}\n", run.status));
        }
    }
    assert!(silent.is_empty(), "no advice:\n{silent}");
}

/// A folder with what every command can work on.
fn workshop() -> Folder {
    let folder = Folder::new();
    folder.file("input.json", "{\"x\": 1}");
    let rules: String = (0..400)
        .map(|n| format!("rule_{n}   contains   x if {{ x := {n}; input.x == 1 }}\n\n"))
        .collect();
    folder
        .file("policy/p.rego", format!("package p\n{rules}"))
        .file("policy/p_test.rego", "package p_test\ntest_it if 1 == 1\n");
    folder
}

#[test]
fn output_through_a_closed_pipe_ends_quietly() {
    let folder = workshop();
    let profile = ["eval", "-d", "policy", "--profile-out", "x.json", "data.p"];
    assert_eq!(folder.run(&profile).status, 0);
    assert_eq!(folder.run(&["build", "-b", "policy"]).status, 0);
    let commands: &[&[&str]] = &[
        &["--help"],
        &["eval", "-d", "policy", "-i", "input.json", "data.p"],
        &[
            "eval",
            "-d",
            "policy",
            "-f",
            "pretty",
            "--explain",
            "full",
            "--profile",
            "data.p",
        ],
        &["eval", "-d", "policy", "--coverage", "data.p"],
        &["eval", "no_such_function(1)"],
        &[
            "exec",
            "-d",
            "policy",
            "--decision",
            "p/rule_1",
            "input.json",
        ],
        &["test", "policy", "-v"],
        &["test", "policy", "--coverage"],
        &["test", "policy", "--format", "junit"],
        &["bench", "-d", "policy", "data.p.rule_1"],
        &["check", "policy"],
        &["fmt", "policy/p.rego"],
        &["fmt", "--diff", "policy"],
        &["parse", "policy/p.rego"],
        &["deps", "-d", "policy", "data.p"],
        &["inspect", "bundle.tar.gz"],
        &["refactor", "move", "-p", "data.p:data.q", "policy"],
        &["capabilities"],
        &["capabilities", "--current"],
        &["version"],
        &["explain", "-d", "policy", "data.p"],
        &["explain", "--stage", "bytecode", "-d", "policy", "data.p"],
        &["why", "-d", "policy", "data.p.rule_1"],
        &["profile", "diff", "x.json", "x.json"],
        &["scan", "-p", "policy", "--namespace", "p", "input.json"],
        &[
            "scan",
            "-p",
            "policy",
            "--output",
            "sarif",
            "--namespace",
            "p",
            "input.json",
        ],
        &["completion", "bash"],
        &[
            "sign",
            "--signing-key",
            "secret",
            "--signing-alg",
            "HS256",
            "-b",
            "policy",
        ],
    ];
    for arguments in commands {
        let mut child = folder
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        for word in ["panicked", "roken pipe", "os error"] {
            assert!(!stderr.contains(word), "{arguments:?}: {stderr}");
        }
        assert!(
            matches!(output.status.code(), Some(0..=2)),
            "{arguments:?}: {:?} {stderr}",
            output.status
        );
    }
}

#[test]
fn ctrl_c_leaves_nothing_half_written() {
    let folder = workshop();
    let policy = folder.path().join("policy/p.rego");
    let ugly = std::fs::read(&policy).unwrap();
    assert_eq!(folder.run(&["fmt", "--write", "policy/p.rego"]).status, 0);
    let neat = std::fs::read(&policy).unwrap();
    assert_ne!(ugly, neat);
    // A name for what is written, and the command.
    let commands: &[(&str, &[&str])] = &[
        ("policy/p.rego", &["fmt", "--write", "policy"]),
        (
            "bundle.tar.gz",
            &["build", "-b", "policy", "-o", "bundle.tar.gz"],
        ),
        (
            "x.html",
            &[
                "eval",
                "-d",
                "policy",
                "-i",
                "input.json",
                "--profile-out",
                "x.html",
                "data.p",
            ],
        ),
        (
            ".signatures.json",
            &[
                "sign",
                "--signing-key",
                "secret",
                "--signing-alg",
                "HS256",
                "-b",
                "policy",
            ],
        ),
        (
            "policy/p.rego",
            &[
                "refactor",
                "move",
                "--write",
                "-p",
                "data.p:data.q",
                "policy",
            ],
        ),
    ];
    for (written, arguments) in commands {
        let path = folder.path().join(written);
        for pause in (0..12).map(|n| std::time::Duration::from_millis(5 * n * n)) {
            // What stands there before is kept, or replaced as a whole.
            let before: &[u8] = if path == policy { &ugly } else { b"before" };
            std::fs::write(&path, before).unwrap();
            let mut child = folder
                .command(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(pause);
            let _ = Command::new("kill")
                .args(["-INT", &child.id().to_string()])
                .stderr(Stdio::null())
                .status();
            child.wait().unwrap();
            let after = std::fs::read(&path).unwrap();
            let whole = match path.extension().and_then(|name| name.to_str()) {
                Some("rego") => {
                    let moved = String::from_utf8_lossy(&neat).replace("package p", "package q");
                    after == neat || after == moved.as_bytes()
                }
                Some("gz") => after.starts_with(&[0x1f, 0x8b]),
                Some("html") => after.ends_with(b"</html>\n"),
                _ => serde_json::from_slice::<serde_json::Value>(&after).is_ok(),
            };
            assert!(after == before || whole, "{arguments:?} after {pause:?}");
            for place in [folder.path().to_path_buf(), folder.path().join("policy")] {
                for entry in place.read_dir().unwrap() {
                    let name = entry.unwrap().file_name().to_string_lossy().into_owned();
                    assert!(!name.ends_with(".tmp"), "{arguments:?} left {name}");
                }
            }
        }
        std::fs::write(&policy, &ugly).unwrap();
    }
}

/// What a command shows on a terminal: standard output and errors together. `None` where there is no `script`.
fn on_a_terminal(folder: &Folder, settings: &[(&str, &str)], arguments: &[&str]) -> Option<String> {
    let quoted: Vec<String> = std::iter::once(env!("CARGO_BIN_EXE_regovm"))
        .chain(arguments.iter().copied())
        .map(|word| format!("'{}'", word.replace('\'', "'\\''")))
        .collect();
    let output = Command::new("script")
        .args(["-q", "-e", "-c", &quoted.join(" "), "/dev/null"])
        .current_dir(folder.path())
        .env_remove("NO_COLOR")
        .env_remove("REGOVM_ERRORS")
        .env("TERM", "xterm-256color")
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n")),
        Err(error) => {
            eprintln!("not tested, there is no `script`: {error}");
            None
        }
    }
}

#[test]
fn there_are_colours_on_a_terminal_only() {
    let folder = workshop();
    folder
        .file("wrong.rego", "package p\nallow := cuont(1)\n")
        .file("deny.rego", "package main\ndeny contains \"no\" if true\n")
        .file("fails_test.rego", "package q\ntest_no if 1 == 2\n");
    let commands: &[&[&str]] = &[
        &["check", "wrong.rego"],
        &["scan", "-p", "deny.rego", "input.json"],
        &["fmt", "--diff", "policy/p.rego"],
    ];
    for arguments in commands {
        let Some(shown) = on_a_terminal(&folder, &[], arguments) else {
            return;
        };
        assert!(shown.contains("\x1b["), "{arguments:?}: {shown}");
        for setting in [("NO_COLOR", "1"), ("TERM", "dumb")] {
            let shown = on_a_terminal(&folder, &[setting], arguments).unwrap();
            assert!(
                !shown.contains("\x1b[3"),
                "{setting:?} {arguments:?}: {shown:?}"
            );
        }
        let run = folder.run(arguments);
        assert!(
            !(run.stdout + &run.stderr).contains('\x1b'),
            "{arguments:?}"
        );
    }
    let shown = on_a_terminal(&folder, &[("NO_COLOR", "1")], &["check", "wrong.rego"]).unwrap();
    assert_eq!(
        shown,
        "1 error occurred: wrong.rego:2: rego_type_error: undefined function cuont\n     |\n   2 | allow := cuont(1)\n     |          ^^^^^^^^\n   hint: did you mean `count`?\n"
    );
}

#[test]
fn long_scans_show_their_progress_on_a_terminal_and_take_it_away() {
    let folder = Folder::new();
    folder.file(
        "policy/p.rego",
        "package main\ndeny contains \"no\" if count({x | some x in numbers.range(1, 150000 + input.n); x < 0}) > 0\n",
    );
    for n in 0..60 {
        folder.file(&format!("inputs/{n}.json"), format!("{{\"n\": {n}}}"));
    }
    let arguments = ["scan", "-p", "policy", "inputs"];
    let Some(shown) = on_a_terminal(&folder, &[], &arguments) else {
        return;
    };
    assert!(shown.contains("/60"), "{shown:?}");
    assert!(shown.contains("60 tests, 60 passed"), "{shown:?}");
    // The line of the progress is cleared before the results.
    let (progress, _) = shown.split_once("60 tests").unwrap();
    assert!(
        progress.contains("\x1b[2K") || progress.contains("\x1b[K"),
        "{progress:?}"
    );
    let run = folder.run(&arguments);
    assert_eq!(run.stderr, "");
}

#[test]
fn shells_accept_the_completions() {
    let folder = Folder::new();
    for (shell, flag) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let run = folder.run(&["completion", shell]);
        assert_eq!(run.status, 0, "{}", run.brief());
        for word in ["eval", "--profile-out", "refactor"] {
            // Fish writes flags without their dashes.
            let word = if shell == "fish" {
                word.trim_start_matches('-')
            } else {
                word
            };
            assert!(run.stdout.contains(word), "{shell}: {word}");
        }
        folder.file("script", &run.stdout);
        let checked = Command::new(shell)
            .args([flag, "script"])
            .current_dir(folder.path())
            .output();
        match checked {
            Ok(output) => assert!(output.status.success(), "{shell}: {output:?}"),
            Err(_) => eprintln!("not tested, there is no {shell}"),
        }
    }
    // Bash completes with it.
    let run = folder.run(&["completion", "bash"]);
    folder.file("regovm.bash", &run.stdout);
    let ask = "source regovm.bash; COMP_WORDS=(regovm ev); COMP_CWORD=1; _regovm regovm ev regovm; echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["-c", ask])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "eval");
}

#[test]
fn the_pages_of_the_manual_can_be_read() {
    let folder = Folder::new();
    let run = folder.run(&["man", "pages"]);
    assert_eq!(run.status, 0, "{}", run.brief());
    let pages: Vec<_> = folder.path().join("pages").read_dir().unwrap().collect();
    assert!(pages.len() >= 22, "{} pages", pages.len());
    for page in pages {
        let path = page.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        for part in [".TH", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"] {
            assert!(text.contains(part), "{name} has no {part}");
        }
        assert!(text.contains("Example"), "{name} has no example");
    }
    let shown = Command::new("man")
        .args(["-l", "pages/regovm-eval.1"])
        .env("MANWIDTH", "100")
        .env("LC_ALL", "C")
        .current_dir(folder.path())
        .output();
    match shown {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(
                text.contains("regovm-eval") && text.contains("SYNOPSIS"),
                "{text}"
            );
        }
        _ => eprintln!("not tested, there is no man"),
    }
}
