//! The picture equals the reference picture that `imaging` computes on the processor: every form of stored values,
//! look-up tables, padding, polarity, and color as it is decoded.

mod support;

use imaging::lut::{GrayTransform, Lut, Rescale, Voi};
use imaging::render::render_gray;
use imaging::{FrameFormat, ImageDescription, Palette, Photometric, StoredFrame, decode::decode_frame};
use support::{Seeded, VIEWPORT, grey, open, picture, series, upload, window};
use viewer::{Calibration, Format, Function, Pixels, Scale, Series, SeriesError, Spacing, Table, Viewer, Window};

const NATIVE: &str = "1.2.840.10008.1.2.1";
const COLUMNS: u16 = 64;
const ROWS: u16 = 32;

fn description(bits: [u16; 3], signed: bool, photometric: Photometric) -> ImageDescription {
    let [bits_allocated, bits_stored, high_bit] = bits;
    ImageDescription {
        rows: ROWS,
        columns: COLUMNS,
        samples_per_pixel: if photometric.is_gray() || photometric == Photometric::PaletteColor { 1 } else { 3 },
        bits_allocated,
        bits_stored,
        high_bit,
        signed,
        photometric,
        planar: false,
        padding: None,
        lossy: false,
        lossy_ratio: None,
        palette: None,
    }
}

fn noise(image: &ImageDescription, seed: u64) -> Vec<u8> {
    Seeded(seed).bytes(image.native_frame_bits() / 8)
}

fn of_16(values: &[i16]) -> StoredFrame {
    let columns = u32::try_from(values.len()).expect("a short row");
    let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    StoredFrame { columns, rows: 1, format: FrameFormat::I16, bytes }
}

/// The series of one frame, as the program describes it.
fn of(frame: &StoredFrame) -> Series {
    let format = match frame.format {
        FrameFormat::U8 => Format::U8,
        FrameFormat::U16 => Format::U16,
        FrameFormat::I16 => Format::I16,
        FrameFormat::Rgb8 => Format::Rgb8,
        FrameFormat::U32 | FrameFormat::I32 => panic!("32 bits have no texture"),
    };
    series(format, frame.columns, frame.rows, 1)
}

fn on_screen(series: &Series, frame: &StoredFrame, choose: impl FnOnce(&mut Viewer)) -> Vec<u8> {
    let mut viewer = open([frame.columns, frame.rows]);
    viewer.add_series(series.clone()).expect("the size fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    viewer.one_to_one(VIEWPORT).expect("a series is shown");
    upload(&mut viewer, series, 0, &frame.bytes);
    choose(&mut viewer);
    picture(&mut viewer)
}

/// The same window for the viewer and for the reference.
fn windows(center: f64, width: f64, function: Function) -> (Window, imaging::lut::Window) {
    let theirs = match function {
        Function::Linear => imaging::lut::VoiFunction::Linear,
        Function::LinearExact => imaging::lut::VoiFunction::LinearExact,
        Function::Sigmoid => imaging::lut::VoiFunction::Sigmoid,
    };
    let reference = imaging::lut::Window { function: theirs, ..imaging::lut::Window::linear(center, width) };
    (window(center, width, function), reference)
}

fn table(lut: &Lut) -> Table {
    Table { first: lut.first, greatest: lut.greatest(), entries: lut.entries.clone() }
}

fn lut(first: i32, bits: u8, entries: Vec<u16>) -> Lut {
    Lut { first, bits, entries, explanation: None, unit: None }
}

/// Every form of grey that a file may have, with the bits that are none of its own set.
fn forms() -> Vec<(&'static str, ImageDescription)> {
    use Photometric::Monochrome2;
    vec![
        ("8 bit unsigned", description([8, 8, 7], false, Monochrome2)),
        ("8 bit signed", description([8, 8, 7], true, Monochrome2)),
        ("6 of 8 bits", description([8, 6, 5], false, Monochrome2)),
        ("16 bit unsigned", description([16, 16, 15], false, Monochrome2)),
        ("16 bit signed", description([16, 16, 15], true, Monochrome2)),
        ("12 of 16 bits, overlays above", description([16, 12, 11], false, Monochrome2)),
        ("12 of 16 bits, signed", description([16, 12, 11], true, Monochrome2)),
        ("12 of 16 bits, high bit 15", description([16, 12, 15], false, Monochrome2)),
        ("10 of 16 bits, signed, high bit 12", description([16, 10, 12], true, Monochrome2)),
    ]
}

#[test]
fn every_form_of_stored_values_is_drawn_as_the_reference_draws_it() {
    for (name, image) in forms() {
        let frame = decode_frame(&image, NATIVE, &noise(&image, 11)).expect("native bytes decode");
        let (least, greatest) = image.stored_range();
        let values = frame.values();
        assert!(values.iter().all(|v| (least..=greatest).contains(v)), "{name}: foreign bits are gone");
        let span = (greatest - least) as f64;
        for (slope, intercept) in [(1.0, 0.0), (2.0, -1024.0), (0.372_549, -1.5)] {
            for (center, width) in
                [(0.0, span), ((least + greatest) as f64 / 2.0, span / 3.0), (40.0, 400.0), (9.5, 1.0)]
            {
                for function in [Function::Linear, Function::LinearExact, Function::Sigmoid] {
                    let (ours, theirs) = windows(center, width, function);
                    let mut series = of(&frame);
                    series.window = ours;
                    (series.frames[0].slope, series.frames[0].intercept) = (slope, intercept);
                    let shown = grey(&on_screen(&series, &frame, |_| {}));
                    let transform = GrayTransform::window(&Rescale { slope, intercept, unit: None }, &theirs);
                    let want = render_gray(&frame, &transform);
                    // A graphics device may join multiplication and addition, and has an exponential of its own:
                    // only there a grey that lies between two may become its neighbor.
                    let exact = slope.fract() == 0.0 && function != Function::Sigmoid;
                    let off = shown.iter().zip(&want).map(|(a, b)| a.abs_diff(*b)).max();
                    let differing = shown.iter().zip(&want).filter(|(a, b)| a != b).count();
                    let context = format!("{name}, {slope} x + {intercept}, {ours:?}: {differing} pixels differ");
                    if exact {
                        assert_eq!(off, Some(0), "{context}");
                    } else {
                        assert!(off <= Some(1) && differing * 100 <= want.len(), "{context} by {off:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn padding_is_black_in_every_polarity_and_its_neighbors_are_not() {
    // PS3.3 C.7.5.1.1.2: Pixel Padding Value -2000 with a range limit of -1990.
    let frame = of_16(&[-2001, -2000, -1995, -1990, -1989, 0, 100, 300]);
    let mut series = of(&frame);
    series.pixels = vec![Pixels { padding: Some([-2000, -1990]), ..Pixels::default() }];
    // (x - -0.5) / 255 + 0.5 is (x + 128) / 255.
    series.window = window(0.0, 256.0, Function::Linear);
    assert_eq!(grey(&on_screen(&series, &frame, |_| {})), [0, 0, 0, 0, 0, 128, 228, 255], "plain");
    let inverted = on_screen(&series, &frame, |viewer| viewer.set_inverted(VIEWPORT, true).expect("a series is shown"));
    assert_eq!(grey(&inverted), [255, 0, 0, 0, 255, 127, 27, 0], "low values are bright, padding stays black");
    series.inverted = true;
    assert_eq!(grey(&on_screen(&series, &frame, |_| {})), [255, 0, 0, 0, 255, 127, 27, 0], "MONOCHROME1");
}

#[test]
fn interpolation_mixes_no_padding_in() {
    let frame = of_16(&[-2000, 100]);
    let mut series = of(&frame);
    series.pixels = vec![Pixels { padding: Some([-2000, -2000]), ..Pixels::default() }];
    series.window = window(128.0, 256.0, Function::Linear);
    let mut viewer = open([8, 4]);
    viewer.add_series(series.clone()).expect("the size fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    upload(&mut viewer, &series, 0, &frame.bytes);
    // Four screen columns a pixel, interpolated: half of the picture is padding, the other half has one value.
    for (i, grey) in grey(&picture(&mut viewer)).into_iter().enumerate() {
        assert_eq!(grey, if i % 8 < 4 { 0 } else { 100 }, "screen pixel {i}");
    }
}

#[test]
fn a_voi_table_with_a_negative_first_value_is_looked_up_by_rescaled_values() {
    // PS3.3 C.11.2.1.1: input -1000 takes the first entry; outside, the ends.
    let entries: Vec<u16> = (0..2000_u32).map(|i| u16::try_from(i * i % 4096).expect("12 bits")).collect();
    let lut = lut(-1000, 12, entries);
    let values: Vec<i16> = (0..2100).chain([i16::MIN, i16::MAX]).collect();
    let frame = of_16(&values);
    let mut series = of(&frame);
    series.frames[0].intercept = -1024.0;
    series.tables = vec![table(&lut)];
    series.pixels = vec![Pixels { voi: vec![0], ..Pixels::default() }];
    let rescale = Rescale { slope: 1.0, intercept: -1024.0, unit: None };
    let (_, unused) = windows(0.0, 1.0, Function::Linear);
    for invert in [false, true] {
        let shown = on_screen(&series, &frame, |viewer| {
            viewer.set_table(VIEWPORT, 0).expect("a series is shown");
            viewer.set_inverted(VIEWPORT, invert).expect("a series is shown");
            let state = viewer.state(VIEWPORT).expect("exists").expect("shown");
            assert_eq!((state.table, state.as_stored), (Some(0), false), "the table is in force");
            assert_eq!((state.window.center, state.window.width), (0.0, 2000.0), "dragging begins over its inputs");
        });
        let transform = GrayTransform { voi: Voi::Table(&lut), invert, ..GrayTransform::window(&rescale, &unused) };
        assert_eq!(grey(&shown), render_gray(&frame, &transform), "inverted: {invert}");
    }
    // By hand: stored 25 is -999, the second entry, 1; 255 / 4095 rounds to 0. Stored 124 is -900, entry 100² mod
    // 4096 = 1808, × 255 / 4095 = 112.6. Below and above: entries 0 and 1999² mod 4096 = 2401, 149.5 rounds up.
    let shown = grey(&on_screen(&series, &frame, |viewer| viewer.set_table(VIEWPORT, 0).expect("shown")));
    assert_eq!([shown[25], shown[124], shown[0], shown[2101]], [0, 113, 0, 150], "as computed by hand");
}

#[test]
fn a_modality_table_stands_in_place_of_slope_and_intercept() {
    // 65,536 entries fill all rows of the table's texture.
    let entries: Vec<u16> = (0..65_536_u32).map(|i| u16::try_from(i * 7 % 65_536).expect("16 bits")).collect();
    let lut = lut(-32_768, 16, entries);
    let image = description([16, 16, 15], true, Photometric::Monochrome2);
    let frame = decode_frame(&image, NATIVE, &noise(&image, 5)).expect("native bytes decode");
    let mut series = of(&frame);
    (series.frames[0].slope, series.frames[0].intercept) = (3.0, 9.0);
    series.tables = vec![table(&lut)];
    series.pixels = vec![Pixels { modality: Some(0), padding: Some([-10, 10]), ..Pixels::default() }];
    let (ours, theirs) = windows(30_000.0, 40_000.0, Function::Linear);
    series.window = ours;
    let mut transform = GrayTransform::window(&Rescale::default(), &theirs);
    transform.modality = Some(&lut);
    transform.padding = Some((-10, 10));
    assert_eq!(grey(&on_screen(&series, &frame, |_| {})), render_gray(&frame, &transform), "by table, then window");
}

#[test]
fn both_tables_follow_each_other_and_the_second_reads_what_the_first_wrote() {
    // Stored 0, 1, 2 become 300, 200, 100; of 8 bits these are 3, 2 and 1 from the first value 0.
    let modality = lut(0, 16, vec![300, 200, 100]);
    let voi = lut(99, 8, (0..=255).collect());
    let frame = of_16(&[0, 1, 2, 3]);
    let mut series = of(&frame);
    series.tables = vec![table(&voi), table(&modality)];
    series.pixels = vec![Pixels { modality: Some(1), voi: vec![0], begins_with_table: true, ..Pixels::default() }];
    // 300 - 99, 200 - 99, 100 - 99; stored 3 is beyond the modality table and takes its last entry.
    assert_eq!(grey(&on_screen(&series, &frame, |_| {})), [201, 101, 1, 1], "it begins with its table");
    let windowed = on_screen(&series, &frame, |viewer| {
        viewer.set_window(VIEWPORT, window(228.0, 256.0, Function::Linear)).expect("a series is shown");
        assert_eq!(viewer.state(VIEWPORT).expect("exists").expect("shown").table, None, "a window leaves the table");
    });
    assert_eq!(grey(&windowed), [200, 100, 0, 0], "x - 100");
}

#[test]
fn a_table_that_is_missing_or_empty_refuses_the_series() {
    let frame = of_16(&[0, 1]);
    let mut viewer = open([2, 1]);
    for (tables, pixels) in [
        (Vec::new(), Pixels { modality: Some(0), ..Pixels::default() }),
        (vec![Table { first: 0, greatest: 255, entries: Vec::new() }], Pixels { voi: vec![0], ..Pixels::default() }),
    ] {
        let series = Series { tables, pixels: vec![pixels], ..of(&frame) };
        assert_eq!(viewer.add_series(series), Err(SeriesError::Table(0)), "values would be others");
    }
}

#[test]
fn each_frame_has_its_own_window_polarity_padding_and_scale_until_the_reader_chooses() {
    let mut series = series(Format::U8, 4, 4, 2);
    series.spacing = Some(Spacing { rows: 1.0, columns: 1.0 });
    series.calibration = Calibration::Patient;
    series.window = window(128.0, 256.0, Function::Linear);
    let scale = Scale { spacing: Some(Spacing { rows: 0.25, columns: 0.5 }), calibration: Calibration::Detector };
    series.frames[1].pixels = 1;
    series.pixels = vec![
        Pixels::default(),
        Pixels {
            window: Some(window(64.0, 128.0, Function::LinearExact)),
            inverted: Some(true),
            padding: Some([7, 7]),
            scale: Some(scale),
            ..Pixels::default()
        },
    ];
    let mut viewer = open([4, 4]);
    viewer.add_series(series.clone()).expect("the size fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    viewer.one_to_one(VIEWPORT).expect("a series is shown");
    for frame in [0, 1] {
        upload(&mut viewer, &series, frame, &[32; 16]);
    }
    let mut shown = |edit: &dyn Fn(&mut Viewer)| {
        edit(&mut viewer);
        let state = viewer.state(VIEWPORT).expect("exists").expect("shown");
        (picture(&mut viewer)[0], state.window.width, state.inverted)
    };
    let index = |index: u32| move |viewer: &mut Viewer| viewer.set_index(VIEWPORT, index).expect("shown");
    assert_eq!(shown(&index(0)), (32, 256.0, false), "x");
    // 32 / 128 of 255 is 63.75, inverted 255 - 64.
    assert_eq!(shown(&index(1)), (191, 128.0, true), "its own window and polarity");
    assert_eq!(shown(&|v| v.set_inverted(VIEWPORT, false).expect("shown")), (64, 128.0, false), "turned by the reader");
    assert_eq!(shown(&index(0)), (223, 256.0, true), "the neighbor is turned in the same sense");
    assert_eq!(
        shown(&|v| v.set_window(VIEWPORT, window(64.0, 128.0, Function::LinearExact)).expect("shown")).1,
        128.0,
        "one window for all"
    );
    assert_eq!(shown(&index(1)).1, 128.0, "on every frame");
    assert_eq!(shown(&|v| v.set_as_stored(VIEWPORT).expect("shown")).1, 128.0, "its own");
    assert_eq!(shown(&index(0)).1, 256.0, "and its neighbor's");
    assert_eq!(viewer.length(series.handle, 0, [0.0, 0.0], [3.0, 4.0]).expect("open").value, 5.0, "1 mm each way");
    // 3 columns of 0.5 mm, 8 rows of 0.25 mm.
    assert_eq!(viewer.length(series.handle, 1, [0.0, 0.0], [3.0, 8.0]).expect("open").value, 2.5, "its own scale");
}

/// Bytes of two pixels in a row, as a file stores them, and what they show.
fn color(name: &str, image: &ImageDescription, encoded: &[u8], want: [[u8; 3]; 2]) {
    let image = ImageDescription { rows: 1, columns: 2, ..image.clone() };
    let frame = decode_frame(&image, NATIVE, encoded).expect("native bytes decode");
    let shown = on_screen(&of(&frame), &frame, |_| {});
    let want: Vec<u8> = want.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect();
    assert_eq!(shown, want, "{name}");
}

#[test]
fn colors_are_drawn_as_they_are_decoded() {
    let rgb = description([8, 8, 7], false, Photometric::Rgb);
    color("by pixel", &rgb, &[1, 2, 3, 250, 251, 252], [[1, 2, 3], [250, 251, 252]]);
    let planar = ImageDescription { planar: true, ..rgb };
    color("by plane", &planar, &[1, 250, 2, 251, 3, 252], [[1, 2, 3], [250, 251, 252]]);
    // PS3.3 C.7.6.3.1.2: Y 76, Cb 85, Cr 255 is red, less what rounding to bytes took.
    let full = description([8, 8, 7], false, Photometric::YbrFull);
    color("YBR_FULL", &full, &[76, 85, 255, 255, 128, 128], [[254, 0, 0], [255, 255, 255]]);
    let half = description([8, 8, 7], false, Photometric::YbrFull422);
    color("YBR_FULL_422", &half, &[76, 0, 128, 128], [[76, 76, 76], [0, 0, 0]]);
    let palette =
        Palette { first: -1, bits: 16, red: vec![0xFF00, 0x1000], green: vec![0x8000, 0x2000], blue: vec![0, 0x3000] };
    let indexed =
        ImageDescription { palette: Some(palette), ..description([16, 16, 15], true, Photometric::PaletteColor) };
    // Stored -1 takes the first entry, 5 lies beyond and takes the last (PS3.3 C.7.6.3.1.5).
    color("PALETTE COLOR", &indexed, &[0xFF, 0xFF, 5, 0], [[255, 128, 0], [16, 32, 48]]);
}

/// A rotation of the patient's axes by three angles: two perpendicular unit vectors.
fn orientation(seeded: &mut Seeded) -> [f64; 6] {
    let [a, b, c] = std::array::from_fn(|_| (seeded.next() % 36_000) as f64 / 36_000.0 * std::f64::consts::TAU);
    let turn = |v: [f64; 3], axis: usize, angle: f64| {
        let (i, j) = ((axis + 1) % 3, (axis + 2) % 3);
        let mut turned = v;
        turned[i] = v[i] * angle.cos() - v[j] * angle.sin();
        turned[j] = v[i] * angle.sin() + v[j] * angle.cos();
        turned
    };
    let turned = |v| turn(turn(turn(v, 0, a), 1, b), 2, c);
    let ([d, e, f], [g, h, i]) = (turned([1.0, 0.0, 0.0]), turned([0.0, 1.0, 0.0]));
    [d, e, f, g, h, i]
}

#[test]
fn letters_places_and_lengths_are_those_of_the_reference() {
    let mut seeded = Seeded(77);
    for _ in 0..500 {
        let orientation = orientation(&mut seeded);
        let letters = viewer::scene::letters(&orientation, viewer::scene::Turn::default()).expect("an orientation");
        let edges = [letters.left, letters.right, letters.top, letters.bottom];
        assert_eq!(edges, imaging::geometry::edge_letters(&orientation), "{orientation:?}");

        let facts = imaging::FrameFacts {
            position: Some([-3.0, 20.5, 700.25]),
            orientation: Some(orientation),
            pixel_spacing: Some([0.75, 0.5]),
            ..imaging::FrameFacts::default()
        };
        let plane = imaging::geometry::Plane::of(&facts).expect("it has a place");
        let mut series = series(Format::U8, 8, 8, 1);
        (series.frames[0].position, series.frames[0].orientation) = (facts.position, facts.orientation);
        let spacing = Spacing { rows: 0.75, columns: 0.5 };
        // The viewer counts from the corner of the first pixel, the standard from its center.
        let place = viewer::scene::patient_from_image(&series.frames[0], spacing, [6.5, 3.5]).expect("it has a place");
        let want = plane.patient_from_pixel([6.0, 3.0]);
        assert!(place.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-9), "{place:?} is not {want:?}");

        let reference = imaging::geometry::Spacing::of(&facts, "MR").expect("it has a spacing");
        let length = viewer::scene::length(Some(spacing), [1.0, 2.0], [6.0, 4.0]);
        assert_eq!(length.value, reference.length([1.0, 2.0], [6.0, 4.0]), "5 columns, 2 rows");
    }
}
