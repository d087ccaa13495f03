//! From syntax trees to a program, and back from the file of a program. `cargo bench -p regovm-benches --bench compile`

use criterion::{Criterion, criterion_group, criterion_main};
use regovm::PreparedPolicy;
use regovm_benches::workloads::{QUERY, Sizes, Workload};

fn compile(c: &mut Criterion) {
    let mut group = c.benchmark_group("compile");
    for workload in Workload::all(Sizes::LARGE) {
        let engine = workload.engine();
        group.bench_function(&workload.name, |b| {
            b.iter(|| engine.prepare(QUERY).expect("it compiles"));
        });
    }
    group.finish();
}

fn load(c: &mut Criterion) {
    let mut group = c.benchmark_group("load");
    for workload in Workload::all(Sizes::LARGE) {
        let file = workload.prepare().expect("it compiles").save();
        group.bench_function(&workload.name, |b| {
            b.iter(|| PreparedPolicy::load(&file).expect("what was saved loads"));
        });
    }
    group.finish();
}

criterion_group!(benches, compile, load);
criterion_main!(benches);
