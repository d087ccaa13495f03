//! From text to syntax tree. `cargo bench -p regovm-benches --bench parse`

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use regovm::internals::core::SourceMap;
use regovm::internals::parser::{ParseOptions, parse_module};
use regovm_benches::workloads::{allow_rules, library};

const TERRAFORM: &str = include_str!("../../examples/terraform/policy/network.rego");
const KUBERNETES: &str = include_str!("../../examples/kubernetes/policy/pods.rego");

fn parse(c: &mut Criterion) {
    let options = ParseOptions {
        process_annotations: true,
        ..ParseOptions::default()
    };
    let mut group = c.benchmark_group("parse");
    for (name, text) in [
        ("policy of Terraform", TERRAFORM),
        ("policy of Kubernetes", KUBERNETES),
        ("library of 400 rules", &library(200)),
        ("1,000 allow rules", &allow_rules(1_000)),
    ] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut sources = SourceMap::new();
                let id = sources.add("policy.rego", text).expect("it is small");
                parse_module(&sources, id, &options).expect("it parses")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
