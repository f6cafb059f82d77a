//! Damaged bytes give an error, never a panic and never somebody else's pixels.

use crate::places;
use imaging::decode::{self, DecodeError};
use imaging::{ImageDescription, Instance, Part10, Photometric, ReadError};

fn description(rows: u16, columns: u16, bits: u16) -> ImageDescription {
    ImageDescription {
        rows,
        columns,
        samples_per_pixel: 1,
        bits_allocated: bits,
        bits_stored: bits,
        high_bit: bits - 1,
        signed: false,
        photometric: Photometric::Monochrome2,
        planar: false,
        padding: None,
        lossy: false,
        lossy_ratio: None,
        palette: None,
    }
}

/// The same numbers on every run (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}

#[test]
fn what_is_no_dicom_says_so() {
    for (bytes, expected) in [
        (&b""[..], ReadError::Empty),
        (b"%PDF-1.4 and so on and on", ReadError::NotDicom),
        (b"hello", ReadError::Truncated { at: 0 }),
        (&[0; 400], ReadError::NotDicom),
    ] {
        assert_eq!(Instance::from_part10(bytes).err(), Some(expected), "{} bytes", bytes.len());
    }
    assert_eq!(Instance::from_json(&serde_json::json!([1])).err(), Some(ReadError::Json), "an array");
    assert_eq!(
        Instance::from_json(&serde_json::json!({"00080018": {"vr": "UI", "Value": ["1/2"]}})).err(),
        Some(ReadError::Identifier { attribute: "Study Instance UID" }),
        "no identifiers"
    );
}

#[test]
fn a_file_cut_anywhere_never_panics_and_never_shows_half_a_frame() {
    let Some(data) = places::data() else { return };
    for folder in ["petct/ct-ct-images", "mr-t1-sr/mr-3-plane-loc", "ecg", "petct/seg-pt-segmentation"] {
        let path = &places::files(&data.join(folder))[0];
        let whole = places::read(path);
        let cuts = (0..300).chain((300..whole.len()).step_by(whole.len() / 200));
        for cut in cuts.take_while(|&cut| cut < whole.len()) {
            let Ok(file) = Part10::open(&whole[..cut]) else { continue };
            let Some(image) = &file.instance().image else { continue };
            let last = file.instance().number_of_frames as usize - 1;
            let shown = file
                .frame(last)
                .ok()
                .and_then(|frame| decode::decode_frame(image, file.transfer_syntax(), &frame).ok());
            // Only padding and the closing delimiter may be missing.
            assert!(
                shown.is_none() || whole.len() - cut <= 16,
                "{} cut at {cut} still shows its last frame",
                path.display()
            );
        }
    }
}

#[test]
fn native_frames_that_are_too_short_are_truncated() {
    let image = description(2, 2, 16);
    for length in 0..8 {
        assert_eq!(
            decode::decode_frame(&image, "1.2.840.10008.1.2.1", &vec![0; length]),
            Err(DecodeError::Truncated { expected: 8, got: length }),
            "{length} bytes"
        );
    }
    assert!(decode::decode_frame(&image, "1.2.840.10008.1.2.1", &[0; 9]).is_ok(), "padding is no harm");
}

#[test]
fn truncated_rle_is_an_error() {
    // One segment that repeats 7 four times.
    let image = description(2, 2, 8);
    let mut encoded = vec![0; 64];
    encoded[0] = 1;
    encoded[4] = 64;
    encoded.extend([0xFD, 7]);
    let whole = decode::decode_frame(&image, "1.2.840.10008.1.2.5", &encoded).expect("the whole frame");
    assert_eq!(whole.bytes, [7; 4], "four sevens");
    for cut in 0..encoded.len() {
        assert!(decode::decode_frame(&image, "1.2.840.10008.1.2.5", &encoded[..cut]).is_err(), "cut at {cut}");
    }
    for offset in [0_u8, 63, 66, 255] {
        encoded[4] = offset;
        assert!(decode::decode_frame(&image, "1.2.840.10008.1.2.5", &encoded).is_err(), "segment at {offset}");
    }
}

#[test]
fn a_jpeg_ls_stream_that_is_cut_short_fails_without_being_decoded() {
    let Some(data) = places::data() else { return };
    let bytes = places::read(&places::files(&data.join("petct/pt-pet-ac"))[0]);
    let file = Part10::open(&bytes).expect("the test data reads");
    let image = file.instance().image.as_ref().expect("an image");
    let frame = file.frame(0).expect("a frame");
    for length in (100..frame.len() - 4).step_by(101) {
        let result = decode::decode_frame(image, file.transfer_syntax(), &frame[..length]);
        let expected = Err(DecodeError::Damaged { why: "the stream ends early".to_owned() });
        assert_eq!(result, expected, "cut at {length}: CharLS would read zeros for seconds");
    }
}

#[test]
fn a_stream_of_another_size_is_refused_before_it_is_decoded() {
    let Some(data) = places::data() else { return };
    for folder in ["petct/ct-ct-images", "dx-htj2k", "wsi"] {
        let bytes = places::read(&places::files(&data.join(folder))[0]);
        let file = Part10::open(&bytes).expect("the test data reads");
        let mut image = file.instance().image.clone().expect("an image");
        image.rows += 1;
        let frame = file.frame(0).expect("a frame");
        let result = decode::decode_frame(&image, file.transfer_syntax(), &frame);
        assert!(matches!(result, Err(DecodeError::Mismatch { .. })), "{folder}: {result:?}");
    }
}

#[test]
fn descriptions_that_contradict_themselves_are_refused() {
    let good = description(2, 2, 16);
    for (name, bad) in [
        ("no rows", ImageDescription { rows: 0, ..good.clone() }),
        ("bits", ImageDescription { bits_stored: 17, ..good.clone() }),
        ("high bit", ImageDescription { high_bit: 3, ..good.clone() }),
        ("samples", ImageDescription { samples_per_pixel: 3, ..good.clone() }),
        ("two samples", ImageDescription { samples_per_pixel: 2, ..good.clone() }),
        ("no palette", ImageDescription { photometric: Photometric::PaletteColor, ..good.clone() }),
    ] {
        let result = decode::decode_frame(&bad, "1.2.840.10008.1.2.1", &[0; 8]);
        assert!(matches!(result, Err(DecodeError::Description { .. })), "{name}: {result:?}");
    }
    let result = decode::decode_frame(&good, "1.2.840.10008.1.2.4.102", &[0; 8]);
    assert!(matches!(result, Err(DecodeError::Unsupported { .. })), "a video: {result:?}");
}

#[test]
fn random_damage_never_panics() {
    let Some(python) = places::python() else { return };
    let mut dice = Dice(2026);
    let wanted = [
        "MR_small_RLE",
        "SC_rgb_rle_16bit.",
        "SC_rgb_small_odd_jpeg",
        "SC_rgb_dcmtk_+eb+cy+s2",
        "SC_rgb_jpeg_gdcm",
        "MR_small_jp2klossless",
        "MR_small_jpeg_ls_lossless",
    ];
    let files: Vec<_> = places::odd_files(&python)
        .into_iter()
        .filter(|p| wanted.iter().any(|w| p.to_string_lossy().contains(w)))
        .collect();
    assert_eq!(files.len(), wanted.len(), "pydicom brings these files");
    for path in files {
        let whole = places::read(&path);
        let file = Part10::open(&whole).expect("the file reads");
        let image = file.instance().image.clone().expect("an image");
        let frame = file.frame(0).expect("a frame").into_owned();
        for _ in 0..60 {
            let mut damaged = frame.clone();
            for _ in 0..=dice.below(4) {
                let at = dice.below(damaged.len());
                damaged[at] = u8::try_from(dice.below(256)).expect("a byte");
            }
            damaged.truncate(damaged.len() - dice.below(damaged.len() / 2));
            let _any = decode::decode_frame(&image, file.transfer_syntax(), &damaged);
            let mut header = whole.clone();
            let at = dice.below(header.len().min(3000));
            header[at] = u8::try_from(dice.below(256)).expect("a byte");
            if let Ok(file) = Part10::open(&header) {
                let _any = file.frame(0);
            }
        }
    }
}
