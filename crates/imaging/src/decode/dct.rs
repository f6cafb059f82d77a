//! Sequential JPEG of 8 and 12 bits (ISO/IEC 10918-1, SOF0 and SOF1), with the arithmetic of the
//! Independent JPEG Group's `islow` transform and its smooth ("fancy") chroma upsampling.
//!
//! The standard leaves the last bit of a decoder open (10918-2 allows a difference of one). Every
//! tool that physicians compare with, dcmtk and libjpeg-turbo among them, uses this arithmetic; so
//! the same bytes give the same values here.

use super::DecodeError;
use super::entropy::{Bits, Huffman, damaged, restart_interval, segment};

/// A decoded picture: samples of a pixel beside each other.
pub(super) struct Picture {
    pub(super) samples: Vec<u16>,
}

/// Decodes a whole stream whose frame header the caller has checked.
pub(super) fn decode(stream: &[u8]) -> Result<Picture, DecodeError> {
    let mut decoder = Decoder::default();
    decoder.read(stream)?;
    decoder.picture()
}

#[derive(Default)]
struct Decoder {
    quantization: [Option<Box<[i32; 64]>>; 4],
    dc: [Option<Box<Huffman>>; 4],
    ac: [Option<Box<Huffman>>; 4],
    restart_interval: usize,
    frame: Option<Frame>,
}

struct Frame {
    precision: u32,
    columns: usize,
    rows: usize,
    most_across: usize,
    most_down: usize,
    components: Vec<Component>,
}

struct Component {
    id: u8,
    /// Horizontal and vertical sampling factor.
    across: usize,
    down: usize,
    quantization: usize,
    /// Size of the component without padding.
    columns: usize,
    rows: usize,
    /// Size in blocks, padded to whole MCUs.
    blocks_across: usize,
    /// `blocks_across × 8` samples a line.
    plane: Vec<u16>,
    seen: bool,
}

impl Component {
    fn line(&self, row: usize) -> &[u16] {
        let stride = self.blocks_across * 8;
        &self.plane[row * stride..row * stride + self.columns]
    }
}

impl Decoder {
    fn read(&mut self, stream: &[u8]) -> Result<(), DecodeError> {
        let mut at = 2;
        while let Some((marker, segment)) = segment(stream, &mut at)? {
            match marker {
                0xC0 | 0xC1 => self.frame = Some(frame(segment)?),
                0xC4 => {
                    for (class, place, table) in Huffman::of_segment(segment)? {
                        let tables = if class == 0 { &mut self.dc } else { &mut self.ac };
                        tables[place] = Some(Box::new(table));
                    }
                }
                0xDB => self.quantization(segment)?,
                0xDD => self.restart_interval = restart_interval(segment)?,
                0xDA => at += self.scan(segment, stream.get(at..).unwrap_or_default())?,
                0xC2..=0xCF => return damaged("a second frame header"),
                _ => {}
            }
            if self.is_complete() {
                break;
            }
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.frame.as_ref().is_some_and(|f| f.components.iter().all(|c| c.seen))
    }

    /// B.2.4.1
    fn quantization(&mut self, mut segment: &[u8]) -> Result<(), DecodeError> {
        while let Some((&head, rest)) = segment.split_first() {
            let size = if head >> 4 == 0 { 1 } else { 2 };
            let place = self.quantization.get_mut(usize::from(head & 15));
            let (Some(place), Some(values)) = (place, rest.get(..64 * size)) else {
                return damaged("quantization table");
            };
            let mut table = Box::new([0; 64]);
            for (&natural, value) in ZIGZAG.iter().zip(values.chunks_exact(size)) {
                table[natural] = value.iter().fold(0, |sum, &b| sum << 8 | i32::from(b));
            }
            *place = Some(table);
            segment = &rest[64 * size..];
        }
        Ok(())
    }

    /// One scan (B.2.3); gives the length of its entropy-coded data.
    fn scan(&mut self, header: &[u8], data: &[u8]) -> Result<usize, DecodeError> {
        let Some(frame) = self.frame.as_mut() else { return damaged("a scan before the frame header") };
        let Some((&count, rest)) = header.split_first() else { return damaged("scan header") };
        let mut members: Vec<(usize, &Huffman, &Huffman, &[i32; 64])> = Vec::new();
        for pair in rest.chunks_exact(2).take(usize::from(count)) {
            let index = frame.components.iter().position(|c| c.id == pair[0]);
            let dc = self.dc.get(usize::from(pair[1] >> 4)).and_then(Option::as_deref);
            let ac = self.ac.get(usize::from(pair[1] & 15)).and_then(Option::as_deref);
            let (Some(index), Some(dc), Some(ac)) = (index, dc, ac) else {
                return damaged("a scan names a missing table");
            };
            let Some(quantization) = self.quantization[frame.components[index].quantization].as_deref() else {
                return damaged("a component names a missing quantization table");
            };
            members.push((index, dc, ac, quantization));
        }
        if members.is_empty() || members.len() != usize::from(count) {
            return damaged("scan header");
        }
        // A scan of one component goes block by block through its own size (A.2.2), others by MCUs.
        let alone = members.len() == 1;
        let (units_across, units_down) = if alone {
            let component = &frame.components[members[0].0];
            (component.columns.div_ceil(8), component.rows.div_ceil(8))
        } else {
            (frame.columns.div_ceil(8 * frame.most_across), frame.rows.div_ceil(8 * frame.most_down))
        };
        let pass1_bits = if frame.precision > 8 { 1 } else { 2 };
        let center = 1 << (frame.precision - 1);
        let greatest = (1 << frame.precision) - 1;
        let mut bits = Bits::new(data);
        let mut last_dc = [0_i32; 4];
        let mut to_restart = self.restart_interval;
        let mut block = [0_i32; 64];
        for unit in 0..units_across * units_down {
            if self.restart_interval > 0 {
                if to_restart == 0 {
                    bits.restart()?;
                    last_dc = [0; 4];
                    to_restart = self.restart_interval;
                }
                to_restart -= 1;
            }
            let (unit_row, unit_column) = (unit / units_across, unit % units_across);
            for (member, &(index, dc, ac, quantization)) in members.iter().enumerate() {
                let component = &mut frame.components[index];
                let (across, down) = if alone { (1, 1) } else { (component.across, component.down) };
                for v in 0..down {
                    for h in 0..across {
                        block.fill(0);
                        let last = read_block(&mut bits, dc, ac, quantization, &mut last_dc[member], &mut block)?;
                        let stride = component.blocks_across * 8;
                        let start = (unit_row * down + v) * 8 * stride + (unit_column * across + h) * 8;
                        let target = &mut component.plane[start..];
                        transform(&mut block, last, pass1_bits, center, greatest, target, stride);
                    }
                }
            }
        }
        for (index, ..) in members {
            frame.components[index].seen = true;
        }
        Ok(bits.consumed())
    }

    /// Upsamples the components to one size and puts the samples of a pixel beside each other.
    fn picture(self) -> Result<Picture, DecodeError> {
        let Some(mut frame) = self.frame else { return damaged("no frame header") };
        let count = frame.components.len();
        if let [only] = frame.components.as_mut_slice()
            && only.blocks_across * 8 == frame.columns
        {
            let mut samples = std::mem::take(&mut only.plane);
            samples.truncate(frame.columns * frame.rows);
            return Ok(Picture { samples });
        }
        let mut ratios = Vec::new();
        for component in &frame.components {
            let ratio = (frame.most_across / component.across, frame.most_down / component.down);
            if component.across * ratio.0 != frame.most_across || component.down * ratio.1 != frame.most_down {
                return Err(DecodeError::unsupported("JPEG with fractional subsampling"));
            }
            ratios.push(ratio);
        }
        let mut samples = vec![0; frame.columns * frame.rows * count];
        let mut wide = vec![vec![0; frame.columns + 16]; count];
        let mut sums = Vec::new();
        for (row, line) in samples.chunks_exact_mut(frame.columns * count).enumerate() {
            for ((component, &ratio), wide) in frame.components.iter().zip(&ratios).zip(&mut wide) {
                upsample(component, ratio, row, &mut sums, wide);
            }
            match wide.as_slice() {
                [one] => line.copy_from_slice(&one[..frame.columns]),
                [a, b, c] => {
                    for (pixel, ((&a, &b), &c)) in line.as_chunks_mut::<3>().0.iter_mut().zip(a.iter().zip(b).zip(c)) {
                        *pixel = [a, b, c];
                    }
                }
                several => {
                    for (i, values) in several.iter().enumerate() {
                        for (target, &value) in line.iter_mut().skip(i).step_by(count).zip(values) {
                            *target = value;
                        }
                    }
                }
            }
        }
        Ok(Picture { samples })
    }
}

/// B.2.2. The caller has compared size, precision and components with the description.
fn frame(segment: &[u8]) -> Result<Frame, DecodeError> {
    let &[precision, r1, r0, c1, c0, count, ref rest @ ..] = segment else { return damaged("frame header") };
    let rows = usize::from(u16::from_be_bytes([r1, r0]));
    let columns = usize::from(u16::from_be_bytes([c1, c0]));
    let mut components = Vec::new();
    for part in rest.chunks_exact(3).take(usize::from(count)) {
        let (across, down) = (usize::from(part[1] >> 4), usize::from(part[1] & 15));
        if !(1..=4).contains(&across) || !(1..=4).contains(&down) || part[2] > 3 {
            return damaged("sampling factors");
        }
        components.push(Component {
            id: part[0],
            across,
            down,
            quantization: usize::from(part[2]),
            columns: 0,
            rows: 0,
            blocks_across: 0,
            plane: Vec::new(),
            seen: false,
        });
    }
    let supported = matches!(precision, 8 | 12) && (1..=4).contains(&components.len());
    if !supported || components.len() != usize::from(count) || rows == 0 || columns == 0 {
        return damaged("frame header");
    }
    let most_across = components.iter().map(|c| c.across).max().unwrap_or(1);
    let most_down = components.iter().map(|c| c.down).max().unwrap_or(1);
    for component in &mut components {
        component.columns = (columns * component.across).div_ceil(most_across);
        component.rows = (rows * component.down).div_ceil(most_down);
        component.blocks_across = columns.div_ceil(8 * most_across) * component.across;
        let blocks_down = rows.div_ceil(8 * most_down) * component.down;
        component.plane = vec![0; component.blocks_across * blocks_down * 64];
    }
    Ok(Frame { precision: u32::from(precision), columns, rows, most_across, most_down, components })
}

/// Decodes and dequantizes one block (F.2.2); gives the index of its last coefficient in zigzag order.
fn read_block(
    bits: &mut Bits<'_>,
    dc: &Huffman,
    ac: &Huffman,
    quantization: &[i32; 64],
    last_dc: &mut i32,
    block: &mut [i32; 64],
) -> Result<usize, DecodeError> {
    bits.need();
    let size = u32::from(dc.symbol(bits)?);
    if size > 16 {
        return damaged("a coefficient of more than 16 bits");
    }
    *last_dc = last_dc.wrapping_add(bits.receive_extended(size));
    block[0] = last_dc.wrapping_mul(quantization[0]);
    let mut k = 1;
    let mut last = 0;
    while k < 64 {
        bits.need();
        let symbol = ac.symbol(bits)?;
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 {
            if run < 15 {
                break;
            }
            k += 16;
            continue;
        }
        k += run;
        let Some(&natural) = ZIGZAG.get(k) else { return damaged("a block of more than 64 coefficients") };
        block[natural] = bits.receive_extended(size).wrapping_mul(quantization[natural]);
        last = k;
        k += 1;
    }
    bits.check()?;
    Ok(last)
}

/// Where the k-th coefficient in zigzag order lies in the block (figure A.6).
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

// The constants of the `islow` transform, 13 fraction bits.
const CONST_BITS: u32 = 13;
const F_0_298631336: i32 = 2446;
const F_0_390180644: i32 = 3196;
const F_0_541196100: i32 = 4433;
const F_0_765366865: i32 = 6270;
const F_0_899976223: i32 = 7373;
const F_1_175875602: i32 = 9633;
const F_1_501321110: i32 = 12_299;
const F_1_847759065: i32 = 15_137;
const F_1_961570560: i32 = 16_069;
const F_2_053119869: i32 = 16_819;
const F_2_562915447: i32 = 20_995;
const F_3_072711026: i32 = 25_172;

/// Eight points of the inverse transform after Loeffler, Ligtenberg and Moschytz, scaled by √8.
/// Arithmetic wraps: damaged data may hold anything, valid data never overflows.
#[inline(always)]
fn eight(x: [i32; 8], shift: u32) -> [i32; 8] {
    let mul = i32::wrapping_mul;
    let add = i32::wrapping_add;
    let sub = i32::wrapping_sub;

    let z1 = mul(add(x[2], x[6]), F_0_541196100);
    let even2 = sub(z1, mul(x[6], F_1_847759065));
    let even3 = add(z1, mul(x[2], F_0_765366865));
    let even0 = add(x[0], x[4]) << CONST_BITS;
    let even1 = sub(x[0], x[4]) << CONST_BITS;
    let (e0, e3) = (add(even0, even3), sub(even0, even3));
    let (e1, e2) = (add(even1, even2), sub(even1, even2));

    let z5 = mul(add(add(x[7], x[3]), add(x[5], x[1])), F_1_175875602);
    let z1 = mul(add(x[7], x[1]), -F_0_899976223);
    let z2 = mul(add(x[5], x[3]), -F_2_562915447);
    let z3 = add(mul(add(x[7], x[3]), -F_1_961570560), z5);
    let z4 = add(mul(add(x[5], x[1]), -F_0_390180644), z5);
    let o0 = add(mul(x[7], F_0_298631336), add(z1, z3));
    let o1 = add(mul(x[5], F_2_053119869), add(z2, z4));
    let o2 = add(mul(x[3], F_3_072711026), add(z2, z3));
    let o3 = add(mul(x[1], F_1_501321110), add(z1, z4));

    let round = 1 << (shift - 1);
    let descale = |v: i32| add(v, round) >> shift;
    [
        descale(add(e0, o3)),
        descale(add(e1, o2)),
        descale(add(e2, o1)),
        descale(add(e3, o0)),
        descale(sub(e3, o0)),
        descale(sub(e2, o1)),
        descale(sub(e1, o2)),
        descale(sub(e0, o3)),
    ]
}

/// The inverse transform of a block into lines of `target`. `last` is the zigzag index of the last
/// coefficient, for the common blocks that hold only their mean.
fn transform(
    block: &mut [i32; 64],
    last: usize,
    pass1_bits: u32,
    center: i32,
    greatest: i32,
    target: &mut [u16],
    stride: usize,
) {
    let limit = |v: i32| u16::try_from(v.wrapping_add(center).clamp(0, greatest)).unwrap_or(0);
    if last == 0 {
        // What both passes make of a single coefficient.
        let value = (block[0] << pass1_bits).wrapping_add(1 << (pass1_bits + 2)) >> (pass1_bits + 3);
        for line in target.chunks_mut(stride).take(8) {
            line[..8].fill(limit(value));
        }
        return;
    }
    for column in 0..8 {
        let x: [i32; 8] = std::array::from_fn(|row| block[row * 8 + column]);
        let y =
            if x[1..].iter().all(|&v| v == 0) { [x[0] << pass1_bits; 8] } else { eight(x, CONST_BITS - pass1_bits) };
        for (row, value) in y.into_iter().enumerate() {
            block[row * 8 + column] = value;
        }
    }
    for (line, values) in target.chunks_mut(stride).zip(block.as_chunks::<8>().0) {
        let y = eight(*values, CONST_BITS + pass1_bits + 3);
        for (sample, value) in line.iter_mut().zip(y) {
            *sample = limit(value);
        }
    }
}

/// One line of a component at full size. Halved components are interpolated with the weights 3 and
/// 1 of the nearer and the farther sample, others repeat. `sums` is room for a line.
fn upsample(component: &Component, ratio: (usize, usize), row: usize, sums: &mut Vec<u16>, wide: &mut [u16]) {
    // Below three columns the Independent JPEG Group's code repeats, too.
    let smooth = component.columns > 2;
    match ratio {
        (1, 1) => wide[..component.columns].copy_from_slice(component.line(row)),
        (2, 1) if smooth => spread::<2>(component.line(row), wide, [1, 2]),
        (2, 2) if smooth => {
            let near = row / 2;
            let far = if row.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(component.rows - 1) };
            sums.clear();
            sums.extend(component.line(near).iter().zip(component.line(far)).map(|(&n, &f)| 3 * n + f));
            spread::<4>(sums, wide, [8, 7]);
        }
        (across, down) => {
            let line = component.line((row / down).min(component.rows - 1));
            for (target, &value) in wide.chunks_mut(across).zip(line) {
                target.fill(value);
            }
        }
    }
}

/// Two samples for each one: 3/4 of it and 1/4 of its neighbor, scaled down by `SHIFT` bits. The
/// roundings of left and right differ, so that they do not add up. At the ends a sample is its own
/// neighbor. `line` has at least two samples.
fn spread<const SHIFT: u32>(line: &[u16], wide: &mut [u16], rounds: [u32; 2]) {
    let mix = |this: u16, neighbors: [u16; 2]| {
        let mixed: [u32; 2] =
            std::array::from_fn(|i| (3 * u32::from(this) + u32::from(neighbors[i]) + rounds[i]) >> SHIFT);
        #[expect(clippy::cast_possible_truncation, reason = "a mean of two samples of at most 12 bits")]
        {
            mixed.map(|v| v as u16)
        }
    };
    let (pairs, _) = wide.as_chunks_mut::<2>();
    let end = line.len() - 1;
    pairs[0] = mix(line[0], [line[0], line[1]]);
    for (pair, &[before, this, after]) in pairs[1..].iter_mut().zip(line.array_windows()) {
        *pair = mix(this, [before, after]);
    }
    pairs[end] = mix(line[end], [line[end - 1], line[end]]);
}
