//! Threads that decide while policy and data change. Nobody waits: a decision runs to its end with the policy and the data
//! that it began with, and the next one has the new ones.
//!
//! `cargo run -p regovm --example swap`
#![allow(clippy::disallowed_macros, reason = "an example prints")]

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use regovm::{Data, Engine, Failure, PreparedPolicy, SharedPolicy};
use serde_json::json;

/// Compiles a version of the policy: this is what takes time, and it happens beside the decisions.
fn compile(rule: &str) -> Result<PreparedPolicy, Failure> {
    let mut engine = Engine::new();
    engine.add_module(
        "authz.rego",
        &format!("package authz\nallow if {{ {rule} }}\n"),
    );
    engine.prepare("data.authz.allow")
}

/// Decides until it is told to stop, and counts.
fn decide(shared: &SharedPolicy, stop: &AtomicBool) -> Result<(u64, u64), Failure> {
    // One session for the thread. It follows what is put into the place.
    let mut session = shared.session();
    let (mut allowed, mut denied) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        match session.eval_json(br#"{"user": "bob"}"#)?.is_undefined() {
            true => denied += 1,
            false => allowed += 1,
        }
    }
    Ok((allowed, denied))
}

/// Decides while policy and data change.
pub fn main() -> Result<(), Box<dyn Error>> {
    let users = Data::of(&json!({"users": ["alice"], "blocked": []}))?;
    let shared = SharedPolicy::new(compile("input.user in data.users")?.with_data(&users));
    let stop = AtomicBool::new(false);
    let ask = |user: &str| -> Result<bool, Failure> {
        Ok(!shared
            .session()
            .eval(&json!({"user": user}))?
            .is_undefined())
    };

    thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let workers: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| decide(&shared, &stop)))
            .collect();
        let changes = || -> Result<(), Failure> {
            assert!(!ask("bob")?);

            // Other data for the same policy: nothing is compiled again.
            let users = Data::of(&json!({"users": ["alice", "bob"], "blocked": ["bob"]}))?;
            shared.update(|now| Ok::<_, Failure>(now.with_data(&users)))?;
            assert!(ask("bob")?);

            // Another policy with the data that is there, which is not copied.
            let policy = compile("input.user in data.users; not input.user in data.blocked")?;
            shared.update(|now| Ok::<_, Failure>(policy.with_data(now.data())))?;
            assert!(!ask("bob")? && ask("alice")?);
            Ok(())
        };
        let changed = changes();
        stop.store(true, Ordering::Relaxed);
        for worker in workers {
            let (allowed, denied) = worker.join().map_err(|_| "a thread panicked")??;
            println!("a thread allowed {allowed} and denied {denied} requests");
        }
        Ok(changed?)
    })
}
