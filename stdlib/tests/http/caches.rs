//! What is asked only once: within a query, and between queries.

use super::client::{Client, get};
use super::server::{Reply, Server, response, text};

const DATE: (&str, &str) = ("Date", "Thu, 01 Jan 1970 00:00:00 GMT");

/// A server whose responses differ by their number.
fn counting(status: &'static str, headers: &'static [(&str, &str)]) -> Server {
    Server::start(move |number, _| response(status, headers, &format!("{number}")))
}

/// The bodies of a call in each of some queries.
fn bodies(client: &mut Client, request: &str, times: &[i64]) -> String {
    let answers = times.iter().map(|time| {
        client.next_query();
        client.set_time(*time);
        raw_body(&client.answer(request)).to_owned()
    });
    answers.collect()
}

fn raw_body(answer: &str) -> &str {
    let (_, after) = answer.split_once(r#""raw_body":""#).expect("a body");
    after.split('"').next().unwrap_or_default()
}

#[test]
fn a_query_sees_one_answer_to_one_request() {
    for (status, seen) in [
        ("200 OK", "000"),
        ("203 x", "000"),
        ("404 x", "000"),
        ("410 x", "000"),
        ("501 x", "000"),
        ("201 x", "012"),
        ("302 x", "012"),
        ("500 x", "012"),
    ] {
        let server = Server::start(move |number, _| response(status, &[], &number.to_string()));
        let mut client = Client::new();
        let request = get(&server.url("/"), "");
        let answers = [(); 3].map(|()| raw_body(&client.answer(&request)).to_owned());
        assert_eq!(answers.concat(), seen, "{status}");
        client.next_query();
        assert_ne!(raw_body(&client.answer(&request)), "0");
    }
}

#[test]
fn failures_are_kept_for_the_query_too() {
    let server = Server::start(|number, _| match number {
        0 => text(""),
        _ => response("200 OK", &[], "x"),
    });
    let mut client = Client::new();
    let url = server.url("/");
    let first = client.error(&url, "");
    assert_eq!(client.error(&url, ""), first);
    assert_eq!(server.count(), 1);
    // Half a body is not an answer to keep.
    let server = Server::start(|number, _| match number {
        0 => text("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
        _ => response("200 OK", &[], "x"),
    });
    client.error(&server.url("/"), "");
    let answer = client.get(&server.url("/"), r#""raise_error": false"#);
    assert_eq!(raw_body(&answer), "x");
}

#[test]
fn headers_that_are_ignored_do_not_count() {
    let server = counting("200 OK", &[]);
    let mut client = Client::new();
    let url = server.url("/");
    let mut seen = String::new();
    for (headers, ignored) in [
        (r#"{"a": "1", "b": "1"}"#, r#"["a"]"#),
        (r#"{"a": "2", "b": "1"}"#, r#"["a"]"#),
        (r#"{"b": "1", "c": "1"}"#, r#"["c"]"#),
        (r#"{"b": "1"}"#, "null"),
        (r#"{"a": "2", "b": "2"}"#, r#"["a"]"#),
        (r#"{"A": "2", "b": "1"}"#, r#"["a"]"#),
    ] {
        let ignored = match ignored {
            "null" => String::new(),
            ignored => format!(r#", "cache_ignored_headers": {ignored}"#),
        };
        let answer = client.get(&url, &format!(r#""headers": {headers}{ignored}"#));
        seen.push_str(raw_body(&answer));
    }
    assert_eq!(seen, "000012");
}

#[test]
fn between_queries_headers_decide() {
    const AGE: &[(&str, &str)] = &[DATE, ("Cache-Control", "max-age=10, public")];
    let cached = r#""cache": true"#;
    for (status, headers, more, times, seen) in [
        ("200 OK", AGE, cached, &[0, 9, 10, 19][..], "0012"),
        ("200 OK", AGE, "", &[0, 0][..], "01"),
        (
            "200 OK",
            &[("Expires", "Thu, 01 Jan 1970 00:00:05 GMT")],
            cached,
            &[0, 4, 5],
            "001",
        ),
        (
            "200 OK",
            &[("Cache-Control", "max-age=10")],
            cached,
            &[0, 1],
            "01",
        ),
        (
            "200 OK",
            &[DATE, ("Cache-Control", "max-age=x")],
            cached,
            &[0, 1],
            "01",
        ),
        (
            "200 OK",
            &[DATE, ("Cache-Control", "max-age=10, no-store")],
            cached,
            &[0, 1],
            "01",
        ),
        ("200 OK", &[], cached, &[0, 1], "01"),
        ("404 Not Found", AGE, cached, &[0, 1], "00"),
        ("500 Oh", AGE, cached, &[0, 1], "01"),
        (
            "200 OK",
            &[("Cache-Control", "no-store")],
            r#""force_cache": true, "force_cache_duration_seconds": 5"#,
            &[0, 4, 5, 9],
            "0011",
        ),
        (
            "200 OK",
            AGE,
            r#""cache": true, "force_cache": true, "force_cache_duration_seconds": 0"#,
            &[0, 9, 10],
            "001",
        ),
        (
            "200 OK",
            AGE,
            r#""cache": true, "caching_mode": "deserialized""#,
            &[0, 9],
            "00",
        ),
        (
            "200 OK",
            AGE,
            r#""cache": true, "caching_mode": "none""#,
            &[0, 9],
            "01",
        ),
    ] {
        let server = counting(status, headers);
        let request = get(&server.url("/"), more);
        let mut client = Client::new();
        assert_eq!(
            bodies(&mut client, &request, times),
            seen,
            "{headers:?} {more}"
        );
    }
}

#[test]
fn a_query_sees_one_answer_even_if_it_expires() {
    let server = counting("500 Oh", &[]);
    let mut client = Client::new();
    let request = get(&server.url("/"), r#""cache": true"#);
    let answers = [(); 3].map(|()| raw_body(&client.answer(&request)).to_owned());
    assert_eq!(answers.concat(), "000");
}

/// What the server says when it is asked whether its response still holds.
fn revalidated(validator: (&'static str, &'static str), again: &'static str) -> Server {
    Server::start(move |number, _| match number {
        0 => response(
            "200 OK",
            &[validator, DATE, ("Cache-Control", "max-age=5")],
            "first",
        ),
        _ => Reply::Send(again.replace("NUMBER", &number.to_string()).into_bytes()),
    })
}

#[test]
fn stale_responses_are_asked_for_again() {
    const STILL: &str = "HTTP/1.1 304 Not Modified\r\nDate: Thu, 01 Jan 1970 00:00:05 GMT\r\nCache-Control: max-age=5\r\nX: y\r\n\r\n";
    const NEW: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nDate: Thu, 01 Jan 1970 00:00:05 GMT\r\nCache-Control: max-age=5\r\n\r\nnew.";
    const GONE: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone";
    for (validator, asked) in [
        (("ETag", "\"1\""), "If-None-Match: \"1\"\r\n"),
        (
            ("Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT"),
            "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
        ),
    ] {
        for (again, seen, count) in [
            (STILL, "firstfirstfirst", 2),
            (NEW, "firstnew.new.", 2),
            // Another status means another request without the question, and this one is not stored for long.
            (GONE, "firstgonegone", 4),
        ] {
            let server = revalidated(validator, again);
            let mut client = Client::new();
            let request = get(&server.url("/"), r#""cache": true"#);
            assert_eq!(bodies(&mut client, &request, &[0, 5, 9]), seen);
            assert_eq!(server.count(), count, "{again}");
            let requests = server.requests();
            assert!(requests[1].contains(asked), "{}", requests[1]);
            assert!(!requests[0].contains("If-"));
        }
    }
    let server = revalidated(("ETag", "\"1\""), STILL);
    let mut client = Client::new();
    let request = get(&server.url("/"), r#""cache": true"#);
    bodies(&mut client, &request, &[0]);
    client.next_query();
    client.set_time(6);
    let answer = client.answer(&request);
    assert!(
        answer.contains(r#""x":["y"]"#) && answer.contains(r#""etag":["\"1\""]"#),
        "{answer}"
    );
    assert!(answer.contains(r#""status_code":200"#), "{answer}");
}

#[test]
fn asking_again_can_fail() {
    let mut client = Client::new();
    let server = revalidated(("ETag", "x"), "");
    let url = server.url("/");
    let cached = r#""cache": true"#;
    client.error_after_first(&url, cached, &format!(r#"network: Get \"{url}\": EOF"#));
    // A 304 without a date says nothing of how long it holds.
    let server = revalidated(
        ("ETag", "x"),
        "HTTP/1.1 304 x\r\nCache-Control: max-age=1\r\n\r\n",
    );
    client.error_after_first(&server.url("/"), cached, "internal: no date header");
}

impl Client {
    /// Asks at the time 0, and sees an error at the time 9.
    fn error_after_first(&mut self, url: &str, more: &str, error: &str) {
        self.next_query();
        self.set_time(0);
        self.get(url, &format!("\"raise_error\": false, {more}"));
        self.next_query();
        self.set_time(9);
        assert_eq!(self.error(url, more), error);
    }
}
