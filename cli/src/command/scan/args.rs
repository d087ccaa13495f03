//! The flags of `scan`: conftest's, and budgets.

use std::time::Duration;

use clap::Args;

/// `regovm scan`
///
/// What is not given comes from the environment (`CONFTEST_<FLAG>`), then from the configuration file, so that values
/// have to be absent here.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  regovm scan deployment.yaml
  regovm scan -p policy/terraform -n terraform plan.json
  regovm scan --all-namespaces --output github 'k8s/**/*.yaml'
  terraform show -json plan.out | regovm scan --parser json --stdin-filename plan.json -
  regovm scan --timeout 5s --max-memory 1GiB --fail-open 'advice.*' plans/

Policies are rules deny, violation and warn (and deny_x, ..) of the package main, or of the packages that -n names:
  deny contains msg if { input.kind == \"Pod\"; msg := \"no pods\" }
A rule `exception contains [\"x\"] if ..` lets deny_x and its like pass.

Flags may stand in conftest.toml (or .yaml, .json) in the working directory, and in the environment: CONFTEST_POLICY=..

Exit status: 0 if nothing failed; 1 if a deny or violation rule failed, if an input could not be read or decided, and for
wrong flags and policies. With --fail-on-warn: 2 for failures, 1 for warnings. 130 after Ctrl-C.")]
pub struct ScanArgs {
    /// Files, folders (searched for all formats), patterns such as 'k8s/**/*.yaml', or - for standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// Policies: files or folders. Repeatable [default: policy]
    #[arg(short, long, value_name = "PATH", value_delimiter = ',')]
    pub policy: Vec<String>,
    /// Data for policies: files, or folders that are searched for .json and .yaml. Repeatable
    #[arg(short, long, value_name = "PATH", value_delimiter = ',')]
    pub data: Vec<String>,
    /// Packages whose rules are asked; with *, ? and [..] those that match. Repeatable [default: main]
    #[arg(short, long, value_name = "PACKAGE", value_delimiter = ',')]
    pub namespace: Vec<String>,
    /// Ask the rules of all packages
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub all_namespaces: Option<bool>,
    /// All inputs as one: an array of objects with path and contents
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub combine: Option<bool>,
    /// How inputs are written, whatever their names are: json, yaml, hcl2, toml, ..
    #[arg(long, value_name = "FORMAT")]
    pub parser: Option<String>,
    /// Leave out inputs whose paths match this regular expression
    #[arg(long, value_name = "REGEX")]
    pub ignore: Option<String>,
    /// The name of standard input in results
    #[arg(long, value_name = "NAME")]
    pub stdin_filename: Option<String>,
    /// stdout, table, json, tap, junit, github, azuredevops or sarif [default: stdout]
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<String>,
    /// Exit with 1 if there are warnings, and with 2 if there are failures
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub fail_on_warn: Option<bool>,
    /// Exit with 0 also if rules failed
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub no_fail: Option<bool>,
    /// No colours
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub no_color: Option<bool>,
    /// Print only if something failed
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub quiet: Option<bool>,
    /// Leave exceptions out of the text
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub suppress_exceptions: Option<bool>,
    /// In JUnit, keep messages out of the names of tests
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub junit_hide_message: Option<bool>,
    /// On GitHub, leave out inputs that passed
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub github_hide_passed: Option<bool>,
    /// Errors of built-ins end the evaluation; otherwise the calls are undefined
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub show_builtin_errors: Option<bool>,
    /// Unused imports, arguments and variables are errors
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub strict: Option<bool>,
    /// Refuse calls of built-ins that these capabilities do not name: a file, or a release of OPA
    #[arg(long, value_name = "FILE|VERSION")]
    pub capabilities: Option<String>,
    /// The version of Rego that policies are written in: v0 or v1 [default: v1]
    #[arg(long, value_name = "VERSION")]
    pub rego_version: Option<String>,
    /// How rules were evaluated, on standard error
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub trace: Option<bool>,
    /// Policies to download first: not possible here
    #[arg(short, long, value_name = "URL", value_delimiter = ',', hide = true)]
    pub update: Vec<String>,
    /// Configuration file with these flags [default: conftest.toml, .yaml or .json in the working directory]
    #[arg(short, long, value_name = "FILE")]
    pub config_file: Option<String>,
    /// Let policies reach these machines over the network (repeat, or separate with commas; * is all); none by default
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    pub allow_net: Vec<String>,
    /// Stop an evaluation (an input, or one of its documents, in a package) after this time, for example 500ms; 0 is no limit
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse, default_value = "0")]
    pub timeout: Duration,
    /// Stop an evaluation after this many steps; the count is the same on every machine
    #[arg(long, value_name = "N")]
    pub max_steps: Option<u64>,
    /// Stop an evaluation when it holds more memory than this, for example 512MiB
    #[arg(long, value_name = "BYTES", value_parser = crate::duration::parse_bytes)]
    pub max_memory: Option<usize>,
    /// Packages that only warn if they cannot be decided; * and ? match. All others fail then. Repeatable
    #[arg(long, value_name = "PACKAGE", value_delimiter = ',')]
    pub fail_open: Vec<String>,
    /// Inputs that are looked at at the same time; 0 is one for each processor
    #[arg(long, value_name = "N", default_value = "0")]
    pub jobs: usize,
}
