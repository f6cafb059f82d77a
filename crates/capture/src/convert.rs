//! Pictures as cameras and screens have them, made into pictures that an encoder takes: ITU-R BT.601 with luma from 16 to
//! 235, as every decoder of VP8 reads them (RFC 6386 §9.2).

use codec::I420;
use codec::i420::{Channel, Plane};
use model::device::DeviceError;
use yuv::{
    BufferStoreMut, YuvConversionMode, YuvError, YuvPackedImage, YuvPlanarImage, YuvPlanarImageMut, YuvRange,
    YuvStandardMatrix,
};
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// How the bytes of a picture lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Blue, green, red and a fourth byte that counts nothing.
    Bgrx,
    /// Red, green, blue and a fourth byte that counts nothing.
    Rgbx,
    /// Red, green, blue.
    Rgb,
    /// Two pixels in four bytes: luma, blue, luma, red.
    Yuyv,
    /// Luma, and behind it blue and red in turns for each 2 × 2 pixels.
    Nv12,
    /// A JPEG file.
    Jpeg,
}

/// A picture as it came.
#[derive(Clone, Copy)]
pub struct Raw<'a> {
    /// How the bytes lie.
    pub layout: Layout,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes from row to row; of no meaning in a JPEG file.
    pub stride: usize,
    /// All of it.
    pub bytes: &'a [u8],
}

impl std::fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Raw({:?}, {} × {} [not shown])", self.layout, self.width, self.height)
    }
}

impl Raw<'_> {
    /// For an encoder.
    ///
    /// # Errors
    /// [`DeviceError::Unusable`] where the bytes are not such a picture.
    pub fn i420(&self) -> Result<I420, DeviceError> {
        match self.layout {
            Layout::Bgrx => self.colors(4, yuv::bgra_to_yuv420),
            Layout::Rgbx => self.colors(4, yuv::rgba_to_yuv420),
            Layout::Rgb => self.colors(3, yuv::rgb_to_yuv420),
            Layout::Yuyv => self.yuyv(),
            Layout::Nv12 => self.nv12(),
            Layout::Jpeg => self.jpeg(),
        }
    }

    fn size(&self) -> Result<(u16, u16), DeviceError> {
        match (u16::try_from(self.width), u16::try_from(self.height)) {
            (Ok(width), Ok(height)) if width > 0 && height > 0 => Ok((width, height)),
            _ => Err(DeviceError::Unusable),
        }
    }

    /// The rows of one plane, each `columns` bytes wide, from `at` on.
    fn rows(&self, at: usize, columns: usize, rows: usize) -> Result<&[u8], DeviceError> {
        let bytes = (rows.checked_sub(1)).and_then(|above| above.checked_mul(self.stride)?.checked_add(columns));
        let end = bytes.and_then(|bytes| at.checked_add(bytes)).ok_or(DeviceError::Unusable)?;
        let fits = columns <= self.stride;
        self.bytes.get(at..end).filter(|_| fits).ok_or(DeviceError::Unusable)
    }

    fn colors(&self, of_a_pixel: usize, convert: Convert) -> Result<I420, DeviceError> {
        let (width, height) = self.size()?;
        let bytes = self.rows(0, usize::from(width) * of_a_pixel, height.into())?;
        let stride = u32::try_from(self.stride).map_err(|_cause| DeviceError::Unusable)?;
        made(width, height, |planes| {
            convert(planes, bytes, stride, YuvRange::Limited, YuvStandardMatrix::Bt601, YuvConversionMode::Balanced)
        })
    }

    fn yuyv(&self) -> Result<I420, DeviceError> {
        let (width, height) = self.size()?;
        let yuy = self.rows(0, usize::from(width).div_ceil(2) * 4, height.into())?;
        let yuy_stride = u32::try_from(self.stride).map_err(|_cause| DeviceError::Unusable)?;
        let packed = YuvPackedImage { yuy, yuy_stride, width: width.into(), height: height.into() };
        made(width, height, |planes| yuv::yuyv422_to_yuv420(planes, &packed))
    }

    fn nv12(&self) -> Result<I420, DeviceError> {
        let (width, height) = self.size()?;
        let (columns, rows) = Channel::U.size(width, height);
        let colors = self.stride.checked_mul(height.into()).ok_or(DeviceError::Unusable)?;
        let luma = self.rows(0, width.into(), height.into())?;
        let colors = self.rows(colors, columns * 2, rows)?;
        let of = |which: usize| {
            let rows = colors.chunks(self.stride).flat_map(|row| row.get(..columns * 2).unwrap_or(row).chunks(2));
            Plane { bytes: rows.filter_map(|pair| pair.get(which).copied()).collect(), stride: columns }
        };
        let luma = luma.chunks(self.stride).flat_map(|row| row.get(..width.into()).unwrap_or(row)).copied().collect();
        let luma = Plane { bytes: luma, stride: width.into() };
        I420::new(width, height, [luma, of(0), of(1)]).map_err(|_cause| DeviceError::Unusable)
    }

    fn jpeg(&self) -> Result<I420, DeviceError> {
        let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
        let options = options.set_max_width(LARGEST).set_max_height(LARGEST);
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(self.bytes), options);
        let bytes = decoder.decode().map_err(|_cause| DeviceError::Unusable)?;
        let (width, height) = decoder.dimensions().ok_or(DeviceError::Unusable)?;
        let (Ok(wide), Ok(high)) = (u32::try_from(width), u32::try_from(height)) else {
            return Err(DeviceError::Unusable);
        };
        Raw { layout: Layout::Rgb, width: wide, height: high, stride: width * 3, bytes: &bytes }.i420()
    }
}

/// Red, green and blue of each pixel, row by row; none where a side is longer than any picture.
#[must_use]
pub fn rgb(picture: &I420) -> Option<Vec<u8>> {
    let [y, u, v] = Channel::ALL.map(|channel| picture.plane(channel));
    let stride = |plane: &Plane<&[u8]>| u32::try_from(plane.stride).ok();
    let (width, height) = (u32::from(picture.width()), u32::from(picture.height()));
    let planes = YuvPlanarImage {
        y_plane: y.bytes,
        y_stride: stride(&y)?,
        u_plane: u.bytes,
        u_stride: stride(&u)?,
        v_plane: v.bytes,
        v_stride: stride(&v)?,
        width,
        height,
    };
    let mut colors = vec![0; usize::from(picture.width()) * usize::from(picture.height()) * 3];
    yuv::yuv420_to_rgb(&planes, &mut colors, width * 3, YuvRange::Limited, YuvStandardMatrix::Bt601).ok()?;
    Some(colors)
}

/// Pictures of a camera that cannot be read: the first ones are often cut off. Only one that gives nothing else is broken.
#[derive(Debug, Default)]
pub(crate) struct Damaged(u32);

/// So many in a row are left out.
const DAMAGED: u32 = 30;

impl Damaged {
    /// None where this picture is left out.
    pub(crate) fn read(&mut self, raw: &Raw<'_>) -> Result<Option<I420>, DeviceError> {
        match raw.i420() {
            Ok(picture) => {
                self.0 = 0;
                Ok(Some(picture))
            }
            Err(error) if self.0 >= DAMAGED => Err(error),
            Err(_cut_off) => {
                self.0 += 1;
                Ok(None)
            }
        }
    }
}

/// A side of a camera's picture.
const LARGEST: usize = 8192;

type Convert = fn(
    &mut YuvPlanarImageMut<'_, u8>,
    &[u8],
    u32,
    YuvRange,
    YuvStandardMatrix,
    YuvConversionMode,
) -> Result<(), YuvError>;

fn made(
    width: u16,
    height: u16,
    convert: impl FnOnce(&mut YuvPlanarImageMut<'_, u8>) -> Result<(), YuvError>,
) -> Result<I420, DeviceError> {
    let [mut y, mut u, mut v] = Channel::ALL.map(|channel| {
        let (columns, rows) = channel.size(width, height);
        Plane { bytes: vec![0; columns * rows], stride: columns }
    });
    let stride = |plane: &Plane| u32::try_from(plane.stride).unwrap_or(u32::MAX);
    let (y_stride, u_stride, v_stride) = (stride(&y), stride(&u), stride(&v));
    let mut planes = YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(&mut y.bytes),
        y_stride,
        u_plane: BufferStoreMut::Borrowed(&mut u.bytes),
        u_stride,
        v_plane: BufferStoreMut::Borrowed(&mut v.bytes),
        v_stride,
        width: width.into(),
        height: height.into(),
    };
    convert(&mut planes).map_err(|_cause| DeviceError::Unusable)?;
    drop(planes);
    I420::new(width, height, [y, u, v]).map_err(|_cause| DeviceError::Unusable)
}

#[cfg(test)]
mod tests {
    use super::{DAMAGED, Damaged, Layout, Raw, rgb};
    use codec::i420::Channel;
    use model::device::DeviceError;

    /// SMPTE's bars at 75 % as ITU-R BT.601-7 has them in 8 bits: red, green, blue, and then luma and both differences.
    const BARS: [([u8; 3], [u8; 3]); 5] = [
        ([191, 191, 191], [180, 128, 128]),
        ([191, 191, 0], [162, 44, 142]),
        ([0, 191, 0], [112, 72, 58]),
        ([191, 0, 0], [65, 100, 212]),
        ([0, 0, 191], [35, 212, 114]),
    ];

    fn near(value: u8, expected: u8) -> bool {
        value.abs_diff(expected) <= 1
    }

    /// What the whole picture is, if it is of one color.
    fn color(raw: Raw<'_>) -> [u8; 3] {
        let picture = raw.i420().expect("it is a picture");
        Channel::ALL.map(|channel| {
            let first = picture.rows(channel).next().and_then(|row| row.first().copied()).expect("a pixel");
            let all = picture.rows(channel).flatten().all(|sample| near(*sample, first));
            assert!(all, "one color in {channel:?}");
            first
        })
    }

    #[test]
    fn colors_of_screens_and_cameras_become_those_of_bt_601() {
        for ([red, green, blue], expected) in BARS {
            let of = |layout, pixel: &[u8]| {
                let bytes = pixel.repeat(6 * 4);
                color(Raw { layout, width: 6, height: 4, stride: 6 * pixel.len(), bytes: &bytes })
            };
            for (layout, pixel) in [
                (Layout::Bgrx, &[blue, green, red, 7][..]),
                (Layout::Rgbx, &[red, green, blue, 7]),
                (Layout::Rgb, &[red, green, blue]),
            ] {
                let bytes = pixel.repeat(6 * 4);
                let raw = Raw { layout, width: 6, height: 4, stride: 6 * pixel.len(), bytes: &bytes };
                let back = rgb(&raw.i420().expect("it is a picture")).expect("it has a size");
                let same = back
                    .chunks(3)
                    .all(|got| got.iter().zip([red, green, blue]).all(|(got, one)| got.abs_diff(one) <= 2));
                assert!(same, "and back: {:?} for {red}, {green}, {blue}", back.get(..3));
                let got = of(layout, pixel);
                let close = got.iter().zip(expected).all(|(got, expected)| near(*got, expected));
                assert!(close, "{layout:?} of {red}, {green}, {blue}: {got:?} for {expected:?}");
            }
        }
    }

    #[test]
    fn what_a_camera_has_in_luma_and_differences_stays_as_it_is() {
        let yuyv = [180, 128, 180, 129].repeat(3 * 4);
        let bytes: Vec<u8> = yuyv.clone();
        assert_eq!(
            color(Raw { layout: Layout::Yuyv, width: 6, height: 4, stride: 12, bytes: &bytes }),
            [180, 128, 129],
            "YUYV"
        );
        // Rows end with two bytes that are no picture.
        let luma = [&[180_u8; 6][..], &[0, 0]].concat().repeat(4);
        let colors = [&[100_u8, 60, 100, 60, 100, 60][..], &[0, 0]].concat().repeat(2);
        let bytes = [luma, colors].concat();
        assert_eq!(
            color(Raw { layout: Layout::Nv12, width: 6, height: 4, stride: 8, bytes: &bytes }),
            [180, 100, 60],
            "NV12"
        );
    }

    #[test]
    fn damaged_pictures_are_left_out_until_there_are_no_others() {
        let raw = |bytes| Raw { layout: Layout::Rgb, width: 2, height: 2, stride: 6, bytes };
        let mut damaged = Damaged::default();
        for _ in 0..2 {
            for _ in 0..DAMAGED {
                assert_eq!(damaged.read(&raw(&[1; 5])).map(|picture| picture.is_some()), Ok(false), "left out");
            }
            assert_eq!(damaged.read(&raw(&[1; 12])).map(|picture| picture.is_some()), Ok(true), "a whole one");
        }
        for _ in 0..DAMAGED {
            assert_eq!(damaged.read(&raw(&[1; 5])).map(|picture| picture.is_some()), Ok(false), "left out");
        }
        assert_eq!(damaged.read(&raw(&[1; 5])).map(|_| ()), Err(DeviceError::Unusable), "it is broken");
    }

    #[test]
    fn bytes_that_are_no_such_picture_are_refused() {
        for layout in [Layout::Bgrx, Layout::Rgbx, Layout::Rgb, Layout::Yuyv, Layout::Nv12, Layout::Jpeg] {
            for raw in [
                Raw { layout, width: 6, height: 4, stride: 24, bytes: &[1; 40] },
                Raw { layout, width: 0, height: 4, stride: 24, bytes: &[1; 400] },
                Raw { layout, width: 6, height: u32::MAX, stride: usize::MAX, bytes: &[1; 400] },
                Raw { layout, width: 6, height: 4, stride: 1, bytes: &[1; 400] },
                Raw { layout, width: 6, height: 4, stride: 24, bytes: &[] },
            ] {
                assert_eq!(
                    raw.i420().map(|_| ()),
                    Err(DeviceError::Unusable),
                    "{raw:?} with {} bytes",
                    raw.bytes.len()
                );
            }
        }
    }
}
