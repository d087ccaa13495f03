//! JSON Schema. Where OPA lists errors in the random order of a Go map, an answer may differ from ours in order only.

use crate::Kind::{Any, Drawn};
use crate::{Function, Random, list};

pub const FUNCTIONS: &[Function] = &[
    ("json.match_schema", &[Drawn(document), Drawn(schema)]),
    ("json.match_schema", &[Drawn(text), Drawn(schema)]),
    ("json.verify_schema", &[Drawn(schema)]),
    ("json.verify_schema", &[Drawn(wrong_schema)]),
    ("json.verify_schema", &[Any]),
];

const SCALARS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2.5",
    "10",
    "1e2",
    "true",
    "null",
    "\"\"",
    "\"a\"",
    "\"abc\"",
    "\"<é>\"",
    "\"2020-02-30\"",
    "\"10:00:00Z\"",
    "\"a@b\"",
    "\"1.2.3.4\"",
    "\"::1\"",
    "\"http://a/b\"",
    "\"/x~0\"",
];
const TYPES: &[&str] = &[
    "\"array\"",
    "\"boolean\"",
    "\"integer\"",
    "\"number\"",
    "\"null\"",
    "\"object\"",
    "\"string\"",
];
const FORMATS: &[&str] = &[
    "\"date\"",
    "\"time\"",
    "\"date-time\"",
    "\"hostname\"",
    "\"email\"",
    "\"ipv4\"",
    "\"ipv6\"",
    "\"uri\"",
    "\"uri-reference\"",
    "\"uri-template\"",
    "\"uuid\"",
    "\"regex\"",
    "\"json-pointer\"",
    "\"other\"",
];
const DRAFTS: &[&str] = &[
    "\"http://json-schema.org/draft-04/schema#\"",
    "\"http://json-schema.org/draft-06/schema#\"",
    "\"http://json-schema.org/draft-07/schema\"",
];
const KEYWORDS: &[&str] = &[
    "id",
    "$id",
    "$ref",
    "$schema",
    "title",
    "type",
    "items",
    "additionalItems",
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "definitions",
    "multipleOf",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "pattern",
    "format",
    "minProperties",
    "dependencies",
    "required",
    "maxItems",
    "uniqueItems",
    "contains",
    "const",
    "enum",
    "oneOf",
    "anyOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
];

fn value(random: &mut Random, depth: usize) -> String {
    let small = depth == 0;
    match random.below(if small { 3 } else { 6 }) {
        0..=2 => random.of(SCALARS).to_owned(),
        3..=4 => {
            let elements: Vec<_> = (0..random.below(4))
                .map(|_| value(random, depth - 1))
                .collect();
            list(&elements)
        }
        _ => format!(
            "{{{}: {}}}",
            random.of(&["\"a\"", "\"b\""]),
            value(random, depth - 1)
        ),
    }
}

fn document(random: &mut Random) -> String {
    loop {
        let document = value(random, 3);
        if document.starts_with(['[', '{']) {
            return document;
        }
    }
}

fn text(random: &mut Random) -> String {
    format!("`{}`", value(random, 2))
}

fn schema(random: &mut Random) -> String {
    let draft = random.below(4);
    sub_schema(random, 2, DRAFTS.get(draft).copied())
}

fn sub_schema(random: &mut Random, depth: usize, draft: Option<&str>) -> String {
    let mut members = Vec::new();
    if depth == 2
        && let Some(draft) = draft
    {
        members.push(format!("\"$schema\": {draft}"));
    }
    for _ in 0..1 + random.below(3) {
        members.push(keyword(random, depth, draft));
    }
    // Of equal keys the last one stands, here as there.
    members.sort();
    members.dedup_by(|a, b| a.split(':').next() == b.split(':').next());
    format!("{{{}}}", members.join(", "))
}

fn keyword(random: &mut Random, depth: usize, draft: Option<&str>) -> String {
    let count = random.of(&["0", "1", "2", "3"]);
    let number = random.of(&["0", "1", "2.5", "10", "1000000"]);
    let choice = random.below(if depth == 0 { 14 } else { 26 });
    let sub = |random: &mut Random| sub_schema(random, depth.saturating_sub(1), draft);
    match choice {
        0 => format!("\"type\": {}", random.of(TYPES)),
        1 => format!("\"type\": [{}]", random.of(TYPES)),
        2 => format!("\"multipleOf\": {}", random.of(&["1", "0.5", "3"])),
        3 => format!("\"minimum\": {number}"),
        4 => format!("\"maximum\": {number}"),
        5 => format!("\"minLength\": {count}"),
        6 => format!("\"maxLength\": {count}"),
        7 => format!(
            "\"pattern\": {}",
            random.of(&["\"^a\"", "\"b$\"", "\"[0-9]\""])
        ),
        8 => format!("\"format\": {}", random.of(FORMATS)),
        9 => format!(
            "\"required\": [{}]",
            random.of(&["\"a\"", "\"b\"", "\"a\", \"b\""])
        ),
        10 => format!("\"minItems\": {count}"),
        11 => format!("\"maxProperties\": {count}"),
        12 => format!("\"enum\": [{}]", random.of(SCALARS)),
        13 => "\"uniqueItems\": true".to_owned(),
        14 => format!("\"const\": {}", value(random, 1)),
        15 => format!("\"properties\": {{\"a\": {}}}", sub(random)),
        16 => format!("\"additionalProperties\": {}", sub(random)),
        17 => format!("\"patternProperties\": {{\"a\": {}}}", sub(random)),
        18 => format!("\"items\": {}", sub(random)),
        19 => format!("\"items\": [{}]", sub(random)),
        20 => format!("\"contains\": {}", sub(random)),
        21 => format!("\"anyOf\": [{}, {}]", sub(random), sub(random)),
        22 => format!("\"oneOf\": [{}, {}]", sub(random), sub(random)),
        23 => format!("\"allOf\": [{}, {}]", sub(random), sub(random)),
        24 => format!("\"not\": {}", sub(random)),
        _ => format!(
            "\"if\": {}, \"then\": {}, \"else\": {}",
            sub(random),
            sub(random),
            sub(random)
        ),
    }
}

/// A keyword with a value that it may not have.
fn wrong_schema(random: &mut Random) -> String {
    let keyword = random.of(KEYWORDS);
    let value = match random.below(4) {
        0 => random.of(SCALARS).to_owned(),
        1 => random
            .of(&[
                "[]",
                "[1]",
                "[\"a\", \"a\"]",
                "{}",
                "{\"a\": 1}",
                "{\"[\": {}}",
                "\"[\"",
                "\":\"",
            ])
            .to_owned(),
        _ => value(random, 2),
    };
    format!("{{\"{keyword}\": {value}}}")
}
