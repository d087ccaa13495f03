//! References between documents (RFC 3986, 5.2), as Go resolves them.

use super::{Part, Url, decoded};

impl Url {
    /// What a reference means that stands in a document at this URL.
    pub(crate) fn resolve(&self, reference: &Url) -> Url {
        let mut url = reference.clone();
        if url.scheme.is_empty() {
            url.scheme.clone_from(&self.scheme);
        }
        let absolute =
            !reference.scheme.is_empty() || !reference.host.is_empty() || reference.user.is_some();
        if absolute {
            url.set_path(&joined(&reference.escaped_path(), ""));
            return url;
        }
        let without_authority = |mut url: Url| {
            url.user = None;
            url.host = Vec::new();
            url.path = Vec::new();
            url
        };
        if !reference.opaque.is_empty() {
            return without_authority(url);
        }
        if reference.path.is_empty() && !reference.force_query && reference.query.is_empty() {
            url.query.clone_from(&self.query);
            if reference.fragment.is_empty() {
                url.fragment.clone_from(&self.fragment);
                url.raw_fragment.clone_from(&self.raw_fragment);
            }
        }
        if reference.path.is_empty() && !self.opaque.is_empty() {
            url.opaque.clone_from(&self.opaque);
            return without_authority(url);
        }
        url.host.clone_from(&self.host);
        url.user.clone_from(&self.user);
        url.set_path(&joined(&self.escaped_path(), &reference.escaped_path()));
        url
    }

    fn set_path(&mut self, escaped: &str) {
        if let Ok((path, raw)) = decoded(escaped, Part::Path) {
            (self.path, self.raw_path) = (path, raw);
        }
    }

    /// The URL without what stands behind `#`.
    #[cfg(feature = "jsonschema")]
    pub(crate) fn without_fragment(&self) -> Url {
        Url {
            fragment: Vec::new(),
            raw_fragment: String::new(),
            ..self.clone()
        }
    }
}

/// The path of a reference (RFC 3986, 5.2.4), with its dot segments followed.
fn joined(base: &str, reference: &str) -> String {
    let directory = &base[..base.rfind('/').map_or(0, |at| at + 1)];
    let full = match reference.as_bytes().first() {
        None => base.to_owned(),
        Some(b'/') => reference.to_owned(),
        Some(_) => format!("{directory}{reference}"),
    };
    if full.is_empty() {
        return full;
    }
    let mut out = String::from("/");
    let mut first = true;
    for part in full.split('/') {
        match part {
            "." => first = false,
            ".." => {
                let end = out[1..].rfind('/').map_or(1, |at| at + 1);
                out.truncate(end);
                first = end == 1;
            }
            _ => {
                if !first {
                    out.push('/');
                }
                out.push_str(part);
                first = false;
            }
        }
    }
    if matches!(full.rsplit('/').next(), Some("." | "..")) {
        out.push('/');
    }
    if out.as_bytes().get(1) == Some(&b'/') {
        out.remove(0);
    }
    out
}
