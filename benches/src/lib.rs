//! Benchmarks, with rivals beside us
