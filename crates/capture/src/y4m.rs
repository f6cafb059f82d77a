//! Pictures of a file in YUV4MPEG2 (mjpegtools' `yuv4mpeg(5)`), again from the beginning after the last one: what a test
//! camera shows.

use crate::device::VideoSource;
use codec::I420;
use codec::i420::{Channel, Plane};
use model::device::DeviceError;

/// A file of pictures in 8 bits and 4:2:0.
#[derive(Clone)]
pub struct Y4m {
    bytes: Vec<u8>,
    width: u16,
    height: u16,
    begin: usize,
    at: usize,
}

impl std::fmt::Debug for Y4m {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Y4m({} × {} [not shown])", self.width, self.height)
    }
}

impl Y4m {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// [`DeviceError::Unusable`] where it is another file, is cut off before the end of its first picture, is interlaced or
    /// has another sampling of colors.
    pub fn read(bytes: Vec<u8>) -> Result<Self, DeviceError> {
        let header = line(&bytes, 0).ok_or(DeviceError::Unusable)?;
        let mut words = header.split(' ');
        if words.next() != Some("YUV4MPEG2") {
            return Err(DeviceError::Unusable);
        }
        let (mut width, mut height) = (None, None);
        for word in words {
            let Some((tag, value)) = word.split_at_checked(1) else { continue };
            match tag {
                "W" => width = value.parse().ok(),
                "H" => height = value.parse().ok(),
                "I" if !matches!(value, "p" | "?") => return Err(DeviceError::Unusable),
                // Where chroma lies between the pixels is not seen in a round.
                "C" if !matches!(value, "420" | "420jpeg" | "420mpeg2" | "420paldv") => {
                    return Err(DeviceError::Unusable);
                }
                _ => {}
            }
        }
        let (Some(width), Some(height)) = (width, height) else { return Err(DeviceError::Unusable) };
        let begin = header.len() + 1;
        let mut read = Self { bytes, width, height, begin, at: begin };
        let first = read.next()?;
        read.at = begin;
        first.map(|_| read).ok_or(DeviceError::Unusable)
    }

    fn picture(&mut self) -> Option<I420> {
        let header = line(&self.bytes, self.at).filter(|header| header.starts_with("FRAME"))?;
        let mut at = self.at + header.len() + 1;
        let mut planes = Vec::new();
        for channel in Channel::ALL {
            let (columns, rows) = channel.size(self.width, self.height);
            let end = at.checked_add(columns.checked_mul(rows)?)?;
            planes.push(Plane { bytes: self.bytes.get(at..end)?.to_vec(), stride: columns });
            at = end;
        }
        self.at = at;
        I420::new(self.width, self.height, planes.try_into().ok()?).ok()
    }
}

impl VideoSource for Y4m {
    fn next(&mut self) -> Result<Option<I420>, DeviceError> {
        if let Some(picture) = self.picture() {
            return Ok(Some(picture));
        }
        self.at = self.begin;
        self.picture().map(Some).ok_or(DeviceError::Unusable)
    }
}

/// Up to the end of the line, without it; none in a file that has no such line.
fn line(bytes: &[u8], at: usize) -> Option<&str> {
    let rest = bytes.get(at..)?;
    let end = rest.iter().take(LONGEST).position(|byte| *byte == b'\n')?;
    std::str::from_utf8(rest.get(..end)?).ok()
}

/// Of a header, in bytes.
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::Y4m;
    use crate::device::VideoSource as _;
    use codec::i420::Channel;
    use model::device::DeviceError;

    fn file(header: &str, pictures: &[[u8; 6]]) -> Vec<u8> {
        let mut bytes = header.as_bytes().to_vec();
        for picture in pictures {
            bytes.extend_from_slice(b"FRAME\n");
            bytes.extend_from_slice(picture);
        }
        bytes
    }

    #[test]
    fn pictures_come_in_their_order_and_again_from_the_beginning() {
        let bytes = file("YUV4MPEG2 W2 H2 F15:1 Ip C420jpeg\n", &[[1, 2, 3, 4, 5, 6], [11, 12, 13, 14, 15, 16]]);
        let mut read = Y4m::read(bytes).expect("it is a file of pictures");
        let mut first = || {
            let picture = read.next().expect("a picture").expect("a file always has another one");
            Channel::ALL.map(|channel| picture.rows(channel).next().expect("a row").to_vec())
        };
        assert_eq!(first(), [vec![1, 2], vec![5], vec![6]], "the first");
        assert_eq!(first(), [vec![11, 12], vec![15], vec![16]], "the second");
        assert_eq!(first(), [vec![1, 2], vec![5], vec![6]], "and the first again");
    }

    #[test]
    fn other_files_are_refused() {
        let whole = [[1, 2, 3, 4, 5, 6]];
        for (what, bytes) in [
            ("another file", file("RIFF W2 H2\n", &whole)),
            ("no size", file("YUV4MPEG2 W2\n", &whole)),
            ("no end of the header", b"YUV4MPEG2 W2 H2".to_vec()),
            ("interlaced", file("YUV4MPEG2 W2 H2 It\n", &whole)),
            ("4:2:2", file("YUV4MPEG2 W2 H2 C422\n", &whole)),
            ("larger than it is", file("YUV4MPEG2 W2000 H2000\n", &whole)),
            ("without pixels", file("YUV4MPEG2 W0 H2\n", &whole)),
            ("without pictures", file("YUV4MPEG2 W2 H2\n", &[])),
        ] {
            assert_eq!(Y4m::read(bytes).map(|_| ()), Err(DeviceError::Unusable), "{what}");
        }
    }
}
