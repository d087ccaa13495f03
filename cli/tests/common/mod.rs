//! Runs the command on files of a folder of its own.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that is gone at the end of the test.
pub struct Folder(PathBuf);

// Not every test file uses everything.
#[allow(dead_code)]
impl Folder {
    pub fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("regovm-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Folder {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// The command, to be run in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regovm"));
        command.args(arguments).current_dir(&self.0);
        command
    }

    /// Runs the command to its end.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, "")
    }

    /// Runs the command with a text on its standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Who does not read its input closes it.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let mut stderr = child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            stderr.read_to_end(&mut text).unwrap();
            text
        });
        let mut stdout = Vec::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_end(&mut stdout)
            .unwrap();
        let status = child.wait().unwrap();
        Run {
            // A signal has no code.
            status: status.code().unwrap_or(-1),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8_lossy(&errors.join().unwrap()).into_owned(),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a run left.
#[derive(Debug)]
pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

#[allow(dead_code)]
impl Run {
    /// The errors of `--format json`: code and message of each.
    pub fn errors(&self) -> Vec<(String, String)> {
        let json: serde_json::Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("no JSON ({e}): {}", self.brief()));
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        json["errors"]
            .as_array()
            .unwrap_or_else(|| panic!("no errors: {}", self.brief()))
            .iter()
            .map(|error| (text(&error["code"]), text(&error["message"])))
            .collect()
    }

    /// The start of everything, for messages.
    pub fn brief(&self) -> String {
        let start = |text: &str| text.chars().take(400).collect::<String>();
        format!(
            "status {}, stdout {:?}, stderr {:?}",
            self.status,
            start(&self.stdout),
            start(&self.stderr)
        )
    }
}
