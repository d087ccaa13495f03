//! Archives: `tar`, packed by `gzip`. What they claim is not trusted.

use std::collections::HashSet;
use std::io::{self, Read, Write};

use flate2::bufread::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use tar::{Archive, Builder, Entry, EntryType, Header, PaxExtensions};

use super::{BundleError, File, Limits};

/// Bytes that the description of one file may take: long names and the like.
const LONGEST_DESCRIPTION: u64 = 1 << 20;

/// The files of an archive, in its order.
///
/// # Errors
/// It is no archive, is damaged, larger than the limits allow, has a file twice, anything that is neither file nor folder,
/// or a path that leads out of it.
pub fn unpack(bytes: &[u8], limits: &Limits) -> Result<Vec<File>, BundleError> {
    if let Some(reason) = no_gzip(bytes) {
        return Err(failed(format!("archive read failed: {reason}")).hint(
            "a bundle is a folder, or an archive made by `regovm build`, `opa build` or `tar czf`",
        ));
    }
    let mut reader = Counted {
        inner: MultiGzDecoder::new(bytes),
        left: limits.total,
        exceeded: false,
        damaged: None,
    };
    let unpacked = files(&mut reader, limits);
    match unpacked {
        Err(_) if reader.exceeded => Err(failed(format!(
            "the archive unpacks to more than {} bytes",
            limits.total
        ))
        .hint("split the bundle, or load it as a folder")),
        Err(Problem::Refused(error)) => Err(error),
        Err(Problem::Io(error)) => Err(failed(match reader.damaged {
            Some(reason) => reason,
            None if error.kind() == io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
            None => "archive/tar: invalid tar header".to_owned(),
        })),
        Ok(files) => Ok(files),
    }
}

fn failed(reason: impl std::fmt::Display) -> BundleError {
    BundleError::new(format!("bundle read failed: {reason}"))
}

/// Go's words for bytes that do not begin as a packed file does.
fn no_gzip(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [] => Some("EOF"),
        short if short.len() < 10 => Some("unexpected EOF"),
        [0x1f, 0x8b, 8, ..] => None,
        _ => Some("gzip: invalid header"),
    }
}

/// Counts what is unpacked, and remembers why there is no more.
struct Counted<R> {
    inner: R,
    left: u64,
    exceeded: bool,
    damaged: Option<String>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(read) if read as u64 > self.left => {
                self.exceeded = true;
                Err(io::Error::other("more than the limit"))
            }
            Ok(read) => {
                self.left -= read as u64;
                Ok(read)
            }
            Err(error) => {
                self.damaged = Some(match error.kind() {
                    io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
                    _ => format!("gzip: {error}"),
                });
                Err(error)
            }
        }
    }
}

enum Problem {
    Refused(BundleError),
    Io(io::Error),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Problem {
        Problem::Io(error)
    }
}

impl From<BundleError> for Problem {
    fn from(error: BundleError) -> Problem {
        Problem::Refused(error)
    }
}

fn files(reader: &mut impl Read, limits: &Limits) -> Result<Vec<File>, Problem> {
    let files = entries(reader, limits)?;
    // What follows tells whether the whole has come.
    io::copy(reader, &mut io::sink())?;
    Ok(files)
}

fn entries(reader: &mut impl Read, limits: &Limits) -> Result<Vec<File>, Problem> {
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    let mut long_name: Option<String> = None;
    // Raw: descriptions come as entries, so that they are read within limits.
    for entry in Archive::new(reader).entries()?.raw(true) {
        let mut entry = entry?;
        match entry.header().entry_type() {
            EntryType::XHeader => long_name = described(&mut entry)?.or(long_name),
            EntryType::GNULongName => {
                let bytes = description(&mut entry)?;
                let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
                long_name = Some(text(&bytes[..end])?);
            }
            // Long targets of links: the link itself is refused.
            EntryType::GNULongLink | EntryType::XGlobalHeader => {}
            kind => {
                let name = match long_name.take() {
                    Some(name) => name,
                    None => text(&entry.path_bytes())?,
                };
                if kind == EntryType::Directory || name.ends_with('/') {
                    continue;
                }
                if !matches!(kind, EntryType::Regular | EntryType::Continuous) {
                    return Err(refused_kind(kind, &name).into());
                }
                let normal = inside(&name)?;
                if !seen.insert(normal) {
                    return Err(failed(format!("file {name} is there twice"))
                        .hint(
                            "build the archive anew: what the file says would depend on the reader",
                        )
                        .into());
                }
                let size = entry.header().size()?;
                if size > limits.file {
                    return Err(failed(format!(
                        "bundle file {name} size ({size} bytes) exceeds configured size_limit_bytes ({} bytes)",
                        limits.file
                    ))
                    .into());
                }
                // The size is a claim: room is made for what comes.
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                if bytes.len() as u64 != size {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
                files.push(File { path: name, bytes });
            }
        }
    }
    Ok(files)
}

fn refused_kind(kind: EntryType, name: &str) -> BundleError {
    let what = match kind {
        EntryType::Symlink => "a symbolic link",
        EntryType::Link => "a hard link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        EntryType::GNUSparse => "a sparse file",
        _ => "of a kind that bundles do not have",
    };
    failed(format!("{name} is {what}")).hint("a bundle holds files and folders only")
}

fn text(bytes: &[u8]) -> Result<String, BundleError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        failed(format!(
            "the name {} is not UTF-8",
            String::from_utf8_lossy(bytes)
        ))
    })
}

/// The path without what may be in front of it, if it stays inside. Policies may lie elsewhere: `opa build ../policy`
/// writes them so, and their paths are only names.
fn inside(name: &str) -> Result<String, BundleError> {
    let parts: Vec<&str> = name
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    let leaves = parts.contains(&"..") && !name.ends_with(".rego");
    if leaves || name.contains('\0') || parts.is_empty() {
        return Err(failed(format!("the path {name:?} leads out of the bundle"))
            .hint("paths of bundles start at its root and do not go up"));
    }
    Ok(parts.join("/"))
}

fn description(entry: &mut Entry<'_, impl Read>) -> Result<Vec<u8>, Problem> {
    if entry.header().size()? > LONGEST_DESCRIPTION {
        return Err(failed("the name of a file is too long").into());
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The path that a PAX header gives to the next file.
fn described(entry: &mut Entry<'_, impl Read>) -> Result<Option<String>, Problem> {
    let bytes = description(entry)?;
    let mut name = None;
    for record in PaxExtensions::new(&bytes) {
        let record = record?;
        match record.key_bytes() {
            b"path" => name = Some(text(record.value_bytes())?),
            b"size" => {
                return Err(failed("a file of more than 8 GiB").into());
            }
            key if key.starts_with(b"GNU.sparse.") => {
                return Err(refused_kind(EntryType::GNUSparse, "a file").into());
            }
            _ => {}
        }
    }
    Ok(name)
}

/// An archive of files, the same bytes whenever the files are the same.
pub(super) fn pack(files: &[(String, &[u8])]) -> io::Result<Vec<u8>> {
    // Neither a time nor a name of a system in the head.
    let packer = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::default());
    let mut archive = Builder::new(packer);
    for (path, bytes) in files {
        let mut header = Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_entry_type(EntryType::Regular);
        name_entry(&mut archive, &mut header, path)?;
        header.set_cksum();
        archive.append(&header, *bytes)?;
    }
    archive.into_inner()?.finish()
}

/// Bytes of a name that a header has room for.
const NAME: usize = 100;

/// Writes the name into the header as it is, with its slash in front (OPA writes and expects them so); a long one into an
/// entry before it.
fn name_entry(
    archive: &mut Builder<impl Write>,
    header: &mut Header,
    path: &str,
) -> io::Result<()> {
    if path.len() > NAME {
        let record = pax_record("path", path);
        let mut extended = Header::new_ustar();
        extended.set_size(record.len() as u64);
        extended.set_mode(0);
        extended.set_entry_type(EntryType::XHeader);
        extended.as_mut_bytes()[..9].copy_from_slice(b"PaxHeader");
        extended.set_cksum();
        archive.append(&extended, record.as_bytes())?;
    }
    let short = path.floor_char_boundary(NAME);
    header.as_mut_bytes()[..short].copy_from_slice(&path.as_bytes()[..short]);
    Ok(())
}

/// `27 path=...` with its own length in front.
fn pax_record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    loop {
        let record = format!("{length}{rest}");
        if record.len() == length {
            return record;
        }
        length = record.len();
    }
}
