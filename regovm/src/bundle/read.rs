//! Files become a bundle.

use std::sync::Arc;

use regovm_core::value::Frozen;
use regovm_parser::ast::Module;

use super::data::{Data, is_data};
use super::signatures::{Signatures, Signed, Verification};
use super::{Bundle, BundleError, File, Limits, Manifest, ModuleFile, PROGRAM, paths, roots};

/// What the files of a bundle came from: it decides how they are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A folder: policies are called by their paths in it.
    Folder,
    /// An archive: policies are called as in the archive.
    Archive,
}

/// How a bundle is read.
#[derive(Clone, Debug)]
pub struct ReadOptions<'o> {
    /// The path of the folder or archive.
    pub name: &'o str,
    /// Which of both it is.
    pub origin: Origin,
    /// What files may be like.
    pub limits: Limits,
    /// Whether and how signatures are verified.
    pub verification: Verification<'o>,
    /// Leaves data unread: for a look at what the bundle has.
    pub without_data: bool,
}

impl<'o> ReadOptions<'o> {
    /// Everything read, signatures not looked at.
    pub fn new(name: &'o str, origin: Origin) -> ReadOptions<'o> {
        ReadOptions {
            name,
            origin,
            limits: Limits::default(),
            verification: Verification::Skipped,
            without_data: false,
        }
    }

    fn url(&self, path: &str) -> String {
        paths::join(self.name, path)
    }

    fn full_path(&self, path: &str) -> String {
        match self.origin {
            Origin::Folder => paths::join(self.name, path),
            Origin::Archive => path.to_owned(),
        }
    }

    /// The name of a file in signatures.
    fn signed_name(&self, path: &str) -> String {
        let name = match self.origin {
            Origin::Folder => self.url(path),
            Origin::Archive => path.to_owned(),
        };
        name.trim_start_matches('/').to_owned()
    }

    fn module_file(&self, file: File) -> ModuleFile {
        ModuleFile {
            url: self.url(&file.path),
            path: self.full_path(&file.path),
            relative: file.path,
            text: file.bytes,
        }
    }
}

/// The file of signatures, by its name.
pub(super) fn is_signatures(path: &str) -> bool {
    paths::base(path) == ".signatures.json"
}

impl Bundle {
    /// Reads a bundle from its files. Policies are parsed when they come into an engine
    /// ([`Engine::add_bundle`](crate::Engine::add_bundle)), and what the manifest says of them is checked there.
    ///
    /// # Errors
    /// In OPA's words: files that do not read or do not fit together, a manifest that is none, signatures that do not
    /// verify. Changes of an active bundle (`patch.json`) are refused.
    pub fn read(files: Vec<File>, options: &ReadOptions<'_>) -> Result<Bundle, BundleError> {
        let mut bundle = Bundle::empty(options.name);
        let mut rest = Vec::with_capacity(files.len());
        let mut signatures_at: Option<String> = None;
        for file in files {
            check_size(&file, &options.limits)?;
            if is_signatures(&file.path) {
                if matches!(options.verification, Verification::Skipped) && !options.without_data {
                    continue;
                }
                if let Some(other) = &signatures_at {
                    return Err(BundleError::new(format!(
                        "bundle contains multiple signatures files: {other:?} and {:?}",
                        file.path
                    )));
                }
                bundle.signatures = Signatures::read(&file.bytes)?;
                signatures_at = Some(file.path);
                continue;
            }
            if paths::base(&file.path) == "patch.json" && is_patch(&file)? {
                return Err(BundleError::new(format!(
                    "delta bundles are not supported: {} changes a bundle that a server has active",
                    file.path
                ))
                .hint("build a bundle of all policies and data instead"));
            }
            rest.push(file);
        }
        let mut signed = options.verification.begin(&bundle.signatures)?;
        let mut manifest_at = None;
        let data = Frozen::try_build(|arena| {
            let mut data = Data::default();
            for file in rest {
                verify(&file, options, signed.as_mut())?;
                bundle.take(file, options, &mut manifest_at, |file, path| {
                    data.add(file, path, arena).map_err(BundleError::new)
                })?;
            }
            Ok::<_, BundleError>(data.finish(arena))
        })?;
        if let Some(signed) = signed {
            signed.finish()?;
        }
        bundle.data = Arc::new(data);
        bundle.qualify_wasm(options);
        Ok(bundle)
    }

    /// Puts the folder in front of the modules that the manifest names, if that makes them files of the bundle.
    fn qualify_wasm(&mut self, options: &ReadOptions<'_>) {
        for resolver in &mut self.manifest.wasm {
            let full = options.full_path(&resolver.module);
            let is_file = |path: &str| self.wasm.iter().any(|file| file.path == path);
            if !is_file(&resolver.module) && is_file(&full) {
                resolver.module = full;
            }
        }
    }

    fn take(
        &mut self,
        file: File,
        options: &ReadOptions<'_>,
        manifest_at: &mut Option<String>,
        add_data: impl FnOnce(&File, &str) -> Result<(), BundleError>,
    ) -> Result<(), BundleError> {
        let base = paths::base(&file.path);
        if file.path.ends_with(".rego") {
            self.modules.push(options.module_file(file));
        } else if base == "policy.wasm" {
            self.wasm.push(options.module_file(file));
        } else if matches!(base, "plan.json" | "plan.pb") {
            self.plans.push(options.module_file(file));
        } else if base == PROGRAM {
            self.program = Some(file.bytes);
        } else if is_data(&file.path) {
            if !options.without_data {
                add_data(&file, &options.full_path(&file.path))?;
            }
            self.data_files.push(ModuleFile {
                text: Vec::new(),
                ..options.module_file(file)
            });
        } else if file.path.ends_with(".manifest") || file.path.ends_with(".manifest.pb") {
            if let Some(other) = manifest_at {
                return Err(BundleError::new(format!(
                    "bundle contains multiple manifest files: {other:?} and {:?}",
                    file.path
                )));
            }
            if file.path.ends_with(".pb") {
                return Err(BundleError::new(format!(
                    "bundle load failed on manifest decode: {} is in the form of protocol buffers, which is not supported",
                    file.path
                ))
                .hint("build the bundle with --format json"));
            }
            self.manifest = Manifest::read(&file.bytes)?;
            *manifest_at = Some(file.path);
        }
        Ok(())
    }

    /// What the manifest says of the policies and data of the bundle, checked in OPA's order.
    pub(crate) fn check<'m>(
        &self,
        modules: impl Iterator<Item = (&'m ModuleFile, &'m Module)>,
    ) -> Result<(), BundleError> {
        self.manifest.check()?;
        let roots = self.manifest.roots();
        for (file, module) in modules {
            let path: Vec<&str> = module.package.path[1..]
                .iter()
                .filter_map(|term| term.as_str())
                .collect();
            if !roots::contain(roots, &path) {
                return Err(BundleError::new(format!(
                    "manifest roots {} do not permit '{}' in module '{}'",
                    roots::listed(roots),
                    regovm_parser::print::package(&module.package),
                    file.path
                )));
            }
        }
        self.check_wasm()?;
        roots::check_data(roots, self.data.root())
    }

    fn check_wasm(&self) -> Result<(), BundleError> {
        let roots = self.manifest.roots();
        let mut seen = Vec::new();
        for resolver in &self.manifest.wasm {
            let (module, entrypoint) = (&resolver.module, &resolver.entrypoint);
            if !self.wasm.iter().any(|file| file.path == *module) {
                return Err(BundleError::new(format!(
                    "manifest references wasm module '{module}' but the module file does not exist"
                )));
            }
            let path: Vec<&str> = entrypoint.split('/').collect();
            if !roots::contain(roots, &path) {
                return Err(BundleError::new(format!(
                    "manifest roots {} do not permit '{entrypoint}' entrypoint for wasm module '{module}'",
                    roots::listed(roots)
                )));
            }
            if seen.contains(&entrypoint) {
                return Err(BundleError::new(format!(
                    "entrypoint '{entrypoint}' cannot be used by more than one wasm module"
                )));
            }
            seen.push(entrypoint);
        }
        Ok(())
    }

    /// Refuses what cannot be evaluated: rules that only a WebAssembly module has.
    pub(crate) fn check_runs(&self) -> Result<(), BundleError> {
        match self.manifest.wasm.first() {
            None => Ok(()),
            Some(resolver) => Err(BundleError::new(format!(
                "the rule {} is in the WebAssembly module {}, which regovm does not run",
                resolver.entrypoint, resolver.module
            ))
            .hint("build the bundle with -t rego or -t regovm")),
        }
    }
}

fn check_size(file: &File, limits: &Limits) -> Result<(), BundleError> {
    let size = file.bytes.len() as u64;
    if size <= limits.file {
        return Ok(());
    }
    let path = file.path.trim_start_matches('/');
    Err(BundleError::new(format!(
        "bundle file '{path}' size ({size} bytes) exceeded max size ({} bytes)",
        limits.file
    )))
}

/// If a `patch.json` has changes.
fn is_patch(file: &File) -> Result<bool, BundleError> {
    let arena = regovm_core::value::Arena::new();
    let value = super::data::read(&file.path, &file.bytes, &arena).map_err(|reason| {
        BundleError::new(format!("bundle load failed on patch decode: {reason}"))
    })?;
    let changes = value.get_str("data").and_then(|data| data.as_array());
    Ok(changes.is_some_and(|changes| !changes.is_empty()))
}

fn verify(
    file: &File,
    options: &ReadOptions<'_>,
    signed: Option<&mut Signed<'_>>,
) -> Result<(), BundleError> {
    match signed {
        None => Ok(()),
        Some(signed) => signed.verify(&options.signed_name(&file.path), &file.bytes),
    }
}
