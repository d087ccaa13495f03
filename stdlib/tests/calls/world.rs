//! What looks outside, in a world that is the same for both sides: that of `conformance-suite/oracle/fixed.go`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use regovm_core::Constant;
use regovm_core::host::{Host, HttpFailure, HttpHead, HttpRequest, HttpSink};

use crate::Kind::{Any, Drawn, Integer, Pattern, Text, Word};
use crate::{Function, Random, argument, raw};

pub const FUNCTIONS: &[Function] = &[
    ("time.now_ns", &[]),
    ("opa.runtime", &[]),
    ("uuid.rfc4122", &[Word]),
    ("rand.intn", &[Word, Integer]),
    ("rand.intn", &[Word, Drawn(bound)]),
    ("trace", &[Word]),
    ("re_match", &[Pattern, Text]),
    ("net.lookup_ip_addr", &[Drawn(machine)]),
    ("http.send", &[Drawn(request)]),
    ("http.send", &[Drawn(request_that_works)]),
    ("internal.template_string", &[Drawn(parts)]),
];

fn bound(random: &mut Random) -> String {
    let sign = random.of(&["", "", "-"]);
    format!("{sign}{}", random.below(1000))
}

/// A template's parts: texts, and sets of what the holes came to.
fn parts(random: &mut Random) -> String {
    let parts: Vec<_> = (0..random.below(5))
        .map(|_| match random.below(8) {
            0 => "set()".to_owned(),
            1 => argument(random, Any),
            2..=4 => argument(random, Word),
            _ => format!("{{{}}}", argument(random, Any)),
        })
        .collect();
    crate::list(&parts)
}

/// Who is asked for, by name or address. Names are not looked up: the world of the test refuses them.
fn machine(random: &mut Random) -> String {
    raw(random.of(&[
        "127.0.0.1",
        "10.1.2.3",
        "::1",
        "::",
        "2001:db8::1",
        "1.2.3.4",
        "::2",
        "localhost",
        "refused.example",
        "127.1",
        "127.0.0.1:80",
        "[::1]",
        "2001:DB8::1",
        "",
        " ",
        "é",
    ]))
}

const URLS: &[&str] = &[
    "http://127.0.0.1",
    "http://127.0.0.1/",
    "http://127.0.0.1/a?b=c#d",
    "http://127.0.0.1:80/text",
    "HTTP://127.0.0.1/%41%2f",
    "http://user@127.0.0.1/",
    "http://user:pass@127.0.0.1/x",
    "http://allowed.example/text/b",
    "http://allowed.example?",
    "http://10.1.2.3:8000/x",
    "https://127.0.0.1/secure",
    "unix://127.0.0.1/p?socket=%2Ftmp%2Fx&b=2&a=%20",
    "\\\"http://127.0.0.1/quotes\\\"",
];

/// Addresses with colons are not among them: OPA compares what is before the first colon, so that no list of machines can
/// allow or refuse them.
const ODD_URLS: &[&str] = &[
    "",
    "/",
    ":",
    "//127.0.0.1/p",
    "127.0.0.1/p",
    "localhost",
    "http://",
    "http:///p",
    "http:127.0.0.1",
    "http://refused.example/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:/",
    "http://127.0.0.1:x/",
    "http://127.0.0.1/%zz",
    "http://127.0.0.1/a b",
    "http://127.0.0.1/é",
    "http://127.0.0.1 /",
    "http://[::1",
    "ftp://127.0.0.1/",
    "x://127.0.0.1/",
    "1x://127.0.0.1/",
    "unix://127.0.0.1/p",
    "unix://refused.example/p?socket=a",
    "http://127.0.0.1/\\n",
];

/// Names and values of headers. OPA takes them in any order, so that only one in a request may be wrong.
const HEADERS: &[&str] = &[
    "\"A\": \"b\"",
    "\"x-long-name\": \" b \"",
    "\"Host\": \"other.example\"",
    "\"content-type\": \"text/plain\"",
    "\"User-Agent\": \"u\"",
    "\"Authorization\": \"é\"",
];

const ODD_HEADERS: &[&str] = &[
    "\"B c\": \"d\"",
    "\"\\\"\": \"quote\"",
    "\"B\": 1",
    "\"B\": null",
    "\"B\": [1.50, \"a\"]",
    "\"B\": {\"a\": 1}",
    "\"B\": \"new\\nline\"",
    "\"é\": \"a\"",
    "\"\": \"a\"",
    "1: \"a\"",
    "\"B\": true",
];

fn headers(random: &mut Random, odd: bool) -> String {
    let mut members: Vec<_> = HEADERS
        .iter()
        .filter(|_| random.below(3) == 0)
        .copied()
        .collect();
    if odd && random.below(2) == 0 {
        members.push(random.of(ODD_HEADERS));
    }
    format!("{{{}}}", members.join(", "))
}

/// A request with things wrong in it.
fn request(random: &mut Random) -> String {
    drawn_request(random, true)
}

fn request_that_works(random: &mut Random) -> String {
    drawn_request(random, false)
}

fn drawn_request(random: &mut Random, odd: bool) -> String {
    let mut members = Vec::new();
    if !odd || random.below(16) != 0 {
        let method = match random.below(if odd { 4 } else { 3 }) {
            3 => random.of(&["\"\"", "\"g t\"", "\"é\"", "1", "null", "\"\\\"get\\\"\""]),
            _ => random.of(&["\"get\"", "\"GET\"", "\"Post\"", "\"head\"", "\"own\""]),
        };
        members.push(format!("\"method\": {method}"));
    }
    if !odd || random.below(16) != 0 {
        members.push(match random.below(if odd { 8 } else { 4 }) {
            0..=3 => format!("\"url\": \"{}\"", random.of(URLS)),
            4..=6 => format!("\"url\": \"{}\"", random.of(ODD_URLS)),
            _ => format!("\"url\": {}", argument(random, Any)),
        });
    }
    if random.below(2) == 0 {
        members.push("\"raise_error\": false".to_owned());
    }
    if random.below(3) == 0 {
        members.push(format!("\"headers\": {}", headers(random, odd)));
    }
    if random.below(4) == 0 {
        members.push(format!("\"body\": {}", argument(random, Any)));
    }
    if random.below(4) == 0 {
        members.push(format!("\"raw_body\": {}", argument(random, Word)));
    }
    let right = [
        "\"enable_redirect\": true",
        "\"force_json_decode\": true",
        "\"force_yaml_decode\": true",
        "\"force_yaml_decode\": false",
        "\"timeout\": \"5s\"",
        "\"timeout\": 5000000000",
        "\"timeout\": \"5000000000\"",
        "\"timeout\": 0",
        "\"timeout\": \"-1s\"",
        "\"cache\": true",
        "\"force_cache\": true, \"force_cache_duration_seconds\": 10",
        "\"caching_mode\": \"deserialized\"",
        "\"max_retry_attempts\": 1",
        "\"max_retry_attempts\": 1.0",
        "\"cache_ignored_headers\": [\"A\"]",
        "\"tls_use_system_certs\": true",
        "\"tls_insecure_skip_verify\": true",
        "\"tls_server_name\": \"other.example\"",
        "\"tls_client_cert\": \"x\"",
        "\"tls_client_key_file\": \"/none\"",
    ];
    let wrong = [
        "\"raise_error\": 1",
        "\"enable_redirect\": \"true\"",
        "\"enable_redirect\": 1",
        "\"enable_redirect\": null",
        "\"force_json_decode\": 1",
        "\"force_yaml_decode\": \"x\"",
        "\"timeout\": \"x\"",
        "\"timeout\": \"5\\n\"",
        "\"timeout\": null",
        "\"timeout\": 1.5",
        "\"timeout\": 1e30",
        "\"cache\": \"x\"",
        "\"cache\": null",
        "\"force_cache\": true",
        "\"force_cache\": 1",
        "\"force_cache\": true, \"force_cache_duration_seconds\": \"x\"",
        "\"force_cache\": true, \"force_cache_duration_seconds\": 1e10",
        "\"force_cache\": true, \"force_cache_duration_seconds\": 99999999999",
        "\"caching_mode\": \"x\"",
        "\"caching_mode\": 1",
        "\"max_retry_attempts\": -1",
        "\"max_retry_attempts\": \"x\"",
        "\"max_retry_attempts\": 1.5",
        "\"max_retry_attempts\": null",
        "\"cache_ignored_headers\": \"A\"",
        "\"cache_ignored_headers\": [1]",
        "\"headers\": 1",
        "\"headers\": [\"a\"]",
        "\"tls_use_system_certs\": 1",
        "\"tls_use_system_certs\": \"x\"",
        "\"tls_insecure_skip_verify\": [true]",
        "\"tls_server_name\": 1",
        "\"tls_ca_cert\": null",
        "\"tls_ca_cert_file\": [1]",
        "\"tls_ca_cert_env_variable\": 2",
        "\"tls_client_cert_file\": {}",
        "\"tls_client_key\": true",
        "\"tls_client_cert_env_variable\": 1",
        "\"raw_body\": 1",
        "\"x\": 1",
        "\"x\": 1, \"a\": 2, 3: 4",
        "null: 1",
    ];
    for _ in 0..random.below(3) {
        members.push(random.of(&right).to_owned());
    }
    if odd {
        for _ in 0..random.below(3) {
            members.push(random.of(&wrong).to_owned());
        }
    }
    // A key stands once.
    let mut keys = BTreeMap::new();
    for member in &members {
        let key = member.split(": ").next().unwrap_or_default();
        keys.entry(key).or_insert(member.as_str());
    }
    let members: Vec<_> = keys.into_values().collect();
    format!("{{{}}}", members.join(", "))
}

/// What is compared of an answer. The numbers of `rand.intn` are those of Go's generator, whose tables are not rebuilt
/// here: what counts of them is that they are integers below the bound.
pub fn comparable(name: &str, arguments: &str, answer: String) -> String {
    if name != "rand.intn" || answer.starts_with("eval_") {
        return answer;
    }
    let bound = arguments
        .rsplit_once(", ")
        .and_then(|(_, bound)| bound.strip_suffix(']'))
        .and_then(|bound| bound.parse::<f64>().ok());
    match (answer.parse::<u64>(), bound) {
        (Ok(number), Some(bound)) if number == 0 || (number as f64) < bound.abs() => {
            "below the bound".to_owned()
        }
        _ => answer,
    }
}

/// The world of both sides.
#[derive(Default)]
pub struct World {
    next_byte: u8,
}

const MACHINES: &[&str] = &[
    "127.0.0.1",
    "10.1.2.3",
    "::1",
    "::",
    "2001:db8::1",
    "allowed.example",
];

impl Host for World {
    fn now_ns(&mut self) -> Option<i64> {
        Some(1_700_000_000_123_456_789)
    }

    fn random(&mut self, buffer: &mut [u8]) -> bool {
        for byte in buffer {
            *byte = self.next_byte;
            self.next_byte = self.next_byte.wrapping_add(1);
        }
        true
    }

    fn runtime(&mut self) -> Option<Constant> {
        let object = |members: &[(&str, Constant)]| {
            let members = members.iter();
            Constant::Object(
                members
                    .map(|(k, v)| (Constant::from(*k), v.clone()))
                    .collect(),
            )
        };
        Some(object(&[
            ("commit", "".into()),
            ("env", object(&[("HOME", "/home/a".into())])),
            ("version", "1.2.3".into()),
        ]))
    }

    fn file(&mut self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("open {path}: no such file or directory"))
    }

    fn allows_network(&mut self, machine: &str) -> bool {
        MACHINES.contains(&machine)
    }

    fn lookup(&mut self, name: &str) -> Result<Vec<IpAddr>, String> {
        name.parse()
            .map(|address| vec![address])
            .map_err(|_| format!("lookup {name}: no such host"))
    }

    fn http(
        &mut self,
        request: &HttpRequest,
        sink: &mut dyn HttpSink,
    ) -> Result<Duration, HttpFailure> {
        if request.secure || request.port.is_some_and(|port| port != 80) {
            return Err(HttpFailure::Connection("dial tcp: no answer".to_owned()));
        }
        let names = request
            .headers
            .iter()
            .filter(|(name, _)| name != "User-Agent");
        let names: Vec<_> = names
            .map(|(name, value)| format!("{}:{}", raw(name), raw(value)))
            .collect();
        let body = format!(
            "{{\"body\":{},\"host\":{},\"method\":{},\"names\":{{{}}},\"target\":{}}}",
            raw(&String::from_utf8_lossy(&request.body)),
            raw(&request.authority),
            raw(&request.method),
            names.join(","),
            raw(&request.target),
        );
        let kind = if request.target.starts_with("/text") {
            "text/plain"
        } else {
            "application/json"
        };
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let goes_on = sink.head(HttpHead {
            code: 200,
            status: "200 OK".to_owned(),
            headers: vec![
                header("Content-Type", kind),
                header("Content-Length", &body.len().to_string()),
            ],
        });
        if goes_on && request.method != "HEAD" {
            sink.body(body.as_bytes());
        }
        Ok(Duration::ZERO)
    }
}
