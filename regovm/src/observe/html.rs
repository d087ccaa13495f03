//! A profile as one page of HTML: flame graph, table, and the sources annotated line by line.
//!
//! The page (`page/`) needs no network. All texts of policies are data in a JSON element, and the script puts them into the page as
//! text, never as HTML.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::costs::{CostLine, CostProfile, Weight, label};

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

/// The parts of the page that stay as they are, with the names of what comes between them.
const PAGE: &str = include_str!("page/page.html");

/// Puts texts where the page names them. What is put in is not searched for names.
fn filled(parts: &[(&str, &str)]) -> String {
    let mut page = String::new();
    let mut rest = PAGE;
    loop {
        let next = parts
            .iter()
            .filter_map(|(name, text)| Some((rest.find(name)?, name, text)))
            .min_by_key(|(at, ..)| *at);
        let Some((at, name, text)) = next else {
            page.push_str(rest);
            return page;
        };
        page.push_str(&rest[..at]);
        page.push_str(text);
        rest = &rest[at + name.len()..];
    }
}

fn costs(costs: &regovm_vm::profile::Costs) -> Value {
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
}

fn lines(lines: &[CostLine]) -> Vec<Value> {
    let one = |line: &CostLine| {
        json!({
            "f": line.site.function,
            "p": line.site.place(),
            "l": label(&line.site),
            "file": line.site.file,
            "row": line.site.row,
            "t": line.site.text,
            "c": line.calls,
            "s": costs(&line.own),
            "a": costs(&line.total),
        })
    };
    lines.iter().map(one).collect()
}

pub(super) fn page(profile: &CostProfile, title: &str, weight: Weight) -> String {
    // Frames come again and again: each text stands once.
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut frames: Vec<&str> = Vec::new();
    let mut stacks = Vec::new();
    for stack in &profile.stacks {
        let mut way = Vec::new();
        for frame in &stack.frames {
            let number = *numbers.entry(frame).or_insert_with(|| {
                frames.push(frame);
                frames.len() - 1
            });
            way.push(number);
        }
        stacks.push(json!([way, costs(&stack.costs)]));
    }
    let quadratic = profile.quadratic.iter().map(|found| {
        json!({
            "f": found.site.function,
            "p": found.site.place(),
            "file": found.site.file,
            "row": found.site.row,
            "t": found.site.text,
            "begun": found.begun,
            "visited": found.visited,
            "around": profile.around(found),
            "remedy": found.remedy,
        })
    });
    let data = json!({
        "weight": weight.name(),
        "total": costs(&profile.total),
        "frames": frames,
        "stacks": stacks,
        "functions": lines(&profile.functions),
        "expressions": lines(&profile.expressions),
        "sources": profile.sources,
        "quadratic": quadratic.collect::<Vec<_>>(),
    });
    filled(&[
        ("@TITLE@", &escaped(title)),
        ("@STYLE@", include_str!("page/page.css")),
        ("@DATA@", &embedded(&data)),
        ("@SCRIPT@", include_str!("page/page.js")),
    ])
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
    #[test]
    fn what_is_put_into_the_page_is_not_searched() {
        let page = page(&CostProfile::default(), "@DATA@ @SCRIPT@", Weight::Steps);
        assert!(page.contains("<h1>@DATA@ @SCRIPT@</h1>"), "{page}");
        assert!(page.contains("\"weight\":\"steps\""), "{page}");
        assert!(!page.contains("@STYLE@"), "{page}");
    }
}
