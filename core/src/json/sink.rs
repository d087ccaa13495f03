//! Where text is written to.

use std::io;

/// Takes text.
pub trait Sink {
    /// Takes some.
    fn push_str(&mut self, text: &str);

    /// Takes one character.
    fn push(&mut self, c: char) {
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }
}

impl Sink for String {
    #[inline]
    fn push_str(&mut self, text: &str) {
        String::push_str(self, text);
    }

    #[inline]
    fn push(&mut self, c: char) {
        String::push(self, c);
    }
}

/// Writes text on in large pieces, and keeps the first error for [`Stream::finish`].
pub struct Stream<W> {
    writer: W,
    buffer: String,
    error: Option<io::Error>,
}

/// Bytes that are written at once.
const PIECE: usize = 1 << 16;

impl<W: io::Write> Stream<W> {
    /// Nothing written yet.
    pub fn new(writer: W) -> Stream<W> {
        Stream {
            writer,
            buffer: String::new(),
            error: None,
        }
    }

    #[cold]
    fn flush(&mut self) {
        if self.error.is_none() {
            self.error = self.writer.write_all(self.buffer.as_bytes()).err();
        }
        self.buffer.clear();
    }

    /// Writes what is left.
    pub fn finish(mut self) -> io::Result<()> {
        self.flush();
        self.error.map_or(Ok(()), Err)
    }
}

impl<W: io::Write> Sink for Stream<W> {
    fn push_str(&mut self, text: &str) {
        self.buffer.push_str(text);
        if self.buffer.len() >= PIECE {
            self.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_written() {
        let mut out = Vec::new();
        let mut stream = Stream::new(&mut out);
        for _ in 0..100_000 {
            stream.push_str("ab");
            stream.push('ü');
        }
        stream.finish().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "abü".repeat(100_000));
    }

    #[test]
    fn the_first_error_is_kept() {
        struct Full;
        impl io::Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut stream = Stream::new(Full);
        stream.push_str("x");
        let error = stream.finish().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
