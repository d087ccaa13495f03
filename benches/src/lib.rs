//! What the benchmarks share: generated inputs of any size, policies for them, and what counts.

pub mod callgrind;
pub mod ingest;
pub mod plan;
pub mod workloads;
