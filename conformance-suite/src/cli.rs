//! The command line of the runner, for any engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::case::{Case, Kind, load_compile, load_eval};
use crate::engine::Engine;
use crate::exceptions::Exceptions;
use crate::locate;
use crate::oracle::Oracle;
use crate::run::{Settings, run};
use crate::score::Score;

const USAGE: &str = "\
usage: conformance [options]
  --filter TEXT     only cases whose name (suite/folder/note) contains TEXT; the score is not compared
  --list-failures   show everything about each failure, not one line
  --bless           write the score snapshot
  --threads N       threads (2)
  --time-limit S    seconds for one case (10)
  --own             our own cases only
  --oracle PROGRAM  run OPA (the built conformance-suite/oracle) in place of regovm; the score is not compared";

struct Options {
    filter: Option<String>,
    list_failures: bool,
    bless: bool,
    own_only: bool,
    oracle: Option<PathBuf>,
    settings: Settings,
}

fn options(args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut out = Options {
        filter: None,
        list_failures: false,
        bless: false,
        own_only: false,
        oracle: None,
        settings: Settings::default(),
    };
    let mut args = args.skip(1);
    while let Some(arg) = args.next() {
        let mut value = || {
            args.next()
                .ok_or_else(|| format!("{arg} wants a value\n{USAGE}"))
        };
        match arg.as_str() {
            "--filter" => out.filter = Some(value()?),
            "--list-failures" => out.list_failures = true,
            "--bless" => out.bless = true,
            "--own" => out.own_only = true,
            "--oracle" => out.oracle = Some(PathBuf::from(value()?)),
            "--threads" => out.settings.threads = number(&value()?)?,
            "--time-limit" => {
                out.settings.time_limit = Duration::from_secs(number(&value()?)? as u64)
            }
            _ => return Err(format!("unknown option {arg}\n{USAGE}")),
        }
    }
    if out.bless && (out.filter.is_some() || out.own_only || out.oracle.is_some()) {
        return Err("--bless needs a whole run".to_owned());
    }
    Ok(out)
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}

/// Which suites were found.
struct Suites {
    cases: Vec<Case>,
    opa: bool,
}

impl Suites {
    /// Whether the cases of a line of the score are here at all.
    fn present(&self, folder: &str) -> bool {
        self.opa || folder.starts_with("own/")
    }
}

fn load(own_only: bool, ci: bool) -> Result<Suites, String> {
    let mut cases = Vec::new();
    let mut opa = false;
    if !own_only {
        match locate::opa_cases() {
            Ok(root) => {
                opa = true;
                cases.extend(load_eval(&root, "").map_err(|e| e.to_string())?);
                let compile = root.parent().unwrap_or(Path::new(".")).join("compilecases");
                for version in ["v0", "v1"] {
                    let prefix = format!("compile/{version}/");
                    let more = load_compile(&compile.join(version), &prefix, false);
                    cases.extend(more.map_err(|e| e.to_string())?);
                }
            }
            Err(reason) if ci => return Err(format!("{reason}\nCI=true: this is an error")),
            Err(reason) => eprintln!("{reason}\nOnly our own cases are run."),
        }
    }
    let own = locate::own_cases();
    cases.extend(
        load_compile(&own.join("compile"), "own/compile/", true).map_err(|e| e.to_string())?,
    );
    cases.extend(load_eval(&own.join("eval"), "own/eval/").map_err(|e| e.to_string())?);
    Ok(Suites { cases, opa })
}

/// Runs everything; the exit code.
pub fn main(engine: Option<Arc<dyn Engine>>, args: impl Iterator<Item = String>) -> u8 {
    match try_main(engine, args) {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(message) => {
            eprintln!("conformance: {message}");
            2
        }
    }
}

fn try_main(
    engine: Option<Arc<dyn Engine>>,
    args: impl Iterator<Item = String>,
) -> Result<bool, String> {
    let options = options(args)?;
    let ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
    let engine: Arc<dyn Engine> = match &options.oracle {
        Some(program) => {
            Arc::new(Oracle::start(program).map_err(|e| format!("{}: {e}", program.display()))?)
        }
        None => engine.ok_or("no engine is wired in yet; try --oracle PROGRAM")?,
    };
    let here = locate::workspace().join("conformance-suite");
    let exceptions = Exceptions::parse(&read_or_empty(&here.join("exceptions.txt"))?)
        .map_err(|e| format!("exceptions.txt: {e}"))?;
    let snapshot_path = here.join("score.snap");
    let snapshot =
        Score::parse(&read_or_empty(&snapshot_path)?).map_err(|e| format!("score.snap: {e}"))?;

    let mut suites = load(options.own_only, ci)?;
    if let Some(filter) = &options.filter {
        suites
            .cases
            .retain(|case| format!("{}/{}", case.folder, case.id()).contains(filter.as_str()));
    }
    let cases = Arc::new(std::mem::take(&mut suites.cases));
    let began = Instant::now();
    let outcomes = run(&engine, &cases, &options.settings);

    let mut score = Score::default();
    let (mut passed, mut failed, mut skipped) = (0_usize, 0_usize, 0_usize);
    let mut needless = Vec::new();
    for (case, outcome) in cases.iter().zip(&outcomes) {
        let id = case.id();
        score.add(&case.folder, outcome.is_ok());
        match (outcome, exceptions.reason(&id)) {
            (Ok(()), reason) => {
                passed += 1;
                if reason.is_some() {
                    needless.push(id);
                }
            }
            (Err(_), Some(_)) => skipped += 1,
            (Err(reason), None) => {
                failed += 1;
                report(case, &id, reason, options.list_failures);
            }
        }
    }

    let whole = options.filter.is_none() && !options.own_only && options.oracle.is_none();
    for (folder, passed, all) in score.imperfect() {
        println!("{folder}: {passed} of {all} pass");
    }
    for id in &needless {
        println!("exception not needed any more: {id}");
    }
    if whole && suites.opa {
        for id in exceptions.ids() {
            if !cases.iter().any(|case| case.id() == id) {
                println!("exception for a case that does not exist: {id}");
            }
        }
    }
    let present = |folder: &str| suites.present(folder);
    let mut good = true;
    if options.bless {
        let mut blessed = score.clone();
        blessed.keep_absent(&snapshot, present);
        std::fs::write(&snapshot_path, blessed.text()).map_err(|e| format!("score.snap: {e}"))?;
        println!("score.snap written");
    } else if options.filter.is_none() && options.oracle.is_none() {
        let present = |folder: &str| {
            if options.own_only {
                folder.starts_with("own/")
            } else {
                present(folder)
            }
        };
        let fallen = score.fallen_below(&snapshot, present);
        for line in &fallen {
            println!("the score fell: {line}");
        }
        good = fallen.is_empty();
        let risen = score.risen_above(&snapshot);
        if good && risen > 0 {
            println!("the score rose in {risen} folders: write it down with --bless");
        }
    } else {
        good = failed == 0;
    }
    println!(
        "{} cases in {:.1} s",
        cases.len(),
        began.elapsed().as_secs_f64()
    );
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    Ok(good)
}

fn read_or_empty(path: &Path) -> Result<String, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn report(case: &Case, id: &str, reason: &str, long: bool) {
    if !long {
        let line = reason.replace('\n', " ");
        let short: String = line.chars().take(220).collect();
        println!("FAIL {id}: {short}");
        return;
    }
    println!("\nFAIL {id}\n  in {}\n  {reason}", case.file.display());
    let (modules, query) = match &case.kind {
        Kind::Eval(eval) => (&eval.modules, Some(&eval.query)),
        Kind::Compile(compile) => (&compile.modules, compile.query.as_ref()),
    };
    for (position, module) in modules.iter().enumerate() {
        println!("  -- {}", crate::case::module_name(position));
        for (row, line) in module.lines().enumerate() {
            println!("  {:4} | {line}", row + 1);
        }
    }
    if let Some(query) = query {
        println!("  -- query: {query}");
    }
}
