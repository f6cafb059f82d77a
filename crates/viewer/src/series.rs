//! What the viewer knows of a series: size, format, geometry and default window. No pixels.

use crate::scene::Raster;
use thiserror::Error;

/// How stored values lie in a message and in a texture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// 8 bit unsigned.
    U8,
    /// 16 bit unsigned.
    U16,
    /// 16 bit signed.
    I16,
    /// Red, green, blue, 8 bit each, ready to show.
    Rgb8,
}

impl Format {
    /// Bytes of one pixel in a message.
    pub fn bytes(self) -> usize {
        match self {
            Format::U8 => 1,
            Format::U16 | Format::I16 => 2,
            Format::Rgb8 => 3,
        }
    }
}

/// VOI LUT Function (PS3.3 C.11.2.1.2 and C.11.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// LINEAR.
    Linear,
    /// LINEAR_EXACT.
    LinearExact,
    /// SIGMOID.
    Sigmoid,
}

/// A window in rescaled values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Window Center.
    pub center: f64,
    /// Window Width.
    pub width: f64,
    /// How values become grey.
    pub function: Function,
}

impl Window {
    /// The same window with a width that its function is defined for: at least 1 for LINEAR
    /// (PS3.3 C.11.2.1.2.1), above 0 for the others (C.11.2.1.3).
    pub fn defined(self) -> Self {
        let least = match self.function {
            Function::Linear => 1.0,
            Function::LinearExact | Function::Sigmoid => 1e-6,
        };
        let center = if self.center.is_finite() { self.center } else { 0.0 };
        let width = if self.width.is_finite() { self.width.max(least) } else { least };
        Self { center, width, function: self.function }
    }
}

/// Distances of neighbouring pixel centers in mm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spacing {
    /// Between rows: the vertical distance, DICOM's first value.
    pub rows: f64,
    /// Between columns: the horizontal distance, DICOM's second value.
    pub columns: f64,
}

/// Where a distance in mm comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calibration {
    /// Pixel Spacing in a plane of the patient.
    Patient,
    /// Pixel Spacing calibrated by the device or by a fiducial.
    Calibrated,
    /// Imager Pixel Spacing: distances at the detector, larger than in the patient.
    Detector,
    /// None: lengths are in pixels.
    None,
}

/// A look-up table of the Modality LUT or VOI LUT Sequence (PS3.3 C.11.1.1, C.11.2.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The first input that is mapped.
    pub first: i32,
    /// The greatest value that an entry may have.
    pub greatest: u16,
    /// Entries; inputs outside take the first or the last.
    pub entries: Vec<u16>,
}

impl Table {
    /// The window over all inputs that the table tells apart: where dragging begins.
    pub fn input_window(&self) -> Window {
        // A table has at most 65,536 entries (PS3.3 C.11.1.1.1), and `min` keeps others within `u32`.
        let count = f64::from(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        Window { center: f64::from(self.first) + count / 2.0, width: count.max(1.0), function: Function::Linear }
    }
}

/// How to read distances in a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Distances of pixels, if known.
    pub spacing: Option<Spacing>,
    /// Where they come from.
    pub calibration: Calibration,
}

/// What the pixels of frames mean beyond slope and intercept. Frames of one kind share it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pixels {
    /// Least and greatest stored value that is no part of the picture (PS3.3 C.7.5.1.1.2).
    pub padding: Option<[i32; 2]>,
    /// The series' table that stands in place of slope and intercept.
    pub modality: Option<u32>,
    /// The series' tables that may stand in place of a window.
    pub voi: Vec<u32>,
    /// Stored without a window: the first of `voi` is what the frame begins with.
    pub begins_with_table: bool,
    /// The frame's own window, where it is not the series'.
    pub window: Option<Window>,
    /// The frame's own polarity, where it is not the series'.
    pub inverted: Option<bool>,
    /// The frame's own scale, where it is not the series'.
    pub scale: Option<Scale>,
}

static PLAIN: Pixels = Pixels {
    padding: None,
    modality: None,
    voi: Vec::new(),
    begins_with_table: false,
    window: None,
    inverted: None,
    scale: None,
};

/// One frame of the stack.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Image Position (Patient): the center of the first pixel, in mm.
    pub position: Option<[f64; 3]>,
    /// Image Orientation (Patient): direction of a row (increasing column) and of a column (increasing row).
    pub orientation: Option<[f64; 6]>,
    /// Slice thickness in mm.
    pub thickness: Option<f64>,
    /// Slope from stored to rescaled value.
    pub slope: f64,
    /// Intercept.
    pub intercept: f64,
    /// Which of the series' `pixels` it has; none of them if there is no such entry.
    pub pixels: u32,
}

/// A series that can be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Names the series in messages and calls.
    pub handle: u32,
    /// Columns of every frame.
    pub columns: u32,
    /// Rows of every frame.
    pub rows: u32,
    /// Format of stored values.
    pub format: Format,
    /// Frames in the order of the stack.
    pub frames: Vec<Frame>,
    /// Distances of pixels, if known.
    pub spacing: Option<Spacing>,
    /// Where `spacing` comes from.
    pub calibration: Calibration,
    /// Window to begin with.
    pub window: Window,
    /// Low values bright (MONOCHROME1).
    pub inverted: bool,
    /// What pixels mean; frames point here.
    pub pixels: Vec<Pixels>,
    /// Look-up tables; `pixels` point here.
    pub tables: Vec<Table>,
}

/// Why a series can't be shown.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SeriesError {
    /// No pixel or no frame.
    #[error("the series has {columns} columns, {rows} rows and {frames} frames")]
    Empty {
        /// Columns.
        columns: u32,
        /// Rows.
        rows: u32,
        /// Frames.
        frames: usize,
    },
    /// Larger than a texture of this device.
    #[error("a frame has {columns} × {rows} pixels, textures end at {limit}")]
    TooLarge {
        /// Columns.
        columns: u32,
        /// Rows.
        rows: u32,
        /// The device's limit.
        limit: u32,
    },
    /// A look-up table that is not there, or empty: without it values would be others.
    #[error("look-up table {0} of the series is missing")]
    Table(u32),
}

impl Series {
    /// What the pixels of a frame mean.
    pub fn pixels(&self, frame: u32) -> &Pixels {
        let pixels = self.frames.get(frame as usize).and_then(|frame| self.pixels.get(frame.pixels as usize));
        pixels.unwrap_or(&PLAIN)
    }

    /// The table of that number, if it has entries.
    pub fn table(&self, number: u32) -> Option<&Table> {
        self.tables.get(number as usize).filter(|table| !table.entries.is_empty())
    }

    /// Whether low values of a frame are bright as it is stored.
    pub fn stored_inverted(&self, frame: u32) -> bool {
        self.pixels(frame).inverted.unwrap_or(self.inverted)
    }

    /// How to read distances in a frame.
    pub fn scale(&self, frame: u32) -> Scale {
        let own = self.pixels(frame).scale;
        own.unwrap_or(Scale { spacing: self.spacing, calibration: self.calibration })
    }

    /// Spacing of a frame as far as it may be used: finite, positive and with a known origin.
    pub fn usable_spacing(&self, frame: u32) -> Option<Spacing> {
        let Scale { spacing, calibration } = self.scale(frame);
        match calibration {
            Calibration::None => None,
            Calibration::Patient | Calibration::Calibrated | Calibration::Detector => {
                spacing.filter(|s| [s.rows, s.columns].iter().all(|d| d.is_finite() && *d > 0.0))
            }
        }
    }

    /// Size and pixel aspect of a frame.
    pub fn raster(&self, frame: u32) -> Raster {
        let aspect = match self.scale(frame).spacing.filter(|s| s.rows.is_finite() && s.columns.is_finite()) {
            Some(s) if s.rows > 0.0 && s.columns > 0.0 => {
                let finer = s.rows.min(s.columns);
                [s.columns / finer, s.rows / finer]
            }
            Some(_) | None => [1.0, 1.0],
        };
        Raster { columns: self.columns, rows: self.rows, aspect }
    }
}
