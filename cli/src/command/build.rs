//! `regovm build`

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use regovm::bundle::{self, Bundle, BundleError, ModuleFile, Verification, paths};
use regovm::{Engine, Failure, QueryContext, RegoVersion, Stage, format};

use super::{engine_with, restrict, sign, version};
use crate::bundles::{self, Reading};
use crate::keys::{self, SigningArgs, VerificationArgs};
use crate::load::{Wanted, load_all, reason};
use crate::whole_file;

/// What a bundle is built for.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Policies and data, for every reader of bundles
    Rego,
    /// The same with a compiled program beside it, which regovm runs without parsing the policies
    Regovm,
    /// OPA's plans: regovm makes none
    Plan,
    /// WebAssembly: regovm makes none
    Wasm,
}

/// Forms of plans.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlanFormat {
    /// JSON
    Json,
    /// Protocol buffers
    Proto,
}

/// `regovm build`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  regovm build policy/ data/ -o bundle.tar.gz\n  regovm build -b bundle/ --revision 7 --signing-key private.pem\n  regovm build -t regovm -e terraform/deny policy/ -o bundle.tar.gz\n  regovm eval -b bundle.tar.gz -i plan.json data.terraform.deny\n  regovm build -t regovm -e terraform/deny policy/ -o deny.regovm\n  regovm eval --program deny.regovm -i plan.json data.terraform.deny\n\nThe output is a bundle that regovm and OPA read. With -t regovm it also holds a compiled program, which serves\nthe queries for its entrypoints; all other queries are compiled from the policies.\n\nExit status: 0 if the bundle is written, 1 otherwise."
)]
pub struct BuildArgs {
    /// Policy and data: files or folders; with --bundle, bundles that are merged
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// The paths are bundles: folders or archives
    #[arg(short, long)]
    pub bundle: bool,
    /// What the bundle is for
    #[arg(short, long, value_enum, default_value = "rego")]
    pub target: Target,
    /// Rules that will be asked for, as paths: authz/allow. Metadata (entrypoint: true) names them too. Repeatable
    #[arg(short, long = "entrypoint", value_name = "PATH")]
    pub entrypoints: Vec<String>,
    /// Level of optimisation: with -t regovm, 0 leaves programs as they are written (default there: 1)
    #[arg(short = 'O', long, value_name = "N")]
    pub optimize: Option<i64>,
    /// The archive that is written; with -t regovm and a name that ends in .regovm, the program alone
    #[arg(short, long, value_name = "FILE", default_value = "bundle.tar.gz")]
    pub output: PathBuf,
    /// Revision that the manifest names
    #[arg(short, long, value_name = "TEXT")]
    pub revision: Option<String>,
    /// Only the entrypoints are compiled, not the rules that depend on them; programs of regovm are always so
    #[arg(long)]
    pub prune_unused: bool,
    /// File and folder names to leave out, for example '.*'. Repeatable
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Links to files count as files of a bundle
    #[arg(long)]
    pub follow_symlinks: bool,
    /// Refuse calls of built-ins that these capabilities do not name: a release of OPA, or a file
    #[arg(long, value_name = "FILE|VERSION", value_parser = crate::command::capabilities::named)]
    pub capabilities: Option<regovm::Capabilities>,
    /// Read policies as Rego v0
    #[arg(long)]
    pub v0_compatible: bool,
    /// Say on standard error what is done
    #[arg(long)]
    pub debug: bool,
    /// Form of plans
    #[arg(long = "format", value_enum, default_value = "json", hide = true)]
    pub plan_format: PlanFormat,
    /// Namespace of policies that are evaluated in part
    #[arg(long, value_name = "NAME", default_value = "partial", hide = true)]
    pub partial_namespace: String,
    #[command(flatten)]
    pub verification: VerificationArgs,
    #[command(flatten)]
    pub signing: SigningArgs,
}

/// Runs the command and gives its exit status.
pub fn run(args: &BuildArgs) -> io::Result<u8> {
    if args.paths.is_empty() {
        return crate::usage_error("expected at least one path", "build");
    }
    warn(args)?;
    match build(args) {
        Ok(()) => Ok(0),
        Err(error) => sign::report(&error),
    }
}

/// Manifests where none is expected.
fn warn(args: &BuildArgs) -> io::Result<()> {
    let manifests = [".manifest", ".manifest.pb"];
    for path in args.paths.iter().filter(|_| !args.bundle) {
        let found = manifests
            .iter()
            .find(|name| Path::new(path).join(name).exists());
        if let Some(name) = found {
            writeln!(
                io::stderr(),
                "Warning: {name} file found in \"{path}\" but -b flag not specified. Manifest will be ignored."
            )?;
        }
    }
    Ok(())
}

/// A failure in the words of this command: as text behind others.
fn failed(failure: Failure, before: &str) -> BundleError {
    let during = match failure.stage {
        Stage::Load => " during loading",
        _ => "",
    };
    let text = failure.plain_text(during);
    let first = failure.errors.first();
    BundleError {
        hint: first.and_then(|error| error.advice()).map(str::to_owned),
        ..BundleError::new(format!("{before}{}", text.trim_end()))
    }
}

fn build(args: &BuildArgs) -> Result<(), BundleError> {
    let verification_key = args.verification.key(&args.signing.signing_alg)?;
    let signs = args.signing.wanted()?;
    if !args.bundle && (signs || verification_key.is_some()) {
        return Err(BundleError::new(
            "enable bundle mode (ie. --bundle) to verify or sign bundle files or directories",
        ));
    }
    if args.plan_format == PlanFormat::Proto && args.target != Target::Plan {
        return Err(BundleError::new(
            "plan format \"proto\" is only valid with target \"plan\"",
        ));
    }
    let verification = match &verification_key {
        Some(key) => Verification::Key(key),
        None => Verification::NoKey,
    };
    let mut engine = Engine::new();
    engine
        .set_version(version(args.v0_compatible))
        .set_enable_print(true);
    restrict(&mut engine, args.capabilities.as_ref());
    let mut built = if args.bundle {
        merged(args, verification, &mut engine)?
    } else {
        gathered(args, &mut engine)?
    };
    let entrypoints = entrypoints(args, &engine)?;
    check_target(args, &entrypoints)?;
    engine.check().map_err(|failure| failed(failure, ""))?;
    debug(args, &built, &entrypoints);
    for module in &mut built.modules {
        let version = built
            .manifest
            .version_of(&module.relative, version(args.v0_compatible))?;
        module.text = formatted(args, module, version)?;
    }
    if args.target == Target::Regovm {
        compile(args, &mut engine, &entrypoints, &mut built)?;
    }
    if let Some(revision) = &args.revision {
        built.manifest.revision = revision.clone();
    }
    // The old one is of the old names.
    built.signatures = bundle::Signatures::default();
    if signs {
        let key = args.signing.key(&args.verification.verification_key_id)?;
        keys::sign(&mut built, &key)?;
    }
    let bare = args.output.extension().is_some_and(|end| end == "regovm");
    let bytes = match &built.program {
        Some(program) if bare => program.clone(),
        _ => built.write()?,
    };
    whole_file::write(&args.output, &bytes).map_err(|error| {
        BundleError::new(format!(
            "open {}: {}",
            args.output.display(),
            reason(&error)
        ))
    })
}

/// The bundles of the command line as one; they are in the engine too.
fn merged(
    args: &BuildArgs,
    verification: Verification<'_>,
    engine: &mut Engine,
) -> Result<Bundle, BundleError> {
    let reading = Reading {
        verification,
        follow_links: args.follow_symlinks,
        ..Reading::unverified(&args.ignore)
    };
    let loading = |error: BundleError| error.within("load error: ");
    let mut loaded = bundles::load(&args.paths, reading).map_err(loading)?;
    loaded.sort_by(|a, b| a.name.cmp(&b.name));
    bundles::add_readable(engine, &loaded).map_err(loading)?;
    bundle::merge(loaded, version(args.v0_compatible))
        .map_err(|error| error.within("bundle merge failed: "))
}

/// The files of the command line as a bundle; they are in the engine too.
fn gathered(args: &BuildArgs, engine: &mut Engine) -> Result<Bundle, BundleError> {
    // Archives are bundles: they are not read without --bundle.
    let mut paths = args.paths.clone();
    paths.retain(|path| !path.ends_with(".tar.gz"));
    let loaded = load_all(&paths, &args.ignore, Wanted::All);
    let mut modules = loaded.modules.clone();
    modules.sort_by(|a, b| a.0.trim_matches('/').cmp(b.0.trim_matches('/')));
    let reading = |failure| failed(failure, "load error: ");
    engine_with(loaded, engine);
    engine.check_parsed().map_err(reading)?;
    let mut bundle = Bundle::empty("");
    bundle.manifest.roots = Some(vec![String::new()]);
    bundle.manifest.rego_version = Some(match version(args.v0_compatible) {
        RegoVersion::V1 => 1,
        _ => 0,
    });
    for (name, text) in modules {
        let place = paths::clean(&format!("/{name}"));
        bundle.modules.push(ModuleFile {
            url: place.clone(),
            path: name,
            relative: place,
            text,
        });
    }
    bundle.set_documents(engine.documents()).map_err(reading)?;
    Ok(bundle)
}

/// The entrypoints of the flags and of metadata, each as its keys below `data`.
fn entrypoints(args: &BuildArgs, engine: &Engine) -> Result<Vec<Vec<String>>, BundleError> {
    let mut all: Vec<Vec<String>> = Vec::new();
    for named in &args.entrypoints {
        let keys = named.strip_prefix('/').unwrap_or(named).split('/');
        all.push(
            keys.filter(|key| !key.is_empty())
                .map(str::to_owned)
                .collect(),
        );
    }
    for found in engine.entrypoints() {
        if !all.contains(&found) {
            all.push(found);
        }
    }
    Ok(all)
}

fn check_target(args: &BuildArgs, entrypoints: &[Vec<String>]) -> Result<(), BundleError> {
    let needs = |what: &str| Err(BundleError::new(format!("{what} at least one entrypoint")));
    let instead = |error: BundleError, hint: &str| {
        Err(BundleError {
            hint: Some(hint.to_owned()),
            ..error
        })
    };
    let optimizes = args.optimize.unwrap_or(0) > 0;
    match args.target {
        Target::Rego if optimizes && entrypoints.is_empty() => {
            needs("bundle optimizations require")
        }
        Target::Rego if optimizes => instead(
            BundleError::new("regovm does not rewrite policies: it has no partial evaluation"),
            "leave -O out; or use -t regovm, whose programs are optimised",
        ),
        Target::Rego => Ok(()),
        Target::Plan if entrypoints.is_empty() => needs("plan compilation requires"),
        Target::Wasm if entrypoints.is_empty() => needs("wasm compilation requires"),
        Target::Regovm if entrypoints.is_empty() => needs("regovm compilation requires"),
        Target::Regovm => Ok(()),
        Target::Plan | Target::Wasm => instead(
            BundleError::new("regovm makes no plans and no WebAssembly"),
            "use -t regovm for a compiled program, or -t rego",
        ),
    }
}

fn debug(args: &BuildArgs, built: &Bundle, entrypoints: &[Vec<String>]) {
    if args.debug {
        let names: Vec<String> = entrypoints.iter().map(|path| path.join("/")).collect();
        let said = writeln!(
            io::stderr(),
            "debug: {} policies, {} bytes of data, entrypoints [{}]",
            built.modules.len(),
            built.data_json().len(),
            names.join(" ")
        );
        // Nobody listens: no reason to stop.
        drop(said);
    }
}

/// The text of a policy as `regovm fmt` has it, in the dialect that it is written in.
fn formatted(
    args: &BuildArgs,
    module: &ModuleFile,
    version: RegoVersion,
) -> Result<Vec<u8>, BundleError> {
    let options = format::Options {
        version,
        target: match version {
            RegoVersion::V0 => format::Target::V0,
            RegoVersion::V0CompatV1 => format::Target::V0AndV1,
            RegoVersion::V1 => format::Target::V1,
        },
        drop_imports: false,
        capabilities: args.capabilities.clone(),
    };
    format::module(&module.url, &module.text, &options)
        .map(String::into_bytes)
        .map_err(|failure| failed(failure, ""))
}

fn compile(
    args: &BuildArgs,
    engine: &mut Engine,
    entrypoints: &[Vec<String>],
    built: &mut Bundle,
) -> Result<(), BundleError> {
    if let Some(nothing) = entrypoints.iter().find(|path| !engine.has_rules_at(path)) {
        return Err(BundleError::new(format!(
            "entrypoint \"{}\" does not refer to a rule or policy decision",
            nothing.join("/")
        )));
    }
    if args.optimize == Some(0) {
        let all: Vec<&str> = regovm::rewrites().map(|(name, _)| name).collect();
        engine
            .disable_rewrites(&all)
            .map_err(|failure| failed(failure, ""))?;
    }
    let queries: Vec<String> = entrypoints
        .iter()
        .map(|path| bundle::query_of(path))
        .collect();
    let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
    let policy = engine
        .prepare_with(&queries, &QueryContext::default())
        .map_err(|failure| failed(failure, ""))?;
    built.set_program(
        &policy,
        entrypoints.iter().map(|path| path.join("/")).collect(),
    );
    Ok(())
}
