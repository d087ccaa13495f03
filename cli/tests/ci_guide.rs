//! The blocks of `docs/ci.md` are run as they stand there, and print what stands there.
#![cfg(unix)]

mod common;

use std::process::Command;

use common::Folder;

/// A block of code: what stands behind its fence, and its text.
fn blocks(guide: &str) -> Vec<(&str, &str)> {
    let mut parts = guide.split("\n```");
    parts.next();
    let mut blocks = Vec::new();
    while let (Some(block), Some(_)) = (parts.next(), parts.next()) {
        blocks.push(block.split_once('\n').unwrap());
    }
    blocks
}

#[test]
fn the_guide_leads_from_nothing_to_a_check() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ci.md");
    let guide = std::fs::read_to_string(path).unwrap();
    let folder = Folder::new();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_regovm"));
    let search = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut printed = None;
    let mut compared = 0;
    for (kind, text) in blocks(&guide) {
        match kind {
            "sh" | "sh fails" | "sh passes" => {
                let output = Command::new("sh")
                    .args(["-e", "-c", text])
                    .current_dir(folder.path())
                    .env("PATH", &search)
                    .output()
                    .unwrap();
                let expected = i32::from(kind == "sh fails");
                assert_eq!(output.status.code(), Some(expected), "{text}\n{output:?}");
                printed = (kind != "sh").then(|| String::from_utf8(output.stdout).unwrap());
            }
            "text" => {
                let printed = printed.take().expect("a command stands above");
                assert_eq!(printed.trim_end(), text.trim_end());
                compared += 1;
            }
            // Installed it is already, and there is no GitHub here.
            "sh install" | "yaml" => {}
            other => panic!("a block of the kind {other:?}"),
        }
    }
    assert_eq!(compared, 2);
}
