//! `regovm completion` and `regovm man`: what shells and readers of manuals want, made from the flags.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory, ValueEnum};
use clap_complete::Shell;

use crate::args::Cli;
use crate::load::reason;
use crate::whole_file;

/// `regovm completion`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  source <(regovm completion bash)\n  regovm completion zsh > \"${fpath[1]}/_regovm\"\n  regovm completion fish > ~/.config/fish/completions/regovm.fish\n  regovm completion powershell | Out-String | Invoke-Expression"
)]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: KnownShell,
}

/// Shells with completions.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum KnownShell {
    /// Bash
    Bash,
    /// Fish
    Fish,
    /// PowerShell
    Powershell,
    /// Zsh
    Zsh,
}

/// `regovm man`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm man /usr/local/share/man/man1\n  regovm man . && man ./regovm-eval.1"
)]
pub struct ManArgs {
    /// The folder for the pages: regovm.1 and one for each command
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// Prints the completions of a shell.
pub fn run(args: &CompletionArgs) -> io::Result<u8> {
    let shell = match args.shell {
        KnownShell::Bash => Shell::Bash,
        KnownShell::Fish => Shell::Fish,
        KnownShell::Powershell => Shell::PowerShell,
        KnownShell::Zsh => Shell::Zsh,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "regovm", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(0)
}

/// Writes the pages of the manual.
pub fn write_pages(args: &ManArgs) -> io::Result<u8> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    collect(&command, &mut pages)?;
    if let Err(error) = std::fs::create_dir_all(&args.folder) {
        return cannot_write(&args.folder, &error);
    }
    for (name, page) in pages {
        let path = args.folder.join(name);
        if let Err(error) = whole_file::write(&path, &page) {
            return cannot_write(&path, &error);
        }
    }
    Ok(0)
}

fn cannot_write(path: &std::path::Path, error: &io::Error) -> io::Result<u8> {
    let message = format!("write {}: {}", path.display(), reason(error));
    crate::usage_error(&message, "man")
}

/// The page of a command, and those of the commands below it.
fn collect(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or("regovm").to_owned();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    pages.push((format!("{name}.1"), page));
    for below in command.get_subcommands() {
        if !below.is_hide_set() && below.get_name() != "help" {
            collect(below, pages)?;
        }
    }
    Ok(())
}
