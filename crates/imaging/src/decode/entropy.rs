//! What the processes of ISO/IEC 10918-1 share: marker segments, Huffman tables and the bits of
//! entropy-coded data.

use super::DecodeError;

pub(super) fn damaged<T>(why: &str) -> Result<T, DecodeError> {
    Err(DecodeError::Damaged { why: why.to_owned() })
}

/// The next marker segment from `at` on, which is then behind it; `None` at EOI. Markers without a
/// segment are passed over (B.1.1.3).
pub(super) fn segment<'a>(stream: &'a [u8], at: &mut usize) -> Result<Option<(u8, &'a [u8])>, DecodeError> {
    loop {
        // Fill bytes may precede a marker (B.1.1.2).
        while stream.get(*at) == Some(&0xFF) && stream.get(*at + 1) == Some(&0xFF) {
            *at += 1;
        }
        let Some(&[0xFF, marker]) = stream.get(*at..*at + 2) else { return damaged("the stream ends early") };
        *at += 2;
        match marker {
            0xD9 => return Ok(None),
            0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let Some(&[high, low]) = stream.get(*at..*at + 2) else { return damaged("the stream ends early") };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(segment) = stream.get(*at + 2..*at + length) else { return damaged("a segment ends early") };
        *at += length;
        return Ok(Some((marker, segment)));
    }
}

/// The restart interval of a DRI segment (B.2.4.4).
pub(super) fn restart_interval(segment: &[u8]) -> Result<usize, DecodeError> {
    match segment {
        &[high, low, ..] => Ok(usize::from(u16::from_be_bytes([high, low]))),
        _ => damaged("restart interval"),
    }
}

/// Codes up to this length are found by one look.
const LOOK: u32 = 9;

/// A Huffman table prepared for decoding (Annex C, F.2.2.3).
pub(super) struct Huffman {
    /// Length and symbol by the next [`LOOK`] bits; length 0 for longer codes.
    fast: [(u8, u8); 1 << LOOK],
    /// Greatest code of each length, left-aligned to 16 bits, exclusive; 0 where there is none.
    limit: [u32; 17],
    /// Index of a length's first symbol minus its first code.
    offset: [i32; 17],
    symbols: Vec<u8>,
}

impl Huffman {
    /// The tables of a DHT segment (B.2.4.2), each with its class (0 for DC, 1 for AC) and place.
    pub(super) fn of_segment(mut segment: &[u8]) -> Result<Vec<(u8, usize, Self)>, DecodeError> {
        let mut tables = Vec::new();
        while let Some((&head, rest)) = segment.split_first() {
            let Some((counts, rest)) = rest.split_first_chunk::<16>() else { return damaged("Huffman table") };
            let total = counts.iter().map(|&c| usize::from(c)).sum();
            let (class, place) = (head >> 4, usize::from(head & 15));
            let (true, Some(symbols)) = (place < 4, rest.get(..total)) else { return damaged("Huffman table") };
            tables.push((class, place, Self::new(counts, symbols)?));
            segment = &rest[total..];
        }
        Ok(tables)
    }

    fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, DecodeError> {
        let mut fast = [(0, 0); 1 << LOOK];
        let mut limit = [0; 17];
        let mut offset = [0; 17];
        let mut code = 0_u32;
        let mut index = 0_usize;
        for (length, &count) in (1_u32..).zip(counts) {
            offset[length as usize] = i32::try_from(index).unwrap_or(0) - code.cast_signed();
            for _ in 0..count {
                let Some(&symbol) = symbols.get(index) else { return damaged("Huffman table") };
                if code >= 1 << length {
                    return damaged("Huffman table");
                }
                if length <= LOOK {
                    let first = (code << (LOOK - length)) as usize;
                    let entry = (u8::try_from(length).unwrap_or(0), symbol);
                    fast[first..first + (1 << (LOOK - length))].fill(entry);
                }
                code += 1;
                index += 1;
            }
            limit[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Ok(Self { fast, limit, offset, symbols: symbols.to_vec() })
    }

    /// Symbol and length of the code that begins `next`, 16 bits; length 0 where there is none.
    #[inline]
    pub(super) fn find(&self, next: u32) -> (u8, u32) {
        let (length, symbol) = self.fast[(next >> (16 - LOOK)) as usize];
        if length > 0 { (symbol, u32::from(length)) } else { self.find_long(next) }
    }

    #[cold]
    fn find_long(&self, next: u32) -> (u8, u32) {
        for length in LOOK + 1..=16 {
            if next < self.limit[length as usize] {
                let code = (next >> (16 - length)).cast_signed();
                let index = usize::try_from(code + self.offset[length as usize]).unwrap_or(usize::MAX);
                return self.symbols.get(index).map_or((0, 0), |&symbol| (symbol, length));
            }
        }
        (0, 0)
    }

    /// The next symbol; 32 bits must have been asked for since the last one.
    #[inline(always)]
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Result<u8, DecodeError> {
        let (symbol, length) = self.find(bits.top(16));
        if length == 0 {
            return damaged("a code that is not in the Huffman table");
        }
        bits.drop(length);
        Ok(symbol)
    }
}

/// EXTEND (F.2.2.1): the number that `size` bits stand for.
#[inline(always)]
pub(super) const fn extended(value: u32, size: u32) -> i32 {
    let value = value.cast_signed();
    if size > 0 && value < 1 << (size - 1) { value - (1 << size) + 1 } else { value }
}

/// The bits of entropy-coded data, stuffed zeros removed (B.1.1.5). Behind the end come zeros, and
/// [`Bits::check`] tells afterwards that they were read.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// Unread bits at the top.
    buffer: u64,
    /// How many; below zero when more were read than there are.
    count: i32,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, buffer: 0, count: 0 }
    }

    /// Makes 32 bits ready, or as many as there are.
    #[inline(always)]
    pub(super) fn need(&mut self) {
        if self.count < 32 {
            self.refill();
        }
    }

    #[inline]
    fn refill(&mut self) {
        // Without an FF among the next four bytes they are taken at once.
        if let Some(&[a, b, c, d]) = self.data.get(self.at..self.at + 4)
            && a != 0xFF
            && b != 0xFF
            && c != 0xFF
            && d != 0xFF
        {
            self.buffer |= u64::from(u32::from_be_bytes([a, b, c, d])) << (32 - self.count);
            self.count += 32;
            self.at += 4;
            return;
        }
        self.refill_by_bytes();
    }

    fn refill_by_bytes(&mut self) {
        while self.count <= 56 {
            let Some(&byte) = self.data.get(self.at) else { return };
            if byte == 0xFF {
                // A marker ends the data; it stays for the caller.
                if self.data.get(self.at + 1) != Some(&0) {
                    return;
                }
                self.at += 1;
            }
            self.at += 1;
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next `count` bits, 1 to 32; they stay.
    #[inline(always)]
    pub(super) const fn top(&self, count: u32) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits are left after the shift")]
        {
            (self.buffer >> (64 - count)) as u32
        }
    }

    #[inline(always)]
    pub(super) const fn drop(&mut self, count: u32) {
        self.buffer <<= count;
        self.count -= count.cast_signed();
    }

    /// RECEIVE and EXTEND (F.2.2.1) of at most 16 bits.
    #[inline(always)]
    pub(super) const fn receive_extended(&mut self, size: u32) -> i32 {
        if size == 0 {
            return 0;
        }
        let value = self.top(size);
        self.drop(size);
        extended(value, size)
    }

    /// Fails if more bits were read than there are.
    #[inline]
    pub(super) fn check(&self) -> Result<(), DecodeError> {
        if self.count < 0 { damaged("the image data ends early") } else { Ok(()) }
    }

    /// Goes behind the next restart marker (F.2.1.3.1).
    pub(super) fn restart(&mut self) -> Result<(), DecodeError> {
        self.buffer = 0;
        self.count = 0;
        while self.data.get(self.at) == Some(&0xFF) && self.data.get(self.at + 1) == Some(&0xFF) {
            self.at += 1;
        }
        match self.data.get(self.at..self.at + 2) {
            Some(&[0xFF, 0xD0..=0xD7]) => {
                self.at += 2;
                Ok(())
            }
            _ => damaged("a restart marker is missing"),
        }
    }

    /// Where the data ended: at the next marker.
    pub(super) fn consumed(&self) -> usize {
        let rest = self.data.get(self.at..).unwrap_or_default();
        let marker = rest.windows(2).position(|w| w[0] == 0xFF && w[1] != 0 && !(0xD0..=0xD7).contains(&w[1]));
        self.at + marker.unwrap_or(rest.len())
    }
}
