//! `fuzz [TARGET] [--runs N] [--seed S]`: runs a target, or all of them, on mutated texts.

use std::process::ExitCode;

use regovm_fuzz::{TARGETS, run};

fn main() -> ExitCode {
    let (mut wanted, mut runs, mut seed) = (None, 10_000, 1);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|text| text.parse::<u64>().ok());
        match arg.as_str() {
            "--runs" => runs = number().unwrap_or(runs),
            "--seed" => seed = number().unwrap_or(seed),
            name if TARGETS.iter().any(|target| target.name == name) => wanted = Some(arg),
            _ => {
                let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
                eprintln!("usage: fuzz [{}] [--runs N] [--seed S]", names.join("|"));
                return ExitCode::FAILURE;
            }
        }
    }
    for target in TARGETS
        .iter()
        .filter(|target| wanted.as_ref().is_none_or(|name| name == target.name))
    {
        run(target, seed, runs);
        println!("{}: {runs} runs from seed {seed}", target.name);
    }
    ExitCode::SUCCESS
}
