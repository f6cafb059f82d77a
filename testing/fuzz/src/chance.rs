//! Changed inputs by a fixed number: the same number gives the same inputs on each machine.

/// A row of numbers (Marsaglia's xorshift64*).
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    /// Begins with this number; 0 is taken for 1.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from((self.next() >> 16) % end).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    /// One of the inputs, changed in one to six places.
    pub fn changed(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut input = inputs.get(self.below(inputs.len())).cloned().unwrap_or_default();
        for _change in 0..=self.below(6) {
            self.change(&mut input, inputs);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, inputs: &[Vec<u8>]) {
        let (at, length) = (self.below(input.len()), self.below(32) + 1);
        let end = at.saturating_add(length).min(input.len());
        match self.below(9) {
            0 => {
                let bit = 1 << self.below(8);
                input.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bit);
            }
            1 => {
                let byte = self.byte();
                input.iter_mut().skip(at).take(1).for_each(|place| *place = byte);
            }
            // Where sums and lengths turn over.
            2 => {
                let edge = [0, 1, 0x7f, 0x80, 0xff][self.below(5)];
                input.iter_mut().skip(at).take(self.below(8) + 1).for_each(|place| *place = edge);
            }
            3 => {
                let bytes: Vec<u8> = (0..length).map(|_| self.byte()).collect();
                drop(input.splice(at..at, bytes));
            }
            4 => drop(input.drain(at..end)),
            // The same again, somewhere else.
            5 => {
                let part = input.get(at..end).unwrap_or_default().to_vec();
                let to = self.below(input.len());
                drop(input.splice(to..to, part));
            }
            6 => input.truncate(at),
            // The beginning of one and the end of another.
            7 => {
                let other = inputs.get(self.below(inputs.len())).map_or(&[][..], Vec::as_slice);
                let from = self.below(other.len());
                input.truncate(at);
                input.extend(other.get(from..).unwrap_or_default());
            }
            _ => {
                let number = [0_u32, 1, 0xffff, 0x7fff_ffff, u32::MAX][self.below(5)].to_be_bytes();
                input.iter_mut().skip(at).zip(number).for_each(|(place, byte)| *place = byte);
            }
        }
    }
}
