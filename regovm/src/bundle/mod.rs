//! Bundles: policies, data and a manifest in one folder or archive, as OPA has them.
//!
//! Nothing here reads files: a bundle is made of the bytes of an archive ([`unpack`]) or of the files of a folder that the
//! caller has listed, and is written as bytes again.
//!
//! ```
//! use regovm::Engine;
//! use regovm::bundle::{Bundle, File, Origin, ReadOptions};
//!
//! let files = [
//!     ("/.manifest", r#"{"revision": "7", "roots": ["authz"]}"#),
//!     ("/authz/data.json", r#"{"admins": ["alice"]}"#),
//!     ("/authz/policy.rego", "package authz\nallow if input.user in data.authz.admins\n"),
//! ];
//! let files = files.map(|(path, text)| File::new(path, text.as_bytes())).to_vec();
//! let bundle = Bundle::read(files, &ReadOptions::new("b.tar.gz", Origin::Archive))?;
//! assert_eq!(bundle.manifest.revision, "7");
//!
//! let mut engine = Engine::new();
//! engine.add_bundle(&bundle)?;
//! let policy = engine.prepare("data.authz.allow")?;
//! let mut session = policy.session();
//! assert!(!session.eval_json(br#"{"user": "alice"}"#)?.is_undefined());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod archive;
mod data;
mod manifest;
mod merge;
pub mod paths;
mod program;
mod read;
mod roots;
mod signatures;
mod write;

use std::sync::Arc;

use regovm_core::json::{self, Style};
use regovm_core::value::{Arena, Frozen};

use crate::Data;
use crate::report::{ErrorReport, Failure, Stage};

pub use archive::unpack;
pub use manifest::{Manifest, WasmResolver};
pub use merge::{check_merge, merge};
pub use program::{SavedProgram, query_of};
pub use read::{Origin, ReadOptions};
pub use roots::check_roots;
pub use signatures::{Signatures, SigningKey, Verification, VerificationKey, sign_files};

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is in the bundle: `/a/data.json`. Archives may leave the first slash out.
    pub path: String,
    /// What it says.
    pub bytes: Vec<u8>,
}

impl File {
    /// A file.
    pub fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> File {
        File {
            path: path.into(),
            bytes: bytes.into(),
        }
    }
}

/// A policy of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleFile {
    /// The path with the name of the bundle in front.
    pub url: String,
    /// The path as errors name it: with the folder in front if the bundle is one.
    pub path: String,
    /// The path below the root of the bundle.
    pub relative: String,
    /// The text.
    pub text: Vec<u8>,
}

/// How much of an archive is unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file; OPA's limit is the default.
    pub file: u64,
    /// Bytes of all files, with what the archive needs to describe them.
    pub total: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            file: 1 << 30,
            total: 2 << 30,
        }
    }
}

/// Why a bundle is refused.
#[derive(Clone, Debug)]
pub struct BundleError {
    /// OPA's words where it refuses the same.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The errors of a policy that does not parse; the message has their text.
    pub policy: Option<Failure>,
}

impl BundleError {
    /// An error that has only a message.
    pub fn new(message: impl Into<String>) -> BundleError {
        BundleError {
            message: message.into(),
            hint: None,
            policy: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> BundleError {
        self.hint = Some(hint.into());
        self
    }

    /// The same with words in front.
    #[must_use]
    pub fn within(mut self, before: &str) -> BundleError {
        self.message.insert_str(0, before);
        self
    }

    /// What to do about it.
    pub fn advice(&self) -> Option<&str> {
        match (&self.hint, &self.policy) {
            (Some(hint), _) => Some(hint),
            (None, Some(policy)) => policy.errors.first()?.advice(),
            (None, None) => crate::advice(None, &self.message),
        }
    }

    /// As a failure of loading, with the message and the hint only.
    pub fn into_failure(self) -> Failure {
        Failure {
            stage: Stage::Load,
            errors: vec![ErrorReport {
                hint: self.hint,
                ..ErrorReport::message(self.message)
            }],
        }
    }
}

impl From<Failure> for BundleError {
    fn from(failure: Failure) -> BundleError {
        let text = failure.plain_text("");
        BundleError {
            policy: Some(failure),
            ..BundleError::new(text.trim_end())
        }
    }
}

impl std::fmt::Display for BundleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BundleError {}

/// A bundle that has been read.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// What it is called: the path of the folder or archive.
    pub name: String,
    /// Its `.manifest`, or what holds without one.
    pub manifest: Manifest,
    /// Policies in the order of the files.
    pub modules: Vec<ModuleFile>,
    /// Names of its data files, as errors name them.
    pub data_files: Vec<ModuleFile>,
    /// WebAssembly modules, which nothing here runs.
    pub wasm: Vec<ModuleFile>,
    /// Plans of OPA, which nothing here runs.
    pub plans: Vec<ModuleFile>,
    /// The saved program, if there is one: see [`PROGRAM`].
    pub program: Option<Vec<u8>>,
    /// What `.signatures.json` says.
    pub signatures: Signatures,
    data: Arc<Frozen>,
}

/// The file of a bundle that has its saved program.
pub const PROGRAM: &str = "policy.regovm";

impl Bundle {
    /// A bundle without files.
    pub fn empty(name: impl Into<String>) -> Bundle {
        Bundle {
            name: name.into(),
            manifest: Manifest::default(),
            modules: Vec::new(),
            data_files: Vec::new(),
            wasm: Vec::new(),
            plans: Vec::new(),
            program: None,
            signatures: Signatures::default(),
            data: Arc::new(Frozen::build(|arena| arena.object_from([]))),
        }
    }

    /// Puts other data into the place of its data, merged from documents.
    pub fn set_documents(&mut self, documents: &[crate::Document]) -> Result<(), Failure> {
        self.data = Data::new(documents)?.shared().clone();
        Ok(())
    }

    /// The manifest with the roots that hold if it names none.
    pub fn manifest_with_roots(&self) -> Manifest {
        Manifest {
            roots: Some(self.manifest.roots().to_vec()),
            ..self.manifest.clone()
        }
    }

    /// The data as JSON on one line.
    pub fn data_json(&self) -> String {
        json::to_string(self.data.root(), Style::Marshal)
    }

    pub(crate) fn data(&self) -> &Arc<Frozen> {
        &self.data
    }
}

/// A JSON value on one line, as Go's encoder has it.
fn marshal(value: &serde_json::Value) -> String {
    let arena = Arena::new();
    json::to_string(crate::convert::from_json(value, &arena), Style::Marshal)
}
