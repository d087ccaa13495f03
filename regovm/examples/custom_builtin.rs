//! Built-ins of your own: policies ask what only your program knows.
//!
//! `cargo run -p regovm --example custom_builtin`
#![allow(clippy::disallowed_macros, reason = "an example prints")]

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, RwLock};

use regovm::builtin::BuiltinError;
use regovm::value::{ArrayBuilder, Value};
use regovm::{Builtin, Engine};
use serde::{Deserialize, Serialize};

/// What is known of a service. It goes into policies as an object.
#[derive(Clone, Serialize, Deserialize)]
struct Service {
    owner: String,
    tier: u8,
}

/// Something that lives beside the policies and changes.
type Catalogue = Arc<RwLock<HashMap<String, Service>>>;

/// A function of Rust types: serde makes the arguments and takes the result. `None` is undefined in the policy, an error
/// is an error of the built-in. The catalogue changes, so the built-in is not deterministic: a query asks it once for each
/// name.
fn lookup(catalogue: Catalogue) -> Builtin {
    let body = move |name: String| match catalogue.read() {
        Ok(services) => Ok(services.get(&name).cloned()),
        Err(_) => Err("the catalogue is broken"),
    };
    Builtin::new(
        "acme.service",
        r#"(name: str) -> service: obj<"owner": str, "tier": num>"#,
        body,
    )
    .doc("The entry of the catalogue of services.")
    .nondeterministic()
}

/// A function of values, for large ones: nothing is copied but pointers. It charges for its work before it does it, so
/// that the budgets of sessions hold.
fn every_nth() -> Builtin {
    Builtin::over_values(
        "acme.every_nth",
        "(list: [any], n: num) -> [any]",
        |cx, arguments| {
            let &[list, n] = arguments else {
                return Err(BuiltinError::value("takes a list and a number"));
            };
            let Some(list) = list.as_array() else {
                return Err(BuiltinError::operand_type(1, &["array"], list));
            };
            let Some(n) = n
                .as_i64()
                .and_then(|n| usize::try_from(n).ok())
                .filter(|n| *n > 0)
            else {
                return Err(BuiltinError::operand(2, "must be a positive integer"));
            };
            cx.charge((list.len() / n) as u64 + 1)?;
            let mut picked = ArrayBuilder::with_capacity(cx.arena, list.len() / n + 1)?;
            for element in list.iter().step_by(n) {
                picked.push(cx.arena, element)?;
            }
            Ok::<_, BuiltinError>(Some::<Value<'_>>(picked.finish(cx.arena)))
        },
    )
}

const POLICY: &str = r#"
    package deploy

    # The checker knows what acme.service gives: `.ovner` would be an error of the policy.
    deny contains sprintf("%s belongs to %s", [input.service, owner]) if {
        owner := acme.service(input.service).owner
        owner != input.team
    }

    deny contains sprintf("nobody knows %s", [input.service]) if not acme.service(input.service)

    sample := acme.every_nth(input.hosts, 2)

    # Tests replace them as any other.
    test_foreign if {
        deny == {"shop belongs to web"} with input as {"service": "shop", "team": "ops"}
            with acme.service as {"owner": "web", "tier": 1}
    }
"#;

#[derive(Deserialize)]
struct Outcome {
    deny: Vec<String>,
    sample: Vec<String>,
}

/// Asks a policy that calls built-ins of this program.
pub fn main() -> Result<(), Box<dyn Error>> {
    let catalogue = Catalogue::default();
    let mut engine = Engine::new();
    engine.add_builtin(lookup(catalogue.clone()))?;
    engine.add_builtin(every_nth())?;
    engine.add_module("deploy.rego", POLICY);

    let policy = engine.prepare("deny := data.deploy.deny; sample := data.deploy.sample")?;
    let mut session = policy.session();
    let mut ask = || -> Result<Outcome, Box<dyn Error>> {
        let input = br#"{"service": "search", "team": "payments", "hosts": ["a", "b", "c"]}"#;
        let outcome = session.eval_json(input)?.decode_all()?.pop();
        outcome.ok_or_else(|| "undefined".into())
    };
    let outcome = ask()?;
    println!("{:?} {:?}", outcome.deny, outcome.sample);
    assert_eq!(outcome.deny, ["nobody knows search"]);
    assert_eq!(outcome.sample, ["a", "c"]);

    let entry = Service {
        owner: "discovery".to_owned(),
        tier: 2,
    };
    catalogue
        .write()
        .map_err(|_| "broken")?
        .insert("search".to_owned(), entry);
    let outcome = ask()?;
    println!("{:?}", outcome.deny);
    assert_eq!(outcome.deny, ["search belongs to discovery"]);

    let test = engine.prepare("data.deploy.test_foreign")?;
    assert_eq!(test.session().eval_without_input(0)?.decode()?, Some(true));

    // A saved policy names its built-ins. An engine that has them loads it.
    let file = policy.save();
    assert!(engine.load(&file).is_ok());
    let refused = Engine::new()
        .load(&file)
        .map(drop)
        .expect_err("it has none");
    println!("{refused}");
    Ok(())
}
