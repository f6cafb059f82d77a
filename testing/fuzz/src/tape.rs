//! An input as a row of acts: a byte that says which, then what belongs to it. Whatever the bytes are, they mean
//! something, and what is missing at the end is zero.

use std::time::Duration;

/// What is left of an input.
pub(crate) struct Tape<'a>(&'a [u8]);

impl<'a> Tape<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// The next act of so many kinds; none at the end.
    pub(crate) fn act(&mut self, kinds: u8) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first % kinds)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.number::<1>()[0]
    }

    pub(crate) fn yes(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn short(&mut self) -> u16 {
        u16::from_be_bytes(self.number())
    }

    pub(crate) fn word(&mut self) -> u32 {
        u32::from_be_bytes(self.number())
    }

    pub(crate) fn long(&mut self) -> u64 {
        u64::from_be_bytes(self.number())
    }

    /// Up to a minute.
    pub(crate) fn pause(&mut self) -> Duration {
        Duration::from_millis(self.short().into())
    }

    /// A length in two bytes, and as many of them as there are.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.short()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    /// The same as text; what is none is shown as such.
    pub(crate) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    fn number<const N: usize>(&mut self) -> [u8; N] {
        let mut number = [0; N];
        let there = self.0.len().min(N);
        let (bytes, rest) = self.0.split_at(there);
        number[..there].copy_from_slice(bytes);
        self.0 = rest;
        number
    }
}

/// Writes what a tape reads.
#[derive(Default)]
pub(crate) struct Ink(Vec<u8>);

impl Ink {
    pub(crate) fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    pub(crate) fn short(mut self, number: u16) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    pub(crate) fn word(mut self, number: u32) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    pub(crate) fn long(mut self, number: u64) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    /// No more than a length in two bytes can say.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        let mut written = self.short(length);
        written.0.extend(bytes.iter().take(length.into()));
        written
    }

    /// Without a length.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub(crate) fn dry(self) -> Vec<u8> {
        self.0
    }
}
