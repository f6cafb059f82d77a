//! Lossless JPEG with Huffman coding (ISO/IEC 10918-1 Annex H, SOF3), 2 to 16 bits. Medical archives
//! are full of it, so that it is worth a decoder whose loop has nothing else to do.

use super::DecodeError;
use super::entropy::{Bits, Huffman, damaged, extended, restart_interval, segment};

/// Decodes a whole stream whose frame header the caller has checked: samples of a pixel beside each
/// other, little endian, `size` bytes each.
pub(super) fn decode(stream: &[u8], size: usize) -> Result<Vec<u8>, DecodeError> {
    let mut tables: [Option<Box<Differences>>; 4] = Default::default();
    let mut interval = 0;
    let mut picture: Option<Picture> = None;
    let mut at = 2;
    while let Some((marker, segment)) = segment(stream, &mut at)? {
        match marker {
            0xC3 => picture = Some(Picture::new(segment, size)?),
            0xC4 => {
                for (_class, place, table) in Huffman::of_segment(segment)? {
                    tables[place] = Some(Box::new(Differences::new(table)));
                }
            }
            0xDD => interval = restart_interval(segment)?,
            0xDA => {
                let Some(picture) = picture.as_mut() else { return damaged("a scan before the frame header") };
                let data = stream.get(at..).unwrap_or_default();
                at += picture.scan(segment, data, &tables, interval)?;
                if picture.members.iter().all(|member| member.seen) {
                    break;
                }
            }
            0xC0..=0xCF => return damaged("a second frame header"),
            _ => {}
        }
    }
    match picture {
        Some(picture) if picture.members.iter().all(|member| member.seen) => Ok(picture.bytes),
        _ => damaged("the stream ends early"),
    }
}

struct Picture {
    precision: u32,
    columns: usize,
    rows: usize,
    members: Vec<Member>,
    size: usize,
    bytes: Vec<u8>,
}

/// A component of the frame.
struct Member {
    id: u8,
    seen: bool,
}

/// What a scan does with one component.
struct Line<'a> {
    component: usize,
    table: &'a Differences,
    above: Vec<u16>,
    now: Vec<u16>,
}

impl Picture {
    /// B.2.2
    fn new(segment: &[u8], size: usize) -> Result<Self, DecodeError> {
        let &[precision, r1, r0, c1, c0, count, ref rest @ ..] = segment else { return damaged("frame header") };
        let rows = usize::from(u16::from_be_bytes([r1, r0]));
        let columns = usize::from(u16::from_be_bytes([c1, c0]));
        let members: Vec<_> = rest.as_chunks::<3>().0.iter().take(usize::from(count)).collect();
        let supported = (2..=16).contains(&precision) && (1..=4).contains(&members.len());
        if !supported || members.len() != usize::from(count) || rows == 0 || columns == 0 {
            return damaged("frame header");
        }
        if members.iter().any(|member| member[1] != members[0][1]) {
            return Err(DecodeError::unsupported("lossless JPEG with subsampling"));
        }
        let members: Vec<_> = members.iter().map(|member| Member { id: member[0], seen: false }).collect();
        let bytes = vec![0; columns * rows * members.len() * size];
        Ok(Self { precision: u32::from(precision), columns, rows, members, size, bytes })
    }

    /// One scan (B.2.3, H.1.2); gives the length of its entropy-coded data.
    fn scan(
        &mut self,
        header: &[u8],
        data: &[u8],
        tables: &[Option<Box<Differences>>; 4],
        interval: usize,
    ) -> Result<usize, DecodeError> {
        let Some((&count, rest)) = header.split_first() else { return damaged("scan header") };
        let (pairs, rest) = rest.split_at_checked(2 * usize::from(count)).unwrap_or_default();
        let &[predictor, _, approximation] = rest else { return damaged("scan header") };
        let shift = u32::from(approximation & 15);
        if !(1..=7).contains(&predictor) || shift >= self.precision {
            return damaged("scan header");
        }
        let mut lines = Vec::new();
        for &[id, places] in pairs.as_chunks::<2>().0 {
            let component = self.members.iter().position(|member| member.id == id);
            let table = tables.get(usize::from(places >> 4)).and_then(Option::as_deref);
            let (Some(component), Some(table)) = (component, table) else {
                return damaged("a scan names a missing table");
            };
            lines.push(Line { component, table, above: vec![0; self.columns], now: vec![0; self.columns] });
        }
        if lines.is_empty() {
            return damaged("scan header");
        }
        // H.1.1 counts a restart interval in whole lines.
        if !interval.is_multiple_of(self.columns) {
            return damaged("a restart within a line");
        }
        let restart_lines = interval / self.columns;
        let middle = 1 << (self.precision - shift - 1);
        let mut bits = Bits::new(data);
        for row in 0..self.rows {
            let restarts = restart_lines > 0 && row > 0 && row.is_multiple_of(restart_lines);
            if restarts {
                bits.restart()?;
            }
            // H.1.2.1: a first line is predicted from the left alone, and its first sample by the middle.
            let start = if row == 0 || restarts { Some(middle) } else { None };
            match lines.as_mut_slice() {
                [line] => line.decode(&mut bits, predictor, start)?,
                several => decode_together(several, &mut bits, predictor, start)?,
            }
            bits.check()?;
            for line in &mut lines {
                self.put(row, line.component, &line.now, shift);
                std::mem::swap(&mut line.above, &mut line.now);
            }
        }
        for line in lines {
            self.members[line.component].seen = true;
        }
        Ok(bits.consumed())
    }

    /// A line of a component to its place, with the point transform undone (H.1.2.4).
    fn put(&mut self, row: usize, component: usize, values: &[u16], shift: u32) {
        let stride = self.members.len() * self.size;
        let line = &mut self.bytes[row * self.columns * stride..][..self.columns * stride];
        if stride == 2 && self.size == 2 {
            for (target, &value) in line.as_chunks_mut::<2>().0.iter_mut().zip(values) {
                *target = (value << shift).to_le_bytes();
            }
            return;
        }
        for (pixel, &value) in line.chunks_exact_mut(stride).zip(values) {
            let value = u32::from(value << shift).to_le_bytes();
            let at = component * self.size;
            pixel[at..at + self.size].copy_from_slice(&value[..self.size]);
        }
    }
}

impl Line<'_> {
    fn decode(&mut self, bits: &mut Bits<'_>, predictor: u8, start: Option<u16>) -> Result<(), DecodeError> {
        match (start, predictor) {
            (Some(middle), _) => self.run::<1>(bits, middle),
            (None, 1) => self.run::<1>(bits, self.above[0]),
            (None, 2) => self.run::<2>(bits, self.above[0]),
            (None, 3) => self.run::<3>(bits, self.above[0]),
            (None, 4) => self.run::<4>(bits, self.above[0]),
            (None, 5) => self.run::<5>(bits, self.above[0]),
            (None, 6) => self.run::<6>(bits, self.above[0]),
            (None, _) => self.run::<7>(bits, self.above[0]),
        }
    }

    /// One line; its first sample is predicted by `first` (H.1.2.1).
    fn run<const PREDICTOR: u8>(&mut self, bits: &mut Bits<'_>, first: u16) -> Result<(), DecodeError> {
        let mut left = first.wrapping_add(self.table.next(bits)?);
        self.now[0] = left;
        for (now, &[corner, above]) in self.now[1..].iter_mut().zip(self.above.array_windows()) {
            let predicted = predict(PREDICTOR, left, above, corner);
            left = predicted.wrapping_add(self.table.next(bits)?);
            *now = left;
        }
        Ok(())
    }
}

/// A line of several components, whose samples take turns (A.2.3).
fn decode_together(
    lines: &mut [Line<'_>],
    bits: &mut Bits<'_>,
    predictor: u8,
    start: Option<u16>,
) -> Result<(), DecodeError> {
    let columns = lines.iter().map(|line| line.now.len()).min().unwrap_or(0);
    for column in 0..columns {
        for line in &mut *lines {
            let predicted = match (column, start) {
                (0, Some(middle)) => middle,
                (0, None) => line.above[0],
                (_, Some(_)) => line.now[column - 1],
                (_, None) => predict(predictor, line.now[column - 1], line.above[column], line.above[column - 1]),
            };
            line.now[column] = predicted.wrapping_add(line.table.next(bits)?);
        }
    }
    Ok(())
}

/// Table H.1; Ra is to the left, Rb above, Rc above to the left.
#[inline(always)]
fn predict(predictor: u8, ra: u16, rb: u16, rc: u16) -> u16 {
    let [a, b, c] = [ra, rb, rc].map(i32::from);
    let predicted = match predictor {
        1 => a,
        2 => b,
        3 => c,
        4 => a + b - c,
        5 => a + ((b - c) >> 1),
        6 => b + ((a - c) >> 1),
        _ => (a + b) >> 1,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "samples count modulo 65536 (H.1.2.1)")]
    {
        predicted as u16
    }
}

/// Differences whose code and bits together are no longer than this are found by one look.
const LOOK: u32 = 12;

/// A Huffman table of differences (H.1.2.2).
struct Differences {
    /// Length and difference by the next [`LOOK`] bits; length 0 for longer ones.
    fast: Vec<(u8, u16)>,
    huffman: Huffman,
}

impl Differences {
    fn new(huffman: Huffman) -> Self {
        let fast = (0..1_u32 << LOOK).map(|bits| {
            let (size, length) = huffman.find(bits << (16 - LOOK));
            let size = u32::from(size);
            let total = if size < 16 { length + size } else { length };
            if length == 0 || total > LOOK || size > 16 {
                return (0, 0);
            }
            let value = (bits >> (LOOK - total)) & ((1 << (total - length)) - 1);
            (u8::try_from(total).unwrap_or(0), difference(value, size))
        });
        Self { fast: fast.collect(), huffman }
    }

    #[inline(always)]
    fn next(&self, bits: &mut Bits<'_>) -> Result<u16, DecodeError> {
        bits.need();
        let (length, difference) = self.fast[bits.top(LOOK) as usize];
        if length == 0 {
            return self.next_long(bits);
        }
        bits.drop(u32::from(length));
        Ok(difference)
    }

    #[cold]
    fn next_long(&self, bits: &mut Bits<'_>) -> Result<u16, DecodeError> {
        let size = u32::from(self.huffman.symbol(bits)?);
        match size {
            0 | 16 => Ok(difference(0, size)),
            1..16 => {
                let value = bits.top(size);
                bits.drop(size);
                Ok(difference(value, size))
            }
            _ => damaged("a difference of more than 16 bits"),
        }
    }
}

/// Table H.2; category 16 is the difference 32768 and has no bits of its own.
fn difference(value: u32, size: u32) -> u16 {
    if size == 16 {
        return 1 << 15;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "differences count modulo 65536")]
    {
        extended(value, size) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    /// A stream of 3 × 2 pixels and 8 bits. Code 0 is category 0, 10 is category 1, 110 category 2.
    fn stream(predictor: u8, data: &[u8]) -> Vec<u8> {
        let mut stream = vec![0xFF, 0xD8, 0xFF, 0xC3, 0, 11, 8, 0, 2, 0, 3, 1, 1, 0x11, 0];
        stream.extend([0xFF, 0xC4, 0, 22, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        stream.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, predictor, 0, 0]);
        stream.extend(data);
        stream.extend([0xFF, 0xD9]);
        stream
    }

    #[test]
    fn differences_add_to_what_table_h_1_predicts() {
        // Differences +1 (10 1), 0 (0), -1 (10 0); then +2 (110 10), 0 (0), +3 (110 11): 101 0 100 11010 0 11011,
        // filled up with ones. The first line is 128 + 1, + 0, - 1. Of the second, the first is 129 + 2 = 131; the
        // second and third follow from left, above and corner: predictor 1 gives 131, 134; 2 gives 129, 131; 3 gives
        // 129, 132; 4 gives 131 + 129 - 129 = 131, 131 + 128 - 129 + 3 = 133; 5 gives 131 + 0, 131 + (-1 >> 1) + 3
        // = 133; 6 gives 129 + 1 = 130, 128 + (130 - 129 >> 1) + 3 = 131; 7 gives 260 / 2 = 130, 258 / 2 + 3 = 132.
        let data = [0b1010_1001, 0b1010_0110, 0b1111_1111, 0x00];
        for (predictor, [second, third]) in [
            (1, [131, 134]),
            (2, [129, 131]),
            (3, [129, 132]),
            (4, [131, 133]),
            (5, [131, 133]),
            (6, [130, 131]),
            (7, [130, 132]),
        ] {
            let samples = decode(&stream(predictor, &data), 1).expect("a whole stream");
            assert_eq!(samples, [129, 129, 128, 131, second, third], "predictor {predictor}");
        }
    }

    #[test]
    fn a_stream_that_was_cut_short_is_refused() {
        let whole = stream(1, &[0b1010_1001, 0b1010_0110, 0b1111_1111, 0x00]);
        for length in 2..whole.len() - 4 {
            assert!(decode(&whole[..length], 2).is_err(), "{length} of {} bytes", whole.len());
        }
    }
}
