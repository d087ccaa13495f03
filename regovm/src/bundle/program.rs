//! Saved programs in bundles: rules that are compiled already.

use regovm_core::Span;
use regovm_parser::ast::{RegoVersion, Term};
use regovm_stdlib::support;
use serde_json::Value;

use super::manifest::number;
use super::{Bundle, BundleError, paths, roots};
use crate::policy::PreparedPolicy;
use crate::{Data, Document, Engine};

/// First bytes of the file; the number is the version of this form.
const MAGIC: &[u8; 8] = b"regovmB1";

/// The version that writes programs and reads only its own: instructions and built-ins change with it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Rules that are compiled already, from a file that [`Bundle::set_program`] made.
#[derive(Clone, Debug)]
pub struct SavedProgram {
    /// The rules: `authz/allow`.
    pub entrypoints: Vec<String>,
    /// The digest of the policies that it was made of.
    sources: String,
    saved: Vec<u8>,
}

impl SavedProgram {
    /// Reads the file.
    ///
    /// # Errors
    /// Another version of regovm wrote it, or it is none.
    pub fn read(file: &[u8]) -> Result<SavedProgram, BundleError> {
        let failed = |reason: &str| {
            BundleError::new(format!("not a saved program: {reason}"))
                .hint("`regovm build -t regovm` makes programs")
        };
        let rest = file
            .strip_prefix(MAGIC)
            .ok_or_else(|| failed("it does not start like one"))?;
        let (length, rest) = rest
            .split_first_chunk::<4>()
            .ok_or_else(|| failed("it ends early"))?;
        let (header, saved) = rest
            .split_at_checked(u32::from_le_bytes(*length) as usize)
            .ok_or_else(|| failed("it ends early"))?;
        let header: Value =
            serde_json::from_slice(header).map_err(|_| failed("its head is damaged"))?;
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        match text("regovm") {
            Some(VERSION) => {}
            Some(other) => {
                return Err(BundleError::new(format!(
                    "the program was saved by regovm {other}, and this is regovm {VERSION}"
                ))
                .hint("build the bundle again with `regovm build -t regovm`"));
            }
            None => return Err(failed("its head is damaged")),
        }
        let entrypoints = header.get("entrypoints").and_then(Value::as_array);
        let entrypoints = entrypoints.and_then(|list| {
            list.iter()
                .map(|entrypoint| entrypoint.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
        });
        Ok(SavedProgram {
            entrypoints: entrypoints.ok_or_else(|| failed("its head is damaged"))?,
            sources: text("sources").unwrap_or_default().to_owned(),
            saved: saved.to_vec(),
        })
    }

    fn write(&self) -> Vec<u8> {
        let header = serde_json::json!({
            "regovm": VERSION,
            "entrypoints": self.entrypoints,
            "sources": self.sources,
        });
        let header = header.to_string();
        let length = header.len() as u32;
        [
            MAGIC,
            &length.to_le_bytes()[..],
            header.as_bytes(),
            &self.saved,
        ]
        .concat()
    }

    /// The queries for its entrypoints.
    pub fn queries(&self) -> Vec<String> {
        let keys = |entrypoint: &String| -> Vec<String> {
            entrypoint.split('/').map(str::to_owned).collect()
        };
        self.entrypoints
            .iter()
            .map(|entrypoint| query_of(&keys(entrypoint)))
            .collect()
    }

    /// The number of the query for an entrypoint, by its text: `data.authz.allow`.
    pub fn query(policy: &PreparedPolicy, text: &str) -> Option<usize> {
        (0..)
            .map_while(|index| policy.query(index))
            .position(|shape| matches!(&shape.expressions[..], [only] if only.text == text))
    }

    /// The program with data of documents. One that calls built-ins of yours is prepared by an engine that has them:
    /// [`SavedProgram::prepare_in`].
    ///
    /// # Errors
    /// The program is damaged, or the documents do not fit together.
    pub fn prepare(&self, documents: &[Document]) -> Result<PreparedPolicy, BundleError> {
        self.with_data(Data::new(documents)?)
    }

    /// The program with the data and the built-ins of an engine.
    ///
    /// # Errors
    /// The program is damaged, or needs built-ins that the engine does not have.
    pub fn prepare_in(&self, engine: &Engine) -> Result<PreparedPolicy, BundleError> {
        Ok(engine.load(&self.saved)?)
    }

    fn with_data(&self, data: Data) -> Result<PreparedPolicy, BundleError> {
        Ok(PreparedPolicy::read(&self.saved, crate::builtins(), data)?)
    }
}

/// The query for an entrypoint, given by its keys below `data`: `data.authz.allow`.
pub fn query_of(entrypoint: &[String]) -> String {
    let nowhere = Span::NONE;
    let mut path = vec![Term::var("data", nowhere)];
    path.extend(
        entrypoint
            .iter()
            .map(|key| Term::string(key.as_str(), nowhere)),
    );
    regovm_parser::print::reference(&path)
}

impl Bundle {
    /// Puts a compiled policy into the bundle, whose queries are its entrypoints in their order.
    pub fn set_program(&mut self, policy: &PreparedPolicy, entrypoints: Vec<String>) {
        let program = SavedProgram {
            entrypoints,
            sources: self.digest_of_sources(),
            saved: policy.save(),
        };
        self.program = Some(program.write());
    }

    /// The compiled policy of the bundle with its data, if there is one.
    ///
    /// # Errors
    /// It cannot be used: another version of regovm wrote it, it is damaged, or the policies of the bundle are others than
    /// it was made of. The policies can still be compiled.
    pub fn prepare_program(&self) -> Result<Option<PreparedPolicy>, BundleError> {
        let Some(file) = &self.program else {
            return Ok(None);
        };
        let program = SavedProgram::read(file)?;
        if program.sources != self.digest_of_sources() {
            return Err(BundleError::new(
                "the program was made of other policies than the bundle has",
            )
            .hint("build the bundle again with `regovm build -t regovm`"));
        }
        // What is not compiled is checked as if it were.
        self.check(std::iter::empty())?;
        self.check_runs()?;
        let outside = program.entrypoints.iter().find(|entrypoint| {
            let path: Vec<&str> = entrypoint.split('/').collect();
            !roots::contain(self.manifest.roots(), &path)
        });
        if let Some(entrypoint) = outside {
            return Err(BundleError::new(format!(
                "manifest roots {} do not permit the entrypoint {entrypoint} of the program",
                roots::listed(self.manifest.roots())
            )));
        }
        program
            .with_data(Data::frozen_as(self.data.clone()))
            .map(Some)
    }

    /// Names, dialects and texts of the policies.
    fn digest_of_sources(&self) -> String {
        let mut modules: Vec<(String, &super::ModuleFile)> = self
            .modules
            .iter()
            .map(|module| (paths::clean(&format!("/{}", module.relative)), module))
            .collect();
        modules.sort_by(|a, b| a.0.cmp(&b.0));
        let mut bytes = Vec::new();
        for (path, module) in modules {
            let version = self.manifest.version_of(&path, RegoVersion::V1);
            let version = version.map_or(-1, number);
            let head = format!("{path}\0{version}\0{}\0", module.text.len());
            bytes.extend_from_slice(head.as_bytes());
            bytes.extend_from_slice(&module.text);
        }
        let digest = support::digest("SHA-256", &bytes).unwrap_or_default();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
