//! Timers of the phases of an evaluation, and statistics over several of them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Number, Value};

/// Timers by OPA's names, without `timer_` and `_ns`.
#[derive(Clone, Default)]
pub struct Metrics {
    timers: BTreeMap<String, Duration>,
    counters: BTreeMap<String, u64>,
}

impl Metrics {
    /// Adds to a timer.
    pub fn add(&mut self, name: &str, time: Duration) {
        *self.timers.entry(name.to_owned()).or_default() += time;
    }

    /// Sets a counter.
    pub fn count(&mut self, name: &str, count: u64) {
        self.counters.insert(name.to_owned(), count);
    }

    /// The timers with OPA's names, in nanoseconds.
    pub fn timers(&self) -> impl Iterator<Item = (String, u64)> {
        self.timers
            .iter()
            .map(|(name, time)| (format!("timer_{name}_ns"), time.as_nanos() as u64))
    }

    /// All of them, sorted by name.
    pub fn to_json(&self) -> Value {
        let mut all: BTreeMap<String, Value> = self
            .timers()
            .map(|(name, time)| (name, Value::from(time)))
            .collect();
        for (name, count) in &self.counters {
            all.insert(format!("counter_{name}"), Value::from(*count));
        }
        Value::Object(all.into_iter().collect())
    }

    /// Names and values as the rows of a table.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        if let Value::Object(all) = self.to_json() {
            for (name, value) in all {
                rows.push(vec![name, value.to_string()]);
            }
        }
        rows.sort();
        rows
    }
}

/// The timer of a stage of the compiler, as OPA names it; none for what OPA does not time.
pub fn stage(name: &str, of_query: bool) -> Option<String> {
    let mut words = String::new();
    for (at, c) in name.char_indices() {
        if c.is_ascii_uppercase() && at > 0 {
            words.push('_');
        }
        words.push(c.to_ascii_lowercase());
    }
    Some(match (words.as_str(), of_query) {
        ("load_schemas", false) | ("rewrite_template_strings", true) => return None,
        ("set_annotation_set", _) => "compile_stage_set_annotationset".to_owned(),
        ("check_duplicate_imports", _) => "compile_stage_check_imports".to_owned(),
        ("check_unsafe_builtins" | "check_deprecated_builtins", false) => {
            format!("compile_state_{words}")
        }
        (_, false) => format!("compile_stage_{words}"),
        (_, true) => format!("query_compile_stage_{words}"),
    })
}

/// A number as Go prints one: whole ones without a fraction.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// What OPA says of several measurements.
pub fn statistics(values: &[u64]) -> Value {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let count = sorted.len();
    let sum: f64 = sorted.iter().map(|value| *value as f64).sum();
    let mean = if count == 0 { 0.0 } else { sum / count as f64 };
    let squares: f64 = sorted
        .iter()
        .map(|value| (*value as f64 - mean).powi(2))
        .sum();
    let deviation = if count == 0 {
        0.0
    } else {
        (squares / count as f64).sqrt()
    };
    let percentile = |part: f64| -> f64 {
        let at = part * (count + 1) as f64;
        match sorted.as_slice() {
            [] => 0.0,
            [first, ..] if at < 1.0 => *first as f64,
            [.., last] if at >= count as f64 => *last as f64,
            all => {
                let lower = all[at as usize - 1] as f64;
                let upper = all[at as usize] as f64;
                lower + at.fract() * (upper - lower)
            }
        }
    };
    let mut object = Map::new();
    for (name, part) in [
        ("75%", 0.75),
        ("90%", 0.9),
        ("95%", 0.95),
        ("99%", 0.99),
        ("99.9%", 0.999),
        ("99.99%", 0.9999),
    ] {
        object.insert(name.into(), number(percentile(part)));
    }
    object.insert("count".into(), Value::from(count));
    let edge = |value: Option<&u64>| Value::from(value.copied().unwrap_or(0));
    object.insert("max".into(), edge(sorted.last()));
    object.insert("mean".into(), number(mean));
    object.insert("median".into(), number(percentile(0.5)));
    object.insert("min".into(), edge(sorted.first()));
    object.insert("stddev".into(), number(deviation));
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_have_the_timers_of_opa() {
        let named = |name, of_query| stage(name, of_query).unwrap_or_default();
        assert_eq!(named("CheckTypes", false), "compile_stage_check_types");
        assert_eq!(named("CheckTypes", true), "query_compile_stage_check_types");
        let odd = named("CheckUnsafeBuiltins", false);
        assert_eq!(odd, "compile_state_check_unsafe_builtins");
        assert_eq!(stage("LoadSchemas", false), None);
    }

    #[test]
    fn statistics_are_those_of_opa() {
        let of_two = statistics(&[25879, 51247]);
        assert_eq!(of_two["75%"], 51247);
        assert_eq!(of_two["mean"], 38563);
        assert_eq!(of_two["median"], 38563);
        assert_eq!(of_two["stddev"], 12684);
        assert_eq!(statistics(&[1, 2, 3, 4])["median"], 2.5);
        assert_eq!(statistics(&[])["max"], 0);
    }
}
