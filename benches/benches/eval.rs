//! Decisions of warm sessions: from the bytes of the input, and of an input that is in memory.
//! `cargo bench -p regovm-benches --bench eval`

use criterion::{Criterion, criterion_group, criterion_main};
use regovm::internals::core::json;
use regovm::internals::core::value::Frozen;
use regovm_benches::workloads::{Sizes, Workload};

fn bytes_to_decision(c: &mut Criterion) {
    let mut group = c.benchmark_group("bytes to decision");
    for workload in Workload::all(Sizes::LARGE) {
        let mut session = workload.prepare().expect("it compiles").session();
        group.bench_function(&workload.name, |b| {
            b.iter(|| {
                let answer = session.eval_json(&workload.input);
                answer.expect("it evaluates").is_undefined()
            });
        });
    }
    group.finish();
}

fn evaluate(c: &mut Criterion) {
    let mut group = c.benchmark_group("evaluate");
    for workload in Workload::all(Sizes::LARGE) {
        // For as long as the process lives, so that values of any arena may point into it.
        let input: &'static Frozen = Box::leak(Box::new(Frozen::build(|arena| {
            json::read(&workload.input, arena, json::ReadOptions::default()).expect("JSON")
        })));
        let mut session = workload.prepare().expect("it compiles").session();
        group.bench_function(&workload.name, |b| {
            b.iter(|| {
                let answer = session.eval_made(0, &|_| input.root());
                answer.expect("it evaluates").is_undefined()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bytes_to_decision, evaluate);
criterion_main!(benches);
