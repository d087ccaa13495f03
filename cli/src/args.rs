//! The flags of every command, named as OPA names them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::deferred::Deferred;

/// Rego policies, compiled and fast.
#[derive(Parser, Debug)]
#[command(
    name = "regovm",
    version,
    about = "Evaluates Rego policies: the Open Policy Agent language, compiled to bytecode",
    after_help = "Examples:\n  regovm eval -d policy/ -i input.json data.authz.allow\n  regovm test policy/ -v\n  regovm scan -p policy/ plan.json\n  regovm check policy/ && regovm fmt --fail policy/\n\n`regovm COMMAND --help` has the flags of a command, with examples.\n\nEvery flag can come from the environment: REGOVM_EVAL_STRICT=true or OPA_EVAL_STRICT=true is `eval --strict`."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one, and it is made once"
)]
pub enum Command {
    /// Evaluate a Rego query
    Eval(Deferred<Box<crate::command::eval::EvalArgs>>),
    /// Check Rego source files for errors
    Check(Deferred<CheckArgs>),
    /// Make a decision for many inputs
    Exec(Deferred<crate::command::exec::ExecArgs>),
    /// Measure a query
    Bench(Deferred<crate::command::bench::BenchArgs>),
    /// Run the tests of policies
    Test(Deferred<crate::command::test::TestArgs>),
    /// Compare profiles
    Profile(Deferred<crate::command::profile::ProfileArgs>),
    /// Show why a rule is undefined or false
    Why(Deferred<crate::command::why::WhyArgs>),
    /// Check many configuration files against policies, with conftest's conventions
    Scan(Deferred<Box<crate::command::scan::ScanArgs>>),
    /// Format Rego source files
    Fmt(Deferred<crate::command::fmt::FmtArgs>),
    /// Parse a Rego source file and print its syntax tree
    Parse(Deferred<crate::command::parse::ParseArgs>),
    /// Show what a query depends on: documents from outside, and rules
    Deps(Deferred<crate::command::deps::DepsArgs>),
    /// Change policies without changing what they mean
    Refactor(Deferred<crate::command::refactor::RefactorArgs>),
    /// Print the version of regovm, and of OPA that it answers like
    Version(Deferred<crate::command::version::VersionArgs>),
    /// Print the script that completes commands and flags in a shell
    Completion(Deferred<crate::command::completion::CompletionArgs>),
    /// Write the pages of the manual
    #[command(hide = true)]
    Man(Deferred<crate::command::completion::ManArgs>),
    /// Show how a query runs: what serves each loop, or what the compiler makes of it
    Explain(Deferred<ExplainArgs>),
    /// Build a bundle: one archive of policies and data
    Build(Deferred<crate::command::build::BuildArgs>),
    /// Sign a bundle
    Sign(Deferred<crate::command::sign::SignArgs>),
    /// Show what a bundle or a policy consists of and needs
    Inspect(Deferred<crate::command::inspect::InspectArgs>),
    /// Print what policies may use: built-ins with their signatures, and features of the language
    Capabilities(Deferred<CapabilitiesArgs>),
}

/// `regovm capabilities`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm capabilities\n  regovm capabilities --current > capabilities.json\n  regovm capabilities --version v0.60.0\n  regovm check --capabilities capabilities.json policy/\n\nThe format is OPA's: take a built-in out of the file, and policies that call it do not compile."
)]
pub struct CapabilitiesArgs {
    /// What this build has; without a flag the releases are listed
    #[arg(long)]
    pub current: bool,
    /// What a release of OPA had, as far as this build has it: v0.17.0 and later
    #[arg(long = "version", value_name = "VERSION")]
    pub release: Option<String>,
    /// What a file says
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// Output formats of `check`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckFormat {
    /// Text on standard error
    Pretty,
    /// JSON on standard error
    Json,
}

/// `regovm explain`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm explain --plan -d policy/ data.terraform.deny\n  regovm explain --stage bytecode -d policy/ data.terraform.deny\n\nWith --plan each loop is named with the index that finds its members, or with the reason why all are visited."
)]
pub struct ExplainArgs {
    /// The query, for example data.terraform.deny
    pub query: String,
    /// Policy or data: files, folders (recursively .rego, .json, .yaml), or prefix:path. Repeatable
    #[arg(short, long = "data", value_name = "PATH")]
    pub data: Vec<String>,
    /// What serves each loop (the default)
    #[arg(long, conflicts_with = "stage")]
    pub plan: bool,
    /// What a stage of the compiler gives
    #[arg(long, value_enum)]
    pub stage: Option<ExplainStage>,
    /// Read policies as Rego v0
    #[arg(long)]
    pub v0_compatible: bool,
    /// File and folder names to leave out, for example '.*'. Repeatable
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Switch a rewrite of the optimiser off (repeat, or separate with commas)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub disable: Vec<String>,
}

/// Stages that `explain` shows.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExplainStage {
    /// Loops, look-ups and guards, optimised
    Ir,
    /// What the machine runs
    Bytecode,
}

/// `regovm check`
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  regovm check --strict policy/\n\nExit status: 0 if there is no error, 1 otherwise."
)]
pub struct CheckArgs {
    /// Rego files, or folders to search for them
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// The paths are bundles: folders or archives
    #[arg(short, long)]
    pub bundle: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value = "pretty")]
    pub format: CheckFormat,
    /// Unused imports, arguments and variables are errors
    #[arg(short = 'S', long)]
    pub strict: bool,
    /// Check that policies are Rego v0 and v1
    #[arg(long, alias = "rego-v1")]
    pub v0_v1: bool,
    /// Read policies as Rego v0
    #[arg(long)]
    pub v0_compatible: bool,
    /// Read policies as Rego v1 (the default)
    #[arg(long, hide = true)]
    pub v1_compatible: bool,
    /// Errors after which to stop; 0 is no limit
    #[arg(short, long, value_name = "N", default_value_t = 10)]
    pub max_errors: usize,
    /// Refuse calls of built-ins that these capabilities do not name: a release of OPA, or a file
    #[arg(long, value_name = "FILE|VERSION", value_parser = crate::command::capabilities::named)]
    pub capabilities: Option<regovm::Capabilities>,
    /// JSON Schema of the input (a file), or a folder of schemas
    #[arg(short, long, value_name = "PATH")]
    pub schema: Option<PathBuf>,
    /// File and folder names to leave out, for example '.*'. Repeatable
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub ignore: Vec<String>,
}
