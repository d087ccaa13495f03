//! An admission decision of Kubernetes inside of the webhook: the bytes of an `AdmissionReview` come in, the bytes of the
//! answer go out. Nothing waits for another process, and a decision takes microseconds.
//!
//! `cargo run -p regovm --example admission`
#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "the program prints and has a clock"
)]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use regovm::{Budget, Engine, Failure, PreparedPolicy, Session};
use serde::Deserialize;
use serde_json::json;

const POLICY: &str = include_str!("../../examples/kubernetes/policy/pods.rego");
const REVIEW: &[u8] = include_bytes!("../../examples/kubernetes/admission.json");

/// What the policy says of a review. Texts are borrowed from the session.
#[derive(Deserialize)]
struct Decision<'s> {
    uid: &'s str,
    #[serde(borrow)]
    deny: Vec<&'s str>,
}

/// Compiles the policy, once for the process. The policy is cheap to clone and shared by all threads.
fn compile() -> Result<PreparedPolicy, Failure> {
    let mut engine = Engine::new();
    engine.add_module("pods.rego", POLICY);
    // The id that the answer must repeat comes out of the same evaluation: the review is read once.
    engine.prepare("uid := input.request.uid; deny := data.kubernetes.admission.deny")
}

/// What a thread of the webhook has. The session keeps its memory from review to review.
struct Worker {
    session: Session,
}

impl Worker {
    fn new(policy: &PreparedPolicy) -> Worker {
        Worker {
            session: policy.session(),
        }
    }

    /// The answer to a review. Whatever goes wrong, the answer is no.
    fn answer(&mut self, review: &[u8]) -> Vec<u8> {
        let response = match self.decide(review) {
            Ok(Some(decision)) if decision.deny.is_empty() => {
                json!({"uid": decision.uid, "allowed": true})
            }
            Ok(Some(decision)) => json!({
                "uid": decision.uid,
                "allowed": false,
                "status": {"code": 403, "message": decision.deny.join("; ")},
            }),
            Ok(None) => refusal(400, "the review has no request with a uid"),
            Err(error) => refusal(500, &error.to_string()),
        };
        let answer = json!({
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": response,
        });
        answer.to_string().into_bytes()
    }

    /// Nobody can make this take long or fill the memory: not who writes reviews, and not who writes policies.
    fn decide<'s>(&'s mut self, review: &'s [u8]) -> Result<Option<Decision<'s>>, Box<dyn Error>> {
        let started = Instant::now();
        let clock = move || started.elapsed();
        self.session.set_budget(Budget {
            steps: Some(1_000_000),
            memory: Some(64 << 20),
            deadline: Some((Duration::from_millis(500), Arc::new(clock))),
            ..Budget::default()
        });
        let answer = self.session.eval_json(review)?;
        Ok(answer.decode_all()?.pop())
    }
}

fn refusal(code: u16, message: &str) -> serde_json::Value {
    json!({"uid": "", "allowed": false, "status": {"code": code, "message": message}})
}

/// Decides on some reviews.
pub fn main() -> Result<(), Box<dyn Error>> {
    let policy = compile()?;
    let mut worker = Worker::new(&policy);

    let answer: serde_json::Value = serde_json::from_slice(&worker.answer(REVIEW))?;
    println!("{answer:#}");
    assert_eq!(
        answer["response"]["uid"],
        "7f0b2891-916f-4ed6-b7cd-27bff1815a8c"
    );
    assert_eq!(answer["response"]["allowed"], false);

    // The same session decides on the next review, also after one that is broken.
    for (review, code) in [(&b"{"[..], 500), (b"{}", 400)] {
        let answer: serde_json::Value = serde_json::from_slice(&worker.answer(review))?;
        println!("{}", answer["response"]["status"]);
        assert_eq!(answer["response"]["status"]["code"], code);
    }
    let harmless = br#"{"request": {"uid": "1", "kind": {"kind": "ConfigMap"}, "object": {}}}"#;
    let answer: serde_json::Value = serde_json::from_slice(&worker.answer(harmless))?;
    println!("{}", answer["response"]);
    assert_eq!(answer["response"], json!({"uid": "1", "allowed": true}));
    Ok(())
}
