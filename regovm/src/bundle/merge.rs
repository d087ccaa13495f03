//! Several bundles become one.

use std::sync::Arc;

use regovm_core::value::{Frozen, Value};
use regovm_parser::ast::RegoVersion;

use super::data::Data;
use super::manifest::number;
use super::paths;
use super::{Bundle, BundleError, ModuleFile};

/// Joins bundles that own different parts of `data`, as `opa build -b` does. Policies of another dialect than `version` are
/// named in the manifest. A single bundle keeps what its manifest says.
///
/// # Errors
/// Roots overlap, in OPA's words.
pub fn merge(mut bundles: Vec<Bundle>, version: RegoVersion) -> Result<Bundle, BundleError> {
    if bundles.len() == 1
        && let Some(mut bundle) = bundles.pop()
    {
        let own = bundle.manifest.version().unwrap_or(version);
        bundle.manifest.roots = Some(bundle.manifest.roots().to_vec());
        bundle.manifest.rego_version = Some(number(own));
        bundle.manifest.file_rego_versions = other_versions(&bundle, own)?.into_iter().collect();
        bundle.modules.iter_mut().for_each(in_merged);
        return Ok(bundle);
    }
    let mut merged = Bundle::empty("");
    let mut roots = Vec::new();
    for bundle in &bundles {
        roots.extend_from_slice(bundle.manifest.roots());
        merged.modules.extend_from_slice(&bundle.modules);
        merged
            .manifest
            .wasm
            .extend_from_slice(&bundle.manifest.wasm);
        merged.wasm.extend_from_slice(&bundle.wasm);
        merged.plans.extend_from_slice(&bundle.plans);
        merged.data_files.extend_from_slice(&bundle.data_files);
        let manifest = &bundle.manifest;
        if manifest.rego_version.is_some() || !manifest.file_rego_versions.is_empty() {
            let versions = other_versions(bundle, version)?;
            merged.manifest.file_rego_versions.extend(versions);
        }
    }
    merged.manifest.rego_version = Some(number(version));
    let data = Frozen::try_build(|arena| {
        let mut data = Data::default();
        for bundle in &bundles {
            for root in bundle.manifest.roots() {
                let path: Vec<&str> = root.split('/').filter(|part| !part.is_empty()).collect();
                if let Some(value) = value_at(bundle.data.root(), &path) {
                    data.insert(&path, arena.copy(value), arena)
                        .map_err(BundleError::new)?;
                }
            }
        }
        Ok::<_, BundleError>(data.finish(arena))
    })?;
    merged.data = Arc::new(data);
    merged.manifest.roots = Some(roots);
    merged.modules.iter_mut().for_each(in_merged);
    check_merge(&bundles)?;
    Ok(merged)
}

/// Checks that bundles can become one.
///
/// # Errors
/// Roots overlap, in OPA's words.
pub fn check_merge(bundles: &[Bundle]) -> Result<(), BundleError> {
    let roots = bundles
        .iter()
        .flat_map(|bundle| bundle.manifest.roots())
        .cloned()
        .collect();
    let manifest = super::Manifest {
        roots: Some(roots),
        ..super::Manifest::default()
    };
    manifest.check()
}

fn value_at<'a>(value: Value<'a>, path: &[&str]) -> Option<Value<'a>> {
    path.iter()
        .try_fold(value, |value, key| value.as_object()?.get_str(key))
}

/// Where a policy is in the bundle that it came into.
fn in_merged(module: &mut ModuleFile) {
    module.relative = place(&module.url);
}

fn place(url: &str) -> String {
    paths::clean(&format!("/{url}"))
}

/// The policies that have another dialect than the one of the whole, by their names in it.
fn other_versions(bundle: &Bundle, whole: RegoVersion) -> Result<Vec<(String, i64)>, BundleError> {
    let own = bundle.manifest.version().unwrap_or(whole);
    let mut others = Vec::new();
    for ModuleFile { relative, url, .. } in &bundle.modules {
        let version = number(bundle.manifest.version_of(relative, own)?);
        if version != number(whole) {
            others.push((place(url), version));
        }
    }
    Ok(others)
}
