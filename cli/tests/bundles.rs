//! Bundles on disk: what is built is what opa builds, programs answer as policies do, nothing half-written stays.

mod common;

use std::fs;
use std::path::Path;

use common::{Folder, Run};
use regovm::bundle::{File, Limits, unpack};

fn recorded() -> &'static Path {
    Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/as_opa/files/bundles"
    ))
}

fn files(path: &Path) -> Vec<File> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    unpack(&bytes, &Limits::default()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs beside the recorded folders; what is written goes to a folder of its own.
fn build(folder: &Folder, arguments: &[&str]) -> Run {
    let out = folder.path().join("out.tar.gz");
    let mut command = folder.command(arguments);
    command.current_dir(recorded()).arg("-o").arg(&out);
    let output = command.output().unwrap();
    Run {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn archives_have_the_files_that_opa_writes() {
    for (name, arguments) in [
        ("authz.tar.gz", &["build", "-b", "authz"][..]),
        ("all.tar.gz", &["build", "-b", "all"]),
        ("messy.tar.gz", &["build", "-b", "messy"]),
        ("both.tar.gz", &["build", "-b", "v0", "authz", "-r", "both"]),
        (
            "signed.tar.gz",
            &[
                "build",
                "-b",
                "authz",
                "--signing-key",
                "secret",
                "--signing-alg",
                "HS256",
            ],
        ),
    ] {
        let folder = Folder::new();
        let run = build(&folder, arguments);
        assert_eq!(run.status, 0, "{name}: {}", run.brief());
        let ours = files(&folder.path().join("out.tar.gz"));
        assert_eq!(ours, files(&recorded().join(name)), "{name}");
    }
}

fn project() -> Folder {
    let folder = Folder::new();
    fs::create_dir_all(folder.path().join("b/authz")).unwrap();
    folder
        .file("b/authz/data.json", r#"{"admins": ["alice"]}"#)
        .file("b/p.rego", "package authz\n\nallow if input.user in data.authz.admins\n\ncount_admins := count(data.authz.admins)\n")
        .file("alice.json", r#"{"user": "alice"}"#)
        .file("bob.json", r#"{"user": "bob"}"#);
    folder
}

/// The project, and a bundle of it with its program.
fn with_program() -> Folder {
    let folder = project();
    let built = folder.run(&[
        "build",
        "-b",
        "b",
        "-t",
        "regovm",
        "-e",
        "authz/allow",
        "-o",
        "b.tar.gz",
    ]);
    assert_eq!(built.status, 0, "{}", built.brief());
    folder
}

#[test]
fn programs_answer_without_their_policies_being_parsed() {
    let folder = with_program();
    let ask = |arguments: &[&str]| {
        let run = folder.run(&[&["eval", "-f", "raw"], arguments].concat());
        assert_eq!(run.status, 0, "{arguments:?}: {}", run.brief());
        (run.stdout.trim().to_owned(), run.stderr)
    };
    let answered = |text: &str| (text.to_owned(), String::new());
    assert_eq!(
        ask(&["-b", "b.tar.gz", "-i", "alice.json", "data.authz.allow"]),
        answered("true")
    );
    assert_eq!(
        ask(&["-b", "b.tar.gz", "-i", "bob.json", "data.authz.allow"]),
        answered("")
    );
    // Other queries are compiled.
    assert_eq!(
        ask(&["-b", "b.tar.gz", "data.authz.count_admins + 1"]),
        answered("2")
    );
    // Metrics show that there was nothing to compile.
    let metrics = folder.run(&["eval", "-b", "b.tar.gz", "--metrics", "data.authz.allow"]);
    assert!(!metrics.stdout.contains("compile"), "{}", metrics.stdout);

    // A program alone, with data beside it.
    let built = folder.run(&[
        "build",
        "-b",
        "b",
        "-t",
        "regovm",
        "-e",
        "authz/allow",
        "-o",
        "p.regovm",
    ]);
    assert_eq!(built.status, 0, "{}", built.brief());
    let program = ["--program", "p.regovm", "-d", "authz:b/authz/data.json"];
    let with = |rest: &[&'static str]| [&program[..], rest].concat();
    assert_eq!(
        ask(&with(&["-i", "alice.json", "data.authz.allow"])),
        answered("true")
    );
    assert_eq!(
        ask(&with(&["-i", "bob.json", "data.authz.allow"])),
        answered("")
    );
    for (arguments, expected) in [
        (
            with(&["data.authz.nope"]),
            "the program has no query data.authz.nope",
        ),
        (with(&["-S", "data.authz.allow"]), "compiled already"),
        (
            vec!["--program", "bob.json", "data.x"],
            "not a saved program",
        ),
        (
            vec!["--program", "absent", "data.x"],
            "open absent: no such file or directory",
        ),
        (
            vec!["--program", "p.regovm", "-d", "b", "data.authz.allow"],
            "only data",
        ),
    ] {
        let run = folder.run(&[&["eval", "-f", "pretty"], &arguments[..]].concat());
        assert_eq!(run.status, 2, "{arguments:?}: {}", run.brief());
        assert!(
            run.stderr.contains(expected),
            "{arguments:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn programs_that_do_not_fit_are_named_and_the_policies_compiled() {
    let folder = with_program();
    for file in files(&folder.path().join("b.tar.gz")) {
        let path = folder.path().join(format!("u{}", file.path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file.bytes).unwrap();
    }
    let ask = || {
        folder.run(&[
            "eval",
            "-b",
            "u",
            "-i",
            "bob.json",
            "-f",
            "raw",
            "data.authz.allow",
        ])
    };
    assert_eq!((ask().stdout.trim(), ask().stderr.as_str()), ("", ""));
    folder.file("u/b/p.rego", "package authz\n\nallow := true\n");
    let run = ask();
    assert_eq!(run.stdout.trim(), "true");
    assert!(
        run.stderr
            .starts_with("note: u: the program was made of other policies"),
        "{}",
        run.stderr
    );
    folder.file("u/policy.regovm", "regovmB1");
    let run = ask();
    assert_eq!(run.stdout.trim(), "true");
    assert!(
        run.stderr
            .starts_with("note: u: not a saved program: it ends early"),
        "{}",
        run.stderr
    );
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let folder = project();
    folder.file("old.tar.gz", "what was there");
    for arguments in [
        &["build", "b", "-o", "absent/out.tar.gz"][..],
        &[
            "build",
            "b",
            "-t",
            "plan",
            "-e",
            "authz/allow",
            "-o",
            "old.tar.gz",
        ],
        &["build", "-b", "b", "--signing-key", "x", "-o", "old.tar.gz"],
    ] {
        let run = folder.run(arguments);
        assert_eq!(run.status, 1, "{arguments:?}: {}", run.brief());
    }
    let old = fs::read(folder.path().join("old.tar.gz")).unwrap();
    assert_eq!(old, b"what was there");
    let names: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("tmp"))
        .collect();
    assert!(names.is_empty(), "{names:?}");
}

#[cfg(unix)]
#[test]
fn links_in_folders_are_followed_only_if_asked() {
    let folder = project();
    folder.file("secret.json", r#"{"secret": 1}"#);
    std::os::unix::fs::symlink(
        folder.path().join("secret.json"),
        folder.path().join("b/data.json"),
    )
    .unwrap();
    std::os::unix::fs::symlink("/", folder.path().join("b/root")).unwrap();
    let run = folder.run(&["eval", "-b", "b", "-f", "raw", "data.secret"]);
    assert_eq!((run.status, run.stdout.trim()), (0, ""), "{}", run.brief());
    fs::remove_file(folder.path().join("b/root")).unwrap();
    let run = folder.run(&["build", "-b", "b", "--follow-symlinks", "-o", "out.tar.gz"]);
    assert_eq!(run.status, 0, "{}", run.brief());
    let data = &files(&folder.path().join("out.tar.gz"))[0];
    assert!(String::from_utf8_lossy(&data.bytes).contains("secret"));
}
