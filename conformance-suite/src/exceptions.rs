//! Cases that are known to fail, each with a reason.

use std::collections::BTreeMap;

/// The exceptions: name of the case to reason.
#[derive(Debug, Default)]
pub struct Exceptions(BTreeMap<String, String>);

impl Exceptions {
    /// Reads lines of the form `v1/folder/note :: reason`; `#` begins a comment line.
    ///
    /// # Errors
    /// The first line without a reason.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut out = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once(" :: ") {
                Some((id, reason)) if !reason.trim().is_empty() => {
                    out.insert(id.trim().to_owned(), reason.trim().to_owned());
                }
                _ => {
                    return Err(format!(
                        "line {}: an exception needs ` :: ` and a reason",
                        number + 1
                    ));
                }
            }
        }
        Ok(Self(out))
    }

    /// The reason why a case may fail.
    pub fn reason(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }

    /// The names of all of them.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::Exceptions;

    #[test]
    fn every_line_has_a_reason() {
        let text = "# comment\n\nv1/time/time caching :: test.sleep exists in OPA's tests only\n";
        let exceptions = Exceptions::parse(text).unwrap();
        assert_eq!(
            exceptions.reason("v1/time/time caching"),
            Some("test.sleep exists in OPA's tests only")
        );
        assert_eq!(exceptions.reason("v1/other"), None);
        assert!(Exceptions::parse("v1/x ::  ").is_err());
        assert!(Exceptions::parse("v1/x").is_err());
    }
}
