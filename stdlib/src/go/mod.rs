//! Text rules of the Go language that show through in OPA's answers: quoting, number formats, `fmt` verbs.

pub(crate) mod address;
pub(crate) mod float;
pub(crate) mod format;
pub(crate) mod quote;
pub(crate) mod url_parts;
