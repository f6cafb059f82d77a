//! Reading objects: Part 10 files and the DICOM JSON model.

mod extract;
mod fields;
mod json;
mod walk;

use crate::encapsulated::{self, FragmentError, OffsetTables};
use crate::image::ImageDescription;
use crate::instance::Instance;
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use fields::Fields;
pub use json::TableAddress;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::ops::Range;
use walk::{Element, Encoding, PixelData, Walk};

/// Why an object cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// Neither the mark of a DICOM file nor a data set at the start.
    #[error("this is not a DICOM file")]
    NotDicom,
    /// The bytes end within an element.
    #[error("the file ends early, at byte {at}")]
    Truncated {
        /// Where the missing bytes should begin.
        at: usize,
    },
    /// Items and delimiters do not fit together.
    #[error("the file's structure is broken at byte {at}")]
    Structure {
        /// Where.
        at: usize,
    },
    /// Nested deeper than any DICOM object is.
    #[error("the file is nested too deeply")]
    Nested,
    /// The deflated data set does not inflate, or to far more than it should.
    #[error("the compressed file cannot be unpacked")]
    Inflate,
    /// A DICOMDIR: a directory of other files.
    #[error("this is the directory of a DICOM medium, not an image")]
    Directory,
    /// An identifier without which the object cannot be placed.
    #[error("{attribute} is missing or is not an identifier")]
    Identifier {
        /// Name of the attribute.
        attribute: &'static str,
    },
    /// The JSON value is not a data set.
    #[error("this is not a DICOM JSON object")]
    Json,
}

/// Why a frame's bytes cannot be taken from a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The file itself.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Fragments and tables.
    #[error(transparent)]
    Fragments(#[from] FragmentError),
    /// The object has no pixels.
    #[error("the object has no pixels")]
    NoPixels,
    /// The file ends before the frame's last byte.
    #[error("the file ends within the frame")]
    Truncated,
}

/// A DICOM file in memory: what it says and where its frames lie. Frames are borrowed from the
/// bytes, so a file of many frames is never held twice.
pub struct Part10<'a> {
    bytes: Cow<'a, [u8]>,
    encoding: Encoding,
    transfer_syntax: String,
    instance: Instance,
    pixels: Option<PixelData>,
    extended_offsets: Vec<u64>,
}

impl std::fmt::Debug for Part10<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Part10({}, {} bytes)", self.instance.sop_instance, self.bytes.len())
    }
}

const IMPLICIT: &str = "1.2.840.10008.1.2";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const EXPLICIT_LITTLE: Encoding = Encoding { explicit: true, big_endian: false };

/// A deflated data set may grow to this many bytes, and to no more than a thousandfold.
const INFLATED_AT_MOST: usize = 1 << 30;

impl<'a> Part10<'a> {
    /// Reads a file: preamble and meta information (PS3.10 7.1), or, as older writers left them out,
    /// a data set from the first byte.
    ///
    /// # Errors
    /// [`ReadError`] says what is wrong with the bytes. A file that ends within Pixel Data opens;
    /// its missing frames fail one by one.
    pub fn open(bytes: &'a [u8]) -> Result<Self, ReadError> {
        if bytes.is_empty() {
            return Err(ReadError::Empty);
        }
        let (syntax, start) = meta(bytes)?;
        let (bytes, start) = if syntax.as_deref() == Some(DEFLATED) {
            (Cow::Owned(inflate(bytes.get(start..).unwrap_or_default())?), 0)
        } else {
            (Cow::Borrowed(bytes), start)
        };
        let encoding = encoding_at(&bytes, start, syntax.as_deref())?;
        let transfer_syntax = syntax.unwrap_or_else(|| native_syntax(encoding).to_owned());

        let mut wanted: Vec<Range<usize>> = Vec::new();
        let mut unknown: Vec<(Tag, Range<usize>)> = Vec::new();
        let mut pixels = None;
        let mut extended_offsets = Vec::new();
        let mut walk = Walk::new(&bytes, start, encoding);
        let mut last = Tag(0, 0);
        while let Some(element) = walk.header()? {
            // Zeros after the last element are padding of the medium.
            if element.tag.group() == 0 && last.group() > 0 {
                break;
            }
            last = element.tag;
            match element.tag {
                tags::EXTENDED_OFFSET_TABLE => {
                    walk.skip(&element)?;
                    let table = bytes.get(element.value..walk.position()).unwrap_or_default();
                    extended_offsets = table
                        .chunks_exact(8)
                        .map(|b| u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
                        .collect();
                }
                tags::PIXEL_DATA => {
                    pixels = Some(pixel_data(&bytes, &element, encoding));
                    break;
                }
                // Floating point values are no stored values that a window could be put on.
                tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA => break,
                tag => {
                    walk.skip(&element)?;
                    if !extract::is_wanted(tag) || !walk.contents_fit(&element, walk.position()) {
                        continue;
                    }
                    if &element.vr == b"UN" && element.length.is_some() {
                        unknown.push((tag, element.value..walk.position()));
                    } else {
                        wanted.push(element.start..walk.position());
                    }
                }
            }
        }
        let mut fields = Fields::from_elements(&bytes, &wanted, encoding);
        fields.add_unknown(&bytes, &unknown);
        let instance = extract::instance(&fields, Some(&transfer_syntax))?;
        Ok(Self { bytes, encoding, transfer_syntax, instance, pixels, extended_offsets })
    }

    /// What the file says.
    #[must_use]
    pub const fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The same, taking it.
    #[must_use]
    pub fn into_instance(self) -> Instance {
        self.instance
    }

    /// Transfer syntax of the pixels, for [`crate::decode::decode_frame`].
    #[must_use]
    pub fn transfer_syntax(&self) -> &str {
        &self.transfer_syntax
    }

    /// True if the file has Pixel Data.
    #[must_use]
    pub const fn has_pixels(&self) -> bool {
        self.pixels.is_some()
    }

    /// True if the file ends within Pixel Data.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        match &self.pixels {
            Some(PixelData::Native { range, declared, .. }) => range.len() < *declared,
            Some(PixelData::Encapsulated { cut, .. }) => *cut,
            None => false,
        }
    }

    /// The encoded bytes of frame `frame`, counted from 0.
    ///
    /// # Errors
    /// [`FrameError`] if there is no such frame or its bytes are not all there.
    pub fn frame(&self, frame: usize) -> Result<Cow<'_, [u8]>, FrameError> {
        let pixels = self.pixels.as_ref().ok_or(FrameError::NoPixels)?;
        let image = self.instance.image.as_ref().ok_or(FrameError::NoPixels)?;
        let frames = self.instance.number_of_frames as usize;
        match pixels {
            PixelData::Native { range, words, .. } => {
                let run = self.bytes.get(range.clone()).ok_or(FrameError::Truncated)?;
                if frame >= frames {
                    return Err(FragmentError::NoSuchFrame.into());
                }
                // OW is a run of 16-bit words; bytes within them trade places in the big endian
                // encoding (PS3.5 7.3).
                let swapped = self.encoding.big_endian && *words && image.bits_allocated <= 8;
                native_frame(run, image, frame, swapped)
            }
            PixelData::Encapsulated { offsets, fragments, cut } => {
                let tables = OffsetTables { basic: offsets, extended: &self.extended_offsets };
                let which = encapsulated::fragments_of_frame(&self.bytes, fragments, tables, frame, frames)
                    .map_err(|e| if *cut { FrameError::Truncated } else { e.into() })?;
                Ok(encapsulated::join(&self.bytes, fragments, which)?)
            }
        }
    }
}

/// The encoded bytes of one frame of a file, for callers that need just one.
///
/// # Errors
/// [`FrameError`] if the file cannot be read or has no such frame.
pub fn frame_bytes(part10: &[u8], frame: usize) -> Result<Vec<u8>, FrameError> {
    Ok(Part10::open(part10)?.frame(frame)?.into_owned())
}

impl Instance {
    /// Reads what a Part 10 file says; [`Part10`] also gives its frames.
    ///
    /// # Errors
    /// [`ReadError`] says what is wrong with the bytes.
    pub fn from_part10(bytes: &[u8]) -> Result<Self, ReadError> {
        Part10::open(bytes).map(Part10::into_instance)
    }

    /// Reads an object of the DICOM JSON model (PS3.18 F), as WADO-RS metadata carries it.
    /// Attributes that are not as the model says are taken as missing.
    ///
    /// # Errors
    /// [`ReadError`] if the value is no object or lacks an identifier.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, ReadError> {
        Self::from_json_with(value, &BTreeMap::new())
    }

    /// The same with look-up tables that the metadata only gives the address of. Without them a palette image
    /// has no colors, and a modality table is taken as missing.
    ///
    /// # Errors
    /// [`ReadError`] if the value is no object or lacks an identifier.
    pub fn from_json_with(value: &serde_json::Value, tables: &BTreeMap<String, Vec<u8>>) -> Result<Self, ReadError> {
        extract::instance(&json::fields(value, tables)?, None)
    }

    /// Where the look-up tables of an object lie that archives leave out of its metadata, since their values
    /// are binary (PS3.18 F.2.6): palettes, Modality LUT and VOI LUT Sequence.
    #[must_use]
    pub fn table_addresses(value: &serde_json::Value) -> Vec<TableAddress> {
        json::table_addresses(value)
    }
}

/// Transfer syntax and offset of the data set.
fn meta(bytes: &[u8]) -> Result<(Option<String>, usize), ReadError> {
    let start = match bytes.get(128..132) {
        Some(b"DICM") => 132,
        _ if bytes.starts_with(&[0x02, 0x00]) => 0,
        _ => return Ok((None, 0)),
    };
    let mut walk = Walk::new(bytes, start, EXPLICIT_LITTLE);
    let mut syntax = None;
    loop {
        let before = walk.position();
        let Some(element) = walk.header()? else { return Ok((syntax, before)) };
        if element.tag.group() != 0x0002 {
            return Ok((syntax, before));
        }
        walk.skip(&element)?;
        let value = bytes.get(element.value..walk.position()).unwrap_or_default();
        let text = || String::from_utf8_lossy(value).trim_matches([' ', '\0']).to_owned();
        match element.tag {
            tags::TRANSFER_SYNTAX_UID => syntax = Some(text()),
            // Media Storage Directory Storage
            tags::MEDIA_STORAGE_SOP_CLASS_UID if text() == "1.2.840.10008.1.3.10" => {
                return Err(ReadError::Directory);
            }
            _ => {}
        }
    }
}

/// The encoding of the data set. Writers that name a wrong or no transfer syntax are common enough
/// that the first element's form decides between implicit and explicit.
fn encoding_at(bytes: &[u8], start: usize, syntax: Option<&str>) -> Result<Encoding, ReadError> {
    let big_endian = match (syntax, bytes.get(start..start + 2)) {
        (_, None) => return Err(ReadError::Truncated { at: start }),
        (Some(uid), _) => uid == BIG_ENDIAN,
        (None, Some(group)) => group[0] == 0 && group[1] != 0,
    };
    let mut walk = Walk::new(bytes, start, Encoding { explicit: false, big_endian });
    let Some(first) = walk.header()? else { return Err(ReadError::Truncated { at: start }) };
    let vr = bytes.get(start + 4..start + 6).unwrap_or_default();
    let explicit = vr.iter().all(u8::is_ascii_uppercase);
    // Without the mark at byte 128 a data set is believed only if it begins as one does.
    if syntax.is_none() {
        let plausible = (0x0002..=0x0020).contains(&first.tag.group())
            && (explicit || first.length.is_none_or(|length| length <= bytes.len()));
        if !plausible {
            return Err(ReadError::NotDicom);
        }
    }
    Ok(Encoding { explicit, big_endian })
}

const fn native_syntax(encoding: Encoding) -> &'static str {
    match (encoding.explicit, encoding.big_endian) {
        (_, true) => BIG_ENDIAN,
        (true, false) => EXPLICIT,
        (false, false) => IMPLICIT,
    }
}

fn inflate(bytes: &[u8]) -> Result<Vec<u8>, ReadError> {
    let limit = bytes.len().saturating_mul(1032).min(INFLATED_AT_MOST);
    let mut inflated = Vec::new();
    let taken = flate2::read::DeflateDecoder::new(bytes)
        .take(limit as u64 + 1)
        .read_to_end(&mut inflated)
        .map_err(|_broken_stream| ReadError::Inflate)?;
    if taken > limit { Err(ReadError::Inflate) } else { Ok(inflated) }
}

fn pixel_data(bytes: &[u8], element: &Element, encoding: Encoding) -> PixelData {
    match element.length {
        Some(declared) => {
            let end = element.value.saturating_add(declared).min(bytes.len());
            PixelData::Native { range: element.value..end, declared, words: &element.vr != b"OB" }
        }
        None => walk::fragments(bytes, element.value, encoding),
    }
}

/// One frame of a run of native frames; bit-packed frames that begin within a byte are moved to its
/// beginning (PS3.5 8.1.1: frames follow each other without padding).
fn native_frame<'b>(
    run: &'b [u8],
    image: &ImageDescription,
    frame: usize,
    swapped: bool,
) -> Result<Cow<'b, [u8]>, FrameError> {
    let bits = image.native_frame_bits();
    let first = bits.checked_mul(frame).ok_or(FrameError::Truncated)?;
    let end = first.checked_add(bits).ok_or(FrameError::Truncated)?.div_ceil(8);
    let mut part = Cow::Borrowed(run.get(first / 8..end).ok_or(FrameError::Truncated)?);
    if swapped {
        let byte = |i: usize| run.get(i ^ 1).copied().ok_or(FrameError::Truncated);
        part = Cow::Owned((first / 8..end).map(byte).collect::<Result<_, _>>()?);
    }
    let shift = first % 8;
    if shift == 0 {
        return Ok(part);
    }
    let moved = (0..bits.div_ceil(8)).map(|i| {
        let low = part[i] >> shift;
        let high = part.get(i + 1).map_or(0, |&next| next << (8 - shift));
        low | high
    });
    Ok(Cow::Owned(moved.collect()))
}
