//! What every regovm crate shares: spans, diagnostics, static types, built-in declarations, values
