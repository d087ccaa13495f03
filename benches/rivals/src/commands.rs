//! Whole commands, from their start to their exit: what CI and people at a terminal wait for.
//!
//! `regovm` and `opa` are the real commands; regorus has none that is published, so this program stands for it: it reads,
//! compiles, evaluates once and prints.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use wait4::Wait4;

use crate::Error;
use crate::engines::Job;
use crate::table::{duration, median};

/// Something that commands do.
struct Task {
    name: String,
    /// Name of the program, and what runs it.
    programs: Vec<(&'static str, Command)>,
    runs: usize,
    /// The outputs are JSON and must be equal.
    compared: bool,
}

/// The programs that are run.
pub struct Programs {
    /// `regovm`, built from the same sources in release.
    pub regovm: PathBuf,
    /// `opa` of the oracle's version.
    pub opa: PathBuf,
}

/// Builds `regovm` and `opa`.
pub fn build(work: &Path) -> Result<Programs, Error> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::path::absolute(work.join("command"))?;
    let status = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--quiet",
            "-p",
            "regovm-cli",
            "--target-dir",
        ])
        .arg(&target)
        .current_dir(&root)
        .status()?;
    if !status.success() {
        return Err("the command regovm was not built".into());
    }
    let opa = std::path::absolute(work.join("opa"))?;
    let status = Command::new("go")
        .args(["build", "-o"])
        .arg(&opa)
        .arg("github.com/open-policy-agent/opa")
        .current_dir(root.join("conformance-suite/oracle"))
        .status()?;
    if !status.success() {
        return Err("the command opa was not built".into());
    }
    Ok(Programs {
        regovm: target.join("release/regovm"),
        opa,
    })
}

/// Runs all tasks; the second value is false if some outputs differ.
pub fn table(
    programs: &Programs,
    jobs: &[(String, Job)],
    work: &Path,
    only: &str,
) -> Result<(String, bool), Error> {
    let mut text = String::from(
        "\n| command | program | time | ratio to regovm | memory |\n|---|---|--:|--:|--:|\n",
    );
    let mut agree = true;
    for task in tasks(programs, jobs, work)? {
        if !task.name.contains(only) {
            continue;
        }
        eprintln!("{} ...", task.name);
        let mut ours = None;
        let mut first: Option<Value> = None;
        for (program, run) in timed(task.programs, task.runs, work)? {
            let base = *ours.get_or_insert(run.time);
            let mut note = "";
            if task.compared {
                let value = serde_json::from_slice(&run.output).unwrap_or(Value::Null);
                if *first.get_or_insert_with(|| value.clone()) != value || value.is_null() {
                    (agree, note) = (false, " **another answer**");
                }
            }
            text += &format!(
                "| {} | {program}{note} | {} | {:.1} × | {} MB |\n",
                task.name,
                duration(run.time),
                run.time.as_secs_f64() / base.as_secs_f64().max(1e-9),
                run.peak >> 20,
            );
        }
    }
    Ok((text, agree))
}

fn tasks(programs: &Programs, jobs: &[(String, Job)], work: &Path) -> Result<Vec<Task>, Error> {
    let regovm = || Command::new(&programs.regovm);
    let opa = || Command::new(&programs.opa);
    let with = |mut command: Command, arguments: &[&str]| {
        command.args(arguments);
        command
    };
    let mut tasks = Vec::new();
    for (name, job) in jobs {
        let policy = job.policy.to_string_lossy().into_owned();
        let input = job
            .input
            .as_deref()
            .unwrap_or(Path::new(""))
            .to_string_lossy()
            .into_owned();
        let arguments = ["eval", "-d", &policy, "-i", &input, &job.query];
        let mut regorus = Command::new(std::env::current_exe()?);
        regorus.args([
            "--engine",
            "regorus-command",
            "--job",
            &serde_json::to_string(job)?,
        ]);
        tasks.push(Task {
            name: format!("eval, {name}"),
            programs: vec![
                ("regovm", with(regovm(), &arguments)),
                ("regorus", regorus),
                ("opa", with(opa(), &arguments)),
            ],
            runs: 3,
            compared: true,
        });
    }
    let arguments = ["eval", "1+1"];
    tasks.push(Task {
        name: "eval '1+1'".to_owned(),
        programs: vec![
            ("regovm", with(regovm(), &arguments)),
            ("an empty process", empty(work)?),
            ("opa", with(opa(), &arguments)),
        ],
        runs: 51,
        compared: false,
    });
    let admission = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/admission.rego");
    let review =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/kubernetes/admission.json");
    let bundle = std::path::absolute(work.join("admission.tar.gz"))?;
    let built = with(
        regovm(),
        &["build", "-t", "regovm", "-e", "rivals/deny", "-o"],
    )
    .arg(&bundle)
    .arg(&admission)
    .status()?;
    if !built.success() {
        return Err("regovm build failed".into());
    }
    let (bundle, review) = (bundle.to_string_lossy(), review.to_string_lossy());
    let arguments = ["eval", "-b", &bundle, "-i", &review, "data.rivals.deny"];
    tasks.push(Task {
        name: "eval of an admission review with a saved program".to_owned(),
        programs: vec![
            ("regovm", with(regovm(), &arguments)),
            ("an empty process", empty(work)?),
            ("opa", with(opa(), &arguments)),
        ],
        runs: 51,
        compared: false,
    });
    let library = library(work, 1_000)?.to_string_lossy().into_owned();
    let arguments = ["check", &library];
    tasks.push(Task {
        name: "check of 1,000 files".to_owned(),
        programs: vec![
            ("regovm", with(regovm(), &arguments)),
            ("opa", with(opa(), &arguments)),
        ],
        runs: 5,
        compared: false,
    });
    Ok(tasks)
}

/// A process that does nothing: what starting one costs.
fn empty(work: &Path) -> Result<Command, Error> {
    let source = work.join("empty.rs");
    let program = std::path::absolute(work.join("empty"))?;
    if !program.exists() {
        std::fs::write(&source, "fn main() {}\n")?;
        let status = Command::new("rustc")
            .args(["-O", "-C", "target-feature=+crt-static", "-o"])
            .arg(&program)
            .arg(&source)
            .status()?;
        if !status.success() {
            return Err("rustc did not compile an empty program".into());
        }
    }
    Ok(Command::new(program))
}

/// A folder of so many policies that import each other.
fn library(work: &Path, files: usize) -> Result<PathBuf, Error> {
    let folder = std::path::absolute(work.join(format!("library-{files}")))?;
    std::fs::create_dir_all(&folder)?;
    for number in 0..files {
        let other = (number * 7 + 1) % files;
        // Imports lead to smaller numbers only: circles are errors.
        let import = match other < number {
            true => format!("import data.library.p{other}\n"),
            false => String::new(),
        };
        let used = match other < number {
            true => format!("\tnot p{other}.exempt(r)\n"),
            false => String::new(),
        };
        let text = format!(
            "# METADATA\n# title: Policy {number}\npackage library.p{number}\n\n{import}\nkinds := {{\"aws_s3_bucket\", \"aws_kind_{number}\"}}\n\n\
             deny contains msg if {{\n\tsome r in input.resource_changes\n\tr.type in kinds\n{used}\tcount(object.get(r.change.after, \"tags\", {{}})) < {}\n\
             \tmsg := sprintf(\"%s: too few tags for policy %d\", [r.address, {number}])\n}}\n\n\
             exempt(r) if {{\n\tevery action in r.change.actions {{\n\t\taction in {{\"no-op\", \"read\"}}\n\t}}\n}}\n\n\
             exempt(r) if startswith(r.name, \"tmp-{number}\")\n\nnames[r.type] contains r.name if some r in input.resource_changes\n\n\
             score := sum([n | some r in input.resource_changes; n := count(r.name)]) if count(names) > {number} else := 0\n",
            number % 5
        );
        std::fs::write(folder.join(format!("p{number}.rego")), text)?;
    }
    Ok(folder)
}

struct Run {
    time: Duration,
    peak: u64,
    output: Vec<u8>,
}

/// The name under which this program runs itself to see the memory of a command.
pub const PEAK: &str = "peak-of-command";

/// The peak of memory of a command, in bytes: run by a process that has little itself, since the system counts what the parent
/// has when the command begins.
fn peak(command: &Command) -> Result<u64, Error> {
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect();
    let output = Command::new(std::env::current_exe()?)
        .args(["--engine", PEAK, "--job", &serde_json::to_string(&words)?])
        .output()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs a command, given as a JSON array of words, and gives its peak of memory.
pub fn peak_here(words: &str) -> Result<u64, Error> {
    let words: Vec<String> = serde_json::from_str(words)?;
    let (program, arguments) = words.split_first().ok_or("a command without words")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Ok(command.spawn()?.wait4()?.rusage.maxrss)
}

/// The programs in turns, `runs` times: the median time of each, its memory in another run, and its last output.
fn timed(
    programs: Vec<(&'static str, Command)>,
    runs: usize,
    work: &Path,
) -> Result<Vec<(&'static str, Run)>, Error> {
    let path = work.join("output");
    let mut times = vec![Vec::new(); programs.len()];
    let mut outputs = vec![Vec::new(); programs.len()];
    let mut programs = programs;
    for _ in 0..runs {
        for (at, (_, command)) in programs.iter_mut().enumerate() {
            command
                .stdin(Stdio::null())
                .stdout(std::fs::File::create(&path)?)
                .stderr(Stdio::inherit());
            let start = Instant::now();
            let ended = command.spawn()?.wait4()?;
            times[at].push(start.elapsed());
            if !ended.status.success() {
                return Err(format!("{command:?} ended with {}", ended.status).into());
            }
            outputs[at] = std::fs::read(&path)?;
        }
    }
    let runs = programs.iter().zip(times).zip(outputs);
    runs.map(|(((name, command), times), output)| {
        let run = Run {
            time: median(&times),
            peak: peak(command)?,
            output,
        };
        Ok((*name, run))
    })
    .collect()
}
