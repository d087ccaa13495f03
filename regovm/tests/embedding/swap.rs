//! Policies and data that change while threads ask.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use regovm::{Data, Engine, PreparedPolicy, SharedPolicy};
use serde_json::json;

/// A policy of a version, with data of the same version: an answer that mixes two of them is seen.
fn version(number: u64) -> PreparedPolicy {
    let mut engine = Engine::new();
    let policy = format!(
        r#"package p
        policy := {number}
        found contains row.owner if {{
            some row in data.rows
            row.id == input.ids[_]
        }}
        answer := {{"policy": policy, "data": data.version, "found": found}}
        "#
    );
    engine.add_module("p.rego", &policy);
    engine
        .prepare("data.p.answer")
        .unwrap()
        .with_data(&data(number))
}

fn data(number: u64) -> Data {
    let rows: Vec<_> = (0..64)
        .map(|id| json!({"id": id, "owner": format!("owner-{id}-{number}")}))
        .collect();
    Data::of(&json!({"version": number, "rows": rows})).unwrap()
}

#[derive(serde::Deserialize)]
struct Answer<'s> {
    policy: u64,
    data: u64,
    #[serde(borrow)]
    found: Vec<&'s str>,
}

/// Asks until it is told to stop; what it sees must be of one version, and versions must not go back.
fn ask(shared: &SharedPolicy, stop: &AtomicBool, asked: &AtomicU64, together: bool) {
    let mut session = shared.session();
    let mut last = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let answer = session.eval_json(br#"{"ids": [3, 40, 63]}"#).unwrap();
        let answer: Answer<'_> = answer.decode().unwrap().unwrap();
        if together {
            assert_eq!(answer.policy, answer.data);
        }
        assert!(
            answer.policy >= last.0 && answer.data >= last.1,
            "it went back"
        );
        last = (answer.policy, answer.data);
        let mut expected = [3, 40, 63].map(|id| format!("owner-{id}-{}", answer.data));
        expected.sort();
        assert_eq!(answer.found, expected);
        asked.fetch_add(1, Ordering::Relaxed);
    }
}

/// Lets threads ask while `change` is called with one number after the other.
fn while_asked(shared: &SharedPolicy, together: bool, change: impl Fn(u64) + Sync) {
    let (stop, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| ask(shared, &stop, &asked, together));
        }
        for number in 2..=12 {
            change(number);
            // Somebody is asking all the time.
            let before = asked.load(Ordering::Relaxed);
            while asked.load(Ordering::Relaxed) < before + 3 {
                std::thread::yield_now();
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    let answer = shared
        .session()
        .eval_json(br#"{"ids": [1]}"#)
        .unwrap()
        .value()
        .unwrap();
    assert_eq!(
        (&answer["policy"], &answer["data"]),
        (&json!(12), &json!(12))
    );
}

#[test]
fn policy_and_data_change_together() {
    let shared = SharedPolicy::new(version(1));
    while_asked(&shared, true, |number| {
        let old = shared.replace(version(number));
        let mut session = old.session();
        let answer = session
            .eval_json(br#"{"ids": []}"#)
            .unwrap()
            .value()
            .unwrap();
        assert_eq!(answer["policy"], json!(number - 1));
    });
}

/// One thread brings policies, another one data: none of what they bring is lost.
#[test]
fn updates_from_several_sides_are_not_lost() {
    let shared = SharedPolicy::new(version(1));
    while_asked(&shared, false, |number| {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let update = shared.update(|now| {
                    std::thread::yield_now();
                    Ok::<_, ()>(version(number).with_data(now.data()))
                });
                update.unwrap();
            });
            scope.spawn(|| {
                let update = shared.update(|now| {
                    std::thread::yield_now();
                    Ok::<_, ()>(now.with_data(&data(number)))
                });
                update.unwrap();
            });
        });
    });
}

#[test]
fn an_update_that_fails_changes_nothing() {
    let shared = SharedPolicy::new(version(1));
    let failed =
        shared.update(|now| now.with_documents(&[regovm::Document::json("d.json", "[1]")]));
    assert!(failed.is_err());
    let answer = shared
        .session()
        .eval_json(br#"{"ids": []}"#)
        .unwrap()
        .value()
        .unwrap();
    assert_eq!(answer["data"], json!(1));
}
