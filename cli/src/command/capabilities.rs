//! `regovm capabilities`, and `--capabilities` of the other commands.

use std::io::{self, Write};
use std::path::Path;

use regovm::Capabilities;

use crate::args::CapabilitiesArgs;
use crate::load::reason;

/// Runs the command and gives its exit status.
pub fn run(args: &CapabilitiesArgs) -> io::Result<u8> {
    let capabilities = match (&args.release, &args.file) {
        (None, None) if args.current => Ok(Capabilities::current()),
        (None, None) => {
            writeln!(io::stdout(), "{}", Capabilities::releases().join("\n"))?;
            return Ok(0);
        }
        (Some(release), _) => Capabilities::of_release(release).ok_or_else(|| unknown(release)),
        (None, Some(file)) => read(file),
    };
    match capabilities {
        Ok(capabilities) => {
            writeln!(io::stdout(), "{}", capabilities.to_json())?;
            Ok(0)
        }
        Err(message) => crate::usage_error(&message, "capabilities"),
    }
}

/// What `--capabilities` names: a file, or a release of OPA.
pub fn named(text: &str) -> Result<Capabilities, String> {
    let path = Path::new(text);
    if path.exists() {
        return read(path);
    }
    Capabilities::of_release(text).ok_or_else(|| unknown(text))
}

fn read(path: &Path) -> Result<Capabilities, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("open {}: {}", path.display(), reason(&error)))?;
    Capabilities::parse(&text).map_err(|message| format!("{}: {message}", path.display()))
}

fn unknown(text: &str) -> String {
    format!("no such file or capabilities version found: {text}")
}
