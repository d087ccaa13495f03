//! The course of a call: from the request through the caches to the answer, or to an error in OPA's words.

use std::sync::Arc;

use regovm_core::builtin::{BuiltinError, Call, StopReason};
use regovm_core::value::{Object, Value};

use super::cache::{self, Entry, Freshness, Store};
use super::exchange;
use super::request::{self, Request, flag};
use super::response::Response;
use crate::operand::{Outcome, object, operands, wrong};

/// Why a call has no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// The query is over.
    Stop(StopReason),
    /// The request is wrong: text and if it is a matter of types. OPA's text has the place of the call in front.
    Request { text: String, is_type: bool },
    /// Something failed whose text has no place in front.
    Plain(String),
    /// The exchange failed.
    Network {
        text: String,
        /// What to say instead if the error is raised.
        timed_out: Option<String>,
    },
}

impl Failure {
    pub(super) fn request(text: impl Into<String>) -> Failure {
        Failure::Request {
            text: text.into(),
            is_type: false,
        }
    }

    /// As an error of the evaluation.
    fn raised(self) -> BuiltinError {
        match self {
            Failure::Stop(reason) => BuiltinError::Stop(reason),
            Failure::Request {
                text,
                is_type: true,
            } => BuiltinError::Type(text),
            Failure::Request { text, .. } | Failure::Plain(text) => BuiltinError::Value(text),
            Failure::Network { text, timed_out } => BuiltinError::Value(timed_out.unwrap_or(text)),
        }
    }

    /// As the answer of a request that wants no errors raised.
    fn answered<'a>(self, cx: &mut Call<'a, '_>) -> Outcome<'a> {
        let (code, text) = match self {
            Failure::Stop(reason) => return Err(BuiltinError::Stop(reason)),
            Failure::Network { text, .. } => ("eval_http_send_network_error", text),
            Failure::Plain(text) => ("eval_http_send_internal_error", text),
            Failure::Request { text, is_type } => {
                let kind = if is_type {
                    "eval_type_error"
                } else {
                    "eval_builtin_error"
                };
                let place = cx
                    .place()
                    .map_or_else(String::new, |place| format!("{place}: "));
                let text = format!("{place}{kind}: http.send: {text}");
                ("eval_http_send_internal_error", text)
            }
        };
        let arena = cx.arena;
        let error = arena.object_from([
            (arena.string("code"), arena.string(code)),
            (arena.string("message"), arena.string(&text)),
        ]);
        Ok(Some(arena.object_from([
            (arena.string("error"), error),
            (arena.string("status_code"), arena.integer(0)),
        ])))
    }
}

impl From<BuiltinError> for Failure {
    fn from(error: BuiltinError) -> Failure {
        match error {
            BuiltinError::Stop(reason) => Failure::Stop(reason),
            BuiltinError::Type(text) => Failure::Request {
                text,
                is_type: true,
            },
            BuiltinError::Value(text) | BuiltinError::Halt(_, text) => Failure::request(text),
        }
    }
}

pub(super) fn send<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let fields = object(x, 1)?;
    let raises = match fields.get_str("raise_error").map(Value::as_bool) {
        None => true,
        Some(Some(raises)) => raises,
        Some(None) => {
            return Err(BuiltinError::value("invalid value for raise_error field"));
        }
    };
    match request::check_keys(cx, fields).and_then(|()| respond(cx, fields)) {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if raises => Err(failure.raised()),
        Err(failure) => failure.answered(cx),
    }
}

/// What a request says of the cache that outlives the query.
struct Caching {
    /// It is used.
    on: bool,
    /// How long a response counts, whatever its headers say.
    forced_ns: Option<i64>,
}

impl Caching {
    fn read(fields: Object<'_>) -> Result<Caching, Failure> {
        let asked = flag(fields, "cache")?;
        if !flag(fields, "force_cache")? {
            return Ok(Caching {
                on: asked,
                forced_ns: None,
            });
        }
        let seconds = request::force_cache_seconds(fields)?;
        Ok(Caching {
            on: true,
            forced_ns: (seconds > 0).then(|| i64::from(seconds) * 1_000_000_000),
        })
    }
}

/// How the body of a response is read.
#[derive(Clone, Copy)]
struct Decoding {
    json: bool,
    yaml: bool,
}

impl Decoding {
    fn read(fields: Object<'_>) -> Result<Decoding, Failure> {
        Ok(Decoding {
            json: flag(fields, "force_json_decode")?,
            yaml: flag(fields, "force_yaml_decode")?,
        })
    }

    fn value<'a>(self, cx: &mut Call<'a, '_>, response: &Response) -> Result<Value<'a>, Failure> {
        Ok(response.value(cx, self.json, self.yaml)?)
    }
}

fn respond<'a>(cx: &mut Call<'a, '_>, fields: Object<'a>) -> Result<Value<'a>, Failure> {
    let ignored = request::ignored_headers(fields)?;
    let key = request::key(cx, fields, ignored)?;
    let caching = Caching::read(fields)?;
    let run = cx.caches.run();
    match cx.cache::<Store>().of_query(run, &key) {
        Some(Ok(response)) => {
            let decoding = Decoding::read(fields)?;
            return decoding.value(cx, &response);
        }
        Some(Err(failure)) => return Err(failure),
        None => {}
    }
    if caching.on {
        // A failure to ask again is that of the whole query.
        let decoding = Decoding::read(fields)?;
        match look_up(cx, fields, ignored, &key, &caching) {
            Ok(None) => {}
            Ok(Some(response)) => {
                let value = decoding.value(cx, &response)?;
                cx.cache::<Store>().keep_for_query(key, Ok(response));
                return Ok(value);
            }
            Err(Failure::Stop(reason)) => return Err(Failure::Stop(reason)),
            Err(failure) => {
                cx.cache::<Store>()
                    .keep_for_query(key, Err(failure.clone()));
                return Err(failure);
            }
        }
    }
    let response = match exchange_with(cx, fields, &[]) {
        Ok(response) => response,
        Err(failure) => {
            match failure {
                Failure::Stop(_) => {}
                _ => cx
                    .cache::<Store>()
                    .keep_for_query(key, Err(failure.clone())),
            }
            return Err(failure);
        }
    };
    let response = match response {
        Ok(response) => Arc::new(response),
        Err(failure) => {
            // The head came and the body did not: the next call tries again.
            cx.transient();
            return Err(failure);
        }
    };
    let decoding = Decoding::read(fields)?;
    let value = decoding.value(cx, &response)?;
    if caching.on {
        cx.cache::<Store>()
            .keep_for_query(key.clone(), Ok(response.clone()));
        // What cannot be kept is no error of the call.
        if let Ok(Some(entry)) = new_entry(cx, fields, &response, &caching) {
            cx.cache::<Store>().keep(key, entry);
        }
    } else if cache::is_cacheable(response.code) {
        cx.cache::<Store>().keep_for_query(key, Ok(response));
    } else {
        cx.transient();
    }
    Ok(value)
}

/// The outcome of an exchange; the inner failure is that of the body.
type Exchanged = Result<Result<Response, Failure>, Failure>;

fn exchange_with<'a>(
    cx: &mut Call<'a, '_>,
    fields: Object<'a>,
    ignored: &[Value<'a>],
) -> Exchanged {
    let request = Request::read(cx, fields, ignored)?;
    let attempts = request::retries(fields)?;
    exchange::run(cx, &request, attempts)
}

/// The response in the cache, asked for again if it is stale.
fn look_up<'a>(
    cx: &mut Call<'a, '_>,
    fields: Object<'a>,
    ignored: &[Value<'a>],
    key: &str,
    caching: &Caching,
) -> Result<Option<Arc<Response>>, Failure> {
    let now = cx.host.now_ns();
    let entry = match cx.cache::<Store>().find(key, now) {
        Freshness::None => return Ok(None),
        Freshness::Fresh(response) => return Ok(Some(response)),
        Freshness::Stale(entry) => entry,
    };
    let mut request = Request::read(cx, fields, ignored)?;
    let validators = [
        ("etag", "If-None-Match"),
        ("last-modified", "If-Modified-Since"),
    ];
    let mut asks = false;
    for (from, to) in validators {
        if let Some(value) = entry.response.headers.first(from).filter(|v| !v.is_empty()) {
            request.headers.set(to, value);
            asks = true;
        }
    }
    if !asks {
        cx.cache::<Store>().forget(key);
        return Ok(None);
    }
    let retries = request::retries(fields);
    let exchanged = retries.and_then(|retries| exchange::run(cx, &request, retries));
    cx.cache::<Store>().forget(key);
    let response = match exchanged {
        Ok(Ok(response)) => response,
        Ok(Err(failure)) | Err(failure) => {
            // Where OPA reads the body here, its error has no place in front.
            return Err(match failure {
                Failure::Request { text, .. } => Failure::Plain(text),
                failure => failure,
            });
        }
    };
    match response.code {
        304 => {
            let mut kept = (*entry.response).clone();
            kept.headers.replace(&response.headers);
            let expires_ns = match caching.forced_ns {
                Some(forced) => now.unwrap_or(i64::MIN).saturating_add(forced),
                None => cache::expiry(&response.headers).map_err(Failure::Plain)?,
            };
            request::check_caching_mode(fields).map_err(Failure::Plain)?;
            let response = Arc::new(kept);
            let entry = Entry {
                response: response.clone(),
                expires_ns,
            };
            cx.cache::<Store>().keep(key.to_owned(), entry);
            Ok(Some(response))
        }
        200 => {
            let response = Arc::new(response);
            let entry = new_entry(cx, fields, &response, caching).map_err(Failure::Plain)?;
            if let Some(entry) = entry {
                cx.cache::<Store>().keep(key.to_owned(), entry);
            }
            Ok(Some(response))
        }
        _ => Ok(None),
    }
}

/// What the cache may keep of a response; the error is that of its headers.
fn new_entry(
    cx: &mut Call<'_, '_>,
    fields: Object<'_>,
    response: &Arc<Response>,
    caching: &Caching,
) -> Result<Option<Entry>, String> {
    let storable = caching.forced_ns.is_some() || cache::may_store(&response.headers);
    if !storable || !cache::is_cacheable(response.code) {
        return Ok(None);
    }
    request::check_caching_mode(fields)?;
    let expires_ns = match (caching.forced_ns, cx.host.now_ns()) {
        (Some(forced), Some(now)) => now.saturating_add(forced),
        // Without a clock nothing is fresh.
        (Some(_), None) => return Ok(None),
        (None, _) => cache::expiry(&response.headers)?,
    };
    Ok(Some(Entry {
        response: response.clone(),
        expires_ns,
    }))
}

/// The words of OPA for an operand that is an object with wrong keys.
pub(super) fn wrong_keys(text: &str) -> Failure {
    Failure::from(wrong(1, text))
}
