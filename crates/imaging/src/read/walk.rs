//! The skeleton of an encoded data set (PS3.5 7): which elements lie where, with every length checked
//! against the bytes that are there, before anything is allocated or given to a parser.

use super::ReadError;
use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;
use std::ops::Range;

/// How the elements of a data set are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Encoding {
    pub(super) explicit: bool,
    pub(super) big_endian: bool,
}

/// One element: where its header begins and where its value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) tag: Tag,
    /// Zero bytes where the encoding carries none.
    pub(super) vr: [u8; 2],
    /// Offset of the header.
    pub(super) start: usize,
    /// Offset of the value.
    pub(super) value: usize,
    /// Length of the value; `None` if undefined.
    pub(super) length: Option<usize>,
}

/// Deeper nesting than any information object defines; PS3.3 needs fewer than 10 levels.
const DEEPEST: usize = 64;

const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

/// Walks elements from one offset of a byte slice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    encoding: Encoding,
}

impl<'a> Walk<'a> {
    pub(super) const fn new(bytes: &'a [u8], at: usize, encoding: Encoding) -> Self {
        Self { bytes, at, encoding }
    }

    pub(super) const fn position(&self) -> usize {
        self.at
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let end = self.at.checked_add(N).ok_or(ReadError::Truncated { at: self.at })?;
        let bytes = self.bytes.get(self.at..end).and_then(|b| <[u8; N]>::try_from(b).ok());
        let bytes = bytes.ok_or(ReadError::Truncated { at: self.at })?;
        self.at = end;
        Ok(bytes)
    }

    fn u16(&mut self) -> Result<u16, ReadError> {
        let bytes = self.take()?;
        Ok(if self.encoding.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&mut self) -> Result<u32, ReadError> {
        let bytes = self.take()?;
        Ok(if self.encoding.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// The next element's header; the position is then its value. `None` at the end of the bytes;
    /// less than a header of rest is padding.
    pub(super) fn header(&mut self) -> Result<Option<Element>, ReadError> {
        if self.bytes.len().saturating_sub(self.at) < 8 {
            return Ok(None);
        }
        let start = self.at;
        let tag = Tag(self.u16()?, self.u16()?);
        let (vr, length) = if tag.group() == 0xFFFE {
            // Items and delimiters have no value representation in any encoding (PS3.5 7.5).
            ([0, 0], self.u32()?)
        } else if self.encoding.explicit {
            let vr: [u8; 2] = self.take()?;
            match &vr {
                b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT"
                | b"UV" => {
                    self.u16()?;
                    (vr, self.u32()?)
                }
                [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => (vr, u32::from(self.u16()?)),
                // Writers that leave the value representation out write this element as in the
                // implicit encoding.
                _ => {
                    self.at -= 2;
                    ([0, 0], self.u32()?)
                }
            }
        } else {
            ([0, 0], self.u32()?)
        };
        let length = (length != u32::MAX).then_some(length as usize);
        Ok(Some(Element { tag, vr, start, value: self.at, length }))
    }

    /// Goes behind the value of `element`, whose header was just read.
    pub(super) fn skip(&mut self, element: &Element) -> Result<(), ReadError> {
        self.skip_at(element, 0)
    }

    fn skip_at(&mut self, element: &Element, depth: usize) -> Result<(), ReadError> {
        if depth > DEEPEST {
            return Err(ReadError::Nested);
        }
        if let Some(length) = element.length {
            let end = element.value.checked_add(length).filter(|&end| end <= self.bytes.len());
            self.at = end.ok_or(ReadError::Truncated { at: element.value })?;
            return Ok(());
        }
        // An UN element of undefined length holds a sequence in the implicit encoding
        // (PS3.5 6.2.2 Note 4).
        let outer = self.encoding;
        if &element.vr == b"UN" {
            self.encoding = Encoding { explicit: false, big_endian: false };
        }
        let result = self.skip_items(depth);
        self.encoding = outer;
        result
    }

    fn skip_items(&mut self, depth: usize) -> Result<(), ReadError> {
        loop {
            let item = self.header()?.ok_or(ReadError::Truncated { at: self.at })?;
            match item.tag {
                SEQUENCE_END => return Ok(()),
                ITEM if item.length.is_some() => self.skip_at(&item, depth)?,
                ITEM => loop {
                    let inner = self.header()?.ok_or(ReadError::Truncated { at: self.at })?;
                    if inner.tag == ITEM_END {
                        break;
                    }
                    self.skip_at(&inner, depth + 1)?;
                },
                _ => return Err(ReadError::Structure { at: item.start }),
            }
        }
    }
}

impl Walk<'_> {
    /// Whether all lengths within a sequence element stay inside of it. A parser that allocates by
    /// declared length must see no other one.
    pub(super) fn contents_fit(&self, element: &Element, end: usize) -> bool {
        let Some(bytes) = self.bytes.get(..end) else { return false };
        !is_sequence(element) || Walk::new(bytes, element.value, self.encoding).items(0).is_ok()
    }

    fn items(&mut self, depth: usize) -> Result<(), ReadError> {
        if depth > DEEPEST {
            return Err(ReadError::Nested);
        }
        while self.at < self.bytes.len() {
            let item = self.header()?.ok_or(ReadError::Truncated { at: self.at })?;
            match item.tag {
                SEQUENCE_END => return Ok(()),
                ITEM if item.length.is_some() => {
                    self.skip(&item)?;
                    let bytes = self.bytes.get(..self.at).unwrap_or_default();
                    Walk::new(bytes, item.value, self.encoding).elements(depth + 1)?;
                }
                ITEM => self.elements(depth + 1)?,
                _ => return Err(ReadError::Structure { at: item.start }),
            }
        }
        Ok(())
    }

    fn elements(&mut self, depth: usize) -> Result<(), ReadError> {
        while let Some(element) = self.header()? {
            if element.tag == ITEM_END {
                break;
            }
            self.skip(&element)?;
            if is_sequence(&element) {
                let bytes = self.bytes.get(..self.at).unwrap_or_default();
                Walk::new(bytes, element.value, self.encoding).items(depth + 1)?;
            }
        }
        Ok(())
    }
}

fn is_sequence(element: &Element) -> bool {
    match &element.vr {
        b"SQ" => true,
        [0, 0] => StandardDataDictionary.by_tag(element.tag).is_some_and(|entry| entry.vr().relaxed() == VR::SQ),
        _ => false,
    }
}

/// Pixel Data as it lies in the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PixelData {
    /// Native: one run of bytes, perhaps cut short by the end of the file.
    Native { range: Range<usize>, declared: usize, words: bool },
    /// Encapsulated (PS3.5 A.4): Basic Offset Table and fragments.
    Encapsulated { offsets: Vec<u32>, fragments: Vec<Range<usize>>, cut: bool },
}

/// The fragments of an encapsulated Pixel Data element whose header was just read. A file that ends
/// within them keeps what is complete.
pub(super) fn fragments(bytes: &[u8], from: usize, encoding: Encoding) -> PixelData {
    let mut walk = Walk::new(bytes, from, encoding);
    let mut offsets = Vec::new();
    let mut fragments = Vec::new();
    let mut first = true;
    let cut = loop {
        let Ok(Some(item)) = walk.header() else { break true };
        match (item.tag, item.length) {
            (SEQUENCE_END, _) => break false,
            (ITEM, Some(_)) => {
                if walk.skip(&item).is_err() {
                    break true;
                }
                let range = item.value..walk.position();
                if first {
                    let table = bytes.get(range).unwrap_or_default().chunks_exact(4);
                    offsets = table.map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
                    first = false;
                } else {
                    fragments.push(range);
                }
            }
            _ => break true,
        }
    };
    PixelData::Encapsulated { offsets, fragments, cut }
}
