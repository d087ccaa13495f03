//! RSA keys.

use num_bigint::BigUint;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pss::Pss;
use rsa::traits::SignatureScheme;
use rsa::{BoxedUint, errors::Error};

use super::hash::with_hash;
use super::{Hash, HostRandom, SignError};

/// Longer keys verify nothing, so that no key is work without end.
const MOST_BITS: u64 = 16_384;
/// Go refuses shorter keys.
const LEAST_BITS: u64 = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RsaPublicKey {
    pub(crate) modulus: BigUint,
    pub(crate) exponent: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RsaPrivateKey {
    pub(crate) public: RsaPublicKey,
    pub(crate) exponent: BigUint,
    /// Two or more.
    pub(crate) primes: Vec<BigUint>,
    /// `d mod p-1`, `d mod q-1` and the inverse of q modulo p, if the text of the key has them.
    pub(crate) precomputed: Option<[BigUint; 3]>,
}

/// Fails, in Go's words, unless the number is below the modulus. Go sees first if it takes more words of 64 bits.
fn below(number: &BigUint, modulus: &BigUint) -> Result<(), String> {
    if number < modulus {
        return Ok(());
    }
    let words = |n: &BigUint| n.bits().div_ceil(64);
    Err(if words(number) > words(modulus) {
        "input overflows the modulus size".to_owned()
    } else {
        "input overflows the modulus".to_owned()
    })
}

fn boxed(n: &BigUint) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(&n.to_bytes_be())
}

impl RsaPublicKey {
    /// The key as the crate has it.
    fn usable(&self) -> Option<rsa::RsaPublicKey> {
        let bits = LEAST_BITS as usize..=MOST_BITS as usize;
        // Go's limit.
        if self.exponent > (1 << 31) - 1 {
            return None;
        }
        let exponent = BoxedUint::from(self.exponent);
        rsa::RsaPublicKey::new_with_size_limits(boxed(&self.modulus), exponent, bits).ok()
    }

    pub(crate) fn verify_pkcs1(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let Some(key) = self.usable() else {
            return false;
        };
        let digest = hash.digest(&[message]);
        let scheme = with_hash!(hash, Type => Pkcs1v15Sign::new::<Type>());
        scheme.verify(&key, &digest, signature).is_ok()
    }

    pub(crate) fn verify_pss(
        &self,
        hash: Hash,
        message: &[u8],
        signature: &[u8],
        salt: Option<usize>,
    ) -> bool {
        let Some(key) = self.usable() else {
            return false;
        };
        let digest = hash.digest(&[message]);
        with_hash!(hash, Type => {
            let mut scheme = Pss::<Type>::new();
            scheme.salt_len = salt;
            scheme.verify(&key, &digest, signature).is_ok()
        })
    }

    /// Units of work of one verification.
    pub(crate) fn work(&self) -> u64 {
        let words = self.modulus.bits().min(MOST_BITS) / 64 + 1;
        words * words / 4 * (64 - u64::from(self.exponent.leading_zeros())) / 16 + 1
    }
}

impl RsaPrivateKey {
    /// What Go checks of a key before it signs, and when it reads one; the error is in Go's words.
    pub(crate) fn check(&self) -> Result<(), String> {
        let wrong = |text: &str| Err(format!("crypto/rsa: {text}"));
        let n = &self.public.modulus;
        let one = BigUint::from(1_u8);
        if n.bits() > MOST_BITS {
            return wrong("public modulus is too large");
        }
        let too_small = || Err("modulus must be > 1".to_owned());
        let two_primes = <&[BigUint; 2]>::try_from(self.primes.as_slice()).ok();
        let moduli = two_primes.into_iter().flatten().chain([n]);
        if moduli.into_iter().any(|modulus| *modulus <= one) {
            return too_small();
        }
        below(&self.exponent, n)?;
        match (two_primes, &self.precomputed) {
            (Some([p, _]), Some([_, _, inverse])) => below(inverse, p)?,
            // Go calculates with p-1 and q-1, and inverts q, only if it must.
            (Some([p, q]), None) => {
                if [p, q]
                    .into_iter()
                    .any(|prime| *prime <= BigUint::from(2_u8))
                {
                    return too_small();
                }
                if !p.bit(0) {
                    return wrong("p is even");
                }
            }
            (None, _) => {}
        }
        if !n.bit(0) {
            return wrong("public modulus is even");
        }
        if self.public.exponent < 2 {
            return wrong("public exponent too small or negative");
        }
        if self.public.exponent & 1 == 0 {
            return wrong("public exponent is even");
        }
        if self.public.exponent > (1 << 31) - 1 {
            return wrong("public exponent too large");
        }
        let Some([p, q]) = two_primes else {
            return self.check_primes();
        };
        if p >= n || q >= n {
            return wrong("invalid prime");
        }
        if (p * q) % n != BigUint::default() {
            return wrong("p * q != n");
        }
        let [dp, dq, inverse] = self.precomputed();
        for (exponent, prime) in [(&dp, p), (&dq, q)] {
            let order = prime - &one;
            if order <= one {
                return wrong("invalid prime");
            }
            if *exponent >= order || (exponent * self.public.exponent) % &order != one {
                return wrong("invalid CRT exponent");
            }
        }
        if (q * inverse) % p != one {
            return wrong("invalid CRT coefficient");
        }
        for (exponent, prime, name) in [(&dp, p, "dP"), (&dq, q, "dQ")] {
            if &self.exponent % (prime - &one) != *exponent {
                return wrong(&format!("d does not match {name}"));
            }
        }
        if p == q {
            return wrong("p == q");
        }
        let apart = if p > q { p - q } else { q - p };
        if apart.bits() + 100 <= n.bits() / 2 {
            return wrong("|p - q| too small");
        }
        if self.exponent.bits() <= n.bits() / 2 {
            return wrong("d too small");
        }
        Ok(())
    }

    /// What Go checks of more primes than two: that none divides another.
    fn check_primes(&self) -> Result<(), String> {
        let one = BigUint::from(1_u8);
        if self.primes.iter().any(|prime| *prime <= one) {
            return Err("crypto/rsa: prime factor is <= 1".to_owned());
        }
        let mut product = one;
        for (at, prime) in self.primes.iter().enumerate() {
            if at > 0 && product.modinv(prime).is_none() {
                return Err("crypto/rsa: prime factors are not relatively prime".to_owned());
            }
            product *= prime;
        }
        Ok(())
    }

    /// The given numbers of the Chinese remainder, or those that follow from the primes.
    pub(crate) fn precomputed(&self) -> [BigUint; 3] {
        if let Some(given) = &self.precomputed {
            return given.clone();
        }
        let one = BigUint::from(1_u8);
        match self.primes.as_slice() {
            [p, q, ..] if *p > one && *q > one => {
                let inverse = q.modinv(p).unwrap_or_default();
                [
                    &self.exponent % (p - &one),
                    &self.exponent % (q - &one),
                    inverse,
                ]
            }
            _ => [BigUint::default(), BigUint::default(), BigUint::default()],
        }
    }

    /// The key as the crate has it.
    fn usable(&self) -> Result<rsa::RsaPrivateKey, SignError> {
        let key = |text: String| SignError::Key(text);
        let bits = self.public.modulus.bits();
        if bits < LEAST_BITS {
            return Err(key(format!(
                "crypto/rsa: {bits}-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)"
            )));
        }
        if bits > MOST_BITS {
            return Err(key(format!("crypto/rsa: {bits}-bit keys are too large")));
        }
        self.check().map_err(key)?;
        rsa::RsaPrivateKey::from_components_with_wide_primes(
            boxed(&self.public.modulus),
            BoxedUint::from(self.public.exponent),
            boxed(&self.exponent),
            self.primes.iter().map(boxed).collect(),
        )
        .map_err(|error| key(format!("crypto/rsa: {error}")))
    }

    pub(crate) fn sign_pkcs1(
        &self,
        hash: Hash,
        message: &[u8],
        random: &mut HostRandom<'_>,
    ) -> Result<Vec<u8>, SignError> {
        let key = self.usable()?;
        let digest = hash.digest(&[message]);
        let scheme = with_hash!(hash, Type => Pkcs1v15Sign::new::<Type>());
        // The signature is the same with and without random bytes; with them the key is blinded.
        let random = if random.gives() { Some(random) } else { None };
        scheme.sign(random, &key, &digest).map_err(sign_error)
    }

    pub(crate) fn sign_pss(
        &self,
        hash: Hash,
        message: &[u8],
        random: &mut HostRandom<'_>,
    ) -> Result<Vec<u8>, SignError> {
        let key = self.usable()?;
        let digest = hash.digest(&[message]);
        with_hash!(hash, Type => Pss::<Type>::new().sign(Some(random), &key, &digest))
            .map_err(sign_error)
    }

    /// Units of work of one signature.
    pub(crate) fn work(&self) -> u64 {
        let words = self.public.modulus.bits().min(MOST_BITS) / 64 + 1;
        words * words * words / 4 + 1
    }
}

fn sign_error(error: Error) -> SignError {
    match error {
        Error::Rng => SignError::NoRandom,
        Error::MessageTooLong => {
            SignError::Key("crypto/rsa: message too long for RSA key size".to_owned())
        }
        other => SignError::Key(format!("crypto/rsa: {other}")),
    }
}
