//! Servers that never end: timeouts and budgets end the exchange.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use regovm_core::builtin::{BuiltinError, StopReason};

use super::client::{Client, get};
use super::server::{Reply, Server};

const HEAD: &str = "HTTP/1.1 200 OK\r\n\r\n";

fn hangs(start: &'static str) -> Server {
    Server::start(move |_, _| Reply::Hang(start.as_bytes().to_vec()))
}

fn endless(head: &'static str, part: Vec<u8>) -> Server {
    Server::start(move |_, _| Reply::Endless(head.as_bytes().to_vec(), part.clone()))
}

#[test]
fn timeouts() {
    let mut client = Client::new();
    let server = hangs("");
    let url = server.url("/");
    for timeout in [r#""60ms""#, "60000000", r#""60000000""#] {
        let error = client.error(&url, &format!("\"timeout\": {timeout}"));
        let wanted = format!(
            r#"network: Get \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"#
        );
        assert_eq!(error, wanted);
    }
    let raised = client.call(&get(&url, r#""timeout": "60ms""#));
    let wanted = BuiltinError::Value(format!("Get {url}: request timed out"));
    assert_eq!(raised, Err(wanted));

    let server = hangs("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    let error = client.error(&server.url("/"), r#""timeout": "60ms""#);
    assert_eq!(
        error,
        "internal: p.rego:3: eval_builtin_error: http.send: context deadline exceeded (Client.Timeout or context cancellation while reading body)"
    );
    // A head that never ends, and redirects that never end.
    let server = endless("HTTP/1.1 200 OK\r\n", b"A: b\r\n".to_vec());
    assert!(
        client
            .error(&server.url("/"), r#""timeout": "60ms""#)
            .starts_with("network: ")
    );
    let server =
        Server::start(|_, _| super::server::response("302 Found", &[("Location", "/")], ""));
    let more = r#""timeout": "60ms", "enable_redirect": true"#;
    assert!(
        client
            .error(&server.url("/"), more)
            .contains("exceeded while awaiting headers")
    );
}

#[test]
fn deadlines_of_the_query() {
    for server in [hangs(""), hangs(HEAD), hangs("HTTP/1.1 200 OK\r\nA")] {
        let mut client = Client::new();
        client.limits.deadline = Some(Instant::now() + Duration::from_millis(60));
        let outcome = client.call(&get(
            &server.url("/"),
            r#""raise_error": false, "timeout": 0"#,
        ));
        assert_eq!(outcome, Err(BuiltinError::Stop(StopReason::Deadline)));
    }
}

#[test]
fn another_thread_cancels() {
    let server = hangs("");
    let mut client = Client::new();
    let cancel = client.limits.cancel.clone();
    let request = get(
        &server.url("/"),
        r#""timeout": "10m", "max_retry_attempts": 9"#,
    );
    std::thread::scope(|scope| {
        let running = scope.spawn(|| client.call(&request));
        while server.count() == 0 {
            std::thread::yield_now();
        }
        cancel.store(true, Ordering::Relaxed);
        let outcome = running.join().expect("no panic");
        assert_eq!(outcome, Err(BuiltinError::Stop(StopReason::Cancelled)));
    });
}

#[test]
fn endless_bodies() {
    let chunk = [b"4000\r\n", &[b'x'; 0x4000][..], b"\r\n"].concat();
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for server in [endless(HEAD, vec![b'x'; 0x4000]), endless(chunked, chunk)] {
        let mut client = Client::new();
        client.memory = 4 << 20;
        let outcome = client.call(&get(&server.url("/"), r#""timeout": 0"#));
        assert_eq!(outcome, Err(BuiltinError::Stop(StopReason::Memory)));

        let mut client = Client::new();
        client.limits.steps = 20_000;
        let outcome = client.call(&get(&server.url("/"), r#""timeout": 0"#));
        assert_eq!(outcome, Err(BuiltinError::Stop(StopReason::Steps)));
    }
}

#[test]
fn redirects_without_end_use_up_the_budget() {
    let server =
        Server::start(|_, _| super::server::response("302 Found", &[("Location", "/")], ""));
    let mut client = Client::new();
    client.limits.steps = 2_000;
    let request = get(&server.url("/"), r#""enable_redirect": true, "timeout": 0"#);
    let outcome = client.call(&request);
    assert_eq!(outcome, Err(BuiltinError::Stop(StopReason::Steps)));
}
