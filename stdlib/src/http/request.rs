//! The request object: its keys, checked in OPA's order and worded as OPA words it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regovm_core::builtin::Call;
use regovm_core::host::{HttpTls, Identity, Roots};
use regovm_core::json::{self, Style, rego_text};
use regovm_core::value::{Object, Value, View};

use super::headers::{Headers, canonical, is_token_text};
use super::send::{Failure, wrong_keys};
use crate::encoding::{push_query_escaped, query_unescaped};
use crate::go::duration;
use crate::go::quote::{Charset, push_quoted};
use crate::go::url::Url;
use crate::http_keys::{ALLOWED, REQUIRED};
use crate::operand::plain_integer;
use crate::text::{Text, charge_bytes, charge_text};

/// How long a call may take if it does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

const USER_AGENT: &str = concat!("regovm/", env!("CARGO_PKG_VERSION"));

/// A request that can be sent.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) url: Url,
    pub(super) headers: Headers,
    /// The value of the `Host` header, if it is not that of the URL.
    pub(super) host: Option<String>,
    pub(super) body: Vec<u8>,
    pub(super) follows_redirects: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) tls: HttpTls,
    pub(super) socket: Option<String>,
}

pub(super) fn quoted(text: &str) -> String {
    let mut out = String::new();
    push_quoted(&mut out, text, Charset::Unicode);
    out
}

/// Refuses keys that are none, and the lack of those that must be.
pub(super) fn check_keys(cx: &mut Call<'_, '_>, fields: Object<'_>) -> Result<(), Failure> {
    cx.charge(fields.len() as u64 + 1)?;
    let known = |key: &Value<'_>| key.as_str().is_some_and(|key| ALLOWED.contains(&key));
    let unknown = || fields.keys().iter().copied().filter(|key| !known(key));
    if unknown().next().is_some() {
        for key in unknown() {
            charge_text(cx, key)?;
        }
        let keys: Vec<String> = unknown().map(rego_text).collect();
        let keys = keys.join(", ");
        return Err(wrong_keys(&format!(
            "invalid request parameters(s): {{{keys}}}"
        )));
    }
    let missing = REQUIRED.iter().filter(|key| fields.get_str(key).is_none());
    let missing: Vec<String> = missing.map(|key| quoted(key)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let keys = missing.join(", ");
    Err(wrong_keys(&format!(
        "missing required request parameters(s): {{{keys}}}"
    )))
}

/// The headers that do not count for the caches.
pub(super) fn ignored_headers<'a>(fields: Object<'a>) -> Result<&'a [Value<'a>], Failure> {
    let (Some(ignored), Some(_)) = (
        fields.get_str("cache_ignored_headers"),
        fields.get_str("headers"),
    ) else {
        return Ok(&[]);
    };
    let wrong = || Failure::Plain("cache_ignored_headers must be an array of strings".to_owned());
    let ignored = ignored.as_array().ok_or_else(wrong)?.as_slice();
    if ignored.iter().all(|name| name.as_str().is_some()) {
        Ok(ignored)
    } else {
        Err(wrong())
    }
}

fn is_ignored(name: Value<'_>, ignored: &[Value<'_>]) -> bool {
    ignored.iter().any(|one| one.as_str() == name.as_str())
}

/// The text that equal requests share.
pub(super) fn key<'a>(
    cx: &mut Call<'a, '_>,
    fields: Object<'a>,
    ignored: &[Value<'a>],
) -> Result<String, Failure> {
    let mut key = String::new();
    for (name, value) in fields.iter() {
        let name = name.as_str().unwrap_or_default();
        if name == "cache_ignored_headers" {
            continue;
        }
        key.push_str(name);
        key.push('=');
        charge_text(cx, value)?;
        match value.as_object() {
            Some(headers) if name == "headers" => {
                cx.charge((headers.len() * ignored.len()) as u64 / 4)?;
                let kept = headers
                    .iter()
                    .filter(|(name, _)| !is_ignored(*name, ignored));
                for (name, value) in kept {
                    json::write_rego(name, &mut key);
                    key.push(':');
                    json::write_rego(value, &mut key);
                    key.push(',');
                }
            }
            _ => json::write_rego(value, &mut key),
        }
        key.push('\n');
    }
    Ok(key)
}

/// A boolean; false if it is not there.
pub(super) fn flag(fields: Object<'_>, name: &str) -> Result<bool, Failure> {
    match fields.get_str(name).map(Value::as_bool) {
        None => Ok(false),
        Some(Some(value)) => Ok(value),
        Some(None) => Err(Failure::request(format!(
            "invalid value for {} field",
            quoted(name)
        ))),
    }
}

/// How often a request that failed is sent again.
pub(super) fn retries(fields: Object<'_>) -> Result<u64, Failure> {
    const NAME: &str = "max_retry_attempts";
    let Some(value) = fields.get_str(NAME) else {
        return Ok(0);
    };
    let count = value.is_number().then(|| plain_integer(value)).flatten();
    count
        .and_then(|count| u64::try_from(count).ok())
        .ok_or_else(|| {
            let value = rego_text(value);
            Failure::Plain(format!("invalid value {value} for field {}", quoted(NAME)))
        })
}

pub(super) fn force_cache_seconds(fields: Object<'_>) -> Result<i32, Failure> {
    let Some(value) = fields.get_str("force_cache_duration_seconds") else {
        return Err(Failure::request(
            "'force_cache' set but 'force_cache_duration_seconds' parameter is missing",
        ));
    };
    let text = rego_text(value);
    let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let is_integer = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    text.parse().map_err(|_| {
        let why = if is_integer {
            "value out of range"
        } else {
            "invalid syntax"
        };
        let text = quoted(&text);
        Failure::request(format!("strconv.ParseInt: parsing {text}: {why}"))
    })
}

/// Refuses modes of caching that are none. Both mean the same here: OPA's differ in what they count as size.
pub(super) fn check_caching_mode(fields: Object<'_>) -> Result<(), String> {
    let Some(mode) = fields.get_str("caching_mode") else {
        return Ok(());
    };
    match mode.as_str() {
        Some("serialized" | "deserialized") => Ok(()),
        Some(mode) => Err(format!(
            "invalid value specified for \"caching_mode\" field: {mode}"
        )),
        None => Err("invalid value for \"caching_mode\" field".to_owned()),
    }
}

/// Go's `strconv.ParseBool` of the value's text.
fn boolean(value: Value<'_>) -> Result<bool, Failure> {
    let text = rego_text(value);
    match text.as_str() {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(Failure::request(format!(
            "strconv.ParseBool: parsing {}: invalid syntax",
            quoted(&text)
        ))),
    }
}

fn timeout(value: Value<'_>) -> Result<Option<Duration>, Failure> {
    let nanoseconds = match value.view() {
        View::String(text) => match text.as_str().parse::<i64>() {
            Ok(nanoseconds) => nanoseconds,
            Err(_) => duration::parse(text.as_str()).map_err(|why| {
                let value = rego_text(value);
                Failure::request(format!("invalid timeout value {value}: {why}"))
            })?,
        },
        _ if value.is_number() => plain_integer(value).ok_or_else(|| {
            let value = rego_text(value);
            Failure::request(format!(
                "invalid timeout number value {value}, must be int64"
            ))
        })?,
        _ => {
            let kind = value.kind().name();
            return Err(wrong_keys(&format!(
                "'timeout' must be one of {{string, number}} but got {kind}"
            )));
        }
    };
    // Less than nothing is no timeout, as nothing is.
    let nanoseconds = u64::try_from(nanoseconds).unwrap_or(0);
    Ok((nanoseconds > 0).then(|| Duration::from_nanos(nanoseconds)))
}

/// How Go's `%q` shows the JSON of a value.
fn shown(value: Value<'_>) -> String {
    enum Part<'a> {
        Value(Value<'a>),
        Text(String),
    }
    let mut out = String::new();
    let mut open = vec![Part::Value(value)];
    while let Some(part) = open.pop() {
        let value = match part {
            Part::Value(value) => value,
            Part::Text(text) => {
                out.push_str(&text);
                continue;
            }
        };
        let elements = match value.view() {
            View::Null => {
                // Go knows of no type only where nothing is around it.
                out.push_str(match out.is_empty() {
                    true => "%!q(<nil>)",
                    false => "<nil>",
                });
                continue;
            }
            View::Boolean(truth) => {
                out.push_str(&format!("%!q(bool={truth})"));
                continue;
            }
            View::String(text) => {
                push_quoted(&mut out, text.as_str(), Charset::Unicode);
                continue;
            }
            View::Integer(_) | View::Number(_) => {
                push_quoted(&mut out, &rego_text(value), Charset::Unicode);
                continue;
            }
            View::Array(array) => array.as_slice(),
            View::Set(set) => set.as_sorted_slice(),
            View::Object(object) => {
                let mut members: Vec<_> = object.iter().map(|(k, v)| (name_of(k), v)).collect();
                members.sort_by(|(a, _), (b, _)| a.cmp(b));
                out.push_str("map[");
                open.push(Part::Text("]".to_owned()));
                for (i, (name, value)) in members.into_iter().enumerate().rev() {
                    let space = if i > 0 { " " } else { "" };
                    open.push(Part::Value(value));
                    open.push(Part::Text(format!("{space}{}:", quoted(&name))));
                }
                continue;
            }
        };
        out.push('[');
        open.push(Part::Text("]".to_owned()));
        for (i, element) in elements.iter().enumerate().rev() {
            open.push(Part::Value(*element));
            if i > 0 {
                open.push(Part::Text(" ".to_owned()));
            }
        }
    }
    out
}

/// A key as JSON has it.
fn name_of(key: Value<'_>) -> String {
    match key.as_str() {
        Some(name) => name.to_owned(),
        None => json::to_string(key, Style::Marshal),
    }
}

/// What the request says of certificates, before files and variables are read.
#[derive(Default)]
struct TlsFields<'a> {
    roots: Option<&'a str>,
    roots_file: Option<&'a str>,
    roots_variable: Option<&'a str>,
    certificate: Option<&'a str>,
    certificate_file: Option<&'a str>,
    certificate_variable: Option<&'a str>,
    key: Option<&'a str>,
    key_file: Option<&'a str>,
    key_variable: Option<&'a str>,
}

impl TlsFields<'_> {
    fn load(&self, cx: &mut Call<'_, '_>, tls: &mut HttpTls) -> Result<(), Failure> {
        let pair = |one: Option<&str>, other: Option<&str>| match (one, other) {
            (Some(one), Some(other)) if !one.is_empty() && !other.is_empty() => {
                Some((one.to_owned(), other.to_owned()))
            }
            _ => None,
        };
        let mut add = |certificates: Vec<u8>, key: Vec<u8>, context: String| {
            tls.identities.push(Identity {
                certificates,
                key,
                context,
            });
        };
        if let Some((certificates, key)) = pair(self.certificate, self.key) {
            add(certificates.into_bytes(), key.into_bytes(), String::new());
        }
        if let Some((certificates, key)) = pair(self.certificate_file, self.key_file) {
            let certificates = file(cx, &certificates)?;
            add(certificates, file(cx, &key)?, String::new());
        }
        if let Some((certificates, key)) = pair(self.certificate_variable, self.key_variable) {
            let (one, other) = (quoted(&certificates), quoted(&key));
            let context =
                format!("cannot extract public/private key pair from envvars {one}, {other}: ");
            let certificates = variable(cx, &certificates);
            add(certificates, variable(cx, &key), context);
        }
        let mut trust = |pem: Vec<u8>, failure: String| tls.roots.push(Roots { pem, failure });
        const FAILURE: &str = "could not append certificates";
        let named = |name: Option<&'_ str>| {
            let name = name.filter(|name| !name.is_empty());
            name.map(str::to_owned)
        };
        if let Some(pem) = named(self.roots) {
            trust(pem.replace("\\n", "\n").into_bytes(), FAILURE.to_owned());
        }
        if let Some(path) = named(self.roots_file) {
            let failure = format!("could not append CA certificates from {}", quoted(&path));
            trust(file(cx, &path)?, failure);
        }
        if let Some(name) = named(self.roots_variable) {
            let failure = format!(
                "could not add CA certificates from envvar {}: {FAILURE}",
                quoted(&name)
            );
            trust(variable(cx, &name), failure);
        }
        Ok(())
    }
}

fn file(cx: &mut Call<'_, '_>, path: &str) -> Result<Vec<u8>, Failure> {
    cx.host.file(path).map_err(Failure::request)
}

fn variable(cx: &mut Call<'_, '_>, name: &str) -> Vec<u8> {
    cx.host.variable(name).unwrap_or_default().into_bytes()
}

/// Refuses machines that the host does not allow.
pub(super) fn check_host(cx: &mut Call<'_, '_>, url: &Url) -> Result<(), String> {
    let machine = url.hostname();
    if cx.host.allows_network(&machine) {
        Ok(())
    } else {
        Err(format!("disallowed host: {machine}"))
    }
}

impl Request {
    /// Reads the request; headers that are ignored are left out.
    pub(super) fn read<'a>(
        cx: &mut Call<'a, '_>,
        fields: Object<'a>,
        ignored: &[Value<'a>],
    ) -> Result<Request, Failure> {
        let mut method = String::new();
        let mut url = "";
        let mut headers = None;
        let mut request = Request {
            method: String::new(),
            url: Url::default(),
            headers: Headers::default(),
            host: None,
            body: Vec::new(),
            follows_redirects: false,
            timeout: Some(DEFAULT_TIMEOUT),
            tls: HttpTls::default(),
            socket: None,
        };
        let mut tls = TlsFields::default();
        for (name, value) in fields.iter() {
            let name = name.as_str().unwrap_or_default();
            let text = || {
                let text = value.as_str().map(|text| text.trim_matches('"'));
                text.ok_or_else(|| Failure::request(format!("{} must be a string", quoted(name))))
            };
            match name {
                "method" => method = text()?.to_uppercase(),
                "url" => {
                    url = text()?;
                    let parsed = Url::parse(url).map_err(Failure::request)?;
                    check_host(cx, &parsed).map_err(Failure::request)?;
                }
                "enable_redirect" => request.follows_redirects = boolean(value)?,
                // The raw body, which comes later, takes precedence.
                "body" => {
                    charge_text(cx, value)?;
                    request.body = json::to_string(value, Style::Marshal).into_bytes();
                }
                "raw_body" => {
                    let text = text()?;
                    charge_bytes(cx, text.len())?;
                    cx.reserve(text.len())?;
                    request.body = text.as_bytes().to_vec();
                }
                "headers" => {
                    let object = value.as_object();
                    let wrong = || Failure::request("invalid type for headers key");
                    headers = Some(object.ok_or_else(wrong)?);
                }
                "timeout" => request.timeout = timeout(value)?,
                "tls_ca_cert" => tls.roots = Some(text()?),
                "tls_ca_cert_file" => tls.roots_file = Some(text()?),
                "tls_ca_cert_env_variable" => tls.roots_variable = Some(text()?),
                "tls_client_cert" => tls.certificate = Some(text()?),
                "tls_client_cert_file" => tls.certificate_file = Some(text()?),
                "tls_client_cert_env_variable" => tls.certificate_variable = Some(text()?),
                "tls_client_key" => tls.key = Some(text()?),
                "tls_client_key_file" => tls.key_file = Some(text()?),
                "tls_client_key_env_variable" => tls.key_variable = Some(text()?),
                "tls_insecure_skip_verify" => request.tls.skip_verification = boolean(value)?,
                "tls_server_name" => {
                    request.tls.server_name = Some(text()?.to_owned()).filter(|n| !n.is_empty());
                }
                "tls_use_system_certs" => request.tls.system_roots = boolean(value)?,
                _ => {}
            }
        }
        tls.load(cx, &mut request.tls)?;
        request.method = match method.as_str() {
            "" => "GET".to_owned(),
            name if is_token_text(name) => method,
            name => {
                let name = quoted(name);
                return Err(Failure::request(format!("net/http: invalid method {name}")));
            }
        };
        let (url, socket) = socket(cx, url)?;
        request.url = Url::parse(&url).map_err(Failure::request)?;
        if request.url.port().is_some_and(|port| port.is_empty()) {
            // Go drops the colon of a port that is not there.
            request.url.host.pop();
        }
        request.socket = socket;
        if let Some(headers) = headers {
            request.read_headers(cx, headers, ignored)?;
        }
        if request.headers.first("User-Agent").is_none() {
            request.headers.set("User-Agent", USER_AGENT);
        }
        Ok(request)
    }

    fn read_headers<'a>(
        &mut self,
        cx: &mut Call<'a, '_>,
        headers: Object<'a>,
        ignored: &[Value<'a>],
    ) -> Result<(), Failure> {
        for (name, value) in headers.iter() {
            if is_ignored(name, ignored) {
                continue;
            }
            charge_text(cx, name)?;
            charge_text(cx, value)?;
            let name = name_of(name);
            let Some(value) = value.as_str() else {
                let value = shown(value);
                return Err(Failure::request(format!(
                    "invalid type for headers value {value}"
                )));
            };
            if canonical(&name) == "Host" {
                self.host = Some(value.to_owned());
            } else {
                self.headers.set(&name, value);
            }
        }
        // Who sets the host means that machine, so its certificate counts.
        if self.tls.server_name.is_none() {
            self.tls.server_name = self.host.clone().filter(|host| !host.is_empty());
        }
        Ok(())
    }
}

/// For `unix://host/path?socket=file`: the URL over HTTP without that parameter, and the file.
fn socket(cx: &mut Call<'_, '_>, text: &str) -> Result<(String, Option<String>), Failure> {
    let as_it_is = || Ok((text.to_owned(), None));
    let mut url = Url::parse(text).map_err(Failure::request)?;
    let query = std::mem::take(&mut url.query);
    if url.scheme != "unix" || query.is_empty() {
        return as_it_is();
    }
    charge_bytes(cx, query.len() * 4)?;
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Ok(name), Ok(value)) = (query_unescaped(name), query_unescaped(value)) else {
            return as_it_is();
        };
        if pair.contains(';') {
            return as_it_is();
        }
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        pairs.push((text(name), text(value)));
    }
    let socket = pairs.iter().find(|(name, _)| name == "socket");
    let socket = socket.map_or_else(String::new, |(_, path)| path.clone());
    pairs.retain(|(name, _)| name != "socket");
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let mut rest = Text::new(cx);
    for (i, (name, value)) in pairs.iter().enumerate() {
        if i > 0 {
            rest.push('&')?;
        }
        push_query_escaped(&mut rest, name)?;
        rest.push('=')?;
        push_query_escaped(&mut rest, value)?;
    }
    url.query = rest.as_str().to_owned();
    url.scheme = "http".to_owned();
    Ok((url.to_string(), Some(socket)))
}

/// The value of `Authorization` for name and password of a URL.
pub(super) fn basic_authorization(url: &Url) -> Option<String> {
    let credentials = url.credentials()?;
    Some(format!("Basic {}", STANDARD.encode(credentials)))
}
