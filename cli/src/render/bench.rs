//! Benchmarks as Go's `testing` package prints them.

use regovm::testing::Measured;
use serde_json::{Map, Value, json};

/// `   45042\t     32845 ns/op`, with what is measured beside the time, and with the memory if it is wanted.
pub fn line(measured: &Measured, memory: bool) -> String {
    let mut text = format!("{:>8}", measured.runs);
    let nanoseconds = measured.time.as_nanos() as f64 / measured.runs.max(1) as f64;
    if nanoseconds != 0.0 {
        text.push_str(&format!("\t{} ns/op", number(nanoseconds)));
    }
    for (unit, value) in &measured.extra {
        text.push_str(&format!("\t{} {unit}", number(*value)));
    }
    if memory {
        text.push_str(&format!(
            "\t{:>8} B/op\t{:>8} allocs/op",
            bytes_per_run(measured),
            allocations_per_run(measured)
        ));
    }
    text
}

/// Bytes of values that a run makes.
pub fn bytes_per_run(measured: &Measured) -> u64 {
    let bytes = measured.bytes / u128::from(measured.runs.max(1));
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Allocations of a run. Values need none: the memory of the arena is reused.
pub fn allocations_per_run(measured: &Measured) -> u64 {
    let allocations = measured.allocations / u128::from(measured.runs.max(1));
    u64::try_from(allocations).unwrap_or(u64::MAX)
}

/// A benchmark as `testing.BenchmarkResult` becomes JSON.
pub fn json(measured: &Measured) -> Value {
    let extra: Map<String, Value> = measured
        .extra
        .iter()
        .map(|(name, value)| (name.clone(), whole(*value)))
        .collect();
    json!({
        "N": measured.runs,
        "T": u64::try_from(measured.time.as_nanos()).unwrap_or(u64::MAX),
        "Bytes": 0,
        "MemAllocs": u64::try_from(measured.allocations).unwrap_or(u64::MAX),
        "MemBytes": u64::try_from(measured.bytes).unwrap_or(u64::MAX),
        "Extra": extra,
    })
}

/// A number without a fraction that says nothing.
fn whole(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        (value as i64).into()
    } else {
        value.into()
    }
}

/// A number with ten places before its point, and three figures that count if it is small.
pub fn number(value: f64) -> String {
    let size = value.abs();
    let (width, places) = if size == 0.0 || size >= 99.95 {
        (10, 0)
    } else if size >= 9.995 {
        (12, 1)
    } else if size >= 0.9995 {
        (13, 2)
    } else if size >= 0.09995 {
        (14, 3)
    } else if size >= 0.009995 {
        (15, 4)
    } else if size >= 0.0009995 {
        (16, 5)
    } else {
        (17, 6)
    };
    format!("{value:width$.places$}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn lines_are_those_of_go() {
        let mut measured = Measured {
            runs: 45042,
            time: Duration::from_nanos(45042 * 32845),
            bytes: 45042 * 4837,
            ..Measured::default()
        };
        measured
            .extra
            .insert("timer_rego_query_eval_ns/op".to_owned(), 24011.2);
        assert_eq!(
            line(&measured, false),
            "   45042\t     32845 ns/op\t     24011 timer_rego_query_eval_ns/op"
        );
        assert!(line(&measured, true).ends_with("\t    4837 B/op\t       0 allocs/op"));
        assert_eq!(number(2.34567), "         2.35");
        assert_eq!(number(0.5), "         0.500");
    }
}
