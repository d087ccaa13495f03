//! Everything in a value, one value after the other, without recursion.

use super::{ObjectIter, Value, View};

/// A value and all that is below it, keys too, each collection before its parts. The memory that it takes grows with the
/// depth of the value only; parts that several collections share come up each time.
pub struct Parts<'a> {
    root: Option<Value<'a>>,
    open: Vec<Open<'a>>,
}

enum Open<'a> {
    Elements(std::slice::Iter<'a, Value<'a>>),
    /// The value of the key that came last is still to come.
    Members(ObjectIter<'a>, Option<Value<'a>>),
}

impl<'a> Value<'a> {
    /// This value and all that is below it.
    pub fn parts(self) -> Parts<'a> {
        Parts {
            root: Some(self),
            open: Vec::new(),
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let value = match self.root.take() {
            Some(root) => root,
            None => loop {
                let next = match self.open.last_mut()? {
                    Open::Elements(elements) => elements.next().copied(),
                    Open::Members(members, value) => value.take().or_else(|| {
                        let (key, of) = members.next()?;
                        *value = Some(of);
                        Some(key)
                    }),
                };
                match next {
                    Some(value) => break value,
                    None => drop(self.open.pop()),
                }
            },
        };
        match value.view() {
            View::Array(array) => self.open.push(Open::Elements(array.as_slice().iter())),
            View::Set(set) => self.open.push(Open::Elements(set.as_sorted_slice().iter())),
            View::Object(object) => self.open.push(Open::Members(object.iter(), None)),
            _ => {}
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Arena, json};

    #[test]
    fn parts_come_in_order() {
        let arena = Arena::new();
        let text = br#"[1, {"a": [true], "b": {}}, [], null]"#;
        let value = json::read(text, &arena, json::ReadOptions::default()).unwrap();
        let parts: Vec<String> = value.parts().skip(1).map(|part| part.to_string()).collect();
        let expected = [
            "1",
            r#"{"a": [true], "b": {}}"#,
            r#""a""#,
            "[true]",
            "true",
            r#""b""#,
            "{}",
            "[]",
            "null",
        ];
        assert_eq!(parts, expected);
    }
}
