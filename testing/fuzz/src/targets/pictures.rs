//! Files of pictures and the pictures of cameras, which may be of any device.

use crate::tape::{Ink, Tape};
use capture::y4m::Y4m;
use capture::{Layout, Raw, VideoSource as _, rgb};
use codec::I420;

const LAYOUTS: [Layout; 6] = [Layout::Bgrx, Layout::Rgbx, Layout::Rgb, Layout::Yuyv, Layout::Nv12, Layout::Jpeg];
/// A larger picture says no more.
const LARGEST: u32 = 1 << 18;

pub(crate) fn pictures(input: &[u8]) {
    let mut tape = Tape::new(input);
    match tape.byte() % 2 {
        0 => {
            let Ok(mut file) = Y4m::read(tape.rest().to_vec()) else { return };
            let mut size = None;
            for _picture in 0..8 {
                let picture = file.next().expect("a file that could be read has pictures").expect("again and again");
                let own = (picture.width(), picture.height());
                assert_eq!(*size.get_or_insert(own), own, "all of one size");
            }
        }
        _ => {
            let layout = LAYOUTS[usize::from(tape.byte()) % LAYOUTS.len()];
            let (width, height) = (tape.word() >> (tape.byte() % 32), tape.word() >> (tape.byte() % 32));
            let stride = match tape.byte() % 3 {
                0 => usize::from(tape.short()),
                1 => usize::try_from(tape.long()).unwrap_or(usize::MAX),
                _ => usize::try_from(width).unwrap_or_default().saturating_mul(4),
            };
            let bytes = tape.rest();
            if layout == Layout::Jpeg && is_large(bytes) {
                return;
            }
            let Ok(picture) = (Raw { layout, width, height, stride, bytes }).i420() else { return };
            let same = u32::from(picture.width()) == width && u32::from(picture.height()) == height;
            assert!(same || layout == Layout::Jpeg, "a picture has the size that was said");
            shown(&picture);
        }
    }
}

fn shown(picture: &I420) {
    if u32::from(picture.width()) * u32::from(picture.height()) <= LARGEST {
        let colors = rgb(picture).expect("a picture has colors");
        let pixels = usize::from(picture.width()) * usize::from(picture.height());
        assert_eq!(colors.len(), pixels * 3, "three for each pixel");
    }
}

/// Whether any of what may be a header of a frame in a JPEG file (ITU-T T.81 B.2.2) says a large size.
fn is_large(bytes: &[u8]) -> bool {
    bytes.windows(9).any(|header| {
        let side = |at: usize| u32::from(u16::from_be_bytes([header[at], header[at + 1]]));
        header[0] == 0xff && header[1] & 0xf0 == 0xc0 && side(5) * side(7) > LARGEST
    })
}

/// Of ITU-T T.81: 8 × 8 gray pixels in the fewest bytes, with tables of one code each.
const JPEG: &[u8] = &[
    0xff, 0xd8, 0xff, 0xdb, 0, 67, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0, 0xff, 0xc4, 0, 20, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 63,
    0, 0x3f, 0xff, 0xd9,
];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let raw = |layout: u8, bytes: &[u8]| {
        let ink = Ink::default().byte(1).byte(layout).word(6).byte(0).word(4).byte(0);
        ink.byte(0).short(24).raw(bytes).dry()
    };
    let file = [&b"YUV4MPEG2 W2 H2 F15:1 Ip C420jpeg\nFRAME\n"[..], &[1; 6], b"FRAME Ip\n", &[2; 6]].concat();
    let mut seeds: Vec<Vec<u8>> = (0..5).map(|layout| raw(layout, &[100; 160])).collect();
    seeds.push(raw(5, JPEG));
    seeds.push(Ink::default().byte(0).raw(&file).dry());
    seeds
}
