//! Saved programs: rules that `regovm build -t regovm` has compiled.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use regovm::bundle::{Bundle, BundleError, SavedProgram};
use regovm::{Document, Failure, PreparedPolicy};

use crate::load::reason;

/// A compiled policy, and which of its queries is meant.
pub type Found = (PreparedPolicy, usize);

/// The program of the only bundle, if it has the query. One that cannot be used is named on standard error: the
/// policies of the bundle say the same.
pub fn of_bundle(bundles: &[Bundle], query: &str) -> Option<Found> {
    let [bundle] = bundles else {
        return None;
    };
    match bundle.prepare_program() {
        Ok(policy) => {
            let policy = policy?;
            let index = SavedProgram::query(&policy, query)?;
            Some((policy, index))
        }
        Err(error) => {
            let said = note(bundle, &error);
            // Nobody listens: no reason to stop.
            drop(said);
            None
        }
    }
}

fn note(bundle: &Bundle, error: &BundleError) -> io::Result<()> {
    let mut err = io::stderr().lock();
    writeln!(
        err,
        "note: {}: {}; its policies are compiled instead",
        bundle.name, error.message
    )?;
    error
        .hint
        .iter()
        .try_for_each(|hint| writeln!(err, "\thint: {hint}"))
}

/// The program in a file, with data of documents.
pub fn of_file(path: &Path, query: &str, documents: &[Document]) -> Result<Found, Failure> {
    let named = |error: BundleError| {
        error
            .within(&format!("{}: ", path.display()))
            .into_failure()
    };
    let bytes = fs::read(path).map_err(|error| {
        let message = format!("open {}: {}", path.display(), reason(&error));
        BundleError::new(message).into_failure()
    })?;
    let program = SavedProgram::read(&bytes).map_err(named)?;
    let policy = program.prepare(documents).map_err(named)?;
    match SavedProgram::query(&policy, query) {
        Some(index) => Ok((policy, index)),
        None => {
            let mut error = BundleError::new(format!("the program has no query {query}"));
            let queries = program.queries();
            error.hint = Some(format!("its queries are {}", queries.join(", ")));
            Err(named(error))
        }
    }
}
