//! Part 10 files: writing native ones, reading headers, and finding each frame's bytes in a file.
//!
//! Frames are read by their offset, so no file is ever held whole: `Layout` walks the elements of a
//! file once without reading their values.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_encoding::TransferSyntaxIndex;
use dicom_object::{DefaultDicomObject, FileMetaTable, FileMetaTableBuilder, InMemDicomObject, OpenFileOptions};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

/// Root UID of the program in file meta information.
pub(crate) const IMPLEMENTATION: &str = "2.25.183921540772349918205501937442839916025";

/// Explicit VR big endian, which the standard has retired.
pub(crate) const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

// PS3.5 §7.5.
const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

/// A file or object could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file system refused.
    #[error("image file: {0}")]
    Io(#[from] io::Error),
    /// The attributes have no encoding.
    #[error("attributes cannot be encoded: {0}")]
    Encode(String),
}

/// A file could not be read as Part 10.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file system refused, or the file ends early.
    #[error("image file: {0}")]
    Io(#[from] io::Error),
    /// Not DICOM, or damaged.
    #[error("not a readable DICOM file: {0}")]
    Form(String),
}

/// Encodes preamble, meta information and data set without Pixel Data.
pub(crate) fn encode_header(header: &InMemDicomObject, transfer_syntax: &str) -> Result<Vec<u8>, WriteError> {
    let failed = |e: &dyn std::fmt::Display| WriteError::Encode(e.to_string());
    let text = |tag: Tag| header.get(tag).and_then(|e| e.to_str().ok()).map(|s| trimmed(&s)).unwrap_or_default();
    let meta: FileMetaTable = FileMetaTableBuilder::new()
        .media_storage_sop_class_uid(text(tags::SOP_CLASS_UID))
        .media_storage_sop_instance_uid(text(tags::SOP_INSTANCE_UID))
        .transfer_syntax(transfer_syntax)
        .implementation_class_uid(IMPLEMENTATION)
        .implementation_version_name("KONSIL_SANDBOX")
        .build()
        .map_err(|e| failed(&e))?;
    let syntax = TransferSyntaxRegistry
        .get(transfer_syntax)
        .ok_or_else(|| WriteError::Encode(format!("transfer syntax {transfer_syntax}")))?;
    let mut bytes = vec![0; 128];
    bytes.extend_from_slice(b"DICM");
    meta.write(&mut bytes).map_err(|e| failed(&e))?;
    header.write_dataset_with_ts(&mut bytes, syntax).map_err(|e| failed(&e))?;
    Ok(bytes)
}

/// Writes an image with native 16-bit pixels, explicit VR little endian. The file appears whole.
pub(crate) fn write_native(path: &Path, header: &InMemDicomObject, pixels: &[u8]) -> Result<(), WriteError> {
    let mut bytes = encode_header(header, uids::EXPLICIT_VR_LITTLE_ENDIAN)?;
    bytes.extend_from_slice(&[0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0]);
    let length = u32::try_from(pixels.len()).map_err(|e| WriteError::Encode(e.to_string()))?;
    bytes.extend_from_slice(&length.to_le_bytes());
    // Two requests may paint the same image at the same time: each has a temporary file of its own.
    let temporary = path.with_extension(uuid::Uuid::new_v4().simple().to_string());
    let mut file = File::create(&temporary)?;
    file.write_all(&bytes)?;
    file.write_all(pixels)?;
    drop(file);
    std::fs::rename(&temporary, path)?;
    Ok(())
}

/// Reads a file up to Pixel Data.
pub(crate) fn read_header(path: &Path) -> Result<DefaultDicomObject, ReadError> {
    OpenFileOptions::new().read_until(tags::PIXEL_DATA).open_file(path).map_err(|e| ReadError::Form(chain(&e)))
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// A length in memory as a length in a file.
pub(crate) fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("a length has at most 64 bits")
}

/// A text value without padding.
pub(crate) fn trimmed(text: &str) -> String {
    text.trim_matches(['\0', ' ']).to_owned()
}

/// A stretch of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Offset of the first byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

/// Where the pixels of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Transfer syntax of the data set.
    pub transfer_syntax: String,
    /// The Pixel Data element with its header, without what follows it; none for objects without pixels.
    pub element: Option<Piece>,
    /// The value of native Pixel Data.
    pub native: Option<Piece>,
    /// Whether encapsulated Pixel Data ends with its delimiter.
    pub complete: bool,
    /// The fragments of encapsulated Pixel Data without the offset table, and the offsets in that table.
    pub fragments: Vec<Piece>,
    offsets: Vec<u64>,
}

impl Layout {
    /// Walks a file.
    pub(crate) fn of(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut walker = Walker { input: BufReader::new(file), at: 0, size, explicit: true, big: false };
        walker.layout()
    }

    /// Pieces that make up frame `index` (from 0) of `frames`.
    pub(crate) fn frame(&self, index: usize, frames: usize, frame_bits: u64) -> Option<Vec<Piece>> {
        if index >= frames {
            return None;
        }
        if let Some(native) = self.native {
            let position = u64::try_from(index).ok()?;
            // Frames of single bits need not start at a byte; the caller gets the bytes that hold them.
            let start = position.checked_mul(frame_bits)? / 8;
            let end = (position.checked_add(1)?.checked_mul(frame_bits)?).div_ceil(8);
            return (end <= native.length).then(|| vec![Piece { offset: native.offset + start, length: end - start }]);
        }
        let first = self.fragments.first()?.offset;
        if frames == 1 {
            return Some(self.fragments.clone());
        }
        if self.fragments.len() == frames {
            return self.fragments.get(index).map(|p| vec![*p]);
        }
        // The offset table counts from the first byte of the item that follows it (PS3.5 A.4).
        let base = first - 8;
        let from = base + self.offsets.get(index)?;
        let to = self.offsets.get(index + 1).map_or(u64::MAX, |o| base + o);
        let pieces: Vec<Piece> =
            self.fragments.iter().filter(|p| p.offset - 8 >= from && p.offset - 8 < to).copied().collect();
        (!pieces.is_empty()).then_some(pieces)
    }
}

struct Walker {
    input: BufReader<File>,
    at: u64,
    size: u64,
    explicit: bool,
    big: bool,
}

const UNDEFINED: u32 = u32::MAX;

struct Head {
    tag: Tag,
    length: u32,
    /// VR UN: a sequence in implicit VR when its length is undefined (PS3.5 §6.2.2).
    unknown: bool,
}

impl Walker {
    fn layout(&mut self) -> Result<Layout, ReadError> {
        self.skip(128)?;
        if &self.bytes::<4>()? != b"DICM" {
            return Err(ReadError::Form("no DICM after the preamble".to_owned()));
        }
        let mut layout = Layout {
            transfer_syntax: uids::IMPLICIT_VR_LITTLE_ENDIAN.to_owned(),
            element: None,
            native: None,
            complete: false,
            fragments: Vec::new(),
            offsets: Vec::new(),
        };
        let mut in_meta = true;
        while self.at < self.size {
            let start = self.at;
            if in_meta && self.peek_group()? != 0x0002 {
                in_meta = false;
                match layout.transfer_syntax.as_str() {
                    uids::IMPLICIT_VR_LITTLE_ENDIAN => self.explicit = false,
                    BIG_ENDIAN => self.big = true,
                    // What is deflated has no offsets in the file.
                    "1.2.840.10008.1.2.1.99" => return Ok(layout),
                    _ => {}
                }
            }
            let head = self.head()?;
            if head.tag == tags::TRANSFER_SYNTAX_UID {
                let mut value = vec![0; usize::try_from(head.length.min(64)).unwrap_or(64)];
                self.read(&mut value)?;
                layout.transfer_syntax = trimmed(&String::from_utf8_lossy(&value));
            } else if head.tag == tags::PIXEL_DATA {
                self.pixel_data(&head, start, &mut layout)?;
                return Ok(layout);
            } else if head.length == UNDEFINED {
                self.skip_items_of(&head)?;
            } else {
                self.skip(u64::from(head.length))?;
            }
        }
        Ok(layout)
    }

    fn pixel_data(&mut self, head: &Head, start: u64, layout: &mut Layout) -> Result<(), ReadError> {
        if head.length != UNDEFINED {
            let value = Piece { offset: self.at, length: u64::from(head.length).min(self.size - self.at) };
            layout.native = Some(value);
            layout.element = Some(Piece { offset: start, length: value.offset + value.length - start });
            return Ok(());
        }
        let mut first = true;
        // A file that is cut off keeps the fragments that are whole.
        while self.at + 8 <= self.size {
            let item = self.head()?;
            if item.tag != ITEM {
                layout.complete = item.tag == SEQUENCE_END;
                break;
            }
            let piece = Piece { offset: self.at, length: u64::from(item.length) };
            if piece.offset + piece.length > self.size {
                break;
            }
            if first {
                first = false;
                for _ in 0..item.length / 4 {
                    layout.offsets.push(u64::from(u32::from_le_bytes(self.bytes()?)));
                }
                self.skip(u64::from(item.length % 4))?;
            } else {
                layout.fragments.push(piece);
                self.skip(piece.length)?;
            }
        }
        layout.element = Some(Piece { offset: start, length: self.at - start });
        Ok(())
    }

    fn skip_items_of(&mut self, head: &Head) -> Result<(), ReadError> {
        let explicit = self.explicit;
        self.explicit &= !head.unknown;
        let result = self.skip_items();
        self.explicit = explicit;
        result
    }

    /// Skips the items of a sequence of undefined length.
    fn skip_items(&mut self) -> Result<(), ReadError> {
        loop {
            let item = self.head()?;
            if item.tag == SEQUENCE_END {
                return Ok(());
            }
            if item.length != UNDEFINED {
                self.skip(u64::from(item.length))?;
                continue;
            }
            loop {
                let element = self.head()?;
                if element.tag == ITEM_END {
                    break;
                }
                if element.length == UNDEFINED {
                    self.skip_items_of(&element)?;
                } else {
                    self.skip(u64::from(element.length))?;
                }
            }
        }
    }

    fn head(&mut self) -> Result<Head, ReadError> {
        let group = self.u16()?;
        let element = self.u16()?;
        let tag = Tag(group, element);
        if group == 0xFFFE || !self.explicit {
            return Ok(Head { tag, length: self.u32()?, unknown: false });
        }
        let code: [u8; 2] = self.bytes()?;
        let vr = std::str::from_utf8(&code).ok().and_then(|s| s.parse::<VR>().ok());
        let long = vr.is_none_or(|vr| {
            matches!(
                vr,
                VR::OB
                    | VR::OD
                    | VR::OF
                    | VR::OL
                    | VR::OV
                    | VR::OW
                    | VR::SQ
                    | VR::SV
                    | VR::UC
                    | VR::UN
                    | VR::UR
                    | VR::UT
                    | VR::UV
            )
        });
        let length = if long {
            self.skip(2)?;
            self.u32()?
        } else {
            u32::from(self.u16()?)
        };
        Ok(Head { tag, length, unknown: vr == Some(VR::UN) })
    }

    fn peek_group(&mut self) -> Result<u16, ReadError> {
        let group = u16::from_le_bytes(self.bytes()?);
        self.input.seek_relative(-2)?;
        self.at -= 2;
        Ok(group)
    }

    fn u16(&mut self) -> Result<u16, ReadError> {
        let bytes = self.bytes()?;
        Ok(if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&mut self) -> Result<u32, ReadError> {
        let bytes = self.bytes()?;
        Ok(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let mut bytes = [0; N];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    fn read(&mut self, into: &mut [u8]) -> Result<(), ReadError> {
        self.input.read_exact(into)?;
        self.at += length(into.len());
        Ok(())
    }

    fn skip(&mut self, length: u64) -> Result<(), ReadError> {
        let to = self.at + length;
        if to > self.size {
            return Err(ReadError::Form("an element is longer than the file".to_owned()));
        }
        match i64::try_from(length) {
            Ok(short) => self.input.seek_relative(short)?,
            Err(_) => {
                self.input.seek(SeekFrom::Start(to))?;
            }
        }
        self.at = to;
        Ok(())
    }
}

/// Reads pieces of a file.
pub(crate) fn read_pieces(path: &Path, pieces: &[Piece]) -> Result<Vec<u8>, ReadError> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    for piece in pieces {
        file.seek(SeekFrom::Start(piece.offset))?;
        let read = (&mut file).take(piece.length).read_to_end(&mut bytes)?;
        if u64::try_from(read).ok() != Some(piece.length) {
            return Err(ReadError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
    }
    Ok(bytes)
}
