//! Runs OPA's conformance cases and our own
