//! Hashes of strings and message authentication codes.

use hmac::digest::block_api::EagerHash;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use regovm_core::builtin::{BuiltinError, Call};
use regovm_core::value::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::operand::{Outcome, operands, string};
use crate::text::charge_bytes;

/// Bytes that are hashed between two looks at the budgets.
const CHUNK: usize = 1 << 16;

/// Feeds a text to a hash, paid for piece by piece.
fn feed(
    cx: &mut Call<'_, '_>,
    text: &str,
    mut update: impl FnMut(&[u8]),
) -> Result<(), BuiltinError> {
    for chunk in text.as_bytes().chunks(CHUNK) {
        charge_bytes(cx, chunk.len())?;
        update(chunk);
    }
    Ok(())
}

fn hexadecimal<'a>(cx: &Call<'a, '_>, bytes: &[u8]) -> Outcome<'a> {
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(cx.arena.string(&text)))
}

fn hashed<'a, H: Digest>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [x] = operands(arguments)?;
    let text = string(x, 1)?;
    cx.charge(1)?;
    let mut hash = H::new();
    feed(cx, text, |chunk| hash.update(chunk))?;
    hexadecimal(cx, &hash.finalize())
}

fn authenticated<'a, H: EagerHash>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a>
where
    Hmac<H>: KeyInit + Mac,
{
    let [x, key] = operands(arguments)?;
    let (text, key) = (string(x, 1)?, string(key, 2)?);
    charge_bytes(cx, key.len())?;
    // A key of any length is a key: a long one is hashed first.
    let Ok(mut code) = <Hmac<H> as KeyInit>::new_from_slice(key.as_bytes()) else {
        return Ok(None);
    };
    feed(cx, text, |chunk| code.update(chunk))?;
    hexadecimal(cx, &code.finalize().into_bytes())
}

pub(super) fn md5<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    hashed::<Md5>(cx, arguments)
}

pub(super) fn sha1<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    hashed::<Sha1>(cx, arguments)
}

pub(super) fn sha256<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    hashed::<Sha256>(cx, arguments)
}

pub(super) fn hmac_md5<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    authenticated::<Md5>(cx, arguments)
}

pub(super) fn hmac_sha1<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    authenticated::<Sha1>(cx, arguments)
}

pub(super) fn hmac_sha256<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    authenticated::<Sha256>(cx, arguments)
}

pub(super) fn hmac_sha512<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    authenticated::<Sha512>(cx, arguments)
}

pub(super) fn hmac_equal<'a>(cx: &mut Call<'a, '_>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [a, b] = operands(arguments)?;
    let (a, b) = (string(a, 1)?.as_bytes(), string(b, 2)?.as_bytes());
    charge_bytes(cx, a.len().min(b.len()))?;
    let difference = a.iter().zip(b).fold(0, |seen, (x, y)| seen | (x ^ y));
    // The barrier keeps the compiler from ending the loop at the first difference.
    let same = std::hint::black_box(difference) == 0;
    Ok(Some(Value::boolean(a.len() == b.len() && same)))
}
