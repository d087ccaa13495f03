//! Many bytes compared at once, with the widest registers that the machine has.
//!
//! The only `unsafe` of the reader: loads of whole blocks, calls of functions for processors that
//! have been asked for, and text that has been found to be ASCII. What runs where is chosen once
//! for each text ([`widest`]); [`Scalar`] is for machines without an own implementation, and what
//! the others are compared with.

/// Bytes that are compared at once.
pub(super) type Block = [u8; 32];

/// Bit `i` of a mask is about byte `i` of a block.
pub(super) trait Lanes: Copy {
    /// What a string has to stop at, and what is no ASCII.
    fn string(self, block: &Block) -> Stops;

    /// Bytes that are no white space.
    fn solid(self, block: &Block) -> u32;

    /// Bytes that are equal.
    fn equal(self, a: &Block, b: &Block) -> u32;

    /// What skipping has to know of 64 bytes.
    fn structure(self, block: &[u8; 64]) -> Structure;

    /// Does some work with these lanes in a function of its own.
    fn run<W: Work>(self, work: W) -> W::Out;
}

/// Masks of what matters in strings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stops {
    /// Quotes, backslashes and control characters.
    pub(super) stops: u32,
    /// Bytes from 0x80 on.
    pub(super) high: u32,
}

/// Masks of what matters outside of strings.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Structure {
    pub(super) quotes: u64,
    pub(super) backslashes: u64,
    /// `[` and `{`
    pub(super) opens: u64,
    /// `]` and `}`
    pub(super) closes: u64,
    /// Bytes with the bit that curly brackets have and square ones have not.
    pub(super) curly: u64,
    /// Bytes below 0x20.
    pub(super) control: u64,
    /// Bytes that JSON has nowhere but in strings.
    pub(super) foreign: u64,
}

/// Something to be done with lanes.
pub(super) trait Work {
    type Out;

    /// Always inlined, so that the lanes are inlined into it.
    fn with<L: Lanes>(self, lanes: L) -> Self::Out;
}

/// Does some work with the widest lanes of this machine.
pub(super) fn widest<W: Work>(work: W) -> W::Out {
    #[cfg(target_arch = "x86_64")]
    {
        match x86::Avx2::detect() {
            Some(avx2) => avx2.run(work),
            None => work.with(x86::Sse2),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    work.with(Scalar)
}

/// The bytes from an offset on, if there are enough of them.
#[inline(always)]
pub(super) fn block<const N: usize>(text: &[u8], at: usize) -> Option<&[u8; N]> {
    text.get(at..)?.first_chunk()
}

/// Where the plain part of a string ends, and its text if that is UTF-8.
pub(super) struct Plain<'t> {
    pub(super) end: usize,
    pub(super) text: Option<&'t str>,
}

/// The bytes of a string from an offset up to the next quote, backslash or control character.
#[inline(always)]
pub(super) fn plain<'t, L: Lanes>(lanes: L, text: &'t [u8], start: usize) -> Plain<'t> {
    let mut end = start;
    let mut high = 0;
    loop {
        let Some(block) = block(text, end) else {
            return last_plain(text, start, end, high);
        };
        let found = lanes.string(block);
        if found.stops != 0 {
            let len = found.stops.trailing_zeros();
            high |= found.high & ((1 << len) - 1);
            end += len as usize;
            break;
        }
        high |= found.high;
        end += size_of::<Block>();
    }
    // SAFETY: `end` started as `start` and was only moved over bytes that were there; each of the
    // bytes between them was in a block, before its first stop, and its high bit went into `high`.
    unsafe { plain_part(text, start, end, high) }
}

/// The place of the next quote, backslash or control character from an offset on, or of the end of the text.
#[inline(always)]
pub(super) fn plain_end<L: Lanes>(lanes: L, text: &[u8], mut at: usize) -> usize {
    while let Some(block) = block(text, at) {
        let stops = lanes.string(block).stops;
        if stops != 0 {
            return at + stops.trailing_zeros() as usize;
        }
        at += size_of::<Block>();
    }
    last_plain(text, at, at, 0).end
}

/// The same where no whole block is left.
#[cold]
fn last_plain(text: &[u8], start: usize, mut end: usize, mut high: u32) -> Plain<'_> {
    while let Some(byte) = text.get(end)
        && !matches!(byte, b'"' | b'\\' | 0..0x20)
    {
        high |= u32::from(byte & 0x80);
        end += 1;
    }
    let start = start.min(end).min(text.len());
    let end = end.min(text.len());
    // SAFETY: in bounds by the lines above; `high` has the high bits of the blocks before, and of
    // the bytes here.
    unsafe { plain_part(text, start, end, high) }
}

/// # Safety
/// `start <= end <= text.len()`, and if `high` is 0 there is no byte from 0x80 on between them.
#[inline(always)]
unsafe fn plain_part(text: &[u8], start: usize, end: usize, high: u32) -> Plain<'_> {
    // SAFETY: promised by the caller.
    let part = unsafe { text.get_unchecked(start..end) };
    let text = if high == 0 {
        // SAFETY: ASCII is UTF-8.
        Some(unsafe { std::str::from_utf8_unchecked(part) })
    } else {
        std::str::from_utf8(part).ok()
    };
    Plain { end, text }
}

/// Appends the first bytes of a block.
#[inline(always)]
pub(super) fn append(out: &mut Vec<u8>, block: &Block, len: usize) {
    let len = len.min(size_of::<Block>());
    out.reserve(size_of::<Block>());
    // SAFETY: there is room for the whole block behind the end, and as many bytes as the vector
    // gets longer by are written.
    unsafe {
        let end = out.as_mut_ptr().add(out.len());
        end.cast::<Block>().write_unaligned(*block);
        out.set_len(out.len() + len);
    }
}

/// Words of 8 bytes: for every machine.
#[derive(Clone, Copy)]
// Only tests use it where there is something better.
#[cfg_attr(target_arch = "x86_64", allow(dead_code))]
pub(super) struct Scalar;

#[cfg_attr(target_arch = "x86_64", allow(dead_code))]
mod words {
    pub(super) const ONES: u64 = 0x0101_0101_0101_0101;
    pub(super) const HIGH: u64 = 0x8080_8080_8080_8080;

    /// The high bit of each byte that is zero.
    pub(super) fn zeros(word: u64) -> u64 {
        !(((word & !HIGH) + !HIGH) | word) & HIGH
    }

    /// The high bit of each byte that equals another.
    pub(super) fn are(word: u64, byte: u8) -> u64 {
        zeros(word ^ (ONES * u64::from(byte)))
    }

    /// The high bit of each byte that is below 0x20.
    pub(super) fn controls(word: u64) -> u64 {
        !(((word & !HIGH) + ONES * 0x60) | word) & HIGH
    }

    /// One bit for each high bit.
    pub(super) fn gather(high: u64) -> u64 {
        (high >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
    }

    /// A mask from what is found in each word of some bytes.
    pub(super) fn mask(bytes: &[u8], find: impl Fn(u64) -> u64) -> u64 {
        let mut mask = 0;
        for (at, chunk) in bytes.as_chunks::<8>().0.iter().enumerate() {
            mask |= gather(find(u64::from_le_bytes(*chunk))) << (at * 8);
        }
        mask
    }
}

/// Bytes that JSON has outside of strings, quotes included.
const fn is_json(byte: u8) -> bool {
    matches!(
        byte,
        b'\t' | b'\n'
            | b'\r'
            | b' '
            | b'"'
            | b'+'..=b'.'
            | b'0'..=b':'
            | b'E'
            | b'['
            | b']'
            | b'a'
            | b'e'
            | b'f'
            | b'l'
            | b'n'
            | b'r'..=b'u'
            | b'{'
            | b'}'
    )
}

impl Lanes for Scalar {
    #[inline(always)]
    fn string(self, block: &Block) -> Stops {
        let stops = |word| words::are(word, b'"') | words::are(word, b'\\') | words::controls(word);
        Stops {
            stops: words::mask(block, stops) as u32,
            high: words::mask(block, |word| word & words::HIGH) as u32,
        }
    }

    #[inline(always)]
    fn solid(self, block: &Block) -> u32 {
        !(words::mask(block, |word| {
            words::are(word, b' ')
                | words::are(word, b'\n')
                | words::are(word, b'\r')
                | words::are(word, b'\t')
        }) as u32)
    }

    #[inline(always)]
    fn equal(self, a: &Block, b: &Block) -> u32 {
        let (a, b) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
        let mut mask = 0;
        for (at, (a, b)) in a.iter().zip(b).enumerate() {
            let same = words::zeros(u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b));
            mask |= (words::gather(same) as u32) << (at * 8);
        }
        mask
    }

    #[inline(always)]
    fn structure(self, block: &[u8; 64]) -> Structure {
        let lower = words::ONES * 0x20;
        let mut foreign = 0;
        for (at, byte) in block.iter().enumerate() {
            foreign |= u64::from(!is_json(*byte)) << at;
        }
        Structure {
            quotes: words::mask(block, |word| words::are(word, b'"')),
            backslashes: words::mask(block, |word| words::are(word, b'\\')),
            opens: words::mask(block, |word| words::are(word | lower, b'{')),
            closes: words::mask(block, |word| words::are(word | lower, b'}')),
            curly: words::mask(block, |word| (word << 2) & words::HIGH),
            control: words::mask(block, words::controls),
            foreign,
        }
    }

    fn run<W: Work>(self, work: W) -> W::Out {
        work.with(self)
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use std::arch::x86_64::*;

    use super::{Block, Lanes, Stops, Structure, Work};

    /// 16 bytes at once, twice: every x86-64 has that.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Sse2;

    #[inline(always)]
    fn load16(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: 16 bytes are there, and the load needs no alignment.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[inline(always)]
    fn both(block: &Block, find: impl Fn(__m128i) -> __m128i) -> u32 {
        let halves = block.as_chunks::<16>().0;
        // SAFETY: every x86-64 has SSE2.
        let mask = |half: &[u8; 16]| unsafe { _mm_movemask_epi8(find(load16(half))) as u32 };
        halves
            .iter()
            .enumerate()
            .fold(0, |all, (at, half)| all | mask(half) << (at * 16))
    }

    #[inline(always)]
    fn four(block: &[u8; 64], find: impl Fn(__m128i) -> __m128i) -> u64 {
        let [low, high] = block.as_chunks::<32>().0 else {
            return 0;
        };
        u64::from(both(low, &find)) | u64::from(both(high, &find)) << 32
    }

    #[inline(always)]
    fn is(v: __m128i, byte: u8) -> __m128i {
        // SAFETY: every x86-64 has SSE2.
        unsafe { _mm_cmpeq_epi8(v, _mm_set1_epi8(byte as i8)) }
    }

    #[inline(always)]
    fn or(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every x86-64 has SSE2.
        unsafe { _mm_or_si128(a, b) }
    }

    #[inline(always)]
    fn between(v: __m128i, low: u8, high: u8) -> __m128i {
        // SAFETY: every x86-64 has SSE2.
        unsafe {
            let shifted = _mm_sub_epi8(v, _mm_set1_epi8(low as i8));
            let top = _mm_set1_epi8((high - low) as i8);
            _mm_cmpeq_epi8(_mm_min_epu8(shifted, top), shifted)
        }
    }

    #[inline(always)]
    fn lower(v: __m128i) -> __m128i {
        // SAFETY: every x86-64 has SSE2.
        or(v, unsafe { _mm_set1_epi8(0x20) })
    }

    #[inline(always)]
    fn is_json(v: __m128i) -> __m128i {
        let brackets = or(is(lower(v), b'{'), is(lower(v), b'}'));
        let ranges = or(
            or(between(v, b'+', b'.'), between(v, b'0', b':')),
            or(between(v, b'r', b'u'), or(is(v, b'"'), is(lower(v), b'e'))),
        );
        let letters = or(or(is(v, b'a'), is(v, b'f')), or(is(v, b'l'), is(v, b'n')));
        or(or(brackets, ranges), or(letters, blank(v)))
    }

    #[inline(always)]
    fn blank(v: __m128i) -> __m128i {
        or(
            or(is(v, b' '), is(v, b'\n')),
            or(is(v, b'\r'), is(v, b'\t')),
        )
    }

    impl Lanes for Sse2 {
        #[inline(always)]
        fn string(self, block: &Block) -> Stops {
            Stops {
                stops: both(block, |v| {
                    or(or(is(v, b'"'), is(v, b'\\')), between(v, 0, 0x1f))
                }),
                high: both(block, |v| v),
            }
        }

        #[inline(always)]
        fn solid(self, block: &Block) -> u32 {
            !both(block, blank)
        }

        #[inline(always)]
        fn equal(self, a: &Block, b: &Block) -> u32 {
            let (a, b) = (a.as_chunks::<16>().0, b.as_chunks::<16>().0);
            a.iter().zip(b).enumerate().fold(0, |all, (at, (a, b))| {
                // SAFETY: every x86-64 has SSE2.
                let same = unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(load16(a), load16(b))) };
                all | (same as u32) << (at * 16)
            })
        }

        #[inline(always)]
        fn structure(self, block: &[u8; 64]) -> Structure {
            Structure {
                quotes: four(block, |v| is(v, b'"')),
                backslashes: four(block, |v| is(v, b'\\')),
                opens: four(block, |v| is(lower(v), b'{')),
                closes: four(block, |v| is(lower(v), b'}')),
                // SAFETY: every x86-64 has SSE2.
                curly: four(block, |v| unsafe { _mm_slli_epi16(v, 2) }),
                control: four(block, |v| between(v, 0, 0x1f)),
                foreign: !four(block, is_json),
            }
        }

        fn run<W: Work>(self, work: W) -> W::Out {
            work.with(self)
        }
    }

    /// 32 bytes at once. There is one only where the processor has that.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(());

    impl Avx2 {
        pub(in super::super) fn detect() -> Option<Avx2> {
            let all = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt");
            all.then_some(Avx2(()))
        }
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn with_avx2<W: Work>(work: W) -> W::Out {
        work.with(Avx2(()))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load32(bytes: &[u8; 32]) -> __m256i {
        // SAFETY: 32 bytes are there, and the load needs no alignment.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn bits(v: __m256i) -> u32 {
        _mm256_movemask_epi8(v) as u32
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn are(v: __m256i, byte: u8) -> __m256i {
        _mm256_cmpeq_epi8(v, _mm256_set1_epi8(byte as i8))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn controls(v: __m256i) -> __m256i {
        _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn string(block: &Block) -> Stops {
        let v = load32(block);
        let ends = _mm256_or_si256(are(v, b'"'), are(v, b'\\'));
        Stops {
            stops: bits(_mm256_or_si256(ends, controls(v))),
            high: bits(v),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn solid(block: &Block) -> u32 {
        // The low halves of the four are different, so each asks for its own byte.
        let wanted = _mm256_broadcastsi128_si256(_mm_setr_epi8(
            b' ' as i8,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            b'\t' as i8,
            b'\n' as i8,
            0,
            0,
            b'\r' as i8,
            0,
            0,
        ));
        let v = load32(block);
        // Bytes from 0x80 on give 0, which they are not; and a zero gives a space.
        !bits(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(wanted, v), v))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn equal(a: &Block, b: &Block) -> u32 {
        bits(_mm256_cmpeq_epi8(load32(a), load32(b)))
    }

    /// For each low half of a byte, the high halves with which it is JSON outside of strings.
    const fn low_halves() -> [u8; 16] {
        let mut table = [0; 16];
        let mut byte = 0;
        while byte < 0x80 {
            if super::is_json(byte as u8) {
                table[byte & 15] |= HIGH_HALVES[byte >> 4];
            }
            byte += 1;
        }
        table
    }

    /// A bit for each high half of a byte that is JSON outside of strings.
    const HIGH_HALVES: [u8; 16] = [1, 0, 2, 4, 8, 16, 32, 64, 0, 0, 0, 0, 0, 0, 0, 0];
    const LOW_HALVES: [u8; 16] = low_halves();

    #[inline]
    #[target_feature(enable = "avx2")]
    fn structure(block: &[u8; 64]) -> Structure {
        let mut all = Structure::default();
        let lows = _mm256_broadcastsi128_si256(load16(&LOW_HALVES));
        let highs = _mm256_broadcastsi128_si256(load16(&HIGH_HALVES));
        for (at, half) in block.as_chunks::<32>().0.iter().enumerate() {
            let v = load32(half);
            let mask = |v| u64::from(bits(v)) << (at * 32);
            let lower = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
            all.quotes |= mask(are(v, b'"'));
            all.backslashes |= mask(are(v, b'\\'));
            all.opens |= mask(are(lower, b'{'));
            all.closes |= mask(are(lower, b'}'));
            all.curly |= mask(_mm256_slli_epi16(v, 2));
            all.control |= mask(controls(v));
            let high = _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(15));
            let allowed = _mm256_and_si256(
                _mm256_shuffle_epi8(lows, v),
                _mm256_shuffle_epi8(highs, high),
            );
            all.foreign |= mask(are(allowed, 0));
        }
        all
    }

    // SAFETY (of all of them): an `Avx2` is made only where the processor has AVX2.
    impl Lanes for Avx2 {
        #[inline(always)]
        fn string(self, block: &Block) -> Stops {
            // SAFETY: as above.
            unsafe { string(block) }
        }

        #[inline(always)]
        fn solid(self, block: &Block) -> u32 {
            // SAFETY: as above.
            unsafe { solid(block) }
        }

        #[inline(always)]
        fn equal(self, a: &Block, b: &Block) -> u32 {
            // SAFETY: as above.
            unsafe { equal(a, b) }
        }

        #[inline(always)]
        fn structure(self, block: &[u8; 64]) -> Structure {
            // SAFETY: as above.
            unsafe { structure(block) }
        }

        #[inline]
        fn run<W: Work>(self, work: W) -> W::Out {
            // SAFETY: as above, and the same for the features that are detected with it.
            unsafe { with_avx2(work) }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(block: &[u8], is: impl Fn(u8) -> bool) -> u64 {
        block
            .iter()
            .enumerate()
            .fold(0, |mask, (at, byte)| mask | u64::from(is(*byte)) << at)
    }

    fn check<L: Lanes>(lanes: L, bytes: &[u8; 64], other: &[u8; 64]) {
        let (low, _) = bytes.split_at(32);
        let low: &Block = low.try_into().unwrap();
        let stops = naive(low, |c| matches!(c, b'"' | b'\\' | 0..0x20)) as u32;
        let high = naive(low, |c| c >= 0x80) as u32;
        assert_eq!(lanes.string(low), Stops { stops, high });
        let solid = naive(low, |c| !matches!(c, b' ' | b'\n' | b'\r' | b'\t')) as u32;
        assert_eq!(lanes.solid(low), solid, "{low:?}");
        let same: Vec<u8> = low.iter().zip(other).map(|(a, b)| a ^ b).collect();
        let other: &Block = other[..32].try_into().unwrap();
        assert_eq!(lanes.equal(low, other), naive(&same, |c| c == 0) as u32);
        let wanted = Structure {
            quotes: naive(bytes, |c| c == b'"'),
            backslashes: naive(bytes, |c| c == b'\\'),
            opens: naive(bytes, |c| matches!(c, b'{' | b'[')),
            closes: naive(bytes, |c| matches!(c, b'}' | b']')),
            curly: naive(bytes, |c| c & 0x20 != 0),
            control: naive(bytes, |c| c < 0x20),
            foreign: naive(bytes, |c| {
                !b"{}[]:,\"+-.0123456789eEtruefalsn \t\r\n".contains(&c)
            }),
        };
        assert_eq!(lanes.structure(bytes), wanted, "{bytes:?}");
    }

    fn check_all(bytes: &[u8; 64], other: &[u8; 64]) {
        check(Scalar, bytes, other);
        #[cfg(target_arch = "x86_64")]
        {
            check(x86::Sse2, bytes, other);
            if let Some(avx2) = x86::Avx2::detect() {
                check(avx2, bytes, other);
            }
        }
    }

    #[test]
    fn every_byte_is_seen_in_every_place() {
        for byte in 0..=255 {
            check_all(&[byte; 64], &[b'"'; 64]);
            for at in 0..64 {
                let mut bytes =
                    *b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-";
                let other = bytes;
                bytes[at] = byte;
                check_all(&bytes, &other);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn all_lanes_see_the_same(
            bytes in prop::collection::vec(any::<u8>(), 64),
            other in prop::collection::vec(any::<u8>(), 64),
            same in any::<u64>(),
        ) {
            let bytes: [u8; 64] = bytes.try_into().unwrap();
            let mut other: [u8; 64] = other.try_into().unwrap();
            for (at, byte) in bytes.iter().enumerate() {
                if same >> at & 1 == 1 {
                    other[at] = *byte;
                }
            }
            check_all(&bytes, &other);
        }
    }
}
