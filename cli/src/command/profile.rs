//! `regovm profile`

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use regovm::observe::{CostDifference, Weight};
use serde_json::{Value, json};

use super::eval::{ProfileBy, costs};
use crate::render::{errors, go_json, table};

/// `regovm profile`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm eval -d policy/ -i plan.json --profile-out before.json data.terraform.deny\n  regovm profile diff before.json after.json\n\nA page to look at: regovm eval --profile-out profile.html"
)]
pub struct ProfileArgs {
    #[command(subcommand)]
    command: ProfileCommand,
}

#[derive(Subcommand, Debug)]
enum ProfileCommand {
    /// Compare two profiles that `regovm eval --profile-out x.json` wrote
    Diff(DiffArgs),
}

#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  regovm eval -d policy/ -i plan.json --profile-out before.json data.terraform.deny\n  regovm eval -d policy/ -i plan.json --profile-out after.json data.terraform.deny\n  regovm profile diff before.json after.json\n\nBy steps, which are the same on every machine; --by time compares what the clock showed."
)]
struct DiffArgs {
    /// The older profile
    before: PathBuf,
    /// The newer profile
    after: PathBuf,
    /// What is compared
    #[arg(long, value_enum, default_value = "steps")]
    by: ProfileBy,
    /// Output format
    #[arg(short, long, value_enum, default_value = "pretty")]
    format: Format,
    /// Changes to show, 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// For people
    Pretty,
    /// For programs
    Json,
}

/// Runs the command and gives its exit status.
pub fn run(args: &ProfileArgs) -> io::Result<u8> {
    let ProfileCommand::Diff(args) = &args.command;
    let (before, after) = match (costs::read(&args.before), costs::read(&args.after)) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(message), _) | (_, Err(message)) => {
            errors::complain(&message)?;
            return Ok(2);
        }
    };
    let by = args.by.weight();
    let mut difference = CostDifference::between(&before, &after, by);
    if args.limit > 0 {
        difference.changes.truncate(args.limit);
    }
    let mut out = io::stdout().lock();
    match args.format {
        Format::Json => go_json::write_indented(&mut out, &to_json(&difference, by))?,
        Format::Pretty => out.write_all(pretty(&difference, by).as_bytes())?,
    }
    out.flush()?;
    Ok(0)
}

fn to_json(difference: &CostDifference, by: Weight) -> Value {
    let changes: Vec<Value> = difference
        .changes
        .iter()
        .map(|change| {
            json!({
                "function": change.site.function,
                "file": change.site.file,
                "row": change.site.row,
                "text": change.site.text,
                "before": change.before,
                "after": change.after,
            })
        })
        .collect();
    json!({
        "by": by.name(),
        "before": difference.before,
        "after": difference.after,
        "changes": changes,
    })
}

fn pretty(difference: &CostDifference, by: Weight) -> String {
    let signed = |before: u64, after: u64| {
        let sign = if after < before { "-" } else { "+" };
        format!("{sign}{}", costs::amount(before.abs_diff(after), by))
    };
    let mut text = format!(
        "{}: {} before, {} after ({:+.1} %)\n",
        by.name(),
        costs::amount(difference.before, by),
        costs::amount(difference.after, by),
        difference.percent(),
    );
    if difference.changes.is_empty() {
        text.push_str("no expression costs more or less\n");
        return text;
    }
    let head = ["Change", "Before", "After", "Expression"].map(str::to_owned);
    let rows: Vec<Vec<String>> = difference
        .changes
        .iter()
        .map(|change| {
            vec![
                signed(change.before, change.after),
                costs::amount(change.before, by),
                costs::amount(change.after, by),
                format!("{} {}", change.site.place(), change.site.text),
            ]
        })
        .collect();
    text.push_str(&table::render(&head, &rows));
    text.push('\n');
    text
}
