//! What crosses to the page keeps to the contract's view models and to the names that the page reads.

use contract::{
    Calibration, FrameFormat, FrameView, PixelsView, ScaleView, SeriesView, TableView, VoiFunction, WindowView,
};
use serde_json::{Value, json};
use viewer::scene::{Field, Length, Letters, Plane, ScaleBar, Unit};
use viewer::{
    Arrival, Chosen, Format, Frame, Function, Located, Pixels, Presented, Scale, Spacing, State, Table, Window,
};
use viewer_web::wire;

fn view() -> SeriesView {
    SeriesView {
        handle: 4_000_000_000,
        study: "1.2.3".to_owned(),
        series: "1.2.3.4".to_owned(),
        modality: "CT".to_owned(),
        description: "Thorax".to_owned(),
        columns: 512,
        rows: 256,
        format: FrameFormat::I16,
        frames: vec![FrameView {
            instance: "1.2.3.4.5".to_owned(),
            frame: 1,
            number: None,
            position: Some([1.0, 2.0, 3.0]),
            orientation: Some([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
            thickness: None,
            slope: 2.0,
            intercept: -1024.0,
            pixels: 1,
        }],
        spacing: Some([0.5, 0.25]),
        calibration: Calibration::Calibrated,
        volume: None,
        notes: vec!["gap".to_owned()],
        unit: Some("HU".to_owned()),
        inverted: true,
        windows: Vec::new(),
        window: WindowView { center: 40.0, width: 400.0, function: VoiFunction::LinearExact, name: None },
        presets: Vec::new(),
        lossy: false,
        pixels: vec![
            PixelsView::default(),
            PixelsView {
                padding: Some([-2000, -1990]),
                modality: Some(1),
                voi: vec![0, 1],
                begins_with_table: true,
                window: Some(WindowView { center: 1.0, width: 2.0, function: VoiFunction::Sigmoid, name: None }),
                inverted: Some(false),
                scale: Some(ScaleView { spacing: Some([2.0, 3.0]), calibration: Calibration::Detector }),
            },
        ],
        tables: vec![
            TableView { first: -5, greatest: 4095, entries: vec![0, 4095], name: Some("NORMAL".to_owned()) },
            TableView { first: 0, greatest: 255, entries: vec![9], name: None },
        ],
    }
}

#[test]
fn the_contracts_series_is_understood() {
    let text = serde_json::to_string(&view()).expect("view models serialize");
    let series = wire::series(&text).expect("the contract's form is ours");
    assert_eq!((series.handle, series.columns, series.rows), (4_000_000_000, 512, 256), "handle and size");
    assert_eq!(series.format, Format::I16, "format");
    let spacing = series.spacing.expect("calibrated");
    assert_eq!((spacing.rows, spacing.columns), (0.5, 0.25), "DICOM's first value is between rows");
    assert_eq!(series.calibration, viewer::Calibration::Calibrated, "calibration");
    let window = Window { center: 40.0, width: 400.0, function: Function::LinearExact };
    assert_eq!((series.window, series.inverted), (window, true), "window and inversion");
    let frame = &series.frames[0];
    assert_eq!((frame.slope, frame.intercept, frame.position), (2.0, -1024.0, Some([1.0, 2.0, 3.0])), "frame");
    let pixels = Pixels {
        padding: Some([-2000, -1990]),
        modality: Some(1),
        voi: vec![0, 1],
        begins_with_table: true,
        window: Some(Window { center: 1.0, width: 2.0, function: Function::Sigmoid }),
        inverted: Some(false),
        scale: Some(Scale {
            spacing: Some(Spacing { rows: 2.0, columns: 3.0 }),
            calibration: viewer::Calibration::Detector,
        }),
    };
    assert_eq!(series.pixels(0), &pixels, "what the frame's pixels mean");
    assert_eq!(series.tables[0], Table { first: -5, greatest: 4095, entries: vec![0, 4095] }, "a table");
}

#[test]
fn every_format_and_calibration_of_the_contract_is_understood() {
    let formats = [
        (FrameFormat::U8, Format::U8),
        (FrameFormat::U16, Format::U16),
        (FrameFormat::I16, Format::I16),
        (FrameFormat::Rgb8, Format::Rgb8),
    ];
    for (theirs, ours) in formats {
        let text = serde_json::to_string(&SeriesView { format: theirs, ..view() }).expect("it serializes");
        assert_eq!(wire::series(&text).expect("understood").format, ours, "{theirs:?}");
    }
    let calibrations = [
        (Calibration::Patient, viewer::Calibration::Patient),
        (Calibration::Calibrated, viewer::Calibration::Calibrated),
        (Calibration::Detector, viewer::Calibration::Detector),
        (Calibration::None, viewer::Calibration::None),
    ];
    for (theirs, ours) in calibrations {
        let text = serde_json::to_string(&SeriesView { calibration: theirs, ..view() }).expect("it serializes");
        assert_eq!(wire::series(&text).expect("understood").calibration, ours, "{theirs:?}");
    }
    for (name, ours) in
        [("linear", Function::Linear), ("linear-exact", Function::LinearExact), ("sigmoid", Function::Sigmoid)]
    {
        assert_eq!(wire::function(name).expect("understood"), ours, "{name}");
    }
    assert!(wire::function("LINEAR").is_err(), "the contract writes names in kebab-case");
}

#[test]
fn a_layout_is_rounded_without_gaps_or_overlaps() {
    let json = r#"[{"id":0,"x":0,"y":0,"width":100.5,"height":50},{"id":1,"x":100.5,"y":0,"width":100.5,"height":50}]"#;
    let places = wire::layout(json).expect("well formed");
    let edges: Vec<_> = places.iter().map(|(id, r)| (*id, r.x, r.x + r.width)).collect();
    assert_eq!(edges, [(0, 0, 101), (1, 101, 201)], "the second begins where the first ends");
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn a_state_has_the_names_that_the_page_reads() {
    let edge = |s: &str| s.to_owned();
    let state = State {
        series: 5,
        index: 2,
        count: 9,
        window: Window { center: 1.0, width: 2.0, function: Function::Sigmoid },
        table: Some(1),
        as_stored: false,
        inverted: false,
        zoom: 1.5,
        fit: true,
        mm_per_px: Some(0.5),
        letters: Some(Letters { left: edge("R"), right: edge("L"), top: edge("A"), bottom: edge("P") }),
        scale_bar: Some(ScaleBar { px: 200.0, cm: 10.0 }),
        position: Some(-4.5),
        thickness: None,
        arrival: Arrival::Preview,
    };
    let want = json!({
        "handle": 5, "index": 2, "count": 9, "window": {"center": 1.0, "width": 2.0, "function": "sigmoid"},
        "table": 1, "asStored": false, "inverted": false, "zoomPercent": 150.0, "fit": true, "mmPerPx": 0.5,
        "letters": {"left": "R", "right": "L", "top": "A", "bottom": "P"}, "scaleBar": {"px": 200.0, "cm": 10.0},
        "position": -4.5, "thickness": null, "ready": true, "preview": true
    });
    assert_eq!(parsed(&wire::state(Some(state))), want, "state");
    assert_eq!(wire::state(None), "null", "an empty viewport");
}

#[test]
fn a_point_and_a_length_have_the_names_that_the_page_reads() {
    let located = Located { point: [1.5, -2.25], pixel: None, patient: Some([1.0, 2.0, 3.0]), frame: 7 };
    let want =
        json!({"column": 1.5, "row": -2.25, "inside": false, "pixel": null, "patient": [1.0, 2.0, 3.0], "frame": 7});
    assert_eq!(parsed(&wire::located(Some(located))), want, "a point outside the image");
    let length = Length { value: 12.5, unit: Unit::Millimeter };
    let want = json!({"value": 12.5, "unit": "mm", "detector": true});
    assert_eq!(parsed(&wire::length(length, viewer::Calibration::Detector)), want, "at the detector");
    let length = Length { value: 12.5, unit: Unit::Pixel };
    let want = json!({"value": 12.5, "unit": "px", "detector": false});
    assert_eq!(parsed(&wire::length(length, viewer::Calibration::None)), want, "uncalibrated");
}

#[test]
fn what_is_presented_crosses_and_comes_back() {
    let window = Window { center: 40.0, width: 400.0, function: Function::LinearExact };
    let presented = Presented {
        index: 3,
        field: Field { center: [1.0, -2.5, 3.0], height: 210.0 },
        voi: Chosen::Window(window),
        inverted: true,
        flipped: [true, false],
        turns: 3,
    };
    let by_window = json!({"by": "window", "center": 40.0, "width": 400.0, "function": "linear-exact"});
    let there = json!({
        "index": 3, "center": [1.0, -2.5, 3.0], "height": 210.0, "voi": by_window, "inverted": true,
        "flipped": [true, false], "turns": 3,
    });
    assert_eq!(parsed(&wire::presented(Some(presented))), there, "the page's names");
    assert_eq!(wire::to_present(&there.to_string()).expect("its own form"), presented, "and back");
    for (voi, name) in
        [(Chosen::AsStored, json!({"by": "as-stored"})), (Chosen::Table(2), json!({"by": "table", "place": 2}))]
    {
        let presented = Presented { voi, ..presented };
        let text = wire::presented(Some(presented));
        assert_eq!(parsed(&text)["voi"], name, "{voi:?}");
        assert_eq!(wire::to_present(&text).expect("its own form"), presented, "{voi:?}, and back");
    }
    assert_eq!(wire::presented(None), "null", "an empty viewport");
    assert!(wire::to_present(r#"{"index": 0}"#).is_err(), "half of it");
}

#[test]
fn a_plane_crosses_with_its_directions_apart() {
    let frame = Frame {
        position: Some([1.0, 2.0, 3.0]),
        orientation: Some([1.0, 0.0, 0.0, 0.0, 0.6, -0.8]),
        thickness: None,
        slope: 1.0,
        intercept: 0.0,
        pixels: 0,
    };
    let plane = Plane::of(&frame, Some(Spacing { rows: 1.0, columns: 1.0 }));
    let there = json!({"origin": [1.0, 2.0, 3.0], "row": [1.0, 0.0, 0.0], "column": [0.0, 0.6, -0.8]});
    assert_eq!(parsed(&wire::plane(plane)), there, "a plane");
    assert_eq!(wire::plane(None), "null", "no geometry");
    assert_eq!(parsed(&wire::point(Some([1.0, 2.0, 3.0]))), json!([1.0, 2.0, 3.0]), "a point");
}
