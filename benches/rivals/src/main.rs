//! The same inputs and policies in regovm, OPA, regorus and hand-written Rust, in one run on one machine.
//!
//! ```sh
//! cargo run --release --manifest-path benches/rivals/Cargo.toml -- --out benches/rivals/results
//! ```
//!
//! Inputs come from seeded generators. Each engine runs in processes of its own, one after the other, so that its peak of
//! memory is its own; a rival that takes too long is stopped and shown so. All must give the same answer. Printed are
//! medians, ratios to ours, and peaks of memory; `--out` writes the table and a chart of time against size.

mod chart;
mod commands;
mod engines;
mod run;
mod table;
mod workloads;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use engines::Job;

/// regovm beside its rivals
#[derive(Parser)]
struct Args {
    /// Folder for generated inputs and policies
    #[arg(long, default_value = "target/rivals")]
    work: PathBuf,
    /// Folder that the table and the chart are written to
    #[arg(long)]
    out: Option<PathBuf>,
    /// Only workloads whose name contains this
    #[arg(long, default_value = "")]
    only: String,
    /// Smaller plans and fewer runs
    #[arg(long)]
    quick: bool,
    /// Whole commands too: regovm and opa are built for it
    #[arg(long)]
    commands: bool,
    /// Seconds after which a rival is stopped
    #[arg(long, default_value_t = 120)]
    patience: u64,
    /// (for the program itself) run one job in one engine
    #[arg(long, hide = true)]
    engine: Option<String>,
    /// (for the program itself) the job
    #[arg(long, hide = true)]
    job: Option<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let result = match (&args.engine, &args.job) {
        (Some(engine), Some(job)) => engine_process(engine, job).map(|()| true),
        _ => compare(&args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("rivals: {error}");
            ExitCode::FAILURE
        }
    }
}

type Error = Box<dyn std::error::Error>;

fn engine_process(engine: &str, job: &str) -> Result<(), Error> {
    if engine == commands::PEAK {
        println!("{}", commands::peak_here(job)?);
        return Ok(());
    }
    let job: Job = serde_json::from_str(job)?;
    let report = engines::run(engine, &job)?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

/// False if some engine gave another answer.
fn compare(args: &Args) -> Result<bool, Error> {
    std::fs::create_dir_all(&args.work)?;
    let opa = run::build_opa(&args.work)?;
    let mut workloads = workloads::all(&args.work, args.quick)?;
    workloads.retain(|workload| workload.name.contains(&args.only));
    let rows = run::all(&workloads, &opa, args.patience)?;
    let mut text = table::text(&rows) + &table::ingest(&rows) + &table::notes(&rows);
    let mut agree = rows.iter().all(|row| row.agree);
    if args.commands {
        let programs = commands::build(&args.work)?;
        let jobs = workloads::commands(&args.work, args.quick)?;
        let (table, same) = commands::table(&programs, &jobs, &args.work, &args.only)?;
        text += &table;
        agree &= same;
    }
    print!("{text}");
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out)?;
        std::fs::write(out.join("table.md"), &text)?;
        chart::draw(&rows, &out.join("cost.svg"))?;
    }
    Ok(agree)
}
