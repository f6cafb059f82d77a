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
