//! Certificates, as Go reads them.

use std::borrow::Cow;
use std::collections::HashSet;

use num_bigint::{BigInt, Sign};

use super::algorithm::{AlgorithmIdentifier, KeyAlgorithm, SignatureAlgorithm, sequence};
use super::der::{Der, tag};
use super::extensions::{Details, Extension};
use super::names::Name;
use super::public_key::SubjectKey;
use super::time::Moment;

/// A certificate with its parts.
#[derive(Clone, Debug)]
pub(super) struct Certificate<'d> {
    pub(super) raw: &'d [u8],
    pub(super) raw_signed: &'d [u8],
    pub(super) raw_key: &'d [u8],
    pub(super) raw_subject: &'d [u8],
    pub(super) raw_issuer: &'d [u8],
    pub(super) signature: Cow<'d, [u8]>,
    pub(super) signature_algorithm: SignatureAlgorithm,
    pub(super) key_algorithm: KeyAlgorithm,
    pub(super) key: Option<SubjectKey>,
    /// From 1.
    pub(super) version: i64,
    pub(super) serial: BigInt,
    pub(super) issuer: Name,
    pub(super) subject: Name,
    pub(super) not_before: Moment,
    pub(super) not_after: Moment,
    pub(super) extensions: Vec<Extension<'d>>,
    pub(super) details: Details<'d>,
}

/// All certificates of a text of DER, one directly after the other.
pub(super) fn certificates(mut bytes: &[u8]) -> Result<Vec<Certificate<'_>>, String> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (certificate, rest) = Certificate::first(bytes)?;
        found.push(certificate);
        bytes = rest;
    }
    Ok(found)
}

impl<'d> Certificate<'d> {
    /// The certificate that is all of the bytes.
    pub(super) fn only(bytes: &'d [u8]) -> Result<Certificate<'d>, String> {
        match Certificate::first(bytes)? {
            (certificate, []) => Ok(certificate),
            _ => Err("x509: trailing data".to_owned()),
        }
    }

    /// The first certificate and what follows it.
    fn first(bytes: &'d [u8]) -> Result<(Certificate<'d>, &'d [u8]), String> {
        let malformed = |what: &str| format!("x509: malformed {what}");
        let outer = Der::new(bytes).element(tag::SEQUENCE);
        let outer = outer.ok_or_else(|| malformed("certificate"))?;
        let mut der = Der::new(outer.content);
        let signed = der.element(tag::SEQUENCE);
        let signed = signed.ok_or_else(|| malformed("tbs certificate"))?;
        let mut body = Der::new(signed.content);

        let version = version(&mut body).ok_or_else(|| malformed("version"))?;
        if version > 3 {
            return Err("x509: invalid version".to_owned());
        }
        let serial = body.big().ok_or_else(|| malformed("serial number"))?;
        if serial.sign() == Sign::Minus {
            return Err("x509: negative serial number".to_owned());
        }
        let algorithm = body.content(tag::SEQUENCE);
        let algorithm = algorithm.ok_or_else(|| malformed("signature algorithm identifier"))?;
        let outer_algorithm = der.content(tag::SEQUENCE);
        if algorithm != outer_algorithm.ok_or_else(|| malformed("algorithm identifier"))? {
            return Err(
                "x509: inner and outer signature algorithm identifiers don't match".to_owned(),
            );
        }
        let algorithm = AlgorithmIdentifier::read(Der::new(algorithm))?;

        let raw_issuer = body.element(tag::SEQUENCE);
        let raw_issuer = raw_issuer.ok_or_else(|| malformed("issuer"))?.whole;
        let issuer = Name::read(Der::new(raw_issuer))?;
        let validity = body.inside(tag::SEQUENCE);
        let mut validity = validity.ok_or_else(|| malformed("validity"))?;
        let mut time = || validity.time().map_err(|why| format!("x509: {why}"));
        let (not_before, not_after) = (time()?, time()?);
        // Go says issuer here too.
        let raw_subject = body.element(tag::SEQUENCE);
        let raw_subject = raw_subject.ok_or_else(|| malformed("issuer"))?.whole;
        let subject = Name::read(Der::new(raw_subject))?;

        let key_info = body.element(tag::SEQUENCE);
        let key_info = key_info.ok_or_else(|| malformed("spki"))?;
        let mut inner = Der::new(key_info.content);
        let key_algorithm = sequence(&mut inner);
        let key_algorithm =
            key_algorithm.ok_or_else(|| malformed("public key algorithm identifier"))?;
        let key_algorithm = AlgorithmIdentifier::read(key_algorithm)?;
        let bits = inner.bits().ok_or_else(|| malformed("subjectPublicKey"))?;
        let key = SubjectKey::read(&key_algorithm, bits)?;

        let extensions = extensions(version, &mut body)?;
        let details = Details::read(&extensions)?;
        let signature = der.bits().ok_or_else(|| malformed("signature"))?;
        let certificate = Certificate {
            raw: outer.whole,
            raw_signed: signed.whole,
            raw_key: key_info.whole,
            raw_subject,
            raw_issuer,
            signature: signature.aligned(),
            signature_algorithm: algorithm.signature(),
            key_algorithm: key_algorithm.key(),
            key,
            version,
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            extensions,
            details,
        };
        Ok((
            certificate,
            bytes.get(outer.whole.len()..).unwrap_or_default(),
        ))
    }

    /// The value of the extension `2.5.29.kind`.
    pub(super) fn extension(&self, kind: u32) -> Option<&'d [u8]> {
        let found = |extension: &&Extension<'d>| extension.oid.is(&[2, 5, 29, kind]);
        self.extensions.iter().find(found).map(|found| found.value)
    }
}

/// The version counted from 1; it is written only if it is not the first.
fn version(body: &mut Der<'_>) -> Option<i64> {
    let version = match body.optional(tag::constructed(0))? {
        Some(content) => {
            let mut inner = Der::new(content);
            inner.integer().filter(|_| inner.is_empty())?
        }
        None => 0,
    };
    (version >= 0).then(|| version.saturating_add(1))
}

fn extensions<'d>(version: i64, body: &mut Der<'d>) -> Result<Vec<Extension<'d>>, String> {
    let malformed = |what: &str| format!("x509: malformed {what}");
    let mut found = Vec::new();
    if version == 1 {
        return Ok(found);
    }
    for (n, name) in [(1, "issuerUniqueID"), (2, "subjectUniqueID")] {
        let skipped = body.optional(tag::context(n));
        skipped.ok_or_else(|| malformed(name))?;
    }
    if version == 2 {
        return Ok(found);
    }
    let list = body.optional(tag::constructed(3));
    let Some(list) = list.ok_or_else(|| malformed("extensions"))? else {
        return Ok(found);
    };
    let list = Der::new(list).inside(tag::SEQUENCE);
    let mut list = list.ok_or_else(|| malformed("extensions"))?;
    let mut seen = HashSet::new();
    while !list.is_empty() {
        let extension = list.inside(tag::SEQUENCE);
        let extension = Extension::read(extension.ok_or_else(|| malformed("extension"))?)?;
        if !seen.insert(extension.oid.clone()) {
            return Err(format!(
                "x509: certificate contains duplicate extension with OID \"{}\"",
                extension.oid
            ));
        }
        found.push(extension);
    }
    Ok(found)
}
