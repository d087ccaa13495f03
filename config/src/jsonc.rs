//! JSON with comments: `//`, `/* */` and `#`. Comments become blanks, so that offsets stay as they are.

use crate::error::ConfigError;

/// The text without its comments.
pub(crate) fn without_comments(text: &[u8]) -> Result<Vec<u8>, ConfigError> {
    let mut plain = text.to_vec();
    let mut at = 0;
    while at < text.len() {
        let end = match (text[at], text.get(at + 1)) {
            (b'"', _) => {
                at = end_of_string(text, at);
                continue;
            }
            (b'#', _) | (b'/', Some(b'/')) => {
                let line = text[at..].iter().position(|byte| *byte == b'\n');
                line.map_or(text.len(), |length| at + length)
            }
            (b'/', Some(b'*')) => {
                let inside = &text[at + 2..];
                match inside.windows(2).position(|pair| pair == b"*/") {
                    Some(length) => at + 2 + length + 2,
                    None => {
                        let place = crate::place::of_offsets(text, &[Some(at)])[0];
                        let error = ConfigError::new("the comment is not closed")
                            .with_hint("close it with */");
                        return Err(place.map_or(error.clone(), |place| error.at(place)));
                    }
                }
            }
            _ => {
                at += 1;
                continue;
            }
        };
        for byte in &mut plain[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    Ok(plain)
}

fn end_of_string(text: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while at < text.len() {
        match text[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    #[test]
    fn comments_are_blanks() {
        let plain =
            super::without_comments(b"// a\n{\"//b\\\"\": 1 /* \n */ , # c\n\"d\":2}").unwrap();
        assert_eq!(
            String::from_utf8(plain).unwrap(),
            "    \n{\"//b\\\"\": 1    \n    ,    \n\"d\":2}"
        );
        assert!(super::without_comments(b"{} /* x").is_err());
    }
}
