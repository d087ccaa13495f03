//! What is wrong with a text, and where.

use super::{Keep, Reader};
use crate::value::MemoryExceeded;

/// Why a text is no JSON, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JsonError {
    /// Byte offset.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub col: usize,
    /// What is wrong, in the words of Go's decoder where it has words for it.
    pub message: String,
    /// The arena's limit was reached.
    pub memory: Option<MemoryExceeded>,
}

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.col, self.message)
    }
}

impl std::error::Error for JsonError {}

impl<'a, 't, 'p, K: Keep<'a, 't>> Reader<'a, 't, 'p, K> {
    #[cold]
    pub(super) fn error<T>(&self, at: usize, message: impl Into<String>) -> Result<T, JsonError> {
        let before = &self.text[..at.min(self.text.len())];
        let line_start = before
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |i| i + 1);
        Err(JsonError {
            offset: at,
            line: before.iter().filter(|b| **b == b'\n').count() + 1,
            col: before.len() - line_start + 1,
            message: message.into(),
            memory: None,
        })
    }

    #[cold]
    pub(super) fn exceeded<T>(&self, exceeded: MemoryExceeded) -> Result<T, JsonError> {
        self.error(self.at, exceeded.to_string())
            .map_err(|error| JsonError {
                memory: Some(exceeded),
                ..error
            })
    }

    #[cold]
    pub(super) fn unexpected<T>(&self, context: &str) -> Result<T, JsonError> {
        match self.text.get(self.at) {
            None => self.error(self.at, "unexpected end of JSON input"),
            Some(byte) => self.error(
                self.at,
                format!("invalid character {} {context}", quote(*byte)),
            ),
        }
    }
}

/// A byte in quotes as Go's decoder writes it.
pub(super) fn quote(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_string(),
        b'"' => "'\"'".to_string(),
        b'\n' => r"'\n'".to_string(),
        b'\r' => r"'\r'".to_string(),
        b'\t' => r"'\t'".to_string(),
        b'\\' => r"'\\'".to_string(),
        0..0x20 | 0x7f => format!("'\\x{byte:02x}'"),
        _ => format!("'{}'", byte as char),
    }
}
