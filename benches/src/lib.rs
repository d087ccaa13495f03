//! What the benchmarks share: generated inputs of any size.

pub mod ingest;
pub mod plan;
