//! Mutations of texts from a seeded generator.

/// A small generator of numbers that look random (xorshift64*), the same on every machine.
pub struct Random(u64);

impl Random {
    /// A generator; seeds may be any number.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound as u64) as usize
    }
}

/// Bytes that mean something to a parser.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ":",
    ":=",
    "=",
    "==",
    ",",
    ";",
    "\n",
    ".",
    "|",
    "\"",
    "`",
    "$\"",
    "#",
    "_",
    "-",
    "0",
    "1e9",
    "1e400",
    " if ",
    " else ",
    " not ",
    " with ",
    " as ",
    " in ",
    " some ",
    " every ",
    " contains ",
    " default ",
    "import ",
    "package ",
    "data.",
    "input",
    "null",
    "true",
    "set()",
    "\\u",
    "\\ud800",
    "\u{e9}",
    "\u{1f600}",
    "\t",
    "<<: ",
    "&a ",
    "*a",
    "---\n",
    "- ",
    "!!str ",
];

/// Makes texts that are almost right.
pub struct Mutator {
    random: Random,
    seeds: Vec<Vec<u8>>,
}

impl Mutator {
    /// A mutator of these seeds, of which there is at least one.
    pub fn new(seed: u64, seeds: Vec<Vec<u8>>) -> Mutator {
        Mutator {
            random: Random::new(seed),
            seeds,
        }
    }

    /// The next text.
    pub fn text(&mut self) -> Vec<u8> {
        let pick = self.random.below(self.seeds.len());
        let mut text = self.seeds[pick].clone();
        for _ in 0..=self.random.below(6) {
            self.mutate(&mut text);
        }
        text
    }

    fn mutate(&mut self, text: &mut Vec<u8>) {
        let at = self.random.below(text.len() + 1);
        match self.random.below(6) {
            0 => text.truncate(at),
            1 => {
                let end = (at + 1 + self.random.below(40)).min(text.len());
                text.drain(at..end);
            }
            2 => {
                let token = TOKENS[self.random.below(TOKENS.len())];
                text.splice(at..at, token.bytes());
            }
            3 if at < text.len() => text[at] = self.random.number() as u8,
            4 => {
                let end = (at + 1 + self.random.below(80)).min(text.len());
                let copy = text[at..end].to_vec();
                let to = self.random.below(text.len() + 1);
                text.splice(to..to, copy);
            }
            _ => {
                let other = self.random.below(self.seeds.len());
                let from = self.random.below(self.seeds[other].len() + 1);
                let end = (from + self.random.below(120)).min(self.seeds[other].len());
                let piece = self.seeds[other][from..end].to_vec();
                text.splice(at..at, piece);
            }
        }
    }
}
