//! Headers: Go's spelling of their names, and what some of them say.

use std::collections::BTreeMap;

/// Headers by name, in Go's spelling; each with its values in their order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Headers {
    by_name: BTreeMap<String, Vec<String>>,
}

impl Headers {
    pub(super) fn add(&mut self, name: &str, value: &str) {
        let values = self.by_name.entry(canonical(name)).or_default();
        values.push(value.to_owned());
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.by_name.insert(canonical(name), vec![value.to_owned()]);
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.by_name.remove(&canonical(name));
    }

    /// The first value of a name.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        let values = self.by_name.get(&canonical(name))?;
        values.first().map(String::as_str)
    }

    /// Takes the values of all names that others have.
    pub(super) fn replace(&mut self, others: &Headers) {
        for (name, values) in &others.by_name {
            self.by_name.insert(name.clone(), values.clone());
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.by_name
            .iter()
            .map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// Bytes that they take.
    pub(super) fn size(&self) -> usize {
        let texts = self.by_name.iter().map(|(name, values)| {
            name.len() + 64 + values.iter().map(|value| value.len() + 24).sum::<usize>()
        });
        texts.sum()
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a text may be the name of a header, or a method.
pub(super) fn is_token_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token)
}

/// Whether a text may be the value of a header.
pub(super) fn is_value(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

/// `content-type` as `Content-Type`; what is no name stays as it is.
pub(super) fn canonical(name: &str) -> String {
    if !name.bytes().all(is_token) {
        return name.to_owned();
    }
    let mut starts = true;
    name.chars()
        .map(|c| {
            let c = if starts {
                c.to_ascii_uppercase()
            } else {
                c.to_ascii_lowercase()
            };
            starts = c == '-';
            c
        })
        .collect()
}

/// Whether a `Content-Type` is that of JSON.
pub(super) fn is_json(content_type: &str) -> bool {
    let media = content_type.split(';').next().unwrap_or_default();
    let media = media.trim().to_ascii_lowercase();
    match media.split_once('/') {
        Some(("application", kind)) => kind == "json" || kind.ends_with("+json"),
        _ => false,
    }
}

/// Whether a `Content-Type` is that of YAML.
pub(super) fn is_yaml(content_type: &str) -> bool {
    content_type.contains("application/yaml") || content_type.contains("application/x-yaml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_go_spells_them() {
        for (name, spelled) in [
            ("content-type", "Content-Type"),
            ("X-FORWARDED-FOR", "X-Forwarded-For"),
            ("foo_bar", "Foo_bar"),
            ("a b", "a b"),
            ("", ""),
        ] {
            assert_eq!(canonical(name), spelled);
        }
    }

    #[test]
    fn types_of_json_and_yaml() {
        for (text, json) in [
            ("application/json", true),
            ("application/json; charset=utf-8", true),
            ("Application/Vnd.API+JSON", true),
            ("text/json", false),
            ("application/jsonx", false),
            ("json", false),
            ("", false),
        ] {
            assert_eq!(is_json(text), json, "{text}");
        }
        assert!(is_yaml("application/x-yaml;x") && !is_yaml("text/yaml"));
    }

    #[test]
    fn headers_have_values_in_order() {
        let mut headers = Headers::default();
        headers.add("a", "1");
        headers.add("A", "2");
        headers.set("b-c", "3");
        assert_eq!(headers.first("A"), Some("1"));
        let mut others = Headers::default();
        others.add("a", "4");
        headers.replace(&others);
        headers.remove("B-C");
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all, [("A", &["4".to_owned()][..])]);
    }
}
