//! The JSON that crosses to the page and back, and its translation to the viewer's types.

use serde::{Deserialize, Serialize};
use viewer::scene::{Field, Letters, Plane, Unit};
use viewer::{
    Arrival, Calibration, Chosen, Format, Frame, FrameMessage, Function, Located, Pixels, Presented, Rect, Scale,
    Series, Spacing, State, Table, Window,
};

/// The part of a series' view model that the viewer needs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeriesIn {
    handle: u32,
    columns: u32,
    rows: u32,
    format: FormatIn,
    frames: Vec<FrameIn>,
    #[serde(default)]
    spacing: Option<[f64; 2]>,
    calibration: CalibrationIn,
    window: WindowIn,
    inverted: bool,
    #[serde(default)]
    pixels: Vec<PixelsIn>,
    #[serde(default)]
    tables: Vec<TableIn>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PixelsIn {
    padding: Option<[i32; 2]>,
    modality: Option<u32>,
    voi: Vec<u32>,
    begins_with_table: bool,
    window: Option<WindowIn>,
    inverted: Option<bool>,
    scale: Option<ScaleIn>,
}

#[derive(Debug, Deserialize)]
struct ScaleIn {
    spacing: Option<[f64; 2]>,
    calibration: CalibrationIn,
}

#[derive(Debug, Deserialize)]
struct TableIn {
    first: i32,
    greatest: u16,
    entries: Vec<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FormatIn {
    U8,
    U16,
    I16,
    Rgb8,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum CalibrationIn {
    Patient,
    Calibrated,
    Detector,
    None,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FrameIn {
    #[serde(default)]
    position: Option<[f64; 3]>,
    #[serde(default)]
    orientation: Option<[f64; 6]>,
    #[serde(default)]
    thickness: Option<f64>,
    slope: f64,
    intercept: f64,
    #[serde(default)]
    pixels: u32,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WindowIn {
    center: f64,
    width: f64,
    function: FunctionName,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FunctionName {
    Linear,
    LinearExact,
    Sigmoid,
}

impl From<WindowIn> for Window {
    fn from(WindowIn { center, width, function }: WindowIn) -> Self {
        Self { center, width, function: function.into() }
    }
}

impl From<CalibrationIn> for Calibration {
    fn from(calibration: CalibrationIn) -> Self {
        match calibration {
            CalibrationIn::Patient => Self::Patient,
            CalibrationIn::Calibrated => Self::Calibrated,
            CalibrationIn::Detector => Self::Detector,
            CalibrationIn::None => Self::None,
        }
    }
}

impl From<PixelsIn> for Pixels {
    fn from(pixels: PixelsIn) -> Self {
        Self {
            padding: pixels.padding,
            modality: pixels.modality,
            voi: pixels.voi,
            begins_with_table: pixels.begins_with_table,
            window: pixels.window.map(Window::from),
            inverted: pixels.inverted,
            scale: pixels
                .scale
                .map(|scale| Scale { spacing: scale.spacing.map(spacing), calibration: scale.calibration.into() }),
        }
    }
}

fn spacing([rows, columns]: [f64; 2]) -> Spacing {
    Spacing { rows, columns }
}

impl From<FunctionName> for Function {
    fn from(name: FunctionName) -> Self {
        match name {
            FunctionName::Linear => Function::Linear,
            FunctionName::LinearExact => Function::LinearExact,
            FunctionName::Sigmoid => Function::Sigmoid,
        }
    }
}

impl From<Function> for FunctionName {
    fn from(function: Function) -> Self {
        match function {
            Function::Linear => FunctionName::Linear,
            Function::LinearExact => FunctionName::LinearExact,
            Function::Sigmoid => FunctionName::Sigmoid,
        }
    }
}

/// Reads the name of a VOI function as the contract spells it.
pub fn function(name: &str) -> Result<Function, serde_json::Error> {
    serde_json::from_value::<FunctionName>(name.into()).map(Function::from)
}

/// Reads a series' view model.
pub fn series(json: &str) -> Result<Series, serde_json::Error> {
    let view: SeriesIn = serde_json::from_str(json)?;
    Ok(Series {
        handle: view.handle,
        columns: view.columns,
        rows: view.rows,
        format: match view.format {
            FormatIn::U8 => Format::U8,
            FormatIn::U16 => Format::U16,
            FormatIn::I16 => Format::I16,
            FormatIn::Rgb8 => Format::Rgb8,
        },
        frames: view
            .frames
            .into_iter()
            .map(|f| Frame {
                position: f.position,
                orientation: f.orientation,
                thickness: f.thickness,
                slope: f.slope,
                intercept: f.intercept,
                pixels: f.pixels,
            })
            .collect(),
        spacing: view.spacing.map(spacing),
        calibration: view.calibration.into(),
        window: view.window.into(),
        inverted: view.inverted,
        pixels: view.pixels.into_iter().map(Pixels::from).collect(),
        tables: view
            .tables
            .into_iter()
            .map(|table| Table { first: table.first, greatest: table.greatest, entries: table.entries })
            .collect(),
    })
}

#[derive(Debug, Deserialize)]
struct PlaceIn {
    id: u32,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// Reads a layout: `[{"id":0,"x":0,"y":0,"width":512,"height":512}]`. Edges are rounded to device pixels.
pub fn layout(json: &str) -> Result<Vec<(u32, Rect)>, serde_json::Error> {
    let places: Vec<PlaceIn> = serde_json::from_str(json)?;
    Ok(places
        .into_iter()
        .map(|p| {
            let (x, y) = (whole(p.x), whole(p.y));
            let (right, bottom) = (whole(p.x + p.width), whole(p.y + p.height));
            (p.id, Rect { x, y, width: right.saturating_sub(x), height: bottom.saturating_sub(y) })
        })
        .collect())
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and canvases are far smaller")]
fn whole(value: f64) -> u32 {
    value.round().max(0.0) as u32
}

#[derive(Debug, Serialize)]
struct Taken {
    series: u32,
    frame: u32,
    complete: bool,
    preview: bool,
}

/// What became of a message.
pub fn taken(message: &FrameMessage<'_>, arrival: Arrival) -> String {
    json(&Taken {
        series: message.series,
        frame: message.frame,
        complete: arrival == Arrival::Complete,
        preview: arrival == Arrival::Preview,
    })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StateOut {
    handle: u32,
    index: u32,
    count: u32,
    window: WindowOut,
    table: Option<u32>,
    as_stored: bool,
    inverted: bool,
    zoom_percent: f64,
    fit: bool,
    mm_per_px: Option<f64>,
    letters: Option<LettersOut>,
    scale_bar: Option<ScaleBarOut>,
    position: Option<f64>,
    thickness: Option<f64>,
    ready: bool,
    preview: bool,
}

#[derive(Debug, Serialize)]
struct WindowOut {
    center: f64,
    width: f64,
    function: FunctionName,
}

#[derive(Debug, Serialize)]
struct LettersOut {
    left: String,
    right: String,
    top: String,
    bottom: String,
}

#[derive(Debug, Serialize)]
struct ScaleBarOut {
    px: f64,
    cm: f64,
}

/// The state of a viewport; `null` if it shows no series.
pub fn state(state: Option<State>) -> String {
    json(&state.map(|s| StateOut {
        handle: s.series,
        index: s.index,
        count: s.count,
        window: WindowOut { center: s.window.center, width: s.window.width, function: s.window.function.into() },
        table: s.table,
        as_stored: s.as_stored,
        inverted: s.inverted,
        zoom_percent: s.zoom * 100.0,
        fit: s.fit,
        mm_per_px: s.mm_per_px,
        letters: s.letters.map(|Letters { left, right, top, bottom }| LettersOut { left, right, top, bottom }),
        scale_bar: s.scale_bar.map(|bar| ScaleBarOut { px: bar.px, cm: bar.cm }),
        position: s.position,
        thickness: s.thickness,
        ready: s.arrival != Arrival::Absent,
        preview: s.arrival == Arrival::Preview,
    }))
}

#[derive(Debug, Serialize)]
struct LocatedOut {
    column: f64,
    row: f64,
    inside: bool,
    pixel: Option<[u32; 2]>,
    patient: Option<[f64; 3]>,
    frame: u32,
}

/// What lies under a point; `null` if the viewport shows no series.
pub fn located(located: Option<Located>) -> String {
    json(&located.map(|l| LocatedOut {
        column: l.point[0],
        row: l.point[1],
        inside: l.pixel.is_some(),
        pixel: l.pixel,
        patient: l.patient,
        frame: l.frame,
    }))
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PresentedBoth {
    index: u32,
    center: [f64; 3],
    height: f64,
    voi: VoiBoth,
    inverted: bool,
    flipped: [bool; 2],
    turns: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
enum VoiBoth {
    AsStored,
    Window { center: f64, width: f64, function: FunctionName },
    Table { place: u32 },
}

/// What a viewport shows, for viewports of others; `null` if it shows no series.
pub fn presented(presented: Option<Presented>) -> String {
    json(&presented.map(|p| PresentedBoth {
        index: p.index,
        center: p.field.center,
        height: p.field.height,
        voi: match p.voi {
            Chosen::AsStored => VoiBoth::AsStored,
            Chosen::Window(Window { center, width, function }) => {
                VoiBoth::Window { center, width, function: function.into() }
            }
            Chosen::Table(place) => VoiBoth::Table { place },
        },
        inverted: p.inverted,
        flipped: p.flipped,
        turns: p.turns,
    }))
}

/// Reads what is shown elsewhere.
pub fn to_present(json: &str) -> Result<Presented, serde_json::Error> {
    let PresentedBoth { index, center, height, voi, inverted, flipped, turns } = serde_json::from_str(json)?;
    let voi = match voi {
        VoiBoth::AsStored => Chosen::AsStored,
        VoiBoth::Window { center, width, function } => {
            Chosen::Window(Window { center, width, function: function.into() })
        }
        VoiBoth::Table { place } => Chosen::Table(place),
    };
    Ok(Presented { index, field: Field { center, height }, voi, inverted, flipped, turns })
}

#[derive(Debug, Serialize)]
struct PlaneOut {
    origin: [f64; 3],
    row: [f64; 3],
    column: [f64; 3],
}

/// Where a frame lies in the patient; `null` where it has no geometry.
pub fn plane(plane: Option<Plane>) -> String {
    json(&plane.map(|Plane { origin, row, column, .. }| PlaneOut { origin, row, column }))
}

/// A point of the patient or of the image's pixels; `null` if the viewport shows no series.
pub fn point(point: Option<[f64; 3]>) -> String {
    json(&point)
}

#[derive(Debug, Serialize)]
struct LengthOut {
    value: f64,
    unit: &'static str,
    detector: bool,
}

/// A length. `detector` says that the millimeters are those at the detector, not in the patient.
pub fn length(length: viewer::scene::Length, calibration: Calibration) -> String {
    let unit = match length.unit {
        Unit::Millimeter => "mm",
        Unit::Pixel => "px",
    };
    json(&LengthOut { value: length.value, unit, detector: calibration == Calibration::Detector })
}

/// What the device is.
#[derive(Debug, Serialize)]
pub struct Info {
    /// Backend's name.
    pub backend: String,
    /// Largest side of a 2D texture.
    pub max2d: u32,
    /// Format of the canvas.
    pub format: String,
    /// Adapter's name, as far as the browser tells it.
    pub adapter: String,
}

impl Info {
    /// As JSON.
    pub fn json(&self) -> String {
        json(self)
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("structs of numbers and strings serialize")
}
