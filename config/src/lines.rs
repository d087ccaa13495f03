//! What readers of lines share.

use crate::error::ConfigError;

/// The text of a file, without a byte order mark.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, ConfigError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => {
            let places = crate::place::of_offsets(bytes, &[Some(error.valid_up_to())]);
            let wrong = ConfigError::new("the text is not UTF-8").with_hint("save it as UTF-8");
            Err(places[0].map_or(wrong.clone(), |place| wrong.at(place)))
        }
    }
}

/// What marks a text as UTF-8, and is no part of it.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// The lines of a text, each with its offset and without its end (`\n` or `\r\n`).
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        let line = line.strip_suffix('\n').unwrap_or(line);
        (start, line.strip_suffix('\r').unwrap_or(line))
    })
}

/// Offset of the first character that is no blank.
pub(crate) fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
