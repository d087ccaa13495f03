//! Reading JSON, here and by others. `cargo bench -p regovm-benches --bench ingest`; the table with ratios is the
//! program `ingest`.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use regovm::internals::core::value::Arena;
use regovm_benches::ingest::{Reader, Text, projection, read};

fn ingest(c: &mut Criterion) {
    let projection = projection();
    let texts = Text::odd()
        .into_iter()
        .chain([Text::review(), Text::plan(2_000)]);
    for text in texts {
        let mut group = c.benchmark_group(&text.name);
        group.throughput(Throughput::Bytes(text.bytes.len() as u64));
        for reader in Reader::ALL {
            let mut warm = Arena::new();
            group.bench_function(reader.name(), |b| {
                b.iter_custom(|rounds| {
                    let mut taken = Duration::ZERO;
                    for _ in 0..rounds {
                        read(reader, &text.bytes, &mut warm, &projection, &mut |work| {
                            let started = Instant::now();
                            work();
                            taken += started.elapsed();
                        });
                    }
                    taken
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, ingest);
criterion_main!(benches);
