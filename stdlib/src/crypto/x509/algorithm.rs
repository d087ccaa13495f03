//! Algorithms of keys and signatures by their identifiers.

use super::der::{Der, tag};
use super::oid::Oid;
use super::unmarshal::{Field, Fields, Shape};
use crate::keys::{Hash, Scheme};

/// An identifier and its parameters.
#[derive(Clone, Debug)]
pub(super) struct AlgorithmIdentifier<'d> {
    pub(super) oid: Oid,
    /// With tag and length; empty if there are none.
    pub(super) parameters: &'d [u8],
}

/// What a signature says how it was made; the numbers are Go's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SignatureAlgorithm {
    Unknown = 0,
    Md5WithRsa = 2,
    Sha1WithRsa = 3,
    Sha256WithRsa = 4,
    Sha384WithRsa = 5,
    Sha512WithRsa = 6,
    DsaWithSha1 = 7,
    DsaWithSha256 = 8,
    EcdsaWithSha1 = 9,
    EcdsaWithSha256 = 10,
    EcdsaWithSha384 = 11,
    EcdsaWithSha512 = 12,
    Sha256WithRsaPss = 13,
    Sha384WithRsaPss = 14,
    Sha512WithRsaPss = 15,
    Ed25519 = 16,
}

use SignatureAlgorithm as S;

const SIGNATURES: [(&[u32], SignatureAlgorithm); 13] = [
    (&[1, 2, 840, 113_549, 1, 1, 4], S::Md5WithRsa),
    (&[1, 2, 840, 113_549, 1, 1, 5], S::Sha1WithRsa),
    (&[1, 3, 14, 3, 2, 29], S::Sha1WithRsa),
    (&[1, 2, 840, 113_549, 1, 1, 11], S::Sha256WithRsa),
    (&[1, 2, 840, 113_549, 1, 1, 12], S::Sha384WithRsa),
    (&[1, 2, 840, 113_549, 1, 1, 13], S::Sha512WithRsa),
    (&[1, 2, 840, 10040, 4, 3], S::DsaWithSha1),
    (&[2, 16, 840, 1, 101, 3, 4, 3, 2], S::DsaWithSha256),
    (&[1, 2, 840, 10045, 4, 1], S::EcdsaWithSha1),
    (&[1, 2, 840, 10045, 4, 3, 2], S::EcdsaWithSha256),
    (&[1, 2, 840, 10045, 4, 3, 3], S::EcdsaWithSha384),
    (&[1, 2, 840, 10045, 4, 3, 4], S::EcdsaWithSha512),
    (&[1, 3, 101, 112], S::Ed25519),
];

const RSA_PSS: &[u32] = &[1, 2, 840, 113_549, 1, 1, 10];
const MGF1: &[u32] = &[1, 2, 840, 113_549, 1, 1, 8];

/// Hashes of RSA-PSS, and how long their salts are.
const PSS: [(&[u32], i64, SignatureAlgorithm); 3] = [
    (&[2, 16, 840, 1, 101, 3, 4, 2, 1], 32, S::Sha256WithRsaPss),
    (&[2, 16, 840, 1, 101, 3, 4, 2, 2], 48, S::Sha384WithRsaPss),
    (&[2, 16, 840, 1, 101, 3, 4, 2, 3], 64, S::Sha512WithRsaPss),
];

impl<'d> AlgorithmIdentifier<'d> {
    /// What is in the sequence of a certificate.
    pub(super) fn read(mut der: Der<'d>) -> Result<AlgorithmIdentifier<'d>, String> {
        let oid = der.oid().ok_or("x509: malformed OID")?;
        let parameters = if der.is_empty() {
            &[]
        } else {
            der.any().ok_or("x509: malformed parameters")?.whole
        };
        Ok(AlgorithmIdentifier { oid, parameters })
    }

    /// What is in the sequence of other structures.
    pub(super) fn unmarshal(mut fields: Fields<'d>) -> Result<AlgorithmIdentifier<'d>, String> {
        let oid = fields.oid(&Field::PLAIN)?;
        let parameters = fields.next(&Field::OPTIONAL, Shape::Any)?;
        Ok(AlgorithmIdentifier {
            oid,
            parameters: parameters.map_or(&[], |element| element.whole),
        })
    }

    /// If the parameters are absent or say nothing.
    fn is_bare(&self) -> bool {
        matches!(self.parameters, [] | [5, 0])
    }

    pub(super) fn signature(&self) -> SignatureAlgorithm {
        if self.oid.is(RSA_PSS) {
            return self.pss().unwrap_or(S::Unknown);
        }
        let found = SIGNATURES.iter().find(|(oid, _)| self.oid.is(oid));
        match found.map(|(_, algorithm)| *algorithm) {
            Some(S::Ed25519) if !self.parameters.is_empty() => S::Unknown,
            found => found.unwrap_or(S::Unknown),
        }
    }

    /// The one of the three kinds of RSA-PSS that the parameters spell out.
    fn pss(&self) -> Option<SignatureAlgorithm> {
        let (mut fields, _) = Fields::of_sequence(self.parameters, "pssParameters").ok()?;
        let hash = fields.sequence(&Field::explicit(0), "AlgorithmIdentifier");
        let hash = AlgorithmIdentifier::unmarshal(hash.ok()??).ok()?;
        let mask = fields.sequence(&Field::explicit(1), "AlgorithmIdentifier");
        let mask = AlgorithmIdentifier::unmarshal(mask.ok()??).ok()?;
        let salt = fields.integer(&Field::explicit(2)).ok()??;
        let trailer = fields.integer(&Field::explicit(3).optional()).ok()?;
        let (inner, _) = Fields::of_sequence(mask.parameters, "AlgorithmIdentifier").ok()?;
        let mask_hash = AlgorithmIdentifier::unmarshal(inner).ok()?;
        let usual = hash.is_bare()
            && mask.oid.is(MGF1)
            && mask_hash.oid == hash.oid
            && mask_hash.is_bare()
            && trailer.unwrap_or(1) == 1;
        let kind = PSS
            .iter()
            .find(|(oid, len, _)| hash.oid.is(oid) && salt == *len);
        kind.filter(|_| usual).map(|(_, _, algorithm)| *algorithm)
    }

    pub(super) fn key(&self) -> KeyAlgorithm {
        let found = KEYS.iter().find(|(oid, _)| self.oid.is(oid));
        found.map_or(KeyAlgorithm::Unknown, |(_, algorithm)| *algorithm)
    }
}

impl SignatureAlgorithm {
    /// How a signature of a certificate is checked; `None` for those that Go refuses as too weak or does not know.
    pub(super) fn scheme(self) -> Option<Scheme> {
        Some(match self {
            S::Sha256WithRsa => Scheme::RsaPkcs1(Hash::Sha256),
            S::Sha384WithRsa => Scheme::RsaPkcs1(Hash::Sha384),
            S::Sha512WithRsa => Scheme::RsaPkcs1(Hash::Sha512),
            S::EcdsaWithSha256 => Scheme::EcdsaAsn1(Hash::Sha256),
            S::EcdsaWithSha384 => Scheme::EcdsaAsn1(Hash::Sha384),
            S::EcdsaWithSha512 => Scheme::EcdsaAsn1(Hash::Sha512),
            S::Sha256WithRsaPss => Scheme::RsaPssSalted(Hash::Sha256),
            S::Sha384WithRsaPss => Scheme::RsaPssSalted(Hash::Sha384),
            S::Sha512WithRsaPss => Scheme::RsaPssSalted(Hash::Sha512),
            S::Ed25519 => Scheme::EdDsa,
            _ => return None,
        })
    }
}

/// What a key is for; the numbers are Go's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum KeyAlgorithm {
    Unknown = 0,
    Rsa = 1,
    Dsa = 2,
    Ec = 3,
    Ed25519 = 4,
}

pub(super) const RSA_KEY: &[u32] = &[1, 2, 840, 113_549, 1, 1, 1];
pub(super) const EC_KEY: &[u32] = &[1, 2, 840, 10045, 2, 1];
pub(super) const ED25519_KEY: &[u32] = &[1, 3, 101, 112];
pub(super) const X25519_KEY: &[u32] = &[1, 3, 101, 110];

const KEYS: [(&[u32], KeyAlgorithm); 4] = [
    (RSA_KEY, KeyAlgorithm::Rsa),
    (&[1, 2, 840, 10040, 4, 1], KeyAlgorithm::Dsa),
    (EC_KEY, KeyAlgorithm::Ec),
    (ED25519_KEY, KeyAlgorithm::Ed25519),
];

/// A reader of the sequence in which an algorithm stands.
pub(super) fn sequence<'d>(der: &mut Der<'d>) -> Option<Der<'d>> {
    der.inside(tag::SEQUENCE)
}
