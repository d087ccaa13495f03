//! Policies that would not end, or fill the memory, stop at each budget; the error says which one, and where.

mod common;

use std::time::{Duration, Instant};

use common::Folder;

/// Name, line that is at work, policy.
fn bombs() -> Vec<(&'static str, &'static str, String)> {
    let chain = |first: &str, step: &dyn Fn(usize) -> String, count: usize| {
        let mut text = format!("package p\ns0 := {first}\n");
        for i in 0..count {
            text.push_str(&format!("s{} := {}\n", i + 1, step(i)));
        }
        text
    };
    let allow = |body: &str| format!("package p\nallow := x if {{\n  x := {body}\n}}\n");
    let shared = |query: &str| {
        chain(r#"["a"]"#, &|i| format!("[s{i}, s{i}]"), 40) + &format!("allow := {query}\n")
    };
    let growing = |function: &str| {
        chain(
            r#""aaaaaaaaaa""#,
            &|i| function.replace('@', &format!("s{i}")),
            40,
        ) + "allow := count(s40)\n"
    };
    vec![
        (
            "every",
            "data.p.allow (p.rego:3)",
            "package p\nallow if {\n  every a in input.xs { every b in input.xs { every c in input.xs { a + b + c > 0 } } }\n}\n".into(),
        ),
        (
            "walk",
            "data.p.allow (p.rego:",
            "package p\nallow if {\n  [_, a] := walk(input)\n  [_, b] := walk(input)\n  [_, c] := walk(input)\n  a == {b, c, 1}\n}\n".into(),
        ),
        (
            "comprehensions",
            "data.p.allow (p.rego:3)",
            allow("[y | some a in input.xs; y := [z | some b in input.xs; z := [[a, b, c] | some c in input.xs]]]"),
        ),
        (
            "a set comprehension",
            "data.p.allow (p.rego:3)",
            allow("{[a, b, c] | some a in input.xs; some b in input.xs; some c in input.xs}"),
        ),
        ("numbers.range", "data.p.allow (p.rego:3)", allow("count(numbers.range(1, 100000000))")),
        (
            "many numbers.range",
            "data.p.allow (p.rego:3)",
            allow("[count(numbers.range(1, 10000 + i)) | some i in numbers.range(1, 100000)]"),
        ),
        (
            "sprintf with a width",
            "data.p.allow (p.rego:3)",
            allow(r#"[sprintf("%*d", [10000 + i, 1]) | some i in numbers.range(1, 100000)]"#),
        ),
        ("replace", "data.p.s", growing(r#"replace(@, "a", "aaaa")"#)),
        ("concat", "data.p.s", growing(r#"concat("", [@, @, @, @])"#)),
        ("sprintf", "data.p.s", growing(r#"sprintf("%s%s%s%s", [@, @, @, @])"#)),
        ("template strings", "data.p.s", growing(r#"$"{@}{@}{@}{@}""#)),
        ("regex.replace", "data.p.s", growing(r#"regex.replace(@, "a", "aaaa")"#)),
        (
            "array.concat",
            "data.p.s",
            chain("[1, 2, 3]", &|i| format!("array.concat(s{i}, array.concat(s{i}, s{i}))"), 40)
                + "allow := count(s40)\n",
        ),
        (
            "object.union",
            "data.p.allow (p.rego:",
            "package p\nbase := {sprintf(\"k%d\", [i]): i | some i in numbers.range(1, 1000)}\nallow := x if {\n  x := [object.union(base, {i: 1}) | some i in numbers.range(1, 1000000)]\n}\n".into(),
        ),
        (
            "a regex",
            "data.p.allow (p.rego:",
            "package p\ns := concat(\"\", [\"a\" | some i in numbers.range(1, 5000)])\nallow := x if {\n  x := [regex.match(`(x+x+)+y|(a?){50}(a*)*b`, concat(\"\", [s, sprintf(\"%d\", [i])])) | some i in numbers.range(1, 1000000)]\n}\n".into(),
        ),
        (
            "many regexes",
            "data.p.allow (p.rego:3)",
            allow(r#"[regex.match(sprintf(`(\\pL{%d}){5}`, [i]), "aaa") | some i in numbers.range(1, 1000000)]"#),
        ),
        ("the text of shared values", "data.p.allow (p.rego:43)", shared("count(json.marshal(s40))")),
        ("sprintf of shared values", "data.p.allow (p.rego:43)", shared(r#"count(sprintf("%v", [s40]))"#)),
        ("walk over shared values", "data.p.allow (p.rego:43)", shared("count([1 | walk(s40)])")),
        ("an answer of shared values", "the query", shared("s40")),
        (
            "comparisons",
            "data.p.allow (p.rego:",
            "package p\nbase := [i | some i in numbers.range(1, 3000)]\nother := [i | some i in numbers.range(1, 3000)]\nallow := x if {\n  x := [i | some i in numbers.range(1, 1000000); base == other]\n}\n".into(),
        ),
    ]
}

/// A folder with a policy and an input of 300 numbers.
fn folder(policy: &str) -> Folder {
    let folder = Folder::new();
    let numbers: Vec<String> = (1..=300).map(|i| i.to_string()).collect();
    folder.file("p.rego", policy);
    folder.file("input.json", format!("{{\"xs\": [{}]}}", numbers.join(",")));
    folder
}

const EVAL: [&str; 6] = ["eval", "-d", "p.rego", "-i", "input.json", "data.p.allow"];

fn stopped(folder: &Folder, flag: &str, limit: &str, name: &str) -> String {
    let arguments = [&EVAL[..], &[flag, limit]].concat();
    let run = folder.run(&arguments);
    assert_eq!(run.status, 2, "{name}: {}", run.brief());
    assert_eq!(run.stderr, "", "{name}");
    let mut errors = run.errors();
    assert_eq!(errors.len(), 1, "{name}: {errors:?}");
    let (code, message) = errors.remove(0);
    assert_eq!(code, "eval_cancel_error", "{name}: {message}");
    message
}

#[test]
fn steps_end_every_bomb_at_the_same_place_in_every_run() {
    for (name, place, policy) in bombs() {
        let folder = folder(&policy);
        let message = stopped(&folder, "--max-steps", "30000", name);
        assert!(
            message.starts_with("step budget of 30000 exhausted in "),
            "{name}: {message}"
        );
        assert!(message.contains(place), "{name}: {message}");
        assert_eq!(stopped(&folder, "--max-steps", "30000", name), message);
    }
}

#[test]
fn time_ends_every_bomb() {
    for (name, _, policy) in bombs() {
        // A single range of this size may well end in time.
        if name == "numbers.range" {
            continue;
        }
        let folder = folder(&policy);
        let before = Instant::now();
        let arguments = [&EVAL[..], &["--timeout", "200ms", "--max-memory", "2GiB"]].concat();
        let run = folder.run(&arguments);
        assert_eq!(run.status, 2, "{name}: {}", run.brief());
        let (code, message) = run.errors().remove(0);
        assert_eq!(code, "eval_cancel_error", "{name}: {message}");
        // What doubles with each rule may need all memory first.
        assert!(
            message.starts_with("time budget of 200ms exhausted in ")
                || message.starts_with("memory budget of "),
            "{name}: {message}"
        );
        // Generous: tests run unoptimised on busy machines.
        assert!(before.elapsed() < Duration::from_secs(60), "{name}");
    }
}

#[test]
fn memory_ends_every_bomb_that_needs_some() {
    let frugal = [
        "every",
        "walk",
        "many numbers.range",
        "a regex",
        "many regexes",
        "comparisons",
        "walk over shared values",
    ];
    for (name, _, policy) in bombs() {
        if frugal.contains(&name) {
            continue;
        }
        let folder = folder(&policy);
        let message = stopped(&folder, "--max-memory", "2MiB", name);
        assert!(
            message.starts_with("memory budget of 2097152 bytes exhausted in "),
            "{name}: {message}"
        );
    }
}

#[test]
fn an_input_that_is_too_large_is_refused() {
    let folder = folder("package p\nallow if input\n");
    let message = {
        let arguments = [&EVAL[..], &["--max-memory", "1000"]].concat();
        let run = folder.run(&arguments);
        assert_eq!(run.status, 2, "{}", run.brief());
        run.errors().remove(0).1
    };
    assert!(message.contains("memory"), "{message}");
}

#[test]
fn a_regex_that_is_too_large_is_undefined_or_an_error() {
    let folder = folder("package p\nallow if regex.match(`((a{100}){100}){100}`, \"aaa\")\n");
    let run = folder.run(&EVAL);
    assert_eq!((run.status, run.stdout.as_str()), (0, "{}\n"));
    let strict = [&EVAL[..], &["--strict-builtin-errors"]].concat();
    let run = folder.run(&strict);
    assert_eq!(run.status, 2);
    let (code, message) = run.errors().remove(0);
    assert_eq!(code, "eval_builtin_error");
    assert!(
        message.starts_with("regex.match: error parsing regexp: "),
        "{message}"
    );
}

#[test]
fn formats_for_people_have_the_error_on_standard_error() {
    let (_, _, policy) = bombs().remove(0);
    let folder = folder(&policy);
    let arguments = [&EVAL[..], &["--max-steps", "30000", "--format", "pretty"]].concat();
    let run = folder.run(&arguments);
    assert_eq!(run.status, 2);
    assert_eq!(run.stdout, "");
    assert!(
        run.stderr
            .contains("step budget of 30000 exhausted in rule data.p.allow (p.rego:3)"),
        "{}",
        run.stderr
    );
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_an_endless_evaluation() {
    use std::io::Read;
    let policy = "package p\nallow if {\n  print(\"begun\")\n  some a in numbers.range(1, 100000)\n  some b in numbers.range(1, 100000)\n  a + b == 0\n}\n";
    let folder = folder(policy);
    let mut child = folder
        .command(&EVAL)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut begun = [0; 5];
    child
        .stderr
        .as_mut()
        .unwrap()
        .read_exact(&mut begun)
        .unwrap();
    assert_eq!(&begun, b"begun");
    let before = Instant::now();
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(before.elapsed() < Duration::from_secs(20));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("caller cancelled query execution in rule data.p.allow (p.rego:"),
        "{text}"
    );
}
