//! Where the body of a response ends: a length, chunks, or the end of the connection.

use std::io::{self, ErrorKind, Read};

use super::head::Head;
use super::wire::{self, Wire};
use crate::failure::quoted;

/// Bytes of a line that announces a chunk, at most.
const LONGEST_LINE: usize = 4096;

/// How the end of a body is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    /// So many bytes are to come.
    Length(u64),
    /// So many bytes of the chunk are to come; `None` before the first one and between two.
    Chunks(Option<u64>),
    /// All that comes.
    Close,
}

impl Framing {
    /// What the head says. Headers of the transfer leave it.
    pub(super) fn of(head: &mut Head, method: &str) -> Result<Framing, String> {
        const BROKEN: &str = "net/http: HTTP/1.x transport connection broken: ";
        let chunked = match head.values("Transfer-Encoding").last() {
            None => false,
            Some(coding) if coding.eq_ignore_ascii_case("chunked") => true,
            Some(coding) => {
                return Err(format!(
                    "{BROKEN}unsupported transfer encoding: {}",
                    quoted(coding)
                ));
            }
        };
        head.remove("Transfer-Encoding");
        head.remove("Trailer");
        if chunked {
            head.remove("Content-Length");
        }
        let lengths: Vec<String> = head.values("Content-Length").map(str::to_owned).collect();
        if let Some((first, others)) = lengths.split_first() {
            if others.iter().any(|other| other != first) {
                let all: Vec<String> = lengths.iter().map(|length| quoted(length)).collect();
                let all = all.join(" ");
                return Err(format!(
                    "{BROKEN}http: message cannot contain multiple Content-Length headers; got [{all}]"
                ));
            }
            head.remove("Content-Length");
            let pair = ("Content-Length".to_owned(), first.clone());
            head.head.headers.push(pair);
        }
        let code = head.head.code;
        let bodiless = method == "HEAD" || code < 200 || code == 204 || code == 304;
        if chunked {
            return Ok(if bodiless {
                Framing::Length(0)
            } else {
                Framing::Chunks(None)
            });
        }
        let length = match lengths.first() {
            None => None,
            Some(text) => {
                let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                let length = text.parse::<u64>().ok().filter(|_| digits);
                let bad = || format!("{BROKEN}bad Content-Length {}", quoted(text));
                Some(length.ok_or_else(bad)?)
            }
        };
        Ok(match length {
            _ if bodiless => Framing::Length(0),
            Some(length) => Framing::Length(length),
            None => Framing::Close,
        })
    }

    /// No body comes.
    pub(super) fn is_empty(&self) -> bool {
        *self == Framing::Length(0)
    }
}

/// Reads a body.
pub(super) struct Body<'w, 's> {
    wire: &'w mut Wire<'s>,
    /// What has been read and not handed on; from `at` on.
    buffer: Vec<u8>,
    at: usize,
    framing: Framing,
}

fn unexpected_end() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "unexpected EOF")
}

impl<'w, 's> Body<'w, 's> {
    pub(super) fn new(wire: &'w mut Wire<'s>, buffer: Vec<u8>, framing: Framing) -> Body<'w, 's> {
        Body {
            wire,
            buffer,
            at: 0,
            framing,
        }
    }

    pub(super) fn wire(&mut self) -> &mut Wire<'s> {
        self.wire
    }

    /// Reads what is there, from the buffer first.
    fn read_some(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let ready = &self.buffer[self.at..];
        if ready.is_empty() {
            return self.wire.read(out);
        }
        let n = ready.len().min(out.len());
        out[..n].copy_from_slice(&ready[..n]);
        self.at += n;
        Ok(n)
    }

    fn read_byte(&mut self) -> io::Result<u8> {
        if self.at == self.buffer.len() {
            self.buffer.resize(4096, 0);
            let n = self.wire.read(&mut self.buffer)?;
            self.buffer.truncate(n);
            self.at = 0;
        }
        let byte = self.buffer.get(self.at).copied();
        self.at += 1;
        byte.ok_or_else(|| {
            self.at = self.buffer.len();
            unexpected_end()
        })
    }

    fn read_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            match self.read_byte()? {
                b'\n' => break,
                _ if line.len() >= LONGEST_LINE => {
                    return Err(io::Error::other("header line too long"));
                }
                byte => line.push(byte),
            }
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(line)
    }

    /// The length of the next chunk; 0 is the end.
    fn next_chunk(&mut self) -> io::Result<u64> {
        let line = self.read_line()?;
        let length = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let length = length.trim_ascii_end();
        if length.is_empty() {
            return Err(io::Error::other("empty hex number for chunk length"));
        }
        if length.len() > 16 {
            return Err(io::Error::other("http chunk length too large"));
        }
        let mut value = 0;
        for byte in length {
            let digit = char::from(*byte).to_digit(16);
            let digit = digit.ok_or_else(|| io::Error::other("invalid byte in chunk length"))?;
            value = value << 4 | u64::from(digit);
        }
        Ok(value)
    }

    fn read_chunked(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = match self.framing {
            Framing::Chunks(Some(left)) => left,
            _ => {
                let length = self.next_chunk()?;
                if length == 0 {
                    // Headers that come after the body are dropped.
                    while !self.read_line()?.is_empty() {}
                    self.framing = Framing::Length(0);
                    return Ok(0);
                }
                length
            }
        };
        let n = self.read_at_most(out, left)?;
        let left = left - n as u64;
        self.framing = Framing::Chunks((left > 0).then_some(left));
        if left == 0 && !self.read_line()?.is_empty() {
            return Err(io::Error::other("malformed chunked encoding"));
        }
        Ok(n)
    }

    fn read_at_most(&mut self, out: &mut [u8], left: u64) -> io::Result<usize> {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        match self.read_some(&mut out[..most])? {
            0 => Err(unexpected_end()),
            n => Ok(n),
        }
    }
}

impl Read for Body<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.framing {
            _ if out.is_empty() => Ok(0),
            Framing::Length(0) => Ok(0),
            Framing::Length(left) => {
                let n = self.read_at_most(out, left)?;
                self.framing = Framing::Length(left - n as u64);
                Ok(n)
            }
            Framing::Chunks(_) => self.read_chunked(out),
            Framing::Close => self.read_some(out),
        }
    }
}

/// The text of an error while a body is read, as Go writes it.
pub(super) fn text(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        ErrorKind::InvalidInput if error.to_string().contains("header") => {
            "gzip: invalid header".to_owned()
        }
        ErrorKind::InvalidInput => "gzip: invalid checksum".to_owned(),
        _ => wire::text(error),
    }
}
