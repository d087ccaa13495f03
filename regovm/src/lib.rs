//! The public library: compile Rego once, decide many times
