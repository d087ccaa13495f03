//! Policies that talk to servers: only where the command allows it.

mod common;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::Folder;

/// A server that answers with the number of the request, and its port.
fn server(status: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut request = Vec::new();
            let mut part = [0; 512];
            while !request.ends_with(b"\r\n\r\n") {
                match socket.read(&mut part) {
                    Ok(n) if n > 0 => request.extend_from_slice(&part[..n]),
                    _ => break,
                }
            }
            let number = counter.fetch_add(1, Ordering::Relaxed);
            let text = format!("HTTP/1.1 {status}\r\nContent-Length: 1\r\n\r\n{number}");
            let _ = socket.write_all(text.as_bytes());
        }
    });
    (port, count)
}

fn policy(port: u16, more: &str) -> String {
    format!(
        "package p\n\nget(path) := http.send({{\"method\": \"get\", \"url\": concat(\"\", [\"http://127.0.0.1:{port}\", path]){more}}})\n\n\
         one := get(\"/\").raw_body\n\ntwo := [get(\"/\").raw_body, [get(p).raw_body | some p in [\"/\", \"/x\"]]]\n"
    )
}

#[test]
fn only_machines_that_are_allowed() {
    let (port, count) = server("200 OK");
    let folder = Folder::new();
    folder.file("p.rego", policy(port, ""));
    let query = |more: &[&str], query: &str| {
        let common = [
            "eval",
            "-d",
            "p.rego",
            "--format",
            "raw",
            "--strict-builtin-errors",
        ];
        folder.run(&[&common[..], more, &[query]].concat())
    };
    for refused in [&[][..], &["--allow-net", "localhost"]] {
        let run = query(refused, "data.p.one");
        assert_ne!(run.status, 0);
        let text = "p.rego:3: eval_builtin_error: http.send: disallowed host: 127.0.0.1";
        assert!(run.stderr.contains(text), "{}", run.stderr);
    }
    assert_eq!(count.load(Ordering::Relaxed), 0);
    let run = query(&["--allow-net", "127.0.0.1"], "data.p.two");
    // One answer to one request.
    assert_eq!(run.stdout.trim(), r#"["0",["0","1"]]"#, "{}", run.stderr);
}

#[test]
fn answers_that_do_not_last_are_asked_for_again() {
    let (port, _) = server("500 Oh");
    let folder = Folder::new();
    folder.file("p.rego", policy(port, ""));
    let text = "[http.send({\"method\": \"get\", \"url\": u}).raw_body | some u in [URL, URL]]";
    let url = format!("\"http://127.0.0.1:{port}/\"");
    let run = folder.run(&[
        "eval",
        "--format",
        "raw",
        "--allow-net",
        "127.0.0.1",
        &text.replace("URL", &url),
    ]);
    assert_eq!(run.stdout.trim(), r#"["0","1"]"#, "{}", run.stderr);
}

#[test]
fn errors_say_where_the_call_stands() {
    let folder = Folder::new();
    let policy = policy(1, r#", "timeout": "x", "raise_error": false"#).replace(".raw_body", "");
    folder.file("p.rego", policy);
    let run = folder.run(&[
        "eval",
        "-d",
        "p.rego",
        "--format",
        "raw",
        "--allow-net",
        "*",
        "data.p.one.error",
    ]);
    let wanted = r#"{"code":"eval_http_send_internal_error","message":"p.rego:3: eval_builtin_error: http.send: invalid timeout value \"x\": time: invalid duration \"x\""}"#;
    assert_eq!(run.stdout.trim(), wanted, "{}", run.stderr);
}
