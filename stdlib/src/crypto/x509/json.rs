//! Certificates, requests and keys as OPA shows them: Go's structures as JSON.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use num_bigint::{BigInt, BigUint};
use regovm_core::builtin::BuiltinError;
use regovm_core::value::{Arena, Value};

use super::certificate::Certificate;
use super::extensions::{AlternativeNames, BasicConstraints, Extension, Network, Subtrees};
use super::names::{Attribute, AttributeValue, LISTS, Name, SINGLES};
use super::oid::{Oid, dotted};
use super::private_key::ParsedKey;
use super::public_key::SubjectKey;
use super::request::Request;
use super::time::Moment;
use crate::go::url::Url;
use crate::keys::{Curve, EcPublicKey, PrivateKey, RsaPrivateKey};
use crate::operand::failed;

/// Makes values of what Go's JSON has.
#[derive(Clone, Copy)]
pub(super) struct Json<'a>(pub(super) &'a Arena);

type Shown<'a> = Result<Value<'a>, BuiltinError>;

/// The bytes as text; every byte that belongs to no character becomes U+FFFD.
fn lossy(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    out
}

impl<'a> Json<'a> {
    fn object(self, members: &[(&str, Value<'a>)]) -> Value<'a> {
        let pairs = members
            .iter()
            .map(|(name, value)| (self.0.string(name), *value));
        self.0.object_from(pairs)
    }

    fn text(self, text: &str) -> Value<'a> {
        self.0.string(text)
    }

    fn bytes(self, bytes: &[u8]) -> Value<'a> {
        self.0.string(&STANDARD.encode(bytes))
    }

    fn optional_bytes(self, bytes: Option<&[u8]>) -> Value<'a> {
        bytes.map_or(Value::NULL, |bytes| self.bytes(bytes))
    }

    fn natural(self, n: &BigUint) -> Value<'a> {
        self.0.bigint(&BigInt::from(n.clone()))
    }

    /// A number as the bytes of a coordinate.
    fn coordinate(self, bytes: &[u8]) -> Value<'a> {
        self.natural(&BigUint::from_bytes_be(bytes))
    }

    /// A list; one without elements is null, as a list in Go that was never filled.
    fn list(self, elements: impl IntoIterator<Item = Value<'a>>) -> Value<'a> {
        let mut elements = elements.into_iter().peekable();
        match elements.peek() {
            Some(_) => self.0.array_from(elements),
            None => Value::NULL,
        }
    }

    fn try_list(self, elements: impl Iterator<Item = Shown<'a>>) -> Shown<'a> {
        let elements = elements.collect::<Result<Vec<_>, _>>()?;
        Ok(self.list(elements))
    }

    fn texts<'t>(self, texts: impl IntoIterator<Item = &'t str>) -> Value<'a> {
        self.list(texts.into_iter().map(|text| self.text(text)))
    }

    fn lossy_texts(self, texts: &[&[u8]]) -> Value<'a> {
        self.list(texts.iter().map(|text| self.text(&lossy(text))))
    }

    fn oid(self, oid: &Oid) -> Value<'a> {
        let parts = oid.parts().iter();
        self.0
            .array_from(parts.map(|part| self.0.integer(i64::from(*part))))
    }

    fn oids(self, oids: &[Oid]) -> Value<'a> {
        self.list(oids.iter().map(|oid| self.oid(oid)))
    }

    fn time(self, moment: Moment) -> Shown<'a> {
        let text = moment.text();
        let text = text.map_err(|why| {
            failed(format!(
                "json: error calling MarshalJSON for type time.Time: {why}"
            ))
        })?;
        Ok(self.text(&text))
    }

    fn name(self, name: &Name) -> Shown<'a> {
        let mut members = Vec::new();
        for (member, kind) in LISTS {
            members.push((member, self.texts(name.texts(kind))));
        }
        for (member, kind) in SINGLES {
            members.push((member, self.text(name.texts(kind).last().unwrap_or(""))));
        }
        members.push(("Names", self.attributes(&name.0)?));
        members.push(("ExtraNames", Value::NULL));
        Ok(self.object(&members))
    }

    fn attributes(self, attributes: &[Attribute]) -> Shown<'a> {
        self.try_list(attributes.iter().map(|attribute| {
            let value = self.attribute_value(&attribute.value)?;
            let kind = self.oid(&attribute.kind);
            Ok(self.object(&[("Type", kind), ("Value", value)]))
        }))
    }

    fn attribute_value(self, value: &AttributeValue) -> Shown<'a> {
        Ok(match value {
            AttributeValue::Text(text) => self.text(text),
            AttributeValue::Boolean(value) => Value::boolean(*value),
            AttributeValue::Integer(n) => self.0.integer(*n),
            AttributeValue::Bits { bytes, len } => {
                let len = self.0.integer(i64::try_from(*len).unwrap_or(i64::MAX));
                self.object(&[("Bytes", self.bytes(bytes)), ("BitLength", len)])
            }
            AttributeValue::Bytes(bytes) => self.bytes(bytes),
            AttributeValue::Oid(oid) => self.oid(oid),
            AttributeValue::Time(moment) => self.time(*moment)?,
            AttributeValue::Unread => Value::NULL,
        })
    }

    fn extensions(self, extensions: &[Extension<'_>]) -> Value<'a> {
        self.list(extensions.iter().map(|extension| {
            self.object(&[
                ("Id", self.oid(&extension.oid)),
                ("Critical", Value::boolean(extension.critical)),
                ("Value", self.bytes(extension.value)),
            ])
        }))
    }

    fn url(self, url: &Url) -> Value<'a> {
        // What is in the user part is not shown.
        let user = match url.user {
            Some(_) => self.object(&[]),
            None => Value::NULL,
        };
        self.object(&[
            ("Scheme", self.text(&url.scheme)),
            ("Opaque", self.text(&url.opaque)),
            ("User", user),
            ("Host", self.text(&lossy(&url.host))),
            ("Path", self.text(&lossy(&url.path))),
            ("RawPath", self.text(&url.raw_path)),
            ("RawQuery", self.text(&url.query)),
            ("ForceQuery", Value::boolean(url.force_query)),
            ("Fragment", self.text(&lossy(&url.fragment))),
            ("RawFragment", self.text(&url.raw_fragment)),
            ("OmitHost", Value::boolean(url.omit_host)),
        ])
    }

    fn alternative_names(self, names: &AlternativeNames<'_>) -> [(&'static str, Value<'a>); 4] {
        let address = |address: &std::net::IpAddr| self.text(&address.to_canonical().to_string());
        [
            ("DNSNames", self.texts(names.dns.iter().copied())),
            ("EmailAddresses", self.texts(names.emails.iter().copied())),
            (
                "IPAddresses",
                self.list(names.addresses.iter().map(address)),
            ),
            (
                "URIs",
                self.list(names.urls.iter().map(|url| self.url(url))),
            ),
        ]
    }

    fn networks(self, networks: &[Network]) -> Value<'a> {
        self.list(networks.iter().map(|network| {
            let (address, mask) = match network {
                Network::V4(address, mask) => (std::net::IpAddr::from(*address), self.bytes(mask)),
                Network::V6(address, mask) => (std::net::IpAddr::from(*address), self.bytes(mask)),
            };
            let address = self.text(&address.to_canonical().to_string());
            self.object(&[("IP", address), ("Mask", mask)])
        }))
    }

    fn subtrees(
        self,
        names: [&'static str; 4],
        subtrees: &Subtrees,
    ) -> [(&'static str, Value<'a>); 4] {
        let texts = |texts: &[String]| self.texts(texts.iter().map(String::as_str));
        let [dns, networks, emails, domains] = names;
        [
            (dns, texts(&subtrees.dns)),
            (networks, self.networks(&subtrees.networks)),
            (emails, texts(&subtrees.emails)),
            (domains, texts(&subtrees.url_domains)),
        ]
    }

    fn key(self, key: Option<&SubjectKey>) -> Value<'a> {
        match key {
            None => Value::NULL,
            Some(SubjectKey::Rsa(key)) => self.object(&[
                ("N", self.natural(&key.modulus)),
                ("E", self.0.unsigned(key.exponent)),
            ]),
            Some(SubjectKey::Ec(key)) => self.object(&self.point(key)),
            Some(SubjectKey::Ed25519(key)) => self.bytes(key),
            Some(SubjectKey::Dsa { p, q, g, y }) => self.object(&[
                ("P", self.natural(p)),
                ("Q", self.natural(q)),
                ("G", self.natural(g)),
                ("Y", self.natural(y)),
            ]),
        }
    }

    fn point(self, key: &EcPublicKey) -> [(&'static str, Value<'a>); 3] {
        let (x, y) = key.coordinates();
        [
            // Nothing of a curve is public in Go.
            ("Curve", self.object(&[])),
            ("X", self.coordinate(x)),
            ("Y", self.coordinate(y)),
        ]
    }

    /// A certificate; with `URIStrings` where OPA adds them.
    pub(super) fn certificate(self, certificate: &Certificate<'_>, url_texts: bool) -> Shown<'a> {
        let details = &certificate.details;
        let integer = |n: i64| self.0.integer(n);
        let basic = details.basic.unwrap_or(BasicConstraints {
            is_ca: false,
            max_path_len: 0,
        });
        let limited = details.basic.is_some() && basic.max_path_len == 0;
        let mut members = vec![
            ("Raw", self.bytes(certificate.raw)),
            ("RawTBSCertificate", self.bytes(certificate.raw_signed)),
            ("RawSubjectPublicKeyInfo", self.bytes(certificate.raw_key)),
            ("RawSubject", self.bytes(certificate.raw_subject)),
            ("RawIssuer", self.bytes(certificate.raw_issuer)),
            ("Signature", self.bytes(&certificate.signature)),
            (
                "SignatureAlgorithm",
                integer(certificate.signature_algorithm as i64),
            ),
            (
                "PublicKeyAlgorithm",
                integer(certificate.key_algorithm as i64),
            ),
            ("PublicKey", self.key(certificate.key.as_ref())),
            ("Version", integer(certificate.version)),
            ("SerialNumber", self.0.bigint(&certificate.serial)),
            ("Issuer", self.name(&certificate.issuer)?),
            ("Subject", self.name(&certificate.subject)?),
            ("NotBefore", self.time(certificate.not_before)?),
            ("NotAfter", self.time(certificate.not_after)?),
            ("KeyUsage", integer(details.key_usage)),
            ("Extensions", self.extensions(&certificate.extensions)),
            ("ExtraExtensions", Value::NULL),
            (
                "UnhandledCriticalExtensions",
                self.oids(&details.unhandled_critical),
            ),
            (
                "ExtKeyUsage",
                self.list(details.purposes.iter().map(|n| integer(*n as i64))),
            ),
            ("UnknownExtKeyUsage", self.oids(&details.unknown_purposes)),
            (
                "BasicConstraintsValid",
                Value::boolean(details.basic.is_some()),
            ),
            ("IsCA", Value::boolean(basic.is_ca)),
            ("MaxPathLen", integer(basic.max_path_len)),
            ("MaxPathLenZero", Value::boolean(limited)),
            ("SubjectKeyId", self.optional_bytes(details.subject_key_id)),
            (
                "AuthorityKeyId",
                self.optional_bytes(details.authority_key_id),
            ),
            ("OCSPServer", self.lossy_texts(&details.ocsp_servers)),
            (
                "IssuingCertificateURL",
                self.lossy_texts(&details.issuing_urls),
            ),
            (
                "CRLDistributionPoints",
                self.lossy_texts(&details.distribution_points),
            ),
        ];
        members.extend(self.alternative_names(&details.names));
        self.push_constraints(&mut members, certificate);
        self.push_policies(&mut members, certificate);
        if url_texts {
            let texts = details.names.urls.iter().map(Url::to_string);
            let texts = self.list(texts.map(|text| self.text(&text)));
            members.push(("URIStrings", texts));
        }
        Ok(self.object(&members))
    }

    fn push_constraints(
        self,
        members: &mut Vec<(&'static str, Value<'a>)>,
        certificate: &Certificate<'_>,
    ) {
        let none = Default::default();
        let constraints = certificate.details.constraints.as_ref().unwrap_or(&none);
        members.push((
            "PermittedDNSDomainsCritical",
            Value::boolean(constraints.critical),
        ));
        let permitted = [
            "PermittedDNSDomains",
            "PermittedIPRanges",
            "PermittedEmailAddresses",
            "PermittedURIDomains",
        ];
        members.extend(self.subtrees(permitted, &constraints.permitted));
        let excluded = [
            "ExcludedDNSDomains",
            "ExcludedIPRanges",
            "ExcludedEmailAddresses",
            "ExcludedURIDomains",
        ];
        members.extend(self.subtrees(excluded, &constraints.excluded));
    }

    fn push_policies(
        self,
        members: &mut Vec<(&'static str, Value<'a>)>,
        certificate: &Certificate<'_>,
    ) {
        let details = &certificate.details;
        let policies = details.policies.as_deref().unwrap_or_default();
        let short = policies.iter().filter_map(|policy| Oid::read(policy));
        let identifiers = match details.policies {
            Some(_) => self.0.array_from(short.map(|oid| self.oid(&oid))),
            None => Value::NULL,
        };
        let policy = |policy: &[u8]| self.text(&dotted(policy));
        let mappings = details.policy_mappings.iter().map(|(issuer, subject)| {
            self.object(&[
                ("IssuerDomainPolicy", policy(issuer)),
                ("SubjectDomainPolicy", policy(subject)),
            ])
        });
        members.extend([
            ("PolicyIdentifiers", identifiers),
            ("Policies", self.list(policies.iter().map(|p| policy(p)))),
            ("PolicyMappings", self.list(mappings)),
        ]);
        let limits = [
            (
                ["InhibitAnyPolicy", "InhibitAnyPolicyZero"],
                details.inhibit_any_policy,
            ),
            (
                ["InhibitPolicyMapping", "InhibitPolicyMappingZero"],
                details.inhibit_policy_mapping,
            ),
            (
                ["RequireExplicitPolicy", "RequireExplicitPolicyZero"],
                details.require_explicit_policy,
            ),
        ];
        for ([member, zero], limit) in limits {
            members.push((member, self.0.integer(limit.unwrap_or(0))));
            members.push((zero, Value::boolean(limit == Some(0))));
        }
    }

    pub(super) fn request(self, request: &Request<'_>) -> Shown<'a> {
        let attributes = self.try_list(request.attributes.iter().map(|attribute| {
            let values = attribute.values.iter().map(|pairs| match pairs.as_slice() {
                [] => Ok(self.0.array(&[])),
                pairs => self.attributes(pairs),
            });
            let values = values.collect::<Result<Vec<_>, _>>()?;
            let kind = self.oid(&attribute.kind);
            Ok(self.object(&[("Type", kind), ("Value", self.0.array(&values))]))
        }))?;
        let mut members = vec![
            ("Raw", self.bytes(request.raw)),
            ("RawTBSCertificateRequest", self.bytes(request.raw_signed)),
            ("RawSubjectPublicKeyInfo", self.bytes(request.raw_key)),
            ("RawSubject", self.bytes(request.raw_subject)),
            ("Version", self.0.integer(request.version)),
            ("Signature", self.bytes(&request.signature)),
            (
                "SignatureAlgorithm",
                self.0.integer(request.signature_algorithm as i64),
            ),
            (
                "PublicKeyAlgorithm",
                self.0.integer(request.key_algorithm as i64),
            ),
            ("PublicKey", self.key(request.key.as_ref())),
            ("Subject", self.name(&request.subject)?),
            ("Attributes", attributes),
            ("Extensions", self.extensions(&request.extensions)),
            ("ExtraExtensions", Value::NULL),
        ];
        members.extend(self.alternative_names(&request.names));
        Ok(self.object(&members))
    }

    /// Certificates and key as a TLS server has them.
    pub(super) fn key_pair(
        self,
        certificates: &[Vec<u8>],
        leaf: &Certificate<'_>,
        key: &PrivateKey,
    ) -> Shown<'a> {
        let certificates = certificates.iter().map(|bytes| self.bytes(bytes));
        Ok(self.object(&[
            ("Certificate", self.0.array_from(certificates)),
            ("PrivateKey", self.signing_key(key)),
            ("SupportedSignatureAlgorithms", Value::NULL),
            ("OCSPStaple", Value::NULL),
            ("SignedCertificateTimestamps", Value::NULL),
            ("Leaf", self.certificate(leaf, false)?),
        ]))
    }

    pub(super) fn private_key(self, key: &ParsedKey) -> Value<'a> {
        match key {
            ParsedKey::Signing(key) => self.signing_key(key),
            ParsedKey::X25519(_) => self.object(&[]),
        }
    }

    fn signing_key(self, key: &PrivateKey) -> Value<'a> {
        match key {
            PrivateKey::Rsa(key) => self.rsa_key(key),
            PrivateKey::Ec(key) => {
                let mut members = self.point(&key.public).to_vec();
                members.push(("D", self.coordinate(&key.scalar)));
                self.object(&members)
            }
            PrivateKey::Ed25519(seed) => self.bytes(&[*seed, ed25519_public(seed)].concat()),
        }
    }

    fn rsa_key(self, key: &RsaPrivateKey) -> Value<'a> {
        let [dp, dq, inverse] = key.precomputed();
        let primes = key.primes.iter().map(|prime| self.natural(prime));
        let others = key.primes.iter().skip(2).enumerate().map(|(i, prime)| {
            let before: BigUint = key.primes.iter().take(i + 2).product();
            let exponent = &key.exponent % (prime - 1_u32);
            let coefficient = before.modinv(prime).unwrap_or_default();
            self.object(&[
                ("Exp", self.natural(&exponent)),
                ("Coeff", self.natural(&coefficient)),
                ("R", self.natural(&before)),
            ])
        });
        let precomputed = self.object(&[
            ("Dp", self.natural(&dp)),
            ("Dq", self.natural(&dq)),
            ("Qinv", self.natural(&inverse)),
            ("CRTValues", self.0.array_from(others)),
        ]);
        self.object(&[
            ("N", self.natural(&key.public.modulus)),
            ("E", self.0.unsigned(key.public.exponent)),
            ("D", self.natural(&key.exponent)),
            ("Primes", self.0.array_from(primes)),
            ("Precomputed", precomputed),
        ])
    }

    /// The key as a JSON Web Key.
    pub(super) fn web_key(self, key: &ParsedKey) -> Shown<'a> {
        let bytes = |bytes: &[u8]| self.text(&URL_SAFE_NO_PAD.encode(bytes));
        let kind = |kind: &str| ("kty", self.text(kind));
        let pair = |curve: &str, d: &[u8], x: &[u8]| {
            let curve = ("crv", self.text(curve));
            self.object(&[kind("OKP"), curve, ("d", bytes(d)), ("x", bytes(x))])
        };
        Ok(match key {
            ParsedKey::Signing(PrivateKey::Rsa(key)) => {
                let number = |n: &BigUint| bytes(&n.to_bytes_be());
                let [dp, dq, inverse] = key.precomputed();
                let mut members = vec![
                    kind("RSA"),
                    ("n", number(&key.public.modulus)),
                    ("e", number(&BigUint::from(key.public.exponent))),
                    ("d", number(&key.exponent)),
                    ("dp", number(&dp)),
                    ("dq", number(&dq)),
                    ("qi", number(&inverse)),
                ];
                members.extend(["p", "q"].into_iter().zip(key.primes.iter().map(number)));
                self.object(&members)
            }
            ParsedKey::Signing(PrivateKey::Ec(key)) if key.public.curve == Curve::P224 => {
                return Err(failed(
                    "failed to initialize *jwk.ecdsaPrivateKey from *ecdsa.PrivateKey: jwk: failed to get algorithm for converting ECDSA private key to JWK: unknown elliptic curve: P-224",
                ));
            }
            ParsedKey::Signing(PrivateKey::Ec(key)) => {
                let (x, y) = key.public.coordinates();
                self.object(&[
                    kind("EC"),
                    ("crv", self.text(key.public.curve.name())),
                    ("d", bytes(&key.scalar)),
                    ("x", bytes(x)),
                    ("y", bytes(y)),
                ])
            }
            ParsedKey::Signing(PrivateKey::Ed25519(seed)) => {
                pair("Ed25519", seed, &ed25519_public(seed))
            }
            ParsedKey::X25519(number) => pair("X25519", number, &x25519_public(number)),
        })
    }
}

fn ed25519_public(seed: &[u8; 32]) -> [u8; 32] {
    match PrivateKey::Ed25519(*seed).public() {
        crate::keys::PublicKey::Ed25519(key) => key,
        _ => [0; 32],
    }
}

fn x25519_public(number: &[u8; 32]) -> [u8; 32] {
    curve25519_dalek::MontgomeryPoint::mul_base_clamped(*number).to_bytes()
}
