//! The phases of a decision, each by itself: parse and compile, read the input, evaluate.
//!
//! `cargo bench -p regovm-benches`

use std::fs;
use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use regovm::Engine;
use regovm::internals::core::json;
use regovm::internals::core::value::Arena;

struct Example {
    name: &'static str,
    policies: Vec<(String, String)>,
    query: &'static str,
    input: Vec<u8>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

fn example(name: &'static str, input: &str, query: &'static str) -> Example {
    let folder = root().join(name);
    let mut policies: Vec<(String, String)> = fs::read_dir(folder.join("policy"))
        .expect("the examples are part of the checkout")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "rego"))
        .map(|path| {
            (
                path.display().to_string(),
                fs::read_to_string(&path).expect("a readable policy"),
            )
        })
        .collect();
    policies.sort();
    Example {
        name,
        policies,
        query,
        input: fs::read(folder.join(input)).expect("a readable input"),
    }
}

fn examples() -> Vec<Example> {
    vec![
        example("terraform", "plan.json", "data.terraform.deny"),
        example(
            "kubernetes",
            "admission.json",
            "data.kubernetes.admission.deny",
        ),
    ]
}

fn engine(example: &Example) -> Engine {
    let mut engine = Engine::new();
    for (name, text) in &example.policies {
        engine.add_module(name, text);
    }
    engine
}

fn compile(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse and compile");
    for example in examples() {
        group.bench_function(example.name, |b| {
            b.iter(|| {
                engine(&example)
                    .prepare(example.query)
                    .expect("the example compiles")
            });
        });
    }
    group.finish();
}

fn load(c: &mut Criterion) {
    let mut group = c.benchmark_group("load a saved program");
    for example in examples() {
        let file = engine(&example)
            .prepare(example.query)
            .expect("the example compiles")
            .save();
        group.bench_function(example.name, |b| {
            b.iter(|| regovm::PreparedPolicy::load(&file).expect("what was saved loads"));
        });
    }
    group.finish();
}

fn ingest(c: &mut Criterion) {
    let mut group = c.benchmark_group("read the input");
    for example in examples() {
        group.throughput(Throughput::Bytes(example.input.len() as u64));
        let mut arena = Arena::new();
        group.bench_function(example.name, |b| {
            b.iter(|| {
                arena.reset();
                json::read(&example.input, &arena, json::ReadOptions::default())
                    .expect("the input is JSON")
                    .hash()
            });
        });
    }
    group.finish();
}

fn decide(c: &mut Criterion) {
    let mut group = c.benchmark_group("bytes to decision");
    for example in examples() {
        let policy = engine(&example)
            .prepare(example.query)
            .expect("the example compiles");
        let mut session = policy.session();
        group.bench_function(example.name, |b| {
            b.iter(|| {
                session
                    .eval_json(&example.input)
                    .expect("the example evaluates")
                    .is_undefined()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, compile, load, ingest, decide);
criterion_main!(benches);
