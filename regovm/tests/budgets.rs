//! Bombs stop at the budget of steps, look at the clock often enough, and take the same steps every time.

mod bombs;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bombs::{Bomb, QUERY, bombs, input};
use regovm::{Budget, Clock, Code, Engine, Failure, PreparedPolicy, Session};

fn prepare(bomb: &Bomb) -> PreparedPolicy {
    let mut engine = Engine::new();
    engine.add_module("p.rego", &bomb.policy);
    engine
        .prepare(QUERY)
        .unwrap_or_else(|failure| panic!("{}: {failure:?}", bomb.name))
}

/// What no bomb should need on the machine of a test.
const MEMORY: usize = 64 << 20;

fn stopped(session: &mut Session, name: &str) -> String {
    let Err(Failure { errors, .. }) = session.eval_json(&input()) else {
        panic!("{name} was not stopped");
    };
    assert_eq!(errors.len(), 1, "{name}");
    assert_eq!(
        errors[0].code,
        Some(Code::EvalCancel),
        "{name}: {}",
        errors[0].message
    );
    assert!(
        errors[0].message.contains(" in rule data.p.")
            || errors[0].message.contains(" in function data.p.")
            || errors[0].message.contains(" in the query"),
        "{name}: {}",
        errors[0].message
    );
    assert!(errors[0].location.is_some(), "{name}");
    errors[0].message.clone()
}

#[test]
fn steps_end_every_bomb_at_the_same_place() {
    for bomb in bombs() {
        let policy = prepare(&bomb);
        let saved = PreparedPolicy::load(&policy.save()).unwrap();
        for steps in [10_000, 100_000, 1_000_000] {
            let mut session = policy.session();
            session.set_budget(Budget {
                steps: Some(steps),
                memory: Some(MEMORY),
                ..Budget::default()
            });
            let name = bomb.name;
            let message = stopped(&mut session, name);
            let used = session.steps();
            assert!(used <= steps + steps / 10, "{name}: {used} of {steps}");
            assert!(
                message.starts_with(&format!("step budget of {steps} exhausted in "))
                    || message
                        .starts_with(&format!("memory budget of {MEMORY} bytes exhausted in ")),
                "{name}: {message}"
            );
            assert!(
                message.contains("p.rego:") || message.contains(" in the query"),
                "{name}: {message}"
            );
            if steps > 100_000 {
                continue;
            }
            // What an earlier run of the session has left behind makes no difference, nor does a saved program.
            assert_eq!(stopped(&mut session, name), message, "{name}");
            assert_eq!(session.steps(), used, "{name}");
            let mut again = saved.session();
            again.set_budget(Budget {
                steps: Some(steps),
                memory: Some(MEMORY),
                ..Budget::default()
            });
            assert_eq!(stopped(&mut again, name), message, "{name}");
            assert_eq!(again.steps(), used, "{name}");
        }
    }
}

/// A clock that is over at its n-th reading.
fn over_at(reading: u64) -> Clock {
    let readings = AtomicU64::new(0);
    Arc::new(move || {
        let now = readings.fetch_add(1, Ordering::Relaxed) + 1;
        Duration::from_secs(u64::from(now >= reading))
    })
}

#[test]
fn the_clock_is_read_often() {
    /// Steps between two readings.
    const MOST: u64 = 1 << 16;
    /// Arithmetic on the largest numbers is announced at once; in a release build it takes below 30 ms.
    const LARGE_NUMBERS: u64 = 1 << 22;
    for bomb in bombs() {
        let policy = prepare(&bomb);
        for reading in [3, 30, 300] {
            let mut session = policy.session();
            session.set_budget(Budget {
                memory: Some(MEMORY),
                deadline: Some((Duration::from_secs(1), over_at(reading))),
                ..Budget::default()
            });
            let message = stopped_or_in_the_input(&mut session, bomb.name);
            assert!(
                message.starts_with("time budget of 1s exhausted in ")
                    || message.starts_with("memory budget of "),
                "{}: {message}",
                bomb.name
            );
            let steps = session.steps();
            let most = match bomb.name {
                "shift" | "product" | "division" => LARGE_NUMBERS,
                _ => MOST,
            };
            assert!(
                steps <= reading * most,
                "{}: {steps} steps in {reading} readings",
                bomb.name
            );
        }
    }
}

/// The clock may be over while the input is read.
fn stopped_or_in_the_input(session: &mut Session, name: &str) -> String {
    let Err(Failure { errors, .. }) = session.eval_json(&input()) else {
        panic!("{name} was not stopped");
    };
    errors[0].message.clone()
}

#[test]
fn steps_of_a_session_do_not_depend_on_what_ran_before() {
    let mut engine = Engine::new();
    engine.add_module(
        "p.rego",
        "package p\nallow := [y | some x in input.xs; y := regex.match(sprintf(`^a{%d}b*$`, [x]), \"aab\")]\nsame := input.a == input.b\n",
    );
    let policy = engine.prepare("x := data.p").unwrap();
    let members: Vec<String> = (0..60)
        .map(|i| format!("{{\"k{i}\": 1, \"l{}\": [1]}}", i * 7 % 13))
        .collect();
    let members = members.join(",");
    let input = format!("{{\"xs\": [1, 2, 3, 2], \"a\": [{members}], \"b\": [{members}]}}");
    let mut session = policy.session();
    let steps = |session: &mut Session| session.eval_json(input.as_bytes()).unwrap().steps();
    let first = steps(&mut session);
    assert_eq!(steps(&mut session), first);
    // Fills the tables of shapes and patterns with other things.
    for i in 0..200 {
        let other: Vec<String> = (0..40)
            .map(|k| format!("{{\"x{i}\": 1, \"y{k}\": 1}}"))
            .collect();
        let other = format!("{{\"xs\": [{i}], \"a\": [{}], \"b\": 1}}", other.join(","));
        session.eval_json(other.as_bytes()).unwrap();
    }
    assert_eq!(steps(&mut session), first);
}
