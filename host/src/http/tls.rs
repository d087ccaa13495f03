//! TLS: what is trusted, what the client shows, and errors in Go's words.

use std::sync::Arc;

use regovm_core::host::{HttpFailure, HttpTls, Identity};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct,
    Error, RootCertStore, SignatureScheme,
};

/// Refuses certificates and keys that are none.
pub(super) fn check(tls: &HttpTls) -> Result<(), HttpFailure> {
    let provider = Arc::new(ring::default_provider());
    identities(tls, &provider)?;
    trusted(tls).map(|_| ())
}

/// The configuration for a request.
pub(super) fn config(tls: &HttpTls) -> Result<Arc<ClientConfig>, HttpFailure> {
    let provider = Arc::new(ring::default_provider());
    let identities = identities(tls, &provider)?;
    let own = trusted(tls)?;
    let verifier = Verifier::new(tls, own, provider.clone());
    let setup = |error: Error| HttpFailure::Setup(format!("tls: {error}"));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    // Of several the first counts.
    let mut config = match identities.into_iter().next() {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(setup)?,
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A connection that expects a name.
pub(super) fn connection(
    config: Arc<ClientConfig>,
    name: &str,
    any_name: bool,
) -> Result<ClientConnection, String> {
    let wanted = match ServerName::try_from(name.to_owned()) {
        Ok(wanted) => wanted,
        // The name is not looked at, but there must be one.
        Err(_) if any_name => ServerName::from(std::net::Ipv4Addr::LOCALHOST),
        Err(_) => {
            return Err(format!(
                "tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match {name}"
            ));
        }
    };
    ClientConnection::new(config, wanted).map_err(|error| text(&error))
}

/// The certificates of the request that are trusted.
fn trusted(tls: &HttpTls) -> Result<Vec<CertificateDer<'static>>, HttpFailure> {
    let mut all = Vec::new();
    for roots in &tls.roots {
        let before = all.len();
        let parses = |certificate: &CertificateDer<'_>| {
            x509_parser::parse_x509_certificate(certificate).is_ok()
        };
        let certificates = CertificateDer::pem_slice_iter(&roots.pem).filter_map(Result::ok);
        all.extend(certificates.filter(parses));
        if all.len() == before {
            return Err(HttpFailure::Setup(roots.failure.clone()));
        }
    }
    Ok(all)
}

type ClientIdentity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identities(
    tls: &HttpTls,
    provider: &CryptoProvider,
) -> Result<Vec<ClientIdentity>, HttpFailure> {
    let read = |identity: &Identity| {
        let pair = key_pair(identity, provider);
        pair.map_err(|why| HttpFailure::Setup(format!("{}tls: {why}", identity.context)))
    };
    tls.identities.iter().map(read).collect()
}

fn key_pair(identity: &Identity, provider: &CryptoProvider) -> Result<ClientIdentity, String> {
    let chain = CertificateDer::pem_slice_iter(&identity.certificates).filter_map(Result::ok);
    let chain: Vec<_> = chain.collect();
    if chain.is_empty() {
        return Err("failed to find any PEM data in certificate input".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(&identity.key)
        .map_err(|_| "failed to find any PEM data in key input".to_owned())?;
    let certified = CertifiedKey::from_der(chain.clone(), key.clone_key(), provider);
    match certified {
        Ok(_) => Ok((chain, key)),
        Err(Error::InconsistentKeys(_)) => Err("private key does not match public key".to_owned()),
        Err(_) => Err("failed to parse private key".to_owned()),
    }
}

/// Trusts as Go does: roots, and certificates that are named as roots and are the server's own.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// None if every certificate will do.
    own: Option<Vec<CertificateDer<'static>>>,
    /// None if there are no roots.
    roots: Option<Arc<WebPkiServerVerifier>>,
}

impl Verifier {
    fn new(
        tls: &HttpTls,
        own: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Verifier {
        if tls.skip_verification {
            return Verifier {
                provider,
                own: None,
                roots: None,
            };
        }
        let mut store = RootCertStore::empty();
        if own.is_empty() || tls.system_roots {
            let system = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(system.certs);
        }
        store.add_parsable_certificates(own.iter().cloned());
        let roots = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone());
        Verifier {
            provider,
            own: Some(own),
            // Fails if there are none.
            roots: roots.build().ok(),
        }
    }

    /// Whether the server's certificate is itself one that is trusted.
    fn is_trusted_itself(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let own = self.own.as_deref().unwrap_or_default();
        if !own.iter().any(|one| one == certificate) {
            return Ok(false);
        }
        verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
        let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).map_err(bad)?;
        let validity = parsed.validity();
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now < validity.not_before.timestamp() {
            return Err(CertificateError::NotValidYet.into());
        }
        if now > validity.not_after.timestamp() {
            return Err(CertificateError::Expired.into());
        }
        Ok(true)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.own.is_none() || self.is_trusted_itself(certificate, name, now)? {
            return Ok(ServerCertVerified::assertion());
        }
        match &self.roots {
            Some(roots) => roots.verify_server_cert(certificate, intermediates, name, ocsp, now),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// The text of an error, as Go writes it.
pub(super) fn text(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(reason) => {
            let reason = certificate_text(reason);
            format!("tls: failed to verify certificate: x509: {reason}")
        }
        Error::AlertReceived(alert) => format!("remote error: tls: {}", alert_text(*alert)),
        Error::InvalidMessage(_) => {
            "tls: first record does not look like a TLS handshake".to_owned()
        }
        error => format!("tls: {error}"),
    }
}

fn certificate_text(reason: &CertificateError) -> String {
    match reason {
        // Of another authority with the same name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "certificate signed by unknown authority".to_owned()
        }
        CertificateError::Expired
        | CertificateError::NotValidYet
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYetContext { .. } => {
            "certificate has expired or is not yet valid".to_owned()
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => names_text(expected, presented),
        reason => reason.to_string(),
    }
}

/// The name that was wanted and those that the certificate has.
fn names_text(expected: &ServerName<'_>, presented: &[String]) -> String {
    let of_kind = |kind: &str| -> Vec<&str> {
        let names = presented.iter().filter_map(|name| {
            let name = name
                .strip_prefix(kind)?
                .strip_prefix('(')?
                .strip_suffix(')')?;
            Some(name.trim_matches('"'))
        });
        names.collect()
    };
    let (names, kind) = match expected {
        ServerName::IpAddress(_) => (of_kind("IpAddress"), "IP"),
        _ => (of_kind("DnsName"), "DNS"),
    };
    let wanted = expected.to_str();
    match (names.as_slice(), kind) {
        ([], "IP") => format!(
            "cannot validate certificate for {wanted} because it doesn't contain any IP SANs"
        ),
        ([], _) => format!("certificate is not valid for any names, but wanted to match {wanted}"),
        (names, _) => format!(
            "certificate is valid for {}, not {wanted}",
            names.join(", ")
        ),
    }
}

fn alert_text(alert: AlertDescription) -> String {
    let text = match alert {
        AlertDescription::UnexpectedMessage => "unexpected message",
        AlertDescription::BadRecordMac => "bad record MAC",
        AlertDescription::HandshakeFailure => "handshake failure",
        AlertDescription::BadCertificate => "bad certificate",
        AlertDescription::UnsupportedCertificate => "unsupported certificate",
        AlertDescription::CertificateRevoked => "revoked certificate",
        AlertDescription::CertificateExpired => "expired certificate",
        AlertDescription::CertificateUnknown => "unknown certificate",
        AlertDescription::IllegalParameter => "illegal parameter",
        AlertDescription::UnknownCA => "unknown certificate authority",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::DecodeError => "error decoding message",
        AlertDescription::DecryptError => "error decrypting message",
        AlertDescription::ProtocolVersion => "protocol version not supported",
        AlertDescription::InternalError => "internal error",
        AlertDescription::UnrecognisedName => "unrecognized name",
        AlertDescription::CertificateRequired => "certificate required",
        AlertDescription::NoApplicationProtocol => "no application protocol",
        alert => return format!("alert({})", u8::from(alert)),
    };
    text.to_owned()
}
