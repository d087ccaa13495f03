//! Files as bytes: large ones are mapped into memory instead of copied.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Deref;
use std::path::Path;

use memmap2::{Mmap, MmapOptions};

/// Files from this size on are mapped: below it, reading is as fast.
const LARGE: u64 = 1 << 20;

/// The bytes of a file.
pub enum Bytes {
    /// Read.
    Read(Vec<u8>),
    /// Mapped: the pages of the file itself, which take no memory that the system could not take back.
    Mapped(Mmap),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Read(bytes) => bytes,
            Bytes::Mapped(map) => map,
        }
    }
}

/// The bytes of a file.
pub fn file(path: &Path) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    let kind = file.metadata()?;
    if kind.is_file()
        && kind.len() >= LARGE
        && let Ok(map) = map(&file)
    {
        return Ok(Bytes::Mapped(map));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Bytes::Read(bytes))
}

fn map(file: &File) -> io::Result<Mmap> {
    // All pages at once is much faster than one after the other, each with a fault of its own.
    let mut options = MmapOptions::new();
    options.populate();
    // SAFETY: the map is read only, and nothing in this process writes to files that it reads. Nobody can promise that no
    // other process changes the file in the meantime; for input documents, which are written before they are evaluated,
    // that is the same mistake as changing them while they are read, and like every tool that maps its input (`ld`,
    // `rg`) we answer for it no further: what is read then means nothing, and if the file gets shorter the process ends.
    unsafe { options.map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_files_have_their_bytes() {
        let folder = tempfile::tempdir().unwrap();
        for (len, mapped) in [(0, false), (10, false), (LARGE as usize + 5, true)] {
            let bytes: Vec<u8> = (0..len).map(|at| (at * 7 % 251) as u8).collect();
            let path = folder.path().join("input");
            std::fs::write(&path, &bytes).unwrap();
            let read = file(&path).unwrap();
            assert!(*read == *bytes);
            assert_eq!(matches!(read, Bytes::Mapped(_)), mapped);
        }
        assert!(file(folder.path()).is_err());
        assert!(file(&folder.path().join("missing")).is_err());
    }
}
