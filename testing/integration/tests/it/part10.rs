//! Files of explicit VR little endian, put together element by element, so that a test can leave out or bend what it
//! likes (PS3.10 §7.1, PS3.5 §7.1.2).

/// A file as it grows, behind its preamble.
pub(crate) struct Part10(Vec<u8>);

impl Part10 {
    pub(crate) fn new() -> Self {
        Self([[0; 128].as_slice(), b"DICM"].concat())
    }

    pub(crate) fn put(&mut self, group: u16, element: u16, vr: &[u8; 2], value: &[u8]) {
        self.0.extend(group.to_le_bytes());
        self.0.extend(element.to_le_bytes());
        self.0.extend(vr);
        if vr == b"OW" {
            self.0.extend([0, 0]);
            self.0.extend(u32::try_from(value.len()).expect("small").to_le_bytes());
        } else {
            self.0.extend(u16::try_from(value.len()).expect("small").to_le_bytes());
        }
        self.0.extend(value);
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// A CT image with a preamble (PS3.10 §7.1), of `size` rows and columns with pixels of 16 bits, without any spacing of
/// them. All such images are of one series, "Series" of the study "Without spacing".
pub(crate) fn image(instance: u16, size: [u16; 2], pixels: &[u8]) -> Vec<u8> {
    let mut file = Part10::new();
    let number = format!("{instance:02}");
    // PS3.5 §9.1: an odd UID ends with NUL.
    let uid = format!("1.2.3.4.{instance:03}\0");
    let (class, syntax) = (b"1.2.840.10008.5.1.4.1.1.2\0", b"1.2.840.10008.1.2.1\0");
    // PS3.10 §7.1: the length of the group counts three elements with headers of eight bytes each.
    let group = u32::try_from(3 * 8 + class.len() + uid.len() + syntax.len()).expect("small");
    file.put(0x0002, 0x0000, b"UL", &group.to_le_bytes());
    file.put(0x0002, 0x0002, b"UI", class);
    file.put(0x0002, 0x0003, b"UI", uid.as_bytes());
    file.put(0x0002, 0x0010, b"UI", syntax);
    file.put(0x0008, 0x0016, b"UI", class);
    file.put(0x0008, 0x0018, b"UI", uid.as_bytes());
    file.put(0x0008, 0x0020, b"DA", b"20260101");
    file.put(0x0008, 0x0060, b"CS", b"CT");
    file.put(0x0008, 0x1030, b"LO", b"Without spacing ");
    file.put(0x0008, 0x103E, b"LO", b"Series");
    file.put(0x0010, 0x0010, b"PN", b"Nobody^Nils ");
    file.put(0x0010, 0x0020, b"LO", b"N1");
    file.put(0x0020, 0x000D, b"UI", b"1.2.3\0");
    file.put(0x0020, 0x000E, b"UI", b"1.2.3.9\0");
    file.put(0x0020, 0x0013, b"IS", number.as_bytes());
    file.put(0x0028, 0x0002, b"US", &[1, 0]);
    file.put(0x0028, 0x0004, b"CS", b"MONOCHROME2 ");
    file.put(0x0028, 0x0010, b"US", &size[0].to_le_bytes());
    file.put(0x0028, 0x0011, b"US", &size[1].to_le_bytes());
    file.put(0x0028, 0x0100, b"US", &[16, 0]);
    file.put(0x0028, 0x0101, b"US", &[16, 0]);
    file.put(0x0028, 0x0102, b"US", &[15, 0]);
    file.put(0x0028, 0x0103, b"US", &[0, 0]);
    file.put(0x7FE0, 0x0010, b"OW", pixels);
    file.into_bytes()
}
