//! A picture that somebody sends, made small: what stands in a conversation before all of it is asked for.
//!
//! PNG and JPEG are read, and nothing of what a picture carries besides its pixels is taken over: no place where it was
//! taken, no name of a camera. A header that promises more than [`MOST_PIXELS`] is believed and refused.

use std::io::Cursor;

/// No side is longer than these, in pixels (client-server API v1.11 §11.12.1.7: 800 by 600 is the largest recommended).
const WIDEST: u32 = 800;
const HIGHEST: u32 = 600;
/// A scan of a whole slide is no picture of a conversation.
const MOST_PIXELS: u64 = 100_000_000;
/// Of the decoder, in bytes.
const MOST_MEMORY: usize = 1 << 30;
const QUALITY: u8 = 82;

/// A picture, small.
pub(super) struct Preview {
    /// Of the picture, as it is to be held: width and height.
    pub(super) of: (u32, u32),
    /// Of the small one.
    pub(super) size: (u32, u32),
    /// JPEG; empty where the picture itself is small enough.
    pub(super) jpeg: Vec<u8>,
}

/// Why there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PreviewError {
    /// No form that is read here.
    Form,
    /// More pixels than are read.
    TooLarge,
    /// It is not what its first bytes say.
    Damaged(String),
}

/// Pixels as they lie in the file, one byte a sample.
struct Pixels {
    width: u32,
    height: u32,
    samples: Samples,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Samples {
    Gray,
    GrayAlpha,
    Rgb,
    Rgba,
}

/// Makes it small.
pub(super) fn preview(encoded: &[u8]) -> Result<Preview, PreviewError> {
    if encoded.starts_with(b"\x89PNG\r\n\x1a\n") {
        let pixels = png(encoded)?;
        return small(&pixels, Turn::default(), (pixels.width, pixels.height));
    }
    if encoded.starts_with(&[0xff, 0xd8, 0xff]) {
        return jpeg(encoded);
    }
    Err(PreviewError::Form)
}

fn png(encoded: &[u8]) -> Result<Pixels, PreviewError> {
    let damaged = |error: png::DecodingError| PreviewError::Damaged(error.to_string());
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(encoded), png::Limits { bytes: MOST_MEMORY });
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let header = decoder.read_header_info().map_err(damaged)?;
    allowed(header.width, header.height)?;
    let mut reader = decoder.read_info().map_err(damaged)?;
    let length = reader.output_buffer_size().ok_or(PreviewError::TooLarge)?;
    let mut bytes = vec![0; length];
    let frame = reader.next_frame(&mut bytes).map_err(damaged)?;
    let samples = match frame.color_type {
        png::ColorType::Grayscale => Samples::Gray,
        png::ColorType::GrayscaleAlpha => Samples::GrayAlpha,
        png::ColorType::Rgb => Samples::Rgb,
        png::ColorType::Rgba => Samples::Rgba,
        // Made to colors by the transformation.
        png::ColorType::Indexed => return Err(PreviewError::Form),
    };
    Ok(Pixels { width: frame.width, height: frame.height, samples, bytes })
}

fn jpeg(encoded: &[u8]) -> Result<Preview, PreviewError> {
    let damaged = |error: jpeg_decoder::Error| PreviewError::Damaged(error.to_string());
    let mut decoder = jpeg_decoder::Decoder::new(Cursor::new(encoded));
    decoder.set_max_decoding_buffer_size(MOST_MEMORY);
    decoder.read_info().map_err(damaged)?;
    let info = decoder.info().ok_or(PreviewError::Form)?;
    let whole = (u32::from(info.width), u32::from(info.height));
    allowed(whole.0, whole.1)?;
    let turn = Turn::of(decoder.exif_data().unwrap_or_default());
    let wanted = fitting(whole, turn.bounds());
    let narrow = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
    // The decoder makes it smaller by powers of two, as long as it stays larger than what is wanted.
    decoder.scale(narrow(wanted.0), narrow(wanted.1)).map_err(damaged)?;
    let decoded = decoder.decode().map_err(damaged)?;
    let info = decoder.info().ok_or(PreviewError::Form)?;
    let (samples, bytes) = match info.pixel_format {
        jpeg_decoder::PixelFormat::L8 => (Samples::Gray, decoded),
        jpeg_decoder::PixelFormat::RGB24 => (Samples::Rgb, decoded),
        // Of the print shop, or of a device: a picture, of which no small one is made.
        jpeg_decoder::PixelFormat::L16 | jpeg_decoder::PixelFormat::CMYK32 => {
            let of = turn.turned(whole);
            return Ok(Preview { of, size: of, jpeg: Vec::new() });
        }
    };
    let pixels = Pixels { width: u32::from(info.width), height: u32::from(info.height), samples, bytes };
    small(&pixels, turn, whole)
}

fn allowed(width: u32, height: u32) -> Result<(), PreviewError> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > MOST_PIXELS { Err(PreviewError::TooLarge) } else { Ok(()) }
}

/// The largest size of the same shape within the bounds, and no larger than the picture.
fn fitting((width, height): (u32, u32), (widest, highest): (u32, u32)) -> (u32, u32) {
    if width <= widest && height <= highest {
        return (width, height);
    }
    let side =
        |side: u32, of: u32, to: u32| u32::try_from(u64::from(side) * u64::from(to) / u64::from(of)).unwrap_or(to);
    if u64::from(width) * u64::from(highest) > u64::from(height) * u64::from(widest) {
        (widest, side(height, width, widest).max(1))
    } else {
        (side(width, height, highest).max(1), highest)
    }
}

fn small(pixels: &Pixels, turn: Turn, whole: (u32, u32)) -> Result<Preview, PreviewError> {
    let of = turn.turned(whole);
    let size = fitting(whole, turn.bounds());
    if size == whole {
        return Ok(Preview { of, size: of, jpeg: Vec::new() });
    }
    let averaged = pixels.averaged(size)?;
    let (turned, size) = turn.apply(&averaged, size);
    let narrow = |side: u32| u16::try_from(side).map_err(|_wide| PreviewError::TooLarge);
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, QUALITY)
        .encode(&turned, narrow(size.0)?, narrow(size.1)?, jpeg_encoder::ColorType::Rgb)
        .map_err(|error| PreviewError::Damaged(error.to_string()))?;
    Ok(Preview { of, size, jpeg })
}

impl Pixels {
    /// Each pixel is the mean of those that it stands for, as RGB.
    fn averaged(&self, (width, height): (u32, u32)) -> Result<Vec<u8>, PreviewError> {
        let step = self.samples.count();
        let row = self.width as usize * step;
        if self.bytes.len() < row * self.height as usize {
            return Err(PreviewError::Damaged("fewer pixels than it says".to_owned()));
        }
        let span = |at: u32, of: u32, from: u32| {
            let begin = u64::from(at) * u64::from(from) / u64::from(of);
            let end = (u64::from(at + 1) * u64::from(from) / u64::from(of)).max(begin + 1);
            let place = |at: u64| usize::try_from(at.min(u64::from(from))).unwrap_or(usize::MAX);
            place(begin)..place(end)
        };
        let mut out = Vec::with_capacity(width as usize * height as usize * 3);
        for y in 0..height {
            let rows = span(y, height, self.height);
            for x in 0..width {
                let columns = span(x, width, self.width);
                let mut sum = [0_u64; 3];
                for line in rows.clone() {
                    let line = &self.bytes[line * row + columns.start * step..line * row + columns.end * step];
                    for pixel in line.chunks_exact(step) {
                        let rgb = self.samples.rgb(pixel);
                        for (sum, value) in sum.iter_mut().zip(rgb) {
                            *sum += u64::from(value);
                        }
                    }
                }
                let count = (rows.len() * columns.len()) as u64;
                out.extend(sum.map(|sum| u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX)));
            }
        }
        Ok(out)
    }
}

impl Samples {
    const fn count(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }

    /// On white, as paper is.
    fn rgb(self, pixel: &[u8]) -> [u8; 3] {
        let over = |value: u8, alpha: u8| {
            let mixed = u32::from(value) * u32::from(alpha) + 255 * (255 - u32::from(alpha));
            u8::try_from((mixed + 127) / 255).unwrap_or(u8::MAX)
        };
        match (self, pixel) {
            (Self::Gray, [gray]) => [*gray; 3],
            (Self::GrayAlpha, [gray, alpha]) => [over(*gray, *alpha); 3],
            (Self::Rgb, [r, g, b]) => [*r, *g, *b],
            (Self::Rgba, [r, g, b, alpha]) => [over(*r, *alpha), over(*g, *alpha), over(*b, *alpha)],
            (Self::Gray | Self::GrayAlpha | Self::Rgb | Self::Rgba, _) => [0; 3],
        }
    }
}

/// How a picture has to be turned to be held upright (Exif 2.32, tag 0112).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Turn {
    /// Rows are columns; before the others.
    transposed: bool,
    /// Left is right.
    across: bool,
    /// Up is down.
    down: bool,
}

impl Turn {
    fn of(exif: &[u8]) -> Self {
        match orientation(exif) {
            Some(2) => Self { across: true, ..Self::default() },
            Some(3) => Self { across: true, down: true, ..Self::default() },
            Some(4) => Self { down: true, ..Self::default() },
            Some(5) => Self { transposed: true, ..Self::default() },
            Some(6) => Self { transposed: true, across: true, ..Self::default() },
            Some(7) => Self { transposed: true, across: true, down: true },
            Some(8) => Self { transposed: true, down: true, ..Self::default() },
            Some(_) | None => Self::default(),
        }
    }

    fn turned(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self.transposed { (height, width) } else { (width, height) }
    }

    /// Of what lies in the file.
    fn bounds(self) -> (u32, u32) {
        self.turned((WIDEST, HIGHEST))
    }

    fn apply(self, rgb: &[u8], (width, height): (u32, u32)) -> (Vec<u8>, (u32, u32)) {
        let size = self.turned((width, height));
        let mut out = Vec::with_capacity(rgb.len());
        for y in 0..size.1 {
            for x in 0..size.0 {
                let x = if self.across { size.0 - 1 - x } else { x };
                let y = if self.down { size.1 - 1 - y } else { y };
                let (x, y) = if self.transposed { (y, x) } else { (x, y) };
                let at = (y as usize * width as usize + x as usize) * 3;
                out.extend_from_slice(&rgb[at..at + 3]);
            }
        }
        (out, size)
    }
}

/// The value of the tag in the first directory (TIFF 6.0 §2); none where there is none.
fn orientation(exif: &[u8]) -> Option<u16> {
    let little = match exif.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes: [u8; 2] = exif.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |at: usize| Some(if little { (short(at)?, short(at + 2)?) } else { (short(at + 2)?, short(at)?) });
    let (low, high) = long(4)?;
    let directory = (usize::from(high) << 16) | usize::from(low);
    let entries = usize::from(short(directory)?);
    (0..entries).find_map(|number| {
        let at = directory + 2 + number * 12;
        (short(at)? == 0x0112 && short(at + 2)? == 3).then(|| short(at + 8)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::{PreviewError, Turn, fitting, orientation, preview};

    fn png_of(width: u32, height: u32, color: png::ColorType, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, width, height);
        encoder.set_color(color);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().expect("a header");
        writer.write_image_data(bytes).expect("its pixels");
        writer.finish().expect("its end");
        out
    }

    fn decoded(jpeg: &[u8]) -> (u16, u16, Vec<u8>) {
        let mut decoder = jpeg_decoder::Decoder::new(jpeg);
        let pixels = decoder.decode().expect("a JPEG");
        let info = decoder.info().expect("it was read");
        (info.width, info.height, pixels)
    }

    /// The upper left quarter is red, the rest blue.
    fn marked(width: usize, height: usize) -> Vec<u8> {
        let pixel =
            |at: usize| if at % width < width / 2 && at / width < height / 2 { [255, 0, 0] } else { [0, 0, 255] };
        (0..width * height).flat_map(pixel).collect()
    }

    #[test]
    fn a_large_picture_becomes_a_small_one_of_the_same_shape() {
        assert_eq!(fitting((4000, 3000), (800, 600)), (800, 600), "of the same shape as the bounds");
        assert_eq!(fitting((4000, 1000), (800, 600)), (800, 200), "a wide one");
        assert_eq!(fitting((1000, 4000), (800, 600)), (150, 600), "a high one");
        assert_eq!(fitting((640, 480), (800, 600)), (640, 480), "none is made larger");
        assert_eq!(fitting((100_000, 1), (800, 600)), (800, 1), "and none vanishes");

        let bytes = png_of(1600, 1000, png::ColorType::Rgb, &marked(1600, 1000));
        let Ok(found) = preview(&bytes) else { panic!("it is a picture") };
        assert_eq!((found.of, found.size), ((1600, 1000), (800, 500)), "half as large");
        let (width, height, pixels) = decoded(&found.jpeg);
        assert_eq!((width, height), (800, 500), "as it says");
        let at = |x: usize, y: usize| &pixels[(y * 800 + x) * 3..(y * 800 + x) * 3 + 3];
        assert!(at(100, 100)[0] > 220 && at(100, 100)[2] < 40, "red where it was red: {:?}", at(100, 100));
        assert!(at(700, 400)[2] > 220 && at(700, 400)[0] < 40, "blue where it was blue: {:?}", at(700, 400));
    }

    #[test]
    fn what_is_small_stays_what_it_is_and_what_is_seen_through_lies_on_white() {
        let Ok(found) = preview(&png_of(8, 8, png::ColorType::Grayscale, &[7; 64])) else { panic!("a picture") };
        assert_eq!((found.of, found.jpeg.len()), ((8, 8), 0), "nothing is made of it");
        let clear = vec![0; 1000 * 10 * 4];
        let Ok(found) = preview(&png_of(1000, 10, png::ColorType::Rgba, &clear)) else { panic!("a picture") };
        assert!(decoded(&found.jpeg).2.iter().all(|value| *value > 250), "white");
    }

    #[test]
    fn a_picture_is_held_upright() {
        // TIFF 6.0 §2: byte order, 42, the place of the directory; one entry of type SHORT.
        let exif = |value: u8| {
            let mut bytes = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
            bytes.extend([value, 0, 0]);
            bytes
        };
        assert_eq!(orientation(&exif(6)), Some(6), "a camera that was held upright");
        assert_eq!(orientation(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0"), Some(8), "the other order");
        assert_eq!(orientation(b"II*\0\xff\xff\xff\xff"), None, "a directory that is not there");
        // Exif 2.32, tag 0112: where row 0 and column 0 of the file lie on the picture. Two pixels, A left of B.
        let (a, b) = ([1, 1, 1], [2, 2, 2]);
        for (value, expected, size) in
            [(1, [a, b], (2, 1)), (2, [b, a], (2, 1)), (3, [b, a], (2, 1)), (6, [a, b], (1, 2)), (8, [b, a], (1, 2))]
        {
            let (turned, found) = Turn::of(&exif(value)).apply(&[a, b].concat(), (2, 1));
            assert_eq!((turned, found), (expected.concat(), size), "orientation {value}");
        }
    }

    #[test]
    fn what_is_no_picture_or_a_trap_is_refused() {
        let refused = |bytes: &[u8]| preview(bytes).err();
        assert_eq!(refused(b"MZ\x90\0 a program"), Some(PreviewError::Form), "a program");
        assert_eq!(refused(b"GIF89a"), Some(PreviewError::Form), "a form that is not read");
        let mut bomb = png_of(8, 8, png::ColorType::Grayscale, &[7; 64]);
        // PNG §11.2.2: width and height at 16 and 20; at 29 the sum over the chunk.
        bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        let sum = crc32fast::hash(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(refused(&bomb), Some(PreviewError::TooLarge), "65,536 by 65,536 pixels in a hundred bytes");
        let whole = png_of(900, 700, png::ColorType::Rgb, &marked(900, 700));
        assert!(matches!(refused(&whole[..whole.len() / 2]), Some(PreviewError::Damaged(_))), "half a picture");
        assert!(
            matches!(refused(&[0xff, 0xd8, 0xff, 0xe0, 0, 4]), Some(PreviewError::Damaged(_))),
            "no picture at all"
        );
    }
}
