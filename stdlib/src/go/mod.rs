//! Text rules of the Go language that show through in OPA's answers: quoting, number formats, `fmt` verbs, URLs.

pub(crate) mod address;
#[cfg(feature = "http")]
pub(crate) mod duration;
pub(crate) mod float;
pub(crate) mod format;
pub(crate) mod quote;
#[cfg(any(feature = "http", feature = "jsonschema", feature = "x509"))]
pub(crate) mod url;
pub(crate) mod url_parts;
