//! One file per command.

pub mod bench;
pub mod build;
pub mod capabilities;
pub mod check;
pub mod completion;
pub mod deps;
pub mod eval;
pub mod exec;
pub mod explain;
mod flags;
pub mod fmt;
pub mod inspect;
pub mod parse;
pub mod profile;
pub mod refactor;
pub mod scan;
mod schemas;
pub mod sign;
pub mod test;
pub mod version;
pub mod why;

use std::io::{self, Write};

use regovm::{Addition, Capabilities, Engine, Failure, RegoVersion};

use crate::load::{DataFile, Loaded};

/// The dialect that `--v0-compatible` chooses.
fn version(v0_compatible: bool) -> RegoVersion {
    if v0_compatible {
        RegoVersion::V0
    } else {
        RegoVersion::V1
    }
}

/// Applies `--disable`.
fn disable(engine: &mut Engine, names: &[String]) -> Result<(), Failure> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    engine.disable_rewrites(&names).map(drop)
}

/// Applies `--capabilities`, before anything is loaded.
fn restrict(engine: &mut Engine, capabilities: Option<&Capabilities>) {
    if let Some(capabilities) = capabilities {
        engine.set_capabilities(capabilities.clone());
    }
}

/// Prints a text, or why there is none; gives the exit status.
fn shown(text: Result<String, Failure>) -> io::Result<u8> {
    match text {
        Ok(text) => {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()?;
            Ok(0)
        }
        Err(failure) => {
            crate::render::errors::print(&failure, "")?;
            Ok(2)
        }
    }
}

/// Hands everything that was loaded to an engine, in the order in which it was found.
fn engine_with(loaded: Loaded, engine: &mut Engine) {
    let mut additions = Vec::with_capacity(loaded.is_policy.len() + loaded.unreadable.len());
    let mut modules = loaded.modules.into_iter();
    let mut data = loaded.data.into_iter();
    let mut unreadable = loaded.unreadable.into_iter().peekable();
    for (place, is_policy) in loaded.is_policy.into_iter().enumerate() {
        while let Some((_, message)) = unreadable.next_if(|(before, _)| *before <= place) {
            additions.push(Addition::Unreadable(message));
        }
        additions.extend(match is_policy {
            true => modules
                .next()
                .map(|(name, bytes)| Addition::Module { name, bytes }),
            false => data.next().map(|file| Addition::Document(document(file))),
        });
    }
    additions.extend(unreadable.map(|(_, message)| Addition::Unreadable(message)));
    engine.add_all(additions);
}

/// A data file as a document.
fn document(file: DataFile) -> regovm::Document {
    regovm::Document {
        name: file.name,
        path: file.path,
        format: file.format,
        bytes: file.bytes,
    }
}
