//! What is kept of responses: for the query, so that it sees one answer to one request; and between queries, as far as
//! requests ask for it and servers allow it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use super::headers::Headers;
use super::response::Response;
use super::send::Failure;
use crate::go::quote::{Charset, push_quoted};

/// Bytes between queries, at most. The oldest responses go first.
const MOST_KEPT: usize = 32 << 20;

/// Statuses of which a cache may keep the response (RFC 7231, 6.1).
const CACHEABLE: &[u16] = &[200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501];

pub(super) fn is_cacheable(code: u16) -> bool {
    CACHEABLE.contains(&code)
}

/// A response that outlives the query.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) response: Arc<Response>,
    /// Until when it counts without asking again, in nanoseconds since 1970.
    pub(super) expires_ns: i64,
}

/// What the cache has for a request.
pub(super) enum Freshness {
    None,
    Fresh(Arc<Response>),
    Stale(Entry),
}

/// What a query has seen of a request.
type Seen = Result<Arc<Response>, Failure>;

/// Both caches of a session, by the text of the request.
#[derive(Default)]
pub(super) struct Store {
    run: u64,
    of_query: HashMap<String, Seen>,
    between: HashMap<String, Entry>,
    /// The keys in the order they came in; some may be gone.
    order: VecDeque<String>,
    bytes: usize,
}

impl Store {
    /// What this query has seen. What an earlier one has seen is forgotten.
    pub(super) fn of_query(&mut self, run: u64, key: &str) -> Option<Seen> {
        if self.run != run {
            self.run = run;
            self.of_query.clear();
        }
        self.of_query.get(key).cloned()
    }

    pub(super) fn keep_for_query(&mut self, key: String, seen: Seen) {
        self.of_query.insert(key, seen);
    }

    pub(super) fn find(&self, key: &str, now_ns: Option<i64>) -> Freshness {
        match self.between.get(key) {
            None => Freshness::None,
            Some(entry) if now_ns.is_some_and(|now| now < entry.expires_ns) => {
                Freshness::Fresh(entry.response.clone())
            }
            Some(entry) => Freshness::Stale(entry.clone()),
        }
    }

    pub(super) fn keep(&mut self, key: String, entry: Entry) {
        self.forget(&key);
        let size = size(&key, &entry);
        if size > MOST_KEPT {
            return;
        }
        while self.bytes + size > MOST_KEPT || self.order.len() > 2 * self.between.len() + 16 {
            let Some(oldest) = self.order.pop_front() else {
                break;
            };
            self.forget(&oldest);
        }
        self.bytes += size;
        self.order.push_back(key.clone());
        self.between.insert(key, entry);
    }

    pub(super) fn forget(&mut self, key: &str) {
        if let Some(entry) = self.between.remove(key) {
            self.bytes -= size(key, &entry);
        }
    }
}

fn size(key: &str, entry: &Entry) -> usize {
    2 * key.len() + entry.response.size() + 256
}

/// The directives of `Cache-Control`; of repeated ones the last counts.
fn directives(headers: &Headers) -> HashMap<&str, &str> {
    let mut found = HashMap::new();
    let text = headers.first("cache-control").unwrap_or_default();
    for part in text.split(',').map(|part| part.trim_matches(' ')) {
        match part.split_once('=') {
            None if part.is_empty() => {}
            None => {
                found.insert(part, "");
            }
            // A second `=` makes it no directive.
            Some((_, value)) if value.contains('=') => {}
            Some((name, value)) => {
                found.insert(name.trim_matches(' '), value);
            }
        }
    }
    found
}

/// False if the server forbids to keep the response.
pub(super) fn may_store(headers: &Headers) -> bool {
    !directives(headers).contains_key("no-store")
}

/// When a response expires by its headers; one that says nothing has expired already.
pub(super) fn expiry(headers: &Headers) -> Result<i64, String> {
    let Some(age) = directives(headers).get("max-age").copied() else {
        let expires = headers.first("expires").and_then(date_ns);
        return Ok(expires.unwrap_or(i64::MIN));
    };
    let seconds = max_age(age)?;
    let date = headers.first("date").filter(|date| !date.is_empty());
    let date = date.ok_or("no date header")?;
    let created = date_ns(date).ok_or_else(|| {
        let mut message = "parsing time ".to_owned();
        push_quoted(&mut message, date, Charset::Unicode);
        message.push_str(" as \"Mon Jan _2 15:04:05 2006\": cannot parse it");
        message
    })?;
    Ok(created.saturating_add(seconds * 1_000_000_000))
}

fn max_age(text: &str) -> Result<i64, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        let mut message = "strconv.ParseUint: parsing ".to_owned();
        push_quoted(&mut message, text, Charset::Unicode);
        message.push_str(": invalid syntax");
        return Err(message);
    }
    let most = i64::from(i32::MAX);
    Ok(text.parse::<i64>().map_or(most, |age| age.min(most)))
}

fn date_ns(text: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(text).ok()?;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::default();
        for (name, value) in pairs {
            headers.add(name, value);
        }
        headers
    }

    #[test]
    fn expiry_follows_the_headers() {
        const DATE: (&str, &str) = ("date", "Thu, 01 Jan 1970 00:00:10 GMT");
        const EXPIRES: (&str, &str) = ("expires", "Thu, 01 Jan 1970 00:00:30 GMT");
        let second = 1_000_000_000;
        for (pairs, expires) in [
            (&[][..], Ok(i64::MIN)),
            (&[EXPIRES], Ok(30 * second)),
            (&[("expires", "0")], Ok(i64::MIN)),
            (
                &[DATE, EXPIRES, ("cache-control", "max-age=5")],
                Ok(15 * second),
            ),
            (
                &[DATE, ("cache-control", "public , max-age =7")],
                Ok(17 * second),
            ),
            (
                &[DATE, ("cache-control", "max-age=99999999999999999999999")],
                Ok((10 + i64::from(i32::MAX)) * second),
            ),
            (&[("cache-control", "max-age=5")], Err("no date header")),
            (
                &[DATE, ("cache-control", "max-age=-5")],
                Err("strconv.ParseUint: parsing \"-5\": invalid syntax"),
            ),
            // Two `=` are no directive.
            (
                &[DATE, EXPIRES, ("cache-control", "max-age=5=6")],
                Ok(30 * second),
            ),
        ] {
            let got = expiry(&headers(pairs));
            assert_eq!(got, expires.map_err(str::to_owned), "{pairs:?}");
        }
        assert!(!may_store(&headers(&[("cache-control", "no-store")])));
        assert!(may_store(&headers(&[("cache-control", "no-cache")])));
    }

    fn entry(bytes: usize, expires_ns: i64) -> Entry {
        let response = Response {
            body: vec![0; bytes],
            ..Response::default()
        };
        Entry {
            response: Arc::new(response),
            expires_ns,
        }
    }

    #[test]
    fn the_store_is_bounded() {
        let mut store = Store::default();
        for i in 0..100 {
            store.keep(format!("{i}"), entry(1 << 20, i64::MAX));
            store.keep("same".to_owned(), entry(10, i64::MAX));
        }
        assert!(store.bytes <= MOST_KEPT && store.between.len() > 20);
        assert!(matches!(store.find("99", Some(0)), Freshness::Fresh(_)));
        assert!(matches!(store.find("0", Some(0)), Freshness::None));
        assert!(store.order.len() <= 2 * store.between.len() + 17);
        store.keep("large".to_owned(), entry(MOST_KEPT, 0));
        assert!(matches!(store.find("large", Some(0)), Freshness::None));
    }

    #[test]
    fn what_has_expired_is_stale() {
        let mut store = Store::default();
        store.keep("a".to_owned(), entry(1, 100));
        assert!(matches!(store.find("a", Some(99)), Freshness::Fresh(_)));
        assert!(matches!(store.find("a", Some(100)), Freshness::Stale(_)));
        assert!(matches!(store.find("a", None), Freshness::Stale(_)));
        store.forget("a");
        assert_eq!(store.bytes, 0);
    }

    #[test]
    fn a_query_forgets_what_the_last_one_saw() {
        let mut store = Store::default();
        assert_eq!(store.of_query(1, "a"), None);
        let failure = Failure::Plain("no".to_owned());
        store.keep_for_query("a".to_owned(), Err(failure.clone()));
        assert_eq!(store.of_query(1, "a"), Some(Err(failure)));
        assert_eq!(store.of_query(2, "a"), None);
    }
}
