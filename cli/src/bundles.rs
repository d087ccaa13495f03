//! Bundles on disk: folders and archives that `--bundle` names.

use std::fs;
use std::io;
use std::path::Path;

use regovm::Engine;
use regovm::bundle::{self, Bundle, BundleError, File, Limits, Origin, ReadOptions, Verification};

use crate::load::{matches_pattern, reason};

/// How bundles are read.
#[derive(Clone, Copy)]
pub struct Reading<'o> {
    /// Patterns of names that are left out.
    pub ignore: &'o [String],
    /// Whether signatures are verified.
    pub verification: Verification<'o>,
    /// Links to files count as files (`--follow-symlinks`).
    pub follow_links: bool,
    /// Data is not looked at.
    pub without_data: bool,
}

impl<'o> Reading<'o> {
    /// As `eval`, `check` and `test` read bundles: signatures are not looked at.
    pub fn unverified(ignore: &'o [String]) -> Reading<'o> {
        Reading {
            ignore,
            verification: Verification::Skipped,
            follow_links: false,
            without_data: false,
        }
    }
}

/// Reads the bundles at some paths; a path that is named twice counts once.
pub fn load(paths: &[String], reading: Reading<'_>) -> Result<Vec<Bundle>, BundleError> {
    let mut bundles: Vec<Bundle> = Vec::with_capacity(paths.len());
    for path in paths {
        let path = path.strip_prefix("file://").unwrap_or(path);
        if !bundles.iter().any(|bundle| bundle.name == path) {
            bundles.push(read(path, reading)?);
        }
    }
    Ok(bundles)
}

/// Adds bundles to an engine that runs them.
pub fn add(engine: &mut Engine, bundles: &[Bundle]) -> Result<(), BundleError> {
    each(bundles, |bundle| engine.add_bundle(bundle).map(drop))
}

/// Adds bundles to an engine that looks at them only: they may have rules in WebAssembly.
pub fn add_readable(engine: &mut Engine, bundles: &[Bundle]) -> Result<(), BundleError> {
    each(bundles, |bundle| {
        engine.add_readable_bundle(bundle).map(drop)
    })
}

/// Does something with each bundle, whose name stands before errors.
fn each(
    bundles: &[Bundle],
    mut add: impl FnMut(&Bundle) -> Result<(), BundleError>,
) -> Result<(), BundleError> {
    bundles.iter().try_for_each(|bundle| {
        add(bundle).map_err(|error| error.within(&format!("bundle {}: ", bundle.name)))
    })
}

/// Reads bundles with the words of `eval` for what goes wrong.
pub fn load_to_run(paths: &[String], ignore: &[String]) -> Result<Vec<Bundle>, BundleError> {
    load(paths, Reading::unverified(ignore)).map_err(|error| error.within("loading error: "))
}

/// Reads bundles and adds them to an engine, with the words of `eval` for what goes wrong.
pub fn activate(
    engine: &mut Engine,
    paths: &[String],
    ignore: &[String],
) -> Result<(), BundleError> {
    add_to_run(engine, &load_to_run(paths, ignore)?)
}

/// Adds bundles to an engine, all together, with the words of `eval` for what goes wrong.
pub fn add_to_run(engine: &mut Engine, bundles: &[Bundle]) -> Result<(), BundleError> {
    add(engine, bundles).map_err(|error| error.within("loading error: "))?;
    bundle::check_roots(&bundles.iter().collect::<Vec<_>>())
        .map_err(|error| error.within("bundle activation failed: "))
}

fn read(path: &str, reading: Reading<'_>) -> Result<Bundle, BundleError> {
    let (origin, files) = files(path, reading)?;
    let options = ReadOptions {
        verification: reading.verification,
        without_data: reading.without_data,
        ..ReadOptions::new(path, origin)
    };
    Bundle::read(files, &options).map_err(|error| error.within(&format!("bundle {path}: ")))
}

/// The files of a folder or archive, by their paths in it.
pub fn files(path: &str, reading: Reading<'_>) -> Result<(Origin, Vec<File>), BundleError> {
    let metadata = fs::metadata(path).map_err(|error| {
        BundleError::new(format!(
            "error reading \"{path}\": stat {path}: {}",
            reason(&error)
        ))
    })?;
    let within = |error: BundleError| error.within(&format!("bundle {path}: "));
    let limits = Limits::default();
    if metadata.is_dir() {
        let mut folder = Folder {
            reading,
            limits,
            files: Vec::new(),
        };
        folder.walk(Path::new(path), "").map_err(within)?;
        return Ok((Origin::Folder, folder.files));
    }
    let bytes = fs::read(path)
        .map_err(|error| BundleError::new(format!("open {path}: {}", reason(&error))))?;
    let mut files = bundle::unpack(&bytes, &limits).map_err(within)?;
    files.retain(|file| {
        let mut names = file.path.split('/');
        !names.any(|name| left_out(reading.ignore, name))
    });
    Ok((Origin::Archive, files))
}

fn left_out(ignore: &[String], name: &str) -> bool {
    ignore.iter().any(|pattern| matches_pattern(pattern, name))
}

struct Folder<'o> {
    reading: Reading<'o>,
    limits: Limits,
    files: Vec<File>,
}

impl Folder<'_> {
    /// Adds the files of a folder, whose path in the bundle is `inside`. Links are not followed, as in OPA.
    fn walk(&mut self, folder: &Path, inside: &str) -> Result<(), BundleError> {
        let failed = |error: io::Error, path: &Path| {
            BundleError::new(format!(
                "bundle read failed: open {}: {}",
                path.display(),
                reason(&error)
            ))
        };
        let entries: Result<Vec<_>, io::Error> =
            fs::read_dir(folder).and_then(|entries| entries.collect());
        let mut entries = entries.map_err(|error| failed(error, folder))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            if left_out(self.reading.ignore, &name) {
                continue;
            }
            let path = entry.path();
            let kind = entry.file_type().map_err(|error| failed(error, &path))?;
            let inside = format!("{inside}/{name}");
            if kind.is_dir() {
                self.walk(&path, &inside)?;
            } else if kind.is_file() || (kind.is_symlink() && self.reading.follow_links) {
                let size = fs::metadata(&path)
                    .map_err(|error| failed(error, &path))?
                    .len();
                if size > self.limits.file {
                    return Err(BundleError::new(format!(
                        "bundle read failed: failed to list files: bundle file {} size ({size} bytes) exceeds configured size_limit_bytes ({} bytes)",
                        path.display(),
                        self.limits.file
                    )));
                }
                let bytes = fs::read(&path).map_err(|error| failed(error, &path))?;
                self.files.push(File::new(inside, bytes));
            }
        }
        Ok(())
    }
}
