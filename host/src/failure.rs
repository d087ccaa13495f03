//! Errors of the operating system in Go's words.

use std::io;

/// `no such file or directory`: in lower case, without the number.
pub(crate) fn go_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = match text.rfind(" (os error ") {
        Some(at) => &text[..at],
        None => &text,
    };
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// A text between quotes, for what servers send.
#[cfg(feature = "http")]
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' | '\n' | '\r' | '\t' => out.extend(c.escape_default()),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_go() {
        let error = io::Error::from_raw_os_error(2);
        assert_eq!(go_text(&error), "no such file or directory");
        assert_eq!(go_text(&io::Error::other("x")), "x");
        #[cfg(feature = "http")]
        assert_eq!(quoted("a\"\u{15}\n"), r#""a\"\x15\n""#);
    }
}
