//! The targets: what is fed, and what must hold.

use std::sync::OnceLock;

use regovm::internals::core::json::{self, Style};
use regovm::internals::core::value::{Arena, Value};
use regovm::internals::core::{SourceMap, yaml};
use regovm::internals::parser::{ParseOptions, canonical, parse_module};
use regovm::{Budget, Engine, PreparedPolicy, RegoVersion};
use regovm_config::{Format, Step};

use crate::Seeds;

/// Something that takes any bytes.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is fed with.
    pub seeds: Seeds,
    /// Panics if something does not hold.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target {
        name: "parse",
        seeds: Seeds::Rego,
        run: parse,
    },
    Target {
        name: "print",
        seeds: Seeds::Rego,
        run: parse_print_parse,
    },
    Target {
        name: "evaluate",
        seeds: Seeds::Rego,
        run: evaluate,
    },
    Target {
        name: "json",
        seeds: Seeds::Json,
        run: read_json,
    },
    Target {
        name: "yaml",
        seeds: Seeds::Yaml,
        run: read_yaml,
    },
    Target {
        name: "config",
        seeds: Seeds::Config,
        run: read_config,
    },
    Target {
        name: "program",
        seeds: Seeds::Programs,
        run: load_program,
    },
];

/// Steps and bytes that a mutated policy may use.
fn budget() -> Budget {
    Budget {
        steps: Some(100_000),
        memory: Some(16 << 20),
        ..Budget::default()
    }
}

fn parse(bytes: &[u8]) {
    for version in [RegoVersion::V0, RegoVersion::V1] {
        let mut engine = Engine::new();
        engine
            .set_version(version)
            .add_module_bytes("fuzz.rego", bytes);
        if let Err(failure) = engine.check() {
            assert!(!failure.errors.is_empty(), "a failure says what is wrong");
        }
    }
}

/// What parses prints to a text that parses to the same print.
fn parse_print_parse(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Some(first) = printed(text) else { return };
    let second = printed(&first)
        .unwrap_or_else(|| panic!("the print does not parse:\n{first}\n-- of\n{text}"));
    assert_eq!(first, second, "printing is stable, of\n{text}");
}

fn printed(text: &str) -> Option<String> {
    let mut sources = SourceMap::new();
    let id = sources.add("fuzz.rego", text).ok()?;
    parse_module(&sources, id, &ParseOptions::default())
        .ok()
        .map(|module| canonical::module(&module))
}

/// From source and from the saved program: the same answer or the same error, in the same number of steps.
fn evaluate(bytes: &[u8]) {
    let mut engine = Engine::new();
    engine.add_module_bytes("fuzz.rego", bytes);
    let Ok(policy) = engine.prepare("data") else {
        return;
    };
    let saved = PreparedPolicy::load(&policy.save()).expect("what was saved loads");
    assert_eq!(answer(&policy), answer(&saved));
}

fn answer(policy: &PreparedPolicy) -> Result<(Option<String>, u64), String> {
    let mut session = policy.session();
    session.set_budget(budget());
    let answer = session.eval_json(br#"{"user": "alice", "roles": ["a", "b"], "n": 3}"#);
    answer
        .map(|a| (a.value().map(|v| v.to_string()), a.steps()))
        .map_err(|failure| failure.to_string())
}

/// What is JSON to us is JSON to serde_json, reads back from its own text as the same value, and in parts as parts of it.
fn read_json(bytes: &[u8]) {
    let arena = Arena::new();
    let options = json::ReadOptions::default();
    let whole = json::read(bytes, &arena, options);
    for projection in projections() {
        let strict = json::ReadOptions {
            strict: true,
            ..options
        };
        let pruned = whole.clone().map(|value| projection.prune(value, &arena));
        let strict = json::read_projected(bytes, &arena, strict, projection);
        assert_eq!(strict, pruned, "parts, strictly");
        let parts = json::read_projected_borrowed(bytes, &arena, options, projection);
        if let (Ok(parts), Ok(pruned)) = (&parts, &pruned) {
            assert_eq!(parts, pruned, "parts");
        }
        assert!(parts.is_ok() || pruned.is_err(), "parts of JSON are JSON");
    }
    let theirs = serde_json::from_slice::<serde_json::Value>(bytes);
    let value = match whole {
        Ok(value) => value,
        Err(error) => {
            // Numbers that OPA refuses.
            assert!(theirs.is_err() || error.message.contains("too big"));
            return;
        }
    };
    if let Ok(theirs) = theirs {
        let text = theirs.to_string();
        let theirs = json::read(text.as_bytes(), &arena, options).expect("what is written reads");
        assert_eq!(value, theirs, "{text}");
    }
    let text = json::to_string(value, Style::Compact);
    let again = json::read(text.as_bytes(), &arena, options).expect("what is written reads");
    assert_eq!(value, again, "{text}");
    assert_eq!(value.hash(), again.hash(), "{text}");
}

/// Some projections of what the seeds look like.
fn projections() -> &'static [json::Projection] {
    static PROJECTIONS: OnceLock<Vec<json::Projection>> = OnceLock::new();
    PROJECTIONS.get_or_init(|| {
        let all: [&[&[json::Step<'static>]]; 3] = [
            &[&[json::Step::Member("a")]],
            &[&[json::Step::Any, json::Step::Member("a")]],
            &[
                &[json::Step::Member("a"), json::Step::Any],
                &[json::Step::Any, json::Step::Any, json::Step::Any],
            ],
        ];
        let projection = |paths: &&[&[json::Step<'static>]]| {
            let mut builder = json::ProjectionBuilder::new();
            for path in *paths {
                builder.touch(path.iter().copied());
            }
            builder.add([json::Step::Member("b")]).finish()
        };
        all.iter().map(projection).collect()
    })
}

fn read_yaml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let arena = Arena::with_limit(64 << 20);
    if let Err(error) = yaml::read(text, &arena) {
        assert!(!error.to_string().is_empty());
    }
}

/// Every format takes any text: what it reads is JSON, and whatever is in it stands somewhere in the text.
fn read_config(bytes: &[u8]) {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    for format in Format::all() {
        let documents = match regovm_config::documents(format, bytes) {
            Ok(documents) => documents,
            Err(error) => {
                assert!(!error.message.is_empty(), "{}", format.name());
                continue;
            }
        };
        // JSON is checked by those who evaluate it.
        let is_json = is_unchecked(format);
        let mut paths = Vec::new();
        for (number, document) in documents.iter().enumerate() {
            let arena = Arena::with_limit(64 << 20);
            match json::read(document, &arena, json::ReadOptions::default()) {
                Ok(value) => collect_paths(value, number, &mut Vec::new(), &mut paths),
                Err(error) => assert!(is_json, "{}: {}", format.name(), error.message),
            }
        }
        let wanted: Vec<(usize, &[Step])> = paths
            .iter()
            .map(|(number, path)| (*number, path.as_slice()))
            .collect();
        let places = regovm_config::places(format, bytes, &wanted);
        assert_eq!(places.len(), wanted.len(), "{}", format.name());
        for (place, wanted) in places.iter().zip(&wanted) {
            match place {
                Some(at) => assert!(
                    (1..=lines).contains(&at.line) && at.column >= 1,
                    "{} {wanted:?}: {at:?}",
                    format.name()
                ),
                None => assert!(
                    is_json || format == Format::Yaml,
                    "{} {wanted:?}",
                    format.name()
                ),
            }
        }
    }
}

fn is_unchecked(format: Format) -> bool {
    matches!(
        format,
        Format::Json | Format::Jsonc | Format::CycloneDx | Format::Spdx
    )
}

/// The paths of some members of a value.
fn collect_paths(
    value: Value<'_>,
    document: usize,
    path: &mut Vec<Step>,
    paths: &mut Vec<(usize, Vec<Step>)>,
) {
    if paths.len() >= 40 || path.len() >= 8 {
        return;
    }
    paths.push((document, path.clone()));
    let mut below = |step: Step, value: Value<'_>| {
        path.push(step);
        collect_paths(value, document, path, paths);
        path.pop();
    };
    if let Some(object) = value.as_object() {
        for (key, value) in object.iter() {
            below(Step::name(key.as_str().unwrap_or_default()), value);
        }
    } else if let Some(array) = value.as_array() {
        for (index, value) in array.iter().enumerate() {
            below(Step::Index(index), value);
        }
    }
}

fn load_program(bytes: &[u8]) {
    if let Ok(policy) = PreparedPolicy::load(bytes) {
        let mut session = policy.session();
        session.set_budget(budget());
        // Any answer and any error will do.
        let _ = session.eval_without_input(0).map(|answer| answer.value());
    }
}

/// Programs of the Rego seeds.
pub(crate) fn saved_programs() -> Vec<Vec<u8>> {
    let text = include_str!("../seeds/forms.rego");
    let mut engine = Engine::new();
    engine.add_module("forms.rego", text);
    vec![
        engine
            .prepare("data.forms")
            .expect("the seed compiles")
            .save(),
    ]
}
