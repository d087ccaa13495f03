//! Hashes by name.

use ::hmac::{Hmac, KeyInit, Mac};
use sha2::Digest;

/// A hash that signatures are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// Runs code with the type of a hash as `$type`.
macro_rules! with_hash {
    ($hash:expr, $type:ident => $body:expr) => {
        match $hash {
            $crate::keys::Hash::Sha1 => {
                type $type = ::sha1::Sha1;
                $body
            }
            $crate::keys::Hash::Sha256 => {
                type $type = ::sha2::Sha256;
                $body
            }
            $crate::keys::Hash::Sha384 => {
                type $type = ::sha2::Sha384;
                $body
            }
            $crate::keys::Hash::Sha512 => {
                type $type = ::sha2::Sha512;
                $body
            }
        }
    };
}

pub(crate) use with_hash;

impl Hash {
    /// Length in bytes.
    pub(crate) fn size(self) -> usize {
        with_hash!(self, Type => <Type as Digest>::output_size())
    }

    /// The hash of parts, one after the other.
    pub(crate) fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        with_hash!(self, Type => {
            let mut digest = Type::new();
            for part in parts {
                digest.update(part);
            }
            digest.finalize().to_vec()
        })
    }

    /// The keyed hash of a message.
    pub(crate) fn hmac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        with_hash!(self, Type => {
            // Keys may have any length.
            let Ok(mut mac) = <Hmac<Type> as KeyInit>::new_from_slice(key) else {
                return Vec::new();
            };
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        })
    }

    /// If a keyed hash is right, found out in a time that does not tell where it differs.
    pub(crate) fn verify_hmac(self, key: &[u8], message: &[u8], tag: &[u8]) -> bool {
        with_hash!(self, Type => {
            let Ok(mut mac) = <Hmac<Type> as KeyInit>::new_from_slice(key) else {
                return false;
            };
            mac.update(message);
            mac.verify_slice(tag).is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_have_their_sizes() {
        for (hash, size) in [
            (Hash::Sha1, 20),
            (Hash::Sha256, 32),
            (Hash::Sha384, 48),
            (Hash::Sha512, 64),
        ] {
            assert_eq!(hash.size(), size);
            assert_eq!(hash.digest(&[b"a", b"b"]), hash.digest(&[b"ab"]));
            let tag = hash.hmac(b"key", b"message");
            assert_eq!(tag.len(), size);
            assert!(hash.verify_hmac(b"key", b"message", &tag));
            assert!(!hash.verify_hmac(b"key", b"massage", &tag));
            assert!(!hash.verify_hmac(b"key", b"message", &tag[1..]));
        }
    }
}
