//! A multi-frame DICOM file around stored values, so that an encoder of others can be given all frames at once.

/// What the samples are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Samples {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    /// 8 or 16.
    pub(crate) allocated: u16,
    pub(crate) stored: u16,
    pub(crate) signed: bool,
}

/// Multi-frame Grayscale Byte and Word Secondary Capture (PS3.4 B.5).
const BYTE_CLASS: &str = "1.2.840.10008.5.1.4.1.1.7.2";
const WORD_CLASS: &str = "1.2.840.10008.5.1.4.1.1.7.3";
const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";

/// A file in Explicit VR Little Endian (PS3.10 7.1, PS3.5 7.1.2). `pixels` are `frames` frames, little endian.
pub(crate) fn multi_frame(samples: Samples, frames: usize, pixels: &[u8]) -> Vec<u8> {
    let class = if samples.allocated == 8 { BYTE_CLASS } else { WORD_CLASS };
    // PS3.5 B.2: identifiers from a UUID; these stay on this machine.
    let (object, series, study) = ("2.25.7001", "2.25.7002", "2.25.7003");
    let mut meta = Vec::new();
    long(&mut meta, 0x0002, 0x0001, *b"OB", &[0, 1]);
    uid(&mut meta, 0x0002, 0x0002, class);
    uid(&mut meta, 0x0002, 0x0003, object);
    uid(&mut meta, 0x0002, 0x0010, EXPLICIT_LITTLE);
    uid(&mut meta, 0x0002, 0x0012, "2.25.7000");

    let mut file = vec![0; 128];
    file.extend_from_slice(b"DICM");
    short(&mut file, 0x0002, 0x0000, *b"UL", &u32::try_from(meta.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.extend_from_slice(&meta);
    uid(&mut file, 0x0008, 0x0016, class);
    uid(&mut file, 0x0008, 0x0018, object);
    text(&mut file, 0x0008, 0x0060, *b"CS", "OT");
    uid(&mut file, 0x0020, 0x000D, study);
    uid(&mut file, 0x0020, 0x000E, series);
    number(&mut file, 0x0002, 1);
    text(&mut file, 0x0028, 0x0004, *b"CS", "MONOCHROME2");
    text(&mut file, 0x0028, 0x0008, *b"IS", &frames.to_string());
    number(&mut file, 0x0010, samples.rows);
    number(&mut file, 0x0011, samples.columns);
    number(&mut file, 0x0100, samples.allocated);
    number(&mut file, 0x0101, samples.stored);
    number(&mut file, 0x0102, samples.stored - 1);
    number(&mut file, 0x0103, u16::from(samples.signed));
    long(&mut file, 0x7FE0, 0x0010, if samples.allocated == 8 { *b"OB" } else { *b"OW" }, pixels);
    file
}

/// An attribute of the Image Pixel module that is one unsigned number.
fn number(file: &mut Vec<u8>, element: u16, value: u16) {
    short(file, 0x0028, element, *b"US", &value.to_le_bytes());
}

fn uid(file: &mut Vec<u8>, group: u16, element: u16, value: &str) {
    padded(file, group, element, *b"UI", value, 0);
}

fn text(file: &mut Vec<u8>, group: u16, element: u16, vr: [u8; 2], value: &str) {
    padded(file, group, element, vr, value, b' ');
}

/// PS3.5 6.2: values have an even length, UIDs padded by a zero and texts by a space.
fn padded(file: &mut Vec<u8>, group: u16, element: u16, vr: [u8; 2], value: &str, pad: u8) {
    let mut bytes = value.as_bytes().to_vec();
    if bytes.len() % 2 == 1 {
        bytes.push(pad);
    }
    short(file, group, element, vr, &bytes);
}

/// An element whose length has 16 bits (PS3.5 table 7.1-2).
fn short(file: &mut Vec<u8>, group: u16, element: u16, vr: [u8; 2], value: &[u8]) {
    tag(file, group, element, vr);
    file.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    file.extend_from_slice(value);
}

/// An element whose length has 32 bits (PS3.5 table 7.1-1).
fn long(file: &mut Vec<u8>, group: u16, element: u16, vr: [u8; 2], value: &[u8]) {
    tag(file, group, element, vr);
    file.extend_from_slice(&[0, 0]);
    file.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.extend_from_slice(value);
}

fn tag(file: &mut Vec<u8>, group: u16, element: u16, vr: [u8; 2]) {
    file.extend_from_slice(&group.to_le_bytes());
    file.extend_from_slice(&element.to_le_bytes());
    file.extend_from_slice(&vr);
}

#[cfg(test)]
mod tests {
    use super::{Samples, multi_frame};

    #[test]
    fn the_file_reads_back_as_it_was_meant() {
        let samples = Samples { columns: 4, rows: 2, allocated: 16, stored: 12, signed: false };
        let pixels: Vec<u8> = (0..48).collect();
        let file = multi_frame(samples, 3, &pixels);
        let read = imaging::Part10::open(&file).expect("a DICOM file");
        let image = read.instance().displayable().expect("with an image");
        assert_eq!((image.columns, image.rows, image.bits_allocated, image.bits_stored), (4, 2, 16, 12), "its size");
        assert_eq!(read.instance().number_of_frames, 3, "its frames");
        assert_eq!(read.frame(2).expect("the last frame").as_ref(), &pixels[32..48], "its last frame");
    }
}
