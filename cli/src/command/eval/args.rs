//! The flags of `eval`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::command::flags::{PolicyFlags, QueryFlags};

/// Output formats of `eval`.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum EvalFormat {
    /// The whole result as JSON
    Json,
    /// One JSON array of expression values per solution
    Values,
    /// One JSON object of variable bindings per solution
    Bindings,
    /// For people: a value, or a table
    Pretty,
    /// For scripts: strings without quotes, one line per solution
    Raw,
    /// Policies that partial evaluation leaves
    Source,
    /// Only whether there is a result
    Discard,
}

/// What a profile of the real program counts.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProfileBy {
    /// Nanoseconds
    Time,
    /// Steps of the machine
    Steps,
    /// Bytes that were allocated
    Bytes,
}

/// Which events `--explain` shows.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExplainMode {
    /// None
    Off,
    /// All
    Full,
    /// Calls of trace(), and what led to them
    Notes,
    /// Expressions that failed, and what led to them
    Fails,
    /// All, with everything that is known of them
    Debug,
}

/// `regovm eval`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm eval 'x := 1; y := 2; x < y'\n  regovm eval -d policy/ -i plan.json data.terraform.deny\n  regovm eval -b bundle.tar.gz -i plan.json data.terraform.deny\n  terraform show -json plan.out | regovm eval -d policy/ -I --fail-defined 'data.terraform.deny[_]'\n  regovm eval -d policy/ -i plan.json --profile -f pretty data.terraform.deny\n  regovm eval -d policy/ -i plan.json --profile-out profile.html data.terraform.deny\n  regovm eval -d policy/ -i plan.json --explain full -f pretty data.terraform.allow\n\nExit status: 0 if evaluated, 1 if --fail or --fail-defined tripped or the flags are wrong,\n2 if loading, compiling or evaluating failed."
)]
pub struct EvalArgs {
    #[command(flatten)]
    pub asked: QueryFlags,
    #[command(flatten)]
    pub policies: PolicyFlags,
    /// Rules that are compiled already: a file that `regovm build -t regovm -o FILE.regovm` wrote. The query is the path
    /// of one of its entrypoints; --data gives it data
    #[arg(long, value_name = "FILE", conflicts_with = "bundles")]
    pub program: Option<PathBuf>,
    /// Check all of a JSON input, also the parts that the query cannot look at
    #[arg(long)]
    pub strict_input: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value = "json")]
    pub format: EvalFormat,
    /// Unused imports, arguments and variables are errors
    #[arg(short = 'S', long)]
    pub strict: bool,
    /// The first error of a built-in function ends the evaluation
    #[arg(long)]
    pub strict_builtin_errors: bool,
    /// Exit with 1 if the result is undefined or empty
    #[arg(long)]
    pub fail: bool,
    /// Exit with 1 if the result is defined and not empty
    #[arg(long)]
    pub fail_defined: bool,
    /// Switch a rewrite of the optimiser off (repeat, or separate with commas); the answer stays the same
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub disable: Vec<String>,
    /// Show a profile of expressions
    #[arg(long)]
    pub profile: bool,
    /// Order of the profile: total_time_ns, num_eval, num_redo, num_gen_expr, file, line. Repeatable; implies --profile
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    pub profile_sort: Vec<String>,
    /// Rows of the profile, 0 for all (10 if not given); implies --profile
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub profile_limit: Option<i64>,
    /// Write a profile of the real program: .folded or .txt (stacks), .json (speedscope), .html (a page with a flame graph)
    #[arg(long, value_name = "FILE")]
    pub profile_out: Option<PathBuf>,
    /// What the profile of the real program counts, and show it; steps are the same on every machine
    #[arg(long, value_enum, value_name = "WHAT")]
    pub profile_by: Option<ProfileBy>,
    /// Exit with 1 if the evaluation costs more than this profile (a .json of --profile-out) says; by steps unless
    /// --profile-by says otherwise
    #[arg(long, value_name = "FILE")]
    pub profile_baseline: Option<PathBuf>,
    /// How much more than --profile-baseline is allowed, in percent
    #[arg(long, value_name = "PERCENT", requires = "profile_baseline")]
    pub max_regression: Option<f64>,
    /// Evaluate so many times; profile and metrics are aggregated
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub count: usize,
    /// Show how long each phase takes
    #[arg(long)]
    pub metrics: bool,
    /// Show more metrics: calls, caches, built-ins; implies --metrics
    #[arg(long)]
    pub instrument: bool,
    /// Show which events of the evaluation led to the result
    #[arg(long, value_enum, default_value = "off")]
    pub explain: ExplainMode,
    /// Show values of variables in the trace
    #[arg(long)]
    pub var_values: bool,
    /// Report which expressions were evaluated
    #[arg(long)]
    pub coverage: bool,
    /// Further runs that tell why something was not covered: index_excluded, early_exit; empty for none
    #[arg(long, value_name = "KINDS", value_delimiter = ',', num_args = 0..=1, default_missing_value = "", require_equals = false)]
    pub coverage_runs: Option<Vec<String>>,
    /// Evaluate rules that OPA's index of rules excludes, too (shows in profile, trace and coverage)
    #[arg(long)]
    pub disable_indexing: bool,
    /// Look for more solutions where one is enough (shows in profile, trace and coverage)
    #[arg(long)]
    pub disable_early_exit: bool,
    /// Report all errors of built-in functions; they do not end the evaluation
    #[arg(long)]
    pub show_builtin_errors: bool,
    /// Optimise the policy before it is evaluated (it always is; 0 to 2 are taken for opa's sake)
    #[arg(short = 'O', long, value_name = "LEVEL", default_value_t = 0)]
    pub optimize: u8,
    /// Entrypoints for --optimize, for example terraform/deny
    #[arg(short, long, value_name = "PATH")]
    pub entrypoint: Vec<String>,
    /// What runs the policy: rego
    #[arg(short, long, value_name = "TARGET", default_value = "rego")]
    pub target: String,
    /// Characters of a value in pretty tables
    #[arg(long, value_name = "N", default_value_t = 80)]
    pub pretty_limit: i64,
    /// Evaluate partially (not yet: policies are evaluated as a whole)
    #[arg(short, long)]
    pub partial: bool,
    /// What --partial takes for unknown
    #[arg(short, long, value_name = "REF")]
    pub unknowns: Vec<String>,
    /// Taken for opa's sake: data is always kept as it is read fastest
    #[arg(long)]
    pub optimize_store_for_read_speed: bool,
    /// Stop after this time, for example 500ms or 1m30s; 0 is no limit
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse, default_value = "0")]
    pub timeout: Duration,
    /// Stop after this many steps; the count is the same on every machine
    #[arg(long, value_name = "N")]
    pub max_steps: Option<u64>,
    /// Stop when evaluation holds more memory than this, for example 512MiB
    #[arg(long, value_name = "BYTES", value_parser = crate::duration::parse_bytes)]
    pub max_memory: Option<usize>,
}
