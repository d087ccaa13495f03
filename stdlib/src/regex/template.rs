//! Replacement texts with references to groups, as Go's `Expand` reads them.

use std::ops::Range;

use regovm_core::builtin::BuiltinError;

use crate::text::Text;

#[derive(Debug, PartialEq, Eq)]
enum Part<'t> {
    Literal(&'t str),
    Group(usize),
    Name(&'t str),
}

/// A replacement text taken apart.
#[derive(Debug)]
pub(super) struct Template<'t>(Vec<Part<'t>>);

impl<'t> Template<'t> {
    pub(super) fn parse(text: &'t str) -> Template<'t> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            parts.push(Part::Literal(before));
            rest = if let Some(after) = after.strip_prefix('$') {
                parts.push(Part::Literal("$"));
                after
            } else if let Some((part, after)) = reference(after) {
                parts.push(part);
                after
            } else {
                parts.push(Part::Literal("$"));
                after
            };
        }
        parts.push(Part::Literal(rest));
        Template(parts)
    }

    /// Appends the text for one match.
    pub(super) fn expand(
        &self,
        names: &[Option<String>],
        text: &str,
        groups: &[Option<Range<usize>>],
        out: &mut Text<'_, '_, '_>,
    ) -> Result<(), BuiltinError> {
        out.work(8 * self.0.len())?;
        for part in &self.0 {
            let group = match part {
                Part::Literal(literal) => {
                    out.push_str(literal)?;
                    continue;
                }
                Part::Group(number) => groups.get(*number).cloned().flatten(),
                // Several groups may have the name; the first that took part counts.
                Part::Name(name) => names
                    .iter()
                    .zip(groups.iter().skip(1))
                    .filter(|(known, _)| known.as_deref() == Some(*name))
                    .find_map(|(_, group)| group.clone()),
            };
            if let Some(group) = group {
                out.push_str(&text[group])?;
            }
        }
        Ok(())
    }
}

/// `1`, `name` or `{name}` after a dollar sign.
fn reference(text: &str) -> Option<(Part<'_>, &str)> {
    let (inner, braced) = text
        .strip_prefix('{')
        .map_or((text, false), |inner| (inner, true));
    let end = inner
        .find(|c: char| c != '_' && !c.is_alphabetic() && !c.is_ascii_digit())
        .unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    if name.is_empty() {
        return None;
    }
    let rest = if braced {
        rest.strip_prefix('}')?
    } else {
        rest
    };
    let number =
        name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    let part = match name.parse() {
        Ok(group) if number => Part::Group(group),
        _ => Part::Name(name),
    };
    Some((part, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let parts = |text| {
            Template::parse(text)
                .0
                .into_iter()
                .filter(|p| *p != Part::Literal(""))
                .collect::<Vec<_>>()
        };
        assert_eq!(parts("a$1b"), [Part::Literal("a"), Part::Name("1b")]);
        assert_eq!(
            parts("${1}b$0"),
            [Part::Group(1), Part::Literal("b"), Part::Group(0)]
        );
        assert_eq!(parts("$$1"), [Part::Literal("$"), Part::Literal("1")]);
        assert_eq!(
            parts("$-${a"),
            [
                Part::Literal("$"),
                Part::Literal("-"),
                Part::Literal("$"),
                Part::Literal("{a")
            ]
        );
        assert_eq!(parts("$01$x_1"), [Part::Name("01"), Part::Name("x_1")]);
    }
}
