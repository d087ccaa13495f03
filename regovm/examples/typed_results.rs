//! Types of your own for inputs, data and results: nothing is taken apart by hand, and nothing goes through JSON text.
//!
//! `cargo run -p regovm --example typed_results`
#![allow(clippy::disallowed_macros, reason = "an example prints")]

use std::collections::BTreeMap;
use std::error::Error;

use regovm::{Data, Engine};
use serde::{Deserialize, Serialize};

/// The input: anything that serde serializes.
#[derive(Serialize)]
struct Order<'o> {
    customer: &'o str,
    lines: Vec<Line<'o>>,
}

#[derive(Serialize)]
struct Line<'o> {
    sku: &'o str,
    amount: u32,
}

/// Data, set once and shared by all that is compiled.
#[derive(Serialize)]
struct Stock {
    stock: BTreeMap<&'static str, u32>,
}

/// A result. Texts are borrowed: they lie in the memory of the session, or in the input.
#[derive(Deserialize, PartialEq, Debug)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Problem<'s> {
    UnknownItem { sku: &'s str },
    OutOfStock { sku: &'s str, missing: u32 },
}

const POLICY: &str = r#"
    package orders

    problems contains {"kind": "unknown_item", "sku": line.sku} if {
        some line in input.lines
        not data.stock[line.sku]
    }

    problems contains {"kind": "out_of_stock", "sku": line.sku, "missing": line.amount - have} if {
        some line in input.lines
        have := data.stock[line.sku]
        have < line.amount
    }

    ok if count(problems) == 0
"#;

/// Asks policies with types.
pub fn main() -> Result<(), Box<dyn Error>> {
    let mut engine = Engine::new();
    engine.add_module("orders.rego", POLICY);
    let data = Data::of(&Stock {
        stock: BTreeMap::from([("apple", 10), ("pear", 2)]),
    })?;
    let policy = engine.prepare("data.orders.problems")?.with_data(&data);
    let mut session = policy.session();

    let order = Order {
        customer: "alice",
        lines: vec![
            Line {
                sku: "pear",
                amount: 5,
            },
            Line {
                sku: "kiwi",
                amount: 1,
            },
        ],
    };
    let answer = session.eval(&order)?;
    // `None` would be undefined; a set is a sequence in its order.
    let problems: Vec<Problem<'_>> = answer.decode()?.unwrap_or_default();
    println!("{} has a problem: {problems:?}", order.customer);
    assert_eq!(
        problems,
        [
            Problem::OutOfStock {
                sku: "pear",
                missing: 3
            },
            Problem::UnknownItem { sku: "kiwi" },
        ]
    );

    // Solutions of a query with variables: a struct for each.
    #[derive(Deserialize)]
    struct Item {
        sku: String,
        amount: u32,
    }
    let scarce = engine
        .prepare("some sku, amount in data.stock; amount < 5")?
        .with_data(&data);
    let rows: Vec<Item> = scarce.session().eval_without_input(0)?.decode_all()?;
    for Item { sku, amount } in &rows {
        println!("only {amount} of {sku}");
    }
    assert_eq!(rows.len(), 1);

    // What does not fit is an error that says where.
    let wrong = engine.prepare("data.stock")?.with_data(&data);
    let mut session = wrong.session();
    let answer = session.eval_without_input(0)?;
    let error = answer
        .decode::<BTreeMap<String, bool>>()
        .expect_err("numbers are no truths");
    println!("{error}");
    assert_eq!(
        error.to_string(),
        "apple: invalid type: integer `10`, expected a boolean"
    );
    Ok(())
}
