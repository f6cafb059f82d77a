//! Several viewports on one canvas, drawing on change, and what a viewport says of itself.

mod support;

use support::{Seeded, VIEWPORT, drawn, grey, message, open, picture, series, upload, window};
use viewer::scene::Field;
use viewer::{
    Arrival, Calibration, Chosen, Format, FrameMessage, Function, HEADER_BYTES, MessageError, Presented, Rect,
    SceneError, Series, Spacing,
};

fn byte_window() -> viewer::Window {
    window(128.0, 256.0, Function::Linear)
}

#[test]
fn viewports_lie_where_the_layout_says_and_the_gap_is_black() {
    let series = Series { window: byte_window(), ..series(Format::U8, 8, 8, 2) };
    let mut viewer = open([64, 10]);
    let places = [(1, Rect { x: 0, y: 1, width: 8, height: 8 }), (2, Rect { x: 10, y: 1, width: 8, height: 8 })];
    viewer.set_layout(&places);
    viewer.add_series(series.clone()).expect("the size fits");
    upload(&mut viewer, &series, 0, &[100; 64]);
    upload(&mut viewer, &series, 1, &[200; 64]);
    viewer.show(1, Some(series.handle)).expect("both exist");
    viewer.show(2, Some(series.handle)).expect("both exist");
    viewer.set_index(2, 1).expect("a series is shown");
    assert!(viewer.dirty(), "something has changed");
    let pixels = grey(&drawn(&mut viewer));
    assert!(!viewer.dirty(), "and has been drawn");
    for y in 0..10 {
        for x in 0..64 {
            let want = match (x, y) {
                (0..8, 1..9) => 100,
                (10..18, 1..9) => 200,
                _ => 0,
            };
            assert_eq!(pixels[y * 64 + x], want, "at {x}, {y}");
        }
    }
}

#[test]
fn only_what_is_on_the_screen_asks_for_a_drawing() {
    let series = Series { window: byte_window(), ..series(Format::U8, 4, 4, 3) };
    let mut viewer = open([8, 8]);
    viewer.add_series(series.clone()).expect("the size fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    drawn(&mut viewer);
    upload(&mut viewer, &series, 2, &[1; 16]);
    assert!(!viewer.dirty(), "a frame that no viewport shows");
    upload(&mut viewer, &series, 0, &[1; 16]);
    assert!(viewer.dirty(), "the frame that is shown");
    drawn(&mut viewer);
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    assert!(!viewer.dirty(), "shown already");
    viewer.remove_series(series.handle);
    assert!(viewer.dirty(), "closed");
    assert_eq!(viewer.state(VIEWPORT), Ok(None), "the viewport is empty");
    assert_eq!(grey(&picture(&mut viewer)), [0; 64], "and black");
}

#[test]
fn a_viewport_that_the_layout_leaves_out_keeps_its_state() {
    let series = Series { window: byte_window(), ..series(Format::U8, 4, 4, 3) };
    let mut viewer = open([8, 8]);
    viewer.add_series(series.clone()).expect("the size fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    viewer.set_index(VIEWPORT, 99).expect("a series is shown");
    viewer.set_layout(&[(1, Rect { x: 0, y: 0, width: 8, height: 8 })]);
    assert_eq!(viewer.state(VIEWPORT), Err(SceneError::Viewport(VIEWPORT)), "not in the layout");
    viewer.set_layout(&[(VIEWPORT, Rect { x: 0, y: 0, width: 4, height: 4 })]);
    let state = viewer.state(VIEWPORT).expect("back").expect("shows the series");
    assert_eq!((state.index, state.count), (2, 3), "the last frame, since there is no 99th");
    assert_eq!(state.zoom, 1.0, "fitted to the new size");
}

#[test]
fn a_viewport_begins_with_the_series_window_and_reset_returns_to_it() {
    let lung = window(-600.0, 1500.0, Function::LinearExact);
    let series = Series { window: lung, inverted: true, ..series(Format::I16, 4, 4, 2) };
    let mut viewer = open([8, 8]);
    viewer.add_series(series.clone()).expect("the size fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    let begin = viewer.state(VIEWPORT).expect("exists").expect("shown");
    assert_eq!((begin.window, begin.inverted, begin.index), (lung, true, 0), "as the series says");
    assert_eq!(begin.arrival, Arrival::Absent, "nothing has arrived");
    viewer.set_index(VIEWPORT, 1).expect("a series is shown");
    viewer.set_window(VIEWPORT, window(1.0, 0.0, Function::Linear)).expect("a series is shown");
    viewer.set_inverted(VIEWPORT, false).expect("a series is shown");
    viewer.zoom_at(VIEWPORT, 3.0, [1.0, 1.0]).expect("a series is shown");
    let changed = viewer.state(VIEWPORT).expect("exists").expect("shown");
    assert_eq!(changed.window.width, 1.0, "a window is never narrower than its function allows");
    assert_eq!((changed.zoom, changed.fit), (6.0, false), "three times the fitting zoom of 2");
    viewer.reset(VIEWPORT).expect("a series is shown");
    let reset = viewer.state(VIEWPORT).expect("exists").expect("shown");
    assert_eq!((reset.window, reset.inverted, reset.zoom, reset.index), (lung, true, 2.0, 1), "but the frame stays");
}

#[test]
fn millimeters_appear_only_where_the_spacing_is_known() {
    let spacing = Some(Spacing { rows: 0.5, columns: 0.25 });
    let state = |spacing, calibration| {
        let series = Series { spacing, calibration, ..series(Format::U8, 100, 100, 1) };
        let mut viewer = open([400, 400]);
        viewer.add_series(series.clone()).expect("the size fits");
        viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
        (viewer.state(VIEWPORT).expect("exists").expect("shown"), viewer.length(3, 0, [0.0, 0.0], [0.0, 10.0]))
    };
    let (known, length) = state(spacing, Calibration::Patient);
    // 100 rows of 0.5 mm on 400 px.
    assert_eq!(known.mm_per_px, Some(0.125), "mm per device pixel");
    assert_eq!(length.expect("open").value, 5.0, "10 rows of 0.5 mm");
    for (spacing, calibration) in [
        (None, Calibration::Patient),
        (spacing, Calibration::None),
        (Some(Spacing { rows: 0.0, columns: 1.0 }), Calibration::Patient),
        (Some(Spacing { rows: f64::NAN, columns: 1.0 }), Calibration::Patient),
    ] {
        let (unknown, length) = state(spacing, calibration);
        assert_eq!((unknown.mm_per_px, unknown.scale_bar), (None, None), "{spacing:?}, {calibration:?}");
        assert_eq!(length.expect("open").value, 10.0, "pixels");
    }
}

#[test]
fn interpolation_lies_between_neighbors_and_ends_at_the_edge() {
    let series = Series { window: byte_window(), ..series(Format::U8, 2, 1, 1) };
    let mut viewer = open([8, 4]);
    viewer.add_series(series.clone()).expect("the size fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    upload(&mut viewer, &series, 0, &[40, 200]);
    // Fitted at 4: screen columns 0..8 are image columns 0.125, 0.375, …; centers at 0.5 and 1.5.
    let row = [40.0, 40.0, 60.0, 100.0, 140.0, 180.0, 200.0, 200.0];
    for (i, grey) in grey(&picture(&mut viewer)).into_iter().enumerate() {
        assert!((f64::from(grey) - row[i % 8]).abs() <= 1.0, "pixel {i}: {grey} instead of {}", row[i % 8]);
    }
}

#[test]
fn outside_the_image_is_black_also_when_inverted() {
    let series = Series { window: byte_window(), inverted: true, ..series(Format::U8, 4, 4, 1) };
    let mut viewer = open([8, 4]);
    viewer.add_series(series.clone()).expect("the size fits");
    viewer.show(VIEWPORT, Some(series.handle)).expect("both exist");
    upload(&mut viewer, &series, 0, &[0; 16]);
    for (i, grey) in grey(&picture(&mut viewer)).into_iter().enumerate() {
        assert_eq!(grey, if (2..6).contains(&(i % 8)) { 255 } else { 0 }, "pixel {i}");
    }
}

#[test]
fn a_damaged_message_is_refused_with_its_reason() {
    let series = series(Format::I16, 6, 5, 1);
    let payload = Seeded(1).bytes(60);
    let good = message(&series, 0, 0, 2, &payload);
    let read = FrameMessage::read(&good).expect("it is well formed");
    assert_eq!((read.series, read.request, read.part_rows, read.last), (3, 9, 5, true), "as written");
    let broken = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        edit(&mut bytes);
        FrameMessage::read(&bytes).expect_err("it was damaged")
    };
    assert_eq!(broken(&|b| b.truncate(HEADER_BYTES - 1)), MessageError::Short(31), "cut in the header");
    assert_eq!(broken(&|b| b[0] = 2), MessageError::Version(2), "a later version");
    assert_eq!(broken(&|b| b[1] = 1), MessageError::Kind(1), "video");
    assert_eq!(broken(&|b| b[2] = 4), MessageError::Format(4), "an unknown format");
    assert_eq!(broken(&|b| b[3] = 4), MessageError::Reserved, "an unknown flag");
    assert_eq!(broken(&|b| b[28] = 1), MessageError::Reserved, "a reserved byte");
    assert!(matches!(broken(&|b| b.truncate(91)), MessageError::Rows { payload: 59, .. }), "half a value is missing");
    assert!(matches!(broken(&|b| b.truncate(HEADER_BYTES)), MessageError::Rows { payload: 0, .. }), "no payload");
    assert!(matches!(broken(&|b| b[20] = 1), MessageError::Rows { first_row: 1, .. }), "beyond the last row");
    assert!(matches!(broken(&|b| b[12] = 0), MessageError::Rows { columns: 0, .. }), "no columns");
    assert!(matches!(broken(&|b| b[20..24].fill(255)), MessageError::Rows { .. }), "a sum that overflows");
    for at in [HEADER_BYTES, 60, 91] {
        assert!(matches!(broken(&|b| b[at] ^= 16), MessageError::Crc { .. }), "a bit at {at} was turned");
    }
}

/// Two viewports of one series: 64 × 64 pixels of 2 mm, the first one's center at (0, 0), slices at z = 0, 1, 2.
fn two_viewports() -> viewer::Viewer {
    let series = Series {
        window: byte_window(),
        spacing: Some(Spacing { rows: 2.0, columns: 2.0 }),
        calibration: Calibration::Patient,
        ..series(Format::U8, 64, 64, 3)
    };
    let mut viewer = open([1300, 900]);
    let wide = Rect { x: 0, y: 0, width: 800, height: 600 };
    let high = Rect { x: 900, y: 0, width: 400, height: 900 };
    viewer.set_layout(&[(1, wide), (2, high)]);
    let handle = series.handle;
    viewer.add_series(series).expect("the size fits");
    viewer.show(1, Some(handle)).expect("both exist");
    viewer.show(2, Some(handle)).expect("both exist");
    viewer
}

#[test]
fn whoever_follows_sees_the_same_point_in_the_middle_and_the_same_height() {
    let mut viewer = two_viewports();
    viewer.set_index(1, 2).expect("a series is shown");
    viewer.set_window(1, window(100.0, 50.0, Function::Sigmoid)).expect("a series is shown");
    viewer.set_inverted(1, true).expect("a series is shown");
    viewer.rotate(1, 1).expect("a series is shown");
    // From 600 px for 128 mm to 1,200 px; the image's middle then lies 150 px right of the viewport's.
    viewer.zoom_at(1, 2.0, [400.0, 300.0]).expect("a series is shown");
    viewer.pan_by(1, [150.0, 0.0]).expect("a series is shown");
    let presented = viewer.presented(1).expect("in the layout").expect("shows a series");
    assert_eq!((presented.index, presented.inverted, presented.turns), (2, true, 1), "what was chosen");
    // Turned clockwise the rows run to the left: 16 mm right of the viewport's middle is the image's, at (63, 63).
    let [x, y, z] = presented.field.center;
    assert!((x - 63.0).abs() < 1e-9 && (y - 79.0).abs() < 1e-9 && z == 2.0, "{:?}", presented.field.center);
    assert!((presented.field.height - 64.0).abs() < 1e-9, "{}", presented.field.height);

    viewer.present(2, &presented).expect("the same series");
    let middle = viewer.point_of(2, [1100.0, 450.0]).expect("in the layout").expect("shows a series");
    assert!(middle.iter().zip([63.0, 79.0, 2.0]).all(|(a, b)| (a - b).abs() < 1e-9), "{middle:?}");
    let state = viewer.state(2).expect("in the layout").expect("shows a series");
    assert!((state.mm_per_px.expect("calibrated") * 900.0 - 64.0).abs() < 1e-9, "64 mm from edge to edge");
    assert_eq!(state.window, window(100.0, 50.0, Function::Sigmoid), "the window");
    let there = viewer.place_of(2, [63.0, 79.0, 2.0]).expect("shows a series");
    assert!((there[0] - 1100.0).abs() < 1e-9 && (there[1] - 450.0).abs() < 1e-9, "{there:?}");
}

#[test]
fn what_is_presented_twice_is_drawn_once() {
    let mut viewer = two_viewports();
    viewer.pan_by(1, [10.0, 0.0]).expect("a series is shown");
    let presented = viewer.presented(1).expect("in the layout").expect("shows a series");
    viewer.present(2, &presented).expect("the same series");
    drawn(&mut viewer);
    viewer.present(2, &presented).expect("the same series");
    assert!(!viewer.dirty(), "nothing has changed");
}

#[test]
fn what_cannot_be_shown_is_refused_and_changes_nothing() {
    let mut viewer = two_viewports();
    let presented = viewer.presented(1).expect("in the layout").expect("shows a series");
    let before = viewer.state(2);
    let endless = window(f64::INFINITY, 1.0, Function::Linear);
    let field = presented.field;
    for (what, wrong) in [
        ("a center", Presented { field: Field { center: [0.0, f64::NAN, 0.0], ..field }, ..presented }),
        ("no height", Presented { field: Field { height: 0.0, ..field }, ..presented }),
        ("a height below none", Presented { field: Field { height: -1.0, ..field }, ..presented }),
        ("an endless height", Presented { field: Field { height: f64::INFINITY, ..field }, ..presented }),
        ("a window", Presented { voi: Chosen::Window(endless), ..presented }),
    ] {
        assert_eq!(viewer.present(2, &wrong), Err(SceneError::Presented(2)), "{what}");
    }
    assert_eq!(viewer.present(2, &Presented { index: 3, ..presented }), Err(SceneError::Frame(3, 3)), "no such frame");
    assert_eq!(viewer.state(2), before, "as before");
    viewer.show(2, None).expect("in the layout");
    assert_eq!(viewer.present(2, &presented), Err(SceneError::Empty(2)), "no series");
    assert_eq!(viewer.presented(2), Ok(None), "and nothing to present");
}
