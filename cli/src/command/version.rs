//! `regovm version`

use std::io::{self, Write};

use clap::Args;

/// `regovm version`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  regovm version")]
pub struct VersionArgs {
    /// Say where newer releases are found (regovm does not go online by itself)
    #[arg(short, long)]
    pub check: bool,
}

/// Runs the command and gives its exit status.
pub fn run(args: &VersionArgs) -> io::Result<u8> {
    let mut out = io::stdout().lock();
    writeln!(out, "Version: {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "OPA Version: {}", regovm::OPA_VERSION)?;
    writeln!(
        out,
        "Platform: {}/{}",
        std::env::consts::OS,
        architecture(std::env::consts::ARCH)
    )?;
    writeln!(out, "Rego Version: v1")?;
    writeln!(out, "WebAssembly: unavailable")?;
    if args.check {
        let page = match env!("CARGO_PKG_REPOSITORY") {
            "" => "the page that you have this program from",
            page => page,
        };
        writeln!(out, "Releases: {page}")?;
    }
    Ok(0)
}

/// The name that Go has for a machine, as `opa version` prints it.
fn architecture(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}
