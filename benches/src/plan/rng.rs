//! A small generator of pseudo-random numbers (SplitMix64), so that plans
//! never change with the version of some crate.

/// A stream of numbers that depends on nothing but its seed.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A stream for one place of the plan: equal seed and path, equal numbers.
    pub fn at(seed: u64, path: &[u64]) -> Self {
        let mut rng = Self(seed ^ 0x5851_f42d_4c95_7f2d);
        for step in path {
            rng.0 = rng.next() ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        rng
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next() % bound }
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of the given things.
    pub fn pick<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.below(things.len() as u64) as usize]
    }

    /// Lower-case hexadecimal digits, as in the ids of AWS.
    pub fn hex(&mut self, digits: usize) -> String {
        (0..digits)
            .map(|_| char::from(b"0123456789abcdef"[self.below(16) as usize]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn the_stream_is_fixed() {
        let mut rng = Rng::at(7, &[1, 2]);
        assert_eq!(rng.hex(8), Rng::at(7, &[1, 2]).hex(8));
        assert_ne!(Rng::at(7, &[1, 2]).next(), Rng::at(7, &[2, 1]).next());
        assert_eq!(Rng::at(2026, &[3]).hex(16), "d4740523d675503f");
    }
}
