//! Flags of keys that sign and verify bundles.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use regovm::bundle::{Bundle, BundleError, File, Signatures, SigningKey, VerificationKey};

use crate::load::reason;
use crate::world;

/// Keys that sign.
#[derive(Args, Debug)]
pub struct SigningArgs {
    /// Sign with this: a secret (HMAC), or a file with a private key in PEM (RSA and ECDSA)
    #[arg(long, value_name = "KEY", hide_env_values = true)]
    pub signing_key: Option<String>,
    /// Algorithm of signatures: HS256, RS256, PS256, ES256, and the same with 384 and 512
    #[arg(long, value_name = "NAME", default_value = "RS256")]
    pub signing_alg: String,
    /// More claims for the signature: a file with a JSON object
    #[arg(long, value_name = "FILE")]
    pub claims_file: Option<PathBuf>,
    /// Who signs; there are no plugins in regovm
    #[arg(long, value_name = "NAME", hide = true)]
    pub signing_plugin: Option<String>,
}

/// OPA's words for flags of signing that lack a key.
pub const NO_KEY: &str =
    "specify the secret (HMAC) or path of the PEM file containing the private key (RSA and ECDSA)";

impl SigningArgs {
    /// If the flags ask for a signature.
    pub fn wanted(&self) -> Result<bool, BundleError> {
        match (&self.signing_key, &self.claims_file, &self.signing_plugin) {
            (Some(key), ..) if !key.is_empty() => Ok(true),
            (_, None, None) => Ok(false),
            _ => Err(BundleError::new(NO_KEY)),
        }
    }

    /// The key, which tokens call by an id if claims do not say so themselves.
    pub fn key(&self, id: &str) -> Result<SigningKey, BundleError> {
        if let Some(plugin) = &self.signing_plugin
            && !matches!(plugin.as_str(), "" | "_default")
        {
            return Err(BundleError::new(format!(
                "no signer exists under id {plugin}"
            )));
        }
        let claims = match &self.claims_file {
            None => None,
            Some(path) => Some(fs::read_to_string(path).map_err(|error| unread(path, &error))?),
        };
        let key = self.signing_key.clone().unwrap_or_default();
        Ok(SigningKey {
            key: if key.starts_with("-----BEGIN") {
                key
            } else {
                file_or_text(key)?
            },
            algorithm: self.signing_alg.clone(),
            id: claims
                .as_ref()
                .map_or_else(|| id.to_owned(), |_| String::new()),
            claims,
        })
    }
}

/// Keys that verify.
#[derive(Args, Debug)]
pub struct VerificationArgs {
    /// Verify with this: a secret (HMAC), or a file with a public key or certificate in PEM (RSA and ECDSA)
    #[arg(long, value_name = "KEY", hide_env_values = true)]
    pub verification_key: Option<String>,
    /// Name of the key
    #[arg(long, value_name = "ID", default_value = "default")]
    pub verification_key_id: String,
    /// What the signature has to be for
    #[arg(long, value_name = "SCOPE", default_value = "")]
    pub scope: String,
    /// Files that need no signature: patterns (repeat, or separate with commas)
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub exclude_files_verify: Vec<String>,
}

impl VerificationArgs {
    /// The key, if there is one.
    pub fn key(&self, algorithm: &str) -> Result<Option<VerificationKey>, BundleError> {
        let Some(key) = self.verification_key.clone().filter(|key| !key.is_empty()) else {
            return Ok(None);
        };
        Ok(Some(VerificationKey {
            id: self.verification_key_id.clone(),
            key: file_or_text(key)?,
            algorithm: algorithm.to_owned(),
            scope: self.scope.clone(),
            exclude: self.exclude_files_verify.clone(),
        }))
    }
}

fn unread(path: &Path, error: &io::Error) -> BundleError {
    BundleError::new(format!("open {}: {}", path.display(), reason(error)))
}

/// The text of a file if there is one of this name, else the name itself.
fn file_or_text(name: String) -> Result<String, BundleError> {
    let path = Path::new(&name);
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if path.exists() => Err(unread(path, &error)),
        Err(_) => Ok(name),
    }
}

/// Signs files with the chance of this machine.
pub fn sign_files(files: &[File], key: &SigningKey) -> Result<Signatures, BundleError> {
    regovm::bundle::sign_files(files, key, &mut world::host(&[], None))
}

/// Signs a bundle with the chance of this machine.
pub fn sign(bundle: &mut Bundle, key: &SigningKey) -> Result<(), BundleError> {
    bundle.sign(key, &mut world::host(&[], None))
}
