//! Realistic `terraform show -json` plans of any size.
//!
//! The same seed and size give the same bytes on every machine. Nothing is
//! kept: each section of the plan generates the resources of a module anew and
//! writes them out, so a plan of a million resources needs no memory.

mod catalogue;
mod layout;
mod resource;
mod rng;
mod write;

pub use write::write_plan;
