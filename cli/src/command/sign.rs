//! `regovm sign`

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use regovm::bundle::{BundleError, File, Origin, paths};

use crate::bundles::{self, Reading};
use crate::keys::{self, NO_KEY, SigningArgs};
use crate::load::reason;
use crate::whole_file;

/// `regovm sign`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm sign --bundle --signing-key private.pem bundle/ -o bundle/\n  regovm sign -b --signing-key \"$SECRET\" --signing-alg HS256 bundle.tar.gz\n\nWrites .signatures.json. `regovm build --bundle --verification-key public.pem bundle/` verifies it.\n\nExit status: 0 if the file is written, 1 otherwise."
)]
pub struct SignArgs {
    /// Bundles: folders or archives
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// The paths are bundles; sign needs it
    #[arg(short, long)]
    pub bundle: bool,
    /// Folder for .signatures.json
    #[arg(short, long, value_name = "FOLDER", default_value = ".")]
    pub output_file_path: PathBuf,
    #[command(flatten)]
    pub signing: SigningArgs,
}

/// Runs the command and gives its exit status.
pub fn run(args: &SignArgs) -> io::Result<u8> {
    let misuse = if args.paths.is_empty() {
        Some("specify atleast one path containing policy and/or data files")
    } else if args
        .signing
        .signing_key
        .as_deref()
        .unwrap_or_default()
        .is_empty()
    {
        Some(NO_KEY)
    } else if !args.bundle {
        Some("enable bundle mode (ie. --bundle) to sign bundle files or directories")
    } else {
        None
    };
    if let Some(message) = misuse {
        return crate::usage_error(message, "sign");
    }
    match sign(args) {
        Ok(()) => Ok(0),
        Err(error) => report(&error),
    }
}

/// Errors of commands about bundles stand on standard output, as in OPA.
pub fn report(error: &BundleError) -> io::Result<u8> {
    let mut out = io::stdout().lock();
    writeln!(out, "error: {}", error.message)?;
    out.flush()?;
    crate::render::errors::print_hint(error.advice())?;
    Ok(crate::FAILED)
}

fn sign(args: &SignArgs) -> Result<(), BundleError> {
    let mut files = Vec::new();
    for path in &args.paths {
        let (origin, found) = bundles::files(path, Reading::unverified(&[]))?;
        files.extend(found.into_iter().map(|file| match origin {
            Origin::Folder => File::new(paths::join(path, &file.path), file.bytes),
            Origin::Archive => file,
        }));
    }
    let signatures = keys::sign_files(&files, &args.signing.key("")?)?;
    let path = args.output_file_path.join(".signatures.json");
    whole_file::write(&path, signatures.to_json().as_bytes())
        .map_err(|error| BundleError::new(format!("open {}: {}", path.display(), reason(&error))))
}
