//! Numbers from a seed: the same seed, the same calls.

/// A generator (xorshift64*): small, fast, and good enough to choose misuse.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of `seed`.
    pub fn new(seed: u64) -> Self {
        let mut mixed = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        mixed.next();
        mixed
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 16) % end.max(1)
    }

    /// True one time in `n`.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of several.
    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// A number of any size: small ones and those around powers of two as likely as large ones.
    pub fn skewed(&mut self) -> u64 {
        let value = self.next() >> self.below(64);
        match self.below(4) {
            0 => 1 << self.below(64),
            1 => (1_u64 << self.below(64)).wrapping_sub(1),
            2 => value.wrapping_neg(),
            _ => value,
        }
    }
}
