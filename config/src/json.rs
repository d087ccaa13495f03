//! JSON as text: what it consists of, and where its values stand, found without making a tree of it.
//!
//! Nothing here checks that a text is JSON; who evaluates it does. Of a text that is none, places may be missing.

use std::borrow::Cow;
use std::collections::HashMap;

use regovm_core::json::{PathStep, locate, locate_all};

use crate::Documents;
use crate::error::ConfigError;
use crate::place::{Place, Step};

/// The text, or the elements of its array.
pub(crate) fn documents(text: &[u8]) -> Result<Documents<'_>, ConfigError> {
    let text = without_mark(text);
    match elements(text) {
        None => Ok(Documents::One(Cow::Borrowed(text))),
        Some(Ok(found)) => Ok(Documents::Several(
            found
                .into_iter()
                .map(|(from, to)| Cow::Borrowed(&text[from..to]))
                .collect(),
        )),
        Some(Err(at)) => {
            let place = crate::place::of_offsets(text, &[Some(at)])[0];
            let error = ConfigError::new("the array is no JSON");
            Err(match place {
                Some(place) => error.at(place),
                None => error,
            })
        }
    }
}

/// Texts of editors that begin with a byte order mark are read without it.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)
}

/// From where to where elements stand.
type Spans = Vec<(usize, usize)>;

/// The elements of the array that the text is, or the offset where it is none.
fn elements(text: &[u8]) -> Option<Result<Spans, usize>> {
    let open = blanks(text, 0);
    if text.get(open) != Some(&b'[') {
        return None;
    }
    Some(split(text, open))
}

fn split(text: &[u8], open: usize) -> Result<Spans, usize> {
    let mut spans = Vec::new();
    let mut at = blanks(text, open + 1);
    if text.get(at) != Some(&b']') {
        loop {
            at = blanks(text, at);
            let end = value_end(text, at).ok_or(at)?;
            spans.push((at, end));
            at = blanks(text, end);
            match text.get(at) {
                Some(b',') => at += 1,
                Some(b']') => break,
                _ => return Err(at),
            }
        }
    }
    let rest = blanks(text, at + 1);
    if rest < text.len() {
        return Err(rest);
    }
    Ok(spans)
}

fn blanks(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// The end of the string that begins at a quotation mark.
fn string_end(text: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The end of the value that begins there; `None` if there is none.
fn value_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut depth = 0usize;
    loop {
        match text.get(at)? {
            b'"' => at = string_end(text, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' if depth == 0 => return None,
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            b',' if depth == 0 => return None,
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            _ => {
                let is_word = |byte: &&u8| !b",:]} \t\n\r\"[{".contains(byte);
                at += text[at..].iter().take_while(is_word).count();
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Places of members (their keys) and elements, by numbers of documents and paths in them.
pub(crate) fn places(text: &[u8], wanted: &[(usize, &[Step])]) -> Vec<Option<Place>> {
    let skipped = text.len() - without_mark(text).len();
    let text = &text[skipped..];
    let is_list = text.get(blanks(text, 0)) == Some(&b'[');
    let mut tables: HashMap<(Vec<PathStep<'_>>, &str), ByText<'_>> = HashMap::new();
    let paths: Vec<Option<Vec<PathStep<'_>>>> = wanted
        .iter()
        .map(|(document, path)| {
            let mut steps = Vec::with_capacity(path.len() + 1);
            if is_list {
                steps.push(PathStep::Element(*document));
            }
            for step in *path {
                let next = match step {
                    Step::Name(name) => PathStep::Member(name),
                    Step::Index(index) => PathStep::Element(*index),
                    Step::Where(name, value) => {
                        let table = tables
                            .entry((steps.clone(), name))
                            .or_insert_with(|| by_text(text, &steps, name));
                        PathStep::Element(table.get(value.as_str()).copied()??)
                    }
                };
                steps.push(next);
            }
            Some(steps)
        })
        .collect();
    let as_written: Vec<&[PathStep<'_>]> = paths
        .iter()
        .map(|steps| steps.as_deref().unwrap_or_default())
        .collect();
    let mut values = locate_all(text, &as_written);
    // A number in the text of a path may be the index of an element.
    let numbered: Vec<usize> = (0..values.len())
        .filter(|i| values[*i].is_none() && as_written[*i].iter().any(|s| index(s).is_some()))
        .collect();
    let retried: Vec<Vec<PathStep<'_>>> = numbered
        .iter()
        .map(|i| {
            let steps = as_written[*i].iter();
            steps
                .map(|step| index(step).map_or(*step, PathStep::Element))
                .collect()
        })
        .collect();
    if !retried.is_empty() {
        for (i, value) in numbered.into_iter().zip(locate_all(text, &retried)) {
            values[i] = value;
        }
    }
    let offsets: Vec<Option<usize>> = values
        .into_iter()
        .zip(&paths)
        .map(|(value, path)| {
            let offset = value.filter(|_| path.is_some())?.offset;
            Some(key_before(text, offset).unwrap_or(offset))
        })
        .collect();
    crate::place::of_offsets(text, &offsets)
}

/// The index that a name is.
fn index(step: &PathStep<'_>) -> Option<usize> {
    match step {
        PathStep::Member(name) => name.parse().ok(),
        PathStep::Element(_) => None,
    }
}

/// Elements of an array by the texts of a member; nothing where several have the same.
type ByText<'t> = HashMap<Cow<'t, str>, Option<usize>>;

/// Goes through an array once for all who look for elements by the same member.
fn by_text<'t>(text: &'t [u8], array: &[PathStep<'_>], name: &str) -> ByText<'t> {
    let mut found = ByText::new();
    let Some(open) = locate(text, array).map(|place| place.offset) else {
        return found;
    };
    if text[open] != b'[' {
        return found;
    }
    let mut at = blanks(text, open + 1);
    let mut index = 0;
    while text.get(at).is_some_and(|byte| *byte != b']') {
        let Some(end) = value_end(text, at) else {
            break;
        };
        if let Some(value) = member_text(text, at, name) {
            found
                .entry(value)
                .and_modify(|known| *known = None)
                .or_insert(Some(index));
        }
        at = next(text, end);
        index += 1;
    }
    found
}

/// The offset of the key of the member whose value is at an offset; `None` for elements.
fn key_before(text: &[u8], value: usize) -> Option<usize> {
    let before = |end: usize| text[..end].trim_ascii_end();
    let key = before(before(value).strip_suffix(b":")?.len());
    let mut open = key.strip_suffix(b"\"")?.len();
    loop {
        open = text[..open].iter().rposition(|byte| *byte == b'"')?;
        let backslashes = text[..open]
            .iter()
            .rev()
            .take_while(|b| **b == b'\\')
            .count();
        if backslashes % 2 == 0 {
            return Some(open);
        }
    }
}

/// Behind the comma that follows a value, or where there is none.
fn next(text: &[u8], end: usize) -> usize {
    let at = blanks(text, end);
    match text.get(at) {
        Some(b',') => blanks(text, at + 1),
        _ => at,
    }
}

/// The members of an object, one after the other; who takes one sets `at` behind its value.
struct Members<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Members<'t> {
    fn of(text: &'t [u8], open: usize) -> Members<'t> {
        Members {
            text,
            at: blanks(text, open + 1),
        }
    }

    /// Key, its offset, and the offset of the value.
    fn next(&mut self) -> Option<(Cow<'t, str>, usize, usize)> {
        let named = self.at;
        if *self.text.get(named)? != b'"' {
            return None;
        }
        let end = string_end(self.text, named)?;
        let colon = blanks(self.text, end);
        if *self.text.get(colon)? != b':' {
            return None;
        }
        let start = blanks(self.text, colon + 1);
        Some((string(self.text.get(named..end)?)?, named, start))
    }
}

/// What a string says.
fn string(quoted: &[u8]) -> Option<Cow<'_, str>> {
    if quoted.contains(&b'\\') {
        return serde_json::from_slice(quoted).ok().map(Cow::Owned);
    }
    let inside = quoted.get(1..quoted.len().checked_sub(1)?)?;
    std::str::from_utf8(inside).ok().map(Cow::Borrowed)
}

/// The text of a member of an object.
fn member_text<'t>(text: &'t [u8], open: usize, name: &str) -> Option<Cow<'t, str>> {
    if text.get(open) != Some(&b'{') {
        return None;
    }
    let mut each = Members::of(text, open);
    while let Some((key, _, start)) = each.next() {
        let end = value_end(text, start)?;
        if key == name {
            let is_text = text[start] == b'"';
            return string(&text[start..end]).filter(|_| is_text);
        }
        each.at = next(text, end);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(json: &str) -> Result<Vec<String>, String> {
        let found = documents(json.as_bytes()).map_err(|e| e.to_string())?;
        let text = |json: &[u8]| String::from_utf8_lossy(json).into_owned();
        Ok(found.iter().map(text).collect())
    }

    #[test]
    fn arrays_are_several_documents() {
        assert_eq!(texts(" {\"a\": [1]} ").unwrap(), [" {\"a\": [1]} "]);
        assert_eq!(texts("\u{feff}1").unwrap(), ["1"]);
        assert_eq!(texts("[]").unwrap(), [""; 0]);
        assert_eq!(
            texts("[ {\"a\":\"]\\\"}\"} , [1,[2]], \"x,y\" ,3]\n").unwrap(),
            ["{\"a\":\"]\\\"}\"}", "[1,[2]]", "\"x,y\"", "3"]
        );
        for wrong in ["[1", "[1,]", "[1] 2", "[,]", "[1}", "[\"", "[{]"] {
            assert!(texts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_are_found_where_they_stand() {
        let text =
            r#"{"a": {"b\n": [10, {"n": "x", "v": 1}, {"n": "y", "v": 2}, {"n": "y"}]}, "c": 3}"#;
        let name = Step::name;
        let which = |n: &str| Step::Where("n".to_owned(), n.to_owned());
        let paths = [
            vec![],
            vec![name("a")],
            vec![name("a"), name("b\n"), Step::Index(0)],
            vec![name("a"), name("b\n"), name("1"), name("v")],
            vec![name("a"), name("b\n"), which("x"), name("v")],
            vec![name("a"), name("b\n"), which("y"), name("v")],
            vec![name("c")],
            vec![name("c"), name("d")],
            vec![name("missing")],
        ];
        let wanted: Vec<(usize, &[Step])> = paths.iter().map(|path| (0, path.as_slice())).collect();
        let columns = places(text.as_bytes(), &wanted);
        let at = |needle: &str| text.find(needle);
        assert_eq!(
            columns
                .into_iter()
                .map(|p| p.map(|p| p.column - 1))
                .collect::<Vec<_>>(),
            [
                Some(0),
                at("\"a\""),
                at("10"),
                at("\"v\": 1"),
                at("\"v\": 1"),
                None,
                at("\"c\""),
                None,
                None
            ]
        );
        let list = br#"[{"a": 1}, {"a\"b" : 2}]"#;
        let paths = [[name("a")], [name("a\"b")]];
        let found = places(list, &[(0, &paths[0]), (1, &paths[1]), (2, &paths[0])]);
        assert_eq!(
            found
                .into_iter()
                .map(|p| p.map(|p| p.column))
                .collect::<Vec<_>>(),
            [Some(3), Some(13), None]
        );
    }
}
