//! A profile as one page of HTML: flame graph, table, and the sources annotated line by line.
//!
//! The page needs no network. All texts of policies are data in a JSON element, and the script puts them into the page as
//! text, never as HTML.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::costs::{CostProfile, Weight};

/// JSON that can stand inside a `script` element.
fn embedded(value: &Value) -> String {
    value
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

pub(super) fn page(profile: &CostProfile, title: &str, weight: Weight) -> String {
    let costs = |costs: &regovm_vm::profile::Costs| {
        json!([
            costs.nanos,
            costs.steps,
            costs.bytes,
            costs.runs,
            costs.members,
            costs.known,
            costs.index_hits,
            costs.index_misses
        ])
    };
    let stacks = profile
        .stacks
        .iter()
        .map(|stack| json!([stack.frames, costs(&stack.costs)]));
    let lines = |lines: &[super::CostLine]| -> Vec<Value> {
        let one = |line: &super::CostLine| {
            json!({
                "f": line.site.function,
                "p": line.site.place(),
                "file": line.site.file,
                "row": line.site.row,
                "t": line.site.text,
                "c": line.calls,
                "s": costs(&line.own),
                "a": costs(&line.total),
            })
        };
        lines.iter().map(one).collect()
    };
    let mut rows: BTreeMap<&str, BTreeMap<u32, Vec<Value>>> = BTreeMap::new();
    for line in &profile.expressions {
        rows.entry(&line.site.file)
            .or_default()
            .entry(line.site.row)
            .or_default()
            .push(costs(&line.own));
    }
    let data = json!({
        "weight": weight.name(),
        "stacks": stacks.collect::<Vec<_>>(),
        "functions": lines(&profile.functions),
        "expressions": lines(&profile.expressions),
        "rows": rows,
        "sources": profile.sources,
        "notes": profile.notes(),
    });
    include_str!("page.html")
        .replace("@TITLE@", &escaped(title))
        .replace("@DATA@", &embedded(&data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_leave_their_element() {
        let text = embedded(&json!("</script><script>alert(1)&"));
        assert!(!text.contains('<') && !text.contains('&'), "{text}");
        assert_eq!(
            escaped("<a href=\"x\">&"),
            "&lt;a href=&quot;x&quot;&gt;&amp;"
        );
    }
}
