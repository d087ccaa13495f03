//! How long bombs go on after their deadline.
//!
//! `cargo run --release -p regovm-benches --bin deadlines` runs each bomb of `regovm/tests/bombs` five times with a deadline of
//! 100 ms (or the milliseconds that are given; a second argument names one bomb) and prints how much later the error came. It
//! fails if one came more than 50 ms later.

use std::sync::Arc;
use std::time::{Duration, Instant};

use regovm::{Budget, Engine};

#[path = "../../../regovm/tests/bombs/mod.rs"]
mod bombs;

const RUNS: usize = 5;
const ALLOWED: Duration = Duration::from_millis(50);
/// So that nothing needs more memory than a machine has.
const MEMORY: usize = 3 << 30;

fn main() -> std::process::ExitCode {
    let given = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let deadline = Duration::from_millis(given.unwrap_or(100));
    let only = std::env::args().nth(2);
    let input = bombs::input();
    println!("| bomb | median over | worst over | ended by |");
    println!("|---|---|---|---|");
    let mut late = Vec::new();
    let wanted = |bomb: &bombs::Bomb| only.as_deref().is_none_or(|name| name == bomb.name);
    for bomb in bombs::bombs().into_iter().filter(wanted) {
        let mut engine = Engine::new();
        engine.add_module("p.rego", &bomb.policy);
        let policy = match engine.prepare(bombs::QUERY) {
            Ok(policy) => policy,
            Err(failure) => {
                println!("{}: {failure:?}", bomb.name);
                return std::process::ExitCode::FAILURE;
            }
        };
        let mut over = Vec::new();
        let mut ended = String::new();
        for _ in 0..RUNS {
            let mut session = policy.session();
            let started = Instant::now();
            session.set_budget(Budget {
                memory: Some(MEMORY),
                deadline: Some((deadline, Arc::new(move || started.elapsed()))),
                ..Budget::default()
            });
            ended = match session.eval_json(&input) {
                Ok(_) => "its end".to_owned(),
                Err(failure) => {
                    let message = failure.errors.first().map(|error| error.message.clone());
                    let message = message.unwrap_or_default();
                    message.split(" of ").next().unwrap_or_default().to_owned()
                }
            };
            over.push(started.elapsed().saturating_sub(deadline));
        }
        over.sort();
        let (median, worst) = (over[RUNS / 2], over[RUNS - 1]);
        println!("| {} | {median:.1?} | {worst:.1?} | {ended} |", bomb.name);
        if worst > ALLOWED {
            late.push(bomb.name);
        }
    }
    if late.is_empty() {
        return std::process::ExitCode::SUCCESS;
    }
    println!("\nmore than {ALLOWED:?} late: {}", late.join(", "));
    std::process::ExitCode::FAILURE
}
