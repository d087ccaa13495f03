//! TLS: who is trusted, under which name, and what the client shows.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::client::Client;
use super::server::{Server, response};

/// A certificate with its key, as PEM.
struct Pair {
    certificate: String,
    key: String,
}

/// An authority.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    fn pair(&self, names: &[&str]) -> Pair {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).expect("parameters");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A server with a certificate, which wants one of the client's if there is an authority for them.
fn server(pair: &Pair, clients: Option<&Authority>) -> Server {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            let root = CertificateDer::from_pem_slice(authority.pem.as_bytes());
            roots.add(root.expect("a certificate")).expect("a root");
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(pair.certificate.as_bytes()).expect("PEM")];
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("PEM");
    let config = builder
        .with_single_cert(chain, key)
        .expect("a configuration");
    Server::secure(Arc::new(config), |_, _| response("200 OK", &[], "hello"))
}

/// A key with a PEM text, as JSON.
fn field(name: &str, pem: &str) -> String {
    format!("\"{name}\": \"{}\"", pem.replace('\n', "\\n"))
}

fn is_hello(answer: &str) -> bool {
    answer.contains(r#""raw_body":"hello""#)
}

#[test]
fn who_is_trusted() {
    let authority = Authority::new();
    let server = server(&authority.pair(&["localhost", "127.0.0.1"]), None);
    let mut client = Client::new();
    let trusted = field("tls_ca_cert", &authority.pem);
    let unknown =
        "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{}/", server.port);
        assert!(is_hello(&client.get(&url, &trusted)));
        assert!(is_hello(
            &client.get(&url, r#""tls_insecure_skip_verify": true"#)
        ));
        let other = field("tls_ca_cert", &Authority::new().pem);
        for more in ["", r#""tls_use_system_certs": true"#, &other] {
            let wanted = format!(r#"network: Get \"{url}\": {unknown}"#);
            assert_eq!(client.error(&url, more), wanted);
        }
        let both = format!(r#"{trusted}, "tls_use_system_certs": true"#);
        assert!(is_hello(&client.get(&url, &both)));
    }
}

#[test]
fn roots_come_from_files_and_variables() {
    let authority = Authority::new();
    let server = server(&authority.pair(&["localhost"]), None);
    let url = format!("https://localhost:{}/", server.port);
    let mut client = Client::new();
    client
        .host
        .variables
        .insert("ROOTS".to_owned(), authority.pem.clone());
    assert!(is_hello(
        &client.get(&url, r#""tls_ca_cert_env_variable": "ROOTS""#)
    ));
    // Line ends may be spelled.
    let spelled = authority.pem.trim().replace('\n', "\\\\n");
    assert!(is_hello(
        &client.get(&url, &format!("\"tls_ca_cert\": \"{spelled}\""))
    ));

    let path = std::env::temp_dir().join(format!("regovm-roots-{}.pem", std::process::id()));
    std::fs::write(&path, &authority.pem).expect("a file");
    let more = format!("\"tls_ca_cert_file\": \"{}\"", path.display());
    assert!(is_hello(&client.get(&url, &more)));
    std::fs::write(&path, "nothing").expect("a file");
    client.next_query();
    let wanted = format!(
        r#"internal: p.rego:3: eval_builtin_error: http.send: could not append CA certificates from \"{}\""#,
        path.display()
    );
    assert_eq!(client.error(&url, &more), wanted);
    let _ = std::fs::remove_file(&path);
}

#[test]
fn names_must_fit() {
    let authority = Authority::new();
    let server = server(&authority.pair(&["good.test", "also.test"]), None);
    let url = format!("https://127.0.0.1:{}/", server.port);
    let mut client = Client::new();
    let trusted = field("tls_ca_cert", &authority.pem);
    let more = |rest: &str| format!("{trusted}{rest}");
    let failed = format!(r#"network: Get \"{url}\": tls: failed to verify certificate: x509: "#);
    let no_address =
        "cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs";
    assert_eq!(
        client.error(&url, &trusted),
        format!("{failed}{no_address}")
    );
    let wrong = client.error(&url, &more(r#", "tls_server_name": "bad.test""#));
    let wanted = "certificate is valid for good.test, also.test, not bad.test";
    assert_eq!(wrong, format!("{failed}{wanted}"));
    assert!(is_hello(
        &client.get(&url, &more(r#", "tls_server_name": "good.test""#))
    ));
    assert!(is_hello(
        &client.get(&url, &more(r#", "headers": {"host": "also.test"}"#))
    ));
}

#[test]
fn a_server_that_signed_itself_is_trusted_by_its_certificate() {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let mut pair = Pair {
        certificate: params.self_signed(&key).expect("a certificate").pem(),
        key: key.serialize_pem(),
    };
    let url = |server: &Server| format!("https://localhost:{}/", server.port);
    let mut client = Client::new();
    let trusted = field("tls_ca_cert", &pair.certificate);
    let running = server(&pair, None);
    assert!(is_hello(&client.get(&url(&running), &trusted)));

    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    pair.certificate = params.self_signed(&key).expect("a certificate").pem();
    let running = server(&pair, None);
    let error = client.error(&url(&running), &field("tls_ca_cert", &pair.certificate));
    assert!(
        error.ends_with("x509: certificate has expired or is not yet valid"),
        "{error}"
    );
}

#[test]
fn clients_show_certificates() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = server(&authority.pair(&["localhost"]), Some(&clients));
    let url = format!("https://localhost:{}/", server.port);
    let mut client = Client::new();
    let trusted = field("tls_ca_cert", &authority.pem);
    let own = clients.pair(&["me"]);
    let shown = |pair: &Pair| {
        let certificate = field("tls_client_cert", &pair.certificate);
        format!(
            "{trusted}, {certificate}, {}",
            field("tls_client_key", &pair.key)
        )
    };
    assert!(is_hello(&client.get(&url, &shown(&own))));
    let error = client.error(&url, &trusted);
    assert!(
        error.contains("remote error: tls: certificate required"),
        "{error}"
    );
    let error = client.error(&url, &shown(&authority.pair(&["me"])));
    assert!(error.contains("remote error: tls: "), "{error}");

    let variables = &mut client.host.variables;
    variables.insert("CERT".to_owned(), own.certificate.clone());
    variables.insert("KEY".to_owned(), own.key.clone());
    let more = format!(
        r#"{trusted}, "tls_client_cert_env_variable": "CERT", "tls_client_key_env_variable": "KEY""#
    );
    assert!(is_hello(&client.get(&url, &more)));

    let mixed = Pair {
        certificate: own.certificate,
        key: clients.pair(&["me"]).key,
    };
    let error = client.error(&url, &shown(&mixed));
    assert!(
        error.ends_with("tls: private key does not match public key"),
        "{error}"
    );
}

#[test]
fn other_protocols_are_known() {
    let server = Server::start(|_, _| response("200 OK", &[], ""));
    let mut client = Client::new();
    // The server waits for the end of what is no request to it, so it only sees that the client goes.
    let url = format!("https://127.0.0.1:{}/", server.port);
    assert!(
        client
            .error(&url, r#""timeout": "80ms""#)
            .starts_with("network: ")
    );
    let port = speaks_first(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let url = format!("https://127.0.0.1:{port}/");
    let wanted =
        format!(r#"network: Get \"{url}\": http: server gave HTTP response to HTTPS client"#);
    assert_eq!(client.error(&url, ""), wanted);
    let port = speaks_first(b"garbage\r\n\r\n");
    let url = format!("https://127.0.0.1:{port}/");
    let wanted =
        format!(r#"network: Get \"{url}\": tls: first record does not look like a TLS handshake"#);
    assert_eq!(client.error(&url, ""), wanted);
}

/// A server that says something once it has heard something.
fn speaks_first(words: &'static [u8]) -> u16 {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut heard = [0; 4096];
            let _ = socket.read(&mut heard);
            let _ = socket.write_all(words);
            while socket.read(&mut heard).is_ok_and(|n| n > 0) {}
        }
    });
    port
}
