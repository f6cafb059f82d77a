//! The picture equals the standard's formula: every sample type, every function, at one to one.

mod support;

use support::{Seeded, VIEWPORT, grey, level, message, open, picture, series, stored_values, upload, window};
use viewer::{Arrival, Format, FrameError, FrameMessage, Function, Series, Window};

const COLUMNS: u32 = 61;
const ROWS: u32 = 47;

fn windows(format: Format) -> Vec<Window> {
    let wide = match format {
        Format::U8 => window(128.0, 256.0, Function::Linear),
        Format::U16 => window(32768.0, 65536.0, Function::Linear),
        Format::I16 => window(0.0, 65536.0, Function::Linear),
        Format::Rgb8 => window(0.0, 1.0, Function::Linear),
    };
    vec![
        wide,
        window(40.0, 400.0, Function::Linear),
        window(-600.0, 1500.0, Function::Linear),
        window(80.0, 1.0, Function::Linear),
        window(79.5, 1.0, Function::Linear),
        window(127.5, 2.0, Function::Linear),
        window(100.25, 77.5, Function::Linear),
        window(40.0, 400.0, Function::LinearExact),
        window(128.0, 0.5, Function::LinearExact),
        window(128.0, 255.0, Function::LinearExact),
        window(40.0, 400.0, Function::Sigmoid),
        window(20000.0, 30000.0, Function::Sigmoid),
    ]
}

/// Uploads a seeded frame and compares the pictures of all windows, plain and inverted.
fn check(format: Format, slope: f64, intercept: f64, whole_numbers: bool) {
    let mut series = Series { ..series(format, COLUMNS, ROWS, 3) };
    series.frames.iter_mut().for_each(|f| (f.slope, f.intercept) = (slope, intercept));
    let mut viewer = open([COLUMNS, ROWS]);
    viewer.add_series(series.clone()).expect("the size fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    viewer.one_to_one(VIEWPORT).expect("a series is shown");
    let mut seeded = Seeded(20_261_127);
    let frames: Vec<Vec<u8>> = (0..3)
        .map(|_| seeded.bytes((COLUMNS * ROWS) as usize * format.bytes()))
        .map(|bytes| near_zero(format, bytes))
        .collect();
    // Out of order, as a prefetch around the shown frame sends them.
    for index in [2, 0, 1] {
        upload(&mut viewer, &series, index, &frames[index as usize]);
    }
    for index in [0u32, 1, 2] {
        viewer.set_index(VIEWPORT, index).expect("a series is shown");
        let values = stored_values(format, &frames[index as usize]);
        for window in windows(format) {
            for inverted in [false, true] {
                viewer.set_window(VIEWPORT, window).expect("a series is shown");
                viewer.set_inverted(VIEWPORT, inverted).expect("a series is shown");
                let shown = grey(&picture(&mut viewer));
                assert_eq!(shown.len(), values.len(), "one pixel for each value");
                let exact = whole_numbers && window.function != Function::Sigmoid;
                for (i, (value, grey)) in values.iter().zip(&shown).enumerate() {
                    let rescaled = f64::from(*value) * slope + intercept;
                    let level = level(rescaled, window);
                    // Halves round upwards; within f32's error of one, either neighbor is right.
                    let near_half = (level.fract() - 0.5).abs() < 2e-4;
                    let plain = (level + 0.5).floor();
                    let want = if inverted { 255.0 - plain } else { plain };
                    let off = (f64::from(*grey) - want).abs();
                    let allowed = if exact && !near_half { 0.0 } else { 1.0 };
                    assert!(
                        off <= allowed,
                        "{format:?} pixel {i}: stored {value}, rescaled {rescaled}, {window:?}, inverted {inverted}: \
                         {grey} instead of {want} ({level})"
                    );
                }
            }
        }
    }
}

/// Half of the values are brought near zero, where windows are.
fn near_zero(format: Format, mut bytes: Vec<u8>) -> Vec<u8> {
    match format {
        Format::U8 | Format::Rgb8 => {}
        Format::U16 => bytes.chunks_exact_mut(2).step_by(2).for_each(|b| b[1] &= 3),
        Format::I16 => bytes.chunks_exact_mut(2).step_by(2).for_each(|b| b[1] = if b[1] & 1 == 1 { 0xfe } else { 1 }),
    }
    bytes
}

#[test]
fn signed_values_become_the_standards_grey() {
    check(Format::I16, 1.0, 0.0, true);
}

#[test]
fn unsigned_values_become_the_standards_grey() {
    check(Format::U16, 1.0, -1024.0, true);
}

#[test]
fn bytes_become_the_standards_grey() {
    check(Format::U8, 1.0, 0.0, true);
}

#[test]
fn whole_slopes_are_exact() {
    check(Format::I16, 2.0, -7.0, true);
}

#[test]
fn broken_slopes_are_within_one_level() {
    check(Format::U16, 0.372_549, -1.5, false);
}

#[test]
fn each_frame_has_its_own_slope() {
    let mut series = series(Format::U16, 4, 4, 2);
    series.frames[0].slope = 0.5;
    series.frames[1].slope = 4.0;
    series.window = window(128.0, 256.0, Function::Linear);
    let mut viewer = open([4, 4]);
    viewer.add_series(series.clone()).expect("the size fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    let forty: Vec<u8> = std::iter::repeat_n(40u16.to_le_bytes(), 16).flatten().collect();
    upload(&mut viewer, &series, 0, &forty);
    upload(&mut viewer, &series, 1, &forty);
    // (x - 127.5) / 255 + 0.5 is x / 255.
    assert_eq!(grey(&picture(&mut viewer)), [20; 16], "40 × 0.5");
    viewer.set_index(VIEWPORT, 1).expect("a series is shown");
    assert_eq!(grey(&picture(&mut viewer)), [160; 16], "40 × 4");
}

#[test]
fn color_is_shown_as_it_is_and_inverted_by_component() {
    let series = series(Format::Rgb8, COLUMNS, ROWS, 1);
    let mut viewer = open([COLUMNS, ROWS]);
    viewer.add_series(series.clone()).expect("the size fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    viewer.one_to_one(VIEWPORT).expect("a series is shown");
    let bytes = Seeded(5).bytes((COLUMNS * ROWS * 3) as usize);
    upload(&mut viewer, &series, 0, &bytes);
    let want: Vec<u8> = bytes.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
    assert!(picture(&mut viewer) == want, "components arrive unchanged");
    viewer.set_inverted(VIEWPORT, true).expect("a series is shown");
    let want: Vec<u8> = bytes.chunks_exact(3).flat_map(|p| [255 - p[0], 255 - p[1], 255 - p[2], 255]).collect();
    assert!(picture(&mut viewer) == want, "components are complemented");
}

#[test]
fn a_frame_that_has_not_arrived_is_black_and_never_its_neighbor() {
    let series = series(Format::U8, 8, 8, 3);
    let mut viewer = open([8, 8]);
    viewer.add_series(series.clone()).expect("the size fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    viewer.set_window(VIEWPORT, window(128.0, 256.0, Function::Linear)).expect("a series is shown");
    upload(&mut viewer, &series, 0, &[200; 64]);
    assert_eq!(grey(&picture(&mut viewer)), [200; 64], "the frame that is there");
    viewer.set_index(VIEWPORT, 1).expect("a series is shown");
    assert_eq!(grey(&picture(&mut viewer)), [0; 64], "the frame that is not there");
    viewer.set_inverted(VIEWPORT, true).expect("a series is shown");
    assert_eq!(grey(&picture(&mut viewer)), [0; 64], "nor is its absence inverted");
}

#[test]
fn a_frame_in_rows_is_shown_only_when_all_rows_are_there() {
    let series = series(Format::I16, 5, 6, 1);
    let mut viewer = open([5, 6]);
    viewer.add_series(Series { window: window(128.0, 256.0, Function::Linear), ..series.clone() }).expect("fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    let values: Vec<i16> = (0..30).map(|i| i * 8).collect();
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    // The part that calls itself the last comes first.
    for (rows, arrival) in [(4..6, Arrival::Absent), (0..1, Arrival::Absent), (1..4, Arrival::Complete)] {
        let flags = if rows.end == 6 { 2 } else { 0 };
        let part = &bytes[rows.start * 10..rows.end * 10];
        let first = u32::try_from(rows.start).expect("small");
        let bytes = message(&series, 0, first, flags, part);
        let message = FrameMessage::read(&bytes).expect("well formed");
        assert_eq!(viewer.take(&message), Ok(arrival), "rows {rows:?}");
        if arrival == Arrival::Absent {
            assert_eq!(grey(&picture(&mut viewer)), [0; 30], "black until complete");
        }
    }
    let want: Vec<u8> = values.iter().map(|v| u8::try_from(*v).expect("below 256")).collect();
    assert_eq!(grey(&picture(&mut viewer)), want, "all rows in their places");
}

#[test]
fn a_preview_is_called_one_and_never_replaces_the_whole() {
    let series = series(Format::U8, 4, 4, 1);
    let mut viewer = open([4, 4]);
    viewer.add_series(Series { window: window(128.0, 256.0, Function::Linear), ..series.clone() }).expect("fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    let mut send = |flags: u8, payload: &[u8], want: Arrival| {
        let bytes = message(&series, 0, 0, flags, payload);
        let message = FrameMessage::read(&bytes).expect("well formed");
        assert_eq!(viewer.take(&message), Ok(want), "flags {flags}");
        grey(&picture(&mut viewer))
    };
    assert_eq!(send(3, &[10; 16], Arrival::Preview), [10; 16], "the preview is shown");
    assert_eq!(send(2, &[20; 16], Arrival::Complete), [20; 16], "the whole replaces it");
    assert_eq!(send(3, &[30; 16], Arrival::Complete), [20; 16], "a late preview changes nothing");
}

#[test]
fn pixels_for_another_series_frame_or_size_are_refused() {
    let series = series(Format::U8, 4, 4, 2);
    let mut viewer = open([4, 4]);
    viewer.add_series(series.clone()).expect("the size fits");
    let mut refused = |series: &Series, frame: u32| {
        let bytes =
            message(series, frame, 0, 2, &vec![1; (series.columns * series.rows) as usize * series.format.bytes()]);
        let message = FrameMessage::read(&bytes).expect("well formed");
        viewer.take(&message).expect_err("it does not fit the series")
    };
    assert_eq!(refused(&Series { handle: 4, ..series.clone() }, 0), FrameError::Series(4), "another handle");
    assert_eq!(refused(&series, 2), FrameError::Frame { series: 3, frame: 2 }, "beyond the end");
    let shape = FrameError::Shape { series: 3, frame: 0 };
    assert_eq!(refused(&Series { columns: 5, ..series.clone() }, 0), shape, "another size");
    assert_eq!(refused(&Series { format: Format::U16, ..series.clone() }, 0), shape, "another format");
}

#[test]
fn each_frame_of_a_long_series_is_shown_under_its_own_number() {
    let series = series(Format::U16, 1024, 1024, 40);
    let mut viewer = open([1024, 1024]);
    viewer.add_series(Series { window: window(128.0, 256.0, Function::Linear), ..series.clone() }).expect("fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    for (index, value) in [(0u32, 10u16), (31, 31), (32, 132), (39, 239)] {
        let bytes: Vec<u8> = std::iter::repeat_n(value.to_le_bytes(), 1 << 20).flatten().collect();
        upload(&mut viewer, &series, index, &bytes);
    }
    for (index, want) in [(39u32, 239u8), (32, 132), (31, 31), (0, 10), (1, 0), (33, 0)] {
        viewer.set_index(VIEWPORT, index).expect("a series is shown");
        assert!(grey(&picture(&mut viewer)).iter().all(|g| *g == want), "frame {index} is {want} everywhere");
    }
}

#[test]
fn a_frame_of_nine_thousand_columns_is_shown_pixel_by_pixel() {
    let (columns, rows) = (9000, 3);
    let series = series(Format::U16, columns, rows, 2);
    let mut viewer = open([columns, rows]);
    assert!(viewer.gpu().is_none_or(|gpu| columns <= gpu.max_2d()), "the device takes it");
    viewer.add_series(Series { window: window(4500.0, 9001.0, Function::Linear), ..series.clone() }).expect("fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    viewer.one_to_one(VIEWPORT).expect("a series is shown");
    let values: Vec<u16> = (0..3).flat_map(|r| (0..9000).map(move |c| c + r)).collect();
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    upload(&mut viewer, &series, 1, &bytes);
    assert!(grey(&picture(&mut viewer)).iter().all(|g| *g == 0), "frame 0 has not arrived");
    viewer.set_index(VIEWPORT, 1).expect("a series is shown");
    let shown = grey(&picture(&mut viewer));
    for (i, (value, grey)) in values.iter().zip(&shown).enumerate() {
        let want = level(f64::from(*value), window(4500.0, 9001.0, Function::Linear));
        assert!((f64::from(*grey) - want).abs() < 0.501, "pixel {i}: {grey} for {want}");
    }
}
