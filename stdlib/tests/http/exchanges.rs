//! Requests, responses, errors and redirects.

use regovm_core::builtin::BuiltinError;
use regovm_host::Network;

use super::client::{Client, get};
use super::server::{Reply, Server, closed_port, closing_server, response, text};

/// A server that sends requests back as the text of a header.
fn echo() -> Server {
    Server::start(|_, request| response("200 OK", &[("X", &request.replace("\r\n", "|"))], ""))
}

#[test]
fn requests_are_sent_as_they_are_meant() {
    let server = echo();
    let mut client = Client::new();
    let agent = concat!("User-Agent: regovm/", env!("CARGO_PKG_VERSION"));
    let host = format!("Host: 127.0.0.1:{}", server.port);
    let rest = "Accept-Encoding: gzip|Connection: close||";
    for (fields, sent) in [
        (
            r#""method": "get", "url": "URL/a b?x=y#z""#,
            format!("GET /a%20b?x=y HTTP/1.1|{host}|{agent}|{rest}"),
        ),
        (
            r#""method": "post", "url": "URL""#,
            format!("POST / HTTP/1.1|{host}|Content-Length: 0|{agent}|{rest}"),
        ),
        (
            r#""method": "Put", "url": "URL/", "body": {"b": [1, 2.50], "a": "<"}"#,
            format!(
                "PUT / HTTP/1.1|{host}|Content-Length: 27|{agent}|{rest}{{\"a\":\"\\\\u003c\",\"b\":[1,2.50]}}"
            )
            .replace("\\\\", "\\"),
        ),
        (
            r#""method": "post", "url": "URL/", "body": 1, "raw_body": "raw""#,
            format!("POST / HTTP/1.1|{host}|Content-Length: 3|{agent}|{rest}raw"),
        ),
        (
            r#""method": "get", "url": "URL/", "headers": {"x-a": " 1 ", "user-agent": "me", "content-length": "7"}"#,
            format!("GET / HTTP/1.1|{host}|User-Agent: me|X-A: 1|{rest}"),
        ),
        (
            r#""method": "get", "url": "URL/", "headers": {"host": "other", "accept-encoding": "br"}"#,
            format!("GET / HTTP/1.1|Host: other|Accept-Encoding: br|{agent}|Connection: close||"),
        ),
        (
            r#""method": "get", "url": "http://u:p@127.0.0.1:PORT/""#,
            format!("GET / HTTP/1.1|{host}|Authorization: Basic dTpw|{agent}|{rest}"),
        ),
    ] {
        let fields = fields
            .replace("URL", &server.url(""))
            .replace("PORT", &server.port.to_string());
        client.answer(&format!("{{{fields}}}"));
        let seen = server.requests().pop().expect("a request");
        assert_eq!(seen.replace("\r\n", "|"), sent, "{fields}");
    }
}

#[test]
fn responses_are_shown_as_opa_shows_them() {
    let server = Server::start(|_, request| {
        let path = request.split(' ').nth(1).expect("a path");
        match path {
            "/json" => text(
                "HTTP/1.1 200 Fine by me\r\nX-A: 1\r\nx-a:  2 \r\nContent-Type: application/json\r\n\
                 Transfer-Encoding: chunked\r\nTrailer: T\r\n\r\n5;x\r\n{\"a\":\r\n7\r\n1} tail\r\n0\r\nT: 1\r\n\r\n",
            ),
            "/yaml" => response("200 OK", &[("Content-Type", "application/yaml")], "a: [1]"),
            "/plain" => Reply::Send(b"HTTP/1.0 200 OK\r\n\r\na\xff\xe2\x82z".to_vec()),
            "/empty" => text("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
            "/bare" => text("HTTP/1.1 404\nContent-Length: 2\n\nno"),
            "/gzip" => {
                let mut bytes =
                    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 22\r\n\r\n"
                        .to_vec();
                bytes.extend(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xc8\x04\x00\xac\x2a\x93\xd8\x02\x00\x00\x00");
                Reply::Send(bytes)
            }
            other => panic!("{other}"),
        }
    });
    let mut client = Client::new();
    for (path, more, answer) in [
        (
            "/json",
            "",
            r#"{"body":{"a":1},"headers":{"content-type":["application/json"],"x-a":["1","2"]},"raw_body":"{\"a\":1} tail","status":"200 Fine by me","status_code":200}"#,
        ),
        (
            "/yaml",
            "",
            r#"{"body":{"a":[1]},"headers":{"content-length":["6"],"content-type":["application/yaml"]},"raw_body":"a: [1]","status":"200 OK","status_code":200}"#,
        ),
        (
            "/plain",
            r#""force_json_decode": true"#,
            "{\"body\":null,\"headers\":{},\"raw_body\":\"a\u{fffd}\u{fffd}\u{fffd}z\",\"status\":\"200 OK\",\"status_code\":200}",
        ),
        (
            "/empty",
            "",
            r#"{"body":null,"headers":{},"raw_body":"","status":"204 No Content","status_code":204}"#,
        ),
        (
            "/bare",
            "",
            r#"{"body":null,"headers":{"content-length":["2"]},"raw_body":"no","status":"404","status_code":404}"#,
        ),
        (
            "/gzip",
            "",
            r#"{"body":null,"headers":{},"raw_body":"hi","status":"200 OK","status_code":200}"#,
        ),
    ] {
        assert_eq!(client.get(&server.url(path), more), answer, "{path}");
    }
    let head = format!(r#"{{"method": "head", "url": "{}"}}"#, server.url("/yaml"));
    assert!(client.answer(&head).contains(r#""raw_body":"","#));
}

#[test]
fn wrong_requests_are_refused_in_opas_words() {
    let mut client = Client::new();
    let place = "internal: p.rego:3: eval_builtin_error: http.send: ";
    let url = format!("http://127.0.0.1:{}/", closed_port());
    for (more, error) in [
        (
            r#""timeout": "foo""#,
            "invalid timeout value \"foo\": time: invalid duration \"foo\"",
        ),
        (
            r#""timeout": 1.5"#,
            "invalid timeout number value 1.5, must be int64",
        ),
        (r#""headers": 1"#, "invalid type for headers key"),
        (
            r#""headers": {"a": 1}"#,
            "invalid type for headers value \"1\"",
        ),
        (
            r#""headers": {"a": true}"#,
            "invalid type for headers value %!q(bool=true)",
        ),
        (r#""cache": 1"#, "invalid value for \"cache\" field"),
        (
            r#""force_cache": true"#,
            "'force_cache' set but 'force_cache_duration_seconds' parameter is missing",
        ),
        (
            r#""force_cache": true, "force_cache_duration_seconds": 1.5"#,
            "strconv.ParseInt: parsing \"1.5\": invalid syntax",
        ),
        (
            r#""enable_redirect": "x""#,
            "strconv.ParseBool: parsing \"\\\"x\\\"\": invalid syntax",
        ),
        (r#""tls_ca_cert": "x""#, "could not append certificates"),
        (
            r#""tls_ca_cert_env_variable": "X""#,
            "could not add CA certificates from envvar \"X\": could not append certificates",
        ),
        (
            r#""tls_ca_cert_file": "/none/such""#,
            "open /none/such: no such file or directory",
        ),
        (
            r#""tls_client_cert": "x", "tls_client_key": "x""#,
            "tls: failed to find any PEM data in certificate input",
        ),
        (
            r#""tls_client_cert_env_variable": "x", "tls_client_key_env_variable": "y""#,
            "cannot extract public/private key pair from envvars \"x\", \"y\": tls: failed to find any PEM data in certificate input",
        ),
        (r#""raw_body": 1"#, "\"raw_body\" must be a string"),
        (
            r#""tls_server_name": 1"#,
            "\"tls_server_name\" must be a string",
        ),
    ] {
        let wanted = format!("{place}{error}")
            .replace('\\', r"\\")
            .replace('"', "\\\"");
        assert_eq!(client.error(&url, more), wanted, "{more}");
    }
    for (url, error) in [
        ("://x", "parse \"://x\": missing protocol scheme"),
        (
            "http://h/%zz",
            "parse \"http://h/%zz\": invalid URL escape \"%zz\"",
        ),
    ] {
        let wanted = format!("{place}{error}").replace('"', "\\\"");
        assert_eq!(client.error(url, ""), wanted);
    }
    for (more, error) in [
        (
            r#""max_retry_attempts": -1"#,
            r#"invalid value -1 for field \"max_retry_attempts\""#,
        ),
        (
            r#""max_retry_attempts": "x""#,
            r#"invalid value \"x\" for field \"max_retry_attempts\""#,
        ),
        (
            r#""cache_ignored_headers": [1], "headers": {}"#,
            "cache_ignored_headers must be an array of strings",
        ),
    ] {
        assert_eq!(client.error(&url, more), format!("internal: {error}"));
    }
    let place = "internal: p.rego:3: eval_type_error: http.send: operand 1 ";
    for (more, error) in [
        (
            r#""foo": 1, "bar": 2"#,
            r#"invalid request parameters(s): {\"bar\", \"foo\"}"#,
        ),
        (
            r#""timeout": true"#,
            "'timeout' must be one of {string, number} but got boolean",
        ),
    ] {
        assert_eq!(client.error(&url, more), format!("{place}{error}"));
    }
}

#[test]
fn errors_are_raised_unless_the_request_says_no() {
    let mut client = Client::new();
    let port = closed_port();
    let refused = format!(
        "Get \"http://127.0.0.1:{port}/\": dial tcp 127.0.0.1:{port}: connect: connection refused"
    );
    let url = format!("http://127.0.0.1:{port}/");
    let value = |text: &str| Err(BuiltinError::Value(text.to_owned()));
    assert_eq!(client.call(&get(&url, "")), value(&refused));
    let wrong = client.call(&get(&url, r#""raise_error": 1"#));
    assert_eq!(wrong, value("invalid value for raise_error field"));
    let wrong = client.call(r#"{"method": "get"}"#);
    let text = "operand 1 missing required request parameters(s): {\"url\"}";
    assert_eq!(wrong, Err(BuiltinError::Type(text.to_owned())));
    let wrong = client.call(&format!(r#"{{"method": "g t", "url": "{url}"}}"#));
    assert_eq!(wrong, value("net/http: invalid method \"G T\""));
    let wrong = client.call(&format!(r#"{{"method": 1, "url": "{url}"}}"#));
    assert_eq!(wrong, value("\"method\" must be a string"));
}

#[test]
fn exchanges_that_fail_say_what_go_says() {
    let server = Server::start(|_, request| {
        let path = request.split(' ').nth(1).expect("a path");
        text(match path {
            "/garbage" => "garbage\r\n\r\n",
            "/code" => "HTTP/1.1 abc OK\r\n\r\n",
            "/header" => "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
            "/length" => "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n",
            "/lengths" => "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
            "/half" => "HTTP/1.1 200 OK\r\nConte",
            "/early" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
            "/chunk" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
            "/chunks" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
            "/gzip" => {
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nthis is nothing that was zipped"
            }
            other => panic!("{other}"),
        })
    });
    let mut client = Client::new();
    let broken = "net/http: HTTP/1.x transport connection broken: ";
    for (path, error) in [
        ("/garbage", "malformed HTTP response \"garbage\""),
        ("/code", "malformed HTTP status code \"abc\""),
        (
            "/header",
            "malformed MIME header: missing colon: \"bad header\"",
        ),
        ("/length", "bad Content-Length \"abc\""),
        (
            "/lengths",
            "http: message cannot contain multiple Content-Length headers; got [\"3\" \"4\"]",
        ),
        ("/half", "unexpected EOF"),
    ] {
        let url = server.url(path);
        let wanted = format!("network: Get \"{url}\": {broken}{error}").replace('"', "\\\"");
        assert_eq!(client.error(&url, ""), wanted);
    }
    let place = "internal: p.rego:3: eval_builtin_error: http.send: ";
    for (path, error) in [
        ("/early", "unexpected EOF"),
        ("/chunk", "invalid byte in chunk length"),
        ("/chunks", "unexpected EOF"),
        ("/gzip", "gzip: invalid header"),
    ] {
        let error = format!("{place}{error}");
        assert_eq!(client.error(&server.url(path), ""), error, "{path}");
    }
    let url = format!("http://127.0.0.1:{}/", closing_server());
    assert_eq!(
        client.error(&url, ""),
        format!(r#"network: Get \"{url}\": EOF"#)
    );
    for (url, error) in [
        ("ftp://h/", r#"unsupported protocol scheme \"ftp\""#),
        ("foo", r#"unsupported protocol scheme \"\""#),
        ("http:///x", "http: no Host in request URL"),
        (
            "http://127.0.0.1:99999/",
            "dial tcp: address 99999: invalid port",
        ),
        (
            "unix://localhost/x",
            r#"unsupported protocol scheme \"unix\""#,
        ),
    ] {
        assert_eq!(
            client.error(url, ""),
            format!(r#"network: Get \"{url}\": {error}"#)
        );
    }
    for (headers, error) in [
        (
            r#"{"a b": "1"}"#,
            r#"net/http: invalid header field name \"a b\""#,
        ),
        (
            r#"{"a": "x\ny"}"#,
            r#"net/http: invalid header field value for \"A\""#,
        ),
    ] {
        let got = client.error("http://h/", &format!("\"headers\": {headers}"));
        assert_eq!(got, format!(r#"network: Get \"http://h/\": {error}"#));
    }
}

#[test]
fn redirects_are_followed_if_asked_for() {
    let target = echo();
    let to = format!("http://localhost:{}/y?z", target.port);
    let server = Server::start(move |_, request| {
        let path = request.split(' ').nth(1).expect("a path");
        match path {
            "/301" => response("301 Moved Permanently", &[("Location", "/done?q")], "gone"),
            "/307" => response("307 Temporary Redirect", &[("Location", &to)], ""),
            "/none" => response("302 Found", &[], "here"),
            "/wrong" => response("302 Found", &[("Location", "http://%zz/")], ""),
            _ => response("200 OK", &[], "done"),
        }
    });
    let mut client = Client::new();
    let stays = client.get(&server.url("/301"), "");
    assert!(stays.contains(r#""status_code":301"#) && stays.contains(r#""raw_body":"gone""#));

    let follow = r#""enable_redirect": true"#;
    let request = format!(
        r#"{{"method": "post", "url": "{}", "body": 1, {follow}, "headers": {{"content-type": "x", "host": "h", "cookie": "c"}}}}"#,
        server.url("/301")
    );
    assert!(client.answer(&request).contains(r#""raw_body":"done""#));
    let seen = server.requests().pop().expect("a request");
    assert!(
        seen.starts_with("GET /done?q HTTP/1.1\r\nHost: h\r\nCookie: c\r\nReferer: http://"),
        "{seen}"
    );
    assert!(!seen.contains("Content-"), "{seen}");

    let request = format!(
        r#"{{"method": "post", "url": "http://u:p@127.0.0.1:{}/307", "body": 1, {follow}, "headers": {{"x": "1", "host": "h", "authorization": "secret"}}}}"#,
        server.port
    );
    client.answer(&request);
    let seen = target.requests().pop().expect("a request");
    let start = format!("POST /y?z HTTP/1.1\r\nHost: localhost:{}\r\n", target.port);
    assert!(
        seen.starts_with(&start) && seen.ends_with("\r\n\r\n1"),
        "{seen}"
    );
    assert!(
        seen.contains("X: 1\r\n") && !seen.to_lowercase().contains("authorization"),
        "{seen}"
    );
    assert!(
        seen.contains(&format!(
            "Referer: http://127.0.0.1:{}/307\r\n",
            server.port
        )),
        "{seen}"
    );

    assert!(
        client
            .get(&server.url("/none"), follow)
            .contains(r#""raw_body":"here""#)
    );
    let url = server.url("/wrong");
    let wanted = format!(
        r#"network: Get \"{url}\": failed to parse Location header \"http://%zz/\": parse \"http://%zz/\": invalid URL escape \"%zz\""#
    );
    assert_eq!(client.error(&url, follow), wanted);
}

#[test]
fn every_machine_must_be_allowed() {
    let other = echo();
    let to = format!("http://localhost:{}/", other.port);
    let location = to.clone();
    let server = Server::start(move |_, _| response("302 Found", &[("Location", &to)], ""));
    let mut client = Client::with(Network::Only(vec!["127.0.0.1".to_owned()]));
    let refused = client.error(&server.url("/"), r#""enable_redirect": true"#);
    let wanted = format!(r#"network: Get \"{location}\": disallowed host: localhost"#);
    assert_eq!(refused, wanted);
    assert_eq!((server.count(), other.count()), (1, 0));

    let mut client = Client::with(Network::Nothing);
    for url in [
        server.url("/"),
        "unix://127.0.0.1/?socket=%2Ftmp%2Fx".to_owned(),
    ] {
        let refused = client.call(&get(&url, ""));
        let wanted = BuiltinError::Value("disallowed host: 127.0.0.1".to_owned());
        assert_eq!(refused, Err(wanted));
    }
    assert_eq!(server.count(), 1);
}

#[test]
fn what_failed_is_tried_again() {
    let server = Server::start(|number, _| match number {
        0..3 => text(""),
        _ => response("200 OK", &[], "at last"),
    });
    let mut client = Client::new();
    let answer = client.get(&server.url("/"), r#""max_retry_attempts": 3"#);
    assert!(answer.contains(r#""raw_body":"at last""#));
    assert_eq!(server.count(), 4);
    let pauses = client
        .host
        .pauses
        .load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(pauses, 2, "the first retry comes at once");

    let server = Server::start(|_, _| text(""));
    let url = server.url("/");
    let error = client.error(&url, r#""max_retry_attempts": 2"#);
    assert_eq!(error, format!(r#"network: Get \"{url}\": EOF"#));
    assert_eq!(server.count(), 3);
}

#[cfg(unix)]
#[test]
fn unix_sockets() {
    let folder = std::env::temp_dir().join(format!("regovm-http-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("s");
    let _ = std::fs::remove_file(&path);
    super::server::serve_unix(&path, |_, request| {
        response("200 OK", &[], &request.replace("\r\n", "|"))
    });
    let escaped = path.display().to_string().replace('/', "%2F");
    let mut client = Client::with(Network::Only(vec!["localhost".to_owned()]));
    let url = format!("unix://localhost/end?b=2&socket={escaped}&a=1");
    let answer = client.get(&url, "");
    assert!(
        answer.contains("GET /end?a=1&b=2 HTTP/1.1|Host: localhost|"),
        "{answer}"
    );
    let error = client.error("unix://localhost/x?socket=%2Fnone%2Fsuch", "");
    let wanted = r#"network: Get \"http://localhost/x\": dial unix /none/such: connect: no such file or directory"#;
    assert_eq!(error, wanted);
    let _ = std::fs::remove_dir_all(&folder);
}
