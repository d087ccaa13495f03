//! Signatures of bundles: a JSON web token that has the digest of each file.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regovm_core::host::Host;
use regovm_core::json::{self, ReadOptions, Style};
use regovm_core::value::{Arena, Value};
use regovm_stdlib::support;

use super::data::is_data;
use super::{Bundle, BundleError, File, marshal, paths, read};
use crate::document::read_stream;

/// What `.signatures.json` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signatures {
    /// Tokens; OPA wants exactly one.
    pub tokens: Option<Vec<String>>,
    /// Who made them, if not the default.
    pub plugin: String,
}

impl Signatures {
    fn is_empty(&self) -> bool {
        self.tokens.is_none() && self.plugin.is_empty()
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Signatures, BundleError> {
        let failed = |reason: &str| {
            BundleError::new(format!("bundle load failed on signatures decode: {reason}"))
        };
        let arena = Arena::new();
        let value = read_stream(bytes, &arena).map_err(|error| failed(&error.message))?;
        let shape = || failed("signatures are a list of texts in an object");
        if value.as_object().is_none() {
            return Err(shape());
        }
        let present = |name| value.get_str(name).filter(|value| !value.is_null());
        let tokens = match present("signatures") {
            None => None,
            Some(list) => {
                let list = list.as_array().ok_or_else(shape)?;
                let tokens = list.iter().map(|token| token.as_str().map(str::to_owned));
                Some(tokens.collect::<Option<Vec<_>>>().ok_or_else(shape)?)
            }
        };
        let plugin = match present("plugin") {
            None => String::new(),
            Some(name) => name.as_str().ok_or_else(shape)?.to_owned(),
        };
        Ok(Signatures { tokens, plugin })
    }

    /// The text of `.signatures.json`.
    pub fn to_json(&self) -> String {
        let quoted = |text: &String| marshal(&serde_json::Value::String(text.clone()));
        let mut members = Vec::new();
        if let Some(tokens) = self.tokens.as_ref().filter(|tokens| !tokens.is_empty()) {
            let tokens: Vec<String> = tokens
                .iter()
                .map(|token| format!("  {}", quoted(token)))
                .collect();
            members.push(format!(" \"signatures\": [\n{}\n ]", tokens.join(",\n")));
        }
        if !self.plugin.is_empty() {
            members.push(format!(" \"plugin\": {}", quoted(&self.plugin)));
        }
        format!("{{\n{}\n}}", members.join(",\n"))
    }
}

/// A key that verifies.
#[derive(Clone, Debug)]
pub struct VerificationKey {
    /// The name that signatures may call it by.
    pub id: String,
    /// A secret, or a public key or certificate in PEM.
    pub key: String,
    /// `RS256` and the like.
    pub algorithm: String,
    /// What the signature must be for; empty if it is for nothing in particular.
    pub scope: String,
    /// Patterns of files that need no digest.
    pub exclude: Vec<String>,
}

/// Whether signatures are verified.
#[derive(Clone, Copy, Debug)]
pub enum Verification<'k> {
    /// They are not looked at.
    Skipped,
    /// A bundle that has one is refused: there is no key to verify it with.
    NoKey,
    /// A bundle must have one, by this key.
    Key(&'k VerificationKey),
}

impl<'k> Verification<'k> {
    /// Verifies the token and gives the digests that files must have.
    pub(super) fn begin(&self, signatures: &Signatures) -> Result<Option<Signed<'k>>, BundleError> {
        let key = match self {
            Verification::Skipped => return Ok(None),
            Verification::NoKey if signatures.is_empty() => return Ok(None),
            Verification::NoKey => {
                return Err(BundleError::new("verification key not provided")
                    .hint("give the key with --verification-key and --signing-alg"));
            }
            Verification::Key(_) if signatures.is_empty() => {
                return Err(BundleError::new("bundle missing .signatures.json file")
                    .hint("`regovm sign` and `regovm build --signing-key` sign bundles"));
            }
            Verification::Key(key) => *key,
        };
        if !matches!(signatures.plugin.as_str(), "" | "_default") {
            return Err(BundleError::new(format!(
                "no verifier exists under id {}",
                signatures.plugin
            )));
        }
        let token = match signatures.tokens.as_deref().unwrap_or_default() {
            [token] => token,
            [] => {
                return Err(BundleError::new(
                    ".signatures.json: missing JWT (expected exactly one)",
                ));
            }
            _ => {
                return Err(BundleError::new(
                    ".signatures.json: multiple JWTs not supported (expected exactly one)",
                ));
            }
        };
        Ok(Some(Signed {
            key,
            files: verify_token(token, key).map_err(BundleError::new)?,
        }))
    }
}

/// The digest of a file, as a signature has it.
struct Digest {
    hash: String,
    algorithm: String,
}

/// Digests that files must have; what is verified leaves.
pub(super) struct Signed<'k> {
    key: &'k VerificationKey,
    files: BTreeMap<String, Digest>,
}

fn decode(part: &str, what: &str) -> Result<Vec<u8>, String> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|error| format!("failed to base64 decode JWT {what}: {error}"))
}

fn verify_token(token: &str, key: &VerificationKey) -> Result<BTreeMap<String, Digest>, String> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        return Err("failed to split compact JWT: invalid number of segments".to_owned());
    };
    let bytes = decode(payload, "payload")?;
    let arena = Arena::new();
    let claims =
        json::read(&bytes, &arena, ReadOptions::default()).map_err(|error| error.message)?;
    let signature = decode(signature, "signature")?;
    let message = format!("{header}.{payload}");
    support::verify(&key.algorithm, &key.key, message.as_bytes(), &signature)?;
    let text = |value: Value<'_>, name: &str| {
        value
            .get_str(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    if text(claims, "scope") != key.scope {
        return Err("scope mismatch".to_owned());
    }
    let files = claims.get_str("files").and_then(Value::as_array);
    let files = files.into_iter().flat_map(|files| files.iter());
    Ok(files
        .map(|file| {
            let digest = Digest {
                hash: text(file, "hash"),
                algorithm: text(file, "algorithm"),
            };
            (text(file, "name"), digest)
        })
        .collect())
}

impl Signed<'_> {
    pub(super) fn verify(&mut self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        let found = self.files.remove(name);
        if self
            .key
            .exclude
            .iter()
            .any(|pattern| paths::matches(pattern, name))
        {
            return Ok(());
        }
        let failed = |reason: String| Err(BundleError::new(reason));
        let Some(wanted) = found else {
            return failed(format!("file {name} not included in bundle signature"));
        };
        if wanted.algorithm.is_empty() {
            return failed(format!("no hashing algorithm provided for file {name}"));
        }
        let got = digest(&wanted.algorithm, name, bytes).map_err(BundleError::new)?;
        if !got.eq_ignore_ascii_case(&wanted.hash) {
            return failed(format!(
                "{name}: digest mismatch (want: {}, got: {got})",
                wanted.hash.to_ascii_lowercase()
            ));
        }
        Ok(())
    }

    /// Files that the signature has and the bundle has not are an error.
    pub(super) fn finish(self) -> Result<(), BundleError> {
        if self.files.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = self.files.keys().map(String::as_str).collect();
        Err(BundleError::new(format!(
            "file(s) [{}] specified in bundle signatures but not found in the target bundle",
            names.join(" ")
        )))
    }
}

/// The digest of a file in hexadecimal. Of files that have a structure it is that of what they say, however it is laid
/// out.
fn digest(algorithm: &str, name: &str, bytes: &[u8]) -> Result<String, String> {
    let structured;
    let bytes = if is_data(name) || paths::base(name) == ".manifest" {
        let arena = Arena::new();
        let value = super::data::read(name, bytes, &arena)?;
        structured = json::to_string(value, Style::Compact);
        structured.as_bytes()
    } else {
        bytes
    };
    let digest = support::digest(algorithm, bytes)
        .ok_or_else(|| format!("unsupported hashing algorithm: {algorithm}"))?;
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A key that signs.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// A secret, or a private key in PEM.
    pub key: String,
    /// `RS256` and the like.
    pub algorithm: String,
    /// The text of a JSON object with more claims.
    pub claims: Option<String>,
    /// The name that the token calls the key by; empty if by none.
    pub id: String,
}

const HASH: &str = "SHA-256";

/// Signs files by the names that they have: what `opa sign` writes.
///
/// # Errors
/// The key is none for its algorithm, the claims are no object, or a file that has a structure does not read.
pub fn sign_files(
    files: &[File],
    key: &SigningKey,
    host: &mut dyn Host,
) -> Result<Signatures, BundleError> {
    let digests: Result<Vec<String>, String> = files
        .iter()
        .filter(|file| !read::is_signatures(&file.path))
        .map(|file| {
            let name = file.path.trim_start_matches('/');
            let hash = digest(HASH, name, &file.bytes)?;
            let name = marshal(&serde_json::Value::String(name.to_owned()));
            Ok(format!(
                "{{\"name\":{name},\"hash\":\"{hash}\",\"algorithm\":\"{HASH}\"}}"
            ))
        })
        .collect();
    let token = digests
        .and_then(|digests| token(&digests, key, host))
        .map_err(BundleError::new)?;
    Ok(Signatures {
        tokens: Some(vec![token]),
        plugin: String::new(),
    })
}

fn token(digests: &[String], key: &SigningKey, host: &mut dyn Host) -> Result<String, String> {
    let files = format!("[{}]", digests.join(","));
    let mut claims = BTreeMap::from([("files".to_owned(), files)]);
    match &key.claims {
        Some(text) => {
            let arena = Arena::new();
            let more = json::read(text.as_bytes(), &arena, ReadOptions::default())
                .map_err(|error| error.message)?;
            let more = more.as_object().ok_or_else(|| {
                "json: cannot unmarshal claims into Go value of type map[string]interface {}"
                    .to_owned()
            })?;
            for (name, value) in more.iter() {
                let name = name.as_str().unwrap_or_default().to_owned();
                claims.insert(name, json::to_string(value, Style::Marshal));
            }
        }
        None if !key.id.is_empty() => {
            let id = marshal(&serde_json::Value::String(key.id.clone()));
            claims.insert("keyid".to_owned(), id);
        }
        None => {}
    }
    let claims: Vec<String> = claims
        .iter()
        .map(|(name, value)| {
            format!(
                "{}:{value}",
                marshal(&serde_json::Value::String(name.clone()))
            )
        })
        .collect();
    let mut header = serde_json::Map::new();
    header.insert("alg".into(), key.algorithm.clone().into());
    if !key.id.is_empty() {
        header.insert("kid".into(), key.id.clone().into());
    }
    header.insert("typ".into(), "JWT".into());
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(marshal(&serde_json::Value::Object(header))),
        URL_SAFE_NO_PAD.encode(format!("{{{}}}", claims.join(",")))
    );
    let signature = support::sign(&key.algorithm, &key.key, message.as_bytes(), host)?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

impl Bundle {
    /// Signs everything that [`Bundle::write`] writes.
    ///
    /// # Errors
    /// As [`sign_files`].
    pub fn sign(&mut self, key: &SigningKey, host: &mut dyn Host) -> Result<(), BundleError> {
        self.signatures = Signatures::default();
        let mut files = self.files();
        // The order that OPA has in its tokens: policies, then data.
        files.sort_by_key(|file| !file.path.ends_with(".rego"));
        self.signatures = Signatures {
            plugin: "_default".to_owned(),
            ..sign_files(&files, key, host)?
        };
        Ok(())
    }
}
