//! Writes a Terraform plan: `generate-plan --seed S --resources N > plan.json`.

use std::io::{BufWriter, stdout};
use std::process::ExitCode;

const USAGE: &str = "usage: generate-plan [--seed S] [--resources N] > plan.json";

fn main() -> ExitCode {
    let (mut seed, mut resources) = (1_u64, 40_usize);
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let number = args.next().and_then(|text| text.parse::<u64>().ok());
        match (flag.as_str(), number) {
            ("--seed", Some(number)) => seed = number,
            ("--resources", Some(number)) => resources = number as usize,
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::FAILURE;
            }
        }
    }
    match regovm_benches::plan::write_plan(
        &mut BufWriter::with_capacity(1 << 20, stdout().lock()),
        seed,
        resources,
    ) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate-plan: {error}");
            ExitCode::FAILURE
        }
    }
}
